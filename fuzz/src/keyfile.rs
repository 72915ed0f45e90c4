//! Key files from anybody (docs/protocol.md, section 4.3): secret ones, encrypted or not, and public ones.
//!
//! DER has one encoding, so what is read must be, byte for byte, what is written for the key that came out; and what is written must be read. What a passphrase costs is
//! looked at before it is spent.

use crate::input::Input;
use crate::pem::{self, Form};
use crate::people::{OF_EACH, identities};
use pkcs8::der::Decode;
use pkcs8::pkcs5::{pbes2, scrypt};
use pkcs8::{EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef};
use std::fs;
use std::path::PathBuf;
use twinlock::Identity;
use twinlock::keyfile::{self, KeyFileError};

/// N · r · p that this target is patient enough for.
const PATIENCE: u64 = 1 << 11;
/// What the specification lets a reader spend.
const MOST: u64 = 1 << 23;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let identity = &identities()[input.below(2 * OF_EACH)];
    match input.byte() % 3 {
        0 => secret(identity, &mut input),
        1 => encrypted(identity, &mut input),
        _ => public(identity, &mut input),
    }
}

/// `30 .. 02 01 00 30 .. 06 08 2B 06 01 05 05 07 06 30|31 04 .. secret`.
fn secret_der(identity: &Identity) -> Vec<u8> {
    let secret = identity.secret_bytes().expect("here");
    let head = [0x30, secret.len() as u8 + 17, 2, 1, 0, 0x30, 10];
    [&head, oid(identity).as_slice(), &[4, secret.len() as u8], secret].concat()
}

fn oid(identity: &Identity) -> [u8; 10] {
    [6, 8, 0x2B, 6, 1, 5, 5, 7, 6, 0x2F + identity.public().algorithm().id() as u8]
}

/// `30 82 .. 30 0A oid 03 82 .. 00 key`.
fn public_der(identity: &Identity) -> Vec<u8> {
    let public = identity.public();
    let bits = public.as_bytes().len() as u16 + 1;
    let head = [&[0x30, 0x82], (bits + 16).to_be_bytes().as_slice(), &[0x30, 10]].concat();
    [&head, oid(identity).as_slice(), &[3, 0x82], &bits.to_be_bytes(), &[0], public.as_bytes()].concat()
}

fn secret(identity: &Identity, input: &mut Input) {
    let mut der = secret_der(identity);
    extend(&mut der, input);
    input.change(&mut der, &[0, 2, 5, 7, 15, 17, 19, 51, 83]);
    let good = der == secret_der(identity);
    let (text, form) = pem::text("PRIVATE KEY", &der, input);
    assert!(!keyfile::is_encrypted(&text) || form == Form::Changed);
    match by_file_or_not(&text, None, input) {
        Ok(read) => {
            assert!(form != Form::Refused && pem::is(&text, "PRIVATE KEY", &secret_der(&read)), "something else was read as a key");
            let written = keyfile::to_pem(&read).expect("a key that is here");
            assert!(pem::is(&written, "PRIVATE KEY", &secret_der(&read)));
        }
        Err(error) => {
            assert!(!(good && form == Form::Good), "a good file was refused: {error}");
            check_text(&error);
        }
    }
}

/// Attributes, a public key, the other version: what the format allows elsewhere.
fn extend(der: &mut Vec<u8>, input: &mut Input) {
    let more: &[u8] = match input.byte() {
        1 => &[0xA0, 0],
        2 => &[0xA0, 2, 0x30, 0],
        3 => &[0x81, 2, 0, 1],
        4 => &[5, 0],
        _ => return,
    };
    der.extend_from_slice(more);
    der[1] += more.len() as u8;
    if input.flag() {
        der[4] = 1;
    }
}

/// Over a file on some runs: it is read only if it is its owner's alone.
fn by_file_or_not(text: &str, passphrase: Option<&str>, input: &mut Input) -> Result<Identity, KeyFileError> {
    if input.byte() != 1 {
        return keyfile::from_pem(text, passphrase);
    }
    let path = scratch("key");
    let _ = fs::remove_file(&path);
    let mut options = fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
    let mut file = options.open(&path).expect("a folder for scratch files");
    std::io::Write::write_all(&mut file, text.as_bytes()).expect("room");
    let read = keyfile::load(&path, passphrase);
    assert_eq!(read.as_ref().map(Identity::fingerprint).ok(), keyfile::from_pem(text, passphrase).map(|read| read.fingerprint()).ok());
    if let Ok(identity) = &read {
        assert!(matches!(keyfile::save(&path, identity, None), Err(KeyFileError::Exists { .. })), "a key file was overwritten");
        keyfile::change_passphrase(&path, passphrase, None).expect("a good file");
        assert_eq!(keyfile::load(&path, None).expect("a good file").fingerprint(), identity.fingerprint());
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).expect("its owner");
        assert!(matches!(keyfile::load(&path, None), Err(KeyFileError::PermissionsTooOpen { .. })));
    }
    let _ = fs::remove_file(&path);
    read
}

/// A file of this process, in memory where the system has such a place.
pub fn scratch(name: &str) -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("twinlock-fuzz-{}-{name}", std::process::id()))
}

fn check_text(error: &KeyFileError) {
    let text = error.to_string();
    assert!(!text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
}

fn encrypted(identity: &Identity, input: &mut Input) {
    let ((der, costs_changed), passphrase) = (encrypted_der(identity, input), *input.pick(&[Some("correct"), Some("wrong"), None]));
    let mut changed = der.clone();
    input.change(&mut changed, &[0, 4, 8, 17, 19, 21, 34, 36, 52, 58, 80, 90, 100, der.len() - 16, der.len()]);
    let (text, form) = pem::text("ENCRYPTED PRIVATE KEY", &changed, input);
    let spent = cost(&changed);
    let affordable = form != Form::Changed && spent.is_none_or(|cost| cost <= PATIENCE || cost > MOST);
    let passphrase = passphrase.filter(|_| affordable);
    let read = by_file_or_not(&text, passphrase, input);
    if spent.is_some_and(|cost| cost > MOST) && form == Form::Good {
        assert!(!matches!(read, Err(KeyFileError::PassphraseNeeded)) && read.is_err(), "more than may be spent");
    }
    assert!(keyfile::is_encrypted(&text) || !matches!(read, Err(KeyFileError::PassphraseNeeded)));
    let good = changed == der && !costs_changed && form == Form::Good;
    match (read, passphrase) {
        (Ok(read), Some("correct")) => assert!(form != Form::Refused && (changed != der || read.fingerprint() == identity.fingerprint())),
        // Once in 2^64 or more noise is a key.
        (Ok(_), Some(_)) => panic!("read with a wrong passphrase"),
        // One that is not encrypted needs none.
        (Ok(_), None) => panic!("read without a passphrase"),
        (Err(error), Some("correct")) => assert!(!good, "a good file was refused: {error}"),
        (Err(error), Some(_)) => assert!(!good || matches!(error, KeyFileError::WrongPassphrase | KeyFileError::ExtraFields), "{error}"),
        (Err(error), None) => assert!(!good || matches!(error, KeyFileError::PassphraseNeeded), "{error}"),
    }
}

/// And whether its costs were changed afterwards.
fn encrypted_der(identity: &Identity, input: &mut Input) -> (Vec<u8>, bool) {
    let (log_n, r, p) = (1 + input.byte() % 5, *input.pick(&[1, 2, 8]), *input.pick(&[1, 2]));
    let salt: Vec<u8> = (0..*input.pick(&[16u8, 8, 1])).collect();
    let plain = secret_der(identity);
    let info = PrivateKeyInfoRef::from_der(&plain).expect("section 4.3");
    let costs = scrypt::Params::new(log_n, r, p).expect("small costs");
    let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(costs, &salt, [7; 16]).expect("a short salt");
    let mut der = info.encrypt_with_params(parameters, "correct").expect("short").as_bytes().to_vec();
    // The costs stand after the salt, as integers of DER.
    let at = der.windows(3).position(|three| three == [2, 1, 1 << log_n]).unwrap_or_default();
    let changed = input.byte() % 16 == 1 && at > 0;
    if changed && input.flag() {
        grow(&mut der, at, input.byte());
    } else if changed {
        der[at + 2] = input.byte();
    }
    (der, changed)
}

/// Puts an integer of three bytes, 2^16 times `n`, in the place of one of one byte, and adds two to every length around it.
fn grow(der: &mut Vec<u8>, at: usize, n: u8) {
    let mut header = 0;
    while header < at {
        let (length, content) = match der[header + 1] {
            0x81 => (header + 2, header + 3),
            _ => (header + 1, header + 2),
        };
        let end = content + usize::from(der[length]);
        if (content..end).contains(&at) {
            der[length] += 2;
            header = content;
        } else {
            header = end;
        }
    }
    der.splice(at..at + 3, [2, 3, n & 0x7F, 0, 0]);
}

/// N · r · p, where there is scrypt.
fn cost(der: &[u8]) -> Option<u64> {
    let info = EncryptedPrivateKeyInfoRef::from_der(der).ok()?;
    let scrypt = info.encryption_algorithm.pbes2()?.kdf.scrypt()?;
    let [r, p] = [scrypt.block_size, scrypt.parallelization].map(u64::from);
    scrypt.cost_parameter.checked_mul(r * p).or(Some(u64::MAX))
}

fn public(identity: &Identity, input: &mut Input) {
    let mut der = public_der(identity);
    let end = der.len();
    input.change(&mut der, &[0, 4, 6, 14, 16, 20, 21, end - 97, end - 32, end]);
    let good = der == public_der(identity);
    let (text, form) = pem::text("PUBLIC KEY", &der, input);
    match keyfile::public_from_pem(&text) {
        Ok(read) => {
            let again = Identity::elsewhere(read.clone());
            assert!(form != Form::Refused && pem::is(&text, "PUBLIC KEY", &public_der(&again)), "something else was read as a key");
            assert!(pem::is(&keyfile::public_to_pem(&read), "PUBLIC KEY", &public_der(&again)));
            assert!(matches!(keyfile::to_pem(&again), Err(KeyFileError::SecretElsewhere)));
            if input.byte() == 1 {
                let path = scratch("public");
                let _ = fs::remove_file(&path);
                keyfile::save_public(&path, &read).expect("a new file");
                assert_eq!(keyfile::load_public(&path).expect("what was written"), read);
                let _ = fs::remove_file(&path);
            }
        }
        Err(error) => {
            assert!(!(good && form == Form::Good), "a good file was refused: {error}");
            check_text(&error);
        }
    }
}
