//! What owners' statements change in a list of known peers; and what thieves', replayed and late ones do not.
#![cfg(feature = "std")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::as_conversions)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use support::rng::Seeded;
use tempfile::{TempDir, tempdir};
use twinlock::handshake::{AnonymousInitiator, Hello, Responder, Suite};
use twinlock::identity::{Fingerprint, Identity, Peer, SignatureAlgorithm, Statement, Trusted};
use twinlock::trust::{Entry, KnownPeers, KnownPeersError, Met, NotTaken, Taken};
use twinlock::{Distrust, Trust};

const SUITE: Suite = Suite::Level3ChaCha;
/// 2026-01-02, at midnight.
const NOW: u64 = 1_767_312_000;

/// A path for a list, in a folder that lives as long as this.
struct Place {
    folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let path = folder.path().join("known-peers");
        Self { folder, path }
    }

    /// With Bob's key.
    fn knowing(bob: &Identity, met: Met) -> Self {
        let place = Self::new();
        place.open().add("Bob", bob.fingerprint(), default_suite(bob), met).unwrap();
        place
    }

    fn open(&self) -> KnownPeers {
        KnownPeers::open(&self.path).unwrap().at(NOW)
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

fn default_suite(identity: &Identity) -> Suite {
    Suite::ALL.iter().copied().find(|suite| suite.signature() == identity.public().algorithm()).unwrap()
}

/// The same identity for the same number.
fn identity(number: usize) -> &'static Identity {
    static PLACES: OnceLock<Vec<Identity>> = OnceLock::new();
    let make = |seed| Identity::generate_with_rng(SignatureAlgorithm::MlDsa65Ed25519, &mut Seeded::new(seed)).unwrap();
    &PLACES.get_or_init(|| (1..10).map(make).collect())[number]
}

#[cfg(feature = "level5")]
fn strong(number: usize) -> &'static Identity {
    static PLACES: OnceLock<Vec<Identity>> = OnceLock::new();
    let make = |seed| Identity::generate_with_rng(SignatureAlgorithm::MlDsa87P384, &mut Seeded::new(seed)).unwrap();
    &PLACES.get_or_init(|| (21..25).map(make).collect())[number]
}

/// Somebody who has just proved this identity.
fn peer(identity: &Identity) -> Peer {
    peer_in(identity, default_suite(identity))
}

fn peer_in(identity: &Identity, suite: Suite) -> Peer {
    let (initiator, hello) = AnonymousInitiator::new(b"test").suite(suite).send_hello().unwrap();
    let Hello::Anonymous(hello) = Responder::new(identity, b"test").suites(&[suite]).read_any_hello(&hello).unwrap() else {
        panic!("not NX")
    };
    let (_, reply) = hello.send_reply(&mut twinlock::trust::Anonymous).unwrap();
    initiator.read_reply(&reply).unwrap().peer().clone()
}

fn instead(old: &Identity, new: &Identity) -> Statement {
    Statement::instead(old, new, NOW).unwrap()
}

#[cfg(feature = "level5")]
fn beside(old: &Identity, new: &Identity) -> Statement {
    Statement::beside(old, new, NOW).unwrap()
}

fn revoked(identity: &Identity) -> Statement {
    Statement::revoked(identity, NOW).unwrap()
}

fn never(_: &Peer) -> bool {
    panic!("nobody may be asked about this")
}

fn never_named(_: &Peer) -> Option<String> {
    panic!("nobody may be asked about this")
}

fn never_taken(_: &Entry) -> bool {
    panic!("nobody may be asked about this")
}

fn met(known: &KnownPeers, identity: &Identity) -> Option<Met> {
    known.by_fingerprint(identity.fingerprint()).map(Entry::met)
}

macro_rules! assert_not_taken {
    ($taken:expr, $why:pat $(if $guard:expr)?) => {
        let why = $taken.expect_err("it was taken");
        assert!(matches!(&why, $why $(if $guard)?), "{why:?}");
        assert!(why.to_string().len() > 20, "{why}");
    };
}

/// Nothing that can be called gets a dead key accepted, or anybody asked about it.
fn assert_dead(place: &Place, key: &Identity, why: Distrust) {
    let (somebody, fingerprint) = (peer(key), key.fingerprint());
    let mut known = place.open();
    let before = place.text();
    for name in ["Bob", "Carol", "Nobody", &fingerprint.to_string()] {
        assert_eq!(known.expect(name).judge(&somebody), Err(why));
        assert_eq!(known.expect(name).or_ask(never).judge(&somebody), Err(why));
        let added = known.add(name, fingerprint, SUITE, Met::Verified);
        assert!(matches!(added, Err(KnownPeersError::Retired { .. } | KnownPeersError::Revoked { .. })), "{added:?}");
        let replaced = known.replace_key(name, fingerprint, SUITE);
        assert!(matches!(replaced, Err(KnownPeersError::Retired { .. } | KnownPeersError::Revoked { .. })), "{replaced:?}");
    }
    assert_eq!(known.anyone_known().judge(&somebody), Err(why));
    assert_eq!(known.anyone_known().or_ask(never_named).judge(&somebody), Err(why));
    let verified = known.set_verified(fingerprint);
    assert!(matches!(verified, Err(KnownPeersError::Retired { .. } | KnownPeersError::Revoked { .. })), "{verified:?}");
    assert_eq!(known.why_refused(known.by_fingerprint(fingerprint).unwrap()), Some(why));
    assert_eq!(place.text(), before);
}

// Introduced.

#[test]
fn an_introduced_key_counts_as_met_or_verified() {
    for how in [Met::FirstUse, Met::Verified] {
        let (a, b) = (identity(0), identity(1));
        let place = Place::knowing(a, how);
        let mut known = place.open();
        assert_eq!(known.take_asking(&instead(a, b), |_| true).unwrap(), Taken::Succeeded);
        let entry = place.open().by_fingerprint(b.fingerprint()).unwrap().clone();
        assert_eq!((entry.name(), entry.met(), entry.since(), entry.suite()), ("Bob", Met::Introduced, NOW, SUITE));
        assert_eq!((entry.introducer(), entry.spoken(), entry.living()), (Some(a.fingerprint()), false, true));
        assert_eq!(known.expect("Bob").or_ask(never).judge(&peer(b)), Ok(Trusted::Introduced));
        assert_eq!(place.open().anyone_known().or_ask(never_named).judge(&peer(b)), Ok(Trusted::Introduced));
        assert_eq!(place.open().expect("Carol").or_ask(never).judge(&peer(b)), Err(Distrust::NotExpected));
    }
}

/// In the file when it is accepted, and not accepted where the file cannot say so.
#[test]
fn an_introduced_key_speaks_before_that_is_remembered() {
    let (a, b) = (identity(0), identity(1));
    let place = Place::knowing(a, Met::FirstUse);
    place.open().take(&instead(a, b)).unwrap();
    let line = |how| format!("{} 0x0001 {NOW} {how}:{} Bob\n", b.fingerprint(), a.fingerprint());
    let retired = format!("twinlock-known-peers 1\n{} 0x0001 {NOW} retired Bob\n", a.fingerprint());
    assert_eq!(place.text(), format!("{retired}{}", line("introduced")));
    let lock = place.folder.path().join("known-peers.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    assert_eq!(place.open().expect("Bob").judge(&peer(b)), Err(Distrust::StoreFailed));
    fs::remove_dir(&lock).unwrap();
    assert_eq!(place.open().expect("Bob").judge(&peer_in(b, Suite::Level3Aes)), Ok(Trusted::Introduced));
    let spoken = line("introduced-spoken").replace("0x0001", "0x0003");
    assert_eq!(place.text(), format!("{retired}{spoken}"));
    // From then on it takes no file that can be written.
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    assert_eq!(place.open().expect("Bob").judge(&peer(b)), Ok(Trusted::Introduced));
}

#[test]
fn a_person_who_compares_an_introduced_key_changes_nothing() {
    let (a, b) = (identity(0), identity(1));
    let place = Place::knowing(a, Met::FirstUse);
    place.open().take(&instead(a, b)).unwrap();
    place.open().at(NOW + 5).set_verified(b.fingerprint()).unwrap();
    let entry = place.open().by_fingerprint(b.fingerprint()).unwrap().clone();
    assert_eq!((entry.met(), entry.introducer(), entry.spoken(), entry.since()), (Met::Verified, None, false, NOW + 5));
    assert!(place.text().contains(&format!("{} verified-unspoken Bob", NOW + 5)));
    assert_eq!(place.open().expect("Bob").judge(&peer(b)), Ok(Trusted::Verified));
    assert!(place.text().contains(&format!("{} verified Bob", NOW + 5)));
}

// A person is asked.

#[test]
fn a_verified_key_is_replaced_without_a_person() {
    let (a, b) = (identity(0), identity(1));
    let place = Place::knowing(a, Met::Verified);
    let before = place.text();
    assert_not_taken!(place.open().take(&instead(a, b)), NotTaken::PersonNeeded { name } if name == "Bob");
    let no = |old: &Entry| {
        assert_eq!((old.name(), old.fingerprint(), old.met()), ("Bob", a.fingerprint(), Met::Verified));
        false
    };
    assert_not_taken!(place.open().take_asking(&instead(a, b), no), NotTaken::Declined);
    assert_eq!(place.text(), before);
    assert_eq!(place.open().take_asking(&instead(a, b), |_| true).unwrap(), Taken::Succeeded);
    assert_eq!((met(&place.open(), a), met(&place.open(), b)), (Some(Met::Retired), Some(Met::Introduced)));
}

#[test]
fn a_person_is_asked_where_there_is_nothing_to_ask() {
    let (a, b) = (identity(0), identity(1));
    let place = Place::knowing(a, Met::FirstUse);
    assert_eq!(place.open().take_asking(&instead(a, b), never_taken).unwrap(), Taken::Succeeded);
    assert_eq!(place.open().take_asking(&instead(a, b), never_taken).unwrap(), Taken::Already);
    assert_eq!(place.open().take_asking(&revoked(b), never_taken).unwrap(), Taken::Revoked);
    // Nor where a yes would change nothing.
    let place = Place::knowing(a, Met::Verified);
    place.open().add("Carol", b.fingerprint(), SUITE, Met::FirstUse).unwrap();
    assert_not_taken!(place.open().take_asking(&instead(a, b), never_taken), NotTaken::NewIsAnothers { name, other } if name == "Bob" && other == "Carol");
}

#[test]
fn what_changes_while_a_person_thinks_does_not_count() {
    let [a, b, c] = [0, 1, 2].map(identity);
    type Meanwhile<'a> = (&'a dyn Fn(&mut KnownPeers), fn(&NotTaken) -> bool);
    let cases: [Meanwhile<'_>; 5] = [
        (&|there| assert_eq!(there.take(&revoked(a)).unwrap(), Taken::Revoked), |why| matches!(why, NotTaken::OldRevoked { .. })),
        (&|there| assert_eq!(there.take(&revoked(b)).unwrap(), Taken::Revoked), |why| matches!(why, NotTaken::NewRevoked { .. })),
        (&|there| assert_eq!(there.take_asking(&instead(a, c), |_| true).unwrap(), Taken::Succeeded), |why| {
            matches!(why, NotTaken::OldRetired { .. })
        }),
        (&|there| there.forget("Bob").unwrap(), |why| matches!(why, NotTaken::OldUnknown)),
        (&|there| there.add("Carol", b.fingerprint(), SUITE, Met::FirstUse).unwrap(), |why| matches!(why, NotTaken::NewIsAnothers { .. })),
    ];
    for (meanwhile, expected) in cases {
        let place = Place::knowing(a, Met::Verified);
        let taken = place.open().take_asking(&instead(a, b), |_| {
            meanwhile(&mut place.open());
            true
        });
        let why = taken.unwrap_err();
        assert!(expected(&why), "{why:?}");
    }
}

// Dead keys.

#[test]
fn a_dead_key_comes_back() {
    let [a, b, c] = [0, 1, 2].map(identity);
    let place = Place::knowing(a, Met::FirstUse);
    place.open().add("Carol", c.fingerprint(), SUITE, Met::FirstUse).unwrap();
    assert_eq!(place.open().take(&instead(a, b)).unwrap(), Taken::Succeeded);
    assert_dead(&place, a, Distrust::Retired);
    assert_eq!(place.open().take(&revoked(c)).unwrap(), Taken::Revoked);
    assert_dead(&place, c, Distrust::Revoked);
    assert_eq!(place.open().take(&revoked(a)).unwrap(), Taken::Revoked);
    assert_dead(&place, a, Distrust::Revoked);
    // Not by another name, and not by being forgotten.
    place.open().rename("Bob", "Robert").unwrap();
    assert_dead(&place, a, Distrust::Revoked);
    assert_eq!(place.open().by_fingerprint(a.fingerprint()).unwrap().name(), "Robert");
    place.open().forget("Robert").unwrap();
    place.open().forget("Carol").unwrap();
    for key in [a, c] {
        assert_dead(&place, key, Distrust::Revoked);
        assert_eq!(place.open().by_fingerprint(key.fingerprint()).unwrap().name(), key.fingerprint().to_string());
    }
    assert!(place.open().by_fingerprint(b.fingerprint()).is_none());
    assert!(!place.text().contains("Robert") && !place.text().contains("Carol"));
    // Nor by a statement, whoever makes it.
    place.open().add("Dave", identity(3).fingerprint(), SUITE, Met::FirstUse).unwrap();
    assert_not_taken!(place.open().take(&instead(identity(3), a)), NotTaken::NewRevoked { .. });
    assert_not_taken!(place.open().take(&instead(a, identity(4))), NotTaken::OldRevoked { .. });
    assert_dead(&place, a, Distrust::Revoked);
}

#[test]
fn a_retired_key_speaks_for_its_owner() {
    let [a, b, c] = [0, 1, 2].map(identity);
    let place = Place::knowing(a, Met::FirstUse);
    place.open().take(&instead(a, b)).unwrap();
    let before = place.text();
    assert_not_taken!(place.open().take(&instead(a, c)), NotTaken::OldRetired { name } if name == "Bob");
    assert_not_taken!(place.open().take(&instead(b, a)), NotTaken::NewRetired { .. });
    assert_eq!(place.text(), before);
    place.open().take(&instead(b, c)).unwrap();
    assert_not_taken!(place.open().take(&instead(a, b)), NotTaken::OldRetired { .. });
    assert_eq!((met(&place.open(), b), met(&place.open(), c)), (Some(Met::Retired), Some(Met::Introduced)));
}

#[test]
fn a_retirement_undoes_a_revocation() {
    let (a, b) = (identity(0), identity(1));
    let place = Place::knowing(a, Met::FirstUse);
    assert_eq!(place.open().take(&revoked(a)).unwrap(), Taken::Revoked);
    assert_eq!(place.open().at(NOW + 5).take(&revoked(a)).unwrap(), Taken::Already);
    assert_not_taken!(place.open().take(&instead(a, b)), NotTaken::OldRevoked { name } if name == "Bob");
    assert_eq!(place.text(), format!("twinlock-known-peers 1\n{} 0x0001 {NOW} revoked Bob\n", a.fingerprint()));
}

/// The owner of a key that nobody here has met yet may have lost it already.
#[test]
fn the_revocation_of_a_stranger_is_forgotten() {
    let (a, b) = (identity(0), identity(1));
    let place = Place::knowing(a, Met::FirstUse);
    assert_eq!(place.open().take(&revoked(b)).unwrap(), Taken::Revoked);
    assert_eq!(place.open().take(&revoked(b)).unwrap(), Taken::Already);
    assert_dead(&place, b, Distrust::Revoked);
    let entry = place.open().by_fingerprint(b.fingerprint()).unwrap().clone();
    assert_eq!((entry.name(), entry.spoken()), (b.fingerprint().to_string().as_str(), false));
    assert_not_taken!(place.open().take(&instead(a, b)), NotTaken::NewRevoked { .. });
    // It is nobody's, and nobody can be called so that it matters.
    let name = b.fingerprint().to_string();
    for nobody in [place.open().forget(&name), place.open().rename(&name, "Carol")] {
        assert!(matches!(nobody, Err(KnownPeersError::NotKnown)));
    }
    place.open().add(&name, identity(2).fingerprint(), SUITE, Met::FirstUse).unwrap();
    assert_eq!(place.open().expect(&name).judge(&peer(identity(2))), Ok(Trusted::FirstUse));
    place.open().rename(&name, "Carol").unwrap();
    assert_eq!(place.open().by_fingerprint(b.fingerprint()).unwrap().name(), name);
    assert_dead(&place, b, Distrust::Revoked);
}

/// Who has the key revokes it, and comes back as a stranger of the same name: a question then gets a yes.
#[test]
fn whoever_revokes_a_key_is_asked_about_next() {
    let [a, b, c] = [0, 1, 2].map(identity);
    let place = Place::knowing(a, Met::Verified);
    place.open().take(&revoked(a)).unwrap();
    assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(b)), Err(Distrust::ChangedKey));
    assert_eq!(place.open().anyone_known().or_ask(|_| Some("Bob".to_owned())).judge(&peer(b)), Err(Distrust::ChangedKey));
    // The person has a way, and finds it: in both of these a fingerprint is given.
    place.open().replace_key("Bob", b.fingerprint(), SUITE).unwrap();
    assert_eq!(place.open().expect("Bob").judge(&peer(b)), Ok(Trusted::FirstUse));
    place.open().take(&revoked(b)).unwrap();
    place.open().add("Bob", c.fingerprint(), SUITE, Met::Verified).unwrap();
    assert_eq!(place.open().expect("Bob").judge(&peer(c)), Ok(Trusted::Verified));
    // Or begins anew.
    place.open().forget("Bob").unwrap();
    assert_eq!(place.open().expect("Bob").or_ask(|_| true).judge(&peer(c)), Ok(Trusted::FirstUse));
}

// What a thief introduced.

#[test]
fn what_a_thief_introduced_outlives_the_revocation() {
    let [a, b, c, d] = [0, 1, 2, 3].map(identity);
    let place = Place::knowing(a, Met::FirstUse);
    for (old, new) in [(a, b), (b, c)] {
        assert_eq!(place.open().take(&instead(old, new)).unwrap(), Taken::Succeeded);
    }
    assert_eq!(place.open().expect("Bob").judge(&peer(c)), Ok(Trusted::Introduced));
    assert_eq!(place.open().take(&revoked(a)).unwrap(), Taken::Revoked);
    // Not only what the stolen key introduced itself.
    assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(c)), Err(Distrust::IntroducerRevoked));
    assert_eq!(place.open().anyone_known().or_ask(never_named).judge(&peer(c)), Err(Distrust::IntroducerRevoked));
    assert_eq!(place.open().best_suite("Bob", SignatureAlgorithm::ALL), None);
    let known = place.open();
    assert_eq!(known.why_refused(known.by_fingerprint(c.fingerprint()).unwrap()), Some(Distrust::IntroducerRevoked));
    // And what is refused introduces nothing, and nothing is done on its word but its end.
    assert_not_taken!(place.open().take(&instead(c, d)), NotTaken::OldRefused { name } if name == "Bob");
    place.open().set_verified(c.fingerprint()).unwrap();
    assert_eq!(place.open().expect("Bob").judge(&peer(c)), Ok(Trusted::Verified));
    assert_eq!(place.open().take_asking(&instead(c, d), |_| true).unwrap(), Taken::Succeeded);
    assert_eq!(place.open().expect("Bob").judge(&peer(d)), Ok(Trusted::Introduced));
}

#[test]
fn a_key_that_a_person_verified_falls_with_what_came_before_it() {
    let [a, b, c] = [0, 1, 2].map(identity);
    let place = Place::knowing(a, Met::FirstUse);
    place.open().take(&instead(a, b)).unwrap();
    place.open().set_verified(b.fingerprint()).unwrap();
    assert_not_taken!(place.open().take(&instead(b, c)), NotTaken::PersonNeeded { .. });
    place.open().take_asking(&instead(b, c), |_| true).unwrap();
    place.open().take(&revoked(a)).unwrap();
    assert_eq!(place.open().expect("Bob").judge(&peer(c)), Ok(Trusted::Introduced));
    place.open().take(&revoked(b)).unwrap();
    assert_eq!(place.open().expect("Bob").judge(&peer(c)), Err(Distrust::IntroducerRevoked));
}

#[test]
fn introductions_in_a_circle_never_end_or_hold_each_other_up() {
    let [a, b] = [0, 1].map(|number| identity(number).fingerprint());
    let place = Place::new();
    let line = |key: Fingerprint, by: Fingerprint, name| format!("{key} 0x0001 {NOW} introduced:{by} {name}\n");
    fs::write(&place.path, format!("twinlock-known-peers 1\n{}{}", line(a, b, "Bob"), line(b, a, "Carol"))).unwrap();
    assert_eq!(place.open().anyone_known().judge(&peer(identity(0))), Err(Distrust::IntroducerRevoked));
    // Nor does one hold that was introduced by nobody.
    fs::write(&place.path, format!("twinlock-known-peers 1\n{}", line(a, b, "Bob"))).unwrap();
    assert_eq!(place.open().anyone_known().judge(&peer(identity(0))), Err(Distrust::IntroducerRevoked));
}

// Who says it.

#[test]
fn a_stranger_speaks_for_a_known_name() {
    let [bob, carol, eve] = [0, 1, 2].map(identity);
    let place = Place::knowing(bob, Met::FirstUse);
    place.open().add("Carol", carol.fingerprint(), SUITE, Met::FirstUse).unwrap();
    let before = place.text();
    assert_not_taken!(place.open().take(&instead(eve, identity(3))), NotTaken::OldUnknown);
    assert_not_taken!(place.open().take(&instead(eve, bob)), NotTaken::OldUnknown);
    assert_not_taken!(place.open().take(&instead(carol, bob)), NotTaken::NewIsAnothers { name, other } if name == "Carol" && other == "Bob");
    assert_eq!(place.text(), before);
}

#[test]
fn a_statement_is_taken_from_a_list_that_cannot_be_read_or_written() {
    let (a, b) = (identity(0), identity(1));
    let place = Place::knowing(a, Met::FirstUse);
    let mut known = place.open();
    let damaged = place.text().replace("first-use", "second-use");
    fs::write(&place.path, &damaged).unwrap();
    assert_not_taken!(known.take(&revoked(b)), NotTaken::Store(KnownPeersError::Malformed { line: 2, .. }));
    assert_eq!(place.text(), damaged);
    let place = Place::knowing(a, Met::FirstUse);
    fs::remove_file(place.folder.path().join("known-peers.lock")).unwrap();
    fs::create_dir(place.folder.path().join("known-peers.lock")).unwrap();
    assert_not_taken!(place.open().take(&instead(a, b)), NotTaken::Store(KnownPeersError::Io { .. }));
    assert_eq!(met(&place.open(), a), Some(Met::FirstUse));
}

#[test]
fn a_list_in_memory_takes_no_statement() {
    let (a, b) = (identity(0), identity(1));
    let mut known = KnownPeers::in_memory().at(NOW);
    known.add("Bob", a.fingerprint(), SUITE, Met::FirstUse).unwrap();
    assert_eq!(known.take(&instead(a, b)).unwrap(), Taken::Succeeded);
    assert_eq!(known.expect("Bob").judge(&peer(b)), Ok(Trusted::Introduced));
    assert_eq!(known.expect("Bob").judge(&peer(a)), Err(Distrust::Retired));
}

/// Anybody can make keys and revoke them; and a known peer can make keys without end.
#[test]
fn a_stranger_or_a_peer_fills_the_file() {
    let number = |number: u32| Fingerprint::from_bytes(std::array::from_fn(|at| number.to_be_bytes()[at % 4]));
    let (a, b) = (identity(0), identity(1));
    let place = Place::knowing(a, Met::FirstUse);
    let flood =
        |line: &dyn Fn(u32) -> String, count| fs::write(&place.path, place.text() + &(1..=count).map(line).collect::<String>()).unwrap();
    flood(&|n| format!("{0} 0x0001 {NOW} revoked-unspoken {0}\n", number(n)), 10_000);
    assert_not_taken!(place.open().take(&revoked(b)), NotTaken::TooMany { name: None });
    // That of a known key is always taken, and so are others' statements.
    assert_eq!(place.open().take(&instead(a, b)).unwrap(), Taken::Succeeded);
    assert_eq!(place.open().take(&revoked(b)).unwrap(), Taken::Revoked);

    let place = Place::knowing(a, Met::FirstUse);
    let flood =
        |line: &dyn Fn(u32) -> String, count| fs::write(&place.path, place.text() + &(1..=count).map(line).collect::<String>()).unwrap();
    flood(&|n| format!("{} 0x0001 {NOW} retired Bob\n", number(n)), 999);
    assert_not_taken!(place.open().take(&instead(a, b)), NotTaken::TooMany { name: Some(name) } if name == "Bob");
    assert_eq!(place.open().take(&revoked(a)).unwrap(), Taken::Revoked);
    place.open().forget("Bob").unwrap();
    assert_eq!(place.open().entries().iter().filter(|entry| entry.living()).count(), 0);
    assert_dead(&place, a, Distrust::Revoked);
}

// Any order, any number, several writers, and crashes.

/// What must hold whatever is said, and after whatever was said before.
struct Watched {
    known: KnownPeers,
    revoked: BTreeSet<Fingerprint>,
    dead: BTreeSet<Fingerprint>,
    verified: BTreeSet<Fingerprint>,
    rank: BTreeMap<String, u8>,
}

impl Watched {
    fn check(&mut self) {
        let mut places = BTreeSet::new();
        for entry in self.known.entries() {
            let fingerprint = entry.fingerprint();
            assert!(!self.revoked.contains(&fingerprint) || entry.met() == Met::Revoked, "a revocation was undone");
            assert!(!self.dead.contains(&fingerprint) || !entry.living(), "a dead key lives");
            assert!(entry.met() != Met::Verified || self.verified.contains(&fingerprint), "nobody verified this");
            assert!(!entry.living() || places.insert((entry.name().to_owned(), entry.suite().signature().id())), "two keys of one kind");
            assert_eq!(entry.introducer().is_some() && entry.living(), entry.met() == Met::Introduced);
            if entry.met() == Met::Revoked {
                self.revoked.insert(fingerprint);
            }
            if !entry.living() {
                self.dead.insert(fingerprint);
            }
        }
        for dead in &self.dead {
            assert!(self.known.by_fingerprint(*dead).is_some(), "a dead key is forgotten");
        }
        for (name, rank) in &mut self.rank {
            let spoken = self.known.entries().iter().filter(|entry| entry.name() == name && entry.spoken());
            let now = spoken.map(|entry| entry.suite().rank()).max().unwrap();
            assert!(now >= *rank, "the rank of {name} fell");
            *rank = now;
            if let Some(suite) = self.known.best_suite(name, SignatureAlgorithm::ALL) {
                assert!(suite.rank() >= now, "{name} is spoken to in a lower rank");
            }
        }
    }
}

#[test]
fn old_statements_in_some_order_undo_something() {
    let keys: Vec<&Identity> = (0..5).map(identity).collect();
    #[cfg(feature = "level5")]
    let keys = [keys, (0..4).map(strong).collect()].concat();
    let mut statements: Vec<Statement> = keys.iter().map(|key| revoked(key)).collect();
    for (old, new) in keys.iter().flat_map(|old| keys.iter().map(move |new| (*old, *new))) {
        statements.extend(Statement::instead(old, new, NOW));
        statements.extend(Statement::beside(old, new, NOW));
    }
    let peers: Vec<Peer> = keys.iter().map(|key| peer(key)).collect();
    let mut rng = Seeded::new(7);
    let (mut taken, mut refused) = (0, 0);
    for round in 0..150 {
        let mut known = KnownPeers::in_memory().at(NOW);
        let how = [Met::FirstUse, Met::Verified][round % 2];
        known.add("Bob", keys[0].fingerprint(), default_suite(keys[0]), how).unwrap();
        known.add("Carol", keys[1].fingerprint(), default_suite(keys[1]), Met::FirstUse).unwrap();
        let verified = if how == Met::Verified { BTreeSet::from([keys[0].fingerprint()]) } else { BTreeSet::new() };
        let rank = BTreeMap::from([("Bob".to_owned(), 1), ("Carol".to_owned(), 1)]);
        let mut watched = Watched { known, revoked: BTreeSet::new(), dead: BTreeSet::new(), verified, rank };
        for _ in 0..120 {
            // Revocations are rare, or soon everything is dead.
            let at = if rng.below(25) == 0 { rng.below(keys.len()) } else { keys.len() + rng.below(statements.len() - keys.len()) };
            let yes = rng.below(2) == 0;
            match watched.known.take_asking(&statements[at], |_| yes) {
                Ok(_) => taken += 1,
                Err(_) => refused += 1,
            }
            watched.check();
            let somebody = &peers[rng.below(peers.len())];
            let dead = watched.dead.contains(&somebody.fingerprint().unwrap());
            let judged = watched.known.anyone_known().judge(somebody);
            assert!(!dead || matches!(judged, Err(Distrust::Retired | Distrust::Revoked)), "{judged:?}");
            watched.check();
        }
    }
    assert!(taken > 500 && refused > 500, "{taken} taken, {refused} refused");
}

/// What the owner says reaches two lists in different orders, and often: they end with the same keys living.
#[test]
fn two_lists_that_heard_the_same_disagree() {
    let [a, b, c] = [0, 1, 2].map(identity);
    let said = [instead(a, b), instead(b, c), revoked(b), revoked(a)];
    let mut ends = BTreeSet::new();
    let mut rng = Seeded::new(3);
    for _ in 0..40 {
        let mut known = KnownPeers::in_memory().at(NOW);
        known.add("Bob", a.fingerprint(), SUITE, Met::FirstUse).unwrap();
        // The successions until both are taken, and then all of it, in any order.
        for _ in 0..40 {
            drop(known.take(&said[rng.below(2)]));
        }
        assert_eq!(met(&known, c), Some(Met::Introduced));
        for _ in 0..40 {
            drop(known.take(&said[rng.below(4)]));
        }
        said.iter().for_each(|statement| drop(known.take(statement)));
        let mut lines: Vec<String> = known.entries().iter().map(ToString::to_string).collect();
        lines.sort();
        ends.insert(lines);
        assert_eq!(known.expect("Bob").judge(&peer(c)), Err(Distrust::IntroducerRevoked));
    }
    assert_eq!(ends.len(), 1, "{ends:#?}");
}

#[test]
fn two_writers_both_make_a_successor() {
    let place = Place::knowing(identity(0), Met::FirstUse);
    let statements: Vec<Statement> = (1..5).map(|number| instead(identity(0), identity(number))).collect();
    let taken: Vec<_> = std::thread::scope(|scope| {
        let writers: Vec<_> = statements.iter().map(|statement| scope.spawn(|| place.open().take(statement))).collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    assert_eq!(taken.iter().filter(|taken| matches!(taken, Ok(Taken::Succeeded))).count(), 1);
    assert_eq!(taken.iter().filter(|taken| matches!(taken, Err(NotTaken::OldRetired { .. }))).count(), 3);
    assert_eq!(place.open().by_name("Bob").count(), 1);
}

/// A statement changes two lines. A killed process shows that no moment is between them, not that a power cut has none.
#[test]
fn a_killed_writer_leaves_half_a_succession() {
    for lines in [1, 2, 3, 5] {
        let place = Place::knowing(identity(0), Met::FirstUse);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "a_child_succeeds_itself_until_killed", "--ignored", "--nocapture"]).env("SUCCESSION_PATH", &place.path);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let reported = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let reported: Vec<_> = reported.filter(|line| line.starts_with("tl1")).take(lines).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        let known = place.open();
        assert_eq!(known.by_name("Bob").count(), 1, "{}", place.text());
        assert!(known.entries().len() > lines);
        for pair in known.entries().windows(2) {
            assert_eq!((pair[1].introducer(), pair[0].met()), (Some(pair[0].fingerprint()), Met::Retired));
        }
        for line in reported {
            assert!(known.by_fingerprint(line.parse().unwrap()).is_some());
        }
    }
}

#[test]
#[ignore = "started by another test, in a process of its own"]
fn a_child_succeeds_itself_until_killed() {
    let Some(path) = std::env::var_os("SUCCESSION_PATH") else { return };
    let mut known = KnownPeers::open(path).unwrap();
    let mut old = Identity::from_secret_bytes(SignatureAlgorithm::MlDsa65Ed25519, identity(0).secret_bytes().unwrap()).unwrap();
    for _ in 0..500 {
        let new = Identity::generate().unwrap();
        assert_eq!(known.take(&instead(&old, &new)).unwrap(), Taken::Succeeded);
        // A line of its own, after the test harness's unfinished one.
        println!("\n{}", new.fingerprint());
        old = new;
    }
}

/// Two algorithms under one name.
#[cfg(feature = "level5")]
mod beside_each_other {
    use super::*;

    const ALL: &[SignatureAlgorithm] = SignatureAlgorithm::ALL;
    const OLD: &[SignatureAlgorithm] = &[SignatureAlgorithm::MlDsa65Ed25519];
    const NEW: &[SignatureAlgorithm] = &[SignatureAlgorithm::MlDsa87P384];

    /// Bob's key, with a stronger one beside it.
    fn introduced(how: Met) -> Place {
        let place = Place::knowing(identity(0), how);
        assert_eq!(place.open().take_asking(&beside(identity(0), strong(0)), never_taken).unwrap(), Taken::Introduced);
        place
    }

    /// The same, and the stronger one has spoken.
    fn spoken(how: Met) -> Place {
        let place = introduced(how);
        assert_eq!(place.open().expect("Bob").judge(&peer(strong(0))), Ok(Trusted::Introduced));
        place
    }

    #[test]
    fn an_introduction_alone_raises_the_rank() {
        let (a, s) = (identity(0), strong(0));
        let place = introduced(Met::Verified);
        assert_eq!(place.open().take(&beside(a, s)).unwrap(), Taken::Already);
        assert_eq!(place.open().by_name("Bob").count(), 2);
        assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(a)), Ok(Trusted::Verified));
        // Not even a person's comparison does.
        place.open().set_verified(s.fingerprint()).unwrap();
        assert_eq!(place.open().expect("Bob").judge(&peer(a)), Ok(Trusted::Verified));
        assert_eq!(place.open().expect("Bob").judge(&peer(s)), Ok(Trusted::Verified));
        assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(a)), Err(Distrust::WeakerSuite));
        assert_eq!(place.open().anyone_known().or_ask(never_named).judge(&peer(a)), Err(Distrust::WeakerSuite));
    }

    #[test]
    fn the_suite_to_open_in_is_a_guess() {
        let (a, s) = (identity(0), strong(0));
        let place = Place::knowing(a, Met::FirstUse);
        assert_eq!(place.open().best_suite("Bob", ALL), Some(Suite::Level3ChaCha));
        assert_eq!(place.open().best_suite("Bob", NEW), None);
        assert_eq!(place.open().best_suite("Bob", &[]), None);
        assert_eq!(place.open().best_suite("Carol", ALL), None);
        place.open().take(&beside(a, s)).unwrap();
        assert_eq!(place.open().best_suite("Bob", ALL), Some(Suite::Level5Aes));
        assert_eq!(place.open().best_suite("Bob", OLD), Some(Suite::Level3ChaCha));
        place.open().expect("Bob").judge(&peer(s)).unwrap();
        assert_eq!(place.open().best_suite("Bob", ALL), Some(Suite::Level5Aes));
        assert_eq!(place.open().best_suite("Bob", OLD), None);
        place.open().take(&revoked(s)).unwrap();
        assert_eq!(place.open().best_suite("Bob", ALL), None);
        // The one of several of a rank that was spoken.
        let place = Place::new();
        place.open().add("Bob", a.fingerprint(), Suite::Level3Aes, Met::FirstUse).unwrap();
        assert_eq!(place.open().best_suite("Bob", ALL), Some(Suite::Level3Aes));
    }

    /// Whoever holds it now.
    #[test]
    fn a_key_that_was_left_behind_introduces_somebody() {
        for how in [Met::FirstUse, Met::Verified] {
            let (a, thiefs) = (identity(0), identity(1));
            let place = spoken(how);
            let before = place.text();
            assert_not_taken!(place.open().take_asking(&instead(a, thiefs), never_taken), NotTaken::WeakerSuite { name } if name == "Bob");
            assert_not_taken!(place.open().take_asking(&instead(a, strong(1)), never_taken), NotTaken::LeftBehind { name } if name == "Bob");
            assert_not_taken!(place.open().take_asking(&beside(a, strong(1)), never_taken), NotTaken::LeftBehind { .. });
            assert_eq!(place.text(), before);
            assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(a)), Err(Distrust::WeakerSuite));
            assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(thiefs)), Err(Distrust::ChangedKey));
            assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(strong(1))), Err(Distrust::ChangedKey));
        }
    }

    #[test]
    fn a_key_left_behind_cannot_be_retired() {
        let (a, s) = (identity(0), strong(0));
        let place = spoken(Met::FirstUse);
        assert_eq!(place.open().take(&instead(a, s)).unwrap(), Taken::Succeeded);
        assert_eq!(met(&place.open(), s), Some(Met::Introduced));
        assert_dead(&place, a, Distrust::Retired);
        assert_eq!(place.open().expect("Bob").judge(&peer(s)), Ok(Trusted::Introduced));
        // The earlier statement, again.
        assert_eq!(place.open().take(&beside(a, s)).unwrap(), Taken::Already);
        assert_eq!(place.open().take(&instead(a, s)).unwrap(), Taken::Already);
        assert_dead(&place, a, Distrust::Retired);
    }

    #[test]
    fn a_person_is_asked_about_a_key_that_they_verified_or_not_about_the_old_one() {
        let (a, s) = (identity(0), strong(0));
        let place = spoken(Met::Verified);
        assert_not_taken!(place.open().take(&instead(a, s)), NotTaken::PersonNeeded { .. });
        place.open().set_verified(s.fingerprint()).unwrap();
        assert_eq!(place.open().take_asking(&instead(a, s), never_taken).unwrap(), Taken::Succeeded);
        assert_eq!(met(&place.open(), s), Some(Met::Verified));
        // Also where the new one was met, and not introduced.
        let place = Place::knowing(a, Met::Verified);
        assert_eq!(place.open().expect("Bob").or_ask(|_| true).judge(&peer(s)), Ok(Trusted::FirstUse));
        assert_not_taken!(place.open().take(&instead(a, s)), NotTaken::PersonNeeded { .. });
        assert_eq!(place.open().take_asking(&instead(a, s), |_| true).unwrap(), Taken::Succeeded);
        assert_eq!(met(&place.open(), s), Some(Met::FirstUse));
    }

    #[test]
    fn a_peer_is_led_back_to_a_weaker_suite() {
        let (a, s) = (identity(0), strong(0));
        let place = Place::knowing(s, Met::FirstUse);
        assert_not_taken!(place.open().take(&instead(s, a)), NotTaken::WeakerSuite { name } if name == "Bob");
        assert_not_taken!(place.open().take(&beside(s, a)), NotTaken::WeakerSuite { .. });
        // Nor to one that is known: retiring the stronger would leave the weaker alone.
        let place = spoken(Met::FirstUse);
        assert_not_taken!(place.open().take(&instead(s, a)), NotTaken::WeakerSuite { .. });
        assert_eq!(place.open().take(&beside(s, a)).unwrap(), Taken::Already);
    }

    #[test]
    fn the_end_of_the_stronger_key_brings_the_weaker_suite_back() {
        let (a, s) = (identity(0), strong(0));
        for (end, why) in [(revoked(s), Distrust::Revoked), (instead(s, strong(1)), Distrust::Retired)] {
            let place = spoken(Met::Verified);
            place.open().take(&end).unwrap();
            assert_dead(&place, s, why);
            assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(a)), Err(Distrust::WeakerSuite));
            assert_eq!(place.open().best_suite("Bob", OLD), None);
            // A person's word does.
            place.open().forget("Bob").unwrap();
            assert_eq!(place.open().expect("Bob").or_ask(|_| true).judge(&peer(a)), Ok(Trusted::FirstUse));
            assert_dead(&place, s, why);
        }
        // Also where it is refused and lives.
        let place = spoken(Met::FirstUse);
        place.open().take(&revoked(a)).unwrap();
        assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(s)), Err(Distrust::IntroducerRevoked));
        place.open().replace_key("Bob", identity(1).fingerprint(), SUITE).unwrap();
        assert_eq!(place.open().expect("Bob").judge(&peer(identity(1))), Err(Distrust::WeakerSuite));
    }

    /// Nor by a key of another algorithm, where a question might get a yes.
    #[test]
    fn whoever_revokes_the_only_key_is_asked_about_next_with_another_algorithm() {
        let place = Place::knowing(identity(0), Met::FirstUse);
        place.open().take(&revoked(identity(0))).unwrap();
        assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(strong(0))), Err(Distrust::ChangedKey));
        place.open().replace_key("Bob", strong(0).fingerprint(), Suite::Level5Aes).unwrap();
        assert_eq!(place.open().expect("Bob").judge(&peer(strong(0))), Ok(Trusted::FirstUse));
        // One that died where another lives leaves no gap for the same algorithm, and says nothing of a third.
        let place = spoken(Met::FirstUse);
        place.open().take(&instead(identity(0), strong(0))).unwrap();
        assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(identity(1))), Err(Distrust::ChangedKey));
    }

    /// A name whose key gave way to another of its algorithm has lost none: a key of another algorithm is a question, as under any name.
    #[test]
    fn a_key_that_has_a_successor_stands_in_the_way_of_another_algorithm() {
        let place = Place::knowing(identity(0), Met::FirstUse);
        assert_eq!(place.open().take(&instead(identity(0), identity(1))).unwrap(), Taken::Succeeded);
        assert_eq!(place.open().expect("Bob").judge(&peer(strong(0))), Err(Distrust::Unknown));
        assert_eq!(place.open().expect("Bob").or_ask(|_: &Peer| true).judge(&peer(strong(0))), Ok(Trusted::FirstUse));
    }

    /// It was lost before it was used: the owner goes on with the old one, and with another new one.
    #[test]
    fn a_key_that_never_spoke_counts_after_its_end() {
        let (a, s) = (identity(0), strong(0));
        let place = introduced(Met::FirstUse);
        place.open().take(&revoked(s)).unwrap();
        assert!(place.text().contains("revoked-unspoken Bob"));
        assert_eq!(place.open().expect("Bob").judge(&peer(a)), Ok(Trusted::FirstUse));
        assert_eq!(place.open().take(&beside(a, strong(1))).unwrap(), Taken::Introduced);
        assert_eq!(place.open().take(&instead(strong(1), strong(2))).unwrap(), Taken::Succeeded);
        assert!(place.text().contains(&format!("retired-unspoken:{} Bob", a.fingerprint())));
        assert_eq!(place.open().expect("Bob").judge(&peer(a)), Ok(Trusted::FirstUse));
        assert_eq!(place.open().expect("Bob").judge(&peer(strong(2))), Ok(Trusted::Introduced));
        assert_eq!(place.open().expect("Bob").judge(&peer(a)), Err(Distrust::WeakerSuite));
        // Its line still leads to what it rests on.
        place.open().take(&revoked(a)).unwrap();
        assert_eq!(place.open().expect("Bob").judge(&peer(strong(2))), Err(Distrust::IntroducerRevoked));
    }

    /// It may have been replaced because somebody else has it.
    #[test]
    fn a_key_that_a_person_replaced_goes_on_introducing() {
        let (a, s) = (identity(0), strong(0));
        let place = introduced(Met::FirstUse);
        place.open().replace_key("Bob", identity(1).fingerprint(), SUITE).unwrap();
        assert_eq!(place.open().expect("Bob").judge(&peer(identity(1))), Ok(Trusted::FirstUse));
        assert_eq!(place.open().expect("Bob").or_ask(never).judge(&peer(s)), Err(Distrust::IntroducerRevoked));
        assert_eq!(place.open().best_suite("Bob", ALL), Some(SUITE));
        assert_not_taken!(place.open().take(&beside(a, strong(1))), NotTaken::OldUnknown);
        assert_not_taken!(place.open().take(&beside(s, identity(2))), NotTaken::OldRefused { .. });
        assert_not_taken!(place.open().take(&instead(identity(1), s)), NotTaken::NewRefused { .. });
        assert_not_taken!(place.open().take(&beside(identity(1), strong(1))), NotTaken::NameTaken { .. });
        place.open().set_verified(s.fingerprint()).unwrap();
        assert_eq!(place.open().expect("Bob").judge(&peer(s)), Ok(Trusted::Verified));
    }

    #[test]
    fn a_second_key_of_one_algorithm_takes_the_place_of_the_first() {
        let place = introduced(Met::FirstUse);
        let before = place.text();
        assert_not_taken!(place.open().take(&beside(identity(0), strong(1))), NotTaken::NameTaken { name } if name == "Bob");
        assert_not_taken!(place.open().take(&instead(identity(0), strong(1))), NotTaken::NameTaken { .. });
        assert_eq!(place.text(), before);
    }

    /// A peer that was away hears of two steps at once, and the new key has not spoken yet when it introduces the next.
    #[test]
    fn a_peer_that_was_away_cannot_follow() {
        let place = introduced(Met::FirstUse);
        assert_eq!(place.open().take(&instead(strong(0), strong(1))).unwrap(), Taken::Succeeded);
        assert_eq!(place.open().take(&instead(identity(0), strong(1))).unwrap(), Taken::Succeeded);
        assert_eq!(place.open().expect("Bob").judge(&peer(strong(1))), Ok(Trusted::Introduced));
        assert_dead(&place, identity(0), Distrust::Retired);
    }
}

/// The file says another algorithm of a key than its fingerprint stands for.
#[cfg(feature = "level5")]
#[test]
fn a_file_that_is_wrong_about_an_algorithm_gives_a_name_two_keys_of_one() {
    let (place, old, new) = (Place::new(), strong(0), identity(0));
    place.open().add("Bob", old.fingerprint(), SUITE, Met::Verified).unwrap();
    let before = place.text();
    assert!(matches!(place.open().take(&beside(old, new)), Err(NotTaken::NameTaken { .. })));
    assert_eq!(place.text(), before);
}
