//! What an observer is told agrees with the wire.

use crate::pipe::{Pipe, pipe};
use crate::{ALICE, BOB, content};
use std::sync::{Arc, Mutex};
use std::thread;
use twinlock::channel::RecordType::{self, Abort, Close, Data, End, KeyUpdate, Ping, Rekey, RekeyOffer};
use twinlock::io::FrameKind::{Handshake, Record, Refusal};
use twinlock::io::{Accept, Connect, Error, Frame, FrameKind, Observer, Stream};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Identity, Pinned, Trust};

type Seen = Arc<Mutex<Vec<Frame>>>;

fn observer() -> (Observer, Seen) {
    let seen = Seen::default();
    let sees = Arc::clone(&seen);
    (Arc::new(move |frame| sees.lock().unwrap().push(frame)), seen)
}

/// Frames of one direction, as the end saw them that sent them or not.
fn direction(seen: &Seen, sent: bool) -> Vec<(FrameKind, usize)> {
    seen.lock().unwrap().iter().filter(|frame| frame.sent == sent).map(|frame| (frame.kind, frame.bytes)).collect()
}

fn sum(frames: &[(FrameKind, usize)]) -> u64 {
    frames.iter().map(|(_, bytes)| *bytes as u64).sum()
}

type Opened = Result<Stream<Pipe>, Error>;

/// A handshake, then `talk`; both observers and the wire agree, and these were the kinds.
fn watched(
    connect: Connect,
    accept: Accept,
    (mut alices, mut bobs): (impl Trust, impl Trust + Send + 'static),
    talk: impl FnOnce(&mut Opened, &mut Opened),
) -> (Vec<FrameKind>, Vec<FrameKind>) {
    let ((alice_observer, alice_saw), (bob_observer, bob_saw)) = (observer(), observer());
    let (a, b) = pipe();
    let (a_control, b_control) = (a.controls(), b.controls());
    let accepting = thread::spawn(move || accept.observe(&bob_observer).accept(b, &mut bobs));
    let mut alice = connect.observe(&alice_observer).connect(a, &mut alices);
    let mut bob = accepting.join().unwrap();
    talk(&mut alice, &mut bob);
    let (there, back) = (direction(&alice_saw, true), direction(&bob_saw, true));
    assert_eq!(there, direction(&bob_saw, false));
    assert_eq!(back, direction(&alice_saw, false));
    assert_eq!((sum(&there), sum(&back)), (a_control.written(), b_control.written()));
    if let (Ok(alice), Ok(bob)) = (alice, bob) {
        for (frames, sent, received) in [(&there, alice.sent(), bob.received()), (&back, bob.sent(), alice.received())] {
            let records: Vec<_> = frames.iter().copied().filter(|(kind, _)| matches!(kind, Record(_))).collect();
            assert_eq!(sent, received);
            assert_eq!((sent.records, sent.bytes), (records.len() as u64, sum(&records)));
            let count = |wanted: RecordType| records.iter().filter(|(kind, _)| *kind == Record(wanted)).count() as u64;
            assert_eq!((sent.rekeys, sent.key_updates), (count(Rekey), count(KeyUpdate)));
        }
    }
    let kinds = |frames: Vec<(FrameKind, usize)>| frames.into_iter().map(|(kind, _)| kind).collect();
    (kinds(there), kinds(back))
}

#[test]
fn a_frame_is_hidden_from_an_observer() {
    let trust = (Pinned(BOB.fingerprint()), Pinned(ALICE.fingerprint()));
    let (there, back) = watched(Connect::new(&ALICE, b"io"), Accept::new(&BOB, b"io"), trust, |alice, bob| {
        let (alice, bob) = (alice.as_mut().unwrap(), bob.as_mut().unwrap());
        alice.send(&content(20_000, 1)).unwrap();
        alice.rekey().unwrap();
        alice.ping(1).unwrap();
        alice.key_update().unwrap();
        let mut writer = alice.message_writer().unwrap();
        writer.put(&content(20_000, 1)).unwrap();
        writer.abort().unwrap();
        bob.recv().unwrap();
        assert!(bob.recv().is_err());
        bob.send(b"x").unwrap();
        alice.recv().unwrap();
        alice.finish().unwrap();
        bob.finish().unwrap();
        assert!(alice.recv().unwrap().is_none() && bob.recv().unwrap().is_none());
    });
    let records = |kinds: &[RecordType]| -> Vec<FrameKind> { kinds.iter().copied().map(Record).collect() };
    assert_eq!(there[..2], [Handshake(1), Handshake(3)]);
    assert_eq!(there[2..], records(&[Data, End, RekeyOffer, Ping, KeyUpdate, Data, Abort, Close]));
    assert_eq!(back[..1], [Handshake(2)]);
    assert_eq!(back[1..], records(&[Rekey, Ping, End, Close]));
}

#[test]
fn a_refusal_is_hidden_from_an_observer() {
    let (there, back) = watched(Connect::anonymous(b"io"), Accept::new(&BOB, b"io"), (TrustAnyone, TrustAnyone), |alice, bob| {
        assert!(alice.is_err() && bob.is_err());
    });
    assert_eq!((there, back), (vec![Handshake(1)], vec![Refusal]));
    let stranger = Identity::generate().unwrap();
    let trust = (TrustAnyone, Pinned(ALICE.fingerprint()));
    let (there, back) = watched(Connect::new(&stranger, b"io"), Accept::new(&BOB, b"io"), trust, |alice, bob| {
        assert!(alice.as_mut().unwrap().recv().is_err() && bob.is_err());
    });
    assert_eq!((there, back), (vec![Handshake(1), Handshake(3)], vec![Handshake(2), Record(Close)]));
    let trust = (Pinned(ALICE.fingerprint()), TrustAnyone);
    let (there, back) = watched(Connect::new(&ALICE, b"io"), Accept::new(&BOB, b"io"), trust, |alice, bob| {
        assert!(alice.is_err() && bob.is_err());
    });
    assert_eq!((there, back), (vec![Handshake(1)], vec![Handshake(2)]));
}

#[test]
fn an_observer_set_late_sees_the_past() {
    let (mut alice, mut bob) = crate::pair();
    alice.send(b"before").unwrap();
    let (observer, seen) = observer();
    alice.observe(&observer);
    alice.send(b"after").unwrap();
    bob.recv().unwrap();
    bob.send(b"").unwrap();
    alice.recv().unwrap();
    let end = |sent, bytes| Frame { sent, kind: Record(End), bytes };
    assert_eq!(*seen.lock().unwrap(), [end(true, 26), end(false, 21)]);
    assert_eq!((alice.sent().records, alice.received().records), (2, 1));
    assert_eq!(Record(End).to_string(), "End");
}
