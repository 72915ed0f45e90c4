"""Mutants that cannot stand behind a switch, one by one, by `cargo mutants` itself: in a copy of the crate with the same folded tests, and nothing planted."""

import json
import os
import re
import shutil
import subprocess

import tree as planted_tree

ROOT = planted_tree.ROOT
WORDS = {"CaughtMutant": "caught", "MissedMutant": "missed", "Unviable": "unviable", "Timeout": "slow"}


def verdict(tree, mutant, tests):
    """What cargo-mutants says of it, with these tests."""
    out = tree / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = ["cargo", "mutants", "--in-place", "--dir", tree, "--output", out, "--baseline=skip", "--timeout=900", "--build-timeout=1800",
               "--no-shuffle", "--file", mutant["file"], "--re", f"^{re.escape(mutant['name'])}$", "--cargo-arg=--lib", "--cargo-arg=--locked", *planted_tree.FEATURES,
               "--", "--", "--exact", *tests]
    done = subprocess.run(command, env={**os.environ, "CARGO_TARGET_DIR": str(planted_tree.BUILD)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    outcomes = json.loads((out / "mutants.out/outcomes.json").read_text())["outcomes"]
    # Some kinds of mutants of the file are run whatever the pattern says.
    mine = [outcome["summary"] for outcome in outcomes if outcome["scenario"] != "Baseline" and outcome["scenario"]["Mutant"]["name"] == mutant["name"]]
    if len(mine) != 1 or mine[0] not in WORDS:
        raise SystemExit(f"cargo mutants gave no verdict on {mutant['name']}:\n{done.stdout}")
    return {"verdict": WORDS[mine[0]]}


def prepare(tree):
    """A copy that cargo-mutants changes and puts right again. It is made anew, since an interrupted run may have left it changed."""
    tree.mkdir(parents=True, exist_ok=True)
    planted_tree.copy(tree, 0)
    (tree / ".cargo").mkdir(exist_ok=True)
    shutil.copy(ROOT / ".cargo/mutants.toml", tree / ".cargo/mutants.toml")
