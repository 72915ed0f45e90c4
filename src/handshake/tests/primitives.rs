//! tests/vectors/primitives.json: X-Wing and the composite signature, as the handshake uses them.

use super::json::{array, bytes, list, load, text};
use super::rng::Coins;
use crate::crypto::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, Kem};
use crate::crypto::signature::{Signature, SignatureAlgorithm, SigningKey, VerifyingKey};
use crate::error::Error;
use serde_json::Value;
use std::vec::Vec;

const COMPOSITE: SignatureAlgorithm = SignatureAlgorithm::MlDsa65Ed25519;

#[test]
fn xwing_differs_from_the_reference() {
    let file = load("primitives.json");
    for case in list(&file["xwing"]) {
        let mut seed = Coins::new(bytes(&case["seed"]));
        let (dk, ek) = DecapsulationKey::generate(Kem::XWing, &mut seed).unwrap();
        assert_eq!(ek.as_bytes(), bytes(&case["ek"]), "{}", case["name"]);
        let mut coins = Coins::new(bytes(&case["coins"]));
        let (ct, ss) = ek.encapsulate(&mut coins).unwrap();
        assert_eq!((seed.left(), coins.left()), (0, 0));
        assert_eq!(ct.as_bytes(), bytes(&case["ct"]), "{}", case["name"]);
        assert_eq!(ss.expose(), &array(&case["ss"]), "{}", case["name"]);
        assert_eq!(dk.decapsulate(&ct).unwrap().expose(), &array(&case["ss"]), "{}", case["name"]);
    }
    assert_eq!(list(&file["xwing"]).len(), 3);
}

#[test]
fn a_changed_ciphertext_shows_before_the_tag() {
    let file = load("primitives.json");
    for case in list(&file["xwing_implicit_rejection"]) {
        let (dk, _) = DecapsulationKey::generate(Kem::XWing, &mut Coins::new(bytes(&case["seed"]))).unwrap();
        let ct = Ciphertext::from_bytes(Kem::XWing, &bytes(&case["ct"])).unwrap();
        assert_eq!(dk.decapsulate(&ct).unwrap().expose(), &array(&case["ss"]), "{}", case["name"]);
    }
    assert_eq!(list(&file["xwing_implicit_rejection"]).len(), 1);
}

#[test]
fn a_bad_encapsulation_key_is_encapsulated_to() {
    let file = load("primitives.json");
    for case in list(&file["xwing_bad_keys"]) {
        let key = EncapsulationKey::from_bytes(Kem::XWing, &bytes(&case["ek"]));
        match text(&case["fails_at"]) {
            "check" => assert!(key.is_err_and(|error| error == Error::Malformed), "{}", case["name"]),
            "encapsulation" => {
                let encapsulated = key.unwrap().encapsulate(&mut Coins::new([7; 64]));
                assert!(encapsulated.is_err_and(|error| error == Error::Authentication), "{}", case["name"]);
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!(list(&file["xwing_bad_keys"]).len(), 7);
}

/// The public key, context, message and signature of a case, to be changed.
fn fields(case: &Value) -> [Vec<u8>; 4] {
    ["pk", "ctx", "message", "signature"].map(|field| bytes(&case[field]))
}

fn verify([pk, ctx, message, signature]: &[Vec<u8>; 4]) -> Result<(), Error> {
    let signature = Signature::from_bytes(COMPOSITE, signature)?;
    VerifyingKey::from_bytes(COMPOSITE, pk)?.verify(ctx, message, &signature)
}

#[test]
fn the_composite_signature_differs_from_the_reference() {
    let file = load("primitives.json");
    for case in list(&file["composite"]) {
        let seeds = [bytes(&case["seed_m"]), bytes(&case["seed_e"])].concat();
        let key = SigningKey::from_secret_bytes(COMPOSITE, &seeds).unwrap();
        let [pk, ctx, message, signature] = fields(case);
        assert_eq!(key.public().as_bytes(), pk, "{}", case["name"]);
        let mut rnd = Coins::new(bytes(&case["rnd"]));
        assert_eq!(key.sign(&ctx, &message, &mut rnd).unwrap().as_bytes(), signature, "{}", case["name"]);
        assert_eq!(rnd.left(), 0);
        assert_eq!(verify(&[pk, ctx, message, signature]), Ok(()), "{}", case["name"]);
    }
    assert_eq!(list(&file["composite"]).len(), 4);
}

#[test]
fn half_a_signature_is_enough() {
    let file = load("primitives.json");
    for change in list(&file["composite_rejected"]) {
        let case = list(&file["composite"]).iter().find(|case| case["name"] == change["case"]).unwrap();
        let mut fields = fields(case);
        let index = ["pk", "ctx", "message", "signature"].iter().position(|field| change["field"] == *field).unwrap();
        let (offset, replace) = (change["offset"].as_u64().unwrap() as usize, bytes(&change["replace"]));
        let place = &mut fields[index][offset..offset + replace.len()];
        assert_ne!(place, replace, "{}", change["name"]);
        place.copy_from_slice(&replace);
        let error = verify(&fields).unwrap_err();
        assert!(matches!(error, Error::Authentication | Error::InvalidKey), "{}: {error}", change["name"]);
    }
    assert_eq!(list(&file["composite_rejected"]).len(), 13);
}
