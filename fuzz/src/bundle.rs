//! Bundles from anybody, and one's own static keys, as they were kept and as they are made (docs/protocol.md, section 4.6).
//!
//! A bundle that is read is one that its owner made: nothing else has a good signature. Those of the vectors that are none stay none, however they are changed, and what
//! is read is given back byte for byte, as PEM too. A static key that is read is one whose bundle has a good signature over the key that belongs to its seed.

use crate::acquainted::{decoys, world};
use crate::book::Book;
use crate::input::Input;
use crate::kems::is_key;
use crate::keyfile::scratch;
use crate::pem;
use crate::people::{OF_EACH, identities};
use crate::rng::{Coins, Seeded};
use sha2::{Digest, Sha256, Sha512};
use std::fs;
use std::sync::Arc;
use twinlock::handshake::{AcquaintedInitiator, AnyHello, Responder};
use twinlock::identity::{StaticKey, StaticKeyToSign};
use twinlock::keyfile::{self, KeyFileError, bundle_from_pem, bundle_to_pem};
use twinlock::trust::Pinned;
use twinlock::{Bundle, Distrust, Error, Fingerprint, Identity, Suite};

/// 60 days, in seconds.
const LONGEST: u64 = 5_184_000;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 8 {
        0 => make(&mut input),
        1 | 2 => static_key(&mut input),
        _ => bundle(&mut input),
    }
}

/// As PEM.
pub fn run_pem(data: &[u8]) {
    let mut input = Input::new(data);
    let bytes = bundle_bytes(&mut input);
    let good = is_made(&bytes);
    let (text, form) = pem::text("TWINLOCK BUNDLE", &bytes, &mut input);
    match bundle_from_pem(&text) {
        Err(error @ KeyFileError::InvalidBundle(_)) => {
            assert!(form != pem::Form::Refused && !(good && form == pem::Form::Good), "{error}");
        }
        Err(error) => assert!(form != pem::Form::Good && !error.to_string().is_empty(), "{error}"),
        Ok(read) => {
            assert!(form != pem::Form::Refused, "read, where the PEM is none");
            check(&read, &read.as_bytes().to_vec(), &mut input);
            assert!(pem::is(&text, "TWINLOCK BUNDLE", read.as_bytes()), "read, where other PEM stands");
            let written = bundle_to_pem(&read);
            assert_eq!(bundle_from_pem(&written).expect("what was written"), read);
            assert!(written.lines().all(|line| line.len() <= 64));
            by_file(&read, &written, &mut input);
        }
    }
}

/// Over a file on some runs.
fn by_file(read: &Bundle, written: &str, input: &mut Input) {
    if input.byte() % 16 != 0 {
        return;
    }
    let path = scratch("bundle");
    let _ = fs::remove_file(&path);
    keyfile::save_bundle(&path, read).expect("a new file");
    assert!(matches!(keyfile::save_bundle(&path, read), Err(KeyFileError::Exists { .. })), "a file was overwritten");
    assert!(fs::read_to_string(&path).is_ok_and(|text| text == written));
    assert_eq!(&keyfile::load_bundle(&path).expect("what was written"), read);
    let _ = fs::remove_file(&path);
}

/// A bundle or what is like one.
fn bundle_bytes(input: &mut Input) -> Vec<u8> {
    let (world, mut bytes) = (world(), Vec::new());
    match input.byte() % 8 {
        0 => bytes.extend_from_slice(input.rest()),
        1 => bytes.clone_from(input.pick(&world.bad_bundles)),
        _ => bytes.extend_from_slice(input.pick(&world.keys).1.bundle().as_bytes()),
    }
    let suite = suite_of(&bytes);
    input.change(&mut bytes, &borders(suite.unwrap_or_default()));
    bytes
}

fn is_made(bytes: &[u8]) -> bool {
    world().keys.iter().any(|(_, key)| key.bundle().as_bytes() == bytes)
}

fn bundle(input: &mut Input) {
    let bytes = bundle_bytes(input);
    match Bundle::from_bytes(&bytes) {
        Ok(read) => check(&read, &bytes, input),
        Err(error) => check_error(error, &bytes),
    }
}

/// As it was kept, and changed.
fn static_key(input: &mut Input) {
    let (_, key) = input.pick(&world().keys);
    let honest = key.to_secret_bytes();
    let mut bytes = honest.expose().to_vec();
    match input.byte() % 8 {
        0 => bytes = input.rest().to_vec(),
        // One key's seed and another's bundle.
        1 => bytes.splice(32.., input.pick(&world().keys).1.bundle().as_bytes().iter().copied()).for_each(drop),
        _ => input.change(&mut bytes, &[0, 32, 34, honest.expose().len()]),
    }
    let good = world().keys.iter().any(|(_, key)| key.to_secret_bytes().expose() == bytes);
    match StaticKey::from_secret_bytes(&bytes) {
        Ok(read) => {
            assert!(good, "a static key was read that is none");
            assert!(read.to_secret_bytes().expose() == bytes && bytes.ends_with(read.bundle().as_bytes()));
        }
        Err(error) => assert!(!good && error == Error::InvalidKey, "{error:?}"),
    }
}

/// A new one, signed here or elsewhere: it fits its owner, its suite and its times, or is none.
fn make(input: &mut Input) {
    let (me, suite) = (&identities()[input.below(2 * OF_EACH)], *input.pick(Suite::ALL));
    let times = [0, 1, world().now, world().now + 1, world().now + LONGEST, world().now + LONGEST + 1, u64::MAX];
    let (from, to, rng) = (*input.pick(&times), *input.pick(&times), &mut Seeded::new(input.byte().into()));
    let (has, needs) = (me.public().algorithm(), suite.signature());
    let expected = match to.checked_sub(from) {
        _ if has != needs => Some(Error::WrongIdentity { has: has.id(), needs: needs.id() }),
        Some(1..=LONGEST) => None,
        _ => Some(Error::InvalidTimes),
    };
    if input.flag() {
        let made = StaticKey::generate_with_rng(me, suite, from, to, rng);
        assert_eq!(made.as_ref().err(), expected.as_ref());
        return made.map_or((), |key| check_made(&key, me, suite, from, to));
    }
    let dry = StaticKeyToSign::generate_with_rng(&me.public(), suite, from, to, &mut Coins::new(vec![0; 31]));
    assert_eq!(dry.err(), expected.clone().or(Some(Error::Randomness)));
    let draft = StaticKeyToSign::generate_with_rng(&me.public(), suite, from, to, rng);
    assert_eq!(draft.as_ref().err(), expected.as_ref());
    let Ok(draft) = draft else { return };
    assert!(*draft.signer() == me.public() && draft.to_sign().message().len() + needs.signature_len() == Bundle::len_in(suite));
    let honest = me.sign_with_rng(draft.to_sign(), rng).expect("a good generator");
    let mut signature = honest.clone();
    input.change(&mut signature, &[0, honest.len() - 104, honest.len() - 64, honest.len()]);
    assert!(!format!("{draft:?}").is_empty());
    match draft.signed(&signature) {
        Ok(key) => {
            assert!(signature == honest, "another signature was taken");
            check_made(&key, me, suite, from, to);
        }
        Err(error) => {
            assert!(signature != honest && matches!(error, Error::Malformed | Error::Authentication), "{error:?}");
            assert_eq!(error == Error::Malformed, signature.len() != honest.len());
        }
    }
}

fn check_made(key: &StaticKey, me: &Identity, suite: Suite, from: u64, to: u64) {
    let bundle = key.bundle();
    assert!((bundle.suite(), bundle.not_before(), bundle.not_after()) == (suite, from, to) && *bundle.identity() == me.public());
    assert!(Bundle::from_bytes(bundle.as_bytes()).is_ok() && !format!("{key:?}{bundle:?}").is_empty());
    let again = StaticKey::from_secret_bytes(key.to_secret_bytes().expose()).expect("what was given");
    assert!(again.bundle().as_bytes() == bundle.as_bytes());
    serves(Arc::new(again), me, suite, from);
}

/// Two programs of one owner meet by it.
fn serves(key: Arc<StaticKey>, me: &Identity, suite: Suite, now: u64) {
    let (book, rng) = (Book::of(&key, &[&key]), &mut Seeded::new(5));
    let (waits, hello) = AcquaintedInitiator::new(&key, key.bundle(), b"", now).send_hello_with_rng(rng).expect("a key that is valid now");
    let responder = Responder::new(me, b"").suites(&[suite]).decoys(decoys()).now(now);
    let Ok(AnyHello::Acquainted(heard)) = responder.read_hello_with(&hello, &book) else { panic!("a good message 1 was refused") };
    let (awaits, reply) = heard.send_reply_with_rng(rng).expect("a good generator");
    let read = waits.read_reply(&reply).expect("a good message 2");
    let (_, confirm) = read.send_confirm(&mut Pinned(me.fingerprint())).expect("who was expected");
    assert_eq!(awaits.read_confirm(&confirm).expect("a good Confirm").peer().fingerprint(), Some(me.fingerprint()));
}

fn suite_of(bytes: &[u8]) -> Option<Suite> {
    bytes.first_chunk().and_then(|id| Suite::from_id(u16::from_be_bytes(*id)).ok())
}

fn borders(suite: Suite) -> Vec<usize> {
    let (identity, ek) = (suite.signature().public_key_len(), suite.encapsulation_key_len());
    let classical = if suite == Suite::Level5Aes { 97 } else { 32 };
    let end = 2 + identity + ek;
    vec![0, 2, 2 + identity, end - classical, end, end + 8, end + 16, end + 16 + suite.signature().signature_len()]
}

fn check(read: &Bundle, bytes: &[u8], input: &mut Input) {
    assert!(is_made(bytes), "a bundle was read that nobody made");
    assert!(read.as_bytes() == bytes && Bundle::from_bytes(read.as_bytes()).is_ok_and(|again| again.as_bytes() == bytes));
    let (suite, borders) = (read.suite(), borders(read.suite()));
    let time = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    let (not_before, not_after) = (time(borders[4]), time(borders[5]));
    assert_eq!((Some(suite), read.not_before(), read.not_after()), (suite_of(bytes), not_before, not_after));
    assert_eq!(Bundle::len_in(suite), bytes.len());
    assert!(read.identity().as_bytes() == &bytes[borders[1]..borders[2]] && read.identity().fingerprint() == read.fingerprint());
    assert_eq!(read.reference()[..], reference(suite, &bytes[..borders[6]])[..32]);
    let times = [0, not_before - 1, not_before, not_before + 1, not_after - 1, not_after, u64::MAX];
    let now = *input.pick(&times);
    assert_eq!(read.is_valid(now), not_before <= now && now < not_after);
    assert!(not_after > not_before && not_after - not_before <= LONGEST);
    assert!(Bundle::from_bytes_of(&read.fingerprint(), bytes).is_ok());
    let asked = Fingerprint::from_bytes([input.byte(); 32]);
    assert_eq!(Bundle::from_bytes_of(&asked, bytes).err(), Some(Error::Untrusted(Distrust::NotExpected)));
}

fn reference(suite: Suite, unsigned: &[u8]) -> Vec<u8> {
    let all = [b"tl1 bundle ref", unsigned].concat();
    if suite == Suite::Level5Aes { Sha512::digest(all).to_vec() } else { Sha256::digest(all).to_vec() }
}

/// What is wrong, as far as it goes without arithmetic: the suite, the shape, and then the signature. None where a key was changed, which may be none then.
fn expected(bytes: &[u8]) -> Option<Error> {
    let Some(id) = bytes.first_chunk().copied().map(u16::from_be_bytes) else { return Some(Error::Malformed) };
    let Ok(suite) = Suite::from_id(id) else { return Some(Error::UnknownSuite { id }) };
    if bytes.len() != Bundle::len_in(suite) {
        return Some(Error::Malformed);
    }
    let borders = borders(suite);
    let field = |at: usize| &bytes[borders[at]..borders[at + 1]];
    let time = |at: usize| u64::from_be_bytes(field(at).try_into().expect("8 bytes"));
    if time(5).checked_sub(time(4)).is_none_or(|length| !(1..=LONGEST).contains(&length)) {
        return Some(Error::Malformed);
    }
    let key = &bytes[borders[2]..borders[4]];
    if is_key(suite, key) == Some(false) {
        return Some(Error::Malformed);
    }
    let mut all = world().keys.iter().map(|(_, key)| key.bundle().as_bytes());
    let known = |bundle: &[u8], from: usize, to: usize| bundle.get(borders[from]..borders[to]) == bytes.get(borders[from]..borders[to]);
    let (identity, classical) = (all.clone().any(|bundle| known(bundle, 1, 2)), all.any(|bundle| known(bundle, 3, 4)));
    (identity && classical).then_some(Error::Authentication)
}

fn check_error(error: Error, bytes: &[u8]) {
    assert!(world().keys.iter().all(|(_, key)| key.bundle().as_bytes() != bytes), "a good bundle was refused: {error:?}");
    match expected(bytes) {
        Some(expected) => assert_eq!(error, expected),
        None => assert!(matches!(error, Error::Malformed | Error::Authentication), "{error:?}"),
    }
}
