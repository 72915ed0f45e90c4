//! Fixed fields in, fixed fields out: the only byte slicing in the crate.
//!
//! A [`Reader`] takes fields off the front of a slice; one that is too short is [`Error::Malformed`], and so are bytes left over. Integers are
//! big-endian (docs/protocol.md, section 1).

use crate::error::Error;
use alloc::vec::Vec;

/// Reads fields from the front of a byte string.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&mut self, n: usize) -> Result<&'a [u8], Error> {
        let (field, rest) = self.0.split_at_checked(n).ok_or(Error::Malformed)?;
        self.0 = rest;
        Ok(field)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Error> {
        let (field, rest) = self.0.split_first_chunk().ok_or(Error::Malformed)?;
        self.0 = rest;
        Ok(field)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[b]| *b)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(|b| u16::from_be_bytes(*b))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(|b| u32::from_be_bytes(*b))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        self.array().map(|b| u64::from_be_bytes(*b))
    }

    /// Bytes that are left.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// All that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Malformed) }
    }
}

/// The two halves of a hybrid value, and nothing after them.
pub(crate) fn halves<const A: usize, const B: usize>(bytes: &[u8]) -> Result<(&[u8; A], &[u8; B]), Error> {
    let mut reader = Reader::new(bytes);
    let halves = (reader.array()?, reader.array()?);
    reader.end()?;
    Ok(halves)
}

/// Reads a whole frame, `u16 length || body`, and gives its body. The length must be the body's.
pub(crate) fn frame_body(frame: &[u8]) -> Result<&[u8], Error> {
    let mut reader = Reader::new(frame);
    let length = usize::from(reader.u16()?);
    let body = reader.bytes(length)?;
    reader.end()?;
    Ok(body)
}

/// Appends `u16 length || body` to `out`.
pub(crate) fn put_frame(out: &mut Vec<u8>, body: &[u8]) -> Result<(), Error> {
    let length = u16::try_from(body.len()).map_err(|_| Error::TooLong)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(body);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_left_over_are_passed_over() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16(), Ok(0x0102));
        assert_eq!(reader.end(), Err(Error::Malformed));
    }

    #[test]
    fn a_short_field_is_read_as_what_is_there() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u32(), Err(Error::Malformed));
        assert_eq!(reader.bytes(3), Ok([1, 2, 3].as_slice()));
    }

    #[test]
    fn a_frame_may_be_longer_or_shorter_than_it_says() {
        assert_eq!(frame_body(&[0, 1, 9]), Ok([9].as_slice()));
        assert_eq!(frame_body(&[0, 1]), Err(Error::Malformed));
        assert_eq!(frame_body(&[0, 1, 9, 9]), Err(Error::Malformed));
        assert_eq!(frame_body(&[0]), Err(Error::Malformed));
    }
}
