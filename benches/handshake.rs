//! Complete handshakes without IO, and beside them, in the same run, the sum of the primitives that XX cannot do without.
//!
//! ```text
//! cargo bench --bench handshake                         all of it, about a minute; the last line is the verdict
//! cargo bench --bench handshake -- '^(xx/both|floor)'   XX and the floor alone, and the verdict
//! ```
//!
//! - `xx/…`, `xxpsk0/…`, `nx/…`: one handshake from fresh randomness to two channels, peers pinned by fingerprint: the work of the `initiator`, of the
//!   `responder`, and of `both`. Identities exist beforehand; wiping the finished channels is not counted. `xx-0x0003/…` and so on are the other suites of the build.
//! - `floor/xx`: what XX's KEM and signatures cost in the named libraries, called directly, in one iteration on fresh inputs:
//!
//! ```text
//! X-Wing keygen ............ SHAKE256, ML-KEM-768 keygen, X25519 base point
//! X-Wing encaps ............ ML-KEM-768 key check and encaps, X25519 base point and DH, SHA3-256
//! X-Wing decaps ............ ML-KEM-768 decaps, X25519 DH, SHA3-256
//! 2 composite signatures ... SHA-512, ML-DSA-65 sign (hedged), Ed25519 sign
//! 2 verifications .......... SHA-512, ML-DSA-65 verify, Ed25519 verify_strict
//! ```
//!
//! The floor is low on purpose. It leaves out what every such handshake does besides: drawing randomness, decoding the peer's Ed25519 key, sealing and hashing
//! 13 KB of messages on either side, the key schedule, fingerprints, wiping, memory.
//!
//! ML-DSA's signing repeats until a candidate fits, so both sums have a long tail, and two single runs say nothing. The verdict comes from runs that
//! alternate between XX and the floor, each over fresh transcripts, so that whatever else the machine does meets both; its standard error stands beside it.
//! All times here are the thread's own (on Linux and macOS): the time that other programs had is not in them, what they did to clock rate and caches is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on stops")]

use criterion::{Criterion, SamplingMode};
use ed25519_dalek::Signer;
use libcrux_ml_dsa::ml_dsa_65;
use libcrux_ml_kem::mlkem768;
use sha2::{Digest, Sha512};
use sha3::Sha3_256;
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};
use std::cell::Cell;
use std::time::Duration;
use support::{Parties, Took, clock};
use twinlock::Suite;
use twinlock::handshake::Psk;
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};

#[path = "support/meeting.rs"]
mod support;

const LABEL: &[u8] = b"COMPSIG-MLDSA65-Ed25519-SHA512";
/// Runs of XX, and as many of its floor, for the verdict.
const RUNS: u32 = 2000;

fn main() {
    let mut c = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .nresamples(10_000)
        .without_plots()
        .configure_from_args();
    let parties = Parties::new(Suite::default());
    let psk = Psk::generate().unwrap();
    for suite in Suite::ALL {
        let parties = Parties::new(*suite);
        // The default's names stand alone.
        let named = |pattern: &str| if *suite == Suite::default() { pattern.to_owned() } else { format!("{pattern}-{:#06x}", suite.id()) };
        handshakes(&mut c, &named("xx"), || parties.xx(None).0);
        handshakes(&mut c, &named("xxpsk0"), || parties.xx(Some(&psk)).0);
        handshakes(&mut c, &named("nx"), || parties.nx(None).0);
    }
    let signers = [Composite::new(b"twinlock1 XX responder"), Composite::new(b"twinlock1 XX initiator")];
    let wanted = floor(&mut c, &signers);
    c.final_summary();
    if wanted {
        compare(&parties, &signers);
    }
}

fn handshakes(c: &mut Criterion, pattern: &str, run: impl Fn() -> Took) {
    let mut group = c.benchmark_group(pattern);
    group.sampling_mode(SamplingMode::Flat);
    let mut side = |name, of: fn(&Took) -> Duration| {
        group.bench_function(name, |b| b.iter_custom(|iterations| (0..iterations).map(|_| of(&run())).sum()));
    };
    side("initiator", |took| took.initiator);
    side("responder", |took| took.responder);
    side("both", Took::both);
}

/// Whether the filter let it run.
fn floor(c: &mut Criterion, signers: &[Composite; 2]) -> bool {
    let ran = Cell::new(false);
    let mut group = c.benchmark_group("floor");
    group.sampling_mode(SamplingMode::Flat);
    group.bench_function("xx", |b| {
        ran.set(true);
        b.iter_custom(|iterations| (0..iterations).map(|_| xx_primitives(signers)).sum());
    });
    ran.get()
}

/// A composite signing key and its public half, expanded and decoded.
struct Composite {
    context: &'static [u8],
    ml_dsa: ml_dsa_65::MLDSA65KeyPair,
    ed25519: ed25519_dalek::SigningKey,
    public: ed25519_dalek::VerifyingKey,
}

impl Composite {
    fn new(context: &'static [u8]) -> Self {
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

fn combine(ss_m: &[u8; 32], ss_x: &SharedSecret, ct_x: &PublicKey, pk_x: &PublicKey) -> [u8; 32] {
    let hash = Sha3_256::new().chain_update(ss_m).chain_update(ss_x).chain_update(ct_x).chain_update(pk_x);
    hash.chain_update(br"\.//^\").finalize().into()
}

/// The primitives of XX, once each, on inputs drawn beforehand.
fn xx_primitives([responder, initiator]: &[Composite; 2]) -> Duration {
    let (seed, m, e_x) = (random::<32>(), random::<32>(), random::<32>());
    let messages = [random::<32>(), random::<32>()];
    let rnd = [random::<32>(), random::<32>()];
    let start = clock();

    let mut shake = Shake256::default();
    shake.update(&seed);
    let mut xof = shake.finalize_xof();
    let (mut dz, mut sk_x) = ([0; 64], [0; 32]);
    xof.read(&mut dz);
    xof.read(&mut sk_x);
    let pair = mlkem768::generate_key_pair(dz);
    let sk_x = StaticSecret::from(sk_x);
    let pk_x = PublicKey::from(&sk_x);

    assert!(mlkem768::validate_public_key(pair.public_key()));
    let (ct_m, ss_m) = mlkem768::encapsulate(pair.public_key(), m);
    let e_x = StaticSecret::from(e_x);
    let ct_x = PublicKey::from(&e_x);
    let sent = combine(&ss_m, &e_x.diffie_hellman(&pk_x), &ct_x, &pk_x);

    let ss_m = mlkem768::decapsulate(pair.private_key(), &ct_m);
    let received = combine(&ss_m, &sk_x.diffie_hellman(&ct_x), &ct_x, &pk_x);

    for ((signer, message), rnd) in [responder, initiator].into_iter().zip(&messages).zip(rnd) {
        let signature = signer.sign(message, rnd);
        signer.verify(message, &signature);
    }
    let took = clock() - start;
    assert_eq!(sent, received);
    took
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Times in microseconds: how many, sorted.
struct Sample(u32, Vec<f64>);

impl Sample {
    fn new(times: impl Iterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.map(|time| time.as_secs_f64() * 1e6).collect();
        times.sort_by(f64::total_cmp);
        Self(times.len().try_into().unwrap(), times)
    }

    fn mean(&self) -> f64 {
        self.1.iter().sum::<f64>() / f64::from(self.0)
    }

    /// The mean's standard error, relative to it.
    fn error(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.1.iter().map(|time| (time - mean).powi(2)).sum();
        (squares / f64::from(self.0 - 1) / f64::from(self.0)).sqrt() / mean
    }

    fn percentile(&self, percent: usize) -> f64 {
        *self.1.get(self.1.len() * percent / 100).unwrap()
    }
}

/// XX and its floor in turn, and how many times the one costs the other.
fn compare(parties: &Parties, signers: &[Composite; 2]) {
    let pair = || (parties.xx(None).0, xx_primitives(signers));
    // As criterion has it: cargo says `--bench` where figures are wanted; a test or a profiler only wants to see it run.
    let said = |what: &str| std::env::args().any(|arg| arg == what);
    if !said("--bench") || said("--test") || said("--profile-time") {
        pair();
        return;
    }
    let (times, floor): (Vec<_>, Vec<_>) = (0..RUNS).map(|_| pair()).unzip();
    let xx = Sample::new(times.iter().map(Took::both));
    let floor = Sample::new(floor.into_iter());
    let rows = [
        ("XX, both sides", &xx),
        ("  initiator", &Sample::new(times.iter().map(|took| took.initiator))),
        ("  responder", &Sample::new(times.iter().map(|took| took.responder))),
        ("its primitives", &floor),
    ];
    println!("\n{:<16}{:>10}{:>10}{:>10}{:>10}", "µs", "mean", "±", "median", "99 %");
    for (name, sample) in rows {
        let mean = sample.mean();
        println!("{name:<16}{mean:>10.1}{:>10.1}{:>10.1}{:>10.1}", mean * sample.error(), sample.percentile(50), sample.percentile(99));
    }
    let ratio = xx.mean() / floor.mean();
    println!(
        "{:<16}{ratio:>10.3}{:>10.3}{:>10.3}",
        "ratio",
        ratio * xx.error().hypot(floor.error()),
        xx.percentile(50) / floor.percentile(50)
    );
    println!("\nXX, both sides, costs {ratio:.2} times the sum of its primitives (mean over {RUNS} interleaved runs)");
}
