//! Talk, from its beginning to its end.

use crate::person::{Person, talking, talking_with};
use crate::program::chat;
use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};

#[test]
fn a_text_is_lost_changed_or_drives_the_terminal() {
    let (a, b) = (Person::new(), Person::new());
    let (mut listening, mut calling) = talking(&a, &b);
    calling.type_line("grüße 你好");
    calling.type_line("//send is a command");
    calling.type_line("\u{1b}]0;title\u{7}\u{202e}");
    listening.await_line("title");
    listening.type_line("back");
    calling.await_line(": back");
    calling.type_line("last");
    calling.finish();
    let heard = listening.finish().out;
    let heard: Vec<&str> = heard.lines().map(|line| line.split_once(": ").unwrap().1).collect();
    assert_eq!(heard, ["grüße 你好", "/send is a command", "\\u{1b}]0;title\\u{7}\\u{202e}", "last"]);
}

#[test]
fn the_commands_send_what_was_typed_or_do_nothing() {
    let (a, b) = (Person::new(), Person::new());
    let (mut listening, mut calling) = talking(&a, &b);
    for line in ["/nonsense", "/help", "/info", "/ping", "/rekey", "/cancel", ""] {
        calling.type_line(line);
    }
    for told in [
        "/nonsense is no command",
        "/verify ",
        "suite         level3 (0x0001), rank 1, category 3",
        "made of       X-Wing",
        "is there:",
        "fresh keys now",
        "no file is under way",
    ] {
        calling.await_line(told);
    }
    listening.type_line("/verify");
    listening.await_line("Is it the same?");
    listening.type_line("yes");
    listening.await_line("is remembered as verified");
    calling.type_line("/quit");
    let calling = calling.finish();
    let listening = listening.finish();
    assert_eq!((calling.out.as_str(), listening.out.as_str()), ("", ""));
    assert!(a.known().by_fingerprint(b.print).is_some_and(|entry| entry.met() == twinlock::trust::Met::Verified));
    assert!(b.known().entries().is_empty());
}

#[test]
fn the_safety_number_differs_between_the_two() {
    let (a, b) = (Person::new(), Person::new());
    let (mut listening, mut calling) = talking(&a, &b);
    for program in [&mut listening, &mut calling] {
        program.type_line("/verify");
        program.await_line("Is it the same?");
        program.type_line("no");
        program.await_line("Then somebody may stand between");
    }
    let expected = a.print.safety_number(&b.print).replace(' ', "");
    for program in [calling, listening] {
        let said = program.finish().err;
        let number: String = said.lines().filter(|line| line.starts_with("    ")).collect();
        assert_eq!(number.replace(' ', ""), expected);
    }
    assert!(a.known().entries().is_empty() && b.known().entries().is_empty());
}

#[test]
fn a_script_needs_a_pause_before_its_end() {
    let (a, b) = (Person::new(), Person::new());
    let (listening, address) = a.listen(&b);
    let mut calling = b.call(&a, &address);
    (0..100).for_each(|n| calling.type_line(&n.to_string()));
    calling.finish();
    let heard = listening.finish().out;
    assert!(heard.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).eq((0..100).map(|n| n.to_string())), "{heard}");
}

#[test]
fn a_remembered_peer_is_a_stranger_or_goes_by_another_name() {
    let (a, b) = (Person::new(), Person::new());
    a.knows("Bob", b.print);
    b.knows("Alice Smith", a.print);
    let (listening, address) = a.listen_with(&[]);
    let mut calling = b.start(&["connect", &address, "--name", "Alice Smith"]);
    calling.type_line("hello");
    calling.finish();
    assert_eq!(listening.finish().out, "Bob: hello\n");

    let (_listening, address) = a.listen_with(&[]);
    let elsewhere = b.run(&["connect", &address]);
    assert_eq!(elsewhere.code, Some(4));
    assert!(elsewhere.err.contains("--name 'Alice Smith'"), "{}", elsewhere.err);
}

#[test]
fn a_shared_key_is_not_needed_at_both_ends() {
    let (a, b) = (Person::new(), Person::new());
    let (right, wrong) = (a.path("psk"), b.path("psk"));
    fs::write(&right, format!("{}\n", "0a".repeat(32))).unwrap();
    fs::write(&wrong, "0b".repeat(32)).unwrap();
    let (right, wrong) = (right.to_str().unwrap(), wrong.to_str().unwrap());
    let (prints, printed) = (a.print.to_string(), b.print.to_string());
    let (listening, address) = a.listen_with(&["--peer", &printed, "--psk-file", right]);
    assert_eq!(b.run(&["connect", &address, "--peer", &prints]).code, Some(7));
    assert_eq!(b.run(&["connect", &address, "--peer", &prints, "--psk-file", wrong]).code, Some(7));
    b.start(&["connect", &address, "--peer", &prints, "--psk-file", right]).finish();
    listening.finish();
    let (_listening, address) = a.listen(&b);
    assert_eq!(b.run(&["connect", &address, "--peer", &prints, "--psk-file", right]).code, Some(7));
}

#[test]
fn a_stranger_ends_the_listener_or_gets_in_beside_a_conversation() {
    let (a, b, c) = (Person::new(), Person::new(), Person::new());
    let (mut listening, address) = a.listen(&b);
    TcpStream::connect(&address).unwrap().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    listening.await_line("was not let in");
    assert_eq!(c.call(&a, &address).end().code, Some(4));
    let mut calling = b.call(&a, &address);
    calling.await_line("has accepted you");
    let late = c.call(&a, &address).end();
    assert_eq!(late.code, Some(4));
    assert!(late.err.contains("busy"), "{}", late.err);
    calling.type_line("still here");
    calling.finish();
    assert!(listening.finish().out.ends_with(": still here\n"));
}

#[test]
fn nobody_there_is_another_error() {
    let (a, b) = (Person::new(), Person::new());
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let called = a.call(&b, &free).end();
    assert_eq!(called.code, Some(3), "{}", called.err);
    assert_eq!(a.call(&b, "no-such-host.invalid").end().code, Some(3));
}

#[test]
fn a_cut_cable_passes_for_a_goodbye() {
    let (a, b) = (Person::new(), Person::new());
    let (listening, mut calling) = talking_with(&a, &b, &["--reconnect", "0"]);
    calling.kill();
    let ended = listening.end();
    assert_eq!(ended.code, Some(8), "{}", ended.err);
    let (mut listening, calling) = talking_with(&a, &b, &["--reconnect", "0"]);
    listening.kill();
    assert_eq!(calling.end().code, Some(8));
}

#[test]
fn the_trace_hides_frames() {
    let (a, b) = (Person::new(), Person::new());
    let (listening, address) = a.listen(&b);
    let mut calling = b.start(&["connect", &address, "--peer", &a.print.to_string(), "--trace"]);
    calling.type_line("x");
    let traced = calling.finish().err;
    for line in [
        "-> handshake message 1, 1224 bytes",
        "<- handshake message 2, 6528 bytes",
        "-> handshake message 3, 5407 bytes",
        "-> End, 38 bytes",
        "-> End, 50 bytes",
        "-> End, 31 bytes",
        "-> Close, 23 bytes",
        "<- Close, 23 bytes",
    ] {
        assert!(traced.contains(line), "{line} in\n{traced}");
    }
    listening.finish();
}

#[test]
fn a_step_of_the_demo_goes_wrong() {
    let demo = crate::program::Program::start(chat().arg("demo")).finish();
    assert!(demo.out.contains("All as it should be"), "{}", demo.out);
    assert!(demo.out.matches('✓').count() >= 15 && !demo.out.contains('✗'), "{}", demo.out);
}

#[test]
fn a_wrong_command_line_is_taken() {
    let a = Person::new();
    assert_eq!(a.run(&["connect"]).code, Some(2));
    assert_eq!(a.run(&["connect", "x", "--peer", "tl1wrong"]).code, Some(2));
    assert!(a.run(&["--help"]).out.contains("Exit codes:"));
}
