//! The sum of the primitives that a handshake cannot do without, called directly in the named libraries on fresh inputs.
//!
//! ```text
//! X-Wing keygen ............ SHAKE256, ML-KEM-768 keygen, X25519 base point
//! X-Wing encaps ............ ML-KEM-768 key check and encaps, X25519 base point and DH, SHA3-256
//! X-Wing decaps ............ ML-KEM-768 decaps, X25519 DH, SHA3-256
//! composite signature ...... SHA-512, ML-DSA-65 sign (hedged), Ed25519 sign
//! verification ............. SHA-512, ML-DSA-65 verify, Ed25519 verify_strict
//!
//!              keygen   encaps   decaps   signatures, verified
//! XX                1        1        1                      2
//! NX                1        1        1                      1
//! IK                1        3        3                      0      two of them to the static keys of the bundles
//! resume            1        1        1                      0
//! ```
//!
//! The floor is low on purpose. It leaves out what every such handshake does besides: drawing randomness, decoding the peer's Ed25519 key, sealing and hashing
//! 13 KB of messages on either side, the key schedule, fingerprints, wiping, memory.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use crate::support::clock;
use ed25519_dalek::Signer;
use libcrux_ml_dsa::ml_dsa_65;
use libcrux_ml_kem::mlkem768;
use sha2::{Digest, Sha512};
use sha3::Sha3_256;
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};
use std::time::Duration;
use x25519_dalek::{PublicKey, StaticSecret};

const LABEL: &[u8] = b"COMPSIG-MLDSA65-Ed25519-SHA512";

/// A composite signing key and its public half, expanded and decoded.
pub(crate) struct Composite {
    context: &'static [u8],
    ml_dsa: ml_dsa_65::MLDSA65KeyPair,
    ed25519: ed25519_dalek::SigningKey,
    public: ed25519_dalek::VerifyingKey,
}

impl Composite {
    pub(crate) fn new(context: &'static [u8]) -> Self {
        let ed25519 = ed25519_dalek::SigningKey::from_bytes(&random());
        Self { context, ml_dsa: ml_dsa_65::generate_key_pair(random()), public: ed25519.verifying_key(), ed25519 }
    }

    fn representative(&self, message: &[u8; 32]) -> Vec<u8> {
        let len = u8::try_from(self.context.len()).unwrap();
        [b"CompositeAlgorithmSignatures2025", LABEL, &[len], self.context, &Sha512::digest(message)].concat()
    }

    fn sign(&self, message: &[u8; 32], rnd: [u8; 32]) -> (ml_dsa_65::MLDSA65Signature, ed25519_dalek::Signature) {
        let m = self.representative(message);
        (ml_dsa_65::sign(&self.ml_dsa.signing_key, &m, LABEL, rnd).unwrap(), self.ed25519.sign(&m))
    }

    fn verify(&self, message: &[u8; 32], (ml_dsa, ed25519): &(ml_dsa_65::MLDSA65Signature, ed25519_dalek::Signature)) {
        let m = self.representative(message);
        ml_dsa_65::verify(&self.ml_dsa.verification_key, &m, LABEL, ml_dsa).unwrap();
        self.public.verify_strict(&m, ed25519).unwrap();
    }
}

/// The ladder of libcrux is quicker than dalek's; from the base point dalek's table is.
fn diffie_hellman(secret: &StaticSecret, public: &PublicKey) -> [u8; 32] {
    let mut shared = [0; 32];
    assert!(libcrux_curve25519::ecdh(&mut shared, public.as_bytes(), secret.as_bytes()).is_ok());
    shared
}

fn combine(ss_m: &[u8; 32], ss_x: &[u8; 32], ct_x: &PublicKey, pk_x: &PublicKey) -> [u8; 32] {
    let hash = Sha3_256::new().chain_update(ss_m).chain_update(ss_x).chain_update(ct_x).chain_update(pk_x);
    hash.chain_update(br"\.//^\").finalize().into()
}

/// A key pair of X-Wing, expanded and decoded.
pub(crate) struct XWing {
    pair: mlkem768::MlKem768KeyPair,
    sk_x: StaticSecret,
    pk_x: PublicKey,
}

/// What is drawn for one encapsulation.
type Coins = ([u8; 32], [u8; 32]);

impl XWing {
    /// A static key of a bundle: it exists beforehand, and its check was when the bundle was read.
    pub(crate) fn new() -> Self {
        Self::from_seed(&random())
    }

    fn from_seed(seed: &[u8; 32]) -> Self {
        let mut shake = Shake256::default();
        shake.update(seed);
        let mut xof = shake.finalize_xof();
        let (mut dz, mut sk_x) = ([0; 64], [0; 32]);
        xof.read(&mut dz);
        xof.read(&mut sk_x);
        let sk_x = StaticSecret::from(sk_x);
        Self { pair: mlkem768::generate_key_pair(dz), pk_x: PublicKey::from(&sk_x), sk_x }
    }

    /// Both sides' shared secret, encapsulated and decapsulated.
    fn exchange(&self, (m, e_x): Coins) -> [[u8; 32]; 2] {
        let (ct_m, ss_m) = mlkem768::encapsulate(self.pair.public_key(), m);
        let e_x = StaticSecret::from(e_x);
        let ct_x = PublicKey::from(&e_x);
        let sent = combine(&ss_m, &diffie_hellman(&e_x, &self.pk_x), &ct_x, &self.pk_x);
        let ss_m = mlkem768::decapsulate(self.pair.private_key(), &ct_m);
        [sent, combine(&ss_m, &diffie_hellman(&self.sk_x, &ct_x), &ct_x, &self.pk_x)]
    }
}

/// The KEM's primitives, with an ephemeral key and these static ones, and each signer's signature made and verified, on inputs drawn beforehand.
pub(crate) fn primitives(statics: &[XWing], signers: &[Composite]) -> Duration {
    let (seed, coins) = (random::<32>(), (random(), random()));
    let static_coins: Vec<Coins> = statics.iter().map(|_| (random(), random())).collect();
    let drawn: Vec<_> = signers.iter().map(|_| (random::<32>(), random::<32>())).collect();
    let start = clock();

    let e = XWing::from_seed(&seed);
    assert!(mlkem768::validate_public_key(e.pair.public_key()));
    let mut exchanged = vec![e.exchange(coins)];
    exchanged.extend(statics.iter().zip(static_coins).map(|(key, coins)| key.exchange(coins)));

    for (signer, (message, rnd)) in signers.iter().zip(&drawn) {
        let signature = signer.sign(message, *rnd);
        signer.verify(message, &signature);
    }
    let took = clock() - start;
    assert!(exchanged.iter().all(|[sent, received]| sent == received));
    took
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}
