//! Both ends of a channel, in a suite.
#![allow(dead_code, reason = "each benchmark uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on stops")]

use getrandom::SysRng;
use std::hint::black_box;
use std::ops::Range;
use twinlock::channel::{Opener, Policy, Record, Sealer};
use twinlock::handshake::{Initiator, Responder};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity, Suite};

const PAGE: usize = 4096;

/// Both ends of a channel, a message that goes from here to there, and the frames between them.
pub(crate) struct Ends {
    pub(crate) here: (Sealer, Opener),
    pub(crate) there: (Sealer, Opener),
    page: Vec<u8>,
    message: Range<usize>,
    pub(crate) frames: Vec<u8>,
}

impl Ends {
    pub(crate) fn new(suite: Suite, size: usize) -> Self {
        let [a, b] = [(); 2].map(|()| Identity::generate_for(suite.signature()).unwrap());
        let (initiator, hello) = Initiator::new(&a, b"bench").suite(suite).send_hello().unwrap();
        let responder = Responder::new(&b, b"bench").suites(&[suite]);
        let (responder, reply) = responder.read_hello(&hello).unwrap().send_reply().unwrap();
        let (here, finish) = initiator.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
        let there = responder.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap();
        // Some processors copy a message thirty times slower to a place that lies a few bytes further on in its page than the message in its own.
        // Where an allocator puts things is luck: here the two are half a page apart.
        let page = vec![7; PAGE + size];
        let frames: Vec<u8> = Vec::with_capacity(2 * (PAGE + size));
        let start = (frames.as_ptr().addr() + PAGE / 2).wrapping_sub(page.as_ptr().addr()) % PAGE;
        Self { here: halves(here), there: halves(there), page, message: start..start + size, frames }
    }

    /// Here seals the message.
    pub(crate) fn seal(&mut self) {
        let message = self.page.get(self.message.clone()).unwrap();
        self.here.0.message(black_box(message), &mut self.frames).unwrap();
    }

    /// There opens every frame, and the buffer is empty again.
    pub(crate) fn open(&mut self) {
        let mut frames = self.frames.as_mut_slice();
        while let Some(prefix) = frames.first_chunk::<2>() {
            let (frame, rest) = frames.split_at_mut(usize::from(u16::from_be_bytes(*prefix)) + 2);
            black_box(self.there.1.open(frame).unwrap());
            frames = rest;
        }
        self.frames.clear();
    }

    /// There renews what here sends: offer, answer, and both have the new key.
    pub(crate) fn rekey(&mut self) {
        let offer = self.there.1.make_offer(&mut SysRng).unwrap().unwrap();
        self.there.0.send_offer(offer);
        self.there.0.control(&mut self.frames).unwrap();
        let Record::Offer(offer) = self.here.1.open(&mut self.frames).unwrap() else { panic!("an offer was sent") };
        self.here.0.answer_offer(offer, &mut SysRng).unwrap();
        self.frames.clear();
        self.here.0.control(&mut self.frames).unwrap();
        self.open();
    }
}

/// A channel's halves. Key updates by policy would stand between the records that are counted here.
fn halves(channel: Channel) -> (Sealer, Opener) {
    let (mut sealer, opener, _) = channel.into_halves();
    sealer.set_policy(Policy { update_records: u64::MAX, update_bytes: u64::MAX, ..Policy::default() });
    (sealer, opener)
}
