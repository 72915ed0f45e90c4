//! Two threads, one conversation; and who answers when nobody reads.

use crate::pipe::{ReadEnd, WriteEnd, pipe_with_room};
use crate::{content, controls, pair, pair_over, protocol, same, tcp_pair, within};
use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use twinlock::channel::Policy;
use twinlock::io::{Reader, Split, Stream, Transport, Writer};
use twinlock::{Channel, Error};

const LIMIT: Duration = Duration::from_secs(60);

/// Without optimisation the ciphers take a second for some 3 MB.
const MUCH: usize = if cfg!(debug_assertions) { 2 << 20 } else { 8 << 20 };

/// So small that keys are renewed all the time.
const RESTLESS: Policy = Policy {
    update_records: 8,
    update_bytes: 200_000,
    offer_bytes: 50_000,
    offer_every: Duration::from_secs(3600),
    unanswered_bytes: 1 << 30,
};

/// Messages of very different lengths, `total` bytes in all at the least.
fn lengths(total: usize) -> impl Iterator<Item = usize> + Clone {
    let sizes = [0, 1, 100, 16_384, 70_000, 3, 500_000, 16_385];
    sizes.into_iter().cycle().scan(0, move |sum, size| {
        let go_on = *sum < total;
        *sum += size;
        go_on.then_some(size)
    })
}

#[test]
fn halves_cannot_move_to_threads() {
    fn moves<T: Send + 'static>() {}
    moves::<(Reader<TcpStream>, Writer<TcpStream>)>();
    moves::<(Reader<ReadEnd>, Writer<WriteEnd>)>();
    moves::<(Stream<TcpStream>, Channel)>();
}

/// Both directions at once, rekeying in both; all that was said arrives.
fn talk<T: Split>((mut alice, mut bob): (Stream<T>, Stream<T>), total: usize)
where
    T::Reader: Send + 'static,
    T::Writer: Send + 'static,
{
    alice.set_policy(RESTLESS);
    bob.set_policy(RESTLESS);
    let sides = [(alice.split().unwrap(), 1, 2), (bob.split().unwrap(), 2, 1)];
    let threads = sides.map(|((mut reader, mut writer), mine, its)| {
        let writing = thread::spawn(move || {
            for (i, size) in lengths(total).enumerate() {
                // Both halves of both sides make offers; no more than one at a time goes out.
                if i % 3 == 0 {
                    writer.rekey().unwrap();
                }
                writer.send(&content(size, mine)).unwrap();
            }
            writer.finish().unwrap();
            writer.sent()
        });
        let reading = thread::spawn(move || {
            let mut message = Vec::new();
            for size in lengths(total) {
                assert!(reader.recv_into(&mut message).unwrap());
                same(&message, &content(size, its));
            }
            assert!(reader.recv().unwrap().is_none());
            reader.received()
        });
        (writing, reading)
    });
    let [a, b] = threads.map(|(writing, reading)| (writing.join().unwrap(), reading.join().unwrap()));
    assert_eq!((a.0, b.0), (b.1, a.1));
    for sent in [a.0, b.0] {
        assert!(sent.rekeys >= 1 && sent.key_updates >= 1, "{sent:?}");
    }
}

#[test]
fn both_directions_at_once_wait_for_each_other() {
    within(LIMIT, || talk(tcp_pair(), MUCH));
}

#[test]
fn both_directions_wait_for_each_other_where_there_is_no_room() {
    within(LIMIT, || talk(pair_over(pipe_with_room(1000)), MUCH / 2));
}

#[test]
fn few_bytes_at_once_stop_two_threads() {
    let (a, b) = pipe_with_room(5000);
    a.controls().at_once(700);
    b.controls().at_once(333);
    within(LIMIT, || talk(pair_over((a, b)), MUCH / 2));
}

#[test]
fn what_the_peer_asks_for_waits_for_a_message_that_never_comes() {
    let (mut alice, bob) = pair();
    let (mut reader, mut writer) = bob.split().unwrap();
    let (due, told) = channel();
    reader.on_answer_due(move || due.send(()).unwrap());
    let flushing = thread::spawn(move || {
        // Until the reader is gone.
        while told.recv().is_ok() {
            writer.flush().unwrap();
        }
        writer.sent()
    });
    let reading = thread::spawn(move || assert!(reader.recv().unwrap().is_none()));
    within(LIMIT, move || {
        let bob_control = controls(&alice);
        for number in 1..=3 {
            alice.rekey().unwrap();
            alice.ping(number).unwrap();
            // Nothing but the answers comes, so a receive waits on after them.
            bob_control.impatient();
            while (alice.received().rekeys, alice.pong()) != (number.into(), Some(number)) {
                assert!(alice.recv().is_err());
                thread::sleep(Duration::from_millis(1));
            }
        }
        alice.finish().unwrap();
    });
    reading.join().unwrap();
    let sent = flushing.join().unwrap();
    assert_eq!((sent.rekeys, sent.records), (3, 6));
}

#[test]
fn what_the_peer_asks_for_is_not_sent_with_the_next_message() {
    let (mut alice, bob) = pair();
    let (mut reader, mut writer) = bob.split().unwrap();
    alice.rekey().unwrap();
    alice.ping(1).unwrap();
    alice.ping(2).unwrap();
    alice.send(b"x").unwrap();
    assert_eq!(reader.recv().unwrap().unwrap(), b"x");
    assert_eq!(writer.sent().records, 0, "a reader writes nothing");
    writer.send(b"y").unwrap();
    assert_eq!(alice.recv().unwrap().unwrap(), b"y");
    // Of several pings only the newest is answered.
    assert_eq!((alice.received().rekeys, alice.pong(), writer.sent().records), (1, Some(2), 3));
    writer.ping(9).unwrap();
    writer.key_update().unwrap();
    writer.send(b"z").unwrap();
    assert_eq!(alice.recv().unwrap().unwrap(), b"z");
    alice.send(b"").unwrap();
    reader.recv().unwrap();
    assert_eq!((reader.pong(), alice.received().key_updates), (Some(9), 1));
    assert!(reader.peer().identity().is_none() && writer.peer() == reader.peer());
}

#[test]
fn an_offer_of_a_reader_is_never_sent() {
    let (mut alice, bob) = pair();
    let (mut reader, mut writer) = bob.split().unwrap();
    reader.rekey().unwrap();
    reader.rekey().unwrap();
    writer.flush().unwrap();
    writer.flush().unwrap();
    assert_eq!(writer.sent().records, 1);
    alice.send(b"looks").unwrap();
    assert_eq!(reader.recv().unwrap().unwrap(), b"looks");
    assert_eq!((alice.sent().rekeys, reader.received().rekeys), (1, 1));
    // After either close nothing more is offered.
    writer.finish().unwrap();
    reader.rekey().unwrap();
    writer.flush().unwrap();
    assert_eq!(writer.sent().records, 2);
    assert!(alice.recv().unwrap().is_none());
    alice.finish().unwrap();
    assert!(reader.recv().unwrap().is_none());
}

#[test]
fn an_offer_of_a_writer_is_not_known_to_its_reader() {
    let (mut alice, bob) = pair();
    let (mut reader, mut writer) = bob.split().unwrap();
    for round in 1..=3 {
        writer.rekey().unwrap();
        // One is open: neither half makes another.
        writer.rekey().unwrap();
        reader.rekey().unwrap();
        writer.flush().unwrap();
        assert_eq!(writer.sent().records, round);
        alice.send(b"looks").unwrap();
        assert_eq!(reader.recv().unwrap().unwrap(), b"looks");
        assert_eq!((alice.sent().rekeys, reader.received().rekeys), (round, round));
    }
    // Its answer comes after this side's close too; a new one is not made then.
    writer.rekey().unwrap();
    writer.finish().unwrap();
    writer.rekey().unwrap();
    alice.send(b"looks").unwrap();
    assert_eq!(reader.recv().unwrap().unwrap(), b"looks");
    assert_eq!((reader.received().rekeys, writer.sent().records), (4, 5));
    alice.finish().unwrap();
    assert!(reader.recv().unwrap().is_none());
}

#[test]
fn a_writer_that_waits_stops_its_reader() {
    // Its transport takes nothing, and the peer's offers and pings want answers.
    let (a, b) = pipe_with_room(100_000);
    let (mut alice, bob) = pair_over((a, b));
    let (mut reader, mut writer) = bob.split().unwrap();
    let writing = thread::spawn(move || writer.send(&content(300_000, 1)).is_ok());
    within(LIMIT, move || {
        alice.rekey().unwrap();
        for i in 0..10 {
            alice.ping(i).unwrap();
        }
        alice.key_update().unwrap();
        controls(&alice).looks(false);
        alice.send(b"through").unwrap();
        assert_eq!(reader.recv().unwrap().unwrap(), b"through");
        assert_eq!(alice.recv().unwrap().unwrap().len(), 300_000);
    });
    assert!(writing.join().unwrap());
}

/// Whoever only sends still answers: it looks now and then.
fn only_sends<T: Transport + Send + 'static>((mut alice, mut bob): (Stream<T>, Stream<T>), send: fn(&mut Stream<T>)) {
    within(LIMIT, move || {
        bob.set_policy(Policy { offer_bytes: 300_000, ..Policy::default() });
        let receiving = thread::spawn(move || {
            while let Some(mut reader) = bob.recv_reader().unwrap() {
                std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
            }
            bob.received().rekeys
        });
        while alice.sent().rekeys < 3 {
            send(&mut alice);
        }
        alice.finish().unwrap();
        assert!(receiving.join().unwrap() >= 3);
    });
}

#[test]
fn who_only_sends_never_answers() {
    only_sends(tcp_pair(), |stream| stream.send(&[1; 5000]).unwrap());
    only_sends(pair_over(pipe_with_room(100_000)), |stream| stream.send(&[1; 5000]).unwrap());
}

#[cfg(unix)]
#[test]
fn who_only_sends_over_a_unix_socket_never_answers() {
    let (a, b) = std::os::unix::net::UnixStream::pair().unwrap();
    let (alice, bob) = crate::channels();
    only_sends((Stream::new(a, alice), Stream::new(b, bob)), |stream| stream.send(&[1; 5000]).unwrap());
}

#[test]
fn who_sends_one_long_message_never_answers() {
    for part in [1000, 1_000_000] {
        within(LIMIT, move || {
            // With little room who sends is never far ahead of who reads and makes the offers.
            let (mut alice, mut bob) = pair_over(pipe_with_room(1 << 16));
            bob.set_policy(Policy { offer_bytes: 300_000, ..Policy::default() });
            let receiving = thread::spawn(move || {
                std::io::copy(&mut bob.recv_reader().unwrap().unwrap(), &mut std::io::sink()).unwrap();
                assert!(bob.recv().unwrap().is_none());
                bob.received().rekeys
            });
            let mut writer = alice.message_writer().unwrap();
            for part in content(MUCH, 1).chunks(part) {
                writer.write_all(part).unwrap();
            }
            writer.finish().unwrap();
            alice.finish().unwrap();
            assert!(alice.sent().rekeys >= 2);
            assert_eq!(receiving.join().unwrap(), alice.sent().rekeys);
        });
    }
}

#[test]
fn a_sender_waits_for_the_rest_of_a_frame() {
    let (mut alice, mut bob) = pair();
    let control = controls(&alice);
    bob.rekey().unwrap();
    for at in [1, 2, 3, 1000] {
        let mut rest = None;
        control.tamper(|bytes| rest = Some(bytes.split_off(at)));
        let (sent, stream) = within(Duration::from_secs(5), move || (alice.send(b"x"), alice));
        sent.unwrap();
        alice = stream;
        assert_eq!(alice.sent().rekeys, 0);
        control.tamper(|bytes| bytes.extend(rest.unwrap()));
    }
    alice.send(b"y").unwrap();
    assert_eq!(alice.sent().rekeys, 1);
    for message in [b"x", b"x", b"x", b"x", b"y"] {
        assert_eq!(bob.recv().unwrap().unwrap(), message);
    }
}

#[test]
fn a_sender_takes_a_message_that_is_not_for_it() {
    // It looks as far as the next piece, which stays for who receives.
    let (mut alice, mut bob) = pair();
    bob.send(&content(20_000, 1)).unwrap();
    bob.rekey().unwrap();
    alice.send(b"x").unwrap();
    alice.send(b"y").unwrap();
    assert_eq!(alice.sent().rekeys, 0);
    same(&alice.recv().unwrap().unwrap(), &content(20_000, 1));
    alice.send(b"z").unwrap();
    assert_eq!(alice.sent().rekeys, 1);
}

#[test]
fn a_peer_sends_for_ever_under_its_old_keys() {
    let (mut alice, mut bob) = pair();
    controls(&alice).looks(false);
    bob.set_policy(Policy { offer_bytes: 1000, unanswered_bytes: 10_000, ..Policy::default() });
    let mut heard = 0;
    let error = loop {
        alice.send(&[1; 500]).unwrap();
        match bob.recv() {
            Ok(message) => heard += message.unwrap().len(),
            error => break protocol(error),
        }
    };
    assert_eq!(error, Some(Error::Unrenewed));
    assert!((10_000..13_000).contains(&heard), "{heard}");
}

#[test]
fn offers_go_on_after_a_policy_of_time() {
    let (mut alice, mut bob) = pair();
    bob.set_policy(Policy { offer_every: Duration::ZERO, ..Policy::default() });
    for round in 1..=3 {
        alice.send(b"x").unwrap();
        bob.recv().unwrap();
        alice.send(b"looks").unwrap();
        bob.recv().unwrap();
        assert!(bob.received().rekeys >= round);
    }
}
