//! An identity whose key is elsewhere: the handshake stops before it signs, and goes on with a signature that is verified first.

use crate::support::pair::{Ends, Waiting, alice, assert_agree, bob, eve};
use crate::support::rng::Seeded;
use twinlock::handshake::{AnonymousReplyToSign, FinishToSign, Hello, Pattern, ReplyToSign};
use twinlock::identity::ToSign;
use twinlock::trust::{Anonymous, Pinned};
use twinlock::{Error, Identity};

fn without_key(identity: &Identity) -> Identity {
    Identity::elsewhere(identity.public())
}

fn sign(identity: &Identity, to_sign: &ToSign) -> Vec<u8> {
    identity.sign_with_rng(to_sign, &mut Seeded::new(5)).unwrap()
}

fn finish_to_sign(ends: &Ends<'_>, reply: &[u8]) -> FinishToSign {
    let Waiting::Identified(waiting) = ends.hello().0 else { panic!() };
    waiting.read_reply(reply).unwrap().prepare_finish(&mut Pinned(bob().fingerprint())).unwrap()
}

fn reply_to_sign(ends: &Ends<'_>) -> ReplyToSign {
    ends.listening().read_hello(&ends.hello().1).unwrap().prepare_reply_with_rng(&mut Seeded::new(2)).unwrap()
}

fn anonymous_reply_to_sign(ends: &Ends<'_>) -> AnonymousReplyToSign {
    let Hello::Anonymous(heard) = ends.listening().read_any_hello(&ends.hello().1).unwrap() else { panic!() };
    heard.prepare_reply_with_rng(&mut Anonymous, &mut Seeded::new(2)).unwrap()
}

#[test]
fn a_signer_elsewhere_cannot_take_part() {
    for pattern in [Pattern::Xx, Pattern::XxPsk0] {
        let (a, b) = (without_key(alice()), without_key(bob()));
        let ends = Ends { initiator: &a, responder: &b, ..Ends::new(pattern) };
        let responder = reply_to_sign(&ends);
        assert_eq!(responder.to_sign().context(), format!("twinlock1 {} responder", pattern.name()).as_bytes());
        let signature = sign(bob(), responder.to_sign());
        let (awaits, reply) = responder.reply(&signature).unwrap();
        let initiator = finish_to_sign(&ends, &reply);
        assert_eq!(initiator.to_sign().context(), format!("twinlock1 {} initiator", pattern.name()).as_bytes());
        assert_eq!(initiator.to_sign().message().len(), 32);
        let signature = sign(alice(), initiator.to_sign());
        let (a, finish) = initiator.finish(&signature).unwrap();
        let b = awaits.read_finish(&finish).unwrap().into_channel(&mut Pinned(alice().fingerprint())).unwrap();
        assert_agree([a, b]);
    }
    for pattern in [Pattern::Nx, Pattern::NxPsk0] {
        let b = without_key(bob());
        let ends = Ends { responder: &b, ..Ends::new(pattern) };
        let responder = anonymous_reply_to_sign(&ends);
        assert_eq!(responder.to_sign().context(), format!("twinlock1 {} responder", pattern.name()).as_bytes());
        let signature = sign(bob(), responder.to_sign());
        let (b, reply) = responder.reply(&signature).unwrap();
        let (a, _) = ends.finish(ends.hello().0, &reply).unwrap();
        assert_agree([a, b]);
    }
}

/// What is not this identity's signature over this hash in this role: somebody else's, of the other role, of another conversation, changed, of another length.
fn wrong_signatures(signer: &Identity, right: &ToSign, other_role: &ToSign, other_run: &ToSign) -> Vec<(Vec<u8>, Error)> {
    let good = sign(signer, right);
    let changed = |at: usize| {
        let mut changed = good.clone();
        changed[at] ^= 1;
        changed
    };
    let halves = |of: &[u8], and: &[u8]| [&of[..3309], &and[3309..]].concat();
    let other = sign(eve(), right);
    let wrong =
        [sign(eve(), right), sign(signer, other_role), sign(signer, other_run), changed(0), changed(3308), changed(3309), changed(3372)];
    let mixed = [halves(&good, &other), halves(&other, &good), vec![0; 3373]];
    let lengths = [vec![], good[..3372].to_vec(), [&good[..], &[0]].concat(), good[..3309].to_vec(), good[3309..].to_vec()];
    let with = |error| move |signature| (signature, error);
    wrong.into_iter().chain(mixed).map(with(Error::Authentication)).chain(lengths.into_iter().map(with(Error::Malformed))).collect()
}

#[test]
fn a_wrong_signature_from_elsewhere_is_sent() {
    let (ends, other) = (Ends::new(Pattern::Xx), Ends { seeds: [8, 9], ..Ends::new(Pattern::Xx) });
    let (hello, reply) = (ends.hello().1, ends.reply(&ends.hello().1).unwrap().1);
    assert_eq!(hello.len(), 1227);
    let other_reply = other.reply(&other.hello().1).unwrap().1;

    let (i, r) = (finish_to_sign(&ends, &reply), reply_to_sign(&ends));
    for (signature, error) in wrong_signatures(alice(), i.to_sign(), r.to_sign(), finish_to_sign(&other, &other_reply).to_sign()) {
        assert_eq!(finish_to_sign(&ends, &reply).finish(&signature).map(|_| ()).unwrap_err(), error);
    }
    for (signature, error) in wrong_signatures(bob(), r.to_sign(), i.to_sign(), reply_to_sign(&other).to_sign()) {
        assert_eq!(reply_to_sign(&ends).reply(&signature).map(|_| ()).unwrap_err(), error);
    }
    let nx = Ends::new(Pattern::Nx);
    let a = anonymous_reply_to_sign(&nx);
    for (signature, error) in wrong_signatures(bob(), a.to_sign(), r.to_sign(), reply_to_sign(&other).to_sign()) {
        assert_eq!(anonymous_reply_to_sign(&nx).reply(&signature).map(|_| ()).unwrap_err(), error);
    }
}

#[test]
fn an_identity_without_its_key_signs() {
    let (a, b) = (without_key(alice()), without_key(bob()));
    assert_eq!(a.secret_bytes().unwrap_err(), Error::SignerElsewhere);
    assert_eq!(a.fingerprint(), alice().fingerprint());
    let ends = Ends::new(Pattern::Xx);
    let (hello, reply) = (ends.hello().1, ends.reply(&ends.hello().1).unwrap().1);
    let keyless = Ends { initiator: &a, responder: &b, ..Ends::new(Pattern::Xx) };
    assert_eq!(keyless.reply(&hello).map(|_| ()).unwrap_err().error(), Error::SignerElsewhere);
    assert_eq!(keyless.finish(keyless.hello().0, &reply).unwrap_err(), Error::SignerElsewhere);
    assert_eq!(a.sign_with_rng(reply_to_sign(&ends).to_sign(), &mut Seeded::new(1)).unwrap_err(), Error::SignerElsewhere);
    let nx = Ends { responder: &b, ..Ends::new(Pattern::Nx) };
    let rejected = nx.reply(&nx.hello().1).map(|_| ()).unwrap_err();
    assert_eq!((rejected.error(), rejected.answer()), (Error::SignerElsewhere, [].as_slice()));
}

/// Signing is hedged: the same twice gives different bytes, and both are good.
#[test]
fn signing_the_same_thing_twice_gives_the_same_bytes() {
    let ends = Ends::new(Pattern::Xx);
    let mut rng = Seeded::new(1);
    let once = bob().sign_with_rng(reply_to_sign(&ends).to_sign(), &mut rng).unwrap();
    let again = bob().sign_with_rng(reply_to_sign(&ends).to_sign(), &mut rng).unwrap();
    assert_eq!(rng.draws(), 2);
    assert_ne!(once[..3309], again[..3309]);
    for signature in [once, again] {
        assert!(reply_to_sign(&ends).reply(&signature).is_ok());
    }
}
