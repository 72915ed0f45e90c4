//! Messages changed on their way, of every size; each change to a run that would go well without it.

use crate::support::acquainted::{Answered, Meeting, Waits};
use crate::support::pair::assert_agree;
use crate::{everywhere, framed};
use twinlock::handshake::{MAX_PAYLOAD, Pattern};
use twinlock::{Error, Refusal, Suite};

/// The bodies with an empty payload, by docs/protocol.md, section 6.2.
fn bodies(suite: Suite, pattern: Pattern) -> Vec<usize> {
    let level_5 = suite.id() == 0x0002;
    match pattern {
        Pattern::Resume if level_5 => vec![1703, 1682],
        Pattern::Resume => vec![1254, 1137],
        _ => {
            let psk = if pattern.psk() { 16 } else { 0 };
            if level_5 { vec![3400 + psk, 3363, 19] } else { vec![2406 + psk, 2273, 19] }
        }
    }
}

#[test]
fn a_message_has_another_size_than_the_table() {
    for (suite, pattern) in everywhere() {
        for payload in [0, 1, MAX_PAYLOAD] {
            let mut meeting = Meeting::new(suite, pattern);
            let early = if pattern == Pattern::Resume { payload } else { 0 };
            (meeting.payloads, meeting.early_data) = ([vec![9; early], vec![9; payload]], true);
            let (channels, messages) = meeting.meet();
            assert_agree(channels);
            let lengths: Vec<_> = messages.iter().map(|frame| frame.len() - 2).collect();
            let mut expected = bodies(suite, pattern);
            (expected[0], expected[1]) = (expected[0] + early, expected[1] + payload);
            assert_eq!(lengths, expected, "{suite:?}, {pattern:?}");
            assert!(messages.iter().all(|frame| frame[..2] == u16::try_from(frame.len() - 2).unwrap().to_be_bytes()));
        }
    }
}

/// What is tried of so many, others in each suite. With TWINLOCK_THOROUGH set everything is.
fn share(suite: Suite, all: usize) -> impl Iterator<Item = usize> {
    let thorough = std::env::var_os("TWINLOCK_THOROUGH").is_some();
    let step = match (cfg!(debug_assertions), suite.id()) {
        _ if thorough => 1,
        (false, 0x0002) => 41,
        (false, _) => 11,
        (true, 0x0002) => 431,
        (true, _) => 167,
    };
    (0..all).skip(usize::from(suite.id()) % step).step_by(step).chain([all - 1])
}

fn flipped(frame: &[u8], at: usize) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at] ^= 1 << (at % 8);
    frame
}

#[test]
fn a_flipped_byte_goes_unnoticed() {
    for (suite, pattern) in everywhere() {
        let mut meeting = Meeting::new(suite, pattern);
        let (kept, lengths) = (meeting.kept(), bodies(suite, pattern));
        for at in share(suite, lengths[0] + 2).chain([2, 3, 4, 5, 6, 7]) {
            meeting.keep(kept.clone());
            let (_, hello) = meeting.hello();
            match meeting.reply(&flipped(&hello, at)) {
                // A first message that is no first message any more, or one that is not allowed, or one whose tags do not verify.
                Err(rejected) => {
                    let expected: &[u8] = match (pattern.psk(), at) {
                        (true, _) | (_, 0..4) => &[],
                        (_, 4) => &[0, 1, 1],
                        (_, 5) => &[0, 1, 2],
                        (_, 6 | 7) => &[0, 1, 3],
                        // An encapsulation key that is none is not answered at all.
                        _ if rejected.error() == Error::Malformed => &[],
                        _ => &[0, 1, 5],
                    };
                    assert_eq!(rejected.answer(), expected, "{suite:?}, {pattern:?}, byte {at}: {rejected:?}");
                }
                // Every part of it is under a tag.
                Ok(_) => panic!("{suite:?}, {pattern:?}, byte {at}"),
            }
        }
        for at in share(suite, lengths[1] + 2 + 3) {
            meeting.keep(kept.clone());
            let (waits, hello) = meeting.hello();
            let (_, reply) = meeting.reply(&hello).unwrap();
            let error = meeting.finish(waits, &flipped(&reply, at)).unwrap_err();
            let expected = if at < 3 { Error::Malformed } else { Error::Authentication };
            assert_eq!(error, expected, "{suite:?}, {pattern:?}, byte {at}");
        }
    }
}

/// Every byte of the one frame that is small, and every other frame in its place.
#[test]
fn a_changed_confirm_opens_a_channel() {
    for (suite, pattern) in everywhere().filter(|(_, pattern)| *pattern != Pattern::Resume) {
        let mut meeting = Meeting::new(suite, pattern);
        let mut run = || {
            let (waits, hello) = meeting.hello();
            let (answered, reply) = meeting.reply(&hello).unwrap();
            let (channel, confirm) = meeting.finish(waits, &reply).unwrap();
            let Answered::Ik(awaits) = answered else { panic!() };
            (awaits, channel, confirm.unwrap())
        };
        for at in 0..21 {
            let (awaits, _, confirm) = run();
            assert_eq!(confirm.len(), 21);
            assert!(awaits.read_confirm(&flipped(&confirm, at)).is_err(), "{suite:?}, {pattern:?}, byte {at}");
        }
        // The record after it; a longer one; one that the responder would have made; none.
        for other in 0..4 {
            let (awaits, channel, confirm) = run();
            let (mut sealer, _, _) = channel.into_halves();
            let mut frame = Vec::new();
            match other {
                0 => sealer.message(b"", &mut frame).unwrap(),
                1 => sealer.message(b"longer", &mut frame).unwrap(),
                2 => frame = [confirm.as_slice(), &[0]].concat(),
                _ => {}
            }
            assert!(matches!(awaits.read_confirm(&frame).unwrap_err(), Error::Authentication | Error::Malformed), "{suite:?}, {other}");
        }
        let (awaits, _, _) = run();
        assert_eq!(awaits.frame_bounds(), 19..=19);
    }
}

#[test]
fn a_message_cut_or_made_longer_is_read() {
    for (suite, pattern) in everywhere() {
        let mut meeting = Meeting::new(suite, pattern);
        let (kept, lengths) = (meeting.kept(), bodies(suite, pattern));
        let resized = |frame: &[u8], length: usize| {
            let mut body = frame[2..].to_vec();
            body.resize(length, 0);
            framed(&body)
        };
        let over = MAX_PAYLOAD + 1;
        for length in [0, 1, 5, 6, 7, 22, lengths[0] - 17, lengths[0] - 1, lengths[0] + 1, lengths[0] + over] {
            meeting.keep(kept.clone());
            let (_, hello) = meeting.hello();
            let rejected = meeting.reply(&resized(&hello, length)).map(|_| ()).unwrap_err();
            // Inside of the bounds a longer one is one with early data whose tag does not verify.
            let inside = pattern == Pattern::Resume && length == lengths[0] + 1;
            assert_eq!(rejected.answer(), if inside { [0, 1, 5].as_slice() } else { &[] }, "{suite:?}, {pattern:?}, {length} bytes");
        }
        for length in [0, 1, 2, lengths[1] - 1, lengths[1] + 2, lengths[1] + 4, lengths[1] + over] {
            meeting.keep(kept.clone());
            let (waits, hello) = meeting.hello();
            let (_, reply) = meeting.reply(&hello).unwrap();
            let error = meeting.finish(waits, &resized(&reply, length)).unwrap_err();
            assert!(matches!(error, Error::Malformed | Error::Authentication), "{suite:?}, {pattern:?}, {length} bytes: {error:?}");
        }
    }
}

#[test]
fn a_refusal_is_more_than_a_hint() {
    for (suite, pattern) in everywhere() {
        let mut meeting = Meeting::new(suite, pattern);
        let kept = meeting.kept();
        let reasons = [Refusal::Version, Refusal::Pattern, Refusal::Suite, Refusal::Busy, Refusal::Refused, Refusal::Refused];
        for (status, refusal) in (1..).zip(reasons) {
            meeting.keep(kept.clone());
            let (waits, _) = meeting.hello();
            let bounds = match &waits {
                Waits::Ik(waits) => waits.frame_bounds(),
                Waits::Resume(waits) => waits.frame_bounds(),
            };
            assert_eq!(bounds, 1..=bodies(suite, pattern)[1] + MAX_PAYLOAD);
            assert_eq!(meeting.finish(waits, &[0, 1, status]).unwrap_err(), Error::RefusedByPeer(refusal));
        }
        for malformed in [&[0, 0][..], &[0, 1, 0], &[0, 2, 5, 5], &[0, 2, 0, 0], &[]] {
            meeting.keep(kept.clone());
            let (waits, _) = meeting.hello();
            assert_eq!(meeting.finish(waits, malformed).unwrap_err(), Error::Malformed);
        }
    }
}
