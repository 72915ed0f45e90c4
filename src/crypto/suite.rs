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
    /// 0x0003: as 0x0001 with AES-256-GCM, which is the faster one where the processor has instructions for AES. The same identities serve both.
    Level3Aes,
    /// 0x0002: MLKEM1024-P384, MLDSA87-ECDSA-P384-SHA512, AES-256-GCM, SHA-512. Category 5. Feature `level5`.
    #[cfg(feature = "level5")]
    Level5Aes,
    /// 0x7E03: the algorithms of round 3, from before the standards: X25519 and Kyber768, Ed25519 and Dilithium3, ChaCha20-Poly1305, SHA-256. Feature `round3`.
    ///
    /// For systems that still speak them, and outside every claim of this crate. Neither offered nor allowed unless it is named.
    #[cfg(feature = "round3")]
    Round3,
}

/// What stands in the table of suites, a row each.
struct Row {
    id: u16,
    rank: u8,
    kem: Kem,
    signature: SignatureAlgorithm,
    aead: Aead,
    hash: Hash,
    text: &'static str,
}

impl Suite {
    /// Every suite of this build, the default first.
    pub const ALL: &'static [Self] = &[
        Self::Level3ChaCha,
        Self::Level3Aes,
        #[cfg(feature = "level5")]
        Self::Level5Aes,
        #[cfg(feature = "round3")]
        Self::Round3,
    ];

    const fn row(self) -> Row {
        match self {
            Self::Level3ChaCha => Row {
                id: 0x0001,
                rank: 1,
                kem: Kem::XWing,
                signature: SignatureAlgorithm::MlDsa65Ed25519,
                aead: Aead::ChaCha20Poly1305,
                hash: Hash::Sha256,
                text: "X-Wing, MLDSA65-Ed25519, ChaCha20-Poly1305, SHA-256",
            },
            Self::Level3Aes => Row {
                id: 0x0003,
                rank: 1,
                kem: Kem::XWing,
                signature: SignatureAlgorithm::MlDsa65Ed25519,
                aead: Aead::Aes256Gcm,
                hash: Hash::Sha256,
                text: "X-Wing, MLDSA65-Ed25519, AES-256-GCM, SHA-256",
            },
            #[cfg(feature = "level5")]
            Self::Level5Aes => Row {
                id: 0x0002,
                rank: 2,
                kem: Kem::MlKem1024P384,
                signature: SignatureAlgorithm::MlDsa87P384,
                aead: Aead::Aes256Gcm,
                hash: Hash::Sha512,
                text: "MLKEM1024-P384, MLDSA87-ECDSA-P384, AES-256-GCM, SHA-512",
            },
            #[cfg(feature = "round3")]
            Self::Round3 => Row {
                id: 0x7E03,
                rank: 0,
                kem: Kem::X25519Kyber768R3,
                signature: SignatureAlgorithm::Dilithium3Ed25519,
                aead: Aead::ChaCha20Poly1305,
                hash: Hash::Sha256,
                text: "X25519 and Kyber768 of round 3, Ed25519 and Dilithium3 of round 3, ChaCha20-Poly1305, SHA-256",
            },
        }
    }

    /// The identifier on the wire.
    pub const fn id(self) -> u16 {
        self.row().id
    }

    /// The suite with this identifier, or [`Error::UnknownSuite`] where this build has none.
    pub fn from_id(id: u16) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|suite| suite.id() == id).ok_or(Error::UnknownSuite { id })
    }

    /// The suite that an identity with this signature algorithm speaks unless told otherwise. None for round 3, which must be named.
    pub fn for_signature(algorithm: SignatureAlgorithm) -> Option<Self> {
        Self::ALL.iter().copied().find(|suite| suite.signature() == algorithm && !suite.must_be_named())
    }

    /// Whether the suite is neither offered nor allowed unless it is named: those from before the standards.
    pub const fn must_be_named(self) -> bool {
        self.rank() == 0
    }

    /// A peer once spoken to in one rank is never spoken to in a lower one, unless its person says so. Round 3 has 0, category 3 has 1, category 5 has 2.
    pub const fn rank(self) -> u8 {
        self.row().rank
    }

    /// The signature algorithm, and so the kind of identity, that the suite needs.
    pub const fn signature(self) -> SignatureAlgorithm {
        self.row().signature
    }

    /// Bytes of an encapsulation key: of an ephemeral one, and of a `RekeyOffer`.
    pub const fn encapsulation_key_len(self) -> usize {
        self.kem().encapsulation_key_len()
    }

    /// Bytes of a ciphertext of the KEM.
    pub const fn ciphertext_len(self) -> usize {
        self.kem().ciphertext_len()
    }

    /// How many records one key may seal: 2^48 with ChaCha20-Poly1305, 2^24 with AES-256-GCM.
    pub const fn records_a_key(self) -> u64 {
        self.aead().records_a_key()
    }

    pub(crate) const fn kem(self) -> Kem {
        self.row().kem
    }

    pub(crate) const fn aead(self) -> Aead {
        self.row().aead
    }

    pub(crate) const fn hash(self) -> Hash {
        self.row().hash
    }
}

/// The algorithms' names: `X-Wing, MLDSA65-Ed25519, ChaCha20-Poly1305, SHA-256`.
impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().text)
    }
}
