//! `chat demo`: two people who meet and talk over loopback, four attacks that fail, and a conversation that comes back. Nothing of the user's is read or written.

mod attacks;
mod comes_back;
mod stage;

use crate::failure::{Exit, Failure};
use crate::suites::{kind, strength, titled, warn_of_round3};
use crate::text::bytes;
use crate::wire::{CHUNK_MAX, Message};
use indicatif::{ProgressBar, ProgressStyle};
use stage::{Act, Pair, Report, Stage, said};
use std::fs::File;
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use twinlock::Suite;
use twinlock::trust::Trusted;

/// MiB of the file that is sent, and where several suites have their turn.
const FILE: usize = 4;
const SMALL_FILE: usize = 1;

/// In the default suite, or in each of these.
pub(crate) fn demo(suites: Option<Vec<Suite>>) -> Result<(), Failure> {
    let begun = Instant::now();
    let report = Report::default();
    report.say("Twinlock: every door has two locks, one classical and one post-quantum.");
    report.say("Here Alice and Bob meet over this computer's loopback. Their files are in a folder that is gone afterwards.");
    let done = match &suites {
        None => acts(&report, Suite::default(), FILE).map(|_| ()),
        Some(suites) => each(&report, suites),
    };
    match done {
        Ok(()) if report.wrong() == 0 => {
            report.say("");
            report.say(&format!("All as it should be, in {:.1} s.", begun.elapsed().as_secs_f64()));
            Ok(())
        }
        Ok(()) => Err(Failure::new(Exit::Other, format!("{} of the demo's steps did not go as they should", report.wrong()))),
        Err(error) => Err(Failure::new(Exit::Other, format!("the demo stopped: {error}"))),
    }
}

/// One suite after the other, and what their handshakes cost.
fn each(report: &Report, suites: &[Suite]) -> Act {
    warn_of_round3(suites);
    let mut costs = Vec::new();
    for suite in suites {
        report.title(&format!("{}, {}", titled(*suite), strength(*suite)));
        costs.push((*suite, acts(report, *suite, if suites.len() > 1 { SMALL_FILE } else { FILE })?));
    }
    report.say("\nThe handshakes, as Alice saw them on the line:\n");
    for (suite, Cost { bytes, took }) in costs {
        report.row(&titled(suite), Some(bytes), took);
    }
    Ok(())
}

/// What a handshake cost: bytes in both directions, and time.
struct Cost {
    bytes: usize,
    took: Duration,
}

fn acts(report: &Report, suite: Suite, file: usize) -> Result<Cost, Box<dyn std::error::Error>> {
    let mut stage = identities(report, suite)?;
    let (mut pair, cost) = meeting(report, &mut stage)?;
    talking(report, &mut pair)?;
    sending_a_file(report, &stage, &mut pair, file)?;
    fresh_keys(report, &mut pair)?;
    closing(report, pair)?;
    attacks::impostor(report, &stage)?;
    attacks::changed_key(report, &mut stage)?;
    attacks::tampering(report, &mut stage)?;
    attacks::cut_cable(report, &mut stage)?;
    comes_back::comes_back(report, &stage)?;
    Ok(cost)
}

fn identities(report: &Report, suite: Suite) -> Result<Stage, Box<dyn std::error::Error>> {
    report.act("Identities");
    let begun = Instant::now();
    let stage = Stage::new(suite)?;
    report.row(&format!("two keys made and stored, each {}", halves(suite)), None, begun.elapsed());
    report.say(&format!("   Alice  {}", stage.alice.identity.fingerprint()));
    report.say(&format!("   Bob    {}", stage.bob.identity.fingerprint()));
    Ok(stage)
}

/// The two halves of the suite's signature.
fn halves(suite: Suite) -> &'static str {
    match kind(suite.signature()) {
        "level5" => "ML-DSA-87 and ECDSA over P-384",
        "round3" => "Dilithium3 of round 3 and Ed25519",
        _ => "ML-DSA-65 and Ed25519",
    }
}

fn meeting(report: &Report, stage: &mut Stage) -> Result<(Pair, Cost), Box<dyn std::error::Error>> {
    report.act("A first meeting");
    report.say(&format!("   suite  {}", stage.suite));
    let begun = Instant::now();
    let (pair, frames) = stage.meet_watched()?;
    let whole = begun.elapsed();
    let meaning = ["a one-time key", "Bob's identity and proof", "Alice's, only now"];
    for ((frame, at), meaning) in frames.iter().zip(meaning) {
        let arrow = if frame.sent { "->" } else { "<-" };
        report.row(&format!("Alice {arrow} Bob  {}: {meaning}", frame.kind), Some(frame.bytes), *at);
    }
    let bytes = frames.iter().map(|(frame, _)| frame.bytes).sum();
    report.row("the whole handshake; each wrote the other into a file", Some(bytes), whole);
    report.check(frames.len() == 3, "three messages");
    report.check(
        pair.alice.conversation().trusted() == Trusted::FirstUse && pair.bob.conversation().trusted() == Trusted::FirstUse,
        "both compared the other's fingerprint, said yes, and remember it",
    );
    let number = stage.alice.identity.fingerprint().safety_number(&stage.bob.identity.fingerprint());
    let other = stage.bob.identity.fingerprint().safety_number(&stage.alice.identity.fingerprint());
    report.say("   the safety number, for reading to each other:");
    let groups: Vec<&str> = number.split(' ').collect();
    groups.chunks(4).for_each(|line| report.say(&format!("      {}", line.join("  "))));
    report.check(number == other, "it is the same on both sides");
    Ok((pair, Cost { bytes, took: whole }))
}

fn talking(report: &Report, pair: &mut Pair) -> Act {
    report.act("Talk");
    let begun = Instant::now();
    let before = pair.alice.sent().bytes;
    pair.alice.send(&Message::Text { id: 1, text: "Hello Bob, is this line safe?" }.encode())?;
    let heard = said(pair.bob.recv()?)?;
    report.row(&format!("Alice: {heard}"), usize::try_from(pair.alice.sent().bytes.saturating_sub(before)).ok(), begun.elapsed());
    let begun = Instant::now();
    let before = pair.bob.sent().bytes;
    pair.bob.send(&Message::Text { id: 1, text: "As safe as the stronger of two locks." }.encode())?;
    let answered = said(pair.alice.recv()?)?;
    report.row(&format!("Bob:   {answered}"), usize::try_from(pair.bob.sent().bytes.saturating_sub(before)).ok(), begun.elapsed());
    report.check(
        heard.ends_with("safe?") && answered.ends_with("locks."),
        "both ways, word for word; a record costs 21 bytes over what it holds",
    );
    Ok(())
}

fn sending_a_file(report: &Report, stage: &Stage, pair: &mut Pair, mebibytes: usize) -> Act {
    report.act("A file");
    let (from, to) = (stage.folder.path().join("alice").join("photo.raw"), stage.folder.path().join("bob").join("photo.raw"));
    let contents = stage::random(mebibytes << 20)?;
    File::create_new(&from)?.write_all(&contents)?;

    let begun = Instant::now();
    let before = pair.alice.sent().bytes;
    let bar = ProgressBar::new(contents.len().try_into()?);
    bar.set_style(ProgressStyle::with_template("   {wide_bar} {percent:>3} %")?.progress_chars("━╸─"));
    let (alice, bob) = (&mut pair.alice, &mut pair.bob);
    std::thread::scope(|scope| -> Act {
        let sending = scope.spawn(move || -> Result<(), String> {
            let mut file = File::open(&from).map_err(|error| error.to_string())?;
            let mut chunk = vec![0; CHUNK_MAX];
            loop {
                let length = file.read(&mut chunk).map_err(|error| error.to_string())?;
                let bytes = chunk.get(..length).unwrap_or_default();
                let message = if bytes.is_empty() { Message::FileEnd { id: 1 } } else { Message::Chunk { id: 1, bytes } };
                alice.send(&message.encode()).map_err(|error| error.to_string())?;
                if bytes.is_empty() {
                    return Ok(());
                }
            }
        });
        let mut landed = File::create_new(&to)?;
        while let Some(message) = bob.recv()? {
            match Message::decode(&message) {
                Ok(Message::Chunk { bytes, .. }) => {
                    landed.write_all(bytes)?;
                    bar.inc(bytes.len().try_into()?);
                }
                _ => break,
            }
        }
        sending.join().map_err(|_| "the sender stopped")??;
        Ok(())
    })?;
    bar.finish_and_clear();
    let took = begun.elapsed();
    report.row(
        &format!("Alice -> Bob  photo.raw, {mebibytes} MiB in chunks"),
        usize::try_from(pair.alice.sent().bytes.saturating_sub(before)).ok(),
        took,
    );
    let landed = std::fs::read(stage.folder.path().join("bob").join("photo.raw"))?;
    report.check(landed == contents, &format!("it landed whole: {}", bytes(landed.len().try_into()?)));
    Ok(())
}

fn fresh_keys(report: &Report, pair: &mut Pair) -> Act {
    report.act("Fresh keys, as they come by themselves every two minutes");
    let begun = Instant::now();
    let (alice, bob) = (pair.alice.sent().bytes, pair.bob.sent().bytes);
    // Each offers; the other answers before its next message.
    pair.alice.rekey()?;
    pair.bob.rekey()?;
    for (id, round) in (2..).zip(["One", "two"]) {
        pair.alice.send(&Message::Text { id, text: round }.encode())?;
        said(pair.bob.recv()?)?;
        pair.bob.send(&Message::Text { id, text: round }.encode())?;
        said(pair.alice.recv()?)?;
    }
    let whole = pair.alice.sent().bytes.saturating_add(pair.bob.sent().bytes).saturating_sub(alice.saturating_add(bob));
    report.row("an offer and an answer each way, and four texts", usize::try_from(whole).ok(), begun.elapsed());
    let renewed = (pair.alice.sent().rekeys, pair.bob.sent().rekeys) == (1, 1);
    report.check(renewed, "both directions run on keys that a thief of the old ones cannot compute");
    Ok(())
}

fn closing(report: &Report, pair: Pair) -> Act {
    report.act("Goodbye");
    let begun = Instant::now();
    let closed = std::thread::scope(|scope| {
        let bob = scope.spawn(|| pair.bob.close());
        (pair.alice.close(), bob.join())
    });
    report.row("both close", None, begun.elapsed());
    report.check(matches!(closed, (Ok(()), Ok(Ok(())))), "each knows for certain that it heard everything");
    Ok(())
}
