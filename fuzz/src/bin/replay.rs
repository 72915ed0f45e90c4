//! Runs every committed input through its target, on stable Rust and without libFuzzer: `replay CORPUS [TARGET…]`.
//!
//! Prints what each target ran; an input that a target panics at is named. The exit status is 1 then. `replay --list` prints the targets and the files that they are about.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs, io};
use twinlock_fuzz::{TARGETS, Target};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let Some(corpus) = arguments.next() else {
        eprintln!("usage: replay CORPUS [TARGET…], or replay --list");
        return ExitCode::FAILURE;
    };
    if corpus == "--list" {
        TARGETS.iter().for_each(|target| println!("{} {}", target.name, target.files.join(" ")));
        return ExitCode::SUCCESS;
    }
    let named: Vec<String> = arguments.collect();
    if let Some(unknown) = named.iter().find(|name| TARGETS.iter().all(|target| target.name != **name)) {
        eprintln!("there is no target {unknown}; there are {}", TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", "));
        return ExitCode::FAILURE;
    }
    let chosen = TARGETS.iter().filter(|target| named.is_empty() || named.iter().any(|name| name == target.name));
    let failures: usize = chosen.map(|target| replay(target, Path::new(&corpus))).sum();
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How many inputs failed.
fn replay(target: &Target, corpus: &Path) -> usize {
    let (begin, files) = (Instant::now(), inputs(&corpus.join(target.name)));
    let files = files.unwrap_or_else(|error| panic!("{}: {error}", corpus.join(target.name).display()));
    let failed = files.iter().filter(|path| fails(target, path)).count();
    println!("{} {} inputs, {failed} failed, {:.1} s", target.name, files.len(), begin.elapsed().as_secs_f64());
    failed
}

fn inputs(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn fails(target: &Target, path: &Path) -> bool {
    let data = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let failed = catch_unwind(|| (target.run)(&data)).is_err();
    if failed {
        println!("{} FAILED at {}", target.name, path.display());
    }
    failed
}
