//! The two sides of a conversation. One is tested: its randomness, its key and its pre-shared key are undefined. The other is not, and what it sends is plain
//! bytes. What the tested side sends is looked at for taint, and is public from then on.

use crate::taint::{Rng, arrived, bytes, public, secret_bytes, verdict};
use twinlock::handshake::{AnonymousInitiator, Hello, Psk, Responder};
use twinlock::identity::Peer;
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Identity, Suite};

pub const PROLOGUE: &[u8] = b"ct/1";

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
