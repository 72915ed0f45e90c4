//! Message 3 from anybody, to a responder of both patterns that have one and every suite (docs/protocol.md, sections 6.4 and 6.6).
//!
//! As for message 2: the vectors', forged with good tags, or any bytes, and then changed. A peer that is refused gets one `Close` that opens under the keys that the
//! specification says.

use crate::cases::{Case, cases};
use crate::forge::{Symmetric, plaintext};
use crate::input::{Input, refit};
use crate::reply::forge;
use std::sync::OnceLock;
use twinlock::trust::{Ask, Pinned};
use twinlock::{Distrust, Error, Fingerprint};

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let case = *input.pick(identified());
    let (frame, mut good, state) = make(case, &mut input);
    let mut sent = frame.clone();
    input.change(&mut sent, &case.borders(2));
    if input.flag() {
        refit(&mut sent);
    }
    good = good.filter(|_| sent == frame);
    let answered = case.answered();
    let within = answered.frame_bounds().contains(&sent.len().saturating_sub(2));
    match answered.read_finish(&sent) {
        Ok(read) => {
            assert!(within && good.as_deref() == Some(read.payload().as_bytes()), "a message was read that is not good");
            assert_eq!(read.peer().fingerprint(), Some(case.initiator.fingerprint()));
            judge(case, read, &state, &mut input);
        }
        Err(error) => {
            assert!(good.is_none(), "a good message was refused: {error:?}");
            assert!(matches!(error, Error::Malformed | Error::Authentication), "{error:?}");
            assert!(within || error == Error::Malformed, "{error:?}");
        }
    }
}

fn identified() -> &'static [&'static Case] {
    static CASES: OnceLock<Vec<&'static Case>> = OnceLock::new();
    CASES.get_or_init(|| cases().iter().filter(|case| case.pattern.identified()).collect())
}

/// A frame, its payload if it is good, and the state after it.
fn make(case: &Case, input: &mut Input) -> (Vec<u8>, Option<Vec<u8>>, Symmetric) {
    let mut state = case.before_finish();
    match input.byte() % 8 {
        0 => (input.rest().to_vec(), None, state),
        // Another of its messages, or another case's.
        1 => (input.pick(cases()).messages[input.below(2)].clone(), None, state),
        how @ 2..=4 => forge(&[], case.finish(), state, how != 2, input),
        _ => {
            case.finish().iter().for_each(|part| drop(state.encrypt_and_hash(part)));
            (case.messages[2].clone(), Some(case.payloads[2].clone()), state)
        }
    }
}

fn judge(case: &Case, read: twinlock::handshake::FinishRead, state: &Symmetric, input: &mut Input) {
    let why = match input.byte() % 3 {
        0 => None,
        1 => Some(Distrust::NotExpected),
        _ => Some(Distrust::Declined),
    };
    let judged = match why {
        None => read.into_channel(&mut Pinned(case.initiator.fingerprint())),
        Some(Distrust::NotExpected) => read.into_channel(&mut Pinned(Fingerprint::from_bytes([1; 32]))),
        Some(_) => read.into_channel(&mut Ask(|_: &_| false)),
    };
    match (judged, why) {
        (Ok(channel), None) => assert_eq!(channel.conversation().handshake_hash(), state.h),
        (Err(rejected), Some(why)) => {
            assert_eq!(rejected.error(), Error::Untrusted(why));
            let [_, mut r2i] = state.secrets();
            assert_eq!(r2i.open(rejected.answer()), Some(plaintext(3, &[0, 1], 0)), "one Close with code 1");
        }
        (judged, why) => panic!("{judged:?} with {why:?}"),
    }
}
