//! Every suite of this build, and moving between them.

use crate::person::Person;
use crate::program::{Program, chat};
use std::fs;
use twinlock::identity::SignatureAlgorithm;
use twinlock::{Fingerprint, Suite, keyfile};

/// As on the command line, and the file of its identity.
const fn names(suite: Suite) -> (&'static str, &'static str) {
    match suite.id() {
        0x0001 => ("level3", "identity.pem"),
        0x0003 => ("level3-aes", "identity.pem"),
        0x0002 => ("level5", "identity-level5.pem"),
        _ => ("round3", "identity-round3.pem"),
    }
}

/// Somebody with an identity for this suite, and no other.
fn person(suite: Suite) -> (Person, Fingerprint) {
    let person = Person::new();
    fs::remove_file(person.path("identity.pem")).unwrap();
    let print = person.keygen(names(suite).0);
    (person, print)
}

#[test]
fn a_suite_cannot_be_spoken() {
    for suite in Suite::ALL {
        let (name, _) = names(*suite);
        let ((a, a_print), (b, b_print)) = (person(*suite), person(*suite));
        for suite in [name.to_owned(), format!("{:#06x}", suite.id()), format!("0x{:04X}", suite.id())] {
            let (mut listening, address) = a.listen_with(&["--suite", &suite, "--peer", &b_print.to_string()]);
            let mut calling = b.start(&["connect", &address, "--suite", &suite, "--peer", &a_print.to_string()]);
            calling.type_line("hello");
            calling.type_line("/info");
            calling.await_line(&format!("suite         {name} ("));
            listening.await_line(": hello");
            calling.finish();
            listening.finish();
        }
    }
}

#[test]
fn a_listener_answers_in_one_suite_alone_or_in_round_3_unasked() {
    let (a, b) = (Person::new(), Person::new());
    for person in [&a, &b] {
        Suite::ALL.iter().filter(|suite| suite.rank() != 1).for_each(|suite| {
            person.keygen(names(*suite).0);
        });
    }
    let prints = |person: &Person| -> Vec<String> {
        let shown = person.start(&["id"]).finish().out;
        shown.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    let (a_prints, b_prints) = (prints(&a), prints(&b));
    assert_eq!(a_prints.len(), SignatureAlgorithm::ALL.len());
    let pins = |prints: &[String]| prints.iter().flat_map(|print| ["--peer".to_owned(), print.clone()]).collect::<Vec<_>>();
    let (a_pins, b_pins) = (pins(&a_prints), pins(&b_prints));
    let with = |arguments: &[&str], pins: &[String]| -> Vec<String> {
        arguments.iter().map(|argument| (*argument).to_owned()).chain(pins.iter().cloned()).collect()
    };
    for suite in Suite::ALL {
        let (name, _) = names(*suite);
        let arguments = with(&[], &b_pins);
        let (mut listening, address) = a.listen_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let arguments = with(&["connect", &address, "--suite", name], &a_pins);
        let calling = b.start(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).end();
        if suite.must_be_named() {
            assert_eq!(calling.code, Some(7), "{}", calling.err);
            listening.await_line("it asked for the suite round3 (0x7e03), and answered here are: level3 (0x0001)");
        } else {
            assert_eq!(calling.code, Some(0), "{name}: {}", calling.err);
            listening.finish();
        }
    }
}

#[test]
fn a_refused_suite_is_tried_again_in_another() {
    let (a, b) = (Person::new(), Person::new());
    let (mut listening, address) = a.listen_with(&["--suite", "level3-aes", "--peer", &b.print.to_string()]);
    listening.await_line("answering in level3-aes (0x0003)");
    let calling = b.call(&a, &address).end();
    assert_eq!(calling.code, Some(7));
    assert!(calling.err.contains("refused the suite level3 (0x0001)") && calling.err.contains("--suite"), "{}", calling.err);
    listening.await_line("it asked for the suite level3 (0x0001), and answered here are: level3-aes (0x0003)");
    b.start(&["connect", &address, "--suite", "level3-aes", "--peer", &a.print.to_string()]).finish();
    listening.finish();
}

#[test]
fn each_kind_of_identity_has_no_place_of_its_own() {
    for suite in Suite::ALL {
        let (name, file) = names(*suite);
        let (a, print) = person(*suite);
        let made = fs::read(a.path(file)).unwrap();
        assert_eq!(keyfile::load(a.path(file), None).unwrap().public().algorithm(), suite.signature());
        assert_eq!(a.run(&["id"]).out, format!("{print}\n"));
        assert_eq!(a.run(&["id", "--suite", name]).out, format!("{print}\n"));
        let again = a.run(&["keygen", "--suite", name, "--no-passphrase"]);
        assert_eq!(again.code, Some(9), "{}", again.err);
        let both = "The same identity serves level3 (0x0001) and level3-aes (0x0003).";
        assert_eq!(again.err.contains(both), suite.rank() == 1, "{}", again.err);
        assert_eq!(fs::read(a.path(file)).unwrap(), made);

        let (copy, passphrase) = (a.path("copy.pem"), a.path("passphrase"));
        fs::write(&passphrase, "correct horse").unwrap();
        let (copy, passphrase) = (copy.to_str().unwrap(), passphrase.to_str().unwrap());
        a.start(&["id", "passphrase", "--suite", name, "--new-passphrase-file", passphrase]).finish();
        assert_eq!(a.run(&["id", "--suite", name]).code, Some(6));
        a.start(&["id", "export", copy, "--suite", name, "--passphrase-file", passphrase]).finish();
        fs::remove_file(a.path(file)).unwrap();
        let restored = a.start(&["id", "restore", copy, "--passphrase-file", passphrase]).finish();
        assert_eq!(restored.out, format!("{print}\n"));
        assert!(a.path(file).exists());
        // The file's own algorithm decides, wherever it is.
        let shown = a.start(&["id", "--identity", copy, "--passphrase-file", passphrase]).finish();
        assert_eq!(shown.out, format!("{print}\n"));
    }
}

#[test]
fn an_identity_is_taken_for_one_of_another_kind() {
    let a = Person::new();
    let wrong: &[(&str, &[&str])] = &[
        #[cfg(feature = "level5")]
        ("level5", &["level5 (MLDSA87-ECDSA-P384-SHA512)", "identity.pem is of level3 (MLDSA65-Ed25519-SHA512)"]),
        #[cfg(feature = "round3")]
        ("round3", &["round3 (Dilithium3R3-Ed25519)", "identity.pem is of level3 (MLDSA65-Ed25519-SHA512)"]),
    ];
    for (suite, said) in wrong {
        let identity = a.path("identity.pem");
        let called = a.run(&["connect", "127.0.0.1:9", "--suite", suite, "--identity", identity.to_str().unwrap()]);
        assert_eq!(called.code, Some(2));
        assert!(said.iter().all(|part| called.err.contains(part)), "{}", called.err);
        let called = a.run(&["connect", "127.0.0.1:9", "--suite", suite]);
        assert_eq!(called.code, Some(9));
        assert!(called.err.contains(&format!("chat keygen --suite {suite}")), "{}", called.err);
        fs::copy(&identity, a.path(&format!("identity-{suite}.pem"))).unwrap();
        let called = a.run(&["connect", "127.0.0.1:9", "--suite", suite]);
        assert_eq!(called.code, Some(9));
        assert!(called.err.contains("rename the file to identity.pem"), "{}", called.err);
    }
}

#[test]
fn a_suite_that_is_none_or_not_in_this_build_is_taken() {
    let a = Person::new();
    for wrong in ["level4", "0x0004", "2", "", "all"] {
        let refused = a.run(&["connect", "x", "--suite", wrong]);
        assert_eq!(refused.code, Some(2), "{wrong}");
        assert!(refused.err.contains("level3-aes (0x0003)"), "{}", refused.err);
    }
    for (name, id, feature) in [("level5", "0x0002", cfg!(feature = "level5")), ("round3", "0x7E03", cfg!(feature = "round3"))] {
        for suite in [name, id] {
            let refused = a.run(&["keygen", "--suite", suite, "--no-passphrase"]);
            let missing = refused.err.contains(&format!("--features {name}"));
            assert_eq!((refused.code == Some(2), missing), (!feature, !feature), "{}", refused.err);
        }
    }
    if cfg!(not(feature = "level5")) {
        let refused = a.run(&["connect", "x", "--cnsa2"]);
        assert_eq!(refused.code, Some(2));
        assert!(refused.err.contains("--features level5"), "{}", refused.err);
    }
}

#[test]
fn a_demo_goes_wrong_in_one_suite() {
    let demo = Program::start(chat().args(["demo", "--suite", "all"])).finish();
    assert!(demo.out.contains("All as it should be") && !demo.out.contains('✗'), "{}", demo.out);
    for suite in Suite::ALL {
        let title = format!("{} ({:#06x})", names(*suite).0, suite.id());
        assert_eq!(demo.out.lines().filter(|line| line.contains(&title)).count(), 2, "{title}\n{}", demo.out);
    }
    assert_eq!(demo.err.matches("WARNING").count(), usize::from(cfg!(feature = "round3")));
    let one = Program::start(chat().args(["demo", "--suite", "level3-aes"])).finish();
    assert!(one.out.contains("AES-256-GCM") && !one.out.contains("ChaCha"), "{}", one.out);
}

#[cfg(feature = "round3")]
#[test]
fn nobody_is_warned_of_round_3_or_each_time() {
    let ((a, a_print), (b, b_print)) = (person(Suite::Round3), person(Suite::Round3));
    let unnamed = a.run(&["listen", "127.0.0.1:0"]);
    assert_eq!(unnamed.code, Some(2));
    assert!(unnamed.err.contains("--suite round3"), "{}", unnamed.err);
    assert_eq!(a.run(&["connect", "x"]).code, Some(2));
    let (listening, address) = a.listen_with(&["--suite", "round3", "--peer", &b_print.to_string()]);
    let calling = b.start(&["connect", &address, "--suite", "round3", "--peer", &a_print.to_string()]).finish();
    for said in [calling.err, listening.finish().err, Person::new().run(&["keygen", "--suite", "round3", "--no-passphrase"]).err] {
        assert_eq!(said.matches("WARNING").count(), 1, "{said}");
        assert!(said.contains("RUSTSEC-2024-0380, RUSTSEC-2024-0381") && said.contains("docs/round3.md"), "{said}");
    }
}

#[cfg(feature = "level5")]
#[test]
fn cnsa_2_lets_a_level_3_peer_in() {
    let (a, b) = (Person::new(), Person::new());
    let refused = a.run(&["listen", "127.0.0.1:0", "--cnsa2"]);
    assert_eq!(refused.code, Some(9));
    assert!(refused.err.contains("chat keygen --suite level5"), "{}", refused.err);
    let (a_print, b_print) = (a.keygen("level5"), b.keygen("level5"));
    let (mut listening, address) = a.listen_with(&["--cnsa2", "--peer", &b.print.to_string(), "--peer", &b_print.to_string()]);
    assert_eq!(b.call(&a, &address).end().code, Some(7));
    listening.await_line("it asked for the suite level3 (0x0001), and answered here are: level5 (0x0002)");
    let clash = b.run(&["connect", &address, "--cnsa2", "--suite", "level3"]);
    assert_eq!(clash.code, Some(2), "{}", clash.err);
    b.start(&["connect", &address, "--cnsa2", "--peer", &a_print.to_string()]).finish();
    listening.finish();
}

/// The suite by which a peer is known, and the one in which it was met.
#[cfg(feature = "level5")]
#[test]
fn a_known_peer_is_called_in_another_suite_than_its_best() {
    let (a, b) = (Person::new(), Person::new());
    let (a_print, b_print) = (a.keygen("level5"), b.keygen("level5"));
    for (print, pin) in [(a.print, b.print), (a_print, b_print)] {
        let (listening, address) = a.listen_with(&["--peer", &b.print.to_string(), "--peer", &b_print.to_string()]);
        b.known().forget("Alice").ok();
        b.known()
            .add("Alice", print, if print == a.print { Suite::Level3Aes } else { Suite::Level5Aes }, twinlock::trust::Met::Verified)
            .unwrap();
        b.start(&["connect", &address, "--name", "Alice"]).finish();
        let said = listening.finish().err;
        assert!(said.contains(&pin.to_string()), "{said}");
    }
    // A level that was reached is not left again.
    let (_listening, address) = a.listen_with(&["--peer", &b.print.to_string()]);
    b.known().add("Alice", a.print, Suite::Level3ChaCha, twinlock::trust::Met::Verified).unwrap();
    let weaker = b.run(&["connect", &address, "--name", "Alice", "--suite", "level3"]);
    assert_eq!(weaker.code, Some(4), "{}", weaker.err);
    for part in ["level5 (0x0002)", "level3 (0x0001)", "lower rank", "--suite level5"] {
        assert!(weaker.err.contains(part), "{part} in {}", weaker.err);
    }
}
