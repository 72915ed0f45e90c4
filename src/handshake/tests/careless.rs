//! A store that does not do as it should.

use super::book::{Book, DAY};
use super::rng::Seeded;
use crate::acquaintances::AddressBook;
use crate::channel::{Resumption, Role};
use crate::error::Error;
use crate::handshake::{AcquaintedInitiator, AnyHello, Decoys, Responder, Suite};
use crate::identity::{Bundle, Identity, StaticKey};
use std::sync::Arc;
use std::vec::Vec;

const NOW: u64 = 10 * DAY;
const PROLOGUE: &[u8] = b"careless/1";

/// Gives this bundle, whatever it is asked for.
struct Gives(Book, Option<Arc<Bundle>>);

impl AddressBook for Gives {
    fn static_keys(&self, suite: Suite, now: u64) -> Result<Vec<Arc<StaticKey>>, Error> {
        self.0.static_keys(suite, now)
    }

    fn acquaintance(&self, _: Suite, _: &[u8; 32], _: u64) -> Result<Option<Arc<Bundle>>, Error> {
        Ok(self.1.clone())
    }

    fn resumption(&self, _: Role, _: &[u8; 16], _: u64) -> Result<Option<Arc<Resumption>>, Error> {
        Ok(None)
    }

    fn remove(&mut self, _: Role, _: &[u8; 16], _: u64) -> Result<bool, Error> {
        Ok(false)
    }
}

/// Another's bundle, one of another suite, and one that is over: message 2 is the decoy's each time, byte for byte.
#[test]
fn a_bundle_that_was_not_named_or_is_over_is_answered() {
    let suite = Suite::Level3ChaCha;
    let [alice, bob, carol] = [1, 2, 3].map(super::identity);
    let key = |me: &Identity, suite, to| Arc::new(StaticKey::generate_with_rng(me, suite, DAY, to, &mut Seeded::new(4)).unwrap());
    let (mine, theirs, over) = (key(&alice, suite, 20 * DAY), key(&bob, suite, 20 * DAY), key(&alice, suite, NOW));
    let decoys = Arc::new(Decoys::generate_with_rng(&mut Seeded::new(5)).unwrap());
    let answer = |from: &StaticKey, opened: u64, found: Option<&Arc<StaticKey>>| {
        let initiator = AcquaintedInitiator::new(from, theirs.bundle(), PROLOGUE, opened);
        let (_, hello) = initiator.send_hello_with_rng(&mut Seeded::new(6)).unwrap();
        let book = Gives(Book::of(&theirs, &[]), found.map(|key| Arc::new(key.bundle().clone())));
        let responder = Responder::new(&bob, PROLOGUE).suites(&[suite]).decoys(&decoys).now(NOW);
        let AnyHello::Acquainted(heard) = responder.read_hello_with(&hello, &book).unwrap() else { panic!() };
        heard.send_reply_with_rng(&mut Seeded::new(7)).unwrap().1
    };
    let decoy = answer(&mine, NOW, None);
    assert!(answer(&mine, NOW, Some(&mine)) != decoy);
    assert!(answer(&mine, NOW, Some(&key(&carol, suite, 20 * DAY))) == decoy);
    assert!(answer(&mine, NOW, Some(&key(&alice, Suite::Level3Aes, 20 * DAY))) == decoy);
    assert!(answer(&over, NOW - 1, Some(&over)) == answer(&over, NOW - 1, None));
}
