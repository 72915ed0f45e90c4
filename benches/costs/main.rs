//! What each suite costs: bytes of every message and object, time of every pattern. Prints the tables of docs/suites.md.
//!
//! ```text
//! cargo bench --all-features --bench costs               prints them, about a minute
//! cargo bench --all-features --bench costs -- --write    and puts them into docs/suites.md
//! ```
//!
//! Times are this thread's own (on Linux and macOS), means over interleaved runs of all suites. `tests/costs.rs` looks whether the page is current.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a benchmark that cannot go on stops")]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};
use support::acquainted::{Acquainted, NOW};
use table::{Cost, PATTERNS, support};
use twinlock::handshake::Psk;
use twinlock::identity::StaticKey;
use twinlock::{Bundle, Identity, Suite};

mod table;

#[path = "../support/conversation.rs"]
mod conversation;

/// Handshakes of each pattern and suite; records have as many times a thousand.
const RUNS: u32 = 300;

fn main() {
    let said = |what: &str| std::env::args().any(|arg| arg == what);
    // `cargo bench -- --test` and `cargo test` want to see it run; a filter for another benchmark wants nothing.
    let runs = if said("--test") || !said("--bench") { 1 } else { RUNS };
    let filter = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    if filter.is_some_and(|filter| !"costs".contains(&filter)) {
        return;
    }
    if Suite::ALL.len() < 4 {
        println!("costs: the tables need every suite: give --all-features");
        return;
    }
    let figures = measure(runs);
    let page = table::page(&machine(), |suite, cost| written(figures[&(suite.id(), format!("{cost:?}"))]));
    println!("{page}");
    if said("--write") {
        write(&page);
    }
}

fn measure(runs: u32) -> BTreeMap<(u16, String), Duration> {
    let mut figures = BTreeMap::<_, Duration>::new();
    let mut add = |suite: Suite, cost: Cost, took: Duration| *figures.entry((suite.id(), format!("{cost:?}"))).or_default() += took / runs;
    let known: Vec<_> = Suite::ALL.iter().map(|suite| Acquainted::new(*suite)).collect();
    let mut remembered: Vec<_> = known.iter().map(|known| Some(known.remember())).collect();
    let psk = Psk::generate().unwrap();
    for run in 0..runs {
        eprint!("\r{run} of {runs} handshakes of each kind");
        for (known, remembered) in known.iter().zip(&mut remembered) {
            let (parties, psk) = (&known.parties, Some(&psk));
            let (resumed, _, next) = known.resume(remembered.take().unwrap());
            *remembered = Some(next);
            let met = [parties.xx(None), parties.xx(psk), parties.nx(None), parties.nx(psk), known.ik(None), known.ik(psk)];
            let took = met.into_iter().map(|(took, _)| took).chain([resumed]);
            for (pattern, took) in PATTERNS.into_iter().zip(took) {
                add(parties.suite, Cost::Both(pattern), took.both());
                add(parties.suite, Cost::Initiator(pattern), took.initiator);
                add(parties.suite, Cost::Responder(pattern), took.responder);
            }
            let mut time = |cost, f: &dyn Fn()| {
                let start = support::clock();
                f();
                add(parties.suite, cost, support::clock() - start);
            };
            time(Cost::Generate, &|| drop(Identity::generate_for(parties.suite.signature()).unwrap()));
            time(Cost::StaticKey, &|| drop(StaticKey::generate(&parties.alice, parties.suite, NOW, NOW + 1).unwrap()));
            time(Cost::ReadBundle, &|| drop(Bundle::from_bytes(known.alice.bundle().as_bytes()).unwrap()));
        }
    }
    for suite in Suite::ALL {
        for size in [64, 1024, 16_384] {
            let mut ends = conversation::Ends::new(*suite, size);
            let start = support::clock();
            for _ in 0..runs * 100 {
                ends.seal();
                ends.open();
            }
            add(*suite, Cost::Record(size), (support::clock() - start) / 100);
        }
        let mut ends = conversation::Ends::new(*suite, 1);
        let start = support::clock();
        (0..runs).for_each(|_| ends.rekey());
        add(*suite, Cost::Rekey, support::clock() - start);
    }
    eprintln!();
    figures
}

/// Three digits, in microseconds or milliseconds.
fn written(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    let (value, unit) = if micros < 1000.0 { (micros, "µs") } else { (micros / 1000.0, "ms") };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

/// When, and on what.
fn machine() -> String {
    let days = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let mut known = twinlock::KnownPeers::in_memory().at(days * 86_400);
    known.add("today", Identity::generate().unwrap().fingerprint(), Suite::default(), twinlock::trust::Met::FirstUse).unwrap();
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")).map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':']));
    format!("measured {} on one core of an {model}, {}", known.entries()[0].date(), std::env::consts::ARCH)
}

fn write(page: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/suites.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(table::BEGIN).unwrap_or_else(|| panic!("{path} has no place for the tables"));
    let (_, after) = rest.split_once(table::END).unwrap();
    std::fs::write(path, format!("{before}{}\n\n{page}\n{}{after}", table::BEGIN, table::END)).unwrap();
    println!("written to {path}");
}
