//! The other side of a conversation, and how it came to be trusted.

use crate::crypto::suite::Suite;
use crate::identity::{Fingerprint, PublicIdentity};
use core::fmt;

/// The other side of a conversation, as it proved itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    identity: Option<PublicIdentity>,
    /// Computed once: who judges asks for it, and 2 KB are hashed for it.
    fingerprint: Option<Fingerprint>,
    suite: Suite,
}

/// How a peer came to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trusted {
    /// Its fingerprint was given beforehand.
    Pinned,
    /// A person compared the safety number, or scanned the code.
    Verified,
    /// It was taken at its first meeting, and its key is the same as then.
    FirstUse,
    /// Another key of the same peer introduced it, in a statement of its owner, or of whoever had stolen that key. Show this, and never as verified.
    Introduced,
    /// A person, or the program's own rule, said yes this time.
    Asked,
    /// It has no identity, and that was allowed.
    Anonymous,
    /// Anybody was allowed.
    Anyone,
}

impl Peer {
    pub(crate) fn new(identity: Option<PublicIdentity>, suite: Suite) -> Self {
        let fingerprint = identity.as_ref().map(PublicIdentity::fingerprint);
        Self { identity, fingerprint, suite }
    }

    /// The identity that the peer proved, or none in the patterns whose initiator has none.
    pub const fn identity(&self) -> Option<&PublicIdentity> {
        self.identity.as_ref()
    }

    /// Its fingerprint.
    pub const fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    pub(crate) const fn fingerprint_ref(&self) -> Option<&Fingerprint> {
        self.fingerprint.as_ref()
    }

    /// The suite of this conversation.
    pub const fn suite(&self) -> Suite {
        self.suite
    }
}

impl fmt::Display for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pinned => "its fingerprint was given beforehand",
            Self::Verified => "verified by a person",
            Self::FirstUse => "trusted since its first use",
            Self::Introduced => "introduced by another key of the same peer, and not verified",
            Self::Asked => "accepted this time",
            Self::Anonymous => "without identity, as allowed",
            Self::Anyone => "anybody was allowed",
        })
    }
}
