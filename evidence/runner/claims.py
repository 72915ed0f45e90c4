"""The claims: what evidence/claims/NAME.toml says of the rows that evidence/checks/NAME reports.

    title = "…"
    needs = [{ tool = "valgrind", apt = "valgrind", mode = "short" }]
    [[row]]
    id = "NAME.row"   claim = "…"   section = "…"   beyond = "what it does not show"
    mode = "short" or "long"        bound = ">= 30" and unit = "…", both optional
                                    a unit that begins with "times" is a ratio of times: the short run, which is made on all sorts of machines
                                    and beside other work, lets it be half as much again
    optional = "TOOL"               with recorded = { date = "…", figure = "…" }: where a tool is not to be had
"""

import operator
import re
import tomllib
from dataclasses import dataclass, field

COMPARE = {">=": operator.ge, "<=": operator.le, "==": operator.eq, "<": operator.lt, ">": operator.gt}
REQUIRED = ("id", "claim", "section", "beyond", "mode")
ALLOWED = {*REQUIRED, "bound", "unit", "optional", "recorded"}
SLACK = 1.5


class Problem(Exception):
    """What stands in the way of any run, in words for a person."""


@dataclass
class Row:
    id: str
    claim: str
    section: str
    beyond: str
    mode: str
    bound: str = ""
    unit: str = ""
    optional: str = ""
    recorded: dict = field(default_factory=dict)

    def meets(self, value, mode):
        """Whether `value` keeps the bound."""
        sign, limit = split_bound(self.bound)
        slack = SLACK if mode == "short" and self.is_ratio_of_times() else 1
        return COMPARE[sign](value, limit * slack)

    def is_ratio_of_times(self):
        return self.unit.split(" ")[0] == "times"


@dataclass
class Check:
    name: str
    title: str
    needs: list
    rows: list
    program: object


def split_bound(text):
    match = re.fullmatch(r"(>=|<=|==|<|>) (-?[0-9.]+)", text)
    if not match:
        raise Problem(f"a bound is a comparison and a number, such as '>= 30', not {text!r}")
    return match[1], float(match[2])


def load(folder):
    """Every check, in the order of their names; a claim without a program, and the reverse, is an error."""
    names = {path.stem for path in (folder / "claims").glob("*.toml")}
    programs = {path.name for path in (folder / "checks").iterdir() if path.is_file()}
    if names != programs:
        raise Problem(f"these have claims or a program, but not both: {', '.join(sorted(names ^ programs))}")
    checks = [read(folder, name) for name in sorted(names)]
    ids = [row.id for check in checks for row in check.rows]
    twice = sorted({each for each in ids if ids.count(each) > 1})
    if twice:
        raise Problem(f"rows that stand twice: {', '.join(twice)}")
    return checks


def read(folder, name):
    path = folder / "claims" / f"{name}.toml"
    try:
        content = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise Problem(f"{path}: {error}") from error
    rows = [read_row(path, each) for each in content.get("row", [])]
    if "title" not in content or not rows:
        raise Problem(f"{path}: a title and at least one [[row]] are needed")
    return Check(name, content["title"], content.get("needs", []), rows, folder / "checks" / name)


def read_row(path, content):
    where = f"{path}: row {content.get('id', '?')}"
    missing = [key for key in REQUIRED if not content.get(key)]
    unknown = sorted(set(content) - ALLOWED)
    if missing or unknown:
        raise Problem(f"{where}: lacks {missing}, has unknown {unknown}")
    if content["mode"] not in ("short", "long"):
        raise Problem(f"{where}: mode is short or long")
    if not content["id"].startswith(path.stem + "."):
        raise Problem(f"{where}: its id begins with {path.stem}.")
    row = Row(**content)
    if row.bound:
        sign, _ = split_bound(row.bound)
        if row.is_ratio_of_times() and sign != "<=":
            raise Problem(f"{where}: a ratio of times has a bound above it")
    return row
