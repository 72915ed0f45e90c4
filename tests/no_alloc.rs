//! A running channel allocates nothing for a record, and nothing is allocated by a length that nobody authenticated.
//!
//! It shows allocations on the heap, of the records' path alone; it cannot show copies. That the content is copied once, into the caller's buffer, is seen in the code: records are
//! sealed and opened in place.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use twinlock::channel::{CONTENT_MAX, Record, frame_len};
use twinlock::handshake::{Initiator, MAX_BODY, Responder};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; the counters are thread-local cells without destructors.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        unsafe { System.realloc(place, layout, size) }
    }
}

fn count(size: usize) {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
    LARGEST.set(LARGEST.get().max(size));
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many allocations `f` makes, and the largest in bytes.
fn watch(f: impl FnOnce()) -> (usize, usize) {
    ALLOCATIONS.set(0);
    LARGEST.set(0);
    f();
    (ALLOCATIONS.get(), LARGEST.get())
}

fn channels() -> (Channel, Channel) {
    let (a, b) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let (alice, hello) = Initiator::new(&a, b"").send_hello().unwrap();
    let (bob, reply) = Responder::new(&b, b"").read_hello(&hello).unwrap().send_reply().unwrap();
    let (alice, finish) = alice.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
    (alice, bob.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap())
}

#[test]
fn a_record_allocates() {
    let (alice, bob) = channels();
    let ((mut sealer, _, _), (_, mut opener, _)) = (alice.into_halves(), bob.into_halves());
    let mut frame = Vec::with_capacity(20_000);
    let content = [7; CONTENT_MAX];
    let (allocations, _) = watch(|| {
        for round in 0..10_000 {
            let content = &content[..[1, 64, 1024, CONTENT_MAX][round % 4].min(if cfg!(debug_assertions) { 1024 } else { CONTENT_MAX })];
            frame.clear();
            if round % 2 == 0 {
                sealer.data(content, &mut frame).unwrap()
            } else {
                sealer.end(content, &mut frame).unwrap()
            }
            match opener.open(&mut frame).unwrap() {
                Record::Data(opened) | Record::End(opened) => assert_eq!(opened, content),
                other => panic!("{other:?}"),
            }
        }
    });
    assert_eq!(allocations, 0);
    // The count itself works: a rekey does allocate.
    let (allocations, _) = watch(|| frame = vec![0; 100]);
    assert_eq!(allocations, 1);
}

#[test]
fn a_length_that_nobody_authenticated_is_allocated() {
    let b = Identity::generate().unwrap();
    for length in [0u16, 5, 6, 1_221, 16_385, u16::MAX] {
        let mut frame = length.to_be_bytes().to_vec();
        frame.extend_from_slice(b"TL\x01\x01\x00\x01");
        let responder = Responder::new(&b, b"");
        let (_, largest) = watch(|| assert!(responder.read_hello(&frame).is_err()));
        assert!(largest < MAX_BODY, "{largest} bytes for a frame that says {length}");
    }
    let (allocations, _) = watch(|| {
        for length in 0..=u16::MAX {
            assert_eq!(frame_len(length.to_be_bytes()).is_ok(), (19..=16_640).contains(&length));
        }
    });
    assert_eq!(allocations, 0);
}
