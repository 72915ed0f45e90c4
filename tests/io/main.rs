//! Conversations over transports that fail in every way, and over TCP on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]
#![cfg(feature = "std")]
#![allow(missing_docs, unreachable_pub)]

mod bytes;
mod close;
#[cfg(feature = "level5")]
mod cnsa2;
mod cuts;
mod fatal;
mod halves;
mod handshakes;
mod interruptions;
mod messages;
mod observer;
mod pipe;

use pipe::{Controls, Pipe};
use std::net::{TcpListener, TcpStream};
use std::sync::LazyLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;
use twinlock::handshake::{AnonymousInitiator, Hello, Responder};
use twinlock::io::Stream;
use twinlock::trust::Anonymous;
use twinlock::{Channel, Error, Identity, Pinned, accept, connect};

pub static ALICE: LazyLock<Identity> = LazyLock::new(|| Identity::generate().unwrap());
pub static BOB: LazyLock<Identity> = LazyLock::new(|| Identity::generate().unwrap());

/// Both ends of a conversation without transport; `NX`, as it costs the least.
pub fn channels() -> (Channel, Channel) {
    let (alice, hello) = AnonymousInitiator::new(b"io").send_hello().unwrap();
    let Hello::Anonymous(bob) = Responder::new(&BOB, b"io").read_any_hello(&hello).unwrap() else { panic!("another pattern") };
    let (bob, reply) = bob.send_reply(&mut Anonymous).unwrap();
    let alice = alice.read_reply(&reply).unwrap().into_channel(&mut Pinned(BOB.fingerprint())).unwrap();
    (alice, bob)
}

/// A conversation in memory, with room for everything.
pub fn pair() -> (Stream<Pipe>, Stream<Pipe>) {
    pair_over(pipe::pipe())
}

pub fn pair_over((a, b): (Pipe, Pipe)) -> (Stream<Pipe>, Stream<Pipe>) {
    let (alice, bob) = channels();
    (Stream::new(a, alice), Stream::new(b, bob))
}

pub fn controls(stream: &Stream<Pipe>) -> Controls {
    stream.transport().controls()
}

/// Two sockets that are connected.
pub fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let a = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (a, listener.accept().unwrap().0)
}

/// A conversation over TCP, with its handshake.
pub fn tcp_pair() -> (Stream<TcpStream>, Stream<TcpStream>) {
    let (a, b) = sockets();
    let bob = thread::spawn(move || accept(b, b"io", &BOB, &mut Pinned(ALICE.fingerprint())).unwrap());
    let alice = connect(a, b"io", &ALICE, &mut Pinned(BOB.fingerprint())).unwrap();
    (alice, bob.join().unwrap())
}

/// Fails the test when `work` takes longer: a deadlock.
pub fn within<R: Send + 'static>(limit: Duration, work: impl FnOnce() -> R + Send + 'static) -> R {
    let (tell, told) = channel();
    let worker = thread::spawn(move || {
        let result = work();
        let _ = tell.send(());
        result
    });
    match told.recv_timeout(limit) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        Err(RecvTimeoutError::Timeout) => panic!("not done after {limit:?}: a deadlock"),
    }
}

/// The protocol's error, where it is one.
pub fn protocol<T>(result: Result<T, twinlock::io::Error>) -> Option<Error> {
    match result {
        Err(twinlock::io::Error::Protocol(error)) => Some(error),
        _ => None,
    }
}

/// Whether the transport interrupted the call.
pub fn interrupted<T>(result: &Result<T, twinlock::io::Error>) -> bool {
    use std::io::ErrorKind::{TimedOut, WouldBlock};
    matches!(result, Err(twinlock::io::Error::Transport(error)) if matches!(error.kind(), TimedOut | WouldBlock))
}

/// Bytes in which every mix-up shows.
pub fn content(len: usize, salt: u8) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8 ^ (i / 251) as u8 ^ salt).collect()
}

/// That two contents are the same, without printing them when they are not.
#[track_caller]
pub fn same(got: &[u8], wanted: &[u8]) {
    let differ = got.iter().zip(wanted).position(|(a, b)| a != b);
    assert!(got == wanted, "{} bytes for {}, the first different one is {differ:?}", got.len(), wanted.len());
}
