//! What a responder that keeps acquaintances must not tell by its time: whether it knows who is named to it, and why it did not take a conversation up again.

use crate::samples;
use crate::targets::{LEFT_OR_RIGHT, PROLOGUE, draw_class, flip};
use dudect_bencher::rand::{RngExt, SeedableRng};
use dudect_bencher::{BenchRng, CtRunner};
use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::sync::Arc;
use twinlock::acquaintances::{Acquaintances, Book};
use twinlock::channel::Resumption;
use twinlock::handshake::{AcquaintedInitiator, AnyHello, Decoys, Initiator, Responder, ResumeInitiator};
use twinlock::identity::{Bundle, StaticKey};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Identity, Suite};

const SUITE: Suite = Suite::Level3ChaCha;
const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;
/// Situations that the samples choose from, each with decoys and acquaintances of its own: what an encapsulation takes depends a little on the public key, and what stands in a cache
/// is what was used last.
const POOL: u64 = 32;
/// Bundles, or records, in each store.
const OTHERS: u64 = 3;

fn identity(seed: u64) -> Identity {
    Identity::generate_with_rng(SUITE.signature(), &mut BenchRng::seed_from_u64(seed)).expect("an identity is made")
}

fn static_key(me: &Identity, seed: u64) -> StaticKey {
    StaticKey::generate_with_rng(me, SUITE, NOW - DAY, NOW + DAY, &mut BenchRng::seed_from_u64(seed)).expect("the times are allowed")
}

/// A store in which one bundle or the other is kept, and two first messages that differ in whom they name alone.
struct Naming {
    decoys: Arc<Decoys>,
    book: Book,
    /// By somebody who is not known, and by an acquaintance.
    hellos: [Vec<u8>; 2],
}

impl Naming {
    fn new(bob: &Identity, n: u64) -> Self {
        let keys = [0, 1].map(|side| static_key(&identity(1000 + 2 * n + side), 2000 + n));
        let bobs = static_key(bob, 3000);
        let hellos = keys.each_ref().map(|key| hello(key, bobs.bundle(), 4000 + n));
        let mut book = Book::new();
        book.add_key(bobs, NOW).expect("it is the first");
        let others = (0..OTHERS).map(|other| static_key(&identity(5000 + OTHERS * n + other), 6000).bundle().clone());
        for bundle in others.chain([keys[1].bundle().clone()]) {
            let _ = book.take_bundle(bundle, NOW).expect("there is place");
        }
        let decoys = Decoys::generate_with_rng(&mut BenchRng::seed_from_u64(7000 + n)).expect("they are made");
        Self { decoys: Arc::new(decoys), book, hellos }
    }
}

fn hello(mine: &StaticKey, theirs: &Bundle, seed: u64) -> Vec<u8> {
    let initiator = AcquaintedInitiator::new(mine, theirs, PROLOGUE, NOW);
    initiator.send_hello_with_rng(&mut BenchRng::seed_from_u64(seed)).expect("message 1 is made").1
}

fn responder(bob: &Identity, decoys: &Arc<Decoys>) -> Responder {
    Responder::new(bob, PROLOGUE).suites(&[SUITE]).decoys(decoys).now(NOW)
}

/// From message 1 to message 2: the left class names nobody, the right one an acquaintance.
pub(crate) fn decoy(runner: &mut CtRunner, rng: &mut BenchRng) {
    let bob = identity(0);
    let pool: Vec<_> = (0..POOL).map(|n| Naming::new(&bob, n)).collect();
    let mut frame = pool[0].hellos[0].clone();
    for _ in 0..samples() {
        let (class, naming) = (draw_class(rng), &pool[rng.random_range(0..pool.len())]);
        frame.copy_from_slice(&naming.hellos[class]);
        let responder = Cell::new(Some(responder(&bob, &naming.decoys)));
        let coins = RefCell::new(BenchRng::seed_from_u64(8000));
        let reply = Cell::new(None);
        runner.run_one(LEFT_OR_RIGHT[class], || {
            let responder = responder.take().expect("it is run once");
            let heard = responder.read_hello_with(black_box(&frame), &naming.book).expect("message 1 is good");
            let AnyHello::Acquainted(heard) = heard else { unreachable!("IK was opened") };
            reply.set(Some(heard.send_reply_with_rng(&mut *coins.borrow_mut()).expect("message 2 is made")));
        });
        drop(reply.take());
    }
}

/// A store in which a record is kept, and the first message of who has the other side's.
struct Resuming {
    decoys: Arc<Decoys>,
    book: Book,
    hello: Vec<u8>,
}

impl Resuming {
    fn new(alice: &Identity, bob: &Identity, n: u64) -> Self {
        let mut book = Book::new();
        let [theirs, mine] = records(alice, bob, 1000 * n);
        let others = (1..=OTHERS).map(|other| records(&identity(2000 + other), bob, 1000 * n + other)[1].to_secret_bytes());
        others.chain([mine.to_secret_bytes()]).for_each(|record| keep(&mut book, record.expose()));
        let mut store = Book::new();
        keep(&mut store, theirs.to_secret_bytes().expose());
        let judged = ResumeInitiator::new(Arc::new(theirs), PROLOGUE).judge(&mut TrustAnyone).expect("anybody is trusted");
        let (_, hello) = judged.send_hello_with_rng(&mut store, NOW, &mut BenchRng::seed_from_u64(n)).expect("message 1 is made");
        let decoys = Decoys::generate_with_rng(&mut BenchRng::seed_from_u64(7000 + n)).expect("they are made");
        Self { decoys: Arc::new(decoys), book, hello }
    }
}

fn keep(book: &mut Book, record: &[u8]) {
    let record = Resumption::from_secret_bytes(record).expect("it is one");
    assert!(book.keep(record, NOW).expect("it is written"));
}

/// Both sides' records of one conversation in `XX`, the initiator's first.
fn records(alice: &Identity, bob: &Identity, seed: u64) -> [Resumption; 2] {
    let rng = &mut BenchRng::seed_from_u64(seed);
    let (waiting, hello) = Initiator::new(alice, PROLOGUE).suite(SUITE).send_hello_with_rng(rng).expect("message 1 is made");
    let heard = Responder::new(bob, PROLOGUE).read_hello(&hello).expect("message 1 is good");
    let (awaits, reply) = heard.send_reply_with_rng(rng).expect("message 2 is made");
    let read = waiting.read_reply(&reply).expect("message 2 is good");
    let (one, finish) = read.send_finish_with_rng(&mut TrustAnyone, rng).expect("message 3 is made");
    let other = awaits.read_finish(&finish).expect("message 3 is good").into_channel(&mut TrustAnyone).expect("anybody is trusted");
    [one, other].map(|mut channel| channel.keep_resumption(NOW).expect("it is derived").expect("it is the first time"))
}

/// Where the id and the last tag stand in the frame of message 1: length, header, id; the tag is its end.
fn places(hello: &[u8]) -> [(usize, usize); 2] {
    [(2 + 6, 2 + 6 + 16), (hello.len() - 16, hello.len())]
}

/// Both classes are refused with status 5: the left one's id is not known, the right one's tag is wrong.
pub(crate) fn resume(runner: &mut CtRunner, rng: &mut BenchRng) {
    let (alice, bob) = (identity(0), identity(1));
    let pool: Vec<_> = (0..POOL).map(|n| Resuming::new(&alice, &bob, n)).collect();
    let mut frame = pool[0].hello.clone();
    for _ in 0..samples() {
        let (class, resuming) = (draw_class(rng), &pool[rng.random_range(0..pool.len())]);
        frame.copy_from_slice(&resuming.hello);
        let (from, to) = places(&frame)[class];
        flip(&mut frame, from, to, rng);
        let responder = Cell::new(Some(responder(&bob, &resuming.decoys)));
        runner.run_one(LEFT_OR_RIGHT[class], || {
            let responder = responder.take().expect("it is run once");
            let refused = responder.read_hello_with(black_box(&frame), &resuming.book).expect_err("message 1 is no good");
            assert_eq!(refused.answer(), [0, 1, 5]);
        });
    }
}
