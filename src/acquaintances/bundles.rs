//! The bundles of peers: of each fingerprint and suite the newest, also after it has ended (docs/protocol.md, section 4.6, "Keeping").

use super::keys::MAX_VALIDITY;
use super::state::{LAG, MAX_PEERS, State, public, same, scan};
use super::{NotTaken, Taken};
#[cfg(feature = "std")]
use crate::crypto::backend;
use crate::crypto::suite::Suite;
use crate::identity::{Bundle, Fingerprint};
use alloc::sync::Arc;
use core::cmp::Ordering;

#[derive(Clone)]
pub(super) struct Kept {
    pub(super) bundle: Arc<Bundle>,
    pub(super) peer: Fingerprint,
    /// SHA-256 of the bundle: its name on a disk.
    #[cfg(feature = "std")]
    pub(super) digest: [u8; 32],
    /// What is looked for, here and not behind the pointer: every bundle is looked at each time.
    pub(super) reference: [u8; 32],
    pub(super) suite: Suite,
    pub(super) not_before: u64,
    pub(super) not_after: u64,
}

impl Kept {
    pub(super) fn new(bundle: Bundle) -> Self {
        Self {
            peer: bundle.fingerprint(),
            #[cfg(feature = "std")]
            digest: backend::sha256(&[bundle.as_bytes()]),
            reference: *bundle.reference(),
            suite: bundle.suite(),
            not_before: bundle.not_before(),
            not_after: bundle.not_after(),
            bundle: Arc::new(bundle),
        }
    }

    pub(super) fn is_of(&self, peer: Fingerprint, suite: Suite) -> bool {
        self.peer == peer && self.bundle.suite() == suite
    }

    /// Every bundle that is older than this one has ended by now, and would be refused for that: nothing is lost with it but itself.
    fn is_dispensable(&self, now: u64) -> bool {
        now.saturating_sub(self.bundle.not_before()) > MAX_VALIDITY + LAG
    }
}

impl State {
    pub(super) fn take_bundle(&mut self, bundle: Bundle, now: u64) -> Taken {
        if now < bundle.not_before() {
            return Taken::Not(NotTaken::NotYetValid);
        }
        if !bundle.is_valid(now) {
            return Taken::Not(NotTaken::Ended);
        }
        let new = Kept::new(bundle);
        let taken = if let Some(kept) = self.bundles.iter_mut().find(|kept| kept.is_of(new.peer, new.bundle.suite())) {
            match new.bundle.not_before().cmp(&kept.bundle.not_before()) {
                Ordering::Less => return Taken::Not(NotTaken::Older),
                Ordering::Equal if new.bundle.unsigned() == kept.bundle.unsigned() => return Taken::Same,
                Ordering::Equal => return Taken::Not(NotTaken::Differs),
                Ordering::Greater => *kept = new,
            }
            Taken::Newer
        } else if self.make_room(now) {
            self.bundles.push(new);
            Taken::First
        } else {
            return Taken::Not(NotTaken::TooMany);
        };
        self.changed = true;
        taken
    }

    /// Whether there is room for one more, if need be by letting the oldest go where that is no loss.
    fn make_room(&mut self, now: u64) -> bool {
        if self.bundles.len() < MAX_PEERS {
            return true;
        }
        let oldest = (0..).zip(&self.bundles).min_by_key(|(_, kept)| kept.bundle.not_before());
        let Some(at) = oldest.filter(|(_, kept)| kept.is_dispensable(now)).map(|(at, _)| at) else { return false };
        self.bundles.swap_remove(at);
        true
    }

    pub(super) fn bundle_of(&self, peer: Fingerprint, suite: Suite, now: u64) -> Option<Arc<Bundle>> {
        let kept = self.bundles.iter().find(|kept| kept.is_of(peer, suite));
        kept.map(|kept| &kept.bundle).filter(|bundle| bundle.is_valid(now)).cloned()
    }

    /// In a time that depends on how many there are, and not on which it is, or whether there is one.
    pub(super) fn acquaintance(&self, suite: Suite, reference: &[u8; 32], now: u64) -> Option<Arc<Bundle>> {
        let fits = |kept: &Kept| {
            same(&kept.reference, reference) & public(kept.suite == suite) & public(kept.not_before <= now && now < kept.not_after)
        };
        scan(&self.bundles, fits).map(|kept| kept.bundle)
    }
}
