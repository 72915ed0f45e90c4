//! The bounds, which are reached faster from within.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use super::bundles::Kept;
use super::resumptions::{MAX_USED, Used};
use super::state::{MAX_PEERS, State};
use super::{Acquaintance, NotTaken, Taken, Way};
use crate::channel::{Resumption, Role};
use crate::crypto::suite::Suite;
use crate::handshake::{Initiator, Responder};
use crate::identity::{Bundle, Fingerprint, Identity, StaticKey};
use crate::trust::danger::TrustAnyone;
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
