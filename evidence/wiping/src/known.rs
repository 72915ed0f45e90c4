//! Every secret of one conversation, computed again from the specification (docs/protocol.md) and the coins that both sides draw.
//!
//! ```text
//! coins ─▶ identities · psk · e · ss ─▶ ck, k ─▶ i2r, r2i, exporter ─▶ record keys, updates, rekeys
//! ```
//!
//! It shares no code with the library but the primitives. A secret that lives from one stop of the conversation to another must be found in memory there: that
//! shows that it was computed right. After its time it must not be found.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions, reason = "a check that cannot go on stops")]
#![allow(dead_code, reason = "the test of the types uses a part")]

use crate::coins::Coins;
#[cfg(feature = "level5")]
use crate::primitives::montgomery;
use crate::primitives::{Algorithms, clamped, reversed, shake256};
use sha2::{Digest, Sha512};
use sha3::{Sha3_256, Sha3_512};

/// Where the conversation stands still, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Two identities and a pre-shared key.
    Identities,
    /// Message 1 was made.
    Hello,
    /// Message 2 was made.
    Reply,
    /// Both sides have a channel.
    Channel,
    /// Both directions moved on to their next key.
    Updated,
    /// Both sides offered a rekey.
    Offered,
    /// Both sides have computed their answers.
    Answered,
    /// Both directions were rekeyed.
    Rekeyed,
    /// The second conversation (`acquainted.rs`): two identities, their static keys in their stores, a pre-shared key, decoys.
    Acquainted,
    /// Message 1 of `IK` was made.
    AcquaintedHello,
    /// Message 2 was made.
    AcquaintedReply,
    /// Both sides have a channel.
    AcquaintedChannel,
    /// Both have kept a record and ended the channel; the static keys have ended too.
    Kept,
    /// Message 1 of `resume` was made.
    ResumeHello,
    /// Message 2 was made.
    ResumeReply,
    /// Both sides have a channel, and nothing else.
    Resumed,
    /// Everything was dropped.
    End,
}

impl Stop {
    pub(crate) const FIRST: &[Self] = &[
        Self::Identities,
        Self::Hello,
        Self::Reply,
        Self::Channel,
        Self::Updated,
        Self::Offered,
        Self::Answered,
        Self::Rekeyed,
        Self::End,
    ];
    pub(crate) const SECOND: &[Self] = &[
        Self::Acquainted,
        Self::AcquaintedHello,
        Self::AcquaintedReply,
        Self::AcquaintedChannel,
        Self::Kept,
        Self::ResumeHello,
        Self::ResumeReply,
        Self::Resumed,
        Self::End,
    ];
}

/// What is looked for.
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// The stops, the first and the last, at which it must be in memory; none for what lives within one step alone.
    pub(crate) lives: Option<(Stop, Stop)>,
    /// The stop from which on it must be gone.
    pub(crate) gone: Stop,
}

/// The secrets of a conversation that was made by `coins`, whose final handshake hash was this.
pub(crate) struct Secrets {
    pub(crate) algorithms: Algorithms,
    pub(crate) known: Vec<Known>,
    pub(crate) coins: Coins,
}

/// One KEM exchange: to whom, and what came of it.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) ek: Vec<u8>,
    pub(crate) ct: Vec<u8>,
    pub(crate) ss: Vec<u8>,
}

/// Stops: the first and the last at which a secret is there, and the one from which on it is not.
pub(crate) type Life = ((Stop, Stop), Stop);

impl Secrets {
    /// In the order in which the conversation draws: identities, passphrase, key file, psk, e, ekem, two signatures, two offers, two answers.
    pub(crate) fn new(algorithms: Algorithms, protocol_name: &str, seed: u64, handshake_hash: &[u8]) -> Self {
        let mut all = Self { algorithms, known: Vec::new(), coins: Coins::new(seed) };
        for who in ["alice", "bob"] {
            all.identity(who, ((Stop::Identities, Stop::Reply), Stop::Channel));
        }
        all.coins.draw(16); // The passphrase, which the conversation wipes itself; see `file`.
        all.coins.draw(32); // The salt and iv of the key file.
        let psk = all.coins.draw(32);
        all.add("psk", &psk, Some((Stop::Identities, Stop::Hello)), Stop::Reply);
        all.handshake(protocol_name, &psk, handshake_hash);
        all
    }

    pub(crate) fn identity(&mut self, who: &str, ((born, last), gone): Life) {
        let lives = Some((born, last));
        let seed_m = self.coins.draw(32);
        self.add(format!("{who}: ML-DSA seed"), &seed_m, lives, gone);
        let (k, l) = if self.algorithms.level5() { (8, 7) } else { (6, 5) };
        let expanded = shake256(&[&seed_m, &[k, l]], 128);
        self.add(format!("{who}: ML-DSA rho'"), &expanded[32..96], None, born);
        let key = self.algorithms.mldsa(&seed_m);
        assert_eq!(key[32..64], expanded[96..]);
        let vectors = usize::from(k + l) * if self.algorithms.level5() { 96 } else { 128 };
        self.add(format!("{who}: ML-DSA K"), &key[32..64], lives, gone);
        self.add(format!("{who}: ML-DSA s1, s2"), &key[128..128 + vectors], lives, gone);
        if self.algorithms.level5() {
            let scalar = self.coins.draw(48);
            self.add(format!("{who}: P-384 scalar"), &scalar, lives, gone);
            self.add(format!("{who}: P-384 scalar, reversed"), &reversed(&scalar), None, gone);
            #[cfg(feature = "level5")]
            self.add(format!("{who}: P-384 scalar, Montgomery form"), &montgomery(&scalar), lives, gone);
            return;
        }
        let seed_e = self.coins.draw(32);
        self.add(format!("{who}: Ed25519 seed"), &seed_e, lives, gone);
        let hash = Sha512::digest(&seed_e);
        self.add(format!("{who}: Ed25519 scalar"), &clamped(&hash[..32]), None, born);
        self.add(format!("{who}: Ed25519 hash of the seed"), &hash, None, born);
    }

    /// InitializeSymmetric.
    pub(crate) fn begin(&self, protocol_name: &str) -> Vec<u8> {
        let (len, mut ck) = (self.algorithms.hashlen(), protocol_name.as_bytes().to_vec());
        if ck.len() <= len {
            ck.resize(len, 0)
        } else {
            ck = self.algorithms.hash(&[&ck])
        }
        ck
    }

    fn handshake(&mut self, protocol_name: &str, psk: &[u8], handshake_hash: &[u8]) {
        let (len, ck) = (self.algorithms.hashlen(), self.begin(protocol_name));
        // Message 1: psk, e.
        let [ck, _, k] = self.mix("message 1, psk", Stop::Hello, &ck, psk);
        self.add("message 1: k under the psk", &k[..32], None, Stop::Hello);
        let e = self.key_pair("e", Some((Stop::Hello, Stop::Reply)), Stop::Channel);
        let [ck, k] = self.mix("message 1, e", Stop::Hello, &ck, &e.ek);
        self.add("message 1: ck", &ck, Some((Stop::Hello, Stop::Reply)), Stop::Channel);
        self.add("message 1: k", &k[..32], Some((Stop::Hello, Stop::Reply)), Stop::Channel);
        // Message 2: ekem; then both signatures.
        let ekem = self.encapsulate("ekem", e, None, Stop::Reply);
        let [ck, k] = self.mix("message 2", Stop::Reply, &ck, &ekem.ss);
        self.add("message 2: ck", &ck, Some((Stop::Reply, Stop::Reply)), Stop::Channel);
        self.add("message 2: k", &k[..32], Some((Stop::Reply, Stop::Reply)), Stop::Channel);
        for (signer, gone) in [("bob", Stop::Reply), ("alice", Stop::Channel)] {
            let hedge = self.coins.draw(32);
            self.add(format!("{signer}: the signature's hedge"), &hedge, None, gone);
        }
        let ms = self.algorithms.extract(&ck, handshake_hash);
        self.prk("ms", &ms, Stop::Channel);
        let [i2r, r2i, exporter, rs] =
            [&b"tl1 i2r"[..], b"tl1 r2i", b"tl1 exporter", b"tl1 resume"].map(|label| self.algorithms.expand(&ms, &[label], len));
        // Nobody asks for a record.
        self.add("resumption secret", &rs, None, Stop::Channel);
        self.add("exporter", &exporter, Some((Stop::Channel, Stop::Rekeyed)), Stop::End);
        let exported = self.algorithms.expand(&exporter, &[b"tl1 export", &[6], b"wiping", &self.algorithms.hash(&[b""]), &[0, 32]], 32);
        self.add("exported", &exported, None, Stop::Channel);
        self.channel(i2r, r2i);
    }

    /// Both directions: a KeyUpdate, then a rekey that the other side offered.
    fn channel(&mut self, i2r: Vec<u8>, r2i: Vec<u8>) {
        let updated = [("i2r", i2r), ("r2i", r2i)].map(|(direction, cs)| {
            self.direction(direction, &cs, (Stop::Channel, Stop::Channel), Stop::Updated);
            let cs = self.algorithms.expand(&cs, &[b"tl1 next"], self.algorithms.hashlen());
            self.direction(&format!("{direction} after the update"), &cs, (Stop::Updated, Stop::Answered), Stop::Rekeyed);
            (direction, cs)
        });
        let offers = ["i2r", "r2i"]
            .map(|direction| self.key_pair(&format!("offer for {direction}"), Some((Stop::Offered, Stop::Answered)), Stop::Rekeyed));
        for ((direction, cs), offer) in updated.into_iter().zip(offers) {
            let answer = self.encapsulate(&format!("answer for {direction}"), offer, Some((Stop::Answered, Stop::Answered)), Stop::Rekeyed);
            let exchange = self.algorithms.hash(&[&answer.ek, &answer.ct]);
            let prk = self.algorithms.extract(&cs, &answer.ss);
            self.prk(&format!("{direction}: prk of the rekey"), &prk, Stop::Rekeyed);
            let cs = self.algorithms.expand(&prk, &[b"tl1 rekey", &exchange], self.algorithms.hashlen());
            self.direction(&format!("{direction} after the rekey"), &cs, (Stop::Rekeyed, Stop::Rekeyed), Stop::End);
        }
    }

    pub(crate) fn direction(&mut self, name: &str, cs: &[u8], lives: (Stop, Stop), gone: Stop) {
        self.add(format!("{name}: cs"), cs, Some(lives), gone);
        self.pads(&format!("{name}: cs"), cs, gone);
        let key = self.algorithms.expand(cs, &[b"tl1 key"], 32);
        self.add(format!("{name}: record key"), &key, Some(lives), gone);
    }

    /// Sections 3.1 and 3.4: a key pair from 32 coins. `ct` and `ss` are empty yet.
    pub(crate) fn key_pair(&mut self, name: &str, lives: Option<(Stop, Stop)>, gone: Stop) -> Exchange {
        let seed = self.coins.draw(32);
        self.add(format!("{name}: seed"), &seed, None, lives.map_or(gone, |lives| lives.0));
        self.pair_of(name, &seed, lives, gone)
    }

    /// A static key's seed is kept, section 4.6.
    pub(crate) fn kept_pair(&mut self, name: &str, (lives, gone): Life) -> Exchange {
        let seed = self.coins.draw(32);
        self.add(format!("{name}: seed"), &seed, Some(lives), gone);
        self.pair_of(name, &seed, Some(lives), gone)
    }

    fn pair_of(&mut self, name: &str, seed: &[u8], lives: Option<(Stop, Stop)>, gone: Stop) -> Exchange {
        let born = lives.map_or(gone, |lives| lives.0);
        let expanded = shake256(&[seed], 112);
        self.add(format!("{name}: ML-KEM d"), &expanded[..32], None, born);
        let (classical, scalar) = if self.algorithms.level5() { (48, "P-384 scalar") } else { (32, "X25519 key") };
        let classical = &expanded[64..64 + classical];
        self.classical(&format!("{name}: {scalar}"), classical, lives.filter(|_| !self.algorithms.level5()), gone);
        let (dk, ek, k) = self.algorithms.mlkem(&expanded[..64]);
        let d = Sha3_512::new().chain_update(&expanded[..32]).chain_update([k]).finalize();
        self.add(format!("{name}: ML-KEM sigma"), &d[32..], None, born);
        let secret = dk.len() - ek.len() - 64;
        self.add(format!("{name}: ML-KEM s"), &dk[..secret], lives, gone);
        self.add(format!("{name}: ML-KEM z"), &dk[dk.len() - 32..], lives, gone);
        Exchange { ek: [ek, self.algorithms.public(classical)].concat(), ct: Vec::new(), ss: Vec::new() }
    }

    /// The shared secret alone may live on, as the answer that was not sent yet.
    pub(crate) fn encapsulate(&mut self, name: &str, mut to: Exchange, lives: Option<(Stop, Stop)>, gone: Stop) -> Exchange {
        let born = lives.map_or(gone, |lives| lives.0);
        let m = self.coins.draw(32);
        self.add(format!("{name}: m"), &m, None, born);
        let e = self.coins.draw(if self.algorithms.level5() { 48 } else { 32 });
        self.classical(&format!("{name}: ephemeral scalar"), &e, None, born);
        let (ek_m, pk) = to.ek.split_at(if self.algorithms.level5() { 1568 } else { 1184 });
        let r = Sha3_512::new().chain_update(&m).chain_update(Sha3_256::digest(ek_m)).finalize();
        self.add(format!("{name}: ML-KEM r"), &r[32..], None, born);
        let (ct_m, ss_m) = self.algorithms.mlkem_encapsulate(ek_m, &m);
        let (ct_c, ss_c) = (self.algorithms.public(&e), self.algorithms.agree(&e, pk));
        self.add(format!("{name}: ss of ML-KEM"), &ss_m, None, born);
        self.add(format!("{name}: ss of the curve"), &ss_c, None, born);
        let label: &[u8] = if self.algorithms.level5() { b"MLKEM1024-P384" } else { br"\.//^\" };
        let ss = Sha3_256::new().chain_update(&ss_m).chain_update(ss_c).chain_update(&ct_c).chain_update(pk).chain_update(label);
        to.ss = ss.finalize().to_vec();
        to.ct = [ct_m, ct_c].concat();
        self.add(format!("{name}: ss"), &to.ss, lives, gone);
        to
    }

    /// Noise's HKDF, and what it leaves between.
    pub(crate) fn mix<const N: usize>(&mut self, name: &str, gone: Stop, ck: &[u8], ikm: &[u8]) -> [Vec<u8>; N] {
        let prk = self.algorithms.extract(ck, ikm);
        self.prk(&format!("{name}: prk"), &prk, gone);
        let len = self.algorithms.hashlen();
        let okm = self.algorithms.expand(&prk, &[], N * len);
        core::array::from_fn(|i| okm[i * len..(i + 1) * len].to_vec())
    }

    pub(crate) fn prk(&mut self, name: &str, prk: &[u8], gone: Stop) {
        self.add(name, prk, None, gone);
        self.pads(name, prk, gone);
    }

    /// An HMAC key as HMAC first uses it.
    pub(crate) fn pads(&mut self, name: &str, key: &[u8], gone: Stop) {
        for pad in [0x36, 0x5C] {
            let padded: Vec<u8> = key.iter().map(|byte| byte ^ pad).collect();
            self.add(format!("{name}, HMAC pad {pad:02x}"), &padded, None, gone);
        }
    }

    fn classical(&mut self, name: &str, scalar: &[u8], lives: Option<(Stop, Stop)>, gone: Stop) {
        self.add(name, scalar, lives, gone);
        let other = if self.algorithms.level5() { reversed(scalar) } else { clamped(scalar) };
        self.add(format!("{name}, as the library uses it"), &other, None, gone);
    }

    pub(crate) fn add(&mut self, name: impl Into<String>, bytes: &[u8], lives: Option<(Stop, Stop)>, gone: Stop) {
        self.known.push(Known { name: name.into(), bytes: bytes.to_vec(), lives, gone });
    }
}
