//! The claim `resources`: what a stranger, a handshake and a channel cost whoever runs a server, in the suites of this build.
//!
//! A row's figure is that of its worst suite. Level 5 has rows of its own, whose names end in `.level5`.

mod cost;
mod gate;
mod held;
mod keyfile;
mod known;
pub(crate) mod stack;
mod stranger;

use crate::report;
use twinlock::Suite;

pub(crate) fn all(level5: bool) {
    let suites: Vec<_> = Suite::ALL.iter().copied().filter(|suite| !suite.must_be_named() && (suite.id() == 2) == level5).collect();
    let suffix = if level5 { ".level5" } else { "" };
    assert!(!suites.is_empty(), "this build has no such suite");
    println!("what a stranger costs");
    worst(suffix, suites.iter().map(|suite| cost::all(*suite)).collect());
    println!("what a stranger costs an acquaintance");
    worst(suffix, suites.iter().map(|suite| known::cost(*suite)).collect());
    println!("what is held");
    worst(suffix, suites.iter().map(|suite| held::all(*suite)).collect());
    worst(suffix, suites.iter().map(|suite| known::held_by(*suite)).collect());
    report::figure(&format!("resources.stack{suffix}"), stack::smallest(level5), "the smallest, in steps of 16 KiB");
    if !level5 {
        println!("the gate, and key files");
        gate::all();
        keyfile::all();
    }
}

/// A row's name, its figure in one suite, and what should stand beside it.
pub(crate) struct Figure {
    pub(crate) row: &'static str,
    pub(crate) value: f64,
    pub(crate) text: String,
}

impl Figure {
    pub(crate) fn new(row: &'static str, value: f64, text: impl Into<String>) -> Self {
        Self { row, value, text: text.into() }
    }
}

/// Reports each row's largest figure over the suites.
fn worst(suffix: &str, suites: Vec<Vec<Figure>>) {
    let mut rows: Vec<Figure> = Vec::new();
    for figure in suites.into_iter().flatten() {
        match rows.iter_mut().find(|row| row.row == figure.row) {
            Some(row) if row.value < figure.value => *row = figure,
            Some(_) => {}
            None => rows.push(figure),
        }
    }
    rows.iter().for_each(|figure| report::figure(&format!("{}{suffix}", figure.row), figure.value, &figure.text));
}
