//! The primitives of suite 0x0001, called directly in the libraries that `src/crypto/backend/rust.rs` names: what each step of a handshake or
//! record cannot cost less than. Nothing of this crate runs here.
//!
//! ```text
//! cargo bench --bench primitives               all of them, about a minute
//! cargo bench --bench primitives -- ml-dsa     some of them
//! ```
//!
//! Keys are decoded and expanded beforehand, as a long-lived key is. Each signature is over another message, since ML-DSA's signing repeats until a
//! candidate fits: its time is a distribution with a long tail, so read its mean. A verification is of one honest signature; Ed25519's is strict.
//! The figures of one machine compare with each other and with nothing else.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use criterion::{BenchmarkId, Criterion, Throughput};
use ed25519_dalek::Signer;
use libcrux_ml_dsa::ml_dsa_65;
use libcrux_ml_kem::mlkem768;
use sha2::Digest;
use std::hint::black_box;
use std::time::Duration;
use x25519_dalek::{PublicKey, StaticSecret};

const CONTEXT: &[u8] = b"COMPSIG-MLDSA65-Ed25519-SHA512";

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Another message each time, as long as what the composite signature hands to its halves in XX.
struct Messages([u8; 150]);

impl Messages {
    fn next(&mut self) -> &[u8] {
        let count = self.0.first_chunk_mut().unwrap();
        *count = u64::from_ne_bytes(*count).wrapping_add(1).to_ne_bytes();
        &self.0
    }
}

fn ml_kem_768(c: &mut Criterion) {
    let mut group = c.benchmark_group("ml-kem-768");
    let (seed, coins) = (random::<64>(), random::<32>());
    let pair = mlkem768::generate_key_pair(seed);
    let (ct, _) = mlkem768::encapsulate(pair.public_key(), coins);
    group.bench_function("keygen", |b| b.iter(|| mlkem768::generate_key_pair(black_box(seed))));
    group.bench_function("check", |b| b.iter(|| mlkem768::validate_public_key(black_box(pair.public_key()))));
    group.bench_function("encaps", |b| b.iter(|| mlkem768::encapsulate(black_box(pair.public_key()), black_box(coins))));
    group.bench_function("decaps", |b| b.iter(|| mlkem768::decapsulate(black_box(pair.private_key()), black_box(&ct))));
}

fn ml_dsa_65(c: &mut Criterion) {
    let mut group = c.benchmark_group("ml-dsa-65");
    let (seed, rnd) = (random::<32>(), random::<32>());
    let pair = ml_dsa_65::generate_key_pair(seed);
    let mut messages = Messages(random());
    group.bench_function("keygen", |b| b.iter(|| ml_dsa_65::generate_key_pair(black_box(seed))));
    group.bench_function("sign", |b| {
        b.iter(|| ml_dsa_65::sign(&pair.signing_key, black_box(messages.next()), CONTEXT, black_box(rnd)).unwrap())
    });
    let message = random::<150>();
    let signature = ml_dsa_65::sign(&pair.signing_key, &message, CONTEXT, rnd).unwrap();
    group.bench_function("verify", |b| {
        b.iter(|| ml_dsa_65::verify(&pair.verification_key, black_box(&message), CONTEXT, black_box(&signature)).unwrap());
    });
}

fn x25519(c: &mut Criterion) {
    let mut group = c.benchmark_group("x25519");
    let secret = StaticSecret::from(random::<32>());
    let peer = PublicKey::from(&StaticSecret::from(random::<32>()));
    group.bench_function("keygen", |b| b.iter(|| PublicKey::from(black_box(&secret))));
    group.bench_function("dh", |b| b.iter(|| secret.diffie_hellman(black_box(&peer))));
}

fn ed25519(c: &mut Criterion) {
    let mut group = c.benchmark_group("ed25519");
    let key = ed25519_dalek::SigningKey::from_bytes(&random());
    let mut messages = Messages(random());
    group.bench_function("sign", |b| b.iter(|| key.sign(black_box(messages.next()))));
    let (public, message) = (key.verifying_key(), random::<150>());
    let signature = key.sign(&message);
    group.bench_function("decode", |b| b.iter(|| ed25519_dalek::VerifyingKey::from_bytes(black_box(public.as_bytes())).unwrap()));
    group.bench_function("verify_strict", |b| b.iter(|| public.verify_strict(black_box(&message), black_box(&signature)).unwrap()));
}

fn chacha20_poly1305(c: &mut Criterion) {
    let mut group = c.benchmark_group("chacha20-poly1305");
    let (key, nonce) = (random::<32>(), random::<12>());
    for size in [64, 1024, 16_384] {
        let mut text = vec![0; size];
        group.throughput(Throughput::Bytes(size.try_into().unwrap()));
        group.bench_with_input(BenchmarkId::new("seal", size), &size, |b, _| {
            b.iter(|| {
                let cipher = ChaCha20Poly1305::new(black_box(&key).into());
                cipher.encrypt_inout_detached(black_box(&nonce).into(), b"ad", text.as_mut_slice().into()).unwrap()
            });
        });
    }
}

fn hashes(c: &mut Criterion) {
    let mut group = c.benchmark_group("hash");
    for size in [64, 8192] {
        let data = vec![7; size];
        group.throughput(Throughput::Bytes(size.try_into().unwrap()));
        group.bench_with_input(BenchmarkId::new("sha-256", size), &data, |b, data| b.iter(|| sha2::Sha256::digest(data)));
        group.bench_with_input(BenchmarkId::new("sha-512", size), &data, |b, data| b.iter(|| sha2::Sha512::digest(data)));
        group.bench_with_input(BenchmarkId::new("sha3-256", size), &data, |b, data| b.iter(|| sha3::Sha3_256::digest(data)));
    }
}

fn main() {
    let mut c = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .nresamples(10_000)
        .without_plots()
        .configure_from_args();
    ml_kem_768(&mut c);
    ml_dsa_65(&mut c);
    x25519(&mut c);
    ed25519(&mut c);
    chacha20_poly1305(&mut c);
    hashes(&mut c);
    c.final_summary();
}
