//! The handshakes of tests/vectors/handshakes.json, with live states of the library in the middle of them: every pattern, suites 0x0001 to 0x0003, with and without
//! payloads. Coins, identities and keys are the vectors', so a target can forge with good tags, and knows what an honest message is.

use crate::forge::{Direction, Symmetric};
use crate::rng::Coins;
use serde_json::Value;
use std::sync::OnceLock;
use twinlock::handshake::{
    AnonymousAwaitsReply, AnonymousHello, AnonymousInitiator, AwaitsFinish, AwaitsReply, Hello, HelloRead, Initiator, Pattern, Psk,
    Responder,
};
use twinlock::trust::{Anonymous, Pinned};
use twinlock::{Channel, Identity, Suite};

pub struct Case {
    pub pattern: Pattern,
    pub suite: Suite,
    pub prologue: Vec<u8>,
    pub psk: Option<[u8; 32]>,
    /// The default one of its kind in the patterns without.
    pub initiator: Identity,
    pub responder: Identity,
    initiator_random: Vec<u8>,
    responder_random: Vec<u8>,
    pub payloads: Vec<Vec<u8>>,
    pub messages: Vec<Vec<u8>>,
    pub handshake_hash: Vec<u8>,
    i2r: Vec<u8>,
    r2i: Vec<u8>,
    /// After each message.
    states: Vec<Symmetric>,
}

/// An initiator that awaits message 2.
pub enum Waiting {
    Identified(AwaitsReply),
    Anonymous(AnonymousAwaitsReply),
}

/// What a message 2 or 3 is made of, under the tags: identity, signature, payload.
pub type Parts = [Vec<u8>; 3];

pub fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let file: Value = serde_json::from_str(include_str!("../../tests/vectors/handshakes.json")).expect("JSON");
        file["cases"].as_array().expect("a list").iter().map(Case::read).collect()
    })
}

/// Those in whose last message the responder speaks: the quickest way to a channel.
pub fn without_initiator() -> &'static [&'static Case] {
    static CASES: OnceLock<Vec<&'static Case>> = OnceLock::new();
    CASES.get_or_init(|| cases().iter().filter(|case| !case.pattern.identified()).collect())
}

pub fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a text");
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex")).collect()
}

impl Case {
    fn read(value: &Value) -> Self {
        let pattern = match value["pattern_id"].as_u64() {
            Some(1) => Pattern::Xx,
            Some(2) => Pattern::XxPsk0,
            Some(3) => Pattern::Nx,
            _ => Pattern::NxPsk0,
        };
        let suite = Suite::from_id(value["suite"].as_u64().expect("a number") as u16).expect("a suite of this build");
        let identity = |seed: &Value| Identity::from_secret_bytes(suite.signature(), &unhex(seed)).expect("an identity");
        let list = |name: &str| value[name].as_array().expect("a list").iter().map(unhex).collect::<Vec<_>>();
        let responder = &value["responder_seed"];
        Self {
            pattern,
            suite,
            prologue: unhex(&value["prologue"]),
            psk: value["psk"].is_string().then(|| unhex(&value["psk"]).try_into().expect("32 bytes")),
            initiator: identity(if pattern.identified() { &value["initiator_seed"] } else { responder }),
            responder: identity(responder),
            initiator_random: unhex(&value["initiator_random"]),
            responder_random: unhex(&value["responder_random"]),
            payloads: list("payloads"),
            messages: list("messages"),
            handshake_hash: unhex(&value["handshake_hash"]),
            i2r: unhex(&value["i2r"]),
            r2i: unhex(&value["r2i"]),
            states: value["states"].as_array().expect("a list").iter().map(|state| read_state(suite, state)).collect(),
        }
    }

    fn psk(&self) -> Option<Psk> {
        self.psk.map(|mut psk| Psk::take(&mut psk))
    }

    /// The initiator has sent message 1.
    pub fn waiting(&self) -> Waiting {
        let (rng, payload) = (&mut Coins::new(self.initiator_random.clone()), self.payloads[0].clone().into());
        let (waiting, hello) = if self.pattern.identified() {
            let me = Initiator::new(&self.initiator, &self.prologue).suite(self.suite).with_payload(payload);
            let (waiting, hello) = self.psk().iter().fold(me, Initiator::psk).send_hello_with_rng(rng).expect("good arguments");
            (Waiting::Identified(waiting), hello)
        } else {
            let me = AnonymousInitiator::new(&self.prologue).suite(self.suite).with_payload(payload);
            let (waiting, hello) = self.psk().iter().fold(me, AnonymousInitiator::psk).send_hello_with_rng(rng).expect("good arguments");
            (Waiting::Anonymous(waiting), hello)
        };
        assert!(hello == self.messages[0], "message 1 is another one than the vectors'");
        waiting
    }

    pub fn listening(&self) -> Responder {
        let responder = Responder::new(&self.responder, &self.prologue).suites(&[self.suite]);
        self.psk().iter().fold(responder, Responder::psk)
    }

    /// The responder has read message 1.
    fn heard(&self) -> Hello {
        self.listening().read_any_hello(&self.messages[0]).expect("the vectors' message 1")
    }

    /// The responder has sent message 2, with the vectors' signature: verifying is quicker than signing.
    pub fn answered(&self) -> AwaitsFinish {
        let Hello::Identified(heard) = self.heard() else { panic!("a pattern with three messages") };
        let heard: HelloRead = heard.with_payload(self.payloads[1].clone().into());
        let ready = heard.prepare_reply_with_rng(&mut Coins::new(self.responder_random.clone())).expect("enough coins");
        let (answered, reply) = ready.reply(&self.reply()[1]).expect("the vectors' signature");
        assert!(reply == self.messages[1], "message 2 is another one than the vectors'");
        answered
    }

    /// One side's channel, `initiator` or not, in a pattern of two messages.
    pub fn channel(&self, initiator: bool) -> Channel {
        if initiator {
            let Waiting::Anonymous(waiting) = self.waiting() else { panic!("a pattern with two messages") };
            let read = waiting.read_reply(&self.messages[1]).expect("the vectors' message 2");
            return read.into_channel(&mut Pinned(self.responder.fingerprint())).expect("who was expected");
        }
        let Hello::Anonymous(heard) = self.heard() else { panic!("a pattern with two messages") };
        let heard: AnonymousHello = heard.with_payload(self.payloads[1].clone().into());
        let ready = heard.prepare_reply_with_rng(&mut Anonymous, &mut Coins::new(self.responder_random.clone())).expect("anybody");
        ready.reply(&self.reply()[1]).expect("the vectors' signature").0
    }

    /// The first secrets of both directions, the initiator's first.
    pub fn directions(&self) -> [Direction; 2] {
        [&self.i2r, &self.r2i].map(|cs| Direction::new(self.suite, cs.clone()))
    }

    /// Message 2, before its identity: status and ciphertext in clear, and the state after them.
    pub fn before_reply(&self) -> (Vec<u8>, Symmetric) {
        let clear = self.messages[1][2..3 + self.suite.ciphertext_len()].to_vec();
        let mut state = Symmetric { h: self.states[0].h.clone(), n: 0, ..self.states[1].clone() };
        state.mix_hash(&clear[..1]);
        state.mix_hash(&clear[1..]);
        (clear, state)
    }

    /// The state before message 3: after the three seals of message 2.
    pub fn before_finish(&self) -> Symmetric {
        Symmetric { n: 3, ..self.states[1].clone() }
    }

    /// What message 2 is made of.
    pub fn reply(&self) -> Parts {
        let (clear, state) = self.before_reply();
        self.parts(state, &self.messages[1][2 + clear.len()..])
    }

    /// What message 3 is made of.
    pub fn finish(&self) -> Parts {
        self.parts(self.before_finish(), &self.messages[2][2..])
    }

    fn parts(&self, mut state: Symmetric, body: &[u8]) -> Parts {
        let algorithm = self.suite.signature();
        let (identity, rest) = body.split_at(algorithm.public_key_len() + 16);
        let (signature, payload) = rest.split_at(algorithm.signature_len() + 16);
        [identity, signature, payload].map(|part| state.decrypt_and_hash(part).expect("the vectors' tags"))
    }

    /// Where the fields of a message begin, in its frame: messages 0 to 2.
    pub fn borders(&self, message: usize) -> Vec<usize> {
        let algorithm = self.suite.signature();
        let identity = [algorithm.public_key_len(), 16, algorithm.signature_len(), 16];
        let fields: Vec<usize> = match message {
            0 => vec![2, 2, 1, 1, 2, self.suite.encapsulation_key_len()],
            1 => [&[2, 1, self.suite.ciphertext_len()], identity.as_slice()].concat(),
            _ => [&[2], identity.as_slice()].concat(),
        };
        fields.iter().scan(0, |at, field| Some(std::mem::replace(at, *at + field))).chain([fields.iter().sum()]).collect()
    }
}

pub fn read_state(suite: Suite, state: &Value) -> Symmetric {
    let k = if state["k"].is_string() { unhex(&state["k"]) } else { vec![0; 32] };
    Symmetric { suite, h: unhex(&state["h"]), ck: unhex(&state["ck"]), k: k.try_into().expect("32 bytes"), n: 0 }
}
