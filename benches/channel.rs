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
//! `record-0x0003/…` and so on are the other suites of the build. Throughput is content per second of one core. Compare a record with `chacha20-poly1305/seal` of the bench `primitives`, in one run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on stops")]

use criterion::{Bencher, BenchmarkId, Criterion, Throughput};
use std::time::{Duration, Instant};
use support::Ends;
use twinlock::Suite;
use twinlock::channel::Padding;

#[path = "support/conversation.rs"]
mod support;

/// Operations between two readings of the clock: so many that reading it does not count, so few that their frames stay in the cache.
const BATCH: u64 = 16;
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

fn both(b: &mut Bencher<'_>, suite: Suite, padding: Padding, size: usize) {
    let mut ends = Ends::new(suite, size);
    ends.here.0.set_padding(padding);
    b.iter(|| {
        ends.seal();
        ends.open();
    });
}

/// The default suite's names stand alone.
fn named(group: &str, suite: Suite) -> String {
    if suite == Suite::default() { group.to_owned() } else { format!("{group}-{:#06x}", suite.id()) }
}

fn records(c: &mut Criterion, suite: Suite) {
    let mut group = c.benchmark_group(named("record", suite));
    for size in [64, 1024, 16_384] {
        group.throughput(Throughput::Bytes(size.try_into().unwrap()));
        group.bench_with_input(BenchmarkId::new("seal", size), &size, |b, size| {
            let mut ends = Ends::new(suite, *size);
            b.iter(|| {
                ends.frames.clear();
                ends.seal();
            });
        });
        group.bench_with_input(BenchmarkId::new("open", size), &size, |b, size| {
            let mut ends = Ends::new(suite, *size);
            let seal = |ends: &mut Ends, n| (0..n).for_each(|_| ends.seal());
            b.iter_custom(|iterations| in_batches(iterations, &mut ends, seal, |ends, _| ends.open()));
        });
        group.bench_with_input(BenchmarkId::new("both", size), &size, |b, size| both(b, suite, Padding::None, *size));
    }
}

fn messages(c: &mut Criterion, suite: Suite) {
    let mut group = c.benchmark_group(named("message", suite));
    let size = 1 << 20;
    group.throughput(Throughput::Bytes(1 << 20));
    group.bench_with_input(BenchmarkId::new("both", size), &size, |b, size| both(b, suite, Padding::None, *size));
}

fn padding(c: &mut Criterion, suite: Suite) {
    let mut group = c.benchmark_group(named("padding", suite));
    group.throughput(Throughput::Bytes(1000));
    group.bench_function("none", |b| both(b, suite, Padding::None, 1000));
    group.bench_function("padme", |b| both(b, suite, Padding::Padme, 1000));
}

fn renewal(c: &mut Criterion, suite: Suite) {
    let mut group = c.benchmark_group(named("renew", suite));
    group.bench_function("key-update", |b| {
        let mut ends = Ends::new(suite, 1);
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
        let mut ends = Ends::new(suite, 1);
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
    for suite in Suite::ALL {
        records(&mut c, *suite);
        messages(&mut c, *suite);
        renewal(&mut c, *suite);
    }
    padding(&mut c, Suite::default());
    c.final_summary();
}
