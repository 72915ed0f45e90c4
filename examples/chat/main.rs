//! A chat for two over Twinlock: `cargo run --release --example chat -- --help`.
//!
//! ```text
//! cli ─▶ keys, peers ............ the own identity; who is known
//!        meet, listen ─▶ talk ... a handshake, then a conversation:
//!                        ├ line ....... the connection, in two threads
//!                        ├ wire ....... its messages (docs/chat.md)
//!                        ├ commands ... what is typed
//!                        └ files ...... what is sent and received
//!        terminal, status ....... what is shown
//!        demo ................... all of it in one window
//! ```

mod cli;
mod commands;
mod demo;
mod failure;
mod files;
mod home;
mod keys;
mod line;
mod listen;
mod meet;
mod peers;
mod room;
mod status;
mod talk;
mod terminal;
mod text;
mod wire;

use clap::Parser;
use cli::{Cli, Command};
use failure::Failure;
use home::Home;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", terminal::fitted(&format!("chat: {failure}"), &console::Term::stderr()));
            failure.exit.into()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let home = Home::new(&cli.own)?;
    match cli.command {
        Command::Keygen { no_passphrase } => keys::keygen(&home, no_passphrase),
        Command::Id { command, qr } => keys::id(&home, command, qr),
        Command::Listen { address, once, meeting } => listen::listen(&home, &address, once, &meeting),
        Command::Connect { address, meeting } => meet::connect(&home, &address, &meeting),
        Command::Peers { command } => peers::peers(&home, command),
        Command::Demo => demo::demo(),
    }
}
