//! Whom to believe: each judge, each side, each refusal.

use crate::support::pair::{Answered, Ends, Waiting, alice, bob, eve};
use crate::support::rng::Seeded;
use twinlock::channel::{Close, CloseCode, Record};
use twinlock::handshake::{Hello, Pattern};
use twinlock::identity::{Peer, Trusted};
use twinlock::trust::{Anonymous, Ask, OrAnonymous, PinnedSet, danger};
use twinlock::{Distrust, Error, Pinned, Trust};

type Verdict = Result<Trusted, Distrust>;

/// What the judge says of Bob as a responder, of Alice as an initiator, and of an initiator without identity, each asked through a handshake.
fn judged(mut judge: impl Trust) -> [Verdict; 3] {
    let verdict = |result: Result<Trusted, Error>| {
        result.map_err(|error| match error {
            Error::Untrusted(why) => why,
            other => panic!("{other:?}"),
        })
    };
    let ends = Ends::new(Pattern::Xx);
    let (waiting, hello) = ends.hello();
    let (answered, reply) = ends.reply(&hello).unwrap();
    let (_, finish) = ends.finish(ends.hello().0, &reply).unwrap();
    let (Waiting::Identified(waiting), Answered::Identified(answered)) = (waiting, answered) else { panic!() };

    let of_responder = waiting.read_reply(&reply).unwrap().send_finish_with_rng(&mut judge, &mut Seeded::new(3));
    let of_initiator = answered.read_finish(&finish.unwrap()).unwrap().into_channel(&mut judge);
    let nx = Ends::new(Pattern::Nx);
    let Hello::Anonymous(heard) = nx.listening().read_any_hello(&nx.hello().1).unwrap() else { panic!() };
    let of_stranger = heard.send_reply_with_rng(&mut judge, &mut Seeded::new(4));
    [
        verdict(of_responder.map(|(channel, _)| channel.conversation().trusted())),
        verdict(of_initiator.map(|channel| channel.conversation().trusted()).map_err(Error::from)),
        verdict(of_stranger.map(|(channel, _)| channel.conversation().trusted()).map_err(Error::from)),
    ]
}

#[test]
fn a_judge_accepts_somebody_else() {
    use Distrust::{Declined, NotExpected};
    let (a, b, e) = (alice().fingerprint(), bob().fingerprint(), eve().fingerprint());
    let (pinned, anonymous, asked) = (Ok(Trusted::Pinned), Ok(Trusted::Anonymous), Ok(Trusted::Asked));
    let stranger = Err(Distrust::Anonymous);
    assert_eq!(judged(Pinned(b)), [pinned, Err(NotExpected), stranger]);
    assert_eq!(judged(Pinned(a)), [Err(NotExpected), pinned, stranger]);
    assert_eq!(judged(Pinned(e)), [Err(NotExpected), Err(NotExpected), stranger]);
    assert_eq!(judged(PinnedSet(vec![])), [Err(NotExpected), Err(NotExpected), stranger]);
    assert_eq!(judged(PinnedSet(vec![e, b])), [pinned, Err(NotExpected), stranger]);
    assert_eq!(judged(PinnedSet(vec![a, b])), [pinned, pinned, stranger]);
    assert_eq!(judged(Ask(|peer: &Peer| peer.fingerprint() == Some(a))), [Err(Declined), asked, stranger]);
    assert_eq!(judged(Ask(|_: &Peer| true)), [asked, asked, stranger]);
    assert_eq!(judged(Ask(|_: &Peer| false)), [Err(Declined), Err(Declined), stranger]);
    assert_eq!(judged(Anonymous), [Err(NotExpected), Err(NotExpected), anonymous]);
    assert_eq!(judged(OrAnonymous(Pinned(b))), [pinned, Err(NotExpected), anonymous]);
    assert_eq!(judged(OrAnonymous(Ask(|_: &Peer| false))), [Err(Declined), Err(Declined), anonymous]);
    assert_eq!(judged(danger::TrustAnyone), [Ok(Trusted::Anyone); 3]);
    assert_eq!(judged(OrAnonymous(danger::TrustAnyone)), [Ok(Trusted::Anyone), Ok(Trusted::Anyone), anonymous]);
    let mut by_reference: &mut dyn Trust = &mut Pinned(b);
    assert_eq!(judged(&mut by_reference), [pinned, Err(NotExpected), stranger]);
}

/// Counts how often it is asked, and by whom, and says what it was told to.
struct Counting(Vec<Option<twinlock::Fingerprint>>, Verdict);

impl Trust for Counting {
    fn judge(&mut self, peer: &Peer) -> Verdict {
        self.0.push(peer.fingerprint());
        self.1
    }
}

/// The initiator shows itself only after its yes: a no draws no randomness, gives no bytes, and uses the state up.
#[test]
fn an_initiator_shows_itself_to_whom_it_does_not_want() {
    for pattern in [Pattern::Xx, Pattern::XxPsk0] {
        let ends = Ends::new(pattern);
        let reply = ends.reply(&ends.hello().1).unwrap().1;
        for why in [Distrust::Unknown, Distrust::ChangedKey, Distrust::WeakerSuite, Distrust::StoreFailed] {
            let Waiting::Identified(waiting) = ends.hello().0 else { panic!() };
            let (mut judge, mut rng) = (Counting(vec![], Err(why)), Seeded::new(3));
            let read = waiting.read_reply(&reply).unwrap();
            assert_eq!(read.peer().fingerprint(), Some(bob().fingerprint()));
            assert_eq!(read.payload().as_bytes(), b"two");
            assert_eq!(read.send_finish_with_rng(&mut judge, &mut rng).unwrap_err(), Error::Untrusted(why));
            assert_eq!((judge.0, rng.draws()), (vec![Some(bob().fingerprint())], 0));
        }
        let Waiting::Identified(waiting) = ends.hello().0 else { panic!() };
        let mut judge = Counting(vec![], Err(Distrust::Unknown));
        assert_eq!(waiting.read_reply(&reply).unwrap().prepare_finish(&mut judge).unwrap_err(), Error::Untrusted(Distrust::Unknown));
        assert_eq!(judge.0.len(), 1);
    }
}

/// One Close record with code 1, which the initiator can open; and no channel for the responder.
#[test]
fn a_refused_initiator_learns_nothing_or_too_much() {
    for pattern in [Pattern::Xx, Pattern::XxPsk0] {
        let ends = Ends { expected: [bob().fingerprint(), eve().fingerprint()], ..Ends::new(pattern) };
        let (waiting, hello) = ends.hello();
        let (answered, reply) = ends.reply(&hello).unwrap();
        let (a, finish) = ends.finish(waiting, &reply).unwrap();
        let rejected = ends.accept(answered, finish.as_deref()).unwrap_err();
        assert_eq!(rejected.error(), Error::Untrusted(Distrust::NotExpected));
        let mut answer = rejected.answer().to_vec();
        assert_eq!((answer.len(), &answer[..2]), (23, &[0, 21][..]));
        let (_, mut opener, _) = a.into_halves();
        let close = Close { code: CloseCode::Refused, reason: String::new() };
        assert_eq!(opener.open(&mut answer).unwrap(), Record::Close(close));
        assert_eq!(opener.transport_ended(), Ok(()));
    }
}

/// The same refusal whatever the reason: why somebody is not wanted is nobody's business.
#[test]
fn a_refusal_tells_its_reason() {
    let ends = Ends::new(Pattern::Xx);
    let (_, messages) = ends.meet();
    let answers = [Distrust::Unknown, Distrust::ChangedKey, Distrust::Declined, Distrust::StoreFailed].map(|why| {
        let (Answered::Identified(answered), _) = ends.reply(&messages[0]).unwrap() else { panic!() };
        let mut judge = Counting(vec![], Err(why));
        let rejected = answered.read_finish(&messages[2]).unwrap().into_channel(&mut judge).unwrap_err();
        assert_eq!((rejected.error(), judge.0), (Error::Untrusted(why), vec![Some(alice().fingerprint())]));
        rejected.answer().to_vec()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

/// `NX`: asked before message 2 is made. Refused with status 5, or under a psk without a byte.
#[test]
fn an_unwanted_stranger_costs_a_signature() {
    for pattern in [Pattern::Nx, Pattern::NxPsk0] {
        let ends = Ends::new(pattern);
        for external in [false, true] {
            let Hello::Anonymous(heard) = ends.listening().read_any_hello(&ends.hello().1).unwrap() else { panic!() };
            assert_eq!(heard.payload().as_bytes(), b"one");
            let (mut judge, mut rng) = (Counting(vec![], Err(Distrust::Anonymous)), Seeded::new(4));
            let rejected = match external {
                false => heard.send_reply_with_rng(&mut judge, &mut rng).map(|_| ()),
                true => heard.prepare_reply_with_rng(&mut judge, &mut rng).map(|_| ()),
            };
            let rejected = rejected.unwrap_err();
            assert_eq!(rejected.error(), Error::Untrusted(Distrust::Anonymous));
            assert_eq!(rejected.answer(), if pattern.psk() { &[][..] } else { &[0, 1, 5] });
            assert_eq!((judge.0, rng.draws()), (vec![None], 0));
        }
    }
}

#[test]
fn an_anonymous_initiator_takes_any_responder() {
    for pattern in [Pattern::Nx, Pattern::NxPsk0] {
        let ends = Ends::new(pattern);
        let reply = ends.reply(&ends.hello().1).unwrap().1;
        let Waiting::Anonymous(waiting) = ends.hello().0 else { panic!() };
        let read = waiting.read_reply(&reply).unwrap();
        assert_eq!((read.peer().fingerprint(), read.payload().as_bytes()), (Some(bob().fingerprint()), b"two".as_slice()));
        assert_eq!(read.into_channel(&mut Pinned(eve().fingerprint())).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
    }
}
