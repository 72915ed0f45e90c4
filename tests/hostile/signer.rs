//! An identity whose key is elsewhere: the handshake stops before it signs, and goes on with a signature that is verified first.

use crate::support::pair::{Ends, Run, assert_agree};
use crate::support::rng::Seeded;
use crate::{Case, Exemption};
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

/// Each of a run of its own.
fn finish_to_sign(ends: &Ends<'_>) -> FinishToSign {
    let Run { waiting, reply, .. } = ends.run();
    waiting.identified().read_reply(&reply).unwrap().prepare_finish(&mut Pinned(ends.expected[0])).unwrap()
}

fn reply_to_sign(ends: &Ends<'_>, hello: &[u8]) -> ReplyToSign {
    ends.listening().read_hello(hello).unwrap().prepare_reply_with_rng(&mut Seeded::new(2)).unwrap()
}

fn anonymous_reply_to_sign(ends: &Ends<'_>, hello: &[u8]) -> AnonymousReplyToSign {
    let Hello::Anonymous(heard) = ends.listening().read_any_hello(hello).unwrap() else { panic!() };
    heard.prepare_reply_with_rng(&mut Anonymous, &mut Seeded::new(2)).unwrap()
}

pub(crate) fn a_signer_elsewhere_cannot_take_part(case: &Case) {
    let (a, b) = (without_key(case.alice()), without_key(case.bob()));
    for pattern in [Pattern::Xx, Pattern::XxPsk0] {
        let ends = Ends { initiator: &a, responder: &b, ..case.ends(pattern) };
        let (waiting, hello) = ends.hello();
        let responder = reply_to_sign(&ends, &hello);
        assert_eq!(responder.to_sign().context(), format!("twinlock1 {} responder", pattern.name()).as_bytes());
        let signature = sign(case.bob(), responder.to_sign());
        let (awaits, reply) = responder.reply(&signature).unwrap();
        let read = waiting.identified().read_reply(&reply).unwrap();
        let initiator = read.prepare_finish(&mut Pinned(case.bob().fingerprint())).unwrap();
        assert_eq!(initiator.to_sign().context(), format!("twinlock1 {} initiator", pattern.name()).as_bytes());
        assert_eq!(initiator.to_sign().message().len(), case.sizes().hash);
        let signature = sign(case.alice(), initiator.to_sign());
        assert_eq!(signature.len(), case.sizes().signature.iter().sum::<usize>());
        let (a, finish) = initiator.finish(&signature).unwrap();
        let b = awaits.read_finish(&finish).unwrap().into_channel(&mut Pinned(case.alice().fingerprint())).unwrap();
        assert_agree([a, b]);
    }
    for pattern in [Pattern::Nx, Pattern::NxPsk0] {
        let ends = Ends { responder: &b, ..case.ends(pattern) };
        let (waiting, hello) = ends.hello();
        let responder = anonymous_reply_to_sign(&ends, &hello);
        assert_eq!(responder.to_sign().context(), format!("twinlock1 {} responder", pattern.name()).as_bytes());
        let signature = sign(case.bob(), responder.to_sign());
        let (b, reply) = responder.reply(&signature).unwrap();
        let (a, _) = ends.finish(waiting, &reply).unwrap();
        assert_agree([a, b]);
    }
}

/// Makes a signature over what it is asked to, or one that only looks so.
type Forger<'a> = Box<dyn Fn(&ToSign) -> Vec<u8> + 'a>;

/// What is not this identity's signature over this hash in this role: somebody else's, of the other role, of another conversation, changed, of another length.
fn forgers<'a>(case: &'a Case, signer: &'a Identity, other_role: &'a ToSign, other_run: &'a ToSign) -> Vec<(Forger<'a>, Error)> {
    let [post_quantum, classical] = case.sizes().signature;
    let len = post_quantum + classical;
    let halves = move |of: &[u8], and: &[u8]| [&of[..post_quantum], &and[post_quantum..]].concat();
    let mut wrong: Vec<Forger<'a>> = vec![
        Box::new(|right| sign(case.eve(), right)),
        Box::new(|_| sign(signer, other_role)),
        Box::new(|_| sign(signer, other_run)),
        Box::new(move |right| halves(&sign(signer, right), &sign(case.eve(), right))),
        Box::new(move |right| halves(&sign(case.eve(), right), &sign(signer, right))),
        Box::new(move |_| vec![0; len]),
    ];
    for at in [0, post_quantum - 1, post_quantum, post_quantum + 1, len - 1] {
        wrong.push(Box::new(move |right| {
            let mut changed = sign(signer, right);
            changed[at] ^= 1;
            changed
        }));
    }
    if classical == 104 {
        wrong.extend(other_encodings(signer, post_quantum));
    }
    let mut lengths: Vec<Forger<'a>> = Vec::new();
    for length in [0, post_quantum, len - 1, len + 1] {
        lengths.push(Box::new(move |right| {
            let mut resized = sign(signer, right);
            resized.resize(length, 0);
            resized
        }));
    }
    lengths.push(Box::new(move |right| sign(signer, right)[post_quantum..].to_vec()));
    let with = |error| move |forger| (forger, error);
    wrong.into_iter().map(with(Error::Authentication)).chain(lengths.into_iter().map(with(Error::Malformed))).collect()
}

/// An integer's content in DER: without the zeros that are not needed, with the one that is.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let bytes: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    if bytes[0] < 0x80 { bytes } else { [vec![0], bytes].concat() }
}

/// The two numbers of an ECDSA half.
fn numbers(half: &[u8]) -> [Vec<u8>; 2] {
    let r = half[4..][..usize::from(half[3])].to_vec();
    let s_at = 4 + r.len();
    assert_eq!((half[0], half[2], half[s_at]), (0x30, 2, 2));
    let s = half[s_at + 2..][..usize::from(half[s_at + 1])].to_vec();
    assert_eq!(usize::from(half[1]), 4 + r.len() + s.len());
    assert_eq!([&r, &s].map(|number| integer(number)), [r.clone(), s.clone()]);
    [r, s]
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let content = [&[2, length(r)], r, &[2, length(s)], s].concat();
    [&[0x30, length(&content)], content.as_slice()].concat()
}

/// Level 5: the same two numbers written otherwise, and other numbers. What is too long for its place is cut, and wrong for that.
fn other_encodings<'a>(signer: &'a Identity, post_quantum: usize) -> Vec<Forger<'a>> {
    type Change = fn([Vec<u8>; 2]) -> Vec<u8>;
    let changes: [Change; 8] = [
        // A zero too many before a number; a length in the long form; a byte more in the sequence.
        |[r, s]| der(&[&[0], r.as_slice()].concat(), &s),
        |[r, s]| der(&r, &[&[0], s.as_slice()].concat()),
        |[r, s]| [&[0x30, 0x81], &der(&r, &s)[1..]].concat(),
        |[r, s]| {
            let mut longer = [der(&r, &s), vec![0]].concat();
            longer[1] += 1;
            longer
        },
        // Zeros, swapped, and nothing.
        |[r, _]| der(&r, &[0]),
        |[_, s]| der(&[0], &s),
        |[r, s]| der(&s, &r),
        |_| Vec::new(),
    ];
    let padded = move |right: &ToSign, make: &dyn Fn([Vec<u8>; 2]) -> Vec<u8>| {
        let good = sign(signer, right);
        let mut half = make(numbers(&good[post_quantum..]));
        half.resize(104, 0);
        [&good[..post_quantum], &half].concat()
    };
    changes.into_iter().map(|change| Box::new(move |right: &ToSign| padded(right, &change)) as Forger<'a>).collect()
}

pub(crate) fn a_wrong_signature_from_elsewhere_is_sent(case: &Case) {
    let (ends, other) = (case.ends(Pattern::Xx), case.seeded(Pattern::Xx, [8, 9]));
    let (of_initiator, of_responder) = (finish_to_sign(&ends), reply_to_sign(&ends, &ends.hello().1));
    let (other_initiator, other_responder) = (finish_to_sign(&other), reply_to_sign(&other, &other.hello().1));

    for (forge, error) in forgers(case, case.alice(), of_responder.to_sign(), other_initiator.to_sign()) {
        let initiator = finish_to_sign(&ends);
        let signature = forge(initiator.to_sign());
        assert_eq!(initiator.finish(&signature).map(|_| ()).unwrap_err(), error);
    }
    for (forge, error) in forgers(case, case.bob(), of_initiator.to_sign(), other_responder.to_sign()) {
        let responder = reply_to_sign(&ends, &ends.hello().1);
        let signature = forge(responder.to_sign());
        assert_eq!(responder.reply(&signature).map(|_| ()).unwrap_err(), error);
    }
    let nx = case.ends(Pattern::Nx);
    for (forge, error) in forgers(case, case.bob(), of_responder.to_sign(), other_responder.to_sign()) {
        let responder = anonymous_reply_to_sign(&nx, &nx.hello().1);
        let signature = forge(responder.to_sign());
        assert_eq!(responder.reply(&signature).map(|_| ()).unwrap_err(), error);
    }
}

/// Level 5: after the ECDSA half's DER follow zeros, and nothing else.
#[cfg(feature = "level5")]
pub(crate) fn the_padding_of_a_signature_carries_something(case: &Case) {
    let [post_quantum, classical] = case.sizes().signature;
    let (ends, mut places) = (case.ends(Pattern::Xx), 0);
    for seed in 0..16 {
        let ends = Ends { seeds: [seed, seed], ..case.ends(ends.pattern) };
        let signed = |change: &dyn Fn(&mut Vec<u8>)| {
            let responder = reply_to_sign(&ends, &ends.hello().1);
            let mut signature = sign(case.bob(), responder.to_sign());
            change(&mut signature);
            (responder.reply(&signature).map(|_| ()), signature)
        };
        let (good, signature) = signed(&|_| {});
        assert_eq!(good, Ok(()));
        let padding = if classical == 104 { post_quantum + 2 + usize::from(signature[post_quantum + 1]) } else { signature.len() };
        for at in padding..signature.len() {
            assert_eq!(signature[at], 0);
            assert_eq!(signed(&|signature| signature[at] = 1).0, Err(Error::Authentication));
            places += 1;
        }
    }
    assert_eq!(places > 5, classical == 104, "{places}");
}

pub(crate) fn an_identity_without_its_key_signs(case: &Case) {
    let (a, b) = (without_key(case.alice()), without_key(case.bob()));
    assert_eq!(a.secret_bytes().unwrap_err(), Error::SignerElsewhere);
    assert_eq!(a.fingerprint(), case.alice().fingerprint());
    let ends = case.ends(Pattern::Xx);
    let keyless = Ends { initiator: &a, responder: &b, ..case.ends(Pattern::Xx) };
    let Run { waiting, hello, .. } = Ends { initiator: &a, ..case.ends(Pattern::Xx) }.run();
    assert_eq!(keyless.reply(&hello).map(|_| ()).unwrap_err().error(), Error::SignerElsewhere);
    let reply = ends.reply(&hello).unwrap().1;
    assert_eq!(keyless.finish(waiting, &reply).unwrap_err(), Error::SignerElsewhere);
    assert_eq!(a.sign_with_rng(reply_to_sign(&ends, &hello).to_sign(), &mut Seeded::new(1)).unwrap_err(), Error::SignerElsewhere);
    let nx = Ends { responder: &b, ..case.ends(Pattern::Nx) };
    let rejected = nx.reply(&nx.hello().1).map(|_| ()).unwrap_err();
    assert_eq!((rejected.error(), rejected.answer()), (Error::SignerElsewhere, [].as_slice()));
}

/// Signing is hedged: the same twice gives different bytes, and both are good.
pub(crate) fn signing_the_same_thing_twice_gives_the_same_bytes(case: &Case) {
    let ends = case.ends(Pattern::Xx);
    let mut rng = Seeded::new(1);
    let hedged = !case.is_exempt(Exemption::Hedging);
    let post_quantum = case.sizes().signature[0];
    for second in [false, true] {
        let responder = reply_to_sign(&ends, &ends.hello().1);
        let before = rng.draws();
        let [once, again] = [(); 2].map(|()| case.bob().sign_with_rng(responder.to_sign(), &mut rng).unwrap());
        assert_eq!(rng.draws() - before, if hedged { 2 } else { 0 });
        assert_eq!(once[..post_quantum] != again[..post_quantum], hedged);
        assert!(responder.reply(if second { &again } else { &once }).is_ok());
    }
}
