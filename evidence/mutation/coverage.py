"""Which lines run at all, beside the mutants: the same tests, built once with `-C instrument-coverage` for this crate alone, read by Debian's LLVM.

A line that runs is not a line that is checked; the mutants are for that. Lines from `#[cfg(test)] mod tests` on are not counted.
"""

import collections
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import alone
import tree as planted_tree

ROOT, WORK = planted_tree.ROOT, planted_tree.WORK
PROFDATA, COV = "llvm-profdata-22", "llvm-cov-22"
TESTS = re.compile(r"^#\[cfg\(test\)\]\n(?:pub\(crate\) )?mod \w+ \{", re.MULTILINE)


def lines(files):
    """File -> lines that can run, lines that ran."""
    tree, raw = WORK / "covered", WORK / "coverage"
    alone.prepare(tree)
    shutil.rmtree(raw, ignore_errors=True)
    program = build(tree)
    # Tests that start themselves by name fail in the folded copy, and are counted for what they ran.
    subprocess.run([program, "--quiet"], cwd=tree, env={**os.environ, "LLVM_PROFILE_FILE": f"{raw}/%p.profraw"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    merged = raw / "all.profdata"
    subprocess.run([PROFDATA, "merge", "-sparse", "-o", merged, *raw.glob("*.profraw")], check=True)
    exported = subprocess.run([COV, "export", "--format=lcov", f"--instr-profile={merged}", program], check=True, stdout=subprocess.PIPE, text=True)
    return counted(exported.stdout, tree, files)


def build(tree):
    command = ["cargo", "rustc", "--locked", *planted_tree.FEATURES, "--lib", "--profile", "test", "--message-format=json", "--quiet", "--", "-C", "instrument-coverage"]
    done = subprocess.run(command, cwd=tree, env={**os.environ, "CARGO_TARGET_DIR": str(planted_tree.BUILD)}, stdout=subprocess.PIPE, check=True, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [m["executable"] for m in messages if m["reason"] == "compiler-artifact" and m["executable"]][-1]


def counted(lcov, tree, files):
    found, file, end = collections.defaultdict(lambda: [0, 0]), None, 0
    for line in lcov.splitlines():
        if line.startswith("SF:"):
            path = Path(line[3:])
            file = str(path.relative_to(tree)) if path.is_relative_to(tree) else None
            file = file if file in files else None
            end = tests_begin(Path(file)) if file else 0
        elif line.startswith("DA:") and file:
            number, count = map(int, line[3:].split(",")[:2])
            if number < end:
                found[file][0] += 1
                found[file][1] += count > 0
                if not count:
                    print(f"  no test runs {file}:{number}")
    return found


def tests_begin(file):
    text = file.read_text()
    match = TESTS.search(text)
    return text[: match.start()].count("\n") + 1 if match else len(text)
