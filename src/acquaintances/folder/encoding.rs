//! The files of a folder, byte for byte. Integers are big-endian, `n ×` is a `u32` and so many of what follows.
//!
//! ```text
//! state    "twinlock acquaintances\n" || u16 version = 1 || mark 16 || u64 made || body || SHA-256 of all before
//!
//! body     u64 latest time, 0 for none || u32 how often it was set right || u8 copied
//!          own keys   n × ( u16 suite || SHA-256 of the bundle || n × ( peer 32 || u64 when ) )     newer first
//!          issued     n × ( me 32 || u16 suite || u64 not-before )
//!          bundles    n × SHA-256 of the bundle
//!          records    n × SHA-256 of u8 role || id                                                newer last
//!          used       n × ( u8 role || id 16 || peer 32 || u64 not-after || u8 note )             no peer: 32 zero bytes
//!          peers      n × ( peer 32 || u16 suite || u64 last seen || u8 way )
//!
//! piece    "twinlock <kind>\n" || u16 version = 1 || contents || SHA-256 of all before
//!          in the file `<kind>-<its SHA-256 in hexadecimal>`; kind is key, bundle or record
//! ```
//!
//! The mark is random, another in every writing, so that a reader sees that the file has changed. *Made* is when this very file was made by the file system's clock, in nanoseconds,
//! or 0 where that is not known: a copy was made at another time. The sums at the ends find damage, not malice: whoever can write the files can do anything.
//!
//! role: 1 opener, 2 answerer · note: 0 not used again, 1 used again, 2 used again and reported · way: 1 XX, 3 NX, 5 IK, 7 resume

use super::super::keys::Issued;
use super::super::resumptions::{Used, role_id};
use super::super::state::{Clock, State};
use super::super::{Acquaintance, Way};
use crate::channel::Role;
use crate::crypto::backend;
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::Fingerprint;
use crate::wire::Reader;
use alloc::vec::Vec;
use core::cell::Cell;
use zeroize::Zeroizing;

const MAGIC: &[u8; 23] = b"twinlock acquaintances\n";
const VERSION: u16 = 1;
/// The bytes up to the end of the mark: what shows whether the file has changed.
pub(super) const HEAD: usize = 23 + 2 + 16;

/// What stands in a file of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    Key,
    Bundle,
    Record,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Key, Self::Bundle, Self::Record];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Bundle => "bundle",
            Self::Record => "record",
        }
    }

    const fn magic(self) -> &'static [u8] {
        match self {
            Self::Key => b"twinlock key\n",
            Self::Bundle => b"twinlock bundle\n",
            Self::Record => b"twinlock record\n",
        }
    }
}

/// A state without what stands in files of its own.
pub(super) struct Index {
    pub(super) state: State,
    pub(super) made: u64,
    pub(super) keys: Vec<IndexedKey>,
    pub(super) bundles: Vec<[u8; 32]>,
    pub(super) records: Vec<[u8; 32]>,
}

pub(super) struct IndexedKey {
    pub(super) digest: [u8; 32],
    pub(super) delivered: Vec<(Fingerprint, u64)>,
}

/// Why a file was not understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    Version(u16),
    Suite(u16),
    Damaged(&'static str),
}

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownSuite { id } => Self::Suite(id),
            _ => Self::Damaged("it is cut off, or holds what no such file does"),
        }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Everything kept is bounded far below the largest count.
    fn count(&mut self, n: usize) {
        self.put(&u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes());
    }

    fn list<T>(&mut self, items: &[T], mut put: impl FnMut(&mut Self, &T)) {
        self.count(items.len());
        items.iter().for_each(|item| put(self, item));
    }
}

pub(super) fn write(state: &State, mark: &[u8; 16], made: u64) -> Vec<u8> {
    let mut out = Writer(Vec::new());
    out.put(MAGIC);
    out.put(&VERSION.to_be_bytes());
    out.put(mark);
    out.put(&made.to_be_bytes());
    out.put(&state.clock.latest.get().to_be_bytes());
    out.put(&state.clock.set.to_be_bytes());
    out.put(&[u8::from(state.copied)]);
    out.list(&state.keys, |out, own| {
        out.put(&own.key.bundle().suite().id().to_be_bytes());
        out.put(&own.digest);
        out.list(&own.delivered, |out, (peer, when)| {
            out.put(peer.as_bytes());
            out.put(&when.to_be_bytes());
        });
    });
    out.list(&state.issued, |out, issued| {
        out.put(issued.me.as_bytes());
        out.put(&issued.suite.id().to_be_bytes());
        out.put(&issued.not_before.to_be_bytes());
    });
    out.list(&state.bundles, |out, kept| out.put(&kept.digest));
    out.list(&state.records, |out, kept| out.put(&kept.digest));
    out.list(&state.used, |out, used| {
        out.put(&[role_id(used.role)]);
        out.put(&used.id);
        out.put(used.peer.as_ref().map_or(&[0; 32], Fingerprint::as_bytes).as_slice());
        out.put(&used.not_after.to_be_bytes());
        out.put(&[if used.reported { 2 } else { used.again.get() }]);
    });
    out.list(&state.peers, |out, known| {
        out.put(known.peer.as_bytes());
        out.put(&known.suite.id().to_be_bytes());
        out.put(&known.last_seen.to_be_bytes());
        out.put(&[way_id(known.way)]);
    });
    let sum = backend::sha256(&[&out.0]);
    out.put(&sum);
    out.0
}

pub(super) fn parse(bytes: &[u8]) -> Result<Index, Unreadable> {
    let body = checked(bytes, MAGIC)?;
    let mut reader = Reader::new(body);
    // The mark.
    reader.bytes(16)?;
    let made = reader.u64()?;
    let clock = Clock { latest: Cell::new(reader.u64()?), set: reader.u32()? };
    let copied = flag(reader.u8()?)?;
    let keys = list(&mut reader, |reader| {
        suite(reader)?;
        let digest = *reader.array()?;
        Ok(IndexedKey { digest, delivered: list(reader, |reader| Ok((fingerprint(reader)?, reader.u64()?)))? })
    })?;
    let issued = list(&mut reader, |reader| Ok(Issued { me: fingerprint(reader)?, suite: suite(reader)?, not_before: reader.u64()? }))?;
    let bundles = list(&mut reader, |reader| reader.array().copied())?;
    let records = list(&mut reader, |reader| reader.array().copied())?;
    let used = list(&mut reader, read_used)?;
    let peers = list(&mut reader, |reader| {
        let (peer, suite, last_seen, way) = (fingerprint(reader)?, suite(reader)?, reader.u64()?, way(reader.u8()?)?);
        Ok(Acquaintance { peer, suite, last_seen, way })
    })?;
    reader.end()?;
    Ok(Index { state: State { clock, issued, used, peers, copied, ..State::default() }, made, keys, bundles, records })
}

/// The contents are a secret, or not: they never stand in memory that is not wiped.
pub(super) fn write_piece(kind: Kind, contents: &[u8]) -> Zeroizing<Vec<u8>> {
    let (magic, version) = (kind.magic(), VERSION.to_be_bytes());
    let sum = backend::sha256(&[magic, &version, contents]);
    let parts = [magic, &version, contents, &sum];
    // As long as it gets, since what grows leaves copies behind.
    let mut out = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

pub(super) fn piece(kind: Kind, file: &[u8]) -> Result<&[u8], Unreadable> {
    checked(file, kind.magic())
}

/// What stands between a file's version and its sum.
fn checked<'a>(file: &'a [u8], magic: &[u8]) -> Result<&'a [u8], Unreadable> {
    let mut reader = Reader::new(file);
    if reader.bytes(magic.len()).ok() != Some(magic) {
        return Err(Unreadable::Damaged("it is not what a folder of acquaintances has under this name"));
    }
    let version = reader.u16()?;
    if version != VERSION {
        return Err(Unreadable::Version(version));
    }
    let cut_off = Unreadable::Damaged("it is cut off or damaged: the sum at its end is another");
    let (Some((contents, _)), Some((all, sum))) = (reader.rest().split_last_chunk::<32>(), file.split_last_chunk::<32>()) else {
        return Err(cut_off);
    };
    if backend::sha256(&[all]) == *sum { Ok(contents) } else { Err(cut_off) }
}

/// So many entries as a count says. Memory is taken as they are read: a count alone takes none.
fn list<T>(reader: &mut Reader<'_>, mut entry: impl FnMut(&mut Reader<'_>) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let n = reader.u32()?;
    let mut entries = Vec::new();
    for _ in 0..n {
        entries.push(entry(reader)?);
    }
    Ok(entries)
}

fn read_used(reader: &mut Reader<'_>) -> Result<Used, Error> {
    let (role, id, peer, not_after) = (role(reader.u8()?)?, *reader.array()?, *reader.array::<32>()?, reader.u64()?);
    let (again, reported) = match reader.u8()? {
        note @ 0..=1 => (note, false),
        2 => (1, true),
        _ => return Err(Error::Malformed),
    };
    let peer = (peer != [0; 32]).then_some(Fingerprint::from_bytes(peer));
    Ok(Used { role, id, peer, not_after, again: Cell::new(again), reported })
}

fn fingerprint(reader: &mut Reader<'_>) -> Result<Fingerprint, Error> {
    reader.array().map(|bytes| Fingerprint::from_bytes(*bytes))
}

fn suite(reader: &mut Reader<'_>) -> Result<Suite, Error> {
    Suite::from_id(reader.u16()?)
}

const fn flag(byte: u8) -> Result<bool, Error> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::Malformed),
    }
}

const fn role(id: u8) -> Result<Role, Error> {
    match id {
        1 => Ok(Role::Opener),
        2 => Ok(Role::Answerer),
        _ => Err(Error::Malformed),
    }
}

const fn way_id(way: Way) -> u8 {
    match way {
        Way::Met => 1,
        Way::Visited => 3,
        Way::Acquainted => 5,
        Way::Resumed => 7,
    }
}

const fn way(id: u8) -> Result<Way, Error> {
    match id {
        1 => Ok(Way::Met),
        3 => Ok(Way::Visited),
        5 => Ok(Way::Acquainted),
        7 => Ok(Way::Resumed),
        _ => Err(Error::Malformed),
    }
}
