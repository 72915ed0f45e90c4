//! Bundles and static keys. What a forger makes of them is in tests/vectors/acquaintances.json.

use crate::support::acquainted::{NOW, static_key};
use crate::support::book::DAY;
use crate::support::pair::{alice, bob};
use crate::support::rng::Seeded;
use twinlock::identity::{Bundle, StaticKey, StaticKeyToSign};
use twinlock::{Distrust, Error, Identity, Suite};

fn sizes(suite: Suite) -> [usize; 2] {
    match suite.id() {
        0x0001 | 0x0003 => [6591, 32],
        0x0002 => [9103, 32],
        _ => [6575, 2432],
    }
}

#[test]
fn a_bundle_has_another_size_or_says_something_else() {
    for suite in Suite::ALL.iter().copied() {
        let key = static_key(alice(suite), suite, 1);
        let bundle = key.bundle();
        let [len, kept] = sizes(suite);
        assert_eq!([bundle.as_bytes().len(), Bundle::len_in(suite), key.to_secret_bytes().expose().len()], [len, len, len + kept]);
        let read = Bundle::from_bytes(bundle.as_bytes()).unwrap();
        assert_eq!((read.suite(), read.identity(), read.fingerprint()), (suite, &alice(suite).public(), alice(suite).fingerprint()));
        assert_eq!((read.not_before(), read.not_after(), read.reference()), (NOW - DAY + 1, NOW + 30 * DAY, bundle.reference()));
        let valid = [NOW - DAY, NOW - DAY + 1, NOW, NOW + 30 * DAY - 1, NOW + 30 * DAY, u64::MAX].map(|now| read.is_valid(now));
        assert_eq!(valid, [false, true, true, true, false, false]);
    }
}

/// Each byte of it: no part is unused.
#[test]
fn a_flipped_byte_of_a_bundle_goes_unnoticed() {
    for suite in Suite::ALL.iter().copied() {
        let key = static_key(alice(suite), suite, 1);
        let bytes = key.bundle().as_bytes();
        let step = if cfg!(debug_assertions) { 97 } else { 7 };
        for at in (0..bytes.len()).step_by(step).chain([1, bytes.len() - 1]) {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1 << (at % 8);
            assert!(Bundle::from_bytes(&changed).is_err(), "{suite:?}, byte {at}");
        }
        for cut in [&bytes[..0], &bytes[..1], &bytes[..bytes.len() - 1], &[bytes, &[0]].concat()] {
            assert_eq!(Bundle::from_bytes(cut).err(), Some(Error::Malformed), "{suite:?}, {} bytes", cut.len());
        }
    }
}

#[test]
fn somebody_elses_bundle_is_taken() {
    let suite = Suite::default();
    let key = static_key(alice(suite), suite, 1);
    assert!(Bundle::from_bytes_of(&alice(suite).fingerprint(), key.bundle().as_bytes()).is_ok());
    let read = Bundle::from_bytes_of(&bob(suite).fingerprint(), key.bundle().as_bytes());
    assert_eq!(read.err(), Some(Error::Untrusted(Distrust::NotExpected)));
}

#[test]
fn a_bundle_ends_before_it_begins_or_holds_for_ever() {
    let suite = Suite::default();
    let make = |from, to| StaticKey::generate_with_rng(alice(suite), suite, from, to, &mut Seeded::new(1)).err();
    for (from, to) in [(NOW, NOW), (NOW, NOW - 1), (NOW, NOW + 60 * DAY + 1), (0, u64::MAX), (u64::MAX, 0)] {
        assert_eq!(make(from, to), Some(Error::InvalidTimes), "{from} to {to}");
    }
    for (from, to) in [(NOW, NOW + 1), (NOW, NOW + 60 * DAY), (0, 1), (u64::MAX - 1, u64::MAX)] {
        assert_eq!(make(from, to), None, "{from} to {to}");
    }
}

#[test]
fn a_key_of_another_suite_is_signed_for() {
    let elsewhere: Vec<_> = Suite::ALL.iter().filter(|suite| suite.signature() != Suite::default().signature()).collect();
    for suite in elsewhere {
        let (has, needs) = (Suite::default().signature().id(), suite.signature().id());
        let made = StaticKey::generate_with_rng(alice(Suite::default()), *suite, NOW, NOW + DAY, &mut Seeded::new(1));
        assert_eq!(made.err(), Some(Error::WrongIdentity { has, needs }));
    }
}

#[test]
fn a_failing_generator_makes_a_static_key() {
    for suite in Suite::ALL.iter().copied() {
        // The seed, and what hedges the signature; round 3's crate draws that elsewhere, or not at all.
        let draws = if suite.must_be_named() { 1 } else { 2 };
        for fails_at in 0..=draws {
            let rng = &mut Seeded::failing_at(1, fails_at);
            let made = StaticKey::generate_with_rng(alice(suite), suite, NOW, NOW + DAY, rng);
            assert_eq!(made.err(), (fails_at < draws).then_some(Error::Randomness), "{suite:?}, {fails_at}");
        }
    }
}

#[test]
fn a_signer_elsewhere_cannot_make_a_bundle() {
    for suite in Suite::ALL.iter().copied() {
        let (me, other) = (alice(suite), bob(suite));
        let keyless = Identity::elsewhere(me.public());
        let made = StaticKey::generate_with_rng(&keyless, suite, NOW, NOW + DAY, &mut Seeded::new(1));
        assert_eq!(made.err(), Some(Error::SignerElsewhere));
        let draft = || StaticKeyToSign::generate_with_rng(&keyless.public(), suite, NOW, NOW + DAY, &mut Seeded::new(1)).unwrap();
        let sign = |by: &Identity, draft: &StaticKeyToSign| by.sign_with_rng(draft.to_sign(), &mut Seeded::new(2)).unwrap();
        let good = draft();
        assert_eq!((good.to_sign().context(), good.signer()), (b"twinlock1 bundle".as_slice(), &me.public()));
        let signature = sign(me, &good);
        let key = good.signed(&signature).unwrap();
        assert_eq!((key.bundle().fingerprint(), key.bundle().suite()), (me.fingerprint(), suite));
        // Of somebody else, changed, and of another length.
        let bad = draft();
        let signature = sign(other, &bad);
        assert_eq!(bad.signed(&signature).err(), Some(Error::Authentication));
        for (change, error) in [(0, Error::Authentication), (1, Error::Malformed)] {
            let bad = draft();
            let mut signature = sign(me, &bad);
            if change == 0 {
                signature[9] ^= 1
            } else {
                signature.push(0)
            }
            assert_eq!(bad.signed(&signature).err(), Some(error));
        }
    }
}

#[test]
fn a_static_key_is_kept_with_another_bundle() {
    for suite in Suite::ALL.iter().copied() {
        let [one, other] = [1, 2].map(|seed| static_key(alice(suite), suite, seed));
        let kept = one.to_secret_bytes();
        let again = StaticKey::from_secret_bytes(kept.expose()).unwrap();
        assert_eq!(again.to_secret_bytes().expose(), kept.expose());
        let secret_len = kept.expose().len() - one.bundle().as_bytes().len();
        let mixed = [&kept.expose()[..secret_len], other.bundle().as_bytes()].concat();
        let mut flipped = kept.expose().to_vec();
        flipped[0] ^= 1;
        let mut forged = kept.expose().to_vec();
        *forged.last_mut().unwrap() ^= 1;
        let short = &kept.expose()[..kept.expose().len() - 1];
        for bytes in [&mixed, &flipped, &forged, short, &[kept.expose(), &[0]].concat(), &[], one.bundle().as_bytes()] {
            assert_eq!(StaticKey::from_secret_bytes(bytes).err(), Some(Error::InvalidKey), "{suite:?}, {} bytes", bytes.len());
        }
    }
}

#[test]
fn a_static_key_prints_its_secret() {
    let suite = Suite::default();
    let key = static_key(alice(suite), suite, 1);
    let bundle = format!(
        "Bundle {{ of: {}, suite: Level3ChaCha, not_before: {}, not_after: {}, .. }}",
        alice(suite).fingerprint(),
        NOW - DAY + 1,
        NOW + 30 * DAY
    );
    assert_eq!(format!("{:?}", key.bundle()), bundle);
    assert_eq!(format!("{key:?}"), format!("StaticKey {{ bundle: {bundle}, .. }}"));
    assert_eq!(format!("{:?}", key.to_secret_bytes()), "SecretBytes(6623 bytes)");
}
