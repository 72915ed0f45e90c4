//! No pair of key and nonce seals twice, through handshakes and all that a channel does.

use super::book::{Book, DAY};
use super::rng::Seeded;
use super::{ACQUAINTED, PATTERNS};
use crate::Channel;
use crate::channel::{CloseCode, Opener, Padding, Policy, Record, Sealer};
use crate::crypto::aead::{Aead, nonces};
use crate::handshake::{
    AcquaintedInitiator, AnonymousInitiator, AnyHello, Decoys, Hello, Initiator, Pattern, Psk, Responder, ResumeInitiator, Suite,
};
use crate::identity::{Identity, StaticKey};
use crate::trust::danger::TrustAnyone;
use std::sync::Arc;
use std::vec::Vec;

#[test]
fn the_recorder_cannot_see_a_pair_used_twice() {
    for aead in [Aead::ChaCha20Poly1305, Aead::Aes256Gcm] {
        let (sealed, distinct) = nonces::watch(|| {
            let key = aead.key(|_| Ok(())).unwrap();
            for counter in [0, 1, 1] {
                key.seal(counter, b"", &mut [0; 4]).unwrap();
            }
        });
        assert_eq!((sealed, distinct), (3, 2));
    }
}

fn meet(suite: Suite, pattern: Pattern, seed: u64) -> [Channel; 2] {
    let (a, b) = (of_suite(suite, 1), of_suite(suite, 2));
    let (ours, theirs) = (&mut Seeded::new(seed), &mut Seeded::new(!seed));
    let psk = pattern.psk().then(|| Psk::take(&mut [7; 32]));
    let responder = psk.iter().fold(Responder::new(&b, b"").suites(&[suite]), Responder::psk);
    if pattern.identified() {
        let (waiting, hello) = psk.iter().fold(Initiator::new(&a, b"").suite(suite), Initiator::psk).send_hello_with_rng(ours).unwrap();
        let (awaits, reply) = responder.read_hello(&hello).unwrap().send_reply_with_rng(theirs).unwrap();
        let (a, finish) = waiting.read_reply(&reply).unwrap().send_finish_with_rng(&mut TrustAnyone, ours).unwrap();
        [a, awaits.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap()]
    } else {
        let initiator = psk.iter().fold(AnonymousInitiator::new(b"").suite(suite), AnonymousInitiator::psk);
        let (waiting, hello) = initiator.send_hello_with_rng(ours).unwrap();
        let Hello::Anonymous(heard) = responder.read_any_hello(&hello).unwrap() else { panic!() };
        let (b, reply) = heard.send_reply_with_rng(&mut TrustAnyone, theirs).unwrap();
        [waiting.read_reply(&reply).unwrap().into_channel(&mut TrustAnyone).unwrap(), b]
    }
}

const NOW: u64 = 2 * DAY;

/// In `IK`, `IKpsk0` and, of what such a conversation leaves, in `resume`, with early data. One static key each serves all of them.
fn meet_again(b: &Identity, pattern: Pattern, keys: &[Arc<StaticKey>; 2], decoys: &Arc<Decoys>, seed: u64) -> [Channel; 2] {
    let suite = keys[1].bundle().suite();
    let (ours, theirs) = (&mut Seeded::new(seed), &mut Seeded::new(!seed));
    let psk = pattern.psk().then(|| Psk::take(&mut [7; 32]));
    let listening = || {
        let responder = psk.iter().fold(Responder::new(b, b"").suites(&[suite]), Responder::psk);
        responder.decoys(decoys).now(NOW).early_data(true)
    };
    let mut book = Book::of(&keys[1], &[&keys[0]]);
    let initiator = AcquaintedInitiator::new(&keys[0], keys[1].bundle(), b"", NOW);
    let (waiting, hello) = psk.iter().fold(initiator, AcquaintedInitiator::psk).send_hello_with_rng(ours).unwrap();
    let AnyHello::Acquainted(heard) = listening().read_hello_with(&hello, &book).unwrap() else { panic!() };
    let (awaits, reply) = heard.with_payload(b"hello".to_vec().into()).send_reply_with_rng(theirs).unwrap();
    let (mut a, confirm) = waiting.read_reply(&reply).unwrap().send_confirm(&mut TrustAnyone).unwrap();
    let mut b = awaits.read_confirm(&confirm).unwrap().into_channel(&mut TrustAnyone).unwrap();
    if pattern != Pattern::Resume {
        return [a, b];
    }
    let [record, theirs_too] = [&mut a, &mut b].map(|channel| Arc::new(channel.keep_resumption(NOW).unwrap().unwrap()));
    book.records.extend([Arc::clone(&record), theirs_too]);
    let judged = ResumeInitiator::new(record, b"").with_early_data(b"early".to_vec().into()).judge(&mut TrustAnyone).unwrap();
    let (waiting, hello) = judged.send_hello_with_rng(&mut book, NOW, ours).unwrap();
    let AnyHello::Resume(read) = listening().read_hello_with(&hello, &book).unwrap() else { panic!() };
    let accepted = read.remove(&mut book).unwrap().judge(&mut TrustAnyone).unwrap();
    let (b, reply) = accepted.with_payload(b"hello".to_vec().into()).send_reply_with_rng(theirs).unwrap();
    [waiting.read_reply(&reply).unwrap().into_channel().unwrap(), b]
}

type Side = (Sealer, Opener);

fn of_suite(suite: Suite, seed: u64) -> Identity {
    Identity::generate_with_rng(suite.signature(), &mut Seeded::new(seed)).unwrap()
}

/// Everything in `wire` is read; what it asks for is answered.
fn read(wire: &mut Vec<u8>, (sealer, opener): &mut Side, rng: &mut Seeded) {
    let mut rest = wire.as_mut_slice();
    while !rest.is_empty() {
        let length = 2 + usize::from(u16::from_be_bytes([rest[0], rest[1]]));
        let (frame, after) = rest.split_at_mut(length);
        match opener.open(frame).unwrap() {
            Record::Offer(offer) => sealer.answer_offer(offer, rng).unwrap(),
            Record::Ping(number) => sealer.answer_ping(number),
            _ => {}
        }
        rest = after;
    }
    wire.clear();
}

/// A conversation with messages of one and of several records, updates, offers in both directions, pings, an abort, failed calls, and closes.
fn converse([a, b]: [Channel; 2], rng: &mut Seeded) -> u64 {
    let mut sides = [a, b].map(|channel| {
        let (sealer, opener, _) = channel.into_halves();
        (sealer, opener)
    });
    let mut wire = Vec::new();
    sides[1].0.set_policy(Policy { update_records: 5, ..Policy::default() });
    sides[0].0.set_padding(Padding::Padme);
    for round in 0..12u32 {
        for from in [0, 1] {
            let [one, other] = &mut sides;
            let (from, to) = if from == 0 { (one, other) } else { (other, one) };
            from.0.message(&rng.bytes(20_000), &mut wire).unwrap();
            from.0.ping(round);
            // What is refused uses no counter up, and none twice.
            from.0.data(b"", &mut wire).unwrap_err();
            from.0.close(CloseCode::Other(3), "", &mut wire).unwrap_err();
            match round % 4 {
                0 => from.0.key_update(&mut wire).unwrap(),
                1 => from.1.make_offer(rng).unwrap().into_iter().for_each(|offer| from.0.send_offer(offer)),
                2 => from.0.data(b"begun", &mut wire).and_then(|()| from.0.abort(&mut wire)).unwrap(),
                _ => (0..40).for_each(|_| from.0.key_update(&mut wire).unwrap()),
            }
            from.0.control(&mut wire).unwrap();
            read(&mut wire, to, rng);
        }
    }
    let [one, other] = &mut sides;
    one.0.close(CloseCode::Done, "", &mut wire).unwrap();
    read(&mut wire, other, rng);
    other.0.message(b"after the other's close", &mut wire).unwrap();
    other.0.close(CloseCode::Done, "", &mut wire).unwrap();
    read(&mut wire, one, rng);
    assert!([&one.0, &other.0].iter().all(|sealer| sealer.totals().rekeys >= 2 && sealer.totals().key_updates > 40));
    one.0.totals().records + other.0.totals().records
}

#[test]
fn a_key_and_nonce_seal_twice() {
    for suite in Suite::ALL.iter().copied() {
        let mut records = 0;
        let people = [1, 2].map(|seed| of_suite(suite, seed));
        let key = |side: usize| StaticKey::generate_with_rng(&people[side], suite, DAY, 3 * DAY, &mut Seeded::new(side as u64));
        let keys = [0, 1].map(|side| Arc::new(key(side).unwrap()));
        let decoys = Arc::new(Decoys::generate_with_rng(&mut Seeded::new(3)).unwrap());
        let (sealed, distinct) = nonces::watch(|| {
            for seed in [1, 2] {
                for pattern in PATTERNS {
                    records += converse(meet(suite, pattern, seed), &mut Seeded::new(seed));
                }
                for pattern in ACQUAINTED {
                    let drawn = seed << 8 | u64::from(pattern.id());
                    records += converse(meet_again(&people[1], pattern, &keys, &decoys, drawn), &mut Seeded::new(drawn));
                }
            }
        });
        assert_eq!(sealed, distinct, "{suite:?}");
        // Message 2 seals thrice, message 3 thrice, message 1 under a psk once.
        let handshakes = 2 * ((3 + 3) + (1 + 3 + 3) + 3 + (1 + 3));
        // Of IK message 1 seals twice, under a psk thrice, message 2 twice, and the Confirm is a record; of resume each message once, after an IK.
        let handshakes = handshakes + 2 * ((2 + 2 + 1) + (3 + 2 + 1) + (2 + 2 + 1 + 1 + 1));
        assert_eq!(sealed as u64, records + handshakes, "{suite:?}");
    }
}

/// The one seal that is made without a channel: the responder's refusal. It stands under the direction's first key, which is dropped with it.
#[test]
fn a_refusal_seals_with_a_used_pair() {
    for suite in Suite::ALL.iter().copied() {
        let (sealed, distinct) = nonces::watch(|| {
            let (a, b) = (of_suite(suite, 1), of_suite(suite, 2));
            let (waiting, hello) = Initiator::new(&a, b"").suite(suite).send_hello_with_rng(&mut Seeded::new(1)).unwrap();
            let heard = Responder::new(&b, b"").suites(&[suite]).read_hello(&hello).unwrap();
            let (awaits, reply) = heard.send_reply_with_rng(&mut Seeded::new(2)).unwrap();
            let (_, finish) = waiting.read_reply(&reply).unwrap().send_finish_with_rng(&mut TrustAnyone, &mut Seeded::new(3)).unwrap();
            let refused = awaits.read_finish(&finish).unwrap().into_channel(&mut crate::trust::Anonymous);
            assert_eq!(refused.unwrap_err().answer().len(), 23);
        });
        assert_eq!((sealed, distinct), (3 + 3 + 1, 7), "{suite:?}");
    }
}
