//! The tokens, as their sender and their reader do them (docs/protocol.md, section 6.4).
//!
//! They know nothing of headers and statuses, so that a test can run them against another implementation of PQNoise.

use super::pattern::{Pattern, Role};
use crate::crypto::kem::kept::KeptKey;
use crate::crypto::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, Kem};
use crate::crypto::signature::{Signature, SignatureAlgorithm};
use crate::error::Error;
use crate::identity::{PublicIdentity, ToSign};
use crate::symmetric::SymmetricState;
use crate::wire::Reader;
use alloc::vec::Vec;
use rand_core::TryCryptoRng;

/// `e`: the encapsulation key in clear. In a psk pattern it is mixed into the key too, so that nothing is encrypted under the psk alone (Noise, section 9.3).
pub(super) fn write_e(state: &mut SymmetricState, ek: &EncapsulationKey, psk: bool, out: &mut Vec<u8>) -> Result<(), Error> {
    out.extend_from_slice(ek.as_bytes());
    mix_e(state, ek, psk)
}

/// `e`: a key that fails its check is [`Error::Malformed`], before anything else is done with it.
pub(super) fn read_e(state: &mut SymmetricState, kem: Kem, psk: bool, body: &mut Reader<'_>) -> Result<EncapsulationKey, Error> {
    let ek = EncapsulationKey::from_bytes(kem, body.bytes(kem.encapsulation_key_len())?)?;
    mix_e(state, &ek, psk)?;
    Ok(ek)
}

/// `e`, where the key was checked before, once for several runs of the transcript.
pub(super) fn mix_e(state: &mut SymmetricState, ek: &EncapsulationKey, psk: bool) -> Result<(), Error> {
    state.mix_hash(ek.as_bytes());
    if psk { state.mix_key(ek.as_bytes()) } else { Ok(()) }
}

/// `ekem`: encapsulates to the peer's ephemeral key; the ciphertext in clear.
pub(super) fn write_ekem(
    state: &mut SymmetricState,
    ek: &EncapsulationKey,
    rng: &mut impl TryCryptoRng,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let (ct, ss) = ek.encapsulate(rng)?;
    out.extend_from_slice(ct.as_bytes());
    state.mix_hash(ct.as_bytes());
    state.mix_key(ss.expose())
}

/// `ekem`: uses the ephemeral key up.
pub(super) fn read_ekem(state: &mut SymmetricState, kem: Kem, e: DecapsulationKey, body: &mut Reader<'_>) -> Result<(), Error> {
    let ct = Ciphertext::from_bytes(kem, body.bytes(kem.ciphertext_len())?)?;
    let ss = e.decapsulate(&ct)?;
    state.mix_hash(ct.as_bytes());
    state.mix_key(ss.expose())
}

/// `skem`: encapsulates to the static key of the peer's bundle.
pub(super) fn write_skem(
    state: &mut SymmetricState,
    ek: &EncapsulationKey,
    rng: &mut impl TryCryptoRng,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let (ct, ss) = ek.encapsulate(rng)?;
    state.encrypt_and_hash(ct.as_bytes(), out)?;
    state.mix_key_and_hash(ss.expose())
}

/// `skem`: where the ciphertext has a tag, the static key decapsulates only once that verified.
pub(super) fn read_skem(state: &mut SymmetricState, kem: Kem, key: &KeptKey, body: &mut Reader<'_>) -> Result<(), Error> {
    let sealed = body.bytes(kem.ciphertext_len().saturating_add(state.overhead()))?;
    let ct = Ciphertext::from_bytes(kem, &state.decrypt_and_hash(sealed)?)?;
    let ss = key.decapsulate(&ct)?;
    state.mix_key_and_hash(ss.expose())
}

/// `sref`: the reference to the sender's own bundle.
pub(super) fn write_sref(state: &mut SymmetricState, reference: &[u8; 32], out: &mut Vec<u8>) -> Result<(), Error> {
    state.encrypt_and_hash(reference, out)
}

/// `sref`: nothing says yet that its owner sent it.
pub(super) fn read_sref(state: &mut SymmetricState, body: &mut Reader<'_>) -> Result<[u8; 32], Error> {
    let sealed = body.bytes(state.overhead().saturating_add(32))?;
    state.decrypt_and_hash(sealed)?.try_into().map_err(|_| Error::Malformed)
}

/// `s`: the identity's public key.
pub(super) fn write_s(state: &mut SymmetricState, identity: &PublicIdentity, out: &mut Vec<u8>) -> Result<(), Error> {
    state.encrypt_and_hash(identity.as_bytes(), out)
}

/// `s`: a key that does not decode fails as its tag would.
pub(super) fn read_s(state: &mut SymmetricState, algorithm: SignatureAlgorithm, body: &mut Reader<'_>) -> Result<PublicIdentity, Error> {
    let sealed = body.bytes(algorithm.public_key_len().saturating_add(state.overhead()))?;
    let key = state.decrypt_and_hash(sealed)?;
    PublicIdentity::from_bytes(algorithm, &key).map_err(|_| Error::Authentication)
}

/// What `sig` covers now: the raw handshake hash, under the context of who signs.
pub(super) fn to_sign(state: &SymmetricState, pattern: Pattern, signer: Role) -> ToSign {
    ToSign { context: pattern.context(signer), message: state.handshake_hash().to_vec() }
}

/// `sig`: the signature over [`to_sign`].
pub(super) fn write_sig(state: &mut SymmetricState, signature: &Signature, out: &mut Vec<u8>) -> Result<(), Error> {
    state.encrypt_and_hash(signature.as_bytes(), out)
}

/// `sig`: both halves are verified.
pub(super) fn read_sig(
    state: &mut SymmetricState,
    pattern: Pattern,
    signer: Role,
    peer: &PublicIdentity,
    body: &mut Reader<'_>,
) -> Result<(), Error> {
    let to_sign = to_sign(state, pattern, signer);
    let sealed = body.bytes(peer.algorithm().signature_len().saturating_add(state.overhead()))?;
    let signature = Signature::from_bytes(peer.algorithm(), &state.decrypt_and_hash(sealed)?)?;
    peer.verify(&to_sign, &signature)
}

/// The payload ends every message; its tag, also an empty payload's, confirms the keys.
pub(super) fn write_payload(state: &mut SymmetricState, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    state.encrypt_and_hash(payload, out)
}

/// All that is left of the body.
pub(super) fn read_payload(state: &mut SymmetricState, body: Reader<'_>) -> Result<Vec<u8>, Error> {
    state.decrypt_and_hash(body.rest())
}
