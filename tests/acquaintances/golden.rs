//! Folders that earlier versions wrote, in `tests/acquaintances/<version>`. Each loads in every later version, with all that is in it.
//!
//! `TWINLOCK_GOLDEN=<folder> cargo test --test acquaintances_store -- --ignored golden` writes one by this version, which is done once for each format.

use crate::people::{ALICE, BOB, DAY, NOW, OTHER, PROLOGUE, Place, SUITE, bundle, contents, meet, meet_as, put, take, visit};
use std::path::PathBuf;
use twinlock::acquaintances::{Acquaintances, AddressBook, AddressBookError, Folder, NotTaken, Report, Taken, Wanted, Way};
use twinlock::channel::Role;
use twinlock::identity::Bundle;
use twinlock::{Fingerprint, Suite};

fn golden(name: &str) -> Place {
    let place = Place::new();
    put(&contents(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/acquaintances").join(name)), &place.path);
    place
}

/// The fields that a golden folder was written with stand here, so that a later version is held to them.
const ALICE_V1: &str = "tl13qfr2wx9nstqyhcuk8ujv2v97k82fzy49c3pnf4zpqa8mp2x2v0q7kh7g2";
const BOB_V1: &str = "tl1c3n5zq4lyj8jzlg3w3zmc48wgetmznm8huzxl3rwyauqwrf7gxzsmlrcm9";
const USED_V1: [u8; 16] = [242, 222, 164, 25, 177, 253, 86, 79, 76, 11, 13, 105, 66, 233, 227, 237];

#[test]
fn a_folder_of_version_1_loses_something() {
    let place = golden("v1");
    let (alice, bob): (Fingerprint, Fingerprint) = (ALICE_V1.parse().unwrap(), BOB_V1.parse().unwrap());
    let mut store = Folder::open_moved(&place.path).unwrap();
    let now = NOW + 22 * DAY;
    let dates: Vec<_> = store.static_keys(SUITE, now).unwrap().iter().map(|key| key.bundle().not_before()).collect();
    assert_eq!(dates, [NOW + 20 * DAY, NOW - DAY]);
    assert_eq!(store.static_keys(OTHER, now).unwrap().len(), 1);
    assert_eq!(store.delivered_key(alice, bob, SUITE, now).unwrap().unwrap().bundle().not_before(), NOW - DAY);
    assert_eq!(store.undelivered(alice, bob, SUITE, now).unwrap().unwrap().bundle().not_before(), NOW + 20 * DAY);
    let theirs = store.bundle_of(bob, SUITE, now).unwrap().unwrap();
    assert_eq!((theirs.not_before(), theirs.not_after()), (NOW - DAY, NOW + 40 * DAY));
    assert_eq!(store.take_bundle((*theirs).clone(), now).unwrap(), Taken::Same);
    assert!(store.bundle_of(bob, OTHER, now).unwrap().is_none());
    assert_eq!(store.take_bundle(bundle(&BOB, SUITE, -1, 40), now).unwrap(), Taken::First);
    assert!(matches!(store.tidy(now - DAY - 1), Err(AddressBookError::ClockBehind { latest, .. }) if latest == now));
    // A static key is what its bundle says: the constructor looks.
    assert!(store.static_keys(SUITE, now).unwrap().iter().all(|key| Bundle::from_bytes(key.bundle().as_bytes()).is_ok()));

    let wanted = Wanted { me: Some(alice), peer: Some(bob), suite: SUITE, prologue: PROLOGUE, psk_tag: None };
    let taken = take(&mut store, &wanted, now).unwrap();
    assert_eq!((taken.not_after(), taken.role(), taken.peer()), (now + 7 * DAY, Role::Opener, Some(&bob)));
    assert!(take(&mut store, &wanted, now).is_none());
    let anonymous = Wanted { me: None, ..wanted };
    assert!(take(&mut store, &anonymous, now).is_some());
    assert!(store.resumption(Role::Answerer, &USED_V1, now).unwrap().is_none());
    assert_eq!(store.reports().unwrap(), [Report::SecondUse { role: Role::Answerer, id: USED_V1, peer: Some(bob) }]);
    let seen: Vec<_> =
        store.acquaintances().unwrap().into_iter().map(|known| (known.peer, known.suite, known.last_seen, known.way)).collect();
    assert_eq!(seen, [(bob, SUITE, NOW, Way::Met), (bob, OTHER, now, Way::Acquainted)]);
    // What was written in version 1 is written on.
    assert_eq!(place.open().static_keys(SUITE, now).unwrap().len(), 2);
}

/// Its suite is one that not every build has.
#[test]
fn a_folder_of_version_1_with_level_5_loses_something_or_is_overwritten() {
    let place = golden("v1-level5");
    let before = place.contents();
    match (Suite::from_id(2), Folder::open_moved(&place.path)) {
        (Ok(suite), Ok(store)) => {
            let key = store.static_keys(suite, NOW).unwrap().remove(0);
            assert_eq!((key.bundle().suite(), key.bundle().not_before()), (suite, NOW - DAY));
        }
        (Err(_), Err(error)) => {
            assert!(matches!(error, AddressBookError::UnknownSuite { id: 2, .. }), "{error}");
            assert!(error.to_string().contains("0x0002") && place.contents() == before);
        }
        (suite, store) => panic!("{suite:?}: {store:?}"),
    }
}

#[test]
#[ignore = "writes a golden folder: see above"]
fn a_golden_folder_is_written() {
    let Some(path) = std::env::var_os("TWINLOCK_GOLDEN") else { return };
    let mut store = Folder::open(PathBuf::from(&path)).unwrap();
    let bob = BOB.fingerprint();
    let first = store.renew(&ALICE, SUITE, NOW).unwrap();
    store.renew(&ALICE, OTHER, NOW).unwrap();
    assert!(store.set_delivered(bob, first.bundle(), NOW).unwrap());
    store.seen(bob, SUITE, Way::Met, NOW).unwrap();
    for theirs in [bundle(&BOB, SUITE, -1, 40), bundle(&BOB, OTHER, -1, 2)] {
        assert_eq!(store.take_bundle(theirs, NOW).unwrap(), Taken::First);
    }
    assert_eq!(store.take_bundle(bundle(&BOB, OTHER, -2, 40), NOW).unwrap(), Taken::Not(NotTaken::Older));
    store.clock_is_right().unwrap();
    let now = NOW + 28 * DAY;
    store.renew(&ALICE, SUITE, now).unwrap();
    let now = now + DAY;
    let used = [meet(&BOB, &ALICE, now).1, meet(&BOB, &ALICE, now).1, meet(&BOB, &ALICE, now).1];
    let ids = [*used[0].id(), *used[1].id(), *used[2].id()];
    for record in used {
        let id = *record.id();
        assert!(store.keep(record, now).unwrap() && store.remove(Role::Answerer, &id, now).unwrap());
    }
    // One was reported, one came again, one did not.
    assert!(store.resumption(Role::Answerer, &ids[0], now).unwrap().is_none());
    assert_eq!(store.reports().unwrap().len(), 1);
    assert!(store.resumption(Role::Answerer, &ids[1], now).unwrap().is_none());
    let (opener, _) = meet(&ALICE, &BOB, now);
    let (with_psk, _) = meet_as(&ALICE, &BOB, OTHER, b"store/2", Some(7), now);
    let (_, answerer) = meet(&BOB, &ALICE, now);
    let (theirs, _) = visit(&BOB, now);
    for record in [opener, with_psk, answerer, theirs] {
        assert!(store.keep(record, now).unwrap());
    }
    store.seen(bob, OTHER, Way::Acquainted, now).unwrap();
    println!("alice {}\nbob {bob}\nused {:?}", ALICE.fingerprint(), ids[1]);
    #[cfg(feature = "level5")]
    {
        let suite = Suite::Level5Aes;
        let strong = twinlock::Identity::generate_for(suite.signature()).unwrap();
        let mut name = path;
        name.push("-level5");
        Folder::open(PathBuf::from(name)).unwrap().renew(&strong, suite, NOW).unwrap();
    }
}
