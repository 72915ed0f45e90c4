//! The tables of docs/suites.md. The same text comes out of the program that measures (`benches/costs/main.rs`) and of the test that looks whether the page is
//! current (`tests/costs.rs`), which takes the figures of time from the page and computes all the rest anew.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a program that cannot go on stops")]

use std::fmt::Write;
use std::sync::LazyLock;
use support::Parties;
use twinlock::handshake::{Pattern, Psk};
use twinlock::identity::{SignatureAlgorithm, Statement};
use twinlock::{Suite, keyfile};

#[path = "../support/meeting.rs"]
pub(crate) mod support;

pub(crate) const BEGIN: &str = "<!-- written by: cargo bench --all-features --bench costs -- --write -->";
pub(crate) const END: &str = "<!-- end of what was written -->";

/// What is timed, in a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    Initiator(Pattern),
    Responder(Pattern),
    Both(Pattern),
    Generate,
    /// A message of so many bytes in one record, sealed and opened.
    Record(usize),
    Rekey,
}

/// The algorithms' own table: what each offers against which attacker, and where its document stands.
const ALGORITHMS: &[[&str; 5]] = &[
    ["X25519", "0x0001, 0x0003, 0x7E03", "classical", "128 bits; none against a quantum computer", "RFC 7748, 2016"],
    ["ML-KEM-768", "0x0001, 0x0003", "post-quantum", "category 3 (as AES-192)", "FIPS 203, final, August 2024"],
    [
        "X-Wing",
        "0x0001, 0x0003",
        "hybrid",
        "the better of its two halves",
        "draft-connolly-cfrg-xwing-kem-10; the same bytes as MLKEM768-X25519 below",
    ],
    [
        "P-384 (ECDH, ECDSA with SHA-384)",
        "0x0002",
        "classical",
        "192 bits; none against a quantum computer",
        "SP 800-186, SP 800-56A, FIPS 186-5, final",
    ],
    ["ML-KEM-1024", "0x0002", "post-quantum", "category 5 (as AES-256)", "FIPS 203, final, August 2024"],
    [
        "MLKEM1024-P384",
        "0x0002",
        "hybrid",
        "the better of its two halves",
        "draft-irtf-cfrg-concrete-hybrid-kems, a draft of 2026; HPKE KEM 0x0051",
    ],
    ["Ed25519", "0x0001, 0x0003, 0x7E03", "classical", "128 bits; none against a quantum computer", "RFC 8032, 2017; FIPS 186-5"],
    ["ML-DSA-65", "0x0001, 0x0003", "post-quantum", "category 3", "FIPS 204, final, August 2024"],
    ["ML-DSA-87", "0x0002", "post-quantum", "category 5", "FIPS 204, final, August 2024"],
    [
        "MLDSA65-Ed25519-SHA512, MLDSA87-ECDSA-P384-SHA512",
        "0x0001, 0x0003; 0x0002",
        "hybrid",
        "the better of its two halves",
        "draft-ietf-lamps-pq-composite-sigs-19, a draft at the IESG in 2026; its object identifiers are assigned",
    ],
    ["ChaCha20-Poly1305", "0x0001, 0x7E03", "symmetric", "256-bit keys", "RFC 8439, 2018"],
    ["AES-256-GCM", "0x0002, 0x0003", "symmetric", "256-bit keys; 2^24 records a key here", "FIPS 197, SP 800-38D, final"],
    [
        "Kyber768 of round 3",
        "0x7E03",
        "post-quantum",
        "claimed category 3 by its authors",
        "superseded by FIPS 203; crate unmaintained, RUSTSEC-2024-0381",
    ],
    [
        "Dilithium3 of round 3",
        "0x7E03",
        "post-quantum",
        "claimed category 3 by its authors",
        "superseded by FIPS 204; crate unmaintained, RUSTSEC-2024-0380",
    ],
];

/// Everything between the markers. `cost` gives the text of a figure of time, `machine` the line that says where and when.
pub(crate) fn page(machine: &str, mut cost: impl FnMut(Suite, Cost) -> String) -> String {
    let mut page = String::new();
    row(&mut page, "suite", |suite| format!("{:#06x}", suite.id()).replace("0x7e03", "0x7E03"));
    line(&mut page, &["---"; 5]);
    row(&mut page, "rank", |suite| suite.rank().to_string());
    row(&mut page, "feature", |suite| feature(suite).to_owned());
    row(&mut page, "algorithms", |suite| suite.to_string());
    row(&mut page, "records a key", |suite| format!("2^{}", suite.records_a_key().ilog2()));
    page.push_str("\nBytes:\n\n");
    bytes(&mut page);
    writeln!(page, "\nTime of one core, {machine}:\n").unwrap();
    time(&mut page, &mut cost);
    page.push_str("\nThe algorithms, how strong each half is, and where its document stands:\n\n");
    line(&mut page, &["algorithm", "suites", "kind", "strength", "document"]);
    line(&mut page, &["---"; 5]);
    ALGORITHMS.iter().for_each(|cells| line(&mut page, cells));
    page
}

fn feature(suite: Suite) -> &'static str {
    match suite.id() {
        0x0002 => "`level5`",
        0x7E03 => "`round3`",
        _ => "none: in every build",
    }
}

fn line(page: &mut String, cells: &[&str]) {
    writeln!(page, "| {} |", cells.join(" | ")).unwrap();
}

/// A row with a cell for each suite, in the order of their numbers.
fn row(page: &mut String, name: &str, mut cell: impl FnMut(Suite) -> String) {
    let mut suites = Suite::ALL.to_vec();
    suites.sort_by_key(|suite| suite.id());
    let cells: Vec<_> = suites.into_iter().map(&mut cell).collect();
    line(page, &[&[name], cells.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
}

fn head(page: &mut String) {
    row(page, "", |suite| format!("{:#06x}", suite.id()).replace("0x7e03", "0x7E03"));
    line(page, &["---"; 5]);
}

/// With commas between thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What stands on the wire and in files, of real handshakes and files.
struct Sizes {
    suite: Suite,
    xx: Vec<usize>,
    psk: usize,
    nx: Vec<usize>,
    secret_pem: usize,
    public_pem: usize,
    beside: usize,
    instead: usize,
    revoked: usize,
}

impl Sizes {
    fn of(suite: Suite) -> Self {
        let parties = Parties::new(suite);
        // Beside stands an identity of the highest other algorithm, where there is one.
        let other = *SignatureAlgorithm::ALL
            .iter()
            .filter(|other| **other != suite.signature())
            .max_by_key(|other| other.public_key_len())
            .unwrap();
        let other = twinlock::Identity::generate_for(other).unwrap();
        Self {
            suite,
            xx: parties.xx(None).1,
            psk: parties.xx(Some(&Psk::generate().unwrap())).1[0],
            nx: parties.nx(None).1,
            secret_pem: keyfile::to_pem(&parties.alice).unwrap().len(),
            public_pem: keyfile::public_to_pem(&parties.alice.public()).len(),
            beside: Statement::beside(&parties.alice, &other, 0).unwrap().as_bytes().len(),
            instead: Statement::instead(&parties.alice, &parties.bob, 0).unwrap().as_bytes().len(),
            revoked: Statement::revoked(&parties.alice, 0).unwrap().as_bytes().len(),
        }
    }
}

fn bytes(page: &mut String) {
    static ALL: LazyLock<Vec<Sizes>> = LazyLock::new(|| Suite::ALL.iter().copied().map(Sizes::of).collect());
    let of = |suite: Suite| ALL.iter().find(|sizes| sizes.suite == suite).unwrap();
    head(page);
    let signature = |suite: Suite| suite.signature();
    row(page, "encapsulation key", |suite| grouped(suite.encapsulation_key_len()));
    row(page, "ciphertext", |suite| grouped(suite.ciphertext_len()));
    row(page, "identity: public key", |suite| grouped(signature(suite).public_key_len()));
    row(page, "identity: signature", |suite| grouped(signature(suite).signature_len()));
    row(page, "identity: secret key as kept", |suite| grouped(signature(suite).secret_key_len()));
    row(page, "secret key file, PEM, no passphrase", |suite| grouped(of(suite).secret_pem));
    row(page, "public key file, PEM", |suite| grouped(of(suite).public_pem));
    row(page, "fingerprint, raw and written", |_| "32, 61".to_owned());
    for at in 0..3 {
        row(page, &format!("`XX` message {}", at + 1), |suite| grouped(of(suite).xx[at]));
    }
    row(page, "`XX`, all three", |suite| grouped(of(suite).xx.iter().sum()));
    for at in 0..2 {
        row(page, &format!("`NX` message {}", at + 1), |suite| grouped(of(suite).nx[at]));
    }
    row(page, "message 1 with a psk", |suite| grouped(of(suite).psk));
    row(page, "a record, over its content", |_| "21".to_owned());
    row(page, "`RekeyOffer` record", |suite| grouped(suite.encapsulation_key_len() + 21));
    row(page, "`Rekey` record", |suite| grouped(suite.ciphertext_len() + 21));
    row(page, "statement: beside, the largest", |suite| grouped(of(suite).beside));
    row(page, "statement: instead, same algorithm", |suite| grouped(of(suite).instead));
    row(page, "statement: revoked", |suite| grouped(of(suite).revoked));
    page.push_str("\nA handshake message's frame has 2 bytes more than its body, which is what stands here, with an empty payload.\n");
}

fn time(page: &mut String, cost: &mut impl FnMut(Suite, Cost) -> String) {
    head(page);
    for pattern in [Pattern::Xx, Pattern::XxPsk0, Pattern::Nx, Pattern::NxPsk0] {
        row(page, &format!("`{}`, both sides", pattern.name()), |suite| cost(suite, Cost::Both(pattern)));
        row(page, &format!("`{}`, initiator", pattern.name()), |suite| cost(suite, Cost::Initiator(pattern)));
        row(page, &format!("`{}`, responder", pattern.name()), |suite| cost(suite, Cost::Responder(pattern)));
    }
    row(page, "an identity made", |suite| cost(suite, Cost::Generate));
    for size in [64, 1024, 16_384] {
        row(page, &format!("a record of {}, sealed and opened", grouped(size)), |suite| cost(suite, Cost::Record(size)));
    }
    row(page, "one direction rekeyed, both sides", |suite| cost(suite, Cost::Rekey));
}
