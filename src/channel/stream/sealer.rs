//! The sending half: pieces of messages, control records, and what the peer asked for (docs/protocol.md, sections 8.3 and 8.4).

use super::delivery::Sent;
use super::{OpenOffer, OwnOffer, PeerOffer, Policy, Shared, Totals, Trace, UPDATES_MAX};
use crate::channel::direction::Direction;
use crate::channel::record::{CLOSE_REASON_MAX, CONTENT_AT, CONTENT_MAX, CloseCode, Padding, RecordType, lay_out};
use crate::crypto::kem::{Ciphertext, EncapsulationKey};
use crate::error::Error;
use crate::identity::{Bundle, Fingerprint};
use crate::secret::Secret;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use rand_core::TryCryptoRng;

/// The sending half. It appends whole frames to a buffer; its caller writes them out in order.
pub struct Sealer {
    pub(super) state: Sending,
    me: Option<Fingerprint>,
    shared: Arc<Shared>,
    policy: Policy,
    padding: Padding,
    mid_message: bool,
    updates: u8,
    under_key: Totals,
    totals: Totals,
    pub(super) answer: Option<Answer>,
    offer: Option<OwnOffer>,
    ping: Option<u32>,
    pong: Option<u32>,
    bundles: u32,
    pub(super) bundle: Option<(u32, Box<Bundle>)>,
    sent: Sent,
    trace: Option<Trace>,
}

pub(super) enum Sending {
    Open(Direction),
    Closed,
    Failed,
}

/// An answer that was computed and not sent yet.
pub(super) struct Answer {
    ek: EncapsulationKey,
    ct: Ciphertext,
    pub(super) ss: Secret<32>,
}

impl Sealer {
    pub(super) fn new(direction: Direction, me: Option<Fingerprint>, shared: Arc<Shared>) -> Self {
        Self {
            state: Sending::Open(direction),
            me,
            shared,
            policy: Policy::default(),
            padding: Padding::None,
            mid_message: false,
            updates: 0,
            under_key: Totals::default(),
            totals: Totals::default(),
            answer: None,
            offer: None,
            ping: None,
            pong: None,
            bundles: 0,
            bundle: None,
            sent: Sent::default(),
            trace: None,
        }
    }

    /// Sets how lengths are hidden, from the next record on.
    pub fn set_padding(&mut self, padding: Padding) {
        self.padding = padding;
    }

    /// Sets when keys are renewed.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Has each record told to `trace`.
    pub fn set_trace(&mut self, trace: Trace) {
        self.trace = Some(trace);
    }

    /// What was sealed so far.
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether a message was begun and not ended.
    pub const fn mid_message(&self) -> bool {
        self.mid_message
    }

    /// Whether this direction was closed.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, Sending::Closed)
    }

    /// Appends a whole message to `out`, in as many records as it takes.
    pub fn message(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let mut rest = message;
        while let Some((piece, more)) = rest.split_at_checked(CONTENT_MAX).filter(|(_, more)| !more.is_empty()) {
            self.data(piece, out)?;
            rest = more;
        }
        self.end(rest, out)
    }

    /// Appends a piece of a message, 1 to 16,384 bytes, more to come. What is due goes before it: an answer, an offer, a key update.
    pub fn data(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        if piece.is_empty() {
            return Err(Error::TooLong);
        }
        self.control(out)?;
        self.piece(RecordType::Data, piece, out)
    }

    /// Appends the last, or only, piece of a message, 0 to 16,384 bytes.
    pub fn end(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.control(out)?;
        self.piece(RecordType::End, piece, out)
    }

    /// Breaks off the message begun; its reader gets an error, and the channel goes on. Nothing happens where none was begun.
    pub fn abort(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.open()?;
        if !self.mid_message {
            return Ok(());
        }
        self.record(RecordType::Abort, &[], out)?;
        self.mid_message = false;
        Ok(())
    }

    /// Ends this direction, breaking off a message begun. A reason has at most 256 bytes, or [`Error::TooLong`]; a reserved code is [`Error::WrongKind`].
    /// The key is wiped.
    pub fn close(&mut self, code: CloseCode, reason: &str, out: &mut Vec<u8>) -> Result<(), Error> {
        if reason.len() > CLOSE_REASON_MAX {
            return Err(Error::TooLong);
        }
        if (3..256).contains(&code.number()) {
            return Err(Error::WrongKind);
        }
        self.abort(out)?;
        let content = [&code.number().to_be_bytes(), reason.as_bytes()].concat();
        self.record(RecordType::Close, &content, out)?;
        self.state = Sending::Closed;
        self.answer = None;
        self.bundle = None;
        self.shared.send_closed.store(true, Ordering::SeqCst);
        self.shared.answering.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Moves on to the next key. Nothing happens where 32 of these and bundles were sealed since the last piece of a message: there is nothing new to protect.
    pub fn key_update(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.open()?;
        if self.updates >= UPDATES_MAX {
            return Ok(());
        }
        self.record(RecordType::KeyUpdate, &[], out)?;
        self.updates = self.updates.saturating_add(1);
        self.totals.key_updates = self.totals.key_updates.saturating_add(1);
        self.renew(Direction::update)
    }

    /// Asks the peer whether it is there, with the next record or [`Sealer::control`].
    pub fn ping(&mut self, number: u32) {
        self.ping = Some(number);
    }

    /// Answers the peer's question, with the next record or [`Sealer::control`]; of several only the newest.
    pub fn answer_ping(&mut self, number: u32) {
        self.pong = Some(number);
    }

    /// Sends our bundle, with the next record or [`Sealer::control`]; one that was handed in before and not sealed yet stays behind. Gives its number in this
    /// channel, counted from 1: [`Sealer::bundle_delivered`] comes to it once the peer has answered an offer or a ping that was sent after it.
    ///
    /// [`Error::WrongKind`] where it is not this side's own, as where this side has no identity, and where its suite is not the channel's. It waits for a piece of
    /// a message where 32 bundles and key updates were sealed since the last one.
    pub fn bundle(&mut self, bundle: &Bundle) -> Result<u32, Error> {
        let suite = self.open()?.suite();
        if bundle.suite() != suite || self.me != Some(bundle.fingerprint()) {
            return Err(Error::WrongKind);
        }
        self.bundles = self.bundles.checked_add(1).ok_or(Error::KeyExhausted)?;
        self.bundle = Some((self.bundles, Box::new(bundle.clone())));
        Ok(self.bundles)
    }

    /// The number of the newest of our bundles that was delivered; 0 where none was. The peer has it, unless it closes without another word.
    pub fn bundle_delivered(&self) -> u32 {
        self.shared.delivery.newest()
    }

    /// Answers the peer's offer: encapsulates now, drawing coins for the KEM, and sends the answer before the next piece of a message. After a close it is ignored.
    pub fn answer_offer(&mut self, offer: PeerOffer, rng: &mut impl TryCryptoRng) -> Result<(), Error> {
        if let Err(error) = self.open() {
            return if error == Error::Closed { Ok(()) } else { Err(error) };
        }
        let (ct, ss) = offer.0.encapsulate(rng).inspect_err(|error| {
            // Randomness may come back; a key that gives all zeros is the peer's doing, and fatal.
            if *error != Error::Randomness {
                self.shared.failed.store(true, Ordering::SeqCst);
            }
        })?;
        self.answer = Some(Answer { ek: offer.0, ct, ss });
        Ok(())
    }

    /// Sends our own offer, with the next record or [`Sealer::control`].
    pub fn send_offer(&mut self, offer: OwnOffer) {
        self.offer = Some(offer);
    }

    /// Makes an offer to renew the peer's direction, drawing 32 bytes, and sends it with the next record or [`Sealer::control`]. What it gives must reach
    /// [`Opener::await_answer`](super::Opener::await_answer) of the same side before the peer's answer does. None where an offer is open already, or either direction was closed.
    pub fn make_offer(&mut self, rng: &mut impl TryCryptoRng) -> Result<Option<OpenOffer>, Error> {
        let suite = match self.open() {
            Ok(direction) => direction.suite(),
            Err(Error::Closed) => return Ok(None),
            Err(error) => return Err(error),
        };
        let open = self.shared.new_offer(suite, rng)?;
        if let Some(open) = &open {
            self.send_offer(OwnOffer(open.ek.clone()));
        }
        Ok(open)
    }

    /// Whether [`Sealer::control`] would append something.
    pub const fn control_due(&self) -> bool {
        let bundle = self.bundle.is_some() && self.updates < UPDATES_MAX;
        self.answer.is_some() || bundle || self.offer.is_some() || self.ping.is_some() || self.pong.is_some()
    }

    /// Appends the control records that are due: the answer to the peer's offer, our bundle, our own offer, pings and their answers, and a key update by policy.
    pub fn control(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.open()?;
        if let Some(answer) = self.answer.take() {
            self.rekey(answer, out)?;
        }
        if let Some((number, bundle)) = self.bundle.take_if(|_| self.updates < UPDATES_MAX) {
            self.record(RecordType::Bundle, bundle.as_bytes(), out)?;
            self.updates = self.updates.saturating_add(1);
            self.sent.bundle(number);
        }
        if let Some(offer) = self.offer.take().filter(|_| !self.shared.receive_closed.load(Ordering::SeqCst)) {
            self.record(RecordType::RekeyOffer, offer.0.as_bytes(), out)?;
            self.sent.offer(&self.shared.delivery);
            self.shared.offered.store(true, Ordering::SeqCst);
        }
        if let Some(number) = self.ping.take() {
            self.ping_record(0, number, out)?;
            self.sent.ping(number, &self.shared.delivery);
        }
        if let Some(number) = self.pong.take() {
            self.ping_record(1, number, out)?;
        }
        if self.under_key.records >= self.policy.update_records || self.under_key.bytes >= self.policy.update_bytes {
            self.key_update(out)?;
        }
        Ok(())
    }

    /// Seals the piece whose content was put into `out` behind [`CONTENT_AT`] bytes, `out` holding nothing else. [`Sealer::control`] went before.
    #[cfg(feature = "std")]
    pub(crate) fn piece_in_place(&mut self, last: bool, out: &mut Vec<u8>) -> Result<(), Error> {
        self.seal(if last { RecordType::End } else { RecordType::Data }, 0, out)?;
        self.piece_done(last);
        Ok(())
    }

    fn piece(&mut self, kind: RecordType, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.record(kind, piece, out)?;
        self.piece_done(kind == RecordType::End);
        Ok(())
    }

    fn piece_done(&mut self, last: bool) {
        self.mid_message = !last;
        self.updates = 0;
    }

    fn rekey(&mut self, answer: Answer, out: &mut Vec<u8>) -> Result<(), Error> {
        self.record(RecordType::Rekey, answer.ct.as_bytes(), out)?;
        self.totals.rekeys = self.totals.rekeys.saturating_add(1);
        self.shared.answering.store(false, Ordering::SeqCst);
        self.renew(|direction| direction.rekey(&answer.ss, &answer.ek, &answer.ct))
    }

    fn ping_record(&mut self, answers: u8, number: u32, out: &mut Vec<u8>) -> Result<(), Error> {
        let [a, b, c, d] = number.to_be_bytes();
        self.record(RecordType::Ping, &[answers, a, b, c, d], out)
    }

    fn renew(&mut self, step: impl FnOnce(&mut Direction) -> Result<(), Error>) -> Result<(), Error> {
        self.under_key = Totals::default();
        match &mut self.state {
            Sending::Open(direction) => step(direction),
            Sending::Closed => Err(Error::Closed),
            Sending::Failed => Err(Error::Ended),
        }
    }

    fn record(&mut self, kind: RecordType, content: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        out.extend_from_slice(&[0; CONTENT_AT]);
        out.extend_from_slice(content);
        self.seal(kind, start, out)
    }

    /// Seals the frame that begins at `start`, its content in place; on an error `out` ends where it began.
    fn seal(&mut self, kind: RecordType, start: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        let padding = self.padding;
        let sealed = self.open().and_then(|direction| {
            let (ad, text) = lay_out(kind, padding, start, out)?;
            direction.seal(&ad, text)
        });
        match sealed {
            Ok(tag) => out.extend_from_slice(&tag),
            Err(error) => {
                out.truncate(start);
                return Err(error);
            }
        }
        let frame = out.len().saturating_sub(start);
        self.under_key.count(frame);
        self.totals.count(frame);
        if let Some(trace) = &mut self.trace {
            trace(kind, frame);
        }
        Ok(())
    }

    fn open(&mut self) -> Result<&mut Direction, Error> {
        if self.shared.failed.load(Ordering::SeqCst) {
            self.state = Sending::Failed;
            self.answer = None;
        }
        match &mut self.state {
            Sending::Open(direction) => Ok(direction),
            Sending::Closed => Err(Error::Closed),
            Sending::Failed => Err(Error::Ended),
        }
    }
}
