"""The tests as they are run: one by one to see which mutants each reaches, and by the mutant, the cheapest first.

    reach     test -> seconds of CPU, mutants reached        one process a test, no mutant active
    verdict   mutant -> caught (by which tests), slow, missed, unreached

A mutant is caught when a test that passes without it fails with it, or runs out of time (slow). Only tests that reach its switch are run.
"""

import itertools
import os
import re
import resource
import signal
import subprocess
import tempfile
import time

# Tests a process, in this order: most mutants fall to the first few.
BATCHES = [4, 12, 60, 1_000_000]
# CPU seconds that a mutant may cost: the dearest tests are left out where the cheaper ones that reach it take longer together.
BUDGET = 12
# How long a deadlock is waited for, on the clock; what loops is ended by its CPU time.
WALL = 600


def names(program):
    listed = subprocess.run([program, "--list", "--format", "terse"], check=True, stdout=subprocess.PIPE, text=True).stdout
    ignored = subprocess.run([program, "--list", "--format", "terse", "--ignored"], check=True, stdout=subprocess.PIPE, text=True).stdout
    every = [line.removesuffix(": test") for line in listed.splitlines() if line.endswith(": test")]
    return [name for name in every if f"{name}: test" not in ignored.splitlines()]


def run(program, tree, tests, environment, seconds):
    """Runs these tests: whether all passed, or None where they ran out of time; those that failed; seconds of CPU."""
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder, tempfile.TemporaryFile() as output:
        environment = {**os.environ, **environment, "TMPDIR": folder}
        process = subprocess.Popen([program, "--exact", "--test-threads=2", *tests], cwd=tree, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=output, stderr=output, preexec_fn=lambda: limit(seconds))
        status, spent = wait(process)
        output.seek(0)
        text = output.read().decode(errors="replace")
    failed = re.findall(r"^test (\S+)(?: - should panic)? \.\.\. FAILED", text, re.MULTILINE)
    out_of_time = status in (-signal.SIGXCPU, -signal.SIGKILL)
    return (None if out_of_time else status == 0), failed, spent


def limit(seconds):
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 3))
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def wait(process):
    """The exit status, and the seconds of CPU; a process that is stuck is killed."""
    end = time.monotonic() + WALL
    while True:
        pid, status, used = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, used.ru_utime + used.ru_stime
        if time.monotonic() > end:
            process.kill()
            end = float("inf")
        time.sleep(0.01)


def reach(program, tree, test):
    """What one test reaches without a mutant."""
    with tempfile.NamedTemporaryFile("r", prefix="mutation-") as file:
        passed, _, spent = run(program, tree, [test], {"TWINLOCK_REACHED": file.name}, 120)
        reached = sorted({int(line) for line in file.read().split()})
    return {"passed": bool(passed), "seconds": round(spent, 3), "reached": reached}


def reaching(numbers, reached):
    """The tests that reach one of these mutants, the cheapest first, as many as the budget pays, and one at least."""
    costs = {test: seen["seconds"] for test, seen in reached.items() if seen["reached"] & numbers}
    tests = sorted(costs, key=costs.get)
    spent = itertools.accumulate(costs[test] for test in tests)
    return [test for test, so_far in zip(tests, spent) if so_far <= BUDGET] or tests[:1]


def verdict(program, tree, number, reached):
    """`reached`: test -> what it reaches, of those that pass."""
    tests = reaching({number}, reached)
    if not tests:
        return {"verdict": "unreached", "by": [], "seconds": 0}
    spent = 0
    for size in BATCHES:
        batch, tests = tests[:size], tests[size:]
        if not batch:
            break
        expected = sum(reached[test]["seconds"] for test in batch)
        passed, failed, seconds = run(program, tree, batch, {"TWINLOCK_MUTANT": str(number)}, 10 + 5 * expected)
        spent += seconds
        if passed is None:
            return {"verdict": "slow", "by": [], "seconds": round(spent, 2)}
        if not passed:
            return {"verdict": "caught", "by": failed, "seconds": round(spent, 2)}
    return {"verdict": "missed", "by": [], "seconds": round(spent, 2)}
