//! Who is met, and where it is kept.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use tempfile::{TempDir, tempdir};
use twinlock::acquaintances::{Acquaintances, Book, Folder, Wanted};
use twinlock::channel::{Resumption, Role};
use twinlock::handshake::{AnonymousInitiator, Hello, Initiator, Psk, Responder};
use twinlock::identity::{Bundle, StaticKey};
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Fingerprint, Identity, Suite};

pub(crate) const SUITE: Suite = Suite::Level3ChaCha;
pub(crate) const OTHER: Suite = Suite::Level3Aes;
/// 2026-01-02, at midnight.
pub(crate) const NOW: u64 = 1_767_312_000;
pub(crate) const DAY: u64 = 86_400;
pub(crate) const PROLOGUE: &[u8] = b"store/1";

pub(crate) static ALICE: LazyLock<Identity> = LazyLock::new(|| Identity::generate().unwrap());
pub(crate) static BOB: LazyLock<Identity> = LazyLock::new(|| Identity::generate().unwrap());
pub(crate) static CAROL: LazyLock<Identity> = LazyLock::new(|| Identity::generate().unwrap());

pub(crate) fn alice() -> Fingerprint {
    ALICE.fingerprint()
}

pub(crate) fn bob() -> Fingerprint {
    BOB.fingerprint()
}

pub(crate) fn carol() -> Fingerprint {
    CAROL.fingerprint()
}

/// A bundle from one day to another, counted from now.
pub(crate) fn bundle(of: &Identity, suite: Suite, from: i64, to: i64) -> Bundle {
    key(of, suite, from, to).bundle().clone()
}

pub(crate) fn key(of: &Identity, suite: Suite, from: i64, to: i64) -> StaticKey {
    let at = |days: i64| NOW.checked_add_signed(days * 86_400).unwrap();
    StaticKey::generate(of, suite, at(from), at(to)).unwrap()
}

/// The reference by which a first message names a bundle (docs/protocol.md, section 4.6).
pub(crate) fn reference(bundle: &Bundle) -> [u8; 32] {
    let unsigned = bundle.as_bytes().len() - bundle.suite().signature().signature_len();
    Sha256::new().chain_update(b"tl1 bundle ref").chain_update(&bundle.as_bytes()[..unsigned]).finalize().into()
}

/// One opens to the other and both keep a record: the opener's, the answerer's.
pub(crate) fn meet(opener: &Identity, answerer: &Identity, now: u64) -> (Resumption, Resumption) {
    meet_as(opener, answerer, SUITE, PROLOGUE, None, now)
}

pub(crate) fn meet_as(
    opener: &Identity,
    answerer: &Identity,
    suite: Suite,
    prologue: &[u8],
    psk: Option<u8>,
    now: u64,
) -> (Resumption, Resumption) {
    let (mut a, mut b) = (Initiator::new(opener, prologue).suite(suite), Responder::new(answerer, prologue));
    if let Some(byte) = psk {
        let psk = Psk::take(&mut [byte; 32]);
        (a, b) = (a.psk(&psk), b.psk(&psk));
    }
    let (a, hello) = a.send_hello().unwrap();
    let (b, reply) = b.read_hello(&hello).unwrap().send_reply().unwrap();
    let (mut a, finish) = a.read_reply(&reply).unwrap().send_finish(&mut TrustAnyone).unwrap();
    let mut b = b.read_finish(&finish).unwrap().into_channel(&mut TrustAnyone).unwrap();
    (a.keep_resumption(now).unwrap().unwrap(), b.keep_resumption(now).unwrap().unwrap())
}

/// Somebody without identity opens: theirs, the answerer's.
pub(crate) fn visit(answerer: &Identity, now: u64) -> (Resumption, Resumption) {
    let (a, hello) = AnonymousInitiator::new(PROLOGUE).send_hello().unwrap();
    let Hello::Anonymous(b) = Responder::new(answerer, PROLOGUE).read_any_hello(&hello).unwrap() else { panic!("not NX") };
    let (mut b, reply) = b.send_reply(&mut TrustAnyone).unwrap();
    let mut a = a.read_reply(&reply).unwrap().into_channel(&mut TrustAnyone).unwrap();
    (a.keep_resumption(now).unwrap().unwrap(), b.keep_resumption(now).unwrap().unwrap())
}

/// The newest record that fits, removed as a handshake does before it sends anything.
pub(crate) fn take<S: Acquaintances + ?Sized>(store: &mut S, wanted: &Wanted<'_>, now: u64) -> Option<Arc<Resumption>> {
    while let Some(record) = store.resumption_with(wanted, now).unwrap() {
        if store.remove(Role::Opener, record.id(), now).unwrap() {
            return Some(record);
        }
    }
    None
}

/// A second value of the same record: what a copy of a store has.
pub(crate) fn copy(record: &Resumption) -> Resumption {
    Resumption::from_secret_bytes(record.to_secret_bytes().expose()).unwrap()
}

/// A folder that lives as long as this.
pub(crate) struct Place {
    around: TempDir,
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let around = tempdir().unwrap();
        let path = around.path().join("acquaintances");
        Self { around, path }
    }

    pub(crate) fn open(&self) -> Folder {
        Folder::open(&self.path).unwrap()
    }

    pub(crate) fn around(&self) -> &Path {
        self.around.path()
    }

    /// The names of the files, without the lock.
    pub(crate) fn names(&self) -> Vec<String> {
        self.contents().into_keys().collect()
    }

    pub(crate) fn names_of(&self, kind: &str) -> Vec<String> {
        self.names().into_iter().filter(|name| name.starts_with(kind)).collect()
    }

    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        contents(&self.path)
    }

    /// Whether any file holds these bytes.
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        self.contents().values().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
    }
}

pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let named = files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()));
    named.filter(|(name, _)| name != "state.lock").collect()
}

/// As somebody does who copies a folder or restores a backup: other files of the same contents, made later.
pub(crate) fn put(files: &BTreeMap<String, Vec<u8>>, folder: &Path) {
    // The file system's clock moves in steps.
    std::thread::sleep(std::time::Duration::from_millis(30));
    if !folder.exists() {
        fs::create_dir(folder).unwrap();
    }
    for old in contents(folder).keys() {
        fs::remove_file(folder.join(old)).unwrap();
    }
    for (name, contents) in files {
        fs::write(folder.join(name), contents).unwrap();
    }
    owner_only(folder);
}

pub(crate) fn owner_only(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
}

/// Runs a test in memory and in a folder.
pub(crate) fn in_both(test: impl Fn(&mut dyn FnMut() -> Box<dyn Store>)) {
    test(&mut || Box::new(Book::new()));
    let mut places = Vec::new();
    test(&mut || {
        let place = Place::new();
        let folder = place.open();
        places.push(place);
        Box::new(folder)
    });
}

/// What can be asked without knowing which store it is.
pub(crate) trait Store: Acquaintances {}

impl<S: Acquaintances> Store for S {}
