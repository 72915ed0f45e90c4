//! The ways a conversation begins, without IO (docs/protocol.md, section 6).
//!
//! ```text
//!        Initiator                                Responder
//!  send_hello  ──── e ──────────────────────────▶ read_hello
//!  read_reply  ◀─── ekem, s, sig ──────────────── send_reply
//!   judge the responder
//!  send_finish ──── s, sig ─────────────────────▶ read_finish
//!  Channel                                        judge the initiator: into_channel
//! ```
//!
//! Between acquaintances, in `IK`, one round trip without a signature; and with a secret of the last conversation, in `resume`, another:
//!
//! ```text
//!        AcquaintedInitiator                      Responder with an address book and decoys
//!  send_hello  ──── e, skem, sref ──────────────▶ read_hello_with
//!  read_reply  ◀─── ekem, skem, ib ────────────── send_reply
//!   judge the responder
//!  send_confirm ─── the first record ───────────▶ read_confirm
//!  Channel                                        judge the initiator: into_channel
//!
//!        ResumeInitiator
//!  judge the remembered responder, remove the record
//!  send_hello  ──── psk, e, early data ─────────▶ read_hello_with
//!                                                 remove the record, judge the remembered initiator
//!  read_reply  ◀─── ekem ──────────────────────── send_reply
//!  Channel                                        Channel
//! ```
//!
//! Each state is used once and owns just the secrets that it needs; moving on drops the rest. States are `Send` and hold no lock, so that a handshake
//! can stop for a person ([`ReplyRead`], [`FinishRead`]) or a signer elsewhere ([`FinishToSign`], [`ReplyToSign`]) as long as it takes. They
//! take and give whole frames, `u16 length || body`. No way leads to a [`Channel`](crate::Channel) but through a [`Trust`](crate::trust::Trust).
//!
//! ```
//! # #[cfg(feature = "std")]
//! # fn main() -> Result<(), twinlock::Error> {
//! use twinlock::handshake::{Initiator, Responder};
//! use twinlock::{Identity, Pinned};
//! # let (a, b) = (Identity::generate()?, Identity::generate()?);
//! let (alice, hello) = Initiator::new(&a, b"example/1").send_hello()?;
//! let (bob, reply) = Responder::new(&b, b"example/1").read_hello(&hello)?.send_reply()?;
//! let (alice, finish) = alice.read_reply(&reply)?.send_finish(&mut Pinned(b.fingerprint()))?;
//! let bob = bob.read_finish(&finish)?.into_channel(&mut Pinned(a.fingerprint()))?;
//! assert_eq!(alice.conversation().handshake_hash(), bob.conversation().handshake_hash());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "std"))]
//! # fn main() {}
//! ```

mod acquainted;
mod decoys;
mod initiator;
mod message;
mod pattern;
mod payload;
mod responder;
mod resume;

#[cfg(test)]
mod pqnoise;
#[cfg(test)]
mod tests;

use crate::channel::Root;
use crate::crypto::hash::HASHLEN_MAX;
use crate::crypto::label;
use crate::error::{Error, Refusal};
use crate::identity::Fingerprint;
use crate::secret::Secret;
use crate::symmetric::SymmetricState;
use crate::wire::frame_body;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use pattern::ID_LEN;
use rand_core::TryCryptoRng;

pub use crate::crypto::suite::Suite;
pub use acquainted::{AcquaintedAwaitsReply, AcquaintedHello, AcquaintedInitiator, AcquaintedReplyRead, AwaitsConfirm, Confirmed};
pub use decoys::Decoys;
pub use initiator::{AnonymousAwaitsReply, AnonymousInitiator, AnonymousReplyRead, AwaitsReply, FinishToSign, Initiator, ReplyRead};
pub use pattern::{HEADER_LEN, MAX_BODY, MAX_PAYLOAD, Pattern};
pub use payload::{Early, Full, ToAnybody, ToHolder, Unproved};
pub use responder::{AnonymousHello, AnonymousReplyToSign, AnyHello, AwaitsFinish, FinishRead, Hello, HelloRead, ReplyToSign, Responder};
pub use resume::{Removed, ResumeAccepted, ResumeAwaitsReply, ResumeInitiator, ResumeJudged, ResumeRead, ResumeReplyRead};

/// The protocol's version, in the clear header.
pub const VERSION: u8 = 1;

/// A pre-shared key: exactly 32 uniformly random bytes, never a passphrase, since message 1 lets an eavesdropper test guesses.
pub struct Psk(Arc<Secret<32>>);

impl Psk {
    /// Takes the bytes over and wipes where they stood.
    pub fn take(bytes: &mut [u8; 32]) -> Self {
        Self(Arc::new(Secret::take(bytes)))
    }

    /// A new key from the operating system's randomness, to be read with [`Psk::expose`] and carried to the other side.
    #[cfg(feature = "std")]
    pub fn generate() -> Result<Self, Error> {
        Self::generate_with_rng(&mut getrandom::SysRng)
    }

    /// As [`Psk::generate`]. Draws 32 bytes.
    pub fn generate_with_rng(rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        Secret::random(rng).map(|secret| Self(Arc::new(secret)))
    }

    /// The 32 bytes.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// Another handle to the same key, for a handshake under way.
    pub(crate) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// By which a resumption record remembers the key: Expand(P, "tl1 psk tag", 32), P padded with zeros to HASHLEN (section 6.8). See [`crate::acquaintances::Wanted`].
    pub fn tag(&self, suite: Suite) -> Result<[u8; 32], Error> {
        let padded = Secret::<HASHLEN_MAX>::build(|place| place.split_at_mut(32).0.copy_from_slice(self.expose()));
        let mut tag = [0; 32];
        suite.hash().expand(&padded, &[label::PSK_TAG], &mut tag)?;
        Ok(tag)
    }
}

/// Shows no secret.
impl fmt::Debug for Psk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Psk(..)")
    }
}

/// A responder's refusal: why, and the bytes with which to answer before the transport is closed.
#[derive(Debug)]
pub struct Rejected {
    error: Error,
    answer: Vec<u8>,
}

impl Rejected {
    /// Why.
    pub const fn error(&self) -> Error {
        self.error
    }

    /// What to send: a refusal of three bytes, a sealed `Close`, or nothing.
    pub fn answer(&self) -> &[u8] {
        &self.answer
    }

    const fn silent(error: Error) -> Self {
        Self { error, answer: Vec::new() }
    }

    fn refuse(why: Refusal) -> Self {
        Self { error: Error::RefusedByUs(why), answer: [0, 1, why.status()].to_vec() }
    }

    /// Status 5 without a reason, or nothing where a pre-shared key is required.
    fn decline(error: Error, secretive: bool) -> Self {
        if secretive { Self::silent(error) } else { Self { error, ..Self::refuse(Refusal::Refused) } }
    }
}

impl From<Error> for Rejected {
    fn from(error: Error) -> Self {
        Self::silent(error)
    }
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        rejected.error
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl core::error::Error for Rejected {}

/// The start of every handshake: InitializeSymmetric(name), MixHash(header), MixHash(prologue), also when it is empty (section 5.3).
fn begin(pattern: Pattern, suite: Suite, prologue: &[u8]) -> (SymmetricState, [u8; HEADER_LEN]) {
    let header = pattern.header(suite);
    (start(pattern, suite, &header, prologue), header)
}

/// As [`begin`], for `resume`: the secret's id is part of the header, and `ids` follows: both fingerprints, the initiator's first, zeros for a side without identity.
fn begin_resume(suite: Suite, id: &[u8; ID_LEN], prologue: &[u8], ids: [Option<&Fingerprint>; 2]) -> (SymmetricState, Vec<u8>) {
    let header = [Pattern::Resume.header(suite).as_slice(), id].concat();
    let mut state = start(Pattern::Resume, suite, &header, prologue);
    ids.iter().for_each(|id| state.mix_hash(id.map_or(&[0; 32], Fingerprint::as_bytes).as_slice()));
    (state, header)
}

fn start(pattern: Pattern, suite: Suite, header: &[u8], prologue: &[u8]) -> SymmetricState {
    let mut state = SymmetricState::new(suite.hash(), suite.aead(), pattern.protocol_name(suite).as_bytes());
    state.mix_hash(header);
    state.mix_hash(prologue);
    state
}

/// What a resumption record will say of this conversation, besides its secret.
fn root(me: Option<Fingerprint>, prologue: Vec<u8>, psk: Option<&Psk>, suite: Suite) -> Result<Root, Error> {
    Ok(Root { me, prologue, psk_tag: psk.map(|psk| psk.tag(suite)).transpose()?, not_after: None })
}

/// A body that is a message; or the refusal that it is.
fn reply_body(frame: &[u8]) -> Result<&[u8], Error> {
    match frame_body(frame)? {
        [] | [0] => Err(Error::Malformed),
        [status] => Err(Error::RefusedByPeer(Refusal::from_status(*status))),
        body if body.first() == Some(&0) => Ok(body),
        _ => Err(Error::Malformed),
    }
}

fn check_payload(payload: &[u8]) -> Result<(), Error> {
    if payload.len() <= MAX_PAYLOAD { Ok(()) } else { Err(Error::TooLong) }
}

macro_rules! opaque {
    ($($state:ident)*) => {$(
        /// Shows no secret.
        impl fmt::Debug for $state {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($state), "(..)"))
            }
        }
    )*};
}

opaque! {
    Initiator AwaitsReply ReplyRead FinishToSign AnonymousInitiator AnonymousAwaitsReply AnonymousReplyRead
    Responder Hello HelloRead ReplyToSign AwaitsFinish FinishRead AnonymousHello AnonymousReplyToSign
    Decoys AnyHello AcquaintedInitiator AcquaintedAwaitsReply AcquaintedReplyRead AcquaintedHello AwaitsConfirm Confirmed
    ResumeInitiator ResumeJudged ResumeAwaitsReply ResumeReplyRead ResumeRead Removed ResumeAccepted
}
