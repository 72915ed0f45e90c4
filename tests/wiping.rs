//! Every type that holds a secret is zero after it was dropped.
//!
//! An allocator that gives nothing back keeps each block as its owner left it. A state is built from coins that the test knows, every secret of it is looked up in memory, the state is
//! dropped, and the same addresses are read again: they must be zero. The list of types is taken from the source, so that a new one without a row shows.
//!
//! Memory is read through the kernel (`/proc/self/mem`), which is no matter of Rust's rules: it shows what really stands there, after the optimiser too. What this cannot show: the stack,
//! registers, and forms of a secret that are not in `known.rs`. A core file of a whole conversation is searched by `evidence/wiping`.
#![cfg(all(target_os = "linux", feature = "std"))]
#![allow(unsafe_code, reason = "a global allocator is made no other way")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

#[path = "wiping/acquainted.rs"]
mod acquainted;
#[path = "../evidence/wiping/src/coins.rs"]
mod coins;
#[path = "../evidence/wiping/src/known.rs"]
mod known;
#[path = "../evidence/wiping/src/known_acquainted.rs"]
mod known_acquainted;
#[path = "wiping/memory.rs"]
mod memory;
#[path = "../evidence/wiping/src/pieces.rs"]
mod pieces;
#[path = "wiping/points.rs"]
mod points;
#[path = "../evidence/wiping/src/primitives.rs"]
mod primitives;
#[path = "wiping/types.rs"]
mod types;

use known::{Known, Secrets};
use memory::{Block, blocks, record, stands_at, turn};
use pieces::Pieces;
use primitives::Algorithms;
use std::collections::{BTreeMap, BTreeSet};

/// A type that holds secrets; the point at which it stands alone; a secret of its own there.
struct Row(&'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    Row("Secret", "Psk", "psk"),
    Row("Psk", "Psk", "psk"),
    Row("Identity", "Identity", "alice: ML-DSA seed"),
    Row("identity::Holder", "Identity", "alice: ML-DSA seed"),
    Row("SigningKey", "Identity", "alice: ML-DSA seed"),
    Row("SecretHalves", "Identity", "alice: ML-DSA seed"),
    Row("mldsa65_ed25519::Key", "Identity", "alice: Ed25519 seed"),
    Row("MlDsa65Key", "Identity", "alice: ML-DSA K"),
    Row("MlDsa65Key", "Identity", "alice: ML-DSA s1, s2"),
    Row("Ed25519Key", "Identity", "alice: Ed25519 seed"),
    Row("Initiator", "Initiator", "psk"),
    Row("Opening", "Initiator", "psk"),
    Row("AwaitsReply", "AwaitsReply", "message 1: ck"),
    Row("Waiting", "AwaitsReply", "message 1: k"),
    Row("SymmetricState", "AwaitsReply", "message 1: ck"),
    Row("AeadKey", "AwaitsReply", "message 1: k"),
    Row("DecapsulationKey", "AwaitsReply", "e: ML-KEM s"),
    Row("xwing::Key", "AwaitsReply", "e: X25519 key"),
    Row("MlKem768Key", "AwaitsReply", "e: ML-KEM s"),
    Row("MlKem768Key", "AwaitsReply", "e: ML-KEM z"),
    Row("ReplyRead", "ReplyRead", "message 2: ck"),
    Row("Replied", "ReplyRead", "message 2: ck"),
    Row("FinishToSign", "FinishToSign", "message 2: ck"),
    Row("Responder", "Responder", "psk"),
    Row("Hello", "Hello", "message 1: ck"),
    Row("HelloRead", "HelloRead", "message 1: ck"),
    Row("responder::Heard", "HelloRead", "message 1: k"),
    Row("ReplyToSign", "ReplyToSign", "message 2: ck"),
    Row("Replying", "ReplyToSign", "message 2: k"),
    Row("AwaitsFinish", "AwaitsFinish", "message 2: ck"),
    Row("FinishRead", "FinishRead", "message 2: ck"),
    Row("ChannelSecrets", "Channel", "i2r: cs"),
    Row("Channel", "Channel", "i2r: cs"),
    Row("Channel", "Channel", "r2i: cs"),
    Row("Direction", "Sealer", "i2r: record key"),
    Row("Sealer", "Sealer", "i2r: cs"),
    Row("Sending", "Sealer", "i2r: cs"),
    Row("Opener", "Opener", "r2i: cs"),
    Row("Receiving", "Opener", "r2i: record key"),
    Row("Conversation", "Conversation", "exporter"),
    Row("OpenOffer", "OpenOffer", "offer for r2i: ML-KEM s"),
    Row("Answer", "Answer", "answer for i2r: ss"),
    Row("Inbound", "Stream", "r2i: cs"),
    Row("Outbound", "Stream", "i2r: cs"),
    Row("Stream", "Stream", "exporter"),
    Row("halves::Reader", "Reader", "r2i: cs"),
    Row("halves::Writer", "Writer", "i2r: cs"),
    Row("Connect", "Connect", "psk"),
    Row("Accept", "Accept", "psk"),
    Row("AnonymousInitiator", "AnonymousInitiator", "psk"),
    Row("AnonymousAwaitsReply", "AnonymousAwaitsReply", "e: ML-KEM s"),
    Row("AnonymousReplyRead", "AnonymousReplyRead", "message 2: ck"),
    Row("AnonymousHello", "AnonymousHello", "message 1: ck"),
    Row("AnonymousReplyToSign", "AnonymousReplyToSign", "message 2: ck"),
    Row("StaticKey", "StaticKey", "alice: static key: seed"),
    Row("bundle::Holder", "StaticKey", "alice: static key: ML-KEM s"),
    Row("KeptKey", "StaticKey", "alice: static key: X25519 key"),
    Row("kept::Kept", "StaticKey", "alice: static key: seed"),
    Row("StaticKeyToSign", "StaticKeyToSign", "alice: static key: seed"),
    Row("SecretBytes", "SecretBytes", "alice: static key: seed"),
    Row("Decoys", "Decoys", "decoy: slots"),
    Row("Decoy", "Decoys", "decoy: static key: seed"),
    Row("Decoy", "Decoys", "decoy: secret"),
    Row("AcquaintedInitiator", "AcquaintedInitiator", "alice: static key: seed"),
    Row("AcquaintedInitiator", "AcquaintedInitiator", "psk"),
    Row("AcquaintedAwaitsReply", "AcquaintedAwaitsReply", "IK message 1: ck"),
    Row("AcquaintedAwaitsReply", "AcquaintedAwaitsReply", "IK e: ML-KEM s"),
    Row("AcquaintedReplyRead", "AcquaintedReplyRead", "IK message 2: ck"),
    Row("AnyHello", "AnyHello", "IK message 1: ck"),
    Row("AcquaintedHello", "AcquaintedHello", "IK message 1: ck"),
    Row("AwaitsConfirm", "AwaitsConfirm", "IK message 2: ck"),
    Row("Confirmed", "Confirmed", "IK r2i: cs"),
    Row("Unjudged", "Confirmed", "IK resumption secret"),
    Row("Resumable", "AcquaintedChannel", "IK resumption secret"),
    Row("Resumption", "Resumption", "the record's psk"),
    Row("ResumeInitiator", "ResumeInitiator", "the record's psk"),
    Row("ResumeJudged", "ResumeJudged", "the record's psk"),
    Row("ResumeAwaitsReply", "ResumeAwaitsReply", "resume message 1: ck"),
    Row("ResumeReplyRead", "ResumeReplyRead", "resume message 2: ck"),
    Row("ResumeRead", "ResumeRead", "resume message 1: ck"),
    Row("resume::Heard", "ResumeRead", "resume message 1: k"),
    Row("Removed", "Removed", "resume message 1: ck"),
    Row("ResumeAccepted", "ResumeAccepted", "resume message 1: ck"),
    Row("Book", "Book", "bob: static key: seed"),
    Row("State", "Book", "the record's psk"),
    Row("OwnKey", "Book", "bob: static key: ML-KEM z"),
    Row("Remembered", "Book", "the record's psk"),
    Row("Folder", "Folder", "bob: static key: seed"),
    Row("Seen", "Folder", "the record's psk"),
    Row("Loaded", "Folder", "bob: static key: seed"),
    Row("Index", "Folder", "the record's psk"),
    Row("Aes256GcmKey", "Sealer, AES-256-GCM", "i2r: record key"),
    #[cfg(feature = "level5")]
    Row("mldsa87_p384::Key", "Identity, level 5", "alice: P-384 scalar"),
    #[cfg(feature = "level5")]
    Row("MlDsa87Key", "Identity, level 5", "alice: ML-DSA s1, s2"),
    #[cfg(feature = "level5")]
    Row("P384Signer", "Identity, level 5", "alice: P-384 scalar, Montgomery form"),
    #[cfg(feature = "level5")]
    Row("mlkem1024_p384::Key", "AwaitsReply, level 5", "e: ML-KEM s"),
    #[cfg(feature = "level5")]
    Row("MlKem1024Key", "AwaitsReply, level 5", "e: ML-KEM z"),
    #[cfg(feature = "level5")]
    Row("P384Key", "AwaitsReply, level 5", "e: P-384 scalar, as the library uses it"),
];

/// In builds with these features alone.
const LEVEL5: &[&str] = &["mldsa87_p384::Key", "MlDsa87Key", "P384Signer", "mlkem1024_p384::Key", "MlKem1024Key", "P384Key"];
/// What no test sees alone, and what holds nothing but types that have a row: an `OpenOffer` from the operating system's randomness; what a connection is opened with, what comes of it,
/// and what is kept of it.
const UNKNOWN: &[&str] = &["Mailbox", "Plan", "Begun", "Keeper", "Keeping", "Place"];
/// Round 3 is outside every claim: its keys come from the operating system, and no test knows them. They hold `Secret`s and nothing else of their own.
const ROUND3: &[&str] = &["Kyber768Key", "Dilithium3Key", "kyber768_x25519::Key", "dilithium3_ed25519::Key"];

#[test]
fn a_new_type_holds_a_secret_and_has_no_row() {
    let holders = types::holders();
    assert!(holders.len() > 90, "the source is not read any more: {holders:?}");
    let rows: BTreeSet<&str> =
        ROWS.iter().map(|row| row.0).chain(LEVEL5.iter().copied()).chain(ROUND3.iter().copied()).chain(UNKNOWN.iter().copied()).collect();
    let missing: Vec<_> = holders.iter().filter(|name| !rows.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "no row shows that these are wiped: {missing:?}");
    let gone: Vec<_> = rows.iter().filter(|row| !holders.contains(**row)).collect();
    assert!(gone.is_empty(), "these have a row, and hold no secret in the source: {gone:?}");
}

#[test]
fn a_secret_is_left_in_memory_when_its_owner_is_dropped() {
    let mut points: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    ROWS.iter().for_each(|Row(_, point, secret)| _ = points.entry(point).or_default().insert(secret));
    let mut failures = Vec::new();
    for (point, secrets) in &points {
        failures.extend(check(point, secrets).into_iter().map(|failure| format!("{point}: {failure}")));
    }
    let types: BTreeSet<&str> = ROWS.iter().map(|row| row.0).collect();
    let failed = |row: &&Row| failures.iter().any(|failure| failure.starts_with(&format!("{}:", row.1)));
    let unwiped: BTreeSet<&str> = ROWS.iter().filter(failed).map(|row| row.0).collect();
    println!("types wiped: {} of {}, at {} points", types.len() - unwiped.len(), types.len(), points.len());
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Builds the state, finds its secrets, drops it, and looks again.
fn check(point: &str, secrets: &BTreeSet<&str>) -> Vec<String> {
    let known = known_at(point);
    let _turn = turn();
    let state = record(|| points::build(point));
    let held = blocks();
    let mut places = Vec::new();
    let mut failures = Vec::new();
    for name in secrets {
        let secret = known.iter().find(|known| known.name == *name).unwrap_or_else(|| panic!("{name} is not a known secret"));
        let found = find(&held, &secret.bytes);
        if found.is_empty() {
            failures.push(format!("{name} is not in memory while its owner lives"));
        }
        places.extend(found.into_iter().map(|at| (*name, at, secret.bytes.len())));
    }
    record(|| drop(state));
    for (name, at, len) in places {
        if !is_wiped(&stands_at(at, len)) {
            failures.push(format!("{name} is not zero after the drop"));
        }
    }
    let pieces = Pieces::of(known.iter().map(|known| known.bytes.as_slice()));
    let remains: BTreeSet<usize> = blocks().iter().flat_map(|block| pieces.within(&block.bytes).collect::<Vec<_>>()).collect();
    failures.extend(remains.into_iter().map(|index| format!("{} stands in memory that was given back", known[index].name)));
    failures
}

/// Zero; or one, in the place of a scalar whose type cannot be zero.
fn is_wiped(bytes: &[u8]) -> bool {
    #[cfg(feature = "level5")]
    if bytes == primitives::montgomery_one() {
        return true;
    }
    bytes.iter().all(|byte| *byte == 0)
}

/// The control: what this test calls wiped, it can tell from what is not.
#[test]
fn the_test_finds_nothing_that_was_left() {
    let secret = known_at("Psk").into_iter().find(|known| known.name == "psk").unwrap();
    let _turn = turn();
    let kept = record(|| secret.bytes.clone());
    let [at] = find(&blocks(), &secret.bytes)[..] else { panic!("the copy is not found") };
    record(|| drop(kept));
    assert_eq!(stands_at(at, 32), secret.bytes, "the block was used again, or wiped by somebody else");
}

fn find(blocks: &[Block], secret: &[u8]) -> Vec<usize> {
    let windows = |block: &'_ Block| {
        block
            .bytes
            .windows(secret.len())
            .enumerate()
            .filter(|(_, window)| *window == secret)
            .map(|(at, _)| block.start + at)
            .collect::<Vec<_>>()
    };
    blocks.iter().flat_map(windows).collect()
}

/// The secrets of the conversation that the point belongs to. Computed in another thread: this one's stack, from which unused fields may be copied, is the library's alone.
fn known_at(point: &str) -> Vec<Known> {
    std::thread::scope(|scope| scope.spawn(|| compute(point)).join().unwrap())
}

fn compute(point: &str) -> Vec<Known> {
    let (suite, pattern) = points::of(point);
    let algorithms = if suite.id() == 0x0002 { Algorithms::Level5 } else { Algorithms::Level3 };
    if pattern == "IKpsk0" {
        return acquainted::secrets(suite, algorithms);
    }
    Secrets::new(algorithms, &points::protocol_name(suite, pattern), points::SEED, &points::handshake_hash(suite, pattern)).known
}
