//! How many signatures are made and verified in each handshake, both sides together. `evidence/checks/figures` reads what is printed.

use crate::acquaintances::{Acquaintances, AddressBook, Book};
use crate::channel::{Channel, Role};
use crate::crypto::work;
use crate::handshake::{AcquaintedInitiator, AnyHello, Decoys, Initiator, Psk, Responder, ResumeInitiator, Suite};
use crate::identity::Identity;
use crate::trust::danger::TrustAnyone;
use std::println;
use std::sync::Arc;

const NOW: u64 = 1_800_000_000;
const PROLOGUE: &[u8] = b"signatures";

struct Two {
    suite: Suite,
    alice: Identity,
    bob: Identity,
    /// What each keeps: a static key, and the other's bundle.
    books: [Book; 2],
    decoys: Arc<Decoys>,
}

impl Two {
    fn new(suite: Suite) -> Self {
        let [alice, bob] = [(); 2].map(|()| Identity::generate_for(suite.signature()).unwrap());
        let mut books = [Book::new(), Book::new()];
        let keys = [(0, &alice), (1, &bob)].map(|(at, me): (usize, _)| books[at].renew(me, suite, NOW).unwrap());
        for (at, key) in [(1, &keys[0]), (0, &keys[1])] {
            let _ = books[at].take_bundle(key.bundle().clone(), NOW).unwrap();
        }
        Self { suite, alice, bob, books, decoys: Arc::new(Decoys::generate().unwrap()) }
    }

    fn responder(&self, psk: Option<&Psk>) -> Responder {
        let responder = Responder::new(&self.bob, PROLOGUE).suites(&[self.suite]).decoys(&self.decoys).now(NOW);
        psk.into_iter().fold(responder, Responder::psk)
    }

    fn xx(&self) {
        let (alice, hello) = Initiator::new(&self.alice, PROLOGUE).suite(self.suite).send_hello().unwrap();
        let (bob, reply) = self.responder(None).read_hello(&hello).unwrap().send_reply().unwrap();
        let (_, finish) = alice.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
        bob.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap();
    }

    fn ik(&self, psk: Option<&Psk>) -> [Channel; 2] {
        let mine = self.books[0].static_keys(self.suite, NOW).unwrap().remove(0);
        let theirs = self.books[0].bundle_of(self.bob.fingerprint(), self.suite, NOW).unwrap().unwrap();
        let alice = AcquaintedInitiator::new(&mine, &theirs, PROLOGUE, NOW);
        let (alice, hello) = psk.into_iter().fold(alice, AcquaintedInitiator::psk).send_hello().unwrap();
        let AnyHello::Acquainted(heard) = self.responder(psk).read_hello_with(&hello, &self.books[1]).unwrap() else { panic!("IK") };
        let (bob, reply) = heard.send_reply().unwrap();
        let (alice, confirm) = alice.read_reply(&reply).unwrap().send_confirm(&mut TrustAnyone).unwrap();
        [alice, bob.read_confirm(&confirm).unwrap().into_channel(&mut TrustAnyone).unwrap()]
    }

    /// With the record that both keep of a conversation.
    fn resume(&mut self, channels: [Channel; 2]) {
        let [mine, theirs] = channels.map(|mut channel| channel.keep_resumption(NOW).unwrap().unwrap());
        let id = *mine.id();
        assert!(self.books[0].keep(mine, NOW).unwrap() && self.books[1].keep(theirs, NOW).unwrap());
        let record = self.books[0].resumption(Role::Opener, &id, NOW).unwrap().unwrap();
        let alice = ResumeInitiator::new(record, PROLOGUE).judge(&mut TrustAnyone).unwrap();
        let (alice, hello) = alice.send_hello(&mut self.books[0], NOW).unwrap();
        let AnyHello::Resume(read) = self.responder(None).read_hello_with(&hello, &self.books[1]).unwrap() else { panic!("resume") };
        let (_, reply) = read.remove(&mut self.books[1]).unwrap().judge(&mut TrustAnyone).unwrap().send_reply().unwrap();
        alice.read_reply(&reply).unwrap().into_channel().unwrap();
    }
}

/// How many signatures it makes and verifies, on this thread.
fn operations<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let (result, done) = work::watch(f);
    (result, done.iter().filter(|(what, _)| ["sign", "verify"].contains(what)).count())
}

#[test]
fn a_handshake_between_acquaintances_signs_or_verifies() {
    for suite in Suite::ALL {
        let (mut two, psk) = (Two::new(*suite), Psk::generate().unwrap());
        let ((), xx) = operations(|| two.xx());
        let (channels, ik) = operations(|| two.ik(None));
        let (_, ik_psk) = operations(|| two.ik(Some(&psk)));
        let ((), resume) = operations(|| two.resume(channels));
        assert_eq!(xx, 4, "two are made and two verified, or this test sees none");
        assert_eq!([ik, ik_psk, resume], [0; 3], "{suite:?}");
        println!("signature operations in suite {:#06x}: XX {xx}, IK {ik}, IKpsk0 {ik_psk}, resume {resume}", suite.id());
    }
}
