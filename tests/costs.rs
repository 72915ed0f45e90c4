//! docs/suites.md says what the program says that wrote its tables. The figures of time are taken from the page: only a run of that program can tell them.
#![cfg(all(feature = "level5", feature = "round3"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../benches/costs/table.rs"]
mod table;

/// `1.23 ms`, `45.6 µs`: three digits and a unit.
fn is_time(cell: &str) -> bool {
    let Some((number, unit)) = cell.split_once(' ') else { return false };
    number.parse::<f64>().is_ok_and(|number| number > 0.0) && ["µs", "ms"].contains(&unit)
}

#[test]
fn the_cost_tables_are_not_current() {
    let text = include_str!("../docs/suites.md");
    let (_, rest) = text.split_once(table::BEGIN).expect("the beginning is marked");
    let (stands, _) = rest.split_once(table::END).expect("the end is marked");
    let machine = stands.lines().find_map(|line| line.strip_prefix("Time of one core, ")?.strip_suffix(':')).expect("a machine is named");
    let mut times = stands.lines().flat_map(|line| line.split(" | ")).map(|cell| cell.trim_end_matches(" |")).filter(|cell| is_time(cell));
    let page = table::page(machine, |suite, cost| times.next().unwrap_or_else(|| panic!("no time for {suite}, {cost:?}")).to_owned());
    for (made, stands) in page.trim().lines().zip(stands.trim().lines()) {
        assert_eq!(stands, made, "run: cargo bench --all-features --bench costs -- --write");
    }
    assert_eq!(page.trim().lines().count(), stands.trim().lines().count());
    assert_eq!(times.count(), 0, "times are left over");
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
