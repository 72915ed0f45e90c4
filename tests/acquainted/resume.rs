//! `resume`: a secret is used once, by those who share it, under the configuration that they had.

use crate::support::acquainted::{Answered, Meeting, NOW, Waits, changed, ending, of_role};
use crate::support::book::DAY;
use crate::support::pair::{Ends, alice, assert_agree, bob, eve, psk};
use crate::support::rng::Seeded;
use std::sync::Arc;
use twinlock::channel::{Resumption, Role};
use twinlock::handshake::{MAX_PAYLOAD, Pattern, ResumeInitiator};
use twinlock::trust::{Anonymous, OrAnonymous, Pinned, danger::TrustAnyone};
use twinlock::{Distrust, Error, Suite};

fn suites() -> impl Iterator<Item = Suite> {
    Suite::ALL.iter().copied()
}

/// With a pre-shared key and without; and what a refusal is then.
fn meetings(suite: Suite) -> [(Meeting, &'static [u8]); 2] {
    [(Meeting::new(suite, Pattern::Resume), &[0, 1, 5]), (Meeting::resume_under_psk(suite), &[])]
}

/// What the responder answers to message 1 of this meeting, where it does not go on.
fn refusal(meeting: &mut Meeting, hello: &[u8]) -> (Error, Vec<u8>) {
    let rejected = meeting.reply(hello).map(|_| ()).unwrap_err();
    (rejected.error(), rejected.answer().to_vec())
}

#[test]
fn two_that_met_end_with_other_peers_or_keys() {
    for suite in suites() {
        for (mut meeting, _) in meetings(suite) {
            let ([a, b], _) = meeting.meet();
            assert_eq!((a.peer().identity(), b.peer().identity()), (Some(&bob(suite).public()), Some(&alice(suite).public())));
            assert_agree([a, b]);
            assert!(meeting.books.iter().all(|book| book.records.is_empty()));
        }
    }
}

/// After a conversation without an identity on the initiator's side, and one between strangers.
#[test]
fn a_conversation_between_strangers_cannot_be_picked_up() {
    for suite in suites() {
        for pattern in [Pattern::Xx, Pattern::Nx, Pattern::XxPsk0, Pattern::NxPsk0] {
            let ends = Ends::new(suite, pattern);
            let [mut a, mut b] = ends.meet().0;
            let mut meeting = Meeting::new(suite, if pattern.psk() { Pattern::IkPsk0 } else { Pattern::Ik });
            meeting.pattern = Pattern::Resume;
            meeting.prologues = [b"hostile/1"; 2];
            for (book, channel) in meeting.books.iter_mut().zip([&mut a, &mut b]) {
                book.records = vec![Arc::new(channel.keep_resumption(NOW).unwrap().unwrap())];
            }
            let record = meeting.record(1);
            let peer = pattern.identified().then(|| alice(suite).fingerprint());
            assert_eq!((record.me(), record.peer()), (Some(&bob(suite).fingerprint()), peer.as_ref()));
            let (waits, hello) = meeting.hello();
            let read = meeting.resume_read(&hello).unwrap();
            assert_eq!(read.suite(), suite);
            let removed = read.remove(&mut meeting.books[1]).unwrap();
            assert_eq!(removed.peer().fingerprint(), peer);
            let judged = removed.judge(&mut OrAnonymous(Pinned(alice(suite).fingerprint()))).unwrap();
            let (b, reply) = judged.send_reply_with_rng(&mut Seeded::new(3)).unwrap();
            let (a, _) = meeting.finish(waits, &reply).unwrap();
            assert_eq!(b.peer().identity().is_some(), pattern.identified());
            assert_agree([a, b]);
        }
    }
}

/// One without identity is judged as such, and one with an identity is not anonymous.
#[test]
fn a_remembered_peer_is_judged_as_another() {
    let suite = Suite::default();
    let mut meeting = Meeting::new(suite, Pattern::Resume);
    let kept = meeting.kept();
    for judge in 0..2 {
        meeting.keep(kept.clone());
        let (_, hello) = meeting.hello();
        let removed = meeting.resume_read(&hello).unwrap().remove(&mut meeting.books[1]).unwrap();
        let rejected = if judge == 0 { removed.judge(&mut Anonymous) } else { removed.judge(&mut Pinned(eve(suite).fingerprint())) };
        let rejected = rejected.map(|_| ()).unwrap_err();
        assert_eq!((rejected.error(), rejected.answer()), (Error::Untrusted(Distrust::NotExpected), [0, 1, 5].as_slice()));
        assert!(meeting.books[1].records.is_empty());
    }
    // The initiator judges first: then nothing was sent, and the record stays.
    meeting.keep(kept);
    let initiator = meeting.resume_initiator();
    assert_eq!(initiator.peer().fingerprint(), Some(bob(suite).fingerprint()));
    let refused = initiator.judge(&mut Pinned(eve(suite).fingerprint()));
    assert_eq!(refused.map(|_| ()).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
    assert_eq!(meeting.books[0].records.len(), 1);
}

#[test]
fn a_record_is_used_twice() {
    for suite in suites() {
        for (mut meeting, refused) in meetings(suite) {
            let kept = meeting.kept();
            let (_, hello) = meeting.hello();
            // By the initiator: from its store it is gone, and a copy in memory does not help.
            let copy = ResumeInitiator::new(Arc::clone(&kept[0][0]), b"acquainted/1");
            let copy = meeting.psks[0].iter().fold(copy, ResumeInitiator::psk).judge(&mut TrustAnyone).unwrap();
            let again = copy.send_hello_with_rng(&mut meeting.books[0], NOW, &mut Seeded::new(9));
            assert_eq!(again.map(|_| ()).unwrap_err(), Error::NotResumable);
            // By whoever replays it.
            let (answered, _) = meeting.reply(&hello).unwrap();
            assert_eq!(refusal(&mut meeting, &hello).1, refused, "{suite:?}");
            drop(answered);
            // Two at once: both have read it, and one has removed it.
            meeting.keep(kept);
            let [one, other] = [(); 2].map(|()| meeting.resume_read(&hello).unwrap());
            assert!(one.remove(&mut meeting.books[1]).is_ok());
            let lost = other.remove(&mut meeting.books[1]).map(|_| ()).unwrap_err();
            assert_eq!((lost.error(), lost.answer()), (Error::NotResumable, refused), "{suite:?}");
        }
    }
}

/// Nothing is shown or sent before the record is gone for good.
#[test]
fn a_removal_that_was_lost_goes_unnoticed() {
    for suite in suites() {
        for (mut meeting, refused) in meetings(suite) {
            let kept = meeting.kept();
            for (error, fails, too_late) in [(Error::Store, Some(Error::Store), false), (Error::NotResumable, None, true)] {
                meeting.keep(kept.clone());
                let (_, hello) = meeting.hello();
                (meeting.books[1].removing, meeting.books[1].too_late) = (fails, too_late);
                assert_eq!(refusal(&mut meeting, &hello), (error, refused.to_vec()), "{suite:?}");
                (meeting.books[1].removing, meeting.books[1].too_late) = (None, false);
                // The initiator sends nothing.
                meeting.keep(kept.clone());
                (meeting.books[0].removing, meeting.books[0].too_late) = (fails, too_late);
                assert_eq!(meeting.try_hello(&mut Seeded::new(1)).map(|_| ()).unwrap_err(), error);
                (meeting.books[0].removing, meeting.books[0].too_late) = (None, false);
            }
        }
    }
}

/// Judged after it was removed, and before early data is looked at.
#[test]
fn a_record_outlives_a_refusal() {
    for suite in suites() {
        for (mut meeting, refused) in meetings(suite) {
            let kept = meeting.kept();
            for (early, person) in [(b"".as_slice(), eve(suite)), (b"early", eve(suite)), (b"early", alice(suite))] {
                meeting.keep(kept.clone());
                meeting.payloads[0] = early.to_vec();
                let (_, hello) = meeting.hello();
                let removed = meeting.resume_read(&hello).unwrap().remove(&mut meeting.books[1]).unwrap();
                assert!(meeting.books[1].records.is_empty());
                let rejected = removed.judge(&mut Pinned(person.fingerprint())).map(|_| ()).unwrap_err();
                let expected = if person.fingerprint() == eve(suite).fingerprint() {
                    Error::Untrusted(Distrust::NotExpected)
                } else {
                    Error::RefusedByUs(twinlock::Refusal::Refused)
                };
                assert_eq!((rejected.error(), rejected.answer()), (expected, refused), "{suite:?}");
            }
        }
    }
}

#[test]
fn early_data_is_lost_or_cut() {
    for suite in suites() {
        for (mut meeting, _) in meetings(suite) {
            let kept = meeting.kept();
            meeting.early_data = true;
            for len in [0, 1, MAX_PAYLOAD] {
                meeting.keep(kept.clone());
                meeting.payloads[0] = vec![3; len];
                let (waits, hello) = meeting.hello();
                let removed = meeting.resume_read(&hello).unwrap().remove(&mut meeting.books[1]).unwrap();
                let accepted = removed.judge(&mut TrustAnyone).unwrap();
                assert_eq!(
                    (accepted.early_data().as_bytes(), accepted.peer().fingerprint()),
                    (vec![3; len].as_slice(), Some(alice(suite).fingerprint()))
                );
                let (_, reply) = accepted.with_payload(vec![4; len].into()).send_reply_with_rng(&mut Seeded::new(1)).unwrap();
                let Waits::Resume(waits) = waits else { panic!() };
                let read = waits.read_reply(&reply).unwrap();
                assert_eq!(
                    (read.payload().as_bytes(), read.peer().fingerprint()),
                    (vec![4; len].as_slice(), Some(bob(suite).fingerprint()))
                );
            }
            // Too long, nothing is sent and nothing used up.
            meeting.keep(kept.clone());
            meeting.payloads[0] = vec![3; MAX_PAYLOAD + 1];
            assert_eq!(meeting.try_hello(&mut Seeded::new(1)).map(|_| ()).unwrap_err(), Error::TooLong);
            assert_eq!(meeting.books[0].records.len(), 1);
        }
    }
}

/// A change to a record, and whether it is used then.
type Change = fn(&Resumption) -> Arc<Resumption>;

/// The responder's record does not fit: it stays, and looks like none; the initiator's stays too.
#[test]
fn a_record_that_does_not_fit_is_used() {
    const CHANGES: &[(&str, Change)] = &[
        ("ended", |record| ending(record, NOW)),
        ("of the other side", |record| of_role(record, if record.role() == Role::Opener { Role::Answerer } else { Role::Opener })),
        ("with another secret", |record| changed(record, 20, &[0x55; 32])),
        ("under another psk", |record| changed(record, 92, &[1; 33])),
        ("of another prologue", |record| changed(record, record.to_secret_bytes().expose().len() - 1, b"2")),
        ("of another identity", |record| changed(record, 60, &[9; 32])),
    ];
    for suite in suites() {
        for (mut meeting, refused) in meetings(suite) {
            let kept = meeting.kept();
            for (name, change) in CHANGES {
                meeting.keep([kept[0].clone(), vec![change(&kept[1][0])]]);
                let (_, hello) = meeting.hello();
                let removes = *name != "with another secret";
                assert_eq!(refusal(&mut meeting, &hello).1, refused, "{name}, {suite:?}");
                assert_eq!(meeting.books[1].records.len(), 1, "{name}, {suite:?}");
                // The initiator cannot tell another secret, and its own identity is whom it was.
                meeting.keep([vec![change(&kept[0][0])], kept[1].clone()]);
                let sent = meeting.try_hello(&mut Seeded::new(1)).map(|_| ());
                let unnoticed = !removes || *name == "of another identity";
                assert_eq!(sent.err(), (!unnoticed).then_some(Error::NotResumable), "{name}, {suite:?}");
            }
            // Up to its last second.
            meeting.keep(kept.each_ref().map(|records| vec![ending(&records[0], NOW + 1)]));
            assert_agree(meeting.meet().0);
        }
    }
}

#[test]
fn a_record_is_used_under_another_configuration() {
    for suite in suites() {
        let mut plain = Meeting::new(suite, Pattern::Resume);
        let kept = plain.kept();
        let (_, hello) = plain.hello();
        plain.psks[1] = vec![psk(7)];
        assert_eq!(refusal(&mut plain, &hello).1, [] as [u8; 0]);
        plain.psks = [vec![psk(7)], vec![]];
        plain.keep(kept.clone());
        assert_eq!(plain.try_hello(&mut Seeded::new(1)).map(|_| ()).unwrap_err(), Error::NotResumable);
        plain.psks = [vec![], vec![]];
        plain.prologues = [b"acquainted/2", b"acquainted/1"];
        assert_eq!(plain.try_hello(&mut Seeded::new(1)).map(|_| ()).unwrap_err(), Error::NotResumable);
        plain.prologues = [b"acquainted/1", b"acquainted/2"];
        let (_, hello) = plain.hello();
        assert_eq!(refusal(&mut plain, &hello).1, [0, 1, 5]);
        // In another suite of the same identity the record is none.
        for elsewhere in suites().filter(|other| other.signature() == suite.signature() && *other != suite) {
            let mut relabelled = hello.clone();
            relabelled[6..8].copy_from_slice(&elsewhere.id().to_be_bytes());
            let read = plain.listening().suites(&[suite, elsewhere]).read_hello_with(&relabelled, &plain.books[1]);
            assert_eq!(read.map(|_| ()).unwrap_err().answer(), [0, 1, 5]);
        }

        let mut keyed = Meeting::resume_under_psk(suite);
        let kept = keyed.kept();
        let (_, hello) = keyed.hello();
        for (psks, answer) in [(vec![], [0, 1, 5].as_slice()), (vec![8], &[]), (vec![8, 9], &[])] {
            keyed.psks[1] = psks.into_iter().map(psk).collect();
            assert_eq!(refusal(&mut keyed, &hello).1, answer);
        }
        for psks in [[7, 8], [8, 7], [7, 7]] {
            keyed.keep(kept.clone());
            keyed.psks[1] = psks.map(psk).into();
            assert_agree(keyed.meet().0);
        }
    }
}

/// Where reading the store fails, or the clock is behind, the owner is told and the peer is not.
#[test]
fn a_clock_that_is_behind_shows_to_the_peer() {
    for suite in suites() {
        for (mut meeting, refused) in meetings(suite) {
            let kept = meeting.kept();
            let (_, hello) = meeting.hello();
            meeting.books[1].latest = Some(NOW + DAY);
            assert!(meeting.resume_read(&hello).is_ok());
            meeting.books[1].latest = Some(NOW + DAY + 1);
            assert_eq!(refusal(&mut meeting, &hello), (Error::ClockBehind, refused.to_vec()));
            (meeting.books[1].latest, meeting.books[1].reading) = (None, Some(Error::Store));
            assert_eq!(refusal(&mut meeting, &hello), (Error::Store, refused.to_vec()));
            // A store without static keys to read, in IK.
            let mut acquaintances = Meeting::new(suite, if refused.is_empty() { Pattern::IkPsk0 } else { Pattern::Ik });
            let (_, first) = acquaintances.hello();
            acquaintances.books[1].reading = Some(Error::Store);
            assert_eq!(refusal(&mut acquaintances, &first), (Error::Store, refused.to_vec()));
            // The initiator sends nothing.
            meeting.keep(kept);
            meeting.books[0].latest = Some(NOW + DAY + 1);
            assert_eq!(meeting.try_hello(&mut Seeded::new(1)).map(|_| ()).unwrap_err(), Error::ClockBehind);
        }
    }
}

#[test]
fn a_failing_generator_uses_a_record_up_or_sends() {
    for suite in suites() {
        for (mut meeting, _) in meetings(suite) {
            let kept = meeting.kept();
            assert_eq!(meeting.try_hello(&mut Seeded::failing_at(1, 0)).map(|_| ()).unwrap_err(), Error::Randomness);
            assert_eq!(meeting.books[0].records.len(), 1);
            assert!(meeting.try_hello(&mut Seeded::failing_at(1, 1)).is_ok());
            meeting.keep(kept);
            let (_, hello) = meeting.hello();
            let rejected = meeting.try_reply(&hello, &mut Seeded::failing_at(1, 0)).map(|_| ()).unwrap_err();
            assert_eq!((rejected.error(), rejected.answer()), (Error::Randomness, [].as_slice()));
        }
    }
}

/// Who holds the secret and not the answer, and a reflected message.
#[test]
fn a_message_of_another_run_is_taken() {
    for suite in suites() {
        let mut meeting = Meeting::new(suite, Pattern::Resume);
        let kept = meeting.kept();
        let (waits, hello) = meeting.hello();
        let (_, reply) = meeting.reply(&hello).unwrap();
        assert_eq!(meeting.finish(waits, &hello).unwrap_err(), Error::Malformed);
        meeting.keep(kept);
        meeting.seeds = [71, 72];
        let (waits, _) = meeting.hello();
        assert_eq!(meeting.finish(waits, &reply).unwrap_err(), Error::Authentication);
        // Its own message comes back to the initiator, which answers it to nobody: it had opened that conversation.
        let as_responder = meeting.books.iter().position(|book| book.records.iter().any(|record| record.role() == Role::Answerer)).unwrap();
        assert_eq!(as_responder, 1);
    }
}

/// A conversation that began in `resume` hands on when it all ends, and under which key it stood; the secret is new each time.
#[test]
fn a_chain_of_resumptions_never_ends() {
    for suite in suites() {
        for (mut meeting, _) in meetings(suite) {
            let (first, mut seen) = (meeting.record(0), Vec::new());
            assert_eq!(first.not_after(), NOW + 7 * DAY);
            assert_eq!(first.psk_tag().is_some(), !meeting.psks[0].is_empty());
            for day in 0..3 {
                seen.push(*meeting.record(0).id());
                let [mut a, mut b] = meeting.meet().0;
                let later = NOW + day * 2 * DAY;
                for (channel, book) in [&mut a, &mut b].into_iter().zip(&mut meeting.books) {
                    let record = channel.keep_resumption(later).unwrap().unwrap();
                    assert!(channel.keep_resumption(later).unwrap().is_none());
                    assert_eq!((record.not_after(), record.psk_tag()), (first.not_after(), first.psk_tag()));
                    assert_eq!((record.prologue(), record.suite()), (first.prologue(), suite));
                    book.records.push(Arc::new(record));
                }
                let [one, other] = [0, 1].map(|side| meeting.record(side));
                assert_eq!((one.id(), one.me(), one.peer()), (other.id(), other.peer(), other.me()));
                assert_eq!((one.role(), other.role()), (Role::Opener, Role::Answerer));
                meeting.seeds = meeting.seeds.map(|seed| seed + 1);
            }
            seen.push(*meeting.record(0).id());
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), 4);
            // When it is over nothing is kept any more.
            let [mut a, mut b] = meeting.meet().0;
            assert!(a.keep_resumption(first.not_after()).unwrap().is_none());
            assert!(b.keep_resumption(first.not_after() - 1).unwrap().is_some());
        }
    }
}

/// Only what the peer's half of the conversation was is left of one that was declined after the handshake.
#[test]
fn a_declined_initiator_keeps_something_that_opens() {
    let suite = Suite::default();
    let mut meeting = Meeting::new(suite, Pattern::Ik);
    let (waits, hello) = meeting.hello();
    let (answered, reply) = meeting.reply(&hello).unwrap();
    let (mut a, confirm) = meeting.finish(waits, &reply).unwrap();
    let Answered::Ik(awaits) = answered else { panic!() };
    assert!(awaits.read_confirm(&confirm.unwrap()).unwrap().into_channel(&mut Pinned(eve(suite).fingerprint())).is_err());
    meeting.books[0].records.push(Arc::new(a.keep_resumption(NOW).unwrap().unwrap()));
    meeting.pattern = Pattern::Resume;
    let (_, hello) = meeting.hello();
    assert_eq!(refusal(&mut meeting, &hello).1, [0, 1, 5]);
}
