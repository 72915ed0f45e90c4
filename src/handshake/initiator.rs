//! The side that opens, read top to bottom.
//!
//! ```text
//! Initiator ─send_hello─▶ AwaitsReply ─read_reply─▶ ReplyRead ─send_finish(trust)─▶ Channel
//!                                                      └─prepare_finish(trust)─▶ FinishToSign ─finish─▶ Channel
//! AnonymousInitiator ─send_hello─▶ AnonymousAwaitsReply ─read_reply─▶ AnonymousReplyRead ─into_channel(trust)─▶ Channel
//! ```

use super::message::{read_ekem, read_payload, read_s, read_sig, to_sign, write_e, write_payload, write_s, write_sig};
use super::pattern::{Pattern, Role, bounds};
use super::{Full, Psk, ToAnybody, Unproved, begin, check_payload, reply_body, root};
use crate::channel::{Channel, Role as Side, Root, Unjudged};
use crate::crypto::kem::DecapsulationKey;
use crate::crypto::signature::Signature;
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::{Fingerprint, Identity, Peer, ToSign, Trusted};
use crate::symmetric::SymmetricState;
use crate::trust::Trust;
use crate::wire::{Reader, put_frame};
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use rand_core::TryCryptoRng;

/// Opens a conversation in `XX`, or with a pre-shared key in `XXpsk0`: both sides prove who they are.
pub struct Initiator {
    me: Identity,
    opening: Opening,
}

/// Has sent message 1 and awaits message 2.
pub struct AwaitsReply {
    me: Identity,
    waiting: Waiting,
}

/// Message 2 was good: the responder has proved its identity. It was not judged yet, and nothing that tells who we are was sent.
pub struct ReplyRead {
    me: Identity,
    replied: Replied,
    payload: Full,
}

/// The peer was accepted; message 3 lacks the signature. This state can wait for a signer elsewhere.
pub struct FinishToSign {
    me: Identity,
    replied: Replied,
    trusted: Trusted,
    payload: Full,
    body: Vec<u8>,
    to_sign: ToSign,
}

/// Opens a conversation in `NX`, or with a pre-shared key in `NXpsk0`: the responder proves who it is, the initiator has no identity.
pub struct AnonymousInitiator(Opening);

/// Has sent message 1 of `NX` and awaits message 2.
pub struct AnonymousAwaitsReply(Waiting);

/// Message 2 of `NX` was good: the responder has proved its identity, and was not judged yet.
pub struct AnonymousReplyRead(Replied);

/// What both kinds of initiator start from.
struct Opening {
    /// None for an identity whose suite must be named.
    suite: Option<Suite>,
    prologue: Vec<u8>,
    psk: Option<Psk>,
    payload: Unproved,
}

/// After message 1.
struct Waiting {
    state: SymmetricState,
    suite: Suite,
    pattern: Pattern,
    e: DecapsulationKey,
    root: Root,
}

/// After message 2.
struct Replied {
    state: SymmetricState,
    suite: Suite,
    pattern: Pattern,
    peer: Peer,
    payload: ToAnybody,
    root: Root,
}

impl Initiator {
    /// `prologue` is what both applications agreed on beforehand, such as `example/1`. The suite is [`Suite::for_signature`] of the identity's algorithm unless named.
    /// An identity of round 3 has none: unless it is named, [`Initiator::send_hello`] gives [`Error::SuiteNotNamed`].
    pub fn new(me: &Identity, prologue: &[u8]) -> Self {
        let suite = Suite::for_signature(me.public().algorithm());
        Self { me: me.share(), opening: Opening::new(suite, prologue) }
    }

    /// Names another suite. It must fit the identity, or [`Initiator::send_hello`] gives [`Error::WrongIdentity`].
    pub fn suite(mut self, suite: Suite) -> Self {
        self.opening.suite = Some(suite);
        self
    }

    /// Opens with a pre-shared key.
    pub fn psk(mut self, psk: &Psk) -> Self {
        self.opening.psk = Some(psk.share());
        self
    }

    /// A payload for message 1, at most 4,096 bytes.
    pub fn with_payload(mut self, payload: Unproved) -> Self {
        self.opening.payload = payload;
        self
    }

    /// Message 1, as a whole frame: 1,224 bytes and the payload in suite 0x0001, 16 more with a psk.
    #[cfg(feature = "std")]
    pub fn send_hello(self) -> Result<(AwaitsReply, Vec<u8>), Error> {
        self.send_hello_with_rng(&mut getrandom::SysRng)
    }

    /// As [`Initiator::send_hello`]. Draws a KEM seed of 32 bytes.
    pub fn send_hello_with_rng(self, rng: &mut impl TryCryptoRng) -> Result<(AwaitsReply, Vec<u8>), Error> {
        let (has, needs) = (self.me.public().algorithm(), self.opening.suite()?.signature());
        if has != needs {
            return Err(Error::WrongIdentity { has: has.id(), needs: needs.id() });
        }
        let (waiting, frame) = self.opening.hello(Some(self.me.fingerprint()), rng)?;
        Ok((AwaitsReply { me: self.me, waiting }, frame))
    }
}

impl AwaitsReply {
    /// What the awaited frame's body may measure, in bytes; a refusal's is 1.
    pub fn frame_bounds(&self) -> RangeInclusive<usize> {
        self.waiting.frame_bounds()
    }

    /// Reads message 2, a whole frame. A refusal is [`Error::RefusedByPeer`].
    pub fn read_reply(self, frame: &[u8]) -> Result<ReplyRead, Error> {
        Ok(ReplyRead { me: self.me, replied: self.waiting.read(frame)?, payload: Full::default() })
    }
}

impl ReplyRead {
    /// Who answered.
    pub const fn peer(&self) -> &Peer {
        &self.replied.peer
    }

    /// What it sent with message 2. It is proved, and not judged: show it to a person with that in mind.
    pub const fn payload(&self) -> &ToAnybody {
        &self.replied.payload
    }

    /// A payload for message 3, at most 4,096 bytes.
    pub fn with_payload(mut self, payload: Full) -> Self {
        self.payload = payload;
        self
    }

    /// Judges the responder, and only then makes message 3, which shows our identity: a whole frame of 5,407 bytes and the payload in suite 0x0001.
    ///
    /// Where the answer is no, nothing more is sent: close the transport.
    #[cfg(feature = "std")]
    pub fn send_finish(self, trust: &mut impl Trust) -> Result<(Channel, Vec<u8>), Error> {
        self.send_finish_with_rng(trust, &mut getrandom::SysRng)
    }

    /// As [`ReplyRead::send_finish`]. Draws 32 bytes.
    pub fn send_finish_with_rng(self, trust: &mut impl Trust, rng: &mut impl TryCryptoRng) -> Result<(Channel, Vec<u8>), Error> {
        let ready = self.prepare_finish(trust)?;
        let signature = ready.me.sign(&ready.to_sign, rng)?;
        ready.complete(&signature)
    }

    /// Judges the responder and stops before the signature, for a signer elsewhere.
    pub fn prepare_finish(mut self, trust: &mut impl Trust) -> Result<FinishToSign, Error> {
        check_payload(self.payload.as_bytes())?;
        let trusted = trust.judge(&self.replied.peer)?;
        let mut body =
            Vec::with_capacity(self.replied.pattern.finish_len(self.replied.suite).saturating_add(self.payload.as_bytes().len()));
        write_s(&mut self.replied.state, &self.me.public(), &mut body)?;
        let to_sign = to_sign(&self.replied.state, self.replied.pattern, Role::Initiator);
        Ok(FinishToSign { me: self.me, replied: self.replied, trusted, payload: self.payload, body, to_sign })
    }
}

impl FinishToSign {
    /// What the identity has to sign.
    pub const fn to_sign(&self) -> &ToSign {
        &self.to_sign
    }

    /// Message 3 with this signature, which is verified first: [`Error::Authentication`] where it is not the identity's own.
    pub fn finish(self, signature: &[u8]) -> Result<(Channel, Vec<u8>), Error> {
        let public = self.me.public();
        let signature = Signature::from_bytes(public.algorithm(), signature)?;
        public.verify(&self.to_sign, &signature)?;
        self.complete(&signature)
    }

    fn complete(self, signature: &Signature) -> Result<(Channel, Vec<u8>), Error> {
        let Self { mut replied, trusted, payload, mut body, .. } = self;
        write_sig(&mut replied.state, signature, &mut body)?;
        write_payload(&mut replied.state, payload.as_bytes(), &mut body)?;
        let mut frame = Vec::new();
        put_frame(&mut frame, &body)?;
        Ok((replied.into_channel(trusted)?, frame))
    }
}

impl AnonymousInitiator {
    /// `prologue` is what both applications agreed on beforehand.
    pub fn new(prologue: &[u8]) -> Self {
        Self(Opening::new(Some(Suite::default()), prologue))
    }

    /// Names another suite than the default.
    pub fn suite(mut self, suite: Suite) -> Self {
        self.0.suite = Some(suite);
        self
    }

    /// Opens with a pre-shared key.
    pub fn psk(mut self, psk: &Psk) -> Self {
        self.0.psk = Some(psk.share());
        self
    }

    /// A payload for message 1, at most 4,096 bytes.
    pub fn with_payload(mut self, payload: Unproved) -> Self {
        self.0.payload = payload;
        self
    }

    /// Message 1, as a whole frame.
    #[cfg(feature = "std")]
    pub fn send_hello(self) -> Result<(AnonymousAwaitsReply, Vec<u8>), Error> {
        self.send_hello_with_rng(&mut getrandom::SysRng)
    }

    /// As [`AnonymousInitiator::send_hello`]. Draws a KEM seed of 32 bytes.
    pub fn send_hello_with_rng(self, rng: &mut impl TryCryptoRng) -> Result<(AnonymousAwaitsReply, Vec<u8>), Error> {
        let (waiting, frame) = self.0.hello(None, rng)?;
        Ok((AnonymousAwaitsReply(waiting), frame))
    }
}

impl AnonymousAwaitsReply {
    /// What the awaited frame's body may measure, in bytes; a refusal's is 1.
    pub fn frame_bounds(&self) -> RangeInclusive<usize> {
        self.0.frame_bounds()
    }

    /// Reads message 2, a whole frame. A refusal is [`Error::RefusedByPeer`].
    pub fn read_reply(self, frame: &[u8]) -> Result<AnonymousReplyRead, Error> {
        self.0.read(frame).map(AnonymousReplyRead)
    }
}

impl AnonymousReplyRead {
    /// Who answered.
    pub const fn peer(&self) -> &Peer {
        &self.0.peer
    }

    /// What it sent with message 2. It is proved, and not judged.
    pub const fn payload(&self) -> &ToAnybody {
        &self.0.payload
    }

    /// Judges the responder. Where the answer is no, nothing more is sent: close the transport.
    pub fn into_channel(self, trust: &mut impl Trust) -> Result<Channel, Error> {
        let trusted = trust.judge(&self.0.peer)?;
        self.0.into_channel(trusted)
    }
}

impl Opening {
    fn new(suite: Option<Suite>, prologue: &[u8]) -> Self {
        Self { suite, prologue: prologue.to_vec(), psk: None, payload: Unproved::default() }
    }

    fn suite(&self) -> Result<Suite, Error> {
        self.suite.ok_or(Error::SuiteNotNamed)
    }

    /// Message 1: header · (psk,) e · payload.
    fn hello(self, me: Option<Fingerprint>, rng: &mut impl TryCryptoRng) -> Result<(Waiting, Vec<u8>), Error> {
        check_payload(self.payload.as_bytes())?;
        let (pattern, suite) = (Pattern::new(me.is_some(), self.psk.is_some()), self.suite()?);
        let (mut state, header) = begin(pattern, suite, &self.prologue);
        let mut body = header.to_vec();
        if let Some(psk) = &self.psk {
            state.mix_key_and_hash(psk.expose())?;
        }
        let (e, ek) = DecapsulationKey::generate(suite.kem(), rng)?;
        write_e(&mut state, &ek, pattern.psk(), &mut body)?;
        write_payload(&mut state, self.payload.as_bytes(), &mut body)?;
        let mut frame = Vec::new();
        put_frame(&mut frame, &body)?;
        let root = root(me, self.prologue, self.psk.as_ref(), suite)?;
        Ok((Waiting { state, suite, pattern, e, root }, frame))
    }
}

impl Waiting {
    fn frame_bounds(&self) -> RangeInclusive<usize> {
        self.pattern.reply_bounds(self.suite)
    }

    /// Message 2: status 0 · ekem, s, sig · payload.
    fn read(mut self, frame: &[u8]) -> Result<Replied, Error> {
        let mut body = Reader::new(reply_body(frame)?);
        if !bounds(self.pattern.reply_len(self.suite)).contains(&body.len()) {
            return Err(Error::Malformed);
        }
        self.state.mix_hash(body.bytes(1)?);
        read_ekem(&mut self.state, self.suite.kem(), self.e, &mut body)?;
        let identity = read_s(&mut self.state, self.suite.signature(), &mut body)?;
        read_sig(&mut self.state, self.pattern, Role::Responder, &identity, &mut body)?;
        let payload = read_payload(&mut self.state, body)?.into();
        let peer = Peer::new(Some(identity), self.suite);
        Ok(Replied { state: self.state, suite: self.suite, pattern: self.pattern, peer, payload, root: self.root })
    }
}

impl Replied {
    fn into_channel(self, trusted: Trusted) -> Result<Channel, Error> {
        let unjudged = Unjudged::new(self.state.into_secrets()?, Side::Opener, self.suite)?;
        Ok(unjudged.accept(self.peer, trusted, Some(self.root)))
    }
}
