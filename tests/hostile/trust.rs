//! Whom to believe: each judge, each side, each refusal.

use crate::Case;
use crate::support::pair::{Ends, Run};
use crate::support::rng::Seeded;
use twinlock::channel::{Close, CloseCode, Record};
use twinlock::handshake::{Hello, Pattern};
use twinlock::identity::{Peer, Trusted};
#[cfg(feature = "level5")]
use twinlock::trust::Cnsa2;
use twinlock::trust::{Anonymous, Ask, OrAnonymous, PinnedSet, danger};
use twinlock::{Distrust, Error, Pinned, Suite, Trust};

type Verdict = Result<Trusted, Distrust>;

/// What the judge says of Bob as a responder, of Alice as an initiator, and of an initiator without identity, each asked through a handshake.
fn judged(case: &Case, mut judge: impl Trust) -> [Verdict; 3] {
    let verdict = |result: Result<Trusted, Error>| {
        result.map_err(|error| match error {
            Error::Untrusted(why) => why,
            other => panic!("{other:?}"),
        })
    };
    let ends = case.ends(Pattern::Xx);
    let Run { waiting, reply, .. } = ends.run();
    let of_responder = waiting.identified().read_reply(&reply).unwrap().send_finish_with_rng(&mut judge, &mut Seeded::new(3));
    let (_, answered, finish) = ends.run_to_finish();
    let of_initiator = answered.identified().read_finish(&finish.unwrap()).unwrap().into_channel(&mut judge);
    let nx = case.ends(Pattern::Nx);
    let Hello::Anonymous(heard) = nx.listening().read_any_hello(&nx.hello().1).unwrap() else { panic!() };
    let of_stranger = heard.send_reply_with_rng(&mut judge, &mut Seeded::new(4));
    [
        verdict(of_responder.map(|(channel, _)| channel.conversation().trusted())),
        verdict(of_initiator.map(|channel| channel.conversation().trusted()).map_err(Error::from)),
        verdict(of_stranger.map(|(channel, _)| channel.conversation().trusted()).map_err(Error::from)),
    ]
}

pub(crate) fn a_judge_accepts_somebody_else(case: &Case) {
    use Distrust::{Declined, NotExpected};
    let [a, b, e] = [case.alice(), case.bob(), case.eve()].map(twinlock::Identity::fingerprint);
    let judged = |judge: &mut dyn Trust| judged(case, judge);
    let (pinned, anonymous, asked) = (Ok(Trusted::Pinned), Ok(Trusted::Anonymous), Ok(Trusted::Asked));
    let stranger = Err(Distrust::Anonymous);
    assert_eq!(judged(&mut Pinned(b)), [pinned, Err(NotExpected), stranger]);
    assert_eq!(judged(&mut Pinned(a)), [Err(NotExpected), pinned, stranger]);
    assert_eq!(judged(&mut Pinned(e)), [Err(NotExpected), Err(NotExpected), stranger]);
    assert_eq!(judged(&mut PinnedSet(vec![])), [Err(NotExpected), Err(NotExpected), stranger]);
    assert_eq!(judged(&mut PinnedSet(vec![e, b])), [pinned, Err(NotExpected), stranger]);
    assert_eq!(judged(&mut PinnedSet(vec![a, b])), [pinned, pinned, stranger]);
    assert_eq!(judged(&mut Ask(|peer: &Peer| peer.fingerprint() == Some(a))), [Err(Declined), asked, stranger]);
    assert_eq!(judged(&mut Ask(|_: &Peer| true)), [asked, asked, stranger]);
    assert_eq!(judged(&mut Ask(|_: &Peer| false)), [Err(Declined), Err(Declined), stranger]);
    assert_eq!(judged(&mut Anonymous), [Err(NotExpected), Err(NotExpected), anonymous]);
    assert_eq!(judged(&mut OrAnonymous(Pinned(b))), [pinned, Err(NotExpected), anonymous]);
    assert_eq!(judged(&mut OrAnonymous(Ask(|_: &Peer| false))), [Err(Declined), Err(Declined), anonymous]);
    assert_eq!(judged(&mut danger::TrustAnyone), [Ok(Trusted::Anyone); 3]);
    assert_eq!(judged(&mut OrAnonymous(danger::TrustAnyone)), [Ok(Trusted::Anyone), Ok(Trusted::Anyone), anonymous]);
    let mut by_reference: &mut dyn Trust = &mut Pinned(b);
    assert_eq!(judged(&mut by_reference), [pinned, Err(NotExpected), stranger]);
}

/// `Cnsa2` changes nothing of its judge's verdicts in suite 0x0002, and refuses whom it is asked about in every other, whoever that is.
#[cfg(feature = "level5")]
pub(crate) fn the_policy_of_cnsa_2_lets_another_suite_through(case: &Case) {
    let [a, b] = [case.alice(), case.bob()].map(twinlock::Identity::fingerprint);
    let allowed = case.suite.id() == 0x0002;
    let judged = |judge: &mut dyn Trust| {
        assert_eq!(judge.allows(case.suite), allowed);
        judged(case, judge)
    };
    let here = |verdicts: [Verdict; 3]| if allowed { verdicts } else { [Err(Distrust::SuiteNotAllowed); 3] };
    let (pinned, not_expected, stranger) = (Ok(Trusted::Pinned), Err(Distrust::NotExpected), Err(Distrust::Anonymous));
    assert_eq!(judged(&mut Cnsa2(Pinned(b))), here([pinned, not_expected, stranger]));
    assert_eq!(judged(&mut Cnsa2(PinnedSet(vec![a, b]))), here([pinned, pinned, stranger]));
    assert_eq!(judged(&mut Cnsa2(danger::TrustAnyone)), here([Ok(Trusted::Anyone); 3]));
    assert_eq!(judged(&mut Cnsa2(Anonymous)), here([not_expected, not_expected, Ok(Trusted::Anonymous)]));
    assert_eq!(judged(&mut Cnsa2(OrAnonymous(Pinned(b)))), here([pinned, not_expected, Ok(Trusted::Anonymous)]));
    assert_eq!(judged(&mut Cnsa2(Cnsa2(Pinned(b)))), here([pinned, not_expected, stranger]));
    let mut inner = Pinned(a);
    assert_eq!(judged(&mut Cnsa2(&mut inner)), here([not_expected, pinned, stranger]));
    let mut by_reference: &mut dyn Trust = &mut Cnsa2(Pinned(b));
    assert_eq!(judged(&mut by_reference), here([pinned, not_expected, stranger]));
    // Peers with an identity are the inner one's concern.
    assert_eq!(judged(&mut OrAnonymous(Cnsa2(Pinned(b))))[..2], here([pinned, not_expected, stranger])[..2]);
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
pub(crate) fn an_initiator_shows_itself_to_whom_it_does_not_want(case: &Case) {
    for pattern in [Pattern::Xx, Pattern::XxPsk0] {
        let ends = case.ends(pattern);
        for why in [Distrust::Unknown, Distrust::ChangedKey, Distrust::WeakerSuite, Distrust::StoreFailed] {
            let Run { waiting, reply, .. } = ends.run();
            let (mut judge, mut rng) = (Counting(vec![], Err(why)), Seeded::new(3));
            let read = waiting.identified().read_reply(&reply).unwrap();
            assert_eq!(read.peer().fingerprint(), Some(case.bob().fingerprint()));
            assert_eq!(read.payload().as_bytes(), b"two");
            assert_eq!(read.send_finish_with_rng(&mut judge, &mut rng).unwrap_err(), Error::Untrusted(why));
            assert_eq!((judge.0, rng.draws()), (vec![Some(case.bob().fingerprint())], 0));
        }
        let Run { waiting, reply, .. } = ends.run();
        let mut judge = Counting(vec![], Err(Distrust::Unknown));
        let read = waiting.identified().read_reply(&reply).unwrap();
        assert_eq!(read.prepare_finish(&mut judge).unwrap_err(), Error::Untrusted(Distrust::Unknown));
        assert_eq!(judge.0.len(), 1);
    }
}

/// One Close record with code 1, which the initiator can open; and no channel for the responder.
pub(crate) fn a_refused_initiator_learns_nothing_or_too_much(case: &Case) {
    for pattern in [Pattern::Xx, Pattern::XxPsk0] {
        let ends = Ends { expected: [case.bob().fingerprint(), case.eve().fingerprint()], ..case.ends(pattern) };
        let (a, answered, finish) = ends.run_to_finish();
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
pub(crate) fn a_refusal_tells_its_reason(case: &Case) {
    let ends = case.ends(Pattern::Xx);
    for why in [Distrust::Unknown, Distrust::ChangedKey, Distrust::SuiteNotAllowed, Distrust::Declined, Distrust::StoreFailed] {
        let (a, answered, finish) = ends.run_to_finish();
        let mut judge = Counting(vec![], Err(why));
        let rejected = answered.identified().read_finish(&finish.unwrap()).unwrap().into_channel(&mut judge).unwrap_err();
        assert_eq!((rejected.error(), judge.0), (Error::Untrusted(why), vec![Some(case.alice().fingerprint())]));
        // Its 23 bytes have room for the code, and for no reason and no padding.
        let mut answer = rejected.answer().to_vec();
        assert_eq!(answer.len(), 23);
        let close = Close { code: CloseCode::Refused, reason: String::new() };
        assert_eq!(a.into_halves().1.open(&mut answer).unwrap(), Record::Close(close));
    }
}

/// `NX`: asked before message 2 is made. Refused with status 5, or under a psk without a byte.
pub(crate) fn an_unwanted_stranger_costs_a_signature(case: &Case) {
    for pattern in [Pattern::Nx, Pattern::NxPsk0] {
        let ends = case.ends(pattern);
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

pub(crate) fn an_anonymous_initiator_takes_any_responder(case: &Case) {
    for pattern in [Pattern::Nx, Pattern::NxPsk0] {
        let ends = case.ends(pattern);
        let Run { waiting, reply, .. } = ends.run();
        let read = waiting.anonymous().read_reply(&reply).unwrap();
        assert_eq!((read.peer().fingerprint(), read.payload().as_bytes()), (Some(case.bob().fingerprint()), b"two".as_slice()));
        assert_eq!(read.into_channel(&mut Pinned(case.eve().fingerprint())).unwrap_err(), Error::Untrusted(Distrust::NotExpected));
    }
}

/// A policy that forbids one suite, and knows nothing of peers.
struct Without(Suite);

impl Trust for Without {
    fn judge(&mut self, _: &Peer) -> Verdict {
        Ok(Trusted::Anyone)
    }

    fn allows(&self, suite: Suite) -> bool {
        suite != self.0
    }
}

/// Who adds something to a policy passes on what it says of suites; who has no policy allows all.
pub(crate) fn a_policy_is_lost_behind_another(case: &Case) {
    let suite = case.suite;
    let other = Suite::ALL.iter().copied().find(|other| *other != suite).unwrap();
    let allowed = |judge: &dyn Trust| [suite, other].map(|suite| judge.allows(suite));
    assert_eq!(allowed(&Pinned(case.bob().fingerprint())), [true, true]);
    assert_eq!(allowed(&OrAnonymous(Without(suite))), [false, true]);
    assert_eq!(allowed(&&mut Without(suite)), [false, true]);
    assert_eq!(allowed(&&mut OrAnonymous(&mut Without(other))), [true, false]);
}
