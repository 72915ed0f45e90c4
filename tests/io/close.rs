//! The end of a conversation: said, cut off, or refused.

use crate::pipe::Pipe;
use crate::{controls, pair, protocol, tcp_pair, within};
use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::{Duration, Instant};
use twinlock::channel::CloseCode;
use twinlock::io::Stream;
use twinlock::{Error, io};

#[test]
fn who_finished_can_receive_no_more() {
    let (mut alice, mut bob) = pair();
    alice.send(b"all").unwrap();
    alice.finish().unwrap();
    for size in [0, 5, 20_000] {
        bob.send(&vec![1; size]).unwrap();
        assert_eq!(alice.recv().unwrap().unwrap().len(), size);
    }
    assert_eq!(bob.recv().unwrap().unwrap(), b"all");
    assert!(bob.recv().unwrap().is_none() && bob.recv().unwrap().is_none());
    // It hears of what needs no answer, and of what gets none.
    bob.rekey().unwrap();
    bob.ping(4).unwrap();
    bob.key_update().unwrap();
    bob.send(b"on").unwrap();
    assert_eq!(alice.recv().unwrap().unwrap(), b"on");
    bob.finish().unwrap();
    assert!(alice.recv().unwrap().is_none());
    assert_eq!((alice.sent().records, bob.pong()), (2, None));
    alice.close().unwrap();
    bob.close().unwrap();
}

#[test]
fn something_is_sent_after_the_end() {
    let (mut alice, bob) = pair();
    alice.finish().unwrap();
    let before = controls(&alice).written();
    let closed = Some(Error::Closed);
    assert_eq!(protocol(alice.send(b"x")), closed);
    assert_eq!(protocol(alice.send(&[0; 50_000])), closed);
    assert_eq!(protocol(alice.message_writer().unwrap().finish()), closed);
    alice.message_writer().unwrap().abort().unwrap();
    assert_eq!(protocol(alice.finish()), closed);
    assert_eq!(protocol(alice.ping(1)), closed);
    assert_eq!(protocol(alice.key_update()), closed);
    // Nothing happens.
    alice.rekey().unwrap();
    let mut alice = alice.into_bytes();
    alice.flush().unwrap();
    alice.write_all(b"x").unwrap();
    assert_eq!(alice.flush().unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(alice.inner().transport().controls().written(), before);
    drop(bob);
}

#[test]
fn the_reason_is_lost() {
    for (code, reason) in [
        (CloseCode::Done, ""),
        (CloseCode::GoingAway, "the machine restarts"),
        (CloseCode::Other(256), "ä"),
        (CloseCode::Other(u16::MAX), &"z".repeat(256)),
    ] {
        let (mut alice, mut bob) = pair();
        assert!(bob.peer_close().is_none());
        alice.finish_with(code, reason).unwrap();
        assert!(bob.recv().unwrap().is_none());
        let close = bob.peer_close().unwrap();
        assert_eq!((close.code, close.reason.as_str()), (code, reason));
    }
}

#[test]
fn a_reason_that_is_too_long_or_reserved_ends_the_message_under_way() {
    let (mut alice, mut bob) = pair();
    assert_eq!(protocol(alice.finish_with(CloseCode::Done, &"z".repeat(257))), Some(Error::TooLong));
    for code in [3, 255] {
        assert_eq!(protocol(alice.finish_with(CloseCode::Other(code), "")), Some(Error::WrongKind));
    }
    alice.send(b"goes on").unwrap();
    assert_eq!(bob.recv().unwrap().unwrap(), b"goes on");
}

#[test]
fn a_refusal_passes_for_an_end() {
    let (mut alice, mut bob) = pair();
    alice.finish_with(CloseCode::Refused, "not you").unwrap();
    let refused = Some(Error::RefusedByPeer(twinlock::Refusal::Refused));
    assert_eq!(protocol(bob.recv()), refused);
    assert_eq!(protocol(bob.recv_reader()), refused);
    assert_eq!(bob.peer_close().unwrap().reason, "not you");
    let mut bob = bob.into_bytes();
    assert_eq!(bob.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    // Who only sends learns of it here.
    assert_eq!(protocol(bob.into_inner().close()), refused);
}

#[test]
fn a_message_under_way_is_ended_by_the_close() {
    let (mut alice, mut bob) = pair();
    let mut writer = alice.message_writer().unwrap();
    writer.put(&[1; 20_000]).unwrap();
    drop(writer);
    alice.finish().unwrap();
    assert_eq!(protocol(bob.recv()), Some(Error::MessageAborted));
    assert!(bob.recv().unwrap().is_none());
}

#[test]
fn a_stream_that_was_dropped_seems_closed() {
    let (mut alice, mut bob) = pair();
    alice.send(b"last").unwrap();
    drop(alice);
    assert_eq!(bob.recv().unwrap().unwrap(), b"last");
    assert_eq!(protocol(bob.recv()), Some(Error::Truncated));
    assert_eq!(protocol(bob.recv()), Some(Error::Ended));

    let (mut alice, mut bob) = tcp_pair();
    alice.send(b"last").unwrap();
    drop(alice);
    assert_eq!(bob.recv().unwrap().unwrap(), b"last");
    assert_eq!(protocol(bob.recv()), Some(Error::Truncated));

    let (alice, bob) = pair();
    drop(alice);
    assert_eq!(protocol(bob.close()), Some(Error::Truncated));
}

#[test]
fn both_close_at_once_and_wait_for_each_other() {
    fn close<T: io::Transport + Send + 'static>((alice, bob): (Stream<T>, Stream<T>)) {
        within(Duration::from_secs(4), move || {
            let bob = thread::spawn(move || bob.close());
            alice.close().unwrap();
            bob.join().unwrap().unwrap();
        });
    }
    close(pair());
    close(tcp_pair());
}

#[test]
fn a_close_waits_for_who_has_closed() {
    // The peer has closed and left: what it said is whole, though our close reaches nobody any more.
    let (mut alice, mut bob) = pair();
    alice.send(b"last").unwrap();
    alice.finish().unwrap();
    drop(alice);
    assert_eq!(bob.recv().unwrap().unwrap(), b"last");
    bob.close().unwrap();

    let (mut alice, mut bob) = tcp_pair();
    alice.finish().unwrap();
    assert!(bob.recv().unwrap().is_none());
    drop(alice);
    // The first of these makes the peer's system reset the connection, the next ones fail.
    while bob.send(b"to nobody").is_ok() {}
    bob.close().unwrap();

    // Nor does a transport that can't end its writing hide it.
    let (mut alice, mut bob) = pair();
    alice.finish().unwrap();
    controls(&bob).break_outgoing();
    assert!(matches!(bob.finish(), Err(io::Error::Transport(error)) if error.kind() == ErrorKind::BrokenPipe));
    bob.close().unwrap();
}

#[test]
fn what_comes_before_the_close_is_in_its_way() {
    let (mut alice, mut bob) = pair();
    // Begun before and read in part; whole; broken off; control records in between; a message too long.
    alice.send(&[1; 40_000]).unwrap();
    bob.recv_reader().unwrap().unwrap().read_exact(&mut [0; 10]).unwrap();
    alice.rekey().unwrap();
    alice.send(&[1; 2_000_000]).unwrap();
    let mut writer = alice.message_writer().unwrap();
    writer.put(&[1; 20_000]).unwrap();
    drop(writer);
    alice.ping(1).unwrap();
    alice.finish().unwrap();
    bob.close().unwrap();
}

#[test]
fn a_close_waits_for_ever() {
    // Somebody who never closes: silent; sending on and on; and byte by byte, in one record that never ends.
    let limits = Duration::from_millis(4_900)..Duration::from_millis(6_500);
    let close = |stream: Stream<Pipe>| {
        let begin = Instant::now();
        let error = protocol(stream.close());
        (error, begin.elapsed())
    };
    let (silent, silent_peer) = pair();
    let (flooded, mut flooding) = pair();
    let (dripped, mut dripping) = pair();
    dripping.send(&[1; 16_384]).unwrap();
    controls(&dripped).at_once(1);
    controls(&dripped).slow(Duration::from_millis(100));
    let (stuck, stuck_peer) = crate::pair_over(crate::pipe::pipe_with_room(10));
    let closing = [silent, flooded, dripped, stuck].map(|stream| thread::spawn(move || close(stream)));
    let flood = thread::spawn(move || {
        while flooding.send(&[1; 1000]).is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    for closing in closing {
        let (error, took) = closing.join().unwrap();
        assert_eq!(error, Some(Error::TimedOut));
        assert!(limits.contains(&took), "{took:?}");
    }
    flood.join().unwrap();
    drop((silent_peer, dripping, stuck_peer));
}

#[test]
fn a_tcp_connection_is_reset_before_its_last_message_arrived() {
    // Who closes has bytes of the other side's unread; its own last message must arrive nonetheless.
    let (mut alice, mut bob) = tcp_pair();
    bob.send(&[1; 100_000]).unwrap();
    alice.send(b"last").unwrap();
    within(Duration::from_secs(10), move || {
        let closing = thread::spawn(move || alice.close());
        assert_eq!(bob.recv().unwrap().unwrap(), b"last");
        assert!(bob.recv().unwrap().is_none());
        bob.close().unwrap();
        closing.join().unwrap().unwrap();
    });
}
