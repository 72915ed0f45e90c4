//! Identities, fingerprints and safety numbers from outside, and all of them against the second implementation's vectors.
#![cfg(feature = "std")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

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

/// The algorithm of a case, where this build has it; 1 where none is named.
fn algorithm(case: &Value) -> Option<SignatureAlgorithm> {
    SignatureAlgorithm::from_id(case.get("signature").map_or(1, |id| id.as_u64().unwrap()).try_into().unwrap())
}

/// The identities of the algorithms that this build has; those of round 3 stand in a file of their own.
fn identities() -> Vec<(SignatureAlgorithm, Value)> {
    let round3: Value = serde_json::from_str(include_str!("vectors/round3.json")).unwrap();
    let (standard, round3) = (list(&vectors()["identities"]).to_vec(), list(&round3["identities"]).to_vec());
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
}

#[test]
fn the_second_implementation_encrypts_otherwise() {
    let vectors = vectors();
    for case in list(&vectors["encrypted"]) {
        let of = named(&vectors, &case["identity"]);
        if algorithm(of).is_none() {
            continue;
        }
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
}

#[test]
fn a_file_that_the_second_implementation_refuses_is_read() {
    for case in list(&vectors()["encrypted_refused"]) {
        let error = keyfile::from_pem(text(&case["pem"]), Some("x")).expect_err(text(&case["name"]));
        // Refused before anything was derived: not as a wrong passphrase.
        assert!(!matches!(error, keyfile::KeyFileError::WrongPassphrase), "{}: {error}", case["name"]);
    }
}

#[test]
fn the_second_implementation_reads_other_digits() {
    let vectors = vectors();
    for case in list(&vectors["safety_numbers"]) {
        let (one, other) = (fingerprint(named(&vectors, &case["one"])), fingerprint(named(&vectors, &case["other"])));
        assert_eq!(one.safety_number(&other), text(&case["for_reading"]));
        assert_eq!(one.safety_number(&other).replace(' ', ""), text(&case["digits"]));
    }
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
}
