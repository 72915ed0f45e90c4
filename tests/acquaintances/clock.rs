//! A clock that was set back: by mistake, by an empty battery, or by somebody who wants an old bundle to be valid again.

use crate::people::{ALICE, BOB, DAY, NOW, PROLOGUE, Place, SUITE, Store, alice, bob, bundle, in_both, key, meet, reference, take};
use twinlock::Error;
use twinlock::acquaintances::{Acquaintances, AddressBook, AddressBookError, Wanted, Way};
use twinlock::channel::Role;

const WANTED: fn() -> Wanted<'static> = || Wanted { me: Some(alice()), peer: Some(bob()), suite: SUITE, prologue: PROLOGUE, psk_tag: None };

/// A store with one of everything, made at `NOW`, the id of its records and the reference of its bundle.
fn filled(store: &mut dyn Store) -> ([u8; 16], [u8; 32]) {
    let mine = store.renew(&ALICE, SUITE, NOW).unwrap();
    assert!(store.set_delivered(bob(), mine.bundle(), NOW).unwrap());
    let theirs = bundle(&BOB, SUITE, -5, 40);
    let reference = reference(&theirs);
    let _ = store.take_bundle(theirs, NOW).unwrap();
    let (opener, answerer) = meet(&ALICE, &BOB, NOW);
    let id = *opener.id();
    assert!(store.keep(opener, NOW).unwrap() && store.keep(answerer, NOW).unwrap());
    (id, reference)
}

/// Whether this time is refused by everything that is told one, or by nothing.
fn refused(store: &mut dyn Store, (id, reference): &([u8; 16], [u8; 32]), now: u64) -> bool {
    let handshake = [
        store.acquaintance(SUITE, reference, now).err(),
        store.resumption(Role::Answerer, id, now).err(),
        store.remove(Role::Answerer, &[1; 16], now).err(),
    ];
    let others = [
        store.due(alice(), SUITE, now).err(),
        store.renew(&ALICE, SUITE, now).err(),
        store.add_key(key(&BOB, SUITE, -9, 40), now).err().filter(|error| !matches!(error, AddressBookError::KeyNotLater)),
        store.undelivered(alice(), bob(), SUITE, now).err(),
        store.set_delivered(bob(), &bundle(&BOB, SUITE, -1, 40), now).err(),
        store.delivered_key(alice(), bob(), SUITE, now).err(),
        store.take_bundle(bundle(&BOB, SUITE, -6, 40), now).err(),
        store.bundle_of(bob(), SUITE, now).err(),
        store.keep(meet(&BOB, &ALICE, now).0, now).err(),
        store.resumption_with(&WANTED(), now).err(),
        store.seen(bob(), SUITE, Way::Met, now).err(),
        store.tidy(now).err(),
    ];
    let all: Vec<_> = handshake.into_iter().map(|error| error == Some(Error::ClockBehind)).collect();
    let behind = |error: &Option<AddressBookError>| matches!(error, Some(AddressBookError::ClockBehind { .. }));
    let all = [all, others.iter().map(behind).collect()].concat();
    assert!(all.iter().all(|one| *one == all[0]), "at {now}: {all:?}");
    all[0]
}

#[test]
fn a_clock_that_was_set_back_is_believed() {
    in_both(|new| {
        let mut store = new();
        let what = filled(&mut *store);
        // Hearing a late time is enough.
        let late = NOW + 3 * DAY;
        assert!(store.acquaintance(SUITE, &[0; 32], late).unwrap().is_none());
        assert!(!refused(&mut *store, &what, late - DAY));
        assert!(refused(&mut *store, &what, late - DAY - 1));
        assert!(refused(&mut *store, &what, 0));
        assert!(!refused(&mut *store, &what, late));
        // A time that was refused moves nothing, nor did it use anything.
        assert!(store.resumption(Role::Answerer, &what.0, late).unwrap().is_some());
        assert!(take(&mut *store, &WANTED(), late).is_some());
    });
}

/// To the other side it looks as if nothing were kept of others: who asks with one's own bundle finds its key.
#[test]
fn ones_own_static_keys_tell_that_the_clock_is_behind() {
    in_both(|new| {
        let mut store = new();
        filled(&mut *store);
        store.tidy(NOW + 3 * DAY).unwrap();
        assert_eq!(store.static_keys(SUITE, NOW).unwrap().len(), 1);
        assert!(store.static_keys(SUITE, NOW - 2 * DAY).unwrap().is_empty());
        // But what is told there counts.
        assert_eq!(store.static_keys(SUITE, NOW + 9 * DAY).unwrap().len(), 1);
        assert!(store.tidy(NOW + 3 * DAY).is_err());
    });
}

#[test]
fn the_owner_cannot_say_that_the_clock_is_right() {
    in_both(|new| {
        let mut store = new();
        let what = filled(&mut *store);
        store.tidy(NOW + 5 * DAY).unwrap();
        assert!(refused(&mut *store, &what, NOW));
        store.clock_is_right().unwrap();
        assert!(!refused(&mut *store, &what, NOW));
        // That holds for this once: what is told from then on counts again.
        assert!(!refused(&mut *store, &what, NOW + 2 * DAY));
        assert!(refused(&mut *store, &what, NOW));
    });
}

/// What has no time to be told goes on.
#[test]
fn a_peer_cannot_be_forgotten_under_a_wrong_clock() {
    in_both(|new| {
        let mut store = new();
        filled(&mut *store);
        store.tidy(NOW + 5 * DAY).unwrap();
        assert!(matches!(store.tidy(NOW), Err(AddressBookError::ClockBehind { now: NOW, latest }) if latest == NOW + 5 * DAY));
        assert!(store.forget(bob()).unwrap() && store.forget_keys(alice()).unwrap());
        assert!(store.acquaintances().unwrap().is_empty() && store.reports().unwrap().is_empty());
    });
}

#[test]
fn the_latest_time_is_forgotten_when_the_folder_is_opened_again() {
    let place = Place::new();
    filled(&mut place.open());
    // A look-up, not a change.
    let hear = |now| place.open().acquaintance(SUITE, &[0; 32], now).map(|found| assert!(found.is_none()));
    assert_eq!(hear(NOW + 3 * DAY), Ok(()));
    assert_eq!(hear(NOW), Err(Error::ClockBehind));
    // It may be an hour late, and no more.
    let place = Place::new();
    filled(&mut place.open());
    let hear = |now| place.open().acquaintance(SUITE, &[0; 32], now).map(|found| assert!(found.is_none()));
    let before = place.contents();
    assert_eq!(hear(NOW + 3599), Ok(()));
    assert_eq!(hear(NOW + 3599 - DAY - 1), Ok(()));
    assert!(place.contents() == before);
    assert_eq!(hear(NOW + 3600), Ok(()));
    assert!(place.contents() != before);
    assert_eq!(hear(NOW + 3600 - DAY), Ok(()));
    assert_eq!(hear(NOW + 3600 - DAY - 1), Err(Error::ClockBehind));
}

#[test]
fn one_process_goes_on_with_the_wrong_time_after_the_owner_has_said_in_another_that_the_clock_is_right() {
    let place = Place::new();
    let (mut here, mut there) = (place.open(), place.open());
    assert!(here.resumption(Role::Opener, &[0; 16], NOW + 1000 * DAY).is_ok());
    assert!(there.resumption(Role::Opener, &[0; 16], NOW + 1000 * DAY + 5).is_ok());
    assert!(there.tidy(NOW).is_err());
    there.clock_is_right().unwrap();
    for store in [&mut here, &mut there] {
        store.tidy(NOW).unwrap();
    }
    // And the other way round: what one was told counts for the other.
    here.tidy(NOW + 3 * DAY).unwrap();
    assert!(there.tidy(NOW).is_err());
}

#[test]
fn an_error_of_the_clock_does_not_say_what_to_do() {
    let place = Place::new();
    let mut store = place.open();
    store.tidy(NOW + 3 * DAY).unwrap();
    let shown = store.tidy(NOW).unwrap_err().to_string();
    assert!(shown.contains(&NOW.to_string()) && shown.contains("set it, or say that it is right"), "{shown}");
}
