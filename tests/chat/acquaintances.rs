//! What is kept of acquaintances: used, forgotten, copied, and told.

use crate::cuts::talking_over_a_cable;
use crate::person::{Person, friends};
use crate::program::Program;
use crate::wire::PROLOGUE;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use twinlock::acquaintances::{Acquaintances, Folder, Way};
use twinlock::identity::Statement;
use twinlock::io::{Connect, Keeper};
use twinlock::{Pinned, keyfile};

/// Bob calls Alice, both say a word, and leave. The pattern as Bob's program tells it, and what it said.
fn converse(alice: &Person, bob: &Person, options: &[&str]) -> (String, String) {
    let (listening, address) = alice.listen_with(&[]);
    let (began, said, _) = converse_at(listening, &address, bob, options);
    (began, said)
}

fn converse_at(mut listening: Program, address: &str, bob: &Person, options: &[&str]) -> (String, String, String) {
    let mut calling = bob.start(&[&["connect", address, "--name", "Alice"], options].concat());
    let began = calling.await_line("began by ");
    calling.type_line("hello");
    listening.await_line("Bob: hello");
    listening.type_line("and hello");
    calling.await_line("Alice: and hello");
    calling.type_line("/ping");
    calling.await_line("is there:");
    let began = began.trim_start_matches("began by ").split(',').next().unwrap().to_owned();
    let said = calling.finish().err;
    (began, said, listening.finish().err)
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    #[cfg(unix)]
    fs::set_permissions(to, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn the_second_conversation_costs_as_much_as_the_first() {
    let (alice, bob) = friends();
    for expected in ["XX", "resume", "resume"] {
        assert_eq!(converse(&alice, &bob, &[]).0, expected);
    }
    let listed = bob.run(&["acquaintances"]).out;
    assert!(listed.starts_with("Alice  level3 (0x0001)") && listed.ends_with("UTC  resume\n"), "{listed}");
    let listed = alice.run(&["acquaintances", "list"]).out;
    assert!(listed.starts_with("Bob  level3 (0x0001)"), "{listed}");
    // With a shared key it is another conversation, which has to begin as such.
    let psk = bob.path("psk");
    fs::write(&psk, "0a".repeat(32)).unwrap();
    let psk = ["--psk-file", psk.to_str().unwrap()];
    let (listening, address) = alice.listen_with(&psk);
    assert_eq!(converse_at(listening, &address, &bob, &psk).0, "IKpsk0");
}

#[test]
fn an_unverified_peer_is_met_again_as_a_stranger_by_itself() {
    let (alice, bob) = friends();
    assert_eq!(converse(&alice, &bob, &[]).0, "XX");
    fs::remove_dir_all(alice.path("acquaintances")).unwrap();
    let (listening, address) = alice.listen_with(&[]);
    let refused = bob.run(&["connect", &address, "--name", "Alice"]);
    assert_eq!(refused.code, Some(4), "{}", refused.err);
    for part in ["Alice is an acquaintance", "resume: ", "IK: ", &format!("chat connect {address} --name Alice --as-strangers")] {
        assert!(refused.err.contains(part), "{part} in {}", refused.err);
    }
    let (began, said, _) = converse_at(listening, &address, &bob, &["--as-strangers"]);
    assert_eq!(began, "XX");
    assert!(said.contains("met Alice as strangers do (XX)"), "{said}");
    // Where nothing is kept, that is said, and it is the only way.
    fs::remove_dir_all(alice.path("acquaintances")).unwrap();
    let folder = Folder::open(bob.path("acquaintances"));
    folder.unwrap().forget(alice.print).unwrap();
    let (began, said) = converse(&alice, &bob, &[]);
    assert_eq!(began, "XX");
    assert!(!said.contains("as strangers do"), "forgotten, and so met for the first time: {said}");
}

#[test]
fn a_copied_store_is_not_told() {
    let (alice, bob) = friends();
    converse(&alice, &bob, &[]);
    let copy = bob.path("copy");
    copy_folder(&bob.path("acquaintances"), &copy);
    assert_eq!(converse(&alice, &bob, &[]).0, "resume");

    // Who has the copy opens it as if it were the one, and comes second.
    let keeper = Keeper::new(Folder::open_moved(&copy).unwrap()).unwrap();
    let (mut listening, address) = alice.listen_with(&[]);
    let identity = bob.identity();
    let connect = Connect::new(&identity, PROLOGUE).acquaintances(&keeper).peer(alice.print).ways(&[Way::Resumed]);
    assert!(connect.dial(|| TcpStream::connect(&address), &mut Pinned(alice.print)).is_err());
    let told = listening.await_line("A secret that was used up came a second time");
    assert!(told.contains("Bob"), "{told}");
    listening.await_line("Perhaps a folder of Bob was copied");
    drop(listening);

    // The program itself notices that its folder is a copy, and goes on by IK.
    fs::remove_dir_all(bob.path("acquaintances")).unwrap();
    copy_folder(&copy, &bob.path("acquaintances"));
    let (began, said) = converse(&alice, &bob, &[]);
    assert_eq!(began, "IK");
    assert!(said.contains("was copied, or came back from a backup"), "{said}");
    let (began, said) = converse(&alice, &bob, &[]);
    assert!(began == "resume" && !said.contains("was copied"), "{said}");
}

#[test]
fn a_clock_that_was_set_back_is_not_told() {
    let (alice, bob) = friends();
    converse(&alice, &bob, &[]);
    let later = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 3 * 86_400;
    Folder::open(bob.path("acquaintances")).unwrap().tidy(later).unwrap();
    let (listening, address) = alice.listen_with(&[]);
    let refused = bob.run(&["connect", &address, "--name", "Alice"]);
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(refused.err.contains("Set the clock. Or if it is right now, say so: chat acquaintances clock-is-right"), "{}", refused.err);
    assert_eq!(bob.run(&["acquaintances", "clock-is-right"]).code, Some(0));
    assert_eq!(converse_at(listening, &address, &bob, &[]).0, "resume");
}

#[test]
fn who_is_forgotten_is_kept() {
    let (alice, bob) = friends();
    converse(&alice, &bob, &[]);
    assert_eq!(bob.run(&["acquaintances", "forget", "Carol"]).code, Some(1));
    assert_eq!(bob.run(&["acquaintances", "forget", "Alice"]).code, Some(0));
    assert_eq!(bob.run(&["acquaintances"]).out, "");
    assert!(bob.known().by_fingerprint(alice.print).is_some());
    assert_eq!(converse(&alice, &bob, &[]).0, "XX");
    assert_eq!(bob.run(&["peers", "forget", "Alice"]).code, Some(0));
    assert_eq!(bob.run(&["acquaintances"]).out, "");
}

#[test]
fn a_revoked_key_is_resumed() {
    let (alice, bob) = friends();
    let (mut listening, mut calling, cable) = talking_over_a_cable(&alice, &bob, &[], &[]);
    let file = alice.path("revoked").to_str().unwrap().to_owned();
    keyfile::save_statement(&file, &Statement::revoked(&alice.identity(), 0).unwrap()).unwrap();
    listening.type_line(&format!("/statement {file}"));
    calling.await_line("is refused from now on, for ever");
    assert_eq!(bob.run(&["acquaintances"]).out, "");
    cable.cut(false);
    let ended = calling.end();
    assert_ne!(ended.code, Some(0), "{}", ended.err);
    assert!(!ended.err.contains("back with"), "{}", ended.err);
    let called = bob.run(&["connect", &cable.address, "--name", "Alice"]);
    assert_eq!(called.code, Some(4), "{}", called.err);
    listening.kill();
}

#[test]
fn a_store_that_others_may_read_is_used() {
    let (alice, bob) = friends();
    converse(&alice, &bob, &[]);
    #[cfg(unix)]
    {
        fs::set_permissions(bob.path("acquaintances"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let refused = bob.run(&["connect", "127.0.0.1:9", "--name", "Alice"]);
        assert_eq!(refused.code, Some(9), "{}", refused.err);
        assert!(refused.err.contains("chmod go="), "{}", refused.err);
    }
}

#[test]
fn a_peer_of_whom_nothing_is_kept_any_more_is_lost_or_that_is_not_said() {
    let (alice, bob) = friends();
    converse(&alice, &bob, &[]);
    // As if two months had passed: secrets and own keys have ended.
    let mut folder = Folder::open(bob.path("acquaintances")).unwrap();
    folder.tidy(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 61 * 86_400).unwrap();
    folder.clock_is_right().unwrap();
    let (began, said) = converse(&alice, &bob, &[]);
    assert_eq!(began, "XX");
    assert!(said.contains("meeting Alice as strangers do (XX): nothing that is kept can be used any more"), "{said}");
}
