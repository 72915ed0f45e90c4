//! The chat program, driven through pipes: what it says, what it stores, and how it ends.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, clippy::panic, unreachable_pub, missing_docs, dead_code)]

#[path = "support/program.rs"]
mod program;

use program::{Running, chat};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use tempfile::TempDir;

/// One person's home folder, with an identity.
struct Person {
    home: TempDir,
    print: String,
}

impl Person {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let said = Running::start(Command::new(chat()).arg("--home").arg(home.path()).args(["keygen", "--no-passphrase"])).finish();
        let print = said.split_whitespace().find(|word| word.starts_with("tl1")).unwrap().to_owned();
        Self { home, print }
    }

    fn run(&self, arguments: &[&str]) -> Running {
        Running::start(Command::new(chat()).env_remove("TWINLOCK_CHAT_PASSPHRASE").arg("--home").arg(self.home.path()).args(arguments))
    }

    /// Listens for one conversation with this peer, and says where.
    fn listen(&self, peer: &str) -> (Running, String) {
        let mut listening = self.run(&["listen", "127.0.0.1:0", "--peer", peer]);
        let line = listening.await_line("listening on ");
        let port = line.rsplit(':').next().unwrap().trim();
        (listening, format!("127.0.0.1:{port}"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

#[test]
fn what_one_types_the_other_does_not_read() {
    let (alice, bob) = (Person::new(), Person::new());
    fs::write(alice.path("photo"), vec![9; 300_000]).unwrap();
    let (mut listening, address) = bob.listen(&alice.print);
    let mut calling = alice.run(&["connect", &address, "--peer", &bob.print]);
    calling.type_line("hello \u{1b}[2J bob");
    let line = listening.await_line("hello ");
    assert!(!line.contains('\u{1b}'), "the peer's text drives the terminal: {line:?}");
    listening.type_line("hello alice");
    calling.await_line("hello alice");
    calling.type_line("/rekey");
    calling.type_line("/info");
    calling.await_line("X-Wing");
    calling.type_line(&format!("/send {}", alice.path("photo").display()));
    calling.await_line("landed");
    calling.type_line("/quit");
    calling.finish();
    listening.finish();
    assert_eq!(fs::read(bob.path("files/photo")).unwrap(), fs::read(alice.path("photo")).unwrap());
}

#[test]
fn a_stranger_is_talked_with_when_nobody_can_be_asked() {
    let (alice, bob) = (Person::new(), Person::new());
    let (_listening, address) = bob.listen(&alice.print);
    let (code, said) = alice.run(&["connect", &address]).end();
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("--peer"), "it does not say what to do: {said}");
}

#[test]
fn somebody_else_than_the_pinned_peer_is_talked_with() {
    let (alice, bob, mallory) = (Person::new(), Person::new(), Person::new());
    let (_listening, address) = mallory.listen(&alice.print);
    let (code, said) = alice.run(&["connect", &address, "--peer", &bob.print]).end();
    assert_eq!(code, Some(4), "{said}");
}

#[test]
fn a_changed_key_is_taken() {
    let (alice, bob, other) = (Person::new(), Person::new(), Person::new());
    let header = "twinlock-known-peers 1\n";
    fs::write(alice.path("known_peers"), format!("{header}{} 0x0001 1767312000 verified bob\n", bob.print)).unwrap();
    let (_listening, address) = other.listen(&alice.print);
    let (code, said) = alice.run(&["connect", &address, "--name", "bob"]).end();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains(&bob.print) && said.contains(&other.print), "both keys should be shown: {said}");
    // A person who has checked accepts it, and it is no longer verified.
    alice.run(&["peers", "accept", "bob", &other.print, "--yes"]).finish();
    let listed = alice.run(&["peers", "list"]).finish();
    assert!(listed.contains(&other.print) && !listed.contains("verified"), "{listed}");
}

#[test]
fn an_empty_address_hangs() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (alice, bob) = (Person::new(), Person::new());
    let (code, said) = alice.run(&["connect", &free.to_string(), "--peer", &bob.print]).end();
    assert_eq!(code, Some(3), "{said}");
}

#[test]
fn a_wrong_or_missing_passphrase_is_not_told_from_another_mistake() {
    let home = tempfile::tempdir().unwrap();
    let run = |passphrase: Option<&str>, arguments: &[&str]| {
        let mut command = Command::new(chat());
        command.arg("--home").arg(home.path()).args(arguments).env_remove("TWINLOCK_CHAT_PASSPHRASE");
        if let Some(text) = passphrase {
            command.env("TWINLOCK_CHAT_PASSPHRASE", text);
        }
        Running::start(&mut command)
    };
    run(Some("a long one"), &["keygen"]).finish();
    let address = ["connect", "127.0.0.1:9", "--peer", "tl1057yf3mdspunnnh7glp7uk80wen5qr50reclv5tv8t33j6fug3us2ynnpr"];
    assert_eq!(run(Some("another"), &address).end().0, Some(6));
    assert_eq!(run(None, &address).end().0, Some(6));
    // An identity is never written over.
    let (code, said) = run(Some("a long one"), &["keygen"]).end();
    assert_eq!(code, Some(9), "{said}");
}

#[test]
fn a_program_that_speaks_something_else_is_talked_with() {
    let (alice, bob) = (Person::new(), Person::new());
    for answer in [b"\x00\x01\x01".as_slice(), b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap().to_string();
        let serving = thread::spawn(move || {
            let mut socket = server.accept().unwrap().0;
            socket.read_exact(&mut [0; 1224]).unwrap();
            socket.write_all(answer).unwrap();
        });
        let (code, said) = alice.run(&["connect", &address, "--peer", &bob.print]).end();
        assert_eq!(code, Some(7), "{said}");
        serving.join().unwrap();
    }
}

#[test]
fn a_cut_cable_looks_like_a_goodbye() {
    let (alice, bob) = (Person::new(), Person::new());
    let (mut listening, address) = bob.listen(&alice.print);
    let mut calling = alice.run(&["connect", &address, "--peer", &bob.print]);
    calling.type_line("hello");
    listening.await_line("hello");
    listening.kill();
    let (code, said) = calling.end();
    assert_eq!(code, Some(8), "{said}");
}

#[test]
fn the_demo_shows_less_than_it_says() {
    let said = Running::start(Command::new(chat()).arg("demo")).finish();
    for part in ["Alice", "safety number", "landed whole", "Mallory", "forged", "cut"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
