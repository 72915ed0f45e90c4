//! States from inside: against the reference implementation, and against messages that no honest side makes.
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
mod careless;
mod forged;
mod kept;
mod nonces;
mod primitives;
#[cfg(feature = "round3")]
mod round3;
/// With the system's randomness.
#[cfg(feature = "std")]
mod signatures;
mod vectors;
mod work;

#[path = "../../tests/support/book.rs"]
mod book;
#[path = "../../tests/support/vectors.rs"]
mod json;
#[path = "../../tests/support/rng.rs"]
mod rng;

use super::pattern::Pattern;
use crate::identity::{Identity, SignatureAlgorithm};

/// Between strangers.
const PATTERNS: [Pattern; 4] = [Pattern::Xx, Pattern::XxPsk0, Pattern::Nx, Pattern::NxPsk0];
/// Between acquaintances, and two that met before.
const ACQUAINTED: [Pattern; 3] = [Pattern::Ik, Pattern::IkPsk0, Pattern::Resume];

fn identity(seed: u64) -> Identity {
    Identity::generate_with_rng(SignatureAlgorithm::MlDsa65Ed25519, &mut rng::Seeded::new(seed)).unwrap()
}
