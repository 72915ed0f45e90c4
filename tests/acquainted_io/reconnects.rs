//! A chat's own layer over a line that is cut again and again: what it numbers and acknowledges comes once, and in order.
//!
//! Alice sends numbered messages and repeats those that Bob has not acknowledged; Bob takes each number once. The library under them repeats nothing.

use crate::people::{ALL, PROLOGUE, Person};
use crate::pipe::{Pipe, pipe};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;
use twinlock::Pinned;
use twinlock::handshake::Pattern;
use twinlock::io::{Accept, Stream};

const CUTS: u64 = if cfg!(debug_assertions) { 60 } else { 1_000 };
/// Messages a connection may carry before it is closed in peace.
const BATCH: u64 = 8;

/// What Bob's side of the layer has.
#[derive(Default)]
struct Inbox {
    next: u64,
    taken: Vec<u64>,
    /// Everything that came, the repeated too.
    came: BTreeMap<u64, u32>,
}

/// Bob: a connection after the other, each until it breaks or closes.
fn listen(accept: &Accept, caller: twinlock::Fingerprint, lines: &Receiver<Pipe>, inbox: &Mutex<Inbox>) {
    for line in lines {
        let Ok(mut stream) = accept.accept(line, &mut Pinned(caller)) else { continue };
        while let Ok(Some(message)) = stream.recv() {
            let number = u64::from_be_bytes(message.try_into().unwrap());
            let next = {
                let mut inbox = inbox.lock().unwrap();
                *inbox.came.entry(number).or_default() += 1;
                if number == inbox.next {
                    inbox.taken.push(number);
                    inbox.next += 1;
                }
                inbox.next
            };
            if stream.send(&next.to_be_bytes()).is_err() {
                break;
            }
        }
        let _ = stream.finish();
    }
}

/// Alice over one connection: how far Bob has acknowledged.
fn speak(stream: &mut Stream<Pipe>, mut acknowledged: u64) -> u64 {
    let end = acknowledged + BATCH;
    while acknowledged < end {
        if stream.send(&acknowledged.to_be_bytes()).is_err() {
            return acknowledged;
        }
        match stream.recv() {
            Ok(Some(answer)) => acknowledged = u64::from_be_bytes(answer.try_into().unwrap()),
            _ => return acknowledged,
        }
    }
    acknowledged
}

/// SplitMix64: repeatable.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Forced reconnects with this seed: how many messages came, and how often a conversation began in which pattern.
fn run(seed: u64) -> (u64, BTreeMap<&'static str, u32>) {
    let (alice, bob) = (Person::alice(), Person::bob());
    let connect = alice.calling(&bob, &ALL);
    let (accept, caller, inbox) = (bob.listening(), alice.fingerprint(), Arc::new(Mutex::new(Inbox::default())));
    let (give, lines) = channel();
    let listening = {
        let inbox = Arc::clone(&inbox);
        thread::spawn(move || listen(&accept, caller, &lines, &inbox))
    };
    let mut random = seed;
    let mut below = |limit: u64| split_mix(&mut random) % limit;
    let (mut acknowledged, mut patterns, mut forced) = (0, BTreeMap::new(), 0);
    while forced < CUTS {
        let dial = || {
            let (a, b) = pipe();
            // Some in the handshake, some after it, some in neither direction before the batch is through.
            let limit = if below(4) == 0 { 20_000 } else { 4_000 };
            let victim = if below(2) == 0 { &a } else { &b };
            victim.controls().cut_after(below(limit));
            forced += 1;
            give.send(b).unwrap();
            Ok(a)
        };
        let Ok(mut stream) = connect.dial(dial, &mut Pinned(bob.fingerprint())) else { continue };
        *patterns.entry(stream.pattern().map_or("", Pattern::name)).or_default() += 1;
        let before = acknowledged;
        acknowledged = speak(&mut stream, acknowledged);
        assert!(acknowledged >= before);
    }
    drop(give);
    listening.join().unwrap();
    let inbox = inbox.lock().unwrap();
    // Exactly once and in order; and what was acknowledged did come.
    assert!(inbox.taken.iter().copied().eq(0..inbox.next) && acknowledged <= inbox.next, "{} of {}", acknowledged, inbox.next);
    assert!(inbox.next > forced / 4, "only {} messages in {forced} connections", inbox.next);
    // Repeated by this layer, at most once a connection each.
    assert!(inbox.came.keys().copied().eq(0..inbox.next));
    assert!(bob.reports().is_empty() && alice.reports().is_empty(), "{PROLOGUE:?}");
    (inbox.next, patterns)
}

#[test]
fn a_message_is_lost_doubled_or_out_of_order_when_the_line_is_cut() {
    let begin = Instant::now();
    for seed in [1, 2] {
        let (messages, patterns) = run(seed);
        println!("seed {seed}, {CUTS} cuts, {messages} messages: {patterns:?}");
        assert!(patterns.contains_key("resume") && patterns.contains_key("IK") && patterns.contains_key("XX"), "{patterns:?}");
    }
    println!("{:?}", begin.elapsed());
}
