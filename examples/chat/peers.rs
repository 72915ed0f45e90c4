//! Whom to talk with: the judgement in a handshake, and `chat peers`.

use crate::cli::PeersCommand;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::text::harmless;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use twinlock::trust::{Entry, KnownPeers, Peer, PinnedSet, Trusted};
use twinlock::{Distrust, Error, Fingerprint, Trust};

/// Judges who answers or asks: by pins, or else by what is remembered, or else by asking a person.
pub(crate) struct Judge<'a> {
    /// If there are any, they alone count.
    pub(crate) pins: &'a [Fingerprint],
    pub(crate) known: KnownPeers,
    /// Who is expected; else anybody known is welcome.
    pub(crate) expected: Option<String>,
    /// Asks a person about a stranger. None where there is nobody to ask.
    pub(crate) ask: Option<&'a mut dyn FnMut(Stranger) -> Option<String>>,
    /// Who was judged.
    pub(crate) seen: Option<Fingerprint>,
}

/// Somebody met for the first time. The answer is the name to remember it under, or none to decline.
#[derive(Clone, Debug)]
pub(crate) struct Stranger {
    pub(crate) fingerprint: Fingerprint,
    /// The name it would have; else the person gives one.
    pub(crate) expected: Option<String>,
}

impl Trust for Judge<'_> {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        let fingerprint = peer.fingerprint().ok_or(Distrust::Anonymous)?;
        self.seen = Some(fingerprint);
        if !self.pins.is_empty() {
            return PinnedSet(self.pins.to_vec()).judge(peer);
        }
        match (&self.expected, &mut self.ask) {
            (Some(name), Some(ask)) => {
                let stranger = Stranger { fingerprint, expected: Some(name.clone()) };
                self.known.expect(name).or_ask(|_| ask(stranger.clone()).is_some()).judge(peer)
            }
            (Some(name), None) => self.known.expect(name).judge(peer),
            (None, Some(ask)) => self.known.anyone_known().or_ask(|_| ask(Stranger { fingerprint, expected: None })).judge(peer),
            (None, None) => self.known.anyone_known().judge(peer),
        }
    }
}

impl Judge<'_> {
    /// How to call the peer that was accepted: by its remembered name, by the expected one, or by the beginning of its fingerprint.
    pub(crate) fn name(&self, fingerprint: Fingerprint) -> String {
        let remembered = self.known.by_fingerprint(fingerprint).map(|entry| entry.name().to_owned());
        remembered.or_else(|| self.expected.clone()).unwrap_or_else(|| fingerprint.to_string().chars().take(11).collect())
    }

    /// What a handshake that failed under this judge means.
    pub(crate) fn failure(&mut self, error: &twinlock::io::Error) -> Failure {
        match (error, self.seen) {
            (twinlock::io::Error::Protocol(Error::Untrusted(why)), Some(seen)) => self.distrusted(*why, seen),
            _ => Failure::handshake(error),
        }
    }

    fn distrusted(&mut self, why: Distrust, seen: Fingerprint) -> Failure {
        match why {
            Distrust::NotExpected => self.unexpected(seen),
            Distrust::ChangedKey => match self.expected.as_ref().and_then(|name| self.known.by_name(name).next()) {
                Some(entry) => changed_key(entry, seen),
                None => Failure::new(Exit::ChangedKey, format!("that name has another key than {seen}; give this peer another name")),
            },
            Distrust::Unknown => Failure::new(
                Exit::Refused,
                format!(
                    "the other side is not known here, and there is no terminal to ask a person at. Its fingerprint is\n  {seen}\n\
                     If its owner tells you the same one, accept it with: --peer {seen}"
                ),
            ),
            Distrust::StoreFailed => match self.known.reload() {
                Err(error) => error.into(),
                Ok(()) => Failure::new(Exit::File, format!("{why}; is its folder there, and writable?")),
            },
            Distrust::Declined => Failure::new(Exit::Refused, "you declined the other side; nothing was remembered"),
            _ => Failure::new(Exit::Refused, why.to_string()),
        }
    }

    fn unexpected(&self, seen: Fingerprint) -> Failure {
        if let [pin] = self.pins {
            let text = format!(
                "the other side is not who was asked for. Nothing was sent to it.\n  expected  {pin}\n  answered  {seen}\n\
                 Either the address is another one's, or somebody stands between. Ask the one you want to reach for fingerprint and address"
            );
            return Failure::new(Exit::Refused, text);
        }
        let known_as = self.known.by_fingerprint(seen).map(|entry| entry.name().to_owned());
        match (known_as, &self.expected) {
            (Some(other), Some(expected)) => Failure::new(
                Exit::Refused,
                format!(
                    "this is {}, and not {}. If that is who you want to talk with, say so: --name {}",
                    shell(&other),
                    shell(expected),
                    shell(&other)
                ),
            ),
            _ => Failure::new(Exit::Refused, format!("{} Its fingerprint is {seen}", Distrust::NotExpected)),
        }
    }
}

fn changed_key(entry: &Entry, seen: Fingerprint) -> Failure {
    let name = entry.name();
    let text = format!(
        "THE KEY OF {name} HAS CHANGED. The conversation was refused.\n\
         \x20 until now  {}  ({}, {})\n\
         \x20 now        {seen}\n\
         Perhaps {name} has a new identity, on a new computer for example. Or somebody stands between you, and answers in the place of {name}.\n\
         Ask {name} in another way, in person or by telephone, what `chat id` shows there. Only if it is the second one above, accept it:\n\
         \x20 chat peers accept {} {seen}",
        entry.fingerprint(),
        entry.met(),
        entry.date(),
        shell(name)
    );
    Failure::new(Exit::ChangedKey, text)
}

/// The name as a shell takes it.
fn shell(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || ".:-_@[]".contains(c));
    if plain { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

pub(crate) fn peers(home: &Home, command: Option<PeersCommand>) -> Result<(), Failure> {
    let mut known = home.known_peers()?;
    match command.unwrap_or(PeersCommand::List) {
        PeersCommand::List => {
            list(&known);
            Ok(())
        }
        PeersCommand::Rename { old, new } => Ok(known.rename(&old, &new)?),
        PeersCommand::Forget { name } => {
            known.forget(&name)?;
            eprintln!("{} is forgotten: a stranger at the next meeting.", harmless(&name));
            Ok(())
        }
        PeersCommand::Export { file } => export(&known, file.as_deref()),
        PeersCommand::Accept { name, fingerprint, yes } => accept(&mut known, &name, fingerprint, yes),
    }
}

fn list(known: &KnownPeers) {
    let width = known.entries().iter().map(|entry| entry.name().chars().count()).max().unwrap_or_default();
    for entry in known.entries() {
        println!("{:width$}  {:9}  {}  {}", entry.name(), entry.met().to_string(), entry.date(), entry.fingerprint());
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

fn accept(known: &mut KnownPeers, name: &str, fingerprint: Fingerprint, yes: bool) -> Result<(), Failure> {
    let Some(entry) = known.by_name(name).next().cloned() else {
        return Err(twinlock::trust::KnownPeersError::NotKnown.into());
    };
    if entry.fingerprint() == fingerprint {
        eprintln!("{name} has this key already; nothing was changed.");
        return Ok(());
    }
    eprintln!("The key of {name}\n  until now  {}  ({}, {})", entry.fingerprint(), entry.met(), entry.date());
    eprintln!("  from now   {fingerprint}");
    if !yes && !confirmed(name)? {
        return Err(Failure::new(Exit::Refused, "not accepted; nothing was changed"));
    }
    known.replace_key(name, fingerprint, entry.suite())?;
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
