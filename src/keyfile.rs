//! Identities in files: PKCS#8 and SubjectPublicKeyInfo, written as PEM (docs/protocol.md, section 4.3). And statements (section 4.4), and bundles (section 4.6).
//!
//! ```text
//! PRIVATE KEY            version 0 · 1.3.6.1.5.5.7.6.48 · octet string: seed_m || seed_e             83 bytes of DER
//! ENCRYPTED PRIVATE KEY  PBES2: scrypt N = 2^17, r = 8, p = 1, salt 16 · AES-256-CBC, iv 16 · the 83 bytes, padded
//! PUBLIC KEY             1.3.6.1.5.5.7.6.48 · bit string: the 1,984 bytes
//! TWINLOCK STATEMENT     the statement's own bytes
//! TWINLOCK BUNDLE        the bundle's own bytes
//! ```
//!
//! ```
//! # use twinlock::{identity::Identity, keyfile};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("alice.key");
//! let alice = Identity::generate()?;
//! keyfile::save(&path, &alice, None)?;
//! assert_eq!(keyfile::load(&path, None)?.fingerprint(), alice.fingerprint());
//! # Ok(())
//! # }
//! ```
//!
//! The encryption keeps a file secret; it does not authenticate it. Whoever can write the file can put another key there, and damage
//! inside the seeds shows as another fingerprint, not as an error. What holds the seeds is wiped; what the library below derives from a
//! passphrase, scrypt's working memory and the AES key, is not.

mod bundle;
mod error;
mod statement;

use crate::durable::{self, Readers};
use crate::identity::{Identity, PublicIdentity, SignatureAlgorithm};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use pkcs8::der::asn1::{AnyRef, BitStringRef, OctetStringRef};
use pkcs8::der::pem::{self, LineEnding};
use pkcs8::der::{self, Decode, Encode};
use pkcs8::pkcs5::{self, pbes2, scrypt};
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use pkcs8::{Document, EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef, SecretDocument};
use rand_core::TryCryptoRng;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::str;
use std::vec::Vec;
use zeroize::Zeroizing;

pub use bundle::{bundle_from_pem, bundle_to_pem, load_bundle, save_bundle};
pub use error::KeyFileError;
pub use statement::{load_statement, save_statement, statement_from_pem, statement_to_pem};

/// The largest file that is read, in bytes. Key files have some hundred, public ones some thousand, statements and bundles some ten thousand.
pub const MAX_FILE: usize = 65_536;

const SECRET: &str = "PRIVATE KEY";
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// The secret identity as PEM, not encrypted: 168 bytes. [`KeyFileError::SecretElsewhere`] where the identity is
/// [elsewhere](Identity::elsewhere).
pub fn to_pem(identity: &Identity) -> Result<Zeroizing<String>, KeyFileError> {
    with_private_key_info(identity, |info| SecretDocument::encode_msg(info)?.to_pem(SECRET, LineEnding::LF))?
        .map_err(KeyFileError::unwritable)
}

/// The secret identity as PEM, encrypted under the passphrase, with the operating system's randomness.
///
/// It takes about half a second and 128 MiB of memory, on purpose: as much as each guess costs. [`KeyFileError::EmptyPassphrase`] for an
/// empty one. Its strength is the caller's concern.
pub fn to_encrypted_pem(identity: &Identity, passphrase: &str) -> Result<Zeroizing<String>, KeyFileError> {
    to_encrypted_pem_with_rng(identity, passphrase, &mut getrandom::SysRng)
}

/// As [`to_encrypted_pem`]. Draws 32 bytes: the salt, 16, then the iv, 16.
pub fn to_encrypted_pem_with_rng(
    identity: &Identity,
    passphrase: &str,
    rng: &mut impl TryCryptoRng,
) -> Result<Zeroizing<String>, KeyFileError> {
    if passphrase.is_empty() {
        return Err(KeyFileError::EmptyPassphrase);
    }
    let parameters = fresh_parameters(rng)?;
    let encrypted = with_private_key_info(identity, |info| info.encrypt_with_params(parameters, passphrase))?;
    let encrypted = encrypted.map_err(KeyFileError::unwritable)?;
    encrypted.to_pem(ENCRYPTED, LineEnding::LF).map_err(KeyFileError::unwritable)
}

/// Reads a secret identity, encrypted or not.
///
/// A passphrase is needed for an encrypted one, and ignored for one that is not, so that a program may always pass what it has;
/// [`is_encrypted`] tells beforehand. White space around and inside the PEM, other line lengths and CRLF are passed over; inside it
/// everything is as section 4.3 says, or refused.
pub fn from_pem(text: &str, passphrase: Option<&str>) -> Result<Identity, KeyFileError> {
    let (label, der) = decode_pem(text, &[SECRET, ENCRYPTED])?;
    if label == SECRET {
        return identity_from_der(&der);
    }
    let encrypted = encrypted_from_der(&der)?;
    let der = decrypt(&encrypted, passphrase.ok_or(KeyFileError::PassphraseNeeded)?)?;
    identity_from_der(&der).map_err(|error| match error {
        // A wrong passphrase leaves good padding once in 256 times, and then noise.
        KeyFileError::DamagedDer => KeyFileError::WrongPassphrase,
        other => other,
    })
}

/// Whether this is the PEM of an encrypted secret key: whether [`from_pem`] needs a passphrase. False for everything else, also what is
/// no key.
pub fn is_encrypted(text: &str) -> bool {
    decode_pem(text, &[ENCRYPTED]).is_ok()
}

/// The public identity as PEM: 2,770 bytes.
#[expect(clippy::expect_used, reason = "the message says why it cannot fail")]
pub fn public_to_pem(identity: &PublicIdentity) -> String {
    try_public_to_pem(identity).expect("object identifiers are constants of this crate, and a public key is far below DER's 256 MiB")
}

/// Reads a public identity. White space and line lengths as with [`from_pem`].
pub fn public_from_pem(text: &str) -> Result<PublicIdentity, KeyFileError> {
    let (_, der) = decode_pem(text, &[PUBLIC])?;
    let info = SubjectPublicKeyInfoRef::from_der(&der).map_err(KeyFileError::damaged)?;
    let algorithm = known_algorithm(&info.algorithm)?;
    let bytes = info.subject_public_key.as_bytes().ok_or(KeyFileError::DamagedDer)?;
    check_len(bytes, algorithm.public_key_len())?;
    PublicIdentity::from_bytes(algorithm, bytes).map_err(|_| KeyFileError::InvalidKey)
}

/// Writes the secret identity to a new file that only its owner can read and write (mode 0600; elsewhere than on Unix, whoever the folder
/// lets), encrypted if a passphrase is given.
///
/// The file is on the disk when this returns. An existing one is never overwritten: [`KeyFileError::Exists`]. After any error there is no
/// new file.
pub fn save(path: impl AsRef<Path>, identity: &Identity, passphrase: Option<&str>) -> Result<(), KeyFileError> {
    let pem = written(identity, passphrase)?;
    create(path.as_ref(), pem.as_bytes(), Readers::Owner)
}

/// Reads the secret identity from a file of at most [`MAX_FILE`] bytes. Without a passphrase it says
/// [`KeyFileError::PassphraseNeeded`] where one is to be asked for.
///
/// [`KeyFileError::PermissionsTooOpen`] on Unix where others than the owner can read or write it, encrypted or not. Where a key is handed
/// over in another way, read it yourself, and use [`from_pem`].
pub fn load(path: impl AsRef<Path>, passphrase: Option<&str>) -> Result<Identity, KeyFileError> {
    let contents = read(path.as_ref(), Readers::Owner)?;
    from_pem(text(&contents)?, passphrase)
}

/// Changes the passphrase of the file, adds one where `old` is none, or removes it where `new` is none.
///
/// The new contents take the place of the old at once, with mode 0600. After an error the file is as it was, or, where only the last step
/// failed, the fsync of its folder, has the new passphrase. A copy of the old file can still be opened with the old one.
pub fn change_passphrase(path: impl AsRef<Path>, old: Option<&str>, new: Option<&str>) -> Result<(), KeyFileError> {
    let path = path.as_ref();
    let identity = load(path, old)?;
    let pem = written(&identity, new)?;
    durable::replace(path, pem.as_bytes()).map_err(|error| KeyFileError::io(path, error))
}

/// Writes the public identity to a new file. [`KeyFileError::Exists`] where there is one.
pub fn save_public(path: impl AsRef<Path>, identity: &PublicIdentity) -> Result<(), KeyFileError> {
    create(path.as_ref(), public_to_pem(identity).as_bytes(), Readers::Anybody)
}

/// Reads the public identity from a file of at most [`MAX_FILE`] bytes.
pub fn load_public(path: impl AsRef<Path>) -> Result<PublicIdentity, KeyFileError> {
    let contents = read(path.as_ref(), Readers::Anybody)?;
    public_from_pem(text(&contents)?)
}

/// The algorithms' object identifiers stand in [`SignatureAlgorithm::oid`], without parameters.
fn algorithm_identifier(algorithm: SignatureAlgorithm) -> Result<AlgorithmIdentifierRef<'static>, KeyFileError> {
    let oid = ObjectIdentifier::new(algorithm.oid()).map_err(KeyFileError::unwritable)?;
    Ok(AlgorithmIdentifierRef { oid, parameters: None })
}

fn known_algorithm(found: &AlgorithmIdentifierRef<'_>) -> Result<SignatureAlgorithm, KeyFileError> {
    let oid = found.oid.to_string();
    let known = SignatureAlgorithm::ALL.iter().copied().find(|algorithm| algorithm.oid() == oid);
    let algorithm = known.ok_or(KeyFileError::UnknownAlgorithm { oid })?;
    if found.parameters.is_some() { Err(KeyFileError::ExtraFields) } else { Ok(algorithm) }
}

fn check_len(bytes: &[u8], expected: usize) -> Result<(), KeyFileError> {
    if bytes.len() == expected { Ok(()) } else { Err(KeyFileError::WrongLength { found: bytes.len(), expected }) }
}

fn with_private_key_info<T>(identity: &Identity, encode: impl FnOnce(&PrivateKeyInfoRef<'_>) -> T) -> Result<T, KeyFileError> {
    let bytes = identity.secret_bytes().map_err(|_| KeyFileError::SecretElsewhere)?;
    let private_key = OctetStringRef::new(bytes).map_err(KeyFileError::unwritable)?;
    Ok(encode(&PrivateKeyInfoRef::new(algorithm_identifier(identity.public().algorithm())?, private_key)))
}

fn try_public_to_pem(identity: &PublicIdentity) -> Result<String, KeyFileError> {
    let subject_public_key = BitStringRef::from_bytes(identity.as_bytes()).map_err(KeyFileError::unwritable)?;
    let algorithm = algorithm_identifier(identity.algorithm())?;
    let document = Document::encode_msg(&SubjectPublicKeyInfoRef { algorithm, subject_public_key }).map_err(KeyFileError::unwritable)?;
    document.to_pem(PUBLIC, LineEnding::LF).map_err(KeyFileError::unwritable)
}

fn identity_from_der(der: &[u8]) -> Result<Identity, KeyFileError> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(KeyFileError::damaged)?;
    let algorithm = known_algorithm(&info.algorithm)?;
    // The parser passes over attributes, and lets a public key stand beside the secret one.
    if info.public_key.is_some() || info.encoded_len() != der::Length::try_from(der.len()) {
        return Err(KeyFileError::ExtraFields);
    }
    let bytes = info.private_key.as_bytes();
    check_len(bytes, algorithm.secret_key_len())?;
    Identity::from_secret_bytes(algorithm, bytes).map_err(|_| KeyFileError::InvalidKey)
}

/// Section 4.3: scrypt with N = 2^17, r = 8, p = 1, a random salt of 16 bytes, without the key length; AES-256-CBC with a random iv.
fn fresh_parameters(rng: &mut impl TryCryptoRng) -> Result<pbes2::Parameters, KeyFileError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    rng.try_fill_bytes(&mut salt).and_then(|()| rng.try_fill_bytes(&mut iv)).map_err(|_| KeyFileError::Randomness)?;
    let costs = scrypt::Params::new(17, 8, 1).map_err(KeyFileError::unwritable)?;
    pbes2::Parameters::generate_scrypt_aes256cbc(costs, &salt, iv).map_err(KeyFileError::unwritable)
}

/// Section 4.3: scrypt and AES-256-CBC only, and N · r · p at most 2^23. Nothing is derived before this.
fn encrypted_from_der(der: &[u8]) -> Result<EncryptedPrivateKeyInfoRef<'_>, KeyFileError> {
    let unsupported = |oid: ObjectIdentifier| KeyFileError::UnsupportedEncryption { oid: oid.to_string() };
    // Older schemes are not all known to the parser: their identifier is looked at first, in a type of the same shape.
    let shape = SubjectPublicKeyInfo::<AnyRef<'_>, &OctetStringRef>::from_der(der).map_err(KeyFileError::damaged)?;
    if shape.algorithm.oid != pbes2::PBES2_OID {
        return Err(unsupported(shape.algorithm.oid));
    }
    let encrypted = EncryptedPrivateKeyInfoRef::from_der(der).map_err(KeyFileError::damaged_or_unsupported)?;
    let parameters = encrypted.encryption_algorithm.pbes2().ok_or(KeyFileError::DamagedDer)?;
    check_costs(parameters.kdf.scrypt().ok_or_else(|| unsupported(parameters.kdf.oid()))?)?;
    match parameters.encryption {
        pbes2::EncryptionScheme::Aes256Cbc { .. } => Ok(encrypted),
        other => Err(unsupported(other.oid())),
    }
}

fn check_costs(parameters: &pbes2::ScryptParams) -> Result<(), KeyFileError> {
    const MOST: u64 = 1 << 23;
    let (n, r, p) = (parameters.cost_parameter, u64::from(parameters.block_size), u64::from(parameters.parallelization));
    if n < 2 || !n.is_power_of_two() || r == 0 || p == 0 {
        return Err(KeyFileError::DamagedDer);
    }
    // r and p are 16 bits each in the parser, so their product fits.
    let cost = n.checked_mul(r * p).ok_or(KeyFileError::TooCostly)?;
    if cost > MOST { Err(KeyFileError::TooCostly) } else { Ok(()) }
}

fn decrypt(encrypted: &EncryptedPrivateKeyInfoRef<'_>, passphrase: &str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let mut buffer = Zeroizing::new(encrypted.encrypted_data.as_bytes().to_vec());
    let plaintext_len = match encrypted.encryption_algorithm.decrypt_in_place(passphrase, &mut buffer) {
        Ok(plaintext) => plaintext.len(),
        Err(pkcs5::Error::DecryptFailed) => return Err(KeyFileError::WrongPassphrase),
        Err(_) => return Err(KeyFileError::DamagedDer),
    };
    buffer.truncate(plaintext_len);
    Ok(buffer)
}

/// The label, one of those wanted, and the bytes of the only object in the text.
fn decode_pem(text: &str, wanted: &[&'static str]) -> Result<(&'static str, Zeroizing<Vec<u8>>), KeyFileError> {
    let text = without_white_space(text);
    check_alone(&text)?;
    let found = pem::decode_label(text.as_bytes()).map_err(|_| KeyFileError::DamagedPem)?;
    let label = wanted.iter().copied().find(|label| *label == found);
    let label =
        label.ok_or_else(|| KeyFileError::WrongLabel { found: found.to_owned(), wanted: wanted.first().copied().unwrap_or_default() })?;
    let mut decoder = pem::Decoder::new_detect_wrap(text.as_bytes()).map_err(|_| KeyFileError::DamagedPem)?;
    let mut der = Zeroizing::new(std::vec![0; decoder.remaining_len()]);
    decoder.decode(&mut der).map_err(|_| KeyFileError::DamagedPem)?;
    Ok((label, der))
}

/// Lines without white space around them, and no empty ones: editors, mail and Windows leave such.
fn without_white_space(text: &str) -> Zeroizing<String> {
    // Room for all of it, and one line feed more, so that no copy is left behind by growing.
    let mut lines = Zeroizing::new(String::with_capacity(text.len() + 1));
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}

/// One object, and no text around it. Of a line it is looked whether it begins with hyphens, which base64 has not: a search through the text would take another
/// way through each key.
fn check_alone(text: &str) -> Result<(), KeyFileError> {
    let first = text.lines().next().unwrap_or_default();
    match text.lines().filter(|line| line.starts_with("-----BEGIN ")).count() {
        0 if first.contains("-----BEGIN ") => return Err(KeyFileError::TextAround),
        0 => return Err(KeyFileError::NotPem),
        1 => {}
        _ => return Err(KeyFileError::SeveralObjects),
    }
    let after_end = text.lines().skip_while(|line| !line.starts_with("-----END ")).nth(1);
    if !first.starts_with("-----BEGIN ") || after_end.is_some() { Err(KeyFileError::TextAround) } else { Ok(()) }
}

fn written(identity: &Identity, passphrase: Option<&str>) -> Result<Zeroizing<String>, KeyFileError> {
    match passphrase {
        Some(passphrase) => to_encrypted_pem(identity, passphrase),
        None => to_pem(identity),
    }
}

fn create(path: &Path, contents: &[u8], readers: Readers) -> Result<(), KeyFileError> {
    durable::create(path, contents, readers).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => KeyFileError::Exists { path: path.to_path_buf() },
        _ => KeyFileError::io(path, error),
    })
}

fn read(path: &Path, readers: Readers) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let file = File::open(path).map_err(|error| KeyFileError::io(path, error))?;
    if readers == Readers::Owner {
        check_permissions(path, &file.metadata().map_err(|error| KeyFileError::io(path, error))?)?;
    }
    // Room for all that may come, so that no copy is left behind by growing.
    let mut contents = Zeroizing::new(Vec::with_capacity(MAX_FILE + 64));
    let limit = u64::try_from(MAX_FILE + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut contents).map_err(|error| KeyFileError::io(path, error))?;
    if contents.len() > MAX_FILE { Err(KeyFileError::TooLarge) } else { Ok(contents) }
}

#[cfg(unix)]
fn check_permissions(path: &Path, metadata: &fs::Metadata) -> Result<(), KeyFileError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyFileError::PermissionsTooOpen { path: path.to_path_buf(), mode }) }
}

#[cfg(not(unix))]
fn check_permissions(_: &Path, _: &fs::Metadata) -> Result<(), KeyFileError> {
    Ok(())
}

fn text(contents: &[u8]) -> Result<&str, KeyFileError> {
    str::from_utf8(contents).map_err(|_| KeyFileError::NotPem)
}
