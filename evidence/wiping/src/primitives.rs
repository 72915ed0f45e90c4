//! The primitives of the specification (docs/protocol.md, section 3), called directly in the libraries, for the two kinds of suites.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a check that cannot go on stops")]
#![allow(dead_code, reason = "suites of level 5 need more than the others")]

use hkdf::Hkdf;
use sha2::{Digest, Sha256, Sha512};
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Algorithms {
    Level3,
    Level5,
}

impl Algorithms {
    pub(crate) fn level5(self) -> bool {
        self == Algorithms::Level5
    }

    pub(crate) fn hashlen(self) -> usize {
        if self.level5() { 64 } else { 32 }
    }

    pub(crate) fn hash(self, parts: &[&[u8]]) -> Vec<u8> {
        let all = parts.concat();
        if self.level5() { Sha512::digest(all).to_vec() } else { Sha256::digest(all).to_vec() }
    }

    pub(crate) fn extract(self, salt: &[u8], ikm: &[u8]) -> Vec<u8> {
        if self.level5() {
            Hkdf::<Sha512>::extract(Some(salt), ikm).0.to_vec()
        } else {
            Hkdf::<Sha256>::extract(Some(salt), ikm).0.to_vec()
        }
    }

    pub(crate) fn expand(self, prk: &[u8], info: &[&[u8]], n: usize) -> Vec<u8> {
        let mut out = vec![0; n];
        match self {
            Algorithms::Level3 => Hkdf::<Sha256>::from_prk(prk).unwrap().expand_multi_info(info, &mut out).unwrap(),
            Algorithms::Level5 => Hkdf::<Sha512>::from_prk(prk).unwrap().expand_multi_info(info, &mut out).unwrap(),
        }
        out
    }

    pub(crate) fn mldsa(self, seed: &[u8]) -> Vec<u8> {
        let seed = seed.try_into().unwrap();
        #[cfg(feature = "level5")]
        if self.level5() {
            return libcrux_ml_dsa::ml_dsa_87::generate_key_pair(seed).signing_key.as_slice().to_vec();
        }
        libcrux_ml_dsa::ml_dsa_65::generate_key_pair(seed).signing_key.as_slice().to_vec()
    }

    /// Decapsulation key, encapsulation key, and the parameter k.
    pub(crate) fn mlkem(self, seed: &[u8]) -> (Vec<u8>, Vec<u8>, u8) {
        let seed = seed.try_into().unwrap();
        #[cfg(feature = "level5")]
        if self.level5() {
            let pair = libcrux_ml_kem::mlkem1024::generate_key_pair(seed);
            return (pair.sk().to_vec(), pair.pk().to_vec(), 4);
        }
        let pair = libcrux_ml_kem::mlkem768::generate_key_pair(seed);
        (pair.sk().to_vec(), pair.pk().to_vec(), 3)
    }

    pub(crate) fn mlkem_encapsulate(self, ek: &[u8], m: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let m = m.try_into().unwrap();
        #[cfg(feature = "level5")]
        if self.level5() {
            let ek: &[u8; 1568] = ek.try_into().unwrap();
            let (ct, ss) = libcrux_ml_kem::mlkem1024::encapsulate(&ek.into(), m);
            return (ct.as_slice().to_vec(), ss.to_vec());
        }
        let ek: &[u8; 1184] = ek.try_into().unwrap();
        let (ct, ss) = libcrux_ml_kem::mlkem768::encapsulate(&ek.into(), m);
        (ct.as_slice().to_vec(), ss.to_vec())
    }

    pub(crate) fn public(self, scalar: &[u8]) -> Vec<u8> {
        #[cfg(feature = "level5")]
        if self.level5() {
            use p384::elliptic_curve::sec1::ToSec1Point;
            return p384::SecretKey::from_slice(scalar).unwrap().public_key().to_sec1_point(false).as_bytes().to_vec();
        }
        let scalar: [u8; 32] = scalar.try_into().unwrap();
        x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(scalar)).as_bytes().to_vec()
    }

    pub(crate) fn agree(self, scalar: &[u8], public: &[u8]) -> Vec<u8> {
        #[cfg(feature = "level5")]
        if self.level5() {
            let (secret, public) = (p384::SecretKey::from_slice(scalar).unwrap(), p384::PublicKey::from_sec1_bytes(public).unwrap());
            let shared = p384::elliptic_curve::ecdh::diffie_hellman(secret.to_nonzero_scalar(), public.as_affine());
            return shared.raw_secret_bytes().to_vec();
        }
        let (scalar, public): ([u8; 32], [u8; 32]) = (scalar.try_into().unwrap(), public.try_into().unwrap());
        x25519_dalek::StaticSecret::from(scalar).diffie_hellman(&public.into()).as_bytes().to_vec()
    }
}

pub(crate) fn shake256(parts: &[&[u8]], n: usize) -> Vec<u8> {
    let mut hash = Shake256::default();
    parts.iter().for_each(|part| hash.update(part));
    let mut out = vec![0; n];
    hash.finalize_xof().read(&mut out);
    out
}

/// s · 2^384 modulo the order, its least significant byte first: how the library keeps a scalar on a machine with that byte order.
#[cfg(feature = "level5")]
pub(crate) fn montgomery(scalar: &[u8]) -> Vec<u8> {
    let scalar = *p384::SecretKey::from_slice(scalar).unwrap().to_nonzero_scalar();
    reversed(&(0..384).fold(scalar, |x, _| x + x).to_bytes())
}

/// What the library writes over a scalar that it wipes.
#[cfg(feature = "level5")]
pub(crate) fn montgomery_one() -> Vec<u8> {
    let mut one = [0; 48];
    one[47] = 1;
    montgomery(&one)
}

pub(crate) fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// RFC 7748, section 5.
pub(crate) fn clamped(scalar: &[u8]) -> Vec<u8> {
    let mut scalar = scalar.to_vec();
    scalar[0] &= 248;
    scalar[31] = scalar[31] & 127 | 64;
    scalar
}
