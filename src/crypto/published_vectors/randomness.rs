//! What the generator does to keys, ciphertexts and signatures.

use super::{Coins, Constant, Stream};
use crate::crypto::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, Kem};
use crate::crypto::signature::{SignatureAlgorithm, SigningKey};
use crate::error::Error;
use std::vec;

const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::MlDsa65Ed25519;

#[test]
fn a_generator_that_fails_makes_a_key_ciphertext_or_signature() {
    let failed = Some(Error::Randomness);
    let (_, ek) = DecapsulationKey::generate(Kem::XWing, &mut Coins(vec![1; 32])).unwrap();
    let secret = SigningKey::generate(ALGORITHM, &mut Coins(vec![1; 64])).unwrap();
    // One byte is missing, or all are.
    for short in [1, usize::MAX] {
        let coins = |needed: usize| Coins(vec![1; needed.saturating_sub(short)]);
        assert_eq!(DecapsulationKey::generate(Kem::XWing, &mut coins(32)).err(), failed);
        assert_eq!(ek.encapsulate(&mut coins(64)).err(), failed);
        assert_eq!(SigningKey::generate(ALGORITHM, &mut coins(64)).err(), failed);
        assert_eq!(secret.sign(b"", b"message", &mut coins(32)).err(), failed);
    }
    assert!(ek.encapsulate(&mut Coins(vec![1; 64])).is_ok());
    assert!(secret.sign(b"", b"message", &mut Coins(vec![1; 32])).is_ok());
}

#[test]
fn a_constant_generator_is_not_repeatable() {
    let run = || {
        let (dk, ek) = DecapsulationKey::generate(Kem::XWing, &mut Constant(3)).unwrap();
        let (ct, sent) = ek.encapsulate(&mut Constant(4)).unwrap();
        assert_eq!(dk.decapsulate(&ct).unwrap().expose(), sent.expose());
        let secret = SigningKey::generate(ALGORITHM, &mut Constant(5)).unwrap();
        let signature = secret.sign(b"context", b"message", &mut Constant(6)).unwrap();
        assert_eq!(secret.public().verify(b"context", b"message", &signature), Ok(()));
        let made = [ek.as_bytes(), ct.as_bytes(), sent.expose(), secret.public().as_bytes(), signature.as_bytes()];
        made.concat()
    };
    assert_eq!(run(), run());
}

#[test]
fn signing_the_same_thing_twice_gives_the_same_bytes() {
    let secret = SigningKey::generate(ALGORITHM, &mut Constant(5)).unwrap();
    let mut rng = Stream::new("hedges");
    let [one, two] = [0; 2].map(|_| secret.sign(b"context", b"message", &mut rng).unwrap());
    assert!(one.as_bytes()[..64] != two.as_bytes()[..64]);
    for signature in [one, two] {
        assert_eq!(secret.public().verify(b"context", b"message", &signature), Ok(()));
    }
}

#[test]
fn encapsulating_twice_to_one_key_gives_the_same_secret() {
    let mut rng = Stream::new("coins");
    let (_, ek) = DecapsulationKey::generate(Kem::XWing, &mut rng).unwrap();
    let [(ct_1, ss_1), (ct_2, ss_2)] = [0; 2].map(|_| ek.encapsulate(&mut rng).unwrap());
    assert!(ct_1.as_bytes()[..32] != ct_2.as_bytes()[..32] && ct_1.as_bytes()[1088..] != ct_2.as_bytes()[1088..]);
    assert_ne!(ss_1.expose(), ss_2.expose());
}

#[test]
fn a_ciphertext_or_key_of_another_length_is_taken() {
    let (_, ek) = DecapsulationKey::generate(Kem::XWing, &mut Constant(1)).unwrap();
    let (ct, _) = ek.encapsulate(&mut Constant(2)).unwrap();
    let wrong =
        |right: &[u8]| [right[1..].to_vec(), right[..right.len() - 1].to_vec(), [right, &[0]].concat(), [right, right].concat(), vec![]];
    for bytes in wrong(ct.as_bytes()) {
        assert_eq!(Ciphertext::from_bytes(Kem::XWing, &bytes).err(), Some(Error::Malformed));
    }
    for bytes in wrong(ek.as_bytes()) {
        assert_eq!(EncapsulationKey::from_bytes(Kem::XWing, &bytes).err(), Some(Error::Malformed));
    }
}

/// The X25519 half stands in the combiner as it came: whoever changes it gets another secret, even where the curve would not notice the change.
#[test]
fn a_ciphertext_in_another_encoding_opens_to_the_same_secret() {
    let (dk, ek) = DecapsulationKey::generate(Kem::XWing, &mut Constant(1)).unwrap();
    let (ct, sent) = ek.encapsulate(&mut Constant(2)).unwrap();
    let mut changed = ct.as_bytes().to_vec();
    *changed.last_mut().unwrap() ^= 0x80;
    let opened = dk.decapsulate(&Ciphertext::from_bytes(Kem::XWing, &changed).unwrap()).unwrap();
    assert_ne!(opened.expose(), sent.expose());
}
