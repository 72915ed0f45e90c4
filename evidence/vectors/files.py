"""How many cases a file of vectors holds, read from the file itself: what the tests say they ran is held against it."""

import gzip
import json


def read(path):
    stored = path.read_bytes()
    return (gzip.decompress(stored) if path.suffix == ".gz" else stored).decode("utf-8")


def published(path):
    """Cases in a file of tests/vectors/published. Forms: a list, Wycheproof and ACVP, a list by name; CCTV's lines, or one case a text."""
    text = read(path)
    if ".json" not in path.suffixes:
        return len(text.splitlines()) if "modulus" in path.name else 1
    file = json.loads(text)
    if isinstance(file, list):
        return len(file)
    if "testGroups" in file:
        return sum(len(group["tests"]) for group in file["testGroups"])
    return len(next(file[name] for name in ("tests", "vectors", "cases") if name in file))


def hashes(path):
    """The accumulated hashes of a file: `ML-KEM-768: {runs: hash}`, and `ML-DSA: {65: {runs: hash}}`."""
    found = {}
    for name, value in json.loads(read(path)).items():
        if isinstance(value, dict):
            for inner, runs in [(name, value)] + [(f"{name}-{n}", v) for n, v in value.items() if isinstance(v, dict)]:
                numbers = [int(run) for run, digest in runs.items() if run.isdigit() and isinstance(digest, str)]
                found.update({inner: numbers} if numbers else {})
    return found


def own(path):
    """The lists of a file of tests/vectors, by name, and how many entries each has; what stands in an object is `object/name`, one entry unless it is a list."""
    lists = {}
    for name, value in json.loads(read(path)).items():
        if isinstance(value, list):
            lists[name] = len(value)
        elif isinstance(value, dict):
            lists.update({f"{name}/{inner}": len(entries) if isinstance(entries, list) else 1 for inner, entries in value.items()})
    return lists
