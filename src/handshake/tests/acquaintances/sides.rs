//! What each side does with messages, good and bad, and with which bytes it refuses.

use super::{Answered, Waits, World, changed, frame, hello, named, reply, trust};
use crate::error::{Error, Refusal};
use crate::handshake::tests::book::Book;
use crate::handshake::tests::json::{bytes, list, number, ran, text, truth};
use crate::handshake::tests::rng::Coins;
use crate::handshake::{AnyHello, Rejected};
use crate::trust::{OrAnonymous, PinnedSet, danger::TrustAnyone};
use crate::wire::frame_body;
use serde_json::Value;
use std::vec::Vec;

/// What a responder does with a first message, up to message 2.
fn respond(world: &World, case: &Value, book: &mut Book, message: &[u8], coins: &mut Coins) -> Result<Vec<u8>, Rejected> {
    let (mut pinned, anonymous) = trust(&case["config"]);
    match world.responder(case).read_hello_with(message, book)? {
        AnyHello::Acquainted(heard) => Ok(heard.send_reply_with_rng(coins)?.1),
        AnyHello::Resume(read) => {
            let removed = read.remove(book)?;
            let accepted = if anonymous { removed.judge(&mut OrAnonymous(pinned))? } else { removed.judge(&mut pinned)? };
            Ok(accepted.send_reply_with_rng(coins)?.1)
        }
        _ => panic!("{}", case["name"]),
    }
}

#[test]
fn a_responder_does_something_else_than_the_reference() {
    let world = World::new();
    let cases = world.cases("responder");
    for case in &cases {
        let config = &case["config"];
        if list(&config["acquaintances"]).iter().any(|name| world.is_odd(name)) {
            continue;
        }
        let mut book = world.book(config);
        let first = |change: &Value| {
            let message = bytes(&named(&world.file["first_messages"], text(&change["case"]))["frame"]);
            frame(&changed(frame_body(&message).unwrap().to_vec(), change))
        };
        let many = || Coins::new([3; 160]);
        for before in case.get("before").map(list).unwrap_or_default() {
            _ = respond(&world, case, &mut book, &first(before), &mut many());
        }
        let records = book.records.len();
        let round3 = number(&case["suite"]) == 0x7E03;
        let mut coins = case.get("random").filter(|_| !round3).map_or_else(many, |random| Coins::new(bytes(random)));
        let answer = respond(&world, case, &mut book, &first(case), &mut coins);
        let silent = |rejected: &Rejected| rejected.answer().is_empty();
        match (text(&case["outcome"]), answer) {
            ("status", Err(rejected)) => assert_eq!(rejected.answer(), [0, 1, number(&case["status"]) as u8], "{}", case["name"]),
            ("silence", Err(rejected)) => assert!(silent(&rejected), "{}: {rejected:?}", case["name"]),
            ("reply" | "decoy", Ok(answer)) => {
                let expected = bytes(&case["answer"]);
                assert!(
                    answer == expected || (round3 && answer.len() == expected.len() && answer[..3] == expected[..3]),
                    "{}",
                    case["name"]
                );
                assert!(round3 || coins.left() == 0);
            }
            (outcome, answer) => panic!("{}: {answer:?} in the place of {outcome}", case["name"]),
        }
        if let Some(removed) = case.get("removed") {
            assert_eq!(book.records.len() < records, truth(removed), "{}", case["name"]);
        }
    }
    assert!(cases.len() >= 125, "{}", cases.len());
    ran("acquaintances.json", [("responder", cases.len())]);
}

#[test]
fn an_initiator_does_something_else_than_the_reference() {
    let world = World::new();
    let mut done = 0;
    // Round 3 cannot be given an ephemeral key.
    for case in world.cases("initiator").into_iter().filter(|case| number(&case["suite"]) != 0x7E03) {
        let of = named(&world.file["handshakes"], text(&case["case"]));
        let message = match case.get("reply") {
            Some(reply) => bytes(reply),
            None => {
                let mut message = bytes(&of["messages"][1]);
                if let Some(replace) = case.get("replace") {
                    let (at, replace) = (number(&case["offset"]) as usize, bytes(replace));
                    message[at..at + replace.len()].copy_from_slice(&replace);
                }
                let more = case.get("append").map(bytes).unwrap_or_default();
                if more.is_empty() { message } else { frame(&[frame_body(&message).unwrap(), &more].concat()) }
            }
        };
        let accepts = case.get("accepts").is_none_or(truth);
        let mut nobody = PinnedSet(Vec::new());
        let read = match hello(&world, of) {
            Waits::Ik(waits) => waits
                .read_reply(&message)
                .and_then(|read| if accepts { read.send_confirm(&mut TrustAnyone) } else { read.send_confirm(&mut nobody) }.map(|_| ())),
            Waits::Resume(waits) => waits.read_reply(&message).and_then(|read| read.into_channel().map(|_| ())),
        };
        let error = read.err();
        let expected = match text(&case["outcome"]) {
            "refused" => error == Some(Error::RefusedByPeer(Refusal::from_status(number(&case["status"]) as u8))),
            "malformed" => error == Some(Error::Malformed),
            "failed" => error == Some(Error::Authentication),
            "not acceptable" => matches!(error, Some(Error::Untrusted(_))) || case["case"].as_str().unwrap().contains("resume"),
            other => panic!("{other}"),
        };
        assert!(expected, "{}: {error:?}", case["name"]);
        done += 1;
    }
    assert!(done > 80, "{done}");
    ran("acquaintances.json", [("initiator", done)]);
}

#[test]
fn something_else_is_taken_for_a_confirm() {
    let world = World::new();
    let mut done = 0;
    for case in world.cases("confirms").into_iter().filter(|case| number(&case["suite"]) != 0x7E03) {
        let (Answered::Ik(awaits), _) = reply(&world, named(&world.file["handshakes"], text(&case["case"]))) else { panic!() };
        let confirmed = awaits.read_confirm(&bytes(&case["frame"]));
        let judged = confirmed.map_err(Rejected::from).and_then(|confirmed| {
            if truth(&case["accepts"]) {
                confirmed.into_channel(&mut TrustAnyone)
            } else {
                confirmed.into_channel(&mut PinnedSet(Vec::new()))
            }
        });
        match (text(&case["outcome"]), judged) {
            ("confirmed", Ok(_)) => {}
            ("refused", Err(rejected)) => assert_eq!(rejected.answer(), bytes(&case["answer"]), "{}", case["name"]),
            ("failed", Err(rejected)) => assert!(rejected.answer().is_empty(), "{}", case["name"]),
            (outcome, judged) => panic!("{}: {judged:?} in the place of {outcome}", case["name"]),
        }
        done += 1;
    }
    assert!(done >= 31, "{done}");
    ran("acquaintances.json", [("confirms", done)]);
}

#[test]
fn a_second_confirm_is_taken() {
    let world = World::new();
    let cases = world.cases("second_confirms");
    for case in &cases {
        let first = named(&world.file["handshakes"], text(&case["case"]));
        let (Answered::Ik(awaits), _) = reply(&world, first) else { panic!() };
        let confirmed = awaits.read_confirm(&bytes(&list(&first["messages"])[2])).unwrap();
        let (_, mut opener, _) = confirmed.into_channel(&mut TrustAnyone).unwrap().into_halves();
        assert_eq!(opener.open(&mut bytes(&case["frame"])).err(), Some(Error::Malformed), "{}", case["name"]);
    }
    ran("acquaintances.json", [("second_confirms", cases.len())]);
}
