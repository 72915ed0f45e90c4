//! Records on a hostile wire.

use crate::support::pair::Ends;
use crate::support::rng::Seeded;
use twinlock::Error;
use twinlock::channel::{CloseCode, Conversation, FRAME_MAX, Opener, Sealer, frame_len};
use twinlock::handshake::Pattern;

struct Side {
    seals: Sealer,
    opens: Opener,
    conversation: Conversation,
}

/// The same from each call: whoever has ended is made again.
fn sides() -> [Side; 2] {
    Ends::new(Pattern::Nx).meet().0.map(|channel| {
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

#[test]
fn a_flipped_byte_in_a_record_goes_unnoticed() {
    let len = sides()[0].says(b"to be changed").len();
    assert_eq!(len, 21 + 13);
    for (at, bit) in (0..len).flat_map(|at| [(at, at % 8), (at, (at + 4) % 8)]) {
        let [mut a, b] = sides();
        let mut frame = a.says(b"to be changed");
        frame[at] ^= 1 << bit;
        b.fails(&frame, if at < 2 { Error::Malformed } else { Error::Authentication });
    }
}

#[test]
fn a_record_cut_anywhere_is_read() {
    let whole = sides()[0].says(b"cut me");
    for len in 0..whole.len() {
        // As the transport would never give it: the length says more than there is.
        sides()[1].opens.open(&mut whole[..len].to_vec()).unwrap_err();
        // With a length that fits: the tag, or the length's own bounds, show it.
        if len > 2 {
            let cut = [&u16::try_from(len - 2).unwrap().to_be_bytes(), &whole[2..len]].concat();
            let [_, b] = sides();
            b.fails(&cut, if len - 2 < 19 { Error::Malformed } else { Error::Authentication });
        }
    }
    let [_, b] = sides();
    b.fails(&[&whole[..], &[0]].concat(), Error::Malformed);
}

#[test]
fn a_transport_cut_between_records_is_the_end() {
    let [mut a, mut b] = sides();
    b.opens.open(&mut a.says(b"the first of two")).unwrap();
    assert_eq!(b.opens.transport_ended(), Err(Error::Truncated));
    b.has_ended();

    let [mut a, mut b] = sides();
    let mut close = Vec::new();
    a.seals.close(CloseCode::GoingAway, "back soon", &mut close).unwrap();
    b.opens.open(&mut close).unwrap();
    assert_eq!(b.opens.transport_ended(), Ok(()));
    // The other direction goes on.
    a.opens.open(&mut b.says(b"take care")).unwrap();
}

#[test]
fn a_record_dropped_doubled_or_swapped_is_read() {
    let three = || {
        let [mut a, b] = sides();
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

#[test]
fn a_reflected_record_is_taken_for_the_peers() {
    let [mut a, b] = sides();
    let own = a.says(b"mine");
    a.fails(&own, Error::Authentication);
    drop(b);
}

#[test]
fn a_record_of_another_conversation_is_read() {
    let [mut a, _] = Ends::seeded(Pattern::Nx, [5, 6]).meet().0.map(|channel| channel.into_halves().0);
    let mut frame = Vec::new();
    a.message(b"elsewhere", &mut frame).unwrap();
    let [_, b] = sides();
    b.fails(&frame, Error::Authentication);
}

/// After a failed record the right one comes too late: an attacker has no second try.
#[test]
fn a_failed_record_can_be_tried_again() {
    let [mut a, mut b] = sides();
    let good = a.says(b"good");
    let mut bad = good.clone();
    bad[10] ^= 1;
    assert_eq!(b.opens.open(&mut bad).unwrap_err(), Error::Authentication);
    assert_eq!(b.opens.open(&mut good.clone()).unwrap_err(), Error::Ended);
    b.has_ended();
}

/// A record that fails hands nothing out: the frame holds no plaintext.
#[test]
fn a_forged_record_is_decrypted() {
    let [mut a, mut b] = sides();
    let mut frame = a.says(b"secret words that nobody may read before the tag verified");
    let last = frame.len() - 1;
    frame[last] ^= 1;
    let before = frame.clone();
    b.opens.open(&mut frame).unwrap_err();
    assert_eq!(frame, before);
}

#[test]
fn a_stranger_makes_the_reader_take_memory() {
    for length in (0..=u16::MAX).filter(|length| !(19..=16_640).contains(length)) {
        assert_eq!(frame_len(length.to_be_bytes()), Err(Error::Malformed));
    }
    assert_eq!(frame_len(16_640u16.to_be_bytes()), Ok(FRAME_MAX - 2));
}

#[test]
fn two_conversations_export_the_same() {
    let [a, b] = sides();
    let [c, _] = Ends::seeded(Pattern::Nx, [5, 6]).meet().0;
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
    assert_eq!(a.conversation.export("", b"", &mut vec![0; 255 * 32 + 1]), Err(Error::TooLong));
    assert_eq!(a.conversation.export(&too_long[1..], b"", &mut vec![0; 255 * 32]), Ok(()));
}
