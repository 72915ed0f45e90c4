//! How a conversation began.

use super::Error;
use super::keeping::Keeping;
use crate::acquaintances::Way;
use crate::channel::Channel;
use crate::handshake::{Early, Pattern};
use std::time::Duration;

/// How a conversation began, and what was tried before.
#[derive(Debug)]
pub struct Beginning {
    pattern: Pattern,
    early_data: Early,
    sent_early_data: bool,
    tried: Vec<Tried>,
    cost: Cost,
}

/// What the handshake with which a conversation began has cost, without the attempts before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// The bytes that this side sent, with length prefixes.
    pub sent: usize,
    /// The bytes that it received.
    pub received: usize,
    /// How long it took on this side's clock, the other side's part included, but for the time in which this side's [`Trust`](crate::Trust) thought. A responder counts from when something came.
    pub took: Duration,
}

/// A way in which a conversation did not begin.
#[derive(Debug)]
pub struct Tried {
    /// The way.
    pub way: Way,
    /// Why not. What the peer or the network did is a hint, and nothing is proved by it.
    pub error: Error,
}

/// A finished handshake, and what goes with it.
pub(super) struct Begun {
    pub(super) channel: Channel,
    pub(super) pattern: Pattern,
    pub(super) early_data: Early,
    pub(super) sent_early_data: bool,
    pub(super) keeping: Option<Keeping>,
}

impl Beginning {
    pub(super) const fn new(pattern: Pattern, early_data: Early, sent_early_data: bool, tried: Vec<Tried>, cost: Cost) -> Self {
        Self { pattern, early_data, sent_early_data, tried, cost }
    }

    /// The pattern in which it began.
    pub const fn pattern(&self) -> Pattern {
        self.pattern
    }

    /// What the initiator sent with its first message, where [`Accept::early_data`](super::Accept::early_data) asked for it: it comes once at most, and its sender may never learn that it did.
    pub const fn early_data(&self) -> &Early {
        &self.early_data
    }

    /// Whether the peer has read what [`Connect::early_data`](super::Connect::early_data) had to say. If not, it is to be sent as any other message; and where `resume` stands among
    /// what was tried, the peer may have read it nevertheless.
    pub const fn sent_early_data(&self) -> bool {
        self.sent_early_data
    }

    /// What the handshake has cost.
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// What was tried before and did not work, each over a connection of its own, in order. A `resume` that was refused can mean that somebody else has used the record.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }
}

impl Begun {
    /// With nothing that came early.
    pub(super) fn new(channel: Channel, pattern: Pattern, keeping: Option<Keeping>) -> Self {
        Self { channel, pattern, early_data: Early::default(), sent_early_data: false, keeping }
    }
}

/// The way that a pattern is.
pub(super) const fn way_of(pattern: Pattern) -> Way {
    match pattern {
        Pattern::Xx | Pattern::XxPsk0 => Way::Met,
        Pattern::Nx | Pattern::NxPsk0 => Way::Visited,
        Pattern::Ik | Pattern::IkPsk0 => Way::Acquainted,
        Pattern::Resume => Way::Resumed,
    }
}

/// The patterns that a way can be: with a pre-shared key and without.
pub(super) const fn patterns_of(way: Way) -> &'static [Pattern] {
    match way {
        Way::Met => &[Pattern::Xx, Pattern::XxPsk0],
        Way::Visited => &[Pattern::Nx, Pattern::NxPsk0],
        Way::Acquainted => &[Pattern::Ik, Pattern::IkPsk0],
        Way::Resumed => &[Pattern::Resume],
    }
}
