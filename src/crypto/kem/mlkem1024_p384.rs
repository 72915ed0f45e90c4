//! MLKEM1024-P384: `ss = SHA3-256(ss_m || ss_t || ct_t || pk_t || "MLKEM1024-P384")` (docs/protocol.md, section 3.4).
//!
//! ML-KEM-1024 and ECDH over P-384. Source: draft-irtf-cfrg-concrete-hybrid-kems-04, HPKE KEM 0x0051.

use super::combine;
use crate::crypto::backend::{self, MLKEM1024_CT, MLKEM1024_EK, P384_POINT, P384Key, P384Public};
use crate::crypto::label;
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::halves;
use alloc::boxed::Box;
use alloc::vec;

pub(super) const EK: usize = MLKEM1024_EK + P384_POINT;
pub(super) const CT: usize = MLKEM1024_CT + P384_POINT;

pub(crate) struct Key {
    dk_m: backend::MlKem1024Key,
    sk_t: P384Key,
}

pub(super) fn check(ek: &[u8]) -> Result<(), Error> {
    let (ek_m, pk_t) = halves(ek)?;
    if backend::mlkem1024_check(ek_m) & P384Public::from_bytes(pk_t).is_some() { Ok(()) } else { Err(Error::Malformed) }
}

/// `coins` is `m || s_e`. The scalar is one but for a chance below 2^-192; then it is [`Error::Randomness`].
pub(super) fn encapsulate(ek: &[u8], coins: &Secret<80>) -> Result<(Box<[u8]>, Secret<32>), Error> {
    let (ek_m, pk_t) = halves(ek)?;
    let (m, s_e) = halves(coins.expose())?;
    let (point, e) = (P384Public::from_bytes(pk_t).ok_or(Error::Malformed)?, P384Key::from_scalar(s_e).ok_or(Error::Randomness)?);
    let mut ct = vec![0; CT].into_boxed_slice();
    let (ct_m, ct_t) = ct.split_first_chunk_mut().ok_or(Error::WrongKind)?;
    let ss_m = Secret::<32>::build(|ss| backend::mlkem1024_encapsulate(ek_m, m, ct_m, ss));
    ct_t.copy_from_slice(&e.public().to_bytes());
    let ss_t = Secret::<48>::build(|ss| e.agree(&point, ss));
    let ss = combine(&[ss_m.expose(), ss_t.expose(), ct_t, pk_t, label::MLKEM1024_P384]);
    Ok((ct, ss))
}

impl Key {
    pub(super) fn from_seed(seed: &Secret<32>) -> Result<(Self, Box<[u8]>), Error> {
        let expanded = Secret::<112>::build(|out| backend::shake256(seed.expose(), out));
        let (dz, s) = halves(expanded.expose())?;
        let sk_t = P384Key::from_scalar(s).ok_or(Error::Randomness)?;
        let mut ek = vec![0; EK].into_boxed_slice();
        let (ek_m, pk_t) = ek.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        let dk_m = backend::MlKem1024Key::from_seed(dz, ek_m);
        pk_t.copy_from_slice(&sk_t.public().to_bytes());
        Ok((Self { dk_m, sk_t }, ek))
    }

    /// The point of the ciphertext is public: that it is none may show before the other half is done.
    pub(super) fn decapsulate(&self, ct: &[u8]) -> Result<Secret<32>, Error> {
        let (ct_m, ct_t) = halves(ct)?;
        let point = P384Public::from_bytes(ct_t).ok_or(Error::Authentication)?;
        let ss_m = Secret::<32>::build(|ss| self.dk_m.decapsulate(ct_m, ss));
        let ss_t = Secret::<48>::build(|ss| self.sk_t.agree(&point, ss));
        Ok(combine(&[ss_m.expose(), ss_t.expose(), ct_t, &self.sk_t.public().to_bytes(), label::MLKEM1024_P384]))
    }
}
