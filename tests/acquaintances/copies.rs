//! A store that was copied, and one that came back from a backup: what was used once is used twice, unless somebody sees it.

use crate::people::{ALICE, BOB, DAY, NOW, PROLOGUE, Place, SUITE, alice, bob, bundle, contents, meet, put, take};
use std::fs;
use std::path::Path;
use twinlock::acquaintances::{Acquaintances, AddressBook, Folder, NotTaken, Report, Taken, Wanted};
use twinlock::channel::Role;

fn wanted() -> Wanted<'static> {
    Wanted { me: Some(alice()), peer: Some(bob()), suite: SUITE, prologue: PROLOGUE, psk_tag: None }
}

/// Whether files here say when they were made.
fn tells_when_made(path: &Path) -> bool {
    cfg!(unix) && fs::metadata(path.join("state")).unwrap().created().is_ok()
}

/// Alice's folder, with a record with which she may open and one with which Bob may, whose id is given.
fn filled(place: &Place) -> [u8; 16] {
    let mut store = place.open();
    store.renew(&ALICE, SUITE, NOW).unwrap();
    assert_eq!(store.take_bundle(bundle(&BOB, SUITE, -1, 40), NOW).unwrap(), Taken::First);
    let ((opener, _), (_, answerer)) = (meet(&ALICE, &BOB, NOW), meet(&BOB, &ALICE, NOW));
    let id = *answerer.id();
    assert!(store.keep(opener, NOW).unwrap() && store.keep(answerer, NOW).unwrap());
    id
}

#[test]
fn a_restored_backup_uses_again_what_was_used_since() {
    let place = Place::new();
    let id = filled(&place);
    if !tells_when_made(&place.path) {
        return;
    }
    let backup = contents(&place.path);
    assert!(take(&mut place.open(), &wanted(), NOW).is_some());
    assert!(place.open().remove(Role::Answerer, &id, NOW).unwrap());
    put(&backup, &place.path);
    let mut store = place.open();
    assert!(take(&mut store, &wanted(), NOW).is_none());
    assert!(store.resumption(Role::Answerer, &id, NOW).unwrap().is_none());
    assert!(!store.remove(Role::Answerer, &id, NOW).unwrap());
    assert_eq!(place.names_of("record"), [""; 0]);
    // Its owner hears of it once, and the rest is there.
    assert_eq!(place.open().reports().unwrap(), [Report::Copied]);
    assert_eq!(store.reports().unwrap(), []);
    assert_eq!(store.static_keys(SUITE, NOW).unwrap().len(), 1);
    assert!(store.bundle_of(bob(), SUITE, NOW).unwrap().is_some());
    // New records are kept and used as ever.
    assert!(store.keep(meet(&ALICE, &BOB, NOW).0, NOW).unwrap());
    assert!(take(&mut place.open(), &wanted(), NOW).is_some());
}

#[test]
fn a_backup_that_is_restored_under_a_running_program_is_used() {
    let place = Place::new();
    let id = filled(&place);
    if !tells_when_made(&place.path) {
        return;
    }
    let (mut asks, mut changes) = (place.open(), place.open());
    let backup = contents(&place.path);
    assert!(changes.remove(Role::Answerer, &id, NOW).unwrap());
    put(&backup, &place.path);
    assert!(asks.resumption(Role::Answerer, &id, NOW).unwrap().is_none());
    assert!(take(&mut asks, &wanted(), NOW).is_none());
    assert_eq!(changes.reports().unwrap(), [Report::Copied]);
    // The same where a change comes first.
    let backup = contents(&place.path);
    assert!(changes.keep(meet(&ALICE, &BOB, NOW).0, NOW).unwrap());
    put(&backup, &place.path);
    assert!(take(&mut asks, &wanted(), NOW).is_none());
    assert_eq!(changes.reports().unwrap(), [Report::Copied]);
}

#[test]
fn two_devices_use_one_store() {
    let (place, other) = (Place::new(), Place::new());
    let id = filled(&place);
    if !tells_when_made(&place.path) {
        return;
    }
    put(&contents(&place.path), &other.path);
    assert!(take(&mut other.open(), &wanted(), NOW).is_none());
    assert!(!other.open().remove(Role::Answerer, &id, NOW).unwrap());
    assert_eq!(other.open().reports().unwrap(), [Report::Copied]);
    // The first one goes on.
    assert_eq!(place.open().reports().unwrap(), []);
    assert!(take(&mut place.open(), &wanted(), NOW).is_some());
    assert!(place.open().remove(Role::Answerer, &id, NOW).unwrap());
}

/// Where the copy is not seen, as of a whole disk, the side that answers sees the second use.
#[test]
fn a_second_use_by_a_copied_store_is_seen_by_nobody() {
    let (phone, copy, server) = (Place::new(), Place::new(), Place::new());
    let (opener, answerer) = meet(&ALICE, &BOB, NOW);
    let id = *opener.id();
    assert!(phone.open().keep(opener, NOW).unwrap() && server.open().keep(answerer, NOW).unwrap());
    put(&contents(&phone.path), &copy.path);
    let of_copy = || Folder::open_moved(&copy.path).unwrap();
    let used: Vec<_> = [phone.open(), of_copy()].iter_mut().map(|store| *take(store, &wanted(), NOW).unwrap().id()).collect();
    assert_eq!(used, [id, id]);
    let mut server = server.open();
    let answers: Vec<_> = used
        .iter()
        .map(|id| server.resumption(Role::Answerer, id, NOW).unwrap().is_some() && server.remove(Role::Answerer, id, NOW).unwrap())
        .collect();
    assert_eq!(answers, [true, false]);
    assert_eq!(server.reports().unwrap(), [Report::SecondUse { role: Role::Answerer, id, peer: Some(alice()) }]);
    assert_eq!(server.reports().unwrap(), []);
}

#[test]
fn a_moved_folder_loses_its_records_or_asks_each_time() {
    let (place, other) = (Place::new(), Place::new());
    let id = filled(&place);
    put(&contents(&place.path), &other.path);
    assert!(Folder::open_moved(&other.path).unwrap().resumption(Role::Answerer, &id, NOW).unwrap().is_some());
    let mut moved = other.open();
    assert_eq!(moved.reports().unwrap(), []);
    assert!(moved.remove(Role::Answerer, &id, NOW).unwrap());
    assert!(take(&mut moved, &wanted(), NOW).is_some());
    // Renamed it is the same folder.
    let renamed = other.around().join("renamed");
    assert!(moved.keep(meet(&ALICE, &BOB, NOW).0, NOW).unwrap());
    fs::rename(&other.path, &renamed).unwrap();
    assert!(take(&mut Folder::open(&renamed).unwrap(), &wanted(), NOW).is_some());
}

/// A backup holds an older bundle of a peer, and brings it back: known, and written down. A peer's next one is taken as ever.
#[test]
fn after_a_backup_was_restored_no_bundle_is_taken() {
    let place = Place::new();
    filled(&place);
    let backup = contents(&place.path);
    let newer = bundle(&BOB, SUITE, 1, 50);
    assert_eq!(place.open().take_bundle(newer.clone(), NOW + DAY).unwrap(), Taken::Newer);
    put(&backup, &place.path);
    let mut store = place.open();
    assert_eq!(store.take_bundle(newer, NOW + DAY).unwrap(), Taken::Newer);
    assert_eq!(store.take_bundle(bundle(&BOB, SUITE, 0, 50), NOW + DAY).unwrap(), Taken::Not(NotTaken::Older));
    // One's own next key is dated later than one that the backup does not know.
    let lost = store.renew(&ALICE, SUITE, NOW + 28 * DAY).unwrap();
    put(&backup, &place.path);
    let again = place.open().renew(&ALICE, SUITE, NOW + 28 * DAY + 60).unwrap();
    assert!(again.bundle().not_before() > lost.bundle().not_before());
}
