//! Why a key file, a statement's or a bundle's, was not read or written, and what to do about it.

use super::bundle::BUNDLE;
use super::statement::STATEMENT;
use crate::error::Error;
use crate::identity::{SignatureAlgorithm, StatementError};
use alloc::string::{String, ToString};
use core::fmt;
use pkcs8::der;
use std::io;
use std::path::{Path, PathBuf};
use std::vec::Vec;

/// Why a key file, a statement's or a bundle's, was not read or written. Its text says what to do. No variant holds a byte of a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is no PEM in it: no line that begins with `-----BEGIN `.
    NotPem,
    /// It is PEM of another kind: a certificate, a public key in the place of a secret one, the format of another program.
    WrongLabel {
        /// The label it has.
        found: String,
        /// The label that was needed, `PRIVATE KEY`, `PUBLIC KEY`, `TWINLOCK STATEMENT` or `TWINLOCK BUNDLE`.
        wanted: &'static str,
    },
    /// There are several PEM objects in it, where one is allowed.
    SeveralObjects,
    /// There is text before or after the PEM.
    TextAround,
    /// The PEM is damaged: cut off, or its base64 is not.
    DamagedPem,
    /// What the PEM holds is damaged: no DER of this kind, or with bytes left over.
    DamagedDer,
    /// The key has attributes, a public key beside the secret one, or algorithm parameters. This format has none of them.
    ExtraFields,
    /// It is a key of another algorithm.
    UnknownAlgorithm {
        /// The algorithm's object identifier, dotted.
        oid: String,
    },
    /// The algorithm is right, and the key's length is not. A secret key longer than it should be is an expanded one; seeds only are read.
    WrongLength {
        /// The length it has, in bytes.
        found: usize,
        /// The length that the algorithm's keys have.
        expected: usize,
    },
    /// The length is right, and the bytes are no key: the classical half is no point, or one of small order.
    InvalidKey,
    /// The PEM is whole, and the statement in it is not taken.
    InvalidStatement(StatementError),
    /// The PEM is whole, and the bundle in it is not taken: [`Error::UnknownSuite`] for a suite that this build does not have, [`Error::Authentication`] where the signature is not its owner's,
    /// [`Error::Malformed`] for anything else.
    InvalidBundle(Error),
    /// It is encrypted, and no passphrase was given.
    PassphraseNeeded,
    /// The passphrase is wrong, or the file is damaged: the encryption cannot tell the two apart.
    WrongPassphrase,
    /// The passphrase to encrypt with is empty.
    EmptyPassphrase,
    /// It is encrypted in a way that is not read.
    UnsupportedEncryption {
        /// The object identifier, dotted, of the first part that is not scrypt or AES-256-CBC.
        oid: String,
    },
    /// Its scrypt costs exceed N · r · p = 2^23, which is 1 GiB of memory. Nothing was derived.
    TooCostly,
    /// It is larger than [`super::MAX_FILE`].
    TooLarge,
    /// The identity's secret key is [elsewhere](crate::identity::Identity::elsewhere), and cannot be written.
    SecretElsewhere,
    /// The source of randomness failed. Nothing was written.
    Randomness,
    /// The file exists, and is not overwritten.
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner can read or write the file.
    PermissionsTooOpen {
        /// The file.
        path: PathBuf,
        /// Its mode, the last nine bits.
        mode: u32,
    },
    /// The system could not read or write the file.
    Io {
        /// The file.
        path: PathBuf,
        /// The system's own error.
        error: io::Error,
    },
}

impl KeyFileError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), error }
    }

    pub(super) fn damaged(_: der::Error) -> Self {
        Self::DamagedDer
    }

    /// The parser knows some encryption schemes only, and gives the identifier of others.
    pub(super) fn damaged_or_unsupported(error: der::Error) -> Self {
        match error.kind() {
            der::ErrorKind::OidUnknown { oid } => Self::UnsupportedEncryption { oid: oid.to_string() },
            _ => Self::DamagedDer,
        }
    }

    /// For encoding, which fails for values above 256 MiB only; ours have fixed sizes far below.
    pub(super) fn unwritable<E>(_: E) -> Self {
        Self::InvalidKey
    }
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NotPem => "this is no key file, no statement and no bundle: it has no line that begins with -----BEGIN",
            Self::WrongLabel { found, wanted } => return wrong_label(f, found, wanted),
            Self::SeveralObjects => {
                "the file holds several keys, certificates, statements or bundles; put the one that is meant into a file of its own"
            }
            Self::TextAround => {
                "there is text before or after the key, statement or bundle; remove all but the lines from -----BEGIN to -----END"
            }
            Self::DamagedPem => "the file is damaged (its PEM text); take a copy that is whole",
            Self::DamagedDer => "the key file is damaged (the DER inside its PEM); take a copy that is whole",
            Self::ExtraFields => "the key file has attributes, parameters or a public key beside the key; export the key without them",
            Self::UnknownAlgorithm { oid } => return unknown_algorithm(f, oid),
            Self::WrongLength { found, expected } => return wrong_length(f, *found, *expected),
            Self::InvalidKey => "the key has the right length, and is not a valid key",
            Self::InvalidStatement(why) => return why.fmt(f),
            Self::InvalidBundle(why) => return invalid_bundle(f, *why),
            Self::PassphraseNeeded => "the key file is encrypted; give its passphrase",
            Self::WrongPassphrase => "the passphrase is wrong, or the key file is damaged",
            Self::EmptyPassphrase => "an empty passphrase protects nothing; give another, or none at all",
            Self::UnsupportedEncryption { oid } => return unsupported_encryption(f, oid),
            Self::TooCostly => "reading the key file would take over 1 GiB of memory; encrypt it anew with scrypt N = 131072, r = 8, p = 1",
            Self::TooLarge => "the file is too large for a key, a statement or a bundle",
            Self::SecretElsewhere => "the secret key of this identity is not here, and cannot be written",
            Self::Randomness => "the system's random number generator failed; nothing was written",
            Self::Exists { path } => return write!(f, "{} exists, and is not overwritten; choose another name", path.display()),
            Self::PermissionsTooOpen { path, mode } => return too_open(f, path, *mode),
            Self::Io { path, error } => return write!(f, "{}: {error}", path.display()),
        };
        f.write_str(text)
    }
}

impl core::error::Error for KeyFileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::InvalidStatement(why) => Some(why),
            Self::InvalidBundle(why) => Some(why),
            _ => None,
        }
    }
}

fn wrong_label(f: &mut fmt::Formatter<'_>, found: &str, wanted: &str) -> fmt::Result {
    match found {
        "PUBLIC KEY" => write!(f, "this is a public key; {} is needed here", needed(wanted)),
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => {
            write!(f, "this is a secret key: keep it to yourself; {} is needed here", needed(wanted))
        }
        STATEMENT => write!(f, "this is an owner's statement about keys; {} is needed here", needed(wanted)),
        BUNDLE => write!(f, "this is a bundle, by which acquaintances open; {} is needed here", needed(wanted)),
        "CERTIFICATE" | "CERTIFICATE REQUEST" => write!(f, "this is a certificate; a {wanted} file is needed here"),
        // The label is the file's own text: its first characters will do.
        other => {
            write!(f, "this is a file of another kind ({}); a {wanted} file is needed here", other.chars().take(40).collect::<String>())
        }
    }
}

fn needed(wanted: &str) -> &'static str {
    match wanted {
        "PUBLIC KEY" => "the file with the public key",
        STATEMENT => "the file with the statement",
        BUNDLE => "the file with the bundle",
        _ => "the file with the secret key",
    }
}

fn invalid_bundle(f: &mut fmt::Formatter<'_>, why: Error) -> fmt::Result {
    match why {
        Error::UnknownSuite { id } => {
            write!(f, "the bundle is for suite {id:#06x}, which is not in this build; use one that has it, or ask its owner for another")
        }
        Error::Authentication => f.write_str("the bundle was changed or forged: its signature is not its owner's; ask its owner for it"),
        _ => f.write_str("the bundle is damaged, or was made by another program; take a copy that is whole, or ask its owner for it"),
    }
}

fn unknown_algorithm(f: &mut fmt::Formatter<'_>, oid: &str) -> fmt::Result {
    let name = key_name(oid).unwrap_or("a key of an algorithm unknown here");
    let needed: Vec<String> = SignatureAlgorithm::ALL.iter().map(ToString::to_string).collect();
    write!(f, "this is {name} ({oid}); Twinlock needs {}", needed.join(" or "))
}

fn wrong_length(f: &mut fmt::Formatter<'_>, found: usize, expected: usize) -> fmt::Result {
    write!(f, "the key has {found} bytes and should have {expected}")?;
    if found > expected {
        f.write_str("; an expanded key cannot be read: export the seeds")
    } else {
        f.write_str("; the file is cut off or made by another program")
    }
}

fn unsupported_encryption(f: &mut fmt::Formatter<'_>, oid: &str) -> fmt::Result {
    let name = encryption_name(oid).unwrap_or("something unknown here");
    write!(
        f,
        "the key file is encrypted with {name} ({oid}); only scrypt with AES-256-CBC is read: write it anew with that, or unencrypted"
    )
}

fn too_open(f: &mut fmt::Formatter<'_>, path: &Path, mode: u32) -> fmt::Result {
    let path = path.display();
    write!(f, "others can read or write the secret key in {path} (mode {mode:04o}); run: chmod 600 '{path}'")
}

fn key_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => "an RSA key",
        "1.2.840.10045.2.1" => "an elliptic-curve key",
        "1.2.840.10040.4.1" => "a DSA key",
        "1.3.101.110" => "a plain X25519 key",
        "1.3.101.111" => "a plain X448 key",
        "1.3.101.112" => "a plain Ed25519 key",
        "1.3.101.113" => "a plain Ed448 key",
        "2.16.840.1.101.3.4.3.17" => "a plain ML-DSA-44 key",
        "2.16.840.1.101.3.4.3.18" => "a plain ML-DSA-65 key",
        "2.16.840.1.101.3.4.3.19" => "a plain ML-DSA-87 key",
        "2.16.840.1.101.3.4.4.1" | "2.16.840.1.101.3.4.4.2" | "2.16.840.1.101.3.4.4.3" => "a plain ML-KEM key",
        other => return is_composite(other).then_some("a composite ML-DSA key of another kind"),
    })
}

/// draft-ietf-lamps-pq-composite-sigs-19 has 1.3.6.1.5.5.7.6.37 to 54.
fn is_composite(oid: &str) -> bool {
    let last = oid.strip_prefix("1.3.6.1.5.5.7.6.").and_then(|last| last.parse::<u8>().ok());
    last.is_some_and(|last| (37..=54).contains(&last))
}

fn encryption_name(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "1.2.840.113549.1.5.12" => "PBKDF2",
        "2.16.840.1.101.3.4.1.2" => "AES-128-CBC",
        "2.16.840.1.101.3.4.1.22" => "AES-192-CBC",
        "2.16.840.1.101.3.4.1.6" => "AES-128-GCM",
        "2.16.840.1.101.3.4.1.46" => "AES-256-GCM",
        "1.2.840.113549.3.7" => "triple DES",
        "1.2.840.113549.1.5.3" | "1.2.840.113549.1.5.10" => "PBES1 and DES",
        other if other.starts_with("1.2.840.113549.1.12.1.") => "the old scheme of PKCS#12",
        _ => return None,
    })
}
