//! The targets, as plain functions over bytes: libFuzzer drives them (`fuzz_targets/`), and `replay` runs the committed corpora through them on stable Rust.
//!
//! A target panics where the library does, and where what the library does is not what the target's invariants say. Each is about some files of the library, and reaches at
//! least 80 % of their lines: `evidence/checks/fuzz --long` measures it.
//!
//! ```text
//! input   what the fuzzer says, as choices and changes      people · statements   identities, and what they say
//! cases   the vectors' handshakes, live                     forge · forged        good tags over anything
//! acquainted   the same of two that know each other
//! model   the reader of records, in plain data              script · link · pem   what carries it
//! ```

pub mod acquaintances;
pub mod acquainted;
pub mod bundle;
pub mod cases;
pub mod chat;
pub mod fingerprint;
pub mod finish;
pub mod forge;
pub mod forged;
pub mod hello;
pub mod input;
pub mod kems;
pub mod keyfile;
pub mod keys;
pub mod known_hello;
pub mod known_peers;
pub mod link;
pub mod meeting;
pub mod model;
pub mod pem;
pub mod people;
pub mod records;
pub mod reply;
pub mod resume;
pub mod script;
pub mod session;
pub mod signature;
pub mod statement;
pub mod statements;
pub mod stream;
pub mod succession;
pub mod talk;

#[path = "../../tests/support/book.rs"]
mod book;
#[path = "../../tests/support/rng.rs"]
#[allow(clippy::should_implement_trait, clippy::wrong_self_convention)]
mod rng;

/// What is run with one input.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// The library's files that it is about.
    pub files: &'static [&'static str],
}

const fn target(name: &'static str, run: fn(&[u8]), files: &'static [&'static str]) -> Target {
    Target { name, run, files }
}

pub const TARGETS: &[Target] = &[
    target("hello", hello::run, &["src/handshake/responder.rs", "src/handshake/message.rs", "src/handshake/pattern.rs"]),
    target("reply", reply::run, &["src/handshake/initiator.rs", "src/symmetric.rs"]),
    target("known_hello", known_hello::run, &["src/handshake/acquainted.rs", "src/handshake/resume.rs", "src/handshake/decoys.rs"]),
    target("resume", resume::run, &["src/channel/resumption.rs"]),
    target("bundle", bundle::run, &["src/identity/bundle.rs"]),
    target("acquaintances", acquaintances::run, &["src/acquaintances/folder.rs", "src/acquaintances/folder/encoding.rs"]),
    target("finish", finish::run, &["src/handshake/message.rs", "src/symmetric.rs"]),
    target(
        "records",
        records::run,
        &[
            "src/channel/stream.rs",
            "src/channel/stream/sealer.rs",
            "src/channel/stream/opener.rs",
            "src/channel/record.rs",
            "src/channel/direction.rs",
        ],
    ),
    target(
        "stream",
        stream::run,
        &["src/io/stream.rs", "src/io/inbound.rs", "src/io/outbound.rs", "src/io/message.rs", "src/io/bytes.rs", "src/io/halves.rs"],
    ),
    target("meeting", meeting::run, &["src/io/wire.rs", "src/io/gate.rs"]),
    target("keyfile", keyfile::run, &["src/keyfile.rs"]),
    target("known_peers", known_peers::run, &["src/trust/known_peers/entry.rs"]),
    target("fingerprint", fingerprint::run, &["src/identity.rs"]),
    target("statement", statement::run, &["src/identity/statement.rs"]),
    target("bundle_pem", bundle::run_pem, &["src/keyfile/bundle.rs"]),
    target("statement_pem", statement::run_pem, &["src/keyfile/statement.rs"]),
    target("keys", keys::run, &["src/crypto/signature.rs"]),
    target("signature", signature::run, &["src/crypto/signature/mldsa65_ed25519.rs", "src/crypto/signature/mldsa87_p384.rs"]),
    target("chat", chat::run, &["examples/chat/wire.rs"]),
    target(
        "succession",
        succession::run,
        &["src/trust/known_peers.rs", "src/trust/known_peers/rules.rs", "src/trust/known_peers/succession.rs"],
    ),
    target(
        "session",
        session::run,
        &[
            "src/channel/stream.rs",
            "src/channel/stream/sealer.rs",
            "src/channel/stream/opener.rs",
            "src/channel/direction.rs",
            "src/symmetric.rs",
        ],
    ),
];
