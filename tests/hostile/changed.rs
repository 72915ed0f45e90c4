//! Messages changed on their way: each byte flipped, cut at each length, made longer. Since every flip is noticed, no byte of a message is unused.

use crate::support::pair::{Ends, PATTERNS};
use twinlock::Error;
use twinlock::handshake::{MAX_PAYLOAD, Pattern};

/// With its length prefix made right again.
fn framed(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

/// Where the fields of each message begin, in the frame, suite 0x0001.
fn borders(pattern: Pattern, message: usize) -> Vec<usize> {
    let identity = |at: usize| [at, at + 1952, at + 1984, at + 2000, at + 5309, at + 5373, at + 5389];
    match message {
        0 => vec![0, 2, 4, 5, 6, 8, 8 + 1184, 8 + 1216, if pattern.psk() { 8 + 1216 + 3 } else { 8 + 1216 }],
        1 => [vec![0, 2, 3, 3 + 1088, 3 + 1120], identity(3 + 1120).to_vec()].concat(),
        _ => [vec![0, 2], identity(2).to_vec()].concat(),
    }
}

/// Every byte with one bit flipped, and those next to a field's border with each bit. A debug build leaves out six of seven elsewhere.
fn flips(pattern: Pattern, message: usize, len: usize) -> Vec<(usize, u8)> {
    let near: Vec<usize> = borders(pattern, message).iter().flat_map(|at| at.saturating_sub(1)..=*at).chain([len - 1]).collect();
    let step = if cfg!(debug_assertions) { 7 } else { 1 };
    let anywhere = (0..len).step_by(step).map(|at| (at, 1 << (at % 8)));
    near.into_iter().flat_map(|at| (0..8).map(move |bit| (at, 1 << bit))).chain(anywhere).collect()
}

fn flipped(frame: &[u8], (at, mask): (usize, u8)) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at] ^= mask;
    frame
}

/// The responder reads this in place of message 1. It declines, or what it answers does not get past the initiator. How the responder answered is given.
fn change_message_1(ends: &Ends<'_>, changed: &[u8]) -> Option<Vec<u8>> {
    match ends.reply(changed) {
        Err(rejected) => Some(rejected.answer().to_vec()),
        Ok((_, reply)) => {
            assert_eq!(ends.finish(ends.hello().0, &reply).unwrap_err(), Error::Authentication);
            None
        }
    }
}

#[test]
fn a_flipped_byte_in_message_1_goes_unnoticed() {
    for pattern in PATTERNS {
        let ends = Ends::new(pattern);
        let (_, hello) = ends.hello();
        for (at, mask) in flips(pattern, 0, hello.len()) {
            let answer = change_message_1(&ends, &flipped(&hello, (at, mask)));
            // Under a psk the responder itself notices, and says nothing.
            let expected = match at {
                _ if pattern.psk() => Some(vec![]),
                0..4 => Some(vec![]),
                4 => Some(vec![0, 1, 1]),
                5 if [1, 3].contains(&(pattern.id() ^ mask)) => None,
                5 => Some(vec![0, 1, 2]),
                7 if mask == 1 ^ 3 => None,
                6 | 7 => Some(vec![0, 1, 3]),
                _ if answer.as_ref().is_some_and(Vec::is_empty) => answer.clone(), // a coefficient out of range
                _ => None,
            };
            assert_eq!(answer, expected, "{pattern:?}, byte {at} xor {mask:02x}");
        }
    }
}

#[test]
fn a_flipped_byte_in_message_2_goes_unnoticed() {
    for pattern in PATTERNS {
        let ends = Ends::new(pattern);
        let (_, reply) = ends.reply(&ends.hello().1).unwrap();
        for (at, mask) in flips(pattern, 1, reply.len()) {
            let error = ends.finish(ends.hello().0, &flipped(&reply, (at, mask))).unwrap_err();
            // One error from the ciphertext to the last tag: it does not tell which check failed.
            let expected = if at < 3 { Error::Malformed } else { Error::Authentication };
            assert_eq!(error, expected, "{pattern:?}, byte {at} xor {mask:02x}");
        }
    }
}

#[test]
fn a_flipped_byte_in_message_3_goes_unnoticed() {
    for pattern in PATTERNS.into_iter().filter(|pattern| pattern.identified()) {
        let ends = Ends::new(pattern);
        let finish = ends.meet().1.remove(2);
        let hello = ends.hello().1;
        for (at, mask) in flips(pattern, 2, finish.len()) {
            let (answered, _) = ends.reply(&hello).unwrap();
            let rejected = ends.accept(answered, Some(&flipped(&finish, (at, mask)))).unwrap_err();
            let expected = if at < 2 { Error::Malformed } else { Error::Authentication };
            assert_eq!((rejected.error(), rejected.answer()), (expected, [].as_slice()), "{pattern:?}, byte {at} xor {mask:02x}");
        }
    }
}

/// Bodies of each length below this one's, and with one byte, and more than a payload, after it. A debug build leaves out most lengths.
fn resized(frame: &[u8]) -> Vec<Vec<u8>> {
    let body = &frame[2..];
    let step = if cfg!(debug_assertions) { 61 } else { 1 };
    let near = body.len().saturating_sub(40)..body.len();
    let cut = (0..body.len()).step_by(step).chain(near).map(|len| framed(&body[..len]));
    let longer = [1, MAX_PAYLOAD, MAX_PAYLOAD + 1].map(|more| framed(&[body, &vec![0; more]].concat()));
    cut.chain(longer).collect()
}

#[test]
fn a_message_cut_or_made_longer_is_read() {
    for pattern in PATTERNS {
        let ends = Ends::new(pattern);
        let (_, messages) = ends.meet();
        for changed in resized(&messages[0]) {
            let answer = change_message_1(&ends, &changed);
            assert!(answer.is_none_or(|bytes| bytes.is_empty()), "{pattern:?}, {} bytes", changed.len());
        }
        for changed in resized(&messages[1]) {
            let error = ends.finish(ends.hello().0, &changed).unwrap_err();
            assert!(matches!(error, Error::Malformed | Error::Authentication), "{pattern:?}, {} bytes: {error:?}", changed.len());
        }
        for changed in messages.get(2).map(|finish| resized(finish)).unwrap_or_default() {
            let (answered, _) = ends.reply(&messages[0]).unwrap();
            let rejected = ends.accept(answered, Some(&changed)).unwrap_err();
            assert!(rejected.answer().is_empty(), "{pattern:?}, {} bytes", changed.len());
        }
    }
}

#[test]
fn a_frame_that_is_not_whole_is_read() {
    for pattern in PATTERNS {
        let ends = Ends::new(pattern);
        let (_, messages) = ends.meet();
        let step = if cfg!(debug_assertions) { 97 } else { 1 };
        let broken = |frame: &[u8]| {
            let cut: Vec<_> = (0..frame.len()).step_by(step).map(|len| frame[..len].to_vec()).collect();
            [cut, vec![[frame, &[0]].concat()]].concat()
        };
        for frame in broken(&messages[0]) {
            let rejected = ends.reply(&frame).map(|_| ()).unwrap_err();
            assert_eq!((rejected.error(), rejected.answer()), (Error::Malformed, [].as_slice()));
        }
        for frame in broken(&messages[1]) {
            assert_eq!(ends.finish(ends.hello().0, &frame).unwrap_err(), Error::Malformed);
        }
        for frame in messages.get(2).map(|finish| broken(finish)).unwrap_or_default() {
            let (answered, _) = ends.reply(&messages[0]).unwrap();
            assert_eq!(ends.accept(answered, Some(&frame)).unwrap_err().error(), Error::Malformed);
        }
    }
}

#[test]
fn a_message_has_another_size_than_the_table() {
    for pattern in PATTERNS {
        let tag = if pattern.psk() { 16 } else { 0 };
        let sizes = [1222 + tag, 6526, 5405];
        for payload in [0, 1, MAX_PAYLOAD] {
            let bytes = vec![9; payload];
            let (_, messages) = Ends { payloads: [&bytes; 3], ..Ends::new(pattern) }.meet();
            assert_eq!(messages.len(), if pattern.identified() { 3 } else { 2 });
            for (message, size) in messages.iter().zip(sizes) {
                assert_eq!(message.len(), 2 + size + payload, "{pattern:?}");
                assert_eq!(message[..2], u16::try_from(size + payload).unwrap().to_be_bytes());
            }
        }
    }
}

#[test]
fn nothing_is_said_in_clear_but_the_header_and_the_keys() {
    // The identities' keys and the payloads after the first do not stand in the messages.
    for pattern in PATTERNS {
        let mut ends = Ends::new(pattern);
        ends.payloads = [b"a payload of message 1", b"a payload of message 2", b"a payload of message 3"];
        let (_, messages) = ends.meet();
        let contains = |message: &[u8], bytes: &[u8]| message.windows(bytes.len()).any(|window| window == bytes);
        assert_eq!(contains(&messages[0], ends.payloads[0]), !pattern.psk(), "{pattern:?}");
        for (message, payload) in messages.iter().zip(ends.payloads).skip(1) {
            assert!(!contains(message, payload));
            for identity in [ends.initiator, ends.responder] {
                assert!(!contains(message, &identity.public().as_bytes()[..32]));
                assert!(!contains(message, &identity.public().as_bytes()[1952..]));
            }
        }
    }
}
