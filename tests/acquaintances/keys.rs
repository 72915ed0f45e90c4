//! One's own static keys: made in time, dated in order, delivered or not, and gone when they have ended.

use crate::people::{ALICE, BOB, DAY, NOW, OTHER, Place, SUITE, alice, bob, carol, in_both, key};
use twinlock::acquaintances::{Acquaintances, AddressBook, AddressBookError, Book, Renewal};
use twinlock::{Error, Identity};

const WEEK: u64 = 7 * DAY;

fn dates(store: &(impl AddressBook + ?Sized), now: u64) -> Vec<u64> {
    store.static_keys(SUITE, now).unwrap().iter().map(|key| key.bundle().not_before()).collect()
}

#[test]
fn a_static_key_is_renewed_late_or_all_the_time_or_dated_today() {
    in_both(|new| {
        let mut store = new();
        assert!(store.due(alice(), SUITE, NOW).unwrap());
        let first = store.renew(&ALICE, SUITE, NOW).unwrap();
        assert_eq!((first.bundle().not_before(), first.bundle().not_after()), (NOW - DAY, NOW + 59 * DAY));
        assert_eq!(first.bundle().fingerprint(), alice());
        let last = NOW + 4 * WEEK - 1;
        assert!(!store.due(alice(), SUITE, last).unwrap() && store.due(alice(), SUITE, last + 1).unwrap());
        assert_eq!(store.renew(&ALICE, SUITE, last).unwrap().bundle().as_bytes(), first.bundle().as_bytes());
        let second = store.renew(&ALICE, SUITE, last + 1).unwrap();
        assert_eq!(second.bundle().not_before(), NOW + 4 * WEEK - DAY);
        assert_eq!(dates(&*store, last + 1), [NOW + 4 * WEEK - DAY, NOW - DAY]);
        // Another suite, and another identity, has its own.
        assert!(store.due(alice(), OTHER, NOW + 4 * WEEK).unwrap() && store.due(bob(), SUITE, NOW + 4 * WEEK).unwrap());
    });
}

#[test]
fn a_third_static_key_is_kept_or_the_one_before_is_lost() {
    in_both(|new| {
        let mut store = new();
        for week in [0, 4, 8] {
            store.renew(&ALICE, SUITE, NOW + week * WEEK).unwrap();
            store.renew(&BOB, SUITE, NOW + week * WEEK).unwrap();
            store.renew(&ALICE, OTHER, NOW + week * WEEK).unwrap();
        }
        let now = NOW + 8 * WEEK;
        // Of each of the two identities the newest and the one before.
        let mut expected = [8, 8, 4, 4].map(|week| NOW + week * WEEK - DAY).to_vec();
        assert_eq!(dates(&*store, now), expected);
        let of_alice = |key: &&std::sync::Arc<twinlock::identity::StaticKey>| key.bundle().fingerprint() == alice();
        assert_eq!(store.static_keys(SUITE, now).unwrap().iter().filter(of_alice).count(), 2);
        // The older ones end, 59 days after they were made.
        expected.truncate(2);
        assert_eq!(dates(&*store, NOW + 4 * WEEK + 59 * DAY - 1).len(), 4);
        assert_eq!(dates(&*store, NOW + 4 * WEEK + 59 * DAY), expected);
    });
}

#[test]
fn a_static_key_outlives_its_bundle_on_the_disk() {
    let place = Place::new();
    let key = place.open().renew(&ALICE, SUITE, NOW).unwrap();
    let secret = key.to_secret_bytes().expose()[..32].to_vec();
    assert!(place.holds(&secret));
    let mut store = place.open();
    store.tidy(NOW + 59 * DAY - 1).unwrap();
    assert!(place.holds(&secret));
    store.tidy(NOW + 59 * DAY).unwrap();
    assert!(!place.holds(&secret) && place.names_of("key").is_empty());
    assert!(place.open().static_keys(SUITE, NOW + 59 * DAY).unwrap().is_empty());
}

#[test]
fn a_static_key_is_lost_when_the_folder_is_opened_again() {
    let place = Place::new();
    let made = place.open().renew(&ALICE, SUITE, NOW).unwrap();
    assert!(place.open().set_delivered(bob(), made.bundle(), NOW).unwrap());
    let read = place.open().delivered_key(alice(), bob(), SUITE, NOW).unwrap().unwrap();
    assert_eq!(read.to_secret_bytes().expose(), made.to_secret_bytes().expose());
}

#[test]
fn a_static_key_is_dated_before_an_earlier_one() {
    in_both(|new| {
        let mut store = new();
        // Even where the earlier one is gone: a peer may have it.
        store.add_key(key(&ALICE, SUITE, 0, 1), NOW).unwrap();
        assert!(matches!(store.add_key(key(&ALICE, SUITE, 0, 40), NOW), Err(AddressBookError::KeyNotLater)));
        assert!(matches!(store.add_key(key(&ALICE, SUITE, -1, 40), NOW), Err(AddressBookError::KeyNotLater)));
        store.add_key(key(&ALICE, OTHER, -1, 40), NOW).unwrap();
        assert!(store.forget_keys(alice()).unwrap() && !store.forget_keys(alice()).unwrap());
        assert!(store.static_keys(SUITE, NOW).unwrap().is_empty());
        let renewed = store.renew(&ALICE, SUITE, NOW + 3600).unwrap();
        assert_eq!(renewed.bundle().not_before(), NOW + 1);
    });
}

#[test]
fn a_static_key_that_is_not_valid_is_kept() {
    in_both(|new| {
        let mut store = new();
        for (from, to) in [(1, 40), (-10, 0)] {
            assert!(matches!(store.add_key(key(&ALICE, SUITE, from, to), NOW), Err(AddressBookError::KeyNotValid)));
        }
        assert!(store.due(alice(), SUITE, NOW).unwrap());
    });
}

/// A clock was years ahead when a key was made. It was set right, and its owner said so.
#[test]
fn a_static_key_of_the_future_stands_in_the_way_for_years() {
    in_both(|new| {
        let mut store = new();
        let future = NOW + 1000 * DAY;
        store.renew(&ALICE, SUITE, future).unwrap();
        assert!(matches!(store.due(alice(), SUITE, NOW), Err(AddressBookError::ClockBehind { .. })));
        store.clock_is_right().unwrap();
        assert!(store.due(alice(), SUITE, NOW).unwrap());
        assert_eq!(store.renew(&ALICE, SUITE, NOW).unwrap().bundle().not_before(), NOW - DAY);
        store.renew(&ALICE, SUITE, NOW + 4 * WEEK).unwrap();
        assert_eq!(dates(&*store, NOW + 4 * WEEK), [NOW + 4 * WEEK - DAY, NOW - DAY]);
    });
}

#[test]
fn a_bundle_is_used_before_it_was_delivered_or_delivered_again() {
    in_both(|new| {
        let mut store = new();
        assert!(store.undelivered(alice(), bob(), SUITE, NOW).unwrap().is_none());
        let first = store.renew(&ALICE, SUITE, NOW).unwrap();
        let date = |key: Option<std::sync::Arc<twinlock::identity::StaticKey>>| key.map(|key| key.bundle().not_before());
        assert_eq!(date(store.undelivered(alice(), bob(), SUITE, NOW).unwrap()), Some(NOW - DAY));
        assert_eq!(date(store.delivered_key(alice(), bob(), SUITE, NOW).unwrap()), None);
        assert!(store.set_delivered(bob(), first.bundle(), NOW).unwrap());
        assert_eq!(date(store.undelivered(alice(), bob(), SUITE, NOW).unwrap()), None);
        assert_eq!(date(store.undelivered(alice(), carol(), SUITE, NOW).unwrap()), Some(NOW - DAY));
        // Until the newer one is delivered the older one serves.
        let now = NOW + 4 * WEEK;
        let second = store.renew(&ALICE, SUITE, now).unwrap();
        assert_eq!(date(store.undelivered(alice(), bob(), SUITE, now).unwrap()), Some(now - DAY));
        assert_eq!(date(store.delivered_key(alice(), bob(), SUITE, now).unwrap()), Some(NOW - DAY));
        assert!(store.set_delivered(bob(), second.bundle(), now).unwrap());
        assert_eq!(date(store.delivered_key(alice(), bob(), SUITE, now).unwrap()), Some(now - DAY));
        // To others nothing was delivered, in another suite neither, nor by another identity.
        for (me, peer, suite) in [(alice(), carol(), SUITE), (alice(), bob(), OTHER), (carol(), bob(), SUITE)] {
            assert_eq!(date(store.delivered_key(me, peer, suite, now).unwrap()), None);
        }
        // What has ended serves nobody.
        assert_eq!(date(store.delivered_key(alice(), bob(), SUITE, now + 59 * DAY).unwrap()), None);
    });
}

#[test]
fn another_renewal_is_passed_over() {
    let mut book = Book::new().renewing(Renewal { after: DAY, validity: 5 * DAY });
    let made = book.renew(&ALICE, SUITE, NOW).unwrap();
    assert_eq!((made.bundle().not_before(), made.bundle().not_after()), (NOW - DAY, NOW + 4 * DAY));
    assert!(!book.due(alice(), SUITE, NOW + DAY - 1).unwrap() && book.due(alice(), SUITE, NOW + DAY).unwrap());
    let place = Place::new();
    let mut folder = place.open().renewing(Renewal { after: DAY, validity: 5 * DAY });
    assert_eq!(folder.renew(&ALICE, SUITE, NOW).unwrap().bundle().not_after(), NOW + 4 * DAY);
    assert!(!folder.due(alice(), SUITE, NOW + DAY - 1).unwrap() && folder.due(alice(), SUITE, NOW + DAY).unwrap());
}

/// The key is gone, and its bundle may be with peers still.
#[test]
fn how_late_the_last_static_key_was_dated_is_forgotten_when_the_folder_is_opened_again() {
    let place = Place::new();
    place.open().add_key(key(&ALICE, SUITE, 0, 40), NOW).unwrap();
    assert!(place.open().forget_keys(alice()).unwrap());
    assert!(matches!(place.open().add_key(key(&ALICE, SUITE, -1, 40), NOW), Err(AddressBookError::KeyNotLater)));
}

#[test]
fn a_static_key_is_made_for_an_identity_of_another_kind_or_one_that_is_elsewhere() {
    in_both(|new| {
        let mut store = new();
        let elsewhere = Identity::elsewhere(ALICE.public());
        let error = store.renew(&elsewhere, SUITE, NOW).unwrap_err();
        assert!(matches!(error, AddressBookError::NotMade(Error::SignerElsewhere)));
        let why = Error::SignerElsewhere.to_string();
        assert_eq!(error.to_string(), format!("no static key was made: {why}"));
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), why);
        assert_eq!(Error::from(error), Error::SignerElsewhere);
        assert!(store.due(alice(), SUITE, NOW).unwrap());
    });
}
