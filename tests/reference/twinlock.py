"""The Twinlock protocol, version 1, as a readable Python library.

Written from docs/protocol.md alone; the section numbers in this file are that document's. It does no input and no output of its
own: handshakes and channels take frames and return frames. Whatever draws random bytes takes a callable `random(n) -> bytes`, so
that test vectors can be reproduced.

It is for testing interoperability, not for use: Python neither wipes memory nor runs in constant time.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from dilithium_py.ml_dsa import ML_DSA_65
from kyber_py.ml_kem import ML_KEM_768

# ---------------------------------------------------------------------------------------------------------------------------------
# Errors


class TwinlockError(Exception):
    """Everything this library raises on bad input or a failed operation."""


class Failed(TwinlockError):
    """A secret-dependent check failed. Which one it was is not told (section 1)."""

    def __init__(self):
        super().__init__("authentication failed")


class Malformed(TwinlockError):
    """A message has a length or a shape that the protocol rules out."""


class Refused(TwinlockError):
    """The responder answered with a refusal (section 6.3). It is a hint for a person and nothing else."""

    MEANING = {1: "version not known", 2: "pattern not known or not allowed", 3: "suite not known or not allowed", 4: "busy",
               5: "refused"}

    def __init__(self, status):
        self.status = status if status in self.MEANING else 5
        super().__init__(self.MEANING[self.status])


class Declined(TwinlockError):
    """The responder ends the handshake: it sends `answer`, which may be empty, and closes."""

    def __init__(self, answer, reason):
        self.answer = answer
        super().__init__(reason)


class NotAcceptable(Declined):
    """The peer proved its identity, or has none, and it is not one that the application accepts (section 6.6)."""

    def __init__(self, answer=b""):
        super().__init__(answer, "the peer is not acceptable")


class Fatal(TwinlockError):
    """The peer broke a rule of the channel (section 8.3), or a record did not authenticate. The channel is over."""


class Truncated(TwinlockError):
    """The transport ended without a Close."""


class Misuse(TwinlockError):
    """The caller asked for something that the protocol forbids it to send."""


# ---------------------------------------------------------------------------------------------------------------------------------
# 1. Conventions


def u8(value):
    return value.to_bytes(1, "big")


def u16(value):
    return value.to_bytes(2, "big")


def u32(value):
    return value.to_bytes(4, "big")


def sha256(data):
    return hashlib.sha256(data).digest()


def sha512(data):
    return hashlib.sha512(data).digest()


def extract(salt, ikm):
    """HKDF-Extract of RFC 5869 with SHA-256."""
    return hmac.digest(salt, ikm, "sha256")


def expand(prk, info, length):
    """HKDF-Expand of RFC 5869 with SHA-256."""
    output, block = b"", b""
    for index in range(1, -(-length // 32) + 1):
        block = hmac.digest(prk, block + info + u8(index), "sha256")
        output += block
    return output[:length]


def hkdf(salt, ikm, info, length):
    return expand(extract(salt, ikm), info, length)


LABEL_XWING = b"\\.//^\\"
COMPOSITE_PREFIX = b"CompositeAlgorithmSignatures2025"
COMPOSITE_LABEL = b"COMPSIG-MLDSA65-Ed25519-SHA512"
LABEL_IDENTITY = b"twinlock1 identity"
LABEL_SAFETY = b"twinlock1 safety"
LABEL_I2R = b"tl1 i2r"
LABEL_R2I = b"tl1 r2i"
LABEL_EXPORTER = b"tl1 exporter"
LABEL_KEY = b"tl1 key"
LABEL_NEXT = b"tl1 next"
LABEL_REKEY = b"tl1 rekey"
LABEL_EXPORT = b"tl1 export"

# ---------------------------------------------------------------------------------------------------------------------------------
# 2. Suites (this edition has one, so its sizes are constants)

SUITE = 0x0001
SUITE_NAME = "XWing_MLDSA65Ed25519_ChaChaPoly_SHA256"
SIGNATURE_ID = 1

EK_MLKEM = 1184
EK_SIZE = EK_MLKEM + 32
CT_MLKEM = 1088
CT_SIZE = CT_MLKEM + 32
PUBLIC_MLDSA = 1952
PUBLIC_SIZE = PUBLIC_MLDSA + 32
SIGNATURE_MLDSA = 3309
SIGNATURE_SIZE = SIGNATURE_MLDSA + 64
HASHLEN = 32
TAG = 16

# ---------------------------------------------------------------------------------------------------------------------------------
# 3.1 X-Wing


def x25519(scalar, point):
    """X25519 of RFC 7748, section 5. An all-zero result fails."""
    try:
        return X25519PrivateKey.from_private_bytes(scalar).exchange(X25519PublicKey.from_public_bytes(point))
    except ValueError:
        raise Failed() from None


def x25519_base(scalar):
    return X25519PrivateKey.from_private_bytes(scalar).public_key().public_bytes_raw()


def check_encapsulation_key(ek):
    """FIPS 203, section 7.2: the length, and every 12-bit coefficient below 3329."""
    if len(ek) != EK_SIZE:
        raise Malformed("encapsulation key: wrong length")
    vector = ek[:1152]
    for low, middle, high in zip(vector[0::3], vector[1::3], vector[2::3]):
        if low | (middle & 15) << 8 >= 3329 or middle >> 4 | high << 4 >= 3329:
            raise Malformed("encapsulation key: coefficient out of range")


def xwing_combine(ss_m, ss_x, ct_x, pk_x):
    return hashlib.sha3_256(ss_m + ss_x + ct_x + pk_x + LABEL_XWING).digest()


class XWingKey:
    """An X-Wing key pair, made from its 32-byte seed."""

    def __init__(self, seed):
        if len(seed) != 32:
            raise Misuse("an X-Wing seed has 32 bytes")
        expanded = hashlib.shake_256(seed).digest(96)
        ek_m, self._dk_m = ML_KEM_768._keygen_internal(expanded[:32], expanded[32:64])
        self._sk_x = expanded[64:]
        self._pk_x = x25519_base(self._sk_x)
        self.ek = ek_m + self._pk_x

    def decapsulate(self, ct):
        if len(ct) != CT_SIZE:
            raise Malformed("ciphertext: wrong length")
        ct_m, ct_x = ct[:CT_MLKEM], ct[CT_MLKEM:]
        ss_m = ML_KEM_768._decaps_internal(self._dk_m, ct_m)
        ss_x = x25519(self._sk_x, ct_x)
        return xwing_combine(ss_m, ss_x, ct_x, self._pk_x)


def xwing_encapsulate(ek, coins):
    """Encapsulate to `ek` with the 64 bytes m || e_x; returns ciphertext and shared secret."""
    check_encapsulation_key(ek)
    if len(coins) != 64:
        raise Misuse("encapsulation takes 64 bytes of randomness")
    ek_m, pk_x = ek[:EK_MLKEM], ek[EK_MLKEM:]
    m, e_x = coins[:32], coins[32:]
    ss_m, ct_m = ML_KEM_768._encaps_internal(ek_m, m)
    ct_x = x25519_base(e_x)
    ss_x = x25519(e_x, pk_x)
    return ct_m + ct_x, xwing_combine(ss_m, ss_x, ct_x, pk_x)


# ---------------------------------------------------------------------------------------------------------------------------------
# 3.2 The composite signature


def composite_representative(ctx, message):
    if len(ctx) > 255:
        raise Misuse("a signature context has at most 255 bytes")
    return COMPOSITE_PREFIX + COMPOSITE_LABEL + u8(len(ctx)) + ctx + sha512(message)


def mldsa_message(message):
    """What FIPS 204, algorithms 2 and 3, sign and verify: 0 || length of context || context || message."""
    return b"\0" + u8(len(COMPOSITE_LABEL)) + COMPOSITE_LABEL + message


# The field prime of Curve25519, and the y coordinates of the eight points of small order.
P25519 = 2**255 - 19
_Y8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER_Y = {0, 1, P25519 - 1, _Y8, P25519 - _Y8}


def ed25519_point_allowed(encoded):
    """Canonically encoded and not of small order. Whether it lies on the curve, the verification finds out.

    The only points with x = 0 have y = 1 or y = -1 and are of small order, so a sign bit on them is excluded too.
    """
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    return y < P25519 and y not in SMALL_ORDER_Y


def ed25519_verify(public, message, signature):
    """Strict: the library checks S < L, recomputes R without the cofactor and compares its encoding."""
    if not ed25519_point_allowed(public) or not ed25519_point_allowed(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class Identity:
    """A secret identity: one composite signing key (sections 3.2 and 4)."""

    def __init__(self, secret):
        if len(secret) != 64:
            raise Misuse("a secret identity has 64 bytes: seed_m || seed_e")
        self.secret = secret
        public_m, self._sk_m = ML_DSA_65._keygen_internal(secret[:32])
        self._sk_e = Ed25519PrivateKey.from_private_bytes(secret[32:])
        self.public = PublicIdentity(public_m + self._sk_e.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, random=secrets.token_bytes):
        return cls(random(64))

    def sign(self, message, ctx, rnd):
        representative = composite_representative(ctx, message)
        half_m = ML_DSA_65._sign_internal(self._sk_m, mldsa_message(representative), rnd)
        return half_m + self._sk_e.sign(representative)


@dataclass(frozen=True)
class PublicIdentity:
    """A public identity: the 1,984 bytes of the composite public key."""

    key: bytes

    def __post_init__(self):
        if len(self.key) != PUBLIC_SIZE:
            raise Malformed("public identity: wrong length")

    def verify(self, message, ctx, signature):
        """Both halves are always verified; which of them failed is not told."""
        if len(signature) != SIGNATURE_SIZE:
            raise Failed()
        representative = composite_representative(ctx, message)
        half_m, half_e = signature[:SIGNATURE_MLDSA], signature[SIGNATURE_MLDSA:]
        good_m = ML_DSA_65._verify_internal(self.key[:PUBLIC_MLDSA], mldsa_message(representative), half_m)
        good_e = ed25519_verify(self.key[PUBLIC_MLDSA:], representative, half_e)
        if not (good_m and good_e):
            raise Failed()

    def fingerprint(self):
        """Section 4.1, the 32 bytes."""
        return sha256(LABEL_IDENTITY + u16(SIGNATURE_ID) + self.key)


# ---------------------------------------------------------------------------------------------------------------------------------
# 3.3 AEAD


def nonce(counter):
    return bytes(4) + counter.to_bytes(8, "little")


def seal(key, counter, ad, plaintext):
    return ChaCha20Poly1305(key).encrypt(nonce(counter), plaintext, ad)


def unseal(key, counter, ad, ciphertext):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce(counter), ciphertext, ad)
    except InvalidTag:
        raise Failed() from None


# ---------------------------------------------------------------------------------------------------------------------------------
# 4.1 Fingerprint: bech32m of BIP 350 with the human-readable part "tl"

BECH32_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
BECH32M = 0x2BC830A3
HRP = "tl"
FINGERPRINT_CHARS = 61


def bech32_polymod(values):
    checksum = 1
    for value in values:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                checksum ^= generator
    return checksum


def bech32_expand_hrp(hrp):
    return [ord(c) >> 5 for c in hrp] + [0] + [ord(c) & 31 for c in hrp]


def bech32_encode(hrp, data, constant=BECH32M):
    """Bytes to a bech32 string; `constant` is 1 for bech32 and BECH32M for bech32m."""
    bits = int.from_bytes(data, "big")
    count = -(-len(data) * 8 // 5)
    bits <<= count * 5 - len(data) * 8
    values = [bits >> 5 * (count - 1 - i) & 31 for i in range(count)]
    checksum = bech32_polymod(bech32_expand_hrp(hrp) + values + [0] * 6) ^ constant
    values += [checksum >> 5 * (5 - i) & 31 for i in range(6)]
    return hrp + "1" + "".join(BECH32_CHARSET[v] for v in values)


def fingerprint_write(fingerprint):
    return bech32_encode(HRP, fingerprint)


def fingerprint_read(text):
    """A written fingerprint to its 32 bytes; lower case or upper case, never mixed."""
    if len(text) != FINGERPRINT_CHARS:
        raise Malformed("fingerprint: wrong length")
    if text not in (text.lower(), text.upper()) or not text.isascii():
        raise Malformed("fingerprint: mixed case")
    text = text.lower()
    if not text.startswith(HRP + "1"):
        raise Malformed("fingerprint: does not begin with tl1")
    try:
        values = [BECH32_CHARSET.index(c) for c in text[len(HRP) + 1:]]
    except ValueError:
        raise Malformed("fingerprint: character not allowed") from None
    if bech32_polymod(bech32_expand_hrp(HRP) + values) != BECH32M:
        raise Malformed("fingerprint: mistyped")
    bits = 0
    for value in values[:-6]:
        bits = bits << 5 | value
    if bits & 15:
        raise Malformed("fingerprint: padding is not zero")
    return (bits >> 4).to_bytes(32, "big")


# ---------------------------------------------------------------------------------------------------------------------------------
# 4.2 Safety number


def safety_half(fingerprint):
    x = LABEL_SAFETY + fingerprint
    for _ in range(5200):
        x = sha512(x)
    return "".join("%05d" % (int.from_bytes(x[i:i + 5], "big") % 100000) for i in range(0, 30, 5))


def safety_number(one, other):
    """60 digits from two fingerprints, without the spaces of the form for reading."""
    return "".join(sorted((safety_half(one), safety_half(other))))


def safety_number_for_reading(digits):
    return " ".join(digits[i:i + 5] for i in range(0, 60, 5))


# ---------------------------------------------------------------------------------------------------------------------------------
# 4.3 Files


def der(tag, *parts):
    """One DER element with a definite length."""
    content = b"".join(parts)
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(length)]) + length + content


def der_integer(value):
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def der_oid(text):
    first, second, *rest = map(int, text.split("."))
    content = bytes([40 * first + second])
    for arc in rest:
        groups = [arc & 127]
        while arc := arc >> 7:
            groups.append(128 | arc & 127)
        content += bytes(reversed(groups))
    return der(0x06, content)


SEQUENCE, OCTET_STRING, BIT_STRING, INTEGER = 0x30, 0x04, 0x03, 0x02
COMPOSITE_ALGORITHM = der(SEQUENCE, der_oid("1.3.6.1.5.5.7.6.48"))
OID_PBES2 = der_oid("1.2.840.113549.1.5.13")
OID_SCRYPT = der_oid("1.3.6.1.4.1.11591.4.11")
OID_AES256_CBC = der_oid("2.16.840.1.101.3.4.1.42")


class DerReader:
    """Reads DER elements one after the other; every length must be minimal."""

    def __init__(self, data):
        self.data = data

    def take(self, tag):
        data = self.data
        if len(data) < 2 or data[0] != tag:
            raise Malformed("key file: unexpected element")
        size, start = data[1], 2
        if size >= 128:
            start += size & 127
            size = int.from_bytes(data[2:start], "big")
        content = data[start:start + size]
        if der(tag, content) != data[:start + size]:
            raise Malformed("key file: bad length")
        self.data = data[start + size:]
        return content

    def literal(self, expected):
        if not self.data.startswith(expected):
            raise Malformed("key file: scheme not known")
        self.data = self.data[len(expected):]

    def integer(self):
        content = self.take(INTEGER)
        value = int.from_bytes(content, "big")
        if der(INTEGER, content) != der_integer(value):
            raise Malformed("key file: bad integer")
        return value

    def end(self):
        if self.data:
            raise Malformed("key file: bytes left over")


def pem_write(label, body):
    text = base64.b64encode(body).decode()
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----\r?\n((?:[A-Za-z0-9+/]{64}\r?\n)*[A-Za-z0-9+/=]{1,64}\r?\n)-----END \1-----(?:\r?\n)?")


def pem_read(text):
    """The one object of a PEM file: its label and its bytes."""
    match = PEM.fullmatch(text)
    if not match:
        raise Malformed("key file: not one PEM object")
    try:
        return match[1], base64.b64decode("".join(match[2].split()), validate=True)
    except binascii.Error:
        raise Malformed("key file: bad base64") from None


PKCS8_PREFIX = der(SEQUENCE, der_integer(0), COMPOSITE_ALGORITHM, der(OCTET_STRING, bytes(64)))[:-64]
SPKI_PREFIX = der(SEQUENCE, COMPOSITE_ALGORITHM, der(BIT_STRING, b"\0", bytes(PUBLIC_SIZE)))[:-PUBLIC_SIZE]
PKCS8_SIZE = 83
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
SCRYPT_LIMIT = 2**23


def pkcs8_read(body):
    if len(body) != PKCS8_SIZE or not body.startswith(PKCS8_PREFIX):
        raise Malformed("key file: not a Twinlock secret identity")
    return Identity(body[-64:])


def secret_write(identity):
    return pem_write("PRIVATE KEY", PKCS8_PREFIX + identity.secret)


def public_write(public):
    return pem_write("PUBLIC KEY", SPKI_PREFIX + public.key)


def public_read(text):
    label, body = pem_read(text)
    if label != "PUBLIC KEY" or len(body) != len(SPKI_PREFIX) + PUBLIC_SIZE or not body.startswith(SPKI_PREFIX):
        raise Malformed("key file: not a Twinlock public identity")
    return PublicIdentity(body[-PUBLIC_SIZE:])


def passphrase_key(passphrase, salt, n, r, p):
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=n, r=r, p=p, maxmem=2**31 - 1, dklen=32)


def secret_write_encrypted(identity, passphrase, random=secrets.token_bytes, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P):
    """Draws the 16-byte salt and then the 16-byte IV."""
    salt, iv = random(16), random(16)
    kdf = der(SEQUENCE, OID_SCRYPT, der(SEQUENCE, der(OCTET_STRING, salt), der_integer(n), der_integer(r), der_integer(p)))
    cipher = der(SEQUENCE, OID_AES256_CBC, der(OCTET_STRING, iv))
    plain = PKCS8_PREFIX + identity.secret
    fill = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES(passphrase_key(passphrase, salt, n, r, p)), modes.CBC(iv)).encryptor()
    encrypted = encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()
    algorithm = der(SEQUENCE, OID_PBES2, der(SEQUENCE, kdf, cipher))
    return pem_write("ENCRYPTED PRIVATE KEY", der(SEQUENCE, algorithm, der(OCTET_STRING, encrypted)))


def encrypted_parse(body):
    """EncryptedPrivateKeyInfo to (salt, n, r, p, iv, ciphertext). The costs are checked here, before anything is derived."""
    outer = DerReader(body)
    info = DerReader(outer.take(SEQUENCE))
    outer.end()
    algorithm = DerReader(info.take(SEQUENCE))
    encrypted = info.take(OCTET_STRING)
    info.end()
    algorithm.literal(OID_PBES2)
    parameters = DerReader(algorithm.take(SEQUENCE))
    algorithm.end()
    kdf, cipher = DerReader(parameters.take(SEQUENCE)), DerReader(parameters.take(SEQUENCE))
    parameters.end()
    kdf.literal(OID_SCRYPT)
    costs = DerReader(kdf.take(SEQUENCE))
    kdf.end()
    salt, n, r, p = costs.take(OCTET_STRING), costs.integer(), costs.integer(), costs.integer()
    costs.end()
    cipher.literal(OID_AES256_CBC)
    iv = cipher.take(OCTET_STRING)
    cipher.end()
    if n < 2 or n & (n - 1) or r < 1 or p < 1 or n * r * p > SCRYPT_LIMIT:
        raise Malformed("key file: scrypt costs out of bounds")
    if len(salt) != 16 or len(iv) != 16 or len(encrypted) != 96:
        raise Malformed("key file: wrong length")
    return salt, n, r, p, iv, encrypted


def pkcs8_decrypt(body, passphrase):
    salt, n, r, p, iv, encrypted = encrypted_parse(body)
    decryptor = Cipher(algorithms.AES(passphrase_key(passphrase, salt, n, r, p)), modes.CBC(iv)).decryptor()
    plain = decryptor.update(encrypted) + decryptor.finalize()
    fill = len(encrypted) - PKCS8_SIZE
    if plain[-fill:] != bytes([fill]) * fill or not plain.startswith(PKCS8_PREFIX):
        raise Malformed("key file: wrong passphrase or damaged file")
    return plain[:-fill]


def secret_read(text, passphrase=None):
    """A secret identity from PEM, plain or encrypted."""
    label, body = pem_read(text)
    if label == "PRIVATE KEY":
        return pkcs8_read(body)
    if label != "ENCRYPTED PRIVATE KEY":
        raise Malformed("key file: not a secret identity")
    if passphrase is None:
        raise Misuse("this key file needs a passphrase")
    return pkcs8_read(pkcs8_decrypt(body, passphrase))


def create_secret_file(path, text):
    """For its owner only, and never over an existing file."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="\n") as file:
        file.write(text)


# ---------------------------------------------------------------------------------------------------------------------------------
# 5. Symmetric state


class SymmetricState:
    def __init__(self, name):
        self.h = name + bytes(HASHLEN - len(name)) if len(name) <= HASHLEN else sha256(name)
        self.ck = self.h
        self.k = None
        self.n = 0

    def copy(self):
        other = object.__new__(SymmetricState)
        other.__dict__.update(self.__dict__)
        return other

    def mix_key(self, ikm):
        output = hkdf(self.ck, ikm, b"", 2 * HASHLEN)
        self.ck, self.k, self.n = output[:32], output[32:], 0

    def mix_hash(self, data):
        self.h = sha256(self.h + data)

    def mix_key_and_hash(self, ikm):
        output = hkdf(self.ck, ikm, b"", 3 * HASHLEN)
        self.ck = output[:32]
        self.mix_hash(output[32:64])
        self.k, self.n = output[64:], 0

    def encrypt_and_hash(self, plaintext):
        if self.k is None:
            result = plaintext
        else:
            result = seal(self.k, self.n, self.h, plaintext)
            self.n += 1
        self.mix_hash(result)
        return result

    def decrypt_and_hash(self, ciphertext):
        if self.k is None:
            plaintext = ciphertext
        else:
            plaintext = unseal(self.k, self.n, self.h, ciphertext)
            self.n += 1
        self.mix_hash(ciphertext)
        return plaintext

    def end(self):
        """Section 5.4: the two sending secrets and the exporter secret."""
        ms = extract(self.ck, self.h)
        self.ck = self.k = None
        return tuple(expand(ms, label, HASHLEN) for label in (LABEL_I2R, LABEL_R2I, LABEL_EXPORTER))


# ---------------------------------------------------------------------------------------------------------------------------------
# 6. Handshakes

PATTERNS = {1: "XX", 2: "XXpsk0", 3: "NX", 4: "NXpsk0"}
PATTERN_IDS = {name: number for number, name in PATTERNS.items()}
MAGIC = b"TL"
VERSION = 1
MAX_BODY = 16384
MAX_PAYLOAD = 4096
HEADER_SIZE = 6


def has_psk(pattern):
    return pattern.endswith("psk0")


def initiator_has_identity(pattern):
    return pattern.startswith("XX")


def body_bounds(pattern, message):
    """Least and greatest body length of message 1, 2 or 3."""
    proof = PUBLIC_SIZE + TAG + SIGNATURE_SIZE + TAG + TAG
    least = {1: HEADER_SIZE + EK_SIZE + (TAG if has_psk(pattern) else 0), 2: 1 + CT_SIZE + proof, 3: proof}[message]
    return least, least + MAX_PAYLOAD


def check_bounds(body, pattern, message):
    least, greatest = body_bounds(pattern, message)
    if not least <= len(body) <= greatest:
        raise Malformed(f"message {message}: wrong length")


def to_frame(body):
    return u16(len(body)) + body


def from_frame(frame):
    if len(frame) < 2 or len(frame) != 2 + int.from_bytes(frame[:2], "big"):
        raise Malformed("not one whole frame")
    return frame[2:]


def header(pattern, suite=SUITE):
    return MAGIC + u8(VERSION) + u8(PATTERN_IDS[pattern]) + u16(suite)


def start(pattern, prologue):
    """Section 5.3."""
    state = SymmetricState(f"Twinlock1_{pattern}_{SUITE_NAME}".encode())
    state.mix_hash(header(pattern))
    state.mix_hash(prologue)
    return state


def signature_context(pattern, role):
    return f"twinlock1 {pattern} {role}".encode()


class Cursor:
    """Takes the fields of a message body one after the other."""

    def __init__(self, data):
        self.data = data

    def take(self, size):
        field, self.data = self.data[:size], self.data[size:]
        return field

    def rest(self):
        return self.take(len(self.data))


class Handshake:
    """What both roles have in common. Methods are called in the order of the messages; after a failure every call fails."""

    role = peer_role = None

    def __init__(self, random, on_message):
        self._random = random
        self._on_message = on_message
        self._next = 1
        self._state = None
        self.session = None
        self.peer = None

    def _begin(self, step):
        if self._next != step:
            raise Misuse("the handshake has failed or is not at this message")
        self._next = None

    def _done(self, step):
        """Message `step` is complete: report the state, and go on or end."""
        if self._on_message:
            self._on_message(self._state)
        last = 3 if initiator_has_identity(self.pattern) else 2
        if step < last:
            self._next = step + 1
            return
        handshake_hash = self._state.h
        i2r, r2i, exporter = self._state.end()
        self.session = Session(self.role, self.pattern, self.peer, handshake_hash, i2r, r2i, exporter, self._random)

    @property
    def messages_left(self):
        return self._next is not None

    def _write_proof(self, identity):
        """Tokens `s` and `sig`."""
        sealed_public = self._state.encrypt_and_hash(identity.public.key)
        context = signature_context(self.pattern, self.role)
        signature = identity.sign(self._state.h, context, self._random(32))
        return sealed_public + self._state.encrypt_and_hash(signature)

    def _read_proof(self, cursor):
        public = PublicIdentity(self._state.decrypt_and_hash(cursor.take(PUBLIC_SIZE + TAG)))
        signed = self._state.h
        signature = self._state.decrypt_and_hash(cursor.take(SIGNATURE_SIZE + TAG))
        public.verify(signed, signature_context(self.pattern, self.peer_role), signature)
        return public

    def _write_payload(self, payload):
        if len(payload) > MAX_PAYLOAD:
            raise Misuse("payload too long")
        return self._state.encrypt_and_hash(payload)

    def _read_payload(self, cursor):
        return self._state.decrypt_and_hash(cursor.rest())


class Initiator(Handshake):
    """`acceptable(public_identity) -> bool` judges the responder."""

    role, peer_role = "initiator", "responder"

    def __init__(self, pattern, prologue, acceptable, identity=None, psk=None, random=secrets.token_bytes, on_message=None):
        super().__init__(random, on_message)
        if pattern not in PATTERN_IDS:
            raise Misuse("pattern not known")
        if has_psk(pattern) != (psk is not None) or psk is not None and len(psk) != 32:
            raise Misuse("a psk0 pattern takes a 32-byte pre-shared key, another takes none")
        if initiator_has_identity(pattern) != (identity is not None):
            raise Misuse("an XX pattern takes an identity, an NX pattern takes none")
        self.pattern = pattern
        self._prologue = prologue
        self._acceptable = acceptable
        self._identity = identity
        self._psk = psk

    def write_1(self, payload=b""):
        self._begin(1)
        self._state = start(self.pattern, self._prologue)
        if has_psk(self.pattern):
            self._state.mix_key_and_hash(self._psk)
        self._ephemeral = XWingKey(self._random(32))
        self._state.mix_hash(self._ephemeral.ek)
        if has_psk(self.pattern):
            self._state.mix_key(self._ephemeral.ek)
        body = header(self.pattern) + self._ephemeral.ek + self._write_payload(payload)
        self._done(1)
        return to_frame(body)

    def length_allowed(self, length):
        """Whether the two length bytes of the awaited message are worth reading on: a refusal or message 2."""
        least, greatest = body_bounds(self.pattern, 2)
        return length == 1 or least <= length <= greatest

    def read_2(self, frame):
        """Returns the payload. Raises Refused, Malformed, Failed, or NotAcceptable."""
        self._begin(2)
        body = from_frame(frame)
        if len(body) == 1 and body[0] != 0:
            raise Refused(body[0])
        check_bounds(body, self.pattern, 2)
        cursor = Cursor(body)
        status = cursor.take(1)
        if status != b"\0":
            raise Malformed("message 2: a refusal with more bytes")
        self._state.mix_hash(status)
        ct = cursor.take(CT_SIZE)
        self._state.mix_hash(ct)
        self._state.mix_key(self._ephemeral.decapsulate(ct))
        self._ephemeral = None
        peer = self._read_proof(cursor)
        payload = self._read_payload(cursor)
        if not self._acceptable(peer):
            raise NotAcceptable()
        self.peer = peer
        self._done(2)
        return payload

    def write_3(self, payload=b""):
        self._begin(3)
        body = self._write_proof(self._identity) + self._write_payload(payload)
        self._done(3)
        return to_frame(body)


@dataclass
class ResponderConfig:
    """What a responder allows. `psks` holds one pre-shared key, or two with the newer first; with any it requires one.

    `acceptable(public_identity or None) -> bool` judges the initiator; None stands for one without identity.
    """

    prologue: bytes
    identity: Identity
    acceptable: object
    patterns: tuple = ("XX", "XXpsk0", "NX", "NXpsk0")
    suites: tuple = (SUITE,)
    psks: tuple = ()

    def allows_pattern(self, number):
        pattern = PATTERNS.get(number)
        return pattern in self.patterns and has_psk(pattern) == bool(self.psks)


class Responder(Handshake):
    role, peer_role = "responder", "initiator"

    def __init__(self, config, random=secrets.token_bytes, on_message=None):
        super().__init__(random, on_message)
        if len(config.psks) > 2 or any(len(psk) != 32 for psk in config.psks):
            raise Misuse("a responder holds at most two pre-shared keys of 32 bytes each")
        self._config = config
        self.pattern = None

    def length_allowed(self, length):
        if self.pattern is None:
            return HEADER_SIZE <= length <= MAX_BODY
        least, greatest = body_bounds(self.pattern, 3)
        return least <= length <= greatest

    def _refuse(self, status):
        """With a pre-shared key configured every refusal before a good message 1 is silent."""
        answer = b"" if self._config.psks else to_frame(u8(status))
        raise Declined(answer, Refused.MEANING[status])

    def read_1(self, frame, busy=False):
        """Returns the payload, or raises Declined with the bytes to send before closing. The order is section 6.3's."""
        self._begin(1)
        try:
            body = from_frame(frame)
        except Malformed as error:
            raise Declined(b"", str(error)) from None
        if not HEADER_SIZE <= len(body) <= MAX_BODY or not body.startswith(MAGIC):
            raise Declined(b"", "not a first message")
        if body[2] != VERSION:
            self._refuse(1)
        if not self._config.allows_pattern(body[3]):
            self._refuse(2)
        if int.from_bytes(body[4:6], "big") not in self._config.suites:
            self._refuse(3)
        self.pattern = PATTERNS[body[3]]
        try:
            check_bounds(body, self.pattern, 1)
            if busy:
                self._refuse(4)
            self._peer_ek = body[HEADER_SIZE:HEADER_SIZE + EK_SIZE]
            check_encapsulation_key(self._peer_ek)
        except Malformed as error:
            raise Declined(b"", str(error)) from None
        payload = self._read_tokens_1(body[HEADER_SIZE + EK_SIZE:])
        if not initiator_has_identity(self.pattern) and not self._config.acceptable(None):
            raise NotAcceptable(b"" if self._config.psks else self.refusal())
        self._done(1)
        return payload

    def _read_tokens_1(self, sealed_payload):
        initial = start(self.pattern, self._config.prologue)
        for psk in self._config.psks or (None,):
            self._state = initial.copy()
            if psk is not None:
                self._state.mix_key_and_hash(psk)
            self._state.mix_hash(self._peer_ek)
            if psk is not None:
                self._state.mix_key(self._peer_ek)
            try:
                return self._state.decrypt_and_hash(sealed_payload)
            except Failed:
                continue
        raise Declined(b"", "not a first message under a pre-shared key")

    @staticmethod
    def refusal():
        """The frame with which an application refuses after message 1, whatever its reason."""
        return to_frame(u8(5))

    def write_2(self, payload=b""):
        """Raises Declined, without an answer, when the initiator's X25519 key gives an all-zero result."""
        self._begin(2)
        self._state.mix_hash(b"\0")
        try:
            ct, ss = xwing_encapsulate(self._peer_ek, self._random(64))
        except Failed as error:
            raise Declined(b"", str(error)) from None
        self._state.mix_hash(ct)
        self._state.mix_key(ss)
        body = b"\0" + ct + self._write_proof(self._config.identity) + self._write_payload(payload)
        self._done(2)
        return to_frame(body)

    def read_3(self, frame):
        """Returns the payload. NotAcceptable carries the Close record to send."""
        self._begin(3)
        body = from_frame(frame)
        check_bounds(body, self.pattern, 3)
        cursor = Cursor(body)
        self.peer = self._read_proof(cursor)
        payload = self._read_payload(cursor)
        self._done(3)
        if not self._config.acceptable(self.peer):
            session, self.session = self.session, None
            raise NotAcceptable(session.channel().close(CLOSE_REFUSED))
        return payload


# ---------------------------------------------------------------------------------------------------------------------------------
# 7. After the handshake, and 9. Exporter


@dataclass
class Session:
    role: str
    pattern: str
    peer: PublicIdentity
    handshake_hash: bytes
    i2r: bytes
    r2i: bytes
    exporter: bytes
    random: object

    def channel(self, **options):
        own, other = (self.i2r, self.r2i) if self.role == "initiator" else (self.r2i, self.i2r)
        return Channel(own, other, random=self.random, **options)

    def export(self, label, context, length):
        return export(self.exporter, label, context, length)


def export(secret, label, context, length):
    """Section 9."""
    if len(label) > 255 or not 1 <= length <= 255 * HASHLEN:
        raise Misuse("exporter: label or length out of bounds")
    return expand(secret, LABEL_EXPORT + u8(len(label)) + label + sha256(context) + u16(length), length)


# ---------------------------------------------------------------------------------------------------------------------------------
# 8.1 Frame and padding

MAX_CONTENT = 16384
MAX_PLAINTEXT = 16624
MIN_CIPHERTEXT, MAX_CIPHERTEXT = 3 + TAG, MAX_PLAINTEXT + TAG


def pad_none(length):
    return length


def pad_multiple(number):
    """The policy that pads to the next multiple of `number`."""
    return lambda length: -(-length // number) * number


def pad_padme(length):
    if length < 2:
        return length
    e = length.bit_length() - 1
    s = e.bit_length()
    unit = 1 << max(0, e - s)
    return -(-length // unit) * unit


def padded_length(length, policy):
    return min(policy(length), MAX_PLAINTEXT)


def record_plaintext(kind, content, policy=pad_none):
    plain = u8(kind) + u16(len(content)) + content
    return plain + bytes(padded_length(len(plain), policy) - len(plain))


def parse_plaintext(plain):
    """Type, content. Padding that is not zero, or a content length that exceeds the plaintext, is fatal."""
    size = int.from_bytes(plain[1:3], "big")
    if size > MAX_CONTENT or 3 + size > len(plain):
        raise Fatal("content length exceeds the plaintext")
    if any(plain[3 + size:]):
        raise Fatal("padding is not zero")
    return plain[0], plain[3:3 + size]


# ---------------------------------------------------------------------------------------------------------------------------------
# 8.2 Keys

RECORDS_PER_KEY = 2**48


class Direction:
    """The keys of one direction, on either side of it."""

    def __init__(self, cs):
        self._install(cs)

    def _install(self, cs):
        self.cs = cs
        self.key = expand(cs, LABEL_KEY, 32)
        self.counter = 0

    def _next_counter(self):
        if self.counter >= RECORDS_PER_KEY:
            raise Fatal("this key has sealed all the records it may")
        self.counter += 1
        return self.counter - 1

    def seal(self, plain):
        length = u16(len(plain) + TAG)
        return length + seal(self.key, self._next_counter(), length, plain)

    def unseal(self, frame):
        return unseal(self.key, self._next_counter(), frame[:2], frame[2:])

    def key_update(self):
        self._install(expand(self.cs, LABEL_NEXT, HASHLEN))

    def rekey(self, ss, ek, ct):
        self._install(hkdf(self.cs, ss, LABEL_REKEY + sha256(ek + ct), HASHLEN))


# ---------------------------------------------------------------------------------------------------------------------------------
# 8.3 Records and 8.4 rekeying


class Type(IntEnum):
    DATA = 1
    END = 2
    CLOSE = 3
    KEY_UPDATE = 4
    REKEY_OFFER = 5
    REKEY = 6
    PING = 9
    ABORT = 10


CONTENT_SIZES = {Type.DATA: (1, MAX_CONTENT), Type.END: (0, MAX_CONTENT), Type.CLOSE: (2, 258), Type.KEY_UPDATE: (0, 0),
                 Type.REKEY_OFFER: (EK_SIZE, EK_SIZE), Type.REKEY: (CT_SIZE, CT_SIZE), Type.PING: (5, 5), Type.ABORT: (0, 0)}
CLOSE_DONE, CLOSE_REFUSED, CLOSE_GOING_AWAY = 0, 1, 2
MAX_KEY_UPDATES = 32
OFFER_LIMIT = 16 * 2**30


@dataclass
class Event:
    """What a record meant. `code` and `reason` belong to Close; `number` and `answer` to Ping."""

    type: Type
    content: bytes = b""
    code: int = 0
    reason: str = ""
    number: int = 0
    answer: bool = False


def decode_reason(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


class Channel:
    """Both directions of a channel, seen from one side. Sending methods return the frames to transmit.

    An offer or a ping from the peer is answered by `answers()`, which `data` and `end` call first, so an offer is always answered
    before the next Data or End.
    """

    def __init__(self, send_cs, receive_cs, random=secrets.token_bytes, padding=pad_none, offer_limit=OFFER_LIMIT):
        self.sending, self.receiving = Direction(send_cs), Direction(receive_cs)
        self._random = random
        self.padding = padding
        self._offer_limit = offer_limit
        self.failed = False
        # The own sending direction.
        self.closed = False
        self._in_message = False
        self._key_updates = 0
        self._peer_offer = None
        self._pong = None
        # The peer's sending direction.
        self.peer_closed = False
        self._peer_in_message = False
        self._peer_key_updates = 0
        self._offer = None
        self._bytes_since_offer = 0

    # Sending

    def _check_sending(self):
        if self.failed:
            raise Misuse("the channel has failed")
        if self.closed:
            raise Misuse("Close was sent already")

    def record(self, kind, content=b""):
        """Seals one record, without a look at any rule; the methods below are what an application calls."""
        return self.sending.seal(record_plaintext(kind, content, self.padding))

    def data(self, piece):
        self._check_sending()
        if not 1 <= len(piece) <= MAX_CONTENT:
            raise Misuse("a piece has 1 to 16,384 bytes")
        frames = self.answers() + self.record(Type.DATA, piece)
        self._in_message, self._key_updates = True, 0
        return frames

    def end(self, piece=b""):
        self._check_sending()
        if len(piece) > MAX_CONTENT:
            raise Misuse("a piece has at most 16,384 bytes")
        frames = self.answers() + self.record(Type.END, piece)
        self._in_message, self._key_updates = False, 0
        return frames

    def message(self, content):
        """A whole message, in as few pieces as possible."""
        pieces = [content[i:i + MAX_CONTENT] for i in range(0, len(content), MAX_CONTENT)] or [b""]
        return b"".join(map(self.data, pieces[:-1])) + self.end(pieces[-1])

    def abort(self):
        self._check_sending()
        if not self._in_message:
            raise Misuse("there is no message to abort")
        self._in_message = False
        return self.record(Type.ABORT)

    def close(self, code=CLOSE_DONE, reason=""):
        self._check_sending()
        if self._in_message:
            raise Misuse("a message is begun")
        if not (code in (CLOSE_DONE, CLOSE_REFUSED, CLOSE_GOING_AWAY) or 256 <= code < 65536):
            raise Misuse("this code is reserved")
        content = u16(code) + reason.encode()
        if len(content) > CONTENT_SIZES[Type.CLOSE][1]:
            raise Misuse("reason too long")
        frame = self.record(Type.CLOSE, content)
        self.closed = True
        self._peer_offer = self._pong = None
        return frame

    def ping(self, number):
        self._check_sending()
        return self.record(Type.PING, b"\0" + u32(number))

    def key_update(self):
        self._check_sending()
        if self._key_updates == MAX_KEY_UPDATES:
            raise Misuse("too many KeyUpdate without a Data or End")
        frame = self.record(Type.KEY_UPDATE)
        self._key_updates += 1
        self.sending.key_update()
        return frame

    def offer_rekey(self):
        """Asks that the peer's direction be renewed."""
        self._check_sending()
        if self.peer_closed or self._offer:
            raise Misuse("the peer's direction is closed, or an offer is open")
        offer = XWingKey(self._random(32))
        frame = self.record(Type.REKEY_OFFER, offer.ek)
        self._offer, self._bytes_since_offer = offer, 0
        return frame

    def answers(self):
        """Rekey for the peer's open offer, and the answer to its newest ping."""
        if self.failed or self.closed:
            return b""
        frames = b""
        if self._peer_offer:
            frames += self._rekey()
        if self._pong is not None:
            frames += self.record(Type.PING, b"\1" + u32(self._pong))
            self._pong = None
        return frames

    def _rekey(self):
        ek, self._peer_offer = self._peer_offer, None
        try:
            ct, ss = xwing_encapsulate(ek, self._random(64))
        except Failed:
            self.failed = True
            raise Fatal("the record does not authenticate") from None
        frame = self.record(Type.REKEY, ct)
        self.sending.rekey(ss, ek, ct)
        return frame

    @property
    def offer_open(self):
        return self._offer is not None

    # Receiving

    @staticmethod
    def length_allowed(length):
        return MIN_CIPHERTEXT <= length <= MAX_CIPHERTEXT

    def receive(self, frame):
        """One whole frame to an Event. Any error ends the channel for good."""
        if self.failed:
            raise Misuse("the channel has failed")
        try:
            return self._receive(frame)
        except Failed:
            self.failed = True
            raise Fatal("the record does not authenticate") from None
        except Malformed as error:
            self.failed = True
            raise Fatal(str(error)) from None
        except Fatal:
            self.failed = True
            raise

    def transport_ended(self):
        if not self.peer_closed:
            self.failed = True
            raise Truncated("the transport ended without a Close")

    def _receive(self, frame):
        if self.peer_closed:
            raise Fatal("a record after Close")
        if len(frame) < 2 or len(frame) != 2 + int.from_bytes(frame[:2], "big") or not self.length_allowed(len(frame) - 2):
            raise Fatal("wrong frame length")
        kind, content = parse_plaintext(self.receiving.unseal(frame))
        if kind not in CONTENT_SIZES:
            raise Fatal("unknown type")
        least, greatest = CONTENT_SIZES[kind]
        if not least <= len(content) <= greatest:
            raise Fatal("content of the wrong length for its type")
        event = getattr(self, "_receive_" + Type(kind).name.lower())(content)
        self._count_for_offer(frame)
        return event

    def _count_for_offer(self, frame):
        if not self._offer:
            return
        self._bytes_since_offer += len(frame)
        if self._bytes_since_offer > self._offer_limit:
            raise Fatal("the peer does not answer the offer")

    def _receive_data(self, content):
        self._peer_in_message, self._peer_key_updates = True, 0
        return Event(Type.DATA, content)

    def _receive_end(self, content):
        self._peer_in_message, self._peer_key_updates = False, 0
        return Event(Type.END, content)

    def _receive_close(self, content):
        if self._peer_in_message:
            raise Fatal("Close within a message")
        self.peer_closed = True
        self._offer = None
        return Event(Type.CLOSE, code=int.from_bytes(content[:2], "big"), reason=decode_reason(content[2:]))

    def _receive_key_update(self, _):
        self._peer_key_updates += 1
        if self._peer_key_updates > MAX_KEY_UPDATES:
            raise Fatal("too many KeyUpdate")
        self.receiving.key_update()
        return Event(Type.KEY_UPDATE)

    def _receive_rekey_offer(self, ek):
        check_encapsulation_key(ek)
        if not self.closed:
            if self._peer_offer:
                raise Fatal("a second open offer")
            self._peer_offer = ek
        return Event(Type.REKEY_OFFER)

    def _receive_rekey(self, ct):
        if not self._offer:
            raise Fatal("a Rekey without an offer")
        offer, self._offer = self._offer, None
        self.receiving.rekey(offer.decapsulate(ct), offer.ek, ct)
        return Event(Type.REKEY)

    def _receive_ping(self, content):
        if content[0] > 1:
            raise Fatal("a Ping that neither asks nor answers")
        number, answer = int.from_bytes(content[1:], "big"), content[0] == 1
        if not answer and not self.closed:
            self._pong = number
        return Event(Type.PING, number=number, answer=answer)

    def _receive_abort(self, _):
        if not self._peer_in_message:
            raise Fatal("Abort without a message begun")
        self._peer_in_message = False
        return Event(Type.ABORT)


class Aborted(TwinlockError):
    """The peer ended this message unfinished; the channel goes on."""


class Messages:
    """Joins the pieces of messages. `limit` bounds what is kept of one message."""

    def __init__(self, limit=2**24):
        self._limit = limit
        self._pieces = b""

    def feed(self, event):
        """The message that this event completes, or None."""
        if event.type == Type.ABORT:
            self._pieces = b""
            raise Aborted("the message was aborted")
        if event.type not in (Type.DATA, Type.END):
            return None
        self._pieces += event.content
        if len(self._pieces) > self._limit:
            raise TwinlockError("message too long")
        if event.type == Type.DATA:
            return None
        message, self._pieces = self._pieces, b""
        return message
