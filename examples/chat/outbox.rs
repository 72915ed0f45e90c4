//! Files on their way out, chunk by chunk (docs/chat.md, section 1.2).

use crate::status::Progress;
use crate::terminal::Terminal;
use crate::text::{brief, bytes, harmless};
use crate::wire::{Broken, CHUNK_MAX, Message, NAME_MAX};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How many messages may be under way to the network. More would keep texts waiting behind them.
const AHEAD: u32 = 4;

/// The files that go out, one at a time.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<PathBuf>,
    current: Option<Outgoing>,
    last_id: u32,
    under_way: u32,
}

struct Outgoing {
    name: String,
    file: File,
    size: u64,
    left: u64,
    /// `FileEnd` was sent.
    ended: bool,
    progress: Progress,
    begun: Instant,
}

impl Outbox {
    pub(crate) fn queue(&mut self, path: PathBuf, terminal: &Terminal) {
        if self.current.is_some() {
            terminal.note(&format!("{} will be sent after the file under way", harmless(&path.display().to_string())));
        }
        self.waiting.push_back(path);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.current.is_none() && self.waiting.is_empty()
    }

    /// The next message of a file, if there is one to send now.
    pub(crate) fn next(&mut self, terminal: &Terminal) -> Option<Vec<u8>> {
        let message = match &self.current {
            _ if self.under_way >= AHEAD => None,
            Some(current) if current.ended => None,
            Some(_) => self.next_part(terminal),
            None => self.next_file(terminal),
        };
        self.under_way = self.under_way.saturating_add(u32::from(message.is_some()));
        message
    }

    /// One of them was handed to the network.
    pub(crate) const fn sent(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Stops the file under way, and those that wait. What to send for that, if anything was under way that can be stopped.
    pub(crate) fn cancel(&mut self, terminal: &Terminal) -> Option<Vec<u8>> {
        self.waiting.clear();
        let current = self.current.take_if(|current| !current.ended)?;
        terminal.note(&format!("{} is cancelled", current.name));
        Some(Message::FileCancel { id: self.last_id }.encode())
    }

    /// Whether the file under way went out whole, and its landing is awaited.
    pub(crate) fn awaits_landing(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.ended)
    }

    /// What the receiver says of our file. What to answer, if anything.
    pub(crate) fn hear(&mut self, message: Message<'_>, terminal: &Terminal) -> Result<Option<Vec<u8>>, Broken> {
        let (Message::FileStop { id, .. } | Message::FileStored { id }) = message else { return Ok(None) };
        if !(1..=self.last_id).contains(&id) {
            return Err(Broken("an answer to a file that was never sent"));
        }
        // One that has ended already: the answers crossed.
        let Some(current) = self.current.take_if(|_| id == self.last_id) else { return Ok(None) };
        match message {
            Message::FileStored { .. } if !current.ended => Err(Broken("a file stored before its end")),
            Message::FileStop { reason, .. } => {
                let reason = if reason.is_empty() { "no reason was given".to_owned() } else { harmless(&brief(reason, 200)) };
                terminal.note(&format!("{} was stopped by the other side: {reason}", current.name));
                Ok((!current.ended).then(|| Message::FileCancel { id }.encode()))
            }
            _ => {
                let seconds = current.begun.elapsed().as_secs_f64();
                terminal.note(&format!("{} has landed whole: {}, {seconds:.1} s", current.name, bytes(current.size)));
                Ok(None)
            }
        }
    }

    fn next_file(&mut self, terminal: &Terminal) -> Option<Vec<u8>> {
        while let Some(path) = self.waiting.pop_front() {
            match open(&path) {
                Ok((file, size, name)) => {
                    self.last_id = self.last_id.saturating_add(1);
                    let first = Message::File { id: self.last_id, size, name: &name }.encode();
                    let name = harmless(&name);
                    let progress = terminal.progress("sending", &name, size);
                    terminal.note(&format!("sending {name}, {}", bytes(size)));
                    let begun = Instant::now();
                    self.current = Some(Outgoing { name, file, size, left: size, ended: false, progress, begun });
                    return Some(first);
                }
                Err(error) => terminal.note(&format!("{} cannot be sent: {error}", harmless(&path.display().to_string()))),
            }
        }
        None
    }

    /// The next chunk, the end after the last, or a cancel where the file cannot be read any more.
    fn next_part(&mut self, terminal: &Terminal) -> Option<Vec<u8>> {
        let id = self.last_id;
        let current = self.current.as_mut()?;
        if current.left == 0 {
            current.ended = true;
            current.progress.finish();
            return Some(Message::FileEnd { id }.encode());
        }
        let mut chunk = vec![0; usize::try_from(current.left).unwrap_or(CHUNK_MAX).min(CHUNK_MAX)];
        match current.file.read_exact(&mut chunk) {
            Ok(()) => {
                let length = u64::try_from(chunk.len()).unwrap_or_default();
                current.left = current.left.saturating_sub(length);
                current.progress.advance(length);
                Some(Message::Chunk { id, bytes: &chunk }.encode())
            }
            Err(error) => {
                terminal.note(&format!("{} is cancelled: it cannot be read any more ({error})", current.name));
                self.current = None;
                Some(Message::FileCancel { id }.encode())
            }
        }
    }
}

fn open(path: &Path) -> Result<(File, u64, String), String> {
    let explain = |error: io::Error| error.to_string();
    // Looked at first, since opening a pipe waits.
    if !fs::metadata(path).map_err(explain)?.is_file() {
        return Err("it is not a file".to_owned());
    }
    let file = File::open(path).map_err(explain)?;
    let size = file.metadata().map_err(explain)?.len();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if (1..=NAME_MAX).contains(&name.len()) { Ok((file, size, name)) } else { Err("its name is too long".to_owned()) }
}
