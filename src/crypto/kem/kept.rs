//! A decapsulation key that is kept, and used more than once (docs/protocol.md, section 4.6).
//!
//! ```text
//! X-Wing, MLKEM1024-P384 .... the seed, 32 bytes; the key is derived from it
//! of round 3 ................ Kyber's expanded key || X25519's secret, 2,432 bytes: its crate knows no seeds
//! ```
//!
//! An expanded key of ML-KEM is never taken: it binds nothing.

use super::{Ciphertext, DecapsulationKey, EncapsulationKey, Kem};
use crate::error::Error;
use crate::secret::Secret;
use alloc::boxed::Box;
use rand_core::TryCryptoRng;

/// What is kept, with the key that it gives.
pub(crate) struct KeptKey {
    kept: Kept,
    key: DecapsulationKey,
}

enum Kept {
    Seed(Secret<32>),
    #[cfg(feature = "round3")]
    Expanded(Secret<{ super::kyber768_x25519::KEPT }>),
}

/// A key pair from its seed.
type Derive = fn(&Secret<32>) -> Result<(DecapsulationKey, Box<[u8]>), Error>;

impl KeptKey {
    /// Bytes of what is kept.
    pub(crate) const fn kept_len(kem: Kem) -> usize {
        match kem {
            Kem::XWing => 32,
            #[cfg(feature = "level5")]
            Kem::MlKem1024P384 => 32,
            #[cfg(feature = "round3")]
            Kem::X25519Kyber768R3 => super::kyber768_x25519::KEPT,
        }
    }

    /// A fresh key pair. Draws 32 bytes: the seed; for round 3 the X25519 secret.
    pub(crate) fn generate(kem: Kem, rng: &mut impl TryCryptoRng) -> Result<(Self, EncapsulationKey), Error> {
        let drawn = Secret::random(rng)?;
        Self::with_ek(kem, || Self::generate_here(kem, drawn))
    }

    /// From what [`KeptKey::expose`] gave. [`Error::InvalidKey`] for another length, and for what is no such key.
    pub(crate) fn from_kept(kem: Kem, bytes: &[u8]) -> Result<(Self, EncapsulationKey), Error> {
        Self::with_ek(kem, || Self::from_kept_here(kem, bytes)).map_err(|_| Error::InvalidKey)
    }

    fn with_ek(kem: Kem, make: impl FnOnce() -> Result<(Self, Box<[u8]>), Error>) -> Result<(Self, EncapsulationKey), Error> {
        let (key, bytes) = kem.scrubbed(make)?;
        Ok((key, EncapsulationKey { kem, bytes }))
    }

    fn generate_here(kem: Kem, drawn: Secret<32>) -> Result<(Self, Box<[u8]>), Error> {
        match kem {
            Kem::XWing => Self::from_seed(drawn, DecapsulationKey::xwing),
            #[cfg(feature = "level5")]
            Kem::MlKem1024P384 => Self::from_seed(drawn, DecapsulationKey::mlkem1024_p384),
            #[cfg(feature = "round3")]
            Kem::X25519Kyber768R3 => {
                let (key, ek) = super::kyber768_x25519::Key::generate(drawn)?;
                Ok((Self { kept: Kept::Expanded(key.kept()?), key: DecapsulationKey::X25519Kyber768R3(key) }, ek))
            }
        }
    }

    fn from_kept_here(kem: Kem, bytes: &[u8]) -> Result<(Self, Box<[u8]>), Error> {
        match kem {
            Kem::XWing => Self::from_seed(exactly(bytes)?, DecapsulationKey::xwing),
            #[cfg(feature = "level5")]
            Kem::MlKem1024P384 => Self::from_seed(exactly(bytes)?, DecapsulationKey::mlkem1024_p384),
            #[cfg(feature = "round3")]
            Kem::X25519Kyber768R3 => {
                let kept = exactly(bytes)?;
                let (key, ek) = super::kyber768_x25519::Key::from_kept(&kept)?;
                Ok((Self { kept: Kept::Expanded(kept), key: DecapsulationKey::X25519Kyber768R3(key) }, ek))
            }
        }
    }

    fn from_seed(seed: Secret<32>, derive: Derive) -> Result<(Self, Box<[u8]>), Error> {
        let (key, ek) = derive(&seed)?;
        Ok((Self { kept: Kept::Seed(seed), key }, ek))
    }

    /// What is kept.
    pub(crate) fn expose(&self) -> &[u8] {
        match &self.kept {
            Kept::Seed(seed) => seed.expose(),
            #[cfg(feature = "round3")]
            Kept::Expanded(expanded) => expanded.expose(),
        }
    }

    /// As [`DecapsulationKey::decapsulate`].
    pub(crate) fn decapsulate(&self, ct: &Ciphertext) -> Result<Secret<32>, Error> {
        self.key.decapsulate(ct)
    }
}

fn exactly<const N: usize>(bytes: &[u8]) -> Result<Secret<N>, Error> {
    let bytes: &[u8; N] = bytes.try_into().map_err(|_| Error::InvalidKey)?;
    Ok(Secret::build(|place| place.copy_from_slice(bytes)))
}
