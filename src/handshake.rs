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

mod initiator;
mod message;
mod pattern;
mod payload;
mod responder;

#[cfg(test)]
mod pqnoise;
#[cfg(test)]
mod tests;

use crate::error::{Error, Refusal};
use crate::secret::Secret;
use crate::symmetric::SymmetricState;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

pub use crate::crypto::suite::Suite;
pub use initiator::{AnonymousAwaitsReply, AnonymousInitiator, AnonymousReplyRead, AwaitsReply, FinishToSign, Initiator, ReplyRead};
pub use pattern::{HEADER_LEN, MAX_BODY, MAX_PAYLOAD, Pattern};
pub use payload::{Full, ToAnybody, Unproved};
pub use responder::{AnonymousHello, AnonymousReplyToSign, AwaitsFinish, FinishRead, Hello, HelloRead, ReplyToSign, Responder};

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
    let mut state = SymmetricState::new(suite.hash(), suite.aead(), pattern.protocol_name(suite).as_bytes());
    state.mix_hash(&header);
    state.mix_hash(prologue);
    (state, header)
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
}
