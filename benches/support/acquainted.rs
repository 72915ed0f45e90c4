//! Two that know each other, in a suite, and what it costs each to meet again: in `IK` by their bundles, in `resume` by a secret of their last conversation.
#![allow(dead_code, reason = "each program uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark that cannot go on stops")]

use super::{PROLOGUE, Parties, Took, clocked};
use std::sync::Arc;
use twinlock::acquaintances::{Acquaintances, AddressBook, Book};
use twinlock::channel::{Resumption, Role};
use twinlock::handshake::{AcquaintedInitiator, AnyHello, Decoys, Psk, Responder, ResumeInitiator};
use twinlock::identity::StaticKey;
use twinlock::{Channel, Suite};

/// When it is, in seconds since 1970.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Each with a static key, and with the other's bundle.
pub(crate) struct Acquainted {
    pub(crate) parties: Parties,
    pub(crate) alice: Arc<StaticKey>,
    pub(crate) bob: Arc<StaticKey>,
    /// What the responder keeps.
    pub(crate) book: Book,
    pub(crate) decoys: Arc<Decoys>,
}

/// Both sides' record of a conversation, each in a store of its own.
pub(crate) struct Remembered {
    pub(crate) record: Arc<Resumption>,
    pub(crate) opener: Book,
    pub(crate) answerer: Book,
}

impl Acquainted {
    pub(crate) fn new(suite: Suite) -> Self {
        let parties = Parties::new(suite);
        let [mut alices, mut book] = [Book::new(), Book::new()];
        let alice = alices.renew(&parties.alice, suite, NOW).unwrap();
        let bob = book.renew(&parties.bob, suite, NOW).unwrap();
        let _ = book.take_bundle(alice.bundle().clone(), NOW).unwrap();
        Self { parties, alice, bob, book, decoys: Arc::new(Decoys::generate().unwrap()) }
    }

    pub(crate) fn responder(&self, psk: Option<&Psk>) -> Responder {
        self.parties.responder(psk).decoys(&self.decoys).now(NOW)
    }

    /// `IK`: what it took, and the bytes of each message's body; the third is the `Confirm`.
    pub(crate) fn ik(&self, psk: Option<&Psk>) -> (Took, Vec<usize>) {
        let (took, bodies, _) = self.meet(psk);
        (took, bodies)
    }

    /// The same, and both ends' channels.
    pub(crate) fn meet(&self, psk: Option<&Psk>) -> (Took, Vec<usize>, [Channel; 2]) {
        let Took { initiator: mut i, responder: mut r } = Took::default();
        let (mut trust_alice, mut trust_bob) = (self.parties.trust_alice, self.parties.trust_bob);
        let (alice, hello) = clocked(&mut i, || {
            let alice = AcquaintedInitiator::new(&self.alice, self.bob.bundle(), PROLOGUE, NOW);
            psk.into_iter().fold(alice, AcquaintedInitiator::psk).send_hello().unwrap()
        });
        let (bob, reply) = clocked(&mut r, || match self.responder(psk).read_hello_with(&hello, &self.book).unwrap() {
            AnyHello::Acquainted(hello) => hello.send_reply().unwrap(),
            _ => panic!("IK was opened"),
        });
        let (alice, confirm) = clocked(&mut i, || alice.read_reply(&reply).unwrap().send_confirm(&mut trust_bob).unwrap());
        let bob = clocked(&mut r, || bob.read_confirm(&confirm).unwrap().into_channel(&mut trust_alice).unwrap());
        assert_eq!(alice.conversation().handshake_hash(), bob.conversation().handshake_hash());
        let bodies = [hello, reply, confirm].iter().map(|message| message.len() - 2).collect();
        (Took { initiator: i, responder: r }, bodies, [alice, bob])
    }

    /// Two stores with the record of a conversation in `IK` that just began.
    pub(crate) fn remember(&self) -> Remembered {
        Remembered::of(self.meet(None).2)
    }

    /// `resume`: what it took, with the removal from stores in memory, and the bytes of each message's body. What the two keep of it comes after it.
    pub(crate) fn resume(&self, remembered: Remembered) -> (Took, Vec<usize>, Remembered) {
        let Took { initiator: mut i, responder: mut r } = Took::default();
        let (mut trust_alice, mut trust_bob) = (self.parties.trust_alice, self.parties.trust_bob);
        let Remembered { record, mut opener, mut answerer } = remembered;
        let (alice, hello) = clocked(&mut i, || {
            let alice = ResumeInitiator::new(record, PROLOGUE).judge(&mut trust_bob).unwrap();
            alice.send_hello(&mut opener, NOW).unwrap()
        });
        let (bob, reply) = clocked(&mut r, || {
            let AnyHello::Resume(read) = self.responder(None).read_hello_with(&hello, &answerer).unwrap() else {
                panic!("resume was opened");
            };
            read.remove(&mut answerer).unwrap().judge(&mut trust_alice).unwrap().send_reply().unwrap()
        });
        let alice = clocked(&mut i, || alice.read_reply(&reply).unwrap().into_channel().unwrap());
        assert_eq!(alice.conversation().handshake_hash(), bob.conversation().handshake_hash());
        let bodies = [hello, reply].iter().map(|message| message.len() - 2).collect();
        (Took { initiator: i, responder: r }, bodies, Remembered::of([alice, bob]))
    }
}

impl Remembered {
    fn of(channels: [Channel; 2]) -> Self {
        let [record, answered] = channels.map(|mut channel| channel.keep_resumption(NOW).unwrap().unwrap());
        let id = *record.id();
        let [mut opener, mut answerer] = [Book::new(), Book::new()];
        assert!(opener.keep(record, NOW).unwrap() && answerer.keep(answered, NOW).unwrap());
        let record = opener.resumption(Role::Opener, &id, NOW).unwrap().unwrap();
        Self { record, opener, answerer }
    }
}
