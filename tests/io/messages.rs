//! Messages of any length: borders, bounds, parts, and what is broken off.

use crate::{content, controls, interrupted, pair, protocol, same, tcp_pair};
use std::io::{ErrorKind, Read, Write};
use std::thread;
use twinlock::Error;
use twinlock::io::{MESSAGE_MAX, Stream};

const BORDERS: [usize; 12] = [0, 1, 2, 16_383, 16_384, 16_385, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537];

fn read_all<T: twinlock::io::Transport>(stream: &mut Stream<T>) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    stream.recv_reader().unwrap()?.read_to_end(&mut all).unwrap();
    Some(all)
}

#[test]
fn a_message_of_a_border_length_arrives_changed() {
    let (mut alice, mut bob) = pair();
    let mut memory = Vec::new();
    for (i, size) in BORDERS.into_iter().enumerate() {
        let message = content(size, i as u8);
        alice.send(&message).unwrap();
        same(&bob.recv().unwrap().unwrap(), &message);
        alice.send(&message).unwrap();
        assert!(bob.recv_into(&mut memory).unwrap());
        same(&memory, &message);
        bob.send(&message).unwrap();
        same(&read_all(&mut alice).unwrap(), &message);
    }
    alice.finish().unwrap();
    assert!(!bob.recv_into(&mut memory).unwrap());
    assert!(bob.recv().unwrap().is_none() && bob.recv_reader().unwrap().is_none());
}

#[test]
fn a_message_over_tcp_arrives_changed() {
    let (mut alice, mut bob) = tcp_pair();
    for size in BORDERS.into_iter().chain([MESSAGE_MAX]) {
        let message = content(size, 3);
        let sent = message.clone();
        let sending = thread::spawn(move || alice.send(&sent).map(|()| alice));
        same(&bob.recv().unwrap().unwrap(), &message);
        alice = sending.join().unwrap().unwrap();
    }
}

#[test]
fn a_message_in_parts_is_another_message() {
    let (mut alice, mut bob) = pair();
    for (size, part) in [(0, 1), (5, 1), (16_384, 16_384), (16_385, 1000), (49_152, 16_384), (50_000, 7), (600_000, 300_000)] {
        let message = content(size, 9);
        let mut writer = alice.message_writer().unwrap();
        for part in message.chunks(part) {
            writer.put(part).unwrap();
        }
        writer.finish().unwrap();
        same(&bob.recv().unwrap().unwrap(), &message);
    }
    let mut writer = alice.message_writer().unwrap();
    writer.write_all(b"as Write").unwrap();
    writer.flush().unwrap();
    writer.finish().unwrap();
    assert_eq!(bob.recv().unwrap().unwrap(), b"as Write");
}

#[test]
fn pieces_are_cut_smaller_than_they_may_be() {
    let (mut alice, _bob) = pair();
    for (size, records) in [(0, 1), (1, 1), (16_384, 1), (16_385, 2), (32_768, 2), (163_840, 10)] {
        let before = alice.sent();
        alice.send(&vec![0; size]).unwrap();
        let (after, size) = (alice.sent(), size as u64);
        assert_eq!((after.records - before.records, after.bytes - before.bytes), (records, size + 21 * records));
    }
}

#[test]
fn a_part_of_no_bytes_ends_a_message() {
    let (mut alice, mut bob) = pair();
    let mut writer = alice.message_writer().unwrap();
    writer.put(b"").unwrap();
    writer.put(b"a").unwrap();
    writer.put(b"").unwrap();
    writer.put(b"b").unwrap();
    writer.finish().unwrap();
    let mut reader = bob.recv_reader().unwrap().unwrap();
    assert_eq!(reader.read_part(&mut []).unwrap(), 0);
    let mut buf = [0; 9];
    assert_eq!(reader.read_part(&mut buf).unwrap(), 2);
    assert_eq!(&buf[..2], b"ab");
    assert_eq!(reader.read_part(&mut buf).unwrap(), 0);
}

#[test]
fn a_message_above_the_bound_is_gathered() {
    let (mut alice, mut bob) = pair();
    alice.send(&vec![1; MESSAGE_MAX]).unwrap();
    assert_eq!(bob.recv().unwrap().unwrap().len(), MESSAGE_MAX);
    for over in [1, 20_000] {
        alice.send(&vec![2; MESSAGE_MAX + over]).unwrap();
        alice.send(b"next").unwrap();
        assert_eq!(protocol(bob.recv()), Some(Error::MessageTooLong));
        same(&bob.recv().unwrap().unwrap(), b"next");
    }
    for (bound, sizes) in
        [(0, [0, 1, 40_000]), (10, [10, 11, 40_000]), (16_384, [16_384, 16_385, 49_152]), (20_000, [20_000, 20_001, 70_000])]
    {
        bob.set_message_max(bound);
        for (size, fits) in sizes.into_iter().zip([true, false, false]) {
            alice.send(&vec![3; size]).unwrap();
            alice.send(b"").unwrap();
            match fits {
                true => assert_eq!(bob.recv().unwrap().unwrap().len(), size),
                false => assert_eq!(protocol(bob.recv()), Some(Error::MessageTooLong), "{size} of {bound}"),
            }
            assert_eq!(bob.recv().unwrap().unwrap(), b"");
        }
    }
    // The bound is for what is gathered; a reader has none.
    alice.send(&vec![4; 50_000]).unwrap();
    assert_eq!(read_all(&mut bob).unwrap().len(), 50_000);
}

#[test]
fn a_bound_below_what_was_gathered_is_forgotten() {
    let (mut alice, mut bob) = pair();
    let control = controls(&bob);
    let mut writer = alice.message_writer().unwrap();
    writer.put(&[5; 40_000]).unwrap();
    control.impatient();
    assert!(interrupted(&bob.recv()));
    bob.set_message_max(100);
    assert!(interrupted(&bob.recv()));
    writer.put(&[5; 40_000]).unwrap();
    writer.finish().unwrap();
    alice.send(b"next").unwrap();
    assert_eq!(protocol(bob.recv()), Some(Error::MessageTooLong));
    same(&bob.recv().unwrap().unwrap(), b"next");
}

#[test]
fn a_reader_dropped_early_leaves_the_rest_to_the_next_message() {
    for size in [0, 10, 16_384, 50_000] {
        for taken in [0, 1, 9, 10, 16_384, 16_385, 49_999, 50_000] {
            let (mut alice, mut bob) = pair();
            alice.send(&vec![1; size]).unwrap();
            alice.send(b"next").unwrap();
            let mut reader = bob.recv_reader().unwrap().unwrap();
            let mut left = vec![0; taken];
            while let n @ 1.. = reader.read_part(&mut left).unwrap() {
                left.truncate(left.len() - n);
            }
            drop(reader);
            same(&bob.recv().unwrap().unwrap(), b"next");
        }
    }
}

#[test]
fn passing_over_a_message_that_is_broken_off_swallows_the_next() {
    let (mut alice, mut bob) = pair();
    // Too long and dropped early, both broken off by the sender before their end.
    for passed_over_by_bound in [true, false] {
        let mut writer = alice.message_writer().unwrap();
        writer.put(&[1; 50_000]).unwrap();
        if passed_over_by_bound {
            bob.set_message_max(100);
            assert_eq!(protocol(bob.recv()), Some(Error::MessageTooLong));
        } else {
            drop(bob.recv_reader().unwrap().unwrap());
        }
        writer.put(&[1; 50_000]).unwrap();
        writer.abort().unwrap();
        alice.send(b"next").unwrap();
        same(&bob.recv().unwrap().unwrap(), b"next");
        bob.set_message_max(MESSAGE_MAX);
    }
}

/// What a receiver says of a message that was broken off after `size` bytes, and of the next.
fn broken_off(size: usize, at_once: bool, receive: impl FnOnce(&mut Stream<crate::pipe::Pipe>) -> Option<Error>) {
    let (mut alice, mut bob) = pair();
    let mut writer = alice.message_writer().unwrap();
    writer.put(&vec![1; size]).unwrap();
    match at_once {
        true => writer.abort().unwrap(),
        false => drop(writer),
    }
    if !at_once {
        alice.send(b"next").unwrap();
    }
    // A record is sealed when more than it holds was put; before that the message has not begun for anybody else.
    if size > 16_384 {
        assert_eq!(receive(&mut bob), Some(Error::MessageAborted), "after {size} bytes");
    }
    if at_once {
        alice.send(b"next").unwrap();
    }
    same(&bob.recv().unwrap().unwrap(), b"next");
    assert_eq!(bob.received().records, alice.sent().records);
}

#[test]
fn a_message_broken_off_is_taken_for_whole() {
    for size in [0, 1, 16_384, 16_385, 32_768, 50_000] {
        for at_once in [true, false] {
            broken_off(size, at_once, |bob| protocol(bob.recv()));
            broken_off(size, at_once, |bob| protocol(bob.recv_into(&mut Vec::new())));
            broken_off(size, at_once, |bob| {
                let mut reader = bob.recv_reader().unwrap().unwrap();
                let mut buf = [0; 5000];
                let error = loop {
                    match reader.read_part(&mut buf) {
                        Ok(n) => assert_ne!(n, 0, "the end of a message that was broken off"),
                        Err(error) => break error,
                    }
                };
                // Whoever asks again is told again.
                assert_eq!(protocol(reader.read_part(&mut buf)), Some(Error::MessageAborted));
                assert_eq!(reader.read(&mut buf).unwrap_err().kind(), ErrorKind::ConnectionAborted);
                protocol(Err::<(), _>(error))
            });
        }
    }
}

#[test]
fn a_message_broken_off_ends_a_stream_of_bytes() {
    let (mut alice, bob) = pair();
    let mut bob = bob.into_bytes();
    let mut writer = alice.message_writer().unwrap();
    writer.put(&[1; 20_000]).unwrap();
    drop(writer);
    alice.send(b"next").unwrap();
    let mut buf = [0; 20_000];
    bob.read_exact(&mut buf[..16_384]).unwrap();
    assert_eq!(bob.read(&mut buf).unwrap_err().kind(), ErrorKind::ConnectionAborted);
    assert_eq!(bob.read(&mut buf).unwrap(), 4);
    assert_eq!(&buf[..4], b"next");
}

#[test]
fn the_next_message_begins_with_the_one_before() {
    // Broken off before a record was full: nobody else has seen anything of it.
    let (mut alice, mut bob) = pair();
    alice.message_writer().unwrap().put(b"never said").unwrap();
    alice.send(b"said").unwrap();
    assert_eq!(bob.recv().unwrap().unwrap(), b"said");
    assert_eq!(alice.sent().records, 1);
}

#[test]
fn an_abort_seen_while_sending_is_told_nobody() {
    let (mut alice, mut bob) = pair();
    let control = controls(&bob);
    let mut writer = alice.message_writer().unwrap();
    writer.put(&[1; 20_000]).unwrap();
    control.impatient();
    assert!(interrupted(&bob.recv()));
    writer.abort().unwrap();
    bob.send(b"looks").unwrap();
    assert_eq!(protocol(bob.recv()), Some(Error::MessageAborted));
    assert!(interrupted(&bob.recv()));
}

#[test]
fn a_sender_looks_for_ever_at_an_abort() {
    // The message after the broken one lies ready too, while its receiver sends.
    let (mut alice, mut bob) = pair();
    let control = controls(&bob);
    let mut writer = alice.message_writer().unwrap();
    writer.put(&[1; 20_000]).unwrap();
    control.impatient();
    assert!(interrupted(&bob.recv()));
    writer.abort().unwrap();
    alice.send(b"next").unwrap();
    let mut bob = crate::within(std::time::Duration::from_secs(5), move || {
        bob.send(b"looks").unwrap();
        bob
    });
    assert_eq!(protocol(bob.recv()), Some(Error::MessageAborted));
    same(&bob.recv().unwrap().unwrap(), b"next");
}
