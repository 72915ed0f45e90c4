//! Conversations over a cable that is cut: nothing is lost, nothing is doubled, and nobody else gets in.

use crate::cable::{Cable, Cut};
use crate::person::{Person, friends};
use crate::program::Program;
use std::fs;
use std::thread;
use std::time::Duration;
use twinlock::trust::Met;

/// Pattern numbers of a first message.
const IK: u8 = 5;
const RESUME: u8 = 7;

/// Bob calls Alice, over a cable, and they talk.
pub(crate) fn talking_over_a_cable(alice: &Person, bob: &Person, listen: &[&str], connect: &[&str]) -> (Program, Program, Cable) {
    let (mut listening, address) = alice.listen_with(listen);
    let cable = Cable::to(&address);
    let mut calling = bob.start(&[&["connect", &cable.address, "--name", "Alice"], connect].concat());
    listening.await_line("has accepted you");
    calling.await_line("has accepted you");
    (listening, calling, cable)
}

/// A word each way, after which each has the other's bundle.
fn exchange(listening: &mut Program, calling: &mut Program, word: &str) {
    calling.type_line(&format!("{word} from Bob"));
    listening.await_line(&format!("Bob: {word} from Bob"));
    listening.type_line(&format!("{word} from Alice"));
    calling.await_line(&format!("Alice: {word} from Alice"));
    calling.type_line("/ping");
    calling.await_line("is there:");
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Somewhere in the handshake (of `resume`: 1,200 bytes each way), at the beginning, or in what is said then.
fn anywhere(random: &mut u64) -> Cut {
    let bytes = split_mix(random) % if split_mix(random).is_multiple_of(2) { 1_500 } else { 4_000 };
    if split_mix(random).is_multiple_of(2) { Cut::ToListener(bytes) } else { Cut::ToCaller(bytes) }
}

/// Both type while the cable is cut at random places. Verified, so that whatever is cut they go on by themselves.
fn a_conversation_with_cuts(seed: u64, cuts: usize) {
    let (alice, bob) = friends();
    bob.known().set_verified(alice.print).unwrap();
    let (mut listening, mut calling, cable) = talking_over_a_cable(&alice, &bob, &[], &[]);
    exchange(&mut listening, &mut calling, "hello");
    let mut random = seed;
    let plan: Vec<Cut> = (0..cuts).map(|_| anywhere(&mut random)).collect();
    println!("seed {seed}: {plan:?}");
    cable.plan(&plan);
    cable.cut(false);
    let mut said = 0;
    while cable.left() > 0 {
        for program in [&mut listening, &mut calling] {
            program.type_line(&format!("{said} {}", "x".repeat(usize::try_from(split_mix(&mut random) % 300).unwrap())));
        }
        said += 1;
        assert!(said < 4_000, "seed {seed}: it does not come back");
        thread::sleep(Duration::from_millis(20));
    }
    let calling = calling.finish();
    let listening = listening.finish();
    for (one, out) in [("Alice", &calling.out), ("Bob", &listening.out)] {
        let heard: Vec<u64> = out.lines().skip(1).map(|line| line.split(' ').nth(1).unwrap().parse().unwrap()).collect();
        assert!(heard.iter().copied().eq(0..said), "seed {seed}, of {one}: {heard:?} of {said}\n{}\n{}", calling.err, listening.err);
    }
    assert!(calling.err.contains("back with Alice by "), "seed {seed}: {}", calling.err);
    println!("seed {seed}: {said} texts each way; patterns {:?}", cable.patterns());
}

#[test]
fn a_text_is_lost_or_doubled_when_the_cable_is_cut_anywhere() {
    thread::scope(|scope| [1, 2, 3, 4].map(|seed| scope.spawn(move || a_conversation_with_cuts(seed, 8))).map(|one| one.join().unwrap()));
}

#[test]
fn a_text_is_doubled_after_a_cut() {
    let (alice, bob) = friends();
    let (mut listening, mut calling, cable) = talking_over_a_cable(&alice, &bob, &[], &[]);
    exchange(&mut listening, &mut calling, "hello");
    cable.cut(false);
    calling.await_line("the connection was cut; trying again");
    calling.type_line("typed meanwhile");
    listening.type_line("and here");
    let back = calling.await_line("back with Alice by resume");
    assert!(back.contains("no signature") && back.contains(" kB"), "{back}");
    listening.await_line("Bob: typed meanwhile");
    calling.await_line("Alice: and here");
    calling.type_line("/info");
    let began = calling.await_line("began         resume: ");
    assert!(began.contains("no signature made, none verified"), "{began}");
    calling.await_line("came back     once: resume 1");
    let (calling, listening) = (calling.finish(), listening.finish());
    assert_eq!(listening.out, "Bob: hello from Bob\nBob: typed meanwhile\n");
    assert_eq!(calling.out, "Alice: hello from Alice\nAlice: and here\n");
    // Nobody was asked, and nobody was accepted anew.
    assert_eq!(calling.err.matches("has accepted you").count() + listening.err.matches("has accepted you").count(), 2);
}

#[test]
fn a_text_is_lost_after_a_cut() {
    let (alice, bob) = friends();
    let (mut listening, mut calling, cable) = talking_over_a_cable(&alice, &bob, &["--reconnect", "3"], &["--reconnect", "3"]);
    exchange(&mut listening, &mut calling, "hello");
    cable.cut(true);
    calling.await_line("the connection was cut; trying again");
    calling.type_line("one");
    calling.type_line("two");
    let (calling, listening) = (calling.end(), listening.end());
    assert_eq!((calling.code, listening.code), (Some(8), Some(8)), "{}\n{}", calling.err, listening.err);
    assert!(calling.err.contains("Alice was not back within 3 seconds"), "{}", calling.err);
    assert!(calling.err.contains("2 texts were not acknowledged"), "{}", calling.err);
    assert!(!listening.err.contains("not acknowledged"), "{}", listening.err);
}

#[test]
fn a_cut_in_the_resumption_ends_the_conversation() {
    for (cut, pattern) in [(Cut::ToListener(100), "IK"), (Cut::ToCaller(100), "IK"), (Cut::ToCaller(0), "IK")] {
        let (alice, bob) = friends();
        let (mut listening, mut calling, cable) = talking_over_a_cable(&alice, &bob, &[], &[]);
        exchange(&mut listening, &mut calling, "hello");
        cable.plan(&[cut]);
        cable.cut(false);
        calling.await_line(&format!("back with Alice by {pattern}"));
        exchange(&mut listening, &mut calling, "again");
        assert_eq!(cable.patterns()[1..3], [RESUME, IK], "{cut:?}");
        calling.finish();
        listening.finish();
    }
}

#[test]
fn a_stranger_takes_the_place_of_who_was_cut_off() {
    let (alice, bob) = friends();
    let (carol, dave) = (Person::new(), Person::new());
    alice.knows("Carol", carol.print);
    let (mut listening, address) = alice.listen_with(&[]);
    let cable = Cable::to(&address);
    let mut calling = bob.start(&["connect", &cable.address, "--name", "Alice"]);
    calling.await_line("has accepted you");
    exchange(&mut listening, &mut calling, "hello");
    cable.cut(true);
    listening.await_line("waiting 120 seconds for Bob to come back");
    let known = carol.call(&alice, &address).end();
    assert_eq!(known.code, Some(4));
    assert!(known.err.contains("in another conversation"), "{}", known.err);
    assert_eq!(dave.call(&alice, &address).end().code, Some(4));
    cable.mend();
    calling.await_line("back with Alice by resume");
    exchange(&mut listening, &mut calling, "still");
    calling.finish();
    let heard = listening.finish();
    assert!(heard.out.lines().all(|line| line.starts_with("Bob: ")), "{}", heard.out);
    assert!(!heard.err.contains("with Carol"), "{}", heard.err);
}

#[test]
fn a_peer_whose_network_changed_waits_until_its_old_connection_times_out() {
    let (alice, bob) = friends();
    let (mut listening, mut calling, cable) = talking_over_a_cable(&alice, &bob, &[], &[]);
    exchange(&mut listening, &mut calling, "hello");
    cable.change_network();
    calling.await_line("back with Alice by resume");
    exchange(&mut listening, &mut calling, "again");
    calling.finish();
    let listening = listening.finish();
    assert!(listening.err.contains("back with Bob by resume"), "{}", listening.err);
}

#[test]
fn a_file_is_lost_damaged_or_stored_twice_after_a_cut() {
    for (cut, from_listener) in [(Cut::ToListener(700_000), false), (Cut::ToCaller(900_000), true)] {
        let (alice, bob) = friends();
        let (mut listening, mut calling, cable) = talking_over_a_cable(&alice, &bob, &[], &[]);
        exchange(&mut listening, &mut calling, "hello");
        cable.plan(&[cut]);
        cable.cut(false);
        calling.await_line("back with Alice");
        let (sender, folder) = if from_listener { (&mut listening, bob.path("files")) } else { (&mut calling, alice.path("files")) };
        let [large, small] = [("large.bin", 2_000_000), ("small.bin", 10)].map(|(name, length)| alice.file(name, length));
        sender.type_line(&format!("/send {}", large.display()));
        sender.type_line(&format!("/send {}", small.display()));
        sender.await_line("sending large.bin again, from its beginning");
        sender.await_line("small.bin has landed whole");
        let (calling, listening) = (calling.finish(), listening.finish());
        let mut stored: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        stored.sort();
        assert_eq!(stored, ["large.bin", "small.bin"], "{}\n{}", calling.err, listening.err);
        assert!(fs::read(folder.join("large.bin")).unwrap() == fs::read(large).unwrap());
    }
}

#[test]
fn somebody_who_leaves_while_it_is_cut_waits() {
    let (alice, bob) = friends();
    let (mut listening, mut calling, cable) = talking_over_a_cable(&alice, &bob, &[], &[]);
    exchange(&mut listening, &mut calling, "hello");
    cable.cut(true);
    for mut program in [calling, listening] {
        program.await_line("the connection was cut");
        program.type_line("one");
        program.type_line("/quit");
        let ended = program.end();
        assert_eq!(ended.code, Some(8), "{}", ended.err);
        assert!(ended.err.contains("you left while") && ended.err.contains("One text was not acknowledged"), "{}", ended.err);
    }
}

#[test]
fn a_peer_that_was_started_anew_hears_nothing_or_goes_unnoticed() {
    let (alice, bob) = friends();
    let (mut listening, mut calling, cable) = talking_over_a_cable(&alice, &bob, &[], &[]);
    exchange(&mut listening, &mut calling, "hello");
    cable.cut(true);
    calling.await_line("trying again");
    calling.kill();
    listening.await_line("waiting 120 seconds");
    listening.type_line("not acknowledged");
    cable.mend();
    let mut calling = bob.start(&["connect", &cable.address, "--name", "Alice"]);
    listening.await_line("Bob has begun anew. One text was not acknowledged and is sent again");
    calling.await_line("Alice: not acknowledged");
    exchange(&mut listening, &mut calling, "again");
    calling.finish();
    listening.finish();
}

#[test]
fn a_pinned_peer_does_not_come_back_or_is_remembered() {
    let (a, b) = (Person::new(), Person::new());
    let (mut listening, address) = a.listen(&b);
    let cable = Cable::to(&address);
    let mut calling = b.call(&a, &cable.address);
    calling.await_line("has accepted you");
    cable.cut(false);
    let back = calling.await_line("by XX, ");
    assert!(back.contains("2 signatures"), "{back}");
    calling.await_line("back with ");
    calling.type_line("still here");
    listening.await_line(": still here");
    calling.finish();
    listening.finish();
    assert!(!a.path("acquaintances").exists() && !b.path("acquaintances").exists());
}

/// The peer is met for the first time by a person elsewhere; here it is known and verified.
#[test]
fn a_verified_peer_is_not_met_again_by_itself_or_that_is_not_said() {
    let (alice, bob) = friends();
    bob.known().set_verified(alice.print).unwrap();
    assert_eq!(bob.known().by_fingerprint(alice.print).map(|entry| entry.met()), Some(Met::Verified));
    let (mut listening, mut calling, cable) = talking_over_a_cable(&alice, &bob, &[], &[]);
    exchange(&mut listening, &mut calling, "hello");
    cable.plan(&[Cut::ToCaller(10), Cut::ToCaller(10)]);
    cable.cut(false);
    calling.await_line("back with Alice by XX");
    let told = calling.await_line("met Alice as strangers do (XX)");
    assert!(told.contains("resume: ") && told.contains("IK: "), "{told}");
    exchange(&mut listening, &mut calling, "again");
    calling.finish();
    listening.finish();
}
