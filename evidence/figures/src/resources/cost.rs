//! CPU and bytes that a stranger makes a responder spend, by what it sends first: whole runs of `Accept`, in turn with runs of an honest `XX`.

use super::Figure;
use super::stranger::{Answer, Stranger};
use crate::report::bytes;
use crate::support::clock;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use twinlock::handshake::{AnonymousInitiator, Initiator, Pattern, Psk};
use twinlock::io::{Accept, Gate};
use twinlock::trust::{OrAnonymous, danger::TrustAnyone};
use twinlock::{Fingerprint, Identity, Pinned, Suite};

const PROLOGUE: &[u8] = b"resources";
const RUNS: u32 = 300;

/// Who is let in, who is not, and what they use.
struct Parties {
    suite: Suite,
    me: Identity,
    friend: Identity,
    unknown: Identity,
    psk: Psk,
}

/// What it takes to be refused so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before any key is looked at.
    Header,
    /// A check of the encapsulation key, and nothing secret.
    Key,
    /// Another psk than either of two.
    Psk,
    /// `NX`, where nobody without identity is wanted.
    Declined,
    /// An X25519 half, or a point, that fails in the encapsulation.
    Point,
    /// A good message 1, and nothing after message 2.
    SilentNx,
    SilentXx,
    /// A message 3 of the right length.
    Noise,
    /// A handshake without fault, by somebody not expected.
    Unknown,
    /// The same by who is.
    Honest,
}

const STAGES: [(Stage, &str); 9] = [
    (Stage::Header, "resources.cpu.header"),
    (Stage::Key, "resources.cpu.key"),
    (Stage::Psk, "resources.cpu.psk"),
    (Stage::Declined, "resources.cpu.declined"),
    (Stage::Point, "resources.cpu.point"),
    (Stage::SilentNx, "resources.cpu.silent-nx"),
    (Stage::SilentXx, "resources.cpu.silent-xx"),
    (Stage::Noise, "resources.cpu.noise"),
    (Stage::Unknown, "resources.cpu.unknown"),
];

struct Case<'a> {
    stage: Stage,
    name: &'static str,
    accept: Accept,
    anonymous: bool,
    first: Vec<u8>,
    answer: Box<dyn Fn() -> (Vec<u8>, Option<Answer<'a>>) + 'a>,
    took: Duration,
    sent: usize,
    read: usize,
}

pub(crate) fn all(suite: Suite) -> Vec<Figure> {
    let [me, friend, unknown] = [(); 3].map(|()| Identity::generate_for(suite.signature()).unwrap());
    let parties = Parties { suite, me, friend, unknown, psk: Psk::generate().unwrap() };
    let mut cases = cases(&parties);
    for run in 0..=RUNS {
        for case in &mut cases {
            let took = case.run(parties.friend.fingerprint());
            // The first warms up.
            case.took += if run == 0 { Duration::ZERO } else { took };
        }
    }
    figures(&parties, &cases)
}

fn figures(parties: &Parties, cases: &[Case<'_>]) -> Vec<Figure> {
    let honest = cases.iter().find(|case| case.stage == Stage::Honest).unwrap().took;
    let dearest = |stage: Stage| cases.iter().filter(|case| case.stage == stage).max_by_key(|case| case.took).unwrap();
    let ratio = |(stage, row): (Stage, &'static str)| {
        let case = dearest(stage);
        let micros = case.took.as_secs_f64() * 1e6 / f64::from(RUNS);
        let text =
            format!("{micros:.1} µs ({}); {} bytes read, {} sent; suite {:#06x}", case.name, case.read, case.sent, parties.suite.id());
        Figure::new(row, case.took.as_secs_f64() / honest.as_secs_f64(), text)
    };
    let refused =
        cases.iter().filter(|case| matches!(case.stage, Stage::Header | Stage::Key | Stage::Psk | Stage::Declined | Stage::Point));
    let silent = cases.iter().filter(|case| case.name.contains("psk"));
    let answered = dearest(Stage::SilentXx);
    let most = |cases: &mut dyn Iterator<Item = &Case<'_>>| bytes(cases.map(|case| case.sent).max().unwrap());
    // P-384 has no point that is found useless late.
    let there = |(stage, _): &(Stage, &str)| cases.iter().any(|case| case.stage == *stage);
    let mut figures: Vec<_> = STAGES.into_iter().filter(there).map(ratio).collect();
    figures.push(Figure::new("resources.bytes.refused", most(&mut refused.into_iter()), ""));
    figures.push(Figure::new("resources.bytes.psk", most(&mut silent.into_iter()), ""));
    let times = bytes(answered.sent) / bytes(answered.read);
    figures.push(Figure::new("resources.bytes.answer", times, format!("{} bytes for {}", answered.sent, answered.read)));
    figures.push(Figure::new("resources.bytes.linger", bytes(linger(parties)), ""));
    figures
}

impl Case<'_> {
    /// The responder's own time.
    fn run(&mut self, expected: Fingerprint) -> Duration {
        let (first, answer) = (self.answer)();
        let mut stranger = Stranger::new(if first.is_empty() { &self.first } else { &first }, answer);
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut pinned = Pinned(expected);
        let start = clock();
        let accepted = if self.anonymous {
            self.accept.accept_from(&mut stranger, source, &mut OrAnonymous(pinned)).is_ok()
        } else {
            self.accept.accept_from(&mut stranger, source, &mut pinned).is_ok()
        };
        let took = clock() - start - stranger.own;
        assert_eq!(accepted, matches!(self.stage, Stage::Honest | Stage::SilentNx), "{}", self.name);
        (self.sent, self.read) = (stranger.heard.len(), stranger.read());
        took
    }
}

/// A frame with this body.
fn frame(body: &[u8]) -> Vec<u8> {
    [u16::try_from(body.len()).unwrap().to_be_bytes().as_slice(), body].concat()
}

/// The frame with some of its body's bytes written over.
fn with(frame: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[at + 2..at + 2 + bytes.len()].copy_from_slice(bytes);
    frame
}

fn cases(parties: &Parties) -> Vec<Case<'_>> {
    let suite = parties.suite;
    let accept = || Accept::new(&parties.me, PROLOGUE).suites(&[suite]);
    let full = Gate::new(0, 0);
    let secretive = || accept().psk(&Psk::generate().unwrap()).psk(&parties.psk).anonymous();
    let xx = Initiator::new(&parties.friend, PROLOGUE).suite(suite).send_hello().unwrap().1;
    let nx = AnonymousInitiator::new(PROLOGUE).suite(suite).send_hello().unwrap().1;
    let wrong = Initiator::new(&parties.friend, PROLOGUE).suite(suite).psk(&Psk::generate().unwrap()).send_hello().unwrap().1;
    let ek = suite.encapsulation_key_len();
    // X25519's half is 32 bytes, P-384's 97.
    let point = if suite.id() == 2 { 97 } else { 32 };
    let bad_key = with(&xx, 6, &[0xFF; 384]);
    let bad_point = with(&xx, 6 + ek - point, &vec![0; point]);
    // A point that is none fails the key's check already; only X25519's zero is found later.
    let late = if suite.id() == 2 { Stage::Key } else { Stage::Point };
    let http = b"GET / HTTP/1.1\r\nHost: example\r\n\r\n".to_vec();
    let long = frame(&[&xx[2..], &[0; 5000]].concat());
    vec![
        plain(Stage::Header, "another protocol", accept(), http),
        plain(Stage::Header, "noise of the right length", accept(), frame(&vec![0x5A; xx.len() - 2])),
        plain(Stage::Header, "another version", accept(), with(&xx, 2, &[9])),
        plain(Stage::Header, "another pattern", accept(), nx.clone()),
        plain(Stage::Header, "another suite", accept(), with(&xx, 4, &[0x77, 0x77])),
        plain(Stage::Header, "a length out of bounds", accept(), long),
        plain(Stage::Header, "a full gate", accept().gate(&full), xx.clone()),
        plain(Stage::Header, "no psk where one is required", secretive(), xx.clone()),
        plain(Stage::Key, "a bad key", accept(), bad_key),
        plain(late, "a point of no use", accept(), bad_point),
        plain(Stage::Psk, "another psk than either of two", secretive(), wrong),
        plain(Stage::Declined, "NX where nobody may", accept().anonymous(), nx.clone()),
        Case { anonymous: true, ..plain(Stage::SilentNx, "NX, then silence", accept().anonymous(), nx) },
        plain(Stage::SilentXx, "XX, then silence", accept(), xx.clone()),
        Case {
            answer: Box::new(move || (Vec::new(), Some(Box::new(move |_: &[u8]| frame(&vec![0x5A; Pattern::Xx.finish_len(suite)]))))),
            ..plain(Stage::Noise, "XX, then noise", accept(), xx)
        },
        meeting(Stage::Unknown, "XX, by an unknown", accept(), suite, &parties.unknown),
        meeting(Stage::Honest, "XX", accept(), suite, &parties.friend),
    ]
}

/// The same first message each time: it costs whoever sends it nothing to make.
fn plain<'a>(stage: Stage, name: &'static str, accept: Accept, first: Vec<u8>) -> Case<'a> {
    Case { stage, name, accept, anonymous: false, first, answer: Box::new(|| (Vec::new(), None)), took: Duration::ZERO, sent: 0, read: 0 }
}

/// A whole `XX` by this identity.
fn meeting<'a>(stage: Stage, name: &'static str, accept: Accept, suite: Suite, who: &'a Identity) -> Case<'a> {
    let answer = move || {
        let (waiting, hello) = Initiator::new(who, PROLOGUE).suite(suite).send_hello().unwrap();
        let finish = move |reply: &[u8]| waiting.read_reply(reply).unwrap().send_finish(&mut TrustAnyone).unwrap().1;
        (hello, Some(Box::new(finish) as Answer<'a>))
    };
    Case { answer: Box::new(answer), ..plain(stage, name, accept, Vec::new()) }
}

/// Bytes that are read of a stranger who is refused and goes on sending.
fn linger(parties: &Parties) -> usize {
    let first = Initiator::new(&parties.friend, PROLOGUE).suite(parties.suite).send_hello().unwrap().1;
    let mut stranger = Stranger::new(&with(&first, 2, &[9]), None);
    stranger.endless = true;
    let accept = Accept::new(&parties.me, PROLOGUE).suites(&[parties.suite]);
    assert!(accept.accept(&mut stranger, &mut Pinned(parties.friend.fingerprint())).is_err());
    stranger.read()
}
