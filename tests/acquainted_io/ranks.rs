//! A peer once spoken to in one rank is not spoken to in a lower one, whatever is kept from before.
#![cfg(feature = "level5")]

use crate::people::{ALL, acquainted, call_with, protocol};
use tempfile::tempdir;
use twinlock::acquaintances::{AddressBook, Way};
use twinlock::identity::SignatureAlgorithm;
use twinlock::trust::{KnownPeers, Met, danger::TrustAnyone};
use twinlock::{Distrust, Error, Identity, Suite};

#[test]
fn a_record_or_a_bundle_of_a_lower_rank_is_used() {
    let (alice, bob) = acquainted();
    let new = Identity::generate_for(SignatureAlgorithm::MlDsa87P384).unwrap();
    let home = tempdir().unwrap();
    let mut known = KnownPeers::open(home.path().join("peers")).unwrap();
    known.add("bob", bob.fingerprint(), Suite::Level3ChaCha, Met::Verified).unwrap();
    let call = |known: &mut KnownPeers, ways: &[Way]| {
        call_with(&alice.calling(&bob, ways), &bob.listening(), (&mut known.expect("bob"), TrustAnyone), |_, _, _| ())
    };
    assert!(call(&mut known, &ALL).caller.is_ok());
    // He moves to level 5, and speaks in it.
    known.add("bob", new.fingerprint(), Suite::Level5Aes, Met::Verified).unwrap();
    for (way, pattern) in [(Way::Resumed, 7), (Way::Acquainted, 5), (Way::Met, 1)] {
        let called = call(&mut known, &[way, Way::Acquainted, Way::Met]);
        let failed = called.caller.as_ref().unwrap_err();
        assert_eq!((failed.way(), failed.next()), (Some(way), None));
        assert_eq!(protocol(failed.error()), Some(Error::Untrusted(Distrust::WeakerSuite)));
        // In a resume before anything is sent; else before anything is shown.
        assert_eq!(called.patterns(), if pattern == 7 { vec![] } else { vec![pattern] });
        assert!(called.answered.iter().all(Result::is_err) && called.answered.len() == 1);
        if way == Way::Resumed {
            // It stays, as long as its owner does not remove it.
            assert!(alice.record(&bob).is_some());
            while let Some(record) = alice.record(&bob) {
                assert!(alice.keeper.clone().remove(record.role(), record.id(), alice.keeper.now()).unwrap());
            }
        } else {
            alice.keeper.store().forget(bob.fingerprint()).unwrap();
        }
    }
}
