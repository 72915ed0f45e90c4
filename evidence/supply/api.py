"""The public interface, as cargo-public-api lists it from rustdoc's JSON, against the listings beside this file."""

import difflib
import os
import pathlib

from common import first, output

FOLDER = pathlib.Path("evidence/supply")
FEATURES = {"default": [], "all": ["--all-features"]}


def listed(name):
    """Without blanket implementations, which every type has; with those of Send and Sync, which are a promise too."""
    document = ["cargo", "rustdoc", "--lib", "--locked", *FEATURES[name], "--", "-Z", "unstable-options", "--output-format", "json", "--cap-lints", "warn"]
    output(*document, RUSTDOC=str((FOLDER / "rustdoc").resolve()))
    made = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "doc" / "twinlock.json"
    return output("cargo", "public-api", "--simplified", "--color=never", "--rustdoc-json", str(made))


def check(name):
    place = FOLDER / f"public-api-{name}.txt"
    kept, found = place.read_text(encoding="utf-8"), listed(name)
    lines = difflib.unified_diff(kept.splitlines(), found.splitlines(), lineterm="", n=0)
    changes = [line for line in lines if line[0] in "+-" and not line.startswith(("+++", "---"))]
    if changes:
        print(f"The public interface is not what {place} says. If that is meant, write it into CHANGELOG.md and run evidence/checks/supply --write.", flush=True)
    return {"value": len(changes), "figure": first(changes) or f"{len(kept.splitlines()):,} items"}


def write():
    for name in FEATURES:
        (FOLDER / f"public-api-{name}.txt").write_text(listed(name), encoding="utf-8")
        print(f"{FOLDER}/public-api-{name}.txt written", flush=True)
    return 0
