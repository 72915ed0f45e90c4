//! Suites that do not fit: an identity of another signature, a message of another suite, a suite that nobody named; and a responder with several identities.

use crate::support::pair::{Ends, PATTERNS, Run, alice, assert_agree, bob};
use crate::support::rng::Seeded;
use twinlock::handshake::{AnonymousInitiator, Initiator, Pattern, Responder};
use twinlock::identity::SignatureAlgorithm;
use twinlock::{Distrust, Error, Identity, Suite};

/// Every ordered pair of different suites.
fn pairs() -> impl Iterator<Item = (Suite, Suite)> {
    Suite::ALL.iter().flat_map(|one| Suite::ALL.iter().filter(move |other| *other != one).map(move |other| (*one, *other)))
}

fn same_identity(one: Suite, other: Suite) -> bool {
    one.signature() == other.signature()
}

/// As the registry and docs/protocol.md write them.
fn title(algorithm: SignatureAlgorithm) -> &'static str {
    match algorithm.id() {
        1 => "MLDSA65-Ed25519-SHA512",
        2 => "MLDSA87-ECDSA-P384-SHA512",
        0x7E => "Dilithium3R3-Ed25519",
        other => panic!("{other}"),
    }
}

fn written(suite: Suite) -> &'static str {
    match suite.id() {
        1 => "0x0001",
        2 => "0x0002",
        3 => "0x0003",
        0x7E03 => "0x7e03",
        other => panic!("{other}"),
    }
}

#[test]
fn an_identity_opens_in_a_suite_of_another_signature() {
    let mut refused = 0;
    for (suite, of) in pairs().filter(|(suite, of)| !same_identity(*suite, *of)) {
        let (has, needs) = (of.signature(), suite.signature());
        let mut rng = Seeded::new(1);
        let error = Initiator::new(alice(of), b"").suite(suite).send_hello_with_rng(&mut rng).unwrap_err();
        assert_eq!((error, rng.draws()), (Error::WrongIdentity { has: has.id(), needs: needs.id() }, 0));
        let text = error.to_string();
        assert!(text.contains(title(has)) && text.contains(title(needs)) && title(has) != title(needs), "{text}");
        refused += 1;
    }
    // Of 1 with 2, of 1 with 0x7E, each for two suites and back; of 2 with 0x7E.
    let expected = match (cfg!(feature = "level5"), cfg!(feature = "round3")) {
        (true, true) => 10,
        (true, false) | (false, true) => 4,
        (false, false) => 0,
    };
    assert_eq!(refused, expected);
}

#[test]
fn an_identity_answers_in_a_suite_of_another_signature() {
    for (suite, of) in pairs().filter(|(suite, of)| !same_identity(*suite, *of)) {
        let listening = || Responder::new(bob(of), b"hostile/1").suites(&[suite]);
        assert_eq!(listening().allowed().count(), 0);
        for pattern in [Pattern::Xx, Pattern::Nx] {
            let (waiting, hello) = Ends::new(suite, pattern).hello();
            let rejected = listening().read_any_hello(&hello).unwrap_err();
            let error = Error::SuiteNotAllowed { asked: suite.id(), allowed: [].into_iter().collect() };
            assert_eq!((rejected.error(), rejected.answer()), (error, [0, 1, 3].as_slice()));
            assert!(rejected.to_string().contains(written(suite)) && rejected.to_string().ends_with("none"), "{rejected}");
            let told = Ends::new(suite, pattern).finish(waiting, rejected.answer()).unwrap_err();
            assert_eq!(told, Error::RefusedByPeer(twinlock::Refusal::Suite));
        }
    }
}

/// Also where the identity would fit, and the suite was not named.
#[test]
fn a_message_of_another_suite_is_answered() {
    for (asked, mine) in pairs() {
        for pattern in PATTERNS {
            let ends = Ends::new(asked, pattern);
            let (_, hello) = ends.hello();
            let responder = Responder::new(bob(mine), b"hostile/1").suites(&[mine]);
            let responder = ends.psks[1].iter().fold(responder, Responder::psk);
            assert_eq!(responder.allowed().collect::<Vec<_>>(), [mine]);
            let rejected = responder.read_any_hello(&hello).unwrap_err();
            let error = Error::SuiteNotAllowed { asked: asked.id(), allowed: [mine.id()].into_iter().collect() };
            assert_eq!(rejected.error(), error);
            assert_eq!(rejected.answer(), if pattern.psk() { &[][..] } else { &[0, 1, 3] });
            let text = rejected.to_string();
            assert!(text.contains(written(asked)) && text.contains(written(mine)), "{text}");
        }
    }
}

/// Its length is another one, too: what the responder names is looked at first, and the initiator has but one length in mind.
#[test]
fn an_answer_of_another_suite_is_read() {
    for (asked, other) in pairs() {
        for pattern in PATTERNS {
            let ends = Ends::new(asked, pattern);
            let (_, elsewhere) = Ends::new(other, pattern).meet();
            let Run { waiting, answered, .. } = ends.run();
            let error = ends.finish(waiting, &elsewhere[1]).unwrap_err();
            assert!(matches!(error, Error::Malformed | Error::Authentication), "{error:?}");
            if pattern.identified() {
                let rejected = ends.accept(answered, Some(&elsewhere[2])).unwrap_err();
                assert!(matches!(rejected.error(), Error::Malformed | Error::Authentication), "{rejected:?}");
                assert!(rejected.answer().is_empty());
            }
        }
    }
}

#[test]
fn an_identity_speaks_another_suite_than_its_own_by_itself() {
    for suite in Suite::ALL.iter().copied() {
        let hello = Initiator::new(alice(suite), b"").send_hello_with_rng(&mut Seeded::new(1)).map(|(_, hello)| hello[6..8].to_vec());
        let allowed: Vec<u16> = Responder::new(bob(suite), b"").allowed().map(Suite::id).collect();
        let (opens, answers): (_, &[u16]) = match suite.id() {
            0x0001 | 0x0003 => (Ok(vec![0, 1]), &[1, 3]),
            0x0002 => (Ok(vec![0, 2]), &[2]),
            _ => (Err(Error::SuiteNotNamed), &[]),
        };
        assert_eq!((hello, allowed.as_slice()), (opens, answers));
    }
    // Without an identity there is the default, and what is named.
    let (_, hello) = AnonymousInitiator::new(b"").send_hello_with_rng(&mut Seeded::new(1)).unwrap();
    assert_eq!(hello[6..8], [0, 1]);
}

#[cfg(feature = "round3")]
#[test]
fn round_3_is_spoken_without_its_name() {
    let suite = Suite::Round3;
    assert!(suite.must_be_named() && Suite::for_signature(suite.signature()).is_none());
    let mut rng = Seeded::new(1);
    let error = Initiator::new(alice(suite), b"").send_hello_with_rng(&mut rng).unwrap_err();
    assert_eq!((error, rng.draws()), (Error::SuiteNotNamed, 0));
    assert!(error.to_string().contains("0x7e03"), "{error}");
    // A responder allows nothing, also beside another identity; named, it answers.
    let (_, hello) = Ends::new(suite, Pattern::Xx).hello();
    let silent = Responder::new(bob(suite), b"hostile/1");
    assert_eq!(silent.allowed().count(), 0);
    let error = silent.read_hello(&hello).unwrap_err().error();
    assert_eq!(error, Error::SuiteNotAllowed { asked: 0x7E03, allowed: [].into_iter().collect() });
    let beside = || Responder::new(bob(suite), b"hostile/1").also(bob(Suite::Level3ChaCha));
    assert_eq!(beside().allowed().map(Suite::id).collect::<Vec<_>>(), [1, 3]);
    assert!(beside().read_hello(&hello).is_err());
    assert!(beside().suites(&[suite]).read_hello(&hello).is_ok());
    assert!(Responder::new(bob(suite), b"hostile/1").suites(&[suite]).read_hello(&hello).is_ok());
}

/// One identity for each algorithm.
fn identities() -> Vec<&'static Identity> {
    SignatureAlgorithm::ALL.iter().map(|algorithm| bob(*Suite::ALL.iter().find(|suite| suite.signature() == *algorithm).unwrap())).collect()
}

fn with_all(first: usize) -> Responder {
    let mut all = identities();
    all.rotate_left(first);
    all[1..].iter().fold(Responder::new(all[0], b"hostile/1"), |responder, me| responder.also(me)).suites(Suite::ALL)
}

/// Whatever the order in which they were given.
#[test]
fn a_responder_with_several_identities_answers_with_another_one() {
    for first in 0..identities().len() {
        assert_eq!(with_all(first).allowed().collect::<Vec<_>>(), Suite::ALL);
        for suite in Suite::ALL.iter().copied() {
            let ends = Ends::new(suite, Pattern::Xx);
            let (waiting, hello) = ends.hello();
            let heard = with_all(first).read_hello(&hello).unwrap();
            assert_eq!(heard.suite(), suite);
            let (awaits, reply) = heard.send_reply_with_rng(&mut Seeded::new(2)).unwrap();
            let read = waiting.identified().read_reply(&reply).unwrap();
            assert_eq!(read.peer().identity(), Some(&bob(suite).public()));
            let (a, finish) = read.send_finish_with_rng(&mut twinlock::Pinned(bob(suite).fingerprint()), &mut Seeded::new(3)).unwrap();
            let b = awaits.read_finish(&finish).unwrap().into_channel(&mut twinlock::Pinned(alice(suite).fingerprint())).unwrap();
            assert_agree([a, b]);
        }
    }
}

/// Identities of one owner are different identities.
#[test]
fn a_peer_pinned_to_one_identity_takes_another_of_the_same_responder() {
    for (suite, pinned) in pairs().filter(|(suite, pinned)| !same_identity(*suite, *pinned)) {
        for pattern in [Pattern::Xx, Pattern::Nx] {
            let ends = Ends { expected: [bob(pinned).fingerprint(), alice(suite).fingerprint()], ..Ends::new(suite, pattern) };
            let Run { waiting, reply, .. } = ends.run();
            assert_eq!(ends.finish(waiting, &reply).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
        }
        let ends = Ends { expected: [bob(suite).fingerprint(), alice(pinned).fingerprint()], ..Ends::new(suite, Pattern::Xx) };
        let (_, answered, finish) = ends.run_to_finish();
        assert_eq!(ends.accept(answered, finish.as_deref()).unwrap_err().error(), Error::Untrusted(Distrust::NotExpected));
    }
}

/// One of the same algorithm takes the place of the one before; the others stay.
#[test]
fn a_second_identity_of_one_algorithm_stands_beside_the_first() {
    for suite in Suite::ALL.iter().copied() {
        let responder = identities().into_iter().fold(Responder::new(bob(suite), b"hostile/1"), Responder::also).also(alice(suite));
        let (waiting, hello) = Ends::new(suite, Pattern::Nx).hello();
        let twinlock::handshake::Hello::Anonymous(heard) = responder.suites(Suite::ALL).read_any_hello(&hello).unwrap() else { panic!() };
        let (_, reply) = heard.send_reply_with_rng(&mut twinlock::trust::Anonymous, &mut Seeded::new(2)).unwrap();
        let read = waiting.anonymous().read_reply(&reply).unwrap();
        assert_eq!(read.peer().fingerprint(), Some(alice(suite).fingerprint()));
    }
}
