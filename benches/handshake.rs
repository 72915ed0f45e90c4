//! Complete handshakes without IO, and beside them, in the same run, the sums of the primitives that XX, IK and resume cannot do without.
//!
//! ```text
//! cargo bench --bench handshake                         all of it, about two minutes; the last lines are the verdict
//! cargo bench --bench handshake -- '^(xx/both|floor)'   XX and the floors alone, and the verdict
//! ```
//!
//! - `xx/…`, `xxpsk0/…`, `nx/…`, `ik/…`, `ikpsk0/…`, `resume/…`: one handshake from fresh randomness to two channels, peers pinned by fingerprint: the work of the
//!   `initiator`, of the `responder`, and of `both`. Identities, static keys and records exist beforehand, in stores in memory; wiping the finished channels is not counted.
//!   `xx-0x0003/…` and so on are the other suites of the build.
//! - `floor/xx`, `floor/ik`, `floor/resume`: what the KEM and the signatures of each cost in the named libraries, called directly, in one iteration on fresh inputs:
//!   `support/floor.rs` says which, and what it leaves out.
//!
//! ML-DSA's signing repeats until a candidate fits, so both sums have a long tail, and two single runs say nothing. The verdict comes from runs that
//! alternate between XX, IK, resume and the floors, each over fresh transcripts, so that whatever else the machine does meets both; its standard error stands beside it.
//! All times here are the thread's own (on Linux and macOS): the time that other programs had is not in them, what they did to clock rate and caches is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark that cannot go on stops")]

use criterion::{Criterion, SamplingMode};
use floor::{Composite, XWing, primitives};
use sample::Sample;
use std::cell::{Cell, RefCell};
use std::time::Duration;
use support::acquainted::Acquainted;
use support::{Parties, Took};
use twinlock::Suite;
use twinlock::handshake::Psk;

#[path = "support/floor.rs"]
mod floor;
#[path = "support/sample.rs"]
mod sample;
#[path = "support/meeting.rs"]
mod support;

/// Runs of each handshake, and as many of its floor, for the verdict.
const RUNS: u32 = 2000;

/// Those whose floor is measured.
const HANDSHAKES: [&str; 3] = ["xx", "ik", "resume"];

/// What the primitives of a handshake need: XX has two signers, IK two static keys.
struct Floors {
    signers: [Composite; 2],
    statics: [XWing; 2],
}

impl Floors {
    fn of(&self, handshake: &str) -> Duration {
        match handshake {
            "xx" => primitives(&[], &self.signers),
            "ik" => primitives(&self.statics, &[]),
            _ => primitives(&[], &[]),
        }
    }
}

fn main() {
    let mut c = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .nresamples(10_000)
        .without_plots()
        .configure_from_args();
    let psk = Psk::generate().unwrap();
    for suite in Suite::ALL {
        let (parties, known) = (Parties::new(*suite), Acquainted::new(*suite));
        // The default's names stand alone.
        let named = |pattern: &str| if *suite == Suite::default() { pattern.to_owned() } else { format!("{pattern}-{:#06x}", suite.id()) };
        handshakes(&mut c, &named("xx"), || parties.xx(None).0);
        handshakes(&mut c, &named("xxpsk0"), || parties.xx(Some(&psk)).0);
        handshakes(&mut c, &named("nx"), || parties.nx(None).0);
        handshakes(&mut c, &named("ik"), || known.ik(None).0);
        handshakes(&mut c, &named("ikpsk0"), || known.ik(Some(&psk)).0);
        let resume = resuming(&known);
        handshakes(&mut c, &named("resume"), resume);
    }
    let floors = Floors {
        signers: [Composite::new(b"twinlock1 XX responder"), Composite::new(b"twinlock1 XX initiator")],
        statics: [XWing::new(), XWing::new()],
    };
    let wanted = floor(&mut c, &floors);
    c.final_summary();
    if wanted {
        compare(&floors);
    }
}

/// One conversation after the other, each begun with a record of the one before.
fn resuming(known: &Acquainted) -> impl Fn() -> Took {
    let remembered = RefCell::new(Some(known.remember()));
    move || {
        let (took, _, next) = known.resume(remembered.take().unwrap());
        remembered.replace(Some(next));
        took
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
fn floor(c: &mut Criterion, floors: &Floors) -> bool {
    let ran = Cell::new(false);
    let mut group = c.benchmark_group("floor");
    group.sampling_mode(SamplingMode::Flat);
    for name in HANDSHAKES {
        group.bench_function(name, |b| {
            ran.set(true);
            b.iter_custom(|iterations| (0..iterations).map(|_| floors.of(name)).sum());
        });
    }
    ran.get()
}

/// The handshakes and their floors in turn, and how many times the one costs the other.
fn compare(floors: &Floors) {
    let (parties, known) = (Parties::new(Suite::default()), Acquainted::new(Suite::default()));
    let resume = resuming(&known);
    let handshakes: [&dyn Fn() -> Took; 3] = [&|| parties.xx(None).0, &|| known.ik(None).0, &resume];
    let round = || [0, 1, 2].map(|at: usize| (handshakes[at](), floors.of(HANDSHAKES[at])));
    // As criterion has it: cargo says `--bench` where figures are wanted; a test or a profiler only wants to see it run.
    let said = |what: &str| std::env::args().any(|arg| arg == what);
    if !said("--bench") || said("--test") || said("--profile-time") {
        round();
        return;
    }
    let rounds: Vec<_> = (0..RUNS).map(|_| round()).collect();
    println!("\n{:<16}{:>10}{:>10}{:>10}{:>10}", "µs", "mean", "±", "median", "99 %");
    let means = [0, 1, 2].map(|at: usize| {
        let sample = |of: &dyn Fn(&(Took, Duration)) -> Duration| Sample::new(rounds.iter().map(|round| of(&round[at])));
        let (both, floor) = (sample(&|(took, _)| took.both()), sample(&|(_, floor)| *floor));
        show(&format!("{}, both sides", HANDSHAKES[at]), &both);
        show("  initiator", &sample(&|(took, _)| took.initiator));
        show("  responder", &sample(&|(took, _)| took.responder));
        show("its primitives", &floor);
        let ratio = both.mean() / floor.mean();
        let error = ratio * both.error().hypot(floor.error());
        println!("{:<16}{ratio:>10.3}{error:>10.3}{:>10.3}", "ratio", both.percentile(50) / floor.percentile(50));
        (both.mean(), ratio)
    });
    println!();
    let [(xx, _), ..] = means;
    for (name, (mean, ratio)) in HANDSHAKES.iter().zip(means) {
        let of_xx = mean / xx;
        println!(
            "{name}, both sides, costs {ratio:.2} times the sum of its primitives, and {of_xx:.2} of xx (means over {RUNS} interleaved runs)"
        );
    }
}

fn show(name: &str, sample: &Sample) {
    let mean = sample.mean();
    println!("{name:<16}{mean:>10.1}{:>10.1}{:>10.1}{:>10.1}", mean * sample.error(), sample.percentile(50), sample.percentile(99));
}
