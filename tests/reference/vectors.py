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
# Writing and checking

FILES = {"primitives.json": primitives, "identity.json": identity, "handshakes.json": handshakes}


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
