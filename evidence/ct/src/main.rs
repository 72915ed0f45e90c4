//! Twinlock's operations on secrets, under valgrind's memcheck: what is secret is marked as undefined, so a branch or an address that depends on it is an
//! error of memcheck. One process for each suite, one line for each case, and in each line how many errors came and whether the taint arrived.
//!
//! ```text
//! ct list               the cases' names
//! ct 0x0001 [CASE…]     runs them, or these, in this suite; under valgrind, with ct.supp
//! ```

mod acquainted;
mod handshakes;
mod kept;
mod people;
mod planted;
mod records;
mod resumed;
mod scene;
mod taint;
mod transports;

use crabgrind::valgrind::{count_errors, running_mode};
use std::io::Write;
use std::process::exit;
use twinlock::Suite;

#[derive(Clone, Copy, PartialEq)]
enum Want {
    /// No error, and the taint arrived.
    Clean,
    /// An error, or the run is blind.
    Leak,
    /// A leak that memcheck is known not to see.
    Unseen,
}

type Case = (&'static str, Want, fn(Suite));

const CASES: &[Case] = &[
    ("planted-branch", Want::Leak, planted::branch),
    ("planted-index", Want::Leak, planted::index),
    ("planted-slice-eq", Want::Leak, planted::slice_eq),
    ("planted-length", Want::Leak, planted::length),
    ("planted-after-export", Want::Leak, planted::after_export),
    ("planted-division", Want::Unseen, planted::division),
    ("declassified-branch", Want::Clean, planted::declassified),
    ("identity-generate", Want::Clean, people::generate),
    ("identity-from-secret", Want::Clean, people::from_secret),
    ("identity-fingerprint", Want::Clean, people::fingerprint),
    ("psk", Want::Clean, people::psk),
    ("xx-initiator", Want::Clean, |suite| handshakes::xx_initiator(suite, false)),
    ("xx-initiator-changed", Want::Clean, |suite| handshakes::xx_initiator_changed(suite, false)),
    ("xx-responder", Want::Clean, |suite| handshakes::xx_responder(suite, false, true)),
    ("xx-responder-changed", Want::Clean, |suite| handshakes::xx_responder_changed(suite, false)),
    ("xx-responder-refuses", Want::Clean, |suite| handshakes::xx_responder(suite, false, false)),
    ("xxpsk0-initiator", Want::Clean, |suite| handshakes::xx_initiator(suite, true)),
    ("xxpsk0-initiator-changed", Want::Clean, |suite| handshakes::xx_initiator_changed(suite, true)),
    ("xxpsk0-responder", Want::Clean, |suite| handshakes::xx_responder(suite, true, true)),
    ("xxpsk0-responder-changed", Want::Clean, |suite| handshakes::xx_responder_changed(suite, true)),
    ("xxpsk0-rotation", Want::Clean, handshakes::psk_rotation),
    ("nx-initiator", Want::Clean, |suite| handshakes::nx_initiator(suite, false)),
    ("nx-initiator-changed", Want::Clean, |suite| handshakes::nx_initiator_changed(suite, false)),
    ("nx-responder", Want::Clean, |suite| handshakes::nx_responder(suite, false)),
    ("nxpsk0-initiator", Want::Clean, |suite| handshakes::nx_initiator(suite, true)),
    ("nxpsk0-initiator-changed", Want::Clean, |suite| handshakes::nx_initiator_changed(suite, true)),
    ("nxpsk0-responder", Want::Clean, |suite| handshakes::nx_responder(suite, true)),
    ("nxpsk0-responder-changed", Want::Clean, handshakes::nx_responder_changed),
    ("elsewhere-initiator", Want::Clean, handshakes::elsewhere_initiator),
    ("elsewhere-responder", Want::Clean, handshakes::elsewhere_responder),
    ("elsewhere-nx-responder", Want::Clean, handshakes::elsewhere_nx_responder),
    ("ik-initiator", Want::Clean, |suite| acquainted::initiator(suite, false)),
    ("ik-initiator-changed", Want::Clean, acquainted::initiator_changed),
    ("ik-responder", Want::Clean, |suite| acquainted::responder_known(suite, false)),
    ("ik-responder-decoy", Want::Clean, |suite| acquainted::responder_decoy(suite, false)),
    ("ik-responder-second", Want::Clean, acquainted::responder_second),
    ("ik-responder-none", Want::Clean, acquainted::responder_none),
    ("ikpsk0-initiator", Want::Clean, |suite| acquainted::initiator(suite, true)),
    ("ikpsk0-responder", Want::Clean, |suite| acquainted::responder_known(suite, true)),
    ("ikpsk0-responder-decoy", Want::Clean, |suite| acquainted::responder_decoy(suite, true)),
    ("ikpsk0-responder-changed", Want::Clean, acquainted::responder_changed),
    ("ikpsk0-rotation", Want::Clean, acquainted::rotation),
    ("resume-initiator", Want::Clean, |suite| resumed::initiator(suite, false)),
    ("resume-initiator-psk", Want::Clean, |suite| resumed::initiator(suite, true)),
    ("resume-initiator-changed", Want::Clean, resumed::initiator_changed),
    ("resume-responder", Want::Clean, |suite| resumed::responder_known(suite, false)),
    ("resume-responder-psk", Want::Clean, |suite| resumed::responder_known(suite, true)),
    ("resume-responder-unknown", Want::Clean, |suite| resumed::responder_unknown(suite, false)),
    ("resume-responder-changed", Want::Clean, |suite| resumed::responder_changed(suite, false)),
    ("resume-responder-other-psk", Want::Clean, resumed::responder_other_psk),
    ("static-key-generate", Want::Clean, kept::static_key_generate),
    ("static-key-elsewhere", Want::Clean, kept::static_key_elsewhere),
    ("static-key-load", Want::Clean, kept::static_key_load),
    ("bundle", Want::Clean, kept::bundle),
    ("resumption-record", Want::Clean, kept::resumption),
    ("book-acquaintance", Want::Clean, kept::book_acquaintance),
    ("book-records", Want::Clean, kept::book_records),
    ("book-wanted", Want::Clean, resumed::wanted),
    ("book-keys", Want::Clean, kept::book_keys),
    ("folder", Want::Clean, kept::folder),
    ("record-seal", Want::Clean, records::seal),
    ("record-bundle", Want::Clean, records::bundle),
    ("record-open", Want::Clean, records::open),
    ("record-open-changed", Want::Clean, records::open_changed),
    ("rekey-offered", Want::Clean, records::rekey_offered),
    ("rekey-answered", Want::Clean, records::rekey_answered),
    ("exporter", Want::Clean, records::export),
    ("keyfile-write", Want::Clean, people::write),
    ("keyfile-read", Want::Clean, people::read),
    ("keyfile-read-encrypted", Want::Clean, people::read_encrypted),
    ("keyfile-write-encrypted", Want::Clean, people::write_encrypted),
    ("statement-instead", Want::Clean, people::statement_instead),
    ("statement-revoked", Want::Clean, people::statement_revoked),
    ("statement-beside", Want::Clean, people::statement_beside),
    ("io-connect", Want::Clean, transports::connect),
    ("io-accept", Want::Clean, transports::accept),
    ("io-halves", Want::Clean, transports::halves),
    ("trust-pinned", Want::Clean, people::pinned),
    ("trust-pinned-set", Want::Clean, people::pinned_set),
    ("trust-known-peers", Want::Clean, people::known_peers),
];

fn main() {
    let mut args = std::env::args().skip(1);
    let first = args.next().unwrap_or_default();
    if first == "list" {
        CASES.iter().for_each(|case| println!("{}", case.0));
        return;
    }
    if running_mode().is_native() {
        eprintln!("run it under valgrind: evidence/checks/ct does");
        exit(2);
    }
    let id = u16::from_str_radix(first.trim_start_matches("0x"), 16).unwrap_or_default();
    let Ok(suite) = Suite::from_id(id) else {
        eprintln!("{first} is no suite of this build");
        exit(2);
    };
    let named: Vec<String> = args.collect();
    let (avx2, avx512, aes) = (is_x86_feature_detected!("avx2"), is_x86_feature_detected!("avx512f"), is_x86_feature_detected!("aes"));
    println!("CPU avx2={avx2} avx512f={avx512} aes={aes}");
    for case in CASES.iter().filter(|case| named.iter().any(|name| name == case.0)) {
        run(suite, case);
    }
}

fn run(suite: Suite, (name, want, case): &Case) {
    let before = count_errors();
    drop(taint::take_proof());
    let start = std::time::Instant::now();
    case(suite);
    let (errors, proof) = (count_errors() - before, taint::take_proof());
    let ok = match want {
        Want::Clean => errors == 0 && proof.arrived > 0 && proof.lost.is_empty(),
        Want::Leak => errors > 0,
        Want::Unseen => errors == 0,
    };
    let kind = match want {
        Want::Clean => "clean",
        Want::Leak => "leak",
        Want::Unseen => "unseen",
    };
    let (verdict, arrived, lost) = (if ok { "ok" } else { "FAIL" }, proof.arrived, proof.lost);
    println!("CASE {verdict} {kind} {name} errors={errors} arrived={arrived} lost={lost:?} ms={}", start.elapsed().as_millis());
    std::io::stdout().flush().expect("somebody reads this");
}
