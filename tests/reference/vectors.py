"""Writes and checks the test vectors of the Twinlock protocol.

    python vectors.py write DIR     computes every vector and writes the JSON files into DIR
    python vectors.py check DIR     computes every vector again and compares it with the files in DIR

Everything is deterministic: each case draws its coins from SHAKE-256 of a label of its own. What the files hold is described in
tests/vectors/README.md, where the section numbers are those of docs/protocol.md.
"""

import hashlib
import json
import pathlib
import sys

import twinlock as tl


class Coins:
    """A deterministic source of random bytes that remembers what was drawn from it."""

    def __init__(self, label):
        self._stream = hashlib.shake_256(b"twinlock vectors: " + label.encode()).digest(1 << 14)
        self.drawn = b""

    def __call__(self, size):
        start = len(self.drawn)
        self.drawn = self._stream[:start + size]
        assert len(self.drawn) == start + size
        return self.drawn[start:]


def coins(label, size):
    return Coins(label)(size)


def fails(call, *arguments):
    """Whether the call raises one of the library's errors."""
    try:
        call(*arguments)
    except tl.TwinlockError:
        return True
    return False


# ---------------------------------------------------------------------------------------------------------------------------------
# primitives.json


def xwing_cases():
    for number in range(1, 4):
        seed, encapsulation_coins = coins(f"xwing seed {number}", 32), coins(f"xwing coins {number}", 64)
        key = tl.XWingKey(seed)
        ct, ss = tl.xwing_encapsulate(key.ek, encapsulation_coins)
        assert key.decapsulate(ct) == ss
        yield {"name": f"xwing {number}", "seed": seed.hex(), "ek": key.ek.hex(), "coins": encapsulation_coins.hex(),
               "ct": ct.hex(), "ss": ss.hex()}


def xwing_rejected_decapsulation():
    """A changed ML-KEM half is not noticed by decapsulation itself: implicit rejection gives another secret."""
    seed = coins("xwing seed 1", 32)
    key = tl.XWingKey(seed)
    ct, ss = tl.xwing_encapsulate(key.ek, coins("xwing coins 1", 64))
    changed = bytes([ct[0] ^ 1]) + ct[1:]
    rejected = key.decapsulate(changed)
    assert rejected != ss
    return [{"name": "first byte of the ciphertext of xwing 1 xor 01", "seed": seed.hex(), "ct": changed.hex(), "ss": rejected.hex()}]


def xwing_bad_keys():
    ek = tl.XWingKey(coins("xwing seed 1", 32)).ek
    out_of_range = bytes([0x01, ek[1] & 0xF0 | 0x0D]) + ek[2:]
    last_out_of_range = ek[:1150] + bytes([ek[1150] | 0xF0, 0xFF]) + ek[1152:]
    cases = [("first coefficient 3329", out_of_range), ("last coefficient 4095", last_out_of_range),
             ("one byte short", ek[:-1]), ("one byte more", ek + b"\0"),
             ("X25519 half all zero", ek[:1184] + bytes(32)), ("X25519 half of order 2", ek[:1184] + b"\1" + bytes(31)),
             ("X25519 half of order 8", ek[:1184] + bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"))]
    for name, bad in cases:
        assert fails(tl.xwing_encapsulate, bad, bytes(64))
        at = "encapsulation" if name.startswith("X25519") else "check"
        yield {"name": name, "ek": bad.hex(), "fails_at": at}


def composite_cases():
    cases = [("empty context, empty message", b"", b""), ("short context", b"twinlock1 XX initiator", bytes(range(32))),
             ("context of 255 bytes", bytes(range(1, 256)), b"The quick brown fox jumps over the lazy dog."),
             ("deterministic variant", b"context", b"message")]
    for name, ctx, message in cases:
        identity = tl.Identity(coins("composite secret " + name, 64))
        rnd = bytes(32) if name == "deterministic variant" else coins("composite rnd " + name, 32)
        signature = identity.sign(message, ctx, rnd)
        identity.public.verify(message, ctx, signature)
        yield {"name": name, "seed_m": identity.secret[:32].hex(), "seed_e": identity.secret[32:].hex(), "pk": identity.public.key.hex(),
               "ctx": ctx.hex(), "message": message.hex(), "rnd": rnd.hex(), "signature": signature.hex()}


ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def composite_rejected(case):
    """Changes to the case that verification must not accept; `replace` puts bytes at an offset of a field."""
    signature, public = bytes.fromhex(case["signature"]), bytes.fromhex(case["pk"])
    s = int.from_bytes(signature[-32:], "little")
    hints = tl.SIGNATURE_MLDSA - 61
    changes = [("ML-DSA challenge", "signature", 0, bytes([signature[0] ^ 1])),
               ("ML-DSA response", "signature", 1000, bytes([signature[1000] ^ 128])),
               ("ML-DSA hint padding not zero", "signature", hints + 54, b"\1"),
               ("ML-DSA hint count above omega", "signature", tl.SIGNATURE_MLDSA - 1, bytes([56])),
               ("Ed25519 R", "signature", tl.SIGNATURE_MLDSA, bytes([signature[tl.SIGNATURE_MLDSA] ^ 1])),
               ("Ed25519 S", "signature", tl.SIGNATURE_SIZE - 32, bytes([signature[-32] ^ 1])),
               ("Ed25519 S plus group order", "signature", tl.SIGNATURE_SIZE - 32, (s + ED25519_ORDER).to_bytes(32, "little")),
               ("Ed25519 R of small order", "signature", tl.SIGNATURE_MLDSA, b"\1" + bytes(31)),
               ("Ed25519 A of small order", "pk", tl.PUBLIC_MLDSA, b"\1" + bytes(31)),
               ("Ed25519 A not canonical", "pk", tl.PUBLIC_MLDSA, (tl.P25519 + 3).to_bytes(32, "little")),
               ("ML-DSA public key", "pk", 40, bytes([public[40] ^ 1])),
               ("message", "message", 0, b"\xff"),
               ("context", "ctx", 0, b"T")]
    for name, field, offset, replacement in changes:
        changed = {key: bytes.fromhex(case[key]) for key in ("pk", "ctx", "message", "signature")}
        value = changed[field]
        changed[field] = value[:offset] + replacement + value[offset + len(replacement):]
        assert changed[field] != value and len(changed[field]) == len(value)
        assert fails(tl.PublicIdentity(changed["pk"]).verify, changed["message"], changed["ctx"], changed["signature"])
        yield {"name": name, "case": case["name"], "field": field, "offset": offset, "replace": replacement.hex()}


def primitives():
    composite = list(composite_cases())
    return {"xwing": list(xwing_cases()), "xwing_implicit_rejection": xwing_rejected_decapsulation(),
            "xwing_bad_keys": list(xwing_bad_keys()), "composite": composite, "composite_rejected": list(composite_rejected(composite[1]))}


# ---------------------------------------------------------------------------------------------------------------------------------
# identity.json


def test_identity(name):
    return tl.Identity(coins("identity " + name, 64))


def identity_entry(name):
    identity = test_identity(name)
    fingerprint = identity.public.fingerprint()
    secret_pem, public_pem = tl.secret_write(identity), tl.public_write(identity.public)
    assert tl.secret_read(secret_pem).secret == identity.secret and tl.public_read(public_pem) == identity.public
    return {"name": name, "secret": identity.secret.hex(), "public": identity.public.key.hex(), "fingerprint": fingerprint.hex(),
            "text": tl.fingerprint_write(fingerprint), "pkcs8_pem": secret_pem, "spki_pem": public_pem}


def encrypted_entry(name, passphrase, n):
    identity, source = test_identity(name), Coins(f"encrypted {name} {passphrase} {n}")
    pem = tl.secret_write_encrypted(identity, passphrase, source, n=n)
    assert tl.secret_read(pem, passphrase).secret == identity.secret
    return {"identity": name, "passphrase": passphrase, "passphrase_utf8": passphrase.encode().hex(), "n": n, "r": 8, "p": 1,
            "salt": source.drawn[:16].hex(), "iv": source.drawn[16:].hex(), "pem": pem}


def encrypted_info(salt, costs, iv, encrypted, kdf=tl.OID_SCRYPT, cipher=tl.OID_AES256_CBC, extra=b""):
    """EncryptedPrivateKeyInfo from whatever parts, good or bad."""
    integers = b"".join(map(tl.der_integer, costs))
    derivation = tl.der(tl.SEQUENCE, kdf, tl.der(tl.SEQUENCE, tl.der(tl.OCTET_STRING, salt), integers, extra))
    encryption = tl.der(tl.SEQUENCE, cipher, tl.der(tl.OCTET_STRING, iv))
    algorithm = tl.der(tl.SEQUENCE, tl.OID_PBES2, tl.der(tl.SEQUENCE, derivation, encryption))
    return tl.der(tl.SEQUENCE, algorithm, tl.der(tl.OCTET_STRING, encrypted))


def rejected_encrypted_files():
    """Files that are refused before anything is derived."""
    label, good = tl.pem_read(tl.secret_write_encrypted(test_identity("alice"), "x", Coins("rejected files"), n=2))
    salt, n, r, p, iv, encrypted = tl.encrypted_parse(good)
    assert encrypted_info(salt, (n, r, p), iv, encrypted) == good

    def changed(name, costs=(n, r, p), **parts):
        return name, tl.pem_write(label, encrypted_info(salt, costs, iv, encrypted, **parts))

    cases = [changed("N r p above 2^23", (2**20, 8, 2)), changed("N above 2^23", (2**24, 1, 1)), changed("N of 60 bits", (2**60, 1, 1)),
             changed("N not a power of two", (3, 8, 1)), changed("N is 1", (1, 8, 1)), changed("N is 0", (0, 8, 1)),
             changed("r is 0", (2, 0, 1)), changed("p is 0", (2, 8, 0)),
             changed("PBKDF2 in the place of scrypt", kdf=tl.der_oid("1.2.840.113549.1.5.12")),
             changed("AES-128-CBC", cipher=tl.der_oid("2.16.840.1.101.3.4.1.2")),
             ("a byte left over", tl.pem_write(label, good + b"\0")), ("one byte missing", tl.pem_write(label, good[:-1])),
             ("label of a plain key", tl.pem_write("PRIVATE KEY", good))]
    for name, pem in cases:
        assert fails(tl.secret_read, pem, "x"), name
        yield {"name": name, "pem": pem}


def fingerprint_refusals(fingerprint):
    text = tl.fingerprint_write(fingerprint)
    swap = {"q": "p"}
    cases = [("one character changed", text[:20] + swap.get(text[20], "q") + text[21:]),
             ("two neighbours swapped", text[:30] + text[31] + text[30] + text[32:]),
             ("last character changed", text[:-1] + swap.get(text[-1], "q")),
             ("mixed case", text[:-1] + text[-1].upper() if text[-1].isalpha() else text[:4].upper() + text[4:]),
             ("upper-case first part alone", "TL" + text[2:]),
             ("another first part", tl.bech32_encode("tk", fingerprint)),
             ("another first part, upper case", tl.bech32_encode("bc", fingerprint).upper()),
             ("bech32 in the place of bech32m", tl.bech32_encode("tl", fingerprint, constant=1)),
             ("31 bytes", tl.bech32_encode("tl", fingerprint[:31])), ("33 bytes", tl.bech32_encode("tl", fingerprint + b"\0")),
             ("one character short", text[:-1]), ("one character more", text + "q"),
             ("padding bits not zero", padding_not_zero(fingerprint)),
             ("character outside the alphabet", text[:10] + "b" + text[11:]),
             ("space before", " " + text), ("space after", text + " "), ("empty", ""), ("first part alone", "tl1")]
    assert text[30] != text[31]
    for name, bad in cases:
        assert fails(tl.fingerprint_read, bad), name
        yield {"name": name, "text": bad}


def padding_not_zero(fingerprint):
    """52 values of five bits whose last four bits are not zero, under a checksum that fits."""
    bits = int.from_bytes(fingerprint, "big") << 4 | 1
    values = [bits >> 5 * (51 - i) & 31 for i in range(52)]
    checksum = tl.bech32_polymod(tl.bech32_expand_hrp("tl") + values + [0] * 6) ^ tl.BECH32M
    values += [checksum >> 5 * (5 - i) & 31 for i in range(6)]
    return "tl1" + "".join(tl.BECH32_CHARSET[v] for v in values)


def identity():
    names = ("alice", "bob", "carol")
    entries = [identity_entry(name) for name in names]
    fingerprints = {entry["name"]: bytes.fromhex(entry["fingerprint"]) for entry in entries}
    pairs = [("alice", "bob"), ("bob", "alice"), ("alice", "carol"), ("bob", "carol"), ("carol", "carol")]
    safety = [{"one": one, "other": other, "digits": tl.safety_number(fingerprints[one], fingerprints[other])} for one, other in pairs]
    for entry in safety:
        entry["for_reading"] = tl.safety_number_for_reading(entry["digits"])
    upper = entries[0]["text"].upper()
    assert tl.fingerprint_read(upper) == fingerprints["alice"] == tl.fingerprint_read(entries[0]["text"])
    return {"identities": entries, "safety_numbers": safety,
            "fingerprints_accepted": [{"text": upper, "fingerprint": fingerprints["alice"].hex()}],
            "fingerprints_refused": list(fingerprint_refusals(fingerprints["alice"])),
            "encrypted": [encrypted_entry("alice", "correct horse battery staple", 2**17),
                          encrypted_entry("bob", "Gr\u00fc\u00dfe, \u043f\u0440\u0438\u0432\u0435\u0442, \U0001f511", 2**17),
                          encrypted_entry("carol", "cheaper costs are read too", 2**12)],
            "encrypted_refused": list(rejected_encrypted_files())}


# ---------------------------------------------------------------------------------------------------------------------------------
# handshakes.json


def state_entry(state):
    return {"h": state.h.hex(), "ck": state.ck.hex(), "k": state.k.hex() if state.k else None}


def exporter_entries(session):
    cases = [(b"", b"", 32), (b"example label", b"", 16), (b"example label", b"context", 64), (b"x" * 255, bytes(range(100)), 100),
             (b"one byte", b"context", 1)]
    return [{"label": label.hex(), "context": context.hex(), "n": n, "value": session.export(label, context, n).hex()}
            for label, context, n in cases]


def handshake_case(name, pattern, prologue, payloads):
    """Runs both roles against each other and writes down everything."""
    i_source, r_source = Coins(f"handshake {name} initiator"), Coins(f"handshake {name} responder")
    psk = coins(f"handshake {name} psk", 32) if tl.has_psk(pattern) else None
    i_identity = test_identity("alice") if tl.initiator_has_identity(pattern) else None
    r_identity = test_identity("bob")
    i_states, r_states = [], []

    initiator = tl.Initiator(pattern, prologue, lambda peer: peer == r_identity.public, i_identity, psk, i_source,
                             lambda state: i_states.append(state_entry(state)))
    expected = i_identity.public if i_identity else None
    config = tl.ResponderConfig(prologue, r_identity, lambda peer: peer == expected, psks=(psk,) if psk else ())
    responder = tl.Responder(config, r_source, lambda state: r_states.append(state_entry(state)))

    messages = [initiator.write_1(payloads[0])]
    assert responder.read_1(messages[0]) == payloads[0]
    messages.append(responder.write_2(payloads[1]))
    assert initiator.read_2(messages[1]) == payloads[1]
    if len(payloads) == 3:
        messages.append(initiator.write_3(payloads[2]))
        assert responder.read_3(messages[2]) == payloads[2]
    session, other = initiator.session, responder.session
    assert i_states == r_states and session.handshake_hash == other.handshake_hash
    assert (session.i2r, session.r2i, session.exporter) == (other.i2r, other.r2i, other.exporter)
    return {"name": name, "pattern": pattern, "pattern_id": tl.PATTERN_IDS[pattern], "suite": tl.SUITE, "prologue": prologue.hex(),
            "psk": psk.hex() if psk else None, "initiator_seed": i_identity.secret.hex() if i_identity else None,
            "responder_seed": r_identity.secret.hex(), "initiator_random": i_source.drawn.hex(), "responder_random": r_source.drawn.hex(),
            "payloads": [payload.hex() for payload in payloads], "messages": [message.hex() for message in messages],
            "states": i_states, "handshake_hash": session.handshake_hash.hex(), "i2r": session.i2r.hex(), "r2i": session.r2i.hex(),
            "exporter": session.exporter.hex(), "exports": exporter_entries(session)}


def handshakes():
    cases = []
    for pattern in tl.PATTERN_IDS:
        count = 3 if tl.initiator_has_identity(pattern) else 2
        texts = [b"first payload", b"the second payload, a little longer", b"3"][:count]
        cases.append(handshake_case(f"{pattern}, everything empty", pattern, b"", [b""] * count))
        cases.append(handshake_case(f"{pattern}, with prologue and payloads", pattern, b"example/1", texts))
        cases.append(handshake_case(f"{pattern}, with prologue, without payloads", pattern, b"example/1", [b""] * count))
    largest = [bytes([number]) * tl.MAX_PAYLOAD for number in (1, 2, 3)]
    cases.append(handshake_case("XX, payloads of 4,096 bytes", "XX", b"a prologue of more than one hash block: " + bytes(100), largest))
    return {"cases": cases}


# ---------------------------------------------------------------------------------------------------------------------------------
# channel.json

LARGE = 2048


def content_entry(content):
    """Hex, or for a large content of one repeated byte the rule that makes it."""
    if len(content) > LARGE and content == content[:1] * len(content):
        return {"repeat": content[:1].hex(), "times": len(content)}
    return content.hex()


def bytes_fields(name, data):
    """A field in hex, or under another name the SHA-256 of what is too large to print."""
    return {name: data.hex()} if len(data) <= LARGE else {name + "_sha256": tl.sha256(data).hex()}


class TracedChannel(tl.Channel):
    """A channel that writes down each record that it seals."""

    def __init__(self, name, send_cs, receive_cs, source):
        super().__init__(send_cs, receive_cs, random=source)
        self.name, self.log, self._source, self._seen = name, [], source, 0
        self.padding_fields = {"padding": "none"}

    def set_padding(self, policy, number=None):
        self.padding = {"none": tl.pad_none, "padme": tl.pad_padme, "multiple": number and tl.pad_multiple(number)}[policy]
        self.padding_fields = {"padding": policy} | ({"multiple": number} if number else {})

    def record(self, kind, content=b""):
        plain = tl.record_plaintext(kind, content, self.padding)
        entry = {"direction": self.name, "type": int(kind), "name": RECORD_NAMES[kind], "content": content_entry(content)}
        entry |= self.padding_fields | {"key": self.sending.key.hex(), "counter": self.sending.counter}
        if drawn := self._source.drawn[self._seen:]:
            entry["random"] = drawn.hex()
            self._seen += len(drawn)
        frame = super().record(kind, content)
        self.log.append(entry | bytes_fields("plaintext", plain) | bytes_fields("frame", frame))
        return frame


RECORD_NAMES = {tl.Type.DATA: "Data", tl.Type.END: "End", tl.Type.CLOSE: "Close", tl.Type.KEY_UPDATE: "KeyUpdate",
                tl.Type.REKEY_OFFER: "RekeyOffer", tl.Type.REKEY: "Rekey", tl.Type.PING: "Ping", tl.Type.ABORT: "Abort"}


def split_frames(data):
    while data:
        size = 2 + int.from_bytes(data[:2], "big")
        yield data[:size]
        data = data[size:]


class Script:
    """Two channels in one process: what one seals the other reads at once."""

    def __init__(self, name):
        self.name = name
        self.cs = {"a": coins(f"channel {name} cs a", 32), "b": coins(f"channel {name} cs b", 32)}
        self.a = TracedChannel("a", self.cs["a"], self.cs["b"], Coins(f"channel {name} random a"))
        self.b = TracedChannel("b", self.cs["b"], self.cs["a"], Coins(f"channel {name} random b"))
        self.records = []

    def step(self, channel, method, *arguments):
        other = self.b if channel is self.a else self.a
        frames = getattr(channel, method)(*arguments)
        for entry, frame in zip(channel.log, split_frames(frames), strict=True):
            event = other.receive(frame)
            assert event.type == entry["type"] and content_entry(event.content) in ("", entry["content"])
            self._renewal(channel, other, entry)
            self.records.append(entry)
        channel.log.clear()

    def _renewal(self, channel, other, entry):
        if entry["type"] == tl.Type.REKEY:
            offer = [r for r in self.records if r["type"] == tl.Type.REKEY_OFFER and r["direction"] == other.name][-1]
            entry["ss"] = tl.xwing_encapsulate(bytes.fromhex(offer["content"]), bytes.fromhex(entry["random"]))[1].hex()
        if entry["type"] in (tl.Type.KEY_UPDATE, tl.Type.REKEY):
            entry["next_cs"] = channel.sending.cs.hex()
        assert channel.sending.cs == other.receiving.cs

    def finish(self):
        return {"name": self.name, "suite": tl.SUITE, "cs_a": self.cs["a"].hex(), "cs_b": self.cs["b"].hex(), "records": self.records}


def script_messages():
    s = Script("messages in one and in several pieces")
    s.step(s.a, "end", b"a message of one piece")
    s.step(s.b, "end", b"")
    for piece in (b"first piece, ", b"second piece, "):
        s.step(s.a, "data", piece)
    s.step(s.b, "end", b"in between, the other way")
    s.step(s.a, "end", b"last piece")
    s.step(s.a, "data", b"ends with an empty piece")
    s.step(s.a, "end")
    s.step(s.a, "close", 0)
    s.step(s.b, "end", b"the other direction goes on")
    s.step(s.b, "close", 0, "Auf Wiedersehen, \u4f60\u597d")
    return s.finish()


def script_padding():
    s = Script("padding")
    for policy, number in (("none", None), ("multiple", 1), ("multiple", 64), ("multiple", 256), ("multiple", 1000), ("padme", None)):
        s.a.set_padding(policy, number)
        s.step(s.a, "data", bytes(range(61)))
        s.step(s.a, "data", bytes(range(62)))
        s.step(s.a, "end", b"")
        s.step(s.a, "ping", 0)
    s.a.set_padding("multiple", 20000)
    s.step(s.a, "end", b"capped")
    s.a.set_padding("padme")
    s.step(s.a, "close", 0, "padded too")
    return s.finish()


def script_largest():
    s = Script("the largest content")
    for policy, number in (("none", None), ("padme", None), ("multiple", 4096)):
        s.a.set_padding(policy, number)
        s.step(s.a, "data", b"a" * tl.MAX_CONTENT)
        s.step(s.a, "end", b"b" * tl.MAX_CONTENT)
    s.a.set_padding("none")
    s.step(s.a, "message", b"c" * (2 * tl.MAX_CONTENT + 1))
    return s.finish()


def script_key_updates():
    s = Script("KeyUpdate")
    s.step(s.a, "data", b"under the first key")
    s.step(s.a, "key_update")
    s.step(s.a, "data", b"under the second key, within the same message")
    s.step(s.a, "key_update")
    s.step(s.a, "key_update")
    s.step(s.a, "end", b"under the fourth key")
    s.step(s.b, "end", b"the other direction keeps its key")
    s.step(s.b, "key_update")
    s.step(s.b, "end", b"until it has its own")
    return s.finish()


def script_rekeys():
    s = Script("both directions rekey at once")
    s.step(s.a, "end", b"before")
    s.step(s.a, "offer_rekey")
    s.step(s.b, "offer_rekey")
    s.step(s.a, "key_update")
    s.step(s.a, "answers")
    s.step(s.b, "answers")
    s.step(s.a, "end", b"a under its new key")
    s.step(s.b, "end", b"b under its new key")
    s.step(s.b, "key_update")
    s.step(s.b, "end", b"b after one more KeyUpdate")
    s.step(s.b, "offer_rekey")
    s.step(s.a, "end", b"the Rekey stands before this message")
    s.step(s.a, "data", b"a piece, then an offer answered within a message")
    s.step(s.b, "offer_rekey")
    s.step(s.a, "answers")
    s.step(s.a, "end", b"the rest")
    return s.finish()


def script_half_closed():
    s = Script("an offer answered after the offerer closed")
    s.step(s.a, "offer_rekey")
    s.step(s.a, "close", 2, "going away")
    s.step(s.b, "end", b"the Rekey stands before this message")
    s.step(s.b, "key_update")
    s.step(s.b, "close", 0)
    return s.finish()


def script_control():
    s = Script("Ping, Abort and Close codes")
    s.step(s.a, "ping", 0)
    s.step(s.b, "answers")
    s.step(s.a, "ping", 1)
    s.step(s.a, "ping", 0xFFFFFFFF)
    s.step(s.b, "answers")
    s.step(s.a, "data", b"a piece")
    s.step(s.a, "ping", 7)
    s.step(s.b, "answers")
    s.step(s.a, "abort")
    s.step(s.a, "end", b"the channel goes on")
    s.step(s.a, "close", 256, "r" * 256)
    s.step(s.b, "close", 65535)
    return s.finish()


class RawSender:
    """Seals any plaintext, good or bad, for the cases that a reader alone plays."""

    def __init__(self, name):
        self.cs = coins(f"channel reading {name} cs", 32)
        self.direction = tl.Direction(self.cs)

    def frame(self, kind, content=b"", padding=b""):
        return self.direction.seal(tl.u8(kind) + tl.u16(len(content)) + content + padding)

    def key_updates(self, count):
        for _ in range(count):
            yield self.frame(4)
            self.direction.key_update()


def reader(case):
    """A channel in the state in which the case wants it."""
    seeds = iter([bytes.fromhex(case["offer_seed"])] if "offer_seed" in case else [])
    channel = tl.Channel(bytes(32), bytes.fromhex(case["cs"]), random=lambda _: next(seeds))
    if "offer_seed" in case:
        channel.offer_rekey()
    if case.get("closed"):
        channel.close()
    return channel


def fatal_case(name, build, **state):
    """All frames but the last are read; the last is fatal, or, with `at`, answering it is."""
    sender = RawSender(name)
    frames = list(build(sender))
    case = {"name": name, "suite": tl.SUITE, "cs": sender.cs.hex(), "at": "read"} | state | {"frames": [f.hex() for f in frames]}
    channel = reader(case)
    for frame in frames[:-1]:
        channel.receive(frame)
    if case["at"] == "answer":
        channel.receive(frames[-1])
        channel._random = lambda size: bytes(size)
        assert fails(channel.answers)
    else:
        assert fails(channel.receive, frames[-1])
    assert channel.failed
    return case


def offer_key(label="channel offer"):
    return tl.XWingKey(coins(label, 32)).ek


def fatal_shapes():
    """One record whose type, length or content is not allowed."""
    ek = offer_key()
    bad_ek = bytes([0x01, ek[1] & 0xF0 | 0x0D]) + ek[2:]
    shapes = [(f"type {kind}", kind, b"") for kind in (0, 7, 8, 11, 255)]
    shapes += [("Data of no bytes", 1, b""), ("Data of 16,385 bytes", 1, b"a" * 16385), ("Close of no bytes", 3, b""),
               ("Close of 1 byte", 3, b"\0"), ("Close of 259 bytes", 3, b"\0\0" + b"r" * 257), ("KeyUpdate of 1 byte", 4, b"\0"),
               ("RekeyOffer one byte short", 5, ek[:-1]), ("RekeyOffer one byte more", 5, ek + b"\0"),
               ("RekeyOffer with a coefficient of 3329", 5, bad_ek), ("Rekey without an offer", 6, coins("channel ct", 1120)),
               ("Ping of 4 bytes", 9, bytes(4)), ("Ping of 6 bytes", 9, bytes(6)), ("Ping that begins with 2", 9, b"\2" + bytes(4)),
               ("Abort of 1 byte", 10, b"\0"), ("Abort without a message begun", 10, b"")]
    for name, kind, content in shapes:
        yield fatal_case(name, lambda s: [s.frame(kind, content)])
    seed = coins("channel reader offer", 32).hex()
    ct = tl.xwing_encapsulate(tl.XWingKey(bytes.fromhex(seed)).ek, coins("channel reader coins", 64))[0]
    yield fatal_case("Rekey one byte short", lambda s: [s.frame(6, ct[:-1])], offer_seed=seed)
    yield fatal_case("Rekey with an all-zero X25519 half", lambda s: [s.frame(6, ct[:1088] + bytes(32))], offer_seed=seed)
    yield fatal_case("a second Rekey for one offer", lambda s: second_rekey(s, seed, ct), offer_seed=seed)
    yield fatal_case("a record after Rekey under the old key", lambda s: [s.frame(6, ct), s.frame(2)], offer_seed=seed)
    yield fatal_case("RekeyOffer with an all-zero X25519 half", lambda s: [s.frame(5, ek[:1184] + bytes(32))], at="answer")
    yield fatal_case("a second offer, the first not yet answered", lambda s: [s.frame(5, ek), s.frame(5, offer_key("channel offer 2"))])


def second_rekey(sender, seed, ct):
    key = tl.XWingKey(bytes.fromhex(seed))
    yield sender.frame(6, ct)
    sender.direction.rekey(key.decapsulate(ct), key.ek, ct)
    yield sender.frame(6, ct)


def flipped(frame, index):
    frame = bytearray(frame)
    frame[index] ^= 1
    return bytes(frame)


def fatal_order():
    """Records that are good in themselves, at the wrong place or changed on the way."""
    def replayed(s):
        frame = s.frame(2, b"once")
        return [frame, frame]

    def skipped(s):
        s.frame(2, b"lost")
        return [s.frame(2, b"found")]

    def length_changed(s):
        frame = s.frame(2, b"text")
        return [tl.u16(len(frame) - 1) + frame[2:] + b"\0"]

    yield fatal_case("a flipped bit in the ciphertext", lambda s: [flipped(s.frame(2, b"text"), 4)])
    yield fatal_case("a flipped bit in the tag", lambda s: [flipped(s.frame(2, b"text"), -1)])
    yield fatal_case("another length, the frame longer by a byte", length_changed)
    yield fatal_case("a record twice", replayed)
    yield fatal_case("a record left out", skipped)
    yield fatal_case("padding that is not zero", lambda s: [s.frame(2, b"text", bytes(7) + b"\1")])
    yield fatal_case("content length beyond the plaintext", lambda s: [s.direction.seal(b"\2\0\5text")])
    yield fatal_case("Close between Data and End", lambda s: [s.frame(1, b"piece"), s.frame(3, b"\0\0")])
    yield fatal_case("End after Close", lambda s: [s.frame(3, b"\0\0"), s.frame(2)])
    yield fatal_case("Ping after Close", lambda s: [s.frame(3, b"\0\0"), s.frame(9, bytes(5))])
    yield fatal_case("Close after Close", lambda s: [s.frame(3, b"\0\0"), s.frame(3, b"\0\0")])
    yield fatal_case("Abort after Abort", lambda s: [s.frame(1, b"piece"), s.frame(10), s.frame(10)])
    yield fatal_case("33 KeyUpdate", lambda s: s.key_updates(33))
    yield fatal_case("33 KeyUpdate with pings between", lambda s: [*s.key_updates(16), s.frame(9, bytes(5)), *s.key_updates(17)])
    yield fatal_case("a record after KeyUpdate under the old key", lambda s: [s.frame(4), s.frame(2)])


def accepted_case(name, build, **state):
    """What a reader makes of records that may look odd."""
    sender = RawSender(name)
    frames = list(build(sender))
    case = {"name": name, "suite": tl.SUITE, "cs": sender.cs.hex()} | state | {"frames": [f.hex() for f in frames]}
    channel = reader(case)
    return case | {"events": [event_entry(channel.receive(frame)) for frame in frames]}


def event_entry(event):
    entry = {"type": int(event.type)}
    if event.type in (tl.Type.DATA, tl.Type.END):
        entry["content"] = event.content.hex()
    if event.type == tl.Type.CLOSE:
        entry |= {"code": event.code, "reason": event.reason}
    if event.type == tl.Type.PING:
        entry |= {"answer": event.answer, "number": event.number}
    return entry


def accepted():
    yield accepted_case("32 KeyUpdate, an End, 32 KeyUpdate, a Data",
                        lambda s: [*s.key_updates(32), s.frame(2), *s.key_updates(32), s.frame(1, b"x")])
    yield accepted_case("Close with a reason that is not UTF-8", lambda s: [s.frame(3, b"\0\2\xff\xfe")])
    yield accepted_case("Close with a reserved code", lambda s: [s.frame(3, b"\0\x4d" + b"reserved")])
    yield accepted_case("Close with code 256 and a reason of 256 bytes", lambda s: [s.frame(3, b"\1\0" + b"r" * 256)])
    yield accepted_case("an answer to no ping", lambda s: [s.frame(9, b"\1" + tl.u32(12345))])
    yield accepted_case("padding of one byte, and of many", lambda s: [s.frame(2, b"text", b"\0"), s.frame(2, b"text", bytes(500))])
    yield accepted_case("control records between the pieces of a message",
                        lambda s: [s.frame(1, b"a"), *s.key_updates(1), s.frame(9, bytes(5)), s.frame(5, offer_key()), s.frame(2, b"b")])
    yield accepted_case("an aborted message, then another", lambda s: [s.frame(1, b"a"), s.frame(10), s.frame(1, b"b"), s.frame(2, b"c")])
    yield accepted_case("offers after the own Close are ignored",
                        lambda s: [s.frame(5, offer_key()), s.frame(5, offer_key()), s.frame(2)], closed=True)
    yield accepted_case("an offer, then Close", lambda s: [s.frame(5, offer_key()), s.frame(3, b"\0\0")])


def padding_table():
    lengths = sorted({*range(0, 70), *range(16380, 16388), *(2**e + d for e in range(6, 15) for d in (-1, 0, 1, 2**e // 3)),
                      1000, 1219, 1123, 5000, 12345, 16000, 16623, 16624})
    lengths = [length for length in lengths if length <= tl.MAX_PLAINTEXT]
    multiples = [[n, length, tl.padded_length(length, tl.pad_multiple(n))] for n in (1, 2, 16, 100, 256, 4096, 16624, 20000)
                 for length in (3, 4, 15, 16, 17, 99, 100, 101, 256, 257, 8192, 8193, 16384, 16387)]
    return {"padme": [[length, tl.padded_length(length, tl.pad_padme)] for length in lengths], "multiple": multiples}


def channel():
    scripts = (script_messages, script_padding, script_largest, script_key_updates, script_rekeys, script_half_closed, script_control)
    return {"cases": [script() for script in scripts], "fatal": [*fatal_shapes(), *fatal_order()], "accepted": list(accepted()),
            "frame_lengths": {"allowed": [19, 20, 16639, 16640], "fatal": [0, 1, 16, 18, 16641, 65535]}, "padding": padding_table()}


# ---------------------------------------------------------------------------------------------------------------------------------
# refusals.json


def first_message(pattern="XX", psk=None, prologue=b"example/1", payload=b""):
    source = Coins(f"refusals {pattern}")
    identity = test_identity("alice") if tl.initiator_has_identity(pattern) else None
    return tl.Initiator(pattern, prologue, lambda _: False, identity, psk, source).write_1(payload)


def with_body(frame, change):
    body = bytearray(frame[2:])
    for index, value in change.items():
        body[index] = value
    return tl.to_frame(bytes(body))


ALL_PATTERNS = ("XX", "XXpsk0", "NX", "NXpsk0")


def responder_answer(config, frame, busy):
    """The bytes with which the responder declines, or None when it goes on to message 2."""
    anonymous = config["accepts_anonymous"]
    settings = tl.ResponderConfig(bytes.fromhex(config["prologue"]), test_identity("bob"), lambda peer: peer is not None or anonymous,
                                  tuple(config["patterns"]), tuple(config["suites"]), tuple(map(bytes.fromhex, config["psks"])))
    responder = tl.Responder(settings, Coins("refusals responder"))
    try:
        responder.read_1(frame, busy)
        responder.write_2()
    except tl.Declined as declined:
        return declined.answer
    return None


def responder_case(name, frame, expected, busy=False, **changes):
    config = {"prologue": b"example/1".hex(), "patterns": ALL_PATTERNS, "suites": [tl.SUITE], "psks": [], "accepts_anonymous": True,
              "busy": busy} | changes
    config["patterns"] = list(config["patterns"])
    answer = responder_answer(config, frame, busy)
    assert answer == expected, (name, answer)
    return {"name": name, "config": config, "frame": frame.hex(), "answer": answer.hex() if answer is not None else None}


def refusal(status):
    return b"\0\1" + bytes([status])


def responder_refusals():
    xx, nx = first_message(), first_message("NX")
    body = xx[2:]
    silent = b""
    bad_ek = with_body(xx, {6: 0x01, 7: body[7] & 0xF0 | 0x0D})
    yield responder_case("a good XX message", xx, None)
    yield responder_case("a good NX message", nx, None)
    yield responder_case("a good XX message with the largest payload", first_message(payload=b"p" * 4096), None)
    yield responder_case("empty body", b"\0\0", silent)
    yield responder_case("body of 5 bytes", tl.to_frame(body[:5]), silent)
    yield responder_case("body of the header alone", tl.to_frame(body[:6]), silent)
    yield responder_case("bad magic", with_body(xx, {0: 0x55}), silent)
    yield responder_case("bad magic, and version 2", with_body(xx, {1: 0x6C, 2: 2}), silent)
    yield responder_case("version 0", with_body(xx, {2: 0}), refusal(1))
    yield responder_case("version 2", with_body(xx, {2: 2}), refusal(1))
    yield responder_case("version 2, header alone", tl.to_frame(b"TL" + bytes([2, 1, 0, 1])), refusal(1))
    yield responder_case("version 255 with unknown pattern and suite", with_body(xx, {2: 255, 3: 99, 4: 9}), refusal(1))
    for number in (0, 5, 6, 7, 99, 255):
        yield responder_case(f"pattern {number}", with_body(xx, {3: number}), refusal(2))
    yield responder_case("pattern 99 with an unknown suite", with_body(xx, {3: 99, 5: 2}), refusal(2))
    yield responder_case("pattern 99, header alone", tl.to_frame(b"TL" + bytes([1, 99, 0, 1])), refusal(2))
    yield responder_case("NX, only XX allowed", nx, refusal(2), patterns=("XX",))
    yield responder_case("XX, only NX allowed", xx, refusal(2), patterns=("NX",))
    for suite in (0x0000, 0x0002, 0x0003, 0x7E03, 0xFFFF):
        yield responder_case(f"suite 0x{suite:04X}", with_body(xx, {4: suite >> 8, 5: suite & 255}), refusal(3))
    yield responder_case("suite 0x0002, header alone", tl.to_frame(b"TL" + bytes([1, 1, 0, 2])), refusal(3))
    yield responder_case("one byte short", tl.to_frame(body[:-1]), silent)
    yield responder_case("payload of 4,097 bytes", tl.to_frame(body + bytes(4097)), silent)
    yield responder_case("busy", xx, refusal(4), busy=True)
    yield responder_case("busy, version 2", with_body(xx, {2: 2}), refusal(1), busy=True)
    yield responder_case("busy, one byte short", tl.to_frame(body[:-1]), silent, busy=True)
    yield responder_case("busy, encapsulation key out of range", bad_ek, refusal(4), busy=True)
    yield responder_case("encapsulation key out of range", bad_ek, silent)
    yield responder_case("X25519 half all zero", tl.to_frame(body[:6 + 1184] + bytes(32)), silent)
    yield responder_case("NX, initiators without identity not accepted", nx, refusal(5), accepts_anonymous=False)
    yield from psk_refusals(xx, nx)


def psk_refusals(xx, nx):
    psk, other = coins("refusals psk", 32), coins("refusals other psk", 32)
    held = {"psks": [psk.hex()]}
    psk_xx, psk_nx = first_message("XXpsk0", psk), first_message("NXpsk0", psk)
    tag_changed = with_body(psk_xx, {len(psk_xx) - 3: psk_xx[-1] ^ 1})
    silent = b""
    yield responder_case("XXpsk0 to a responder without a psk", psk_xx, refusal(2))
    yield responder_case("NXpsk0 to a responder without a psk", psk_nx, refusal(2))
    yield responder_case("psk: a good XXpsk0 message", psk_xx, None, **held)
    yield responder_case("psk: a good NXpsk0 message", psk_nx, None, **held)
    yield responder_case("psk: a good message under the older key", psk_xx, None, psks=[other.hex(), psk.hex()])
    yield responder_case("psk: a good message under the newer key", psk_xx, None, psks=[psk.hex(), other.hex()])
    yield responder_case("psk: XX", xx, silent, **held)
    yield responder_case("psk: NX", nx, silent, **held)
    yield responder_case("psk: version 2", with_body(psk_xx, {2: 2}), silent, **held)
    yield responder_case("psk: pattern 99", with_body(psk_xx, {3: 99}), silent, **held)
    yield responder_case("psk: suite 0x0002", with_body(psk_xx, {5: 2}), silent, **held)
    yield responder_case("psk: bad magic", with_body(psk_xx, {0: 0}), silent, **held)
    yield responder_case("psk: one byte short", tl.to_frame(psk_xx[2:-1]), silent, **held)
    yield responder_case("psk: another key", psk_xx, silent, psks=[other.hex()])
    yield responder_case("psk: tag changed", tag_changed, silent, **held)
    yield responder_case("psk: another prologue", psk_xx, silent, prologue=b"example/2".hex(), **held)
    yield responder_case("psk: NXpsk0 where only XXpsk0 is allowed", psk_nx, silent, patterns=("XXpsk0",), **held)


def initiator_case(name, reply, outcome, status=None):
    initiator = tl.Initiator("XX", b"example/1", lambda _: True, test_identity("alice"), None, Coins("refusals XX"))
    initiator.write_1()
    try:
        initiator.read_2(reply)
        raise AssertionError(name)
    except tl.Refused as error:
        found = "refused", error.status
    except tl.Malformed:
        found = "malformed", None
    except tl.Failed:
        found = "failed", None
    assert found == (outcome, status), (name, found)
    return {"name": name, "reply": reply.hex(), "outcome": outcome} | ({"status": status} if status else {})


def initiator_refusals():
    for status in (1, 2, 3, 4, 5):
        yield initiator_case(f"status {status}", refusal(status), "refused", status)
    for status in (6, 84, 128, 255):
        yield initiator_case(f"status {status}, not known", refusal(status), "refused", 5)
    yield initiator_case("a single 0", refusal(0), "malformed")
    yield initiator_case("empty body", b"\0\0", "malformed")
    yield initiator_case("status 1 with one more byte", b"\0\2\1\0", "malformed")
    yield initiator_case("status 0 with one more byte", b"\0\2\0\0", "malformed")
    yield initiator_case("status 5 at the length of message 2", tl.to_frame(b"\5" + bytes(6525)), "malformed")
    yield initiator_case("message 2 one byte short", tl.to_frame(bytes(6525)), "malformed")
    yield initiator_case("message 2 of zero bytes", tl.to_frame(bytes(6526)), "failed")


def refusals():
    return {"responder_seed": test_identity("bob").secret.hex(), "initiator_seed": test_identity("alice").secret.hex(),
            "responder": list(responder_refusals()), "initiator": list(initiator_refusals())}


# ---------------------------------------------------------------------------------------------------------------------------------
# Writing and checking

FILES = {"primitives.json": primitives, "identity.json": identity, "handshakes.json": handshakes, "channel.json": channel,
         "refusals.json": refusals}


def to_json(value):
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def differences(path, stored, computed):
    """The places at which two JSON values differ."""
    if isinstance(stored, dict) and isinstance(computed, dict) and stored.keys() == computed.keys():
        for key in computed:
            yield from differences(f"{path}/{key}", stored[key], computed[key])
    elif isinstance(stored, list) and isinstance(computed, list) and len(stored) == len(computed):
        for index, pair in enumerate(zip(stored, computed)):
            yield from differences(f"{path}/{index}", *pair)
    elif stored != computed:
        yield path


def check(directory):
    good = True
    for name, compute in FILES.items():
        stored = json.loads((directory / name).read_text(encoding="ascii"))
        different = list(differences("", stored, compute()))
        print(f"{name}: {'as computed' if not different else 'differs at ' + ', '.join(different)}")
        good = good and not different
    return good


def write(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for name, compute in FILES.items():
        (directory / name).write_text(to_json(compute()), encoding="ascii", newline="\n")
        print(f"{name} written")


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in ("write", "check"):
        print(__doc__)
        return 2
    directory = pathlib.Path(arguments[1])
    if arguments[0] == "write":
        write(directory)
        return 0
    return 0 if check(directory) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
