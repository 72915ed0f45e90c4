//! Why no conversation began.

use super::Error;
use super::beginning::Tried;
use crate::acquaintances::Way;
use crate::error;
use std::fmt;

/// Why no conversation began, and what may be tried next, over a new connection.
#[derive(Debug)]
pub struct Failed {
    pub(super) error: Error,
    pub(super) way: Option<Way>,
    pub(super) next: Option<Way>,
    pub(super) tried: Vec<Tried>,
}

impl Failed {
    /// This side's own reason, before anything was sent.
    pub(super) const fn unsent(error: error::Error, tried: Vec<Tried>) -> Self {
        Self { error: Error::Protocol(error), way: None, next: None, tried }
    }

    /// Why. After a `resume` that failed the peer may have read the early data.
    pub const fn error(&self) -> &Error {
        &self.error
    }

    /// The way that was tried last; none where there was none to try, or no connection.
    pub const fn way(&self) -> Option<Way> {
        self.way
    }

    /// The way that is left of those which are allowed, if what the store holds lets it: [`Connect::ways`](super::Connect::ways) with this one alone tries it. None where this failure ends it all.
    pub const fn next(&self) -> Option<Way> {
        self.next
    }

    /// What [`Connect::dial`](super::Connect::dial) had tried before.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }

    /// The reason alone.
    pub fn into_error(self) -> Error {
        self.error
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        failed.error
    }
}
