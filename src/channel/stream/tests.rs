//! The halves from inside: against the reference implementation, and against peers that no honest half is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test that cannot go on has failed"
)]
#![allow(clippy::duplicate_mod, reason = "the helpers below serve the tests of two modules that must not know each other")]

mod acquaintances;
mod bundle;
mod delivery;
mod due;
mod ends;
mod renewal;
mod vectors;
mod walk;

#[path = "../../../tests/support/vectors.rs"]
mod json;
#[path = "../../../tests/support/rng.rs"]
mod rng;

use super::opener::Receiving;
use super::sealer::Sending;
use super::{Opener, Record, Sealer, halves};
use crate::channel::direction::Direction;
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::put_frame;
use rng::Seeded;
use std::vec::Vec;

const SUITE: Suite = Suite::Level3ChaCha;

fn direction(cs: &[u8]) -> Direction {
    direction_in(SUITE, cs)
}

fn direction_in(suite: Suite, cs: &[u8]) -> Direction {
    assert_eq!(cs.len(), suite.hash().len());
    Direction::new(suite, Secret::build(|place| place[..cs.len()].copy_from_slice(cs))).unwrap()
}

/// Both ends of a channel.
fn sides() -> [Side; 2] {
    sides_in(SUITE)
}

fn sides_in(suite: Suite) -> [Side; 2] {
    let [a, b] = [0xA, 0xB].map(|byte| std::vec![byte; suite.hash().len()]);
    [Side::in_suite(suite, &a, &b), Side::in_suite(suite, &b, &a)]
}

/// One side: its halves.
struct Side {
    sealer: Sealer,
    opener: Opener,
}

impl Side {
    fn in_suite(suite: Suite, send: &[u8], receive: &[u8]) -> Self {
        let (sealer, opener) = halves((direction_in(suite, send), None), (direction_in(suite, receive), None));
        Self { sealer, opener }
    }

    /// What a call on the sealer appends: one frame.
    fn seals(&mut self, call: impl FnOnce(&mut Sealer, &mut Vec<u8>) -> Result<(), Error>) -> Vec<u8> {
        let mut frame = Vec::new();
        call(&mut self.sealer, &mut frame).unwrap();
        assert_eq!(frames(&frame).len(), 1, "one frame was expected");
        frame
    }

    fn says(&mut self, message: &[u8]) -> Vec<u8> {
        self.seals(|sealer, out| sealer.message(message, out))
    }

    /// Makes and seals an offer.
    fn offers(&mut self, seed: u64) -> Vec<u8> {
        let offer = self.opener.make_offer(&mut Seeded::new(seed)).unwrap().unwrap();
        self.sealer.send_offer(offer);
        self.seals(Sealer::control)
    }

    /// Reads an offer, and computes the answer; it is sealed with what comes next.
    fn answers(&mut self, offer: &[u8], seed: u64) {
        let mut offer = offer.to_vec();
        let Record::Offer(offer) = self.opener.open(&mut offer).unwrap() else { panic!("not an offer") };
        self.sealer.answer_offer(offer, &mut Seeded::new(seed)).unwrap();
    }

    /// Opens frames that are good.
    fn reads(&mut self, wire: &[u8]) {
        for mut frame in frames(wire) {
            self.opener.open(&mut frame).unwrap();
        }
    }

    fn error(&mut self, frame: &[u8]) -> Error {
        self.opener.open(&mut frame.to_vec()).unwrap_err()
    }
}

/// The frames that stand one after another.
fn frames(wire: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = wire;
    while !rest.is_empty() {
        let (frame, after) = rest.split_at(2 + usize::from(u16::from_be_bytes([rest[0], rest[1]])));
        found.push(frame.to_vec());
        rest = after;
    }
    found
}

/// Seals what no sealer would.
fn forge(direction: &mut Direction, plaintext: &[u8]) -> Vec<u8> {
    let mut text = plaintext.to_vec();
    let ad = u16::try_from(text.len() + 16).unwrap().to_be_bytes();
    let tag = direction.seal(&ad, &mut text).unwrap();
    text.extend_from_slice(&tag);
    let mut frame = Vec::new();
    put_frame(&mut frame, &text).unwrap();
    frame
}

/// A record's plaintext.
fn plaintext(kind: u8, content: &[u8], padding: usize) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[kind], length.as_slice(), content, &std::vec![0; padding]].concat()
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
