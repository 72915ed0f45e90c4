//! Ed25519: Wycheproof and CCTV.

use super::{Fields, Ran, cases, json};
use crate::crypto::backend::{self, Ed25519Public};
use crate::crypto::signature::{Signature, SignatureAlgorithm, VerifyingKey};
use crate::error::Error;
use std::collections::BTreeSet;

const COMPOSITE: SignatureAlgorithm = SignatureAlgorithm::MlDsa65Ed25519;

fn verifies(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    Ed25519Public::from_bytes(public).is_some_and(|key| key.verify(message, signature))
}

#[test]
fn a_signature_with_s_not_below_l_or_with_garbage_verifies() {
    let file = "wycheproof/ed25519_test.json";
    let mut ran = Ran::over(file);
    for (group, case) in cases(&json(file)) {
        let signature = case.bytes("sig");
        let Ok(half) = <&[u8; 64]>::try_from(signature.as_slice()) else {
            let joined = [[0; backend::MLDSA65_SIG].as_slice(), &signature].concat();
            assert_eq!(Signature::from_bytes(COMPOSITE, &joined).err(), Some(Error::Malformed));
            assert_eq!(case.text("result"), "invalid");
            ran.count(case, "of another length");
            continue;
        };
        let public = group["publicKey"].array("pk");
        assert_eq!(verifies(&public, &case.bytes("msg"), half), case["result"] == "valid", "{case}");
        let malleable = case.flag("SignatureMalleability");
        ran.count(case, if malleable { "invalid: malleable" } else { case.text("result") });
    }
    ran.exactly([("valid", 88), ("invalid", 43), ("invalid: malleable", 8), ("of another length", 12)]);
}

/// Our rule is RFC 8032's with three more: neither A nor R is of small order, both are canonically encoded, and the equation has no cofactor, with the bytes
/// of A and R as they came. The flags say which of these a vector breaks. A point that merely has a component of small order is fine.
#[test]
fn a_signature_outside_the_strict_rule_verifies() {
    const BROKEN: [&str; 6] = ["low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue", "reencoded_k"];
    let file = "cctv/ed25519vectors.json.gz";
    let mut ran = Ran::over(file);
    for case in json(file).as_array().unwrap() {
        let strict = !BROKEN.iter().any(|flag| case.flag(flag));
        let verified = verifies(&case.array("key"), case.text("msg").as_bytes(), &case.array("sig"));
        assert_eq!(verified, strict, "{case}");
        let outcome = match (strict, case.flag("low_order_A") || case.flag("low_order_R"), case.flag("low_order_residue")) {
            (true, ..) => "verifies",
            (_, true, _) => "small order",
            (_, _, true) => "only with the cofactor",
            _ => "another reason",
        };
        ran.count(case, outcome);
    }
    ran.exactly([("verifies", 43), ("small order", 808), ("only with the cofactor", 63)]);
}

#[test]
fn a_public_key_of_small_order_or_not_canonical_is_taken() {
    let file = json("cctv/ed25519vectors.json.gz");
    let cases = || file.as_array().unwrap().iter();
    let weak: BTreeSet<[u8; 32]> = cases().filter(|case| case.flag("low_order_A")).map(|case| case.array("key")).collect();
    let fine: BTreeSet<[u8; 32]> = cases().filter(|case| !case.flag("low_order_A")).map(|case| case.array("key")).collect();
    assert_eq!((weak.len(), fine.len()), (14, 8));
    for (keys, taken) in [(weak, true), (fine, false)].map(|(keys, weak)| (keys, !weak)) {
        for key in keys {
            assert_eq!(Ed25519Public::from_bytes(&key).is_some(), taken);
            let joined = [[7; backend::MLDSA65_PK].as_slice(), &key].concat();
            assert_eq!(VerifyingKey::from_bytes(COMPOSITE, &joined).err(), (!taken).then_some(Error::InvalidKey));
        }
    }
}

/// p + 3 … p + 18 are encodings of no point or of one that is not of small order: only the comparison with the encoding made anew refuses those.
#[test]
fn a_public_key_with_y_not_below_p_is_taken() {
    for low in 0xed..=0xff {
        for high in [0x7f, 0xff] {
            let mut key = [0xff; 32];
            (key[0], key[31]) = (low, high);
            assert!(Ed25519Public::from_bytes(&key).is_none());
        }
    }
}
