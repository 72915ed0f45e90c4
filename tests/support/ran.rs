//! Which cases of which file of vectors ran, for whoever counts them from outside: lines in the file that `TWINLOCK_VECTORS_RAN` names, nothing without it.
//!
//! A line has four fields with tabs between: the file, the test, the outcome, and the numbers of the cases. It is written after the last assertion about them, so
//! that a case which was skipped or failed is in none.

use std::io::Write;
use std::string::{String, ToString};
use std::vec::Vec;

pub(crate) fn report(file: &str, outcome: &str, cases: impl IntoIterator<Item = u64>) {
    let Some(place) = std::env::var_os("TWINLOCK_VECTORS_RAN") else { return };
    let numbers: Vec<String> = cases.into_iter().map(|case| case.to_string()).collect();
    let test = std::thread::current().name().map(String::from).unwrap_or_default();
    let line = std::format!("{file}\t{test}\t{outcome}\t{}\n", numbers.join(","));
    // Tests run side by side: one write appends a line whole.
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(&place);
    let written = opened.and_then(|mut file| file.write_all(line.as_bytes()));
    written.unwrap_or_else(|why| panic!("TWINLOCK_VECTORS_RAN: {}: {why}", place.display()));
}
