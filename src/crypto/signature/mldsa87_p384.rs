//! MLDSA87-ECDSA-P384-SHA512 (docs/protocol.md, section 3.5). Secret key: `seed_m || ECPrivateKey`, whose DER has one form:
//!
//! ```text
//! 30 3E                          SEQUENCE, 62 bytes
//!   02 01 01                     version 1
//!   04 30 ........               the scalar, 48 bytes
//!   A0 07 06 05 2B 81 04 00 22   named curve 1.3.132.0.34
//! ```

use super::representative;
use crate::crypto::backend::{self, MLDSA87_PK, MLDSA87_SIG, MlDsa87Key, P384_DER_MAX, P384_POINT, P384Public, P384Signer};
use crate::crypto::label;
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::{Reader, halves};
use alloc::boxed::Box;
use alloc::vec;
use rand_core::TryCryptoRng;

pub(super) const PUBLIC: usize = MLDSA87_PK + P384_POINT;
pub(super) const SIGNATURE: usize = MLDSA87_SIG + P384_DER_MAX;
pub(super) const SECRET: usize = 32 + 64;

const BEFORE_SCALAR: &[u8; 7] = &[0x30, 0x3E, 0x02, 0x01, 0x01, 0x04, 0x30];
const AFTER_SCALAR: &[u8; 9] = &[0xA0, 0x07, 0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22];

/// Tries before the source of randomness is taken for broken: each fails with a chance below 2^-192.
const TRIES: usize = 8;

pub(super) struct Key {
    secret: Secret<SECRET>,
    mldsa: MlDsa87Key,
    p384: P384Signer,
}

/// The classical half of a public key.
pub(super) fn decode(public: &[u8]) -> Option<P384Public> {
    let (_, classical) = halves::<MLDSA87_PK, P384_POINT>(public).ok()?;
    P384Public::from_bytes(classical)
}

pub(super) fn verify(public: &[u8], p384: &P384Public, context: &[u8], message: &[u8], signature: &[u8]) -> Result<bool, Error> {
    let representative = representative(label::COMPOSITE_MLDSA87_P384, context, message)?;
    let (mldsa, _) = halves::<MLDSA87_PK, P384_POINT>(public)?;
    let (mldsa_sig, padded) = halves::<MLDSA87_SIG, P384_DER_MAX>(signature)?;
    let post_quantum = backend::mldsa87_verify(mldsa, &representative, label::COMPOSITE_MLDSA87_P384, mldsa_sig);
    let classical = without_padding(padded).is_some_and(|der| p384.verify(&representative, der));
    Ok(post_quantum & classical)
}

/// A signature has a fixed place on the wire: zero bytes follow its DER, whose length says where it ends.
fn without_padding(padded: &[u8; P384_DER_MAX]) -> Option<&[u8]> {
    let [_, length, ..] = padded;
    let (der, padding) = padded.split_at_checked(usize::from(*length).saturating_add(2))?;
    padding.iter().all(|byte| *byte == 0).then_some(der)
}

impl Key {
    /// Draws 32 bytes of seed, then 48 for the scalar, again until they give one. The key and its public half.
    pub(super) fn generate(rng: &mut impl TryCryptoRng) -> Result<(Self, Box<[u8]>), Error> {
        let seed = Secret::<32>::random(rng)?;
        for _ in 0..TRIES {
            let scalar = Secret::<48>::random(rng)?;
            match Self::from_kept(Secret::join(&[seed.expose(), BEFORE_SCALAR, scalar.expose(), AFTER_SCALAR])?) {
                Err(Error::InvalidKey) => {}
                made => return made,
            }
        }
        Err(Error::Randomness)
    }

    pub(super) fn from_secret(bytes: &[u8]) -> Result<(Self, Box<[u8]>), Error> {
        let bytes: &[u8; SECRET] = bytes.try_into().map_err(|_| Error::InvalidKey)?;
        Self::from_kept(Secret::build(|place| place.copy_from_slice(bytes)))
    }

    fn from_kept(secret: Secret<SECRET>) -> Result<(Self, Box<[u8]>), Error> {
        let mut reader = Reader::new(secret.expose());
        let (seed_m, before, scalar, after) = (reader.array()?, reader.array()?, reader.array()?, reader.array()?);
        if before != BEFORE_SCALAR || after != AFTER_SCALAR {
            return Err(Error::InvalidKey);
        }
        let p384 = P384Signer::from_scalar(scalar).ok_or(Error::InvalidKey)?;
        let mut public = vec![0; PUBLIC].into_boxed_slice();
        let (mldsa_pk, point) = public.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        let mldsa = MlDsa87Key::from_seed(seed_m, mldsa_pk);
        point.copy_from_slice(&p384.public().to_bytes());
        Ok((Self { secret, mldsa, p384 }, public))
    }

    pub(super) fn secret_bytes(&self) -> &[u8] {
        self.secret.expose()
    }

    pub(super) fn sign(&self, context: &[u8], message: &[u8], rng: &mut impl TryCryptoRng) -> Result<Box<[u8]>, Error> {
        let rnd = Secret::<32>::random(rng)?;
        let representative = representative(label::COMPOSITE_MLDSA87_P384, context, message)?;
        let mut signature = vec![0; SIGNATURE].into_boxed_slice();
        let (mldsa_sig, padded) = signature.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        self.mldsa.sign(&representative, label::COMPOSITE_MLDSA87_P384, rnd.expose(), mldsa_sig)?;
        self.p384.sign(&representative, padded.first_chunk_mut().ok_or(Error::WrongKind)?);
        Ok(signature)
    }
}
