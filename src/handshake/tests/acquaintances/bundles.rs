//! What is kept: bundles, good and bad, and resumption records.

use super::{World, changed, fingerprint, named};
use crate::channel::{Resumption, Role};
use crate::error::Error;
use crate::handshake::Suite;
use crate::handshake::tests::json::{array, bytes, list, number, ran, text, truth};
use crate::handshake::tests::rng::Coins;
use crate::identity::{Bundle, StaticKey};

#[test]
fn a_bundle_differs_from_the_reference() {
    let world = World::new();
    for case in world.cases("bundles") {
        let suite = Suite::from_id(number(&case["suite"]) as u16).unwrap();
        let read = Bundle::from_bytes(&bytes(&case["bundle"])).unwrap();
        assert_eq!(read.reference(), &array(&case["reference"]), "{}", case["name"]);
        assert_eq!(read.fingerprint(), fingerprint(&case["fingerprint"]).unwrap());
        assert_eq!((read.not_before(), read.not_after()), (number(&case["not_before"]), number(&case["not_after"])));
        let key = world.key(&case["name"]);
        assert_eq!(key.to_secret_bytes().expose(), [bytes(&case["static"]), bytes(&case["bundle"])].concat());
        // Round 3 draws where no test can see it.
        if !suite.must_be_named() {
            let (me, coins) = (world.identity(text(&case["identity"])), &mut Coins::new(bytes(&case["random"])));
            let made = StaticKey::generate_with_rng(me, suite, read.not_before(), read.not_after(), coins).unwrap();
            assert_eq!(coins.left(), 0);
            assert!(made.to_secret_bytes().expose() == key.to_secret_bytes().expose(), "{}", case["name"]);
        }
    }
    for case in list(&world.file["validity"]) {
        for row in list(&case["times"]) {
            assert_eq!(world.key(&case["bundle"]).bundle().is_valid(number(&row[0])), truth(&row[1]), "{row}");
        }
    }
    ran("acquaintances.json", [("bundles", world.cases("bundles").len()), ("validity", list(&world.file["validity"]).len())]);
}

#[test]
fn a_bad_bundle_is_read() {
    let world = World::new();
    let cases = world.cases("bundles_refused");
    for case in &cases {
        let changed = changed(bytes(&named(&world.file["bundles"], text(&case["case"]))["bundle"]), case);
        let read = match case.get("asked_for") {
            Some(owner) => Bundle::from_bytes_of(&fingerprint(owner).unwrap(), &changed),
            None => Bundle::from_bytes(&changed),
        };
        let error = read.err().unwrap_or_else(|| panic!("{}", case["name"]));
        let expected = match text(&case["reason"]) {
            "suite" => matches!(error, Error::UnknownSuite { .. }),
            "identity" => matches!(error, Error::Untrusted(_)),
            "signature" => error == Error::Authentication,
            _ => error == Error::Malformed,
        };
        assert!(expected, "{}: {error:?}", case["name"]);
    }
    for case in world.file.get("odd_bundles").map(list).unwrap_or_default() {
        assert_eq!(Bundle::from_bytes(&bytes(&case["bundle"])).err(), Some(Error::Malformed), "{}", case["name"]);
    }
    assert!(cases.len() > 30, "{}", cases.len());
    ran("acquaintances.json", [("bundles_refused", cases.len())]);
}

#[test]
fn a_record_differs_from_the_reference() {
    let world = World::new();
    for case in world.cases("resumption_records") {
        let suite = Suite::from_id(number(&case["suite"]) as u16).unwrap();
        let secret =
            crate::secret::Secret::build(|place: &mut [u8; 64]| place[..suite.hash().len()].copy_from_slice(&bytes(&case["secret"])));
        for role in [Role::Opener, Role::Answerer] {
            let read = world.record(&case["name"], role);
            let root = crate::channel::Root {
                me: read.me().copied(),
                prologue: bytes(&case["prologue"]),
                psk_tag: read.psk_tag().copied(),
                not_after: Some(number(&case["not_after"])),
            };
            let made = Resumption::derive(&secret, role, read.whole_peer(), root, 0).unwrap().unwrap();
            assert_eq!(made.id(), &array(&case["id"]), "{}", case["name"]);
            assert!(made.to_secret_bytes().expose() == read.to_secret_bytes().expose(), "{}", case["name"]);
        }
    }
    ran("acquaintances.json", [("resumption_records", world.cases("resumption_records").len())]);
}
