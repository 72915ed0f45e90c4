//! What a peer with the keys and without rules sends over a transport, and what its reader must make of it; and the other way, what was written, read by the rules.

use crate::forge::Direction;
use crate::forged;
use crate::input::Input;
use crate::kems::known;
use crate::model::{Event, Model, Outcome};
use twinlock::Suite;

/// Records of one script at most.
const RECORDS: usize = 40;

/// What the reader must be handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Message(Vec<u8>),
    /// One that its sender broke off after these bytes.
    Aborted(Vec<u8>),
    /// One above the bound.
    TooLong,
}

/// How it ends after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Closed,
    /// Closed with code 1.
    Refused,
    Fatal,
    /// The transport ends without a close.
    Truncated,
    /// A frame was changed on its way, so that it is fatal, or the next is, or one is cut off.
    Broken,
}

pub struct Script {
    pub items: Vec<Item>,
    /// What came of a message that had no end yet.
    pub begun: Vec<u8>,
    pub end: End,
    pub wire: Vec<u8>,
    /// Pings that ask, whether they are read or not.
    pub asked: usize,
    /// Whether there is an answer to an offer, which is fatal as long as none was made.
    pub rekeys: bool,
}

/// Reads on and gathers messages.
struct Gatherer {
    model: Model,
    begun: Option<Vec<u8>>,
    too_long: bool,
    message_max: usize,
    offers: bool,
}

impl Script {
    /// Messages above `message_max` are [`Item::TooLong`]. With `offers`, the reader answers offers as they come.
    pub fn make(suite: Suite, mut keys: Direction, message_max: usize, offers: bool, input: &mut Input) -> Self {
        let mut script = Self { items: Vec::new(), begun: Vec::new(), end: End::Truncated, wire: Vec::new(), asked: 0, rekeys: false };
        let mut gatherer = Gatherer { model: Model::new(suite), begun: None, too_long: false, message_max, offers };
        for _ in 0..RECORDS {
            let text = if input.is_empty() { break } else { forged::record(suite, input) };
            if !gatherer.may_be_sent(suite, &text) {
                break;
            }
            script.asked += usize::from(matches!(text[..], [9, 0, 5, 0, ..]));
            script.rekeys |= text.starts_with(&[6]);
            let frame = keys.seal(&text);
            let mut sent = frame.clone();
            if input.byte() % 16 == 1 {
                input.change(&mut sent, &[0, 2, frame.len()]);
            }
            script.wire.extend_from_slice(&sent);
            if script.end == End::Truncated {
                script.heard(&mut gatherer, &mut keys, (&text, sent.starts_with(&frame), sent == frame));
            }
        }
        script.begun = gatherer.begun.filter(|_| !gatherer.too_long).unwrap_or_default();
        script
    }

    fn heard(&mut self, gatherer: &mut Gatherer, keys: &mut Direction, (text, whole, alone): (&[u8], bool, bool)) {
        match if whole { gatherer.model.read(text) } else { Outcome::Fatal } {
            Outcome::Is(event) => {
                if event == Event::KeyUpdate {
                    keys.update();
                }
                self.items.extend(gatherer.gather(&event));
                match event {
                    Event::Close(1, _) => self.end = End::Refused,
                    Event::Close(..) => self.end = End::Closed,
                    _ if !alone => self.end = End::Broken,
                    _ => {}
                }
            }
            _ => self.end = if whole && alone { End::Fatal } else { End::Broken },
        }
    }
}

impl Gatherer {
    /// Whether the model knows what becomes of it: offers alone of keys that are good also when they are used.
    fn may_be_sent(&mut self, suite: Suite, text: &[u8]) -> bool {
        let good = || {
            known(suite).iter().any(|known| text[1..].starts_with(&[&(known.ek.len() as u16).to_be_bytes(), known.ek.as_slice()].concat()))
        };
        // It was answered as it was read.
        self.model.answering = false;
        !matches!(text, [5, ..]) || (self.offers && good())
    }

    fn gather(&mut self, event: &Event) -> Option<Item> {
        match event {
            Event::Data(piece) => self.piece(piece),
            Event::End(piece) => {
                let too_long = self.piece(piece);
                let (message, passed_over) = (self.begun.take().unwrap_or_default(), std::mem::take(&mut self.too_long));
                too_long.or((!passed_over).then_some(Item::Message(message)))
            }
            Event::Abort => {
                let (message, passed_over) = (self.begun.take().unwrap_or_default(), std::mem::take(&mut self.too_long));
                (!passed_over).then_some(Item::Aborted(message))
            }
            _ => None,
        }
    }

    fn piece(&mut self, piece: &[u8]) -> Option<Item> {
        let begun = self.begun.get_or_insert_default();
        begun.extend_from_slice(piece);
        let now = begun.len() > self.message_max && !self.too_long;
        self.too_long |= now;
        now.then_some(Item::TooLong)
    }
}

/// Reads what one side wrote. It must be what the rules allow, and what was said: each message that was sent, in order; one whose sending failed may be missing or broken off.
pub fn check_written(written: &[u8], said: &[(Vec<u8>, bool)], mut keys: Direction, suite: Suite) {
    let (mut model, mut rest, mut heard) = (Model::new(suite), written, Vec::new());
    let mut gatherer = Gatherer { model: Model::new(suite), begun: None, too_long: false, message_max: usize::MAX, offers: false };
    // Offers were made to this side, and its answers end what can be followed.
    model.offered = true;
    while let Some((frame, after)) = split_frame(rest) {
        let text = keys.open(frame).expect("a record under the key that the specification says");
        let (Outcome::Is(event) | Outcome::IsOrFatal(event)) = model.read(&text) else { panic!("fatal to its reader: {text:02x?}") };
        match event {
            Event::Rekey => return check_said(&heard, said, false),
            Event::KeyUpdate => keys.update(),
            event => heard.extend(gatherer.gather(&event)),
        }
        rest = after;
    }
    check_said(&heard, said, true);
}

fn split_frame(wire: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, _) = wire.split_first_chunk::<2>()?;
    wire.split_at_checked(2 + usize::from(u16::from_be_bytes(*prefix)))
}

fn check_said(heard: &[Item], said: &[(Vec<u8>, bool)], all: bool) {
    let mut said = said.iter();
    for message in heard.iter().filter_map(|item| if let Item::Message(message) = item { Some(message) } else { None }) {
        let found = said.find(|(said, sent)| said == message || *sent).map(|(said, _)| said);
        assert!(found == Some(message), "another message was written than was sent");
    }
    assert!(!all || said.all(|(_, sent)| !sent), "a message that was sent was not written");
}
