//! A record's plaintext and its frame (docs/protocol.md, sections 8.1 and 8.3).
//!
//! ```text
//! u16 length ‖ AEAD( u8 type ‖ u16 content length ‖ content ‖ zero padding )
//! ```

use crate::error::Error;
use crate::wire::Reader;
use alloc::string::{String, ToString};
use core::fmt;

/// Bytes of content that one record holds at most.
pub const CONTENT_MAX: usize = 16_384;
/// Bytes that a record adds to its content, without padding.
pub const RECORD_OVERHEAD: usize = 21;
/// Bytes of the largest frame, with its length prefix.
pub const FRAME_MAX: usize = 2 + CIPHERTEXT_MAX;
/// Bytes of the longest reason of a [`Close`].
pub const CLOSE_REASON_MAX: usize = 256;

/// Bytes before the content: the frame's length, the type, the content's length.
pub(crate) const CONTENT_AT: usize = 5;
const CIPHERTEXT_MIN: usize = 19;
const CIPHERTEXT_MAX: usize = 16_640;
const PLAINTEXT_MAX: usize = 16_624;

/// A record's type, as it stands in its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordType {
    /// 1: a piece of a message, more to come.
    Data,
    /// 2: the last, or only, piece.
    End,
    /// 3: ends this direction.
    Close,
    /// 4: the sender's next record uses the next key.
    KeyUpdate,
    /// 5: an encapsulation key, to renew the other direction.
    RekeyOffer,
    /// 6: the ciphertext that answers an offer.
    Rekey,
    /// 7: the sender's bundle.
    Bundle,
    /// 8: the initiator's first record where no signature proved it, and nowhere else.
    Confirm,
    /// 9: is anybody there?
    Ping,
    /// 10: the message begun ends unfinished.
    Abort,
}

impl RecordType {
    const ALL: [Self; 10] = [
        Self::Data,
        Self::End,
        Self::Close,
        Self::KeyUpdate,
        Self::RekeyOffer,
        Self::Rekey,
        Self::Bundle,
        Self::Confirm,
        Self::Ping,
        Self::Abort,
    ];

    /// The byte on the wire.
    pub const fn id(self) -> u8 {
        match self {
            Self::Data => 1,
            Self::End => 2,
            Self::Close => 3,
            Self::KeyUpdate => 4,
            Self::RekeyOffer => 5,
            Self::Rekey => 6,
            Self::Bundle => 7,
            Self::Confirm => 8,
            Self::Ping => 9,
            Self::Abort => 10,
        }
    }

    fn from_id(id: u8) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.id() == id).ok_or(Error::Malformed)
    }
}

/// How a direction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// Why, for a program.
    pub code: CloseCode,
    /// Why, for a person: at most 256 bytes; empty where the peer's was not UTF-8. It is the peer's text: show it as such.
    pub reason: String,
}

/// Why a direction was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// 0: all was said.
    Done,
    /// 1: the peer was refused after the handshake.
    Refused,
    /// 2: the program or the machine goes away.
    GoingAway,
    /// From 256 on, the application's own; 3 to 255 are reserved, and can be read but not sent.
    Other(u16),
}

/// How a sender hides its contents' lengths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Padding {
    /// Not at all.
    #[default]
    None,
    /// Up to the next multiple of this many bytes (of 3 + content); 0 and 1 pad nothing.
    Multiple(u16),
    /// Padmé: at most 12 % more, and few different lengths.
    Padme,
}

impl CloseCode {
    /// The number on the wire.
    pub const fn number(self) -> u16 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::GoingAway => 2,
            Self::Other(number) => number,
        }
    }

    /// From the number on the wire.
    pub const fn from_number(number: u16) -> Self {
        match number {
            0 => Self::Done,
            1 => Self::Refused,
            2 => Self::GoingAway,
            number => Self::Other(number),
        }
    }
}

impl Close {
    pub(super) fn read(mut content: Reader<'_>) -> Result<Self, Error> {
        let code = CloseCode::from_number(content.u16()?);
        let reason = content.rest();
        if reason.len() > CLOSE_REASON_MAX {
            return Err(Error::Malformed);
        }
        Ok(Self { code, reason: core::str::from_utf8(reason).unwrap_or_default().to_string() })
    }
}

impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            CloseCode::Done => f.write_str("done")?,
            CloseCode::Refused => f.write_str("refused")?,
            CloseCode::GoingAway => f.write_str("going away")?,
            CloseCode::Other(number) => write!(f, "code {number}")?,
        }
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason.escape_debug()) }
    }
}

impl Padding {
    /// The plaintext's length, 3 + content, with its padding.
    pub(super) fn apply(self, len: usize) -> usize {
        let padded = match self {
            Self::None | Self::Multiple(0) => len,
            Self::Multiple(n) => len.next_multiple_of(n.into()),
            Self::Padme => padme(len),
        };
        padded.min(PLAINTEXT_MAX).max(len)
    }
}

/// E = ⌊log2 L⌋, S = ⌊log2 E⌋ + 1, up to a multiple of 2^(E − S).
fn padme(len: usize) -> usize {
    let Some(e) = len.checked_ilog2() else { return len };
    let Some(s) = e.checked_ilog2() else { return len };
    let zeros = e.saturating_sub(s.saturating_add(1));
    len.next_multiple_of(1usize.checked_shl(zeros).unwrap_or(1))
}

/// What the two bytes before a record's ciphertext announce: how many bytes to read after them, 19 to 16,640; else [`Error::Malformed`].
pub fn frame_len(prefix: [u8; 2]) -> Result<usize, Error> {
    let length = usize::from(u16::from_be_bytes(prefix));
    if (CIPHERTEXT_MIN..=CIPHERTEXT_MAX).contains(&length) { Ok(length) } else { Err(Error::Malformed) }
}

/// Lays out the frame that begins at `start` with its content already in place, pads it, and gives the associated data and the plaintext to seal.
pub(super) fn lay_out(
    kind: RecordType,
    padding: Padding,
    start: usize,
    out: &mut alloc::vec::Vec<u8>,
) -> Result<([u8; 2], &mut [u8]), Error> {
    let content = out.len().checked_sub(start.saturating_add(CONTENT_AT)).filter(|n| *n <= CONTENT_MAX).ok_or(Error::TooLong)?;
    let plaintext = padding.apply(content.saturating_add(3));
    out.resize(start.saturating_add(2).saturating_add(plaintext), 0);
    let tagged = u16::try_from(plaintext.saturating_add(crate::crypto::aead::TAG)).map_err(|_| Error::TooLong)?;
    let content = u16::try_from(content).map_err(|_| Error::TooLong)?;
    let (_, frame) = out.split_at_mut_checked(start).ok_or(Error::TooLong)?;
    let (length, text) = frame.split_first_chunk_mut::<2>().ok_or(Error::TooLong)?;
    *length = tagged.to_be_bytes();
    let ad = *length;
    let (head, _) = text.split_first_chunk_mut::<3>().ok_or(Error::TooLong)?;
    let [high, low] = content.to_be_bytes();
    *head = [kind.id(), high, low];
    Ok((ad, text))
}

/// Takes a plaintext apart: its type and content. Padding that is not zero is [`Error::Malformed`].
pub(super) fn take_apart(plaintext: &[u8]) -> Result<(RecordType, &[u8]), Error> {
    let mut reader = Reader::new(plaintext);
    let (kind, length) = (reader.u8()?, reader.u16()?);
    let content = reader.bytes(length.into())?;
    if content.len() > CONTENT_MAX || reader.rest().iter().any(|byte| *byte != 0) {
        return Err(Error::Malformed);
    }
    Ok((RecordType::from_id(kind)?, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_leaves_the_bounds() {
        for len in [3, 4, 100, 16_387] {
            for padding in [Padding::None, Padding::Multiple(0), Padding::Multiple(256), Padding::Multiple(u16::MAX), Padding::Padme] {
                let padded = padding.apply(len);
                assert!(len <= padded && padded <= PLAINTEXT_MAX, "{padding:?} {len} {padded}");
            }
        }
        assert_eq!(Padding::Multiple(256).apply(257), 512);
        assert_eq!([9, 10, 17, 1000, 16_387].map(padme), [10, 10, 18, 1024, 17_408]);
    }

    #[test]
    fn a_length_out_of_bounds_is_allocated() {
        for length in [0, 1, 18, 16_641, u16::MAX] {
            assert_eq!(frame_len(length.to_be_bytes()), Err(Error::Malformed));
        }
        assert_eq!(frame_len(19u16.to_be_bytes()), Ok(19));
        assert_eq!(frame_len(16_640u16.to_be_bytes()), Ok(16_640));
        assert_eq!(FRAME_MAX, 16_642);
    }
}
