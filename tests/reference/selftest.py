"""Tests of the reference implementation itself: `python selftest.py`.

With TWINLOCK_PUBLISHED_VECTORS set to a folder that holds xwing/draft-test-vectors.json, hpke-pq/test-vectors-0051-647a.json, concrete-hybrid-kems/appendix-b3.json and
composite-sigs/testvectors.json.gz it also checks the vectors that the drafts publish, and wycheproof/aes_gcm_test.json.gz if it is there.
"""

import base64
import gzip
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

from cryptography.hazmat.primitives.asymmetric import mldsa, mlkem
from dilithium_py.ml_dsa import ML_DSA_65, ML_DSA_87
from kyber_py.ml_kem import ML_KEM_768, ML_KEM_1024

import twinlock as tl
import vectors

HERE = pathlib.Path(__file__).resolve().parent
PUBLISHED = os.environ.get("TWINLOCK_PUBLISHED_VECTORS")
ALICE, BOB, CAROL = (vectors.test_identity(name) for name in ("alice", "bob", "carol"))
PSK = bytes(range(32))
PROLOGUE = b"selftest"


def published(path):
    path = pathlib.Path(PUBLISHED) / path
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        return json.load(file)


@unittest.skipUnless(PUBLISHED, "TWINLOCK_PUBLISHED_VECTORS is not set")
class Published(unittest.TestCase):
    def check_kem(self, kem, seed, ek, coins, ct, ss):
        key = kem.key(seed)
        self.assertEqual(key.ek, ek)
        self.assertEqual(vectors.encapsulate(kem, ek, coins), (ct, ss))
        self.assertEqual(key.decapsulate(ct), ss)

    def test_xwing_draft(self):
        for case in published("xwing/draft-test-vectors.json"):
            self.check_kem(tl.XWING, *(bytes.fromhex(case[field]) for field in ("seed", "pk", "eseed", "ct", "ss")))

    def test_hpke(self):
        kems = {0x647A: tl.XWING, 0x0051: tl.MLKEM1024_P384}
        cases = published("hpke-pq/test-vectors-0051-647a.json")
        self.assertEqual({case["kem_id"] for case in cases}, set(kems))
        for case in cases:
            fields = (bytes.fromhex(case[field]) for field in ("skRm", "pkRm", "ikmE", "enc", "shared_secret"))
            self.check_kem(kems[case["kem_id"]], *fields)

    def test_concrete_hybrid_kems(self):
        cases = published("concrete-hybrid-kems/appendix-b3.json")["cases"]
        self.assertEqual(len(cases), 6)
        for case in cases:
            seed, coins, ss = (bytes.fromhex(case[field]) for field in ("seed", "randomness", "shared_secret"))
            key = tl.MLKEM1024_P384.key(seed)
            ct, sent = vectors.encapsulate(tl.MLKEM1024_P384, key.ek, coins)
            self.assertEqual((sent, key.decapsulate(ct)), (ss, ss))

    def test_composite(self):
        published_file = published("composite-sigs/testvectors.json.gz")
        message, ctx = base64.b64decode(published_file["m"]), base64.b64decode(published_file["ctx"])
        for signature in (tl.MLDSA65_ED25519, tl.MLDSA87_P384):
            case = next(test for test in published_file["tests"] if test["tcId"] == "id-" + signature.name)
            case = {name: base64.b64decode(value) for name, value in case.items() if name != "tcId"}
            identity = tl.Identity(case["sk"], signature)
            self.assertEqual(identity.public.key, case["pk"])
            self.assertEqual(tl.pkcs8_body(signature, identity.secret), case["sk_pkcs8"])
            self.assertIn(tl.spki_body(signature, identity.public.key), case["x5c"])
            for context, made in ((b"", case["s"]), (ctx, case["sWithContext"])):
                padded = made.ljust(signature.signature_size, b"\0")
                identity.public.verify(message, context, padded)
                with self.assertRaises(tl.Failed):
                    identity.public.verify(message, b"another", padded)

    def test_aes_gcm(self):
        """The 256-bit keys with 96-bit nonces; the tag stands after the ciphertext."""
        if not (pathlib.Path(PUBLISHED) / "wycheproof/aes_gcm_test.json.gz").exists():
            self.skipTest("the folder has no aes_gcm_test.json.gz")
        count = 0
        for group in published("wycheproof/aes_gcm_test.json.gz")["testGroups"]:
            if (group["keySize"], group["ivSize"], group["tagSize"]) != (256, 96, 128):
                continue
            for case in group["tests"]:
                fields = (bytes.fromhex(case[field]) for field in ("key", "iv", "aad", "msg", "ct", "tag"))
                count += self.check_aes_gcm(case["result"] == "valid", *fields)
        self.assertGreater(count, 50)

    def check_aes_gcm(self, valid, key, nonce, ad, plaintext, ciphertext, tag):
        """Whatever nonce the case has, as the counter's; returns 1."""
        aead = tl.Aead("", lambda _: tl.AESGCM(key), "big", 1)
        aead.nonce = lambda _: nonce
        if valid:
            self.assertEqual(aead.seal(key, 0, ad, plaintext), ciphertext + tag)
            self.assertEqual(aead.unseal(key, 0, ad, ciphertext + tag), plaintext)
        else:
            with self.assertRaises(tl.Failed):
                aead.unseal(key, 0, ad, ciphertext + tag)
        return 1


class OtherImplementations(unittest.TestCase):
    """ML-KEM and ML-DSA against a second implementation of each."""

    def test_mlkem(self):
        for library, other in ((ML_KEM_768, mlkem.MLKEM768PrivateKey), (ML_KEM_1024, mlkem.MLKEM1024PrivateKey)):
            d, z = vectors.coins("selftest d", 32), vectors.coins("selftest z", 32)
            ek, dk = library._keygen_internal(d, z)
            other = other.from_seed_bytes(d + z)
            self.assertEqual(other.public_key().public_bytes_raw(), ek)
            secret, ct = library._encaps_internal(ek, vectors.coins("selftest m", 32))
            self.assertEqual(other.decapsulate(ct), secret)
            changed = ct[:-1] + bytes([ct[-1] ^ 1])
            self.assertEqual(other.decapsulate(changed), library._decaps_internal(dk, changed))

    def test_mldsa(self):
        seed, message = vectors.coins("selftest seed", 32), b"message"
        for library, other in ((ML_DSA_65, mldsa.MLDSA65PrivateKey), (ML_DSA_87, mldsa.MLDSA87PrivateKey)):
            ctx = b"context"
            public, secret = library._keygen_internal(seed)
            other = other.from_seed_bytes(seed)
            self.assertEqual(other.public_key().public_bytes_raw(), public)
            prefixed = tl.MlDsa.prefixed(message, ctx)
            other.public_key().verify(library._sign_internal(secret, prefixed, bytes(32)), message, ctx)
            self.assertTrue(library._verify_internal(public, prefixed, other.sign(message, ctx)))


class Round3(unittest.TestCase):
    """The algorithms of section 3.6 are those of round 3: the first of NIST's known answers, of which PQClean has the SHA-256."""

    def known_answer(self, fields):
        lines = [f"{name} = {value.hex().upper() if isinstance(value, bytes) else value}\n" for name, value in fields]
        return tl.sha256("".join(lines).encode()).hex()

    def test_kyber768(self):
        seed, pk, sk, ct, ss = vectors.nist_kyber768()
        fields = (("count", 0), ("seed", seed), ("pk", pk), ("sk", sk), ("ct", ct), ("ss", ss))
        self.assertEqual(self.known_answer(fields), "89e82a5bf2d4ddb2c6444e10409e6d9ca65dafbca67d1a0db2c9b54920a29172")

    def test_dilithium3(self):
        seed, message, pk, sk, signature = vectors.nist_dilithium3()
        sm = signature + message
        fields = (("count", 0), ("seed", seed), ("mlen", len(message)), ("msg", message), ("pk", pk), ("sk", sk), ("smlen", len(sm)),
                  ("sm", sm))
        self.assertEqual(self.known_answer(fields), "8439f580566c46b99449b2cbbd597ce59bcd5d184b90c1108b79a08f6bdbbcb1")

    def test_sizes(self):
        """The table of section 2."""
        identity = vectors.test_identity("alice 7E", tl.DILITHIUM3_ED25519_R3)
        signature = identity.sign(b"", b"", b"")
        self.assertEqual((len(identity.public.key), len(signature), len(identity.secret)), (1984, 3357, 6016))
        self.assertEqual((tl.KYBER768_X25519_R3.ek_size, tl.KYBER768_X25519_R3.ct_size), (1216, 1120))

    def test_it_is_named_or_not_there(self):
        identity = vectors.test_identity("alice 7E", tl.DILITHIUM3_ED25519_R3)
        for make in (lambda: tl.Initiator("XX", PROLOGUE, lambda _: True, identity), lambda: tl.ResponderConfig(PROLOGUE, identity, bool)):
            with self.assertRaises(tl.Misuse):
                make()
        initiator, responder = pair(suite=0x7E03)
        responder._config.suites = (0x0001, 0x0002, 0x0003)
        with self.assertRaises(tl.Declined) as caught:
            run(initiator, responder)
        self.assertEqual(caught.exception.answer, b"\0\1\3")


class Identities(unittest.TestCase):
    def test_bip350_examples(self):
        for text in ("a1lqfn3a", "?1v759aa", "split1checkupstagehandshakeupstreamerranterredcaperredlc445v"):
            hrp, _, data = text.rpartition("1")
            values = [tl.BECH32_CHARSET.index(c) for c in data]
            self.assertEqual(tl.bech32_polymod(tl.bech32_expand_hrp(hrp) + values), tl.BECH32M)

    def test_fingerprint_reads_back(self):
        fingerprint = ALICE.public.fingerprint()
        text = tl.fingerprint_write(fingerprint)
        self.assertEqual((len(text), text[:3]), (61, "tl1"))
        self.assertEqual(tl.fingerprint_read(text.upper()), fingerprint)

    def test_secret_files_are_private_and_never_overwritten(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "key.pem")
            tl.create_secret_file(path, tl.secret_write(ALICE))
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            with self.assertRaises(FileExistsError):
                tl.create_secret_file(path, "")

    def test_wrong_passphrase(self):
        pem = tl.secret_write_encrypted(ALICE, "right", n=16)
        self.assertEqual(tl.secret_read(pem, "right").secret, ALICE.secret)
        for passphrase in ("wrong", "", None):
            with self.assertRaises(tl.TwinlockError):
                tl.secret_read(pem, passphrase)

    def test_every_changed_byte_of_a_key_file_is_noticed(self):
        body = tl.pkcs8_body(ALICE.signature, ALICE.secret)
        for index in range(len(body) - len(ALICE.secret)):
            with self.assertRaises(tl.Malformed):
                tl.pkcs8_read(vectors.flipped(body, index))


class Statements(unittest.TestCase):
    """Sections 4.4 and 4.5."""

    def setUp(self):
        self.alice_2, self.bob_2 = (vectors.test_identity(name, tl.MLDSA87_P384) for name in ("alice 2", "bob 2"))
        self.peers = tl.KnownPeers()
        self.peers.meet("A", ALICE.public)
        self.peers.speak(ALICE.public, 0x0001)

    def take(self, kind, old, new=None, ask=lambda: self.fail("a person was asked")):
        self.peers.take(tl.statement_read(tl.statement_make(kind, 0, old, new)), ask)

    def assert_not_taken(self, call, *arguments):
        with self.assertRaises(tl.NotTaken):
            call(*arguments)

    def test_what_cannot_be_stated(self):
        for kind, old, new in ((tl.BESIDE, ALICE, BOB), (tl.INSTEAD, ALICE, ALICE), (tl.REVOKED, ALICE, BOB), (tl.INSTEAD, ALICE, None),
                               (0, ALICE, BOB), (4, ALICE, None)):
            with self.assertRaises(tl.Malformed):
                tl.statement_make(kind, 0, old, new)

    def test_round_3_is_named(self):
        old = vectors.test_identity("alice 7E", tl.DILITHIUM3_ED25519_R3)
        body = tl.statement_make(tl.INSTEAD, 0, old, ALICE)
        with self.assertRaises(tl.Malformed):
            tl.statement_read(body)
        self.assertEqual(tl.statement_read(body, (1, 0x7E)).new, ALICE.public)

    def test_every_byte_of_a_statement_is_protected(self):
        body = tl.statement_make(tl.INSTEAD, 0, ALICE, BOB)
        for index in (0, 5, 9, 10, 11, 1994, 1995, 1997, 3980, 3981, 7350, 7354, len(body) - 1):
            with self.assertRaises(tl.TwinlockError):
                tl.statement_read(vectors.flipped(body, index))

    def test_beside(self):
        self.take(tl.BESIDE, ALICE, self.alice_2)
        key = self.peers.find(self.alice_2.public)
        self.assertEqual((key.name, key.trust), ("A", tl.INTRODUCED))
        self.peers.speak(ALICE.public, 0x0003)
        self.assertEqual(self.peers.speak(self.alice_2.public, 0x0002), "A")
        # From now on the first key is left behind: it is not spoken to, and introduces nobody.
        self.assert_not_taken(self.peers.speak, ALICE.public, 0x0001)
        self.assert_not_taken(self.take, tl.BESIDE, ALICE, self.bob_2)
        self.assert_not_taken(self.take, tl.INSTEAD, ALICE, BOB)
        # But it may be retired, since the new key is this name's already.
        self.take(tl.INSTEAD, ALICE, self.alice_2)
        self.assertTrue(self.peers.find(ALICE.public).retired)

    def test_one_living_key_a_signature(self):
        self.take(tl.BESIDE, ALICE, self.alice_2)
        self.assert_not_taken(self.take, tl.BESIDE, ALICE, self.bob_2)
        self.assert_not_taken(self.take, tl.INSTEAD, ALICE, self.bob_2)
        self.take(tl.INSTEAD, ALICE, BOB)
        self.assert_not_taken(self.peers.speak, ALICE.public, 0x0001)
        self.peers.speak(BOB.public, 0x0001)

    def test_a_key_of_somebody_else(self):
        self.peers.meet("B", BOB.public)
        self.assert_not_taken(self.take, tl.INSTEAD, ALICE, BOB)
        self.assert_not_taken(self.take, tl.INSTEAD, CAROL, ALICE)

    def test_no_lower_rank(self):
        self.take(tl.BESIDE, ALICE, self.alice_2)
        self.peers.speak(self.alice_2.public, 0x0002)
        self.assert_not_taken(self.take, tl.INSTEAD, self.alice_2, ALICE)
        self.take(tl.INSTEAD, self.alice_2, self.bob_2)
        self.assert_not_taken(self.peers.speak, ALICE.public, 0x0001)

    def test_a_person_is_asked(self):
        self.peers.verify(ALICE.public)
        self.take(tl.BESIDE, ALICE, self.alice_2)
        self.assert_not_taken(self.take, tl.INSTEAD, ALICE, BOB, lambda: False)
        self.take(tl.INSTEAD, ALICE, BOB, lambda: True)
        self.assertEqual(self.peers.find(BOB.public).trust, tl.INTRODUCED)

    def test_dead_keys_stay_dead(self):
        self.take(tl.INSTEAD, ALICE, BOB)
        self.peers.forget("A")
        for identity, reason in ((ALICE, "retired"), (BOB, "unknown")):
            with self.assertRaisesRegex(tl.NotTaken, reason):
                self.peers.speak(identity.public, 0x0001)
        self.assert_not_taken(self.peers.meet, "A", ALICE.public)
        self.assert_not_taken(self.take, tl.INSTEAD, ALICE, CAROL)
        self.peers.meet("A", BOB.public)
        self.assert_not_taken(self.take, tl.INSTEAD, BOB, ALICE)

    def test_revoked(self):
        self.take(tl.REVOKED, CAROL)
        self.assert_not_taken(self.peers.meet, "C", CAROL.public)
        self.take(tl.BESIDE, ALICE, self.alice_2)
        self.take(tl.REVOKED, ALICE)
        self.assert_not_taken(self.peers.speak, ALICE.public, 0x0001)
        self.assert_not_taken(self.peers.speak, self.alice_2.public, 0x0002)
        self.assert_not_taken(self.take, tl.INSTEAD, self.alice_2, self.bob_2)
        self.peers.verify(self.alice_2.public)
        self.peers.speak(self.alice_2.public, 0x0002)

    def test_a_peer_that_was_away(self):
        """An introduced key may introduce before it has spoken."""
        self.take(tl.INSTEAD, ALICE, BOB)
        self.take(tl.INSTEAD, BOB, CAROL)
        self.assertEqual(self.peers.speak(CAROL.public, 0x0001), "A")

    def test_revoked_over_two_introductions(self):
        """Who stole a key introduces one, and by that another; both fall with the stolen one."""
        self.take(tl.INSTEAD, ALICE, BOB)
        self.peers.speak(BOB.public, 0x0001)
        self.take(tl.INSTEAD, BOB, CAROL)
        self.peers.speak(CAROL.public, 0x0001)
        self.take(tl.REVOKED, ALICE)
        self.assert_not_taken(self.peers.speak, CAROL.public, 0x0001)


# ---------------------------------------------------------------------------------------------------------------------------------


def pair(pattern="XX", i_prologue=PROLOGUE, r_prologue=PROLOGUE, i_psk=PSK, r_psks=(PSK,), accepted=None,
         suite=tl.DEFAULT_SUITE):
    """An initiator and a responder with deterministic coins."""
    psk = tl.has_psk(pattern)
    alice, bob = vectors.alice_and_bob(suite)
    accepted = accepted or (alice.public, bob.public, None)
    identity = alice if tl.initiator_has_identity(pattern) else None
    initiator = tl.Initiator(pattern, i_prologue, lambda peer: peer in accepted, identity, i_psk if psk else None,
                             vectors.Coins("selftest initiator"), suite=suite)
    config = tl.ResponderConfig(r_prologue, bob, lambda peer: peer in accepted, suites=(suite,), psks=r_psks if psk else ())
    return initiator, tl.Responder(config, vectors.Coins("selftest responder"))


def run(initiator, responder, change=lambda number, frame: frame, payloads=(b"one", b"two", b"three")):
    """Plays a handshake; `change` may alter each frame on its way."""
    responder.read_1(change(1, initiator.write_1(payloads[0])))
    initiator.read_2(change(2, responder.write_2(payloads[1])))
    if initiator.messages_left:
        responder.read_3(change(3, initiator.write_3(payloads[2])))
    return initiator.session, responder.session


def regions(suite, pattern, number):
    """The index of the last byte of each field of a frame that `run` makes."""
    psk_tag = tl.TAG if tl.has_psk(pattern) else 0
    kem, signature = suite.kem, suite.signature
    point = kem.curve.point_size
    proof = [signature.public_size, tl.TAG, signature.post_quantum.signature_size, signature.classical.signature_size, tl.TAG]
    sizes = {1: [2, 2, 1, 1, 2, kem.ek_mlkem - 32, 32, point, 3, psk_tag], 2: [2, 1, kem.ct_mlkem, point, *proof, 3, tl.TAG],
             3: [2, *proof, 5, tl.TAG]}[number]
    end = 0
    for size in sizes:
        end += size
        if size:
            yield end - 1


class Handshakes(unittest.TestCase):
    def test_both_roles_agree(self):
        for suite in tl.SUITES:
            for pattern in tl.SIGNED_PATTERNS:
                one, other = run(*pair(pattern, suite=suite))
                self.assertEqual((one.i2r, one.r2i, one.exporter), (other.i2r, other.r2i, other.exporter))
                self.assertEqual(one.handshake_hash, other.handshake_hash)
                self.assertEqual(one.export(b"label", b"context", 40), other.export(b"label", b"context", 40))

    def test_sizes(self):
        """The table of section 6.2."""
        sizes = {0x0001: (1222, 6526, 5405), 0x0003: (1222, 6526, 5405), 0x0002: (1671, 9134, 7468), 0x7E03: (1222, 6510, 5389)}
        for suite, expected in sizes.items():
            found = tuple(tl.body_bounds(tl.SUITES[suite], "XX", number)[0] for number in (1, 2, 3))
            self.assertEqual(found, expected)

    def test_every_region_is_protected(self):
        for pattern in tl.SIGNED_PATTERNS:
            for number in (1, 2, 3) if tl.initiator_has_identity(pattern) else (1, 2):
                for index in regions(tl.SUITES[0x0001], pattern, number):
                    self.check_tampering(pattern, number, index)
        for suite in (0x0002, 0x7E03):
            for number in (1, 2):
                for index in regions(tl.SUITES[suite], "XX", number):
                    self.check_tampering("XX", number, index, suite)

    def check_tampering(self, pattern, number, index, suite=tl.DEFAULT_SUITE):
        initiator, responder = pair(pattern, suite=suite)
        with self.assertRaises(tl.TwinlockError, msg=f"0x{suite:04X}, {pattern}, message {number}, byte {index}"):
            run(initiator, responder, lambda n, frame: vectors.flipped(frame, index) if n == number else frame)
        self.assertTrue(initiator.session is None or number == 3)
        self.assertTrue(responder.session is None or number < 3 and not tl.initiator_has_identity(pattern))

    def test_an_identity_fits_its_suites_alone(self):
        names = "0x0002.*MLDSA87-ECDSA-P384-SHA512.*MLDSA65-Ed25519-SHA512"
        with self.assertRaisesRegex(tl.Misuse, names):
            tl.Initiator("XX", PROLOGUE, lambda _: True, ALICE, suite=0x0002)
        with self.assertRaisesRegex(tl.Misuse, names):
            tl.ResponderConfig(PROLOGUE, BOB, lambda _: True, suites=(0x0002,))

    def test_a_suite_on_its_way_is_not_changed(self):
        """0x0001 and 0x0003 have the same sizes; the header is in the transcript."""
        initiator, responder = pair()
        responder._config.suites = (0x0001, 0x0003)
        with self.assertRaises(tl.Failed):
            run(initiator, responder, lambda n, frame: vectors.with_body(frame, {5: 3}) if n == 1 else frame)

    def test_the_suites_differ_in_everything(self):
        """The suites that differ in the AEAD alone do not share a key."""
        states = []
        for suite in (0x0001, 0x0003):
            states.append(run(*pair(suite=suite))[0])
        self.assertNotEqual(states[0].i2r, states[1].i2r)

    def test_lengths(self):
        for number in (1, 2, 3):
            for change in (lambda body: body[:-1], lambda body: body + b"\0", lambda body: body + bytes(5000), lambda body: b""):
                with self.assertRaises(tl.TwinlockError):
                    run(*pair(), lambda n, frame: tl.to_frame(change(frame[2:])) if n == number else frame, (b"", b"", b""))

    def test_prologues_must_match(self):
        for pattern in tl.SIGNED_PATTERNS:
            with self.assertRaises(tl.TwinlockError):
                run(*pair(pattern, r_prologue=b"another"))

    def test_keys_must_match(self):
        for pattern in ("XXpsk0", "NXpsk0"):
            initiator, responder = pair(pattern, r_psks=(bytes(32), bytes([1]) * 32))
            with self.assertRaises(tl.Declined) as caught:
                run(initiator, responder)
            self.assertEqual(caught.exception.answer, b"")
            run(*pair(pattern, r_psks=(bytes(32), PSK)))

    def test_initiator_judges_before_it_shows_itself(self):
        initiator, responder = pair(accepted=(ALICE.public,))
        with self.assertRaises(tl.NotAcceptable) as caught:
            run(initiator, responder)
        self.assertEqual(caught.exception.answer, b"")
        with self.assertRaises(tl.Misuse):
            initiator.write_3()

    def test_responder_refuses_with_a_close_record(self):
        initiator, responder = pair(accepted=(BOB.public,))
        with self.assertRaises(tl.NotAcceptable) as caught:
            run(initiator, responder)
        self.assertIsNone(responder.session)
        event = initiator.session.channel().receive(caught.exception.answer)
        self.assertEqual((event.type, event.code), (tl.Type.CLOSE, tl.CLOSE_REFUSED))

    def test_a_failure_is_final(self):
        initiator, responder = pair()
        responder.read_1(initiator.write_1())
        with self.assertRaises(tl.Failed):
            initiator.read_2(vectors.flipped(responder.write_2(), -1))
        for call in (initiator.write_1, initiator.write_3):
            with self.assertRaises(tl.Misuse):
                call()

    def test_roles_are_not_interchangeable(self):
        """A responder's proof does not pass as an initiator's, although one identity may take both roles."""
        signature = BOB.sign(bytes(32), tl.signature_context("XX", "responder"), bytes(32))
        with self.assertRaises(tl.Failed):
            BOB.public.verify(bytes(32), tl.signature_context("XX", "initiator"), signature)

    def test_a_participant_cannot_pass_on_a_proof(self):
        """Carol, who answers Alice, puts Bob's public key into her message 2; her own signature does not fit it."""
        initiator, responder = pair(accepted=(ALICE.public, BOB.public, CAROL.public))
        impostor = tl.Identity(CAROL.secret)
        impostor.public = BOB.public
        responder._config.identities = (impostor,)
        with self.assertRaises(tl.Failed):
            run(initiator, responder)


# ---------------------------------------------------------------------------------------------------------------------------------


class Side:
    """One end of a channel in the random walk, with the frames on their way to it."""

    def __init__(self, channel):
        self.channel = channel
        self.on_the_way, self.sent, self.received = [], [], []
        self.open_message = b""
        self.messages = tl.Messages()

    def transmit(self, peer, frames):
        peer.on_the_way += vectors.split_frames(frames)


class Channels(unittest.TestCase):
    def pair(self, **options):
        size = tl.SUITES[options.get("suite", tl.DEFAULT_SUITE)].hash.size
        one, other = bytes([1]) * size, bytes([2]) * size
        return tl.Channel(one, other, random=vectors.Coins("one"), **options), tl.Channel(other, one, random=vectors.Coins("two"), **options)

    def test_random_walk(self):
        """Any order of sending, reading, renewing and closing: all messages arrive, and no rule is broken."""
        for seed in range(30):
            self.walk(random.Random(seed))
        for suite in (0x0002, 0x0003, 0x7E03):
            for seed in range(5):
                self.walk(random.Random(seed), suite=suite)

    def walk(self, rng, **options):
        sides = [Side(channel) for channel in self.pair(**options)]
        for side in sides:
            side.channel._random = rng.randbytes
        for _ in range(150):
            index = rng.randrange(2)
            self.act(rng, sides[index], sides[1 - index], last=False)
        for index in (0, 1):
            self.act(rng, sides[index], sides[1 - index], last=True)
        for index in (0, 1):
            while sides[index].on_the_way:
                self.read(sides[index], sides[1 - index])
        self.assertEqual(sides[0].sent, sides[1].received)
        self.assertEqual(sides[1].sent, sides[0].received)
        for side in sides:
            side.channel.transport_ended()

    def act(self, rng, side, peer, last):
        channel = side.channel
        if last and not channel.closed:
            if side.open_message:
                side.transmit(peer, channel.abort())
            side.transmit(peer, channel.close(0))
        elif rng.random() < 0.4 and side.on_the_way:
            self.read(side, peer)
        elif not channel.closed:
            self.send(rng, side, peer)

    def read(self, side, peer):
        event = side.channel.receive(side.on_the_way.pop(0))
        try:
            message = side.messages.feed(event)
        except tl.Aborted:
            return
        if message is not None:
            side.received.append(message)

    def send(self, rng, side, peer):
        channel, piece = side.channel, rng.randbytes(rng.randrange(1, 100))
        action = rng.choice(("data", "end", "abort", "close", "ping", "key_update", "offer", "answers"))
        channel.padding = rng.choice((tl.pad_none, tl.pad_padme, tl.pad_multiple(64)))
        frames = b""
        if action == "data":
            side.open_message += piece
            frames = channel.data(piece)
        elif action == "end":
            side.sent.append(side.open_message + piece)
            side.open_message = b""
            frames = channel.end(piece)
        elif action == "abort" and side.open_message:
            side.open_message = b""
            frames = channel.abort()
        elif action == "close" and not side.open_message and rng.random() < 0.1:
            frames = channel.close(300, "walk")
        elif action == "ping":
            frames = channel.ping(rng.randrange(2**32))
        elif action == "key_update" and channel._renewals < tl.MAX_RENEWALS:
            frames = channel.key_update()
        elif action == "offer" and not channel.peer_closed and not channel.offer_open:
            frames = channel.offer_rekey()
        elif action == "answers":
            frames = channel.answers()
        side.transmit(peer, frames)

    def test_unanswered_offer_ends_the_channel(self):
        one, other = self.pair(offer_limit=1000)
        one.offer_rekey()
        one.receive(other.end(bytes(900)))
        with self.assertRaises(tl.Fatal):
            one.receive(other.end(bytes(100)))

    def test_a_key_has_an_end(self):
        for suite, records in ((0x0001, 2**48), (0x0002, 2**24), (0x0003, 2**24), (0x7E03, 2**48)):
            one, other = self.pair(suite=suite)
            one.sending.counter = other.receiving.counter = records - 1
            other.receive(one.end(b"the last record of this key"))
            with self.assertRaises(tl.Fatal):
                one.end(b"one too many")

    def test_truncation(self):
        one, other = self.pair()
        other.receive(one.end(b"all"))
        with self.assertRaises(tl.Truncated):
            other.transport_ended()

    def test_after_a_fatal_error_nothing_is_sent_or_read(self):
        one, other = self.pair()
        frame = one.end(b"text")
        with self.assertRaises(tl.Fatal):
            other.receive(vectors.flipped(frame, -1))
        for call in (lambda: other.receive(frame), lambda: other.end(b""), other.close):
            with self.assertRaises(tl.Misuse):
                call()
        self.assertEqual(other.answers(), b"")

    def test_every_byte_of_a_record_is_protected(self):
        frame = self.pair()[0].end(b"text")
        for index in range(len(frame)):
            with self.assertRaises(tl.Fatal):
                self.pair()[1].receive(vectors.flipped(frame, index))

    def test_what_may_not_be_sent(self):
        one, _ = self.pair()
        for call in (lambda: one.data(b""), lambda: one.data(bytes(16385)), one.abort, lambda: one.close(3), lambda: one.close(0, "r" * 257)):
            with self.assertRaises(tl.Misuse):
                call()
        one.data(b"piece")
        with self.assertRaises(tl.Misuse):
            one.close()
        one.end()
        for _ in range(32):
            one.key_update()
        with self.assertRaises(tl.Misuse):
            one.key_update()


# ---------------------------------------------------------------------------------------------------------------------------------


class Vectors(unittest.TestCase):
    def test_stored_vectors(self):
        self.assertTrue(vectors.check(HERE.parent / "vectors"))


def talk(*arguments):
    return subprocess.Popen([sys.executable, HERE / "talk.py", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            encoding="utf-8")


class Talk(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "in").mkdir()
        self.keys, self.fingerprints = [self.folder / "one.pem", self.folder / "other.pem"], []
        for key, identity in zip(self.keys, (ALICE, BOB)):
            tl.create_secret_file(key, tl.secret_write(identity))
            self.fingerprints.append(tl.fingerprint_write(identity.public.fingerprint()))

    def test_keys_and_a_conversation_in_each_suite(self):
        for suite in (0x0002, 0x0003, 0x7E03):
            option = ("--suite", f"0x{suite:04x}")
            self.keys, self.fingerprints = [self.folder / f"{suite}-{name}.pem" for name in ("one", "other")], []
            for key in self.keys:
                process = talk("keygen", key, *option)
                self.fingerprints.append(process.communicate(timeout=30)[0].strip())
            one, other, listener, connecter = self.converse((*option, "--say", "one", "--expect", 1, "--rekey"),
                                                            (*option, "--say", "two", "--expect", 1, "--key-update"))
            self.assertEqual((one, other), (0, 0), (listener, connecter))
            self.assertIn("text: two", listener[0])
            self.assertIn("text: one", connecter[0])

    def converse(self, listener, connecter, peers=(1, 0)):
        one = talk("listen", "--identity", self.keys[0], "--peer", self.fingerprints[peers[0]], "--timeout", 20, *listener)
        port = one.stdout.readline().rpartition(":")[2].strip()
        other = talk("connect", "127.0.0.1", port, "--identity", self.keys[1], "--peer", self.fingerprints[peers[1]], "--timeout", 20,
                     *connecter)
        outputs = [process.communicate(timeout=30) for process in (other, one)]
        return one.returncode, other.returncode, outputs[1], outputs[0]

    def test_texts_files_and_renewals(self):
        content = bytes(range(256)) * 1000
        (self.folder / "sent.bin").write_bytes(content)
        psk = ("--psk", PSK.hex())
        one, other, listener, connecter = self.converse(
            (*psk, "--say", "Grüße", "--say", "two", "--expect", 1, "--files", self.folder / "in", "--rekey", "--key-update"),
            (*psk, "--send", self.folder / "sent.bin", "--expect", 2, "--rekey", "--ping", 7, "--padding", "padme"))
        self.assertEqual((one, other), (0, 0), (listener, connecter))
        self.assertIn("rekeyed", listener[0])
        for line in ("text: Grüße", "text: two", "rekeyed", "pong: 7", "stored: sent.bin"):
            self.assertIn(line, connecter[0])
        self.assertEqual((self.folder / "in" / "sent.bin").read_bytes(), content)

    def test_unacceptable_peers(self):
        for peers in ((0, 0), (1, 1)):
            one, other, *_ = self.converse((), (), peers)
            self.assertEqual((one, other), (1, 1))


# Bundles, IK, resume and their records have a file of their own.
from acquaintance_selftest import *  # noqa: E402, F401, F403

if __name__ == "__main__":
    unittest.main()
