//! Leaks made on purpose: a run that does not see each of them has seen nothing. And their opposites, which must stay clean.

use crate::scene::{PROLOGUE, channels};
use crate::taint::{arrived, bytes, secret_bytes};
use std::hint::black_box;
use std::num::NonZeroU32;
use twinlock::Suite;

static TABLE: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = (i as u8).wrapping_mul(37).wrapping_add(11);
        i += 1;
    }
    table
};

/// Work that no conditional move can stand for.
#[inline(never)]
fn opaque() -> u32 {
    black_box(std::process::id())
}

#[inline(never)]
fn leak_by_branch(key: &[u8]) -> u32 {
    if key[0] & 1 == 1 { opaque() } else { 7 }
}

#[inline(never)]
fn leak_by_index(key: &[u8]) -> u8 {
    key.iter().fold(0, |sum, byte| sum ^ TABLE[usize::from(*byte)])
}

#[inline(never)]
fn leak_by_slice_eq(a: &[u8], b: &[u8]) -> bool {
    black_box(a) == black_box(b)
}

#[inline(never)]
fn leak_by_length(key: &[u8]) -> Vec<u8> {
    black_box(vec![7; usize::from(key[0])])
}

/// As in the reductions that KyberSlash was about.
#[inline(never)]
fn leak_by_division(key: &[u8]) -> u32 {
    black_box(u32::from(key[0]) << 16) / black_box(NonZeroU32::MIN.saturating_add(3328))
}

pub fn branch(_: Suite) {
    black_box(leak_by_branch(&secret_bytes::<32>(1)));
}

pub fn index(_: Suite) {
    black_box(leak_by_index(&secret_bytes::<32>(1)));
}

pub fn slice_eq(_: Suite) {
    black_box(leak_by_slice_eq(&secret_bytes::<32>(1), &bytes::<32>(2)));
}

pub fn length(_: Suite) {
    black_box(leak_by_length(&secret_bytes::<32>(1)));
}

/// On what came out at the far end of a handshake and a channel: the undefinedness went all the way, and a leak there is seen.
pub fn after_export(suite: Suite) {
    let (tested, _) = channels(suite, 40);
    let mut key = [0; 32];
    tested.conversation().export("planted", PROLOGUE, &mut key).expect("the length is allowed");
    black_box(leak_by_branch(&key));
}

/// Memcheck does not look at what is divided. It must stay so, or the claim's limit is no longer true.
pub fn division(_: Suite) {
    black_box(leak_by_division(&secret_bytes::<32>(1)));
}

/// After declassification the same branch is no error: the count is of undefined bytes, and of nothing else.
pub fn declassified(_: Suite) {
    let key = secret_bytes::<32>(1);
    arrived("key", &key);
    black_box(leak_by_branch(&key));
}
