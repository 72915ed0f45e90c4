//! The peers that a file remembers: under which name, with which key, since when, and how the key came to be trusted.
//!
//! ```text
//! twinlock-known-peers 1
//! tl12l0u736jt6yp85ws59msyfs7m9u8zk3mcelpslftzn88pnmm0pwqjj6grk 0x0001 1767312000 verified Alice
//! tl1mc085awlrkgwquelr9q7t5zeqg6qjmc23c07t3j5uxwv7y5smasq0zwj46 0x0001 1767398400 first-use Bob Smith
//! fingerprint                                                   suite  since      how       name
//!
//! how: first-use · verified · introduced:<fingerprint> · retired · revoked
//! ```
//!
//! The rules, which no caller can leave out:
//!
//! - A name has at most one living key a signature algorithm, and a key has one name. Another key under a known name is
//!   [`Distrust::ChangedKey`], and nobody is asked: a question that comes with every attack gets clicked away. A person who knows better
//!   uses [`KnownPeers::replace_key`].
//! - A name once spoken to in one [rank](Suite::rank) is not spoken to in a lower one, with whichever of its keys:
//!   [`Distrust::WeakerSuite`]. A key that was only introduced counts once it has spoken.
//! - An owner's statement ([`KnownPeers::take`]) introduces a key, retires one, or revokes one. A dead key is refused for ever, under any name,
//!   and nobody is asked. What a revoked key introduced is refused until a person verifies it.
//! - Every judgement reads the file again, so that what another process forgot is forgotten here. Every change is made under a lock, to
//!   what the file says then, and is on the disk before anybody relies on it. The file is replaced whole.
//! - A file that is not understood is an error, and never overwritten. A missing one is empty.

mod entry;
mod error;
mod rules;
mod succession;

use self::rules::{check_living, check_name, check_new_key, judge_named, key_of};
use crate::crypto::suite::Suite;
use crate::durable;
use crate::error::Distrust;
use crate::identity::{Fingerprint, SignatureAlgorithm};
use crate::trust::{Peer, Trust, Trusted};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::SystemTime;

pub use entry::{Entry, Met};
pub use error::{KnownPeersError, NotTaken};
pub use succession::Taken;

/// The largest file that is read or written, in bytes: some 100,000 peers.
const MAX_FILE: u64 = 16 << 20;

/// What is remembered about peers, in a file or in memory only.
///
/// Several may be open on one file, in this process or in others: a server opens one for each conversation.
#[derive(Debug)]
pub struct KnownPeers {
    path: Option<PathBuf>,
    entries: Vec<Entry>,
    fixed_time: Option<u64>,
}

/// Accepts the peer of one name: see [`KnownPeers::expect`].
pub struct ExpectKnown<'a, F = fn(&Peer) -> bool> {
    known: &'a mut KnownPeers,
    name: String,
    ask: Option<F>,
}

/// Accepts every known peer: see [`KnownPeers::anyone_known`].
pub struct AnyoneKnown<'a, F = fn(&Peer) -> Option<String>> {
    known: &'a mut KnownPeers,
    ask: Option<F>,
}

impl KnownPeers {
    /// Reads the file. One that is missing is empty, and is made with the first entry; its folder is not made.
    ///
    /// [`KnownPeersError::Malformed`] says which line is not understood, and why.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KnownPeersError> {
        let mut known = Self { path: Some(path.into()), ..Self::in_memory() };
        known.reload()?;
        Ok(known)
    }

    /// Remembers as long as the program runs.
    pub const fn in_memory() -> Self {
        Self { path: None, entries: Vec::new(), fixed_time: None }
    }

    /// Takes this for the time from now on, in seconds since 1970, instead of the system's clock.
    #[must_use]
    pub const fn at(mut self, unix_seconds: u64) -> Self {
        self.fixed_time = Some(unix_seconds);
        self
    }

    /// Reads the file again. After [`Distrust::StoreFailed`] it says why.
    pub fn reload(&mut self) -> Result<(), KnownPeersError> {
        if let Some(path) = &self.path {
            let text = read(path).map_err(|error| KnownPeersError::io(path, error))?;
            self.entries = entry::parse(&text).map_err(|(line, what)| KnownPeersError::Malformed { path: path.clone(), line, what })?;
        }
        Ok(())
    }

    /// All entries, in the order in which they came, as of the last reading, judgement or change.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The living keys of this name, at most one a signature algorithm. Names are equal if they are byte for byte.
    pub fn by_name<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.living() && entry.name() == name)
    }

    /// The entry of this key, living or dead.
    pub fn by_fingerprint(&self, fingerprint: Fingerprint) -> Option<&Entry> {
        rules::find(&self.entries, fingerprint)
    }

    /// Why this key is refused in whatever suite: retired, revoked, or introduced by what is no longer trusted. None where it is not.
    pub fn why_refused(&self, entry: &Entry) -> Option<Distrust> {
        entry.trusted().and_then(|_| rules::rests_on_trust(&self.entries, entry)).err()
    }

    /// The suite in which to open to this name, as of the last reading, judgement or change: of its keys that are accepted, introduced ones too, the
    /// highest rank for which there is an identity of one's own. None where there is no such key, or only some of a rank in which the name is not
    /// spoken to any more.
    ///
    /// `mine` are the algorithms of one's own identities *that this peer knows*: one that it was not told of yet is refused there as a
    /// stranger. It has heard of it once it took the statement, or has spoken with it. A suite that must be named ([`Suite::must_be_named`]) comes
    /// out only for a key that has no other, never in the place of one that ranks higher.
    ///
    /// Open in this suite or not at all. A refusal is no reason to try another: anybody on the way can make one.
    pub fn best_suite(&self, name: &str, mine: &[SignatureAlgorithm]) -> Option<Suite> {
        let rank = rules::rank(&self.entries, name);
        let keys = self.by_name(name).filter(|entry| self.why_refused(entry).is_none()).map(Entry::suite);
        rules::highest(keys.filter(|suite| mine.contains(&suite.signature()) && Some(suite.rank()) >= rank))
    }

    /// Whether this can be a name: 1 to 64 characters, all of them visible or a plain space, no space at either end.
    ///
    /// Characters that control, turn the writing direction or show nothing are refused, so that no name can look like another line.
    /// Letters that look alike are not.
    pub fn is_name(text: &str) -> bool {
        entry::is_name(text)
    }

    /// Accepts the peer that is known under this name, with the key that is remembered.
    ///
    /// - A key that was retired or revoked, under whatever name: [`Distrust::Retired`], [`Distrust::Revoked`].
    /// - The name with this key: accepted, [`Trusted::Verified`], [`Trusted::FirstUse`] or [`Trusted::Introduced`]. Where its suite has a higher
    ///   rank than the remembered one, or it was introduced and speaks for the first time, that is remembered first.
    /// - The same, introduced by what has been revoked since: [`Distrust::IntroducerRevoked`].
    /// - The name with another key of the same algorithm; or with an unknown one, where its own of this algorithm, or every one, is retired or
    ///   revoked: [`Distrust::ChangedKey`].
    /// - The key of another name: [`Distrust::NotExpected`].
    /// - A suite of a lower rank than the name's highest: [`Distrust::WeakerSuite`].
    /// - The name unknown, or without a key of this algorithm: [`Distrust::Unknown`], unless there is somebody to ask
    ///   ([`ExpectKnown::or_ask`]).
    /// - A file that cannot be read or written: [`Distrust::StoreFailed`].
    pub fn expect(&mut self, name: impl Into<String>) -> ExpectKnown<'_> {
        ExpectKnown { known: self, name: name.into(), ask: None }
    }

    /// Accepts every known peer, under the rules of [`KnownPeers::expect`] for its own name: what a listener uses.
    pub const fn anyone_known(&mut self) -> AnyoneKnown<'_> {
        AnyoneKnown { known: self, ask: None }
    }

    /// Remembers a key: the name's first, or its first of this algorithm.
    ///
    /// [`KnownPeersError::NameTaken`] where the name has another living one of this algorithm, [`KnownPeersError::KeyTaken`] where the key is known
    /// already, [`KnownPeersError::Retired`] or [`KnownPeersError::Revoked`] where it is dead. [`KnownPeersError::NeedsStatement`] for another
    /// way than [`Met::FirstUse`] and [`Met::Verified`].
    pub fn add(&mut self, name: &str, fingerprint: Fingerprint, suite: Suite, met: Met) -> Result<(), KnownPeersError> {
        let now = self.now();
        self.update(|entries| {
            check_name(name)?;
            check_new_key(entries, fingerprint)?;
            if !matches!(met, Met::FirstUse | Met::Verified) {
                return Err(KnownPeersError::NeedsStatement);
            }
            if key_of(entries, name, suite.signature()).is_some() {
                return Err(KnownPeersError::NameTaken { name: name.to_owned() });
            }
            entries.push(Entry::new(name.to_owned(), fingerprint, suite, now, met));
            Ok(())
        })
    }

    /// A person has compared the safety number, or scanned the code. What introduced the key counts no more; a dead one stays dead
    /// ([`KnownPeersError::Retired`], [`KnownPeersError::Revoked`]).
    pub fn set_verified(&mut self, fingerprint: Fingerprint) -> Result<(), KnownPeersError> {
        let now = self.now();
        self.update(|entries| {
            let entry = entries.iter_mut().find(|entry| entry.fingerprint() == fingerprint).ok_or(KnownPeersError::NotKnown)?;
            check_living(entry)?;
            entry.set_verified(now);
            Ok(())
        })
    }

    /// Gives all keys of a name a new one, the dead ones too. [`KnownPeersError::NameTaken`] where somebody has it, or had.
    pub fn rename(&mut self, old: &str, new: &str) -> Result<(), KnownPeersError> {
        self.update(|entries| {
            check_name(new)?;
            if entries.iter().any(|entry| entry.name() == new) {
                return Err(KnownPeersError::NameTaken { name: new.to_owned() });
            }
            let mut renamed = entries.iter_mut().filter(|entry| entry.is_of(old)).peekable();
            renamed.peek().ok_or(KnownPeersError::NotKnown)?;
            renamed.for_each(|entry| entry.rename(new));
            Ok(())
        })
    }

    /// Forgets a name, its keys, and the rank in which it was spoken to. The peer is a stranger from then on.
    ///
    /// Of a retired or revoked key its fingerprint is kept, as its name, and it stays refused.
    pub fn forget(&mut self, name: &str) -> Result<(), KnownPeersError> {
        self.update(|entries| {
            if !entries.iter().any(|entry| entry.is_of(name)) {
                return Err(KnownPeersError::NotKnown);
            }
            entries.retain(|entry| entry.name() != name || !entry.living());
            entries.iter_mut().filter(|entry| entry.is_of(name)).for_each(Entry::forget_name);
            Ok(())
        })
    }

    /// A person accepts that the key of a known name has changed, or comes in the place of a dead one. The new one counts as met for the first time:
    /// that the old one was verified says nothing about it. The highest suite spoken stays. What the old one introduced is refused until a person
    /// verifies it: a key is often replaced because somebody else has it.
    pub fn replace_key(&mut self, name: &str, fingerprint: Fingerprint, suite: Suite) -> Result<(), KnownPeersError> {
        let now = self.now();
        self.update(|entries| {
            check_new_key(entries, fingerprint)?;
            let algorithm = suite.signature();
            if let Some(entry) = entries.iter_mut().find(|entry| entry.is_key_of(name, algorithm)) {
                *entry = entry.replaced(fingerprint, suite, now);
                return Ok(());
            }
            if !rules::has_lost_key(entries, name, algorithm) {
                return Err(KnownPeersError::NotKnown);
            }
            entries.push(Entry::new(name.to_owned(), fingerprint, suite, now, Met::FirstUse));
            Ok(())
        })
    }

    /// Writes all entries as a file of them would be.
    pub fn export(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(entry::write(&self.entries).as_bytes())
    }

    /// Changes what the file says now, under its lock, and writes it. Where `change` fails nothing is changed.
    fn update<T, E: From<KnownPeersError>>(&mut self, change: impl FnOnce(&mut Vec<Entry>) -> Result<T, E>) -> Result<T, E> {
        let lock = |path| durable::lock(path).map_err(|error| KnownPeersError::io(path, error));
        let _held = self.path.as_deref().map(lock).transpose()?;
        self.reload()?;
        let mut entries = self.entries.clone();
        let result = change(&mut entries)?;
        if entries != self.entries {
            self.write(&entries)?;
            self.entries = entries;
        }
        Ok(result)
    }

    fn write(&self, entries: &[Entry]) -> Result<(), KnownPeersError> {
        let Some(path) = &self.path else { return Ok(()) };
        let text = entry::write(entries);
        if u64::try_from(text.len()).is_ok_and(|len| len > MAX_FILE) {
            return Err(KnownPeersError::io(path, too_large()));
        }
        durable::replace(path, text.as_bytes()).map_err(|error| KnownPeersError::io(path, error))
    }

    fn now(&self) -> u64 {
        // A clock before 1970 is no reason to refuse somebody.
        let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.fixed_time.unwrap_or_else(clock)
    }

    /// Accepts a known peer, and first remembers that it has spoken, if it had not, and its suite, if that is the highest yet.
    fn accept(&mut self, name: &str, fingerprint: Fingerprint, suite: Suite) -> Result<Trusted, Distrust> {
        let trusted = judge_named(&self.entries, name, fingerprint, suite)?;
        if self.by_fingerprint(fingerprint).is_some_and(|entry| entry.has_spoken(suite)) {
            return Ok(trusted);
        }
        self.update(|entries| {
            let trusted = judge_named(entries, name, fingerprint, suite)?;
            entries.iter_mut().filter(|entry| entry.fingerprint() == fingerprint).for_each(|entry| entry.speak(suite));
            Ok(trusted)
        })
    }

    /// Remembers a peer that a person said yes to. Meanwhile the file may have changed: it is judged again, by what the file says now.
    fn meet(&mut self, name: &str, fingerprint: Fingerprint, suite: Suite) -> Result<Trusted, Distrust> {
        let now = self.now();
        self.update(|entries| {
            check_name(name)?;
            match judge_named(entries, name, fingerprint, suite) {
                Err(Distrust::Unknown) => entries.push(Entry::new(name.to_owned(), fingerprint, suite, now, Met::FirstUse)),
                judged => drop(judged?),
            }
            Ok::<_, Distrust>(())
        })?;
        self.accept(name, fingerprint, suite)
    }
}

impl<'a, F> ExpectKnown<'a, F> {
    /// Where the name is unknown, or has no key of this algorithm yet, asks whether this peer is the one. A yes is remembered under the
    /// name, as met for the first time ([`Trusted::FirstUse`]), before the peer is accepted; a no is [`Distrust::Declined`].
    ///
    /// A changed key is never asked about, nor a retired or revoked one. The name must be one ([`KnownPeers::is_name`]), or a yes ends in [`Distrust::StoreFailed`].
    pub fn or_ask<G: FnMut(&Peer) -> bool>(self, ask: G) -> ExpectKnown<'a, G> {
        ExpectKnown { known: self.known, name: self.name, ask: Some(ask) }
    }
}

impl<F: FnMut(&Peer) -> bool> Trust for ExpectKnown<'_, F> {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        let fingerprint = peer.fingerprint().ok_or(Distrust::Anonymous)?;
        self.known.reload()?;
        match (self.known.accept(&self.name, fingerprint, peer.suite()), &mut self.ask) {
            (Err(Distrust::Unknown), Some(ask)) => {
                if ask(peer) {
                    self.known.meet(&self.name, fingerprint, peer.suite())
                } else {
                    Err(Distrust::Declined)
                }
            }
            (judged, _) => judged,
        }
    }
}

impl<'a, F> AnyoneKnown<'a, F> {
    /// Where the key is unknown, asks for the name to remember it under, or none to decline ([`Distrust::Declined`]).
    ///
    /// It is remembered as met for the first time ([`Trusted::FirstUse`]), before the peer is accepted. Nobody is asked about a retired or revoked
    /// key. A name that has, or had, another key of the same algorithm is [`Distrust::ChangedKey`]; one that is no name ([`KnownPeers::is_name`]) is [`Distrust::StoreFailed`].
    pub fn or_ask<G: FnMut(&Peer) -> Option<String>>(self, ask: G) -> AnyoneKnown<'a, G> {
        AnyoneKnown { known: self.known, ask: Some(ask) }
    }
}

impl<F: FnMut(&Peer) -> Option<String>> Trust for AnyoneKnown<'_, F> {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        let fingerprint = peer.fingerprint().ok_or(Distrust::Anonymous)?;
        self.known.reload()?;
        if let Some(name) = self.known.by_fingerprint(fingerprint).map(|entry| entry.name().to_owned()) {
            return self.known.accept(&name, fingerprint, peer.suite());
        }
        let name = self.ask.as_mut().ok_or(Distrust::Unknown)?(peer).ok_or(Distrust::Declined)?;
        self.known.meet(&name, fingerprint, peer.suite())
    }
}

/// The text of the file, or of an empty one where it is missing.
fn read(path: &PathBuf) -> io::Result<String> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(entry::write(&[])),
        opened => opened?,
    };
    let mut text = String::new();
    let read = file.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if u64::try_from(read).is_ok_and(|len| len > MAX_FILE) { Err(too_large()) } else { Ok(text) }
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "the list of known peers is larger than 16 MiB")
}
