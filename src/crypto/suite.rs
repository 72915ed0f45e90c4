//! Suites: which algorithms go together, and how large their values are (docs/protocol.md, section 2).
//!
//! Nothing is negotiated. The initiator names one suite, the responder has an allow-list, and the name is in the transcript.

use crate::crypto::aead::Aead;
use crate::crypto::hash::Hash;
use crate::crypto::kem::Kem;
use crate::crypto::signature::SignatureAlgorithm;
use crate::error::Error;
use core::fmt;

/// A fixed choice of every algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Suite {
    /// 0x0001, the default: X-Wing, MLDSA65-Ed25519-SHA512, ChaCha20-Poly1305, SHA-256. NIST's security category 3.
    #[default]
    Level3ChaCha,
}

impl Suite {
    /// Every suite of this build, the default first.
    pub const ALL: &'static [Self] = &[Self::Level3ChaCha];

    /// The identifier on the wire.
    pub const fn id(self) -> u16 {
        match self {
            Self::Level3ChaCha => 0x0001,
        }
    }

    /// The suite with this identifier, or [`Error::WrongKind`] where this build has none.
    pub fn from_id(id: u16) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|suite| suite.id() == id).ok_or(Error::WrongKind)
    }

    /// The suite that an identity with this signature algorithm speaks unless told otherwise.
    pub fn for_signature(algorithm: SignatureAlgorithm) -> Self {
        Self::ALL.iter().copied().find(|suite| suite.signature() == algorithm).unwrap_or_default()
    }

    /// A peer once spoken to in one rank is never spoken to in a lower one, unless its person says so.
    pub const fn rank(self) -> u8 {
        match self {
            Self::Level3ChaCha => 1,
        }
    }

    /// The signature algorithm, and so the kind of identity, that the suite needs.
    pub const fn signature(self) -> SignatureAlgorithm {
        match self {
            Self::Level3ChaCha => SignatureAlgorithm::MlDsa65Ed25519,
        }
    }

    pub(crate) const fn kem(self) -> Kem {
        match self {
            Self::Level3ChaCha => Kem::XWing,
        }
    }

    pub(crate) const fn aead(self) -> Aead {
        match self {
            Self::Level3ChaCha => Aead::ChaCha20Poly1305,
        }
    }

    pub(crate) const fn hash(self) -> Hash {
        match self {
            Self::Level3ChaCha => Hash::Sha256,
        }
    }
}

/// The algorithms' names: `X-Wing, MLDSA65-Ed25519, ChaCha20-Poly1305, SHA-256`.
impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Level3ChaCha => "X-Wing, MLDSA65-Ed25519, ChaCha20-Poly1305, SHA-256",
        })
    }
}
