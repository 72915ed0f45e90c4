//! The known-peers file: whom it accepts, whom it never asks about, and that nothing in it gets lost. What owners' statements change in it
//! is in `tests/succession.rs`.
#![cfg(feature = "std")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::{TempDir, tempdir};
use twinlock::Distrust;
use twinlock::handshake::{AnonymousInitiator, Hello, Responder, Suite};
use twinlock::identity::{Fingerprint, Identity};
use twinlock::trust::{AnyoneKnown, ExpectKnown, KnownPeers, KnownPeersError, Met, NotTaken, Peer, Trust, Trusted};

const SUITE: Suite = Suite::Level3ChaCha;
/// 2026-01-02, at midnight.
const NOW: u64 = 1_767_312_000;

/// A path for a store, in a folder that lives as long as this.
struct Place {
    folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        Self::named("known-peers")
    }

    fn named(name: &str) -> Self {
        let folder = tempdir().unwrap();
        let path = folder.path().join(name);
        Self { folder, path }
    }

    fn open(&self) -> KnownPeers {
        KnownPeers::open(&self.path).unwrap().at(NOW)
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn fingerprint(number: u32) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Fingerprint::from_bytes(bytes)
}

/// Keeps whom it judges.
struct Catch(Option<Peer>);

impl Trust for Catch {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        self.0 = Some(peer.clone());
        Ok(Trusted::Anyone)
    }
}

/// Somebody who has just proved an identity, and somebody without one.
fn somebody_and_nobody() -> (Peer, Peer) {
    let somebody = Identity::generate().unwrap();
    let (initiator, hello) = AnonymousInitiator::new(b"test").send_hello().unwrap();
    let Hello::Anonymous(hello) = Responder::new(&somebody, b"test").read_any_hello(&hello).unwrap() else { panic!("not NX") };
    let mut nobody = Catch(None);
    let (_, reply) = hello.send_reply(&mut nobody).unwrap();
    let somebody = initiator.read_reply(&reply).unwrap().peer().clone();
    (somebody, nobody.0.unwrap())
}

fn somebody() -> (Peer, Fingerprint) {
    let peer = somebody_and_nobody().0;
    let fingerprint = peer.fingerprint().unwrap();
    (peer, fingerprint)
}

fn never(_: &Peer) -> bool {
    panic!("nobody may be asked about this")
}

fn never_named(_: &Peer) -> Option<String> {
    panic!("nobody may be asked about this")
}

fn summary(known: &KnownPeers) -> Vec<(&str, Met, String)> {
    known.entries().iter().map(|entry| (entry.name(), entry.met(), entry.date())).collect()
}

// Expecting one peer by name.

#[test]
fn a_known_peer_is_refused_or_asked_about() {
    let (place, (bob, key)) = (Place::new(), somebody());
    place.open().add("Bob", key, SUITE, Met::FirstUse).unwrap();
    let mut known = place.open();
    assert_eq!(known.expect("Bob").judge(&bob), Ok(Trusted::FirstUse));
    assert_eq!(known.expect("Bob").or_ask(never).judge(&bob), Ok(Trusted::FirstUse));
    known.set_verified(key).unwrap();
    assert_eq!(place.open().expect("Bob").judge(&bob), Ok(Trusted::Verified));
}

#[test]
fn a_changed_key_is_asked_about() {
    let (place, (bob, key), (other, _)) = (Place::new(), somebody(), somebody());
    let mut known = place.open();
    for met in [Met::FirstUse, Met::Verified] {
        known.add("Bob", key, SUITE, met).unwrap();
        let before = place.text();
        assert_eq!(known.expect("Bob").or_ask(never).judge(&other), Err(Distrust::ChangedKey));
        assert_eq!(known.expect("Bob").judge(&other), Err(Distrust::ChangedKey));
        assert_eq!(place.text(), before);
        known.forget("Bob").unwrap();
    }
    // Also where the other key is that of another known peer.
    known.add("Bob", key, SUITE, Met::FirstUse).unwrap();
    known.add("Other", other.fingerprint().unwrap(), SUITE, Met::Verified).unwrap();
    assert_eq!(known.expect("Bob").or_ask(never).judge(&other), Err(Distrust::ChangedKey));
    assert_eq!(known.expect("Bob").or_ask(never).judge(&bob), Ok(Trusted::FirstUse));
}

#[test]
fn a_stranger_is_accepted_without_a_yes() {
    let (place, (bob, _)) = (Place::new(), somebody());
    let mut known = place.open();
    assert_eq!(known.expect("Bob").judge(&bob), Err(Distrust::Unknown));
    let mut asked = 0;
    let no = |_: &Peer| {
        asked += 1;
        false
    };
    assert_eq!(known.expect("Bob").or_ask(no).judge(&bob), Err(Distrust::Declined));
    assert_eq!(asked, 1);
    assert!(known.entries().is_empty() && place.files().is_empty());
}

#[test]
fn a_first_meeting_is_not_remembered_before_it_is_accepted() {
    let (place, (bob, key), (other, _)) = (Place::new(), somebody(), somebody());
    let mut known = place.open();
    let yes = |peer: &Peer| peer.fingerprint() == Some(key) && peer.suite() == SUITE;
    assert_eq!(known.expect("Bob").or_ask(yes).judge(&bob), Ok(Trusted::FirstUse));
    assert_eq!(place.text(), format!("twinlock-known-peers 1\n{key} 0x0001 {NOW} first-use Bob\n"));
    assert_eq!(place.open().expect("Bob").or_ask(never).judge(&bob), Ok(Trusted::FirstUse));
    assert_eq!(place.open().expect("Bob").or_ask(never).judge(&other), Err(Distrust::ChangedKey));
}

#[test]
fn a_first_meeting_that_cannot_be_remembered_is_accepted() {
    let (bob, _) = somebody();
    let yes = |_: &Peer| true;
    // No folder; a name that is none; a lock, and a temporary file, that cannot stand beside the file.
    let missing = Place::named("no folder/known-peers");
    assert_eq!(missing.open().expect("Bob").or_ask(yes).judge(&bob), Err(Distrust::StoreFailed));
    let place = Place::new();
    assert_eq!(place.open().expect("Bob\n").or_ask(yes).judge(&bob), Err(Distrust::StoreFailed));
    assert!(!place.path.exists());
    for length in [if cfg!(unix) { 252 } else { return }, 240] {
        let place = Place::named(&"k".repeat(length));
        assert_eq!(place.open().expect("Bob").or_ask(yes).judge(&bob), Err(Distrust::StoreFailed));
        assert!(place.open().entries().is_empty());
    }
}

#[test]
fn the_key_of_another_name_is_taken_for_a_strangers() {
    let (place, (bob, key)) = (Place::new(), somebody());
    let mut known = place.open();
    known.add("Bob", key, SUITE, Met::Verified).unwrap();
    assert_eq!(known.expect("Alice").or_ask(never).judge(&bob), Err(Distrust::NotExpected));
    assert_eq!(known.expect("bob").judge(&bob), Err(Distrust::NotExpected));
    assert_eq!(known.entries().len(), 1);
}

#[test]
fn a_peer_without_identity_is_known() {
    let (_, nobody) = somebody_and_nobody();
    let mut known = KnownPeers::in_memory();
    assert_eq!(known.expect("Bob").or_ask(never).judge(&nobody), Err(Distrust::Anonymous));
    assert_eq!(known.anyone_known().or_ask(never_named).judge(&nobody), Err(Distrust::Anonymous));
}

#[test]
fn what_another_process_changed_meanwhile_does_not_count() {
    let (place, (bob, key)) = (Place::new(), somebody());
    let (mut here, mut there) = (place.open(), place.open());
    there.add("Bob", key, SUITE, Met::Verified).unwrap();
    assert_eq!(here.expect("Bob").or_ask(never).judge(&bob), Ok(Trusted::Verified));
    there.forget("Bob").unwrap();
    assert_eq!(here.expect("Bob").judge(&bob), Err(Distrust::Unknown));
    // Even while somebody is asked.
    let meanwhile = |there: &mut KnownPeers, key| there.add("Bob", key, SUITE, Met::FirstUse).is_ok();
    assert_eq!(here.expect("Bob").or_ask(|_| meanwhile(&mut there, fingerprint(7))).judge(&bob), Err(Distrust::ChangedKey));
    there.forget("Bob").unwrap();
    let verified = |_: &Peer| meanwhile(&mut there, key) && there.set_verified(key).is_ok();
    assert_eq!(here.expect("Bob").or_ask(verified).judge(&bob), Ok(Trusted::Verified));
    let renamed = |_: &Peer| there.rename("Bob", "Robert").is_ok();
    here.forget("Bob").unwrap();
    place.open().add("Bob", key, SUITE, Met::FirstUse).unwrap();
    assert_eq!(here.expect("Robert").or_ask(renamed).judge(&bob), Err(Distrust::NotExpected));
}

#[test]
fn a_damaged_or_unreadable_file_accepts_somebody() {
    let (place, (bob, key)) = (Place::new(), somebody());
    let mut known = place.open();
    known.add("Bob", key, SUITE, Met::FirstUse).unwrap();
    let damaged = place.text().replace("first-use", "second-use");
    fs::write(&place.path, &damaged).unwrap();
    assert_eq!(known.expect("Bob").judge(&bob), Err(Distrust::StoreFailed));
    assert_eq!(known.anyone_known().or_ask(never_named).judge(&bob), Err(Distrust::StoreFailed));
    assert!(matches!(known.reload(), Err(KnownPeersError::Malformed { line: 2, .. })));
    assert!(matches!(known.forget("Bob"), Err(KnownPeersError::Malformed { line: 2, .. })));
    assert_eq!(place.text(), damaged);
    fs::remove_file(&place.path).unwrap();
    fs::create_dir(&place.path).unwrap();
    assert_eq!(known.expect("Bob").or_ask(never).judge(&bob), Err(Distrust::StoreFailed));
}

#[test]
fn a_known_peer_needs_a_file_that_can_be_written() {
    let (place, (bob, key)) = (Place::new(), somebody());
    place.open().add("Bob", key, SUITE, Met::FirstUse).unwrap();
    fs::remove_file(place.folder.path().join("known-peers.lock")).unwrap();
    fs::create_dir(place.folder.path().join("known-peers.lock")).unwrap();
    let mut known = place.open();
    assert_eq!(known.expect("Bob").judge(&bob), Ok(Trusted::FirstUse));
    assert!(matches!(known.set_verified(key), Err(KnownPeersError::Io { .. })));
    assert_eq!(known.entries()[0].met(), Met::FirstUse);
}

/// Who looks for the cause finds the system's own error, and no cause where there is none.
#[test]
fn the_cause_of_an_error_is_lost() {
    let place = Place::new();
    fs::create_dir(&place.path).unwrap();
    let error = KnownPeers::open(&place.path).unwrap_err();
    let kind = |error: &dyn Error| error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    assert_eq!(kind(&error), Some(std::io::ErrorKind::IsADirectory));
    assert!(error.to_string().starts_with(place.path.to_str().unwrap()));
    assert_eq!(kind(&NotTaken::from(error)), Some(std::io::ErrorKind::IsADirectory));
    assert!(KnownPeersError::NotKnown.source().is_none() && NotTaken::OldUnknown.source().is_none());
}

#[test]
fn a_way_of_trust_is_shown_as_another() {
    let shown = [Met::FirstUse, Met::Verified, Met::Introduced, Met::Retired, Met::Revoked].map(|met| met.to_string());
    assert_eq!(shown, ["first-use", "verified", "introduced", "retired", "revoked"]);
}

// Accepting anyone who is known.

#[test]
fn a_listener_refuses_a_known_peer_or_accepts_a_stranger() {
    let (place, (bob, key), (other, _)) = (Place::new(), somebody(), somebody());
    let mut known = place.open();
    known.add("Bob", key, SUITE, Met::Verified).unwrap();
    assert_eq!(known.anyone_known().judge(&bob), Ok(Trusted::Verified));
    assert_eq!(known.anyone_known().or_ask(never_named).judge(&bob), Ok(Trusted::Verified));
    assert_eq!(known.anyone_known().judge(&other), Err(Distrust::Unknown));
    assert_eq!(known.anyone_known().or_ask(|_| None).judge(&other), Err(Distrust::Declined));
    assert_eq!(known.entries().len(), 1);
}

#[test]
fn a_listeners_first_meeting_is_not_remembered_or_under_a_taken_name() {
    let (place, (bob, key), (other, _)) = (Place::new(), somebody(), somebody());
    let mut known = place.open();
    let as_bob = |_: &Peer| Some("Bob".to_owned());
    assert_eq!(known.anyone_known().or_ask(as_bob).judge(&bob), Ok(Trusted::FirstUse));
    assert_eq!(place.open().by_fingerprint(key).unwrap().name(), "Bob");
    assert_eq!(place.open().anyone_known().judge(&bob), Ok(Trusted::FirstUse));
    assert_eq!(known.anyone_known().or_ask(as_bob).judge(&other), Err(Distrust::ChangedKey));
    assert_eq!(known.anyone_known().or_ask(|_| Some(" Bob".to_owned())).judge(&other), Err(Distrust::StoreFailed));
    assert_eq!(known.entries().len(), 1);
}

#[test]
fn asking_keeps_a_handshake_on_its_thread() {
    fn sendable<T: Send>(_: T) {}
    let mut known = KnownPeers::in_memory();
    let _: ExpectKnown<'_> = known.expect("Bob");
    sendable(known.expect("Bob").or_ask(|_| true));
    let _: AnyoneKnown<'_> = known.anyone_known();
    sendable(known.anyone_known().or_ask(|_| None));
    sendable(known);
}

// Changes by a person.

#[test]
fn a_name_or_a_key_is_given_twice() {
    let mut known = KnownPeers::in_memory();
    known.add("Bob", fingerprint(1), SUITE, Met::FirstUse).unwrap();
    let taken = known.add("Bob", fingerprint(2), SUITE, Met::FirstUse);
    assert!(matches!(taken, Err(KnownPeersError::NameTaken { name }) if name == "Bob"));
    for name in ["Bob", "Robert"] {
        let taken = known.add(name, fingerprint(1), SUITE, Met::Verified);
        assert!(matches!(taken, Err(KnownPeersError::KeyTaken { name }) if name == "Bob"));
    }
    assert!(matches!(known.add("", fingerprint(3), SUITE, Met::FirstUse), Err(KnownPeersError::InvalidName)));
    for met in [Met::Introduced, Met::Retired, Met::Revoked] {
        assert!(matches!(known.add("Carol", fingerprint(3), SUITE, met), Err(KnownPeersError::NeedsStatement)));
    }
    assert_eq!(known.entries().len(), 1);
    assert_eq!(known.entries()[0].met(), Met::FirstUse);
}

#[test]
fn verifying_touches_another_entry_or_gets_lost() {
    let place = Place::new();
    let mut known = place.open();
    known.add("Bob", fingerprint(1), SUITE, Met::FirstUse).unwrap();
    known.add("Carol", fingerprint(2), SUITE, Met::FirstUse).unwrap();
    let mut later = place.open().at(NOW + 86_400);
    later.set_verified(fingerprint(2)).unwrap();
    let expected = [("Bob", Met::FirstUse, "2026-01-02".to_owned()), ("Carol", Met::Verified, "2026-01-03".to_owned())];
    assert_eq!(summary(&place.open()), expected);
    // Verifying again leaves the day.
    place.open().at(NOW + 200_000).set_verified(fingerprint(2)).unwrap();
    assert_eq!(summary(&place.open()), expected);
    assert!(matches!(known.set_verified(fingerprint(3)), Err(KnownPeersError::NotKnown)));
}

#[test]
fn a_replaced_key_inherits_that_the_old_one_was_verified() {
    let place = Place::new();
    let mut known = place.open();
    known.add("Bob", fingerprint(1), SUITE, Met::Verified).unwrap();
    known.add("Carol", fingerprint(2), SUITE, Met::Verified).unwrap();
    place.open().at(NOW + 86_400).replace_key("Bob", fingerprint(3), SUITE).unwrap();
    let known_now = place.open();
    let expected = [("Bob", Met::FirstUse, "2026-01-03".to_owned()), ("Carol", Met::Verified, "2026-01-02".to_owned())];
    assert_eq!(summary(&known_now), expected);
    assert_eq!(known_now.entries()[0].fingerprint(), fingerprint(3));
    assert!(known_now.by_fingerprint(fingerprint(1)).is_none());
    let before = place.text();
    for key in [fingerprint(2), fingerprint(3)] {
        assert!(matches!(known.replace_key("Bob", key, SUITE), Err(KnownPeersError::KeyTaken { .. })));
    }
    assert!(matches!(known.replace_key("Dave", fingerprint(4), SUITE), Err(KnownPeersError::NotKnown)));
    assert_eq!(place.text(), before);
}

/// Between suites of one rank there is no higher one to keep: the new key has the one that it is replaced with.
#[test]
fn a_replaced_key_keeps_the_suite_of_the_old_one() {
    let place = Place::new();
    place.open().add("Bob", fingerprint(1), Suite::Level3Aes, Met::FirstUse).unwrap();
    for (number, suite) in [(2, Suite::Level3ChaCha), (3, Suite::Level3Aes), (4, Suite::Level3ChaCha)] {
        place.open().replace_key("Bob", fingerprint(number), suite).unwrap();
        assert_eq!(place.open().entries()[0].suite(), suite);
    }
}

#[test]
fn renaming_loses_or_merges_entries() {
    let place = Place::new();
    let mut known = place.open();
    known.add("Bob", fingerprint(1), SUITE, Met::Verified).unwrap();
    known.add("Carol", fingerprint(2), SUITE, Met::FirstUse).unwrap();
    known.rename("Bob", "Bob Smith").unwrap();
    let expected = [("Bob Smith", Met::Verified, "2026-01-02".to_owned()), ("Carol", Met::FirstUse, "2026-01-02".to_owned())];
    assert_eq!(summary(&place.open()), expected);
    assert_eq!(place.open().by_name("Bob Smith").count(), 1);
    assert!(matches!(known.rename("Carol", "Bob Smith"), Err(KnownPeersError::NameTaken { .. })));
    assert!(matches!(known.rename("Carol", "Carol"), Err(KnownPeersError::NameTaken { .. })));
    assert!(matches!(known.rename("Bob", "Robert"), Err(KnownPeersError::NotKnown)));
    assert!(matches!(known.rename("Carol", "Carol\nx"), Err(KnownPeersError::InvalidName)));
    assert_eq!(summary(&place.open()), expected);
}

#[test]
fn forgetting_forgets_another_or_nobody() {
    let (place, (bob, key)) = (Place::new(), somebody());
    let mut known = place.open();
    known.add("Bob", key, SUITE, Met::Verified).unwrap();
    known.add("Bob Smith", fingerprint(2), SUITE, Met::FirstUse).unwrap();
    known.forget("Bob").unwrap();
    assert!(matches!(known.forget("Bob"), Err(KnownPeersError::NotKnown)));
    assert_eq!(summary(&place.open()), [("Bob Smith", Met::FirstUse, "2026-01-02".to_owned())]);
    assert_eq!(known.anyone_known().judge(&bob), Err(Distrust::Unknown));
}

#[test]
fn without_the_system_clock_no_day_is_right() {
    let place = Place::new();
    let before = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    KnownPeers::open(&place.path).unwrap().add("Bob", fingerprint(1), SUITE, Met::FirstUse).unwrap();
    let after = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!((before..=after).contains(&place.open().entries()[0].since()));
}

// Names.

#[test]
fn a_name_forges_a_line_or_hides_something() {
    for bad in [
        "",
        " ",
        " Bob",
        "Bob ",
        "Bo\nb",
        "Bo\rb",
        "Bo\tb",
        "Bo\0b",
        "Bo\u{7F}b",
        "Bo\u{85}b",
        "Bo\u{1B}[31mb",
        "Bo\u{202E}b",
        "Bo\u{2066}b",
        "\u{200F}Bob",
        "Bo\u{61C}b",
        "Bo\u{200B}b",
        "Bo\u{FEFF}b",
        "Bo\u{AD}b",
        "Bo\u{2028}b",
        "Bo\u{A0}b",
        "Bo\u{3000}b",
        "Bo\u{E0041}b",
        "Bo\u{E000}b",
        "\u{301}Bob",
        "Bo\u{FFFF}b",
    ] {
        assert!(!KnownPeers::is_name(bad), "{bad:?}");
        assert!(matches!(KnownPeers::in_memory().add(bad, fingerprint(1), SUITE, Met::FirstUse), Err(KnownPeersError::InvalidName)));
    }
    assert!(!KnownPeers::is_name(&"n".repeat(65)) && KnownPeers::is_name(&"ü".repeat(64)));
}

#[test]
fn a_name_that_people_have_is_refused_or_read_back_otherwise() {
    let place = Place::new();
    let good = [
        "Bob",
        "Bob Smith",
        "two  spaces",
        "Grüße",
        "Привет",
        "李雷",
        "สมชาย",
        "हिन्दी",
        "עברית",
        "مريم",
        "D'Arcy \"the\" \\ second",
        "e\u{301}",
        "🔑",
        "first-use",
        "verified",
        "0x0001",
        "#1",
        "a",
    ];
    let mut known = place.open();
    for (number, name) in (0..).zip(good) {
        known.add(name, fingerprint(number), SUITE, Met::FirstUse).unwrap();
    }
    assert_eq!(place.open().entries(), known.entries());
    assert!(place.open().entries().iter().map(|entry| entry.name()).eq(good));
}

// The file.

#[test]
fn a_missing_file_is_an_error_or_is_made_by_looking() {
    let place = Place::new();
    assert!(place.open().entries().is_empty());
    assert!(place.files().is_empty());
    place.open().add("Bob", fingerprint(1), SUITE, Met::FirstUse).unwrap();
    assert_eq!(place.files(), ["known-peers", "known-peers.lock"]);
}

#[test]
fn a_malformed_file_is_read_or_overwritten() {
    let (key, other) = (fingerprint(1), fingerprint(2));
    let good = format!("twinlock-known-peers 1\n{key} 0x0001 5 first-use Bob\n");
    let second = |line: &str| format!("{good}{line}\n");
    let mut mistyped = key.to_string();
    mistyped.replace_range(10..11, if mistyped[10..].starts_with('q') { "p" } else { "q" });
    for (text, line, what) in [
        (String::new(), 1, "first line"),
        ("\n".to_owned(), 1, "first line"),
        (good.replace("twinlock-", "Twinlock-"), 1, "first line"),
        (good.replace("peers 1", "peers 2"), 1, "newer"),
        (good.replace("peers 1", "peers 1 "), 1, "newer"),
        (format!("\n{good}"), 1, "first line"),
        ("twinlock-known-peers 1".to_owned(), 1, "cut off"),
        (good.trim_end().to_owned(), 2, "cut off"),
        (second(""), 3, "fingerprint"),
        (second("# a comment"), 3, "fingerprint"),
        (second(&format!("{mistyped} 0x0001 5 first-use Carol")), 3, "fingerprint"),
        (second(&format!("{other} 0x0001 5 first-use")), 3, "five fields"),
        (second(&format!("{other}\t0x0001\t5\tfirst-use\tCarol")), 3, "fingerprint"),
        (second(&format!(" {other} 0x0001 5 first-use Carol")), 3, "fingerprint"),
        (second(&format!("{other} 0x00FF 5 first-use Carol")), 3, "suite"),
        (second(&format!("{other} 0x001 5 first-use Carol")), 3, "suite"),
        (second(&format!("{other} 1 5 first-use Carol")), 3, "suite"),
        (second(&format!("{other} 0x0001 -5 first-use Carol")), 3, "time"),
        (second(&format!("{other} 0x0001 18446744073709551616 first-use Carol")), 3, "time"),
        (second(&format!("{other} 0x0001 2026-01-02 first-use Carol")), 3, "time"),
        (second(&format!("{other} 0x0001 5 introduced Carol")), 3, "newer"),
        (second(&format!("{other} 0x0001 5 introduced: Carol")), 3, "introduced it is mistyped"),
        (second(&format!("{other} 0x0001 5 introduced:{mistyped} Carol")), 3, "introduced it is mistyped"),
        (second(&format!("{other} 0x0001 5 introduced:{other} Carol")), 3, "itself"),
        (second(&format!("{other} 0x0001 5 introduced-unspoken:{key} Carol")), 3, "newer"),
        (second(&format!("{other} 0x0001 5 verified:{key} Carol")), 3, "newer"),
        (second(&format!("{other} 0x0001 5 first-use:{key} Carol")), 3, "newer"),
        (second(&format!("{other} 0x0001 5 first-use-unspoken Carol")), 3, "newer"),
        (second(&format!("{other} 0x0001 5 revoked:{key} Carol")), 3, "newer"),
        (second(&format!("{key} 0x0001 5 revoked Carol")), 3, "same key"),
        (second(&format!("{other} 0x0001 5 First-use Carol")), 3, "newer"),
        (second(&format!("{other} 0x0001 5 first-use ")), 3, "name"),
        (second(&format!("{other} 0x0001 5 first-use  Carol")), 3, "name"),
        (second(&format!("{other} 0x0001 5 first-use Carol\u{202E}")), 3, "name"),
        (second(&format!("{key} 0x0001 5 first-use Carol")), 3, "same key"),
        (second(&format!("{other} 0x0001 5 verified Bob")), 3, "same name"),
        (second(&format!("{other} 0x0003 5 introduced:{key} Bob")), 3, "same name"),
    ] {
        let place = Place::new();
        fs::write(&place.path, &text).unwrap();
        let error = KnownPeers::open(&place.path).expect_err(&text);
        assert!(matches!(error, KnownPeersError::Malformed { line: at, .. } if at == line), "{text}: {error}");
        let shown = error.to_string();
        assert!(shown.contains(what) && shown.contains(&format!("line {line}")) && shown.contains("known-peers"), "{text}: {shown}");
        assert_eq!(place.text(), text);
    }
    let place = Place::new();
    fs::write(&place.path, [good.as_bytes(), &[0xFF, b'\n']].concat()).unwrap();
    assert!(matches!(KnownPeers::open(&place.path), Err(KnownPeersError::Io { .. })));
}

/// The standard library reads `+1` as a number, and so one list had several spellings.
#[test]
fn a_number_with_a_sign_is_read_from_a_file() {
    let place = Place::new();
    let key = fingerprint(1);
    for (suite, since, what) in [("0x+001", "7", "suite"), ("0x0001", "+7", "time")] {
        fs::write(&place.path, format!("twinlock-known-peers 1\n{key} {suite} {since} verified Bob\n")).unwrap();
        let error = KnownPeers::open(&place.path).unwrap_err();
        assert!(matches!(error, KnownPeersError::Malformed { line: 2, .. }) && error.to_string().contains(what), "{error}");
    }
}

#[test]
fn a_state_of_a_key_is_lost_by_writing_it() {
    let place = Place::new();
    let words = [
        "first-use",
        "verified",
        "verified-unspoken",
        "introduced:tl1mc085awlrkgwquelr9q7t5zeqg6qjmc23c07t3j5uxwv7y5smasq0zwj46",
        "introduced-spoken:tl1mc085awlrkgwquelr9q7t5zeqg6qjmc23c07t3j5uxwv7y5smasq0zwj46",
        "retired",
        "retired-unspoken",
        "retired:tl1mc085awlrkgwquelr9q7t5zeqg6qjmc23c07t3j5uxwv7y5smasq0zwj46",
        "retired-unspoken:tl1mc085awlrkgwquelr9q7t5zeqg6qjmc23c07t3j5uxwv7y5smasq0zwj46",
        "revoked",
        "revoked-unspoken",
    ];
    let lines = (1..).zip(words).map(|(number, how)| format!("{} 0x0003 5 {how} peer {number}\n", fingerprint(number)));
    // Dead keys of one name and algorithm may be many.
    let dead = (20..30).map(|number| format!("{} 0x0001 5 retired Bob\n", fingerprint(number)));
    let bob = format!("{} 0x0001 5 first-use Bob\n", fingerprint(30));
    let text: String = std::iter::once("twinlock-known-peers 1\n".to_owned()).chain(lines).chain(dead).chain([bob]).collect();
    fs::write(&place.path, &text).unwrap();
    let mut known = place.open();
    assert_eq!(known.entries().len(), 22);
    assert_eq!(known.by_name("Bob").count(), 1);
    known.add("Carol", fingerprint(40), SUITE, Met::FirstUse).unwrap();
    assert_eq!(place.text(), format!("{text}{} 0x0001 {NOW} first-use Carol\n", fingerprint(40)));
}

#[test]
fn line_ends_of_another_system_are_refused() {
    let place = Place::new();
    fs::write(&place.path, format!("twinlock-known-peers 1\r\n{} 0x0001 5 first-use Bob\r\n", fingerprint(1))).unwrap();
    assert_eq!(place.open().entries()[0].name(), "Bob");
}

#[test]
fn a_file_is_read_without_a_bound() {
    let place = Place::new();
    fs::File::create(&place.path).unwrap().set_len(1 << 40).unwrap();
    assert!(
        matches!(KnownPeers::open(&place.path), Err(KnownPeersError::Io { error, .. }) if error.kind() == std::io::ErrorKind::FileTooLarge)
    );
}

/// Where a folder on the way is a file, no list is missing: it cannot be opened.
#[cfg(unix)]
#[test]
fn a_list_that_cannot_be_opened_is_taken_for_a_missing_one() {
    let place = Place::new();
    fs::write(&place.path, "not a folder").unwrap();
    assert!(matches!(KnownPeers::open(place.path.join("known-peers")), Err(KnownPeersError::Io { .. })));
}

/// A list of just so many bytes, every time `5`, and its last name.
fn list_of(size: usize) -> (String, String) {
    // Letters of four bytes, so that the entries are few.
    let name = |bytes: usize| "x".repeat(bytes % 4) + &"\u{10348}".repeat(bytes / 4);
    let line = |number, name: &str| format!("{} 0x0001 5 first-use {name}\n", fingerprint(number));
    let (overhead, mut text) = (line(0, "").len(), "twinlock-known-peers 1\n".to_owned());
    let mut number = 0;
    while size - text.len() > 2 * (overhead + 240) {
        number += 1;
        text += &line(number, &format!("{number:06}{}", name(220)));
    }
    // Two names of different lengths for what is left.
    let left = size - text.len() - 2 * overhead;
    let names = [name(left / 2 - 3), name(left - (left / 2 - 3))];
    text += &(line(number + 1, &names[0]) + &line(number + 2, &names[1]));
    assert_eq!(text.len(), size);
    (text, names[1].clone())
}

/// 16 MiB are read and written, and not a byte more.
#[test]
fn the_bound_of_the_file_is_another() {
    let too_large = |error| matches!(error, KnownPeersError::Io { error, .. } if error.kind() == std::io::ErrorKind::FileTooLarge);
    let (place, size) = (Place::new(), 16 << 20);
    fs::write(&place.path, list_of(size + 1).0).unwrap();
    assert!(too_large(KnownPeers::open(&place.path).unwrap_err()));
    let (text, last) = list_of(size);
    fs::write(&place.path, &text).unwrap();
    let mut known = place.open().at(5);
    let key = known.by_name(&last).next().unwrap().fingerprint();
    known.forget(&last).unwrap();
    known.add(&last, key, SUITE, Met::FirstUse).unwrap();
    assert!(place.text() == text);
    assert!(too_large(known.rename(&last, &format!("{last}x")).unwrap_err()));
    assert!(place.text() == text);
}

#[test]
fn many_peers_make_every_conversation_slow() {
    let place = Place::new();
    let lines = (0..20_000).map(|number| format!("{} 0x0001 5 first-use peer {number}\n", fingerprint(number)));
    fs::write(&place.path, std::iter::once("twinlock-known-peers 1\n".to_owned()).chain(lines).collect::<String>()).unwrap();
    let mut known = place.open();
    assert_eq!(known.entries().len(), 20_000);
    known.forget("peer 7").unwrap();
    assert_eq!(place.open().entries().len(), 19_999);
}

#[test]
fn an_export_is_not_a_file_that_opens() {
    let (place, copy) = (Place::new(), Place::new());
    let mut known = place.open();
    known.add("Bob", fingerprint(1), SUITE, Met::Verified).unwrap();
    known.add("Carol", fingerprint(2), SUITE, Met::FirstUse).unwrap();
    known.export(&mut fs::File::create(&copy.path).unwrap()).unwrap();
    assert_eq!(copy.text(), place.text());
    assert_eq!(copy.open().entries(), known.entries());
}

#[test]
fn what_is_in_memory_only_is_lost_by_rereading() {
    let (mut known, (bob, key)) = (KnownPeers::in_memory().at(NOW), somebody());
    assert_eq!(known.expect("Bob").or_ask(|_| true).judge(&bob), Ok(Trusted::FirstUse));
    known.reload().unwrap();
    known.set_verified(key).unwrap();
    assert_eq!(known.anyone_known().judge(&bob), Ok(Trusted::Verified));
    known.rename("Bob", "Robert").unwrap();
    assert_eq!(known.expect("Robert").judge(&bob), Ok(Trusted::Verified));
    known.forget("Robert").unwrap();
    assert!(known.entries().is_empty());
}

#[test]
fn a_temporary_file_left_by_a_crash_is_read_or_in_the_way() {
    let place = Place::new();
    place.open().add("Bob", fingerprint(1), SUITE, Met::FirstUse).unwrap();
    let left = place.folder.path().join("known-peers.0123456789abcdef.tmp");
    fs::write(&left, "twinlock-known-peers 1\nhalf a li").unwrap();
    place.open().add("Carol", fingerprint(2), SUITE, Met::FirstUse).unwrap();
    assert_eq!(place.open().entries().len(), 2);
    assert_eq!(place.files(), ["known-peers", "known-peers.0123456789abcdef.tmp", "known-peers.lock"]);
}

#[cfg(unix)]
#[test]
fn others_can_read_whom_one_knows() {
    use std::os::unix::fs::{MetadataExt, symlink};
    let place = Place::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    for number in 1..3 {
        place.open().add(&format!("peer {number}"), fingerprint(number), SUITE, Met::FirstUse).unwrap();
        assert_eq!(mode(&place.path), 0o600);
    }
    assert_eq!(mode(&place.folder.path().join("known-peers.lock")), 0o600);
    // A link stays one, and shares the lock of the file that it names.
    let link = place.folder.path().join("link");
    symlink(&place.path, &link).unwrap();
    KnownPeers::open(&link).unwrap().forget("peer 1").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(place.open().entries().len(), 1);
    assert_eq!(place.files(), ["known-peers", "known-peers.lock", "link"]);
}

// Several writers, and crashes.

#[test]
fn two_writers_in_one_process_lose_each_others_entries() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let mut known = place.open();
            scope.spawn(move || add_ten(&mut known, writer));
        }
    });
    assert_eq!(place.open().entries().len(), 40);
}

#[test]
fn two_processes_lose_each_others_entries() {
    let place = Place::new();
    let writers: Vec<_> = (0..3).map(|writer| start("a_child_adds_ten", &place.path, writer)).collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(place.open().entries().len(), 30);
}

/// What a killed process leaves shows that the file is whole at every moment, not that it outlives a power cut.
#[test]
fn a_killed_writer_leaves_half_a_file_or_loses_what_it_reported() {
    let place = Place::new();
    for (writer, lines) in (0..).zip([1, 2, 3, 5, 8, 13]) {
        let mut child = start("a_child_adds_until_killed", &place.path, writer);
        let reported = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let reported: Vec<_> = reported.filter(|line| line.starts_with("added ")).take(lines).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(reported.len(), lines);
        let known = place.open();
        for line in reported {
            let name = line.strip_prefix("added ").unwrap();
            assert_eq!(known.by_name(name).count(), 1, "{name}");
        }
    }
}

fn add_ten(known: &mut KnownPeers, writer: u32) {
    for number in 0..10 {
        known.add(&format!("{writer}-{number}"), fingerprint(writer * 1000 + number), SUITE, Met::FirstUse).unwrap();
    }
}

/// Runs one of the tests below in a process of its own.
fn start(test: &str, path: &Path, writer: u32) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env("KNOWN_PEERS_PATH", path).env("KNOWN_PEERS_WRITER", writer.to_string());
    command.stdout(Stdio::piped()).spawn().unwrap()
}

fn child() -> Option<(KnownPeers, u32)> {
    let path = std::env::var_os("KNOWN_PEERS_PATH")?;
    let writer = std::env::var("KNOWN_PEERS_WRITER").unwrap().parse().unwrap();
    Some((KnownPeers::open(path).unwrap(), writer))
}

#[test]
#[ignore = "started by other tests, in a process of its own"]
fn a_child_adds_ten() {
    if let Some((mut known, writer)) = child() {
        add_ten(&mut known, writer);
    }
}

#[test]
#[ignore = "started by other tests, in a process of its own"]
fn a_child_adds_until_killed() {
    let Some((mut known, writer)) = child() else { return };
    for number in 0..1000 {
        let name = format!("{writer}-{number}");
        known.add(&name, fingerprint(writer * 1000 + number), SUITE, Met::FirstUse).unwrap();
        // A line of its own, after the test harness's unfinished one.
        println!("\nadded {name}");
    }
}
