//! The patterns, their names, contexts and exact sizes (docs/protocol.md, sections 5.2, 6.1, 6.2).
//!
//! ```text
//! XX            -> (psk,) e               <- ekem, s, sig    -> s, sig
//! NX            -> (psk,) e               <- ekem, s, sig
//! IK      rb    -> (psk,) e, skem, sref   <- ekem, skem, ib  -> a Confirm record
//! resume  ids   -> psk, e                 <- ekem
//! ```

use crate::crypto::aead::TAG;
use crate::crypto::suite::Suite;
use alloc::format;
use alloc::string::String;
use core::ops::RangeInclusive;

/// Bytes of the clear header. In `resume` an id follows it, and counts as part of it.
pub const HEADER_LEN: usize = 6;
/// Bytes of that id.
pub(super) const ID_LEN: usize = 16;
/// Bytes of a reference to a bundle.
const REFERENCE_LEN: usize = 32;
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
    /// 5: acquaintances, each with the other's bundle; one round trip, no signature.
    Ik,
    /// 6: the same, with a shared key.
    IkPsk0,
    /// 7: two that share a secret of their last conversation.
    Resume,
}

#[derive(Clone, Copy)]
pub(crate) enum Role {
    Initiator,
    Responder,
}

impl Pattern {
    const ALL: [Self; 7] = [Self::Xx, Self::XxPsk0, Self::Nx, Self::NxPsk0, Self::Ik, Self::IkPsk0, Self::Resume];

    /// Of those between strangers.
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
            Self::Ik => 5,
            Self::IkPsk0 => 6,
            Self::Resume => 7,
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
            Self::Ik => "IK",
            Self::IkPsk0 => "IKpsk0",
            Self::Resume => "resume",
        }
    }

    /// Whether the initiator proves an identity. In `resume` it is who it was, with an identity or without.
    pub const fn identified(self) -> bool {
        matches!(self, Self::Xx | Self::XxPsk0 | Self::Ik | Self::IkPsk0)
    }

    /// Whether it begins with a pre-shared key that both sides have configured.
    pub const fn psk(self) -> bool {
        matches!(self, Self::XxPsk0 | Self::NxPsk0 | Self::IkPsk0)
    }

    /// Whether it has a `psk` token, for a pre-shared key or for the secret of a last conversation.
    pub(super) const fn has_psk_token(self) -> bool {
        self.psk() || matches!(self, Self::Resume)
    }

    /// The signature context of this role. An initiator of `NX` signs nothing, and in `IK` and `resume` nobody does.
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
            (Self::Ik, Role::Initiator) => b"twinlock1 IK initiator",
            (Self::Ik, Role::Responder) => b"twinlock1 IK responder",
            (Self::IkPsk0, Role::Initiator) => b"twinlock1 IKpsk0 initiator",
            (Self::IkPsk0, Role::Responder) => b"twinlock1 IKpsk0 responder",
            (Self::Resume, Role::Initiator) => b"twinlock1 resume initiator",
            (Self::Resume, Role::Responder) => b"twinlock1 resume responder",
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
        let e = HEADER_LEN + suite.kem().encapsulation_key_len();
        let psk = if self.psk() { TAG } else { 0 };
        match self {
            Self::Xx | Self::XxPsk0 | Self::Nx | Self::NxPsk0 => e + psk,
            Self::Ik | Self::IkPsk0 => e + suite.kem().ciphertext_len() + psk + REFERENCE_LEN + TAG + TAG,
            Self::Resume => e + ID_LEN + TAG,
        }
    }

    /// Bytes of message 2's body with an empty payload.
    pub const fn reply_len(self, suite: Suite) -> usize {
        let ekem = 1 + suite.kem().ciphertext_len();
        match self {
            Self::Xx | Self::XxPsk0 | Self::Nx | Self::NxPsk0 => ekem + self.finish_len(suite),
            Self::Ik | Self::IkPsk0 => ekem + suite.kem().ciphertext_len() + TAG + TAG,
            Self::Resume => ekem + TAG,
        }
    }

    /// Bytes of message 3's body with an empty payload, in the patterns that have one. In `IK` it is a `Confirm` record's ciphertext.
    pub const fn finish_len(self, suite: Suite) -> usize {
        match self {
            Self::Ik | Self::IkPsk0 => 3 + TAG,
            _ => suite.signature().public_key_len() + TAG + suite.signature().signature_len() + TAG + TAG,
        }
    }

    /// What the body of message 1 may measure. In `IK` it has no payload.
    pub(super) const fn hello_bounds(self, suite: Suite) -> RangeInclusive<usize> {
        let empty = self.hello_len(suite);
        match self {
            Self::Ik | Self::IkPsk0 => empty..=empty,
            _ => bounds(empty),
        }
    }

    /// What the body of message 2 may measure, where it may be a refusal's too.
    pub(super) const fn reply_bounds(self, suite: Suite) -> RangeInclusive<usize> {
        1..=self.reply_len(suite) + MAX_PAYLOAD
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
            let strangers = [Pattern::Xx, Pattern::Nx, Pattern::XxPsk0, Pattern::NxPsk0];
            assert_eq!(strangers.map(|p| p.hello_len(suite)), [hello, hello, hello + 16, hello + 16]);
            assert_eq!(strangers.map(|p| p.reply_len(suite)), [reply; 4]);
            assert_eq!(strangers.map(|p| p.finish_len(suite)), [finish; 4]);
            assert!([hello + 16, reply, finish].iter().all(|empty| *bounds(*empty).end() <= MAX_BODY));
        }
    }

    /// Its second half.
    #[test]
    fn a_message_between_acquaintances_has_another_size_than_the_table() {
        for suite in Suite::ALL.iter().copied() {
            let [hello, reply, resume, resumed] = if suite.id() == 0x0002 { [3400, 3363, 1703, 1682] } else { [2406, 2273, 1254, 1137] };
            assert_eq!([Pattern::Ik, Pattern::IkPsk0].map(|p| p.hello_bounds(suite)), [hello..=hello, hello + 16..=hello + 16]);
            assert_eq!([Pattern::Ik, Pattern::IkPsk0].map(|p| p.reply_bounds(suite)), [1..=reply + 4096, 1..=reply + 4096]);
            assert_eq!([Pattern::Ik, Pattern::IkPsk0].map(|p| (p.reply_len(suite), p.finish_len(suite))), [(reply, 19); 2]);
            assert_eq!(Pattern::Resume.hello_bounds(suite), resume..=resume + 4096);
            assert_eq!((Pattern::Resume.reply_len(suite), Pattern::Resume.reply_bounds(suite)), (resumed, 1..=resumed + 4096));
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
        assert_eq!((names.len(), count), (count, 7 * Suite::ALL.len()));
    }

    #[test]
    fn one_signature_context_is_the_beginning_of_another() {
        let contexts = Pattern::ALL.iter().flat_map(|p| [p.context(Role::Initiator), p.context(Role::Responder)]);
        let contexts = contexts.chain([crate::identity::OLD, crate::identity::NEW, crate::identity::BUNDLE]);
        #[cfg(feature = "round3")]
        let contexts = contexts.chain([crate::crypto::label::KEY_CHECK]);
        let contexts: alloc::vec::Vec<_> = contexts.collect();
        for (i, a) in contexts.iter().enumerate() {
            assert!(contexts.iter().enumerate().all(|(j, b)| i == j || !b.starts_with(a)));
        }
    }
}
