"""Reporting a row, and running a program whose output is wanted."""

import json
import os
import pathlib
import subprocess

TARGET = pathlib.Path("target/evidence-supply").resolve()


def report(row, **result):
    print(f"{row}: {result.get('figure', result.get('value', result.get('holds')))}", flush=True)
    with open(os.environ["EVIDENCE_RESULTS"], "a", encoding="utf-8") as results:
        results.write(json.dumps({"row": row, **result}) + "\n")


def output(*command, folder=None, **environment):
    """What the program writes; its complaints go to the log."""
    done = subprocess.run(command, cwd=folder, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def succeeds(*command, folder=None, **environment):
    return subprocess.run(command, cwd=folder, env=os.environ | environment, check=False).returncode == 0


def first(problems, count=3):
    """Some of them in a sentence; all go to the log."""
    for problem in problems:
        print(f"  {problem}", flush=True)
    return ", ".join(problems[:count]) + (f" and {len(problems) - count} more" if len(problems) > count else "")
