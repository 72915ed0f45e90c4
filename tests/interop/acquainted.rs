//! The library and the Python implementation meet, become acquaintances, and pick up again, in both roles.

use super::{Parties, SUITES};
use crate::program::Program;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use twinlock::acquaintances::{Book, Way};
use twinlock::handshake::{Pattern, Psk};
use twinlock::io::{Accept, Connect, Keeper, Stream};
use twinlock::{Fingerprint, Identity, Pinned, Suite};

/// The chat's prologue, and some of its messages (docs/chat.md, section 1).
const PROLOGUE: &[u8] = b"twinlock chat/2";
const READY: u8 = 0;
const TEXT: u8 = 1;
const HAD: u8 = 9;
const GOT: u8 = 10;
/// What the library's side names its end of each conversation.
const RUN: [u8; 16] = [0x52; 16];
/// The first text's number.
const FIRST: [u8; 8] = 1_u64.to_be_bytes();

/// One meeting after the other, as both sides name them. Early data comes with the last.
const WAYS: [(Way, &str, [Pattern; 2]); 4] = [
    (Way::Met, "XX", [Pattern::Xx, Pattern::XxPsk0]),
    (Way::Acquainted, "IK", [Pattern::Ik, Pattern::IkPsk0]),
    (Way::Resumed, "resume", [Pattern::Resume; 2]),
    (Way::Resumed, "resume", [Pattern::Resume; 2]),
];

/// The library's side.
struct Rust {
    me: Identity,
    suite: Suite,
    python: Fingerprint,
    keeper: Keeper,
    psk: Option<Psk>,
}

impl Rust {
    fn new(parties: &mut Parties, psk: bool) -> Self {
        let suite = u16::from_str_radix(&parties.suite[1][2..], 16).ok().and_then(|id| Suite::from_id(id).ok()).unwrap();
        let me = Identity::generate_for(suite.signature()).unwrap();
        parties.rust_print = me.fingerprint().to_string();
        let python = parties.python_print.parse().unwrap();
        Self { me, suite, python, keeper: Keeper::new(Book::new()).unwrap(), psk: psk.then(|| Psk::take(&mut [7; 32])) }
    }

    fn connect(&self, port: &str, way: Way) -> Stream<TcpStream> {
        let connect = Connect::new(&self.me, PROLOGUE).suite(self.suite).acquaintances(&self.keeper).peer(self.python).ways(&[way]);
        let connect = self.psk.iter().fold(connect, Connect::psk).early_data("from rust, early");
        connect.connect(TcpStream::connect(format!("127.0.0.1:{port}")).unwrap(), &mut Pinned(self.python)).unwrap()
    }

    fn accept(&self, listener: &TcpListener) -> Stream<TcpStream> {
        let accept = Accept::new(&self.me, PROLOGUE).suites(&[self.suite]).acquaintances(&self.keeper).early_data();
        let accept = self.psk.iter().fold(accept, Accept::psk);
        accept.accept(listener.accept().unwrap().0, &mut Pinned(self.python)).unwrap()
    }

    /// A text each way, and an orderly end.
    fn talk(&self, mut stream: Stream<TcpStream>, pattern: Pattern) {
        assert_eq!(stream.pattern(), Some(pattern));
        let message = |kind: u8, fields: &[&[u8]]| [&[kind], fields.concat().as_slice()].concat();
        stream.send(&message(READY, &[&RUN])).unwrap();
        let ready = stream.recv().unwrap().unwrap();
        let (kind, run) = ready.split_first().unwrap();
        assert_eq!((*kind, run.len()), (READY, RUN.len()));
        // Nothing was said to either run before.
        stream.send(&message(HAD, &[run, &[0; 12]])).unwrap();
        stream.send(&message(TEXT, &[&FIRST, b"from rust"])).unwrap();
        let mut heard = Vec::new();
        while let Some(message) = stream.recv().unwrap() {
            if message[0] == TEXT {
                stream.send(&[&[GOT], FIRST.as_slice()].concat()).unwrap();
            }
            heard.push(message);
        }
        stream.close().unwrap();
        heard.sort();
        assert_eq!(heard, [message(TEXT, &[&FIRST, b"from python"]), message(HAD, &[&RUN, &[0; 12]]), message(GOT, &[&FIRST])]);
    }
}

/// What the Python says and keeps, in either role.
fn python_talks(parties: &Parties, command: &mut Command, psk: bool) -> Program {
    command.arg("--identity").arg(parties.path("python.pem")).args(["--peer", &parties.rust_print, "--suite", parties.suite[1]]);
    command.args(["--bundle", "--keep", "--say", "from python", "--expect", "1"]);
    if psk {
        command.args(["--psk", &"07".repeat(32)]);
    }
    Program::start(command)
}

/// Both printed the same.
fn heard_all(python: &str) {
    let began: Vec<_> = python.lines().filter_map(|line| line.strip_prefix("pattern: ")).collect();
    assert_eq!(began.iter().map(|name| name.trim_end_matches("psk0")).collect::<Vec<_>>(), WAYS.map(|(_, name, _)| name), "{python}");
    assert_eq!(python.matches("text: from rust\n").count(), WAYS.len(), "{python}");
    assert!(python.contains("bundle delivered: "), "{python}");
    assert_eq!(python.matches("resumption: ").count(), WAYS.len(), "{python}");
}

#[test]
fn the_library_cannot_call_the_python_again() {
    for (suite, psk) in meetings() {
        let Some(mut parties) = Parties::of_python(suite) else { return };
        let rust = Rust::new(&mut parties, psk);
        let mut command = parties.talk("listen");
        command.args(["--port", "0", "--conversations", "4", "--early-data"]);
        command.args(["--allow", "XX", "--allow", "IK", "--allow", "resume"]);
        let mut python = python_talks(&parties, &mut command, psk);
        let port = python.port();
        for (way, _, patterns) in WAYS {
            rust.talk(rust.connect(&port, way), patterns[usize::from(psk)]);
        }
        let python = python.finish().out;
        heard_all(&python);
        assert_eq!(python.matches("early: from rust, early").count(), 2, "{python}");
    }
}

#[test]
fn the_python_cannot_call_the_library_again() {
    for (suite, psk) in meetings() {
        let Some(mut parties) = Parties::of_python(suite) else { return };
        let rust = Rust::new(&mut parties, psk);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut command = parties.talk("connect");
        command.args(["127.0.0.1", &listener.local_addr().unwrap().port().to_string(), "--early", "from python, early"]);
        command.args(WAYS.iter().flat_map(|(_, name, _)| ["--open", name]));
        let python = python_talks(&parties, &mut command, psk);
        for (_, _, patterns) in WAYS {
            let stream = rust.accept(&listener);
            let early = stream.beginning().map(|began| began.early_data().as_bytes().to_vec());
            let expected: &[u8] = if patterns[0] == Pattern::Resume { b"from python, early" } else { b"" };
            assert_eq!(early.as_deref(), Some(expected));
            rust.talk(stream, patterns[usize::from(psk)]);
        }
        heard_all(&python.finish().out);
    }
}

/// Every suite, and the default one under a pre-shared key too.
fn meetings() -> impl Iterator<Item = ([&'static str; 3], bool)> {
    SUITES.iter().map(|suite| (*suite, false)).chain([(SUITES[0], true)])
}
