//! Why the list of known peers was not read or changed, and what to do about it.

use alloc::string::String;
use core::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the list of known peers was not read or changed. Its text says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum KnownPeersError {
    /// A line of the file is not understood. The file is left as it is.
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// This cannot be a name: see [`super::KnownPeers::is_name`].
    InvalidName,
    /// Somebody else has this name: another key of the same algorithm, or, for a new name, any.
    NameTaken {
        /// The name.
        name: String,
    },
    /// This key is known already.
    KeyTaken {
        /// The name it is known under.
        name: String,
    },
    /// There is no such name or key.
    NotKnown,
    /// The system could not read, lock or write the file.
    Io {
        /// The file.
        path: PathBuf,
        /// The system's own error.
        error: io::Error,
    },
}

impl KnownPeersError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), error }
    }
}

impl fmt::Display for KnownPeersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { path, line, what } => {
                write!(f, "{}, line {line}: {what}. Nothing was changed; correct the line, or remove it to forget the peer", path.display())
            }
            Self::InvalidName => f.write_str("a name has 1 to 64 visible characters, without a space at either end; choose another"),
            Self::NameTaken { name } => write!(f, "the name {name:?} has another key; choose another name, or forget that one first"),
            Self::KeyTaken { name } => write!(f, "this key is known already, as {name:?}; rename that one if it is the same peer"),
            Self::NotKnown => f.write_str("nobody is known by this name or key; look at the list for how it is written"),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl core::error::Error for KnownPeersError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}
