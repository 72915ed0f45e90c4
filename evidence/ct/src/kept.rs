//! What acquaintances keep: static keys, resumption records, and the stores that hold them and find them again.

use crate::scene::{NOW, RECORD_ID, channels, plain_identity, plain_static_key, secret_identity, secret_in_bundle, secret_static_key};
use crate::taint::{Rng, arrived, secret, verdict};
use std::fs;
use twinlock::acquaintances::{Acquaintances, AddressBook, Book, Folder, Report};
use twinlock::channel::{Resumption, Role};
use twinlock::identity::{Bundle, StaticKey, StaticKeyToSign};
use twinlock::{Identity, Suite};

fn kept(what: &'static str, key: &StaticKey) {
    arrived(what, key.to_secret_bytes().expose());
}

// Static keys.

pub fn static_key_generate(suite: Suite) {
    let me = secret_identity(suite, 60);
    let made = StaticKey::generate_with_rng(&me, suite, NOW, NOW + 1, &mut Rng::tainted(61));
    let key = verdict(made).expect("the times are allowed");
    arrived("bundle", key.bundle().as_bytes());
    kept("static key", &key);
}

/// By a signer elsewhere.
pub fn static_key_elsewhere(suite: Suite) {
    let holder = secret_identity(suite, 60);
    let draft = verdict(StaticKeyToSign::generate_with_rng(&holder.public(), suite, NOW, NOW + 1, &mut Rng::tainted(61)));
    let draft = draft.expect("the times are allowed");
    arrived("to sign", draft.to_sign().message());
    let signature = verdict(holder.sign_with_rng(draft.to_sign(), &mut Rng::tainted(62))).expect("a signature");
    arrived("signature", &signature);
    kept("static key", &verdict(draft.signed(&signature)).expect("the signature is good"));
}

/// As a store gives it back: the key is undefined, its bundle is not.
pub fn static_key_load(suite: Suite) {
    kept("static key", &secret_static_key(&plain_static_key(&plain_identity(suite, 60), suite, 1, 61)));
}

/// A bundle as a peer sends it, which is encrypted on its way.
pub fn bundle(suite: Suite) {
    let mut bytes = plain_static_key(&plain_identity(suite, 60), suite, 1, 61).bundle().as_bytes().to_vec();
    for change in [false, true] {
        let last = bytes.len() - 20;
        bytes[last] ^= u8::from(change);
        let mut bytes = bytes.clone();
        secret_in_bundle(suite, &mut bytes);
        assert_eq!(verdict(Bundle::from_bytes(&bytes)).is_err(), change, "a changed bundle was taken, or a good one was not");
        arrived("bundle", &bytes);
    }
}

// Resumption records.

/// Of a conversation whose secrets are undefined.
fn records(suite: Suite, seed: u64) -> [Resumption; 2] {
    let (mine, theirs) = channels(suite, seed);
    [mine, theirs].map(|mut channel| verdict(channel.keep_resumption(NOW)).expect("it is derived").expect("it is the first time"))
}

pub fn resumption(suite: Suite) {
    let [record, _] = records(suite, 63);
    let written = record.to_secret_bytes();
    let copy = written.expose().to_vec();
    arrived("record", written.expose());
    let again = verdict(Resumption::from_secret_bytes(&copy)).expect("it is one");
    arrived("record", again.to_secret_bytes().expose());
}

// Stores.

/// Whom a reference names, among three that are kept and one that is not.
pub fn book_acquaintance(suite: Suite) {
    let people: Vec<Identity> = (64..68).map(|seed| plain_identity(suite, seed)).collect();
    let keys: Vec<StaticKey> = people.iter().map(|person| plain_static_key(person, suite, 1, 68)).collect();
    let mut book = Book::new();
    for key in &keys[..3] {
        let _ = book.take_bundle(key.bundle().clone(), NOW).expect("there is place");
    }
    for (number, key) in keys.iter().enumerate() {
        let mut reference = *key.bundle().reference();
        secret(&mut reference);
        let found = verdict(book.acquaintance(suite, &reference, NOW)).expect("it can be read");
        arrived("reference", &reference);
        let wanted = (number < 3).then(|| key.bundle().as_bytes());
        assert_eq!(found.as_ref().map(|bundle| bundle.as_bytes()), wanted, "another bundle was found");
    }
}

/// The ids of the records that are kept are undefined, and those of records that were used; the id that is asked for is public.
pub fn book_records(suite: Suite) {
    let mut book = Book::new();
    let ids: Vec<[u8; 16]> = (70..73).map(|seed| keep(&mut book, &records(suite, 10 * seed)[1])).collect();
    for id in &ids {
        let found = verdict(book.resumption(Role::Answerer, id, NOW)).expect("it can be read").expect("it is known");
        arrived("record", found.to_secret_bytes().expose());
    }
    assert!(verdict(book.resumption(Role::Answerer, &[7; 16], NOW)).expect("it can be read").is_none());
    assert!(verdict(book.remove(Role::Answerer, &ids[1], NOW)).expect("it can be written"));
    assert!(verdict(book.resumption(Role::Answerer, &ids[1], NOW)).expect("it can be read").is_none());
    assert!(!verdict(book.remove(Role::Answerer, &ids[1], NOW)).expect("it can be written"));
    let reports = verdict(book.reports()).expect("it can be written");
    let [Report::SecondUse { id, .. }] = reports.as_slice() else { panic!("one record was used again: {reports:?}") };
    arrived("id of a used record", id);
}

/// Its id, which stays undefined in the store.
fn keep(book: &mut Book, record: &Resumption) -> [u8; 16] {
    let mut bytes = record.to_secret_bytes().expose().to_vec();
    secret(&mut bytes[RECORD_ID]);
    // A verdict would declassify the id, which stands in the value itself.
    let record = Resumption::from_secret_bytes(&bytes).expect("it is one");
    let id = *record.id();
    assert!(verdict(book.keep(record, NOW)).expect("it can be written"));
    arrived("id", &id);
    id
}

pub fn book_keys(suite: Suite) {
    let me = secret_identity(suite, 60);
    let mut book = Book::new();
    let key = verdict(book.renew_with_rng(&me, suite, NOW, &mut Rng::tainted(61))).expect("it is made");
    arrived("bundle", key.bundle().as_bytes());
    kept("static key", &key);
}

/// What a folder writes is undefined until the system has it. What it reads again the system has defined.
pub fn folder(suite: Suite) {
    let path = std::env::temp_dir().join(format!("twinlock-ct-{}", std::process::id()));
    drop(fs::remove_dir_all(&path));
    let mut folder = Folder::open(&path).expect("it is made");
    let me = plain_identity(suite, 60);
    let key = folder.add_key(secret_static_key(&plain_static_key(&me, suite, 1, 61)), NOW).expect("it is the first");
    kept("static key", &key);
    let [record, _] = records(suite, 63);
    let id = *record.id();
    assert!(verdict(folder.keep(record, NOW)).expect("it can be written"));
    let found = verdict(folder.resumption(Role::Opener, &id, NOW)).expect("it can be read").expect("it is known");
    arrived("record", found.to_secret_bytes().expose());
    let again = Folder::open(&path).expect("it is one");
    assert!(again.static_keys(suite, NOW).is_ok_and(|keys| keys.len() == 1), "the key is not there any more");
    assert!(again.resumption(Role::Opener, &id, NOW).is_ok_and(|found| found.is_some()), "the record is not there any more");
    assert!(verdict(folder.remove(Role::Opener, &id, NOW)).expect("it can be written"));
    fs::remove_dir_all(&path).expect("it can be removed");
}
