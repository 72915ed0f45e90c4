//! Which peers were told of which own keys, so that a call opens in a suite in which the peer knows us. A file in the home folder:
//!
//! ```text
//! tl12l0u736jt6yp85ws59msyfs7m9u8zk3mcelpslftzn88pnmm0pwqjj6grk level5
//! a key of the peer's                                           of which kind the own new key is
//! ```
//!
//! It is a convenience: a call in another suite can always be asked for, and what is lost here is told again.

use crate::home::Home;
use crate::suites::kind;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use twinlock::Fingerprint;
use twinlock::identity::SignatureAlgorithm;
use twinlock::trust::KnownPeers;

/// Remembers that the peer with this key was told of an own key of this kind.
pub(crate) fn remember(home: &Home, peer: Fingerprint, told: SignatureAlgorithm) -> io::Result<()> {
    let line = format!("{peer} {}\n", kind(told));
    if read(home).contains(&line) {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.append(true).create(true).open(home.told_file())?.write_all(line.as_bytes())
}

/// Of these kinds of own keys those by which this peer knows us: it has spoken with one, or was told of it.
pub(crate) fn known_to(home: &Home, known: &KnownPeers, name: &str, kinds: &[SignatureAlgorithm]) -> Vec<SignatureAlgorithm> {
    let told = read(home);
    let told: Vec<(Fingerprint, &str)> =
        told.lines().filter_map(|line| line.split_once(' ')).filter_map(|(peer, kind)| Some((peer.parse().ok()?, kind))).collect();
    let keys = || known.entries().iter().filter(|entry| entry.name() == name);
    let has_spoken = |kind| keys().any(|entry| entry.spoken() && entry.suite().signature() == kind);
    let was_told = |algorithm| told.iter().any(|(peer, of)| *of == kind(algorithm) && keys().any(|entry| entry.fingerprint() == *peer));
    kinds.iter().copied().filter(|kind| has_spoken(*kind) || was_told(*kind)).collect()
}

fn read(home: &Home) -> String {
    // What cannot be read was not told.
    fs::read_to_string(home.told_file()).unwrap_or_default()
}
