//! Ends that do not agree: prologue, suite, pattern, psk; and refusals.

use crate::Case;
use crate::support::pair::{Ends, PATTERNS, assert_agree, psk};
use crate::support::rng::Seeded;
use twinlock::handshake::{Hello, Pattern};
use twinlock::trust::Anonymous;
use twinlock::{Error, Refusal};

pub(crate) fn two_applications_with_different_prologues_meet(case: &Case) {
    for pattern in PATTERNS {
        for other in [b"hostile/2".as_slice(), b"", b"hostile/1\0"] {
            let ends = Ends { prologues: [b"hostile/1", other], ..case.ends(pattern) };
            let (waiting, hello) = ends.hello();
            match ends.reply(&hello) {
                Ok((_, reply)) => assert_eq!(ends.finish(waiting, &reply).unwrap_err(), Error::Authentication),
                Err(rejected) => {
                    assert!(pattern.psk());
                    assert_eq!((rejected.error(), rejected.answer()), (Error::Authentication, [].as_slice()));
                }
            }
        }
    }
}

/// The header names what the other side did not mean. Where the responder goes along, the initiator does not.
pub(crate) fn a_changed_suite_or_pattern_is_gone_along_with(case: &Case) {
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        let allowed = case.allowed().iter().copied().collect();
        for asked in [0u16, 1, 2, 3, 4, 0x0101, 0x7E01, 0x7E03, 0xFFFF].into_iter().filter(|asked| *asked != case.suite.id()) {
            let (waiting, mut changed) = ends.hello();
            changed[6..8].copy_from_slice(&asked.to_be_bytes());
            match ends.reply(&changed) {
                // Another suite of the same identity: its name is in the transcript.
                Ok((_, reply)) => {
                    assert!(!pattern.psk() && case.allowed().contains(&asked));
                    assert_eq!(ends.finish(waiting, &reply).unwrap_err(), Error::Authentication);
                }
                Err(rejected) if case.allowed().contains(&asked) => {
                    assert!(pattern.psk());
                    assert_eq!((rejected.error(), rejected.answer()), (Error::Authentication, [].as_slice()));
                }
                Err(rejected) => {
                    assert_eq!(rejected.error(), Error::SuiteNotAllowed { asked, allowed });
                    assert_eq!(rejected.answer(), if pattern.psk() { &[][..] } else { &[0, 1, 3] });
                }
            }
        }
        for id in (0..=8).filter(|id| *id != pattern.id()) {
            let (waiting, mut changed) = ends.hello();
            changed[5] = id;
            match ends.reply(&changed) {
                Ok((_, reply)) => {
                    assert!(!pattern.psk() && [1, 3].contains(&id));
                    assert_eq!(ends.finish(waiting, &reply).unwrap_err(), Error::Authentication);
                }
                Err(rejected) => assert_eq!(rejected.answer(), if pattern.psk() { &[][..] } else { &[0, 1, 2] }, "{pattern:?} as {id}"),
            }
        }
    }
}

pub(crate) fn strangers_to_the_psk_are_answered(case: &Case) {
    for pattern in PATTERNS.into_iter().filter(|pattern| pattern.psk()) {
        let silent = |ends: &Ends<'_>, error| {
            let rejected = ends.reply(&ends.hello().1).map(|_| ()).unwrap_err();
            assert_eq!((rejected.error(), rejected.answer()), (error, [].as_slice()), "{pattern:?}");
        };
        silent(&Ends { psks: [vec![psk(1)], vec![psk(2)]], ..case.ends(pattern) }, Error::Authentication);
        silent(&Ends { psks: [vec![psk(1)], vec![psk(2), psk(3)]], ..case.ends(pattern) }, Error::Authentication);
        // Without one it opens in the other pattern; not even the refusal is sent.
        let plain = if pattern.identified() { Pattern::Xx } else { Pattern::Nx };
        silent(&Ends { pattern: plain, psks: [vec![], vec![psk(2)]], ..case.ends(plain) }, Error::RefusedByUs(Refusal::Pattern));
        let busy = case.ends(pattern).listening().busy(true).read_any_hello(&case.ends(pattern).hello().1).map(|_| ()).unwrap_err();
        assert_eq!((busy.error(), busy.answer()), (Error::RefusedByUs(Refusal::Busy), [].as_slice()));
    }
}

pub(crate) fn a_psk_on_one_side_only_is_left_out(case: &Case) {
    for pattern in PATTERNS.into_iter().filter(|pattern| pattern.psk()) {
        let ends = Ends { psks: [vec![psk(1)], vec![]], ..case.ends(pattern) };
        let rejected = ends.reply(&ends.hello().1).map(|_| ()).unwrap_err();
        assert_eq!((rejected.error(), rejected.answer()), (Error::RefusedByUs(Refusal::Pattern), [0, 1, 2].as_slice()));
    }
}

pub(crate) fn one_of_two_psks_does_not_work_while_rotating(case: &Case) {
    for pattern in PATTERNS.into_iter().filter(|pattern| pattern.psk()) {
        for (opened_with, works) in [(2, true), (1, true), (3, false)] {
            let ends = Ends { psks: [vec![psk(opened_with)], vec![psk(2), psk(1)]], ..case.ends(pattern) };
            match works {
                true => assert_agree(ends.meet().0),
                false => assert!(ends.reply(&ends.hello().1).is_err()),
            }
        }
        // A third replaces the second.
        let three = |opened_with| Ends { psks: [vec![psk(opened_with)], vec![psk(3), psk(2), psk(1)]], ..case.ends(pattern) };
        assert!(three(2).reply(&three(2).hello().1).is_err());
        assert_agree(three(1).meet().0);
        assert_agree(three(3).meet().0);
    }
}

/// The psk is mixed in with the ephemeral key: two runs under one psk share no key, and message 1 is not the same twice.
pub(crate) fn a_psk_alone_makes_the_keys(case: &Case) {
    let [one, other] = [[1, 2], [3, 4]].map(|seeds| case.seeded(Pattern::XxPsk0, seeds).hello().1);
    assert_ne!(one[8..40], other[8..40]);
    assert_ne!(one[one.len() - 19..], other[other.len() - 19..]);
}

pub(crate) fn a_busy_responder_does_the_work(case: &Case) {
    let key = case.sizes().encapsulation_key;
    for pattern in [Pattern::Xx, Pattern::Nx] {
        let ends = Ends { payloads: [b""; 3], ..case.ends(pattern) };
        let (waiting, mut hello) = ends.hello();
        assert_eq!(hello.len(), 8 + key[0] + key[1]);
        // Not even the encapsulation key is looked at.
        hello[8..].fill(0xFF);
        let rejected = ends.listening().busy(true).read_any_hello(&hello).map(|_| ()).unwrap_err();
        assert_eq!((rejected.error(), rejected.answer()), (Error::RefusedByUs(Refusal::Busy), [0, 1, 4].as_slice()));
        assert_eq!(ends.finish(waiting, rejected.answer()).unwrap_err(), Error::RefusedByPeer(Refusal::Busy));
    }
}

pub(crate) fn an_unknown_status_is_more_than_a_refusal(case: &Case) {
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        for status in 1..=255 {
            let expected = match status {
                1 => Refusal::Version,
                2 => Refusal::Pattern,
                3 => Refusal::Suite,
                4 => Refusal::Busy,
                _ => Refusal::Refused,
            };
            if status < 8 || status % 31 == 0 {
                assert_eq!(ends.finish(ends.hello().0, &[0, 1, status]).unwrap_err(), Error::RefusedByPeer(expected));
            }
        }
    }
}

/// `read_hello` is for those who want `XX` alone.
pub(crate) fn a_stranger_gets_in_where_identities_are_asked_for(case: &Case) {
    for pattern in [Pattern::Nx, Pattern::NxPsk0] {
        let ends = case.ends(pattern);
        let hello = ends.hello().1;
        let rejected = ends.listening().read_hello(&hello).map(|_| ()).unwrap_err();
        assert_eq!(rejected.error(), Error::RefusedByUs(Refusal::Pattern));
        assert_eq!(rejected.answer(), if pattern.psk() { &[][..] } else { &[0, 1, 2] });
        assert!(matches!(ends.listening().read_any_hello(&hello).unwrap(), Hello::Anonymous(_)));
    }
}

/// An answer of three bytes opens no door: the initiator that gets it has used its state up, and nothing else was sent.
pub(crate) fn a_payload_above_the_bound_is_cut(case: &Case) {
    let long = vec![0; 4097];
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        let hello = ends.hello().1;
        let too_long = |error: Error| assert_eq!(error, Error::TooLong, "{pattern:?}");
        match ends.listening().read_any_hello(&hello).unwrap() {
            Hello::Identified(heard) => {
                too_long(heard.with_payload(long.clone().into()).send_reply_with_rng(&mut Seeded::new(1)).map(|_| ()).unwrap_err())
            }
            Hello::Anonymous(heard) => {
                let reply = heard.with_payload(long.clone().into()).send_reply_with_rng(&mut Anonymous, &mut Seeded::new(1));
                too_long(reply.map(|_| ()).unwrap_err().error());
            }
        }
    }
}
