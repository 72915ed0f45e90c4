//! Pure Rust: libcrux for ML-KEM and ML-DSA (AVX2 found at run time) and for X25519's ladder, dalek for what starts from the base point and for Ed25519,
//! RustCrypto for the rest.
//!
//! Secrets come in by reference and go out into places that the caller wipes. What the libraries return by value is wiped here after it was copied.

use crate::error::Error;
use alloc::boxed::Box;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use ed25519_dalek::Signer;
use hkdf::Hkdf;
use sha2::{Digest, Sha256, Sha512};
use sha3::Sha3_256;
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

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

macro_rules! hkdf {
    ($extract:ident, $expand:ident, $hash:ty, $len:literal) => {
        pub(crate) fn $extract(salt: &[u8], ikm: &[u8], prk: &mut [u8; $len]) {
            let (mut output, _) = Hkdf::<$hash>::extract(Some(salt), ikm);
            prk.copy_from_slice(&output);
            output.as_mut_slice().zeroize();
        }

        /// `out` is at most 255 times the hash's length.
        pub(crate) fn $expand(prk: &[u8; $len], info: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
            Hkdf::<$hash>::from_prk(prk).map_err(|_| Error::TooLong)?.expand_multi_info(info, out).map_err(|_| Error::TooLong)
        }
    };
}

hkdf!(hkdf_sha256_extract, hkdf_sha256_expand, Sha256, 32);
#[cfg(feature = "level5")]
hkdf!(hkdf_sha512_extract, hkdf_sha512_expand, Sha512, 64);

// X25519: RFC 7748. A table of the base point's multiples is quicker than the ladder; for any other point the ladder of HACL* is the quickest.

pub(crate) fn x25519_public(secret: &[u8; 32]) -> [u8; 32] {
    let secret = x25519_dalek::StaticSecret::from(*secret);
    x25519_dalek::PublicKey::from(&secret).to_bytes()
}

/// Writes the shared secret. The choice says, in constant time, that it is not all zero.
pub(crate) fn x25519(secret: &[u8; 32], public: &[u8; 32], shared: &mut [u8; 32]) -> Choice {
    // It clamps by how it walks the scalar: bits 0 to 2 and 255 are not looked at, bit 254 is taken as set.
    libcrux_curve25519::hacl::scalarmult(shared, secret, public);
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

// ChaCha20-Poly1305: RFC 8439.

/// Encrypts `text` in place. At most 2^38 − 64 bytes.
pub(crate) fn chacha20poly1305_seal(key: &[u8; 32], nonce: &[u8; 12], ad: &[u8], text: &mut [u8]) -> Result<[u8; 16], Error> {
    ChaCha20Poly1305::new(key.into()).encrypt_inout_detached(nonce.into(), ad, text.into()).map(Into::into).map_err(|_| Error::TooLong)
}

/// Checks the tag, then decrypts `text` in place. On failure `text` is as it was.
pub(crate) fn chacha20poly1305_open(key: &[u8; 32], nonce: &[u8; 12], ad: &[u8], text: &mut [u8], tag: &[u8; 16]) -> Result<(), Error> {
    ChaCha20Poly1305::new(key.into()).decrypt_inout_detached(nonce.into(), ad, text.into(), tag.into()).map_err(|_| Error::Authentication)
}

// AES-256-GCM: NIST SP 800-38D.

/// A key with its schedule; the library wipes it when it is dropped. AES and carry-less multiplication instructions are found at run time.
pub(crate) struct Aes256GcmKey(Box<aes_gcm::Aes256Gcm>);

impl Aes256GcmKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Box::new(aes_gcm::Aes256Gcm::new(key.into())))
    }

    /// Encrypts `text` in place.
    pub(crate) fn seal(&self, nonce: &[u8; 12], ad: &[u8], text: &mut [u8]) -> Result<[u8; 16], Error> {
        self.0.encrypt_inout_detached(nonce.into(), ad, text.into()).map(Into::into).map_err(|_| Error::TooLong)
    }

    /// Checks the tag, then decrypts `text` in place. On failure `text` is as it was.
    pub(crate) fn open(&self, nonce: &[u8; 12], ad: &[u8], text: &mut [u8], tag: &[u8; 16]) -> Result<(), Error> {
        self.0.decrypt_inout_detached(nonce.into(), ad, text.into(), tag.into()).map_err(|_| Error::Authentication)
    }
}
