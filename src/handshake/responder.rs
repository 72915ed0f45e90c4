//! The side that accepts, read top to bottom.
//!
//! ```text
//! Responder ─read_hello─▶ HelloRead ─send_reply─▶ AwaitsFinish ─read_finish─▶ FinishRead ─into_channel(trust)─▶ Channel
//!     │                       └─prepare_reply─▶ ReplyToSign ─reply─▶ AwaitsFinish
//!     ├─read_any_hello─▶ Hello::Anonymous(AnonymousHello) ─send_reply(trust)─▶ Channel
//!     └─read_hello_with(book)─▶ AnyHello: these two, and acquaintances (acquainted.rs), and who resumes (resume.rs)
//! ```

mod anonymous;

use super::acquainted::AcquaintedHello;
use super::decoys::Decoys;
use super::message::{read_e, read_payload, read_s, read_sig, to_sign, write_ekem, write_payload, write_s, write_sig};
use super::pattern::{HEADER_LEN, MAX_BODY, Pattern, Role, bounds};
use super::resume::ResumeRead;
use super::{Full, Psk, Rejected, ToAnybody, Unproved, VERSION, begin, check_payload, root};
use crate::acquaintances::AddressBook;
use crate::channel::{Channel, Role as Side, Root, Unjudged};
use crate::crypto::kem::EncapsulationKey;
use crate::crypto::signature::Signature;
use crate::crypto::suite::Suite;
use crate::error::{Error, Refusal};
use crate::identity::{Identity, Peer, ToSign};
use crate::symmetric::SymmetricState;
use crate::trust::Trust;
use crate::wire::{Reader, frame_body, put_frame};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use rand_core::TryCryptoRng;

pub use anonymous::{AnonymousHello, AnonymousReplyToSign};

/// Accepts conversations in `XX`, and in `NX` where [`Responder::read_any_hello`] is called, and in `IK` and `resume` where [`Responder::read_hello_with`] is; with a pre-shared
/// key configured in their `psk0` forms and in `resume` alone.
pub struct Responder {
    /// At most one a signature algorithm.
    identities: Vec<Identity>,
    pub(super) prologue: Vec<u8>,
    named: Option<Vec<Suite>>,
    pub(super) psks: Vec<Psk>,
    busy: bool,
    decoys: Option<Arc<Decoys>>,
    now: Option<u64>,
    patterns: Option<Vec<Pattern>>,
    pub(super) early_data: bool,
}

/// A first message up to what is secret: what it asks for is allowed, and its length is right.
pub(super) struct Asked<'a> {
    pub(super) pattern: Pattern,
    pub(super) suite: Suite,
    pub(super) body: &'a [u8],
}

/// Which patterns a call takes, besides `XX`.
#[derive(Clone, Copy)]
struct Taking {
    anonymous: bool,
    acquaintances: bool,
}

/// A first message of either kind.
pub enum Hello {
    /// In `XX`: the initiator will prove an identity.
    Identified(HelloRead),
    /// In `NX`: the initiator has none.
    Anonymous(AnonymousHello),
}

/// A first message of any kind.
pub enum AnyHello {
    /// In `XX`: the initiator will prove an identity.
    Identified(HelloRead),
    /// In `NX`: the initiator has none.
    Anonymous(AnonymousHello),
    /// In `IK`: an acquaintance asks, or somebody who names one, or nobody.
    Acquainted(AcquaintedHello),
    /// In `resume`: somebody who holds a secret of a last conversation.
    Resume(ResumeRead),
}

/// Message 1 of `XX` was good. It proves nobody, but a holder of the psk where there is one.
pub struct HelloRead {
    heard: Heard,
    reply: ToAnybody,
}

/// Message 2 lacks the signature. This state can wait for a signer elsewhere.
pub struct ReplyToSign(Replying);

/// Has sent message 2 and awaits message 3.
pub struct AwaitsFinish {
    state: SymmetricState,
    suite: Suite,
    pattern: Pattern,
    root: Root,
}

/// Message 3 was good: the initiator has proved its identity. It was not judged yet; this state can wait for a person.
pub struct FinishRead {
    state: SymmetricState,
    suite: Suite,
    peer: Peer,
    payload: Full,
    root: Root,
}

/// After message 1.
struct Heard {
    me: Identity,
    state: SymmetricState,
    suite: Suite,
    pattern: Pattern,
    ek: EncapsulationKey,
    payload: Unproved,
    root: Root,
}

/// Message 2, up to its signature.
struct Replying {
    heard: Heard,
    reply: ToAnybody,
    body: Vec<u8>,
    to_sign: ToSign,
}

impl Responder {
    /// `prologue` is what both applications agreed on beforehand. Every suite that fits the identity is allowed unless others are named; round 3's is not.
    pub fn new(me: &Identity, prologue: &[u8]) -> Self {
        Self {
            identities: vec![me.share()],
            prologue: prologue.to_vec(),
            named: None,
            psks: Vec::new(),
            busy: false,
            decoys: None,
            now: None,
            patterns: None,
            early_data: false,
        }
    }

    /// Answers with this identity in the suites of its algorithm: for the time in which peers move from one algorithm to another. One of an algorithm that
    /// there was takes the place of that.
    pub fn also(mut self, me: &Identity) -> Self {
        self.identities.retain(|other| other.public().algorithm() != me.public().algorithm());
        self.identities.push(me.share());
        self
    }

    /// Allows these suites alone, as far as there is an identity for them.
    pub fn suites(mut self, suites: &[Suite]) -> Self {
        self.named = Some(suites.to_vec());
        self
    }

    /// The suites in which a first message is answered.
    pub fn allowed(&self) -> impl Iterator<Item = Suite> {
        let named = |suite: &Suite| self.named.as_ref().map_or(!suite.must_be_named(), |named| named.contains(suite));
        Suite::ALL.iter().copied().filter(move |suite| named(suite) && self.identity_for(*suite).is_some())
    }

    fn identity_for(&self, suite: Suite) -> Option<&Identity> {
        self.identities.iter().find(|me| me.public().algorithm() == suite.signature())
    }

    /// Requires this pre-shared key. Called twice it allows two, the newer first: for the time of a rotation. A third call replaces the second key.
    pub fn psk(mut self, psk: &Psk) -> Self {
        self.psks.truncate(1);
        self.psks.push(psk.share());
        self
    }

    /// Says that too many handshakes are in progress: a well-formed first message is refused with [`Refusal::Busy`].
    pub fn busy(mut self, busy: bool) -> Self {
        self.busy = busy;
        self
    }

    /// The stand-ins for what is not known here, made once for all responders. `IK` and `resume` are allowed with these and [`Responder::now`] alone.
    pub fn decoys(mut self, decoys: &Arc<Decoys>) -> Self {
        self.decoys = Some(Arc::clone(decoys));
        self
    }

    /// The time, in seconds since 1970, as [`Responder::read_hello_with`] tells it to the address book.
    pub fn now(mut self, now: u64) -> Self {
        self.now = Some(now);
        self
    }

    /// Allows these patterns alone, as far as the call takes them. One that answers strangers without a pre-shared key shows its identity to whoever asks;
    /// [`Pattern::Ik`] and [`Pattern::Resume`] do not.
    pub fn patterns(mut self, patterns: &[Pattern]) -> Self {
        self.patterns = Some(patterns.to_vec());
        self
    }

    /// Takes early data in `resume`, which is processed at most once, perhaps without an answer ever arriving. Else a first message with some is refused.
    pub fn early_data(mut self, asked: bool) -> Self {
        self.early_data = asked;
        self
    }

    /// What the first frame's body may measure, in bytes.
    pub fn frame_bounds(&self) -> RangeInclusive<usize> {
        HEADER_LEN..=MAX_BODY
    }

    /// Reads message 1 of `XX`, a whole frame; `NX` is refused with [`Refusal::Pattern`].
    pub fn read_hello(self, frame: &[u8]) -> Result<HelloRead, Rejected> {
        match self.read(frame, false)? {
            Hello::Identified(hello) => Ok(hello),
            Hello::Anonymous(_) => Err(Rejected::silent(Error::RefusedByUs(Refusal::Pattern))),
        }
    }

    /// Reads message 1 of `XX` or `NX`, a whole frame.
    pub fn read_any_hello(self, frame: &[u8]) -> Result<Hello, Rejected> {
        self.read(frame, true)
    }

    /// Reads message 1 of any pattern, a whole frame. `IK` and `resume` ask the address book: what it does not have, or cannot tell, looks to the peer like anything else that does not
    /// fit. Where the refusal is for an error of the book, [`Rejected::error`] is that.
    pub fn read_hello_with<B: AddressBook + ?Sized>(self, frame: &[u8], book: &B) -> Result<AnyHello, Rejected> {
        let secretive = self.is_secretive();
        let acquaintances = self.acquaintances().is_ok();
        self.hear_any(frame, book, Taking { anonymous: true, acquaintances }).map_err(|error| rejected(error, secretive))
    }

    fn read(self, frame: &[u8], anonymous: bool) -> Result<Hello, Rejected> {
        let secretive = self.is_secretive();
        let asked = self.check(frame, Taking { anonymous, acquaintances: false });
        let hello = asked.and_then(|asked| self.hear(&asked));
        hello.map_err(|error| rejected(error, secretive))
    }

    fn hear_any<B: AddressBook + ?Sized>(self, frame: &[u8], book: &B, taking: Taking) -> Result<AnyHello, Error> {
        let asked = self.check(frame, taking)?;
        Ok(match asked.pattern {
            Pattern::Ik | Pattern::IkPsk0 => AnyHello::Acquainted(self.hear_acquaintance(&asked, book)?),
            Pattern::Resume => AnyHello::Resume(self.hear_resume(&asked, book)?),
            _ => match self.hear(&asked)? {
                Hello::Identified(hello) => AnyHello::Identified(hello),
                Hello::Anonymous(hello) => AnyHello::Anonymous(hello),
            },
        })
    }

    /// Whatever the reason, a responder with a psk answers nothing but a good message under it.
    pub(super) const fn is_secretive(&self) -> bool {
        !self.psks.is_empty()
    }

    /// What `IK` and `resume` need.
    pub(super) fn acquaintances(&self) -> Result<(&Decoys, u64), Error> {
        self.decoys.as_deref().zip(self.now).ok_or(Error::RefusedByUs(Refusal::Pattern))
    }

    pub(super) fn identity(&self, suite: Suite) -> Result<&Identity, Error> {
        self.identity_for(suite).ok_or(Error::WrongKind)
    }

    /// The pre-shared keys to try, newer first; or none, once.
    pub(super) fn psk_choices(&self) -> Vec<Option<&Psk>> {
        if self.psks.is_empty() { vec![None] } else { self.psks.iter().map(Some).collect() }
    }

    /// What depends on clear bytes and on load alone, in the order of section 6.3.
    fn check<'a>(&self, frame: &'a [u8], taking: Taking) -> Result<Asked<'a>, Error> {
        let body = frame_body(frame)?;
        let (pattern, suite) = self.check_header(body, taking)?;
        if !pattern.hello_bounds(suite).contains(&body.len()) {
            return Err(Error::Malformed);
        }
        if self.busy { Err(Error::RefusedByUs(Refusal::Busy)) } else { Ok(Asked { pattern, suite, body }) }
    }

    /// Message 1 between strangers: header · (psk,) e · payload.
    fn hear(self, asked: &Asked<'_>) -> Result<Hello, Error> {
        let Asked { pattern, suite, body } = *asked;
        let (state, ek, payload, psk) = match self.psks.as_slice() {
            [] => self.open(pattern, suite, None, body)?,
            psks => psks
                .iter()
                .map(|psk| self.open(pattern, suite, Some(psk), body))
                .reduce(|newer, older| newer.or(older))
                .unwrap_or(Err(Error::Authentication))?,
        };
        let me = self.identity(suite)?.share();
        let root = root(Some(me.fingerprint()), self.prologue, psk.as_ref(), suite)?;
        let heard = Heard { me, state, suite, pattern, ek, payload, root };
        Ok(match pattern.identified() {
            true => Hello::Identified(HelloRead { heard, reply: ToAnybody::default() }),
            false => Hello::Anonymous(AnonymousHello::new(heard)),
        })
    }

    fn check_header(&self, body: &[u8], taking: Taking) -> Result<(Pattern, Suite), Error> {
        let mut header = Reader::new(body);
        if body.len() > MAX_BODY || header.array()? != b"TL" {
            return Err(Error::Malformed);
        }
        let (version, pattern, suite) = (header.u8()?, header.u8()?, header.u16()?);
        if version != VERSION {
            return Err(Error::RefusedByUs(Refusal::Version));
        }
        let pattern =
            Pattern::from_id(pattern).filter(|pattern| self.allows(*pattern, taking)).ok_or(Error::RefusedByUs(Refusal::Pattern))?;
        let allowed = self.allowed().find(|allowed| allowed.id() == suite);
        let refused = || Error::SuiteNotAllowed { asked: suite, allowed: self.allowed().map(Suite::id).collect() };
        Ok((pattern, allowed.ok_or_else(refused)?))
    }

    fn allows(&self, pattern: Pattern, taking: Taking) -> bool {
        let taken = match pattern {
            Pattern::Xx | Pattern::XxPsk0 => true,
            Pattern::Nx | Pattern::NxPsk0 => taking.anonymous,
            Pattern::Ik | Pattern::IkPsk0 | Pattern::Resume => taking.acquaintances,
        };
        let named = self.patterns.as_ref().is_none_or(|named| named.contains(&pattern));
        taken && named && (pattern == Pattern::Resume || pattern.psk() == self.is_secretive())
    }

    fn open(
        &self,
        pattern: Pattern,
        suite: Suite,
        psk: Option<&Psk>,
        body: &[u8],
    ) -> Result<(SymmetricState, EncapsulationKey, Unproved, Option<Psk>), Error> {
        let mut body = Reader::new(body);
        let (mut state, _) = begin(pattern, suite, &self.prologue);
        body.bytes(HEADER_LEN)?;
        if let Some(psk) = psk {
            state.mix_key_and_hash(psk.expose())?;
        }
        let ek = read_e(&mut state, suite.kem(), psk.is_some(), &mut body)?;
        let payload = read_payload(&mut state, body)?;
        Ok((state, ek, payload.into(), psk.map(Psk::share)))
    }
}

/// 1 to 4 depend on clear bytes and on load alone; what the book says of itself is 5.
fn rejected(error: Error, secretive: bool) -> Rejected {
    match error {
        Error::RefusedByUs(why) if !secretive => Rejected::refuse(why),
        Error::SuiteNotAllowed { .. } if !secretive => Rejected { error, ..Rejected::refuse(Refusal::Suite) },
        Error::ClockBehind | Error::Store => Rejected::decline(error, secretive),
        error => Rejected::silent(error),
    }
}

impl HelloRead {
    /// What came with message 1. Nobody has proved to have sent it.
    pub const fn payload(&self) -> &Unproved {
        &self.heard.payload
    }

    /// The suite that the initiator named.
    pub const fn suite(&self) -> Suite {
        self.heard.suite
    }

    /// A payload for message 2, at most 4,096 bytes.
    pub fn with_payload(mut self, payload: ToAnybody) -> Self {
        self.reply = payload;
        self
    }

    /// Message 2, as a whole frame: 6,528 bytes and the payload in suite 0x0001.
    #[cfg(feature = "std")]
    pub fn send_reply(self) -> Result<(AwaitsFinish, Vec<u8>), Error> {
        self.send_reply_with_rng(&mut getrandom::SysRng)
    }

    /// As [`HelloRead::send_reply`]. Draws coins for the KEM (64 bytes in suite 0x0001, 80 in 0x0002), then 32 for the signature.
    pub fn send_reply_with_rng(self, rng: &mut impl TryCryptoRng) -> Result<(AwaitsFinish, Vec<u8>), Error> {
        let ready = self.prepare_reply_with_rng(rng)?;
        let signature = ready.0.heard.me.sign(&ready.0.to_sign, rng)?;
        ready.complete(&signature)
    }

    /// Stops before the signature, for a signer elsewhere.
    #[cfg(feature = "std")]
    pub fn prepare_reply(self) -> Result<ReplyToSign, Error> {
        self.prepare_reply_with_rng(&mut getrandom::SysRng)
    }

    /// As [`HelloRead::prepare_reply`]. Draws coins for the KEM.
    pub fn prepare_reply_with_rng(self, rng: &mut impl TryCryptoRng) -> Result<ReplyToSign, Error> {
        self.heard.prepare(self.reply, rng).map(ReplyToSign)
    }
}

impl ReplyToSign {
    /// What the identity has to sign.
    pub const fn to_sign(&self) -> &ToSign {
        &self.0.to_sign
    }

    /// Message 2 with this signature, which is verified first: [`Error::Authentication`] where it is not the identity's own.
    pub fn reply(self, signature: &[u8]) -> Result<(AwaitsFinish, Vec<u8>), Error> {
        let signature = self.0.check(signature)?;
        self.complete(&signature)
    }

    fn complete(self, signature: &Signature) -> Result<(AwaitsFinish, Vec<u8>), Error> {
        let (heard, frame) = self.0.complete(signature)?;
        Ok((AwaitsFinish { state: heard.state, suite: heard.suite, pattern: heard.pattern, root: heard.root }, frame))
    }
}

impl AwaitsFinish {
    /// What the awaited frame's body may measure, in bytes.
    pub fn frame_bounds(&self) -> RangeInclusive<usize> {
        bounds(self.pattern.finish_len(self.suite))
    }

    /// Reads message 3, a whole frame: s, sig · payload.
    pub fn read_finish(mut self, frame: &[u8]) -> Result<FinishRead, Error> {
        let body = frame_body(frame)?;
        if !self.frame_bounds().contains(&body.len()) {
            return Err(Error::Malformed);
        }
        let mut body = Reader::new(body);
        let identity = read_s(&mut self.state, self.suite.signature(), &mut body)?;
        read_sig(&mut self.state, self.pattern, Role::Initiator, &identity, &mut body)?;
        let payload = read_payload(&mut self.state, body)?.into();
        let peer = Peer::new(Some(identity), self.suite);
        Ok(FinishRead { state: self.state, suite: self.suite, peer, payload, root: self.root })
    }
}

impl FinishRead {
    /// Who asks.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What it sent with message 3. It is proved, and not judged.
    pub const fn payload(&self) -> &Full {
        &self.payload
    }

    /// Judges the initiator. Where the answer is no, [`Rejected::answer`] is a `Close` record with code 1: send it, and close the transport.
    pub fn into_channel(self, trust: &mut impl Trust) -> Result<Channel, Rejected> {
        let verdict = trust.judge(&self.peer);
        let unjudged = Unjudged::new(self.state.into_secrets()?, Side::Answerer, self.suite)?;
        match verdict {
            Ok(trusted) => Ok(unjudged.accept(self.peer, trusted, Some(self.root))),
            Err(why) => Err(Rejected { error: why.into(), answer: unjudged.refuse_with_close()? }),
        }
    }
}

impl Heard {
    /// Message 2, up to its signature: status 0 · ekem, s.
    fn prepare(mut self, reply: ToAnybody, rng: &mut impl TryCryptoRng) -> Result<Replying, Error> {
        check_payload(reply.as_bytes())?;
        let mut body = vec![0];
        self.state.mix_hash(&body);
        write_ekem(&mut self.state, &self.ek, rng, &mut body)?;
        write_s(&mut self.state, &self.me.public(), &mut body)?;
        let to_sign = to_sign(&self.state, self.pattern, Role::Responder);
        Ok(Replying { heard: self, reply, body, to_sign })
    }
}

impl Replying {
    fn check(&self, signature: &[u8]) -> Result<Signature, Error> {
        let public = self.heard.me.public();
        let signature = Signature::from_bytes(public.algorithm(), signature)?;
        public.verify(&self.to_sign, &signature)?;
        Ok(signature)
    }

    /// The rest of message 2: sig · payload.
    fn complete(mut self, signature: &Signature) -> Result<(Heard, Vec<u8>), Error> {
        write_sig(&mut self.heard.state, signature, &mut self.body)?;
        write_payload(&mut self.heard.state, self.reply.as_bytes(), &mut self.body)?;
        let mut frame = Vec::new();
        put_frame(&mut frame, &self.body)?;
        Ok((self.heard, frame))
    }
}
