//! The chat, the library and the Python implementation hold live conversations, in both roles, and the vectors are what the Python computes.
//!
//! It needs a Python with `tests/reference/requirements.txt`: the one named by TWINLOCK_PYTHON, or `python3`. Without one it says that it skips, and fails if TWINLOCK_REQUIRE_PYTHON is set.
#![cfg(feature = "std")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "interop/acquainted.rs"]
mod acquainted;
#[path = "chat/cable.rs"]
#[allow(dead_code, reason = "the tests of the chat use the rest")]
mod cable;
#[path = "support/program.rs"]
mod program;

use cable::Cable;
use program::{Program, chat};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Python to use, or none, said aloud.
fn python() -> Option<String> {
    let python = std::env::var("TWINLOCK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imports = "import kyber_py, dilithium_py, cryptography";
    let found = Command::new(&python).args(["-c", imports]).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !found {
        assert!(std::env::var_os("TWINLOCK_REQUIRE_PYTHON").is_none(), "{python} lacks tests/reference/requirements.txt");
        eprintln!("skipped: {python} lacks the packages of tests/reference/requirements.txt");
    }
    found.then_some(python)
}

/// The chat's name and the Python's of each suite of this build, and the file of its identity.
const SUITES: &[[&str; 3]] = &[
    ["level3", "0x0001", "identity.pem"],
    ["level3-aes", "0x0003", "identity.pem"],
    #[cfg(feature = "level5")]
    ["level5", "0x0002", "identity-level5.pem"],
    #[cfg(feature = "round3")]
    ["round3", "0x7e03", "identity-round3.pem"],
];

/// Both parties' files: keys made by one implementation are read by the other.
struct Parties {
    folder: TempDir,
    python: String,
    suite: [&'static str; 3],
    rust_print: String,
    python_print: String,
}

impl Parties {
    /// The Python's key alone.
    fn of_python(suite: [&'static str; 3]) -> Option<Self> {
        let python = python()?;
        let folder = tempfile::tempdir().unwrap();
        let mut parties = Self { folder, python, suite, rust_print: String::new(), python_print: String::new() };
        let mut talk = parties.talk("keygen");
        Program::start(talk.args(["--suite", suite[1]]).arg(parties.path("python.pem"))).finish();
        parties.python_print = parties.print("python.pem");
        Some(parties)
    }

    /// What the Python reads in a file.
    fn print(&self, file: &str) -> String {
        Program::start(self.talk("fingerprint").arg(self.path(file))).finish().out.trim().to_owned()
    }

    fn new(suite: [&'static str; 3]) -> Option<Self> {
        let mut parties = Self::of_python(suite)?;
        Program::start(parties.chat().args(["keygen", "--no-passphrase", "--suite", suite[0]])).finish();
        parties.rust_print = parties.print(&format!("home/{}", suite[2]));
        // Each will tell the other about its key: files made by one implementation again, read by the other.
        Program::start(parties.talk("statement").arg("revoked").args([parties.path("python.statement"), parties.path("python.pem")]))
            .finish();
        let revoke = ["statement", "revoke", "--old", suite[0], "--out"];
        Program::start(parties.chat().args(revoke).arg(parties.path("rust.statement"))).finish();
        fs::write(parties.path("from-python.bin"), vec![0x70; 200_000]).unwrap();
        fs::write(parties.path("from-rust.bin"), vec![0x72; 200_000]).unwrap();
        Some(parties)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn chat(&self) -> Command {
        let mut command = chat();
        command.arg("--home").arg(self.path("home"));
        command
    }

    fn talk(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(root().join("tests/reference/talk.py")).arg(verb);
        command
    }

    /// What the Python says, sends and awaits, in either role.
    fn python_talks(&self, command: &mut Command) -> Program {
        command.arg("--identity").arg(self.path("python.pem")).args(["--peer", &self.rust_print]);
        command.args(["--suite", self.suite[1]]);
        command.args(["--say", "from python", "--rekey", "--key-update", "--ping", "7", "--padding", "padme", "--expect", "3"]);
        command.arg("--statement").arg(self.path("python.statement"));
        fs::create_dir(self.path("python-files")).unwrap();
        Program::start(command.arg("--send").arg(self.path("from-python.bin")).arg("--files").arg(self.path("python-files")))
    }

    /// What the Rust says in turn, and that both got what the other sent.
    fn rust_talks(&self, mut rust: Program, python: Program) {
        rust.await_line("from python");
        rust.await_line("is revoked");
        rust.type_line(&format!("/statement {}", self.path("rust.statement").display()));
        rust.type_line("/rekey");
        rust.type_line("from rust");
        rust.type_line(&format!("/send {}", self.path("from-rust.bin").display()));
        let python = python.finish().out;
        rust.finish();
        let revoked = format!("statement: revoked {}", self.rust_print);
        for line in ["text: from rust", "file: from-rust.bin 200000", "rekeyed", &revoked] {
            assert!(python.contains(line), "{line}: {python}");
        }
        assert_eq!(fs::read(self.path("home/files/from-python.bin")).unwrap(), fs::read(self.path("from-python.bin")).unwrap());
        assert_eq!(fs::read(self.path("python-files/from-rust.bin")).unwrap(), fs::read(self.path("from-rust.bin")).unwrap());
    }
}

#[test]
fn the_python_cannot_call_the_chat() {
    for suite in SUITES {
        let Some(parties) = Parties::new(*suite) else { return };
        let listen = ["listen", "127.0.0.1:0", "--suite", suite[0], "--peer", &parties.python_print];
        let mut rust = Program::start(parties.chat().args(listen));
        let port = rust.port();
        let python = parties.python_talks(parties.talk("connect").args(["127.0.0.1", &port]));
        parties.rust_talks(rust, python);
    }
}

#[test]
fn the_chat_cannot_call_the_python() {
    for suite in SUITES {
        let Some(parties) = Parties::new(*suite) else { return };
        let mut python = parties.python_talks(parties.talk("listen").args(["--port", "0"]));
        let address = format!("127.0.0.1:{}", python.port());
        let rust = Program::start(parties.chat().args(["connect", &address, "--suite", suite[0], "--peer", &parties.python_print]));
        parties.rust_talks(rust, python);
    }
}

/// A text before the cut, one each while it is cut, and an orderly end over the second connection.
fn goes_on(mut rust: Program, mut python: Program, cable: &Cable) {
    python.await_line("text: first");
    rust.await_line("from python");
    cable.cut(false);
    rust.await_line("the connection was cut");
    rust.type_line("second");
    rust.await_line("back with");
    let python = python.finish().out;
    let rust = rust.finish().out;
    let heard: Vec<_> = python.lines().filter(|line| line.starts_with("text: ")).collect();
    assert_eq!(heard, ["text: first", "text: second"], "{python}");
    assert_eq!((rust.matches("from python").count(), python.matches("failed: ").count()), (1, 1), "{rust}\n{python}");
}

/// The Python's options for two connections that carry one conversation.
fn over_two(parties: &Parties, command: &mut Command) -> Program {
    command.arg("--identity").arg(parties.path("python.pem")).args(["--peer", &parties.rust_print]);
    Program::start(command.args(["--same-run", "--go-on", "--say", "from python", "--expect", "2"]))
}

#[test]
fn the_chat_and_the_python_begin_anew_after_a_cut() {
    let Some(parties) = Parties::new(SUITES[0]) else { return };
    let mut python = over_two(&parties, parties.talk("listen").args(["--port", "0", "--conversations", "2"]));
    let cable = Cable::to(&format!("127.0.0.1:{}", python.port()));
    let mut rust = Program::start(parties.chat().args(["connect", &cable.address, "--peer", &parties.python_print]));
    rust.type_line("first");
    goes_on(rust, python, &cable);

    let mut rust = Program::start(parties.chat().args(["listen", "127.0.0.1:0", "--peer", &parties.python_print]));
    let cable = Cable::to(&format!("127.0.0.1:{}", rust.port()));
    let (_, port) = cable.address.split_once(':').unwrap();
    let python = over_two(&parties, parties.talk("connect").args(["127.0.0.1", port, "--open", "XX", "--open", "XX"]));
    rust.type_line("first");
    goes_on(rust, python, &cable);
}

#[test]
fn the_vectors_are_not_what_the_python_computes() {
    let Some(python) = python() else { return };
    let check =
        Program::start(Command::new(python).arg(root().join("tests/reference/vectors.py")).arg("check").arg(root().join("tests/vectors")));
    check.finish();
}
