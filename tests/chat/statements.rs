//! What owners say about their keys, from the command that makes it to the list of whoever takes it.

use crate::person::{Person, friends};
use crate::program::Program;
use crate::rules::agree;
use crate::wire::{Message, PROLOGUE};
use std::net::TcpStream;
use std::path::Path;
use twinlock::identity::Statement;
use twinlock::trust::Met;
use twinlock::{Fingerprint, Identity, Pinned, Stream, connect};

/// A new identity of level 3 beside the one in the home folder.
fn another_key(person: &Person) -> (String, Fingerprint) {
    let file = person.path("new.pem").to_str().unwrap().to_owned();
    let print = person.start(&["--identity", &file, "keygen", "--no-passphrase"]).finish().out.trim().parse().unwrap();
    (file, print)
}

fn make(person: &Person, kind: &str, keys: &[&str]) -> String {
    let file = person.path(&format!("{kind}.statement")).to_str().unwrap().to_owned();
    person.start(&[&["statement", kind, "--out", &file], keys].concat()).finish();
    file
}

/// Alice listens, and Bob calls the one he knows.
fn meet(alice: &Person, bob: &Person, listen: &[&str], connect: &[&str]) -> (Program, Program) {
    let (mut listening, address) = alice.listen_with(listen);
    let mut calling = bob.start(&[&["connect", &address, "--name", "Alice"], connect].concat());
    listening.await_line("has accepted you");
    calling.await_line("has accepted you");
    (listening, calling)
}

fn met(person: &Person, print: Fingerprint) -> Option<Met> {
    person.known().by_fingerprint(print).map(|entry| entry.met())
}

#[cfg(feature = "level5")]
#[test]
fn two_stay_in_level_3_or_go_back_to_it() {
    let (alice, bob) = friends();
    let (alice_new, bob_new) = (alice.keygen("level5"), bob.keygen("level5"));
    let keys = ["--old", "level3", "--new", "level5"];
    let (from_alice, from_bob) = (make(&alice, "beside", &keys), make(&bob, "beside", &keys));

    // They know each other in level 3 alone, whatever they have. One sends by hand, the other from the beginning.
    let (mut listening, mut calling) = meet(&alice, &bob, &[], &["--statement", &from_bob]);
    calling.type_line("/info");
    calling.await_line("suite         level3 (0x0001)");
    listening.await_line("Bob says: the level5 key");
    listening.type_line(&format!("/statement {from_alice}"));
    let told = calling.await_line("Alice says: the level5 key");
    assert!(told.contains(&alice_new.to_string()) && told.contains("remembered as introduced, not as verified"), "{told}");
    calling.finish();
    listening.finish();
    assert_eq!((met(&bob, alice_new), met(&alice, bob_new)), (Some(Met::Introduced), Some(Met::Introduced)));
    let listed = bob.run(&["peers"]).out;
    assert!(listed.contains(&format!("{alice_new}  level5  by {}", alice.print)), "{listed}");

    // Now in level 5, by itself.
    let (listening, mut calling) = meet(&alice, &bob, &[], &[]);
    calling.type_line("/info");
    calling.await_line("suite         level5 (0x0002), rank 2, category 5");
    calling.await_line("trust         introduced by another key of the same peer, and not verified");
    calling.await_line(&format!("introduced by {}", alice.print));
    calling.finish();
    listening.finish();

    // And never back, for either.
    let (mut listening, address) = alice.listen_with(&[]);
    let back = bob.run(&["connect", &address, "--name", "Alice", "--suite", "level3"]);
    assert_eq!(back.code, Some(4));
    assert!(back.err.contains("Alice was spoken to in level5 (0x0002) before, and this would be level3 (0x0001)"), "{}", back.err);
    bob.start(&["connect", &address, "--suite", "level3", "--peer", &alice.print.to_string()]).end();
    listening.await_line("Bob was spoken to in level5 (0x0002) before");
    bob.start(&["connect", &address, "--name", "Alice"]).finish();
    listening.finish();
}

/// One introduces the new key today, the other another day.
#[cfg(feature = "level5")]
#[test]
fn a_peer_is_called_in_a_suite_in_which_it_does_not_know_us_yet() {
    let (alice, bob) = friends();
    alice.keygen("level5");
    let keys = ["--old", "level3", "--new", "level5"];
    let from_alice = make(&alice, "beside", &keys);
    let (listening, mut calling) = meet(&alice, &bob, &["--statement", &from_alice], &[]);
    calling.await_line("Alice says");
    calling.finish();
    listening.finish();

    bob.keygen("level5");
    let from_bob = make(&bob, "beside", &keys);
    for (statement, suite) in [(&[][..], "level3"), (&["--statement", &from_bob], "level3"), (&[], "level5"), (&[], "level5")] {
        let (listening, mut calling) = meet(&alice, &bob, &[], statement);
        calling.type_line("/info");
        calling.await_line(&format!("suite         {suite} "));
        calling.finish();
        listening.finish();
    }
}

#[cfg(feature = "round3")]
#[test]
fn round_3_is_never_left() {
    let (alice, bob) = friends();
    let (alice_old, bob_old) = (alice.keygen("round3"), bob.keygen("round3"));
    for (person, name, print, level3) in [(&alice, "Bob", bob_old, bob.print), (&bob, "Alice", alice_old, alice.print)] {
        person.known().forget(name).unwrap();
        person.known().add(name, print, twinlock::Suite::Round3, Met::FirstUse).unwrap();
        assert_eq!(met(person, level3), None);
    }
    let keys = ["--old", "round3", "--new", "level3"];
    let (from_alice, from_bob) = (make(&alice, "beside", &keys), make(&bob, "beside", &keys));
    let named = |file| ["--suite", "round3", "--statement", file];
    let (mut listening, mut calling) = meet(&alice, &bob, &named(&from_alice), &named(&from_bob));
    listening.await_line("Bob says");
    calling.await_line("Alice says");
    calling.finish();
    listening.finish();
    let (listening, mut calling) = meet(&alice, &bob, &[], &[]);
    calling.type_line("/info");
    calling.await_line("suite         level3 (0x0001)");
    calling.finish();
    listening.finish();
    let (_listening, address) = alice.listen_with(&["--suite", "round3"]);
    let back = bob.run(&["connect", &address, "--name", "Alice", "--suite", "round3"]);
    assert_eq!(back.code, Some(4));
    assert!(back.err.contains("level3 (0x0001) before, and this would be round3 (0x7e03)"), "{}", back.err);
}

#[test]
fn a_key_that_was_replaced_is_still_taken() {
    let (alice, bob) = friends();
    let (file, new) = another_key(&alice);
    let instead = make(&alice, "instead", &["--old", "level3", "--new", &file]);
    let (listening, mut calling) = meet(&alice, &bob, &["--statement", &instead], &[]);
    let told = calling.await_line("Alice says: the level3 key");
    assert!(told.contains("which is retired") && told.contains("refused from now on"), "{told}");
    calling.finish();
    listening.finish();
    assert_eq!((met(&bob, alice.print), met(&bob, new)), (Some(Met::Retired), Some(Met::Introduced)));
    assert!(bob.run(&["peers"]).out.contains("Alice  retired "));

    let (_listening, address) = alice.listen_with(&[]);
    let refused = bob.run(&["connect", &address, "--name", "Alice"]);
    assert_eq!(refused.code, Some(4));
    assert!(refused.err.contains("retired by its owner") && refused.err.contains(&new.to_string()), "{}", refused.err);
    let (listening, calling) = meet(&alice, &bob, &["--identity", &file], &[]);
    calling.finish();
    listening.finish();
}

#[test]
fn a_verified_key_is_replaced_without_a_person() {
    let (alice, bob) = friends();
    bob.known().set_verified(alice.print).unwrap();
    let (file, new) = another_key(&alice);
    let instead = make(&alice, "instead", &["--old", "level3", "--new", &file]);
    let (listening, mut calling) = meet(&alice, &bob, &["--statement", &instead], &[]);
    let told = calling.await_line("Alice says: the level3 key");
    assert!(told.contains("no terminal to ask a person at") && told.contains("chat peers take FILE"), "{told}");
    calling.type_line("/take");
    calling.await_line("there is no statement to decide about");
    calling.finish();
    listening.finish();
    assert_eq!((met(&bob, alice.print), met(&bob, new)), (Some(Met::Verified), None));

    let refused = bob.run(&["peers", "take", &instead]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("--yes"), "{}", refused.err);
    assert_eq!(met(&bob, new), None);
    bob.start(&["peers", "take", &instead, "--yes"]).finish();
    assert_eq!((met(&bob, alice.print), met(&bob, new)), (Some(Met::Retired), Some(Met::Introduced)));
    assert!(bob.start(&["peers", "take", &instead]).finish().err.contains("nothing was changed"));
}

#[test]
fn a_revoked_key_is_trusted_or_what_it_introduced() {
    let (alice, bob) = friends();
    let (file, new) = another_key(&alice);
    let revoke = make(&alice, "revoke", &["--old", "level3"]);
    let instead = make(&alice, "instead", &["--old", "level3", "--new", &file]);
    let (mut listening, mut calling) = meet(&alice, &bob, &["--statement", &instead], &[]);
    listening.type_line(&format!("/statement {revoke}"));
    let told = calling.await_line("is revoked");
    assert!(told.contains("refused from now on, for ever"), "{told}");
    calling.await_line("It is the key of this conversation");
    calling.finish();
    listening.finish();
    assert_eq!(met(&bob, alice.print), Some(Met::Revoked));
    let listed = bob.run(&["peers"]).out;
    assert!(listed.contains("REFUSED until accepted"), "{listed}");

    let (_listening, address) = alice.listen_with(&["--suite", "level3"]);
    let refused = bob.run(&["connect", &address, "--name", "Alice"]);
    assert_eq!(refused.code, Some(4));
    assert!(refused.err.contains("was revoked"), "{}", refused.err);
    let (_listening, address) = alice.listen_with(&["--identity", &file]);
    let refused = bob.run(&["connect", &address, "--name", "Alice"]);
    assert_eq!(refused.code, Some(4));
    let command = format!("chat peers accept Alice {new}");
    assert!(refused.err.contains(&command), "{}", refused.err);
    assert_eq!(bob.run(&["peers", "accept", "Alice", &new.to_string()]).code, Some(1));
    bob.start(&["peers", "accept", "Alice", &new.to_string(), "--yes"]).finish();
    assert_eq!(met(&bob, new), Some(Met::Verified));
    assert_eq!(bob.run(&["peers", "accept", "Alice", &alice.print.to_string(), "--yes"]).code, Some(4));
    let (listening, calling) = meet(&alice, &bob, &["--identity", &file], &[]);
    calling.finish();
    listening.finish();
}

#[test]
fn a_statement_is_made_over_a_file_or_of_one_key() {
    let (alice, _) = friends();
    let (file, new) = another_key(&alice);
    let instead = make(&alice, "instead", &["--old", "level3", "--new", &file]);
    let shown = alice.start(&["statement", "show", &instead]).finish().out;
    for part in ["stands for the old one", &format!("old key   {}", alice.print), &format!("new key   {new}"), " UTC, by its owner's clock"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let again = alice.run(&["statement", "instead", "--old", "level3", "--new", &file, "--out", &instead]);
    assert_eq!(again.code, Some(9), "{}", again.err);
    let other = alice.path("other");
    let other = other.to_str().unwrap();
    for (kind, new, code) in [("instead", "level3", 1), ("beside", file.as_str(), 1), ("instead", "nowhere.pem", 2)] {
        let refused = alice.run(&["statement", kind, "--old", "level3", "--new", new, "--out", other]);
        assert_eq!(refused.code, Some(code), "{}", refused.err);
    }
    assert!(!Path::new(other).exists());
    let identity = alice.path("identity.pem");
    for (file, code) in [(identity.to_str().unwrap(), 9), ("/no/such/file", 9)] {
        let refused = alice.run(&["statement", "show", file]);
        assert_eq!(refused.code, Some(code), "{}", refused.err);
        assert_eq!(alice.run(&["peers", "take", file]).code, Some(9));
        assert_eq!(alice.run(&["listen", "127.0.0.1:0", "--statement", file]).code, Some(9));
    }
}

#[test]
fn a_statement_that_cannot_be_sent_ends_the_conversation() {
    let (alice, bob) = friends();
    let (listening, mut calling) = meet(&alice, &bob, &[], &[]);
    calling.type_line("/statement /no/such/file");
    calling.await_line("not sent: /no/such/file");
    calling.type_line(&format!("/statement {}", bob.path("identity.pem").display()));
    calling.await_line("this is a secret key: keep it to yourself");
    calling.type_line("still talking");
    calling.finish();
    assert!(listening.finish().out.ends_with(": still talking\n"));
}

/// A chat that listens, and somebody who speaks with it by hand.
fn by_hand(home: &Person, listen: &[&str], me: &Identity) -> (Program, Stream<TcpStream>) {
    let (chat, address) = home.listen_with(listen);
    let mut stream = connect(TcpStream::connect(address).unwrap(), PROLOGUE, me, &mut Pinned(home.print)).unwrap();
    agree(&mut stream);
    (chat, stream)
}

#[test]
fn a_statement_about_nobody_or_of_nothing_changes_the_list_or_ends_the_conversation() {
    let (alice, bob) = friends();
    let carol = Person::new();
    alice.knows("Carol", carol.print);
    let [one, other] = [0, 1].map(|_| Identity::generate().unwrap());
    let of = |old: &Identity, new: &Identity| Statement::instead(old, new, 0).unwrap();
    let (of_a_stranger, of_carol, good) = (of(&one, &other), of(&carol.identity(), &one), of(&bob.identity(), &one));
    let mut forged = good.as_bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let mut later = good.as_bytes().to_vec();
    later[0] = 9;
    let mut unknown = good.as_bytes().to_vec();
    unknown[9..11].copy_from_slice(&[0x12, 0x34]);

    let before = alice.run(&["peers", "export"]).out;
    let (mut chat, mut stream) = by_hand(&alice, &[], &bob.identity());
    let sent = [
        (of_a_stranger.as_bytes(), "It was passed over, since that is no key that you know as Bob's"),
        (of_carol.as_bytes(), &format!("{}, which is retired. It was passed over", carol.print)),
        (Statement::revoked(&carol.identity(), 0).unwrap().as_bytes(), "is revoked. It was passed over"),
        (&forged, "not made by the keys that it names"),
        (&later, "of kind 9, which is not known here"),
        (&unknown, "of an algorithm that this program was built without"),
        (&[2], "this is no statement"),
    ]
    .map(|(bytes, told)| (bytes.to_vec(), told.to_owned()));
    for (bytes, told) in sent {
        stream.send(&Message::Statement(&bytes).encode()).unwrap();
        chat.await_line(&told);
    }
    stream.send(&Message::Text { id: 1, text: "bye" }.encode()).unwrap();
    stream.close().unwrap();
    assert!(chat.finish().out.ends_with(": bye\n"));
    assert_eq!(alice.run(&["peers", "export"]).out, before);

    // A pinned peer is not remembered, and neither is what it says.
    let (mut chat, mut stream) = by_hand(&alice, &["--peer", &bob.print.to_string()], &bob.identity());
    stream.send(&Message::Statement(good.as_bytes()).encode()).unwrap();
    chat.await_line("with --peer nothing is remembered");
    stream.close().unwrap();
    chat.finish();
    assert_eq!(alice.run(&["peers", "export"]).out, before);
}
