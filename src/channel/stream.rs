//! Ordered records: the sealing half, the opening half, and what they tell each other (docs/protocol.md, sections 8.3 and 8.4).
//!
//! ```text
//!            our Sealer ════ our direction ════▶ its Opener
//!  PeerOffer ▲      │ OwnOffer                     ▲      │
//!            │      ▼                              ▼      │
//!            our Opener ◀════ its direction ════ its Sealer
//! ```
//!
//! An [`Opener`] makes the offers that renew the direction it reads; its side's [`Sealer`] sends them. The peer's offers come out of the opener and go into the sealer,
//! which answers before its next piece of a message. The halves share three flags and no key.

use super::direction::Direction;
use super::record::{CLOSE_REASON_MAX, CONTENT_AT, CONTENT_MAX, Close, CloseCode, Padding, RecordType, frame_len, lay_out, take_apart};
use crate::crypto::aead::TAG;
use crate::crypto::kem::{Ciphertext, DecapsulationKey, EncapsulationKey};
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::Reader;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use rand_core::TryCryptoRng;

/// `KeyUpdate` records without a piece of a message between them.
const UPDATES_MAX: u8 = 32;

/// When keys are renewed. The defaults are the specification's (section 8.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A `KeyUpdate` after this many records under one key; 2^20.
    pub update_records: u64,
    /// A `KeyUpdate` after this many bytes of frames under one key; 1 GiB.
    pub update_bytes: u64,
    /// An offer to renew the incoming direction after this many bytes of frames in it; 1 GiB.
    pub offer_bytes: u64,
    /// An offer after this time, if records came in it; 2 minutes. The caller's clock counts.
    pub offer_every: Duration,
    /// The channel ends when so many bytes of frames came after an offer without its answer; 16 GiB.
    pub unanswered_bytes: u64,
}

/// What a direction has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records.
    pub records: u64,
    /// Bytes of frames.
    pub bytes: u64,
    /// `KeyUpdate` records.
    pub key_updates: u64,
    /// `Rekey` records: how often the direction healed.
    pub rekeys: u64,
}

/// The sending half. It appends whole frames to a buffer; its caller writes them out in order.
pub struct Sealer {
    state: Sending,
    shared: Arc<Shared>,
    policy: Policy,
    padding: Padding,
    mid_message: bool,
    updates: u8,
    under_key: Totals,
    totals: Totals,
    answer: Option<Answer>,
    offer: Option<OwnOffer>,
    ping: Option<u32>,
    pong: Option<u32>,
    trace: Option<Trace>,
}

/// Told of each record as it is sealed or opened: its type, and its frame's bytes. No content, no secret.
pub type Trace = Box<dyn FnMut(RecordType, usize) + Send>;

/// The receiving half. It opens whole frames in place.
pub struct Opener {
    state: Receiving,
    shared: Arc<Shared>,
    policy: Policy,
    mid_message: bool,
    updates: u8,
    under_offer: Totals,
    totals: Totals,
    offer: Option<OpenOffer>,
    trace: Option<Trace>,
}

/// What a record says. The pieces of messages stand in the frame that was opened.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record<'a> {
    /// A piece of a message, more to come.
    Data(&'a [u8]),
    /// The last, or only, piece.
    End(&'a [u8]),
    /// The message begun ends unfinished.
    Abort,
    /// The direction ended; the transport's end may follow.
    Close(Close),
    /// The peer moved on to its next key. Nothing to do.
    KeyUpdate,
    /// The peer offers to renew our sending direction: give it to [`Sealer::answer_offer`].
    Offer(PeerOffer),
    /// The peer answered our offer: its direction has healed. Nothing to do.
    Rekey,
    /// The peer asks whether anybody is there: give the number to [`Sealer::answer_ping`].
    Ping(u32),
    /// The peer answered our question with this number.
    Pong(u32),
}

/// The peer's offer to renew our sending direction.
pub struct PeerOffer(EncapsulationKey);

/// Our offer to renew the peer's sending direction, on its way to [`Sealer::send_offer`].
pub struct OwnOffer(EncapsulationKey);

enum Sending {
    Open(Direction),
    Closed,
    Failed,
}

enum Receiving {
    Open(Direction),
    Closed,
    Failed,
}

/// An answer that was computed and not sent yet.
struct Answer {
    ek: EncapsulationKey,
    ct: Ciphertext,
    ss: Secret<32>,
}

/// The secret half of an offer that [`Sealer::make_offer`] made, on its way to [`Opener::await_answer`] of the same side.
pub struct OpenOffer {
    dk: DecapsulationKey,
    ek: EncapsulationKey,
    unanswered: u64,
}

/// What the halves of one side tell each other.
#[derive(Default)]
struct Shared {
    /// A fatal error: nothing is sent any more.
    failed: AtomicBool,
    /// Our direction was closed: the peer's offers for it are void, and we can offer no more.
    send_closed: AtomicBool,
    /// The peer's direction was closed: no offer is sent for it.
    receive_closed: AtomicBool,
    /// The peer's offer is open, until its answer is sealed.
    answering: AtomicBool,
    /// We made an offer, and its answer did not come yet.
    offering: AtomicBool,
    /// That offer was sealed.
    offered: AtomicBool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            update_records: 1 << 20,
            update_bytes: 1 << 30,
            offer_bytes: 1 << 30,
            offer_every: Duration::from_secs(120),
            unanswered_bytes: 16 << 30,
        }
    }
}

impl Shared {
    fn can_offer(&self) -> bool {
        let [offering, send_closed, receive_closed] =
            [&self.offering, &self.send_closed, &self.receive_closed].map(|flag| flag.load(Ordering::SeqCst));
        !(offering || send_closed || receive_closed)
    }

    /// A fresh key pair, and the word that an offer is open; none where there may be none.
    fn new_offer(&self, suite: Suite, rng: &mut impl TryCryptoRng) -> Result<Option<OpenOffer>, Error> {
        if !self.can_offer() || self.offering.swap(true, Ordering::SeqCst) {
            return Ok(None);
        }
        let made = DecapsulationKey::generate(suite.kem(), rng);
        let (dk, ek) = made.inspect_err(|_| self.offering.store(false, Ordering::SeqCst))?;
        Ok(Some(OpenOffer { dk, ek, unanswered: 0 }))
    }
}

impl Totals {
    fn count(&mut self, frame: usize) {
        self.records = self.records.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::try_from(frame).unwrap_or(u64::MAX));
    }
}

/// Both halves of one side.
pub(super) fn halves(send: Direction, receive: Direction) -> (Sealer, Opener) {
    let shared = Arc::default();
    (Sealer::new(send, Arc::clone(&shared)), Opener::new(receive, shared))
}

impl Sealer {
    fn new(direction: Direction, shared: Arc<Shared>) -> Self {
        Self {
            state: Sending::Open(direction),
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
        self.shared.send_closed.store(true, Ordering::SeqCst);
        self.shared.answering.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Moves on to the next key. Nothing happens where 32 were made since the last piece of a message: there is nothing new to protect.
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
    /// [`Opener::await_answer`] of the same side before the peer's answer does. None where an offer is open already, or either direction was closed.
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
        self.answer.is_some() || self.offer.is_some() || self.ping.is_some() || self.pong.is_some()
    }

    /// Appends the control records that are due: the answer to the peer's offer, our own offer, pings and their answers, and a key update by policy.
    pub fn control(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.open()?;
        if let Some(answer) = self.answer.take() {
            self.rekey(answer, out)?;
        }
        if let Some(offer) = self.offer.take().filter(|_| !self.shared.receive_closed.load(Ordering::SeqCst)) {
            self.record(RecordType::RekeyOffer, offer.0.as_bytes(), out)?;
            self.shared.offered.store(true, Ordering::SeqCst);
        }
        if let Some(number) = self.ping.take() {
            self.ping_record(0, number, out)?;
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

impl Opener {
    fn new(direction: Direction, shared: Arc<Shared>) -> Self {
        Self {
            state: Receiving::Open(direction),
            shared,
            policy: Policy::default(),
            mid_message: false,
            updates: 0,
            under_offer: Totals::default(),
            totals: Totals::default(),
            offer: None,
            trace: None,
        }
    }

    /// Sets when keys are renewed.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Has each record told to `trace`.
    pub fn set_trace(&mut self, trace: Trace) {
        self.trace = Some(trace);
    }

    /// What was opened so far.
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether a message was begun and not ended.
    pub const fn mid_message(&self) -> bool {
        self.mid_message
    }

    /// Whether the peer closed this direction.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, Receiving::Closed)
    }

    /// [`Error::Ended`] where an error ended the channel for good, in whichever direction: then nothing more need be read.
    pub fn check(&mut self) -> Result<(), Error> {
        if self.shared.failed.load(Ordering::SeqCst) {
            self.fail();
            return Err(Error::Ended);
        }
        Ok(())
    }

    /// Opens a whole frame, `u16 length || ciphertext`, in place. Every error but [`Error::Ended`] has just ended the channel for good, in both directions.
    pub fn open<'a>(&mut self, frame: &'a mut [u8]) -> Result<Record<'a>, Error> {
        self.check()?;
        self.read(frame).inspect_err(|_| self.fail())
    }

    /// The transport ended. That is an error, [`Error::Truncated`], unless the peer closed its direction before.
    pub fn transport_ended(&mut self) -> Result<(), Error> {
        match self.state {
            Receiving::Closed => Ok(()),
            Receiving::Failed => Err(Error::Ended),
            Receiving::Open(_) => {
                self.fail();
                Err(Error::Truncated)
            }
        }
    }

    /// Whether the policy wants an offer, `elapsed` after the last one was made or the channel began.
    pub fn offer_due(&self, elapsed: Duration) -> bool {
        let used = self.under_offer;
        let due = used.bytes >= self.policy.offer_bytes || (elapsed >= self.policy.offer_every && used.records > 0);
        due && self.can_offer()
    }

    /// Makes an offer to renew the direction that this half reads, drawing 32 bytes: give it to [`Sealer::send_offer`] of the same side.
    /// None where one is open already, or either direction was closed.
    pub fn make_offer(&mut self, rng: &mut impl TryCryptoRng) -> Result<Option<OwnOffer>, Error> {
        if self.shared.failed.load(Ordering::SeqCst) {
            return Err(Error::Ended);
        }
        let Receiving::Open(direction) = &self.state else { return Ok(None) };
        let Some(open) = self.shared.new_offer(direction.suite(), rng)? else { return Ok(None) };
        let own = OwnOffer(open.ek.clone());
        self.await_answer(open);
        Ok(Some(own))
    }

    /// Awaits the answer to an offer that [`Sealer::make_offer`] of the same side made.
    pub fn await_answer(&mut self, offer: OpenOffer) {
        if matches!(self.state, Receiving::Open(_)) {
            self.offer = Some(offer);
            self.under_offer = Totals::default();
        }
    }

    fn can_offer(&self) -> bool {
        matches!(self.state, Receiving::Open(_)) && self.shared.can_offer()
    }

    fn fail(&mut self) {
        self.state = Receiving::Failed;
        self.offer = None;
        self.shared.failed.store(true, Ordering::SeqCst);
    }

    fn read<'a>(&mut self, frame: &'a mut [u8]) -> Result<Record<'a>, Error> {
        let size = frame.len();
        let Receiving::Open(direction) = &mut self.state else { return Err(Error::Malformed) };
        let (prefix, sealed) = frame.split_first_chunk_mut::<2>().ok_or(Error::Malformed)?;
        if frame_len(*prefix)? != sealed.len() {
            return Err(Error::Malformed);
        }
        let (text, tag) = sealed.split_last_chunk_mut::<TAG>().ok_or(Error::Malformed)?;
        direction.open(prefix, text, tag)?;
        self.totals.count(size);
        self.under_offer.count(size);
        let (kind, content) = take_apart(text)?;
        if let Some(trace) = &mut self.trace {
            trace(kind, size);
        }
        let record = self.take(kind, content)?;
        self.check_unanswered(size)?;
        Ok(record)
    }

    /// One authentic record: its rules, and what it changes (section 8.3).
    fn take<'a>(&mut self, kind: RecordType, content: &'a [u8]) -> Result<Record<'a>, Error> {
        match kind {
            RecordType::Data if content.is_empty() => Err(Error::Malformed),
            RecordType::Data => {
                (self.mid_message, self.updates) = (true, 0);
                Ok(Record::Data(content))
            }
            RecordType::End => {
                (self.mid_message, self.updates) = (false, 0);
                Ok(Record::End(content))
            }
            RecordType::Abort => self.take_abort(content),
            RecordType::Close => self.take_close(content),
            RecordType::KeyUpdate => self.take_key_update(content),
            RecordType::RekeyOffer => self.take_offer(content),
            RecordType::Rekey => self.take_rekey(content),
            RecordType::Ping => take_ping(content),
        }
    }

    fn take_abort<'a>(&mut self, content: &[u8]) -> Result<Record<'a>, Error> {
        if !content.is_empty() || !self.mid_message {
            return Err(Error::Malformed);
        }
        self.mid_message = false;
        Ok(Record::Abort)
    }

    fn take_close<'a>(&mut self, content: &[u8]) -> Result<Record<'a>, Error> {
        let close = Close::read(Reader::new(content))?;
        if self.mid_message {
            return Err(Error::Malformed);
        }
        self.state = Receiving::Closed;
        self.offer = None;
        self.shared.receive_closed.store(true, Ordering::SeqCst);
        Ok(Record::Close(close))
    }

    fn take_key_update<'a>(&mut self, content: &[u8]) -> Result<Record<'a>, Error> {
        if !content.is_empty() || self.updates >= UPDATES_MAX {
            return Err(Error::Malformed);
        }
        self.updates = self.updates.saturating_add(1);
        self.totals.key_updates = self.totals.key_updates.saturating_add(1);
        self.direction()?.update()?;
        Ok(Record::KeyUpdate)
    }

    fn take_offer<'a>(&mut self, content: &[u8]) -> Result<Record<'a>, Error> {
        let kem = self.direction()?.suite().kem();
        let ek = EncapsulationKey::from_bytes(kem, content)?;
        let ignored = self.shared.send_closed.load(Ordering::SeqCst);
        if !ignored && self.shared.answering.swap(true, Ordering::SeqCst) {
            return Err(Error::Malformed);
        }
        Ok(Record::Offer(PeerOffer(ek)))
    }

    fn take_rekey<'a>(&mut self, content: &[u8]) -> Result<Record<'a>, Error> {
        let OpenOffer { dk, ek, .. } =
            self.offer.take().filter(|_| self.shared.offered.swap(false, Ordering::SeqCst)).ok_or(Error::Malformed)?;
        let direction = self.direction()?;
        let ct = Ciphertext::from_bytes(direction.suite().kem(), content)?;
        direction.rekey(&dk.decapsulate(&ct)?, &ek, &ct)?;
        self.totals.rekeys = self.totals.rekeys.saturating_add(1);
        self.under_offer = Totals::default();
        self.shared.offering.store(false, Ordering::SeqCst);
        Ok(Record::Rekey)
    }

    /// Who sends cannot quietly do without healing. A direction that is silent costs nothing.
    fn check_unanswered(&mut self, size: usize) -> Result<(), Error> {
        let offered = self.shared.offered.load(Ordering::SeqCst);
        let Some(offer) = self.offer.as_mut().filter(|_| offered) else { return Ok(()) };
        offer.unanswered = offer.unanswered.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        if offer.unanswered > self.policy.unanswered_bytes { Err(Error::Unrenewed) } else { Ok(()) }
    }

    fn direction(&mut self) -> Result<&mut Direction, Error> {
        match &mut self.state {
            Receiving::Open(direction) => Ok(direction),
            Receiving::Closed | Receiving::Failed => Err(Error::Ended),
        }
    }
}

fn take_ping<'a>(content: &[u8]) -> Result<Record<'a>, Error> {
    let mut reader = Reader::new(content);
    let (answers, number) = (reader.u8()?, reader.u32()?);
    reader.end()?;
    match answers {
        0 => Ok(Record::Ping(number)),
        1 => Ok(Record::Pong(number)),
        _ => Err(Error::Malformed),
    }
}

/// Compares the offered keys.
impl PartialEq for PeerOffer {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for PeerOffer {}

macro_rules! opaque {
    ($($name:ident)*) => {$(
        /// Shows no secret.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

opaque!(Sealer Opener PeerOffer OwnOffer OpenOffer);

#[cfg(test)]
mod tests;
