//! What goes out: a piece of a message, built where it is sealed, and sealed frames that were not written yet.

use super::Error;
use crate::channel::{CONTENT_AT, CONTENT_MAX, CloseCode, Sealer};
use crate::error;
use std::io::{ErrorKind, Write};

pub(super) struct Outbound {
    pub(super) sealer: Sealer,
    ready: Vec<u8>,
    written: usize,
    piece: Vec<u8>,
    abort_due: bool,
}

impl Outbound {
    pub(super) fn new(sealer: Sealer) -> Self {
        Self { sealer, ready: Vec::new(), written: 0, piece: Vec::new(), abort_due: false }
    }

    /// Puts a part of a message into its current piece, sealing and writing full ones when more comes.
    pub(super) fn put(&mut self, transport: &mut impl Write, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            if self.room() == 0 {
                self.commit(transport, false)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.room()));
            self.begin_piece();
            self.piece.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Ends the message with what its current piece holds, which may be nothing.
    pub(super) fn end(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        self.commit(transport, true)?;
        self.drain(transport)?;
        Ok(transport.flush()?)
    }

    /// Whether a message was begun: something was put, and not ended.
    pub(super) fn begun(&self) -> bool {
        !self.piece.is_empty() || (self.sealer.mid_message() && !self.abort_due)
    }

    /// Gives up the message begun. Its reader is told with the next thing sent.
    pub(super) fn give_up(&mut self) {
        self.piece.clear();
        self.abort_due = self.sealer.mid_message();
    }

    /// Sends what is due besides messages.
    pub(super) fn control(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        self.sealer.control(&mut self.ready)?;
        self.drain(transport)?;
        Ok(transport.flush()?)
    }

    /// Tells the reader that the message given up ends here.
    pub(super) fn abort(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        self.give_up();
        self.send_abort()?;
        self.drain(transport)?;
        Ok(transport.flush()?)
    }

    pub(super) fn key_update(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        self.sealer.key_update(&mut self.ready)?;
        self.drain(transport)?;
        Ok(transport.flush()?)
    }

    pub(super) fn close(&mut self, transport: &mut impl Write, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.give_up();
        self.sealer.close(code, reason, &mut self.ready)?;
        self.abort_due = false;
        self.drain(transport)?;
        Ok(transport.flush()?)
    }

    /// Seals the current piece in place and writes it. What must go before it goes first: an abort, an answer to an offer.
    fn commit(&mut self, transport: &mut impl Write, last: bool) -> Result<(), Error> {
        self.send_abort()?;
        self.sealer.control(&mut self.ready)?;
        self.drain(transport)?;
        self.begin_piece();
        self.sealer.piece_in_place(last, &mut self.piece)?;
        // The piece becomes what is ready, and the emptied buffer the next piece: nothing is copied.
        std::mem::swap(&mut self.ready, &mut self.piece);
        self.drain(transport)
    }

    fn send_abort(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.abort_due) {
            self.sealer.abort(&mut self.ready)?;
        }
        Ok(())
    }

    fn begin_piece(&mut self) {
        if self.piece.is_empty() {
            self.piece.extend_from_slice(&[0; CONTENT_AT]);
        }
    }

    fn room(&self) -> usize {
        CONTENT_MAX.saturating_add(CONTENT_AT).saturating_sub(self.piece.len().max(CONTENT_AT))
    }

    /// Writes what is ready. When the transport gives an error, what was not written is kept, and a later call goes on.
    fn drain(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        while let Some(rest) = self.ready.get(self.written..).filter(|rest| !rest.is_empty()) {
            match transport.write(rest) {
                Ok(0) => return Err(std::io::Error::from(ErrorKind::WriteZero).into()),
                Ok(n) => self.written = self.written.saturating_add(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.ready.clear();
        self.written = 0;
        Ok(())
    }
}

/// A message that failed under way is given up, unless the channel itself ended.
pub(super) fn give_up_on_error<T>(outbound: &mut Outbound, result: Result<T, Error>) -> Result<T, Error> {
    if let Err(Error::Transport(_) | Error::Protocol(error::Error::Randomness)) = result {
        outbound.give_up();
    }
    result
}
