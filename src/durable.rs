//! Small files that survive a crash: on the disk before the call returns, replaced whole or not at all.
//!
//! ```text
//! create    new file · contents · fsync · fsync folder                  never over an existing one
//! replace   temporary file beside it · contents · fsync · rename · fsync folder
//! discard   zeros over the contents · fsync · remove · fsync folder     for what is secret and counts no more
//! lock      an exclusive lock on `<path>.lock`, for read, change, replace
//! ```
//!
//! A crash leaves the old file or the new one, and at worst a temporary file beside it, which nobody reads.

use std::ffi::OsString;
use std::format;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::vec;

#[cfg(test)]
pub(crate) mod crash;

#[cfg(test)]
use crash::{step, write};
#[cfg(not(test))]
use std::io::Write;

/// Who may read a new file. Other systems than Unix give it the rights of its folder.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Mode 0600.
    Owner,
    /// Mode 0666, as far as the umask lets it.
    Anybody,
}

/// Writes a new file; [`io::ErrorKind::AlreadyExists`] where there is one. After an error there is none.
pub(crate) fn create(path: &Path, contents: &[u8], readers: Readers) -> io::Result<()> {
    write_new(path, contents, readers)?;
    sync_folder(path).inspect_err(|_| discard(path))
}

/// Puts these contents, for the owner only, in the place of the file, or of none. After an error the file is as it was, unless it was the
/// last step that failed: then the new contents stand there, and a power cut may still undo them. A symbolic link is followed, and stays.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    replace_with(path, |_| Ok(contents))
}

/// As [`replace`], with contents that are told what the system says about the file that they come to stand in.
pub(crate) fn replace_with<C: AsRef<[u8]>>(path: &Path, contents: impl FnOnce(&Metadata) -> io::Result<C>) -> io::Result<()> {
    replace_for(path, contents, Readers::Owner)
}

/// As [`replace`], for anybody to read, whatever the file's rights were.
pub(crate) fn replace_public(path: &Path, contents: &[u8]) -> io::Result<()> {
    replace_for(path, |_| Ok(contents), Readers::Anybody)
}

fn replace_for<C: AsRef<[u8]>>(path: &Path, contents: impl FnOnce(&Metadata) -> io::Result<C>, readers: Readers) -> io::Result<()> {
    let path = resolve(path);
    let random = getrandom::u64().map_err(io::Error::other)?;
    let temporary = beside(&path, &format!(".{random:016x}.tmp"));
    write_new_with(&temporary, contents, readers)?;
    step().and_then(|()| fs::rename(&temporary, &path)).inspect_err(|_| discard(&temporary))?;
    sync_folder(&path)
}

/// Overwrites a file that counts no more, and removes it. What of this fails is left to do: nobody relies on it.
pub(crate) fn discard_contents(path: &Path) {
    let overwrite = || {
        let length = usize::try_from(fs::metadata(path)?.len()).unwrap_or_default();
        let mut file = options(Readers::Owner).open(path)?;
        write(&mut file, &vec![0; length]).and_then(|()| file.sync_all())
    };
    let _ = overwrite();
    discard(path);
    let _ = sync_folder(path);
}

/// On the disk is that there is something of this name.
pub(crate) fn sync_name(path: &Path) -> io::Result<()> {
    sync_folder(path)
}

/// Waits until nobody else holds the file's lock, in this process or another, and holds it as long as the result lives.
///
/// The lock is on a file beside it, since the file itself is replaced. That one stays: removing it would let two hold "the" lock.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let file = options(Readers::Owner).create(true).truncate(false).open(beside(&resolve(path), ".lock"))?;
    file.lock()?;
    Ok(file)
}

fn write_new(path: &Path, contents: &[u8], readers: Readers) -> io::Result<()> {
    write_new_with(path, |_| Ok(contents), readers)
}

fn write_new_with<C: AsRef<[u8]>>(path: &Path, contents: impl FnOnce(&Metadata) -> io::Result<C>, readers: Readers) -> io::Result<()> {
    step()?;
    let mut file = options(readers).create_new(true).open(path)?;
    let contents = file.metadata().and_then(|metadata| contents(&metadata));
    let written = contents.and_then(|contents| write(&mut file, contents.as_ref()));
    written.and_then(|()| step()).and_then(|()| file.sync_all()).inspect_err(|_| discard(path))
}

#[cfg(not(test))]
fn write(file: &mut File, contents: &[u8]) -> io::Result<()> {
    file.write_all(contents)
}

/// Something is about to change on the disk.
#[cfg(not(test))]
#[allow(clippy::unnecessary_wraps, reason = "in tests it can fail")]
const fn step() -> io::Result<()> {
    Ok(())
}

fn options(readers: Readers) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if readers == Readers::Owner { 0o600 } else { 0o666 });
    #[cfg(not(unix))]
    let _ = readers;
    options
}

/// What is left of a file that failed. That removing it can fail too changes nothing for the caller.
fn discard(path: &Path) {
    let _ = step().and_then(|()| fs::remove_file(path));
}

fn resolve(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// A new name is on the disk once its folder is. Elsewhere than on Unix a folder cannot be opened for that.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    step()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
