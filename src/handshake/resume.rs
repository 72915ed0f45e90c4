//! `resume`: two that share a secret of their last conversation (docs/protocol.md, section 6.8).
//!
//! ```text
//! ResumeInitiator ─judge(trust)─▶ ResumeJudged ─send_hello(book)─▶ ResumeAwaitsReply ─read_reply─▶ ResumeReplyRead ─into_channel─▶ Channel
//!
//! Responder ─read_hello_with(book)─▶ ResumeRead ─remove(book)─▶ Removed ─judge(trust)─▶ ResumeAccepted ─send_reply─▶ Channel
//! ```
//!
//! Either side removes the record from its store, durably, before anything made from it leaves, and before the other side is named: so a secret is used once. The order is in the types.

use super::message::{mix_e, read_ekem, read_payload, write_e, write_ekem, write_payload};
use super::pattern::{HEADER_LEN, ID_LEN, Pattern};
use super::responder::{Asked, Responder};
use super::{Early, Full, Psk, Rejected, begin_resume, check_payload, reply_body};
use crate::acquaintances::AddressBook;
use crate::channel::{Channel, Resumption, Role, Unjudged};
use crate::crypto::kem::{DecapsulationKey, EncapsulationKey};
use crate::crypto::suite::Suite;
use crate::error::{Error, Refusal};
use crate::identity::{Peer, Trusted};
use crate::symmetric::SymmetricState;
use crate::trust::Trust;
use crate::wire::{Reader, put_frame};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use rand_core::TryCryptoRng;
use subtle::{Choice, ConstantTimeEq};

/// Picks a conversation up that this side had opened.
pub struct ResumeInitiator {
    record: Arc<Resumption>,
    prologue: Vec<u8>,
    psk: Option<Psk>,
    early: Early,
}

/// The remembered peer was accepted; nothing was sent.
pub struct ResumeJudged {
    initiator: ResumeInitiator,
    trusted: Trusted,
}

/// The record is gone from the store, message 1 was sent, and message 2 is awaited.
pub struct ResumeAwaitsReply {
    state: SymmetricState,
    e: DecapsulationKey,
    record: Arc<Resumption>,
    trusted: Trusted,
}

/// Message 2 was good: the responder has removed the secret too.
pub struct ResumeReplyRead {
    state: SymmetricState,
    record: Arc<Resumption>,
    trusted: Trusted,
    payload: Full,
}

/// Message 1 was good: somebody holds the secret. The record was not removed yet, and this state names nobody.
pub struct ResumeRead {
    heard: Heard,
    now: u64,
}

/// This responder alone has removed the record. The remembered peer was not judged yet.
pub struct Removed(Heard);

/// The remembered peer was accepted, and so was what it sent.
pub struct ResumeAccepted {
    heard: Heard,
    trusted: Trusted,
    reply: Full,
}

/// After message 1.
struct Heard {
    state: SymmetricState,
    e: EncapsulationKey,
    record: Arc<Resumption>,
    early: Early,
    early_is_asked: bool,
    secretive: bool,
}

impl ResumeInitiator {
    /// The record is one of the store; the suite is the record's. `prologue` is what both applications agree on now.
    pub fn new(record: Arc<Resumption>, prologue: &[u8]) -> Self {
        Self { record, prologue: prologue.to_vec(), psk: None, early: Early::default() }
    }

    /// The pre-shared key that is configured now: the record must be of a conversation that stood under it. It is not used again.
    pub fn psk(mut self, psk: &Psk) -> Self {
        self.psk = Some(psk.share());
        self
    }

    /// Early data for message 1, at most 4,096 bytes. A responder that did not ask for such refuses, and then the record is gone.
    pub fn with_early_data(mut self, early: Early) -> Self {
        self.early = early;
        self
    }

    /// Whom the record remembers.
    pub fn peer(&self) -> &Peer {
        self.record.whole_peer()
    }

    /// Judges the remembered peer. Where the answer is no nothing is sent, and the record stays.
    pub fn judge(self, trust: &mut impl Trust) -> Result<ResumeJudged, Error> {
        let trusted = trust.judge(self.record.whole_peer())?;
        Ok(ResumeJudged { initiator: self, trusted })
    }
}

impl ResumeJudged {
    /// Removes the record from the store, durably, and only then makes message 1, a whole frame: 1,256 bytes and the early data in suite 0x0001. Whatever happens next, the record
    /// is gone.
    ///
    /// [`Error::NotResumable`] where somebody else has removed it, where it is over at `now`, in seconds since 1970, and where it is of another prologue or pre-shared key, or this
    /// side had not opened that conversation: then nothing was sent, and a record that does not fit stays.
    #[cfg(feature = "std")]
    pub fn send_hello<B: AddressBook + ?Sized>(self, book: &mut B, now: u64) -> Result<(ResumeAwaitsReply, Vec<u8>), Error> {
        self.send_hello_with_rng(book, now, &mut getrandom::SysRng)
    }

    /// As [`ResumeJudged::send_hello`]. Draws a KEM seed of 32 bytes; where that fails the record stays.
    ///
    /// ids · header with the id · psk, e · payload.
    pub fn send_hello_with_rng<B: AddressBook + ?Sized>(
        self,
        book: &mut B,
        now: u64,
        rng: &mut impl TryCryptoRng,
    ) -> Result<(ResumeAwaitsReply, Vec<u8>), Error> {
        let Self { initiator: ResumeInitiator { record, prologue, psk, early }, trusted } = self;
        check_payload(early.as_bytes())?;
        if !fits(&record, Role::Opener, &prologue, &tags(psk.as_slice(), record.suite())?, now) {
            return Err(Error::NotResumable);
        }
        let (e, ek) = DecapsulationKey::generate(record.suite().kem(), rng)?;
        if !book.remove(Role::Opener, record.id(), now)? {
            return Err(Error::NotResumable);
        }
        let ids = [record.me(), record.peer()];
        let (mut state, header) = begin_resume(record.suite(), record.id(), record.prologue(), ids);
        let mut body = header.to_vec();
        state.mix_key_and_hash(record.psk().expose())?;
        write_e(&mut state, &ek, Pattern::Resume.has_psk_token(), &mut body)?;
        write_payload(&mut state, early.as_bytes(), &mut body)?;
        let mut frame = Vec::new();
        put_frame(&mut frame, &body)?;
        Ok((ResumeAwaitsReply { state, e, record, trusted }, frame))
    }
}

impl ResumeAwaitsReply {
    /// What the awaited frame's body may measure, in bytes; a refusal's is 1.
    pub fn frame_bounds(&self) -> RangeInclusive<usize> {
        Pattern::Resume.reply_bounds(self.record.suite())
    }

    /// Reads message 2, a whole frame. A refusal is [`Error::RefusedByPeer`]: go on in `IK`, or as strangers where the application allows that for this peer.
    ///
    /// status 0 · ekem · payload.
    pub fn read_reply(self, frame: &[u8]) -> Result<ResumeReplyRead, Error> {
        let Self { mut state, e, record, trusted } = self;
        let (suite, mut body) = (record.suite(), Reader::new(reply_body(frame)?));
        if !(Pattern::Resume.reply_len(suite)..=*Pattern::Resume.reply_bounds(suite).end()).contains(&body.len()) {
            return Err(Error::Malformed);
        }
        state.mix_hash(body.bytes(1)?);
        read_ekem(&mut state, suite.kem(), e, &mut body)?;
        let payload = read_payload(&mut state, body)?.into();
        Ok(ResumeReplyRead { state, record, trusted, payload })
    }
}

impl ResumeReplyRead {
    /// Who answered: whom the record remembers, as judged before.
    pub fn peer(&self) -> &Peer {
        self.record.whole_peer()
    }

    /// What it sent with message 2.
    pub const fn payload(&self) -> &Full {
        &self.payload
    }

    /// The channel.
    pub fn into_channel(self) -> Result<Channel, Error> {
        into_channel(self.state, Role::Opener, &self.record, self.trusted)
    }
}

impl Responder {
    /// Message 1 of `resume`: ids · header with the id · psk, e · payload. Where there is no record that fits it is run for the decoy.
    pub(super) fn hear_resume<B: AddressBook + ?Sized>(&self, asked: &Asked<'_>, book: &B) -> Result<ResumeRead, Error> {
        let (decoys, now) = self.acquaintances()?;
        let (suite, decoy) = (asked.suite, decoys.of(asked.suite)?);
        let mut body = Reader::new(asked.body);
        body.bytes(HEADER_LEN)?;
        let id: &[u8; ID_LEN] = body.array()?;
        let e = EncapsulationKey::from_bytes(suite.kem(), body.bytes(suite.encapsulation_key_len())?)?;

        // One handle and the same comparisons, whether there is a record or not: that its id is known must not show in the time.
        let (found, refused) = match book.resumption(Role::Answerer, id, now) {
            Ok(found) => (found, Error::RefusedByUs(Refusal::Refused)),
            Err(error) => (None, error),
        };
        let record = found.unwrap_or_else(|| Arc::clone(decoy.record()));
        let (me, tags) = (self.identity(suite)?.fingerprint(), tags(&self.psks, suite)?);
        let serves = (record.id() == id) & (record.suite() == suite) & (record.me() == Some(&me));
        let fits = fits(&record, Role::Answerer, &self.prologue, &tags, now) & serves;
        let (secret, ids) = if fits { (record.psk(), [record.peer(), record.me()]) } else { (decoy.record().psk(), [None, None]) };
        let (mut state, _) = begin_resume(suite, id, &self.prologue, ids);
        state.mix_key_and_hash(secret.expose())?;
        mix_e(&mut state, &e, Pattern::Resume.has_psk_token())?;
        let early = read_payload(&mut state, body).ok().filter(|_| fits).ok_or(refused)?;
        let (early_is_asked, secretive) = (self.early_data, self.is_secretive());
        Ok(ResumeRead { heard: Heard { state, e, record, early: early.into(), early_is_asked, secretive }, now })
    }
}

impl ResumeRead {
    /// The suite that the initiator named.
    pub fn suite(&self) -> Suite {
        self.heard.record.suite()
    }

    /// Removes the record from the store, durably, in one step. Where this responder was not the one that removed it, it refuses.
    pub fn remove<B: AddressBook + ?Sized>(self, book: &mut B) -> Result<Removed, Rejected> {
        match book.remove(Role::Answerer, self.heard.record.id(), self.now) {
            Ok(true) => Ok(Removed(self.heard)),
            Ok(false) => Err(self.heard.refuse(Error::NotResumable)),
            Err(error) => Err(self.heard.refuse(error)),
        }
    }
}

impl Removed {
    /// Whom the record remembers.
    pub fn peer(&self) -> &Peer {
        self.0.record.whole_peer()
    }

    /// Judges the remembered peer, and then refuses early data that nobody asked for: a refusal's three bytes, under a pre-shared key none.
    pub fn judge(self, trust: &mut impl Trust) -> Result<ResumeAccepted, Rejected> {
        let heard = self.0;
        match trust.judge(heard.record.whole_peer()) {
            Err(why) => Err(heard.refuse(why.into())),
            Ok(_) if !heard.early_is_asked && !heard.early.as_bytes().is_empty() => Err(heard.refuse(Error::RefusedByUs(Refusal::Refused))),
            Ok(trusted) => Ok(ResumeAccepted { heard, trusted, reply: Full::default() }),
        }
    }
}

impl ResumeAccepted {
    /// Who asks.
    pub fn peer(&self) -> &Peer {
        self.heard.record.whole_peer()
    }

    /// What came with message 1; empty unless [`Responder::early_data`] was asked for.
    pub const fn early_data(&self) -> &Early {
        &self.heard.early
    }

    /// A payload for message 2, at most 4,096 bytes.
    pub fn with_payload(mut self, payload: Full) -> Self {
        self.reply = payload;
        self
    }

    /// Message 2, as a whole frame: 1,139 bytes and the payload in suite 0x0001. On an error nothing is sent: close the transport.
    #[cfg(feature = "std")]
    pub fn send_reply(self) -> Result<(Channel, Vec<u8>), Error> {
        self.send_reply_with_rng(&mut getrandom::SysRng)
    }

    /// As [`ResumeAccepted::send_reply`]. Draws coins for the KEM (64 bytes in suite 0x0001, 80 in 0x0002).
    ///
    /// status 0 · ekem · payload.
    pub fn send_reply_with_rng(self, rng: &mut impl TryCryptoRng) -> Result<(Channel, Vec<u8>), Error> {
        let Self { heard: Heard { mut state, e, record, .. }, trusted, reply } = self;
        check_payload(reply.as_bytes())?;
        let mut body = vec![0];
        state.mix_hash(&body);
        write_ekem(&mut state, &e, rng, &mut body)?;
        write_payload(&mut state, reply.as_bytes(), &mut body)?;
        let mut frame = Vec::new();
        put_frame(&mut frame, &body)?;
        Ok((into_channel(state, Role::Answerer, &record, trusted)?, frame))
    }
}

impl Heard {
    fn refuse(&self, error: Error) -> Rejected {
        Rejected::decline(error, self.secretive)
    }
}

/// Whether the record is of this role and of the present configuration, and not over. Everything is compared, whatever does not fit.
fn fits(record: &Resumption, role: Role, prologue: &[u8], tags: &[[u8; 32]], now: u64) -> bool {
    let tag = record.psk_tag();
    let known = tags.iter().fold(Choice::from(0), |known, one| known | one.ct_eq(tag.unwrap_or(&[0; 32])));
    let stands_under = tag.map_or(tags.is_empty(), |_| known.into());
    stands_under & (record.role() == role) & (record.prologue() == prologue) & (now < record.not_after())
}

/// The tags of the pre-shared keys that are configured now.
fn tags(psks: &[Psk], suite: Suite) -> Result<Vec<[u8; 32]>, Error> {
    psks.iter().map(|psk| psk.tag(suite)).collect()
}

/// The not-after and the tag of the pre-shared key are handed on.
fn into_channel(state: SymmetricState, role: Role, record: &Resumption, trusted: Trusted) -> Result<Channel, Error> {
    let unjudged = Unjudged::new(state.into_secrets()?, role, record.suite())?;
    Ok(unjudged.accept(record.whole_peer().clone(), trusted, Some(record.root())))
}
