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
use std::ops::Range;
use std::time::{Duration, Instant};
use twinlock::channel::{Opener, Padding, Policy, Record, Sealer};
use twinlock::handshake::{Initiator, Responder};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity};

/// Operations between two readings of the clock: so many that reading it does not count, so few that their frames stay in the cache.
const BATCH: u64 = 16;
const PAGE: usize = 4096;

/// Both ends of a channel, a message that goes from here to there, and the frames between them.
struct Ends {
    here: (Sealer, Opener),
    there: (Sealer, Opener),
    page: Vec<u8>,
    message: Range<usize>,
    frames: Vec<u8>,
}

impl Ends {
    fn new(size: usize) -> Self {
        let (a, b) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        let (initiator, hello) = Initiator::new(&a, b"bench").send_hello().unwrap();
        let (responder, reply) = Responder::new(&b, b"bench").read_hello(&hello).unwrap().send_reply().unwrap();
        let (here, finish) = initiator.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
        let there = responder.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap();
        // Some processors copy a message thirty times slower to a place that lies a few bytes further on in its page than the message in its own.
        // Where an allocator puts things is luck: here the two are half a page apart.
        let page = vec![7; PAGE + size];
        let frames: Vec<u8> = Vec::with_capacity(2 * (PAGE + size));
        let start = (frames.as_ptr().addr() + PAGE / 2).wrapping_sub(page.as_ptr().addr()) % PAGE;
        Self { here: halves(here), there: halves(there), page, message: start..start + size, frames }
    }

    /// Here seals the message.
    fn seal(&mut self) {
        let message = self.page.get(self.message.clone()).unwrap();
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

fn both(b: &mut Bencher<'_>, padding: Padding, size: usize) {
    let mut ends = Ends::new(size);
    ends.here.0.set_padding(padding);
    b.iter(|| {
        ends.seal();
        ends.open();
    });
}

fn records(c: &mut Criterion) {
    let mut group = c.benchmark_group("record");
    for size in [64, 1024, 16_384] {
        group.throughput(Throughput::Bytes(size.try_into().unwrap()));
        group.bench_with_input(BenchmarkId::new("seal", size), &size, |b, size| {
            let mut ends = Ends::new(*size);
            b.iter(|| {
                ends.frames.clear();
                ends.seal();
            });
        });
        group.bench_with_input(BenchmarkId::new("open", size), &size, |b, size| {
            let mut ends = Ends::new(*size);
            let seal = |ends: &mut Ends, n| (0..n).for_each(|_| ends.seal());
            b.iter_custom(|iterations| in_batches(iterations, &mut ends, seal, |ends, _| ends.open()));
        });
        group.bench_with_input(BenchmarkId::new("both", size), &size, |b, size| both(b, Padding::None, *size));
    }
}

fn messages(c: &mut Criterion) {
    let mut group = c.benchmark_group("message");
    let size = 1 << 20;
    group.throughput(Throughput::Bytes(1 << 20));
    group.bench_with_input(BenchmarkId::new("both", size), &size, |b, size| both(b, Padding::None, *size));
}

fn padding(c: &mut Criterion) {
    let mut group = c.benchmark_group("padding");
    group.throughput(Throughput::Bytes(1000));
    group.bench_function("none", |b| both(b, Padding::None, 1000));
    group.bench_function("padme", |b| both(b, Padding::Padme, 1000));
}

fn renewal(c: &mut Criterion) {
    let mut group = c.benchmark_group("renew");
    group.bench_function("key-update", |b| {
        let mut ends = Ends::new(1);
        // More than 32 updates without a message between them do nothing.
        let message = |ends: &mut Ends, _| {
            ends.seal();
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
        let mut ends = Ends::new(1);
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
