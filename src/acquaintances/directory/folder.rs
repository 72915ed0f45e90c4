//! A directory that is a folder of files, each with one bundle.
//!
//! ```text
//! tl1….0x0001.pem         the newest bundle of that fingerprint in that suite, PEM, for anybody to read
//! tl1….0x0001.pem.lock    whose lock is held while it is replaced
//! ```
//!
//! A file is replaced whole or not at all. What is damaged, or has another's name, is an error that names the file, and is not overwritten.

#[cfg(test)]
mod tests;

use super::{Directory, DirectoryError, is_of};
use crate::crypto::suite::Suite;
use crate::durable;
use crate::identity::{Bundle, Fingerprint};
use crate::keyfile::{self, KeyFileError};
use std::format;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A folder of bundles, published by their owners and read by everybody: on a machine that several use, on a share, or in whatever copies files. Cheap to clone.
///
/// Each file is PEM, label `TWINLOCK BUNDLE`, with the name `<fingerprint>.<suite>.pem`: 61 characters, a dot, the suite as `0x0001`, and `.pem`. Anybody may read it: nothing in it is secret, but that
/// its owner publishes here. Who else than the owners can write to the folder can take bundles away, or put older ones back; who reads notices older ones than it keeps, and nobody can put others there.
#[derive(Clone, Debug)]
pub struct BundleFolder {
    path: PathBuf,
}

impl BundleFolder {
    /// Opens a folder, which must exist: who may write there is for whoever makes it to say. [`DirectoryError::Io`] where there is none.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let path = path.into();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(Self { path }),
            Ok(_) => Err(DirectoryError::io(&path, io::ErrorKind::NotADirectory.into())),
            Err(error) => Err(DirectoryError::io(&path, error)),
        }
    }

    /// Puts the bundle in the place of an older one of the same identity and suite, or of none. It is on the disk when this returns. Publishing it again changes nothing.
    ///
    /// [`DirectoryError::NotNewer`] where a newer one stands there. One's own newest is what [`Acquaintances::renew`](crate::acquaintances::Acquaintances::renew) gives: publish it when the program
    /// starts, and every few days.
    pub fn publish(&self, bundle: &Bundle) -> Result<(), DirectoryError> {
        let path = self.file(bundle.fingerprint(), bundle.suite());
        let _held = durable::lock(&path).map_err(|error| DirectoryError::io(&path, error))?;
        if let Some(there) = self.bundle(bundle.fingerprint(), bundle.suite())? {
            if there == *bundle {
                return Ok(());
            }
            if there.not_before() >= bundle.not_before() {
                return Err(DirectoryError::NotNewer { path });
            }
        }
        let pem = keyfile::bundle_to_pem(bundle);
        durable::replace_public(&path, pem.as_bytes()).map_err(|error| DirectoryError::io(&path, error))
    }

    /// A fingerprint's text is lower-case letters and digits alone, and so a file's name everywhere.
    fn file(&self, of: Fingerprint, suite: Suite) -> PathBuf {
        self.path.join(format!("{of}.{:#06x}.pem", suite.id()))
    }
}

impl Directory for BundleFolder {
    /// [`DirectoryError::File`] and [`DirectoryError::WrongFile`] name a file that is not what it should be.
    fn bundle(&self, of: Fingerprint, suite: Suite) -> Result<Option<Bundle>, DirectoryError> {
        let path = self.file(of, suite);
        match load(&path)? {
            Some(bundle) if !is_of(&bundle, of, suite) => {
                Err(DirectoryError::WrongFile { path, of: bundle.fingerprint(), suite: bundle.suite() })
            }
            found => Ok(found),
        }
    }
}

/// None where there is no file.
fn load(path: &Path) -> Result<Option<Bundle>, DirectoryError> {
    // Whoever opens a pipe may wait for ever.
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(DirectoryError::io(path, io::Error::other("it is no file")));
    }
    match keyfile::load_bundle(path) {
        Ok(bundle) => Ok(Some(bundle)),
        Err(KeyFileError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DirectoryError::file(path, error)),
    }
}
