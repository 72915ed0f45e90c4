//! Dilithium3 of round 3 and Ed25519 (docs/protocol.md, section 3.6). Secret key: Dilithium3's expanded one || Ed25519 seed || public key.

use super::representative;
use crate::crypto::backend::{self, DILITHIUM3_PK, DILITHIUM3_SIG, DILITHIUM3_SK, Dilithium3Key, Ed25519Key, Ed25519Public};
use crate::crypto::label;
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::{Reader, halves};
use alloc::boxed::Box;
use alloc::vec;
use rand_core::TryCryptoRng;

pub(super) const PUBLIC: usize = DILITHIUM3_PK + 32;
pub(super) const SIGNATURE: usize = DILITHIUM3_SIG + 64;
pub(super) const SECRET: usize = DILITHIUM3_SK + 32 + PUBLIC;

pub(super) struct Key {
    secret: Secret<SECRET>,
    dilithium: Dilithium3Key,
    ed25519: Ed25519Key,
}

/// The classical half of a public key.
pub(super) fn decode(public: &[u8]) -> Option<Ed25519Public> {
    let (_, classical) = halves::<DILITHIUM3_PK, 32>(public).ok()?;
    Ed25519Public::from_bytes(classical)
}

/// Dilithium has no context of its own; the representative carries it.
pub(super) fn verify(public: &[u8], ed25519: &Ed25519Public, context: &[u8], message: &[u8], signature: &[u8]) -> Result<bool, Error> {
    let representative = representative(label::DILITHIUM3_R3_ED25519, context, message)?;
    let (dilithium, _) = halves::<DILITHIUM3_PK, 32>(public)?;
    let (dilithium_sig, ed25519_sig) = halves(signature)?;
    let post_quantum = backend::dilithium3_verify(dilithium, &representative, dilithium_sig);
    let classical = ed25519.verify(&representative, ed25519_sig);
    Ok(post_quantum & classical)
}

impl Key {
    /// Draws 32 bytes for the Ed25519 half; Dilithium's randomness is its crate's own. The key and its public half.
    pub(super) fn generate(rng: &mut impl TryCryptoRng) -> Result<(Self, Box<[u8]>), Error> {
        let seed = Secret::<32>::random(rng)?;
        let mut public = vec![0; PUBLIC].into_boxed_slice();
        let (dilithium_pk, ed25519_pk) = public.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        let dilithium = Dilithium3Key::generate(dilithium_pk);
        let ed25519 = Ed25519Key::from_seed(seed.expose());
        ed25519_pk.copy_from_slice(ed25519.public().as_bytes());
        let secret = Secret::join(&[dilithium.expanded(), seed.expose(), &public])?;
        Ok((Self { secret, dilithium, ed25519 }, public))
    }

    /// The three parts must belong together: an expanded key tells nothing of its own, and signing under another public key than one's own gives Ed25519's away.
    pub(super) fn from_secret(bytes: &[u8]) -> Result<(Self, Box<[u8]>), Error> {
        let bytes: &[u8; SECRET] = bytes.try_into().map_err(|_| Error::InvalidKey)?;
        let secret = Secret::build(|place: &mut [u8; SECRET]| place.copy_from_slice(bytes));
        let mut reader = Reader::new(secret.expose());
        let (expanded, seed, public) = (reader.array()?, reader.array()?, reader.rest());
        let public: Box<[u8]> = public.into();
        let dilithium = Dilithium3Key::from_expanded(expanded).ok_or(Error::InvalidKey)?;
        let ed25519 = Ed25519Key::from_seed(seed);
        let key = Self { secret, dilithium, ed25519 };
        let classical = decode(&public).filter(|classical| *classical == key.ed25519.public()).ok_or(Error::InvalidKey)?;
        let signature = key.sign(label::KEY_CHECK, &[])?;
        if verify(&public, &classical, label::KEY_CHECK, &[], &signature)? { Ok((key, public)) } else { Err(Error::InvalidKey) }
    }

    pub(super) fn secret_bytes(&self) -> &[u8] {
        self.secret.expose()
    }

    pub(super) fn sign(&self, context: &[u8], message: &[u8]) -> Result<Box<[u8]>, Error> {
        let representative = representative(label::DILITHIUM3_R3_ED25519, context, message)?;
        let mut signature = vec![0; SIGNATURE].into_boxed_slice();
        let (dilithium_sig, ed25519_sig) = signature.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        if !self.dilithium.sign(&representative, dilithium_sig) {
            return Err(Error::WrongKind);
        }
        ed25519_sig.copy_from_slice(&self.ed25519.sign(&representative));
        Ok(signature)
    }
}
