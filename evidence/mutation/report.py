"""The figures, and the list of what survives.

    score     caught of viable      a mutant is caught when a test fails, or runs out of time
    excused   survivors that change nothing a caller can see, each with its reason, in excused.toml
    missed    all other survivors
"""

import json
import os
import re
import tomllib
from pathlib import Path

import coverage

MODULES = ["handshake", "symmetric", "channel", "acquaintances", "trust", "keyfile"]
# Every so many planted mutants, one is run by cargo-mutants too.
SAMPLE = 80


def finished(campaign):
    """Runs what is left; the verdict of each mutant by its number."""
    print(f"{len(campaign.mutants)} mutants; what is known of them is kept in {campaign.folder}", flush=True)
    campaign.plant()
    campaign.reach()
    unviable = campaign.unviable()
    others = set(range(len(campaign.mutants))) - campaign.numbers - unviable
    verdicts = campaign.run(campaign.numbers)
    verdicts |= campaign.alone(others, "mutant that cannot be planted")
    verdicts |= {number: {"verdict": "unviable"} for number in unviable}
    return verdicts


def sample(campaign):
    """Mutants that cargo-mutants judges as well: every so many of the planted."""
    return set(sorted(campaign.numbers)[::SAMPLE])


def survivors(campaign, verdicts):
    return {number for number, result in verdicts.items() if result["verdict"] in ("missed", "unreached")}


def described(mutant):
    """File and change, without line and column, which move."""
    return re.sub(r":\d+:\d+: ", ": ", mutant["name"], count=1)


def line_of(mutant):
    """The text of the line that is changed, which tells two equal changes in one function apart."""
    return Path(mutant["file"]).read_text().splitlines()[mutant["span"]["start"]["line"] - 1].strip()


def excused(campaign, alive):
    """The survivors that excused.toml names, and the entries that name none."""
    entries = tomllib.loads(Path("evidence/mutation/excused.toml").read_text())["excused"]
    found, stale = set(), []
    for entry in entries:
        mine = {n for n in alive if described(campaign.mutants[n]) == entry["mutant"] and entry.get("line") in (None, line_of(campaign.mutants[n]))}
        found |= mine
        if len(mine) != entry.get("times", 1):
            stale.append(entry["mutant"])
    return found, stale


def only(campaign, pattern):
    """For those who write tests: just these mutants, and which tests catch them."""
    campaign.plant()
    campaign.reach()
    wanted = {number for number in campaign.numbers if re.search(pattern, campaign.mutants[number]["name"])}
    for number, result in sorted(campaign.run(wanted).items()):
        print(f"{result['verdict']:9} {campaign.mutants[number]['name']}  {' '.join(result['by'][:2])}")


def module(mutant):
    return mutant["file"].removeprefix("src/").split("/")[0].removesuffix(".rs")


def rows(campaign):
    verdicts = finished(campaign)
    viable = {number for number, result in verdicts.items() if result["verdict"] != "unviable"}
    alive = survivors(campaign, verdicts)
    allowed, stale = excused(campaign, alive)
    missed = sorted(alive - allowed)
    for number in missed:
        print(f"  missed: {campaign.mutants[number]['name']}")
    for name in stale:
        print(f"  excused, and not among the survivors: {name}")
    share("mutation.score", len(viable - alive), len(viable))
    share("mutation.excused", len(allowed), len(viable))
    write("mutation.missed", len(missed))
    write("mutation.stale", len(stale))
    for name in MODULES:
        mine = {number for number in viable if module(campaign.mutants[number]) == name}
        share(f"mutation.{name}", len(mine - alive), len(mine))
    agreement(campaign, verdicts, alive)
    lines(campaign)


def lines(campaign):
    """How many of the lines the same tests run."""
    found = coverage.lines({mutant["file"] for mutant in campaign.mutants})
    for name in MODULES:
        mine = [counts for file, counts in found.items() if module({"file": file}) == name]
        all_lines, ran = (sum(counts[part] for counts in mine) for part in (0, 1))
        share(f"mutation.lines_{name}", ran, all_lines)


def agreement(campaign, verdicts, alive):
    """What cargo-mutants itself says of a sample."""
    own = campaign.alone(sample(campaign), "mutant once more, by cargo-mutants itself,")
    apart = [number for number, result in own.items() if (result["verdict"] in ("caught", "slow")) != (number not in alive)]
    for number in apart:
        print(f"  {verdicts[number]['verdict']} here, {own[number]['verdict']} by cargo-mutants: {campaign.mutants[number]['name']}")
    write("mutation.disagreements", len(apart), f"{len(apart)} of {len(own)} looked at twice")


def share(row, part, whole):
    value = round(100 * part / whole, 2) if whole else 0
    write(row, value, f"{value} % ({part} of {whole})")


def write(row, value, figure=None):
    result = {"row": row, "value": value} | ({"figure": figure} if figure else {})
    print(f"  {row}: {figure or value}", flush=True)
    with open(os.environ["EVIDENCE_RESULTS"], "a") as file:
        print(json.dumps(result), file=file)
