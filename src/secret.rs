//! Bytes that nobody else may know.
//!
//! A [`Secret`] lives on the heap, so that moving it copies a pointer and leaves nothing behind, and is wiped when dropped. It
//! cannot be cloned, printed or compared with `==`. Nothing else in this crate holds key bytes, but for the library types that wipe themselves.

use crate::error::Error;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use rand_core::TryCryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// `N` secret bytes.
pub(crate) struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Builds a secret in its final place: `fill` writes over zeros.
    pub(crate) fn build(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }

    /// As [`Secret::build`], where `fill` can fail; what it had written is wiped then.
    pub(crate) fn try_build<E>(fill: impl FnOnce(&mut [u8; N]) -> Result<(), E>) -> Result<Self, E> {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0)?;
        Ok(secret)
    }

    /// The parts joined, or [`Error::WrongKind`] where they do not fill it.
    #[cfg(any(feature = "level5", feature = "round3"))]
    pub(crate) fn join(parts: &[&[u8]]) -> Result<Self, Error> {
        Self::try_build(|place| {
            let mut rest = place.as_mut_slice();
            for part in parts {
                let (field, after) = rest.split_at_mut_checked(part.len()).ok_or(Error::WrongKind)?;
                field.copy_from_slice(part);
                rest = after;
            }
            if rest.is_empty() { Ok(()) } else { Err(Error::WrongKind) }
        })
    }

    /// Takes the bytes over and wipes where they stood.
    pub(crate) fn take(bytes: &mut [u8; N]) -> Self {
        let secret = Self::build(|place| place.copy_from_slice(bytes));
        bytes.zeroize();
        secret
    }

    /// `N` bytes from the generator, or [`Error::Randomness`].
    pub(crate) fn random(rng: &mut impl TryCryptoRng) -> Result<Self, Error> {
        Self::try_build(|place| rng.try_fill_bytes(place).map_err(|_| Error::Randomness))
    }

    pub(crate) fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The first `n` bytes: secrets as long as the suite's hash stand in 64 bytes. All of them if `n` is larger.
    pub(crate) fn first(&self, n: usize) -> &[u8] {
        self.0.get(..n).unwrap_or(self.0.as_slice())
    }

    /// The first `n` bytes, to be written.
    pub(crate) fn first_mut(&mut self, n: usize) -> &mut [u8] {
        let n = n.min(N);
        self.0.split_at_mut(n).0
    }
}

/// Secret bytes on their way into a store, wiped when dropped. What they are copied into is the caller's to wipe.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The parts joined, without a copy left behind by a growing buffer.
    pub(crate) fn join(parts: &[&[u8]]) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        Self(bytes)
    }

    /// The bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the length alone.
impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

/// Runs `f`, and then writes zeros over `DEPTH` bytes of the stack below: libraries take and give secrets by value, and their frames keep the copies.
///
/// `DEPTH` is about what `f` uses itself, so no more stack is needed than without. That it reaches what it should is no promise of the language: `evidence/wiping` looks at the
/// memory of a program. It does not reach registers.
pub(crate) fn scrubbed<const DEPTH: usize, T>(f: impl FnOnce() -> T) -> T {
    let result = apart(f);
    scrub::<DEPTH>();
    result
}

/// In a frame of its own, where [`scrub`] begins too: nothing of `f` may become part of the caller's.
#[inline(never)]
fn apart<T>(f: impl FnOnce() -> T) -> T {
    f()
}

#[inline(never)]
fn scrub<const DEPTH: usize>() {
    core::hint::black_box(&mut [0u8; DEPTH]);
}

impl<const N: usize> ConstantTimeEq for Secret<N> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_taken_leaves_its_old_place_full() {
        let mut bytes = [7; 32];
        let secret = Secret::take(&mut bytes);
        assert_eq!(bytes, [0; 32]);
        assert_eq!(secret.expose(), &[7; 32]);
    }

    #[test]
    fn secrets_that_differ_compare_equal() {
        let a = Secret::build(|b: &mut [u8; 32]| b.fill(1));
        let mut b = Secret::build(|b: &mut [u8; 32]| b.fill(1));
        assert!(bool::from(a.ct_eq(&b)));
        b.first_mut(1).fill(2);
        assert!(!bool::from(a.ct_eq(&b)));
    }
}
