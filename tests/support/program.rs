//! A program under a deadline, whose output is read as it comes. And the chat, which is one.
#![allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "each test binary uses a part, and a failed test panics")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Once, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take, all in all.
const DEADLINE: Duration = Duration::from_secs(90);

/// The example program, which `cargo test` has built beside the tests, with their features.
pub(crate) fn chat() -> Command {
    static CHECKED: Once = Once::new();
    CHECKED.call_once(check_features);
    let mut command = Command::new(built());
    command.env_remove("TWINLOCK_CHAT_HOME").env_remove("TWINLOCK_CHAT_PASSPHRASE");
    command
}

fn built() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let chat = tests.parent().unwrap().parent().unwrap().join("examples/chat").with_extension(std::env::consts::EXE_EXTENSION);
    assert!(chat.exists(), "{} is missing: run `cargo test`, or `cargo build --example chat`", chat.display());
    chat
}

/// `cargo test --test …` leaves the program as it was built last. A suite that it lacks is a wrong command line, and else there is no identity for it.
fn check_features() {
    for (suite, here) in [("level5", cfg!(feature = "level5")), ("round3", cfg!(feature = "round3"))] {
        let asked = Command::new(built()).args(["--home", "/no/such/folder", "id", "--suite", suite]).output().unwrap();
        let there = asked.status.code() != Some(2);
        assert_eq!(there, here, "{suite} is not in both: run `cargo build --example chat` with the features of the tests");
    }
}

pub(crate) struct Program {
    child: Child,
    lines: mpsc::Receiver<Line>,
    seen: Vec<Line>,
    end: Instant,
}

struct Line {
    /// On standard output; else on standard error.
    out: bool,
    text: String,
}

/// What a program that ended has said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let streams: [(bool, Box<dyn Read + Send>); 2] = [(true, Box::new(out)), (false, Box::new(err))];
        for (out, stream) in streams {
            let sender = sender.clone();
            let lines = BufReader::new(stream).lines().map_while(Result::ok);
            thread::spawn(move || lines.map(|text| Line { out, text }).try_for_each(|line| sender.send(line)));
        }
        Self { child, lines, seen: Vec::new(), end: Instant::now() + DEADLINE }
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The first line that has this in it.
    pub(crate) fn await_line(&mut self, part: &str) -> String {
        loop {
            if let Some(line) = self.seen.iter().find(|line| line.text.contains(part)) {
                return line.text.clone();
            }
            match self.lines.recv_timeout(self.end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no line with {part:?} in\n{}\n{}", self.said(true), self.said(false)),
            }
        }
    }

    /// The port that it says it listens on.
    pub(crate) fn port(&mut self) -> String {
        self.await_line("listening on ").rsplit(':').next().unwrap().trim().to_owned()
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Closes its input, waits for its end, and gives all it said.
    pub(crate) fn end(mut self) -> Ended {
        drop(self.child.stdin.take());
        while Instant::now() < self.end {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.seen.extend(self.lines.iter());
                return Ended { code: status.code(), out: self.said(true), err: self.said(false) };
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not end:\n{}\n{}", self.said(true), self.said(false));
    }

    /// As [`Program::end`]; and it must have gone well.
    pub(crate) fn finish(self) -> Ended {
        let ended = self.end();
        assert_eq!(ended.code, Some(0), "{}\n{}", ended.out, ended.err);
        ended
    }

    fn said(&self, out: bool) -> String {
        self.seen.iter().filter(|line| line.out == out).map(|line| format!("{}\n", line.text)).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
