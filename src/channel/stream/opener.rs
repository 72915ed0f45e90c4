//! The receiving half: it opens frames, and holds them to the rules (docs/protocol.md, sections 8.3 and 8.4).

use super::{OpenOffer, OwnOffer, PeerOffer, Policy, Record, Shared, Totals, Trace, UPDATES_MAX};
use crate::channel::direction::Direction;
use crate::channel::record::{Close, RecordType, frame_len, take_apart};
use crate::crypto::aead::TAG;
use crate::crypto::kem::{Ciphertext, EncapsulationKey};
use crate::error::Error;
use crate::identity::{Bundle, Fingerprint};
use crate::wire::Reader;
use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::Ordering;
use core::time::Duration;
use rand_core::TryCryptoRng;

/// The receiving half. It opens whole frames in place.
pub struct Opener {
    pub(super) state: Receiving,
    peer: Option<Fingerprint>,
    shared: Arc<Shared>,
    policy: Policy,
    mid_message: bool,
    updates: u8,
    under_offer: Totals,
    totals: Totals,
    pub(super) offer: Option<OpenOffer>,
    trace: Option<Trace>,
}

pub(super) enum Receiving {
    Open(Direction),
    Closed,
    Failed,
}

impl Opener {
    pub(super) fn new(direction: Direction, peer: Option<Fingerprint>, shared: Arc<Shared>) -> Self {
        Self {
            state: Receiving::Open(direction),
            peer,
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

    /// As [`Sealer::bundle_delivered`] of the same side.
    ///
    /// [`Sealer::bundle_delivered`]: super::Sealer::bundle_delivered
    pub fn bundle_delivered(&self) -> u32 {
        self.shared.delivery.newest()
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

    /// Makes an offer to renew the direction that this half reads, drawing 32 bytes: give it to [`Sealer::send_offer`](super::Sealer::send_offer) of the same side.
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

    /// Awaits the answer to an offer that [`Sealer::make_offer`](super::Sealer::make_offer) of the same side made.
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
            RecordType::Bundle => self.take_bundle(content),
            // Where one is awaited, the handshake opens it before there is an opener.
            RecordType::Confirm => Err(Error::Malformed),
            RecordType::Ping => self.take_ping(content),
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
        if !content.is_empty() {
            return Err(Error::Malformed);
        }
        self.count_update()?;
        self.totals.key_updates = self.totals.key_updates.saturating_add(1);
        self.direction()?.update()?;
        Ok(Record::KeyUpdate)
    }

    /// Of the channel's suite and of the peer's own identity, whenever it is valid (section 4.6). None comes from a side without identity.
    fn take_bundle<'a>(&mut self, content: &[u8]) -> Result<Record<'a>, Error> {
        let suite = self.direction()?.suite();
        let fits = content.len() == Bundle::len_in(suite) && content.starts_with(&suite.id().to_be_bytes());
        let peer = self.peer.filter(|_| fits).ok_or(Error::Malformed)?;
        self.count_update()?;
        let bundle = Bundle::from_bytes(content)?;
        if bundle.fingerprint() == peer { Ok(Record::Bundle(Box::new(bundle))) } else { Err(Error::Malformed) }
    }

    fn count_update(&mut self) -> Result<(), Error> {
        if self.updates >= UPDATES_MAX {
            return Err(Error::Malformed);
        }
        self.updates = self.updates.saturating_add(1);
        Ok(())
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
        self.shared.delivery.offer_answered();
        self.shared.offering.store(false, Ordering::SeqCst);
        Ok(Record::Rekey)
    }

    fn take_ping<'a>(&self, content: &[u8]) -> Result<Record<'a>, Error> {
        let mut reader = Reader::new(content);
        let (answers, number) = (reader.u8()?, reader.u32()?);
        reader.end()?;
        match answers {
            0 => Ok(Record::Ping(number)),
            1 => {
                self.shared.delivery.ping_answered(number);
                Ok(Record::Pong(number))
            }
            _ => Err(Error::Malformed),
        }
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
