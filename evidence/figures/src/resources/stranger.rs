//! The other end of one handshake, as a script over a transport in memory that counts: what it says first, and what it answers to message 2.

use crate::counting::{aside, now};
use crate::support::clock;
use std::io::{self, Read, Write};
use std::time::Duration;
use twinlock::io::Transport;

/// What comes after message 2.
pub(crate) type Answer<'a> = Box<dyn FnOnce(&[u8]) -> Vec<u8> + Send + 'a>;

pub(crate) struct Stranger<'a> {
    says: Vec<u8>,
    at: usize,
    /// Says noise for ever where it has nothing else to say.
    pub(crate) endless: bool,
    answer: Option<Answer<'a>>,
    /// What the responder sent.
    pub(crate) heard: Vec<u8>,
    /// The stranger's own time in its answer.
    pub(crate) own: Duration,
    /// What the responder's thread held when it first had to wait.
    pub(crate) held: Option<isize>,
}

impl<'a> Stranger<'a> {
    /// Its buffers are taken now, so that nothing of it counts later. They are small enough that giving them back does not give the heap's end back to the
    /// system, which the responder would have to ask for again.
    pub(crate) fn new(first: &[u8], answer: Option<Answer<'a>>) -> Self {
        let mut says = Vec::with_capacity(1 << 15);
        says.extend_from_slice(first);
        Self { says, at: 0, endless: false, answer, heard: Vec::with_capacity(1 << 15), own: Duration::ZERO, held: None }
    }

    /// Bytes that the responder read.
    pub(crate) fn read(&self) -> usize {
        self.at
    }

    fn speak(&mut self) {
        let Some(answer) = self.answer.take() else { return };
        let start = clock();
        aside(|| self.says.extend_from_slice(&answer(&self.heard)));
        self.own += clock() - start;
    }
}

impl Read for &mut Stranger<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.says.len() {
            self.held.get_or_insert_with(now);
            self.speak();
        }
        if self.endless && self.at >= self.says.len() {
            self.at += place.len();
            return Ok(place.len());
        }
        let mut rest = self.says.get(self.at..).unwrap_or_default();
        let n = rest.read(place)?;
        self.at += n;
        Ok(n)
    }
}

impl Write for &mut Stranger<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for &mut Stranger<'_> {
    fn set_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }
}
