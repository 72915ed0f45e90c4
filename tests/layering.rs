//! The house: imports go down, siblings leave each other alone, and one folder names third-party cryptography.
#![allow(clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The level of each top-level module, and of the parts of `crypto`.
fn level(module: &str) -> Option<u8> {
    Some(match module {
        "error" => 0,
        "secret" | "wire" | "durable" => 1,
        "crypto::backend" | "crypto::label" => 2,
        // The parts of `crypto` stand over its backend and its labels; `suite` is their table and stands over them.
        "crypto" | "crypto::aead" | "crypto::hash" | "crypto::kem" | "crypto::signature" => 3,
        "crypto::suite" => 4,
        "symmetric" | "identity" => 5,
        "channel" | "trust" | "keyfile" => 6,
        "handshake" => 7,
        "io" => 8,
        _ => return None,
    })
}

/// What only `crypto/backend` may name.
const CRYPTOGRAPHY: &[&str] =
    &["libcrux_ml_kem", "libcrux_ml_dsa", "x25519_dalek", "ed25519_dalek", "chacha20poly1305", "sha2", "sha3", "shake", "hkdf", "hmac"];

/// `src/crypto/backend/rust.rs` is part of `crypto::backend`, `src/io/gate.rs` of `io`.
fn module_of(path: &str) -> String {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts = inner.split('/');
    let first = parts.next().unwrap_or_default();
    match parts.next() {
        Some(part) if first == "crypto" => format!("crypto::{part}"),
        _ => first.to_owned(),
    }
}

/// Every module of this crate that a line of code names, as `crate::a::b`. Items of the root count as their own modules do.
fn named(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let paths: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => group.split([',', '}']).map(str::trim).collect(),
            None => vec![rest],
        };
        for path in paths {
            let names: Vec<&str> = path.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|part| !part.is_empty()).collect();
            match names.as_slice() {
                ["crypto", ..] => found.extend(crypto_parts(path.trim_start_matches("crypto"))),
                [first, ..] => found.push((*first).to_owned()),
                [] => {}
            }
        }
        // `use crate::crypto::{aead, hash};` names several parts.
        if let Some(group) = rest.strip_prefix("crypto::{") {
            found.extend(group.split([',', '}', ';']).map(str::trim).filter(|part| !part.is_empty()).map(|part| format!("crypto::{part}")));
        }
    }
    found
}

fn crypto_parts(rest: &str) -> Vec<String> {
    let part = rest.trim_start_matches("::").split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
    if part.is_empty() { Vec::new() } else { vec![format!("crypto::{part}")] }
}

/// `hkdf::Hkdf` names the library hkdf; `handshake::Psk` names none, nor does `backend::sha256`.
fn names_library(code: &str, library: &str) -> bool {
    let path = format!("{library}::");
    code.match_indices(&path).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

/// What is wrong with one line of one file.
fn offence(path: &str, line: &str) -> Option<String> {
    let code = line.split("//").next().unwrap_or_default();
    let here = module_of(path);
    if here != "crypto::backend"
        && let Some(library) = CRYPTOGRAPHY.iter().find(|library| names_library(code, library))
    {
        return Some(format!("{path} names {library}"));
    }
    let own = level(&here)?;
    let wrong = |there: &String| *there != here && level(there).is_some_and(|level| level >= own);
    named(code).into_iter().find(wrong).map(|there| format!("{path} ({here}) imports {there}"))
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Every source file without its tests, by its path from the root.
fn library() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    let mut files = BTreeMap::new();
    for path in paths {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let test = ["tests", "published_vectors", "noise_transcripts", "pqnoise"].iter().any(|word| name.contains(word));
        if !test {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
            files.insert(name, code);
        }
    }
    files
}

#[test]
fn an_import_goes_up_or_sideways() {
    let files = library();
    assert!(files.len() > 25, "only {} files were found", files.len());
    let offences: Vec<String> = files
        .iter()
        .filter(|(name, _)| *name != "src/lib.rs")
        .flat_map(|(name, text)| text.lines().filter_map(|line| offence(name, line)))
        .collect();
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn every_module_of_the_library_has_a_level() {
    for name in library().keys().filter(|name| *name != "src/lib.rs") {
        assert!(level(&module_of(name)).is_some(), "{name} has no place in the house");
    }
}

#[test]
fn the_check_cannot_fail() {
    for (path, line) in [
        ("src/wire.rs", "use crate::crypto::kem::Kem;"),
        ("src/symmetric.rs", "use crate::identity::Identity;"),
        ("src/channel.rs", "use crate::trust::Trust;"),
        ("src/channel/stream.rs", "use crate::handshake::Pattern;"),
        ("src/crypto/backend/rust.rs", "use crate::crypto::{hash, kem};"),
        ("src/crypto/kem.rs", "use crate::crypto::aead::Aead;"),
        ("src/handshake.rs", "let x = crate::io::DEADLINE;"),
        ("src/identity.rs", "use sha2::Sha256;"),
        ("src/trust.rs", "use crate::{channel, error};"),
    ] {
        assert!(offence(path, line).is_some(), "{path}: {line}");
    }
    for (path, line) in [
        ("src/io/open.rs", "use crate::channel::Channel;"),
        ("src/crypto/kem.rs", "use crate::crypto::{backend, label};"),
        ("src/channel/stream.rs", "use crate::channel::record::Close;"),
        ("src/identity.rs", "//! See [`crate::handshake`]."),
    ] {
        assert_eq!(offence(path, line), None);
    }
}

#[test]
fn a_file_is_named_for_nothing_in_particular() {
    for name in library().keys() {
        let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        assert!(!["utils", "common", "traits", "builder", "config", "constants", "prelude"].contains(&stem.as_str()), "{name}");
    }
}

#[test]
fn unsafe_code_is_allowed_in_the_library() {
    let lib = library().remove("src/lib.rs").unwrap_or_default();
    assert!(lib.contains("#![forbid(unsafe_code)]"));
}
