//! The tokens against another implementation of PQNoise: the `clatter` crate, with X-Wing from the `x-wing` crate, so that nothing below is shared but the
//! bytes drawn. Without header and status, `e` and `ekem` are PQNoise's `pqNN`, and with `skem` before them its `pqNK`; `s` and `sig` it does not have.
//!
//! Both sides draw from generators that start equal. So each message must be, byte for byte, the one that the other implementation makes, and be read by it.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

extern crate std;

use super::message::{read_e, read_ekem, read_payload, read_skem, write_e, write_ekem, write_payload, write_skem};
use crate::crypto::aead::Aead;
use crate::crypto::hash::Hash;
use crate::crypto::kem::kept::KeptKey;
use crate::crypto::kem::{DecapsulationKey, EncapsulationKey, Kem};
use crate::symmetric::SymmetricState;
use crate::wire::Reader;
use clatter::bytearray::{ByteArray, HeapArray};
use clatter::crypto::cipher::ChaChaPoly;
use clatter::crypto::hash::Sha256;
use clatter::error::{KemError, KemResult};
use clatter::handshakepattern::{noise_pqnk, noise_pqnn};
use clatter::rand_core as old;
use clatter::traits::{CryptoComponent, Handshaker, Kem as _, Rng};
use clatter::{KeyPair, PqHandshakeCore};
use core::convert::Infallible;
use rand_core::{TryCryptoRng, TryRng};
use std::string::String;
use std::vec;
use std::vec::Vec;
use x_wing::{Decapsulate, Decapsulator, KeyExport};

/// Counts up, the same from every start, for either generation of the generator's trait.
#[derive(Clone, Default)]
struct Counting(u8);

impl Counting {
    fn fill(&mut self, place: &mut [u8]) {
        for byte in place {
            self.0 = self.0.wrapping_mul(5).wrapping_add(1);
            *byte = self.0;
        }
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}

impl TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.array()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.array()))
    }

    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), Infallible> {
        self.fill(place);
        Ok(())
    }
}

impl TryCryptoRng for Counting {}

impl old::RngCore for Counting {
    fn next_u32(&mut self) -> u32 {
        u32::from_le_bytes(self.array())
    }

    fn next_u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    fn fill_bytes(&mut self, place: &mut [u8]) {
        self.fill(place);
    }

    fn try_fill_bytes(&mut self, place: &mut [u8]) -> Result<(), old::Error> {
        self.fill(place);
        Ok(())
    }
}

impl old::CryptoRng for Counting {}

/// Where the counting begins for the static key.
const S: u8 = 77;

/// Their X-Wing, as a KEM for their handshake.
#[derive(Clone)]
struct XWing;

impl CryptoComponent for XWing {
    fn name() -> &'static str {
        "XWing"
    }
}

impl clatter::traits::Kem for XWing {
    type SecretKey = [u8; 32];
    type PubKey = HeapArray<1216>;
    type Ct = HeapArray<1120>;
    type Ss = [u8; 32];

    fn genkey_rng<R: Rng>(rng: &mut R) -> KemResult<KeyPair<Self::PubKey, Self::SecretKey>> {
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let secret = x_wing::DecapsulationKey::from(seed);
        Ok(KeyPair::new(HeapArray::from_slice(&secret.encapsulation_key().to_bytes()), seed))
    }

    fn encapsulate<R: Rng>(pk: &[u8], rng: &mut R) -> KemResult<(Self::Ct, Self::Ss)> {
        let mut coins = [0; 64];
        rng.fill_bytes(&mut coins);
        let public = x_wing::EncapsulationKey::try_from(pk).map_err(|_| KemError::Input)?;
        let (ct, ss) = public.encapsulate_deterministic(&coins.into());
        Ok((HeapArray::from_slice(&ct), ss.into()))
    }

    fn decapsulate(ct: &[u8], sk: &[u8]) -> KemResult<Self::Ss> {
        let seed = <[u8; 32]>::try_from(sk).map_err(|_| KemError::Input)?;
        let ct = ct.try_into().map_err(|_| KemError::Input)?;
        Ok(x_wing::DecapsulationKey::from(seed).decapsulate(&ct).into())
    }
}

struct Theirs(PqHandshakeCore<XWing, XWing, ChaChaPoly, Sha256, Counting>);

impl Theirs {
    fn new(initiator: bool, prologue: &[u8], psk: Option<&[u8; 32]>, nk: bool) -> Self {
        let pattern = match (psk, nk) {
            (Some(_), _) => noise_pqnn().add_psks(&[0], "pqNNpsk0"),
            (None, false) => noise_pqnn(),
            (None, true) => noise_pqnk(),
        };
        // The responder's static key, which the initiator knows.
        let s = nk.then(|| XWing::genkey_rng(&mut Counting(S)).unwrap());
        let (s, rs) = if initiator { (None, s.map(|s| s.public.clone())) } else { (s, None) };
        let mut handshake = PqHandshakeCore::new(pattern, prologue, initiator, s, None, rs, None).unwrap();
        if let Some(psk) = psk {
            handshake.push_psk(psk);
        }
        Self(handshake)
    }

    fn write(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut message = vec![0; 4096];
        let n = self.0.write_message(payload, &mut message).unwrap();
        message.truncate(n);
        message
    }

    fn read(&mut self, message: &[u8]) -> Vec<u8> {
        let mut payload = vec![0; 4096];
        let n = self.0.read_message(message, &mut payload).unwrap();
        payload.truncate(n);
        payload
    }

    /// `ck` and `h`.
    fn state(&self) -> [[u8; 32]; 2] {
        let state = self.0.get_state();
        [*state.get_chaining_key(), *state.get_hash()]
    }
}

struct Ours {
    state: SymmetricState,
    psk: bool,
    rng: Counting,
    s: Option<(KeptKey, EncapsulationKey)>,
    e: Option<DecapsulationKey>,
    re: Option<EncapsulationKey>,
}

impl Ours {
    fn new(prologue: &[u8], psk: Option<&[u8; 32]>, nk: bool) -> Self {
        let name: String =
            ["Noise_pqN", if nk { "K" } else { "N" }, if psk.is_some() { "psk0" } else { "" }, "_XWing_ChaChaPoly_SHA256"].concat();
        let mut state = SymmetricState::new(Hash::Sha256, Aead::ChaCha20Poly1305, name.as_bytes());
        state.mix_hash(prologue);
        // Where `IK` has the responder's unsigned bundle.
        let s = nk.then(|| KeptKey::generate(Kem::XWing, &mut Counting(S)).unwrap());
        s.iter().for_each(|(_, ek)| state.mix_hash(ek.as_bytes()));
        // The token `psk`, first in its pattern.
        if let Some(psk) = psk {
            state.mix_key_and_hash(psk).unwrap();
        }
        Self { state, psk: psk.is_some(), rng: Counting::default(), s, e: None, re: None }
    }

    fn state(&self) -> [[u8; 32]; 2] {
        let (ck, h, ..) = self.state.expose();
        [ck, h].map(|bytes| bytes.try_into().unwrap())
    }

    fn write_1(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        if let Some((_, rs)) = &self.s {
            write_skem(&mut self.state, rs, &mut self.rng, &mut message).unwrap();
        }
        let (e, ek) = DecapsulationKey::generate(Kem::XWing, &mut self.rng).unwrap();
        write_e(&mut self.state, &ek, self.psk, &mut message).unwrap();
        write_payload(&mut self.state, payload, &mut message).unwrap();
        self.e = Some(e);
        message
    }

    fn read_1(&mut self, message: &[u8]) -> Vec<u8> {
        let mut body = Reader::new(message);
        if let Some((s, _)) = &self.s {
            read_skem(&mut self.state, Kem::XWing, s, &mut body).unwrap();
        }
        self.re = Some(read_e(&mut self.state, Kem::XWing, self.psk, &mut body).unwrap());
        read_payload(&mut self.state, body).unwrap()
    }

    fn write_2(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        write_ekem(&mut self.state, &self.re.take().unwrap(), &mut self.rng, &mut message).unwrap();
        write_payload(&mut self.state, payload, &mut message).unwrap();
        message
    }

    fn read_2(&mut self, message: &[u8]) -> Vec<u8> {
        let mut body = Reader::new(message);
        read_ekem(&mut self.state, Kem::XWing, self.e.take().unwrap(), &mut body).unwrap();
        read_payload(&mut self.state, body).unwrap()
    }
}

/// Four parties, two of each make: each message is made twice and read by both of the other side.
fn run(prologue: &[u8], psk: Option<&[u8; 32]>, nk: bool, payloads: [&[u8]; 2]) {
    let [mut alice, mut bob] = [0; 2].map(|_| Ours::new(prologue, psk, nk));
    let [mut their_alice, mut their_bob] = [true, false].map(|initiator| Theirs::new(initiator, prologue, psk, nk));

    let message = alice.write_1(payloads[0]);
    let tags = if psk.is_some() || nk { 16 } else { 0 };
    assert_eq!(message.len(), 1216 + if nk { 1120 } else { 0 } + payloads[0].len() + tags);
    assert_eq!(message, their_alice.write(payloads[0]));
    assert_eq!(bob.read_1(&message), payloads[0]);
    assert_eq!(their_bob.read(&message), payloads[0]);
    assert_eq!([alice.state(), bob.state()], [their_alice.state(), their_bob.state()]);

    let message = bob.write_2(payloads[1]);
    assert_eq!(message.len(), 1120 + payloads[1].len() + 16);
    assert_eq!(message, their_bob.write(payloads[1]));
    assert_eq!(alice.read_2(&message), payloads[1]);
    assert_eq!(their_alice.read(&message), payloads[1]);
    assert_eq!([alice.state(), bob.state()], [their_alice.state(), their_bob.state()]);
    assert!(their_alice.0.is_finished() && their_bob.0.is_finished());
}

const PROLOGUES_AND_PAYLOADS: [(&[u8], [&[u8]; 2]); 3] =
    [(b"", [b"", b""]), (b"example/1", [b"hello", b""]), (&[7; 300], [&[1; 1000], &[2; 2000]])];

#[test]
fn the_tokens_are_not_pqnoises() {
    for (prologue, payloads) in PROLOGUES_AND_PAYLOADS {
        run(prologue, None, false, payloads);
    }
}

#[test]
fn the_tokens_with_a_psk_are_not_pqnoises() {
    for (prologue, payloads) in PROLOGUES_AND_PAYLOADS {
        run(prologue, Some(&[0xa5; 32]), false, payloads);
    }
}

/// Here `skem` stands before `e`, unlike in `IK`; the token is the same. (After a psk it may not stand there.)
#[test]
fn a_static_key_is_not_encapsulated_to_as_in_pqnoise() {
    for (prologue, payloads) in PROLOGUES_AND_PAYLOADS {
        run(prologue, None, true, payloads);
    }
}
