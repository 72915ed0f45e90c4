//! Every secret of the second conversation, as `known.rs` has those of the first: `IKpsk0` between acquaintances, and `resume` after it.
//!
//! ```text
//! coins ─▶ identities · psk · static keys · e · ss ─▶ ck, k ─▶ i2r, r2i, exporter, rs ─▶ the record's psk ─▶ ck, k ─▶ i2r, …
//! ```
#![allow(clippy::indexing_slicing, reason = "a check that cannot go on stops")]

use crate::coins::Coins;
use crate::known::{Exchange, Life, Secrets, Stop};
use crate::primitives::Algorithms;

/// What decoys are made of, beside the seed: coins of their own, so that what the others are made of is the same in every build.
pub(crate) const DECOYS: u64 = 0x6465_636f_7973;

/// Decoys are made for every suite of the build: an identity's public key has so many bytes in each; and which of them speaks.
pub(crate) struct Suites<'a> {
    pub(crate) public_key_lens: &'a [usize],
    pub(crate) own: usize,
}

/// The names of the two protocols, and the hashes with which they ended.
pub(crate) struct Ended<'a> {
    pub(crate) ik: (&'a str, &'a [u8]),
    pub(crate) resume: (&'a str, &'a [u8]),
}

const WHOLE: Life = ((Stop::Acquainted, Stop::ResumeReply), Stop::Resumed);
const STATIC: Life = ((Stop::Acquainted, Stop::AcquaintedChannel), Stop::Kept);

impl Secrets {
    /// In the order in which the conversation draws: identities, psk, two static keys with their signatures, e, skem, ekem, skem, e, ekem; the decoys from coins of their own.
    pub(crate) fn acquainted(algorithms: Algorithms, seed: u64, suites: &Suites<'_>, ended: &Ended<'_>) -> Self {
        let mut all = Self { algorithms, known: Vec::new(), coins: Coins::new(seed ^ DECOYS) };
        all.decoys(suites);
        all.coins = Coins::new(seed);
        for who in ["alice", "bob"] {
            all.identity(who, WHOLE);
        }
        let psk = all.coins.draw(32);
        all.add("psk", &psk, Some(WHOLE.0), WHOLE.1);
        let mut padded = psk.clone();
        padded.resize(algorithms.hashlen(), 0);
        all.pads("psk, to make its tag", &padded, Stop::Acquainted);
        let statics = ["alice", "bob"].map(|who| all.static_key(who));
        let rs = all.ik(&psk, &statics, ended.ik);
        let psk = all.algorithms.expand(&rs, &[b"tl1 resume psk"], 32);
        all.add("the record's psk", &psk, Some((Stop::Kept, Stop::ResumeReply)), Stop::Resumed);
        all.resume(&psk, ended.resume);
        all
    }

    fn static_key(&mut self, who: &str) -> Exchange {
        let key = self.kept_pair(&format!("{who}: static key"), STATIC);
        let hedge = self.coins.draw(32);
        self.add(format!("{who}: the signature's hedge"), &hedge, None, Stop::Acquainted);
        key
    }

    /// For each suite: the key of nobody, one to work with, two identities' bytes, a secret; and at the end what slots are made with.
    fn decoys(&mut self, suites: &Suites<'_>) {
        for (suite, len) in suites.public_key_lens.iter().enumerate() {
            if suite == suites.own {
                self.key_pair("decoy: the key of nobody", None, Stop::Acquainted);
                self.kept_pair("decoy: static key", WHOLE);
            } else {
                self.coins.draw(32);
                self.coins.draw(32);
            }
            self.coins.draw(*len);
            self.coins.draw(*len);
            let secret = self.coins.draw(32);
            if suite == suites.own {
                self.add("decoy: secret", &secret, Some(WHOLE.0), WHOLE.1);
            }
        }
        let slots = self.coins.draw(32);
        self.add("decoy: slots", &slots, Some(WHOLE.0), WHOLE.1);
        self.pads("decoy: slots", &slots, WHOLE.1);
    }

    /// The resumption secret.
    fn ik(&mut self, psk: &[u8], [alice, bob]: &[Exchange; 2], (name, hash): (&str, &[u8])) -> Vec<u8> {
        let (hello, reply, channel) = (Stop::AcquaintedHello, Stop::AcquaintedReply, Stop::AcquaintedChannel);
        // Message 1: psk, e, skem.
        let ck = self.begin(name);
        let [ck, _, k] = self.mix("IK message 1, psk", hello, &ck, psk);
        self.add("IK message 1: k under the psk", &k[..32], None, hello);
        let e = self.key_pair("IK e", Some((hello, reply)), channel);
        let [ck, k] = self.mix("IK message 1, e", hello, &ck, &e.ek);
        self.add("IK message 1, after e: ck", &ck, None, hello);
        self.add("IK message 1, after e: k", &k[..32], None, hello);
        let skem = self.encapsulate("IK skem to bob", bob.clone(), None, hello);
        let [ck, _, k] = self.mix("IK message 1, skem", hello, &ck, &skem.ss);
        self.add("IK message 1: ck", &ck, Some((hello, reply)), channel);
        self.add("IK message 1: k", &k[..32], Some((hello, reply)), channel);
        // Message 2: ekem, skem.
        let ekem = self.encapsulate("IK ekem", e, None, reply);
        let [ck, k] = self.mix("IK message 2, ekem", reply, &ck, &ekem.ss);
        self.add("IK message 2, after ekem: ck", &ck, None, reply);
        self.add("IK message 2, after ekem: k", &k[..32], None, reply);
        let skem = self.encapsulate("IK skem to alice", alice.clone(), None, reply);
        let [ck, _, k] = self.mix("IK message 2, skem", reply, &ck, &skem.ss);
        self.add("IK message 2: ck", &ck, Some((reply, reply)), channel);
        self.add("IK message 2: k", &k[..32], Some((reply, reply)), channel);
        self.secrets("IK", &ck, hash, ((channel, channel), Stop::Kept))
    }

    fn resume(&mut self, psk: &[u8], (name, hash): (&str, &[u8])) {
        let (hello, reply, channel) = (Stop::ResumeHello, Stop::ResumeReply, Stop::Resumed);
        let ck = self.begin(name);
        let [ck, _, k] = self.mix("resume message 1, psk", hello, &ck, psk);
        self.add("resume message 1: k under the psk", &k[..32], None, hello);
        let e = self.key_pair("resume e", Some((hello, reply)), channel);
        let [ck, k] = self.mix("resume message 1, e", hello, &ck, &e.ek);
        self.add("resume message 1: ck", &ck, Some((hello, reply)), channel);
        self.add("resume message 1: k", &k[..32], Some((hello, reply)), channel);
        let ekem = self.encapsulate("resume ekem", e, None, reply);
        let [ck, k] = self.mix("resume message 2", reply, &ck, &ekem.ss);
        self.add("resume message 2: ck", &ck, None, reply);
        self.add("resume message 2: k", &k[..32], None, reply);
        self.secrets("resume", &ck, hash, ((reply, channel), Stop::End));
    }

    /// Section 5.4: both directions, the exporter, and the resumption secret, which it gives.
    fn secrets(&mut self, what: &str, ck: &[u8], hash: &[u8], (lives, gone): Life) -> Vec<u8> {
        let ms = self.algorithms.extract(ck, hash);
        self.prk(&format!("{what} ms"), &ms, lives.0);
        let len = self.algorithms.hashlen();
        let [i2r, r2i, exporter, rs] =
            [&b"tl1 i2r"[..], b"tl1 r2i", b"tl1 exporter", b"tl1 resume"].map(|label| self.algorithms.expand(&ms, &[label], len));
        self.direction(&format!("{what} i2r"), &i2r, lives, gone);
        self.direction(&format!("{what} r2i"), &r2i, lives, gone);
        self.add(format!("{what} exporter"), &exporter, Some(lives), gone);
        self.add(format!("{what} resumption secret"), &rs, Some(lives), gone);
        self.pads(&format!("{what} resumption secret"), &rs, gone);
        rs
    }
}
