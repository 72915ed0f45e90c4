//! A folder of bundles: what is published there, what is read, and what is never overwritten.

use crate::people::{ALICE, BOB, CAROL, DAY, NOW, OTHER, SUITE, bob, bundle, carol, contents, key};
use std::error::Error as _;
use std::fs;
use std::path::PathBuf;
use tempfile::{TempDir, tempdir};
use twinlock::acquaintances::{Acquaintances, Book, BundleFolder, Directory, DirectoryError, NotTaken, Taken};
use twinlock::identity::{Bundle, StaticKeyToSign};
use twinlock::keyfile::{self, KeyFileError};
use twinlock::{Error, Fingerprint, Suite};

/// A folder of bundles that lives as long as this.
struct Board {
    place: TempDir,
    folder: BundleFolder,
}

impl Board {
    fn new() -> Self {
        let place = tempdir().unwrap();
        let folder = BundleFolder::open(place.path()).unwrap();
        Self { place, folder }
    }

    fn file(&self, of: Fingerprint, suite: &str) -> PathBuf {
        self.place.path().join(format!("{of}.{suite}.pem"))
    }

    fn has(&self, of: Fingerprint, suite: Suite) -> Option<Vec<u8>> {
        self.folder.bundle(of, suite).unwrap().map(|bundle| bundle.as_bytes().to_vec())
    }
}

#[test]
fn a_published_bundle_is_not_found_or_another_is() {
    let board = Board::new();
    let all = [bundle(&BOB, SUITE, -1, 40), bundle(&BOB, OTHER, -2, 40), bundle(&CAROL, SUITE, -3, 40)];
    for one in &all {
        assert!(board.has(one.fingerprint(), one.suite()).is_none());
        board.folder.publish(one).unwrap();
    }
    let clone = BundleFolder::open(board.place.path()).unwrap();
    for one in &all {
        assert_eq!(clone.bundle(one.fingerprint(), one.suite()).unwrap().unwrap().as_bytes(), one.as_bytes());
    }
    assert!(board.has(carol(), OTHER).is_none());
    // What anybody can write without this library.
    for (of, suite, one) in [(bob(), "0x0001", 0), (bob(), "0x0003", 1), (carol(), "0x0001", 2)] {
        let path = board.file(of, suite);
        assert_eq!(fs::read_to_string(&path).unwrap(), keyfile::bundle_to_pem(&all[one]));
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.len() == 72 && name.chars().all(|c| c == '.' || c.is_ascii_lowercase() || c.is_ascii_digit()), "{name}");
    }
    let names: Vec<String> = contents(board.place.path()).into_keys().filter(|name| !name.ends_with(".lock")).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_what_is_published() {
    use std::os::unix::fs::MetadataExt;
    let board = Board::new();
    let mode = |path: PathBuf| fs::metadata(path).unwrap().mode() & 0o777;
    let usual = board.place.path().join("usual");
    fs::write(&usual, "").unwrap();
    // When it is new, and when it takes the place of another.
    for from in [-2, -1] {
        board.folder.publish(&bundle(&BOB, SUITE, from, 40)).unwrap();
        assert_eq!(mode(board.file(bob(), "0x0001")), mode(usual.clone()));
    }
}

#[test]
fn an_older_bundle_is_published_over_a_newer_one() {
    let board = Board::new();
    let (older, newer) = (bundle(&BOB, SUITE, -3, 40), bundle(&BOB, SUITE, -2, 20));
    board.folder.publish(&older).unwrap();
    board.folder.publish(&newer).unwrap();
    let before = contents(board.place.path());
    // The older one, another of the same date, and the same again.
    for refused in [&older, &bundle(&BOB, SUITE, -2, 30)] {
        let error = board.folder.publish(refused).unwrap_err();
        assert!(matches!(&error, DirectoryError::NotNewer { path } if *path == board.file(bob(), "0x0001")), "{error:?}");
    }
    board.folder.publish(&newer).unwrap();
    assert!(contents(board.place.path()) == before);
    assert_eq!(board.has(bob(), SUITE).unwrap(), newer.as_bytes());
    // Of another suite it is another bundle.
    board.folder.publish(&bundle(&BOB, OTHER, -9, 20)).unwrap();
}

/// One content can have several good signatures.
#[test]
fn a_bundle_signed_twice_is_two() {
    let board = Board::new();
    let draft = StaticKeyToSign::generate(&BOB.public(), SUITE, NOW - DAY, NOW + DAY).unwrap();
    let signed = || {
        let signature = BOB.sign_for_handshake(draft.to_sign()).unwrap();
        Bundle::from_bytes(&[draft.to_sign().message(), &signature].concat()).unwrap()
    };
    let (first, second) = (signed(), signed());
    board.folder.publish(&first).unwrap();
    board.folder.publish(&second).unwrap();
    assert!(first.as_bytes() != second.as_bytes() && board.has(bob(), SUITE).unwrap() == first.as_bytes());
}

#[test]
fn anothers_bundle_under_a_peers_name_is_found_or_overwritten() {
    for (wrong, suite) in [(bundle(&CAROL, SUITE, -9, 40), SUITE), (bundle(&BOB, OTHER, -9, 40), OTHER)] {
        let board = Board::new();
        let path = board.file(bob(), "0x0001");
        fs::write(&path, keyfile::bundle_to_pem(&wrong)).unwrap();
        for result in [board.folder.bundle(bob(), SUITE).map(|_| ()), board.folder.publish(&bundle(&BOB, SUITE, -1, 40))] {
            let error = result.unwrap_err();
            let named = matches!(&error, DirectoryError::WrongFile { path: at, of, suite: in_suite }
                if *at == path && *of == wrong.fingerprint() && *in_suite == suite);
            assert!(named, "{error:?}");
            assert!(error.to_string().contains("Nothing was changed") && error.to_string().contains(&wrong.fingerprint().to_string()));
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), keyfile::bundle_to_pem(&wrong));
    }
}

#[test]
fn a_damaged_file_is_found_or_overwritten() {
    let board = Board::new();
    let path = board.file(bob(), "0x0001");
    let good = keyfile::bundle_to_pem(&bundle(&BOB, SUITE, -9, 40));
    for damaged in ["", "not a bundle", &good[..4_000], &format!("{good}{good}"), &good.replace("BUNDLE", "STATEMENT")] {
        fs::write(&path, damaged).unwrap();
        for result in [board.folder.bundle(bob(), SUITE).map(|_| ()), board.folder.publish(&bundle(&BOB, SUITE, -1, 40))] {
            let error = result.unwrap_err();
            assert!(matches!(&error, DirectoryError::File { path: at, .. } if *at == path), "{error:?}");
            let shown = error.to_string();
            assert!(shown.starts_with(&path.display().to_string()) && shown.ends_with("Nothing was changed"), "{shown}");
            assert!(error.source().is_some_and(|cause| cause.is::<KeyFileError>()));
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
    }
    // Others are found all the same.
    assert!(board.has(carol(), SUITE).is_none());
}

/// The end of a bundle is its owner's and the reader's business: a folder has no clock.
#[test]
fn a_bundle_that_has_ended_cannot_be_followed_by_a_newer_one() {
    let board = Board::new();
    let (ended, newer) = (bundle(&BOB, SUITE, -30, -1), bundle(&BOB, SUITE, -1, 40));
    board.folder.publish(&ended).unwrap();
    assert_eq!(board.has(bob(), SUITE).unwrap(), ended.as_bytes());
    board.folder.publish(&newer).unwrap();
    assert_eq!(board.has(bob(), SUITE).unwrap(), newer.as_bytes());
}

#[test]
fn a_missing_folder_is_made_or_something_else_is_one() {
    let place = tempdir().unwrap();
    let missing = place.path().join("missing");
    let error = BundleFolder::open(&missing).unwrap_err();
    assert!(matches!(&error, DirectoryError::Io { path, error } if *path == missing && error.kind() == std::io::ErrorKind::NotFound));
    assert!(error.source().is_some() && error.to_string().contains("missing") && !missing.exists());
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(BundleFolder::open(&file), Err(DirectoryError::Io { .. })));
    // What has a bundle's name and is no file is no reason to wait.
    let board = Board::new();
    fs::create_dir(board.file(bob(), "0x0001")).unwrap();
    for result in [board.folder.bundle(bob(), SUITE).map(|_| ()), board.folder.publish(&bundle(&BOB, SUITE, -1, 40))] {
        assert!(matches!(result, Err(DirectoryError::Io { path, .. }) if path == board.file(bob(), "0x0001")));
    }
    // Nor is what cannot be opened none at all.
    #[cfg(unix)]
    {
        let path = board.file(carol(), "0x0001");
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert!(matches!(board.folder.bundle(carol(), SUITE), Err(DirectoryError::File { path: at, .. }) if at == path));
    }
    // Nor is one that went away while it was open.
    let Board { place, folder } = Board::new();
    place.close().unwrap();
    assert!(folder.bundle(bob(), SUITE).unwrap().is_none());
    assert!(matches!(folder.publish(&bundle(&BOB, SUITE, -1, 40)), Err(DirectoryError::Io { .. })));
}

#[test]
fn the_older_of_two_who_publish_at_once_stays() {
    let board = Board::new();
    let all: Vec<Bundle> = (1..9).map(|days| bundle(&BOB, SUITE, -days, 40)).collect();
    std::thread::scope(|scope| {
        for one in &all {
            let folder = board.folder.clone();
            scope.spawn(move || match folder.publish(one) {
                Ok(()) | Err(DirectoryError::NotNewer { .. }) => {}
                Err(error) => panic!("{error}"),
            });
        }
    });
    assert_eq!(board.has(bob(), SUITE).unwrap(), all[0].as_bytes());
    assert!(contents(board.place.path()).keys().all(|name| !name.ends_with(".tmp")));
}

/// Who can write to the folder puts back what was there before.
#[test]
fn an_older_bundle_from_a_folder_replaces_the_newer_one_that_is_kept() {
    let (board, mut store) = (Board::new(), Book::new());
    let (older, newer) = (bundle(&BOB, SUITE, -3, 40), bundle(&BOB, SUITE, -2, 40));
    board.folder.publish(&older).unwrap();
    let stolen = fs::read(board.file(bob(), "0x0001")).unwrap();
    board.folder.publish(&newer).unwrap();
    assert_eq!(store.take_bundle(board.folder.bundle(bob(), SUITE).unwrap().unwrap(), NOW).unwrap(), Taken::First);
    fs::write(board.file(bob(), "0x0001"), stolen).unwrap();
    let offered = board.folder.bundle(bob(), SUITE).unwrap().unwrap();
    assert_eq!(offered.as_bytes(), older.as_bytes());
    assert_eq!(store.take_bundle(offered, NOW).unwrap(), Taken::Not(NotTaken::Older));
    assert_eq!(store.bundle_of(bob(), SUITE, NOW).unwrap().unwrap().as_bytes(), newer.as_bytes());
}

/// An owner that publishes what its store renews, and says who reads there, can open to them.
#[test]
fn a_published_bundle_does_not_count_as_delivered() {
    let (board, mut store) = (Board::new(), Book::new());
    let mine = store.renew(&ALICE, SUITE, NOW).unwrap();
    assert!(store.delivered_key(ALICE.fingerprint(), bob(), SUITE, NOW).unwrap().is_none());
    board.folder.publish(mine.bundle()).unwrap();
    assert!(store.set_delivered(bob(), mine.bundle(), NOW).unwrap());
    let opens = store.delivered_key(ALICE.fingerprint(), bob(), SUITE, NOW).unwrap().unwrap();
    assert_eq!(opens.bundle().as_bytes(), board.has(ALICE.fingerprint(), SUITE).unwrap());
    assert!(store.delivered_key(ALICE.fingerprint(), carol(), SUITE, NOW).unwrap().is_none());
    // A day later nothing is new, and publishing it changes nothing.
    let again = store.renew(&ALICE, SUITE, NOW + DAY).unwrap();
    board.folder.publish(again.bundle()).unwrap();
    assert_eq!(board.has(ALICE.fingerprint(), SUITE).unwrap(), mine.bundle().as_bytes());
    let later = store.renew(&ALICE, SUITE, NOW + 28 * DAY).unwrap();
    board.folder.publish(later.bundle()).unwrap();
    assert_eq!(board.has(ALICE.fingerprint(), SUITE).unwrap(), later.bundle().as_bytes());
}

#[test]
fn an_error_of_a_directory_leaves_out_what_to_do() {
    let path = || PathBuf::from("a/file");
    let of = key(&BOB, SUITE, -1, 40).bundle().fingerprint();
    for (error, words, cause) in [
        (DirectoryError::WrongBundle { of, suite: SUITE }, ["tl1", "0x0001", "ask who runs it"], false),
        (DirectoryError::NotKept(Error::ClockBehind), ["not kept", "clock", "set it"], true),
        (DirectoryError::WrongFile { path: path(), of, suite: SUITE }, ["a/file", "its name says another", "remove it"], false),
        (DirectoryError::File { path: path(), error: KeyFileError::TooLarge }, ["a/file", "too large", "Nothing was changed"], true),
        (DirectoryError::NotNewer { path: path() }, ["a/file", "newer", "publish the newest"], false),
        (DirectoryError::Io { path: path(), error: std::io::Error::other("the disk is gone") }, ["a/file", "the disk", "is gone"], true),
        (DirectoryError::Failed("no answer in time".into()), ["did not answer", "no answer", "in time"], true),
    ] {
        let shown = error.to_string();
        assert!(words.iter().all(|word| shown.contains(word)), "{shown}");
        assert_eq!(error.source().is_some(), cause, "{shown}");
    }
}
