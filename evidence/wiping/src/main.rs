//! What a conversation leaves in memory.
//!
//! ```text
//! twinlock-wiping [FOLDER]
//! ```
//!
//! A second process of this program holds a conversation between two in one memory: identities, key files, `XXpsk0`, records, key updates, rekeys, the exporter. Another holds one between
//! acquaintances: static keys, their stores, decoys, `IKpsk0`, and `resume` after it. It stands still after each step, and at the end, when everything was dropped. Each time this process writes a core file of it and looks for every secret that the conversation has ever had,
//! which it has computed itself from the specification (`known.rs`, `known_acquainted.rs`): the process that is looked at holds no list of them.
//!
//! - While a secret lives it must be found: else it was computed wrong, and its absence would show nothing.
//! - After its time it must not be found: at the end none, and before that none that a step has left behind.
//! - A conversation more keeps one secret on purpose, and that must be found.
//!
//! On the stack dead copies are counted apart. What it cannot show: forms of a secret that are not in the list (inside the lattices' transforms, a cipher's expanded state), registers, and what the
//! kernel holds. The lines that begin with `result` are for programs: suite, what, how many.

mod acquainted;
mod coins;
mod conversation;
mod core;
mod file;
mod known;
mod known_acquainted;
mod pieces;
mod primitives;

use crate::core::Kind;
use known::{Known, Secrets, Stop};
use known_acquainted::{Ended, Suites};
use pieces::Pieces;
use primitives::Algorithms;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use twinlock::Suite;

const SEED: u64 = 0x7477_696e_6c6f_636b;

/// Which conversation.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Plan {
    /// Between strangers.
    Met,
    /// The same, with two secrets that are left on purpose.
    Planted,
    /// Between acquaintances.
    Acquainted,
}

impl Plan {
    const fn stops(self) -> &'static [Stop] {
        match self {
            Self::Met | Self::Planted => Stop::FIRST,
            Self::Acquainted => Stop::SECOND,
        }
    }

    fn of(name: &str) -> Result<Self, Box<dyn Error>> {
        let named = [Self::Met, Self::Planted, Self::Acquainted].into_iter().find(|plan| format!("{plan:?}") == name);
        Ok(named.ok_or("no such plan")?)
    }
}

/// What one suite's conversation showed.
#[derive(Default)]
struct Tally {
    secrets: usize,
    living: usize,
    missing: usize,
    left: usize,
    left_bytes: usize,
    at_the_end: usize,
    stack: usize,
    stack_bytes: usize,
    file_key_bytes: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--hold", suite, seed, plan, folder] => hold(suite.parse()?, seed.parse()?, Plan::of(plan)?, Path::new(folder)),
        [] => judge(Path::new("target/evidence-wiping")),
        [folder] => judge(Path::new(folder)),
        _ => Err("usage: twinlock-wiping [FOLDER]".into()),
    }
}

/// The process that is looked at.
fn hold(suite: u16, seed: u64, plan: Plan, folder: &Path) -> Result<(), Box<dyn Error>> {
    let suite = Suite::from_id(suite)?;
    let kept = deeper(|| {
        match plan {
            Plan::Met | Plan::Planted => conversation::run(suite, seed, folder, &mut stand_still),
            Plan::Acquainted => acquainted::run(suite, seed, folder, &mut stand_still),
        }
        let plant = plan == Plan::Planted;
        let kept = plant.then(|| Box::new(keep_a_secret(seed)));
        if plant {
            leave_a_secret(seed);
        }
        kept
    });
    stand_still(Stop::End, &[]);
    drop(black_box(kept));
    Ok(())
}

/// The first half of Alice's first seed, as a careless program would keep it.
fn keep_a_secret(seed: u64) -> [u8; 16] {
    let mut kept = [0; 16];
    coins::Coins::new(seed).fill(&mut kept);
    kept
}

/// The second half, as a library leaves it in a frame that is no more.
#[inline(never)]
fn leave_a_secret(seed: u64) {
    let mut left = [0; 32];
    coins::Coins::new(seed).fill(&mut left);
    black_box(&mut left[..16]).fill(0);
    black_box(&left);
}

/// Runs it so far down the stack that what stands still afterwards does not write over its traces.
#[inline(never)]
fn deeper<T>(run: impl FnOnce() -> T) -> T {
    let room = [0u8; 1 << 16];
    black_box(&room);
    let result = run();
    black_box(&room);
    result
}

/// Tells where the conversation is, and waits until the core file was written.
fn stand_still(stop: Stop, handshake_hash: &[u8]) {
    let hex: String = handshake_hash.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{stop:?} {hex}");
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
}

fn judge(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    for suite in Suite::ALL.iter().copied().filter(|suite| !suite.must_be_named()) {
        let met = conversation(suite, Plan::Met, folder)?;
        report(suite, "", &met);
        println!("result {:#06x} file_key {}", suite.id(), met.file_key_bytes);
        report(suite, "acquainted.", &conversation(suite, Plan::Acquainted, folder)?);
    }
    println!("the control: a program that keeps half a seed, and leaves the other half on the stack");
    let tally = conversation(Suite::default(), Plan::Planted, folder)?;
    println!("result control planted {}", tally.at_the_end);
    println!("result control stack {}", tally.stack_bytes);
    Ok(())
}

fn report(suite: Suite, prefix: &str, tally: &Tally) {
    let result = |what: &str, value: usize| println!("result {:#06x} {prefix}{what} {value}", suite.id());
    result("secrets", tally.secrets);
    result("alive", tally.living);
    result("missing", tally.missing);
    result("left", tally.left_bytes);
    result("end", tally.at_the_end);
    result("stack", tally.stack_bytes);
    result("stack_secrets", tally.stack);
}

/// One conversation, stop by stop. A core file holds the whole memory at a stop, so the secrets can be computed when the handshake hash is known: all cores are searched at the end.
fn conversation(suite: Suite, plan: Plan, folder: &Path) -> Result<Tally, Box<dyn Error>> {
    println!("suite {:#06x}, {plan:?}", suite.id());
    let seed = SEED ^ u64::from(suite.id());
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--hold", &suite.id().to_string(), &seed.to_string(), &format!("{plan:?}")])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let mut answers = child.stdin.take().ok_or("no input")?;
    let (mut cores, mut hashes) = (Vec::new(), Vec::<Vec<u8>>::new());
    for stop in plan.stops().iter().copied() {
        let line = lines.next().ok_or("the conversation ended too early")??;
        let (name, hex) = line.split_once(' ').ok_or("a stop without a hash")?;
        if name != format!("{stop:?}") {
            return Err(format!("{name} where {stop:?} was expected").into());
        }
        let hash: Vec<u8> = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16)).collect::<Result<_, _>>()?;
        if !hash.is_empty() && hashes.last() != Some(&hash) {
            hashes.push(hash);
        }
        let areas = core::dump(child.id())?;
        let path: PathBuf = folder.join(format!("{:04x}-{plan:?}-{stop:?}.core", suite.id()));
        core::save(&areas, &path)?;
        cores.push((stop, areas));
        writeln!(answers)?;
    }
    if !child.wait()?.success() {
        return Err("the conversation failed".into());
    }
    let mut known = secrets(suite, plan, seed, &hashes)?;
    // Acquaintances have no key files.
    let file = if plan == Plan::Acquainted { None } else { Some(file::secrets(suite, algorithms(suite), seed)?) };
    let (wiped, left) = file.map_or_else(Default::default, |file| (file.wiped, file.left));
    known.extend(wiped);
    let (mut tally, left) = (tally(&known, &cores, suite), pieces(&left));
    tally.file_key_bytes = cores.iter().map(|(_, areas)| core::search(areas, &left).values().sum()).max().unwrap_or(0);
    Ok(tally)
}

fn secrets(suite: Suite, plan: Plan, seed: u64, hashes: &[Vec<u8>]) -> Result<Vec<Known>, Box<dyn Error>> {
    let all = match (plan, hashes) {
        (Plan::Met | Plan::Planted, [hash]) => Secrets::new(algorithms(suite), &name("XXpsk0", suite), seed, hash),
        (Plan::Acquainted, [ik, resume]) => {
            let public_key_lens: Vec<usize> = Suite::ALL.iter().map(|suite| suite.signature().public_key_len()).collect();
            let own = Suite::ALL.iter().position(|one| *one == suite).ok_or("no such suite")?;
            let suites = Suites { public_key_lens: &public_key_lens, own };
            let (first, second) = (name("IKpsk0", suite), name("resume", suite));
            Secrets::acquainted(algorithms(suite), seed, &suites, &Ended { ik: (&first, ik), resume: (&second, resume) })
        }
        _ => return Err(format!("{} handshake hashes", hashes.len()).into()),
    };
    Ok(all.known)
}

fn algorithms(suite: Suite) -> Algorithms {
    if suite.id() == 0x0002 { Algorithms::Level5 } else { Algorithms::Level3 }
}

fn name(pattern: &str, suite: Suite) -> String {
    let rest = match suite.id() {
        0x0001 => "XWing_MLDSA65Ed25519_ChaChaPoly_SHA256",
        0x0003 => "XWing_MLDSA65Ed25519_AESGCM_SHA256",
        _ => "MLKEM1024P384_MLDSA87P384_AESGCM_SHA512",
    };
    format!("Twinlock1_{pattern}_{rest}")
}

fn pieces(known: &[Known]) -> Pieces {
    Pieces::of(known.iter().map(|known| known.bytes.as_slice()))
}

fn tally(known: &[Known], cores: &[(Stop, Vec<core::Area>)], suite: Suite) -> Tally {
    let pieces = pieces(known);
    let mut tally = Tally { secrets: known.len(), living: known.iter().filter(|known| known.lives.is_some()).count(), ..Tally::default() };
    for (stop, areas) in cores {
        let found = core::search(areas, &pieces);
        let mut on_stack = 0;
        for (index, secret) in known.iter().enumerate() {
            let [stack, rest] = [Kind::Stack, Kind::Rest].map(|kind| found.get(&(index, kind)).copied().unwrap_or(0));
            let place = format!("{:#06x}, {stop:?}: {}", suite.id(), secret.name);
            if secret.lives.is_some_and(|(first, last)| (first..=last).contains(stop)) && rest < secret.bytes.len() / 16 * 16 {
                println!("  not found while it lives: {place}");
                tally.missing += 1;
            }
            if *stop >= secret.gone && rest > 0 {
                println!("  left behind: {place}: {rest} bytes");
                tally.left += 1;
                tally.left_bytes += rest;
                tally.at_the_end += if *stop == Stop::End { rest } else { 0 };
            }
            if *stop >= secret.gone && stack > 0 {
                println!("  on the stack: {place}: {stack} bytes");
                tally.stack += 1;
                on_stack += stack;
            }
        }
        tally.stack_bytes = tally.stack_bytes.max(on_stack);
    }
    println!(
        "  {} secrets, {} alive at a stop, {} left behind, {} bytes on the stack at one stop",
        tally.secrets, tally.living, tally.left, tally.stack_bytes
    );
    tally
}
