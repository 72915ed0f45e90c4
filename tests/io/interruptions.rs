//! The transport's own timeouts, at every byte: what can be made again, and what is broken off.

use crate::{content, controls, interrupted, pair, protocol, same};
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read, Write};
use twinlock::Error;
use twinlock::channel::CloseCode;

const KINDS: [ErrorKind; 2] = [ErrorKind::WouldBlock, ErrorKind::TimedOut];

/// Makes the call again until the transport lets it through, and counts how often it did not.
fn again<R>(count: &mut usize, mut call: impl FnMut() -> Result<R, twinlock::io::Error>) -> Result<R, twinlock::io::Error> {
    loop {
        match call() {
            result if interrupted(&result) => *count += 1,
            result => return result,
        }
    }
}

/// As [`again`], for a stream of bytes.
fn io_again<R>(count: &mut usize, mut call: impl FnMut() -> std::io::Result<R>) -> R {
    again(count, || Ok(call()?)).unwrap()
}

#[test]
fn an_interrupted_receive_loses_bytes() {
    let sizes = [0, 5, 300, 16_384, 40_000];
    for kind in KINDS {
        let (mut alice, mut bob) = pair();
        for size in sizes {
            alice.send(&content(size, 1)).unwrap();
        }
        alice.finish().unwrap();
        // Before every byte of the small ones, and around the borders of the large ones.
        let all = controls(&alice).written();
        let stops: BTreeSet<u64> = (0..500).chain((500..all).filter(|at| at % 1000 < 3)).chain([all - 1]).collect();
        controls(&bob).stop_reads(kind, stops.iter().copied());
        let mut count = 0;
        for size in sizes {
            same(&again(&mut count, || bob.recv()).unwrap().unwrap(), &content(size, 1));
        }
        assert!(again(&mut count, || bob.recv()).unwrap().is_none());
        assert_eq!(count, stops.len());
    }
}

#[test]
fn an_interrupted_reader_says_the_end() {
    let (mut alice, mut bob) = pair();
    alice.send(&content(40_000, 1)).unwrap();
    alice.send(b"next").unwrap();
    controls(&bob).stop_reads(ErrorKind::TimedOut, (16_500..40_000).filter(|at| at % 500 < 2));
    let mut reader = bob.recv_reader().unwrap().unwrap();
    let (mut count, mut all, mut buf) = (0, Vec::new(), [0; 3000]);
    while let n @ 1.. = again(&mut count, || reader.read_part(&mut buf)).unwrap() {
        all.extend_from_slice(&buf[..n]);
    }
    same(&all, &content(40_000, 1));
    assert_eq!(count, 94);
    drop(reader);
    same(&bob.recv().unwrap().unwrap(), b"next");
}

#[test]
fn a_reader_dropped_after_a_timeout_leaves_a_tail_that_passes_for_a_message() {
    let (mut alice, mut bob) = pair();
    alice.send(&content(40_000, 1)).unwrap();
    alice.send(b"next").unwrap();
    controls(&bob).stop_reads(ErrorKind::TimedOut, [20_000]);
    let mut reader = bob.recv_reader().unwrap().unwrap();
    let mut all = Vec::new();
    assert_eq!(reader.read_to_end(&mut all).unwrap_err().kind(), ErrorKind::TimedOut);
    drop(reader);
    same(&bob.recv().unwrap().unwrap(), b"next");
}

#[test]
fn a_receive_taken_up_otherwise_loses_what_was_gathered() {
    let message = content(40_000, 1);
    let interrupted_at = |at| {
        let (mut alice, mut bob) = pair();
        alice.send(&message).unwrap();
        alice.send(b"next").unwrap();
        controls(&bob).stop_reads(ErrorKind::WouldBlock, [at]);
        assert!(interrupted(&bob.recv()));
        bob
    };
    for at in [10, 16_405, 20_000, 33_000, 39_000] {
        let mut bob = interrupted_at(at);
        let mut reader = bob.recv_reader().unwrap().unwrap();
        let (mut all, mut small) = (Vec::new(), [0; 9]);
        reader.read_exact(&mut small).unwrap();
        reader.read_to_end(&mut all).unwrap();
        same(&[small.to_vec(), all].concat(), &message);
        drop(reader);
        same(&bob.recv().unwrap().unwrap(), b"next");

        let mut bob = interrupted_at(at);
        drop(bob.recv_reader().unwrap().unwrap());
        same(&bob.recv().unwrap().unwrap(), b"next");

        let mut bob = interrupted_at(at).into_bytes();
        let mut all = vec![0; 40_004];
        bob.read_exact(&mut all).unwrap();
        same(&all, &[&message, b"next".as_slice()].concat());
    }
}

#[test]
fn an_interrupted_send_delivers_a_part() {
    let message = content(40_000, 1);
    let last_record = 2 * 16_405;
    // Around both borders between records, the ends, and in between.
    let near = |at: u64| at.saturating_sub(4)..at + 4;
    for stop in
        (0..40_063).filter(|at| near(0).contains(at) || near(16_405).contains(at) || near(last_record).contains(at) || at % 1777 == 0)
    {
        let (mut alice, mut bob) = pair();
        controls(&alice).stop_writes(ErrorKind::WouldBlock, [stop]);
        assert!(interrupted(&alice.send(&message)));
        alice.send(b"next").unwrap();
        alice.finish().unwrap();
        // Its last record was sealed already: it can't be taken back, and nothing but the whole message comes of it.
        match stop < last_record {
            true => assert_eq!(protocol(bob.recv()), Some(Error::MessageAborted), "stopped at {stop}"),
            false => same(&bob.recv().unwrap().unwrap(), &message),
        }
        same(&bob.recv().unwrap().unwrap(), b"next");
        assert!(bob.recv().unwrap().is_none());
    }
}

#[test]
fn sends_interrupted_again_and_again_mix_messages_up() {
    let (mut alice, mut bob) = pair();
    controls(&alice).stop_writes(ErrorKind::TimedOut, (0..400_000).filter(|at| at % 3001 == 0));
    let (mut failed, mut sent) = (0, 0);
    for i in 0..60_u8 {
        match alice.send(&content(usize::from(i) * 700, i)) {
            Ok(()) => sent += 1,
            error => {
                assert!(interrupted(&error));
                failed += 1;
            }
        }
    }
    while interrupted(&alice.finish()) {}
    let (mut whole, mut broken, mut newest) = (0, 0, None);
    loop {
        match bob.recv() {
            Ok(Some(message)) => {
                let i = (0..60).find(|i| content(usize::from(*i) * 700, *i) == message).expect("a message that nobody sent");
                assert!(newest.is_none_or(|newest| newest < i), "out of order");
                newest = Some(i);
                whole += 1;
            }
            Ok(None) => break,
            error => {
                assert_eq!(protocol(error), Some(Error::MessageAborted));
                broken += 1;
            }
        }
    }
    assert!(whole >= sent && broken > 0 && whole + broken <= sent + failed, "{sent} {failed} {whole} {broken}");
}

#[test]
fn a_message_goes_on_after_its_beginning_was_broken_off() {
    // Its tail would pass for a whole message.
    for stop in [0, 100, 16_405, 20_000] {
        let (mut alice, mut bob) = pair();
        controls(&alice).stop_writes(ErrorKind::TimedOut, [stop]);
        let mut writer = alice.message_writer().unwrap();
        while !interrupted(&writer.put(&content(10_000, 1))) {}
        assert_eq!(protocol(writer.put(b"tail")), Some(Error::MessageAborted));
        assert_eq!(writer.write(b"tail").unwrap_err().kind(), ErrorKind::ConnectionAborted);
        assert_eq!(protocol(writer.finish()), Some(Error::MessageAborted));
        alice.send(b"next").unwrap();
        assert_eq!(protocol(bob.recv()), Some(Error::MessageAborted));
        same(&bob.recv().unwrap().unwrap(), b"next");
    }
}

#[test]
fn interrupted_bytes_are_lost_or_doubled() {
    for kind in KINDS {
        let (alice, bob) = pair();
        let every = || (0..2_000).chain((2_000..200_000).filter(|at| at % 500 < 2)).chain((16_300..16_500).chain(32_700..32_900));
        controls(&alice).stop_writes(kind, every());
        controls(&bob).stop_reads(kind, every());
        let (mut alice, mut bob, mut count) = (alice.into_bytes(), bob.into_bytes(), 0);
        let all = content(100_000, 1);
        let mut rest = all.as_slice();
        for part in (1..).map(|i| i * 37 % 9_000 + 1) {
            if rest.is_empty() {
                break;
            }
            let part = &rest[..part.min(rest.len())];
            let n = io_again(&mut count, || alice.write(part));
            rest = &rest[n..];
            if n % 16 == 0 {
                io_again(&mut count, || alice.flush());
            }
        }
        io_again(&mut count, || alice.flush());
        again(&mut count, || alice.inner_mut().finish()).unwrap();
        let (mut got, mut buf) = (Vec::new(), [0; 777]);
        while let n @ 1.. = io_again(&mut count, || bob.read(&mut buf)) {
            got.extend_from_slice(&buf[..n]);
        }
        same(&got, &all);
        assert!(count > 4_000);
    }
}

#[test]
fn a_control_record_is_lost_in_an_interruption() {
    let (mut alice, mut bob) = pair();
    // Before every byte that both write and read; the handshake's last key lies three renewals back in the end.
    controls(&alice).stop_writes(ErrorKind::WouldBlock, 0..5_000);
    controls(&bob).stop_writes(ErrorKind::WouldBlock, 0..5_000);
    controls(&alice).stop_reads(ErrorKind::WouldBlock, 0..5_000);
    controls(&bob).stop_reads(ErrorKind::WouldBlock, 0..5_000);
    let mut count = 0;
    again(&mut count, || alice.rekey()).unwrap();
    // These were made once they were interrupted; what is left of them goes with the next thing sent.
    assert!(interrupted(&alice.ping(7)) && interrupted(&alice.key_update()));
    while interrupted(&alice.send(b"")) {}
    while again(&mut count, || bob.recv()).unwrap().unwrap() != b"" {}
    while interrupted(&bob.send(b"")) {}
    while again(&mut count, || alice.recv()).unwrap().unwrap() != b"" {}
    assert_eq!((alice.pong(), bob.sent().rekeys, alice.received().rekeys), (Some(7), 1, 1));
    assert_eq!((alice.sent().key_updates, bob.received().key_updates), (1, 1));
    assert!(count > 2_000);
}

#[test]
fn a_close_that_was_interrupted_is_never_sent() {
    for stop in 0..40 {
        let (mut alice, mut bob) = pair();
        controls(&alice).stop_writes(ErrorKind::TimedOut, [stop]);
        if interrupted(&alice.finish_with(CloseCode::Other(700), "gone home")) {
            alice.finish().unwrap();
        }
        assert!(bob.recv().unwrap().is_none());
        assert_eq!(bob.peer_close().unwrap().reason, "gone home");
        assert_eq!(protocol(alice.finish()), Some(Error::Closed));

        let (mut alice, mut bob) = pair();
        controls(&alice).stop_writes(ErrorKind::TimedOut, [stop]);
        let _ = alice.finish_with(CloseCode::Other(700), "gone home");
        bob.finish().unwrap();
        alice.close().unwrap();
        assert!(bob.recv().unwrap().is_none());
    }
}

#[test]
fn a_signal_ends_a_call() {
    let (mut alice, mut bob) = pair();
    controls(&alice).stop_writes(ErrorKind::Interrupted, 0..30_000);
    controls(&bob).stop_reads(ErrorKind::Interrupted, 0..30_000);
    alice.send(&content(20_000, 1)).unwrap();
    same(&bob.recv().unwrap().unwrap(), &content(20_000, 1));
}

#[test]
fn few_bytes_at_once_are_too_few() {
    for at_once in [1, 2, 3, 20, 1000] {
        let (mut alice, mut bob) = pair();
        controls(&alice).at_once(at_once);
        controls(&bob).at_once(at_once);
        for size in [0, 1, 16_384, 20_000] {
            alice.send(&content(size, 1)).unwrap();
            same(&bob.recv().unwrap().unwrap(), &content(size, 1));
        }
        bob.rekey().unwrap();
        alice.finish().unwrap();
        assert!(bob.recv().unwrap().is_none());
    }
}

#[test]
fn a_transport_that_takes_nothing_is_asked_for_ever() {
    let (mut alice, _bob) = pair();
    controls(&alice).at_once(0);
    let Err(twinlock::io::Error::Transport(error)) = alice.send(b"x") else { panic!("taken") };
    assert_eq!(error.kind(), ErrorKind::WriteZero);
}
