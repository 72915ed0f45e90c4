//! Noise's symmetric state, with Noise's names (docs/protocol.md, section 5; Noise revision 34, section 5.2).
//!
//! ```text
//! name, header, prologue ─ MixHash ─▶ h        ck ◀─ MixKey ─ shared secrets
//!                                      └─ into_secrets: ms = Extract(ck, h) ─▶ i2r · r2i · exporter · resume
//! ```

use crate::crypto::aead::{Aead, AeadKey, TAG};
use crate::crypto::hash::{HASHLEN_MAX, Hash};
use crate::crypto::label;
use crate::error::Error;
use crate::secret::Secret;
use alloc::vec::Vec;

pub(crate) struct SymmetricState {
    hash: Hash,
    aead: Aead,
    ck: Secret<HASHLEN_MAX>,
    h: Secret<HASHLEN_MAX>,
    k: Option<AeadKey>,
    n: u64,
}

/// What a finished handshake leaves: one secret for each direction, one for the exporter, one to resume with, and the handshake hash.
pub(crate) struct ChannelSecrets {
    pub(crate) i2r: Secret<HASHLEN_MAX>,
    pub(crate) r2i: Secret<HASHLEN_MAX>,
    pub(crate) exporter: Secret<HASHLEN_MAX>,
    pub(crate) resume: Secret<HASHLEN_MAX>,
    pub(crate) handshake_hash: Vec<u8>,
}

impl SymmetricState {
    /// InitializeSymmetric.
    pub(crate) fn new(hash: Hash, aead: Aead, protocol_name: &[u8]) -> Self {
        let initial = |place: &mut [u8; HASHLEN_MAX]| {
            let (start, _) = place.split_at_mut(protocol_name.len().min(hash.len()));
            match protocol_name.len() <= hash.len() {
                true => start.copy_from_slice(protocol_name),
                false => start.copy_from_slice(hash.hash(&[protocol_name]).first(hash.len())),
            }
        };
        Self { hash, aead, ck: Secret::build(initial), h: Secret::build(initial), k: None, n: 0 }
    }

    pub(crate) fn mix_key(&mut self, ikm: &[u8]) -> Result<(), Error> {
        let [ck, temp_k] = self.hkdf(ikm)?;
        self.ck = ck;
        self.initialize_key(&temp_k)
    }

    pub(crate) fn mix_hash(&mut self, data: &[u8]) {
        self.h = self.hash.hash(&[self.handshake_hash(), data]);
    }

    pub(crate) fn mix_key_and_hash(&mut self, ikm: &[u8]) -> Result<(), Error> {
        let [ck, temp_h, temp_k] = self.hkdf(ikm)?;
        self.ck = ck;
        self.mix_hash(temp_h.first(self.hash.len()));
        self.initialize_key(&temp_k)
    }

    /// `h`, as a signature covers it.
    pub(crate) fn handshake_hash(&self) -> &[u8] {
        self.h.first(self.hash.len())
    }

    /// Appends to `out`: the plaintext itself until the first key is mixed in, then its ciphertext and tag.
    pub(crate) fn encrypt_and_hash(&mut self, plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let mut text = plaintext.to_vec();
        if let Some(k) = &self.k {
            let tag = k.seal(self.n, self.handshake_hash(), &mut text)?;
            text.extend_from_slice(&tag);
            self.n = self.n.checked_add(1).ok_or(Error::KeyExhausted)?;
        }
        self.mix_hash(&text);
        out.extend_from_slice(&text);
        Ok(())
    }

    /// The reverse. A tag that does not verify changes nothing.
    pub(crate) fn decrypt_and_hash(&mut self, ciphertext: &[u8]) -> Result<Vec<u8>, Error> {
        let Some(k) = &self.k else {
            self.mix_hash(ciphertext);
            return Ok(ciphertext.to_vec());
        };
        let (text, tag) = ciphertext.split_last_chunk().ok_or(Error::Malformed)?;
        let mut text = text.to_vec();
        let next = self.n.checked_add(1).ok_or(Error::KeyExhausted)?;
        k.open(self.n, self.handshake_hash(), &mut text, tag)?;
        self.n = next;
        self.mix_hash(ciphertext);
        Ok(text)
    }

    /// Bytes that [`SymmetricState::encrypt_and_hash`] adds now.
    pub(crate) const fn overhead(&self) -> usize {
        if self.k.is_some() { TAG } else { 0 }
    }

    /// The end of a handshake, in place of Noise's Split: ms = Extract(ck, h) binds the keys to the whole transcript. Split leaves `h` out, and then two
    /// conversations of a participant with a broken lock could share all their keys.
    pub(crate) fn into_secrets(self) -> Result<ChannelSecrets, Error> {
        let ms = self.hash.extract(self.ck.first(self.hash.len()), self.handshake_hash());
        let secret = |label| self.hash.expand_secret(&ms, &[label]);
        Ok(ChannelSecrets {
            i2r: secret(label::I2R)?,
            r2i: secret(label::R2I)?,
            exporter: secret(label::EXPORTER)?,
            resume: secret(label::RESUME)?,
            handshake_hash: self.handshake_hash().to_vec(),
        })
    }

    /// Noise's HKDF(ck, ikm, N): RFC 5869 with an empty info, cut into pieces of HASHLEN.
    fn hkdf<const N: usize>(&self, ikm: &[u8]) -> Result<[Secret<HASHLEN_MAX>; N], Error> {
        let len = self.hash.len();
        let prk = self.hash.extract(self.ck.first(len), ikm);
        let mut okm = Secret::<{ 3 * HASHLEN_MAX }>::build(|_| ());
        self.hash.expand(&prk, &[], okm.first_mut(N.saturating_mul(len)))?;
        let mut pieces = okm.expose().chunks_exact(len);
        Ok(core::array::from_fn(|_| {
            Secret::build(|place| {
                if let Some(piece) = pieces.next() {
                    place.split_at_mut(len).0.copy_from_slice(piece);
                }
            })
        }))
    }

    fn initialize_key(&mut self, temp_k: &Secret<HASHLEN_MAX>) -> Result<(), Error> {
        let key = |place: &mut [u8; 32]| {
            place.copy_from_slice(temp_k.first(32));
            Ok(())
        };
        self.k = Some(self.aead.key(key)?);
        self.n = 0;
        Ok(())
    }

    /// `ck`, `h`, `k` and `n`, for tests that compare them with vectors or before and after a failure.
    #[cfg(test)]
    pub(crate) fn expose(&self) -> (&[u8], &[u8], Option<&[u8; 32]>, u64) {
        (self.ck.first(self.hash.len()), self.handshake_hash(), self.k.as_ref().map(AeadKey::expose), self.n)
    }
}

#[cfg(test)]
mod noise_transcripts;
