//! Message 1 from anybody, to a responder of any settings (docs/protocol.md, section 6.3).
//!
//! A model says from the bytes alone what the responder answers: in which order it looks, with which status it refuses, and when it is silent. What it accepts and was
//! changed on its way must not lead to a handshake; what was not changed must.

use crate::input::{Input, refit};
use crate::kems::is_key;
use crate::people::{LEVEL_3, LEVEL_5, identity};
use crate::rng::Seeded;
use twinlock::handshake::{
    AnonymousAwaitsReply, AnonymousHello, AnonymousInitiator, AwaitsReply, Hello, HelloRead, Initiator, Psk, Rejected, Responder,
};
use twinlock::trust::{Anonymous, Pinned};
use twinlock::{Distrust, Error, Refusal, Suite};

const PROLOGUES: [&[u8]; 2] = [b"fuzz/1", b""];
/// Bytes of a payload at most.
const PAYLOAD: usize = 4096;

struct Settings {
    psks: Vec<u8>,
    suites: Vec<Suite>,
    both: bool,
    level_5_first: bool,
    anonymous: bool,
    busy: bool,
}

/// A message 1, and how it was made.
struct Sent {
    waiting: Waiting,
    honest: Vec<u8>,
    frame: Vec<u8>,
    psk: Option<u8>,
    payload: Vec<u8>,
    prologue: usize,
    suite: Suite,
}

enum Waiting {
    Identified(AwaitsReply),
    Anonymous(AnonymousAwaitsReply),
}

/// What the model says.
#[derive(Debug, PartialEq)]
enum Verdict {
    Silent,
    Refuse(u8),
    Accept,
    /// It depends on whether bytes that were changed are a point of P-384.
    AcceptOrSilent,
}

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let settings = Settings::read(&mut input);
    let sent = Sent::make(&settings, &mut input);
    let verdict = settings.verdict(&sent);
    let responder = settings.responder();
    let heard =
        if settings.anonymous { responder.read_any_hello(&sent.frame) } else { responder.read_hello(&sent.frame).map(Hello::Identified) };
    match heard {
        Err(rejected) => check_rejected(&rejected, &verdict, &settings),
        Ok(heard) => {
            assert!(matches!(verdict, Verdict::Accept | Verdict::AcceptOrSilent), "accepted, where the model says {verdict:?}");
            go_on(heard, sent, &mut input);
        }
    }
}

impl Settings {
    fn read(input: &mut Input) -> Self {
        let psks = input.pick(&[vec![], vec![b'a'], vec![b'a', b'b']]).clone();
        let (named, flags) = (input.byte(), input.byte());
        let suites = Suite::ALL.iter().copied().enumerate().filter(|(i, _)| named >> i & 1 == 0).map(|(_, suite)| suite).collect();
        let [both, level_5_first, anonymous, busy] = [0, 1, 2, 3].map(|bit| flags >> bit & 1 == 1);
        Self { psks, suites, both, level_5_first, anonymous, busy: busy && flags >> 4 & 1 == 1 }
    }

    fn responder(&self) -> Responder {
        let [first, second] = if self.level_5_first { [LEVEL_5, LEVEL_3] } else { [LEVEL_3, LEVEL_5] };
        let mut responder = Responder::new(identity(first, 0), PROLOGUES[0]).suites(&self.suites).busy(self.busy);
        if self.both {
            responder = responder.also(identity(second, 0));
        }
        self.psks.iter().fold(responder, |responder, psk| responder.psk(&Psk::take(&mut [*psk; 32])))
    }

    fn has_identity(&self, suite: Suite) -> bool {
        self.both || (suite == Suite::Level5Aes) == self.level_5_first
    }

    /// Section 6.3, step by step.
    fn verdict(&self, sent: &Sent) -> Verdict {
        let clear = self.clear_verdict(&sent.frame);
        if self.psks.is_empty() {
            return clear.unwrap_or_else(|suite| sent.key_verdict(suite));
        }
        let good = sent.frame == sent.honest && sent.prologue == 0 && sent.psk.is_some_and(|psk| self.psks.contains(&psk));
        if clear.is_err() && good { Verdict::Accept } else { Verdict::Silent }
    }

    /// Steps 1 to 6, which look at clear bytes alone; then the suite.
    fn clear_verdict(&self, frame: &[u8]) -> Result<Verdict, Suite> {
        let (Some((prefix, body)), 6..=16_384) = (frame.split_first_chunk::<2>(), frame.len().saturating_sub(2)) else {
            return Ok(Verdict::Silent);
        };
        if usize::from(u16::from_be_bytes(*prefix)) != body.len() || &body[..2] != b"TL" {
            return Ok(Verdict::Silent);
        }
        if body[2] != 1 {
            return Ok(Verdict::Refuse(1));
        }
        let psk = match (body[3], self.anonymous) {
            (1, _) | (3, true) => false,
            (2, _) | (4, true) => true,
            _ => return Ok(Verdict::Refuse(2)),
        };
        if psk == self.psks.is_empty() {
            return Ok(Verdict::Refuse(2));
        }
        let asked = u16::from_be_bytes([body[4], body[5]]);
        let suite = self.suites.iter().copied().find(|suite| suite.id() == asked && self.has_identity(*suite));
        let Some(suite) = suite else { return Ok(Verdict::Refuse(3)) };
        let least = 6 + suite.encapsulation_key_len() + if psk { 16 } else { 0 };
        if !(least..=least + PAYLOAD).contains(&body.len()) {
            return Ok(Verdict::Silent);
        }
        if self.busy { Ok(Verdict::Refuse(4)) } else { Err(suite) }
    }
}

impl Sent {
    fn make(settings: &Settings, input: &mut Input) -> Self {
        let fits = settings.psks.last().copied();
        let psk = *input.pick(&[fits, fits, fits, fits, None, Some(b'a'), Some(b'b'), Some(b'c')]);
        let suites = if input.byte() % 4 == 1 || settings.suites.is_empty() { Suite::ALL } else { &settings.suites };
        let (suite, prologue) = (*input.pick(suites), usize::from(input.byte() % 4 == 1));
        let (identified, mut payload) = (input.flag(), input.filled(PAYLOAD));
        payload.truncate(PAYLOAD);
        let (rng, taken) = (&mut Seeded::new(input.byte().into()), psk.map(|psk| Psk::take(&mut [psk; 32])));
        let (waiting, honest) = if identified {
            let me = Initiator::new(identity(suite.signature(), 1), PROLOGUES[prologue]).suite(suite).with_payload(payload.clone().into());
            let (waiting, hello) = taken.iter().fold(me, Initiator::psk).send_hello_with_rng(rng).expect("good arguments");
            (Waiting::Identified(waiting), hello)
        } else {
            let me = AnonymousInitiator::new(PROLOGUES[prologue]).suite(suite).with_payload(payload.clone().into());
            let (waiting, hello) = taken.iter().fold(me, AnonymousInitiator::psk).send_hello_with_rng(rng).expect("good arguments");
            (Waiting::Anonymous(waiting), hello)
        };
        let mut frame = honest.clone();
        change(&mut frame, suite, input);
        Self { waiting, honest, frame, psk, payload, prologue, suite }
    }

    /// Step 7: the encapsulation key passes its check. There is no psk.
    fn key_verdict(&self, suite: Suite) -> Verdict {
        let key = &self.frame[8..8 + suite.encapsulation_key_len()];
        let made_here = self.suite == suite && self.honest.len() >= 8 + key.len() && self.honest[8..8 + key.len()] == *key;
        match is_key(suite, key) {
            _ if made_here => Verdict::Accept,
            Some(true) => Verdict::Accept,
            Some(false) => Verdict::Silent,
            None => Verdict::AcceptOrSilent,
        }
    }
}

/// Changes message 1, or puts other bytes in its place.
fn change(frame: &mut Vec<u8>, suite: Suite, input: &mut Input) {
    let ek = suite.encapsulation_key_len();
    match input.byte() % 10 {
        0 | 8 | 9 => {}
        1 => *frame = input.rest().to_vec(),
        2 => {
            // One field of the header, over the same rest.
            match input.byte() % 3 {
                0 => frame[4] = input.byte() % 3,
                1 => frame[5] = input.byte() % 9,
                _ => frame[6..8].copy_from_slice(&input.pick(&[1u16, 2, 3, 0x7E03, 0]).to_be_bytes()),
            }
        }
        3 => {
            // The lengths at the bounds.
            let lengths =
                [5, 6, 7, 5 + ek, 6 + ek, 6 + ek + PAYLOAD, 7 + ek + PAYLOAD, 22 + ek + PAYLOAD, 23 + ek + PAYLOAD, 16_384, 16_385];
            frame.resize(2 + input.pick(&lengths), 0);
            refit(frame);
        }
        how => {
            input.change(frame, &[0, 2, 4, 5, 6, 8, 8 + ek - 97, 8 + ek - 32, 8 + ek]);
            if how > 4 {
                refit(frame);
            }
        }
    }
}

fn check_rejected(rejected: &Rejected, verdict: &Verdict, settings: &Settings) {
    let answer = match verdict {
        Verdict::Accept => panic!("refused, where the model accepts: {rejected}"),
        Verdict::Refuse(status) if settings.psks.is_empty() => vec![0, 1, *status],
        _ => vec![],
    };
    assert_eq!(rejected.answer(), answer, "{rejected}");
    match (rejected.error(), verdict) {
        (Error::RefusedByUs(why), Verdict::Refuse(status)) => assert_eq!(why.status(), *status),
        (Error::SuiteNotAllowed { .. }, Verdict::Refuse(status)) => assert_eq!(*status, 3),
        (Error::Malformed, _) => {}
        (Error::RefusedByUs(_) | Error::SuiteNotAllowed { .. } | Error::Authentication, _) if !settings.psks.is_empty() => {}
        (error, verdict) => panic!("{error:?}, where the model says {verdict:?}"),
    }
}

/// The responder answers, and the initiator reads it if what was sent is what came, and only then.
fn go_on(heard: Hello, sent: Sent, input: &mut Input) {
    let payload = match &heard {
        Hello::Identified(heard) => heard.payload(),
        Hello::Anonymous(heard) => heard.payload(),
    };
    let suite = suite_of(&sent.frame);
    match sent.psk.filter(|_| matches!(sent.frame[5], 2 | 4)) {
        Some(_) => assert_eq!(payload.as_bytes(), sent.payload),
        None => assert_eq!(payload.as_bytes(), &sent.frame[8 + suite.encapsulation_key_len()..]),
    }
    let same = sent.frame == sent.honest && sent.prologue == 0;
    // A whole handshake signs twice: not in every run.
    if input.byte() % 4 == 0 {
        match heard {
            Hello::Identified(heard) => identified(heard, sent, same, input),
            Hello::Anonymous(heard) => anonymous(heard, sent, same, input),
        }
    }
}

fn identified(heard: HelloRead, sent: Sent, same: bool, input: &mut Input) {
    let (me, rng) = (identity(heard.suite().signature(), 0), &mut Seeded::new(9));
    let heard = heard.with_payload(input.some().into());
    let made = if input.flag() {
        let ready = heard.prepare_reply_with_rng(rng).expect("a good generator");
        let signature = me.sign_with_rng(ready.to_sign(), rng).expect("a good generator");
        ready.reply(&signature)
    } else {
        heard.send_reply_with_rng(rng)
    };
    let (answered, reply) = made.expect("a good generator");
    let Waiting::Identified(waiting) = sent.waiting else {
        assert!(!same);
        return;
    };
    let read = waiting.read_reply(&reply);
    assert_eq!(read.is_ok(), same, "whether the initiator reads an answer to what it sent");
    let Ok(read) = read else { return };
    let (initiator, finish) = read.send_finish_with_rng(&mut Pinned(me.fingerprint()), rng).expect("who was expected");
    let peer = identity(sent.suite.signature(), 1).fingerprint();
    let responder = answered.read_finish(&finish).expect("an honest message 3").into_channel(&mut Pinned(peer)).expect("who was expected");
    assert_eq!(initiator.conversation().handshake_hash(), responder.conversation().handshake_hash());
}

fn anonymous(heard: AnonymousHello, sent: Sent, same: bool, input: &mut Input) {
    let rng = &mut Seeded::new(9);
    let heard = heard.with_payload(input.some().into());
    if input.flag() {
        let nobody = heard.send_reply_with_rng(&mut Pinned(identity(LEVEL_3, 3).fingerprint()), rng).expect_err("nobody without identity");
        assert_eq!(nobody.error(), Error::Untrusted(Distrust::Anonymous));
        let silent = sent.frame[5] == 4;
        assert_eq!(nobody.answer(), if silent { vec![] } else { vec![0, 1, Refusal::Refused.status()] });
        return;
    }
    let me = identity(suite_of(&sent.frame).signature(), 0);
    let (responder, reply) = if input.flag() {
        let ready = heard.prepare_reply_with_rng(&mut Anonymous, rng).expect("a good generator");
        let signature = me.sign_with_rng(ready.to_sign(), rng).expect("a good generator");
        ready.reply(&signature).expect("the signer's own signature")
    } else {
        heard.send_reply_with_rng(&mut Anonymous, rng).expect("a good generator")
    };
    let Waiting::Anonymous(waiting) = sent.waiting else {
        assert!(!same);
        return;
    };
    let read = waiting.read_reply(&reply);
    assert_eq!(read.is_ok(), same, "whether the initiator reads an answer to what it sent");
    let Ok(read) = read else { return };
    let initiator = read.into_channel(&mut Pinned(identity(sent.suite.signature(), 0).fingerprint())).expect("who was expected");
    assert_eq!(initiator.conversation().handshake_hash(), responder.conversation().handshake_hash());
}

/// The suite that an accepted frame names.
fn suite_of(frame: &[u8]) -> Suite {
    Suite::from_id(u16::from_be_bytes([frame[6], frame[7]])).expect("one that is allowed")
}
