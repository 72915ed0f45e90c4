//! X-Wing: `ss = SHA3-256(ss_m || ss_x || ct_x || pk_x || "\.//^\")` (docs/protocol.md, section 3.1).
//!
//! ML-KEM-768 and X25519. Source: draft-connolly-cfrg-xwing-kem-10.

use super::{accept, combine, x25519};
use crate::crypto::{backend, label};
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::{Reader, halves};
use alloc::boxed::Box;
use alloc::vec;

pub(super) const EK: usize = backend::MLKEM768_EK + 32;
pub(super) const CT: usize = backend::MLKEM768_CT + 32;

pub(crate) struct Key {
    dk_m: backend::MlKem768Key,
    sk_x: Secret<32>,
    pk_x: [u8; 32],
}

pub(super) fn check(ek: &[u8]) -> Result<(), Error> {
    let (ek_m, _) = halves::<{ backend::MLKEM768_EK }, 32>(ek)?;
    if backend::mlkem768_check(ek_m) { Ok(()) } else { Err(Error::Malformed) }
}

/// `coins` is `m || e_x`.
pub(super) fn encapsulate(ek: &[u8], coins: &Secret<64>) -> Result<(Box<[u8]>, Secret<32>), Error> {
    let (ek_m, pk_x) = halves(ek)?;
    let (m, e_x) = halves(coins.expose())?;
    let mut ct = vec![0; CT].into_boxed_slice();
    let (ct_m, ct_x) = ct.split_first_chunk_mut().ok_or(Error::WrongKind)?;
    let ss_m = Secret::<32>::build(|ss| backend::mlkem768_encapsulate(ek_m, m, ct_m, ss));
    ct_x.copy_from_slice(&backend::x25519_public(e_x));
    let (ss_x, contributory) = x25519(e_x, pk_x);
    let ss = combine(&[ss_m.expose(), ss_x.expose(), ct_x, pk_x, label::XWING]);
    accept(contributory, (ct, ss))
}

impl Key {
    pub(super) fn from_seed(seed: &Secret<32>) -> Result<(Self, Box<[u8]>), Error> {
        let expanded = Secret::<96>::build(|out| backend::shake256(seed.expose(), out));
        let mut reader = Reader::new(expanded.expose());
        let (dz, sk_x) = (reader.array()?, Secret::build(|sk| sk.copy_from_slice(reader.rest())));
        let mut ek = vec![0; EK].into_boxed_slice();
        let (ek_m, place) = ek.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        let dk_m = backend::MlKem768Key::from_seed(dz, ek_m);
        let pk_x = backend::x25519_public(sk_x.expose());
        place.copy_from_slice(&pk_x);
        Ok((Self { dk_m, sk_x, pk_x }, ek))
    }

    pub(super) fn decapsulate(&self, ct: &[u8]) -> Result<Secret<32>, Error> {
        let (ct_m, ct_x) = halves(ct)?;
        let ss_m = Secret::<32>::build(|ss| self.dk_m.decapsulate(ct_m, ss));
        let (ss_x, contributory) = x25519(self.sk_x.expose(), ct_x);
        accept(contributory, combine(&[ss_m.expose(), ss_x.expose(), ct_x, &self.pk_x, label::XWING]))
    }
}
