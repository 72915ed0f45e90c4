//! The side that accepts, read top to bottom.
//!
//! ```text
//! Responder ─read_hello─▶ HelloRead ─send_reply─▶ AwaitsFinish ─read_finish─▶ FinishRead ─into_channel(trust)─▶ Channel
//!     │                       └─prepare_reply─▶ ReplyToSign ─reply─▶ AwaitsFinish
//!     └─read_any_hello─▶ Hello::Anonymous(AnonymousHello) ─send_reply(trust)─▶ Channel
//! ```

use super::message::{read_e, read_payload, read_s, read_sig, to_sign, write_ekem, write_payload, write_s, write_sig};
use super::pattern::{HEADER_LEN, MAX_BODY, Pattern, Role, bounds};
use super::{Full, Psk, Rejected, ToAnybody, Unproved, VERSION, begin, check_payload};
use crate::channel::{Channel, refuse_with_close};
use crate::crypto::kem::EncapsulationKey;
use crate::crypto::signature::Signature;
use crate::crypto::suite::Suite;
use crate::error::{Error, Refusal};
use crate::identity::{Identity, Peer, ToSign, Trusted};
use crate::symmetric::SymmetricState;
use crate::trust::Trust;
use crate::wire::{Reader, frame_body, put_frame};
use alloc::vec;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use rand_core::TryCryptoRng;

/// Accepts conversations in `XX`, and in `NX` where [`Responder::read_any_hello`] is called; with a pre-shared key configured in their `psk0` forms alone.
pub struct Responder {
    /// At most one a signature algorithm.
    identities: Vec<Identity>,
    prologue: Vec<u8>,
    named: Option<Vec<Suite>>,
    psks: Vec<Psk>,
    busy: bool,
}

/// A first message of either kind.
pub enum Hello {
    /// In `XX`: the initiator will prove an identity.
    Identified(HelloRead),
    /// In `NX`: the initiator has none.
    Anonymous(AnonymousHello),
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
}

/// Message 3 was good: the initiator has proved its identity. It was not judged yet; this state can wait for a person.
pub struct FinishRead {
    state: SymmetricState,
    suite: Suite,
    peer: Peer,
    payload: Full,
}

/// Message 1 of `NX` was good: somebody without identity asks.
pub struct AnonymousHello {
    heard: Heard,
    reply: ToAnybody,
}

/// Message 2 of `NX` lacks the signature. This state can wait for a signer elsewhere.
pub struct AnonymousReplyToSign {
    replying: Replying,
    trusted: Trusted,
}

/// After message 1.
struct Heard {
    me: Identity,
    state: SymmetricState,
    suite: Suite,
    pattern: Pattern,
    ek: EncapsulationKey,
    payload: Unproved,
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
        Self { identities: vec![me.share()], prologue: prologue.to_vec(), named: None, psks: Vec::new(), busy: false }
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

    fn read(self, frame: &[u8], anonymous: bool) -> Result<Hello, Rejected> {
        // Whatever the reason, a responder with a psk answers nothing but a good message under it.
        let secretive = !self.psks.is_empty();
        let heard = self.hear(frame, anonymous).map_err(|error| match error {
            Error::RefusedByUs(why) if !secretive => Rejected::refuse(why),
            Error::SuiteNotAllowed { .. } if !secretive => Rejected { error, ..Rejected::refuse(Refusal::Suite) },
            error => Rejected::silent(error),
        })?;
        let reply = ToAnybody::default();
        Ok(match heard.pattern.identified() {
            true => Hello::Identified(HelloRead { heard, reply }),
            false => Hello::Anonymous(AnonymousHello { heard, reply }),
        })
    }

    /// Message 1: header · (psk,) e · payload, with the checks in the order of section 6.3.
    fn hear(self, frame: &[u8], anonymous: bool) -> Result<Heard, Error> {
        let body = frame_body(frame)?;
        let (pattern, suite) = self.check_header(body, anonymous)?;
        if !bounds(pattern.hello_len(suite)).contains(&body.len()) {
            return Err(Error::Malformed);
        }
        if self.busy {
            return Err(Error::RefusedByUs(Refusal::Busy));
        }
        let (state, ek, payload) = match self.psks.as_slice() {
            [] => self.open(pattern, suite, None, body)?,
            psks => psks
                .iter()
                .map(|psk| self.open(pattern, suite, Some(psk), body))
                .reduce(|newer, older| newer.or(older))
                .unwrap_or(Err(Error::Authentication))?,
        };
        let me = self.identity_for(suite).ok_or(Error::WrongKind)?.share();
        Ok(Heard { me, state, suite, pattern, ek, payload })
    }

    fn check_header(&self, body: &[u8], anonymous: bool) -> Result<(Pattern, Suite), Error> {
        let mut header = Reader::new(body);
        if body.len() > MAX_BODY || header.array()? != b"TL" {
            return Err(Error::Malformed);
        }
        let (version, pattern, suite) = (header.u8()?, header.u8()?, header.u16()?);
        if version != VERSION {
            return Err(Error::RefusedByUs(Refusal::Version));
        }
        let allowed = |pattern: &Pattern| pattern.psk() != self.psks.is_empty() && (anonymous || pattern.identified());
        let pattern = Pattern::from_id(pattern).filter(allowed).ok_or(Error::RefusedByUs(Refusal::Pattern))?;
        let allowed = self.allowed().find(|allowed| allowed.id() == suite);
        let refused = || Error::SuiteNotAllowed { asked: suite, allowed: self.allowed().map(Suite::id).collect() };
        Ok((pattern, allowed.ok_or_else(refused)?))
    }

    fn open(
        &self,
        pattern: Pattern,
        suite: Suite,
        psk: Option<&Psk>,
        body: &[u8],
    ) -> Result<(SymmetricState, EncapsulationKey, Unproved), Error> {
        let mut body = Reader::new(body);
        let (mut state, _) = begin(pattern, suite, &self.prologue);
        body.bytes(HEADER_LEN)?;
        if let Some(psk) = psk {
            state.mix_key_and_hash(psk.expose())?;
        }
        let ek = read_e(&mut state, suite.kem(), psk.is_some(), &mut body)?;
        let payload = read_payload(&mut state, body)?;
        Ok((state, ek, payload.into()))
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
        Ok((AwaitsFinish { state: heard.state, suite: heard.suite, pattern: heard.pattern }, frame))
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
        Ok(FinishRead { state: self.state, suite: self.suite, peer: Peer::new(Some(identity), self.suite), payload })
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
        let secrets = self.state.into_secrets()?;
        match verdict {
            Ok(trusted) => Ok(Channel::new(secrets, false, self.suite, self.peer, trusted)?),
            Err(why) => Err(Rejected { error: why.into(), answer: refuse_with_close(secrets, self.suite)? }),
        }
    }
}

impl AnonymousHello {
    /// What came with message 1. Nobody has proved to have sent it.
    pub const fn payload(&self) -> &Unproved {
        &self.heard.payload
    }

    /// A payload for message 2, at most 4,096 bytes.
    pub fn with_payload(mut self, payload: ToAnybody) -> Self {
        self.reply = payload;
        self
    }

    /// Asks whether a peer without identity is acceptable, and only then makes message 2, a whole frame.
    #[cfg(feature = "std")]
    pub fn send_reply(self, trust: &mut impl Trust) -> Result<(Channel, Vec<u8>), Rejected> {
        self.send_reply_with_rng(trust, &mut getrandom::SysRng)
    }

    /// As [`AnonymousHello::send_reply`]. Draws coins for the KEM (64 bytes in suite 0x0001, 80 in 0x0002), then 32 for the signature.
    pub fn send_reply_with_rng(self, trust: &mut impl Trust, rng: &mut impl TryCryptoRng) -> Result<(Channel, Vec<u8>), Rejected> {
        let ready = self.prepare_reply_with_rng(trust, rng)?;
        let signature = ready.replying.heard.me.sign(&ready.replying.to_sign, rng)?;
        Ok(ready.complete(&signature)?)
    }

    /// Asks, and stops before the signature, for a signer elsewhere.
    #[cfg(feature = "std")]
    pub fn prepare_reply(self, trust: &mut impl Trust) -> Result<AnonymousReplyToSign, Rejected> {
        self.prepare_reply_with_rng(trust, &mut getrandom::SysRng)
    }

    /// As [`AnonymousHello::prepare_reply`]. Draws coins for the KEM.
    pub fn prepare_reply_with_rng(self, trust: &mut impl Trust, rng: &mut impl TryCryptoRng) -> Result<AnonymousReplyToSign, Rejected> {
        let secretive = self.heard.pattern.psk();
        let trusted = trust.judge(&Peer::new(None, self.heard.suite)).map_err(|why| {
            let refusal = if secretive { Rejected::silent(why.into()) } else { Rejected::refuse(Refusal::Refused) };
            Rejected { error: why.into(), ..refusal }
        })?;
        Ok(AnonymousReplyToSign { replying: self.heard.prepare(self.reply, rng)?, trusted })
    }
}

impl AnonymousReplyToSign {
    /// What the identity has to sign.
    pub const fn to_sign(&self) -> &ToSign {
        &self.replying.to_sign
    }

    /// Message 2 with this signature, which is verified first: [`Error::Authentication`] where it is not the identity's own.
    pub fn reply(self, signature: &[u8]) -> Result<(Channel, Vec<u8>), Error> {
        let signature = self.replying.check(signature)?;
        self.complete(&signature)
    }

    fn complete(self, signature: &Signature) -> Result<(Channel, Vec<u8>), Error> {
        let (heard, frame) = self.replying.complete(signature)?;
        let peer = Peer::new(None, heard.suite);
        Ok((Channel::new(heard.state.into_secrets()?, false, heard.suite, peer, self.trusted)?, frame))
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
