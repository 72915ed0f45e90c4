//! The planted text, and on which of its lines each mutant stands.
//!
//! A planted piece has lines of its own between two marks, so that an error of the compiler leads to the mutant that it is about.

use crate::sites::{Kind, Site};
use std::ops::Range;

const BEGIN: &str = "/*mutant ";
const END: &str = "/*end*/";

/// The text with its sites planted. They come sorted, outer before inner.
pub(crate) fn render(text: &str, sites: &[Site]) -> String {
    piece(text, 0..text.len(), sites)
}

fn piece(text: &str, range: Range<usize>, mut sites: &[Site]) -> String {
    let (mut out, mut at) = (String::new(), range.start);
    while let Some((site, rest)) = sites.split_first() {
        let inner = rest.iter().take_while(|other| other.range.end <= site.range.end).count();
        out.push_str(&text[at..site.range.start]);
        out.push_str(&planted(site, &piece(text, site.range.clone(), &rest[..inner])));
        at = site.range.end;
        sites = &rest[inner..];
    }
    out.push_str(&text[at..range.end]);
    out
}

fn planted(site: &Site, original: &str) -> String {
    match &site.kind {
        Kind::Choice(all) => format!("({}{{ {original} }})", each(all, |text| format!("({text})"), " else ")),
        Kind::Return(all) => format!("{}{original}", each(all, |text| format!("return {text};"), "")),
        Kind::Arm(number) => format!("{original} if {}", marked(*number, &format!("!crate::planted::on({number})"))),
        Kind::Guard(all) => format!("({}{{ {original} }})", each(all, str::to_owned, " else ")),
        Kind::Unconst => String::new(),
    }
}

fn each(all: &[(u32, String)], body: impl Fn(&str) -> String, then: &str) -> String {
    let one = |(number, text): &(u32, String)| format!("if crate::planted::on({number}) {{{}}}{then}", marked(*number, &body(text)));
    all.iter().map(one).collect()
}

fn marked(number: u32, text: &str) -> String {
    format!("\n{BEGIN}{number}*/{text}{END}\n")
}

/// First line, last line and number of each planted piece, counted from 1.
pub(crate) fn lines(planted: &str) -> Vec<(usize, usize, u32)> {
    let line_of = |at: usize| planted[..at].matches('\n').count() + 1;
    let found = planted.match_indices(BEGIN).filter_map(|(at, _)| {
        let (number, _) = planted[at + BEGIN.len()..].split_once("*/")?;
        let end = at + planted[at..].find(END)?;
        Some((line_of(at), line_of(end), number.parse().ok()?))
    });
    found.collect()
}
