//! What is timed: each target runs one operation of the public API on inputs of two classes, in random order. An attacker may know the class of an input only by
//! what the library says, so the time must not tell it.
//!
//! Every input is prepared outside the clock and in the same places for both classes; states that an operation uses up are made anew from the same seed.

use crate::{acquainted, samples};
use dudect_bencher::ctbench::BenchFn;
use dudect_bencher::rand::RngExt;
use dudect_bencher::rand::SeedableRng;
use dudect_bencher::{BenchRng, Class, CtRunner};
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use twinlock::handshake::{AnonymousAwaitsReply, AnonymousInitiator, Hello, Responder};
use twinlock::identity::{SignatureAlgorithm, Statement};
use twinlock::trust::danger::TrustAnyone;
use twinlock::trust::{Anonymous, KnownPeers, Met, Peer};
use twinlock::{Channel, Distrust, Error, Fingerprint, Identity, Pinned, Suite, Trust};

pub(crate) struct Target {
    /// The row of the claims, without `timing.`.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) classes: [&'static str; 2],
    pub(crate) run: BenchFn,
    /// Samples of a short run.
    pub(crate) samples: usize,
    /// A leak was planted, and must be found.
    pub(crate) control: bool,
}

/// Every target of this build.
pub(crate) fn all() -> Vec<Target> {
    let decapsulation = ["ciphertext right, identity's tag wrong", "ciphertext wrong (implicit rejection)"];
    let record = ["tag wrong in its first byte", "tag wrong in its last byte"];
    let signature = ["post-quantum half wrong", "classical half wrong"];
    let fingerprint = ["no byte matches", "all but the last byte match"];
    let target = |name, title, classes, run, samples| Target { name, title, classes, run, samples, control: false };
    let targets = [
        target(
            "decapsulation",
            "Reading message 2, suite 0x0001",
            decapsulation,
            (|r, g| decapsulation_of(Suite::Level3ChaCha, r, g)) as BenchFn,
            20_000,
        ),
        target("record.chacha", "Opening a record, ChaCha20-Poly1305", record, |r, g| record_of(Suite::Level3ChaCha, r, g), 12_000),
        target("record.aes", "Opening a record, AES-256-GCM", record, |r, g| record_of(Suite::Level3Aes, r, g), 12_000),
        target("signature", "Verifying MLDSA65-Ed25519", signature, |r, g| signature_of(SignatureAlgorithm::MlDsa65Ed25519, r, g), 20_000),
        target("decoy", "Answering message 1 of IK", ["names nobody: the decoy", "names an acquaintance"], acquainted::decoy, 20_000),
        target("resume", "Refusing message 1 of resume", ["id unknown", "tag wrong"], acquainted::resume, 40_000),
        target("trust.pinned", "Pinned: judging a peer that is another", fingerprint, pinned, 100_000),
        target("trust.known", "KnownPeers: judging a changed key", fingerprint, known_peers, 60_000),
        #[cfg(feature = "level5")]
        target(
            "level5.decapsulation",
            "Reading message 2, suite 0x0002",
            decapsulation,
            |r, g| decapsulation_of(Suite::Level5Aes, r, g),
            2_000,
        ),
        #[cfg(feature = "level5")]
        target(
            "level5.signature",
            "Verifying MLDSA87-ECDSA-P384",
            signature,
            |r, g| signature_of(SignatureAlgorithm::MlDsa87P384, r, g),
            4_000,
        ),
        Target {
            control: true,
            ..target("control.comparison", "Planted: a comparison that ends at the first difference", fingerprint, early_exit, 100_000)
        },
        Target {
            control: true,
            ..target(
                "control.rejection",
                "Planted: message 2 read with a branch on the ciphertext",
                decapsulation,
                explicit_rejection,
                20_000,
            )
        },
    ];
    targets.into()
}

pub(crate) const PROLOGUE: &[u8] = b"timing";
/// Conversations that the samples choose from.
const POOL: u64 = 64;
pub(crate) const LEFT_OR_RIGHT: [Class; 2] = [Class::Left, Class::Right];

/// An initiator that can be made again, and the answer that it awaits; the responder's side of the channel.
struct Answered {
    suite: Suite,
    seed: u64,
    reply: Vec<u8>,
    responder: Option<Channel>,
}

impl Answered {
    fn new(suite: Suite, bob: &Identity, seed: u64) -> Self {
        let (_, hello) = initiator(suite, seed);
        let hello = Responder::new(bob, PROLOGUE).suites(&[suite]).read_any_hello(&hello).expect("message 1 is good");
        let Hello::Anonymous(hello) = hello else { unreachable!("NX was opened") };
        let (responder, reply) = hello.send_reply(&mut Anonymous).expect("message 2 is made");
        Self { suite, seed, reply, responder: Some(responder) }
    }

    fn pool(suite: Suite) -> Vec<Self> {
        let bob = Identity::generate_for(suite.signature()).expect("an identity is made");
        (0..POOL).map(|seed| Self::new(suite, &bob, seed)).collect()
    }

    fn waiting(&self) -> AnonymousAwaitsReply {
        initiator(self.suite, self.seed).0
    }

    fn channel(&self) -> Channel {
        self.waiting().read_reply(&self.reply).and_then(|read| read.into_channel(&mut TrustAnyone)).expect("message 2 is good")
    }
}

fn initiator(suite: Suite, seed: u64) -> (AnonymousAwaitsReply, Vec<u8>) {
    AnonymousInitiator::new(PROLOGUE).suite(suite).send_hello_with_rng(&mut BenchRng::seed_from_u64(seed)).expect("message 1 is made")
}

/// 0 for the left class, 1 for the right.
pub(crate) fn draw_class(rng: &mut BenchRng) -> usize {
    usize::from(rng.random::<bool>())
}

pub(crate) fn flip(bytes: &mut [u8], from: usize, to: usize, rng: &mut BenchRng) {
    bytes[rng.random_range(from..to)] ^= 1 << rng.random_range(0..8u32);
}

/// Where the post-quantum half of the ciphertext and the sealed identity stand in the frame of message 2: length, status, ciphertext, identity.
fn places(suite: Suite) -> [(usize, usize); 2] {
    let (post_quantum, ciphertext) = if suite.signature() == SignatureAlgorithm::MlDsa65Ed25519 { (1088, 1120) } else { (1568, 1665) };
    let sealed = suite.signature().public_key_len() + 16;
    [(3 + ciphertext, 3 + ciphertext + sealed), (3, 3 + post_quantum)]
}

fn message_2(suite: Suite, runner: &mut CtRunner, rng: &mut BenchRng, read: impl Fn(&Answered, AnonymousAwaitsReply, &[u8]) -> bool) {
    let pool = Answered::pool(suite);
    let places = places(suite);
    let mut frame = pool[0].reply.clone();
    for _ in 0..samples() {
        let (class, answered) = (draw_class(rng), &pool[rng.random_range(0..pool.len())]);
        frame.copy_from_slice(&answered.reply);
        flip(&mut frame, places[class].0, places[class].1, rng);
        let waiting = Cell::new(Some(answered.waiting()));
        runner.run_one(LEFT_OR_RIGHT[class], || {
            let waiting = waiting.take().expect("it is run once");
            assert!(read(answered, waiting, black_box(&frame)), "a changed message 2 ends in another error than Authentication");
        });
    }
}

/// Both classes end at the first tag: whether the ciphertext was right must not show.
fn decapsulation_of(suite: Suite, runner: &mut CtRunner, rng: &mut BenchRng) {
    message_2(suite, runner, rng, |_, waiting, frame| waiting.read_reply(frame).err() == Some(Error::Authentication));
}

/// The same, and about a microsecond more where the ciphertext is not the right one.
fn explicit_rejection(runner: &mut CtRunner, rng: &mut BenchRng) {
    message_2(Suite::Level3ChaCha, runner, rng, |answered, waiting, frame| {
        let failed = waiting.read_reply(frame).err() == Some(Error::Authentication);
        if frame[3..3 + 1088] != answered.reply[3..3 + 1088] {
            black_box((0..1000u32).fold(1u32, |a, x| black_box(a.wrapping_mul(31) ^ x)));
        }
        failed
    });
}

fn record_of(suite: Suite, runner: &mut CtRunner, rng: &mut BenchRng) {
    let mut pool = Answered::pool(suite);
    let seal = |answered: &mut Answered| {
        let (mut sealer, ..) = answered.responder.take().expect("it is used once").into_halves();
        let mut frame = Vec::new();
        sealer.message(&[7; 64], &mut frame).expect("a record is sealed");
        frame
    };
    let sealed: Vec<_> = pool.iter_mut().map(seal).collect();
    let frame = RefCell::new(sealed[0].clone());
    for _ in 0..samples() {
        let (class, index) = (draw_class(rng), rng.random_range(0..pool.len()));
        let opener = RefCell::new(pool[index].channel().into_halves().1);
        let mut bytes = frame.borrow_mut();
        bytes.copy_from_slice(&sealed[index]);
        let at = bytes.len() - if class == 0 { 16 } else { 1 };
        flip(&mut bytes, at, at + 1, rng);
        drop(bytes);
        runner.run_one(LEFT_OR_RIGHT[class], || {
            let opened = opener.borrow_mut().open(black_box(&mut frame.borrow_mut())).err();
            assert_eq!(opened, Some(Error::Authentication));
        });
    }
}

/// Both halves are well-formed, and one of them belongs to another statement of the same key.
fn signature_of(algorithm: SignatureAlgorithm, runner: &mut CtRunner, rng: &mut BenchRng) {
    let identity = Identity::generate_for(algorithm).expect("an identity is made");
    let count = u64::try_from(samples() / 10).expect("it fits").clamp(2, 4000);
    let statement = |time| Statement::revoked(&identity, time).expect("a statement is made").as_bytes().to_vec();
    let statements: Vec<_> = (0..count).map(statement).collect();
    let classical = if algorithm == SignatureAlgorithm::MlDsa65Ed25519 { 64 } else { 104 };
    let end = statements[0].len();
    let halves = [(end - algorithm.signature_len(), end - classical), (end - classical, end)];
    let mut bytes = statements[0].clone();
    for _ in 0..samples() {
        let class = draw_class(rng);
        let index = rng.random_range(0..statements.len());
        let other = (index + rng.random_range(1..statements.len())) % statements.len();
        bytes.copy_from_slice(&statements[index]);
        let (from, to) = halves[class];
        bytes[from..to].copy_from_slice(&statements[other][from..to]);
        runner.run_one(LEFT_OR_RIGHT[class], || assert!(Statement::from_bytes(black_box(&bytes)).is_err()));
    }
}

/// A peer that has proved its identity.
fn somebody() -> Peer {
    let bob = Identity::generate().expect("an identity is made");
    let answered = Answered::new(Suite::Level3ChaCha, &bob, 0);
    answered.waiting().read_reply(&answered.reply).expect("message 2 is good").peer().clone()
}

/// A fingerprint with which none, or all but the last, of the peer's bytes match.
fn near(peer: &Peer, class: usize) -> Fingerprint {
    let mut bytes = *peer.fingerprint().expect("it has an identity").as_bytes();
    let from = if class == 0 { 0 } else { 31 };
    bytes[from..].iter_mut().for_each(|byte| *byte ^= 0xFF);
    Fingerprint::from_bytes(bytes)
}

fn pinned(runner: &mut CtRunner, rng: &mut BenchRng) {
    let peer = somebody();
    let fingerprints = [near(&peer, 0), near(&peer, 1)];
    for _ in 0..samples() {
        let class = draw_class(rng);
        let pinned = Cell::new(Pinned(fingerprints[class]));
        runner.run_one(LEFT_OR_RIGHT[class], || assert_eq!(black_box(pinned.get()).judge(&peer), Err(Distrust::NotExpected)));
    }
}

/// The list is made anew each time, by the same steps, so that its memory is the same in both classes.
fn known_peers(runner: &mut CtRunner, rng: &mut BenchRng) {
    let peer = somebody();
    let fingerprints = [near(&peer, 0), near(&peer, 1)];
    let stranger = |n: u8| Fingerprint::from_bytes([n; 32]);
    for _ in 0..samples() {
        let class = draw_class(rng);
        let mut known = KnownPeers::in_memory().at(1);
        let entries = [("alice", stranger(1)), ("bob", fingerprints[class]), ("carol", stranger(2))];
        for (name, fingerprint) in entries {
            known.add(name, fingerprint, Suite::Level3ChaCha, Met::FirstUse).expect("they are new");
        }
        let known = RefCell::new(known);
        runner.run_one(LEFT_OR_RIGHT[class], || {
            assert_eq!(black_box(known.borrow_mut()).expect("bob").judge(&peer), Err(Distrust::ChangedKey));
        });
    }
}

fn early_exit(runner: &mut CtRunner, rng: &mut BenchRng) {
    let peer = somebody();
    let own = *peer.fingerprint().expect("it has an identity").as_bytes();
    for _ in 0..samples() {
        let class = draw_class(rng);
        let other = *near(&peer, class).as_bytes();
        runner.run_one(LEFT_OR_RIGHT[class], || black_box(&other).iter().zip(black_box(&own)).all(|(a, b)| a == b));
    }
}
