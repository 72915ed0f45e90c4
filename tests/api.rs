//! What the types promise: what can move to another thread, what cannot be copied, and what shows no secret.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used)]

use std::fmt::Debug;
use twinlock::channel::{Channel, Conversation, Opener, Sealer};
use twinlock::handshake::{
    AnonymousInitiator, AwaitsFinish, AwaitsReply, FinishRead, FinishToSign, HelloRead, Initiator, Psk, ReplyRead, ReplyToSign, Responder,
};
use twinlock::io::{Accept, Connect, Reader, Stream, Writer};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Error, Fingerprint, Identity, PublicIdentity};

/// Whether a type implements a trait, asked so that a `no` compiles: the inherent constant is there only with the trait, and else the blanket one is taken.
macro_rules! implements {
    ($type:ty, $($bound:tt)+) => {{
        #[allow(dead_code)]
        trait Otherwise {
            const YES: bool = false;
        }
        impl<T: ?Sized> Otherwise for T {}
        struct Asked<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $($bound)+> Asked<T> {
            const YES: bool = true;
        }
        <Asked<$type>>::YES
    }};
}

macro_rules! for_each {
    ($check:ident: $($type:ty),+ $(,)?) => { $($check!($type);)+ };
}

#[test]
fn a_state_cannot_wait_in_another_thread() {
    macro_rules! movable {
        ($type:ty) => {
            assert!(implements!($type, Send + 'static), "{}", stringify!($type));
        };
    }
    for_each!(movable: Initiator, AwaitsReply, ReplyRead, FinishToSign, AnonymousInitiator, Responder, HelloRead, ReplyToSign, AwaitsFinish, FinishRead);
    for_each!(movable: Channel, Sealer, Opener, Conversation, Identity, PublicIdentity, Psk, Connect, Accept);
    for_each!(movable: Stream<std::net::TcpStream>, Reader<std::net::TcpStream>, Writer<std::net::TcpStream>);
    assert!(implements!(Identity, Sync) && implements!(PublicIdentity, Sync) && implements!(Psk, Sync));
}

#[test]
fn a_secret_or_a_state_can_be_copied_or_compared() {
    macro_rules! single {
        ($type:ty) => {
            assert!(!implements!($type, Clone), "{} is Clone", stringify!($type));
            assert!(!implements!($type, PartialEq), "{} is PartialEq", stringify!($type));
        };
    }
    for_each!(single: Initiator, AwaitsReply, ReplyRead, FinishToSign, AnonymousInitiator, Responder, HelloRead, ReplyToSign, AwaitsFinish, FinishRead);
    for_each!(single: Channel, Sealer, Opener, Conversation, Identity, Psk, Stream<std::net::TcpStream>);
    // The question itself can be answered with yes.
    assert!(implements!(PublicIdentity, Clone) && implements!(Fingerprint, PartialEq));
}

#[test]
fn an_error_grows_or_cannot_be_copied() {
    assert!(implements!(Error, Copy));
    assert!(size_of::<Error>() <= 4);
}

/// Hex and decimal, as `Debug` writes bytes, of every window of four bytes.
fn shows(text: &str, secret: &[u8]) -> bool {
    secret.windows(4).any(|window| {
        let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
        let list: Vec<String> = window.iter().map(ToString::to_string).collect();
        text.contains(&hex) || text.contains(&list.join(", "))
    })
}

#[test]
fn debug_output_shows_a_key() {
    let mut texts = Vec::new();
    let mut look = |value: &dyn Debug| texts.push(format!("{value:?} {value:#?}"));
    let (a, b) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let mut bytes = [0xC5; 32];
    let psk = Psk::take(&mut bytes);
    let secrets = [a.secret_bytes().unwrap().to_vec(), b.secret_bytes().unwrap().to_vec(), psk.expose().to_vec()];

    let initiator = Initiator::new(&a, b"api").psk(&psk);
    let responder = Responder::new(&b, b"api").psk(&psk);
    look(&(&a, &psk));
    look(&(&initiator, &responder));
    let (alice, hello) = initiator.send_hello().unwrap();
    let bob = responder.read_hello(&hello).unwrap();
    look(&(&alice, &bob));
    let (bob, reply) = bob.send_reply().unwrap();
    let alice = alice.read_reply(&reply).unwrap();
    look(&(&alice, &bob));
    let (alice, finish) = alice.send_finish(&mut TrustAnyone).unwrap();
    let bob = bob.read_finish(&finish).unwrap();
    look(&(&alice, &bob));
    let (sealer, opener, conversation) = alice.into_halves();
    look(&(&sealer, &opener, &conversation));

    assert!(shows("Psk([197, 197, 197, 197])", psk.expose()) && shows("c5c5c5c5", psk.expose()));
    for (text, secret) in texts.iter().flat_map(|text| secrets.iter().map(move |secret| (text, secret))) {
        assert!(!shows(text, secret), "{text}");
    }
    // Each state's text is its name, or its public facts; so nothing derived can stand in it either.
    assert!(texts.iter().all(|text| text.len() < 1200), "{texts:#?}");
}

#[test]
fn a_psk_taken_over_stays_where_it_stood() {
    let mut bytes = [7; 32];
    let psk = Psk::take(&mut bytes);
    assert_eq!((bytes, psk.expose()), ([0; 32], &[7; 32]));
}
