//! Third-party cryptography, behind functions over byte arrays and keys that wipe themselves; nothing but calls.
//!
//! ```text
//! rust ...... hashes, HKDF, X25519, Ed25519, the AEADs          lattice ... ML-KEM and ML-DSA
//! p384 ...... ECDH and ECDSA (feature `level5`)                 round3 .... Kyber and Dilithium (feature `round3`)
//! ```

mod lattice;
#[cfg(feature = "level5")]
mod p384;
#[cfg(feature = "round3")]
mod round3;
pub(crate) mod rust;

#[cfg(feature = "level5")]
pub(crate) use self::p384::*;
pub(crate) use lattice::*;
#[cfg(feature = "round3")]
pub(crate) use round3::*;
pub(crate) use rust::*;
