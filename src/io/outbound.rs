//! What goes out: a piece of a message, built where it is sealed, and sealed frames that were not written yet.

use super::Error;
use crate::channel::{CONTENT_AT, CONTENT_MAX, CloseCode, FRAME_MAX, RECORD_OVERHEAD, Sealer};
use crate::identity::Bundle;
use std::io::{ErrorKind, Write};

pub(super) struct Outbound {
    pub(super) sealer: Sealer,
    ready: Vec<u8>,
    written: usize,
    piece: Vec<u8>,
    abort_due: bool,
    /// The application has sent a ping.
    pinged: bool,
    /// Pieces sealed since the sender last looked what the peer asked for.
    unattended: u8,
}

/// After so many pieces, 256 KiB, a sender looks what the peer asked for.
const ATTEND_AFTER: u8 = 16;

impl Outbound {
    pub(super) fn new(sealer: Sealer) -> Self {
        Self { sealer, ready: Vec::new(), written: 0, piece: Vec::new(), abort_due: false, pinged: false, unattended: 0 }
    }

    /// Takes the first of `bytes` into the message's current piece, and says how many. A full piece is sealed and written before. An error has taken none.
    pub(super) fn take(&mut self, transport: &mut impl Write, bytes: &[u8]) -> Result<usize, Error> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.room() == 0 {
            self.commit(transport, false)?;
        }
        let (now, _) = bytes.split_at(bytes.len().min(self.room()));
        self.begin_piece();
        self.make_room(now.len());
        self.piece.extend_from_slice(now);
        Ok(now.len())
    }

    /// For so many bytes more of the piece, and its tag. A Vec left to itself doubles, to twice a frame in each of two buffers, and a stream keeps them.
    fn make_room(&mut self, more: usize) {
        let needed = self.piece.len().saturating_add(more).saturating_add(RECORD_OVERHEAD);
        if needed > self.piece.capacity() {
            let wanted = if needed > FRAME_MAX / 2 { FRAME_MAX } else { needed.next_power_of_two() };
            self.piece.reserve_exact(wanted.saturating_sub(self.piece.len()));
        }
    }

    /// Whether it is time to look what the peer asked for; asked once, not again until the next time.
    pub(super) fn attention_due(&mut self) -> bool {
        let due = self.unattended >= ATTEND_AFTER;
        if due {
            self.unattended = 0;
        }
        due
    }

    /// Ends the message with what its current piece holds, which may be nothing.
    pub(super) fn end(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        self.commit(transport, true)?;
        self.flush(transport)
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

    /// Asks the peer whether it is there.
    pub(super) fn ping(&mut self, transport: &mut impl Write, number: u32) -> Result<(), Error> {
        self.pinged = true;
        self.sealer.ping(number);
        self.control(transport)
    }

    /// Has our bundle sent with what goes next, and a ping with number 0 after it, unless the application asks itself. Gives the bundle's number; none where nothing can be sent any more.
    pub(super) fn send_bundle(&mut self, bundle: &Bundle) -> Option<u32> {
        let number = self.sealer.bundle(bundle).ok()?;
        if !self.pinged {
            self.sealer.ping(0);
        }
        Some(number)
    }

    /// Sends what is due besides messages.
    pub(super) fn control(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        self.sealer.control(&mut self.ready)?;
        self.flush(transport)
    }

    /// Sends what is due as far as this direction is open, and in any case what was not written yet.
    pub(super) fn settle(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        if self.sealer.is_closed() { self.flush(transport) } else { self.control(transport) }
    }

    /// Writes what is ready, and has the transport send it.
    pub(super) fn flush(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        self.drain(transport)?;
        Ok(transport.flush()?)
    }

    /// Tells the reader that the message given up ends here.
    pub(super) fn abort(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        self.give_up();
        self.send_abort()?;
        self.flush(transport)
    }

    pub(super) fn key_update(&mut self, transport: &mut impl Write) -> Result<(), Error> {
        self.sealer.key_update(&mut self.ready)?;
        self.flush(transport)
    }

    pub(super) fn close(&mut self, transport: &mut impl Write, code: CloseCode, reason: &str) -> Result<(), Error> {
        // A close that the transport interrupted goes on.
        if !self.sealer.is_closed() || self.ready.is_empty() {
            self.give_up();
            self.sealer.close(code, reason, &mut self.ready)?;
            self.abort_due = false;
        }
        self.flush(transport)
    }

    /// Seals the current piece in place and writes it. What must go before it goes first: an abort, an answer to an offer.
    fn commit(&mut self, transport: &mut impl Write, last: bool) -> Result<(), Error> {
        self.send_abort()?;
        self.sealer.control(&mut self.ready)?;
        self.drain(transport)?;
        self.begin_piece();
        self.sealer.piece_in_place(last, &mut self.piece)?;
        self.unattended = self.unattended.saturating_add(1);
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
            self.make_room(0);
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
