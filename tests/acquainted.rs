//! Between acquaintances, and two that met before: bundles, `IK` and `resume` over the public interface, in every suite. What somebody between changes, replays or makes up is noticed; what a
//! responder knows does not show; a secret is used once.
//!
//! That refusals cost the same work, and that nothing is signed, is tested from inside: src/handshake/tests/work.rs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod support;

#[path = "acquainted/bundle.rs"]
mod bundle;
#[path = "acquainted/changed.rs"]
mod changed;
#[path = "acquainted/ik.rs"]
mod ik;
#[path = "acquainted/kept.rs"]
mod kept;
#[path = "acquainted/order.rs"]
mod order;
#[path = "acquainted/resume.rs"]
mod resume;

use twinlock::Suite;
use twinlock::handshake::Pattern;

const PATTERNS: [Pattern; 3] = [Pattern::Ik, Pattern::IkPsk0, Pattern::Resume];

/// Every suite with every pattern.
fn everywhere() -> impl Iterator<Item = (Suite, Pattern)> {
    Suite::ALL.iter().copied().flat_map(|suite| PATTERNS.map(|pattern| (suite, pattern)))
}

/// With its length prefix made right again.
fn framed(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}
