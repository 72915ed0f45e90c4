"""Templates of the models: a line that ends with (*? a & !b *) or //? a & !b stands only where a is set and b is not;
{{word}} is filled in."""
import re

MARK = re.compile(r"\s*(?:\(\*\?|//\?) ([a-zA-Z_0-9 &!]+?)(?: \*\))?$")


def holds(condition, flags):
    terms = [t.strip() for t in condition.split("&")]
    return all((t[1:] not in flags) if t.startswith("!") else (t in flags) for t in terms)


def fill(path, flags, words=()):
    """The template with its conditional lines decided and its words filled in."""
    kept = []
    for line in path.read_text().splitlines():
        mark = MARK.search(line)
        if mark is None:
            kept.append(line)
        elif holds(mark.group(1), flags):
            kept.append(line[: mark.start()])
    return re.sub(r"\{\{(\w+)\}\}", lambda m: words[m.group(1)], "\n".join(kept)) + "\n"
