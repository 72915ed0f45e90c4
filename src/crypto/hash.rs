//! The suite's hash, HKDF over it, and the public digests (docs/protocol.md, section 1).

use crate::crypto::backend;
#[cfg(test)]
use crate::crypto::work;
use crate::error::Error;
use crate::secret::{Secret, scrubbed};

/// HASHLEN of the longest hash of any suite.
pub(crate) const HASHLEN_MAX: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hash {
    Sha256,
    #[cfg(feature = "level5")]
    Sha512,
}

impl Hash {
    /// HASHLEN, in bytes.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            #[cfg(feature = "level5")]
            Self::Sha512 => 64,
        }
    }

    /// The name in protocol names.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA256",
            #[cfg(feature = "level5")]
            Self::Sha512 => "SHA512",
        }
    }

    /// `H(parts joined)`, in the first HASHLEN bytes.
    pub(crate) fn hash(self, parts: &[&[u8]]) -> Secret<HASHLEN_MAX> {
        #[cfg(test)]
        work::did("hash", parts.iter().map(|part| part.len()).sum());
        match self {
            Self::Sha256 => {
                let mut digest = backend::sha256(parts);
                let out = Secret::build(|place| place.split_at_mut(32).0.copy_from_slice(&digest));
                zeroize::Zeroize::zeroize(&mut digest);
                out
            }
            #[cfg(feature = "level5")]
            Self::Sha512 => Secret::take(&mut backend::sha512(parts)),
        }
    }

    /// Runs one step of HKDF. How much stack each uses was measured in an optimised build.
    fn scrubbed<T>(self, step: impl FnOnce() -> T) -> T {
        match self {
            Self::Sha256 => scrubbed::<{ 2 << 10 }, _>(step),
            #[cfg(feature = "level5")]
            Self::Sha512 => scrubbed::<{ 4 << 10 }, _>(step),
        }
    }

    /// `Extract(salt, ikm)` of RFC 5869, in the first HASHLEN bytes.
    pub(crate) fn extract(self, salt: &[u8], ikm: &[u8]) -> Secret<HASHLEN_MAX> {
        #[cfg(test)]
        work::did("extract", salt.len() + ikm.len());
        self.scrubbed(|| self.extract_here(salt, ikm))
    }

    fn extract_here(self, salt: &[u8], ikm: &[u8]) -> Secret<HASHLEN_MAX> {
        Secret::build(|place| match self {
            Self::Sha256 => {
                if let Some((prk, _)) = place.split_first_chunk_mut() {
                    backend::hkdf_sha256_extract(salt, ikm, prk);
                }
            }
            #[cfg(feature = "level5")]
            Self::Sha512 => backend::hkdf_sha512_extract(salt, ikm, place),
        })
    }

    /// `Expand(prk, info, out.len())` of RFC 5869. [`Error::TooLong`] above 255 · HASHLEN bytes.
    pub(crate) fn expand(self, prk: &Secret<HASHLEN_MAX>, info: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
        #[cfg(test)]
        work::did("expand", out.len());
        self.scrubbed(|| self.expand_here(prk, info, out))
    }

    fn expand_here(self, prk: &Secret<HASHLEN_MAX>, info: &[&[u8]], out: &mut [u8]) -> Result<(), Error> {
        match self {
            Self::Sha256 => {
                let (prk, _) = prk.expose().split_first_chunk().ok_or(Error::WrongKind)?;
                backend::hkdf_sha256_expand(prk, info, out)
            }
            #[cfg(feature = "level5")]
            Self::Sha512 => backend::hkdf_sha512_expand(prk.expose(), info, out),
        }
    }

    /// `Expand(prk, info, HASHLEN)`.
    pub(crate) fn expand_secret(self, prk: &Secret<HASHLEN_MAX>, info: &[&[u8]]) -> Result<Secret<HASHLEN_MAX>, Error> {
        Secret::try_build(|place| self.expand(prk, info, place.split_at_mut(self.len()).0))
    }
}
