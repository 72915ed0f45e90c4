//! A whole conversation of two honest sides, over a link that the input drives: it delivers, drops, doubles, reorders, changes and cuts frames, injects older ones and reflects
//! them (docs/protocol.md, sections 6 to 8).
//!
//! Both sides agree on everything, or none has a channel that says otherwise. What is delivered in a direction is what was sent in it, in order and from its beginning, up to the
//! first frame that is not the one that was next; from there on there is nothing but errors, in both directions of the side that read it.

use crate::input::Input;
use crate::people::identity;
use crate::rng::Seeded;
use crate::talk;
use twinlock::handshake::{AnonymousInitiator, Hello, Initiator, Psk, Responder};
use twinlock::trust::{OrAnonymous, Pinned};
use twinlock::{Channel, Suite};

const PROLOGUES: [&[u8]; 2] = [b"fuzz/3", b"fuzz/4"];

/// What the two are set to.
struct Settings {
    suite: Suite,
    identified: bool,
    psks: [Option<u8>; 2],
    /// Which prologue the responder has.
    prologue: usize,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let settings = Settings {
        suite: *input.pick(Suite::ALL),
        identified: input.flag(),
        psks: *input.pick(&[[None; 2], [None; 2], [Some(1); 2], [Some(1), Some(2)], [None, Some(1)], [Some(1), None]]),
        prologue: usize::from(input.byte() % 8 == 1),
    };
    if let Some(sides) = settings.meet(&mut input) {
        talk::run(sides, &mut input);
    }
}

impl Settings {
    fn psk(&self, side: usize) -> Option<Psk> {
        self.psks[side].map(|byte| Psk::take(&mut [byte; 32]))
    }

    /// Both channels, or none where something was changed or does not fit. Only those that agree come out.
    fn meet(&self, input: &mut Input) -> Option<[Channel; 2]> {
        let good = self.psks[0] == self.psks[1] && self.prologue == 0;
        let mut wire = Wire { input, sent: Vec::new(), intact: good };
        let met = if self.identified { self.identified(&mut wire) } else { self.anonymous(&mut wire) };
        assert_eq!(met.is_some(), wire.intact, "whether both sides have a channel");
        let [a, b] = met?;
        let exports = [&a, &b].map(|side| {
            let mut out = [0; 16];
            side.conversation().export("fuzz", b"", &mut out).expect("16 bytes");
            (side.conversation().handshake_hash().to_vec(), side.conversation().suite(), out)
        });
        assert_eq!(exports[0], exports[1], "both have a channel, and do not agree");
        Some([a, b])
    }

    fn responder(&self) -> Responder {
        let me = Responder::new(identity(self.suite.signature(), 0), PROLOGUES[self.prologue]);
        self.psk(1).iter().fold(me, Responder::psk)
    }

    fn identified(&self, wire: &mut Wire<'_, '_>) -> Option<[Channel; 2]> {
        let (rng, algorithm) = (&mut Seeded::new(1), self.suite.signature());
        let me = Initiator::new(identity(algorithm, 1), PROLOGUES[0]).suite(self.suite).with_payload(b"one".into());
        let (waiting, hello) = self.psk(0).iter().fold(me, Initiator::psk).send_hello_with_rng(rng).expect("good arguments");
        let heard = self.responder().read_hello(&wire.carry(hello)).ok()?;
        let (awaits, reply) = heard.with_payload(b"two".into()).send_reply_with_rng(rng).expect("a good generator");
        let read = waiting.read_reply(&wire.carry(reply)).ok()?;
        assert!(wire.intact && read.payload().as_bytes() == b"two", "an initiator read what was not sent");
        let (a, finish) = read.send_finish_with_rng(&mut Pinned(identity(algorithm, 0).fingerprint()), rng).expect("who was expected");
        let read = awaits.read_finish(&wire.carry(finish)).ok()?;
        assert!(wire.intact, "a responder read what was not sent");
        Some([a, read.into_channel(&mut Pinned(identity(algorithm, 1).fingerprint())).expect("who was expected")])
    }

    fn anonymous(&self, wire: &mut Wire<'_, '_>) -> Option<[Channel; 2]> {
        let (rng, expected) = (&mut Seeded::new(1), Pinned(identity(self.suite.signature(), 0).fingerprint()));
        let me = AnonymousInitiator::new(PROLOGUES[0]).suite(self.suite).with_payload(b"one".into());
        let (waiting, hello) = self.psk(0).iter().fold(me, AnonymousInitiator::psk).send_hello_with_rng(rng).expect("good arguments");
        let Ok(Hello::Anonymous(heard)) = self.responder().read_any_hello(&wire.carry(hello)) else { return None };
        let (b, reply) = heard.send_reply_with_rng(&mut OrAnonymous(expected), rng).expect("a good generator");
        let a = waiting.read_reply(&wire.carry(reply)).ok()?.into_channel(&mut { expected }).expect("who was expected");
        assert!(wire.intact, "an initiator read what was not sent");
        Some([a, b])
    }
}

/// The link while the handshake goes on.
struct Wire<'a, 'b> {
    input: &'a mut Input<'b>,
    sent: Vec<Vec<u8>>,
    intact: bool,
}

impl Wire<'_, '_> {
    /// A handshake's message on its way: what arrives in its place.
    fn carry(&mut self, frame: Vec<u8>) -> Vec<u8> {
        let mut arrives = frame.clone();
        match self.input.byte() % 16 {
            1 => self.input.change(&mut arrives, &[0, 2, 3, 4, 6, 8, frame.len().saturating_sub(16), frame.len()]),
            2 => arrives = self.sent.last().cloned().unwrap_or_default(),
            3 => arrives = self.input.some().to_vec(),
            _ => {}
        }
        self.intact &= arrives == frame;
        self.sent.push(frame);
        arrives
    }
}
