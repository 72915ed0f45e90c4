//! The own identity, and the list of peers.

use crate::person::Person;
use std::fs;
use twinlock::keyfile;

#[test]
fn an_identity_is_overwritten_or_gets_lost_on_its_way_to_a_copy_and_back() {
    let a = Person::new();
    let before = fs::read(a.path("identity.pem")).unwrap();
    assert_eq!(a.run(&["keygen", "--no-passphrase"]).code, Some(9));
    let (copy, public) = (a.path("copy.pem"), a.path("public.pem"));
    let (copy, public) = (copy.to_str().unwrap(), public.to_str().unwrap());
    assert_eq!(a.run(&["id", "export", copy]).code, Some(0));
    assert_eq!(a.run(&["id", "export", copy]).code, Some(9));
    assert_eq!(a.run(&["id", "export", "--public", public]).code, Some(0));
    assert_eq!(keyfile::load_public(public).unwrap().fingerprint(), a.print);
    assert_eq!(a.run(&["id", "restore", copy]).code, Some(9));
    assert_eq!(fs::read(a.path("identity.pem")).unwrap(), before);
    fs::remove_file(a.path("identity.pem")).unwrap();
    assert_eq!(a.run(&["id"]).code, Some(9));
    assert_eq!(a.run(&["id", "restore", copy]).out, format!("{}\n", a.print));
    assert_eq!(a.run(&["id"]).out, format!("{}\n", a.print));
}

#[test]
fn a_passphrase_is_not_needed() {
    let a = Person::new();
    let (old, new) = (a.path("old"), a.path("new"));
    fs::write(&old, "correct horse\nsecond line").unwrap();
    fs::write(&new, "battery staple\n").unwrap();
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    assert_eq!(a.run(&["id", "passphrase", "--new-passphrase-file", old]).code, Some(0));
    for (arguments, code) in [(&["id"][..], 6), (&["id", "--passphrase-file", new], 6), (&["id", "--passphrase-file", old], 0)] {
        let shown = a.run(arguments);
        assert_eq!(shown.code, Some(code), "{arguments:?}: {}", shown.err);
    }
    let called = a.run(&["connect", "127.0.0.1:9", "--passphrase-file", new]);
    assert_eq!(called.code, Some(6), "{}", called.err);
    let mut command = a.command(&["id", "passphrase", "--remove"]);
    crate::program::Program::start(command.env("TWINLOCK_CHAT_PASSPHRASE", "correct horse")).finish();
    assert_eq!(a.run(&["id"]).out, format!("{}\n", a.print));
}

#[test]
fn a_new_identity_is_readable_by_others_or_unprotected_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let keygen = |arguments: &[&str]| {
        let mut command = crate::program::chat();
        command.arg("--home").arg(folder.path().join("home")).arg("keygen").args(arguments);
        crate::program::Program::start(&mut command).end()
    };
    assert_eq!(keygen(&[]).code, Some(6));
    assert!(!folder.path().join("home").exists());
    let made = keygen(&["--no-passphrase"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let file = folder.path().join("home/identity.pem");
    assert_eq!(made.out, format!("{}\n", keyfile::load(&file, None).unwrap().fingerprint()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&file), mode(&folder.path().join("home"))), (0o600, 0o700));
    }
}

#[test]
fn the_list_of_peers_cannot_be_changed() {
    let (a, b, c) = (Person::new(), Person::new(), Person::new());
    a.knows("127.0.0.1:7117", b.print);
    assert_eq!(a.run(&["peers", "rename", "127.0.0.1:7117", "Bob"]).code, Some(0));
    assert!(a.run(&["peers"]).out.starts_with("Bob  first-use  "));
    assert!(a.run(&["peers", "export"]).out.starts_with("twinlock-known-peers 1\n"));
    let accept = ["peers", "accept", "Bob", &c.print.to_string()];
    let refused = a.run(&accept);
    assert_eq!(refused.code, Some(1), "{}", refused.err);
    assert!(a.known().by_fingerprint(b.print).is_some());
    assert_eq!(a.run(&[&accept[..], &["--yes"]].concat()).code, Some(0));
    assert!(a.known().by_fingerprint(b.print).is_none() && a.known().by_fingerprint(c.print).is_some());
    assert_eq!(a.run(&["peers", "forget", "Bob"]).code, Some(0));
    assert_eq!(a.run(&["peers", "forget", "Bob"]).code, Some(1));
    fs::write(a.path("known_peers"), "nonsense").unwrap();
    assert_eq!(a.run(&["peers"]).code, Some(9));
}
