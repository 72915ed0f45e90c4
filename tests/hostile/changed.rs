//! Messages changed on their way: each byte flipped, cut at each length, made longer. Since every flip is noticed, no byte of a message is unused.
//!
//! Each change is made to a message of a run of its own, which would go well without it.

use crate::Case;
use crate::support::pair::{Ends, PATTERNS, Run, assert_agree};
use twinlock::handshake::{MAX_BODY, MAX_PAYLOAD, Pattern};
use twinlock::{Error, Refusal};

/// With its length prefix made right again.
fn framed(body: &[u8]) -> Vec<u8> {
    [&u16::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

/// In how many patterns there is a message 1, 2 or 3.
fn patterns_with(message: usize) -> usize {
    if message == 2 { 2 } else { 4 }
}

/// What is tried of so many in this pattern: some in each pattern, others in the next.
fn share(case: &Case, pattern: Pattern, message: usize, all: usize, debug: usize) -> impl Iterator<Item = usize> {
    let step = case.step(debug, patterns_with(message));
    (0..all).skip(usize::from(pattern.id()) * 5 % step).step_by(step)
}

/// Every byte with one bit flipped, and those next to a field's border with each bit; see [`Case::step`].
fn flips(case: &Case, pattern: Pattern, message: usize, len: usize) -> Vec<(usize, u8)> {
    let borders = case.sizes().borders(message);
    let near = borders.into_iter().flat_map(|at| at.saturating_sub(1)..=at).chain([len - 1]);
    let bits = |at| (0..8).step_by(if cfg!(debug_assertions) { 3 } else { 1 }).map(move |bit| (at, 1 << bit));
    let anywhere = share(case, pattern, message, len, 13).map(|at| (at, 1 << (at / 13 % 8)));
    near.flat_map(bits).chain(anywhere).collect()
}

fn flipped(frame: &[u8], (at, mask): (usize, u8)) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at] ^= mask;
    frame
}

/// The responder reads a changed message 1. It declines, or what it answers does not get past the initiator. How the responder answered is given.
fn change_message_1(ends: &Ends<'_>, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Option<Vec<u8>> {
    let (waiting, hello) = ends.hello();
    match ends.reply(&change(&hello)) {
        Err(rejected) => Some(rejected.answer().to_vec()),
        Ok((_, reply)) => {
            assert_eq!(ends.finish(waiting, &reply).unwrap_err(), Error::Authentication);
            None
        }
    }
}

/// The initiator reads a changed message 2.
fn change_message_2(ends: &Ends<'_>, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Error {
    let Run { waiting, reply, .. } = ends.run();
    ends.finish(waiting, &change(&reply)).unwrap_err()
}

/// The responder reads a changed message 3. It says nothing to it.
fn change_message_3(ends: &Ends<'_>, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Error {
    let (_, answered, finish) = ends.run_to_finish();
    let rejected = ends.accept(answered, Some(&change(&finish.unwrap()))).unwrap_err();
    assert!(rejected.answer().is_empty());
    rejected.error()
}

pub(crate) fn a_flipped_byte_in_message_1_goes_unnoticed(case: &Case) {
    let [post_quantum, classical] = case.sizes().encapsulation_key;
    let (classical_at, payload_at) = (8 + post_quantum, 8 + post_quantum + classical);
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        let (_, messages) = ends.meet();
        for (at, mask) in flips(case, pattern, 0, messages[0].len()) {
            let answer = change_message_1(&ends, |hello| flipped(hello, (at, mask)));
            let asked = case.suite.id() ^ u16::from(mask) << if at == 6 { 8 } else { 0 };
            let silent = Some(vec![]);
            // Under a psk the responder itself notices, and says nothing. What it goes along with, the initiator notices.
            let expected = match at {
                _ if pattern.psk() => silent,
                0..4 => silent,
                4 => Some(vec![0, 1, 1]),
                5 if [1, 3].contains(&(pattern.id() ^ mask)) => None,
                5 => Some(vec![0, 1, 2]),
                6 | 7 if case.allowed().contains(&asked) => None,
                6 | 7 => Some(vec![0, 1, 3]),
                _ if at < classical_at && answer == silent => silent, // a coefficient out of range
                _ if (classical_at..payload_at).contains(&at) && classical == 97 => silent, // no point of the curve
                _ => None,
            };
            assert_eq!(answer, expected, "{pattern:?}, byte {at} xor {mask:02x}");
        }
    }
}

pub(crate) fn a_flipped_byte_in_message_2_goes_unnoticed(case: &Case) {
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        let (_, messages) = ends.meet();
        for (at, mask) in flips(case, pattern, 1, messages[1].len()) {
            let error = change_message_2(&ends, |reply| flipped(reply, (at, mask)));
            // One error from the ciphertext to the last tag: it does not tell which check failed.
            let expected = if at < 3 { Error::Malformed } else { Error::Authentication };
            assert_eq!(error, expected, "{pattern:?}, byte {at} xor {mask:02x}");
        }
    }
}

pub(crate) fn a_flipped_byte_in_message_3_goes_unnoticed(case: &Case) {
    for pattern in PATTERNS.into_iter().filter(|pattern| pattern.identified()) {
        let ends = case.ends(pattern);
        let (_, messages) = ends.meet();
        for (at, mask) in flips(case, pattern, 2, messages[2].len()) {
            let error = change_message_3(&ends, |finish| flipped(finish, (at, mask)));
            let expected = if at < 2 { Error::Malformed } else { Error::Authentication };
            assert_eq!(error, expected, "{pattern:?}, byte {at} xor {mask:02x}");
        }
    }
}

/// To each length below this body's, and by one byte, and by more than a payload; see [`Case::step`].
fn lengths(case: &Case, pattern: Pattern, message: usize, body: usize) -> Vec<usize> {
    let last = if cfg!(debug_assertions) { 3 } else { 40 };
    let cut = share(case, pattern, message, body, 101).chain(body.saturating_sub(last)..body);
    cut.chain([1, MAX_PAYLOAD, MAX_PAYLOAD + 1].map(|more| body + more)).collect()
}

fn resized(frame: &[u8], length: usize) -> Vec<u8> {
    let mut body = frame[2..].to_vec();
    body.resize(length, 0);
    framed(&body)
}

pub(crate) fn a_message_cut_or_made_longer_is_read(case: &Case) {
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        let (_, messages) = ends.meet();
        let changed =
            |message: usize| messages.get(message).map(|frame| lengths(case, pattern, message, frame.len() - 2)).unwrap_or_default();
        for length in changed(0) {
            let answer = change_message_1(&ends, |hello| resized(hello, length));
            assert!(answer.is_none_or(|bytes| bytes.is_empty()), "{pattern:?}, {length} bytes");
        }
        for length in changed(1) {
            let error = change_message_2(&ends, |reply| resized(reply, length));
            assert!(matches!(error, Error::Malformed | Error::Authentication), "{pattern:?}, {length} bytes: {error:?}");
        }
        for length in changed(2) {
            let error = change_message_3(&ends, |finish| resized(finish, length));
            assert!(matches!(error, Error::Malformed | Error::Authentication), "{pattern:?}, {length} bytes: {error:?}");
        }
    }
}

/// Above the bound nothing of message 1 counts, not even its version; at the bound the header is answered.
pub(crate) fn a_header_before_too_long_a_body_is_looked_at(case: &Case) {
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        let mut body = ends.hello().1[2..].to_vec();
        body[2] = 9;
        for (length, expected) in [(MAX_BODY, Error::RefusedByUs(Refusal::Version)), (MAX_BODY + 1, Error::Malformed)] {
            body.resize(length, 0);
            assert_eq!(ends.listening().read_any_hello(&framed(&body)).map(|_| ()).unwrap_err().error(), expected, "{pattern:?}");
        }
    }
}

pub(crate) fn a_frame_that_is_not_whole_is_read(case: &Case) {
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        let (_, messages) = ends.meet();
        // Cut off, and with a byte left over.
        let broken = |message: usize| {
            let len = messages.get(message).map(Vec::len);
            len.into_iter().flat_map(move |len| share(case, pattern, message, len, 197).chain([len + 1]))
        };
        let to = |len: usize| {
            move |frame: &[u8]| {
                let mut frame = frame.to_vec();
                frame.resize(len, 0);
                frame
            }
        };
        for len in broken(0) {
            let rejected = ends.reply(&to(len)(&messages[0])).map(|_| ()).unwrap_err();
            assert_eq!((rejected.error(), rejected.answer()), (Error::Malformed, [].as_slice()), "{pattern:?}, {len} bytes");
        }
        for len in broken(1) {
            assert_eq!(change_message_2(&ends, to(len)), Error::Malformed, "{pattern:?}, {len} bytes");
        }
        for len in broken(2) {
            assert_eq!(change_message_3(&ends, to(len)), Error::Malformed, "{pattern:?}, {len} bytes");
        }
    }
}

pub(crate) fn a_message_has_another_size_than_the_table(case: &Case) {
    for pattern in PATTERNS {
        for payload in [0, 1, MAX_PAYLOAD] {
            let bytes = vec![9; payload];
            let (channels, messages) = Ends { payloads: [&bytes; 3], ..case.ends(pattern) }.meet();
            assert_agree(channels);
            assert_eq!(messages.len(), if pattern.identified() { 3 } else { 2 });
            for (index, message) in messages.iter().enumerate() {
                let body = case.sizes().body(pattern, index) + payload;
                assert_eq!(message.len(), 2 + body, "{pattern:?}");
                assert_eq!(message[..2], u16::try_from(body).unwrap().to_be_bytes());
            }
        }
        let (sizes, suite) = (case.sizes(), case.suite);
        assert_eq!(pattern.hello_len(suite), sizes.body(pattern, 0));
        assert_eq!([pattern.reply_len(suite), pattern.finish_len(suite)], sizes.bodies[1..]);
        // The last field begins where the empty payload, or its tag, does.
        let last = [0, 1, 2].map(|message| *sizes.borders(message).last().unwrap());
        assert_eq!(last, [sizes.bodies[0] + 2, sizes.bodies[1] + 2 - 16, sizes.bodies[2] + 2 - 16]);
    }
}

pub(crate) fn a_value_has_another_size_than_the_table(case: &Case) {
    let (sizes, suite) = (case.sizes(), case.suite);
    let sum = |halves: [usize; 2]| halves[0] + halves[1];
    assert_eq!([suite.encapsulation_key_len(), suite.ciphertext_len()], [sizes.encapsulation_key, sizes.ciphertext].map(sum));
    assert_eq!([suite.signature().public_key_len(), suite.signature().signature_len()], [sizes.public_key, sizes.signature].map(sum));
    assert_eq!(case.bob().public().as_bytes().len(), sum(sizes.public_key));
    assert_eq!(case.bob().secret_bytes().unwrap().len(), suite.signature().secret_key_len());
    let [channel, _] = case.ends(Pattern::Nx).meet().0;
    assert_eq!(channel.conversation().handshake_hash().len(), sizes.hash);
}

/// What stands in the place of a good classical half, and is none: of X25519 points whose result is all zero, of P-384 everything but a point, uncompressed.
fn no_points(good: &[u8]) -> Vec<Vec<u8>> {
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut point = good.to_vec();
        change(&mut point);
        point
    };
    if good.len() == 32 {
        return vec![vec![0; 32], with(&|point| (point[0], _) = (1, point[1..].fill(0)))];
    }
    let parity = good[96] & 1;
    vec![
        // Not on the curve; coordinates above the field's prime.
        with(&|point| point[1] ^= 1),
        with(&|point| point[96] ^= 1),
        with(&|point| point[1..].fill(0)),
        with(&|point| point[1..49].fill(0xFF)),
        with(&|point| point[49..].fill(0xFF)),
        // Compressed, right and wrong, with zeros behind it; the hybrid form, right and wrong.
        with(&|point| (point[0], _) = (2 + parity, point[49..].fill(0))),
        with(&|point| (point[0], _) = (3 - parity, point[49..].fill(0))),
        with(&|point| point[0] = 6 + parity),
        with(&|point| point[0] = 7 - parity),
        // At infinity.
        vec![0; 97],
        with(&|point| point[0] = 0),
    ]
}

/// As an encapsulation key, and as its like in the ciphertext.
pub(crate) fn a_key_that_is_none_is_encapsulated_to(case: &Case) {
    let replaced = |frame: &[u8], at: usize, bytes: &[u8]| [&frame[..at], bytes, &frame[at + bytes.len()..]].concat();
    let [post_quantum, classical] = case.sizes().encapsulation_key;
    let [ct_post_quantum, ct_classical] = case.sizes().ciphertext;
    for pattern in PATTERNS {
        let ends = case.ends(pattern);
        let good = ends.hello().1[8 + post_quantum..][..classical].to_vec();
        for bad in no_points(&good) {
            let (_, hello) = ends.hello();
            let rejected = ends.reply(&replaced(&hello, 8 + post_quantum, &bad)).map(|_| ()).unwrap_err();
            assert!(rejected.answer().is_empty());
            // X25519's shows in its result alone; under a psk the tag fails before that.
            assert_eq!(rejected.error(), if classical == 97 { Error::Malformed } else { Error::Authentication }, "{pattern:?}, {bad:02x?}");
        }
        // A coefficient of 4,095.
        for coefficients in [0, post_quantum - 32 - 3] {
            let (_, hello) = ends.hello();
            let rejected = ends.reply(&replaced(&hello, 8 + coefficients, &[0xFF, 0xFF, 0xFF])).map(|_| ()).unwrap_err();
            assert_eq!((rejected.error(), rejected.answer()), (Error::Malformed, [].as_slice()), "{pattern:?}");
        }
        let good = ends.run().reply[3 + ct_post_quantum..][..ct_classical].to_vec();
        for bad in no_points(&good) {
            let error = change_message_2(&ends, |reply| replaced(reply, 3 + ct_post_quantum, &bad));
            assert_eq!(error, Error::Authentication, "{pattern:?}, {bad:02x?}");
        }
    }
}

pub(crate) fn nothing_is_said_in_clear_but_the_header_and_the_keys(case: &Case) {
    // The identities' keys and the payloads after the first do not stand in the messages.
    for pattern in PATTERNS {
        let mut ends = case.ends(pattern);
        ends.payloads = [b"a payload of message 1", b"a payload of message 2", b"a payload of message 3"];
        let (_, messages) = ends.meet();
        let contains = |message: &[u8], bytes: &[u8]| message.windows(bytes.len()).any(|window| window == bytes);
        assert_eq!(contains(&messages[0], ends.payloads[0]), !pattern.psk(), "{pattern:?}");
        for (message, payload) in messages.iter().zip(ends.payloads).skip(1) {
            assert!(!contains(message, payload));
            for identity in [ends.initiator, ends.responder] {
                assert!(!contains(message, &identity.public().as_bytes()[..32]));
                assert!(!contains(message, &identity.public().as_bytes()[case.sizes().public_key[0]..]));
            }
        }
    }
}
