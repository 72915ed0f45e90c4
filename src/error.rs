//! What can go wrong, sorted by what the caller can do about it.
//!
//! ```text
//! ask otherwise ........ Randomness · TooLong · WrongKind · WrongIdentity · UnknownSuite · SuiteNotNamed · InvalidKey · InvalidFingerprint · SignerElsewhere
//!                        InvalidTimes · OutOfDate · NotResumable · NotAcquainted
//! ask a person ......... Untrusted · RefusedByPeer · RefusedByUs · SuiteNotAllowed · ClockBehind · Store
//! read on .............. MessageTooLong · MessageAborted
//! begin anew ........... Malformed · Authentication · Truncated · TimedOut · Unrenewed · KeyExhausted · Closed · Ended
//! ```
//!
//! No variant tells which of several secret-dependent checks failed (docs/protocol.md, section 10).

use core::fmt;

/// Why an operation did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The source of randomness failed. Nothing was sent; try again when it works.
    Randomness,
    /// An argument is longer than the protocol allows.
    TooLong,
    /// A key, signature or number of one kind was given where another is needed.
    WrongKind,
    /// The identity's signature algorithm is not the suite's.
    WrongIdentity {
        /// The identifier of what the identity has.
        has: u16,
        /// The identifier of what the suite needs.
        needs: u16,
    },
    /// This build has no suite of this number: it does not exist, or its feature is off.
    UnknownSuite {
        /// The number.
        id: u16,
    },
    /// The identity's algorithm is of round 3, whose suite is spoken only where it is named.
    SuiteNotNamed,
    /// The bytes are not a key of this kind.
    InvalidKey,
    /// The text is not a fingerprint: mistyped, or something else.
    InvalidFingerprint,
    /// This identity's secret key is not here: sign elsewhere and hand in the signature.
    SignerElsewhere,
    /// A bundle ends after it begins, and at most 60 days after.
    InvalidTimes,
    /// The bundle does not hold at the time that was told: it has not begun, or is over.
    OutOfDate,
    /// The resumption record was used or removed, is over, or belongs to another configuration. Nothing was sent.
    NotResumable,
    /// Nothing is kept of this peer with which it could be asked in a way that is allowed: it could be met as a stranger, where its owner says so.
    NotAcquainted,

    /// The peer proved who it is, and is not acceptable.
    Untrusted(Distrust),
    /// The peer refused. The refusal is not authenticated: a hint for a person.
    RefusedByPeer(Refusal),
    /// This side refused what the peer asked for.
    RefusedByUs(Refusal),
    /// This side refused the suite that the peer asked for.
    SuiteNotAllowed {
        /// The suite's number in the peer's message.
        asked: u16,
        /// Those that are allowed here, and for which there is an identity.
        allowed: SuiteIds,
    },
    /// The clock is more than a day behind the latest time that was seen. Until its owner says that it is right, no bundle and no resumption record is used or taken.
    ClockBehind,
    /// The store of acquaintances could not be read or written.
    Store,

    /// The message is longer than the bound that was set. The rest of it is passed over, and the channel goes on.
    MessageTooLong,
    /// The peer broke this message off. The channel goes on.
    MessageAborted,

    /// What arrived is not what version 1 of the protocol allows here.
    Malformed,
    /// What arrived was not made by the peer, or was changed on its way.
    Authentication,
    /// The transport ended without an authenticated close: something may be missing.
    Truncated,
    /// The deadline passed.
    TimedOut,
    /// The peer went on sending without answering an offer to renew the keys.
    Unrenewed,
    /// The key has sealed all that it may.
    KeyExhausted,
    /// This direction was closed before.
    Closed,
    /// An earlier error ended this handshake or channel for good.
    Ended,
}

/// Up to four suites' numbers. Written: `0x0001, 0x0003`, or `none`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SuiteIds([u16; 4]);

/// Why a peer that proved who it is was not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Distrust {
    /// Another identity than the one, or those, that were asked for.
    NotExpected,
    /// Nobody here has met this identity, and nobody was there to ask.
    Unknown,
    /// A known peer's name came with another key than the one remembered: a new device, or somebody between.
    ChangedKey,
    /// The peer has no identity, and that was not allowed.
    Anonymous,
    /// The suite is weaker than one already used with this peer.
    WeakerSuite,
    /// The peer's key is retired: its owner said that another stands for it.
    Retired,
    /// The peer's key is revoked: it is lost, or in other hands.
    Revoked,
    /// The peer's key was introduced by one that is revoked, or was replaced by a person, and no person has verified it since.
    IntroducerRevoked,
    /// The policy allows other suites only.
    SuiteNotAllowed,
    /// A person, or the program's own rule, said no.
    Declined,
    /// The list of known peers could not be read or written.
    StoreFailed,
}

/// The status of a refusal (docs/protocol.md, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// 1: the protocol's version is not known.
    Version,
    /// 2: the pattern is not known or not allowed.
    Pattern,
    /// 3: the suite is not known or not allowed.
    Suite,
    /// 4: too many handshakes are in progress.
    Busy,
    /// 5: refused, without a reason.
    Refused,
}

impl Refusal {
    /// The status byte on the wire, 1 to 5.
    pub const fn status(self) -> u8 {
        match self {
            Self::Version => 1,
            Self::Pattern => 2,
            Self::Suite => 3,
            Self::Busy => 4,
            Self::Refused => 5,
        }
    }

    /// Reads a status byte that is not 0. One that is not known reads as [`Refusal::Refused`].
    pub(crate) const fn from_status(status: u8) -> Self {
        match status {
            1 => Self::Version,
            2 => Self::Pattern,
            3 => Self::Suite,
            4 => Self::Busy,
            _ => Self::Refused,
        }
    }
}

impl SuiteIds {
    /// The numbers.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.into_iter().filter(|id| *id != 0)
    }
}

/// The first four.
impl FromIterator<u16> for SuiteIds {
    fn from_iter<I: IntoIterator<Item = u16>>(ids: I) -> Self {
        let mut places = Self::default();
        places.0.iter_mut().zip(ids).for_each(|(place, id)| *place = id);
        places
    }
}

impl fmt::Display for SuiteIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, id) in self.iter().enumerate() {
            write!(f, "{}{id:#06x}", if number == 0 { "" } else { ", " })?;
        }
        if self.iter().next().is_none() { f.write_str("none") } else { Ok(()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Randomness => "the system's random number generator failed; nothing was sent",
            Self::TooLong => "an argument is longer than the protocol allows",
            Self::WrongKind => "a key, signature or number of another kind is needed here",
            Self::WrongIdentity { has, needs } => {
                let [has, needs] = [has, needs].map(|id| signature_name(*id));
                return write!(f, "the identity's algorithm is {has}, and the suite needs {needs}");
            }
            Self::UnknownSuite { id } => return write!(f, "suite {id:#06x} does not exist, or is not in this build"),
            Self::SuiteNotNamed => "the identity is of round 3, whose suite 0x7e03 is spoken only where it is named",
            Self::InvalidKey => "these bytes are not a key of this kind",
            Self::InvalidFingerprint => "this is not a fingerprint: check it for typing mistakes",
            Self::SignerElsewhere => "the secret key of this identity is not here; hand in its signature instead",
            Self::InvalidTimes => "a bundle ends after it begins, and at most 60 days after",
            Self::OutOfDate => "this bundle does not hold now: it has not begun, or is over; get a new one",
            Self::NotResumable => "the last conversation cannot be picked up: it was already, is too old, or was of another configuration",
            Self::NotAcquainted => "nothing is kept of this peer to open with, and it was not allowed to meet it as a stranger",
            Self::Untrusted(why) => return why.fmt(f),
            Self::RefusedByPeer(why) => return write!(f, "the other side refused: {why}"),
            Self::RefusedByUs(why) => return write!(f, "refused: {why}"),
            Self::SuiteNotAllowed { asked, allowed } => {
                return write!(f, "refused: the other side asked for suite {asked:#06x}; allowed here: {allowed}");
            }
            Self::ClockBehind => "the clock is more than a day behind the latest time seen here; set it, or say that it is right",
            Self::Store => "the store of acquaintances could not be read or written",
            Self::MessageTooLong => "the message is longer than allowed here; it was passed over",
            Self::MessageAborted => "the other side broke this message off",
            Self::Malformed => "the other side does not speak this protocol, or what it sent was damaged",
            Self::Authentication => "what arrived is not authentic: it was forged or changed on its way",
            Self::Truncated => "the connection was cut without a proper close; something may be missing",
            Self::TimedOut => "the other side took too long",
            Self::Unrenewed => "the other side went on sending without renewing its keys",
            Self::KeyExhausted => "the key has sealed all that it may",
            Self::Closed => "this direction was closed before",
            Self::Ended => "an earlier error ended this conversation",
        };
        f.write_str(text)
    }
}

/// As `SignatureAlgorithm::title`, also where this build lacks the algorithm.
pub(crate) const fn signature_name(id: u16) -> &'static str {
    match id {
        1 => "MLDSA65-Ed25519-SHA512",
        2 => "MLDSA87-ECDSA-P384-SHA512",
        0x7E => "Dilithium3R3-Ed25519",
        _ => "one that is not known here",
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotExpected => "the other side is not who was asked for: its key is another one",
            Self::Unknown => "the other side is not known here, and nobody was asked whether to trust it",
            Self::ChangedKey => "this peer's key has changed since it was last seen: it has a new key, or somebody stands between",
            Self::Anonymous => "the other side has no identity, and one is required",
            Self::WeakerSuite => "a stronger suite was used with this peer before",
            Self::Retired => "the other side's key was retired by its owner, who has another one; this one is never taken again",
            Self::Revoked => "the other side's key was revoked: it is lost or stolen, and never taken again; ask its owner for the new one",
            Self::IntroducerRevoked => {
                "the other side's key was introduced by one that is no longer trusted; compare it with its owner, and mark it verified"
            }
            Self::SuiteNotAllowed => "the policy here allows other suites only",
            Self::Declined => "the other side was declined",
            Self::StoreFailed => "the list of known peers could not be read or written",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "it speaks another version of the protocol",
            Self::Pattern => "it does not take this kind of handshake",
            Self::Suite => "it does not take this suite",
            Self::Busy => "it is busy; try again later",
            Self::Refused => "it gave no reason",
        })
    }
}

impl From<Distrust> for Error {
    fn from(why: Distrust) -> Self {
        Self::Untrusted(why)
    }
}

impl core::error::Error for Error {}
impl core::error::Error for Distrust {}
impl core::error::Error for Refusal {}
