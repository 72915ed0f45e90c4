//! `IK` and `IKpsk0`, both roles, up to `Confirm`: with an acquaintance, with a decoy in its place, with the older of two static keys, and with none.
//!
//! A responder's static keys are undefined, its decoys, its pre-shared key, and of the bundles that it keeps all that says whose they are. Which bundle its store has
//! found is told on here as a place in memory that is defined: what is done with that place is `timing.decoy`'s to show.

use crate::handshakes::{Change, changed, keys};
use crate::scene::{
    NOW, PROLOGUE, exported, plain_decoys, plain_identity, plain_static_key, secret_bundle, secret_decoys, secret_static_key,
};
use crate::taint::{Rng, arrived, secret_bytes, verdict};
use std::sync::Arc;
use twinlock::acquaintances::{Acquaintances, AddressBook, Book};
use twinlock::channel::{Resumption, Role};
use twinlock::handshake::{
    AcquaintedAwaitsReply, AcquaintedHello, AcquaintedInitiator, AnyHello, Decoys, Psk, Responder, ToHolder,
};
use twinlock::identity::{Bundle, StaticKey};
use twinlock::trust::Anonymous;
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Error, Identity, Suite};

/// A store whose answers are declassified, as a place in memory.
pub struct Told(pub Book);

impl AddressBook for Told {
    fn static_keys(&self, suite: Suite, now: u64) -> Result<Vec<Arc<StaticKey>>, Error> {
        self.0.static_keys(suite, now)
    }

    fn acquaintance(&self, suite: Suite, reference: &[u8; 32], now: u64) -> Result<Option<Arc<Bundle>>, Error> {
        verdict(self.0.acquaintance(suite, reference, now))
    }

    fn resumption(&self, role: Role, id: &[u8; 16], now: u64) -> Result<Option<Arc<Resumption>>, Error> {
        verdict(self.0.resumption(role, id, now))
    }

    fn remove(&mut self, role: Role, id: &[u8; 16], now: u64) -> Result<bool, Error> {
        verdict(self.0.remove(role, id, now))
    }
}

/// Two that know each other. The responder has two static keys, and the initiator the bundle of one of them.
struct Pair {
    responder: Identity,
    initiators: StaticKey,
    older: StaticKey,
    newer: StaticKey,
}

impl Pair {
    fn new(suite: Suite) -> Self {
        let (initiator, responder) = (plain_identity(suite, 1), plain_identity(suite, 2));
        let initiators = plain_static_key(&initiator, suite, 1, 80);
        let (older, newer) = (plain_static_key(&responder, suite, 22, 81), plain_static_key(&responder, suite, 1, 82));
        Self { responder, initiators, older, newer }
    }
}

/// What the tested responder keeps.
#[derive(Clone, Copy)]
pub struct Keeps {
    /// Static keys, the newest of so many.
    pub static_keys: usize,
    /// Whether the initiator's bundle is among those of others.
    pub initiator: bool,
    /// Whether the initiator holds the older one's bundle.
    pub older: bool,
}

const EVERYTHING: Keeps = Keeps { static_keys: 2, initiator: true, older: false };
const STRANGER: Keeps = Keeps { initiator: false, ..EVERYTHING };
const SECOND: Keeps = Keeps { older: true, ..EVERYTHING };
const NOTHING: Keeps = Keeps { static_keys: 0, ..EVERYTHING };

fn secret_book(pair: &Pair, suite: Suite, keeps: Keeps) -> Told {
    let mut book = Book::new();
    for key in [&pair.older, &pair.newer].into_iter().rev().take(keeps.static_keys).rev() {
        book.add_key(secret_static_key(key), NOW).expect("it is later than those before");
    }
    let other = |seed| plain_static_key(&plain_identity(suite, seed), suite, 1, seed + 100).bundle().clone();
    let mut bundles = vec![other(3)];
    bundles.extend(keeps.initiator.then(|| pair.initiators.bundle().clone()));
    bundles.push(other(4));
    for bundle in bundles {
        let _ = verdict(book.take_bundle(secret_bundle(&bundle), NOW)).expect("there is place");
    }
    Told(book)
}

fn plain_book(key: StaticKey, bundle: &Bundle) -> Book {
    let mut book = Book::new();
    book.add_key(key, NOW).expect("it is the first");
    let _ = book.take_bundle(bundle.clone(), NOW).expect("there is place");
    book
}

fn responder(me: &Identity, suite: Suite, decoys: &Arc<Decoys>, psk: Option<&Psk>) -> Responder {
    let responder = Responder::new(me, PROLOGUE).suites(&[suite]).decoys(decoys).now(NOW);
    psk.iter().fold(responder, |responder, psk| responder.psk(psk))
}

fn hello(mine: &StaticKey, theirs: &Bundle, psk: Option<&Psk>, rng: &mut Rng) -> (AcquaintedAwaitsReply, Vec<u8>) {
    let initiator = AcquaintedInitiator::new(mine, theirs, PROLOGUE, NOW);
    let initiator = psk.iter().fold(initiator, |initiator, psk| initiator.psk(psk));
    verdict(initiator.send_hello_with_rng(rng)).expect("a first message")
}

fn acquainted(heard: AnyHello) -> AcquaintedHello {
    let AnyHello::Acquainted(heard) = heard else { panic!("IK was opened") };
    heard
}

// The initiator.

pub fn initiator(suite: Suite, with_psk: bool) {
    let (pair, (psk, others)) = (Pair::new(suite), keys(with_psk, 5));
    let mine = secret_static_key(&pair.initiators);
    let theirs = pair.newer.bundle().clone();
    let (waiting, first) = hello(&mine, &theirs, psk.as_ref(), &mut Rng::tainted(10));
    arrived("message 1", &first);
    let book = plain_book(pair.newer, pair.initiators.bundle());
    let heard = responder(&pair.responder, suite, &plain_decoys(), others.as_ref()).read_hello_with(&first, &book);
    let heard = acquainted(heard.expect("the message is good")).with_payload(ToHolder::from(b"a payload".as_slice()));
    let (awaits, reply) = heard.send_reply_with_rng(&mut Rng::plain(11)).expect("a second message");
    let read = verdict(waiting.read_reply(&reply)).expect("the message is good");
    arrived("payload", read.payload().as_bytes());
    let (channel, confirm) = verdict(read.send_confirm(&mut TrustAnyone)).expect("a Confirm");
    arrived("Confirm", &confirm);
    exported(&channel);
    awaits.read_confirm(&confirm).expect("the other side reads it");
}

/// Of message 2: both halves of the ciphertext, the sealed one, the payload's tag.
pub fn initiator_changed(suite: Suite) {
    let pair = Pair::new(suite);
    let (mine, theirs) = (secret_static_key(&pair.initiators), pair.newer.bundle().clone());
    let (book, ct) = (plain_book(pair.newer, pair.initiators.bundle()), suite.ciphertext_len());
    for change in [Change::Front(9), Change::Front(2 + ct), Change::Front(3 + ct), Change::Back(0)] {
        let (waiting, first) = hello(&mine, &theirs, None, &mut Rng::tainted(10));
        arrived("message 1", &first);
        let heard = responder(&pair.responder, suite, &plain_decoys(), None).read_hello_with(&first, &book);
        let (_, reply) = acquainted(heard.expect("the message is good")).send_reply_with_rng(&mut Rng::plain(11)).expect("a second message");
        assert!(verdict(waiting.read_reply(&changed(&reply, change))).is_err(), "a changed message was taken");
    }
}

// The responder.

pub fn responder_known(suite: Suite, with_psk: bool) {
    answered(suite, with_psk, EVERYTHING);
}

pub fn responder_second(suite: Suite) {
    answered(suite, true, SECOND);
}

/// It answers, and nobody reads the answer.
pub fn responder_decoy(suite: Suite, with_psk: bool) {
    let (waiting, reply) = reply(suite, with_psk, STRANGER).expect("it answers");
    assert!(waiting.read_reply(&reply.1).is_err(), "a decoy's message is good");
    // Made by whoever guesses.
    assert!(verdict(reply.0.read_confirm(&[[0, 19].as_slice(), &[7; 19]].concat())).is_err(), "a decoy was confirmed");
}

type Answered = (AcquaintedAwaitsReply, (twinlock::handshake::AwaitsConfirm, Vec<u8>));

fn reply(suite: Suite, with_psk: bool, keeps: Keeps) -> Option<Answered> {
    let (pair, (psk, others), decoys) = (Pair::new(suite), keys(with_psk, 5), secret_decoys());
    let theirs = if keeps.older { &pair.older } else { &pair.newer };
    let (waiting, first) = hello(&pair.initiators, theirs.bundle(), others.as_ref(), &mut Rng::plain(10));
    let book = secret_book(&pair, suite, keeps);
    // No verdict: it would declassify the slot, which stands in the value itself.
    let heard = responder(&pair.responder, suite, &decoys, psk.as_ref()).read_hello_with(&first, &book);
    let heard = acquainted(heard.ok()?).with_payload(ToHolder::from(secret_bytes::<100>(12)));
    arrived("slot", heard.slot());
    let (awaits, reply) = verdict(heard.send_reply_with_rng(&mut Rng::tainted(11))).expect("a second message");
    arrived("message 2", &reply);
    Some((waiting, (awaits, reply)))
}

fn answered(suite: Suite, with_psk: bool, keeps: Keeps) {
    for accept in [true, false] {
        let (waiting, (awaits, reply)) = reply(suite, with_psk, keeps).expect("it answers");
        let read = waiting.read_reply(&reply).expect("the message is good");
        let (_, confirm) = read.send_confirm(&mut TrustAnyone).expect("a Confirm");
        let confirmed = verdict(awaits.read_confirm(&confirm)).expect("the Confirm is good");
        match accept {
            true => exported(&verdict(confirmed.into_channel(&mut TrustAnyone)).expect("anybody is trusted")),
            false => arrived("refusal", verdict(confirmed.into_channel(&mut Anonymous)).expect_err("it has an identity").answer()),
        }
    }
}

/// Of message 1: the ciphertext to the static key, the sealed reference, the payload's tag. Of `Confirm`: its text, its tag.
pub fn responder_changed(suite: Suite) {
    let (pair, (psk, others), decoys) = (Pair::new(suite), keys(true, 5), secret_decoys());
    let book = secret_book(&pair, suite, EVERYTHING);
    let listening = || responder(&pair.responder, suite, &decoys, psk.as_ref());
    let (waiting, first) = hello(&pair.initiators, pair.newer.bundle(), others.as_ref(), &mut Rng::plain(10));
    let ek = suite.encapsulation_key_len();
    for change in [Change::Front(8 + ek + 9), Change::Back(16 + 16 + 16 + 32), Change::Back(16 + 20), Change::Back(0)] {
        let refused = verdict(listening().read_hello_with(&changed(&first, change), &book)).expect_err("a changed message was taken");
        assert!(refused.answer().is_empty());
    }
    let confirmed = [Change::Front(2), Change::Back(0)].map(|change| {
        let heard = acquainted(verdict(listening().read_hello_with(&first, &book)).expect("the message is good"));
        let (awaits, reply) = verdict(heard.send_reply_with_rng(&mut Rng::tainted(11))).expect("a second message");
        arrived("message 2", &reply);
        (awaits, reply, change)
    });
    let read = waiting.read_reply(&confirmed[0].1).expect("the message is good");
    let (_, confirm) = read.send_confirm(&mut TrustAnyone).expect("a Confirm");
    for (awaits, _, change) in confirmed {
        assert!(verdict(awaits.read_confirm(&changed(&confirm, change))).is_err(), "a changed Confirm was taken");
    }
}

/// Nothing comes out where there is no static key, nor where one too many waits. The same secrets go all the way where there is one.
pub fn responder_none(suite: Suite) {
    assert!(reply(suite, false, NOTHING).is_none(), "a first message to a key that is not there was taken");
    assert!(reply(suite, true, NOTHING).is_none(), "a first message to a key that is not there was taken");
    drop(reply(suite, true, EVERYTHING).expect("it answers"));
}

/// Two pre-shared keys and two static ones: each pair is tried.
pub fn rotation(suite: Suite) {
    let (pair, (newer, older), decoys) = (Pair::new(suite), (keys(true, 5), keys(true, 6)), secret_decoys());
    let book = secret_book(&pair, suite, EVERYTHING);
    for theirs in [&pair.newer, &pair.older] {
        for psk in [&newer.1, &older.1] {
            let (_, first) = hello(&pair.initiators, theirs.bundle(), psk.as_ref(), &mut Rng::plain(10));
            let listening = older.0.iter().fold(responder(&pair.responder, suite, &decoys, newer.0.as_ref()), |side, psk| side.psk(psk));
            let heard = acquainted(verdict(listening.read_hello_with(&first, &book)).expect("the message is good"));
            let (_, reply) = verdict(heard.send_reply_with_rng(&mut Rng::tainted(11))).expect("a second message");
            arrived("message 2", &reply);
        }
    }
}
