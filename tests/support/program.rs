//! Programs under test: run beside each other, their output read as it comes, under a deadline.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(90);

/// The example program, which `cargo test` has built beside the tests.
pub fn chat() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let chat = tests.parent().unwrap().parent().unwrap().join("examples/chat").with_extension(std::env::consts::EXE_EXTENSION);
    assert!(chat.exists(), "{} is missing: run `cargo test`, or `cargo build --example chat`", chat.display());
    chat
}

/// A program under a deadline, whose output is read as it comes.
pub struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
    end: Instant,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let streams: [Box<dyn Read + Send>; 2] = [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let sender = sender.clone();
            thread::spawn(move || BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        }
        Self { child, lines, seen: Vec::new(), end: Instant::now() + DEADLINE }
    }

    pub fn type_line(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// The first line that has this in it.
    pub fn await_line(&mut self, part: &str) -> String {
        loop {
            if let Some(line) = self.seen.iter().find(|line| line.contains(part)) {
                return line.clone();
            }
            let left = self.end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no line with {part:?} in {:#?}", self.seen),
            }
        }
    }

    /// Kills it, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Closes its input, waits for its end, and gives all it said. It must end with 0.
    pub fn finish(self) -> String {
        let (code, said) = self.end();
        assert_eq!(code, Some(0), "{said}");
        said
    }

    /// Closes its input, waits for its end, and gives its exit code and all it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        drop(self.child.stdin.take());
        while Instant::now() < self.end {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.seen.extend(self.lines.iter());
                return (status.code(), self.seen.join("\n"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("it did not end: {:#?}", self.seen);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
