//! Files on their way out, chunk by chunk (docs/chat.md, section 1.3).

use crate::status::Progress;
use crate::terminal::Terminal;
use crate::text::{brief, bytes, harmless};
use crate::wire::{Broken, CHUNK_MAX, Message, NAME_MAX};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How many messages may be under way to the network. More would keep texts waiting behind them.
const AHEAD: u32 = 4;

/// The files that go out, one at a time.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<PathBuf>,
    current: Option<Outgoing>,
    /// Of the file under way, or the last before.
    last_id: u32,
    /// The last that the other side answered.
    answered: u32,
    under_way: u32,
}

struct Outgoing {
    path: PathBuf,
    name: String,
    file: File,
    size: u64,
    left: u64,
    /// Its number. None where it is to begin again: a cut came in between.
    id: Option<u32>,
    /// All was sent, and its landing is awaited.
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
            Some(current) if current.id.is_none() => self.begin_again(terminal),
            Some(_) => self.next_part(terminal),
            None => self.next_file(terminal),
        };
        self.under_way = self.under_way.saturating_add(u32::from(message.is_some()));
        message
    }

    /// The connection was cut: what was handed to it counts no more.
    pub(crate) const fn cut(&mut self) {
        self.under_way = 0;
    }

    /// The other side begins anew, and knows of no file.
    pub(crate) fn anew(&mut self) {
        (self.answered, self.last_id) = (0, 0);
        self.current.iter_mut().for_each(|current| current.id = None);
    }

    /// At the beginning of a connection: the other side has dealt with the files up to this number.
    pub(crate) fn had(&mut self, files: u32) -> Result<(), Broken> {
        if !(self.answered..=self.last_id).contains(&files) {
            return Err(Broken("a wrong number of files"));
        }
        if let Some(current) = &mut self.current {
            // One that was dealt with is answered again; of any other nothing is there.
            current.id = current.id.filter(|id| *id <= files);
            current.ended = current.id.is_some();
        }
        self.last_id = files;
        Ok(())
    }

    /// One of them was handed to the network.
    pub(crate) const fn sent(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Stops the file under way, and those that wait. Whether there was one that can be stopped, and what to send for that.
    pub(crate) fn cancel(&mut self, terminal: &Terminal) -> (bool, Option<Vec<u8>>) {
        self.waiting.clear();
        let Some(current) = self.current.take_if(|current| !current.ended) else { return (false, None) };
        terminal.note(&format!("{} is cancelled", current.name));
        (true, current.id.map(|id| Message::FileCancel { id }.encode()))
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
        self.answered = self.answered.max(id);
        // One that has ended already: the answers crossed.
        let Some(current) = self.current.take_if(|current| current.id == Some(id)) else { return Ok(None) };
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

    /// The file under way from its beginning, as it is now.
    fn begin_again(&mut self, terminal: &Terminal) -> Option<Vec<u8>> {
        let current = self.current.as_mut()?;
        let rewound = current.file.rewind().and_then(|()| current.file.metadata());
        let name = current.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match rewound {
            Ok(metadata) => {
                self.last_id = self.last_id.saturating_add(1);
                (current.size, current.left, current.id) = (metadata.len(), metadata.len(), Some(self.last_id));
                current.progress = terminal.progress("sending", &current.name, current.size);
                terminal.note(&format!("sending {} again, from its beginning", current.name));
                Some(Message::File { id: self.last_id, size: current.size, name: &name }.encode())
            }
            Err(error) => {
                terminal.note(&format!("{} is cancelled: it cannot be read any more ({error})", current.name));
                self.current = None;
                None
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
                    self.current =
                        Some(Outgoing { path, name, file, size, left: size, id: Some(self.last_id), ended: false, progress, begun });
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
