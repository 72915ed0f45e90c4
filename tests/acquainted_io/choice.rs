//! Which way is chosen, by what is kept and what is allowed.

use crate::people::{ACQUAINTED, ALL, DAY, Noted, PROLOGUE, Person, acquainted, call, call_with, exchange, meet, part, protocol};
use crate::pipe::pipe;
use std::time::{Duration, Instant};
use twinlock::acquaintances::Way;
use twinlock::handshake::Pattern;
use twinlock::io::{Accept, Connect};
use twinlock::trust::{Anonymous, Peer, Trusted};
use twinlock::{Distrust, Error, Pinned, Refusal, Trust};

#[test]
fn the_first_meeting_happens_without_leave() {
    let (alice, bob) = (Person::alice(), Person::bob());
    let unless_told = || Connect::new(alice.me, PROLOGUE).acquaintances(&alice.keeper).peer(bob.fingerprint());
    for connect in [unless_told(), unless_told().ways(&ACQUAINTED), unless_told().ways(&[]), unless_told().ways(&[Way::Visited])] {
        let (a, _b) = pipe();
        let control = a.controls();
        let failed = connect.attempt(a, &mut Pinned(bob.fingerprint())).unwrap_err();
        assert_eq!((protocol(failed.error()), failed.way(), failed.next()), (Some(Error::NotAcquainted), None, None));
        assert_eq!(control.written(), 0);
    }
}

#[test]
fn a_peer_met_once_is_a_stranger_again() {
    let (alice, bob) = acquainted();
    let connect = alice.calling(&bob, &ACQUAINTED);
    for _ in 0..2 {
        let called = call(&connect, &bob.listening(), &alice, &bob);
        assert!(called.caller.as_ref().is_ok_and(|stream| stream.beginning().is_some_and(|beginning| beginning.tried().is_empty())));
        assert_eq!(called.talk(), Pattern::Resume);
    }
    // And the other way round: who answered then opens, and has no record with which it may.
    let back = call(&bob.calling(&alice, &ACQUAINTED), &alice.listening(), &bob, &alice);
    assert_eq!(back.talk(), Pattern::Ik);
    assert_eq!(call(&bob.calling(&alice, &ACQUAINTED), &alice.listening(), &bob, &alice).talk(), Pattern::Resume);
    let seen: Vec<_> = bob.keeper.store().acquaintances().unwrap().iter().map(|known| (known.peer, known.way)).collect();
    assert_eq!(seen, [(alice.fingerprint(), Way::Resumed)]);
}

#[test]
fn a_way_that_is_not_allowed_is_taken() {
    let (alice, bob) = acquainted();
    let record = alice.record(&bob).unwrap();
    assert_eq!(call(&alice.calling(&bob, &[Way::Acquainted]), &bob.listening(), &alice, &bob).talk(), Pattern::Ik);
    assert_eq!(call(&alice.calling(&bob, &[Way::Met]), &bob.listening(), &alice, &bob).talk(), Pattern::Xx);
    // Newer records came; the first one stayed.
    assert!(alice.keeper.store().resumption(record.role(), record.id(), alice.keeper.now()).unwrap().is_some());
    // A responder that hides.
    let hidden = bob.listening().ways(&ACQUAINTED);
    let called = call(&alice.calling(&bob, &[Way::Met]), &hidden, &alice, &bob);
    assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::RefusedByPeer(Refusal::Pattern)));
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &hidden, &alice, &bob).talk(), Pattern::Resume);
    assert_eq!(call(&alice.calling(&bob, &[Way::Acquainted]), &hidden, &alice, &bob).talk(), Pattern::Ik);
    // One that answers strangers alone, and one that keeps nobody.
    for accept in [bob.listening().ways(&[Way::Met]), Accept::new(bob.me, PROLOGUE)] {
        let called = call(&alice.calling(&bob, &ACQUAINTED), &accept, &alice, &bob);
        assert_eq!(called.patterns(), [7, 5]);
        assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::RefusedByPeer(Refusal::Pattern)));
    }
}

/// The bundle that went with the first meeting is what `IK` needs, at both ends; half of it is not enough.
#[test]
fn a_bundle_that_was_not_delivered_counts_as_one_that_was() {
    let (alice, bob) = (Person::alice(), Person::bob());
    let (mut a, mut b) = call(&alice.calling(&bob, &ALL), &bob.listening(), &alice, &bob).pair();
    // Alice's bundle comes, and her word that Bob's did is lost.
    exchange(&mut a, &mut b);
    drop((a, b));
    assert!(alice.noted().contains(&Noted::Delivered) && !bob.noted().contains(&Noted::Delivered));
    let back = call(&bob.calling(&alice, &ACQUAINTED), &alice.listening(), &bob, &alice);
    assert_eq!(protocol(back.caller.unwrap_err().error()), Some(Error::NotAcquainted));
    assert_eq!(call(&alice.calling(&bob, &[Way::Acquainted]), &bob.listening(), &alice, &bob).talk(), Pattern::Ik);
    // Now it was.
    assert_eq!(call(&bob.calling(&alice, &ACQUAINTED), &alice.listening(), &bob, &alice).talk(), Pattern::Ik);
}

#[test]
fn what_is_over_is_used() {
    let (alice, bob) = acquainted();
    let later = |days: u64| {
        alice.later(days * DAY);
        bob.later(days * DAY);
    };
    later(6);
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Resume);
    // What a resumed conversation leaves is over when the first record would be.
    later(1);
    assert!(alice.record(&bob).is_none());
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Ik);
    assert!(alice.record(&bob).is_some());
    // A bundle lives 60 days, of which one was over when it was made.
    later(53);
    let called = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob);
    assert!(called.hellos.is_empty() || called.patterns().is_empty(), "{:?}", called.patterns());
}

/// Somebody who speaks now and then has fresh bundles in time, without anybody doing anything for it.
#[test]
fn acquaintances_who_meet_often_become_strangers() {
    let (alice, bob) = acquainted();
    let mut newer = 0;
    for _ in 0..20 {
        alice.later(8 * DAY);
        bob.later(8 * DAY);
        assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Ik);
        for person in [&alice, &bob] {
            newer += person.noted().iter().filter(|noted| matches!(noted, Noted::Bundle(twinlock::acquaintances::Taken::Newer))).count();
        }
    }
    // 160 days, and a new one at the first meeting after 28 each.
    assert_eq!(newer, 2 * 5);
}

#[test]
fn an_anonymous_client_needs_a_signature_each_time() {
    let (bob, keeper) = (Person::bob(), Person::alice().keeper);
    let connect = || Connect::anonymous(PROLOGUE).acquaintances(&keeper).peer(bob.fingerprint());
    let accept = bob.listening().anonymous();
    for (ways, pattern) in [(&ALL[..], Pattern::Nx), (&ACQUAINTED[..], Pattern::Resume), (&ALL[..], Pattern::Resume)] {
        let called = call_with(&connect().ways(ways), &accept, (&mut Pinned(bob.fingerprint()), Anonymous), |_, _, _| ());
        assert_eq!(called.talk(), pattern);
        assert!(!bob.noted().contains(&Noted::Delivered), "a bundle was sent to nobody in particular");
    }
    // Who has no identity is nobody's acquaintance.
    let called = call_with(&connect().ways(&[Way::Acquainted]), &accept, (&mut Pinned(bob.fingerprint()), Anonymous), |_, _, _| ());
    assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::NotAcquainted));
    // And one who judges takes back what it allowed.
    let called =
        call_with(&connect().ways(&ACQUAINTED), &accept, (&mut Pinned(bob.fingerprint()), Pinned(bob.fingerprint())), |_, _, _| ());
    assert_eq!(protocol(called.caller.unwrap_err().error()), Some(Error::RefusedByPeer(Refusal::Refused)));
}

#[test]
fn the_paved_path_keeps_something() {
    let (alice, bob) = acquainted();
    let (mut a, mut b) = {
        let connect = Connect::new(alice.me, PROLOGUE);
        call(&connect, &Accept::new(bob.me, PROLOGUE), &alice, &bob).pair()
    };
    assert_eq!((a.pattern(), b.pattern()), (Some(Pattern::Xx), Some(Pattern::Xx)));
    exchange(&mut a, &mut b);
    // What the channel carried for the messages, and nothing else.
    assert_eq!((a.sent().records, b.sent().records, a.pong(), b.pong()), (1, 1, None, None));
    part(a, b);
    assert!(alice.noted().is_empty() && bob.noted().is_empty());
    let fresh = (Person::alice(), Person::bob());
    meet(&fresh.0, &fresh.1);
}

/// The figures of the README; and whoever thinks long costs nobody's time.
#[test]
fn a_cost_is_not_what_went_over_the_line() {
    const THOUGHT: Duration = Duration::from_millis(50);
    struct Slow(Pinned);
    impl Trust for Slow {
        fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
            std::thread::sleep(THOUGHT);
            self.0.judge(peer)
        }
    }
    let (alice, bob) = (Person::alice(), Person::bob());
    for (ways, sent, received) in [(&ALL[..], 1_224 + 5_407, 6_528), (&[Way::Acquainted], 2_408 + 21, 2_275), (&ALL, 1_256, 1_139)] {
        let (connect, accept) = (alice.calling(&bob, ways), bob.listening());
        let (mut slow, begun) = (Slow(Pinned(bob.fingerprint())), Instant::now());
        let (mut a, mut b) = call_with(&connect, &accept, (&mut slow, Pinned(alice.fingerprint())), |_, _, _| ()).pair();
        let whole = begun.elapsed();
        exchange(&mut a, &mut b);
        let [here, there] = [&a, &b].map(|stream| stream.beginning().unwrap().cost());
        assert_eq!((here.sent, here.received, there.sent, there.received), (sent, received, received, sent));
        assert!(here.took + THOUGHT <= whole && !here.took.is_zero() && !there.took.is_zero(), "{here:?} of {whole:?}");
        part(a, b);
    }
}
