//! The halves from inside: against the reference implementation, and against peers that no honest half is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]
#![allow(clippy::duplicate_mod, reason = "the helpers below serve the tests of two modules that must not know each other")]

mod vectors;

#[path = "../../../tests/support/vectors.rs"]
mod json;
#[path = "../../../tests/support/rng.rs"]
mod rng;

use super::{Opener, Receiving, Sealer, Sending, halves};
use crate::channel::direction::Direction;
use crate::crypto::suite::Suite;
use crate::secret::Secret;

const SUITE: Suite = Suite::Level3ChaCha;

fn direction(cs: &[u8]) -> Direction {
    Direction::new(SUITE, Secret::build(|place| place[..32].copy_from_slice(cs))).unwrap()
}

/// One side: its halves.
struct Side {
    sealer: Sealer,
    opener: Opener,
}

impl Side {
    fn new(send: &[u8], receive: &[u8]) -> Self {
        let (sealer, opener) = halves(direction(send), direction(receive));
        Self { sealer, opener }
    }
}

impl Sealer {
    fn direction(&self) -> Option<&Direction> {
        if let Sending::Open(direction) = &self.state { Some(direction) } else { None }
    }
}

impl Opener {
    fn receiving(&self) -> Option<&Direction> {
        if let Receiving::Open(direction) = &self.state { Some(direction) } else { None }
    }
}
