//! How often a running conversation takes memory.

use crate::conversation::Ends;
use crate::counting::memory;
use crate::pipe::pipe;
use crate::report::{bytes, value};
use twinlock::channel::{CONTENT_MAX, Padding};
use twinlock::handshake::{Initiator, Responder};
use twinlock::io::Stream;
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Identity, Suite};

const RECORDS: usize = 10_000;

/// Many small, some of any length, some of the largest.
fn length(record: usize) -> usize {
    match record % 20 {
        0 => CONTENT_MAX,
        1 => 1 + record * 37 % CONTENT_MAX,
        _ => 1 + record % 200,
    }
}

pub(crate) fn all() {
    let records = Suite::ALL.iter().flat_map(|suite| [Padding::None, Padding::Padme].map(|padding| records(*suite, padding)));
    value("figures.record.allocations", bytes(records.sum()));
    value("figures.stream.allocations", bytes(stream(|bob, into| assert!(bob.recv_into(into).unwrap()), RECORDS)));
    value("figures.recv.allocations", bytes(stream(|bob, _| assert!(bob.recv().unwrap().is_some()), 1)));
}

/// Sealed and opened in the channel's halves.
fn records(suite: Suite, padding: Padding) -> usize {
    let mut ends = Ends::new(suite, CONTENT_MAX);
    ends.here.0.set_padding(padding);
    let content = vec![7; CONTENT_MAX];
    let mut record = |number: usize| {
        ends.here.0.end(&content[..length(number)], &mut ends.frames).unwrap();
        ends.open();
    };
    record(0);
    memory(|| (0..RECORDS).for_each(&mut record)).0
}

/// Messages of one record through two streams, received by `receive`.
fn stream(receive: impl Fn(&mut Stream<crate::pipe::Pipe>, &mut Vec<u8>), messages: usize) -> usize {
    let [a, b] = [(); 2].map(|()| Identity::generate().unwrap());
    let (initiator, hello) = Initiator::new(&a, b"").send_hello().unwrap();
    let (responder, reply) = Responder::new(&b, b"").read_hello(&hello).unwrap().send_reply().unwrap();
    let (alice, finish) = initiator.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
    let bob = responder.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap();
    let (here, there) = pipe();
    let (mut alice, mut bob) = (Stream::new(here, alice), Stream::new(there, bob));
    let content = vec![7; CONTENT_MAX];
    let mut into = Vec::with_capacity(CONTENT_MAX);
    let mut message = |number: usize| {
        alice.send(&content[..length(number)]).unwrap();
        receive(&mut bob, &mut into);
    };
    // Both ends have two buffers that take turns: each grows to the largest piece.
    (0..4).for_each(|_| message(0));
    memory(|| (0..messages).for_each(&mut message)).0
}
