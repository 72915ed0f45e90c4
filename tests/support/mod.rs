//! What the test binaries share. Each uses a part of it.
#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod acquainted;
pub(crate) mod book;
pub(crate) mod pair;
pub(crate) mod rng;
pub(crate) mod sizes;
pub(crate) mod vectors;
