//! Whole conversations over two folders: `XX` and the bundles, then `IK`, then `resume`; and what comes a second time.

use crate::people::{ALICE, BOB, DAY, NOW, PROLOGUE, Place, SUITE, alice, bob, contents, put};
use std::sync::{Arc, LazyLock};
use twinlock::acquaintances::{Acquaintances, AddressBook, Folder, Report, Taken, Wanted};
use twinlock::channel::Role;
use twinlock::handshake::{AcquaintedInitiator, AnyHello, Decoys, Initiator, Rejected, Responder, ResumeInitiator};
use twinlock::trust::Pinned;
use twinlock::{Bundle, Channel, Error, Identity};

static DECOYS: LazyLock<Arc<Decoys>> = LazyLock::new(|| Arc::new(Decoys::generate().unwrap()));

fn listening(who: &Identity, now: u64) -> Responder {
    Responder::new(who, PROLOGUE).decoys(&DECOYS).now(now)
}

fn keep(stores: [&mut Folder; 2], channels: [&mut Channel; 2], now: u64) {
    for (store, channel) in stores.into_iter().zip(channels) {
        assert!(store.keep(channel.keep_resumption(now).unwrap().unwrap(), now).unwrap());
    }
}

/// Alice opens to Bob, whom she does not know yet; each gives the other a bundle.
fn meet([a, b]: [&mut Folder; 2], now: u64) {
    let (alices, hello) = Initiator::new(&ALICE, PROLOGUE).send_hello().unwrap();
    let (bobs, reply) = Responder::new(&BOB, PROLOGUE).read_hello(&hello).unwrap().send_reply().unwrap();
    let (mut alices, finish) = alices.read_reply(&reply).unwrap().send_finish(&mut Pinned(bob())).unwrap();
    let mut bobs = bobs.read_finish(&finish).unwrap().into_channel(&mut Pinned(alice())).unwrap();
    let [of_alice, of_bob] = [a.renew(&ALICE, SUITE, now).unwrap(), b.renew(&BOB, SUITE, now).unwrap()];
    let read = |bytes: &[u8]| Bundle::from_bytes(bytes).unwrap();
    assert_eq!(a.take_bundle(read(of_bob.bundle().as_bytes()), now).unwrap(), Taken::First);
    assert_eq!(b.take_bundle(read(of_alice.bundle().as_bytes()), now).unwrap(), Taken::First);
    assert!(a.set_delivered(bob(), of_alice.bundle(), now).unwrap() && b.set_delivered(alice(), of_bob.bundle(), now).unwrap());
    keep([a, b], [&mut alices, &mut bobs], now);
}

/// Alice opens in `IK`, as the stores say. Where Bob has nothing the handshake ends at one of the two.
fn acquainted([a, b]: [&mut Folder; 2], now: u64) -> Result<[Channel; 2], Error> {
    let mine = a.delivered_key(alice(), bob(), SUITE, now).unwrap().unwrap();
    let theirs = a.bundle_of(bob(), SUITE, now).unwrap().unwrap();
    let (alices, hello) = AcquaintedInitiator::new(&mine, &theirs, PROLOGUE, now).send_hello()?;
    let AnyHello::Acquainted(heard) = listening(&BOB, now).read_hello_with(&hello, b).map_err(|rejected| rejected.error())? else {
        panic!("not IK")
    };
    let (bobs, reply) = heard.send_reply().unwrap();
    let (alices, confirm) = alices.read_reply(&reply)?.send_confirm(&mut Pinned(bob()))?;
    let bobs = bobs.read_confirm(&confirm)?.into_channel(&mut Pinned(alice())).unwrap();
    Ok([alices, bobs])
}

fn wanted() -> Wanted<'static> {
    Wanted { me: Some(alice()), peer: Some(bob()), suite: SUITE, prologue: PROLOGUE, psk_tag: None }
}

/// Alice's first message of `resume`, and what awaits the answer. Her record is gone then.
fn resume_hello(a: &mut Folder, now: u64) -> (twinlock::handshake::ResumeAwaitsReply, Vec<u8>) {
    let record = a.resumption_with(&wanted(), now).unwrap().unwrap();
    ResumeInitiator::new(record, PROLOGUE).judge(&mut Pinned(bob())).unwrap().send_hello(a, now).unwrap()
}

fn answer(b: &mut Folder, hello: &[u8], now: u64) -> Result<(Channel, Vec<u8>), Rejected> {
    let AnyHello::Resume(heard) = listening(&BOB, now).read_hello_with(hello, b)? else { panic!("not resume") };
    Ok(heard.remove(b)?.judge(&mut Pinned(alice()))?.send_reply().unwrap())
}

#[test]
fn what_is_kept_opens_no_conversation() {
    let (at_alice, at_bob) = (Place::new(), Place::new());
    let (mut a, mut b) = (at_alice.open(), at_bob.open());
    meet([&mut a, &mut b], NOW);
    // Everything is read from the disk again.
    let (mut a, mut b) = (at_alice.open(), at_bob.open());
    let [mut alices, mut bobs] = acquainted([&mut a, &mut b], NOW).unwrap();
    assert_eq!([alices.peer(), bobs.peer()].map(twinlock::identity::Peer::fingerprint), [Some(bob()), Some(alice())]);
    keep([&mut a, &mut b], [&mut alices, &mut bobs], NOW);
    // One record of `XX` and one of `IK`, and each leads to another.
    for n in 0..3 {
        let (alices, hello) = resume_hello(&mut at_alice.open(), NOW + n);
        let (mut bobs, reply) = answer(&mut at_bob.open(), &hello, NOW + n).map_err(|rejected| rejected.error()).unwrap();
        let mut alices = alices.read_reply(&reply).unwrap().into_channel().unwrap();
        assert_eq!(alices.conversation().handshake_hash(), bobs.conversation().handshake_hash());
        keep([&mut a, &mut b], [&mut alices, &mut bobs], NOW + n);
    }
    assert_eq!((at_alice.names_of("record").len(), at_bob.names_of("record").len()), (2, 2));
    assert!(a.reports().unwrap().is_empty() && b.reports().unwrap().is_empty());
}

#[test]
fn a_recorded_first_message_of_resume_is_answered_twice() {
    let (at_alice, at_bob) = (Place::new(), Place::new());
    let (mut a, mut b) = (at_alice.open(), at_bob.open());
    meet([&mut a, &mut b], NOW);
    let backup = contents(&at_bob.path);
    let (_, hello) = resume_hello(&mut a, NOW);
    assert!(a.resumption_with(&wanted(), NOW).unwrap().is_none());
    assert!(answer(&mut b, &hello, NOW).is_ok());
    let id = hello[8..24].try_into().unwrap();
    for reported in [true, false] {
        assert!(answer(&mut b, &hello, NOW).is_err());
        let expected = [Report::SecondUse { role: Role::Answerer, id, peer: Some(alice()) }];
        assert_eq!(b.reports().unwrap(), expected[..usize::from(reported)]);
    }
    // Nor after Bob's backup was restored, before which the record was not used: while his program runs, and after.
    if cfg!(unix) && std::fs::metadata(at_bob.path.join("state")).unwrap().created().is_ok() {
        put(&backup, &at_bob.path);
        assert!(answer(&mut b, &hello, NOW).is_err() && answer(&mut at_bob.open(), &hello, NOW).is_err());
        assert_eq!(b.reports().unwrap(), [Report::Copied]);
        // He is still an acquaintance.
        assert!(acquainted([&mut a, &mut b], NOW).is_ok());
    }
}

/// To Alice it looks as if Bob knew her no more; his own program is told why.
#[test]
fn a_responder_whose_clock_was_set_back_answers() {
    let (at_alice, at_bob) = (Place::new(), Place::new());
    let (mut a, mut b) = (at_alice.open(), at_bob.open());
    meet([&mut a, &mut b], NOW);
    b.tidy(NOW + 2 * DAY).unwrap();
    assert!(acquainted([&mut a, &mut b], NOW).is_err());
    let (_, hello) = resume_hello(&mut a, NOW);
    assert_eq!(answer(&mut b, &hello, NOW).err().map(|rejected| rejected.error()), Some(Error::ClockBehind));
    b.clock_is_right().unwrap();
    assert!(acquainted([&mut a, &mut b], NOW).is_ok());
    assert!(answer(&mut b, &hello, NOW).is_ok());
}

#[test]
fn a_forgotten_peer_is_answered_as_an_acquaintance() {
    let (at_alice, at_bob) = (Place::new(), Place::new());
    let (mut a, mut b) = (at_alice.open(), at_bob.open());
    meet([&mut a, &mut b], NOW);
    assert!(acquainted([&mut a, &mut b], NOW).is_ok());
    let (_, hello) = resume_hello(&mut a, NOW);
    assert!(b.forget(alice()).unwrap());
    assert!(acquainted([&mut a, &mut b], NOW).is_err());
    assert!(answer(&mut b, &hello, NOW).is_err());
    assert!(b.resumption(Role::Answerer, &[0; 16], NOW).unwrap().is_none() && b.reports().unwrap().is_empty());
}
