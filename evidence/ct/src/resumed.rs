//! `resume`, both roles: the records' secrets are undefined, the ephemeral keys, the decoys and the pre-shared keys.

use crate::acquainted::Told;
use crate::handshakes::{Change, changed, keys};
use crate::scene::{NOW, PROLOGUE, exported, plain_decoys, plain_identity, plain_records, secret_decoys, secret_record};
use crate::taint::{Rng, arrived, secret_bytes, verdict};
use std::sync::Arc;
use twinlock::acquaintances::{Acquaintances, Book, Wanted};
use twinlock::channel::Resumption;
use twinlock::handshake::{
    AnyHello, Decoys, Early, Full, Psk, Responder, ResumeAwaitsReply, ResumeInitiator, ResumeRead,
};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Identity, Suite};

struct Pair {
    opener: Identity,
    answerer: Identity,
}

impl Pair {
    fn new(suite: Suite) -> Self {
        Self { opener: plain_identity(suite, 1), answerer: plain_identity(suite, 2) }
    }

    fn records(&self, suite: Suite, psk: Option<&Psk>, seed: u64) -> [Resumption; 2] {
        plain_records(&self.opener, &self.answerer, suite, psk, seed)
    }
}

/// A store with this record. Another handle to it: so it is the same that the store keeps.
fn book_of(record: &Arc<Resumption>) -> Book {
    let mut book = Book::new();
    let same = verdict(Resumption::from_secret_bytes(record.to_secret_bytes().expose())).expect("it is one");
    assert!(verdict(book.keep(same, NOW)).expect("there is place"));
    book
}

fn responder(me: &Identity, suite: Suite, decoys: &Arc<Decoys>, psk: Option<&Psk>) -> Responder {
    let responder = Responder::new(me, PROLOGUE).suites(&[suite]).decoys(decoys).now(NOW).early_data(true);
    psk.iter().fold(responder, |responder, psk| responder.psk(psk))
}

fn hello(record: Arc<Resumption>, psk: Option<&Psk>, early: Early, rng: &mut Rng) -> (ResumeAwaitsReply, Vec<u8>) {
    let mut book = book_of(&record);
    let initiator = ResumeInitiator::new(record, PROLOGUE).with_early_data(early);
    let judged = psk.iter().fold(initiator, |initiator, psk| initiator.psk(psk)).judge(&mut TrustAnyone).expect("anybody is trusted");
    verdict(judged.send_hello_with_rng(&mut book, NOW, rng)).expect("a first message")
}

fn resumes(heard: AnyHello) -> ResumeRead {
    let AnyHello::Resume(heard) = heard else { panic!("resume was opened") };
    heard
}

/// What the other side makes of a first message.
fn reply(me: &Identity, suite: Suite, psk: Option<&Psk>, record: Resumption, first: &[u8]) -> Vec<u8> {
    let mut book = book_of(&Arc::new(record));
    let heard = responder(me, suite, &plain_decoys(), psk).read_hello_with(first, &book).expect("the message is good");
    let accepted = resumes(heard).remove(&mut book).expect("it is there").judge(&mut TrustAnyone).expect("anybody is trusted");
    let accepted = accepted.with_payload(Full::from(b"a payload".as_slice()));
    accepted.send_reply_with_rng(&mut Rng::plain(11)).expect("a second message").1
}

pub fn initiator(suite: Suite, with_psk: bool) {
    let (pair, (psk, others)) = (Pair::new(suite), keys(with_psk, 5));
    let [mine, theirs] = pair.records(suite, others.as_ref(), 20);
    let early = Early::from(secret_bytes::<100>(21));
    let (waiting, first) = hello(secret_record(&mine), psk.as_ref(), early, &mut Rng::tainted(10));
    arrived("message 1", &first);
    let reply = reply(&pair.answerer, suite, others.as_ref(), theirs, &first);
    let read = verdict(waiting.read_reply(&reply)).expect("the message is good");
    arrived("payload", read.payload().as_bytes());
    exported(&verdict(read.into_channel()).expect("a channel"));
}

/// Both halves of the ciphertext, the payload's tag.
pub fn initiator_changed(suite: Suite) {
    let (pair, ct) = (Pair::new(suite), suite.ciphertext_len());
    for change in [Change::Front(9), Change::Front(2 + ct), Change::Back(0)] {
        let [mine, theirs] = pair.records(suite, None, 20);
        let (waiting, first) = hello(secret_record(&mine), None, Early::default(), &mut Rng::tainted(10));
        arrived("message 1", &first);
        let reply = changed(&reply(&pair.answerer, suite, None, theirs, &first), change);
        assert!(verdict(waiting.read_reply(&reply)).is_err(), "a changed message was taken");
    }
}

pub fn responder_known(suite: Suite, with_psk: bool) {
    let (pair, (psk, others), decoys) = (Pair::new(suite), keys(with_psk, 5), secret_decoys());
    let [theirs, mine] = pair.records(suite, others.as_ref(), 20);
    let (waiting, first) = hello(Arc::new(theirs), others.as_ref(), Early::from(b"early".as_slice()), &mut Rng::plain(10));
    let mut book = Told(book_of(&secret_record(&mine)));
    let heard = verdict(responder(&pair.answerer, suite, &decoys, psk.as_ref()).read_hello_with(&first, &book)).expect("it is good");
    let accepted = answer(resumes(heard), &mut book);
    arrived("early data", accepted.early_data().as_bytes());
    let accepted = accepted.with_payload(Full::from(secret_bytes::<100>(12)));
    let (channel, reply) = verdict(accepted.send_reply_with_rng(&mut Rng::tainted(11))).expect("a second message");
    arrived("message 2", &reply);
    exported(&channel);
    waiting.read_reply(&reply).expect("the other side reads it");
}

fn answer(heard: ResumeRead, book: &mut Told) -> twinlock::handshake::ResumeAccepted {
    let removed = verdict(heard.remove(book)).expect("it is there");
    verdict(removed.judge(&mut TrustAnyone)).expect("anybody is trusted")
}

/// An id that is not known, a tag that is wrong, and a record of a conversation under another pre-shared key: in each case nothing comes out. The same secrets go all the way
/// where the message is good.
fn refused(suite: Suite, with_psk: bool, spoil: impl Fn(Vec<u8>) -> Vec<u8>, under: Option<&Psk>) {
    let (pair, (psk, others), decoys) = (Pair::new(suite), keys(with_psk, 5), secret_decoys());
    let [theirs, mine] = pair.records(suite, under.or(others.as_ref()), 20);
    let (_, first) = hello(Arc::new(theirs), under.or(others.as_ref()), Early::default(), &mut Rng::plain(10));
    let book = Told(book_of(&secret_record(&mine)));
    let heard = verdict(responder(&pair.answerer, suite, &decoys, psk.as_ref()).read_hello_with(&spoil(first), &book));
    assert_eq!(heard.expect_err("it is refused").answer(), if with_psk { &[][..] } else { &[0, 1, 5] });
    responder_known(suite, with_psk);
}

pub fn responder_unknown(suite: Suite, with_psk: bool) {
    refused(suite, with_psk, |first| changed(&first, Change::Front(2 + 6 + 15)), None);
}

pub fn responder_changed(suite: Suite, with_psk: bool) {
    refused(suite, with_psk, |first| changed(&first, Change::Back(0)), None);
}

pub fn responder_other_psk(suite: Suite) {
    refused(suite, true, |first| first, keys(true, 6).1.as_ref());
}

/// The store's own choice of a record to open with, by the tag of the pre-shared key.
pub fn wanted(suite: Suite) {
    let (pair, others) = (Pair::new(suite), keys(true, 5).1);
    let [mine, _] = pair.records(suite, others.as_ref(), 20);
    let tag = *mine.psk_tag().expect("it stands under one");
    let mut other = tag;
    other[31] ^= 1;
    let book = book_of(&secret_record(&mine));
    for (mut tag, fits) in [(tag, true), (other, false)] {
        crate::taint::secret(&mut tag);
        let (me, peer) = (Some(pair.opener.fingerprint()), Some(pair.answerer.fingerprint()));
        let wanted = Wanted { me, peer, suite, prologue: PROLOGUE, psk_tag: Some(&tag) };
        assert_eq!(verdict(book.resumption_with(&wanted, NOW)).expect("it can be read").is_some(), fits);
        arrived("psk tag", &tag);
    }
}
