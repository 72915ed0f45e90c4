//! MLDSA65-Ed25519-SHA512 (docs/protocol.md, section 3.2). Secret key: `seed_m || seed_e`.

use super::representative;
use crate::crypto::backend::{self, Ed25519Key, Ed25519Public, MLDSA65_PK, MLDSA65_SIG, MlDsa65Key};
use crate::crypto::label;
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::halves;
use alloc::boxed::Box;
use alloc::vec;
use rand_core::TryCryptoRng;

pub(super) const PUBLIC: usize = MLDSA65_PK + 32;
pub(super) const SIGNATURE: usize = MLDSA65_SIG + 64;
pub(super) const SECRET: usize = 64;

pub(super) struct Key {
    seeds: Secret<SECRET>,
    mldsa: MlDsa65Key,
    ed25519: Ed25519Key,
}

/// The classical half of a public key.
pub(super) fn decode(public: &[u8]) -> Option<Ed25519Public> {
    let (_, classical) = halves::<MLDSA65_PK, 32>(public).ok()?;
    Ed25519Public::from_bytes(classical)
}

pub(super) fn verify(public: &[u8], ed25519: &Ed25519Public, context: &[u8], message: &[u8], signature: &[u8]) -> Result<bool, Error> {
    let representative = representative(label::COMPOSITE_MLDSA65_ED25519, context, message)?;
    let (mldsa, _) = halves::<MLDSA65_PK, 32>(public)?;
    let (mldsa_sig, ed25519_sig) = halves(signature)?;
    let post_quantum = backend::mldsa65_verify(mldsa, &representative, label::COMPOSITE_MLDSA65_ED25519, mldsa_sig);
    let classical = ed25519.verify(&representative, ed25519_sig);
    Ok(post_quantum & classical)
}

impl Key {
    /// Draws 64 bytes. The key and its public half.
    pub(super) fn generate(rng: &mut impl TryCryptoRng) -> Result<(Self, Box<[u8]>), Error> {
        Self::from_seeds(Secret::random(rng)?)
    }

    pub(super) fn from_secret(bytes: &[u8]) -> Result<(Self, Box<[u8]>), Error> {
        let seeds: &[u8; SECRET] = bytes.try_into().map_err(|_| Error::InvalidKey)?;
        Self::from_seeds(Secret::build(|place| place.copy_from_slice(seeds)))
    }

    fn from_seeds(seeds: Secret<SECRET>) -> Result<(Self, Box<[u8]>), Error> {
        let (seed_m, seed_e) = halves(seeds.expose())?;
        let mut public = vec![0; PUBLIC].into_boxed_slice();
        let (mldsa_pk, ed25519_pk) = public.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        let mldsa = MlDsa65Key::from_seed(seed_m, mldsa_pk);
        let ed25519 = Ed25519Key::from_seed(seed_e);
        ed25519_pk.copy_from_slice(ed25519.public().as_bytes());
        Ok((Self { seeds, mldsa, ed25519 }, public))
    }

    pub(super) fn secret_bytes(&self) -> &[u8] {
        self.seeds.expose()
    }

    pub(super) fn sign(&self, context: &[u8], message: &[u8], rng: &mut impl TryCryptoRng) -> Result<Box<[u8]>, Error> {
        let rnd = Secret::<32>::random(rng)?;
        let representative = representative(label::COMPOSITE_MLDSA65_ED25519, context, message)?;
        let mut signature = vec![0; SIGNATURE].into_boxed_slice();
        let (mldsa_sig, ed25519_sig) = signature.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        self.mldsa.sign(&representative, label::COMPOSITE_MLDSA65_ED25519, rnd.expose(), mldsa_sig)?;
        ed25519_sig.copy_from_slice(&self.ed25519.sign(&representative));
        Ok(signature)
    }
}
