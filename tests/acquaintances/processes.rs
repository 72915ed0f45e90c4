//! Several processes with one folder, and what a killed one leaves.

use crate::people::{ALICE, BOB, NOW, PROLOGUE, Place, SUITE, alice, bob, meet, take};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use twinlock::acquaintances::{Acquaintances, AddressBook, Folder, Wanted};
use twinlock::channel::{Resumption, Role};
use twinlock::identity::SignatureAlgorithm;
use twinlock::{Error, Identity};

/// Runs one of the tests below in a process of its own.
fn start(test: &str, path: &Path, given: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = format!("processes::{test}");
    command.args(["--exact", &name, "--ignored", "--nocapture"]).env("ACQUAINTANCES_PATH", path).env("ACQUAINTANCES_GIVEN", given);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

fn child() -> Option<(Folder, String)> {
    let path = std::env::var_os("ACQUAINTANCES_PATH")?;
    Some((Folder::open(path).unwrap(), std::env::var("ACQUAINTANCES_GIVEN").unwrap()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The words that a child has said after this one, each in a line of its own.
fn said(child: Child, word: &str) -> Vec<String> {
    let mut text = String::new();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout.as_slice().read_to_string(&mut text).unwrap();
    text.lines().filter_map(|line| line.strip_prefix(word)).map(str::to_owned).collect()
}

/// Records that differ in their ids, as of as many conversations.
fn many(n: u8) -> Vec<Resumption> {
    let bytes = meet(&BOB, &ALICE, NOW).1.to_secret_bytes().expose().to_vec();
    let with_id = |id: u8| {
        let mut bytes = bytes.clone();
        // u8 version || u8 role || u16 suite || id 16 || psk 32 || u64 not-after || me 32: of others, so that none is one too many.
        (bytes[4], bytes[60]) = (id, id);
        Resumption::from_secret_bytes(&bytes).unwrap()
    };
    (0..n).map(with_id).collect()
}

#[test]
fn two_processes_remove_one_record() {
    let place = Place::new();
    let records = many(24);
    let ids: Vec<_> = records.iter().map(|record| *record.id()).collect();
    let mut store = place.open();
    for record in records {
        assert!(store.keep(record, NOW).unwrap());
    }
    let given = ids.iter().map(|id| hex(id)).collect::<Vec<_>>().join(" ");
    let children: Vec<_> = (0..3).map(|_| start("a_child_removes", &place.path, &given)).collect();
    let mut removed: Vec<String> = children.into_iter().flat_map(|child| said(child, "removed ")).collect();
    removed.sort();
    let mut expected: Vec<_> = ids.iter().map(|id| hex(id)).collect();
    expected.sort();
    assert_eq!(removed, expected);
    assert!(ids.iter().all(|id| store.resumption(Role::Answerer, id, NOW).unwrap().is_none()));
}

#[test]
#[ignore = "started by other tests, in a process of its own"]
fn a_child_removes() {
    let Some((mut store, given)) = child() else { return };
    for word in given.split(' ') {
        let id: [u8; 16] = unhex(word).try_into().unwrap();
        // As a handshake does: it looks first.
        let found = store.resumption(Role::Answerer, &id, NOW).unwrap().is_some();
        if store.remove(Role::Answerer, &id, NOW).unwrap() {
            assert!(found);
            println!("\nremoved {word}");
        }
    }
}

#[test]
fn two_threads_take_one_record() {
    let place = Place::new();
    for _ in 0..4 {
        assert!(place.open().keep(meet(&ALICE, &BOB, NOW).0, NOW).unwrap());
    }
    let wanted = Wanted { me: Some(alice()), peer: Some(bob()), suite: SUITE, prologue: PROLOGUE, psk_tag: None };
    let take = || {
        let mut store = place.open();
        std::iter::from_fn(|| take(&mut store, &wanted, NOW)).map(|record| *record.id()).collect::<Vec<_>>()
    };
    let taken: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(take)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!((taken.len(), taken.iter().collect::<BTreeSet<_>>().len()), (4, 4));
}

#[test]
fn two_processes_both_renew_a_static_key() {
    let place = Place::new();
    drop(place.open());
    let secret = hex(ALICE.secret_bytes().unwrap());
    let children: Vec<_> = (0..3).map(|_| start("a_child_renews", &place.path, &secret)).collect();
    let made: BTreeSet<String> = children.into_iter().flat_map(|child| said(child, "made ")).collect();
    assert_eq!(made.len(), 1);
    assert_eq!(place.open().static_keys(SUITE, NOW).unwrap().len(), 1);
}

#[test]
#[ignore = "started by other tests, in a process of its own"]
fn a_child_renews() {
    let Some((mut store, given)) = child() else { return };
    let me = Identity::from_secret_bytes(SignatureAlgorithm::MlDsa65Ed25519, &unhex(&given)).unwrap();
    let key = store.renew(&me, SUITE, NOW).unwrap();
    println!("\nmade {}", hex(&key.bundle().as_bytes()[3000..3032]));
}

/// What a killed process leaves shows that the folder is whole at every moment, not that it outlives a power cut.
#[test]
fn a_killed_process_leaves_a_used_record_or_loses_a_kept_one() {
    let place = Place::new();
    drop(place.open());
    for lines in [1, 2, 5, 8] {
        let mut child = start("a_child_keeps_and_removes_until_killed", &place.path, "");
        let told = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let told: Vec<_> = told.filter(|line| line.starts_with("kept ") || line.starts_with("used ")).take(lines).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(told.len(), lines);
        let mut store = place.open();
        let used: BTreeSet<_> = told.iter().filter_map(|line| line.strip_prefix("used ")).collect();
        for id in &used {
            assert_eq!(store.remove(Role::Answerer, &unhex(id).try_into().unwrap(), NOW), Ok::<_, Error>(false), "{id}");
        }
        // The child may have used the last that it told kept before it was killed, and not more.
        let kept: Vec<_> = told.iter().filter_map(|line| line.strip_prefix("kept ")).filter(|id| !used.contains(id)).collect();
        let lost = kept.iter().filter(|id| !store.remove(Role::Answerer, &unhex(id).try_into().unwrap(), NOW).unwrap()).count();
        assert!(lost <= 1, "{lost} of {kept:?}");
        store.forget(bob()).unwrap();
    }
}

#[test]
#[ignore = "started by other tests, in a process of its own"]
fn a_child_keeps_and_removes_until_killed() {
    let Some((mut store, _)) = child() else { return };
    let (alice, bob) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    for _ in 0..1000 {
        let (_, record) = meet(&bob, &alice, NOW);
        let id = *record.id();
        assert!(store.keep(record, NOW).unwrap());
        println!("\nkept {}", hex(&id));
        assert!(store.remove(Role::Answerer, &id, NOW).unwrap());
        println!("\nused {}", hex(&id));
    }
}

/// A look-up that follows each step of somebody else's changes finds the old state or the new one, and never an error.
#[test]
fn a_reader_meets_half_a_change() {
    let place = Place::new();
    let reader = place.open();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = place.open();
            for _ in 0..30 {
                assert!(writer.keep(meet(&ALICE, &BOB, NOW).0, NOW).unwrap());
                writer.forget(bob()).unwrap();
            }
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        while !done.load(std::sync::atomic::Ordering::SeqCst) {
            assert!(reader.resumption(Role::Opener, &[0; 16], NOW).unwrap().is_none());
        }
    });
}
