//! Identities, statements, key files, and whom to believe.

use crate::scene::{peer, plain_identity, secret_identity};
use crate::taint::{Rng, arrived, bytes, is_tainted, secret, secret_bytes, verdict};
use pkcs8::pkcs5::{pbes2, scrypt};
use std::ops::Range;
use twinlock::handshake::Psk;
use twinlock::identity::{Peer, Statement};
use twinlock::trust::{KnownPeers, Met, Pinned, PinnedSet, Trust};
use twinlock::{Fingerprint, Identity, Suite, keyfile};

pub fn generate(suite: Suite) {
    let identity = verdict(Identity::generate_with_rng(suite.signature(), &mut Rng::tainted(30))).expect("this generator gives keys");
    arrived("public key", identity.public().as_bytes());
    arrived("secret key", identity.secret_bytes().expect("it is here"));
}

pub fn from_secret(suite: Suite) {
    let mut secret_key = plain_identity(suite, 31).secret_bytes().expect("it is here").to_vec();
    secret_halves(suite, &mut secret_key);
    let identity = verdict(Identity::from_secret_bytes(suite.signature(), &secret_key)).expect("it is one");
    arrived("public key", identity.public().as_bytes());
    arrived("secret key", identity.secret_bytes().expect("it is here"));
}

/// All of it but what is public in it, such as the constant parts of level 5's DER.
fn secret_halves(suite: Suite, key: &mut [u8]) {
    match suite.id() {
        0x0002 => {
            secret(&mut key[..32]);
            secret(&mut key[39..87]);
        }
        // Dilithium3's K, s1, s2 and t0, and Ed25519's seed; not its matrix' seed, its hash, and the public key.
        0x7E03 => {
            secret(&mut key[32..64]);
            secret(&mut key[96..4032]);
        }
        _ => secret(key),
    }
}

pub fn fingerprint(suite: Suite) {
    let identity = verdict(Identity::generate_with_rng(suite.signature(), &mut Rng::tainted(30))).expect("this generator gives keys");
    arrived("fingerprint", identity.fingerprint().as_bytes());
    arrived("fingerprint", identity.public().fingerprint().as_bytes());
}

pub fn psk(_: Suite) {
    let key = Psk::generate_with_rng(&mut Rng::tainted(32)).expect("a key");
    arrived("psk", key.expose());
    let mut place = secret_bytes(33);
    let key = Psk::take(&mut place);
    arrived("psk", key.expose());
    assert!(!is_tainted(&place), "the key was left where it stood");
}

// Statements.

pub fn statement_instead(suite: Suite) {
    let (old, new) = (secret_identity(suite, 34), secret_identity(suite, 35));
    let statement = verdict(Statement::instead_with_rng(&old, &new, 1, &mut Rng::tainted(36))).expect("a statement");
    arrived("statement", statement.as_bytes());
}

pub fn statement_revoked(suite: Suite) {
    let identity = secret_identity(suite, 34);
    let statement = verdict(Statement::revoked_with_rng(&identity, 1, &mut Rng::tainted(36))).expect("a statement");
    arrived("statement", statement.as_bytes());
}

/// Between two algorithms: in a build that has two.
pub fn statement_beside(suite: Suite) {
    let (old, new) = (secret_identity(Suite::default(), 34), secret_identity(suite, 35));
    let statement = verdict(Statement::beside_with_rng(&old, &new, 1, &mut Rng::tainted(36))).expect("a statement");
    arrived("statement", statement.as_bytes());
}

// Key files.

pub fn write(suite: Suite) {
    let pem = verdict(keyfile::to_pem(&secret_identity(suite, 37))).expect("a file");
    arrived("file", pem.as_bytes());
}

/// The text between the boundaries is undefined, its line feeds are not.
pub fn read(suite: Suite) {
    let mut pem = keyfile::to_pem(&plain_identity(suite, 37)).expect("a file").to_string();
    let last = pem.lines().count() - 1;
    let body: Vec<_> =
        pem.lines().enumerate().filter(|(number, _)| *number > 0 && *number < last).map(|(_, line)| range(&pem, line)).collect();
    body.into_iter().for_each(|line| secret_text(&mut pem, line));
    assert!(!verdict(keyfile::is_encrypted(&pem)));
    let identity = verdict(keyfile::from_pem(&pem, None)).expect("a key");
    arrived("secret key", identity.secret_bytes().expect("it is here"));
}

/// Where a part of a text stands in it.
fn range(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

fn secret_text(text: &mut str, part: Range<usize>) {
    // SAFETY: marking changes no byte.
    secret(unsafe { &mut text.as_bytes_mut()[part] });
}

const PASSPHRASE: &str = "correct horse battery staple";

fn passphrase(text: &str) -> String {
    let mut passphrase = text.to_owned();
    secret_text(&mut passphrase, 0..text.len());
    passphrase
}

/// A file that costs little: memcheck is some fifty times slower. The code is the same for every cost.
pub fn read_encrypted(suite: Suite) {
    let pem = keyfile::to_pem(&plain_identity(suite, 38)).expect("a file");
    let (_, der) = pkcs8::SecretDocument::from_pem(&pem).expect("it is one");
    let costs = scrypt::Params::new(4, 8, 1).expect("they are allowed");
    let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(costs, &bytes::<16>(1), bytes(2)).expect("they are allowed");
    let info = pkcs8::PrivateKeyInfoRef::try_from(der.as_bytes()).expect("it is one");
    let encrypted = info.encrypt_with_params(parameters, PASSPHRASE).expect("it encrypts");
    let pem = encrypted.to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF).expect("a file");
    let identity = verdict(keyfile::from_pem(&pem, Some(&passphrase(PASSPHRASE)))).expect("the passphrase is right");
    arrived("secret key", identity.secret_bytes().expect("it is here"));
    let wrong = verdict(keyfile::from_pem(&pem, Some(&passphrase("correct horse battery stable"))));
    assert!(wrong.is_err(), "a wrong passphrase opens the file");
}

/// At the cost that every file has which this library writes.
pub fn write_encrypted(suite: Suite) {
    let (identity, passphrase) = (secret_identity(suite, 39), passphrase(PASSPHRASE));
    let pem = verdict(keyfile::to_encrypted_pem_with_rng(&identity, &passphrase, &mut Rng::plain(3))).expect("a file");
    arrived("file", pem.as_bytes());
}

// Whom to believe: the fingerprints that this side expects or remembers are undefined, the peer and its fingerprint are the attacker's choice.

/// The peer's own, one that differs from it in its first byte, and one that differs in its last.
fn expectations(peer: &Peer) -> [Fingerprint; 3] {
    let own = *peer.fingerprint().expect("it has one").as_bytes();
    [(0, 0), (0, 1), (31, 1)].map(|(place, change)| {
        let mut print = own;
        print[place] ^= change;
        secret(&mut print);
        Fingerprint::from_bytes(print)
    })
}

pub fn pinned(suite: Suite) {
    let peer = peer(suite, 50);
    for (print, own) in expectations(&peer).into_iter().zip([true, false, false]) {
        let mut pinned = Pinned(print);
        let judged = verdict(std::hint::black_box(&mut pinned).judge(&peer));
        arrived("expectation", pinned.0.as_bytes());
        assert_eq!(judged.is_ok(), own);
    }
}

pub fn pinned_set(suite: Suite) {
    let peer = peer(suite, 50);
    let [own, first, last] = expectations(&peer);
    assert!(verdict(PinnedSet(vec![first, last, own]).judge(&peer)).is_ok());
    assert!(verdict(PinnedSet(vec![last, first]).judge(&peer)).is_err());
    arrived("expectation", own.as_bytes());
}

pub fn known_peers(suite: Suite) {
    let peer = peer(suite, 50);
    let [own, first, last] = expectations(&peer);
    let mut known = KnownPeers::in_memory().at(1);
    for (name, print) in [("Ann", first), ("Bob", last), ("Cid", own)] {
        verdict(known.add(name, print, suite, Met::Verified)).expect("there is place");
    }
    assert!(verdict(known.expect("Cid").judge(&peer)).is_ok());
    assert!(verdict(known.expect("Ann").judge(&peer)).is_err());
    assert!(verdict(known.anyone_known().judge(&peer)).is_ok());
    let found = verdict(known.by_fingerprint(peer.fingerprint().expect("it has one"))).expect("it is known");
    arrived("entry", found.fingerprint().as_bytes());
}
