//! X-Wing: `ss = SHA3-256(ss_m || ss_x || ct_x || pk_x || "\.//^\")` (docs/protocol.md, section 3.1).
//!
//! ML-KEM-768 and X25519; the secret holds as long as one of them does. Source: draft-connolly-cfrg-xwing-kem-10.

use crate::crypto::{backend, label};
use crate::error::Error;
use crate::secret::Secret;
use crate::wire::Reader;
use alloc::boxed::Box;
use alloc::vec;
use rand_core::TryCryptoRng;
use subtle::Choice;

/// A hybrid key encapsulation mechanism.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kem {
    XWing,
}

impl Kem {
    /// The name in protocol names.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::XWing => "XWing",
        }
    }

    /// Bytes of an encapsulation key.
    pub(crate) const fn encapsulation_key_len(self) -> usize {
        match self {
            Self::XWing => backend::MLKEM768_EK + 32,
        }
    }

    /// Bytes of a ciphertext.
    pub(crate) const fn ciphertext_len(self) -> usize {
        match self {
            Self::XWing => backend::MLKEM768_CT + 32,
        }
    }
}

/// An encapsulation key that has passed its check (FIPS 203, section 7.2).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EncapsulationKey {
    kem: Kem,
    bytes: Box<[u8]>,
}

/// A ciphertext, of the right length.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ciphertext {
    kem: Kem,
    bytes: Box<[u8]>,
}

/// The secret half of a key pair.
pub(crate) enum DecapsulationKey {
    XWing(XWingKey),
}

pub(crate) struct XWingKey {
    dk_m: backend::MlKem768Key,
    sk_x: Secret<32>,
    pk_x: [u8; 32],
}

impl EncapsulationKey {
    /// [`Error::Malformed`] for a wrong length or a coefficient that is not below q.
    pub(crate) fn from_bytes(kem: Kem, bytes: &[u8]) -> Result<Self, Error> {
        let key = Self { kem, bytes: bytes.into() };
        match kem {
            Kem::XWing if backend::mlkem768_check(key.xwing()?.0) => Ok(key),
            Kem::XWing => Err(Error::Malformed),
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Draws what it needs and gives the ciphertext and the shared secret. An all-zero X25519 result is [`Error::Authentication`].
    pub(crate) fn encapsulate(&self, rng: &mut impl TryCryptoRng) -> Result<(Ciphertext, Secret<32>), Error> {
        match self.kem {
            Kem::XWing => self.encapsulate_xwing(&Secret::random(rng)?),
        }
    }

    /// `coins` is `m || e_x`.
    fn encapsulate_xwing(&self, coins: &Secret<64>) -> Result<(Ciphertext, Secret<32>), Error> {
        let (ek_m, pk_x) = self.xwing()?;
        let mut coins = Reader::new(coins.expose());
        let (m, e_x) = (coins.array()?, coins.array()?);
        let mut bytes = vec![0; Kem::XWing.ciphertext_len()].into_boxed_slice();
        let (ct_m, ct_x) = bytes.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        let ss_m = Secret::build(|ss| backend::mlkem768_encapsulate(ek_m, m, ct_m, ss));
        ct_x.copy_from_slice(&backend::x25519_public(e_x));
        let (ss_x, contributory) = x25519(e_x, pk_x);
        let ss = combine(&ss_m, &ss_x, ct_x, pk_x);
        accept(contributory, (Ciphertext { kem: Kem::XWing, bytes }, ss))
    }

    fn xwing(&self) -> Result<(&[u8; backend::MLKEM768_EK], &[u8; 32]), Error> {
        let mut reader = Reader::new(&self.bytes);
        let halves = (reader.array()?, reader.array()?);
        reader.end()?;
        Ok(halves)
    }
}

impl Ciphertext {
    /// [`Error::Malformed`] for a wrong length.
    pub(crate) fn from_bytes(kem: Kem, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() == kem.ciphertext_len() { Ok(Self { kem, bytes: bytes.into() }) } else { Err(Error::Malformed) }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl DecapsulationKey {
    /// A fresh key pair.
    pub(crate) fn generate(kem: Kem, rng: &mut impl TryCryptoRng) -> Result<(Self, EncapsulationKey), Error> {
        match kem {
            Kem::XWing => Self::xwing_from_seed(&Secret::random(rng)?),
        }
    }

    /// The seed is what is kept and imported, never the expanded key: ML-KEM binds nothing to an expanded one.
    fn xwing_from_seed(seed: &Secret<32>) -> Result<(Self, EncapsulationKey), Error> {
        let expanded = Secret::<96>::build(|out| backend::shake256(seed.expose(), out));
        let mut reader = Reader::new(expanded.expose());
        let (dz, sk_x) = (reader.array()?, Secret::build(|sk| sk.copy_from_slice(reader.rest())));
        let mut bytes = vec![0; Kem::XWing.encapsulation_key_len()].into_boxed_slice();
        let (ek_m, place) = bytes.split_first_chunk_mut().ok_or(Error::WrongKind)?;
        let dk_m = backend::MlKem768Key::from_seed(dz, ek_m);
        let pk_x = backend::x25519_public(sk_x.expose());
        place.copy_from_slice(&pk_x);
        Ok((Self::XWing(XWingKey { dk_m, sk_x, pk_x }), EncapsulationKey { kem: Kem::XWing, bytes }))
    }

    /// A wrong ML-KEM half shows only later, as a tag that fails; an all-zero X25519 result is [`Error::Authentication`].
    pub(crate) fn decapsulate(&self, ct: &Ciphertext) -> Result<Secret<32>, Error> {
        match (self, ct.kem) {
            (Self::XWing(key), Kem::XWing) => key.decapsulate(&ct.bytes),
        }
    }
}

impl XWingKey {
    fn decapsulate(&self, ct: &[u8]) -> Result<Secret<32>, Error> {
        let mut reader = Reader::new(ct);
        let (ct_m, ct_x) = (reader.array()?, reader.array()?);
        let ss_m = Secret::build(|ss| self.dk_m.decapsulate(ct_m, ss));
        let (ss_x, contributory) = x25519(self.sk_x.expose(), ct_x);
        accept(contributory, combine(&ss_m, &ss_x, ct_x, &self.pk_x))
    }
}

fn x25519(secret: &[u8; 32], public: &[u8; 32]) -> (Secret<32>, Choice) {
    let mut contributory = Choice::from(0);
    let shared = Secret::build(|ss| contributory = backend::x25519(secret, public, ss));
    (shared, contributory)
}

fn combine(ss_m: &Secret<32>, ss_x: &Secret<32>, ct_x: &[u8], pk_x: &[u8; 32]) -> Secret<32> {
    Secret::build(|ss| backend::sha3_256(&[ss_m.expose(), ss_x.expose(), ct_x, pk_x, label::XWING], ss))
}

/// Declassifies the verdict, after all the work was done.
fn accept<T>(contributory: Choice, value: T) -> Result<T, Error> {
    if contributory.into() { Ok(value) } else { Err(Error::Authentication) }
}
