//! Constant time, statistically: dudect over the public API, beside the benchmarks of speed.
//!
//! ```text
//! cargo bench --bench constant_time                      every target, a minute or two
//! cargo bench --bench constant_time -- --long signature  ten times the samples, of the targets with that in their names
//! ```
//!
//! The program is `evidence/timing`, a package of its own, since `dudect-bencher` brings an argument parser that nobody maintains any more; its targets stand in
//! `evidence/timing/src/targets.rs`. This starts it. As cargo has it, `--bench` is there where figures are wanted; a test only sees it run.
#![allow(clippy::expect_used, reason = "a benchmark that cannot go on stops")]

use std::path::Path;
use std::process::{Command, exit};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let package = root.join("evidence/timing/Cargo.toml");
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--release", "--locked", "--manifest-path"]).arg(package);
    cargo.arg("--target-dir").arg(root.join("target/evidence-rust"));
    if cfg!(feature = "level5") {
        cargo.args(["--features", "level5"]);
    }
    cargo.arg("--").arg("--plots").arg(root.join("target/constant-time"));
    cargo.args(if args.iter().any(|arg| arg == "--bench") { &[][..] } else { &["--quick"] }).args(args);
    let status = cargo.status().expect("cargo starts a program");
    exit(status.code().unwrap_or(1));
}
