//! Writes inputs for a corpus to start from: `seeds FOLDER COUNT`. The same every time.
//!
//! An input is choices, so noise with many small numbers in it is a good one: small numbers are what the targets' choices tell apart. The parsers get the texts and the
//! bytes of the vectors too. What libFuzzer makes of them and `cargo fuzz cmin` leaves is what is committed.

use serde_json::Value;
use std::path::Path;
use std::{env, fs, io};
use twinlock_fuzz::TARGETS;
use twinlock_fuzz::acquainted::world;
use twinlock_fuzz::cases::unhex;

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let (Some(folder), Some(count)) = (arguments.next(), arguments.next().and_then(|count| count.parse().ok())) else {
        eprintln!("usage: seeds FOLDER COUNT");
        std::process::exit(1);
    };
    for target in TARGETS {
        let folder = Path::new(&folder).join(target.name);
        fs::create_dir_all(&folder)?;
        for (number, text) in texts(target.name).iter().enumerate() {
            fs::write(folder.join(format!("text-{number:04}")), text)?;
        }
        for number in 0..count {
            fs::write(folder.join(format!("noise-{number:04}")), noise(target.name, number))?;
        }
        println!("{}", target.name);
    }
    Ok(())
}

/// SplitMix64, from the target's name and the number.
fn noise(name: &str, number: u64) -> Vec<u8> {
    let mut state = name.bytes().fold(number.wrapping_mul(0x1_0000_0001), |state, byte| state.wrapping_mul(257).wrapping_add(byte.into()));
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    };
    let length = 4 + next() % [16, 60, 250][(number % 3) as usize];
    (0..length).map(|_| if next() & 1 == 0 { next() as u8 } else { (next() % 9) as u8 }).collect()
}

/// Texts of the vectors, after the choice that has the rest taken as it stands.
fn texts(name: &str) -> Vec<Vec<u8>> {
    let raw = |text: &Value, choices: &[u8]| [choices, text.as_str().unwrap_or_default().as_bytes()].concat();
    let file = |text| serde_json::from_str::<Value>(text).expect("JSON");
    let identity = || file(include_str!("../../../tests/vectors/identity.json"));
    let list = |file: &Value, list: &str, field: &str, choices: &[u8]| -> Vec<Vec<u8>> {
        file[list].as_array().expect("a list").iter().map(|entry| raw(&entry[field], choices)).collect()
    };
    match name {
        "fingerprint" => {
            ["fingerprints_accepted", "fingerprints_refused"].iter().flat_map(|of| list(&identity(), of, "text", &[0])).collect()
        }
        "keyfile" => {
            // Identity 0; secret, nothing more, unchanged; PEM from the rest.
            let (secret, encrypted, public) = ([0, 0, 0, 0, 12], [0, 1, 0, 0, 0, 0, 0, 12], [0, 2, 0, 12]);
            let of = |of: &str, choices: &[u8]| list(&identity(), of, "pem", choices);
            [of("secret_refused", &secret), of("encrypted_refused", &encrypted), of("public_refused", &public)].concat()
        }
        "bundle" => {
            let bundles = entries("bundles").into_iter().filter(built).map(|case| unhex(&case["bundle"]));
            bundles.chain(world().bad_bundles.iter().cloned()).map(|bytes| [&[3, 0], bytes.as_slice()].concat()).take(24).collect()
        }
        // No psk, every suite, all is kept; a message of its own, unchanged settings; then the rest in its place, with a bad tag.
        "known_hello" => {
            entries("first_messages").iter().map(|case| [&KNOWN_HELLO, bad_tag(unhex(&case["frame"])).as_slice()].concat()).collect()
        }
        // A reply to the first handshake; then the rest in its place.
        "resume" => {
            entries("handshakes").iter().map(|case| [&[2, 0, 1], unhex(&case["messages"][1]).as_slice()].concat()).take(24).collect()
        }
        "known_peers" => KNOWN_PEERS.iter().map(|text| [&[1], text.as_bytes()].concat()).collect(),
        _ => Vec::new(),
    }
}

/// The entries of a list of tests/vectors/acquaintances.json.
fn entries(list: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/acquaintances.json")).expect("JSON");
    file[list].as_array().expect("a list").clone()
}

/// Whether this build has its suite.
fn built(case: &Value) -> bool {
    case["suite"] != 0x7E03
}

fn bad_tag(mut frame: Vec<u8>) -> Vec<u8> {
    if let Some(last) = frame.last_mut() {
        *last ^= 1;
    }
    frame
}

/// `known_hello`'s choices up to the change of the message that is the rest.
const KNOWN_HELLO: [u8; 17] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1];

const KNOWN_PEERS: [&str; 6] = [
    "twinlock-known-peers 1\n",
    "twinlock-known-peers 1\r\ntl12l0u736jt6yp85ws59msyfs7m9u8zk3mcelpslftzn88pnmm0pwqjj6grk 0x0001 1767312000 verified Alice\r\n",
    "twinlock-known-peers 1\ntl12l0u736jt6yp85ws59msyfs7m9u8zk3mcelpslftzn88pnmm0pwqjj6grk 0x+001 1767312000 verified Alice\n",
    "twinlock-known-peers 1\ntl12l0u736jt6yp85ws59msyfs7m9u8zk3mcelpslftzn88pnmm0pwqjj6grk 0x0001 +767312000 verified Alice\n",
    "twinlock-known-peers 1\ntl12l0u736jt6yp85ws59msyfs7m9u8zk3mcelpslftzn88pnmm0pwqjj6grk 0x0001 1767312000 verified Alice\u{202e}\n",
    "twinlock-known-peers 2\n",
];
