//! Why what is kept of acquaintances was not read or changed, and what to do about it.

use crate::error::Error;
use core::fmt;
#[cfg(feature = "std")]
use std::io;
#[cfg(feature = "std")]
use std::path::{Path, PathBuf};

/// Why what is kept of acquaintances was not read or changed. Nothing was changed then, unless a variant says otherwise. Its text says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum AddressBookError {
    /// The time is more than a day behind one that was told before.
    ClockBehind {
        /// The time now, in seconds since 1970.
        now: u64,
        /// The latest time that was told.
        latest: u64,
    },
    /// A static key must be dated later than those before it, and this one is not.
    KeyNotLater,
    /// The bundle of the static key is not valid now.
    KeyNotValid,
    /// A static key could not be made, or is not for this identity or suite.
    NotMade(Error),
    /// Others than the owner may read the folder, or a file in it. It holds secrets, and whom its owner knows.
    #[cfg(feature = "std")]
    OthersMayRead {
        /// The folder or file.
        path: PathBuf,
        /// Its mode, as `chmod` takes it.
        mode: u32,
    },
    /// Another version wrote the file. It is left as it is.
    #[cfg(feature = "std")]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u16,
    },
    /// The file names a suite that this build does not have. It is left as it is.
    #[cfg(feature = "std")]
    UnknownSuite {
        /// The file.
        path: PathBuf,
        /// The suite's number.
        id: u16,
    },
    /// The file is damaged, or missing, or is something else. Everything is left as it is.
    #[cfg(feature = "std")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The system could not read, lock or write the file. Where it was the very last step of a change that failed, what is there is new, and a power cut may still undo it.
    #[cfg(feature = "std")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's own error.
        error: io::Error,
    },
}

#[cfg(feature = "std")]
impl AddressBookError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), error }
    }

    pub(super) fn damaged(path: &Path, what: &'static str) -> Self {
        Self::Damaged { path: path.to_path_buf(), what }
    }
}

/// What a handshake is told: it goes on as if nothing were kept, whichever it is.
impl From<AddressBookError> for Error {
    fn from(error: AddressBookError) -> Self {
        match error {
            AddressBookError::ClockBehind { .. } => Self::ClockBehind,
            AddressBookError::NotMade(error) => error,
            _ => Self::Store,
        }
    }
}

impl fmt::Display for AddressBookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClockBehind { now, latest } => write!(
                f,
                "the clock says {now}, and has said {latest} (seconds since 1970): set it, or say that it is right; until then acquaintances are met as strangers"
            ),
            Self::KeyNotLater => {
                f.write_str("this static key is dated no later than the one before, and nobody would take it; make another")
            }
            Self::KeyNotValid => f.write_str("this static key is not valid now; make another"),
            Self::NotMade(error) => write!(f, "no static key was made: {error}"),
            #[cfg(feature = "std")]
            Self::OthersMayRead { path, mode } => {
                write!(
                    f,
                    "{}: others than its owner may read it (mode {mode:04o}); take that from them with chmod go= and ask who has read it",
                    path.display()
                )
            }
            #[cfg(feature = "std")]
            Self::OtherVersion { path, version } => {
                write!(f, "{}: version {version} is not known here; use the program that wrote it. Nothing was changed", path.display())
            }
            #[cfg(feature = "std")]
            Self::UnknownSuite { path, id } => {
                write!(f, "{}: suite {id:#06x} is not in this build; use one that has it. Nothing was changed", path.display())
            }
            #[cfg(feature = "std")]
            Self::Damaged { path, what } => write!(
                f,
                "{}: {what}. Nothing was changed; move the folder away to begin anew: acquaintances are strangers once, and known peers stay known",
                path.display()
            ),
            #[cfg(feature = "std")]
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl core::error::Error for AddressBookError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::NotMade(error) => Some(error),
            #[cfg(feature = "std")]
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
