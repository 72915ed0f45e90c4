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
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from dilithium_py.dilithium import dilithium as dilithium_r3
from dilithium_py.dilithium import default_parameters as dilithium_r3_parameters
from dilithium_py.ml_dsa import ML_DSA_65, ML_DSA_87
from kyber_py.kyber import default_parameters as kyber_r3_parameters
from kyber_py.kyber import kyber as kyber_r3
from kyber_py.ml_kem import ML_KEM_768, ML_KEM_1024

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


class NoRandomness(TwinlockError):
    """The source of randomness failed, or gave bytes that have no use (section 3.4)."""


# ---------------------------------------------------------------------------------------------------------------------------------
# 1. Conventions


def u8(value):
    return value.to_bytes(1, "big")


def u16(value):
    return value.to_bytes(2, "big")


def u32(value):
    return value.to_bytes(4, "big")


def u64(value):
    return value.to_bytes(8, "big")


def sha256(data):
    return hashlib.sha256(data).digest()


def sha512(data):
    return hashlib.sha512(data).digest()


class Hash:
    """A suite's hash, and HMAC and HKDF with it. `name` is hashlib's; `size` is HASHLEN."""

    def __init__(self, name):
        self.name = name
        self.size = hashlib.new(name).digest_size

    def __call__(self, data):
        return hashlib.new(self.name, data).digest()

    def extract(self, salt, ikm):
        """HKDF-Extract of RFC 5869."""
        return hmac.digest(salt, ikm, self.name)

    def expand(self, prk, info, length):
        """HKDF-Expand of RFC 5869."""
        output, block = b"", b""
        for index in range(1, -(-length // self.size) + 1):
            block = hmac.digest(prk, block + info + u8(index), self.name)
            output += block
        return output[:length]

    def hkdf(self, salt, ikm, info, length):
        return self.expand(self.extract(salt, ikm), info, length)


SHA256, SHA512 = Hash("sha256"), Hash("sha512")

COMPOSITE_PREFIX = b"CompositeAlgorithmSignatures2025"
LABEL_IDENTITY = b"twinlock1 identity"
LABEL_SAFETY = b"twinlock1 safety"
CONTEXT_SUCCESSION_OLD = b"twinlock1 succession old"
CONTEXT_SUCCESSION_NEW = b"twinlock1 succession new"
CONTEXT_BUNDLE = b"twinlock1 bundle"
CONTEXT_KEY_CHECK = b"twinlock1 key check"
LABEL_BUNDLE_REFERENCE = b"tl1 bundle ref"
LABEL_I2R = b"tl1 i2r"
LABEL_R2I = b"tl1 r2i"
LABEL_EXPORTER = b"tl1 exporter"
LABEL_RESUME = b"tl1 resume"
LABEL_KEY = b"tl1 key"
LABEL_NEXT = b"tl1 next"
LABEL_REKEY = b"tl1 rekey"
LABEL_EXPORT = b"tl1 export"

# ---------------------------------------------------------------------------------------------------------------------------------
# 3.1 X-Wing and 3.4 MLKEM1024-P384: the curves


class X25519:
    """The classical half of X-Wing. Every 32 bytes are a public key; an all-zero result fails."""

    scalar_size = point_size = 32

    @staticmethod
    def check(point):
        pass

    @staticmethod
    def base(scalar):
        return X25519PrivateKey.from_private_bytes(scalar).public_key().public_bytes_raw()

    @staticmethod
    def exchange(scalar, point):
        """X25519 of RFC 7748, section 5."""
        try:
            return X25519PrivateKey.from_private_bytes(scalar).exchange(X25519PublicKey.from_public_bytes(point))
        except ValueError:
            raise Failed() from None


class P384:
    """The classical half of MLKEM1024-P384. Points are uncompressed."""

    scalar_size, point_size = 48, 97
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973

    @staticmethod
    def decode(point):
        if len(point) != P384.point_size or point[0] != 4:
            raise Malformed("P-384: not an uncompressed point")
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), point)
        except ValueError:
            raise Malformed("P-384: not a point on the curve") from None

    @staticmethod
    def encode(public):
        return public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)

    @staticmethod
    def private(scalar):
        value = int.from_bytes(scalar, "big")
        if len(scalar) != P384.scalar_size or not 1 <= value < P384.order:
            raise NoRandomness("P-384: not a scalar")
        return ec.derive_private_key(value, ec.SECP384R1())

    check = decode

    @staticmethod
    def base(scalar):
        return P384.encode(P384.private(scalar).public_key())

    @staticmethod
    def exchange(scalar, point):
        """The x coordinate. A ciphertext half that is not a point fails as a tag fails."""
        try:
            public = P384.decode(point)
        except Malformed:
            raise Failed() from None
        return P384.private(scalar).exchange(ec.ECDH(), public)


# ---------------------------------------------------------------------------------------------------------------------------------
# 3.1 X-Wing and 3.4 MLKEM1024-P384


def check_mlkem_key(ek_m):
    """FIPS 203, section 7.2, without the length: every 12-bit coefficient below 3329."""
    vector = ek_m[:-32]
    for low, middle, high in zip(vector[0::3], vector[1::3], vector[2::3]):
        if low | (middle & 15) << 8 >= 3329 or middle >> 4 | high << 4 >= 3329:
            raise Malformed("encapsulation key: coefficient out of range")


class HybridKem:
    """ML-KEM, which stands first in everything, and a curve."""

    def __init__(self, name, label, mlkem, ek_mlkem, ct_mlkem, curve):
        self.name, self.label, self.mlkem, self.curve = name, label, mlkem, curve
        self.ek_mlkem, self.ct_mlkem = ek_mlkem, ct_mlkem
        self.ek_size, self.ct_size = ek_mlkem + curve.point_size, ct_mlkem + curve.point_size
        self.coins_size = 32 + curve.scalar_size

    def generate(self, random):
        return self.key(random(32))

    def key(self, seed):
        return HybridKey(self, seed)

    def check(self, ek):
        """What an encapsulation key passes before it is used."""
        if len(ek) != self.ek_size:
            raise Malformed("encapsulation key: wrong length")
        check_mlkem_key(ek[:self.ek_mlkem])
        self.curve.check(ek[self.ek_mlkem:])

    def encapsulate(self, ek, random):
        """Encapsulate to `ek`; draws m and the curve's bytes at once. Returns ciphertext and shared secret."""
        self.check(ek)
        ek_m, pk_t = ek[:self.ek_mlkem], ek[self.ek_mlkem:]
        coins = random(self.coins_size)
        ss_m, ct_m = self.mlkem._encaps_internal(ek_m, coins[:32])
        ct_t = self.curve.base(coins[32:])
        ss_t = self.curve.exchange(coins[32:], pk_t)
        return ct_m + ct_t, self.combine(ss_m, ss_t, ct_t, pk_t)

    def combine(self, ss_m, ss_t, ct_t, pk_t):
        return hashlib.sha3_256(ss_m + ss_t + ct_t + pk_t + self.label).digest()


class HybridKey:
    """A key pair of a HybridKem, made from its 32-byte seed."""

    def __init__(self, kem, seed):
        if len(seed) != 32:
            raise Misuse("a KEM seed has 32 bytes")
        self._kem, self.secret = kem, seed
        expanded = hashlib.shake_256(seed).digest(64 + kem.curve.scalar_size)
        ek_m, self._dk_m = kem.mlkem._keygen_internal(expanded[:32], expanded[32:64])
        self._sk_t = expanded[64:]
        self._pk_t = kem.curve.base(self._sk_t)
        self.ek = ek_m + self._pk_t

    def decapsulate(self, ct):
        kem = self._kem
        if len(ct) != kem.ct_size:
            raise Malformed("ciphertext: wrong length")
        ct_m, ct_t = ct[:kem.ct_mlkem], ct[kem.ct_mlkem:]
        ss_m = kem.mlkem._decaps_internal(self._dk_m, ct_m)
        ss_t = kem.curve.exchange(self._sk_t, ct_t)
        return kem.combine(ss_m, ss_t, ct_t, self._pk_t)


XWING = HybridKem("XWing", b"\\.//^\\", ML_KEM_768, 1184, 1088, X25519)
MLKEM1024_P384 = HybridKem("MLKEM1024P384", b"MLKEM1024-P384", ML_KEM_1024, 1568, 1568, P384)

# ---------------------------------------------------------------------------------------------------------------------------------
# 4.3 Files: DER, which the signatures of section 3.5 need too


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
    content = b""
    for arc in (40 * first + second, *rest):
        groups = [arc & 127]
        while arc := arc >> 7:
            groups.append(128 | arc & 127)
        content += bytes(reversed(groups))
    return der(0x06, content)


SEQUENCE, OCTET_STRING, BIT_STRING, INTEGER = 0x30, 0x04, 0x03, 0x02
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
            raise Malformed("DER: unexpected element")
        size, start = data[1], 2
        if size >= 128:
            start += size & 127
            size = int.from_bytes(data[2:start], "big")
        content = data[start:start + size]
        if der(tag, content) != data[:start + size]:
            raise Malformed("DER: bad length")
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
            raise Malformed("DER: bad integer")
        return value

    def end(self):
        if self.data:
            raise Malformed("DER: bytes left over")


# ---------------------------------------------------------------------------------------------------------------------------------
# 3.2 and 3.5: the halves of the composite signatures
#
# A half has the sizes of its parts and `generate(random) -> secret`, `open(secret) -> (key to sign with, public key)`,
# `sign(key, representative, label, rnd)` and `verify(public, representative, label, signature) -> bool`.


class MlDsa:
    """`label` is the context of the ML-DSA half."""

    secret_size, rnd_size = 32, 32

    def __init__(self, library, public_size, signature_size):
        self._library, self.public_size, self.signature_size = library, public_size, signature_size

    @staticmethod
    def generate(random):
        return random(32)

    def open(self, secret):
        public, key = self._library._keygen_internal(secret)
        return key, public

    @staticmethod
    def prefixed(representative, label):
        """What FIPS 204, algorithms 2 and 3, sign and verify: 0 || length of context || context || message."""
        return b"\0" + u8(len(label)) + label + representative

    def sign(self, key, representative, label, rnd):
        return self._library._sign_internal(key, self.prefixed(representative, label), rnd)

    def verify(self, public, representative, label, signature):
        return self._library._verify_internal(public, self.prefixed(representative, label), signature)


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


class Ed25519:
    secret_size, public_size, signature_size = 32, 32, 64

    @staticmethod
    def generate(random):
        return random(32)

    @staticmethod
    def open(secret):
        key = Ed25519PrivateKey.from_private_bytes(secret)
        return key, key.public_key().public_bytes_raw()

    @staticmethod
    def check(public):
        """Whether the public key decodes, the verification finds out."""

    @staticmethod
    def sign(key, representative):
        return key.sign(representative)

    @staticmethod
    def verify(public, representative, signature):
        """Strict: the library checks S < L, recomputes R without the cofactor and compares its encoding."""
        if not ed25519_point_allowed(public) or not ed25519_point_allowed(signature[:32]):
            return False
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, representative)
        except (InvalidSignature, ValueError):
            return False
        return True


class EcdsaP384:
    """With SHA-384. The secret key is an ECPrivateKey that is always written in one way; a signature is padded with zero bytes."""

    secret_size, public_size, signature_size = 64, 97, 104
    _BEFORE, _AFTER = bytes.fromhex("303E0201010430"), bytes.fromhex("A00706052B81040022")

    @classmethod
    def generate(cls, random):
        """Draws 48 bytes until they give a scalar."""
        while not 1 <= int.from_bytes(scalar := random(48), "big") < P384.order:
            pass
        return cls._BEFORE + scalar + cls._AFTER

    @classmethod
    def open(cls, secret):
        if not secret.startswith(cls._BEFORE) or not secret.endswith(cls._AFTER):
            raise Malformed("secret identity: not an ECPrivateKey on P-384")
        try:
            key = P384.private(secret[len(cls._BEFORE):-len(cls._AFTER)])
        except NoRandomness:
            raise Malformed("secret identity: scalar out of range") from None
        return key, P384.encode(key.public_key())

    check = P384.decode

    @classmethod
    def sign(cls, key, representative):
        """Deterministic, RFC 6979."""
        signature = key.sign(representative, ec.ECDSA(hashes.SHA384(), deterministic_signing=True))
        return signature + bytes(cls.signature_size - len(signature))

    @staticmethod
    def strip(padded):
        """The DER of a padded signature, whose two numbers have no other encoding."""
        outer = DerReader(padded)
        numbers = DerReader(outer.take(SEQUENCE))
        numbers.integer()
        numbers.integer()
        numbers.end()
        if any(outer.data):
            raise Malformed("padding is not zero")
        return padded[:len(padded) - len(outer.data)]

    @classmethod
    def verify(cls, public, representative, signature):
        try:
            signature, key = cls.strip(signature), P384.decode(public)
        except Malformed:
            return False
        try:
            key.verify(signature, representative, ec.ECDSA(hashes.SHA384()))
        except InvalidSignature:
            return False
        return True


# ---------------------------------------------------------------------------------------------------------------------------------
# 3.2 and 3.5: the composite signatures


class Composite:
    """A composite signature algorithm: the post-quantum half stands first in everything."""

    def __init__(self, number, name, protocol_name, label, oid, post_quantum, classical):
        self.id, self.name, self.protocol_name, self.label = number, name, protocol_name, label
        self.post_quantum, self.classical = post_quantum, classical
        self.secret_size = post_quantum.secret_size + classical.secret_size
        self.public_size = post_quantum.public_size + classical.public_size
        self.signature_size = post_quantum.signature_size + classical.signature_size
        self.rnd_size = post_quantum.rnd_size
        self.algorithm = der(SEQUENCE, der_oid(oid))

    def generate(self, random):
        return self.post_quantum.generate(random) + self.classical.generate(random)

    def open(self, secret):
        """The two keys to sign with, and the public key."""
        key_m, public_m = self.post_quantum.open(secret[:self.post_quantum.secret_size])
        key_t, public_t = self.classical.open(secret[self.post_quantum.secret_size:])
        return (key_m, key_t), public_m + public_t

    def representative(self, ctx, message):
        if len(ctx) > 255:
            raise Misuse("a signature context has at most 255 bytes")
        return COMPOSITE_PREFIX + self.label + u8(len(ctx)) + ctx + sha512(message)

    def sign(self, keys, message, ctx, rnd):
        representative = self.representative(ctx, message)
        half_m = self.post_quantum.sign(keys[0], representative, self.label, rnd)
        return half_m + self.classical.sign(keys[1], representative)

    def verify(self, public, message, ctx, signature):
        """Both halves are always verified; which of them failed is not told."""
        if len(signature) != self.signature_size:
            raise Failed()
        representative = self.representative(ctx, message)
        public_m, public_t = public[:self.post_quantum.public_size], public[self.post_quantum.public_size:]
        half_m, half_t = signature[:self.post_quantum.signature_size], signature[self.post_quantum.signature_size:]
        good_m = self.post_quantum.verify(public_m, representative, self.label, half_m)
        good_t = self.classical.verify(public_t, representative, half_t)
        if not (good_m and good_t):
            raise Failed()


MLDSA65_ED25519 = Composite(1, "MLDSA65-Ed25519-SHA512", "MLDSA65Ed25519", b"COMPSIG-MLDSA65-Ed25519-SHA512", "1.3.6.1.5.5.7.6.48",
                            MlDsa(ML_DSA_65, 1952, 3309), Ed25519)
MLDSA87_P384 = Composite(2, "MLDSA87-ECDSA-P384-SHA512", "MLDSA87P384", b"COMPSIG-MLDSA87-ECDSA-P384-SHA512", "1.3.6.1.5.5.7.6.49",
                         MlDsa(ML_DSA_87, 2592, 4627), EcdsaP384)
SIGNATURES = {signature.id: signature for signature in (MLDSA65_ED25519, MLDSA87_P384)}


class Identity:
    """A secret identity: one composite signing key (sections 3.2 and 4)."""

    def __init__(self, secret, signature=MLDSA65_ED25519):
        if len(secret) != signature.secret_size:
            raise Misuse(f"a secret identity of {signature.name} has {signature.secret_size} bytes")
        self.signature, self.secret = signature, secret
        self._keys, public = signature.open(secret)
        self.public = PublicIdentity(public, signature)

    @classmethod
    def generate(cls, random=secrets.token_bytes, signature=MLDSA65_ED25519):
        return cls(signature.generate(random), signature)

    def sign(self, message, ctx, rnd):
        return self.signature.sign(self._keys, message, ctx, rnd)


@dataclass(frozen=True)
class PublicIdentity:
    """A public identity: the bytes of the composite public key, and whose signatures it verifies."""

    key: bytes
    signature: Composite = MLDSA65_ED25519

    def __post_init__(self):
        if len(self.key) != self.signature.public_size:
            raise Malformed("public identity: wrong length")
        self.signature.classical.check(self.key[self.signature.post_quantum.public_size:])

    def verify(self, message, ctx, signature):
        self.signature.verify(self.key, message, ctx, signature)

    def fingerprint(self):
        """Section 4.1, the 32 bytes."""
        return sha256(LABEL_IDENTITY + u16(self.signature.id) + self.key)


@dataclass(frozen=True)
class Remembered:
    """A peer, or oneself, of whom a resumption record keeps the fingerprint alone (section 6.8)."""

    digest: bytes

    def fingerprint(self):
        return self.digest


# ---------------------------------------------------------------------------------------------------------------------------------
# 3.6 Round 3

# Where the algorithms of round 3 draw from, whatever else was asked for. Test vectors put a source of their own here.
system_random = os.urandom

KYBER768 = kyber_r3.Kyber(kyber_r3_parameters.DEFAULT_PARAMETERS["kyber_768"])
DILITHIUM3 = dilithium_r3.Dilithium(dilithium_r3_parameters.DEFAULT_PARAMETERS["dilithium3"])
KYBER768.random_bytes = DILITHIUM3.random_bytes = lambda size: system_random(size)


class Round3Kem(HybridKem):
    """Kyber768 and X25519. A secret key is Kyber's, 2,400 bytes, and X25519's, 32."""

    secret_mlkem = 2400

    def generate(self, random):
        return Round3Key(self, self.mlkem.keygen()[1] + random(32))

    def key(self, secret):
        return Round3Key(self, secret)

    def encapsulate(self, ek, random):
        self.check(ek)
        ek_k, pk_x = ek[:self.ek_mlkem], ek[self.ek_mlkem:]
        ss_k, ct_k = self.mlkem.encaps(ek_k)
        e_x = random(32)
        ct_x = X25519.base(e_x)
        return ct_k + ct_x, self.combine_all(ss_k, X25519.exchange(e_x, pk_x), ct_k + ct_x, ek)

    def combine_all(self, ss_k, ss_x, ct, ek):
        """The universal combiner."""
        return hashlib.sha3_256(ss_k + ss_x + ct + ek + self.label).digest()


class Round3Key:
    def __init__(self, kem, secret):
        self._kem, self.secret = kem, secret
        self._sk_k, self._sk_x = secret[:kem.secret_mlkem], secret[kem.secret_mlkem:]
        self.ek = kem.mlkem._unpack_secret_key(self._sk_k)[1] + X25519.base(self._sk_x)

    def decapsulate(self, ct):
        kem = self._kem
        if len(ct) != kem.ct_size:
            raise Malformed("ciphertext: wrong length")
        ss_k = kem.mlkem.decaps(self._sk_k, ct[:kem.ct_mlkem])
        ss_x = X25519.exchange(self._sk_x, ct[kem.ct_mlkem:])
        return kem.combine_all(ss_k, ss_x, ct, self.ek)


class Dilithium3:
    """A half like those above, without a context and without randomness. Its secret key does not hold the public one."""

    secret_size, public_size, signature_size, rnd_size = 4000, 1952, 3293, 0
    omega, k = 55, 6

    @staticmethod
    def sign(key, representative, label, rnd):
        return DILITHIUM3.sign(key, representative)

    @classmethod
    def hints_ascend(cls, signature):
        """The library takes a position that stands twice in one polynomial."""
        hints, ends = signature[-cls.omega - cls.k:-cls.k], (0, *signature[-cls.k:])
        polynomials = [hints[start:end] for start, end in zip(ends, ends[1:])]
        return all(one < other for positions in polynomials for one, other in zip(positions, positions[1:]))

    @classmethod
    def verify(cls, public, representative, label, signature):
        return cls.hints_ascend(signature) and DILITHIUM3.verify(public, representative, signature)


class Round3Composite(Composite):
    """A secret key ends with the public one."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.secret_size += self.public_size

    def generate(self, random):
        public, secret = DILITHIUM3.keygen()
        seed = random(32)
        return secret + seed + public + Ed25519.open(seed)[1]

    def open(self, secret):
        """The parts must belong together."""
        half, seed, public = secret[:4000], secret[4000:4032], secret[4032:]
        key, public_t = Ed25519.open(seed)
        keys = half, key
        try:
            self.verify(public, b"", CONTEXT_KEY_CHECK, self.sign(keys, b"", CONTEXT_KEY_CHECK, b""))
        except Failed:
            public_t = None
        if public_t != public[Dilithium3.public_size:]:
            raise Malformed("secret identity: its parts do not belong together")
        return keys, public


KYBER768_X25519_R3 = Round3Kem("X25519Kyber768R3", b"Twinlock-X25519Kyber768R3", KYBER768, 1184, 1088, X25519)
DILITHIUM3_ED25519_R3 = Round3Composite(0x7E, "Twinlock-Dilithium3R3-Ed25519", "Dilithium3R3Ed25519", b"Twinlock-Dilithium3R3-Ed25519",
                                        "2.25.1414266881.32259", Dilithium3, Ed25519)
SIGNATURES[DILITHIUM3_ED25519_R3.id] = DILITHIUM3_ED25519_R3

# ---------------------------------------------------------------------------------------------------------------------------------
# 3.3 AEAD

TAG = 16


class Aead:
    """`byte_order` is the nonce's; `records` is how many records one key seals (section 8.2)."""

    def __init__(self, name, cipher, byte_order, records):
        self.name, self._cipher, self._byte_order, self.records = name, cipher, byte_order, records

    def nonce(self, counter):
        return bytes(4) + counter.to_bytes(8, self._byte_order)

    def seal(self, key, counter, ad, plaintext):
        return self._cipher(key).encrypt(self.nonce(counter), plaintext, ad)

    def unseal(self, key, counter, ad, ciphertext):
        try:
            return self._cipher(key).decrypt(self.nonce(counter), ciphertext, ad)
        except InvalidTag:
            raise Failed() from None


CHACHA20_POLY1305 = Aead("ChaChaPoly", ChaCha20Poly1305, "little", 2**48)
AES256_GCM = Aead("AESGCM", AESGCM, "big", 2**24)

# ---------------------------------------------------------------------------------------------------------------------------------
# 2. Suites


@dataclass(frozen=True)
class Suite:
    id: int
    kem: object
    signature: Composite
    aead: Aead
    hash: Hash
    rank: int

    def protocol_name(self, pattern):
        """Section 5.2."""
        parts = ("Twinlock1", pattern, self.kem.name, self.signature.protocol_name, self.aead.name, self.hash.name.upper())
        return "_".join(parts).encode()


SUITES = {suite.id: suite for suite in (Suite(0x0001, XWING, MLDSA65_ED25519, CHACHA20_POLY1305, SHA256, 1),
                                        Suite(0x0002, MLKEM1024_P384, MLDSA87_P384, AES256_GCM, SHA512, 2),
                                        Suite(0x0003, XWING, MLDSA65_ED25519, AES256_GCM, SHA256, 1),
                                        Suite(0x7E03, KYBER768_X25519_R3, DILITHIUM3_ED25519_R3, CHACHA20_POLY1305, SHA256, 0))}
DEFAULT_SUITE = 0x0001


def find_suite(number):
    if number not in SUITES:
        raise Misuse(f"suite 0x{number:04X} is not known")
    return SUITES[number]


def check_identity_fits(identity, suite):
    if identity.signature is not suite.signature:
        takes, is_of = suite.signature.name, identity.signature.name
        raise Misuse(f"suite 0x{suite.id:04X} takes an identity of {takes}, and this one is of {is_of}")


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


SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1
SCRYPT_LIMIT = 2**23


def pkcs8_body(signature, secret):
    return der(SEQUENCE, der_integer(0), signature.algorithm, der(OCTET_STRING, secret))


def spki_body(signature, key):
    return der(SEQUENCE, signature.algorithm, der(BIT_STRING, b"\0", key))


def pkcs8_read(body):
    for signature in SIGNATURES.values():
        secret = body[-signature.secret_size:]
        if body == pkcs8_body(signature, secret):
            return Identity(secret, signature)
    raise Malformed("key file: not a Twinlock secret identity")


def secret_write(identity):
    return pem_write("PRIVATE KEY", pkcs8_body(identity.signature, identity.secret))


def public_write(public):
    return pem_write("PUBLIC KEY", spki_body(public.signature, public.key))


def public_read(text):
    label, body = pem_read(text)
    for signature in SIGNATURES.values():
        key = body[-signature.public_size:]
        if label == "PUBLIC KEY" and body == spki_body(signature, key):
            return PublicIdentity(key, signature)
    raise Malformed("key file: not a Twinlock public identity")


def passphrase_key(passphrase, salt, n, r, p):
    return hashlib.scrypt(passphrase.encode(), salt=salt, n=n, r=r, p=p, maxmem=2**31 - 1, dklen=32)


def secret_write_encrypted(identity, passphrase, random=secrets.token_bytes, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P):
    """Draws the 16-byte salt and then the 16-byte IV."""
    salt, iv = random(16), random(16)
    kdf = der(SEQUENCE, OID_SCRYPT, der(SEQUENCE, der(OCTET_STRING, salt), der_integer(n), der_integer(r), der_integer(p)))
    cipher = der(SEQUENCE, OID_AES256_CBC, der(OCTET_STRING, iv))
    plain = pkcs8_body(identity.signature, identity.secret)
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
    if len(salt) != 16 or len(iv) != 16 or not encrypted or len(encrypted) % 16:
        raise Malformed("key file: wrong length")
    return salt, n, r, p, iv, encrypted


def pkcs8_decrypt(body, passphrase):
    salt, n, r, p, iv, encrypted = encrypted_parse(body)
    decryptor = Cipher(algorithms.AES(passphrase_key(passphrase, salt, n, r, p)), modes.CBC(iv)).decryptor()
    plain = decryptor.update(encrypted) + decryptor.finalize()
    fill = plain[-1]
    if not 1 <= fill <= 16 or plain[-fill:] != bytes([fill]) * fill:
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
# 4.4 Succession and revocation

BESIDE, INSTEAD, REVOKED = 1, 2, 3
STATEMENT_LABEL = "TWINLOCK STATEMENT"
STANDARD_SIGNATURES = (MLDSA65_ED25519.id, MLDSA87_P384.id)


@dataclass(frozen=True)
class Statement:
    """One that verified. `new` is None if `kind` is REVOKED; `body` is the whole of it."""

    kind: int
    time: int
    old: PublicIdentity
    new: PublicIdentity
    body: bytes


def statement_subject(kind, time, old, new):
    """The bytes before the first signature."""
    subject = u8(kind) + time.to_bytes(8, "big")
    for public in (old, new) if new else (old,):
        subject += u16(public.signature.id) + public.key
    return subject


def check_statement(kind, old, new):
    if kind not in (BESIDE, INSTEAD, REVOKED) or (new is None) != (kind == REVOKED):
        raise Malformed("statement: kind not known, or not with these identities")
    if new == old or kind == BESIDE and new.signature is old.signature:
        raise Malformed("statement: the identities do not differ, or their signatures do not")


def statement_make(kind, time, old, new=None, random=secrets.token_bytes):
    """`old` and `new` are secret identities. Draws for the signature of the old one, then for that of the new one."""
    check_statement(kind, old.public, new and new.public)
    body = statement_subject(kind, time, old.public, new and new.public)
    body += old.sign(body, CONTEXT_SUCCESSION_OLD, random(old.signature.rnd_size))
    if new:
        body += new.sign(body, CONTEXT_SUCCESSION_NEW, random(new.signature.rnd_size))
    statement_read(body, (old.signature.id, new.signature.id if new else 0))
    return body


class StatementReader:
    """Takes the fields of a statement one after the other."""

    def __init__(self, body, signatures):
        self._body, self._at, self._signatures = body, 0, signatures

    def take(self, size):
        field = self._body[self._at:self._at + size]
        if len(field) != size:
            raise Malformed("statement: too short")
        self._at += size
        return field

    def integer(self, size):
        return int.from_bytes(self.take(size), "big")

    def public(self):
        number = self.integer(2)
        if number not in self._signatures:
            raise Malformed("statement: signature id not known")
        return PublicIdentity(self.take(SIGNATURES[number].public_size), SIGNATURES[number])

    def signature(self, public):
        """A signature, after the bytes that it is over: all before it."""
        before = self._body[:self._at]
        return before, self.take(public.signature.signature_size)

    def end(self):
        if self._at != len(self._body):
            raise Malformed("statement: bytes left over")


def statement_read(body, signatures=STANDARD_SIGNATURES):
    """A Statement, if every signature of it verifies. `signatures` are the ids that the reader has; round 3's is asked for by name.

    The shape is looked at before any signature.
    """
    reader = StatementReader(body, signatures)
    kind = reader.integer(1)
    if kind not in (BESIDE, INSTEAD, REVOKED):
        raise Malformed("statement: kind not known")
    time, old = reader.integer(8), reader.public()
    new = reader.public() if kind != REVOKED else None
    check_statement(kind, old, new)
    signed_by_old = reader.signature(old)
    signed_by_new = reader.signature(new) if new else None
    reader.end()
    old.verify(signed_by_old[0], CONTEXT_SUCCESSION_OLD, signed_by_old[1])
    if new:
        new.verify(signed_by_new[0], CONTEXT_SUCCESSION_NEW, signed_by_new[1])
    return Statement(kind, time, old, new, body)


def statement_write(body):
    return pem_write(STATEMENT_LABEL, body)


def statement_read_file(text, signatures=STANDARD_SIGNATURES):
    label, body = pem_read(text)
    if label != STATEMENT_LABEL:
        raise Malformed("statement: another PEM object")
    return statement_read(body, signatures)


# ---------------------------------------------------------------------------------------------------------------------------------
# 4.5 Known peers

MET, VERIFIED, INTRODUCED = "met", "verified", "introduced"


@dataclass
class KnownKey:
    """`name` is None once it was forgotten; only dead keys are kept then. `rank` is the highest spoken with the key, or -1."""

    name: str
    signature: Composite
    trust: str = MET
    rank: int = -1
    introducer: bytes = None
    retired: bool = False
    revoked: bool = False

    @property
    def living(self):
        return not (self.retired or self.revoked)


class NotTaken(TwinlockError):
    """A peer, or what a statement says, is not accepted."""


def best_rank(signature):
    """Of the suites that a key of this signature serves."""
    return max(suite.rank for suite in SUITES.values() if suite.signature is signature)


class KnownPeers:
    """A model of the rules, without a file. Keys are found by their fingerprints."""

    def __init__(self):
        self.keys = {}

    def find(self, public):
        return self.keys.get(public.fingerprint())

    def keys_of(self, name):
        return [key for key in self.keys.values() if key.name == name]

    def rank(self, name):
        """The highest in which the name was spoken to, with whichever of its keys."""
        return max((key.rank for key in self.keys_of(name)), default=-1)

    def _living_of(self, name, signature):
        return [key for key in self.keys_of(name) if key.living and key.signature is signature]

    def meet(self, name, public):
        """A person accepts an unknown key under a name that has none."""
        if self.find(public) or self.keys_of(name):
            raise NotTaken("the key or the name is known")
        self.keys[public.fingerprint()] = KnownKey(name, public.signature)

    def verify(self, public):
        """A person compared the fingerprint."""
        self._living(public).trust = VERIFIED

    def forget(self, name):
        """Dead keys stay dead."""
        for fingerprint, key in list(self.keys.items()):
            if key.name == name and key.living:
                del self.keys[fingerprint]
            elif key.name == name:
                key.name = None

    def speak(self, public, suite):
        """The key proved itself in a handshake of this suite. Returns the name, or raises."""
        key, rank = self._living(public), find_suite(suite).rank
        if self._introducer_revoked(key):
            raise NotTaken("introduced by a key that is revoked; a person has to verify it")
        if rank < self.rank(key.name):
            raise NotTaken("a rank below the highest in which this name was spoken to")
        key.rank = max(key.rank, rank)
        return key.name

    def _living(self, public):
        key = self.find(public)
        if key is None or not key.living:
            raise NotTaken("unknown" if key is None else "revoked" if key.revoked else "retired")
        return key

    def _introducer_revoked(self, key):
        """Whether one of those that introduced it, one the other, is revoked. What a person has seen needs no introducer."""
        while key is not None and key.trust == INTRODUCED:
            key = self.keys.get(key.introducer)
            if key is not None and key.revoked:
                return True
        return False

    def take(self, statement, ask=lambda: False):
        """Does what a verified statement says, or raises. `ask` asks a person."""
        if statement.kind == REVOKED:
            key = self.keys.setdefault(statement.old.fingerprint(), KnownKey(None, statement.old.signature))
            key.revoked = True
            return
        old, new = self._living(statement.old), self.find(statement.new)
        if self._introducer_revoked(old):
            raise NotTaken("the old key is not accepted itself")
        if new is not None and (not new.living or new.name != old.name):
            raise NotTaken("the new key is retired or revoked, or somebody else's")
        if best_rank(old.signature) < self.rank(old.name) and not (statement.kind == INSTEAD and new):
            raise NotTaken("the old key was left behind")
        if best_rank(statement.new.signature) < self.rank(old.name):
            raise NotTaken("the new key's suites rank below the name's")
        if any(other is not new and not (statement.kind == INSTEAD and other is old)
               for other in self._living_of(old.name, statement.new.signature)):
            raise NotTaken("the name has another key of this signature")
        if statement.kind == INSTEAD and old.trust == VERIFIED and not (new and new.trust == VERIFIED) and not ask():
            raise NotTaken("a person did not agree")
        if new is None:
            introduced = KnownKey(old.name, statement.new.signature, INTRODUCED, introducer=statement.old.fingerprint())
            self.keys[statement.new.fingerprint()] = introduced
        old.retired = old.retired or statement.kind == INSTEAD


# ---------------------------------------------------------------------------------------------------------------------------------
# 4.6 Bundles: what they are. Who keeps them, and the handshakes that use them, are in acquaintances.py.

BUNDLE_LABEL = "TWINLOCK BUNDLE"
BUNDLE_MAX_SECONDS = 5_184_000
STANDARD_SUITES = (0x0001, 0x0002, 0x0003)


@dataclass(frozen=True)
class Bundle:
    """One that verified, or a decoy without a signature. `unsigned` is what transcripts and references use."""

    suite: Suite
    identity: PublicIdentity
    ek: bytes
    not_before: int
    not_after: int
    body: bytes

    @property
    def unsigned(self):
        return self.body[:bundle_size(self.suite) - self.suite.signature.signature_size]

    @property
    def reference(self):
        return bundle_reference(self.suite, self.unsigned)

    @property
    def fingerprint(self):
        return self.identity.fingerprint()

    def is_valid(self, now):
        return self.not_before <= now < self.not_after


def bundle_size(suite):
    return 2 + suite.signature.public_size + suite.kem.ek_size + 16 + suite.signature.signature_size


def bundle_reference(suite, unsigned):
    return suite.hash(LABEL_BUNDLE_REFERENCE + unsigned)[:32]


def bundle_unsigned(suite, public, ek, not_before, not_after):
    return u16(suite.id) + public.key + ek + u64(not_before) + u64(not_after)


def bundle_make(suite, identity, ek, not_before, not_after, random=secrets.token_bytes):
    """Draws for the signature. Before it leaves its maker it is verified."""
    check_identity_fits(identity, suite)
    unsigned = bundle_unsigned(suite, identity.public, ek, not_before, not_after)
    body = unsigned + identity.sign(unsigned, CONTEXT_BUNDLE, random(suite.signature.rnd_size))
    return bundle_read(body, (suite.id,), identity.public.fingerprint())


def bundle_read(body, suites=STANDARD_SUITES, asked_for=None):
    """A Bundle, whatever the time. `suites` are those that the reader has; `asked_for` is a fingerprint."""
    number = int.from_bytes(body[:2], "big")
    if len(body) < 2 or number not in suites:
        raise Malformed("bundle: suite not known" if len(body) >= 2 else "bundle: wrong length")
    suite = SUITES[number]
    if len(body) != bundle_size(suite):
        raise Malformed("bundle: wrong length")
    cursor = Cursor(body[2:])
    public = PublicIdentity(cursor.take(suite.signature.public_size), suite.signature)
    ek = cursor.take(suite.kem.ek_size)
    not_before, not_after = int.from_bytes(cursor.take(8), "big"), int.from_bytes(cursor.take(8), "big")
    bundle = Bundle(suite, public, ek, not_before, not_after, body)
    suite.kem.check(ek)
    if suite.kem.curve is X25519:
        check_not_of_small_order(ek[-X25519.point_size:])
    if not not_before < not_after <= not_before + BUNDLE_MAX_SECONDS:
        raise Malformed("bundle: times out of bounds")
    if asked_for is not None and bundle.fingerprint != asked_for:
        raise Malformed("bundle: of another identity")
    public.verify(bundle.unsigned, CONTEXT_BUNDLE, cursor.rest())
    return bundle


def check_not_of_small_order(point):
    """One secret shows it, since each is a multiple of 8."""
    try:
        X25519.exchange(bytes(range(32)), point)
    except Failed:
        raise Malformed("encapsulation key: of small order") from None


def bundle_write(bundle):
    return pem_write(BUNDLE_LABEL, bundle.body)


def bundle_read_file(text, suites=STANDARD_SUITES, asked_for=None):
    label, body = pem_read(text)
    if label != BUNDLE_LABEL:
        raise Malformed("bundle: another PEM object")
    return bundle_read(body, suites, asked_for)


# ---------------------------------------------------------------------------------------------------------------------------------
# 5. Symmetric state


class SymmetricState:
    def __init__(self, suite, pattern):
        self._hash, self._aead = suite.hash, suite.aead
        name = suite.protocol_name(pattern)
        self.h = name.ljust(suite.hash.size, b"\0") if len(name) <= suite.hash.size else suite.hash(name)
        self.ck = self.h
        self.k = None
        self.n = 0

    def copy(self):
        other = object.__new__(SymmetricState)
        other.__dict__.update(self.__dict__)
        return other

    def _hkdf(self, ikm, count):
        size = self._hash.size
        output = self._hash.hkdf(self.ck, ikm, b"", count * size)
        return [output[i * size:(i + 1) * size] for i in range(count)]

    def mix_key(self, ikm):
        self.ck, temp_k = self._hkdf(ikm, 2)
        self.k, self.n = temp_k[:32], 0

    def mix_hash(self, data):
        self.h = self._hash(self.h + data)

    def mix_key_and_hash(self, ikm):
        self.ck, temp_h, temp_k = self._hkdf(ikm, 3)
        self.mix_hash(temp_h)
        self.k, self.n = temp_k[:32], 0

    def encrypt_and_hash(self, plaintext):
        if self.k is None:
            result = plaintext
        else:
            result = self._aead.seal(self.k, self.n, self.h, plaintext)
            self.n += 1
        self.mix_hash(result)
        return result

    def decrypt_and_hash(self, ciphertext):
        if self.k is None:
            plaintext = ciphertext
        else:
            plaintext = self._aead.unseal(self.k, self.n, self.h, ciphertext)
            self.n += 1
        self.mix_hash(ciphertext)
        return plaintext

    def end(self):
        """Section 5.4: the two sending secrets, the exporter secret and the resumption secret."""
        ms = self._hash.extract(self.ck, self.h)
        self.ck = self.k = None
        return tuple(self._hash.expand(ms, label, self._hash.size) for label in (LABEL_I2R, LABEL_R2I, LABEL_EXPORTER, LABEL_RESUME))


# ---------------------------------------------------------------------------------------------------------------------------------
# 6. Handshakes. IK and resume are in acquaintances.py.

PATTERNS = {1: "XX", 2: "XXpsk0", 3: "NX", 4: "NXpsk0", 5: "IK", 6: "IKpsk0", 7: "resume"}
SIGNED_PATTERNS = ("XX", "XXpsk0", "NX", "NXpsk0")
PATTERN_IDS = {name: number for number, name in PATTERNS.items()}
MAGIC = b"TL"
VERSION = 1
MAX_BODY = 16384
MAX_PAYLOAD = 4096
HEADER_SIZE = 6
RESUMPTION_ID_SIZE = 16
REFERENCE_SIZE = 32


def has_psk(pattern):
    """Whether it takes a pre-shared key. The token `psk` of `resume` takes a secret of the last conversation."""
    return pattern.endswith("psk0")


def is_acquainted(pattern):
    return pattern in ("IK", "IKpsk0")


def initiator_has_identity(pattern):
    return pattern.startswith("XX")


def body_bounds(suite, pattern, message):
    """Least and greatest body length of message 1, 2 or 3. Message 3 of IK is no handshake message, but a record."""
    proof = suite.signature.public_size + TAG + suite.signature.signature_size + TAG + TAG
    ct = suite.kem.ct_size
    first = header_size(pattern) + suite.kem.ek_size + (TAG if has_psk(pattern) else 0)
    if is_acquainted(pattern):
        first += ct + REFERENCE_SIZE + TAG + TAG
        return {1: (first, first), 2: (1 + ct + ct + TAG + TAG, 1 + ct + ct + TAG + TAG + MAX_PAYLOAD)}[message]
    if pattern == "resume":
        least = {1: first + TAG, 2: 1 + ct + TAG}[message]
    else:
        least = {1: first, 2: 1 + ct + proof, 3: proof}[message]
    return least, least + MAX_PAYLOAD


def check_bounds(body, suite, pattern, message):
    least, greatest = body_bounds(suite, pattern, message)
    if not least <= len(body) <= greatest:
        raise Malformed(f"message {message}: wrong length")


def to_frame(body):
    return u16(len(body)) + body


def from_frame(frame):
    if len(frame) < 2 or len(frame) != 2 + int.from_bytes(frame[:2], "big"):
        raise Malformed("not one whole frame")
    return frame[2:]


def header_size(pattern):
    return HEADER_SIZE + (RESUMPTION_ID_SIZE if pattern == "resume" else 0)


def header(suite, pattern, resumption_id=b""):
    return MAGIC + u8(VERSION) + u8(PATTERN_IDS[pattern]) + u16(suite.id) + resumption_id


def start(suite, pattern, prologue, resumption_id=b""):
    """Section 5.3, without `rb` and `ids`."""
    state = SymmetricState(suite, pattern)
    state.mix_hash(header(suite, pattern, resumption_id))
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
        self._used_psk = None
        self.suite = None
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
        self.session = self._session()

    def _session(self):
        handshake_hash = self._state.h
        secrets_of_5_4 = self._state.end()
        return Session(self.role, self.suite, self.pattern, self.peer, handshake_hash, *secrets_of_5_4, self._random,
                       me=self._me(), prologue=self._used_prologue(), psk=self._used_psk)

    def _me(self):
        """The own public identity, or None."""
        raise NotImplementedError

    def _used_prologue(self):
        raise NotImplementedError

    @property
    def messages_left(self):
        return self._next is not None

    def _write_proof(self, identity):
        """Tokens `s` and `sig`."""
        sealed_public = self._state.encrypt_and_hash(identity.public.key)
        context = signature_context(self.pattern, self.role)
        signature = identity.sign(self._state.h, context, self._random(self.suite.signature.rnd_size))
        return sealed_public + self._state.encrypt_and_hash(signature)

    def _read_proof(self, cursor):
        algorithm = self.suite.signature
        key = self._state.decrypt_and_hash(cursor.take(algorithm.public_size + TAG))
        signed = self._state.h
        signature = self._state.decrypt_and_hash(cursor.take(algorithm.signature_size + TAG))
        try:
            public = PublicIdentity(key, algorithm)
        except Malformed:
            raise Failed() from None
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

    def __init__(self, pattern, prologue, acceptable, identity=None, psk=None, random=secrets.token_bytes, on_message=None,
                 suite=DEFAULT_SUITE):
        super().__init__(random, on_message)
        if pattern not in SIGNED_PATTERNS:
            raise Misuse("pattern not known, or of another initiator")
        if has_psk(pattern) != (psk is not None) or psk is not None and len(psk) != 32:
            raise Misuse("a psk0 pattern takes a 32-byte pre-shared key, another takes none")
        if initiator_has_identity(pattern) != (identity is not None):
            raise Misuse("an XX pattern takes an identity, an NX pattern takes none")
        self.suite = find_suite(suite)
        if identity is not None:
            check_identity_fits(identity, self.suite)
        self.pattern = pattern
        self._prologue = prologue
        self._acceptable = acceptable
        self._identity = identity
        self._psk = self._used_psk = psk

    def _me(self):
        return self._identity and self._identity.public

    def _used_prologue(self):
        return self._prologue

    def write_1(self, payload=b""):
        self._begin(1)
        self._state = start(self.suite, self.pattern, self._prologue)
        if has_psk(self.pattern):
            self._state.mix_key_and_hash(self._psk)
        self._ephemeral = self.suite.kem.generate(self._random)
        self._state.mix_hash(self._ephemeral.ek)
        if has_psk(self.pattern):
            self._state.mix_key(self._ephemeral.ek)
        body = header(self.suite, self.pattern) + self._ephemeral.ek + self._write_payload(payload)
        self._done(1)
        return to_frame(body)

    def length_allowed(self, length):
        """Whether the two length bytes of the awaited message are worth reading on: a refusal or message 2."""
        least, greatest = body_bounds(self.suite, self.pattern, 2)
        return length == 1 or least <= length <= greatest

    def read_2(self, frame):
        """Returns the payload. Raises Refused, Malformed, Failed, or NotAcceptable."""
        self._begin(2)
        body = from_frame(frame)
        if len(body) == 1 and body[0] != 0:
            raise Refused(body[0])
        check_bounds(body, self.suite, self.pattern, 2)
        cursor = Cursor(body)
        status = cursor.take(1)
        if status != b"\0":
            raise Malformed("message 2: a refusal with more bytes")
        self._state.mix_hash(status)
        ct = cursor.take(self.suite.kem.ct_size)
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

    `identities` holds one identity, or one for each signature id. A suite is allowed if `suites` has it and an identity fits it.
    `acceptable(public_identity or None) -> bool` judges the initiator; None stands for one without identity.
    """

    prologue: bytes
    identities: tuple
    acceptable: object
    patterns: tuple = SIGNED_PATTERNS
    suites: tuple = (DEFAULT_SUITE,)
    psks: tuple = ()

    def __post_init__(self):
        if isinstance(self.identities, Identity):
            self.identities = (self.identities,)
        if not self.identities:
            raise Misuse("a responder has an identity")
        if len({identity.signature.id for identity in self.identities}) < len(self.identities):
            raise Misuse("a responder has one identity for each signature id")
        suites = [find_suite(number) for number in self.suites]
        if suites and not any(map(self.identity, suites)):
            check_identity_fits(self.identities[0], suites[0])

    def identity(self, suite):
        return next((identity for identity in self.identities if identity.signature is suite.signature), None)

    def allows_pattern(self, number):
        pattern = PATTERNS.get(number)
        return pattern in self.patterns and (pattern == "resume" or has_psk(pattern) == bool(self.psks))

    def allows_suite(self, number):
        return number in self.suites and self.identity(SUITES[number]) is not None


class Responder(Handshake):
    role, peer_role = "responder", "initiator"

    def __init__(self, config, random=secrets.token_bytes, on_message=None):
        super().__init__(random, on_message)
        if len(config.psks) > 2 or any(len(psk) != 32 for psk in config.psks):
            raise Misuse("a responder holds at most two pre-shared keys of 32 bytes each")
        self._config = config
        self.pattern = None

    def _me(self):
        return self._config.identity(self.suite).public

    def _used_prologue(self):
        return self._config.prologue

    def length_allowed(self, length):
        if self.pattern is None:
            return HEADER_SIZE <= length <= MAX_BODY
        least, greatest = body_bounds(self.suite, self.pattern, 3)
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
        number = int.from_bytes(body[4:6], "big")
        if not self._config.allows_suite(number):
            self._refuse(3)
        self.pattern, self.suite = PATTERNS[body[3]], SUITES[number]
        self._header = body[:header_size(self.pattern)]
        rest_at = len(self._header) + self.suite.kem.ek_size
        try:
            check_bounds(body, self.suite, self.pattern, 1)
            if busy:
                self._refuse(4)
            self._peer_ek = body[len(self._header):rest_at]
            self.suite.kem.check(self._peer_ek)
        except Malformed as error:
            raise Declined(b"", str(error)) from None
        return self._read_rest_1(body[rest_at:])

    def _read_rest_1(self, sealed_payload):
        """Step 8 of section 6.3."""
        payload = self._read_tokens_1(sealed_payload)
        if not initiator_has_identity(self.pattern) and not self._config.acceptable(None):
            raise NotAcceptable(b"" if self._config.psks else self.refusal())
        self._done(1)
        return payload

    def _read_tokens_1(self, sealed_payload):
        initial = start(self.suite, self.pattern, self._config.prologue)
        for psk in self._config.psks or (None,):
            self._state = initial.copy()
            if psk is not None:
                self._state.mix_key_and_hash(psk)
            self._state.mix_hash(self._peer_ek)
            if psk is not None:
                self._state.mix_key(self._peer_ek)
            self._used_psk = psk
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
            ct, ss = self.suite.kem.encapsulate(self._peer_ek, self._random)
        except Failed as error:
            raise Declined(b"", str(error)) from None
        self._state.mix_hash(ct)
        self._state.mix_key(ss)
        body = b"\0" + ct + self._write_proof(self._config.identity(self.suite)) + self._write_payload(payload)
        self._done(2)
        return to_frame(body)

    def read_3(self, frame):
        """Returns the payload. NotAcceptable carries the Close record to send."""
        self._begin(3)
        body = from_frame(frame)
        check_bounds(body, self.suite, self.pattern, 3)
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
    suite: Suite
    pattern: str
    peer: PublicIdentity
    handshake_hash: bytes
    i2r: bytes
    r2i: bytes
    exporter: bytes
    resume: bytes
    random: object
    me: object = None
    prologue: bytes = b""
    psk: bytes = None
    # The resumption record that this conversation resumes.
    resumed: object = None

    def channel(self, **options):
        """In IK the first record of the initiator, `Confirm`, was sealed or opened before."""
        own, other = (self.i2r, self.r2i) if self.role == "initiator" else (self.r2i, self.i2r)
        peer = self.peer and self.peer.fingerprint()
        channel = Channel(own, other, random=self.random, suite=self.suite.id, peer=peer, **options)
        if is_acquainted(self.pattern):
            (channel.sending if self.role == "initiator" else channel.receiving).counter = 1
        return channel

    def export(self, label, context, length):
        return export(self.suite, self.exporter, label, context, length)


def export(suite, secret, label, context, length):
    """Section 9."""
    if len(label) > 255 or not 1 <= length <= 255 * suite.hash.size:
        raise Misuse("exporter: label or length out of bounds")
    return suite.hash.expand(secret, LABEL_EXPORT + u8(len(label)) + label + suite.hash(context) + u16(length), length)


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


class Direction:
    """The keys of one direction, on either side of it."""

    def __init__(self, suite, cs):
        self._hash, self._aead = suite.hash, suite.aead
        self._install(cs)

    def _install(self, cs):
        self.cs = cs
        self.key = self._hash.expand(cs, LABEL_KEY, 32)
        self.counter = 0

    def _next_counter(self):
        if self.counter >= self._aead.records:
            raise Fatal("this key has sealed all the records it may")
        self.counter += 1
        return self.counter - 1

    def seal(self, plain):
        length = u16(len(plain) + TAG)
        return length + self._aead.seal(self.key, self._next_counter(), length, plain)

    def unseal(self, frame):
        return self._aead.unseal(self.key, self._next_counter(), frame[:2], frame[2:])

    def key_update(self):
        self._install(self._hash.expand(self.cs, LABEL_NEXT, self._hash.size))

    def rekey(self, ss, ek, ct):
        self._install(self._hash.hkdf(self.cs, ss, LABEL_REKEY + self._hash(ek + ct), self._hash.size))


# ---------------------------------------------------------------------------------------------------------------------------------
# 8.3 Records and 8.4 rekeying


class Type(IntEnum):
    DATA = 1
    END = 2
    CLOSE = 3
    KEY_UPDATE = 4
    REKEY_OFFER = 5
    REKEY = 6
    BUNDLE = 7
    CONFIRM = 8
    PING = 9
    ABORT = 10


MAX_CLOSE = 258
CLOSE_DONE, CLOSE_REFUSED, CLOSE_GOING_AWAY = 0, 1, 2
MAX_RENEWALS = 32
OFFER_LIMIT = 16 * 2**30


def content_sizes(suite):
    """Least and greatest length of the content of each type that a channel reads; no `Confirm` is awaited there."""
    ek, ct, bundle = suite.kem.ek_size, suite.kem.ct_size, bundle_size(suite)
    return {Type.DATA: (1, MAX_CONTENT), Type.END: (0, MAX_CONTENT), Type.CLOSE: (2, MAX_CLOSE), Type.KEY_UPDATE: (0, 0),
            Type.REKEY_OFFER: (ek, ek), Type.REKEY: (ct, ct), Type.BUNDLE: (bundle, bundle), Type.PING: (5, 5),
            Type.ABORT: (0, 0)}


@dataclass
class Event:
    """What a record meant. `code` and `reason` belong to Close; `number` and `answer` to Ping; `bundle` to Bundle."""

    type: Type
    content: bytes = b""
    code: int = 0
    reason: str = ""
    number: int = 0
    answer: bool = False
    bundle: Bundle = None


def decode_reason(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


class Channel:
    """Both directions of a channel, seen from one side. Sending methods return the frames to transmit.

    An offer or a ping from the peer is answered by `answers()`, which `data` and `end` call first, so an offer is always answered
    before the next Data or End. `peer` is the peer's fingerprint, or None of one without identity. `delivered` is the reference of
    the newest bundle of our own that was delivered in this channel (section 4.6), or None.
    """

    def __init__(self, send_cs, receive_cs, random=secrets.token_bytes, padding=pad_none, offer_limit=OFFER_LIMIT,
                 suite=DEFAULT_SUITE, peer=None):
        self.suite = find_suite(suite)
        self.sending, self.receiving = Direction(self.suite, send_cs), Direction(self.suite, receive_cs)
        self._content_sizes = content_sizes(self.suite)
        self._random = random
        self.padding = padding
        self._offer_limit = offer_limit
        self.failed = False
        # The own sending direction.
        self.closed = False
        self._in_message = False
        self._renewals = 0
        self.delivered = None
        self._sent_bundle = None
        self._offer_tells = False
        self._pings, self._older_pings = set(), set()
        self._peer_offer = None
        self._pong = None
        # The peer's sending direction.
        self.peer_closed = False
        self._peer = peer
        self._peer_in_message = False
        self._peer_renewals = 0
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
        self._in_message, self._renewals = True, 0
        return frames

    def end(self, piece=b""):
        self._check_sending()
        if len(piece) > MAX_CONTENT:
            raise Misuse("a piece has at most 16,384 bytes")
        frames = self.answers() + self.record(Type.END, piece)
        self._in_message, self._renewals = False, 0
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
        if len(content) > MAX_CLOSE:
            raise Misuse("reason too long")
        frame = self.record(Type.CLOSE, content)
        self.closed = True
        self._peer_offer = self._pong = None
        return frame

    def ping(self, number):
        self._check_sending()
        self._pings.add(number)
        return self.record(Type.PING, b"\0" + u32(number))

    def key_update(self):
        self._check_sending()
        self._count_renewal()
        frame = self.record(Type.KEY_UPDATE)
        self.sending.key_update()
        return frame

    def _count_renewal(self):
        if self._renewals == MAX_RENEWALS:
            raise Misuse("too many KeyUpdate and Bundle without a Data or End")
        self._renewals += 1

    def bundle(self, bundle):
        """Sends a bundle of our own. Whose it is, and that it is of this suite, the caller sees to."""
        self._check_sending()
        if bundle.suite is not self.suite:
            raise Misuse("a bundle of another suite")
        self._count_renewal()
        self._sent_bundle = bundle.reference
        # What was sent before it says nothing when it is answered.
        self._older_pings |= self._pings
        self._pings = set()
        self._offer_tells = False
        return self.record(Type.BUNDLE, bundle.body)

    def _tells_delivery(self):
        """The peer has answered something that was sent after the bundle."""
        if self._sent_bundle:
            self.delivered, self._sent_bundle = self._sent_bundle, None

    def offer_rekey(self):
        """Asks that the peer's direction be renewed."""
        self._check_sending()
        if self.peer_closed or self._offer:
            raise Misuse("the peer's direction is closed, or an offer is open")
        offer = self.suite.kem.generate(self._random)
        frame = self.record(Type.REKEY_OFFER, offer.ek)
        self._offer, self._bytes_since_offer, self._offer_tells = offer, 0, True
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
            ct, ss = self.suite.kem.encapsulate(ek, self._random)
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
        if kind not in self._content_sizes:
            raise Fatal("unknown type")
        least, greatest = self._content_sizes[kind]
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
        self._peer_in_message, self._peer_renewals = True, 0
        return Event(Type.DATA, content)

    def _receive_end(self, content):
        self._peer_in_message, self._peer_renewals = False, 0
        return Event(Type.END, content)

    def _receive_close(self, content):
        if self._peer_in_message:
            raise Fatal("Close within a message")
        self.peer_closed = True
        self._offer = None
        return Event(Type.CLOSE, code=int.from_bytes(content[:2], "big"), reason=decode_reason(content[2:]))

    def _receive_key_update(self, _):
        self._count_peer_renewal()
        self.receiving.key_update()
        return Event(Type.KEY_UPDATE)

    def _count_peer_renewal(self):
        self._peer_renewals += 1
        if self._peer_renewals > MAX_RENEWALS:
            raise Fatal("too many KeyUpdate and Bundle")

    def _receive_bundle(self, content):
        """Whether it is kept, who keeps acquaintances decides."""
        self._count_peer_renewal()
        if self._peer is None:
            raise Fatal("a bundle from a side without identity")
        return Event(Type.BUNDLE, bundle=bundle_read(content, (self.suite.id,), self._peer))

    def _receive_rekey_offer(self, ek):
        self.suite.kem.check(ek)
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
        if self._offer_tells:
            self._tells_delivery()
        return Event(Type.REKEY)

    def _receive_ping(self, content):
        if content[0] > 1:
            raise Fatal("a Ping that neither asks nor answers")
        number, answer = int.from_bytes(content[1:], "big"), content[0] == 1
        if answer:
            self._pong_received(number)
        if not answer and not self.closed:
            self._pong = number
        return Event(Type.PING, number=number, answer=answer)

    def _pong_received(self, number):
        """A number that was asked for before the bundle too is taken for the older one."""
        if number in self._older_pings:
            self._older_pings.remove(number)
        elif number in self._pings:
            self._pings.remove(number)
            self._tells_delivery()

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
