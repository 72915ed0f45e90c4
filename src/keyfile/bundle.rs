//! Bundles in files: PEM of the bundle's own bytes (docs/protocol.md, section 4.6).

use super::{KeyFileError, create, decode_pem, read, text};
use crate::durable::Readers;
use crate::identity::Bundle;
use alloc::string::String;
use pkcs8::der::pem::{self, LineEnding};
use std::path::Path;

pub(super) const BUNDLE: &str = "TWINLOCK BUNDLE";

/// The bundle as PEM, label `TWINLOCK BUNDLE`: 8,988 bytes in suites 0x0001 and 0x0003, 12,392 in 0x0002, 8,967 in 0x7E03.
#[expect(clippy::expect_used, reason = "the message says why it cannot fail")]
pub fn bundle_to_pem(bundle: &Bundle) -> String {
    pem::encode_string(BUNDLE, LineEnding::LF, bundle.as_bytes())
        .expect("the label is a constant of this crate, and a bundle is far below the size of memory")
}

/// Reads a bundle and verifies its signature, whatever the time: [`Bundle::is_valid`] says whether it holds now. White space and line lengths as with [`super::from_pem`]; one bundle, and no
/// text around.
///
/// Whose it is, the bundle says itself: compare [`Bundle::fingerprint`] with the one that was wanted. [`KeyFileError::InvalidBundle`] where the PEM is whole, and what it holds is not taken.
pub fn bundle_from_pem(text: &str) -> Result<Bundle, KeyFileError> {
    let (_, bytes) = decode_pem(text, &[BUNDLE])?;
    Bundle::from_bytes(&bytes).map_err(KeyFileError::InvalidBundle)
}

/// Writes the bundle to a new file, which anybody may read: there is no secret in it. [`KeyFileError::Exists`] where there is one.
///
/// A folder in which the newest one stands is [`crate::acquaintances::BundleFolder`].
pub fn save_bundle(path: impl AsRef<Path>, bundle: &Bundle) -> Result<(), KeyFileError> {
    create(path.as_ref(), bundle_to_pem(bundle).as_bytes(), Readers::Anybody)
}

/// Reads the bundle from a file of at most [`super::MAX_FILE`] bytes, as [`bundle_from_pem`] does.
pub fn load_bundle(path: impl AsRef<Path>) -> Result<Bundle, KeyFileError> {
    let contents = read(path.as_ref(), Readers::Anybody)?;
    bundle_from_pem(text(&contents)?)
}
