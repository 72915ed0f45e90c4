//! The rules of docs/chat.md for a conversation that goes on over another connection, held against a peer that speaks by hand.

use crate::person::Person;
use crate::program::Program;
use crate::rules::RUN;
use crate::wire::{Message, PROLOGUE};
use std::fs;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;
use twinlock::channel::CloseCode;
use twinlock::{Pinned, Stream, connect};

/// Somebody who speaks by hand with a listening chat, and comes back after cuts.
struct Again {
    home: Person,
    hand: Person,
    chat: Program,
    address: String,
    stream: Stream<TcpStream>,
}

/// What the chat said at the beginning of a connection: its run, and what of ours it had.
struct Begun {
    run: [u8; 16],
    texts: u64,
    files: u32,
}

fn dial(home: &Person, hand: &Person, address: &str) -> Stream<TcpStream> {
    let stream = connect(TcpStream::connect(address).unwrap(), PROLOGUE, &hand.identity(), &mut Pinned(home.print)).unwrap();
    stream.transport().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

impl Again {
    /// They have begun, and neither has said anything.
    fn new() -> Self {
        let (home, hand) = (Person::new(), Person::new());
        let (chat, address) = home.listen(&hand);
        let stream = dial(&home, &hand, &address);
        let mut again = Self { home, hand, chat, address, stream };
        let begun = again.begin(RUN);
        assert_eq!((begun.texts, begun.files), (0, 0));
        again.say(Message::Had { run: begun.run, texts: 0, files: 0 });
        again
    }

    fn cut(&mut self) {
        self.stream.transport().shutdown(Shutdown::Both).unwrap();
        self.stream = dial(&self.home, &self.hand, &self.address);
    }

    /// Up to the chat's `Had`.
    fn begin(&mut self, run: [u8; 16]) -> Begun {
        self.say(Message::Ready { run });
        let ready = self.stream.recv().unwrap().unwrap();
        let Ok(Message::Ready { run: theirs }) = Message::decode(&ready) else { panic!("{ready:?}") };
        let had = self.stream.recv().unwrap().unwrap();
        let Ok(Message::Had { run: ours, texts, files }) = Message::decode(&had) else { panic!("{had:?}") };
        assert_eq!(ours, run);
        Begun { run: theirs, texts, files }
    }

    fn say(&mut self, message: Message<'_>) {
        self.stream.send(&message.encode()).unwrap();
    }

    fn expect(&mut self, expected: Message<'_>) {
        let message = self.stream.recv().unwrap().unwrap();
        assert_eq!(Message::decode(&message), Ok(expected));
    }

    fn expect_thrown_out(mut self) {
        while self.stream.recv().unwrap().is_some() {}
        assert_eq!(self.stream.peer_close().unwrap().code, CloseCode::Other(256));
        let ended = self.chat.end();
        assert_eq!(ended.code, Some(1), "{}", ended.err);
    }

    fn leaves(self) -> (Person, String) {
        self.stream.close().unwrap();
        let ended = self.chat.finish();
        (self.home, ended.out)
    }
}

#[test]
fn a_wrong_count_after_a_cut_is_taken() {
    for (texts, files) in [(0, 0), (3, 0), (1, 1), (u64::MAX, 0)] {
        let mut again = Again::new();
        again.chat.type_line("one");
        again.chat.type_line("two");
        again.expect(Message::Text { id: 1, text: "one" });
        again.expect(Message::Text { id: 2, text: "two" });
        again.say(Message::Got { id: 1 });
        // So that the chat has read it.
        again.say(Message::Text { id: 1, text: "hi" });
        again.expect(Message::Got { id: 1 });
        again.cut();
        let begun = again.begin(RUN);
        again.say(Message::Had { run: begun.run, texts, files });
        again.expect_thrown_out();
    }
}

#[test]
fn the_run_changes_or_what_was_dealt_with_is_forgotten() {
    let mut again = Again::new();
    again.chat.type_line("one");
    again.chat.type_line("two");
    again.expect(Message::Text { id: 1, text: "one" });
    again.expect(Message::Text { id: 2, text: "two" });
    again.say(Message::Text { id: 1, text: "hi" });
    again.expect(Message::Got { id: 1 });
    again.cut();
    let first = again.begin(RUN);
    assert_eq!((first.texts, first.files), (1, 0));
    again.say(Message::Had { run: first.run, texts: 1, files: 0 });
    again.expect(Message::Text { id: 2, text: "two" });
    again.say(Message::Got { id: 2 });
    again.say(Message::Text { id: 1, text: "hi" });
    again.expect(Message::Got { id: 1 });
    again.cut();
    // To another run everything is new, and nothing that was acknowledged is said again.
    let second = again.begin([9; 16]);
    assert_eq!((second.run, second.texts, second.files), (first.run, 0, 0));
    again.say(Message::Had { run: second.run, texts: 0, files: 0 });
    again.chat.type_line("three");
    again.expect(Message::Text { id: 1, text: "three" });
    again.say(Message::Got { id: 1 });
    again.say(Message::Text { id: 1, text: "hi again" });
    again.expect(Message::Got { id: 1 });
    let (_, said) = again.leaves();
    assert_eq!(said.lines().map(|line| line.split_once(": ").unwrap().1).collect::<Vec<_>>(), ["hi", "hi again"]);
}

#[test]
fn a_file_of_the_peer_is_numbered_wrongly_or_its_answer_gets_lost() {
    let mut again = Again::new();
    // One whose answer is lost, and half of the next.
    for message in [
        Message::File { id: 1, size: 3, name: "whole" },
        Message::Chunk { id: 1, bytes: b"abc" },
        Message::FileEnd { id: 1 },
        Message::File { id: 2, size: 3, name: "half" },
        Message::Chunk { id: 2, bytes: b"ab" },
    ] {
        again.say(message);
    }
    again.expect(Message::FileStored { id: 1 });
    again.chat.await_line("receiving half");
    again.cut();
    let begun = again.begin(RUN);
    assert_eq!(begun.files, 1);
    again.expect(Message::FileStored { id: 1 });
    again.say(Message::Had { run: begun.run, texts: 0, files: 0 });
    again.say(Message::File { id: 2, size: 1, name: "half" });
    again.say(Message::Chunk { id: 2, bytes: b"x" });
    again.say(Message::FileEnd { id: 2 });
    again.expect(Message::FileStored { id: 2 });
    // One that the chat has stopped counts, whatever of it was under way.
    again.say(Message::File { id: 3, size: 1, name: "too much" });
    again.say(Message::Chunk { id: 3, bytes: b"xy" });
    again.expect(Message::FileStop { id: 3, reason: "more came than was announced" });
    again.cut();
    let begun = again.begin(RUN);
    assert_eq!(begun.files, 3);
    again.expect(Message::FileStop { id: 3, reason: "more came than was announced" });
    again.say(Message::Had { run: begun.run, texts: 0, files: 0 });
    again.say(Message::File { id: 4, size: 0, name: "last" });
    again.say(Message::FileEnd { id: 4 });
    again.expect(Message::FileStored { id: 4 });
    let (home, _) = again.leaves();
    let mut stored: Vec<_> = fs::read_dir(home.path("files")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    stored.sort();
    assert_eq!(stored, ["half", "last", "whole"]);
    assert_eq!(fs::read(home.path("files/half")).unwrap(), b"x");
}

#[test]
fn an_own_file_is_numbered_wrongly_or_sent_again_though_it_landed() {
    let mut again = Again::new();
    let [first, second] = [("first", 1), ("second", 50_000_000)].map(|(name, size)| again.home.file(name, size));
    again.chat.type_line(&format!("/send {}", first.display()));
    again.chat.type_line(&format!("/send {}", second.display()));
    again.expect(Message::File { id: 1, size: 1, name: "first" });
    again.cut();
    // Nothing of it was dealt with: it begins again, and lands, but that is not heard.
    let begun = again.begin(RUN);
    again.say(Message::Had { run: begun.run, texts: 0, files: 0 });
    again.expect(Message::File { id: 1, size: 1, name: "first" });
    again.expect(Message::Chunk { id: 1, bytes: &fs::read(&first).unwrap() });
    again.expect(Message::FileEnd { id: 1 });
    again.cut();
    let begun = again.begin(RUN);
    again.say(Message::Had { run: begun.run, texts: 0, files: 1 });
    again.say(Message::FileStored { id: 1 });
    again.chat.await_line("first has landed whole");
    again.expect(Message::File { id: 2, size: 50_000_000, name: "second" });
    again.cut();
    // Cancelled while nobody hears it: the number is free for the next one.
    let begun = again.begin(RUN);
    again.chat.type_line("/cancel");
    again.chat.await_line("second is cancelled");
    again.say(Message::Had { run: begun.run, texts: 0, files: 1 });
    again.chat.type_line(&format!("/send {}", first.display()));
    again.expect(Message::File { id: 2, size: 1, name: "first" });
    again.say(Message::FileStop { id: 2, reason: "" });
    again.chat.await_line("first was stopped by the other side");
    while Message::decode(&again.stream.recv().unwrap().unwrap()) != Ok(Message::FileEnd { id: 2 }) {}
    again.leaves();
}
