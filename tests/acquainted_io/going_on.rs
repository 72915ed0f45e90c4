//! What follows when a way fails, and what never does.

use crate::people::{ACQUAINTED, ALL, DAY, PROLOGUE, Person, SUITE, acquainted, call, call_with, exchange, part, protocol};
use std::io::{Error as Broken, ErrorKind};
use twinlock::acquaintances::{AddressBook, Report, Wanted, Way};
use twinlock::channel::Role;
use twinlock::handshake::{Early, Pattern, Psk};
use twinlock::identity::{Peer, Trusted};
use twinlock::io::Connect;
use twinlock::{Distrust, Error, Pinned, Refusal, Trust};

/// Bob has lost the record that Alice has.
fn lose_record(alice: &Person, bob: &Person) {
    let record = alice.record(bob).unwrap();
    assert!(bob.keeper.clone().remove(Role::Answerer, record.id(), bob.keeper.now()).unwrap());
}

#[test]
fn a_resume_that_is_refused_ends_it_all() {
    let (alice, bob) = acquainted();
    lose_record(&alice, &bob);
    let (a, b) = {
        let called = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob);
        assert_eq!((called.patterns().as_slice(), called.answered.len()), ([7, 5].as_slice(), 2));
        called.pair()
    };
    let tried = a.beginning().unwrap().tried();
    assert_eq!((tried.len(), tried[0].way, protocol(&tried[0].error)), (1, Way::Resumed, Some(Error::RefusedByPeer(Refusal::Refused))));
    assert!(b.beginning().unwrap().tried().is_empty());
    // It was used once at Bob's, and came again: he learns so, once.
    let reports = bob.reports();
    assert!(
        matches!(reports.as_slice(), [Report::SecondUse { role: Role::Answerer, peer: Some(peer), .. }] if *peer == alice.fingerprint())
    );
    assert!(bob.reports().is_empty() && alice.reports().is_empty());
    drop((a, b));
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
}

#[test]
fn one_attempt_is_two_or_does_not_say_what_is_left() {
    let (alice, bob) = acquainted();
    lose_record(&alice, &bob);
    let attempt = |ways: &[Way]| {
        let (a, b) = crate::pipe::pipe();
        let (accept, caller) = (bob.listening(), alice.fingerprint());
        std::thread::scope(|scope| {
            let accepting = scope.spawn(move || accept.accept(b, &mut Pinned(caller)));
            let failed = alice.calling(&bob, ways).attempt(a, &mut Pinned(bob.fingerprint()));
            let answered = accepting.join().unwrap();
            (failed, answered)
        })
    };
    let (failed, _) = attempt(&ALL);
    let failed = failed.unwrap_err();
    assert_eq!((failed.way(), failed.next(), failed.tried().len()), (Some(Way::Resumed), Some(Way::Acquainted), 0));
    // Where nothing else is kept it would be as strangers, where that is allowed.
    bob.keeper.store().forget(alice.fingerprint()).unwrap();
    let failed = attempt(&ALL).0.unwrap_err();
    assert_eq!((failed.way(), failed.next()), (Some(Way::Acquainted), Some(Way::Met)));
    assert_eq!(protocol(failed.error()), Some(Error::Authentication));
    let failed = attempt(&ACQUAINTED).0.unwrap_err();
    assert_eq!((failed.way(), failed.next()), (Some(Way::Acquainted), None));
    let (met, answered) = attempt(&[Way::Met]);
    part(met.unwrap(), answered.unwrap());
}

/// Somebody between can break off every `resume` and every `IK`: that brings about no `XX` by itself.
#[test]
fn somebody_between_makes_acquaintances_strangers() {
    for (ways, patterns) in [(&ACQUAINTED[..], &[7, 5][..]), (&ALL[..], &[7, 5, 1][..]), (&[Way::Resumed, Way::Met][..], &[7, 1][..])] {
        let (alice, bob) = acquainted();
        let trust = (&mut Pinned(bob.fingerprint()), Pinned(alice.fingerprint()));
        let called = call_with(&alice.calling(&bob, ways), &bob.listening(), trust, |_, _, b| b.controls().cut_after(0));
        assert_eq!(called.patterns(), patterns);
        let failed = called.caller.unwrap_err();
        assert_eq!((protocol(failed.error()), failed.next()), (Some(Error::Truncated), None));
        let tried: Vec<u8> = failed.tried().iter().map(|tried| if tried.way == Way::Resumed { 7 } else { 5 }).collect();
        assert_eq!([&tried[..], &[*patterns.last().unwrap()]].concat(), patterns);
    }
}

#[test]
fn nobody_answers_and_a_record_is_gone() {
    let (alice, bob) = acquainted();
    let refused = || Err::<crate::pipe::Pipe, _>(Broken::from(ErrorKind::ConnectionRefused));
    let failed = alice.calling(&bob, &ALL).dial(refused, &mut Pinned(bob.fingerprint())).unwrap_err();
    assert!(matches!(failed.error(), twinlock::io::Error::Transport(error) if error.kind() == ErrorKind::ConnectionRefused));
    assert_eq!((failed.way(), failed.next()), (None, Some(Way::Resumed)));
    assert!(alice.record(&bob).is_some());
}

/// Says this of everybody, and counts how often it was asked.
#[derive(Clone)]
struct Says(Result<Trusted, Distrust>, usize);

impl Trust for Says {
    fn judge(&mut self, _: &Peer) -> Result<Trusted, Distrust> {
        self.1 += 1;
        self.0
    }
}

#[test]
fn a_peer_that_is_declined_is_asked_in_another_way() {
    for why in [Distrust::WeakerSuite, Distrust::Revoked, Distrust::Declined] {
        let (alice, bob) = acquainted();
        let mut says = Says(Err(why), 0);
        // Before the first message of a resume, so that nothing is sent and the record stays.
        let called = call_with(&alice.calling(&bob, &ALL), &bob.listening(), (&mut says, Says(Ok(Trusted::Asked), 0)), |_, _, _| ());
        let failed = called.caller.unwrap_err();
        assert_eq!((protocol(failed.error()), failed.next(), says.1), (Some(Error::Untrusted(why)), None, 1));
        assert!(called.hellos[0].is_empty() && alice.record(&bob).is_some());
        // In IK after message 2: one connection, and no Confirm.
        let connect = alice.calling(&bob, &[Way::Acquainted, Way::Met]);
        let called = call_with(&connect, &bob.listening(), (&mut says, Says(Ok(Trusted::Asked), 0)), |_, _, _| ());
        let failed = called.caller.unwrap_err();
        assert_eq!((protocol(failed.error()), failed.next(), called.answered.len()), (Some(Error::Untrusted(why)), None, 1));
        assert!(called.answered[0].as_ref().is_err_and(|error| protocol(error) == Some(Error::Truncated)));
    }
}

#[test]
fn a_responder_that_declines_says_so_to_strangers() {
    let (alice, bob) = acquainted();
    let declines = Says(Err(Distrust::Declined), 0);
    let trust = || (Pinned(bob.fingerprint()), declines.clone());
    let (mut pinned, says) = trust();
    let called = call_with(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), (&mut pinned, says), |_, _, _| ());
    // The record is used up; in IK the refusal comes after the Confirm, sealed.
    assert_eq!(called.patterns(), [7, 5]);
    assert!(
        called.answered.iter().all(|one| one.as_ref().is_err_and(|error| protocol(error) == Some(Error::Untrusted(Distrust::Declined))))
    );
    let mut stream = called.caller.unwrap();
    assert_eq!(stream.recv().map_err(|error| protocol(&error)), Err(Some(Error::RefusedByPeer(Refusal::Refused))));
}

#[test]
fn an_expected_peer_is_replaced_by_another_who_is_trusted() {
    let (alice, bob) = acquainted();
    let carol = Person::carol();
    let (mut anyone, all) = (Says(Ok(Trusted::Asked), 0), Says(Ok(Trusted::Asked), 0));
    let called = call_with(&alice.calling(&bob, &[Way::Met]), &carol.listening(), (&mut anyone, all.clone()), |_, _, _| ());
    assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::Untrusted(Distrust::NotExpected)));
    // Also without a store.
    let connect = Connect::new(alice.me, PROLOGUE).peer(bob.fingerprint());
    let called = call_with(&connect, &carol.listening(), (&mut anyone, all.clone()), |_, _, _| ());
    assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::Untrusted(Distrust::NotExpected)));
    assert!(called.answered[0].is_err());
}

fn psk(byte: u8) -> Psk {
    Psk::take(&mut [byte; 32])
}

#[test]
fn a_pre_shared_key_is_left_out_on_the_way() {
    let (alice, bob) = (Person::alice(), Person::bob());
    let calling = |ways: &[Way]| alice.calling(&bob, ways).psk(&psk(7));
    let accept = bob.listening().psk(&psk(7));
    let expected = [(&ALL[..], Pattern::XxPsk0), (&ACQUAINTED[..], Pattern::Resume), (&[Way::Acquainted][..], Pattern::IkPsk0)];
    for (ways, pattern) in expected {
        assert_eq!(call(&calling(ways), &accept, &alice, &bob).talk(), pattern);
    }
    // Whatever fails, and whoever has no use for the key: no first message goes without it.
    for accept in [bob.listening(), bob.listening().psk(&psk(8))] {
        let called = call(&calling(&ALL), &accept, &alice, &bob);
        assert_eq!(called.patterns().last(), Some(&2));
        assert!(called.patterns().iter().all(|id| [2, 6, 7].contains(id)), "{:?}", called.patterns());
        assert!(called.caller.is_err());
    }
    // A record that stood under the key is not one without it, nor under another.
    assert_eq!(call(&calling(&ALL), &accept, &alice, &bob).talk(), Pattern::IkPsk0);
    for connect in [alice.calling(&bob, &[Way::Resumed]), alice.calling(&bob, &[Way::Resumed]).psk(&psk(8))] {
        let called = call(&connect, &accept, &alice, &bob);
        assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::NotAcquainted));
    }
    assert_eq!(call(&calling(&[Way::Resumed]), &accept, &alice, &bob).talk(), Pattern::Resume);
    // Rotation: the older key is configured still.
    assert_eq!(call(&calling(&[Way::Resumed]), &bob.listening().psk(&psk(9)).psk(&psk(7)), &alice, &bob).talk(), Pattern::Resume);
}

#[test]
fn another_application_or_suite_picks_a_conversation_up() {
    let (alice, bob) = acquainted();
    let other = Connect::new(alice.me, b"another/1").acquaintances(&alice.keeper).peer(bob.fingerprint()).ways(&[Way::Resumed]);
    let suite = alice.calling(&bob, &ACQUAINTED).suite(twinlock::Suite::Level3Aes);
    for connect in [other, suite] {
        let called = call(&connect, &bob.listening(), &alice, &bob);
        assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::NotAcquainted));
    }
    let met = alice.calling(&bob, &ALL).suite(twinlock::Suite::Level3Aes);
    assert_eq!(call(&met, &bob.listening(), &alice, &bob).talk(), Pattern::Xx);
    assert_eq!(call(&met, &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
    assert!(alice.record(&bob).is_some());
}

#[test]
fn early_data_comes_unasked_or_twice() {
    let (alice, bob) = acquainted();
    let early = || alice.calling(&bob, &ACQUAINTED).early_data(Early::from(b"now".as_slice()));
    let asked = bob.listening().early_data();
    let (mut a, mut b) = call(&early(), &asked, &alice, &bob).pair();
    assert!(a.beginning().unwrap().sent_early_data() && a.beginning().unwrap().early_data().as_bytes().is_empty());
    assert_eq!(b.beginning().unwrap().early_data().as_bytes(), b"now");
    exchange(&mut a, &mut b);
    part(a, b);
    // Who does not ask refuses, and nothing is shown; in IK there is none.
    let called = call(&early(), &bob.listening(), &alice, &bob);
    assert!(called.answered[0].as_ref().is_err_and(|error| protocol(error) == Some(Error::RefusedByUs(Refusal::Refused))));
    let (a, b) = called.pair();
    assert!(!a.beginning().unwrap().sent_early_data() && a.beginning().unwrap().tried()[0].way == Way::Resumed);
    assert!(b.beginning().unwrap().early_data().as_bytes().is_empty());
    drop((a, b));
    // Without any it is no matter whether it was asked for.
    let called = call(&alice.calling(&bob, &ACQUAINTED), &asked, &alice, &bob);
    let (a, b) = called.pair();
    assert!(!a.beginning().unwrap().sent_early_data() && b.beginning().unwrap().early_data().as_bytes().is_empty());
    assert_eq!(a.pattern(), Some(Pattern::Resume));
    drop((a, b));
    // Too long: nothing is sent, nothing is lost.
    let too_long = alice.calling(&bob, &ACQUAINTED).early_data(vec![1; 4_097]);
    let called = call(&too_long, &asked, &alice, &bob);
    assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::TooLong));
    assert!(alice.record(&bob).is_some());
}

#[test]
fn a_clock_that_was_set_back_forgets_acquaintances_for_good() {
    let (alice, bob) = acquainted();
    alice.later(3 * DAY);
    bob.later(3 * DAY);
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
    // The opener's: nothing is used, and as strangers only where that was said.
    alice.earlier(2 * DAY);
    let called = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob);
    assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::ClockBehind));
    assert_eq!(call(&alice.calling(&bob, &ALL), &bob.listening(), &alice, &bob).talk(), Pattern::Xx);
    alice.later(2 * DAY);
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
    // The responder's: it looks as if nobody were kept.
    bob.earlier(2 * DAY);
    let called = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob);
    assert_eq!(called.patterns(), [7, 5]);
    assert!(called.answered[0].as_ref().is_err_and(|error| protocol(error) == Some(Error::ClockBehind)));
    assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::Authentication));
    // Its owner says that it is right.
    bob.keeper.store().clock_is_right().unwrap();
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Ik);
}

#[test]
fn two_callers_use_one_record() {
    let (alice, bob) = acquainted();
    let accept = bob.listening();
    let ends: Vec<_> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| call(&alice.calling(&bob, &ACQUAINTED), &accept, &alice, &bob).caller.unwrap().pattern()))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(ends.len(), 8);
    assert!(ends.iter().all(|pattern| matches!(pattern, Some(Pattern::Resume | Pattern::Ik))), "{ends:?}");
    assert!(bob.reports().is_empty() && alice.reports().is_empty());
    let wanted = Wanted { me: Some(alice.fingerprint()), peer: Some(bob.fingerprint()), suite: SUITE, prologue: PROLOGUE, psk_tag: None };
    assert!(alice.keeper.store().resumption_with(&wanted, alice.keeper.now()).unwrap().is_some());
}
