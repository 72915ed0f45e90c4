//! One remembered key, and the lines of the file.
//!
//! ```text
//! header   "twinlock-known-peers 1"
//! line     fingerprint · "0x" suite, four hex digits · unix seconds · "first-use" or "verified" · name
//!          one space between the fields, the name last
//! ```

use crate::crypto::suite::Suite;
use crate::identity::{Fingerprint, SignatureAlgorithm};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use std::collections::HashSet;

const HEADER: &str = "twinlock-known-peers 1";
const NAME_CHARS: usize = 64;

/// One key of a known peer. A peer can have several, one a signature algorithm, under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    fingerprint: Fingerprint,
    suite: Suite,
    since: u64,
    met: Met,
    name: String,
}

/// How a key came to be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Met {
    /// It was taken when the peer was met for the first time. Somebody between would have been taken too.
    FirstUse,
    /// A person compared the safety number, or scanned the code.
    Verified,
}

impl Entry {
    /// The key's fingerprint.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The suite of the highest rank that was spoken with this key. It tells the key's signature algorithm.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// When the key came to be trusted in this way, in seconds since 1970.
    pub const fn since(&self) -> u64 {
        self.since
    }

    /// The day of [`Entry::since`] in UTC, such as `2026-01-02`.
    pub fn date(&self) -> String {
        let (year, month, day) = civil(self.since / 86_400);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// How the key came to be trusted.
    pub const fn met(&self) -> Met {
        self.met
    }

    /// The peer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn new(name: String, fingerprint: Fingerprint, suite: Suite, since: u64, met: Met) -> Self {
        Self { fingerprint, suite, since, met, name }
    }

    pub(super) fn is_key_of(&self, name: &str, algorithm: SignatureAlgorithm) -> bool {
        self.name == name && self.suite.signature() == algorithm
    }

    /// Verifying again changes nothing.
    pub(super) fn set_verified(&mut self, now: u64) {
        if self.met != Met::Verified {
            (self.met, self.since) = (Met::Verified, now);
        }
    }

    pub(super) fn rename(&mut self, name: &str) {
        self.name = name.to_owned();
    }

    pub(super) const fn raise(&mut self, suite: Suite) {
        if suite.rank() > self.suite.rank() {
            self.suite = suite;
        }
    }
}

impl Met {
    const ALL: [Self; 2] = [Self::FirstUse, Self::Verified];

    const fn word(self) -> &'static str {
        match self {
            Self::FirstUse => "first-use",
            Self::Verified => "verified",
        }
    }
}

/// The file's word: `first-use` or `verified`.
impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The file's line, without its line feed.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#06x} {} {} {}", self.fingerprint, self.suite.id(), self.since, self.met, self.name)
    }
}

/// See [`super::KnownPeers::is_name`].
pub(super) fn is_name(text: &str) -> bool {
    let length = text.chars().count();
    (1..=NAME_CHARS).contains(&length) && !text.starts_with(' ') && !text.ends_with(' ') && is_printable(text)
}

/// The standard library's table of what is printable: it escapes controls, format characters (among them those that turn the writing
/// direction), every space but the plain one, private and unassigned characters, and a combining mark with nothing to combine with.
/// Quotes and backslashes it escapes for another reason.
fn is_printable(text: &str) -> bool {
    let plain: String = text.chars().map(|c| if matches!(c, '"' | '\'' | '\\') { '.' } else { c }).collect();
    plain.escape_debug().eq(plain.chars())
}

/// The whole file.
pub(super) fn write(entries: &[Entry]) -> String {
    let lines = entries.iter().map(|entry| format!("{entry}\n"));
    core::iter::once(format!("{HEADER}\n")).chain(lines).collect()
}

/// The entries, or the number of the first line that is wrong, from 1, and what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, (usize, &'static str)> {
    let mut lines = (1..).zip(text.lines());
    check_header(lines.next().map(|(_, line)| line)).map_err(|what| (1, what))?;
    let (mut entries, mut keys, mut names) = (Vec::new(), HashSet::new(), HashSet::new());
    for (number, line) in lines {
        let entry = parse_line(line).map_err(|what| (number, what))?;
        if !keys.insert(entry.fingerprint) {
            return Err((number, "the same key stands in an earlier line"));
        }
        if !names.insert((entry.name.clone(), entry.suite.signature())) {
            return Err((number, "the same name has another key of this kind in an earlier line"));
        }
        entries.push(entry);
    }
    if text.ends_with('\n') { Ok(entries) } else { Err((text.lines().count(), "the line is cut off: it has no end")) }
}

fn check_header(line: Option<&str>) -> Result<(), &'static str> {
    match line {
        Some(HEADER) => Ok(()),
        Some(line) if line.starts_with("twinlock-known-peers ") => Err("the file's version is not known here: a newer program wrote it"),
        _ => Err("this is no list of known peers: its first line should be \"twinlock-known-peers 1\""),
    }
}

fn parse_line(line: &str) -> Result<Entry, &'static str> {
    let mut fields = line.splitn(5, ' ');
    let mut next = || fields.next().ok_or("five fields are needed: fingerprint, suite, time, how, name");
    let (fingerprint, suite, since, met, name) = (next()?, next()?, next()?, next()?, next()?);
    let fingerprint = fingerprint.parse().map_err(|_| "the fingerprint is mistyped, or is none")?;
    let suite = parse_suite(suite).ok_or("the suite is not known here: it is mistyped, or a newer program wrote it")?;
    let since = since.parse().map_err(|_| "the time should be a number, the seconds since 1970")?;
    let met = Met::ALL.into_iter().find(|known| known.word() == met);
    let met = met.ok_or("how the key came to be trusted should be first-use or verified, unless a newer program wrote it")?;
    if !is_name(name) {
        return Err("the name should be 1 to 64 visible characters, without a space at either end");
    }
    Ok(Entry::new(name.to_owned(), fingerprint, suite, since, met))
}

fn parse_suite(text: &str) -> Option<Suite> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 4)?;
    Suite::from_id(u16::from_str_radix(digits, 16).ok()?).ok()
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. Years begin in March here, so that a leap day is
/// their last, and come in eras of 400, which have 146,097 days.
const fn civil(day: u64) -> (u64, u64, u64) {
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    let day = day + 719_468;
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (first_of_month, in_next_year) = ((153 * month + 2) / 5, month >= 10);
    let (month, next) = if in_next_year { (month - 9, 1) } else { (month + 3, 0) };
    (era * 400 + year + next, month, day - first_of_month + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_around_leap_days_and_centuries_come_out_wrong() {
        for (day, date) in [
            (0, (1970, 1, 1)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (20_454, (2026, 1, 1)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(civil(day), date);
        }
        assert!(civil(u64::MAX / 86_400).0 > 9999);
    }
}
