"""Writes and checks the test vectors of the Twinlock protocol.

    python vectors.py write DIR     computes every vector and writes the JSON files into DIR
    python vectors.py check DIR     computes every vector again and compares it with the files in DIR

Everything is deterministic: each case draws its coins from SHAKE-256 of a label of its own. What the files hold is described in
tests/vectors/README.md, where the section numbers are those of docs/protocol.md.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
import pathlib
import sys

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

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


@contextlib.contextmanager
def system_coins(label):
    """Within it the algorithms of round 3 draw coins too."""
    with system_random(Coins("system " + label)):
        yield


@contextlib.contextmanager
def system_random(draw):
    before, tl.system_random = tl.system_random, draw
    try:
        yield
    finally:
        tl.system_random = before


def fails(call, *arguments):
    """Whether the call raises one of the library's errors."""
    try:
        call(*arguments)
    except tl.TwinlockError:
        return True
    return False


def flipped(frame, index):
    frame = bytearray(frame)
    frame[index] ^= 1
    return bytes(frame)


# ---------------------------------------------------------------------------------------------------------------------------------
# primitives.json


def encapsulate(kem, ek, encapsulation_coins):
    """With the coins given beforehand, and all of them used."""
    source = iter([encapsulation_coins])
    return kem.encapsulate(ek, lambda size: next(source) if size == len(encapsulation_coins) else None)


def kem_cases(label, kem):
    for number in range(1, 4):
        seed, encapsulation_coins = coins(f"{label} seed {number}", 32), coins(f"{label} coins {number}", kem.coins_size)
        key = kem.key(seed)
        ct, ss = encapsulate(kem, key.ek, encapsulation_coins)
        assert key.decapsulate(ct) == ss
        yield {"name": f"{label} {number}", "seed": seed.hex(), "ek": key.ek.hex(), "coins": encapsulation_coins.hex(),
               "ct": ct.hex(), "ss": ss.hex()}


def kem_rejected_decapsulation(label, kem):
    """A changed ML-KEM half is not noticed by decapsulation itself: implicit rejection gives another secret."""
    seed = coins(f"{label} seed 1", 32)
    key = kem.key(seed)
    ct, ss = encapsulate(kem, key.ek, coins(f"{label} coins 1", kem.coins_size))
    changed = bytes([ct[0] ^ 1]) + ct[1:]
    rejected = key.decapsulate(changed)
    assert rejected != ss
    return [{"name": f"first byte of the ciphertext of {label} 1 xor 01", "seed": seed.hex(), "ct": changed.hex(), "ss": rejected.hex()}]


def out_of_range_keys(kem, ek):
    last = kem.ek_mlkem - 34
    return [("first coefficient 3329", bytes([0x01, ek[1] & 0xF0 | 0x0D]) + ek[2:]),
            ("last coefficient 4095", ek[:last] + bytes([ek[last] | 0xF0, 0xFF]) + ek[last + 2:]),
            ("one byte short", ek[:-1]), ("one byte more", ek + b"\0")]


ORDER_8 = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")


def xwing_bad_keys():
    ek = tl.XWING.key(coins("xwing seed 1", 32)).ek
    cases = out_of_range_keys(tl.XWING, ek)
    cases += [("X25519 half all zero", ek[:1184] + bytes(32)), ("X25519 half of order 2", ek[:1184] + b"\1" + bytes(31)),
              ("X25519 half of order 8", ek[:1184] + ORDER_8)]
    for name, bad in cases:
        assert fails(encapsulate, tl.XWING, bad, bytes(64))
        at = "encapsulation" if name.startswith("X25519") else "check"
        yield {"name": name, "ek": bad.hex(), "fails_at": at}


P384_P = 2**384 - 2**128 - 2**96 + 2**32 - 1


def bad_points(point):
    """What must not be read in the place of the uncompressed point, with 97 bytes."""
    x, y = point[1:49], int.from_bytes(point[49:], "big")
    return [("not on the curve", flipped(point, -1)), ("all zero", bytes(97)), ("infinity, 04 and zeros", b"\4" + bytes(96)),
            ("compressed, then zeros", bytes([2 + y % 2]) + x + bytes(48)), ("hybrid form", bytes([6 + y % 2]) + point[1:]),
            ("x not below the prime", b"\4" + P384_P.to_bytes(48, "big") + point[49:]),
            ("y not below the prime", b"\4" + x + b"\xff" * 48)]


def p384_bad_keys():
    kem = tl.MLKEM1024_P384
    ek = kem.key(coins("mlkem1024_p384 seed 1", 32)).ek
    cases = out_of_range_keys(kem, ek)
    cases += [("P-384 half " + name, ek[:1568] + point) for name, point in bad_points(ek[1568:])]
    cases += [("P-384 half compressed, and the key shorter", ek[:1568] + bytes([2 + ek[-1] % 2]) + ek[1569:1617])]
    for name, bad in cases:
        assert fails(kem.check, bad), name
        yield {"name": name, "ek": bad.hex(), "fails_at": "check"}


def p384_bad_ciphertexts():
    kem, seed = tl.MLKEM1024_P384, coins("mlkem1024_p384 seed 1", 32)
    key = kem.key(seed)
    ct, _ = encapsulate(kem, key.ek, coins("mlkem1024_p384 coins 1", kem.coins_size))
    for name, point in bad_points(ct[1568:]):
        assert fails(key.decapsulate, ct[:1568] + point), name
        yield {"name": "P-384 half " + name, "seed": seed.hex(), "ct": (ct[:1568] + point).hex()}


def p384_bad_coins():
    """Coins whose scalar is out of range; encapsulation fails as the source of randomness would."""
    kem = tl.MLKEM1024_P384
    ek = kem.key(coins("mlkem1024_p384 seed 1", 32)).ek
    for name, scalar in (("zero", 0), ("the order", kem.curve.order), ("all ones", 2**384 - 1)):
        bad = coins("mlkem1024_p384 bad coins", 32) + scalar.to_bytes(48, "big")
        assert fails(encapsulate, kem, ek, bad), name
        yield {"name": name, "case": "mlkem1024_p384 1", "coins": bad.hex()}


def composite_cases(label, signature):
    cases = [("empty context, empty message", b"", b""), ("short context", b"twinlock1 XX initiator", bytes(range(32))),
             ("context of 255 bytes", bytes(range(1, 256)), b"The quick brown fox jumps over the lazy dog."),
             ("deterministic variant", b"context", b"message")]
    for name, ctx, message in cases:
        identity = tl.Identity.generate(Coins(f"{label} secret {name}"), signature)
        rnd = bytes(32) if name == "deterministic variant" else coins(f"{label} rnd {name}", 32)
        made = identity.sign(message, ctx, rnd)
        identity.public.verify(message, ctx, made)
        secret = ({"seed_m": identity.secret[:32].hex(), "seed_e": identity.secret[32:].hex()} if signature is tl.MLDSA65_ED25519 else
                  {"secret": identity.secret.hex()})
        yield {"name": name} | secret | {"pk": identity.public.key.hex(), "ctx": ctx.hex(), "message": message.hex(), "rnd": rnd.hex(),
                                         "signature": made.hex()}


ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def changed_case(case, field, offset, replacement):
    """The fields of a composite case with one of them overwritten in part, as what `verify` takes."""
    changed = {key: bytes.fromhex(case[key]) for key in ("pk", "ctx", "message", "signature")}
    value = changed[field]
    changed[field] = value[:offset] + replacement + value[offset + len(replacement):]
    assert changed[field] != value and len(changed[field]) == len(value)
    return changed


def verify_case(signature, fields):
    tl.PublicIdentity(fields["pk"], signature).verify(fields["message"], fields["ctx"], fields["signature"])


def rejected_changes(signature, case, changes):
    for name, field, offset, replacement in changes:
        assert fails(verify_case, signature, changed_case(case, field, offset, replacement)), name
        yield {"name": name, "case": case["name"], "field": field, "offset": offset, "replace": replacement.hex()}


def changes_of_mldsa(case, mldsa, omega, k):
    """Changes to the ML-DSA half, the message and the context."""
    signature, public = bytes.fromhex(case["signature"]), bytes.fromhex(case["pk"])
    hints = mldsa.signature_size - omega - k
    before = [("ML-DSA challenge", "signature", 0, bytes([signature[0] ^ 1])),
              ("ML-DSA response", "signature", 1000, bytes([signature[1000] ^ 128])),
              ("ML-DSA hint padding not zero", "signature", hints + omega - 1, b"\1"),
              ("ML-DSA hint count above omega", "signature", mldsa.signature_size - 1, bytes([omega + 1]))]
    after = [("ML-DSA public key", "pk", 40, bytes([public[40] ^ 1])), ("message", "message", 0, b"\xff"), ("context", "ctx", 0, b"T")]
    return before, after


def composite_rejected(case):
    """Changes to the case that verification must not accept; `replace` puts bytes at an offset of a field."""
    algorithm = tl.MLDSA65_ED25519
    half, signature = algorithm.post_quantum, bytes.fromhex(case["signature"])
    s = int.from_bytes(signature[-32:], "little")
    s_at = algorithm.signature_size - 32
    before, after = changes_of_mldsa(case, half, 55, 6)
    changes = [("Ed25519 R", "signature", half.signature_size, bytes([signature[half.signature_size] ^ 1])),
               ("Ed25519 S", "signature", s_at, bytes([signature[-32] ^ 1])),
               ("Ed25519 S plus group order", "signature", s_at, (s + ED25519_ORDER).to_bytes(32, "little")),
               ("Ed25519 R of small order", "signature", half.signature_size, b"\1" + bytes(31)),
               ("Ed25519 A of small order", "pk", half.public_size, b"\1" + bytes(31)),
               ("Ed25519 A not canonical", "pk", half.public_size, (tl.P25519 + 3).to_bytes(32, "little"))]
    return rejected_changes(algorithm, case, before + changes + after)


def ecdsa_numbers(padded):
    reader = tl.DerReader(tl.DerReader(padded).take(tl.SEQUENCE))
    return reader.integer(), reader.integer()


def ecdsa_padded(der):
    return der + bytes(104 - len(der))


def ecdsa_der(r, s):
    return tl.der(tl.SEQUENCE, tl.der_integer(r), tl.der_integer(s))


def ecdsa_with(case, number):
    """The ECDSA half of the case made with `number` in the place of RFC 6979's."""
    algorithm, order = tl.MLDSA87_P384, tl.P384.order
    representative = algorithm.representative(bytes.fromhex(case["ctx"]), bytes.fromhex(case["message"]))
    digest = int.from_bytes(hashlib.sha384(representative).digest(), "big")
    secret = int.from_bytes(bytes.fromhex(case["secret"])[39:87], "big")
    r = int.from_bytes(tl.P384.base(number.to_bytes(48, "big"))[1:49], "big") % order
    return ecdsa_padded(ecdsa_der(r, pow(number, -1, order) * (digest + r * secret) % order))


def composite_2_rejected(case):
    algorithm, order = tl.MLDSA87_P384, tl.P384.order
    at, pk_at = algorithm.post_quantum.signature_size, algorithm.post_quantum.public_size
    half = bytes.fromhex(case["signature"])[at:]
    r, s = ecdsa_numbers(half)
    size = 2 + half[1]
    assert size < 104
    r_der, s_der, plain_r = tl.der_integer(r), tl.der_integer(s), r.to_bytes(48, "big")
    before, after = changes_of_mldsa(case, algorithm.post_quantum, 75, 8)
    halves = [("ECDSA r", ecdsa_der(r ^ 1, s)), ("ECDSA s", ecdsa_der(r, s ^ 1)), ("ECDSA r is 0", ecdsa_der(0, s)),
              ("ECDSA s is 0", ecdsa_der(r, 0)), ("ECDSA r is the order", ecdsa_der(order, s)),
              ("ECDSA s is the order", ecdsa_der(r, order)), ("ECDSA r and s swapped", ecdsa_der(s, r)),
              ("DER with a long form of a short length", b"\x30\x81" + half[1:size]),
              ("DER with an indefinite length", b"\x30\x80" + half[2:size]),
              ("DER with one more zero before s", tl.der(tl.SEQUENCE, r_der, tl.der(tl.INTEGER, b"\0" + s_der[2:]))),
              ("DER with a third number", tl.der(tl.SEQUENCE, ecdsa_der(1, 1)[2:], tl.der_integer(1))),
              ("DER with a byte left over in the sequence", tl.der(tl.SEQUENCE, r_der, s_der, b"\0")),
              ("DER of one number", tl.der(tl.SEQUENCE, r_der)), ("r and s without DER", plain_r + s.to_bytes(48, "big")),
              ("a set in the place of the sequence", b"\x31" + half[1:size]), ("all zero", b"")]
    changes = [(name, "signature", at, ecdsa_padded(der)) for name, der in halves]
    changes += [("padding not zero, last byte", "signature", at + 103, b"\1"),
                ("padding not zero, first byte", "signature", at + size, b"\1")]
    changes += [("P-384 public key " + name, "pk", pk_at, point) for name, point in bad_points(bytes.fromhex(case["pk"])[pk_at:])]
    changes += [("P-384 public key of another", "pk", pk_at, tl.P384.base(coins("another P-384 scalar", 48)))]
    return rejected_changes(algorithm, case, before + changes + after)


def composite_2_accepted(case):
    """Other ECDSA halves that are as good."""
    algorithm, half = tl.MLDSA87_P384, bytes.fromhex(case["signature"])[4627:]
    r, s = ecdsa_numbers(half)
    other_number = ecdsa_with(case, int.from_bytes(coins("an ECDSA number", 48), "big"))
    for name, other in (("the order minus s", ecdsa_padded(ecdsa_der(r, tl.P384.order - s))), ("another number drawn", other_number)):
        verify_case(algorithm, changed_case(case, "signature", 4627, other))
        yield {"name": name, "case": case["name"], "field": "signature", "offset": 4627, "replace": other.hex()}


def aead_cases():
    for aead in (tl.CHACHA20_POLY1305, tl.AES256_GCM):
        for counter in (0, 1, 255, 256, 2**24 - 1, 2**32 + 5, 2**48 - 1):
            name = f"{aead.name}, counter {counter}"
            key, ad, plaintext = coins("aead key " + name, 32), b"associated data", b"plaintext of " + name.encode()
            yield {"name": name, "aead": aead.name, "key": key.hex(), "counter": counter, "nonce": aead.nonce(counter).hex(),
                   "ad": ad.hex(), "plaintext": plaintext.hex(), "ciphertext": aead.seal(key, counter, ad, plaintext).hex()}


def primitives():
    composite = list(composite_cases("composite", tl.MLDSA65_ED25519))
    composite_2 = list(composite_cases("composite 2", tl.MLDSA87_P384))
    label, kem = "mlkem1024_p384", tl.MLKEM1024_P384
    return {"xwing": list(kem_cases("xwing", tl.XWING)), "xwing_implicit_rejection": kem_rejected_decapsulation("xwing", tl.XWING),
            "xwing_bad_keys": list(xwing_bad_keys()), "composite": composite, "composite_rejected": list(composite_rejected(composite[1])),
            "mlkem1024_p384": list(kem_cases(label, kem)), "mlkem1024_p384_implicit_rejection": kem_rejected_decapsulation(label, kem),
            "mlkem1024_p384_bad_keys": list(p384_bad_keys()), "mlkem1024_p384_bad_ciphertexts": list(p384_bad_ciphertexts()),
            "mlkem1024_p384_bad_coins": list(p384_bad_coins()), "composite_2": composite_2,
            "composite_2_rejected": list(composite_2_rejected(composite_2[1])),
            "composite_2_accepted": list(composite_2_accepted(composite_2[1])), "aead": list(aead_cases())}


# ---------------------------------------------------------------------------------------------------------------------------------
# identity.json


@functools.cache
def test_identity(name, signature=tl.MLDSA65_ED25519):
    """Of other signatures than the first the name carries the id, as in `alice 2`."""
    with system_coins("identity " + name):
        return tl.Identity.generate(Coins("identity " + name), signature)


def alice_and_bob(suite):
    """The identities of the initiator and the responder."""
    signature = tl.SUITES[suite].signature
    end = "" if signature.id == 1 else f" {signature.id:X}"
    return test_identity("alice" + end, signature), test_identity("bob" + end, signature)


def signature_field(signature):
    """Absent where it is 1."""
    return {} if signature.id == 1 else {"signature": signature.id}


def identity_entry(name, signature=tl.MLDSA65_ED25519):
    identity = test_identity(name, signature)
    fingerprint = identity.public.fingerprint()
    secret_pem, public_pem = tl.secret_write(identity), tl.public_write(identity.public)
    assert tl.secret_read(secret_pem).secret == identity.secret and tl.public_read(public_pem) == identity.public
    return {"name": name} | signature_field(signature) | {
        "secret": identity.secret.hex(), "public": identity.public.key.hex(), "fingerprint": fingerprint.hex(),
        "text": tl.fingerprint_write(fingerprint), "pkcs8_pem": secret_pem, "spki_pem": public_pem}


def encrypted_entry(name, passphrase, n, signature=tl.MLDSA65_ED25519):
    identity, source = test_identity(name, signature), Coins(f"encrypted {name} {passphrase} {n}")
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


def refused_secrets():
    """Secret identities, not encrypted, that must not be read."""
    one, two = tl.MLDSA65_ED25519, tl.MLDSA87_P384
    secret = test_identity("alice 2", two).secret
    seed, ec_key = secret[:32], secret[32:]
    scalar, curve = ec_key[7:55], ec_key[55:]
    public = tl.der(0xA1, tl.der(tl.BIT_STRING, b"\0", test_identity("alice 2", two).public.key[2592:]))
    plain_key = tl.der(tl.SEQUENCE, tl.der_integer(1), tl.der(tl.OCTET_STRING, scalar))
    p521 = tl.der(0xA0, tl.der_oid("1.3.132.0.35"))
    bodies = [("the secret of signature 2 under the identifier of 1", tl.pkcs8_body(one, secret)),
              ("the secret of signature 1 under the identifier of 2", tl.pkcs8_body(two, test_identity("alice").secret)),
              ("ECPrivateKey with the public key", tl.pkcs8_body(two, seed + tl.der(tl.SEQUENCE, ec_key[2:], public))),
              ("ECPrivateKey without the curve", tl.pkcs8_body(two, seed + plain_key)),
              ("ECPrivateKey with another curve", tl.pkcs8_body(two, seed + ec_key[:55] + p521)),
              ("ECPrivateKey of version 2", tl.pkcs8_body(two, seed + ec_key[:4] + b"\2" + ec_key[5:])),
              ("scalar without ECPrivateKey", tl.pkcs8_body(two, seed + scalar)),
              ("scalar 0", tl.pkcs8_body(two, seed + ec_key[:7] + bytes(48) + curve)),
              ("scalar the order", tl.pkcs8_body(two, seed + ec_key[:7] + tl.P384.order.to_bytes(48, "big") + curve)),
              ("one byte left over", tl.pkcs8_body(two, secret) + b"\0"), ("one byte short", tl.pkcs8_body(two, secret)[:-1]),
              ("parameters NULL", tl.der(tl.SEQUENCE, tl.der_integer(0), tl.der(tl.SEQUENCE, two.algorithm[2:], b"\5\0"),
                                         tl.der(tl.OCTET_STRING, secret))),
              ("an identifier not known", tl.pkcs8_body(two, secret).replace(two.algorithm, tl.der(tl.SEQUENCE, OID_MLDSA87_P521)))]
    for name, body in bodies:
        assert fails(tl.pkcs8_read, body), name
        yield {"name": name, "pem": tl.pem_write("PRIVATE KEY", body)}


OID_MLDSA87_P521 = tl.der_oid("1.3.6.1.5.5.7.6.54")


def refused_publics():
    one, two = tl.MLDSA65_ED25519, tl.MLDSA87_P384
    key = test_identity("alice 2", two).public.key
    cases = [("P-384 half " + name, tl.spki_body(two, key[:2592] + point)) for name, point in bad_points(key[2592:])]
    cases += [("the key of signature 1 under the identifier of 2", tl.spki_body(two, test_identity("alice").public.key)),
              ("the key of signature 2 under the identifier of 1", tl.spki_body(one, key))]
    for name, body in cases:
        pem = tl.pem_write("PUBLIC KEY", body)
        assert fails(tl.public_read, pem), name
        yield {"name": name, "pem": pem}


def identity():
    names = ("alice", "bob", "carol")
    entries = [identity_entry(name) for name in names]
    entries += [identity_entry(name, tl.MLDSA87_P384) for name in ("alice 2", "bob 2")]
    fingerprints = {entry["name"]: bytes.fromhex(entry["fingerprint"]) for entry in entries}
    pairs = [("alice", "bob"), ("bob", "alice"), ("alice", "carol"), ("bob", "carol"), ("carol", "carol"), ("alice", "bob 2"),
             ("alice 2", "bob 2")]
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
                          encrypted_entry("carol", "cheaper costs are read too", 2**12),
                          encrypted_entry("alice 2", "correct horse battery staple", 2**12, tl.MLDSA87_P384)],
            "encrypted_refused": list(rejected_encrypted_files()), "secret_refused": list(refused_secrets()),
            "public_refused": list(refused_publics())}


# ---------------------------------------------------------------------------------------------------------------------------------
# handshakes.json


def state_entry(state):
    return {"h": state.h.hex(), "ck": state.ck.hex(), "k": state.k.hex() if state.k else None}


def exporter_entries(session):
    cases = [(b"", b"", 32), (b"example label", b"", 16), (b"example label", b"context", 64), (b"x" * 255, bytes(range(100)), 100),
             (b"one byte", b"context", 1)]
    return [{"label": label.hex(), "context": context.hex(), "n": n, "value": session.export(label, context, n).hex()}
            for label, context, n in cases]


def handshake_case(name, pattern, prologue, payloads, suite=tl.DEFAULT_SUITE):
    """Runs both roles against each other and writes down everything."""
    i_source, r_source = Coins(f"handshake {name} initiator"), Coins(f"handshake {name} responder")
    psk = coins(f"handshake {name} psk", 32) if tl.has_psk(pattern) else None
    i_identity, r_identity = alice_and_bob(suite)
    if not tl.initiator_has_identity(pattern):
        i_identity = None
    i_states, r_states = [], []

    initiator = tl.Initiator(pattern, prologue, lambda peer: peer == r_identity.public, i_identity, psk, i_source,
                             lambda state: i_states.append(state_entry(state)), suite)
    expected = i_identity.public if i_identity else None
    config = tl.ResponderConfig(prologue, r_identity, lambda peer: peer == expected, suites=(suite,), psks=(psk,) if psk else ())
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
    assert (session.i2r, session.r2i, session.exporter, session.resume) == (other.i2r, other.r2i, other.exporter, other.resume)
    return {"name": name, "pattern": pattern, "pattern_id": tl.PATTERN_IDS[pattern], "suite": suite, "prologue": prologue.hex(),
            "psk": psk.hex() if psk else None, "initiator_seed": i_identity.secret.hex() if i_identity else None,
            "responder_seed": r_identity.secret.hex(), "initiator_random": i_source.drawn.hex(), "responder_random": r_source.drawn.hex(),
            "payloads": [payload.hex() for payload in payloads], "messages": [message.hex() for message in messages],
            "states": i_states, "handshake_hash": session.handshake_hash.hex(), "i2r": session.i2r.hex(), "r2i": session.r2i.hex(),
            "exporter": session.exporter.hex(), "resumption": session.resume.hex(), "exports": exporter_entries(session)}


def handshakes():
    cases = []
    for pattern in tl.SIGNED_PATTERNS:
        count = 3 if tl.initiator_has_identity(pattern) else 2
        texts = [b"first payload", b"the second payload, a little longer", b"3"][:count]
        cases.append(handshake_case(f"{pattern}, everything empty", pattern, b"", [b""] * count))
        cases.append(handshake_case(f"{pattern}, with prologue and payloads", pattern, b"example/1", texts))
        cases.append(handshake_case(f"{pattern}, with prologue, without payloads", pattern, b"example/1", [b""] * count))
    largest = [bytes([number]) * tl.MAX_PAYLOAD for number in (1, 2, 3)]
    cases.append(handshake_case("XX, payloads of 4,096 bytes", "XX", b"a prologue of more than one hash block: " + bytes(100), largest))
    for suite in (0x0003, 0x0002):
        for pattern in tl.SIGNED_PATTERNS:
            texts = [b"first payload", b"the second payload, a little longer", b"3"][:3 if tl.initiator_has_identity(pattern) else 2]
            cases.append(handshake_case(f"0x{suite:04X}, {pattern}", pattern, b"example/1", texts, suite))
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

    def __init__(self, name, send_cs, receive_cs, source, suite):
        super().__init__(send_cs, receive_cs, random=source, suite=suite)
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

    def __init__(self, name, suite=tl.DEFAULT_SUITE):
        self.name, self.suite = name, tl.SUITES[suite]
        size = self.suite.hash.size
        self.cs = {"a": coins(f"channel {name} cs a", size), "b": coins(f"channel {name} cs b", size)}
        self.a = TracedChannel("a", self.cs["a"], self.cs["b"], Coins(f"channel {name} random a"), suite)
        self.b = TracedChannel("b", self.cs["b"], self.cs["a"], Coins(f"channel {name} random b"), suite)
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
            entry["ss"] = encapsulate(self.suite.kem, bytes.fromhex(offer["content"]), bytes.fromhex(entry["random"]))[1].hex()
        if entry["type"] in (tl.Type.KEY_UPDATE, tl.Type.REKEY):
            entry["next_cs"] = channel.sending.cs.hex()
        assert channel.sending.cs == other.receiving.cs

    def finish(self):
        return {"name": self.name, "suite": self.suite.id, "cs_a": self.cs["a"].hex(), "cs_b": self.cs["b"].hex(), "records": self.records}


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


def script_suite(suite):
    """Records, both renewals in both directions, and the end, in another suite than the first."""
    s = Script(f"0x{suite:04X}: records, KeyUpdate and Rekey", suite)
    s.step(s.a, "end", b"a under its first key, counter 0")
    s.step(s.a, "data", b"counter 1")
    s.step(s.b, "end", b"b under its first key")
    s.step(s.a, "end", b"counter 2")
    s.step(s.a, "key_update")
    s.step(s.a, "end", b"a under its second key")
    s.step(s.a, "offer_rekey")
    s.step(s.b, "offer_rekey")
    s.step(s.a, "answers")
    s.step(s.b, "key_update")
    s.step(s.b, "end", b"the Rekey stands before this message")
    s.step(s.a, "end", b"a under its third key")
    s.step(s.a, "key_update")
    s.a.set_padding("padme")
    s.step(s.a, "end", b"a padded")
    s.step(s.a, "ping", 1)
    s.step(s.b, "answers")
    s.step(s.a, "close", 0)
    s.step(s.b, "close", 0)
    return s.finish()


class RawSender:
    """Seals any plaintext, good or bad, for the cases that a reader alone plays."""

    def __init__(self, name, suite):
        self.suite = tl.SUITES[suite]
        self.cs = coins(f"channel reading {name} cs", self.suite.hash.size)
        self.direction = tl.Direction(self.suite, self.cs)

    def frame(self, kind, content=b"", padding=b""):
        return self.direction.seal(tl.u8(kind) + tl.u16(len(content)) + content + padding)

    def key_updates(self, count):
        for _ in range(count):
            yield self.frame(4)
            self.direction.key_update()


def reader(case):
    """A channel in the state in which the case wants it."""
    seeds = iter([bytes.fromhex(case["offer_seed"])] if "offer_seed" in case else [])
    cs = bytes.fromhex(case["cs"])
    channel = tl.Channel(bytes(len(cs)), cs, random=lambda _: next(seeds), suite=case["suite"])
    if "offer_seed" in case:
        channel.offer_rekey()
    if case.get("closed"):
        channel.close()
    return channel


def fatal_case(name, build, suite=tl.DEFAULT_SUITE, **state):
    """All frames but the last are read; the last is fatal, or, with `at`, answering it is."""
    sender = RawSender(name, suite)
    frames = list(build(sender))
    case = {"name": name, "suite": suite, "cs": sender.cs.hex(), "at": "read"} | state | {"frames": [f.hex() for f in frames]}
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


def offer_key(label="channel offer", suite=tl.DEFAULT_SUITE):
    return tl.SUITES[suite].kem.key(coins(label, 32)).ek


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
    ct = encapsulate(tl.XWING, tl.XWING.key(bytes.fromhex(seed)).ek, coins("channel reader coins", 64))[0]
    yield fatal_case("Rekey one byte short", lambda s: [s.frame(6, ct[:-1])], offer_seed=seed)
    yield fatal_case("Rekey with an all-zero X25519 half", lambda s: [s.frame(6, ct[:1088] + bytes(32))], offer_seed=seed)
    yield fatal_case("a second Rekey for one offer", lambda s: second_rekey(s, seed, ct), offer_seed=seed)
    yield fatal_case("a record after Rekey under the old key", lambda s: [s.frame(6, ct), s.frame(2)], offer_seed=seed)
    yield fatal_case("RekeyOffer with an all-zero X25519 half", lambda s: [s.frame(5, ek[:1184] + bytes(32))], at="answer")
    yield fatal_case("a second offer, the first not yet answered", lambda s: [s.frame(5, ek), s.frame(5, offer_key("channel offer 2"))])


def second_rekey(sender, seed, ct):
    key = sender.suite.kem.key(bytes.fromhex(seed))
    yield sender.frame(6, ct)
    sender.direction.rekey(key.decapsulate(ct), key.ek, ct)
    yield sender.frame(6, ct)


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


def little_endian(sender):
    """The second record with the nonce of the other AEAD."""
    yield sender.frame(2, b"counter 0 is the same in both orders")
    plain = tl.record_plaintext(2, b"counter 1")
    length = tl.u16(len(plain) + tl.TAG)
    yield length + tl.AESGCM(sender.direction.key).encrypt(tl.CHACHA20_POLY1305.nonce(1), plain, length)


def fatal_suites():
    """What other lengths and points make fatal in suites 0x0002 and 0x0003."""
    for suite in (0x0003, 0x0002):
        kem, ek, seed = tl.SUITES[suite].kem, offer_key(suite=suite), coins("channel reader offer", 32).hex()
        ct = encapsulate(kem, kem.key(bytes.fromhex(seed)).ek, coins("channel reader coins", kem.coins_size))[0]
        other = offer_key(suite=0x0001 if suite == 0x0002 else 0x0002)

        def case(name, build, **state):
            return fatal_case(f"0x{suite:04X}: {name}", build, suite, **state)

        yield case("a flipped bit in the tag", lambda s: [flipped(s.frame(2, b"text"), -1)])
        yield case("a record twice", lambda s: [s.frame(2, b"once")] * 2)
        yield case("a little-endian counter", little_endian)
        yield case("a record after KeyUpdate under the old key", lambda s: [s.frame(4), s.frame(2)])
        yield case("RekeyOffer of another KEM's length", lambda s: [s.frame(5, other)])
        yield case("RekeyOffer one byte short", lambda s: [s.frame(5, ek[:-1])])
        yield case("RekeyOffer with a coefficient of 3329", lambda s: [s.frame(5, bytes([0x01, ek[1] & 0xF0 | 0x0D]) + ek[2:])])
        yield case("Rekey one byte more", lambda s: [s.frame(6, ct + b"\0")], offer_seed=seed)
        yield case("a record after Rekey under the old key", lambda s: [s.frame(6, ct), s.frame(2)], offer_seed=seed)
        yield case("a second Rekey for one offer", lambda s: second_rekey(s, seed, ct), offer_seed=seed)
    for name, point in bad_points(ek[1568:])[:3]:
        yield case(f"RekeyOffer with a P-384 half {name}", lambda s: [s.frame(5, ek[:1568] + point)])
    for name, point in bad_points(ct[1568:])[:1]:
        yield case(f"Rekey with a P-384 half {name}", lambda s: [s.frame(6, ct[:1568] + point)], offer_seed=seed)


def accepted_case(name, build, suite=tl.DEFAULT_SUITE, **state):
    """What a reader makes of records that may look odd."""
    sender = RawSender(name, suite)
    frames = list(build(sender))
    case = {"name": name, "suite": suite, "cs": sender.cs.hex()} | state | {"frames": [f.hex() for f in frames]}
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


def channel_exports():
    """The exporter alone (section 9), in each length of hash."""
    for suite in (0x0001, 0x0003, 0x0002):
        secret = coins(f"channel exporter 0x{suite:04X}", tl.SUITES[suite].hash.size)
        for label, context, n in ((b"example label", b"context", 32), (b"", b"", 65), (b"all", b"", 255 * len(secret))):
            value = tl.export(tl.SUITES[suite], secret, label, context, n)
            entry = {"suite": suite, "exporter": secret.hex(), "label": label.hex(), "context": context.hex(), "n": n}
            yield entry | bytes_fields("value", value)


def channel():
    scripts = (script_messages, script_padding, script_largest, script_key_updates, script_rekeys, script_half_closed, script_control)
    return {"cases": [script() for script in scripts] + [script_suite(suite) for suite in (0x0003, 0x0002)],
            "fatal": [*fatal_shapes(), *fatal_order(), *fatal_suites()], "accepted": list(accepted()),
            "frame_lengths": {"allowed": [19, 20, 16639, 16640], "fatal": [0, 1, 16, 18, 16641, 65535]}, "padding": padding_table(),
            "exports": list(channel_exports()), "records_per_key": [[suite.id, suite.aead.records] for suite in tl.SUITES.values()]}


# ---------------------------------------------------------------------------------------------------------------------------------
# refusals.json


def first_message(pattern="XX", psk=None, prologue=b"example/1", payload=b"", suite=tl.DEFAULT_SUITE):
    source = Coins(f"refusals {pattern}")
    identity = alice_and_bob(suite)[0] if tl.initiator_has_identity(pattern) else None
    return tl.Initiator(pattern, prologue, lambda _: False, identity, psk, source, suite=suite).write_1(payload)


def with_body(frame, change):
    body = bytearray(frame[2:])
    for index, value in change.items():
        body[index] = value
    return tl.to_frame(bytes(body))


BOBS = {1: lambda: alice_and_bob(0x0001)[1], 2: lambda: alice_and_bob(0x0002)[1]}
ALL_PATTERNS = ("XX", "XXpsk0", "NX", "NXpsk0")


def responder_answer(config, frame, busy):
    """The bytes with which the responder declines, or None when it goes on to message 2."""
    anonymous = config["accepts_anonymous"]
    identities = tuple(BOBS[number]() for number in config.get("signatures", [1]))
    settings = tl.ResponderConfig(bytes.fromhex(config["prologue"]), identities, lambda peer: peer is not None or anonymous,
                                  tuple(config["patterns"]), tuple(config["suites"]), tuple(map(bytes.fromhex, config["psks"])))
    responder = tl.Responder(settings, Coins("refusals responder"))
    try:
        responder.read_1(frame, busy)
        responder.write_2()
    except tl.Declined as declined:
        return declined.answer
    return None


def responder_case(name, frame, expected, busy=False, **changes):
    config = {"prologue": b"example/1".hex(), "patterns": ALL_PATTERNS, "suites": [tl.DEFAULT_SUITE], "psks": [],
              "accepts_anonymous": True, "busy": busy} | changes
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
    yield from suite_refusals(xx)


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


def suite_refusals(xx):
    all_three = {"suites": [1, 2, 3], "signatures": [1, 2]}
    only_2 = {"suites": [2], "signatures": [2]}
    good = {suite: first_message(suite=suite) for suite in (2, 3)}
    nx = first_message("NX", suite=2)
    body, nx_body, silent = good[2][2:], nx[2:], b""
    point = bad_points(body[6 + 1568:])[0][1]
    off_curve = body[:6 + 1568] + point
    out_of_range = with_body(good[2], {6: 0x01, 7: body[7] & 0xF0 | 0x0D})
    psk = coins("refusals psk", 32)
    held = {"psks": [psk.hex()]}
    yield responder_case("suites 1, 2, 3 allowed: 0x0001", xx, None, **all_three)
    yield responder_case("suites 1, 2, 3 allowed: 0x0002", good[2], None, **all_three)
    yield responder_case("suites 1, 2, 3 allowed: 0x0003", good[3], None, **all_three)
    yield responder_case("suites 1, 2, 3 allowed: 0x7E03", with_body(xx, {4: 0x7E, 5: 3}), refusal(3), **all_three)
    yield responder_case("0x0003 alone allowed: 0x0003", good[3], None, suites=[3])
    yield responder_case("0x0003 alone allowed: 0x0001", xx, refusal(3), suites=[3])
    yield responder_case("0x0001 alone allowed: 0x0003", good[3], refusal(3))
    yield responder_case("0x0002 alone allowed: 0x0001", xx, refusal(3), **only_2)
    yield responder_case("0x0002 allowed without an identity for it", good[2], refusal(3), suites=[1, 2])
    yield responder_case("0x0002 and 0x0001 allowed, an identity for 0x0002 alone", xx, refusal(3), suites=[1, 2], signatures=[2])
    yield responder_case("0x0001 relabelled 0x0003", with_body(xx, {5: 3}), None, **all_three)
    yield responder_case("0x0001 relabelled 0x0002, too short for it", with_body(xx, {5: 2}), silent, **all_three)
    yield responder_case("0x0002, header alone", tl.to_frame(body[:6]), silent, **only_2)
    yield responder_case("0x0002, one byte short", tl.to_frame(body[:-1]), silent, **only_2)
    yield responder_case("0x0002, the largest payload", first_message(payload=b"p" * 4096, suite=2), None, **only_2)
    yield responder_case("0x0002, a good NX message", nx, None, **only_2)
    yield responder_case("0x0002, encapsulation key out of range", out_of_range, silent, **only_2)
    yield responder_case("0x0002, P-384 half not on the curve", tl.to_frame(off_curve), silent, **only_2)
    yield responder_case("0x0002, P-384 half not on the curve, busy", tl.to_frame(off_curve), refusal(4), busy=True, **only_2)
    yield responder_case("0x0002, P-384 half all zero", tl.to_frame(body[:6 + 1568] + bytes(97)), silent, **only_2)
    yield responder_case("0x0002, NX, P-384 half not on the curve, initiators without identity not accepted",
                         tl.to_frame(nx_body[:6 + 1568] + point), silent, accepts_anonymous=False, **only_2)
    yield responder_case("0x0002, psk: a good XXpsk0 message", first_message("XXpsk0", psk, suite=2), None, **only_2, **held)
    yield responder_case("0x0002, psk: not allowed", first_message("XXpsk0", psk, suite=2), silent, **held)


def initiator_case(name, reply, outcome, status=None, suite=tl.DEFAULT_SUITE):
    initiator = tl.Initiator("XX", b"example/1", lambda _: True, alice_and_bob(suite)[0], None, Coins("refusals XX"), suite=suite)
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
    entry = {"name": name, "reply": reply.hex(), "outcome": outcome} | ({"status": status} if status else {})
    return entry if suite == tl.DEFAULT_SUITE else entry | {"suite": suite}


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
    yield initiator_case("0x0002: status 3", refusal(3), "refused", 3, suite=2)
    yield initiator_case("0x0002: message 2 one byte short", tl.to_frame(bytes(9133)), "malformed", suite=2)
    yield initiator_case("0x0002: message 2 one byte too long", tl.to_frame(bytes(9134 + 4097)), "malformed", suite=2)
    yield initiator_case("0x0002: message 2 of zero bytes", tl.to_frame(bytes(9134)), "failed", suite=2)
    yield initiator_case("0x0002: message 2 with a ciphertext that is one, then zero bytes",
                         tl.to_frame(b"\0" + bytes(1568) + tl.P384.base(bytes(47) + b"\1") + bytes(7468)), "failed", suite=2)


def refusals():
    alice_2, bob_2 = alice_and_bob(0x0002)
    return {"responder_seed": test_identity("bob").secret.hex(), "initiator_seed": test_identity("alice").secret.hex(),
            "responder": list(responder_refusals()), "initiator": list(initiator_refusals()),
            "responder_seed_2": bob_2.secret.hex(), "initiator_seed_2": alice_2.secret.hex()}


# ---------------------------------------------------------------------------------------------------------------------------------
# round3.json

ROUND3 = 0x7E03
KEM3, SIGNATURE3 = tl.SUITES[ROUND3].kem, tl.SUITES[ROUND3].signature


class NistRandom:
    """The generator of NIST's known answers: AES-256 in counter mode, SP 800-90A without a derivation function."""

    def __init__(self, seed):
        self._key, self._counter = bytes(32), 0
        self._update(seed)

    def _blocks(self, size):
        encryptor, output = Cipher(algorithms.AES(self._key), modes.ECB()).encryptor(), b""
        while len(output) < size:
            self._counter = (self._counter + 1) % 2**128
            output += encryptor.update(self._counter.to_bytes(16, "big"))
        return output[:size]

    def _update(self, data):
        fresh = bytes(a ^ b for a, b in zip(self._blocks(48), data))
        self._key, self._counter = fresh[:32], int.from_bytes(fresh[32:], "big")

    def __call__(self, size):
        output = self._blocks(size)
        self._update(bytes(48))
        return output


def nist_seed():
    """Of the first of the known answers, and the generator behind it."""
    random = NistRandom(bytes(range(48)))
    return random(48), random


def nist_kyber768():
    """The seed, the keys, the ciphertext and the secret of the first known answer; selftest.py has its hash."""
    seed, _ = nist_seed()
    with system_random(NistRandom(seed)):
        pk, sk = tl.KYBER768.keygen()
        ss, ct = tl.KYBER768.encaps(pk)
    assert tl.KYBER768.decaps(sk, ct) == ss
    return seed, pk, sk, ct, ss


def nist_dilithium3():
    """The seed, the message, the keys and the signature."""
    seed, random = nist_seed()
    message = random(33)
    with system_random(NistRandom(seed)):
        pk, sk = tl.DILITHIUM3.keygen()
        return seed, message, pk, sk, tl.DILITHIUM3.sign(sk, message)


def round3_known_answers():
    _, ek, secret, ct, ss = nist_kyber768()
    kyber = {"secret": secret, "ek": ek, "ct": ct, "ss": ss}
    _, message, pk, secret, signature = nist_dilithium3()
    dilithium = {"secret": secret, "pk": pk, "message": message, "signature": signature}
    return {name: {field: value.hex() for field, value in fields.items()} for name, fields in (("kyber768", kyber), ("dilithium3", dilithium))}


def round3_key(number):
    with system_coins(f"round3 kem {number}"):
        return KEM3.generate(Coins(f"round3 kem {number}"))


def round3_ciphertext(number):
    with system_coins(f"round3 ciphertext {number}"):
        return KEM3.encapsulate(round3_key(number).ek, Coins(f"round3 ciphertext {number}"))


def round3_kem():
    for number in (1, 2):
        key, (ct, ss) = round3_key(number), round3_ciphertext(number)
        assert key.decapsulate(ct) == ss
        yield {"name": f"kem {number}", "secret": key.secret.hex(), "ek": key.ek.hex(), "ct": ct.hex(), "ss": ss.hex()}


def round3_kem_rejected():
    """Kyber's implicit rejection, and an X25519 half of somebody else."""
    key, (ct, ss) = round3_key(1), round3_ciphertext(1)
    other = tl.X25519.base(coins("round3 other", 32))
    for name, offset, replacement in (("first byte of Kyber's half", 0, bytes([ct[0] ^ 1])),
                                      ("last byte of Kyber's half", 1087, bytes([ct[1087] ^ 128])), ("another X25519 half", 1088, other)):
        changed = ct[:offset] + replacement + ct[offset + len(replacement):]
        rejected = key.decapsulate(changed)
        assert rejected != ss
        yield {"name": name, "case": "kem 1", "field": "ct", "offset": offset, "replace": replacement.hex(), "ss": rejected.hex()}


def round3_kem_failing():
    """What an encapsulation key or a ciphertext fails for."""
    key, ct = round3_key(1), round3_ciphertext(1)[0]
    cases = [("first coefficient 3329", "ek", 0, bytes([0x01, key.ek[1] & 0xF0 | 0x0D])),
             ("X25519 half all zero", "ek", 1184, bytes(32)), ("X25519 half of order 8", "ek", 1184, ORDER_8),
             ("ciphertext's X25519 half all zero", "ct", 1088, bytes(32)), ("ciphertext's X25519 half of order 8", "ct", 1088, ORDER_8)]
    for name, field, offset, replacement in cases:
        value = {"ek": key.ek, "ct": ct}[field]
        bad = value[:offset] + replacement + value[offset + len(replacement):]
        assert fails(KEM3.encapsulate, bad, bytes) if field == "ek" else fails(key.decapsulate, bad), name
        at = "decapsulation" if field == "ct" else "encapsulation" if "X25519" in name else "check"
        yield {"name": name, "case": "kem 1", "field": field, "offset": offset, "replace": replacement.hex(), "fails_at": at}


def round3_signatures():
    cases = [("empty context, empty message", "alice 7E", b"", b""),
             ("short context", "alice 7E", b"twinlock1 XX initiator", bytes(range(32))),
             ("context of 255 bytes", "bob 7E", bytes(range(1, 256)), b"The quick brown fox jumps over the lazy dog.")]
    for name, owner, ctx, message in cases:
        identity = test_identity(owner, SIGNATURE3)
        signature = identity.sign(message, ctx, b"")
        identity.public.verify(message, ctx, signature)
        yield {"name": name, "identity": owner, "pk": identity.public.key.hex(), "ctx": ctx.hex(), "message": message.hex(),
               "signature": signature.hex()}


def position_twice(signature):
    """The hints of Dilithium with the last position of the last polynomial once more, where a padding byte stood."""
    at = tl.Dilithium3.signature_size - tl.Dilithium3.omega - tl.Dilithium3.k
    hints = bytearray(signature[at:tl.Dilithium3.signature_size])
    count = hints[-1]
    assert hints[-2] < count < tl.Dilithium3.omega
    hints[count], hints[-1] = hints[count - 1], count + 1
    return at, bytes(hints)


def round3_signatures_rejected(case):
    signature, public, half = bytes.fromhex(case["signature"]), bytes.fromhex(case["pk"]), tl.Dilithium3
    s = int.from_bytes(signature[-32:], "little")
    hints = half.signature_size - half.omega - half.k
    changes = [("Dilithium challenge", "signature", 0, bytes([signature[0] ^ 1])),
               ("Dilithium response", "signature", 1000, bytes([signature[1000] ^ 128])),
               ("Dilithium hint padding not zero", "signature", hints + half.omega - 1, b"\1"),
               ("Dilithium hint count above omega", "signature", half.signature_size - 1, bytes([half.omega + 1])),
               ("Dilithium hint position twice", "signature", *position_twice(signature)),
               ("Ed25519 R", "signature", half.signature_size, bytes([signature[half.signature_size] ^ 1])),
               ("Ed25519 S plus group order", "signature", half.signature_size + 32, (s + ED25519_ORDER).to_bytes(32, "little")),
               ("Ed25519 A of small order", "pk", half.public_size, b"\1" + bytes(31)),
               ("Dilithium public key", "pk", 40, bytes([public[40] ^ 1])), ("message", "message", 0, b"\xff"),
               ("context", "ctx", 0, b"T")]
    return rejected_changes(SIGNATURE3, case, changes)


def round3_secret_refused():
    """Secrets whose parts do not belong together."""
    secret, other = test_identity("alice 7E", SIGNATURE3).secret, test_identity("bob 7E", SIGNATURE3).secret
    cases = [("Dilithium's s1", 200, bytes([secret[200] ^ 1])), ("Dilithium's tr", 64, bytes([secret[64] ^ 1])),
             ("the Ed25519 seed", 4000, other[4000:4032]), ("the public key's Dilithium half", 4032, other[4032:5984]),
             ("the public key's Ed25519 half", 5984, other[5984:])]
    for name, offset, replacement in cases:
        assert fails(tl.Identity, secret[:offset] + replacement + secret[offset + len(replacement):], SIGNATURE3), name
        yield {"name": name, "case": "alice 7E", "field": "secret", "offset": offset, "replace": replacement.hex()}


class TracedKem:
    """Stands for the KEM of round 3 and remembers the ephemeral secret and the shared secret."""

    def __init__(self):
        self.secrets = {}

    def __getattr__(self, name):
        return getattr(KEM3, name)

    def generate(self, random):
        key = KEM3.generate(random)
        self.secrets["ephemeral_secret"] = key.secret.hex()
        return key

    def encapsulate(self, ek, random):
        ct, ss = KEM3.encapsulate(ek, random)
        self.secrets["ss"] = ss.hex()
        return ct, ss


def round3_handshake(pattern):
    traced, before = TracedKem(), tl.SUITES[ROUND3]
    count = 3 if tl.initiator_has_identity(pattern) else 2
    texts = [b"first payload", b"the second payload, a little longer", b"3"][:count]
    tl.SUITES[ROUND3] = dataclasses.replace(before, kem=traced)
    try:
        with system_coins("round3 " + pattern):
            case = handshake_case(f"0x7E03, {pattern}", pattern, b"example/1", texts, ROUND3)
    finally:
        tl.SUITES[ROUND3] = before
    return case | traced.secrets


def round3_channel():
    """What a reader makes of a Rekey: it has sent a RekeyOffer with the key of "kem 1" before the first frame."""
    key, (ct, ss) = round3_key(1), round3_ciphertext(1)
    sender = RawSender("0x7E03", ROUND3)
    frames = [sender.frame(2, b"under the first key"), sender.frame(6, ct)]
    sender.direction.rekey(ss, key.ek, ct)
    frames.append(sender.frame(2, b"under the next key"))
    channel = tl.Channel(bytes(32), sender.cs, suite=ROUND3)
    channel._offer = key
    events = [event_entry(channel.receive(frame)) for frame in frames]
    return [{"name": "a Rekey read", "suite": ROUND3, "cs": sender.cs.hex(), "offer": "kem 1", "next_cs": sender.direction.cs.hex(),
             "frames": [frame.hex() for frame in frames], "events": events}]


def round3():
    signatures = list(round3_signatures())
    return {"known_answers": round3_known_answers(), "kem": list(round3_kem()), "kem_rejected": list(round3_kem_rejected()), "kem_failing": list(round3_kem_failing()),
            "identities": [identity_entry(name, SIGNATURE3) for name in ("alice 7E", "bob 7E")],
            "encrypted": [encrypted_entry("alice 7E", "correct horse battery staple", 2**12, SIGNATURE3)],
            "secret_refused": list(round3_secret_refused()), "signatures": signatures,
            "signatures_rejected": list(round3_signatures_rejected(signatures[1])),
            "handshakes": [round3_handshake(pattern) for pattern in ("XX", "NXpsk0")], "channel": round3_channel()}


# ---------------------------------------------------------------------------------------------------------------------------------
# statements.json

TIME = 1_800_000_000


def statement_case(name, kind, old, new=None, time=TIME):
    old, new = statement_identity(old), new and statement_identity(new)
    source = Coins("statement " + name)
    body = tl.statement_make(kind, time, old, new, source)
    names = {"old": statement_name(old), "new": new and statement_name(new)}
    assert tl.statement_read_file(tl.statement_write(body), tuple(tl.SIGNATURES)).body == body
    return {"name": name, "kind": kind, "time": time} | names | {"random": source.drawn.hex(), "statement": body.hex()}


def statement_identity(name):
    return test_identity(name, {"2": tl.MLDSA87_P384, "7E": SIGNATURE3}.get(name.partition(" ")[2], tl.MLDSA65_ED25519))


def statement_name(identity):
    return next(name for name in ("alice", "bob", "alice 2", "bob 2", "alice 7E") if statement_identity(name) is identity)


def statement_cases():
    yield statement_case("1 beside, signature 2 beside 1", tl.BESIDE, "alice", "alice 2")
    yield statement_case("2 instead, 2 in the place of 1", tl.INSTEAD, "alice", "alice 2")
    yield statement_case("2 instead, 1 in the place of 1", tl.INSTEAD, "alice", "bob", time=0)
    yield statement_case("3 revoked, 1", tl.REVOKED, "alice", time=2**64 - 1)
    yield statement_case("3 revoked, 2", tl.REVOKED, "alice 2")
    yield statement_case("2 instead, 1 in the place of round 3", tl.INSTEAD, "alice 7E", "alice")
    yield statement_case("3 revoked, round 3", tl.REVOKED, "alice 7E")


def overwritten(name, case, offset, replacement, reason):
    body = bytes.fromhex(case["statement"])
    changed = body[:offset] + replacement + body[offset + len(replacement):]
    assert changed != body and len(changed) == len(body)
    entry = {"name": name, "reason": reason, "case": case["name"], "field": "statement", "offset": offset, "replace": replacement.hex()}
    return entry, changed


def refused_changes(cases):
    """The good ones with one part overwritten."""
    cases = {case["name"]: case for case in cases}
    beside, instead = cases["1 beside, signature 2 beside 1"], cases["2 instead, 1 in the place of 1"]
    revoked, revoked_2 = cases["3 revoked, 1"], cases["3 revoked, 2"]
    alice, bob = statement_identity("alice"), statement_identity("bob")
    new_at = 11 + 1984
    signatures_at = new_at + 2 + 1984
    both = bytes.fromhex(instead["statement"])[signatures_at:]

    def flip(name, case, offset):
        body = bytes.fromhex(case["statement"])
        at = offset % len(body)
        return overwritten(name, case, at, bytes([body[at] ^ 1]), "signature")

    yield overwritten("kind 0", revoked, 0, b"\0", "kind")
    yield overwritten("kind 4", revoked, 0, b"\4", "kind")
    yield overwritten("kind 1 relabelled 2", beside, 0, b"\2", "signature")
    yield overwritten("kind 2 relabelled 1, both of signature 1", instead, 0, b"\1", "same")
    yield overwritten("kind 2 relabelled 3", instead, 0, b"\3", "length")
    yield overwritten("kind 3 relabelled 2", revoked, 0, b"\2", "signature id")
    yield flip("another time", revoked, 8)
    yield overwritten("signature id 0 of the old", revoked, 9, b"\0\0", "signature id")
    yield overwritten("signature id 3 of the old", revoked, 9, b"\0\3", "signature id")
    yield overwritten("signature id 3 of the new", instead, new_at, b"\0\3", "signature id")
    yield overwritten("the old key is somebody else's", revoked, 11, bob.public.key, "signature")
    yield overwritten("the new key is the old one", instead, new_at + 2, alice.public.key, "same")
    yield overwritten("the P-384 half of the new key all zero", beside, new_at + 2 + 2592, bytes(97), "key")
    yield flip("the signature of the old: ML-DSA half", revoked, new_at + 5)
    yield flip("the signature of the old: Ed25519 half", revoked, -60)
    yield flip("the signature of the old: ECDSA half", revoked_2, -90)
    yield overwritten("the signature of the old, padding not zero", revoked_2, len(revoked_2["statement"]) // 2 - 1, b"\1", "signature")
    yield flip("the signature of the new", instead, -1)
    yield overwritten("the two signatures swapped", instead, signatures_at, both[3373:] + both[:3373], "signature")
    yield overwritten("an old signature of round 3, to a reader without it", revoked, 9, b"\0\x7e", "signature id")


def refused_signatures(cases):
    """Signatures that are good, but not the right ones."""
    cases = {case["name"]: case for case in cases}
    alice, bob = statement_identity("alice"), statement_identity("bob")
    old, new = tl.CONTEXT_SUCCESSION_OLD, tl.CONTEXT_SUCCESSION_NEW

    def signed(name, case, identity, ctx, covered):
        """The last signature made anew, over the first `covered` bytes."""
        body = bytes.fromhex(case["statement"])
        return overwritten(name, case, len(body) - 3373, identity.sign(body[:covered], ctx, bytes(32)), "signature")

    revoked, instead = cases["3 revoked, 1"], cases["2 instead, 1 in the place of 1"]
    subject = 11 + 1984 + 2 + 1984
    yield signed("the old one signs under the context of the new", revoked, alice, new, 11 + 1984)
    yield signed("the old one signs under another context", revoked, alice, b"twinlock1 XX initiator", 11 + 1984)
    yield signed("the new one signs under the context of the old", instead, bob, old, subject + 3373)
    yield signed("the new one does not sign the old one's signature", instead, bob, new, subject)
    yield signed("the old one signs in the place of the new", instead, alice, new, subject + 3373)


def refused_lengths(cases):
    """Cut at the end, or with more bytes there."""
    cases = {case["name"]: case for case in cases}
    revoked, instead = cases["3 revoked, 1"], cases["2 instead, 1 in the place of 1"]
    whole = len(revoked["statement"]) // 2
    cuts = [("empty", revoked, whole), ("the kind alone", revoked, whole - 1), ("one byte short", revoked, 1),
            ("without the new one's signature", instead, 3373), ("without signatures", instead, 2 * 3373)]
    for name, case, cut in cuts:
        yield {"name": name, "reason": "length", "case": case["name"], "cut": cut}, bytes.fromhex(case["statement"])[:-cut]
    for case in (revoked, instead):
        entry = {"name": f"{case['name']}: one byte left over", "reason": "length", "case": case["name"], "append": "00"}
        yield entry, bytes.fromhex(case["statement"]) + b"\0"


REASONS = {"statement: kind not known": "kind", "statement: signature id not known": "signature id", "statement: too short": "length",
           "statement: bytes left over": "length", "statement: the identities do not differ, or their signatures do not": "same",
           "P-384: not an uncompressed point": "key", "authentication failed": "signature"}


def refused_statements(cases):
    for entry, body in (*refused_changes(cases), *refused_signatures(cases), *refused_lengths(cases)):
        try:
            tl.statement_read(body)
            raise AssertionError(entry["name"])
        except tl.TwinlockError as error:
            assert REASONS[str(error)] == entry["reason"], (entry["name"], str(error))
        yield entry


def statements():
    cases = list(statement_cases())
    case = next(case for case in cases if case["name"] == "3 revoked, 1")
    body = bytes.fromhex(case["statement"])
    assert fails(tl.statement_read_file, tl.pem_write("PUBLIC KEY", body)) and fails(tl.public_read, tl.statement_write(body))
    return {"statements": cases, "files": [{"case": case["name"], "pem": tl.statement_write(body)}],
            "refused": list(refused_statements(cases))}


# ---------------------------------------------------------------------------------------------------------------------------------
# Writing and checking



def acquaintances():
    import acquaintance_vectors
    return acquaintance_vectors.acquaintances()


FILES = {"primitives.json": primitives, "identity.json": identity, "handshakes.json": handshakes, "channel.json": channel,
         "refusals.json": refusals, "round3.json": round3, "statements.json": statements, "acquaintances.json": acquaintances}


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
