//! A bundle as a file: what is written, what is read, and what is refused with which reason.

use crate::people::{ALICE, BOB, NOW, OTHER, SUITE, bundle};
use std::error::Error as _;
use std::fs;
use tempfile::tempdir;
use twinlock::Error;
use twinlock::keyfile::{self, KeyFileError};

fn armored(bytes: &[u8]) -> String {
    pkcs8::der::pem::encode_string("TWINLOCK BUNDLE", pkcs8::der::pem::LineEnding::LF, bytes).unwrap()
}

fn refused(text: &str) -> KeyFileError {
    keyfile::bundle_from_pem(text).expect_err(text)
}

#[test]
fn a_bundles_file_cannot_be_read() {
    let folder = tempdir().unwrap();
    for (number, bundle) in [bundle(&ALICE, SUITE, -1, 40), bundle(&BOB, OTHER, -1, 59)].into_iter().enumerate() {
        let path = folder.path().join(number.to_string());
        keyfile::save_bundle(&path, &bundle).unwrap();
        assert_eq!(keyfile::load_bundle(&path).unwrap().as_bytes(), bundle.as_bytes());
        assert!(matches!(keyfile::save_bundle(&path, &bundle), Err(KeyFileError::Exists { path: of }) if of == path));
        let pem = fs::read_to_string(&path).unwrap();
        assert!(pem.starts_with("-----BEGIN TWINLOCK BUNDLE-----\n") && pem.ends_with("\n-----END TWINLOCK BUNDLE-----\n"));
        assert!(pem.lines().all(|line| line.len() <= 64) && pem.len() == 8_988);
        assert_eq!((&keyfile::bundle_to_pem(&bundle), &armored(bundle.as_bytes())), (&pem, &pem));
        for text in [pem.replace('\n', "\r\n"), pem.trim_end().to_owned(), format!("\n  {pem}\n"), pem.replace('\n', "\n\n")] {
            assert_eq!(keyfile::bundle_from_pem(&text).unwrap().as_bytes(), bundle.as_bytes());
        }
    }
}

/// Who reads an old file learns so from the bundle, and not from an error.
#[test]
fn a_bundle_that_does_not_hold_now_is_no_file() {
    for (from, to) in [(-59, -1), (1, 20)] {
        let bundle = bundle(&ALICE, SUITE, from, to);
        let read = keyfile::bundle_from_pem(&keyfile::bundle_to_pem(&bundle)).unwrap();
        assert!(read == bundle && !read.is_valid(NOW));
    }
}

#[test]
fn a_file_of_something_else_or_of_more_is_a_bundle() {
    let pem = keyfile::bundle_to_pem(&bundle(&ALICE, SUITE, -1, 40));
    let (secret, public) = (keyfile::to_pem(&ALICE).unwrap(), keyfile::public_to_pem(&ALICE.public()));
    let statement = pem.replace("BUNDLE", "STATEMENT");
    for (text, label) in [(&*secret, "PRIVATE KEY"), (&public, "PUBLIC KEY"), (&statement, "TWINLOCK STATEMENT")] {
        let error = refused(text);
        assert!(matches!(&error, KeyFileError::WrongLabel { found, wanted: "TWINLOCK BUNDLE" } if found == label));
        assert!(error.to_string().contains("the file with the bundle is needed"), "{error}");
    }
    let error = keyfile::public_from_pem(&pem).unwrap_err().to_string();
    assert_eq!(error, "this is a bundle, by which acquaintances open; the file with the public key is needed here");
    assert!(matches!(keyfile::from_pem(&pem, None), Err(KeyFileError::WrongLabel { .. })));
    assert!(matches!(keyfile::statement_from_pem(&pem), Err(KeyFileError::WrongLabel { .. })));
    for more in [&pem, &public] {
        assert!(matches!(refused(&format!("{pem}{more}")), KeyFileError::SeveralObjects));
    }
    assert!(matches!(refused(&format!("{pem}more")), KeyFileError::TextAround));
    assert!(matches!(refused(&format!("From: Bob\n{pem}")), KeyFileError::TextAround));
    assert!(matches!(refused(""), KeyFileError::NotPem));
    assert!(matches!(refused(&pem[..pem.len() / 2]), KeyFileError::DamagedPem));
}

#[test]
fn a_bundle_is_read_unverified_or_with_bytes_left_over() {
    let good = bundle(&ALICE, SUITE, -1, 40).as_bytes().to_vec();
    let why = |bytes: &[u8]| match refused(&armored(bytes)) {
        KeyFileError::InvalidBundle(why) => why,
        other => panic!("{other:?}"),
    };
    for wrong in [&[&good[..], &[0]].concat(), &good[..good.len() - 1], &good[..2]] {
        assert_eq!(why(wrong), Error::Malformed);
    }
    // The not-after, a second later: nobody signed that.
    let mut later = good.clone();
    later[good.len() - SUITE.signature().signature_len() - 1] ^= 1;
    assert_eq!(why(&later), Error::Authentication);
    // What is as long as a bundle of another suite.
    let mut longer = good.clone();
    longer.resize(9_103, 0);
    assert_eq!(why(&longer), Error::Malformed);
    let mut other = good.clone();
    other[..2].copy_from_slice(&OTHER.id().to_be_bytes());
    assert_eq!(why(&other), Error::Authentication);
    other[..2].copy_from_slice(&[0x7d, 3]);
    assert_eq!(why(&other), Error::UnknownSuite { id: 0x7d03 });
}

#[cfg(feature = "level5")]
#[test]
fn a_bundle_of_level_5_has_the_length_of_another_suites() {
    use twinlock::identity::SignatureAlgorithm;
    use twinlock::{Bundle, Identity, Suite};
    let owner = Identity::generate_for(SignatureAlgorithm::MlDsa87P384).unwrap();
    let good = bundle(&owner, Suite::Level5Aes, -1, 40);
    let pem = keyfile::bundle_to_pem(&good);
    assert_eq!((pem.len(), keyfile::bundle_from_pem(&pem).unwrap().as_bytes()), (12_392, good.as_bytes()));
    for id in [1, 3] {
        let mut bytes = good.as_bytes().to_vec();
        bytes[..2].copy_from_slice(&[0, id]);
        assert!(matches!(refused(&armored(&bytes)), KeyFileError::InvalidBundle(Error::Malformed)));
        assert!(Bundle::from_bytes(&bytes).is_err());
    }
}

/// Each says what to do, and its cause is the protocol's own error.
#[test]
fn an_error_of_a_bundles_file_says_nothing() {
    for (why, words) in [
        (Error::UnknownSuite { id: 2 }, ["suite 0x0002", "not in this build", "ask its owner"]),
        (Error::Authentication, ["changed or forged", "its owner's", "ask its owner"]),
        (Error::Malformed, ["damaged", "take a copy that is whole", "ask its owner"]),
    ] {
        let error = KeyFileError::InvalidBundle(why);
        let shown = error.to_string();
        assert!(words.iter().all(|word| shown.contains(word)), "{shown}");
        assert_eq!(error.source().and_then(|cause| cause.downcast_ref::<Error>()), Some(&why));
    }
}

#[test]
fn a_bundles_file_without_end_is_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("bundle");
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(keyfile::load_bundle(&path), Err(KeyFileError::TooLarge)));
    assert!(matches!(keyfile::load_bundle(folder.path().join("none")), Err(KeyFileError::Io { .. })));
}
