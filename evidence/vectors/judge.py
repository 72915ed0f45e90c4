"""What the tests ran, held against the files and against the table of what is expected."""

import collections
import json
import os
import pathlib
import tomllib

import files

PUBLISHED = pathlib.Path("tests/vectors/published")
OWN = pathlib.Path("tests/vectors")
NOT_RUN = "not run"


def report(row, **result):
    print(f"{row}: {result.get('figure', result.get('value'))}", flush=True)
    with open(os.environ["EVIDENCE_RESULTS"], "a", encoding="utf-8") as results:
        results.write(json.dumps({"row": row, **result}) + "\n")


def expected():
    return tomllib.loads(pathlib.Path("evidence/vectors/expected.toml").read_text(encoding="utf-8"))


def cases(place):
    """The cases that ran, by file; what the tests say does not apply is not among them."""
    ran = collections.defaultdict(set)
    for line in place.read_text(encoding="utf-8").splitlines():
        file, _, outcome, numbers = line.split("\t")
        if not outcome.endswith(NOT_RUN):
            ran[file] |= set(filter(None, numbers.split(",")))
    return ran


def sentence(problems):
    """The first few of them, for a table; all go to the log."""
    for problem in problems:
        print(f"  {problem}", flush=True)
    more = f" and {len(problems) - 2} more" if len(problems) > 2 else ""
    return "; ".join(problems[:2]) + more


def files_without_a_row():
    """A file that is in no row, a row without a file, a row or a README that counts otherwise than the file itself."""
    table, readme = expected()["published"], (PUBLISHED / "README.md").read_text(encoding="utf-8")
    there = {str(path.relative_to(PUBLISHED)) for path in PUBLISHED.rglob("*") if path.is_file()} - {"README.md"}
    problems = [f"{name} has no row" for name in sorted(there - set(table))]
    problems += [f"{name} is not there" for name in sorted(set(table) - there)]
    problems += [f"{name} is not in the README" for name in sorted(there) if f"| {name} |" not in readme]
    for name, row in table.items():
        if name in there and "run" in row:
            holds, counted = files.published(PUBLISHED / name), row["run"] + sum(count for count, _ in row.get("left", []))
            if counted != holds:
                problems.append(f"{name} holds {holds} cases, the row speaks of {counted}")
    figure = f"{len(there)} files, each with its row" if not problems else sentence(problems)
    return {"value": len(problems), "figure": figure}


def published(run):
    """All cases that ran; each file must have given as many as its row says."""
    place, passed = run
    ran, problems = cases(place), []
    rows = {name: row for name, row in expected()["published"].items() if "run" in row}
    for name, row in rows.items():
        if len(ran[name]) != row["run"]:
            problems.append(f"{name}: {len(ran[name])} cases, not {row['run']}")
    if not passed:
        problems.append("a test failed")
    total = sum(len(ran[name]) for name in rows)
    left = sum(count for row in rows.values() for count, _ in row.get("left", []))
    return {"value": total, "holds": not problems, "figure": sentence(problems) or f"{total:,} cases of {len(rows)} files; {left:,} left out by name"}


def own(run):
    """Every entry of every list of our own vectors, but those that the table leaves out."""
    place, passed = run
    ran, left, problems, total = cases(place), expected()["own"]["left"], [], 0
    for path in sorted(OWN.glob("*.json")):
        for name, entries in files.own(path).items():
            name = f"{path.name}#{name}"
            total += len(ran[name])
            wanted = entries - left.get(name, [0])[0]
            if len(ran[name]) != wanted:
                problems.append(f"{name}: {len(ran[name])} entries, not {wanted}")
    if not passed:
        problems.append("a test failed")
    return {"value": total, "holds": not problems, "figure": sentence(problems) or f"{total:,} entries of {len(list(OWN.glob('*.json')))} files"}


def accumulated(runs, wanted, only=None):
    """The fewest runs of any algorithm in any of the builds: nothing but a number that the file has a hash for is ever reported."""
    names = only or expected()["published"]["accumulated/accumulated.json"]["accumulated"]
    least = wanted
    for place, passed in runs.values():
        lines = [line.split("\t") for line in place.read_text(encoding="utf-8").splitlines()]
        found = {outcome: int(number) for file, _, outcome, number in lines if file == "accumulated/accumulated.json"}
        least = min([least if passed else 0, *(found.get(name, 0) for name in names)])
    return {"value": least, "figure": f"{least:,} runs each of {', '.join(names)}, in {len(runs)} build{'s' if len(runs) > 1 else ''}"}
