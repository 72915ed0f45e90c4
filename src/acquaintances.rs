//! What is kept of those one has met, so that the next conversation costs less (docs/protocol.md, sections 4.6, 6.7 and 6.8).
//!
//! ```text
//! own static keys      two at most of an identity in a suite · to whom the bundle of each was delivered, and when
//! bundles of peers     of each fingerprint and suite the newest, also after it has ended
//! resumption records   by role and id, each used once · the ids of those that were used, until their not-after
//! peers                in which suite and pattern, and when, each was last spoken to
//! the clock            the latest time that was told
//! ```
//!
//! [`Book`] keeps it in memory, `Folder` on a disk. [`AddressBook`] is what a responder asks, [`Acquaintances`] what everybody else asks and tells. A [`Directory`] gives bundles of those who were
//! not met yet; `BundleFolder` is one of files.
//!
//! - **Persist, then reveal.** A change is on the disk when the call returns, whole or not at all. A record that is used leaves the store first, and exactly one
//!   caller is told that it has removed it, in however many processes.
//! - **Time is told.** Under a time more than a day behind one that was told before, nothing is used and nothing taken ([`AddressBookError::ClockBehind`]), until the
//!   owner says that the clock is right ([`Acquaintances::clock_is_right`]).
//! - **A stranger learns nothing.** Whom a reference names, and whether an id is known, is looked up among all in constant time. How many there are shows.
//! - **Everything is bounded.** 4,096 peers, and as many bundles and records, of those 4 a peer and role, and ids of used ones. What is older goes first; a bundle only
//!   once no older one could be taken in its place, and until then a new peer's is not taken ([`NotTaken::TooMany`]).

mod bundles;
mod directory;
mod error;
#[cfg(feature = "std")]
mod folder;
mod keys;
mod resumptions;
mod shelf;
mod state;
#[cfg(all(test, feature = "std"))]
mod tests;

use self::shelf::Shelf;
use self::state::State;
use crate::channel::{Resumption, Role};
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::{Bundle, Fingerprint, Identity, StaticKey};
use alloc::sync::Arc;
use alloc::vec::Vec;
use rand_core::TryCryptoRng;

#[cfg(feature = "std")]
pub use directory::BundleFolder;
#[cfg(feature = "std")]
pub(crate) use directory::ask;
pub use directory::{Directory, DirectoryError};
pub use error::AddressBookError;
#[cfg(feature = "std")]
pub use folder::Folder;

/// What a responder asks.
///
/// Times are seconds since 1970. Errors are [`Error::ClockBehind`] and [`Error::Store`]; a handshake then answers its peer as if nothing were kept.
pub trait AddressBook {
    /// One's own static keys in this suite whose bundles are valid now, newer first. Two at most of each identity; who answers takes those of its own. They are judged by the time alone, so
    /// this is never [`Error::ClockBehind`].
    fn static_keys(&self, suite: Suite, now: u64) -> Result<Vec<Arc<StaticKey>>, Error>;

    /// The peer's bundle that has this reference and is valid now. The time that it takes does not depend on which it is, or whether there is one.
    fn acquaintance(&self, suite: Suite, reference: &[u8; 32], now: u64) -> Result<Option<Arc<Bundle>>, Error>;

    /// The record with this id that has not ended. The time that it takes does not depend on which it is, or whether there is one. Where the record was used already,
    /// that is noted for [`Acquaintances::reports`].
    fn resumption(&self, role: Role, id: &[u8; 16], now: u64) -> Result<Option<Arc<Resumption>>, Error>;

    /// Removes the record for good, because it is used: durably, and atomically among all that share the store. True for exactly one caller.
    fn remove(&mut self, role: Role, id: &[u8; 16], now: u64) -> Result<bool, Error>;
}

/// What an initiator, a channel and the owner ask and tell.
pub trait Acquaintances: AddressBook {
    /// Whether it is time for [`Acquaintances::renew`]: there is no valid static key, or it is as old as [`Renewal`] lets it get.
    fn due(&self, me: Fingerprint, suite: Suite, now: u64) -> Result<bool, AddressBookError>;

    /// The newest static key of this identity in this suite; a new one where that is due, with the operating system's randomness.
    ///
    /// A new one is dated one day back and later than the one before, which is kept while its bundle is valid. One that is older still is wiped.
    #[cfg(feature = "std")]
    fn renew(&mut self, me: &Identity, suite: Suite, now: u64) -> Result<Arc<StaticKey>, AddressBookError>;

    /// As `renew`, with this randomness.
    fn renew_with_rng(
        &mut self,
        me: &Identity,
        suite: Suite,
        now: u64,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Arc<StaticKey>, AddressBookError>
    where
        Self: Sized;

    /// Keeps a static key that was made in another way, where the signer is elsewhere or the newest one was stolen. It must be valid now, and dated later than those before
    /// ([`AddressBookError::KeyNotValid`], [`AddressBookError::KeyNotLater`]).
    fn add_key(&mut self, key: StaticKey, now: u64) -> Result<Arc<StaticKey>, AddressBookError>;

    /// Wipes all static keys of an identity, which is retired or revoked, say. Whether there were any.
    fn forget_keys(&mut self, me: Fingerprint) -> Result<bool, AddressBookError>;

    /// The newest valid static key, if its bundle was not delivered to this peer: what a channel sends.
    fn undelivered(&self, me: Fingerprint, peer: Fingerprint, suite: Suite, now: u64) -> Result<Option<Arc<StaticKey>>, AddressBookError>;

    /// This own bundle was delivered to the peer: it has answered something that was sent after it. False where its static key is not kept any more.
    ///
    /// An owner who publishes the bundle where this peer fetches it ([`Directory`]) says so too. Say it of peers who do fetch: one who did not cannot be reached in `IK`, and no channel sends
    /// this bundle to it any more.
    fn set_delivered(&mut self, peer: Fingerprint, bundle: &Bundle, now: u64) -> Result<bool, AddressBookError>;

    /// The static key to open with in `IK`: of those whose bundle is valid and was delivered to this peer the newest.
    fn delivered_key(&self, me: Fingerprint, peer: Fingerprint, suite: Suite, now: u64)
    -> Result<Option<Arc<StaticKey>>, AddressBookError>;

    /// Keeps a peer's bundle, or says why not: see [`NotTaken`].
    fn take_bundle(&mut self, bundle: Bundle, now: u64) -> Result<Taken, AddressBookError>;

    /// The peer's bundle in this suite, if it is valid now.
    fn bundle_of(&self, peer: Fingerprint, suite: Suite, now: u64) -> Result<Option<Arc<Bundle>>, AddressBookError>;

    /// Keeps a resumption record, and lets the oldest go where this peer has too many. False where it was not kept: it has ended, or its id is or was here already.
    fn keep(&mut self, record: Resumption, now: u64) -> Result<bool, AddressBookError>;

    /// The newest record with which this side may open as is wanted. It is still kept: the handshake removes it ([`AddressBook::remove`]) after the peer was judged, and before it sends anything.
    fn resumption_with(&self, wanted: &Wanted<'_>, now: u64) -> Result<Option<Arc<Resumption>>, AddressBookError>;

    /// A conversation with this peer has begun. Within a minute of the last it is not written.
    fn seen(&mut self, peer: Fingerprint, suite: Suite, way: Way, now: u64) -> Result<(), AddressBookError>;

    /// Who was spoken to, and how.
    fn acquaintances(&self) -> Result<Vec<Acquaintance>, AddressBookError>;

    /// Forgets all of this peer, also which of its bundles was the newest: whoever has an older one, and the stolen static key to it, is believed again until that ends. So forget those who shall be
    /// strangers, and refuse those whose keys are lost ([`crate::trust`]). Whether there was anything.
    fn forget(&mut self, peer: Fingerprint) -> Result<bool, AddressBookError>;

    /// What the owner should know, each once: it is noted as told before it is.
    fn reports(&mut self) -> Result<Vec<Report>, AddressBookError>;

    /// The owner says that the clock is right, whatever was told before.
    fn clock_is_right(&mut self) -> Result<(), AddressBookError>;

    /// Wipes static keys and records that have ended. Every change does so too; who makes none for long calls this.
    fn tidy(&mut self, now: u64) -> Result<(), AddressBookError>;
}

/// When static keys are renewed, in seconds. By default every 4 weeks, of 60 days for which a bundle is valid: the key to a bundle is then kept for 8 weeks, nearly as long as the bundle holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// How old the newest gets. Less than half of the validity, so that the one before is still valid.
    pub after: u64,
    /// For how long a bundle is valid, the day by which it is dated back included; 60 days at most.
    pub validity: u64,
}

/// Which record an initiator can open with: everything is its present configuration's.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// One's own identity, or none.
    pub me: Option<Fingerprint>,
    /// The peer's, which was judged already.
    pub peer: Option<Fingerprint>,
    /// The suite.
    pub suite: Suite,
    /// The prologue.
    pub prologue: &'a [u8],
    /// The tag of the pre-shared key that is configured for this peer (`handshake::Psk::tag`), or none where there is none.
    pub psk_tag: Option<&'a [u8; 32]>,
}

/// What became of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Taken {
    /// It is kept, the first of this peer in this suite.
    First,
    /// It is kept, in the place of an older one.
    Newer,
    /// It is the one that is kept already.
    Same,
    /// It is not kept, and what was kept stays.
    Not(NotTaken),
}

/// Why a bundle was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NotTaken {
    /// It is not valid yet: its maker's clock is ahead, or this one behind.
    NotYetValid,
    /// It has ended.
    Ended,
    /// A newer one is kept, which may have ended itself. Its owner would not send this one: perhaps a thief does, who has the static key to it.
    Older,
    /// Another one of the same date is kept.
    Differs,
    /// There are too many peers.
    TooMany,
}

/// The way in which a conversation began, with a pre-shared key or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// `XX`.
    Met,
    /// `NX`, of which this side was the initiator.
    Visited,
    /// `IK`.
    Acquainted,
    /// `resume`.
    Resumed,
}

/// Somebody who was spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acquaintance {
    /// Who.
    pub peer: Fingerprint,
    /// In which suite.
    pub suite: Suite,
    /// When last, in seconds since 1970.
    pub last_seen: u64,
    /// How that conversation began.
    pub way: Way,
}

/// What the owner should know. Nothing is proved by it, and nothing need be done but to ask why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// A resumption record that was used came again: a store was copied, a backup restored, or somebody sent again what they recorded.
    SecondUse {
        /// Who this side was.
        role: Role,
        /// The record's id.
        id: [u8; 16],
        /// Whose record it was, if they had an identity and were not forgotten since.
        peer: Option<Fingerprint>,
    },
    /// The folder was copied, or came back from a backup. Its resumption records were dropped, since they may have been used elsewhere.
    Copied,
}

/// Keeps it as long as the program runs.
#[derive(Default)]
pub struct Book {
    state: State,
    renewal: Renewal,
}

impl Default for Renewal {
    fn default() -> Self {
        Self { after: 28 * 86_400, validity: keys::MAX_VALIDITY }
    }
}

impl Book {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Renews static keys at other times than by default.
    #[must_use]
    pub const fn renewing(mut self, renewal: Renewal) -> Self {
        self.renewal = renewal;
        self
    }
}

impl Shelf for Book {
    fn read<T>(&self, now: Option<u64>, look: impl FnOnce(&State) -> T) -> Result<T, AddressBookError> {
        now.map_or(Ok(()), |now| self.state.clock.tell(now))?;
        Ok(look(&self.state))
    }

    fn write<T>(
        &mut self,
        now: Option<u64>,
        change: impl FnOnce(&mut State) -> Result<T, AddressBookError>,
    ) -> Result<T, AddressBookError> {
        let (next, result) = self.state.changed_by(now, change)?;
        self.state = next;
        Ok(result)
    }

    fn renewal(&self) -> Renewal {
        self.renewal
    }
}

/// Shows how much is kept, and of whom nothing.
impl core::fmt::Debug for Book {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.state.show("Book", f)
    }
}
