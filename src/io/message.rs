//! Messages over whatever receives and sends: whole ones up to a bound, longer ones through a reader and a writer.

use super::Error;
use super::inbound::{Inbound, Incoming};
use super::outbound::Outbound;
use crate::error;
use std::io::{self, Read, Write};

/// What pieces of messages come from: a stream, or its reading half.
pub trait Source {
    /// Reads one frame and does what it asks for.
    #[doc(hidden)]
    fn advance(&mut self) -> Result<Step, Error>;

    #[doc(hidden)]
    fn inbound(&mut self) -> InboundRef<'_>;
}

/// What pieces of messages go to: a stream, or its writing half.
pub trait Sink {
    #[doc(hidden)]
    type Transport: Write;

    #[doc(hidden)]
    fn outbound(&mut self) -> (&mut Self::Transport, OutboundRef<'_>);

    /// Looks for what the peer asked for, before something is sent.
    #[doc(hidden)]
    fn attend(&mut self) -> Result<(), Error>;
}

/// Seals [`Source`]: nobody outside can make one.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub struct InboundRef<'a>(pub(super) &'a mut Inbound);

/// Seals [`Sink`].
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub struct OutboundRef<'a>(pub(super) &'a mut Outbound);

#[doc(hidden)]
#[derive(Debug)]
pub enum Step {
    /// A piece waits.
    Piece,
    Aborted,
    Closed,
    /// Something that is not part of a message.
    Control,
}

impl Step {
    /// What is left of `incoming` once offers, pings and bundles were dealt with.
    pub(super) const fn of(incoming: &Incoming) -> Self {
        match incoming {
            Incoming::Piece => Self::Piece,
            Incoming::Aborted => Self::Aborted,
            Incoming::Closed => Self::Closed,
            Incoming::Offer(_) | Incoming::Ping(_) | Incoming::Bundle(_) | Incoming::Nothing => Self::Control,
        }
    }
}

/// Makes a piece wait. False after an authenticated close; a refusal after the handshake is [`error::Error::RefusedByPeer`].
fn await_piece(source: &mut impl Source) -> Result<bool, Error> {
    while source.inbound().0.piece().is_none() {
        match source.advance()? {
            Step::Piece | Step::Control => {}
            Step::Aborted => return Err(error::Error::MessageAborted.into()),
            Step::Closed => {
                source.inbound().0.end()?;
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Gathers a whole message into `message`, whose old content is dropped and whose memory is used again. False after an authenticated close.
pub(super) fn receive_into(source: &mut impl Source, message: &mut Vec<u8>) -> Result<bool, Error> {
    while await_piece(source)? {
        let InboundRef(inbound) = source.inbound();
        // Gathered in the receiver, so that a transport's timeout in mid-message loses nothing.
        let mut gathered = std::mem::take(&mut inbound.gathered);
        let (piece, last) = inbound.piece().unwrap_or_default();
        if gathered.len().saturating_add(piece.len()) > inbound.message_max {
            inbound.skip_message();
            return Err(error::Error::MessageTooLong.into());
        }
        gathered.extend_from_slice(piece);
        let taken = piece.len();
        inbound.take(taken);
        inbound.gathered = gathered;
        if last {
            message.clear();
            std::mem::swap(message, &mut inbound.gathered);
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sends a whole message.
pub(super) fn send(sink: &mut impl Sink, message: &[u8]) -> Result<(), Error> {
    let mut writer = MessageWriter::new(sink)?;
    writer.put(message)?;
    writer.finish()
}

/// Reads one message of any length, in constant memory. Dropped early, it has the rest of the message passed over.
#[derive(Debug)]
pub struct MessageReader<'a, S: Source> {
    source: &'a mut S,
    /// How the message ended: said again to whoever asks again.
    end: Option<Result<(), error::Error>>,
}

impl<'a, S: Source> MessageReader<'a, S> {
    /// Waits for a message to begin; none after an authenticated close.
    pub(super) fn begin(source: &'a mut S) -> Result<Option<Self>, Error> {
        source.inbound().0.opener.check()?;
        let begun = !source.inbound().0.gathered.is_empty() || await_piece(source)?;
        Ok(begun.then_some(Self { source, end: None }))
    }

    /// Reads a part of the message into `buf`; 0 bytes at its end. [`error::Error::MessageAborted`] where its sender broke it off.
    ///
    /// When the transport's own timeout strikes, the call can be made again and loses nothing.
    pub fn read_part(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        if let Some(end) = self.end {
            return Ok(end.map(|()| 0)?);
        }
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some((n, ended)) = self.source.inbound().0.read(buf) {
                self.end = ended.then_some(Ok(()));
                return Ok(n);
            }
            match await_piece(self.source) {
                Ok(true) => {}
                // No close can come in the middle of a message.
                Ok(false) => return Err(error::Error::Malformed.into()),
                Err(error) => {
                    if let Error::Protocol(error @ error::Error::MessageAborted) = error {
                        self.end = Some(Err(error));
                    }
                    return Err(error);
                }
            }
        }
    }
}

impl<S: Source> Read for MessageReader<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(self.read_part(buf)?)
    }
}

impl<S: Source> Drop for MessageReader<'_, S> {
    fn drop(&mut self) {
        if self.end.is_none() {
            self.source.inbound().0.skip_message();
        }
    }
}

/// Writes one message of any length, in constant memory. It ends with [`MessageWriter::finish`]; dropped before, or after an error, the message is broken
/// off, and its reader told so with the next thing sent.
#[derive(Debug)]
pub struct MessageWriter<'a, S: Sink> {
    sink: &'a mut S,
    broken: bool,
}

/// Takes the first of `bytes` into the message begun, and says how many; an error has taken none. Now and then it looks what the peer asked for.
pub(super) fn take(sink: &mut impl Sink, bytes: &[u8]) -> Result<usize, Error> {
    if sink.outbound().1.0.attention_due() {
        sink.attend()?;
    }
    let (transport, OutboundRef(outbound)) = sink.outbound();
    outbound.take(transport, bytes)
}

impl<'a, S: Sink> MessageWriter<'a, S> {
    pub(super) fn new(sink: &'a mut S) -> Result<Self, Error> {
        sink.attend()?;
        let (_, OutboundRef(outbound)) = sink.outbound();
        // What an interrupted message left is not part of this one.
        outbound.give_up();
        Ok(Self { sink, broken: false })
    }

    /// Writes a part of the message. After an error the message is broken off, and what else is put is [`error::Error::MessageAborted`].
    pub fn put(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        self.unbroken()?;
        while !bytes.is_empty() {
            // Nobody knows how much of a part was taken before an error, and a message without its middle must not end.
            let taken = take(self.sink, bytes).inspect_err(|_| self.broken = true)?;
            bytes = bytes.split_at_checked(taken).unwrap_or_default().1;
        }
        Ok(())
    }

    /// Ends the message and sends what is left of it.
    pub fn finish(self) -> Result<(), Error> {
        self.unbroken()?;
        let (transport, OutboundRef(outbound)) = self.sink.outbound();
        outbound.end(transport)
    }

    /// Breaks the message off, and tells its reader at once.
    pub fn abort(self) -> Result<(), Error> {
        let (transport, OutboundRef(outbound)) = self.sink.outbound();
        outbound.abort(transport)
    }

    fn unbroken(&self) -> Result<(), Error> {
        if self.broken { Err(error::Error::MessageAborted.into()) } else { Ok(()) }
    }
}

impl<S: Sink> Write for MessageWriter<'_, S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.put(buf)?;
        Ok(buf.len())
    }

    /// Nothing: a message is sent as its pieces fill, and ends with [`MessageWriter::finish`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: Sink> Drop for MessageWriter<'_, S> {
    fn drop(&mut self) {
        let (_, OutboundRef(outbound)) = self.sink.outbound();
        outbound.give_up();
    }
}
