//! A stream over a transport that gives arbitrary pieces, fails in between, and carries what a peer with the keys and without rules sends
//! (docs/protocol.md, sections 8.1 and 8.3): messages, messages part by part, bytes, and both halves.
//!
//! What the stream hands out is what the script says, in order, up to the first thing that is fatal; then an error, for good. An end without a close is a truncation. What
//! the stream wrote opens with the keys that the specification says, and is what it was given to send.

use crate::cases::without_initiator;
use crate::input::Input;
use crate::link::{Link, Outgoing};
use crate::script::{End, Item, Script, check_written};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use twinlock::channel::{CloseCode, Padding, Policy};
use twinlock::io::{Bytes, Error, Observer, Reader, Stream, Writer};
use twinlock::{Error as Protocol, Refusal};

/// Messages above it are passed over.
const MESSAGE_MAX: usize = 300;

/// What was given to send, and whether it was sent.
type Said = Vec<(Vec<u8>, bool)>;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (case, initiator, mode) = (*input.pick(without_initiator()), input.flag(), input.byte() % 4);
    let [i2r, r2i] = case.directions();
    let (outgoing, incoming) = if initiator { (i2r, r2i) } else { (r2i, i2r) };
    let (reads, writes, plan) = (input.some(), input.some(), input.some());
    let message_max = if matches!(mode, 0 | 3) { MESSAGE_MAX } else { usize::MAX };
    let script = Script::make(case.suite, incoming, message_max, mode != 3, &mut input);
    let mut stream = Stream::new(Link::new(script.wire.clone(), reads, writes), case.channel(initiator));
    stream.set_message_max(MESSAGE_MAX);
    stream.set_policy(Policy { update_records: 9, ..Policy::default() });
    let seen = observe(&mut stream);
    let plan = &mut Input::new(plan);
    match mode {
        0 => whole(stream, &script, plan, outgoing, case.suite),
        1 => {
            let said = parts(&mut stream, &script, plan);
            let records = stream.sent().records + stream.received().records;
            // What is malformed under a good tag is counted and not told.
            assert!((0..=1).contains(&(records - seen.load(Ordering::Relaxed) as u64)), "frames were not told, or twice");
            check_written(&stream.transport().outgoing.written, &said, outgoing, case.suite);
        }
        2 => {
            let mut bytes = stream.into_bytes();
            as_bytes(&mut bytes, &script, plan);
            assert!(bytes.read(&mut []).is_ok_and(|n| n == 0) && bytes.inner().transport().outgoing.written.len() < 1 << 20);
            bytes.inner_mut().set_padding(Padding::None);
            drop(bytes.into_inner().close());
        }
        _ => halves(stream, &script, plan),
    }
}

/// How many frames an observer was told of.
fn observe(stream: &mut Stream<Link>) -> Arc<AtomicUsize> {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let observer: Observer = Arc::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    stream.observe(&observer);
    seen
}

/// Calls again after the transport's own timeouts.
fn patiently<T>(mut call: impl FnMut() -> Result<T, Error>) -> Result<T, Protocol> {
    loop {
        match call() {
            Ok(value) => return Ok(value),
            Err(Error::Protocol(error)) => return Err(error),
            Err(Error::Transport(error)) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
}

/// What reading comes to when nothing is left of the script, again and again.
fn check_end(end: End, mut read: impl FnMut() -> Result<bool, Protocol>) {
    let first = read();
    match (end, first) {
        (End::Closed, Ok(false)) | (End::Refused, Err(Protocol::RefusedByPeer(Refusal::Refused))) => {}
        (End::Truncated, Err(Protocol::Truncated | Protocol::Ended)) => {}
        (End::Fatal, Err(Protocol::Malformed | Protocol::Authentication | Protocol::Ended)) => {}
        (End::Broken, Err(Protocol::Malformed | Protocol::Authentication | Protocol::Truncated | Protocol::Ended)) => {}
        (end, first) => panic!("{first:?}, where the script ends with {end:?}"),
    }
    let again = if matches!(end, End::Closed | End::Refused) { first } else { Err(Protocol::Ended) };
    assert_eq!(read(), again, "the end is another one when asked again");
}

/// Sends something, or does something else to the stream.
fn speak(stream: &mut Stream<Link>, script: &Script, plan: &mut Input, said: &mut Said) {
    match plan.byte() % 11 {
        0..=3 => {
            let message = [said.len() as u8].repeat(usize::from(plan.byte()) * 300 + 1);
            let sent = stream.send(&message).is_ok();
            said.push((message, sent));
        }
        4 => drop(stream.ping(1)),
        5 => drop(stream.key_update()),
        6 => stream.set_padding(*plan.pick(&[Padding::None, Padding::Padme, Padding::Multiple(64)])),
        7 => drop(stream.finish_with(CloseCode::GoingAway, "soon")),
        8 => write_in_parts(stream, plan, said),
        9 if !script.rekeys => drop(stream.rekey()),
        _ => look(stream),
    }
}

/// What a program may ask at any time.
fn look(stream: &mut Stream<Link>) {
    let (sent, received) = (stream.sent(), stream.received());
    assert!(sent.bytes >= sent.records * 21 && received.bytes >= received.records * 21);
    assert!(stream.peer_close().is_none_or(|close| close.reason.len() <= 256));
    assert!(stream.peer() == stream.conversation().peer());
    assert!(format!("{stream:?}").starts_with("Stream"));
}

fn write_in_parts(stream: &mut Stream<Link>, plan: &mut Input, said: &mut Said) {
    let part = [said.len() as u8].repeat(usize::from(plan.byte()) * 100 + 1);
    let Ok(mut writer) = stream.message_writer() else { return };
    let put = writer.put(&part).and_then(|()| writer.put(&part));
    match plan.byte() % 3 {
        0 => drop(writer),
        1 => drop(writer.abort()),
        _ => {
            let sent = writer.finish().is_ok();
            assert!(put.is_ok() || !sent, "a message without its middle was ended");
            said.push((part.repeat(2), sent));
        }
    }
}

fn whole(mut stream: Stream<Link>, script: &Script, plan: &mut Input, outgoing: crate::forge::Direction, suite: twinlock::Suite) {
    let (mut said, mut failed) = (Vec::new(), false);
    for item in &script.items {
        speak(&mut stream, script, plan, &mut said);
        failed = failed || read_item(item, patiently(|| stream.recv()), script.end);
        if failed {
            break;
        }
    }
    while !plan.is_empty() {
        speak(&mut stream, script, plan, &mut said);
    }
    check_end(if failed { End::Broken } else { script.end }, || patiently(|| stream.recv()).map(|message| message.is_some()));
    if !matches!(script.end, End::Closed | End::Refused) {
        assert!(stream.send(b"x").is_err(), "something was sent after a fatal error");
    }
    check_written(&stream.transport().outgoing.written, &said, outgoing, suite);
    let closed = stream.close();
    assert!(closed.is_err() || script.end == End::Closed, "closed well, where the script ends with {:?}", script.end);
}

/// Whether the channel has failed: a sender that looks what came sees what is fatal before what waits is read. It never sees past a piece.
fn read_item(item: &Item, read: Result<Option<Vec<u8>>, Protocol>, end: End) -> bool {
    match (item, read) {
        (Item::Message(expected), Ok(Some(message))) => assert!(*expected == message, "another message came"),
        (Item::Aborted(_), Err(Protocol::MessageAborted)) | (Item::TooLong, Err(Protocol::MessageTooLong)) => {}
        (Item::Message(_) | Item::Aborted(_) | Item::TooLong, Err(Protocol::Ended)) if !matches!(end, End::Closed | End::Refused) => {
            return true;
        }
        (item, read) => panic!("{read:?}, where the script has {item:?}"),
    }
    false
}

fn parts(stream: &mut Stream<Link>, script: &Script, plan: &mut Input) -> Said {
    let mut said = Vec::new();
    for item in &script.items {
        speak(stream, script, plan, &mut said);
        let enough = if plan.flag() { usize::MAX } else { plan.byte().into() };
        let buffer = 1 + usize::from(plan.byte()) * 70;
        part_by_part(stream, item, enough, buffer);
    }
    while !plan.is_empty() {
        speak(stream, script, plan, &mut said);
    }
    let mut bytes = vec![0; 20_000];
    let mut came = Vec::new();
    check_end(script.end, || {
        let Some(mut reader) = patiently_begin(stream)? else { return Ok(false) };
        loop {
            match patiently(|| reader.read_part(&mut bytes))? {
                0 => return Ok(true),
                n => came.extend_from_slice(&bytes[..n]),
            }
        }
    });
    assert!(came == script.begun, "of a message that did not end came something else");
    said
}

fn patiently_begin(stream: &mut Stream<Link>) -> Result<Option<twinlock::io::MessageReader<'_, Stream<Link>>>, Protocol> {
    // A borrow that is returned cannot be tried in a loop: what waits is looked for first, and lost by nothing.
    while let Err(Error::Transport(_)) = stream.recv_reader().map(|reader| reader.map(std::mem::forget)) {}
    stream.recv_reader().map_err(|error| match error {
        Error::Protocol(error) => error,
        Error::Transport(error) => panic!("{error}"),
    })
}

fn part_by_part(stream: &mut Stream<Link>, item: &Item, enough: usize, buffer: usize) {
    let (Item::Message(expected) | Item::Aborted(expected)) = item else { panic!("no bound here") };
    let mut reader = patiently_begin(stream).expect("a message").expect("a message");
    let (mut came, mut place) = (Vec::new(), vec![0; buffer]);
    while came.len() < enough {
        match patiently(|| reader.read_part(&mut place)) {
            Ok(0) => {
                assert!(matches!(item, Item::Message(_)) && came == *expected, "another message came");
                return assert_eq!(reader.read_part(&mut place).ok(), Some(0));
            }
            Ok(n) => came.extend_from_slice(&place[..n]),
            Err(error) => return assert!(error == Protocol::MessageAborted && *item == Item::Aborted(came), "{error:?}"),
        }
    }
    assert!(expected.starts_with(&came), "another message came");
}

fn as_bytes(bytes: &mut Bytes<Stream<Link>>, script: &Script, plan: &mut Input) {
    let mut place = vec![0; 1 + usize::from(plan.byte()) * 70];
    let (mut came, mut aborts) = (Vec::new(), 0);
    let end = loop {
        if plan.byte() % 8 == 1 {
            let _ = bytes.write(b"some").and_then(|_| bytes.flush());
        }
        match bytes.read(&mut place) {
            Ok(0) => break None,
            Ok(n) => came.extend_from_slice(&place[..n]),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => aborts += 1,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => break Some(error.kind()),
        }
    };
    let mut expected: Vec<u8> = Vec::new();
    for item in &script.items {
        let (Item::Message(message) | Item::Aborted(message)) = item else { panic!("no bound here") };
        expected.extend_from_slice(message);
    }
    expected.extend_from_slice(&script.begun);
    let all = came == expected && aborts == script.items.iter().filter(|item| matches!(item, Item::Aborted(_))).count();
    match (script.end, end) {
        (End::Closed, None) | (End::Refused, Some(io::ErrorKind::ConnectionRefused)) => assert!(all, "other bytes came"),
        (End::Truncated, Some(io::ErrorKind::UnexpectedEof | io::ErrorKind::Other))
        | (End::Fatal, Some(io::ErrorKind::InvalidData | io::ErrorKind::Other))
        | (End::Broken, Some(io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::Other)) => {
            assert!(expected.starts_with(&came), "other bytes came");
        }
        (script, end) => panic!("{end:?}, where the script ends with {script:?}"),
    }
}

/// The reader never writes: what the peer asks for waits for the writer.
fn halves(stream: Stream<Link>, script: &Script, plan: &mut Input) {
    let (mut reader, mut writer) = stream.split().expect("a link in memory");
    let due = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&due);
    reader.on_answer_due(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    for item in &script.items {
        match plan.byte() % 6 {
            0 => drop(writer.send(b"some")),
            1 => drop(writer.ping(2)),
            2 => drop(writer.key_update()),
            3 => drop(writer.finish()),
            4 => parted(&mut writer),
            _ => drop(writer.flush()),
        }
        if !script.rekeys {
            let _ = if plan.flag() { reader.rekey() } else { writer.rekey() };
        }
        assert!(!read_item(item, patiently(|| reader.recv()), script.end), "nobody but the reader reads");
    }
    assert!(script.rekeys.then(|| due.load(Ordering::Relaxed)).is_none_or(|due| due <= script.asked), "an answer is due, and nobody asked");
    assert_eq!(reader.peer(), writer.peer());
    assert!(format!("{reader:?} {writer:?}").starts_with("Reader"));
    let read = |reader: &mut Reader<_>| patiently(|| reader.recv()).map(|message| message.is_some());
    check_end(script.end, || read(&mut reader));
}

fn parted(writer: &mut Writer<Outgoing>) {
    writer.set_padding(Padding::Padme);
    let before = writer.sent().records;
    let done = writer.message_writer().and_then(|mut message| {
        message.put(&[0; 20_000])?;
        message.finish()
    });
    assert!(done.is_err() || writer.sent().records >= before + 2);
}
