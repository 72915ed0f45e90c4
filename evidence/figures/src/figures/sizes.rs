//! Bytes of every message of every pattern and suite, of records, of keys and of bundles: of real ones, made here.

use crate::conversation::Ends;
use crate::report::{bytes, value};
use crate::support::PROLOGUE;
use crate::support::acquainted::Acquainted;
use getrandom::SysRng;
use std::collections::BTreeSet;
use twinlock::Suite;
use twinlock::channel::{CONTENT_MAX, Record};
use twinlock::handshake::{Initiator, Psk, Responder};

/// What is measured in a suite.
pub(crate) struct Sizes {
    pub(crate) suite: Suite,
    /// The bodies of each pattern: XX, XXpsk0, NX, NXpsk0.
    pub(crate) bodies: [Vec<usize>; 4],
    /// Of IK, IKpsk0, whose third is the `Confirm`, and resume.
    pub(crate) known: [Vec<usize>; 3],
    pub(crate) bundle: usize,
    pub(crate) public: usize,
    pub(crate) signature: usize,
    pub(crate) secret: usize,
    /// Whole frames.
    pub(crate) offer: usize,
    pub(crate) rekey: usize,
}

pub(crate) fn all() -> Vec<Sizes> {
    let all: Vec<_> = Suite::ALL.iter().copied().map(Sizes::of).collect();
    let default = all.iter().find(|sizes| sizes.suite == Suite::default()).unwrap();
    let [xx, psk, nx, _] = &default.bodies;
    for (at, body) in xx.iter().enumerate() {
        value(&format!("figures.xx.{}", at + 1), bytes(body + 2));
    }
    value("figures.xx.wire", bytes(xx.iter().map(|body| body + 2).sum()));
    value("figures.nx.wire", bytes(nx.iter().map(|body| body + 2).sum()));
    value("figures.psk", bytes(psk[0] - xx[0]));
    let [ik, ik_psk, resume] = &default.known;
    for (at, row) in ["figures.ik.1", "figures.ik.2", "figures.ik.confirm"].into_iter().enumerate() {
        value(row, bytes(ik[at] + 2));
    }
    value("figures.ik.wire", bytes(ik.iter().map(|body| body + 2).sum()));
    value("figures.ik.psk", bytes(ik_psk.iter().sum::<usize>() - ik.iter().sum::<usize>()));
    value("figures.resume.1", bytes(resume[0] + 2));
    value("figures.resume.2", bytes(resume[1] + 2));
    value("figures.resume.wire", bytes(resume.iter().map(|body| body + 2).sum()));
    value("figures.bundle", bytes(default.bundle));
    value("figures.identity.public", bytes(default.public));
    value("figures.identity.signature", bytes(default.signature));
    value("figures.identity.secret", bytes(default.secret));
    value("figures.rekey.wire", bytes(default.offer + default.rekey));
    value("figures.record.overhead", overhead());
    all
}

impl Sizes {
    fn of(suite: Suite) -> Self {
        let acquainted = Acquainted::new(suite);
        let parties = &acquainted.parties;
        let psk = Psk::generate().unwrap();
        let (_, hello) = Initiator::new(&parties.alice, PROLOGUE).suite(suite).send_hello().unwrap();
        let reply = Responder::new(&parties.bob, PROLOGUE).suites(&[suite]).read_hello(&hello).unwrap().prepare_reply().unwrap();
        let (offer, rekey) = renewal(suite);
        Self {
            suite,
            bodies: [parties.xx(None).1, parties.xx(Some(&psk)).1, parties.nx(None).1, parties.nx(Some(&psk)).1],
            known: [acquainted.ik(None).1, acquainted.ik(Some(&psk)).1, acquainted.resume(acquainted.remember()).1],
            bundle: acquainted.alice.bundle().as_bytes().len(),
            public: parties.bob.public().as_bytes().len(),
            signature: parties.bob.sign_for_handshake(reply.to_sign()).unwrap().len(),
            secret: parties.bob.secret_bytes().unwrap().len(),
            offer,
            rekey,
        }
    }
}

/// The frames of a `RekeyOffer` and its `Rekey`.
fn renewal(suite: Suite) -> (usize, usize) {
    let mut ends = Ends::new(suite, 1);
    let offer = ends.there.1.make_offer(&mut SysRng).unwrap().unwrap();
    ends.there.0.send_offer(offer);
    ends.there.0.control(&mut ends.frames).unwrap();
    let offer_len = ends.frames.len();
    let Record::Offer(offer) = ends.here.1.open(&mut ends.frames).unwrap() else { panic!("an offer was sent") };
    ends.here.0.answer_offer(offer, &mut SysRng).unwrap();
    ends.frames.clear();
    ends.here.0.control(&mut ends.frames).unwrap();
    (offer_len, ends.frames.len())
}

/// What a record has over its content, for each length that there is, in every suite. Where they differ there is no such figure.
fn overhead() -> f64 {
    let content = vec![7; CONTENT_MAX];
    let mut seen = BTreeSet::new();
    for suite in Suite::ALL {
        let mut ends = Ends::new(*suite, 1);
        for length in 0..=CONTENT_MAX {
            ends.frames.clear();
            ends.here.0.end(&content[..length], &mut ends.frames).unwrap();
            seen.insert(ends.frames.len() - length);
        }
    }
    match seen.into_iter().collect::<Vec<_>>().as_slice() {
        [one] => bytes(*one),
        several => {
            println!("  a record costs {several:?} bytes");
            0.0
        }
    }
}
