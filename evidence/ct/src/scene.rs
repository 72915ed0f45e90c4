//! The two sides of a conversation. One is tested: its randomness, its key and its pre-shared key are undefined. The other is not, and what it sends is plain
//! bytes. What the tested side sends is looked at for taint, and is public from then on.

use crate::taint::{Rng, arrived, bytes, public, secret, secret_bytes, verdict};
use std::sync::Arc;
use twinlock::channel::Resumption;
use twinlock::handshake::{AnonymousInitiator, Decoys, Hello, Initiator, Psk, Responder};
use twinlock::identity::{Bundle, Peer, StaticKey};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity, Suite};

pub const PROLOGUE: &[u8] = b"ct/1";
/// The time of every conversation between acquaintances.
pub const NOW: u64 = 1_800_000_000;
pub const DAY: u64 = 86_400;

pub fn plain_identity(suite: Suite, seed: u64) -> Identity {
    Identity::generate_with_rng(suite.signature(), &mut Rng::plain(seed)).expect("this generator gives keys")
}

/// Its secret half is undefined. Its public half is public.
pub fn secret_identity(suite: Suite, seed: u64) -> Identity {
    let made = verdict(Identity::generate_with_rng(suite.signature(), &mut Rng::tainted(seed)));
    let identity = made.expect("this generator gives keys");
    public(identity.public().as_bytes());
    identity
}

/// One key twice: as the tested side has it, and as the other does.
pub fn psks(seed: u64) -> (Psk, Psk) {
    (Psk::take(&mut secret_bytes(seed)), Psk::take(&mut bytes(seed)))
}

/// A channel of which the first side's secrets are undefined: by an ephemeral key of undefined seed.
pub fn channels(suite: Suite, seed: u64) -> (Channel, Channel) {
    let channels = channels_from(suite, seed, &mut Rng::tainted(seed + 1));
    exported(&channels.0);
    channels
}

/// A channel without an undefined byte.
pub fn plain_channels(suite: Suite, seed: u64) -> (Channel, Channel) {
    channels_from(suite, seed, &mut Rng::plain(seed + 1))
}

fn channels_from(suite: Suite, seed: u64, rng: &mut Rng) -> (Channel, Channel) {
    let me = plain_identity(suite, seed);
    let initiator = AnonymousInitiator::new(PROLOGUE).suite(suite);
    let (waiting, hello) = initiator.send_hello_with_rng(rng).expect("a first message");
    public(&hello);
    let Ok(Hello::Anonymous(read)) = Responder::new(&me, PROLOGUE).suites(&[suite]).read_any_hello(&hello) else { panic!("no NX") };
    let (other, reply) = read.send_reply_with_rng(&mut TrustAnyone, &mut Rng::plain(seed + 2)).expect("a second message");
    let read = verdict(waiting.read_reply(&reply)).expect("the message is good");
    (read.into_channel(&mut TrustAnyone).expect("anybody is trusted"), other)
}

/// A peer as it proved itself, in a conversation without a secret.
pub fn peer(suite: Suite, seed: u64) -> Peer {
    plain_channels(suite, seed).0.peer().clone()
}

/// What both sides alone can derive, at the end of a handshake.
pub fn exported(channel: &Channel) {
    let mut key = [0; 48];
    channel.conversation().export("ct", b"context", &mut key).expect("the length is allowed");
    arrived("exporter", &key);
}

/// A static key whose bundle was made so many days ago, without an undefined byte.
pub fn plain_static_key(me: &Identity, suite: Suite, days: u64, seed: u64) -> StaticKey {
    let not_before = NOW - days * DAY;
    StaticKey::generate_with_rng(me, suite, not_before, not_before + 40 * DAY, &mut Rng::plain(seed)).expect("the times are allowed")
}

/// The same key; what is kept of it is undefined, and its bundle is public.
pub fn secret_static_key(plain: &StaticKey) -> StaticKey {
    let mut kept = plain.to_secret_bytes().expose().to_vec();
    let bundle = Bundle::len_in(plain.bundle().suite());
    let seed = kept.len() - bundle;
    secret(&mut kept[..seed]);
    verdict(StaticKey::from_secret_bytes(&kept)).expect("it is one")
}

/// A bundle of which everything is undefined but the suite and the times: whose it is must not show.
pub fn secret_bundle(plain: &Bundle) -> Bundle {
    let mut bytes = plain.as_bytes().to_vec();
    secret_in_bundle(plain.suite(), &mut bytes);
    verdict(Bundle::from_bytes(&bytes)).expect("it is one")
}

pub fn secret_in_bundle(suite: Suite, bytes: &mut [u8]) {
    let times = bytes.len() - suite.signature().signature_len() - 16;
    secret(&mut bytes[2..times]);
    secret(&mut bytes[times + 16..]);
}

/// Both sides' records of one conversation, the opener's first, without an undefined byte.
pub fn plain_records(opener: &Identity, answerer: &Identity, suite: Suite, psk: Option<&Psk>, seed: u64) -> [Resumption; 2] {
    let rng = &mut Rng::plain(seed);
    let (initiator, responder) = (Initiator::new(opener, PROLOGUE).suite(suite), Responder::new(answerer, PROLOGUE).suites(&[suite]));
    let (initiator, responder) = (psk.iter().fold(initiator, |side, psk| side.psk(psk)), psk.iter().fold(responder, |side, psk| side.psk(psk)));
    let (waiting, hello) = initiator.send_hello_with_rng(rng).expect("a first message");
    let (awaits, reply) = responder.read_hello(&hello).expect("it is good").send_reply_with_rng(rng).expect("a second message");
    let read = waiting.read_reply(&reply).expect("it is good");
    let (one, finish) = read.send_finish_with_rng(&mut TrustAnyone, rng).expect("a third message");
    let other = awaits.read_finish(&finish).expect("it is good").into_channel(&mut TrustAnyone).expect("anybody is trusted");
    [one, other].map(|mut channel| channel.keep_resumption(NOW).expect("it is derived").expect("it is the first time"))
}

/// Where a record's secrets stand in what is stored: its id, which its owner alone knows before it is used, its psk, and the tag of the pre-shared key under which it stands.
pub const RECORD_ID: std::ops::Range<usize> = 4..20;
const RECORD_PSK: std::ops::Range<usize> = 20..52;
const RECORD_PSK_TAG: std::ops::Range<usize> = 93..125;

/// The same record; its secrets are undefined.
pub fn secret_record(plain: &Resumption) -> Arc<Resumption> {
    let mut bytes = plain.to_secret_bytes().expose().to_vec();
    secret(&mut bytes[RECORD_PSK]);
    if plain.psk_tag().is_some() {
        secret(&mut bytes[RECORD_PSK_TAG]);
    }
    Arc::new(verdict(Resumption::from_secret_bytes(&bytes)).expect("it is one"))
}

pub fn plain_decoys() -> Arc<Decoys> {
    Arc::new(Decoys::generate_with_rng(&mut Rng::plain(90)).expect("this generator gives keys"))
}

/// Their secrets are undefined, and so is all that stands in for somebody's.
pub fn secret_decoys() -> Arc<Decoys> {
    Arc::new(verdict(Decoys::generate_with_rng(&mut Rng::tainted(90))).expect("this generator gives keys"))
}
