//! Many runs, one hash: a SHAKE-128 stream feeds them, another absorbs what they give.

use super::{Fields, hex, json};
use crate::crypto::backend::{self, MLDSA65_PK, MLDSA65_SIG, MLKEM768_CT, MLKEM768_EK};
use libcrux_ml_dsa::ml_dsa_65;
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

#[test]
fn one_of_ten_thousand_runs_of_mldsa_differs() {
    let file = json("accumulated/accumulated.json");
    let expected = hex(file["ML-DSA"]["65"].text(&RUNS.to_string()));

    let ours = accumulate(|stream, results| {
        let (mut pk, mut signature) = ([0; MLDSA65_PK], [0; MLDSA65_SIG]);
        backend::MlDsa65Key::from_seed(&draw(stream), &mut pk).sign(b"", b"", &[0; 32], &mut signature).unwrap();
        assert!(backend::mldsa65_verify(&pk, b"", b"", &signature));
        results.update(&pk);
        results.update(&signature);
    });
    assert_eq!(ours, expected);

    let portable = accumulate(|stream, results| {
        let pair = ml_dsa_65::portable::generate_key_pair(draw(stream));
        let signature = ml_dsa_65::portable::sign(&pair.signing_key, b"", b"", [0; 32]).unwrap();
        assert!(ml_dsa_65::portable::verify(&pair.verification_key, b"", b"", &signature).is_ok());
        results.update(pair.verification_key.as_slice());
        results.update(signature.as_slice());
    });
    assert_eq!(portable, expected);
}
