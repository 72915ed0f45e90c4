"""The part of acquaintances.json about bundles themselves: what is not read, what is kept, and the records that carry them."""

import acquaintances as aq
import acquaintance_vectors as av
import twinlock as tl
import vectors
from acquaintance_vectors import DAY, NOW, bundle, bundle_name, static, who
from vectors import bad_points

# ---------------------------------------------------------------------------------------------------------------------------------
# Bundles that are not read


def resigned(suite, unsigned, owner="bob", context=tl.CONTEXT_BUNDLE):
    """The bundle signed by its owner, whatever it says."""
    identity = who(owner, suite)
    return unsigned + identity.sign(unsigned, context, bytes(identity.signature.rnd_size))


def bundle_changes(suite):
    """Name, reason, and the bytes, which differ from the suite's bundle of bob."""
    good, s = bundle("bob", suite), tl.SUITES[suite]
    body, unsigned, ek = good.body, good.unsigned, good.ek
    ek_at = 2 + s.signature.public_size
    times_at, end = ek_at + s.kem.ek_size, len(unsigned)

    def times(not_before, not_after):
        return resigned(suite, unsigned[:times_at] + tl.u64(not_before) + tl.u64(not_after))

    def with_ek(changed):
        return resigned(suite, unsigned[:ek_at] + changed + unsigned[times_at:])

    yield "empty", "length", b""
    yield "the suite alone", "length", body[:2]
    yield "one byte short", "length", body[:-1]
    yield "one byte left over", "length", body + b"\0"
    yield "suite 0x0000", "suite", b"\0\0" + body[2:]
    yield "suite 0xFFFF", "suite", b"\xff\xff" + body[2:]
    yield "a coefficient of 3329, signed", "encapsulation key", with_ek(bytes([0x01, ek[1] & 0xF0 | 0x0D]) + ek[2:])
    if suite != 0x0002:
        for name, point in (("all zero", bytes(32)), ("of order 8", vectors.ORDER_8), ("the one", b"\1" + bytes(31))):
            yield f"the X25519 half of the encapsulation key {name}, signed", "encapsulation key", with_ek(ek[:1184] + point)
    if suite == 0x0002:
        for name, point in bad_points(ek[1568:])[:3]:
            yield f"the P-384 half of the encapsulation key {name}, signed", "encapsulation key", with_ek(ek[:1568] + point)
        key_at = 2 + s.signature.post_quantum.public_size
        yield "the P-384 half of the identity key all zero", "key", body[:key_at] + bytes(97) + body[key_at + 97:]
        yield "the signature's padding not zero", "signature", body[:-1] + b"\1"
    elif suite == vectors.ROUND3:
        yield "relabelled 0x0001", "length", b"\0\1" + body[2:]
    else:
        yield "relabelled as the suite of another AEAD", "signature", tl.u16(4 - suite) + body[2:]
    yield "not-after the same as not-before, signed", "times", times(good.not_before, good.not_before)
    yield "not-after before not-before, signed", "times", times(good.not_before, good.not_before - 1)
    yield "60 days and a second, signed", "times", times(good.not_before, good.not_before + 5_184_001)
    yield "not-before close to 2^64, signed", "times", times(2**64 - 10, 2**64 - 10)
    yield "another not-after", "signature", vectors.flipped(body, end - 1)
    yield "another encapsulation key", "signature", body[:ek_at] + bundle("alice", suite).ek + body[times_at:]
    yield "another identity", "signature", body[:2] + who("alice", suite).public.key + body[ek_at:]
    yield "signed by another identity", "signature", resigned(suite, unsigned, "alice")
    yield "signed under another context", "signature", resigned(suite, unsigned, context=b"twinlock1 XX responder")
    yield "the post-quantum half of the signature", "signature", vectors.flipped(body, end + 5)
    yield "the classical half of the signature", "signature", vectors.flipped(body, end + s.signature.post_quantum.signature_size + 10)


def difference(good, bad, field):
    """How the case is written: nothing, or what is overwritten, cut at the end or put after it. None if that cannot say it."""
    if len(bad) != len(good):
        common = min(len(good), len(bad))
        if good[:common] != bad[:common]:
            return None
        return {"cut": len(good) - len(bad)} if len(bad) < len(good) else {"append": bad[len(good):].hex()}
    if bad == good:
        return {}
    first = next(i for i in range(len(good)) if good[i] != bad[i])
    last = next(i for i in range(len(good), 0, -1) if good[i - 1] != bad[i - 1])
    return {"field": field, "offset": first, "replace": bad[first:last].hex()}


REASONS = {"bundle: wrong length": "length", "bundle: suite not known": "suite", "bundle: times out of bounds": "times",
           "bundle: of another identity": "identity", "authentication failed": "signature"}


def refusal_reason(error):
    """Messages about an encapsulation key have no single text."""
    return REASONS.get(str(error), "encapsulation key")


def refused_bundles():
    for suite in av.SUITES:
        good = bundle("bob", suite)
        for name, reason, body in bundle_changes(suite):
            try:
                tl.bundle_read(body, tuple(tl.SUITES))
                raise AssertionError(name)
            except tl.TwinlockError as error:
                assert refusal_reason(error) == ("encapsulation key" if reason == "key" else reason), (name, str(error))
            yield {"name": f"0x{suite:04X}, {name}", "suite": suite, "reason": reason, "case": bundle_name("bob", suite)} | difference(good.body, body, "bundle")
    good = bundle("bob")
    assert vectors.fails(tl.bundle_read, good.body, tl.STANDARD_SUITES, who("alice", 1).public.fingerprint())
    yield {"name": "of another identity than the one that was asked for", "suite": 1, "reason": "identity", "case": bundle_name("bob", 1),
           "asked_for": who("alice", 1).public.fingerprint().hex()}


def bundle_files():
    name = bundle_name("bob", 1)
    pem = tl.bundle_write(bundle("bob"))
    assert tl.bundle_read_file(pem) == bundle("bob")
    return [{"case": name, "pem": pem}]


def validity():
    for short in ("bob", "alice ended", "alice early", "carol"):
        good = bundle(short)
        times = (0, good.not_before - 1, good.not_before, NOW, good.not_after - 1, good.not_after, 2**64 - 1)
        yield {"bundle": bundle_name(short, 1), "times": [[now, good.is_valid(now)] for now in times]}


def keeping():
    """Stores and what is offered to them, one after the other."""
    scripts = [("the newest is kept", [("alice older", NOW), ("alice", NOW), ("alice older", NOW)]),
               ("the first of two with one not-before", [("alice", NOW), ("alice at the same time", NOW), ("alice", NOW)]),
               ("the other of the two, if it comes first", [("alice at the same time", NOW), ("alice", NOW)]),
               ("not valid now", [("alice ended", NOW), ("alice early", NOW), ("alice ended", NOW - 1), ("alice", NOW)]),
               ("the newest is kept after it has ended", [("carol", NOW), ("alice", NOW), ("alice older", NOW + DAY)]),
               ("one that is not valid now does not go before the one that is kept", [("alice", NOW), ("alice early", NOW), ("alice", NOW)]),
               ("the clock is behind", [("alice", NOW), ("bob older", NOW - DAY - 1), ("bob older", NOW - DAY)]),
               ("the clock was ahead", [("carol", NOW + 3 * DAY), ("alice", NOW), ("clock is right", NOW), ("alice", NOW)])]
    for name, steps in scripts:
        book, entries = aq.Book(), []
        for short, now in steps:
            if short == "clock is right":
                book.clock_is_right()
                entries.append({"clock_is_right": True})
                continue
            try:
                outcome = "kept" if book.take(bundle(short), now) else "same"
            except tl.NotTaken:
                outcome = "refused"
            entries.append({"bundle": bundle_name(short, 1), "now": now, "outcome": outcome})
        yield {"name": name, "steps": entries, "keeps": sorted(name_of(kept) for kept in book.bundles.values())}


def name_of(kept):
    return next(bundle_name(short, 1) for short in av.BUNDLES if bundle(short) is kept)

# ---------------------------------------------------------------------------------------------------------------------------------
# Bundles by name


def static_named(name):
    suite, _, short = name.partition(" ")
    return static(short, int(suite, 16))


def bundle_named(name):
    return static_named(name).bundle

# ---------------------------------------------------------------------------------------------------------------------------------
# Records of type 7 and 8 in a channel, and the delivery of bundles


def channel_reader(suite, cs, peer):
    return tl.Channel(bytes(len(cs)), cs, suite=suite, peer=peer)


def channel_entry(name, suite, peer, build, fatal):
    """A reader whose peer has this identity, or none. All frames but the last are accepted; the last one too unless it is fatal."""
    sender = vectors.RawSender("acquaintances " + name, suite)
    frames, fingerprint = list(build(sender)), peer and peer.fingerprint()
    channel = channel_reader(suite, sender.cs, fingerprint)
    events = []
    for frame in frames[:-1] if fatal else frames:
        event = channel.receive(frame)
        events.append(vectors.event_entry(event) | ({"reference": event.bundle.reference.hex()} if event.bundle else {}))
    if fatal:
        assert vectors.fails(channel.receive, frames[-1]) and channel.failed, name
    return {"name": name, "suite": suite, "cs": sender.cs.hex(), "peer": fingerprint and fingerprint.hex(),
            "frames": [frame.hex() for frame in frames], "events": events, "fatal": fatal}


def channel_cases():
    for suite in av.SUITES:
        alice, name, good = who("alice", suite).public, f"0x{suite:04X}, ", bundle("alice", suite).body
        yield channel_entry(name + "a bundle", suite, alice, lambda s: [s.frame(7, good)], False)
        if suite == 0x0002:
            yield channel_entry(name + "a flipped bit in the signature of a bundle", suite, alice,
                                lambda s: [s.frame(7, vectors.flipped(good, -90))], True)
        yield channel_entry(name + "a Confirm", suite, alice, lambda s: [s.frame(8)], True)
    alice, good = who("alice", 1).public, bundle("alice").body
    yield channel_entry("a flipped bit in the signature of a bundle", 1, alice, lambda s: [s.frame(7, vectors.flipped(good, -60))], True)
    yield channel_entry("a bundle one byte short", 1, alice, lambda s: [s.frame(7, good[:-1])], True)
    yield channel_entry("a bundle of another identity", 1, alice, lambda s: [s.frame(7, bundle("bob").body)], True)
    yield channel_entry("a bundle padded", 1, alice, lambda s: [s.frame(7, good, bytes(100))], False)
    yield channel_entry("a bundle between the pieces of a message", 1, alice, lambda s: [s.frame(1, b"a"), s.frame(7, good), s.frame(2, b"b")], False)
    yield channel_entry("a bundle that has ended is no error of the channel", 1, alice, lambda s: [s.frame(7, bundle("alice ended").body)], False)
    yield channel_entry("the same bundle twice", 1, alice, lambda s: [s.frame(7, good), s.frame(7, good)], False)
    yield channel_entry("a bundle one byte more", 1, alice, lambda s: [s.frame(7, good + b"\0")], True)
    yield channel_entry("a bundle from a side without identity", 1, None, lambda s: [s.frame(7, good)], True)
    yield channel_entry("a bundle of another suite and as long", 1, alice, lambda s: [s.frame(7, bundle("alice", 3).body)], True)
    yield channel_entry("a bundle with not-after before not-before", 1, alice,
                        lambda s: [s.frame(7, resigned(1, bundle("alice").unsigned[:-8] + tl.u64(1), "alice"))], True)
    yield channel_entry("31 KeyUpdate and a bundle, an End, and 32 KeyUpdate", 1, alice,
                        lambda s: [*s.key_updates(31), s.frame(7, good), s.frame(2), *s.key_updates(32)], False)
    yield channel_entry("32 KeyUpdate and a bundle", 1, alice, lambda s: [*s.key_updates(32), s.frame(7, good)], True)
    yield channel_entry("a bundle, a Ping and 32 KeyUpdate", 1, alice, lambda s: [s.frame(7, good), s.frame(9, bytes(5)), *s.key_updates(32)], True)
    yield channel_entry("a bundle after Close", 1, alice, lambda s: [s.frame(3, b"\0\0"), s.frame(7, good)], True)
    yield channel_entry("a Confirm with a content", 1, alice, lambda s: [s.frame(8, b"\0")], True)
    yield channel_entry("a Confirm after a record", 1, alice, lambda s: [s.frame(2), s.frame(8)], True)


def delivery_cases():
    """One side sends its bundle and other things, and reads what the peer sends. Is the bundle delivered?"""
    scripts = [("nothing was sent after it", ["bundle"], False), ("a ping after it is answered", ["bundle", "ping 1", "pong 1"], True),
               ("a ping after it is not answered", ["bundle", "ping 1"], False),
               ("a ping before it is answered", ["ping 1", "bundle", "pong 1"], False),
               ("a ping of the same number before it and after it, answered once", ["ping 1", "bundle", "ping 1", "pong 1"], False),
               ("the same, answered twice", ["ping 1", "bundle", "ping 1", "pong 1", "pong 1"], True),
               ("the newest of several pings is answered", ["bundle", "ping 1", "ping 2", "pong 2"], True),
               ("an answer to no ping", ["bundle", "ping 1", "pong 2"], False),
               ("an offer after it is answered", ["bundle", "offer", "rekey"], True),
               ("an offer before it is answered", ["offer", "bundle", "rekey"], False),
               ("an offer before it, and one after it", ["offer", "bundle", "rekey", "offer", "rekey"], True),
               ("the peer sends a message", ["bundle", "end"], False), ("the peer closes", ["bundle", "close"], False),
               ("the peer asks itself", ["bundle", "ping 1", "peer's ping 1"], False)]
    for name, steps, delivered in scripts:
        one, two = tl.Channel(b"1" * 32, b"2" * 32, peer=who("bob", 1).public.fingerprint()), tl.Channel(b"2" * 32, b"1" * 32,
                                                                                                        peer=bundle("alice").fingerprint)
        for step in steps:
            deliver(one, two, *step.rpartition(" ")[::2] if step[-1].isdigit() else (step, "0"))
        assert (one.delivered == bundle("alice").reference) == delivered and (one.delivered is None) != delivered, name
        yield {"name": name, "steps": steps, "delivered": delivered}


def deliver(one, two, step, number):
    number = int(number)
    mine = {"bundle": lambda: one.bundle(bundle("alice")), "ping": lambda: one.ping(number), "offer": one.offer_rekey}
    peers = {"pong": lambda: two.record(tl.Type.PING, b"\1" + tl.u32(number)), "peer's ping": lambda: two.ping(number), "end": two.end,
             "close": two.close, "rekey": two._rekey}
    if step in mine:
        two.receive(mine[step]())
    else:
        for frame in vectors.split_frames(peers[step]()):
            one.receive(frame)
