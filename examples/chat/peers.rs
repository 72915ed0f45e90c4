//! `chat peers`: who is known, and what a person changes about it.

use crate::cli::PeersCommand;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::suites::{kind, list, titled_kind};
use crate::text::harmless;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use twinlock::trust::{Entry, KnownPeers, KnownPeersError, Met};
use twinlock::{Fingerprint, Suite};

pub(crate) fn peers(home: &Home, command: Option<PeersCommand>) -> Result<(), Failure> {
    let mut known = home.known_peers()?;
    match command.unwrap_or(PeersCommand::List) {
        PeersCommand::List => {
            show(&known);
            Ok(())
        }
        PeersCommand::Rename { old, new } => Ok(known.rename(&old, &new)?),
        PeersCommand::Forget { name } => {
            known.forget(&name)?;
            eprintln!("{} is forgotten: a stranger at the next meeting.", harmless(&name));
            Ok(())
        }
        PeersCommand::Export { file } => export(&known, file.as_deref()),
        PeersCommand::Accept { name, fingerprint, suite, yes } => accept(&mut known, &name, fingerprint, suite, yes),
    }
}

fn show(known: &KnownPeers) {
    let width = known.entries().iter().map(|entry| entry.name().chars().count()).max().unwrap_or_default();
    for entry in known.entries() {
        let kind = kind(entry.suite().signature());
        println!("{:width$}  {:9}  {}  {}  {kind}", entry.name(), entry.met().to_string(), entry.date(), entry.fingerprint());
    }
    if known.entries().is_empty() {
        eprintln!("Nobody is known yet.");
    }
}

fn export(known: &KnownPeers, file: Option<&Path>) -> Result<(), Failure> {
    match file {
        None => known.export(&mut io::stdout()).map_err(|error| Failure::new(Exit::Other, error.to_string())),
        Some(path) => {
            let written = File::create_new(path).and_then(|mut file| known.export(&mut file).and_then(|()| file.sync_all()));
            written.map_err(|error| Failure::file(path, &error))
        }
    }
}

fn accept(known: &mut KnownPeers, name: &str, fingerprint: Fingerprint, suite: Option<Suite>, yes: bool) -> Result<(), Failure> {
    let entries: Vec<Entry> = known.by_name(name).cloned().collect();
    let replaced = match (suite, entries.as_slice()) {
        (_, []) => return Err(KnownPeersError::NotKnown.into()),
        (Some(suite), entries) => entries.iter().find(|entry| entry.suite().signature() == suite.signature()),
        (None, [only]) => Some(only),
        (None, several) => {
            let kinds = list(several.iter().map(|entry| kind(entry.suite().signature()).to_owned()));
            return Err(Failure::new(Exit::CommandLine, format!("{name} has keys of {kinds}; say which one is meant: --suite")));
        }
    };
    if entries.iter().any(|entry| entry.fingerprint() == fingerprint) {
        eprintln!("{name} has this key already; nothing was changed.");
        return Ok(());
    }
    let suite = suite.or(replaced.map(Entry::suite)).unwrap_or_default();
    eprintln!("The key of {name}, of {}", titled_kind(suite.signature()));
    match replaced {
        Some(entry) => eprintln!("  until now  {}  ({}, {})", entry.fingerprint(), entry.met(), entry.date()),
        None => eprintln!("  until now  none of this kind"),
    }
    eprintln!("  from now   {fingerprint}");
    if !yes && !confirmed(name)? {
        return Err(Failure::new(Exit::Refused, "not accepted; nothing was changed"));
    }
    match replaced {
        Some(entry) => known.replace_key(name, fingerprint, entry.suite())?,
        None => known.add(name, fingerprint, suite, Met::FirstUse)?,
    }
    eprintln!("Accepted. Compare the safety number at the next meeting: /verify");
    Ok(())
}

fn confirmed(name: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Other, "a person must confirm this at a terminal; or give --yes"));
    }
    eprint!("Did {name} tell you this fingerprint in person, or on a line that you trust? Type yes to accept it: ");
    // That the question may not show does not change what counts as an answer.
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    Ok(answer.trim() == "yes")
}
