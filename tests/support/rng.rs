//! Generators for tests: coins that are given, a seeded stream, and one that fails.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

use core::fmt;
use rand_core::{TryCryptoRng, TryRng};
use std::vec::Vec;

/// A generator with nothing more to give.
#[derive(Debug)]
pub(crate) struct Dry;

impl fmt::Display for Dry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no coins are left")
    }
}

impl core::error::Error for Dry {}

/// Plays these bytes in order, and fails when they are used up.
pub(crate) struct Coins(Vec<u8>);

impl Coins {
    pub(crate) fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Bytes that were not drawn.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }
}

impl TryRng for Coins {
    type Error = Dry;

    fn try_next_u32(&mut self) -> Result<u32, Dry> {
        panic!("the order of randomness is one of bytes");
    }

    fn try_next_u64(&mut self) -> Result<u64, Dry> {
        panic!("the order of randomness is one of bytes");
    }

    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), Dry> {
        if place.len() > self.0.len() {
            return Err(Dry);
        }
        let rest = self.0.split_off(place.len());
        place.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Coins {}

/// SplitMix64: repeatable, and random to no attacker. It fails from the draw on that it was told to.
#[derive(Clone)]
pub(crate) struct Seeded {
    state: u64,
    draws: usize,
    fails_at: usize,
}

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, draws: 0, fails_at: usize::MAX }
    }

    /// Fails at draw `k`, counted from 0, and ever after.
    pub(crate) fn failing_at(seed: u64, k: usize) -> Self {
        Self { fails_at: k, ..Self::new(seed) }
    }

    /// How many draws were asked for.
    pub(crate) fn draws(&self) -> usize {
        self.draws
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ self.state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// Below `n`, nearly uniform.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(crate) fn bytes(&mut self, n: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..n.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(n);
        bytes
    }
}

impl TryRng for Seeded {
    type Error = Dry;

    fn try_next_u32(&mut self) -> Result<u32, Dry> {
        self.try_next_u64().map(|x| x as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Dry> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), Dry> {
        self.draws += 1;
        if self.draws > self.fails_at {
            return Err(Dry);
        }
        for chunk in place.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}
