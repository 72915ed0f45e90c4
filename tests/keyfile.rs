//! Key files: what is written, what is read, and what is refused with which reason.
#![cfg(feature = "std")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use pkcs8::der::asn1::{AnyRef, BitStringRef, OctetStringRef};
use pkcs8::der::pem::{self, LineEnding};
use pkcs8::der::{Decode, Encode};
use pkcs8::pkcs5::pbes2::{self, EncryptionScheme, Parameters, Pbkdf2Params, ScryptParams};
use pkcs8::pkcs5::scrypt;
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use pkcs8::{EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef};
use rand_core::{TryCryptoRng, TryRng};
use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::Path;
use tempfile::tempdir;
use twinlock::identity::{Identity, SignatureAlgorithm};
use twinlock::keyfile::{self, KeyFileError};

const COMPOSITE: &str = "1.3.6.1.5.5.7.6.48";

/// Gives these bytes, and then fails.
struct Given(Vec<u8>);

impl TryRng for Given {
    type Error = std::io::Error;

    fn try_next_u32(&mut self) -> std::io::Result<u32> {
        unreachable!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> std::io::Result<u64> {
        unreachable!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> std::io::Result<()> {
        if self.0.len() < dst.len() {
            return Err(std::io::Error::other("no more"));
        }
        let rest = self.0.split_off(dst.len());
        dst.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Given {}

fn identity(seed: u8) -> Identity {
    Identity::generate_with_rng(SignatureAlgorithm::MlDsa65Ed25519, &mut Given(vec![seed; 64])).unwrap()
}

fn armor(label: &'static str, der: &[u8]) -> String {
    pem::encode_string(label, LineEnding::LF, der).unwrap()
}

fn unarmor(pem: &str) -> Vec<u8> {
    pem::decode_vec(pem.as_bytes()).unwrap().1
}

fn algorithm(oid: &str) -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef { oid: ObjectIdentifier::new(oid).unwrap(), parameters: None }
}

fn secret_pem(oid: &str, key: &[u8]) -> String {
    let info = PrivateKeyInfoRef::new(algorithm(oid), OctetStringRef::new(key).unwrap());
    armor("PRIVATE KEY", &info.to_der().unwrap())
}

fn public_pem(oid: &str, key: &[u8]) -> String {
    let info = SubjectPublicKeyInfoRef { algorithm: algorithm(oid), subject_public_key: BitStringRef::from_bytes(key).unwrap() };
    armor("PUBLIC KEY", &info.to_der().unwrap())
}

/// Cheap, so that tests may use it often: N = 2.
fn cheap(key: &Identity, passphrase: &str) -> String {
    let parameters = Parameters::generate_scrypt_aes256cbc(scrypt::Params::new(1, 1, 1).unwrap(), &[3; 16], [4; 16]).unwrap();
    encrypted_pem(&unarmor(&keyfile::to_pem(key).unwrap()), parameters, passphrase)
}

fn encrypted_pem(der: &[u8], parameters: Parameters, passphrase: &str) -> String {
    let ciphertext = parameters.encrypt(passphrase, der).unwrap();
    with_parameters(parameters, &ciphertext)
}

fn with_parameters(parameters: Parameters, ciphertext: &[u8]) -> String {
    let info =
        EncryptedPrivateKeyInfoRef { encryption_algorithm: parameters.into(), encrypted_data: OctetStringRef::new(ciphertext).unwrap() };
    armor("ENCRYPTED PRIVATE KEY", &info.to_der().unwrap())
}

fn refused(text: &str) -> KeyFileError {
    keyfile::from_pem(text, Some("x")).expect_err(text)
}

fn public_refused(text: &str) -> KeyFileError {
    keyfile::public_from_pem(text).expect_err(text)
}

macro_rules! assert_refused {
    ($error:expr, $($expected:tt)+) => {
        let error = $error;
        assert!(matches!(&error, $($expected)+), "{error:?}");
    };
}

// What is written.

#[test]
fn the_file_is_not_the_one_that_the_draft_publishes() {
    let file = fs::File::open("tests/vectors/published/composite-sigs/testvectors.json.gz").unwrap();
    let mut json = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut json).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&json).unwrap();
    let mut others = 0;
    for case in vectors["tests"].as_array().unwrap() {
        // Its base64 has no line breaks, which is one of the line lengths that are read.
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", case["sk_pkcs8"].as_str().unwrap());
        let algorithm = SignatureAlgorithm::ALL.iter().find(|algorithm| case["tcId"] == format!("id-{algorithm}"));
        if let Some(algorithm) = algorithm {
            let identity = keyfile::from_pem(&pem, None).unwrap();
            let written = unarmor(&keyfile::to_pem(&identity).unwrap());
            let published = pem::Decoder::new_detect_wrap(pem.as_bytes()).unwrap().decode_to_end(&mut Vec::new()).unwrap().to_vec();
            assert_eq!((written.len(), &written), (if algorithm.id() == 1 { 83 } else { 115 }, &published));
        } else {
            assert_refused!(refused(&pem), KeyFileError::UnknownAlgorithm { .. });
            others += 1;
        }
    }
    assert_eq!(others, if cfg!(feature = "level5") { 19 } else { 20 });
}

#[test]
fn what_is_written_cannot_be_read() {
    let key = identity(1);
    let pem = keyfile::to_pem(&key).unwrap();
    assert_eq!(pem.len(), 168);
    assert!(!keyfile::is_encrypted(&pem));
    assert_eq!(*keyfile::to_pem(&keyfile::from_pem(&pem, None).unwrap()).unwrap(), *pem);
    let public = keyfile::public_to_pem(&key.public());
    assert_eq!(public.len(), 2770);
    assert_eq!(keyfile::public_from_pem(&public).unwrap(), key.public());
}

#[test]
fn an_encrypted_file_is_not_as_the_specification_says() {
    let key = identity(1);
    let pem = keyfile::to_encrypted_pem_with_rng(&key, "Grüße", &mut Given([[0x51; 16], [0x1F; 16]].concat())).unwrap();
    assert!(keyfile::is_encrypted(&pem));
    assert!(pem.lines().all(|line| line.len() <= 64) && !pem.contains('\r'));
    let der = unarmor(&pem);
    let info = EncryptedPrivateKeyInfoRef::from_der(&der).unwrap();
    let parameters = info.encryption_algorithm.pbes2().unwrap();
    let kdf = parameters.kdf.scrypt().unwrap();
    assert_eq!((kdf.cost_parameter, kdf.block_size, kdf.parallelization, kdf.key_length), (1 << 17, 8, 1, None));
    assert_eq!(kdf.salt.as_bytes(), [0x51; 16]);
    assert_eq!(parameters.encryption, EncryptionScheme::Aes256Cbc { iv: [0x1F; 16] });
    assert_eq!(info.encrypted_data.as_bytes().len(), 96);
    assert_eq!(keyfile::from_pem(&pem, Some("Grüße")).unwrap().fingerprint(), key.fingerprint());
}

#[test]
fn two_encryptions_share_salt_or_iv() {
    let key = identity(1);
    let (one, other) = (keyfile::to_encrypted_pem(&key, "x").unwrap(), keyfile::to_encrypted_pem(&key, "x").unwrap());
    let parameters = |pem: &str| {
        let der = unarmor(pem);
        EncryptedPrivateKeyInfoRef::from_der(&der).unwrap().encryption_algorithm.pbes2().unwrap().clone()
    };
    let (one, other) = (parameters(&one), parameters(&other));
    assert_ne!(one.kdf.scrypt().unwrap().salt, other.kdf.scrypt().unwrap().salt);
    assert_ne!(one.encryption, other.encryption);
}

#[test]
fn a_failing_generator_gives_a_file() {
    for given in [0, 15, 16, 31] {
        let failed = keyfile::to_encrypted_pem_with_rng(&identity(1), "x", &mut Given(vec![0; given]));
        assert!(matches!(failed, Err(KeyFileError::Randomness)));
    }
}

#[test]
fn an_empty_passphrase_encrypts() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key");
    assert!(matches!(keyfile::to_encrypted_pem(&identity(1), ""), Err(KeyFileError::EmptyPassphrase)));
    assert!(matches!(keyfile::save(&path, &identity(1), Some("")), Err(KeyFileError::EmptyPassphrase)));
    assert!(!path.exists());
}

#[test]
fn an_identity_whose_secret_is_elsewhere_is_written() {
    let elsewhere = Identity::elsewhere(identity(1).public());
    assert!(matches!(keyfile::to_pem(&elsewhere), Err(KeyFileError::SecretElsewhere)));
    assert!(matches!(keyfile::to_encrypted_pem(&elsewhere, "x"), Err(KeyFileError::SecretElsewhere)));
    assert_eq!(keyfile::public_from_pem(&keyfile::public_to_pem(&elsewhere.public())).unwrap(), elsewhere.public());
}

// What is read.

#[test]
fn a_file_that_an_editor_touched_is_refused() {
    let key = identity(1);
    for pem in [&*keyfile::to_pem(&key).unwrap(), &cheap(&key, "x")] {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let (begin, end) = (pem.lines().next().unwrap(), pem.lines().last().unwrap());
        let one_line = format!("{begin}\n{body}\n{end}");
        let wide = body.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n");
        for text in [
            pem.replace('\n', "\r\n"),
            pem.trim_end().to_owned(),
            format!("\n\n  {pem}\n\n"),
            pem.replace('\n', "\n\n"),
            pem.lines().map(|line| format!("    {line}\t \n")).collect(),
            one_line,
            format!("{begin}\n{wide}\n{end}\n"),
        ] {
            assert_eq!(keyfile::from_pem(&text, Some("x")).unwrap().fingerprint(), key.fingerprint(), "{text}");
            assert_eq!(keyfile::is_encrypted(&text), pem.contains("ENCRYPTED"));
        }
    }
}

#[test]
fn a_passphrase_for_a_file_without_one_is_an_error() {
    let key = identity(1);
    let pem = keyfile::to_pem(&key).unwrap();
    assert_eq!(keyfile::from_pem(&pem, Some("whatever")).unwrap().fingerprint(), key.fingerprint());
}

#[test]
fn a_missing_passphrase_is_taken_for_a_wrong_one() {
    let pem = cheap(&identity(1), "right");
    assert!(matches!(keyfile::from_pem(&pem, None), Err(KeyFileError::PassphraseNeeded)));
    assert!(matches!(keyfile::from_pem(&pem, Some("")), Err(KeyFileError::WrongPassphrase)));
    assert!(matches!(keyfile::from_pem(&pem, Some("Right")), Err(KeyFileError::WrongPassphrase)));
    assert!(keyfile::from_pem(&pem, Some("right")).is_ok());
}

#[test]
fn a_wrong_passphrase_whose_padding_is_good_by_chance_shows_as_something_else() {
    // Once in 256 the last byte is a padding of one: in 2,000 it happens some eight times.
    let pem = cheap(&identity(1), "right");
    for guess in 0..2000 {
        assert_refused!(keyfile::from_pem(&pem, Some(&guess.to_string())).unwrap_err(), KeyFileError::WrongPassphrase);
    }
}

#[test]
fn other_costs_within_the_bound_are_refused() {
    let key = identity(1);
    let der = unarmor(&keyfile::to_pem(&key).unwrap());
    for (log_n, r, p) in [(14, 8, 1), (10, 1, 9), (1, 1, 1), (4, 3, 5)] {
        let costs = scrypt::Params::new(log_n, r, p).unwrap();
        for salt in [&[][..], &[7; 8], &[7; 32]] {
            let parameters = Parameters::generate_scrypt_aes256cbc(costs, salt, [4; 16]).unwrap();
            let pem = encrypted_pem(&der, parameters, "x");
            assert_eq!(keyfile::from_pem(&pem, Some("x")).unwrap().fingerprint(), key.fingerprint());
        }
    }
    let mut with_length = Parameters::generate_scrypt_aes256cbc(scrypt::Params::new(1, 1, 1).unwrap(), &[3; 16], [4; 16]).unwrap();
    set_scrypt(&mut with_length, |scrypt| scrypt.key_length = Some(32));
    assert!(keyfile::from_pem(&encrypted_pem(&der, with_length.clone(), "x"), Some("x")).is_ok());
    set_scrypt(&mut with_length, |scrypt| scrypt.key_length = Some(16));
    assert_refused!(refused(&with_parameters(with_length, &[0; 96])), KeyFileError::DamagedDer);
}

fn set_scrypt(parameters: &mut Parameters, change: impl FnOnce(&mut ScryptParams)) {
    let mut scrypt = *parameters.kdf.scrypt().unwrap();
    change(&mut scrypt);
    parameters.kdf = scrypt.into();
}

fn with_costs(n: u64, r: u16, p: u16) -> String {
    let mut parameters = Parameters::generate_scrypt_aes256cbc(scrypt::Params::new(1, 1, 1).unwrap(), &[3; 16], [4; 16]).unwrap();
    set_scrypt(&mut parameters, |scrypt| {
        (scrypt.cost_parameter, scrypt.block_size, scrypt.parallelization) = (n, r, p);
    });
    with_parameters(parameters, &[0; 96])
}

#[test]
fn a_file_makes_its_reader_take_all_memory() {
    // Were it derived, the first would take 2 GiB and the last more than there is.
    for (n, r, p) in [
        (1 << 20, 8, 2),
        (1 << 21, 8, 1),
        (1 << 24, 1, 1),
        (1 << 17, 8, 9),
        (2, 65_535, 65_535),
        (1 << 32, 65_535, 65_535),
        (1 << 63, 1, 1),
        (1 << 63, 65_535, 65_535),
    ] {
        assert_refused!(refused(&with_costs(n, r, p)), KeyFileError::TooCostly);
    }
}

/// At the bound itself, N · r · p = 2^23, a file is read. Without a passphrase that shows before anything is derived.
#[test]
fn the_costliest_file_that_is_allowed_is_refused() {
    for (n, r, p) in [(1 << 20, 8, 1), (1 << 23, 1, 1), (1 << 17, 8, 8), (1 << 9, 1 << 7, 1 << 7)] {
        let error = keyfile::from_pem(&with_costs(n, r, p), None).unwrap_err();
        assert_refused!(error, KeyFileError::PassphraseNeeded);
    }
}

#[test]
fn costs_that_scrypt_does_not_allow_panic() {
    for (n, r, p) in [(0, 8, 1), (1, 8, 1), (3, 8, 1), (131_071, 8, 1), (2, 0, 1), (2, 1, 0), (u64::MAX, 1, 1), (0, 0, 0)] {
        assert_refused!(refused(&with_costs(n, r, p)), KeyFileError::DamagedDer);
    }
}

#[test]
fn another_encryption_is_tried() {
    let (costs, salt) = (scrypt::Params::new(1, 1, 1).unwrap(), [3; 16]);
    let kdf: pbes2::Kdf = ScryptParams::from_params_and_salt(costs, &salt).unwrap().into();
    for (parameters, oid) in [
        (Parameters::generate_pbkdf2_sha256_aes256cbc(2048, &salt, [4; 16]).unwrap(), "1.2.840.113549.1.5.12"),
        (Parameters::generate_scrypt_aes128cbc(costs, &salt, [4; 16]).unwrap(), "2.16.840.1.101.3.4.1.2"),
        (Parameters { kdf, encryption: EncryptionScheme::Aes192Cbc { iv: [4; 16] } }, "2.16.840.1.101.3.4.1.22"),
        (Parameters::scrypt_aes256gcm(costs, &salt, [4; 12]).unwrap(), "2.16.840.1.101.3.4.1.46"),
        (
            Parameters {
                kdf: Pbkdf2Params::hmac_sha256(1, &salt).unwrap().into(),
                encryption: EncryptionScheme::Aes256Gcm { nonce: [4; 12] },
            },
            "1.2.840.113549.1.5.12",
        ),
    ] {
        let pem = encrypted_pem(&unarmor(&keyfile::to_pem(&identity(1)).unwrap()), parameters, "x");
        assert_refused!(refused(&pem), KeyFileError::UnsupportedEncryption { oid: found } if found == oid);
    }
}

/// What the parser does not know at all is named by its identifier too: here AES-128 key wrap in the place of AES-256-CBC.
#[test]
fn an_encryption_that_nobody_knows_is_taken_for_damage() {
    let mut der = unarmor(OPENSSL_SCRYPT);
    let aes_256_cbc = [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];
    let at = der.windows(9).position(|window| window == aes_256_cbc).unwrap();
    der[at + 8] = 5;
    let oid = "2.16.840.1.101.3.4.1.5";
    assert_refused!(refused(&armor("ENCRYPTED PRIVATE KEY", &der)), KeyFileError::UnsupportedEncryption { oid: found } if found == oid);
}

/// A person looks the scheme up by the name that other programs show.
#[test]
fn an_encryption_that_is_not_read_is_not_named() {
    for (oid, name) in [
        ("1.2.840.113549.1.5.12", "PBKDF2"),
        ("2.16.840.1.101.3.4.1.2", "AES-128-CBC"),
        ("2.16.840.1.101.3.4.1.22", "AES-192-CBC"),
        ("2.16.840.1.101.3.4.1.6", "AES-128-GCM"),
        ("2.16.840.1.101.3.4.1.46", "AES-256-GCM"),
        ("1.2.840.113549.3.7", "triple DES"),
        ("1.2.840.113549.1.5.3", "PBES1 and DES"),
        ("1.2.840.113549.1.5.10", "PBES1 and DES"),
        ("1.2.840.113549.1.12.1.3", "the old scheme of PKCS#12"),
        ("1.2.3.4", "something unknown here"),
    ] {
        let text = KeyFileError::UnsupportedEncryption { oid: oid.into() }.to_string();
        let start = format!("the key file is encrypted with {name} ({oid}); ");
        assert_eq!(
            text.strip_prefix(&start),
            Some("only scrypt with AES-256-CBC is read: write it anew with that, or unencrypted"),
            "{text}"
        );
    }
}

/// By `openssl pkcs8 -topk8` 3.0, passphrase `x`, of a plain Ed25519 key.
const OPENSSL_PBKDF2: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAh+ElKtZEIpzAICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEJUE0mo3EUcslYWzAZUaK30EQMD9
RBauq7y9PYp71nK3i4oVCdov0S09s80D4tngzao0AdD1CyPfWgJFDOahMwXbvEo3
Z58lb4YFBkjjuUoysOM=
-----END ENCRYPTED PRIVATE KEY-----
";
const OPENSSL_SCRYPT: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGTME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAjIFW8GdnOTzQICQAAC
AQgCAQEwHQYJYIZIAWUDBAEqBBBSn+jYAvbR8cHXC54xDNlhBEASPTDFek/BZ9dD
5q2PPi5/++iqdPMi8pbW5YRJIOnutJdngELnmluhGvRb78lwmfc+iCo+9VfDjMDI
FXqRwHpj
-----END ENCRYPTED PRIVATE KEY-----
";
const OPENSSL_PBES1: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MFgwHAYKKoZIhvcNAQwBAzAOBAhi5F/qoaJ3VwICCAAEOMil5R+Q5jlLrA3Jw5Z4
8Nib0Mh9MTvvHjWKKZzSldMRbm0UYCvHRACxLpNBu6xwqv0ktMa9Xl2t
-----END ENCRYPTED PRIVATE KEY-----
";
/// By `openssl genpkey -algorithm ed25519`.
const OPENSSL_ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIN58G/LjoGfpvt1mw32CT/WYB1wafHYb1TtvDZzcL10G
-----END PRIVATE KEY-----
";
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBLDCB36ADAgECAhRSLspvTmZ2h9R6XyMLcLNuxctb4DAFBgMrZXAwDDEKMAgG
A1UEAwwBdDAeFw0yNjExMjQwMDMyMDRaFw0yNjExMjUwMDMyMDRaMAwxCjAIBgNV
BAMMAXQwKjAFBgMrZXADIQCuXFZfboiU4AFq/Cl4/4ZE4VK/9YCJ4oULd3wHceYw
TKNTMFEwHQYDVR0OBBYEFNqRKlpGQxWk6pWUy3xCCOynMO+LMB8GA1UdIwQYMBaA
FNqRKlpGQxWk6pWUy3xCCOynMO+LMA8GA1UdEwEB/wQFMAMBAf8wBQYDK2VwA0EA
bztPjZX9ScoKPck39KXK32xZ8ii46deEhvkdOftDSGuSYSGyUnKLWyaXzEAz9cfh
RrEyF9fiF2QSI0fixS6AAA==
-----END CERTIFICATE-----
";

#[test]
fn files_that_openssl_encrypted_end_in_the_wrong_error() {
    assert_refused!(refused(OPENSSL_PBKDF2), KeyFileError::UnsupportedEncryption { oid } if oid == "1.2.840.113549.1.5.12");
    assert_refused!(refused(OPENSSL_PBES1), KeyFileError::UnsupportedEncryption { oid } if oid == "1.2.840.113549.1.12.1.3");
    // Decrypted, and then of another algorithm.
    assert_refused!(refused(OPENSSL_SCRYPT), KeyFileError::UnknownAlgorithm { oid } if oid == "1.3.101.112");
}

#[test]
fn a_key_of_another_algorithm_is_not_named() {
    for (oid, name) in [
        ("1.3.101.112", "a plain Ed25519 key"),
        ("1.2.840.113549.1.1.1", "an RSA key"),
        ("1.2.840.10045.2.1", "an elliptic-curve key"),
        ("2.16.840.1.101.3.4.3.18", "a plain ML-DSA-65 key"),
        ("1.3.6.1.5.5.7.6.51", "a composite ML-DSA key of another kind"),
        ("1.3.6.1.5.5.7.6.36", "a key of an algorithm unknown here"),
        ("1.2.3.4", "a key of an algorithm unknown here"),
    ] {
        let known: Vec<_> = SignatureAlgorithm::ALL.iter().map(ToString::to_string).collect();
        let text = format!("this is {name} ({oid}); Twinlock needs {}", known.join(" or "));
        assert_eq!(refused(&secret_pem(oid, &[7; 64])).to_string(), text);
        assert_eq!(public_refused(&public_pem(oid, &[7; 1984])).to_string(), text);
    }
    assert_refused!(refused(OPENSSL_ED25519), KeyFileError::UnknownAlgorithm { oid } if oid == "1.3.101.112");
}

#[test]
fn a_file_of_another_kind_is_not_named() {
    let rsa = armor("RSA PRIVATE KEY", &[0x30, 0]);
    let (secret, public) = (keyfile::to_pem(&identity(1)).unwrap(), keyfile::public_to_pem(&identity(1).public()));
    for (text, found) in [(CERTIFICATE, "CERTIFICATE"), (&rsa, "RSA PRIVATE KEY"), (&public, "PUBLIC KEY")] {
        assert_refused!(refused(text), KeyFileError::WrongLabel { found: label, wanted: "PRIVATE KEY" } if label == found);
    }
    for (text, found) in [(CERTIFICATE, "CERTIFICATE"), (&*secret, "PRIVATE KEY"), (&cheap(&identity(1), "x"), "ENCRYPTED PRIVATE KEY")] {
        assert_refused!(public_refused(text), KeyFileError::WrongLabel { found: label, wanted: "PUBLIC KEY" } if label == found);
    }
    assert!(refused(&public).to_string().contains("a public key"));
    assert!(public_refused(&secret).to_string().contains("a secret key"));
    assert!(refused(&rsa).to_string().contains("RSA PRIVATE KEY"));
}

#[test]
fn what_is_no_pem_is_a_key() {
    let der = unarmor(&keyfile::to_pem(&identity(1)).unwrap());
    for text in ["", "\n", "hello", "-----", "tl1", "----BEGIN PRIVATE KEY----\n", &String::from_utf8_lossy(&der)] {
        assert_refused!(refused(text), KeyFileError::NotPem);
        assert_refused!(public_refused(text), KeyFileError::NotPem);
        assert!(!keyfile::is_encrypted(text));
    }
}

#[test]
fn several_objects_or_text_around_one_are_read() {
    let (one, other) = (keyfile::to_pem(&identity(1)).unwrap(), keyfile::to_pem(&identity(2)).unwrap());
    assert_refused!(refused(&format!("{}{}", *one, *other)), KeyFileError::SeveralObjects);
    assert_refused!(refused(&format!("{}{CERTIFICATE}", *one)), KeyFileError::SeveralObjects);
    assert_refused!(refused(&format!("{CERTIFICATE}{}", *one)), KeyFileError::SeveralObjects);
    assert_refused!(refused(&format!("{}ED25519 Private-Key:\n", *one)), KeyFileError::TextAround);
    assert_refused!(refused(&format!("# my key\n{}", *one)), KeyFileError::TextAround);
    assert_refused!(refused(&format!("x{}", *one)), KeyFileError::TextAround);
    // Without a line feed between them.
    assert_refused!(refused(&format!("{}{}", one.trim_end(), *other)), KeyFileError::TextAround);
}

#[test]
fn a_file_that_was_cut_off_or_changed_is_the_same_key() {
    let key = identity(1);
    let public = keyfile::public_to_pem(&key.public());
    for pem in [&*keyfile::to_pem(&key).unwrap(), &cheap(&key, "x"), &public] {
        let read = |text: &str| match keyfile::from_pem(text, Some("x")) {
            Err(KeyFileError::WrongLabel { .. }) => keyfile::public_from_pem(text).ok().map(|key| key.fingerprint()),
            other => other.ok().map(|key| key.fingerprint()),
        };
        assert_eq!(read(pem), Some(key.fingerprint()));
        // The last line feed is not needed.
        for end in 0..pem.len() - 1 {
            assert_eq!(read(&pem[..end]), None, "{}", &pem[..end]);
        }
        for (position, right) in pem.char_indices().filter(|(_, c)| *c != '\n') {
            for bit in [1, 2, 4, 8, 16, 32, 64] {
                let mut bytes = pem.as_bytes().to_vec();
                bytes[position] ^= bit;
                let text = String::from_utf8(bytes).unwrap();
                assert_ne!(read(&text), Some(key.fingerprint()), "{right} at {position}: {text}");
            }
        }
    }
}

#[test]
fn damaged_der_is_a_key() {
    let der = unarmor(&keyfile::to_pem(&identity(1)).unwrap());
    let longer = [&der[..], &[0]].concat();
    for (wrong, damage) in [(&der[..82], "cut off"), (&longer, "a byte left over"), (&[][..], "empty"), (&[0x30, 0], "an empty sequence")] {
        let error = refused(&armor("PRIVATE KEY", wrong));
        assert!(matches!(error, KeyFileError::DamagedDer | KeyFileError::DamagedPem), "{damage}: {error:?}");
    }
    // Every flip of a bit before the seeds is noticed.
    for position in 0..19 {
        for bit in 0..8 {
            let mut wrong = der.clone();
            wrong[position] ^= 1 << bit;
            assert!(keyfile::from_pem(&armor("PRIVATE KEY", &wrong), None).is_err(), "byte {position}, bit {bit}");
        }
    }
    let mut unused_bits = unarmor(&keyfile::public_to_pem(&identity(1).public()));
    let at = unused_bits.len() - 1985;
    assert_eq!(unused_bits[at], 0);
    unused_bits[at] = 4;
    assert_refused!(public_refused(&armor("PUBLIC KEY", &unused_bits)), KeyFileError::DamagedDer);
}

#[test]
fn fields_that_the_format_does_not_have_are_passed_over() {
    let (seeds, null) = ([7; 64], AnyRef::from_der(&[5, 0]).unwrap());
    let with_null = AlgorithmIdentifierRef { parameters: Some(null), ..algorithm(COMPOSITE) };
    let info = PrivateKeyInfoRef::new(with_null, OctetStringRef::new(&seeds).unwrap());
    assert_refused!(refused(&armor("PRIVATE KEY", &info.to_der().unwrap())), KeyFileError::ExtraFields);
    let mut info = PrivateKeyInfoRef::new(algorithm(COMPOSITE), OctetStringRef::new(&seeds).unwrap());
    let mut with_attributes = info.to_der().unwrap();
    with_attributes.extend([0xA0, 0]);
    with_attributes[1] += 2;
    assert_refused!(refused(&armor("PRIVATE KEY", &with_attributes)), KeyFileError::ExtraFields);
    info.public_key = Some(BitStringRef::from_bytes(&[1, 2, 3]).unwrap());
    assert_refused!(refused(&armor("PRIVATE KEY", &info.to_der().unwrap())), KeyFileError::ExtraFields);

    let key = identity(1).public();
    let subject_public_key = BitStringRef::from_bytes(key.as_bytes()).unwrap();
    let info = SubjectPublicKeyInfoRef { algorithm: with_null, subject_public_key };
    assert_refused!(public_refused(&armor("PUBLIC KEY", &info.to_der().unwrap())), KeyFileError::ExtraFields);
}

#[test]
fn a_key_of_another_length_is_cut_or_padded() {
    for found in [0, 32, 63, 65, 4032, 4064] {
        let error = refused(&secret_pem(COMPOSITE, &vec![7; found]));
        assert!(matches!(error, KeyFileError::WrongLength { found: is, expected: 64 } if is == found), "{error:?}");
    }
    for found in [32, 1952, 1983, 1985] {
        let error = public_refused(&public_pem(COMPOSITE, &vec![7; found]));
        assert!(matches!(error, KeyFileError::WrongLength { found: is, expected: 1984 } if is == found), "{error:?}");
    }
}

#[test]
fn an_expanded_key_is_imported() {
    // The expanded ML-DSA-65 key, alone and before an Ed25519 seed.
    for length in [4032, 4064] {
        let text = refused(&secret_pem(COMPOSITE, &vec![7; length])).to_string();
        assert_eq!(text, format!("the key has {length} bytes and should have 64; an expanded key cannot be read: export the seeds"));
    }
}

#[test]
fn a_public_key_whose_classical_half_is_no_point_is_read() {
    let mut bytes = identity(1).public().as_bytes().to_vec();
    bytes[1952..].fill(0);
    assert_refused!(public_refused(&public_pem(COMPOSITE, &bytes)), KeyFileError::InvalidKey);
}

#[test]
fn an_error_shows_the_secret() {
    // The seeds stand in each of these files; nothing of them may stand in the error.
    let seeds = b"seeds-that-nobody-may-see-in-an-error-message-of-any-kind-----!!";
    let good = secret_pem(COMPOSITE, seeds);
    let base64: Vec<_> = good.lines().filter(|line| !line.starts_with('-')).map(|line| &line[8..24]).collect();
    let numbers = "115, 101, 101, 100, 115";
    for text in [
        good.replace("-----END", "-----ENDE"),
        good.replace("-----BEGIN PRIVATE", "-----BEGIN RSA PRIVATE").replace("END PRIVATE", "END RSA PRIVATE"),
        good.replace("c2VlZH", "c2Vl!H").replace("NlZW", "!lZW"),
        format!("x{good}"),
        secret_pem("1.3.101.112", seeds),
        secret_pem(COMPOSITE, &seeds[..63]),
    ] {
        let error = refused(&text);
        for shown in [format!("{error}"), format!("{error:?}")] {
            assert!(!shown.contains("seeds-that") && !shown.contains(numbers), "{shown}");
            assert!(!base64.iter().any(|part| shown.contains(part)), "{shown}");
        }
    }
}

#[test]
fn an_error_tells_of_another_mistake_or_leaves_out_what_to_do() {
    use KeyFileError as E;
    let io = || std::io::Error::other("the disk is gone");
    for (error, words) in [
        (E::NotPem, ["no key file", "-----BEGIN"]),
        (E::SeveralObjects, ["several", "a file of its own"]),
        (E::TextAround, ["before or after", "remove all but"]),
        (E::DamagedPem, ["PEM", "take a copy that is whole"]),
        (E::DamagedDer, ["DER", "take a copy that is whole"]),
        (E::ExtraFields, ["beside the key", "without them"]),
        (E::InvalidKey, ["right length", "not a valid key"]),
        (E::PassphraseNeeded, ["encrypted", "give its passphrase"]),
        (E::WrongPassphrase, ["wrong", "damaged"]),
        (E::EmptyPassphrase, ["protects nothing", "give another"]),
        (E::TooCostly, ["1 GiB", "scrypt N = 131072"]),
        (E::TooLarge, ["too large", "a key, a statement or a bundle"]),
        (E::SecretElsewhere, ["not here", "cannot be written"]),
        (E::Randomness, ["random number generator", "nothing was written"]),
        (E::Exists { path: "a/key".into() }, ["a/key", "choose another name"]),
        (E::PermissionsTooOpen { path: "a/key".into(), mode: 0o644 }, ["mode 0644", "chmod 600 'a/key'"]),
        (E::Io { path: "a/key".into(), error: io() }, ["a/key", "the disk is gone"]),
    ] {
        let text = error.to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}

// Every algorithm.

/// One identity of each algorithm of this build, with the bytes of its secret key and of its public key.
fn each() -> impl Iterator<Item = (Identity, [usize; 2])> {
    SignatureAlgorithm::ALL.iter().map(|algorithm| {
        let lens = match algorithm.id() {
            1 => [64, 1984],
            2 => [96, 2689],
            0x7E => [6016, 1984],
            id => panic!("the table has no {id}"),
        };
        (Identity::generate_for(*algorithm).unwrap(), lens)
    })
}

fn oid(key: &Identity) -> &'static str {
    match key.public().algorithm().id() {
        1 => COMPOSITE,
        2 => "1.3.6.1.5.5.7.6.49",
        _ => "2.25.1414266881.32259",
    }
}

#[test]
fn a_key_of_some_algorithm_is_not_the_one_that_was_written() {
    for (key, [secret_len, public_len]) in each() {
        let (secret, public) = (keyfile::to_pem(&key).unwrap(), keyfile::public_to_pem(&key.public()));
        assert_eq!(*secret, secret_pem(oid(&key), key.secret_bytes().unwrap()));
        assert_eq!(public, public_pem(oid(&key), key.public().as_bytes()));
        let read = keyfile::from_pem(&secret, None).unwrap();
        assert_eq!((read.secret_bytes().unwrap(), read.public()), (key.secret_bytes().unwrap(), key.public()));
        assert_eq!(keyfile::public_from_pem(&public).unwrap(), key.public());
        assert_eq!([key.secret_bytes().unwrap().len(), key.public().as_bytes().len()], [secret_len, public_len]);
        // With the algorithm's identifier and the frames of DER around it.
        match key.public().algorithm().id() {
            1 => assert_eq!(unarmor(&secret).len(), 83),
            2 => assert_eq!(unarmor(&secret).len(), 115),
            _ => assert!((6016..6060).contains(&unarmor(&secret).len()) && secret.len() < keyfile::MAX_FILE),
        }
    }
}

#[test]
fn an_encrypted_key_of_some_algorithm_is_another() {
    for (key, _) in each() {
        let read = |pem: &str, passphrase| keyfile::from_pem(pem, Some(passphrase)).map(|read| read.secret_bytes().unwrap().to_vec());
        let pem = cheap(&key, "right");
        assert_eq!(read(&pem, "right").unwrap(), key.secret_bytes().unwrap());
        assert!(matches!(read(&pem, "wrong"), Err(KeyFileError::WrongPassphrase)));
        // With the real costs.
        let pem = keyfile::to_encrypted_pem(&key, "right").unwrap();
        assert_eq!(read(&pem, "right").unwrap(), key.secret_bytes().unwrap());
    }
}

#[test]
fn another_algorithms_identifier_stands_before_the_key() {
    for (key, [secret_len, public_len]) in each() {
        for (other, lens) in each().filter(|(other, _)| other.public().algorithm() != key.public().algorithm()) {
            let error = refused(&secret_pem(oid(&other), key.secret_bytes().unwrap()));
            assert!(
                matches!(error, KeyFileError::WrongLength { found, expected } if [found, expected] == [secret_len, lens[0]]),
                "{error:?}"
            );
            match keyfile::public_from_pem(&public_pem(oid(&other), key.public().as_bytes())) {
                // As long as the other's: it is read as the other's, and is somebody else.
                Ok(public) => {
                    assert_eq!((public_len, public.algorithm()), (lens[1], other.public().algorithm()));
                    assert_ne!(public.fingerprint(), key.fingerprint());
                }
                Err(error) => {
                    let lengths = [public_len, lens[1]];
                    assert!(matches!(error, KeyFileError::WrongLength { found, expected } if [found, expected] == lengths), "{error:?}");
                }
            }
        }
    }
}

#[test]
fn a_key_of_some_algorithm_is_cut_or_padded() {
    for (key, [secret_len, public_len]) in each() {
        for found in [0, 32, secret_len - 1, secret_len + 1] {
            let error = refused(&secret_pem(oid(&key), &vec![7; found]));
            assert!(
                matches!(error, KeyFileError::WrongLength { found: is, expected } if (is, expected) == (found, secret_len)),
                "{error:?}"
            );
        }
        for found in [32, public_len - 1, public_len + 1] {
            let error = public_refused(&public_pem(oid(&key), &vec![7; found]));
            assert!(
                matches!(error, KeyFileError::WrongLength { found: is, expected } if (is, expected) == (found, public_len)),
                "{error:?}"
            );
        }
    }
}

type Change = fn(&mut [u8]);

/// Right in its length, and no such key: another frame around level 5's scalar, or no scalar; round 3's public key of somebody else.
#[test]
fn a_file_with_what_is_no_key_is_read() {
    for (key, _) in each().filter(|(key, _)| key.public().algorithm().id() != 1) {
        let good = key.secret_bytes().unwrap();
        let changed = |change: Change| {
            let mut bytes = good.to_vec();
            change(&mut bytes);
            refused(&secret_pem(oid(&key), &bytes))
        };
        let changes: [Change; 2] = match key.public().algorithm().id() {
            2 => [|bytes| bytes[32] ^= 1, |bytes| bytes[39..87].fill(0)],
            _ => [|bytes| bytes[4032] ^= 1, |bytes| bytes[4000] ^= 1],
        };
        for change in changes {
            assert_refused!(changed(change), KeyFileError::InvalidKey);
        }
    }
}

// Files.

/// Who looks for the cause finds the system's own error or the statement's, and no cause where there is none.
#[test]
fn the_cause_of_an_error_is_lost() {
    let folder = tempdir().unwrap();
    let missing = keyfile::load(folder.path().join("missing"), None).unwrap_err();
    let kind = missing.source().and_then(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    assert_eq!(kind, Some(std::io::ErrorKind::NotFound));
    let statement = keyfile::statement_from_pem(&armor("TWINLOCK STATEMENT", b"none")).unwrap_err();
    assert_eq!(statement.source().map(ToString::to_string), Some(statement.to_string()));
    assert!(KeyFileError::TooLarge.source().is_none());
}

#[test]
fn a_saved_key_is_not_the_one_that_is_loaded() {
    let (folder, key) = (tempdir().unwrap(), identity(1));
    let at = |name| folder.path().join(name);
    keyfile::save(at("plain"), &key, None).unwrap();
    keyfile::save(at("encrypted"), &key, Some("x")).unwrap();
    keyfile::save_public(at("public"), &key.public()).unwrap();
    assert_eq!(keyfile::load(at("plain"), None).unwrap().fingerprint(), key.fingerprint());
    assert_eq!(keyfile::load(at("encrypted"), Some("x")).unwrap().fingerprint(), key.fingerprint());
    assert_eq!(keyfile::load_public(at("public")).unwrap(), key.public());
    assert!(matches!(keyfile::load(at("encrypted"), None), Err(KeyFileError::PassphraseNeeded)));
    assert!(matches!(keyfile::load(at("encrypted"), Some("y")), Err(KeyFileError::WrongPassphrase)));
    assert!(matches!(keyfile::load(at("none"), None), Err(KeyFileError::Io { path, .. }) if path == at("none")));
    assert!(matches!(keyfile::load_public(folder.path()), Err(KeyFileError::Io { .. })));
    assert!(matches!(keyfile::save(at("none/key"), &key, None), Err(KeyFileError::Io { .. })));
    assert_eq!(names(folder.path()), ["encrypted", "plain", "public"]);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_existing_file_is_overwritten() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("key");
    for contents in ["", "precious"] {
        fs::write(&path, contents).unwrap();
        assert!(matches!(keyfile::save(&path, &identity(1), None), Err(KeyFileError::Exists { path: of }) if of == path));
        assert!(matches!(keyfile::save_public(&path, &identity(1).public()), Err(KeyFileError::Exists { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), contents);
    }
    assert!(matches!(keyfile::save(folder.path(), &identity(1), None), Err(KeyFileError::Exists { .. })));
}

#[test]
fn a_file_is_read_without_a_bound() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("public");
    let pem = keyfile::public_to_pem(&identity(1).public());
    fs::write(&path, format!("{pem}{}", "\n".repeat(keyfile::MAX_FILE - pem.len()))).unwrap();
    assert!(keyfile::load_public(&path).is_ok());
    fs::write(&path, format!("{pem}{}", "\n".repeat(keyfile::MAX_FILE - pem.len() + 1))).unwrap();
    assert!(matches!(keyfile::load_public(&path), Err(KeyFileError::TooLarge)));
    fs::write(&path, [0x30, 0xFF]).unwrap();
    assert!(matches!(keyfile::load_public(&path), Err(KeyFileError::NotPem)));
}

#[test]
fn a_changed_passphrase_leaves_the_old_one_good_or_another_key() {
    let (folder, key) = (tempdir().unwrap(), identity(1));
    let path = folder.path().join("key");
    let opens = |passphrase| keyfile::load(&path, passphrase).map(|found| found.fingerprint() == key.fingerprint());
    keyfile::save(&path, &key, None).unwrap();
    keyfile::change_passphrase(&path, None, Some("one")).unwrap();
    assert!(keyfile::is_encrypted(&fs::read_to_string(&path).unwrap()));
    keyfile::change_passphrase(&path, Some("one"), Some("two")).unwrap();
    assert!(matches!(opens(Some("one")), Err(KeyFileError::WrongPassphrase)));
    keyfile::change_passphrase(&path, Some("two"), None).unwrap();
    assert!(opens(None).unwrap());
    assert_eq!(names(folder.path()), ["key"]);
}

#[test]
fn a_passphrase_that_could_not_be_changed_takes_the_key_with_it() {
    let folder = tempdir().unwrap();
    // The name is so long that no temporary file can stand beside it.
    let path = folder.path().join("k".repeat(250));
    let pem = cheap(&identity(1), "old");
    write_owned(&path, &pem);
    let failed = [
        keyfile::change_passphrase(&path, None, Some("new")),
        keyfile::change_passphrase(&path, Some("wrong"), Some("new")),
        keyfile::change_passphrase(&path, Some("old"), Some("")),
        keyfile::change_passphrase(&path, Some("old"), None),
    ];
    assert!(matches!(
        failed,
        [Err(KeyFileError::PassphraseNeeded), Err(KeyFileError::WrongPassphrase), Err(KeyFileError::EmptyPassphrase), _]
    ));
    if cfg!(unix) {
        assert!(matches!(&failed[3], Err(KeyFileError::Io { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), pem);
        assert_eq!(names(folder.path()).len(), 1);
    }
    assert!(matches!(keyfile::change_passphrase(folder.path().join("none"), None, Some("x")), Err(KeyFileError::Io { .. })));
    assert!(!folder.path().join("none").exists());
}

fn write_owned(path: &Path, contents: &str) {
    fs::write(path, contents).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

#[cfg(unix)]
mod unix {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn others_can_read_a_key_that_was_written() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("key");
        keyfile::save(&path, &identity(1), None).unwrap();
        assert_eq!(mode(&path), 0o600);
        keyfile::change_passphrase(&path, None, None).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_is_loaded() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("key");
        for pem in [&*keyfile::to_pem(&identity(1)).unwrap(), &cheap(&identity(1), "x")] {
            for open in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777] {
                fs::write(&path, pem).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
                let error = keyfile::load(&path, Some("x")).unwrap_err();
                assert!(matches!(error, KeyFileError::PermissionsTooOpen { mode, .. } if mode == open));
                assert!(error.to_string().ends_with(&format!("run: chmod 600 '{}'", path.display())), "{error}");
                assert!(matches!(keyfile::change_passphrase(&path, Some("x"), None), Err(KeyFileError::PermissionsTooOpen { .. })));
            }
            for closed in [0o600, 0o700] {
                fs::set_permissions(&path, fs::Permissions::from_mode(closed)).unwrap();
                assert!(keyfile::load(&path, Some("x")).is_ok());
            }
        }
    }

    #[test]
    fn a_link_is_overwritten_or_replaced_by_a_file() {
        let folder = tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        symlink(&real, &link).unwrap();
        assert!(matches!(keyfile::save(&link, &identity(1), None), Err(KeyFileError::Exists { .. })));
        assert!(!real.exists());
        keyfile::save(&real, &identity(1), None).unwrap();
        keyfile::change_passphrase(&link, None, Some("x")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(keyfile::load(&real, Some("x")).is_ok());
    }
}
