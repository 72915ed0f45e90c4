//! Suites by the names that people type, and which identity each needs.

use crate::terminal::say;
use twinlock::Suite;
use twinlock::identity::SignatureAlgorithm;

/// What is said once in each run that has to do with round 3.
const ROUND3_WARNING: &str = "\
WARNING: round3 is made of algorithms from before the standards, Kyber768 and Dilithium3 of NIST's third round, in crates that nobody maintains \
(RUSTSEC-2024-0380, RUSTSEC-2024-0381). What this program promises it does not promise for them: docs/round3.md. Use it only with peers that have \
nothing else, and move them on to level3: chat statement.";

/// A suite of the protocol, in this build or not.
struct Named {
    name: &'static str,
    id: u16,
    /// The feature without which it is missing.
    feature: Option<&'static str>,
}

const NAMED: [Named; 4] = [
    Named { name: "level3", id: 0x0001, feature: None },
    Named { name: "level3-aes", id: 0x0003, feature: None },
    Named { name: "level5", id: 0x0002, feature: Some("level5") },
    Named { name: "round3", id: 0x7E03, feature: Some("round3") },
];

/// For the command line: a suite's name or number.
pub(crate) fn parse(text: &str) -> Result<Suite, String> {
    let number = text.strip_prefix("0x").and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let named = NAMED.iter().find(|named| named.name == text || number == Some(named.id));
    let Some(named) = named else {
        return Err(format!("there is no such suite. There are {}", list(NAMED.iter().map(|named| titled_id(named.id)))));
    };
    Suite::from_id(named.id).map_err(|_| not_in_this_build(named.id))
}

/// The name on the command line.
pub(crate) fn name(suite: Suite) -> &'static str {
    named(suite.id()).map_or("?", |named| named.name)
}

/// `level3 (0x0001)`.
pub(crate) fn titled(suite: Suite) -> String {
    titled_id(suite.id())
}

/// The same, of a number that may be unknown here.
pub(crate) fn titled_id(id: u16) -> String {
    named(id).map_or_else(|| format!("{id:#06x}"), |named| format!("{} ({id:#06x})", named.name))
}

/// What to do where a suite of this number is not in this build.
pub(crate) fn not_in_this_build(id: u16) -> String {
    match named(id).and_then(|named| named.feature) {
        Some(feature) => {
            format!("{} is not in this build of the program; build it with: cargo build --example chat --features {feature}", titled_id(id))
        }
        None => format!("{} is not known to this program; perhaps a newer one knows it", titled_id(id)),
    }
}

/// How strong it is: NIST's security category.
pub(crate) const fn strength(suite: Suite) -> &'static str {
    match suite.rank() {
        0 => "from before the standards",
        1 => "category 3",
        _ => "category 5",
    }
}

/// The name of a kind of identity: that of the first suite that it serves.
pub(crate) fn kind(algorithm: SignatureAlgorithm) -> &'static str {
    Suite::ALL.iter().find(|suite| suite.signature() == algorithm).map_or("?", |suite| name(*suite))
}

/// `level3 (MLDSA65-Ed25519-SHA512)`.
pub(crate) fn titled_kind(algorithm: SignatureAlgorithm) -> String {
    format!("{} ({algorithm})", kind(algorithm))
}

/// The file of such an identity in the home folder.
pub(crate) fn identity_file(algorithm: SignatureAlgorithm) -> String {
    match kind(algorithm) {
        "level3" => "identity.pem".to_owned(),
        kind => format!("identity-{kind}.pem"),
    }
}

/// Whether this kind of identity is of round 3, whose suite is spoken only where it is named.
pub(crate) fn is_round3(algorithm: SignatureAlgorithm) -> bool {
    Suite::for_signature(algorithm).is_none()
}

/// Warns if round 3 is among the suites. Called once in each run.
pub(crate) fn warn_of_round3(suites: &[Suite]) {
    if suites.iter().any(|suite| suite.must_be_named()) {
        say(ROUND3_WARNING);
    }
}

/// What to add to a command so that it is about such an identity: nothing for the default kind.
pub(crate) fn option(algorithm: SignatureAlgorithm) -> String {
    match kind(algorithm) {
        "level3" => String::new(),
        kind => format!(" --suite {kind}"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: impl IntoIterator<Item = String>) -> String {
    let items: Vec<String> = items.into_iter().collect();
    match items.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn named(id: u16) -> Option<&'static Named> {
    NAMED.iter().find(|named| named.id == id)
}
