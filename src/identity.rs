//! Who somebody is: one composite signing key (docs/protocol.md, section 4).
//!
//! ```text
//! fingerprint   = SHA-256("twinlock1 identity" || u16 signature id || public key), written tl1…
//! safety number = for each fingerprint SHA-512, 5,200 times over; six groups of five digits a side
//! ```

use crate::crypto::signature::{Signature, SigningKey, VerifyingKey};
use crate::crypto::{backend, label};
use crate::error::Error;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};
use core::{fmt, str};
use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;

mod bundle;
mod peer;
mod statement;

pub use crate::crypto::signature::SignatureAlgorithm;
#[cfg(test)]
pub(crate) use bundle::CONTEXT as BUNDLE;
pub(crate) use bundle::Contents;
pub use bundle::{Bundle, StaticKey, StaticKeyToSign};
pub use peer::{Peer, Trusted};
#[cfg(test)]
pub(crate) use statement::{NEW, OLD};
pub use statement::{Statement, StatementError, StatementKind, StatementSigned, StatementToSign};

/// A secret identity: the key that proves who somebody is. Made once, kept in a file ([`crate::keyfile`]), used for every conversation.
///
/// Handshakes under way share the key with this value; it is wiped when the last of them is gone.
pub struct Identity(Arc<Holder>);

#[allow(clippy::large_enum_variant, reason = "it lives in an Arc, and with level 5 alone one variant is large")]
enum Holder {
    Here(SigningKey),
    Elsewhere(PublicIdentity),
}

/// The public half, [`SignatureAlgorithm::public_key_len`] bytes. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicIdentity(VerifyingKey);

/// The 32 bytes by which people and programs know an identity. Written as bech32m, 61 characters that begin with `tl1`.
///
/// Two are compared in constant time: whom somebody expects, or knows, is not told to who tries keys. (`Ord` is not, and judges nobody.)
#[derive(Clone, Copy, Eq, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Identity {
    /// Makes a new identity for the default suite from the operating system's randomness.
    #[cfg(feature = "std")]
    pub fn generate() -> Result<Self, Error> {
        Self::generate_for(crate::crypto::suite::Suite::default().signature())
    }

    /// Makes a new identity of this kind from the operating system's randomness.
    #[cfg(feature = "std")]
    pub fn generate_for(algorithm: SignatureAlgorithm) -> Result<Self, Error> {
        Self::generate_with_rng(algorithm, &mut getrandom::SysRng)
    }

    /// Makes a new identity. Draws 64 bytes for [`SignatureAlgorithm::MlDsa65Ed25519`], 80 for level 5; round 3 draws 32 here and the rest from the operating system.
    pub fn generate_with_rng(algorithm: SignatureAlgorithm, rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        SigningKey::generate(algorithm, rng).map(Self::from_key)
    }

    /// An identity whose secret key is elsewhere: in a hardware module, at another service. Its handshakes, its statements
    /// ([`StatementToSign`]) and its bundles ([`StaticKeyToSign`]) stop before they sign, and the [`ToSign`] is to be carried there and the signature back.
    pub fn elsewhere(public: PublicIdentity) -> Self {
        Self(Arc::new(Holder::Elsewhere(public)))
    }

    /// The public half.
    pub fn public(&self) -> PublicIdentity {
        match &*self.0 {
            Holder::Here(key) => PublicIdentity(key.public().clone()),
            Holder::Elsewhere(public) => public.clone(),
        }
    }

    /// The fingerprint of the public half.
    pub fn fingerprint(&self) -> Fingerprint {
        self.public().fingerprint()
    }

    /// Signs what a handshake, a statement or a bundle asks for, in a process that holds the key: the other side of [`Identity::elsewhere`].
    ///
    /// The context says which role in which pattern, or which part of a statement, the signature is for, or that it is for a bundle. Draws 32 bytes.
    pub fn sign_with_rng(&self, to_sign: &ToSign, rng: &mut impl TryCryptoRng) -> Result<Vec<u8>, Error> {
        self.sign(to_sign, rng).map(|signature| signature.as_bytes().to_vec())
    }

    /// As [`Identity::sign_with_rng`], with the operating system's randomness.
    #[cfg(feature = "std")]
    pub fn sign_for_handshake(&self, to_sign: &ToSign) -> Result<Vec<u8>, Error> {
        self.sign_with_rng(to_sign, &mut getrandom::SysRng)
    }

    pub(crate) fn sign(&self, to_sign: &ToSign, rng: &mut impl TryCryptoRng) -> Result<Signature, Error> {
        match &*self.0 {
            Holder::Here(key) => key.sign(to_sign.context, &to_sign.message, rng),
            Holder::Elsewhere(_) => Err(Error::SignerElsewhere),
        }
    }

    /// Another handle to the same key, for a handshake under way.
    pub(crate) fn share(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// An identity from what [`Identity::secret_bytes`] gave, [`SignatureAlgorithm::secret_key_len`] bytes: for [`SignatureAlgorithm::MlDsa65Ed25519`] the two seeds,
    /// of ML-DSA-65 and then of Ed25519. [`Error::InvalidKey`] for another length, and for what is no such key: ML-DSA's expanded keys are not taken.
    pub fn from_secret_bytes(algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Self, Error> {
        SigningKey::from_secret_bytes(algorithm, bytes).map(Self::from_key)
    }

    /// The secret itself, to be stored where nobody else reads it; [`crate::keyfile`] does that with `std`. [`Error::SignerElsewhere`] where it is not here.
    pub fn secret_bytes(&self) -> Result<&[u8], Error> {
        match &*self.0 {
            Holder::Here(key) => Ok(key.secret_bytes()),
            Holder::Elsewhere(_) => Err(Error::SignerElsewhere),
        }
    }

    fn from_key(key: SigningKey) -> Self {
        Self(Arc::new(Holder::Here(key)))
    }
}

impl PublicIdentity {
    /// Reads a public key of this kind. [`Error::InvalidKey`] where its length is wrong, or its classical half is no point or one of small order.
    pub fn from_bytes(algorithm: SignatureAlgorithm, bytes: &[u8]) -> Result<Self, Error> {
        VerifyingKey::from_bytes(algorithm, bytes).map(Self)
    }

    /// The public key, [`SignatureAlgorithm::public_key_len`] bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The kind of key.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }

    /// The fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(backend::sha256(&[label::IDENTITY, &self.algorithm().id().to_be_bytes(), self.as_bytes()]))
    }

    pub(crate) fn verify(&self, to_sign: &ToSign, signature: &Signature) -> Result<(), Error> {
        self.0.verify(to_sign.context, &to_sign.message, signature)
    }
}

/// What an identity is asked to sign: by a handshake the raw handshake hash, under a context that names the pattern and the role; for a
/// [`Statement`] or a [`Bundle`] all of it that comes before the signature, under a context that names whose it is, or that it is a bundle.
///
/// A signature made elsewhere is over [`ToSign::message`] and with [`ToSign::context`] as the composite scheme's context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToSign {
    pub(crate) context: &'static [u8],
    pub(crate) message: Vec<u8>,
}

impl ToSign {
    /// The composite scheme's context, such as `twinlock1 XX initiator`, `twinlock1 succession old` or `twinlock1 bundle`.
    pub const fn context(&self) -> &'static [u8] {
        self.context
    }

    /// The message: the handshake hash before the `sig` token, as long as the suite's hash; or a statement or bundle up to the signature, some thousand bytes.
    pub fn message(&self) -> &[u8] {
        &self.message
    }
}

const HRP: bech32::Hrp = bech32::Hrp::parse_unchecked("tl");
const SAFETY_ROUNDS: usize = 5200;

impl Fingerprint {
    /// From the 32 bytes themselves.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 60 digits that two people read to each other, the same on both sides, as twelve groups of five.
    ///
    /// It resists second preimages with about 99 bits a side. It does not stop an owner from making two identities with one number.
    /// Some 10,400 SHA-512 are computed: a few milliseconds.
    pub fn safety_number(&self, other: &Self) -> String {
        let mut sides = [self.safety_digits(), other.safety_digits()];
        sides.sort();
        sides.concat().join(" ")
    }

    /// Six groups of five digits.
    fn safety_digits(&self) -> Vec<String> {
        let first = backend::sha512(&[label::SAFETY, &self.0]);
        let last = (1..SAFETY_ROUNDS).fold(first, |x, _| backend::sha512(&[&x]));
        let integer = |chunk: &[u8]| chunk.iter().fold(0u64, |n, byte| n << 8 | u64::from(*byte));
        last.chunks_exact(5).take(6).map(|chunk| alloc::format!("{:05}", integer(chunk) % 100_000)).collect()
    }
}

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Of the bytes: what is equal has one hash.
impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = bech32::encode::<bech32::Bech32m>(HRP, &self.0).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl str::FromStr for Fingerprint {
    type Err = Error;

    /// Reads `tl1…`, in lower or in upper case. The checksum catches mistyped ones: [`Error::InvalidFingerprint`].
    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = bech32::primitives::decode::CheckedHrpstring::new::<bech32::Bech32m>(text).map_err(|_| Error::InvalidFingerprint)?;
        if parsed.hrp() != HRP {
            return Err(Error::InvalidFingerprint);
        }
        let bytes: Vec<u8> = parsed.byte_iter().collect();
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| Error::InvalidFingerprint)?;
        // 256 bits leave four bits of the last character over; a second spelling of one fingerprint is refused.
        let fingerprint = Self(bytes);
        let canonical = bech32::encode::<bech32::Bech32m>(HRP, &bytes).map_err(|_| Error::InvalidFingerprint)?;
        if canonical.eq_ignore_ascii_case(text) { Ok(fingerprint) } else { Err(Error::InvalidFingerprint) }
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PublicIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicIdentity({})", self.fingerprint())
    }
}

/// Shows the fingerprint, and no secret.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint())
    }
}
