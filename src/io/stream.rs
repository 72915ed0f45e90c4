//! A conversation in one hand: it answers the peer's offers and pings while it receives, and looks for them now and then while it sends.

use super::beginning::{Beginning, Begun, Cost, Tried};
use super::halves::{Reader, Writer};
use super::inbound::{Inbound, Incoming};
use super::keeping::Keeping;
use super::message::{InboundRef, MessageReader, MessageWriter, OutboundRef, Sink, Source, Step, receive_into, send};
use super::outbound::Outbound;
use super::transport::{Ready, Split, Transport, Until};
use super::{Bytes, Error, Frame, FrameKind, Observer};
use crate::channel::{Channel, Close, CloseCode, Conversation, Opener, Padding, Policy, RecordType, Sealer, Totals, Trace};
use crate::error;
use crate::handshake::Pattern;
use crate::identity::Peer;
use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest message that [`Stream::recv`] gathers unless told otherwise: 1 MiB.
pub const MESSAGE_MAX: usize = 1 << 20;

/// How long a side that closes waits for the other's close.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// A conversation over a transport.
///
/// Messages go in and come out whole. Dropping a stream without [`Stream::close`] looks to the peer like a cut cable.
///
/// When both sides send a lot at once and neither reads, both wait for ever, as over any transport: [`Stream::split`] and read in another thread.
pub struct Stream<T> {
    transport: T,
    inbound: Inbound,
    outbound: Outbound,
    conversation: Arc<Conversation>,
    beginning: Option<Arc<Beginning>>,
    keeping: Option<Keeping>,
}

impl<T: Transport> Stream<T> {
    /// A conversation over `transport` from a handshake that was driven by hand ([`crate::handshake`]), for one that waited for a person, say.
    pub fn new(transport: T, channel: Channel) -> Self {
        let (sealer, opener, conversation) = channel.into_halves();
        let inbound = Inbound::new(opener, MESSAGE_MAX);
        let (outbound, conversation) = (Outbound::new(sealer), Arc::new(conversation));
        Self { transport, inbound, outbound, conversation, beginning: None, keeping: None }
    }

    /// As [`Stream::new`], with what is to be kept of it. What this side has to say besides messages waits for the first of them.
    pub(super) fn begin(transport: T, begun: Begun, tried: Vec<Tried>, cost: Cost) -> Self {
        let Begun { channel, pattern, early_data, sent_early_data, keeping } = begun;
        let mut stream = Self::new(transport, channel);
        stream.beginning = Some(Arc::new(Beginning::new(pattern, early_data, sent_early_data, tried, cost)));
        if let Some(keeping) = &keeping {
            keeping.note_seen(pattern);
        }
        stream.keeping = keeping;
        stream.send_bundle();
        stream
    }

    /// Sends a message of any length and returns when the transport took it.
    ///
    /// When the transport fails in the middle, the message is broken off: once the transport works again, the peer gets an error for it, or nothing where it
    /// had not begun. A message whose last record was being written can't be broken off any more: it arrives whole.
    pub fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        send(self, message)
    }

    /// A message of any length, written part by part.
    pub fn message_writer(&mut self) -> Result<MessageWriter<'_, Self>, Error> {
        MessageWriter::new(self)
    }

    /// Asks the peer whether it is there: [`Stream::pong`] gives its answer's number once something received brought it.
    pub fn ping(&mut self, number: u32) -> Result<(), Error> {
        self.outbound.ping(&mut self.transport, number)
    }

    /// Moves our direction on to its next key, so that what was sent stays secret from who steals the state later.
    pub fn key_update(&mut self) -> Result<(), Error> {
        self.outbound.key_update(&mut self.transport)
    }

    /// Offers the peer to renew its direction with fresh keys, so that it heals from a theft of the state. Its answer comes before its next message.
    /// Nothing happens where an offer is open already, or a direction was closed.
    pub fn rekey(&mut self) -> Result<(), Error> {
        self.offer()?;
        self.outbound.settle(&mut self.transport)
    }

    /// Says that all was said. The peer's messages can still be received.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.finish_with(CloseCode::Done, "")
    }

    /// As [`Stream::finish`], with a code and a reason of at most 256 bytes.
    pub fn finish_with(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.outbound.close(&mut self.transport, code, reason)
    }

    /// Closes this direction if it is open, and reads on, dropping what comes, until the peer has closed its own or 5 seconds have passed.
    /// An `Ok` says that the peer's authenticated close came, and was no refusal.
    pub fn close(self) -> Result<(), Error> {
        let Self { transport, mut inbound, mut outbound, mut keeping, .. } = self;
        let mut transport = Until::new(transport, CLOSE_WAIT);
        let said =
            if outbound.sealer.is_closed() { outbound.flush(&mut transport) } else { outbound.close(&mut transport, CloseCode::Done, "") };
        // A peer that said all and left takes nothing any more. Whether it did shows below.
        if let Err(error @ Error::Protocol(_)) = said {
            return Err(error);
        }
        let _ = transport.transport.shutdown_write();
        loop {
            inbound.skip_message();
            let incoming = inbound.next(&mut transport).map_err(timed_out)?;
            let closed = matches!(incoming, Incoming::Closed);
            if let Some(keeping) = &mut keeping {
                keeping.heard(incoming, &inbound.opener);
            }
            if closed {
                return Ok(inbound.end()?);
            }
        }
    }

    /// For [`std::io::Read`] and [`std::io::Write`].
    pub const fn into_bytes(self) -> Bytes<Self> {
        Bytes::new(self)
    }

    /// The transport, to set its timeouts, say. Writing to it or reading from it breaks the conversation.
    pub const fn transport(&self) -> &T {
        &self.transport
    }

    /// Sets how lengths are hidden, from the next record on.
    pub fn set_padding(&mut self, padding: Padding) {
        self.outbound.sealer.set_padding(padding);
    }

    /// Sets when keys are renewed, in both directions.
    pub fn set_policy(&mut self, policy: Policy) {
        self.outbound.sealer.set_policy(policy);
        self.inbound.opener.set_policy(policy);
    }

    /// Has every record told to `observer`.
    pub fn observe(&mut self, observer: &Observer) {
        observe(&mut self.outbound.sealer, &mut self.inbound.opener, observer);
    }

    /// What was sent.
    pub const fn sent(&self) -> Totals {
        self.outbound.sealer.totals()
    }

    /// Makes an offer and hands it to the sealer.
    fn offer(&mut self) -> Result<(), Error> {
        self.inbound.offered_at = Instant::now();
        if let Some(offer) = self.inbound.opener.make_offer(&mut getrandom::SysRng)? {
            self.outbound.sealer.send_offer(offer);
        }
        Ok(())
    }

    /// Hands our bundle to the sealer, where the peer is to have it.
    fn send_bundle(&mut self) {
        let Some(keeping) = &mut self.keeping else { return };
        if let Some(bundle) = keeping.bundle_due() {
            keeping.sent(self.outbound.send_bundle(&bundle), bundle);
        }
    }

    /// Does what a frame asks for that was read.
    fn answer(&mut self, incoming: Incoming) -> Result<Step, Error> {
        let step = Step::of(&incoming);
        match incoming {
            Incoming::Offer(offer) => self.outbound.sealer.answer_offer(offer, &mut getrandom::SysRng)?,
            Incoming::Ping(number) => self.outbound.sealer.answer_ping(number),
            incoming => {
                if let Some(keeping) = &mut self.keeping {
                    keeping.heard(incoming, &self.inbound.opener);
                }
            }
        }
        self.send_bundle();
        if self.inbound.opener.offer_due(self.inbound.offered_at.elapsed()) {
            self.offer()?;
        }
        if self.outbound.sealer.control_due() {
            // A transport that takes nothing any more shows at the next send; what it still gives is not lost for that.
            match self.outbound.settle(&mut self.transport) {
                Err(Error::Transport(_)) | Ok(()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(step)
    }
}

impl<T: Split> Stream<T> {
    /// Takes the stream apart into halves that can move to two threads.
    #[allow(clippy::type_complexity, reason = "two halves, each over its half of the transport")]
    pub fn split(self) -> Result<(Reader<T::Reader>, Writer<T::Writer>), Error> {
        let (reader, writer) = self.transport.split()?;
        Ok(super::halves::new(reader, writer, self.inbound, self.outbound, self.conversation, (self.beginning, self.keeping)))
    }
}

impl<T: Transport> Source for Stream<T> {
    fn advance(&mut self) -> Result<Step, Error> {
        let incoming = self.inbound.next(&mut self.transport)?;
        self.answer(incoming)
    }

    fn inbound(&mut self) -> InboundRef<'_> {
        InboundRef(&mut self.inbound)
    }
}

impl<T: Transport> Sink for Stream<T> {
    type Transport = T;

    fn outbound(&mut self) -> (&mut T, OutboundRef<'_>) {
        (&mut self.transport, OutboundRef(&mut self.outbound))
    }

    /// Reads what lies ready, up to the next piece of a message, which stays. It never waits, not even for the rest of a frame: a peer that waits for us
    /// would never send it.
    fn attend(&mut self) -> Result<(), Error> {
        while !self.inbound.waits() {
            match self.inbound.next(&mut Ready(&mut self.transport)) {
                Err(Error::Transport(error)) if error.kind() == ErrorKind::WouldBlock => break,
                incoming => {
                    if let Step::Aborted = self.answer(incoming?)? {
                        self.inbound.aborted = true;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What a stream and a reader do alike.
macro_rules! receiving {
    () => {
        /// Receives a message; none after the peer's authenticated close. Longer ones than the bound, 1 MiB unless [`Self::set_message_max`] says
        /// otherwise, are [`crate::Error::MessageTooLong`]: the message is passed over, and the next call gives the next one.
        ///
        /// When the transport's own timeout strikes, the call can be made again and loses nothing.
        pub fn recv(&mut self) -> Result<Option<Vec<u8>>, Error> {
            let mut message = Vec::new();
            Ok(receive_into(self, &mut message)?.then_some(message))
        }

        /// As [`Self::recv`], into `message`, whose memory is used again. False after the peer's authenticated close.
        pub fn recv_into(&mut self, message: &mut Vec<u8>) -> Result<bool, Error> {
            receive_into(self, message)
        }

        /// A message of any length, read part by part; none after the peer's authenticated close.
        pub fn recv_reader(&mut self) -> Result<Option<MessageReader<'_, Self>>, Error> {
            MessageReader::begin(self)
        }

        /// Sets the bound of [`Self::recv`], in bytes.
        pub const fn set_message_max(&mut self, bytes: usize) {
            self.inbound.message_max = bytes;
        }

        /// How the peer closed, if it did.
        pub const fn peer_close(&self) -> Option<&Close> {
            self.inbound.closed.as_ref()
        }

        /// The number of the newest answer to a ping. Where acquaintances are kept, one with number 0 follows this side's bundle.
        pub const fn pong(&self) -> Option<u32> {
            self.inbound.pong
        }

        /// What was received.
        pub const fn received(&self) -> Totals {
            self.inbound.opener.totals()
        }
    };
}

/// What a stream and both halves know alike.
macro_rules! conversing {
    () => {
        /// Who is on the other side.
        pub fn peer(&self) -> &Peer {
            self.conversation.peer()
        }

        /// The peer, how it is trusted, and the exporter.
        pub fn conversation(&self) -> &Conversation {
            &self.conversation
        }

        /// How it began, and what was tried before; none after a handshake that was driven by hand.
        pub fn beginning(&self) -> Option<&Beginning> {
            self.beginning.as_deref()
        }

        /// The pattern in which it began; none after a handshake that was driven by hand.
        pub fn pattern(&self) -> Option<Pattern> {
            self.beginning().map(Beginning::pattern)
        }
    };
}

pub(super) use {conversing, receiving};

impl<T: Transport> Stream<T> {
    receiving!();
    conversing!();
}

fn observe(sealer: &mut Sealer, opener: &mut Opener, observer: &Observer) {
    let trace = |sent: bool| -> Trace {
        let observer = Arc::clone(observer);
        Box::new(move |kind: RecordType, bytes| observer(Frame { sent, kind: FrameKind::Record(kind), bytes }))
    };
    sealer.set_trace(trace(true));
    opener.set_trace(trace(false));
}

/// A transport's timeout under a deadline of ours.
pub(super) fn timed_out(error: Error) -> Error {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    match error {
        Error::Transport(error) if matches!(error.kind(), WouldBlock | TimedOut) => error::Error::TimedOut.into(),
        error => error,
    }
}

/// Shows the peer, and no secret.
impl<T> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("conversation", &self.conversation).finish_non_exhaustive()
    }
}
