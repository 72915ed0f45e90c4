//! ML-KEM-768 and ML-KEM-1024: Wycheproof, ACVP, CCTV. The tests are written once, and stand in a module for each set of parameters.

/// What the other half of an encapsulation key is in the hybrid, where only the ML-KEM half is looked at.
fn x25519_half() -> std::vec::Vec<u8> {
    [9; 32].to_vec()
}

#[cfg(feature = "level5")]
fn p384_half() -> std::vec::Vec<u8> {
    crate::crypto::backend::P384Key::from_scalar(&[1; 48]).unwrap().public().to_bytes().to_vec()
}

macro_rules! tests {
    (
        $n:literal, $module:ident, $key:ident, $pair:ident, $private:ident, $ciphertext:ident, $check:ident, $encapsulate:ident, $ek:ident, $ct:ident, $dk:literal,
        $kem:ident, $other_half:ident, overflow: $overflow:expr
    ) => {
        use super::$other_half;
        use crate::crypto::backend::{self, $ct, $ek};
        use crate::crypto::kem::{Ciphertext, EncapsulationKey, Kem};
        use crate::crypto::published_vectors::{Fields, Ran, assigned, cases, cases_for, hex, json, text};
        use crate::error::Error;
        use libcrux_ml_kem::$module::{self, portable};
        use std::vec::Vec;

        type Ek = [u8; $ek];
        type Ct = [u8; $ct];

        /// A way to ML-KEM that starts from seeds, as this crate does.
        struct Way {
            name: &'static str,
            encapsulation_key: fn(&[u8; 64]) -> Ek,
            decapsulate: fn(&[u8; 64], &Ct) -> [u8; 32],
            check: fn(&Ek) -> bool,
            encapsulate: fn(&Ek, &[u8; 32]) -> (Ct, [u8; 32]),
        }

        const WAYS: [Way; 2] = [
            Way {
                name: "ours",
                encapsulation_key: |seed| {
                    let mut ek = [0; $ek];
                    backend::$key::from_seed(seed, &mut ek);
                    ek
                },
                decapsulate: |seed, ct| {
                    let mut shared = [0; 32];
                    backend::$key::from_seed(seed, &mut [0; $ek]).decapsulate(ct, &mut shared);
                    shared
                },
                check: backend::$check,
                encapsulate: |ek, coins| {
                    let (mut ct, mut shared) = ([0; $ct], [0; 32]);
                    backend::$encapsulate(ek, coins, &mut ct, &mut shared);
                    (ct, shared)
                },
            },
            Way {
                name: "portable",
                encapsulation_key: |seed| *portable::generate_key_pair(*seed).pk(),
                decapsulate: |seed, ct| portable::decapsulate(portable::generate_key_pair(*seed).private_key(), &ct.into()),
                check: |ek| portable::validate_public_key(&ek.into()),
                encapsulate: |ek, coins| {
                    let (ct, shared) = portable::encapsulate(&ek.into(), *coins);
                    (*ct.as_slice(), shared)
                },
            },
        ];

        /// What this crate's interface has no call for: a key in its expanded form, which is never kept and cannot be imported. Vectors with such keys run on the
        /// library below, on what it picks for this machine and on its portable code.
        struct Expanded {
            name: &'static str,
            key_pair: fn([u8; 64]) -> $module::$pair,
            check: fn(&$module::$private, &$module::$ciphertext) -> bool,
            decapsulate: fn(&$module::$private, &$module::$ciphertext) -> [u8; 32],
        }

        const EXPANDED: [Expanded; 2] = [
            Expanded {
                name: "picked",
                key_pair: $module::generate_key_pair,
                check: $module::validate_private_key,
                decapsulate: $module::decapsulate,
            },
            Expanded {
                name: "portable",
                key_pair: portable::generate_key_pair,
                check: portable::validate_private_key,
                decapsulate: portable::decapsulate,
            },
        ];

        /// The ML-KEM half with some other half behind it.
        fn in_hybrid(half: &[u8]) -> Vec<u8> {
            [half, &$other_half()].concat()
        }

        fn decapsulates_to(dk: &[u8; $dk], ct: &Ct, shared: &[u8]) {
            for way in EXPANDED {
                assert!((way.check)(&dk.into(), &ct.into()), "{}", way.name);
                assert_eq!((way.decapsulate)(&dk.into(), &ct.into()).as_slice(), shared, "{}", way.name);
            }
        }

        fn encapsulates_to(ek: &Ek, coins: &[u8; 32], ct: &[u8], shared: &[u8]) {
            for way in WAYS {
                assert!((way.check)(ek), "{}", way.name);
                let made = (way.encapsulate)(ek, coins);
                assert_eq!((made.0.as_slice(), made.1.as_slice()), (ct, shared), "{}", way.name);
            }
            assert!(EncapsulationKey::from_bytes(Kem::$kem, &in_hybrid(ek)).is_ok());
        }

        /// A file that is one case.
        fn whole(file: &'static str) {
            let mut ran = Ran::over(file);
            ran.count_at(0, "the case");
            ran.exactly([("the case", 1)]);
        }

        #[test]
        fn a_seed_expands_to_another_key() {
            let run = |seed: [u8; 64], ek: Vec<u8>, dk: Vec<u8>| {
                for way in WAYS {
                    assert_eq!((way.encapsulation_key)(&seed).as_slice(), ek, "{}", way.name);
                }
                for way in EXPANDED {
                    assert_eq!((way.key_pair)(seed).sk().as_slice(), dk, "{}", way.name);
                }
            };
            let file = concat!("wycheproof/mlkem_", $n, "_keygen_seed_test.json.gz");
            let mut ran = Ran::over(file);
            for (_, case) in cases(&json(file)) {
                run(case.array("seed"), case.bytes("ek"), case.bytes("dk"));
                ran.count(case, case.text("result"));
            }
            ran.exactly([("valid", 100)]);

            let mut ran = Ran::over("acvp/ml-kem-key-gen.json.gz");
            for (_, case) in cases_for(&json("acvp/ml-kem-key-gen.json.gz"), concat!("ML-KEM-", $n)) {
                let seed = [case.bytes("d"), case.bytes("z")].concat();
                run(seed.try_into().unwrap(), case.bytes("ek"), case.bytes("dk"));
                ran.count(case, "key");
            }
            ran.exactly([("key", 25)]);
        }

        #[test]
        fn a_ciphertext_opens_to_another_secret() {
            let file = concat!("wycheproof/mlkem_", $n, "_test.json.gz");
            let mut ran = Ran::over(file);
            for (_, case) in cases(&json(file)) {
                let (seed, ct) = (case.bytes("seed"), case.bytes("c"));
                let outcome = match (<&[u8; 64]>::try_from(seed.as_slice()), <&Ct>::try_from(ct.as_slice())) {
                    (Ok(seed), Ok(ct)) => {
                        for way in WAYS {
                            assert_eq!((way.encapsulation_key)(seed).as_slice(), case.bytes("ek"), "{}", way.name);
                            assert_eq!((way.decapsulate)(seed, ct).as_slice(), case.bytes("K"), "{}", way.name);
                        }
                        case.text("result")
                    }
                    (Ok(_), Err(_)) => {
                        assert_eq!(Ciphertext::from_bytes(Kem::$kem, &in_hybrid(&ct)).err(), Some(Error::Malformed));
                        assert_eq!(case.text("result"), "invalid");
                        "a ciphertext of another length"
                    }
                    // Only arrays of the right length are taken.
                    (Err(_), _) => {
                        assert_eq!(case.text("result"), "invalid");
                        "a seed of another length: not run"
                    }
                };
                ran.count(case, outcome);
            }
            ran.exactly([("valid", 153), ("a ciphertext of another length", 20), ("a seed of another length: not run", 20)]);
        }

        #[test]
        fn encapsulation_gives_another_ciphertext_or_secret() {
            let file = concat!("wycheproof/mlkem_", $n, "_encaps_test.json.gz");
            let mut ran = Ran::over(file);
            for (_, case) in cases(&json(file)).filter(|(_, case)| case["result"] == "valid") {
                encapsulates_to(&case.array("ek"), &case.array("m"), &case.bytes("c"), &case.bytes("K"));
                ran.count(case, "valid");
            }
            ran.exactly([("valid", 133)]);

            let file = "acvp/ml-kem-encap-decap.json.gz";
            let mut ran = Ran::over(file);
            for (_, case) in cases_for(&json(file), concat!("ML-KEM-", $n)).filter(|(group, _)| group["function"] == "encapsulation") {
                encapsulates_to(&case.array("ek"), &case.array("m"), &case.bytes("c"), &case.bytes("k"));
                decapsulates_to(&case.array("dk"), &case.array("c"), &case.bytes("k"));
                ran.count(case, "encapsulation");
            }
            ran.exactly([("encapsulation", 25)]);
        }

        #[test]
        fn an_encapsulation_key_with_a_coefficient_not_below_q_is_taken() {
            let run = |ek: Vec<u8>| {
                for way in WAYS {
                    assert!(!(way.check)(&ek.as_slice().try_into().unwrap()), "{}", way.name);
                }
                assert_eq!(EncapsulationKey::from_bytes(Kem::$kem, &in_hybrid(&ek)).err(), Some(Error::Malformed));
            };
            let file = concat!("cctv/ml-kem-modulus-", $n, ".txt.gz");
            let mut ran = Ran::over(file);
            for (i, line) in (0..).zip(text(file).lines()) {
                run(hex(line));
                ran.count_at(i, "refused");
            }
            ran.exactly([("refused", $overflow[0])]);

            let file = concat!("wycheproof/mlkem_", $n, "_encaps_test.json.gz");
            let mut ran = Ran::over(file);
            for (_, case) in cases(&json(file)).filter(|(_, case)| case["result"] == "invalid" && case.bytes("ek").len() == $ek) {
                run(case.bytes("ek"));
                ran.count(case, "refused");
            }
            ran.exactly([("refused", $overflow[1])]);
        }

        #[test]
        fn an_encapsulation_key_of_another_length_is_taken() {
            let read = |ek: &[u8]| EncapsulationKey::from_bytes(Kem::$kem, &in_hybrid(ek)).err();
            let file = concat!("wycheproof/mlkem_", $n, "_encaps_test.json.gz");
            let mut ran = Ran::over(file);
            for (_, case) in cases(&json(file)).filter(|(_, case)| case.bytes("ek").len() != $ek) {
                assert_eq!((case.text("result"), read(&case.bytes("ek"))), ("invalid", Some(Error::Malformed)));
                ran.count(case, "refused");
            }
            ran.exactly([("refused", 20)]);

            let file = "acvp/ml-kem-key-check.json";
            let mut ran = Ran::over(file);
            for (_, case) in cases_for(&json(file), concat!("ML-KEM-", $n)).filter(|(_, case)| case.has("ek")) {
                let fits = case["testPassed"] == true;
                assert!(!fits || WAYS.iter().all(|way| (way.check)(&case.array("ek"))));
                assert_eq!(read(&case.bytes("ek")), (!fits).then_some(Error::Malformed));
                ran.count(case, if fits { "taken" } else { "refused" });
            }
            ran.exactly([("taken", 5), ("refused", 5)]);
        }

        /// FIPS 203, section 7.3. An expanded key cannot be imported into this crate.
        #[test]
        fn the_library_below_takes_an_expanded_key_that_does_not_fit_itself() {
            let file = "acvp/ml-kem-key-check.json";
            let (mut ran, some_ct) = (Ran::over(file), [0; $ct]);
            for (_, case) in cases_for(&json(file), concat!("ML-KEM-", $n)).filter(|(_, case)| case.has("dk")) {
                for way in EXPANDED {
                    assert_eq!((way.check)(&case.array::<$dk>("dk").into(), &some_ct.into()), case["testPassed"] == true, "{}", way.name);
                }
                ran.count(case, if case["testPassed"] == true { "fits" } else { "does not fit" });
            }
            ran.exactly([("fits", 5), ("does not fit", 5)]);

            let file = concat!("wycheproof/mlkem_", $n, "_semi_expanded_decaps_test.json");
            let mut ran = Ran::over(file);
            for (_, case) in cases(&json(file)) {
                let (dk, ct) = (case.bytes("dk"), case.bytes("c"));
                let outcome = match (<&[u8; $dk]>::try_from(dk.as_slice()), <&Ct>::try_from(ct.as_slice())) {
                    (Ok(dk), Ok(ct)) if case["result"] == "valid" => {
                        decapsulates_to(dk, ct, &case.bytes("K"));
                        "valid"
                    }
                    (Ok(dk), Ok(ct)) => {
                        assert!(EXPANDED.iter().all(|way| !(way.check)(&dk.into(), &ct.into())));
                        "invalid"
                    }
                    _ => "of another length: not run",
                };
                ran.count(case, outcome);
            }
            ran.exactly([("valid", 3), ("invalid", 2), ("of another length: not run", 4)]);
        }

        #[test]
        fn a_changed_ciphertext_opens_to_another_secret_than_implicit_rejection_gives() {
            let file = "acvp/ml-kem-encap-decap.json.gz";
            let mut ran = Ran::over(file);
            for (group, case) in cases_for(&json(file), concat!("ML-KEM-", $n)).filter(|(group, _)| group["function"] == "decapsulation") {
                decapsulates_to(&group.array("dk"), &case.array("c"), &case.bytes("k"));
                ran.count(case, case.text("reason"));
            }
            ran.exactly([("no modification", 5), ("modify ciphertext", 5)]);
        }

        #[test]
        fn ciphertexts_are_compared_up_to_their_first_zero_byte() {
            let file = concat!("cctv/ml-kem-strcmp-", $n, ".txt");
            let value = |name| assigned(&text(file), name);
            decapsulates_to(&value("dk").try_into().unwrap(), &value("c").try_into().unwrap(), &value("K"));
            whole(file);
        }

        /// The two files are for the draft of FIPS 203, which made keys from `d` in another way; all the rest is as in the standard.
        #[test]
        fn a_matrix_that_takes_many_samples_is_cut_short() {
            for file in [concat!("cctv/ml-kem-unluckysample-", $n, ".txt"), concat!("cctv/ml-kem-intermediate-", $n, ".txt")] {
                let value = |name| assigned(&text(file), name);
                encapsulates_to(&value("ek").try_into().unwrap(), &value("m").try_into().unwrap(), &value("c"), &value("K"));
                decapsulates_to(&value("dk").try_into().unwrap(), &value("c").try_into().unwrap(), &value("K"));
                whole(file);
            }
        }
    };
}

mod level3 {
    tests!(
        "768", mlkem768, MlKem768Key, MlKem768KeyPair, MlKem768PrivateKey, MlKem768Ciphertext, mlkem768_check, mlkem768_encapsulate, MLKEM768_EK, MLKEM768_CT, 2400,
        XWing, x25519_half, overflow: [780, 112]
    );
}

#[cfg(feature = "level5")]
mod level5 {
    tests!(
        "1024", mlkem1024, MlKem1024Key, MlKem1024KeyPair, MlKem1024PrivateKey, MlKem1024Ciphertext, mlkem1024_check, mlkem1024_encapsulate, MLKEM1024_EK, MLKEM1024_CT, 3168,
        MlKem1024P384, p384_half, overflow: [1040, 116]
    );
}
