//! Which of our bundles the peer has, as far as its answers tell (docs/protocol.md, section 4.6).
//!
//! ```text
//! ── bundle 1 ── ping 7 ── bundle 2 ── offer ──▶      the sealer writes down what went before what
//! ◀── answer to ping 7: it has 1 ── answer to the offer: it has 2 ──      the opener reads it
//! ```
//!
//! An answer tells of what was sent before its question, and of nothing else: neither the peer's other records nor its close do. A peer that answers what it did not read
//! deceives us about itself alone.

use core::sync::atomic::{AtomicU32, Ordering};

/// What the halves share. Bundles count from 1, in the order in which they were handed in; 0 is none.
#[derive(Default)]
pub(super) struct Delivery {
    /// The newest bundle sealed before the newest offer.
    before_offer: AtomicU32,
    /// The newest bundle sealed before the ping that is marked.
    before_ping: AtomicU32,
    /// That ping's number: higher than each before it.
    marked: AtomicU32,
    /// The highest number of a ping so far.
    asked: AtomicU32,
    /// The newest bundle that was delivered.
    delivered: AtomicU32,
}

/// What the sealer alone knows.
#[derive(Default)]
pub(super) struct Sent {
    /// The newest bundle sealed.
    bundle: u32,
    /// The newest bundle sealed before the ping that is marked.
    before_ping: u32,
    /// The highest number of a ping so far.
    ping: Option<u32>,
}

impl Sent {
    pub(super) fn bundle(&mut self, number: u32) {
        self.bundle = number;
    }

    /// An offer was sealed. There is one at a time, so its answer is no other's.
    pub(super) fn offer(&self, delivery: &Delivery) {
        delivery.before_offer.store(self.bundle, Ordering::SeqCst);
    }

    /// A ping was sealed. It is marked if it is the first after a bundle whose answer can be told from those to the pings before it: numbers are the caller's, and may come again.
    pub(super) fn ping(&mut self, number: u32, delivery: &Delivery) {
        if self.ping.is_some_and(|highest| number <= highest) {
            return;
        }
        self.ping = Some(number);
        delivery.asked.store(number, Ordering::SeqCst);
        if self.bundle > self.before_ping {
            self.before_ping = self.bundle;
            // In this order, and read in the other one: who sees the bundle sees its ping, or a later one.
            delivery.marked.store(number, Ordering::SeqCst);
            delivery.before_ping.store(self.bundle, Ordering::SeqCst);
        }
    }
}

impl Delivery {
    /// The peer answered our offer.
    pub(super) fn offer_answered(&self) {
        self.heard(self.before_offer.load(Ordering::SeqCst));
    }

    /// The peer answered a ping of ours. Each with a number from the marked one on was sent after that one, or is it.
    pub(super) fn ping_answered(&self, number: u32) {
        let bundle = self.before_ping.load(Ordering::SeqCst);
        if (self.marked.load(Ordering::SeqCst)..=self.asked.load(Ordering::SeqCst)).contains(&number) {
            self.heard(bundle);
        }
    }

    pub(super) fn newest(&self) -> u32 {
        self.delivered.load(Ordering::SeqCst)
    }

    fn heard(&self, bundle: u32) {
        self.delivered.fetch_max(bundle, Ordering::SeqCst);
    }
}
