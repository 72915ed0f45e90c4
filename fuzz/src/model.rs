//! The reader of one direction as docs/protocol.md, sections 8.1 to 8.4, describes it, in plain data: what a record means, and what is fatal.

use crate::kems::is_key;
use twinlock::Suite;
use twinlock::channel::{CloseCode, Record};

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Data(Vec<u8>),
    End(Vec<u8>),
    Abort,
    Close(u16, String),
    KeyUpdate,
    Offer,
    Rekey,
    Ping(u32),
    Pong(u32),
}

/// What becomes of a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Is(Event),
    Fatal,
    /// It is this event or fatal, by arithmetic that the model does not do.
    IsOrFatal(Event),
}

/// One reader.
pub struct Model {
    suite: Suite,
    mid_message: bool,
    updates: u8,
    pub closed: bool,
    /// The peer's offer is open.
    pub answering: bool,
    /// Our own offer was sent, and not answered.
    pub offered: bool,
    /// We have closed our direction.
    pub send_closed: bool,
    /// Bytes of frames since our offer.
    unanswered: usize,
    pub unanswered_max: usize,
}

impl Model {
    pub const fn new(suite: Suite) -> Self {
        Self {
            suite,
            mid_message: false,
            updates: 0,
            closed: false,
            answering: false,
            offered: false,
            send_closed: false,
            unanswered: 0,
            unanswered_max: usize::MAX,
        }
    }

    /// One authentic plaintext.
    pub fn read(&mut self, plaintext: &[u8]) -> Outcome {
        let outcome = self.record(plaintext);
        // Section 8.4: records that go on arriving without an answer.
        if self.offered && !self.closed {
            self.unanswered += plaintext.len() + 18;
        } else {
            self.unanswered = 0;
        }
        if self.unanswered > self.unanswered_max { Outcome::Fatal } else { outcome }
    }

    fn record(&mut self, plaintext: &[u8]) -> Outcome {
        let Some((kind, content)) = take_apart(plaintext).filter(|_| !self.closed) else { return Outcome::Fatal };
        let is = |event| Outcome::Is(event);
        match (kind, content) {
            (1, [_, ..]) => {
                (self.mid_message, self.updates) = (true, 0);
                is(Event::Data(content.to_vec()))
            }
            (2, _) => {
                (self.mid_message, self.updates) = (false, 0);
                is(Event::End(content.to_vec()))
            }
            (3, [a, b, reason @ ..]) if reason.len() <= 256 && !self.mid_message => {
                self.closed = true;
                let reason = String::from_utf8(reason.to_vec()).unwrap_or_default();
                is(Event::Close(u16::from_be_bytes([*a, *b]), reason))
            }
            (4, []) if self.updates < 32 => {
                self.updates += 1;
                is(Event::KeyUpdate)
            }
            (5, key) => self.offer(key),
            (6, ct) if self.offered && ct.len() == self.suite.ciphertext_len() => {
                self.offered = false;
                Outcome::IsOrFatal(Event::Rekey)
            }
            (9, [answers @ (0 | 1), number @ ..]) => match number.try_into().map(u32::from_be_bytes) {
                Ok(number) => is(if *answers == 0 { Event::Ping(number) } else { Event::Pong(number) }),
                Err(_) => Outcome::Fatal,
            },
            (10, []) if self.mid_message => {
                self.mid_message = false;
                is(Event::Abort)
            }
            _ => Outcome::Fatal,
        }
    }

    fn offer(&mut self, key: &[u8]) -> Outcome {
        let good = is_key(self.suite, key);
        if good == Some(false) || (self.answering && !self.send_closed) {
            return Outcome::Fatal;
        }
        self.answering = !self.send_closed;
        if good.is_some() { Outcome::Is(Event::Offer) } else { Outcome::IsOrFatal(Event::Offer) }
    }
}

/// Section 8.1: type and content. Padding is zero.
fn take_apart(plaintext: &[u8]) -> Option<(u8, &[u8])> {
    let ([kind, high, low], rest) = plaintext.split_first_chunk()?;
    let (content, padding) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
    let good = plaintext.len() <= 16_624 && content.len() <= 16_384 && padding.iter().all(|byte| *byte == 0);
    good.then_some((*kind, content))
}

impl From<&Record<'_>> for Event {
    fn from(record: &Record<'_>) -> Self {
        match record {
            Record::Data(content) => Self::Data(content.to_vec()),
            Record::End(content) => Self::End(content.to_vec()),
            Record::Abort => Self::Abort,
            Record::Close(close) => Self::Close(CloseCode::number(close.code), close.reason.clone()),
            Record::KeyUpdate => Self::KeyUpdate,
            Record::Offer(_) => Self::Offer,
            Record::Rekey => Self::Rekey,
            Record::Ping(number) => Self::Ping(*number),
            Record::Pong(number) => Self::Pong(*number),
            _ => panic!("a record of a later edition"),
        }
    }
}
