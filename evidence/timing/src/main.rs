//! Constant time, statistically: does the time of an operation tell which of two classes its input was of?
//!
//! ```text
//! twinlock-timing [--long] [--plots FOLDER] [NAME…]     the verdict of each target, and a plot of its two distributions
//! twinlock-timing --quick                               a few samples of each, no verdict: that it runs
//! ```
//!
//! dudect (Reparaz, Balasch, Verbauwhede, DATE 2017) by `dudect-bencher`: classes in random order, Welch's t over the times as they are and cropped at a hundred percentiles, the largest |t|
//! of all. Above 10 is a leak, 5 to 10 runs once more with four times the samples. A control, where a leak was planted, must be above 10. Each target runs in a process of its own.
//!
//! The line that begins with `result` is for programs: name, |t|, samples, the difference of the means that would have given |t| = 10 in nanoseconds, the control's mark.

mod acquainted;
mod plot;
mod sample;
mod targets;

use dudect_bencher::ctbench::{BenchMetadata, BenchName, BenchOpts, run_benches_console};
use sample::Sample;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use targets::Target;

const LEAK: f64 = 10.0;
const DOUBT: f64 = 5.0;

static SAMPLES: AtomicUsize = AtomicUsize::new(0);

/// How many samples the target that runs now takes.
fn samples() -> usize {
    SAMPLES.load(Ordering::Relaxed)
}

struct Wanted {
    times: usize,
    quick: bool,
    plots: PathBuf,
    names: Vec<String>,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut wanted = Wanted { times: 1, quick: false, plots: "target/constant-time".into(), names: Vec::new() };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--one" => return one(&mut args).map(|()| ExitCode::SUCCESS),
            "--long" => wanted.times = 10,
            "--quick" => wanted.quick = true,
            "--plots" => wanted.plots = args.next().ok_or("--plots needs a folder")?.into(),
            // cargo's own.
            "--bench" | "--short" => {}
            name if !name.starts_with('-') => wanted.names.push(name.to_owned()),
            other => {
                return Err(format!("{other} is not known. Known: --long, --quick, --plots FOLDER, and parts of targets' names").into());
            }
        }
    }
    all(&wanted)
}

/// One target in this process, by dudect-bencher, which prints what it finds and writes the raw times.
fn one(args: &mut impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let mut next = || args.next().ok_or("--one NAME SAMPLES CSV");
    let (name, samples, csv) = (next()?, next()?, next()?);
    let target = targets::all().into_iter().find(|target| target.name == name).ok_or("no such target")?;
    SAMPLES.store(samples.parse()?, Ordering::Relaxed);
    let bench = BenchMetadata { name: BenchName(target.name), seed: None, benchfn: target.run };
    Ok(run_benches_console(BenchOpts { file_out: Some(csv.into()), ..BenchOpts::default() }, vec![bench])?)
}

fn all(wanted: &Wanted) -> Result<ExitCode, Box<dyn Error>> {
    std::fs::create_dir_all(&wanted.plots)?;
    let chosen = |target: &Target| wanted.names.is_empty() || wanted.names.iter().any(|name| target.name.contains(name.as_str()));
    let mut failed = Vec::new();
    for target in targets::all().into_iter().filter(chosen) {
        if !judge(&target, wanted)? {
            failed.push(target.name);
        }
    }
    match failed.as_slice() {
        [] => println!("every target took the same time for both classes, and every planted leak was found"),
        failed => println!("not as it should be: {}", failed.join(", ")),
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the target, once more where that leaves a doubt, and says whether it is as it should be.
fn judge(target: &Target, wanted: &Wanted) -> Result<bool, Box<dyn Error>> {
    let samples = if wanted.quick { 100 } else { target.samples * wanted.times };
    let mut sample = run(target, samples, &wanted.plots)?;
    if wanted.quick {
        return Ok(true);
    }
    if (DOUBT..LEAK).contains(&sample.t) && !target.control {
        println!("  |t| = {:.1} is between {DOUBT} and {LEAK}: four times the samples", sample.t);
        sample = run(target, samples * 4, &wanted.plots)?;
    }
    let plot = wanted.plots.join(format!("{}.svg", target.name));
    plot::draw(&plot, target, &sample)?;
    let control = if target.control { "control" } else { "target" };
    println!("result {} {:.2} {} {:.0} {control}", target.name, sample.t, sample.count(), sample.visible(LEAK));
    Ok((sample.t > LEAK) == target.control)
}

/// One run in a process of its own.
fn run(target: &Target, samples: usize, folder: &Path) -> Result<Sample, Box<dyn Error>> {
    let csv = folder.join(format!("{}.csv", target.name));
    println!("{} ({}): {samples} samples", target.name, target.title);
    let output = Command::new(std::env::current_exe()?).args(["--one", target.name, &samples.to_string()]).arg(&csv).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("{} did not run to its end: {text}{}", target.name, String::from_utf8_lossy(&output.stderr)).into());
    }
    Sample::read(&text, &csv)
}
