//! An allocator that gives nothing back while it records, and a reader of memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

const MOST: usize = 1 << 14;

/// Start and length of each block that was taken while this thread recorded.
static STARTS: [AtomicUsize; MOST] = [const { AtomicUsize::new(0) }; MOST];
static LENGTHS: [AtomicUsize; MOST] = [const { AtomicUsize::new(0) }; MOST];
static COUNT: AtomicUsize = AtomicUsize::new(0);
/// One test at a time records: the blocks are one list.
static TURN: Mutex<()> = Mutex::new(());

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(false) };
}

struct Keeping;

fn recording() -> bool {
    RECORDING.try_with(Cell::get).unwrap_or(false)
}

// SAFETY: every block is the system allocator's. Some are never given back, which is allowed. What is reallocated is taken anew, copied and given back, by the trait's own means.
unsafe impl GlobalAlloc for Keeping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !recording() {
            // SAFETY: as the caller promised.
            return unsafe { System.alloc(layout) };
        }
        // Zeros, since what the block held before may be a list of secrets of the test's own.
        // SAFETY: as the caller promised.
        let block = unsafe { System.alloc_zeroed(layout) };
        let index = COUNT.fetch_add(1, Ordering::SeqCst);
        STARTS[index].store(block.expose_provenance(), Ordering::SeqCst);
        LENGTHS[index].store(layout.size(), Ordering::SeqCst);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !recording() {
            // SAFETY: as the caller promised.
            unsafe { System.dealloc(block, layout) }
        }
    }
}

#[global_allocator]
static ALLOCATOR: Keeping = Keeping;

/// What a block holds now.
pub(crate) struct Block {
    pub(crate) start: usize,
    pub(crate) bytes: Vec<u8>,
}

/// Runs `f`; what it takes is noted, and what it gives back stays as it is.
pub(crate) fn record<T>(f: impl FnOnce() -> T) -> T {
    RECORDING.set(true);
    let result = f();
    RECORDING.set(false);
    assert!(COUNT.load(Ordering::SeqCst) < MOST, "more blocks than the test can note");
    result
}

/// Waits until no other test records, and forgets what those have noted. Their blocks are never used again.
pub(crate) fn turn() -> impl Drop {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    COUNT.store(0, Ordering::SeqCst);
    turn
}

/// Every block noted, in use or given back.
pub(crate) fn blocks() -> Vec<Block> {
    let noted = (0..COUNT.load(Ordering::SeqCst)).map(|i| (STARTS[i].load(Ordering::SeqCst), LENGTHS[i].load(Ordering::SeqCst)));
    noted.map(|(start, length)| Block { start, bytes: stands_at(start, length) }).collect()
}

/// What the kernel reads there.
pub(crate) fn stands_at(start: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    File::open("/proc/self/mem").unwrap().read_exact_at(&mut bytes, start as u64).unwrap();
    bytes
}
