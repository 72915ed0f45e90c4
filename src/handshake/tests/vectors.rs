//! tests/vectors/handshakes.json, twice over: the tokens by themselves, whose states are compared after each message, and the public states, whose
//! messages, channels and exporters are compared.

use super::json::{bytes, here, list, load, maybe, number, ran, text};
use super::rng::Coins;
use crate::Channel;
use crate::crypto::kem::DecapsulationKey;
use crate::handshake::message::{
    read_e, read_ekem, read_payload, read_s, read_sig, to_sign, write_e, write_ekem, write_payload, write_s, write_sig,
};
use crate::handshake::pattern::Role;
use crate::handshake::{AnonymousInitiator, Hello, Initiator, Pattern, Psk, Responder, Suite, begin};
use crate::identity::{Identity, Peer, Trusted};
use crate::secret::Secret;
use crate::symmetric::{ChannelSecrets, SymmetricState};
use crate::trust::{OrAnonymous, Pinned};
use crate::wire::{Reader, put_frame};
use serde_json::Value;
use std::vec::Vec;

const CASES: usize = 21;

/// The cases of the suites that this build has.
fn cases(file: &Value) -> Vec<&Value> {
    here(&file["cases"], CASES)
}

struct Case<'a> {
    json: &'a Value,
    name: &'a str,
    pattern: Pattern,
    suite: Suite,
    prologue: Vec<u8>,
    psk: Option<Psk>,
    initiator: Option<Identity>,
    responder: Identity,
}

impl<'a> Case<'a> {
    fn new(json: &'a Value) -> Self {
        let pattern = Pattern::from_id(number(&json["pattern_id"]) as u8).unwrap();
        assert_eq!(pattern.name(), text(&json["pattern"]));
        let suite = Suite::from_id(number(&json["suite"]) as u16).unwrap();
        let identity = |secret: Vec<u8>| Identity::from_secret_bytes(suite.signature(), &secret).unwrap();
        Self {
            json,
            name: text(&json["name"]),
            pattern,
            suite,
            prologue: bytes(&json["prologue"]),
            psk: maybe(&json["psk"]).map(|psk| Psk::take(&mut psk.try_into().unwrap())),
            initiator: maybe(&json["initiator_seed"]).map(identity),
            responder: identity(bytes(&json["responder_seed"])),
        }
    }

    fn random(&self) -> [Coins; 2] {
        ["initiator_random", "responder_random"].map(|side| Coins::new(bytes(&self.json[side])))
    }

    fn payload(&self, message: usize) -> Vec<u8> {
        bytes(&self.json["payloads"][message])
    }

    fn message(&self, message: usize) -> Vec<u8> {
        bytes(&self.json["messages"][message])
    }

    fn messages(&self) -> usize {
        list(&self.json["messages"]).len()
    }

    fn check_state(&self, message: usize, state: &SymmetricState) {
        let expected = &self.json["states"][message];
        let (ck, h, k, _) = state.expose();
        assert_eq!(h, bytes(&expected["h"]), "h, {}, message {}", self.name, message + 1);
        assert_eq!(ck, bytes(&expected["ck"]), "ck, {}, message {}", self.name, message + 1);
        assert_eq!(k.map(|k| k.to_vec()), maybe(&expected["k"]), "k, {}, message {}", self.name, message + 1);
    }

    fn check_message(&self, message: usize, frame: &[u8]) {
        assert!(frame == self.message(message), "{}, message {}", self.name, message + 1);
    }

    fn check_secrets(&self, secrets: &ChannelSecrets) {
        let found = [&secrets.i2r, &secrets.r2i, &secrets.exporter, &secrets.resume].map(|secret| secret.first(self.suite.hash().len()));
        let expected = ["i2r", "r2i", "exporter", "resumption"].map(|secret| bytes(&self.json[secret]));
        assert_eq!(found, expected.each_ref().map(Vec::as_slice), "{}", self.name);
        assert_eq!(secrets.handshake_hash, bytes(&self.json["handshake_hash"]), "{}", self.name);
    }

    /// What the file says that a handshake leaves.
    fn secrets(&self) -> ChannelSecrets {
        let secret = |name| Secret::build(|place| place[..self.suite.hash().len()].copy_from_slice(&bytes(&self.json[name])));
        let handshake_hash = bytes(&self.json["handshake_hash"]);
        let [i2r, r2i, exporter, resume] = ["i2r", "r2i", "exporter", "resumption"].map(secret);
        ChannelSecrets { i2r, r2i, exporter, resume, handshake_hash }
    }
}

fn framed(body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    put_frame(&mut frame, body).unwrap();
    frame
}

/// A side of the token run.
struct Side {
    state: SymmetricState,
    random: Coins,
}

impl Side {
    fn start(case: &Case<'_>, random: Coins) -> Self {
        let (mut state, _) = begin(case.pattern, case.suite, &case.prologue);
        if let Some(psk) = &case.psk {
            state.mix_key_and_hash(psk.expose()).unwrap();
        }
        Self { state, random }
    }

    fn write_identity(&mut self, case: &Case<'_>, identity: &Identity, role: Role, body: &mut Vec<u8>) {
        write_s(&mut self.state, &identity.public(), body).unwrap();
        let to_sign = to_sign(&self.state, case.pattern, role);
        write_sig(&mut self.state, &identity.sign(&to_sign, &mut self.random).unwrap(), body).unwrap();
    }

    fn read_identity(&mut self, case: &Case<'_>, identity: &Identity, role: Role, body: &mut Reader<'_>) {
        let peer = read_s(&mut self.state, case.suite.signature(), body).unwrap();
        assert_eq!(peer, identity.public());
        read_sig(&mut self.state, case.pattern, role, &peer, body).unwrap();
    }
}

#[test]
fn a_token_leaves_another_state_than_the_reference() {
    let file = load("handshakes.json");
    for json in cases(&file) {
        let case = Case::new(json);
        let [mut i, mut r] = case.random().map(|random| Side::start(&case, random));
        let kem = case.suite.kem();

        let mut body = case.pattern.header(case.suite).to_vec();
        let (e, ek) = DecapsulationKey::generate(kem, &mut i.random).unwrap();
        write_e(&mut i.state, &ek, case.pattern.psk(), &mut body).unwrap();
        write_payload(&mut i.state, &case.payload(0), &mut body).unwrap();
        case.check_message(0, &framed(&body));
        let mut body = Reader::new(&body[6..]);
        let ek = read_e(&mut r.state, kem, case.pattern.psk(), &mut body).unwrap();
        assert_eq!(read_payload(&mut r.state, body).unwrap(), case.payload(0));
        [&i, &r].iter().for_each(|side| case.check_state(0, &side.state));

        let mut body = [0].to_vec();
        r.state.mix_hash(&[0]);
        write_ekem(&mut r.state, &ek, &mut r.random, &mut body).unwrap();
        r.write_identity(&case, &case.responder, Role::Responder, &mut body);
        write_payload(&mut r.state, &case.payload(1), &mut body).unwrap();
        case.check_message(1, &framed(&body));
        let mut body = Reader::new(&body);
        i.state.mix_hash(body.bytes(1).unwrap());
        read_ekem(&mut i.state, kem, e, &mut body).unwrap();
        i.read_identity(&case, &case.responder, Role::Responder, &mut body);
        assert_eq!(read_payload(&mut i.state, body).unwrap(), case.payload(1));
        [&i, &r].iter().for_each(|side| case.check_state(1, &side.state));

        if let Some(identity) = &case.initiator {
            let mut body = Vec::new();
            i.write_identity(&case, identity, Role::Initiator, &mut body);
            write_payload(&mut i.state, &case.payload(2), &mut body).unwrap();
            case.check_message(2, &framed(&body));
            let mut body = Reader::new(&body);
            r.read_identity(&case, identity, Role::Initiator, &mut body);
            assert_eq!(read_payload(&mut r.state, body).unwrap(), case.payload(2));
            [&i, &r].iter().for_each(|side| case.check_state(2, &side.state));
        }
        for side in [i, r] {
            assert_eq!(side.random.left(), 0);
            case.check_secrets(&side.state.into_secrets().unwrap());
        }
    }
    ran("handshakes.json", [("cases", cases(&file).len())]);
}

#[test]
fn a_handshake_differs_from_the_reference() {
    let file = load("handshakes.json");
    for json in cases(&file) {
        let case = Case::new(json);
        let [mut i, mut r] = case.random();
        let responder = Responder::new(&case.responder, &case.prologue);
        let responder = case.psk.iter().fold(responder, Responder::psk);
        let [a, b] = match &case.initiator {
            Some(identity) => identified(&case, identity, responder, &mut i, &mut r),
            None => anonymous(&case, responder, &mut i, &mut r),
        };
        assert_eq!((i.left(), r.left()), (0, 0), "{}", case.name);
        check_channel(&case, a, true);
        check_channel(&case, b, false);
    }
    ran("handshakes.json", [("cases", cases(&file).len())]);
}

fn identified(case: &Case<'_>, identity: &Identity, responder: Responder, i: &mut Coins, r: &mut Coins) -> [Channel; 2] {
    let initiator = Initiator::new(identity, &case.prologue).suite(case.suite).with_payload(case.payload(0).into());
    let initiator = case.psk.iter().fold(initiator, Initiator::psk);
    let (initiator, hello) = initiator.send_hello_with_rng(i).unwrap();
    case.check_message(0, &hello);
    let heard = responder.read_hello(&hello).unwrap();
    assert_eq!(heard.payload().as_bytes(), case.payload(0));
    let (responder, reply) = heard.with_payload(case.payload(1).into()).send_reply_with_rng(r).unwrap();
    case.check_message(1, &reply);
    let read = initiator.read_reply(&reply).unwrap();
    assert_eq!(read.payload().as_bytes(), case.payload(1));
    let read = read.with_payload(case.payload(2).into());
    let (a, finish) = read.send_finish_with_rng(&mut Pinned(case.responder.fingerprint()), i).unwrap();
    case.check_message(2, &finish);
    let read = responder.read_finish(&finish).unwrap();
    assert_eq!(read.payload().as_bytes(), case.payload(2));
    assert_eq!(case.messages(), 3);
    [a, read.into_channel(&mut Pinned(identity.fingerprint())).unwrap()]
}

fn anonymous(case: &Case<'_>, responder: Responder, i: &mut Coins, r: &mut Coins) -> [Channel; 2] {
    let initiator = AnonymousInitiator::new(&case.prologue).suite(case.suite).with_payload(case.payload(0).into());
    let initiator = case.psk.iter().fold(initiator, AnonymousInitiator::psk);
    let (initiator, hello) = initiator.send_hello_with_rng(i).unwrap();
    case.check_message(0, &hello);
    let Hello::Anonymous(heard) = responder.read_any_hello(&hello).unwrap() else { panic!("{}", case.name) };
    assert_eq!(heard.payload().as_bytes(), case.payload(0));
    let pinned = Pinned(case.responder.fingerprint());
    let (b, reply) = heard.with_payload(case.payload(1).into()).send_reply_with_rng(&mut OrAnonymous(pinned), r).unwrap();
    case.check_message(1, &reply);
    let read = initiator.read_reply(&reply).unwrap();
    assert_eq!(read.payload().as_bytes(), case.payload(1));
    assert_eq!(case.messages(), 2);
    [read.into_channel(&mut Pinned(case.responder.fingerprint())).unwrap(), b]
}

/// The channel's hash and exporter are the file's, and its keys seal and open what a channel made from the file's secrets does.
fn check_channel(case: &Case<'_>, channel: Channel, initiator: bool) {
    let peer = if initiator { Some(case.responder.public()) } else { case.initiator.as_ref().map(Identity::public) };
    assert_eq!(channel.peer().identity(), peer.as_ref());
    let expected = Channel::new(case.secrets(), initiator, case.suite, Peer::new(None, case.suite), Trusted::Anyone).unwrap();
    let other = Channel::new(case.secrets(), !initiator, case.suite, Peer::new(None, case.suite), Trusted::Anyone).unwrap();
    let (mut sealer, mut opener, conversation) = channel.into_halves();

    let [mut found, mut wanted, mut incoming] = [const { Vec::new() }; 3];
    sealer.message(b"text", &mut found).unwrap();
    expected.into_halves().0.message(b"text", &mut wanted).unwrap();
    assert_eq!(found, wanted, "{}", case.name);
    other.into_halves().0.message(b"text", &mut incoming).unwrap();
    opener.open(&mut incoming).unwrap();

    assert_eq!(conversation.handshake_hash(), bytes(&case.json["handshake_hash"]));
    for export in list(&case.json["exports"]) {
        let mut value = std::vec![0; number(&export["n"]) as usize];
        let label = bytes(&export["label"]);
        conversation.export(core::str::from_utf8(&label).unwrap(), &bytes(&export["context"]), &mut value).unwrap();
        assert_eq!(value, bytes(&export["value"]), "{}", case.name);
    }
    assert_eq!(list(&case.json["exports"]).len(), 5);
}
