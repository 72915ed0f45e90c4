//! Conversations over TCP on loopback.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use twinlock::io::Stream;
use twinlock::{Identity, Pinned, accept, connect};

fn pair() -> (Stream<TcpStream>, Stream<TcpStream>) {
    let (a, b) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let (a_print, b_print) = (a.fingerprint(), b.fingerprint());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let bob = thread::spawn(move || accept(listener.accept().unwrap().0, b"io test", &b, &mut Pinned(a_print)).unwrap());
    let alice = connect(TcpStream::connect(address).unwrap(), b"io test", &a, &mut Pinned(b_print)).unwrap();
    (alice, bob.join().unwrap())
}

#[test]
fn a_message_arrives_changed_or_not_at_all() {
    let (mut alice, mut bob) = pair();
    for size in [0, 1, 16_383, 16_384, 16_385, 100_000] {
        let message = vec![7; size];
        alice.send(&message).unwrap();
        assert_eq!(bob.recv().unwrap().unwrap(), message);
    }
    alice.rekey().unwrap();
    bob.send(b"x").unwrap();
    bob.rekey().unwrap();
    assert_eq!(alice.recv().unwrap().unwrap(), b"x");
    alice.send(b"y").unwrap();
    assert_eq!(bob.recv().unwrap().unwrap(), b"y");
    bob.send(b"z").unwrap();
    assert_eq!(alice.recv().unwrap().unwrap(), b"z");
    assert_eq!((alice.sent().rekeys, bob.sent().rekeys), (1, 1));
    alice.finish().unwrap();
    assert!(bob.recv().unwrap().is_none());
    let closing = thread::spawn(move || bob.close());
    alice.close().unwrap();
    closing.join().unwrap().unwrap();
}

#[test]
fn bytes_written_on_one_side_are_not_read_on_the_other() {
    let (alice, bob) = pair();
    let (mut alice, mut bob) = (alice.into_bytes(), bob.into_bytes());
    let writing = thread::spawn(move || {
        alice.write_all(&vec![1; 50_000]).unwrap();
        alice.flush().unwrap();
        alice.write_all(b"end").unwrap();
        alice.flush().unwrap();
        alice.inner_mut().finish().unwrap();
        alice
    });
    let mut all = Vec::new();
    bob.read_to_end(&mut all).unwrap();
    assert_eq!(all.len(), 50_003);
    drop(writing.join().unwrap());
}
