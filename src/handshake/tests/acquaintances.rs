//! tests/vectors/acquaintances.json: bundles, `IK`, `IKpsk0` and `resume` as the reference has them; what each side refuses, and with which bytes.

mod bundles;
mod sides;

use super::book::Book;
use super::json::{array, built, bytes, list, load, maybe, number, ran, text, truth};
use super::rng::{Coins, Seeded};
use crate::Channel;
use crate::channel::{Resumption, Role};
use crate::crypto::kem::kept::KeptKey;
use crate::crypto::kem::{Ciphertext, EncapsulationKey};
use crate::handshake::message::{mix_e, read_payload, read_skem, read_sref};
use crate::handshake::{
    AcquaintedAwaitsReply, AcquaintedInitiator, AnyHello, AwaitsConfirm, Decoys, Pattern, Psk, Responder, ResumeAwaitsReply,
    ResumeInitiator, Suite, begin, begin_resume,
};
use crate::identity::{Fingerprint, Identity, SignatureAlgorithm, StaticKey};
use crate::symmetric::SymmetricState;
use crate::trust::{PinnedSet, danger::TrustAnyone};
use crate::wire::{Reader, frame_body, put_frame};
use serde_json::Value;
use std::sync::Arc;
use std::vec::Vec;

/// The file, with the identities and static keys of the suites that this build has.
struct World {
    file: Value,
    identities: Vec<(Vec<u8>, Identity)>,
    keys: Vec<(Vec<u8>, Arc<StaticKey>)>,
}

fn frame(body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    put_frame(&mut frame, body).unwrap();
    frame
}

fn named<'a>(cases: &'a Value, name: &str) -> &'a Value {
    list(cases).iter().find(|case| case["name"] == name).unwrap_or_else(|| panic!("{name}"))
}

fn fingerprint(value: &Value) -> Option<Fingerprint> {
    Some(array(value)).filter(|bytes| *bytes != [0; 32]).map(Fingerprint::from_bytes)
}

impl World {
    fn new() -> Self {
        let (file, one, three) = (load("acquaintances.json"), load("identity.json"), load("round3.json"));
        let of = |case: &Value| {
            let algorithms =
                SignatureAlgorithm::ALL.iter().filter(|algorithm| algorithm.public_key_len() * 2 == text(&case["public"]).len());
            let identity =
                algorithms.filter_map(|algorithm| Identity::from_secret_bytes(*algorithm, &bytes(&case["secret"])).ok()).next()?;
            Some((text(&case["name"]).as_bytes().to_vec(), identity))
        };
        let identities = list(&one["identities"]).iter().chain(list(&three["identities"])).filter_map(of).collect();
        let mut world = Self { file, identities, keys: Vec::new() };
        let keys = list(&world.file["bundles"]).iter().filter(|case| built(case)).map(|case| {
            let secret = [bytes(&case["static"]), bytes(&case["bundle"])].concat();
            (text(&case["name"]).as_bytes().to_vec(), Arc::new(StaticKey::from_secret_bytes(&secret).unwrap()))
        });
        world.keys = keys.collect();
        world
    }

    fn cases(&self, name: &str) -> Vec<&Value> {
        list(&self.file[name]).iter().filter(|case| built(case)).collect()
    }

    fn identity(&self, name: &str) -> &Identity {
        self.identities.iter().find(|(of, _)| of == name.as_bytes()).map(|(_, identity)| identity).unwrap_or_else(|| panic!("{name}"))
    }

    fn key(&self, name: &Value) -> &Arc<StaticKey> {
        let found = self.keys.iter().find(|(of, _)| of == text(name).as_bytes());
        found.map(|(_, key)| key).unwrap_or_else(|| panic!("{name}"))
    }

    /// The record of one side.
    fn record(&self, name: &Value, role: Role) -> Arc<Resumption> {
        let case = named(&self.file["resumption_records"], text(name));
        let (opener, answerer) = (&case["initiator"], &case["responder"]);
        let (me, peer) = if role == Role::Opener { (opener, answerer) } else { (answerer, opener) };
        let suite = Suite::from_id(number(&case["suite"]) as u16).unwrap();
        let identity = fingerprint(peer).map(|peer| self.identities.iter().find(|(_, one)| one.fingerprint() == peer).unwrap().1.public());
        let key = identity.map(|identity| identity.as_bytes().to_vec()).unwrap_or_default();
        let tag = maybe(&case["psk_tag"]);
        let encoded: Vec<Vec<u8>> = [
            [1, u8::from(role == Role::Answerer)].to_vec(),
            suite.id().to_be_bytes().to_vec(),
            bytes(&case["id"]),
            bytes(&case["psk"]),
            number(&case["not_after"]).to_be_bytes().to_vec(),
            bytes(me),
            [u8::from(tag.is_some())].to_vec(),
            tag.unwrap_or_else(|| [0; 32].to_vec()),
            u16::try_from(key.len()).unwrap().to_be_bytes().to_vec(),
            key,
            bytes(&case["prologue"]),
        ]
        .to_vec();
        Arc::new(Resumption::from_secret_bytes(&encoded.concat()).unwrap())
    }

    fn book(&self, config: &Value) -> Book {
        let keys =
            |field: &str| list(&config[field]).iter().filter(|name| !self.is_odd(name)).map(|name| self.key(name)).collect::<Vec<_>>();
        let records = |field: &str, role| list(&config[field]).iter().map(move |name| self.record(name, role)).collect::<Vec<_>>();
        Book {
            keys: keys("statics").into_iter().cloned().collect(),
            bundles: keys("acquaintances").into_iter().map(|key| Arc::new(key.bundle().clone())).collect(),
            records: [records("records", Role::Answerer), records("opened_records", Role::Opener)].concat(),
            latest: config["latest"].as_u64(),
            ..Book::default()
        }
    }

    /// Bundles to whose key nothing can be encapsulated: none at all.
    fn is_odd(&self, name: &Value) -> bool {
        self.file.get("odd_bundles").is_some_and(|odd| list(odd).iter().any(|case| case["name"] == *name))
    }

    /// With the decoy that the file names in the place of an acquaintance.
    fn decoys(&self, case: &Value) -> Arc<Decoys> {
        let mut decoys = Decoys::generate_with_rng(&mut Seeded::new(1)).unwrap();
        if let Some(name) = case.get("decoy") {
            let suite = Suite::from_id(number(&case["suite"]) as u16).unwrap();
            decoys.replace_acquaintance(suite, &bytes(&named(&self.file["decoys"], text(name))["unsigned"]));
        }
        Arc::new(decoys)
    }

    fn responder(&self, case: &Value) -> Responder {
        let config = &case["config"];
        let signatures = |suffix: &str| self.identity(&std::format!("bob{suffix}")).share();
        let me = match number(&list(&config["signatures"])[0]) {
            1 => signatures(""),
            2 => signatures(" 2"),
            _ => signatures(" 7E"),
        };
        let suites: Vec<_> = list(&config["suites"]).iter().filter_map(|id| Suite::from_id(number(id) as u16).ok()).collect();
        let all = (1..=7).filter_map(Pattern::from_id);
        let patterns: Vec<_> = all.filter(|pattern| list(&config["patterns"]).iter().any(|name| *name == pattern.name())).collect();
        let responder = Responder::new(&me, &bytes(&config["prologue"])).suites(&suites).patterns(&patterns).busy(truth(&config["busy"]));
        let responder = responder.early_data(truth(&config["early_data"])).decoys(&self.decoys(case)).now(number(&config["now"]));
        // The newer stands first.
        list(&config["psks"]).iter().rev().fold(responder, |responder, psk| responder.psk_in_front(&Psk::take(&mut array(psk))))
    }
}

impl Responder {
    /// The second key that is given is tried second, and these come the older first.
    fn psk_in_front(mut self, psk: &Psk) -> Self {
        self.psks.insert(0, psk.share());
        self
    }
}

fn trust(config: &Value) -> (PinnedSet, bool) {
    let accepts = list(&config["accepts"]).iter().map(|print| Fingerprint::from_bytes(array(print))).collect();
    (PinnedSet(accepts), truth(&config["accepts_anonymous"]))
}

/// The bytes of a case: those of another, overwritten, cut, or made longer.
fn changed(mut body: Vec<u8>, change: &Value) -> Vec<u8> {
    if let Some(replace) = change.get("replace") {
        let (at, replace) = (number(&change["offset"]) as usize, bytes(replace));
        body[at..at + replace.len()].copy_from_slice(&replace);
    }
    if let Some(cut) = change.get("cut") {
        body.truncate(body.len() - number(cut) as usize);
    }
    change.get("append").into_iter().for_each(|more| body.extend(bytes(more)));
    body
}

/// What the initiator of a handshake of the file is after message 1, which must be the file's.
#[allow(clippy::large_enum_variant, reason = "a test makes few")]
enum Waits {
    Ik(AcquaintedAwaitsReply),
    Resume(ResumeAwaitsReply),
}

fn hello(world: &World, case: &Value) -> Waits {
    let (prologue, now, rng) = (bytes(&case["prologue"]), number(&case["now"]), &mut Coins::new(bytes(&case["initiator_random"])));
    let psk = maybe(&case["psk"]).map(|psk| Psk::take(&mut psk.try_into().unwrap()));
    let (waits, hello) = if case["pattern"] == "resume" {
        let record = world.record(&case["record"], Role::Opener);
        let mut book = Book { records: [Arc::clone(&record)].to_vec(), ..Book::default() };
        let initiator = psk.iter().fold(ResumeInitiator::new(record, &prologue), ResumeInitiator::psk);
        let judged = initiator.with_early_data(bytes(&case["payloads"][0]).into()).judge(&mut TrustAnyone).unwrap();
        let (waits, hello) = judged.send_hello_with_rng(&mut book, now, rng).unwrap();
        assert!(book.records.is_empty());
        (Waits::Resume(waits), hello)
    } else {
        let theirs = world.key(&case["responder_bundle"]).bundle();
        let initiator = AcquaintedInitiator::new(world.key(&case["initiator_static"]), theirs, &prologue, now);
        let (waits, hello) = psk.iter().fold(initiator, AcquaintedInitiator::psk).send_hello_with_rng(rng).unwrap();
        (Waits::Ik(waits), hello)
    };
    assert_eq!(rng.left(), 0);
    assert!(hello == bytes(&case["messages"][0]), "{}, message 1", case["name"]);
    waits
}

/// The responder of a handshake of the file after message 2, and message 2, which must be the file's.
#[allow(clippy::large_enum_variant, reason = "a test makes few")]
enum Answered {
    Ik(AwaitsConfirm),
    Resume(Channel),
}

fn reply(world: &World, case: &Value) -> (Answered, Vec<u8>) {
    let suite = Suite::from_id(number(&case["suite"]) as u16).unwrap();
    let me = world.identity(match suite.id() {
        0x0002 => "bob 2",
        0x7E03 => "bob 7E",
        _ => "bob",
    });
    let responder = Responder::new(me, &bytes(&case["prologue"])).suites(&[suite]).decoys(&world.decoys(&Value::Null));
    let responder = responder.now(number(&case["now"])).early_data(case.get("early_data").is_some_and(truth));
    let psks = if case["pattern"] == "resume" { std::slice::from_ref(&case["psk"]) } else { list(&case["psks"]) };
    let psks = psks.iter().filter(|psk| !psk.is_null()).rev();
    let responder = psks.fold(responder, |responder, psk| responder.psk_in_front(&Psk::take(&mut array(psk))));
    let (message, payload) = (bytes(&case["messages"][0]), bytes(&case["payloads"][1]));
    // Round 3 cannot make the file's message again.
    let round3 = suite.must_be_named();
    let mut coins =
        Coins::new(if round3 { std::vec![1; if case["pattern"] == "resume" { 32 } else { 64 }] } else { bytes(&case["responder_random"]) });
    let (answered, reply) = if case["pattern"] == "resume" {
        let record = world.record(&case["record"], Role::Answerer);
        let mut book = Book { records: [record].to_vec(), ..Book::default() };
        let AnyHello::Resume(read) = responder.read_hello_with(&message, &book).unwrap() else { panic!() };
        let accepted = read.remove(&mut book).unwrap().judge(&mut TrustAnyone).unwrap();
        assert!(book.records.is_empty());
        assert_eq!(accepted.early_data().as_bytes(), bytes(&case["payloads"][0]));
        let (channel, reply) = accepted.with_payload(payload.into()).send_reply_with_rng(&mut coins).unwrap();
        (Answered::Resume(channel), reply)
    } else {
        let keys = list(&case["responder_statics"]).iter().map(|name| Arc::clone(world.key(name))).collect();
        let bundle = Arc::new(world.key(&case["initiator_static"]).bundle().clone());
        let book = Book { keys, bundles: [bundle].to_vec(), ..Book::default() };
        let AnyHello::Acquainted(heard) = responder.read_hello_with(&message, &book).unwrap() else { panic!() };
        let (awaits, reply) = heard.with_payload(payload.into()).send_reply_with_rng(&mut coins).unwrap();
        (Answered::Ik(awaits), reply)
    };
    assert_eq!(coins.left(), 0);
    assert!(round3 || reply == bytes(&case["messages"][1]), "{}, message 2", case["name"]);
    (answered, reply)
}

fn check_channel(case: &Value, mut channel: Channel, initiator: bool) {
    // The record that both keep is made of the file's secret.
    let (now, suite) = (number(&case["now"]), channel.conversation().suite());
    let secret =
        crate::secret::Secret::build(|place: &mut [u8; 64]| place[..suite.hash().len()].copy_from_slice(&bytes(&case["resumption"])));
    let record = channel.keep_resumption(now).unwrap().unwrap();
    assert!(channel.keep_resumption(now).unwrap().is_none());
    let mut psk = [0; 32];
    suite.hash().expand(&secret, &[crate::crypto::label::RESUME_PSK], &mut psk).unwrap();
    assert_eq!(record.psk().expose(), &psk);

    let (mut sealer, mut opener, conversation) = channel.into_halves();
    assert_eq!(conversation.handshake_hash(), bytes(&case["handshake_hash"]), "{}", case["name"]);
    for export in list(&case["exports"]) {
        let mut value = std::vec![0; number(&export["n"]) as usize];
        let label = bytes(&export["label"]);
        conversation.export(core::str::from_utf8(&label).unwrap(), &bytes(&export["context"]), &mut value).unwrap();
        assert_eq!(value, bytes(&export["value"]), "{}", case["name"]);
    }
    for record in list(&case["records"]) {
        let mut frame = bytes(&record["frame"]);
        if (record["direction"] == "i2r") == initiator {
            let mut made = Vec::new();
            sealer.message(&bytes(&record["content"]), &mut made).unwrap();
            assert_eq!(made, frame, "{}", case["name"]);
        } else {
            assert_eq!(opener.open(&mut frame).unwrap(), crate::channel::Record::End(&bytes(&record["content"])));
        }
    }
}

#[test]
fn a_handshake_between_acquaintances_differs_from_the_reference() {
    let world = World::new();
    let mut done = 0;
    for case in world.cases("handshakes").into_iter().filter(|case| number(&case["suite"]) != 0x7E03) {
        let (answered, message) = reply(&world, case);
        let payload = bytes(&case["payloads"][1]);
        let [a, b] = match (hello(&world, case), answered) {
            (Waits::Ik(waits), Answered::Ik(awaits)) => {
                let read = waits.read_reply(&message).unwrap();
                assert_eq!(read.payload().as_bytes(), payload);
                let (a, confirm) = read.send_confirm(&mut TrustAnyone).unwrap();
                assert_eq!(confirm, bytes(&case["messages"][2]), "{}", case["name"]);
                [a, awaits.read_confirm(&confirm).unwrap().into_channel(&mut TrustAnyone).unwrap()]
            }
            (Waits::Resume(waits), Answered::Resume(b)) => {
                let read = waits.read_reply(&message).unwrap();
                assert_eq!(read.payload().as_bytes(), payload);
                [read.into_channel().unwrap(), b]
            }
            _ => panic!("{}", case["name"]),
        };
        check_channel(case, a, true);
        check_channel(case, b, false);
        done += 1;
    }
    assert!(done >= 26, "{done}");
    ran("acquaintances.json", [("handshakes", world.cases("handshakes").len())]);
}

fn check_state(case: &Value, message: usize, state: &SymmetricState) {
    let (ck, h, k, _) = state.expose();
    let expected = ["ck", "h", "k"].map(|field| bytes(&case["states"][message][field]));
    assert_eq!([ck, h, k.unwrap()], expected.each_ref().map(Vec::as_slice), "{}, message {message}", case["name"]);
}

/// The tokens of both messages, as who knows the shared secrets reads them: every state is the file's. In round 3, whose Kyber draws where no test sees it, with the ephemeral key
/// and each side's static key.
#[test]
fn a_token_between_acquaintances_leaves_another_state_than_the_reference() {
    let world = World::new();
    for case in world.cases("handshakes") {
        let suite = Suite::from_id(number(&case["suite"]) as u16).unwrap();
        let pattern = Pattern::from_id(number(&case["pattern_id"]) as u8).unwrap();
        assert_eq!(pattern.name(), text(&case["pattern"]));
        let (one, two) = (bytes(&case["messages"][0]), bytes(&case["messages"][1]));
        let (mut one, mut two) = (Reader::new(frame_body(&one).unwrap()), Reader::new(frame_body(&two).unwrap()));
        let (kem, prologue) = (suite.kem(), bytes(&case["prologue"]));
        let mut state;
        let psk = if pattern == Pattern::Resume {
            let record = world.record(&case["record"], Role::Opener);
            let (begun, header) = begin_resume(suite, record.id(), &prologue, [record.me(), record.peer()]);
            assert_eq!(one.bytes(22).unwrap(), header);
            state = begun;
            Some(*record.psk().expose())
        } else {
            let (begun, header) = begin(pattern, suite, &prologue);
            assert_eq!(one.bytes(6).unwrap(), header);
            state = begun;
            state.mix_hash(world.key(&case["responder_bundle"]).bundle().unsigned());
            maybe(&case["psk"]).map(|psk| psk.try_into().unwrap())
        };
        psk.iter().for_each(|psk| state.mix_key_and_hash(psk).unwrap());
        let ek = EncapsulationKey::from_bytes(kem, one.bytes(kem.encapsulation_key_len()).unwrap()).unwrap();
        mix_e(&mut state, &ek, pattern.has_psk_token()).unwrap();
        if pattern != Pattern::Resume {
            read_skem(&mut state, kem, world.key(&case["responder_bundle"]).kept(), &mut one).unwrap();
            let reference = read_sref(&mut state, &mut one).unwrap();
            assert_eq!(&reference, world.key(&case["initiator_static"]).bundle().reference());
        }
        assert_eq!(read_payload(&mut state, one).unwrap(), bytes(&case["payloads"][0]));
        check_state(case, 0, &state);

        state.mix_hash(two.bytes(1).unwrap());
        let ephemeral = case.get("ephemeral_secret").map_or_else(|| bytes(&case["initiator_random"])[..32].to_vec(), bytes);
        let (e, same) = KeptKey::from_kept(kem, &ephemeral).unwrap();
        assert!(same == ek);
        let ct = Ciphertext::from_bytes(kem, two.bytes(kem.ciphertext_len()).unwrap()).unwrap();
        state.mix_hash(ct.as_bytes());
        state.mix_key(e.decapsulate(&ct).unwrap().expose()).unwrap();
        if pattern != Pattern::Resume {
            let key = world.key(&case["initiator_static"]);
            read_skem(&mut state, kem, key.kept(), &mut two).unwrap();
            state.mix_hash(key.bundle().unsigned());
        }
        assert_eq!(read_payload(&mut state, two).unwrap(), bytes(&case["payloads"][1]));
        check_state(case, 1, &state);
        let secrets = state.into_secrets().unwrap();
        let found =
            [&secrets.i2r, &secrets.r2i, &secrets.exporter, &secrets.resume].map(|secret| secret.first(suite.hash().len()).to_vec());
        assert_eq!(found, ["i2r", "r2i", "exporter", "resumption"].map(|field| bytes(&case[field])), "{}", case["name"]);
        if number(&case["suite"]) == 0x7E03 {
            reply(&world, case);
        }
    }
}
