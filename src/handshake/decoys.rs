//! What stands in the place of a key, a bundle or a secret that a responder does not have, so that the work and the bytes are the same (docs/protocol.md, sections 6.7 and 6.8).
//!
//! ```text
//! acquaintance ... for an sref that names nobody: an unsigned bundle of whose key nobody holds the secret
//! static key ..... for a responder without one that holds now: its tags never verify
//! record ......... for a resumption id that is not known, or whose record does not fit
//! ```
//!
//! Made once, when the program starts, and shared by all its responders.

use crate::channel::Resumption;
use crate::crypto::kem::DecapsulationKey;
use crate::crypto::kem::kept::KeptKey;
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::identity::Contents;
use crate::secret::Secret;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use rand_core::TryCryptoRng;

/// The stand-ins of every suite of this build. Make them once, when the program starts; a responder without them takes neither `IK` nor `resume`.
pub struct Decoys {
    suites: Vec<(Suite, Decoy)>,
    slots: Secret<32>,
}

/// Those of one suite.
pub(super) struct Decoy {
    acquaintance: Arc<Contents>,
    bundle: Contents,
    key: KeptKey,
    record: Arc<Resumption>,
}

impl Decoys {
    /// From the operating system's randomness.
    #[cfg(feature = "std")]
    pub fn generate() -> Result<Self, Error> {
        Self::generate_with_rng(&mut getrandom::SysRng)
    }

    /// As [`Decoys::generate`]. Draws for each suite two KEM seeds, two identity keys' bytes and 32 more, then 32.
    pub fn generate_with_rng(rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        let suites = Suite::ALL.iter().map(|suite| Ok((*suite, Decoy::generate(*suite, rng)?))).collect::<Result<_, Error>>()?;
        Ok(Self { suites, slots: Secret::random(rng)? })
    }

    /// With another bundle in the place of an acquaintance, without its signature.
    #[cfg(test)]
    pub(super) fn replace_acquaintance(&mut self, suite: Suite, unsigned: &[u8]) {
        let decoy = self.suites.iter_mut().find(|(of, _)| *of == suite).map(|(_, decoy)| decoy);
        if let (Some(decoy), Ok(contents)) = (decoy, Contents::from_unsigned(suite, unsigned)) {
            decoy.acquaintance = Arc::new(contents);
        }
    }

    /// Every suite has one.
    pub(super) fn of(&self, suite: Suite) -> Result<&Decoy, Error> {
        self.suites.iter().find(|(of, _)| *of == suite).map(|(_, decoy)| decoy).ok_or(Error::WrongKind)
    }

    /// The same for the same reference, and nothing that could be looked up: for limits that must not know whom a reference names.
    pub(super) fn slot(&self, suite: Suite, reference: &[u8; 32]) -> [u8; 32] {
        let mut slot = [0; 32];
        slot.copy_from_slice(suite.hash().extract(self.slots.expose(), reference).first(32));
        slot
    }
}

impl Decoy {
    fn generate(suite: Suite, rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        // The key's secret is wiped at once.
        let (_, nobodys) = DecapsulationKey::generate(suite.kem(), rng)?;
        let (key, ek) = KeptKey::generate(suite.kem(), rng)?;
        let mut identity = || {
            let mut bytes = vec![0; suite.signature().public_key_len()];
            rng.try_fill_bytes(&mut bytes).map_err(|_| Error::Randomness).map(|()| bytes)
        };
        let acquaintance = Arc::new(Contents::decoy(suite, &identity()?, nobodys));
        let bundle = Contents::decoy(suite, &identity()?, ek);
        Ok(Self { acquaintance, bundle, key, record: Arc::new(Resumption::stand_in(suite, rng)?) })
    }

    /// In the place of the bundle that a reference names.
    pub(super) const fn acquaintance(&self) -> &Arc<Contents> {
        &self.acquaintance
    }

    /// In the place of one's own bundle and static key.
    pub(super) const fn static_key(&self) -> (&Contents, &KeptKey) {
        (&self.bundle, &self.key)
    }

    /// In the place of a resumption record.
    pub(super) const fn record(&self) -> &Arc<Resumption> {
        &self.record
    }
}
