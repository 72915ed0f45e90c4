//! CRYSTALS-Kyber 3.02 and CRYSTALS-Dilithium 3.1, of round 3: PQClean's portable C code.
//!
//! The crates draw their own randomness, from the operating system, and end the process where it fails. Their types neither wipe themselves nor let
//! themselves be wiped: what this file holds on to is a [`Secret`], and what a call leaves on the stack stays there.

use crate::secret::Secret;
use pqcrypto_dilithium::dilithium3;
use pqcrypto_kyber::kyber768;
use pqcrypto_traits::kem::{Ciphertext, PublicKey, SecretKey, SharedSecret};
use pqcrypto_traits::sign::{DetachedSignature, PublicKey as _, SecretKey as _};

pub(crate) const KYBER768_EK: usize = 1184;
pub(crate) const KYBER768_CT: usize = 1088;
pub(crate) const KYBER768_DK: usize = 2400;
pub(crate) const DILITHIUM3_SK: usize = 4000;
pub(crate) const DILITHIUM3_PK: usize = 1952;
pub(crate) const DILITHIUM3_SIG: usize = 3293;

/// A Kyber768 decapsulation key, expanded: 2,400 bytes.
pub(crate) struct Kyber768Key(Secret<KYBER768_DK>);

impl Kyber768Key {
    pub(crate) fn generate(ek: &mut [u8; KYBER768_EK]) -> Self {
        let (public, secret) = kyber768::keypair();
        copy(public.as_bytes(), ek);
        Self(Secret::build(|place| _ = copy(secret.as_bytes(), place)))
    }

    pub(crate) fn from_expanded(expanded: &[u8; KYBER768_DK]) -> Self {
        Self(Secret::build(|place| place.copy_from_slice(expanded)))
    }

    pub(crate) fn expanded(&self) -> &[u8; KYBER768_DK] {
        self.0.expose()
    }

    /// It stands within: s, 1,152 bytes, then the encapsulation key, its hash, and z.
    pub(crate) fn encapsulation_key(&self) -> &[u8] {
        let (_, rest) = self.0.expose().split_at(1152);
        rest.split_at(KYBER768_EK).0
    }

    /// Implicit rejection: any ciphertext gives a secret. False only where the library refuses the lengths, which are fixed.
    pub(crate) fn decapsulate(&self, ct: &[u8; KYBER768_CT], shared: &mut [u8; 32]) -> bool {
        let (Ok(secret), Ok(ct)) = (kyber768::SecretKey::from_bytes(self.0.expose()), kyber768::Ciphertext::from_bytes(ct)) else {
            return false;
        };
        copy(kyber768::decapsulate(&ct, &secret).as_bytes(), shared);
        true
    }
}

/// False only where the library refuses the length, which is fixed.
pub(crate) fn kyber768_encapsulate(ek: &[u8; KYBER768_EK], ct: &mut [u8; KYBER768_CT], shared: &mut [u8; 32]) -> bool {
    let Ok(public) = kyber768::PublicKey::from_bytes(ek) else { return false };
    let (secret, ciphertext) = kyber768::encapsulate(&public);
    copy(ciphertext.as_bytes(), ct);
    copy(secret.as_bytes(), shared);
    true
}

/// A Dilithium3 signing key, expanded.
pub(crate) struct Dilithium3Key(Secret<DILITHIUM3_SK>);

impl Dilithium3Key {
    pub(crate) fn generate(pk: &mut [u8; DILITHIUM3_PK]) -> Self {
        let (public, secret) = dilithium3::keypair();
        copy(public.as_bytes(), pk);
        Self(Secret::build(|place| _ = copy(secret.as_bytes(), place)))
    }

    /// None where a coefficient of s1 or s2 is above η: with such a key, signing might never end.
    pub(crate) fn from_expanded(expanded: &[u8; DILITHIUM3_SK]) -> Option<Self> {
        // rho, K and tr, 32 bytes each; then 5 + 6 polynomials of 128 bytes, two coefficients a byte, as η - c with η = 4.
        let (_, rest) = expanded.split_at(96);
        let (short, _) = rest.split_at(11 * 128);
        let above = short.iter().fold(0u8, |above, byte| above | u8::from(byte & 15 > 8) | u8::from(byte >> 4 > 8));
        (above == 0).then(|| Self(Secret::build(|place| place.copy_from_slice(expanded))))
    }

    pub(crate) fn expanded(&self) -> &[u8; DILITHIUM3_SK] {
        self.0.expose()
    }

    /// Without a context, and deterministic. False only where the library refuses the lengths, which are fixed.
    pub(crate) fn sign(&self, message: &[u8], signature: &mut [u8; DILITHIUM3_SIG]) -> bool {
        let Ok(secret) = dilithium3::SecretKey::from_bytes(self.0.expose()) else { return false };
        let made = dilithium3::detached_sign(message, &secret);
        copy(made.as_bytes(), signature)
    }
}

pub(crate) fn dilithium3_verify(pk: &[u8; DILITHIUM3_PK], message: &[u8], signature: &[u8; DILITHIUM3_SIG]) -> bool {
    let (Ok(public), Ok(signature)) = (dilithium3::PublicKey::from_bytes(pk), dilithium3::DetachedSignature::from_bytes(signature)) else {
        return false;
    };
    dilithium3::verify_detached_signature(&signature, message, &public).is_ok()
}

/// False where the lengths differ, and then nothing is copied.
fn copy(from: &[u8], to: &mut [u8]) -> bool {
    let fits = from.len() == to.len();
    if fits {
        to.copy_from_slice(from);
    }
    fits
}
