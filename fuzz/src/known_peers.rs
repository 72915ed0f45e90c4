//! The file of known peers, as anybody may have written it.
//!
//! A reader of its lines written from their description says whether it is a list, and what stands in it. A list that is read is written as that, and read again as the same.

use crate::input::Input;
use crate::keyfile::scratch;
use crate::people::identities;
use crate::succession;
use std::collections::HashSet;
use std::fs;
use twinlock::trust::{KnownPeers, KnownPeersError};
use twinlock::{Fingerprint, Suite};

const WORDS: [&str; 9] = [
    "first-use",
    "verified",
    "verified-unspoken",
    "introduced",
    "introduced-spoken",
    "retired",
    "retired-unspoken",
    "revoked",
    "revoked-unspoken",
];

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut bytes = if input.byte() % 4 == 1 { input.rest().to_vec() } else { made(&mut input) };
    if !input.is_empty() {
        let starts: Vec<usize> = bytes.iter().enumerate().filter(|(_, byte)| b" \n".contains(byte)).map(|(at, _)| at).collect();
        input.change(&mut bytes, &starts);
    }
    let path = scratch("known-peers");
    fs::write(&path, &bytes).expect("a folder for scratch files");
    let read = KnownPeers::open(&path);
    let expected = std::str::from_utf8(&bytes).ok().map(list);
    match (read, expected) {
        (Err(KnownPeersError::Io { .. }), None) => {}
        (Err(error @ KnownPeersError::Malformed { .. }), Some(None)) => check_text(&error.to_string()),
        (Ok(known), Some(Some(lines))) => {
            let written = written(&known);
            assert_eq!(written, lines);
            fs::write(&path, &written).expect("a folder for scratch files");
            assert_eq!(KnownPeers::open(&path).expect("what was written").entries(), known.entries());
            known.entries().iter().for_each(|entry| assert!(entry.date().len() >= 10));
            succession::steps(known.at(1_767_312_000), &mut input);
        }
        (read, expected) => panic!("{:?} reads as {read:?}, where the model has {expected:?}", String::from_utf8_lossy(&bytes)),
    }
    let _ = fs::remove_file(&path);
    let _ = fs::remove_file(scratch("known-peers.lock"));
}

pub fn written(known: &KnownPeers) -> String {
    let mut text = Vec::new();
    known.export(&mut text).expect("memory");
    String::from_utf8(text).expect("a list is text")
}

/// A name of the file's own goes nowhere else in the text of an error.
fn check_text(text: &str) {
    assert!(text.contains(", line ") && !text.chars().any(char::is_control), "{text:?}");
}

/// Lines that are good, or nearly.
fn made(input: &mut Input) -> Vec<u8> {
    let mut text = (*input.pick(&["twinlock-known-peers 1\n"; 4].map(str::to_owned))).clone();
    for _ in 0..input.below(6) {
        let [who, by] = [0, 1].map(|_| identities()[input.below(8)].fingerprint());
        let (suite, word) = (*input.pick(&["0x0001", "0x0003", "0x0002", "0x7e03", "1"]), *input.pick(&WORDS));
        let since = *input.pick(&["0", "1767312000", "18446744073709551615", "18446744073709551616", "-1", "007"]);
        let introduced = if input.byte() % 4 == 1 { input.flag() } else { word.starts_with("introduced") };
        let by = if introduced { format!(":{by}") } else { String::new() };
        let name = *input.pick(&["Alice", "Bob Smith", "\u{202e}", "a\u{301}", "'\"\\", " x", "grüße", "y "]);
        text += &format!("{who} {suite} {since} {word}{by} {name}{}", input.pick(&["\n", "\n", "\n", "\r\n", ""]));
    }
    text.into_bytes()
}

/// The list as it is written, if it is one.
fn list(text: &str) -> Option<String> {
    let lines = text.strip_suffix('\n')?;
    let mut lines = lines.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let header = lines.next().filter(|line| *line == "twinlock-known-peers 1")?;
    let (mut keys, mut names, mut written) = (HashSet::new(), HashSet::new(), format!("{header}\n"));
    for line in lines {
        let fields: [&str; 5] = line.splitn(5, ' ').collect::<Vec<_>>().try_into().ok()?;
        let entry = Line::read(fields)?;
        let fresh = keys.insert(entry.fingerprint) && (entry.dead() || names.insert((entry.name, entry.suite.signature())));
        written += &fresh.then(|| entry.write())?;
    }
    Some(written)
}

struct Line<'a> {
    fingerprint: Fingerprint,
    suite: Suite,
    since: u64,
    word: &'a str,
    by: Option<Fingerprint>,
    name: &'a str,
}

impl<'a> Line<'a> {
    fn read([fingerprint, suite, since, how, name]: [&'a str; 5]) -> Option<Self> {
        let fingerprint: Fingerprint = fingerprint.parse().ok()?;
        let (word, by) = how.split_once(':').map_or((how, None), |(word, by)| (word, Some(by)));
        let by: Option<Fingerprint> = by.map(str::parse).transpose().ok()?;
        let fits = match word {
            "introduced" | "introduced-spoken" => by.is_some(),
            "retired" | "retired-unspoken" => true,
            word => WORDS.contains(&word) && by.is_none(),
        };
        let digits = suite.strip_prefix("0x").filter(|digits| digits.len() == 4 && digits.bytes().all(|c| c.is_ascii_hexdigit()))?;
        let suite = Suite::from_id(u16::from_str_radix(digits, 16).ok()?).ok()?;
        let since = Some(since).filter(|since| since.bytes().all(|c| c.is_ascii_digit()))?.parse().ok()?;
        let good = fits && by != Some(fingerprint) && is_name(name);
        good.then_some(Self { fingerprint, suite, since, word, by, name })
    }

    fn dead(&self) -> bool {
        self.word.starts_with("retired") || self.word.starts_with("revoked")
    }

    fn write(&self) -> String {
        let by = self.by.map(|by| format!(":{by}")).unwrap_or_default();
        format!("{} {:#06x} {} {}{by} {}\n", self.fingerprint, self.suite.id(), self.since, self.word, self.name)
    }
}

/// The library's table of what is visible, and what it must in any case refuse.
fn is_name(name: &str) -> bool {
    let hidden =
        |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let is = KnownPeers::is_name(name);
    assert!(!is || (!name.chars().any(hidden) && name.trim() == name && (1..=64).contains(&name.chars().count())), "{name:?}");
    is
}
