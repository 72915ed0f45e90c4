//! A conversation as bytes: nothing but what was flushed, in order, and an end only where one was said.

use crate::pipe::Pipe;
use crate::{content, pair, same, tcp_pair};
use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use twinlock::channel::RecordType::{self, Close, Data, End, Rekey, RekeyOffer};
use twinlock::io::{Bytes, Frame, FrameKind, Observer, Stream};

/// The types of the records that a stream sends.
fn watch(stream: &mut Stream<Pipe>) -> Arc<Mutex<Vec<RecordType>>> {
    let seen = Arc::<Mutex<Vec<RecordType>>>::default();
    let sees = Arc::clone(&seen);
    let observer: Observer = Arc::new(move |frame: Frame| {
        if let Frame { sent: true, kind: FrameKind::Record(kind), .. } = frame {
            sees.lock().unwrap().push(kind);
        }
    });
    stream.observe(&observer);
    seen
}

fn bytes_pair() -> (Bytes<Stream<Pipe>>, Bytes<Stream<Pipe>>) {
    let (alice, bob) = pair();
    (alice.into_bytes(), bob.into_bytes())
}

#[test]
fn bytes_written_on_one_side_are_not_read_on_the_other() {
    let all = content(50_003, 1);
    let written = all.clone();
    let (alice, bob) = tcp_pair();
    let (mut alice, mut bob) = (alice.into_bytes(), bob.into_bytes());
    let writing = thread::spawn(move || {
        alice.write_all(&written[..50_000]).unwrap();
        alice.flush().unwrap();
        alice.write_all(&written[50_000..]).unwrap();
        alice.flush().unwrap();
        alice.inner_mut().finish().unwrap();
        alice
    });
    let mut got = Vec::new();
    bob.read_to_end(&mut got).unwrap();
    same(&got, &all);
    assert_eq!(bob.read(&mut [0]).unwrap(), 0);
    drop(writing.join().unwrap());
}

#[test]
fn what_is_not_flushed_is_sent_and_what_is_flushed_waits() {
    let (mut alice, mut bob) = pair();
    let seen = watch(&mut alice);
    let mut alice = alice.into_bytes();
    alice.write_all(b"abc").unwrap();
    assert_eq!(alice.inner().sent().records, 0);
    alice.write_all(&[1; 16_381]).unwrap();
    // A piece is full, and would be the last if nothing came any more.
    assert_eq!(alice.inner().sent().records, 0);
    alice.write_all(b"d").unwrap();
    assert_eq!(*seen.lock().unwrap(), [Data]);
    alice.flush().unwrap();
    assert_eq!(*seen.lock().unwrap(), [Data, End]);
    // There is nothing to flush, so nothing goes out.
    alice.flush().unwrap();
    alice.write_all(b"").unwrap();
    alice.flush().unwrap();
    assert_eq!(alice.inner().sent().records, 2);
    // Seen as messages, what lies between two flushes is one.
    assert_eq!(bob.recv().unwrap().unwrap().len(), 16_385);
    alice.write_all(&[1; 16_384]).unwrap();
    alice.flush().unwrap();
    assert_eq!(*seen.lock().unwrap(), [Data, End, End]);
    alice.inner_mut().finish().unwrap();
    assert_eq!(*seen.lock().unwrap(), [Data, End, End, Close]);
}

#[test]
fn an_empty_message_passes_for_the_end() {
    let (mut alice, bob) = pair();
    let mut bob = bob.into_bytes();
    for message in [b"".as_slice(), b"", b"a", b"", b"b"] {
        alice.send(message).unwrap();
    }
    alice.finish().unwrap();
    let mut buf = [0; 9];
    assert_eq!(bob.read(&mut []).unwrap(), 0);
    assert_eq!((bob.read(&mut buf).unwrap(), buf[0]), (1, b'a'));
    assert_eq!((bob.read(&mut buf).unwrap(), buf[0]), (1, b'b'));
    assert_eq!((bob.read(&mut buf).unwrap(), bob.read(&mut buf).unwrap()), (0, 0));
}

#[test]
fn the_end_of_the_transport_passes_for_the_end() {
    let (mut alice, mut bob) = bytes_pair();
    alice.write_all(b"all").unwrap();
    alice.flush().unwrap();
    drop(alice);
    let mut buf = [0; 9];
    assert_eq!(bob.read(&mut buf).unwrap(), 3);
    assert_eq!(bob.read(&mut buf).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert!(bob.read(&mut buf).is_err(), "and again");
    assert!(bob.read_to_end(&mut Vec::new()).is_err());
}

#[test]
fn reading_byte_by_byte_takes_another_way() {
    let (mut alice, mut bob) = bytes_pair();
    let all = content(20_000, 1);
    alice.write_all(&all).unwrap();
    alice.flush().unwrap();
    alice.inner_mut().finish().unwrap();
    let mut got = Vec::new();
    let mut byte = [0];
    while bob.read(&mut byte).unwrap() == 1 {
        got.push(byte[0]);
    }
    same(&got, &all);
}

#[test]
fn an_answer_waits_behind_what_is_gathered() {
    for gathered in [0, 1, 16_384, 16_385] {
        let (mut alice, mut bob) = pair();
        let seen = watch(&mut alice);
        let mut alice = alice.into_bytes();
        alice.write_all(&content(gathered, 1)).unwrap();
        seen.lock().unwrap().clear();
        // The offer comes while a piece is being gathered, and is read.
        bob.rekey().unwrap();
        bob.send(b"x").unwrap();
        alice.read_exact(&mut [0]).unwrap();
        alice.write_all(&[2; 9]).unwrap();
        alice.flush().unwrap();
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen.iter().position(|kind| *kind == Rekey), Some(0), "{gathered}: {seen:?}");
        assert_eq!(seen.last(), Some(&End));
        // What was gathered before is sealed under the new key, and arrives.
        assert_eq!(bob.recv().unwrap().unwrap().len(), gathered + 9);
        assert_eq!(bob.received().rekeys, 1);
    }
}

#[test]
fn who_only_writes_never_answers() {
    let (mut alice, mut bob) = pair();
    let seen = watch(&mut alice);
    let mut alice = alice.into_bytes();
    bob.rekey().unwrap();
    bob.ping(3).unwrap();
    // A flush looks.
    alice.write_all(b"abc").unwrap();
    alice.flush().unwrap();
    assert_eq!(*seen.lock().unwrap(), [Rekey, RecordType::Ping, End]);
    // And so does a long write without one, in parts of whatever size.
    bob.recv().unwrap();
    bob.rekey().unwrap();
    for part in content(400_000, 1).chunks(1000) {
        alice.write_all(part).unwrap();
    }
    assert_eq!((alice.inner().sent().rekeys, bob.pong()), (2, Some(3)));
    alice.flush().unwrap();
    assert_eq!(bob.recv().unwrap().unwrap().len(), 400_000);
}

#[test]
fn offers_of_both_sides_cross() {
    let (mut alice, bob) = pair();
    let seen = watch(&mut alice);
    let (mut alice, mut bob) = (alice.into_bytes(), bob.into_bytes());
    for round in 1..=3 {
        alice.inner_mut().rekey().unwrap();
        bob.inner_mut().rekey().unwrap();
        for side in [&mut alice, &mut bob] {
            side.write_all(b"hello").unwrap();
            side.flush().unwrap();
        }
        let mut buf = [0; 5];
        alice.read_exact(&mut buf).unwrap();
        bob.read_exact(&mut buf).unwrap();
        // Whoever read an offer first answers with the next flush at the latest.
        for side in [&mut alice, &mut bob] {
            side.write_all(b"again").unwrap();
            side.flush().unwrap();
        }
        alice.read_exact(&mut buf).unwrap();
        bob.read_exact(&mut buf).unwrap();
        assert_eq!((alice.inner().received().rekeys, bob.inner().received().rekeys), (round, round));
    }
    assert_eq!(seen.lock().unwrap().iter().filter(|kind| **kind == RekeyOffer).count(), 3);
}

#[test]
fn a_write_says_more_than_it_took() {
    let (mut alice, mut bob) = bytes_pair();
    assert_eq!(alice.write(&[]).unwrap(), 0);
    assert_eq!(alice.write(&content(40_000, 1)).unwrap(), 16_384);
    assert_eq!(alice.write(&content(40_000, 1)[16_384..]).unwrap(), 16_384);
    alice.write_all(&content(40_000, 1)[32_768..]).unwrap();
    alice.flush().unwrap();
    let mut got = vec![0; 40_000];
    bob.read_exact(&mut got).unwrap();
    same(&got, &content(40_000, 1));
}

#[test]
fn what_was_gathered_comes_before_a_message() {
    // Back to messages: what was not flushed is dropped, and its reader told where a part of it was sent.
    for gathered in [10, 20_000] {
        let (mut alice, mut bob) = bytes_pair();
        alice.write_all(&content(gathered, 1)).unwrap();
        let mut alice = alice.into_inner();
        alice.send(b"message").unwrap();
        if gathered > 16_384 {
            let mut part = vec![0; 16_384];
            bob.read_exact(&mut part).unwrap();
            assert_eq!(bob.read(&mut part).unwrap_err().kind(), ErrorKind::ConnectionAborted);
        }
        assert_eq!(bob.into_inner().recv().unwrap().unwrap(), b"message");
    }
}

#[test]
fn halves_as_bytes_are_something_else() {
    let (alice, bob) = pair();
    let ((_, writer), (reader, _)) = (alice.split().unwrap(), bob.split().unwrap());
    let (mut writer, mut reader) = (writer.into_bytes(), reader.into_bytes());
    writer.write_all(&content(30_000, 1)).unwrap();
    writer.flush().unwrap();
    writer.inner_mut().finish().unwrap();
    let mut got = Vec::new();
    reader.read_to_end(&mut got).unwrap();
    same(&got, &content(30_000, 1));
}
