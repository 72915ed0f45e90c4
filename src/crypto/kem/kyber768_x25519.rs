//! Round 3: `ss = SHA3-256(ss_k || ss_x || ct_k || ct_x || ek_k || pk_x || "Twinlock-X25519Kyber768R3")` (docs/protocol.md, section 3.6).
//!
//! Kyber768 and X25519, with the universal combiner of draft-irtf-cfrg-hybrid-kems: all that both sides saw goes in.

use super::{accept, combine, x25519};
use crate::crypto::{backend, label};
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::halves;
use alloc::boxed::Box;
use alloc::vec;
use subtle::ConstantTimeEq;

pub(super) const EK: usize = backend::KYBER768_EK + 32;
pub(super) const CT: usize = backend::KYBER768_CT + 32;

/// Bytes of a key that is kept: Kyber's expanded one, which holds its public half, and X25519's.
pub(super) const KEPT: usize = backend::KYBER768_DK + 32;

pub(crate) struct Key {
    dk_k: backend::Kyber768Key,
    sk_x: Secret<32>,
    ek: Box<[u8]>,
}

/// A Kyber768 key is encoded as an ML-KEM-768 key is, and the standard's check serves both.
pub(super) fn check(ek: &[u8]) -> Result<(), Error> {
    let (ek_k, _) = halves::<{ backend::KYBER768_EK }, 32>(ek)?;
    if backend::mlkem768_check(ek_k) { Ok(()) } else { Err(Error::Malformed) }
}

/// `e_x` alone is the caller's randomness; Kyber's is its crate's own.
pub(super) fn encapsulate(ek: &[u8], e_x: &Secret<32>) -> Result<(Box<[u8]>, Secret<32>), Error> {
    let (ek_k, pk_x) = halves::<{ backend::KYBER768_EK }, 32>(ek)?;
    let mut ct = vec![0; CT].into_boxed_slice();
    let (ct_k, ct_x) = ct.split_first_chunk_mut::<{ backend::KYBER768_CT }>().ok_or(Error::WrongKind)?;
    let mut done = false;
    let ss_k = Secret::<32>::build(|ss| done = backend::kyber768_encapsulate(ek_k, ct_k, ss));
    ct_x.copy_from_slice(&backend::x25519_public(e_x.expose()));
    let (ss_x, contributory) = x25519(e_x.expose(), pk_x);
    let ss = combine(&[ss_k.expose(), ss_x.expose(), ct_k, ct_x, ek, label::X25519_KYBER768_R3]);
    if done { accept(contributory, (ct, ss)) } else { Err(Error::WrongKind) }
}

impl Key {
    /// `sk_x` alone is the caller's randomness; Kyber's is its crate's own.
    pub(super) fn generate(sk_x: Secret<32>) -> Result<(Self, Box<[u8]>), Error> {
        let mut ek = vec![0; EK].into_boxed_slice();
        let (ek_k, pk_x) = ek.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        let dk_k = backend::Kyber768Key::generate(ek_k);
        pk_x.copy_from_slice(&backend::x25519_public(sk_x.expose()));
        Ok((Self { dk_k, sk_x, ek: ek.clone() }, ek))
    }

    /// Kyber's expanded key || X25519's secret.
    pub(super) fn kept(&self) -> Result<Secret<KEPT>, Error> {
        Secret::join(&[self.dk_k.expanded(), self.sk_x.expose()])
    }

    /// The halves of Kyber's expanded key must belong together: it tells nothing of its own. So something is encapsulated to it, with an X25519 secret that anybody knows.
    pub(super) fn from_kept(kept: &Secret<KEPT>) -> Result<(Self, Box<[u8]>), Error> {
        let (expanded, sk_x) = halves::<{ backend::KYBER768_DK }, 32>(kept.expose())?;
        let sk_x = Secret::build(|place| place.copy_from_slice(sk_x));
        let dk_k = backend::Kyber768Key::from_expanded(expanded);
        let ek: Box<[u8]> = [dk_k.encapsulation_key(), &backend::x25519_public(sk_x.expose())].concat().into();
        check(&ek).map_err(|_| Error::InvalidKey)?;
        let key = Self { dk_k, sk_x, ek: ek.clone() };
        let (ct, sent) = encapsulate(&ek, &Secret::build(|e_x| e_x.fill(1)))?;
        if bool::from(key.decapsulate(&ct)?.ct_eq(&sent)) { Ok((key, ek)) } else { Err(Error::InvalidKey) }
    }

    #[cfg(test)]
    pub(super) fn from_parts(expanded: &[u8; 2400], sk_x: Secret<32>, ek: &[u8]) -> Self {
        Self { dk_k: backend::Kyber768Key::from_expanded(expanded), sk_x, ek: ek.into() }
    }

    pub(super) fn decapsulate(&self, ct: &[u8]) -> Result<Secret<32>, Error> {
        let (ct_k, ct_x) = halves::<{ backend::KYBER768_CT }, 32>(ct)?;
        let mut done = false;
        let ss_k = Secret::<32>::build(|ss| done = self.dk_k.decapsulate(ct_k, ss));
        let (ss_x, contributory) = x25519(self.sk_x.expose(), ct_x);
        let ss = combine(&[ss_k.expose(), ss_x.expose(), ct_k, ct_x, &self.ek, label::X25519_KYBER768_R3]);
        if done { accept(contributory, ss) } else { Err(Error::WrongKind) }
    }
}
