//! What is kept of acquaintances, in a folder of its own that its owner alone may read.
//!
//! ```text
//! state                 what holds: which of the other files count, the ids of used records, the clock
//! key-<hex>             one's own static key, with its bundle
//! bundle-<hex>          a peer's bundle
//! record-<hex>          a resumption record
//! state.lock            whose lock is held for a change
//! ```
//!
//! - A change writes what is new beside the rest, and then replaces `state` whole: that is when it happens, all at once. Only then what counts no more is overwritten and
//!   removed. A crash leaves the old state or the new one, and at worst files that nobody reads, which go when the folder is opened.
//! - Every look-up sees what another process changed, and every change is made under the lock to what is there then.
//! - A file that is not understood is an error, and nothing is overwritten. Files and folder are their owner's alone, or are refused.
//! - **A folder that was copied**, or that came back from a backup, knows: `state` says when its own file was made, and a copy was made later. Its resumption records are dropped then,
//!   since they may have been used elsewhere, and it is reported. Where a program moves the folder itself it opens it by [`Folder::open_moved`]. It is not seen where a whole disk or machine
//!   goes back to an earlier state, nor on other systems than Unix, nor where the file system does not tell when a file was made; then a second use shows at the other side.
//! - The latest time that was told may stand on the disk an hour late, if nothing else was to be written.
//! - Overwriting reaches the old bytes only where the file system and the disk write in place. Encrypt the disk.

mod encoding;
#[cfg(test)]
mod tests;

use self::encoding::{Index, Kind, Unreadable};
use super::bundles::Kept;
use super::keys::OwnKey;
use super::resumptions::Remembered;
use super::shelf::Shelf;
use super::state::State;
use super::{AddressBookError, Renewal};
use crate::channel::Resumption;
use crate::durable;
use crate::error::Error;
use crate::identity::{Bundle, StaticKey};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use std::collections::BTreeSet;
use std::format;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;
use zeroize::Zeroizing;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;
/// How much later the latest time may be than the one on the disk, in seconds.
const CLOCK_STEP: u64 = 3_600;

/// What is kept of acquaintances, in a folder.
///
/// Several may be open on one folder, in this process or in others: a server may open one for each conversation. A folder is for one owner; who has several identities may
/// keep one for all.
pub struct Folder {
    path: PathBuf,
    seen: Mutex<Seen>,
    renewal: Renewal,
}

/// The first bytes of a file `state`, with its mark, and when that file was made.
#[derive(Default, PartialEq, Eq)]
struct Head {
    bytes: Vec<u8>,
    made: u64,
}

/// What the folder held when it was last looked at.
#[derive(Default)]
struct Seen {
    head: Head,
    state: State,
    /// The latest time on the disk.
    latest: u64,
}

/// What is in the folder, and whether it is a copy of another.
struct Loaded {
    seen: Seen,
    copied: bool,
}

impl Folder {
    /// Opens the folder, or makes it, for its owner alone; the one it stands in is not made.
    ///
    /// [`AddressBookError::OthersMayRead`], [`AddressBookError::OtherVersion`], [`AddressBookError::UnknownSuite`] and [`AddressBookError::Damaged`] say what is wrong with a folder, which is
    /// left as it is. One that was copied has lost its resumption records when it is open, and [reports](super::Acquaintances::reports) it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, AddressBookError> {
        Self::open_as(path.into(), false)
    }

    /// As [`Folder::open`], where the owner knows that the folder was moved, and that there is no other copy of it that is in use: its resumption records stay.
    pub fn open_moved(path: impl Into<PathBuf>) -> Result<Self, AddressBookError> {
        Self::open_as(path.into(), true)
    }

    /// Renews static keys at other times than by default.
    #[must_use]
    pub const fn renewing(mut self, renewal: Renewal) -> Self {
        self.renewal = renewal;
        self
    }

    /// Looks at the folder again. After [`Error::Store`] it says why.
    pub fn reload(&self) -> Result<(), AddressBookError> {
        self.refresh(&mut self.seen())
    }

    fn open_as(path: PathBuf, moved: bool) -> Result<Self, AddressBookError> {
        make_folder(&path)?;
        let folder = Self { path, seen: Mutex::default(), renewal: Renewal::default() };
        let held = folder.lock()?;
        let state_file = folder.state_file();
        if !exists(&state_file)? {
            folder.check_empty()?;
            folder.put(&mut folder.seen(), State::default())?;
        }
        let Loaded { seen, copied } = folder.load(&State::default())?;
        let mut state = seen.state.clone();
        *folder.seen() = seen;
        if copied {
            if !moved {
                state.was_copied();
            }
            folder.put(&mut folder.seen(), state)?;
        }
        folder.sweep()?;
        drop(held);
        Ok(folder)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // It is only ever replaced whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_file(&self) -> PathBuf {
        self.path.join("state")
    }

    fn piece_file(&self, (kind, digest): (Kind, [u8; 32])) -> PathBuf {
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.path.join(format!("{}-{hex}", kind.name()))
    }

    fn lock(&self) -> Result<File, AddressBookError> {
        let path = self.state_file();
        durable::lock(&path).map_err(|error| AddressBookError::io(&path, error))
    }

    /// Sees what another process changed. One that is copied over this one while it is open loses its records too.
    fn refresh(&self, seen: &mut Seen) -> Result<(), AddressBookError> {
        if self.head()? == seen.head {
            return Ok(());
        }
        // Whoever changes it removes files that counted before: under the lock nobody does.
        let loaded = self.load(&seen.state).or_else(|_| {
            let _held = self.lock()?;
            self.load(&seen.state)
        })?;
        if !loaded.copied {
            *seen = loaded.seen;
            return Ok(());
        }
        let _held = self.lock()?;
        self.refresh_held(seen)
    }

    /// The same under the lock.
    fn refresh_held(&self, seen: &mut Seen) -> Result<(), AddressBookError> {
        if self.head()? == seen.head {
            return Ok(());
        }
        let Loaded { seen: now, copied } = self.load(&seen.state)?;
        *seen = now;
        if copied {
            let mut state = seen.state.clone();
            state.was_copied();
            self.put(seen, state)?;
        }
        Ok(())
    }

    /// Which `state` is there: another after every change, and another where the same one was put back.
    fn head(&self) -> Result<Head, AddressBookError> {
        let (path, mut bytes) = (self.state_file(), Vec::with_capacity(encoding::HEAD));
        let read = |bytes: &mut Vec<u8>| {
            let file = File::open(&path)?;
            let made = made_at(&file.metadata()?);
            file.take(u64::try_from(encoding::HEAD).unwrap_or_default()).read_to_end(bytes)?;
            Ok(made)
        };
        let made = read(&mut bytes).map_err(|error| AddressBookError::io(&path, error))?;
        Ok(Head { bytes, made })
    }

    /// Reads everything, but for what stands in `known` already: what has a name never changes.
    fn load(&self, known: &State) -> Result<Loaded, AddressBookError> {
        check_owner_only(&self.path)?;
        let path = self.state_file();
        let (bytes, metadata) = read(&path)?;
        let Index { state, made, keys, bundles, records } = encoding::parse(&bytes).map_err(|why| unreadable(&path, why))?;
        let mut state = state;
        for indexed in keys {
            let known = known.keys.iter().find(|own| own.digest == indexed.digest).cloned();
            let own = known.map_or_else(|| self.read_piece(Kind::Key, indexed.digest, own_key), Ok)?;
            state.keys.push(OwnKey { delivered: indexed.delivered, ..own });
        }
        for digest in bundles {
            let known = known.bundles.iter().find(|kept| kept.digest == digest).cloned();
            state.bundles.push(known.map_or_else(|| self.read_piece(Kind::Bundle, digest, kept_bundle), Ok)?);
        }
        for digest in records {
            let known = known.records.iter().find(|kept| kept.digest == digest).cloned();
            state.records.push(known.map_or_else(|| self.read_piece(Kind::Record, digest, kept_record), Ok)?);
        }
        let latest = state.clock.latest.get();
        state.succeed(known);
        let head = Head { bytes: bytes.get(..encoding::HEAD).unwrap_or_default().to_vec(), made: made_at(&metadata) };
        let copied = made != 0 && made != head.made;
        Ok(Loaded { seen: Seen { head, state, latest }, copied })
    }

    /// What reads a piece gives its digest too, which must be the one in the name.
    fn read_piece<T>(
        &self,
        kind: Kind,
        digest: [u8; 32],
        parse: impl FnOnce(&[u8]) -> Result<(T, [u8; 32]), Error>,
    ) -> Result<T, AddressBookError> {
        let path = self.piece_file((kind, digest));
        let (bytes, _) = read(&path)?;
        let contents = encoding::piece(kind, &bytes).map_err(|why| unreadable(&path, why))?;
        let (piece, is) = parse(contents).map_err(|error| unreadable(&path, error.into()))?;
        if is == digest { Ok(piece) } else { Err(AddressBookError::damaged(&path, "its name is that of another")) }
    }

    /// Puts this state on the disk, under the lock. What the result does not say is as it was.
    fn put(&self, seen: &mut Seen, state: State) -> Result<(), AddressBookError> {
        let (old, new) = (pieces(&seen.state), pieces(&state));
        for piece in new.difference(&old) {
            self.write_piece(*piece, &state)?;
        }
        let (path, mut mark) = (self.state_file(), [0; 16]);
        let contents = |metadata: &Metadata| {
            getrandom::fill(&mut mark).map_err(io::Error::other)?;
            Ok(encoding::write(&state, &mark, made_at(metadata)))
        };
        durable::replace_with(&path, contents).map_err(|error| AddressBookError::io(&path, error))?;
        let latest = state.clock.latest.get();
        *seen = Seen { head: self.head()?, state, latest };
        for piece in old.difference(&new) {
            durable::discard_contents(&self.piece_file(*piece));
        }
        Ok(())
    }

    fn write_piece(&self, (kind, digest): (Kind, [u8; 32]), state: &State) -> Result<(), AddressBookError> {
        let contents = match kind {
            Kind::Key => {
                let own = state.keys.iter().find(|own| own.digest == digest);
                own.map(|own| encoding::write_piece(kind, own.key.to_secret_bytes().expose()))
            }
            Kind::Bundle => {
                let kept = state.bundles.iter().find(|kept| kept.digest == digest);
                kept.map(|kept| encoding::write_piece(kind, kept.bundle.as_bytes()))
            }
            Kind::Record => {
                let kept = state.records.iter().find(|kept| kept.digest == digest);
                kept.map(|kept| encoding::write_piece(kind, kept.record.to_secret_bytes().expose()))
            }
        };
        let path = self.piece_file((kind, digest));
        contents.map_or(Ok(()), |contents| durable::replace(&path, &contents)).map_err(|error| AddressBookError::io(&path, error))
    }

    /// Without `state` nothing of ours may be there: it was lost, and what it said of the rest with it.
    fn check_empty(&self) -> Result<(), AddressBookError> {
        match self.ours()?.iter().any(|path| path.extension().is_none()) {
            true => Err(AddressBookError::damaged(&self.state_file(), "it is missing, and what it is about is there")),
            false => Ok(()),
        }
    }

    /// Removes what a crash has left: files that do not count, and temporary ones. Under the lock nobody is writing.
    fn sweep(&self) -> Result<(), AddressBookError> {
        let counts: BTreeSet<PathBuf> = pieces(&self.seen().state).into_iter().map(|piece| self.piece_file(piece)).collect();
        self.ours()?.iter().filter(|path| !counts.contains(*path)).for_each(|path| durable::discard_contents(path));
        Ok(())
    }

    /// The pieces in the folder, and the temporary files, by their names.
    fn ours(&self) -> Result<Vec<PathBuf>, AddressBookError> {
        let failed = |error| AddressBookError::io(&self.path, error);
        let is_ours = |name: &str| {
            let piece = Kind::ALL.iter().any(|kind| name.strip_prefix(kind.name()).is_some_and(|rest| rest.starts_with('-')));
            let temporary = name.starts_with("state.") && name.ends_with(".tmp");
            piece || temporary
        };
        let mut paths = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_str().is_some_and(is_ours) {
                paths.push(entry.path());
            }
        }
        Ok(paths)
    }
}

impl Seen {
    /// Whether the disk does not know how late it is.
    fn is_late(&self) -> bool {
        self.state.clock.latest.get().saturating_sub(self.latest) >= CLOCK_STEP
    }
}

impl Shelf for Folder {
    fn read<T>(&self, now: Option<u64>, look: impl FnOnce(&State) -> T) -> Result<T, AddressBookError> {
        let mut seen = self.seen();
        self.refresh(&mut seen)?;
        if let Some(now) = now {
            seen.state.clock.tell(now)?;
            if seen.is_late() {
                let _held = self.lock()?;
                self.refresh_held(&mut seen)?;
                let (next, ()) = seen.state.changed_by(Some(now), |_| Ok(()))?;
                self.put(&mut seen, next)?;
            }
        }
        Ok(look(&seen.state))
    }

    fn write<T>(
        &mut self,
        now: Option<u64>,
        change: impl FnOnce(&mut State) -> Result<T, AddressBookError>,
    ) -> Result<T, AddressBookError> {
        let _held = self.lock()?;
        let mut seen = self.seen();
        self.refresh_held(&mut seen)?;
        let (next, result) = seen.state.changed_by(now, change)?;
        if next.changed || seen.is_late() {
            self.put(&mut seen, next)?;
        } else {
            seen.state = next;
        }
        Ok(result)
    }

    fn renewal(&self) -> Renewal {
        self.renewal
    }
}

/// Shows where it is and how much is kept, and of whom nothing.
impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seen().state.show(&format!("Folder({})", self.path.display()), f)
    }
}

fn pieces(state: &State) -> BTreeSet<(Kind, [u8; 32])> {
    let keys = state.keys.iter().map(|own| (Kind::Key, own.digest));
    let bundles = state.bundles.iter().map(|kept| (Kind::Bundle, kept.digest));
    let records = state.records.iter().map(|kept| (Kind::Record, kept.digest));
    keys.chain(bundles).chain(records).collect()
}

fn own_key(contents: &[u8]) -> Result<(OwnKey, [u8; 32]), Error> {
    let own = OwnKey::new(StaticKey::from_secret_bytes(contents)?, Vec::new());
    let digest = own.digest;
    Ok((own, digest))
}

fn kept_bundle(contents: &[u8]) -> Result<(Kept, [u8; 32]), Error> {
    let kept = Kept::new(Bundle::from_bytes(contents)?);
    let digest = kept.digest;
    Ok((kept, digest))
}

fn kept_record(contents: &[u8]) -> Result<(Remembered, [u8; 32]), Error> {
    let kept = Remembered::new(Resumption::from_secret_bytes(contents)?);
    let digest = kept.digest;
    Ok((kept, digest))
}

fn unreadable(path: &Path, why: Unreadable) -> AddressBookError {
    let path = path.to_path_buf();
    match why {
        Unreadable::Version(version) => AddressBookError::OtherVersion { path, version },
        Unreadable::Suite(id) => AddressBookError::UnknownSuite { path, id },
        Unreadable::Damaged(what) => AddressBookError::Damaged { path, what },
    }
}

fn exists(path: &Path) -> Result<bool, AddressBookError> {
    path.try_exists().map_err(|error| AddressBookError::io(path, error))
}

/// A file of ours and what the system says about it. One that is missing counts as damage: `state` names it.
fn read(path: &Path) -> Result<(Zeroizing<Vec<u8>>, Metadata), AddressBookError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => AddressBookError::damaged(path, "it is missing"),
        _ => AddressBookError::io(path, error),
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    check_mode(path, &metadata)?;
    // As long as it gets: what grows leaves copies behind.
    let length = usize::try_from(metadata.len().min(MAX_FILE)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > length { Err(AddressBookError::damaged(path, "it is larger than any such file")) } else { Ok((bytes, metadata)) }
}

fn make_folder(path: &Path) -> Result<(), AddressBookError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path).and_then(|()| durable::sync_name(path)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check_owner_only(path),
        made => made.map_err(|error| AddressBookError::io(path, error)),
    }
}

fn check_owner_only(path: &Path) -> Result<(), AddressBookError> {
    let metadata = fs::metadata(path).map_err(|error| AddressBookError::io(path, error))?;
    if metadata.is_dir() { check_mode(path, &metadata) } else { Err(AddressBookError::damaged(path, "it is no folder")) }
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &Metadata) -> Result<(), AddressBookError> {
    let mode = std::os::unix::fs::MetadataExt::mode(metadata) & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(AddressBookError::OthersMayRead { path: path.to_path_buf(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &Metadata) -> Result<(), AddressBookError> {
    Ok(())
}

/// When the file was made, or 0: in nanoseconds since 1970, which fit until 2554. Windows gives a new file the time of the one whose name it takes.
fn made_at(metadata: &Metadata) -> u64 {
    let since = metadata.created().ok().filter(|_| cfg!(unix)).and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or_default()
}
