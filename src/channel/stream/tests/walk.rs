//! A random walk: two sides do whatever they may, in any order, over an ordered link. Messages arrive whole and in order, and both ends count the same.

use super::bundle::acquainted;
use super::rng::Seeded;
use super::{Side, frames};
use crate::channel::record::{CloseCode, Padding};
use crate::channel::stream::{PeerOffer, Policy, Record};
use crate::error::Error;
use crate::identity::Bundle;
use core::time::Duration;
use std::collections::VecDeque;
use std::vec::Vec;

/// What a direction was given, and what of it has not arrived.
#[derive(Default)]
struct Link {
    frames: VecDeque<Vec<u8>>,
    /// Messages on their way; none for one that was broken off.
    expected: VecDeque<Option<Vec<u8>>>,
    /// The sender's message begun.
    begun: Option<Vec<u8>>,
    /// What the reader has of a message.
    gathered: Vec<u8>,
    pings: VecDeque<u32>,
    closed: bool,
    arrived: usize,
    bundles: u32,
}

struct Walk {
    rng: Seeded,
    sides: [Side; 2],
    /// From a to b, from b to a.
    links: [Link; 2],
    offers: [Option<PeerOffer>; 2],
    bundle: Bundle,
}

impl Walk {
    fn new(seed: u64) -> Self {
        let (sides, [bundle]) = acquainted([seed]);
        let mut walk = Self { rng: Seeded::new(seed), sides, links: Default::default(), offers: [None, None], bundle };
        for side in &mut walk.sides {
            let policy = Policy {
                update_records: 5 + walk.rng.next() % 40,
                update_bytes: 40_000,
                offer_bytes: 30_000,
                offer_every: Duration::from_secs(1),
                ..Policy::default()
            };
            side.sealer.set_policy(policy);
            side.opener.set_policy(policy);
        }
        walk
    }

    fn piece(&mut self) -> Vec<u8> {
        let most = [1, 30, 400, 16_384][self.rng.below(4)];
        let length = 1 + self.rng.below(most);
        self.rng.bytes(length)
    }

    /// One call on a side's sealer; what it appended goes onto the link.
    fn sends(&mut self, from: usize) {
        let piece = self.piece();
        let what = self.rng.below(13);
        let (side, link) = (&mut self.sides[from], &mut self.links[from]);
        let mut wire = Vec::new();
        let sealer = &mut side.sealer;
        let done = match what {
            0..=2 => sealer.data(&piece, &mut wire).map(|()| link.begun.get_or_insert_default().extend(&piece)),
            3 | 4 => sealer.end(&piece, &mut wire).map(|()| {
                let whole = [link.begun.take().unwrap_or_default(), piece].concat();
                link.expected.push_back(Some(whole));
            }),
            5 if link.begun.is_none() => {
                let long = piece.repeat(3);
                sealer.message(&long, &mut wire).map(|()| link.expected.push_back(Some(long)))
            }
            6 => sealer.abort(&mut wire).map(|()| {
                if link.begun.take().is_some() {
                    link.expected.push_back(None);
                }
            }),
            7 => sealer.key_update(&mut wire),
            8 => {
                let number = self.rng.next() as u32 >> self.rng.below(32);
                sealer.ping(number);
                sealer.control(&mut wire).map(|()| link.pings.push_back(number))
            }
            9 => {
                let padding = [Padding::None, Padding::Padme, Padding::Multiple(100)][self.rng.below(3)];
                sealer.set_padding(padding);
                Ok(())
            }
            10 => match side.opener.make_offer(&mut self.rng) {
                Ok(offer) => {
                    offer.into_iter().for_each(|offer| sealer.send_offer(offer));
                    sealer.control(&mut wire)
                }
                Err(error) => Err(error),
            },
            // One that waits would stay behind the next, and have no number on the wire.
            11 if from == 0 && sealer.bundle.is_none() => sealer.bundle(&self.bundle).and_then(|_| sealer.control(&mut wire)),
            _ => {
                if let Some(offer) = self.offers[from].take() {
                    sealer.answer_offer(offer, &mut self.rng).unwrap();
                }
                sealer.control(&mut wire)
            }
        };
        match done {
            Err(Error::Closed) => assert!(link.closed && wire.is_empty()),
            done => done.unwrap(),
        }
        link.frames.extend(frames(&wire));
    }

    fn closes(&mut self, from: usize) {
        let (side, link) = (&mut self.sides[from], &mut self.links[from]);
        let mut wire = Vec::new();
        side.sealer.close(CloseCode::Other(300), "enough", &mut wire).unwrap();
        if link.begun.take().is_some() {
            link.expected.push_back(None);
        }
        link.closed = true;
        link.frames.extend(frames(&wire));
    }

    /// The oldest frame arrives.
    fn arrives(&mut self, from: usize) {
        let link = &mut self.links[from];
        let Some(mut frame) = link.frames.pop_front() else { return };
        let side = &mut self.sides[1 - from];
        match side.opener.open(&mut frame).unwrap() {
            Record::Data(piece) => link.gathered.extend(piece),
            Record::End(piece) => {
                link.gathered.extend(piece);
                let whole = core::mem::take(&mut link.gathered);
                assert!(link.expected.pop_front().unwrap() == Some(whole), "another message arrived");
                link.arrived += 1;
            }
            Record::Abort => {
                link.gathered.clear();
                assert!(link.expected.pop_front().unwrap().is_none(), "a message was broken off");
            }
            Record::Close(close) => assert_eq!((close.code, close.reason.as_str()), (CloseCode::Other(300), "enough")),
            Record::Offer(offer) => assert!(self.offers[1 - from].replace(offer).is_none() || side.sealer.is_closed()),
            Record::Ping(number) => {
                assert_eq!(link.pings.pop_front(), Some(number));
                side.sealer.answer_ping(number);
            }
            Record::Bundle(bundle) => {
                assert!(*bundle == self.bundle);
                link.bundles += 1;
            }
            Record::Pong(_) | Record::KeyUpdate | Record::Rekey => {}
        }
        assert!(self.sides[0].sealer.bundle_delivered() <= self.links[0].bundles, "a bundle was delivered that did not arrive");
        if self.sides[1 - from].opener.offer_due(Duration::ZERO) {
            let offer = self.sides[1 - from].opener.make_offer(&mut self.rng).unwrap().unwrap();
            self.sides[1 - from].sealer.send_offer(offer);
        }
    }

    fn drain(&mut self) {
        for from in [0, 1] {
            while !self.links[from].frames.is_empty() {
                self.arrives(from);
            }
        }
    }

    fn check(&self) {
        for from in [0, 1] {
            let (sealer, opener) = (&self.sides[from].sealer, &self.sides[1 - from].opener);
            assert_eq!(sealer.totals(), opener.totals());
            assert_eq!(sealer.mid_message(), opener.mid_message());
            assert_eq!(sealer.is_closed(), opener.is_closed());
            if let (Some(sends), Some(reads)) = (sealer.direction(), opener.receiving()) {
                assert_eq!(sends.expose(), reads.expose());
            }
            assert!(self.links[from].expected.is_empty() && self.links[from].pings.is_empty());
        }
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            let from = self.rng.below(2);
            match self.rng.below(2) {
                0 => self.sends(from),
                _ => self.arrives(from),
            }
        }
    }
}

#[test]
fn a_message_arrives_changed_in_another_order_or_never() {
    let walks = if cfg!(debug_assertions) { 15 } else { 400 };
    let (mut arrived, mut rekeys, mut key_updates, mut delivered) = (0, 0, 0, 0);
    for seed in 0..walks {
        let mut walk = Walk::new(seed);
        walk.steps(250);
        walk.drain();
        walk.check();
        // One side closes in the middle of it all; the other goes on.
        let first = walk.rng.below(2);
        walk.steps(20);
        walk.closes(first);
        walk.steps(80);
        walk.closes(1 - first);
        walk.drain();
        walk.check();
        for (side, link) in walk.sides.iter_mut().zip(&walk.links) {
            assert_eq!(side.opener.transport_ended(), Ok(()));
            arrived += link.arrived;
            rekeys += side.opener.totals().rekeys;
            key_updates += side.opener.totals().key_updates;
            delivered += u64::from(side.sealer.bundle_delivered());
        }
    }
    // The walk goes where it should: each kind of step was taken often.
    assert!(arrived as u64 > walks * 20 && rekeys > walks * 2 && key_updates > walks * 5, "{arrived} {rekeys} {key_updates}");
    assert!(delivered > walks, "{delivered}");
}
