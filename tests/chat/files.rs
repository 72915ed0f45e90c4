//! Files land whole, under a harmless name, or not at all.

use crate::person::{Person, talking};
use std::fs;

#[test]
fn a_file_lands_damaged_or_over_another() {
    let (a, b) = (Person::new(), Person::new());
    let (large, small) = (a.file("large.bin", 1_500_000), b.file("small file.txt", 70_000));
    let empty = b.file("empty", 0);
    let (mut listening, mut calling) = talking(&a, &b);
    listening.type_line(&format!("/send {}", large.display()));
    calling.type_line(&format!("/send {}", small.display()));
    calling.type_line(&format!("/send \"{}\"", small.display()));
    calling.type_line(&format!("/send {}", empty.display()));
    calling.type_line("a text among them");
    listening.await_line("empty has landed whole");
    // The ends of both inputs wait for what is under way.
    calling.finish();
    let heard = listening.finish();
    assert!(heard.out.contains("a text among them"));
    assert!(fs::read(b.path("files/large.bin")).unwrap() == fs::read(&large).unwrap());
    for name in ["small file.txt", "small file (2).txt"] {
        assert!(fs::read(a.path("files").join(name)).unwrap() == fs::read(&small).unwrap(), "{name}");
    }
    assert_eq!(fs::read(a.path("files/empty")).unwrap(), b"");
    assert_eq!(fs::read_dir(a.path("files")).unwrap().count(), 3);
}

#[test]
fn a_cancelled_file_leaves_something_or_ends_the_conversation() {
    let (a, b) = (Person::new(), Person::new());
    let large = b.file("large.bin", 50_000_000);
    let (mut listening, mut calling) = talking(&a, &b);
    calling.type_line(&format!("/send {}", large.display()));
    listening.await_line("receiving large.bin");
    calling.type_line("/cancel");
    listening.await_line("was cancelled by the other side");
    calling.type_line(&format!("/send {}", large.display()));
    calling.type_line("second");
    listening.await_line("second");
    listening.type_line("/cancel");
    calling.await_line("was stopped by the other side: cancelled");
    calling.type_line("still talking");
    listening.await_line("still talking");
    calling.finish();
    listening.finish();
    assert_eq!(fs::read_dir(a.path("files")).unwrap().count(), 0);
}

#[test]
fn a_file_that_cannot_be_read_or_stored_ends_the_conversation() {
    let (a, b) = (Person::new(), Person::new());
    fs::write(a.path("files"), "no folder").unwrap();
    let (mut listening, mut calling) = talking(&a, &b);
    calling.type_line("/send /no/such/file");
    calling.await_line("/no/such/file cannot be sent");
    calling.type_line(&format!("/send {}", b.path("").display()));
    calling.await_line("it is not a file");
    calling.type_line(&format!("/send {}", b.file("x", 200_000).display()));
    calling.await_line("was stopped by the other side: it could not be stored");
    calling.type_line("still talking");
    listening.await_line("still talking");
    calling.finish();
    listening.finish();
}

#[test]
fn files_go_elsewhere_than_was_asked_for() {
    let (a, b) = (Person::new(), Person::new());
    let folder = a.path("some/where");
    let (listening, address) = a.listen_with(&["--peer", &b.print.to_string(), "--files", folder.to_str().unwrap()]);
    let mut calling = b.call(&a, &address);
    calling.type_line(&format!("/send {}", b.file("x", 10).display()));
    calling.finish();
    listening.finish();
    assert_eq!(fs::read(folder.join("x")).unwrap().len(), 10);
    assert!(!a.path("files").exists());
}
