//! What is kept of acquaintances, in memory and in a folder: that nothing stale, stolen or used comes back, that nothing told kept gets lost, and that
//! nobody else sees it. What a crash leaves is in `src/acquaintances/folder/tests.rs`.
#![cfg(feature = "std")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "acquaintances/bundle_files.rs"]
mod bundle_files;
#[path = "acquaintances/bundles.rs"]
mod bundles;
#[path = "acquaintances/clock.rs"]
mod clock;
#[path = "acquaintances/copies.rs"]
mod copies;
#[path = "acquaintances/directory.rs"]
mod directory;
#[path = "acquaintances/files.rs"]
mod files;
#[path = "acquaintances/golden.rs"]
mod golden;
#[path = "acquaintances/handshakes.rs"]
mod handshakes;
#[path = "acquaintances/keys.rs"]
mod keys;
#[path = "acquaintances/people.rs"]
mod people;
#[path = "acquaintances/processes.rs"]
mod processes;
#[path = "acquaintances/records.rs"]
mod records;
