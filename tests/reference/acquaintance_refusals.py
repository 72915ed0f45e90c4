"""The part of acquaintances.json about what is refused in handshakes: first messages, replies, and Confirm records."""

import functools

import acquaintances as aq
import acquaintance_vectors as av
import bundle_vectors as bv
import twinlock as tl
import vectors
from acquaintance_vectors import DAY, NOW, ONE, OTHER, PROLOGUE, bundle, bundle_name, static, who
from bundle_vectors import bundle_named, difference, static_named
from vectors import Coins, bad_points

SILENCE = b""

# ---------------------------------------------------------------------------------------------------------------------------------
# What the responder does with a first message

ALL_PATTERNS = list(tl.PATTERN_IDS)


@functools.cache
def decoys_of(suites):
    with vectors.system_coins("refusals decoys"):
        decoys = aq.Decoys(suites, Coins(f"acquaintances decoys {suites}"))
    for suite, unsigned in decoys.bundles.items():
        DECOY_NAMES[unsigned.unsigned] = f"0x{suite.id:04X}" + (f" of {len(suites)}" if len(suites) > 1 else "")
    return decoys


DECOY_NAMES = {}
# First messages by name; what a case receives is one of them, or one of them changed.
MESSAGES = {}


def named(name, frame):
    assert MESSAGES.setdefault(name, frame) == frame, name
    return frame


def as_written(frame):
    """The message of which it takes the least to make this one, and the change, which counts in the body."""
    ways = [(name, difference(message[2:], frame[2:], "body")) for name, message in MESSAGES.items()]
    name, change = min((way for way in ways if way[1] is not None), key=lambda way: len(str(way[1])))
    return {"case": name} | change


class Case:
    """A responder's configuration and stores, and what a first message makes of them."""

    def __init__(self, suite=tl.DEFAULT_SUITE, **changes):
        self.suite = suite
        signature = tl.SUITES[suite].signature.id
        self.config = {"prologue": PROLOGUE.hex(), "patterns": ALL_PATTERNS, "suites": [suite], "signatures": [signature], "psks": [],
                       "accepts": [who("alice", suite).public.fingerprint().hex()], "accepts_anonymous": True, "early_data": False,
                       "busy": False, "now": NOW, "latest": None, "statics": [bundle_name("bob", suite)],
                       "acquaintances": [bundle_name("alice", suite)], "records": [], "opened_records": []} | changes

    def book(self):
        config, book = self.config, aq.Book()
        for name in config["statics"]:
            book.add_static(static_named(name))
        for name in config["acquaintances"]:
            kept = bundle_named(name)
            book.bundles[kept.fingerprint, kept.suite.id] = kept
        for name in config["records"]:
            book.records["responder", record_named(name).responder.id] = record_named(name).responder
        for name in config["opened_records"]:
            book.records["initiator", record_named(name).initiator.id] = record_named(name).initiator
        book.latest = config["latest"]
        return book

    def responder(self, book, source):
        config, accepted = self.config, [bytes.fromhex(text) for text in self.config["accepts"]]
        identities = {1: who("bob", 1), 2: who("bob", 2), 126: who("bob", vectors.ROUND3)}

        def acceptable(peer):
            return peer.fingerprint() in accepted if peer else config["accepts_anonymous"]

        settings = tl.ResponderConfig(bytes.fromhex(config["prologue"]), tuple(identities[n] for n in config["signatures"]), acceptable,
                                      tuple(config["patterns"]), tuple(config["suites"]), tuple(map(bytes.fromhex, config["psks"])))
        return aq.Responder(settings, book, config["now"], decoys_of(tuple(config["suites"])), config["early_data"], source)

    def run(self, frame, book):
        """Outcome and answer of one first message, the source of its coins, and whether it used a record up."""
        source = Coins("acquaintances answer")
        responder = self.responder(book, source)
        try:
            with vectors.system_coins("acquaintances answer"):
                responder.read_1(frame, self.config["busy"])
                reply = responder.write_2()
        except tl.Declined as declined:
            return ("status" if declined.answer else "silence"), declined.answer, source, responder
        return ("decoy" if responder.decoy else "reply"), reply, source, responder

    def entry(self, name, frame, expected, removed=None, before=(), reported=()):
        """`expected` is `reply`, `decoy`, SILENCE or the number of a status. `removed`: in resume, whether the record is gone."""
        book = self.book()
        for earlier in before:
            self.run(earlier, book)
        outcome, answer, source, responder = self.run(frame, book)
        wanted = {SILENCE: "silence"}.get(expected, expected) if not isinstance(expected, int) else "status"
        assert outcome == wanted and (outcome != "status" or answer == vectors.refusal(expected)), (name, outcome, answer)
        assert removed is None or responder.removed == removed, (name, responder.removed)
        entry = {"name": name, "suite": self.suite, "config": self.config}
        if before:
            entry["before"] = [as_written(earlier) for earlier in before]
        entry |= as_written(frame) | {"outcome": outcome} | ({"status": answer[-1]} if outcome == "status" else {})
        if outcome in ("reply", "decoy"):
            entry |= {"answer": answer.hex(), "random": source.drawn.hex()}
        if outcome == "decoy":
            entry["decoy"] = DECOY_NAMES[responder._peer_bundle.unsigned]
        if removed is not None:
            entry |= {"removed": removed, "reported": [number.hex() for number in book.reports]}
            assert tuple(book.reports) == tuple(reported)
        return entry


def record_named(name):
    return next(record for record in av.handshake_cases()[1] if record.name == name)


class WithEphemeral:
    """A KEM key whose encapsulation key is another one: an initiator that does not keep to the rules."""

    def __init__(self, ek):
        self.ek = ek


def bad_ephemeral(suite, ek, make):
    """The first message that `make` makes with this ephemeral encapsulation key; its tags are good."""
    kem = tl.SUITES[suite].kem
    kem.generate = lambda random: WithEphemeral(ek)
    ODD.append(ek)
    try:
        return make()
    finally:
        del kem.generate
        ODD.clear()


def ik_message(suite=tl.DEFAULT_SUITE, own="alice", used="bob", psk=None, prologue=PROLOGUE):
    """Made at a time at which both bundles are valid."""
    mine, peer = static(own, suite), bundle(used, suite)
    now = max(mine.bundle.not_before, peer.not_before)
    initiator = aq.AcquaintedInitiator(prologue, lambda _: True, mine, peer, now, psk, Coins("acquaintances first message"))
    name = f"IK in 0x{suite:04X}, {own} to {used}" + (" under a key" if psk else "") + ("" if prologue == PROLOGUE else ", another prologue")
    with vectors.system_coins("acquaintances first message"):
        return named(name + odd_ephemeral(), initiator.write_1())


ODD = []


def odd_ephemeral():
    return ", odd ephemeral key" if ODD else ""


def resume_message(record, early=b"", prologue=None, suite=None):
    """Under whatever pre-shared key the record is."""
    r = record.initiator
    book = aq.Book()
    book.keep(r, NOW)
    initiator = object.__new__(aq.ResumeInitiator)
    tl.Handshake.__init__(initiator, Coins("acquaintances first message"), None)
    initiator.suite = tl.SUITES[suite] if suite else r.suite
    initiator._record, initiator._prologue, initiator.peer = r, prologue or r.prologue, r.peer
    name = f"resume {record.name}, {len(early)} bytes of early data" + (f", in 0x{suite:04X}" if suite else "")
    with vectors.system_coins("acquaintances first message"):
        return named(name + (", another prologue" if prologue else "") + odd_ephemeral(), initiator.write_1(early))


def overwrite(frame, at, replacement):
    """`at` counts in the body."""
    return frame[:2 + at] + replacement + frame[2 + at + len(replacement):]


def flip(frame, at):
    """`at` counts in the body; from its end if it is negative."""
    return vectors.flipped(frame, at if at < 0 else 2 + at)


def resized(frame, change):
    return tl.to_frame(change(frame[2:]))


def longer(body):
    return body + b"\0"


def shorter(body):
    return body[:-1]


def ik_responder():
    good, case = ik_message(), Case()
    ek_end, ct_end = 6 + 1216, 6 + 1216 + 1120
    yield case.entry("IK: good", good, "reply")
    both = [bundle_name("bob", 1), bundle_name("bob older", 1)]
    yield Case(statics=both).entry("IK: two bundles, under the newer", good, "reply")
    yield Case(statics=both).entry("IK: two bundles, under the older", ik_message(used="bob older"), "reply")
    yield Case(accepts=[]).entry("IK: a peer that will not be acceptable is answered all the same", good, "reply")
    # Its own bundles.
    older = {"statics": [bundle_name("bob older", 1)]}
    yield Case(statics=[]).entry("IK: no bundle of its own", good, 5)
    yield case.entry("IK: under a bundle that it no longer holds", ik_message(used="bob older"), 5)
    yield Case(statics=[bundle_name("bob", 3)]).entry("IK: a bundle of its own in another suite alone", good, 5)
    last = bundle("bob older").not_after
    yield Case(now=last - 1, **older).entry("IK: the last second of its bundle", ik_message(used="bob older"), "reply")
    yield Case(now=last, **older).entry("IK: its bundle has ended", ik_message(used="bob older"), 5)
    yield Case(now=bundle("bob").not_before - 1).entry("IK: its bundle has not begun", good, 5)
    yield Case(now=bundle("bob").not_before).entry("IK: the first second of its bundle", good, "reply")
    yield Case(now=last, statics=both).entry("IK: two bundles, the older one has ended", ik_message(used="bob older"), 5)
    # Whom `sref` names.
    for name, acquaintances in (("nobody is kept", []), ("somebody else is kept", [bundle_name("carol", 1)]),
                                ("another bundle of hers is kept", [bundle_name("alice older", 1)]),
                                ("her bundle of another suite is kept", [bundle_name("alice", 3)])):
        yield Case(acquaintances=acquaintances).entry("IK: decoy, " + name, good, "decoy")
    for name, short, now in (("has ended", "alice ended", NOW), ("has not begun", "alice early", NOW)):
        kept = {"acquaintances": [bundle_name(short, 1)], "now": now}
        yield Case(**kept).entry(f"IK: decoy, her bundle {name}", ik_message(own=short, used="bob"), "decoy")
    yield Case(acquaintances=[bundle_name("alice ended", 1)], now=NOW - 1).entry("IK: the last second of her bundle",
                                                                                ik_message(own="alice ended"), "reply")
    yield Case(latest=NOW + DAY + 1).entry("IK: decoy, its clock is behind", good, "decoy")
    yield Case(latest=NOW + DAY).entry("IK: its clock is a day behind and no more", good, "reply")
    # What was changed on the way, or is not as it should be.
    for name, at in (("the ephemeral key's X25519 half", ek_end - 1), ("skem, ML-KEM half", ek_end + 5), ("skem, X25519 half", ct_end - 1),
                     ("sref", ct_end + 3), ("the tag of sref", ct_end + 40), ("the payload's tag", -1)):
        yield case.entry(f"IK: a flipped bit in {name}", flip(good, at), 5)
    yield case.entry("IK: skem, X25519 half all zero", overwrite(good, ct_end - 32, bytes(32)), 5)
    yield case.entry("IK: under another prologue", ik_message(prologue=b"example/2"), 5)
    relabelled = Case(suites=[1, 3], statics=[bundle_name("bob", 1), bundle_name("bob", 3)])
    yield relabelled.entry("IK: relabelled 0x0003", vectors.with_body(good, {5: 3}), 5)
    yield case.entry("IK: relabelled IKpsk0", vectors.with_body(good, {3: 6}), 2)
    out_of_range = overwrite(good, 6, bytes([0x01, good[9] & 0xF0 | 0x0D]))
    yield case.entry("IK: the ephemeral key out of range", out_of_range, SILENCE)
    yield case.entry("IK: one byte more", resized(good, longer), SILENCE)
    yield case.entry("IK: one byte short", resized(good, shorter), SILENCE)
    yield case.entry("IK: as long as with a payload of 4,096 bytes", resized(good, lambda body: body + bytes(4096)), SILENCE)
    yield case.entry("IK: the header alone", resized(good, lambda body: body[:6]), SILENCE)
    zero = good[8:8 + 1184] + bytes(32)
    zero_message = bad_ephemeral(1, zero, ik_message)
    yield case.entry("IK: good tags, the ephemeral key's X25519 half all zero", zero_message, SILENCE)
    yield Case(acquaintances=[]).entry("IK: the same from somebody unknown", zero_message, SILENCE)
    # Clear bytes and load.
    yield case.entry("IK: version 2", vectors.with_body(good, {2: 2}), 1)
    yield Case(patterns=["XX", "resume"]).entry("IK: not allowed", good, 2)
    yield case.entry("IK: suite 0x0003 not allowed", vectors.with_body(good, {5: 3}), 3)
    yield Case(busy=True).entry("IK: busy", good, 4)
    yield Case(busy=True).entry("IK: busy, the ephemeral key out of range", out_of_range, 4)
    yield Case(busy=True).entry("IK: busy, one byte more", resized(good, longer), SILENCE)


def ik_psk_responder():
    plain, good = ik_message(), ik_message(psk=ONE)
    ek_end, ct_end = 6 + 1216, 6 + 1216 + 1120 + 16
    held = {"psks": [ONE.hex()]}
    case, both = Case(**held), [OTHER.hex(), ONE.hex()]
    yield case.entry("IKpsk0: good", good, "reply")
    yield Case(psks=both).entry("IKpsk0: under the older key", good, "reply")
    yield Case(psks=both[::-1]).entry("IKpsk0: under the newer key", good, "reply")
    two = {"psks": both, "statics": [bundle_name("bob", 1), bundle_name("bob older", 1)]}
    yield Case(**two).entry("IKpsk0: under the older key and the older bundle", ik_message(used="bob older", psk=ONE), "reply")
    yield Case(acquaintances=[], **held).entry("IKpsk0: decoy, nobody is kept", good, "decoy")
    yield Case().entry("IKpsk0: a responder without a pre-shared key", good, 2)
    yield case.entry("IK to a responder with a pre-shared key", plain, SILENCE)
    yield case.entry("IKpsk0: relabelled IK", vectors.with_body(good, {3: 5}), SILENCE)
    yield Case(psks=[OTHER.hex()]).entry("IKpsk0: another key", good, SILENCE)
    yield Case(statics=[], **held).entry("IKpsk0: no bundle of its own", good, SILENCE)
    for name, at in (("skem", ek_end + 5), ("the tag of skem", ct_end - 1), ("sref", ct_end + 3), ("the payload's tag", -1)):
        yield case.entry(f"IKpsk0: a flipped bit in {name}", flip(good, at), SILENCE)
    yield case.entry("IKpsk0: under another prologue", ik_message(psk=ONE, prologue=b"example/2"), SILENCE)
    yield Case(busy=True, **held).entry("IKpsk0: busy", good, SILENCE)
    yield case.entry("IKpsk0: version 2", vectors.with_body(good, {2: 2}), SILENCE)
    yield case.entry("IKpsk0: suite 0x0003 not allowed", vectors.with_body(good, {5: 3}), SILENCE)
    yield Case(patterns=["XXpsk0"], **held).entry("IKpsk0: not allowed", good, SILENCE)
    yield case.entry("IKpsk0: one byte short", resized(good, shorter), SILENCE)


def resume_responder():
    name = "of XX, with prologue and payloads"
    record = record_named(name)
    held = {"records": [name]}
    good, early, case = resume_message(record), resume_message(record, b"early"), Case(**held)
    ek_end = 22 + 1216
    asked = Case(early_data=True, **held)
    yield case.entry("resume: good", good, "reply", True)
    yield asked.entry("resume: early data, asked for", early, "reply", True)
    yield asked.entry("resume: none, though asked for", good, "reply", True)
    yield asked.entry("resume: 4,096 bytes of early data", resume_message(record, b"e" * 4096), "reply", True)
    yield case.entry("resume: early data, not asked for", early, 5, True)
    yield Case().entry("resume: an unknown id", good, 5, False)
    number = record.initiator.id
    yield case.entry("resume: a second time", good, 5, False, [good], [number])
    yield case.entry("resume: a third time, reported once", good, 5, False, [good, good], [number])
    yield case.entry("resume: after one that was changed on the way", good, "reply", True, [flip(good, -1)])
    for field, at in (("the id", 10), ("the ephemeral key's X25519 half", ek_end - 1), ("the payload's tag", -1)):
        yield case.entry(f"resume: a flipped bit in {field}", flip(good, at), 5, False)
    yield asked.entry("resume: a flipped bit in the early data", flip(early, ek_end + 1), 5, False)
    yield Case(prologue=b"example/2".hex(), **held).entry("resume: a record of another prologue", good, 5, False)
    other = resume_message(record, prologue=b"example/2")
    yield Case(prologue=b"example/2".hex(), **held).entry("resume: a record of another prologue, under this one", other, 5, False)
    suites = Case(suites=[1, 3], **held)
    yield suites.entry("resume: a record of another suite", resume_message(record, suite=3), 5, False)
    end = record.initiator.not_after
    yield Case(now=end - 1, **held).entry("resume: the last second of the record", good, "reply", True)
    yield Case(now=end, **held).entry("resume: the record has ended", good, 5, False)
    yield Case(latest=NOW + DAY + 1, **held).entry("resume: the clock is behind", good, 5, False)
    yield Case(latest=NOW + DAY, **held).entry("resume: the clock is a day behind and no more", good, "reply", True)
    yield Case(opened_records=[name]).entry("resume: it opened that conversation itself", good, 5, False)
    carols = av.another_identity()
    other = Case(records=[carols.name])
    yield other.entry("resume: a record of another identity of its owner", resume_message(carols), 5, False)
    yield Case(accepts=[], **held).entry("resume: the peer is not acceptable", good, 5, True)
    yield Case(accepts=[], **held).entry("resume: the peer is not acceptable, and early data not asked for", early, 5, True)
    anonymous = resume_message(record_named("of NX, with prologue and payloads"))
    from_nx = {"records": ["of NX, with prologue and payloads"]}
    yield Case(accepts=[], **from_nx).entry("resume from NX: good", anonymous, "reply", True)
    yield Case(accepts_anonymous=False, **from_nx).entry("resume from NX: a peer without identity is not acceptable", anonymous, 5, True)
    yield case.entry("resume: one byte short", resized(good, shorter), SILENCE, False)
    yield case.entry("resume: early data of 4,097 bytes", resized(good, lambda body: body + bytes(4097)), SILENCE, False)
    yield case.entry("resume: the first six bytes of the header", resized(good, lambda body: body[:6]), SILENCE, False)
    yield case.entry("resume: the header alone", resized(good, lambda body: body[:22]), SILENCE, False)
    out_of_range = overwrite(good, 22, bytes([0x01, good[25] & 0xF0 | 0x0D]))
    yield case.entry("resume: the ephemeral key out of range", out_of_range, SILENCE, False)
    zero = bad_ephemeral(1, good[24:24 + 1184] + bytes(32), lambda: resume_message(record))
    yield case.entry("resume: good tags, the ephemeral key's X25519 half all zero", zero, SILENCE, True)
    yield case.entry("resume: version 2", vectors.with_body(good, {2: 2}), 1, False)
    yield Case(patterns=["XX", "IK"], **held).entry("resume: not allowed", good, 2, False)
    yield case.entry("resume: suite 0x0003 not allowed", vectors.with_body(good, {5: 3}), 3, False)
    yield Case(busy=True, **held).entry("resume: busy", good, 4, False)


def resume_psk_responder():
    plain = record_named("of XX, with prologue and payloads")
    record = record_named("of IKpsk0, one key")
    good, early, held = resume_message(record), resume_message(record, b"early"), {"records": [record.name]}
    case = Case(psks=[ONE.hex()], **held)
    yield case.entry("resume under a key: good", good, "reply", True)
    yield Case(psks=[OTHER.hex(), ONE.hex()], **held).entry("resume under a key: the older of two", good, "reply", True)
    yield Case(psks=[OTHER.hex()], **held).entry("resume under a key: another key is configured", good, SILENCE, False)
    yield Case(**held).entry("resume under a key: no key is configured", good, 5, False)
    without = Case(psks=[ONE.hex()], records=[plain.name])
    yield without.entry("resume under no key: a key is configured", resume_message(plain), SILENCE, False)
    yield Case(psks=[ONE.hex()]).entry("resume under a key: an unknown id", good, SILENCE, False)
    yield case.entry("resume under a key: a second time", good, SILENCE, False, [good], [record.initiator.id])
    yield case.entry("resume under a key: a flipped bit in the payload's tag", flip(good, -1), SILENCE, False)
    yield case.entry("resume under a key: early data, not asked for", early, SILENCE, True)
    yield Case(psks=[ONE.hex()], accepts=[], **held).entry("resume under a key: the peer is not acceptable", good, SILENCE, True)
    yield Case(psks=[ONE.hex()], busy=True, **held).entry("resume under a key: busy", good, SILENCE, False)
    yield Case(psks=[ONE.hex()], patterns=["IKpsk0"], **held).entry("resume under a key: not allowed", good, SILENCE, False)


def other_suites():
    for suite in (0x0003, 0x0002, vectors.ROUND3):
        kem, name = tl.SUITES[suite].kem, f"0x{suite:04X}, "
        good, case = ik_message(suite), Case(suite)
        ek_end, ct_end = 6 + kem.ek_size, 6 + kem.ek_size + kem.ct_size
        record = record_named(f"of 0x{suite:04X}, XX")
        again, held = resume_message(record), {"records": [record.name]}
        yield case.entry(name + "IK: good", good, "reply")
        yield Case(suite, acquaintances=[]).entry(name + "IK: decoy, nobody is kept", good, "decoy")
        yield Case(suite, statics=[]).entry(name + "IK: no bundle of its own", good, 5)
        for field, at in (("skem", ek_end + 5), ("sref", ct_end + 3), ("the payload's tag", -1)):
            yield case.entry(name + f"IK: a flipped bit in {field}", flip(good, at), 5)
        yield case.entry(name + "IK: one byte more", resized(good, longer), SILENCE)
        yield Case(suite, psks=[ONE.hex()]).entry(name + "IKpsk0: good", ik_message(suite, psk=ONE), "reply")
        yield Case(suite, psks=[ONE.hex()]).entry(name + "IKpsk0: a flipped bit in the tag of skem",
                                                  flip(ik_message(suite, psk=ONE), ct_end + 15), SILENCE)
        yield Case(suite, **held).entry(name + "resume: good", again, "reply", True)
        yield Case(suite).entry(name + "resume: an unknown id", again, 5, False)
        yield Case(suite, **held).entry(name + "resume: a second time", again, 5, False, [again], [record.initiator.id])
        yield Case(suite, **held).entry(name + "resume: a flipped bit in the payload's tag", flip(again, -1), 5, False)
        yield Case(suite, **held).entry(name + "resume: one byte short", resized(again, shorter), SILENCE, False)
        if suite == 0x0002:
            point = bad_points(good[2 + ct_end - 97:2 + ct_end])[0][1]
            yield case.entry(name + "IK: skem's P-384 half not on the curve", overwrite(good, ct_end - 97, point), 5)
            point = bad_points(good[2 + ek_end - 97:2 + ek_end])[0][1]
            yield case.entry(name + "IK: the ephemeral key's P-384 half not on the curve", overwrite(good, ek_end - 97, point), SILENCE)
            yield Case(suite, **held).entry(name + "resume: the ephemeral key's P-384 half not on the curve",
                                            overwrite(again, 22 + 1568, point), SILENCE, False)


def responder_cases():
    for cases in (ik_responder, ik_psk_responder, resume_responder, resume_psk_responder, other_suites):
        yield from cases()

# ---------------------------------------------------------------------------------------------------------------------------------
# What the initiator does with a reply


def initiator_of(entry, acceptable=True):
    """The initiator of a handshake, after message 1."""
    suite, source = tl.SUITES[entry["suite"]], Coins(f"acquaintances {entry['name']} initiator")
    psk = bytes.fromhex(entry["psk"]) if entry["psk"] else None
    if "record" in entry:
        book, record = aq.Book(), record_named(entry["record"]).initiator
        book.keep(record, NOW)
        initiator = aq.ResumeInitiator(book, record, PROLOGUE, suite.id, lambda _: True, NOW, psk, source)
        arguments = [bytes.fromhex(entry["payloads"][0])]
    else:
        initiator = aq.AcquaintedInitiator(PROLOGUE, lambda _: acceptable, static_named(entry["initiator_static"]),
                                           bundle_named(entry["responder_bundle"]), NOW, psk, source)
        arguments = []
    with vectors.system_coins("acquaintances " + entry["name"]):
        assert initiator.write_1(*arguments).hex() == entry["messages"][0]
    return initiator


def initiator_entry(entry, name, outcome, reply, status=None, acceptable=True, **fields):
    try:
        initiator_of(entry, acceptable).read_2(reply)
        found = "read", None
    except tl.Refused as error:
        found = "refused", error.status
    except tl.Malformed:
        found = "malformed", None
    except tl.Failed:
        found = "failed", None
    except tl.NotAcceptable as error:
        assert error.answer == b""
        found = "not acceptable", None
    assert found == (outcome, status), (name, found)
    entry = {"name": name, "suite": entry["suite"], "case": entry["name"]} | (fields or {"reply": reply.hex()})
    return entry | {"outcome": outcome} | ({"status": status} if status else {})


def initiator_cases():
    entries = {entry["name"]: entry for entry, *_ in av.handshake_cases()[0]}
    names = ["IK, with a payload", "IKpsk0, one key", "resume from IK, with early data", "resume from XX"]
    names += [f"0x{suite:04X}, {what}" for suite in (0x0003, 0x0002) for what in ("IK", "resume from IK, with early data")]
    names += ["0x7E03, IK", "0x7E03, resume from XX"]
    for name in names:
        entry = entries[name]
        reply, kem = bytes.fromhex(entry["messages"][1]), tl.SUITES[entry["suite"]].kem
        point, payload = kem.curve.point_size, len(bytes.fromhex(entry["payloads"][1]))

        def changed(field, at, replacement, outcome="failed"):
            bad = reply[:at] + replacement + reply[at + len(replacement):]
            return initiator_entry(entry, f"{name}: {field}", outcome, bad, offset=at, replace=replacement.hex())

        fields = [("the first byte of ekem", 3), ("the last byte of ekem's ML-KEM half", 2 + kem.ct_mlkem), ("the last byte of ekem", 2 + kem.ct_size)]
        if "record" not in entry:
            at = 3 + kem.ct_size
            fields += [("the first byte of skem", at), ("skem's other half", at + kem.ct_mlkem), ("the last byte of skem", at + kem.ct_size - 1),
                       ("the tag of skem", at + kem.ct_size)]
        fields += [("the payload", len(reply) - 17)] if payload else []
        for field, at in fields + [("the first byte of the payload's tag", len(reply) - 16), ("the last byte", len(reply) - 1)]:
            yield changed("a flipped bit in " + field, at, bytes([reply[at] ^ 1]))
        yield changed("a status of 5 in front of the message", 2, b"\5", "malformed")
        if point == 32:
            yield changed("ekem, X25519 half all zero", 3 + kem.ct_mlkem, bytes(32))
        else:
            yield changed("ekem, P-384 half not on the curve", 3 + kem.ct_mlkem, bad_points(reply[3 + kem.ct_mlkem:3 + kem.ct_size])[0][1])
        yield initiator_entry(entry, f"{name}: one byte more", "failed" if payload < 4096 else "malformed", resized(reply, longer), append="00")
        short = resized(reply, lambda body: body[:-1 - payload])
        yield initiator_entry(entry, f"{name}: one byte less than without a payload", "malformed", short)
    for name in ("IK, with a payload", "resume from XX"):
        entry = entries[name]
        for status in (1, 2, 3, 4, 5):
            yield initiator_entry(entry, f"{name}: status {status}", "refused", vectors.refusal(status), status)
        yield initiator_entry(entry, f"{name}: status 77, not known", "refused", vectors.refusal(77), 5)
        yield initiator_entry(entry, f"{name}: a single 0", "malformed", vectors.refusal(0))
        yield initiator_entry(entry, f"{name}: status 5 with one more byte", "malformed", b"\0\2\5\0")
    other = bytes.fromhex(entries["IK, everything empty"]["messages"][1])
    entry = entries["IK, with a payload"]
    yield initiator_entry(entry, "IK: the reply of another handshake", "failed", other)
    good = bytes.fromhex(entry["messages"][1])
    yield initiator_entry(entry, "IK: the responder is not acceptable", "not acceptable", good, acceptable=False, accepts=False, offset=0, replace="")

# ---------------------------------------------------------------------------------------------------------------------------------
# Confirm, and what follows it


def confirm_cases():
    entries = {entry["name"]: (entry, session) for entry, session, _ in av.handshake_cases()[0]}
    for name in ("IK, with a payload", "IKpsk0, one key", "0x0003, IK", "0x0002, IK", "0x7E03, IK"):
        entry, session = entries[name]
        good = bytes.fromhex(entry["messages"][2])
        sealed = functools.partial(sealed_first, session)
        confirm = tl.record_plaintext(tl.Type.CONFIRM, b"")
        yield confirm_entry(entry, session, "good", good, "confirmed")
        yield confirm_entry(entry, session, "good, from somebody who is not acceptable", good, "refused", accepts=False)
        yield confirm_entry(entry, session, "a flipped bit in the ciphertext", vectors.flipped(good, 2), "failed")
        yield confirm_entry(entry, session, "a flipped bit in the tag", vectors.flipped(good, -1), "failed")
        if entry["suite"] != tl.DEFAULT_SUITE:
            continue
        yield confirm_entry(entry, session, "padded", sealed(confirm + b"\0"), "failed")
        yield confirm_entry(entry, session, "with a content", sealed(b"\x08\0\1\0"), "failed")
        yield confirm_entry(entry, session, "an End in its place", sealed(b"\2\0\0"), "failed")
        yield confirm_entry(entry, session, "a Close in its place", sealed(b"\3\0\2\0\0"), "failed")
        yield confirm_entry(entry, session, "with a counter of 1", sealed(confirm, counter=1), "failed")
        yield confirm_entry(entry, session, "under the responder's key", sealed(confirm, cs=session.r2i), "failed")
        yield confirm_entry(entry, session, "the first record in its place", bytes.fromhex(entry["records"][0]["frame"]), "failed")
        yield confirm_entry(entry, session, "an empty frame", b"\0\0", "failed")
        yield confirm_entry(entry, session, "length bytes that say one more", b"\0\x14" + good[2:], "failed")
    other = bytes.fromhex(entries["IK, everything empty"][0]["messages"][2])
    yield confirm_entry(*entries["IK, with a payload"], "of another handshake", other, "failed")


def sealed_first(session, plain, counter=0, cs=None):
    direction = tl.Direction(session.suite, cs or session.i2r)
    direction.counter = counter
    return direction.seal(plain)


def confirm_entry(entry, session, name, frame, outcome, accepts=True):
    """The responder of the handshake, after message 2, reads the frame."""
    case, suite = Case(entry["suite"]), entry["suite"]
    case.config["statics"], case.config["psks"] = entry["responder_statics"], entry["psks"]
    responder = case.responder(case.book(), Coins(f"acquaintances {entry['name']} responder"))
    responder._config.acceptable = lambda peer: accepts
    responder.read_1(bytes.fromhex(entry["messages"][0]))
    with vectors.system_coins("acquaintances " + entry["name"]):
        reply = responder.write_2(bytes.fromhex(entry["payloads"][1]))
    if suite == vectors.ROUND3:
        confirm_round3(responder, session)
    else:
        assert reply.hex() == entry["messages"][1]
    answer, found = b"", "confirmed"
    try:
        responder.read_3(frame)
    except tl.Failed:
        found = "failed"
    except tl.NotAcceptable as error:
        found, answer = "refused", error.answer
    assert found == outcome and (responder.session is None) == (outcome != "confirmed"), (entry["name"], name, found)
    return {"name": f"{entry['name']}: {name}", "suite": suite, "case": entry["name"], "accepts": accepts, "frame": frame.hex(),
            "outcome": outcome, "answer": answer.hex()}


def confirm_round3(responder, session):
    """The coins of Kyber come in the order of both roles there, so message 2 is another; the secrets of the handshake are put in."""
    state = responder._state
    state.h, state.end = session.handshake_hash, lambda: (session.i2r, session.r2i, session.exporter, session.resume)


def second_confirms():
    """In the channel of an IK handshake no second Confirm is awaited."""
    entry, initiator, responder = av.handshake_cases()[0][0]
    one, two = initiator.channel(), responder.channel()
    frame = one.record(tl.Type.CONFIRM)
    assert vectors.fails(two.receive, frame)
    return [{"name": "a second Confirm", "suite": 1, "case": entry["name"], "counter": 1, "frame": frame.hex()}]


def all_refusals():
    cases = list(responder_cases())
    decoys = [{"name": name, "unsigned": unsigned.hex()} for unsigned, name in DECOY_NAMES.items()
              if any(case.get("decoy") == name for case in cases)]
    used = {case["case"] for case in cases} | {earlier["case"] for case in cases for earlier in case.get("before", ())}
    messages = [{"name": name, "frame": frame.hex()} for name, frame in MESSAGES.items() if name in used]
    return {"bundle_files": bv.bundle_files(), "bundles_refused": list(bv.refused_bundles()), "validity": list(bv.validity()), "keeping": list(bv.keeping()),
            "decoys": decoys, "first_messages": messages, "responder": cases, "initiator": list(initiator_cases()),
            "confirms": list(confirm_cases()), "second_confirms": second_confirms(), "channel": list(bv.channel_cases()),
            "delivery": list(bv.delivery_cases())}
