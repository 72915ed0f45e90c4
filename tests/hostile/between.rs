//! Messages dropped, doubled, swapped, reflected, replayed; somebody between who has an identity of its own.

use crate::support::pair::{Ends, PATTERNS, Run, assert_agree};
use crate::{Case, Exemption};
use twinlock::handshake::Pattern;
use twinlock::{Distrust, Error};

const XX: [Pattern; 2] = [Pattern::Xx, Pattern::XxPsk0];

/// Every message is given where another is awaited: dropped ones before it, doubled, swapped, and reflected to who sent it. What exists by then is of the
/// same run, what does not of an older one.
pub(crate) fn a_message_is_taken_out_of_its_order(case: &Case) {
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        let (_, old) = ends.meet();
        for message in &old[1..] {
            let rejected = ends.reply(message).map(|_| ()).unwrap_err();
            assert_eq!((rejected.error(), rejected.answer()), (Error::Malformed, [].as_slice()), "{pattern:?}");
        }
        for message in [None, old.get(2)] {
            let Run { waiting, hello, .. } = ends.run();
            let error = ends.finish(waiting, message.unwrap_or(&hello)).map(|_| ()).unwrap_err();
            assert!(matches!(error, Error::Malformed | Error::Authentication), "{pattern:?}: {error:?}");
        }
        if pattern.identified() {
            for second in [false, true] {
                let Run { hello, answered, reply, .. } = ends.run();
                let rejected = ends.accept(answered, Some(if second { &reply } else { &hello })).map(|_| ()).unwrap_err();
                assert!(matches!(rejected.error(), Error::Malformed | Error::Authentication), "{pattern:?}: {rejected:?}");
                assert!(rejected.answer().is_empty(), "{pattern:?}");
            }
        }
    }
}

/// Selfie: two of the same party, each of which would take the other's messages back as the peer's.
pub(crate) fn a_reflected_message_is_taken_for_the_peers(case: &Case) {
    for pattern in PATTERNS {
        // One identity on both sides, acceptable to itself, and the same key: reflection has its best chance.
        let mut ends = case.ends(pattern);
        (ends.initiator, ends.expected) = (case.bob(), [case.bob().fingerprint(); 2]);
        assert_agree(ends.meet().0);
        let (waiting, hello) = ends.hello();
        assert_eq!(ends.finish(waiting, &hello).unwrap_err(), Error::Malformed);
        if pattern.identified() {
            // The responder's own message, as it is and cut to the parts that message 3 has too.
            let (ciphertext, length) = (case.sizes().ciphertext.iter().sum::<usize>(), case.sizes().bodies[2]);
            for cut in [false, true] {
                let Run { answered, reply, .. } = ends.run();
                let same_parts = [&u16::try_from(length).unwrap().to_be_bytes(), &reply[2 + 1 + ciphertext..][..length]].concat();
                let reflected = if cut { &same_parts } else { &reply };
                let error = ends.accept(answered, Some(reflected)).map(|_| ()).unwrap_err().error();
                assert!(matches!(error, Error::Malformed | Error::Authentication), "{pattern:?}: {error:?}");
            }
        }
    }
}

pub(crate) fn a_message_of_another_run_is_taken(case: &Case) {
    for pattern in PATTERNS {
        let (once, again) = (case.seeded(pattern, [1, 2]), case.seeded(pattern, [3, 4]));
        let (_, old) = once.meet();
        let Run { waiting, answered, .. } = again.run();
        assert_eq!(again.finish(waiting, &old[1]).unwrap_err(), Error::Authentication, "{pattern:?}");
        if pattern.identified() {
            assert_eq!(again.accept(answered, Some(&old[2])).unwrap_err().error(), Error::Authentication, "{pattern:?}");
        }
    }
}

/// Message 1 can be replayed, and is answered. What follows of the recording is worth nothing.
pub(crate) fn a_recorded_initiator_gets_a_channel(case: &Case) {
    for pattern in XX {
        let recorded = case.seeded(pattern, [1, 2]);
        let (_, old) = recorded.meet();
        let fresh = case.seeded(pattern, [1, 9]);
        let (answered, _) = fresh.reply(&old[0]).unwrap();
        assert_eq!(fresh.accept(answered, Some(&old[2])).unwrap_err().error(), Error::Authentication);
        // The responder's randomness alone makes the difference.
        let (answered, _) = recorded.reply(&old[0]).unwrap();
        assert_eq!(recorded.accept(answered, Some(&old[2])).is_ok(), !case.is_exempt(Exemption::InjectedRandomness));
    }
}

pub(crate) fn a_recorded_responder_gets_a_channel(case: &Case) {
    for pattern in PATTERNS {
        let recorded = case.seeded(pattern, [1, 2]);
        let (_, old) = recorded.meet();
        let fresh = case.seeded(pattern, [9, 2]);
        assert_eq!(fresh.finish(fresh.hello().0, &old[1]).unwrap_err(), Error::Authentication);
        // The initiator's randomness alone makes the difference.
        let again = recorded.finish(recorded.hello().0, &old[1]);
        assert_eq!(again.is_ok(), !case.is_exempt(Exemption::InjectedRandomness));
    }
}

/// A meets E, who answers with its own identity while A wants B.
pub(crate) fn somebody_between_is_taken_for_the_peer(case: &Case) {
    for pattern in PATTERNS {
        let mut ends = case.ends(pattern);
        ends.responder = case.eve();
        let Run { waiting, reply, .. } = ends.run();
        assert_eq!(ends.finish(waiting, &reply).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
    }
}

/// E passes every message on as it is: that is a wire, A and B have each other, and E has nothing to read with.
pub(crate) fn somebody_who_only_passes_on_changes_who_meets_whom(case: &Case) {
    for pattern in PATTERNS {
        let ([a, b], _) = case.ends(pattern).meet();
        assert_eq!(a.peer().fingerprint(), Some(case.bob().fingerprint()));
        assert_eq!(b.peer().fingerprint(), pattern.identified().then(|| case.alice().fingerprint()));
        assert_eq!([a.peer().suite(), b.peer().suite()], [case.suite; 2]);
        assert_agree([a, b]);
    }
}

/// A talks to E knowingly; E opens to B, and gives A's messages out as its own, or its own as A's.
pub(crate) fn somebody_between_speaks_to_one_as_the_other(case: &Case) {
    let [a, b, e] = [case.alice(), case.bob(), case.eve()].map(twinlock::Identity::fingerprint);
    for pattern in XX {
        let a_to_e = Ends { responder: case.eve(), expected: [e, a], ..case.seeded(pattern, [1, 2]) };
        let e_to_b = Ends { initiator: case.eve(), expected: [b, a], ..case.seeded(pattern, [3, 4]) };
        let (_, of_a) = a_to_e.meet();
        // A's last message, in E's conversation with B.
        let Run { answered, reply: reply_of_b, .. } = e_to_b.run();
        assert_eq!(e_to_b.accept(answered, Some(&of_a[2])).unwrap_err().error(), Error::Authentication);
        // A's first message handed on to B: B's answer is for A alone, and A did not ask for B.
        let (waiting, hello) = a_to_e.hello();
        let (answered, reply_to_a) = e_to_b.reply(&hello).unwrap();
        assert_eq!(a_to_e.finish(waiting, &reply_to_a).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
        // E finishes that conversation with what it has: its own message 3.
        let (_, of_e) = Ends { initiator: case.eve(), expected: [b, e], ..case.seeded(pattern, [3, 4]) }.meet();
        assert_eq!(e_to_b.accept(answered, Some(&of_e[2])).unwrap_err().error(), Error::Authentication);
        // B's answer to E, handed to A, who wants E or B.
        for wanted in [e, b] {
            let wants = Ends { expected: [wanted, a], ..case.seeded(pattern, [1, 2]) };
            assert_eq!(wants.finish(wants.hello().0, &reply_of_b).unwrap_err(), Error::Authentication);
        }
    }
}

/// Unknown key share: A wants E, E passes everything on to B. A must not come to hold a channel that B thinks is with it while A thinks it is with E.
pub(crate) fn one_side_thinks_that_the_keys_are_shared_with_somebody_else(case: &Case) {
    for pattern in PATTERNS {
        let wants_e = Ends { expected: [case.eve().fingerprint(), case.alice().fingerprint()], ..case.ends(pattern) };
        let Run { waiting, reply: reply_of_b, .. } = wants_e.run();
        assert_eq!(wants_e.finish(waiting, &reply_of_b).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
    }
}
