//! The numbers of README.md, docs/protocol.md and docs/suites.md against those that were measured. Bytes must be the same; times must be of that order.

use super::sizes::Sizes;
use super::times::Times;
use crate::report::{bytes, figure, holds, value};
use crate::table;
use twinlock::Suite;

pub(crate) fn all(sizes: &[Sizes], times: &Times) {
    let protocol = read("docs/protocol.md");
    value("figures.spec.sizes", bytes(sizes.iter().map(|sizes| keys(&protocol, sizes)).sum()));
    value("figures.spec.messages", bytes(sizes.iter().map(|sizes| messages(&protocol, sizes) + known_messages(&protocol, sizes)).sum()));
    value("figures.spec.bundles", bytes(sizes.iter().filter(|sizes| says_bundle(&protocol, sizes)).count()));
    readme(&read("README.md"), sizes, times);
    let stale = table::stale(&read("docs/suites.md"));
    holds(
        "figures.suites.current",
        stale.is_ok(),
        &stale.err().unwrap_or_else(|| "every line but the times was made anew and is the same".to_owned()),
    );
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|why| panic!("run this in the repository's root: {path}: {why}"))
}

/// The numbers of a cell, without the commas between thousands.
fn numbers(cell: &str) -> Vec<usize> {
    let words = cell.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_ascii_digit()).replace(',', ""));
    words.filter_map(|word| word.parse().ok()).collect()
}

/// The cells after the first of the row that begins so, below this heading.
fn row<'a>(text: &'a str, heading: &str, begins: impl Fn(&str) -> bool) -> Vec<&'a str> {
    let Some((_, section)) = text.split_once(heading) else { return Vec::new() };
    let cells = |line: &'a str| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>();
    let found = section.lines().filter(|line| line.starts_with("| ")).map(cells).find(|cells| begins(cells[0]));
    found.map(|cells| cells[1..].to_vec()).unwrap_or_default()
}

fn of_suite(suite: Suite) -> impl Fn(&str) -> bool {
    let id = format!("{:#06x}", suite.id()).replace("0x7e03", "0x7E03");
    move |cell| cell.split(", ").any(|name| name == id)
}

/// Whether a cell says this number, and that it is the sum of those behind it.
fn says(cell: Option<&&str>, size: usize) -> bool {
    let numbers = cell.map(|cell| numbers(cell)).unwrap_or_default();
    matches!(numbers.as_slice(), [first, parts @ ..] if *first == size && parts.iter().sum::<usize>() == size)
}

/// How many of section 2's five sizes are those of this suite.
fn keys(protocol: &str, sizes: &Sizes) -> usize {
    // Its second table, whose head begins with the suite.
    let cells = row(protocol, "| suite | encapsulation key |", of_suite(sizes.suite));
    let [ek, ct] = [sizes.offer - 21, sizes.rekey - 21];
    [ek, ct, sizes.public, sizes.signature, sizes.secret].into_iter().enumerate().filter(|(at, size)| says(cells.get(*at), *size)).count()
}

/// How many messages of the four patterns between strangers have the size of section 6.2.
fn messages(protocol: &str, sizes: &Sizes) -> usize {
    let (_, section) = protocol.split_once("### 6.2").unwrap_or_default();
    if !says_psk(section) {
        return 0;
    }
    let cells = row(section, "| suite | message 1 |", of_suite(sizes.suite));
    let right = |(pattern, bodies): (usize, &Vec<usize>)| {
        let psk = |at: usize| if pattern % 2 == 1 && at == 0 { 16 } else { 0 };
        bodies.iter().enumerate().filter(|(at, body)| says(cells.get(*at), **body - psk(*at))).count()
    };
    sizes.bodies.iter().enumerate().map(right).sum()
}

fn says_psk(section: &str) -> bool {
    let says = section.contains("In the `psk0` patterns message 1 has 16 more");
    if !says {
        println!("  section 6.2 says something else of the psk");
    }
    says
}

/// How many messages of IK, IKpsk0 and resume have the size of section 6.2; the `Confirm`'s of section 6.7 not among them.
fn known_messages(protocol: &str, sizes: &Sizes) -> usize {
    let (_, section) = protocol.split_once("### 6.2").unwrap_or_default();
    let cells = row(section, "| suite | `IK` message 1 |", of_suite(sizes.suite));
    let [ik, ik_psk, resume] = &sizes.known;
    let messages = [(0, ik[0]), (1, ik[1]), (0, ik_psk[0].saturating_sub(16)), (1, ik_psk[1]), (2, resume[0]), (3, resume[1])];
    if says_psk(section) { messages.iter().filter(|(at, body)| says(cells.get(*at), *body)).count() } else { 0 }
}

/// Whether section 4.6 says how long a bundle is in this suite: `6,591 bytes in 0x0001 and 0x0003, 9,103 in 0x0002, …`.
fn says_bundle(protocol: &str, sizes: &Sizes) -> bool {
    let (_, section) = protocol.split_once("### 4.6").unwrap_or_default();
    let Some((_, said)) = section.split_once("The lengths are the suite's (section 2): ") else { return false };
    let said = said.split_once(". ").map_or(said, |(said, _)| said);
    let of = |part: &&str| part.split_once(" in ").is_some_and(|(_, suites)| suites.split(" and ").any(of_suite(sizes.suite)));
    said.split(", ").find(of).is_some_and(|part| numbers(part).first() == Some(&sizes.bundle))
}

fn readme(text: &str, sizes: &[Sizes], times: &Times) {
    let default = sizes.iter().find(|sizes| sizes.suite == Suite::default()).unwrap();
    let frames = |pattern: usize| default.bodies[pattern].iter().map(|body| body + 2).collect::<Vec<_>>();
    let known = |pattern: usize| default.known[pattern].iter().map(|body| body + 2).collect::<Vec<_>>();
    let rows = [
        ("`XX`", frames(0), vec![times.xx]),
        ("`NX`", frames(2), vec![times.nx]),
        ("`IK`", known(0), vec![times.ik]),
        ("`resume`", known(2), vec![times.resume]),
        ("a record", vec![21, 0, 16_384], vec![times.small, times.mebibyte]),
        ("rekeying one direction", vec![default.offer, default.rekey], vec![times.rekey]),
        ("identity: public key", vec![default.public, default.signature, default.secret], Vec::new()),
        ("a bundle", vec![default.bundle], Vec::new()),
    ];
    let mut same = 0_u32;
    let mut factors = Vec::new();
    for (begins, sizes, micros) in rows {
        let cells = row(text, "| bytes on the wire |", |cell| cell.starts_with(begins));
        same += u32::from(cells.first().is_some_and(|cell| numbers(cell) == sizes));
        let said = cells.get(1).map(|cell| micros_of(cell)).unwrap_or_default();
        if said.len() == micros.len() {
            factors.extend(said.iter().zip(&micros).map(|(said, took)| (said / took).max(took / said)));
        } else {
            println!("  README.md has {} times in the row of {begins}, and {} are measured", said.len(), micros.len());
            factors.push(f64::from(u16::MAX));
        }
    }
    value("figures.readme.bytes", same);
    let worst = factors.iter().copied().fold(1.0, f64::max);
    figure("figures.readme.times", worst, &format!("{} times compared; XX took {:.2} ms here", factors.len(), times.xx / 1000.0));
    let ratio = row(text, "| bytes on the wire |", |cell| cell.starts_with("`XX`"))
        .get(1)
        .and_then(|cell| before(cell, "times"))
        .unwrap_or_default();
    figure("figures.readme.ratio", (ratio - times.ratio).abs(), &format!("README.md says {ratio}, here it was {:.3}", times.ratio));
}

/// The number before this word.
fn before(cell: &str, word: &str) -> Option<f64> {
    let words: Vec<_> = cell.split_whitespace().collect();
    words.windows(2).find(|pair| pair[1].trim_matches(',') == word).and_then(|pair| pair[0].parse().ok())
}

/// The times of a cell, in microseconds.
fn micros_of(cell: &str) -> Vec<f64> {
    let words: Vec<_> = cell.split_whitespace().collect();
    let time = |pair: &[&str]| match pair[1].trim_matches(',') {
        "µs" => pair[0].parse::<f64>().ok(),
        "ms" => pair[0].parse::<f64>().ok().map(|number| number * 1000.0),
        _ => None,
    };
    words.windows(2).filter_map(time).collect()
}
