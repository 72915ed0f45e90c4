//! ML-KEM-768: Wycheproof, ACVP, CCTV.

use super::{Fields, Ran, assigned, cases, cases_for, hex, json, text};
use crate::crypto::backend::{self, MLKEM768_CT, MLKEM768_EK};
use crate::crypto::kem::{Ciphertext, EncapsulationKey, Kem};
use crate::error::Error;
use libcrux_ml_kem::mlkem768::{self, portable};
use std::vec::Vec;

type Ek = [u8; MLKEM768_EK];
type Ct = [u8; MLKEM768_CT];

/// A way to ML-KEM-768 that starts from seeds, as this crate does.
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
            let mut ek = [0; MLKEM768_EK];
            backend::MlKem768Key::from_seed(seed, &mut ek);
            ek
        },
        decapsulate: |seed, ct| {
            let mut shared = [0; 32];
            backend::MlKem768Key::from_seed(seed, &mut [0; MLKEM768_EK]).decapsulate(ct, &mut shared);
            shared
        },
        check: backend::mlkem768_check,
        encapsulate: |ek, coins| {
            let (mut ct, mut shared) = ([0; MLKEM768_CT], [0; 32]);
            backend::mlkem768_encapsulate(ek, coins, &mut ct, &mut shared);
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
    key_pair: fn([u8; 64]) -> mlkem768::MlKem768KeyPair,
    check: fn(&mlkem768::MlKem768PrivateKey, &mlkem768::MlKem768Ciphertext) -> bool,
    decapsulate: fn(&mlkem768::MlKem768PrivateKey, &mlkem768::MlKem768Ciphertext) -> [u8; 32],
}

const EXPANDED: [Expanded; 2] = [
    Expanded {
        name: "picked",
        key_pair: mlkem768::generate_key_pair,
        check: mlkem768::validate_private_key,
        decapsulate: mlkem768::decapsulate,
    },
    Expanded {
        name: "portable",
        key_pair: portable::generate_key_pair,
        check: portable::validate_private_key,
        decapsulate: portable::decapsulate,
    },
];

/// The ML-KEM half with some X25519 half behind it.
fn in_xwing(half: &[u8]) -> Vec<u8> {
    [half, &[9; 32]].concat()
}

fn decapsulates_to(dk: &[u8; 2400], ct: &Ct, shared: &[u8]) {
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
    assert!(EncapsulationKey::from_bytes(Kem::XWing, &in_xwing(ek)).is_ok());
}

#[test]
fn a_seed_expands_to_another_key() {
    let mut ran = Ran::default();
    let mut run = |seed: [u8; 64], ek: Vec<u8>, dk: Vec<u8>, outcome: &str| {
        for way in WAYS {
            assert_eq!((way.encapsulation_key)(&seed).as_slice(), ek, "{}", way.name);
        }
        for way in EXPANDED {
            assert_eq!((way.key_pair)(seed).sk().as_slice(), dk, "{}", way.name);
        }
        ran.count(outcome);
    };
    for (_, case) in cases(&json("wycheproof/mlkem_768_keygen_seed_test.json.gz")) {
        run(case.array("seed"), case.bytes("ek"), case.bytes("dk"), case.text("result"));
    }
    for (_, case) in cases_for(&json("acvp/ml-kem-key-gen.json.gz"), "ML-KEM-768") {
        let seed = [case.bytes("d"), case.bytes("z")].concat();
        run(seed.try_into().unwrap(), case.bytes("ek"), case.bytes("dk"), "ACVP");
    }
    ran.exactly([("valid", 100), ("ACVP", 25)]);
}

#[test]
fn a_ciphertext_opens_to_another_secret() {
    let mut ran = Ran::default();
    for (_, case) in cases(&json("wycheproof/mlkem_768_test.json.gz")) {
        let (seed, ct) = (case.bytes("seed"), case.bytes("c"));
        ran.count(match (<&[u8; 64]>::try_from(seed.as_slice()), <&Ct>::try_from(ct.as_slice())) {
            (Ok(seed), Ok(ct)) => {
                for way in WAYS {
                    assert_eq!((way.encapsulation_key)(seed).as_slice(), case.bytes("ek"), "{}", way.name);
                    assert_eq!((way.decapsulate)(seed, ct).as_slice(), case.bytes("K"), "{}", way.name);
                }
                case.text("result")
            }
            (Ok(_), Err(_)) => {
                assert_eq!(Ciphertext::from_bytes(Kem::XWing, &in_xwing(&ct)).err(), Some(Error::Malformed));
                assert_eq!(case.text("result"), "invalid");
                "a ciphertext of another length"
            }
            // Only arrays of the right length are taken.
            (Err(_), _) => {
                assert_eq!(case.text("result"), "invalid");
                "a seed of another length"
            }
        });
    }
    ran.exactly([("valid", 153), ("a ciphertext of another length", 20), ("a seed of another length", 20)]);
}

#[test]
fn encapsulation_gives_another_ciphertext_or_secret() {
    let mut ran = Ran::default();
    for (_, case) in cases(&json("wycheproof/mlkem_768_encaps_test.json.gz")).filter(|(_, case)| case["result"] == "valid") {
        encapsulates_to(&case.array("ek"), &case.array("m"), &case.bytes("c"), &case.bytes("K"));
        ran.count("valid");
    }
    for (_, case) in
        cases_for(&json("acvp/ml-kem-encap-decap.json.gz"), "ML-KEM-768").filter(|(group, _)| group["function"] == "encapsulation")
    {
        encapsulates_to(&case.array("ek"), &case.array("m"), &case.bytes("c"), &case.bytes("k"));
        decapsulates_to(&case.array("dk"), &case.array("c"), &case.bytes("k"));
        ran.count("ACVP");
    }
    ran.exactly([("valid", 133), ("ACVP", 25)]);
}

#[test]
fn an_encapsulation_key_with_a_coefficient_not_below_q_is_taken() {
    let mut ran = Ran::default();
    let mut run = |ek: Vec<u8>, outcome: &str| {
        for way in WAYS {
            assert!(!(way.check)(&ek.as_slice().try_into().unwrap()), "{}", way.name);
        }
        assert_eq!(EncapsulationKey::from_bytes(Kem::XWing, &in_xwing(&ek)).err(), Some(Error::Malformed));
        ran.count(outcome);
    };
    text("cctv/ml-kem-modulus-768.txt.gz").lines().for_each(|line| run(hex(line), "CCTV"));
    for (_, case) in cases(&json("wycheproof/mlkem_768_encaps_test.json.gz")).filter(|(_, case)| case["result"] == "invalid") {
        if case.bytes("ek").len() == MLKEM768_EK {
            run(case.bytes("ek"), "Wycheproof");
        }
    }
    ran.exactly([("CCTV", 780), ("Wycheproof", 112)]);
}

#[test]
fn an_encapsulation_key_of_another_length_is_taken() {
    let mut ran = Ran::default();
    let mut run = |ek: Vec<u8>, outcome: &str| {
        assert_eq!(EncapsulationKey::from_bytes(Kem::XWing, &in_xwing(&ek)).err(), Some(Error::Malformed));
        ran.count(outcome);
    };
    for (_, case) in cases(&json("wycheproof/mlkem_768_encaps_test.json.gz")) {
        if case.bytes("ek").len() != MLKEM768_EK {
            assert_eq!(case.text("result"), "invalid");
            run(case.bytes("ek"), "Wycheproof");
        }
    }
    for (_, case) in cases_for(&json("acvp/ml-kem-key-check.json"), "ML-KEM-768").filter(|(_, case)| case.has("ek")) {
        match case["testPassed"] == true {
            true => {
                assert!(WAYS.iter().all(|way| (way.check)(&case.array("ek"))));
                assert!(EncapsulationKey::from_bytes(Kem::XWing, &in_xwing(&case.bytes("ek"))).is_ok());
            }
            false => run(case.bytes("ek"), "ACVP"),
        }
    }
    ran.exactly([("Wycheproof", 20), ("ACVP", 5)]);
}

/// FIPS 203, section 7.3. An expanded key cannot be imported into this crate.
#[test]
fn the_library_below_takes_an_expanded_key_that_does_not_fit_itself() {
    let mut ran = Ran::default();
    let (checks, decapsulations) = (json("acvp/ml-kem-key-check.json"), json("wycheproof/mlkem_768_semi_expanded_decaps_test.json"));
    let some_ct = [0; MLKEM768_CT];
    for (_, case) in cases_for(&checks, "ML-KEM-768").filter(|(_, case)| case.has("dk")) {
        for way in EXPANDED {
            assert_eq!((way.check)(&case.array::<2400>("dk").into(), &some_ct.into()), case["testPassed"] == true, "{}", way.name);
        }
        ran.count(if case["testPassed"] == true { "ACVP, fits" } else { "ACVP, does not fit" });
    }
    for (_, case) in cases(&decapsulations) {
        let (dk, ct) = (case.bytes("dk"), case.bytes("c"));
        ran.count(match (<&[u8; 2400]>::try_from(dk.as_slice()), <&Ct>::try_from(ct.as_slice())) {
            (Ok(dk), Ok(ct)) if case["result"] == "valid" => {
                decapsulates_to(dk, ct, &case.bytes("K"));
                "valid"
            }
            (Ok(dk), Ok(ct)) => {
                assert!(EXPANDED.iter().all(|way| !(way.check)(&dk.into(), &ct.into())));
                "invalid"
            }
            _ => "of another length",
        });
    }
    ran.exactly([("ACVP, fits", 5), ("ACVP, does not fit", 5), ("valid", 3), ("invalid", 2), ("of another length", 4)]);
}

#[test]
fn a_changed_ciphertext_opens_to_another_secret_than_implicit_rejection_gives() {
    let file = json("acvp/ml-kem-encap-decap.json.gz");
    let mut ran = Ran::default();
    for (group, case) in cases_for(&file, "ML-KEM-768").filter(|(group, _)| group["function"] == "decapsulation") {
        decapsulates_to(&group.array("dk"), &case.array("c"), &case.bytes("k"));
        ran.count(case.text("reason"));
    }
    ran.exactly([("no modification", 5), ("modify ciphertext", 5)]);
}

#[test]
fn ciphertexts_are_compared_up_to_their_first_zero_byte() {
    let file = text("cctv/ml-kem-strcmp-768.txt");
    let dk = assigned(&file, "dk").try_into().unwrap();
    decapsulates_to(&dk, &assigned(&file, "c").try_into().unwrap(), &assigned(&file, "K"));
}

/// The two files are for the draft of FIPS 203, which made keys from `d` in another way; all the rest is as in the standard.
#[test]
fn a_matrix_that_takes_many_samples_is_cut_short() {
    for file in ["cctv/ml-kem-unluckysample-768.txt", "cctv/ml-kem-intermediate-768.txt"].map(text) {
        let value = |name| assigned(&file, name);
        encapsulates_to(&value("ek").try_into().unwrap(), &value("m").try_into().unwrap(), &value("c"), &value("K"));
        decapsulates_to(&value("dk").try_into().unwrap(), &value("c").try_into().unwrap(), &value("K"));
    }
}
