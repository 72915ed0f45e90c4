"""The second implementation, in Python: it tests itself, and computes every vector of our own again."""

import os
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path("tests/reference")
VENV = pathlib.Path("target/reference-venv")


def python():
    """An interpreter with what the reference needs, at the versions that tests/reference/requirements.txt names."""
    given = os.environ.get("TWINLOCK_PYTHON")
    if given:
        return given
    wanted, stamp = (FOLDER / "requirements.txt").read_text(), VENV / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        print("reference: installing what it needs", flush=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", FOLDER / "requirements.txt"]
        subprocess.run([VENV / "bin/python", *install], check=True)
        stamp.write_text(wanted)
    return str(VENV / "bin/python")


def run(program, *arguments, **environment):
    command = [program, "-u", *map(str, arguments)]
    child = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in child.stdout:
        print(f"  {line.rstrip()}", flush=True)
        lines.append(line)
    return child.wait() == 0, "".join(lines)


def check():
    """How many files it computes to the byte."""
    program, published = python(), str(pathlib.Path("tests/vectors/published").resolve())
    tested, said = run(program, FOLDER / "selftest.py", TWINLOCK_PUBLISHED_VECTORS=published)
    count = re.search(r"Ran (\d+) tests", said)
    agrees, compared = run(program, FOLDER / "vectors.py", "check", "tests/vectors")
    files = compared.count(": as computed")
    itself = f"its own {count[1] if count else 'no'} tests {'pass' if tested else 'FAIL'}"
    skipped = "skipped=" in said
    return {"value": files, "holds": tested and agrees and not skipped, "figure": f"{files} files to the byte; {itself}" + (", some skipped" if skipped else "")}
