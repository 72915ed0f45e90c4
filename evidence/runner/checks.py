"""Running a check, judging what it reports, and keeping the result.

A row holds, falls short, or was not run here. What should have been reported and was not falls short: a piece that was skipped shows.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from . import machine
from .claims import Problem

HOLDS, FALLS_SHORT, NOT_RUN = "holds", "falls short", "not run here"


@dataclass
class Verdict:
    id: str
    verdict: str
    figure: str


@dataclass
class Result:
    """What one check gave: `verdicts` by row id, and when and of which commit."""

    check: object
    verdicts: dict
    date: str = ""
    commit: str = ""
    seconds: int = 0

    def of(self, row):
        return self.verdicts.get(row.id, Verdict(row.id, NOT_RUN, recorded(row)))

    def falls_short(self):
        return any(each.verdict == FALLS_SHORT for each in self.verdicts.values())


class Store:
    """The last result of each check, in one folder for short runs and one for long ones."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, result):
        content = {"date": result.date, "commit": result.commit, "seconds": result.seconds, "verdicts": [asdict(each) for each in result.verdicts.values()]}
        path = self.folder / f"{result.check.name}.json"
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(content, indent=1))
        fresh.replace(path)

    def get(self, check, mode):
        path = self.folder / f"{check.name}.json"
        if not path.exists():
            return Result(check, {})
        content = json.loads(path.read_text())
        known = {row.id for row in check.rows if runs(row, mode)}
        verdicts = {each["id"]: Verdict(**each) for each in content["verdicts"] if each["id"] in known}
        return Result(check, verdicts, content["date"], content["commit"], content["seconds"])


def runs(row, mode):
    return mode == "long" or row.mode == "short"


def run(check, mode, root, progress):
    """Runs the check's program, showing what it prints, and judges each of its rows."""
    print(f"{progress} {check.title} ({check.name})", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        reports = Path(folder) / "results.jsonl"
        reports.touch()
        status = follow(check, mode, root, reports)
        reported = read_reports(reports)
    seconds = round(time.monotonic() - started)
    verdicts = {row.id: judge(row, reported.get(row.id), status, mode) for row in check.rows if runs(row, mode)}
    unknown = sorted(set(reported) - {row.id for row in check.rows})
    for each in unknown:
        verdicts[each] = Verdict(each, FALLS_SHORT, "reported, but stands in no claim")
    result = Result(check, verdicts, time.strftime("%Y-%m-%d", time.gmtime()), machine.commit(root), seconds)
    print(f"{progress} {check.name}: {summary(result)}, {seconds} s", flush=True)
    return result


def follow(check, mode, root, reports):
    """The program's exit status; its output goes to the terminal, indented, and to a log."""
    log = root / "target" / "evidence" / f"{check.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "EVIDENCE_RESULTS": str(reports), "CARGO_TERM_COLOR": "never", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(check.program), f"--{mode}"]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with log.open("w") as kept, subprocess.Popen(command, cwd=root, env=environment, text=True, errors="replace", **pipes) as child:
        try:
            for line in child.stdout:
                kept.write(line)
                print(f"    {line.rstrip()[:160]}", flush=True)
        except BaseException:
            child.terminate()
            raise
        status = child.wait()
    if status != 0:
        print(f"    ended with status {status}; all of its output: {log.relative_to(root)}", flush=True)
    return status


def read_reports(path):
    """The last report of each row."""
    reports = {}
    for line in path.read_text().splitlines():
        report = json.loads(line)
        reports[report["row"]] = report
    return reports


def judge(row, report, status, mode):
    if report is None:
        return Verdict(row.id, FALLS_SHORT, "no result" if status == 0 else f"no result: the check ended with status {status}")
    if "absent" in report:
        verdict = NOT_RUN if row.optional else FALLS_SHORT
        return Verdict(row.id, verdict, "; ".join(filter(None, [report["absent"], recorded(row)])))
    if row.bound:
        if "value" not in report:
            return Verdict(row.id, FALLS_SHORT, "a bound, but no value was reported")
        holds = row.meets(report["value"], mode) and report.get("holds", True)
    else:
        holds = report.get("holds", False)
    return Verdict(row.id, HOLDS if holds else FALLS_SHORT, figure(row, report))


def figure(row, report):
    value = f"{report['value']:,}" if "value" in report else ""
    return report.get("figure") or f"{value} {row.unit}".strip()


def recorded(row):
    return f"{row.recorded['date']}: {row.recorded['figure']}" if row.recorded else ""


def summary(result):
    counts = [f"{sum(each.verdict == kind for each in result.verdicts.values())} {kind}" for kind in (HOLDS, FALLS_SHORT, NOT_RUN)]
    return ", ".join(each for each in counts if not each.startswith("0 "))


def needed(checks, mode):
    """Each tool once."""
    tools = {}
    for check in checks:
        for need in check.needs:
            if mode == "long" or need["mode"] == "short":
                tools.setdefault(need["tool"], need)
    return tools.values()


def print_needs(checks, mode):
    """Commands that install what the run needs and this machine lacks."""
    lacking = [need for need in needed(checks, mode) if not shutil.which(need["tool"])]
    packages = sorted({package for need in lacking if "apt" in need for package in need["apt"].split()})
    if packages:
        print("apt-get install -y " + " ".join(packages))
    for need in lacking:
        if "cargo" in need:
            print(f"cargo install --locked {need['cargo']}")
    return 0


def require_tools(checks, mode):
    lacking = [need["tool"] for need in needed(checks, mode) if not shutil.which(need["tool"])]
    if lacking:
        flag = " --short" if mode == "short" else ""
        raise Problem(f"{', '.join(lacking)} not found. evidence/run --needs{flag} prints the commands that install what is missing.")
