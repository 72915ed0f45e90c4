//! The responder of `NX`: it is asked about a peer without identity before it signs (docs/protocol.md, section 6.6).

use super::{Heard, Replying};
use crate::channel::{Channel, Role, Unjudged};
use crate::crypto::signature::Signature;
use crate::error::Error;
use crate::handshake::{Rejected, ToAnybody, Unproved};
use crate::identity::{Peer, ToSign, Trusted};
use crate::trust::Trust;
use alloc::vec::Vec;
use rand_core::TryCryptoRng;

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

impl AnonymousHello {
    pub(super) fn new(heard: Heard) -> Self {
        Self { heard, reply: ToAnybody::default() }
    }

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
        let trusted = trust.judge(&Peer::new(None, self.heard.suite)).map_err(|why| Rejected::decline(why.into(), secretive))?;
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
        let unjudged = Unjudged::new(heard.state.into_secrets()?, Role::Answerer, heard.suite)?;
        Ok((unjudged.accept(Peer::new(None, heard.suite), self.trusted, Some(heard.root)), frame))
    }
}
