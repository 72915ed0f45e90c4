"""Makes acquaintances.json for vectors.py: bundles, IK, IKpsk0, resume, and the records that belong to them.

What the file holds is described in tests/vectors/README.md; the section numbers are those of docs/protocol.md.
"""

import contextlib
import functools

import acquaintances as aq
import twinlock as tl
import vectors
from vectors import Coins, coins

DAY = 86_400
NOW = 1_800_000_000
PROLOGUE = b"example/1"
SUITES = (0x0001, 0x0003, 0x0002, vectors.ROUND3)

# ---------------------------------------------------------------------------------------------------------------------------------
# Bundles

# Of each suite: whose, and from when to when. Only the first suite has those after the fourth.
BUNDLES = {"alice": ("alice", NOW - DAY, NOW + 30 * DAY), "bob": ("bob", NOW - DAY, NOW + 30 * DAY),
           "alice older": ("alice", NOW - 21 * DAY, NOW + 10 * DAY), "bob older": ("bob", NOW - 21 * DAY, NOW + 10 * DAY),
           "alice ended": ("alice", NOW - 60 * DAY, NOW), "alice early": ("alice", NOW + 1, NOW + 60 * DAY),
           "alice at the same time": ("alice", NOW - DAY, NOW + 29 * DAY), "carol": ("carol", NOW - DAY, NOW - DAY + 5_184_000)}


def who(name, suite):
    """The identity of this name in this suite."""
    if name == "carol":
        return vectors.test_identity("carol")
    return vectors.alice_and_bob(suite)[name == "bob"]


def bundle_name(short, suite):
    return f"0x{suite:04X} {short}"


@functools.cache
def made(short, suite):
    """The static key, and what was drawn for it and its bundle."""
    owner, not_before, not_after = BUNDLES[short]
    name = bundle_name(short, suite)
    source = Coins("bundle " + name)
    with vectors.system_coins("bundle " + name):
        return aq.static_key_make(suite, who(owner, suite), not_before, not_after, source), source.drawn


def static(short, suite=tl.DEFAULT_SUITE):
    return made(short, suite)[0]


def bundle(short, suite=tl.DEFAULT_SUITE):
    return static(short, suite).bundle


def shorts_of(suite):
    return list(BUNDLES) if suite == tl.DEFAULT_SUITE else list(BUNDLES)[:4]


def bundle_entries():
    for suite in SUITES:
        for short in shorts_of(suite):
            key, drawn = made(short, suite)
            name, owner = bundle_name(short, suite), vectors_name(BUNDLES[short][0], suite)
            yield {"name": name, "suite": suite, "identity": owner, "static": key.secret.hex(), "not_before": key.bundle.not_before,
                   "not_after": key.bundle.not_after, "random": drawn.hex(), "bundle": key.bundle.body.hex(),
                   "reference": key.bundle.reference.hex(), "fingerprint": key.bundle.fingerprint.hex()}


def vectors_name(owner, suite):
    """The identity's name in identity.json and round3.json."""
    number = tl.SUITES[suite].signature.id
    return owner if number == 1 else f"{owner} {number:X}"


# ---------------------------------------------------------------------------------------------------------------------------------
# Handshakes


@functools.cache
def decoys(suite):
    with vectors.system_coins("decoys"):
        return aq.Decoys((suite,), Coins(f"decoys 0x{suite:04X}"))


@contextlib.contextmanager
def traced_kem(suite):
    """In 0x7E03 the ephemeral secret and the shared secrets are written down, in the order of the tokens that encapsulate."""
    if suite != vectors.ROUND3:
        yield {}
        return
    kem, traced = vectors.KEM3, {"shared_secrets": []}
    generate, encapsulate = kem.generate, kem.encapsulate

    def traced_generate(random):
        key = generate(random)
        traced["ephemeral_secret"] = key.secret.hex()
        return key

    def traced_encapsulate(ek, random):
        ct, ss = encapsulate(ek, random)
        traced["shared_secrets"].append(ss.hex())
        return ct, ss

    kem.generate, kem.encapsulate = traced_generate, traced_encapsulate
    try:
        yield traced
    finally:
        del kem.generate, kem.encapsulate


class Run:
    """Both roles of a handshake against each other, its coins, and all that is to be written down."""

    def __init__(self, name, suite):
        self.name, self.suite = name, suite
        self.i_source, self.r_source = Coins(f"acquaintances {name} initiator"), Coins(f"acquaintances {name} responder")
        self.i_states, self.r_states = [], []

    def on_i(self, state):
        self.i_states.append(vectors.state_entry(state))

    def on_r(self, state):
        self.r_states.append(vectors.state_entry(state))

    def responder(self, psks, book, now, early_data=False):
        config = tl.ResponderConfig(PROLOGUE, who("bob", self.suite), lambda _: True, tuple(tl.PATTERN_IDS), (self.suite,), psks=psks)
        return aq.Responder(config, book, now, decoys(self.suite), early_data, self.r_source, self.on_r)

    def entry(self, initiator, responder, payloads, messages, **fields):
        session, other = initiator.session, responder.session
        names = ("i2r", "r2i", "exporter", "resume", "handshake_hash")
        assert self.i_states == self.r_states and all(getattr(session, n) == getattr(other, n) for n in names)
        entry = {"name": self.name, "pattern": initiator.pattern, "pattern_id": tl.PATTERN_IDS[initiator.pattern], "suite": self.suite,
                 "prologue": PROLOGUE.hex()} | fields
        entry |= {"initiator_random": self.i_source.drawn.hex(), "responder_random": self.r_source.drawn.hex(),
                  "payloads": [payload.hex() for payload in payloads], "messages": [message.hex() for message in messages],
                  "states": self.i_states, "handshake_hash": session.handshake_hash.hex(), "i2r": session.i2r.hex(),
                  "r2i": session.r2i.hex(), "exporter": session.exporter.hex(), "resumption": session.resume.hex(),
                  "exports": vectors.exporter_entries(session)[:3]}
        return entry | {"records": self.first_records(session, other)}

    @staticmethod
    def first_records(session, other):
        one, two = session.channel(), other.channel()
        for direction, sender, reader, text in (("i2r", one, two, b"from the initiator"), ("r2i", two, one, b"from the responder")):
            counter, frame = sender.sending.counter, sender.end(text)
            assert reader.receive(frame).content == text
            yield {"direction": direction, "type": 2, "content": text.hex(), "key": sender.sending.key.hex(), "counter": counter,
                   "frame": frame.hex()}


def hexes(values):
    return [value.hex() for value in values]


def psk_named(name):
    return coins(f"acquaintances psk {name}", 32)


ONE, OTHER = psk_named("one"), psk_named("other")


def short_of(key):
    return next(name for name in BUNDLES if static(name, key.bundle.suite.id) is key)


@functools.cache
def ik(name, suite=tl.DEFAULT_SUITE, payload=b"", psk=None, psks=(), own="alice", used="bob", statics=("bob",)):
    """`statics` are the responder's, the newer first; `used` is the one whose bundle the initiator holds. Returns the entry and both."""
    run, book = Run(name, suite), aq.Book()
    for short in statics:
        book.add_static(static(short, suite))
    book.take(bundle(own, suite), NOW)
    responder = run.responder(psks, book, NOW)
    initiator = aq.AcquaintedInitiator(PROLOGUE, lambda _: True, static(own, suite), bundle(used, suite), NOW, psk, run.i_source, run.on_i)
    with vectors.system_coins("acquaintances " + name), traced_kem(suite) as traced:
        messages = [initiator.write_1()]
        assert responder.read_1(messages[0]) == b"" and not responder.decoy
        messages.append(responder.write_2(payload))
        assert initiator.read_2(messages[1]) == payload
        messages.append(initiator.write_3())
        responder.read_3(messages[2])
    assert initiator.session.peer == bundle(used, suite).identity and responder.session.peer == bundle(own, suite).identity
    entry = run.entry(initiator, responder, [b"", payload], messages, psk=psk and psk.hex(), psks=hexes(psks), now=NOW,
                      initiator_static=bundle_name(own, suite), responder_bundle=bundle_name(used, suite),
                      responder_statics=[bundle_name(short, suite) for short in statics])
    return finished(entry, traced), initiator.session, responder.session


def finished(entry, traced):
    entry["records"] = list(entry["records"])
    return entry | traced


# The conversations of handshakes.json and round3.json that are resumed here took place an hour ago.
ROOT_TIME = NOW - 3600


class Record:
    """A resumption record as both sides keep it, its name, and where it comes from."""

    def __init__(self, name, of, secret, initiator, responder):
        self.name, self.of, self.secret = name, of, secret
        self.initiator, self.responder = initiator, responder
        for field in ("id", "psk", "suite", "prologue", "initiator", "responder", "not_after", "psk_tag"):
            assert getattr(initiator, field) == getattr(responder, field)

    def entry(self):
        r = self.initiator
        return {"name": self.name, "of": self.of, "suite": r.suite.id, "secret": self.secret.hex(), "id": r.id.hex(), "psk": r.psk.hex(),
                "prologue": r.prologue.hex(), "initiator": r.initiator.hex(), "responder": r.responder.hex(), "not_after": r.not_after,
                "psk_tag": r.psk_tag and r.psk_tag.hex()}


@functools.cache
def signed_record(pattern, suite=tl.DEFAULT_SUITE):
    """Of a conversation in handshakes.json or round3.json."""
    file, end = ("round3.json" if suite == vectors.ROUND3 else "handshakes.json"), f"0x{suite:04X}, {pattern}"
    if suite == tl.DEFAULT_SUITE:
        end = f"{pattern}, with prologue and payloads"
    case = next(case for case in signed_cases(file) if case["name"] == end)
    suite_, secret = tl.SUITES[suite], bytes.fromhex(case["resumption"])
    alice, bob = vectors.alice_and_bob(suite)
    psk = bytes.fromhex(case["psk"]) if case["psk"] else None
    alice = alice.public if pattern.startswith("XX") else None

    def kept(role, me, peer):
        session = tl.Session(role, suite_, pattern, peer, b"", b"", b"", b"", secret, None, me, bytes.fromhex(case["prologue"]), psk)
        return aq.resumption_of(session, ROOT_TIME)

    sides = kept("initiator", alice, bob.public), kept("responder", bob.public, alice)
    return Record(f"of {end}", {"file": file, "case": end}, secret, *sides), psk


@functools.cache
def another_identity():
    """A record whose responder was carol; its conversation is nowhere else."""
    suite, secret = tl.SUITES[tl.DEFAULT_SUITE], coins("acquaintances another identity", 32)
    alice, carol = who("alice", 1).public, who("carol", 1).public
    sides = [aq.resumption_of(tl.Session(role, suite, "XX", peer, b"", b"", b"", b"", secret, None, me, PROLOGUE), ROOT_TIME)
             for role, me, peer in (("initiator", alice, carol), ("responder", carol, alice))]
    return Record("of carol's conversation", None, secret, *sides)


@functools.cache
def signed_cases(file):
    if file == "round3.json":
        return [vectors.round3_handshake("XX")]
    return vectors.handshakes()["cases"]


def record_of(case, psk=None):
    """Of a handshake of this file, an entry with its two sessions."""
    entry, initiator, responder = case
    name = entry["name"]
    sides = aq.resumption_of(initiator, NOW), aq.resumption_of(responder, NOW)
    return Record(f"of {name}", {"file": "acquaintances.json", "case": name}, initiator.resume, *sides), psk


def resume(name, record_and_psk, early=b"", payload=b"", psks=None):
    """`psks` are the responder's where it has more than the one under which the conversation stood."""
    record, psk = record_and_psk
    suite = record.initiator.suite.id
    psks = psks or ((psk,) if psk else ())
    run, i_book, r_book = Run(name, suite), aq.Book(), aq.Book()
    i_book.keep(record.initiator, NOW)
    r_book.keep(record.responder, NOW)
    responder = run.responder(psks, r_book, NOW, bool(early))
    initiator = aq.ResumeInitiator(i_book, record.initiator, PROLOGUE, suite, lambda _: True, NOW, psk, run.i_source, run.on_i)
    with vectors.system_coins("acquaintances " + name), traced_kem(suite) as traced:
        messages = [initiator.write_1(early)]
        assert responder.read_1(messages[0]) == early
        messages.append(responder.write_2(payload))
        assert initiator.read_2(messages[1]) == payload
    entry = run.entry(initiator, responder, [early, payload], messages, psk=psk and psk.hex(), psks=hexes(psks), now=NOW,
                      record=record.name, early_data=bool(early))
    return finished(entry, traced), initiator.session, responder.session


@functools.cache
def handshake_cases():
    """The entries with their sessions, and the records that they resume, each before it is used."""
    cases, records = [], []

    def add(case, psk=None):
        cases.append(case)
        return case, psk

    def resumed(name, record_and_psk, *arguments, **options):
        if record_and_psk[0] not in records:
            records.append(record_and_psk[0])
        case = resume(name, record_and_psk, *arguments, **options)
        cases.append(case)
        return record_of(case, record_and_psk[1])

    first, _ = add(ik("IK, everything empty"))
    add(ik("IK, with a payload", payload=b"the second payload, a little longer"))
    add(ik("IK, under the newer of two bundles", statics=("bob", "bob older")))
    add(ik("IK, under the older of two bundles", used="bob older", statics=("bob", "bob older")))
    add(ik("IK, the initiator's older bundle", own="alice older"))
    add(ik("IK, a payload of 4,096 bytes", payload=b"\2" * tl.MAX_PAYLOAD))
    under_psk, _ = add(ik("IKpsk0, one key", payload=b"under a key", psk=ONE, psks=(ONE,)))
    add(ik("IKpsk0, two keys, under the newer", psk=ONE, psks=(ONE, OTHER)))
    add(ik("IKpsk0, two keys and two bundles, under the older ones", psk=ONE, psks=(OTHER, ONE), used="bob older",
           statics=("bob", "bob older")))
    resumed("resume from XX", signed_record("XX"))
    resumed("resume from NX", signed_record("NX"), payload=b"two")
    resumed("resume from XXpsk0", signed_record("XXpsk0"), early=b"early data")
    resumed("resume from NXpsk0", signed_record("NXpsk0"))
    again = resumed("resume from IK, with early data", record_of(first), early=b"early data", payload=b"and an answer")
    resumed("resume from a resume", again)
    resumed("resume from a resume, early data of 4,096 bytes", again, early=b"\1" * tl.MAX_PAYLOAD, payload=b"\2" * tl.MAX_PAYLOAD)
    again = resumed("resume from IKpsk0", record_of(under_psk, ONE))
    resumed("resume from a resume from IKpsk0, two keys", again, early=b"early", psks=(OTHER, ONE))
    for suite in (0x0003, 0x0002):
        name = f"0x{suite:04X}, "
        first, _ = add(ik(name + "IK", suite, b"the second payload"))
        add(ik(name + "IK, under the older of two bundles", suite, used="bob older", statics=("bob", "bob older")))
        under_psk, _ = add(ik(name + "IKpsk0", suite, b"under a key", ONE, (OTHER, ONE)))
        resumed(name + "resume from XX", signed_record("XX", suite))
        resumed(name + "resume from NX", signed_record("NX", suite), early=b"early data")
        again = resumed(name + "resume from IK, with early data", record_of(first), early=b"early data", payload=b"and an answer")
        resumed(name + "resume from a resume", again)
        resumed(name + "resume from IKpsk0", record_of(under_psk, ONE), psks=(ONE, OTHER))
    first, _ = add(ik("0x7E03, IK", vectors.ROUND3, b"the second payload"))
    add(ik("0x7E03, IKpsk0", vectors.ROUND3, b"under a key", ONE, (ONE,)))
    resumed("0x7E03, resume from XX", signed_record("XX", vectors.ROUND3), early=b"early data")
    resumed("0x7E03, resume from IK", record_of(first))
    return cases, [*records, another_identity()]


def acquaintances():
    import acquaintance_refusals as refusals
    cases, records = handshake_cases()
    return {"now": NOW, "bundles": list(bundle_entries()), "resumption_records": [record.entry() for record in records],
            "handshakes": [entry for entry, *_ in cases]} | refusals.all_refusals()
