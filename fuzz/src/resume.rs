//! What one side of two that know each other reads besides message 1: message 2 of `resume` and `IK`, from anybody; and its own records, as they were kept (docs/protocol.md,
//! sections 6.7 and 6.8).
//!
//! A message 2 is good exactly when nothing was changed but a payload that was forged with good tags. A record is read by a second reader of its layout.

use crate::acquainted::{Case, Waiting, world};
use crate::forge::Symmetric;
use crate::input::{Input, refit};
use twinlock::channel::Resumption;
use twinlock::handshake::MAX_PAYLOAD;
use twinlock::identity::PublicIdentity;
use twinlock::trust::{Ask, Pinned};
use twinlock::{Distrust, Error, Refusal, Suite};

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    if input.byte() % 4 == 0 { record(&mut input) } else { reply(&mut input) }
}

/// What was sent, the payload that it has if it is good, and the handshake hash then.
struct Sent {
    frame: Vec<u8>,
    good: Option<(Vec<u8>, Vec<u8>)>,
}

fn reply(input: &mut Input) {
    let case = input.pick(&world().cases);
    let sent = Sent::make(case, input);
    let error = match case.waiting() {
        Waiting::Acquainted(waiting) => {
            let within = waiting.frame_bounds().contains(&sent.frame.len().saturating_sub(2));
            waiting.read_reply(&sent.frame).map(|read| {
                assert!(within, "a frame out of bounds was read");
                let hash = check_read(case, &sent, read.payload().as_bytes());
                let who = read.peer().fingerprint().expect("an acquaintance has an identity");
                assert_eq!(Some(who), case.responder());
                if input.flag() {
                    let declined = read.send_confirm(&mut Ask(|_: &_| false)).expect_err("who was declined");
                    return assert_eq!(declined, Error::Untrusted(Distrust::Declined));
                }
                let (channel, confirm) = read.send_confirm(&mut Pinned(who)).expect("who was expected");
                assert!(channel.conversation().handshake_hash() == hash && confirm == case.messages[2]);
            })
        }
        Waiting::Resume(waiting) => {
            let within = waiting.frame_bounds().contains(&sent.frame.len().saturating_sub(2));
            waiting.read_reply(&sent.frame).map(|read| {
                assert!(within, "a frame out of bounds was read");
                let hash = check_read(case, &sent, read.payload().as_bytes());
                assert_eq!(read.peer().fingerprint(), case.responder());
                assert_eq!(read.into_channel().expect("good secrets").conversation().handshake_hash(), hash);
            })
        }
    };
    if let Err(error) = error {
        check_error(error, &sent);
    }
}

impl Sent {
    fn make(case: &Case, input: &mut Input) -> Self {
        let honest = || (case.payloads[1].clone(), case.handshake_hash.clone());
        let (frame, mut good) = match input.byte() % 8 {
            0 => ([&[0, 1], input.bytes(1)].concat(), None),
            1 => (input.rest().to_vec(), None),
            2 => (input.pick(&world().cases).messages[input.below(2)].clone(), None),
            3 | 4 if case.is_resume() => forge(case, input),
            _ => (case.messages[1].clone(), Some(honest())),
        };
        good = good.or_else(|| (frame == case.messages[1]).then(honest));
        let mut sent = frame.clone();
        input.change(&mut sent, &case.borders());
        if input.flag() {
            refit(&mut sent);
        }
        good = good.filter(|_| sent == frame);
        Self { frame: sent, good }
    }
}

/// A message 2 of `resume` with a good tag over another payload.
fn forge(case: &Case, input: &mut Input) -> (Vec<u8>, Option<(Vec<u8>, Vec<u8>)>) {
    let (clear, mut state): (_, Symmetric) = case.before_payload();
    let payload = input.filled(MAX_PAYLOAD);
    let sealed = state.encrypt_and_hash(&payload);
    let mut frame = [&[0, 0], clear.as_slice(), &sealed].concat();
    refit(&mut frame);
    (frame, (payload.len() <= MAX_PAYLOAD).then_some((payload, state.h)))
}

/// The handshake hash that follows.
fn check_read<'a>(case: &Case, sent: &'a Sent, payload: &[u8]) -> &'a [u8] {
    let (said, hash) = sent.good.as_ref().expect("a message was read that is not good");
    assert!(said == payload && hash.len() == case.handshake_hash.len());
    hash
}

fn check_error(error: Error, sent: &Sent) {
    assert!(sent.good.is_none(), "a good message was refused: {error:?}");
    match (error, &*sent.frame) {
        (Error::RefusedByPeer(why), [0, 1, status]) if *status > 0 => {
            assert_eq!(why.status(), if *status < 5 { *status } else { Refusal::Refused.status() });
        }
        (Error::Malformed | Error::Authentication, frame) => assert!(!matches!(frame, [0, 1, status] if *status > 0), "{error:?}"),
        (error, _) => panic!("{error:?}"),
    }
}

/// Where the fields of a record begin: version, role, suite, id, psk, not-after, me, whether there is a psk tag, that, the peer's key's length, the key.
const FIELDS: [usize; 11] = [0, 1, 2, 4, 20, 52, 60, 92, 93, 125, 127];

fn record(input: &mut Input) {
    let kept = input.pick(&world().records);
    let honest = if input.flag() { &kept.opener } else { &kept.answerer }.to_secret_bytes();
    let mut bytes = honest.expose().to_vec();
    match input.byte() % 8 {
        0 => bytes = input.rest().to_vec(),
        1 => bytes[92] = input.byte() % 3,
        2 => bytes[93..125].fill(input.byte() % 2),
        _ => input.change(&mut bytes, &FIELDS),
    }
    let expected = read_record(&bytes);
    match Resumption::from_secret_bytes(&bytes) {
        Ok(read) => {
            assert!(matches!(expected, Ok(()) | Err(None)), "a record was read that is none: {expected:?}");
            assert!(read.to_secret_bytes().expose() == bytes, "what is read is given back otherwise");
            assert_eq!((&read.id()[..], read.suite().id().to_be_bytes()), (&bytes[4..20], [bytes[2], bytes[3]]));
            assert_eq!(read.me().map_or([0; 32], |me| *me.as_bytes()), bytes[60..92]);
            assert_eq!(read.not_after().to_be_bytes(), bytes[52..60]);
            assert!(bytes.ends_with(read.prologue()) && !format!("{read:?}").is_empty());
        }
        Err(error) => match expected {
            Ok(()) => panic!("a good record was refused: {error:?}"),
            Err(Some(expected)) => assert_eq!(error, expected),
            Err(None) => assert_eq!(error, Error::Malformed),
        },
    }
}

/// Whether it is a record, as far as it can be told without arithmetic: a changed identity key may be one or none.
fn read_record(bytes: &[u8]) -> Result<(), Option<Error>> {
    let malformed = Err(Some(Error::Malformed));
    let [Some(1), Some(0 | 1)] = [0, 1].map(|at| bytes.get(at).copied()) else { return malformed };
    let Some(id) = bytes.get(2..4).map(|id| u16::from_be_bytes([id[0], id[1]])) else { return malformed };
    let Ok(suite) = Suite::from_id(id) else { return Err(Some(Error::UnknownSuite { id })) };
    let Some((fields, rest)) = bytes.split_at_checked(FIELDS[10]) else { return malformed };
    if !matches!((fields[92], &fields[93..125]), (0, tag) if tag == [0; 32]) && fields[92] != 1 {
        return malformed;
    }
    let length = usize::from(u16::from_be_bytes([fields[125], fields[126]]));
    match rest.get(..length) {
        None => malformed,
        Some([]) => Ok(()),
        Some(key) if key.len() != suite.signature().public_key_len() => malformed,
        Some(key) if world().keys.iter().any(|(_, known)| known.bundle().identity().as_bytes() == key) => Ok(()),
        // Its own reader has a target too.
        Some(key) => PublicIdentity::from_bytes(suite.signature(), key).map(drop).map_err(|_| None),
    }
}
