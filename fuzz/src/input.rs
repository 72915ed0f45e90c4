//! What the fuzzer says, read as choices, and as changes to a good message.
//!
//! ```text
//! choice    one byte, or two where there is much to choose from; where nothing is left it is 0
//! changes   count · (how · where · with what)*
//! ```
//!
//! A handshake message that is mutated blindly fails at its first tag, and says little. So most inputs are a few choices: which good message, and what is done to it.

/// The input, from its front.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or_default()
    }

    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub fn number(&mut self) -> u32 {
        u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// Below `n`, which is at least 1.
    pub fn below(&mut self, n: usize) -> usize {
        (if n > 256 { usize::from(self.word()) } else { usize::from(self.byte()) }) % n
    }

    pub fn pick<'b, T>(&mut self, from: &'b [T]) -> &'b T {
        &from[self.below(from.len())]
    }

    /// As many as there are, up to `n`.
    pub fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A few bytes: their number, then they.
    pub fn some(&mut self) -> &'a [u8] {
        let n = self.byte().into();
        self.bytes(n)
    }

    /// Bytes of a length that need not stand in the input: one of those that matter, or any up to `most`, filled with what is there.
    pub fn filled(&mut self, most: usize) -> Vec<u8> {
        let length = match self.byte() {
            length @ 0..=199 => usize::from(length),
            200..=219 => most,
            220..=229 => most.saturating_sub(1),
            230..=239 => most + 1,
            _ => usize::from(self.word()),
        };
        let seed = self.byte();
        (0..length.min(most + 1)).map(|i| seed.wrapping_add((i % 251) as u8)).collect()
    }

    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Changes `message` in up to three places. `borders` are where its fields begin.
    pub fn change(&mut self, message: &mut Vec<u8>, borders: &[usize]) {
        for _ in 0..self.below(4) {
            let (how, at) = (self.byte(), self.place(message.len(), borders));
            self.change_at(message, how, at);
        }
    }

    /// Somewhere in a message, or close to the beginning of a field.
    fn place(&mut self, len: usize, borders: &[usize]) -> usize {
        let at = match (self.byte(), borders) {
            (0..=127, [_, ..]) => self.pick(borders).saturating_add_signed(isize::from(self.byte().cast_signed()) / 32),
            _ => usize::from(self.word()),
        };
        if at > len { at % (len + 1) } else { at }
    }

    fn change_at(&mut self, message: &mut Vec<u8>, how: u8, at: usize) {
        let end = |n: u8, len: usize| (at + usize::from(n)).min(len);
        match how % 8 {
            0 => message.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << (how >> 5)),
            1 => {
                let value = self.byte();
                message.iter_mut().skip(at).take(1).for_each(|byte| *byte = value);
            }
            2 => message.truncate(at),
            3 => drop(message.drain(at..end(self.byte(), message.len()))),
            4 => drop(message.splice(at..at, self.some().iter().copied())),
            5 => message.extend_from_slice(self.some()),
            6 => {
                let (value, n) = (self.byte(), self.byte());
                message.iter_mut().skip(at).take(n.into()).for_each(|byte| *byte = value);
            }
            _ => {
                let bytes = self.some();
                message.iter_mut().skip(at).zip(bytes).for_each(|(byte, new)| *byte = *new);
            }
        }
    }
}

/// Makes the length before a frame's body that of its body, where there is one.
pub fn refit(frame: &mut [u8]) {
    if let Some((prefix, body)) = frame.split_first_chunk_mut::<2>() {
        *prefix = (body.len() as u16).to_be_bytes();
    }
}
