"""The library and its own tests as a package without the rest: no benches, no examples, no dependency that only they or the other tests have.

Portable code is another compilation of everything, and this is the half of it that counts. The sources are links to the real ones; versions are those of Cargo.lock.
"""

import os
import pathlib
import shutil
import tomllib

FOLDER = pathlib.Path("target/evidence-vectors/lean")
LINKS = ["src", "tests", "docs", "README.md"]
# What the tests inside src/ use. One that is missing here does not compile, and so shows.
NEEDED = {"clatter", "flate2", "ml-kem", "serde_json", "tempfile", "x-wing"}


def sections(manifest):
    """Cargo.toml by its tables: the first line of each is its header."""
    found = [[]]
    for line in manifest.splitlines(keepends=True):
        if line.startswith("["):
            found.append([])
        found[-1].append(line)
    return found


def lean(section):
    header = section[0].strip() if section else ""
    if header in ("[[bench]]", "[[example]]") or header.startswith("[target."):
        return []
    if header == "[dev-dependencies]":
        return [line for line in section if line.startswith("[") or line.split("=")[0].strip() in NEEDED]
    return section


def make():
    """The folder, made anew but for what cargo would see as changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    manifest = "".join(line for section in sections(pathlib.Path("Cargo.toml").read_text(encoding="utf-8")) for line in lean(section))
    place = FOLDER / "Cargo.toml"
    if not place.exists() or place.read_text(encoding="utf-8") != manifest:
        place.write_text(manifest, encoding="utf-8")
    shutil.copyfile("Cargo.lock", FOLDER / "Cargo.lock")
    for name in LINKS:
        if not (FOLDER / name).exists():
            os.symlink(pathlib.Path(name).resolve(), FOLDER / name)
    return FOLDER


def packages(path):
    return {(each["name"], each["version"], each.get("checksum")) for each in tomllib.loads(path.read_text(encoding="utf-8"))["package"]}


def same_versions():
    """Whether cargo, which took out what is not needed, changed nothing else."""
    return packages(FOLDER / "Cargo.lock") <= packages(pathlib.Path("Cargo.lock"))
