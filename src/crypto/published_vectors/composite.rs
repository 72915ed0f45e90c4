//! The composite signatures: the draft's vectors, and what happens when a half is not what it should be. The tests are written once, and stand in a module for
//! each algorithm.

macro_rules! tests {
    ($algorithm:ident, $name:literal, first: $pk:literal, $sig:literal, draws_nothing: $deterministic:literal) => {
        use crate::crypto::published_vectors::{Constant, Fields, Ran, Stream, base64, json, numbered};
        use crate::crypto::signature::{Signature, SignatureAlgorithm, SigningKey, VerifyingKey};
        use crate::error::Error;
        use std::vec::Vec;

        const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::$algorithm;
        /// Bytes of the first half of a public key, and of a signature.
        const FIRST_PK: usize = $pk;
        const FIRST_SIG: usize = $sig;
        /// Whether the second half of a signature is the same whoever signs.
        const DETERMINISTIC: bool = $deterministic;

        const FILE: &str = "composite-sigs/testvectors.json.gz";

        struct Published {
            number: u64,
            message: Vec<u8>,
            context: Vec<u8>,
            secret: Vec<u8>,
            public: Vec<u8>,
            plain: Vec<u8>,
            with_context: Vec<u8>,
        }

        fn published() -> Published {
            let file = json(FILE);
            let mut entries = numbered(file.list("tests")).filter(|(_, entry)| entry["tcId"] == concat!("id-", $name));
            let (Some((number, entry)), None) = (entries.next(), entries.next()) else { panic!("not one entry") };
            Published {
                number,
                message: base64(file.text("m")),
                context: base64(file.text("ctx")),
                secret: base64(entry.text("sk")),
                public: base64(entry.text("pk")),
                plain: padded(base64(entry.text("s"))),
                with_context: padded(base64(entry.text("sWithContext"))),
            }
        }

        /// With the zero bytes that fill its place on the wire.
        fn padded(mut signature: Vec<u8>) -> Vec<u8> {
            assert!(signature.len() <= ALGORITHM.signature_len());
            signature.resize(ALGORITHM.signature_len(), 0);
            signature
        }

        fn count(p: &Published, outcome: &str) {
            let mut ran = Ran::over(FILE);
            ran.count_at(p.number, outcome);
            ran.exactly([(outcome, 1)]);
        }

        fn key(public: &[u8]) -> VerifyingKey {
            VerifyingKey::from_bytes(ALGORITHM, public).unwrap()
        }

        fn verify(public: &VerifyingKey, context: &[u8], message: &[u8], signature: &[u8]) -> Result<(), Error> {
            public.verify(context, message, &Signature::from_bytes(ALGORITHM, signature)?)
        }

        #[test]
        fn a_published_signature_does_not_verify() {
            let p = published();
            let public = key(&p.public);
            assert_eq!(verify(&public, b"", &p.message, &p.plain), Ok(()));
            assert_eq!(verify(&public, &p.context, &p.message, &p.with_context), Ok(()));
            count(&p, "verifies");
        }

        #[test]
        fn a_published_secret_key_gives_another_public_key() {
            let p = published();
            let secret = SigningKey::from_secret_bytes(ALGORITHM, &p.secret).unwrap();
            assert_eq!(secret.public().as_bytes(), p.public);
            assert_eq!(secret.secret_bytes(), p.secret);
            count(&p, "the key");
        }

        /// Where the second half draws nothing, it is the same whoever signs. Of the rest this shows that it verifies under the published key.
        #[test]
        fn we_sign_otherwise_than_published() {
            let p = published();
            let secret = SigningKey::from_secret_bytes(ALGORITHM, &p.secret).unwrap();
            for (context, expected) in [(b"".as_slice(), &p.plain), (&p.context, &p.with_context)] {
                let made = secret.sign(context, &p.message, &mut Constant(0)).unwrap();
                assert_eq!(made.as_bytes()[FIRST_SIG..] == expected[FIRST_SIG..], DETERMINISTIC);
                assert_eq!(verify(&key(&p.public), context, &p.message, made.as_bytes()), Ok(()));
            }
            count(&p, "signs");
        }

        #[test]
        fn a_signature_verifies_under_another_context_message_or_key() {
            let p = published();
            let public = key(&p.public);
            let no = Err(Error::Authentication);
            assert_eq!(verify(&public, &p.context, &p.message, &p.plain), no);
            assert_eq!(verify(&public, b"", &p.message, &p.with_context), no);
            assert_eq!(verify(&public, &p.context[1..], &p.message, &p.with_context), no);
            assert_eq!(verify(&public, b"", &p.message[1..], &p.plain), no);
            let other = SigningKey::generate(ALGORITHM, &mut Stream::new("another key")).unwrap();
            assert_eq!(verify(other.public(), b"", &p.message, &p.plain), no);
            // One half of the key is right.
            for half in [
                [&p.public[..FIRST_PK], &other.public().as_bytes()[FIRST_PK..]],
                [&other.public().as_bytes()[..FIRST_PK], &p.public[FIRST_PK..]],
            ] {
                assert_eq!(verify(&key(&half.concat()), b"", &p.message, &p.plain), no);
            }
        }

        #[test]
        fn a_signature_with_a_flipped_bit_verifies() {
            let p = published();
            let public = key(&p.public);
            // In debug every 13th byte of the first half, and all of the second.
            let step = if cfg!(debug_assertions) { 13 } else { 1 };
            for at in (0..FIRST_SIG).step_by(step).chain(FIRST_SIG..p.plain.len()) {
                let mut signature = p.plain.clone();
                signature[at] ^= 1 << (at % 8);
                assert_eq!(verify(&public, b"", &p.message, &signature), Err(Error::Authentication), "byte {at}");
            }
        }

        #[test]
        fn one_true_half_is_enough() {
            let secret = SigningKey::generate(ALGORITHM, &mut Stream::new("a key")).unwrap();
            let (context, rng) = (b"context", &mut Stream::new("hedges"));
            let [this, again] = [0; 2].map(|_| secret.sign(context, b"this", rng).unwrap());
            let other = secret.sign(context, b"other", rng).unwrap();
            let join = |a: &Signature, b: &Signature| [&a.as_bytes()[..FIRST_SIG], &b.as_bytes()[FIRST_SIG..]].concat();
            for (joined, expected) in [
                (join(&this, &again), Ok(())),
                (join(&this, &other), Err(Error::Authentication)),
                (join(&other, &this), Err(Error::Authentication)),
            ] {
                assert_eq!(verify(secret.public(), context, b"this", &joined), expected);
            }
        }

        #[test]
        fn a_signature_or_key_of_another_length_is_taken() {
            let p = published();
            for wrong in [[p.plain.as_slice(), &[0]].concat(), p.plain[1..].to_vec(), p.plain[..FIRST_SIG].to_vec(), Vec::new()] {
                assert_eq!(Signature::from_bytes(ALGORITHM, &wrong).err(), Some(Error::Malformed));
            }
            for wrong in [[p.public.as_slice(), &[0]].concat(), p.public[1..].to_vec(), p.public[..p.public.len() - 1].to_vec(), Vec::new()]
            {
                assert_eq!(VerifyingKey::from_bytes(ALGORITHM, &wrong).err(), Some(Error::InvalidKey));
            }
            for wrong in [[p.secret.as_slice(), &[0]].concat(), p.secret[1..].to_vec(), Vec::new()] {
                assert_eq!(SigningKey::from_secret_bytes(ALGORITHM, &wrong).err(), Some(Error::InvalidKey));
            }
        }

        #[test]
        fn a_context_above_255_bytes_is_signed_or_verified() {
            let secret = SigningKey::generate(ALGORITHM, &mut Constant(5)).unwrap();
            let long = [1; 256];
            let made = secret.sign(&long[1..], b"message", &mut Constant(6)).unwrap();
            assert_eq!(secret.public().verify(&long[1..], b"message", &made), Ok(()));
            assert_eq!(secret.sign(&long, b"message", &mut Constant(6)).err(), Some(Error::TooLong));
            assert_eq!(secret.public().verify(&long, b"message", &made), Err(Error::TooLong));
        }
    };
}

mod level3 {
    tests!(MlDsa65Ed25519, "MLDSA65-Ed25519-SHA512", first: 1952, 3309, draws_nothing: true);
}

#[cfg(feature = "level5")]
mod level5 {
    tests!(MlDsa87P384, "MLDSA87-ECDSA-P384-SHA512", first: 2592, 4627, draws_nothing: false);
}
