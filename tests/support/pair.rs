//! Two ends of a handshake in one place, step by step, with the messages in the open between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::rng::Seeded;
use std::sync::{Mutex, PoisonError};
use twinlock::handshake::{
    AnonymousAwaitsReply, AnonymousInitiator, AwaitsFinish, AwaitsReply, Hello, Initiator, Pattern, Psk, Rejected, Responder,
};
use twinlock::identity::SignatureAlgorithm;
use twinlock::trust::{OrAnonymous, Pinned};
use twinlock::{Channel, Error, Fingerprint, Identity, Suite};

pub(crate) const PATTERNS: [Pattern; 4] = [Pattern::Xx, Pattern::XxPsk0, Pattern::Nx, Pattern::NxPsk0];

/// One identity for each algorithm and seed, made once.
fn identity(suite: Suite, seed: u64) -> &'static Identity {
    type Made = Vec<(SignatureAlgorithm, u64, &'static Identity)>;
    static MADE: Mutex<Made> = Mutex::new(Vec::new());
    let algorithm = suite.signature();
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((.., identity)) = made.iter().find(|one| (one.0, one.1) == (algorithm, seed)) {
        return identity;
    }
    let identity = Box::leak(Box::new(Identity::generate_with_rng(algorithm, &mut Seeded::new(seed)).unwrap()));
    made.push((algorithm, seed, identity));
    identity
}

/// Who opens.
pub(crate) fn alice(suite: Suite) -> &'static Identity {
    identity(suite, 0xA)
}

/// Who accepts.
pub(crate) fn bob(suite: Suite) -> &'static Identity {
    identity(suite, 0xB)
}

/// Who stands between.
pub(crate) fn eve(suite: Suite) -> &'static Identity {
    identity(suite, 0xE)
}

pub(crate) fn psk(byte: u8) -> Psk {
    Psk::take(&mut [byte; 32])
}

/// What both ends are set to. All fields are public: a test changes what it is about.
pub(crate) struct Ends<'a> {
    pub(crate) suite: Suite,
    pub(crate) pattern: Pattern,
    pub(crate) initiator: &'a Identity,
    pub(crate) responder: &'a Identity,
    /// The initiator's, the responder's.
    pub(crate) prologues: [&'a [u8]; 2],
    pub(crate) psks: [Vec<Psk>; 2],
    /// Whom the initiator expects, whom the responder expects. A responder in `NX` takes strangers.
    pub(crate) expected: [Fingerprint; 2],
    pub(crate) payloads: [&'a [u8]; 3],
    pub(crate) seeds: [u64; 2],
}

pub(crate) enum Waiting {
    Identified(AwaitsReply),
    Anonymous(AnonymousAwaitsReply),
}

#[allow(clippy::large_enum_variant, reason = "a test makes few")]
pub(crate) enum Answered {
    Identified(AwaitsFinish),
    Anonymous(Channel),
}

/// What one run has come to: the initiator awaits message 2, and the responder, which has made it, message 3.
pub(crate) struct Run {
    pub(crate) waiting: Waiting,
    pub(crate) hello: Vec<u8>,
    pub(crate) answered: Answered,
    pub(crate) reply: Vec<u8>,
}

impl<'a> Ends<'a> {
    /// Two that agree.
    pub(crate) fn new(suite: Suite, pattern: Pattern) -> Self {
        let psks = || if pattern.psk() { vec![psk(7)] } else { Vec::new() };
        Self {
            suite,
            pattern,
            initiator: alice(suite),
            responder: bob(suite),
            prologues: [b"hostile/1"; 2],
            psks: [psks(), psks()],
            expected: [bob(suite).fingerprint(), alice(suite).fingerprint()],
            payloads: [b"one", b"two", b"three"],
            seeds: [1, 2],
        }
    }

    pub(crate) fn seeded(suite: Suite, pattern: Pattern, seeds: [u64; 2]) -> Self {
        Self { seeds, ..Self::new(suite, pattern) }
    }

    pub(crate) fn initiator(&self) -> Initiator {
        let initiator = Initiator::new(self.initiator, self.prologues[0]).suite(self.suite).with_payload(self.payloads[0].into());
        self.psks[0].iter().fold(initiator, Initiator::psk)
    }

    pub(crate) fn anonymous_initiator(&self) -> AnonymousInitiator {
        let initiator = AnonymousInitiator::new(self.prologues[0]).suite(self.suite).with_payload(self.payloads[0].into());
        self.psks[0].iter().fold(initiator, AnonymousInitiator::psk)
    }

    /// Message 1. Called again it may give another: what belongs together comes from one call.
    pub(crate) fn hello(&self) -> (Waiting, Vec<u8>) {
        let rng = &mut Seeded::new(self.seeds[0]);
        if self.pattern.identified() {
            let (state, hello) = self.initiator().send_hello_with_rng(rng).unwrap();
            (Waiting::Identified(state), hello)
        } else {
            let (state, hello) = self.anonymous_initiator().send_hello_with_rng(rng).unwrap();
            (Waiting::Anonymous(state), hello)
        }
    }

    /// It allows what it does by itself, and what must be named if it is this suite.
    pub(crate) fn listening(&self) -> Responder {
        let responder = Responder::new(self.responder, self.prologues[1]);
        let responder = if self.suite.must_be_named() { responder.suites(&[self.suite]) } else { responder };
        self.psks[1].iter().fold(responder, Responder::psk)
    }

    /// A fresh run up to the point where both ends read: one message 2, one message 3.
    pub(crate) fn run(&self) -> Run {
        let (waiting, hello) = self.hello();
        let (answered, reply) = self.reply(&hello).unwrap();
        Run { waiting, hello, answered, reply }
    }

    /// Message 2 to this message 1, whichever kind it names.
    pub(crate) fn reply(&self, hello: &[u8]) -> Result<(Answered, Vec<u8>), Rejected> {
        let (mut rng, payload) = (Seeded::new(self.seeds[1]), self.payloads[1].into());
        match self.listening().read_any_hello(hello)? {
            Hello::Identified(heard) => {
                let (state, reply) = heard.with_payload(payload).send_reply_with_rng(&mut rng)?;
                Ok((Answered::Identified(state), reply))
            }
            Hello::Anonymous(heard) => {
                let trust = &mut OrAnonymous(Pinned(self.expected[1]));
                let (channel, reply) = heard.with_payload(payload).send_reply_with_rng(trust, &mut rng)?;
                Ok((Answered::Anonymous(channel), reply))
            }
        }
    }

    /// The initiator's channel, and message 3 where there is one.
    pub(crate) fn finish(&self, waiting: Waiting, reply: &[u8]) -> Result<(Channel, Option<Vec<u8>>), Error> {
        let trust = &mut Pinned(self.expected[0]);
        match waiting {
            Waiting::Identified(state) => {
                let read = state.read_reply(reply)?.with_payload(self.payloads[2].into());
                let (channel, finish) = read.send_finish_with_rng(trust, &mut Seeded::new(!self.seeds[0]))?;
                Ok((channel, Some(finish)))
            }
            Waiting::Anonymous(state) => Ok((state.read_reply(reply)?.into_channel(trust)?, None)),
        }
    }

    /// The responder's channel.
    pub(crate) fn accept(&self, answered: Answered, finish: Option<&[u8]>) -> Result<Channel, Rejected> {
        match (answered, finish) {
            (Answered::Identified(state), Some(finish)) => state.read_finish(finish)?.into_channel(&mut Pinned(self.expected[1])),
            (Answered::Anonymous(channel), None) => Ok(channel),
            _ => panic!("another pattern than was asked for"),
        }
    }

    /// A fresh run up to the point where the responder reads message 3: the initiator's channel, the responder, message 3.
    pub(crate) fn run_to_finish(&self) -> (Channel, Answered, Option<Vec<u8>>) {
        let Run { waiting, answered, reply, .. } = self.run();
        let (a, finish) = self.finish(waiting, &reply).unwrap();
        (a, answered, finish)
    }

    /// A whole handshake that must work: the channels and the messages.
    pub(crate) fn meet(&self) -> ([Channel; 2], Vec<Vec<u8>>) {
        let Run { waiting, hello, answered, reply } = self.run();
        let (a, finish) = self.finish(waiting, &reply).unwrap();
        let b = self.accept(answered, finish.as_deref()).unwrap();
        ([a, b], [Some(hello), Some(reply), finish].into_iter().flatten().collect())
    }
}

impl Waiting {
    pub(crate) fn identified(self) -> AwaitsReply {
        let Self::Identified(state) = self else { panic!("another pattern than was asked for") };
        state
    }

    pub(crate) fn anonymous(self) -> AnonymousAwaitsReply {
        let Self::Anonymous(state) = self else { panic!("another pattern than was asked for") };
        state
    }
}

impl Answered {
    pub(crate) fn identified(self) -> AwaitsFinish {
        let Self::Identified(state) = self else { panic!("another pattern than was asked for") };
        state
    }
}

/// Whether both speak the same keys: a message each way.
pub(crate) fn assert_agree([a, b]: [Channel; 2]) {
    assert_eq!(a.conversation().handshake_hash(), b.conversation().handshake_hash());
    let (mut a_seals, mut a_opens, _) = a.into_halves();
    let (mut b_seals, mut b_opens, _) = b.into_halves();
    for (sealer, opener) in [(&mut a_seals, &mut b_opens), (&mut b_seals, &mut a_opens)] {
        let mut frame = Vec::new();
        sealer.message(b"are you there", &mut frame).unwrap();
        assert_eq!(opener.open(&mut frame).unwrap(), twinlock::channel::Record::End(b"are you there"));
    }
}
