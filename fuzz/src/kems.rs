//! Key pairs whose secrets are known: seed, encapsulation key, coins, ciphertext and shared secret of tests/vectors/primitives.json. With them a forger can offer, and
//! answer an offer, and goes on with the keys that follow.

use crate::cases::unhex;
use serde_json::Value;
use std::sync::OnceLock;
use twinlock::Suite;

pub struct Known {
    pub seed: Vec<u8>,
    pub ek: Vec<u8>,
    pub coins: Vec<u8>,
    pub ct: Vec<u8>,
    pub ss: Vec<u8>,
}

/// Three a suite.
pub fn known(suite: Suite) -> &'static [Known] {
    static MADE: OnceLock<[Vec<Known>; 2]> = OnceLock::new();
    let made = MADE.get_or_init(|| {
        let file: Value = serde_json::from_str(include_str!("../../tests/vectors/primitives.json")).expect("JSON");
        ["xwing", "mlkem1024_p384"].map(|name| file[name].as_array().expect("a list").iter().map(read).collect())
    });
    &made[usize::from(suite == Suite::Level5Aes)]
}

fn read(value: &Value) -> Known {
    let [seed, ek, coins, ct, ss] = ["seed", "ek", "coins", "ct", "ss"].map(|name| unhex(&value[name]));
    Known { seed, ek, coins, ct, ss }
}

/// Whether the encapsulation key passes its check (sections 3.1 and 3.4), where that can be told without arithmetic on P-384.
pub fn is_key(suite: Suite, key: &[u8]) -> Option<bool> {
    if key.len() != suite.encapsulation_key_len() {
        return Some(false);
    }
    let classical = if suite == Suite::Level5Aes { 97 } else { 32 };
    let (lattice, classical) = key.split_at(key.len() - classical);
    if !below_q(&lattice[..lattice.len() - 32]) {
        return Some(false);
    }
    let known = known(suite).iter().any(|known| known.ek.ends_with(classical));
    (suite != Suite::Level5Aes || known).then_some(true)
}

/// FIPS 203, section 7.2: every coefficient, 12 bits each, is below q.
fn below_q(coefficients: &[u8]) -> bool {
    coefficients.chunks_exact(3).all(|three| {
        let [a, b, c] = [0, 1, 2].map(|i| u16::from(three[i]));
        (a | (b & 15) << 8) < 3329 && (b >> 4 | c << 4) < 3329
    })
}
