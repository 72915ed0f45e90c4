"""The table: on the terminal, and as Markdown for docs/evidence.md."""

import shutil
import textwrap

from .checks import FALLS_SHORT, NOT_RUN

BEGIN, END = "<!-- begin of the table: evidence/run --write makes it -->", "<!-- end of the table -->"

RUNS = {"short": "The short run: rows of the long one read *not run here*.", "long": "The long run."}


def listing(checks):
    for check in checks:
        print(f"{check.name}: {check.title}")
        for row in check.rows:
            bound = f" ({row.bound} {row.unit})".replace(" )", ")") if row.bound else ""
            print(f"    {row.id}, {row.mode}{bound}: {row.claim}")
    return 0


def show(results):
    """One line a row (claim, figure, verdict), those that fall short once more at the end."""
    lines = [(row, result.of(row)) for result in results for row in result.check.rows]
    width = max(60, min(shutil.get_terminal_size((150, 40)).columns, 200))
    left = (width - 16) * 3 // 5
    right = width - 16 - left
    print(f"\n{'claim':{left}}  {'figure':{right}}  verdict")
    for row, verdict in lines:
        claim = textwrap.wrap(row.claim, left)
        shown = textwrap.wrap(verdict.figure + (f" ({row.bound})" if row.bound else ""), right) or [""]
        for number in range(max(len(claim), len(shown))):
            first = verdict.verdict if number == 0 else ""
            print(f"{claim[number] if number < len(claim) else '':{left}}  {shown[number] if number < len(shown) else '':{right}}  {first}".rstrip())
    short = [(row, verdict) for row, verdict in lines if verdict.verdict == FALLS_SHORT]
    held = sum(verdict.verdict not in (FALLS_SHORT, NOT_RUN) for _, verdict in lines)
    print(f"\n{held} hold, {len(short)} fall short, {len(lines) - held - len(short)} not run here")
    for row, verdict in short:
        print(f"falls short: {row.id}: {row.claim} {verdict.figure}")


def markdown(results, mode, machine):
    parts = [f"Machine: {machine}. {RUNS[mode]}"]
    for result in results:
        parts.append(f"### {result.check.title}\n")
        parts.append(when(result, mode))
        parts.append("| claim | made in | row | figure | | what it does not show |\n|---|---|---|---|---|---|")
        parts[-1] += "".join("\n" + line(row, result.of(row)) for row in result.check.rows)
    return "\n\n".join(part.strip() for part in parts) + "\n"


def when(result, mode):
    command = "evidence/run " + ("--short " if mode == "short" else "") + result.check.name
    if not result.date:
        return f"`{command}`: not run here."
    return f"`{command}`, {result.date}, commit {result.commit}, {result.seconds:,} s."


def line(row, verdict):
    bound = f", {row.bound}" if row.bound else ""
    cells = [row.claim, row.section, f"`{row.id}`{bound}", verdict.figure, verdict.verdict, row.beyond]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def write_into(path, content):
    """Replaces what stands between the two marks."""
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n{content}\n{END}{after}")
    print(f"written into {path.name}")


def missing_rows(path, checks):
    """Rows whose claim, section, bound or limit docs/evidence.md does not have as it is."""
    text = path.read_text() if path.exists() else ""
    return [row.id for check in checks for row in check.rows if not all(part in text for part in stable(row))]


def stable(row):
    """What of a row's line does not move from run to run."""
    whole = line(row, _Blank)
    head, _, tail = whole.partition("\0")
    return head, tail.rpartition("\0")[2]


class _Blank:
    figure, verdict = "\0", "\0"
