//! Two honest sides of a channel over a link that the input drives: the second half of [`crate::session`].

use crate::input::Input;
use crate::model::Event;
use crate::rng::Seeded;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use twinlock::channel::{CloseCode, Opener, Padding, PeerOffer, Policy, Record, RecordType, Sealer};
use twinlock::{Channel, Error};

const STEPS: usize = 150;

/// One side of a channel, and the direction that it sends in.
struct Side {
    sealer: Sealer,
    opener: Opener,
    offer: Option<PeerOffer>,
    failed: bool,
    link: Link,
    /// What was sealed since it was last looked.
    sealed: Arc<Mutex<Vec<RecordType>>>,
}

/// A direction: what was sealed, frame by frame, with what each says; and how much arrived.
#[derive(Default)]
struct Link {
    frames: Vec<Vec<u8>>,
    /// None of a ping, or its answer.
    says: Vec<Option<Event>>,
    arrived: usize,
    /// On their way.
    queue: Vec<Vec<u8>>,
}

/// Steps of the input, and then the end.
pub fn run(sides: [Channel; 2], input: &mut Input) {
    let mut talk = Talk { sides: sides.map(Side::new), rng: Seeded::new(11) };
    talk.set_policies(input);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        talk.step(input);
    }
    talk.end();
}

impl Side {
    fn new(channel: Channel) -> Self {
        let (mut sealer, opener, _) = channel.into_halves();
        let sealed: Arc<Mutex<Vec<RecordType>>> = Arc::default();
        let told = Arc::clone(&sealed);
        sealer.set_trace(Box::new(move |kind, _| lock(&told).push(kind)));
        Self { sealer, opener, offer: None, failed: false, link: Link::default(), sealed }
    }
}

struct Talk {
    sides: [Side; 2],
    rng: Seeded,
}

impl Talk {
    fn set_policies(&mut self, input: &mut Input) {
        for side in &mut self.sides {
            let policy =
                Policy { update_records: *input.pick(&[u64::MAX, 9]), offer_bytes: *input.pick(&[u64::MAX, 300]), ..Policy::default() };
            side.sealer.set_policy(policy);
            side.opener.set_policy(policy);
        }
    }

    fn step(&mut self, input: &mut Input) {
        let choice = input.byte();
        let from = usize::from(choice >> 7);
        match choice & 0x7F {
            0..=49 => self.sends(from, input),
            50..=109 => self.delivers(from, input),
            _ => self.interferes(from, input),
        }
    }

    /// One call on a side's sealer.
    fn sends(&mut self, from: usize, input: &mut Input) {
        let (what, piece) = (input.byte() % 12, input.filled(16_384));
        let side = &mut self.sides[from];
        let (mid, mut out) = (side.sealer.mid_message(), Vec::new());
        let (sealer, to) = (&mut side.sealer, &mut out);
        let (done, says) = match what {
            0..=2 => (sealer.data(&piece, to), vec![Event::Data(piece)]),
            3..=5 => (sealer.end(&piece, to), vec![Event::End(piece)]),
            6 => (sealer.abort(to), vec![Event::Abort; usize::from(mid)]),
            7 => (sealer.key_update(to), vec![]),
            8 => {
                sealer.ping(input.number());
                (sealer.control(to), vec![])
            }
            9 => {
                sealer.set_padding(*input.pick(&[Padding::None, Padding::Padme, Padding::Multiple(512)]));
                (sealer.control(to), vec![])
            }
            10 => return self.offers(from, input),
            _ if input.byte() % 4 != 1 => (sealer.control(to), vec![]),
            _ => {
                let close = Event::Close(300, "enough".to_owned());
                let says = if mid { vec![Event::Abort, close] } else { vec![close] };
                (sealer.close(CloseCode::Other(300), "enough", to), says)
            }
        };
        side.sealed(done, &out, says);
    }

    fn offers(&mut self, from: usize, input: &mut Input) {
        let (side, rng) = (&mut self.sides[from], &mut self.rng);
        let made = if input.flag() {
            side.opener.make_offer(rng).map(|offer| offer.into_iter().for_each(|offer| side.sealer.send_offer(offer)))
        } else {
            side.sealer.make_offer(rng).map(|open| open.into_iter().for_each(|open| side.opener.await_answer(open)))
        };
        assert!(made.is_ok() || side.failed, "{made:?}");
        let mut out = Vec::new();
        let done = side.sealer.control(&mut out);
        side.sealed(done, &out, vec![]);
    }

    /// The oldest frame on its way arrives.
    fn delivers(&mut self, from: usize, input: &mut Input) {
        if self.sides[from].link.queue.is_empty() {
            return;
        }
        let mut frame = self.sides[from].link.queue.remove(0);
        let [a, b] = &mut self.sides;
        let (sender, reader) = if from == 0 { (a, b) } else { (b, a) };
        let link = &mut sender.link;
        let next = link.frames.get(link.arrived) == Some(&frame);
        let closed = reader.opener.is_closed();
        match reader.opener.open(&mut frame) {
            Ok(record) => {
                assert!(next && !reader.failed && !closed, "a frame was read that was not the next");
                let (event, said) = (Event::from(&record), link.says[link.arrived].as_ref());
                assert!(
                    said.map_or(matches!(event, Event::Ping(_) | Event::Pong(_)), |said| *said == event),
                    "another record arrived than was sent"
                );
                link.arrived += 1;
                if let Record::Ping(number) = record {
                    reader.sealer.answer_ping(number);
                } else if let Record::Offer(offer) = record {
                    reader.offer = Some(offer);
                }
            }
            Err(error) => {
                assert!(!next || reader.failed || closed, "the next frame was not read: {error:?}");
                assert_eq!(error == Error::Ended, reader.failed);
                reader.fails();
            }
        }
        reader.answers(&mut self.rng, input);
    }

    /// What a link can do.
    fn interferes(&mut self, from: usize, input: &mut Input) {
        let other = &self.sides[1 - from].link.frames;
        let reflected = if other.is_empty() { Vec::new() } else { input.pick(other).clone() };
        let link = &mut self.sides[from].link;
        let (queue, what) = (&mut link.queue, input.byte() % 8);
        if queue.is_empty() && what < 5 {
            return;
        }
        let at = input.below(queue.len().max(1));
        match what {
            0 => drop(queue.remove(at)),
            1 => queue.insert(at, queue[at].clone()),
            2 => queue.swap(0, at),
            3 => input.change(&mut queue[at], &[0, 2, 5]),
            4 => {
                let end = queue[at].len().saturating_sub(1);
                queue[at].truncate(end);
            }
            5 if !link.frames.is_empty() => queue.insert(at, input.pick(&link.frames).clone()),
            6 => queue.insert(at, reflected),
            _ => queue.insert(at, input.some().to_vec()),
        }
    }

    /// What is still on its way arrives, and then the transports end.
    fn end(&mut self) {
        for from in [0, 1] {
            while !self.sides[from].link.queue.is_empty() {
                self.delivers(from, &mut Input::new(&[]));
            }
        }
        for side in &mut self.sides {
            let expected = match (side.failed, side.opener.is_closed()) {
                (true, _) => Err(Error::Ended),
                (false, true) => Ok(()),
                (false, false) => Err(Error::Truncated),
            };
            assert_eq!(side.opener.transport_ended(), expected);
        }
    }
}

impl Side {
    /// New frames go onto the link, each with what it says: the pieces are `says`, and the trace tells what went with them.
    fn sealed(&mut self, done: Result<(), Error>, out: &[u8], says: Vec<Event>) {
        assert!(!self.failed || (done.is_err() && out.is_empty()), "something was sealed after a fatal error");
        assert!(matches!(done, Ok(()) | Err(Error::TooLong | Error::Closed)) || self.failed, "{done:?}");
        let (mut rest, mut says) = (out, says.into_iter());
        for kind in std::mem::take(&mut *lock(&self.sealed)) {
            let length = 2 + usize::from(u16::from_be_bytes([rest[0], rest[1]]));
            let (frame, after) = rest.split_at(length);
            let event = match kind {
                RecordType::KeyUpdate => Some(Event::KeyUpdate),
                RecordType::RekeyOffer => Some(Event::Offer),
                RecordType::Rekey => Some(Event::Rekey),
                RecordType::Ping => None,
                _ => Some(says.next().expect("a piece that was given")),
            };
            self.link.frames.push(frame.to_vec());
            self.link.queue.push(frame.to_vec());
            self.link.says.push(event);
            rest = after;
        }
        assert!(rest.is_empty() && (done.is_err() || says.next().is_none()), "what was given was not sealed");
    }

    fn fails(&mut self) {
        self.failed = true;
        let mut out = Vec::new();
        assert!(self.sealer.end(b"", &mut out).is_err() && out.is_empty(), "something was sent after a fatal error");
        assert_eq!(self.opener.open(&mut [0; 40]), Err(Error::Ended));
    }

    /// Answers the peer's offer, now or later, and makes one where the policy wants it.
    fn answers(&mut self, rng: &mut Seeded, input: &mut Input) {
        if self.failed {
            return;
        }
        if let Some(offer) = self.offer.take_if(|_| input.byte() % 4 != 1) {
            self.sealer.answer_offer(offer, rng).expect("an honest offer");
        }
        if self.opener.offer_due(Duration::ZERO) {
            let offer = self.opener.make_offer(rng).expect("a good generator");
            self.sealer.send_offer(offer.expect("one that is due can be made"));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
