//! What is kept, and the clock that it is kept by (docs/protocol.md, sections 4.6 and 6.8). Nothing here knows of files.
//!
//! A copy shares what it holds, so that a change is made to a copy and takes the place of the old one whole.

use super::bundles::Kept;
use super::keys::{Issued, OwnKey};
use super::resumptions::{Remembered, Used};
use super::{Acquaintance, AddressBookError, Report};
use crate::identity::Fingerprint;
use alloc::vec::Vec;
use core::cell::Cell;
use core::mem;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// How far a clock may lag behind the latest time that was told, and how far back an own bundle is dated, in seconds: a day.
pub(super) const LAG: u64 = 86_400;
/// The most peers, and of them the most bundles.
pub(super) const MAX_PEERS: usize = 4_096;

#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) clock: Clock,
    /// Newer first.
    pub(super) keys: Vec<OwnKey>,
    pub(super) issued: Vec<Issued>,
    pub(super) bundles: Vec<Kept>,
    /// Newer last.
    pub(super) records: Vec<Remembered>,
    pub(super) used: Vec<Used>,
    pub(super) peers: Vec<Acquaintance>,
    /// It was found copied, and its owner has not been told yet.
    pub(super) copied: bool,
    /// Whether this copy differs from what it was made of.
    pub(super) changed: bool,
}

/// The latest time that was told; 0 where none was. A look-up tells one too, so it is written without a change of the rest.
#[derive(Clone, Default)]
pub(super) struct Clock {
    pub(super) latest: Cell<u64>,
    /// How often the owner has said that the clock is right: what was told before then counts no more.
    pub(super) set: u32,
}

impl Clock {
    /// Is told a time. [`AddressBookError::ClockBehind`] where it is too far behind.
    pub(super) fn tell(&self, now: u64) -> Result<(), AddressBookError> {
        let latest = self.latest.get();
        if latest.saturating_sub(now) > LAG {
            return Err(AddressBookError::ClockBehind { now, latest });
        }
        self.latest.set(latest.max(now));
        Ok(())
    }
}

impl State {
    /// Lets go of what has ended: own static keys, which are wiped so, records, and the ids of used ones. Bundles of peers stay.
    pub(super) fn tidy(&mut self, now: u64) {
        let before = [self.keys.len(), self.issued.len(), self.records.len(), self.used.len()];
        self.keys.retain(|own| now < own.key.bundle().not_after());
        self.issued.retain(|issued| issued.counts(now));
        self.records.retain(|kept| now < kept.record.not_after());
        self.used.retain(|used| now < used.not_after);
        self.changed |= before != [self.keys.len(), self.issued.len(), self.records.len(), self.used.len()];
    }

    pub(super) fn clock_is_right(&mut self) {
        self.clock = Clock { latest: Cell::new(0), set: self.clock.set.wrapping_add(1) };
        self.changed = true;
    }

    pub(super) fn see(&mut self, seen: Acquaintance) {
        self.peers.retain(|known| (known.peer, known.suite) != (seen.peer, seen.suite));
        while self.peers.len() >= MAX_PEERS {
            let oldest = (0..).zip(&self.peers).min_by_key(|(_, known)| known.last_seen).map(|(at, _)| at);
            oldest.map(|at| self.peers.swap_remove(at));
        }
        self.peers.push(seen);
        self.changed = true;
    }

    /// Whether anything of this peer was kept. The ids of used records stay, as nobody's.
    pub(super) fn forget(&mut self, peer: Fingerprint) -> bool {
        let before = (self.peers.len(), self.bundles.len(), self.records.len());
        self.peers.retain(|known| known.peer != peer);
        self.bundles.retain(|kept| kept.peer != peer);
        self.records.retain(|kept| kept.record.peer() != Some(&peer));
        let mut found = before != (self.peers.len(), self.bundles.len(), self.records.len());
        for own in &mut self.keys {
            found |= own.undeliver(peer);
        }
        for used in self.used.iter_mut().filter(|used| used.peer == Some(peer)) {
            (used.peer, found) = (None, true);
        }
        self.changed |= found;
        found
    }

    /// What the owner was not told yet, and is told now.
    pub(super) fn reports(&mut self) -> Vec<Report> {
        let copied = mem::take(&mut self.copied).then_some(Report::Copied);
        let second = self.used.iter_mut().filter_map(Used::report);
        let reports: Vec<Report> = copied.into_iter().chain(second).collect();
        self.changed |= !reports.is_empty();
        reports
    }

    /// It was copied, or came back from a backup: what may be used once may be used elsewhere already.
    #[cfg(feature = "std")]
    pub(super) fn was_copied(&mut self) {
        self.records.clear();
        (self.copied, self.changed) = (true, true);
    }

    /// Takes over what look-ups noted in the state that this one takes the place of.
    #[cfg(feature = "std")]
    pub(super) fn succeed(&self, earlier: &Self) {
        if self.clock.set == earlier.clock.set {
            self.clock.latest.set(self.clock.latest.get().max(earlier.clock.latest.get()));
        }
        for noted in earlier.used.iter().filter(|used| used.is_unreported()) {
            self.used.iter().filter(|used| used.is_of(noted.role, &noted.id).into()).for_each(Used::note);
        }
    }
}

/// The one item that fits, the last if there are several. All are looked at, and which it is does not show in what is done but in the result.
pub(super) fn scan<T: Clone>(items: &[T], fits: impl Fn(&T) -> Choice) -> Option<T> {
    let (at, found) = place(items, fits);
    if bool::from(found) { items.get(usize::try_from(at).ok()?).cloned() } else { None }
}

/// Where it stands, if anywhere: without a branch, of which `evidence/ct` allows none here.
fn place<T>(items: &[T], fits: impl Fn(&T) -> Choice) -> (u64, Choice) {
    let (mut at, mut found) = (0u64, Choice::from(0));
    for (n, item) in (0u64..).zip(items) {
        let this = fits(item);
        at.conditional_assign(&n, this);
        found |= this;
    }
    (at, found)
}

/// Whether the bytes are the same, whatever they are; eight at a time, which takes a fraction of the time of one at a time.
pub(super) fn same<const N: usize>(a: &[u8; N], b: &[u8; N]) -> Choice {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let wide = a.iter().zip(b).map(|(a, b)| u64::from_ne_bytes(*a).ct_eq(&u64::from_ne_bytes(*b)));
    wide.fold(a_rest.ct_eq(b_rest), |all, same| all & same)
}

/// A condition that is no secret, among those that are.
pub(super) fn public(condition: bool) -> Choice {
    Choice::from(u8::from(condition))
}
