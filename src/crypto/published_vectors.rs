//! Vectors that others published (tests/vectors/published), run through this crate's own functions.
//!
//! Every test counts the cases it ran, by their expected outcome, so that a file that is skipped, cut or read wrongly turns it red; and tells which they were, for
//! evidence/checks/vectors, which holds them against the files. libcrux picks AVX2 or portable code at run time; the ML-KEM and ML-DSA files run on what it picks and on the portable code. Built with `LIBCRUX_DISABLE_SIMD256=1` there is no AVX2 at all.

#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

extern crate std;

mod accumulated;
mod aead;
mod composite;
mod ed25519;
mod hkdf;
mod ml_dsa;
mod ml_kem;
#[cfg(feature = "level5")]
mod mlkem1024_p384;
#[cfg(feature = "level5")]
mod p384;
#[path = "../../tests/support/ran.rs"]
mod ran;
mod randomness;
#[cfg(feature = "round3")]
mod round3;
mod x25519;
mod xwing;

use core::convert::Infallible;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use shake::digest::{ExtendableOutput, Update, XofReader};
use std::collections::BTreeMap;
use std::io::Read;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, fs};

/// A file of tests/vectors/published, decompressed where its name ends in `.gz`.
pub(crate) fn text(path: &str) -> String {
    let whole = format!("{}/tests/vectors/published/{path}", env!("CARGO_MANIFEST_DIR"));
    let stored = fs::read(&whole).unwrap_or_else(|why| panic!("{whole}: {why}"));
    let mut text = String::new();
    match path.ends_with(".gz") {
        true => flate2::read::GzDecoder::new(stored.as_slice()).read_to_string(&mut text).unwrap(),
        false => stored.as_slice().read_to_string(&mut text).unwrap(),
    };
    text
}

pub(crate) fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let nibble = |c: u8| char::from(c).to_digit(16).unwrap() as u8;
    assert_eq!(text.len() % 2, 0);
    text.as_bytes().chunks_exact(2).map(|pair| nibble(pair[0]) << 4 | nibble(pair[1])).collect()
}

/// RFC 4648, section 4.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|&a| a == c).unwrap();
        (bits, held) = (bits << 6 | u32::try_from(value).unwrap(), held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

/// The fields of a case.
pub(crate) trait Fields {
    fn text(&self, field: &str) -> &str;
    fn has(&self, field: &str) -> bool;
    fn list(&self, field: &str) -> &[Value];

    /// A hexadecimal field.
    fn bytes(&self, field: &str) -> Vec<u8> {
        hex(self.text(field))
    }

    /// A hexadecimal field that may be missing.
    fn bytes_or_none(&self, field: &str) -> Vec<u8> {
        if self.has(field) { self.bytes(field) } else { Vec::new() }
    }

    fn array<const N: usize>(&self, field: &str) -> [u8; N] {
        self.bytes(field).try_into().unwrap()
    }

    fn flag(&self, flag: &str) -> bool {
        self.list("flags").iter().any(|f| f == flag)
    }
}

impl Fields for Value {
    fn text(&self, field: &str) -> &str {
        self[field].as_str().unwrap_or_else(|| panic!("no {field} in {self}"))
    }

    fn has(&self, field: &str) -> bool {
        !self[field].is_null()
    }

    fn list(&self, field: &str) -> &[Value] {
        self[field].as_array().map_or(&[], Vec::as_slice)
    }
}

/// Every case of a file in Wycheproof's or ACVP's form, with its group.
fn cases(file: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let cases = || file.list("testGroups").iter().flat_map(|group| group.list("tests").iter().map(move |case| (group, case)));
    if let Some(promised) = file["numberOfTests"].as_u64() {
        assert_eq!(cases().count() as u64, promised);
    }
    cases()
}

/// The cases of a file in ACVP's form that are for one set of parameters.
fn cases_for<'a>(file: &'a Value, parameters: &'a str) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    cases(file).filter(move |(group, _)| group["parameterSet"] == parameters)
}

/// `name = value` in a text file.
fn assigned(text: &str, name: &str) -> Vec<u8> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
    hex(value.unwrap_or_else(|| panic!("no {name}")))
}

/// The cases of a file that ran, by outcome. An outcome that ends in `not run` is one of cases that do not apply.
pub(crate) struct Ran {
    file: &'static str,
    cases: BTreeMap<String, Vec<u64>>,
}

impl Ran {
    pub(crate) fn over(file: &'static str) -> Self {
        Self { file, cases: BTreeMap::new() }
    }

    /// A case with a number of its own.
    fn count(&mut self, case: &Value, outcome: &str) {
        let number = ["tcId", "number"].iter().find_map(|field| case[field].as_u64());
        self.count_at(number.unwrap_or_else(|| panic!("no number in {case}")), outcome);
    }

    /// A case that is numbered by where it stands.
    pub(crate) fn count_at(&mut self, number: u64, outcome: &str) {
        self.cases.entry(outcome.to_string()).or_default().push(number);
    }

    #[track_caller]
    pub(crate) fn exactly<const N: usize>(self, expected: [(&str, usize); N]) {
        let expected: BTreeMap<String, usize> = expected.map(|(outcome, n)| (outcome.to_string(), n)).into();
        let found: BTreeMap<String, usize> = self.cases.iter().map(|(outcome, cases)| (outcome.clone(), cases.len())).collect();
        assert_eq!(found, expected, "{}", self.file);
        self.cases.into_iter().for_each(|(outcome, cases)| ran::report(self.file, &outcome, cases));
    }
}

/// With where each stands.
pub(crate) fn numbered<T>(list: &[T]) -> impl Iterator<Item = (u64, &T)> {
    (0..).zip(list)
}

/// A generator that gives these bytes and then fails.
struct Coins(Vec<u8>);

/// A generator that gives one byte for ever.
struct Constant(u8);

/// A generator that can be repeated: SHAKE-256 of its name.
struct Stream(shake::Shake256Reader);

#[derive(Debug)]
struct Dry;

impl core::fmt::Display for Dry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no more coins")
    }
}

impl core::error::Error for Dry {}

impl Stream {
    fn new(name: &str) -> Self {
        let mut hash = shake::Shake256::default();
        hash.update(name.as_bytes());
        Self(hash.finalize_xof())
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.read(&mut bytes);
        bytes
    }
}

macro_rules! generator {
    ($name:ident, $error:ty, $fill:expr) => {
        impl TryRng for $name {
            type Error = $error;

            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                let mut bytes = [0; 4];
                self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
            }

            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                let mut bytes = [0; 8];
                self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
            }

            fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), Self::Error> {
                let fill: fn(&mut Self, &mut [u8]) -> Result<(), Self::Error> = $fill;
                fill(self, place)
            }
        }

        impl TryCryptoRng for $name {}
    };
}

generator!(Coins, Dry, |coins, place| {
    if coins.0.len() < place.len() {
        return Err(Dry);
    }
    let drawn: Vec<u8> = coins.0.drain(..place.len()).collect();
    place.copy_from_slice(&drawn);
    Ok(())
});

generator!(Constant, Infallible, |constant, place| {
    place.fill(constant.0);
    Ok(())
});

generator!(Stream, Infallible, |stream, place| {
    stream.0.read(place);
    Ok(())
});
