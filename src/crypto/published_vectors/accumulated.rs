//! Many runs, one hash: a SHAKE-128 stream feeds them, another absorbs what they give.

use super::{Fields, hex, json};
use crate::crypto::backend::{self, MLKEM768_CT, MLKEM768_EK};
use libcrux_ml_kem::mlkem768;
use shake::digest::{ExtendableOutput, Update, XofReader};
use shake::{Shake128, Shake128Reader};
use std::string::ToString;
use std::vec::Vec;

const RUNS: u32 = if cfg!(debug_assertions) { 100 } else { 10_000 };

fn draw<const N: usize>(stream: &mut Shake128Reader) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read(&mut bytes);
    bytes
}

fn accumulate(mut run: impl FnMut(&mut Shake128Reader, &mut Shake128)) -> Vec<u8> {
    let (mut stream, mut results) = (Shake128::default().finalize_xof(), Shake128::default());
    for _ in 0..RUNS {
        run(&mut stream, &mut results);
    }
    draw::<32>(&mut results.finalize_xof()).to_vec()
}

#[test]
fn one_of_ten_thousand_runs_of_mlkem_differs() {
    let file = json("accumulated/accumulated.json");
    let expected = hex(file["ML-KEM-768"].text(&RUNS.to_string()));

    let ours = accumulate(|stream, results| {
        let (mut ek, mut ct, mut sent, mut received) = ([0; MLKEM768_EK], [0; MLKEM768_CT], [0; 32], [0; 32]);
        let key = backend::MlKem768Key::from_seed(&draw(stream), &mut ek);
        assert!(backend::mlkem768_check(&ek));
        backend::mlkem768_encapsulate(&ek, &draw(stream), &mut ct, &mut sent);
        key.decapsulate(&ct, &mut received);
        assert_eq!(sent, received);
        key.decapsulate(&draw(stream), &mut received);
        [ek.as_slice(), &ct, &sent, &received].iter().for_each(|bytes| results.update(bytes));
    });
    assert_eq!(ours, expected);

    let portable = accumulate(|stream, results| {
        let pair = mlkem768::portable::generate_key_pair(draw(stream));
        let (ct, sent) = mlkem768::portable::encapsulate(pair.public_key(), draw(stream));
        assert_eq!(mlkem768::portable::decapsulate(pair.private_key(), &ct), sent);
        let rejected = mlkem768::portable::decapsulate(pair.private_key(), &draw(stream).into());
        [pair.pk().as_slice(), ct.as_slice(), &sent, &rejected].iter().for_each(|bytes| results.update(bytes));
    });
    assert_eq!(portable, expected);
}

macro_rules! mldsa {
    ($name:ident, $n:literal, $module:ident, $key:ident, $pk:ident, $sig:ident, $verify:ident) => {
        #[test]
        fn $name() {
            let file = json("accumulated/accumulated.json");
            let expected = hex(file["ML-DSA"][$n].text(&RUNS.to_string()));

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
        }
    };
}

mldsa!(one_of_ten_thousand_runs_of_mldsa65_differs, "65", ml_dsa_65, MlDsa65Key, MLDSA65_PK, MLDSA65_SIG, mldsa65_verify);
#[cfg(feature = "level5")]
mldsa!(one_of_ten_thousand_runs_of_mldsa87_differs, "87", ml_dsa_87, MlDsa87Key, MLDSA87_PK, MLDSA87_SIG, mldsa87_verify);
