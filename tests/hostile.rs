//! Both ends in one place and a hostile network between: what it changes, drops, doubles, swaps, reflects, replays or makes up is noticed.
//!
//! Everything here goes through the public interface, without IO. Messages that only somebody with the keys can make are in src/handshake/tests and
//! src/channel/stream/tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod support;

#[path = "hostile/between.rs"]
mod between;
#[path = "hostile/changed.rs"]
mod changed;
#[path = "hostile/randomness.rs"]
mod randomness;
#[path = "hostile/records.rs"]
mod records;
#[path = "hostile/settings.rs"]
mod settings;
#[path = "hostile/signer.rs"]
mod signer;
#[path = "hostile/trust.rs"]
mod trust;
