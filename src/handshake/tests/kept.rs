//! Static keys as they are kept, of every KEM.

use super::rng::Seeded;
use crate::crypto::kem::kept::KeptKey;
use crate::crypto::kem::{EncapsulationKey, Kem};
use crate::error::Error;

const KEMS: &[Kem] = &[
    Kem::XWing,
    #[cfg(feature = "level5")]
    Kem::MlKem1024P384,
    #[cfg(feature = "round3")]
    Kem::X25519Kyber768R3,
];

#[test]
fn a_key_that_was_kept_opens_something_else() {
    for kem in KEMS.iter().copied() {
        let (key, ek) = KeptKey::generate(kem, &mut Seeded::new(1)).unwrap();
        assert_eq!(key.expose().len(), KeptKey::kept_len(kem));
        let (again, same) = KeptKey::from_kept(kem, key.expose()).unwrap();
        assert!(ek == same && again.expose() == key.expose());
        let (ct, ss) = ek.encapsulate(&mut Seeded::new(1)).unwrap();
        for key in [key, again] {
            // Twice: it is kept to be used more than once.
            assert_eq!([(); 2].map(|()| *key.decapsulate(&ct).unwrap().expose()), [*ss.expose(); 2]);
        }
    }
}

#[test]
fn a_kept_key_of_another_length_is_taken() {
    for kem in KEMS.iter().copied() {
        let len = KeptKey::kept_len(kem);
        let (key, _) = KeptKey::generate(kem, &mut Seeded::new(1)).unwrap();
        let longer = [key.expose(), &[0]].concat();
        for bytes in [&[][..], &longer[..len - 1], &longer, &[7; 2400], &[7; 96]] {
            assert_eq!(KeptKey::from_kept(kem, bytes).err(), Some(Error::InvalidKey), "{kem:?}, {} bytes", bytes.len());
        }
    }
}

/// An expanded key whose halves are of two keys opens nothing that is sent to it.
#[cfg(feature = "round3")]
#[test]
fn a_kept_key_of_round_3_is_made_of_two() {
    let kem = Kem::X25519Kyber768R3;
    let [one, other] = [1, 2].map(|seed| KeptKey::generate(kem, &mut Seeded::new(seed)).unwrap().0);
    let mixed = [&one.expose()[..1152], &other.expose()[1152..]].concat();
    assert_eq!(KeptKey::from_kept(kem, &mixed).err(), Some(Error::InvalidKey));
}

/// Where X25519 gives zero, with one secret as with every other.
#[test]
fn a_key_to_which_nothing_can_be_sent_counts_as_usable() {
    for kem in KEMS.iter().copied().filter(|kem| kem.ciphertext_len() != 1665) {
        let (_, ek) = KeptKey::generate(kem, &mut Seeded::new(1)).unwrap();
        assert!(ek.can_be_used());
        let mut bytes = ek.as_bytes().to_vec();
        bytes[1184..].fill(0);
        for first in [0, 1] {
            bytes[1184] = first;
            let low = EncapsulationKey::from_bytes(kem, &bytes).unwrap();
            assert!(!low.can_be_used() && low.encapsulate(&mut Seeded::new(1)).is_err());
        }
    }
}
