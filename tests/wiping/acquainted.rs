//! The conversation of two acquaintances, up to the point at which one state stands alone: `IKpsk0`, and `resume` after it.

use crate::coins::Coins;
use crate::known::{Known, Secrets};
use crate::known_acquainted::{DECOYS, Ended, Suites};
use crate::points::{SEED, protocol_name, stop};
use crate::primitives::Algorithms;
use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;
use twinlock::acquaintances::{Acquaintances, Book, Folder};
use twinlock::channel::Resumption;
use twinlock::handshake::{AcquaintedInitiator, AnyHello, Decoys, Psk, Responder, ResumeInitiator};
use twinlock::identity::{StaticKey, StaticKeyToSign};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity, Suite};

pub(crate) const POINTS: &[&str] = &[
    "StaticKey",
    "StaticKeyToSign",
    "SecretBytes",
    "Decoys",
    "AcquaintedInitiator",
    "AcquaintedAwaitsReply",
    "AcquaintedReplyRead",
    "AnyHello",
    "AcquaintedHello",
    "AwaitsConfirm",
    "Confirmed",
    "AcquaintedChannel",
    "Resumption",
    "ResumeInitiator",
    "ResumeJudged",
    "ResumeAwaitsReply",
    "ResumeReplyRead",
    "ResumeRead",
    "Removed",
    "ResumeAccepted",
    "Book",
    "Folder",
];
const PROLOGUE: &[u8] = b"wiping";
const NOW: u64 = 1_800_000_000;
const DAY: u64 = 86_400;

/// What both have when they meet.
struct Two {
    suite: Suite,
    bob: Identity,
    psk: Psk,
    decoys: Arc<Decoys>,
    alices: StaticKey,
    bobs: StaticKey,
    coins: Coins,
}

pub(crate) fn secrets(suite: Suite, algorithms: Algorithms) -> Vec<Known> {
    let [ik, resume] = ["AcquaintedChannel", "ResumedChannel"].map(|point| {
        let channel = walk(suite, point).downcast::<Channel>().unwrap();
        channel.conversation().handshake_hash().to_vec()
    });
    let public_key_lens: Vec<usize> = Suite::ALL.iter().map(|suite| suite.signature().public_key_len()).collect();
    let own = Suite::ALL.iter().position(|one| *one == suite).unwrap();
    let names = ["IKpsk0", "resume"].map(|pattern| protocol_name(suite, pattern));
    let ended = Ended { ik: (&names[0], &ik), resume: (&names[1], &resume) };
    Secrets::acquainted(algorithms, SEED, &Suites { public_key_lens: &public_key_lens, own }, &ended).known
}

pub(crate) fn walk(suite: Suite, point: &str) -> Box<dyn Any> {
    let mut coins = Coins::new(SEED);
    let [alice, bob] = [(); 2].map(|()| Identity::generate_with_rng(suite.signature(), &mut coins).unwrap());
    let psk = Psk::generate_with_rng(&mut coins).unwrap();
    let mut ahead = coins.clone();
    stop!(point, "StaticKeyToSign" => StaticKeyToSign::generate_with_rng(&alice.public(), suite, NOW - DAY, NOW + DAY, &mut ahead).unwrap());
    let [alices, bobs] = [&alice, &bob].map(|me| StaticKey::generate_with_rng(me, suite, NOW - DAY, NOW + DAY, &mut coins).unwrap());
    stop!(point, "StaticKey" => alices, "SecretBytes" => alices.to_secret_bytes());
    let decoys = Decoys::generate_with_rng(&mut Coins::new(SEED ^ DECOYS)).unwrap();
    stop!(point, "Decoys" => decoys);
    meet(Two { suite, bob, psk, decoys: Arc::new(decoys), alices, bobs, coins }, point)
}

impl Two {
    fn responder(&self) -> Responder {
        Responder::new(&self.bob, PROLOGUE).suites(&[self.suite]).psk(&self.psk).decoys(&self.decoys).now(NOW)
    }

    /// Another handle would be a copy of the secret, if a key could be copied at all.
    fn again(key: &StaticKey) -> StaticKey {
        StaticKey::from_secret_bytes(key.to_secret_bytes().expose()).unwrap()
    }
}

fn meet(mut two: Two, point: &str) -> Box<dyn Any> {
    let mut book = Book::new();
    let _ = book.take_bundle(two.alices.bundle().clone(), NOW).unwrap();
    book.add_key(Two::again(&two.bobs), NOW).unwrap();
    let initiator = AcquaintedInitiator::new(&two.alices, two.bobs.bundle(), PROLOGUE, NOW).psk(&two.psk);
    stop!(point, "AcquaintedInitiator" => initiator);
    let (waiting, hello) = initiator.send_hello_with_rng(&mut two.coins).unwrap();
    stop!(point, "AcquaintedAwaitsReply" => waiting);
    let heard = two.responder().read_hello_with(&hello, &book).unwrap();
    stop!(point, "AnyHello" => heard);
    let AnyHello::Acquainted(heard) = heard else { panic!("IK was opened") };
    stop!(point, "AcquaintedHello" => heard);
    let (awaits, reply) = heard.send_reply_with_rng(&mut two.coins).unwrap();
    stop!(point, "AwaitsConfirm" => awaits);
    let read = waiting.read_reply(&reply).unwrap();
    stop!(point, "AcquaintedReplyRead" => read);
    let (mut one, confirm) = read.send_confirm(&mut TrustAnyone).unwrap();
    stop!(point, "AcquaintedChannel" => one);
    let confirmed = awaits.read_confirm(&confirm).unwrap();
    stop!(point, "Confirmed" => confirmed);
    let mut other = confirmed.into_channel(&mut TrustAnyone).unwrap();
    let records = [&mut one, &mut other].map(|channel| channel.keep_resumption(NOW).unwrap().unwrap());
    resume(two, records, book, point)
}

fn resume(mut two: Two, [mine, theirs]: [Resumption; 2], mut book: Book, point: &str) -> Box<dyn Any> {
    stop!(point, "Resumption" => mine, "Folder" => folder(&two.bobs, theirs));
    assert!(book.keep(theirs, NOW).unwrap());
    stop!(point, "Book" => book);
    let mut alices = Book::new();
    let id = *mine.id();
    assert!(alices.keep(mine, NOW).unwrap());
    let record = twinlock::acquaintances::AddressBook::resumption(&alices, twinlock::channel::Role::Opener, &id, NOW).unwrap().unwrap();
    let initiator = ResumeInitiator::new(record, PROLOGUE).psk(&two.psk);
    stop!(point, "ResumeInitiator" => initiator);
    let judged = initiator.judge(&mut TrustAnyone).unwrap();
    stop!(point, "ResumeJudged" => judged);
    let (waiting, hello) = judged.send_hello_with_rng(&mut alices, NOW, &mut two.coins).unwrap();
    stop!(point, "ResumeAwaitsReply" => waiting);
    let AnyHello::Resume(heard) = two.responder().read_hello_with(&hello, &book).unwrap() else { panic!("resume was opened") };
    stop!(point, "ResumeRead" => heard);
    let removed = heard.remove(&mut book).unwrap();
    stop!(point, "Removed" => removed);
    let accepted = removed.judge(&mut TrustAnyone).unwrap();
    stop!(point, "ResumeAccepted" => accepted);
    let (_, reply) = accepted.send_reply_with_rng(&mut two.coins).unwrap();
    let read = waiting.read_reply(&reply).unwrap();
    stop!(point, "ResumeReplyRead" => read, "ResumedChannel" => read.into_channel().unwrap());
    panic!("no point {point}")
}

/// What one folder has written another one reads.
fn folder(key: &StaticKey, record: Resumption) -> Folder {
    let path: PathBuf = std::env::temp_dir().join(format!("twinlock-wiping-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    let mut folder = Folder::open(&path).unwrap();
    folder.add_key(Two::again(key), NOW).unwrap();
    assert!(folder.keep(record, NOW).unwrap());
    drop(folder);
    let again = Folder::open(&path).unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    again
}
