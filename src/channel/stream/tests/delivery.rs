//! Which bundle counts as delivered, and when (docs/protocol.md, section 4.6).

use super::bundle::acquainted;
use super::rng::Seeded;
use super::{Side, frames};
use crate::channel::record::CloseCode;
use crate::channel::stream::{Record, Sealer};
use crate::identity::Bundle;
use std::vec::Vec;

impl Side {
    pub(super) fn sends_bundle(&mut self, bundle: &Bundle) -> Vec<u8> {
        self.sealer.bundle(bundle).unwrap();
        self.seals(Sealer::control)
    }

    pub(super) fn pings(&mut self, number: u32) -> Vec<u8> {
        self.sealer.ping(number);
        self.seals(Sealer::control)
    }

    fn answers_ping(&mut self, ping: &[u8]) -> Vec<u8> {
        let mut ping = ping.to_vec();
        let Record::Ping(number) = self.opener.open(&mut ping).unwrap() else { panic!("not a ping") };
        self.sealer.answer_ping(number);
        self.seals(Sealer::control)
    }

    fn answers_offer(&mut self, offer: &[u8]) -> Vec<u8> {
        self.answers(offer, 9);
        self.seals(Sealer::control)
    }

    /// What both halves say alike.
    pub(super) fn delivered(&self) -> u32 {
        assert_eq!(self.sealer.bundle_delivered(), self.opener.bundle_delivered());
        self.sealer.bundle_delivered()
    }
}

#[test]
fn a_bundle_counts_as_delivered_before_an_answer() {
    let ([mut a, mut b], [bundle]) = acquainted([1]);
    assert_eq!(a.delivered(), 0);
    b.reads(&a.sends_bundle(&bundle));
    assert_eq!(a.delivered(), 0, "it was sealed, and read");
    let (ping, offer) = (a.pings(1), a.offers(2));
    assert_eq!(a.delivered(), 0, "it was asked for");
    // The peer says all that it can say besides.
    let said = [b.says(b"words"), b.seals(Sealer::key_update), b.pings(1), b.offers(3)].concat();
    a.reads(&said);
    assert_eq!(a.delivered(), 0, "nothing was answered");
    let (pong, rekey) = (b.answers_ping(&ping), b.answers_offer(&offer));
    a.reads(&pong);
    assert_eq!(a.delivered(), 1);
    a.reads(&rekey);
    assert_eq!((a.delivered(), b.delivered()), (1, 0));
}

#[test]
fn a_close_counts_as_an_answer() {
    let ([mut a, mut b], [bundle]) = acquainted([1]);
    let wire = [a.sends_bundle(&bundle), a.pings(1), a.offers(2)].concat();
    a.reads(&b.seals(|sealer, out| sealer.close(CloseCode::Done, "", out)));
    assert_eq!(a.delivered(), 0, "it crossed");
    b.reads(&wire);
    a.opener.transport_ended().unwrap();
    assert_eq!(a.delivered(), 0);
}

/// Questions without a bundle before them change nothing.
#[test]
fn an_answer_counts_for_nothing_because_another_ping_was_sent() {
    let ([mut a, mut b], [bundle]) = acquainted([1]);
    b.reads(&a.sends_bundle(&bundle));
    let pings = [a.pings(1), a.pings(2), a.pings(3)];
    a.reads(&b.answers_ping(&pings[0]));
    assert_eq!(a.delivered(), 1);
}

/// Nothing is taken back, either.
#[test]
fn a_delivered_bundle_is_forgotten() {
    let ([mut a, mut b], [bundle]) = acquainted([1]);
    b.reads(&a.sends_bundle(&bundle));
    let ping = a.pings(1);
    a.reads(&b.answers_ping(&ping));
    a.reads(&b.seals(|sealer, out| sealer.close(CloseCode::Done, "", out)));
    assert_eq!(a.delivered(), 1);
    a.error(&[0, 19]);
    assert!(a.sealer.message(b"", &mut Vec::new()).is_err());
    assert_eq!(a.delivered(), 1);
}

#[test]
fn an_answer_to_an_older_offer_delivers() {
    let ([mut a, mut b], [bundle]) = acquainted([1]);
    let offer = a.offers(1);
    let sent = a.sends_bundle(&bundle);
    let rekey = b.answers_offer(&offer);
    b.reads(&sent);
    a.reads(&rekey);
    assert_eq!(a.delivered(), 0);
    let offer = a.offers(2);
    a.reads(&b.answers_offer(&offer));
    assert_eq!(a.delivered(), 1);
}

#[test]
fn an_answer_to_an_older_ping_delivers() {
    let ([mut a, mut b], [bundle]) = acquainted([1]);
    let older = a.pings(7);
    let sent = a.sends_bundle(&bundle);
    // Its number comes again, and a lower one: an answer to these could be the older one's.
    let (again, lower) = (a.pings(7), a.pings(3));
    let mut pongs = [b.answers_ping(&older)].concat();
    b.reads(&sent);
    pongs.extend([b.answers_ping(&again), b.answers_ping(&lower)].concat());
    for mut pong in frames(&pongs) {
        assert!(matches!(a.opener.open(&mut pong).unwrap(), Record::Pong(_)));
        assert_eq!(a.delivered(), 0);
    }
    let ping = a.pings(8);
    a.reads(&b.answers_ping(&ping));
    assert_eq!(a.delivered(), 1);
}

/// Numbers that were not asked, or not since.
#[test]
fn an_answer_to_no_ping_delivers() {
    let ([mut a, mut b], [bundle]) = acquainted([1]);
    b.reads(&[a.pings(5), a.sends_bundle(&bundle), a.pings(9)].concat());
    for number in [0, 5, 8, 10, u32::MAX] {
        b.sealer.answer_ping(number);
        a.reads(&b.seals(Sealer::control));
        assert_eq!(a.delivered(), 0, "an answer with {number}");
    }
    b.sealer.answer_ping(9);
    a.reads(&b.seals(Sealer::control));
    assert_eq!(a.delivered(), 1);
}

/// Of several pings only the newest need be answered.
#[test]
fn a_ping_that_was_passed_over_keeps_a_bundle_undelivered() {
    let ([mut a, mut b], [bundle]) = acquainted([1]);
    b.reads(&[a.sends_bundle(&bundle), a.pings(0), a.pings(1)].concat());
    let ping = a.pings(2);
    a.reads(&b.answers_ping(&ping));
    assert_eq!(a.delivered(), 1);
}

#[test]
fn an_answer_delivers_the_next_bundle_too() {
    let ([mut a, mut b], [first, second, third]) = acquainted([1, 2, 3]);
    b.reads(&a.sends_bundle(&first));
    let (ping, offer) = (a.pings(1), a.offers(2));
    let sent = [a.sends_bundle(&second), a.sends_bundle(&third)].concat();
    let (pong, rekey) = (b.answers_ping(&ping), b.answers_offer(&offer));
    b.reads(&sent);
    a.reads(&pong);
    assert_eq!(a.delivered(), 1);
    a.reads(&rekey);
    assert_eq!(a.delivered(), 1);
    let ping = a.pings(2);
    a.reads(&b.answers_ping(&ping));
    assert_eq!(a.delivered(), 3);

    // An answer that comes after the next bundle's question tells of its own at most.
    let ([mut a, mut b], [first, second]) = acquainted([1, 2]);
    b.reads(&a.sends_bundle(&first));
    let older = a.pings(1);
    let sent = a.sends_bundle(&second);
    let newer = a.pings(2);
    let pong = b.answers_ping(&older);
    b.reads(&sent);
    a.reads(&pong);
    assert!(a.delivered() <= 1);
    a.reads(&b.answers_ping(&newer));
    assert_eq!(a.delivered(), 2);
}

/// What is due at once goes in an order in which the answers tell.
#[test]
fn a_question_is_sealed_before_the_bundle_that_was_due() {
    for by_offer in [false, true] {
        let ([mut a, mut b], [bundle]) = acquainted([1]);
        if by_offer {
            let offer = a.opener.make_offer(&mut Seeded::new(1)).unwrap().unwrap();
            a.sealer.send_offer(offer);
        } else {
            a.sealer.ping(1);
        }
        a.sealer.bundle(&bundle).unwrap();
        let mut wire = Vec::new();
        a.sealer.control(&mut wire).unwrap();
        let [sent, question] = frames(&wire).try_into().unwrap();
        b.reads(&sent);
        a.reads(&if by_offer { b.answers_offer(&question) } else { b.answers_ping(&question) });
        assert_eq!(a.delivered(), 1);
    }
}

/// It waits for a piece of a message, and what was asked meanwhile tells nothing of it.
#[test]
fn a_bundle_that_waits_counts_as_delivered() {
    let ([mut a, mut b], [bundle]) = acquainted([1]);
    let mut wire = Vec::new();
    (0..32).for_each(|_| a.sealer.key_update(&mut wire).unwrap());
    b.reads(&wire);
    a.sealer.bundle(&bundle).unwrap();
    let (ping, offer) = (a.pings(1), a.offers(2));
    a.reads(&[b.answers_ping(&ping), b.answers_offer(&offer)].concat());
    assert_eq!(a.delivered(), 0);
    b.reads(&a.says(b"between"));
    b.reads(&a.seals(Sealer::control));
    let ping = a.pings(2);
    a.reads(&b.answers_ping(&ping));
    assert_eq!(a.delivered(), 1);
}
