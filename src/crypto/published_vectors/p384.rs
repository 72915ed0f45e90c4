//! P-384: ECDSA with SHA-384 and ECDH, Wycheproof.

use super::{Fields, Ran, cases, json};
use crate::crypto::backend::{P384_POINT, P384Key, P384Public};

#[test]
fn an_ecdsa_signature_is_judged_wrongly() {
    let file = "wycheproof/ecdsa_secp384r1_sha384_test.json.gz";
    let mut ran = Ran::over(file);
    for (group, case) in cases(&json(file)) {
        let point = group["publicKey"].bytes("uncompressed").try_into().unwrap();
        let verified = P384Public::from_bytes(&point).unwrap().verify(&case.bytes("msg"), &case.bytes("sig"));
        assert_eq!(verified, case["result"] == "valid", "{case}");
        ran.count(case, case.text("result"));
    }
    ran.exactly([("valid", 194), ("invalid", 310)]);
}

/// The file's keys are SubjectPublicKeyInfo; those whose bit string is an uncompressed point on the named curve are what this crate reads.
#[test]
fn a_product_differs_or_is_made_of_no_point() {
    const NAMED_CURVE_UNCOMPRESSED: &[u8] = b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00";
    let file = "wycheproof/ecdh_secp384r1_test.json.gz";
    let mut ran = Ran::over(file);
    for (_, case) in cases(&json(file)) {
        let (public, private) = (case.bytes("public"), case.bytes("private"));
        let Some(point) = public.strip_prefix(NAMED_CURVE_UNCOMPRESSED).and_then(|point| <[u8; P384_POINT]>::try_from(point).ok()) else {
            assert!(case["result"] != "valid" || case.flag("CompressedPoint"), "{case}");
            ran.count(case, "another form: not run");
            continue;
        };
        let secret = private.iter().skip_while(|byte| **byte == 0).copied().collect::<std::vec::Vec<_>>();
        let mut scalar = [0; 48];
        scalar[48 - secret.len()..].copy_from_slice(&secret);
        match (P384Public::from_bytes(&point), case.text("result")) {
            (Some(point), "valid") => {
                let mut shared = [0; 48];
                P384Key::from_scalar(&scalar).unwrap().agree(&point, &mut shared);
                assert_eq!(shared.as_slice(), case.bytes("shared"), "{case}");
                ran.count(case, "valid");
            }
            (None, "invalid") => ran.count(case, "invalid"),
            (None, "acceptable") if case.flag("InvalidAsn") => ran.count(case, "a damaged point"),
            (point, result) => panic!("{result}, {}: {case}", point.is_some()),
        }
    }
    ran.exactly([("valid", 771), ("invalid", 18), ("a damaged point", 1), ("another form: not run", 257)]);
}

#[test]
fn a_scalar_out_of_range_or_another_encoding_of_a_point_is_taken() {
    let order: [u8; 48] =
        super::hex("ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973").try_into().unwrap();
    let mut below = order;
    below[47] -= 1;
    for (scalar, taken) in [([0; 48], false), (order, false), ([255; 48], false), (below, true)] {
        assert_eq!(P384Key::from_scalar(&scalar).is_some(), taken);
    }
    let point = P384Key::from_scalar(&below).unwrap().public().to_bytes();
    assert!(P384Public::from_bytes(&point).is_some());
    for first in (0..=255).filter(|first| *first != 4) {
        let mut other = point;
        other[0] = first;
        assert!(P384Public::from_bytes(&other).is_none(), "{first}");
    }
    for at in 1..P384_POINT {
        let mut other = point;
        other[at] ^= 1;
        assert!(P384Public::from_bytes(&other).is_none(), "byte {at}");
    }
}
