//! A transport in memory, with faults: cut at a byte, few bytes a call, interruptions at chosen bytes, little room, slowness.
//!
//! Nothing waits for ever: an end that waits without a timeout gives up the whole test after [`WATCHDOG`].

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use twinlock::io::{Split, Transport};

/// After so long a wait without a timeout is taken for a deadlock.
pub const WATCHDOG: Duration = Duration::from_secs(30);

/// One direction.
struct Lane {
    state: Mutex<LaneState>,
    changed: Condvar,
}

struct LaneState {
    bytes: VecDeque<u8>,
    /// How many bytes may be under way.
    room: usize,
    written: u64,
    read: u64,
    /// What comes after so many bytes is lost, and the reader sees the end there.
    cut_at: u64,
    writer_gone: bool,
    reader_gone: bool,
    record: Option<Vec<u8>>,
}

/// How one end's reads, or its writes, go wrong.
struct Faults {
    /// At most so many bytes a call.
    at_once: usize,
    /// An error before these bytes, once each.
    stops: BTreeSet<u64>,
    kind: ErrorKind,
    /// Never wait: an error at once instead.
    impatient: bool,
    /// Sleep so long in each call.
    pause: Duration,
    timeout: Option<Duration>,
    calls: u64,
}

/// Turns an end's faults on and off, also while a stream holds it.
#[derive(Clone)]
pub struct Controls {
    incoming: Arc<Lane>,
    outgoing: Arc<Lane>,
    reading: Arc<Mutex<Faults>>,
    writing: Arc<Mutex<Faults>>,
    looks: Arc<Mutex<bool>>,
}

pub struct ReadEnd(Arc<Lane>, Arc<Mutex<Faults>>);
pub struct WriteEnd(Arc<Lane>, Arc<Mutex<Faults>>);

/// One end of the pipe.
pub struct Pipe {
    reader: ReadEnd,
    writer: WriteEnd,
    looks: Arc<Mutex<bool>>,
}

/// Two ends that are connected, with room for `room` bytes in each direction.
pub fn pipe_with_room(room: usize) -> (Pipe, Pipe) {
    let (there, back) = (lane(room), lane(room));
    (end(&back, &there), end(&there, &back))
}

/// Two ends that are connected, with room for everything: one thread can write first and read then.
pub fn pipe() -> (Pipe, Pipe) {
    pipe_with_room(usize::MAX)
}

fn lane(room: usize) -> Arc<Lane> {
    let bytes = VecDeque::with_capacity(room.min(1 << 16));
    let state = LaneState { bytes, room, written: 0, read: 0, cut_at: u64::MAX, writer_gone: false, reader_gone: false, record: None };
    Arc::new(Lane { state: Mutex::new(state), changed: Condvar::new() })
}

fn end(incoming: &Arc<Lane>, outgoing: &Arc<Lane>) -> Pipe {
    let faults = || {
        Arc::new(Mutex::new(Faults {
            at_once: usize::MAX,
            stops: BTreeSet::new(),
            kind: ErrorKind::WouldBlock,
            impatient: false,
            pause: Duration::ZERO,
            timeout: None,
            calls: 0,
        }))
    };
    let reader = ReadEnd(Arc::clone(incoming), faults());
    let writer = WriteEnd(Arc::clone(outgoing), faults());
    Pipe { reader, writer, looks: Arc::new(Mutex::new(true)) }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Controls {
    /// At most so many bytes a read and a write.
    pub fn at_once(&self, bytes: usize) {
        lock(&self.reading).at_once = bytes;
        lock(&self.writing).at_once = bytes;
    }

    /// Reads that would wait give an error at once.
    pub fn impatient(&self) {
        lock(&self.reading).impatient = true;
    }

    /// Reads wait again.
    pub fn patient(&self) {
        lock(&self.reading).impatient = false;
    }

    /// One error before each of these bytes, counted from here, of all that is read.
    pub fn stop_reads(&self, kind: ErrorKind, at: impl IntoIterator<Item = u64>) {
        let from = lock(&self.incoming.state).read;
        let mut faults = lock(&self.reading);
        faults.kind = kind;
        faults.stops.extend(at.into_iter().map(|at| from + at));
    }

    /// One error before each of these bytes, counted from here, of all that is written.
    pub fn stop_writes(&self, kind: ErrorKind, at: impl IntoIterator<Item = u64>) {
        let from = lock(&self.outgoing.state).written;
        let mut faults = lock(&self.writing);
        faults.kind = kind;
        faults.stops.extend(at.into_iter().map(|at| from + at));
    }

    /// Each read sleeps.
    pub fn slow(&self, pause: Duration) {
        lock(&self.reading).pause = pause;
    }

    /// What this end writes is cut after so many more bytes.
    pub fn cut_after(&self, bytes: u64) {
        let mut state = lock(&self.outgoing.state);
        state.cut_at = state.written + bytes;
    }

    /// Whether looking for something to read sees it.
    pub fn looks(&self, looks: bool) {
        *lock(&self.looks) = looks;
    }

    /// Bytes that this end has written.
    pub fn written(&self) -> u64 {
        lock(&self.outgoing.state).written
    }

    /// Bytes that this end has read.
    pub fn read(&self) -> u64 {
        lock(&self.incoming.state).read
    }

    /// Bytes on their way to this end.
    pub fn waiting(&self) -> usize {
        lock(&self.incoming.state).bytes.len()
    }

    /// Calls of read so far.
    pub fn read_calls(&self) -> u64 {
        lock(&self.reading).calls
    }

    /// Keeps a copy of what this end writes from now on.
    pub fn record(&self) {
        lock(&self.outgoing.state).record = Some(Vec::new());
    }

    /// What was written since.
    pub fn recorded(&self) -> Vec<u8> {
        lock(&self.outgoing.state).record.clone().unwrap_or_default()
    }

    /// Changes bytes on their way to this end, or adds to them.
    pub fn tamper(&self, change: impl FnOnce(&mut VecDeque<u8>)) {
        change(&mut lock(&self.incoming.state).bytes);
        self.incoming.changed.notify_all();
    }

    /// The other end is gone, as far as this one can see.
    pub fn end_incoming(&self) {
        lock(&self.incoming.state).writer_gone = true;
        self.incoming.changed.notify_all();
    }

    /// Nothing that this end writes is taken any more.
    pub fn break_outgoing(&self) {
        lock(&self.outgoing.state).reader_gone = true;
        self.outgoing.changed.notify_all();
    }
}

impl Pipe {
    pub fn controls(&self) -> Controls {
        Controls {
            incoming: Arc::clone(&self.reader.0),
            outgoing: Arc::clone(&self.writer.0),
            reading: Arc::clone(&self.reader.1),
            writing: Arc::clone(&self.writer.1),
            looks: Arc::clone(&self.looks),
        }
    }
}

impl Lane {
    /// Waits until `ready`; an error after `timeout`.
    fn wait(&self, timeout: Option<Duration>, ready: impl Fn(&LaneState) -> bool) -> io::Result<MutexGuard<'_, LaneState>> {
        let end = Instant::now() + timeout.unwrap_or(WATCHDOG);
        let mut state = lock(&self.state);
        while !ready(&state) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                assert!(timeout.is_some(), "waited for {WATCHDOG:?}: a deadlock");
                return Err(ErrorKind::WouldBlock.into());
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(state)
    }
}

impl Faults {
    /// How many of `wanted` bytes a call at `position` may move.
    fn allow(&mut self, position: u64, wanted: usize) -> io::Result<usize> {
        if self.stops.remove(&position) {
            return Err(self.kind.into());
        }
        let next = self.stops.range(position..).next().map_or(u64::MAX, |next| next - position);
        Ok(wanted.min(self.at_once).min(usize::try_from(next).unwrap_or(usize::MAX)))
    }
}

impl Read for ReadEnd {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let position = lock(&self.0.state).read;
        let (allowed, timeout, pause) = {
            let mut faults = lock(&self.1);
            faults.calls += 1;
            (faults.allow(position, buf.len())?, if faults.impatient { Some(Duration::ZERO) } else { faults.timeout }, faults.pause)
        };
        if !pause.is_zero() {
            thread::sleep(pause);
        }
        let mut state = self.0.wait(timeout, |state| !state.bytes.is_empty() || state.writer_gone || state.read >= state.cut_at)?;
        let n = state.bytes.read(&mut buf[..allowed])?;
        state.read += n as u64;
        self.0.changed.notify_all();
        Ok(n)
    }
}

impl Write for WriteEnd {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let position = lock(&self.0.state).written;
        let (allowed, timeout) = {
            let mut faults = lock(&self.1);
            (faults.allow(position, buf.len())?, faults.timeout)
        };
        let mut state = self.0.wait(timeout, |state| state.bytes.len() < state.room || state.reader_gone)?;
        if state.reader_gone {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let n = allowed.min(state.room - state.bytes.len());
        let arrive = n.min(usize::try_from(state.cut_at.saturating_sub(state.written)).unwrap_or(usize::MAX));
        state.bytes.extend(&buf[..arrive]);
        state.written += n as u64;
        if let Some(record) = &mut state.record {
            record.extend_from_slice(&buf[..n]);
        }
        self.0.changed.notify_all();
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for ReadEnd {
    fn drop(&mut self) {
        lock(&self.0.state).reader_gone = true;
        self.0.changed.notify_all();
    }
}

impl Drop for WriteEnd {
    fn drop(&mut self) {
        lock(&self.0.state).writer_gone = true;
        self.0.changed.notify_all();
    }
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}

impl Write for Pipe {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writer.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Pipe {
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        lock(&self.reader.1).timeout = timeout;
        lock(&self.writer.1).timeout = timeout;
        Ok(())
    }

    fn shutdown_write(&mut self) -> io::Result<()> {
        lock(&self.writer.0.state).writer_gone = true;
        self.writer.0.changed.notify_all();
        Ok(())
    }

    fn read_ready(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let ready = {
            let state = lock(&self.reader.0.state);
            *lock(&self.looks) && (!state.bytes.is_empty() || state.writer_gone)
        };
        if ready { self.reader.read(buf) } else { Err(ErrorKind::WouldBlock.into()) }
    }
}

impl Split for Pipe {
    type Reader = ReadEnd;
    type Writer = WriteEnd;

    fn split(self) -> io::Result<(ReadEnd, WriteEnd)> {
        Ok((self.reader, self.writer))
    }
}
