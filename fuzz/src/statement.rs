//! Statements from anybody, as bytes and as PEM (docs/protocol.md, section 4.4).
//!
//! A statement that is read is one that was made here: nothing else has good signatures. It is read whole: its length is the sum of its fields. Its bytes before the first
//! signature are those that its maker would sign.

use crate::input::Input;
use crate::keyfile::scratch;
use crate::pem;
use crate::people::{OF_EACH, identities};
use crate::rng::Coins;
use crate::statements::statement;
use std::fs;
use twinlock::Identity;
use twinlock::identity::{SignatureAlgorithm, Statement, StatementError, StatementKind, StatementSigned, StatementToSign};
use twinlock::keyfile::{self, KeyFileError, statement_from_pem, statement_to_pem};

/// As bytes.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (bytes, good) = bytes(&mut input);
    check(&bytes, good, Statement::from_bytes(&bytes));
    if input.byte() == 1 {
        make(&mut input);
    }
}

/// As PEM.
pub fn run_pem(data: &[u8]) {
    let mut input = Input::new(data);
    let (bytes, good) = bytes(&mut input);
    let (text, form) = pem::text("TWINLOCK STATEMENT", &bytes, &mut input);
    match statement_from_pem(&text) {
        Err(error @ KeyFileError::InvalidStatement(_)) => {
            assert!(form != pem::Form::Refused && !(good && form == pem::Form::Good), "{error}");
        }
        Err(error) => assert!(form != pem::Form::Good && !error.to_string().is_empty(), "{error}"),
        Ok(read) => {
            assert!(form != pem::Form::Refused, "read, where the PEM is none");
            check(read.as_bytes(), good && read.as_bytes() == bytes, Ok(read.clone()));
            assert!(pem::is(&text, "TWINLOCK STATEMENT", &bytes), "read, where other PEM stands");
            let written = statement_to_pem(&read);
            assert_eq!(statement_from_pem(&written).expect("what was written"), read);
            by_file(&read, &written, &mut input);
            assert!(written.lines().all(|line| line.len() <= 64));
        }
    }
}

/// Over a file on some runs.
fn by_file(read: &Statement, written: &str, input: &mut Input) {
    if input.byte() % 16 != 0 {
        return;
    }
    let path = scratch("statement");
    let _ = fs::remove_file(&path);
    keyfile::save_statement(&path, read).expect("a new file");
    assert!(matches!(keyfile::save_statement(&path, read), Err(KeyFileError::Exists { .. })), "a file was overwritten");
    assert!(fs::read_to_string(&path).is_ok_and(|text| text == written));
    assert_eq!(&keyfile::load_statement(&path).expect("what was written"), read);
    let _ = fs::remove_file(&path);
}

/// A statement or what is like one, and whether it is good.
fn bytes(input: &mut Input) -> (Vec<u8>, bool) {
    let (kind, old, new) = (1 + input.byte() % 3, input.below(2 * OF_EACH), input.below(2 * OF_EACH));
    let Some(made) = statement(kind, old, new) else { return (input.rest().to_vec(), false) };
    let mut bytes = made.as_bytes().to_vec();
    let algorithms = [Some(made.old()), made.new()].map(|identity| identity.map(|identity| identity.algorithm()));
    match input.byte() {
        1 => bytes[0] = input.byte() % 5,
        2 => bytes.extend_from_slice(input.some()),
        3 => drop(bytes.pop()),
        _ => input.change(&mut bytes, &borders(&algorithms)),
    }
    let good = bytes == made.as_bytes();
    (bytes, good)
}

fn borders(algorithms: &[Option<SignatureAlgorithm>; 2]) -> Vec<usize> {
    let there = || algorithms.iter().flatten();
    let keys = there().flat_map(|one| [2, one.public_key_len()]);
    let signatures = there().map(|one| one.signature_len());
    let fields = [1, 8].into_iter().chain(keys).chain(signatures);
    [0].into_iter().chain(fields.scan(0, |at, field| Some(std::mem::replace(at, *at + field) + field))).collect()
}

fn check(bytes: &[u8], good: bool, read: Result<Statement, StatementError>) {
    match read {
        Err(error) => {
            assert!(!good, "a good statement was refused: {error}");
            check_error(error, bytes);
        }
        Ok(read) => {
            assert!(good, "a statement was read that nobody made");
            let algorithms = [Some(read.old()), read.new()].map(|identity| identity.map(|identity| identity.algorithm()));
            assert_eq!(borders(&algorithms).last(), Some(&bytes.len()), "bytes are missing or left over");
            let unsigned = StatementToSign::of(&read).expect("what was read");
            assert!(bytes.starts_with(unsigned.to_sign().message()) && read.as_bytes() == bytes);
            put_together(unsigned, &read, bytes);
        }
    }
}

/// Section 4.4 as far as it goes without arithmetic: the whole shape, and then the signatures. None where a key was changed, which may be none then.
fn expected(bytes: &[u8]) -> Option<StatementError> {
    let Some((kind, rest)) = bytes.split_first() else { return Some(StatementError::Malformed) };
    if !(1..=3).contains(kind) {
        return Some(StatementError::UnknownKind { kind: *kind });
    }
    let mut keys = Vec::new();
    let mut rest = rest.get(8..).unwrap_or_default();
    for _ in 0..if *kind == 3 { 1 } else { 2 } {
        let Some((id, after)) = rest.split_first_chunk() else { return Some(StatementError::Malformed) };
        let id = u16::from_be_bytes(*id);
        let Some(algorithm) = SignatureAlgorithm::from_id(id) else { return Some(StatementError::UnknownAlgorithm { id }) };
        let Some((key, after)) = after.split_at_checked(algorithm.public_key_len()) else { return Some(StatementError::Malformed) };
        identities().iter().find(|one| one.public().as_bytes() == key)?;
        keys.push((algorithm, key));
        rest = after;
    }
    let signatures: usize = keys.iter().map(|(algorithm, _)| algorithm.signature_len()).sum();
    Some(match keys[..] {
        [old, new] if old == new => StatementError::SameIdentity,
        [old, new] if *kind == 1 && old.0 == new.0 => StatementError::SameAlgorithm,
        _ if rest.len() != signatures => StatementError::Malformed,
        _ => StatementError::NotAuthentic,
    })
}

fn check_error(error: StatementError, bytes: &[u8]) {
    match expected(bytes) {
        Some(expected) => assert_eq!(error, expected),
        None => assert!(
            matches!(
                error,
                StatementError::Malformed
                    | StatementError::UnknownAlgorithm { .. }
                    | StatementError::SameAlgorithm
                    | StatementError::NotAuthentic
            ),
            "{error:?}"
        ),
    }
    assert!(!error.to_string().is_empty());
}

/// The signatures, put to what they sign, give the statement again.
fn put_together(draft: StatementToSign, read: &Statement, bytes: &[u8]) {
    let signatures = &bytes[draft.to_sign().message().len()..];
    let (by_old, by_new) = signatures.split_at(read.old().algorithm().signature_len());
    assert!(format!("{}", read.kind()).len() > 3 && draft.signer() == read.old());
    let whole = match draft.signed(by_old).expect("a good signature") {
        StatementSigned::Half(draft) => draft.signed(by_new).expect("a good signature"),
        whole => whole,
    };
    assert!(matches!(whole, StatementSigned::Whole(whole) if whole == *read));
}

/// Who is not here cannot sign, and a broken generator makes nothing.
fn make(input: &mut Input) {
    let [here, other] = [0, 1].map(|_| &identities()[input.below(2 * OF_EACH)]);
    let (elsewhere, dry) = (Identity::elsewhere(here.public()), &mut Coins::new(Vec::new()));
    let made = [Statement::instead_with_rng(&elsewhere, other, 0, dry), Statement::instead_with_rng(here, other, 0, dry)];
    let expected = if here.public() == other.public() {
        [StatementError::SameIdentity; 2]
    } else {
        [StatementError::SignerElsewhere, StatementError::Randomness]
    };
    assert_eq!(made.map(|made| made.expect_err("nobody signed").to_string()), expected.map(|error| error.to_string()));
}

trait Unsigned: Sized {
    fn of(statement: &Statement) -> Result<Self, StatementError>;
}

impl Unsigned for StatementToSign {
    fn of(statement: &Statement) -> Result<Self, StatementError> {
        let (old, time) = (statement.old(), statement.time());
        match (statement.kind(), statement.new()) {
            (StatementKind::Beside, Some(new)) => Self::beside(old, new, time),
            (StatementKind::Instead, Some(new)) => Self::instead(old, new, time),
            (StatementKind::Revoked, None) => Self::revoked(old, time),
            (kind, _) => panic!("{kind} with or without a new identity"),
        }
    }
}
