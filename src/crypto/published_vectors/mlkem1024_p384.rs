//! MLKEM1024-P384: the vector of HPKE's KEM 0x0051, and those of draft-irtf-cfrg-concrete-hybrid-kems-04, the state that is built.

use super::{Coins, Fields, Ran, Stream, json, numbered};
use crate::crypto::backend::MLKEM1024_CT;
use crate::crypto::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, Kem};
use crate::error::Error;

#[test]
fn a_key_ciphertext_or_secret_differs_from_the_drafts() {
    let file = "hpke-pq/test-vectors-0051-647a.json";
    let mut ran = Ran::over(file);
    for (i, case) in numbered(json(file).as_array().unwrap()).filter(|(_, case)| case["kem_id"] == 0x0051) {
        let (dk, ek) = DecapsulationKey::generate(Kem::MlKem1024P384, &mut Coins(case.bytes("skRm"))).unwrap();
        assert_eq!(ek.as_bytes(), case.bytes("pkRm"));
        let read = EncapsulationKey::from_bytes(Kem::MlKem1024P384, &case.bytes("pkRm")).unwrap();
        let (ct, sent) = read.encapsulate(&mut Coins(case.bytes("ikmE"))).unwrap();
        assert_eq!((ct.as_bytes(), sent.expose().as_slice()), (case.bytes("enc").as_slice(), case.bytes("shared_secret").as_slice()));
        let received = dk.decapsulate(&Ciphertext::from_bytes(Kem::MlKem1024P384, &case.bytes("enc")).unwrap()).unwrap();
        assert_eq!(received.expose(), case.bytes("shared_secret").as_slice());
        ran.count_at(i, "HPKE");
    }
    ran.exactly([("HPKE", 1)]);
}

/// Each secret is a hash of both halves' secrets, the point sent, the point received and the label, so it is right only where all of them are.
#[test]
fn another_state_of_the_draft_is_built() {
    let file = "concrete-hybrid-kems/appendix-b3.json";
    let mut ran = Ran::over(file);
    for (i, case) in numbered(json(file).list("cases")) {
        let (dk, ek) = DecapsulationKey::generate(Kem::MlKem1024P384, &mut Coins(case.bytes("seed"))).unwrap();
        let (ct, sent) = ek.encapsulate(&mut Coins(case.bytes("randomness"))).unwrap();
        assert_eq!(sent.expose(), case.bytes("shared_secret").as_slice());
        assert_eq!(dk.decapsulate(&ct).unwrap().expose(), sent.expose());
        ran.count_at(i, "draft 04");
    }
    ran.exactly([("draft 04", 6)]);
}

#[test]
fn a_ciphertext_with_no_point_gives_a_secret() {
    let (dk, ek) = DecapsulationKey::generate(Kem::MlKem1024P384, &mut Stream::new("a key")).unwrap();
    let (ct, sent) = ek.encapsulate(&mut Stream::new("coins")).unwrap();
    let open = |bytes: &[u8]| dk.decapsulate(&Ciphertext::from_bytes(Kem::MlKem1024P384, bytes).unwrap());
    for at in [MLKEM1024_CT, MLKEM1024_CT + 1, MLKEM1024_CT + 96] {
        let mut changed = ct.as_bytes().to_vec();
        changed[at] ^= 1;
        assert_eq!(open(&changed).err(), Some(Error::Authentication));
    }
    // The other half: implicit rejection.
    let mut changed = ct.as_bytes().to_vec();
    changed[0] ^= 1;
    assert_ne!(open(&changed).unwrap().expose(), sent.expose());
    assert_eq!(open(ct.as_bytes()).unwrap().expose(), sent.expose());
}

/// The chance is below 2^-192; a generator that gives nothing but ones gets there.
#[test]
fn coins_that_make_no_scalar_make_a_ciphertext() {
    let (_, ek) = DecapsulationKey::generate(Kem::MlKem1024P384, &mut Stream::new("a key")).unwrap();
    assert_eq!(ek.encapsulate(&mut super::Constant(255)).err(), Some(Error::Randomness));
    assert_eq!(ek.encapsulate(&mut super::Constant(0)).err(), Some(Error::Randomness));
}
