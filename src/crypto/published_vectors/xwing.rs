//! X-Wing: the draft's vectors, those of HPKE's KEM 0x647A, and the `x-wing` crate in both directions.

use super::{Coins, Fields, Ran, Stream, json, numbered};
use crate::crypto::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, Kem};
use std::vec::Vec;
use x_wing::{Decapsulate, Decapsulator, KeyExport};

fn from_seed(seed: Vec<u8>) -> (DecapsulationKey, EncapsulationKey) {
    DecapsulationKey::generate(Kem::XWing, &mut Coins(seed)).unwrap()
}

/// Key generation, encapsulation and decapsulation all as published.
fn agrees(seed: Vec<u8>, pk: &[u8], coins: Vec<u8>, ct: &[u8], shared: &[u8]) {
    let (dk, ek) = from_seed(seed);
    assert_eq!(ek.as_bytes(), pk);
    let (made, sent) = EncapsulationKey::from_bytes(Kem::XWing, pk).unwrap().encapsulate(&mut Coins(coins)).unwrap();
    assert_eq!((made.as_bytes(), sent.expose().as_slice()), (ct, shared));
    let received = dk.decapsulate(&Ciphertext::from_bytes(Kem::XWing, ct).unwrap()).unwrap();
    assert_eq!(received.expose(), shared);
}

#[test]
fn a_key_ciphertext_or_secret_differs_from_the_drafts() {
    let file = "xwing/draft-test-vectors.json";
    let mut ran = Ran::over(file);
    for (i, case) in numbered(json(file).as_array().unwrap()) {
        assert_eq!(case["seed"], case["sk"]);
        agrees(case.bytes("seed"), &case.bytes("pk"), case.bytes("eseed"), &case.bytes("ct"), &case.bytes("ss"));
        ran.count_at(i, "draft");
    }
    ran.exactly([("draft", 3)]);

    let file = "hpke-pq/test-vectors-0051-647a.json";
    let mut ran = Ran::over(file);
    for (i, case) in numbered(json(file).as_array().unwrap()).filter(|(_, case)| case["kem_id"] == 0x647a) {
        agrees(case.bytes("skRm"), &case.bytes("pkRm"), case.bytes("ikmE"), &case.bytes("enc"), &case.bytes("shared_secret"));
        ran.count_at(i, "HPKE");
    }
    ran.exactly([("HPKE", 2)]);
}

#[test]
fn another_implementation_does_not_understand_ours_or_ours_it() {
    let mut random = Stream::new("X-Wing against another implementation");
    for _ in 0..if cfg!(debug_assertions) { 20 } else { 500 } {
        let (seed, coins) = (random.array::<32>(), random.array::<64>());
        let (ours, ek) = from_seed(seed.to_vec());
        let theirs = x_wing::DecapsulationKey::from(seed);
        assert_eq!(ek.as_bytes(), theirs.encapsulation_key().to_bytes().as_slice());

        let (ct, sent) = ek.encapsulate(&mut Coins(coins.to_vec())).unwrap();
        assert_eq!(theirs.decapsulate(&ct.as_bytes().try_into().unwrap()).as_slice(), sent.expose());

        let (ct, sent) = theirs.encapsulation_key().encapsulate_deterministic(&random.array::<64>().into());
        let received = ours.decapsulate(&Ciphertext::from_bytes(Kem::XWing, ct.as_slice()).unwrap()).unwrap();
        assert_eq!(received.expose(), sent.as_slice());

        // A ciphertext that nobody made: implicit rejection gives both the same secret.
        let mut changed = ct.as_slice().to_vec();
        changed[usize::from(seed[0])] ^= 1;
        let received = ours.decapsulate(&Ciphertext::from_bytes(Kem::XWing, &changed).unwrap()).unwrap();
        assert_eq!(received.expose(), theirs.decapsulate(&changed.as_slice().try_into().unwrap()).as_slice());
        assert_ne!(received.expose(), sent.as_slice());
    }
}
