//! Files on their way: out chunk by chunk, in whole or not at all (docs/chat.md).

use crate::status::Progress;
use crate::terminal::Terminal;
use crate::text::{brief, bytes, file_name, harmless, numbered};
use crate::wire::{Broken, CHUNK_MAX, Message, NAME_MAX};
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::NamedTempFile;

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

/// The files that come in, one at a time.
pub(crate) struct Inbox {
    folder: PathBuf,
    current: Incoming,
    last_id: u32,
}

enum Incoming {
    None,
    Receiving(Box<Receiving>),
    /// What is left of it is passed over, up to its end.
    Stopped,
}

struct Receiving {
    name: String,
    file: BufWriter<NamedTempFile>,
    size: u64,
    have: u64,
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

impl Inbox {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), current: Incoming::None, last_id: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !matches!(self.current, Incoming::Receiving(_))
    }

    /// A part of the peer's file. What to answer, if anything.
    pub(crate) fn hear(&mut self, message: Message<'_>, terminal: &Terminal) -> Result<Option<Vec<u8>>, Broken> {
        match message {
            Message::File { id, size, name } => {
                if !matches!(self.current, Incoming::None) || Some(id) != self.last_id.checked_add(1) {
                    return Err(Broken("a file out of turn"));
                }
                self.last_id = id;
                Ok(self.begin(size, name, terminal))
            }
            Message::Chunk { id, bytes } => {
                self.check(id)?;
                Ok(self.add(bytes, terminal))
            }
            Message::FileEnd { id } => {
                self.check(id)?;
                Ok(self.end(terminal))
            }
            Message::FileCancel { id } => {
                self.check(id)?;
                if let Incoming::Receiving(gone) = std::mem::replace(&mut self.current, Incoming::None) {
                    terminal.note(&format!("{} was cancelled by the other side; nothing of it is kept", gone.name));
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// Stops the file that comes in. What to send for that, if there was one.
    pub(crate) fn stop(&mut self, reason: &str, terminal: &Terminal) -> Option<Vec<u8>> {
        let Incoming::Receiving(gone) = std::mem::replace(&mut self.current, Incoming::None) else { return None };
        self.current = Incoming::Stopped;
        terminal.note(&format!("{} is stopped: {reason}; nothing of it is kept", gone.name));
        Some(Message::FileStop { id: self.last_id, reason }.encode())
    }

    fn check(&self, id: u32) -> Result<(), Broken> {
        let current = !matches!(self.current, Incoming::None) && id == self.last_id;
        if current { Ok(()) } else { Err(Broken("a part of a file that is not under way")) }
    }

    fn begin(&mut self, size: u64, name: &str, terminal: &Terminal) -> Option<Vec<u8>> {
        let name = file_name(name);
        let made = fs::create_dir_all(&self.folder).and_then(|()| tempfile::Builder::new().prefix(".incoming-").tempfile_in(&self.folder));
        match made {
            Ok(file) => {
                terminal.note(&format!("receiving {name}, {}", bytes(size)));
                let progress = terminal.progress("receiving", &name, size);
                let file = BufWriter::with_capacity(1 << 18, file);
                self.current = Incoming::Receiving(Box::new(Receiving { name, file, size, have: 0, progress, begun: Instant::now() }));
                None
            }
            Err(error) => {
                terminal.note(&format!("{name} cannot be received: {}: {error}", self.folder.display()));
                self.current = Incoming::Stopped;
                Some(Message::FileStop { id: self.last_id, reason: "it could not be stored" }.encode())
            }
        }
    }

    fn add(&mut self, bytes: &[u8], terminal: &Terminal) -> Option<Vec<u8>> {
        let Incoming::Receiving(receiving) = &mut self.current else { return None };
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        receiving.have = receiving.have.saturating_add(length);
        if receiving.have > receiving.size {
            return self.stop("more came than was announced", terminal);
        }
        receiving.progress.advance(length);
        match receiving.file.write_all(bytes) {
            Ok(()) => None,
            Err(error) => self.stop(&format!("it could not be stored ({})", error.kind()), terminal),
        }
    }

    fn end(&mut self, terminal: &Terminal) -> Option<Vec<u8>> {
        let Incoming::Receiving(receiving) = std::mem::replace(&mut self.current, Incoming::None) else { return None };
        let id = self.last_id;
        let (name, size, begun) = (receiving.name.clone(), receiving.size, receiving.begun);
        let stored = if receiving.have < size { Err("less came than was announced".to_owned()) } else { receiving.store(&self.folder) };
        match stored {
            Ok(path) => {
                let seconds = begun.elapsed().as_secs_f64();
                terminal.note(&format!("{name} has landed whole: {}, {seconds:.1} s, in {}", bytes(size), path.display()));
                Some(Message::FileStored { id }.encode())
            }
            Err(reason) => {
                terminal.note(&format!("{name} is not stored: {reason}"));
                Some(Message::FileStop { id, reason: &reason }.encode())
            }
        }
    }
}

impl Receiving {
    /// On the disk, under a name that was free.
    fn store(self, folder: &Path) -> Result<PathBuf, String> {
        self.progress.finish();
        let explain = |error: io::Error| format!("it could not be stored ({})", error.kind());
        let mut file = self.file.into_inner().map_err(|error| explain(error.into_error()))?;
        file.as_file().sync_all().map_err(explain)?;
        for number in 1..=1000 {
            let name = if number == 1 { self.name.clone() } else { numbered(&self.name, number) };
            let path = folder.join(name);
            match file.persist_noclobber(&path) {
                Ok(_) => return sync_folder(folder).map(|()| path).map_err(explain),
                Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => file = taken.file,
                Err(failed) => return Err(explain(failed.error)),
            }
        }
        Err("no name was free for it".to_owned())
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

/// The new name is on the disk once its folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
