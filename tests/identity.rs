//! Identities, fingerprints and safety numbers from outside, and all of them against the second implementation's vectors.
#![cfg(feature = "std")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/ran.rs"]
mod ran;

use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use std::convert::Infallible;
use std::marker::PhantomData;
use twinlock::identity::{Fingerprint, Identity, PublicIdentity, SignatureAlgorithm};
use twinlock::{Error, keyfile};

const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::MlDsa65Ed25519;

/// Gives these bytes, and panics when more are drawn.
struct Given(Vec<u8>);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        let rest = self.0.split_off(dst.len());
        dst.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Given {}

fn identity(seed: u8) -> Identity {
    Identity::generate_with_rng(ALGORITHM, &mut Given(vec![seed; 64])).unwrap()
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/identity.json")).unwrap()
}

/// Tells whoever counts that the cases of this list went through, all or as many as are given.
fn ran(list: &str, entries: usize) {
    ran::report(&format!("identity.json#{list}"), "as the reference", 0..entries.try_into().unwrap());
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    text(value).as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn named<'a>(vectors: &'a Value, name: &Value) -> &'a Value {
    list(&vectors["identities"]).iter().find(|case| case["name"] == *name).unwrap()
}

fn round3() -> Value {
    serde_json::from_str(include_str!("vectors/round3.json")).unwrap()
}

/// The algorithm of a case, where this build has it; 1 where none is named.
fn algorithm(case: &Value) -> Option<SignatureAlgorithm> {
    SignatureAlgorithm::from_id(case.get("signature").map_or(1, |id| id.as_u64().unwrap()).try_into().unwrap())
}

/// The identities of the algorithms that this build has; those of round 3 stand in a file of their own.
fn identities() -> Vec<(SignatureAlgorithm, Value)> {
    let (standard, round3) = (list(&vectors()["identities"]).to_vec(), list(&round3()["identities"]).to_vec());
    assert_eq!((standard.len(), round3.len()), (5, 2));
    standard.into_iter().chain(round3).filter_map(|case| algorithm(&case).map(|algorithm| (algorithm, case))).collect()
}

fn fingerprint(case: &Value) -> Fingerprint {
    Fingerprint::from_bytes(hex(&case["fingerprint"]).try_into().unwrap())
}

#[test]
fn the_second_implementation_makes_another_key_or_fingerprint_of_a_seed() {
    for (algorithm, case) in &identities() {
        let secret = hex(&case["secret"]);
        let identity = Identity::from_secret_bytes(*algorithm, &secret).unwrap();
        assert_eq!(identity.secret_bytes().unwrap(), secret);
        if *algorithm == ALGORITHM {
            assert_eq!(Identity::generate_with_rng(ALGORITHM, &mut Given(secret)).unwrap().fingerprint(), identity.fingerprint());
        }
        assert_eq!(identity.public().as_bytes(), hex(&case["public"]));
        assert_eq!(identity.fingerprint(), fingerprint(case));
        assert_eq!(identity.fingerprint().to_string(), text(&case["text"]));
        assert_eq!(text(&case["text"]).parse(), Ok(identity.fingerprint()));
        assert_eq!(PublicIdentity::from_bytes(*algorithm, &hex(&case["public"])), Ok(identity.public()));
    }
}

#[test]
fn the_second_implementation_writes_other_files() {
    for (_, case) in &identities() {
        let (secret, public) = (text(&case["pkcs8_pem"]), text(&case["spki_pem"]));
        let identity = keyfile::from_pem(secret, None).unwrap();
        assert_eq!(identity.fingerprint(), fingerprint(case));
        assert_eq!(*keyfile::to_pem(&identity).unwrap(), secret);
        assert_eq!(keyfile::public_from_pem(public).unwrap(), identity.public());
        assert_eq!(keyfile::public_to_pem(&identity.public()), public);
    }
    let round3 = identities().iter().filter(|(algorithm, _)| algorithm.id() == 126).count();
    ran("identities", identities().len() - round3);
    ran::report("round3.json#identities", "as the reference", 0..round3.try_into().unwrap());
}

#[test]
fn the_second_implementation_encrypts_otherwise() {
    for (file, vectors) in [("identity.json", vectors()), ("round3.json", round3())] {
        let mut here = 0;
        for case in list(&vectors["encrypted"]) {
            let of = named(&vectors, &case["identity"]);
            if algorithm(of).is_some() {
                encrypts(case, of);
                here += 1;
            }
        }
        ran::report(&format!("{file}#encrypted"), "as the reference", 0..here);
    }
}

fn encrypts(case: &Value, of: &Value) {
    let (pem, passphrase) = (text(&case["pem"]), text(&case["passphrase"]));
    assert_eq!(passphrase.as_bytes(), hex(&case["passphrase_utf8"]));
    assert!(keyfile::is_encrypted(pem));
    assert_eq!(keyfile::from_pem(pem, Some(passphrase)).unwrap().fingerprint(), fingerprint(of));
    if case["n"] == 131_072 {
        let identity = keyfile::from_pem(text(&of["pkcs8_pem"]), None).unwrap();
        let mut rng = Given([hex(&case["salt"]), hex(&case["iv"])].concat());
        assert_eq!(*keyfile::to_encrypted_pem_with_rng(&identity, passphrase, &mut rng).unwrap(), pem);
        assert!(rng.0.is_empty());
    }
}

#[test]
fn a_file_that_the_second_implementation_refuses_is_read() {
    for case in list(&vectors()["encrypted_refused"]) {
        let error = keyfile::from_pem(text(&case["pem"]), Some("x")).expect_err(text(&case["name"]));
        // Refused before anything was derived: not as a wrong passphrase.
        assert!(!matches!(error, keyfile::KeyFileError::WrongPassphrase), "{}: {error}", case["name"]);
    }
    ran("encrypted_refused", list(&vectors()["encrypted_refused"]).len());
}

#[test]
fn the_second_implementation_reads_other_digits() {
    let vectors = vectors();
    for case in list(&vectors["safety_numbers"]) {
        let (one, other) = (fingerprint(named(&vectors, &case["one"])), fingerprint(named(&vectors, &case["other"])));
        assert_eq!(one.safety_number(&other), text(&case["for_reading"]));
        assert_eq!(one.safety_number(&other).replace(' ', ""), text(&case["digits"]));
    }
    ran("safety_numbers", list(&vectors["safety_numbers"]).len());
}

#[test]
fn the_second_implementation_takes_other_texts_for_fingerprints() {
    let vectors = vectors();
    for case in list(&vectors["fingerprints_accepted"]) {
        assert_eq!(text(&case["text"]).parse(), Ok(fingerprint(case)));
    }
    for case in list(&vectors["fingerprints_refused"]) {
        assert_eq!(text(&case["text"]).parse::<Fingerprint>(), Err(Error::InvalidFingerprint), "{}", case["name"]);
    }
    ran("fingerprints_accepted", list(&vectors["fingerprints_accepted"]).len());
    ran("fingerprints_refused", list(&vectors["fingerprints_refused"]).len());
}

/// They are compared by the library's own code, in constant time.
#[test]
fn two_fingerprints_that_differ_in_one_bit_are_the_same() {
    let right = identity(1).fingerprint();
    assert_eq!(right, Fingerprint::from_bytes(*right.as_bytes()));
    let set = std::collections::HashSet::from([right]);
    assert!(set.contains(&Fingerprint::from_bytes(*right.as_bytes())));
    for bit in 0..256 {
        let mut bytes = *right.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let other = Fingerprint::from_bytes(bytes);
        assert!(other != right && other.cmp(&right).is_ne() && !set.contains(&other), "bit {bit}");
    }
}

#[test]
fn a_mistyped_fingerprint_is_taken_for_another() {
    let right = identity(1).fingerprint().to_string();
    assert_eq!(right.len(), 61);
    for position in 0..right.len() {
        for typed in (' '..='~').filter(|c| !right[position..].starts_with(*c)) {
            let mut text = right.clone();
            text.replace_range(position..=position, &typed.to_string());
            assert_eq!(text.parse::<Fingerprint>(), Err(Error::InvalidFingerprint), "{text}");
        }
    }
}

#[test]
fn two_characters_swapped_left_out_or_doubled_are_not_noticed() {
    let right = identity(1).fingerprint().to_string();
    for position in 0..right.len() - 1 {
        let (one, other) = (&right[position..=position], &right[position + 1..=position + 1]);
        let (before, after) = (&right[..position], &right[position + 2..]);
        for typed in [format!("{other}{one}"), one.to_owned(), format!("{one}{one}{other}")] {
            let text = format!("{before}{typed}{after}");
            assert!(text == right || text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }
}

#[test]
fn a_fingerprint_has_two_spellings_in_lower_case() {
    let right = identity(1).fingerprint();
    let upper = right.to_string().to_uppercase();
    assert_eq!(upper.parse(), Ok(right));
    for position in (0..upper.len()).filter(|at| !upper.as_bytes()[*at].is_ascii_digit()) {
        let mut mixed = upper.clone();
        mixed[position..=position].make_ascii_lowercase();
        assert_eq!(mixed.parse::<Fingerprint>(), Err(Error::InvalidFingerprint), "{mixed}");
    }
}

#[test]
fn another_encoding_of_the_same_bytes_is_a_fingerprint() {
    use bech32::{Bech32, Bech32m, Hrp};
    let bytes = *identity(1).fingerprint().as_bytes();
    let tl = Hrp::parse("tl").unwrap();
    let right = bech32::encode::<Bech32m>(tl, &bytes).unwrap();
    assert_eq!(right.parse(), Ok(Fingerprint::from_bytes(bytes)));
    let too_long = [&bytes[..], &[0]].concat();
    for wrong in [
        bech32::encode::<Bech32>(tl, &bytes).unwrap(),
        bech32::encode::<Bech32m>(Hrp::parse("tk").unwrap(), &bytes).unwrap(),
        bech32::encode::<Bech32m>(Hrp::parse("tl1").unwrap(), &bytes).unwrap(),
        bech32::encode::<Bech32m>(tl, &bytes[..31]).unwrap(),
        bech32::encode::<Bech32m>(tl, &too_long).unwrap(),
        bech32::encode::<Bech32m>(tl, &[]).unwrap(),
        format!(" {right}"),
        format!("{right}\n"),
        String::new(),
    ] {
        assert_eq!(wrong.parse::<Fingerprint>(), Err(Error::InvalidFingerprint), "{wrong}");
    }
}

#[test]
fn the_two_sides_read_different_safety_numbers() {
    let (one, other, third) = (identity(1).fingerprint(), identity(2).fingerprint(), identity(3).fingerprint());
    let number = one.safety_number(&other);
    assert_eq!(number, other.safety_number(&one));
    assert_ne!(number, one.safety_number(&third));
    let groups: Vec<_> = number.split(' ').collect();
    assert_eq!(groups.len(), 12);
    assert!(groups.iter().all(|group| group.len() == 5 && group.bytes().all(|digit| digit.is_ascii_digit())), "{number}");
}

#[test]
fn debug_shows_the_secret() {
    let identity = identity(0xA7);
    assert_eq!(format!("{identity:?}"), format!("Identity({})", identity.fingerprint()));
    assert_eq!(format!("{:#?}", Some(&identity)), format!("Some(\n    Identity({}),\n)", identity.fingerprint()));
    assert_eq!(format!("{:?}", identity.public()), format!("PublicIdentity({})", identity.fingerprint()));
}

#[test]
fn a_secret_identity_is_cloned_or_bound_to_a_thread() {
    trait Fallback {
        const CLONE: bool = false;
    }
    impl<T> Fallback for T {}
    struct Check<T>(PhantomData<T>);
    impl<T: Clone> Check<T> {
        const CLONE: bool = true;
    }
    fn anywhere<T: Send + Sync + 'static>() {}

    const { assert!(Check::<PublicIdentity>::CLONE && !Check::<Identity>::CLONE) };
    anywhere::<Identity>();
    anywhere::<PublicIdentity>();
    let _ = Check::<Identity>(PhantomData);
}

#[test]
fn a_key_of_another_length_or_with_a_bad_point_is_an_identity() {
    let good = identity(1).public();
    assert_eq!(good.as_bytes().len(), 1984);
    for length in [0, 32, 1952, 1983] {
        assert_eq!(PublicIdentity::from_bytes(ALGORITHM, &good.as_bytes()[..length]), Err(Error::InvalidKey));
    }
    let longer = [good.as_bytes(), &[0]].concat();
    assert_eq!(PublicIdentity::from_bytes(ALGORITHM, &longer), Err(Error::InvalidKey));
    // The neutral element, a point of order 4, and y = 2, which no point has.
    for first in [1, 0, 2] {
        let mut bytes = good.as_bytes().to_vec();
        bytes[1952..].fill(0);
        bytes[1952] = first;
        assert_eq!(PublicIdentity::from_bytes(ALGORITHM, &bytes), Err(Error::InvalidKey));
    }
}

#[test]
fn two_identities_come_from_one_draw() {
    let (one, other) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    assert_ne!(one.fingerprint(), other.fingerprint());
}

#[test]
fn a_file_that_the_second_implementation_refuses_is_an_identity() {
    let vectors = vectors();
    for case in list(&vectors["secret_refused"]) {
        assert!(keyfile::from_pem(text(&case["pem"]), None).is_err(), "{}", case["name"]);
    }
    for case in list(&vectors["public_refused"]) {
        assert!(keyfile::public_from_pem(text(&case["pem"])).is_err(), "{}", case["name"]);
    }
    assert!(!list(&vectors["secret_refused"]).is_empty() && !list(&vectors["public_refused"]).is_empty());
    ran("secret_refused", list(&vectors["secret_refused"]).len());
    ran("public_refused", list(&vectors["public_refused"]).len());
}

/// Every algorithm of this build, with the bytes of its secret key, public key and signature.
fn algorithms() -> impl Iterator<Item = (SignatureAlgorithm, [usize; 3])> {
    SignatureAlgorithm::ALL.iter().map(|algorithm| match algorithm.id() {
        1 => (*algorithm, [64, 1984, 3373]),
        2 => (*algorithm, [96, 2689, 4731]),
        0x7E => (*algorithm, [6016, 1984, 3357]),
        id => panic!("the table has no {id}"),
    })
}

#[test]
fn a_key_has_another_size_than_the_table() {
    for (algorithm, [secret, public, signature]) in algorithms() {
        assert_eq!([algorithm.secret_key_len(), algorithm.public_key_len(), algorithm.signature_len()], [secret, public, signature]);
        let identity = Identity::generate_for(algorithm).unwrap();
        assert_eq!((identity.secret_bytes().unwrap().len(), identity.public().as_bytes().len()), (secret, public));
        assert_eq!(identity.public().algorithm(), algorithm);
        assert_eq!(SignatureAlgorithm::from_id(algorithm.id()), Some(algorithm));
    }
}

#[test]
fn a_secret_makes_another_identity_than_the_one_it_came_from() {
    for (algorithm, _) in algorithms() {
        let identity = Identity::generate_for(algorithm).unwrap();
        let secret = identity.secret_bytes().unwrap();
        let again = Identity::from_secret_bytes(algorithm, secret).unwrap();
        assert_eq!((again.secret_bytes().unwrap(), again.public()), (secret, identity.public()));
        assert_eq!(PublicIdentity::from_bytes(algorithm, identity.public().as_bytes()), Ok(identity.public()));
        for length in [0, 1, 32, secret.len() - 1, secret.len() + 1, 2 * secret.len()] {
            let mut other = secret.to_vec();
            other.resize(length, 0);
            assert_eq!(Identity::from_secret_bytes(algorithm, &other).unwrap_err(), Error::InvalidKey);
        }
    }
}

/// Where two algorithms' keys are as long as each other, the identifier in the fingerprint tells them apart.
#[test]
fn a_key_of_one_algorithm_is_an_identity_of_another() {
    for (algorithm, [secret_len, public_len, _]) in algorithms() {
        let identity = Identity::generate_for(algorithm).unwrap();
        for (other, lens) in algorithms().filter(|(other, _)| *other != algorithm) {
            assert_ne!(secret_len, lens[0]);
            assert_eq!(Identity::from_secret_bytes(other, identity.secret_bytes().unwrap()).unwrap_err(), Error::InvalidKey);
            match PublicIdentity::from_bytes(other, identity.public().as_bytes()) {
                Ok(public) => {
                    assert_eq!(public_len, lens[1]);
                    assert_ne!(public, identity.public());
                    assert_ne!(public.fingerprint(), identity.fingerprint());
                }
                Err(error) => assert_eq!((error, public_len == lens[1]), (Error::InvalidKey, false)),
            }
        }
    }
}

#[cfg(feature = "level5")]
mod level5 {
    use super::*;

    const LEVEL_5: SignatureAlgorithm = SignatureAlgorithm::MlDsa87P384;

    /// The order of the group.
    const ORDER: [u8; 48] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xFF, 0xC7, 0x63, 0x4D, 0x81, 0xF4, 0x37, 0x2D, 0xDF, 0x58, 0x1A, 0x0D, 0xB2, 0x48, 0xB0, 0xA7, 0x7A, 0xEC, 0xEC, 0x19, 0x6A,
        0xCC, 0xC5, 0x29, 0x73,
    ];

    /// Seed, and ECPrivateKey around this scalar.
    fn secret(scalar: [u8; 48]) -> Vec<u8> {
        let before = [0x30, 0x3E, 2, 1, 1, 4, 0x30];
        let after = [0xA0, 7, 6, 5, 0x2B, 0x81, 4, 0, 0x22];
        [[7; 32].as_slice(), &before, &scalar, &after].concat()
    }

    fn near_the_order(last: u8) -> [u8; 48] {
        let mut scalar = ORDER;
        scalar[47] = last;
        scalar
    }

    fn read(bytes: &[u8]) -> Result<Identity, Error> {
        Identity::from_secret_bytes(LEVEL_5, bytes)
    }

    #[test]
    fn another_frame_around_the_scalar_is_read() {
        let good = secret([5; 48]);
        let identity = read(&good).unwrap();
        for (at, bit) in (0..96).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut changed = good.clone();
            changed[at] ^= 1 << bit;
            let in_frame = (32..39).contains(&at) || at >= 87;
            // The rest is the seed and the scalar: another key.
            if in_frame {
                assert_eq!(read(&changed).unwrap_err(), Error::InvalidKey, "byte {at}, bit {bit}");
            } else if (at + bit) % 16 == 0 {
                assert_ne!(read(&changed).unwrap().fingerprint(), identity.fingerprint());
            }
        }
    }

    #[test]
    fn a_scalar_that_is_none_is_read() {
        let mut one = [0; 48];
        one[47] = 1;
        for good in [one, [0x7F; 48], near_the_order(0x72)] {
            assert!(read(&secret(good)).is_ok());
        }
        for bad in [[0; 48], ORDER, near_the_order(0x74), [0xFF; 48]] {
            assert_eq!(read(&secret(bad)).unwrap_err(), Error::InvalidKey);
        }
    }

    /// Drawn anew, the seed not; and a source that gives nothing else is broken.
    #[test]
    fn a_new_identity_is_made_from_a_scalar_that_is_none() {
        let mut rng = Given([[7; 32].as_slice(), &[0; 48], &ORDER, &[0xFF; 48], &[5; 48]].concat());
        let identity = Identity::generate_with_rng(LEVEL_5, &mut rng).unwrap();
        assert_eq!((identity.secret_bytes().unwrap(), rng.0.len()), (secret([5; 48]).as_slice(), 0));
        let stuck = Identity::generate_with_rng(LEVEL_5, &mut Given(vec![0; 10_000]));
        assert_eq!(stuck.unwrap_err(), Error::Randomness);
    }

    #[test]
    fn a_public_key_whose_point_is_none_is_read() {
        type Change<'a> = &'a dyn Fn(&mut [u8]);
        let good = read(&secret([5; 48])).unwrap().public().as_bytes().to_vec();
        let parity = good[2688] & 1;
        let with = |change: Change<'_>| {
            let mut key = good.clone();
            change(&mut key[2592..]);
            PublicIdentity::from_bytes(LEVEL_5, &key)
        };
        assert!(with(&|_| {}).is_ok());
        for first in (0..=255).filter(|first| *first != 4) {
            assert_eq!(with(&|point| point[0] = first), Err(Error::InvalidKey));
        }
        let changes: [Change<'_>; 5] =
            [&|point| point.fill(0), &|point| point[1..].fill(0), &|point| point[1] ^= 1, &|point| point[96] ^= 1, &|point| {
                (point[0], _) = (2 + parity, point[49..].fill(0))
            }];
        for change in changes {
            assert_eq!(with(change), Err(Error::InvalidKey));
        }
    }
}

#[cfg(feature = "round3")]
mod round3 {
    use super::*;

    const ROUND_3: SignatureAlgorithm = SignatureAlgorithm::Dilithium3Ed25519;

    fn read(bytes: &[u8]) -> Result<Identity, Error> {
        Identity::from_secret_bytes(ROUND_3, bytes)
    }

    /// Dilithium's expanded key, 4,000 bytes; Ed25519's seed, 32; the public key, 1,952 and 32.
    #[test]
    fn parts_of_two_keys_are_one() {
        let [one, other] = [(); 2].map(|()| Identity::generate_for(ROUND_3).unwrap());
        let (one, other) = (one.secret_bytes().unwrap(), other.secret_bytes().unwrap());
        let parts = [0..4000, 4000..4032, 4032..5984, 5984..6016];
        // Halves go with their own public halves: Dilithium's with the first and third part, Ed25519's with the second and fourth.
        for taken in 0u8..16 {
            let mut mixed = one.to_vec();
            for (_, part) in parts.iter().enumerate().filter(|(index, _)| taken >> index & 1 == 1) {
                mixed[part.clone()].copy_from_slice(&other[part.clone()]);
            }
            match taken {
                0b0000 | 0b0101 | 0b1010 | 0b1111 => assert!(read(&mixed).is_ok()),
                _ => assert_eq!(read(&mixed).unwrap_err(), Error::InvalidKey, "{taken:04b}"),
            }
        }
    }

    /// Of the expanded key rho, tr and s1; of the rest every part.
    #[test]
    fn a_changed_byte_of_a_secret_is_read() {
        let identity = Identity::generate_for(ROUND_3).unwrap();
        let good = identity.secret_bytes().unwrap();
        let places = [0, 31, 64, 95, 96, 735, 4000, 4031, 4032, 4063, 4064, 5983, 5984, 6015];
        for (at, bit) in places.into_iter().flat_map(|at| [(at, 0), (at, 3), (at, 6)]) {
            let mut changed = good.to_vec();
            changed[at] ^= 1 << bit;
            assert_eq!(read(&changed).unwrap_err(), Error::InvalidKey, "byte {at}, bit {bit}");
        }
    }

    /// A coefficient above η, with which signing might never end.
    #[test]
    fn a_coefficient_above_its_bound_is_signed_with() {
        let identity = Identity::generate_for(ROUND_3).unwrap();
        for (at, byte) in [(96, 0x09), (96, 0x90), (1503, 0xFF), (800, 0x0F)] {
            let mut changed = identity.secret_bytes().unwrap().to_vec();
            changed[at] = byte;
            assert_eq!(read(&changed).unwrap_err(), Error::InvalidKey, "byte {at}");
        }
    }
}
