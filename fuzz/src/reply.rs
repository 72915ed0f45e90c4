//! Message 2 from anybody, to an initiator of any pattern and suite (docs/protocol.md, sections 6.2 to 6.4).
//!
//! The message is the vectors', or one forged with good tags over any identity, signature and payload, or any bytes; and then it is changed. It is good exactly when
//! nothing was changed but the payload that was forged.

use crate::cases::{Case, Waiting, cases};
use crate::forge::Symmetric;
use crate::input::{Input, refit};
use crate::rng::Seeded;
use twinlock::handshake::MAX_PAYLOAD;
use twinlock::trust::{Ask, Pinned};
use twinlock::{Channel, Distrust, Error, Fingerprint, Refusal};

/// What was sent, the payload that it has if it is good, and the state after it.
struct Sent {
    frame: Vec<u8>,
    good: Option<Vec<u8>>,
    state: Symmetric,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let case = input.pick(cases());
    let sent = Sent::make(case, &mut input);
    let waiting = case.waiting();
    let bounds = match &waiting {
        Waiting::Identified(waiting) => waiting.frame_bounds(),
        Waiting::Anonymous(waiting) => waiting.frame_bounds(),
    };
    let within = bounds.contains(&sent.frame.len().saturating_sub(2));
    let made = match waiting {
        Waiting::Identified(waiting) => waiting.read_reply(&sent.frame).map(|read| {
            check_read(case, &sent, read.peer().fingerprint(), read.payload().as_bytes());
            finish(case, read, &sent, &mut input);
        }),
        Waiting::Anonymous(waiting) => waiting.read_reply(&sent.frame).map(|read| {
            check_read(case, &sent, read.peer().fingerprint(), read.payload().as_bytes());
            let trusted = input.flag();
            check_judged(case, trusted, read.into_channel(&mut Pinned(expected(case, trusted))), &sent.state.h);
        }),
    };
    match made {
        Ok(()) => assert!(within, "a frame out of bounds was read"),
        Err(error) => check_error(error, &sent),
    }
}

impl Sent {
    fn make(case: &Case, input: &mut Input) -> Self {
        let (clear, state) = case.before_reply();
        let (frame, mut sent) = match input.byte() % 8 {
            0 => {
                let refusal = [&[0, 1], input.bytes(1)].concat();
                (refusal, Self { frame: Vec::new(), good: None, state })
            }
            1 => (input.rest().to_vec(), Self { frame: Vec::new(), good: None, state }),
            how @ 2..=4 => {
                let parts = case.reply();
                let (frame, good, state) = forge(&clear, parts, state, how != 2, input);
                (frame, Self { frame: Vec::new(), good, state })
            }
            _ => {
                let mut after = state;
                case.reply().iter().for_each(|part| drop(after.encrypt_and_hash(part)));
                (case.messages[1].clone(), Self { frame: Vec::new(), good: Some(case.payloads[1].clone()), state: after })
            }
        };
        sent.frame = frame.clone();
        input.change(&mut sent.frame, &case.borders(1));
        if input.flag() {
            refit(&mut sent.frame);
        }
        if sent.frame != frame {
            sent.good = None;
        }
        sent
    }
}

/// A message with good tags over changed parts: `u16 length || clear || identity || signature || payload`.
pub fn forge(
    clear: &[u8],
    mut parts: [Vec<u8>; 3],
    mut state: Symmetric,
    payload_only: bool,
    input: &mut Input,
) -> (Vec<u8>, Option<Vec<u8>>, Symmetric) {
    let honest = parts.clone();
    parts[2] = input.filled(MAX_PAYLOAD);
    if !payload_only {
        for part in parts.iter_mut().take(2) {
            let (ml_dsa, end) = (part.len().saturating_sub(97), part.len());
            input.change(part, &[0, ml_dsa, end - 64, end - 32, end]);
        }
    }
    let sealed = parts.iter().flat_map(|part| state.encrypt_and_hash(part)).collect::<Vec<_>>();
    let mut frame = [&[0, 0], clear, &sealed].concat();
    refit(&mut frame);
    let good = parts[..2] == honest[..2] && parts[2].len() <= MAX_PAYLOAD;
    (frame, good.then(|| parts[2].clone()), state)
}

fn check_read(case: &Case, sent: &Sent, who: Option<Fingerprint>, payload: &[u8]) {
    assert_eq!(sent.good.as_deref(), Some(payload), "a message was read that is not good, or with another payload");
    assert_eq!(who, Some(case.responder.fingerprint()));
}

fn check_error(error: Error, sent: &Sent) {
    assert!(sent.good.is_none(), "a good message was refused: {error:?}");
    let refusal = match &*sent.frame {
        [0, 1, 0] => None,
        [0, 1, status] => Some(*status),
        _ => None,
    };
    match (error, refusal) {
        (Error::RefusedByPeer(why), Some(status)) => {
            assert_eq!(why.status(), if status < 5 { status } else { Refusal::Refused.status() });
        }
        (Error::Malformed | Error::Authentication, None) => {}
        (error, refusal) => panic!("{error:?}, with refusal {refusal:?}"),
    }
}

fn expected(case: &Case, trusted: bool) -> Fingerprint {
    if trusted { case.responder.fingerprint() } else { Fingerprint::from_bytes([0; 32]) }
}

fn check_judged(case: &Case, trusted: bool, channel: Result<Channel, Error>, hash: &[u8]) {
    match channel {
        Ok(channel) => {
            assert!(trusted, "a channel to who was not expected");
            assert_eq!(channel.conversation().handshake_hash(), hash);
            assert_eq!(channel.peer().suite(), case.suite);
        }
        Err(error) => assert_eq!((error, trusted), (Error::Untrusted(Distrust::NotExpected), false)),
    }
}

/// Message 3, signed here or elsewhere, with the right signature or another.
fn finish(case: &Case, read: twinlock::handshake::ReplyRead, sent: &Sent, input: &mut Input) {
    let (payload, trusted) = (input.filled(MAX_PAYLOAD), input.flag());
    let (rng, read) = (&mut Seeded::new(3), read.with_payload(payload.clone().into()));
    if payload.len() > MAX_PAYLOAD {
        let error = read.prepare_finish(&mut Pinned(expected(case, true))).expect_err("a payload that is too long");
        return assert_eq!(error, Error::TooLong);
    }
    let elsewhere = input.flag();
    if !trusted {
        let error = read.send_finish_with_rng(&mut Ask(|_: &_| false), rng).expect_err("who was declined");
        return assert_eq!(error, Error::Untrusted(Distrust::Declined));
    }
    if !elsewhere {
        let made = read.send_finish_with_rng(&mut Pinned(expected(case, true)), rng).expect("who was expected");
        return check_finish(case, made, sent, &payload);
    }
    let ready = read.prepare_finish(&mut Pinned(expected(case, true))).expect("who was expected");
    let honest = case.initiator.sign_with_rng(ready.to_sign(), rng).expect("a good generator");
    let mut signature = honest.clone();
    input.change(&mut signature, &[honest.len() - 104, honest.len() - 64]);
    let made = ready.finish(&signature);
    assert_eq!(made.is_ok(), signature == honest, "whether a signature is the identity's own");
    if let Ok(made) = made {
        check_finish(case, made, sent, &payload);
    }
}

/// What this side sends opens under the keys that the specification says, and is what was to be said.
fn check_finish(case: &Case, (channel, frame): (Channel, Vec<u8>), sent: &Sent, payload: &[u8]) {
    let (mut state, algorithm) = (sent.state.clone(), case.suite.signature());
    let (identity, rest) = frame[2..].split_at(algorithm.public_key_len() + 16);
    let (signature, sealed) = rest.split_at(algorithm.signature_len() + 16);
    let [identity, _, said] = [identity, signature, sealed].map(|part| state.decrypt_and_hash(part).expect("good tags"));
    assert_eq!((identity.as_slice(), said.as_slice()), (case.initiator.public().as_bytes(), payload));
    assert_eq!(channel.conversation().handshake_hash(), state.h);
}
