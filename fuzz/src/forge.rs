//! What a peer that holds the keys and keeps no rule can send: good tags over anything (docs/protocol.md, sections 3.3, 5.1, 5.4, 8.1 and 8.2).
//!
//! Written from the specification over the same hash and AEAD crates as the library, and over nothing of the library itself. It starts from the secrets that the vectors
//! name, so the library needs no door for it.

use aes_gcm::Aes256Gcm;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use hkdf::Hkdf;
use sha2::{Digest, Sha256, Sha512};
use twinlock::Suite;

pub const TAG: usize = 16;

/// `H(parts joined)` of the suite.
pub fn hash(suite: Suite, parts: &[&[u8]]) -> Vec<u8> {
    let joined = parts.concat();
    if suite == Suite::Level5Aes { Sha512::digest(joined).to_vec() } else { Sha256::digest(joined).to_vec() }
}

pub fn extract(suite: Suite, salt: &[u8], ikm: &[u8]) -> Vec<u8> {
    match suite {
        Suite::Level5Aes => Hkdf::<Sha512>::extract(Some(salt), ikm).0.to_vec(),
        _ => Hkdf::<Sha256>::extract(Some(salt), ikm).0.to_vec(),
    }
}

pub fn expand(suite: Suite, prk: &[u8], info: &[u8], n: usize) -> Vec<u8> {
    let mut out = vec![0; n];
    match suite {
        Suite::Level5Aes => Hkdf::<Sha512>::from_prk(prk).expect("a whole hash").expand(info, &mut out),
        _ => Hkdf::<Sha256>::from_prk(prk).expect("a whole hash").expand(info, &mut out),
    }
    .expect("less than 255 hashes");
    out
}

/// Section 3.3: four zero bytes, then the counter.
fn nonce(suite: Suite, counter: u64) -> [u8; 12] {
    let counter = if suite == Suite::Level3ChaCha { counter.to_le_bytes() } else { counter.to_be_bytes() };
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter);
    nonce
}

fn seal(suite: Suite, key: &[u8; 32], counter: u64, ad: &[u8], text: &[u8]) -> Vec<u8> {
    let (mut text, nonce) = (text.to_vec(), nonce(suite, counter));
    let tag: [u8; TAG] = match suite {
        Suite::Level3ChaCha => {
            ChaCha20Poly1305::new(key.into()).encrypt_inout_detached(&nonce.into(), ad, text.as_mut_slice().into()).expect("short").into()
        }
        _ => Aes256Gcm::new(key.into()).encrypt_inout_detached(&nonce.into(), ad, text.as_mut_slice().into()).expect("short").into(),
    };
    text.extend_from_slice(&tag);
    text
}

fn open(suite: Suite, key: &[u8; 32], counter: u64, ad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (text, tag) = sealed.split_last_chunk::<TAG>()?;
    let (mut text, nonce) = (text.to_vec(), nonce(suite, counter));
    match suite {
        Suite::Level3ChaCha => {
            ChaCha20Poly1305::new(key.into()).decrypt_inout_detached(&nonce.into(), ad, text.as_mut_slice().into(), tag.into())
        }
        _ => Aes256Gcm::new(key.into()).decrypt_inout_detached(&nonce.into(), ad, text.as_mut_slice().into(), tag.into()),
    }
    .ok()?;
    Some(text)
}

/// Section 5: the symmetric state in the middle of a message.
#[derive(Clone)]
pub struct Symmetric {
    pub suite: Suite,
    pub h: Vec<u8>,
    pub ck: Vec<u8>,
    pub k: [u8; 32],
    pub n: u64,
}

impl Symmetric {
    pub fn mix_hash(&mut self, data: &[u8]) {
        self.h = hash(self.suite, &[&self.h, data]);
    }

    pub fn encrypt_and_hash(&mut self, text: &[u8]) -> Vec<u8> {
        let sealed = seal(self.suite, &self.k, self.n, &self.h, text);
        self.n += 1;
        self.mix_hash(&sealed);
        sealed
    }

    pub fn decrypt_and_hash(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        let text = open(self.suite, &self.k, self.n, &self.h, sealed)?;
        self.n += 1;
        self.mix_hash(sealed);
        Some(text)
    }

    /// Section 5.4: the secrets of both directions, the initiator's first.
    pub fn secrets(&self) -> [Direction; 2] {
        let ms = extract(self.suite, &self.ck, &self.h);
        [b"tl1 i2r", b"tl1 r2i"].map(|label| Direction::new(self.suite, expand(self.suite, &ms, label, self.h.len())))
    }
}

/// Section 8.2: one direction of a channel, for either end of it.
#[derive(Clone)]
pub struct Direction {
    suite: Suite,
    cs: Vec<u8>,
    counter: u64,
}

impl Direction {
    pub const fn new(suite: Suite, cs: Vec<u8>) -> Self {
        Self { suite, cs, counter: 0 }
    }

    fn key(&self) -> [u8; 32] {
        expand(self.suite, &self.cs, b"tl1 key", 32).try_into().expect("32 bytes")
    }

    /// A frame of any plaintext. What is too long for the length's two bytes is cut.
    pub fn seal(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let plaintext = &plaintext[..plaintext.len().min(usize::from(u16::MAX) - TAG)];
        let length = ((plaintext.len() + TAG) as u16).to_be_bytes();
        let sealed = seal(self.suite, &self.key(), self.counter, &length, plaintext);
        self.counter += 1;
        [length.as_slice(), &sealed].concat()
    }

    /// The plaintext of a frame.
    pub fn open(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let (length, sealed) = frame.split_first_chunk::<2>()?;
        let plaintext = open(self.suite, &self.key(), self.counter, length, sealed)?;
        self.counter += 1;
        Some(plaintext)
    }

    pub fn update(&mut self) {
        *self = Self::new(self.suite, expand(self.suite, &self.cs, b"tl1 next", self.cs.len()));
    }

    pub fn rekey(&mut self, ss: &[u8], ek: &[u8], ct: &[u8]) {
        let prk = extract(self.suite, &self.cs, ss);
        let info = [b"tl1 rekey".as_slice(), &hash(self.suite, &[ek, ct])].concat();
        *self = Self::new(self.suite, expand(self.suite, &prk, &info, self.cs.len()));
    }
}

/// A record's plaintext: `u8 type || u16 content length || content || padding`.
pub fn plaintext(kind: u8, content: &[u8], padding: usize) -> Vec<u8> {
    [&[kind], (content.len() as u16).to_be_bytes().as_slice(), content, &vec![0; padding]].concat()
}
