//! Plants every mutant that `cargo mutants --list --json` names into one copy of the sources, each behind a switch that is read at run time.
//!
//! ```text
//! planter TREE MUTANTS.json ORDERS.json      rewrites TREE/src; the answer is JSON on stdout
//! a == b     becomes     (if crate::planted::on(7) { (a != b) } else { a == b })
//! ```
//!
//! So one build runs them all, where `cargo mutants` builds anew for each. The mutants, their places and their replacements are cargo-mutants' own; what cannot stand
//! behind a switch, such as in a constant, is said in the answer, and is for `cargo mutants` itself. `ORDERS.json` says which not to plant, since the compiler
//! refused them, and which functions must stay `const`.

mod render;
mod sites;

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;

/// As `cargo mutants --list --json` has it; a mutant's number is its place in the list.
#[derive(Deserialize)]
struct Mutant {
    file: String,
    span: Span,
    replacement: String,
    genre: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
struct Span {
    start: Place,
    end: Place,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

#[derive(Deserialize)]
struct Orders {
    leave_out: BTreeSet<u32>,
    keep_const: BTreeSet<String>,
}

#[derive(Default, Serialize)]
struct Answer {
    /// Numbers of the mutants that stand in the sources now.
    planted: BTreeSet<u32>,
    /// File, then first line, last line and number of each planted piece, for reading the compiler's errors.
    lines: BTreeMap<String, Vec<(usize, usize, u32)>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tree, mutants, orders] = arguments.as_slice() else { return Err("usage: planter TREE MUTANTS.json ORDERS.json".into()) };
    let mutants: Vec<Mutant> = serde_json::from_str(&fs::read_to_string(mutants)?)?;
    let orders: Orders = serde_json::from_str(&fs::read_to_string(orders)?)?;
    let mut answer = Answer::default();
    for file in rust_files(&Path::new(tree).join("src"))? {
        plant(Path::new(tree), &file, &mutants, &orders, &mut answer)?;
    }
    println!("{}", serde_json::to_string(&answer)?);
    Ok(())
}

fn plant(tree: &Path, file: &Path, mutants: &[Mutant], orders: &Orders, answer: &mut Answer) -> Result<(), Box<dyn Error>> {
    let name = file.strip_prefix(tree)?.to_string_lossy().into_owned();
    let text = fs::read_to_string(file)?;
    let here = mutants.iter().zip(0u32..).filter(|(mutant, number)| mutant.file == name && !orders.leave_out.contains(number));
    let sites = sites::find(&text, here.map(|(mutant, number)| (number, mutant)).collect(), &orders.keep_const)?;
    let planted = render::render(&text, &sites);
    answer.planted.extend(sites.iter().flat_map(sites::Site::numbers));
    answer.lines.insert(name, render::lines(&planted));
    fs::write(file, planted)?;
    Ok(())
}

fn rust_files(folder: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
