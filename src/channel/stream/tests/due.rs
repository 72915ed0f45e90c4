//! What a half says of itself: what is due, what it traced, what it counted, which offer it was given.

use super::rng::Seeded;
use super::{Side, sides};
#[cfg(feature = "std")]
use crate::channel::record::CONTENT_AT;
use crate::channel::record::{CloseCode, RecordType};
use crate::channel::stream::{Record, Sealer, Trace};
use std::boxed::Box;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

/// Each thing that can be due is due by itself, and no more once it was said.
#[test]
fn something_due_is_not_said() {
    let [mut a, mut b] = sides();
    assert!(!a.sealer.control_due());
    a.sealer.ping(1);
    assert!(a.sealer.control_due());
    b.reads(&a.seals(Sealer::control));
    a.sealer.answer_ping(2);
    assert!(a.sealer.control_due());
    b.reads(&a.seals(Sealer::control));
    let offer = a.opener.make_offer(&mut Seeded::new(1)).unwrap().unwrap();
    a.sealer.send_offer(offer);
    assert!(a.sealer.control_due());
    let offer = a.seals(Sealer::control);
    assert!(!a.sealer.control_due() && !b.sealer.control_due());
    b.answers(&offer, 2);
    assert!(b.sealer.control_due());
    b.seals(Sealer::control);
    assert!(!b.sealer.control_due());
}

/// Both halves tell of each record once: its type, and its frame's bytes.
#[test]
fn a_trace_misses_a_record_or_tells_of_another() {
    type Heard = Arc<Mutex<Vec<(RecordType, usize)>>>;
    let heard: [Heard; 2] = Default::default();
    let [sealed, opened] = heard.clone().map(|list| -> Trace { Box::new(move |kind, size| list.lock().unwrap().push((kind, size))) });
    let [mut a, mut b] = sides();
    a.sealer.set_trace(sealed);
    b.opener.set_trace(opened);
    let mut wire = Vec::new();
    a.sealer.data(b"begun", &mut wire).unwrap();
    a.sealer.key_update(&mut wire).unwrap();
    a.sealer.close(CloseCode::Done, "bye", &mut wire).unwrap();
    b.reads(&wire);
    let expected = [(RecordType::Data, 26), (RecordType::KeyUpdate, 21), (RecordType::Abort, 21), (RecordType::Close, 26)];
    assert!(heard.iter().all(|list| *list.lock().unwrap() == expected), "{heard:?}");
}

/// Sealed where it stands, a piece is the record that a copy of it would be, and counts as that.
#[cfg(feature = "std")]
#[test]
fn a_piece_sealed_in_its_place_is_another() {
    let ([mut copied, _], [mut in_place, _]) = (sides(), sides());
    for last in [false, true] {
        let expected = copied.seals(|sealer, out| if last { sealer.end(b"piece", out) } else { sealer.data(b"piece", out) });
        let mut frame = [&[0; CONTENT_AT][..], b"piece"].concat();
        in_place.sealer.piece_in_place(last, &mut frame).unwrap();
        assert_eq!(frame, expected);
        assert_eq!((in_place.sealer.mid_message(), in_place.sealer.totals()), (!last, copied.sealer.totals()));
    }
}

#[test]
fn two_offers_are_taken_for_one() {
    let [mut a, _] = sides();
    let offer = a.offers(1);
    let read = |frame: &[u8]| {
        let [_, mut reader]: [Side; 2] = sides();
        let mut frame = frame.to_vec();
        let Record::Offer(offer) = reader.opener.open(&mut frame).unwrap() else { panic!("not an offer") };
        offer
    };
    let [mut other, _] = sides();
    assert!(read(&offer) == read(&offer));
    assert!(read(&offer) != read(&other.offers(2)));
}
