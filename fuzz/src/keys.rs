//! Keys as bytes: public identities, and secrets as they are kept (docs/protocol.md, sections 2, 3.2, 3.5 and 4.1).
//!
//! What is read is given back byte for byte. Which secrets are keys is decided a second time: by their length with MLDSA65-Ed25519, by the one encoding of
//! `ECPrivateKey` and the order of P-384 with MLDSA87-P384. Points of small order are no public keys.

use crate::input::Input;
use crate::people::{LEVEL_3, LEVEL_5, OF_EACH, identities};
use crate::rng::Seeded;
use sha2::{Digest, Sha256};
use twinlock::identity::{PublicIdentity, SignatureAlgorithm, StatementSigned, StatementToSign};
use twinlock::{Error, Identity};

const EC_PRIVATE_KEY: [&[u8]; 2] = [&[0x30, 0x3E, 2, 1, 1, 4, 0x30], &[0xA0, 7, 6, 5, 0x2B, 0x81, 4, 0, 0x22]];
const P384_ORDER: [u8; 48] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xC7, 0x63, 0x4D, 0x81, 0xF4, 0x37, 0x2D, 0xDF, 0x58, 0x1A, 0x0D, 0xB2, 0x48, 0xB0, 0xA7, 0x7A, 0xEC, 0xEC, 0x19, 0x6A,
    0xCC, 0xC5, 0x29, 0x73,
];
/// Encodings of points of Ed25519 of order 1, 2, 4 and 8, canonical and not, without their sign.
const SMALL_ORDER: [(u8, u8, u8); 5] = [(0, 0, 0), (1, 0, 0), (0xEC, 0xFF, 0x7F), (0xED, 0xFF, 0x7F), (0xEE, 0xFF, 0x7F)];

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let algorithm = *input.pick(SignatureAlgorithm::ALL);
    check_table(algorithm);
    if input.flag() { public(algorithm, &mut input) } else { secret(algorithm, &mut input) }
}

fn public(algorithm: SignatureAlgorithm, input: &mut Input) {
    let base = identities()[input.below(2 * OF_EACH)].public();
    let mut bytes = base.as_bytes().to_vec();
    let lattice = bytes.len() - if base.algorithm() == LEVEL_3 { 32 } else { 97 };
    let small = input.byte() == 1;
    if small && base.algorithm() == LEVEL_3 {
        let (first, middle, last) = *input.pick(&SMALL_ORDER);
        bytes[lattice..].fill(middle);
        (bytes[lattice], bytes[lattice + 31]) = (first, last | input.byte() & 0x80);
    }
    let before = bytes.clone();
    input.change(&mut bytes, &[0, lattice, lattice + 1, lattice + 49, before.len()]);
    let read = PublicIdentity::from_bytes(algorithm, &bytes);
    let fits = bytes.len() == algorithm.public_key_len();
    match read {
        Ok(read) => {
            assert!(fits && !(small && algorithm == LEVEL_3 && bytes == before), "no key was read as one");
            assert!(algorithm == LEVEL_3 || bytes[lattice_len(algorithm)] == 4, "a point that is not uncompressed");
            check_public(&read, algorithm, &bytes);
        }
        Err(error) => {
            let good = fits && base.algorithm() == algorithm && !small && bytes[lattice..] == base.as_bytes()[lattice..];
            assert!(!good && error == Error::InvalidKey, "{error:?}");
        }
    }
}

fn lattice_len(algorithm: SignatureAlgorithm) -> usize {
    algorithm.public_key_len() - if algorithm == LEVEL_3 { 32 } else { 97 }
}

fn check_public(read: &PublicIdentity, algorithm: SignatureAlgorithm, bytes: &[u8]) {
    assert!(read.as_bytes() == bytes && read.algorithm() == algorithm);
    let parts = [b"twinlock1 identity".as_slice(), &algorithm.id().to_be_bytes(), bytes];
    assert_eq!(read.fingerprint().as_bytes(), Sha256::digest(parts.concat()).as_slice());
}

fn secret(algorithm: SignatureAlgorithm, input: &mut Input) {
    let mut bytes = identities()[input.below(2 * OF_EACH)].secret_bytes().expect("here").to_vec();
    if input.byte() % 8 == 1 && bytes.len() == 96 {
        let mut scalar = P384_ORDER;
        scalar[47] = scalar[47].wrapping_add_signed((input.byte() % 3).cast_signed() - 1);
        bytes[39..87].copy_from_slice(if input.byte() == 1 { &[0; 48] } else { &scalar });
    }
    let len = bytes.len();
    input.change(&mut bytes, &[0, 32, 39, len - 9, len]);
    match Identity::from_secret_bytes(algorithm, &bytes) {
        Ok(read) => {
            assert!(is_secret(algorithm, &bytes), "no key was read as one");
            assert!(read.secret_bytes() == Ok(&bytes) && read.public().algorithm() == algorithm);
            check_signs(&read);
            assert_eq!(PublicIdentity::from_bytes(algorithm, read.public().as_bytes()), Ok(read.public()));
        }
        Err(error) => assert!(!is_secret(algorithm, &bytes) && error == Error::InvalidKey, "{error:?}"),
    }
}

/// What the key signs verifies under its public half, and not under another.
pub fn check_signs(read: &Identity) {
    let (public, rng) = (read.public(), &mut Seeded::new(4));
    let draft = |public: &PublicIdentity| StatementToSign::revoked(public, 0).expect("one key alone");
    let signature = read.sign_with_rng(draft(&public).to_sign(), rng).expect("a good generator");
    assert_eq!(signature.len(), public.algorithm().signature_len());
    assert!(matches!(draft(&public).signed(&signature), Ok(StatementSigned::Whole(_))));
    let other = identities().iter().map(Identity::public).find(|other| *other != public).expect("eight");
    assert!(draft(&other).signed(&signature).is_err(), "a signature of another key was taken");
}

/// Section 2's table, and the names of the registry.
fn check_table(algorithm: SignatureAlgorithm) {
    let row = (
        algorithm.id(),
        algorithm.oid(),
        algorithm.title(),
        algorithm.public_key_len(),
        algorithm.signature_len(),
        algorithm.secret_key_len(),
    );
    let table = [
        (1, "1.3.6.1.5.5.7.6.48", "MLDSA65-Ed25519-SHA512", 1984, 3373, 64),
        (2, "1.3.6.1.5.5.7.6.49", "MLDSA87-ECDSA-P384-SHA512", 2689, 4731, 96),
    ];
    assert!(table.contains(&row) && algorithm.to_string() == row.2 && SignatureAlgorithm::from_id(row.0) == Some(algorithm));
}

fn is_secret(algorithm: SignatureAlgorithm, bytes: &[u8]) -> bool {
    let Some((_, rest)) = bytes.split_first_chunk::<32>() else { return false };
    if algorithm != LEVEL_5 {
        return rest.len() == 32;
    }
    let scalar = rest.strip_prefix(EC_PRIVATE_KEY[0]).and_then(|rest| rest.strip_suffix(EC_PRIVATE_KEY[1]));
    scalar.is_some_and(|scalar| scalar.len() == 48 && *scalar < P384_ORDER[..] && scalar.iter().any(|byte| *byte != 0))
}
