//! ChaCha20-Poly1305 and AES-256-GCM: Wycheproof. The tests are written once, and stand in a module for each.

use crate::crypto::backend::Aes256GcmKey;
use crate::error::Error;

fn aes256gcm_seal(key: &[u8; 32], nonce: &[u8; 12], ad: &[u8], text: &mut [u8]) -> Result<[u8; 16], Error> {
    Aes256GcmKey::new(key).seal(nonce, ad, text)
}

fn aes256gcm_open(key: &[u8; 32], nonce: &[u8; 12], ad: &[u8], text: &mut [u8], tag: &[u8; 16]) -> Result<(), Error> {
    Aes256GcmKey::new(key).open(nonce, ad, text, tag)
}

macro_rules! tests {
    ($aead:ident, $file:literal, $seal:path, $open:path, $counter:ident, whole: $whole:expr, counted: $counted:expr) => {
        use crate::crypto::aead::Aead;
        use crate::crypto::published_vectors::{Fields, Ran, cases, json};
        use crate::error::Error;

        #[test]
        fn a_sealed_text_differs_or_a_false_tag_opens() {
            let mut ran = Ran::over($file);
            for (_, case) in cases(&json($file)) {
                if case.bytes("key").len() != 32 {
                    ran.count(case, "a key of another length: not run");
                    continue;
                }
                let Ok(nonce) = <[u8; 12]>::try_from(case.bytes("iv")) else {
                    // Only nonces of 12 bytes are taken.
                    ran.count(case, "a nonce of another length: not run");
                    continue;
                };
                let (key, ad, plain, sealed, tag) =
                    (case.array("key"), case.bytes("aad"), case.bytes("msg"), case.bytes("ct"), case.array("tag"));
                let (mut seal, mut open) = (plain.clone(), sealed.clone());
                let made = $seal(&key, &nonce, &ad, &mut seal).unwrap();
                let opened = $open(&key, &nonce, &ad, &mut open, &tag);
                match case["result"] == "valid" {
                    true => assert!((&seal, made, opened, &open) == (&sealed, tag, Ok(()), &plain), "{case}"),
                    false => {
                        assert_ne!(made, tag, "{case}");
                        assert_eq!((opened, open), (Err(Error::Authentication), sealed), "a text that was not authentic was decrypted");
                    }
                }
                ran.count(case, case.text("result"));
            }
            ran.exactly($whole);
        }

        /// The vectors whose nonce begins with four zero bytes have the form of Noise's.
        #[test]
        fn the_counter_stands_elsewhere_in_the_nonce() {
            let mut ran = Ran::over($file);
            for (_, case) in cases(&json($file)) {
                let nonce = case.bytes("iv");
                let (12, 32, Some(counter)) = (nonce.len(), case.bytes("key").len(), nonce.strip_prefix(&[0; 4])) else { continue };
                let counter = u64::$counter(counter.try_into().unwrap());
                let key = Aead::$aead.key(|place| {
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
                ran.count(case, case.text("result"));
            }
            ran.exactly($counted);
        }
    };
}

mod chacha20_poly1305 {
    use crate::crypto::backend;
    tests!(
        ChaCha20Poly1305, "wycheproof/chacha20_poly1305_test.json.gz", backend::chacha20poly1305_seal, backend::chacha20poly1305_open, from_le_bytes,
        whole: [("valid", 256), ("invalid", 60), ("a nonce of another length: not run", 9)], counted: [("valid", 10)]
    );
}

mod aes_256_gcm {
    tests!(
        Aes256Gcm, "wycheproof/aes_gcm_test.json.gz", super::aes256gcm_seal, super::aes256gcm_open, from_be_bytes,
        whole: [("valid", 39), ("invalid", 27), ("a nonce of another length: not run", 39), ("a key of another length: not run", 211)], counted: [("valid", 1)]
    );
}
