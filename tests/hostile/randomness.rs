//! A generator that fails, at each draw in turn: the operation fails, and nothing is sent.

use crate::support::pair::{Ends, PATTERNS, Run};
use crate::support::rng::Seeded;
use crate::{Case, Exemption};
use twinlock::channel::{CloseCode, Record};
use twinlock::handshake::{Hello, Psk};
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

pub(crate) fn a_failing_generator_makes_keys(case: &Case) {
    let draws = at_each_draw(|rng| Identity::generate_with_rng(case.suite.signature(), rng));
    assert_eq!(draws, case.sizes().draws_for_identity);
    assert_eq!(at_each_draw(Psk::generate_with_rng), 1);
}

/// An error carries no message: what is returned is all that could be sent.
pub(crate) fn a_failing_generator_sends_a_handshake_message(case: &Case) {
    let signing = if case.is_exempt(Exemption::InjectedRandomness) { 0 } else { 1 };
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        if pattern.identified() {
            assert_eq!(at_each_draw(|rng| ends.initiator().send_hello_with_rng(rng)), 1);
            assert_eq!(at_each_draw(|rng| ends.listening().read_hello(&ends.hello().1).unwrap().send_reply_with_rng(rng)), 1 + signing);
            assert_eq!(
                at_each_draw(|rng| {
                    let Run { waiting, reply, .. } = ends.run();
                    let read = waiting.identified().read_reply(&reply).unwrap();
                    read.send_finish_with_rng(&mut Pinned(case.bob().fingerprint()), rng)
                }),
                signing
            );
        } else {
            assert_eq!(at_each_draw(|rng| ends.anonymous_initiator().send_hello_with_rng(rng)), 1);
            assert_eq!(
                at_each_draw(|rng| {
                    let Hello::Anonymous(heard) = ends.listening().read_any_hello(&ends.hello().1).unwrap() else { panic!() };
                    heard.send_reply_with_rng(&mut Anonymous, rng).map_err(|rejected| {
                        assert!(rejected.answer().is_empty());
                        rejected.error()
                    })
                }),
                1 + signing
            );
        }
    }
}

/// The channel goes on: nothing was sent, and neither half has failed.
pub(crate) fn a_failing_generator_renews_a_key(case: &Case) {
    let ([a, b], _) = case.ends(PATTERNS[0]).meet();
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

/// The same numbers make the same handshake, byte for byte, and the same identity; other ones another.
pub(crate) fn randomness_comes_from_elsewhere_than_the_generator_that_was_given(case: &Case) {
    let same = !case.is_exempt(Exemption::InjectedRandomness);
    for pattern in PATTERNS {
        let messages = |seeds| case.seeded(pattern, seeds).meet().1;
        let (once, again, other) = (messages([1, 2]), messages([1, 2]), messages([3, 4]));
        assert!(once.iter().zip(&again).all(|(one, other)| (one == other) == same), "{pattern:?}");
        assert!(once.iter().zip(&other).all(|(one, other)| one != other), "{pattern:?}");
    }
    let identity = |seed| Identity::generate_with_rng(case.suite.signature(), &mut Seeded::new(seed)).unwrap().fingerprint();
    assert_eq!(identity(1) == identity(1), same);
    assert_ne!(identity(1), identity(2));
}

/// A generator that gives the same again makes the same keys: the transcript still tells two peers' conversations apart.
pub(crate) fn a_stuck_generator_makes_two_peers_share_keys(case: &Case) {
    let meets = |initiator: &'static Identity, prologue: &'static [u8]| {
        let ends = case.ends(PATTERNS[0]);
        let expected = [ends.expected[0], initiator.fingerprint()];
        Ends { initiator, expected, prologues: [prologue; 2], ..ends }.meet().0
    };
    let seal = |[channel, _]: [twinlock::Channel; 2]| {
        let mut frame = Vec::new();
        channel.into_halves().0.message(b"same text", &mut frame).unwrap();
        frame
    };
    let (alice, eve) = (case.alice(), case.eve());
    let [once, again, prologue, peer] = [meets(alice, b"1"), meets(alice, b"1"), meets(alice, b"2"), meets(eve, b"1")].map(seal);
    // Where the generator is not all there is, it cannot be stuck.
    assert_eq!(once == again, !case.is_exempt(Exemption::InjectedRandomness));
    assert_ne!(once, prologue);
    assert_ne!(once, peer);
}
