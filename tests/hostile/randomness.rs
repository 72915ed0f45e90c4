//! A generator that fails, at each draw in turn: the operation fails, and nothing is sent.

use crate::support::pair::{Ends, PATTERNS, alice, bob};
use crate::support::rng::Seeded;
use twinlock::channel::{CloseCode, Record};
use twinlock::handshake::{AnonymousInitiator, Hello, Initiator, Psk};
use twinlock::identity::SignatureAlgorithm;
use twinlock::trust::{Anonymous, Pinned};
use twinlock::{Error, Identity};

/// Runs `f` with a generator that fails at each draw that `f` makes, and once with one that does not. Gives how many it makes.
fn at_each_draw<T>(mut f: impl FnMut(&mut Seeded) -> Result<T, Error>) -> usize {
    let mut good = Seeded::new(1);
    assert!(f(&mut good).is_ok());
    for k in 0..good.draws() {
        let mut failing = Seeded::failing_at(1, k);
        assert_eq!(f(&mut failing).map(|_| ()).unwrap_err(), Error::Randomness, "draw {k}");
        assert_eq!(failing.draws(), k + 1, "it went on after the failure");
    }
    good.draws()
}

#[test]
fn a_failing_generator_makes_keys() {
    assert_eq!(at_each_draw(|rng| Identity::generate_with_rng(SignatureAlgorithm::MlDsa65Ed25519, rng)), 1);
    assert_eq!(at_each_draw(Psk::generate_with_rng), 1);
}

/// An error carries no message: what is returned is all that could be sent.
#[test]
fn a_failing_generator_sends_a_handshake_message() {
    for pattern in PATTERNS {
        let ends = Ends::new(pattern);
        let hello = ends.hello().1;
        let reply = ends.reply(&hello).unwrap().1;
        let psk = ends.psks[0].first();
        if pattern.identified() {
            let initiator = || psk.into_iter().fold(Initiator::new(alice(), ends.prologues[0]), Initiator::psk);
            assert_eq!(at_each_draw(|rng| initiator().send_hello_with_rng(rng)), 1);
            assert_eq!(at_each_draw(|rng| ends.listening().read_hello(&hello).unwrap().send_reply_with_rng(rng)), 2);
            assert_eq!(
                at_each_draw(|rng| {
                    let crate::support::pair::Waiting::Identified(waiting) = ends.hello().0 else { panic!() };
                    waiting.read_reply(&reply)?.send_finish_with_rng(&mut Pinned(bob().fingerprint()), rng)
                }),
                1
            );
        } else {
            let initiator = || psk.into_iter().fold(AnonymousInitiator::new(ends.prologues[0]), AnonymousInitiator::psk);
            assert_eq!(at_each_draw(|rng| initiator().send_hello_with_rng(rng)), 1);
            assert_eq!(
                at_each_draw(|rng| {
                    let Hello::Anonymous(heard) = ends.listening().read_any_hello(&hello).unwrap() else { panic!() };
                    heard.send_reply_with_rng(&mut Anonymous, rng).map_err(|rejected| {
                        assert!(rejected.answer().is_empty());
                        rejected.error()
                    })
                }),
                2
            );
        }
    }
}

/// The channel goes on: nothing was sent, and neither half has failed.
#[test]
fn a_failing_generator_renews_a_key() {
    let ([a, b], _) = Ends::new(PATTERNS[0]).meet();
    let (mut a_seals, mut a_opens, _) = a.into_halves();
    let (mut b_seals, mut b_opens, _) = b.into_halves();
    let mut wire = Vec::new();

    assert_eq!(a_opens.make_offer(&mut Seeded::failing_at(1, 0)).unwrap_err(), Error::Randomness);
    let offer = a_opens.make_offer(&mut Seeded::new(1)).unwrap().expect("the one that failed is not open");
    a_seals.send_offer(offer);
    a_seals.control(&mut wire).unwrap();
    let Record::Offer(offer) = b_opens.open(&mut wire).unwrap() else { panic!() };

    let mut wire = Vec::new();
    assert_eq!(b_seals.answer_offer(offer, &mut Seeded::failing_at(1, 0)).unwrap_err(), Error::Randomness);
    assert!(!b_seals.control_due());
    b_seals.control(&mut wire).unwrap();
    assert!(wire.is_empty());
    b_seals.message(b"still here", &mut wire).unwrap();
    assert_eq!(a_opens.open(&mut wire).unwrap(), Record::End(b"still here"));
    let mut wire = Vec::new();
    b_seals.close(CloseCode::Done, "", &mut wire).unwrap();
    assert!(matches!(a_opens.open(&mut wire).unwrap(), Record::Close(_)));
}

/// A generator that gives the same again makes the same keys: the transcript still tells two peers' conversations apart.
#[test]
fn a_stuck_generator_makes_two_peers_share_keys() {
    let meets = |initiator, prologue: &'static [u8]| {
        let ends = Ends::new(PATTERNS[0]);
        let expected = [ends.expected[0], Identity::fingerprint(initiator)];
        Ends { initiator, expected, prologues: [prologue; 2], ..ends }.meet().0
    };
    let seal = |[channel, _]: [twinlock::Channel; 2]| {
        let mut frame = Vec::new();
        channel.into_halves().0.message(b"same text", &mut frame).unwrap();
        frame
    };
    let [once, prologue, peer] = [meets(alice(), b"1"), meets(alice(), b"2"), meets(crate::support::pair::eve(), b"1")].map(seal);
    assert_ne!(once, prologue);
    assert_ne!(once, peer);
}
