//! Complete handshakes without IO, and beside them, in the same run, the sum of the primitives that XX cannot do without.
//!
//! ```text
//! cargo bench --bench handshake                         all of it, about a minute; the last line is the verdict
//! cargo bench --bench handshake -- '^(xx/both|floor)'   XX and the floor alone, and the verdict
//! ```
//!
//! - `xx/…`, `xxpsk0/…`, `nx/…`: one handshake from fresh randomness to two channels, peers pinned by fingerprint: the work of the `initiator`, of the
//!   `responder`, and of `both`. Identities exist beforehand; wiping the finished channels is not counted. `xx-0x0003/…` and so on are the other suites of the build.
//! - `floor/xx`: what XX's KEM and signatures cost in the named libraries, called directly, in one iteration on fresh inputs: `support/floor.rs` says which, and
//!   what it leaves out.
//!
//! ML-DSA's signing repeats until a candidate fits, so both sums have a long tail, and two single runs say nothing. The verdict comes from runs that
//! alternate between XX and the floor, each over fresh transcripts, so that whatever else the machine does meets both; its standard error stands beside it.
//! All times here are the thread's own (on Linux and macOS): the time that other programs had is not in them, what they did to clock rate and caches is.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on stops")]

use criterion::{Criterion, SamplingMode};
use floor::{Composite, primitives};
use sample::Sample;
use std::cell::Cell;
use std::time::Duration;
use support::{Parties, Took};
use twinlock::Suite;
use twinlock::handshake::Psk;

#[path = "support/floor.rs"]
mod floor;
#[path = "support/sample.rs"]
mod sample;
#[path = "support/meeting.rs"]
mod support;

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
        b.iter_custom(|iterations| (0..iterations).map(|_| primitives(signers)).sum());
    });
    ran.get()
}

/// XX and its floor in turn, and how many times the one costs the other.
fn compare(parties: &Parties, signers: &[Composite; 2]) {
    let pair = || (parties.xx(None).0, primitives(signers));
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
