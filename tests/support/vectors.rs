//! Reads tests/vectors/*.json. What is not as the README there says panics.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

#[path = "ran.rs"]
mod ran;

use serde_json::Value;
use std::string::String;
use std::vec::Vec;

/// A whole file.
pub(crate) fn load(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Tells whoever counts how many entries of these lists of a file went through the test that calls this.
pub(crate) fn ran<const N: usize>(file: &str, lists: [(&str, usize); N]) {
    lists.iter().for_each(|(list, entries)| ran::report(&std::format!("{file}#{list}"), "as the reference", 0..*entries as u64));
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

pub(crate) fn truth(value: &Value) -> bool {
    value.as_bool().expect("true or false")
}

/// The bytes of a hex text.
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    unhex(text(value))
}

pub(crate) fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().expect("another length")
}

/// The bytes, unless it is null.
pub(crate) fn maybe(value: &Value) -> Option<Vec<u8>> {
    (!value.is_null()).then(|| bytes(value))
}

/// Whether this build has the suite of a case, 1 where none is named.
pub(crate) fn built(case: &Value) -> bool {
    match case.get("suite").map_or(1, number) {
        1 | 3 => true,
        2 => cfg!(feature = "level5"),
        0x7E03 => cfg!(feature = "round3"),
        other => panic!("suite {other:#x}"),
    }
}

/// The cases whose suites this build has, `of` all of them.
pub(crate) fn here(cases: &Value, of: usize) -> Vec<&Value> {
    assert_eq!(list(cases).len(), of);
    let here: Vec<_> = list(cases).iter().filter(|case| built(case)).collect();
    assert!(here.len() == of || cfg!(not(all(feature = "level5", feature = "round3"))));
    here
}

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "half a byte");
    let digit = |c: u8| char::from(c).to_digit(16).expect("a hex digit") as u8;
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// For messages about a difference.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| std::format!("{byte:02x}")).collect()
}
