//! docs/suites.md says what the program says that wrote its tables. The figures of time are taken from the page: only a run of that program can tell them.
#![cfg(all(feature = "level5", feature = "round3"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../benches/costs/table.rs"]
mod table;

#[test]
fn the_cost_tables_are_not_current() {
    if let Err(why) = table::stale(include_str!("../docs/suites.md")) {
        panic!("run: cargo bench --all-features --bench costs -- --write: {why}");
    }
}

/// Each suite's halves, joints, cipher and hash stand in the table of algorithms, and no suite that there is not.
#[test]
fn an_algorithm_of_a_suite_has_no_standing() {
    let ids = twinlock::Suite::ALL.iter().map(|suite| format!("{:#06x}", suite.id()).replace("0x7e03", "0x7E03"));
    let ids: Vec<String> = ids.collect();
    for id in &ids {
        let of_kind = |kind| table::ALGORITHMS.iter().filter(|row| row[1].contains(id.as_str()) && row[2] == kind).count();
        let [classical, post_quantum, hybrid] = ["classical", "post-quantum", "hybrid"].map(of_kind);
        assert!(classical >= 1 && post_quantum == 2 && (1..=2).contains(&hybrid), "{id}: {classical}, {post_quantum}, {hybrid}");
        assert!(of_kind("symmetric") == 1 && of_kind("hash") >= 2, "{id}");
    }
    for named in table::ALGORITHMS.iter().flat_map(|row| row[1].split([',', ';', ' '])).filter(|word| word.starts_with("0x")) {
        assert!(ids.iter().any(|id| id == named), "{named} is no suite");
    }
}

/// The protocol's own table of sizes, section 2, against the same numbers.
#[test]
fn the_specification_has_other_sizes() {
    let spec = include_str!("../docs/protocol.md");
    for suite in twinlock::Suite::ALL {
        let algorithm = suite.signature();
        for size in [
            suite.encapsulation_key_len(),
            suite.ciphertext_len(),
            algorithm.public_key_len(),
            algorithm.signature_len(),
            algorithm.secret_key_len(),
        ] {
            let digits = size.to_string();
            let written =
                if digits.len() > 3 { format!("{},{}", &digits[..digits.len() - 3], &digits[digits.len() - 3..]) } else { digits };
            let id = format!("{:#06x}", suite.id()).replace("0x7e03", "0x7E03");
            let row = spec.lines().find(|line| line.starts_with("| 0x") && line.contains(&id) && line.contains("= ")).unwrap();
            assert!(row.contains(&written), "{id}: {written} is not in {row}");
        }
    }
}
