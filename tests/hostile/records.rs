//! Records on a hostile wire.

use crate::Case;
use crate::support::rng::Seeded;
use twinlock::Error;
use twinlock::channel::{CloseCode, Conversation, FRAME_MAX, Opener, Record, Sealer, frame_len};
use twinlock::handshake::Pattern;

struct Side {
    seals: Sealer,
    opens: Opener,
    conversation: Conversation,
}

/// The sides of a new conversation.
fn sides(case: &Case) -> [Side; 2] {
    case.ends(Pattern::Nx).meet().0.map(|channel| {
        let (seals, opens, conversation) = channel.into_halves();
        Side { seals, opens, conversation }
    })
}

impl Side {
    fn says(&mut self, message: &[u8]) -> Vec<u8> {
        let mut frame = Vec::new();
        self.seals.message(message, &mut frame).unwrap();
        frame
    }

    /// Reads what must end the channel: then both halves have ended, and nothing more is sent or read.
    fn fails(mut self, frame: &[u8], expected: Error) {
        assert_eq!(self.opens.open(&mut frame.to_vec()).unwrap_err(), expected, "{} bytes", frame.len());
        self.has_ended();
    }

    fn has_ended(&mut self) {
        let mut out = Vec::new();
        let mut rng = Seeded::new(1);
        let Self { seals, opens, .. } = self;
        assert_eq!(seals.message(b"", &mut out), Err(Error::Ended));
        assert_eq!(seals.data(b"x", &mut out), Err(Error::Ended));
        assert_eq!(seals.control(&mut out), Err(Error::Ended));
        assert_eq!(seals.key_update(&mut out), Err(Error::Ended));
        assert_eq!(seals.abort(&mut out), Err(Error::Ended));
        assert_eq!(seals.close(CloseCode::Done, "", &mut out), Err(Error::Ended));
        assert!(out.is_empty());
        assert_eq!(opens.open(&mut [0; 23]).unwrap_err(), Error::Ended);
        assert_eq!(opens.make_offer(&mut rng).unwrap_err(), Error::Ended);
        assert_eq!(opens.transport_ended(), Err(Error::Ended));
    }
}

pub(crate) fn a_flipped_byte_in_a_record_goes_unnoticed(case: &Case) {
    let len = sides(case)[0].says(b"to be changed").len();
    assert_eq!(len, 21 + 13);
    for (at, bit) in (0..len).flat_map(|at| [(at, at % 8), (at, (at + 4) % 8)]) {
        let [mut a, b] = sides(case);
        let mut frame = a.says(b"to be changed");
        frame[at] ^= 1 << bit;
        b.fails(&frame, if at < 2 { Error::Malformed } else { Error::Authentication });
    }
}

pub(crate) fn a_record_cut_anywhere_is_read(case: &Case) {
    let whole = sides(case)[0].says(b"cut me").len();
    for len in 0..=whole {
        // As the transport would never give it: the length says more than there is, but for the whole one.
        let [mut a, mut b] = sides(case);
        let frame = a.says(b"cut me");
        assert_eq!(b.opens.open(&mut frame[..len].to_vec()).is_ok(), len == whole);
        // With a length that fits: the tag, or the length's own bounds, show it.
        if len > 2 && len < whole {
            let [mut a, b] = sides(case);
            let frame = a.says(b"cut me");
            let cut = [&u16::try_from(len - 2).unwrap().to_be_bytes(), &frame[2..len]].concat();
            b.fails(&cut, if len - 2 < 19 { Error::Malformed } else { Error::Authentication });
        }
    }
    let [mut a, b] = sides(case);
    let longer = [a.says(b"cut me"), vec![0]].concat();
    b.fails(&longer, Error::Malformed);
}

pub(crate) fn a_transport_cut_between_records_is_the_end(case: &Case) {
    let [mut a, mut b] = sides(case);
    b.opens.open(&mut a.says(b"the first of two")).unwrap();
    assert_eq!(b.opens.transport_ended(), Err(Error::Truncated));
    b.has_ended();

    let [mut a, mut b] = sides(case);
    let mut close = Vec::new();
    a.seals.close(CloseCode::GoingAway, "back soon", &mut close).unwrap();
    b.opens.open(&mut close).unwrap();
    assert_eq!(b.opens.transport_ended(), Ok(()));
    // The other direction goes on.
    a.opens.open(&mut b.says(b"take care")).unwrap();
}

pub(crate) fn a_record_dropped_doubled_or_swapped_is_read(case: &Case) {
    let three = || {
        let [mut a, b] = sides(case);
        ([a.says(b"one"), a.says(b"two"), a.says(b"three")], b)
    };
    let ([_, two, _], b) = three();
    b.fails(&two, Error::Authentication);
    let ([one, _, _], mut b) = three();
    b.opens.open(&mut one.clone()).unwrap();
    b.fails(&one, Error::Authentication);
    let ([one, _, three_], mut b) = three();
    b.opens.open(&mut one.clone()).unwrap();
    b.fails(&three_, Error::Authentication);
}

pub(crate) fn a_reflected_record_is_taken_for_the_peers(case: &Case) {
    let [mut a, b] = sides(case);
    let own = a.says(b"mine");
    a.fails(&own, Error::Authentication);
    drop(b);
}

pub(crate) fn a_record_of_another_conversation_is_read(case: &Case) {
    let [mut a, _] = case.seeded(Pattern::Nx, [5, 6]).meet().0.map(|channel| channel.into_halves().0);
    let mut frame = Vec::new();
    a.message(b"elsewhere", &mut frame).unwrap();
    let [_, b] = sides(case);
    b.fails(&frame, Error::Authentication);
}

/// After a failed record the right one comes too late: an attacker has no second try.
pub(crate) fn a_failed_record_can_be_tried_again(case: &Case) {
    let [mut a, mut b] = sides(case);
    let good = a.says(b"good");
    let mut bad = good.clone();
    bad[10] ^= 1;
    assert_eq!(b.opens.open(&mut bad).unwrap_err(), Error::Authentication);
    assert_eq!(b.opens.open(&mut good.clone()).unwrap_err(), Error::Ended);
    b.has_ended();
}

/// A record that fails hands nothing out: the frame holds no plaintext.
pub(crate) fn a_forged_record_is_decrypted(case: &Case) {
    let [mut a, mut b] = sides(case);
    let mut frame = a.says(b"secret words that nobody may read before the tag verified");
    let last = frame.len() - 1;
    frame[last] ^= 1;
    let before = frame.clone();
    b.opens.open(&mut frame).unwrap_err();
    assert_eq!(frame, before);
}

pub(crate) fn a_stranger_makes_the_reader_take_memory(_: &Case) {
    for length in (0..=u16::MAX).filter(|length| !(19..=16_640).contains(length)) {
        assert_eq!(frame_len(length.to_be_bytes()), Err(Error::Malformed));
    }
    assert_eq!(frame_len(16_640u16.to_be_bytes()), Ok(FRAME_MAX - 2));
}

pub(crate) fn two_conversations_export_the_same(case: &Case) {
    let [a, b] = sides(case);
    let [c, _] = case.seeded(Pattern::Nx, [5, 6]).meet().0;
    let export = |conversation: &Conversation, label: &str, context: &[u8]| {
        let mut out = [0; 48];
        conversation.export(label, context, &mut out).unwrap();
        out
    };
    let ours = export(&a.conversation, "label", b"context");
    assert_eq!(ours, export(&b.conversation, "label", b"context"));
    assert_ne!(ours, export(c.conversation(), "label", b"context"));
    assert_ne!(ours, export(&a.conversation, "labelc", b"ontext"));
    assert_ne!(ours, export(&a.conversation, "", b"context"));
    assert_ne!(ours, export(&a.conversation, "label", b""));
    let mut shorter = [0; 47];
    a.conversation.export("label", b"context", &mut shorter).unwrap();
    assert_ne!(ours[..47], shorter);
    let too_long = "l".repeat(256);
    assert_eq!(a.conversation.export(&too_long, b"", &mut [0; 1]), Err(Error::TooLong));
    assert_eq!(a.conversation.export("", b"", &mut []), Err(Error::TooLong));
    assert_eq!(a.conversation.export("", b"", &mut vec![0; 255 * case.sizes().hash + 1]), Err(Error::TooLong));
    assert_eq!(a.conversation.export(&too_long[1..], b"", &mut vec![0; 255 * case.sizes().hash]), Ok(()));
}

/// An offer and its answer in each direction: both go on under the new keys.
pub(crate) fn a_renewal_leaves_a_side_behind(case: &Case) {
    let mut sides = sides(case);
    for _ in 0..2 {
        let [a, b] = &mut sides;
        let offer = a.opens.make_offer(&mut Seeded::new(1)).unwrap().unwrap();
        a.seals.send_offer(offer);
        let mut frame = Vec::new();
        a.seals.control(&mut frame).unwrap();
        assert_eq!(frame.len(), 21 + case.sizes().encapsulation_key.iter().sum::<usize>());
        let Record::Offer(offer) = b.opens.open(&mut frame).unwrap() else { panic!() };
        b.seals.answer_offer(offer, &mut Seeded::new(2)).unwrap();
        frame.clear();
        b.seals.control(&mut frame).unwrap();
        assert_eq!(frame.len(), 21 + case.sizes().ciphertext.iter().sum::<usize>());
        assert_eq!(a.opens.open(&mut frame).unwrap(), Record::Rekey);
        assert_eq!(a.opens.open(&mut b.says(b"under the new key")).unwrap(), Record::End(b"under the new key"));
        sides.reverse();
    }
    let [mut a, mut b] = sides;
    b.opens.open(&mut a.says(b"on we go")).unwrap();
    let changed = |frame: Vec<u8>, at: usize| [&frame[..at], &[frame[at] ^ 1], &frame[at + 1..]].concat();
    // A changed offer is noticed as any record is.
    let offer = a.opens.make_offer(&mut Seeded::new(1)).unwrap().unwrap();
    a.seals.send_offer(offer);
    let mut frame = Vec::new();
    a.seals.control(&mut frame).unwrap();
    b.fails(&changed(frame, 100), Error::Authentication);
}
