//! How a conversation whose connection was cut goes on: who called calls again, and who listens waits for who called.

use crate::call::{Again, Caller};
use crate::room::Event;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};
use twinlock::Fingerprint;

/// The pause before the first call, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How long the peer of a conversation may take to show that it is there, when somebody is at the door who may be it.
pub(crate) const LIFE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(20);

pub(crate) enum Back {
    /// We call again.
    Calls(Arc<Caller>),
    /// The other side comes back.
    Comes(Arc<Presence>),
}

/// Calls that go on until this is dropped, or one succeeds.
pub(crate) struct Calling(Arc<AtomicBool>);

impl Drop for Calling {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Calls this peer again and again, after pauses that grow. What comes of it is told as an event of this number. `before` is how often it was called already.
pub(crate) fn call_again(caller: &Arc<Caller>, peer: Fingerprint, number: u64, before: u32, tell: Sender<Event>) -> Calling {
    let (over, caller) = (Arc::<AtomicBool>::default(), Arc::clone(caller));
    let calling = Calling(Arc::clone(&over));
    thread::spawn(move || {
        for times in before.. {
            thread::sleep(pause(times));
            if over.load(Ordering::SeqCst) {
                return;
            }
            let called = caller.again(peer);
            let goes_on = matches!(called, Err(Again::Later(_)));
            // A conversation that is over wants no other connection: it is dropped.
            if over.load(Ordering::SeqCst) || tell.send(Event::Called(number, Box::new(called))).is_err() || !goes_on {
                return;
            }
        }
    });
    calling
}

/// Twice as long each time, and a fifth more or less, lest many call at once.
fn pause(times: u32) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(times).unwrap_or(u32::MAX)).min(LONGEST_PAUSE);
    let mut random = [0; 1];
    // Without randomness it is the middle.
    let part = if getrandom::fill(&mut random).is_ok() { u32::from(random[0]) } else { 128 };
    pause.saturating_mul(part.saturating_mul(2).saturating_add(1_024)) / 1_280
}

/// Whether somebody can be let in: what the door looks at.
#[derive(Default)]
pub(crate) struct Presence {
    now: AtomicU8,
    /// How often a conversation was found alive.
    found_alive: AtomicU32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Present {
    /// Nobody is there.
    Free,
    /// A conversation goes on.
    Talking,
    /// A conversation was cut, and waits for its peer.
    Held,
}

impl Presence {
    pub(crate) fn set(&self, present: Present) {
        let number = match present {
            Present::Free => 0,
            Present::Talking => 1,
            Present::Held => 2,
        };
        self.now.store(number, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Present {
        match self.now.load(Ordering::SeqCst) {
            0 => Present::Free,
            1 => Present::Talking,
            _ => Present::Held,
        }
    }

    /// The conversation was looked at, and its peer has answered.
    pub(crate) fn is_alive(&self) {
        self.found_alive.fetch_add(1, Ordering::SeqCst);
    }

    /// How it is for somebody who knocks now. During a conversation that is told, and it is looked whether its peer is there: it may be cut off, and be the one who comes.
    pub(crate) fn to_a_visitor(&self, tell: impl FnOnce()) -> Present {
        let (before, begun) = (self.found_alive.load(Ordering::SeqCst), Instant::now());
        if self.now() == Present::Talking {
            tell();
        }
        let looked = || self.found_alive.load(Ordering::SeqCst) != before || begun.elapsed() > LIFE.saturating_mul(2);
        while self.now() == Present::Talking && !looked() {
            thread::sleep(GLANCE);
        }
        self.now()
    }
}
