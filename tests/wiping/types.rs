//! Which types of the library own secrets, by its source: those with a field of a library's key type, and those that own one of those, and so on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The types of other crates that hold a secret, as this crate's fields name them, and where [`Secret`] begins.
const ROOTS: &[&str] = &[
    "libcrux_ml_kem::$module::$private",
    "libcrux_ml_dsa::$module::$signing",
    "ed25519_dalek::SigningKey",
    "x25519_dalek::StaticSecret",
    "SecretKey",
    "SigningKey",
    "aes_gcm::Aes256Gcm",
    "Zeroizing",
    "Box<[u8; N]>",
];

struct Type {
    file: String,
    name: String,
    fields: String,
}

/// The names of all that own a secret; a name that several files have with its file's before it.
pub(crate) fn holders() -> BTreeSet<String> {
    let mut types = Vec::new();
    // This file is a test of two packages: the library's own, and one two folders below.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = [here, &here.join("../..")].into_iter().find(|root| root.join("src/secret.rs").exists()).unwrap().join("src");
    let mut texts = Vec::new();
    read(&root, &mut texts);
    let for_tests = |file: &str| texts.iter().any(|(_, text)| text.contains(&format!("#[cfg(test)]\nmod {file};")));
    texts.iter().filter(|(file, _)| !for_tests(file)).for_each(|(file, text)| parse(file, text, &mut types));
    let defined: BTreeSet<(&str, &str)> = types.iter().map(|kind| (kind.file.as_str(), kind.name.as_str())).collect();
    let twice = |name: &str| defined.iter().filter(|(_, other)| *other == name).count() > 1;
    let full_name = |kind: &Type| if twice(&kind.name) { format!("{}::{}", kind.file, kind.name) } else { kind.name.clone() };
    let types: Vec<(String, &Type)> = types.iter().map(|kind| (full_name(kind), kind)).collect();
    // A bare name is this file's own, or where it has none any other's.
    let bare = |kind: &Type, other: &Type| kind.file == other.file || !defined.contains(&(kind.file.as_str(), other.name.as_str()));
    let mut holders = BTreeSet::new();
    loop {
        let owns = |kind: &Type| {
            let owned =
                |(full, other): &&(String, &Type)| mentions(&kind.fields, full) || mentions(&kind.fields, &other.name) && bare(kind, other);
            ROOTS.iter().any(|root| mentions(&kind.fields, root))
                || types.iter().filter(|(full, _)| holders.contains(full)).any(|other| owned(&other))
        };
        let more: Vec<_> =
            types.iter().filter(|(full, kind)| !holders.contains(full) && owns(kind)).map(|(full, _)| full.clone()).collect();
        if more.is_empty() {
            return holders;
        }
        holders.extend(more);
    }
}

fn read(folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        if matches!(name.as_str(), "tests" | "published_vectors") {
            continue;
        }
        if entry.is_dir() {
            read(&entry, texts);
        } else {
            texts.push((name, fs::read_to_string(&entry).unwrap()));
        }
    }
}

fn parse(file: &str, text: &str, types: &mut Vec<Type>) {
    let code: String = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap()
        .lines()
        .map(|line| line.split("//").next().unwrap().to_owned() + "\n")
        .collect();
    for keyword in ["struct ", "enum "] {
        for (at, _) in code.match_indices(keyword).filter(|(at, _)| !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_')) {
            let rest = &code[at + keyword.len()..];
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(end);
            let fields = owned(&if keyword == "enum " { payloads(body(rest)) } else { body(rest).to_owned() });
            let names = if name.starts_with('$') { made_by_macro(&code[..at], &code, name) } else { vec![name.to_owned()] };
            let kinds = names.into_iter().filter(|name| !name.is_empty());
            types.extend(kinds.map(|name| Type { file: file.to_owned(), name, fields: fields.clone() }));
        }
    }
}

/// From the first bracket to the one that closes it.
fn body(text: &str) -> &str {
    let Some(start) = text.find(['{', '(', ';']) else { return "" };
    let mut depth = 0;
    for (at, c) in text[start..].char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[start..start + at];
        }
    }
    ""
}

/// What an enum's variants hold, without their names.
fn payloads(body: &str) -> String {
    let mut depth = 0;
    let inner = body.chars().map(|c| {
        depth += i32::from(matches!(c, '{' | '(')) - i32::from(matches!(c, '}' | ')'));
        if depth > 1 { c } else { ' ' }
    });
    inner.collect()
}

/// Without what is only borrowed.
fn owned(fields: &str) -> String {
    let mut out = String::new();
    let mut rest = fields;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let end = after.find([',', ')', '\n', ';']).unwrap_or(after.len());
        rest = &after[end..];
    }
    out + rest
}

/// The names that a macro's calls give to its parameter `name`, by the place of that among the parameters.
fn made_by_macro(before: &str, code: &str, name: &str) -> Vec<String> {
    let definition = before.rfind("macro_rules!").unwrap();
    let macro_name = code[definition..].split_whitespace().nth(1).unwrap().to_owned();
    let parameters = body(code[definition..].split_once('{').unwrap().1);
    let place = parameters.split(',').position(|parameter| parameter.contains(&format!("{name}:"))).unwrap();
    let call = format!("{macro_name}!(");
    let calls = code.match_indices(&call).map(|(at, call)| body(&code[at + call.len() - 1..]));
    calls.map(|call| call.split(',').nth(place).unwrap().trim().trim_start_matches('(').to_owned()).collect()
}

/// Whether the name stands there by itself.
fn mentions(fields: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    fields.match_indices(name).any(|(at, _)| {
        let (before, after) = (&fields[..at], &fields[at + name.len()..]);
        !before.ends_with(word) && !after.starts_with(word)
    })
}
