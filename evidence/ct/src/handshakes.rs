//! Every state of both roles, in `XX` and `NX`, with and without a pre-shared key, with good input and with changed input.

use crate::scene::{PROLOGUE, exported, plain_identity, psks, secret_identity};
use crate::taint::{Rng, arrived, secret_bytes, verdict};
use twinlock::Suite;
use twinlock::handshake::{
    AnonymousAwaitsReply, AnonymousInitiator, AwaitsReply, Full, Hello, Initiator, Psk, Responder, ToAnybody, Unproved,
};
use twinlock::identity::Identity;
use twinlock::trust::Anonymous;
use twinlock::trust::danger::TrustAnyone;

/// Which byte of a message is changed, from its front or from its end.
#[derive(Clone, Copy)]
pub enum Change {
    Front(usize),
    Back(usize),
}

pub fn changed(frame: &[u8], change: Change) -> Vec<u8> {
    let mut frame = frame.to_vec();
    let place = match change {
        Change::Front(n) => n,
        Change::Back(n) => frame.len() - 1 - n,
    };
    frame[place] ^= 1;
    frame
}

/// Of message 2: the ciphertext's post-quantum half and its classical one, the sealed identity, the sealed signature, the payload's tag.
fn reply_changes(suite: Suite) -> [Change; 5] {
    let (ct, signature) = (suite.ciphertext_len(), suite.signature().signature_len());
    [Change::Front(9), Change::Front(2 + ct), Change::Front(3 + ct), Change::Back(16 + 16 + signature / 2), Change::Back(0)]
}

/// Of message 3: the sealed identity, the sealed signature, the payload's tag.
fn finish_changes(suite: Suite) -> [Change; 3] {
    [Change::Front(2), Change::Back(16 + 16 + suite.signature().signature_len() / 2), Change::Back(0)]
}

fn responder(me: &Identity, suite: Suite, psk: Option<&Psk>) -> Responder {
    let responder = Responder::new(me, PROLOGUE).suites(&[suite]);
    psk.iter().fold(responder, |responder, psk| responder.psk(psk))
}

fn initiator(me: &Identity, suite: Suite, psk: Option<&Psk>) -> Initiator {
    let initiator = Initiator::new(me, PROLOGUE).suite(suite);
    psk.iter().fold(initiator, |initiator, psk| initiator.psk(psk))
}

fn anonymous(suite: Suite, psk: Option<&Psk>) -> AnonymousInitiator {
    let initiator = AnonymousInitiator::new(PROLOGUE).suite(suite);
    psk.iter().fold(initiator, |initiator, psk| initiator.psk(psk))
}

pub fn keys(with: bool, seed: u64) -> (Option<Psk>, Option<Psk>) {
    let (tested, other) = psks(seed);
    if with { (Some(tested), Some(other)) } else { (None, None) }
}

// XX, the initiator.

fn xx_hello(me: &Identity, suite: Suite, psk: Option<&Psk>) -> (AwaitsReply, Vec<u8>) {
    let opening = initiator(me, suite, psk).with_payload(Unproved::from(b"first".as_slice()));
    let (waiting, hello) = opening.send_hello_with_rng(&mut Rng::tainted(10)).expect("a first message");
    arrived("message 1", &hello);
    (waiting, hello)
}

fn xx_reply(other: &Identity, suite: Suite, psk: Option<&Psk>, hello: &[u8]) -> Vec<u8> {
    let heard = responder(other, suite, psk).read_hello(hello).expect("the message is good");
    heard.send_reply_with_rng(&mut Rng::plain(11)).expect("a second message").1
}

pub fn xx_initiator(suite: Suite, with_psk: bool) {
    let (me, other, (psk, others)) = (secret_identity(suite, 1), plain_identity(suite, 2), keys(with_psk, 3));
    let (waiting, hello) = xx_hello(&me, suite, psk.as_ref());
    let reply = xx_reply(&other, suite, others.as_ref(), &hello);
    let read = verdict(waiting.read_reply(&reply)).expect("the message is good");
    let read = read.with_payload(Full::from(secret_bytes::<100>(12)));
    let (channel, finish) = verdict(read.send_finish_with_rng(&mut TrustAnyone, &mut Rng::tainted(13))).expect("a third message");
    arrived("message 3", &finish);
    exported(&channel);
}

pub fn xx_initiator_changed(suite: Suite, with_psk: bool) {
    let (me, other, (psk, others)) = (secret_identity(suite, 1), plain_identity(suite, 2), keys(with_psk, 3));
    for change in reply_changes(suite) {
        let (waiting, hello) = xx_hello(&me, suite, psk.as_ref());
        let reply = changed(&xx_reply(&other, suite, others.as_ref(), &hello), change);
        assert!(verdict(waiting.read_reply(&reply)).is_err(), "a changed message was taken");
    }
}

// XX, the responder.

pub fn xx_responder(suite: Suite, with_psk: bool, accept: bool) {
    let (me, other, (psk, others)) = (secret_identity(suite, 1), plain_identity(suite, 2), keys(with_psk, 3));
    let (waiting, hello) = initiator(&other, suite, others.as_ref()).send_hello_with_rng(&mut Rng::plain(10)).expect("a first message");
    let heard = verdict(responder(&me, suite, psk.as_ref()).read_hello(&hello)).expect("the message is good");
    let heard = heard.with_payload(ToAnybody::from(secret_bytes::<100>(12)));
    let (awaits, reply) = verdict(heard.send_reply_with_rng(&mut Rng::tainted(11))).expect("a second message");
    arrived("message 2", &reply);
    let read = waiting.read_reply(&reply).expect("the message is good");
    let (_, finish) = read.send_finish_with_rng(&mut TrustAnyone, &mut Rng::plain(13)).expect("a third message");
    let read = verdict(awaits.read_finish(&finish)).expect("the message is good");
    match accept {
        true => exported(&verdict(read.into_channel(&mut TrustAnyone)).expect("anybody is trusted")),
        // A peer with an identity is none without: the refusal is sealed.
        false => arrived("refusal", verdict(read.into_channel(&mut Anonymous)).expect_err("it has an identity").answer()),
    }
}

pub fn xx_responder_changed(suite: Suite, with_psk: bool) {
    let (me, other, (psk, others)) = (secret_identity(suite, 1), plain_identity(suite, 2), keys(with_psk, 3));
    for change in finish_changes(suite) {
        let (waiting, hello) = initiator(&other, suite, others.as_ref()).send_hello_with_rng(&mut Rng::plain(10)).expect("a first message");
        let bad = changed(&hello, Change::Back(0));
        // Without a psk the last byte is the key's, and any classical half is one.
        assert_eq!(verdict(responder(&me, suite, psk.as_ref()).read_hello(&bad)).is_err(), with_psk || suite.id() == 2, "message 1");
        let heard = verdict(responder(&me, suite, psk.as_ref()).read_hello(&hello)).expect("the message is good");
        let (awaits, reply) = verdict(heard.send_reply_with_rng(&mut Rng::tainted(11))).expect("a second message");
        arrived("message 2", &reply);
        let read = waiting.read_reply(&reply).expect("the message is good");
        let (_, finish) = read.send_finish_with_rng(&mut TrustAnyone, &mut Rng::plain(13)).expect("a third message");
        assert!(verdict(awaits.read_finish(&changed(&finish, change))).is_err(), "a changed message was taken");
    }
}

/// Two pre-shared keys, while one takes the other's place: both are tried.
pub fn psk_rotation(suite: Suite) {
    let (me, other, (newer, older)) = (secret_identity(suite, 1), plain_identity(suite, 2), (psks(3), psks(4)));
    for key in [&newer.1, &older.1] {
        let (_, hello) = initiator(&other, suite, Some(key)).send_hello_with_rng(&mut Rng::plain(10)).expect("a first message");
        let responder = Responder::new(&me, PROLOGUE).suites(&[suite]).psk(&newer.0).psk(&older.0);
        let heard = verdict(responder.read_hello(&hello)).expect("the message is good");
        let (_, reply) = verdict(heard.send_reply_with_rng(&mut Rng::tainted(11))).expect("a second message");
        arrived("message 2", &reply);
    }
}

// NX.

fn nx_hello(suite: Suite, psk: Option<&Psk>) -> (AnonymousAwaitsReply, Vec<u8>) {
    let opening = anonymous(suite, psk).with_payload(Unproved::from(b"first".as_slice()));
    let (waiting, hello) = opening.send_hello_with_rng(&mut Rng::tainted(10)).expect("a first message");
    arrived("message 1", &hello);
    (waiting, hello)
}

fn nx_reply(other: &Identity, suite: Suite, psk: Option<&Psk>, hello: &[u8]) -> Vec<u8> {
    let Ok(Hello::Anonymous(heard)) = responder(other, suite, psk).read_any_hello(hello) else { panic!("the message is good") };
    heard.send_reply_with_rng(&mut TrustAnyone, &mut Rng::plain(11)).expect("a second message").1
}

pub fn nx_initiator(suite: Suite, with_psk: bool) {
    let (other, (psk, others)) = (plain_identity(suite, 2), keys(with_psk, 3));
    let (waiting, hello) = nx_hello(suite, psk.as_ref());
    let reply = nx_reply(&other, suite, others.as_ref(), &hello);
    let read = verdict(waiting.read_reply(&reply)).expect("the message is good");
    exported(&verdict(read.into_channel(&mut TrustAnyone)).expect("anybody is trusted"));
}

pub fn nx_initiator_changed(suite: Suite, with_psk: bool) {
    let (other, (psk, others)) = (plain_identity(suite, 2), keys(with_psk, 3));
    for change in reply_changes(suite) {
        let (waiting, hello) = nx_hello(suite, psk.as_ref());
        let reply = changed(&nx_reply(&other, suite, others.as_ref(), &hello), change);
        assert!(verdict(waiting.read_reply(&reply)).is_err(), "a changed message was taken");
    }
}

pub fn nx_responder(suite: Suite, with_psk: bool) {
    let (me, (psk, others)) = (secret_identity(suite, 1), keys(with_psk, 3));
    let (_, hello) = anonymous(suite, others.as_ref()).send_hello_with_rng(&mut Rng::plain(10)).expect("a first message");
    let Ok(Hello::Anonymous(heard)) = verdict(responder(&me, suite, psk.as_ref()).read_any_hello(&hello)) else { panic!("it is good") };
    let heard = heard.with_payload(ToAnybody::from(secret_bytes::<100>(12)));
    let (channel, reply) = verdict(heard.send_reply_with_rng(&mut TrustAnyone, &mut Rng::tainted(11))).expect("a second message");
    arrived("message 2", &reply);
    exported(&channel);
}

pub fn nx_responder_changed(suite: Suite) {
    let (me, (psk, other)) = (secret_identity(suite, 1), psks(3));
    for place in [0, 20] {
        let opening = anonymous(suite, Some(&other)).with_payload(Unproved::from(b"first".as_slice()));
        let (_, hello) = opening.send_hello_with_rng(&mut Rng::plain(10)).expect("a first message");
        let bad = changed(&hello, Change::Back(place));
        assert!(verdict(responder(&me, suite, Some(&psk)).read_any_hello(&bad)).is_err(), "a changed message was taken");
    }
    // Of those nothing came out. The same key goes all the way where the message is good.
    let (_, hello) = anonymous(suite, Some(&other)).send_hello_with_rng(&mut Rng::plain(10)).expect("a first message");
    let Ok(Hello::Anonymous(heard)) = verdict(responder(&me, suite, Some(&psk)).read_any_hello(&hello)) else { panic!("it is good") };
    let (_, reply) = verdict(heard.send_reply_with_rng(&mut TrustAnyone, &mut Rng::plain(11))).expect("a second message");
    arrived("message 2", &reply);
}

// With a signer elsewhere: the key is in another process, and the conversation's secrets are here.

pub fn elsewhere_initiator(suite: Suite) {
    let (holder, other) = (secret_identity(suite, 1), plain_identity(suite, 2));
    let me = Identity::elsewhere(holder.public());
    let (waiting, hello) = xx_hello(&me, suite, None);
    let reply = xx_reply(&other, suite, None, &hello);
    let read = verdict(waiting.read_reply(&reply)).expect("the message is good");
    let ready = verdict(read.prepare_finish(&mut TrustAnyone)).expect("anybody is trusted");
    let signature = verdict(holder.sign_with_rng(ready.to_sign(), &mut Rng::tainted(13))).expect("a signature");
    arrived("signature", &signature);
    let (channel, finish) = verdict(ready.finish(&signature)).expect("a third message");
    arrived("message 3", &finish);
    exported(&channel);
}

pub fn elsewhere_responder(suite: Suite) {
    let (holder, other) = (secret_identity(suite, 1), plain_identity(suite, 2));
    let me = Identity::elsewhere(holder.public());
    let (_, hello) = initiator(&other, suite, None).send_hello_with_rng(&mut Rng::plain(10)).expect("a first message");
    let heard = verdict(responder(&me, suite, None).read_hello(&hello)).expect("the message is good");
    let ready = verdict(heard.prepare_reply_with_rng(&mut Rng::tainted(11))).expect("half a message");
    let signature = verdict(holder.sign_with_rng(ready.to_sign(), &mut Rng::tainted(13))).expect("a signature");
    arrived("signature", &signature);
    let (_, reply) = verdict(ready.reply(&signature)).expect("a second message");
    arrived("message 2", &reply);
}

pub fn elsewhere_nx_responder(suite: Suite) {
    let holder = secret_identity(suite, 1);
    let me = Identity::elsewhere(holder.public());
    let (_, hello) = anonymous(suite, None).send_hello_with_rng(&mut Rng::plain(10)).expect("a first message");
    let Ok(Hello::Anonymous(heard)) = verdict(responder(&me, suite, None).read_any_hello(&hello)) else { panic!("it is good") };
    let ready = verdict(heard.prepare_reply_with_rng(&mut TrustAnyone, &mut Rng::tainted(11))).expect("half a message");
    let signature = verdict(holder.sign_with_rng(ready.to_sign(), &mut Rng::tainted(13))).expect("a signature");
    arrived("signature", &signature);
    let (channel, reply) = verdict(ready.reply(&signature)).expect("a second message");
    arrived("message 2", &reply);
    exported(&channel);
}
