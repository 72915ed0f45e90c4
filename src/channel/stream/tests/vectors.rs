//! tests/vectors/channel.json: scripts of records, what ends a channel and what does not, lengths, padding, the exporter.

use super::Side;
use super::json::{array, bytes, here, list, load, number, ran, text, truth};
use super::rng::{Coins, Seeded};
use crate::channel::Channel;
use crate::channel::record::{CloseCode, Padding, RecordType, frame_len};
#[cfg(feature = "round3")]
use crate::channel::stream::{OpenOffer, OwnOffer};
use crate::channel::stream::{PeerOffer, Record};
use crate::crypto::backend;
#[cfg(feature = "round3")]
use crate::crypto::kem::{EncapsulationKey, Kem, round3_key};
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::{Peer, Trusted};
use crate::secret::Secret;
use crate::symmetric::ChannelSecrets;
use serde_json::Value;
use std::string::String;
use std::vec::Vec;

pub(super) fn suite(case: &Value) -> Suite {
    Suite::from_id(number(&case["suite"]) as u16).unwrap()
}

/// The content of a record, spelled out or repeated.
fn content(record: &Value) -> Vec<u8> {
    match &record["content"] {
        Value::Object(repeated) => bytes(&repeated["repeat"]).repeat(number(&repeated["times"]) as usize),
        spelled => bytes(spelled),
    }
}

fn padding(record: &Value) -> Padding {
    match text(&record["padding"]) {
        "none" => Padding::None,
        "padme" => Padding::Padme,
        "multiple" => Padding::Multiple(number(&record["multiple"]) as u16),
        other => panic!("{other}"),
    }
}

/// The bytes that a script gives whole, or by their SHA-256.
fn assert_bytes(record: &Value, field: &str, found: &[u8], at: &str) {
    match record.get(field) {
        Some(whole) => assert!(bytes(whole) == found, "{field} of {at}"),
        None => {
            let digest = bytes(&record[std::format!("{field}_sha256")]);
            assert_eq!(digest, backend::sha256(&[found]), "{field} of {at}");
        }
    }
}

/// Seals the record as the script says, through the sealer's public functions.
fn seal(side: &mut Side, offer: &mut Option<PeerOffer>, record: &Value) -> Vec<u8> {
    let (content, mut out) = (content(record), Vec::new());
    let Side { sealer, opener } = side;
    sealer.set_padding(padding(record));
    match (number(&record["type"]), text(&record["name"])) {
        (1, "Data") => sealer.data(&content, &mut out).unwrap(),
        (2, "End") => sealer.end(&content, &mut out).unwrap(),
        (3, "Close") => {
            let code = CloseCode::from_number(u16::from_be_bytes([content[0], content[1]]));
            sealer.close(code, core::str::from_utf8(&content[2..]).unwrap(), &mut out).unwrap();
        }
        (4, "KeyUpdate") => sealer.key_update(&mut out).unwrap(),
        (5, "RekeyOffer") => {
            let mut random = Coins::new(bytes(&record["random"]));
            sealer.send_offer(opener.make_offer(&mut random).unwrap().unwrap());
            assert_eq!(random.left(), 0);
            sealer.control(&mut out).unwrap();
        }
        (6, "Rekey") => {
            let mut random = Coins::new(bytes(&record["random"]));
            sealer.answer_offer(offer.take().unwrap(), &mut random).unwrap();
            assert_eq!(random.left(), 0);
            assert_eq!(sealer.answer.as_ref().unwrap().ss.expose(), &array(&record["ss"]));
            sealer.control(&mut out).unwrap();
        }
        (9, "Ping") => {
            let asked = u32::from_be_bytes(content[1..].try_into().unwrap());
            if content[0] == 0 {
                sealer.ping(asked)
            } else {
                sealer.answer_ping(asked)
            }
            sealer.control(&mut out).unwrap();
        }
        (10, "Abort") => sealer.abort(&mut out).unwrap(),
        other => panic!("{other:?}"),
    }
    out
}

/// What was read is what the script sealed.
fn check_record(suite: Suite, record: &Value, read: &Record<'_>, at: &str) {
    let content = content(record);
    let matches = match read {
        Record::Data(piece) | Record::End(piece) => content == *piece,
        Record::Abort | Record::KeyUpdate => content.is_empty(),
        Record::Close(close) => content == [&close.code.number().to_be_bytes(), close.reason.as_bytes()].concat(),
        Record::Offer(PeerOffer(ek)) => content == ek.as_bytes(),
        Record::Rekey => content.len() == suite.ciphertext_len(),
        Record::Bundle(bundle) => content == bundle.as_bytes(),
        Record::Ping(n) => content == [&[0], n.to_be_bytes().as_slice()].concat(),
        Record::Pong(n) => content == [&[1], n.to_be_bytes().as_slice()].concat(),
    };
    assert!(matches && kind_of(read).id() == number(&record["type"]) as u8, "{at}: {read:?}");
}

fn kind_of(record: &Record<'_>) -> RecordType {
    match record {
        Record::Data(_) => RecordType::Data,
        Record::End(_) => RecordType::End,
        Record::Abort => RecordType::Abort,
        Record::Close(_) => RecordType::Close,
        Record::KeyUpdate => RecordType::KeyUpdate,
        Record::Offer(_) => RecordType::RekeyOffer,
        Record::Rekey => RecordType::Rekey,
        Record::Bundle(_) => RecordType::Bundle,
        Record::Ping(_) | Record::Pong(_) => RecordType::Ping,
    }
}

#[test]
fn a_record_differs_from_the_reference() {
    let file = load("channel.json");
    let mut records = 0;
    for case in here(&file["cases"], 9) {
        let suite = suite(case);
        let [cs_a, cs_b] = [&case["cs_a"], &case["cs_b"]].map(bytes);
        let mut sides = [Side::in_suite(suite, &cs_a, &cs_b), Side::in_suite(suite, &cs_b, &cs_a)];
        let mut offers = [None, None];
        for (index, record) in list(&case["records"]).iter().enumerate() {
            let at = std::format!("{}, record {index}", case["name"]);
            let from = if record["direction"] == "a" { 0 } else { 1 };
            let (_, key, counter) = sides[from].sealer.direction().unwrap().expose();
            assert_eq!((*key, counter), (array(&record["key"]), number(&record["counter"])), "{at}");
            let mut frame = seal(&mut sides[from], &mut offers[from], record);
            assert_bytes(record, "frame", &frame, &at);

            let to = &mut sides[1 - from];
            let (_, key, counter) = to.opener.receiving().unwrap().expose();
            assert_eq!((*key, counter), (array(&record["key"]), number(&record["counter"])), "{at}");
            let read = to.opener.open(&mut frame).unwrap();
            check_record(suite, record, &read, &at);
            if let Record::Offer(offer) = read {
                offers[1 - from] = Some(offer);
            }
            assert_bytes(record, "plaintext", &frame[2..frame.len() - 16], &at);
            if let Some(next) = record.get("next_cs") {
                assert_eq!(sides[from].sealer.direction().unwrap().expose().0, bytes(next), "{at}");
                assert_eq!(sides[1 - from].opener.receiving().unwrap().expose().0, bytes(next), "{at}");
            }
            records += 1;
        }
    }
    assert_eq!(records, if cfg!(feature = "level5") { 128 } else { 109 });
    ran("channel.json", [("cases", here(&file["cases"], 9).len())]);
}

/// A reader of the direction with the secret `cs`, prepared as the case says.
fn reader(case: &Value) -> Side {
    let suite = suite(case);
    let cs = bytes(&case["cs"]);
    let mut side = Side::in_suite(suite, &std::vec![0x55; cs.len()], &cs);
    let mut out = Vec::new();
    if let Some(seed) = case.get("offer_seed") {
        let offer = side.opener.make_offer(&mut Coins::new(bytes(seed))).unwrap().unwrap();
        side.sealer.send_offer(offer);
        side.sealer.control(&mut out).unwrap();
        assert_eq!(out.len(), suite.encapsulation_key_len() + 21);
    }
    if case.get("closed").is_some_and(truth) {
        side.sealer.close(CloseCode::Done, "", &mut out).unwrap();
    }
    side
}

#[test]
fn a_fatal_record_is_survived() {
    let file = load("channel.json");
    let mut last_errors = Vec::new();
    for case in here(&file["fatal"], 65) {
        let name = text(&case["name"]);
        let mut side = reader(case);
        let (last, before) = list(&case["frames"]).split_last().unwrap();
        for frame in before {
            side.opener.open(&mut bytes(frame)).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let mut last = bytes(last);
        let error = match (text(&case["at"]), side.opener.open(&mut last)) {
            ("read", read) => read.unwrap_err(),
            ("answer", Ok(Record::Offer(offer))) => side.sealer.answer_offer(offer, &mut Seeded::new(1)).unwrap_err(),
            (at, read) => panic!("{name}, {at}: {read:?}"),
        };
        assert!(matches!(error, Error::Malformed | Error::Authentication), "{name}: {error:?}");
        assert_ended(&mut side, name);
        last_errors.push((name, error));
    }
    assert_eq!(last_errors.len(), if cfg!(feature = "level5") { 65 } else { 51 });
    // A tag that does not verify and an all-zero result are one error.
    let error = |name: &str| last_errors.iter().find(|(found, _)| *found == name).unwrap().1;
    assert_eq!(error("Rekey with an all-zero X25519 half"), error("a flipped bit in the tag"));
    ran("channel.json", [("fatal", last_errors.len())]);
}

/// Both halves end: nothing is sent, nothing is read.
pub(super) fn assert_ended(side: &mut Side, name: &str) {
    let mut out = Vec::new();
    let Side { sealer, opener } = side;
    assert_eq!(sealer.end(b"more", &mut out), Err(Error::Ended), "{name}");
    assert_eq!(sealer.data(b"more", &mut out), Err(Error::Ended), "{name}");
    assert_eq!(sealer.control(&mut out), Err(Error::Ended), "{name}");
    assert_eq!(sealer.key_update(&mut out), Err(Error::Ended), "{name}");
    assert_eq!(sealer.close(CloseCode::Done, "", &mut out), Err(Error::Ended), "{name}");
    assert!(out.is_empty(), "{name}");
    assert_eq!(opener.open(&mut [0; 40]).unwrap_err(), Error::Ended, "{name}");
}

/// What was read is what the event of the reference says.
pub(super) fn check_event(read: &Record<'_>, event: &Value, name: &str) {
    assert_eq!(u64::from(kind_of(read).id()), number(&event["type"]), "{name}");
    match read {
        Record::Data(piece) | Record::End(piece) => assert_eq!(*piece, bytes(&event["content"]), "{name}"),
        Record::Close(close) => {
            assert_eq!(u64::from(close.code.number()), number(&event["code"]), "{name}");
            assert_eq!(close.reason, text(&event["reason"]), "{name}");
        }
        Record::Ping(n) | Record::Pong(n) => {
            assert_eq!(u64::from(*n), number(&event["number"]), "{name}");
            assert_eq!(matches!(read, Record::Pong(_)), truth(&event["answer"]), "{name}");
        }
        Record::Bundle(bundle) => assert_eq!(*bundle.reference(), array(&event["reference"]), "{name}"),
        Record::Abort | Record::KeyUpdate | Record::Offer(_) | Record::Rekey => {}
    }
}

#[test]
fn an_odd_record_is_refused() {
    let file = load("channel.json");
    let mut events = 0;
    for case in here(&file["accepted"], 10) {
        let name = text(&case["name"]);
        let mut side = reader(case);
        assert_eq!(list(&case["frames"]).len(), list(&case["events"]).len());
        for (frame, event) in list(&case["frames"]).iter().zip(list(&case["events"])) {
            let mut frame = bytes(frame);
            let read = side.opener.open(&mut frame).unwrap_or_else(|error| panic!("{name}: {error}"));
            check_event(&read, event, name);
            events += 1;
        }
    }
    assert_eq!(events, 86);
    ran("channel.json", [("accepted", here(&file["accepted"], 10).len())]);
}

#[test]
fn a_length_is_bounded_otherwise_than_in_the_reference() {
    let file = load("channel.json");
    let read = |length: &Value| frame_len((number(length) as u16).to_be_bytes());
    let (allowed, fatal) = (list(&file["frame_lengths"]["allowed"]), list(&file["frame_lengths"]["fatal"]));
    for length in allowed {
        assert_eq!(read(length), Ok(number(length) as usize));
    }
    for length in fatal {
        assert_eq!(read(length), Err(Error::Malformed), "{length}");
    }
    assert_eq!((allowed.len(), fatal.len()), (4, 6));
    ran("channel.json", [("frame_lengths/allowed", 4), ("frame_lengths/fatal", 6)]);
}

#[test]
fn padding_differs_from_the_reference() {
    let file = load("channel.json");
    let mut differing = Vec::<String>::new();
    let mut check = |padding: Padding, len: &Value, padded: &Value| {
        let found = padding.apply(number(len) as usize);
        if found as u64 != number(padded) {
            differing.push(std::format!("{padding:?} of {len}: {found}, not {padded}"));
        }
    };
    let (padme, multiple) = (list(&file["padding"]["padme"]), list(&file["padding"]["multiple"]));
    for row in padme {
        check(Padding::Padme, &row[0], &row[1]);
    }
    for row in multiple {
        check(Padding::Multiple(number(&row[0]) as u16), &row[1], &row[2]);
    }
    assert!(differing.is_empty(), "{differing:#?}");
    assert_eq!((padme.len(), multiple.len()), (115, 112));
    ran("channel.json", [("padding/padme", 115), ("padding/multiple", 112)]);
}

#[test]
fn a_key_seals_more_records_than_in_the_reference() {
    let file = load("channel.json");
    for suite in Suite::ALL {
        let row = list(&file["records_per_key"]).iter().find(|row| number(&row[0]) == u64::from(suite.id())).unwrap();
        assert_eq!(suite.records_a_key(), number(&row[1]), "{suite}");
    }
    ran("channel.json", [("records_per_key", Suite::ALL.len())]);
}

/// A channel of which only the exporter's secret matters.
fn exporting(case: &Value) -> Channel {
    let secret = |bytes: &[u8]| Secret::build(|place| place[..bytes.len()].copy_from_slice(bytes));
    let exporter = bytes(&case["exporter"]);
    let of = |byte: u8| secret(&std::vec![byte; exporter.len()]);
    let secrets = ChannelSecrets { i2r: of(1), r2i: of(2), exporter: secret(&exporter), resume: of(3), handshake_hash: Vec::new() };
    let suite = suite(case);
    Channel::new(secrets, true, suite, Peer::new(None, suite), Trusted::Anyone).unwrap()
}

#[test]
fn an_export_differs_from_the_reference() {
    let file = load("channel.json");
    let exports = here(&file["exports"], 9);
    for case in &exports {
        let (label, context) = (bytes(&case["label"]), bytes(&case["context"]));
        let mut value = std::vec![0; number(&case["n"]) as usize];
        exporting(case).conversation().export(core::str::from_utf8(&label).unwrap(), &context, &mut value).unwrap();
        assert_bytes(case, "value", &value, text(&case["label"]));
    }
    ran("channel.json", [("exports", exports.len())]);
}

/// tests/vectors/round3.json: the coins of Kyber are not given, the keys are.
#[cfg(feature = "round3")]
#[test]
fn a_rekey_of_round_3_leaves_another_secret_than_in_the_reference() {
    let file = load("round3.json");
    for case in list(&file["channel"]) {
        let of = list(&file["kem"]).iter().find(|of| of["name"] == case["offer"]).unwrap();
        let (secret, ek) = (bytes(&of["secret"]), bytes(&of["ek"]));
        let dk = round3_key(secret[..2400].try_into().unwrap(), secret[2400..].try_into().unwrap(), &ek);
        let ek = EncapsulationKey::from_bytes(Kem::X25519Kyber768R3, &ek).unwrap();
        let mut side = Side::in_suite(suite(case), &[0x55; 32], &bytes(&case["cs"]));
        side.sealer.send_offer(OwnOffer(ek.clone()));
        side.sealer.control(&mut Vec::new()).unwrap();
        side.opener.await_answer(OpenOffer { dk, ek, unanswered: 0 });
        for (frame, event) in list(&case["frames"]).iter().zip(list(&case["events"])) {
            let mut frame = bytes(frame);
            let read = side.opener.open(&mut frame).unwrap();
            assert_eq!(u64::from(kind_of(&read).id()), number(&event["type"]));
        }
        assert_eq!(side.opener.receiving().unwrap().expose().0, bytes(&case["next_cs"]));
    }
    assert_eq!(list(&file["channel"]).len(), 1);
    ran("round3.json", [("channel", 1)]);
}
