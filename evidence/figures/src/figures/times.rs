//! Times of one run, as ratios.

use crate::conversation::Ends;
use crate::floor::{Composite, XWing, primitives};
use crate::report::{absent, figure};
use crate::sample::Sample;
use crate::support::acquainted::Acquainted;
use crate::support::clock;
use std::time::Duration;
use twinlock::Suite;

/// Handshakes, and as many of their floors.
const RUNS: u32 = 1000;
/// Records of each size.
const RECORDS: u32 = 20_000;

/// What the README says times of, in microseconds, and the ratio of XX.
pub(crate) struct Times {
    pub(crate) xx: f64,
    pub(crate) nx: f64,
    pub(crate) small: f64,
    pub(crate) mebibyte: f64,
    pub(crate) rekey: f64,
    pub(crate) ratio: f64,
    pub(crate) ik: f64,
    pub(crate) resume: f64,
}

pub(crate) fn all() -> Times {
    let known = Acquainted::new(Suite::default());
    let parties = &known.parties;
    let signers = [Composite::new(b"twinlock1 XX responder"), Composite::new(b"twinlock1 XX initiator")];
    let (xx, ratio) = against_floor("figures.xx.ratio", || parties.xx(None).0.both(), || primitives(&[], &signers));
    let (nx, _) = against_floor("figures.nx.ratio", || parties.nx(None).0.both(), || primitives(&[], &signers[..1]));
    let [ik, resume] = without_signatures(&known);
    let [small, large] = [64, 16_384].map(|size| record(size, RECORDS));
    aes("figures.aes.small", small);
    aes("figures.aes.large", large);
    let mebibyte = record(1 << 20, 100)[0];
    let mut ends = Ends::new(Suite::default(), 1);
    let rekey = per(300, || ends.rekey());
    Times { xx, nx, small: small[0], mebibyte, rekey, ratio, ik, resume }
}

/// A handshake and its primitives in turn: the handshake's mean, and how many times the primitives' that is.
fn against_floor(row: &str, handshake: impl Fn() -> Duration, floor: impl Fn() -> Duration) -> (f64, f64) {
    let (took, floor) = (0..RUNS).map(|_| (handshake(), floor())).unzip();
    ratio(row, took, floor, "primitives")
}

/// The first mean, and how many times the other that is.
fn ratio(row: &str, took: Vec<Duration>, other: Vec<Duration>, what: &str) -> (f64, f64) {
    let (took, other) = (Sample::new(took.into_iter()), Sample::new(other.into_iter()));
    let ratio = took.mean() / other.mean();
    let error = ratio * took.error().hypot(other.error());
    figure(row, ratio, &format!("{:.0} µs for {:.0} µs of {what}, ± {error:.3}", took.mean(), other.mean()));
    (took.mean(), ratio)
}

/// `IK` and `resume`, each in turn with `XX` and with its own primitives.
fn without_signatures(known: &Acquainted) -> [f64; 2] {
    let statics = [XWing::new(), XWing::new()];
    let mut remembered = Some(known.remember());
    let mut resume = || {
        let (took, _, next) = known.resume(remembered.take().unwrap());
        remembered = Some(next);
        took.both()
    };
    let mut columns: [Vec<Duration>; 5] = Default::default();
    for _ in 0..RUNS {
        let xx = known.parties.xx(None).0.both();
        let row = [xx, known.ik(None).0.both(), primitives(&statics, &[]), resume(), primitives(&[], &[])];
        columns.iter_mut().zip(row).for_each(|(column, took)| column.push(took));
    }
    let [xx, ik, ik_floor, resume, resume_floor] = columns;
    ratio("figures.ik.ratio", ik.clone(), ik_floor, "primitives");
    ratio("figures.resume.ratio", resume.clone(), resume_floor, "primitives");
    [ratio("figures.ik.of-xx", ik, xx.clone(), "XX").0, ratio("figures.resume.of-xx", resume, xx, "XX").0]
}

/// Microseconds for one of `runs`.
fn per(runs: u32, mut f: impl FnMut()) -> f64 {
    let start = clock();
    (0..runs).for_each(|_| f());
    (clock() - start).as_secs_f64() * 1e6 / f64::from(runs)
}

/// Sealed and opened with ChaCha20-Poly1305 and with AES-256-GCM, in turn.
fn record(size: usize, runs: u32) -> [f64; 2] {
    let mut ends = [Suite::default(), Suite::from_id(3).unwrap()].map(|suite| Ends::new(suite, size));
    let mut sums = [0.0; 2];
    for _ in 0..10 {
        for (ends, sum) in ends.iter_mut().zip(&mut sums) {
            *sum += per(runs / 10, || {
                ends.seal();
                ends.open();
            }) / 10.0;
        }
    }
    sums
}

fn aes(row: &str, [chacha, aes]: [f64; 2]) {
    #[cfg(target_arch = "x86_64")]
    let here = std::is_x86_feature_detected!("aes") && std::is_x86_feature_detected!("pclmulqdq");
    #[cfg(not(target_arch = "x86_64"))]
    let here = cfg!(all(target_feature = "aes", target_arch = "aarch64"));
    if here {
        figure(row, aes / chacha, &format!("{aes:.2} µs with AES-256-GCM for {chacha:.2} µs with ChaCha20-Poly1305"));
    } else {
        absent(row, "this machine has no instructions for AES");
    }
}
