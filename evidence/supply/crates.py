"""The crates below: their licences and sources, whether each was reviewed or exempted by name, and the bill of materials."""

import json
import pathlib
import re
import subprocess
import tomllib

from common import TARGET, first, output

# Needs a C compiler, or is an algorithm from before the standards.
NOT_BY_DEFAULT = re.compile(r"^(pqcrypto-[a-z0-9]+|cc|cmake|bindgen|[a-z0-9_-]+-sys)$")


def tree(*options):
    """Names and versions of what is compiled for any system."""
    lines = output("cargo", "tree", "--locked", "--prefix", "none", "--target", "all", "--format", "{p}", *options).splitlines()
    crates = {tuple(line.split()[:2]) for line in lines if line}
    return {(name, version.removeprefix("v")) for name, version in crates if name != "twinlock"}


def locked():
    """Everything in Cargo.lock that comes from elsewhere."""
    packages = tomllib.loads(pathlib.Path("Cargo.lock").read_text(encoding="utf-8"))["package"]
    return [package for package in packages if "source" in package]


def deny(what):
    done = subprocess.run(["cargo", "deny", "--offline", "check", "--hide-inclusion-graph", what], stderr=subprocess.PIPE, text=True, check=False)
    print(done.stderr, end="", flush=True)
    errors = re.findall(r"^error\[([a-z-]+)\]", done.stderr, re.MULTILINE)
    if done.returncode == 0:
        return {"holds": True, "figure": f"{len(locked())} crates"}
    return {"holds": False, "figure": f"cargo deny: {first(sorted(set(errors))) or 'ended with ' + str(done.returncode)}"}


def default_build():
    """The crates of the default build on this system, without those of tests."""
    crates = {line.split()[0] for line in output("cargo", "tree", "--locked", "--edges", "normal,build", "--prefix", "none").splitlines() if line}
    found = sorted(name for name in crates if NOT_BY_DEFAULT.match(name))
    return {"value": len(found), "figure": first(found) or f"none of {len(crates) - 1} crates"}


def store():
    """Name and version to the words that stand there, of supply-chain/: audits of our own, and exemptions."""
    read = lambda name: tomllib.loads(pathlib.Path("supply-chain", name).read_text(encoding="utf-8"))  # noqa: E731
    audits, exemptions = read("audits.toml").get("audits", {}), read("config.toml").get("exemptions", {})
    words = lambda table: {(name, each.get("version")): each.get("notes", "") for name, entries in table.items() for each in entries}  # noqa: E731
    return words(audits), words(exemptions)


def reviewed():
    """Crates of Cargo.lock without an entry, and entries without a reason or without a crate."""
    audits, exemptions = store()
    crates = {(package["name"], package["version"]) for package in locked()}
    problems = [f"{name} {version} has neither audit nor exemption" for name, version in sorted(crates - set(audits) - set(exemptions))]
    problems += [f"{name} {version}: no reason" for (name, version), notes in (audits | exemptions).items() if not notes.strip()]
    problems += [f"{name} {version} is no longer used" for name, version in sorted((set(audits) | set(exemptions)) - crates)]
    return {"value": len(problems), "figure": first(problems) or f"{len(crates)} crates: {len(set(audits))} read by us, {len(set(exemptions))} exempt with a reason"}


def vet():
    """The same by cargo-vet itself, which also looks whether the criteria suit the use."""
    done = subprocess.run(["cargo", "vet", "--locked"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    print(done.stdout, end="", flush=True)
    lines = [line.strip() for line in done.stdout.splitlines() if "Succeeded" in line or "missing" in line]
    return {"holds": done.returncode == 0, "figure": first(lines) or f"cargo vet ended with {done.returncode}"}


def bill_of_materials(copy):
    """A CycloneDX file of the crate with all features, and what of the crate's tree is not in it. It stays in target/."""
    made = copy / "twinlock.cdx.json"
    subprocess.run(["cargo", "cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5", "--all-features", "--target", "all", "--override-filename", "twinlock.cdx"], cwd=copy, check=True)
    bill = json.loads(made.read_text(encoding="utf-8"))
    made.replace(TARGET / made.name)
    listed = {(component["name"], component["version"]) for component in bill["components"]}
    missing = sorted(tree("--all-features", "--edges", "normal") - listed)
    nameless = sorted(component["name"] for component in bill["components"] if not component.get("purl") or not component.get("licenses"))
    problems = [f"{name} {version} is not in it" for name, version in missing] + [f"{name}: no address or licence" for name in nameless]
    return {"value": len(problems), "figure": first(problems) or f"{len(listed)} components, CycloneDX {bill['specVersion']}"}
