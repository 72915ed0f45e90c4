//! Hybrid key encapsulation: two mechanisms, and a combiner whose secret holds as long as one of them does.
//!
//! ```text
//! xwing ............ ML-KEM-768 and X25519        section 3.1      the post-quantum half stands first everywhere
//! mlkem1024_p384 ... ML-KEM-1024 and P-384        section 3.4
//! kyber768_x25519 .. of round 3                   section 3.6
//! ```

pub(crate) mod kept;
#[cfg(feature = "round3")]
mod kyber768_x25519;
#[cfg(feature = "level5")]
mod mlkem1024_p384;
mod xwing;

use crate::crypto::backend;
#[cfg(test)]
use crate::crypto::work;
use crate::error::Error;
use crate::secret::{Secret, scrubbed};
use alloc::boxed::Box;
use rand_core::TryCryptoRng;
use subtle::Choice;

/// A hybrid key encapsulation mechanism.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kem {
    XWing,
    #[cfg(feature = "level5")]
    MlKem1024P384,
    #[cfg(feature = "round3")]
    X25519Kyber768R3,
}

impl Kem {
    /// The name in protocol names.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::XWing => "XWing",
            #[cfg(feature = "level5")]
            Self::MlKem1024P384 => "MLKEM1024P384",
            #[cfg(feature = "round3")]
            Self::X25519Kyber768R3 => "X25519Kyber768R3",
        }
    }

    /// Bytes of an encapsulation key.
    pub(crate) const fn encapsulation_key_len(self) -> usize {
        match self {
            Self::XWing => xwing::EK,
            #[cfg(feature = "level5")]
            Self::MlKem1024P384 => mlkem1024_p384::EK,
            #[cfg(feature = "round3")]
            Self::X25519Kyber768R3 => kyber768_x25519::EK,
        }
    }

    /// Bytes of a ciphertext.
    pub(crate) const fn ciphertext_len(self) -> usize {
        match self {
            Self::XWing => xwing::CT,
            #[cfg(feature = "level5")]
            Self::MlKem1024P384 => mlkem1024_p384::CT,
            #[cfg(feature = "round3")]
            Self::X25519Kyber768R3 => kyber768_x25519::CT,
        }
    }

    /// Runs one operation. How much stack each uses was measured in an optimised build; it is the post-quantum half's.
    fn scrubbed<T>(self, operation: impl FnOnce() -> T) -> T {
        match self {
            Self::XWing => scrubbed::<{ 32 << 10 }, _>(operation),
            #[cfg(feature = "level5")]
            Self::MlKem1024P384 => scrubbed::<{ 56 << 10 }, _>(operation),
            #[cfg(feature = "round3")]
            Self::X25519Kyber768R3 => scrubbed::<{ 32 << 10 }, _>(operation),
        }
    }

    fn check(self, key: &[u8]) -> Result<(), Error> {
        match self {
            Self::XWing => xwing::check(key),
            #[cfg(feature = "level5")]
            Self::MlKem1024P384 => mlkem1024_p384::check(key),
            #[cfg(feature = "round3")]
            Self::X25519Kyber768R3 => kyber768_x25519::check(key),
        }
    }
}

/// An encapsulation key that has passed its check (FIPS 203, section 7.2; a point of P-384 is on the curve).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EncapsulationKey {
    kem: Kem,
    bytes: Box<[u8]>,
}

/// A ciphertext, of the right length.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ciphertext {
    kem: Kem,
    bytes: Box<[u8]>,
}

/// The secret half of a key pair.
pub(crate) enum DecapsulationKey {
    XWing(xwing::Key),
    #[cfg(feature = "level5")]
    MlKem1024P384(mlkem1024_p384::Key),
    #[cfg(feature = "round3")]
    X25519Kyber768R3(kyber768_x25519::Key),
}

impl EncapsulationKey {
    /// [`Error::Malformed`] for a wrong length, a coefficient that is not below q, or no point.
    pub(crate) fn from_bytes(kem: Kem, bytes: &[u8]) -> Result<Self, Error> {
        kem.check(bytes)?;
        Ok(Self { kem, bytes: bytes.into() })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether something can be encapsulated to this key: not where its X25519 half gives the all-zero result, which it does with every secret or with none.
    /// Nothing here is secret.
    pub(crate) fn can_be_used(&self) -> bool {
        let contributes = || self.bytes.last_chunk().is_some_and(|pk_x| x25519(&[1; 32], pk_x).1.into());
        match self.kem {
            Kem::XWing => contributes(),
            #[cfg(feature = "level5")]
            Kem::MlKem1024P384 => true,
            #[cfg(feature = "round3")]
            Kem::X25519Kyber768R3 => contributes(),
        }
    }

    /// Draws what it needs and gives the ciphertext and the shared secret. An all-zero X25519 result is [`Error::Authentication`].
    pub(crate) fn encapsulate(&self, rng: &mut impl TryCryptoRng) -> Result<(Ciphertext, Secret<32>), Error> {
        #[cfg(test)]
        work::did("encapsulate", self.bytes.len());
        let (bytes, ss) = self.kem.scrubbed(|| self.encapsulate_here(rng))?;
        Ok((Ciphertext { kem: self.kem, bytes }, ss))
    }

    fn encapsulate_here(&self, rng: &mut impl TryCryptoRng) -> Result<(Box<[u8]>, Secret<32>), Error> {
        match self.kem {
            Kem::XWing => xwing::encapsulate(&self.bytes, &Secret::random(rng)?),
            #[cfg(feature = "level5")]
            Kem::MlKem1024P384 => mlkem1024_p384::encapsulate(&self.bytes, &Secret::random(rng)?),
            #[cfg(feature = "round3")]
            Kem::X25519Kyber768R3 => kyber768_x25519::encapsulate(&self.bytes, &Secret::random(rng)?),
        }
    }
}

impl Ciphertext {
    /// [`Error::Malformed`] for a wrong length.
    pub(crate) fn from_bytes(kem: Kem, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() == kem.ciphertext_len() { Ok(Self { kem, bytes: bytes.into() }) } else { Err(Error::Malformed) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl DecapsulationKey {
    /// A fresh key pair. The seed is what is kept and imported where anything is, never the expanded key: ML-KEM binds nothing to an expanded one.
    pub(crate) fn generate(kem: Kem, rng: &mut impl TryCryptoRng) -> Result<(Self, EncapsulationKey), Error> {
        #[cfg(test)]
        work::did("generate", kem.encapsulation_key_len());
        let (key, bytes) = kem.scrubbed(|| Self::generate_here(kem, rng))?;
        Ok((key, EncapsulationKey { kem, bytes }))
    }

    fn generate_here(kem: Kem, rng: &mut impl TryCryptoRng) -> Result<(Self, Box<[u8]>), Error> {
        let drawn = Secret::random(rng)?;
        match kem {
            Kem::XWing => Self::xwing(&drawn),
            #[cfg(feature = "level5")]
            Kem::MlKem1024P384 => Self::mlkem1024_p384(&drawn),
            #[cfg(feature = "round3")]
            Kem::X25519Kyber768R3 => kyber768_x25519::Key::generate(drawn).map(|(key, ek)| (Self::X25519Kyber768R3(key), ek)),
        }
    }

    fn xwing(seed: &Secret<32>) -> Result<(Self, Box<[u8]>), Error> {
        xwing::Key::from_seed(seed).map(|(key, ek)| (Self::XWing(key), ek))
    }

    #[cfg(feature = "level5")]
    fn mlkem1024_p384(seed: &Secret<32>) -> Result<(Self, Box<[u8]>), Error> {
        mlkem1024_p384::Key::from_seed(seed).map(|(key, ek)| (Self::MlKem1024P384(key), ek))
    }

    /// A wrong post-quantum half shows only later, as a tag that fails; an all-zero X25519 result and no point of P-384 are [`Error::Authentication`].
    pub(crate) fn decapsulate(&self, ct: &Ciphertext) -> Result<Secret<32>, Error> {
        #[cfg(test)]
        work::did("decapsulate", ct.bytes.len());
        ct.kem.scrubbed(|| self.decapsulate_here(ct))
    }

    fn decapsulate_here(&self, ct: &Ciphertext) -> Result<Secret<32>, Error> {
        match (self, ct.kem) {
            (Self::XWing(key), Kem::XWing) => key.decapsulate(&ct.bytes),
            #[cfg(feature = "level5")]
            (Self::MlKem1024P384(key), Kem::MlKem1024P384) => key.decapsulate(&ct.bytes),
            #[cfg(feature = "round3")]
            (Self::X25519Kyber768R3(key), Kem::X25519Kyber768R3) => key.decapsulate(&ct.bytes),
            #[cfg(any(feature = "level5", feature = "round3"))]
            _ => Err(Error::WrongKind),
        }
    }
}

/// A key that another implementation made.
#[cfg(all(test, feature = "round3"))]
pub(crate) fn round3_key(expanded: &[u8; 2400], sk_x: &[u8; 32], ek: &[u8]) -> DecapsulationKey {
    let sk_x = Secret::build(|place| place.copy_from_slice(sk_x));
    DecapsulationKey::X25519Kyber768R3(kyber768_x25519::Key::from_parts(expanded, sk_x, ek))
}

fn x25519(secret: &[u8; 32], public: &[u8; 32]) -> (Secret<32>, Choice) {
    let mut contributory = Choice::from(0);
    let shared = Secret::build(|ss| contributory = backend::x25519(secret, public, ss));
    (shared, contributory)
}

fn combine(parts: &[&[u8]]) -> Secret<32> {
    Secret::build(|ss| backend::sha3_256(parts, ss))
}

/// Declassifies the verdict, after all the work was done.
fn accept<T>(contributory: Choice, value: T) -> Result<T, Error> {
    if contributory.into() { Ok(value) } else { Err(Error::Authentication) }
}
