#!/usr/bin/env python3
"""Writes the models: models/verifpal/*.vp and models/proverif/*.pv, from the templates (*.in) beside them.

    models/generate.py            write them
    models/generate.py --check    say which differ from what the templates give, and end with 1 if one does
    models/generate.py --list     every model with its queries and what is expected of each
"""
import importlib.util
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True


def makers(tool):
    """The scenarios of one tool: models/TOOL/*.py, as modules."""
    for path in sorted((HERE / tool).glob("*.py"), reverse=True):
        spec = importlib.util.spec_from_file_location(f"{path.stem}_{tool}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def models(tool):
    """(path, text, expected) of each model of one tool; see `files` in its modules."""
    suffix, opening, closing = {"verifpal": (".vp", "// ", ""), "proverif": (".pv", "(* ", " *)")}[tool]
    for module in makers(tool):
        for name, text, expected, *rest in module.files():
            first = f"{opening}Made by models/generate.py from models/{tool}/*.in; change those. Scenario: {name}.{closing}\n"
            yield HERE / tool / (name + suffix), first + text, expected, *rest


def stale():
    """Names of the committed files that are not what the generator makes, or that it does not make."""
    names = []
    for tool, pattern in (("verifpal", "*.vp"), ("proverif", "*.pv")):
        made = {path: text for path, text, *_ in models(tool)}
        names += [p.name for p, text in made.items() if not p.exists() or p.read_text() != text]
        names += [p.name for p in (HERE / tool).glob(pattern) if p not in made]
    return names


def main():
    if "--check" in sys.argv:
        wrong = stale()
        print("\n".join(f"{name} is not what models/generate.py makes: run it" for name in wrong) or "the models are what the templates give")
        return 1 if wrong else 0
    for tool in ("verifpal", "proverif"):
        for path, text, expected, *_ in models(tool):
            if "--list" in sys.argv:
                for row, query, result in expected:
                    print(f"{tool:9}{path.stem:30}{row:12}{query}  ->  {result}")
            else:
                path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
