//! What owners state about their keys, and what a person does to the list of known peers, in any order (docs/protocol.md, section 4.5).
//!
//! After every step: a dead key is dead for ever; a name has one living key an algorithm, and a key one name; a name's rank falls only where a person forgets it; nothing but a
//! person makes a key verified or ends one that is; what fails changes nothing; and who is judged acceptable is who the list says.

use crate::input::Input;
use crate::keyfile::scratch;
use crate::known_peers::written;
use crate::people::{OF_EACH, identities, peers};
use crate::statements::statement;
use std::collections::{HashMap, HashSet};
use std::fs;
use twinlock::identity::{Peer, StatementKind, Trusted};
use twinlock::trust::{Entry, KnownPeers, Met, NotTaken, Taken, Trust};
use twinlock::{Distrust, Fingerprint, Suite};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];
const STEPS: usize = 60;

/// Who decided what a step does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Owner,
    /// A person agreed to an owner's statement.
    Both,
    Person,
    /// A person forgot or renamed a name.
    Forgetting,
    Nobody,
}

pub fn run(data: &[u8]) {
    steps(KnownPeers::in_memory().at(1_767_312_000), &mut Input::new(data));
}

/// Whatever the list is to begin with.
pub fn steps(mut known: KnownPeers, input: &mut Input) {
    let mut dead = HashMap::new();
    check_dead(&mut dead, known.entries());
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        let before = known.entries().to_vec();
        let (by, done) = step(&mut known, input);
        assert!(done || known.entries() == before, "a step failed and changed something");
        check_list(known.entries());
        check_dead(&mut dead, known.entries());
        check_change(by, &before, &known);
        check_suites(&known);
    }
    check_written(&known);
}

fn step(known: &mut KnownPeers, input: &mut Input) -> (By, bool) {
    let (name, other) = (*input.pick(&NAMES), *input.pick(&NAMES));
    let what = input.byte() % 16;
    let peer = input.pick(peers());
    let who = peer.fingerprint().expect("proved");
    match what {
        0 => (
            By::Person,
            known.add(name, who, peer.suite(), *input.pick(&[Met::FirstUse, Met::Verified, Met::Introduced, Met::Revoked])).is_ok(),
        ),
        1 => (By::Person, known.set_verified(who).is_ok()),
        2 => (By::Person, known.replace_key(name, who, peer.suite()).is_ok()),
        3 if input.flag() => (By::Forgetting, known.forget(name).is_ok()),
        3 => (By::Forgetting, known.rename(name, other).is_ok()),
        4..=7 => judge(known, name, peer, input.byte() % 4),
        _ => take(known, input),
    }
}

fn judge(known: &mut KnownPeers, name: &str, peer: &Peer, how: u8) -> (By, bool) {
    let (before, who) = (known.entries().to_vec(), peer.fingerprint().expect("proved"));
    let judged = match how {
        0 => known.expect(name).judge(peer),
        1 => known.expect(name).or_ask(|_: &Peer| true).judge(peer),
        2 => known.anyone_known().judge(peer),
        _ => known.anyone_known().or_ask(|_: &Peer| Some(name.to_owned())).judge(peer),
    };
    let entry = before.iter().find(|entry| entry.fingerprint() == who);
    match (judged, entry) {
        (Ok(trusted), Some(entry)) => {
            assert!(entry.living() && refused(&before, entry).is_none() && (how > 1 || entry.name() == name), "accepted: {entry}");
            assert!(Some(peer.suite().rank()) >= rank(&before, entry.name()), "accepted in a lower rank");
            assert_eq!(trusted, trust(entry.met()));
        }
        (Ok(trusted), None) => {
            assert!(how % 2 == 1 && trusted == Trusted::FirstUse, "a stranger was accepted, and nobody asked");
            let of_name = || before.iter().filter(|entry| entry.name() == name);
            assert!(
                of_name().all(|entry| entry.suite().signature() != peer.suite().signature()),
                "another key in the place of a known one"
            );
            assert!(of_name().next().is_none() || of_name().any(Entry::living), "a stranger in the place of dead keys");
            assert!(Some(peer.suite().rank()) >= rank(&before, name));
        }
        (Err(why), Some(entry)) => match entry.met() {
            Met::Retired => assert_eq!(why, Distrust::Retired),
            Met::Revoked => assert_eq!(why, Distrust::Revoked),
            _ => assert!(!matches!(why, Distrust::Retired | Distrust::Revoked | Distrust::StoreFailed | Distrust::Declined), "{why}"),
        },
        (Err(why), None) => assert!(matches!(why, Distrust::Unknown | Distrust::ChangedKey | Distrust::WeakerSuite), "{why}"),
    }
    // A question may have been answered with yes, and the peer then be refused for its suite alone.
    (if how % 2 == 1 { By::Person } else { By::Nobody }, judged.is_ok())
}

const fn trust(met: Met) -> Trusted {
    match met {
        Met::Verified => Trusted::Verified,
        Met::Introduced => Trusted::Introduced,
        _ => Trusted::FirstUse,
    }
}

fn take(known: &mut KnownPeers, input: &mut Input) -> (By, bool) {
    let (kind, old, new) = (1 + input.byte() % 3, input.below(2 * OF_EACH), input.below(2 * OF_EACH));
    let Some(statement) = statement(kind, old, new) else { return (By::Nobody, true) };
    let (before, answer, mut asked) = (known.entries().to_vec(), input.byte() % 4, false);
    let taken = match answer {
        0 | 1 => known.take(&statement),
        answer => known.take_asking(&statement, |entry| {
            asked = true;
            assert!(entry.met() == Met::Verified && entry.fingerprint() == identities()[old].fingerprint());
            answer == 2
        }),
    };
    let [old, new] = [old, new].map(|i| before.iter().find(|entry| entry.fingerprint() == identities()[i].fingerprint()));
    assert!(!asked || taken.is_ok() == (answer == 2));
    match &taken {
        Ok(Taken::Already) => assert_eq!(known.entries(), before),
        Ok(Taken::Revoked) => assert_eq!(statement.kind(), StatementKind::Revoked),
        Ok(_) => check_introduction(&before, old.expect("who is known"), new, known, statement.new().expect("a new key").fingerprint()),
        Err(error) => {
            assert!(kind != 3, "a revocation was not taken");
            assert!(!error.to_string().is_empty() && !matches!(error, NotTaken::Store(_)));
        }
    }
    (if asked { By::Both } else { By::Owner }, taken.is_ok())
}

/// Only the name's living key of the highest rank brings in another.
fn check_introduction(before: &[Entry], old: &Entry, new: Option<&Entry>, known: &KnownPeers, who: Fingerprint) {
    assert!(old.living() && refused(before, old).is_none(), "a key that is refused was listened to");
    let now = known.by_fingerprint(who).expect("it is known now");
    assert!(now.living() && now.name() == old.name());
    match new {
        None => {
            assert!(Some(old.suite().rank()) >= rank(before, old.name()), "a key that was left behind brought in another");
            assert!(now.met() == Met::Introduced && now.introducer() == Some(old.fingerprint()) && !now.spoken());
        }
        Some(new) => assert_eq!(now, new),
    }
    assert!(Some(now.suite().rank()) >= rank(before, old.name()), "a key of a weaker suite was brought in");
}

fn rank(entries: &[Entry], name: &str) -> Option<u8> {
    // One that is nobody's has its own fingerprint for a name, and is of no name.
    let nobodys = |entry: &Entry| !entry.living() && entry.name() == entry.fingerprint().to_string();
    entries.iter().filter(|entry| entry.name() == name && entry.spoken() && !nobodys(entry)).map(|entry| entry.suite().rank()).max()
}

/// Whether what the key rests on is revoked or gone; or it is dead.
fn refused(entries: &[Entry], entry: &Entry) -> Option<()> {
    let (mut seen, mut at) = (HashSet::new(), entry);
    if !entry.living() {
        return Some(());
    }
    while let Some(by) = at.introducer() {
        match entries.iter().find(|entry| entry.fingerprint() == by) {
            Some(next) if next.met() != Met::Revoked && seen.insert(by) => at = next,
            _ => return Some(()),
        }
    }
    None
}

fn check_list(entries: &[Entry]) {
    let (mut keys, mut places) = (HashSet::new(), HashSet::new());
    for entry in entries {
        assert!(keys.insert(entry.fingerprint()), "a key stands twice");
        assert!(!entry.living() || places.insert((entry.name(), entry.suite().signature())), "a name has two keys of a kind");
        assert!(entry.met() != Met::FirstUse || entry.spoken());
    }
}

/// Dead keys stay, and revoked ones revoked.
fn check_dead(dead: &mut HashMap<Fingerprint, Met>, entries: &[Entry]) {
    for (fingerprint, was) in dead.iter() {
        let now = entries.iter().find(|entry| entry.fingerprint() == *fingerprint).map(Entry::met);
        assert!(now == Some(*was) || (*was == Met::Retired && now == Some(Met::Revoked)), "a dead key is {now:?}");
    }
    dead.extend(entries.iter().filter(|entry| !entry.living()).map(|entry| (entry.fingerprint(), entry.met())));
}

fn check_change(by: By, before: &[Entry], known: &KnownPeers) {
    let now = known.entries();
    for name in NAMES.iter().filter(|_| by != By::Forgetting) {
        assert!(rank(now, name) >= rank(before, name), "the rank of {name} fell");
    }
    for entry in now {
        let was = before.iter().find(|was| was.fingerprint() == entry.fingerprint());
        let verified = entry.met() == Met::Verified && was.is_none_or(|was| was.met() != Met::Verified);
        assert!(!verified || by == By::Person, "verified by {by:?}");
        let retired = entry.met() == Met::Retired && was.is_some_and(|was| was.met() == Met::Verified);
        let for_verified = || now.iter().any(|other| other.met() == Met::Verified && other.name() == entry.name());
        assert!(!retired || by == By::Both || for_verified(), "a verified key was retired by {by:?}");
    }
    let gone = before.iter().any(|was| known.by_fingerprint(was.fingerprint()).is_none());
    assert!(!gone || matches!(by, By::Person | By::Forgetting), "a key is gone, by {by:?}");
}

/// Why a key is refused, and in which suite a name is spoken to, are what the entries say.
fn check_suites(known: &KnownPeers) {
    let entries = known.entries();
    for entry in entries {
        assert_eq!(known.why_refused(entry).is_some(), refused(entries, entry).is_some(), "{entry}");
    }
    let mine: Vec<_> = Suite::ALL.iter().map(|suite| suite.signature()).collect();
    for name in NAMES {
        let good = known.by_name(name).filter(|entry| refused(entries, entry).is_none()).map(|entry| entry.suite().rank()).max();
        let expected = good.filter(|good| Some(*good) >= rank(entries, name));
        assert_eq!(known.best_suite(name, &mine).map(Suite::rank), expected, "the best suite for {name}");
    }
}

/// The file of it is read as the same list.
fn check_written(known: &KnownPeers) {
    let path = scratch("succession");
    fs::write(&path, written(known)).expect("a folder for scratch files");
    assert_eq!(KnownPeers::open(&path).expect("what was written").entries(), known.entries());
}
