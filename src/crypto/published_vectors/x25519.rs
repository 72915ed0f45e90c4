//! X25519: Wycheproof.

use super::{Constant, Fields, Ran, cases, hex, json};
use crate::crypto::backend;
use crate::crypto::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, Kem};
use crate::error::Error;
use std::collections::BTreeSet;
use std::vec::Vec;

const FILE: &str = "wycheproof/x25519_test.json.gz";

/// Every encoding of a point of small order, on the curve or its twist: 0, 1, the two of order 8, p − 1, p and p + 1, each with the highest bit clear and set.
fn small_order() -> Vec<[u8; 32]> {
    let point = |first: u8, rest: u8, last: u8| core::array::from_fn(|i| [first, rest, last][usize::from(i > 0) + usize::from(i == 31)]);
    let order_8 = [
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ];
    let mut points: Vec<[u8; 32]> = order_8.iter().map(|point| hex(point).try_into().unwrap()).collect();
    points.extend([point(0, 0, 0), point(1, 0, 0), point(0xec, 0xff, 0x7f), point(0xed, 0xff, 0x7f), point(0xee, 0xff, 0x7f)]);
    for mut point in points.clone() {
        point[31] |= 0x80;
        points.push(point);
    }
    points
}

#[test]
fn a_shared_secret_differs_or_an_all_zero_one_is_taken() {
    let mut ran = Ran::over(FILE);
    for (_, case) in cases(&json(FILE)) {
        let (public, mut shared) = (case.array("public"), [1; 32]);
        let contributory = backend::x25519(&case.array("private"), &public, &mut shared);
        assert_eq!(shared, case.array("shared"), "{case}");
        assert_eq!(bool::from(contributory), !case.flag("ZeroSharedSecret"), "{case}");
        assert_eq!(bool::from(contributory), shared != [0; 32]);
        let outcome = match (case.text("result"), case.flag("ZeroSharedSecret")) {
            ("acceptable", true) => "all zero, refused",
            (result, false) => result,
            _ => "valid and all zero",
        };
        ran.count(case, outcome);
    }
    ran.exactly([("valid", 264), ("acceptable", 223), ("all zero, refused", 31)]);
}

#[test]
fn a_public_key_is_not_the_secret_times_nine() {
    let mut ran = Ran::over(FILE);
    let nine = core::array::from_fn(|i| if i == 0 { 9 } else { 0 });
    for (_, case) in cases(&json(FILE)) {
        let (secret, mut public) = (case.array("private"), [0; 32]);
        assert!(bool::from(backend::x25519(&secret, &nine, &mut public)));
        assert_eq!(backend::x25519_public(&secret), public);
        ran.count(case, "secret");
    }
    ran.exactly([("secret", 518)]);
}

#[test]
fn a_point_of_small_order_makes_an_xwing_secret() {
    let file = json(FILE);
    let published = cases(&file).filter(|(_, case)| case.flag("ZeroSharedSecret")).map(|(_, case)| case.array("public"));
    let points: BTreeSet<[u8; 32]> = published.chain(small_order()).collect();
    assert_eq!(points, small_order().into_iter().collect(), "the file has one that the list has not");
    assert_eq!(points.len(), 14);

    let (dk, ek) = DecapsulationKey::generate(Kem::XWing, &mut Constant(1)).unwrap();
    let (ct, _) = ek.encapsulate(&mut Constant(2)).unwrap();
    for point in points {
        let swap = |bytes: &[u8]| [&bytes[..bytes.len() - 32], &point].concat();
        let ek = EncapsulationKey::from_bytes(Kem::XWing, &swap(ek.as_bytes())).unwrap();
        assert_eq!(ek.encapsulate(&mut Constant(2)).err(), Some(Error::Authentication));
        let ct = Ciphertext::from_bytes(Kem::XWing, &swap(ct.as_bytes())).unwrap();
        assert_eq!(dk.decapsulate(&ct).err(), Some(Error::Authentication));
    }
}
