//! Conversations in two threads, and conversations that last.

use crate::people::{ACQUAINTED, ALL, DAY, Noted, Person, acquainted, call, exchange, part};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;
use twinlock::acquaintances::Taken;
use twinlock::handshake::Pattern;

#[test]
fn who_reads_and_writes_in_two_threads_stays_a_stranger() {
    let (alice, bob) = (Person::alice(), Person::bob());
    let (a, b) = call(&alice.calling(&bob, &ALL), &bob.listening(), &alice, &bob).pair();
    let ends = [a, b].map(|stream| {
        let (mut reader, mut writer) = stream.split().unwrap();
        assert_eq!((reader.pattern(), writer.pattern()), (Some(Pattern::Xx), Some(Pattern::Xx)));
        let (due, answers) = channel();
        reader.on_answer_due(move || due.send(()).unwrap());
        let (said, say) = channel::<Option<Vec<u8>>>();
        let writing = thread::spawn(move || {
            loop {
                match say.recv_timeout(Duration::from_millis(5)) {
                    Ok(Some(message)) => writer.send(&message).unwrap(),
                    Ok(None) => return writer.finish().unwrap(),
                    Err(RecvTimeoutError::Timeout) => {
                        if answers.try_recv().is_ok() {
                            writer.flush().unwrap();
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        let (tell, heard) = channel();
        let reading = thread::spawn(move || {
            while let Some(message) = reader.recv().unwrap() {
                tell.send(message).unwrap();
            }
        });
        (said, heard, writing, reading)
    });
    for (speaker, listener) in [(0, 1), (1, 0), (0, 1)] {
        ends[speaker].0.send(Some(b"hello".to_vec())).unwrap();
        assert_eq!(ends[listener].1.recv_timeout(Duration::from_secs(20)).unwrap(), b"hello");
    }
    // Both have the other's word that the bundle came.
    for _ in 0..2_000 {
        let told = |person: &Person| person.notes.lock().unwrap().contains(&Noted::Delivered);
        if told(&alice) && told(&bob) {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    for (said, ..) in &ends {
        said.send(None).unwrap();
    }
    for (.., writing, reading) in ends {
        writing.join().unwrap();
        reading.join().unwrap();
    }
    for person in [&alice, &bob] {
        let noted = person.noted();
        assert!(noted.contains(&Noted::Delivered) && noted.contains(&Noted::Bundle(Taken::First)), "{noted:?}");
    }
    assert_eq!(call(&bob.calling(&alice, &ACQUAINTED), &alice.listening(), &bob, &alice).talk(), Pattern::Ik);
}

/// A static key that is due while a conversation lasts is renewed then, and its bundle goes out.
#[test]
fn a_conversation_that_lasts_ends_as_one_of_strangers() {
    let (alice, bob) = acquainted();
    let (mut a, mut b) = call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).pair();
    for _ in 0..10 {
        exchange(&mut a, &mut b);
    }
    // What was delivered is not sent again.
    assert!(!bob.noted().iter().chain(&alice.noted()).any(|noted| matches!(noted, Noted::Bundle(_))));
    let before = a.sent();
    for _ in 0..5 {
        alice.later(28 * DAY);
        bob.later(28 * DAY);
        exchange(&mut a, &mut b);
        exchange(&mut a, &mut b);
        // The second ping of its own has a number that does not mark it, so an offer's answer tells.
        a.rekey().unwrap();
        exchange(&mut a, &mut b);
        b.rekey().unwrap();
        exchange(&mut a, &mut b);
        exchange(&mut a, &mut b);
        for person in [&alice, &bob] {
            let noted = person.noted();
            assert!(noted.contains(&Noted::Bundle(Taken::Newer)) && noted.contains(&Noted::Delivered), "{noted:?}");
        }
    }
    // Once each time.
    assert!(a.sent().bytes - before.bytes < 5 * 10_000, "{:?}", a.sent());
    part(a, b);
    assert_eq!(call(&alice.calling(&bob, &ACQUAINTED), &bob.listening(), &alice, &bob).talk(), Pattern::Ik);
}
