//! A transport under the handshake's deadline: whole frames, and memory for one only once its length was found within bounds.

use super::beginning::{Begun, Cost, Tried};
use super::stream::{Stream, timed_out};
use super::transport::{Transport, Until};
use super::{Error, Frame, FrameKind, Observer};
use crate::error;
use crate::handshake::{Rejected, Suite};
use crate::identity::{Peer, Trusted};
use crate::trust::Trust;
use std::io::{ErrorKind, Read, Write};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How long a handshake may take unless told otherwise. The time in which this side's [`Trust`] thinks does not count.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// How long a side that ends first reads on, lest a reset swallow its last bytes.
const LINGER: Duration = Duration::from_secs(2);
/// How much it reads then.
const LINGER_BYTES: usize = 1 << 16;

/// A transport under a deadline.
pub(super) struct Wire<T> {
    transport: Until<T>,
    observer: Option<Observer>,
    cost: Cost,
    /// When the first frame began to go or to come.
    begun: Option<Instant>,
    /// For how long this side has thought since.
    thought: Duration,
}

/// A [`Trust`] whose thinking time is measured.
pub(super) struct Patient<'a, T> {
    trust: &'a mut T,
    thought: Duration,
}

impl<T: Trust> Trust for Patient<'_, T> {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, error::Distrust> {
        let begin = Instant::now();
        let verdict = self.trust.judge(peer);
        self.thought = begin.elapsed();
        verdict
    }

    fn allows(&self, suite: Suite) -> bool {
        self.trust.allows(suite)
    }
}

impl<T: Transport> Wire<T> {
    pub(super) fn new(transport: T, deadline: Duration, observer: Option<Observer>) -> Self {
        Self { transport: Until::new(transport, deadline), observer, cost: Cost::default(), begun: None, thought: Duration::ZERO }
    }

    /// Lets `step` judge, and moves the deadline by the time that it thought.
    pub(super) fn patiently<U: Trust, R>(&mut self, trust: &mut U, step: impl FnOnce(&mut Patient<'_, U>) -> R) -> R {
        let mut patient = Patient { trust, thought: Duration::ZERO };
        let result = step(&mut patient);
        self.transport.extend(patient.thought);
        // What was thought before the first byte is not in the time that is counted.
        if self.begun.is_some() {
            self.thought = self.thought.saturating_add(patient.thought);
        }
        result
    }

    /// Takes the frame: while this side waits for the other, it holds nothing of it.
    pub(super) fn send(&mut self, kind: FrameKind, frame: Vec<u8>) -> Result<(), Error> {
        self.begun.get_or_insert_with(Instant::now);
        self.write(&frame)?;
        self.cost.sent = self.cost.sent.saturating_add(frame.len());
        self.tell(true, kind, frame.len());
        Ok(())
    }

    /// One frame. Memory is taken for it once its length was found within bounds.
    pub(super) fn receive(&mut self, kind: FrameKind, bounds: RangeInclusive<usize>) -> Result<Vec<u8>, Error> {
        let mut prefix = [0; 2];
        self.read(&mut prefix)?;
        self.begun.get_or_insert_with(Instant::now);
        let length = usize::from(u16::from_be_bytes(prefix));
        if !bounds.contains(&length) {
            return Err(error::Error::Malformed.into());
        }
        let mut frame = prefix.to_vec();
        frame.resize(length.saturating_add(2), 0);
        let (_, body) = frame.split_at_mut(2);
        self.read(body)?;
        self.cost.received = self.cost.received.saturating_add(frame.len());
        let kind = if kind == FrameKind::Handshake(2) && length == 1 { FrameKind::Refusal } else { kind };
        self.tell(false, kind, frame.len());
        Ok(frame)
    }

    /// Answers with a refusal, as far as that goes, and gives its reason.
    pub(super) fn reject(&mut self, rejected: &Rejected, kind: FrameKind) -> Error {
        if !rejected.answer().is_empty() && self.write(rejected.answer()).is_ok() {
            self.tell(true, kind, rejected.answer().len());
        }
        rejected.error().into()
    }

    /// A stream without a deadline; or the end, read out so that a reset does not swallow what was sent last.
    pub(super) fn conclude(mut self, begun: Result<Begun, Error>, tried: &mut Vec<Tried>) -> Result<Stream<T>, Error> {
        match begun {
            Ok(begun) => {
                let took = self.begun.map_or(Duration::ZERO, |begun| begun.elapsed().saturating_sub(self.thought));
                let cost = Cost { took, ..self.cost };
                let mut transport = self.transport.transport;
                transport.set_timeout(None)?;
                let mut stream = Stream::begin(transport, begun, std::mem::take(tried), cost);
                if let Some(observer) = &self.observer {
                    stream.observe(observer);
                }
                Ok(stream)
            }
            Err(error) => {
                self.linger();
                Err(error)
            }
        }
    }

    fn linger(&mut self) {
        if self.transport.transport.shutdown_write().is_err() {
            return;
        }
        self.transport.shorten(LINGER);
        let (mut scrap, mut left) = ([0; 1024], LINGER_BYTES);
        while left > 0 {
            match self.transport.read(&mut scrap) {
                Ok(n) if n > 0 => left = left.saturating_sub(n),
                _ => return,
            }
        }
    }

    fn read(&mut self, place: &mut [u8]) -> Result<(), Error> {
        self.transport.read_exact(place).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => error::Error::Truncated.into(),
            _ => timed_out(error.into()),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.transport.write_all(bytes).and_then(|()| self.transport.flush());
        written.map_err(|error| timed_out(error.into()))
    }

    fn tell(&self, sent: bool, kind: FrameKind, bytes: usize) {
        if let Some(observer) = &self.observer {
            observer(Frame { sent, kind, bytes });
        }
    }
}
