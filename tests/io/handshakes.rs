//! Handshakes with strangers, with the slow, the refused and the refusing.

use crate::pipe::{Pipe, pipe, pipe_with_room};
use crate::{ALICE, BOB, content, protocol, sockets, within};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};
use twinlock::handshake::{AnonymousInitiator, Initiator, Psk};
use twinlock::io::{self, Accept, Connect, Gate, Joined, Split, Stream, Untimed};
use twinlock::trust::{Anonymous, Ask, Peer, Trusted, danger::TrustAnyone};
use twinlock::{Distrust, Error, Identity, Pinned, Refusal, Trust};

const SHORT: Duration = Duration::from_millis(400);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn connect() -> Connect {
    Connect::new(&ALICE, b"io")
}

fn accept() -> Accept {
    Accept::new(&BOB, b"io")
}

fn hello() -> Vec<u8> {
    Initiator::new(&ALICE, b"io").send_hello().unwrap().1
}

fn refused(why: Refusal) -> Option<Error> {
    Some(Error::RefusedByUs(why))
}

/// That `work` took as long as the deadline, and not much longer.
fn takes(limit: Range<Duration>, work: impl FnOnce()) {
    let begin = Instant::now();
    work();
    let took = begin.elapsed();
    assert!(limit.contains(&took), "{took:?}");
}

fn in_time() -> Range<Duration> {
    SHORT..SHORT * 5
}

/// One byte at a time, for as long as somebody listens.
fn drip(mut to: impl Write + Send + 'static, bytes: Vec<u8>) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for byte in bytes {
            if to.write_all(&[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    })
}

#[test]
fn a_silent_peer_holds_a_handshake_for_ever() {
    let (a, b) = sockets();
    takes(in_time(), || assert_eq!(protocol(connect().deadline(SHORT).connect(a, &mut TrustAnyone)), Some(Error::TimedOut)));
    drop(b);
    let (a, b) = sockets();
    takes(in_time(), || assert_eq!(protocol(accept().deadline(SHORT).accept(b, &mut TrustAnyone)), Some(Error::TimedOut)));
    drop(a);
    let (a, b) = pipe();
    takes(in_time(), || assert_eq!(protocol(connect().deadline(SHORT).connect(a, &mut TrustAnyone)), Some(Error::TimedOut)));
    drop(b);
    // Somebody who reads nothing.
    let (a, b) = pipe_with_room(100);
    takes(in_time(), || assert_eq!(protocol(connect().deadline(SHORT).connect(a, &mut TrustAnyone)), Some(Error::TimedOut)));
    drop(b);
    // Somebody who stops after message 1.
    let (mut a, b) = sockets();
    a.write_all(&hello()).unwrap();
    takes(in_time(), || assert_eq!(protocol(accept().deadline(SHORT).accept(b, &mut TrustAnyone)), Some(Error::TimedOut)));
}

#[test]
fn the_deadline_begins_anew_with_every_byte() {
    let reply = [&[0x19, 0x7E], [0; 6526].as_slice()].concat();
    let (a, b) = sockets();
    let dripping = drip(b, reply.clone());
    takes(in_time(), || assert_eq!(protocol(connect().deadline(SHORT).connect(a, &mut TrustAnyone)), Some(Error::TimedOut)));
    dripping.join().unwrap();
    let (a, b) = sockets();
    let dripping = drip(a, hello());
    takes(in_time(), || assert_eq!(protocol(accept().deadline(SHORT).accept(b, &mut TrustAnyone)), Some(Error::TimedOut)));
    dripping.join().unwrap();
    // A transport without timeouts is asked between its bytes at least.
    let (a, b) = pipe();
    let dripping = drip(b, reply);
    takes(in_time(), || assert_eq!(protocol(connect().deadline(SHORT).connect(Untimed(a), &mut TrustAnyone)), Some(Error::TimedOut)));
    dripping.join().unwrap();
}

#[test]
fn no_deadline_at_all_is_one_that_has_passed() {
    let (a, b) = pipe();
    let accepting = thread::spawn(move || accept().deadline(Duration::MAX).accept(b, &mut TrustAnyone).unwrap());
    let alice = connect().deadline(Duration::MAX).connect(a, &mut TrustAnyone).unwrap();
    drop((alice, accepting.join().unwrap()));
    let (a, _b) = pipe();
    assert_eq!(protocol(connect().deadline(Duration::ZERO).connect(a, &mut TrustAnyone)), Some(Error::TimedOut));
    // Who lingers does so for two seconds, with or without a deadline.
    let (mut a, b) = sockets();
    a.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    takes(Duration::ZERO..Duration::from_secs(4), || {
        assert_eq!(protocol(accept().deadline(Duration::MAX).accept(b, &mut TrustAnyone)), Some(Error::Malformed));
    });
}

/// Thinks longer than the deadline, and then says this.
struct Slow(Result<Trusted, Distrust>);

impl Trust for Slow {
    fn judge(&mut self, _: &Peer) -> Result<Trusted, Distrust> {
        thread::sleep(SHORT * 2);
        self.0
    }
}

#[test]
fn a_person_who_thinks_is_timed_out() {
    let yes = || Slow(Ok(Trusted::Asked));
    // The one who connects, the one who accepts; and both in the pattern without identity.
    let handshakes = [
        thread::spawn(move || both(sockets(), connect().deadline(SHORT), accept(), yes(), TrustAnyone)),
        thread::spawn(move || both(sockets(), connect(), accept().deadline(SHORT), TrustAnyone, yes())),
        thread::spawn(move || both(sockets(), Connect::anonymous(b"io").deadline(SHORT), accept().anonymous(), yes(), Anonymous)),
        thread::spawn(move || both(sockets(), Connect::anonymous(b"io"), accept().deadline(SHORT).anonymous(), TrustAnyone, yes())),
    ];
    for handshake in handshakes {
        let (alice, bob) = handshake.join().unwrap();
        let (mut alice, mut bob) = (alice.unwrap(), bob.unwrap());
        alice.send(b"through").unwrap();
        assert_eq!(bob.recv().unwrap().unwrap(), b"through");
    }
    // A no after long thought is told nonetheless.
    let (a, b) = sockets();
    let accepting = thread::spawn(move || protocol(accept().deadline(SHORT).accept(b, &mut Slow(Err(Distrust::Declined)))));
    let mut alice = connect().connect(a, &mut TrustAnyone).unwrap();
    assert_eq!(protocol(alice.recv()), Some(Error::RefusedByPeer(Refusal::Refused)));
    drop(alice);
    assert_eq!(accepting.join().unwrap(), Some(Error::Untrusted(Distrust::Declined)));
    // The other side's patience is its own.
    let (alice, bob) = both(sockets(), connect(), accept().deadline(SHORT), yes(), TrustAnyone);
    assert_eq!(protocol(bob), Some(Error::TimedOut));
    drop(alice);
}

#[test]
fn a_bound_is_looked_at_too_late() {
    for length in [0_u16, 1, 5, 16_385, 20_000, u16::MAX] {
        let (mut a, b) = sockets();
        a.write_all(&length.to_be_bytes()).unwrap();
        let accepting = thread::spawn(move || accept().accept(b, &mut TrustAnyone));
        // Not a byte comes back, and no more are awaited.
        let mut back = Vec::new();
        a.read_to_end(&mut back).unwrap();
        drop(a);
        assert_eq!((protocol(accepting.join().unwrap()), back.len()), (Some(Error::Malformed), 0), "{length}");
    }
    for length in [0_u16, 16_385, u16::MAX] {
        let (a, mut b) = sockets();
        b.write_all(&length.to_be_bytes()).unwrap();
        b.shutdown(Shutdown::Write).unwrap();
        assert_eq!(protocol(connect().connect(a, &mut TrustAnyone)), Some(Error::Malformed), "{length}");
    }
    // Too long or too short for their pattern, but whole.
    let whole = hello();
    for length in [6, 1221, 5319, 16_384] {
        let (mut a, b) = pipe();
        let body: Vec<u8> = whole[2..].iter().copied().chain([0].into_iter().cycle()).take(length).collect();
        a.write_all(&u16::try_from(length).unwrap().to_be_bytes()).unwrap();
        a.write_all(&body).unwrap();
        let control = b.controls();
        a.controls().end_incoming();
        let accepting = thread::spawn(move || accept().accept(b, &mut TrustAnyone));
        drop(a);
        assert_eq!(protocol(accepting.join().unwrap()), Some(Error::Malformed), "{length}");
        assert_eq!(control.written(), 0);
    }
}

#[test]
fn somebody_who_speaks_something_else_gets_an_answer_or_a_place_for_ever() {
    let mut tls = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3];
    tls.resize(517, 7);
    let strangers: [&[u8]; 6] =
        [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &tls, b"SSH-2.0-OpenSSH_9.9\r\n", &content(4000, 0x55), &[0; 3000]];
    for (i, said) in strangers.into_iter().enumerate() {
        for stays in [true, false] {
            let (mut stranger, b) = sockets();
            let accepting = thread::spawn(move || {
                let begin = Instant::now();
                (protocol(accept().deadline(SHORT).accept(b, &mut TrustAnyone)), begin.elapsed())
            });
            stranger.write_all(said).unwrap();
            if !stays {
                stranger.shutdown(Shutdown::Write).unwrap();
            }
            let mut back = Vec::new();
            stranger.read_to_end(&mut back).unwrap();
            drop(stranger);
            let (error, took) = accepting.join().unwrap();
            assert!(matches!(error, Some(Error::Malformed | Error::Truncated | Error::TimedOut)), "{i}: {error:?}");
            assert!(back.is_empty() && took < SHORT * 5, "{i}: {} bytes, {took:?}", back.len());
        }
    }
}

#[test]
fn a_key_that_is_none_gets_an_answer() {
    // The header is good; the coefficients are out of range.
    let mut bad = hello();
    bad[8..].fill(0xFF);
    let (mut a, b) = sockets();
    let accepting = thread::spawn(move || protocol(accept().accept(b, &mut TrustAnyone)));
    a.write_all(&bad).unwrap();
    let mut back = Vec::new();
    a.read_to_end(&mut back).unwrap();
    drop(a);
    assert!(accepting.join().unwrap().is_some() && back.is_empty());
}

/// What comes back over TCP for this first message with `extra` bytes behind it, and what the one who accepts says.
fn answer(accept: Accept, trust: impl Trust + Send + 'static, hello: &[u8], extra: usize) -> (Vec<u8>, Option<Error>) {
    let (mut a, b) = sockets();
    let mut trust = trust;
    let accepting = thread::spawn(move || protocol(accept.accept_from(b, HERE, &mut trust)));
    a.write_all(hello).unwrap();
    // More than one segment, so that the bytes come when the refusal is out already, too.
    for part in vec![0; extra].chunks(1000) {
        a.write_all(part).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(20));
    let mut back = Vec::new();
    a.read_to_end(&mut back).expect("a refusal, not a reset");
    drop(a);
    (back, accepting.join().unwrap())
}

#[test]
fn a_reset_swallows_a_refusal() {
    let changed = |at: usize, byte: u8| {
        let mut hello = hello();
        hello[at] = byte;
        hello
    };
    let anonymous = AnonymousInitiator::new(b"io").send_hello().unwrap().1;
    let psk = Psk::generate().unwrap();
    let with_psk = Initiator::new(&ALICE, b"io").psk(&psk).send_hello().unwrap().1;
    for extra in [0, 1, 30_000] {
        let refusals = [
            (answer(accept(), TrustAnyone, &changed(4, 2), extra), Refusal::Version),
            (answer(accept(), TrustAnyone, &changed(4, 0), extra), Refusal::Version),
            (answer(accept(), TrustAnyone, &changed(5, 9), extra), Refusal::Pattern),
            (answer(accept(), TrustAnyone, &anonymous, extra), Refusal::Pattern),
            (answer(accept(), TrustAnyone, &with_psk, extra), Refusal::Pattern),
            (answer(accept().gate(&Gate::new(0, 9)), TrustAnyone, &hello(), extra), Refusal::Busy),
        ];
        for ((back, error), why) in refusals {
            assert_eq!((back, error), (vec![0, 1, why.status()], refused(why)));
        }
        for (accept, hello, asked, allowed) in
            [(accept(), changed(6, 0x77), 0x7701, vec![1, 3]), (accept().suites(&[]), hello(), 1, vec![])]
        {
            let error = Error::SuiteNotAllowed { asked, allowed: allowed.into_iter().collect() };
            assert_eq!(answer(accept, TrustAnyone, &hello, extra), (vec![0, 1, 3], Some(error)));
        }
        let (back, error) = answer(accept().anonymous(), Pinned(ALICE.fingerprint()), &anonymous, extra);
        assert_eq!((back, error), (vec![0, 1, 5], Some(Error::Untrusted(Distrust::Anonymous))));
    }
}

#[test]
fn a_responder_with_a_shared_key_shows_that_it_is_there() {
    let psk = || Psk::take(&mut [7; 32]);
    let with = |psk: &Psk| Initiator::new(&ALICE, b"io").psk(psk).send_hello().unwrap().1;
    let anonymous = AnonymousInitiator::new(b"io").psk(&psk()).send_hello().unwrap().1;
    let mut version = with(&psk());
    version[4] = 2;
    let silent = [
        (answer(accept().psk(&psk()), TrustAnyone, &hello(), 0), refused(Refusal::Pattern)),
        (answer(accept().psk(&psk()), TrustAnyone, &version, 0), refused(Refusal::Version)),
        (answer(accept().psk(&psk()).gate(&Gate::new(0, 0)), TrustAnyone, &with(&psk()), 0), refused(Refusal::Busy)),
        (answer(accept().psk(&psk()), TrustAnyone, &anonymous, 0), refused(Refusal::Pattern)),
        (answer(accept().psk(&psk()), TrustAnyone, &with(&Psk::generate().unwrap()), 0), Some(Error::Authentication)),
        (answer(accept().psk(&psk()).anonymous(), Pinned(ALICE.fingerprint()), &anonymous, 0), Some(Error::Untrusted(Distrust::Anonymous))),
    ];
    for (i, ((back, error), why)) in silent.into_iter().enumerate() {
        assert_eq!((back, error), (vec![], why), "{i}");
    }
}

/// A handshake over `a` and `b`, both sides at once.
fn both<T: io::Transport + Send + 'static>(
    (a, b): (T, T),
    connect: Connect,
    accept: Accept,
    mut alices: impl Trust,
    bobs: impl Trust + Send + 'static,
) -> (Result<Stream<T>, io::Error>, Result<Stream<T>, io::Error>) {
    let mut bobs = bobs;
    let accepting = thread::spawn(move || accept.accept_from(b, HERE, &mut bobs));
    let alice = connect.connect(a, &mut alices);
    // An error's transport is gone by now, so that nobody lingers.
    (alice, accepting.join().unwrap())
}

#[test]
fn a_shared_key_of_another_tells_more_than_nothing() {
    let key = |byte| Psk::take(&mut [byte; 32]);
    let (alice, bob) = both(sockets(), connect().psk(&key(1)), accept().psk(&key(2)), TrustAnyone, TrustAnyone);
    assert_eq!((protocol(alice), protocol(bob)), (Some(Error::Truncated), Some(Error::Authentication)));
    let (alice, bob) = both(sockets(), connect(), accept().psk(&key(2)), TrustAnyone, TrustAnyone);
    assert_eq!((protocol(alice), protocol(bob)), (Some(Error::Truncated), refused(Refusal::Pattern)));
    let (alice, bob) = both(sockets(), connect().psk(&key(1)), accept(), TrustAnyone, TrustAnyone);
    assert_eq!((protocol(alice), protocol(bob)), (Some(Error::RefusedByPeer(Refusal::Pattern)), refused(Refusal::Pattern)));
    // Two while rotating, in all patterns.
    for byte in [1, 2] {
        let rotating = || accept().psk(&key(1)).psk(&key(2)).anonymous();
        let (alice, bob) = both(sockets(), connect().psk(&key(byte)), rotating(), TrustAnyone, TrustAnyone);
        assert!(alice.is_ok() && bob.is_ok());
        let (alice, bob) = both(sockets(), Connect::anonymous(b"io").psk(&key(byte)), rotating(), TrustAnyone, Anonymous);
        assert!(alice.is_ok() && bob.is_ok());
    }
}

#[test]
fn a_refusal_is_read_as_something_else() {
    let answers = [
        (vec![0, 1, 1], Error::RefusedByPeer(Refusal::Version)),
        (vec![0, 1, 2], Error::RefusedByPeer(Refusal::Pattern)),
        (vec![0, 1, 3], Error::RefusedByPeer(Refusal::Suite)),
        (vec![0, 1, 4], Error::RefusedByPeer(Refusal::Busy)),
        (vec![0, 1, 5], Error::RefusedByPeer(Refusal::Refused)),
        (vec![0, 1, 77], Error::RefusedByPeer(Refusal::Refused)),
        (vec![0, 1, 0], Error::Malformed),
        (vec![0, 1], Error::Truncated),
        (vec![0], Error::Truncated),
        (vec![], Error::Truncated),
        ([vec![0x19, 0x7E, 1], vec![0; 6525]].concat(), Error::Malformed),
        ([vec![0x19, 0x7E, 0], vec![0; 6525]].concat(), Error::Authentication),
    ];
    for (answer, error) in answers {
        let (a, mut b) = sockets();
        let answering = thread::spawn(move || {
            b.read_exact(&mut [0; 1224]).unwrap();
            b.write_all(&answer).unwrap();
            b.shutdown(Shutdown::Write).unwrap();
            let mut more = Vec::new();
            b.read_to_end(&mut more).unwrap();
            more.len()
        });
        assert_eq!(protocol(connect().connect(a, &mut TrustAnyone)), Some(error));
        assert_eq!(answering.join().unwrap(), 0, "nothing follows message 1");
    }
}

#[test]
fn who_is_refused_learns_who_we_are() {
    // The one who connects sends its identity to nobody whom it does not accept.
    let (a, b) = pipe();
    let control = a.controls();
    let stranger = Identity::generate().unwrap();
    let (alice, bob) = both((a, b), connect(), accept(), Pinned(stranger.fingerprint()), TrustAnyone);
    assert_eq!((protocol(alice), protocol(bob)), (Some(Error::Untrusted(Distrust::NotExpected)), Some(Error::Truncated)));
    assert_eq!(control.written(), 1224);
    let (a, b) = pipe();
    let control = a.controls();
    let (alice, bob) = both((a, b), connect(), accept(), Ask(|_: &Peer| false), TrustAnyone);
    assert_eq!((protocol(alice), protocol(bob)), (Some(Error::Untrusted(Distrust::Declined)), Some(Error::Truncated)));
    assert_eq!(control.written(), 1224);
    let (alice, bob) = both(sockets(), connect(), accept(), Pinned(stranger.fingerprint()), TrustAnyone);
    assert_eq!((protocol(alice), protocol(bob)), (Some(Error::Untrusted(Distrust::NotExpected)), Some(Error::Truncated)));
}

#[test]
fn who_was_refused_after_the_handshake_takes_it_for_an_end() {
    let refused = Some(Error::RefusedByPeer(Refusal::Refused));
    for says in [0, 1, 20_000] {
        let (a, b) = sockets();
        let accepting = thread::spawn(move || protocol(accept().accept(b, &mut Pinned(BOB.fingerprint()))));
        let mut alice = connect().connect(a, &mut Pinned(BOB.fingerprint())).unwrap();
        // It does not know yet, and talks.
        if says > 0 {
            let _ = alice.send(&vec![1; says]);
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(protocol(alice.recv()), refused);
        assert_eq!(protocol(alice.recv()), refused);
        drop(alice);
        assert_eq!(accepting.join().unwrap(), Some(Error::Untrusted(Distrust::NotExpected)));
    }
    // Without identity the handshake itself tells.
    let (alice, bob) = both(sockets(), Connect::anonymous(b"io"), accept().anonymous(), TrustAnyone, Pinned(ALICE.fingerprint()));
    assert_eq!((protocol(alice), protocol(bob)), (refused, Some(Error::Untrusted(Distrust::Anonymous))));
    let (alice, bob) = both(sockets(), Connect::anonymous(b"io"), accept(), TrustAnyone, TrustAnyone);
    assert_eq!(protocol(alice), Some(Error::RefusedByPeer(Refusal::Pattern)));
    assert_eq!(protocol(bob), Some(Error::RefusedByUs(Refusal::Pattern)));
}

#[test]
fn two_sides_that_failed_wait_for_each_other() {
    // A transport that knows no timeouts and no end of writing, such as a child's standard input and output.
    let joined = |pipe: Pipe| {
        let (reader, writer) = pipe.split().unwrap();
        Joined { reader, writer }
    };
    within(Duration::from_secs(10), move || {
        let (a, b) = pipe();
        let (a, b) = (joined(a), joined(b));
        let (alice, bob) = both((a, b), connect(), accept(), Pinned(ALICE.fingerprint()), TrustAnyone);
        assert_eq!((protocol(alice), protocol(bob)), (Some(Error::Untrusted(Distrust::NotExpected)), Some(Error::Truncated)));
        let (a, b) = pipe();
        let (alice, bob) = both((joined(a), joined(b)), connect(), accept(), TrustAnyone, TrustAnyone);
        let (mut alice, mut bob) = (alice.unwrap(), bob.unwrap());
        alice.send(b"through").unwrap();
        assert_eq!(bob.recv().unwrap().unwrap(), b"through");
        let bob = thread::spawn(move || bob.close());
        alice.close().unwrap();
        bob.join().unwrap().unwrap();
    });
}

#[test]
fn other_words_beforehand_make_no_difference() {
    let (alice, bob) = both(sockets(), Connect::new(&ALICE, b"other"), accept(), TrustAnyone, TrustAnyone);
    assert_eq!((protocol(alice), protocol(bob)), (Some(Error::Authentication), Some(Error::Truncated)));
}

#[test]
fn a_place_is_never_given_back() {
    let gate = Gate::new(2, 1);
    let places = || accept().gate(&gate).anonymous();
    // Inside while the peer is judged, and outside afterwards, however it went.
    let inside = gate.clone();
    let asked = Ask(move |_: &Peer| inside.in_progress() == 1);
    let (alice, bob) = both(sockets(), connect(), places(), TrustAnyone, asked);
    let (alice, bob) = (alice.unwrap(), bob.unwrap());
    assert_eq!(gate.in_progress(), 0, "a conversation is no handshake");
    drop((alice, bob));
    let (_, bob) = both(sockets(), Connect::anonymous(b"io"), places(), TrustAnyone, Pinned(ALICE.fingerprint()));
    assert!(bob.is_err());
    let (_, bob) = both(sockets(), connect(), places(), Pinned(ALICE.fingerprint()), TrustAnyone);
    assert!(bob.is_err());
    assert_eq!(gate.in_progress(), 0);
    let (a, b) = sockets();
    drop(a);
    assert!(places().accept_from(b, HERE, &mut TrustAnyone).is_err());
    let (_a, b) = sockets();
    assert!(places().deadline(Duration::from_millis(50)).accept_from(b, HERE, &mut TrustAnyone).is_err());
    assert_eq!(gate.in_progress(), 0);
    // A Trust that panics takes no place along.
    let (a, b) = sockets();
    let accept = places();
    let accepting = thread::spawn(move || accept.accept_from(b, HERE, &mut Ask(|_: &Peer| panic!("a rule that fails"))).is_ok());
    let connected = connect().connect(a, &mut TrustAnyone);
    assert!(accepting.join().is_err());
    drop(connected);
    assert_eq!(gate.in_progress(), 0);
}

#[test]
fn who_finds_no_place_waits() {
    let gate = Gate::new(2, 1);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // One is inside and says nothing.
    let silent = TcpStream::connect(address).unwrap();
    let first = listener.accept().unwrap().0;
    let accept_silent = accept().gate(&gate);
    let silent_one = thread::spawn(move || protocol(accept_silent.accept_from(first, HERE, &mut TrustAnyone)));
    while gate.in_progress() == 0 {
        thread::yield_now();
    }
    // Another one from there is refused at once, also under its other name; from elsewhere there is room for one more.
    let other: IpAddr = "192.0.2.1".parse().unwrap();
    let mapped: IpAddr = "::ffff:127.0.0.1".parse().unwrap();
    for (source, place) in [(HERE, false), (mapped, false), (other, true)] {
        let (a, b) = sockets();
        let accept = accept().gate(&gate);
        let accepting = thread::spawn(move || accept.accept_from(b, source, &mut TrustAnyone));
        let alice = connect().connect(a, &mut TrustAnyone);
        let bob = accepting.join().unwrap();
        match place {
            true => assert!(alice.is_ok() && bob.is_ok()),
            false => assert_eq!((protocol(alice), protocol(bob)), (Some(Error::RefusedByPeer(Refusal::Busy)), refused(Refusal::Busy))),
        }
        assert_eq!(gate.in_progress(), 1);
    }
    // Who is not counted has no bound: `accept` asks no gate.
    let (a, b) = sockets();
    let uncounted = accept().gate(&Gate::new(0, 0));
    let accepting = thread::spawn(move || uncounted.accept(b, &mut TrustAnyone).is_ok());
    assert!(connect().connect(a, &mut TrustAnyone).is_ok() && accepting.join().unwrap());
    drop(silent);
    assert_eq!(silent_one.join().unwrap(), Some(Error::Truncated));
    assert_eq!(gate.in_progress(), 0);
}

#[test]
fn what_is_sent_with_the_last_message_is_swallowed_by_the_handshake() {
    // The first record comes in one go with message 3.
    let (mut a, b) = sockets();
    let accepting = thread::spawn(move || accept().accept(b, &mut TrustAnyone).unwrap().recv().unwrap().unwrap());
    let (waiting, hello) = Initiator::new(&ALICE, b"io").send_hello().unwrap();
    a.write_all(&hello).unwrap();
    let mut reply = vec![0; 6528];
    a.read_exact(&mut reply).unwrap();
    let (channel, mut all) = waiting.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
    let (mut sealer, _, _) = channel.into_halves();
    sealer.message(b"at once", &mut all).unwrap();
    a.write_all(&all).unwrap();
    assert_eq!(accepting.join().unwrap(), b"at once");
}
