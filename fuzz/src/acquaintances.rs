//! The folder of a store of acquaintances, with files of anybody's making (docs/protocol.md, sections 4.6 and 6.8; the layout is that of src/acquaintances/folder/encoding.rs).
//!
//! A folder in which a file was changed is refused and left as it is, unless the file's own sum was made to fit: then it is read as what it says, or refused; what was read
//! can be changed, and is read again as it was then.

use crate::acquainted::world;
use crate::input::Input;
use crate::keyfile::scratch;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use twinlock::acquaintances::{Acquaintances, AddressBook, AddressBookError, Folder, Way};
use twinlock::channel::{Resumption, Role};
use twinlock::identity::StaticKey;
use twinlock::{Bundle, Suite};

/// The files of a folder, by their names.
type Files = BTreeMap<String, Vec<u8>>;

/// `"twinlock acquaintances\n" || version || mark`, and then when it was made.
const MADE: usize = 23 + 2 + 16;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut files = good().clone();
    let changed = change(&mut files, &mut input);
    let path = lay_out(&files);
    match Folder::open(&path) {
        Ok(folder) => {
            assert!(changed != Changed::Broken, "a folder was read in which a file is none");
            check(folder, &path, changed, &mut input);
        }
        Err(error) => {
            assert!(changed != Changed::Nothing, "a good folder was refused: {error}");
            check_error(&error);
            assert!(read_files(&path) == files, "a folder that was refused was changed");
        }
    }
    let _ = fs::remove_dir_all(&path);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changed {
    Nothing,
    /// A file whose sum does not fit, or that is missing.
    Broken,
    /// What it says was changed, and its sum with it.
    Refitted,
}

/// A folder with some of everything, as the library wrote it. When it was made is not told, so that its copies count as itself.
fn good() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let (path, world) = (scratch("acquaintances-good"), world());
        let _ = fs::remove_dir_all(&path);
        let mut folder = Folder::open(&path).expect("a new folder");
        for name in ["0x0001 bob older", "0x0001 bob", "0x0002 bob"] {
            drop(folder.add_key(copy(world.key(name)), world.now).expect("a good key"));
        }
        for name in ["0x0001 alice", "0x0003 alice", "0x0002 alice", "0x0001 carol"] {
            let _ = folder.take_bundle(bundle(name), world.now).expect("a good bundle");
        }
        let (alice, bob) = (bundle("0x0001 alice").fingerprint(), bundle("0x0001 bob"));
        assert!(folder.set_delivered(alice, &bob, world.now).expect("a folder that can be written"));
        for record in &world.records {
            let _ = folder.keep(again(&record.answerer), world.now).expect("a folder that can be written");
        }
        let used = world.records[used_record()].answerer.id();
        assert!(folder.remove(Role::Answerer, used, world.now).expect("a folder that can be written"));
        folder.seen(alice, Suite::default(), Way::Met, world.now).expect("a folder that can be written");
        drop(folder);
        let mut files = read_files(&path);
        let _ = fs::remove_dir_all(&path);
        let state = files.get_mut("state").expect("a state");
        state[MADE..MADE + 8].fill(0);
        refit(state);
        files
    })
}

/// The last: of one peer a store keeps few, and the newest.
fn used_record() -> usize {
    world().records.len() - 1
}

fn is_kept(folder: &Folder, record: usize) -> bool {
    let id = world().records[record].answerer.id();
    folder.resumption(Role::Answerer, id, world().now).expect("a good folder").is_some()
}

fn bundle(name: &str) -> Bundle {
    world().key(name).bundle().clone()
}

fn copy(key: &Arc<StaticKey>) -> StaticKey {
    StaticKey::from_secret_bytes(key.to_secret_bytes().expose()).expect("what was given")
}

fn again(record: &Arc<Resumption>) -> Resumption {
    Resumption::from_secret_bytes(record.to_secret_bytes().expose()).expect("what was given")
}

/// Puts the sum of what stands before at the end.
fn refit(file: &mut [u8]) {
    if let Some((contents, sum)) = file.split_last_chunk_mut::<32>() {
        *sum = Sha256::digest(contents).into();
    }
}

fn change(files: &mut Files, input: &mut Input) -> Changed {
    let names: Vec<_> = files.keys().cloned().collect();
    // The state, in half of the runs.
    let name = if input.flag() { "state".to_owned() } else { input.pick(&names).clone() };
    let before = files.get(&name).expect("one of them").clone();
    let file = files.get_mut(&name).expect("one of them");
    match input.byte() % 8 {
        0 => {
            files.remove(&name);
            return Changed::Broken;
        }
        1 => *file = input.rest().to_vec(),
        how => {
            let header = file.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 3);
            input.change(file, &[header, MADE, MADE + 8, MADE + 21, MADE + 25, file.len() - 32]);
            if how >= 4 {
                refit(file);
            }
        }
    }
    match (*file == before, sum_fits(file)) {
        (true, _) => Changed::Nothing,
        (_, true) => Changed::Refitted,
        _ => Changed::Broken,
    }
}

fn sum_fits(file: &[u8]) -> bool {
    file.split_last_chunk::<32>().is_some_and(|(contents, sum)| Sha256::digest(contents)[..] == sum[..])
}

fn lay_out(files: &Files) -> PathBuf {
    let path = scratch("acquaintances");
    let _ = fs::remove_dir_all(&path);
    DirBuilder::new().mode(0o700).create(&path).expect("a new folder");
    for (name, contents) in files {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path.join(name));
        file.and_then(|mut file| file.write_all(contents)).expect("a new file");
    }
    path
}

fn read_files(path: &Path) -> Files {
    let entries = fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry"));
    let named = entries.map(|entry| (entry.file_name().into_string().expect("a name of ours"), entry.path()));
    named.filter(|(name, _)| !name.ends_with(".lock")).map(|(name, path)| (name, fs::read(path).expect("a file"))).collect()
}

fn check_error(error: &AddressBookError) {
    let text = error.to_string();
    assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
    assert!(
        matches!(error, AddressBookError::Damaged { .. } | AddressBookError::OtherVersion { .. } | AddressBookError::UnknownSuite { .. }),
        "{error}"
    );
}

/// What it keeps is told the same by one that opens it later, and a change of it is there then.
fn check(mut folder: Folder, path: &Path, changed: Changed, input: &mut Input) {
    let world = world();
    let now = world.now + input.pick(&[0, 0, 1, 601_200, 864_000]);
    if changed == Changed::Nothing && now == world.now {
        assert_eq!(folder.static_keys(Suite::default(), now).map(|keys| keys.len()), Ok(2));
        let alice = bundle("0x0001 alice");
        let found = folder.acquaintance(Suite::default(), alice.reference(), now).expect("a good folder").expect("a bundle that is kept");
        assert!(found.as_bytes() == alice.as_bytes());
        assert!(!is_kept(&folder, used_record()), "a record was used twice");
        assert!(world.records.iter().enumerate().filter(|(at, _)| is_kept(&folder, *at)).count() >= 4);
    }
    let record = &input.pick(&world.records).answerer;
    let there = folder.resumption(Role::Answerer, record.id(), now);
    if let Ok(there) = there {
        let removed = folder.remove(Role::Answerer, record.id(), now).expect("a folder that can be written");
        assert_eq!(removed, there.is_some());
        let other = Folder::open(path).expect("a folder that was just written");
        assert!(other.resumption(Role::Answerer, record.id(), now).expect("a good folder").is_none(), "what was removed came back");
        let [here, there] = [&folder, &other].map(|one| (one.acquaintances().map(|all| all.len()).ok(), format!("{one:?}")));
        assert_eq!(here, there);
    }
}
