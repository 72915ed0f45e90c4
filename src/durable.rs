//! Small files that survive a crash: on the disk before the call returns, replaced whole or not at all.
//!
//! ```text
//! create    new file · contents · fsync · fsync folder                  never over an existing one
//! replace   temporary file beside it · contents · fsync · rename · fsync folder
//! lock      an exclusive lock on `<path>.lock`, for read, change, replace
//! ```
//!
//! A crash leaves the old file or the new one, and at worst a temporary file beside it, which nobody reads.

use std::ffi::OsString;
use std::format;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
    let path = resolve(path);
    let random = getrandom::u64().map_err(io::Error::other)?;
    let temporary = beside(&path, &format!(".{random:016x}.tmp"));
    write_new(&temporary, contents, Readers::Owner)?;
    fs::rename(&temporary, &path).inspect_err(|_| discard(&temporary))?;
    sync_folder(&path)
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
    let mut file = options(readers).create_new(true).open(path)?;
    file.write_all(contents).and_then(|()| file.sync_all()).inspect_err(|_| discard(path))
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
    let _ = fs::remove_file(path);
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
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
