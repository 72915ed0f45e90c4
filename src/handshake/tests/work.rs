//! Whatever depends on a secret, or on something that is kept, costs the same work and gives the same bytes; and nothing between acquaintances is signed.

use super::book::{Book, DAY};
use super::rng::Seeded;
use crate::channel::{Resumption, Role};
use crate::crypto::work::{self, Done};
use crate::error::Error;
use crate::handshake::{AcquaintedInitiator, AnyHello, Decoys, Psk, Rejected, Responder, ResumeInitiator, Suite};
use crate::identity::{Identity, StaticKey};
use crate::trust::danger::TrustAnyone;
use std::sync::Arc;
use std::vec::Vec;

const NOW: u64 = 10 * DAY;
const PROLOGUE: &[u8] = b"work/1";

/// Two ends of a suite, and a third who knows the second.
struct Ends {
    suite: Suite,
    bob: Identity,
    /// Alice's, Bob's, an older one of Bob's, and Carol's.
    keys: [Arc<StaticKey>; 4],
    decoys: Arc<Decoys>,
}

impl Ends {
    fn new(suite: Suite) -> Self {
        let identity = |seed| Identity::generate_with_rng(suite.signature(), &mut Seeded::new(seed)).unwrap();
        let [alice, bob, carol] = [1, 2, 3].map(identity);
        let key =
            |me: &Identity, from, seed| Arc::new(StaticKey::generate_with_rng(me, suite, from, 20 * DAY, &mut Seeded::new(seed)).unwrap());
        let keys = [key(&alice, DAY, 4), key(&bob, 2 * DAY, 5), key(&bob, DAY, 6), key(&carol, DAY, 7)];
        Self { suite, bob, keys, decoys: Arc::new(Decoys::generate_with_rng(&mut Seeded::new(8)).unwrap()) }
    }

    fn all() -> impl Iterator<Item = Self> {
        Suite::ALL.iter().copied().map(Self::new)
    }

    fn responder(&self, psk: Option<&Psk>) -> Responder {
        let responder = Responder::new(&self.bob, PROLOGUE).suites(&[self.suite]).decoys(&self.decoys).now(NOW);
        psk.into_iter().fold(responder, Responder::psk)
    }

    fn hello(&self, from: usize, to: usize, psk: Option<&Psk>) -> Vec<u8> {
        let initiator = AcquaintedInitiator::new(&self.keys[from], self.keys[to].bundle(), PROLOGUE, NOW);
        psk.into_iter().fold(initiator, AcquaintedInitiator::psk).send_hello_with_rng(&mut Seeded::new(9)).unwrap().1
    }

    /// A record that Bob keeps, and the first message of who holds it too.
    fn resumable(&self, psk: Option<&Psk>) -> (Book, Vec<u8>) {
        let mut book = Book::of(&self.keys[1], &[&self.keys[0]]);
        let initiator = AcquaintedInitiator::new(&self.keys[0], self.keys[1].bundle(), PROLOGUE, NOW);
        let (waits, hello) = psk.into_iter().fold(initiator, AcquaintedInitiator::psk).send_hello_with_rng(&mut Seeded::new(1)).unwrap();
        let AnyHello::Acquainted(heard) = self.responder(psk).read_hello_with(&hello, &book).unwrap() else { panic!() };
        let (awaits, reply) = heard.send_reply_with_rng(&mut Seeded::new(2)).unwrap();
        let (mut a, confirm) = waits.read_reply(&reply).unwrap().send_confirm(&mut TrustAnyone).unwrap();
        let mut b = awaits.read_confirm(&confirm).unwrap().into_channel(&mut TrustAnyone).unwrap();
        let [mine, theirs] = [&mut a, &mut b].map(|channel| Arc::new(channel.keep_resumption(NOW).unwrap().unwrap()));
        book.records.extend([Arc::clone(&mine), theirs]);
        let mut hers = Book { records: [Arc::clone(&mine)].to_vec(), ..Book::default() };
        let initiator = psk.into_iter().fold(ResumeInitiator::new(mine, PROLOGUE), ResumeInitiator::psk);
        let judged = initiator.judge(&mut TrustAnyone).unwrap();
        (book, judged.send_hello_with_rng(&mut hers, NOW, &mut Seeded::new(3)).unwrap().1)
    }
}

/// Message 2 of `IK`, and the work up to it.
fn reply(ends: &Ends, book: &Book, hello: &[u8], psk: Option<&Psk>) -> (Result<Vec<u8>, Rejected>, Done) {
    let responder = ends.responder(psk);
    work::watch(|| match responder.read_hello_with(hello, book)? {
        AnyHello::Acquainted(heard) => Ok(heard.send_reply_with_rng(&mut Seeded::new(10))?.1),
        _ => panic!("another pattern"),
    })
}

fn count(done: &Done, what: &str) -> usize {
    done.iter().filter(|(did, _)| *did == what).count()
}

/// An acquaintance, a stranger, one whose bundle has ended, and anybody at all while the clock is behind: one answer, one work.
#[test]
fn a_first_message_tells_whom_a_responder_knows() {
    for ends in Ends::all() {
        let psk = Psk::take(&mut [7; 32]);
        for psk in [None, Some(&psk)] {
            let hello = ends.hello(0, 1, psk);
            let knows = Book::of(&ends.keys[1], &[&ends.keys[0], &ends.keys[3]]);
            let (answer, done) = reply(&ends, &knows, &hello, psk);
            let answer = answer.unwrap();
            assert_eq!(["encapsulate", "decapsulate", "generate", "sign", "verify"].map(|what| count(&done, what)), [2, 1, 0, 0, 0]);
            let books = [
                Book::of(&ends.keys[1], &[]),
                Book::of(&ends.keys[1], &[&ends.keys[3]]),
                Book { latest: Some(NOW + DAY + 1), ..Book::of(&ends.keys[1], &[&ends.keys[0]]) },
            ];
            for book in books {
                let (other, same) = reply(&ends, &book, &hello, psk);
                let other = other.unwrap();
                assert_eq!(done, same, "{:?}", ends.suite);
                // In length, and in all that does not depend on what only the initiator can open.
                assert_eq!((other.len(), &other[..3]), (answer.len(), &answer[..3]));
                assert!(
                    ends.suite.must_be_named() || other[..3 + ends.suite.ciphertext_len()] == answer[..3 + ends.suite.ciphertext_len()]
                );
                assert_eq!((knows.asked[0].get(), book.asked[0].get()), (1, 1));
            }
            // Of the decoy's answer the initiator makes nothing.
            let initiator = AcquaintedInitiator::new(&ends.keys[0], ends.keys[1].bundle(), PROLOGUE, NOW);
            let (waits, hello) =
                psk.into_iter().fold(initiator, AcquaintedInitiator::psk).send_hello_with_rng(&mut Seeded::new(9)).unwrap();
            let decoy = reply(&ends, &Book::of(&ends.keys[1], &[]), &hello, psk).0.unwrap();
            assert_eq!(waits.read_reply(&decoy).err(), Some(Error::Authentication));
        }
    }
}

/// Without a key that holds, or with one that the message is not for: refused in the same way after the same work.
#[test]
fn a_responder_without_a_key_is_told_from_one_with_another() {
    for ends in Ends::all() {
        let psk = Psk::take(&mut [7; 32]);
        for (psk, answer) in [(None, [0, 1, 5].as_slice()), (Some(&psk), &[])] {
            // For the older key, which is not here; for somebody else; changed at the end; under another psk.
            let mut changed = ends.hello(0, 1, psk);
            *changed.last_mut().unwrap() ^= 1;
            let other = Psk::take(&mut [8; 32]);
            let mut hellos = [ends.hello(0, 2, psk), ends.hello(0, 3, psk)].to_vec();
            hellos.extend(psk.map(|_| ends.hello(0, 1, Some(&other))));
            let with = Book::of(&ends.keys[1], &[&ends.keys[0]]);
            let without = Book { keys: Vec::new(), ..Book::of(&ends.keys[1], &[&ends.keys[0]]) };
            let mut works = Vec::new();
            for hello in &hellos {
                for book in [&with, &without] {
                    let (refused, done) = reply(&ends, book, hello, psk);
                    assert_eq!(refused.unwrap_err().answer(), answer, "{:?}", ends.suite);
                    works.push(done);
                }
            }
            assert!(works.iter().all(|work| *work == works[0]), "{:?}: {works:?}", ends.suite);
            // Where skem has a tag, no static key decapsulates before that verified.
            assert_eq!(count(&works[0], "decapsulate"), usize::from(psk.is_none()));
            let ([one, two], works): ([_; 2], Vec<_>) = {
                let (one, done_one) = reply(&ends, &with, &changed, psk);
                let (two, done_two) = reply(&ends, &without, &ends.hello(0, 3, psk), psk);
                ([one.unwrap_err(), two.unwrap_err()], [done_one, done_two].to_vec())
            };
            assert_eq!((one.answer(), two.answer()), (answer, answer));
            assert!(works.iter().all(|done| count(done, "sign") + count(done, "verify") + count(done, "encapsulate") == 0));
            assert_eq!((with.asked[0].get(), without.asked[0].get()), (0, 0), "somebody was looked up before the tags verified");
        }
    }
}

/// With the work that a responder with the key does, up to the tag.
#[test]
fn an_unknown_resumption_is_told_from_a_bad_one() {
    for ends in Ends::all() {
        let psk = Psk::take(&mut [7; 32]);
        for (psk, answer) in [(None, [0, 1, 5].as_slice()), (Some(&psk), &[])] {
            let (book, hello) = ends.resumable(psk);
            let mut changed = hello.clone();
            *changed.last_mut().unwrap() ^= 1;
            let over = Book { records: book.records.iter().map(|record| aged(record, NOW)).collect(), ..Book::default() };
            let renamed = Book { records: book.records.iter().map(|record| otherwise(record, 1)).collect(), ..Book::default() };
            let behind = Book { latest: Some(NOW + DAY + 1), records: book.records.clone(), ..Book::default() };
            let failing = Book { reading: Some(Error::Store), records: book.records.clone(), ..Book::default() };
            let cases =
                [(&book, &changed), (&Book::default(), &hello), (&over, &hello), (&renamed, &hello), (&behind, &hello), (&failing, &hello)];
            let mut works = Vec::new();
            for (book, hello) in cases {
                let responder = ends.responder(psk);
                let (refused, done) = work::watch(|| responder.read_hello_with(hello, book).map(|_| ()));
                assert_eq!(refused.unwrap_err().answer(), answer, "{:?}", ends.suite);
                works.push(done);
            }
            assert!(works.iter().all(|work| *work == works[0]), "{:?}: {works:?}", ends.suite);
            assert_eq!(["open", "encapsulate", "decapsulate", "sign"].map(|what| count(&works[0], what)), [1, 0, 0, 0]);
            // And the good one costs as much up to there.
            let responder = ends.responder(psk);
            let (read, done) = work::watch(|| responder.read_hello_with(&hello, &book).map(|_| ()));
            read.unwrap();
            assert!(done.starts_with(&works[0]) && done.len() == works[0].len() + 1, "{done:?}");
            assert_eq!(done.last().unwrap().0, "hash");
        }
    }
}

/// The record with another not-after.
fn aged(record: &Resumption, not_after: u64) -> Arc<Resumption> {
    let mut bytes = record.to_secret_bytes().expose().to_vec();
    bytes[52..60].copy_from_slice(&not_after.to_be_bytes());
    Arc::new(Resumption::from_secret_bytes(&bytes).unwrap())
}

/// The record of another prologue, one byte of it changed.
fn otherwise(record: &Resumption, mask: u8) -> Arc<Resumption> {
    let mut bytes = record.to_secret_bytes().expose().to_vec();
    *bytes.last_mut().unwrap() ^= mask;
    Arc::new(Resumption::from_secret_bytes(&bytes).unwrap())
}

/// One round trip, three KEMs and no signature; then one KEM.
#[test]
fn acquaintances_sign() {
    for ends in Ends::all() {
        let ((book, hello), done) = work::watch(|| ends.resumable(None));
        let kinds = ["sign", "verify", "generate", "encapsulate", "decapsulate"];
        // And the ephemeral key of the first message that resumes.
        assert_eq!(kinds.map(|what| count(&done, what)), [0, 0, 2, 3, 3], "{:?}", ends.suite);
        let mut book = book;
        let (_, done) = work::watch(|| {
            let AnyHello::Resume(read) = ends.responder(None).read_hello_with(&hello, &book).unwrap() else { panic!() };
            read.remove(&mut book).unwrap().judge(&mut TrustAnyone).unwrap().send_reply_with_rng(&mut Seeded::new(4)).unwrap()
        });
        assert_eq!(kinds.map(|what| count(&done, what)), [0, 0, 0, 1, 0], "{:?}", ends.suite);
        assert!(book.records.iter().all(|record| record.role() == Role::Opener));
    }
}
