//! What ends a channel, and what is left of it then.

use super::rng::Seeded;
use super::{Side, Suite, direction, direction_in, forge, frames, plaintext, sides, sides_in};
use crate::channel::record::{CONTENT_MAX, CloseCode, Padding};
use crate::channel::stream::opener::Receiving;
use crate::channel::stream::sealer::Sending;
use crate::channel::stream::{Policy, Record, Sealer};
use crate::error::Error;
use std::string::String;
use std::vec::Vec;

/// To fail means to answer every later call with an error (docs/protocol.md, section 1), also one that had nothing to do.
#[test]
fn a_call_after_the_end_says_that_all_is_well() {
    let [mut a, mut b] = sides();
    let (offer, more) = (a.offers(1), a.says(b"more"));
    let Record::Offer(offer) = b.opener.open(&mut offer.clone()).unwrap() else { panic!() };
    b.opener.open(&mut more.clone()).unwrap();
    let mut out = Vec::new();
    for _ in 0..40 {
        b.sealer.key_update(&mut out).unwrap();
    }
    assert_eq!(b.error(&more), Error::Authentication);
    out.clear();
    assert_eq!(b.sealer.abort(&mut out), Err(Error::Ended));
    assert_eq!(b.sealer.key_update(&mut out), Err(Error::Ended));
    assert_eq!(b.sealer.answer_offer(offer, &mut Seeded::new(1)), Err(Error::Ended));
    assert_eq!(b.opener.make_offer(&mut Seeded::new(1)).unwrap_err(), Error::Ended);
    assert_eq!(b.opener.transport_ended(), Err(Error::Ended));
    assert!(out.is_empty() && !b.opener.offer_due(core::time::Duration::MAX));
}

/// No half keeps a key once it knows of the failure: the other half's, at its next call.
#[test]
fn a_secret_outlives_its_channel() {
    let [mut a, mut b] = sides();
    b.offers(2);
    b.answers(&a.offers(1), 3);
    b.error(&[0, 19]);
    assert!(matches!(b.opener.state, Receiving::Failed) && b.opener.offer.is_none());
    assert!(b.sealer.answer.is_some());
    b.sealer.control(&mut Vec::new()).unwrap_err();
    assert!(matches!(b.sealer.state, Sending::Failed) && b.sealer.answer.is_none());

    let mut closed = a;
    closed.seals(|sealer, out| sealer.close(CloseCode::Done, "", out));
    assert!(matches!(closed.sealer.state, Sending::Closed));
}

/// An offer whose answer fails ends the half that reads, too.
#[test]
fn a_sealer_that_failed_leaves_its_opener_running() {
    let [mut a, mut b] = sides();
    let mut ek = a.opener.make_offer(&mut Seeded::new(1)).unwrap().unwrap().0.as_bytes().to_vec();
    ek[1184..].fill(0);
    let offer = forge(direction_of(&mut a), &plaintext(5, &ek, 0));
    b.offers(4);
    let mut frame = offer;
    let Record::Offer(offer) = b.opener.open(&mut frame).unwrap() else { panic!() };
    assert_eq!(b.sealer.answer_offer(offer, &mut Seeded::new(1)), Err(Error::Authentication));
    assert_eq!(b.opener.make_offer(&mut Seeded::new(1)).unwrap_err(), Error::Ended);
    assert_eq!(b.error(&a.says(b"good")), Error::Ended);
    assert!(matches!(b.opener.state, Receiving::Failed) && b.opener.offer.is_none());
    assert_eq!(b.sealer.message(b"", &mut Vec::new()), Err(Error::Ended));
}

fn direction_of(side: &mut Side) -> &mut crate::channel::direction::Direction {
    let Sending::Open(direction) = &mut side.sealer.state else { panic!() };
    direction
}

#[test]
fn an_unauthentic_record_moves_the_state() {
    let (mut sender, mut reader) = (direction(&[1; 32]), direction(&[1; 32]));
    let mut first = *b"first";
    let tag = sender.seal(b"ad", &mut first).unwrap();
    let before = {
        let (cs, key, counter) = reader.expose();
        (cs.to_vec(), *key, counter)
    };
    for (ad, text, tag) in [(b"AD", first, tag), (b"ad", *b"other", tag), (b"ad", first, [0; 16]), (b"ad", *b"first", tag)] {
        let mut tried = text;
        assert_eq!(reader.open(ad, &mut tried, &tag), Err(Error::Authentication));
        assert_eq!(tried, text, "a forged text was decrypted");
        let (cs, key, counter) = reader.expose();
        assert_eq!((cs.to_vec(), *key, counter), before);
    }
    reader.open(b"ad", &mut first, &tag).unwrap();
    assert_eq!((&first, reader.expose().2), (b"first", 1));
}

/// The limits of section 8.2, as numbers.
fn limits() -> impl Iterator<Item = (Suite, u64)> {
    Suite::ALL.iter().map(|suite| match suite.id() {
        0x0001 | 0x7E03 => (*suite, 281_474_976_710_656),
        _ => (*suite, 16_777_216),
    })
}

/// 2^48 records under one key, or 2^24, with a debug build's overflow checks and without: never a wrap, never one more.
#[test]
fn a_counter_goes_past_its_limit() {
    for (suite, limit) in limits() {
        assert_eq!(suite.records_a_key(), limit);
        let direction = || direction_in(suite, &std::vec![1; suite.hash().len()]);
        let (mut sender, mut reader) = (direction(), direction());
        [&mut sender, &mut reader].into_iter().for_each(|end| end.set_counter(limit - 1));
        let mut text = *b"the last";
        let tag = sender.seal(b"", &mut text).unwrap();
        reader.open(b"", &mut text, &tag).unwrap();
        assert_eq!((sender.expose().2, reader.expose().2), (limit, limit));
        for counter in [limit, limit + 1, u64::MAX - 1, u64::MAX] {
            [&mut sender, &mut reader].into_iter().for_each(|end| end.set_counter(counter));
            let mut text = *b"one more";
            assert_eq!(sender.seal(b"", &mut text), Err(Error::KeyExhausted));
            assert_eq!(reader.open(b"", &mut text, &tag), Err(Error::KeyExhausted));
            assert_eq!((&text, sender.expose().2, reader.expose().2), (b"one more", counter, counter));
        }
        // The next key begins at 0.
        sender.update().unwrap();
        assert_eq!(sender.expose().2, 0);
    }
}

#[test]
fn a_half_goes_past_its_keys_limit() {
    for (suite, limit) in limits() {
        let at = |counter| {
            let [mut a, mut b] = sides_in(suite);
            direction_of(&mut a).set_counter(counter);
            let Receiving::Open(direction) = &mut b.opener.state else { panic!() };
            direction.set_counter(counter);
            [a, b]
        };
        // The key update that ends a key is one of its records.
        let [mut a, mut b] = at(limit - 1);
        let update = a.seals(Sealer::key_update);
        b.reads(&update);
        b.reads(&a.says(b"under the next key"));

        let [mut a, mut b] = at(limit);
        let mut out = b"before".to_vec();
        for _ in 0..2 {
            assert_eq!(a.sealer.message(b"too late", &mut out), Err(Error::KeyExhausted));
            assert_eq!(a.sealer.key_update(&mut out), Err(Error::KeyExhausted));
            assert_eq!(a.sealer.close(CloseCode::Done, "", &mut out), Err(Error::KeyExhausted));
        }
        assert_eq!(out, b"before");
        let mut elsewhere = direction_in(suite, &std::vec![0xA; suite.hash().len()]);
        assert_eq!(b.error(&forge(&mut elsewhere, &plaintext(2, b"", 0))), Error::KeyExhausted);
        assert_eq!(b.error(&[]), Error::Ended);
    }
}

/// Nobody comes near a limit by itself: the default policy renews at a sixteenth of the smaller one.
#[test]
fn the_default_policy_meets_a_limit() {
    assert!(limits().all(|(_, limit)| Policy::default().update_records * 16 <= limit));
}

/// Each reader reads one record that somebody with the keys made.
fn read_forged(before: &[&[u8]], last: &[u8]) -> Result<(), Error> {
    let [_, mut b] = sides();
    let mut sender = direction(&[0xA; 32]);
    for text in before {
        b.opener.open(&mut forge(&mut sender, text)).unwrap();
    }
    let read = b.opener.open(&mut forge(&mut sender, last)).map(|_| ());
    if read.is_err() {
        assert_eq!(b.error(&forge(&mut sender, &plaintext(2, b"", 0))), Error::Ended);
        assert_eq!(b.sealer.message(b"", &mut Vec::new()), Err(Error::Ended));
    }
    read
}

#[test]
fn an_unknown_type_is_passed_over() {
    for kind in 0..=255 {
        let known = [1, 2, 3, 4, 5, 6, 9, 10].contains(&kind);
        for content in [&[][..], &[0], &[0; 5]] {
            let read = read_forged(&[], &plaintext(kind, content, 0));
            assert!(known || read == Err(Error::Malformed), "type {kind}");
        }
    }
}

#[test]
fn a_content_of_the_wrong_length_is_read() {
    let begun: &[&[u8]] = &[&plaintext(1, b"a piece", 0)];
    let good = |kind, length: usize| match kind {
        1 => (1..=CONTENT_MAX).contains(&length),
        2 => length <= CONTENT_MAX,
        3 => (2..=258).contains(&length),
        9 => length == 5,
        4 | 10 => length == 0,
        _ => false, // zeros are an encapsulation key of X25519's all-zero point, and no answer to an offer
    };
    let lengths = || (0..=20).chain([257, 258, 259, 1119, 1120, 1121, 1215, 1217, CONTENT_MAX, CONTENT_MAX + 1, 16_621]);
    for kind in [1, 2, 3, 4, 5, 6, 9, 10] {
        for length in lengths() {
            let before = if kind == 10 { begun } else { &[] };
            let read = read_forged(before, &plaintext(kind, &std::vec![0; length], 0));
            assert_eq!(read, if good(kind, length) { Ok(()) } else { Err(Error::Malformed) }, "type {kind}, {length} bytes");
        }
    }
}

#[test]
fn padding_carries_something() {
    for padding in [1, 2, 17, 240] {
        let good = plaintext(2, b"text", padding);
        assert_eq!(read_forged(&[], &good), Ok(()));
        for at in good.len() - padding..good.len() {
            let mut bad = good.clone();
            bad[at] = 1 << (at % 8);
            assert_eq!(read_forged(&[], &bad), Err(Error::Malformed));
        }
    }
    // A control record may be padded like any other.
    assert_eq!(read_forged(&[], &plaintext(4, b"", 100)), Ok(()));
}

#[test]
fn a_content_length_reaches_beyond_the_plaintext() {
    for (length, present) in [(1u16, 0), (5, 4), (16_384, 100), (u16::MAX, 16_000)] {
        let text = [&[2], length.to_be_bytes().as_slice(), &std::vec![7; present]].concat();
        assert_eq!(read_forged(&[], &text), Err(Error::Malformed));
    }
}

#[test]
fn a_record_out_of_its_place_is_read() {
    let (data, end, close, abort, ping) =
        (plaintext(1, b"x", 0), plaintext(2, b"", 0), plaintext(3, &[0, 0], 0), plaintext(10, b"", 0), plaintext(9, &[0; 5], 0));
    let wrong: [(&[&[u8]], &[u8]); 9] = [
        (&[], &abort),
        (&[&data, &end], &abort),
        (&[&data, &abort], &abort),
        (&[&data], &close),
        (&[&data, &ping], &close),
        (&[&close], &close),
        (&[&close], &end),
        (&[&close], &ping),
        (&[&close], &plaintext(4, b"", 0)),
    ];
    for (before, last) in wrong {
        assert_eq!(read_forged(before, last), Err(Error::Malformed));
    }
    let right: [(&[&[u8]], &[u8]); 4] =
        [(&[&data, &abort], &close), (&[&data, &abort, &data], &end), (&[&ping], &close), (&[&data, &end], &close)];
    for (before, last) in right {
        assert_eq!(read_forged(before, last), Ok(()));
    }
    for first in 2..=255 {
        assert_eq!(read_forged(&[], &plaintext(9, &[first, 0, 0, 0, 1], 0)), Err(Error::Malformed));
    }
}

#[test]
fn a_close_reads_otherwise_than_it_was_written() {
    let read = |content: &[u8]| {
        let [_, mut b] = sides();
        match b.opener.open(&mut forge(&mut direction(&[0xA; 32]), &plaintext(3, content, 9))).unwrap() {
            Record::Close(close) => close,
            other => panic!("{other:?}"),
        }
    };
    let cases: [(&[u8], CloseCode, &str); 7] = [
        (b"\0\0", CloseCode::Done, ""),
        (b"\0\x01no", CloseCode::Refused, "no"),
        (b"\0\x02", CloseCode::GoingAway, ""),
        (b"\0\x03reserved", CloseCode::Other(3), "reserved"),
        (b"\x01\0own", CloseCode::Other(256), "own"),
        (b"\xff\xffh\xc3\xa9", CloseCode::Other(65535), "h\u{e9}"),
        (b"\0\0\xc3", CloseCode::Done, ""),
    ];
    for (content, code, reason) in cases {
        let close = read(content);
        assert_eq!((close.code, close.reason.as_str()), (code, reason));
    }
    // The peer's text is shown as such: no control character of its own reaches a terminal.
    assert_eq!(std::format!("{}", read(b"\x01\0\x1b[31m\n")), "code 256: \\u{1b}[31m\\n");
}

#[test]
fn a_reserved_code_or_a_long_reason_is_sent() {
    let [mut a, mut b] = sides();
    let mut out = Vec::new();
    for code in (3..256).chain([3, 255]) {
        assert_eq!(a.sealer.close(CloseCode::Other(code), "", &mut out), Err(Error::WrongKind), "{code}");
    }
    let reason: String = "\u{e9}".repeat(128);
    assert_eq!(a.sealer.close(CloseCode::Done, &(reason.clone() + "x"), &mut out), Err(Error::TooLong));
    assert!(out.is_empty() && !a.sealer.is_closed());
    // Neither ends anything.
    b.reads(&a.says(b"on we go"));
    let mut close = a.seals(|sealer, out| sealer.close(CloseCode::Other(256), &reason, out));
    let Record::Close(close) = b.opener.open(&mut close).unwrap() else { panic!() };
    assert_eq!(close.reason, reason);
}

#[test]
fn a_closed_direction_sends_on() {
    let [mut a, mut b] = sides();
    let mut wire = Vec::new();
    a.sealer.data(b"begun", &mut wire).unwrap();
    // The message begun is broken off first.
    a.sealer.close(CloseCode::Done, "", &mut wire).unwrap();
    assert_eq!(frames(&wire).len(), 3);
    b.reads(&wire);
    assert!(a.sealer.is_closed() && b.opener.is_closed());
    let sealed = a.sealer.totals();
    wire.clear();
    assert_eq!(a.sealer.message(b"", &mut wire), Err(Error::Closed));
    assert_eq!(a.sealer.data(b"x", &mut wire), Err(Error::Closed));
    assert_eq!(a.sealer.control(&mut wire), Err(Error::Closed));
    assert_eq!(a.sealer.key_update(&mut wire), Err(Error::Closed));
    assert_eq!(a.sealer.close(CloseCode::Done, "", &mut wire), Err(Error::Closed));
    assert!(wire.is_empty() && a.sealer.totals() == sealed);
    assert_eq!(b.opener.transport_ended(), Ok(()));
    // The other direction goes on, and ends by itself.
    a.reads(&b.says(b"still talking"));
    assert_eq!(a.opener.transport_ended(), Err(Error::Truncated));
}

#[test]
fn a_piece_beyond_the_bounds_is_sent() {
    let [mut a, mut b] = sides();
    let mut out = Vec::new();
    assert_eq!(a.sealer.data(b"", &mut out), Err(Error::TooLong));
    assert_eq!(a.sealer.data(&[0; CONTENT_MAX + 1], &mut out), Err(Error::TooLong));
    assert_eq!(a.sealer.end(&[0; CONTENT_MAX + 1], &mut out), Err(Error::TooLong));
    assert!(out.is_empty());
    b.reads(&a.says(b"neither moved the counter"));
}

#[test]
fn an_aborted_message_is_taken_for_whole() {
    let [mut a, mut b] = sides();
    let mut out = Vec::new();
    a.sealer.abort(&mut out).unwrap();
    assert!(out.is_empty(), "nothing was begun");
    let data = a.seals(|sealer, out| sealer.data(b"half of it", out));
    assert!(a.sealer.mid_message());
    b.reads(&data);
    assert!(b.opener.mid_message());
    let mut abort = a.seals(Sealer::abort);
    assert_eq!(b.opener.open(&mut abort).unwrap(), Record::Abort);
    assert!(!a.sealer.mid_message() && !b.opener.mid_message());
    a.sealer.abort(&mut out).unwrap();
    assert!(out.is_empty());
    b.reads(&a.says(b"the next"));
}

#[test]
fn a_ping_is_answered_twice_or_with_another_number() {
    let [mut a, mut b] = sides();
    a.sealer.ping(1);
    a.sealer.ping(7);
    assert!(a.sealer.control_due());
    let mut ping = a.seals(Sealer::control);
    assert_eq!(b.opener.open(&mut ping).unwrap(), Record::Ping(7));
    b.sealer.answer_ping(6);
    b.sealer.answer_ping(7);
    let mut wire = Vec::new();
    b.sealer.message(b"along with a message", &mut wire).unwrap();
    let [mut pong, mut message]: [Vec<u8>; 2] = frames(&wire).try_into().unwrap();
    assert_eq!(a.opener.open(&mut pong).unwrap(), Record::Pong(7));
    assert_eq!(a.opener.open(&mut message).unwrap(), Record::End(b"along with a message"));
    wire.clear();
    b.sealer.control(&mut wire).unwrap();
    assert!(wire.is_empty());
}

/// A message is as long on the wire as its padding says, and a padded one reads as it was written.
#[test]
fn padding_shows_the_length() {
    for padding in [Padding::None, Padding::Multiple(512), Padding::Padme] {
        let [mut a, mut b] = sides();
        a.sealer.set_padding(padding);
        let mut sizes: Vec<usize> = Vec::new();
        for length in [0, 1, 100, 508, 509, 510, 4000, CONTENT_MAX] {
            let message = std::vec![9; length];
            let mut frame = a.says(&message);
            sizes.push(frame.len() - 18);
            assert_eq!(b.opener.open(&mut frame).unwrap(), Record::End(&message));
        }
        match padding {
            Padding::None => assert_eq!(sizes, [3, 4, 103, 511, 512, 513, 4003, 16_387]),
            Padding::Multiple(_) => assert_eq!(sizes, [512, 512, 512, 512, 512, 1024, 4096, 16_624]),
            Padding::Padme => assert_eq!(sizes, [3, 4, 104, 512, 512, 544, 4096, 16_624]),
        }
    }
}

/// What a policy renews is counted in records and in bytes.
#[test]
fn a_key_is_used_longer_than_the_policy_says() {
    let policies = [Policy { update_records: 3, ..Policy::default() }, Policy { update_bytes: 300, ..Policy::default() }];
    for (policy, expected) in policies.into_iter().zip([[0, 0, 0, 1, 0, 0, 1], [0, 0, 0, 1, 0, 0, 1]]) {
        let [mut a, mut b] = sides();
        a.sealer.set_policy(policy);
        for (index, updates) in expected.into_iter().enumerate() {
            let mut wire = Vec::new();
            a.sealer.message(&[0; 100], &mut wire).unwrap();
            // An update counts under the next key no more: it is the old key's last record.
            assert_eq!(frames(&wire).len(), 1 + updates, "message {index}");
            b.reads(&wire);
        }
        assert_eq!((a.sealer.totals(), a.sealer.totals().key_updates), (b.opener.totals(), 2));
    }
}
