//! What an owner says about their keys: this one stands beside that one, this one stands for that one, this one is revoked
//! (docs/protocol.md, section 4.4).
//!
//! ```text
//! u8 kind · u64 time · u16 old signature id · old public key · [u16 new signature id · new public key] · signature of the old · [signature of the new]
//!
//! 1 beside    both go on        both sign, the new one over the old one's signature too
//! 2 instead   the old retires   the same
//! 3 revoked   the old is dead   it alone signs: the parts in brackets are absent
//! ```
//!
//! ```
//! # #[cfg(feature = "std")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use twinlock::identity::{Identity, Statement};
//! # let now = 1_767_312_000;
//! let (old, new) = (Identity::generate()?, Identity::generate()?);
//! let statement = Statement::instead(&old, &new, now)?;
//! // The bytes travel as they like: over a channel, in a file (`keyfile::save_statement`).
//! let read = Statement::from_bytes(statement.as_bytes())?;
//! assert_eq!(read.old().fingerprint(), old.fingerprint());
//!
//! // Made on the first day and kept where the key is not: it is of use when the key is lost.
//! let for_a_bad_day = Statement::revoked(&new, now)?;
//! # assert!(for_a_bad_day.new().is_none());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "std"))]
//! # fn main() {}
//! ```

use crate::crypto::signature::{Signature, SignatureAlgorithm};
use crate::error::{Error, signature_name};
use crate::identity::{Identity, PublicIdentity, ToSign};
use crate::wire::Reader;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// The context of the old identity's signature.
pub(crate) const OLD: &[u8] = b"twinlock1 succession old";
/// The context of the new identity's.
pub(crate) const NEW: &[u8] = b"twinlock1 succession new";

/// What an owner says about their keys. One that exists has good signatures; whether it is believed is for whoever knows the old key
/// (`KnownPeers::take`).
///
/// 10,727 bytes between two identities of [`SignatureAlgorithm::MlDsa65Ed25519`], 5,368 for a revocation of one. With a key of level 5 in
/// the place of such a one 2,063 more for each.
#[derive(Clone, PartialEq, Eq)]
pub struct Statement {
    kind: StatementKind,
    time: u64,
    old: PublicIdentity,
    new: Option<PublicIdentity>,
    bytes: Vec<u8>,
}

/// What a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatementKind {
    /// 1: the new identity, of another algorithm, stands beside the old one.
    Beside,
    /// 2: the new identity stands for the old one, which is retired.
    Instead,
    /// 3: the old identity is revoked: its key is lost, or in other hands.
    Revoked,
}

/// A statement that lacks a signature, for a signer elsewhere.
///
/// ```
/// # #[cfg(feature = "std")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use twinlock::identity::{Identity, StatementSigned, StatementToSign};
/// # let (module, new) = (Identity::generate()?, Identity::generate()?);
/// let draft = StatementToSign::instead(&module.public(), &new.public(), 1_767_312_000)?;
/// let signature = module.sign_for_handshake(draft.to_sign())?; // or wherever the key is
/// let StatementSigned::Half(draft) = draft.signed(&signature)? else { unreachable!() };
/// let signature = new.sign_for_handshake(draft.to_sign())?;
/// let StatementSigned::Whole(statement) = draft.signed(&signature)? else { unreachable!() };
/// # assert_eq!(statement.old(), &module.public());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "std"))]
/// # fn main() {}
/// ```
pub struct StatementToSign {
    signer: PublicIdentity,
    /// Who signs after that.
    then: Option<PublicIdentity>,
    to_sign: ToSign,
}

/// A statement with one more signature.
pub enum StatementSigned {
    /// The new identity's signature is next.
    Half(StatementToSign),
    /// Nothing is missing.
    Whole(Statement),
}

/// Why there is no statement. Its text says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatementError {
    /// The bytes are no statement: cut off, with bytes left over, or with a key that is none.
    Malformed,
    /// It is of a kind that this edition of the protocol does not have.
    UnknownKind {
        /// The kind's number.
        kind: u8,
    },
    /// One of its keys is of an algorithm that this build does not have. Nothing was verified.
    UnknownAlgorithm {
        /// The algorithm's identifier.
        id: u16,
    },
    /// Old and new are the same identity.
    SameIdentity,
    /// An identity that stands beside another is of another algorithm.
    SameAlgorithm,
    /// A signature is not the named identity's own: the statement was forged or changed, or is damaged.
    NotAuthentic,
    /// The secret key of one of the two identities is not here: use [`StatementToSign`].
    SignerElsewhere,
    /// The source of randomness failed. Nothing was made.
    Randomness,
}

impl Statement {
    /// The new identity stands beside the old one, for another suite. Both are needed: each signs.
    ///
    /// The time is the owner's, in seconds since 1970; it is shown to people, and nothing is decided by it.
    #[cfg(feature = "std")]
    pub fn beside(old: &Identity, new: &Identity, unix_seconds: u64) -> Result<Self, StatementError> {
        Self::beside_with_rng(old, new, unix_seconds, &mut getrandom::SysRng)
    }

    /// As [`Statement::beside`]. Draws 32 bytes for each signature.
    pub fn beside_with_rng(old: &Identity, new: &Identity, unix_seconds: u64, rng: &mut impl TryCryptoRng) -> Result<Self, StatementError> {
        Self::make(StatementKind::Beside, old, Some(new), unix_seconds, rng)
    }

    /// The new identity stands for the old one, which is retired: whoever takes the statement never accepts it again.
    #[cfg(feature = "std")]
    pub fn instead(old: &Identity, new: &Identity, unix_seconds: u64) -> Result<Self, StatementError> {
        Self::instead_with_rng(old, new, unix_seconds, &mut getrandom::SysRng)
    }

    /// As [`Statement::instead`]. Draws 32 bytes for each signature.
    pub fn instead_with_rng(
        old: &Identity,
        new: &Identity,
        unix_seconds: u64,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, StatementError> {
        Self::make(StatementKind::Instead, old, Some(new), unix_seconds, rng)
    }

    /// The identity is revoked. It takes its key to say so: make the statement while it is there, and keep it elsewhere.
    ///
    /// Whoever gets hold of the statement can end the identity, and do nothing else with it.
    #[cfg(feature = "std")]
    pub fn revoked(identity: &Identity, unix_seconds: u64) -> Result<Self, StatementError> {
        Self::revoked_with_rng(identity, unix_seconds, &mut getrandom::SysRng)
    }

    /// As [`Statement::revoked`]. Draws 32 bytes.
    pub fn revoked_with_rng(identity: &Identity, unix_seconds: u64, rng: &mut impl TryCryptoRng) -> Result<Self, StatementError> {
        Self::make(StatementKind::Revoked, identity, None, unix_seconds, rng)
    }

    /// Reads a statement and verifies its signatures. Nothing may be left over.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatementError> {
        let mut reader = Reader::new(bytes);
        let kind = StatementKind::from_number(reader.u8().map_err(malformed)?)?;
        let time = reader.u64().map_err(malformed)?;
        let old = read_identity(&mut reader)?;
        let new = if kind.has_new() { Some(read_identity(&mut reader)?) } else { None };
        check_pair(kind, &old, new.as_ref())?;
        let by_old = read_signature(bytes, &mut reader, OLD, &old)?;
        let by_new = new.as_ref().map(|new| read_signature(bytes, &mut reader, NEW, new)).transpose()?;
        reader.end().map_err(malformed)?;
        verify(&old, &by_old)?;
        if let (Some(new), Some(by_new)) = (&new, &by_new) {
            verify(new, by_new)?;
        }
        Ok(Self { kind, time, old, new, bytes: bytes.to_vec() })
    }

    /// The bytes, as they travel and are kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says.
    pub const fn kind(&self) -> StatementKind {
        self.kind
    }

    /// When its owner says to have made it, in seconds since 1970. For people: nothing is decided by it.
    pub const fn time(&self) -> u64 {
        self.time
    }

    /// The identity of which it speaks, and which signed it.
    pub const fn old(&self) -> &PublicIdentity {
        &self.old
    }

    /// The identity that stands beside it or for it, and which signed it too. None in a revocation.
    #[expect(clippy::new_ret_no_self, reason = "the specification's word, beside `old`")]
    pub const fn new(&self) -> Option<&PublicIdentity> {
        self.new.as_ref()
    }

    /// Signs, and then reads what came out as everybody will: before it leaves its maker it is verified.
    fn make(
        kind: StatementKind,
        old: &Identity,
        new: Option<&Identity>,
        time: u64,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, StatementError> {
        let mut bytes = unsigned(kind, &old.public(), new.map(Identity::public).as_ref(), time)?;
        for (signer, context) in [(Some(old), OLD), (new, NEW)] {
            if let Some(signer) = signer {
                let signature = signer.sign(&ToSign { context, message: bytes.clone() }, rng).map_err(not_signed)?;
                bytes.extend_from_slice(signature.as_bytes());
            }
        }
        Self::from_bytes(&bytes)
    }
}

impl StatementKind {
    const ALL: [Self; 3] = [Self::Beside, Self::Instead, Self::Revoked];

    /// The number in the statement.
    pub const fn number(self) -> u8 {
        match self {
            Self::Beside => 1,
            Self::Instead => 2,
            Self::Revoked => 3,
        }
    }

    fn from_number(number: u8) -> Result<Self, StatementError> {
        Self::ALL.into_iter().find(|kind| kind.number() == number).ok_or(StatementError::UnknownKind { kind: number })
    }

    const fn has_new(self) -> bool {
        !matches!(self, Self::Revoked)
    }
}

impl StatementToSign {
    /// As [`Statement::beside`], without the signatures.
    pub fn beside(old: &PublicIdentity, new: &PublicIdentity, unix_seconds: u64) -> Result<Self, StatementError> {
        Self::start(StatementKind::Beside, old, Some(new), unix_seconds)
    }

    /// As [`Statement::instead`], without the signatures.
    pub fn instead(old: &PublicIdentity, new: &PublicIdentity, unix_seconds: u64) -> Result<Self, StatementError> {
        Self::start(StatementKind::Instead, old, Some(new), unix_seconds)
    }

    /// As [`Statement::revoked`], without the signature.
    pub fn revoked(identity: &PublicIdentity, unix_seconds: u64) -> Result<Self, StatementError> {
        Self::start(StatementKind::Revoked, identity, None, unix_seconds)
    }

    /// What [`StatementToSign::signer`] has to sign.
    pub const fn to_sign(&self) -> &ToSign {
        &self.to_sign
    }

    /// Whose signature is next: the old identity's, then the new one's.
    pub const fn signer(&self) -> &PublicIdentity {
        &self.signer
    }

    /// With this signature, which is verified first: [`StatementError::NotAuthentic`] where it is not the signer's own.
    pub fn signed(self, signature: &[u8]) -> Result<StatementSigned, StatementError> {
        let signature = Signature::from_bytes(self.signer.algorithm(), signature).map_err(|_| StatementError::NotAuthentic)?;
        self.signer.verify(&self.to_sign, &signature).map_err(|_| StatementError::NotAuthentic)?;
        let mut bytes = self.to_sign.message;
        bytes.extend_from_slice(signature.as_bytes());
        Ok(match self.then {
            Some(new) => StatementSigned::Half(Self { signer: new, then: None, to_sign: ToSign { context: NEW, message: bytes } }),
            None => StatementSigned::Whole(Statement::from_bytes(&bytes)?),
        })
    }

    fn start(kind: StatementKind, old: &PublicIdentity, new: Option<&PublicIdentity>, time: u64) -> Result<Self, StatementError> {
        let message = unsigned(kind, old, new, time)?;
        Ok(Self { signer: old.clone(), then: new.cloned(), to_sign: ToSign { context: OLD, message } })
    }
}

/// All that comes before the signatures.
fn unsigned(kind: StatementKind, old: &PublicIdentity, new: Option<&PublicIdentity>, time: u64) -> Result<Vec<u8>, StatementError> {
    check_pair(kind, old, new)?;
    let mut bytes = [&[kind.number()], time.to_be_bytes().as_slice()].concat();
    for identity in [Some(old), new].into_iter().flatten() {
        bytes.extend_from_slice(&identity.algorithm().id().to_be_bytes());
        bytes.extend_from_slice(identity.as_bytes());
    }
    Ok(bytes)
}

/// Old and new differ; beside an identity stands one of another algorithm.
fn check_pair(kind: StatementKind, old: &PublicIdentity, new: Option<&PublicIdentity>) -> Result<(), StatementError> {
    if new == Some(old) {
        return Err(StatementError::SameIdentity);
    }
    let same = new.is_some_and(|new| new.algorithm() == old.algorithm());
    if kind == StatementKind::Beside && same { Err(StatementError::SameAlgorithm) } else { Ok(()) }
}

fn read_identity(reader: &mut Reader<'_>) -> Result<PublicIdentity, StatementError> {
    let id = reader.u16().map_err(malformed)?;
    let algorithm = SignatureAlgorithm::from_id(id).ok_or(StatementError::UnknownAlgorithm { id })?;
    let bytes = reader.bytes(algorithm.public_key_len());
    bytes.and_then(|bytes| PublicIdentity::from_bytes(algorithm, bytes)).map_err(malformed)
}

/// The next signature, and what it covers: all bytes before it.
fn read_signature(
    bytes: &[u8],
    reader: &mut Reader<'_>,
    context: &'static [u8],
    signer: &PublicIdentity,
) -> Result<(ToSign, Signature), StatementError> {
    let (before, _) = bytes.split_at_checked(bytes.len().saturating_sub(reader.len())).ok_or(StatementError::Malformed)?;
    let signature = reader.bytes(signer.algorithm().signature_len());
    let signature = signature.and_then(|bytes| Signature::from_bytes(signer.algorithm(), bytes)).map_err(malformed)?;
    Ok((ToSign { context, message: before.to_vec() }, signature))
}

fn verify(signer: &PublicIdentity, (to_sign, signature): &(ToSign, Signature)) -> Result<(), StatementError> {
    signer.verify(to_sign, signature).map_err(|_| StatementError::NotAuthentic)
}

fn not_signed(error: Error) -> StatementError {
    match error {
        Error::SignerElsewhere => StatementError::SignerElsewhere,
        Error::Randomness => StatementError::Randomness,
        _ => StatementError::NotAuthentic,
    }
}

/// For fields that are too short, bytes left over, and keys that are none.
const fn malformed(_: Error) -> StatementError {
    StatementError::Malformed
}

impl fmt::Display for StatementKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Beside => "the new key stands beside the old one",
            Self::Instead => "the new key stands for the old one, which is retired",
            Self::Revoked => "the key is revoked",
        })
    }
}

impl fmt::Display for StatementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "this is no statement, or not a whole one; take a copy that is whole",
            Self::UnknownKind { kind } => {
                return write!(f, "this statement is of kind {kind}, which is not known here; read it with a newer program");
            }
            Self::UnknownAlgorithm { id } => {
                let name = signature_name(*id);
                return write!(f, "a key in this statement is of an algorithm that this program was built without: {name} ({id:#06x})");
            }
            Self::SameIdentity => "the old and the new key are the same one; name two",
            Self::SameAlgorithm => {
                "a key beside another is of another algorithm; to replace a key by one of the same algorithm, let the new one stand for it"
            }
            Self::NotAuthentic => "this statement was not made by the keys that it names, or is damaged; do not act on it",
            Self::SignerElsewhere => "the secret key of one of the identities is not here; have the statement signed where it is",
            Self::Randomness => "the system's random number generator failed; nothing was made",
        })
    }
}

impl core::error::Error for StatementError {}

/// Shows what it says, and of whom.
impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("kind", &self.kind)
            .field("time", &self.time)
            .field("old", &self.old)
            .field("new", &self.new)
            .finish()
    }
}

impl fmt::Debug for StatementToSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatementToSign(by {:?})", self.signer)
    }
}

impl fmt::Debug for StatementSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Half(draft) => fmt::Debug::fmt(draft, f),
            Self::Whole(statement) => fmt::Debug::fmt(statement, f),
        }
    }
}
