//! P-384: ECDH (SP 800-56A) and ECDSA with SHA-384 (FIPS 186-5, RFC 6979). Points are uncompressed, 97 bytes.

use alloc::boxed::Box;
use p384::ecdsa::signature::{Signer, Verifier};
use p384::ecdsa::{Signature, SigningKey, VerifyingKey};
use p384::elliptic_curve::ecdh::diffie_hellman;
use p384::elliptic_curve::sec1::ToSec1Point;
use p384::{PublicKey, SecretKey};

/// Bytes of a point.
pub(crate) const P384_POINT: usize = 97;
/// Bytes of the longest signature in DER.
pub(crate) const P384_DER_MAX: usize = 104;

/// A scalar from 1 to the order less one, with the point that belongs to it, for ECDH; the library wipes it when it is dropped. On the heap, so that
/// moving it leaves nothing behind.
pub(crate) struct P384Key {
    secret: Box<SecretKey>,
    public: P384Public,
}

impl P384Key {
    /// None for zero, and for what is not below the order.
    pub(crate) fn from_scalar(scalar: &[u8; 48]) -> Option<Self> {
        let secret = Box::new(SecretKey::from_slice(scalar).ok()?);
        let public = P384Public(secret.public_key());
        Some(Self { secret, public })
    }

    pub(crate) const fn public(&self) -> &P384Public {
        &self.public
    }

    /// Writes the x coordinate of the product.
    pub(crate) fn agree(&self, point: &P384Public, shared: &mut [u8; 48]) {
        let product = diffie_hellman(self.secret.to_nonzero_scalar(), point.0.as_affine());
        shared.copy_from_slice(product.raw_secret_bytes());
    }
}

/// The same for ECDSA.
pub(crate) struct P384Signer(Box<SigningKey>);

impl P384Signer {
    /// None for zero, and for what is not below the order.
    pub(crate) fn from_scalar(scalar: &[u8; 48]) -> Option<Self> {
        SigningKey::from_slice(scalar).ok().map(Box::new).map(Self)
    }

    pub(crate) fn public(&self) -> P384Public {
        P384Public(self.0.verifying_key().into())
    }

    /// In DER, its bytes after its length being zero.
    pub(crate) fn sign(&self, message: &[u8], der: &mut [u8; P384_DER_MAX]) {
        let signature: Signature = self.0.sign(message);
        let made = signature.to_der();
        let (place, rest) = der.split_at_mut(made.as_bytes().len().min(P384_DER_MAX));
        place.copy_from_slice(made.as_bytes());
        rest.fill(0);
    }
}

/// A point on the curve that is not at infinity.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct P384Public(PublicKey);

impl P384Public {
    /// None for anything but the uncompressed encoding of a point.
    pub(crate) fn from_bytes(point: &[u8; P384_POINT]) -> Option<Self> {
        if point.first() != Some(&4) {
            return None;
        }
        PublicKey::from_sec1_bytes(point).ok().map(Self)
    }

    pub(crate) fn to_bytes(&self) -> [u8; P384_POINT] {
        let encoded = self.0.to_sec1_point(false);
        let mut point = [0; P384_POINT];
        let bytes = encoded.as_bytes();
        let length = bytes.len().min(P384_POINT);
        point.split_at_mut(length).0.copy_from_slice(bytes.split_at(length).0);
        point
    }

    /// `der` is the signature and nothing else.
    pub(crate) fn verify(&self, message: &[u8], der: &[u8]) -> bool {
        Signature::from_der(der).is_ok_and(|signature| VerifyingKey::from(&self.0).verify(message, &signature).is_ok())
    }
}
