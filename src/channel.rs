//! What a conversation runs on once both sides know each other (docs/protocol.md, sections 7 to 9).
//!
//! ```text
//! Channel ─into_halves─▶ Sealer      makes records: messages in pieces, control records, and what answers the peer
//!                        Opener      opens records, and says what the peer asks for
//!                        Conversation  who the peer is, and the exporter
//! ```
//!
//! Nothing here reads a clock or a socket. A channel is taken apart by value, so that a sending key cannot receive and no counter is used twice; each half
//! can move to its own thread. [`crate::io`] drives the halves over a transport.

mod direction;
mod record;
mod resumption;
mod stream;

use crate::crypto::aead::TAG;
use crate::crypto::hash::HASHLEN_MAX;
use crate::crypto::label;
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::{Fingerprint, Peer, Trusted};
use crate::secret::Secret;
use crate::symmetric::ChannelSecrets;
use crate::wire::{frame_body, put_frame};
use alloc::vec::Vec;
use core::fmt;
use direction::Direction;

#[cfg(feature = "std")]
pub(crate) use record::CONTENT_AT;
pub use record::{CLOSE_REASON_MAX, CONTENT_MAX, Close, CloseCode, FRAME_MAX, Padding, RECORD_OVERHEAD, RecordType, frame_len};
pub(crate) use resumption::Root;
pub use resumption::{Resumption, Role};
pub use stream::{OpenOffer, Opener, OwnOffer, PeerOffer, Policy, Record, Sealer, Totals, Trace};

/// A `Confirm` record's plaintext: its type, and no content.
const CONFIRM: [u8; 3] = [RecordType::Confirm.id(), 0, 0];

/// A finished handshake: both sides are known, and the keys are fresh.
pub struct Channel {
    me: Option<Fingerprint>,
    conversation: Conversation,
    send: Direction,
    receive: Direction,
    resumable: Option<Resumable>,
}

/// What a resumption record is made of, until it is kept or given up.
struct Resumable {
    rs: Secret<HASHLEN_MAX>,
    role: Role,
    root: Root,
}

/// The keys of a finished handshake whose peer was not judged yet.
pub(crate) struct Unjudged {
    role: Role,
    send: Direction,
    receive: Direction,
    exporter: Secret<HASHLEN_MAX>,
    resume: Secret<HASHLEN_MAX>,
    handshake_hash: Vec<u8>,
}

/// Who the peer is, how it came to be trusted, and what both sides alone can derive.
pub struct Conversation {
    peer: Peer,
    trusted: Trusted,
    handshake_hash: Vec<u8>,
    exporter: Secret<HASHLEN_MAX>,
}

impl Unjudged {
    pub(crate) fn new(secrets: ChannelSecrets, role: Role, suite: Suite) -> Result<Self, Error> {
        let ChannelSecrets { i2r, r2i, exporter, resume, handshake_hash } = secrets;
        let (send, receive) = match role {
            Role::Opener => (i2r, r2i),
            Role::Answerer => (r2i, i2r),
        };
        let (send, receive) = (Direction::new(suite, send)?, Direction::new(suite, receive)?);
        Ok(Self { role, send, receive, exporter, resume, handshake_hash })
    }

    /// The initiator's `Confirm`, a whole frame: the first record of its direction.
    pub(crate) fn seal_confirm(&mut self) -> Result<Vec<u8>, Error> {
        let mut text = CONFIRM;
        let mut frame = Vec::new();
        put_frame(&mut frame, &[&text[..], &[0; TAG]].concat())?;
        let ad = *frame.first_chunk::<2>().ok_or(Error::WrongKind)?;
        let tag = self.send.seal(&ad, &mut text)?;
        frame.truncate(ad.len());
        frame.extend_from_slice(&text);
        frame.extend_from_slice(&tag);
        Ok(frame)
    }

    /// Opens the initiator's `Confirm`, a whole frame. Anything else in its place is an error.
    pub(crate) fn open_confirm(&mut self, frame: &[u8]) -> Result<(), Error> {
        let (text, tag) = frame_body(frame)?.split_last_chunk::<TAG>().ok_or(Error::Malformed)?;
        let mut text: [u8; CONFIRM.len()] = text.try_into().map_err(|_| Error::Malformed)?;
        let ad = frame.first_chunk::<2>().ok_or(Error::Malformed)?;
        self.receive.open(ad, &mut text, tag)?;
        if text == CONFIRM { Ok(()) } else { Err(Error::Malformed) }
    }

    /// The peer was accepted.
    pub(crate) fn accept(self, peer: Peer, trusted: Trusted, root: Option<Root>) -> Channel {
        let Self { role, send, receive, exporter, resume, handshake_hash, .. } = self;
        Channel {
            me: root.as_ref().and_then(|root| root.me),
            conversation: Conversation { peer, trusted, handshake_hash, exporter },
            send,
            receive,
            resumable: root.map(|root| Resumable { rs: resume, role, root }),
        }
    }

    /// The one record of a responder that refuses after the handshake: a `Close` with code 1 under its first key.
    pub(crate) fn refuse_with_close(self) -> Result<Vec<u8>, Error> {
        let (mut sealer, _) = stream::halves((self.send, None), (self.receive, None));
        let mut record = Vec::new();
        sealer.close(CloseCode::Refused, "", &mut record)?;
        Ok(record)
    }
}

impl Channel {
    /// One that leaves no resumption record.
    #[cfg(test)]
    pub(crate) fn new(secrets: ChannelSecrets, initiator: bool, suite: Suite, peer: Peer, trusted: Trusted) -> Result<Self, Error> {
        let role = if initiator { Role::Opener } else { Role::Answerer };
        Ok(Unjudged::new(secrets, role, suite)?.accept(peer, trusted, None))
    }

    /// Takes out the record with which the two sides can pick this conversation up again, once: `now`, in seconds since 1970, is when it begins to be of use, and it is so for
    /// 7 days at most. Call it when the conversation begins. None where it was taken out before, and where this conversation began with a record that is over.
    ///
    /// Where it is not called, and when the channel is taken apart, the secret is wiped. A side whose peer may have declined it after the handshake keeps a record that opens nothing.
    pub fn keep_resumption(&mut self, now: u64) -> Result<Option<Resumption>, Error> {
        let Some(Resumable { rs, role, root }) = self.resumable.take() else { return Ok(None) };
        Resumption::derive(&rs, role, self.peer(), root, now)
    }

    /// Who is on the other side.
    pub const fn peer(&self) -> &Peer {
        &self.conversation.peer
    }

    /// The peer, how it is trusted, and the exporter.
    pub const fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// Takes the channel apart for an ordered transport.
    pub fn into_halves(self) -> (Sealer, Opener, Conversation) {
        let (sealer, opener) = stream::halves((self.send, self.me), (self.receive, self.conversation.peer.fingerprint()));
        (sealer, opener, self.conversation)
    }
}

impl Conversation {
    /// Who is on the other side.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// How it came to be trusted.
    pub const fn trusted(&self) -> Trusted {
        self.trusted
    }

    /// The suite.
    pub const fn suite(&self) -> Suite {
        self.peer.suite()
    }

    /// The handshake's final hash, as long as the suite's hash: the same on both sides, different for each conversation, no secret.
    pub fn handshake_hash(&self) -> &[u8] {
        &self.handshake_hash
    }

    /// Fills `out` with bytes that both sides alone can derive: Expand(exporter secret, "tl1 export" || u8 length || label || H(context) || u16 n, n).
    ///
    /// They are as old as the handshake: rekeying does not renew them. [`Error::TooLong`] for a label above 255 bytes, and unless `out` has 1 to 255
    /// times the hash's length.
    pub fn export(&self, label: &str, context: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let hash = self.suite().hash();
        let label_len = u8::try_from(label.len()).map_err(|_| Error::TooLong)?;
        let n = u16::try_from(out.len()).ok().filter(|n| *n > 0).ok_or(Error::TooLong)?;
        let context = hash.hash(&[context]);
        let info: [&[u8]; 5] = [label::EXPORT, &[label_len], label.as_bytes(), context.first(hash.len()), &n.to_be_bytes()];
        hash.expand(&self.exporter, &info, out)
    }
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("peer", &self.peer).field("trusted", &self.trusted).finish_non_exhaustive()
    }
}

/// Shows the peer, and no secret.
impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("peer", self.peer()).finish_non_exhaustive()
    }
}
