//! One's own static keys: two at most of an identity in a suite, and to whom the bundle of each was delivered (docs/protocol.md, section 4.6, "Owners").

use super::state::{LAG, MAX_PEERS, State};
use super::{AddressBookError, Renewal};
#[cfg(feature = "std")]
use crate::crypto::backend;
use crate::crypto::suite::Suite;
use crate::identity::{Bundle, Fingerprint, Identity, StaticKey};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;
use rand_core::TryCryptoRng;

/// The longest validity of a bundle in seconds: 60 days.
pub(super) const MAX_VALIDITY: u64 = 5_184_000;
const MAX_KEYS: usize = 2;

#[derive(Clone)]
pub(super) struct OwnKey {
    pub(super) key: Arc<StaticKey>,
    pub(super) me: Fingerprint,
    /// SHA-256 of its bundle: its name on a disk.
    #[cfg(feature = "std")]
    pub(super) digest: [u8; 32],
    pub(super) delivered: Vec<(Fingerprint, u64)>,
}

/// The newest not-before of an identity's bundles in a suite: it outlives its key, which may be wiped early.
#[derive(Clone, Copy)]
pub(super) struct Issued {
    pub(super) me: Fingerprint,
    pub(super) suite: Suite,
    pub(super) not_before: u64,
}

impl OwnKey {
    pub(super) fn new(key: StaticKey, delivered: Vec<(Fingerprint, u64)>) -> Self {
        Self {
            me: key.bundle().fingerprint(),
            #[cfg(feature = "std")]
            digest: backend::sha256(&[key.bundle().as_bytes()]),
            key: Arc::new(key),
            delivered,
        }
    }

    fn is_of(&self, me: Fingerprint, suite: Suite) -> bool {
        self.me == me && self.key.bundle().suite() == suite
    }

    fn delivered_to(&self, peer: Fingerprint) -> bool {
        self.delivered.iter().any(|(to, _)| *to == peer)
    }

    pub(super) fn undeliver(&mut self, peer: Fingerprint) -> bool {
        let before = self.delivered.len();
        self.delivered.retain(|(to, _)| *to != peer);
        before != self.delivered.len()
    }
}

impl Issued {
    /// Whether a bundle so dated can still stand in the way of a new one. One of the future comes from a clock that was wrong.
    pub(super) const fn counts(&self, now: u64) -> bool {
        self.not_before <= now && now - self.not_before <= MAX_VALIDITY + LAG
    }
}

impl State {
    /// Valid now, newer first.
    pub(super) fn static_keys(&self, suite: Suite, now: u64) -> Vec<Arc<StaticKey>> {
        let valid = self.keys.iter().map(|own| &own.key).filter(|key| key.bundle().suite() == suite && key.bundle().is_valid(now));
        let mut keys: Vec<_> = valid.cloned().collect();
        keys.sort_by_key(|key| Reverse(key.bundle().not_before()));
        keys
    }

    fn valid_key_of(&self, me: Fingerprint, suite: Suite, now: u64, fits: impl Fn(&OwnKey) -> bool) -> Option<&OwnKey> {
        let valid = self.keys.iter().filter(|own| own.is_of(me, suite) && own.key.bundle().is_valid(now) && fits(own));
        valid.max_by_key(|own| own.key.bundle().not_before())
    }

    pub(super) fn newest_key(&self, me: Fingerprint, suite: Suite, now: u64) -> Option<Arc<StaticKey>> {
        self.valid_key_of(me, suite, now, |_| true).map(|own| Arc::clone(&own.key))
    }

    pub(super) fn delivered_key(&self, me: Fingerprint, peer: Fingerprint, suite: Suite, now: u64) -> Option<Arc<StaticKey>> {
        self.valid_key_of(me, suite, now, |own| own.delivered_to(peer)).map(|own| Arc::clone(&own.key))
    }

    pub(super) fn undelivered(&self, me: Fingerprint, peer: Fingerprint, suite: Suite, now: u64) -> Option<Arc<StaticKey>> {
        self.valid_key_of(me, suite, now, |_| true).filter(|own| !own.delivered_to(peer)).map(|own| Arc::clone(&own.key))
    }

    /// Whether such a key is kept. Telling it again changes nothing.
    pub(super) fn set_delivered(&mut self, peer: Fingerprint, bundle: &Bundle, now: u64) -> bool {
        let Some(own) = self.keys.iter_mut().find(|own| own.key.bundle().as_bytes() == bundle.as_bytes()) else { return false };
        if !own.delivered_to(peer) {
            own.delivered.push((peer, now));
            let too_many = own.delivered.len().saturating_sub(MAX_PEERS);
            own.delivered.drain(..too_many);
            self.changed = true;
        }
        true
    }

    /// Whether the identity has no valid key in the suite, or its newest is as old as it shall get.
    pub(super) fn due(&self, me: Fingerprint, suite: Suite, renewal: Renewal, now: u64) -> bool {
        let made = |key: Arc<StaticKey>| key.bundle().not_before().saturating_add(LAG);
        self.newest_key(me, suite, now).map(made).is_none_or(|made| now.saturating_sub(made) >= renewal.after)
    }

    /// Dated one day back, and later than every one before.
    pub(super) fn renew(
        &mut self,
        me: &Identity,
        suite: Suite,
        renewal: Renewal,
        now: u64,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Arc<StaticKey>, AddressBookError> {
        let not_before =
            now.saturating_sub(LAG).max(self.last_issued(me.fingerprint(), suite, now).map_or(0, |last| last.saturating_add(1)));
        let not_after = not_before.saturating_add(renewal.validity.min(MAX_VALIDITY));
        let key = StaticKey::generate_with_rng(me, suite, not_before, not_after, rng).map_err(AddressBookError::NotMade)?;
        self.add_key(key, now)
    }

    /// Two stay: this one and the newest before it. What is dated in the future goes: nobody whose clock is right has taken it.
    pub(super) fn add_key(&mut self, key: StaticKey, now: u64) -> Result<Arc<StaticKey>, AddressBookError> {
        let own = OwnKey::new(key, Vec::new());
        let bundle = own.key.bundle();
        let (me, suite, not_before) = (own.me, bundle.suite(), bundle.not_before());
        if !bundle.is_valid(now) {
            return Err(AddressBookError::KeyNotValid);
        }
        if self.last_issued(me, suite, now).is_some_and(|last| not_before <= last) {
            return Err(AddressBookError::KeyNotLater);
        }
        let key = Arc::clone(&own.key);
        self.keys.retain(|own| !own.is_of(me, suite) || own.key.bundle().not_before() <= now);
        self.keys.insert(0, own);
        let mut kept = 0;
        self.keys.retain(|own| {
            kept += usize::from(own.is_of(me, suite));
            !own.is_of(me, suite) || kept <= MAX_KEYS
        });
        self.issued.retain(|issued| (issued.me, issued.suite) != (me, suite));
        self.issued.push(Issued { me, suite, not_before });
        self.changed = true;
        Ok(key)
    }

    pub(super) fn forget_keys(&mut self, me: Fingerprint) -> bool {
        let before = self.keys.len();
        self.keys.retain(|own| own.me != me);
        let found = before != self.keys.len();
        self.changed |= found;
        found
    }

    fn last_issued(&self, me: Fingerprint, suite: Suite, now: u64) -> Option<u64> {
        self.issued.iter().find(|issued| issued.me == me && issued.suite == suite && issued.counts(now)).map(|issued| issued.not_before)
    }
}
