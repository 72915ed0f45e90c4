#!/usr/bin/env python3
"""The runner must be able to say no: every way in which a check can fail to show its claim turns its row red.

    python3 evidence/selftest.py
"""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

from runner import checks, claims, table  # noqa: E402

ROW = '[[row]]\nid = "toy.{id}"\nclaim = "Claim {id}."\nsection = "README.md"\nbeyond = "Nothing {id}."\nmode = "{mode}"\n{more}\n'


class Runner(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name in ("claims", "checks"):
            (self.root / "evidence" / name).mkdir(parents=True)

    def check(self, body, *rows):
        """A check whose program has this body, with rows (id, mode, more)."""
        text = 'title = "A toy"\n' + "".join(ROW.format(id=each[0], mode=each[1], more=each[2]) for each in rows)
        (self.root / "evidence" / "claims" / "toy.toml").write_text(text)
        program = self.root / "evidence" / "checks" / "toy"
        program.write_text("#!/bin/sh\nsay() { echo \"$1\" >>\"$EVIDENCE_RESULTS\"; }\n" + body + "\n")
        program.chmod(0o755)
        return claims.load(self.root / "evidence")[0]

    def verdicts(self, check, mode="short"):
        with contextlib.redirect_stdout(io.StringIO()):
            result = checks.run(check, mode, self.root, "")
        return {name: each.verdict for name, each in result.verdicts.items()}

    def one(self, body, more="", mode="short"):
        return self.verdicts(self.check(body, ("a", mode, more)), mode)["toy.a"]

    def test_a_value_beyond_its_bound_falls_short(self):
        self.assertEqual(self.one("say '{\"row\": \"toy.a\", \"value\": 29}'", 'bound = ">= 30"'), checks.FALLS_SHORT)
        self.assertEqual(self.one("say '{\"row\": \"toy.a\", \"value\": 30}'", 'bound = ">= 30"'), checks.HOLDS)
        self.assertEqual(self.one("say '{\"row\": \"toy.a\", \"value\": 1}'", 'bound = "== 0"'), checks.FALLS_SHORT)

    def test_a_ratio_of_times_may_be_half_as_much_again_in_the_short_run_alone(self):
        report = "say '{{\"row\": \"toy.a\", \"value\": {}}}'"
        for value, unit, short, long in [
            (0.37, "times an XX", checks.HOLDS, checks.FALLS_SHORT),
            (0.38, "times", checks.FALLS_SHORT, checks.FALLS_SHORT),
            (0.26, "bytes", checks.FALLS_SHORT, checks.FALLS_SHORT),
        ]:
            more = f'bound = "<= 0.25"\nunit = "{unit}"'
            self.assertEqual([self.one(report.format(value), more, mode) for mode in ("short", "long")], [short, long])

    def test_a_row_nobody_reported_falls_short(self):
        self.assertEqual(self.one("true"), checks.FALLS_SHORT)

    def test_a_check_that_died_falls_short(self):
        self.assertEqual(self.one("exit 3"), checks.FALLS_SHORT)

    def test_a_bound_without_a_value_falls_short(self):
        self.assertEqual(self.one("say '{\"row\": \"toy.a\", \"holds\": true}'", 'bound = ">= 30"'), checks.FALLS_SHORT)

    def test_a_report_that_says_nothing_falls_short(self):
        self.assertEqual(self.one("say '{\"row\": \"toy.a\"}'"), checks.FALLS_SHORT)

    def test_the_last_report_of_a_row_counts(self):
        body = "say '{\"row\": \"toy.a\", \"holds\": true}'; say '{\"row\": \"toy.a\", \"holds\": false}'"
        self.assertEqual(self.one(body), checks.FALLS_SHORT)

    def test_only_an_optional_tool_may_be_absent(self):
        absent = "say '{\"row\": \"toy.a\", \"absent\": \"no such tool\"}'"
        self.assertEqual(self.one(absent), checks.FALLS_SHORT)
        self.assertEqual(self.one(absent, 'optional = "tool"'), checks.NOT_RUN)

    def test_a_report_that_stands_in_no_claim_falls_short(self):
        check = self.check("say '{\"row\": \"toy.a\", \"holds\": true}'; say '{\"row\": \"toy.b\", \"holds\": true}'", ("a", "short", ""))
        self.assertEqual(self.verdicts(check), {"toy.a": checks.HOLDS, "toy.b": checks.FALLS_SHORT})

    def test_a_long_row_is_no_part_of_the_short_run(self):
        check = self.check("say '{\"row\": \"toy.a\", \"holds\": true}'", ("a", "short", ""), ("b", "long", ""))
        self.assertEqual(self.verdicts(check), {"toy.a": checks.HOLDS})
        self.assertEqual(self.verdicts(check, "long")["toy.b"], checks.FALLS_SHORT)

    def test_claims_that_cannot_be_judged_are_refused(self):
        for more in ('bound = "about 30"', 'bond = ">= 30"', 'mode = "sometimes"'):
            with self.assertRaises(claims.Problem):
                self.check("true", ("a", "short", more))
        with self.assertRaises(claims.Problem):
            self.check("true", ("a", "short", ""), ("a", "short", ""))

    def test_a_program_without_claims_is_refused(self):
        self.check("true", ("a", "short", ""))
        (self.root / "evidence" / "checks" / "other").write_text("")
        with self.assertRaises(claims.Problem):
            claims.load(self.root / "evidence")

    def test_a_document_without_a_row_is_noticed(self):
        check = self.check("say '{\"row\": \"toy.a\", \"holds\": true}'", ("a", "short", ""))
        document = self.root / "evidence.md"
        document.write_text(f"Before\n{table.BEGIN}\n{table.END}\nAfter\n")
        self.assertEqual(table.missing_rows(document, [check]), ["toy.a"])
        with contextlib.redirect_stdout(io.StringIO()):
            table.write_into(document, table.markdown([checks.run(check, "short", self.root, "")], "short", "this one"))
        self.assertEqual(table.missing_rows(document, [check]), [])
        self.assertTrue(document.read_text().startswith("Before\n") and document.read_text().endswith("After\n"))
        changed = self.check("true", ("a", "short", 'bound = ">= 1"'))
        self.assertEqual(table.missing_rows(document, [changed]), ["toy.a"])

    def test_a_result_is_kept_and_found_again(self):
        check = self.check("say '{\"row\": \"toy.a\", \"holds\": false, \"figure\": \"three\"}'", ("a", "short", ""))
        store = checks.Store(self.root / "kept")
        with contextlib.redirect_stdout(io.StringIO()):
            store.keep(checks.run(check, "short", self.root, ""))
        self.assertTrue(store.get(check, "short").falls_short())
        self.assertEqual(store.get(check, "short").of(check.rows[0]).figure, "three")


if __name__ == "__main__":
    unittest.main()
