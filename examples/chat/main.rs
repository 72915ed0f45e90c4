//! A chat for two over Twinlock: `cargo run --release --example chat -- --help`.
//!
//! ```text
//! cli ─▶ keys, own, peers ............. the own identities; who is known
//!        meet, call, listen, door, judge ─▶ room ─▶ talk   a handshake, then a conversation:
//!                                ├ line ............ the connection, in two threads
//!                                ├ wire ............ its messages (docs/chat.md)
//!                                ├ commands ........ what is typed
//!                                ├ texts ........... what was said, numbered
//!                                ├ back, began ..... over another connection after a cut
//!                                └ outbox, inbox ... files
//!        kept ......................... what is kept of acquaintances
//!        statements ................... what owners say about their keys
//!        suites ....................... their names
//!        terminal, editor, status ..... what is typed and shown
//!        demo ......................... all of it in one window
//! ```

mod back;
mod began;
mod call;
mod cli;
mod commands;
mod demo;
mod door;
mod editor;
mod failure;
mod home;
mod inbox;
mod judge;
mod kept;
mod keys;
mod line;
mod listen;
mod meet;
mod outbox;
mod own;
mod peers;
mod room;
mod statements;
mod status;
mod suites;
mod talk;
mod terminal;
mod text;
mod texts;
mod told;
mod wire;

use clap::Parser;
use cli::{Cli, Command, Suites};
use failure::Failure;
use home::Home;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::say(&format!("chat: {failure}"));
            failure.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let home = Home::new(&cli.own)?;
    match cli.command {
        Command::Keygen { suite, no_passphrase } => keys::keygen(&home, suite, no_passphrase),
        Command::Id { command, suite, qr } => keys::id(&home, command, suite, qr),
        Command::Listen { address, once, suites, meeting } => listen::listen(&home, &address, once, &suites, &meeting),
        Command::Connect { address, suite, as_strangers, meeting } => meet::connect(&home, &address, suite, as_strangers, &meeting),
        Command::Peers { command } => peers::peers(&home, command),
        Command::Acquaintances { command } => kept::acquaintances(&home, command),
        Command::Statement { command } => statements::statement(&home, &command),
        Command::Demo { suite } => demo::demo(suite.map(|Suites(suites)| suites)),
    }
}
