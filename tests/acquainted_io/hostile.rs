//! Crashes, thieves, copies, and a network that cuts.

use crate::people::{
    ACQUAINTED, ALL, Called, DAY, NOW, Noted, PROLOGUE, Person, SUITE, acquainted, call, call_with, exchange, meet, part, protocol,
};
use crate::pipe::pipe;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use twinlock::acquaintances::{Acquaintances, Book, Folder, NotTaken, Report, Taken, Way};
use twinlock::channel::{Resumption, Role};
use twinlock::handshake::{AcquaintedInitiator, AnonymousInitiator, Early, Pattern, ResumeInitiator};
use twinlock::identity::{Bundle, StaticKey};
use twinlock::io::{Accept, Keeper, Stream, Transport};
use twinlock::trust::Anonymous;
use twinlock::{Error, Pinned, Refusal};

const RESUME_1: u64 = 1_256;
const RESUME_2: u64 = 1_139;

/// How thorough a run is: the whole in a release, a part in a debug build.
const STEP: usize = if cfg!(debug_assertions) { 61 } else { 1 };

/// Bob's process ends after it has removed the record and before it answers.
#[test]
fn a_crash_after_the_removal_uses_a_record_twice_or_ends_an_acquaintance() {
    let (alice, bob) = acquainted();
    let record = alice.record(&bob).unwrap();
    let trust = (&mut Pinned(bob.fingerprint()), Pinned(alice.fingerprint()));
    let called = call_with(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), trust, |n, a, b| {
        if n == 0 {
            b.controls().break_outgoing();
            let _ = a;
        }
    });
    assert_eq!(called.patterns(), [7, 5]);
    assert!(called.answered[0].as_ref().is_err_and(|error| protocol(error).is_none()));
    // Both have lost it, and nothing else.
    for (person, role) in [(&alice, Role::Opener), (&bob, Role::Answerer)] {
        assert!(person.keeper.store().resumption(role, record.id(), NOW).unwrap().is_none());
    }
    assert_eq!(called.talk(), Pattern::Ik);
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
}

fn copy(record: &Resumption) -> Arc<Resumption> {
    Arc::new(Resumption::from_secret_bytes(record.to_secret_bytes().expose()).unwrap())
}

/// A book with one record of an opener in it, and nothing else.
fn book_with(record: &Resumption) -> Book {
    let mut book = Book::new();
    assert!(book.keep(Resumption::from_secret_bytes(record.to_secret_bytes().expose()).unwrap(), NOW).unwrap());
    book
}

#[test]
fn a_thief_of_a_record_goes_unnoticed_or_keeps_the_owner_out() {
    let (alice, bob) = acquainted();
    let stolen = alice.record(&bob).unwrap();
    // The thief is first. It has the record, and no identity.
    let (mut a, b) = pipe();
    let (accept, owner) = (bob.listening(), alice.fingerprint());
    let accepting = thread::spawn(move || accept.accept(b, &mut Pinned(owner)));
    let judged = ResumeInitiator::new(copy(&stolen), PROLOGUE).judge(&mut Pinned(bob.fingerprint())).unwrap();
    let (waiting, hello) = judged.send_hello(&mut book_with(&stolen), NOW).unwrap();
    a.write_all(&hello).unwrap();
    let mut reply = vec![0; RESUME_2 as usize];
    a.read_exact(&mut reply).unwrap();
    let channel = waiting.read_reply(&reply).unwrap().into_channel().unwrap();
    let mut thief = Stream::new(a, channel);
    let mut deceived = accepting.join().unwrap().unwrap();
    assert_eq!((deceived.pattern(), deceived.peer().fingerprint()), (Some(Pattern::Resume), Some(owner)));
    // It can say something as Alice, and make nothing last of it: a bundle of its own making is none of hers.
    thief.send(b"it is me").unwrap();
    assert_eq!(deceived.recv().unwrap().unwrap(), b"it is me");
    // The owner comes: refused, told, and let in by the static key, which the thief does not have.
    let called = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob);
    assert_eq!(called.patterns(), [7, 5]);
    let (mut a, mut b) = called.pair();
    let tried = a.beginning().unwrap().tried();
    assert_eq!((tried[0].way, protocol(&tried[0].error)), (Way::Resumed, Some(Error::RefusedByPeer(Refusal::Refused))));
    assert!(matches!(bob.reports().as_slice(), [Report::SecondUse { id, .. }] if id == stolen.id()));
    exchange(&mut a, &mut b);
    part(a, b);
    // A thief who comes second is refused itself, and reported.
    let used = copy(&alice.record(&bob).unwrap());
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
    let (answer, error) = knock(&bob.listening(), &resume_hello(&used, b""), 1);
    assert_eq!((answer.as_slice(), error), ([0, 1, 5].as_slice(), Some(Error::RefusedByUs(Refusal::Refused))));
    assert_eq!(bob.reports().len(), 1);
}

fn resume_hello(record: &Arc<Resumption>, early: &[u8]) -> Vec<u8> {
    let initiator = ResumeInitiator::new(Arc::clone(record), PROLOGUE).with_early_data(Early::from(early));
    initiator.judge(&mut twinlock::trust::danger::TrustAnyone).unwrap().send_hello(&mut book_with(record), NOW).unwrap().1
}

fn from(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

/// Sends this first message, and nothing after it: what comes back, and what the responder says.
fn knock(accept: &Accept, hello: &[u8], source: u8) -> (Vec<u8>, Option<Error>) {
    let (mut a, b) = pipe();
    a.write_all(hello).unwrap();
    a.shutdown_write().unwrap();
    let error = accept.accept_from(b, from(source), &mut Anonymous).err().as_ref().and_then(protocol);
    let mut back = Vec::new();
    a.read_to_end(&mut back).unwrap();
    (back, error)
}

/// A static key alone lets a thief speak as its owner for a while, and not install the next one.
#[test]
fn a_stolen_static_key_installs_the_next() {
    let (alice, bob) = acquainted();
    let (key, theirs) = {
        let store = alice.keeper.store();
        let key = store.delivered_key(alice.fingerprint(), bob.fingerprint(), SUITE, NOW).unwrap().unwrap();
        (
            StaticKey::from_secret_bytes(key.to_secret_bytes().expose()).unwrap(),
            store.bundle_of(bob.fingerprint(), SUITE, NOW).unwrap().unwrap(),
        )
    };
    let thief = |bundle: Option<&Bundle>, now: u64| {
        let (mut a, b) = pipe();
        let (accept, owner) = (bob.listening(), alice.fingerprint());
        let accepting = thread::spawn(move || accept.accept_from(b, from(9), &mut Pinned(owner)));
        let (waiting, hello) = AcquaintedInitiator::new(&key, &theirs, PROLOGUE, now).send_hello().unwrap();
        a.write_all(&hello).unwrap();
        let mut reply = vec![0; 2_275];
        let came = a.read_exact(&mut reply).map_err(|_| ());
        let confirmed = came.and_then(|()| waiting.read_reply(&reply).map_err(|_| ()));
        let Ok(read) = confirmed else {
            drop(a);
            return (Err(()), accepting.join().unwrap());
        };
        let (channel, confirm) = read.send_confirm(&mut Pinned(bob.fingerprint())).unwrap();
        a.write_all(&confirm).unwrap();
        let (mut sealer, ..) = channel.into_halves();
        let mut frames = Vec::new();
        let handed = bundle.map(|bundle| sealer.bundle(bundle));
        sealer.control(&mut frames).unwrap();
        sealer.message(b"it is me", &mut frames).unwrap();
        a.write_all(&frames).unwrap();
        let answered = accepting.join().unwrap();
        let answered = answered.map(|mut stream| {
            assert_eq!(stream.recv().unwrap().unwrap(), b"it is me");
            stream
        });
        drop(a);
        (Ok(handed), answered)
    };
    let mine = |days: u64| StaticKey::generate(Person::carol().me, SUITE, NOW - DAY + days, NOW + DAY).unwrap();
    // One of another identity does not even go out under hers; one of hers that is older, or the same, changes nothing.
    let older = StaticKey::generate(alice.me, SUITE, NOW - 9 * DAY, NOW + DAY).unwrap();
    let before = bob.keeper.store().bundle_of(alice.fingerprint(), SUITE, NOW).unwrap().unwrap();
    assert!(matches!(thief(Some(mine(1).bundle()), NOW), (Ok(Some(Err(Error::WrongKind))), Ok(_))));
    bob.noted();
    let (handed, deceived) = thief(Some(older.bundle()), NOW);
    assert!(matches!(handed, Ok(Some(Ok(1)))) && deceived.is_ok());
    assert!(bob.noted().contains(&Noted::Bundle(Taken::Not(NotTaken::Older))));
    let after = bob.keeper.store().bundle_of(alice.fingerprint(), SUITE, NOW).unwrap().unwrap();
    assert!(before.as_bytes() == after.as_bytes());
    // Its owner makes another one and meets Bob: the stolen one opens nothing any more, long before its end.
    let newer = StaticKey::generate(alice.me, SUITE, NOW, NOW + 30 * DAY).unwrap();
    alice.keeper.store().add_key(newer, NOW).unwrap();
    assert_eq!(call(&alice.calling(&bob, &[Way::Acquainted]), &bob.listening(), &alice, &bob).talk(), Pattern::Ik);
    assert!(bob.noted().contains(&Noted::Bundle(Taken::Newer)));
    assert!(matches!(thief(None, NOW), (Err(()), Err(error)) if protocol(&error) == Some(Error::Truncated)));
}

/// As `cp -a` does it, but for when the files were made.
#[cfg(unix)]
fn copy_folder(from: &Path, to: &Path) {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to.join(entry.file_name())).unwrap();
        file.write_all(&bytes).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_restored_backup_uses_what_was_used() {
    let home = tempfile::tempdir().unwrap();
    let [there, backup] = ["book", "backup"].map(|name| home.path().join(name));
    let bob = Person::bob();
    let alice = Person::keeping(Person::alice().me, Folder::open(&there).unwrap());
    meet(&alice, &bob);
    copy_folder(&there, &backup);
    for _ in 0..2 {
        assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
    }
    // The disk is lost, and the backup comes. It knows that it is one.
    drop(alice);
    let alice = Person::keeping(Person::alice().me, Folder::open(&backup).unwrap());
    assert_eq!(alice.reports(), [Report::Copied]);
    let called = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob);
    assert_eq!(called.patterns(), [5]);
    assert_eq!(called.talk(), Pattern::Ik);
    assert!(bob.reports().is_empty());
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
}

/// A whole machine goes back, which no folder can see: the other side does.
#[test]
fn a_machine_that_goes_back_resumes_twice() {
    let (alice, bob) = acquainted();
    let earlier = copy(&alice.record(&bob).unwrap());
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
    let (answer, _) = knock(&bob.listening(), &resume_hello(&earlier, b""), 2);
    assert_eq!(answer, [0, 1, 5]);
    assert!(matches!(bob.reports().as_slice(), [Report::SecondUse { peer: Some(peer), .. }] if *peer == alice.fingerprint()));
    // The record of the present is not touched by it.
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
}

#[cfg(unix)]
#[test]
fn two_devices_with_one_store_use_one_record() {
    let home = tempfile::tempdir().unwrap();
    let folder = |name: &str| Folder::open(home.path().join(name)).unwrap();
    let bobs = [(); 2].map(|()| Person::keeping(Person::bob().me, folder("bob")));
    let alices = [(); 2].map(|()| Person::keeping(Person::alice().me, folder("alice")));
    meet(&alices[0], &bobs[0]);
    // In turns: what one device or server kept the other uses.
    for n in 0..4 {
        let (alice, bob) = (&alices[n % 2], &bobs[n / 2]);
        assert_eq!(call(&alice.calling(bob, &ACQUAINTED), &bob.listening(), alice, bob).talk(), Pattern::Resume);
    }
    // At once, and nobody uses what another one does.
    let patterns: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> = (0..6)
            .map(|n: usize| {
                let (alice, bob) = (&alices[n % 2], &bobs[n / 3]);
                scope.spawn(move || call(&alice.calling(bob, &ACQUAINTED), &bob.listening(), alice, bob).talk())
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(patterns.iter().all(|pattern| [Pattern::Resume, Pattern::Ik].contains(pattern)), "{patterns:?}");
    for person in alices.iter().chain(&bobs) {
        assert_eq!(person.reports(), []);
        assert!(!person.noted().contains(&Noted::Failed));
    }
}

/// The first connection is cut after so many bytes of one direction, the second is not.
fn cut_call(alice: &Person, bob: &Person, at: u64, there: bool) -> Called {
    let connect = alice.calling(bob, &ACQUAINTED).early_data(Early::from(b"early".as_slice()));
    let trust = (&mut Pinned(bob.fingerprint()), Pinned(alice.fingerprint()));
    call_with(&connect, &bob.listening().early_data(), trust, |n, a, b| {
        if n == 0 {
            if there { a } else { b }.controls().cut_after(at);
        }
    })
}

#[test]
fn a_cut_within_a_resume_doubles_a_message_or_loses_more_than_the_record() {
    let (alice, bob) = acquainted();
    let mut arrived = [0; 2];
    for (there, length) in [(true, RESUME_1 + 5), (false, RESUME_2)] {
        for at in (0..length).step_by(STEP).chain([length - 1]) {
            let record = alice.record(&bob).unwrap();
            let called = cut_call(&alice, &bob, at, there);
            assert_eq!((called.patterns().last(), called.answered.len()), (Some(&5), 2), "cut at {at}");
            assert!(alice.keeper.store().resumption(Role::Opener, record.id(), NOW).unwrap().is_none());
            let read = called.answered[0].as_ref().map_or(0, |stream| {
                assert_eq!(stream.beginning().unwrap().early_data().as_bytes(), b"early");
                1
            });
            // It may have come, and its sender cannot know. What comes then is what the application sends, once.
            assert!(read <= u64::from(!there), "cut at {at}");
            arrived[usize::from(there)] += read;
            let (mut a, mut b) = called.pair();
            assert!(!a.beginning().unwrap().sent_early_data() && b.beginning().unwrap().early_data().as_bytes().is_empty());
            exchange(&mut a, &mut b);
            part(a, b);
            assert!(bob.reports().is_empty());
        }
    }
    assert_eq!(arrived[1], 0);
    assert!(arrived[0] > 15);
}

/// Half-open states: one for each reference as sent and source, whether it is known or not, and a place is given back.
#[test]
fn strangers_fill_a_listener_with_half_open_handshakes() {
    let (alice, bob) = acquainted();
    let store = alice.keeper.store();
    let theirs = store.bundle_of(bob.fingerprint(), SUITE, NOW).unwrap().unwrap();
    let known = store.delivered_key(alice.fingerprint(), bob.fingerprint(), SUITE, NOW).unwrap().unwrap();
    let unknown = Arc::new(StaticKey::generate(Person::carol().me, SUITE, NOW - DAY, NOW + DAY).unwrap());
    drop(store);
    for key in [known, unknown] {
        let hello = AcquaintedInitiator::new(&key, &theirs, PROLOGUE, NOW).send_hello().unwrap().1;
        let accept = Arc::new(bob.listening());
        // One waits for its Confirm, which will not come.
        let half_open = |source: u8| {
            let (mut a, b) = pipe();
            let accept = Arc::clone(&accept);
            let accepting = thread::spawn(move || accept.accept_from(b, from(source), &mut Anonymous).err().as_ref().and_then(protocol));
            a.write_all(&hello).unwrap();
            let mut reply = vec![0; 2_275];
            a.read_exact(&mut reply).unwrap();
            (a, accepting)
        };
        let (a, accepting) = half_open(1);
        for _ in 0..5 {
            let (answer, error) = knock(&accept, &hello, 1);
            assert_eq!((answer.as_slice(), error), ([0, 1, 5].as_slice(), Some(Error::RefusedByUs(Refusal::Refused))));
        }
        // From elsewhere it is another's.
        let (other, other_accepting) = half_open(2);
        drop((a, other));
        assert_eq!([accepting, other_accepting].map(|one| one.join().unwrap()), [Some(Error::Truncated); 2]);
        let (a, accepting) = half_open(1);
        drop(a);
        assert_eq!(accepting.join().unwrap(), Some(Error::Truncated));
    }
    assert_eq!(call(&alice.calling(&bob, &[Way::Acquainted]), &bob.listening(), &alice, &bob).talk(), Pattern::Ik);
}

#[test]
fn a_stranger_without_identity_fills_the_store() {
    let book = Arc::new(Mutex::new(Book::new()));
    let keeper = Keeper::sharing(Arc::clone(&book)).unwrap();
    let bob = Person::bob();
    let accept = Accept::new(bob.me, PROLOGUE).acquaintances(&keeper).anonymous();
    for _ in 0..5 {
        let (mut a, b) = pipe();
        a.write_all(&AnonymousInitiator::new(PROLOGUE).send_hello().unwrap().1).unwrap();
        let mut stream = accept.accept(b, &mut Anonymous).unwrap();
        drop(a);
        assert!(stream.recv().is_err());
    }
    assert!(format!("{:?}", book.lock().unwrap()).contains("records: 0"), "{:?}", book.lock().unwrap());
    // Who says something holds the keys.
    let connect = twinlock::io::Connect::anonymous(PROLOGUE);
    let (mut a, mut b) = call_with(&connect, &accept, (&mut Pinned(bob.fingerprint()), Anonymous), |_, _, _| ()).pair();
    exchange(&mut a, &mut b);
    assert!(format!("{:?}", book.lock().unwrap()).contains("records: 1"));
}

#[cfg(unix)]
#[test]
fn a_store_that_fails_ends_a_conversation() {
    let home = tempfile::tempdir().unwrap();
    let there = home.path().join("book");
    let bob = Person::bob();
    let alice = Person::keeping(Person::alice().me, Folder::open(&there).unwrap());
    meet(&alice, &bob);
    let (mut a, mut b) = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).pair();
    // The disk does not keep its word.
    fs::write(there.join("state"), b"damaged").unwrap();
    exchange(&mut a, &mut b);
    part(a, b);
    let called = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob);
    assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::Store));
    assert!(alice.noted().contains(&Noted::Failed));
    assert_eq!(call(&alice.calling(&bob, &ALL), &bob.listening(), &alice, &bob).talk(), Pattern::Xx);
}
