//! A transport in memory that gives and takes in whatever pieces the input says, and fails in between as one with timeouts does.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::time::Duration;
use twinlock::io::{Split, Transport};

/// What the next read or write comes to.
#[derive(Clone, Copy)]
enum Turn {
    AtMost(usize),
    Interrupted,
    WouldBlock,
}

/// The reading half.
#[derive(Default)]
pub struct Incoming {
    bytes: VecDeque<u8>,
    turns: VecDeque<Turn>,
    pub read: usize,
}

/// The writing half.
#[derive(Default)]
pub struct Outgoing {
    pub written: Vec<u8>,
    turns: VecDeque<Turn>,
}

/// Both.
#[derive(Default)]
pub struct Link {
    pub incoming: Incoming,
    pub outgoing: Outgoing,
}

/// Each byte is one turn. When they are used up, everything goes through.
fn turns(plan: &[u8]) -> VecDeque<Turn> {
    let turn = |byte: &u8| match byte {
        0..=63 => Turn::AtMost(usize::from(*byte) + 1),
        64..=191 => Turn::AtMost((usize::from(*byte) - 63) * 140),
        192..=223 => Turn::Interrupted,
        _ => Turn::WouldBlock,
    };
    plan.iter().map(turn).collect()
}

fn turn(turns: &mut VecDeque<Turn>) -> io::Result<usize> {
    match turns.pop_front() {
        None => Ok(usize::MAX),
        Some(Turn::AtMost(n)) => Ok(n),
        Some(Turn::Interrupted) => Err(io::ErrorKind::Interrupted.into()),
        Some(Turn::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl Link {
    pub fn new(bytes: Vec<u8>, reads: &[u8], writes: &[u8]) -> Self {
        Self {
            incoming: Incoming { bytes: bytes.into(), turns: turns(reads), read: 0 },
            outgoing: Outgoing { written: Vec::new(), turns: turns(writes) },
        }
    }
}

impl Incoming {
    pub fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }
}

impl Read for Incoming {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = turn(&mut self.turns)?;
        let n = buf.len().min(most).min(self.bytes.len());
        buf[..n].iter_mut().zip(self.bytes.drain(..n)).for_each(|(place, byte)| *place = byte);
        self.read += n;
        Ok(n)
    }
}

impl Write for Outgoing {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = buf.len().min(turn(&mut self.turns)?);
        self.written.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Link {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.incoming.read(buf)
    }
}

impl Write for Link {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.outgoing.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Link {
    fn set_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read_ready(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.incoming.bytes.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { self.incoming.read(buf) }
    }
}

impl Split for Link {
    type Reader = Incoming;
    type Writer = Outgoing;

    fn split(self) -> io::Result<(Incoming, Outgoing)> {
        Ok((self.incoming, self.outgoing))
    }
}
