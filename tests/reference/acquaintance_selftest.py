"""The part of selftest.py about bundles, IK, resume and their records (sections 4.6, 6.7 and 6.8). `python selftest.py` runs it too."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import acquaintance_vectors as av
import acquaintances as aq
import bundle_vectors
import state
import twinlock as tl
import vectors

__all__ = ["Acquainted", "Bundles", "BundleRecords", "Resumed", "TalkAgain"]

HERE = pathlib.Path(__file__).resolve().parent
NOW, PROLOGUE, ONE = av.NOW, av.PROLOGUE, av.ONE
ALL = tuple(tl.PATTERN_IDS)


class Ends:
    """Alice, who opens, and Bob, who answers, with what each keeps."""

    def __init__(self, suite=tl.DEFAULT_SUITE, psk=None, accepts=True):
        self.suite, self.psk = suite, psk
        self.alice, self.bob = aq.Book(), aq.Book()
        self.alice.add_static(av.static("alice", suite))
        self.bob.add_static(av.static("bob", suite))
        self.alice.take(av.bundle("bob", suite), NOW)
        self.bob.take(av.bundle("alice", suite), NOW)
        self.accepts = accepts

    def responder(self, early_data=False, book=None):
        config = tl.ResponderConfig(PROLOGUE, av.who("bob", self.suite), lambda _: self.accepts, ALL, (self.suite,),
                                    psks=(self.psk,) if self.psk else ())
        return aq.Responder(config, book or self.bob, NOW, av.decoys(self.suite), early_data)

    def acquainted(self, own=None):
        return aq.AcquaintedInitiator(PROLOGUE, lambda _: True, own or av.static("alice", self.suite), av.bundle("bob", self.suite), NOW, self.psk)

    def run(self, initiator, responder, change=lambda number, frame: frame, early=None):
        responder.read_1(change(1, initiator.write_1(*[early] if early else [])))
        initiator.read_2(change(2, responder.write_2(b"payload")))
        if initiator.messages_left:
            responder.read_3(change(3, initiator.write_3()))
        return initiator.session, responder.session

    def meet(self):
        """A conversation in IK, which both sides remember."""
        one, other = self.run(self.acquainted(), self.responder())
        self.remember(one, other)
        return one, other

    def remember(self, one, other):
        self.alice.keep(aq.resumption_of(one, NOW), NOW)
        self.bob.keep(aq.resumption_of(other, NOW), NOW)

    def resuming(self, book=None):
        record = self.alice.newest_record(av.bundle("bob", self.suite).fingerprint, tl.SUITES[self.suite], NOW)
        return aq.ResumeInitiator(book or self.alice, record, PROLOGUE, self.suite, lambda _: True, NOW, self.psk)


class Bundles(unittest.TestCase):
    def test_sizes(self):
        """Section 4.6 and the table of section 6.2."""
        for suite, sizes in {0x0001: (6591, 2406, 2273, 1254, 1137), 0x0003: (6591, 2406, 2273, 1254, 1137),
                             0x0002: (9103, 3400, 3363, 1703, 1682), 0x7E03: (6575, 2406, 2273, 1254, 1137)}.items():
            suite = tl.SUITES[suite]
            found = [tl.body_bounds(suite, pattern, number)[0] for pattern in ("IK", "resume") for number in (1, 2)]
            self.assertEqual((tl.bundle_size(suite), *found), sizes)
            self.assertEqual(tl.body_bounds(suite, "IKpsk0", 1), (sizes[1] + 16,) * 2)
            self.assertEqual(len(av.bundle("alice", suite.id).body), sizes[0])

    def test_every_region_of_a_bundle_is_protected(self):
        body = av.bundle("alice").body
        for index in (0, 1, 2, 1953, 1954, 1985, 1986, 3169, 3170, 3201, 3202, 3209, 3210, 3217, 3218, 6526, 6527, 6590):
            with self.assertRaises(tl.TwinlockError, msg=str(index)):
                tl.bundle_read(vectors.flipped(body, index))

    def test_two_signatures_of_one_content_are_one_bundle(self):
        one = av.bundle("alice")
        other = tl.bundle_make(one.suite, av.who("alice", 1), one.ek, one.not_before, one.not_after)
        self.assertNotEqual(one.body, other.body)
        self.assertEqual(one.reference, other.reference)
        book = aq.Book()
        self.assertEqual((book.take(one, NOW), book.take(other, NOW)), (True, False))

    def test_round_3_is_named(self):
        body = av.bundle("alice", vectors.ROUND3).body
        with self.assertRaises(tl.Malformed):
            tl.bundle_read(body)
        self.assertEqual(tl.bundle_read(body, (vectors.ROUND3,)).body, body)

    def test_an_owner_holds_two(self):
        book, alice = aq.Book(), av.who("alice", 1)
        for number in range(3):
            newest = book.issue(1, alice, NOW - 100 + number, NOW + 100)
        self.assertEqual([s.bundle.not_before for s in book.static_keys(tl.SUITES[1], NOW)], [NOW - 98, NOW - 99])
        with self.assertRaises(tl.Misuse):
            book.issue(1, alice, newest.bundle.not_before, NOW + 200)

    def test_a_static_key_goes_with_its_own_bundle_alone(self):
        with self.assertRaises(tl.Malformed):
            aq.StaticKey(av.static("alice").secret, av.bundle("bob"))


class Acquainted(unittest.TestCase):
    """IK and IKpsk0."""

    def test_both_roles_agree(self):
        for suite in tl.SUITES:
            for psk in (None, ONE):
                ends = Ends(suite, psk)
                one, other = ends.meet()
                names = ("i2r", "r2i", "exporter", "resume", "handshake_hash")
                self.assertEqual([getattr(one, name) for name in names], [getattr(other, name) for name in names])
                self.assertEqual((one.peer, other.peer), (av.bundle("bob", suite).identity, av.bundle("alice", suite).identity))
                sending, receiving = one.channel(), other.channel()
                self.assertEqual(receiving.receive(sending.end(b"text")).content, b"text")
                self.assertEqual(sending.receive(receiving.end(b"back")).content, b"back")

    def test_every_byte_of_some_fields_is_protected(self):
        """The last byte of each field; the outcome classes of single ones stand in the vectors."""
        for psk in (None, ONE):
            tag = 16 if psk else 0
            regions = {1: [2, 2, 1, 1, 2, 1184, 32, 1088, 32, tag, 32, 16, 16], 2: [2, 1, 1088, 32, 1088, 32, 16, 7, 16], 3: [2, 3, 16]}
            for number, sizes in regions.items():
                for end in {sum(sizes[:count]) for count in range(1, len(sizes) + 1)}:
                    self.check_tampering(Ends(psk=psk), number, end - 1)

    def check_tampering(self, ends, number, index):
        initiator, responder = ends.acquainted(), ends.responder()
        with self.assertRaises(tl.TwinlockError, msg=f"message {number}, byte {index}"):
            ends.run(initiator, responder, lambda n, frame: vectors.flipped(frame, index) if n == number else frame)
        self.assertIsNone(responder.session)
        self.assertTrue(initiator.session is None or number == 3)

    def test_nobody_is_named_before_confirm(self):
        ends = Ends()
        initiator, responder = ends.acquainted(), ends.responder()
        responder.read_1(initiator.write_1())
        initiator.read_2(responder.write_2())
        self.assertEqual((responder.peer, responder.session, initiator.session), (None, None, None))

    def test_a_stranger_sees_no_difference(self):
        """A stranger copies Alice's reference: whether Bob knows her, the answer has one length and does not open."""
        ends, lengths = Ends(), set()
        for known in (True, False):
            if not known:
                ends.bob.bundles.clear()
            stranger = ends.acquainted()
            stranger._own = type("Stranger", (), {"bundle": av.bundle("alice"), "key": lambda _: av.static("carol").key()})()
            responder = ends.responder()
            responder.read_1(stranger.write_1())
            reply = responder.write_2()
            self.assertEqual(responder.decoy, not known)
            lengths.add((len(reply), reply[:3]))
            with self.assertRaises(tl.Failed):
                stranger.read_2(reply)
        self.assertEqual(len(lengths), 1)

    def test_one_s_own_message_does_not_come_back(self):
        """Alice answers her own first message, which was for Bob."""
        ends = Ends()
        initiator = ends.acquainted()
        with self.assertRaises(tl.Declined) as caught:
            ends.responder(book=ends.alice).read_1(initiator.write_1())
        self.assertEqual(caught.exception.answer, b"\0\1\5")

    def test_two_programs_of_one_owner_may_talk(self):
        ends = Ends()
        ends.bob.take(av.bundle("bob"), NOW)
        one, other = ends.run(ends.acquainted(own=av.static("bob")), ends.responder())
        self.assertEqual(one.peer, other.peer)

    def test_no_key_and_nonce_come_twice(self):
        """In all of a run of IK, IKpsk0 and resume, also where a responder tries keys."""
        used, seal = [], tl.Aead.seal

        def noted(aead, key, counter, ad, plaintext):
            used.append((key, counter))
            return seal(aead, key, counter, ad, plaintext)

        tl.Aead.seal = noted
        try:
            for psk in (None, ONE):
                ends = Ends(psk=psk)
                one, other = ends.meet()
                one.channel().end(b"first")
                other.channel().end(b"first")
                ends.run(ends.resuming(), ends.responder())
        finally:
            tl.Aead.seal = seal
        self.assertEqual(len(used), len(set(used)))
        self.assertEqual(len(used), 19)

    def test_a_bundle_that_is_not_valid_is_not_used(self):
        for own, peer in (("alice ended", "bob"), ("alice early", "bob"), ("alice", "alice ended")):
            with self.assertRaises(tl.Misuse):
                aq.AcquaintedInitiator(PROLOGUE, lambda _: True, av.static(own), av.bundle(peer), NOW)

    def test_the_one_that_was_delivered_is_used(self):
        book, suite, peer = aq.Book(), tl.SUITES[1], av.bundle("bob").fingerprint
        book.add_static(av.static("alice older"))
        book.add_static(av.static("alice"))
        self.assertIsNone(book.delivered_static(peer, suite, NOW))
        book.mark_delivered(peer, suite, av.bundle("alice older").reference)
        self.assertIs(book.delivered_static(peer, suite, NOW), av.static("alice older"))
        book.mark_delivered(peer, suite, av.bundle("alice").reference)
        self.assertIs(book.delivered_static(peer, suite, NOW), av.static("alice"))
        self.assertIsNone(book.delivered_static(b"somebody else", suite, NOW))


class Resumed(unittest.TestCase):
    def test_again_and_again(self):
        for suite in tl.SUITES:
            for psk in (None, ONE):
                ends = Ends(suite, psk)
                ends.meet()
                ids = set()
                for _ in range(3):
                    one, other = ends.run(ends.resuming(), ends.responder(True), early=b"early")
                    self.assertEqual((one.resume, one.peer), (other.resume, tl.Remembered(av.bundle("bob", suite).fingerprint)))
                    ends.remember(one, other)
                    ids |= set(ends.alice.records)
                self.assertEqual(len(ids), 3)
                record = aq.resumption_of(one, NOW + 1000)
                self.assertEqual(record.not_after, NOW + aq.RESUMPTION_SECONDS)

    def test_every_field_is_protected(self):
        for number, sizes in {1: [2, 2, 1, 1, 2, 16, 1184, 32, 5, 16], 2: [2, 1, 1088, 32, 7, 16]}.items():
            for count in range(1, len(sizes) + 1):
                ends = Ends()
                ends.meet()
                initiator, responder, index = ends.resuming(), ends.responder(True), sum(sizes[:count]) - 1
                with self.assertRaises(tl.TwinlockError, msg=f"message {number}, byte {index}"):
                    ends.run(initiator, responder, lambda n, f: vectors.flipped(f, index) if n == number else f, b"early")
                self.assertIsNone(initiator.session)
                self.assertEqual(bool(ends.bob.records), number == 1)
                self.assertFalse(ends.alice.records)

    def test_a_record_is_used_once(self):
        ends = Ends()
        ends.meet()
        record = next(iter(ends.alice.records.values()))
        first = ends.resuming()
        with self.assertRaises(tl.Misuse):
            aq.ResumeInitiator(ends.alice, record, PROLOGUE, 1, lambda _: True, NOW)
        frame = first.write_1()
        ends.responder().read_1(frame)
        for reports in (1, 1):
            with self.assertRaises(tl.Declined):
                ends.responder().read_1(frame)
            self.assertEqual(len(ends.bob.reports), reports)

    def test_one_store_for_both_ends(self):
        ends = Ends()
        ends.bob = ends.alice
        ends.bob.add_static(av.static("bob"))
        one, other = ends.run(aq.AcquaintedInitiator(PROLOGUE, lambda _: True, av.static("alice"), av.bundle("bob"), NOW), Ends().responder())
        ends.remember(one, other)
        self.assertEqual(len(ends.alice.records), 2)
        ends.run(ends.resuming(), ends.responder())
        self.assertFalse(ends.alice.records)

    def test_the_side_that_answered_does_not_open(self):
        ends = Ends()
        ends.meet()
        with self.assertRaises(tl.Misuse):
            aq.ResumeInitiator(ends.bob, next(iter(ends.bob.records.values())), PROLOGUE, 1, lambda _: True, NOW)

    def test_the_peer_is_judged_before_the_record_is_used(self):
        ends = Ends()
        ends.meet()
        with self.assertRaises(tl.NotAcceptable):
            aq.ResumeInitiator(ends.alice, next(iter(ends.alice.records.values())), PROLOGUE, 1, lambda _: False, NOW)
        self.assertTrue(ends.alice.records)

    def test_what_does_not_fit(self):
        for change in ({"prologue": b"another"}, {"suite": 3}, {"psk": ONE}, {"now": NOW + aq.RESUMPTION_SECONDS}):
            ends = Ends()
            ends.meet()
            options = {"prologue": PROLOGUE, "suite": 1, "acceptable": lambda _: True, "now": NOW} | change
            with self.assertRaises(tl.Misuse, msg=str(change)):
                aq.ResumeInitiator(ends.alice, next(iter(ends.alice.records.values())), **options)
            self.assertTrue(ends.alice.records)

    def test_it_is_removed_from_the_file_before_it_is_sent(self):
        with tempfile.TemporaryDirectory() as folder:
            ends, path = Ends(), pathlib.Path(folder) / "state.json"
            ends.meet()
            book = state.FileBook(path)
            book.add_static(av.static("alice"))
            book.take(av.bundle("bob"), NOW)
            book.mark_delivered(av.bundle("bob").fingerprint, tl.SUITES[1], av.bundle("alice").reference)
            book.keep(next(iter(ends.alice.records.values())), NOW)
            again = state.FileBook(path)
            self.assertEqual((again.records, again.bundles, again.delivered, again.latest),
                             (book.records, book.bundles, book.delivered, book.latest))
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            ends.resuming(again)
            self.assertEqual(json.loads(path.read_text())["records"], [])
            self.assertEqual(list(state.FileBook(path).removed), list(book.records))


class BundleRecords(unittest.TestCase):
    def test_bundles_of_both_sides_in_a_channel(self):
        for suite in tl.SUITES:
            one, other = Ends(suite).meet()
            one, other = one.channel(), other.channel()
            for sender, reader, short in ((one, other, "alice"), (other, one, "bob")):
                self.assertEqual(reader.receive(sender.bundle(av.bundle(short, suite))).bundle, av.bundle(short, suite))

    def test_the_peer_remembered_in_resume_sends_bundles(self):
        ends = Ends()
        ends.meet()
        one, other = ends.run(ends.resuming(), ends.responder())
        self.assertTrue(other.channel().receive(one.channel().bundle(av.bundle("alice"))).bundle)
        with self.assertRaises(tl.Fatal):
            other.channel().receive(one.channel().bundle(av.bundle("carol")))

    def test_what_may_not_be_sent(self):
        one = Ends().meet()[0].channel()
        with self.assertRaises(tl.Misuse):
            one.bundle(av.bundle("alice", 3))
        for _ in range(32):
            one.key_update()
        with self.assertRaises(tl.Misuse):
            one.bundle(av.bundle("alice"))
        one.end()
        one.bundle(av.bundle("alice"))
        one.close()
        with self.assertRaises(tl.Misuse):
            one.bundle(av.bundle("alice"))

    def test_deliveries(self):
        """The scripts of the vectors, whose assertions are in their making."""
        self.assertGreater(sum(case["delivered"] for case in bundle_vectors.delivery_cases()), 3)


class TalkAgain(unittest.TestCase):
    """talk.py in its new patterns."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def keys(self, suite):
        """Two files with identities, and their fingerprints."""
        paths = [self.folder / f"{suite}-{name}.pem" for name in ("alice", "bob")]
        for path, name in zip(paths, ("alice", "bob")):
            if not path.exists():
                tl.create_secret_file(path, tl.secret_write(av.who(name, suite)))
        return paths, [tl.fingerprint_write(av.who(name, suite).public.fingerprint()) for name in ("alice", "bob")]

    def converse(self, listener, connecter, suite=tl.DEFAULT_SUITE):
        """Exit statuses and outputs of the listener and of the connecter."""
        paths, prints = self.keys(suite)
        common = ["--suite", hex(suite), "--timeout", "30"]
        answering = self.start("listen", "--identity", paths[1], "--peer", prints[0], *common, *listener)
        port = answering.stdout.readline().rpartition(":")[2].strip()
        opening = self.start("connect", "127.0.0.1", port, "--identity", paths[0], "--peer", prints[1], *common, *connecter)
        outputs = [process.communicate(timeout=90) for process in (answering, opening)]
        return [answering.returncode, opening.returncode], "".join(outputs[0]), "".join(outputs[1])

    def start(self, *arguments):
        return subprocess.Popen([sys.executable, HERE / "talk.py", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                encoding="utf-8")

    def test_four_conversations_of_two_processes(self):
        allowed = ("--allow", "XX", "--allow", "IK", "--allow", "resume", "--conversations", 4, "--keep", "--bundle", "--early-data")
        opened = ("--open", "XX", "--open", "IK", "--open", "resume", "--open", "resume", "--keep", "--bundle", "--early", "first")
        for suite, psk in ((0x0001, ()), (0x0001, ("--psk", ONE.hex())), (0x0003, ()), (0x0002, ()), (0x7E03, ())):
            codes, listener, connecter = self.converse((*psk, *allowed, "--say", "one", "--expect", 1),
                                                       (*psk, *opened, "--say", "two", "--expect", 1, "--rekey"), suite)
            self.assertEqual(codes, [0, 0], (listener, connecter))
            patterns = [line.partition(" ")[2] for line in listener.splitlines() if line.startswith("pattern")]
            self.assertEqual(patterns, ["XXpsk0", "IKpsk0", "resume", "resume"] if psk else ["XX", "IK", "resume", "resume"])
            self.assertEqual([output.count(line) for output, line in ((listener, "text: two"), (connecter, "text: one"),
                                                                      (listener, "early: first"), (connecter, "rekeyed"))], [4, 4, 2, 4])
            self.assertEqual([output.count("bundle delivered") for output in (listener, connecter)], [1, 1])

    def test_what_is_kept_in_files(self):
        states = [("--state", self.folder / name, "--bundle", "--keep") for name in ("listener.json", "connecter.json")]
        for pattern in ("XX", "IK", "resume"):
            codes, *outputs = self.converse((*states[0], "--allow", pattern, "--expect", 1), (*states[1], "--open", pattern, "--say", "text"))
            self.assertEqual(codes, [0, 0], outputs)

    def test_a_record_that_only_one_side_has(self):
        """The responder refuses it; with --go-on the initiator opens in IK."""
        states = [("--state", self.folder / name, "--bundle") for name in ("listener.json", "connecter.json")]
        codes, *outputs = self.converse(states[0], (*states[1], "--keep"))
        self.assertEqual(codes, [0, 0], outputs)
        codes, listener, connecter = self.converse((*states[0], "--allow", "IK", "--allow", "resume", "--conversations", 2, "--go-on", "--expect", 1),
                                                   (*states[1], "--open", "resume", "--open", "IK", "--go-on", "--say", "text"))
        self.assertEqual(codes, [0, 0], (listener, connecter))
        self.assertIn("failed: refused", connecter)
        self.assertIn("pattern: IK", connecter)

    def test_a_copied_store(self):
        """What was used once is refused when a copy of the store uses it again, and reported."""
        states = [("--state", self.folder / name, "--keep") for name in ("listener.json", "connecter.json")]
        self.assertEqual(self.converse(states[0], states[1])[0], [0, 0])
        copied = (self.folder / "connecter.json").read_text()
        self.assertEqual(self.converse((*states[0], "--allow", "resume"), (*states[1], "--open", "resume"))[0], [0, 0])
        (self.folder / "connecter.json").write_text(copied)
        codes, listener, connecter = self.converse((*states[0], "--allow", "resume"), (*states[1], "--open", "resume"))
        self.assertEqual(codes, [1, 1])
        self.assertIn("used twice: ", listener)
        self.assertIn("Refused", connecter)

    def test_a_clock_that_is_behind(self):
        states = [("--state", self.folder / name, "--keep") for name in ("listener.json", "connecter.json")]
        codes, *outputs = self.converse((*states[0], "--bundle"), (*states[1], "--bundle"))
        self.assertEqual(codes, [0, 0], outputs)
        for pattern in ("IK", "resume"):
            codes, listener, connecter = self.converse((*states[0], "--allow", pattern, "--clock", -86500), (*states[1], "--open", pattern))
            self.assertEqual(codes, [1, 1], (listener, connecter))
            self.assertIn("Refused", connecter)


if __name__ == "__main__":
    unittest.main()
