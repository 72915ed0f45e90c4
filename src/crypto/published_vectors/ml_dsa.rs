//! ML-DSA-65: Wycheproof and ACVP.
//!
//! Signing and verifying take a message and a context. Vectors for the internal interface of FIPS 204, or that give `mu` without a message, do not apply.

use super::{Fields, Ran, cases, cases_for, json};
use crate::crypto::backend::{self, MLDSA65_PK, MLDSA65_SIG};
use crate::crypto::signature::{Signature, SignatureAlgorithm, VerifyingKey};
use crate::error::Error;
use libcrux_ml_dsa::ml_dsa_65::{self, MLDSA65KeyPair, MLDSA65Signature, MLDSA65SigningKey, MLDSA65VerificationKey, portable};
use std::vec::Vec;

type Pk = [u8; MLDSA65_PK];
type Sig = [u8; MLDSA65_SIG];
/// Key, message, context, `rnd`.
type Sign<K> = fn(&K, &[u8], &[u8], &[u8; 32]) -> Option<Sig>;

const COMPOSITE: SignatureAlgorithm = SignatureAlgorithm::MlDsa65Ed25519;

/// A way to ML-DSA-65 that starts from seeds, as this crate does.
struct Way {
    name: &'static str,
    public_key: fn(&[u8; 32]) -> Pk,
    sign: Sign<[u8; 32]>,
    verify: fn(&Pk, &[u8], &[u8], &Sig) -> bool,
}

const WAYS: [Way; 2] = [
    Way {
        name: "ours",
        public_key: |seed| {
            let mut pk = [0; MLDSA65_PK];
            backend::MlDsa65Key::from_seed(seed, &mut pk);
            pk
        },
        sign: |seed, message, context, rnd| {
            let mut signature = [0; MLDSA65_SIG];
            backend::MlDsa65Key::from_seed(seed, &mut [0; MLDSA65_PK]).sign(message, context, rnd, &mut signature).ok()?;
            Some(signature)
        },
        verify: backend::mldsa65_verify,
    },
    Way {
        name: "portable",
        public_key: |seed| *portable::generate_key_pair(*seed).verification_key.as_ref(),
        sign: |seed, message, context, rnd| {
            let pair = portable::generate_key_pair(*seed);
            portable::sign(&pair.signing_key, message, context, *rnd).ok().map(|signature| *signature.as_ref())
        },
        verify: |pk, message, context, signature| {
            portable::verify(&MLDSA65VerificationKey::new(*pk), message, context, &MLDSA65Signature::new(*signature)).is_ok()
        },
    },
];

/// What this crate's interface has no call for: a key in its expanded form. Such vectors run on the library below.
struct Expanded {
    name: &'static str,
    key_pair: fn([u8; 32]) -> MLDSA65KeyPair,
    sign: Sign<MLDSA65SigningKey>,
}

const EXPANDED: [Expanded; 2] = [
    Expanded {
        name: "picked",
        key_pair: ml_dsa_65::generate_key_pair,
        sign: |sk, message, context, rnd| ml_dsa_65::sign(sk, message, context, *rnd).ok().map(|signature| *signature.as_ref()),
    },
    Expanded {
        name: "portable",
        key_pair: portable::generate_key_pair,
        sign: |sk, message, context, rnd| portable::sign(sk, message, context, *rnd).ok().map(|signature| *signature.as_ref()),
    },
];

/// `rnd` of a signing case; all zero makes the deterministic variant.
fn rnd(case: &serde_json::Value) -> [u8; 32] {
    if case.has("rnd") { case.array("rnd") } else { [0; 32] }
}

#[test]
fn a_signature_that_should_not_verify_does_or_the_reverse() {
    let mut ran = Ran::default();
    for (group, case) in cases(&json("wycheproof/mldsa_65_verify_test.json.gz")) {
        let (pk, signature) = (group.bytes("publicKey"), case.bytes("sig"));
        ran.count(match (<&Pk>::try_from(pk.as_slice()), <&Sig>::try_from(signature.as_slice())) {
            (Ok(pk), Ok(signature)) => {
                for way in WAYS {
                    let verified = (way.verify)(pk, &case.bytes("msg"), &case.bytes_or_none("ctx"), signature);
                    assert_eq!(verified, case["result"] == "valid", "{} {case}", way.name);
                }
                match case.text("result") {
                    "invalid" if case.flag("InfinityNormViolation") => "invalid: norm",
                    "invalid" if case.flag("InvalidHintsEncoding") => "invalid: hints",
                    "invalid" if case.flag("ZeroPublicKey") => "invalid: boundary",
                    "invalid" if case.flag("InvalidContext") => "invalid: context",
                    result => result,
                }
            }
            // A public key of another length, or a signature: neither can be made a composite one.
            (Err(_), _) => {
                let ed25519 = backend::Ed25519Key::from_seed(&[1; 32]).public();
                let joined = [pk.as_slice(), ed25519.as_bytes()].concat();
                assert_eq!(VerifyingKey::from_bytes(COMPOSITE, &joined).err(), Some(Error::InvalidKey));
                assert_eq!(case.text("result"), "invalid");
                "a public key of another length"
            }
            (Ok(_), Err(_)) => {
                let joined = [signature.as_slice(), &[0; 64]].concat();
                assert_eq!(Signature::from_bytes(COMPOSITE, &joined).err(), Some(Error::Malformed));
                assert_eq!(case.text("result"), "invalid");
                "a signature of another length"
            }
        });
    }
    ran.exactly([
        ("valid", 79),
        ("invalid", 9),
        ("invalid: norm", 52),
        ("invalid: hints", 9),
        ("invalid: boundary", 49),
        ("invalid: context", 5),
        ("a public key of another length", 4),
        ("a signature of another length", 3),
    ]);
}

#[test]
fn a_signature_under_the_external_interface_is_judged_wrongly() {
    let mut ran = Ran::default();
    for (_, case) in cases_for(&json("acvp/ml-dsa-sig-ver-external-pure.json.gz"), "ML-DSA-65") {
        for way in WAYS {
            let verified = (way.verify)(&case.array("pk"), &case.bytes("message"), &case.bytes("context"), &case.array("signature"));
            assert_eq!(verified, case["testPassed"] == true, "{} {}", way.name, case["tcId"]);
        }
        ran.count(if case["testPassed"] == true { "valid" } else { "invalid" });
    }
    ran.exactly([("valid", 3), ("invalid", 12)]);
}

#[test]
fn a_seed_signs_otherwise_than_published() {
    let mut ran = Ran::default();
    for (group, case) in cases(&json("wycheproof/mldsa_65_sign_seed_test.json.gz")) {
        let seed = group.bytes("privateSeed");
        let Ok(seed) = <&[u8; 32]>::try_from(seed.as_slice()) else {
            assert_eq!(case.text("result"), "invalid");
            ran.count("a seed of another length");
            continue;
        };
        if !case.has("msg") {
            assert!(case.flag("Internal"));
            ran.count("only mu: not run");
            continue;
        }
        for way in WAYS {
            let (message, context) = (case.bytes("msg"), case.bytes_or_none("ctx"));
            let made = (way.sign)(seed, &message, &context, &rnd(case));
            match case["result"] == "valid" {
                true => {
                    let (pk, signature) = (group.array("publicKey"), case.array("sig"));
                    assert_eq!((way.public_key)(seed), pk, "{}", way.name);
                    assert!(made == Some(signature), "{} {}", way.name, case["tcId"]);
                    assert!((way.verify)(&pk, &message, &context, &signature), "{} {}", way.name, case["tcId"]);
                }
                false => assert!(made.is_none(), "{} {}", way.name, case["tcId"]),
            }
        }
        ran.count(match case.text("result") {
            "valid" if case.flag("ManySteps") => "valid: many steps",
            result => result,
        });
    }
    ran.exactly([("valid", 36), ("valid: many steps", 48), ("invalid", 1), ("a seed of another length", 3), ("only mu: not run", 17)]);
}

/// Expanded keys cannot be imported into this crate: the library below runs them. It does not look whether such a key is well formed, so the two cases
/// with an ill-formed one are left out.
#[test]
fn the_library_below_signs_otherwise_than_published_with_an_expanded_key() {
    let mut ran = Ran::default();
    for (group, case) in cases(&json("wycheproof/mldsa_65_sign_noseed_test.json.gz")) {
        if !case.has("msg") || case.flag("InvalidPrivateKey") || case.flag("IncorrectPrivateKeyLength") {
            ran.count(if case.flag("Internal") { "only mu: not run" } else { "no expanded key: not run" });
            continue;
        }
        let sk = MLDSA65SigningKey::new(group.array("privateKey"));
        for way in EXPANDED {
            let made = (way.sign)(&sk, &case.bytes("msg"), &case.bytes_or_none("ctx"), &rnd(case));
            let expected = (case["result"] == "valid").then(|| case.array("sig"));
            assert!(made == expected, "{} {}", way.name, case["tcId"]);
        }
        ran.count(case.text("result"));
    }
    ran.exactly([("valid", 63), ("invalid", 1), ("only mu: not run", 10), ("no expanded key: not run", 4)]);
}

#[test]
fn a_seed_expands_to_another_key() {
    let mut ran = Ran::default();
    for (_, case) in cases_for(&json("acvp/ml-dsa-key-gen.json.gz"), "ML-DSA-65") {
        for way in WAYS {
            assert_eq!((way.public_key)(&case.array("seed")).to_vec(), case.bytes("pk"), "{}", way.name);
        }
        for way in EXPANDED {
            let sk: Vec<u8> = (way.key_pair)(case.array("seed")).signing_key.as_slice().to_vec();
            assert_eq!(sk, case.bytes("sk"), "{}", way.name);
        }
        ran.count("ACVP");
    }
    ran.exactly([("ACVP", 25)]);
}
