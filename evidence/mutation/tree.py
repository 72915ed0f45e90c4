"""The copy of the crate in which mutants are planted, and its build.

    tree/src        the sources, with every mutant behind a switch (src/main.rs of this package)
    tree/outside    the quick ones of the integration tests, as modules of the library's own tests: one program to build and to link

The folded tests come through the library's own `extern crate self as twinlock`, so they still see the public interface alone.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path.cwd()
WORK = ROOT / "target/evidence-mutation"
# Of its own: cargo tells one copy of a crate from another by when its files were written alone.
BUILD = WORK / "build"
# Left out: what needs another program (chat, interop), the sources' own text (layering), the documents (costs), an allocator of its own (no_alloc, io_no_alloc), or the wall clock (io).
OUTSIDE = ["acquaintances_store", "acquainted", "api", "hostile", "identity", "keyfile", "known_peers", "migration", "statement_vectors", "statements", "succession", "vectors"]
# Of those whose modules lie in a folder of another name.
FOLDERS = {"acquaintances_store": "acquaintances"}
# With several ranks of suites, or what tells them apart would seem to change nothing.
FEATURES = ["--all-features"]
LINKED = ["docs", "README.md", "examples", "benches"]

SWITCH = """
#[cfg(test)]
mod outside {
    %(outside)s
}
/// Which mutant is active, and which were reached: by the environment.
mod planted {
    extern crate std;
    use std::io::Write;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    static ACTIVE: OnceLock<Option<usize>> = OnceLock::new();
    static REACHED: OnceLock<Option<std::fs::File>> = OnceLock::new();
    static SEEN: [AtomicBool; %(count)d] = [const { AtomicBool::new(false) }; %(count)d];
    pub(crate) fn on(number: usize) -> bool {
        let file = REACHED.get_or_init(|| std::env::var_os("TWINLOCK_REACHED").map(|path| std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap()));
        if let Some(mut file) = file.as_ref().filter(|_| !SEEN[number].swap(true, Ordering::Relaxed)) {
            file.write_all(std::format!("{number}\\n").as_bytes()).unwrap();
        }
        *ACTIVE.get_or_init(|| std::env::var("TWINLOCK_MUTANT").ok().map(|number| number.parse().unwrap())) == Some(number)
    }
}
"""


def copy(tree, count):
    """A fresh copy, not planted yet, but with the folded tests."""
    for name in ["src", "outside"]:
        shutil.rmtree(tree / name, ignore_errors=True)
    (tree / "outside").mkdir(parents=True)
    (tree / "tests").mkdir(exist_ok=True)
    for name in LINKED:
        link(ROOT / name, tree / name)
    for name in ["tests", "outside"]:
        link(ROOT / "tests/vectors", tree / name / "vectors")
    for name in ["support", "acquaintances"]:
        link(ROOT / "tests" / name, tree / "tests" / name)
    shutil.copytree(ROOT / "src", tree / "src", copy_function=shutil.copyfile)
    without_vectors_of_primitives(tree / "src/crypto/published_vectors.rs")
    for name in ["Cargo.toml", "Cargo.lock"]:
        shutil.copy(ROOT / name, tree / name)
    shutil.copytree(ROOT / "tests/support", tree / "outside/support", copy_function=shutil.copyfile)
    for name in OUTSIDE:
        fold(tree, name)
    modules = "\n    ".join(f'#[path = "{tree}/outside/{name}.rs"]\n    mod {name};' for name in OUTSIDE)
    library = tree / "src/lib.rs"
    library.write_text("#![allow(warnings)]\n" + library.read_text() + SWITCH % {"outside": modules, "count": count})


def without_vectors_of_primitives(file):
    """They are many, and reach no mutant; what other tests use of them stays."""
    file.write_text(re.sub(r'^(#\[cfg\(feature = "\w+"\)\]\n)?mod (?!ran;)\w+;$', "", file.read_text(), flags=re.MULTILINE))


def link(target, place):
    if not place.is_symlink():
        place.symlink_to(target)


def fold(tree, name):
    """One integration test, whose own root is a module now."""
    files = [ROOT / f"tests/{name}.rs", *(ROOT / "tests" / FOLDERS.get(name, name)).glob("*.rs")]
    for file in files:
        place = tree / "outside" / file.relative_to(ROOT / "tests")
        place.parent.mkdir(exist_ok=True)
        place.write_text(re.sub(r"(?<![$\w])crate::", f"crate::outside::{name}::", file.read_text()))


def planter():
    """Builds the planter, and gives its path."""
    package = Path(__file__).parent
    subprocess.run(["cargo", "build", "--locked", "--quiet", "--manifest-path", package / "Cargo.toml", "--target-dir", WORK / "planter"], check=True)
    return WORK / "planter/debug/twinlock-mutation"


def plant(tree, program, mutants, orders):
    """Plants what the orders leave; gives the planter's answer."""
    copy(tree, len(json.loads(mutants.read_text())))
    # The first line of lib.rs is ours: the planter works on the sources as cargo-mutants saw them.
    library = tree / "src/lib.rs"
    ours = library.read_text()
    shutil.copyfile(ROOT / "src/lib.rs", library)
    place = tree / "orders.json"
    place.write_text(json.dumps({name: sorted(value) for name, value in orders.items()}))
    answer = json.loads(subprocess.run([program, tree, mutants, place], check=True, stdout=subprocess.PIPE).stdout)
    pristine = (ROOT / "src/lib.rs").read_text()
    library.write_text(ours.replace(pristine, library.read_text()))
    answer["lines"]["src/lib.rs"] = [[first + 1, last + 1, number] for first, last, number in answer["lines"]["src/lib.rs"]]
    return answer


def build(tree):
    """Builds the tests: their program, or the compiler's errors."""
    command = ["cargo", "test", "--locked", *FEATURES, "--lib", "--no-run", "--message-format=json", "--quiet"]
    done = subprocess.run(command, cwd=tree, env={**os.environ, "CARGO_TARGET_DIR": str(BUILD)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    errors = [m["message"] for m in messages if m["reason"] == "compiler-message" and m["message"]["level"] == "error"]
    programs = [m["executable"] for m in messages if m["reason"] == "compiler-artifact" and m["executable"] and m["profile"]["test"]]
    if done.returncode and not errors:
        raise SystemExit(f"the planted tree does not build:\n{done.stderr}")
    return (programs[-1] if programs and not errors else None), errors


def to_leave_out(errors, answer):
    """What the compiler's errors are about: mutants that do not compile, and functions that must stay constant."""
    numbers, constants = {}, set()
    for error in errors:
        if (error["code"] or {}).get("code") == "E0015":
            constants.update(re.findall(r"`[^`]*?(\w+)`", error["message"])[:1])
            continue
        # An arm that was not enough any more stands behind the beginning of its match.
        after = (error["code"] or {}).get("code") == "E0004"
        for span in sorted(error["spans"], key=lambda span: not span["is_primary"]):
            marks, line = answer["lines"].get(span["file_name"], []), span["line_start"]
            found = [number for first, last, number in marks if first <= line <= last or after and line < first]
            if found:
                numbers[found[0] if after else found[-1]] = error["message"]
                break
        else:
            if error["spans"]:
                print(error["rendered"])
    if not numbers and not constants:
        raise SystemExit("the planted tree does not build, and the errors are about no mutant")
    return numbers, constants
