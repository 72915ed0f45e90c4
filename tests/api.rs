//! What the types promise: who may move to another thread, what cannot be copied or compared, what a debug print shows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

mod support;

use std::fmt::Debug;
use std::hash::Hash;
use std::mem::size_of;
use support::acquainted::{self, Meeting, Waits};
use support::pair::{self, Answered, Ends, PATTERNS, Waiting, psk};
use support::rng::Seeded;
use twinlock::channel::{Conversation, OpenOffer, Opener, OwnOffer, PeerOffer, Record, Resumption, Sealer};
use twinlock::handshake::{
    AcquaintedAwaitsReply, AcquaintedHello, AcquaintedInitiator, AcquaintedReplyRead, AnonymousAwaitsReply, AnonymousHello,
    AnonymousInitiator, AnonymousReplyRead, AnonymousReplyToSign, AnyHello, AwaitsConfirm, AwaitsFinish, AwaitsReply, Confirmed, Decoys,
    Early, FinishRead, FinishToSign, Full, Hello, HelloRead, Initiator, Pattern, Psk, Rejected, Removed, ReplyRead, ReplyToSign, Responder,
    ResumeAccepted, ResumeAwaitsReply, ResumeInitiator, ResumeJudged, ResumeRead, ResumeReplyRead, ToAnybody, ToHolder, Unproved,
};
use twinlock::identity::{Bundle, Peer, SignatureAlgorithm, StaticKey, StaticKeyToSign, ToSign};
use twinlock::trust::{Anonymous, danger::TrustAnyone};
use twinlock::{Channel, Distrust, Error, Fingerprint, Identity, Pinned, PublicIdentity, Refusal, SecretBytes, Suite};

fn alice() -> &'static Identity {
    pair::alice(Suite::default())
}

fn bob() -> &'static Identity {
    pair::bob(Suite::default())
}

/// Whether the type has the trait: an inherent constant, where its bound holds, goes before a trait's.
macro_rules! has {
    ($type:ty: $($bound:tt)+) => {{
        #[allow(dead_code, reason = "one of the two is used")]
        trait Lacks {
            const HAS: bool = false;
        }
        #[allow(dead_code, reason = "only its constant is used")]
        struct Probe<T>(T);
        impl<T> Lacks for Probe<T> {}
        #[allow(dead_code, reason = "one of the two is used")]
        impl<T: $($bound)+> Probe<T> {
            const HAS: bool = true;
        }
        <Probe<$type>>::HAS
    }};
}

#[test]
fn the_probe_cannot_fail() {
    assert!(has!(Fingerprint: Copy) && has!(Vec<u8>: Clone) && has!(u8: Send + Sync + 'static));
    assert!(!has!(Vec<u8>: Copy) && !has!(std::rc::Rc<u8>: Send) && !has!(std::cell::Cell<u8>: Sync));
}

/// Runs a check on every type that holds a secret.
macro_rules! for_secrets {
    ($check:ident) => {
        $check!(
            Identity Psk Channel Conversation Sealer Opener OwnOffer OpenOffer
            Initiator AwaitsReply ReplyRead FinishToSign AnonymousInitiator AnonymousAwaitsReply AnonymousReplyRead
            Responder Hello HelloRead ReplyToSign AwaitsFinish FinishRead AnonymousHello AnonymousReplyToSign
            StaticKey StaticKeyToSign SecretBytes Resumption Decoys AnyHello
            AcquaintedInitiator AcquaintedAwaitsReply AcquaintedReplyRead AcquaintedHello AwaitsConfirm Confirmed
            ResumeInitiator ResumeJudged ResumeAwaitsReply ResumeReplyRead ResumeRead Removed ResumeAccepted
        )
    };
}

/// A copy of a state is a second use of its keys; a comparison of secrets that stops early tells where they differ.
#[test]
fn a_secret_can_be_copied_or_compared() {
    macro_rules! check {
        ($($type:ty)*) => {$(
            assert!(!has!($type: Clone), concat!(stringify!($type), " can be cloned"));
            assert!(!has!($type: PartialEq), concat!(stringify!($type), " can be compared"));
            assert!(!has!($type: PartialOrd), concat!(stringify!($type), " can be ordered"));
            assert!(!has!($type: Hash), concat!(stringify!($type), " can be hashed"));
            assert!(!has!($type: Default), concat!(stringify!($type), " comes from nowhere"));
            assert!(!has!($type: AsRef<[u8]>), concat!(stringify!($type), " gives its bytes to whoever asks for some"));
            assert!(!has!($type: std::fmt::Display), concat!(stringify!($type), " can be shown"));
        )*};
    }
    for_secrets!(check);
}

/// A state can wait for a person in one thread and go on in another; a half can run in its own.
#[test]
fn a_state_is_bound_to_its_thread() {
    macro_rules! check {
        ($($type:ty)*) => {$(
            assert!(has!($type: Send + 'static), concat!(stringify!($type), " cannot move to another thread"));
            assert!(has!($type: Debug), concat!(stringify!($type), " cannot be printed"));
        )*};
    }
    for_secrets!(check);
    check!(PeerOffer Rejected Peer PublicIdentity ToSign Unproved ToAnybody Full ToHolder Early Bundle Error);
    // What several threads use at once.
    assert!(has!(StaticKey: Sync) && has!(Bundle: Sync) && has!(Decoys: Sync) && has!(Resumption: Sync));
    assert!(has!(Identity: Sync) && has!(Psk: Sync) && has!(Conversation: Sync) && has!(PublicIdentity: Sync));
}

/// Errors are small and copied: `Result`s stay small, and nothing is borrowed from what failed.
#[test]
fn an_error_is_large_or_holds_something() {
    assert!(has!(Error: Copy + Eq + Hash + Send + Sync + 'static) && size_of::<Error>() <= 12);
    assert!(has!(Distrust: Copy) && size_of::<Distrust>() == 1 && has!(Refusal: Copy) && size_of::<Refusal>() == 1);
    assert!(has!(Error: std::error::Error) && has!(Rejected: std::error::Error) && has!(Distrust: std::error::Error));
    assert!(size_of::<Result<(), Error>>() <= 12);
    assert!(has!(Suite: Copy) && has!(Pattern: Copy) && has!(SignatureAlgorithm: Copy));
}

/// Every error says something to a person, and no two the same.
#[test]
fn an_error_says_nothing_or_the_same_as_another() {
    let all = [
        Error::Randomness,
        Error::TooLong,
        Error::WrongKind,
        Error::WrongIdentity { has: 1, needs: 2 },
        Error::UnknownSuite { id: 9 },
        Error::SuiteNotNamed,
        Error::SuiteNotAllowed { asked: 2, allowed: [1, 3].into_iter().collect() },
        Error::InvalidKey,
        Error::InvalidFingerprint,
        Error::SignerElsewhere,
        Error::InvalidTimes,
        Error::OutOfDate,
        Error::NotResumable,
        Error::ClockBehind,
        Error::Store,
        Error::Untrusted(Distrust::NotExpected),
        Error::Untrusted(Distrust::Unknown),
        Error::Untrusted(Distrust::ChangedKey),
        Error::Untrusted(Distrust::Anonymous),
        Error::Untrusted(Distrust::WeakerSuite),
        Error::Untrusted(Distrust::SuiteNotAllowed),
        Error::Untrusted(Distrust::Declined),
        Error::Untrusted(Distrust::StoreFailed),
        Error::RefusedByPeer(Refusal::Version),
        Error::RefusedByPeer(Refusal::Pattern),
        Error::RefusedByPeer(Refusal::Suite),
        Error::RefusedByPeer(Refusal::Busy),
        Error::RefusedByPeer(Refusal::Refused),
        Error::RefusedByUs(Refusal::Busy),
        Error::MessageTooLong,
        Error::MessageAborted,
        Error::Malformed,
        Error::Authentication,
        Error::Truncated,
        Error::TimedOut,
        Error::Unrenewed,
        Error::KeyExhausted,
        Error::Closed,
        Error::Ended,
    ];
    let mut texts: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert!(texts.iter().all(|text| text.len() > 10));
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), all.len());
}

/// The states of a run under these seeds, printed both ways.
fn printed(pattern: Pattern, seeds: [u64; 2]) -> Vec<String> {
    let mut found = Vec::new();
    let mut print = |value: &dyn Debug| found.extend([format!("{value:?}"), format!("{value:#?}")]);
    let ends = Ends::seeded(Suite::default(), pattern, seeds);
    let rng = &mut Seeded::new(seeds[0] ^ seeds[1]);
    let (waiting, hello) = ends.hello();
    print(&ends.listening());
    let heard = ends.listening().read_any_hello(&hello).unwrap();
    print(&heard);
    match (heard, waiting) {
        (Hello::Identified(heard), Waiting::Identified(waiting)) => {
            print(&Initiator::new(alice(), b"").psk(&psk(seeds[0] as u8)));
            print(&waiting);
            print(&heard);
            let ready = heard.prepare_reply_with_rng(rng).unwrap();
            print(&ready);
            print(ready.to_sign());
            let signature = bob().sign_with_rng(ready.to_sign(), rng).unwrap();
            let (awaits, reply) = ready.reply(&signature).unwrap();
            print(&awaits);
            let read = waiting.read_reply(&reply).unwrap();
            print(&read);
            print(read.peer());
            let ready = read.prepare_finish(&mut Pinned(bob().fingerprint())).unwrap();
            print(&ready);
            let signature = alice().sign_with_rng(ready.to_sign(), rng).unwrap();
            let (channel, finish) = ready.finish(&signature).unwrap();
            print(&channel);
            let read = awaits.read_finish(&finish).unwrap();
            print(&read);
            print(read.payload());
            print(&read.into_channel(&mut TrustAnyone).unwrap());
        }
        (Hello::Anonymous(heard), Waiting::Anonymous(waiting)) => {
            print(&AnonymousInitiator::new(b"").psk(&psk(seeds[0] as u8)));
            print(&waiting);
            print(&heard);
            print(heard.payload());
            let ready = heard.prepare_reply_with_rng(&mut Anonymous, rng).unwrap();
            print(&ready);
            let signature = bob().sign_with_rng(ready.to_sign(), rng).unwrap();
            let (channel, reply) = ready.reply(&signature).unwrap();
            print(&channel);
            let read = waiting.read_reply(&reply).unwrap();
            print(&read);
            print(&read.into_channel(&mut TrustAnyone).unwrap());
        }
        _ => panic!("another pattern than was asked for"),
    }
    for channel in ends.meet().0 {
        let (mut sealer, mut opener, conversation) = channel.into_halves();
        print(&conversation);
        let offer = opener.make_offer(rng).unwrap().unwrap();
        print(&offer);
        sealer.send_offer(offer);
        sealer.control(&mut Vec::new()).unwrap();
        print(&sealer);
        print(&opener);
    }
    print(&psk(seeds[0] as u8));
    found
}

/// The states between acquaintances under these seeds.
fn printed_between_acquaintances(pattern: Pattern, seeds: [u64; 2]) -> Vec<String> {
    let mut found = Vec::new();
    let mut print = |value: &dyn Debug| found.extend([format!("{value:?}"), format!("{value:#?}")]);
    let mut meeting = Meeting::new(Suite::default(), pattern);
    if pattern == Pattern::Resume {
        print(&meeting.resume_initiator());
        print(&meeting.resume_initiator().judge(&mut TrustAnyone).unwrap());
    } else {
        print(&meeting.initiator());
    }
    print(acquainted::decoys().as_ref());
    meeting.seeds = seeds;
    let (waits, hello) = meeting.hello();
    let any = meeting.listening().read_hello_with(&hello, &meeting.books[1]).unwrap();
    print(&any);
    match (any, waits) {
        (AnyHello::Acquainted(heard), Waits::Ik(waits)) => {
            print(&heard);
            print(&waits);
            let (awaits, reply) = heard.send_reply_with_rng(&mut Seeded::new(seeds[1])).unwrap();
            print(&awaits);
            let read = waits.read_reply(&reply).unwrap();
            print(&read);
            print(read.payload());
            let confirm = read.send_confirm(&mut TrustAnyone).unwrap().1;
            print(&awaits.read_confirm(&confirm).unwrap());
        }
        (AnyHello::Resume(read), Waits::Resume(waits)) => {
            print(&read);
            print(&waits);
            let removed = read.remove(&mut meeting.books[1]).unwrap();
            print(&removed);
            let accepted = removed.judge(&mut TrustAnyone).unwrap();
            print(&accepted);
            print(accepted.early_data());
            let (_, reply) = accepted.send_reply_with_rng(&mut Seeded::new(seeds[1])).unwrap();
            print(&waits.read_reply(&reply).unwrap());
        }
        _ => panic!("another pattern than was asked for"),
    }
    found
}

#[test]
fn a_debug_print_between_acquaintances_shows_a_secret() {
    for pattern in [Pattern::Ik, Pattern::IkPsk0, Pattern::Resume] {
        let (one, other) = (printed_between_acquaintances(pattern, [1, 2]), printed_between_acquaintances(pattern, [3, 4]));
        assert!(one.len() > 12 && one == other);
        assert!(one.iter().all(|text| !text.contains('[')));
    }
}

/// What differs in its secrets alone prints alike: no byte of a secret shows. (A hash that is to be signed is no secret, and does show.)
#[test]
fn a_debug_print_shows_a_secret() {
    for pattern in PATTERNS {
        let (one, other) = (printed(pattern, [1, 2]), printed(pattern, [3, 4]));
        assert!(one.len() > 30);
        for (one, other) in one.iter().zip(&other).filter(|(one, _)| !one.starts_with("ToSign")) {
            assert_eq!(one, other);
            // Nor is a list of bytes printed, were they the same by chance.
            assert!(!one.contains('['), "{one}");
        }
    }
}

#[test]
fn an_identity_prints_its_secret() {
    let [secret, other] =
        [1, 2].map(|seed| Identity::generate_with_rng(SignatureAlgorithm::MlDsa65Ed25519, &mut Seeded::new(seed)).unwrap());
    assert_eq!(format!("{secret:?}"), format!("Identity({})", secret.fingerprint()));
    assert_eq!(format!("{:?}", secret.public()), format!("PublicIdentity({})", secret.fingerprint()));
    assert_ne!(format!("{secret:?}"), format!("{other:?}"));
    assert_eq!(format!("{:?}", psk(1)), "Psk(..)");
}

/// The refusal that is sent shows; nothing else of the state that it came from.
#[test]
fn a_rejection_prints_more_than_what_it_sends() {
    let ends = Ends::new(Suite::default(), Pattern::Xx);
    let (Answered::Identified(awaits), _) = ends.reply(&ends.hello().1).unwrap() else { panic!() };
    let rejected = ends.listening().busy(true).read_hello(&ends.hello().1).unwrap_err();
    assert_eq!(format!("{rejected:?}"), "Rejected { error: RefusedByUs(Busy), answer: [0, 1, 4] }");
    assert_eq!(rejected.to_string(), "refused: it is busy; try again later");
    assert_eq!(Error::from(rejected), Error::RefusedByUs(Refusal::Busy));
    assert_eq!(format!("{awaits:?}"), "AwaitsFinish(..)");
}

/// What a log shows of a channel: whom it is with and how far they are trusted, and not nothing.
#[test]
fn a_channel_prints_nothing() {
    let ends = Ends::new(Suite::Level3Aes, Pattern::Xx);
    let (channel, _) = ends.meet();
    let channel = channel.into_iter().next().unwrap();
    let peer = format!("peer: {:?}", channel.peer());
    assert!(peer.contains(&bob().fingerprint().to_string()), "{peer}");
    assert_eq!(format!("{channel:?}"), format!("Channel {{ {peer}, .. }}"));
    assert_eq!(format!("{:?}", channel.conversation()), format!("Conversation {{ {peer}, trusted: Pinned, .. }}"));
    assert_eq!(channel.conversation().suite(), Suite::Level3Aes);
}

/// Hex and decimal, as bytes are printed, of every window of four bytes.
fn shows(text: &str, secret: &[u8]) -> bool {
    secret.windows(4).any(|window| {
        let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
        let list: Vec<String> = window.iter().map(ToString::to_string).collect();
        text.to_lowercase().contains(&hex) || text.contains(&list.join(", "))
    })
}

/// The secrets that all these runs have in common stand in none of their prints.
#[test]
fn a_debug_print_shows_an_identitys_secret_or_a_psk() {
    let secrets = [alice().secret_bytes().unwrap().to_vec(), bob().secret_bytes().unwrap().to_vec(), psk(7).expose().to_vec()];
    assert!(shows("Psk([7, 7, 7, 7])", &secrets[2]) && shows("Psk(0x07070707)", &secrets[2]));
    for text in PATTERNS.into_iter().flat_map(|pattern| printed(pattern, [1, 2])).filter(|text| !text.starts_with("ToSign")) {
        assert!(secrets.iter().all(|secret| !shows(&text, secret)), "{text}");
    }
}

#[test]
fn a_psk_that_was_taken_over_stays_where_it_stood() {
    let mut bytes = [7; 32];
    let psk = Psk::take(&mut bytes);
    assert_eq!((bytes, psk.expose()), ([0; 32], &[7; 32]));
}

/// Payloads are the application's: they print their length alone.
#[test]
fn a_payload_is_printed() {
    assert_eq!(format!("{:?}", Unproved::from(b"words".to_vec())), "Unproved(5 bytes)");
    assert_eq!(format!("{:?}", ToAnybody::from(vec![])), "ToAnybody(0 bytes)");
    assert_eq!(format!("{:?}", Full::from(vec![1])), "Full(1 bytes)");
    assert_eq!(format!("{:?}", ToHolder::from(vec![1, 2])), "ToHolder(2 bytes)");
    assert_eq!(format!("{:?}", Early::from(vec![])), "Early(0 bytes)");
}

/// Halves of one channel, each in its own thread, at the same time.
#[test]
fn a_half_cannot_run_in_its_own_thread() {
    let ([a, b], _) = Ends::new(Suite::default(), Pattern::Nx).meet();
    let (mut a_seals, mut a_opens, _) = a.into_halves();
    let (mut b_seals, mut b_opens, _) = b.into_halves();
    let (to_b, from_a) = std::sync::mpsc::channel::<Vec<u8>>();
    let (to_a, from_b) = std::sync::mpsc::channel::<Vec<u8>>();
    let seals = |sealer: &mut Sealer, wire: &std::sync::mpsc::Sender<Vec<u8>>| {
        for round in 0..100u32 {
            let mut frame = Vec::new();
            sealer.end(&round.to_be_bytes(), &mut frame).unwrap();
            wire.send(frame).unwrap();
        }
    };
    let opens = |opener: &mut Opener, wire: std::sync::mpsc::Receiver<Vec<u8>>| {
        for (round, mut frame) in (0..100u32).zip(wire) {
            assert_eq!(opener.open(&mut frame).unwrap(), Record::End(&round.to_be_bytes()));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| seals(&mut a_seals, &to_b));
        scope.spawn(|| seals(&mut b_seals, &to_a));
        scope.spawn(|| opens(&mut b_opens, from_a));
        scope.spawn(|| opens(&mut a_opens, from_b));
    });
}

#[cfg(feature = "std")]
mod io {
    use super::*;
    use std::net::TcpStream;
    use twinlock::KnownPeers;
    use twinlock::io::{Accept, Bytes, Connect, Gate, Reader, Stream, Writer};

    #[test]
    fn a_stream_is_bound_to_its_thread_or_can_be_copied() {
        macro_rules! check {
            ($($type:ty)*) => {$(
                assert!(has!($type: Send + 'static), concat!(stringify!($type), " cannot move to another thread"));
                assert!(has!($type: Debug), concat!(stringify!($type), " cannot be printed"));
                assert!(!has!($type: Clone), concat!(stringify!($type), " can be cloned"));
                assert!(!has!($type: PartialEq), concat!(stringify!($type), " can be compared"));
            )*};
        }
        check!(Stream<TcpStream> Reader<TcpStream> Writer<TcpStream> Bytes<Stream<TcpStream>> Connect Accept KnownPeers twinlock::io::Error);
        assert!(has!(Connect: Sync) && has!(Accept: Sync) && has!(Gate: Clone + Send + Sync));
        assert!(has!(twinlock::io::Error: std::error::Error + Send + Sync + 'static));
    }

    #[test]
    fn a_setting_prints_its_psk() {
        let print = |byte| {
            let psk = psk(byte);
            format!("{:?}{:#?}", Connect::new(alice(), b"x").psk(&psk), Accept::new(bob(), b"x").psk(&psk))
        };
        assert_eq!(print(1), print(2));
        assert!(!print(1).contains("1, 1"));
    }
}
