//! Two ends of a handshake in one place, step by step, with the messages in the open between them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::rng::Seeded;
use std::sync::OnceLock;
use twinlock::handshake::{
    AnonymousAwaitsReply, AnonymousInitiator, AwaitsFinish, AwaitsReply, Hello, Initiator, Pattern, Psk, Rejected, Responder,
};
use twinlock::identity::SignatureAlgorithm;
use twinlock::trust::{OrAnonymous, Pinned};
use twinlock::{Channel, Error, Fingerprint, Identity};

pub(crate) const PATTERNS: [Pattern; 4] = [Pattern::Xx, Pattern::XxPsk0, Pattern::Nx, Pattern::NxPsk0];

fn identity(place: &'static OnceLock<Identity>, seed: u64) -> &'static Identity {
    place.get_or_init(|| Identity::generate_with_rng(SignatureAlgorithm::MlDsa65Ed25519, &mut Seeded::new(seed)).unwrap())
}

/// Who opens.
pub(crate) fn alice() -> &'static Identity {
    static PLACE: OnceLock<Identity> = OnceLock::new();
    identity(&PLACE, 0xA)
}

/// Who accepts.
pub(crate) fn bob() -> &'static Identity {
    static PLACE: OnceLock<Identity> = OnceLock::new();
    identity(&PLACE, 0xB)
}

/// Who stands between.
pub(crate) fn eve() -> &'static Identity {
    static PLACE: OnceLock<Identity> = OnceLock::new();
    identity(&PLACE, 0xE)
}

pub(crate) fn psk(byte: u8) -> Psk {
    Psk::take(&mut [byte; 32])
}

/// What both ends are set to. All fields are public: a test changes what it is about.
pub(crate) struct Ends<'a> {
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

impl<'a> Ends<'a> {
    /// Two that agree.
    pub(crate) fn new(pattern: Pattern) -> Self {
        let psks = || if pattern.psk() { vec![psk(7)] } else { Vec::new() };
        Self {
            pattern,
            initiator: alice(),
            responder: bob(),
            prologues: [b"hostile/1"; 2],
            psks: [psks(), psks()],
            expected: [bob().fingerprint(), alice().fingerprint()],
            payloads: [b"one", b"two", b"three"],
            seeds: [1, 2],
        }
    }

    pub(crate) fn seeded(pattern: Pattern, seeds: [u64; 2]) -> Self {
        Self { seeds, ..Self::new(pattern) }
    }

    /// Message 1. Called twice it gives the same twice.
    pub(crate) fn hello(&self) -> (Waiting, Vec<u8>) {
        let (mut rng, payload) = (Seeded::new(self.seeds[0]), self.payloads[0].into());
        if self.pattern.identified() {
            let initiator = Initiator::new(self.initiator, self.prologues[0]).with_payload(payload);
            let (state, hello) = self.psks[0].iter().fold(initiator, Initiator::psk).send_hello_with_rng(&mut rng).unwrap();
            (Waiting::Identified(state), hello)
        } else {
            let initiator = AnonymousInitiator::new(self.prologues[0]).with_payload(payload);
            let (state, hello) = self.psks[0].iter().fold(initiator, AnonymousInitiator::psk).send_hello_with_rng(&mut rng).unwrap();
            (Waiting::Anonymous(state), hello)
        }
    }

    pub(crate) fn listening(&self) -> Responder {
        self.psks[1].iter().fold(Responder::new(self.responder, self.prologues[1]), Responder::psk)
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

    /// A whole handshake that must work: the channels and the messages.
    pub(crate) fn meet(&self) -> ([Channel; 2], Vec<Vec<u8>>) {
        let (waiting, hello) = self.hello();
        let (answered, reply) = self.reply(&hello).unwrap();
        let (a, finish) = self.finish(waiting, &reply).unwrap();
        let b = self.accept(answered, finish.as_deref()).unwrap();
        ([a, b], [Some(hello), Some(reply), finish].into_iter().flatten().collect())
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
