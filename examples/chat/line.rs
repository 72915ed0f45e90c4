//! The connection, in two threads of its own: one reads, one writes. What happens there comes to the conversation as [`Heard`].
//!
//! ```text
//!              ┌────────────┐  Heard::Message …  ┌──────────────┐
//!   socket ──▶ │   reader   │ ─────────────────▶ │ conversation │
//!              └────────────┘ ◀──── credit ───── │              │
//!     ▲         answer due │                     │              │
//!     │        ┌───────────▼┐ ◀── Out::Message … │              │
//!     └─────── │   writer   │ ─────────────────▶ │              │
//!              └────────────┘    Heard::Sent     └──────────────┘
//! ```
//!
//! The conversation never waits for the network, so that two sides which send much to each other cannot wait for each other for ever. What the
//! peer makes us hold is bounded: a message is read only while fewer than [`CREDIT`] wait.

use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use twinlock::channel::{Close, CloseCode, RecordType, Totals};
use twinlock::io::{Error, Frame, FrameKind, Observer, Reader, Stream, Writer};

use crate::wire::MESSAGE_MAX;

/// How many messages may wait to be dealt with.
const CREDIT: usize = 16;
/// How often the reader looks whether a ping was answered, when no message comes.
const LOOK: Duration = Duration::from_millis(100);
/// How long the peer may take nothing before it counts as gone.
const STUCK: Duration = Duration::from_secs(90);

/// What the reader and the writer tell.
pub(crate) enum Heard {
    /// A message. It must be paid back with [`Line::taken`].
    Message(Vec<u8>),
    /// The peer sent a message longer than any may be.
    TooLong,
    /// The peer closed.
    Closed(Close),
    /// Reading failed, for good.
    Failed(Error),
    /// A message was handed to the network.
    Sent(Sent),
    /// Our close was handed to the network.
    CloseSent,
    /// Writing failed, for good.
    SendFailed(Error),
}

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A part of a file.
    Part,
    Other,
}

pub(crate) struct Line {
    out: Sender<Out>,
    credit: Receiver<()>,
    stats: Arc<Mutex<Stats>>,
    socket: TcpStream,
}

/// What went over the line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stats {
    pub(crate) sent: Totals,
    pub(crate) received: Totals,
    /// When something last came, of whatever kind.
    pub(crate) heard: Instant,
    /// The number of the newest answer to a ping, and when it came.
    pub(crate) pong: Option<(u32, Instant)>,
    ping_seen: Instant,
}

enum Out {
    Message(Vec<u8>, Sent),
    Answer,
    Ping(u32),
    Rekey,
    Close(CloseCode, String),
}

impl Line {
    /// Takes the stream over. `tell` is called from both threads.
    pub(crate) fn start<F>(mut stream: Stream<TcpStream>, trace: Option<Observer>, tell: F) -> Result<Self, Error>
    where
        F: Fn(Heard) + Clone + Send + 'static,
    {
        let now = Instant::now();
        let none = Totals::default();
        let stats = Arc::new(Mutex::new(Stats { sent: none, received: none, heard: now, pong: None, ping_seen: now }));
        stream.observe(&observer(Arc::clone(&stats), trace));
        stream.set_message_max(MESSAGE_MAX);
        let socket = stream.transport().try_clone()?;
        socket.set_read_timeout(Some(LOOK))?;
        socket.set_write_timeout(Some(STUCK))?;

        let (mut reader, writer) = stream.split()?;
        let (out, outgoing) = mpsc::channel();
        let (earn, credit) = mpsc::sync_channel(CREDIT);
        let answer = out.clone();
        // Where the writer is gone there is nothing to answer.
        reader.on_answer_due(move || drop(answer.send(Out::Answer)));
        let (read_stats, read_tell) = (Arc::clone(&stats), tell.clone());
        thread::spawn(move || read(reader, &earn, &read_stats, read_tell));
        let write_stats = Arc::clone(&stats);
        thread::spawn(move || write(writer, &outgoing, &write_stats, tell));
        Ok(Self { out, credit, stats, socket })
    }

    pub(crate) fn send(&self, message: Vec<u8>, what: Sent) {
        self.post(Out::Message(message, what));
    }

    pub(crate) fn ping(&self, number: u32) {
        self.post(Out::Ping(number));
    }

    /// Fresh keys in both directions: a key update for ours, an offer to renew the peer's.
    pub(crate) fn rekey(&self) {
        self.post(Out::Rekey);
    }

    pub(crate) fn close(&self, code: CloseCode, reason: &str) {
        self.post(Out::Close(code, reason.to_owned()));
    }

    /// A message was dealt with: the next one may come.
    pub(crate) fn taken(&self) {
        let _ = self.credit.try_recv();
    }

    pub(crate) fn stats(&self) -> Stats {
        *lock(&self.stats)
    }

    /// What cannot be posted was told as [`Heard::SendFailed`] before.
    fn post(&self, out: Out) {
        let _ = self.out.send(out);
    }
}

/// Ends both threads. A close that was to be sent must have been.
impl Drop for Line {
    fn drop(&mut self) {
        // A socket that is gone already needs no shutdown.
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

fn lock(stats: &Mutex<Stats>) -> MutexGuard<'_, Stats> {
    stats.lock().unwrap_or_else(PoisonError::into_inner)
}

fn observer(stats: Arc<Mutex<Stats>>, trace: Option<Observer>) -> Observer {
    Arc::new(move |frame: Frame| {
        if !frame.sent {
            let mut stats = lock(&stats);
            stats.heard = Instant::now();
            if frame.kind == FrameKind::Record(RecordType::Ping) {
                stats.ping_seen = stats.heard;
            }
        }
        if let Some(trace) = &trace {
            trace(frame);
        }
    })
}

fn read(mut reader: Reader<TcpStream>, earn: &SyncSender<()>, stats: &Mutex<Stats>, tell: impl Fn(Heard)) {
    loop {
        let received = reader.recv();
        note(&reader, stats);
        match received {
            Ok(Some(message)) => {
                if earn.send(()).is_err() {
                    return;
                }
                tell(Heard::Message(message));
            }
            Ok(None) => {
                let close = reader.peer_close().cloned();
                return tell(Heard::Closed(close.unwrap_or(Close { code: CloseCode::Done, reason: String::new() })));
            }
            Err(Error::Protocol(twinlock::Error::MessageTooLong)) => tell(Heard::TooLong),
            Err(Error::Protocol(twinlock::Error::MessageAborted)) => {}
            Err(Error::Transport(error)) if is_timeout(&error) => {}
            Err(error) => return tell(Heard::Failed(error)),
        }
    }
}

fn note(reader: &Reader<TcpStream>, stats: &Mutex<Stats>) {
    let mut stats = lock(stats);
    stats.received = reader.received();
    if let Some(number) = reader.pong()
        && stats.pong.is_none_or(|(last, _)| last != number)
    {
        stats.pong = Some((number, stats.ping_seen));
    }
}

fn write(mut writer: Writer<TcpStream>, outgoing: &Receiver<Out>, stats: &Mutex<Stats>, tell: impl Fn(Heard)) {
    for out in outgoing {
        let (done, told) = match out {
            Out::Message(message, what) => (writer.send(&message), Some(Heard::Sent(what))),
            Out::Answer => (writer.flush(), None),
            Out::Ping(number) => (writer.ping(number), None),
            Out::Rekey => (writer.key_update().and_then(|()| writer.rekey()), None),
            Out::Close(code, reason) => (writer.finish_with(code, &reason), Some(Heard::CloseSent)),
        };
        lock(stats).sent = writer.sent();
        match done {
            Ok(()) => told.into_iter().for_each(&tell),
            // What comes after our close is not said any more; and of what ended the conversation the reader tells.
            Err(Error::Protocol(twinlock::Error::Closed | twinlock::Error::Ended)) => {}
            Err(error) => return tell(Heard::SendFailed(error)),
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
