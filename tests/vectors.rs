//! tests/vectors/refusals.json, and what a store of acquaintances keeps and what a bundle's file is by acquaintances.json, over the public interface. The other files need the states from inside: src/handshake/tests and src/channel/stream/tests
//! read them there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod support;

use serde_json::Value;
use support::rng::Seeded;
use support::vectors::{array, built, bytes, list, load, maybe, number, ran, text, truth};
#[cfg(feature = "std")]
use twinlock::acquaintances::Folder;
use twinlock::acquaintances::{Acquaintances, Book, Taken};
use twinlock::handshake::{Hello, Initiator, Psk, Rejected, Responder};
use twinlock::identity::SignatureAlgorithm;
#[cfg(feature = "std")]
use twinlock::keyfile;
use twinlock::trust::{Anonymous, Pinned};
use twinlock::{Bundle, Error, Fingerprint, Identity, Suite};

/// The identity of this side, `initiator` or `responder`, with this signature.
fn identity(file: &Value, side: &str, signature: u64) -> Identity {
    let field = if signature == 1 { format!("{side}_seed") } else { format!("{side}_seed_{signature}") };
    let algorithm = SignatureAlgorithm::from_id(signature as u16).unwrap();
    Identity::from_secret_bytes(algorithm, &bytes(&file[field])).unwrap()
}

/// The responder's identities, unless this build lacks one of the suites that they, or the case, are about.
fn responders(file: &Value, config: &Value) -> Option<Vec<Identity>> {
    let ids = config.get("signatures").map_or_else(|| vec![1], |ids| list(ids).iter().map(number).collect());
    let suites = list(&config["suites"]).iter().all(|id| built(&serde_json::json!({ "suite": id })));
    let known = suites && ids.iter().all(|id| SignatureAlgorithm::from_id(*id as u16).is_some());
    known.then(|| ids.into_iter().map(|id| identity(file, "responder", id)).collect())
}

/// The responder that the case describes reads the frame and goes on to message 2, or declines.
fn answer(mes: &[Identity], config: &Value, frame: &[u8]) -> Result<Vec<u8>, Rejected> {
    let allows = |pattern: &str| list(&config["patterns"]).iter().any(|allowed| allowed == pattern);
    let suites: Vec<_> = list(&config["suites"]).iter().map(|id| Suite::from_id(number(id) as u16).unwrap()).collect();
    let responder = Responder::new(&mes[0], &bytes(&config["prologue"])).suites(&suites).busy(truth(&config["busy"]));
    let mut responder = mes.iter().fold(responder, Responder::also);
    // The newer first, in the file and for the responder.
    for psk in list(&config["psks"]) {
        responder = responder.psk(&Psk::take(&mut bytes(psk).try_into().unwrap()));
    }
    let mut rng = Seeded::new(1);
    let hello = match allows("NX") || allows("NXpsk0") {
        true => responder.read_any_hello(frame)?,
        false => Hello::Identified(responder.read_hello(frame)?),
    };
    match hello {
        Hello::Identified(hello) => Ok(hello.send_reply_with_rng(&mut rng)?.1),
        Hello::Anonymous(hello) if truth(&config["accepts_anonymous"]) => {
            hello.send_reply_with_rng(&mut Anonymous, &mut rng).map(|(_, reply)| reply)
        }
        Hello::Anonymous(hello) => {
            hello.send_reply_with_rng(&mut Pinned(Fingerprint::from_bytes([0; 32])), &mut rng).map(|(_, reply)| reply)
        }
    }
}

#[test]
fn a_refusal_differs_from_the_reference() {
    let file = load("refusals.json");
    let (mut run, mut beyond, mut lacking) = (0, 0, 0);
    for case in list(&file["responder"]) {
        let name = text(&case["name"]);
        // This interface always takes XX: a program that wants NX alone says no to `Hello::Identified` itself.
        if name == "XX, only NX allowed" {
            beyond += 1;
            continue;
        }
        let Some(mes) = responders(&file, &case["config"]) else {
            lacking += 1;
            continue;
        };
        let frame = bytes(&case["frame"]);
        match (answer(&mes, &case["config"], &frame), maybe(&case["answer"])) {
            (Ok(reply), None) => assert_eq!(reply.len(), if frame[7] == 2 && frame[6] == 0 { 9136 } else { 6528 }, "{name}"),
            (Err(rejected), Some(expected)) => assert_eq!(rejected.answer(), expected, "{name}"),
            (found, expected) => panic!("{name}: {:?}, not {expected:?}", found.map(|reply| reply.len())),
        }
        run += 1;
    }
    assert_eq!((run + lacking, beyond), (76, 1));
    assert_eq!(lacking == 0, cfg!(feature = "level5"));
    ran("refusals.json", [("responder", run)]);
}

/// A pre-shared key makes the responder silent, also about who may speak: status 5 would tell a holder of an old recording that the key is still good.
#[test]
fn a_responder_with_a_psk_tells_that_it_takes_no_stranger() {
    let file = load("refusals.json");
    let me = identity(&file, "responder", 1);
    let good = list(&file["responder"]).iter().find(|case| case["name"] == "psk: a good NXpsk0 message").unwrap();
    let mut config = good["config"].clone();
    config["accepts_anonymous"] = Value::Bool(false);
    let rejected = answer(&[me], &config, &bytes(&good["frame"])).unwrap_err();
    assert_eq!(rejected.answer(), b"");
}

#[test]
fn a_reply_is_read_otherwise_than_in_the_reference() {
    let file = load("refusals.json");
    for case in list(&file["initiator"]).iter().filter(|case| built(case)) {
        let name = text(&case["name"]);
        let me = identity(&file, "initiator", if case.get("suite").is_some_and(|suite| number(suite) == 2) { 2 } else { 1 });
        let (initiator, _) = Initiator::new(&me, b"example/1").send_hello_with_rng(&mut Seeded::new(2)).unwrap();
        let error = initiator.read_reply(&bytes(&case["reply"])).unwrap_err();
        match text(&case["outcome"]) {
            "refused" => {
                let Error::RefusedByPeer(why) = error else { panic!("{name}: {error:?}") };
                assert_eq!(u64::from(why.status()), number(&case["status"]), "{name}");
            }
            "malformed" => assert_eq!(error, Error::Malformed, "{name}"),
            "failed" => assert_eq!(error, Error::Authentication, "{name}"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(list(&file["initiator"]).len(), 21);
    ran("refusals.json", [("initiator", list(&file["initiator"]).iter().filter(|case| built(case)).count())]);
}

/// Offers it what the case says, and looks what it keeps in the end.
fn keep(store: &mut impl Acquaintances, bundles: &[Value], case: &Value) {
    let named = |name: &Value| bundles.iter().find(|bundle| bundle["name"] == *name).unwrap();
    let mut last = 0;
    for step in list(&case["steps"]) {
        if step.get("clock_is_right").is_some() {
            store.clock_is_right().unwrap();
            continue;
        }
        last = number(&step["now"]);
        let outcome = match store.take_bundle(Bundle::from_bytes(&bytes(&named(&step["bundle"])["bundle"])).unwrap(), last) {
            Ok(Taken::First | Taken::Newer) => "kept",
            Ok(Taken::Same) => "same",
            Ok(Taken::Not(_)) | Err(_) => "refused",
        };
        assert_eq!(outcome, text(&step["outcome"]), "{}: {step}", case["name"]);
    }
    for bundle in bundles.iter().filter(|bundle| built(bundle)) {
        let suite = Suite::from_id(number(&bundle["suite"]) as u16).unwrap();
        let kept = store.acquaintance(suite, &array(&bundle["reference"]), last).unwrap();
        let keeps = list(&case["keeps"]).contains(&bundle["name"]);
        assert_eq!(
            kept.map(|kept| kept.as_bytes().to_vec()),
            keeps.then(|| bytes(&bundle["bundle"])),
            "{}: {}",
            case["name"],
            bundle["name"]
        );
    }
}

#[test]
fn a_store_keeps_another_bundle_than_in_the_reference() {
    let file = load("acquaintances.json");
    let (bundles, cases) = (list(&file["bundles"]), list(&file["keeping"]));
    for case in cases {
        keep(&mut Book::new(), bundles, case);
        #[cfg(feature = "std")]
        keep(&mut Folder::open(tempfile::tempdir().unwrap().path().join("store")).unwrap(), bundles, case);
    }
    ran("acquaintances.json", [("keeping", cases.len())]);
}

#[cfg(feature = "std")]
#[test]
fn a_bundle_as_a_file_differs_from_the_reference() {
    let file = load("acquaintances.json");
    let (bundles, files) = (list(&file["bundles"]), list(&file["bundle_files"]));
    for case in files {
        let named = bundles.iter().find(|bundle| bundle["name"] == case["case"]).unwrap();
        let bundle = Bundle::from_bytes(&bytes(&named["bundle"])).unwrap();
        assert_eq!(keyfile::bundle_to_pem(&bundle), text(&case["pem"]), "{}", case["case"]);
        assert_eq!(keyfile::bundle_from_pem(text(&case["pem"])).unwrap().as_bytes(), bundle.as_bytes());
    }
    ran("acquaintances.json", [("bundle_files", files.len())]);
}
