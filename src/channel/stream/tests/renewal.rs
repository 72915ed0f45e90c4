//! Offers, answers and key updates, and how they cross with closes (docs/protocol.md, sections 8.2 and 8.4).

use super::rng::Seeded;
use super::{SUITE, Side, direction, forge, frames, plaintext, sides};
use crate::channel::direction::Direction;
use crate::channel::record::CloseCode;
use crate::channel::stream::sealer::Sending;
use crate::channel::stream::{Policy, Sealer};
use crate::crypto::kem::{DecapsulationKey, EncapsulationKey};
use crate::error::Error;
use core::time::Duration;
use std::vec::Vec;

const MINUTE: Duration = Duration::from_secs(60);

fn cs(direction: Option<&Direction>) -> Vec<u8> {
    direction.unwrap().expose().0.to_vec()
}

/// Both ends of a direction have the same secret, and its messages arrive.
fn assert_in_step(from: &mut Side, to: &mut Side) {
    assert_eq!(cs(from.sealer.direction()), cs(to.opener.receiving()));
    let mut wire = Vec::new();
    from.sealer.message(b"in step", &mut wire).unwrap();
    to.reads(&wire);
    assert_eq!(cs(from.sealer.direction()), cs(to.opener.receiving()));
    assert_eq!(from.sealer.totals(), to.opener.totals());
}

#[test]
fn offers_in_both_directions_disturb_each_other() {
    for updates_between in [0, 1, 3] {
        let [mut a, mut b] = sides();
        let before = [cs(a.sealer.direction()), cs(b.sealer.direction())];
        let (of_a, of_b) = (a.offers(1), b.offers(2));
        a.answers(&of_b, 3);
        b.answers(&of_a, 4);
        let mut wires = [Vec::new(), Vec::new()];
        for (side, wire) in [&mut a, &mut b].into_iter().zip(&mut wires) {
            (0..updates_between).for_each(|_| side.sealer.key_update(wire).unwrap());
            side.sealer.data(b"the answer stands before this", wire).unwrap();
            side.sealer.end(b"", wire).unwrap();
            assert_eq!(frames(wire).len(), updates_between + 3);
        }
        b.reads(&wires[0]);
        a.reads(&wires[1]);
        assert_in_step(&mut a, &mut b);
        assert_in_step(&mut b, &mut a);
        assert_ne!([cs(a.sealer.direction()), cs(b.sealer.direction())], before);
        assert_eq!([a.sealer.totals().rekeys, b.sealer.totals().rekeys], [1, 1]);
    }
}

#[test]
fn an_offer_is_made_while_one_is_open() {
    let [mut a, mut b] = sides();
    let offer = a.offers(1);
    assert!(a.opener.make_offer(&mut Seeded::new(2)).unwrap().is_none());
    b.answers(&offer, 3);
    a.reads(&b.says_after_control());
    // Answered: the next may be made, and the peer reads it.
    let offer = a.offers(4);
    b.answers(&offer, 5);
    a.reads(&b.says_after_control());
    assert_in_step(&mut b, &mut a);
}

/// An offer that the sealer's thread makes: its secret half reaches the opener by hand.
#[test]
fn a_sealers_offer_differs_from_an_openers() {
    let [mut a, mut b] = sides();
    assert_eq!(a.sealer.make_offer(&mut Seeded::failing_at(1, 0)).unwrap_err(), Error::Randomness);
    let open = a.sealer.make_offer(&mut Seeded::new(1)).unwrap().expect("the one that failed is not open");
    assert!(a.sealer.make_offer(&mut Seeded::new(2)).unwrap().is_none());
    assert!(a.opener.make_offer(&mut Seeded::new(2)).unwrap().is_none());
    assert!(!a.opener.offer_due(Duration::MAX));
    let offer = a.seals(Sealer::control);
    a.opener.await_answer(open);
    b.answers(&offer, 3);
    a.reads(&b.says_after_control());
    assert_in_step(&mut b, &mut a);
    assert_eq!(a.opener.totals().rekeys, 1);
    // Answered: either half may make the next.
    let offer = a.offers(4);
    assert!(a.sealer.make_offer(&mut Seeded::new(5)).unwrap().is_none());
    b.answers(&offer, 6);
    a.reads(&b.says_after_control());
    assert_in_step(&mut b, &mut a);

    // The answer comes, and nobody handed the secret half over: it cannot be read on.
    let [mut a, mut b] = sides();
    let open = a.sealer.make_offer(&mut Seeded::new(1)).unwrap().unwrap();
    b.answers(&a.seals(Sealer::control), 2);
    let answer = frames(&b.says_after_control()).remove(0);
    assert_eq!(a.error(&answer), Error::Malformed);
    a.opener.await_answer(open);
    assert!(a.opener.offer.is_none(), "a half that failed keeps no secret");
    assert_eq!(a.sealer.make_offer(&mut Seeded::new(2)).unwrap_err(), Error::Ended);

    // After either close there is none.
    for closer in [0, 1] {
        let mut sides = sides();
        let close = sides[closer].seals(|sealer, out| sealer.close(CloseCode::Done, "", out));
        sides[1 - closer].reads(&close);
        assert!(sides[0].sealer.make_offer(&mut Seeded::new(1)).unwrap().is_none());
    }
}

impl Side {
    fn says_after_control(&mut self) -> Vec<u8> {
        let mut wire = Vec::new();
        self.sealer.message(b"words", &mut wire).unwrap();
        wire
    }
}

/// An encapsulation key, in the bytes of an offer's plaintext.
fn offer_bytes(seed: u64) -> Vec<u8> {
    let (_, ek) = DecapsulationKey::generate(SUITE.kem(), &mut Seeded::new(seed)).unwrap();
    plaintext(5, ek.as_bytes(), 0)
}

#[test]
fn a_second_open_offer_is_read() {
    let mut sender = direction(&[0xA; 32]);
    let [_, mut b] = sides();
    let first = forge(&mut sender, &offer_bytes(1));
    b.answers(&first, 3);
    // Computed, and not sealed: the offer is still open.
    assert_eq!(b.error(&forge(&mut sender, &offer_bytes(2))), Error::Malformed);

    let mut sender = direction(&[0xA; 32]);
    let [_, mut b] = sides();
    b.answers(&forge(&mut sender, &offer_bytes(1)), 3);
    b.says_after_control();
    b.answers(&forge(&mut sender, &offer_bytes(2)), 3);
}

#[test]
fn an_answer_to_no_offer_is_read() {
    let (_, ek) = DecapsulationKey::generate(SUITE.kem(), &mut Seeded::new(1)).unwrap();
    let (ct, _) = ek.encapsulate(&mut Seeded::new(2)).unwrap();
    let answer = plaintext(6, ct.as_bytes(), 0);
    // None was made.
    let [_, mut b] = sides();
    assert_eq!(b.error(&forge(&mut direction(&[0xA; 32]), &answer)), Error::Malformed);
    // One was made, and not sent: nobody can have answered it.
    let [_, mut b] = sides();
    b.opener.make_offer(&mut Seeded::new(3)).unwrap().unwrap();
    assert_eq!(b.error(&forge(&mut direction(&[0xA; 32]), &answer)), Error::Malformed);
    // One was answered already.
    let [mut a, mut b] = sides();
    a.answers(&b.offers(4), 5);
    b.reads(&a.says_after_control());
    let Sending::Open(sender) = &mut a.sealer.state else { panic!() };
    assert_eq!(b.error(&forge(sender, &answer)), Error::Malformed);
}

/// An answer made for another key, or changed where the tag does not reach: the secrets differ, and the next record fails.
#[test]
fn an_answer_to_another_offer_is_taken() {
    let [_, mut b] = sides();
    b.offers(4);
    let (_, other) = DecapsulationKey::generate(SUITE.kem(), &mut Seeded::new(1)).unwrap();
    let (ct, ss) = other.encapsulate(&mut Seeded::new(2)).unwrap();
    let mut sender = direction(&[0xA; 32]);
    let answer = forge(&mut sender, &plaintext(6, ct.as_bytes(), 0));
    b.reads(&answer);
    sender.rekey(&ss, &other, &ct).unwrap();
    assert_eq!(b.error(&forge(&mut sender, &plaintext(2, b"", 0))), Error::Authentication);
}

/// The renewed secret depends on the old one, the exchanged one, the key and the ciphertext.
#[test]
fn a_part_is_left_out_of_the_renewed_secret() {
    let keys = |seed| -> EncapsulationKey { DecapsulationKey::generate(SUITE.kem(), &mut Seeded::new(seed)).unwrap().1 };
    let (ek, other_ek) = (keys(1), keys(2));
    let (ct, ss) = ek.encapsulate(&mut Seeded::new(3)).unwrap();
    let (other_ct, other_ss) = ek.encapsulate(&mut Seeded::new(4)).unwrap();
    let renewed = |old: u8, ss, ek, ct| {
        let mut direction = direction(&[old; 32]);
        direction.rekey(ss, ek, ct).unwrap();
        assert_eq!(direction.expose().2, 0);
        direction.expose().0.to_vec()
    };
    let right = renewed(1, &ss, &ek, &ct);
    assert_eq!(right, renewed(1, &ss, &ek, &ct));
    for wrong in
        [renewed(2, &ss, &ek, &ct), renewed(1, &other_ss, &ek, &ct), renewed(1, &ss, &other_ek, &ct), renewed(1, &ss, &ek, &other_ct)]
    {
        assert_ne!(right, wrong);
    }
}

#[test]
fn an_offer_after_the_own_close_is_answered() {
    let [mut a, mut b] = sides();
    let first = b.offers(1);
    a.answers(&first, 2);
    // The answer that was due goes with the direction.
    let close = a.seals(|sealer, out| sealer.close(CloseCode::Done, "", out));
    assert!(!a.sealer.control_due());
    b.reads(&close);
    assert!(b.opener.is_closed() && b.opener.make_offer(&mut Seeded::new(4)).unwrap().is_none());

    // What was on its way when it closed is read, checked and ignored, however many.
    let [mut a, _] = sides();
    a.seals(|sealer, out| sealer.close(CloseCode::Done, "", out));
    let mut sender = direction(&[0xB; 32]);
    for seed in 0..3 {
        a.answers(&forge(&mut sender, &offer_bytes(seed)), 9);
        assert!(!a.sealer.control_due());
    }
    a.reads(&forge(&mut sender, &plaintext(2, b"goes on", 0)));
    let mut bad = offer_bytes(4);
    bad[3..6].fill(0xFF);
    assert_eq!(a.error(&forge(&mut sender, &bad)), Error::Malformed);
}

/// An offer made before the own close stands; none can be made after it.
#[test]
fn a_half_closed_side_cannot_be_healed_or_heals_for_ever() {
    let [mut a, mut b] = sides();
    let offer = a.offers(1);
    let close = a.seals(|sealer, out| sealer.close(CloseCode::Done, "", out));
    b.answers(&offer, 2);
    b.reads(&close);
    a.reads(&b.says_after_control());
    assert_eq!(cs(b.sealer.direction()), cs(a.opener.receiving()));
    assert_eq!(a.opener.totals().rekeys, 1);
    assert!(a.opener.make_offer(&mut Seeded::new(3)).unwrap().is_none());
    assert!(!a.opener.offer_due(Duration::MAX));
    // Key updates go on.
    let update = b.seals(Sealer::key_update);
    a.reads(&update);
    a.reads(&b.says(b"under the next key"));
}

#[test]
fn an_offer_is_sent_for_a_direction_that_was_closed() {
    // Made, and the peer closed before it was sent.
    let [mut a, mut b] = sides();
    let offer = a.opener.make_offer(&mut Seeded::new(1)).unwrap().unwrap();
    a.sealer.send_offer(offer);
    let close = b.seals(|sealer, out| sealer.close(CloseCode::Done, "", out));
    a.reads(&close);
    let mut wire = Vec::new();
    a.sealer.message(b"no offer before this", &mut wire).unwrap();
    assert_eq!(frames(&wire).len(), 1);
    b.reads(&wire);
    assert!(a.opener.make_offer(&mut Seeded::new(2)).unwrap().is_none());

    // Sent, and crossing with the close: the peer ignores it, and this side awaits no answer.
    let [mut a, mut b] = sides();
    let (offer, close) = (a.offers(1), b.seals(|sealer, out| sealer.close(CloseCode::Done, "", out)));
    a.reads(&close);
    b.answers(&offer, 3);
    assert!(!b.sealer.control_due());
    b.reads(&a.says(b"goes on"));
}

#[test]
fn a_peer_sends_on_without_answering() {
    let policy = Policy { unanswered_bytes: 1000, ..Policy::default() };
    let [mut a, mut b] = sides();
    b.opener.set_policy(policy);
    // Before the offer is sent nothing is counted.
    let offer = b.opener.make_offer(&mut Seeded::new(1)).unwrap().unwrap();
    (0..20).for_each(|_| b.reads(&a.says(&[0; 79])));
    b.sealer.send_offer(offer);
    let offer = b.seals(Sealer::control);
    // Frames of 100 bytes: ten are within the bound, the eleventh is one too many.
    (0..10).for_each(|_| b.reads(&a.says(&[0; 79])));
    assert_eq!(b.error(&a.says(&[0; 79])), Error::Unrenewed);
    assert_eq!(b.error(&a.says(b"")), Error::Ended);
    assert_eq!(b.sealer.message(b"", &mut Vec::new()), Err(Error::Ended));
    drop(offer);
}

#[test]
fn a_peer_that_answers_or_is_silent_is_cut_off() {
    let policy = Policy { unanswered_bytes: 3000, ..Policy::default() };
    let [mut a, mut b] = sides();
    b.opener.set_policy(policy);
    for round in 0..5 {
        let offer = b.offers(round);
        // Silence costs nothing, however long: no clock is read. What crosses with the offer is within the bound.
        (0..10).for_each(|_| b.reads(&a.says(&[0; 79])));
        a.answers(&offer, round);
        b.reads(&a.says_after_control());
        (0..50).for_each(|_| b.reads(&a.says(&[0; 79])));
    }
    assert_eq!(b.opener.totals().rekeys, 5);
    // Pings and key updates are traffic too, of whoever does not answer.
    b.offers(9);
    let mut error = None;
    for number in 0..200 {
        a.sealer.ping(number);
        let mut frame = a.seals(Sealer::control);
        error = error.or(b.opener.open(&mut frame).err());
    }
    assert_eq!(error, Some(Error::Unrenewed));
}

#[test]
fn a_sealer_makes_more_key_updates_than_its_reader_takes() {
    let [mut a, mut b] = sides();
    a.sealer.set_policy(Policy { update_records: 1, ..Policy::default() });
    for _ in 0..3 {
        let mut wire = Vec::new();
        (0..50).for_each(|_| a.sealer.key_update(&mut wire).unwrap());
        assert_eq!(frames(&wire).len(), 32);
        // Pings and aborts between do not count as messages, and more updates by policy do not come.
        for number in 0..5 {
            a.sealer.ping(number);
            a.sealer.control(&mut wire).unwrap();
        }
        assert_eq!(frames(&wire).len(), 32 + 5);
        a.sealer.message(b"now again", &mut wire).unwrap();
        b.reads(&wire);
    }
    assert_eq!(a.sealer.totals(), b.opener.totals());

    let mut sender = direction(&[0xA; 32]);
    let [_, mut b] = sides();
    for _ in 0..32 {
        b.reads(&forge(&mut sender, &plaintext(4, b"", 0)));
        sender.update().unwrap();
    }
    assert_eq!(b.error(&forge(&mut sender, &plaintext(4, b"", 0))), Error::Malformed);
}

#[test]
fn an_offer_is_due_too_early_or_never() {
    let policy = Policy { offer_bytes: 1000, offer_every: 2 * MINUTE, ..Policy::default() };
    let [mut a, mut b] = sides();
    b.opener.set_policy(policy);
    // A direction that is not in use needs none.
    assert!(!b.opener.offer_due(Duration::MAX));
    b.reads(&a.says(b""));
    assert!(!b.opener.offer_due(MINUTE) && b.opener.offer_due(2 * MINUTE));
    (0..10).for_each(|_| b.reads(&a.says(&[0; 79])));
    assert!(b.opener.offer_due(Duration::ZERO));
    let offer = b.offers(1);
    assert!(!b.opener.offer_due(Duration::MAX), "one is open");
    a.answers(&offer, 2);
    b.reads(&a.says_after_control());
    assert!(!b.opener.offer_due(MINUTE) && b.opener.offer_due(2 * MINUTE));
    let close = a.seals(|sealer, out| sealer.close(CloseCode::Done, "", out));
    b.reads(&close);
    assert!(!b.opener.offer_due(Duration::MAX), "the direction is closed");
}

/// Somebody who has read the state: a copy of the direction's secret, from which it follows what it sees.
struct Thief(Direction);

impl Thief {
    fn of(side: &Side) -> Self {
        let stolen = side.sealer.direction().unwrap();
        let mut copy = direction(stolen.expose().0);
        copy.set_counter(stolen.expose().2);
        Self(copy)
    }

    fn reads(&mut self, frame: &[u8]) -> bool {
        let (ad, sealed) = frame.split_first_chunk::<2>().unwrap();
        let (text, tag) = sealed.split_last_chunk::<16>().unwrap();
        self.0.open(ad, &mut text.to_vec(), tag).is_ok()
    }
}

/// Healing: a thief of the state reads on through key updates, and no further than an answer to an offer that was made after the theft.
#[test]
fn a_thief_of_the_state_reads_on_after_a_rekey() {
    let [mut a, mut b] = sides();
    b.reads(&a.says(b"before"));
    let mut thief = Thief::of(&a);
    assert!(thief.reads(&a.says(b"stolen")));
    assert!(thief.reads(&a.seals(Sealer::key_update)));
    thief.0.update().unwrap();
    assert!(thief.reads(&a.says(b"still stolen")));

    let offer = b.offers(1);
    a.answers(&offer, 2);
    let mut wire = Vec::new();
    a.sealer.message(b"healed", &mut wire).unwrap();
    let [answer, healed]: [Vec<u8>; 2] = frames(&wire).try_into().unwrap();
    assert!(thief.reads(&answer), "the answer itself is sealed under the old key");
    assert!(!thief.reads(&healed));
    // Neither by going on as if nothing had happened, nor with the key that comes after an update.
    thief.0.update().unwrap();
    assert!(!thief.reads(&healed));
    assert!(!thief.reads(&a.says(b"and all that follows")));
}

/// Forward secrecy: the state as it is opens nothing that was sealed before the last update.
#[test]
fn a_thief_of_the_state_reads_what_came_before() {
    let [mut a, mut b] = sides();
    let past = a.says(b"long ago");
    a.seals(Sealer::key_update);
    let mut thief = Thief::of(&a);
    assert!(!thief.reads(&past));
    assert!(thief.reads(&a.says(b"from now on")));
    let [mut a2, _] = sides();
    let past = a2.says(b"long ago");
    a2.answers(&b.offers(1), 2);
    a2.says_after_control();
    let mut thief = Thief::of(&a2);
    thief.0.set_counter(0);
    assert!(!thief.reads(&past));
}
