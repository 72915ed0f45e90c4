"""Which commit, and on what kind of machine: figures mean little without."""

import os
import platform
import re
import subprocess
from pathlib import Path


def commit(root):
    """The commit's short name, with + where the tree has changes that are in none."""
    short = output(["git", "-C", str(root), "rev-parse", "--short=12", "HEAD"]) or "no commit"
    changed = output(["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"])
    return short + ("+" if changed else "")


def describe():
    """Processor, cores, memory, system and compiler in one line."""
    cores = len(os.sched_getaffinity(0))
    memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    return f"{processor()}, {cores} cores, {memory} GiB, {system()}, {output(['rustc', '--version'])}"


def processor():
    found = re.search(r"^model name\s*: (.+)$", read("/proc/cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.machine()


def system():
    found = re.search(r'^PRETTY_NAME="(.+)"$', read("/etc/os-release"), re.MULTILINE)
    return found[1] if found else platform.system()


def read(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def output(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
