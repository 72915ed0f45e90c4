//! The tables of docs/suites.md. The same text comes out of the program that measures (`benches/costs/main.rs`) and of the test that looks whether the page is
//! current (`tests/costs.rs`), which takes the figures of time from the page and computes all the rest anew.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a program that cannot go on stops")]

use std::fmt::Write;
use std::sync::LazyLock;
use support::acquainted::Acquainted;
use twinlock::channel::CloseCode;
use twinlock::handshake::{Pattern, Psk};
use twinlock::identity::{SignatureAlgorithm, Statement};
use twinlock::{Channel, Error, Suite, keyfile};

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
    /// A static key and its bundle made.
    StaticKey,
    /// A bundle read and verified.
    ReadBundle,
    /// A message of so many bytes in one record, sealed and opened.
    Record(usize),
    Rekey,
}

/// In the order of the table.
pub(crate) const PATTERNS: [Pattern; 7] =
    [Pattern::Xx, Pattern::XxPsk0, Pattern::Nx, Pattern::NxPsk0, Pattern::Ik, Pattern::IkPsk0, Pattern::Resume];

/// The algorithms' own table: what each offers against which attacker, and where its document stands.
pub(crate) const ALGORITHMS: &[[&str; 5]] = &[
    ["X25519", "0x0001, 0x0003, 0x7E03", "classical", "128 bits; none against a quantum computer", "RFC 7748, 2016"],
    ["ML-KEM-768", "0x0001, 0x0003", "post-quantum", "category 3 (as AES-192)", "FIPS 203, final, August 2024"],
    [
        "X-Wing",
        "0x0001, 0x0003",
        "hybrid",
        "the better of its two halves",
        "draft-connolly-cfrg-xwing-kem-10; the same as MLKEM768-X25519 of draft-irtf-cfrg-concrete-hybrid-kems-04, HPKE KEM 0x647A",
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
        "draft-irtf-cfrg-concrete-hybrid-kems-04, a draft of July 2026; HPKE KEM 0x0051",
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
    [
        "their joints to X25519 and Ed25519",
        "0x7E03",
        "hybrid",
        "the better of its two halves",
        "no other document than docs/protocol.md, section 3.6; the KEM's is the universal combiner of draft-irtf-cfrg-hybrid-kems",
    ],
    [
        "SHA-256, HMAC, HKDF",
        "0x0001, 0x0003, 0x7E03; fingerprints in all",
        "hash",
        "128 bits against collisions, 256 against preimages",
        "FIPS 180-4, RFC 2104, RFC 5869, final",
    ],
    [
        "SHA-512, HMAC, HKDF",
        "0x0002; in the signatures of all",
        "hash",
        "256 bits against collisions, 512 against preimages",
        "FIPS 180-4, RFC 2104, RFC 5869, final",
    ],
    [
        "SHA3-256",
        "0x0001, 0x0002, 0x0003, 0x7E03",
        "hash",
        "128 bits against collisions, 256 against preimages; the KEM's combiner",
        "FIPS 202, final",
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

/// Where the page's tables are not what would be written now. The figures of time are taken from the page: only a run of the program that measures can tell them.
#[allow(dead_code, reason = "the program that measures writes, and does not look")]
pub(crate) fn stale(text: &str) -> Result<(), String> {
    let (_, rest) = text.split_once(BEGIN).ok_or("the beginning of the tables is not marked")?;
    let (stands, _) = rest.split_once(END).ok_or("the end of the tables is not marked")?;
    let machine =
        stands.lines().find_map(|line| line.strip_prefix("Time of one core, ")?.strip_suffix(':')).ok_or("no machine is named")?;
    let mut times = stands.lines().flat_map(|line| line.split(" | ")).map(|cell| cell.trim_end_matches(" |")).filter(|cell| is_time(cell));
    let page = page(machine, |_, _| times.next().unwrap_or("a time that is missing").to_owned());
    if let Some((made, stands)) = page.trim().lines().zip(stands.trim().lines()).find(|(made, stands)| made != stands) {
        return Err(format!("it says\n{stands}\nfor\n{made}"));
    }
    if page.trim().lines().count() != stands.trim().lines().count() {
        return Err("lines are missing or left over".to_owned());
    }
    if times.count() == 0 { Ok(()) } else { Err("times are left over".to_owned()) }
}

/// `1.23 ms`, `45.6 µs`: three digits and a unit.
fn is_time(cell: &str) -> bool {
    let Some((number, unit)) = cell.split_once(' ') else { return false };
    number.parse::<f64>().is_ok_and(|number| number > 0.0) && ["µs", "ms"].contains(&unit)
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
    ik: Vec<usize>,
    ik_psk: usize,
    resume: Vec<usize>,
    refusal: usize,
    records: Records,
    secret_pem: usize,
    encrypted_pem: usize,
    public_pem: usize,
    beside: usize,
    beside_pem: usize,
    instead: usize,
    revoked: usize,
    bundle: usize,
    static_key: usize,
    /// Of somebody with an identity, without its prologue.
    record: usize,
}

/// Whole frames of a channel.
struct Records {
    /// Over the content.
    over: usize,
    key_update: usize,
    ping: usize,
    abort: usize,
    /// Without a reason, and with the longest.
    close: [usize; 2],
}

impl Records {
    fn of(channels: [Channel; 2]) -> Self {
        let [mut sealer, mut other] = channels.map(|channel| channel.into_halves().0);
        let begun = sealed(|out| sealer.data(b"begun", out));
        let abort = sealed(|out| sealer.abort(out));
        sealer.ping(1);
        Self {
            over: begun - b"begun".len(),
            key_update: sealed(|out| sealer.key_update(out)),
            ping: sealed(|out| sealer.control(out)),
            abort,
            close: [
                sealed(|out| sealer.close(CloseCode::Done, "", out)),
                sealed(|out| other.close(CloseCode::Done, &"r".repeat(256), out)),
            ],
        }
    }
}

/// How many bytes are written.
fn sealed(write: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>) -> usize {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    out.len()
}

impl Sizes {
    fn of(suite: Suite) -> Self {
        let known = Acquainted::new(suite);
        let (parties, remembered) = (&known.parties, known.remember());
        let record = remembered.record.to_secret_bytes().expose().len() - remembered.record.prologue().len();
        // Beside stands an identity of the highest other algorithm, where there is one.
        let other = *SignatureAlgorithm::ALL
            .iter()
            .filter(|other| **other != suite.signature())
            .max_by_key(|other| other.public_key_len())
            .unwrap();
        let other = twinlock::Identity::generate_for(other).unwrap();
        let (_, xx, channels) = parties.meet(None);
        let beside = Statement::beside(&parties.alice, &other, 0).unwrap();
        Self {
            suite,
            xx,
            psk: parties.xx(Some(&Psk::generate().unwrap())).1[0],
            nx: parties.nx(None).1,
            ik: known.ik(None).1,
            ik_psk: known.ik(Some(&Psk::generate().unwrap())).1[0],
            resume: known.resume(remembered).1,
            refusal: parties.refusal(),
            records: Records::of(channels),
            secret_pem: keyfile::to_pem(&parties.alice).unwrap().len(),
            encrypted_pem: keyfile::to_encrypted_pem(&parties.alice, "correct horse").unwrap().len(),
            public_pem: keyfile::public_to_pem(&parties.alice.public()).len(),
            beside: beside.as_bytes().len(),
            beside_pem: keyfile::statement_to_pem(&beside).len(),
            instead: Statement::instead(&parties.alice, &parties.bob, 0).unwrap().as_bytes().len(),
            revoked: Statement::revoked(&parties.alice, 0).unwrap().as_bytes().len(),
            bundle: known.alice.bundle().as_bytes().len(),
            static_key: known.alice.to_secret_bytes().expose().len(),
            record,
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
    row(page, "secret key file, PEM, with a passphrase", |suite| grouped(of(suite).encrypted_pem));
    row(page, "public key file, PEM", |suite| grouped(of(suite).public_pem));
    row(page, "fingerprint, raw and written", |_| "32, 61".to_owned());
    for at in 0..3 {
        row(page, &format!("`XX` message {}", at + 1), |suite| grouped(of(suite).xx[at]));
    }
    row(page, "`XX`, all three", |suite| grouped(of(suite).xx.iter().sum()));
    for at in 0..2 {
        row(page, &format!("`NX` message {}", at + 1), |suite| grouped(of(suite).nx[at]));
    }
    row(page, "`NX`, both", |suite| grouped(of(suite).nx.iter().sum()));
    row(page, "message 1 of `XX` or `NX` with a psk", |suite| grouped(of(suite).psk));
    for at in 0..2 {
        row(page, &format!("`IK` message {}", at + 1), |suite| grouped(of(suite).ik[at]));
    }
    row(page, "`IK`, both, and its `Confirm`", |suite| grouped(of(suite).ik.iter().sum()));
    row(page, "message 1 of `IK` with a psk", |suite| grouped(of(suite).ik_psk));
    for at in 0..2 {
        row(page, &format!("`resume` message {}", at + 1), |suite| grouped(of(suite).resume[at]));
    }
    row(page, "`resume`, both", |suite| grouped(of(suite).resume.iter().sum()));
    row(page, "a refusal in the place of message 2", |suite| grouped(of(suite).refusal));
    row(page, "a record, over its content", |suite| grouped(of(suite).records.over));
    row(page, "`RekeyOffer` record", |suite| grouped(suite.encapsulation_key_len() + of(suite).records.over));
    row(page, "`Rekey` record", |suite| grouped(suite.ciphertext_len() + of(suite).records.over));
    row(page, "`KeyUpdate` record", |suite| grouped(of(suite).records.key_update));
    row(page, "`Ping` record", |suite| grouped(of(suite).records.ping));
    row(page, "`Abort` record", |suite| grouped(of(suite).records.abort));
    row(page, "`Confirm` record", |suite| grouped(of(suite).ik[2] + 2));
    row(page, "`Bundle` record", |suite| grouped(of(suite).bundle + of(suite).records.over));
    row(page, "`Close` record", |suite| of(suite).records.close.map(grouped).join(" to "));
    row(page, "statement: beside, the largest", |suite| grouped(of(suite).beside));
    row(page, "the same in a file, PEM", |suite| grouped(of(suite).beside_pem));
    row(page, "statement: instead, same algorithm", |suite| grouped(of(suite).instead));
    row(page, "statement: revoked", |suite| grouped(of(suite).revoked));
    row(page, "bundle", |suite| grouped(of(suite).bundle));
    row(page, "static key as kept, with its bundle", |suite| grouped(of(suite).static_key));
    row(page, "resumption record as kept, and the prologue", |suite| grouped(of(suite).record));
    page.push_str("\nA handshake message's frame has 2 bytes more than its body, which is what stands here, with an empty payload.\n");
}

fn time(page: &mut String, cost: &mut impl FnMut(Suite, Cost) -> String) {
    head(page);
    for pattern in PATTERNS {
        row(page, &format!("`{}`, both sides", pattern.name()), |suite| cost(suite, Cost::Both(pattern)));
        row(page, &format!("`{}`, initiator", pattern.name()), |suite| cost(suite, Cost::Initiator(pattern)));
        row(page, &format!("`{}`, responder", pattern.name()), |suite| cost(suite, Cost::Responder(pattern)));
    }
    row(page, "an identity made", |suite| cost(suite, Cost::Generate));
    row(page, "a static key and its bundle made", |suite| cost(suite, Cost::StaticKey));
    row(page, "a bundle read", |suite| cost(suite, Cost::ReadBundle));
    for size in [64, 1024, 16_384] {
        row(page, &format!("a record of {}, sealed and opened", grouped(size)), |suite| cost(suite, Cost::Record(size)));
    }
    row(page, "one direction rekeyed, both sides", |suite| cost(suite, Cost::Rekey));
}
