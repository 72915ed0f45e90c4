//! Identities and peers that every target knows, made once a process.

use crate::rng::Seeded;
use std::sync::OnceLock;
use twinlock::handshake::{AnonymousInitiator, Hello, Responder};
use twinlock::identity::{Peer, SignatureAlgorithm};
use twinlock::trust::Anonymous;
use twinlock::{Identity, Suite};

/// Of each algorithm.
pub const OF_EACH: usize = 4;
pub const LEVEL_3: SignatureAlgorithm = SignatureAlgorithm::MlDsa65Ed25519;
pub const LEVEL_5: SignatureAlgorithm = SignatureAlgorithm::MlDsa87P384;

/// Four of level 3, then four of level 5.
pub fn identities() -> &'static [Identity] {
    static MADE: OnceLock<Vec<Identity>> = OnceLock::new();
    MADE.get_or_init(|| (0..2 * OF_EACH).map(make).collect())
}

fn make(i: usize) -> Identity {
    let algorithm = if i < OF_EACH { LEVEL_3 } else { LEVEL_5 };
    Identity::generate_with_rng(algorithm, &mut Seeded::new(0x1D + i as u64)).expect("a generator that goes on")
}

/// The identity of this algorithm.
pub fn identity(algorithm: SignatureAlgorithm, i: usize) -> &'static Identity {
    &identities()[if algorithm == LEVEL_3 { i } else { OF_EACH + i }]
}

/// Everybody as they prove themselves in a handshake, in each of their suites: a [`Peer`] comes from nowhere else.
pub fn peers() -> &'static [Peer] {
    static MET: OnceLock<Vec<Peer>> = OnceLock::new();
    MET.get_or_init(|| {
        let suites =
            |me: &Identity| Suite::ALL.iter().copied().filter(|suite| suite.signature() == me.public().algorithm()).collect::<Vec<_>>();
        identities().iter().flat_map(|me| suites(me).into_iter().map(|suite| meet(me, suite))).collect()
    })
}

fn meet(me: &Identity, suite: Suite) -> Peer {
    let rng = &mut Seeded::new(7);
    let (waiting, hello) = AnonymousInitiator::new(b"").suite(suite).send_hello_with_rng(rng).expect("a good generator");
    let Ok(Hello::Anonymous(heard)) = Responder::new(me, b"").read_any_hello(&hello) else { panic!("a good message 1") };
    let (_, reply) = heard.send_reply_with_rng(&mut Anonymous, rng).expect("anybody");
    waiting.read_reply(&reply).expect("a good message 2").peer().clone()
}
