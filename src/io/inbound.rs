//! What comes in: frames, opened where they were read, and the piece of a message that waits to be taken.

use super::Error;
use crate::channel::{CONTENT_AT, Close, CloseCode, FRAME_MAX, Opener, PeerOffer, Record, frame_len};
use crate::error::{self, Refusal};
use crate::identity::Bundle;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::time::Instant;

pub(super) struct Inbound {
    pub(super) opener: Opener,
    /// The longest message that is gathered whole, in bytes.
    pub(super) message_max: usize,
    /// When the last offer was made, or the channel began.
    pub(super) offered_at: Instant,
    /// How the peer closed.
    pub(super) closed: Option<Close>,
    /// The newest answer to a ping.
    pub(super) pong: Option<u32>,
    /// Pieces of a message that a receive which was interrupted had gathered.
    pub(super) gathered: Vec<u8>,
    /// A message was broken off while its receiver did not look.
    pub(super) aborted: bool,
    buffer: Box<[u8]>,
    have: usize,
    frame: usize,
    piece: Option<Piece>,
    skipping: bool,
}

/// A piece that was opened and not taken whole; its range in the buffer.
#[derive(Clone)]
struct Piece {
    content: Range<usize>,
    last: bool,
}

/// What one frame brought.
pub(super) enum Incoming {
    Piece,
    Aborted,
    Closed,
    Offer(PeerOffer),
    Ping(u32),
    Bundle(Box<Bundle>),
    Nothing,
}

impl Inbound {
    pub(super) fn new(opener: Opener, message_max: usize) -> Self {
        Self {
            opener,
            message_max,
            offered_at: Instant::now(),
            closed: None,
            pong: None,
            gathered: Vec::new(),
            aborted: false,
            // Room for a frame and the next one's length, so that in a running stream each frame costs one read and is not moved.
            buffer: vec![0; FRAME_MAX.saturating_add(2)].into_boxed_slice(),
            have: 0,
            frame: 0,
            piece: None,
            skipping: false,
        }
    }

    /// The piece that waits: its bytes, and whether it is its message's last.
    pub(super) fn piece(&self) -> Option<(&[u8], bool)> {
        let piece = self.piece.as_ref()?;
        Some((self.buffer.get(piece.content.clone())?, piece.last))
    }

    /// Moves what waits into `buf`: what an interrupted receive gathered, then the piece. How many bytes, and whether the message ends with them; none
    /// where nothing waits.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> Option<(usize, bool)> {
        if !self.gathered.is_empty() {
            let n = copy(&self.gathered, buf);
            self.gathered.drain(..n);
            return Some((n, false));
        }
        let (piece, last) = self.piece()?;
        let (n, left) = (copy(piece, buf), piece.len());
        self.take(n);
        Some((n, last && n == left))
    }

    /// Takes `n` bytes of the piece; it is gone with its last byte. An empty last piece goes with `n` = 0.
    pub(super) fn take(&mut self, n: usize) {
        if let Some(piece) = &mut self.piece {
            piece.content.start = piece.content.start.saturating_add(n);
            if piece.content.is_empty() {
                self.piece = None;
            }
        }
    }

    /// The peer has closed: one that refused us after the handshake said nothing, and an end like any other it must not seem.
    pub(super) fn end(&self) -> Result<(), error::Error> {
        match &self.closed {
            Some(Close { code: CloseCode::Refused, .. }) => Err(error::Error::RefusedByPeer(Refusal::Refused)),
            _ => Ok(()),
        }
    }

    /// Whether something waits for who receives: a piece, a message broken off, the close.
    pub(super) const fn waits(&self) -> bool {
        self.piece.is_some() || self.aborted || self.closed.is_some()
    }

    /// Passes over what is left of the message that was begun.
    pub(super) fn skip_message(&mut self) {
        self.gathered.clear();
        self.skipping = match self.piece.take() {
            Some(piece) => !piece.last,
            None => self.opener.mid_message(),
        };
    }

    /// Reads and opens one frame. A piece of a message stays here; [`Inbound::piece`] must be taken before the next call.
    ///
    /// When the transport gives an error in the middle of a frame, what came is kept, and a later call goes on.
    pub(super) fn next(&mut self, transport: &mut impl Read) -> Result<Incoming, Error> {
        self.next_with(transport, |_| {})
    }

    /// As [`Inbound::next`], calling `before` when a frame has come and before it is opened.
    pub(super) fn next_with(&mut self, transport: &mut impl Read, before: impl FnOnce(&mut Opener)) -> Result<Incoming, Error> {
        if std::mem::take(&mut self.aborted) {
            return Ok(Incoming::Aborted);
        }
        if self.closed.is_some() {
            return Ok(Incoming::Closed);
        }
        self.opener.check()?;
        if !self.fill(transport)? {
            self.opener.transport_ended()?;
            return Ok(Incoming::Closed);
        }
        before(&mut self.opener);
        let frame = self.buffer.get_mut(..self.frame).ok_or(error::Error::Malformed)?;
        let end = |content: &[u8]| Range { start: CONTENT_AT, end: content.len().saturating_add(CONTENT_AT) };
        Ok(match self.opener.open(frame)? {
            Record::Data(content) => {
                let content = end(content);
                self.keep(content, false)
            }
            Record::End(content) => {
                let content = end(content);
                self.keep(content, true)
            }
            Record::Abort if std::mem::take(&mut self.skipping) => Incoming::Nothing,
            Record::Abort => {
                self.gathered.clear();
                Incoming::Aborted
            }
            Record::Close(close) => {
                self.closed = Some(close);
                Incoming::Closed
            }
            Record::Offer(offer) => Incoming::Offer(offer),
            Record::Ping(number) => Incoming::Ping(number),
            Record::Pong(number) => {
                self.pong = Some(number);
                Incoming::Nothing
            }
            Record::Bundle(bundle) => Incoming::Bundle(bundle),
            Record::KeyUpdate | Record::Rekey => Incoming::Nothing,
        })
    }

    fn keep(&mut self, content: Range<usize>, last: bool) -> Incoming {
        if self.skipping {
            self.skipping = !last;
            return Incoming::Nothing;
        }
        self.piece = Some(Piece { content, last });
        Incoming::Piece
    }

    /// Reads until a whole frame stands at the front, its length checked before the rest is awaited. False at the end of the transport.
    fn fill(&mut self, transport: &mut impl Read) -> Result<bool, Error> {
        self.buffer.copy_within(self.frame..self.have, 0);
        self.have = self.have.saturating_sub(self.frame);
        self.frame = 0;
        loop {
            let whole = match self.buffer.first_chunk() {
                // A length out of bounds goes to the opener without what follows, and ends the channel there.
                Some(prefix) if self.have >= 2 => Some(frame_len(*prefix).map_or(2, |length| length.saturating_add(2))),
                _ => None,
            };
            if let Some(whole) = whole.filter(|whole| self.have >= *whole) {
                self.frame = whole;
                return Ok(true);
            }
            // With a frame's length known, the next one's two bytes are read along.
            let wanted = whole.unwrap_or_default().saturating_add(2);
            let place = self.buffer.get_mut(self.have..wanted).ok_or(error::Error::Malformed)?;
            match transport.read(place) {
                Ok(0) => return Ok(false),
                Ok(n) => self.have = self.have.saturating_add(n),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Copies as much as there is and fits.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let n = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..n), to.get_mut(..n)) {
        to.copy_from_slice(from);
    }
    n
}
