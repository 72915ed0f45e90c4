//! The second conversation whose memory is looked at: two acquaintances, in `IKpsk0`, and how they pick it up again, in `resume`. It stands still as the first one does.
//!
//! Alice keeps what she keeps in a folder, Bob in memory. Nothing here holds a copy of a secret.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a check that cannot go on stops")]

use crate::coins::Coins;
use crate::known::Stop;
use crate::known_acquainted::DECOYS;
use std::path::Path;
use std::sync::Arc;
use twinlock::acquaintances::{Acquaintances, AddressBook, Book, Folder};
use twinlock::channel::{Record, Role};
use twinlock::handshake::{AcquaintedInitiator, AnyHello, Decoys, Psk, Responder, ResumeInitiator};
use twinlock::identity::StaticKey;
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity, Suite};

const PROLOGUE: &[u8] = b"wiping";
const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

/// What both have when they meet again.
struct Two {
    alice: Identity,
    bob: Identity,
    psk: Psk,
    decoys: Arc<Decoys>,
    folder: Folder,
    book: Book,
}

/// From new identities to a conversation that was picked up again; `stop` is told the handshake hash once there is one.
#[inline(never)]
pub(crate) fn run(suite: Suite, seed: u64, folder: &Path, stop: &mut impl FnMut(Stop, &[u8])) {
    let mut coins = Coins::new(seed);
    let mut two = Two::new(suite, seed, &mut coins, folder);
    stop(Stop::Acquainted, &[]);
    let (one, other, hash) = two.meet(suite, &mut coins, stop);
    let id = two.keep(suite, one, other);
    stop(Stop::Kept, &hash);
    two.resume(suite, id, &mut coins, stop);
}

impl Two {
    fn new(suite: Suite, seed: u64, coins: &mut Coins, folder: &Path) -> Self {
        let [alice, bob] = [(); 2].map(|()| Identity::generate_with_rng(suite.signature(), coins).unwrap());
        let psk = Psk::generate_with_rng(coins).unwrap();
        let keys = [&alice, &bob].map(|me| static_key(me, suite, coins));
        let decoys = Arc::new(Decoys::generate_with_rng(&mut Coins::new(seed ^ DECOYS)).unwrap());
        let path = folder.join("acquaintances");
        let _ = std::fs::remove_dir_all(&path);
        let (mut folder, mut book) = (Folder::open(&path).unwrap(), Book::new());
        let [alices, bobs] = keys.each_ref().map(|key| key.bundle().clone());
        let _ = (folder.take_bundle(bobs, NOW).unwrap(), book.take_bundle(alices, NOW).unwrap());
        let [alices, bobs] = keys;
        folder.add_key(alices, NOW).unwrap();
        book.add_key(bobs, NOW).unwrap();
        // From the disk, as another process would find it.
        drop(folder);
        Self { folder: Folder::open(&path).unwrap(), book, alice, bob, psk, decoys }
    }

    fn responder(&self, suite: Suite) -> Responder {
        Responder::new(&self.bob, PROLOGUE).suites(&[suite]).psk(&self.psk).decoys(&self.decoys).now(NOW)
    }

    /// `IKpsk0`, and both hashes.
    fn meet(&mut self, suite: Suite, coins: &mut Coins, stop: &mut impl FnMut(Stop, &[u8])) -> (Channel, Channel, Vec<u8>) {
        let mine = self.folder.static_keys(suite, NOW).unwrap().remove(0);
        let theirs = self.folder.bundle_of(self.bob.fingerprint(), suite, NOW).unwrap().unwrap();
        let initiator = AcquaintedInitiator::new(&mine, &theirs, PROLOGUE, NOW).psk(&self.psk);
        let (waiting, hello) = initiator.send_hello_with_rng(coins).unwrap();
        stop(Stop::AcquaintedHello, &[]);
        let AnyHello::Acquainted(heard) = self.responder(suite).read_hello_with(&hello, &self.book).unwrap() else { panic!("it is IK") };
        let (awaits, reply) = heard.send_reply_with_rng(coins).unwrap();
        stop(Stop::AcquaintedReply, &[]);
        let (one, confirm) = waiting.read_reply(&reply).unwrap().send_confirm(&mut TrustAnyone).unwrap();
        let other = awaits.read_confirm(&confirm).unwrap().into_channel(&mut TrustAnyone).unwrap();
        let hash = one.conversation().handshake_hash().to_vec();
        stop(Stop::AcquaintedChannel, &hash);
        (one, other, hash)
    }

    /// Both keep a record, talk, and end. Their static keys end too. What is left is the record's name.
    fn keep(&mut self, suite: Suite, mut one: Channel, mut other: Channel) -> [u8; 16] {
        let [mine, theirs] = [&mut one, &mut other].map(|channel| channel.keep_resumption(NOW).unwrap().unwrap());
        let id = *mine.id();
        assert!(self.folder.keep(mine, NOW).unwrap() && self.book.keep(theirs, NOW).unwrap());
        speak(one, other);
        assert!(self.folder.forget_keys(self.alice.fingerprint()).unwrap() && self.book.forget_keys(self.bob.fingerprint()).unwrap());
        assert!(self.folder.static_keys(suite, NOW).unwrap().is_empty());
        id
    }

    fn resume(mut self, suite: Suite, id: [u8; 16], coins: &mut Coins, stop: &mut impl FnMut(Stop, &[u8])) {
        let record = self.folder.resumption(Role::Opener, &id, NOW).unwrap().unwrap();
        let judged = ResumeInitiator::new(record, PROLOGUE).psk(&self.psk).judge(&mut TrustAnyone).unwrap();
        let (waiting, hello) = judged.send_hello_with_rng(&mut self.folder, NOW, coins).unwrap();
        stop(Stop::ResumeHello, &[]);
        let AnyHello::Resume(heard) = self.responder(suite).read_hello_with(&hello, &self.book).unwrap() else { panic!("it is resume") };
        let accepted = heard.remove(&mut self.book).unwrap().judge(&mut TrustAnyone).unwrap();
        let (other, reply) = accepted.send_reply_with_rng(coins).unwrap();
        stop(Stop::ResumeReply, &[]);
        let one = waiting.read_reply(&reply).unwrap().into_channel().unwrap();
        drop(self);
        let hash = one.conversation().handshake_hash().to_vec();
        stop(Stop::Resumed, &hash);
        speak(one, other);
    }
}

/// One that went through a store's bytes.
fn static_key(me: &Identity, suite: Suite, coins: &mut Coins) -> StaticKey {
    let key = StaticKey::generate_with_rng(me, suite, NOW - DAY, NOW + DAY, coins).unwrap();
    StaticKey::from_secret_bytes(key.to_secret_bytes().expose()).unwrap()
}

/// A message each way, and the end of both.
fn speak(one: Channel, other: Channel) {
    let ((a, b, _), (c, d, _)) = (one.into_halves(), other.into_halves());
    for (mut from, mut to) in [(a, d), (c, b)] {
        let mut frame = Vec::new();
        from.message(b"a message", &mut frame).unwrap();
        assert_eq!(to.open(&mut frame).unwrap(), Record::End(b"a message"));
    }
}
