//! Where bundles come from that their owners did not send (docs/protocol.md, section 4.6, "From a directory").
//!
//! ```text
//! owner ── publishes ──▶ directory ── is asked by fingerprint and suite ──▶ Keeper::fetch ─▶ Acquaintances::take_bundle
//! ```
//!
//! A directory is not trusted. It can withhold, give what is old, and see who asks for whom; it cannot forge.

#[cfg(feature = "std")]
mod folder;

use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::{Bundle, Fingerprint};
#[cfg(feature = "std")]
use crate::keyfile::KeyFileError;
use alloc::boxed::Box;
use core::fmt;
#[cfg(feature = "std")]
use std::io;
#[cfg(feature = "std")]
use std::path::{Path, PathBuf};

#[cfg(feature = "std")]
pub use folder::BundleFolder;

/// Gives bundles of those who were not met yet: a folder of files, a service, another program.
///
/// What it gives is not trusted. Whoever runs it, or can write to it, can withhold a bundle, give an old one, or learn who asks for whom; nobody can forge one, since a [`Bundle`] that exists has a
/// good signature. `io::Keeper` looks whether it is the bundle that was asked for, and keeps it by the rules of section 4.6; who uses no `io` compares [`Bundle::fingerprint`] and [`Bundle::suite`],
/// and calls [`Acquaintances::take_bundle`](super::Acquaintances::take_bundle), which takes none that is older than the one that is kept.
///
/// Who opens a conversation may ask it. Who answers does not: the directory would see who calls, and the time of the answer would show whether the caller is known. An answerer fetches ahead,
/// by `io::Keeper::fetch`.
pub trait Directory {
    /// The newest bundle of this identity in this suite that the directory has, valid now or not; none where it has none.
    ///
    /// A conversation that is about to begin waits for it: give up in time, with [`DirectoryError::Failed`].
    fn bundle(&self, of: Fingerprint, suite: Suite) -> Result<Option<Bundle>, DirectoryError>;
}

/// Why a bundle was not fetched from a directory, or not published in it. Nothing was changed then, unless a variant says otherwise. Its text says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The directory gave a bundle that was not asked for.
    WrongBundle {
        /// Whose it is.
        of: Fingerprint,
        /// In which suite.
        suite: Suite,
    },
    /// What the directory gave could not be kept: [`Error::ClockBehind`] or [`Error::Store`].
    NotKept(Error),
    /// A file of the folder holds another bundle than its name says. It is left as it is.
    #[cfg(feature = "std")]
    WrongFile {
        /// The file.
        path: PathBuf,
        /// Whose bundle it holds.
        of: Fingerprint,
        /// In which suite.
        suite: Suite,
    },
    /// A file of the folder holds no bundle that is taken, or could not be read. It is left as it is.
    #[cfg(feature = "std")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: KeyFileError,
    },
    /// The folder has a newer bundle than the one that was to be published, or another one of the same date.
    #[cfg(feature = "std")]
    NotNewer {
        /// Its file.
        path: PathBuf,
    },
    /// The system could not open the folder, or lock or write a file in it. Where it was the very last step that failed, what is there is new, and a power cut may still undo it.
    #[cfg(feature = "std")]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// The system's own error.
        error: io::Error,
    },
    /// The directory did not answer: for those that an application has made itself.
    Failed(Box<dyn core::error::Error + Send + Sync>),
}

/// Asks, and looks whether what comes was asked for.
#[cfg(feature = "std")]
pub(crate) fn ask(directory: &dyn Directory, of: Fingerprint, suite: Suite) -> Result<Option<Bundle>, DirectoryError> {
    match directory.bundle(of, suite)? {
        Some(bundle) if !is_of(&bundle, of, suite) => Err(DirectoryError::WrongBundle { of: bundle.fingerprint(), suite: bundle.suite() }),
        found => Ok(found),
    }
}

#[cfg(feature = "std")]
fn is_of(bundle: &Bundle, of: Fingerprint, suite: Suite) -> bool {
    bundle.fingerprint() == of && bundle.suite() == suite
}

#[cfg(feature = "std")]
impl DirectoryError {
    fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), error }
    }

    fn file(path: &Path, error: KeyFileError) -> Self {
        Self::File { path: path.to_path_buf(), error }
    }
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongBundle { of, suite } => {
                write!(
                    f,
                    "the directory gave the bundle of {of} in suite {:#06x}, which was not asked for; ask who runs it why",
                    suite.id()
                )
            }
            Self::NotKept(error) => write!(f, "the bundle from the directory was not kept: {error}"),
            #[cfg(feature = "std")]
            Self::WrongFile { path, of, suite } => write!(
                f,
                "{}: it holds the bundle of {of} in suite {:#06x}, and its name says another. Nothing was changed; ask who put it there, or remove it",
                path.display(),
                suite.id()
            ),
            #[cfg(feature = "std")]
            Self::File { path, error: KeyFileError::Io { error, .. } } | Self::Io { path, error } => {
                write!(f, "{}: {error}", path.display())
            }
            #[cfg(feature = "std")]
            Self::File { path, error } => write!(f, "{}: {error}. Nothing was changed", path.display()),
            #[cfg(feature = "std")]
            Self::NotNewer { path } => write!(
                f,
                "{}: a newer bundle stands there, or another of the same date. Nothing was changed; publish the newest, or make one by renewing",
                path.display()
            ),
            Self::Failed(error) => write!(f, "the directory did not answer: {error}"),
        }
    }
}

impl core::error::Error for DirectoryError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::NotKept(error) => Some(error),
            #[cfg(feature = "std")]
            Self::File { error, .. } => Some(error),
            #[cfg(feature = "std")]
            Self::Io { error, .. } => Some(error),
            Self::Failed(error) => Some(&**error),
            _ => None,
        }
    }
}
