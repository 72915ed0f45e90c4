//! In which order a responder looks (docs/protocol.md, section 6.3): of several things that are wrong the first one shows.

use crate::everywhere;
use crate::support::acquainted::Meeting;
use twinlock::handshake::Pattern;
use twinlock::{Error, Refusal, Suite};

/// What may be wrong with a first message, in the order in which it is looked at, with the answer of a responder without a psk.
const STEPS: [(&str, &[u8]); 7] = [
    ("magic", &[]),
    ("version", &[0, 1, 1]),
    ("pattern", &[0, 1, 2]),
    ("suite", &[0, 1, 3]),
    ("length", &[]),
    ("key", &[]),
    ("tag", &[0, 1, 5]),
];

/// A message with this and everything after it wrong.
fn wrong(hello: &[u8], pattern: Pattern, from: usize) -> Vec<u8> {
    let mut hello = hello.to_vec();
    let key_at = if pattern == Pattern::Resume { 24 } else { 8 };
    let last = hello.len() - 1;
    hello[last] ^= 1;
    if from <= 5 {
        hello[key_at..key_at + 3].fill(0xFF);
    }
    if from <= 4 {
        hello.pop();
        let length = u16::try_from(hello.len() - 2).unwrap().to_be_bytes();
        hello[..2].copy_from_slice(&length);
    }
    if from <= 3 {
        hello[6..8].copy_from_slice(&[0xEE, 0xEE]);
    }
    if from <= 2 {
        hello[5] = 99;
    }
    if from <= 1 {
        hello[4] = 2;
    }
    if from == 0 {
        hello[2] = b'X';
    }
    hello
}

#[test]
fn a_later_fault_shows_before_an_earlier_one() {
    for (suite, pattern) in everywhere() {
        let mut meeting = Meeting::new(suite, pattern);
        let (_, hello) = meeting.hello();
        meeting.books[1].asked = Default::default();
        for (step, (name, answer)) in STEPS.iter().enumerate() {
            let read = meeting.listening().read_hello_with(&wrong(&hello, pattern, step), &meeting.books[1]);
            let rejected = read.map(|_| ()).unwrap_err();
            let expected = if pattern.psk() { &[] } else { *answer };
            assert_eq!(rejected.answer(), expected, "{suite:?}, {pattern:?}, {name}");
        }
        // Nothing kept was asked for before the key was checked; in resume an id is looked up then.
        let asked = meeting.books[1].asked.each_ref().map(std::cell::Cell::get);
        assert_eq!(asked, if pattern == Pattern::Resume { [0, 1] } else { [0, 0] }, "{suite:?}, {pattern:?}");
    }
}

/// Load is looked at after the length and before the key: no work is done for whom there is no time.
#[test]
fn a_busy_responder_does_the_work() {
    for (suite, pattern) in everywhere() {
        let mut meeting = Meeting::new(suite, pattern);
        let (_, hello) = meeting.hello();
        meeting.books[1].asked = Default::default();
        let read = |hello: &[u8]| meeting.listening().busy(true).read_hello_with(hello, &meeting.books[1]).map(|_| ()).unwrap_err();
        for (step, busy) in [(4, false), (5, true), (6, true)] {
            let rejected = read(&wrong(&hello, pattern, step));
            let answer: &[u8] = if busy && !pattern.psk() { &[0, 1, 4] } else { &[] };
            let error = if busy { Error::RefusedByUs(Refusal::Busy) } else { Error::Malformed };
            assert_eq!((rejected.error(), rejected.answer()), (error, answer), "{suite:?}, {pattern:?}, step {step}");
        }
        assert_eq!(read(&hello).error(), Error::RefusedByUs(Refusal::Busy));
        assert_eq!(meeting.books[1].asked.each_ref().map(std::cell::Cell::get), [0, 0]);
    }
}

/// A resumption of a conversation under a psk is as quiet as the psk0 patterns, whatever the reason.
#[test]
fn a_responder_with_a_psk_refuses_a_resumption_aloud() {
    for suite in Suite::ALL.iter().copied() {
        let mut meeting = Meeting::resume_under_psk(suite);
        let (_, hello) = meeting.hello();
        for (step, (name, _)) in STEPS.iter().enumerate() {
            let read = meeting.listening().read_hello_with(&wrong(&hello, Pattern::Resume, step), &meeting.books[1]);
            assert_eq!(read.map(|_| ()).unwrap_err().answer(), [] as [u8; 0], "{suite:?}, {name}");
        }
        let busy = meeting.listening().busy(true).read_hello_with(&hello, &meeting.books[1]);
        assert_eq!(busy.map(|_| ()).unwrap_err().answer(), [] as [u8; 0]);
        assert!(meeting.resume_read(&hello).is_ok());
    }
}
