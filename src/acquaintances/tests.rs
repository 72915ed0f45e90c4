//! The bounds, which are reached faster from within, and what one state hands to the next.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use super::bundles::Kept;
use super::directory::{Directory, DirectoryError, ask};
use super::resumptions::{MAX_USED, Used};
use super::state::{MAX_PEERS, State};
use super::{Acquaintance, Acquaintances, AddressBookError, Book, NotTaken, Report, Taken, Wanted, Way};
use crate::channel::{Resumption, Role};
use crate::crypto::suite::Suite;
use crate::handshake::{Initiator, Responder};
use crate::identity::{Bundle, Fingerprint, Identity, StaticKey};
use crate::trust::danger::TrustAnyone;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::Cell;

const NOW: u64 = 1_767_312_000;
const DAY: u64 = 86_400;
const SUITE: Suite = Suite::Level3ChaCha;

fn fingerprint(n: usize) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    Fingerprint::from_bytes(bytes)
}

fn bundle(from: u64, to: u64) -> Bundle {
    StaticKey::generate(&Identity::generate().unwrap(), SUITE, from, to).unwrap().bundle().clone()
}

/// Records that differ in id and in whose they are.
fn records() -> impl FnMut(usize, Option<usize>) -> Resumption {
    let (alice, bob) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let (a, hello) = Initiator::new(&alice, b"bounds").send_hello().unwrap();
    let (_, reply) = Responder::new(&bob, b"bounds").read_hello(&hello).unwrap().send_reply().unwrap();
    let (mut a, _) = a.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
    let bytes = a.keep_resumption(NOW).unwrap().unwrap().to_secret_bytes();
    move |id, me| {
        let mut bytes = bytes.expose().to_vec();
        bytes[4..12].copy_from_slice(&id.to_be_bytes());
        // Without identity, or one that others have not.
        let start = if let Some(me) = me {
            bytes[60..68].copy_from_slice(&me.to_be_bytes());
            bytes.len()
        } else {
            let length = usize::from(u16::from_be_bytes([bytes[125], bytes[126]]));
            bytes[125..127].fill(0);
            bytes.drain(127..127 + length);
            bytes.len()
        };
        Resumption::from_secret_bytes(&bytes[..start]).unwrap()
    }
}

#[test]
fn bundles_are_kept_without_a_bound_or_one_that_still_counts_is_let_go() {
    let mut state = State::default();
    let one = Kept::new(bundle(NOW - 10, NOW + 10));
    // Of that many peers the first is the oldest.
    let kept = |n: usize| Kept { peer: fingerprint(n), ..one.clone() };
    let oldest = Kept { peer: fingerprint(0), ..Kept::new(bundle(NOW - 2 * DAY, NOW + DAY)) };
    state.bundles = (1..MAX_PEERS).map(kept).chain([oldest]).collect();
    assert_eq!(state.take_bundle(bundle(NOW, NOW + DAY), NOW), Taken::Not(NotTaken::TooMany));
    // A peer that is there gets a newer one still.
    let newer = bundle(NOW + 1, NOW + DAY);
    state.bundles[0].peer = newer.fingerprint();
    assert_eq!(state.take_bundle(newer, NOW + 1), Taken::Newer);
    // It goes when 61 days have passed since its not-before: no older one could be valid then.
    let then = NOW - 2 * DAY + 61 * DAY;
    assert_eq!(state.take_bundle(bundle(then, then + DAY), then), Taken::Not(NotTaken::TooMany));
    assert_eq!(state.take_bundle(bundle(then, then + DAY), then + 1), Taken::First);
    assert_eq!(state.bundles.len(), MAX_PEERS);
    assert!(!state.bundles.iter().any(|kept| kept.peer == fingerprint(0)));
    assert_eq!(state.take_bundle(bundle(then, then + DAY), then + 1), Taken::Not(NotTaken::TooMany));
}

#[test]
fn records_are_kept_without_a_bound() {
    let (mut state, mut record) = (State::default(), records());
    for n in 0..4_100 {
        assert!(state.keep(record(n, Some(n)), NOW));
    }
    assert_eq!(state.records.len(), 4_096);
    let first = *state.records[0].record.id();
    assert_eq!(first, *record(4, Some(0)).id());
    // Those without identity have a share of their own.
    let mut state = State::default();
    for n in 0..1_030 {
        assert!(state.keep(record(n, None), NOW));
    }
    assert!(state.keep(record(5_000, Some(1)), NOW));
    let ids: Vec<_> = state.records.iter().map(|kept| *kept.record.id()).collect();
    assert_eq!((ids.len(), ids[0]), (1_025, *record(6, None).id()));
}

#[test]
fn used_ids_are_kept_without_a_bound_or_the_newest_go() {
    let (mut state, mut record) = (State::default(), records());
    let used = |n: usize| {
        let mut id = [0xFF; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        let not_after = NOW + 1 + u64::try_from(n).unwrap();
        Used { role: Role::Opener, id, peer: None, not_after, again: Cell::new(0), reported: false }
    };
    state.used = (0..MAX_USED).map(used).collect();
    let (last, soonest) = (record(7, Some(7)), state.used[0].id);
    let id = *last.id();
    assert!(state.keep(last, NOW) && state.remove(Role::Opener, &id, NOW));
    assert_eq!(state.used.len(), MAX_USED);
    assert!(state.used.iter().any(|used| used.id == id) && !state.used.iter().any(|used| used.id == soonest));
    // Each goes at its not-after.
    state.tidy(NOW + 11);
    assert_eq!(state.used.len(), MAX_USED - 10);
}

#[test]
fn peers_are_kept_without_a_bound_or_the_one_seen_last_goes() {
    let mut state = State::default();
    for n in 0..MAX_PEERS + 3 {
        let last_seen = if n == 0 { NOW + DAY } else { NOW + u64::try_from(n).unwrap() };
        state.see(Acquaintance { peer: fingerprint(n), suite: SUITE, last_seen, way: Way::Met });
    }
    let there = |n: usize| state.peers.iter().any(|known| known.peer == fingerprint(n));
    assert_eq!(state.peers.len(), MAX_PEERS);
    assert_eq!([0, 1, 2, 3, 4].map(there), [true, false, false, false, true]);
}

#[test]
fn deliveries_are_kept_without_a_bound() {
    let mut state = State::default();
    let me = Identity::generate().unwrap();
    let key = state.add_key(StaticKey::generate(&me, SUITE, NOW, NOW + DAY).unwrap(), NOW).unwrap();
    for n in 0..MAX_PEERS + 2 {
        assert!(state.set_delivered(fingerprint(n), key.bundle(), NOW));
    }
    assert_eq!(state.keys[0].delivered.len(), MAX_PEERS);
    assert!(state.delivered_key(me.fingerprint(), fingerprint(1), SUITE, NOW).is_none());
    assert!(state.delivered_key(me.fingerprint(), fingerprint(2), SUITE, NOW).is_some());
}

/// An hour back is within what a clock may be behind: nobody says then that it is right.
#[test]
fn a_static_key_of_the_future_stays_or_takes_anothers_along() {
    let (alice, bob) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let mut state = State::default();
    let key = |of: &Identity, from| StaticKey::generate(of, SUITE, from, NOW + DAY).unwrap();
    for of in [&alice, &bob] {
        state.add_key(key(of, NOW), NOW).unwrap();
    }
    state.add_key(key(&alice, NOW - 3_601), NOW - 3_600).unwrap();
    let kept: Vec<_> = state.keys.iter().map(|own| (own.me, own.key.bundle().not_before())).collect();
    assert_eq!(kept, [(alice.fingerprint(), NOW - 3_601), (bob.fingerprint(), NOW)]);
}

#[test]
fn a_third_static_key_stays_or_takes_anothers_along() {
    let (alice, bob) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let mut state = State::default();
    let key = |of: &Identity, from| StaticKey::generate(of, SUITE, from, NOW + DAY).unwrap();
    state.add_key(key(&bob, NOW), NOW).unwrap();
    for from in [NOW - 2, NOW - 1, NOW] {
        state.add_key(key(&alice, from), NOW).unwrap();
    }
    let kept: Vec<_> = state.keys.iter().map(|own| (own.me, own.key.bundle().not_before())).collect();
    assert_eq!(kept, [(alice.fingerprint(), NOW), (alice.fingerprint(), NOW - 1), (bob.fingerprint(), NOW)]);
    // Of the same second there is one.
    assert!(matches!(state.add_key(key(&alice, NOW), NOW), Err(AddressBookError::KeyNotLater)));
}

/// What counts at its last second still stands, and is gone a second later.
#[test]
fn what_has_ended_stays_or_goes_before_its_time() {
    let (mut state, mut record) = (State::default(), records());
    let me = Identity::generate().unwrap();
    state.add_key(StaticKey::generate(&me, SUITE, NOW, NOW + DAY).unwrap(), NOW).unwrap();
    let remembered = record(1, Some(1));
    let (id, end) = (*remembered.id(), remembered.not_after());
    let used = Used { role: Role::Answerer, id: [9; 16], peer: None, not_after: end, again: Cell::new(0), reported: false };
    state.used.push(used);
    assert!(state.keep(remembered, NOW));
    let counts = |state: &State| [state.keys.len(), state.records.len(), state.used.len(), state.issued.len()];
    let mut at = |now, expected, changes| {
        state.changed = false;
        state.tidy(now);
        assert_eq!((counts(&state), state.changed), (expected, changes), "at {now}");
    };
    at(NOW + DAY - 1, [1, 1, 1, 1], false);
    at(NOW + DAY, [0, 1, 1, 1], true);
    at(end - 1, [0, 1, 1, 1], false);
    at(end, [0, 0, 0, 1], true);
    // The longest validity, and a day.
    at(NOW + 61 * DAY, [0, 0, 0, 1], false);
    at(NOW + 61 * DAY + 1, [0, 0, 0, 0], true);
    // It is not taken at its end, whoever has not tidied.
    assert!(state.keep(record(1, Some(1)), NOW));
    let kept = Arc::clone(&state.records[0].record);
    let me = kept.me().copied();
    let wanted = Wanted { me, peer: kept.peer().copied(), suite: SUITE, prologue: kept.prologue(), psk_tag: None };
    assert_eq!(state.resumption_with(&wanted, end - 1).map(|found| *found.id()), Some(id));
    assert!(state.resumption_with(&wanted, end).is_none());
}

/// Another process put a state in the place of one whose look-ups had noted something.
#[test]
fn what_a_look_up_noted_is_lost_with_the_state_that_it_looked_at() {
    let used = |id, reported| Used { role: Role::Answerer, id: [id; 16], peer: None, not_after: NOW + DAY, again: Cell::new(0), reported };
    let state = || State { used: [1, 2, 3].map(|id| used(id, false)).into(), ..State::default() };
    let earlier = state();
    earlier.clock.tell(NOW).unwrap();
    assert!(earlier.resumption(Role::Answerer, &[2; 16], NOW).is_none());
    let mut next = state();
    next.clock.tell(NOW - 5).unwrap();
    next.succeed(&earlier);
    assert_eq!(next.clock.latest.get(), NOW);
    assert_eq!(next.reports(), [Report::SecondUse { role: Role::Answerer, id: [2; 16], peer: None }]);
    // What was reported in the meantime is not reported again, nor is what nobody looked up.
    let mut reported = State { used: [used(2, true)].into(), ..State::default() };
    reported.succeed(&earlier);
    assert_eq!(reported.reports(), []);
    // The owner has said meanwhile that the clock is right: what was told before counts no more.
    let mut right = state();
    right.clock_is_right();
    right.succeed(&earlier);
    assert_eq!(right.clock.latest.get(), 0);
}

#[test]
fn a_conversation_is_noted_all_the_time_or_an_hour_late() {
    let (mut book, peer) = (Book::new(), fingerprint(1));
    let last = |book: &Book| book.acquaintances().unwrap()[0].last_seen;
    for (way, now, noted) in [
        (Way::Met, NOW, NOW),
        (Way::Met, NOW + 59, NOW),
        (Way::Met, NOW + 60, NOW + 60),
        (Way::Resumed, NOW + 61, NOW + 61),
        (Way::Resumed, NOW + 120, NOW + 61),
        (Way::Resumed, NOW + 121, NOW + 121),
    ] {
        book.seen(peer, SUITE, way, now).unwrap();
        assert_eq!(last(&book), noted, "at {now}");
    }
}

#[test]
fn a_book_is_shown_with_its_contacts() {
    let mut book = Book::new();
    book.add_key(StaticKey::generate(&Identity::generate().unwrap(), SUITE, NOW, NOW + DAY).unwrap(), NOW).unwrap();
    let shown = alloc::format!("{book:?}");
    assert!(shown.starts_with("Book") && shown.contains("static_keys: 1, bundles: 0, records: 0") && !shown.contains("tl1"), "{shown}");
}

#[test]
fn a_bundle_that_a_directory_was_not_asked_for_is_taken() {
    struct Gives(Option<Bundle>);

    impl Directory for Gives {
        fn bundle(&self, _: Fingerprint, _: Suite) -> Result<Option<Bundle>, DirectoryError> {
            Ok(self.0.clone())
        }
    }

    let given = bundle(NOW, NOW + DAY);
    let (of, gives) = (given.fingerprint(), Gives(Some(given.clone())));
    assert!(ask(&gives, of, SUITE).unwrap() == Some(given));
    for (other, suite) in [(fingerprint(1), SUITE), (of, Suite::Level3Aes)] {
        let wrong = ask(&gives, other, suite).map(drop);
        assert!(matches!(wrong, Err(DirectoryError::WrongBundle { of: owner, suite }) if (owner, suite) == (of, SUITE)));
    }
    assert!(ask(&Gives(None), of, SUITE).unwrap().is_none());
}
