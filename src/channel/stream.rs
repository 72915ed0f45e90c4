//! Ordered records: the sealing half, the opening half, and what they tell each other (docs/protocol.md, sections 8.3 and 8.4).
//!
//! ```text
//!            our Sealer ════ our direction ════▶ its Opener
//!  PeerOffer ▲      │ OwnOffer                     ▲      │
//!            │      ▼                              ▼      │
//!            our Opener ◀════ its direction ════ its Sealer
//! ```
//!
//! An [`Opener`] makes the offers that renew the direction it reads; its side's [`Sealer`] sends them. The peer's offers come out of the opener and go into the sealer,
//! which answers before its next piece of a message. The halves share flags and counts, and no key.

mod delivery;
mod opener;
mod sealer;

use super::direction::Direction;
use super::record::{Close, RecordType};
use crate::crypto::kem::{DecapsulationKey, EncapsulationKey};
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::{Bundle, Fingerprint};
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use delivery::Delivery;
use rand_core::TryCryptoRng;

pub use opener::Opener;
pub use sealer::Sealer;

/// `KeyUpdate` and `Bundle` records without a piece of a message between them.
const UPDATES_MAX: u8 = 32;

/// When keys are renewed. The defaults are the specification's (section 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A `KeyUpdate` after this many records under one key; 2^20.
    pub update_records: u64,
    /// A `KeyUpdate` after this many bytes of frames under one key; 1 GiB.
    pub update_bytes: u64,
    /// An offer to renew the incoming direction after this many bytes of frames in it; 1 GiB.
    pub offer_bytes: u64,
    /// An offer after this time, if records came in it; 2 minutes. The caller's clock counts.
    pub offer_every: Duration,
    /// The channel ends when so many bytes of frames came after an offer without its answer; 16 GiB.
    pub unanswered_bytes: u64,
}

/// What a direction has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records.
    pub records: u64,
    /// Bytes of frames.
    pub bytes: u64,
    /// `KeyUpdate` records.
    pub key_updates: u64,
    /// `Rekey` records: how often the direction healed.
    pub rekeys: u64,
}

/// Told of each record as it is sealed or opened: its type, and its frame's bytes. No content, no secret.
pub type Trace = Box<dyn FnMut(RecordType, usize) + Send>;

/// What a record says. The pieces of messages stand in the frame that was opened.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record<'a> {
    /// A piece of a message, more to come.
    Data(&'a [u8]),
    /// The last, or only, piece.
    End(&'a [u8]),
    /// The message begun ends unfinished.
    Abort,
    /// The direction ended; the transport's end may follow.
    Close(Close),
    /// The peer moved on to its next key. Nothing to do.
    KeyUpdate,
    /// The peer offers to renew our sending direction: give it to [`Sealer::answer_offer`].
    Offer(PeerOffer),
    /// The peer answered our offer: its direction has healed. Nothing to do.
    Rekey,
    /// The peer's bundle, for who keeps acquaintances: in the channel's suite, of the identity that the peer proved, with a good signature. Whether it is valid
    /// now, and newer than the one that is kept, is for its keeper to judge.
    Bundle(Box<Bundle>),
    /// The peer asks whether anybody is there: give the number to [`Sealer::answer_ping`].
    Ping(u32),
    /// The peer answered our question with this number.
    Pong(u32),
}

/// The peer's offer to renew our sending direction.
pub struct PeerOffer(EncapsulationKey);

/// Our offer to renew the peer's sending direction, on its way to [`Sealer::send_offer`].
pub struct OwnOffer(EncapsulationKey);

/// The secret half of an offer that [`Sealer::make_offer`] made, on its way to [`Opener::await_answer`] of the same side.
pub struct OpenOffer {
    dk: DecapsulationKey,
    ek: EncapsulationKey,
    unanswered: u64,
}

/// What the halves of one side tell each other.
#[derive(Default)]
struct Shared {
    /// A fatal error: nothing is sent any more.
    failed: AtomicBool,
    /// Our direction was closed: the peer's offers for it are void, and we can offer no more.
    send_closed: AtomicBool,
    /// The peer's direction was closed: no offer is sent for it.
    receive_closed: AtomicBool,
    /// The peer's offer is open, until its answer is sealed.
    answering: AtomicBool,
    /// We made an offer, and its answer did not come yet.
    offering: AtomicBool,
    /// That offer was sealed.
    offered: AtomicBool,
    delivery: Delivery,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            update_records: 1 << 20,
            update_bytes: 1 << 30,
            offer_bytes: 1 << 30,
            offer_every: Duration::from_secs(120),
            unanswered_bytes: 16 << 30,
        }
    }
}

impl Shared {
    fn can_offer(&self) -> bool {
        let [offering, send_closed, receive_closed] =
            [&self.offering, &self.send_closed, &self.receive_closed].map(|flag| flag.load(Ordering::SeqCst));
        !(offering || send_closed || receive_closed)
    }

    /// A fresh key pair, and the word that an offer is open; none where there may be none.
    fn new_offer(&self, suite: Suite, rng: &mut impl TryCryptoRng) -> Result<Option<OpenOffer>, Error> {
        if !self.can_offer() || self.offering.swap(true, Ordering::SeqCst) {
            return Ok(None);
        }
        let made = DecapsulationKey::generate(suite.kem(), rng);
        let (dk, ek) = made.inspect_err(|_| self.offering.store(false, Ordering::SeqCst))?;
        Ok(Some(OpenOffer { dk, ek, unanswered: 0 }))
    }
}

impl Totals {
    fn count(&mut self, frame: usize) {
        self.records = self.records.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::try_from(frame).unwrap_or(u64::MAX));
    }
}

/// Both halves of one side. With each direction, who sends in it, and so whose bundles it carries: nobody's where that side has no identity.
pub(super) fn halves((send, me): (Direction, Option<Fingerprint>), (receive, peer): (Direction, Option<Fingerprint>)) -> (Sealer, Opener) {
    let shared = Arc::default();
    (Sealer::new(send, me, Arc::clone(&shared)), Opener::new(receive, peer, shared))
}

/// Compares the offered keys.
impl PartialEq for PeerOffer {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for PeerOffer {}

macro_rules! opaque {
    ($($name:ident)*) => {$(
        /// Shows no secret.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

opaque!(Sealer Opener PeerOffer OwnOffer OpenOffer);

#[cfg(test)]
mod tests;
