//! One direction: its secret, its key, its counter (docs/protocol.md, section 8.2).
//!
//! ```text
//! key = Expand(cs, "tl1 key", 32)
//! KeyUpdate: cs' = Expand(cs, "tl1 next", HASHLEN)
//! Rekey:     cs' = HKDF(salt = cs, ikm = ss, info = "tl1 rekey" || H(ek || ct), HASHLEN)
//! ```

use crate::crypto::aead::{AeadKey, TAG};
use crate::crypto::hash::HASHLEN_MAX;
use crate::crypto::kem::{Ciphertext, EncapsulationKey};
use crate::crypto::label;
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::secret::Secret;

pub(super) struct Direction {
    suite: Suite,
    cs: Secret<HASHLEN_MAX>,
    key: AeadKey,
    counter: u64,
}

impl Direction {
    pub(super) fn new(suite: Suite, cs: Secret<HASHLEN_MAX>) -> Result<Self, Error> {
        let key = suite.aead().key(|key| suite.hash().expand(&cs, &[label::KEY], key))?;
        Ok(Self { suite, cs, key, counter: 0 })
    }

    pub(super) const fn suite(&self) -> Suite {
        self.suite
    }

    /// Seals `text` in place under the next counter. At the key's limit it is an error, never a wrap, and nothing changes.
    pub(super) fn seal(&mut self, ad: &[u8], text: &mut [u8]) -> Result<[u8; TAG], Error> {
        let next = self.next_counter()?;
        let tag = self.key.seal(self.counter, ad, text)?;
        self.counter = next;
        Ok(tag)
    }

    /// Opens `text` in place. A tag that does not verify changes nothing.
    pub(super) fn open(&mut self, ad: &[u8], text: &mut [u8], tag: &[u8; TAG]) -> Result<(), Error> {
        let next = self.next_counter()?;
        self.key.open(self.counter, ad, text, tag)?;
        self.counter = next;
        Ok(())
    }

    /// The key after a `KeyUpdate`; what came before is wiped.
    pub(super) fn update(&mut self) -> Result<(), Error> {
        *self = Self::new(self.suite, self.suite.hash().expand_secret(&self.cs, &[label::NEXT])?)?;
        Ok(())
    }

    /// The key after a `Rekey`; what came before is wiped. The old secret goes in too, so that a broken KEM takes nothing away.
    pub(super) fn rekey(&mut self, ss: &Secret<32>, ek: &EncapsulationKey, ct: &Ciphertext) -> Result<(), Error> {
        let hash = self.suite.hash();
        let exchange = hash.hash(&[ek.as_bytes(), ct.as_bytes()]);
        let prk = hash.extract(self.cs.first(hash.len()), ss.expose());
        *self = Self::new(self.suite, hash.expand_secret(&prk, &[label::REKEY, exchange.first(hash.len())])?)?;
        Ok(())
    }

    fn next_counter(&self) -> Result<u64, Error> {
        if self.counter >= self.suite.aead().records_a_key() {
            return Err(Error::KeyExhausted);
        }
        self.counter.checked_add(1).ok_or(Error::KeyExhausted)
    }

    #[cfg(test)]
    pub(super) fn set_counter(&mut self, counter: u64) {
        self.counter = counter;
    }

    #[cfg(test)]
    pub(super) fn expose(&self) -> (&[u8], &[u8; 32], u64) {
        (self.cs.first(self.suite.hash().len()), self.key.expose(), self.counter)
    }
}
