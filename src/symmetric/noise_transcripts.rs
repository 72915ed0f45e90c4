//! The symmetric state against Noise itself: the cacophony transcripts over X25519 with the AEADs and hashes of the suites, over a small handshake that exists only here.
//!
//! Both sides run. Every message is compared, and both handshake hashes. Noise's Split is not ours (`into_secrets` is in its place), so it is made here from `ck`
//! to check the transport messages too.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

extern crate std;

use super::SymmetricState;
use crate::crypto::aead::{Aead, AeadKey};
use crate::crypto::backend;
use crate::crypto::hash::Hash;
use crate::crypto::published_vectors::{Fields, Ran, hex, json, numbered};
use crate::error::Error;
use crate::secret::Secret;
use serde_json::Value;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// Noise revision 34, sections 7.4 and 7.5 and appendix 18.1: the tokens of each message, the initiator's first. A letter `K` in the name, or a one-way pattern's
/// responder, has sent its static key beforehand.
const PATTERNS: [(&str, &str); 38] = [
    ("N", "e es"),
    ("K", "e es ss"),
    ("X", "e es s ss"),
    ("NN", "e / e ee"),
    ("KN", "e / e ee se"),
    ("NK", "e es / e ee"),
    ("KK", "e es ss / e ee se"),
    ("NX", "e / e ee s es"),
    ("KX", "e / e ee se s es"),
    ("XN", "e / e ee / s se"),
    ("IN", "e s / e ee se"),
    ("XK", "e es / e ee / s se"),
    ("IK", "e es s ss / e ee se"),
    ("XX", "e / e ee s es / s se"),
    ("IX", "e s / e ee se s es"),
    ("NK1", "e / e ee es"),
    ("NX1", "e / e ee s / es"),
    ("X1N", "e / e ee / s / se"),
    ("X1K", "e es / e ee / s / se"),
    ("XK1", "e / e ee es / s se"),
    ("X1K1", "e / e ee es / s / se"),
    ("X1X", "e / e ee s es / s / se"),
    ("XX1", "e / e ee s / es s se"),
    ("X1X1", "e / e ee s / es s / se"),
    ("K1N", "e / e ee / se"),
    ("K1K", "e es / e ee / se"),
    ("KK1", "e / e ee se es"),
    ("K1K1", "e / e ee es / se"),
    ("K1X", "e / e ee s es / se"),
    ("KX1", "e / e ee se s / es"),
    ("K1X1", "e / e ee s / se es"),
    ("I1N", "e s / e ee / se"),
    ("I1K", "e es s / e ee / se"),
    ("IK1", "e s / e ee se es"),
    ("I1K1", "e s / e ee es / se"),
    ("I1X", "e s / e ee s es / se"),
    ("IX1", "e s / e ee se s / es"),
    ("I1X1", "e s / e ee s / se es"),
];

/// The messages of a pattern with its `psk` modifiers, and whose static keys come beforehand.
fn pattern(name: &str) -> (Vec<Vec<String>>, bool, bool) {
    let (base, modifiers) = name.split_once("psk").unwrap_or((name, ""));
    let tokens = PATTERNS.iter().find(|(known, _)| *known == base).unwrap_or_else(|| panic!("no pattern {base}")).1;
    let mut messages: Vec<Vec<String>> = tokens.split(" / ").map(|line| line.split(' ').map(ToString::to_string).collect()).collect();
    for place in modifiers.split("+psk").filter(|place| !place.is_empty()) {
        match place.parse().unwrap() {
            0 => messages[0].insert(0, "psk".to_string()),
            n => messages[n - 1_usize].push("psk".to_string()),
        }
    }
    let one_way = messages.len() == 1;
    (messages, base.starts_with('K'), one_way || base[1..].contains('K'))
}

/// The AEAD and the hash of a transcript, where some suite of this build has them.
fn primitives(case: &Value) -> Option<(Aead, Hash)> {
    let name: Vec<&str> = case.text("protocol_name").split('_').skip(2).collect();
    let aead = match name[1] {
        "ChaChaPoly" => Aead::ChaCha20Poly1305,
        "AESGCM" => Aead::Aes256Gcm,
        other => panic!("{other}"),
    };
    let hash = match name[2] {
        "SHA256" => Hash::Sha256,
        #[cfg(feature = "level5")]
        "SHA512" => Hash::Sha512,
        _ => return None,
    };
    assert_eq!(name[0], "25519");
    Some((aead, hash))
}

struct Party {
    aead: Aead,
    hash: Hash,
    state: SymmetricState,
    initiator: bool,
    with_psk: bool,
    psks: Vec<Vec<u8>>,
    s: Option<[u8; 32]>,
    e: Option<[u8; 32]>,
    rs: Option<[u8; 32]>,
    re: Option<[u8; 32]>,
}

impl Party {
    fn new(case: &Value, initiator: bool) -> Self {
        let prefix = if initiator { "init" } else { "resp" };
        let field = |name: &str| [prefix, name].join("_");
        let key = |name: &str| case.has(&field(name)).then(|| case.array(&field(name)));
        let (aead, hash) = primitives(case).unwrap();
        let mut state = SymmetricState::new(hash, aead, case.text("protocol_name").as_bytes());
        state.mix_hash(&case.bytes(&field("prologue")));
        let psks: Vec<Vec<u8>> = case.list(&field("psks")).iter().map(|psk| hex(psk.as_str().unwrap())).collect();
        let with_psk = !psks.is_empty();
        let (s, e, rs) = (key("static"), key("ephemeral"), key("remote_static"));
        Self { aead, hash, state, initiator, with_psk, psks, s, e, rs, re: None }
    }

    fn public(own: Option<[u8; 32]>) -> [u8; 32] {
        backend::x25519_public(&own.unwrap())
    }

    /// The static key of one side, which both know from the start.
    fn mix_known(&mut self, of_initiator: bool) {
        let known = if self.initiator == of_initiator { Self::public(self.s) } else { self.rs.unwrap() };
        self.state.mix_hash(&known);
    }

    fn mix_e(&mut self, e: &[u8; 32]) {
        self.state.mix_hash(e);
        if self.with_psk {
            self.state.mix_key(e).unwrap();
        }
    }

    /// `psk` or one of the four agreements.
    fn mix(&mut self, token: &str) {
        if token == "psk" {
            let psk = self.psks.remove(0);
            return self.state.mix_key_and_hash(&psk).unwrap();
        }
        let letters = token.as_bytes();
        let (own, peer) = if self.initiator { (letters[0], letters[1]) } else { (letters[1], letters[0]) };
        let own = if own == b'e' { self.e } else { self.s };
        let peer = if peer == b'e' { self.re } else { self.rs };
        let mut shared = [0; 32];
        assert!(bool::from(backend::x25519(&own.unwrap(), &peer.unwrap(), &mut shared)));
        self.state.mix_key(&shared).unwrap();
    }

    fn write(&mut self, tokens: &[String], payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for token in tokens {
            match token.as_str() {
                "e" => {
                    let e = Self::public(self.e);
                    out.extend_from_slice(&e);
                    self.mix_e(&e);
                }
                "s" => self.state.encrypt_and_hash(&Self::public(self.s), &mut out).unwrap(),
                other => self.mix(other),
            }
        }
        self.state.encrypt_and_hash(payload, &mut out).unwrap();
        out
    }

    fn read(&mut self, tokens: &[String], mut message: &[u8]) -> Vec<u8> {
        let mut take = |n: usize| {
            let (field, rest) = message.split_at(n);
            message = rest;
            field
        };
        for token in tokens {
            match token.as_str() {
                "e" => {
                    let e = take(32).try_into().unwrap();
                    self.mix_e(&e);
                    self.re = Some(e);
                }
                "s" => {
                    let sealed = take(32 + self.state.overhead());
                    self.rs = Some(self.decrypt(sealed).try_into().unwrap());
                }
                other => self.mix(other),
            }
        }
        self.decrypt(message)
    }

    /// First with each byte changed in turn, which must change nothing here.
    fn decrypt(&mut self, sealed: &[u8]) -> Vec<u8> {
        let state = |s: &SymmetricState| {
            let (ck, h, k, n) = s.expose();
            (ck.to_vec(), h.to_vec(), k.copied(), n)
        };
        if self.state.overhead() > 0 {
            let before = state(&self.state);
            for at in 0..sealed.len() {
                let mut changed = sealed.to_vec();
                changed[at] ^= 1;
                assert_eq!(self.state.decrypt_and_hash(&changed), Err(Error::Authentication));
            }
            assert_eq!(self.state.decrypt_and_hash(&sealed[..self.state.overhead() - 1]), Err(Error::Malformed));
            assert_eq!(state(&self.state), before);
        }
        self.state.decrypt_and_hash(sealed).unwrap()
    }

    /// Noise's Split.
    fn split(&self) -> [AeadKey; 2] {
        let (ck, ..) = self.state.expose();
        let mut keys = vec![0; 2 * self.hash.len()];
        let prk: Secret<64> = self.hash.extract(ck, b"");
        self.hash.expand(&prk, &[], &mut keys).unwrap();
        let key = |bytes: &[u8]| {
            let fill = |place: &mut [u8; 32]| {
                place.copy_from_slice(bytes);
                Ok(())
            };
            self.aead.key(fill).unwrap()
        };
        // Of a hash of 64 bytes the first 32 are the key.
        [key(&keys[..32]), key(&keys[self.hash.len()..][..32])]
    }
}

/// Runs a transcript. Gives how many of its messages were the handshake's, and how many came after it.
fn run(case: &Value) -> (usize, usize) {
    let name = case.text("protocol_name").split('_').nth(1).unwrap();
    let (messages, initiator_known, responder_known) = pattern(name);
    let mut sides = [Party::new(case, true), Party::new(case, false)];
    for side in &mut sides {
        if initiator_known {
            side.mix_known(true);
        }
        if responder_known {
            side.mix_known(false);
        }
    }
    let [initiator, responder] = &mut sides;
    let transcript = case.list("messages");
    for (i, (tokens, message)) in messages.iter().zip(transcript).enumerate() {
        let (from, to) = if i % 2 == 0 { (&mut *initiator, &mut *responder) } else { (&mut *responder, &mut *initiator) };
        let made = from.write(tokens, &message.bytes("payload"));
        assert_eq!(made, message.bytes("ciphertext"), "{name}, message {i}");
        assert_eq!(to.read(tokens, &made), message.bytes("payload"), "{name}, message {i}");
        assert_eq!(from.state.expose(), to.state.expose(), "{name}, message {i}");
    }
    assert_eq!(initiator.state.handshake_hash(), case.bytes("handshake_hash"), "{name}");
    assert!(initiator.psks.is_empty() && responder.psks.is_empty(), "{name}");

    let keys = initiator.split();
    let mut counters = [0, 0];
    for (i, message) in transcript.iter().enumerate().skip(messages.len()) {
        let way = if messages.len() == 1 { 0 } else { i % 2 };
        let mut text = message.bytes("payload");
        let tag = keys[way].seal(counters[way], b"", &mut text).unwrap();
        counters[way] += 1;
        text.extend_from_slice(&tag);
        assert_eq!(text, message.bytes("ciphertext"), "{name}, message {i}");
    }
    (messages.len(), transcript.len() - messages.len())
}

#[test]
fn the_symmetric_state_is_not_noises() {
    // Transcripts, messages of handshakes, and those after them, for one AEAD and one hash.
    const EACH: [usize; 3] = [59, 143, 211];
    let hashes = if cfg!(feature = "level5") { 2 } else { 1 };
    for file in ["noise/cacophony-25519-chachapoly.json.gz", "noise/cacophony-25519-aesgcm.json.gz"] {
        let (mut ran, mut sums) = (Ran::over(file), [0; 3]);
        for (i, case) in numbered(json(file).list("vectors")).filter(|(_, case)| primitives(case).is_some()) {
            let (handshake, after) = run(case);
            sums = [sums[0] + 1, sums[1] + handshake, sums[2] + after];
            ran.count_at(i, "transcript");
        }
        assert_eq!(sums, EACH.map(|each| each * hashes));
        ran.exactly([("transcript", sums[0])]);
    }
}
