//! Authenticated encryption with Noise's nonces (docs/protocol.md, section 3.3).
//!
//! ```text
//! ChaCha20-Poly1305   00000000 || counter, 64 bits, little-endian
//! AES-256-GCM         00000000 || counter, 64 bits, big-endian
//! ```

use crate::crypto::backend;
#[cfg(test)]
use crate::crypto::work;
use crate::error::Error;
use crate::secret::{Secret, scrubbed};

/// Bytes that a tag adds.
pub(crate) const TAG: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Aead {
    ChaCha20Poly1305,
    Aes256Gcm,
}

impl Aead {
    /// The name in protocol names.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ChaCha20Poly1305 => "ChaChaPoly",
            Self::Aes256Gcm => "AESGCM",
        }
    }

    /// How many records one key may seal (docs/protocol.md, section 8.2).
    pub(crate) const fn records_a_key(self) -> u64 {
        match self {
            Self::ChaCha20Poly1305 => 1 << 48,
            Self::Aes256Gcm => 1 << 24,
        }
    }

    /// Runs a step of it, and wipes the stack that the step used: its depth is that of an optimised build. AES with AVX-512 spreads the key schedule to 4 KiB, and spills it; ChaCha20 there
    /// leaves the key more than 3 KiB down.
    fn scrubbed<T>(step: impl FnOnce() -> T) -> T {
        scrubbed::<{ 8 << 10 }, _>(step)
    }

    /// The key whose bytes `fill` writes.
    pub(crate) fn key(self, fill: impl FnOnce(&mut [u8; 32]) -> Result<(), Error>) -> Result<AeadKey, Error> {
        Self::scrubbed(|| self.key_here(fill))
    }

    fn key_here(self, fill: impl FnOnce(&mut [u8; 32]) -> Result<(), Error>) -> Result<AeadKey, Error> {
        match self {
            Self::ChaCha20Poly1305 => Ok(AeadKey::ChaCha20Poly1305(Secret::try_build(fill)?)),
            Self::Aes256Gcm => {
                let key = Secret::try_build(fill)?;
                Ok(AeadKey::Aes256Gcm(
                    backend::Aes256GcmKey::new(key.expose()),
                    #[cfg(test)]
                    key,
                ))
            }
        }
    }
}

/// A key, with its algorithm.
pub(crate) enum AeadKey {
    ChaCha20Poly1305(Secret<32>),
    /// With its key schedule, which is made once a key.
    Aes256Gcm(backend::Aes256GcmKey, #[cfg(test)] Secret<32>),
}

impl AeadKey {
    /// Encrypts `text` in place and gives its tag. No counter may be used twice with one key: who owns the key counts.
    pub(crate) fn seal(&self, counter: u64, ad: &[u8], text: &mut [u8]) -> Result<[u8; TAG], Error> {
        #[cfg(test)]
        nonces::record(self, counter);
        #[cfg(test)]
        work::did("seal", ad.len() + text.len());
        match self {
            Self::ChaCha20Poly1305(key) => {
                let nonce = nonce(counter.to_le_bytes());
                Aead::scrubbed(|| backend::chacha20poly1305_seal(key.expose(), &nonce, ad, text))
            }
            Self::Aes256Gcm(key, ..) => Aead::scrubbed(|| key.seal(&nonce(counter.to_be_bytes()), ad, text)),
        }
    }

    /// Checks the tag, then decrypts `text` in place; [`Error::Authentication`] leaves it as it was.
    pub(crate) fn open(&self, counter: u64, ad: &[u8], text: &mut [u8], tag: &[u8; TAG]) -> Result<(), Error> {
        #[cfg(test)]
        work::did("open", ad.len() + text.len());
        match self {
            Self::ChaCha20Poly1305(key) => {
                let nonce = nonce(counter.to_le_bytes());
                Aead::scrubbed(|| backend::chacha20poly1305_open(key.expose(), &nonce, ad, text, tag))
            }
            Self::Aes256Gcm(key, ..) => Aead::scrubbed(|| key.open(&nonce(counter.to_be_bytes()), ad, text, tag)),
        }
    }

    #[cfg(test)]
    pub(crate) fn expose(&self) -> &[u8; 32] {
        match self {
            Self::ChaCha20Poly1305(key) | Self::Aes256Gcm(_, key) => key.expose(),
        }
    }
}

fn nonce(counter: [u8; 8]) -> [u8; 12] {
    let mut nonce = [0; 12];
    if let Some(place) = nonce.last_chunk_mut() {
        *place = counter;
    }
    nonce
}

/// Records every (key, counter) that this thread seals with, so that a test can look for one used twice.
#[cfg(test)]
pub(crate) mod nonces {
    extern crate std;
    use super::AeadKey;
    use std::{cell::RefCell, collections::HashSet, vec::Vec};

    /// Different (key, counter) pairs, and how many seals they came from.
    type Seen = (HashSet<(Vec<u8>, u64)>, usize);

    std::thread_local!(static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) });

    pub(crate) fn record(key: &AeadKey, counter: u64) {
        SEEN.with_borrow_mut(|seen| {
            if let Some((pairs, sealed)) = seen {
                pairs.insert((key.expose().to_vec(), counter));
                *sealed += 1;
            }
        });
    }

    /// Runs `f` and gives how many times it sealed, and with how many different pairs.
    pub(crate) fn watch(f: impl FnOnce()) -> (usize, usize) {
        SEEN.with_borrow_mut(|seen| *seen = Some((HashSet::new(), 0)));
        f();
        SEEN.with_borrow_mut(|seen| seen.take().map_or((0, 0), |(pairs, sealed)| (sealed, pairs.len())))
    }
}
