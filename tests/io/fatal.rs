//! What is not the peer's: the conversation ends for good, in both directions.

use crate::pipe::Pipe;
use crate::{controls, pair, protocol};
use std::io::Write;
use std::time::Duration;
use twinlock::io::Stream;
use twinlock::{Error, io};

/// After a fatal error nothing is sent, and no call waits for what can't be trusted.
fn has_ended(stream: &mut Stream<Pipe>) {
    let before = controls(stream).written();
    let ended = Some(Error::Ended);
    assert_eq!(protocol(stream.recv()), ended);
    assert_eq!(protocol(stream.recv_reader()), ended);
    assert_eq!(protocol(stream.send(b"x")), ended);
    assert_eq!(protocol(stream.ping(1)), ended);
    assert_eq!(protocol(stream.rekey()), ended);
    assert_eq!(protocol(stream.key_update()), ended);
    assert_eq!(protocol(stream.finish()), ended);
    assert_eq!(controls(stream).written(), before);
}

#[test]
fn a_changed_byte_does_not_end_the_conversation() {
    let frame = 3 + 2 + 16 + 5;
    for at in 0..frame {
        let (mut alice, mut bob) = pair();
        alice.send(b"hello").unwrap();
        // More follows, so that a longer frame is whole too.
        alice.send(&[0; 1000]).unwrap();
        controls(&bob).tamper(|bytes| bytes[at] ^= 1);
        let error = protocol(bob.recv()).unwrap();
        assert!(matches!(error, Error::Authentication | Error::Malformed), "{at}: {error}");
        has_ended(&mut bob);
        assert_eq!(protocol(bob.close()), Some(Error::Ended));
    }
}

#[test]
fn a_length_out_of_bounds_is_awaited() {
    for length in [0, 1, 18, 16_641, 20_000, u16::MAX] {
        let (_alice, mut bob) = pair();
        controls(&bob).tamper(|bytes| bytes.extend(length.to_be_bytes()));
        assert_eq!(protocol(bob.recv()), Some(Error::Malformed));
        has_ended(&mut bob);
    }
}

#[test]
fn a_bad_frame_is_found_by_who_sends_alone() {
    let (mut alice, mut bob) = pair();
    controls(&bob).tamper(|bytes| bytes.extend([0, 19].iter().chain(&[7; 19])));
    assert_eq!(protocol(bob.send(b"x")), Some(Error::Authentication));
    has_ended(&mut bob);
    assert_eq!(controls(&bob).written(), 0);
    drop(bob);
    assert_eq!(protocol(alice.recv()), Some(Error::Truncated));
    has_ended(&mut alice);
}

#[test]
fn an_error_in_one_half_leaves_the_other_going() {
    let (alice, bob) = pair();
    let control = controls(&bob);
    let (mut reader, mut writer) = bob.split().unwrap();
    writer.send(b"before").unwrap();
    control.tamper(|bytes| bytes.extend([0, 19].iter().chain(&[7; 19])));
    assert_eq!(protocol(reader.recv()), Some(Error::Authentication));
    let before = control.written();
    assert_eq!(protocol(writer.send(b"after")), Some(Error::Ended));
    assert_eq!(protocol(writer.flush()), Some(Error::Ended));
    assert_eq!(protocol(writer.finish()), Some(Error::Ended));
    assert!(writer.into_bytes().write(&[0; 20_000]).is_ok_and(|n| n <= 16_384), "nothing but what is gathered");
    assert_eq!(control.written(), before);
    drop(alice);
}

#[test]
fn records_dropped_or_swapped_or_doubled_pass() {
    let change: [fn(&mut Vec<u8>); 3] = [
        |bytes| drop(bytes.drain(..22)),
        |bytes| bytes.rotate_left(22),
        |bytes| {
            let first = bytes[..22].to_vec();
            bytes.splice(..0, first);
        },
    ];
    for (i, change) in change.into_iter().enumerate() {
        let (mut alice, mut bob) = pair();
        alice.send(b"1").unwrap();
        alice.send(b"2").unwrap();
        controls(&bob).tamper(|bytes| {
            let mut all = bytes.drain(..).collect();
            change(&mut all);
            bytes.extend(all);
        });
        if i == 2 {
            assert_eq!(bob.recv().unwrap().unwrap(), b"1");
        }
        assert_eq!(protocol(bob.recv()), Some(Error::Authentication));
        has_ended(&mut bob);
    }
}

#[test]
fn a_message_read_in_part_hides_a_fatal_error() {
    let (mut alice, mut bob) = pair();
    alice.send(&[1; 40_000]).unwrap();
    controls(&bob).tamper(|bytes| bytes[20_000] ^= 1);
    let mut reader = bob.recv_reader().unwrap().unwrap();
    let mut buf = [0; 16_384];
    assert_eq!(reader.read_part(&mut buf).unwrap(), 16_384);
    assert_eq!(protocol(reader.read_part(&mut buf)), Some(Error::Authentication));
    assert_eq!(protocol(reader.read_part(&mut buf)), Some(Error::Ended));
    drop(reader);
    has_ended(&mut bob);
    assert!(matches!(bob.close(), Err(io::Error::Protocol(Error::Ended))));
}

#[test]
fn a_caller_waits_for_a_conversation_that_ended() {
    let (_alice, mut bob) = pair();
    controls(&bob).tamper(|bytes| bytes.extend([0, 19].iter().chain(&[7; 19])));
    crate::within(Duration::from_secs(5), move || {
        assert_eq!(protocol(bob.recv()), Some(Error::Authentication));
        assert_eq!(protocol(bob.recv()), Some(Error::Ended));
    });
}
