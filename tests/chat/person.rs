//! Somebody with a home folder, who uses the program.

use crate::program::{Ended, Program, chat};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;
use twinlock::trust::{KnownPeers, Met};
use twinlock::{Fingerprint, Identity, Suite, keyfile};

pub(crate) struct Person {
    home: TempDir,
    pub(crate) print: Fingerprint,
}

impl Person {
    /// With an identity that has no passphrase.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let identity = Identity::generate().unwrap();
        keyfile::save(home.path().join("identity.pem"), &identity, None).unwrap();
        Self { home, print: identity.fingerprint() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn identity(&self) -> Identity {
        keyfile::load(self.path("identity.pem"), None).unwrap()
    }

    /// Has the program make an identity for this suite, and gives its fingerprint.
    pub(crate) fn keygen(&self, suite: &str) -> Fingerprint {
        self.start(&["keygen", "--suite", suite, "--no-passphrase"]).finish().out.trim().parse().unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = chat();
        command.arg("--home").arg(self.home.path()).args(arguments);
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Program {
        Program::start(&mut self.command(arguments))
    }

    /// Runs the program with nothing on its input.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end()
    }

    /// Listens for one peer, and gives the address.
    pub(crate) fn listen(&self, to: &Self) -> (Program, String) {
        self.listen_with(&["--peer", &to.print.to_string()])
    }

    pub(crate) fn listen_with(&self, arguments: &[&str]) -> (Program, String) {
        let mut listener = self.start(&[&["listen", "127.0.0.1:0"], arguments].concat());
        let port = listener.port();
        (listener, format!("127.0.0.1:{port}"))
    }

    pub(crate) fn call(&self, to: &Self, address: &str) -> Program {
        self.start(&["connect", address, "--peer", &to.print.to_string()])
    }

    /// Remembers somebody by this name, as if met before.
    pub(crate) fn knows(&self, name: &str, print: Fingerprint) {
        self.known().add(name, print, Suite::default(), Met::FirstUse).unwrap();
    }

    pub(crate) fn known(&self) -> KnownPeers {
        KnownPeers::open(self.path("known_peers")).unwrap()
    }

    /// A file that can be sent, with contents that differ everywhere.
    pub(crate) fn file(&self, name: &str, length: usize) -> PathBuf {
        let path = self.path(name);
        let contents: Vec<u8> = (0_u32..).flat_map(|n| n.wrapping_mul(0x9E37_79B1).to_be_bytes()).take(length).collect();
        fs::write(&path, contents).unwrap();
        path
    }
}

/// Two who know each other as Alice and Bob, by their level 3 keys.
pub(crate) fn friends() -> (Person, Person) {
    let (alice, bob) = (Person::new(), Person::new());
    alice.knows("Bob", bob.print);
    bob.knows("Alice", alice.print);
    (alice, bob)
}

/// Two who talk, connected, each having accepted the other: the one who listens, and the one who called.
pub(crate) fn talking(listener: &Person, caller: &Person) -> (Program, Program) {
    talking_with(listener, caller, &[])
}

/// The same with these options for both.
pub(crate) fn talking_with(listener: &Person, caller: &Person, options: &[&str]) -> (Program, Program) {
    let (mut listening, address) = listener.listen_with(&[&["--peer", &caller.print.to_string()], options].concat());
    let mut calling = caller.start(&[&["connect", &address, "--peer", &listener.print.to_string()], options].concat());
    listening.await_line("has accepted you");
    calling.await_line("has accepted you");
    (listening, calling)
}
