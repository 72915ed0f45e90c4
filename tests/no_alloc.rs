//! A running channel takes no memory for a record, and nobody who has not proved anything makes a reader take more than a frame's.
//!
//! What the counting allocator cannot show: memory on the stack, and in the transport.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

#[path = "support/counting.rs"]
mod counting;
mod support;

use counting::memory;
use support::pair::{Ends, PATTERNS, Run};
use twinlock::channel::{CONTENT_MAX, FRAME_MAX, Opener, Padding, Record, Sealer, frame_len};
use twinlock::handshake::Pattern;
use twinlock::{Error, Suite};

#[test]
fn the_allocator_cannot_count() {
    let (taken, most, kept) = memory(|| {
        drop(vec![0u8; 1000]);
        let mut grown = Vec::<u8>::with_capacity(10);
        grown.reserve_exact(100);
        vec![0u8; 500]
    });
    assert_eq!((taken, kept.len()), (4, 500));
    assert!((1000..1100).contains(&most), "{most}");
    assert_eq!(memory(|| 1 + 1), (0, 0, 2));
}

const RECORDS: usize = 10_000;

/// Of so many records one is of the largest size. In a debug build the cipher is slow.
const LARGEST_EVERY: usize = if cfg!(debug_assertions) { 500 } else { 20 };

/// The length of a record's content: many small ones, some of every size, some of the largest.
fn length(record: usize) -> usize {
    match record % LARGEST_EVERY {
        0 => CONTENT_MAX,
        1 => 1 + record * 37 % CONTENT_MAX,
        _ => 1 + record % 200,
    }
}

fn halves(suite: Suite) -> (Sealer, Opener) {
    let [a, b] = Ends::new(suite, Pattern::Nx).meet().0;
    (a.into_halves().0, b.into_halves().1)
}

/// Of every AEAD and every hash.
#[test]
fn a_record_takes_memory() {
    let content = vec![0x5A; CONTENT_MAX];
    for (suite, padding) in Suite::ALL.iter().flat_map(|suite| [(*suite, Padding::None), (*suite, Padding::Padme)]) {
        let (mut sealer, mut opener) = halves(suite);
        sealer.set_padding(padding);
        let mut frame = Vec::with_capacity(FRAME_MAX);
        let mut record = |number: usize| {
            frame.clear();
            let piece = &content[..length(number)];
            let sealed = if number.is_multiple_of(3) { sealer.end(piece, &mut frame) } else { sealer.data(piece, &mut frame) };
            sealed.unwrap();
            match opener.open(&mut frame).unwrap() {
                Record::Data(read) | Record::End(read) => assert!(read == piece),
                other => panic!("{other:?}"),
            }
        };
        record(0);
        let (taken, most, ()) = memory(|| (0..RECORDS).for_each(&mut record));
        assert_eq!((taken, most), (0, 0), "{suite:?}, {padding:?}");
    }
}

/// Nor does a ping, and a key update takes no more than the secrets that it makes, wherever in the conversation it comes.
#[test]
fn control_records_take_more_and_more_memory() {
    Suite::ALL.iter().for_each(|suite| control_records(*suite));
}

fn control_records(suite: Suite) {
    let (mut sealer, mut opener) = halves(suite);
    let mut frame = Vec::with_capacity(FRAME_MAX);
    let mut ping = |number: u32| {
        frame.clear();
        sealer.ping(number);
        sealer.control(&mut frame).unwrap();
        assert_eq!(opener.open(&mut frame).unwrap(), Record::Ping(number));
    };
    ping(0);
    assert_eq!(memory(|| (0..1000).for_each(&mut ping)).0, 0);
    let mut update = || {
        frame.clear();
        sealer.key_update(&mut frame).unwrap();
        let at = frame.len();
        sealer.end(b"", &mut frame).unwrap();
        let (one, other) = frame.split_at_mut(at);
        opener.open(one).unwrap();
        opener.open(other).unwrap();
    };
    update();
    let (_, first, ()) = memory(&mut update);
    let (_, all, ()) = memory(|| (0..1000).for_each(|_| update()));
    assert!(first < 2000 && all == first, "{suite:?}: {first} {all}");
}

fn everything() -> impl Iterator<Item = (Suite, Pattern)> {
    Suite::ALL.iter().flat_map(|suite| PATTERNS.map(|pattern| (*suite, pattern)))
}

/// What a stranger announces: lengths in and out of bounds, with nothing or something else behind them.
fn announced() -> impl Iterator<Item = Vec<u8>> {
    let lengths = [0u16, 1, 5, 6, 18, 19, 1222, 6526, 16_384, 16_385, 16_640, 16_641, u16::MAX];
    lengths.into_iter().flat_map(|length| {
        [&[][..], b"T", b"TL\x01\x01\x00\x01", &[0; 40]].map(|behind| [length.to_be_bytes().as_slice(), behind].concat())
    })
}

/// A length is looked at, and nothing else is done with it.
#[test]
fn a_length_that_nobody_authenticated_takes_memory() {
    let (taken, ..) = memory(|| {
        (0..=u16::MAX).for_each(|length| assert!(frame_len(length.to_be_bytes()).is_ok_and(|n| n > 18) || !(19..=16_640).contains(&length)))
    });
    assert_eq!(taken, 0);
    for (suite, pattern) in everything() {
        for frame in announced() {
            let ends = Ends::new(suite, pattern);
            let (responder, waiting) = (ends.listening(), ends.hello().0);
            let (_, most, read) = memory(|| responder.read_any_hello(&frame).map(|_| ()));
            assert!(read.is_err() && most < 100, "{most} bytes for {} announced as {:?}", frame.len(), &frame[..2]);
            let (_, most, read) = memory(|| ends.finish(waiting, &frame).map(|_| ()));
            assert!(read.is_err() && most < 100, "{most} bytes for {} announced as {:?}", frame.len(), &frame[..2]);
        }
    }
    for mut frame in announced() {
        let (_, mut opener) = halves(Suite::default());
        let (taken, _, read) = memory(|| opener.open(&mut frame).map(|_| ()));
        assert!(read.is_err());
        assert_eq!(taken, 0);
    }
}

/// A message that is whole, of the right size, and wrong: less than three frames' worth, whatever stands in it.
#[test]
fn a_message_of_a_stranger_takes_much_memory() {
    for (suite, pattern) in everything() {
        let ends = Ends::new(suite, pattern);
        let (_, messages) = ends.meet();
        let garbage = |message: &Vec<u8>| {
            let mut garbage = message.clone();
            let last = garbage.len() - 1;
            garbage[last] ^= 1;
            garbage
        };
        let hello = garbage(&messages[0]);
        let (_, most, _) = memory(|| ends.listening().read_any_hello(&hello).map(|_| ()));
        assert!(most < FRAME_MAX, "{most} bytes for message 1");
        let Run { waiting, reply, .. } = ends.run();
        let reply = garbage(&reply);
        let (_, most, read) = memory(|| ends.finish(waiting, &reply).map(|_| ()));
        assert_eq!(read.unwrap_err(), Error::Authentication);
        assert!(most < 3 * FRAME_MAX, "{most} bytes for message 2");
    }
}

#[cfg(feature = "std")]
mod io {
    use super::*;
    use crate::support::pair::{alice, bob};
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::io::{self, Read, Write};
    use std::rc::Rc;
    use twinlock::Pinned;
    use twinlock::io::{Accept, Connect, Joined, Stream, Untimed};

    /// One direction of a pipe in memory.
    #[derive(Clone)]
    struct Pipe(Rc<RefCell<VecDeque<u8>>>);

    impl Pipe {
        fn new() -> Self {
            Self(Rc::new(RefCell::new(VecDeque::with_capacity(1 << 20))))
        }
    }

    impl Read for Pipe {
        fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
            self.0.borrow_mut().read(place)
        }
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn streams() -> [Stream<Joined<Pipe, Pipe>>; 2] {
        let (to_b, to_a) = (Pipe::new(), Pipe::new());
        let [a, b] = Ends::new(Suite::default(), Pattern::Xx).meet().0;
        [Stream::new(Joined { reader: to_a.clone(), writer: to_b.clone() }, a), Stream::new(Joined { reader: to_b, writer: to_a }, b)]
    }

    #[test]
    fn a_stream_takes_memory_for_a_record() {
        let [mut a, mut b] = streams();
        let content = vec![0x5A; 3 * CONTENT_MAX];
        let mut message = Vec::with_capacity(content.len());
        let mut exchange = |(number, length): (usize, usize)| {
            let (from, to) = if number % 2 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
            from.send(&content[..length]).unwrap();
            assert!(to.recv_into(&mut message).unwrap());
            assert!(message == content[..length]);
        };
        // Each side has two buffers that take turns: both grow to the largest piece.
        (0..8).map(|number| (number, content.len())).for_each(&mut exchange);
        // Of one record, and now and then of several.
        let lengths = (0..RECORDS).map(|number| (number, length(number) + if number % 1000 == 7 { 2 * CONTENT_MAX } else { 0 }));
        let (taken, most, ()) = memory(|| lengths.for_each(&mut exchange));
        assert_eq!((taken, most), (0, 0));
    }

    /// A stream's own buffer is taken once; a peer that announces, and sends nothing, takes nothing more.
    #[test]
    fn a_stream_takes_memory_for_a_length() {
        for frame in announced() {
            let [a, b] = Ends::new(Suite::default(), Pattern::Xx).meet().0;
            drop(a);
            let mut stream = Stream::new(Joined { reader: frame.as_slice(), writer: io::sink() }, b);
            let (taken, _, received) = memory(|| stream.recv());
            assert!(received.is_err());
            assert_eq!(taken, 0, "{:?} was announced", &frame[..2]);
        }
    }

    #[test]
    fn a_handshake_takes_memory_for_a_length() {
        for frame in announced() {
            let accept = Accept::new(bob(Suite::default()), b"").anonymous();
            let wire = || Joined { reader: frame.as_slice(), writer: io::sink() };
            let (_, most, accepted) = memory(|| accept.accept(wire(), &mut Pinned(alice(Suite::default()).fingerprint())).map(|_| ()));
            assert!(accepted.is_err() && most <= FRAME_MAX, "{most} bytes: {:?} was announced", &frame[..2]);
            let in_bounds = (6..=16_384).contains(&u16::from_be_bytes([frame[0], frame[1]]));
            assert!(in_bounds || most < 200, "{most} bytes: {:?} was announced", &frame[..2]);
        }
        // The initiator, whose own keys and message take some; what comes on top is compared.
        let connect = |frame: &[u8]| {
            let wire = Joined { reader: frame, writer: io::sink() };
            let (_, most, connected) = memory(|| {
                Connect::new(alice(Suite::default()), b"").connect(wire, &mut Pinned(bob(Suite::default()).fingerprint())).map(|_| ())
            });
            assert!(connected.is_err());
            most
        };
        let alone = connect(&[]);
        for frame in announced() {
            let most = connect(&frame);
            assert!(most <= alone + FRAME_MAX, "{most} bytes, {alone} without a reply: {:?} was announced", &frame[..2]);
        }
    }

    /// Bytes of a stranger who speaks no protocol at all.
    #[test]
    fn noise_takes_memory() {
        for byte in [0, 1, b'G', b'T', 0xFF] {
            let noise = vec![byte; 1 << 20];
            let accept = Accept::new(bob(Suite::default()), b"");
            let wire = Untimed(io::Cursor::new(noise));
            let (_, most, accepted) = memory(|| accept.accept(wire, &mut Pinned(alice(Suite::default()).fingerprint())).map(|_| ()));
            assert!(accepted.is_err() && most <= FRAME_MAX, "{most} bytes for {byte}");
        }
    }
}
