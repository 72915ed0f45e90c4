//! tests/vectors/primitives.json: X-Wing and the composite signature, as the handshake uses them.

use super::json::{array, bytes, list, load, number, ran, text};
use super::rng::Coins;
use crate::crypto::aead::Aead;
use crate::crypto::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, Kem};
use crate::crypto::signature::{Signature, SignatureAlgorithm, SigningKey, VerifyingKey};
use crate::error::Error;
use serde_json::Value;
use std::vec::Vec;

/// A KEM, with the beginning of the names of its lists and how many cases they have.
type KemLists = (Kem, &'static str, [usize; 3]);

const KEMS: &[KemLists] = &[
    (Kem::XWing, "xwing", [3, 1, 7]),
    #[cfg(feature = "level5")]
    (Kem::MlKem1024P384, "mlkem1024_p384", [3, 1, 12]),
];

/// A signature, with the names of its lists and how many cases they have.
const SIGNATURES: &[(SignatureAlgorithm, [&str; 2], [usize; 2])] = &[
    (SignatureAlgorithm::MlDsa65Ed25519, ["composite", "composite_rejected"], [4, 13]),
    #[cfg(feature = "level5")]
    (SignatureAlgorithm::MlDsa87P384, ["composite_2", "composite_2_rejected"], [4, 33]),
];

#[test]
fn a_kem_differs_from_the_reference() {
    let file = load("primitives.json");
    for (kem, name, [count, ..]) in KEMS {
        for case in list(&file[*name]) {
            let mut seed = Coins::new(bytes(&case["seed"]));
            let (dk, ek) = DecapsulationKey::generate(*kem, &mut seed).unwrap();
            assert_eq!(ek.as_bytes(), bytes(&case["ek"]), "{}", case["name"]);
            let mut coins = Coins::new(bytes(&case["coins"]));
            let (ct, ss) = ek.encapsulate(&mut coins).unwrap();
            assert_eq!((seed.left(), coins.left()), (0, 0));
            assert_eq!(ct.as_bytes(), bytes(&case["ct"]), "{}", case["name"]);
            assert_eq!(ss.expose(), &array(&case["ss"]), "{}", case["name"]);
            assert_eq!(dk.decapsulate(&ct).unwrap().expose(), &array(&case["ss"]), "{}", case["name"]);
        }
        assert_eq!(list(&file[*name]).len(), *count, "{name}");
        ran("primitives.json", [(name, *count)]);
    }
}

#[test]
fn a_changed_ciphertext_shows_before_the_tag() {
    let file = load("primitives.json");
    for (kem, name, [_, count, _]) in KEMS {
        let name = std::format!("{name}_implicit_rejection");
        let cases = list(&file[&name]);
        for case in cases {
            let (dk, _) = DecapsulationKey::generate(*kem, &mut Coins::new(bytes(&case["seed"]))).unwrap();
            let ct = Ciphertext::from_bytes(*kem, &bytes(&case["ct"])).unwrap();
            assert_eq!(dk.decapsulate(&ct).unwrap().expose(), &array(&case["ss"]), "{}", case["name"]);
        }
        assert_eq!(cases.len(), *count, "{name}");
        ran("primitives.json", [(&name, *count)]);
    }
}

#[test]
fn a_bad_encapsulation_key_is_encapsulated_to() {
    let file = load("primitives.json");
    for (kem, name, [_, _, count]) in KEMS {
        let name = std::format!("{name}_bad_keys");
        let cases = list(&file[&name]);
        for case in cases {
            let key = EncapsulationKey::from_bytes(*kem, &bytes(&case["ek"]));
            match text(&case["fails_at"]) {
                "check" => assert!(key.is_err_and(|error| error == Error::Malformed), "{}", case["name"]),
                "encapsulation" => {
                    let encapsulated = key.unwrap().encapsulate(&mut Coins::new([7; 64]));
                    assert!(encapsulated.is_err_and(|error| error == Error::Authentication), "{}", case["name"]);
                }
                other => panic!("{other}"),
            }
        }
        assert_eq!(cases.len(), *count, "{name}");
        ran("primitives.json", [(&name, *count)]);
    }
}

#[cfg(feature = "level5")]
#[test]
fn a_ciphertext_with_no_point_or_coins_with_no_scalar_give_a_secret() {
    let file = load("primitives.json");
    for case in list(&file["mlkem1024_p384_bad_ciphertexts"]) {
        let (dk, _) = DecapsulationKey::generate(Kem::MlKem1024P384, &mut Coins::new(bytes(&case["seed"]))).unwrap();
        let opened = Ciphertext::from_bytes(Kem::MlKem1024P384, &bytes(&case["ct"])).and_then(|ct| dk.decapsulate(&ct));
        assert!(matches!(opened.err(), Some(Error::Authentication | Error::Malformed)), "{}", case["name"]);
    }
    for case in list(&file["mlkem1024_p384_bad_coins"]) {
        let of = list(&file["mlkem1024_p384"]).iter().find(|of| of["name"] == case["case"]).unwrap();
        let ek = EncapsulationKey::from_bytes(Kem::MlKem1024P384, &bytes(&of["ek"])).unwrap();
        assert_eq!(ek.encapsulate(&mut Coins::new(bytes(&case["coins"]))).err(), Some(Error::Randomness), "{}", case["name"]);
    }
    assert_eq!([&file["mlkem1024_p384_bad_ciphertexts"], &file["mlkem1024_p384_bad_coins"]].map(|cases| list(cases).len()), [7, 3]);
    ran("primitives.json", [("mlkem1024_p384_bad_ciphertexts", 7), ("mlkem1024_p384_bad_coins", 3)]);
}

#[test]
fn an_aead_or_its_nonce_differs_from_the_reference() {
    let file = load("primitives.json");
    for case in list(&file["aead"]) {
        let aead = [Aead::ChaCha20Poly1305, Aead::Aes256Gcm].into_iter().find(|aead| aead.name() == text(&case["aead"])).unwrap();
        let key = aead
            .key(|place| {
                *place = array(&case["key"]);
                Ok(())
            })
            .unwrap();
        let (counter, ad, plaintext) = (number(&case["counter"]), bytes(&case["ad"]), bytes(&case["plaintext"]));
        let mut sealed = plaintext.clone();
        let tag = key.seal(counter, &ad, &mut sealed).unwrap();
        assert_eq!([sealed.as_slice(), &tag].concat(), bytes(&case["ciphertext"]), "{}", case["name"]);
        key.open(counter, &ad, &mut sealed, &tag).unwrap();
        assert_eq!(sealed, plaintext);
    }
    assert_eq!(list(&file["aead"]).len(), 14);
    ran("primitives.json", [("aead", 14)]);
}

/// The public key, context, message and signature of a case, to be changed.
fn fields(case: &Value) -> [Vec<u8>; 4] {
    ["pk", "ctx", "message", "signature"].map(|field| bytes(&case[field]))
}

fn verify(algorithm: SignatureAlgorithm, [pk, ctx, message, signature]: &[Vec<u8>; 4]) -> Result<(), Error> {
    let signature = Signature::from_bytes(algorithm, signature)?;
    VerifyingKey::from_bytes(algorithm, pk)?.verify(ctx, message, &signature)
}

fn secret(case: &Value) -> Vec<u8> {
    case.get("secret").map_or_else(|| [bytes(&case["seed_m"]), bytes(&case["seed_e"])].concat(), bytes)
}

#[test]
fn a_composite_signature_differs_from_the_reference() {
    let file = load("primitives.json");
    for (algorithm, [name, _], [count, _]) in SIGNATURES {
        for case in list(&file[*name]) {
            let key = SigningKey::from_secret_bytes(*algorithm, &secret(case)).unwrap();
            let [pk, ctx, message, signature] = fields(case);
            assert_eq!(key.public().as_bytes(), pk, "{}", case["name"]);
            let mut rnd = Coins::new(bytes(&case["rnd"]));
            assert!(key.sign(&ctx, &message, &mut rnd).unwrap().as_bytes() == signature, "{}", case["name"]);
            assert_eq!(rnd.left(), 0);
            assert_eq!(verify(*algorithm, &[pk, ctx, message, signature]), Ok(()), "{}", case["name"]);
        }
        assert_eq!(list(&file[*name]).len(), *count, "{name}");
        ran("primitives.json", [(name, *count)]);
    }
}

/// The fields of the case that it names, changed as it says.
fn overwritten(cases: &Value, change: &Value) -> [Vec<u8>; 4] {
    let case = list(cases).iter().find(|case| case["name"] == change["case"]).unwrap();
    let mut fields = fields(case);
    let index = ["pk", "ctx", "message", "signature"].iter().position(|field| change["field"] == *field).unwrap();
    let (offset, replace) = (change["offset"].as_u64().unwrap() as usize, bytes(&change["replace"]));
    let place = &mut fields[index][offset..offset + replace.len()];
    assert_ne!(place, replace, "{}", change["name"]);
    place.copy_from_slice(&replace);
    fields
}

#[test]
fn half_a_signature_is_enough() {
    let file = load("primitives.json");
    for (algorithm, [name, rejected], [_, count]) in SIGNATURES {
        for change in list(&file[*rejected]) {
            let error = verify(*algorithm, &overwritten(&file[*name], change)).unwrap_err();
            assert!(matches!(error, Error::Authentication | Error::InvalidKey), "{}: {error}", change["name"]);
        }
        assert_eq!(list(&file[*rejected]).len(), *count, "{rejected}");
        ran("primitives.json", [(rejected, *count)]);
    }
}

/// ECDSA's other s is as good as the one that was sent.
#[cfg(feature = "level5")]
#[test]
fn a_signature_that_others_may_make_is_refused() {
    let file = load("primitives.json");
    for change in list(&file["composite_2_accepted"]) {
        assert_eq!(verify(SignatureAlgorithm::MlDsa87P384, &overwritten(&file["composite_2"], change)), Ok(()), "{}", change["name"]);
    }
    assert_eq!(list(&file["composite_2_accepted"]).len(), 2);
    ran("primitives.json", [("composite_2_accepted", 2)]);
}
