//! Statements of succession and revocation: what their bytes are, and that nothing but their makers' signatures makes one.
#![cfg(feature = "std")]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::as_conversions)]

mod support;

use std::fs;
use std::ops::Range;
use std::sync::OnceLock;
use support::rng::Seeded;
use tempfile::tempdir;
use twinlock::identity::{Identity, SignatureAlgorithm, Statement, StatementError, StatementKind, StatementSigned, StatementToSign};
use twinlock::keyfile::{self, KeyFileError};

const NOW: u64 = 1_767_312_000;
const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::MlDsa65Ed25519;
/// Where the parts of a statement between two identities of this kind stand.
const KIND: usize = 0;
const TIME: Range<usize> = 1..9;
const OLD_ID: Range<usize> = 9..11;
const OLD_KEY: Range<usize> = 11..1_995;
const NEW_ID: Range<usize> = 1_995..1_997;
const NEW_KEY: Range<usize> = 1_997..3_981;
const BY_OLD: Range<usize> = 3_981..7_354;
const BY_NEW: Range<usize> = 7_354..10_727;

fn identity(number: usize) -> &'static Identity {
    static PLACES: OnceLock<Vec<Identity>> = OnceLock::new();
    let make = |seed| Identity::generate_with_rng(ALGORITHM, &mut Seeded::new(seed)).unwrap();
    &PLACES.get_or_init(|| (1..5).map(make).collect())[number]
}

fn instead(old: usize, new: usize, time: u64, seed: u64) -> Statement {
    Statement::instead_with_rng(identity(old), identity(new), time, &mut Seeded::new(seed)).unwrap()
}

fn revoked(number: usize) -> Statement {
    Statement::revoked_with_rng(identity(number), NOW, &mut Seeded::new(9)).unwrap()
}

fn refused(bytes: &[u8]) -> StatementError {
    Statement::from_bytes(bytes).expect_err("it was taken for a statement")
}

/// The bytes with those of another at these places.
fn spliced(statement: &Statement, other: &Statement, places: &[Range<usize>]) -> Vec<u8> {
    let mut bytes = statement.as_bytes().to_vec();
    for place in places {
        bytes[place.clone()].copy_from_slice(&other.as_bytes()[place.clone()]);
    }
    bytes
}

fn whole(signed: StatementSigned) -> Statement {
    match signed {
        StatementSigned::Whole(statement) => statement,
        StatementSigned::Half(_) => panic!("a signature is missing"),
    }
}

fn half(signed: StatementSigned) -> StatementToSign {
    match signed {
        StatementSigned::Half(draft) => draft,
        StatementSigned::Whole(_) => panic!("a signature is missing, and it is whole"),
    }
}

// What the bytes are.

#[test]
fn the_fields_stand_elsewhere() {
    let statement = instead(0, 1, 0x0102_0304_0506_0708, 1);
    let bytes = statement.as_bytes();
    assert_eq!(bytes.len(), 10_727);
    assert_eq!(bytes[..9], [2, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!((&bytes[OLD_ID], &bytes[NEW_ID]), ([0, 1].as_slice(), [0, 1].as_slice()));
    assert_eq!(&bytes[OLD_KEY], identity(0).public().as_bytes());
    assert_eq!(&bytes[NEW_KEY], identity(1).public().as_bytes());
    assert_eq!((statement.kind(), statement.time()), (StatementKind::Instead, 0x0102_0304_0506_0708));
    assert_eq!((statement.old(), statement.new()), (&identity(0).public(), Some(&identity(1).public())));
    assert_eq!(Statement::from_bytes(bytes), Ok(statement));

    let statement = revoked(0);
    let bytes = statement.as_bytes();
    assert_eq!((bytes.len(), bytes[KIND]), (5_368, 3));
    assert_eq!(&bytes[OLD_KEY], identity(0).public().as_bytes());
    assert_eq!((statement.kind(), statement.old(), statement.new()), (StatementKind::Revoked, &identity(0).public(), None));
    assert_eq!(Statement::from_bytes(bytes), Ok(statement));
}

#[test]
fn the_signatures_cover_less_or_have_other_contexts() {
    let draft = StatementToSign::instead(&identity(0).public(), &identity(1).public(), NOW).unwrap();
    let made = instead(0, 1, NOW, 1);
    assert_eq!(draft.signer(), &identity(0).public());
    assert_eq!(draft.to_sign().context(), b"twinlock1 succession old");
    assert_eq!(draft.to_sign().message(), &made.as_bytes()[..BY_OLD.start]);
    let draft = half(draft.signed(&made.as_bytes()[BY_OLD]).unwrap());
    assert_eq!(draft.signer(), &identity(1).public());
    assert_eq!(draft.to_sign().context(), b"twinlock1 succession new");
    assert_eq!(draft.to_sign().message(), &made.as_bytes()[..BY_NEW.start]);
    assert_eq!(whole(draft.signed(&made.as_bytes()[BY_NEW]).unwrap()), made);

    let draft = StatementToSign::revoked(&identity(0).public(), NOW).unwrap();
    assert_eq!(draft.to_sign().context(), b"twinlock1 succession old");
    assert_eq!(draft.to_sign().message(), &revoked(0).as_bytes()[..1_995]);
    assert_eq!(whole(draft.signed(&revoked(0).as_bytes()[1_995..]).unwrap()), revoked(0));
}

/// A fault in one of two signatures over the same bytes would give the key away.
#[test]
fn signing_the_same_thing_twice_gives_the_same_bytes() {
    let [one, other] = [0, 1].map(|_| Statement::instead(identity(0), identity(1), NOW).unwrap());
    assert_eq!(one.as_bytes()[..BY_OLD.start], other.as_bytes()[..BY_OLD.start]);
    assert_ne!(one.as_bytes()[BY_OLD], other.as_bytes()[BY_OLD]);
    let [one, other] = [0, 1].map(|_| Statement::revoked(identity(0), NOW).unwrap());
    assert_ne!(one, other);
}

#[test]
fn a_failing_generator_gives_a_statement() {
    for draw in 0..2 {
        let made = Statement::instead_with_rng(identity(0), identity(1), NOW, &mut Seeded::failing_at(1, draw));
        assert_eq!(made, Err(StatementError::Randomness));
    }
    assert_eq!(Statement::revoked_with_rng(identity(0), NOW, &mut Seeded::failing_at(1, 0)), Err(StatementError::Randomness));
    let mut rng = Seeded::new(1);
    Statement::instead_with_rng(identity(0), identity(1), NOW, &mut rng).unwrap();
    assert_eq!(rng.draws(), 2);
}

#[test]
fn an_identity_whose_key_is_elsewhere_signs_or_cannot_be_signed_for() {
    let elsewhere = Identity::elsewhere(identity(0).public());
    for made in [
        Statement::instead(&elsewhere, identity(1), NOW),
        Statement::instead(identity(1), &elsewhere, NOW),
        Statement::revoked(&elsewhere, NOW),
    ] {
        assert_eq!(made, Err(StatementError::SignerElsewhere));
    }
    let draft = StatementToSign::revoked(&elsewhere.public(), NOW).unwrap();
    let signature = identity(0).sign_for_handshake(draft.to_sign()).unwrap();
    assert_eq!(whole(draft.signed(&signature).unwrap()).kind(), StatementKind::Revoked);
}

#[test]
fn a_signature_from_elsewhere_is_believed() {
    let draft = || StatementToSign::instead(&identity(0).public(), &identity(1).public(), NOW).unwrap();
    let sign = |number, draft: &StatementToSign| identity(number).sign_for_handshake(draft.to_sign()).unwrap();
    let by_new = sign(1, &draft());
    let mut damaged = sign(0, &draft());
    damaged[3_000] ^= 1;
    for wrong in [by_new.as_slice(), &damaged, &damaged[1..], &[]] {
        assert!(draft().signed(wrong).is_err_and(|error| error == StatementError::NotAuthentic));
    }
    let by_old = sign(0, &draft());
    let second = half(draft().signed(&by_old).unwrap());
    let by_old_again = sign(0, &second);
    for wrong in [by_old, by_new, by_old_again] {
        let second = half(draft().signed(&sign(0, &draft())).unwrap());
        assert!(second.signed(&wrong).is_err_and(|error| error == StatementError::NotAuthentic));
    }
}

// What is no statement.

#[test]
fn a_changed_byte_is_passed_over() {
    for statement in [instead(0, 1, NOW, 1), revoked(2)] {
        let mut bytes = statement.as_bytes().to_vec();
        for at in 0..bytes.len() {
            bytes[at] ^= 1 << (at % 8);
            refused(&bytes);
            bytes[at] ^= 1 << (at % 8);
        }
        assert_eq!(Statement::from_bytes(&bytes), Ok(statement));
    }
}

#[test]
fn half_a_statement_is_enough() {
    for statement in [instead(0, 1, NOW, 1), revoked(0)] {
        let bytes = statement.as_bytes();
        for len in 0..bytes.len() {
            assert_eq!(refused(&bytes[..len]), StatementError::Malformed, "{len}");
        }
        for more in [&[0][..], &[0; 3_373], bytes] {
            assert_eq!(refused(&[bytes, more].concat()), StatementError::Malformed);
        }
    }
}

#[test]
fn a_part_of_one_statement_is_good_in_another() {
    let statement = instead(0, 1, NOW, 1);
    let (again, later, to_another, by_another) =
        (instead(0, 1, NOW, 2), instead(0, 1, NOW + 1, 3), instead(0, 2, NOW, 4), instead(2, 1, NOW, 5));
    for (other, places) in [
        // The new one's signature covers the old one's, not another of the same over the same.
        (&again, vec![BY_OLD]),
        (&again, vec![BY_NEW]),
        (&later, vec![TIME]),
        (&later, vec![BY_OLD]),
        (&later, vec![BY_NEW]),
        (&later, vec![BY_OLD, BY_NEW]),
        (&to_another, vec![NEW_KEY]),
        (&to_another, vec![NEW_KEY, BY_NEW]),
        (&to_another, vec![BY_OLD]),
        (&by_another, vec![OLD_KEY]),
        (&by_another, vec![OLD_KEY, BY_OLD]),
        (&by_another, vec![BY_NEW]),
    ] {
        assert_eq!(refused(&spliced(&statement, other, &places)), StatementError::NotAuthentic, "{places:?}");
    }
}

#[test]
fn the_signatures_stand_in_the_other_order() {
    let bytes = instead(0, 1, NOW, 1).as_bytes().to_vec();
    let swapped = [&bytes[..BY_OLD.start], &bytes[BY_NEW], &bytes[BY_OLD]].concat();
    assert_eq!(refused(&swapped), StatementError::NotAuthentic);
    let both_keys =
        [&bytes[..OLD_ID.start], &bytes[NEW_ID], &bytes[NEW_KEY], &bytes[OLD_ID], &bytes[OLD_KEY], &bytes[BY_NEW], &bytes[BY_OLD]];
    assert_eq!(refused(&both_keys.concat()), StatementError::NotAuthentic);
}

/// Who may say that an old key retires does not say by that that it is revoked, or the other way round.
#[test]
fn one_kind_is_good_as_another() {
    let (succession, revocation) = (instead(0, 1, NOW, 1), revoked(0));
    let mut bytes = succession.as_bytes().to_vec();
    bytes[KIND] = 1;
    assert_eq!(refused(&bytes), StatementError::SameAlgorithm);
    bytes[KIND] = 3;
    assert_eq!(refused(&bytes), StatementError::Malformed);
    // The old one's part of a succession, as a revocation; and a revocation, as the old one's part.
    let as_revocation = [&[3], &bytes[1..NEW_ID.start], &bytes[BY_OLD]].concat();
    assert_eq!(refused(&as_revocation), StatementError::NotAuthentic);
    let by_old = &revocation.as_bytes()[NEW_ID.start..];
    let as_succession = [&[2], &bytes[1..BY_OLD.start], by_old, &bytes[BY_NEW]].concat();
    assert_eq!(refused(&as_succession), StatementError::NotAuthentic);
    for kind in [0, 4, 7, 255] {
        bytes[KIND] = kind;
        assert_eq!(refused(&bytes), StatementError::UnknownKind { kind });
    }
    assert!(StatementError::UnknownKind { kind: 4 }.to_string().contains("newer"));
}

#[test]
fn an_identity_stands_for_itself() {
    let same = identity(0);
    assert_eq!(Statement::instead(same, same, NOW), Err(StatementError::SameIdentity));
    assert_eq!(Statement::beside(same, same, NOW), Err(StatementError::SameIdentity));
    let bytes = instead(0, 1, NOW, 1).as_bytes().to_vec();
    let twice = [&bytes[..NEW_KEY.start], &bytes[OLD_KEY], &bytes[BY_OLD.start..]].concat();
    assert_eq!(refused(&twice), StatementError::SameIdentity);
}

#[test]
fn an_identity_stands_beside_one_of_its_own_algorithm() {
    assert_eq!(Statement::beside(identity(0), identity(1), NOW), Err(StatementError::SameAlgorithm));
    assert!(StatementToSign::beside(&identity(0).public(), &identity(1).public(), NOW).is_err());
}

#[test]
fn an_algorithm_that_the_build_lacks_is_taken_for_damage() {
    let bytes = instead(0, 1, NOW, 1).as_bytes().to_vec();
    let lacking = (0..=0x100).filter(|id| SignatureAlgorithm::from_id(*id).is_none());
    for (id, place) in lacking.flat_map(|id| [(id, OLD_ID), (id, NEW_ID)]) {
        let mut bytes = bytes.clone();
        bytes[place].copy_from_slice(&id.to_be_bytes());
        assert_eq!(refused(&bytes), StatementError::UnknownAlgorithm { id });
    }
    let text = StatementError::UnknownAlgorithm { id: 2 }.to_string();
    assert!(text.contains("built without: MLDSA87-ECDSA-P384-SHA512 (0x0002)"), "{text}");
}

#[test]
fn a_key_that_is_none_is_named() {
    let mut bytes = instead(0, 1, NOW, 1).as_bytes().to_vec();
    // The classical half of the new key: a point of small order.
    bytes[NEW_KEY.end - 32..NEW_KEY.end].copy_from_slice(&[0; 32]);
    assert_eq!(refused(&bytes), StatementError::Malformed);
}

#[cfg(feature = "level5")]
#[test]
fn two_algorithms_cannot_stand_beside_each_other() {
    let other = Identity::generate_for(SignatureAlgorithm::MlDsa87P384).unwrap();
    let one = identity(0);
    for (old, new, lens) in [(one, &other, (1_984, 2_689)), (&other, one, (2_689, 1_984))] {
        let statement = Statement::beside(old, new, NOW).unwrap();
        let bytes = statement.as_bytes();
        assert_eq!((bytes.len(), bytes[KIND]), (10_727 + 2_063, 1));
        assert_eq!(Statement::from_bytes(bytes), Ok(statement.clone()));
        let second = 11 + lens.0;
        assert_eq!(bytes[9..11], old.public().algorithm().id().to_be_bytes());
        assert_eq!(bytes[second..second + 2], new.public().algorithm().id().to_be_bytes());
        assert_eq!(&bytes[second + 2..second + 2 + lens.1], new.public().as_bytes());
        // What was said of standing beside is not said of standing for, and the other way round.
        let mut swapped = bytes.to_vec();
        swapped[KIND] = 2;
        assert_eq!(refused(&swapped), StatementError::NotAuthentic);
        let mut swapped = Statement::instead(old, new, NOW).unwrap().as_bytes().to_vec();
        swapped[KIND] = 1;
        assert_eq!(refused(&swapped), StatementError::NotAuthentic);
    }
}

#[cfg(feature = "round3")]
#[test]
fn round_3_has_no_way_out() {
    let old = Identity::generate_for(SignatureAlgorithm::Dilithium3Ed25519).unwrap();
    let statement = Statement::beside(&old, identity(0), NOW).unwrap();
    assert_eq!(statement.as_bytes().len(), 10_727 - 16);
    assert_eq!(Statement::from_bytes(statement.as_bytes()), Ok(statement));
    assert_eq!(Statement::revoked(&old, NOW).unwrap().old(), &old.public());
}

#[test]
fn what_is_shown_is_a_page_of_bytes() {
    let shown = format!("{:?}", instead(0, 1, NOW, 1));
    assert!(shown.contains(&identity(0).fingerprint().to_string()) && shown.contains("Instead") && shown.len() < 400, "{shown}");
}

// Files.

#[test]
fn a_statements_file_cannot_be_read() {
    let folder = tempdir().unwrap();
    for (number, statement) in [instead(0, 1, NOW, 1), revoked(0)].into_iter().enumerate() {
        let path = folder.path().join(number.to_string());
        keyfile::save_statement(&path, &statement).unwrap();
        assert_eq!(keyfile::load_statement(&path).unwrap(), statement);
        assert!(matches!(keyfile::save_statement(&path, &statement), Err(KeyFileError::Exists { .. })));
        let pem = fs::read_to_string(&path).unwrap();
        assert!(pem.starts_with("-----BEGIN TWINLOCK STATEMENT-----\n") && pem.ends_with("-----END TWINLOCK STATEMENT-----\n"));
        assert_eq!(keyfile::statement_to_pem(&statement), pem);
        for text in [pem.replace('\n', "\r\n"), pem.trim_end().to_owned(), format!("\n  {pem}\n"), pem.replace('\n', "\n\n")] {
            assert_eq!(keyfile::statement_from_pem(&text).unwrap(), statement);
        }
    }
}

#[test]
fn a_file_of_something_else_or_of_more_is_a_statement() {
    let refused = |text: &str| keyfile::statement_from_pem(text).expect_err(text);
    let pem = keyfile::statement_to_pem(&revoked(0));
    let (secret, public) = (keyfile::to_pem(identity(0)).unwrap(), keyfile::public_to_pem(&identity(0).public()));
    for (text, label) in [(&*secret, "PRIVATE KEY"), (&public, "PUBLIC KEY")] {
        let error = refused(text);
        assert!(matches!(&error, KeyFileError::WrongLabel { found, wanted: "TWINLOCK STATEMENT" } if found == label));
        assert!(error.to_string().contains("the file with the statement is needed"), "{error}");
    }
    let error = keyfile::public_from_pem(&pem).unwrap_err().to_string();
    assert_eq!(error, "this is an owner's statement about keys; the file with the public key is needed here");
    assert!(matches!(keyfile::from_pem(&pem, None), Err(KeyFileError::WrongLabel { .. })));
    assert!(matches!(refused(&format!("{pem}{pem}")), KeyFileError::SeveralObjects));
    assert!(matches!(refused(&format!("{pem}{public}")), KeyFileError::SeveralObjects));
    assert!(matches!(refused(&format!("{pem}more")), KeyFileError::TextAround));
    assert!(matches!(refused(&format!("From: Bob\n{pem}")), KeyFileError::TextAround));
    assert!(matches!(refused(""), KeyFileError::NotPem));
    assert!(matches!(refused(&pem[..pem.len() / 2]), KeyFileError::DamagedPem));
    let cut = pem.lines().enumerate().filter(|(number, _)| *number != 7).map(|(_, line)| format!("{line}\n")).collect::<String>();
    assert!(matches!(refused(&cut), KeyFileError::InvalidStatement(StatementError::Malformed)));
    let changed = pem.replacen(&pem[4_000..4_004], if &pem[4_000..4_004] == "AAAA" { "BBBB" } else { "AAAA" }, 1);
    assert!(matches!(refused(&changed), KeyFileError::InvalidStatement(_) | KeyFileError::DamagedPem));
}

#[test]
fn a_file_without_end_is_read() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("statement");
    fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(keyfile::load_statement(&path), Err(KeyFileError::TooLarge)));
    assert!(matches!(keyfile::load_statement(folder.path().join("none")), Err(KeyFileError::Io { .. })));
}
