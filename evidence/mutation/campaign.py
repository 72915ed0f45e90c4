"""One campaign: list, plant, build, reach, run. Every step's result is kept under target/evidence-mutation/<state>, and an interrupted run goes on from there.

    <state> is a hash of all that counts: sources, tests, manifests, this package.
"""

import hashlib
import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import alone
import tests
import tree as planted_tree

ROOT, WORK = planted_tree.ROOT, planted_tree.WORK


class Campaign:
    def __init__(self):
        self.folder = WORK / state()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tree = WORK / "tree"
        self.tree.mkdir(exist_ok=True)
        self.mutants = self.kept("mutants.json", listed)
        self.leave_out, self.program = {}, None

    def kept(self, name, make):
        """What was made before, or is made and kept now."""
        place = self.folder / name
        if not place.exists():
            text = json.dumps(make(), indent=1)
            place.with_suffix(".tmp").write_text(text)
            place.with_suffix(".tmp").rename(place)
        return json.loads(place.read_text())

    def plant(self):
        """Plants and builds until the compiler takes it, each time without what it refused."""
        orders = self.kept("orders.json", self.orders)
        self.leave_out = {int(number): why for number, why in orders["leave_out"].items()}
        program = self.folder / "program"
        if not program.exists():
            self.planted(orders["keep_const"])
        self.program = program.resolve()
        self.numbers = set(self.kept("planted.json", lambda: None))

    def orders(self):
        # An early return has another type than the rest of the body, where the signature does not name it.
        leave_out = {number: "impl" for number, mutant in enumerate(self.mutants) if hides_type(mutant)}
        keep_const, rounds = set(), 0
        program = planted_tree.planter()
        while True:
            rounds += 1
            answer = planted_tree.plant(self.tree, program, self.folder / "mutants.json", {"leave_out": leave_out, "keep_const": keep_const})
            print(f"  round {rounds}: {len(answer['planted'])} of {len(self.mutants)} planted; building", flush=True)
            built, errors = planted_tree.build(self.tree)
            if built:
                break
            numbers, constants = planted_tree.to_leave_out(errors, answer)
            leave_out.update(numbers)
            keep_const |= constants
        (self.folder / "planted.json").write_text(json.dumps(answer["planted"]))
        copy_program(built, self.folder / "program")
        return {"leave_out": leave_out, "keep_const": sorted(keep_const)}

    def reach(self):
        """Which tests reach which mutants."""
        place = self.folder / "reach.jsonl"
        known = {name: seen for name, seen in read_lines(place)}
        names = tests.names(self.program)
        left = [name for name in names if name not in known]
        with place.open("a") as file:
            for name, seen in side_by_side("test", left, lambda name: tests.reach(self.program, self.tree, name)):
                known[name] = seen
                print(json.dumps([name, seen]), file=file, flush=True)
        failing = [name for name in names if not known[name]["passed"]]
        print(f"  {len(names) - len(failing)} tests pass in the planted copy; without: {', '.join(failing) or 'none'}", flush=True)
        self.reached = {name: {**known[name], "reached": set(known[name]["reached"])} for name in names if known[name]["passed"]}

    def run(self, wanted):
        """The verdicts of these planted mutants."""
        place = self.folder / "verdicts.jsonl"
        known = dict(read_lines(place))
        left = [number for number in sorted(wanted) if number not in known]
        with place.open("a") as file:
            for number, result in side_by_side("mutant", left, lambda number: tests.verdict(self.program, self.tree, number, self.reached)):
                known[number] = result
                print(json.dumps([number, result]), file=file, flush=True)
                if result["verdict"] not in ("caught", "slow"):
                    print(f"  {result['verdict']}: {self.mutants[number]['name']}", flush=True)
        return {number: known[number] for number in wanted}

    def unviable(self):
        """Function values that the compiler refuses, by its word while planting: the same value is refused as a whole body."""
        return {number for number in self.leave_out if self.mutants[number]["genre"] == "FnValue" and not hides_type(self.mutants[number])}

    def alone(self, wanted, title):
        """The verdicts of cargo-mutants itself."""
        place = self.folder / "alone.jsonl"
        known = dict(read_lines(place))
        left = [number for number in sorted(wanted) if number not in known]
        if left:
            alone.prepare(WORK / "alone")
        with place.open("a") as file:
            for number in progress(title, left):
                which = tests.reaching({number} if number in self.numbers else self.beside(number), self.reached)
                known[number] = alone.verdict(WORK / "alone", self.mutants[number], which)
                print(json.dumps([number, known[number]]), file=file, flush=True)
        return {number: known[number] for number in wanted}

    def beside(self, number):
        """The planted mutants of the same function, or of the same file: whoever reaches them may reach what was not planted."""
        file, function = self.mutants[number]["file"], self.mutants[number]["function"]
        near = {other for other in self.numbers if self.mutants[other]["file"] == file}
        return {other for other in near if function and self.mutants[other]["function"] == function} or near


def hides_type(mutant):
    return mutant["genre"] == "FnValue" and "impl " in mutant["function"]["return_type"]


def state():
    digest = hashlib.sha256()
    files = [*ROOT.glob("src/**/*.rs"), *ROOT.glob("tests/**/*.rs"), *ROOT.glob("evidence/mutation/src/*.rs"), *Path(__file__).parent.glob("*.py")]
    for path in sorted(files) + [ROOT / "Cargo.toml", ROOT / "Cargo.lock", ROOT / ".cargo/mutants.toml"]:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def listed():
    return json.loads(subprocess.run(["cargo", "mutants", "--list", "--json"], check=True, stdout=subprocess.PIPE).stdout)


def copy_program(built, place):
    temporary = place.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    os.link(built, temporary)
    temporary.rename(place)


def read_lines(place):
    return [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []


def side_by_side(what, items, one):
    """Each item with what `one` gives, as they come, a thread a core."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {pool.submit(one, item): item for item in items}
        for done in progress(what, as_completed(waiting), len(items)):
            yield waiting[done], done.result()


def progress(what, items, total=None):
    """Says every ten seconds how far it is, and how long it may take."""
    total = len(items) if total is None else total
    begun = said = time.monotonic()
    for done, item in enumerate(items):
        yield item
        now = time.monotonic()
        if now - said > 10 or done + 1 == total:
            said = now
            left = (now - begun) / (done + 1) * (total - done - 1)
            print(f"  {what} {done + 1} of {total}, about {left / 60:.0f} min left", flush=True)
