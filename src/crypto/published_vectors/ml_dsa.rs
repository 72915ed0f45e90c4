//! ML-DSA-65 and ML-DSA-87: Wycheproof and ACVP. The tests are written once, and stand in a module for each set of parameters.
//!
//! Signing and verifying take a message and a context. Vectors for the internal interface of FIPS 204, or that give `mu` without a message, do not apply.

/// Behind the ML-DSA half of a public key, where only that is looked at.
fn ed25519_half() -> std::vec::Vec<u8> {
    crate::crypto::backend::Ed25519Key::from_seed(&[1; 32]).public().as_bytes().to_vec()
}

#[cfg(feature = "level5")]
fn p384_half() -> std::vec::Vec<u8> {
    crate::crypto::backend::P384Key::from_scalar(&[1; 48]).unwrap().public().to_bytes().to_vec()
}

macro_rules! tests {
    (
        $n:literal, $module:ident, $key:ident, $pair:ident, $sig_type:ident, $signing:ident, $verification:ident, $verify:ident, $pk:ident, $sig:ident,
        $algorithm:ident, $other_half:ident, $other_signature:literal,
        verified: $verified:expr, signed: $signed:expr, expanded: $expanded:expr
    ) => {
        use super::$other_half;
        use crate::crypto::backend::{self, $pk, $sig};
        use crate::crypto::published_vectors::{Fields, Ran, cases, cases_for, json};
        use crate::crypto::signature::{Signature, SignatureAlgorithm, VerifyingKey};
        use crate::error::Error;
        use libcrux_ml_dsa::$module::{self, portable, $pair, $sig_type, $signing, $verification};
        use std::vec::Vec;

        type Pk = [u8; $pk];
        type Sig = [u8; $sig];
        /// Key, message, context, `rnd`.
        type Sign<K> = fn(&K, &[u8], &[u8], &[u8; 32]) -> Option<Sig>;

        const COMPOSITE: SignatureAlgorithm = SignatureAlgorithm::$algorithm;

        /// A way to ML-DSA that starts from seeds, as this crate does.
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
                    let mut pk = [0; $pk];
                    backend::$key::from_seed(seed, &mut pk);
                    pk
                },
                sign: |seed, message, context, rnd| {
                    let mut signature = [0; $sig];
                    backend::$key::from_seed(seed, &mut [0; $pk]).sign(message, context, rnd, &mut signature).ok()?;
                    Some(signature)
                },
                verify: backend::$verify,
            },
            Way {
                name: "portable",
                public_key: |seed| *portable::generate_key_pair(*seed).verification_key.as_ref(),
                sign: |seed, message, context, rnd| {
                    let pair = portable::generate_key_pair(*seed);
                    portable::sign(&pair.signing_key, message, context, *rnd).ok().map(|signature| *signature.as_ref())
                },
                verify: |pk, message, context, signature| {
                    portable::verify(&$verification::new(*pk), message, context, &$sig_type::new(*signature)).is_ok()
                },
            },
        ];

        /// What this crate's interface has no call for: a key in its expanded form. Such vectors run on the library below.
        struct Expanded {
            name: &'static str,
            key_pair: fn([u8; 32]) -> $pair,
            sign: Sign<$signing>,
        }

        const EXPANDED: [Expanded; 2] = [
            Expanded {
                name: "picked",
                key_pair: $module::generate_key_pair,
                sign: |sk, message, context, rnd| $module::sign(sk, message, context, *rnd).ok().map(|signature| *signature.as_ref()),
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
            let file = concat!("wycheproof/mldsa_", $n, "_verify_test.json.gz");
            let mut ran = Ran::over(file);
            for (group, case) in cases(&json(file)) {
                let (pk, signature) = (group.bytes("publicKey"), case.bytes("sig"));
                let outcome = match (<&Pk>::try_from(pk.as_slice()), <&Sig>::try_from(signature.as_slice())) {
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
                        let joined = [pk.as_slice(), &$other_half()].concat();
                        assert_eq!(VerifyingKey::from_bytes(COMPOSITE, &joined).err(), Some(Error::InvalidKey));
                        assert_eq!(case.text("result"), "invalid");
                        "a public key of another length"
                    }
                    (Ok(_), Err(_)) => {
                        let joined = [signature.as_slice(), &[0; $other_signature]].concat();
                        assert_eq!(Signature::from_bytes(COMPOSITE, &joined).err(), Some(Error::Malformed));
                        assert_eq!(case.text("result"), "invalid");
                        "a signature of another length"
                    }
                };
                ran.count(case, outcome);
            }
            ran.exactly($verified);
        }

        #[test]
        fn a_signature_under_the_external_interface_is_judged_wrongly() {
            let file = "acvp/ml-dsa-sig-ver-external-pure.json.gz";
            let mut ran = Ran::over(file);
            for (_, case) in cases_for(&json(file), concat!("ML-DSA-", $n)) {
                for way in WAYS {
                    let verified =
                        (way.verify)(&case.array("pk"), &case.bytes("message"), &case.bytes("context"), &case.array("signature"));
                    assert_eq!(verified, case["testPassed"] == true, "{} {}", way.name, case["tcId"]);
                }
                ran.count(case, if case["testPassed"] == true { "valid" } else { "invalid" });
            }
            ran.exactly([("valid", 3), ("invalid", 12)]);
        }

        #[test]
        fn a_seed_signs_otherwise_than_published() {
            let file = concat!("wycheproof/mldsa_", $n, "_sign_seed_test.json.gz");
            let mut ran = Ran::over(file);
            for (group, case) in cases(&json(file)) {
                let seed = group.bytes("privateSeed");
                let Ok(seed) = <&[u8; 32]>::try_from(seed.as_slice()) else {
                    assert_eq!(case.text("result"), "invalid");
                    ran.count(case, "a seed of another length: not run");
                    continue;
                };
                if !case.has("msg") {
                    assert!(case.flag("Internal"));
                    ran.count(case, "only mu: not run");
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
                let many = case["result"] == "valid" && case.flag("ManySteps");
                ran.count(case, if many { "valid: many steps" } else { case.text("result") });
            }
            ran.exactly($signed);
        }

        /// Expanded keys cannot be imported into this crate: the library below runs them. It does not look whether such a key is well formed, so the two cases
        /// with an ill-formed one are left out.
        #[test]
        fn the_library_below_signs_otherwise_than_published_with_an_expanded_key() {
            let file = concat!("wycheproof/mldsa_", $n, "_sign_noseed_test.json.gz");
            let mut ran = Ran::over(file);
            for (group, case) in cases(&json(file)) {
                if !case.has("msg") || case.flag("InvalidPrivateKey") || case.flag("IncorrectPrivateKeyLength") {
                    ran.count(case, if case.flag("Internal") { "only mu: not run" } else { "no expanded key: not run" });
                    continue;
                }
                let sk = $signing::new(group.array("privateKey"));
                for way in EXPANDED {
                    let made = (way.sign)(&sk, &case.bytes("msg"), &case.bytes_or_none("ctx"), &rnd(case));
                    let expected = (case["result"] == "valid").then(|| case.array("sig"));
                    assert!(made == expected, "{} {}", way.name, case["tcId"]);
                }
                ran.count(case, case.text("result"));
            }
            ran.exactly($expanded);
        }

        #[test]
        fn a_seed_expands_to_another_key() {
            let file = "acvp/ml-dsa-key-gen.json.gz";
            let mut ran = Ran::over(file);
            for (_, case) in cases_for(&json(file), concat!("ML-DSA-", $n)) {
                for way in WAYS {
                    assert_eq!((way.public_key)(&case.array("seed")).to_vec(), case.bytes("pk"), "{}", way.name);
                }
                for way in EXPANDED {
                    let sk: Vec<u8> = (way.key_pair)(case.array("seed")).signing_key.as_slice().to_vec();
                    assert_eq!(sk, case.bytes("sk"), "{}", way.name);
                }
                ran.count(case, "key");
            }
            ran.exactly([("key", 25)]);
        }
    };
}

mod level3 {
    tests!(
        "65", ml_dsa_65, MlDsa65Key, MLDSA65KeyPair, MLDSA65Signature, MLDSA65SigningKey, MLDSA65VerificationKey, mldsa65_verify, MLDSA65_PK, MLDSA65_SIG,
        MlDsa65Ed25519, ed25519_half, 64,
        verified: [
        ("valid", 79),
        ("invalid", 9),
        ("invalid: norm", 52),
        ("invalid: hints", 9),
        ("invalid: boundary", 49),
        ("invalid: context", 5),
        ("a public key of another length", 4),
        ("a signature of another length", 3),
    ], signed: [("valid", 36), ("valid: many steps", 48), ("invalid", 1), ("a seed of another length: not run", 3), ("only mu: not run", 17)], expanded: [("valid", 63), ("invalid", 1), ("only mu: not run", 10), ("no expanded key: not run", 4)]
    );
}

#[cfg(feature = "level5")]
mod level5 {
    tests!(
        "87", ml_dsa_87, MlDsa87Key, MLDSA87KeyPair, MLDSA87Signature, MLDSA87SigningKey, MLDSA87VerificationKey, mldsa87_verify, MLDSA87_PK, MLDSA87_SIG,
        MlDsa87P384, p384_half, 104,
        verified: [
        ("valid", 71),
        ("invalid", 12),
        ("invalid: norm", 72),
        ("invalid: hints", 9),
        ("invalid: boundary", 65),
        ("invalid: context", 5),
        ("a public key of another length", 4),
        ("a signature of another length", 3),
    ], signed: [("valid", 36), ("valid: many steps", 39), ("invalid", 1), ("a seed of another length: not run", 3), ("only mu: not run", 17)], expanded: [("valid", 54), ("invalid", 1), ("only mu: not run", 10), ("no expanded key: not run", 4)]
    );
}
