//! For tests: the machine stops in the middle of a write. What was done before stays, and nothing is done after.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Write};
use std::thread_local;
use std::vec::Vec;

thread_local! {
    /// What can still be done on this thread: a byte written, and every other step, is one.
    static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    /// What was left before each step that is no byte.
    static STEPS: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// The machine stops after so much more; with `usize::MAX` it goes on. What was left is given back.
pub(crate) fn after(steps: usize) -> usize {
    STEPS.take();
    LEFT.replace(steps)
}

/// When each step comes that is no byte, and when all is done, while the machine does not stop.
pub(crate) fn moments(f: impl FnOnce()) -> (Vec<usize>, usize) {
    const ENOUGH: usize = usize::MAX / 2;
    after(ENOUGH);
    f();
    let steps = STEPS.take().into_iter().map(|left| ENOUGH - left).collect();
    (steps, ENOUGH - after(usize::MAX))
}

pub(super) fn step() -> io::Result<()> {
    STEPS.with_borrow_mut(|steps| steps.push(LEFT.get()));
    spend(1).and_then(|done| if done == 1 { Ok(()) } else { Err(stopped()) })
}

pub(super) fn write(file: &mut File, contents: &[u8]) -> io::Result<()> {
    let done = spend(contents.len())?;
    file.write_all(contents.get(..done).unwrap_or_default())?;
    if done == contents.len() { Ok(()) } else { Err(stopped()) }
}

/// How much of this can be done.
fn spend(wanted: usize) -> io::Result<usize> {
    let left = LEFT.get();
    let done = wanted.min(left);
    if left != usize::MAX {
        LEFT.set(left - done);
    }
    Ok(done)
}

fn stopped() -> io::Error {
    io::Error::other("the machine has stopped")
}
