//! The primitives, one file a concern.
//!
//! ```text
//! suite ......... which algorithms go together, and their sizes
//! kem · signature · aead · hash
//! backend ....... the only folder that names third-party cryptography
//! ```
//!
//! A concern is a small enum, chosen at run time and carried by the keys, and a `match` on it; no type parameter, no trait object.
//! The hybrids and the label tables are written once, over [`backend`].

pub(crate) mod aead;
pub(crate) mod backend;
pub(crate) mod hash;
pub(crate) mod kem;
pub(crate) mod signature;
pub(crate) mod suite;

/// Every label of docs/protocol.md, section 1.1, that is not a signature context.
pub(crate) mod label {
    pub(crate) const XWING: &[u8; 6] = br"\.//^\";
    pub(crate) const COMPOSITE_PREFIX: &[u8; 32] = b"CompositeAlgorithmSignatures2025";
    pub(crate) const COMPOSITE_MLDSA65_ED25519: &[u8; 30] = b"COMPSIG-MLDSA65-Ed25519-SHA512";
    #[cfg(feature = "level5")]
    pub(crate) const COMPOSITE_MLDSA87_P384: &[u8; 33] = b"COMPSIG-MLDSA87-ECDSA-P384-SHA512";
    #[cfg(feature = "level5")]
    pub(crate) const MLKEM1024_P384: &[u8; 14] = b"MLKEM1024-P384";
    #[cfg(feature = "round3")]
    pub(crate) const DILITHIUM3_R3_ED25519: &[u8; 29] = b"Twinlock-Dilithium3R3-Ed25519";
    #[cfg(feature = "round3")]
    pub(crate) const X25519_KYBER768_R3: &[u8; 25] = b"Twinlock-X25519Kyber768R3";
    /// A signature context; what is signed under it never leaves.
    #[cfg(feature = "round3")]
    pub(crate) const KEY_CHECK: &[u8] = b"twinlock1 key check";
    pub(crate) const IDENTITY: &[u8] = b"twinlock1 identity";
    pub(crate) const SAFETY: &[u8] = b"twinlock1 safety";
    pub(crate) const BUNDLE_REF: &[u8] = b"tl1 bundle ref";
    pub(crate) const I2R: &[u8] = b"tl1 i2r";
    pub(crate) const R2I: &[u8] = b"tl1 r2i";
    pub(crate) const EXPORTER: &[u8] = b"tl1 exporter";
    pub(crate) const RESUME: &[u8] = b"tl1 resume";
    pub(crate) const RESUME_ID: &[u8] = b"tl1 resume id";
    pub(crate) const RESUME_PSK: &[u8] = b"tl1 resume psk";
    pub(crate) const PSK_TAG: &[u8] = b"tl1 psk tag";
    pub(crate) const KEY: &[u8] = b"tl1 key";
    pub(crate) const NEXT: &[u8] = b"tl1 next";
    pub(crate) const REKEY: &[u8] = b"tl1 rekey";
    pub(crate) const EXPORT: &[u8] = b"tl1 export";
}

#[cfg(test)]
pub(crate) mod published_vectors;

/// Records what this thread does with keys and hashes, so that a test can tell whether two ways are the same work.
#[cfg(test)]
pub(crate) mod work {
    extern crate std;
    use std::{cell::RefCell, vec::Vec};

    /// What was done, and on how many bytes.
    pub(crate) type Done = Vec<(&'static str, usize)>;

    std::thread_local!(static DONE: RefCell<Option<Done>> = const { RefCell::new(None) });

    pub(crate) fn did(what: &'static str, bytes: usize) {
        DONE.with_borrow_mut(|done| done.iter_mut().for_each(|done| done.push((what, bytes))));
    }

    /// Runs `f` and gives what it did, in order.
    pub(crate) fn watch<T>(f: impl FnOnce() -> T) -> (T, Done) {
        DONE.with_borrow_mut(|done| *done = Some(Vec::new()));
        let result = f();
        (result, DONE.with_borrow_mut(|done| done.take().unwrap_or_default()))
    }
}
