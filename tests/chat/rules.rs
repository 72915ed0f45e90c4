//! The rules of docs/chat.md, held against a peer that breaks them: it speaks the library's channel, and what it likes over it.

use crate::person::Person;
use crate::program::Program;
use crate::wire::{CHUNK_MAX, Message, PROLOGUE};
use std::fs;
use std::net::TcpStream;
use std::time::Duration;
use twinlock::channel::CloseCode;
use twinlock::{Pinned, Stream, connect};

/// Of who speaks by hand.
pub(crate) const RUN: [u8; 16] = [7; 16];

/// By hand through the beginning of a connection: neither has said anything to the other before. The other's run.
pub(crate) fn agree(stream: &mut Stream<TcpStream>) -> [u8; 16] {
    stream.send(&Message::Ready { run: RUN }.encode()).unwrap();
    let ready = stream.recv().unwrap().unwrap();
    let Ok(Message::Ready { run }) = Message::decode(&ready) else { panic!("{ready:?}") };
    stream.send(&Message::Had { run, texts: 0, files: 0 }.encode()).unwrap();
    assert_eq!(stream.recv().unwrap().unwrap(), Message::Had { run: RUN, texts: 0, files: 0 }.encode());
    run
}

/// Somebody who speaks by hand with a listening chat.
struct ByHand {
    home: Person,
    chat: Program,
    stream: Stream<TcpStream>,
    /// The chat's run, once it was said.
    run: [u8; 16],
}

impl ByHand {
    fn new() -> Self {
        let (home, hand) = (Person::new(), Person::new());
        let (chat, address) = home.listen(&hand);
        let socket = TcpStream::connect(address).unwrap();
        let stream = connect(socket, PROLOGUE, &hand.identity(), &mut Pinned(home.print)).unwrap();
        stream.transport().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { home, chat, stream, run: [0; 16] }
    }

    fn ready() -> Self {
        let mut hand = Self::new();
        hand.run = agree(&mut hand.stream);
        hand
    }

    fn say(&mut self, message: Message<'_>) {
        self.stream.send(&message.encode()).unwrap();
    }

    fn expect(&mut self, expected: Message<'_>) {
        let message = self.stream.recv().unwrap().unwrap();
        assert_eq!(Message::decode(&message), Ok(expected));
    }

    /// The chat closes because a rule was broken.
    fn expect_thrown_out(mut self) {
        while self.stream.recv().unwrap().is_some() {}
        assert_eq!(self.stream.peer_close().unwrap().code, CloseCode::Other(256));
        drop(self.stream);
        let ended = self.chat.end();
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        assert!(!self.home.path("files").exists() || fs::read_dir(self.home.path("files")).unwrap().count() == 0);
    }

    /// All is well, and both close.
    fn leaves(mut self) -> (Person, String) {
        self.say(Message::Text { id: 1, text: "bye" });
        self.stream.close().unwrap();
        let said = self.chat.finish().out;
        assert!(said.ends_with(": bye\n"), "{said}");
        (self.home, said)
    }
}

#[test]
fn a_broken_rule_is_passed_over() {
    let long = [&[1, 0, 0, 0, 0, 0, 0, 0, 1][..], &vec![b'x'; 65_537]].concat();
    let huge = vec![99; (1 << 20) + 1];
    for message in [
        &[][..],
        &[0, 0],
        &[1],
        &[1, 0, 0, 0, 0, 0, 0, 0, 1, 0xff],
        &long,
        &huge,
        &[8],
        &[9],
        &[10],
        &[2, 0, 0, 0, 1],
        &[4, 0, 0, 0, 1],
        &[5, 0, 0, 0, 1],
        &[7, 0, 0, 0, 1],
    ] {
        let mut hand = ByHand::ready();
        hand.stream.send(message).unwrap();
        hand.expect_thrown_out();
    }
}

#[test]
fn a_message_before_ready_is_heard() {
    for message in [
        Message::Text { id: 1, text: "x" }.encode(),
        Message::Had { run: RUN, texts: 0, files: 0 }.encode(),
        Message::File { id: 1, size: 0, name: "x" }.encode(),
        vec![99],
        Message::Statement(b"x").encode(),
    ] {
        let mut hand = ByHand::new();
        hand.stream.send(&message).unwrap();
        hand.expect_thrown_out();
    }
}

#[test]
fn a_message_before_had_is_heard() {
    for message in [Message::Text { id: 1, text: "x" }.encode(), Message::Got { id: 0 }.encode(), vec![99]] {
        let mut hand = ByHand::new();
        hand.say(Message::Ready { run: RUN });
        hand.stream.send(&message).unwrap();
        hand.expect_thrown_out();
    }
}

#[test]
fn another_run_or_a_wrong_number_is_taken_at_the_beginning() {
    type Wrong = fn([u8; 16]) -> Message<'static>;
    let wrong: [Wrong; 5] = [
        |_| Message::Ready { run: [8; 16] },
        |_| Message::Had { run: RUN, texts: 0, files: 0 },
        |run| Message::Had { run, texts: 1, files: 0 },
        |run| Message::Had { run, texts: 0, files: 1 },
        |run| Message::Had { run, texts: u64::MAX, files: u32::MAX },
    ];
    for wrong in wrong {
        let mut hand = ByHand::new();
        hand.say(Message::Ready { run: RUN });
        let ready = hand.stream.recv().unwrap().unwrap();
        let Ok(Message::Ready { run }) = Message::decode(&ready) else { panic!("{ready:?}") };
        hand.say(wrong(run));
        hand.expect_thrown_out();
    }
    let mut hand = ByHand::ready();
    hand.say(Message::Had { run: hand.run, texts: 0, files: 0 });
    hand.expect_thrown_out();
}

#[test]
fn a_text_out_of_turn_is_shown_or_one_that_came_again_shown_again() {
    for wrong in [
        Message::Text { id: 0, text: "x" },
        Message::Text { id: 2, text: "x" },
        Message::Text { id: u64::MAX, text: "x" },
        Message::Got { id: 1 },
    ] {
        let mut hand = ByHand::ready();
        hand.say(wrong);
        hand.expect_thrown_out();
    }
    let mut hand = ByHand::ready();
    for (id, got) in [(1, 1), (2, 2), (1, 2), (2, 2), (3, 3)] {
        hand.say(Message::Text { id, text: &format!("number {id}") });
        hand.expect(Message::Got { id: got });
    }
    hand.stream.close().unwrap();
    let said = hand.chat.finish().out;
    assert_eq!(said.lines().filter_map(|line| line.rsplit(' ').next()).collect::<Vec<_>>(), ["1", "2", "3"]);
}

#[test]
fn a_file_out_of_turn_is_taken() {
    let file = |id| Message::File { id, size: 3, name: "x" };
    let chunk = |id| Message::Chunk { id, bytes: b"abc" };
    for messages in [
        &[file(2)][..],
        &[file(0)],
        &[file(1), file(2)],
        &[file(1), chunk(2)],
        &[file(1), Message::FileCancel { id: 1 }, chunk(1)],
        &[file(1), Message::FileCancel { id: 1 }, file(1)],
        &[Message::FileStop { id: 1, reason: "" }],
    ] {
        let mut hand = ByHand::ready();
        messages.iter().for_each(|message| hand.say(*message));
        hand.expect_thrown_out();
    }
}

#[test]
fn what_may_be_passed_over_ends_the_conversation() {
    let mut hand = ByHand::ready();
    hand.say(Message::Ready { run: RUN });
    hand.say(Message::Got { id: 0 });
    hand.stream.send(&[200, 1, 2, 3]).unwrap();
    let mut broken_off = hand.stream.message_writer().unwrap();
    broken_off.put(&vec![1; 50_000]).unwrap();
    broken_off.abort().unwrap();
    let (_, said) = hand.leaves();
    assert_eq!(said.lines().count(), 1);
}

#[test]
fn wrong_sums_are_stored_or_end_the_conversation() {
    let mut hand = ByHand::ready();
    hand.say(Message::File { id: 1, size: 4, name: "more" });
    hand.say(Message::Chunk { id: 1, bytes: b"12345" });
    hand.expect(Message::FileStop { id: 1, reason: "more came than was announced" });
    hand.say(Message::Chunk { id: 1, bytes: &[0; CHUNK_MAX] });
    hand.say(Message::FileCancel { id: 1 });
    hand.say(Message::File { id: 2, size: 4, name: "less" });
    hand.say(Message::Chunk { id: 2, bytes: b"123" });
    hand.say(Message::FileEnd { id: 2 });
    hand.expect(Message::FileStop { id: 2, reason: "less came than was announced" });
    hand.say(Message::File { id: 3, size: 4, name: "right" });
    hand.say(Message::Chunk { id: 3, bytes: b"1" });
    hand.say(Message::Chunk { id: 3, bytes: b"234" });
    hand.say(Message::FileEnd { id: 3 });
    hand.expect(Message::FileStored { id: 3 });
    let (home, _) = hand.leaves();
    let stored: Vec<_> = fs::read_dir(home.path("files")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(stored, ["right"]);
}

#[test]
fn a_file_name_reaches_out_of_the_folder() {
    let mut hand = ByHand::ready();
    let names = ["../../outside", "/tmp/absolute", "..\\windows", ".hidden", "..", "a\u{202e}b\nc"];
    for (id, name) in (1..).zip(names) {
        hand.say(Message::File { id, size: 1, name });
        hand.say(Message::Chunk { id, bytes: b"x" });
        hand.say(Message::FileEnd { id });
        hand.expect(Message::FileStored { id });
    }
    let (home, said) = hand.leaves();
    let mut stored: Vec<_> = fs::read_dir(home.path("files")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    stored.sort();
    assert_eq!(stored, ["abc", "absolute", "file", "hidden", "outside", "windows"]);
    assert_eq!(said.lines().count(), 1);
}

#[test]
fn a_half_file_is_kept_when_its_sender_leaves() {
    let mut hand = ByHand::ready();
    hand.say(Message::File { id: 1, size: 4, name: "half" });
    hand.say(Message::Chunk { id: 1, bytes: b"12" });
    let (home, _) = hand.leaves();
    assert_eq!(fs::read_dir(home.path("files")).unwrap().count(), 0);
}
