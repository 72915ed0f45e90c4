//! The chat program, driven through pipes on loopback as a script would.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used, clippy::as_conversions)]

#[path = "support/program.rs"]
mod program;

#[path = "chat/cable.rs"]
mod cable;

/// What needs no program to be tested.
#[path = "../examples/chat/text.rs"]
#[allow(dead_code, reason = "the program uses it")]
mod text;
#[path = "../examples/chat/texts.rs"]
#[allow(dead_code, reason = "the program uses it")]
mod texts;
#[path = "../examples/chat/wire.rs"]
#[allow(dead_code, reason = "the program uses it")]
mod wire;

#[path = "chat/acquaintances.rs"]
mod acquaintances;
#[path = "chat/again.rs"]
mod again;
#[path = "chat/attacks.rs"]
mod attacks;
#[path = "chat/conversations.rs"]
mod conversations;
#[path = "chat/cuts.rs"]
mod cuts;
#[path = "chat/files.rs"]
mod files;
#[path = "chat/keys.rs"]
mod keys;
#[path = "chat/person.rs"]
mod person;
#[path = "chat/rules.rs"]
mod rules;
#[path = "chat/statements.rs"]
mod statements;
#[path = "chat/suites.rs"]
mod suites;
