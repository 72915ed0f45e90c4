//! Records from a peer that has the keys and keeps no rule, to the halves of a channel; and what the halves send meanwhile (docs/protocol.md, section 8).
//!
//! A model of the reader says for each record what it means or that it is fatal, and the library must say the same. What this side seals is opened with the keys that the
//! specification says and read by a second model, for which nothing of it may be fatal.

use crate::cases::without_initiator;
use crate::forge::{Direction, plaintext};
use crate::forged;
use crate::input::Input;
use crate::kems::{Known, known};
use crate::model::{Event, Model, Outcome};
use crate::rng::{Coins, Seeded};
use std::collections::VecDeque;
use std::time::Duration;
use twinlock::channel::{CloseCode, Opener, Padding, PeerOffer, Policy, Record, Sealer};
use twinlock::{Error, Suite};

struct Sides {
    suite: Suite,
    sealer: Sealer,
    opener: Opener,
    /// The peer's direction; none once its key is not known any more.
    incoming: Option<Direction>,
    reader: Model,
    failed: bool,
    /// Our direction, and the peer's view of it.
    outgoing: Option<Direction>,
    peer: Model,
    /// What the peer must hear.
    said: VecDeque<Event>,
    offer: Option<(PeerOffer, Option<&'static Known>)>,
    own_offer: Option<&'static Known>,
    answer: Option<&'static Known>,
    sent_offer: Option<Vec<u8>>,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (case, initiator) = (*input.pick(without_initiator()), input.flag());
    let [i2r, r2i] = case.directions();
    let (outgoing, incoming) = if initiator { (i2r, r2i) } else { (r2i, i2r) };
    let (sealer, opener, _) = case.channel(initiator).into_halves();
    let mut sides = Sides {
        suite: case.suite,
        sealer,
        opener,
        incoming: Some(incoming),
        reader: Model::new(case.suite),
        failed: false,
        outgoing: Some(outgoing),
        peer: Model::new(case.suite),
        said: VecDeque::new(),
        offer: None,
        own_offer: None,
        answer: None,
        sent_offer: None,
    };
    sides.set_policy(&mut input);
    while !input.is_empty() {
        sides.step(&mut input);
    }
    sides.end();
}

impl Sides {
    fn set_policy(&mut self, input: &mut Input) {
        let unanswered = *input.pick(&[usize::MAX, 100_000, 200]);
        let update_records = *input.pick(&[u64::MAX, 7]);
        let policy = Policy { unanswered_bytes: unanswered as u64, update_records, ..Policy::default() };
        self.reader.unanswered_max = unanswered;
        self.sealer.set_policy(policy);
        self.opener.set_policy(policy);
    }

    fn step(&mut self, input: &mut Input) {
        match input.byte() % 16 {
            0..=7 => {
                let text = forged::record(self.suite, input);
                self.receive(&text, input);
            }
            8 => (0..input.byte() % 40).for_each(|_| self.receive(&plaintext(4, &[], 0), &mut Input::new(&[]))),
            9 => self.offers(input),
            10 => self.answers(input),
            _ => self.sends(input),
        }
    }

    /// One frame from the peer.
    fn receive(&mut self, text: &[u8], input: &mut Input) {
        let sealed = self.incoming.as_mut().map(|keys| keys.seal(text));
        let mut frame = sealed.clone().unwrap_or_else(|| text.to_vec());
        if input.byte() % 16 == 1 {
            input.change(&mut frame, &[0, 2, text.len() + 2]);
        }
        let intact = sealed.as_ref() == Some(&frame) && text.len() <= 16_624 && text.len() >= 3;
        let outcome = if intact && !self.failed { self.reader.read(text) } else { Outcome::Fatal };
        let (before, totals) = (self.failed, self.opener.totals());
        match self.opener.open(&mut frame) {
            Ok(record) => {
                let event = Event::from(&record);
                match outcome {
                    Outcome::Is(expected) | Outcome::IsOrFatal(expected) => assert_eq!(event, expected),
                    Outcome::Fatal => panic!("{record:?}, where the model says it is fatal"),
                }
                let offer = if let Record::Offer(offer) = record { Some(offer) } else { None };
                self.follow(&event, &text[3..], offer);
                assert_eq!(self.opener.totals().records, totals.records + 1);
            }
            Err(error) => {
                assert!(!matches!(outcome, Outcome::Is(_)), "{error:?}, where the model says {outcome:?}");
                assert!(before == (error == Error::Ended), "{error:?}");
                self.fails();
            }
        }
    }

    fn fails(&mut self) {
        self.failed = true;
        let mut out = Vec::new();
        assert_eq!((self.sealer.end(b"", &mut out), out), (Err(self.sealer_error()), Vec::new()), "something was sent after a fatal error");
        assert_eq!(self.opener.open(&mut [0; 40]), Err(Error::Ended), "something was opened after a fatal error");
    }

    fn sealer_error(&self) -> Error {
        if self.sealer.is_closed() { Error::Closed } else { Error::Ended }
    }

    /// The keys after this record.
    fn follow(&mut self, event: &Event, content: &[u8], offer: Option<PeerOffer>) {
        match event {
            Event::KeyUpdate => self.incoming.iter_mut().for_each(Direction::update),
            Event::Rekey => {
                self.peer.answering = false;
                let own = self.own_offer.take().filter(|own| content.starts_with(&own.ct));
                self.incoming = self.incoming.take().zip(own).map(|(mut keys, own)| {
                    keys.rekey(&own.ss, &own.ek, &own.ct);
                    keys
                });
            }
            Event::Offer => {
                let known = known(self.suite).iter().find(|known| content.starts_with(&known.ek));
                self.peer.offered |= !self.reader.send_closed;
                self.offer = offer.map(|offer| (offer, known));
            }
            Event::Ping(number) if !self.failed => self.sealer.answer_ping(*number),
            Event::Close(..) => assert!(self.opener.is_closed() && self.opener.transport_ended().is_ok()),
            _ => {}
        }
        self.peer.send_closed = self.reader.closed;
    }

    fn offers(&mut self, input: &mut Input) {
        if self.outgoing.is_none() {
            return;
        }
        let own = input.pick(known(self.suite));
        let may = !(self.reader.closed || self.reader.send_closed || self.own_offer.is_some() || self.reader.offered);
        let _ = self.opener.offer_due(Duration::MAX);
        let made = if input.flag() {
            self.opener.make_offer(&mut Coins::new(own.seed.clone())).map(|offer| offer.map(|offer| self.sealer.send_offer(offer)))
        } else {
            let open = self.sealer.make_offer(&mut Coins::new(own.seed.clone()));
            open.map(|open| open.map(|open| self.opener.await_answer(open)))
        };
        match made {
            Ok(made) => {
                assert!(made.is_none() || (may && !self.failed), "an offer where there may be none");
                if made.is_some() {
                    self.own_offer = Some(own);
                    self.sent_offer = Some(own.ek.clone());
                }
            }
            Err(error) => assert!(self.failed && error == Error::Ended),
        }
        self.control();
    }

    fn answers(&mut self, input: &mut Input) {
        let Some((offer, known)) = self.offer.take() else { return };
        let coins = known.filter(|_| input.byte() % 4 != 3);
        let answered = match coins {
            Some(known) => self.sealer.answer_offer(offer, &mut Coins::new(known.coins.clone())),
            None => self.sealer.answer_offer(offer, &mut Seeded::new(5)),
        };
        match answered {
            Ok(()) => self.answer = coins,
            // An all-zero result.
            Err(Error::Authentication) => self.fails(),
            Err(error) => assert!(self.failed && error == Error::Ended, "{error:?}"),
        }
        self.control();
        // The answer went with it.
        self.reader.answering = false;
    }

    fn control(&mut self) {
        let mut out = Vec::new();
        let done = self.sealer.control(&mut out);
        self.spoke(done, &out, &[]);
    }

    fn sends(&mut self, input: &mut Input) {
        let (mut out, what, piece) = (Vec::new(), input.byte() % 9, input.filled(16_384));
        let mid = self.sealer.mid_message();
        let (sealer, out_ref) = (&mut self.sealer, &mut out);
        let (done, said) = match what {
            0 => (sealer.data(&piece, out_ref), vec![Event::Data(piece)]),
            1 => (sealer.end(&piece, out_ref), vec![Event::End(piece)]),
            2 => {
                let long = piece.repeat(2);
                let pieces = long.chunks(16_384).map(|piece| Event::Data(piece.to_vec()));
                let mut pieces: Vec<_> = pieces.collect();
                match pieces.pop() {
                    Some(Event::Data(last)) => pieces.push(Event::End(last)),
                    _ => pieces.push(Event::End(Vec::new())),
                }
                (sealer.message(&long, out_ref), pieces)
            }
            3 => (sealer.abort(out_ref), if mid { vec![Event::Abort] } else { vec![] }),
            4 => {
                let (code, reason) = (*input.pick(&[0u16, 1, 2, 3, 255, 256]), "x".repeat(piece.len()));
                let done = sealer.close(CloseCode::from_number(code), &reason, out_ref);
                let close = Event::Close(code, reason);
                (done, if mid { vec![Event::Abort, close] } else { vec![close] })
            }
            5 => ((0..=input.byte() % 40).try_for_each(|_| sealer.key_update(out_ref)), vec![]),
            6 => {
                sealer.ping(7);
                (sealer.control(out_ref), vec![])
            }
            _ => {
                sealer.set_padding(*input.pick(&[Padding::None, Padding::Padme, Padding::Multiple(100), Padding::Multiple(u16::MAX)]));
                (sealer.control(out_ref), vec![])
            }
        };
        self.spoke(done, &out, &said);
    }

    /// What came out of the sealer: nothing after an error, and else records that the peer's reader takes.
    fn spoke(&mut self, done: Result<(), Error>, out: &[u8], said: &[Event]) {
        match done {
            Ok(()) => {
                assert!(!self.failed, "something was sealed after a fatal error");
                self.said.extend(said.iter().cloned());
            }
            Err(Error::TooLong | Error::WrongKind) => {}
            Err(error) => assert!(error == if self.reader.send_closed && !self.failed { Error::Closed } else { self.sealer_error() }),
        }
        let mut rest = out;
        while let Some((prefix, _)) = rest.split_first_chunk::<2>() {
            let (frame, after) = rest.split_at(2 + usize::from(u16::from_be_bytes(*prefix)));
            self.heard(frame);
            rest = after;
        }
        self.reader.send_closed |= self.sealer.is_closed();
        if self.outgoing.is_some() && done.is_ok() {
            assert!(self.said.is_empty(), "not sent: {:?}", self.said);
        }
    }

    fn heard(&mut self, frame: &[u8]) {
        let Some(keys) = &mut self.outgoing else { return self.said.clear() };
        let text = keys.open(frame).expect("a record under the key that the specification says");
        let event = match self.peer.read(&text) {
            Outcome::Is(event) | Outcome::IsOrFatal(event) => event,
            Outcome::Fatal => panic!("a record that is fatal to its reader: {text:02x?}"),
        };
        match event {
            Event::Data(_) | Event::End(_) | Event::Abort | Event::Close(..) => assert_eq!(Some(event), self.said.pop_front()),
            Event::KeyUpdate => keys.update(),
            Event::Offer => {
                assert_eq!(self.sent_offer.take().as_deref(), Some(&text[3..3 + self.suite.encapsulation_key_len()]));
                self.reader.offered = true;
            }
            Event::Rekey => {
                self.reader.answering = false;
                self.outgoing = self.outgoing.take().zip(self.answer.take()).map(|(mut keys, known)| {
                    keys.rekey(&known.ss, &known.ek, &known.ct);
                    keys
                });
            }
            Event::Ping(number) => assert_eq!(number, 7),
            Event::Pong(_) => {}
        }
    }

    /// The transport ends: that is no news after a close, and an error before.
    fn end(&mut self) {
        let expected = match (self.failed, self.reader.closed) {
            (true, _) => Err(Error::Ended),
            (false, true) => Ok(()),
            (false, false) => Err(Error::Truncated),
        };
        assert_eq!(self.opener.transport_ended(), expected);
    }
}
