//! What a store does: it lets look at what is kept, and changes it whole. The rest is the same for all.

use super::state::State;
use super::{Acquaintance, Acquaintances, AddressBook, AddressBookError, Renewal, Report, Taken, Wanted, Way};
use crate::channel::{Resumption, Role};
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::{Bundle, Fingerprint, Identity, StaticKey};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// Within this many seconds a conversation of the same kind with the same peer is not noted again.
const SEEN_JUST_NOW: u64 = 60;

pub(super) trait Shelf {
    /// Looks at what is kept now, unless the time that is told is too far behind.
    fn read<T>(&self, now: Option<u64>, look: impl FnOnce(&State) -> T) -> Result<T, AddressBookError>;

    /// Changes what is kept now. After an error it is as it was.
    fn write<T>(&mut self, now: Option<u64>, change: impl FnOnce(&mut State) -> Result<T, AddressBookError>)
    -> Result<T, AddressBookError>;

    fn renewal(&self) -> Renewal;
}

impl State {
    /// What becomes of this one, which stays as it is but for the time that it was told.
    pub(super) fn changed_by<T>(
        &self,
        now: Option<u64>,
        change: impl FnOnce(&mut Self) -> Result<T, AddressBookError>,
    ) -> Result<(Self, T), AddressBookError> {
        now.map_or(Ok(()), |now| self.clock.tell(now))?;
        let mut next = Self { changed: false, ..self.clone() };
        if let Some(now) = now {
            next.tidy(now);
        }
        let result = change(&mut next)?;
        Ok((next, result))
    }

    pub(super) fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [keys, bundles, records] = [self.keys.len(), self.bundles.len(), self.records.len()];
        f.debug_struct(name).field("static_keys", &keys).field("bundles", &bundles).field("records", &records).finish_non_exhaustive()
    }
}

impl<S: Shelf> AddressBook for S {
    fn static_keys(&self, suite: Suite, now: u64) -> Result<Vec<Arc<StaticKey>>, Error> {
        // They are judged by the time alone, so that to the other side a clock that is behind looks as if nothing were kept of others.
        Ok(self.read(None, |state| {
            let _ = state.clock.tell(now);
            state.static_keys(suite, now)
        })?)
    }

    fn acquaintance(&self, suite: Suite, reference: &[u8; 32], now: u64) -> Result<Option<Arc<Bundle>>, Error> {
        Ok(self.read(Some(now), |state| state.acquaintance(suite, reference, now))?)
    }

    fn resumption(&self, role: Role, id: &[u8; 16], now: u64) -> Result<Option<Arc<Resumption>>, Error> {
        Ok(self.read(Some(now), |state| state.resumption(role, id, now))?)
    }

    fn remove(&mut self, role: Role, id: &[u8; 16], now: u64) -> Result<bool, Error> {
        Ok(self.write(Some(now), |state| Ok(state.remove(role, id, now)))?)
    }
}

impl<S: Shelf> Acquaintances for S {
    fn due(&self, me: Fingerprint, suite: Suite, now: u64) -> Result<bool, AddressBookError> {
        self.read(Some(now), |state| state.due(me, suite, self.renewal(), now))
    }

    #[cfg(feature = "std")]
    fn renew(&mut self, me: &Identity, suite: Suite, now: u64) -> Result<Arc<StaticKey>, AddressBookError> {
        self.renew_with_rng(me, suite, now, &mut getrandom::SysRng)
    }

    fn renew_with_rng(
        &mut self,
        me: &Identity,
        suite: Suite,
        now: u64,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Arc<StaticKey>, AddressBookError> {
        let renewal = self.renewal();
        // What another process has made meanwhile is seen before this one makes another.
        self.write(Some(now), |state| match state.newest_key(me.fingerprint(), suite, now) {
            Some(newest) if !state.due(me.fingerprint(), suite, renewal, now) => Ok(newest),
            _ => state.renew(me, suite, renewal, now, rng),
        })
    }

    fn add_key(&mut self, key: StaticKey, now: u64) -> Result<Arc<StaticKey>, AddressBookError> {
        self.write(Some(now), |state| state.add_key(key, now))
    }

    fn forget_keys(&mut self, me: Fingerprint) -> Result<bool, AddressBookError> {
        self.write(None, |state| Ok(state.forget_keys(me)))
    }

    fn undelivered(&self, me: Fingerprint, peer: Fingerprint, suite: Suite, now: u64) -> Result<Option<Arc<StaticKey>>, AddressBookError> {
        self.read(Some(now), |state| state.undelivered(me, peer, suite, now))
    }

    fn set_delivered(&mut self, peer: Fingerprint, bundle: &Bundle, now: u64) -> Result<bool, AddressBookError> {
        self.write(Some(now), |state| Ok(state.set_delivered(peer, bundle, now)))
    }

    fn delivered_key(
        &self,
        me: Fingerprint,
        peer: Fingerprint,
        suite: Suite,
        now: u64,
    ) -> Result<Option<Arc<StaticKey>>, AddressBookError> {
        self.read(Some(now), |state| state.delivered_key(me, peer, suite, now))
    }

    fn take_bundle(&mut self, bundle: Bundle, now: u64) -> Result<Taken, AddressBookError> {
        self.write(Some(now), |state| Ok(state.take_bundle(bundle, now)))
    }

    fn bundle_of(&self, peer: Fingerprint, suite: Suite, now: u64) -> Result<Option<Arc<Bundle>>, AddressBookError> {
        self.read(Some(now), |state| state.bundle_of(peer, suite, now))
    }

    fn keep(&mut self, record: Resumption, now: u64) -> Result<bool, AddressBookError> {
        self.write(Some(now), |state| Ok(state.keep(record, now)))
    }

    fn resumption_with(&self, wanted: &Wanted<'_>, now: u64) -> Result<Option<Arc<Resumption>>, AddressBookError> {
        self.read(Some(now), |state| state.resumption_with(wanted, now))
    }

    fn seen(&mut self, peer: Fingerprint, suite: Suite, way: Way, now: u64) -> Result<(), AddressBookError> {
        let just_now = |known: &Acquaintance| {
            (known.peer, known.suite, known.way) == (peer, suite, way) && now.abs_diff(known.last_seen) < SEEN_JUST_NOW
        };
        self.write(Some(now), |state| {
            if !state.peers.iter().any(just_now) {
                state.see(Acquaintance { peer, suite, last_seen: now, way });
            }
            Ok(())
        })
    }

    fn acquaintances(&self) -> Result<Vec<Acquaintance>, AddressBookError> {
        self.read(None, |state| state.peers.clone())
    }

    fn forget(&mut self, peer: Fingerprint) -> Result<bool, AddressBookError> {
        self.write(None, |state| Ok(state.forget(peer)))
    }

    fn reports(&mut self) -> Result<Vec<Report>, AddressBookError> {
        self.write(None, |state| Ok(state.reports()))
    }

    fn clock_is_right(&mut self) -> Result<(), AddressBookError> {
        self.write(None, |state| {
            state.clock_is_right();
            Ok(())
        })
    }

    fn tidy(&mut self, now: u64) -> Result<(), AddressBookError> {
        self.write(Some(now), |_| Ok(()))
    }
}
