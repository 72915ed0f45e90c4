//! A conversation as a stream of bytes: each flush ends with an `End`, and reading passes over ends (docs/protocol.md, section 8.3).

use super::Error;
use super::message::{OutboundRef, Sink, Source, Step, take};
use crate::error;
use std::io::{self, Read, Write};

/// [`Read`] and [`Write`] over a [`Stream`](super::Stream), a [`Reader`](super::Reader) or a [`Writer`](super::Writer).
///
/// Reading gives 0 only after the peer's authenticated close; a transport that ends before is [`io::ErrorKind::UnexpectedEof`]. Writing gathers up to
/// 16,384 bytes; flush to send what is gathered. When the transport's own timeout strikes, a call can be made again and loses nothing.
#[derive(Debug)]
pub struct Bytes<S>(S);

impl<S> Bytes<S> {
    pub(super) const fn new(inner: S) -> Self {
        Self(inner)
    }

    /// The stream, or half, itself.
    pub const fn inner(&self) -> &S {
        &self.0
    }

    /// The stream, or half, itself: to rekey, say.
    pub const fn inner_mut(&mut self) -> &mut S {
        &mut self.0
    }

    /// Back to messages. Flush first: what was gathered and not flushed is dropped.
    pub fn into_inner(self) -> S {
        self.0
    }
}

impl<S: Source> Read for Bytes<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            // Of a message without bytes nothing is read.
            match self.0.inbound().0.read(buf) {
                Some((n @ 1.., _)) => return Ok(n),
                Some(_) => continue,
                None => {}
            }
            match self.0.advance()? {
                Step::Piece | Step::Control => {}
                Step::Aborted => return Err(Error::from(error::Error::MessageAborted).into()),
                Step::Closed => {
                    self.0.inbound().0.end().map_err(Error::from)?;
                    return Ok(0);
                }
            }
        }
    }
}

impl<S: Sink> Write for Bytes<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Ok(take(&mut self.0, buf)?)
    }

    /// Sends what is gathered, and with it what is due to the peer.
    fn flush(&mut self) -> io::Result<()> {
        self.0.attend()?;
        let (transport, OutboundRef(outbound)) = self.0.outbound();
        Ok(if outbound.begun() { outbound.end(transport) } else { outbound.settle(transport) }?)
    }
}
