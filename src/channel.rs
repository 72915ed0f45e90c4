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
mod stream;

use crate::crypto::hash::HASHLEN_MAX;
use crate::crypto::label;
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::{Peer, Trusted};
use crate::secret::Secret;
use crate::symmetric::ChannelSecrets;
use alloc::vec::Vec;
use core::fmt;
use direction::Direction;

#[cfg(feature = "std")]
pub(crate) use record::CONTENT_AT;
pub use record::{CLOSE_REASON_MAX, CONTENT_MAX, Close, CloseCode, FRAME_MAX, Padding, RECORD_OVERHEAD, RecordType, frame_len};
pub use stream::{OpenOffer, Opener, OwnOffer, PeerOffer, Policy, Record, Sealer, Totals, Trace};

/// A finished handshake: both sides are known, and the keys are fresh.
pub struct Channel {
    conversation: Conversation,
    send: Direction,
    receive: Direction,
}

/// Who the peer is, how it came to be trusted, and what both sides alone can derive.
pub struct Conversation {
    peer: Peer,
    trusted: Trusted,
    handshake_hash: Vec<u8>,
    exporter: Secret<HASHLEN_MAX>,
}

impl Channel {
    pub(crate) fn new(secrets: ChannelSecrets, initiator: bool, suite: Suite, peer: Peer, trusted: Trusted) -> Result<Self, Error> {
        let ChannelSecrets { i2r, r2i, exporter, handshake_hash } = secrets;
        let (send, receive) = if initiator { (i2r, r2i) } else { (r2i, i2r) };
        Ok(Self {
            conversation: Conversation { peer, trusted, handshake_hash, exporter },
            send: Direction::new(suite, send)?,
            receive: Direction::new(suite, receive)?,
        })
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
        let (sealer, opener) = stream::halves(self.send, self.receive);
        (sealer, opener, self.conversation)
    }
}

/// The one record of a responder that refuses after the handshake: a `Close` with code 1 under its first key.
pub(crate) fn refuse_with_close(secrets: ChannelSecrets, suite: Suite) -> Result<Vec<u8>, Error> {
    let (mut sealer, _) = stream::halves(Direction::new(suite, secrets.r2i)?, Direction::new(suite, secrets.i2r)?);
    let mut record = Vec::new();
    sealer.close(CloseCode::Refused, "", &mut record)?;
    Ok(record)
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
