//! Messages dropped, doubled, swapped, reflected, replayed; somebody between who has an identity of its own.

use crate::support::pair::{Answered, Ends, PATTERNS, Waiting, alice, assert_agree, bob, eve};
use twinlock::handshake::Pattern;
use twinlock::{Distrust, Error};

const XX: [Pattern; 2] = [Pattern::Xx, Pattern::XxPsk0];

/// Both ends of a run, halted at the point where they read message 2 and message 3.
fn halted(ends: &Ends<'_>) -> (Waiting, Answered) {
    let (waiting, hello) = ends.hello();
    let (answered, _) = ends.reply(&hello).unwrap();
    (waiting, answered)
}

/// Every message is given where another is awaited: dropped ones before it, doubled, swapped, and reflected to who sent it.
#[test]
fn a_message_is_taken_out_of_its_order() {
    for pattern in PATTERNS {
        let ends = Ends::new(pattern);
        let (_, messages) = ends.meet();
        for (index, message) in messages.iter().enumerate() {
            let (waiting, answered) = halted(&ends);
            if index != 0 {
                let rejected = ends.reply(message).map(|_| ()).unwrap_err();
                assert_eq!((rejected.error(), rejected.answer()), (Error::Malformed, [].as_slice()), "{pattern:?}, {index} for 1");
            }
            if index != 1 {
                let error = ends.finish(waiting, message).map(|_| ()).unwrap_err();
                assert!(matches!(error, Error::Malformed | Error::Authentication), "{pattern:?}, {index} for 2: {error:?}");
            }
            if index != 2 && pattern.identified() {
                let rejected = ends.accept(answered, Some(message)).map(|_| ()).unwrap_err();
                assert!(rejected.answer().is_empty(), "{pattern:?}, {index} for 3");
            }
        }
    }
}

/// Selfie: two of the same party, each of which would take the other's messages back as the peer's.
#[test]
fn a_reflected_message_is_taken_for_the_peers() {
    for pattern in PATTERNS {
        // One identity on both sides, acceptable to itself, and the same key: reflection has its best chance.
        let mut ends = Ends::new(pattern);
        (ends.initiator, ends.expected) = (bob(), [bob().fingerprint(); 2]);
        let (_, messages) = ends.meet();
        let (waiting, hello) = ends.hello();
        assert_eq!(ends.finish(waiting, &hello).unwrap_err(), Error::Malformed);
        let (answered, reply) = ends.reply(&hello).unwrap();
        if pattern.identified() {
            // The responder's own message, as it is and cut to the parts that message 3 has too.
            let same_parts = [&5405u16.to_be_bytes(), &reply[2 + 1 + 1120..][..5405]].concat();
            for reflected in [reply.as_slice(), &same_parts] {
                let (answered, _) = ends.reply(&hello).unwrap();
                let error = ends.accept(answered, Some(reflected)).map(|_| ()).unwrap_err().error();
                assert!(matches!(error, Error::Malformed | Error::Authentication), "{pattern:?}: {error:?}");
            }
            assert!(ends.accept(answered, Some(&messages[2])).is_ok());
        }
    }
}

#[test]
fn a_message_of_another_run_is_taken() {
    for pattern in PATTERNS {
        let (once, again) = (Ends::seeded(pattern, [1, 2]), Ends::seeded(pattern, [3, 4]));
        let (_, old) = once.meet();
        let (waiting, answered) = halted(&again);
        assert_eq!(again.finish(waiting, &old[1]).unwrap_err(), Error::Authentication, "{pattern:?}");
        if pattern.identified() {
            assert_eq!(again.accept(answered, Some(&old[2])).unwrap_err().error(), Error::Authentication, "{pattern:?}");
        }
    }
}

/// Message 1 can be replayed, and is answered. What follows of the recording is worth nothing.
#[test]
fn a_recorded_initiator_gets_a_channel() {
    for pattern in XX {
        let recorded = Ends::seeded(pattern, [1, 2]);
        let (_, old) = recorded.meet();
        let fresh = Ends::seeded(pattern, [1, 9]);
        let (answered, _) = fresh.reply(&old[0]).unwrap();
        assert_eq!(fresh.accept(answered, Some(&old[2])).unwrap_err().error(), Error::Authentication);
    }
}

#[test]
fn a_recorded_responder_gets_a_channel() {
    for pattern in PATTERNS {
        let (_, old) = Ends::seeded(pattern, [1, 2]).meet();
        let fresh = Ends::seeded(pattern, [9, 2]);
        assert_eq!(fresh.finish(fresh.hello().0, &old[1]).unwrap_err(), Error::Authentication);
    }
}

/// A meets E, who answers with its own identity while A wants B.
#[test]
fn somebody_between_is_taken_for_the_peer() {
    for pattern in PATTERNS {
        let mut ends = Ends::new(pattern);
        ends.responder = eve();
        let (waiting, hello) = ends.hello();
        let (_, reply) = ends.reply(&hello).unwrap();
        assert_eq!(ends.finish(waiting, &reply).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
    }
}

/// E passes every message on as it is: that is a wire, A and B have each other, and E has nothing to read with.
#[test]
fn somebody_who_only_passes_on_changes_who_meets_whom() {
    for pattern in PATTERNS {
        let ends = Ends::new(pattern);
        let ([a, b], _) = ends.meet();
        assert_eq!(a.peer().fingerprint(), Some(bob().fingerprint()));
        assert_eq!(b.peer().fingerprint(), pattern.identified().then(|| alice().fingerprint()));
        assert_agree([a, b]);
    }
}

/// A talks to E knowingly; E opens to B, and gives A's messages out as its own, or its own as A's.
#[test]
fn somebody_between_speaks_to_one_as_the_other() {
    for pattern in XX {
        let a_to_e = Ends { responder: eve(), expected: [eve().fingerprint(), alice().fingerprint()], ..Ends::seeded(pattern, [1, 2]) };
        let e_to_b = Ends { initiator: eve(), expected: [bob().fingerprint(), alice().fingerprint()], ..Ends::seeded(pattern, [3, 4]) };
        let (_, of_a) = a_to_e.meet();
        // A's last message, in E's conversation with B.
        let (answered, reply_of_b) = e_to_b.reply(&e_to_b.hello().1).unwrap();
        assert_eq!(e_to_b.accept(answered, Some(&of_a[2])).unwrap_err().error(), Error::Authentication);
        // A's first message handed on to B: B's answer is for A alone, and A did not ask for B.
        let (answered, reply_to_a) = e_to_b.reply(&of_a[0]).unwrap();
        let (waiting, _) = a_to_e.hello();
        assert_eq!(a_to_e.finish(waiting, &reply_to_a).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
        // E finishes that conversation with what it has: its own message 3.
        let (_, of_e) = Ends { expected: [bob().fingerprint(), eve().fingerprint()], ..e_to_b }.meet();
        assert_eq!(e_to_b_again().accept(answered, Some(&of_e[2])).unwrap_err().error(), Error::Authentication);
        // B's answer to E, handed to A, who wants E or B.
        for wanted in [eve(), bob()] {
            let wants = Ends { expected: [wanted.fingerprint(), alice().fingerprint()], ..Ends::seeded(pattern, [1, 2]) };
            assert_eq!(wants.finish(wants.hello().0, &reply_of_b).unwrap_err(), Error::Authentication);
        }
    }
}

fn e_to_b_again() -> Ends<'static> {
    Ends { initiator: eve(), ..Ends::seeded(Pattern::Xx, [3, 4]) }
}

/// Unknown key share: A wants E, E passes everything on to B. A must not come to hold a channel that B thinks is with it while A thinks it is with E.
#[test]
fn one_side_thinks_that_the_keys_are_shared_with_somebody_else() {
    for pattern in PATTERNS {
        let wants_e = Ends { expected: [eve().fingerprint(), alice().fingerprint()], ..Ends::new(pattern) };
        let (waiting, hello) = wants_e.hello();
        let (_, reply_of_b) = wants_e.reply(&hello).unwrap();
        assert_eq!(wants_e.finish(waiting, &reply_of_b).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
    }
}
