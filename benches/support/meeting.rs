//! Two that meet, in a suite, and what it costs each.
#![allow(dead_code, reason = "each benchmark uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on stops")]

#[path = "acquainted.rs"]
pub(crate) mod acquainted;

use std::time::Duration;
use twinlock::handshake::{AnonymousInitiator, Hello, Initiator, Psk, Responder};
use twinlock::trust::Anonymous;
use twinlock::{Channel, Identity, Pinned, Suite};

pub(crate) const PROLOGUE: &[u8] = b"bench";

/// What each side of one handshake took.
#[derive(Clone, Copy, Default)]
pub(crate) struct Took {
    pub(crate) initiator: Duration,
    pub(crate) responder: Duration,
}

impl Took {
    pub(crate) fn both(&self) -> Duration {
        self.initiator + self.responder
    }
}

/// Calls `f` and adds what it took to `total`.
fn clocked<T>(total: &mut Duration, f: impl FnOnce() -> T) -> T {
    let start = clock();
    let value = f();
    *total += clock() - start;
    value
}

/// What this thread has computed so far.
#[cfg(any(target_os = "linux", target_os = "macos"))]
pub(crate) fn clock() -> Duration {
    nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap().into()
}

/// The time itself, where nothing better is at hand.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
pub(crate) fn clock() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

/// Two identities that know each other's fingerprint.
pub(crate) struct Parties {
    pub(crate) suite: Suite,
    pub(crate) alice: Identity,
    pub(crate) bob: Identity,
    trust_alice: Pinned,
    trust_bob: Pinned,
}

impl Parties {
    pub(crate) fn new(suite: Suite) -> Self {
        let [alice, bob] = [(); 2].map(|()| Identity::generate_for(suite.signature()).unwrap());
        let (trust_alice, trust_bob) = (Pinned(alice.fingerprint()), Pinned(bob.fingerprint()));
        Self { suite, alice, bob, trust_alice, trust_bob }
    }

    fn responder(&self, psk: Option<&Psk>) -> Responder {
        psk.into_iter().fold(Responder::new(&self.bob, PROLOGUE).suites(&[self.suite]), Responder::psk)
    }

    /// What it took, and the bytes of each message's body.
    pub(crate) fn xx(&self, psk: Option<&Psk>) -> (Took, Vec<usize>) {
        let (took, bodies, _) = self.meet(psk);
        (took, bodies)
    }

    /// `XX`: the same, and both ends' channels.
    pub(crate) fn meet(&self, psk: Option<&Psk>) -> (Took, Vec<usize>, [Channel; 2]) {
        let Took { initiator: mut i, responder: mut r } = Took::default();
        let (mut trust_alice, mut trust_bob) = (self.trust_alice, self.trust_bob);
        let (alice, hello) = clocked(&mut i, || {
            let alice = Initiator::new(&self.alice, PROLOGUE).suite(self.suite);
            psk.into_iter().fold(alice, Initiator::psk).send_hello().unwrap()
        });
        let (bob, reply) = clocked(&mut r, || self.responder(psk).read_hello(&hello).unwrap().send_reply().unwrap());
        let (alice, finish) = clocked(&mut i, || alice.read_reply(&reply).unwrap().send_finish(&mut trust_bob).unwrap());
        let bob = clocked(&mut r, || bob.read_finish(&finish).unwrap().into_channel(&mut trust_alice).unwrap());
        assert_eq!(alice.conversation().handshake_hash(), bob.conversation().handshake_hash());
        let bodies = [hello, reply, finish].iter().map(|message| message.len() - 2).collect();
        (Took { initiator: i, responder: r }, bodies, [alice, bob])
    }

    /// The bytes of the body that answers a first message of a version that is not spoken.
    pub(crate) fn refusal(&self) -> usize {
        let (_, mut hello) = Initiator::new(&self.alice, PROLOGUE).suite(self.suite).send_hello().unwrap();
        let version = hello.get_mut(4).unwrap();
        *version += 1;
        self.responder(None).read_hello(&hello).unwrap_err().answer().len() - 2
    }

    /// What it took, and the bytes of each message's body.
    pub(crate) fn nx(&self, psk: Option<&Psk>) -> (Took, Vec<usize>) {
        let Took { initiator: mut i, responder: mut r } = Took::default();
        let mut trust_bob = self.trust_bob;
        let (alice, hello) = clocked(&mut i, || {
            let alice = AnonymousInitiator::new(PROLOGUE).suite(self.suite);
            psk.into_iter().fold(alice, AnonymousInitiator::psk).send_hello().unwrap()
        });
        let (bob, reply) = clocked(&mut r, || match self.responder(psk).read_any_hello(&hello).unwrap() {
            Hello::Anonymous(hello) => hello.send_reply(&mut Anonymous).unwrap(),
            Hello::Identified(_) => panic!("NX was opened"),
        });
        let alice = clocked(&mut i, || alice.read_reply(&reply).unwrap().into_channel(&mut trust_bob).unwrap());
        assert_eq!(alice.conversation().handshake_hash(), bob.conversation().handshake_hash());
        (Took { initiator: i, responder: r }, [hello, reply].iter().map(|message| message.len() - 2).collect())
    }
}
