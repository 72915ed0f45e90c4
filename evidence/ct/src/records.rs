//! The channel: records sealed and opened, keys renewed, the exporter. The tested side's keys are undefined, and what it says is too.

use crate::scene::{PROLOGUE, channels, exported, plain_channels, plain_identity, plain_static_key};
use crate::taint::{Rng, arrived, is_tainted, public, secret_bytes, verdict};
use twinlock::channel::{CloseCode, Opener, Padding, Record, Sealer};
use twinlock::handshake::{Initiator, Responder};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Channel, Suite};

/// Bytes before a record's content: the frame's length, the type, the content's length.
const CONTENT_AT: usize = 5;

struct Scene {
    sealer: Sealer,
    opener: Opener,
    others_sealer: Sealer,
    others_opener: Opener,
}

fn scene((tested, other): (Channel, Channel)) -> Scene {
    let ((sealer, opener, _), (others_sealer, others_opener, _)) = (tested.into_halves(), other.into_halves());
    Scene { sealer, opener, others_sealer, others_opener }
}

/// What `fill` seals, as one frame, looked at and then public.
fn sealed(what: &'static str, sealer: &mut Sealer, fill: impl FnOnce(&mut Sealer, &mut Vec<u8>) -> Result<(), twinlock::Error>) -> Vec<u8> {
    let mut frame = Vec::new();
    fill(sealer, &mut frame).expect("it seals");
    arrived(what, &frame);
    frame
}

fn made(sealer: &mut Sealer, fill: impl FnOnce(&mut Sealer, &mut Vec<u8>) -> Result<(), twinlock::Error>) -> Vec<u8> {
    let mut frame = Vec::new();
    fill(sealer, &mut frame).expect("it seals");
    frame
}

/// Opens with undefined keys; of a piece of a message the content is looked at.
fn opened(opener: &mut Opener, frame: &[u8], content: usize) {
    let mut frame = frame.to_vec();
    drop(verdict(opener.open(&mut frame)).expect("the record is good"));
    if content > 0 {
        arrived("content", &frame[CONTENT_AT..CONTENT_AT + content]);
    }
}

pub fn seal(suite: Suite) {
    let mut scene = scene(channels(suite, 20));
    let content = secret_bytes::<500>(21);
    let (sealer, other) = (&mut scene.sealer, &mut scene.others_opener);
    let mut read = |frame: Vec<u8>| drop(other.open(&mut frame.clone()).expect("the other side reads it"));
    read(sealed("data", sealer, |sealer, out| sealer.data(&content, out)));
    read(sealed("end", sealer, |sealer, out| sealer.end(&content, out)));
    read(sealed("message", sealer, |sealer, out| sealer.message(&content, out)));
    sealer.set_padding(Padding::Padme);
    read(sealed("padded", sealer, |sealer, out| sealer.end(&content, out)));
    sealer.set_padding(Padding::Multiple(256));
    read(sealed("data", sealer, |sealer, out| sealer.data(&content, out)));
    read(sealed("abort", sealer, |sealer, out| sealer.abort(out)));
    sealer.ping(7);
    read(sealed("ping", sealer, Sealer::control));
    sealer.answer_ping(8);
    read(sealed("pong", sealer, Sealer::control));
    read(sealed("key update", sealer, Sealer::key_update));
    read(sealed("end under the next key", sealer, |sealer, out| sealer.end(&content, out)));
    read(sealed("close", sealer, |sealer, out| sealer.close(CloseCode::Done, "bye", out)));
}

/// Our bundle, by a side that has an identity.
pub fn bundle(suite: Suite) {
    let (me, you) = (plain_identity(suite, 26), plain_identity(suite, 27));
    let (waiting, hello) = Initiator::new(&me, PROLOGUE).suite(suite).send_hello_with_rng(&mut Rng::tainted(28)).expect("a first message");
    public(&hello);
    let heard = Responder::new(&you, PROLOGUE).suites(&[suite]).read_hello(&hello).expect("the message is good");
    let (awaits, reply) = heard.send_reply_with_rng(&mut Rng::plain(29)).expect("a second message");
    let read = verdict(waiting.read_reply(&reply)).expect("the message is good");
    let (tested, finish) = verdict(read.send_finish_with_rng(&mut TrustAnyone, &mut Rng::plain(30))).expect("a third message");
    public(&finish);
    let other = awaits.read_finish(&finish).expect("the message is good").into_channel(&mut TrustAnyone).expect("anybody is trusted");
    let mut scene = scene((tested, other));
    let key = plain_static_key(&me, suite, 1, 31);
    scene.sealer.bundle(key.bundle()).expect("it is our own");
    let mut frame = sealed("bundle", &mut scene.sealer, Sealer::control);
    assert!(matches!(scene.others_opener.open(&mut frame), Ok(Record::Bundle(_))), "no bundle");
}

pub fn open(suite: Suite) {
    let mut scene = scene(channels(suite, 20));
    let (sealer, opener) = (&mut scene.others_sealer, &mut scene.opener);
    opened(opener, &made(sealer, |sealer, out| sealer.data(&[5; 300], out)), 300);
    opened(opener, &made(sealer, |sealer, out| sealer.end(&[6; 20], out)), 20);
    sealer.set_padding(Padding::Padme);
    opened(opener, &made(sealer, |sealer, out| sealer.data(&[7; 1000], out)), 1000);
    opened(opener, &made(sealer, |sealer, out| sealer.abort(out)), 0);
    sealer.ping(7);
    opened(opener, &made(sealer, Sealer::control), 0);
    sealer.answer_ping(8);
    opened(opener, &made(sealer, Sealer::control), 0);
    opened(opener, &made(sealer, Sealer::key_update), 0);
    opened(opener, &made(sealer, |sealer, out| sealer.end(&[9; 40], out)), 40);
    opened(opener, &made(sealer, |sealer, out| sealer.close(CloseCode::Done, "bye", out)), 0);
}

pub fn open_changed(suite: Suite) {
    for place in [2, 100, 320] {
        let mut scene = scene(channels(suite, 20));
        let mut frame = made(&mut scene.others_sealer, |sealer, out| sealer.end(&[5; 300], out));
        let last = frame.len() - 1;
        frame[place.min(last)] ^= 1;
        assert!(verdict(scene.opener.open(&mut frame)).is_err(), "a changed record was opened");
        // What was not authentic is not decrypted.
        assert!(!is_tainted(&frame), "bytes that depend on the key were left in a record that is not authentic");
    }
}

/// We offer, the peer answers, and its direction goes on under another key. The old one is not undefined here, the secrets of the offer alone are: else the
/// lengths in the answer would be too, and what is done with them would hide what is done with the secrets.
pub fn rekey_offered(suite: Suite) {
    let mut by_opener = scene(plain_channels(suite, 20));
    let offer = by_opener.opener.make_offer(&mut Rng::tainted(22)).expect("a key pair").expect("none is open");
    by_opener.sealer.send_offer(offer);
    answered(&mut by_opener);
    let mut by_sealer = scene(plain_channels(suite, 20));
    let open = by_sealer.sealer.make_offer(&mut Rng::tainted(23)).expect("a key pair").expect("none is open");
    by_sealer.opener.await_answer(open);
    answered(&mut by_sealer);
}

fn answered(scene: &mut Scene) {
    let mut frame = sealed("offer", &mut scene.sealer, Sealer::control);
    let Ok(Record::Offer(offer)) = scene.others_opener.open(&mut frame) else { panic!("no offer") };
    scene.others_sealer.answer_offer(offer, &mut Rng::plain(24)).expect("an answer");
    opened(&mut scene.opener, &made(&mut scene.others_sealer, Sealer::control), 0);
    opened(&mut scene.opener, &made(&mut scene.others_sealer, |sealer, out| sealer.end(&[5; 300], out)), 300);
}

/// The peer offers, we answer. As above.
pub fn rekey_answered(suite: Suite) {
    let mut scene = scene(plain_channels(suite, 20));
    let offer = scene.others_opener.make_offer(&mut Rng::plain(22)).expect("a key pair").expect("none is open");
    scene.others_sealer.send_offer(offer);
    let mut frame = made(&mut scene.others_sealer, Sealer::control);
    let Record::Offer(offer) = verdict(scene.opener.open(&mut frame)).expect("the record is good") else { panic!("no offer") };
    verdict(scene.sealer.answer_offer(offer, &mut Rng::tainted(23))).expect("an answer");
    let read = |opener: &mut Opener, frame: Vec<u8>| drop(opener.open(&mut frame.clone()).expect("the other side reads it"));
    read(&mut scene.others_opener, sealed("rekey", &mut scene.sealer, Sealer::control));
    read(&mut scene.others_opener, sealed("end", &mut scene.sealer, |sealer, out| sealer.end(&secret_bytes::<300>(25), out)));
}

pub fn export(suite: Suite) {
    exported(&channels(suite, 20).0);
}
