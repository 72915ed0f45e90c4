//! The composite signature: ML-DSA-65 and Ed25519, both over one representative, both always verified
//! (docs/protocol.md, section 3.2; draft-ietf-lamps-pq-composite-sigs-19).

use crate::crypto::{backend, label};
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::Reader;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// A hybrid signature algorithm, and with it a kind of identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// 1: id-MLDSA65-Ed25519-SHA512, 1.3.6.1.5.5.7.6.48. Public key 1,984 bytes, signature 3,373, secret key 64 (two seeds).
    MlDsa65Ed25519,
}

impl SignatureAlgorithm {
    /// Every algorithm of this build.
    pub const ALL: &'static [Self] = &[Self::MlDsa65Ed25519];

    /// The identifier in fingerprints.
    pub const fn id(self) -> u16 {
        match self {
            Self::MlDsa65Ed25519 => 1,
        }
    }

    /// The object identifier in key files, dotted.
    pub const fn oid(self) -> &'static str {
        match self {
            Self::MlDsa65Ed25519 => "1.3.6.1.5.5.7.6.48",
        }
    }

    /// Bytes of a public key.
    pub const fn public_key_len(self) -> usize {
        match self {
            Self::MlDsa65Ed25519 => backend::MLDSA65_PK + 32,
        }
    }

    /// Bytes of a signature.
    pub const fn signature_len(self) -> usize {
        match self {
            Self::MlDsa65Ed25519 => backend::MLDSA65_SIG + 64,
        }
    }

    /// The name in protocol names.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MlDsa65Ed25519 => "MLDSA65Ed25519",
        }
    }
}

/// The registered name, `MLDSA65-Ed25519-SHA512`.
impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MlDsa65Ed25519 => "MLDSA65-Ed25519-SHA512",
        })
    }
}

/// A public key whose length is right and whose classical half decodes to a point that is not of small order.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct VerifyingKey {
    algorithm: SignatureAlgorithm,
    bytes: Arc<[u8]>,
    /// The classical half, decoded once.
    ed25519: backend::Ed25519Public,
}

/// A signature, of the right length.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    algorithm: SignatureAlgorithm,
    bytes: Box<[u8]>,
}

/// A secret key, with its public half.
pub(crate) enum SigningKey {
    MlDsa65Ed25519 { seeds: Secret<64>, mldsa: backend::MlDsa65Key, ed25519: backend::Ed25519Key, public: VerifyingKey },
}

impl VerifyingKey {
    /// [`Error::InvalidKey`] where the bytes are not a key of this kind.
    pub(crate) fn from_bytes(algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Self, Error> {
        let (_, ed25519) = match algorithm {
            SignatureAlgorithm::MlDsa65Ed25519 => halves::<{ backend::MLDSA65_PK }, 32>(bytes).map_err(|_| Error::InvalidKey)?,
        };
        let ed25519 = backend::Ed25519Public::from_bytes(ed25519).ok_or(Error::InvalidKey)?;
        Ok(Self { algorithm, bytes: bytes.into(), ed25519 })
    }

    pub(crate) const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Verifies both halves, always, and says nothing about which failed.
    pub(crate) fn verify(&self, context: &[u8], message: &[u8], signature: &Signature) -> Result<(), Error> {
        let verified = match (self.algorithm, signature.algorithm) {
            (SignatureAlgorithm::MlDsa65Ed25519, SignatureAlgorithm::MlDsa65Ed25519) => {
                let representative = representative(context, message)?;
                let (mldsa_key, _) = halves::<{ backend::MLDSA65_PK }, 32>(&self.bytes)?;
                let (mldsa_sig, ed25519_sig) = halves(&signature.bytes)?;
                let post_quantum = backend::mldsa65_verify(mldsa_key, &representative, label::COMPOSITE_MLDSA65_ED25519, mldsa_sig);
                let classical = self.ed25519.verify(&representative, ed25519_sig);
                post_quantum & classical
            }
        };
        if verified { Ok(()) } else { Err(Error::Authentication) }
    }
}

impl Signature {
    /// [`Error::Malformed`] for a wrong length.
    pub(crate) fn from_bytes(algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() != algorithm.signature_len() {
            return Err(Error::Malformed);
        }
        Ok(Self { algorithm, bytes: bytes.into() })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl SigningKey {
    pub(crate) fn generate(algorithm: SignatureAlgorithm, rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        match algorithm {
            SignatureAlgorithm::MlDsa65Ed25519 => Self::mldsa65_ed25519(Secret::random(rng)?),
        }
    }

    /// From what a key file holds: for MLDSA65-Ed25519 the two seeds, 64 bytes. [`Error::InvalidKey`] for another length.
    pub(crate) fn from_secret_bytes(algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Self, Error> {
        match algorithm {
            SignatureAlgorithm::MlDsa65Ed25519 => {
                let seeds: &[u8; 64] = bytes.try_into().map_err(|_| Error::InvalidKey)?;
                Self::mldsa65_ed25519(Secret::build(|place| place.copy_from_slice(seeds)))
            }
        }
    }

    fn mldsa65_ed25519(seeds: Secret<64>) -> Result<Self, Error> {
        let (seed_m, seed_e) = halves::<32, 32>(seeds.expose())?;
        let mut bytes = vec![0; SignatureAlgorithm::MlDsa65Ed25519.public_key_len()];
        let (mldsa_pk, ed25519_pk) = bytes.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        let mldsa = backend::MlDsa65Key::from_seed(seed_m, mldsa_pk);
        let ed25519 = backend::Ed25519Key::from_seed(seed_e);
        let classical = ed25519.public();
        ed25519_pk.copy_from_slice(classical.as_bytes());
        let public = VerifyingKey { algorithm: SignatureAlgorithm::MlDsa65Ed25519, bytes: bytes.into(), ed25519: classical };
        Ok(Self::MlDsa65Ed25519 { seeds, mldsa, ed25519, public })
    }

    pub(crate) const fn public(&self) -> &VerifyingKey {
        match self {
            Self::MlDsa65Ed25519 { public, .. } => public,
        }
    }

    /// What a key file holds.
    pub(crate) fn secret_bytes(&self) -> &[u8] {
        match self {
            Self::MlDsa65Ed25519 { seeds, .. } => seeds.expose(),
        }
    }

    /// Signs, hedged: the 32 bytes `rnd` are drawn afresh, so that a fault in two signatures of one message gives no key.
    pub(crate) fn sign(&self, context: &[u8], message: &[u8], rng: &mut impl TryCryptoRng) -> Result<Signature, Error> {
        match self {
            Self::MlDsa65Ed25519 { mldsa, ed25519, .. } => {
                let rnd = Secret::<32>::random(rng)?;
                let representative = representative(context, message)?;
                let mut bytes = vec![0; SignatureAlgorithm::MlDsa65Ed25519.signature_len()].into_boxed_slice();
                let (mldsa_sig, ed25519_sig) = bytes.split_first_chunk_mut().ok_or(Error::WrongKind)?;
                mldsa.sign(&representative, label::COMPOSITE_MLDSA65_ED25519, rnd.expose(), mldsa_sig)?;
                ed25519_sig.copy_from_slice(&ed25519.sign(&representative));
                Ok(Signature { algorithm: SignatureAlgorithm::MlDsa65Ed25519, bytes })
            }
        }
    }
}

/// M' of the composite draft. [`Error::TooLong`] for a context above 255 bytes.
fn representative(context: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
    let context_len = u8::try_from(context.len()).map_err(|_| Error::TooLong)?;
    let prefix: [&[u8]; 5] =
        [label::COMPOSITE_PREFIX, label::COMPOSITE_MLDSA65_ED25519, &[context_len], context, &backend::sha512(&[message])];
    Ok(prefix.concat())
}

fn halves<const A: usize, const B: usize>(bytes: &[u8]) -> Result<(&[u8; A], &[u8; B]), Error> {
    let mut reader = Reader::new(bytes);
    let halves = (reader.array()?, reader.array()?);
    reader.end()?;
    Ok(halves)
}
