//! An ordered channel's two halves, without IO: sealing and opening records, whole messages, and what renews the keys.
//!
//! ```text
//! cargo bench --bench channel              all of it, about a minute
//! cargo bench --bench channel -- both      some of it
//! ```
//!
//! - `record/…`: one message in one record, 64 B, 1 KiB, 16 KiB of content: `seal` appends the frame to a buffer that is there already, `open` decrypts it in
//!   place, `both` is one after the other.
//! - `message/both/1048576`: 64 records, sealed and opened.
//! - `padding/…`: 1,000 bytes in one record, sealed and opened, with and without Padmé. Throughput counts content, not padding.
//! - `renew/key-update`: a `KeyUpdate`, made and read: one record of no content and two new keys.
//! - `renew/rekey`: a `RekeyOffer`, made and read, and its `Rekey`: both sides' work for one direction, which is X-Wing's three operations, the key check and
//!   two records of 1.2 KB.
//!
//! Throughput is content per second of one core. Compare a record with `chacha20-poly1305/seal` of the bench `primitives`, in one run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on stops")]

use criterion::{Bencher, BenchmarkId, Criterion, Throughput};
use getrandom::SysRng;
use std::hint::black_box;
use std::time::{Duration, Instant};
use twinlock::channel::{Opener, Padding, Policy, Record, Sealer};
use twinlock::handshake::{Initiator, Responder};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity};

/// Operations between two readings of the clock: so many that reading it does not count, so few that their frames stay in the cache.
const BATCH: u64 = 16;

/// Both ends of a channel, and the frames between them.
struct Ends {
    here: (Sealer, Opener),
    there: (Sealer, Opener),
    frames: Vec<u8>,
}

impl Ends {
    fn new() -> Self {
        let (a, b) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        let (initiator, hello) = Initiator::new(&a, b"bench").send_hello().unwrap();
        let (responder, reply) = Responder::new(&b, b"bench").read_hello(&hello).unwrap().send_reply().unwrap();
        let (here, finish) = initiator.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
        let there = responder.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap();
        Self { here: halves(here), there: halves(there), frames: Vec::new() }
    }

    /// Here seals a message.
    fn seal(&mut self, message: &[u8]) {
        self.here.0.message(black_box(message), &mut self.frames).unwrap();
    }

    /// There opens every frame, and the buffer is empty again.
    fn open(&mut self) {
        let mut frames = self.frames.as_mut_slice();
        while let Some(prefix) = frames.first_chunk::<2>() {
            let (frame, rest) = frames.split_at_mut(usize::from(u16::from_be_bytes(*prefix)) + 2);
            black_box(self.there.1.open(frame).unwrap());
            frames = rest;
        }
        self.frames.clear();
    }

    /// There renews what here sends: offer, answer, and both have the new key.
    fn rekey(&mut self) {
        let offer = self.there.1.make_offer(&mut SysRng).unwrap().unwrap();
        self.there.0.send_offer(offer);
        self.there.0.control(&mut self.frames).unwrap();
        let Record::Offer(offer) = self.here.1.open(&mut self.frames).unwrap() else { panic!("an offer was sent") };
        self.here.0.answer_offer(offer, &mut SysRng).unwrap();
        self.frames.clear();
        self.here.0.control(&mut self.frames).unwrap();
        self.open();
    }
}

/// A channel's halves. Key updates by policy would stand between the records that are counted here.
fn halves(channel: Channel) -> (Sealer, Opener) {
    let (mut sealer, opener, _) = channel.into_halves();
    sealer.set_policy(Policy { update_records: u64::MAX, update_bytes: u64::MAX, ..Policy::default() });
    (sealer, opener)
}

/// Counts the time of `timed` alone. It and `before` are told how many operations it is for, at most [`BATCH`], until there were as many as asked.
fn in_batches(iterations: u64, ends: &mut Ends, mut before: impl FnMut(&mut Ends, u64), mut timed: impl FnMut(&mut Ends, u64)) -> Duration {
    let mut left = iterations;
    let mut total = Duration::ZERO;
    while left > 0 {
        let batch = left.min(BATCH);
        before(ends, batch);
        let start = Instant::now();
        timed(ends, batch);
        total += start.elapsed();
        left -= batch;
    }
    total
}

fn both(b: &mut Bencher<'_>, padding: Padding, message: &[u8]) {
    let mut ends = Ends::new();
    ends.here.0.set_padding(padding);
    b.iter(|| {
        ends.seal(message);
        ends.open();
    });
}

fn records(c: &mut Criterion) {
    let mut group = c.benchmark_group("record");
    for size in [64, 1024, 16_384] {
        let message = vec![7; size];
        group.throughput(Throughput::Bytes(size.try_into().unwrap()));
        group.bench_with_input(BenchmarkId::new("seal", size), &message, |b, message| {
            let mut ends = Ends::new();
            b.iter(|| {
                ends.frames.clear();
                ends.seal(message);
            });
        });
        group.bench_with_input(BenchmarkId::new("open", size), &message, |b, message| {
            let mut ends = Ends::new();
            let seal = |ends: &mut Ends, n| (0..n).for_each(|_| ends.seal(message));
            b.iter_custom(|iterations| in_batches(iterations, &mut ends, seal, |ends, _| ends.open()));
        });
        group.bench_with_input(BenchmarkId::new("both", size), &message, |b, message| both(b, Padding::None, message));
    }
}

fn messages(c: &mut Criterion) {
    let mut group = c.benchmark_group("message");
    let message = vec![7; 1 << 20];
    group.throughput(Throughput::Bytes(1 << 20));
    group.bench_with_input(BenchmarkId::new("both", 1 << 20), &message, |b, message| both(b, Padding::None, message));
}

fn padding(c: &mut Criterion) {
    let mut group = c.benchmark_group("padding");
    let message = vec![7; 1000];
    group.throughput(Throughput::Bytes(1000));
    group.bench_function("none", |b| both(b, Padding::None, &message));
    group.bench_function("padme", |b| both(b, Padding::Padme, &message));
}

fn renewal(c: &mut Criterion) {
    let mut group = c.benchmark_group("renew");
    group.bench_function("key-update", |b| {
        let mut ends = Ends::new();
        // More than 32 updates without a message between them do nothing.
        let message = |ends: &mut Ends, _| {
            ends.seal(b"between");
            ends.open();
        };
        let update = |ends: &mut Ends, n| {
            for _ in 0..n {
                ends.here.0.key_update(&mut ends.frames).unwrap();
                ends.open();
            }
        };
        b.iter_custom(|iterations| in_batches(iterations, &mut ends, message, update));
    });
    group.bench_function("rekey", |b| {
        let mut ends = Ends::new();
        b.iter(|| ends.rekey());
    });
}

fn main() {
    let mut c = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .nresamples(10_000)
        .without_plots()
        .configure_from_args();
    records(&mut c);
    messages(&mut c);
    padding(&mut c);
    renewal(&mut c);
    c.final_summary();
}
