//! tests/vectors/statements.json: statements that the reference implementation made are made here byte for byte, and what it refuses is refused for the same reason.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod support;

use serde_json::Value;
use support::rng::Coins;
use support::vectors::{bytes, list, load, number, ran, text};
use twinlock::identity::{Identity, SignatureAlgorithm, Statement, StatementError};
use twinlock::keyfile;

/// The identity of this name, where this build has its algorithm.
fn identity(name: &Value) -> Option<Identity> {
    let (one, other) = (load("identity.json"), load("round3.json"));
    let mut all = list(&one["identities"]).iter().chain(list(&other["identities"]));
    let case = all.find(|case| case["name"] == *name).unwrap_or_else(|| panic!("{name}"));
    let algorithm = SignatureAlgorithm::from_id(case.get("signature").map_or(1, number) as u16)?;
    Some(Identity::from_secret_bytes(algorithm, &bytes(&case["secret"])).unwrap())
}

/// The case, and its identities, of those whose algorithms this build has.
fn here(file: &Value) -> Vec<(&Value, Identity, Option<Identity>)> {
    let parties = |case: &Value| Some((identity(&case["old"])?, if case["new"].is_null() { None } else { Some(identity(&case["new"])?) }));
    let here: Vec<_> = list(&file["statements"]).iter().filter_map(|case| parties(case).map(|(old, new)| (case, old, new))).collect();
    assert_eq!(list(&file["statements"]).len(), 7);
    assert_eq!(here.len(), 2 + if cfg!(feature = "level5") { 3 } else { 0 } + if cfg!(feature = "round3") { 2 } else { 0 });
    here
}

#[test]
fn a_statement_differs_from_the_reference() {
    let file = load("statements.json");
    for (case, old, new) in here(&file) {
        let (name, time, mut random) = (text(&case["name"]), number(&case["time"]), Coins::new(bytes(&case["random"])));
        let made = match (number(&case["kind"]), &new) {
            (1, Some(new)) => Statement::beside_with_rng(&old, new, time, &mut random),
            (2, Some(new)) => Statement::instead_with_rng(&old, new, time, &mut random),
            (3, None) => Statement::revoked_with_rng(&old, time, &mut random),
            other => panic!("{other:?}"),
        };
        assert_eq!(random.left(), 0, "{name}");
        assert!(made.unwrap().as_bytes() == bytes(&case["statement"]), "{name}");
        let read = Statement::from_bytes(&bytes(&case["statement"])).unwrap();
        assert_eq!(u64::from(read.kind().number()), number(&case["kind"]));
        assert_eq!((read.time(), read.old(), read.new()), (time, &old.public(), new.map(|new| new.public()).as_ref()));
    }
    for case in list(&file["files"]) {
        let statement = keyfile::statement_from_pem(text(&case["pem"])).unwrap();
        assert_eq!(keyfile::statement_to_pem(&statement), text(&case["pem"]));
        let of = list(&file["statements"]).iter().find(|of| of["name"] == case["case"]).unwrap();
        assert_eq!(statement.as_bytes(), bytes(&of["statement"]));
    }
    assert_eq!(list(&file["files"]).len(), 1);
    ran("statements.json", [("statements", here(&file).len()), ("files", 1)]);
}

#[test]
fn a_statement_that_the_reference_refuses_is_taken() {
    let file = load("statements.json");
    let here: Vec<_> = here(&file).into_iter().map(|(case, ..)| case).collect();
    let mut lacking = 0;
    for case in list(&file["refused"]) {
        let name = text(&case["name"]);
        let Some(of) = here.iter().find(|of| of["name"] == case["case"]) else {
            lacking += 1;
            continue;
        };
        let mut changed = bytes(&of["statement"]);
        match (case.get("cut"), case.get("append")) {
            (Some(cut), None) => changed.truncate(changed.len() - number(cut) as usize),
            (None, Some(more)) => changed.extend(bytes(more)),
            _ => {
                let (offset, replace) = (number(&case["offset"]) as usize, bytes(&case["replace"]));
                assert_ne!(changed[offset..offset + replace.len()], replace, "{name}");
                changed[offset..offset + replace.len()].copy_from_slice(&replace);
            }
        }
        let error = Statement::from_bytes(&changed).expect_err(name);
        let fits = match text(&case["reason"]) {
            "kind" => matches!(error, StatementError::UnknownKind { .. }),
            // A build with round 3 has the algorithm, and finds the rest to be of another length.
            "signature id" => matches!(error, StatementError::UnknownAlgorithm { .. }) || name.contains("to a reader without it"),
            "length" | "key" => error == StatementError::Malformed,
            "same" => matches!(error, StatementError::SameIdentity | StatementError::SameAlgorithm),
            "signature" => error == StatementError::NotAuthentic,
            other => panic!("{other}"),
        };
        assert!(fits, "{name}: {error:?}");
    }
    assert_eq!(list(&file["refused"]).len(), 32);
    assert_eq!(lacking == 0, cfg!(feature = "level5"));
    ran("statements.json", [("refused", 32 - lacking)]);
}
