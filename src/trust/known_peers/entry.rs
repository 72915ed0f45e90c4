//! One remembered key, and the lines of the file.
//!
//! ```text
//! header   "twinlock-known-peers 1"
//! line     fingerprint · "0x" suite, four hex digits · unix seconds · how · name
//!          one space between the fields, the name last
//!
//! how      first-use               met, and nobody compared anything
//!          verified                compared by a person
//!          introduced:f            by the key with fingerprint f; it has not spoken yet
//!          introduced-spoken:f     by f; it has spoken
//!          retired                 another key stands for it; retired:f where it was introduced itself
//!          revoked
//!          verified-unspoken · retired-unspoken, retired-unspoken:f · revoked-unspoken     the same of a key that has never spoken
//! ```

use crate::crypto::suite::Suite;
use crate::error::Distrust;
use crate::identity::{Fingerprint, SignatureAlgorithm};
use crate::trust::Trusted;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use std::collections::HashSet;

const HEADER: &str = "twinlock-known-peers 1";
const NAME_CHARS: usize = 64;

/// One key of a known peer. A peer can have several under one name: living ones, one a signature algorithm, and dead ones, which are kept so
/// that they are never taken again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    fingerprint: Fingerprint,
    suite: Suite,
    since: u64,
    met: Met,
    /// Who introduced it, while it is trusted for that alone; and of a retired key too, for those that it introduced in its turn.
    introducer: Option<Fingerprint>,
    spoken: bool,
    name: String,
}

/// How a key came to be remembered, and what has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Met {
    /// It was taken when the peer was met for the first time. Somebody between would have been taken too.
    FirstUse,
    /// A person compared the safety number, or scanned the code.
    Verified,
    /// Another key of this name introduced it ([`Entry::introducer`]): the owner did, or whoever had stolen that key.
    Introduced,
    /// Its owner said that another key stands for it. It is refused for ever.
    Retired,
    /// It was revoked with a signature of its own. It is refused for ever.
    Revoked,
}

impl Entry {
    /// The key's fingerprint.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The suite of the highest rank that was spoken with this key; of one that has not spoken, the one that it would. It tells the key's
    /// signature algorithm.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// When the key came to be trusted in this way, or was heard to be retired or revoked, in seconds since 1970.
    pub const fn since(&self) -> u64 {
        self.since
    }

    /// The day of [`Entry::since`] in UTC, such as `2026-01-02`.
    pub fn date(&self) -> String {
        let (year, month, day) = civil(self.since / 86_400);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// How the key came to be trusted, and whether it still is.
    pub const fn met(&self) -> Met {
        self.met
    }

    /// The key that introduced this one, where it is trusted for that alone.
    pub const fn introducer(&self) -> Option<Fingerprint> {
        self.introducer
    }

    /// Whether it has spoken: a key that was only introduced has not.
    pub const fn spoken(&self) -> bool {
        self.spoken
    }

    /// Whether it is neither retired nor revoked.
    pub const fn living(&self) -> bool {
        !matches!(self.met, Met::Retired | Met::Revoked)
    }

    /// The peer's name. A dead key whose peer is forgotten, or was never known, has its own fingerprint for a name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A key with which somebody spoke, or that a person handed in.
    pub(super) const fn new(name: String, fingerprint: Fingerprint, suite: Suite, since: u64, met: Met) -> Self {
        Self { fingerprint, suite, since, met, introducer: None, spoken: true, name }
    }

    pub(super) const fn introduced(name: String, fingerprint: Fingerprint, suite: Suite, since: u64, by: Fingerprint) -> Self {
        Self { fingerprint, suite, since, met: Met::Introduced, introducer: Some(by), spoken: false, name }
    }

    /// A key that nobody here has met, revoked.
    pub(super) fn revoked_stranger(fingerprint: Fingerprint, suite: Suite, since: u64) -> Self {
        Self { fingerprint, suite, since, met: Met::Revoked, introducer: None, spoken: false, name: fingerprint.to_string() }
    }

    /// Another key in the place of this one, met for the first time. The highest rank that was spoken stays.
    pub(super) fn replaced(&self, fingerprint: Fingerprint, suite: Suite, since: u64) -> Self {
        let highest = if self.spoken && self.suite.rank() > suite.rank() { self.suite } else { suite };
        Self::new(self.name.clone(), fingerprint, highest, since, Met::FirstUse)
    }

    /// Whether it is a key of this name, living or dead. One that is nobody's, dead under its own fingerprint, is of no name, and counts for none.
    pub(super) fn is_of(&self, name: &str) -> bool {
        self.name == name && !self.is_nobodys()
    }

    /// Whether it is the living key of this name and algorithm.
    pub(super) fn is_key_of(&self, name: &str, algorithm: SignatureAlgorithm) -> bool {
        self.name == name && self.living() && self.suite.signature() == algorithm
    }

    pub(super) fn is_nobodys(&self) -> bool {
        !self.living() && self.name == self.fingerprint.to_string()
    }

    /// What the key itself is worth, whoever introduced it.
    pub(super) const fn trusted(&self) -> Result<Trusted, Distrust> {
        match self.met {
            Met::FirstUse => Ok(Trusted::FirstUse),
            Met::Verified => Ok(Trusted::Verified),
            Met::Introduced => Ok(Trusted::Introduced),
            Met::Retired => Err(Distrust::Retired),
            Met::Revoked => Err(Distrust::Revoked),
        }
    }

    /// Verifying again changes nothing. What a person verified rests on no introduction.
    pub(super) fn set_verified(&mut self, now: u64) {
        if self.met != Met::Verified {
            (self.met, self.since, self.introducer) = (Met::Verified, now, None);
        }
    }

    /// What this key introduced still rests on what introduced it.
    pub(super) const fn retire(&mut self, now: u64) {
        (self.met, self.since) = (Met::Retired, now);
    }

    pub(super) const fn revoke(&mut self, now: u64) {
        (self.met, self.since, self.introducer) = (Met::Revoked, now, None);
    }

    pub(super) fn rename(&mut self, name: &str) {
        self.name = name.to_owned();
    }

    /// The peer is forgotten, the dead key is not: it is nobody's from now on.
    pub(super) fn forget_name(&mut self) {
        self.name = self.fingerprint.to_string();
    }

    /// Whether hearing it in this suite changes nothing.
    pub(super) const fn has_spoken(&self, suite: Suite) -> bool {
        self.spoken && suite.rank() <= self.suite.rank()
    }

    pub(super) const fn speak(&mut self, suite: Suite) {
        if !self.has_spoken(suite) {
            (self.suite, self.spoken) = (suite, true);
        }
    }
}

impl Met {
    const ALL: [Self; 5] = [Self::FirstUse, Self::Verified, Self::Introduced, Self::Retired, Self::Revoked];

    /// The file's words: of a key that has spoken, and of one that has not.
    const fn words(self) -> [&'static str; 2] {
        match self {
            // Whoever is met has spoken.
            Self::FirstUse => ["first-use"; 2],
            Self::Verified => ["verified", "verified-unspoken"],
            Self::Introduced => ["introduced-spoken", "introduced"],
            Self::Retired => ["retired", "retired-unspoken"],
            Self::Revoked => ["revoked", "revoked-unspoken"],
        }
    }

    /// Whether the word is followed by who introduced the key.
    const fn fits(self, introducer: Option<Fingerprint>) -> bool {
        match self {
            Self::Introduced => introducer.is_some(),
            Self::Retired => true,
            Self::FirstUse | Self::Verified | Self::Revoked => introducer.is_none(),
        }
    }
}

/// One word: `first-use`, `verified`, `introduced`, `retired`, `revoked`.
impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstUse => "first-use",
            Self::Verified => "verified",
            Self::Introduced => "introduced",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        })
    }
}

/// The file's line, without its line feed.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [spoken, unspoken] = self.met.words();
        write!(f, "{} {:#06x} {} {}", self.fingerprint, self.suite.id(), self.since, if self.spoken { spoken } else { unspoken })?;
        if let Some(introducer) = self.introducer {
            write!(f, ":{introducer}")?;
        }
        write!(f, " {}", self.name)
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
        if entry.living() && !names.insert((entry.name.clone(), entry.suite.signature())) {
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
    let (fingerprint, suite, since, how, name) = (next()?, next()?, next()?, next()?, next()?);
    let fingerprint = fingerprint.parse().map_err(|_| "the fingerprint is mistyped, or is none")?;
    let suite = parse_suite(suite).ok_or("the suite is not known here: it is mistyped, or a newer program wrote it")?;
    let since = parse_since(since).ok_or("the time should be a number, the seconds since 1970")?;
    let (met, spoken, introducer) = parse_how(how)?;
    if introducer == Some(fingerprint) {
        return Err("the key is said to have introduced itself");
    }
    if !is_name(name) {
        return Err("the name should be 1 to 64 visible characters, without a space at either end");
    }
    Ok(Entry { fingerprint, suite, since, met, introducer, spoken, name: name.to_owned() })
}

fn parse_how(text: &str) -> Result<(Met, bool, Option<Fingerprint>), &'static str> {
    let (word, introducer) = text.split_once(':').map_or((text, None), |(word, by)| (word, Some(by)));
    let introducer = introducer.map(str::parse).transpose().map_err(|_| "the fingerprint of who introduced it is mistyped, or is none")?;
    let known = Met::ALL.into_iter().find_map(|met| Some((met, met.words().iter().position(|known| *known == word)? == 0)));
    known
        .filter(|(met, _)| met.fits(introducer))
        .map(|(met, spoken)| (met, spoken, introducer))
        .ok_or("how the key came to be trusted should be first-use, verified or another word known here, unless a newer program wrote it")
}

/// Digits alone: the standard library's numbers may have a sign.
fn parse_since(text: &str) -> Option<u64> {
    if text.bytes().all(|c| c.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn parse_suite(text: &str) -> Option<Suite> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 4 && digits.bytes().all(|c| c.is_ascii_hexdigit()))?;
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

    /// Day by day, as on a calendar, through more than the 400 years after which it repeats.
    #[test]
    fn a_day_is_not_the_one_after_the_day_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..160_000 {
            assert_eq!(civil(days), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 => 28 + u64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (year, month, day) = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                _ if day == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
        assert_eq!((year, month), (2408, 1));
    }

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
