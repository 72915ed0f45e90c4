//! Many runs, one hash: a SHAKE-128 stream feeds them, another absorbs what they give. Nobody published the hash for ML-KEM-1024: there another implementation,
//! of RustCrypto, gives it in the same run.
//!
//! `TWINLOCK_ACCUMULATED_RUNS` says how many runs, one of the numbers in the file.

use super::{Fields, hex, json, ran};
use crate::crypto::backend;
use libcrux_ml_kem::mlkem768;
#[cfg(feature = "level5")]
use libcrux_ml_kem::mlkem1024;
use shake::digest::{ExtendableOutput, Update, XofReader};
use shake::{Shake128, Shake128Reader};
use std::string::ToString;
use std::vec::Vec;

const FILE: &str = "accumulated/accumulated.json";

fn runs() -> u64 {
    match std::env::var("TWINLOCK_ACCUMULATED_RUNS") {
        Ok(runs) => runs.parse().unwrap(),
        Err(_) if cfg!(debug_assertions) => 100,
        Err(_) => 10_000,
    }
}

fn draw<const N: usize>(stream: &mut Shake128Reader) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read(&mut bytes);
    bytes
}

fn accumulate(mut run: impl FnMut(&mut Shake128Reader, &mut Shake128)) -> Vec<u8> {
    let (mut stream, mut results) = (Shake128::default().finalize_xof(), Shake128::default());
    for _ in 0..runs() {
        run(&mut stream, &mut results);
    }
    draw::<32>(&mut results.finalize_xof()).to_vec()
}

macro_rules! mlkem {
    ($name:ident, $n:literal, $module:ident, $key:ident, $ek:ident, $ct:ident, $check:ident, $encapsulate:ident, $expected:expr) => {
        #[test]
        fn $name() {
            let expected: Vec<u8> = $expected;

            let ours = accumulate(|stream, results| {
                let (mut ek, mut ct, mut sent, mut received) = ([0; backend::$ek], [0; backend::$ct], [0; 32], [0; 32]);
                let key = backend::$key::from_seed(&draw(stream), &mut ek);
                assert!(backend::$check(&ek));
                backend::$encapsulate(&ek, &draw(stream), &mut ct, &mut sent);
                key.decapsulate(&ct, &mut received);
                assert_eq!(sent, received);
                key.decapsulate(&draw(stream), &mut received);
                [ek.as_slice(), &ct, &sent, &received].iter().for_each(|bytes| results.update(bytes));
            });
            assert_eq!(ours, expected);

            let portable = accumulate(|stream, results| {
                let pair = $module::portable::generate_key_pair(draw(stream));
                let (ct, sent) = $module::portable::encapsulate(pair.public_key(), draw(stream));
                assert_eq!($module::portable::decapsulate(pair.private_key(), &ct), sent);
                let rejected = $module::portable::decapsulate(pair.private_key(), &draw(stream).into());
                [pair.pk().as_slice(), ct.as_slice(), &sent, &rejected].iter().for_each(|bytes| results.update(bytes));
            });
            assert_eq!(portable, expected);
            ran::report(FILE, concat!("ML-KEM-", $n), [runs()]);
        }
    };
}

mlkem!(
    one_of_ten_thousand_runs_of_mlkem768_differs,
    "768",
    mlkem768,
    MlKem768Key,
    MLKEM768_EK,
    MLKEM768_CT,
    mlkem768_check,
    mlkem768_encapsulate,
    hex(json(FILE)["ML-KEM-768"].text(&runs().to_string()))
);
#[cfg(feature = "level5")]
mlkem!(
    one_of_ten_thousand_runs_of_mlkem1024_differs_from_another_implementations,
    "1024",
    mlkem1024,
    MlKem1024Key,
    MLKEM1024_EK,
    MLKEM1024_CT,
    mlkem1024_check,
    mlkem1024_encapsulate,
    rustcrypto()
);

/// The same runs of ML-KEM-1024, by RustCrypto.
#[cfg(feature = "level5")]
fn rustcrypto() -> Vec<u8> {
    use ml_kem::{DecapsulationKey1024, kem::Decapsulate, kem::KeyExport};
    accumulate(|stream, results| {
        let dk = DecapsulationKey1024::from_seed(draw::<64>(stream).into());
        let ek = dk.encapsulation_key();
        let (ct, sent) = ek.encapsulate_deterministic(&draw::<32>(stream).into());
        assert_eq!(dk.decapsulate(&ct), sent);
        let rejected = dk.decapsulate(&draw::<{ backend::MLKEM1024_CT }>(stream).into());
        [ek.to_bytes().as_slice(), &ct, &sent, &rejected].iter().for_each(|bytes| results.update(bytes));
    })
}

macro_rules! mldsa {
    ($name:ident, $n:literal, $module:ident, $key:ident, $pk:ident, $sig:ident, $verify:ident) => {
        #[test]
        fn $name() {
            let expected = hex(json(FILE)["ML-DSA"][$n].text(&runs().to_string()));

            let ours = accumulate(|stream, results| {
                let (mut pk, mut signature) = ([0; backend::$pk], [0; backend::$sig]);
                backend::$key::from_seed(&draw(stream), &mut pk).sign(b"", b"", &[0; 32], &mut signature).unwrap();
                assert!(backend::$verify(&pk, b"", b"", &signature));
                results.update(&pk);
                results.update(&signature);
            });
            assert_eq!(ours, expected);

            let portable = accumulate(|stream, results| {
                let pair = libcrux_ml_dsa::$module::portable::generate_key_pair(draw(stream));
                let signature = libcrux_ml_dsa::$module::portable::sign(&pair.signing_key, b"", b"", [0; 32]).unwrap();
                assert!(libcrux_ml_dsa::$module::portable::verify(&pair.verification_key, b"", b"", &signature).is_ok());
                results.update(pair.verification_key.as_slice());
                results.update(signature.as_slice());
            });
            assert_eq!(portable, expected);
            ran::report(FILE, concat!("ML-DSA-", $n), [runs()]);
        }
    };
}

mldsa!(one_of_ten_thousand_runs_of_mldsa65_differs, "65", ml_dsa_65, MlDsa65Key, MLDSA65_PK, MLDSA65_SIG, mldsa65_verify);
#[cfg(feature = "level5")]
mldsa!(one_of_ten_thousand_runs_of_mldsa87_differs, "87", ml_dsa_87, MlDsa87Key, MLDSA87_PK, MLDSA87_SIG, mldsa87_verify);
