//! Why the list of known peers was not read or changed, or a statement not taken, and what to do about it.

use crate::error::Distrust;
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
    /// The key is retired: its owner has said that another stands for it.
    Retired {
        /// The name it had.
        name: String,
    },
    /// The key is revoked.
    Revoked {
        /// The name it had.
        name: String,
    },
    /// Keys are introduced, retired and revoked by their owner's statement alone: see [`super::KnownPeers::take`].
    NeedsStatement,
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

/// Why a statement was not taken. Nothing was changed. Its text says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum NotTaken {
    /// Nobody here has met the old key.
    OldUnknown,
    /// The old key is retired: what is said under it counts no more.
    OldRetired {
        /// The name it had.
        name: String,
    },
    /// The old key is revoked: what is said under it counts no more.
    OldRevoked {
        /// The name it had.
        name: String,
    },
    /// The old key is refused itself: what introduced it is revoked or gone, and no person has verified it.
    OldRefused {
        /// Its name.
        name: String,
    },
    /// The name was spoken to in a higher rank than the old key's, which was left behind: perhaps it is in other hands.
    LeftBehind {
        /// Its name.
        name: String,
    },
    /// The new key is retired.
    NewRetired {
        /// The name it had.
        name: String,
    },
    /// The new key is revoked.
    NewRevoked {
        /// The name it had.
        name: String,
    },
    /// The new key is refused: what introduced it is revoked or gone, and no person has verified it.
    NewRefused {
        /// Its name.
        name: String,
    },
    /// The new key is that of another name.
    NewIsAnothers {
        /// The old key's name.
        name: String,
        /// The new key's.
        other: String,
    },
    /// The name has another key of the new one's algorithm.
    NameTaken {
        /// The name.
        name: String,
    },
    /// The new key's suites rank below the one already used with this peer.
    WeakerSuite {
        /// The name.
        name: String,
    },
    /// A person has verified the old key, and not the new one: a person must say yes. See [`super::KnownPeers::take_asking`].
    PersonNeeded {
        /// The name.
        name: String,
    },
    /// The person said no.
    Declined,
    /// There are too many keys: of this name, or, without one, dead ones of nobody known.
    TooMany {
        /// The name.
        name: Option<String>,
    },
    /// The list of known peers could not be read or written.
    Store(KnownPeersError),
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
            Self::Retired { name } => {
                write!(f, "this key of {name:?} was retired by its owner, and is never taken again; ask for the one that they have now")
            }
            Self::Revoked { name } => {
                write!(f, "this key of {name:?} was revoked, and is never taken again; ask its owner for the one that they have now")
            }
            Self::NeedsStatement => f.write_str("a key is introduced, retired or revoked by its owner's statement alone; take that"),
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

/// Nobody is judged by a list that cannot be read, or accepted by one that cannot be written.
impl From<KnownPeersError> for Distrust {
    fn from(_: KnownPeersError) -> Self {
        Self::StoreFailed
    }
}

impl From<KnownPeersError> for NotTaken {
    fn from(error: KnownPeersError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldUnknown => f.write_str("the key that says this is not known here; meet its owner first"),
            Self::OldRetired { name } => write!(f, "{name:?} says this with a key that was retired; ask for a statement by the key in use"),
            Self::OldRevoked { name } => {
                write!(f, "{name:?} says this with a key that was revoked: it may come from a thief; ask {name:?} in another way")
            }
            Self::OldRefused { name } => write!(
                f,
                "{name:?} says this with a key that rests on one no longer trusted; compare its fingerprint with {name:?}, and mark it verified first"
            ),
            Self::LeftBehind { name } => write!(
                f,
                "{name:?} says this with an old key, and has had a stronger one since: it may come from a thief; ask for a statement by the stronger key"
            ),
            Self::NewRetired { name } => write!(f, "the new key was retired before, as one of {name:?}; the owner needs another"),
            Self::NewRevoked { name } => write!(f, "the new key was revoked before, as one of {name:?}; the owner needs another"),
            Self::NewRefused { name } => write!(
                f,
                "the new key rests on one that is no longer trusted; compare its fingerprint with {name:?}, and mark it verified first"
            ),
            Self::NewIsAnothers { name, other } => {
                write!(f, "{name:?} says to have the key of {other:?}; if both are one peer, forget one of them")
            }
            Self::NameTaken { name } => write!(
                f,
                "{name:?} has another key of this kind already; ask which one is right, and for a statement that the new one stands for it"
            ),
            Self::WeakerSuite { name } => write!(f, "the new key is for weaker suites than were used with {name:?} before"),
            Self::PersonNeeded { name } => {
                write!(f, "the key of {name:?} was verified by a person, and a person must say whether another stands for it")
            }
            Self::Declined => f.write_str("you declined; nothing was changed"),
            Self::TooMany { name: Some(name) } => {
                write!(f, "too many keys of {name:?} are remembered; forget {name:?}, and meet again")
            }
            Self::TooMany { name: None } => f.write_str("too many revoked keys of nobody known are remembered; this one was not added"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for NotTaken {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Store(error) => error.source(),
            _ => None,
        }
    }
}
