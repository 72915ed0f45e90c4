//! An allocator that counts, for each thread by itself. It is the one thing here that needs `unsafe`; the library forbids it.
//!
//! It sees the heap alone: no stack, and nothing that the operating system holds.
#![allow(unsafe_code, reason = "a global allocator is made no other way")]
#![allow(clippy::unwrap_used, clippy::as_conversions)]
#![allow(dead_code, reason = "each program uses a part")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

/// Of one thread.
#[derive(Clone, Copy)]
struct Counts {
    /// Calls that took memory.
    taken: usize,
    /// Bytes held now, and the most since the last look; negative where what was taken before is given back.
    held: isize,
    most: isize,
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { taken: 0, held: 0, most: 0 }) };
}

fn count(taken: usize, bytes: isize) {
    // A thread that ends may free what it held after its counts are gone.
    let _ = COUNTS.try_with(|counts| {
        let mut now = counts.get();
        now.taken += taken;
        now.held += bytes;
        now.most = now.most.max(now.held);
        counts.set(now);
    });
}

// SAFETY: every call is the system allocator's, with the arguments as they came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as isize);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, -(layout.size() as isize));
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Old and new may be held at once.
        count(1, size as isize);
        // SAFETY: as the caller promised.
        let place = unsafe { System.realloc(place, layout, size) };
        count(0, -(layout.size() as isize));
        place
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `f` takes memory, and how many bytes it holds at most beyond what was held before.
pub(crate) fn memory<T>(f: impl FnOnce() -> T) -> (usize, usize, T) {
    let before = COUNTS.get();
    COUNTS.set(Counts { most: before.held, ..before });
    let result = f();
    let after = COUNTS.get();
    (after.taken - before.taken, usize::try_from(after.most - before.held).unwrap(), result)
}

/// What `f` leaves held, in bytes; less than nothing where it gives back more than it takes.
pub(crate) fn held<T>(f: impl FnOnce() -> T) -> (isize, T) {
    let before = now();
    let result = f();
    (now() - before, result)
}

/// Bytes that this thread holds now, beyond what it was given by others.
pub(crate) fn now() -> isize {
    COUNTS.get().held
}

/// Runs `f` uncounted. It must give back all that it takes, and no more.
pub(crate) fn aside<T>(f: impl FnOnce() -> T) -> T {
    let before = COUNTS.get();
    let result = f();
    COUNTS.set(before);
    result
}
