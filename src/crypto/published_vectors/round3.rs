//! The first of NIST's known answers of round 3 for each algorithm, through the crates. Their coins are not taken, so what was made with them is read.
//!
//! `tests/reference` makes them again from NIST's seed, and compares the whole with the SHA-256 that PQClean has of it.

use super::{Fields, json, ran};
use crate::crypto::backend::{Dilithium3Key, Kyber768Key, dilithium3_verify, kyber768_encapsulate};

#[test]
fn kyber768_is_not_that_of_round_3() {
    let case = &json("../round3.json")["known_answers"]["kyber768"];
    let key = Kyber768Key::from_expanded(&case.array("secret"));
    let mut ss = [0; 32];
    assert!(key.decapsulate(&case.array("ct"), &mut ss));
    assert_eq!(ss, case.array("ss"));
    // And what the crate makes for that key, the key opens.
    let (mut ct, mut sent, mut received) = ([0; 1088], [0; 32], [0; 32]);
    assert!(kyber768_encapsulate(&case.array("ek"), &mut ct, &mut sent) && key.decapsulate(&ct, &mut received));
    assert_eq!(sent, received);
    ran::report("round3.json#known_answers/kyber768", "as published", [0]);
}

/// Signing draws nothing: the very bytes.
#[test]
fn dilithium3_is_not_that_of_round_3() {
    let case = &json("../round3.json")["known_answers"]["dilithium3"];
    let (message, expected) = (case.bytes("message"), case.array("signature"));
    let mut signature = [0; 3293];
    assert!(Dilithium3Key::from_expanded(&case.array("secret")).unwrap().sign(&message, &mut signature));
    assert!(signature == expected);
    assert!(dilithium3_verify(&case.array("pk"), &message, &signature));
    assert!(!dilithium3_verify(&case.array("pk"), b"another", &signature));
    ran::report("round3.json#known_answers/dilithium3", "as published", [0]);
}
