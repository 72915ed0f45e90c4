//! What memcheck takes for undefined, and the proof that it arrived.
//!
//! ```text
//! secret(bytes)   undefined from here on: a branch or an address that depends on them is an error of memcheck
//! arrived(bytes)  looks whether the undefinedness came this far, and then declassifies
//! verdict(value)  declassifies an answer that the caller gets anyway: yes or no, a length, a kind; no key stands in such a value but behind a pointer
//! ```

use crabgrind::memcheck::{MemState, mark_memory, vbits};
use rand_core::{TryCryptoRng, TryRng};
use std::cell::RefCell;
use std::convert::Infallible;
use std::hint::black_box;

thread_local!(static PROOF: RefCell<Proof> = const { RefCell::new(Proof { arrived: 0, lost: Vec::new() }) });

/// Of one case: how often the taint arrived, and where it did not.
pub struct Proof {
    pub arrived: usize,
    pub lost: Vec<&'static str>,
}

pub fn take_proof() -> Proof {
    PROOF.replace(Proof { arrived: 0, lost: Vec::new() })
}

fn mark(bytes: &[u8], state: MemState) {
    mark_memory(bytes.as_ptr().cast(), bytes.len(), state).expect("this runs under valgrind alone");
}

/// Through `&mut` and `black_box`: behind a shared reference the compiler may go on with an unmarked copy, and the case passes empty.
pub fn secret(bytes: &mut [u8]) {
    mark(bytes, MemState::Undefined);
    black_box(bytes);
}

/// Here a shared reference is no danger: a copy that stays undefined makes errors, and hides none.
pub fn public(bytes: &[u8]) {
    mark(bytes, MemState::Defined);
    black_box(bytes);
}

pub fn verdict<T>(value: T) -> T {
    let mut value = black_box(value);
    let place = &raw mut value;
    mark_memory(place.cast(), size_of::<T>(), MemState::Defined).expect("this runs under valgrind alone");
    black_box(value)
}

/// Whether a bit of it is undefined.
pub fn is_tainted(bytes: &[u8]) -> bool {
    // Not check_mem_defined: that request is counted as an error itself.
    let mut bits = vec![0; bytes.len()];
    vbits(black_box(bytes).as_ptr().cast(), &mut bits).expect("this runs under valgrind alone");
    bits.iter().any(|bits| *bits != 0)
}

pub fn arrived(what: &'static str, bytes: &[u8]) {
    PROOF.with_borrow_mut(|proof| match is_tainted(bytes) {
        true => proof.arrived += 1,
        false => proof.lost.push(what),
    });
    public(bytes);
}

/// SplitMix64: repeatable, and random to no attacker. Its output is undefined where that is asked for.
pub struct Rng {
    state: u64,
    tainted: bool,
}

impl Rng {
    pub const fn plain(seed: u64) -> Self {
        Self { state: seed, tainted: false }
    }

    pub const fn tainted(seed: u64) -> Self {
        Self { state: seed, tainted: true }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let x = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }
}

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("the library draws bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("the library draws bytes")
    }

    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), Infallible> {
        for chunk in place.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        if self.tainted {
            secret(place);
        }
        Ok(())
    }
}

impl TryCryptoRng for Rng {}

pub fn bytes<const N: usize>(seed: u64) -> [u8; N] {
    let mut bytes = [0; N];
    let Ok(()) = Rng::plain(seed).try_fill_bytes(&mut bytes);
    bytes
}

pub fn secret_bytes<const N: usize>(seed: u64) -> [u8; N] {
    let mut bytes = bytes(seed);
    secret(&mut bytes);
    bytes
}
