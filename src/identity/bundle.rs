//! What acquaintances hold of each other: a static KEM key, signed by an identity and valid for a while (docs/protocol.md, section 4.6).
//!
//! ```text
//! u16 suite · identity public key · static encapsulation key · u64 not-before · u64 not-after · signature
//! └──────────────────── the unsigned bundle, which transcripts and the reference use ────────┘
//!
//! reference = the first 32 bytes of H("tl1 bundle ref" || unsigned bundle)
//! ```
//!
//! ```
//! # #[cfg(feature = "std")]
//! # fn main() -> Result<(), twinlock::Error> {
//! use twinlock::identity::{Bundle, StaticKey};
//! use twinlock::{Identity, Suite};
//! # let now = 1_767_312_000;
//! let me = Identity::generate()?;
//! const DAY: u64 = 86_400;
//! let key = StaticKey::generate(&me, Suite::default(), now - DAY, now + 40 * DAY)?;
//! // Its public half goes to those who shall be able to open without a signature.
//! let read = Bundle::from_bytes_of(&me.fingerprint(), key.bundle().as_bytes())?;
//! assert!(read.is_valid(now));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "std"))]
//! # fn main() {}
//! ```

use crate::crypto::kem::EncapsulationKey;
use crate::crypto::kem::kept::KeptKey;
use crate::crypto::label;
use crate::crypto::signature::Signature;
use crate::crypto::suite::Suite;
use crate::error::{Distrust, Error};
use crate::identity::{Fingerprint, Identity, PublicIdentity, ToSign};
use crate::secret::SecretBytes;
use crate::wire::Reader;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;

/// The context of the signature.
pub(crate) const CONTEXT: &[u8] = b"twinlock1 bundle";
/// 60 days, in seconds: from not-before to not-after at most.
const LONGEST: u64 = 5_184_000;

/// A static key of somebody, as their acquaintances hold it. One that exists has a good signature. Cheap to clone.
///
/// 6,591 bytes in suites 0x0001 and 0x0003, 9,103 in 0x0002, 6,575 in 0x7E03.
#[derive(Clone)]
pub struct Bundle {
    contents: Arc<Contents>,
    suite: Suite,
    identity: PublicIdentity,
    fingerprint: Fingerprint,
    not_before: u64,
    not_after: u64,
}

/// What a handshake uses of a bundle. Nothing here says that there is a signature: a decoy has none.
pub(crate) struct Contents {
    bytes: Vec<u8>,
    unsigned_len: usize,
    ek: EncapsulationKey,
    reference: [u8; 32],
}

/// One's own static key, with its bundle. It is made for one suite and one bundle, and serves no other identity.
///
/// Handshakes under way share the key with this value; it is wiped when the last of them is gone.
pub struct StaticKey(Arc<Holder>);

struct Holder {
    kept: KeptKey,
    bundle: Bundle,
}

/// A static key whose bundle lacks the signature, for a signer elsewhere.
pub struct StaticKeyToSign {
    kept: KeptKey,
    signer: PublicIdentity,
    to_sign: ToSign,
}

impl Bundle {
    /// Reads a bundle and verifies its signature. Nothing may be left over.
    ///
    /// [`Error::UnknownSuite`] for a suite that this build does not have, [`Error::Authentication`] where the signature is not the identity's own,
    /// [`Error::Malformed`] for anything else. Whether it holds now is another question: [`Bundle::is_valid`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let suite = Suite::from_id(reader.u16()?)?;
        let algorithm = suite.signature();
        let identity = PublicIdentity::from_bytes(algorithm, reader.bytes(algorithm.public_key_len())?).map_err(|_| Error::Malformed)?;
        let ek = EncapsulationKey::from_bytes(suite.kem(), reader.bytes(suite.encapsulation_key_len())?)?;
        let (not_before, not_after) = (reader.u64()?, reader.u64()?);
        let signature = Signature::from_bytes(algorithm, reader.rest())?;
        if !ek.can_be_used() || check_times(not_before, not_after).is_err() {
            return Err(Error::Malformed);
        }
        let contents = Contents::new(suite, ek, bytes.to_vec(), unsigned_len(suite));
        identity.verify(&ToSign { context: CONTEXT, message: contents.unsigned().to_vec() }, &signature)?;
        Ok(Self { contents: Arc::new(contents), suite, fingerprint: identity.fingerprint(), identity, not_before, not_after })
    }

    /// As [`Bundle::from_bytes`], of the one who was asked for: [`Distrust::NotExpected`] for somebody else's.
    pub fn from_bytes_of(owner: &Fingerprint, bytes: &[u8]) -> Result<Self, Error> {
        let bundle = Self::from_bytes(bytes)?;
        if bundle.fingerprint == *owner { Ok(bundle) } else { Err(Distrust::NotExpected.into()) }
    }

    /// The bytes, as they travel and are kept.
    pub fn as_bytes(&self) -> &[u8] {
        &self.contents.bytes
    }

    /// Bytes of a bundle in this suite.
    pub const fn len_in(suite: Suite) -> usize {
        unsigned_len(suite) + suite.signature().signature_len()
    }

    /// The suite in which it serves.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Whose it is.
    pub const fn identity(&self) -> &PublicIdentity {
        &self.identity
    }

    /// Whose it is.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// From when on it holds, in seconds since 1970.
    pub const fn not_before(&self) -> u64 {
        self.not_before
    }

    /// Up to when it holds, that second left out.
    pub const fn not_after(&self) -> u64 {
        self.not_after
    }

    /// Whether it holds now: not-before ≤ now < not-after.
    pub const fn is_valid(&self, now: u64) -> bool {
        self.not_before <= now && now < self.not_after
    }

    /// All of it that comes before the signature. Two bundles are the same when this is: one content can have several good signatures.
    pub(crate) fn unsigned(&self) -> &[u8] {
        self.contents.unsigned()
    }

    /// The first 32 bytes of H("tl1 bundle ref" || unsigned bundle): by which a first message names it, and [`crate::acquaintances::AddressBook`] is asked for it.
    pub fn reference(&self) -> &[u8; 32] {
        self.contents.reference()
    }

    pub(crate) fn encapsulation_key(&self) -> &EncapsulationKey {
        self.contents.encapsulation_key()
    }

    pub(crate) const fn contents(&self) -> &Arc<Contents> {
        &self.contents
    }
}

impl Contents {
    fn new(suite: Suite, ek: EncapsulationKey, bytes: Vec<u8>, unsigned_len: usize) -> Self {
        let mut contents = Self { bytes, unsigned_len, ek, reference: [0; 32] };
        let digest = suite.hash().hash(&[label::BUNDLE_REF, contents.unsigned()]);
        contents.reference.copy_from_slice(digest.first(32));
        contents
    }

    /// Without a signature, and with bytes in the place of an identity that nobody need have.
    pub(crate) fn decoy(suite: Suite, identity: &[u8], ek: EncapsulationKey) -> Self {
        let bytes = lay_out(suite, identity, &ek, 0, 0);
        let len = bytes.len();
        Self::new(suite, ek, bytes, len)
    }

    #[cfg(test)]
    pub(crate) fn from_unsigned(suite: Suite, unsigned: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(unsigned);
        reader.bytes(2 + suite.signature().public_key_len())?;
        let ek = EncapsulationKey::from_bytes(suite.kem(), reader.bytes(suite.encapsulation_key_len())?)?;
        Ok(Self::new(suite, ek, unsigned.to_vec(), unsigned.len()))
    }

    pub(crate) fn unsigned(&self) -> &[u8] {
        self.bytes.get(..self.unsigned_len).unwrap_or(&self.bytes)
    }

    pub(crate) const fn reference(&self) -> &[u8; 32] {
        &self.reference
    }

    pub(crate) const fn encapsulation_key(&self) -> &EncapsulationKey {
        &self.ek
    }
}

impl StaticKey {
    /// Makes a static key and its bundle, which holds from `not_before` until `not_after`, in seconds since 1970. Date it one day back, for peers whose clocks lag.
    ///
    /// [`Error::WrongIdentity`] where the suite needs another identity, [`Error::InvalidTimes`] where the bundle would end before it begins, or more than 60 days after.
    #[cfg(feature = "std")]
    pub fn generate(me: &Identity, suite: Suite, not_before: u64, not_after: u64) -> Result<Self, Error> {
        Self::generate_with_rng(me, suite, not_before, not_after, &mut getrandom::SysRng)
    }

    /// As [`StaticKey::generate`]. Draws the KEM's seed, 32 bytes, then 32 for the signature.
    pub fn generate_with_rng(
        me: &Identity,
        suite: Suite,
        not_before: u64,
        not_after: u64,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, Error> {
        let draft = StaticKeyToSign::generate_with_rng(&me.public(), suite, not_before, not_after, rng)?;
        let signature = me.sign(&draft.to_sign, rng)?;
        draft.complete(signature.as_bytes())
    }

    /// The public half, for acquaintances.
    pub fn bundle(&self) -> &Bundle {
        &self.0.bundle
    }

    /// What is kept, the seed or for round 3 the key, and the bundle after it: to be stored where nobody else reads it.
    pub fn to_secret_bytes(&self) -> SecretBytes {
        SecretBytes::join(&[self.0.kept.expose(), self.0.bundle.as_bytes()])
    }

    /// From what [`StaticKey::to_secret_bytes`] gave. [`Error::InvalidKey`] for anything else, and where the two parts do not belong together.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let of_suite = |suite: Suite| {
            let (kept, bundle) = bytes.split_at_checked(KeptKey::kept_len(suite.kem()))?;
            (bundle.len() == Bundle::len_in(suite) && bundle.starts_with(&suite.id().to_be_bytes())).then_some((suite, kept, bundle))
        };
        let (suite, kept, bundle) = Suite::ALL.iter().copied().find_map(of_suite).ok_or(Error::InvalidKey)?;
        let (kept, ek) = KeptKey::from_kept(suite.kem(), kept)?;
        let bundle = Bundle::from_bytes(bundle).map_err(|_| Error::InvalidKey)?;
        if *bundle.encapsulation_key() == ek { Ok(Self(Arc::new(Holder { kept, bundle }))) } else { Err(Error::InvalidKey) }
    }

    pub(crate) fn kept(&self) -> &KeptKey {
        &self.0.kept
    }

    /// Another handle to the same key, for a handshake under way.
    pub(crate) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl StaticKeyToSign {
    /// As [`StaticKey::generate`], without the signature.
    #[cfg(feature = "std")]
    pub fn generate(me: &PublicIdentity, suite: Suite, not_before: u64, not_after: u64) -> Result<Self, Error> {
        Self::generate_with_rng(me, suite, not_before, not_after, &mut getrandom::SysRng)
    }

    /// As [`StaticKeyToSign::generate`]. Draws the KEM's seed, 32 bytes.
    pub fn generate_with_rng(
        me: &PublicIdentity,
        suite: Suite,
        not_before: u64,
        not_after: u64,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Self, Error> {
        let (has, needs) = (me.algorithm(), suite.signature());
        if has != needs {
            return Err(Error::WrongIdentity { has: has.id(), needs: needs.id() });
        }
        check_times(not_before, not_after)?;
        let (kept, ek) = KeptKey::generate(suite.kem(), rng)?;
        let message = lay_out(suite, me.as_bytes(), &ek, not_before, not_after);
        Ok(Self { kept, signer: me.clone(), to_sign: ToSign { context: CONTEXT, message } })
    }

    /// What [`StaticKeyToSign::signer`] has to sign.
    pub const fn to_sign(&self) -> &ToSign {
        &self.to_sign
    }

    /// Whose signature is missing.
    pub const fn signer(&self) -> &PublicIdentity {
        &self.signer
    }

    /// With this signature, which is verified: [`Error::Authentication`] where it is not the signer's own, [`Error::Malformed`] for another length.
    pub fn signed(self, signature: &[u8]) -> Result<StaticKey, Error> {
        self.complete(signature)
    }

    /// Reads what came out as everybody will: before it leaves its maker it is verified.
    fn complete(self, signature: &[u8]) -> Result<StaticKey, Error> {
        let mut bytes = self.to_sign.message;
        bytes.extend_from_slice(signature);
        let bundle = Bundle::from_bytes(&bytes)?;
        Ok(StaticKey(Arc::new(Holder { kept: self.kept, bundle })))
    }
}

const fn unsigned_len(suite: Suite) -> usize {
    2 + suite.signature().public_key_len() + suite.encapsulation_key_len() + 8 + 8
}

fn lay_out(suite: Suite, identity: &[u8], ek: &EncapsulationKey, not_before: u64, not_after: u64) -> Vec<u8> {
    let (suite, not_before, not_after) = (suite.id().to_be_bytes(), not_before.to_be_bytes(), not_after.to_be_bytes());
    [&suite, identity, ek.as_bytes(), &not_before, &not_after].concat()
}

fn check_times(not_before: u64, not_after: u64) -> Result<(), Error> {
    let length = not_after.checked_sub(not_before).ok_or(Error::InvalidTimes)?;
    if (1..=LONGEST).contains(&length) { Ok(()) } else { Err(Error::InvalidTimes) }
}

/// Compares what is signed: one content can have several good signatures.
impl PartialEq for Bundle {
    fn eq(&self, other: &Self) -> bool {
        self.unsigned() == other.unsigned()
    }
}

impl Eq for Bundle {}

/// Shows whose it is, in which suite, and when it holds.
impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("of", &self.fingerprint)
            .field("suite", &self.suite)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// Shows the bundle, and no secret.
impl fmt::Debug for StaticKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticKey").field("bundle", self.bundle()).finish_non_exhaustive()
    }
}

/// Shows whose signature is missing, and no secret.
impl fmt::Debug for StaticKeyToSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaticKeyToSign(by {:?})", self.signer)
    }
}
