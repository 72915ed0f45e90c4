//! The patterns, their names, contexts and exact sizes (docs/protocol.md, sections 5.2, 6.1, 6.2).
//!
//! ```text
//! XX   -> (psk,) e   <- ekem, s, sig   -> s, sig
//! NX   -> (psk,) e   <- ekem, s, sig
//! ```

use crate::crypto::aead::TAG;
use crate::crypto::suite::Suite;
use alloc::format;
use alloc::string::String;
use core::ops::RangeInclusive;

/// Bytes of the clear header.
pub const HEADER_LEN: usize = 6;
/// Bytes of the largest handshake body.
pub const MAX_BODY: usize = 16_384;
/// Bytes of the largest payload.
pub const MAX_PAYLOAD: usize = 4_096;

/// The way a conversation begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pattern {
    /// 1: two that meet; each proves its identity.
    Xx,
    /// 2: the same, with a shared key.
    XxPsk0,
    /// 3: the initiator has no identity.
    Nx,
    /// 4: the same, with a shared key.
    NxPsk0,
}

#[derive(Clone, Copy)]
pub(crate) enum Role {
    Initiator,
    Responder,
}

impl Pattern {
    const ALL: [Self; 4] = [Self::Xx, Self::XxPsk0, Self::Nx, Self::NxPsk0];

    pub(super) const fn new(identified: bool, psk: bool) -> Self {
        match (identified, psk) {
            (true, false) => Self::Xx,
            (true, true) => Self::XxPsk0,
            (false, false) => Self::Nx,
            (false, true) => Self::NxPsk0,
        }
    }

    /// The identifier on the wire.
    pub const fn id(self) -> u8 {
        match self {
            Self::Xx => 1,
            Self::XxPsk0 => 2,
            Self::Nx => 3,
            Self::NxPsk0 => 4,
        }
    }

    pub(super) fn from_id(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|pattern| pattern.id() == id)
    }

    /// The name in the protocol name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xx => "XX",
            Self::XxPsk0 => "XXpsk0",
            Self::Nx => "NX",
            Self::NxPsk0 => "NXpsk0",
        }
    }

    /// Whether the initiator proves an identity.
    pub const fn identified(self) -> bool {
        matches!(self, Self::Xx | Self::XxPsk0)
    }

    /// Whether it begins with a pre-shared key.
    pub const fn psk(self) -> bool {
        matches!(self, Self::XxPsk0 | Self::NxPsk0)
    }

    /// The signature context of this role. An initiator of `NX` signs nothing.
    pub(super) const fn context(self, role: Role) -> &'static [u8] {
        match (self, role) {
            (Self::Xx, Role::Initiator) => b"twinlock1 XX initiator",
            (Self::Xx, Role::Responder) => b"twinlock1 XX responder",
            (Self::XxPsk0, Role::Initiator) => b"twinlock1 XXpsk0 initiator",
            (Self::XxPsk0, Role::Responder) => b"twinlock1 XXpsk0 responder",
            (Self::Nx, Role::Initiator) => b"twinlock1 NX initiator",
            (Self::Nx, Role::Responder) => b"twinlock1 NX responder",
            (Self::NxPsk0, Role::Initiator) => b"twinlock1 NXpsk0 initiator",
            (Self::NxPsk0, Role::Responder) => b"twinlock1 NXpsk0 responder",
        }
    }

    pub(super) fn protocol_name(self, suite: Suite) -> String {
        let (kem, signature, aead, hash) = (suite.kem().name(), suite.signature().name(), suite.aead().name(), suite.hash().name());
        format!("Twinlock1_{}_{kem}_{signature}_{aead}_{hash}", self.name())
    }

    pub(super) fn header(self, suite: Suite) -> [u8; HEADER_LEN] {
        let [high, low] = suite.id().to_be_bytes();
        [b'T', b'L', super::VERSION, self.id(), high, low]
    }

    /// Bytes of message 1's body with an empty payload.
    pub const fn hello_len(self, suite: Suite) -> usize {
        HEADER_LEN + suite.kem().encapsulation_key_len() + if self.psk() { TAG } else { 0 }
    }

    /// Bytes of message 2's body with an empty payload.
    pub const fn reply_len(self, suite: Suite) -> usize {
        1 + suite.kem().ciphertext_len() + self.finish_len(suite)
    }

    /// Bytes of message 3's body with an empty payload, in the patterns that have one.
    pub const fn finish_len(self, suite: Suite) -> usize {
        suite.signature().public_key_len() + TAG + suite.signature().signature_len() + TAG + TAG
    }
}

/// What a body may measure, given its size with an empty payload.
pub(super) const fn bounds(empty: usize) -> RangeInclusive<usize> {
    empty..=empty + MAX_PAYLOAD
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of section 6.2.
    #[test]
    fn a_message_has_another_size_than_the_table() {
        let rows = Suite::ALL.iter().map(|suite| match suite.id() {
            0x0001 | 0x0003 => (*suite, [1222, 6526, 5405]),
            0x0002 => (*suite, [1671, 9134, 7468]),
            0x7E03 => (*suite, [1222, 6510, 5389]),
            id => unreachable!("the table has no {id:#06x}"),
        });
        for (suite, [hello, reply, finish]) in rows {
            assert_eq!([Pattern::Xx, Pattern::Nx].map(|p| p.hello_len(suite)), [hello; 2]);
            assert_eq!([Pattern::XxPsk0, Pattern::NxPsk0].map(|p| p.hello_len(suite)), [hello + 16; 2]);
            assert_eq!(Pattern::ALL.map(|p| p.reply_len(suite)), [reply; 4]);
            assert_eq!(Pattern::ALL.map(|p| p.finish_len(suite)), [finish; 4]);
            assert!([hello + 16, reply, finish].iter().all(|empty| *bounds(*empty).end() <= MAX_BODY));
        }
    }

    /// Two suites, or two patterns, that start from one name would have their transcripts told apart by the header alone.
    #[test]
    fn two_protocols_have_one_name() {
        let all = Suite::ALL.iter().flat_map(|suite| Pattern::ALL.map(|pattern| pattern.protocol_name(*suite)));
        let mut names: alloc::vec::Vec<_> = all.collect();
        assert!(names.contains(&"Twinlock1_XX_XWing_MLDSA65Ed25519_ChaChaPoly_SHA256".into()));
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!((names.len(), count), (count, 4 * Suite::ALL.len()));
    }

    #[test]
    fn one_signature_context_is_the_beginning_of_another() {
        let contexts = Pattern::ALL.iter().flat_map(|p| [p.context(Role::Initiator), p.context(Role::Responder)]);
        let contexts = contexts.chain([crate::identity::OLD, crate::identity::NEW]);
        #[cfg(feature = "round3")]
        let contexts = contexts.chain([crate::crypto::label::KEY_CHECK]);
        let contexts: alloc::vec::Vec<_> = contexts.collect();
        for (i, a) in contexts.iter().enumerate() {
            assert!(contexts.iter().enumerate().all(|(j, b)| i == j || !b.starts_with(a)));
        }
    }
}
