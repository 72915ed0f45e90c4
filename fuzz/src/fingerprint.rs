//! Fingerprints as people type them, and safety numbers (docs/protocol.md, sections 4.1 and 4.2).
//!
//! A decoder of bech32m written from BIP 350 says what is a fingerprint. What is read is written back as it was, in lower case. Safety numbers are computed a second time.

use crate::input::Input;
use crate::keys::check_signs;
use crate::people::identities;
use sha2::{Digest, Sha512};
use std::collections::HashSet;
use twinlock::identity::PublicIdentity;
use twinlock::{Error, Fingerprint, Identity};

const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let text = match input.byte() % 4 {
        0 => String::from_utf8_lossy(input.rest()).into_owned(),
        how => changed(how, &mut input),
    };
    match (text.parse::<Fingerprint>(), decode(&text)) {
        (Ok(fingerprint), Some(bytes)) => {
            assert_eq!(fingerprint.as_bytes(), &bytes);
            assert_eq!(fingerprint.to_string(), text.to_ascii_lowercase());
            // Equal, and found, where the bytes are.
            let other = Fingerprint::from_bytes(bytes);
            assert_eq!(fingerprint, other);
            assert!(HashSet::from([fingerprint]).contains(&other));
            assert_eq!(format!("{other:?}"), fingerprint.to_string());
        }
        (Err(error), None) => assert_eq!(error, Error::InvalidFingerprint),
        (read, model) => panic!("{text:?} reads as {read:?}, and by BIP 350 as {model:?}"),
    }
    if input.byte() == 1 {
        safety_number(&mut input);
    }
}

/// A good text of any fingerprint, or with a checksum of the other kind, and changes.
fn changed(how: u8, input: &mut Input) -> String {
    let mut bytes = known(input.below(8), input.byte()).as_bytes().to_vec();
    if how == 3 {
        bytes = input.bytes(33).to_vec();
    }
    let mut symbols = regroup(&bytes);
    // The padding of the last symbol, another length.
    match input.byte() {
        bits @ 0..=31 => *symbols.last_mut().unwrap_or(&mut 0) ^= bits % 16,
        32..=47 => symbols.push(input.byte() % 32),
        _ => {}
    }
    let constant = if input.byte() == 1 { 1 } else { 0x2BC8_30A3 };
    let mut text = encode(*input.pick(&["tl", "tk", "TL", "t1l"]), &symbols, constant).into_bytes();
    if input.byte() % 4 == 1 {
        text = text.to_ascii_uppercase();
    }
    input.change(&mut text, &[0, 1, 2, 3, 54, 55, 61]);
    String::from_utf8_lossy(&text).into_owned()
}

/// An identity's fingerprint, which is the same wherever the identity comes from.
fn known(i: usize, from: u8) -> Fingerprint {
    let (one, algorithm) = (&identities()[i], identities()[i].public().algorithm());
    let same = match from % 4 {
        0 => return one.fingerprint(),
        1 => Identity::elsewhere(one.public()),
        2 => Identity::from_secret_bytes(algorithm, one.secret_bytes().expect("here")).expect("a secret"),
        _ => Identity::elsewhere(PublicIdentity::from_bytes(algorithm, one.public().as_bytes()).expect("a key")),
    };
    assert_eq!(same.secret_bytes().is_ok(), from % 4 == 2);
    if from % 4 == 2 {
        check_signs(&same);
    }
    assert_eq!(format!("{same:?} {:?}", same.public()), format!("Identity({0}) PublicIdentity({0})", one.fingerprint()));
    same.fingerprint()
}

fn regroup(bytes: &[u8]) -> Vec<u8> {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |i| byte >> i & 1)).collect();
    bits.chunks(5).map(|five| (0..5).fold(0, |symbol, i| symbol << 1 | five.get(i).copied().unwrap_or(0))).collect()
}

fn polymod(values: impl Iterator<Item = u8>) -> u32 {
    values.fold(1, |sum, value| {
        let generator = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
        let shifted = (sum & 0x1FF_FFFF) << 5 ^ u32::from(value);
        (0..5).filter(|i| sum >> (25 + i) & 1 == 1).fold(shifted, |sum, i| sum ^ generator[i])
    })
}

fn expand(hrp: &str) -> Vec<u8> {
    let hrp = hrp.to_ascii_lowercase().into_bytes();
    hrp.iter().map(|c| c >> 5).chain([0]).chain(hrp.iter().map(|c| c & 31)).collect()
}

fn encode(hrp: &str, symbols: &[u8], constant: u32) -> String {
    let sum = polymod(expand(hrp).into_iter().chain(symbols.iter().copied()).chain([0; 6])) ^ constant;
    let checksum = (0..6).map(|i| (sum >> (5 * (5 - i)) & 31) as u8);
    let letters = symbols.iter().copied().chain(checksum).map(|symbol| char::from(CHARSET[usize::from(symbol)]));
    hrp.chars().chain(['1']).chain(letters).collect()
}

/// 61 characters of one case, `tl1`, the checksum, 32 bytes and four zero bits.
fn decode(text: &str) -> Option<[u8; 32]> {
    let lower = text.to_ascii_lowercase();
    let one_case = text == lower || text == text.to_ascii_uppercase();
    let letters = lower.strip_prefix("tl1").filter(|letters| one_case && letters.len() == 58)?;
    let symbols: Option<Vec<u8>> = letters.bytes().map(|c| Some(CHARSET.iter().position(|symbol| *symbol == c)? as u8)).collect();
    let symbols = symbols?;
    if polymod(expand("tl").into_iter().chain(symbols.iter().copied())) != 0x2BC8_30A3 {
        return None;
    }
    let bits: Vec<u8> = symbols[..52].iter().flat_map(|symbol| (0..5).rev().map(move |i| symbol >> i & 1)).collect();
    let byte = |eight: &[u8]| eight.iter().fold(0, |byte, bit| byte << 1 | bit);
    let bytes: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
    if bits[256..] != [0; 4] { None } else { bytes.try_into().ok() }
}

fn safety_number(input: &mut Input) {
    let [one, other] = [0, 1].map(|_| {
        let mut bytes = [0; 32];
        bytes.iter_mut().for_each(|byte| *byte = input.byte());
        bytes
    });
    let number = Fingerprint::from_bytes(one).safety_number(&Fingerprint::from_bytes(other));
    let mut sides = [digits(&one), digits(&other)];
    sides.sort();
    let groups: Vec<&str> = number.split(' ').collect();
    assert!(groups.len() == 12 && groups.iter().all(|group| group.len() == 5), "{number}");
    assert_eq!(groups.concat(), sides.concat());
    assert_eq!(number, Fingerprint::from_bytes(other).safety_number(&Fingerprint::from_bytes(one)));
}

/// Section 4.2, for one side: 30 digits.
fn digits(fingerprint: &[u8; 32]) -> String {
    let mut x = Sha512::digest([b"twinlock1 safety".as_slice(), fingerprint].concat());
    for _ in 1..5200 {
        x = Sha512::digest(x);
    }
    let number = |i: usize| x[5 * i..5 * i + 5].iter().fold(0u64, |n, byte| n * 256 + u64::from(*byte));
    (0..6).map(|i| format!("{:05}", number(i) % 100_000)).collect()
}
