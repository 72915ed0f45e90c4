//! Bundles from a directory: who asks it, when, and what is taken of what it gives.

use crate::people::{ACQUAINTED, ALL, DAY, NOW, Noted, PROLOGUE, Person, SUITE, acquainted, call, call_with, protocol};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::tempdir;
use twinlock::acquaintances::{AddressBook, Book, BundleFolder, Directory, DirectoryError, NotTaken, Taken, Way};
use twinlock::channel::{Resumption, Role};
use twinlock::handshake::Pattern;
use twinlock::identity::{Bundle, StaticKey};
use twinlock::io::{Accept, Connect, Keeper};
use twinlock::trust::Anonymous;
use twinlock::{Error, Fingerprint, Identity, Pinned, Suite};

/// Gives for a name what it was told to, and counts how often it is asked.
#[derive(Clone, Default)]
struct Board(Arc<Inside>);

#[derive(Default)]
struct Inside {
    gives: Mutex<BTreeMap<Fingerprint, Bundle>>,
    asked: AtomicU32,
}

impl Board {
    fn give(&self, bundle: &Bundle, for_name: &Person) {
        self.0.gives.lock().unwrap().insert(for_name.fingerprint(), bundle.clone());
    }

    /// How often since the last time.
    fn asked(&self) -> u32 {
        self.0.asked.swap(0, Ordering::SeqCst)
    }
}

impl Directory for Board {
    fn bundle(&self, of: Fingerprint, _: Suite) -> Result<Option<Bundle>, DirectoryError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.gives.lock().unwrap().get(&of).cloned())
    }
}

/// Nobody can be reached.
struct Broken;

impl Directory for Broken {
    fn bundle(&self, _: Fingerprint, _: Suite) -> Result<Option<Bundle>, DirectoryError> {
        Err(DirectoryError::Failed("no answer in time".into()))
    }
}

fn reading(person: Person, directory: impl Directory + Send + Sync + 'static) -> Person {
    let keeper = person.keeper.clone().directory(directory);
    Person { keeper, ..person }
}

/// The newest own bundle, which this peer fetches.
fn renewed(person: &Person, for_peer: &Person) -> Bundle {
    let mine = person.keeper.store().renew(person.me, SUITE, person.keeper.now()).unwrap();
    assert!(person.keeper.store().set_delivered(for_peer.fingerprint(), mine.bundle(), person.keeper.now()).unwrap());
    mine.bundle().clone()
}

fn of(person: &Person, from: u64, to: u64) -> Bundle {
    StaticKey::generate(person.me, SUITE, from, to).unwrap().bundle().clone()
}

/// Both publish on one board, and neither has anything of the other.
fn strangers() -> (Person, Person, Board) {
    let board = Board::default();
    let (alice, bob) = (reading(Person::alice(), board.clone()), reading(Person::bob(), board.clone()));
    board.give(&renewed(&alice, &bob), &alice);
    board.give(&renewed(&bob, &alice), &bob);
    (alice, bob, board)
}

/// They know each other's fingerprint alone, and can sign nothing any more when they talk: their secret keys are elsewhere.
#[test]
fn two_who_never_met_need_a_signature() {
    let place = tempdir().unwrap();
    let folder = BundleFolder::open(place.path()).unwrap();
    let (alice, bob) = (reading(Person::alice(), folder.clone()), reading(Person::bob(), folder.clone()));
    for (person, peer) in [(&alice, &bob), (&bob, &alice)] {
        folder.publish(&renewed(person, peer)).unwrap();
    }
    assert_eq!(bob.keeper.fetch(alice.fingerprint(), SUITE).unwrap(), Some(Taken::First));
    let [a, b] = [&alice, &bob].map(|person| Identity::elsewhere(person.me.public()));
    let connect = Connect::new(&a, PROLOGUE).acquaintances(&alice.keeper).peer(bob.fingerprint());
    let accept = Accept::new(&b, PROLOGUE).acquaintances(&bob.keeper).ways(&ACQUAINTED);
    let called = call(&connect, &accept, &alice, &bob);
    assert_eq!(called.patterns(), [5]);
    assert_eq!(called.talk(), Pattern::Ik);
    for person in [&alice, &bob] {
        assert_eq!(person.noted().iter().filter(|noted| matches!(noted, Noted::Bundle(Taken::First))).count(), 1);
    }
    // And from then on they are acquaintances.
    assert_eq!(call(&connect, &accept, &alice, &bob).talk(), Pattern::Resume);
    assert_eq!(call(&bob.calling(&alice, &ACQUAINTED), &alice.listening(), &bob, &alice).talk(), Pattern::Ik);
}

#[test]
fn a_directory_is_asked_although_a_valid_bundle_or_a_record_is_kept() {
    let board = Board::default();
    let (alice, bob) = acquainted();
    let alice = reading(alice, board.clone());
    for ways in [&ACQUAINTED[..], &[Way::Acquainted]] {
        call(&alice.calling(&bob, ways), &bob.listening(), &alice, &bob).talk();
    }
    assert_eq!(board.asked(), 0);
}

/// It would learn whom this side calls, for nothing.
#[test]
fn a_directory_is_asked_where_ik_is_out_of_the_question() {
    let (alice, bob, board) = strangers();
    assert_eq!(call(&alice.calling(&bob, &[Way::Met]), &bob.listening(), &alice, &bob).talk(), Pattern::Xx);
    // Nobody said that Carol fetches.
    let carol = Person::carol();
    assert_eq!(call(&alice.calling(&carol, &ALL), &carol.listening(), &alice, &carol).talk(), Pattern::Xx);
    let stranger = Connect::anonymous(PROLOGUE).acquaintances(&alice.keeper).peer(bob.fingerprint()).ways(&ALL);
    let called = call_with(&stranger, &bob.listening().anonymous(), (&mut Pinned(bob.fingerprint()), Anonymous), |_, _, _| ());
    assert_eq!(called.talk(), Pattern::Nx);
    // Nor does anybody in particular be expected.
    let nobody = Connect::new(alice.me, PROLOGUE).acquaintances(&alice.keeper).ways(&ALL);
    assert_eq!(call(&nobody, &bob.listening(), &alice, &bob).talk(), Pattern::Xx);
    assert_eq!(board.asked(), 0);
}

#[test]
fn an_older_bundle_from_a_directory_replaces_a_newer_one() {
    let (alice, bob, board) = strangers();
    // The newest one that Alice keeps has ended, and the directory's is older and holds.
    let newer = of(&bob, NOW - DAY / 2, NOW + DAY + 2);
    assert_eq!(alice.keeper.store().take_bundle(newer.clone(), NOW).unwrap(), Taken::First);
    alice.later(2 * DAY);
    let called = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob);
    assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::NotAcquainted));
    assert_eq!((alice.noted().as_slice(), board.asked()), ([Noted::Bundle(Taken::Not(NotTaken::Older))].as_slice(), 1));
    assert!(called.hellos.is_empty());
    assert!(alice.keeper.store().acquaintance(SUITE, newer.reference(), NOW + DAY + 1).unwrap().is_some());
    // One that has ended is not taken by somebody who keeps none.
    board.give(&of(&bob, NOW - 9 * DAY, NOW - 1), &bob);
    let fresh = reading(Person::alice(), board.clone());
    assert_eq!(fresh.keeper.fetch(bob.fingerprint(), SUITE).unwrap(), Some(Taken::Not(NotTaken::Ended)));
}

#[test]
fn anothers_bundle_under_a_peers_name_is_taken() {
    let (alice, bob, board) = strangers();
    let carol = Person::carol();
    let other_suite = StaticKey::generate(bob.me, Suite::Level3Aes, NOW - 1, NOW + DAY).unwrap().bundle().clone();
    for wrong in [of(&carol, NOW - DAY, NOW + DAY), other_suite] {
        board.give(&wrong, &bob);
        let failed = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).caller.unwrap_err();
        assert_eq!(protocol(failed.error()), Some(Error::NotAcquainted));
        let fetched = alice.keeper.fetch(bob.fingerprint(), SUITE);
        assert!(matches!(&fetched, Err(DirectoryError::WrongBundle { of, suite })
            if *of == wrong.fingerprint() && *suite == wrong.suite()));
        assert_eq!(alice.noted(), [Noted::Directory, Noted::Directory]);
        assert!(alice.keeper.store().bundle_of(wrong.fingerprint(), wrong.suite(), NOW).unwrap().is_none());
    }
}

#[test]
fn a_failing_directory_ends_the_connection() {
    let (alice, bob, _) = strangers();
    let alice = reading(alice, Broken);
    let failed = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).caller.unwrap_err();
    // The reason is what it is without a directory.
    assert_eq!(protocol(failed.error()), Some(Error::NotAcquainted));
    assert_eq!(alice.noted(), [Noted::Directory]);
    let called = call(&alice.calling(&bob, &ALL), &bob.listening(), &alice, &bob);
    assert_eq!(called.patterns(), [1]);
    assert_eq!(called.talk(), Pattern::Xx);
    assert_eq!(alice.noted().iter().filter(|noted| **noted == Noted::Directory).count(), 1);
    assert!(matches!(alice.keeper.fetch(Person::carol().fingerprint(), SUITE), Err(DirectoryError::Failed(_))));
}

/// A folder in which somebody has put something else.
#[test]
fn a_damaged_file_ends_the_connection() {
    let place = tempdir().unwrap();
    let folder = BundleFolder::open(place.path()).unwrap();
    let (alice, bob) = (reading(Person::alice(), folder), Person::bob());
    renewed(&alice, &bob);
    std::fs::write(place.path().join(format!("{}.0x0001.pem", bob.fingerprint())), "nothing").unwrap();
    assert_eq!(call(&alice.calling(&bob, &ALL), &bob.listening(), &alice, &bob).talk(), Pattern::Xx);
    assert_eq!(alice.noted()[0], Noted::Directory);
}

/// A caller could see it, and so could the directory.
#[test]
fn who_answers_asks_a_directory() {
    let (alice, bob, board) = strangers();
    let called = call(&alice.calling(&bob, &[Way::Acquainted, Way::Met]), &bob.listening(), &alice, &bob);
    // Bob does not hold her bundle, and so they meet.
    assert_eq!((called.patterns(), board.asked()), (vec![5, 1], 1));
    assert_eq!(called.talk(), Pattern::Xx);
    assert_eq!(bob.keeper.fetch(alice.fingerprint(), SUITE).unwrap(), Some(Taken::First));
    assert_eq!(board.asked(), 1);
    assert_eq!(call(&alice.calling(&bob, &[Way::Acquainted]), &bob.listening(), &alice, &bob).talk(), Pattern::Ik);
    assert_eq!(board.asked(), 0);
}

/// A call makes up to three attempts, and looks before and after each.
#[test]
fn a_directory_that_has_nothing_is_asked_again_and_again() {
    let (alice, bob, board) = strangers();
    board.0.gives.lock().unwrap().clear();
    for (ways, ended) in [(&ALL[..], true), (&ACQUAINTED[..], false)] {
        let called = call(&alice.calling(&bob, ways), &bob.listening(), &alice, &bob);
        assert_eq!((called.caller.is_ok(), board.asked()), (ended, 1));
        drop(called);
        alice.keeper.store().forget(bob.fingerprint()).unwrap();
        renewed(&alice, &bob);
    }
}

/// A record was enough until it was refused.
#[test]
fn a_call_that_goes_on_after_a_resume_does_without_the_directory() {
    let (met, bob) = acquainted();
    let record = met.record(&bob).unwrap();
    let copy = Resumption::from_secret_bytes(record.to_secret_bytes().expose()).unwrap();
    // Alice's store went, but for the record; of that Bob has used his.
    let board = Board::default();
    let alice = reading(Person::alice(), board.clone());
    for person in [&alice, &bob] {
        person.later(DAY);
    }
    assert!(alice.keeper.store().keep(copy, alice.keeper.now()).unwrap());
    assert!(bob.keeper.clone().remove(Role::Answerer, record.id(), bob.keeper.now()).unwrap());
    let (mine, theirs) = (renewed(&alice, &bob), renewed(&bob, &alice));
    board.give(&theirs, &bob);
    assert_eq!(bob.keeper.store().take_bundle(mine, bob.keeper.now()).unwrap(), Taken::Newer);
    let called = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob);
    assert_eq!((called.patterns(), board.asked()), (vec![7, 5], 1));
    assert_eq!(called.talk(), Pattern::Ik);
}

#[test]
fn what_was_fetched_is_not_told() {
    let (alice, bob, _) = strangers();
    assert_eq!(Person::alice().keeper.fetch(bob.fingerprint(), SUITE).unwrap(), None);
    assert_eq!(alice.keeper.fetch(Person::carol().fingerprint(), SUITE).unwrap(), None);
    for taken in [Taken::First, Taken::Same] {
        assert_eq!(alice.keeper.fetch(bob.fingerprint(), SUITE).unwrap(), Some(taken));
        assert_eq!(alice.noted(), [Noted::Bundle(taken)]);
    }
    // A newer one comes although the one that is kept holds.
    let board = Board::default();
    board.give(&of(&bob, NOW, NOW + DAY), &bob);
    assert_eq!(reading(alice, board).keeper.fetch(bob.fingerprint(), SUITE).unwrap(), Some(Taken::Newer));
}

#[test]
fn under_a_clock_that_is_behind_a_bundle_is_taken_or_a_directory_asked() {
    let (alice, bob, board) = strangers();
    alice.earlier(2 * DAY);
    let failed = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).caller.unwrap_err();
    assert_eq!((protocol(failed.error()), board.asked()), (Some(Error::ClockBehind), 0));
    assert!(matches!(alice.keeper.fetch(bob.fingerprint(), SUITE), Err(DirectoryError::NotKept(Error::ClockBehind))));
    assert!(alice.noted().iter().all(|noted| *noted == Noted::Failed));
    alice.later(2 * DAY);
    assert!(alice.keeper.store().bundle_of(bob.fingerprint(), SUITE, NOW).unwrap().is_none());
}

/// Other conversations go on while one waits for the directory.
#[test]
fn a_slow_directory_holds_up_the_store() {
    struct Slow(Arc<Mutex<Book>>, Arc<AtomicU32>);
    impl Directory for Slow {
        fn bundle(&self, _: Fingerprint, _: Suite) -> Result<Option<Bundle>, DirectoryError> {
            assert!(self.0.try_lock().is_ok());
            self.1.fetch_add(1, Ordering::SeqCst);
            Ok(None)
        }
    }
    let (store, asked, bob) = (Arc::new(Mutex::new(Book::new())), Arc::new(AtomicU32::new(0)), Person::bob());
    let alice = Person::alice();
    let time = Arc::clone(&alice.clock);
    let keeper = Keeper::sharing(Arc::clone(&store)).unwrap().clock(move || time.load(Ordering::SeqCst));
    let alice = reading(Person { keeper, ..alice }, Slow(Arc::clone(&store), Arc::clone(&asked)));
    renewed(&alice, &bob);
    assert_eq!(call(&alice.calling(&bob, &ALL), &bob.listening(), &alice, &bob).talk(), Pattern::Xx);
    assert_eq!(alice.keeper.fetch(bob.fingerprint(), SUITE).unwrap(), None);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}
