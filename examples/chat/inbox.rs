//! Files on their way in: they land whole, under a harmless name that was free, or not at all (docs/chat.md, section 1.3).

use crate::status::Progress;
use crate::terminal::Terminal;
use crate::text::{bytes, file_name, numbered};
use crate::wire::{Broken, Message};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::NamedTempFile;

/// The files that come in, one at a time.
pub(crate) struct Inbox {
    folder: PathBuf,
    current: Incoming,
    last_id: u32,
    /// The last answer, and to which it was. It may get lost in a cut.
    answer: Option<(u32, Vec<u8>)>,
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

impl Inbox {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), current: Incoming::None, last_id: 0, answer: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        !matches!(self.current, Incoming::Receiving(_))
    }

    /// The connection was cut: what there is of a file is dropped, since it comes again from its beginning.
    pub(crate) fn cut(&mut self, terminal: &Terminal) {
        if let Incoming::Receiving(gone) = std::mem::replace(&mut self.current, Incoming::None) {
            self.last_id = self.last_id.saturating_sub(1);
            terminal.note(&format!("{} was cut off; it begins again when the other side is back", gone.name));
        }
    }

    /// The other side begins anew, and numbers its files from 1.
    pub(crate) fn anew(&mut self) {
        (self.last_id, self.answer) = (0, None);
    }

    /// At the beginning of a connection: up to which number the files were dealt with, and what was answered to the last of them.
    pub(crate) fn dealt_with(&self) -> (u32, Option<&Vec<u8>>) {
        (self.last_id, self.answer.as_ref().filter(|(id, _)| *id == self.last_id).map(|(_, answer)| answer))
    }

    /// A part of the peer's file. What to answer, if anything.
    pub(crate) fn hear(&mut self, message: Message<'_>, terminal: &Terminal) -> Result<Option<Vec<u8>>, Broken> {
        let answer = self.take(message, terminal)?;
        if let Some(answer) = &answer {
            self.answer = Some((self.last_id, answer.clone()));
        }
        Ok(answer)
    }

    fn take(&mut self, message: Message<'_>, terminal: &Terminal) -> Result<Option<Vec<u8>>, Broken> {
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
        let answer = Message::FileStop { id: self.last_id, reason }.encode();
        self.answer = Some((self.last_id, answer.clone()));
        Some(answer)
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

/// The new name is on the disk once its folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
