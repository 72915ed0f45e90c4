"""Every public function of the library, read from its sources; and functions.txt, which says of each what shows it constant in time, or why nothing need.

`unreachable_pub` is denied in Cargo.toml: what is written `pub fn` is public. To these come the functions of traits, public ones and foreign ones, that a type of
the library has, without formatting (fmt, Error), conversion (From), Default and Drop, which take no branch of their own.

    src/file.rs Owner::name = case, case      these cases run it on secrets
    src/file.rs Owner::name ~ other           it draws from the operating system, or waits for a transport, and calls `other`, which has its own row
    src/file.rs Owner::name ! reason          it touches no secret
"""
import pathlib
import re

SKIPPED = re.compile(r"(^|/)(tests|published_vectors)(/|\.rs$)|noise_transcripts\.rs$|pqnoise\.rs$")
UNTRACKED = {"Debug", "Display", "Error", "From", "Default", "Drop"}
HEAD = re.compile(r"^\s*(?:pub(?:\([a-z]+\))? )?(?:unsafe )?(impl\b[^{]*|(?:pub )?trait [^{]*|macro_rules! \w+ |mod tests )\{")
FUNCTION = re.compile(r"^\s*(pub )?(?:const |async |unsafe )*fn (\w+)")
ROW = re.compile(r"^(\S+) (\S+) ([=~!]) (.+)$")


def code(line):
    """The line without what stands in quotes or in a comment, so that its braces are the code's."""
    line = re.sub(r'"(?:\\.|[^"\\])*"', '""', line)
    line = re.sub(r"'(?:\\.|[^'\\])'", "' '", line)
    return line.split("//")[0]


def owner_of(head):
    """The type, the trait or the macro that a block belongs to, and the trait that the type has there."""
    head = head.strip()
    if head.startswith(("macro_rules!", "mod ")):
        return head.split()[-1] + ("!" if head.startswith("macro") else ""), None
    if head.startswith(("trait ", "pub trait ")):
        return re.search(r"trait (\w+)", head)[1], "pub" if head.startswith("pub ") else "private"
    head = head.replace("->", "")
    while "<" in head:
        head = re.sub(r"<[^<>]*>", "", head)
    last = lambda text: re.search(r"([$\w]+|\])\W*$", text.split(" where ")[0])[1]
    trait, _, kind = head.removeprefix("impl").rpartition(" for ")
    return last(kind), last(trait) if trait else None


def functions(root):
    """(file, owner::name, body) of every public function."""
    for path in sorted(pathlib.Path(root, "src").rglob("*.rs")):
        file = path.relative_to(root).as_posix()
        if not SKIPPED.search(file):
            yield from in_file(file, path.read_text().splitlines())


def in_file(file, lines):
    depth, blocks, number = 0, [], 0
    while number < len(lines):
        line = code(lines[number])
        joined = line if "{" in line or not re.match(r"^\s*impl\b", line) else " ".join(code(l).strip() for l in lines[number : number + 4])
        head = HEAD.match(joined)
        if head and "{" in line:
            blocks.append((depth, *owner_of(head[1])))
        found = FUNCTION.match(line)
        if found and wanted(bool(found[1]), blocks):
            owner = "::".join(name if trait in (None, "pub") else f"{name}:{trait}" for _, name, trait in blocks[-1:])
            yield file, f"{owner}::{found[2]}" if owner else found[2], "\n".join(body(lines, number))
        depth += line.count("{") - line.count("}")
        while blocks and depth <= blocks[-1][0]:
            blocks.pop()
        number += 1


def wanted(public, blocks):
    if any(name == "tests" for _, name, _ in blocks):
        return False
    trait = blocks[-1][2] if blocks else None
    return public if trait is None else trait != "private" and trait not in UNTRACKED


def body(lines, start):
    """From the function's line to its closing brace."""
    depth, opened = 0, False
    for line in lines[start:]:
        yield line
        line = code(line)
        depth += line.count("{") - line.count("}")
        opened = opened or "{" in line
        if depth <= 0 and (opened or line.rstrip().endswith(";")):
            return


def table(text):
    rows, wrong = {}, []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            row = ROW.match(line)
            if not row or (row[1], row[2]) in rows:
                wrong.append(f"functions.txt, line {number}: no row, or one that there was: {line}")
            else:
                rows[row[1], row[2]] = (row[3], row[4].strip())
    return rows, wrong


def judge(root, text, cases, harness):
    """What is wrong between the sources, the table, the cases and the harness' own text."""
    found = {}
    for file, name, source in functions(root):
        found[file, name] = found.get((file, name), "") + source
    rows, wrong = table(text)
    wrong += [f"{file} {name}: a public function in no row of functions.txt" for file, name in found if (file, name) not in rows]
    wrong += [f"{file} {name}: a row of functions.txt, and no such function" for file, name in rows if (file, name) not in found]
    for (file, name), (sign, rest) in rows.items():
        short = name.split("::")[-1]
        if sign == "=":
            wrong += [f"{name}: no case is called {case.strip()}" for case in rest.split(",") if case.strip() not in cases]
            if not re.search(rf"\b{short}\b", harness):
                wrong.append(f"{name}: its row names cases, and no line of the harness calls it")
        elif sign == "~" and not calls(root, file, found.get((file, name), ""), rest):
            wrong.append(f"{name}: its row says that it calls {rest}, and it does not")
        elif sign == "~" and not any(other.split("::")[-1] == rest and rows[key][0] in "=~" for key in rows for other in [key[1]]):
            wrong.append(f"{name}: it calls {rest}, which has no case")
    return found, rows, wrong


def calls(root, file, source, target):
    """Whether the function names the target, by itself or through functions of its own module."""
    module = pathlib.Path(root, *pathlib.PurePath(file).parts[:2])
    files = [pathlib.Path(root, file), *sorted(module.with_suffix("").rglob("*.rs"))]
    bodies = {}
    for lines in (path.read_text().splitlines() for path in files if path.exists()):
        for number, line in enumerate(lines):
            if inner := re.match(r"^\s*(?:pub(?:\([a-z]+\))? )?(?:const )?fn (\w+)", line):
                bodies[inner[1]] = bodies.get(inner[1], "") + inside(list(body(lines, number)))
    reached, todo = set(), [inside(source.splitlines())]
    while todo:
        text = todo.pop()
        if re.search(rf"\b{target}\b", text):
            return True
        called = {name for name in re.findall(r"\b(\w+)\(", text) if name in bodies} - reached
        reached |= called
        todo += [bodies[name] for name in called]
    return False


def inside(lines):
    """A function's text without its own name."""
    return re.sub(r"\bfn \w+", "fn", "\n".join(lines), count=1)
