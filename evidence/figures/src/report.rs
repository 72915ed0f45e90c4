//! Writes rows' figures to the file that `EVIDENCE_RESULTS` names, a JSON object a line, and shows them.

use std::io::Write;

/// What a row's bound judges.
pub(crate) fn value(row: &str, value: impl Into<f64>) {
    write(row, &format!("\"value\": {}", rounded(value.into())), "");
}

/// The same, with what should stand beside it.
pub(crate) fn figure(row: &str, value: impl Into<f64>, text: &str) {
    write(row, &format!("\"value\": {}, \"figure\": {}", rounded(value.into()), quoted(text)), text);
}

/// A row that has no number.
pub(crate) fn holds(row: &str, holds: bool, text: &str) {
    write(row, &format!("\"holds\": {holds}, \"figure\": {}", quoted(text)), text);
}

/// A row that cannot be told here.
pub(crate) fn absent(row: &str, why: &str) {
    write(row, &format!("\"absent\": {}", quoted(why)), "");
}

/// Bytes, of which there are fewer than 2^52.
pub(crate) fn bytes(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

fn quoted(text: &str) -> String {
    let escaped = text.chars().flat_map(|c| match c {
        '"' | '\\' => vec!['\\', c],
        '\n' => vec![' '],
        c => vec![c],
    });
    format!("\"{}\"", escaped.collect::<String>())
}

fn write(row: &str, said: &str, text: &str) {
    println!(
        "  {row:<34} {}{}",
        said.split(", \"figure\"").next().unwrap(),
        if text.is_empty() { String::new() } else { format!("  {text}") }
    );
    if let Some(path) = std::env::var_os("EVIDENCE_RESULTS") {
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        writeln!(file, "{{\"row\": \"{row}\", {said}}}").unwrap();
    }
}
