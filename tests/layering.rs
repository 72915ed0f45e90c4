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
        "acquaintances" => 7,
        "handshake" => 8,
        "io" => 9,
        _ => return None,
    })
}

/// What only `crypto/backend` may name.
const CRYPTOGRAPHY: &[&str] = &[
    "libcrux_curve25519",
    "libcrux_ml_kem",
    "libcrux_ml_dsa",
    "x25519_dalek",
    "ed25519_dalek",
    "chacha20poly1305",
    "aes_gcm",
    "p384",
    "pqcrypto_kyber",
    "pqcrypto_dilithium",
    "pqcrypto_traits",
    "sha2",
    "sha3",
    "shake",
    "hkdf",
    "hmac",
];

/// Suites and their algorithms by name: what only `crypto` and its tables may know. A policy that is about one suite names that one.
const SUITES: &[&str] = &[
    "Level3ChaCha",
    "Level3Aes",
    "Level5Aes",
    "Round3",
    "XWing",
    "MlKem1024P384",
    "X25519Kyber768R3",
    "MlDsa65Ed25519",
    "MlDsa87P384",
    "Dilithium3Ed25519",
    "ChaCha20Poly1305",
    "Aes256Gcm",
];

/// `src/trust.rs` has `Cnsa2`.
const POLICIES: &[(&str, &str)] = &[("src/trust.rs", "Level5Aes")];

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

/// Code without its comments, on one line, so that a list of imports over several lines is one.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default().trim()).collect::<Vec<_>>().join(" ")
}

/// `a::{b, c::d}` as its paths `a::b` and `a::c::d`; what follows a path is passed over.
fn paths(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        return members(group).into_iter().flat_map(paths).collect();
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let own = vec![name.to_owned()];
    match rest.strip_prefix("::") {
        Some(rest) => paths(rest).into_iter().map(|path| [own.clone(), path].concat()).collect(),
        None => vec![own],
    }
}

/// The members of a group whose brace was opened before.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.retain(|member| !member.trim().is_empty());
    found
}

/// Every path of this crate that the code of a file names, from the root: after `crate::`, and after `super::` as often as it stands there.
fn named(path: &str, code: &str) -> Vec<Vec<String>> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let here: Vec<String> = inner.split('/').map(str::to_owned).collect();
    let whole = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let mut found = Vec::new();
    for (at, prefix) in code.match_indices("crate::").filter(|(at, _)| whole(*at)) {
        found.extend(paths(&code[at + prefix.len()..]));
    }
    for (at, _) in code.match_indices("super::").filter(|(at, _)| whole(*at)) {
        let mut rest = &code[at..];
        let mut base = here.as_slice();
        while let Some(after) = rest.strip_prefix("super::") {
            (rest, base) = (after, base.split_last().map_or(base, |(_, parent)| parent));
        }
        found.extend(paths(rest).into_iter().map(|path| [base, &path].concat()));
    }
    found
}

/// The module that a path from the root leads to. An item of the root is of the module that the root takes it from.
fn module_named(path: &[String], root: &BTreeMap<String, String>) -> String {
    match path {
        [first, part, ..] if first == "crypto" => format!("crypto::{part}"),
        [first, ..] => root.get(first).unwrap_or(first).clone(),
        [] => String::new(),
    }
}

/// What the root re-exports, and from which module.
fn root(lib: &str) -> BTreeMap<String, String> {
    let code = code(lib);
    let exports = code.split("pub use crate::").skip(1).flat_map(paths);
    exports.filter_map(|path| Some((path.last()?.clone(), path.first()?.clone()))).collect()
}

/// `hkdf::Hkdf` names the library hkdf; `handshake::Psk` names none, nor does `backend::sha256`.
fn names_library(code: &str, library: &str) -> bool {
    let path = format!("{library}::");
    code.match_indices(&path).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

/// What is wrong with the code of one file.
fn offences(path: &str, text: &str, root: &BTreeMap<String, String>) -> Vec<String> {
    let (code, here) = (code(text), module_of(path));
    let libraries = CRYPTOGRAPHY.iter().filter(|library| here != "crypto::backend" && names_library(&code, library));
    let own = level(&here).unwrap_or_default();
    let modules = named(path, &code).into_iter().map(|named| module_named(&named, root));
    let wrong = modules.filter(|there| *there != here && level(there).is_some_and(|level| level >= own));
    let wrong: Vec<String> = wrong.map(|there| format!("{path} ({here}) imports {there}")).collect();
    libraries.map(|library| format!("{path} names {library}")).chain(wrong).collect()
}

/// The suites and algorithms that a file outside `crypto` names in its code.
fn suites_named(path: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let words: Vec<&str> = code.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    let outside = !module_of(path).starts_with("crypto");
    let wrong = SUITES.iter().filter(|suite| outside && words.contains(suite) && !POLICIES.contains(&(path, **suite)));
    wrong.map(|suite| format!("{path} names {suite}")).collect()
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
    let root = root(&files["src/lib.rs"]);
    let all: Vec<String> =
        files.iter().filter(|(name, _)| *name != "src/lib.rs").flat_map(|(name, text)| offences(name, text, &root)).collect();
    assert!(all.is_empty(), "{all:#?}");
}

/// So that a new suite is new files in `crypto`, rows in its tables, and nothing else.
#[test]
fn a_suite_is_named_outside_of_crypto() {
    let all: Vec<String> = library().iter().flat_map(|(name, text)| suites_named(name, text)).collect();
    assert!(all.is_empty(), "{all:#?}");
    assert_eq!(suites_named("src/channel/stream.rs", "if suite == Suite::Level3Aes {"), ["src/channel/stream.rs names Level3Aes"]);
    assert_eq!(suites_named("src/trust.rs", "Suite::Level5Aes, Suite::Round3"), ["src/trust.rs names Round3"]);
    assert_eq!(suites_named("src/identity.rs", "/// [`Suite::Round3`]"), [""; 0]);
    assert_eq!(suites_named("src/crypto/suite.rs", "Self::Round3"), [""; 0]);
}

#[test]
fn every_module_of_the_library_has_a_level() {
    for name in library().keys().filter(|name| *name != "src/lib.rs") {
        assert!(level(&module_of(name)).is_some(), "{name} has no place in the house");
    }
}

#[test]
fn the_check_cannot_fail() {
    let root = root("pub use crate::handshake::Suite;\npub use crate::trust::{Pinned, Trust};\npub use crate::error::Error;");
    for (path, text) in [
        ("src/wire.rs", "use crate::crypto::kem::Kem;"),
        ("src/symmetric.rs", "use crate::identity::Identity;"),
        ("src/channel.rs", "use crate::trust::Trust;"),
        ("src/channel.rs", "use crate::Trust;"),
        ("src/channel/stream.rs", "use crate::handshake::Pattern;"),
        ("src/channel/stream.rs", "fn f(_: &crate::Suite) {}"),
        ("src/channel/stream.rs", "use super::super::trust::Trust;"),
        ("src/crypto/backend/rust.rs", "use crate::crypto::{hash, kem};"),
        ("src/crypto/kem.rs", "use crate::crypto::aead::Aead;"),
        ("src/crypto/kem.rs", "use super::aead::Aead;"),
        ("src/crypto/kem.rs", "use crate::crypto::{\n    backend,\n    signature::Signature,\n};"),
        ("src/handshake.rs", "let x = crate::io::DEADLINE;"),
        ("src/channel/resumption.rs", "use crate::acquaintances::AddressBook;"),
        ("src/acquaintances.rs", "use crate::handshake::Psk;"),
        ("src/identity.rs", "use sha2::Sha256;"),
        ("src/handshake.rs", "x25519_dalek::x25519(a, b)"),
        ("src/trust.rs", "use crate::{error,\n channel::Channel};"),
        ("src/error.rs", "use crate::wire::Reader;"),
    ] {
        assert!(!offences(path, text, &root).is_empty(), "{path}: {text}");
    }
    for (path, text) in [
        ("src/io/connect.rs", "use crate::channel::Channel;\nuse crate::{Error, Trust, handshake};"),
        ("src/crypto/kem.rs", "use crate::crypto::{backend, label};"),
        ("src/acquaintances.rs", "use crate::channel::Resumption;\nuse crate::identity::Bundle;"),
        ("src/handshake/resume.rs", "use crate::acquaintances::AddressBook;"),
        ("src/channel/stream.rs", "use crate::channel::record::Close;\nuse super::direction::Direction;"),
        ("src/crypto/suite.rs", "use crate::crypto::{aead::Aead, hash::Hash, kem::Kem, signature::SignatureAlgorithm};"),
        ("src/identity.rs", "//! See [`crate::handshake`]."),
        ("src/secret.rs", "use zeroize::Zeroize; // not sha2::Sha256"),
    ] {
        assert_eq!(offences(path, text, &root), Vec::<String>::new());
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
