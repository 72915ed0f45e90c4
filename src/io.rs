//! A conversation over a blocking transport: [`connect`], [`accept`], [`Stream`].
//!
//! ```text
//! connect / accept ─▶ Stream ── send, recv ............ messages up to a bound
//!                       │ ├──── message_writer, recv_reader  messages of any length, in constant memory
//!                       │ └──── into_bytes ............ Read and Write
//!                       └ split ─▶ Reader, Writer ..... for two threads
//! ```
//!
//! Two that have met keep what the next conversation can begin with: [`Connect::acquaintances`] and [`Accept::acquaintances`] take a [`Keeper`], which holds the store. Then
//! [`Connect::dial`] picks the last conversation up (`resume`), or opens between acquaintances (`IK`), or as strangers where that is allowed; each costs no more than the way before it failed.
//!
//! Offers and pings of the peer are answered by whoever reads: a [`Stream`] answers while it receives, and looks now and then while it sends. After a
//! [`Stream::split`] the [`Writer`] sends what the [`Reader`] found to answer, with its next message or [`Writer::flush`].

mod accept;
mod beginning;
mod bytes;
mod connect;
mod failed;
mod fetch;
mod gate;
mod halves;
mod inbound;
mod keeper;
mod keeping;
mod message;
mod outbound;
mod plan;
mod stream;
mod transport;
mod wire;

use crate::channel::RecordType;
use std::fmt;
use std::sync::Arc;

pub use accept::{Accept, accept};
pub use beginning::{Beginning, Cost, Tried};
pub use bytes::Bytes;
pub use connect::{Connect, connect};
pub use failed::Failed;
pub use gate::Gate;
pub use halves::{Reader, Writer};
pub use keeper::{Keeper, Note};
pub use message::{MessageReader, MessageWriter};
pub use stream::{MESSAGE_MAX, Stream};
pub use transport::{Joined, Split, Transport, Untimed};
pub use wire::DEADLINE;

/// What ended a call: the transport, or the protocol.
#[derive(Debug)]
pub enum Error {
    /// The transport failed. After a timeout of its own making, a call can be made again.
    Transport(std::io::Error),
    /// The protocol says no.
    Protocol(crate::Error),
}

/// A frame on its way, for a trace: what it is and how long, no content and no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Whether this side sent it.
    pub sent: bool,
    /// What it is.
    pub kind: FrameKind,
    /// Its bytes on the wire, with the length prefix.
    pub bytes: usize,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameKind {
    /// A handshake message, 1 to 3.
    Handshake(u8),
    /// The answer to a first message that was refused.
    Refusal,
    /// A record of the channel.
    Record(RecordType),
}

/// Is told of every frame, from any thread.
pub type Observer = Arc<dyn Fn(Frame) + Send + Sync>;

impl fmt::Display for FrameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(number) => write!(f, "handshake message {number}"),
            Self::Refusal => f.write_str("refusal"),
            Self::Record(kind) => write!(f, "{kind:?}"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => write!(f, "the connection failed: {error}"),
            Self::Protocol(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Transport(error) => Some(error),
            Self::Protocol(error) => Some(error),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Transport(error)
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Self::Protocol(error)
    }
}

/// For [`Bytes`]: a truncation is [`std::io::ErrorKind::UnexpectedEof`].
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        use crate::Error as Protocol;
        use std::io::ErrorKind;
        let kind = match error {
            Error::Transport(error) => return error,
            Error::Protocol(Protocol::Truncated) => ErrorKind::UnexpectedEof,
            Error::Protocol(Protocol::TimedOut) => ErrorKind::TimedOut,
            Error::Protocol(Protocol::Closed) => ErrorKind::BrokenPipe,
            Error::Protocol(Protocol::MessageAborted) => ErrorKind::ConnectionAborted,
            Error::Protocol(Protocol::RefusedByPeer(_)) => ErrorKind::ConnectionRefused,
            Error::Protocol(Protocol::Untrusted(_) | Protocol::RefusedByUs(_)) => ErrorKind::PermissionDenied,
            Error::Protocol(Protocol::Malformed | Protocol::Authentication) => ErrorKind::InvalidData,
            Error::Protocol(_) => ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
