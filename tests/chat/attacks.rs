//! Others than the right one, and others than a chat.

use crate::person::{Person, talking_with};
use crate::wire::PROLOGUE;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use twinlock::{Pinned, connect};

#[test]
fn a_stranger_is_taken_where_nobody_can_be_asked() {
    let (a, b) = (Person::new(), Person::new());
    let (mut listening, address) = a.listen_with(&[]);
    let calling = b.run(&["connect", &address]);
    assert_eq!(calling.code, Some(4));
    assert!(calling.err.contains(&format!("--peer {}", a.print)), "{}", calling.err);
    listening.await_line("was not let in");
    let calling = b.call(&a, &address).end();
    assert_eq!(calling.code, Some(4), "{}", calling.err);
    listening.await_line(&format!("--peer {}", b.print));
    assert!(a.known().entries().is_empty() && b.known().entries().is_empty());
}

#[test]
fn an_impostor_is_talked_with() {
    let (a, b, mallory) = (Person::new(), Person::new(), Person::new());
    let (_listening, address) = mallory.listen(&b);
    let calling = b.call(&a, &address).end();
    assert_eq!(calling.code, Some(4));
    assert!(calling.err.contains(&a.print.to_string()) && calling.err.contains(&mallory.print.to_string()), "{}", calling.err);
}

#[test]
fn a_changed_key_is_taken_before_a_person_said_so() {
    let (a, b, new) = (Person::new(), Person::new(), Person::new());
    b.knows("Alice", a.print);
    let (listening, address) = new.listen(&b);
    let calling = b.run(&["connect", &address, "--name", "Alice"]);
    assert_eq!(calling.code, Some(5), "{}", calling.err);
    let command = format!("chat peers accept Alice {}", new.print);
    assert!(calling.err.contains(&command) && calling.err.contains(&a.print.to_string()), "{}", calling.err);
    assert_eq!(b.run(&["peers", "accept", "Alice", &new.print.to_string(), "--yes"]).code, Some(0));
    b.start(&["connect", &address, "--name", "Alice"]).finish();
    listening.finish();

    let (mut listening, address) = b.listen_with(&["--name", "Alice"]);
    assert_eq!(a.call(&b, &address).end().code, Some(4));
    listening.await_line("THE KEY OF Alice HAS CHANGED");
}

#[test]
fn somebody_who_is_no_twinlock_chat_is_waited_for() {
    let (a, b) = (Person::new(), Person::new());
    for answer in [&b"SSH-2.0-OpenSSH_10.0\r\n"[..], b"\x00\x01\x01", b"\x00\x01\x02", b""] {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap().to_string();
        let serving = thread::spawn(move || {
            let (mut socket, _) = server.accept().unwrap();
            socket.read_exact(&mut [0; 1224]).unwrap();
            socket.write_all(answer).unwrap();
        });
        let calling = a.call(&b, &address).end();
        assert_eq!(calling.code, Some(7), "{answer:?}: {}", calling.err);
        serving.join().unwrap();
    }
}

#[test]
fn a_forged_record_is_shown() {
    let (a, b) = (Person::new(), Person::new());
    let (listening, address) = a.listen(&b);
    let socket = TcpStream::connect(&address).unwrap();
    let mut tap = socket.try_clone().unwrap();
    let _stream = connect(socket, PROLOGUE, &b.identity(), &mut Pinned(a.print)).unwrap();
    tap.write_all(&[&[0, 30][..], &[7; 30]].concat()).unwrap();
    let ended = listening.end();
    assert_eq!((ended.code, ended.out.as_str()), (Some(10), ""), "{}", ended.err);
}

#[test]
fn a_peer_that_vanishes_in_a_file_leaves_a_part_of_it() {
    let (a, b) = (Person::new(), Person::new());
    let (mut listening, mut calling) = talking_with(&a, &b, &["--reconnect", "0"]);
    calling.type_line(&format!("/send {}", b.file("large", 50_000_000).display()));
    listening.await_line("receiving large");
    calling.kill();
    assert_eq!(listening.end().code, Some(8));
    assert_eq!(std::fs::read_dir(a.path("files")).unwrap().count(), 0);
}
