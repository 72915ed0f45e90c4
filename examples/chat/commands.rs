//! What can be typed in a conversation.

use crate::line::{Line, Sent};
use crate::suites::{strength, titled};
use crate::talk::{Companion, Talk};
use crate::text::{bytes, grouped, hex};
use std::path::PathBuf;
use std::time::Instant;
use twinlock::Fingerprint;
use twinlock::channel::Totals;
use twinlock::identity::Statement;
use twinlock::trust::{KnownPeersError, Met, Trusted};

const HELP: &str = "\
/verify          compare the safety number with the other side, and remember that it matched
/send FILE       send a file
/cancel          stop the files that are under way, in either direction
/statement FILE  tell the other side about your keys: `chat statement` makes the file
/take            decide about the other side's statement, where that takes a person
/rekey           renew the keys of both directions now; they are renewed by themselves too
/info            who is there, how it is trusted, in which suite, how it began and what that cost, what went over the line
/ping            ask whether the other side is there, and how long the answer takes
/quit            leave
A line that begins with // is a text that begins with /.";

/// A line, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input<'a> {
    Nothing,
    Text(&'a str),
    Command(Command<'a>),
    Unknown(&'a str),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command<'a> {
    Verify,
    Send(&'a str),
    Cancel,
    Statement(&'a str),
    Take,
    Rekey,
    Info,
    Ping,
    Help,
    Quit,
}

/// A question that the next line answers.
#[derive(Debug)]
pub(crate) enum Asked {
    SafetyNumberMatches,
    TakesStatement(Box<Statement>),
}

impl<'a> Input<'a> {
    pub(crate) fn of(line: &'a str) -> Self {
        if line.trim().is_empty() {
            return Self::Nothing;
        }
        let Some(command) = line.strip_prefix('/') else { return Self::Text(line) };
        if command.starts_with('/') {
            return Self::Text(command);
        }
        let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
        Self::Command(match (word.trim_end(), rest.trim()) {
            ("verify", "") => Command::Verify,
            ("send", file) if !file.is_empty() => Command::Send(unquoted(file)),
            ("statement", file) if !file.is_empty() => Command::Statement(unquoted(file)),
            ("take", "") => Command::Take,
            ("cancel", "") => Command::Cancel,
            ("rekey", "") => Command::Rekey,
            ("info", "") => Command::Info,
            ("ping", "") => Command::Ping,
            ("help", _) => Command::Help,
            ("quit", "") => Command::Quit,
            _ => return Self::Unknown(line),
        })
    }
}

fn unquoted(file: &str) -> &str {
    let between = |quote| file.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    between('"').or_else(|| between('\'')).unwrap_or(file)
}

impl Talk<'_> {
    pub(crate) fn command(&mut self, command: Command<'_>) {
        match command {
            Command::Verify => self.verify(),
            Command::Send(file) => self.outbox.queue(from_home(file), self.terminal()),
            Command::Statement(_) if !self.accepted => {
                self.terminal().note(&format!("not sent: {} has not accepted you yet", self.peer.name));
            }
            Command::Statement(file) => self.send_statement(&from_home(file)),
            Command::Take => self.ask_to_take(),
            Command::Cancel => self.cancel(),
            Command::Rekey | Command::Ping if self.line.is_none() => {
                self.terminal().note("the connection is cut; when it is back it has fresh keys");
            }
            Command::Rekey => {
                self.line.iter().for_each(Line::rekey);
                self.rekey_asked = true;
                self.terminal().note("you send under a new key from now on, and offered the other side fresh ones");
            }
            Command::Info => self.info(),
            Command::Ping => self.ping = Some((self.send_ping(), Instant::now())),
            Command::Help => self.terminal().note(HELP),
            Command::Quit => self.leave(None),
        }
    }

    pub(crate) fn answer(&mut self, asked: Asked, line: &str) {
        match asked {
            Asked::SafetyNumberMatches => self.verified(line),
            Asked::TakesStatement(statement) => self.taken(*statement, line),
        }
    }

    fn verify(&mut self) {
        let Some(me) = self.room.me(self.peer.suite) else { return };
        let number = me.safety_number(&self.peer.fingerprint);
        let groups: Vec<&str> = number.split(' ').collect();
        let lines: Vec<String> = groups.chunks(4).map(|line| format!("    {}", line.join("  "))).collect();
        let name = &self.peer.name;
        self.terminal().note(&format!(
            "The safety number of you and {name}:\n\n{}\n\n\
             Ask {name}, in person or on a line that you trust, to type /verify and to read it to you.\n\
             Is it the same? Type yes or no.",
            lines.join("\n")
        ));
        self.asked = Some(Asked::SafetyNumberMatches);
    }

    fn verified(&mut self, answer: &str) {
        match answer.trim() {
            "yes" => match self.remember_verified() {
                Ok(()) => {
                    self.peer.trusted = Trusted::Verified;
                    self.terminal().note(&format!("{} is remembered as verified", self.peer.name));
                    self.show_status();
                }
                Err(error) => self.terminal().note(&format!("that could not be remembered: {error}")),
            },
            "no" => self.terminal().note(&format!(
                "Then somebody may stand between you and {}, and read and change everything.\n\
                 Make sure that you read the number of the same conversation; if it still differs, leave with /quit and say nothing secret.",
                self.peer.name
            )),
            _ => self.terminal().note("that was neither yes nor no; nothing is remembered. /verify asks again"),
        }
    }

    fn remember_verified(&self) -> Result<(), KnownPeersError> {
        let Companion { name, fingerprint, suite, .. } = &self.peer;
        let mut known = self.room.home.known_peers()?;
        match known.set_verified(*fingerprint) {
            // A pinned peer is not remembered until now.
            Err(KnownPeersError::NotKnown) => known.add(name, *fingerprint, *suite, Met::Verified),
            done => done,
        }
    }

    fn cancel(&mut self) {
        let too_late = self.outbox.awaits_landing();
        let (one_cancelled, cancelled) = self.outbox.cancel(self.terminal());
        let stopped = self.inbox.stop("cancelled", self.terminal());
        if too_late {
            self.terminal().note("your file went out whole already; the other side alone can stop it now");
        } else if !one_cancelled && stopped.is_none() {
            self.terminal().note("no file is under way");
        }
        cancelled.into_iter().chain(stopped).for_each(|message| self.say(message, Sent::Other));
    }

    fn info(&self) {
        let Companion { name, fingerprint, trusted, suite, handshake_hash } = &self.peer;
        let (sent, received) = match self.line.as_ref().map(Line::stats) {
            Some(stats) => (totals(stats.sent), totals(stats.received)),
            None => ("the connection is cut".to_owned(), "the connection is cut".to_owned()),
        };
        let introducer = self.introducer().map(|by| format!("introduced by {by}\n")).unwrap_or_default();
        let hash = hex(handshake_hash.get(..8).unwrap_or_default());
        self.terminal().note(&format!(
            "peer          {name}\n\
             fingerprint   {fingerprint}\n\
             trust         {trusted}\n{introducer}\
             suite         {}, rank {}, {}\n\
             made of       {suite}\n\
             began         {}\n\
             came back     {}\n\
             conversation  {hash}… (the same on both sides)\n\
             sent          {sent}\n\
             received      {received}\n\
             waiting       {} of your texts, to be acknowledged",
            titled(*suite),
            suite.rank(),
            strength(*suite),
            self.began.described(),
            self.returns.described(),
            self.texts.waiting()
        ));
    }

    /// The key that introduced this peer's, where it is trusted for that alone.
    fn introducer(&self) -> Option<Fingerprint> {
        let known = self.room.home.known_peers().ok().filter(|_| self.peer.trusted == Trusted::Introduced)?;
        known.by_fingerprint(self.peer.fingerprint)?.introducer()
    }
}

fn totals(totals: Totals) -> String {
    let Totals { records, bytes: length, key_updates, rekeys } = totals;
    format!("{} in {} records; {key_updates} key updates, {rekeys} rekeys", bytes(length), grouped(records))
}

/// A path as typed, `~/` being the person's own folder.
fn from_home(file: &str) -> PathBuf {
    match (file.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => file.into(),
    }
}
