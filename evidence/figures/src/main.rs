//! Measures what evidence/claims/figures.toml and evidence/claims/resources.toml bound. Runs in the repository's root.
//!
//! ```text
//! twinlock-figures figures              bytes, ratios, allocations, what the documents say; with the feature every-suite
//! twinlock-figures resources default    what a stranger, a handshake and a channel cost in the suites of the default build
//! twinlock-figures resources level5     the same in suite 0x0002; with the feature level5
//! twinlock-figures stack default KIB    a responder on a stack of so many KiB: it ends well, or not at all
//! ```
//!
//! A figure more is a row in the claims, and one line here: `report::value("figures.something", measured)`. The bound is the row's; nothing is judged here.
//!
//! Times are the thread's own, means over interleaved runs, and count as ratios alone. Memory is the heap's, by an allocator that counts for each thread; the
//! tests of the library use the same one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a program that cannot go on stops")]

mod figures;
mod report;
mod resources;

#[path = "../../../tests/support/counting.rs"]
mod counting;

#[path = "../../../benches/support/conversation.rs"]
mod conversation;
#[path = "../../../benches/support/floor.rs"]
mod floor;
#[path = "../../../benches/support/sample.rs"]
mod sample;
#[path = "../../../benches/costs/table.rs"]
mod table;

#[allow(dead_code, reason = "the faults that it can make are for the tests")]
#[path = "../../../tests/io/pipe.rs"]
mod pipe;

use table::support;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["figures"] => figures::all(),
        ["resources", which @ ("default" | "level5")] => resources::all(*which == "level5"),
        ["stack", which @ ("default" | "level5"), kib] => resources::stack::one(*which == "level5", kib.parse().expect("a number of KiB")),
        _ => panic!("say figures; or resources and default or level5"),
    }
}
