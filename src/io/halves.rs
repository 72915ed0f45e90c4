//! The two halves of a conversation, for two threads. The reader leaves in a mailbox what the peer asked for; the writer sends it with its next message.
//!
//! The reader never writes itself: two sides whose readers waited to write, their writers being blocked, would wait for ever.

use super::beginning::Beginning;
use super::inbound::{Inbound, Incoming};
use super::keeping::Keeping;
use super::message::{InboundRef, MessageReader, MessageWriter, OutboundRef, Sink, Source, Step, receive_into, send};
use super::outbound::Outbound;
use super::stream::{conversing, receiving};
use super::{Bytes, Error};
use crate::channel::{Close, CloseCode, Conversation, OpenOffer, OwnOffer, Padding, PeerOffer, Totals};
use crate::handshake::Pattern;
use crate::identity::{Bundle, Peer};
use std::fmt;
use std::io::{Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The receiving half. While it is read, the peer's offers and pings reach the [`Writer`]; nothing else reads them.
pub struct Reader<R> {
    transport: R,
    inbound: Inbound,
    mailbox: Arc<Mutex<Mailbox>>,
    conversation: Arc<Conversation>,
    beginning: Option<Arc<Beginning>>,
    keeping: Option<Keeping>,
    notify: Option<Box<dyn FnMut() + Send>>,
}

/// The sending half. With each message it sends what its [`Reader`] found to answer; with nothing to say for long, call [`Writer::flush`] now and then, or
/// when [`Reader::on_answer_due`] tells.
pub struct Writer<W> {
    transport: W,
    outbound: Outbound,
    mailbox: Arc<Mutex<Mailbox>>,
    conversation: Arc<Conversation>,
    beginning: Option<Arc<Beginning>>,
}

/// What the reader found for the writer to send.
#[derive(Default)]
struct Mailbox {
    peer_offer: Option<PeerOffer>,
    own_offer: Option<OwnOffer>,
    open_offer: Option<OpenOffer>,
    ping: Option<u32>,
    /// Our bundle, to be sent.
    bundle: Option<Bundle>,
    /// One that was handed to the sealer, and its number there.
    sent_bundle: Option<(Option<u32>, Bundle)>,
}

pub(super) fn new<R, W>(
    reader: R,
    writer: W,
    inbound: Inbound,
    outbound: Outbound,
    conversation: Arc<Conversation>,
    (beginning, keeping): (Option<Arc<Beginning>>, Option<Keeping>),
) -> (Reader<R>, Writer<W>) {
    let mailbox = Arc::<Mutex<Mailbox>>::default();
    let shared = (Arc::clone(&mailbox), Arc::clone(&conversation), beginning.clone());
    let writer = Writer { transport: writer, outbound, mailbox: shared.0, conversation: shared.1, beginning: shared.2 };
    (Reader { transport: reader, inbound, mailbox, conversation, beginning, keeping, notify: None }, writer)
}

fn lock(mailbox: &Mutex<Mailbox>) -> MutexGuard<'_, Mailbox> {
    // Every change is one assignment, so a thread that panicked left nothing half done.
    mailbox.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<R: Read> Reader<R> {
    receiving!();
    conversing!();

    /// Has `notify` called, in the thread that reads, whenever there is something for [`Writer::flush`] to send.
    pub fn on_answer_due(&mut self, notify: impl FnMut() + Send + 'static) {
        self.notify = Some(Box::new(notify));
    }

    /// Offers the peer to renew its direction with fresh keys. The offer goes with the writer's next message or [`Writer::flush`].
    pub fn rekey(&mut self) -> Result<(), Error> {
        self.inbound.offered_at = Instant::now();
        if let Some(offer) = self.inbound.opener.make_offer(&mut getrandom::SysRng)? {
            self.leave(|mailbox| mailbox.own_offer = Some(offer));
        }
        Ok(())
    }

    /// For [`std::io::Read`].
    pub const fn into_bytes(self) -> Bytes<Self> {
        Bytes::new(self)
    }

    /// What is kept of it, and whether our bundle is to be sent.
    fn keep(&mut self, incoming: Incoming) {
        let Some(keeping) = &mut self.keeping else { return };
        // Left here before it was sent, so it is here before an answer.
        if let Some((number, bundle)) = lock(&self.mailbox).sent_bundle.take() {
            keeping.sent(number, bundle);
        }
        keeping.heard(incoming, &self.inbound.opener);
        if let Some(bundle) = keeping.bundle_due() {
            self.leave(|mailbox| mailbox.bundle = Some(bundle));
        }
    }

    fn leave(&mut self, put: impl FnOnce(&mut Mailbox)) {
        put(&mut lock(&self.mailbox));
        if let Some(notify) = &mut self.notify {
            notify();
        }
    }
}

impl<R: Read> Source for Reader<R> {
    fn advance(&mut self) -> Result<Step, Error> {
        let mailbox = &self.mailbox;
        // An offer that the writer made was left here before it was sent, so it is here before its answer.
        let incoming = self.inbound.next_with(&mut self.transport, |opener| {
            if let Some(offer) = lock(mailbox).open_offer.take() {
                opener.await_answer(offer);
            }
        })?;
        let step = Step::of(&incoming);
        match incoming {
            Incoming::Offer(offer) => self.leave(|mailbox| mailbox.peer_offer = Some(offer)),
            Incoming::Ping(number) => self.leave(|mailbox| mailbox.ping = Some(number)),
            incoming => self.keep(incoming),
        }
        if self.inbound.opener.offer_due(self.inbound.offered_at.elapsed()) {
            self.rekey()?;
        }
        Ok(step)
    }

    fn inbound(&mut self) -> InboundRef<'_> {
        InboundRef(&mut self.inbound)
    }
}

impl<W: Write> Writer<W> {
    conversing!();

    /// Sends a message of any length and returns when the transport took it.
    pub fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        send(self, message)
    }

    /// A message of any length, written part by part.
    pub fn message_writer(&mut self) -> Result<MessageWriter<'_, Self>, Error> {
        MessageWriter::new(self)
    }

    /// Sends what the reader found to answer, and what else is due.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.attend()?;
        self.outbound.settle(&mut self.transport)
    }

    /// Asks the peer whether it is there: [`Reader::pong`] gives its answer's number.
    pub fn ping(&mut self, number: u32) -> Result<(), Error> {
        self.outbound.ping(&mut self.transport, number)
    }

    /// Moves our direction on to its next key.
    pub fn key_update(&mut self) -> Result<(), Error> {
        self.outbound.key_update(&mut self.transport)
    }

    /// Offers the peer to renew its direction with fresh keys. Nothing happens where an offer is open already, or a direction was closed.
    pub fn rekey(&mut self) -> Result<(), Error> {
        if let Some(offer) = self.outbound.sealer.make_offer(&mut getrandom::SysRng)? {
            lock(&self.mailbox).open_offer = Some(offer);
        }
        self.flush()
    }

    /// Says that all was said. The reader reads on until the peer has closed too.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.finish_with(CloseCode::Done, "")
    }

    /// As [`Writer::finish`], with a code and a reason of at most 256 bytes.
    pub fn finish_with(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.outbound.close(&mut self.transport, code, reason)
    }

    /// Sets how lengths are hidden, from the next record on.
    pub fn set_padding(&mut self, padding: Padding) {
        self.outbound.sealer.set_padding(padding);
    }

    /// What was sent.
    pub const fn sent(&self) -> Totals {
        self.outbound.sealer.totals()
    }

    /// For [`std::io::Write`].
    pub const fn into_bytes(self) -> Bytes<Self> {
        Bytes::new(self)
    }
}

impl<W: Write> Sink for Writer<W> {
    type Transport = W;

    fn outbound(&mut self) -> (&mut W, OutboundRef<'_>) {
        (&mut self.transport, OutboundRef(&mut self.outbound))
    }

    fn attend(&mut self) -> Result<(), Error> {
        let (peer_offer, own_offer, ping) = {
            let mut mailbox = lock(&self.mailbox);
            if let Some(bundle) = mailbox.bundle.take() {
                mailbox.sent_bundle = Some((self.outbound.send_bundle(&bundle), bundle));
            }
            (mailbox.peer_offer.take(), mailbox.own_offer.take(), mailbox.ping.take())
        };
        if let Some(offer) = own_offer {
            self.outbound.sealer.send_offer(offer);
        }
        if let Some(number) = ping {
            self.outbound.sealer.answer_ping(number);
        }
        // Last, as it can fail.
        if let Some(offer) = peer_offer {
            self.outbound.sealer.answer_offer(offer, &mut getrandom::SysRng)?;
        }
        Ok(())
    }
}

/// Shows the peer, and no secret.
impl<R> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("conversation", &self.conversation).finish_non_exhaustive()
    }
}

/// Shows the peer, and no secret.
impl<W> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("conversation", &self.conversation).finish_non_exhaustive()
    }
}
