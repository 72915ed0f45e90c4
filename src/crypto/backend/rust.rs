//! Pure Rust: libcrux for ML-KEM and ML-DSA (verified; AVX2 found at run time), dalek for the curve, RustCrypto for the rest.
//!
//! Secrets come in by reference and go out into places that the caller wipes. What the libraries return by value is wiped here after it was copied.

use crate::error::Error;
use alloc::boxed::Box;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use ed25519_dalek::Signer;
use hkdf::Hkdf;
use libcrux_ml_dsa::ml_dsa_65;
use libcrux_ml_kem::mlkem768;
use sha2::{Digest, Sha256, Sha512};
use sha3::Sha3_256;
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

pub(crate) const MLKEM768_EK: usize = 1184;
pub(crate) const MLKEM768_CT: usize = 1088;
pub(crate) const MLDSA65_PK: usize = 1952;
pub(crate) const MLDSA65_SIG: usize = 3309;

// Hashes: FIPS 180-4 and FIPS 202, over the joined parts.

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| Digest::update(&mut hash, part));
    hash.finalize().into()
}

pub(crate) fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut hash = Sha512::new();
    parts.iter().for_each(|part| Digest::update(&mut hash, part));
    hash.finalize().into()
}

pub(crate) fn sha3_256(parts: &[&[u8]], out: &mut [u8; 32]) {
    let mut hash = Sha3_256::new();
    parts.iter().for_each(|part| Digest::update(&mut hash, part));
    let mut digest: [u8; 32] = hash.finalize().into();
    out.copy_from_slice(&digest);
    digest.zeroize();
}

pub(crate) fn shake256(input: &[u8], out: &mut [u8]) {
    let mut hash = Shake256::default();
    hash.update(input);
    hash.finalize_xof().read(out);
}

// HKDF: RFC 5869.

pub(crate) fn hkdf_sha256_extract(salt: &[u8], ikm: &[u8], prk: &mut [u8; 32]) {
    let (mut output, _) = Hkdf::<Sha256>::extract(Some(salt), ikm);
    prk.copy_from_slice(&output);
    output.as_mut_slice().zeroize();
}

/// `out` is at most 255 · 32 bytes long.
pub(crate) fn hkdf_sha256_expand(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
    Hkdf::<Sha256>::from_prk(prk).map_err(|_| Error::TooLong)?.expand_multi_info(info, out).map_err(|_| Error::TooLong)
}

// X25519: RFC 7748.

pub(crate) fn x25519_public(secret: &[u8; 32]) -> [u8; 32] {
    let secret = x25519_dalek::StaticSecret::from(*secret);
    x25519_dalek::PublicKey::from(&secret).to_bytes()
}

/// Writes the shared secret. The choice says, in constant time, that it is not all zero.
pub(crate) fn x25519(secret: &[u8; 32], public: &[u8; 32], shared: &mut [u8; 32]) -> Choice {
    let secret = x25519_dalek::StaticSecret::from(*secret);
    let result = secret.diffie_hellman(&x25519_dalek::PublicKey::from(*public));
    shared.copy_from_slice(result.as_bytes());
    !shared.ct_eq(&[0; 32])
}

// Ed25519: RFC 8032.

/// An Ed25519 key pair, made from its seed; the library wipes it when it is dropped.
pub(crate) struct Ed25519Key(Box<ed25519_dalek::SigningKey>);

impl Ed25519Key {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Box::new(ed25519_dalek::SigningKey::from_bytes(seed)))
    }

    pub(crate) fn public(&self) -> Ed25519Public {
        Ed25519Public(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// An Ed25519 public key, decoded: its encoding was canonical, and the point is not of small order.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ed25519Public(ed25519_dalek::VerifyingKey);

impl Ed25519Public {
    /// None for any other bytes.
    pub(crate) fn from_bytes(public: &[u8; 32]) -> Option<Self> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(public).ok()?;
        // Decoding accepts y ≥ p; encoding again shows it.
        let canonical = key.to_edwards().compress().as_bytes() == public;
        (canonical && !key.is_weak()).then_some(Self(key))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Strict: S < L, no small-order A or R, A and R canonical, the equation without the cofactor.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

// ML-KEM-768: FIPS 203.

/// An ML-KEM-768 decapsulation key, made from its seed; wiped when dropped.
pub(crate) struct MlKem768Key(Box<mlkem768::MlKem768PrivateKey>);

impl MlKem768Key {
    /// From `d || z`; writes the encapsulation key.
    pub(crate) fn from_seed(seed: &[u8; 64], ek: &mut [u8; MLKEM768_EK]) -> Self {
        let (mut secret, public) = mlkem768::generate_key_pair(*seed).into_parts();
        ek.copy_from_slice(public.as_slice());
        let key = Self(Box::new(secret.clone()));
        wipe(&mut secret);
        key
    }

    /// Implicit rejection: any ciphertext gives a secret.
    pub(crate) fn decapsulate(&self, ct: &[u8; MLKEM768_CT], shared: &mut [u8; 32]) {
        let mut secret = mlkem768::decapsulate(&self.0, &ct.into());
        shared.copy_from_slice(&secret);
        secret.zeroize();
    }
}

impl Drop for MlKem768Key {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

#[allow(clippy::indexing_slicing, reason = "the library gives no other way to its bytes; the range is the type's own length")]
fn wipe(key: &mut mlkem768::MlKem768PrivateKey) {
    key[0..mlkem768::MlKem768PrivateKey::len()].zeroize();
}

/// The check of section 7.2: every coefficient decodes below q.
pub(crate) fn mlkem768_check(ek: &[u8; MLKEM768_EK]) -> bool {
    mlkem768::validate_public_key(&ek.into())
}

/// `ek` has passed [`mlkem768_check`].
pub(crate) fn mlkem768_encapsulate(ek: &[u8; MLKEM768_EK], coins: &[u8; 32], ct: &mut [u8; MLKEM768_CT], shared: &mut [u8; 32]) {
    let (ciphertext, mut secret) = mlkem768::encapsulate(&ek.into(), *coins);
    ct.copy_from_slice(ciphertext.as_slice());
    shared.copy_from_slice(&secret);
    secret.zeroize();
}

// ML-DSA-65: FIPS 204.

/// An ML-DSA-65 signing key, made from its seed; wiped when dropped.
pub(crate) struct MlDsa65Key(Box<ml_dsa_65::MLDSA65SigningKey>);

impl MlDsa65Key {
    /// Writes the public key.
    pub(crate) fn from_seed(seed: &[u8; 32], pk: &mut [u8; MLDSA65_PK]) -> Self {
        let mut pair = ml_dsa_65::generate_key_pair(*seed);
        pk.copy_from_slice(pair.verification_key.as_slice());
        let key = Self(Box::new(pair.signing_key.clone()));
        pair.signing_key.as_mut_slice().zeroize();
        key
    }

    /// Algorithm 2, `rnd` being the hedge. Fails with the tiny probability that the rejection loop's bound leaves: draw again.
    pub(crate) fn sign(&self, message: &[u8], context: &[u8], rnd: &[u8; 32], signature: &mut [u8; MLDSA65_SIG]) -> Result<(), Error> {
        let made = ml_dsa_65::sign(&self.0, message, context, *rnd).map_err(|_| Error::Randomness)?;
        signature.copy_from_slice(made.as_slice());
        Ok(())
    }
}

impl Drop for MlDsa65Key {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

pub(crate) fn mldsa65_verify(pk: &[u8; MLDSA65_PK], message: &[u8], context: &[u8], signature: &[u8; MLDSA65_SIG]) -> bool {
    let pk = ml_dsa_65::MLDSA65VerificationKey::new(*pk);
    let signature = ml_dsa_65::MLDSA65Signature::new(*signature);
    ml_dsa_65::verify(&pk, message, context, &signature).is_ok()
}

// ChaCha20-Poly1305: RFC 8439.

/// Encrypts `text` in place. At most 2^38 − 64 bytes.
pub(crate) fn chacha20poly1305_seal(key: &[u8; 32], nonce: &[u8; 12], ad: &[u8], text: &mut [u8]) -> Result<[u8; 16], Error> {
    ChaCha20Poly1305::new(key.into()).encrypt_inout_detached(nonce.into(), ad, text.into()).map(Into::into).map_err(|_| Error::TooLong)
}

/// Checks the tag, then decrypts `text` in place. On failure `text` is as it was.
pub(crate) fn chacha20poly1305_open(key: &[u8; 32], nonce: &[u8; 12], ad: &[u8], text: &mut [u8], tag: &[u8; 16]) -> Result<(), Error> {
    ChaCha20Poly1305::new(key.into()).decrypt_inout_detached(nonce.into(), ad, text.into(), tag.into()).map_err(|_| Error::Authentication)
}
