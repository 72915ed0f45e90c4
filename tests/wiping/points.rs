//! The conversations of the test, up to the point at which one state stands alone.

use crate::acquainted;
use crate::coins::Coins;
use std::any::Any;
use std::io::{Cursor, Read, Write};
use twinlock::channel::{Opener, Record, Sealer};
use twinlock::handshake::{AnonymousInitiator, Hello, Initiator, Psk, Responder};
use twinlock::io::{Accept, Connect, Joined};
use twinlock::trust::Anonymous;
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity, Stream, Suite};

pub(crate) const SEED: u64 = 0x7477_696e_6c6f_636b;
const PROLOGUE: &[u8] = b"wiping";

/// The suite and the pattern of a point's conversation.
pub(crate) fn of(point: &str) -> (Suite, &'static str) {
    let suite = match point.split_once(", ") {
        None => Suite::Level3ChaCha,
        Some((_, "AES-256-GCM")) => Suite::Level3Aes,
        #[cfg(feature = "level5")]
        Some((_, "level 5")) => Suite::Level5Aes,
        Some((_, other)) => panic!("no suite {other}"),
    };
    let pattern = match point {
        _ if point.starts_with("Anonymous") => "NXpsk0",
        _ if acquainted::POINTS.contains(&point) => "IKpsk0",
        _ => "XXpsk0",
    };
    (suite, pattern)
}

pub(crate) fn protocol_name(suite: Suite, pattern: &str) -> String {
    let rest = match suite.id() {
        0x0001 => "XWing_MLDSA65Ed25519_ChaChaPoly_SHA256",
        0x0003 => "XWing_MLDSA65Ed25519_AESGCM_SHA256",
        _ => "MLKEM1024P384_MLDSA87P384_AESGCM_SHA512",
    };
    format!("Twinlock1_{pattern}_{rest}")
}

pub(crate) fn handshake_hash(suite: Suite, pattern: &str) -> Vec<u8> {
    let point = if pattern == "NXpsk0" { "AnonymousChannel" } else { "Channel" };
    let channel = walk(suite, pattern, point).downcast::<Channel>().unwrap();
    channel.conversation().handshake_hash().to_vec()
}

/// The state that stands alone at this point; everything else of its conversation was dropped.
pub(crate) fn build(point: &str) -> Box<dyn Any> {
    let (suite, pattern) = of(point);
    if pattern == "IKpsk0" { acquainted::walk(suite, point) } else { walk(suite, pattern, point.split(", ").next().unwrap()) }
}

macro_rules! stop {
    ($point:ident, $($name:literal => $state:expr),+) => {
        match $point { $($name => return Box::new($state),)+ _ => {} }
    };
}

pub(crate) use stop;

fn walk(suite: Suite, pattern: &str, point: &str) -> Box<dyn Any> {
    let mut coins = Coins::new(SEED);
    let [alice, bob] = [(); 2].map(|()| Identity::generate_with_rng(suite.signature(), &mut coins).unwrap());
    // What the key files of the other conversation draw.
    coins.draw(48);
    let psk = Psk::generate_with_rng(&mut coins).unwrap();
    stop!(point, "Identity" => alice, "Psk" => psk, "Connect" => Connect::new(&alice, PROLOGUE).psk(&psk), "Accept" => Accept::new(&bob, PROLOGUE).psk(&psk));
    let responder = Responder::new(&bob, PROLOGUE).suites(&[suite]).psk(&psk);
    if pattern == "NXpsk0" { nx(suite, &psk, responder, coins, point) } else { xx(suite, &alice, &psk, responder, coins, point) }
}

fn xx(suite: Suite, alice: &Identity, psk: &Psk, responder: Responder, mut coins: Coins, point: &str) -> Box<dyn Any> {
    let initiator = Initiator::new(alice, PROLOGUE).suite(suite).psk(psk);
    stop!(point, "Initiator" => initiator, "Responder" => responder);
    let (initiator, hello) = initiator.send_hello_with_rng(&mut coins).unwrap();
    stop!(point, "AwaitsReply" => initiator, "Hello" => responder.read_any_hello(&hello).unwrap());
    let heard = responder.read_hello(&hello).unwrap();
    stop!(point, "HelloRead" => heard);
    let mut ahead = coins.clone();
    stop!(point, "ReplyToSign" => heard.prepare_reply_with_rng(&mut ahead).unwrap());
    let (responder, reply) = heard.send_reply_with_rng(&mut coins).unwrap();
    stop!(point, "AwaitsFinish" => responder);
    let replied = initiator.read_reply(&reply).unwrap();
    stop!(point, "ReplyRead" => replied, "FinishToSign" => replied.prepare_finish(&mut TrustAnyone).unwrap());
    let (a, finish) = replied.send_finish_with_rng(&mut TrustAnyone, &mut coins).unwrap();
    let finished = responder.read_finish(&finish).unwrap();
    stop!(point, "FinishRead" => finished, "Channel" => a);
    channel(a, finished.into_channel(&mut TrustAnyone).unwrap(), coins, point)
}

fn nx(suite: Suite, psk: &Psk, responder: Responder, mut coins: Coins, point: &str) -> Box<dyn Any> {
    let initiator = AnonymousInitiator::new(PROLOGUE).suite(suite).psk(psk);
    stop!(point, "AnonymousInitiator" => initiator);
    let (initiator, hello) = initiator.send_hello_with_rng(&mut coins).unwrap();
    let Hello::Anonymous(heard) = responder.read_any_hello(&hello).unwrap() else { panic!("NX was opened") };
    stop!(point, "AnonymousAwaitsReply" => initiator, "AnonymousHello" => heard);
    let mut ahead = coins.clone();
    stop!(point, "AnonymousReplyToSign" => heard.prepare_reply_with_rng(&mut Anonymous, &mut ahead).unwrap());
    let (_, reply) = heard.send_reply_with_rng(&mut Anonymous, &mut coins).unwrap();
    let replied = initiator.read_reply(&reply).unwrap();
    stop!(point, "AnonymousReplyRead" => replied, "AnonymousChannel" => replied.into_channel(&mut TrustAnyone).unwrap());
    panic!("no point {point}")
}

type Wire = Joined<Box<dyn Read + Send>, Box<dyn Write + Send>>;

fn stream(channel: Channel) -> Stream<Wire> {
    Stream::new(Joined { reader: Box::new(Cursor::new(Vec::new())), writer: Box::new(std::io::sink()) }, channel)
}

fn channel(a: Channel, b: Channel, mut coins: Coins, point: &str) -> Box<dyn Any> {
    stop!(point, "Stream" => stream(a), "Reader" => stream(a).split().unwrap().0, "Writer" => stream(a).split().unwrap().1);
    let ((sealer, opener, conversation), bob) = (a.into_halves(), b.into_halves());
    stop!(point, "Sealer" => sealer, "Opener" => opener, "Conversation" => conversation);
    after_updates(point, (sealer, opener), (bob.0, bob.1), &mut coins)
}

fn after_updates(point: &str, mut alice: (Sealer, Opener), mut bob: (Sealer, Opener), coins: &mut Coins) -> Box<dyn Any> {
    let mut frame = Vec::new();
    alice.0.key_update(&mut frame).unwrap();
    bob.1.open(&mut frame).unwrap();
    let to_alice = bob.1.make_offer(coins).unwrap().unwrap();
    let to_bob = alice.0.make_offer(coins).unwrap().unwrap();
    stop!(point, "OpenOffer" => to_bob);
    frame.clear();
    bob.0.send_offer(to_alice);
    bob.0.control(&mut frame).unwrap();
    let Record::Offer(offer) = alice.1.open(&mut frame).unwrap() else { panic!("an offer was sent") };
    alice.0.answer_offer(offer, coins).unwrap();
    stop!(point, "Answer" => alice.0);
    panic!("no point {point}")
}
