//! Bundles in a channel, and a `Confirm` in the midst of one (docs/protocol.md, sections 4.6 and 8.3).

use super::rng::Seeded;
use super::{SUITE, Side, direction, forge, frames, plaintext, sides};
use crate::channel::record::{CONTENT_MAX, CloseCode};
use crate::channel::stream::{Record, Sealer, halves};
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::{Bundle, Fingerprint, Identity, StaticKey};
use std::vec::Vec;

const DAY: u64 = 86_400;

fn identity(seed: u64) -> Identity {
    Identity::generate_with_rng(SUITE.signature(), &mut Seeded::new(seed)).unwrap()
}

fn bundle_in(suite: Suite, me: &Identity, not_before: u64) -> Bundle {
    let key = StaticKey::generate_with_rng(me, suite, not_before, not_before + DAY, &mut Seeded::new(not_before)).unwrap();
    key.bundle().clone()
}

/// Both ends of a channel whose sides have identities; and a bundle of the first, of each time that is asked for.
pub(super) fn acquainted<const N: usize>(times: [u64; N]) -> ([Side; 2], [Bundle; N]) {
    let people = [identity(1), identity(2)];
    let sides = acquaintances(people.each_ref().map(|person| Some(person.fingerprint())));
    (sides, times.map(|time| bundle_in(SUITE, &people[0], time)))
}

fn acquaintances([a, b]: [Option<Fingerprint>; 2]) -> [Side; 2] {
    let side = |send: (u8, _), receive: (u8, _)| {
        let [send, receive] = [send, receive].map(|(byte, owner)| (direction(&[byte; 32]), owner));
        let (sealer, opener) = halves(send, receive);
        Side { sealer, opener }
    };
    [side((0xA, a), (0xB, b)), side((0xB, b), (0xA, a))]
}

/// The second side reads one record that somebody with the first one's keys made, after others. A fatal error is checked to be one.
fn read_forged(before: &[&[u8]], last: &[u8]) -> Result<(), Error> {
    let ([_, mut b], []) = acquainted([]);
    let mut sender = direction(&[0xA; 32]);
    for text in before {
        b.opener.open(&mut forge(&mut sender, text)).unwrap();
    }
    let read = b.opener.open(&mut forge(&mut sender, last)).map(|_| ());
    let next = b.opener.open(&mut forge(&mut sender, &plaintext(2, b"", 0))).map(|_| ());
    assert_eq!(next, if read.is_ok() { Ok(()) } else { Err(Error::Ended) });
    assert_eq!(b.sealer.message(b"", &mut Vec::new()).is_ok(), read.is_ok());
    read
}

fn record(bundle: &[u8]) -> Vec<u8> {
    plaintext(7, bundle, 0)
}

#[test]
fn a_bundle_arrives_changed() {
    let ([mut a, mut b], [bundle]) = acquainted([DAY]);
    assert_eq!(a.sealer.bundle(&bundle), Ok(1));
    assert!(a.sealer.control_due());
    let mut frame = a.seals(Sealer::control);
    assert_eq!(frame.len(), bundle.as_bytes().len() + 21);
    let Record::Bundle(read) = b.opener.open(&mut frame).unwrap() else { panic!("not a bundle") };
    assert_eq!(read.as_bytes(), bundle.as_bytes());
    assert!(!a.sealer.control_due());
    b.reads(&a.says(b"on we go"));
}

#[test]
fn a_bundle_of_a_wrong_length_is_read() {
    let (_, [bundle]) = acquainted([DAY]);
    let whole = bundle.as_bytes();
    assert_eq!(read_forged(&[], &record(whole)), Ok(()));
    for length in [0, 1, 2, 100, whole.len() - 3373, whole.len() - 1] {
        assert_eq!(read_forged(&[], &record(&whole[..length])), Err(Error::Malformed), "{length} bytes");
    }
    for length in [whole.len() + 1, 9103, CONTENT_MAX] {
        let mut longer = whole.to_vec();
        longer.resize(length, 0);
        assert_eq!(read_forged(&[], &record(&longer)), Err(Error::Malformed), "{length} bytes");
    }
}

/// One that is as long, and as well signed by the same identity; and a suite that nobody has.
#[test]
fn a_bundle_of_another_suite_is_read() {
    let other = bundle_in(Suite::Level3Aes, &identity(1), DAY);
    assert_eq!(read_forged(&[], &record(other.as_bytes())), Err(Error::Malformed));
    let mut nobodys = other.as_bytes().to_vec();
    nobodys[..2].fill(0xFF);
    assert_eq!(read_forged(&[], &record(&nobodys)), Err(Error::Malformed));
}

#[test]
fn a_bundle_of_somebody_else_is_read() {
    for owner in [2, 3] {
        let bundle = bundle_in(SUITE, &identity(owner), DAY);
        assert_eq!(read_forged(&[], &record(bundle.as_bytes())), Err(Error::Malformed));
    }
}

#[test]
fn a_bundle_that_nobody_signed_is_read() {
    let (_, [bundle]) = acquainted([DAY]);
    let whole = bundle.as_bytes();
    let ends = whole.len() - 3373;
    for at in [ends - 16, ends - 1, ends, whole.len() - 64, whole.len() - 1] {
        let mut changed = whole.to_vec();
        changed[at] ^= 1;
        assert!(read_forged(&[], &record(&changed)).is_err(), "byte {at}");
    }
}

/// Time is for who keeps bundles to judge.
#[test]
fn a_bundle_out_of_date_ends_the_channel() {
    for bundle in acquainted([0, 1, u64::MAX - DAY]).1 {
        assert_eq!(read_forged(&[], &record(bundle.as_bytes())), Ok(()));
    }
}

#[test]
fn a_side_without_identity_has_a_bundle() {
    let bundle = bundle_in(SUITE, &identity(1), DAY);
    let [mut a, mut b] = sides();
    assert_eq!(a.sealer.bundle(&bundle), Err(Error::WrongKind));
    assert!(!a.sealer.control_due());
    assert_eq!(b.error(&forge(&mut direction(&[0xA; 32]), &record(bundle.as_bytes()))), Error::Malformed);
    // Nor may it be the other side's.
    let [mut a, mut b] = acquaintances([None, Some(bundle.fingerprint())]);
    assert_eq!(a.sealer.bundle(&bundle), Err(Error::WrongKind));
    assert_eq!(b.error(&forge(&mut direction(&[0xA; 32]), &record(bundle.as_bytes()))), Error::Malformed);
}

/// What would end the channel is not sent.
#[test]
fn a_bundle_that_the_peer_refuses_is_sealed() {
    let ([mut a, mut b], [bundle]) = acquainted([DAY]);
    for wrong in [bundle_in(Suite::Level3Aes, &identity(1), DAY), bundle_in(SUITE, &identity(2), DAY)] {
        assert_eq!(a.sealer.bundle(&wrong), Err(Error::WrongKind));
    }
    assert!(!a.sealer.control_due());
    assert_eq!(a.sealer.bundle(&bundle), Ok(1), "what was refused has no number");
    b.reads(&a.seals(Sealer::control));
}

#[test]
fn bundles_and_key_updates_have_a_bound_each() {
    let ([mut a, _], [bundle]) = acquainted([DAY]);
    let (bundle, update) = (record(bundle.as_bytes()), plaintext(4, b"", 0));
    // An update changes the key, so the forger has to follow.
    let read = |bundles: usize, between: Option<&[u8]>, last: &[u8]| {
        let ([_, mut b], []) = acquainted([]);
        let mut sender = direction(&[0xA; 32]);
        for index in 0..32 {
            let text = if index < bundles { &bundle } else { &update };
            b.opener.open(&mut forge(&mut sender, text)).unwrap();
            if index >= bundles {
                sender.update().unwrap();
            }
        }
        if let Some(between) = between {
            b.opener.open(&mut forge(&mut sender, between)).unwrap();
        }
        b.opener.open(&mut forge(&mut sender, last)).map(|_| ())
    };
    for bundles in [0, 1, 31, 32] {
        assert_eq!(read(bundles, None, &bundle), Err(Error::Malformed), "after {bundles} bundles");
        assert_eq!(read(bundles, None, &update), Err(Error::Malformed), "after {bundles} bundles");
    }
    // A piece of a message stands between, and nothing else does.
    let (data, end, ping) = (plaintext(1, b"x", 0), plaintext(2, b"", 0), plaintext(9, &[0; 5], 0));
    assert_eq!(read(31, Some(&data), &bundle), Ok(()));
    assert_eq!(read(31, Some(&end), &bundle), Ok(()));
    assert_eq!(read(31, Some(&ping), &bundle), Err(Error::Malformed));
    let offer = a.opener.make_offer(&mut Seeded::new(1)).unwrap().unwrap();
    assert_eq!(read(31, Some(&plaintext(5, offer.0.as_bytes(), 0)), &bundle), Err(Error::Malformed));
}

#[test]
fn a_bundle_too_many_is_sealed() {
    let ([mut a, mut b], [first, last]) = acquainted([DAY, 2 * DAY]);
    for bundles in [32, 31, 0] {
        let mut wire = Vec::new();
        for _ in 0..bundles {
            a.sealer.bundle(&first).unwrap();
            a.sealer.control(&mut wire).unwrap();
        }
        (bundles..40).for_each(|_| a.sealer.key_update(&mut wire).unwrap());
        assert_eq!(frames(&wire).len(), 32);
        b.reads(&wire);
        // It waits, and keeps nothing else from being sent.
        a.sealer.bundle(&last).unwrap();
        assert!(!a.sealer.control_due());
        a.sealer.ping(1);
        assert!(a.sealer.control_due());
        b.reads(&a.seals(Sealer::control));
        b.reads(&a.says(b"between"));
        assert!(a.sealer.control_due());
        let mut frame = a.seals(Sealer::control);
        assert_eq!(b.opener.open(&mut frame).unwrap(), Record::Bundle(last.clone().into()));
        b.reads(&a.says(b"between"));
    }
}

#[test]
fn a_bundle_between_pieces_ends_a_message() {
    let ([mut a, mut b], [bundle]) = acquainted([DAY]);
    let mut wire = Vec::new();
    a.sealer.data(b"half and ", &mut wire).unwrap();
    a.sealer.bundle(&bundle).unwrap();
    a.sealer.end(b"half", &mut wire).unwrap();
    let [mut first, mut between, mut last]: [Vec<u8>; 3] = frames(&wire).try_into().unwrap();
    assert_eq!(b.opener.open(&mut first).unwrap(), Record::Data(b"half and "));
    assert_eq!(b.opener.open(&mut between).unwrap(), Record::Bundle(bundle.into()));
    assert!(b.opener.mid_message());
    assert_eq!(b.opener.open(&mut last).unwrap(), Record::End(b"half"));
}

#[test]
fn an_older_bundle_is_sealed_after_a_newer_one() {
    let ([mut a, mut b], [older, newer]) = acquainted([DAY, 2 * DAY]);
    assert_eq!((a.sealer.bundle(&older), a.sealer.bundle(&newer)), (Ok(1), Ok(2)));
    let mut frame = a.seals(Sealer::control);
    assert_eq!(b.opener.open(&mut frame).unwrap(), Record::Bundle(newer.into()));
    assert!(!a.sealer.control_due());
}

#[test]
fn a_bundle_comes_after_the_close() {
    let ([mut a, mut b], [bundle]) = acquainted([DAY]);
    let close = plaintext(3, &[0, 0], 0);
    let mut sender = direction(&[0xA; 32]);
    b.opener.open(&mut forge(&mut sender, &close)).unwrap();
    assert_eq!(b.error(&forge(&mut sender, &record(bundle.as_bytes()))), Error::Malformed);
    // One that waits is not sent with the close, and none after it.
    a.sealer.bundle(&bundle).unwrap();
    a.seals(|sealer, out| sealer.close(CloseCode::Done, "", out));
    assert!(!a.sealer.control_due() && a.sealer.bundle.is_none());
    assert_eq!(a.sealer.bundle(&bundle), Err(Error::Closed));
    // The other direction's close keeps ours from nothing.
    let ([mut a, mut b], [bundle]) = acquainted([DAY]);
    a.reads(&b.seals(|sealer, out| sealer.close(CloseCode::Done, "", out)));
    a.sealer.bundle(&bundle).unwrap();
    b.reads(&a.seals(Sealer::control));
}

/// The handshake reads the one that is awaited. Whatever comes to an opener is another.
#[test]
fn a_confirm_is_read_where_none_is_awaited() {
    let (message, ping) = (plaintext(2, b"words", 0), plaintext(9, &[0; 5], 0));
    for before in [&[][..], &[&message[..]], &[&ping[..]]] {
        for (content, padding) in [(&[][..], 0), (&[], 5), (&[0], 0)] {
            assert_eq!(read_forged(before, &plaintext(8, content, padding)), Err(Error::Malformed));
        }
    }
}
