//! What a conversation allocates: nothing in its steady state, and little while a message of any length streams through.
//!
//! The allocator counts. What it can't show is a copy: that the content is copied once alone, out of the frame's buffer where it was opened into the
//! caller's, follows from the code (a frame is opened in place, and [`Stream::recv_into`] appends the piece to the message). Nor does it see the stack,
//! nor what the operating system allocates.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]
// An allocator can't be written without; the library forbids it.
#![allow(unsafe_code, missing_docs, unreachable_pub, dead_code)]

#[path = "io/pipe.rs"]
mod pipe;

use pipe::{Pipe, pipe, pipe_with_room};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use twinlock::handshake::{AnonymousInitiator, Hello, Responder};
use twinlock::io::{Accept, Connect, Stream};
use twinlock::trust::{Anonymous, danger::TrustAnyone};
use twinlock::{Error, Identity};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes held now, and the most that were held since the last look.
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Allocations of this thread, and the largest of them.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn took(size: usize) {
    COUNT.with(|count| count.set(count.get() + 1));
    LARGEST.with(|largest| largest.set(largest.get().max(size)));
    let held = HELD.fetch_add(size, Relaxed) + size;
    PEAK.fetch_max(held, Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came; the counting touches no memory of its callers, and allocates nothing itself (the
// thread-local cells are constant and need no destructor).
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.fetch_sub(layout.size(), Relaxed);
        took(size);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// The tests of this file run one after the other: what is held is counted over all threads.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many allocations `work` makes in this thread.
fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

/// The largest allocation that `work` makes in this thread.
fn largest(work: impl FnOnce()) -> usize {
    LARGEST.set(0);
    work();
    LARGEST.get()
}

fn conversation((a, b): (Pipe, Pipe)) -> (Stream<Pipe>, Stream<Pipe>) {
    let me = Identity::generate().unwrap();
    let (alice, hello) = AnonymousInitiator::new(b"io").send_hello().unwrap();
    let Hello::Anonymous(bob) = Responder::new(&me, b"io").read_any_hello(&hello).unwrap() else { panic!("another pattern") };
    let (bob, reply) = bob.send_reply(&mut Anonymous).unwrap();
    let alice = alice.read_reply(&reply).unwrap().into_channel(&mut TrustAnyone).unwrap();
    (Stream::new(a, alice), Stream::new(b, bob))
}

#[test]
fn the_allocator_does_not_count() {
    let _alone = alone();
    let mut memory = Vec::<u8>::new();
    assert_eq!(allocations(|| memory.reserve_exact(3000)), 1);
    assert_eq!(largest(|| memory.reserve_exact(5000)), 5000);
}

#[test]
fn a_message_costs_an_allocation() {
    let _alone = alone();
    let (mut alice, mut bob) = conversation(pipe());
    let mut received = Vec::new();
    // Without optimisation the ciphers take a second for some 3 MB.
    let less = if cfg!(debug_assertions) { 100 } else { 1 };
    for (size, rounds) in [(64, 10_000), (1024, 10_000 / less.min(10)), (16_384, 10_000 / less), (50_000, 1000 / less)] {
        let message = vec![7; size];
        let mut round_trip = || {
            alice.send(&message).unwrap();
            assert!(bob.recv_into(&mut received).unwrap());
            assert!(received == message);
        };
        // Memory is taken the first time, and used again: two buffers go round at each end.
        for _ in 0..3 {
            round_trip();
        }
        let made = allocations(|| (0..rounds).for_each(|_| round_trip()));
        assert_eq!(made, 0, "in {rounds} messages of {size} bytes");
    }
}

#[test]
fn a_part_of_a_message_costs_an_allocation() {
    let _alone = alone();
    let (mut alice, mut bob) = conversation(pipe());
    let mut buf = [0; 4000];
    let mut round_trip = || {
        let mut writer = alice.message_writer().unwrap();
        for _ in 0..10 {
            writer.put(&[7; 3000]).unwrap();
        }
        writer.finish().unwrap();
        let mut reader = bob.recv_reader().unwrap().unwrap();
        while reader.read_part(&mut buf).unwrap() > 0 {}
    };
    round_trip();
    assert_eq!(allocations(|| (0..50).for_each(|_| round_trip())), 0);
    let (mut alice, mut bob) = (alice.into_bytes(), bob.into_bytes());
    let mut round_trip = || {
        alice.write_all(&[7; 4000]).unwrap();
        alice.flush().unwrap();
        bob.read_exact(&mut buf).unwrap();
    };
    assert_eq!(allocations(|| (0..50).for_each(|_| round_trip())), 0);
}

/// Streams one message of this length through both ends, and checks what they held meanwhile.
fn stream_through(length: u64) {
    let _alone = alone();
    let (alice, bob) = conversation(pipe_with_room(1 << 16));
    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    let sending = thread::spawn(move || {
        let mut alice = alice;
        let part = [7; 10_000];
        let mut writer = alice.message_writer().unwrap();
        let mut left = length;
        while left > 0 {
            let now = part.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            writer.put(&part[..now]).unwrap();
            left -= now as u64;
        }
        writer.finish().unwrap();
        alice.finish().unwrap();
        alice
    });
    let mut bob = bob;
    let mut reader = bob.recv_reader().unwrap().unwrap();
    let (mut heard, mut buf) = (0, [0; 7000]);
    while let n @ 1.. = reader.read_part(&mut buf).unwrap() {
        heard += n as u64;
    }
    drop(reader);
    assert!(bob.recv().unwrap().is_none());
    let held = PEAK.load(Relaxed) - before;
    drop(sending.join().unwrap());
    assert_eq!(heard, length);
    println!("{held} bytes held at most for a message of {length}");
    assert!(held < 200 << 10, "{held} bytes at a time for a message of {length}");
}

#[test]
fn a_long_message_is_gathered_by_its_reader() {
    stream_through(if cfg!(debug_assertions) { 8 << 20 } else { 256 << 20 });
}

/// `cargo test --release --test io_no_alloc -- --ignored`
#[test]
#[ignore = "10 GiB take a minute in release"]
fn a_message_of_10_gib_is_gathered_by_its_reader() {
    stream_through(10 << 30);
}

#[test]
fn a_message_above_the_bound_is_gathered_before_it_is_refused() {
    let _alone = alone();
    let (mut alice, mut bob) = conversation(pipe());
    bob.set_message_max(20_000);
    alice.send(&vec![7; 1 << 20]).unwrap();
    alice.send(b"next").unwrap();
    let largest = largest(|| {
        assert!(bob.recv().is_err());
        assert_eq!(bob.recv().unwrap().unwrap(), b"next");
    });
    assert!(largest < 40_000, "{largest}");
}

#[test]
fn a_stranger_makes_memory_be_taken_by_announcing_a_length() {
    let _alone = alone();
    let me = Identity::generate().unwrap();
    for length in [0_u16, 1, 5, 16_385, 40_000, u16::MAX] {
        let (mut stranger, b) = pipe();
        stranger.write_all(&length.to_be_bytes()).unwrap();
        let accept = Accept::new(&me, b"io");
        drop(stranger);
        let taken = largest(|| {
            let error = accept.accept(b, &mut TrustAnyone).unwrap_err();
            assert!(matches!(error, twinlock::io::Error::Protocol(Error::Malformed)), "{length}");
        });
        assert!(taken < 2500, "{taken} bytes for a length of {length}");
        // Nor does who answers.
        let (a, mut stranger) = pipe();
        stranger.write_all(&length.to_be_bytes()).unwrap();
        a.controls().end_incoming();
        let connect = Connect::new(&me, b"io");
        let taken = largest(|| assert!(connect.connect(a, &mut TrustAnyone).is_err()));
        assert!(taken < 16_000, "{taken} bytes for a length of {length}");
    }
    // The largest that the bounds allow is one frame's.
    let (mut stranger, b) = pipe();
    stranger.write_all(&16_384_u16.to_be_bytes()).unwrap();
    drop(stranger);
    let taken = largest(|| assert!(Accept::new(&me, b"io").accept(b, &mut TrustAnyone).is_err()));
    assert!((16_386..33_000).contains(&taken), "{taken}");
}
