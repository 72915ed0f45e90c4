//! Acquaintances over a transport: both ends in one process, and a hostile network between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]
#![cfg(feature = "std")]
#![allow(missing_docs, unreachable_pub)]

mod choice;
mod directory;
mod going_on;
mod halves;
mod hostile;
mod order;
mod people;
#[allow(dead_code, reason = "each test binary uses a part")]
#[path = "../io/pipe.rs"]
mod pipe;
mod ranks;
mod reconnects;
