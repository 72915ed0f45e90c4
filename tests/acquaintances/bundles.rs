//! Which bundles of peers are kept, and how they are found.

use crate::people::{ALICE, BOB, CAROL, DAY, NOW, OTHER, Place, SUITE, alice, bob, bundle, carol, in_both, key, meet, reference};
use std::collections::BTreeSet;
use twinlock::acquaintances::{Acquaintances, NotTaken, Taken};
use twinlock::identity::{Bundle, StaticKeyToSign};

/// The thief has a static key that leaked, and its bundle with the good signature.
#[test]
fn a_thief_of_an_old_static_key_is_believed() {
    in_both(|new| {
        let mut store = new();
        let (old, current) = (bundle(&BOB, SUITE, -20, 40), bundle(&BOB, SUITE, -1, 10));
        assert_eq!(store.take_bundle(old.clone(), NOW).unwrap(), Taken::First);
        assert_eq!(store.take_bundle(current.clone(), NOW).unwrap(), Taken::Newer);
        assert_eq!(store.take_bundle(old.clone(), NOW).unwrap(), Taken::Not(NotTaken::Older));
        assert_eq!(store.bundle_of(bob(), SUITE, NOW).unwrap().unwrap().as_bytes(), current.as_bytes());
        assert!(store.acquaintance(SUITE, &reference(&old), NOW).unwrap().is_none());
        // Nor after the newer one has ended, while the older is still valid.
        let later = NOW + 11 * DAY;
        assert!(store.bundle_of(bob(), SUITE, later).unwrap().is_none());
        assert_eq!(store.take_bundle(old.clone(), later).unwrap(), Taken::Not(NotTaken::Older));
        assert!(store.acquaintance(SUITE, &reference(&old), later).unwrap().is_none());
        // The owner's next one is taken.
        assert_eq!(store.take_bundle(bundle(&BOB, SUITE, 10, 70), later).unwrap(), Taken::Newer);
    });
}

#[test]
fn the_newest_bundle_is_forgotten_when_the_folder_is_opened_again() {
    let place = Place::new();
    let (old, current) = (bundle(&BOB, SUITE, -20, 40), bundle(&BOB, SUITE, -1, 10));
    assert_eq!(place.open().take_bundle(current.clone(), NOW).unwrap(), Taken::First);
    let later = NOW + 30 * DAY;
    let mut store = place.open();
    store.tidy(later).unwrap();
    assert_eq!(place.open().take_bundle(old, later).unwrap(), Taken::Not(NotTaken::Older));
    assert_eq!(place.open().take_bundle(current, NOW + 30 * DAY).unwrap(), Taken::Not(NotTaken::Ended));
    assert_eq!(place.names_of("bundle").len(), 1);
}

#[test]
fn of_two_bundles_of_one_date_the_second_is_kept() {
    in_both(|new| {
        let mut store = new();
        let (first, second) = (bundle(&BOB, SUITE, -1, 40), bundle(&BOB, SUITE, -1, 40));
        assert_eq!(store.take_bundle(first.clone(), NOW).unwrap(), Taken::First);
        assert_eq!(store.take_bundle(second, NOW).unwrap(), Taken::Not(NotTaken::Differs));
        assert_eq!(store.take_bundle(bundle(&BOB, SUITE, -1, 41), NOW).unwrap(), Taken::Not(NotTaken::Differs));
        assert_eq!(store.take_bundle(first.clone(), NOW).unwrap(), Taken::Same);
        assert_eq!(store.bundle_of(bob(), SUITE, NOW).unwrap().unwrap().as_bytes(), first.as_bytes());
    });
}

/// One content can have several good signatures.
#[test]
fn another_signature_of_a_bundle_makes_it_another_bundle() {
    in_both(|new| {
        let mut store = new();
        let draft = StaticKeyToSign::generate(&BOB.public(), SUITE, NOW - DAY, NOW + DAY).unwrap();
        let signed = || {
            let signature = BOB.sign_for_handshake(draft.to_sign()).unwrap();
            Bundle::from_bytes(&[draft.to_sign().message(), &signature].concat()).unwrap()
        };
        let (first, second) = (signed(), signed());
        assert_ne!(first.as_bytes(), second.as_bytes());
        assert_eq!(store.take_bundle(first.clone(), NOW).unwrap(), Taken::First);
        assert_eq!(store.take_bundle(second.clone(), NOW).unwrap(), Taken::Same);
        let found = store.acquaintance(SUITE, &reference(&second), NOW).unwrap().unwrap();
        assert_eq!(found.as_bytes(), first.as_bytes());
    });
}

#[test]
fn a_bundle_that_is_not_valid_now_is_kept_or_the_kept_one_goes() {
    in_both(|new| {
        let mut store = new();
        let good = bundle(&BOB, SUITE, -10, 40);
        assert_eq!(store.take_bundle(good.clone(), NOW).unwrap(), Taken::First);
        assert_eq!(store.take_bundle(bundle(&BOB, SUITE, 1, 50), NOW).unwrap(), Taken::Not(NotTaken::NotYetValid));
        assert_eq!(store.take_bundle(bundle(&BOB, SUITE, -9, 0), NOW).unwrap(), Taken::Not(NotTaken::Ended));
        assert_eq!(store.bundle_of(bob(), SUITE, NOW).unwrap().unwrap().as_bytes(), good.as_bytes());
        // From the second of its not-before to the one before its not-after.
        let (from, to) = (good.not_before(), good.not_after());
        let mut store = new();
        assert_eq!(store.take_bundle(good.clone(), from - 1).unwrap(), Taken::Not(NotTaken::NotYetValid));
        assert_eq!(store.take_bundle(good.clone(), from).unwrap(), Taken::First);
        for (now, valid) in [(from, true), (to - 1, true), (to, false)] {
            assert_eq!(store.bundle_of(bob(), SUITE, now).unwrap().is_some(), valid);
            assert_eq!(store.acquaintance(SUITE, &reference(&good), now).unwrap().is_some(), valid);
        }
    });
}

#[test]
fn the_bundles_of_two_suites_or_peers_are_one() {
    in_both(|new| {
        let mut store = new();
        let all = [bundle(&BOB, SUITE, -1, 40), bundle(&BOB, OTHER, -2, 40), bundle(&CAROL, SUITE, -3, 40), bundle(&ALICE, SUITE, -4, 40)];
        for one in &all {
            assert_eq!(store.take_bundle(one.clone(), NOW).unwrap(), Taken::First);
        }
        for (peer, suite, one) in [(bob(), SUITE, 0), (bob(), OTHER, 1), (carol(), SUITE, 2), (alice(), SUITE, 3)] {
            assert_eq!(store.bundle_of(peer, suite, NOW).unwrap().unwrap().as_bytes(), all[one].as_bytes());
        }
        assert!(store.bundle_of(carol(), OTHER, NOW).unwrap().is_none());
        for one in &all {
            let found = store.acquaintance(one.suite(), &reference(one), NOW).unwrap().unwrap();
            assert_eq!(found.as_bytes(), one.as_bytes());
            let other = if one.suite() == SUITE { OTHER } else { SUITE };
            assert!(store.acquaintance(other, &reference(one), NOW).unwrap().is_none());
            for bit in 0..256 {
                let mut wrong = reference(one);
                wrong[bit / 8] ^= 1 << (bit % 8);
                assert!(store.acquaintance(one.suite(), &wrong, NOW).unwrap().is_none());
            }
        }
    });
}

#[test]
fn forgetting_a_peer_leaves_something_of_it_or_takes_another_along() {
    let place = Place::new();
    let mut store = place.open();
    let mine = store.renew(&ALICE, SUITE, NOW).unwrap();
    for who in [&*BOB, &*CAROL] {
        assert_eq!(store.take_bundle(bundle(who, SUITE, -1, 40), NOW).unwrap(), Taken::First);
        let ((opener, _), (_, answerer)) = (meet(&ALICE, who, NOW), meet(who, &ALICE, NOW));
        assert!(store.keep(opener, NOW).unwrap() && store.keep(answerer, NOW).unwrap());
        assert!(store.set_delivered(who.fingerprint(), mine.bundle(), NOW).unwrap());
        store.seen(who.fingerprint(), SUITE, twinlock::acquaintances::Way::Met, NOW).unwrap();
    }
    assert!(place.holds(bob().as_bytes()));
    assert!(store.forget(bob()).unwrap());
    assert!(!store.forget(bob()).unwrap());
    let mut store = place.open();
    assert!(!place.holds(bob().as_bytes()) && !place.holds(BOB.public().as_bytes()));
    assert!(store.bundle_of(bob(), SUITE, NOW).unwrap().is_none());
    assert!(store.delivered_key(alice(), bob(), SUITE, NOW).unwrap().is_none());
    assert!(store.bundle_of(carol(), SUITE, NOW).unwrap().is_some());
    assert!(store.delivered_key(alice(), carol(), SUITE, NOW).unwrap().is_some());
    let known: BTreeSet<_> = store.acquaintances().unwrap().into_iter().map(|known| known.peer).collect();
    assert_eq!(known, BTreeSet::from([carol()]));
    assert_eq!((place.names_of("bundle").len(), place.names_of("record").len(), place.names_of("key").len()), (1, 2, 1));
    // A stranger may come with whatever bundle.
    assert_eq!(store.take_bundle(bundle(&BOB, SUITE, -20, 40), NOW).unwrap(), Taken::First);
}

#[test]
fn somebody_elses_static_key_is_delivered() {
    in_both(|new| {
        let mut store = new();
        let stranger = key(&BOB, SUITE, -1, 40);
        assert!(!store.set_delivered(carol(), stranger.bundle(), NOW).unwrap());
        assert!(store.delivered_key(bob(), carol(), SUITE, NOW).unwrap().is_none());
    });
}
