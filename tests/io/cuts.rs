//! A cable cut at every byte: each side ends with an error, or with a complete and authenticated result, never with a part taken for the whole.

use crate::pipe::{Pipe, pipe};
use crate::{ALICE, BOB, content, pair_over, protocol, within};
use std::io::{self, Read, Write};
use std::thread;
use std::time::Duration;
use twinlock::handshake::Initiator;
use twinlock::io::Error::{Protocol, Transport};
use twinlock::io::{Accept, Connect, Stream};
use twinlock::trust::{Anonymous, danger::TrustAnyone};
use twinlock::{Error, Pinned};

/// What each says, in order; then it closes.
const SAID: [&[u8]; 3] = [b"one", b"", b"and the third"];

/// What one side ends with: the messages that arrived, and whether it saw the end.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    messages: Vec<Vec<u8>>,
    whole: bool,
}

/// Says its part, hears the other's. The writing side of a cut cable notices nothing.
fn converse(mut stream: Stream<Pipe>) -> Heard {
    let mut messages = Vec::new();
    let whole = (|| {
        for message in SAID {
            stream.send(message)?;
        }
        stream.finish()?;
        while let Some(message) = stream.recv()? {
            messages.push(message);
        }
        stream.close()
    })();
    Heard { messages, whole: whole.is_ok() }
}

/// The same as a stream of bytes, which are flushed after each message.
fn converse_in_bytes(stream: Stream<Pipe>) -> Heard {
    let mut bytes = stream.into_bytes();
    let mut all = Vec::new();
    let whole: io::Result<()> = (|| {
        for message in SAID {
            bytes.write_all(message)?;
            bytes.flush()?;
        }
        bytes.inner_mut().finish()?;
        bytes.read_to_end(&mut all)?;
        Ok(())
    })();
    Heard { messages: vec![all], whole: whole.is_ok() }
}

fn judge(heard: &Heard, in_bytes: bool, cut: u64) {
    let said: Vec<Vec<u8>> = if in_bytes { vec![SAID.concat()] } else { SAID.map(<[u8]>::to_vec).to_vec() };
    match heard.whole {
        true => assert_eq!(heard.messages, said, "cut at {cut}: a part taken for the whole"),
        false if in_bytes => assert!(said[0].starts_with(&heard.messages[0]), "cut at {cut}: another content"),
        false => assert!(said.starts_with(&heard.messages), "cut at {cut}: another content"),
    }
}

#[test]
fn a_part_of_a_conversation_is_taken_for_the_whole() {
    // Three records, and a close of 2 bytes, in each direction.
    let length = SAID.iter().map(|message| message.len() as u64 + 21).sum::<u64>() + 23;
    for (in_bytes, length) in [(false, length), (true, length - 21)] {
        for cut in 0..=length {
            for alices in [true, false] {
                let (a, b) = pipe();
                let controls = (a.controls(), b.controls());
                controls.0.at_once(1);
                controls.1.at_once(1);
                let (alice, bob) = pair_over((a, b));
                if alices { &controls.0 } else { &controls.1 }.cut_after(cut);
                let run = if in_bytes { converse_in_bytes } else { converse };
                let bob = thread::spawn(move || run(bob));
                let alice = run(alice);
                let bob = bob.join().unwrap();
                judge(&alice, in_bytes, cut);
                judge(&bob, in_bytes, cut);
                // Who was cut off may find it out while it still has to speak, so that the other misses something too.
                let (cut_off, other) = if alices { (bob, alice) } else { (alice, bob) };
                assert_eq!(cut_off.whole, cut == length, "cut at {cut} of {length}");
                assert!(other.whole || cut < length);
            }
        }
    }
}

#[test]
fn a_part_of_a_long_message_is_taken_for_the_whole() {
    let message = content(50_000, 1);
    let length = 50_000 + 4 * 21;
    for cut in (0..length).step_by(1009).chain((1..4).flat_map(|i| i * 16_405 - 2..i * 16_405 + 3)).chain(length - 30..length) {
        let (a, b) = pipe();
        a.controls().cut_after(cut);
        let (mut alice, mut bob) = pair_over((a, b));
        alice.send(&message).unwrap();
        drop(alice);
        let mut all = Vec::new();
        match cut % 2 {
            0 => assert_eq!(protocol(bob.recv()), Some(Error::Truncated), "cut at {cut}"),
            _ => match bob.recv_reader() {
                Ok(reader) => assert_eq!(reader.unwrap().read_to_end(&mut all).unwrap_err().kind(), io::ErrorKind::UnexpectedEof),
                error => assert_eq!(protocol(error), Some(Error::Truncated)),
            },
        }
        assert!(message.starts_with(&all));
        assert!(bob.recv().is_err() && bob.recv_reader().is_err());
    }
}

/// The sizes of the three messages of `XX`.
const FLIGHTS: [u64; 3] = [1224, 6528, 5407];

/// Everything near the ends of a flight, and each so many bytes between.
fn positions(length: u64, step: u64) -> impl Iterator<Item = u64> {
    (0..length).filter(move |at| *at < 40 || at + 40 > length || at % step == 0)
}

/// Cuts each message of the handshake. The side that is cut off gets no channel, and the other no answer.
fn cut_handshakes(step: u64) {
    let limit = Duration::from_secs(20);
    // Message 1: whoever accepts has nothing, whoever connects hears nothing.
    for cut in positions(FLIGHTS[0], 1) {
        let (mut a, b) = pipe();
        a.controls().cut_after(cut);
        b.controls().at_once(1);
        let (waiting, hello) = Initiator::new(&ALICE, b"io").send_hello().unwrap();
        a.write_all(&hello).unwrap();
        drop(a);
        let accepted = Accept::new(&BOB, b"io").deadline(limit).accept(b, &mut TrustAnyone);
        assert_eq!(protocol(accepted), Some(Error::Truncated), "cut at {cut}");
        drop(waiting);
    }
    // Message 2: no matter what the bytes are, since too few of them came.
    for cut in positions(FLIGHTS[1], step.min(5)) {
        let (a, mut b) = pipe();
        a.controls().at_once(1000);
        b.write_all(&[0x19, 0x7E][..cut.min(2) as usize]).unwrap();
        b.write_all(&vec![0; cut.saturating_sub(2) as usize]).unwrap();
        let before = a.controls();
        drop(b);
        let connected = Connect::new(&ALICE, b"io").deadline(limit).connect(a, &mut TrustAnyone);
        // Writing message 1 to nobody may fail first.
        assert!(connected.is_err(), "cut at {cut}");
        assert!(before.written() <= FLIGHTS[0]);
    }
    // Message 3.
    for cut in positions(FLIGHTS[2], step) {
        let (mut a, b) = pipe();
        b.controls().at_once(1000);
        let accepting = thread::spawn(move || Accept::new(&BOB, b"io").deadline(limit).accept(b, &mut TrustAnyone));
        let (waiting, hello) = Initiator::new(&ALICE, b"io").send_hello().unwrap();
        a.write_all(&hello).unwrap();
        let mut reply = vec![0; FLIGHTS[1] as usize];
        a.read_exact(&mut reply).unwrap();
        a.controls().cut_after(cut);
        let finish = if cut == 0 { vec![0; 5407] } else { vec![0x15, 0x1D].into_iter().chain(vec![0; 5405]).collect() };
        a.write_all(&finish).unwrap();
        drop((a, waiting));
        assert_eq!(protocol(accepting.join().unwrap()), Some(Error::Truncated), "cut at {cut}");
    }
}

#[test]
fn a_part_of_a_handshake_is_taken_for_the_whole() {
    within(Duration::from_secs(60), || cut_handshakes(31));
}

/// `cargo test --test io -- --ignored every_byte`: some 13,000 handshakes.
#[test]
#[ignore = "takes 20 seconds"]
fn a_part_of_a_handshake_is_taken_for_the_whole_at_every_byte() {
    within(Duration::from_secs(600), || cut_handshakes(1));
}

#[test]
fn both_ends_differ_about_a_handshake_that_was_cut() {
    // Both ends are real here. An initiator may hold a channel whose last message never arrived: then it learns so at its first receive.
    let cuts =
        [(true, 0), (true, 1), (true, 1223), (true, 1224), (true, 1225), (true, 6630), (true, 6631), (false, 0), (false, 1), (false, 6527)];
    for (alices, cut) in cuts {
        let (a, b) = pipe();
        if alices { a.controls() } else { b.controls() }.cut_after(cut);
        let bob = thread::spawn(move || {
            Accept::new(&BOB, b"io").accept(b, &mut Pinned(ALICE.fingerprint())).map(|mut bob| (bob.send(b"hello"), bob.recv()))
        });
        let alice = Connect::new(&ALICE, b"io").connect(a, &mut Pinned(BOB.fingerprint()));
        match alice {
            Ok(mut alice) => {
                let _ = alice.send(b"hello");
                if alices && cut == 6631 {
                    assert_eq!(alice.recv().unwrap().unwrap(), b"hello");
                } else {
                    assert!(alice.recv().is_err());
                }
                drop(alice);
            }
            // The other one may have left before our last message was written.
            Err(error) => assert!(matches!(error, Protocol(Error::Truncated) | Transport(_)), "{error}"),
        }
        match bob.join().unwrap() {
            // What was cut off here is the first record, or it is the other way round and whole.
            Ok((_, received)) => assert!(cut == 6631 && protocol(received) == Some(Error::Truncated)),
            Err(error) => assert!(matches!(error, Protocol(Error::Truncated) | Transport(_)), "{error}"),
        }
    }
}

#[test]
fn one_byte_at_a_time_breaks_the_handshake() {
    let (a, b) = pipe();
    a.controls().at_once(1);
    b.controls().at_once(1);
    let bob = thread::spawn(move || Accept::new(&BOB, b"io").anonymous().accept(b, &mut Anonymous).unwrap());
    let mut alice = Connect::anonymous(b"io").connect(a, &mut Pinned(BOB.fingerprint())).unwrap();
    let mut bob = bob.join().unwrap();
    alice.send(b"hello").unwrap();
    assert_eq!(bob.recv().unwrap().unwrap(), b"hello");
}
