//! The primitives of the build's suites, called directly in the libraries that `src/crypto/backend` names: what each step of a handshake or
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

use chacha20poly1305::aead::consts::{U12, U32};
use chacha20poly1305::aead::{AeadCore, AeadInOut};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit, KeySizeUser};
use criterion::{BenchmarkId, Criterion, Throughput};
use ed25519_dalek::Signer;
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

macro_rules! ml_kem {
    ($name:ident, $group:literal, $module:ident) => {
        fn $name(c: &mut Criterion) {
            use libcrux_ml_kem::$module::{decapsulate, encapsulate, generate_key_pair, validate_public_key};
            let mut group = c.benchmark_group($group);
            let (seed, coins) = (random::<64>(), random::<32>());
            let pair = generate_key_pair(seed);
            let (ct, _) = encapsulate(pair.public_key(), coins);
            group.bench_function("keygen", |b| b.iter(|| generate_key_pair(black_box(seed))));
            group.bench_function("check", |b| b.iter(|| validate_public_key(black_box(pair.public_key()))));
            group.bench_function("encaps", |b| b.iter(|| encapsulate(black_box(pair.public_key()), black_box(coins))));
            group.bench_function("decaps", |b| b.iter(|| decapsulate(black_box(pair.private_key()), black_box(&ct))));
        }
    };
}

ml_kem!(ml_kem_768, "ml-kem-768", mlkem768);
#[cfg(feature = "level5")]
ml_kem!(ml_kem_1024, "ml-kem-1024", mlkem1024);

macro_rules! ml_dsa {
    ($name:ident, $group:literal, $module:ident) => {
        fn $name(c: &mut Criterion) {
            use libcrux_ml_dsa::$module::{generate_key_pair, sign, verify};
            let mut group = c.benchmark_group($group);
            let (seed, rnd) = (random::<32>(), random::<32>());
            let pair = generate_key_pair(seed);
            let mut messages = Messages(random());
            group.bench_function("keygen", |b| b.iter(|| generate_key_pair(black_box(seed))));
            group.bench_function("sign", |b| {
                b.iter(|| sign(&pair.signing_key, black_box(messages.next()), CONTEXT, black_box(rnd)).unwrap())
            });
            let message = random::<150>();
            let signature = sign(&pair.signing_key, &message, CONTEXT, rnd).unwrap();
            group.bench_function("verify", |b| {
                b.iter(|| verify(&pair.verification_key, black_box(&message), CONTEXT, black_box(&signature)).unwrap());
            });
        }
    };
}

ml_dsa!(ml_dsa_65, "ml-dsa-65", ml_dsa_65);
#[cfg(feature = "level5")]
ml_dsa!(ml_dsa_87, "ml-dsa-87", ml_dsa_87);

#[cfg(feature = "level5")]
fn p384(c: &mut Criterion) {
    use p384::ecdsa::signature::{Signer, Verifier};
    use p384::ecdsa::{Signature, SigningKey};
    use p384::elliptic_curve::ecdh::diffie_hellman;
    use p384::{PublicKey, SecretKey};
    let mut group = c.benchmark_group("p-384");
    let (secret, peer) = (SecretKey::from_slice(&[1; 48]).unwrap(), SecretKey::from_slice(&random::<48>()).unwrap().public_key());
    group.bench_function("keygen", |b| b.iter(|| black_box(&secret).public_key()));
    group.bench_function("decode", |b| b.iter(|| PublicKey::from_sec1_bytes(black_box(&peer.to_sec1_bytes())).unwrap()));
    group.bench_function("dh", |b| b.iter(|| diffie_hellman(secret.to_nonzero_scalar(), black_box(&peer).as_affine())));
    let key = SigningKey::from(&secret);
    let mut messages = Messages(random());
    group.bench_function("ecdsa-sign", |b| b.iter(|| -> Signature { key.sign(black_box(messages.next())) }));
    let message = random::<150>();
    let signature: Signature = key.sign(&message);
    group.bench_function("ecdsa-verify", |b| b.iter(|| key.verifying_key().verify(black_box(&message), black_box(&signature)).unwrap()));
}

#[cfg(feature = "round3")]
fn round3(c: &mut Criterion) {
    use pqcrypto_dilithium::dilithium3;
    use pqcrypto_kyber::kyber768;
    let mut group = c.benchmark_group("kyber768-round-3");
    let (public, secret) = kyber768::keypair();
    let (_, ct) = kyber768::encapsulate(&public);
    group.bench_function("keygen", |b| b.iter(kyber768::keypair));
    group.bench_function("encaps", |b| b.iter(|| kyber768::encapsulate(black_box(&public))));
    group.bench_function("decaps", |b| b.iter(|| kyber768::decapsulate(black_box(&ct), &secret)));
    drop(group);
    let mut group = c.benchmark_group("dilithium3-round-3");
    let (public, secret) = dilithium3::keypair();
    let mut messages = Messages(random());
    group.bench_function("keygen", |b| b.iter(dilithium3::keypair));
    group.bench_function("sign", |b| b.iter(|| dilithium3::detached_sign(black_box(messages.next()), &secret)));
    let message = random::<150>();
    let signature = dilithium3::detached_sign(&message, &secret);
    group.bench_function("verify", |b| {
        b.iter(|| dilithium3::verify_detached_signature(black_box(&signature), black_box(&message), &public).unwrap());
    });
}

fn x25519(c: &mut Criterion) {
    let mut group = c.benchmark_group("x25519");
    let secret = StaticSecret::from(random::<32>());
    let peer = PublicKey::from(&StaticSecret::from(random::<32>()));
    group.bench_function("keygen", |b| b.iter(|| PublicKey::from(black_box(&secret))));
    let mut shared = [0; 32];
    group.bench_function("dh", |b| b.iter(|| libcrux_curve25519::ecdh(&mut shared, black_box(peer.as_bytes()), secret.as_bytes()).is_ok()));
    group.bench_function("dh of x25519-dalek", |b| b.iter(|| secret.diffie_hellman(black_box(&peer))));
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

fn aead<C: KeyInit + AeadInOut + KeySizeUser<KeySize = U32> + AeadCore<NonceSize = U12>>(c: &mut Criterion, name: &str) {
    let mut group = c.benchmark_group(name);
    let (key, nonce) = (random::<32>(), random::<12>());
    for size in [64, 1024, 16_384] {
        let mut text = vec![0; size];
        group.throughput(Throughput::Bytes(size.try_into().unwrap()));
        group.bench_with_input(BenchmarkId::new("seal", size), &size, |b, _| {
            b.iter(|| {
                let cipher = C::new(black_box(&key).into());
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
    aead::<ChaCha20Poly1305>(&mut c, "chacha20-poly1305");
    aead::<aes_gcm::Aes256Gcm>(&mut c, "aes-256-gcm");
    hashes(&mut c);
    #[cfg(feature = "level5")]
    for bench in [ml_kem_1024, ml_dsa_87, p384] {
        bench(&mut c);
    }
    #[cfg(feature = "round3")]
    round3(&mut c);
    c.final_summary();
}
