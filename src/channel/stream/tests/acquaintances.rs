//! tests/vectors/acquaintances.json: what a channel does with `Bundle` and `Confirm`, and which bundle counts as delivered.

use super::bundle::acquainted;
use super::json::{array, bytes, here, list, load, ran, text, truth};
use super::vectors::{assert_ended, check_event, suite};
use super::{Side, direction_in};
use crate::channel::record::CloseCode;
use crate::channel::stream::{Sealer, halves};
use crate::error::Error;
use crate::identity::Fingerprint;

#[test]
fn a_bundle_in_a_channel_is_read_otherwise_than_by_the_reference() {
    let file = load("acquaintances.json");
    let cases = here(&file["channel"], 26);
    let mut fatal = 0;
    for case in &cases {
        let (name, cs) = (text(&case["name"]), bytes(&case["cs"]));
        let peer = (!case["peer"].is_null()).then(|| Fingerprint::from_bytes(array(&case["peer"])));
        let [send, receive] = [std::vec![0x55; cs.len()], cs].map(|cs| direction_in(suite(case), &cs));
        let (sealer, opener) = halves((send, None), (receive, peer));
        let mut side = Side { sealer, opener };
        let (frames, events) = (list(&case["frames"]), list(&case["events"]));
        assert_eq!(frames.len(), events.len() + usize::from(truth(&case["fatal"])), "{name}");
        for (index, frame) in frames.iter().enumerate() {
            let mut frame = bytes(frame);
            match (side.opener.open(&mut frame), events.get(index)) {
                (Ok(read), Some(event)) => check_event(&read, event, name),
                (Err(Error::Malformed | Error::Authentication), None) => {
                    fatal += 1;
                    assert_ended(&mut side, name);
                }
                (read, event) => panic!("{name}, record {index}: {read:?}, not {event:?}"),
            }
        }
    }
    assert_eq!(fatal, cases.iter().filter(|case| truth(&case["fatal"])).count());
    assert!(fatal > 10);
    ran("acquaintances.json", [("channel", cases.len())]);
}

/// In one case the answer to the second of two pings with one number counts. Here it does not, which the specification leaves open: an older answer is never taken for a newer one.
const COUNTS_ELSEWHERE: &str = "the same, answered twice";

#[test]
fn a_bundle_counts_as_delivered_otherwise_than_in_the_reference() {
    let file = load("acquaintances.json");
    let cases = list(&file["delivery"]);
    for case in cases {
        let ([mut a, mut b], [bundle]) = acquainted([1]);
        for step in list(&case["steps"]).iter().map(text) {
            let (what, number) = step.rsplit_once(' ').unwrap_or((step, "0"));
            let number = number.parse().unwrap();
            match what {
                "bundle" => b.reads(&a.sends_bundle(&bundle)),
                "ping" => b.reads(&a.pings(number)),
                "offer" => b.answers(&a.offers(1), 2),
                "pong" => {
                    b.sealer.answer_ping(number);
                    a.reads(&b.seals(Sealer::control));
                }
                "rekey" => a.reads(&b.seals(Sealer::control)),
                "end" => a.reads(&b.says(b"")),
                "close" => a.reads(&b.seals(|sealer, out| sealer.close(CloseCode::Done, "", out))),
                "peer's ping" => a.reads(&b.pings(number)),
                other => panic!("{other}"),
            }
        }
        let name = text(&case["name"]);
        assert_eq!(a.delivered() == 1, truth(&case["delivered"]) && name != COUNTS_ELSEWHERE, "{name}");
    }
    assert_eq!(cases.len(), 14);
    ran("acquaintances.json", [("delivery", cases.len())]);
}
