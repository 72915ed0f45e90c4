//! The hashes, HMAC and HKDF: Wycheproof.

use super::{Fields, Ran, cases, json};
use crate::crypto::backend;
use crate::crypto::hash::Hash;
use crate::error::Error;
use std::vec;
use std::vec::Vec;

/// RFC 2104, built from the hash alone.
fn hmac<const N: usize>(hash: fn(&[&[u8]]) -> [u8; N], block: usize, key: &[u8], message: &[u8]) -> [u8; N] {
    let mut padded = if key.len() > block { hash(&[key]).to_vec() } else { key.to_vec() };
    padded.resize(block, 0);
    let pad = |with: u8| padded.iter().map(|b| b ^ with).collect::<Vec<_>>();
    hash(&[&pad(0x5c), &hash(&[&pad(0x36), message])])
}

fn run_hmac(file: &'static str, mac: impl Fn(&[u8], &[u8]) -> Vec<u8>) {
    let mut ran = Ran::over(file);
    for (_, case) in cases(&json(file)) {
        let (tag, made) = (case.bytes("tag"), mac(&case.bytes("key"), &case.bytes("msg")));
        assert_eq!(made[..tag.len()] == tag, case["result"] == "valid", "{case}");
        ran.count(case, case.text("result"));
    }
    ran.exactly([("valid", 66), ("invalid", 108)]);
}

#[test]
fn sha256_hmac_or_extract_differs() {
    let file = "wycheproof/hmac_sha256_test.json";
    // Extract is HMAC with the salt as the key.
    run_hmac(file, |key, message| {
        let mut prk = [0; 32];
        backend::hkdf_sha256_extract(key, message, &mut prk);
        prk.to_vec()
    });
    run_hmac(file, |key, message| hmac(backend::sha256, 64, key, message).to_vec());
}

#[test]
fn sha512_differs() {
    let file = "wycheproof/hmac_sha512_test.json";
    #[cfg(feature = "level5")]
    run_hmac(file, |key, message| {
        let mut prk = [0; 64];
        backend::hkdf_sha512_extract(key, message, &mut prk);
        prk.to_vec()
    });
    run_hmac(file, |key, message| hmac(backend::sha512, 128, key, message).to_vec());
}

fn run_hkdf(hash: Hash, file: &'static str) -> Ran {
    let mut ran = Ran::over(file);
    for (_, case) in cases(&json(file)) {
        let (ikm, salt, info) = (case.bytes("ikm"), case.bytes("salt"), case.bytes("info"));
        let mut okm = vec![0; usize::try_from(case["size"].as_u64().unwrap()).unwrap()];
        let (start, end) = info.split_at(info.len() / 2);
        let prk = hash.extract(&salt, &ikm);
        let made = hash.expand(&prk, &[start, end], &mut okm);
        match case["result"] == "valid" {
            true => assert_eq!((made, okm), (Ok(()), case.bytes("okm")), "{case}"),
            false => assert_eq!(made, Err(Error::TooLong), "{case}"),
        }
        ran.count(case, case.text("result"));
    }
    ran
}

#[test]
fn hkdf_differs_or_gives_more_than_it_may() {
    run_hkdf(Hash::Sha256, "wycheproof/hkdf_sha256_test.json").exactly([("valid", 83), ("invalid", 3)]);
    #[cfg(feature = "level5")]
    run_hkdf(Hash::Sha512, "wycheproof/hkdf_sha512_test.json").exactly([("valid", 80), ("invalid", 3)]);
}
