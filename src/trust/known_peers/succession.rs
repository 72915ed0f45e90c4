//! What an owner's statement changes in the list (docs/protocol.md, section 4.5).
//!
//! ```text
//! 1 beside    the new key: introduced                       needs: the old one known, living, of the name's highest rank;
//! 2 instead   the new key: introduced, the old: retired            the new one unknown, its place free, its rank not below the name's
//! 2 instead   the old: retired                              needs: both known under one name
//! 3 revoked   the old: revoked                              needs: nothing
//! ```
//!
//! The attacker to think of is the thief: of a key that was left behind, who can make statements as good as the owner's; of the key in use, who
//! can too, and whom only the owner's revocation stops; and whoever repeats old statements, in any order.

use super::entry::Entry;
use super::error::NotTaken;
use super::rules::{find, key_of, rank, rests_on_trust, suite_for};
use super::{KnownPeers, Met};
use crate::identity::{Fingerprint, PublicIdentity, Statement, StatementKind};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// How many keys a name may have, living and dead ones, before no statement adds another: a peer could fill the file with its own.
const KEYS_A_NAME: usize = 1_000;
/// How many dead keys may be nobody's before no statement adds another: anybody can make keys, and revoke them.
const NOBODYS_KEYS: usize = 10_000;

/// What a statement has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Taken {
    /// The new key is known under the old one's name now, as introduced by it.
    Introduced,
    /// The old key is retired. The new one is known under its name, as introduced by it unless it was known before.
    Succeeded,
    /// The key is revoked, and what it introduced is refused until a person verifies it.
    Revoked,
    /// Nothing: it was taken before.
    Already,
}

impl KnownPeers {
    /// Takes a statement of an owner about their keys, from whomever it came and by whatever way. It is on the disk when this returns.
    ///
    /// - [`StatementKind::Beside`] and [`StatementKind::Instead`]: the new key is then *introduced* by the old one ([`Met::Introduced`]), which is
    ///   shown and never counts as verified. Only the name's living key of the highest rank introduces one. Where the old key was verified, and the
    ///   new one was not, `Instead` is [`NotTaken::PersonNeeded`]: see [`KnownPeers::take_asking`].
    /// - [`StatementKind::Revoked`]: the key is revoked, known or not. What it introduced, itself or through others, is refused
    ///   ([`Distrust::IntroducerRevoked`](crate::Distrust::IntroducerRevoked)) until a person verifies it ([`KnownPeers::set_verified`]).
    ///
    /// Whoever stole an identity can make its statements. So these ways of trust are shown, a verified key is not replaced without a person, and a
    /// revocation wins over all.
    pub fn take(&mut self, statement: &Statement) -> Result<Taken, NotTaken> {
        self.take_with(statement, false)
    }

    /// As [`KnownPeers::take`]; where a person is needed, asks with the entry of the old key, which was verified. A no is
    /// [`NotTaken::Declined`]. A yes does not make the new key a verified one: it is introduced.
    pub fn take_asking(&mut self, statement: &Statement, ask: impl FnOnce(&Entry) -> bool) -> Result<Taken, NotTaken> {
        match self.take(statement) {
            Err(NotTaken::PersonNeeded { .. }) => {
                let old = self.by_fingerprint(statement.old().fingerprint()).cloned().ok_or(NotTaken::OldUnknown)?;
                // No lock is held meanwhile: what the file says after the answer counts.
                if ask(&old) { self.take_with(statement, true) } else { Err(NotTaken::Declined) }
            }
            taken => taken,
        }
    }

    fn take_with(&mut self, statement: &Statement, person_agrees: bool) -> Result<Taken, NotTaken> {
        let now = self.now();
        self.update(|entries| match statement.new() {
            Some(new) => succeed(entries, statement, new, now, person_agrees),
            None => revoke(entries, statement.old(), now),
        })
    }
}

/// Kind 3: whatever else was said.
fn revoke(entries: &mut Vec<Entry>, key: &PublicIdentity, now: u64) -> Result<Taken, NotTaken> {
    let fingerprint = key.fingerprint();
    match entries.iter_mut().find(|entry| entry.fingerprint() == fingerprint) {
        Some(entry) if entry.met() == Met::Revoked => return Ok(Taken::Already),
        Some(entry) => entry.revoke(now),
        None => {
            if entries.iter().filter(|entry| entry.is_nobodys()).count() >= NOBODYS_KEYS {
                return Err(NotTaken::TooMany { name: None });
            }
            // Every algorithm of this build has a suite.
            let suite = suite_for(key.algorithm()).unwrap_or_default();
            entries.push(Entry::revoked_stranger(fingerprint, suite, now));
        }
    }
    Ok(Taken::Revoked)
}

/// Kinds 1 and 2.
fn succeed(
    entries: &mut Vec<Entry>,
    statement: &Statement,
    new: &PublicIdentity,
    now: u64,
    person_agrees: bool,
) -> Result<Taken, NotTaken> {
    let (old, instead) = (statement.old().fingerprint(), statement.kind() == StatementKind::Instead);
    let old_entry = find(entries, old).ok_or(NotTaken::OldUnknown)?;
    let name = old_entry.name().to_owned();
    let known = check_known(entries, &name, new.fingerprint());
    if old_entry.met() == Met::Retired && matches!(known, Ok(Some(_))) {
        return Ok(Taken::Already);
    }
    check_speaker(entries, old_entry)?;
    let known = known?;
    if known.is_some() && !instead {
        return Ok(Taken::Already);
    }
    let suite = suite_for(new.algorithm()).filter(|suite| Some(suite.rank()) >= rank(entries, &name));
    let suite = suite.ok_or_else(|| NotTaken::WeakerSuite { name: name.clone() })?;
    if known.is_none() {
        check_place(entries, old_entry, new, instead)?;
    }
    if instead && old_entry.met() == Met::Verified && known != Some(Met::Verified) && !person_agrees {
        return Err(NotTaken::PersonNeeded { name });
    }
    if instead {
        entries.iter_mut().filter(|entry| entry.fingerprint() == old).for_each(|entry| entry.retire(now));
    }
    if known.is_none() {
        entries.push(Entry::introduced(name, new.fingerprint(), suite, now, old));
    }
    Ok(if instead { Taken::Succeeded } else { Taken::Introduced })
}

/// How the new key is known, if it is: living, under this name, and not refused itself.
fn check_known(entries: &[Entry], name: &str, new: Fingerprint) -> Result<Option<Met>, NotTaken> {
    let Some(entry) = find(entries, new) else { return Ok(None) };
    let other: String = entry.name().to_owned();
    match entry.met() {
        Met::Retired => Err(NotTaken::NewRetired { name: other }),
        Met::Revoked => Err(NotTaken::NewRevoked { name: other }),
        _ if other != name => Err(NotTaken::NewIsAnothers { name: name.to_owned(), other }),
        _ if rests_on_trust(entries, entry).is_err() => Err(NotTaken::NewRefused { name: other }),
        met => Ok(Some(met)),
    }
}

/// Who is refused says nothing.
fn check_speaker(entries: &[Entry], old: &Entry) -> Result<(), NotTaken> {
    let name = old.name().to_owned();
    match old.met() {
        Met::Retired => Err(NotTaken::OldRetired { name }),
        Met::Revoked => Err(NotTaken::OldRevoked { name }),
        _ if rests_on_trust(entries, old).is_err() => Err(NotTaken::OldRefused { name }),
        _ => Ok(()),
    }
}

/// Whether the old key may bring in one that is unknown.
fn check_place(entries: &[Entry], old: &Entry, new: &PublicIdentity, instead: bool) -> Result<(), NotTaken> {
    let name = old.name().to_owned();
    if Some(old.suite().rank()) < rank(entries, &name) {
        return Err(NotTaken::LeftBehind { name });
    }
    // The old key itself may stand in its place in kind 2, which retires it. In kind 1 it is of another algorithm, unless the file tells it wrongly.
    let in_its_place = key_of(entries, &name, new.algorithm());
    if in_its_place.is_some_and(|entry| !instead || entry.fingerprint() != old.fingerprint()) {
        return Err(NotTaken::NameTaken { name });
    }
    let full = entries.iter().filter(|entry| entry.is_of(&name)).count() >= KEYS_A_NAME;
    if full { Err(NotTaken::TooMany { name: Some(name) }) } else { Ok(()) }
}
