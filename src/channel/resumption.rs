//! What two sides keep of a conversation, to pick it up again without signatures (docs/protocol.md, section 6.8).
//!
//! ```text
//! rs, the resumption secret ─┬─ id  = Expand(rs, "tl1 resume id", 16)      names the record in the clear
//!                            └─ psk = Expand(rs, "tl1 resume psk", 32)     is mixed in
//! ```
//!
//! A record is used once: whoever uses it removes it from its store first, durably. Whoever holds it is its owner until its not-after.

use crate::crypto::hash::HASHLEN_MAX;
use crate::crypto::label;
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::{Fingerprint, Peer, PublicIdentity};
use crate::secret::{Secret, SecretBytes};
use crate::wire::Reader;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// 7 days, in seconds: how long after the handshake at the root a record is of use, at most.
const LIFE: u64 = 604_800;
/// The version of the encoding.
const VERSION: u8 = 1;

/// A resumption record: a secret of the last conversation, and with whom and how it was.
pub struct Resumption {
    id: [u8; 16],
    psk: Secret<32>,
    role: Role,
    me: Option<Fingerprint>,
    peer: Peer,
    prologue: Vec<u8>,
    not_after: u64,
    psk_tag: Option<[u8; 32]>,
}

/// Who this side was in the conversation. Only the side that opened may open with the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// It opened the conversation.
    Opener,
    /// It answered.
    Answerer,
}

/// What a handshake adds to the secret for a record.
pub(crate) struct Root {
    pub(crate) me: Option<Fingerprint>,
    pub(crate) prologue: Vec<u8>,
    /// Of the pre-shared key under which the conversation stands.
    pub(crate) psk_tag: Option<[u8; 32]>,
    /// Handed on by the record that was resumed; none in the other patterns.
    pub(crate) not_after: Option<u64>,
}

impl Role {
    const fn number(self) -> u8 {
        match self {
            Self::Opener => 0,
            Self::Answerer => 1,
        }
    }

    fn from_number(number: u8) -> Result<Self, Error> {
        [Self::Opener, Self::Answerer].into_iter().find(|role| role.number() == number).ok_or(Error::Malformed)
    }
}

impl Resumption {
    /// None where the record that was resumed is over.
    pub(crate) fn derive(rs: &Secret<HASHLEN_MAX>, role: Role, peer: &Peer, root: Root, now: u64) -> Result<Option<Self>, Error> {
        let not_after = root.not_after.unwrap_or(now.saturating_add(LIFE));
        if not_after <= now {
            return Ok(None);
        }
        let hash = peer.suite().hash();
        let mut id = [0; 16];
        hash.expand(rs, &[label::RESUME_ID], &mut id)?;
        let psk = Secret::try_build(|psk| hash.expand(rs, &[label::RESUME_PSK], psk))?;
        Ok(Some(Self { id, psk, role, me: root.me, peer: peer.clone(), prologue: root.prologue, not_after, psk_tag: root.psk_tag }))
    }

    /// In the place of a record that is not there: its secret is random, nothing of it fits, and everything is there to be compared.
    pub(crate) fn stand_in(suite: Suite, rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        Ok(Self {
            id: [0; 16],
            psk: Secret::random(rng)?,
            role: Role::Answerer,
            me: Some(Fingerprint::from_bytes([0; 32])),
            peer: Peer::new(None, suite),
            prologue: Vec::new(),
            not_after: 0,
            psk_tag: Some([0; 32]),
        })
    }

    /// The name of the record, sent in the clear.
    pub const fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// Who this side was. A record is found by this and its id.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// This side's identity then, or none.
    pub const fn me(&self) -> Option<&Fingerprint> {
        self.me.as_ref()
    }

    /// The other side's identity, or none.
    pub const fn peer(&self) -> Option<&Fingerprint> {
        self.peer.fingerprint_ref()
    }

    /// The other side, as it proved itself.
    pub(crate) const fn whole_peer(&self) -> &Peer {
        &self.peer
    }

    /// The suite.
    pub const fn suite(&self) -> Suite {
        self.peer.suite()
    }

    /// What both applications had agreed on.
    pub fn prologue(&self) -> &[u8] {
        &self.prologue
    }

    /// When it is over, in seconds since 1970: at this second it is not used any more.
    pub const fn not_after(&self) -> u64 {
        self.not_after
    }

    /// The tag of the pre-shared key under which the conversation stood, or none.
    pub const fn psk_tag(&self) -> Option<&[u8; 32]> {
        self.psk_tag.as_ref()
    }

    pub(crate) const fn psk(&self) -> &Secret<32> {
        &self.psk
    }

    /// What a conversation that begins with this record leaves for the next one.
    pub(crate) fn root(&self) -> Root {
        Root { me: self.me, prologue: self.prologue.clone(), psk_tag: self.psk_tag, not_after: Some(self.not_after) }
    }

    /// The record, to be stored where nobody else reads it, by this crate's own encoding:
    /// `u8 version 1 · u8 role · u16 suite · id 16 · psk 32 · u64 not-after · me 32 · u8 has a psk tag · psk tag 32 · u16 length · the peer's public key · prologue`.
    /// What is absent is zero, or has no bytes.
    pub fn to_secret_bytes(&self) -> SecretBytes {
        let me = self.me.map_or([0; 32], |me| *me.as_bytes());
        let peer = self.peer.identity().map_or(&[][..], PublicIdentity::as_bytes);
        // A public key has less than 65,536 bytes, whichever suite's.
        let peer_len = u16::try_from(peer.len()).unwrap_or_default();
        SecretBytes::join(&[
            &[VERSION, self.role.number()],
            &self.suite().id().to_be_bytes(),
            &self.id,
            self.psk.expose(),
            &self.not_after.to_be_bytes(),
            &me,
            &[u8::from(self.psk_tag.is_some())],
            &self.psk_tag.unwrap_or_default(),
            &peer_len.to_be_bytes(),
            peer,
            &self.prologue,
        ])
    }

    /// From what [`Resumption::to_secret_bytes`] gave. [`Error::UnknownSuite`] for a suite that this build does not have, [`Error::Malformed`] for what is no record.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return Err(Error::Malformed);
        }
        let role = Role::from_number(reader.u8()?)?;
        let suite = Suite::from_id(reader.u16()?)?;
        let id = *reader.array()?;
        let psk = reader.array::<32>()?;
        let psk = Secret::build(|place| place.copy_from_slice(psk));
        let not_after = reader.u64()?;
        let me = Some(*reader.array()?).filter(|me| *me != [0; 32]).map(Fingerprint::from_bytes);
        let psk_tag = match (reader.u8()?, *reader.array()?) {
            (0, tag) if tag == [0; 32] => None,
            (1, tag) => Some(tag),
            _ => return Err(Error::Malformed),
        };
        let peer_len = usize::from(reader.u16()?);
        let peer = Some(reader.bytes(peer_len)?).filter(|key| !key.is_empty());
        let identity = peer.map(|key| PublicIdentity::from_bytes(suite.signature(), key)).transpose().map_err(|_| Error::Malformed)?;
        let peer = Peer::new(identity, suite);
        Ok(Self { id, psk, role, me, peer, prologue: reader.rest().to_vec(), not_after, psk_tag })
    }
}

/// Shows with whom and how it was, and no secret.
impl fmt::Debug for Resumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resumption")
            .field("role", &self.role)
            .field("me", &self.me)
            .field("peer", &self.peer())
            .field("suite", &self.suite())
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}
