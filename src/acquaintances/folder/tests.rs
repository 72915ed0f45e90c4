//! The machine stops at every byte and every step of every change: what is on the disk then is the old or the new, a key that was told kept is there, and a secret that was used is not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use super::Folder;
use crate::acquaintances::{Acquaintances, AddressBook, AddressBookError, Taken, Wanted, Way};
use crate::channel::{Resumption, Role};
use crate::crypto::backend;
use crate::crypto::suite::Suite;
use crate::durable::crash;
use crate::handshake::{Initiator, Responder};
use crate::identity::{Bundle, Identity, StaticKey};
use crate::trust::danger::TrustAnyone;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

const NOW: u64 = 1_767_312_000;
const DAY: u64 = 86_400;
const SUITE: Suite = Suite::Level3ChaCha;
const PROLOGUE: &[u8] = b"crash/1";

static ALICE: LazyLock<Identity> = LazyLock::new(|| Identity::generate().unwrap());
static BOB: LazyLock<Identity> = LazyLock::new(|| Identity::generate().unwrap());

fn meet(now: u64) -> (Resumption, Resumption) {
    let (a, hello) = Initiator::new(&ALICE, PROLOGUE).send_hello().unwrap();
    let (b, reply) = Responder::new(&BOB, PROLOGUE).read_hello(&hello).unwrap().send_reply().unwrap();
    let (mut a, finish) = a.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
    let mut b = b.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap();
    (a.keep_resumption(now).unwrap().unwrap(), b.keep_resumption(now).unwrap().unwrap())
}

fn bundle(from: u64, to: u64) -> Bundle {
    StaticKey::generate(&BOB, SUITE, from, to).unwrap().bundle().clone()
}

fn wanted() -> Wanted<'static> {
    Wanted { me: Some(ALICE.fingerprint()), peer: Some(BOB.fingerprint()), suite: SUITE, prologue: PROLOGUE, psk_tag: None }
}

/// Where files live in memory, if there is such a place: nothing here is about the disk itself.
fn temporary() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Everything that a folder says it keeps.
fn summary(path: &Path) -> String {
    let folder = Folder::open(path).unwrap();
    let seen = folder.seen();
    let state = &seen.state;
    let mut text = String::new();
    let mut line = |what: &str, bytes: &[u8]| writeln!(text, "{what} {bytes:02x?}").unwrap();
    for own in &state.keys {
        line("key", own.key.to_secret_bytes().expose());
        own.delivered.iter().for_each(|(peer, _)| line("delivered", peer.as_bytes()));
    }
    state.bundles.iter().for_each(|kept| line("bundle", kept.bundle.as_bytes()));
    state.records.iter().for_each(|kept| line("record", kept.record.to_secret_bytes().expose()));
    state.used.iter().for_each(|used| line("used", &[&used.id[..], &[u8::from(used.reported)]].concat()));
    state.peers.iter().for_each(|known| line("peer", &known.last_seen.to_be_bytes()));
    state.issued.iter().for_each(|issued| line("issued", &issued.not_before.to_be_bytes()));
    line("clock", &[state.clock.latest.get().to_be_bytes().to_vec(), state.clock.set.to_be_bytes().to_vec()].concat());
    line("copied", &[u8::from(state.copied)]);
    text
}

fn holds(path: &Path, secret: &[u8]) -> bool {
    let files = fs::read_dir(path).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    files.into_iter().any(|file| file.windows(secret.len()).any(|window| window == secret))
}

/// Where to stop: at every step, at the first bytes and the last before each, and at some of those between, which differ from each other by no more than how many there are.
fn moments(f: impl FnOnce()) -> Vec<usize> {
    let (steps, all) = crash::moments(f);
    let near = |moment: &usize| *moment < 64 || moment.is_multiple_of(251) || steps.iter().any(|step| moment.abs_diff(*step) <= 2);
    (0..=all).filter(near).collect()
}

/// Stops the machine in this change to what `prepare` left. Each run starts anew.
fn crash_everywhere(prepare: impl Fn(&Path), change: impl Fn(&mut Folder) -> Result<(), AddressBookError>, gone: Option<&[u8]>) {
    let begin = || {
        let around = temporary();
        let path = around.path().join("acquaintances");
        prepare(&path);
        let old = summary(&path);
        let folder = Folder::open(&path).unwrap();
        (around, path, old, folder)
    };
    let (_around, _, _, mut folder) = begin();
    let moments = moments(|| change(&mut folder).unwrap());
    let (mut before, mut after) = (0, 0);
    for moment in moments {
        let (_around, path, old, mut folder) = begin();
        crash::after(moment);
        let done = change(&mut folder);
        crash::after(usize::MAX);
        drop(folder);
        let new = summary(&path);
        // What is told done is there. What is not is there whole, or not at all, and then the same change goes through.
        if new == old {
            before += 1;
            assert!(done.is_err(), "at {moment}: told done, and lost");
            change(&mut Folder::open(&path).unwrap()).unwrap();
        } else {
            after += 1;
        }
        // Whoever opens it next clears away what the crash left.
        let changed = summary(&path);
        assert!(changed != old && (new == old || new == changed), "at {moment}: something between");
        assert!(gone.is_none_or(|secret| !holds(&path, secret)), "at {moment}: a secret that is gone is back");
    }
    assert!(before > 5 && after > 0, "it stopped {before} times before, and {after} after");
}

fn empty(path: &Path) {
    drop(Folder::open(path).unwrap());
}

#[test]
fn a_crash_loses_a_static_key_or_brings_an_ended_one_back() {
    let first = StaticKey::generate(&ALICE, SUITE, NOW - DAY, NOW + DAY).unwrap().to_secret_bytes();
    let later = StaticKey::generate(&ALICE, SUITE, NOW + DAY, NOW + 50 * DAY).unwrap().to_secret_bytes();
    let key = |bytes: &crate::SecretBytes| StaticKey::from_secret_bytes(bytes.expose()).unwrap();
    let secret = &first.expose()[..32];
    crash_everywhere(empty, |folder| folder.add_key(key(&first), NOW).map(drop), None);
    let with_first = |path: &Path| drop(Folder::open(path).unwrap().add_key(key(&first), NOW).unwrap());
    // The first one has ended when the next is added.
    crash_everywhere(with_first, |folder| folder.add_key(key(&later), NOW + 2 * DAY).map(drop), Some(secret));
    crash_everywhere(with_first, |folder| folder.tidy(NOW + 2 * DAY), Some(secret));
    crash_everywhere(with_first, |folder| folder.forget_keys(ALICE.fingerprint()).map(drop), Some(secret));
    crash_everywhere(with_first, |folder| folder.set_delivered(BOB.fingerprint(), key(&first).bundle(), NOW).map(drop), None);
}

#[test]
fn a_crash_loses_a_record_or_brings_a_used_one_back() {
    let (opener, answerer) = meet(NOW);
    let (opener, answerer) = (opener.to_secret_bytes(), answerer.to_secret_bytes());
    let record = |bytes: &crate::SecretBytes| Resumption::from_secret_bytes(bytes.expose()).unwrap();
    let id = *record(&opener).id();
    let secret = &opener.expose()[20..52];
    assert_eq!(secret, record(&answerer).psk().expose());
    crash_everywhere(empty, |folder| folder.keep(record(&opener), NOW).map(drop), None);
    let with = |bytes: &crate::SecretBytes, path: &Path| assert!(Folder::open(path).unwrap().keep(record(bytes), NOW).unwrap());
    let remove =
        |role, folder: &mut Folder| folder.remove(role, &id, NOW).map(|removed| assert!(removed)).map_err(AddressBookError::NotMade);
    crash_everywhere(|path| with(&opener, path), |folder| remove(Role::Opener, folder), Some(secret));
    crash_everywhere(|path| with(&answerer, path), |folder| remove(Role::Answerer, folder), Some(secret));
    crash_everywhere(|path| with(&opener, path), |folder| folder.forget(BOB.fingerprint()).map(drop), Some(secret));
    crash_everywhere(|path| with(&opener, path), |folder| folder.tidy(NOW + 8 * DAY), Some(secret));
}

#[test]
fn a_crash_mixes_two_bundles_or_forgets_the_newest() {
    let (old, new) = (bundle(NOW - DAY, NOW + DAY), bundle(NOW, NOW + DAY));
    let take = |bundle: &Bundle, folder: &mut Folder| {
        folder.take_bundle(bundle.clone(), NOW).map(|taken| assert!(!matches!(taken, Taken::Not(_))))
    };
    crash_everywhere(empty, |folder| take(&old, folder), None);
    let with_old = |path: &Path| take(&old, &mut Folder::open(path).unwrap()).unwrap();
    crash_everywhere(with_old, |folder| take(&new, folder), None);
    crash_everywhere(with_old, |folder| folder.seen(BOB.fingerprint(), SUITE, Way::Met, NOW), None);
}

#[test]
fn a_crash_loses_the_latest_time_or_that_it_was_set_right() {
    let told = |path: &Path| Folder::open(path).unwrap().tidy(NOW).unwrap();
    crash_everywhere(told, |folder| folder.tidy(NOW + DAY).and_then(|()| folder.seen(BOB.fingerprint(), SUITE, Way::Met, NOW + DAY)), None);
    crash_everywhere(told, Acquaintances::clock_is_right, None);
    let heard = |folder: &mut Folder| folder.acquaintance(SUITE, &[0; 32], NOW + DAY).map(drop).map_err(AddressBookError::NotMade);
    crash_everywhere(told, heard, None);
}

#[test]
fn a_crash_while_the_folder_is_made_leaves_one_that_cannot_be_opened() {
    let around = temporary();
    for moment in moments(|| drop(Folder::open(around.path().join("first")).unwrap())) {
        let path = around.path().join(format!("{moment}"));
        crash::after(moment);
        drop(Folder::open(&path));
        crash::after(usize::MAX);
        assert!(Folder::open(&path).unwrap().keep(meet(NOW).0, NOW).unwrap());
        let files: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files.len(), 3, "{files:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_whose_name_may_not_be_on_the_disk_is_opened() {
    let around = temporary();
    let path = around.path().join("acquaintances");
    crash::after(0);
    let opened = Folder::open(&path);
    crash::after(usize::MAX);
    assert!(matches!(opened, Err(AddressBookError::Io { path: at, .. }) if at == path));
}

/// Whole, and of another edition or a build with other suites.
#[test]
fn a_folder_with_a_suite_that_is_not_known_is_called_damaged() {
    let around = temporary();
    let path = around.path().join("acquaintances");
    let key = StaticKey::generate(&ALICE, SUITE, NOW, NOW + DAY).unwrap();
    Folder::open(&path).unwrap().add_key(key, NOW).unwrap();
    let state = path.join("state");
    let mut bytes = fs::read(&state).unwrap();
    let me = ALICE.fingerprint();
    let at = bytes.windows(32).position(|window| window == me.as_bytes()).unwrap() + 32;
    assert_eq!(bytes[at..at + 2], SUITE.id().to_be_bytes());
    bytes[at..at + 2].copy_from_slice(&[0x12, 0x34]);
    let sum = bytes.len() - 32;
    let (all, place) = bytes.split_at_mut(sum);
    place.copy_from_slice(&backend::sha256(&[all]));
    fs::write(&state, &bytes).unwrap();
    let error = Folder::open(&path).err().unwrap();
    assert!(matches!(&error, AddressBookError::UnknownSuite { path: at, id: 0x1234 } if *at == state), "{error}");
    assert!(fs::read(&state).unwrap() == bytes);
}

/// A folder that came back is found out before anything of it is used, whatever happens on the way.
#[cfg(unix)]
#[test]
fn a_crash_lets_a_restored_record_be_used() {
    let record = meet(NOW).0.to_secret_bytes();
    let restored = |path: &Path| {
        let original = path.with_extension("original");
        let record = record.expose();
        assert!(Folder::open(&original).unwrap().keep(Resumption::from_secret_bytes(record).unwrap(), NOW).unwrap());
        drop(Folder::open(path).unwrap());
        std::thread::sleep(core::time::Duration::from_millis(20));
        for entry in fs::read_dir(&original).unwrap() {
            let from = entry.unwrap().path();
            let to = path.join(from.file_name().unwrap());
            let _ = fs::remove_file(&to);
            fs::copy(&from, &to).unwrap();
        }
    };
    let around = temporary();
    let first = around.path().join("first");
    restored(&first);
    if fs::metadata(first.join("state")).unwrap().created().is_err() {
        return;
    }
    for moment in moments(|| drop(Folder::open(&first).unwrap())) {
        let path = around.path().join(format!("{moment}"));
        restored(&path);
        crash::after(moment);
        let opened = Folder::open(&path);
        crash::after(usize::MAX);
        if let Ok(folder) = opened {
            assert!(folder.resumption_with(&wanted(), NOW).unwrap().is_none(), "at {moment}");
        }
        let mut folder = Folder::open(&path).unwrap();
        assert!(folder.resumption_with(&wanted(), NOW).unwrap().is_none(), "at {moment}");
        assert_eq!(folder.reports().unwrap().len(), 1, "at {moment}");
    }
}
