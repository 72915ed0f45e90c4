//! Composite signatures: two algorithms over one representative, both always made and both always verified.
//!
//! ```text
//! mldsa65_ed25519 ..... ML-DSA-65 and Ed25519               section 3.2
//! mldsa87_p384 ........ ML-DSA-87 and ECDSA over P-384      section 3.5
//! dilithium3_ed25519 .. of round 3                          section 3.6
//!
//! M' = "CompositeAlgorithmSignatures2025" || label || u8 length of context || context || SHA-512(M)
//! ```
//!
//! Source: draft-ietf-lamps-pq-composite-sigs-19.

#[cfg(feature = "round3")]
mod dilithium3_ed25519;
mod mldsa65_ed25519;
#[cfg(feature = "level5")]
mod mldsa87_p384;

#[cfg(test)]
use crate::crypto::work;
use crate::crypto::{backend, label};
use crate::error::Error;
use crate::secret::scrubbed;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// A hybrid signature algorithm, and with it a kind of identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// 1: id-MLDSA65-Ed25519-SHA512, 1.3.6.1.5.5.7.6.48. Public key 1,984 bytes, signature 3,373, secret key 64 (two seeds).
    MlDsa65Ed25519,
    /// 2: id-MLDSA87-ECDSA-P384-SHA512, 1.3.6.1.5.5.7.6.49. Public key 2,689 bytes, signature 4,731, secret key 96 (a seed, and an `ECPrivateKey`).
    #[cfg(feature = "level5")]
    MlDsa87P384,
    /// 0x7E: Dilithium3 of round 3 and Ed25519, outside every claim of this crate. Public key 1,984 bytes, signature 3,357, secret key 6,016 (expanded, with
    /// the public key). It draws from the operating system alone, and signs deterministically.
    #[cfg(feature = "round3")]
    Dilithium3Ed25519,
}

impl SignatureAlgorithm {
    /// Every algorithm of this build.
    pub const ALL: &'static [Self] = &[
        Self::MlDsa65Ed25519,
        #[cfg(feature = "level5")]
        Self::MlDsa87P384,
        #[cfg(feature = "round3")]
        Self::Dilithium3Ed25519,
    ];

    /// The identifier in fingerprints.
    pub const fn id(self) -> u16 {
        match self {
            Self::MlDsa65Ed25519 => 1,
            #[cfg(feature = "level5")]
            Self::MlDsa87P384 => 2,
            #[cfg(feature = "round3")]
            Self::Dilithium3Ed25519 => 0x7E,
        }
    }

    /// The algorithm with this identifier, where this build has it.
    pub fn from_id(id: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.id() == id)
    }

    /// The object identifier in key files, dotted.
    pub const fn oid(self) -> &'static str {
        match self {
            Self::MlDsa65Ed25519 => "1.3.6.1.5.5.7.6.48",
            #[cfg(feature = "level5")]
            Self::MlDsa87P384 => "1.3.6.1.5.5.7.6.49",
            #[cfg(feature = "round3")]
            Self::Dilithium3Ed25519 => "2.25.1414266881.32259",
        }
    }

    /// Bytes of a public key.
    pub const fn public_key_len(self) -> usize {
        match self {
            Self::MlDsa65Ed25519 => mldsa65_ed25519::PUBLIC,
            #[cfg(feature = "level5")]
            Self::MlDsa87P384 => mldsa87_p384::PUBLIC,
            #[cfg(feature = "round3")]
            Self::Dilithium3Ed25519 => dilithium3_ed25519::PUBLIC,
        }
    }

    /// Bytes of a signature.
    pub const fn signature_len(self) -> usize {
        match self {
            Self::MlDsa65Ed25519 => mldsa65_ed25519::SIGNATURE,
            #[cfg(feature = "level5")]
            Self::MlDsa87P384 => mldsa87_p384::SIGNATURE,
            #[cfg(feature = "round3")]
            Self::Dilithium3Ed25519 => dilithium3_ed25519::SIGNATURE,
        }
    }

    /// Bytes of a secret key as it is kept.
    pub const fn secret_key_len(self) -> usize {
        match self {
            Self::MlDsa65Ed25519 => mldsa65_ed25519::SECRET,
            #[cfg(feature = "level5")]
            Self::MlDsa87P384 => mldsa87_p384::SECRET,
            #[cfg(feature = "round3")]
            Self::Dilithium3Ed25519 => dilithium3_ed25519::SECRET,
        }
    }

    /// The registered name, or for round 3 one of ours.
    pub const fn title(self) -> &'static str {
        match self {
            Self::MlDsa65Ed25519 => "MLDSA65-Ed25519-SHA512",
            #[cfg(feature = "level5")]
            Self::MlDsa87P384 => "MLDSA87-ECDSA-P384-SHA512",
            #[cfg(feature = "round3")]
            Self::Dilithium3Ed25519 => "Dilithium3R3-Ed25519",
        }
    }

    /// Makes a key. How much stack that uses, and signing, was measured in an optimised build; it is the post-quantum half's.
    fn scrubbed_key<T>(self, make: impl FnOnce() -> T) -> T {
        match self {
            Self::MlDsa65Ed25519 => scrubbed::<{ 80 << 10 }, _>(make),
            #[cfg(feature = "level5")]
            Self::MlDsa87P384 => scrubbed::<{ 124 << 10 }, _>(make),
            #[cfg(feature = "round3")]
            Self::Dilithium3Ed25519 => scrubbed::<{ 80 << 10 }, _>(make),
        }
    }

    fn scrubbed_signing<T>(self, sign: impl FnOnce() -> T) -> T {
        match self {
            Self::MlDsa65Ed25519 => scrubbed::<{ 128 << 10 }, _>(sign),
            #[cfg(feature = "level5")]
            Self::MlDsa87P384 => scrubbed::<{ 184 << 10 }, _>(sign),
            #[cfg(feature = "round3")]
            Self::Dilithium3Ed25519 => scrubbed::<{ 120 << 10 }, _>(sign),
        }
    }

    /// The name in protocol names.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MlDsa65Ed25519 => "MLDSA65Ed25519",
            #[cfg(feature = "level5")]
            Self::MlDsa87P384 => "MLDSA87P384",
            #[cfg(feature = "round3")]
            Self::Dilithium3Ed25519 => "Dilithium3R3Ed25519",
        }
    }
}

/// [`SignatureAlgorithm::title`], such as `MLDSA65-Ed25519-SHA512`.
impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// A public key whose length is right and whose classical half decodes to a point that is not of small order.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct VerifyingKey {
    bytes: Arc<[u8]>,
    classical: Classical,
}

/// The classical half, decoded once, and with it the algorithm.
#[derive(Clone, PartialEq, Eq)]
enum Classical {
    MlDsa65Ed25519(backend::Ed25519Public),
    #[cfg(feature = "level5")]
    MlDsa87P384(backend::P384Public),
    #[cfg(feature = "round3")]
    Dilithium3Ed25519(backend::Ed25519Public),
}

/// A signature, of the right length.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    algorithm: SignatureAlgorithm,
    bytes: Box<[u8]>,
}

/// A secret key, with its public half.
pub(crate) struct SigningKey {
    secret: SecretHalves,
    public: VerifyingKey,
}

enum SecretHalves {
    MlDsa65Ed25519(mldsa65_ed25519::Key),
    #[cfg(feature = "level5")]
    MlDsa87P384(mldsa87_p384::Key),
    #[cfg(feature = "round3")]
    Dilithium3Ed25519(dilithium3_ed25519::Key),
}

impl VerifyingKey {
    /// [`Error::InvalidKey`] where the bytes are not a key of this kind.
    pub(crate) fn from_bytes(algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Self, Error> {
        let classical = match algorithm {
            SignatureAlgorithm::MlDsa65Ed25519 => mldsa65_ed25519::decode(bytes).map(Classical::MlDsa65Ed25519),
            #[cfg(feature = "level5")]
            SignatureAlgorithm::MlDsa87P384 => mldsa87_p384::decode(bytes).map(Classical::MlDsa87P384),
            #[cfg(feature = "round3")]
            SignatureAlgorithm::Dilithium3Ed25519 => dilithium3_ed25519::decode(bytes).map(Classical::Dilithium3Ed25519),
        };
        Ok(Self { bytes: bytes.into(), classical: classical.ok_or(Error::InvalidKey)? })
    }

    pub(crate) const fn algorithm(&self) -> SignatureAlgorithm {
        match self.classical {
            Classical::MlDsa65Ed25519(_) => SignatureAlgorithm::MlDsa65Ed25519,
            #[cfg(feature = "level5")]
            Classical::MlDsa87P384(_) => SignatureAlgorithm::MlDsa87P384,
            #[cfg(feature = "round3")]
            Classical::Dilithium3Ed25519(_) => SignatureAlgorithm::Dilithium3Ed25519,
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Verifies both halves, always, and says nothing about which failed. A signature of another algorithm is [`Error::WrongKind`].
    pub(crate) fn verify(&self, context: &[u8], message: &[u8], signature: &Signature) -> Result<(), Error> {
        #[cfg(test)]
        work::did("verify", message.len());
        if signature.algorithm != self.algorithm() {
            return Err(Error::WrongKind);
        }
        let verified = match &self.classical {
            Classical::MlDsa65Ed25519(key) => mldsa65_ed25519::verify(&self.bytes, key, context, message, &signature.bytes)?,
            #[cfg(feature = "level5")]
            Classical::MlDsa87P384(key) => mldsa87_p384::verify(&self.bytes, key, context, message, &signature.bytes)?,
            #[cfg(feature = "round3")]
            Classical::Dilithium3Ed25519(key) => dilithium3_ed25519::verify(&self.bytes, key, context, message, &signature.bytes)?,
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
        algorithm.scrubbed_key(|| Self::generate_here(algorithm, rng))
    }

    fn generate_here(algorithm: SignatureAlgorithm, rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        let (secret, public) = match algorithm {
            SignatureAlgorithm::MlDsa65Ed25519 => {
                mldsa65_ed25519::Key::generate(rng).map(|(key, pk)| (SecretHalves::MlDsa65Ed25519(key), pk))?
            }
            #[cfg(feature = "level5")]
            SignatureAlgorithm::MlDsa87P384 => mldsa87_p384::Key::generate(rng).map(|(key, pk)| (SecretHalves::MlDsa87P384(key), pk))?,
            #[cfg(feature = "round3")]
            SignatureAlgorithm::Dilithium3Ed25519 => {
                dilithium3_ed25519::Key::generate(rng).map(|(key, pk)| (SecretHalves::Dilithium3Ed25519(key), pk))?
            }
        };
        Ok(Self { secret, public: VerifyingKey::from_bytes(algorithm, &public)? })
    }

    /// From what a key file holds, [`SignatureAlgorithm::secret_key_len`] bytes. [`Error::InvalidKey`] for another length, and for what is no such key.
    pub(crate) fn from_secret_bytes(algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Self, Error> {
        algorithm.scrubbed_key(|| Self::from_secret_bytes_here(algorithm, bytes))
    }

    fn from_secret_bytes_here(algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Self, Error> {
        let (secret, public) = match algorithm {
            SignatureAlgorithm::MlDsa65Ed25519 => {
                mldsa65_ed25519::Key::from_secret(bytes).map(|(key, pk)| (SecretHalves::MlDsa65Ed25519(key), pk))?
            }
            #[cfg(feature = "level5")]
            SignatureAlgorithm::MlDsa87P384 => {
                mldsa87_p384::Key::from_secret(bytes).map(|(key, pk)| (SecretHalves::MlDsa87P384(key), pk))?
            }
            #[cfg(feature = "round3")]
            SignatureAlgorithm::Dilithium3Ed25519 => {
                dilithium3_ed25519::Key::from_secret(bytes).map(|(key, pk)| (SecretHalves::Dilithium3Ed25519(key), pk))?
            }
        };
        Ok(Self { secret, public: VerifyingKey::from_bytes(algorithm, &public)? })
    }

    pub(crate) const fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// What a key file holds.
    pub(crate) fn secret_bytes(&self) -> &[u8] {
        match &self.secret {
            SecretHalves::MlDsa65Ed25519(key) => key.secret_bytes(),
            #[cfg(feature = "level5")]
            SecretHalves::MlDsa87P384(key) => key.secret_bytes(),
            #[cfg(feature = "round3")]
            SecretHalves::Dilithium3Ed25519(key) => key.secret_bytes(),
        }
    }

    /// Signs, hedged: 32 bytes are drawn afresh for ML-DSA, so that a fault in two signatures of one message gives no key. Round 3's crate cannot.
    pub(crate) fn sign(&self, context: &[u8], message: &[u8], rng: &mut impl TryCryptoRng) -> Result<Signature, Error> {
        #[cfg(test)]
        work::did("sign", message.len());
        let bytes = self.public.algorithm().scrubbed_signing(|| self.secret.sign(context, message, rng))?;
        Ok(Signature { algorithm: self.public.algorithm(), bytes })
    }
}

impl SecretHalves {
    fn sign(&self, context: &[u8], message: &[u8], rng: &mut impl TryCryptoRng) -> Result<Box<[u8]>, Error> {
        match self {
            Self::MlDsa65Ed25519(key) => key.sign(context, message, rng),
            #[cfg(feature = "level5")]
            Self::MlDsa87P384(key) => key.sign(context, message, rng),
            #[cfg(feature = "round3")]
            Self::Dilithium3Ed25519(key) => key.sign(context, message),
        }
    }
}

/// M' of the composite draft. [`Error::TooLong`] for a context above 255 bytes.
fn representative(label: &[u8], context: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
    let context_len = u8::try_from(context.len()).map_err(|_| Error::TooLong)?;
    let prefix: [&[u8]; 5] = [label::COMPOSITE_PREFIX, label, &[context_len], context, &backend::sha512(&[message])];
    Ok(prefix.concat())
}
