//! Resumption records, each used once, and the ids of those that were (docs/protocol.md, section 6.8).

use super::state::{State, public, same, scan};
use super::{Report, Wanted};
use crate::channel::{Resumption, Role};
#[cfg(feature = "std")]
use crate::crypto::backend;
use crate::identity::Fingerprint;
use alloc::sync::Arc;
use core::cell::Cell;
use subtle::{Choice, ConstantTimeEq};

/// The most records of one peer and role; the newest stay.
const MAX_OF_PEER: usize = 4;
/// The most records of peers without identity, who cannot be told from each other.
const MAX_ANONYMOUS: usize = 1_024;
const MAX_RECORDS: usize = 4_096;
pub(super) const MAX_USED: usize = 4_096;

#[derive(Clone)]
pub(super) struct Remembered {
    pub(super) record: Arc<Resumption>,
    /// SHA-256 of role and id: its name on a disk.
    #[cfg(feature = "std")]
    pub(super) digest: [u8; 32],
    /// What is looked for, here and not behind the pointer: every record is looked at each time.
    role: Role,
    id: [u8; 16],
    not_after: u64,
}

/// A record that was removed because it was used.
#[derive(Clone)]
pub(super) struct Used {
    pub(super) role: Role,
    pub(super) id: [u8; 16],
    pub(super) peer: Option<Fingerprint>,
    pub(super) not_after: u64,
    /// 1 where it came again. A look-up notes that, whatever it finds, in the same time.
    pub(super) again: Cell<u8>,
    /// Whether the owner was told.
    pub(super) reported: bool,
}

impl Used {
    pub(super) fn is_of(&self, role: Role, id: &[u8; 16]) -> Choice {
        same(&self.id, id) & public(self.role == role)
    }

    #[cfg(feature = "std")]
    pub(super) fn note(&self) {
        self.again.set(1);
    }

    pub(super) fn is_unreported(&self) -> bool {
        self.again.get() == 1 && !self.reported
    }

    pub(super) fn report(&mut self) -> Option<Report> {
        let report = self.is_unreported().then_some(Report::SecondUse { role: self.role, id: self.id, peer: self.peer })?;
        self.reported = true;
        Some(report)
    }
}

impl Remembered {
    pub(super) fn new(record: Resumption) -> Self {
        Self {
            #[cfg(feature = "std")]
            digest: backend::sha256(&[&[role_id(record.role())], record.id()]),
            role: record.role(),
            id: *record.id(),
            not_after: record.not_after(),
            record: Arc::new(record),
        }
    }

    fn is_of(&self, role: Role, id: &[u8; 16]) -> Choice {
        same(&self.id, id) & public(self.role == role)
    }
}

/// A role's number in what is written.
#[cfg(feature = "std")]
pub(super) const fn role_id(role: Role) -> u8 {
    match role {
        Role::Opener => 1,
        Role::Answerer => 2,
    }
}

impl State {
    /// In a time that depends on how many there are, and not on which it is, or whether there is one.
    ///
    /// Of records that this side opens with, a second use is none: another thread or device of the owner was first.
    pub(super) fn resumption(&self, role: Role, id: &[u8; 16], now: u64) -> Option<Arc<Resumption>> {
        let from_peer = public(role == Role::Answerer);
        for used in &self.used {
            used.again.set(used.again.get() | (used.is_of(role, id) & from_peer).unwrap_u8());
        }
        scan(&self.records, |kept| kept.is_of(role, id) & public(now < kept.not_after)).map(|kept| kept.record)
    }

    /// Whether it was there. Where it was used before, this is a second use.
    pub(super) fn remove(&mut self, role: Role, id: &[u8; 16], now: u64) -> bool {
        let record = self.resumption(role, id, now);
        if let Some(record) = &record {
            self.use_up(record);
        }
        record.is_some()
    }

    /// False for one that has ended, or that is or was here already: what was used does not come back.
    pub(super) fn keep(&mut self, record: Resumption, now: u64) -> bool {
        let (role, id) = (record.role(), *record.id());
        let known =
            self.records.iter().any(|kept| kept.is_of(role, &id).into()) || self.used.iter().any(|used| used.is_of(role, &id).into());
        if known || record.not_after() <= now {
            return false;
        }
        let new = Remembered::new(record);
        let (me, peer) = (new.record.me(), new.record.peer());
        let most = if peer.is_some() { MAX_OF_PEER } else { MAX_ANONYMOUS };
        self.drop_oldest(most, |kept| (kept.role(), kept.me(), kept.peer()) == (role, me, peer));
        self.drop_oldest(MAX_RECORDS, |_| true);
        self.records.push(new);
        self.changed = true;
        true
    }

    /// Leaves room for one more of those, if there may be so many.
    fn drop_oldest(&mut self, most: usize, of: impl Fn(&Resumption) -> bool) {
        let mut surplus = (self.records.iter().filter(|kept| of(&kept.record)).count() + 1).saturating_sub(most);
        self.records.retain(|kept| {
            let drop = surplus > 0 && of(&kept.record);
            surplus -= usize::from(drop);
            !drop
        });
    }

    /// The newest one with which this side may open as is wanted.
    pub(super) fn resumption_with(&self, wanted: &Wanted<'_>, now: u64) -> Option<Arc<Resumption>> {
        let fits = |kept: &&Remembered| wanted.fits(&kept.record) && now < kept.record.not_after();
        self.records.iter().rfind(fits).map(|kept| Arc::clone(&kept.record))
    }

    fn use_up(&mut self, record: &Resumption) {
        let (role, id) = (record.role(), *record.id());
        self.records.retain(|kept| !bool::from(kept.is_of(role, &id)));
        if self.used.len() >= MAX_USED {
            let soonest = (0..).zip(&self.used).min_by_key(|(_, used)| used.not_after).map(|(at, _)| at);
            soonest.map(|at| self.used.swap_remove(at));
        }
        let (peer, not_after) = (record.peer().copied(), record.not_after());
        self.used.push(Used { role, id, peer, not_after, again: Cell::new(0), reported: false });
        self.changed = true;
    }
}

impl Wanted<'_> {
    fn fits(&self, record: &Resumption) -> bool {
        let tag = match (self.psk_tag, record.psk_tag()) {
            (None, None) => true,
            (Some(wanted), Some(kept)) => wanted.ct_eq(kept).into(),
            _ => false,
        };
        let sides = record.me() == self.me.as_ref() && record.peer() == self.peer.as_ref();
        tag && sides && record.role() == Role::Opener && record.suite() == self.suite && record.prologue() == self.prologue
    }
}
