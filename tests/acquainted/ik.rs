//! `IK`: what a first message proves, which is nothing, and what the `Confirm` proves.

use crate::PATTERNS;
use crate::support::acquainted::{Answered, Meeting, NOW, Waits, static_key};
use crate::support::book::{Book, DAY};
use crate::support::pair::{alice, assert_agree, bob, eve, psk};
use crate::support::rng::Seeded;
use std::sync::Arc;
use twinlock::channel::Record;
use twinlock::handshake::{AcquaintedInitiator, AnyHello, MAX_PAYLOAD, Pattern, Responder};
use twinlock::identity::StaticKey;
use twinlock::trust::Pinned;
use twinlock::{Distrust, Error, Suite};

const IK: [Pattern; 2] = [PATTERNS[0], PATTERNS[1]];

fn everywhere() -> impl Iterator<Item = (Suite, Pattern)> {
    Suite::ALL.iter().copied().flat_map(|suite| IK.map(|pattern| (suite, pattern)))
}

#[test]
fn acquaintances_end_with_other_peers_or_keys() {
    for (suite, pattern) in everywhere() {
        let mut meeting = Meeting::new(suite, pattern);
        let ([a, b], _) = meeting.meet();
        assert_eq!((a.peer().identity(), b.peer().identity()), (Some(&bob(suite).public()), Some(&alice(suite).public())));
        assert_eq!((a.conversation().suite(), b.conversation().suite()), (suite, suite));
        assert_agree([a, b]);
        // Another run has other keys.
        let [one, other] = [[1, 2], [3, 4]].map(|seeds| {
            meeting.seeds = seeds;
            meeting.meet().0[0].conversation().handshake_hash().to_vec()
        });
        assert_ne!(one, other);
    }
}

#[test]
fn a_payload_of_message_2_is_lost_or_cut() {
    for (suite, pattern) in everywhere() {
        for len in [0, 1, MAX_PAYLOAD, MAX_PAYLOAD + 1] {
            let mut meeting = Meeting::new(suite, pattern);
            meeting.payloads[1] = vec![5; len];
            let (waits, hello) = meeting.hello();
            let reply = meeting.reply(&hello);
            if len > MAX_PAYLOAD {
                assert_eq!(reply.map(|_| ()).unwrap_err().error(), Error::TooLong);
                continue;
            }
            let Waits::Ik(waits) = waits else { panic!() };
            let read = waits.read_reply(&reply.unwrap().1).unwrap();
            assert_eq!((read.payload().as_bytes(), read.peer().fingerprint()), (vec![5; len].as_slice(), Some(bob(suite).fingerprint())));
        }
    }
}

/// Sent with the `Confirm`, they are read after it.
#[test]
fn a_record_behind_the_confirm_is_lost() {
    for (suite, pattern) in everywhere() {
        let ([a, b], messages) = Meeting::new(suite, pattern).meet();
        assert_eq!(messages.len(), 3);
        let (mut seals, mut frame) = (a.into_halves().0, Vec::new());
        seals.message(b"at once", &mut frame).unwrap();
        let (_, mut opens, _) = b.into_halves();
        // The Confirm again is not the next record.
        assert_eq!(opens.open(&mut frame).unwrap(), Record::End(b"at once"));
        assert_eq!(opens.open(&mut messages[2].clone()).unwrap_err(), Error::Authentication);
    }
}

/// For what is under way when a key is renewed: the newer is tried first, and the older still serves.
#[test]
fn one_of_two_static_keys_does_not_work() {
    for (suite, pattern) in everywhere() {
        let [older, newer, third] = [2, 3, 4].map(|seed| static_key(bob(suite), suite, seed));
        for (used, works) in [(&older, true), (&newer, true), (&third, false)] {
            let mut meeting = Meeting::new(suite, pattern);
            meeting.keys[1] = Arc::clone(used);
            meeting.books[1].keys = vec![Arc::clone(&older), Arc::clone(&newer)];
            let (waits, hello) = meeting.hello();
            match meeting.reply(&hello) {
                Ok((answered, reply)) => {
                    assert!(works);
                    let (a, confirm) = meeting.finish(waits, &reply).unwrap();
                    assert_agree([a, meeting.accept(answered, confirm.as_deref()).unwrap()]);
                }
                Err(rejected) => {
                    assert!(!works);
                    assert_eq!(rejected.answer(), if pattern.psk() { [].as_slice() } else { &[0, 1, 5] });
                }
            }
        }
    }
}

/// A responder tries two at most, and none that is over, of another identity or suite, whatever its book gives it.
#[test]
fn a_static_key_that_does_not_hold_serves() {
    struct Careless(Vec<Arc<StaticKey>>);
    impl twinlock::acquaintances::AddressBook for Careless {
        fn static_keys(&self, _: Suite, _: u64) -> Result<Vec<Arc<StaticKey>>, Error> {
            Ok(self.0.clone())
        }
        fn acquaintance(&self, _: Suite, _: &[u8; 32], _: u64) -> Result<Option<Arc<twinlock::Bundle>>, Error> {
            Ok(Some(Arc::new(self.0[0].bundle().clone())))
        }
        fn resumption(
            &self,
            _: twinlock::channel::Role,
            _: &[u8; 16],
            _: u64,
        ) -> Result<Option<Arc<twinlock::channel::Resumption>>, Error> {
            Ok(None)
        }
        fn remove(&mut self, _: twinlock::channel::Role, _: &[u8; 16], _: u64) -> Result<bool, Error> {
            Ok(true)
        }
    }
    let suite = Suite::default();
    let mut meeting = Meeting::new(suite, Pattern::Ik);
    let (_, hello) = meeting.hello();
    let mine = &meeting.keys[1];
    let others = [3, 4].map(|seed| static_key(bob(suite), suite, seed));
    let refused = |keys: Vec<Arc<StaticKey>>, now| {
        let read = meeting.listening().now(now).read_hello_with(&hello, &Careless(keys));
        read.map(|_| ()).map_err(|rejected| rejected.answer().to_vec())
    };
    assert_eq!(refused(vec![Arc::clone(mine)], NOW), Ok(()));
    assert_eq!(refused(vec![Arc::clone(mine)], NOW + 30 * DAY), Err(vec![0, 1, 5]));
    assert_eq!(refused(vec![Arc::clone(mine)], NOW - DAY), Err(vec![0, 1, 5]));
    assert_eq!(refused(vec![Arc::clone(&others[0]), Arc::clone(mine)], NOW), Ok(()));
    assert_eq!(refused(vec![Arc::clone(&others[0]), Arc::clone(&others[1]), Arc::clone(mine)], NOW), Err(vec![0, 1, 5]));
    assert_eq!(refused(vec![static_key(eve(suite), suite, 2)], NOW), Err(vec![0, 1, 5]));
    // Nor is a bundle taken for the one that was named: the initiator is not confirmed by it.
    let AnyHello::Acquainted(heard) = meeting.listening().read_hello_with(&hello, &Careless(vec![Arc::clone(mine)])).unwrap() else {
        panic!()
    };
    let (awaits, reply) = heard.send_reply_with_rng(&mut Seeded::new(1)).unwrap();
    let (waits, _) = meeting.hello();
    assert_eq!(meeting.finish(waits, &reply).unwrap_err(), Error::Authentication);
    drop(awaits);
}

#[test]
fn different_settings_meet() {
    for (suite, pattern) in everywhere() {
        let refused = if pattern.psk() { [].as_slice() } else { &[0, 1, 5] };
        let mut other = Meeting::new(suite, pattern);
        other.prologues[0] = b"acquainted/2";
        let (_, hello) = other.hello();
        assert_eq!(other.reply(&hello).map(|_| ()).unwrap_err().answer(), refused, "prologue, {suite:?}");
        // A bundle of its own in another suite is none in this one.
        let mut other = Meeting::new(suite, pattern);
        let (_, hello) = other.hello();
        for elsewhere in Suite::ALL.iter().filter(|elsewhere| elsewhere.signature() == suite.signature() && **elsewhere != suite) {
            other.books[1].keys = vec![static_key(bob(*elsewhere), *elsewhere, 2)];
            assert_eq!(other.heard(&hello).map(|_| ()).unwrap_err().answer(), refused, "suite, {suite:?}");
            // And a message with another suite in its header is one that was not made for it.
            let mut relabelled = hello.clone();
            relabelled[6..8].copy_from_slice(&elsewhere.id().to_be_bytes());
            let responder = other.listening().suites(&[suite, *elsewhere]);
            assert_eq!(responder.read_hello_with(&relabelled, &other.books[1]).map(|_| ()).unwrap_err().answer(), refused);
            let mixed = AcquaintedInitiator::new(&static_key(alice(suite), *elsewhere, 1), other.keys[1].bundle(), b"", NOW);
            assert_eq!(mixed.send_hello_with_rng(&mut Seeded::new(1)).map(|_| ()).unwrap_err(), Error::WrongKind);
        }
    }
}

#[test]
fn a_psk_is_left_out_or_any_will_do() {
    for suite in Suite::ALL.iter().copied() {
        let mut plain = Meeting::new(suite, Pattern::Ik);
        let (_, hello) = plain.hello();
        plain.psks[1] = vec![psk(7)];
        assert_eq!(plain.heard(&hello).map(|_| ()).unwrap_err().answer(), [] as [u8; 0]);
        let mut keyed = Meeting::new(suite, Pattern::IkPsk0);
        let (_, hello) = keyed.hello();
        keyed.psks[1] = Vec::new();
        assert_eq!(keyed.heard(&hello).map(|_| ()).unwrap_err().answer(), [0, 1, 2]);
        keyed.psks[1] = vec![psk(8)];
        assert_eq!(keyed.heard(&hello).map(|_| ()).unwrap_err().answer(), [] as [u8; 0]);
        // While rotating both work, with both of two static keys.
        for psks in [[7, 8], [8, 7]] {
            keyed.psks[1] = psks.map(psk).into();
            keyed.books[1].keys = [2, 3].map(|seed| static_key(bob(suite), suite, seed)).into();
            assert_agree(keyed.meet().0);
        }
    }
}

/// The initiator finds its own bundle where the decoy is not.
#[test]
fn somebody_who_is_not_known_gets_a_channel() {
    for (suite, pattern) in everywhere() {
        for bundles in [vec![], vec![Arc::new(static_key(eve(suite), suite, 1).bundle().clone())]] {
            let mut meeting = Meeting::new(suite, pattern);
            meeting.books[1].bundles = bundles;
            let (waits, hello) = meeting.hello();
            let (answered, reply) = meeting.reply(&hello).unwrap();
            assert_eq!(meeting.finish(waits, &reply).unwrap_err(), Error::Authentication);
            // Nor does any record open it.
            assert_eq!(meeting.accept(answered, Some(&[&[0, 19][..], &[0; 19]].concat())).unwrap_err().error(), Error::Authentication);
        }
    }
}

/// Whoever holds neither static key makes a first message in anybody's name, and gets no further.
#[test]
fn a_first_message_proves_its_sender() {
    for (suite, pattern) in everywhere() {
        let mut meeting = Meeting::new(suite, pattern);
        // Eve replays Alice's, and answers as her without her key.
        let (_, hello) = meeting.hello();
        let (Answered::Ik(awaits), reply) = meeting.reply(&hello).unwrap() else { panic!() };
        let mut eves = Meeting::new(suite, pattern);
        eves.seeds = [77, 78];
        eves.keys[0] = static_key(eve(suite), suite, 1);
        let (waits, _) = eves.hello();
        assert_eq!(eves.finish(waits, &reply).unwrap_err(), Error::Authentication);
        // What she sends then is no Confirm; another conversation's is none either.
        let (channels, messages) = Meeting { seeds: [5, 6], ..Meeting::new(suite, pattern) }.meet();
        assert_eq!(awaits.read_confirm(&messages[2]).err(), Some(Error::Authentication));
        drop(channels);
    }
}

#[test]
fn a_reflected_message_is_answered() {
    for (suite, pattern) in everywhere() {
        let mut meeting = Meeting::new(suite, pattern);
        let (waits, hello) = meeting.hello();
        assert_eq!(meeting.finish(waits, &hello).unwrap_err(), Error::Malformed);
        // Bob opens to himself with his own key: two programs of one owner.
        let mut own = Meeting::new(suite, pattern);
        own.keys[0] = Arc::clone(&own.keys[1]);
        own.books[1] = Book::of(&own.keys[1], &[&own.keys[1]]);
        let (waits, hello) = own.hello();
        let (Answered::Ik(awaits), reply) = own.reply(&hello).unwrap() else { panic!() };
        let (channel, confirm) = own.finish(waits, &reply).unwrap();
        let confirmed = awaits.read_confirm(&confirm.unwrap()).unwrap();
        assert_eq!(confirmed.peer(), channel.peer());
        assert_agree([channel, confirmed.into_channel(&mut Pinned(bob(suite).fingerprint())).unwrap()]);
    }
}

#[test]
fn a_judge_accepts_somebody_else() {
    for (suite, pattern) in everywhere() {
        let mut meeting = Meeting::new(suite, pattern);
        let nobody = || Pinned(eve(suite).fingerprint());
        let (waits, hello) = meeting.hello();
        let (answered, reply) = meeting.reply(&hello).unwrap();
        let Waits::Ik(waits) = waits else { panic!() };
        let refused = waits.read_reply(&reply).unwrap().send_confirm(&mut nobody());
        assert_eq!(refused.map(|_| ()).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
        drop(answered);
        // The responder says so with a Close under its first key, and keeps nothing.
        let (waits, hello) = meeting.hello();
        let (answered, reply) = meeting.reply(&hello).unwrap();
        let (channel, confirm) = meeting.finish(waits, &reply).unwrap();
        let Answered::Ik(awaits) = answered else { panic!() };
        let confirmed = awaits.read_confirm(&confirm.unwrap()).unwrap();
        assert_eq!(confirmed.peer().fingerprint(), Some(alice(suite).fingerprint()));
        let rejected = confirmed.into_channel(&mut nobody()).unwrap_err();
        assert_eq!((rejected.error(), rejected.answer().len()), (Error::Untrusted(Distrust::NotExpected), 23));
        let mut answer = rejected.answer().to_vec();
        let Record::Close(close) = channel.into_halves().1.open(&mut answer).unwrap() else { panic!() };
        assert_eq!(close.code.number(), 1);
    }
}

#[test]
fn a_bundle_that_is_over_is_used() {
    let suite = Suite::default();
    let meeting = Meeting::new(suite, Pattern::Ik);
    for (now, error) in [(NOW, None), (NOW - DAY, Some(Error::OutOfDate)), (NOW + 30 * DAY, Some(Error::OutOfDate))] {
        let initiator = AcquaintedInitiator::new(&meeting.keys[0], meeting.keys[1].bundle(), b"", now);
        assert_eq!(initiator.send_hello_with_rng(&mut Seeded::new(1)).map(|_| ()).err(), error, "{now}");
    }
    // One of the two is enough.
    let over = |me| StaticKey::generate_with_rng(me, suite, NOW - 2 * DAY, NOW, &mut Seeded::new(2)).unwrap();
    let (mine, theirs) = (over(alice(suite)), over(bob(suite)));
    for (mine, theirs) in [(&mine, meeting.keys[1].bundle()), (&*meeting.keys[0], theirs.bundle())] {
        let initiator = AcquaintedInitiator::new(mine, theirs, b"", NOW);
        assert_eq!(initiator.send_hello_with_rng(&mut Seeded::new(1)).map(|_| ()).err(), Some(Error::OutOfDate));
    }
}

/// A limit counts first messages by the bundle that they name, known or not, and cannot tell whose it is.
#[test]
fn a_limit_tells_who_is_named() {
    for suite in Suite::ALL.iter().copied() {
        let mut meeting = Meeting::new(suite, Pattern::Ik);
        let mut slot = |seed: u64, key: &Arc<StaticKey>, known: bool| {
            meeting.keys[0] = Arc::clone(key);
            meeting.seeds[0] = seed;
            meeting.books[1].bundles = known.then(|| Arc::new(key.bundle().clone())).into_iter().collect();
            let (_, hello) = meeting.hello();
            let heard = meeting.heard(&hello).unwrap();
            assert_eq!(heard.suite(), suite);
            *heard.slot()
        };
        let [hers, eves] = [alice(suite), eve(suite)].map(|me| static_key(me, suite, 1));
        let one = slot(1, &hers, true);
        assert_eq!([slot(2, &hers, true), slot(3, &hers, false)], [one; 2]);
        assert_ne!(slot(1, &eves, true), one);
        assert_ne!(&one, hers.bundle().reference());
        assert_ne!(&one, hers.bundle().fingerprint().as_bytes());
        // One too many is refused as if it were no good.
        for (pattern, answer) in [(Pattern::Ik, [0, 1, 5].as_slice()), (Pattern::IkPsk0, &[])] {
            let mut meeting = Meeting::new(suite, pattern);
            let (_, hello) = meeting.hello();
            assert_eq!(meeting.heard(&hello).unwrap().too_many().answer(), answer);
        }
    }
}

/// One that does not answer strangers, and one that has no decoys.
#[test]
fn a_pattern_that_is_not_allowed_is_answered() {
    let suite = Suite::default();
    let mut meeting = Meeting::new(suite, Pattern::Ik);
    let (_, hello) = meeting.hello();
    let (_, stranger) =
        twinlock::handshake::Initiator::new(alice(suite), b"acquainted/1").send_hello_with_rng(&mut Seeded::new(1)).unwrap();
    let book = &meeting.books[1];
    let plain = || Responder::new(bob(suite), b"acquainted/1");
    let answer = |responder: Responder, hello: &[u8]| responder.read_hello_with(hello, book).map(|_| ()).map_err(|no| no.answer().to_vec());
    assert_eq!(answer(plain(), &hello), Err(vec![0, 1, 2]));
    assert_eq!(answer(plain().now(NOW), &hello), Err(vec![0, 1, 2]));
    assert_eq!(answer(meeting.listening().patterns(&[Pattern::Xx, Pattern::Resume]), &hello), Err(vec![0, 1, 2]));
    assert_eq!(answer(meeting.listening().patterns(&[Pattern::Ik, Pattern::Resume]), &hello), Ok(()));
    assert_eq!(answer(meeting.listening().patterns(&[Pattern::Ik, Pattern::Resume]), &stranger), Err(vec![0, 1, 2]));
    assert_eq!(answer(meeting.listening(), &stranger), Ok(()));
    // Without a book neither is known.
    for read in [meeting.listening().read_hello(&hello).map(|_| ()), meeting.listening().read_any_hello(&hello).map(|_| ())] {
        assert_eq!(read.unwrap_err().answer(), [0, 1, 2]);
    }
}

#[test]
fn a_failing_generator_sends_a_message() {
    for (suite, pattern) in everywhere() {
        for side in [0, 1] {
            for fails_at in 0..=2 {
                let mut meeting = Meeting::new(suite, pattern);
                let rng = &mut Seeded::failing_at(1, fails_at);
                let made = if side == 0 {
                    meeting.try_hello(rng).map(|_| ())
                } else {
                    let (_, hello) = meeting.hello();
                    meeting.try_reply(&hello, rng).map(|_| ()).map_err(|rejected| {
                        assert_eq!(rejected.answer(), [] as [u8; 0]);
                        rejected.error()
                    })
                };
                assert_eq!(made.err(), (fails_at < 2).then_some(Error::Randomness), "{suite:?}, {pattern:?}, side {side}, draw {fails_at}");
            }
        }
    }
}

/// With the other key that Alice's static key stands for: what a state leaves is Alice's and Bob's.
#[test]
fn a_thief_of_one_static_key_is_everybody() {
    let suite = Suite::default();
    let mut meeting = Meeting::new(suite, Pattern::Ik);
    // Who has Alice's static key opens as Alice, which is what losing it means ...
    let ([_, b], _) = meeting.meet();
    assert_eq!(b.peer().fingerprint(), Some(alice(suite).fingerprint()));
    // ... and does not answer as Bob.
    meeting.books[1].keys = vec![Arc::clone(&meeting.keys[0])];
    let (_, hello) = meeting.hello();
    assert!(meeting.heard(&hello).is_err());
    let as_bob = Responder::new(alice(suite), b"acquainted/1").decoys(crate::support::acquainted::decoys()).now(NOW);
    assert_eq!(as_bob.read_hello_with(&hello, &meeting.books[1]).map(|_| ()).unwrap_err().answer(), [0, 1, 5]);
}
