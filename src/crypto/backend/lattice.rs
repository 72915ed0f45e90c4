//! ML-KEM (FIPS 203) and ML-DSA (FIPS 204), written once for their sets of parameters.

use crate::error::Error;
use alloc::boxed::Box;
use zeroize::Zeroize;

macro_rules! ml_kem {
    (
        $module:ident, $private:ident, $key:ident, $ek:ident = $ek_len:literal, $ct:ident = $ct_len:literal, $check:ident, $encapsulate:ident
    ) => {
        pub(crate) const $ek: usize = $ek_len;
        pub(crate) const $ct: usize = $ct_len;

        /// A decapsulation key, made from its seed; wiped when dropped.
        pub(crate) struct $key(Box<libcrux_ml_kem::$module::$private>);

        impl $key {
            /// From `d || z`; writes the encapsulation key.
            pub(crate) fn from_seed(seed: &[u8; 64], ek: &mut [u8; $ek]) -> Self {
                let (mut secret, public) = libcrux_ml_kem::$module::generate_key_pair(*seed).into_parts();
                ek.copy_from_slice(public.as_slice());
                let key = Self(Box::new(secret.clone()));
                Self::wipe(&mut secret);
                key
            }

            /// Implicit rejection: any ciphertext gives a secret.
            pub(crate) fn decapsulate(&self, ct: &[u8; $ct], shared: &mut [u8; 32]) {
                let mut secret = libcrux_ml_kem::$module::decapsulate(&self.0, &ct.into());
                shared.copy_from_slice(&secret);
                secret.zeroize();
            }

            #[allow(clippy::indexing_slicing, reason = "the library gives no other way to its bytes; the range is the type's own length")]
            fn wipe(key: &mut libcrux_ml_kem::$module::$private) {
                key[0..libcrux_ml_kem::$module::$private::len()].zeroize();
            }
        }

        impl Drop for $key {
            fn drop(&mut self) {
                Self::wipe(&mut self.0);
            }
        }

        /// The check of section 7.2: every coefficient decodes below q.
        pub(crate) fn $check(ek: &[u8; $ek]) -> bool {
            libcrux_ml_kem::$module::validate_public_key(&ek.into())
        }

        /// `ek` has passed its check.
        pub(crate) fn $encapsulate(ek: &[u8; $ek], coins: &[u8; 32], ct: &mut [u8; $ct], shared: &mut [u8; 32]) {
            let (ciphertext, mut secret) = libcrux_ml_kem::$module::encapsulate(&ek.into(), *coins);
            ct.copy_from_slice(ciphertext.as_slice());
            shared.copy_from_slice(&secret);
            secret.zeroize();
        }
    };
}

macro_rules! ml_dsa {
    (
        $module:ident,
        $signing:ident,
        $verification:ident,
        $signature:ident,
        $key:ident,
        $pk:ident = $pk_len:literal,
        $sig:ident = $sig_len:literal,
        $verify:ident
    ) => {
        pub(crate) const $pk: usize = $pk_len;
        pub(crate) const $sig: usize = $sig_len;

        /// A signing key, made from its seed; wiped when dropped.
        pub(crate) struct $key(Box<libcrux_ml_dsa::$module::$signing>);

        impl $key {
            /// Writes the public key.
            pub(crate) fn from_seed(seed: &[u8; 32], pk: &mut [u8; $pk]) -> Self {
                let mut pair = libcrux_ml_dsa::$module::generate_key_pair(*seed);
                pk.copy_from_slice(pair.verification_key.as_slice());
                let key = Self(Box::new(pair.signing_key.clone()));
                pair.signing_key.as_mut_slice().zeroize();
                key
            }

            /// Algorithm 2, `rnd` being the hedge. Fails with the tiny probability that the rejection loop's bound leaves: draw again.
            pub(crate) fn sign(&self, message: &[u8], context: &[u8], rnd: &[u8; 32], signature: &mut [u8; $sig]) -> Result<(), Error> {
                let made = libcrux_ml_dsa::$module::sign(&self.0, message, context, *rnd).map_err(|_| Error::Randomness)?;
                signature.copy_from_slice(made.as_slice());
                Ok(())
            }
        }

        impl Drop for $key {
            fn drop(&mut self) {
                self.0.as_mut_slice().zeroize();
            }
        }

        pub(crate) fn $verify(pk: &[u8; $pk], message: &[u8], context: &[u8], signature: &[u8; $sig]) -> bool {
            let pk = libcrux_ml_dsa::$module::$verification::new(*pk);
            let signature = libcrux_ml_dsa::$module::$signature::new(*signature);
            libcrux_ml_dsa::$module::verify(&pk, message, context, &signature).is_ok()
        }
    };
}

ml_kem!(mlkem768, MlKem768PrivateKey, MlKem768Key, MLKEM768_EK = 1184, MLKEM768_CT = 1088, mlkem768_check, mlkem768_encapsulate);
#[cfg(feature = "level5")]
ml_kem!(mlkem1024, MlKem1024PrivateKey, MlKem1024Key, MLKEM1024_EK = 1568, MLKEM1024_CT = 1568, mlkem1024_check, mlkem1024_encapsulate);

ml_dsa!(
    ml_dsa_65,
    MLDSA65SigningKey,
    MLDSA65VerificationKey,
    MLDSA65Signature,
    MlDsa65Key,
    MLDSA65_PK = 1952,
    MLDSA65_SIG = 3309,
    mldsa65_verify
);
#[cfg(feature = "level5")]
ml_dsa!(
    ml_dsa_87,
    MLDSA87SigningKey,
    MLDSA87VerificationKey,
    MLDSA87Signature,
    MlDsa87Key,
    MLDSA87_PK = 2592,
    MLDSA87_SIG = 4627,
    mldsa87_verify
);
