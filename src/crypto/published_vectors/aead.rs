//! ChaCha20-Poly1305: Wycheproof.

use super::{Fields, Ran, cases, json};
use crate::crypto::aead::Aead;
use crate::crypto::backend;
use crate::error::Error;

#[test]
fn a_sealed_text_differs_or_a_false_tag_opens() {
    let mut ran = Ran::default();
    for (_, case) in cases(&json("wycheproof/chacha20_poly1305_test.json.gz")) {
        let Ok(nonce) = <[u8; 12]>::try_from(case.bytes("iv")) else {
            // Only nonces of 12 bytes are taken.
            assert_eq!(case.text("result"), "invalid");
            ran.count("a nonce of another length");
            continue;
        };
        let (key, ad, plain, sealed, tag) = (case.array("key"), case.bytes("aad"), case.bytes("msg"), case.bytes("ct"), case.array("tag"));
        let (mut seal, mut open) = (plain.clone(), sealed.clone());
        let made = backend::chacha20poly1305_seal(&key, &nonce, &ad, &mut seal).unwrap();
        let opened = backend::chacha20poly1305_open(&key, &nonce, &ad, &mut open, &tag);
        match case["result"] == "valid" {
            true => assert!((&seal, made, opened, &open) == (&sealed, tag, Ok(()), &plain), "{case}"),
            false => {
                assert_ne!(made, tag, "{case}");
                assert_eq!((opened, open), (Err(Error::Authentication), sealed), "a text that was not authentic was decrypted");
            }
        }
        ran.count(case.text("result"));
    }
    ran.exactly([("valid", 256), ("invalid", 60), ("a nonce of another length", 9)]);
}

/// The vectors whose nonce begins with four zero bytes have the form of Noise's.
#[test]
fn the_counter_stands_elsewhere_in_the_nonce() {
    let mut ran = Ran::default();
    for (_, case) in cases(&json("wycheproof/chacha20_poly1305_test.json.gz")) {
        let nonce = case.bytes("iv");
        let (12, Some(counter)) = (nonce.len(), nonce.strip_prefix(&[0; 4])) else { continue };
        let counter = u64::from_le_bytes(counter.try_into().unwrap());
        let key = Aead::ChaCha20Poly1305.key(|place| {
            *place = case.array("key");
            Ok(())
        });
        let (key, mut text) = (key.unwrap(), case.bytes("ct"));
        let opened = key.open(counter, &case.bytes("aad"), &mut text, &case.array("tag"));
        match case["result"] == "valid" {
            true => {
                assert_eq!((opened, &text), (Ok(()), &case.bytes("msg")));
                assert_eq!(key.seal(counter, &case.bytes("aad"), &mut text), Ok(case.array("tag")));
                assert_eq!(text, case.bytes("ct"));
            }
            false => assert_eq!((opened, text), (Err(Error::Authentication), case.bytes("ct"))),
        }
        ran.count(case.text("result"));
    }
    ran.exactly([("valid", 10)]);
}
