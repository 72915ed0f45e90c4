//! What is remembered, judged: the rules of docs/protocol.md, section 4.5, by the entries alone.
//!
//! ```text
//! dead                                   Retired, Revoked           under any name
//! another key of the name's, or none
//!   where the name had one and lost it   ChangedKey
//! the key of another name                NotExpected
//! introduced by what is revoked or gone  IntroducerRevoked
//! a rank below the name's                WeakerSuite
//! ```

use super::entry::Entry;
use super::error::KnownPeersError;
use super::{Met, entry};
use crate::crypto::suite::Suite;
use crate::error::Distrust;
use crate::identity::{Fingerprint, SignatureAlgorithm};
use crate::trust::Trusted;
use alloc::borrow::ToOwned;

/// How the key that came under this name is trusted, or why it is not: the rules of [`super::KnownPeers::expect`].
pub(super) fn judge_named(entries: &[Entry], name: &str, fingerprint: Fingerprint, suite: Suite) -> Result<Trusted, Distrust> {
    let known = find(entries, fingerprint);
    // First of all, so that no name and no question brings a dead key back.
    let trusted = known.map(Entry::trusted).transpose()?;
    let key = key_of(entries, name, suite.signature());
    if key.is_some_and(|entry| entry.fingerprint() != fingerprint) {
        return Err(Distrust::ChangedKey);
    }
    match known {
        Some(entry) if entry.name() != name => return Err(Distrust::NotExpected),
        Some(entry) => rests_on_trust(entries, entry)?,
        // Whoever can revoke a key would otherwise be asked about next, as a stranger.
        None if has_lost_key(entries, name, suite.signature()) => return Err(Distrust::ChangedKey),
        None => {}
    }
    if rank(entries, name) > Some(suite.rank()) {
        return Err(Distrust::WeakerSuite);
    }
    trusted.ok_or(Distrust::Unknown)
}

pub(super) fn find(entries: &[Entry], fingerprint: Fingerprint) -> Option<&Entry> {
    entries.iter().find(|entry| entry.fingerprint() == fingerprint)
}

/// The living key of this name and algorithm.
pub(super) fn key_of<'a>(entries: &'a [Entry], name: &str, algorithm: SignatureAlgorithm) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.is_key_of(name, algorithm))
}

/// The highest rank in which the name was spoken to, with whichever of its keys, the dead ones too: who revokes a key lowers nothing.
pub(super) fn rank(entries: &[Entry], name: &str) -> Option<u8> {
    entries.iter().filter(|entry| entry.spoken() && entry.is_of(name)).map(|entry| entry.suite().rank()).max()
}

/// Whether the name's key of this algorithm is dead, or all that it had are.
pub(super) fn has_lost_key(entries: &[Entry], name: &str, algorithm: SignatureAlgorithm) -> bool {
    let (mut lost, mut dead, mut living) = (false, false, false);
    for entry in entries.iter().filter(|entry| entry.is_of(name)) {
        living |= entry.living();
        dead |= !entry.living();
        lost |= !entry.living() && entry.suite().signature() == algorithm;
    }
    (lost || dead && !living) && key_of(entries, name, algorithm).is_none()
}

/// Whether everything that the key's trust rests on still stands, up to a key that was met or verified: what a revoked key introduced,
/// itself or through others, may be the thief's.
pub(super) fn rests_on_trust(entries: &[Entry], entry: &Entry) -> Result<(), Distrust> {
    let mut entry = entry;
    // A chain is no longer than the list. One that is goes in a circle, and rests on nothing.
    for _ in entries {
        let Some(introducer) = entry.introducer() else { return Ok(()) };
        entry = find(entries, introducer).filter(|entry| entry.met() != Met::Revoked).ok_or(Distrust::IntroducerRevoked)?;
    }
    Err(Distrust::IntroducerRevoked)
}

/// The suite of the highest rank for keys of this algorithm, the first of such.
pub(super) fn suite_for(algorithm: SignatureAlgorithm) -> Option<Suite> {
    highest(Suite::ALL.iter().copied().filter(|suite| suite.signature() == algorithm))
}

/// The first of the highest rank.
pub(super) fn highest(suites: impl Iterator<Item = Suite>) -> Option<Suite> {
    suites.reduce(|best, suite| if suite.rank() > best.rank() { suite } else { best })
}

pub(super) fn check_name(name: &str) -> Result<(), KnownPeersError> {
    if entry::is_name(name) { Ok(()) } else { Err(KnownPeersError::InvalidName) }
}

/// A key that nobody here has met.
pub(super) fn check_new_key(entries: &[Entry], fingerprint: Fingerprint) -> Result<(), KnownPeersError> {
    let Some(entry) = find(entries, fingerprint) else { return Ok(()) };
    check_living(entry)?;
    Err(KnownPeersError::KeyTaken { name: entry.name().to_owned() })
}

pub(super) fn check_living(entry: &Entry) -> Result<(), KnownPeersError> {
    let name = entry.name().to_owned();
    match entry.met() {
        Met::Retired => Err(KnownPeersError::Retired { name }),
        Met::Revoked => Err(KnownPeersError::Revoked { name }),
        Met::FirstUse | Met::Verified | Met::Introduced => Ok(()),
    }
}
