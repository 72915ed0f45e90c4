//! Two acquaintances in one place, step by step, with the messages in the open between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::book::{Book, DAY};
use super::pair::{alice, bob, psk};
use super::rng::Seeded;
use std::sync::{Arc, Mutex, PoisonError};
use twinlock::channel::{Resumption, Role};
use twinlock::handshake::{
    AcquaintedAwaitsReply, AcquaintedHello, AcquaintedInitiator, AnyHello, AwaitsConfirm, Decoys, Pattern, Psk, Rejected, Responder,
    ResumeAwaitsReply, ResumeInitiator, ResumeRead,
};
use twinlock::identity::StaticKey;
use twinlock::trust::{Pinned, danger::TrustAnyone};
use twinlock::{Channel, Error, Identity, Suite};

/// When everything happens.
pub(crate) const NOW: u64 = 100 * DAY;

/// The static key of this identity with this seed, from a day ago; made once.
pub(crate) fn static_key(me: &Identity, suite: Suite, seed: u64) -> Arc<StaticKey> {
    type Made = Vec<((String, u16, u64), Arc<StaticKey>)>;
    static MADE: Mutex<Made> = Mutex::new(Vec::new());
    let name = (me.fingerprint().to_string(), suite.id(), seed);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, key)) = made.iter().find(|(of, _)| *of == name) {
        return Arc::clone(key);
    }
    // A greater seed is a newer key.
    let key = Arc::new(StaticKey::generate_with_rng(me, suite, NOW - DAY + seed, NOW + 30 * DAY, &mut Seeded::new(seed)).unwrap());
    made.push((name, Arc::clone(&key)));
    key
}

pub(crate) fn decoys() -> &'static Arc<Decoys> {
    static MADE: std::sync::OnceLock<Arc<Decoys>> = std::sync::OnceLock::new();
    MADE.get_or_init(|| Arc::new(Decoys::generate_with_rng(&mut Seeded::new(99)).unwrap()))
}

/// What both ends are set to. All fields are public: a test changes what it is about.
pub(crate) struct Meeting {
    pub(crate) suite: Suite,
    pub(crate) pattern: Pattern,
    /// The initiator's, the responder's.
    pub(crate) keys: [Arc<StaticKey>; 2],
    pub(crate) prologues: [&'static [u8]; 2],
    pub(crate) psks: [Vec<Psk>; 2],
    /// Of message 1 in `resume`, of message 2.
    pub(crate) payloads: [Vec<u8>; 2],
    pub(crate) early_data: bool,
    pub(crate) seeds: [u64; 2],
    /// The initiator's store, the responder's.
    pub(crate) books: [Book; 2],
}

/// Who waits for message 2.
#[allow(clippy::large_enum_variant, reason = "a test makes few")]
pub(crate) enum Waits {
    Ik(AcquaintedAwaitsReply),
    Resume(ResumeAwaitsReply),
}

/// Who has answered.
#[allow(clippy::large_enum_variant, reason = "a test makes few")]
pub(crate) enum Answered {
    Ik(AwaitsConfirm),
    Resume(Channel),
}

impl Meeting {
    /// Two that agree. In `resume` they had met in `IK` before; with `under` a psk.
    pub(crate) fn new(suite: Suite, pattern: Pattern) -> Self {
        let keys = [static_key(alice(suite), suite, 1), static_key(bob(suite), suite, 2)];
        let psks = || if pattern.psk() { vec![psk(7)] } else { Vec::new() };
        let books = [Book::of(&keys[0], &[&keys[1]]), Book::of(&keys[1], &[&keys[0]])];
        let mut meeting = Self {
            suite,
            pattern,
            keys,
            prologues: [b"acquainted/1"; 2],
            psks: [psks(), psks()],
            payloads: [Vec::new(), b"two".to_vec()],
            early_data: false,
            seeds: [1, 2],
            books,
        };
        if pattern == Pattern::Resume {
            meeting.remember();
        }
        meeting
    }

    /// `resume`, of a conversation that stood under a psk.
    pub(crate) fn resume_under_psk(suite: Suite) -> Self {
        let mut meeting = Self::new(suite, Pattern::IkPsk0);
        meeting.remember();
        meeting
    }

    /// Meets in `IK`, and both keep a record.
    pub(crate) fn remember(&mut self) {
        self.pattern = if self.psks[0].is_empty() { Pattern::Ik } else { Pattern::IkPsk0 };
        let mut channels = self.meet().0;
        for (book, channel) in self.books.iter_mut().zip(&mut channels) {
            book.records.push(Arc::new(channel.keep_resumption(NOW).unwrap().unwrap()));
        }
        self.pattern = Pattern::Resume;
        self.payloads[0] = Vec::new();
        self.seeds = self.seeds.map(|seed| seed + 100);
    }

    pub(crate) fn record(&self, side: usize) -> Arc<Resumption> {
        Arc::clone(self.books[side].records.last().unwrap())
    }

    pub(crate) fn initiator(&self) -> AcquaintedInitiator {
        let initiator = AcquaintedInitiator::new(&self.keys[0], self.keys[1].bundle(), self.prologues[0], NOW);
        self.psks[0].iter().fold(initiator, AcquaintedInitiator::psk)
    }

    pub(crate) fn resume_initiator(&self) -> ResumeInitiator {
        let initiator = ResumeInitiator::new(self.record(0), self.prologues[0]).with_early_data(self.payloads[0].clone().into());
        self.psks[0].iter().fold(initiator, ResumeInitiator::psk)
    }

    /// Message 1. In `resume` the initiator's record is used up by it.
    pub(crate) fn try_hello(&mut self, rng: &mut Seeded) -> Result<(Waits, Vec<u8>), Error> {
        if self.pattern == Pattern::Resume {
            let judged = self.resume_initiator().judge(&mut TrustAnyone)?;
            let (waits, hello) = judged.send_hello_with_rng(&mut self.books[0], NOW, rng)?;
            Ok((Waits::Resume(waits), hello))
        } else {
            let (waits, hello) = self.initiator().send_hello_with_rng(rng)?;
            Ok((Waits::Ik(waits), hello))
        }
    }

    pub(crate) fn hello(&mut self) -> (Waits, Vec<u8>) {
        self.try_hello(&mut Seeded::new(self.seeds[0])).unwrap()
    }

    pub(crate) fn listening(&self) -> Responder {
        let responder = Responder::new(bob(self.suite), self.prologues[1]).suites(&[self.suite]).early_data(self.early_data);
        self.psks[1].iter().fold(responder.decoys(decoys()).now(NOW), Responder::psk)
    }

    pub(crate) fn heard(&self, hello: &[u8]) -> Result<AcquaintedHello, Rejected> {
        match self.listening().read_hello_with(hello, &self.books[1])? {
            AnyHello::Acquainted(heard) => Ok(heard),
            _ => panic!("another pattern than was asked for"),
        }
    }

    pub(crate) fn resume_read(&self, hello: &[u8]) -> Result<ResumeRead, Rejected> {
        match self.listening().read_hello_with(hello, &self.books[1])? {
            AnyHello::Resume(read) => Ok(read),
            _ => panic!("another pattern than was asked for"),
        }
    }

    /// Message 2 to this message 1, whichever kind it names. In `resume` the responder's record is used up by it.
    pub(crate) fn try_reply(&mut self, hello: &[u8], rng: &mut Seeded) -> Result<(Answered, Vec<u8>), Rejected> {
        let payload = self.payloads[1].clone();
        match self.listening().read_hello_with(hello, &self.books[1])? {
            AnyHello::Acquainted(heard) => {
                let (awaits, reply) = heard.with_payload(payload.into()).send_reply_with_rng(rng)?;
                Ok((Answered::Ik(awaits), reply))
            }
            AnyHello::Resume(read) => {
                let trust = &mut Pinned(alice(self.suite).fingerprint());
                let accepted = read.remove(&mut self.books[1])?.judge(trust)?;
                let (channel, reply) = accepted.with_payload(payload.into()).send_reply_with_rng(rng)?;
                Ok((Answered::Resume(channel), reply))
            }
            _ => panic!("another pattern than was asked for"),
        }
    }

    pub(crate) fn reply(&mut self, hello: &[u8]) -> Result<(Answered, Vec<u8>), Rejected> {
        self.try_reply(hello, &mut Seeded::new(self.seeds[1]))
    }

    /// The initiator's channel, and the `Confirm` where there is one.
    pub(crate) fn finish(&self, waits: Waits, reply: &[u8]) -> Result<(Channel, Option<Vec<u8>>), Error> {
        match waits {
            Waits::Ik(waits) => {
                let (channel, confirm) = waits.read_reply(reply)?.send_confirm(&mut Pinned(bob(self.suite).fingerprint()))?;
                Ok((channel, Some(confirm)))
            }
            Waits::Resume(waits) => Ok((waits.read_reply(reply)?.into_channel()?, None)),
        }
    }

    /// The responder's channel.
    pub(crate) fn accept(&self, answered: Answered, confirm: Option<&[u8]>) -> Result<Channel, Rejected> {
        match (answered, confirm) {
            (Answered::Ik(awaits), Some(confirm)) => {
                awaits.read_confirm(confirm)?.into_channel(&mut Pinned(alice(self.suite).fingerprint()))
            }
            (Answered::Resume(channel), None) => Ok(channel),
            _ => panic!("another pattern than was asked for"),
        }
    }

    /// A whole handshake that must work: the channels and the messages.
    pub(crate) fn meet(&mut self) -> ([Channel; 2], Vec<Vec<u8>>) {
        let (waits, hello) = self.hello();
        let (answered, reply) = self.reply(&hello).unwrap();
        let (a, confirm) = self.finish(waits, &reply).unwrap();
        let b = self.accept(answered, confirm.as_deref()).unwrap();
        ([a, b], [Some(hello), Some(reply), confirm].into_iter().flatten().collect())
    }

    /// What each side keeps, put back after it was used: for a test that tries many messages of one run.
    pub(crate) fn kept(&self) -> [Vec<Arc<Resumption>>; 2] {
        [0, 1].map(|side| self.books[side].records.clone())
    }

    pub(crate) fn keep(&mut self, [one, other]: [Vec<Arc<Resumption>>; 2]) {
        self.books[0].records = one;
        self.books[1].records = other;
    }
}

/// The record with some bytes of its encoding changed.
pub(crate) fn changed(record: &Resumption, at: usize, bytes: &[u8]) -> Arc<Resumption> {
    let mut encoded = record.to_secret_bytes().expose().to_vec();
    encoded.splice(at..at + bytes.len(), bytes.iter().copied());
    Arc::new(Resumption::from_secret_bytes(&encoded).unwrap())
}

/// The record that ends then.
pub(crate) fn ending(record: &Resumption, not_after: u64) -> Arc<Resumption> {
    changed(record, 52, &not_after.to_be_bytes())
}

/// The record of the other side.
pub(crate) fn of_role(record: &Resumption, role: Role) -> Arc<Resumption> {
    changed(record, 1, &[u8::from(role == Role::Answerer)])
}
