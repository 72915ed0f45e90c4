"""The package that is published: which files it has, whether it comes out the same anywhere, and whether it builds by itself."""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile

from common import TARGET, first, output, succeeds

# All that a user of the crate needs, and what its documentation points to.
BELONGS = re.compile(
    r"(Cargo\.(toml|toml\.orig|lock)|README\.md|CHANGELOG\.md|SECURITY\.md|LICENSE-(APACHE|MIT)|"
    r"(src|benches|examples|tests|docs)/.+)"
)
DOES_NOT = re.compile(r"tests/vectors/published/.*|.*(__pycache__|\.pyc$)")
NEEDED = ["Cargo.toml", "Cargo.lock", "README.md", "LICENSE-APACHE", "LICENSE-MIT", "src/lib.rs", "docs/protocol.md"]


def copies():
    """Two copies of what git knows of the working tree: under names of other lengths, at other times, one read by its owner alone."""
    names = output("git", "ls-files", "--cached", "-z").rstrip("\0").split("\0")
    made = [TARGET / "copies" / "one", TARGET / "copies" / "elsewhere" / "and-under-a-longer-name"]
    for number, folder in enumerate(made):
        shutil.rmtree(folder, ignore_errors=True)
        for name in filter(os.path.exists, names):
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, place)
            place.chmod(0o600 if number else 0o644)
            os.utime(place, (10**9 * (number + 1),) * 2)
        # A work tree of its own, so that the one around it has no say.
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return made


def pack(folder, *options):
    """The package's archive."""
    command = ["cargo", "package", "--quiet", "--locked", "--allow-dirty", *options]
    environment = os.environ | {"CARGO_TARGET_DIR": str(folder / "target")}
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return next((folder / "target" / "package").glob("*.crate"))


def files(packed):
    """Files of the package that do not belong there, and files that are missing."""
    with tarfile.open(packed) as archive:
        names = [member.name.split("/", 1)[1] for member in archive.getmembers()]
        size = sum(member.size for member in archive.getmembers())
    odd = [name for name in names if DOES_NOT.fullmatch(name) or not (BELONGS.fullmatch(name) or name == ".cargo_vcs_info.json")]
    problems = [f"{name} does not belong" for name in odd] + [f"{name} is missing" for name in NEEDED if name not in names]
    return {"value": len(problems), "figure": first(problems) or f"{len(names)} files, {size / 1e6:.1f} MB"}


def reproducible(packed):
    """How many different archives the copies gave."""
    hashes = [hashlib.sha256(archive.read_bytes()).hexdigest() for archive in packed]
    return {"value": len(set(hashes)), "figure": f"{hashes[0][:16]}… twice" if len(set(hashes)) == 1 else f"{hashes[0][:16]}… and {hashes[1][:16]}…"}


def builds(copy):
    """The package unpacked and built by itself, with the default features and with all."""
    for options in ([], ["--all-features"]):
        command = ["cargo", "package", "--locked", "--allow-dirty", *options]
        if not succeeds(*command, folder=copy, CARGO_TARGET_DIR=str(TARGET / "package")):
            return {"holds": False, "figure": f"does not build{' with all features' if options else ''}"}
    return {"holds": True, "figure": "with the default features and with all"}
