//! The folder: its owner's alone, never overwritten where it is not understood, and read with care.

use crate::people::{ALICE, BOB, DAY, NOW, PROLOGUE, Place, SUITE, alice, bob, bundle, contents, meet, owner_only, put, take};
use std::error::Error as _;
use std::fs;
use twinlock::Error;
use twinlock::acquaintances::{Acquaintances, AddressBook, AddressBookError, Folder, Taken, Wanted, Way};
use twinlock::channel::Role;

fn wanted() -> Wanted<'static> {
    Wanted { me: Some(alice()), peer: Some(bob()), suite: SUITE, prologue: PROLOGUE, psk_tag: None }
}

/// With one of everything; the id of its record.
fn filled(place: &Place) -> [u8; 16] {
    let mut store = place.open();
    let mine = store.renew(&ALICE, SUITE, NOW).unwrap();
    assert!(store.set_delivered(bob(), mine.bundle(), NOW).unwrap());
    assert_eq!(store.take_bundle(bundle(&BOB, SUITE, -1, 40), NOW).unwrap(), Taken::First);
    let (opener, used) = (meet(&ALICE, &BOB, NOW).0, meet(&BOB, &ALICE, NOW).1);
    let (id, used_id) = (*opener.id(), *used.id());
    assert!(store.keep(opener, NOW).unwrap() && store.keep(used, NOW).unwrap());
    assert!(store.remove(Role::Answerer, &used_id, NOW).unwrap());
    store.seen(bob(), SUITE, Way::Met, NOW).unwrap();
    id
}

#[test]
fn a_missing_folder_is_an_error_or_its_parent_is_made() {
    let place = Place::new();
    let store = place.open();
    assert!(store.static_keys(SUITE, 0).unwrap().is_empty());
    assert_eq!(place.names(), ["state"]);
    let error = Folder::open(place.around().join("no/acquaintances")).unwrap_err();
    assert!(matches!(&error, AddressBookError::Io { error, .. } if error.kind() == std::io::ErrorKind::NotFound));
    assert!(error.source().is_some() && !place.around().join("no").exists());
    // Where a file stands there is no folder.
    let file = place.around().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Folder::open(&file), Err(AddressBookError::Damaged { .. })));
}

#[cfg(unix)]
#[test]
fn others_can_read_what_is_kept() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let place = Place::new();
    filled(&place);
    let mode = |name: &str| fs::metadata(place.path.join(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode(""), 0o700);
    for name in place.names().iter().map(String::as_str).chain(["state.lock"]) {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    let before = place.contents();
    let open = place.open();
    for name in place.names().iter().map(String::as_str).chain([""]) {
        for right in [0o040, 0o020, 0o010, 0o004, 0o002, 0o001] {
            let path = place.path.join(name);
            let owners = fs::metadata(&path).unwrap().mode() & 0o700;
            fs::set_permissions(&path, fs::Permissions::from_mode(owners | right)).unwrap();
            let error = Folder::open(&place.path).unwrap_err();
            assert!(matches!(&error, AddressBookError::OthersMayRead { mode, .. } if *mode == owners | right), "{name}: {error}");
            let shown = error.to_string();
            assert!(shown.contains("chmod go=") && shown.contains(name), "{shown}");
            fs::set_permissions(&path, fs::Permissions::from_mode(owners)).unwrap();
        }
    }
    assert!(place.contents() == before);
    assert!(place.open().reload().is_ok() && open.reload().is_ok());
}

/// Every error but a look at the folder itself leaves every byte as it was.
fn refused_and_left(place: &Place, fits: impl Fn(&AddressBookError) -> bool, what: &str) {
    let before = place.contents();
    for opened in [Folder::open(&place.path), Folder::open_moved(&place.path)] {
        let error = opened.expect_err(what);
        assert!(fits(&error), "{what}: {error:?}");
        assert!(error.to_string().contains("Nothing was changed"), "{what}: {error}");
    }
    assert!(place.contents() == before, "{what}");
}

#[test]
fn a_damaged_file_is_read_or_overwritten() {
    let place = Place::new();
    filled(&place);
    let good = contents(&place.path);
    let damaged = |error: &AddressBookError| matches!(error, AddressBookError::Damaged { .. } | AddressBookError::OtherVersion { .. });
    for (name, bytes) in &good {
        let path = place.path.join(name);
        let stride = if name == "state" { 1 } else { 97 };
        for at in (0..bytes.len()).step_by(stride) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(&path, &changed).unwrap();
            refused_and_left(&place, damaged, &format!("{name}, byte {at}"));
            fs::write(&path, &bytes[..at]).unwrap();
            refused_and_left(&place, damaged, &format!("{name}, the first {at}"));
        }
        fs::write(&path, [bytes.as_slice(), &[0]].concat()).unwrap();
        refused_and_left(&place, damaged, &format!("{name}, and a byte more"));
        fs::remove_file(&path).unwrap();
        refused_and_left(&place, damaged, &format!("without {name}"));
        fs::write(&path, bytes).unwrap();
        crate::people::owner_only(&place.path);
    }
    // What has another's name is not what it says.
    for kind in ["key", "bundle", "record"] {
        let name = place.names_of(kind).remove(0);
        let other = Place::new();
        filled(&other);
        let others = fs::read(other.path.join(&other.names_of(kind)[0])).unwrap();
        fs::write(place.path.join(&name), others).unwrap();
        refused_and_left(&place, |error| matches!(error, AddressBookError::Damaged { what, .. } if what.contains("name")), &name);
        fs::write(place.path.join(&name), &good[&name]).unwrap();
    }
    assert!(take(&mut Folder::open_moved(&place.path).unwrap(), &wanted(), NOW).is_some());
}

#[test]
fn a_file_of_another_version_is_read_or_overwritten() {
    let place = Place::new();
    filled(&place);
    for (name, bytes) in contents(&place.path) {
        let at = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        assert_eq!(bytes[at..at + 2], [0, 1], "{name}");
        let mut newer = bytes.clone();
        newer[at + 1] = 2;
        fs::write(place.path.join(&name), &newer).unwrap();
        refused_and_left(&place, |error| matches!(error, AddressBookError::OtherVersion { version: 2, .. }), &name);
        fs::write(place.path.join(&name), &bytes).unwrap();
    }
}

#[test]
fn a_program_that_has_it_open_goes_on_with_a_damaged_folder() {
    let place = Place::new();
    let id = filled(&place);
    let mut store = place.open();
    let state = place.path.join("state");
    let good = fs::read(&state).unwrap();
    let mut damaged = good.clone();
    // The mark: it is looked at again.
    damaged[30] ^= 1;
    fs::write(&state, &damaged).unwrap();
    assert_eq!(store.resumption(Role::Opener, &id, NOW).err(), Some(Error::Store));
    assert_eq!(store.remove(Role::Opener, &id, NOW), Err(Error::Store));
    assert_eq!(store.static_keys(SUITE, NOW).err(), Some(Error::Store));
    assert!(matches!(store.reload(), Err(AddressBookError::Damaged { .. })));
    assert!(matches!(store.resumption_with(&wanted(), NOW), Err(AddressBookError::Damaged { .. })));
    assert!(fs::read(&state).unwrap() == damaged);
    let aside = place.around().join("state");
    fs::rename(&state, &aside).unwrap();
    assert_eq!(store.resumption(Role::Opener, &id, NOW).err(), Some(Error::Store));
    assert!(store.keep(meet(&ALICE, &BOB, NOW).0, NOW).is_err() && !state.exists());
    fs::write(&aside, &good).unwrap();
    fs::rename(&aside, &state).unwrap();
    assert_eq!(store.resumption(Role::Opener, &id, NOW).unwrap().unwrap().id(), &id);
}

#[test]
fn what_cannot_be_written_is_told_kept() {
    let place = Place::new();
    let id = filled(&place);
    let mut store = place.open();
    // A lock that cannot be had.
    let lock = place.path.join("state.lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    let before = place.contents();
    assert_eq!(store.remove(Role::Opener, &id, NOW), Err(Error::Store));
    assert!(store.renew(&ALICE, SUITE, NOW + 30 * DAY).is_err());
    assert!(matches!(store.take_bundle(bundle(&BOB, SUITE, 0, 40), NOW), Err(AddressBookError::Io { .. })));
    assert!(place.contents() == before);
    // What is there can still be looked at.
    assert!(store.resumption(Role::Opener, &id, NOW).unwrap().is_some());
    assert!(store.bundle_of(bob(), SUITE, NOW).unwrap().is_some());
}

#[test]
fn what_another_process_changed_is_not_seen() {
    let place = Place::new();
    let id = filled(&place);
    let (mut here, mut there) = (place.open(), place.open());
    assert!(here.resumption(Role::Opener, &id, NOW).unwrap().is_some());
    assert!(take(&mut there, &wanted(), NOW).is_some());
    assert!(here.resumption(Role::Opener, &id, NOW).unwrap().is_none());
    assert!(take(&mut here, &wanted(), NOW).is_none());
    let newer = bundle(&BOB, SUITE, 0, 40);
    assert_eq!(there.take_bundle(newer.clone(), NOW).unwrap(), Taken::Newer);
    assert_eq!(here.bundle_of(bob(), SUITE, NOW).unwrap().unwrap().as_bytes(), newer.as_bytes());
    let second = there.renew(&ALICE, SUITE, NOW + 28 * DAY).unwrap();
    let keys = here.static_keys(SUITE, NOW + 28 * DAY).unwrap();
    assert_eq!((keys.len(), keys[0].bundle().as_bytes()), (2, second.bundle().as_bytes()));
    assert!(here.forget(bob()).unwrap());
    assert!(there.bundle_of(bob(), SUITE, NOW + 28 * DAY).unwrap().is_none());
}

#[test]
fn what_a_crash_left_stays_or_is_read() {
    let place = Place::new();
    let id = filled(&place);
    let before = place.contents();
    for name in ["state.0123456789abcdef.tmp", "key-00.0123456789abcdef.tmp", "record-00", "bundle-00"] {
        fs::write(place.path.join(name), "half a fi").unwrap();
    }
    fs::write(place.path.join("notes"), "not ours").unwrap();
    assert!(place.open().resumption(Role::Opener, &id, NOW).unwrap().is_some());
    fs::remove_file(place.path.join("notes")).unwrap();
    assert!(place.contents() == before);
}

/// All there is but `state`: what it says of the rest is lost, and with it which bundles were the newest.
#[test]
fn a_folder_without_its_state_is_taken_for_a_new_one() {
    let place = Place::new();
    filled(&place);
    fs::remove_file(place.path.join("state")).unwrap();
    refused_and_left(&place, |error| matches!(error, AddressBookError::Damaged { what, .. } if what.contains("missing")), "no state");
    // Only what the first crash leaves is none.
    let place = Place::new();
    let left = [("state.0123456789abcdef.tmp".to_owned(), b"half".to_vec())].into();
    put(&left, &place.path);
    assert!(place.open().reports().unwrap().is_empty());
    assert_eq!(place.names(), ["state"]);
}

#[test]
fn a_file_is_read_without_a_bound() {
    let place = Place::new();
    filled(&place);
    for name in ["state".to_owned(), place.names_of("bundle").remove(0)] {
        let path = place.path.join(&name);
        let good = fs::read(&path).unwrap();
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
        assert!(matches!(Folder::open(&place.path), Err(AddressBookError::Damaged { what, .. }) if what.contains("larger")));
        fs::write(&path, good).unwrap();
    }
    assert!(Folder::open_moved(&place.path).is_ok());
}

/// What the system says of it is handed on: only what is not there is missing.
#[test]
fn a_file_that_cannot_be_read_is_called_missing() {
    let place = Place::new();
    filled(&place);
    let path = place.path.join(place.names_of("bundle").remove(0));
    fs::remove_file(&path).unwrap();
    assert!(matches!(Folder::open(&place.path), Err(AddressBookError::Damaged { what, .. }) if what.contains("missing")));
    fs::create_dir(&path).unwrap();
    owner_only(&place.path);
    assert!(matches!(Folder::open(&place.path), Err(AddressBookError::Io { path: at, .. }) if at == path));
}

#[test]
fn a_store_is_shown_with_its_secrets_or_contacts_or_stays_on_its_thread() {
    fn sendable<T: Send>(_: &T) {}
    fn shareable<T: Sync>(_: &T) {}
    let place = Place::new();
    filled(&place);
    let store = place.open();
    sendable(&store);
    shareable(&store);
    sendable(&twinlock::acquaintances::Book::new());
    let shown = format!("{store:?}");
    assert!(shown.contains("static_keys: 1, bundles: 1, records: 1") && !shown.contains("tl1"), "{shown}");
}
