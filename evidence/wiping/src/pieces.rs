//! Where pieces of secrets stand in memory: 16 bytes of a secret, at any address, so that half a key that was left is found too.
#![allow(clippy::indexing_slicing, reason = "a check that cannot go on stops")]

use std::collections::HashMap;

pub(crate) const PIECE: usize = 16;

pub(crate) struct Pieces {
    /// The piece, and the place of its secret in the list.
    pieces: HashMap<[u8; PIECE], usize>,
    /// Whether a piece begins with these two bytes: most of memory ends here.
    begins: Vec<bool>,
}

impl Pieces {
    pub(crate) fn of<'a>(secrets: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut all = Self { pieces: HashMap::new(), begins: vec![false; 1 << 16] };
        for (index, secret) in secrets.enumerate() {
            for piece in secret.as_chunks::<PIECE>().0 {
                all.begins[usize::from(u16::from_le_bytes([piece[0], piece[1]]))] = true;
                all.pieces.entry(*piece).or_insert(index);
            }
        }
        all
    }

    /// The secrets' places in the list, once for each piece that stands there.
    pub(crate) fn within(&self, memory: &[u8]) -> impl Iterator<Item = usize> {
        let begins = |window: &&[u8]| self.begins[usize::from(u16::from_le_bytes([window[0], window[1]]))];
        memory.windows(PIECE).filter(begins).filter_map(|window| self.pieces.get(window).copied())
    }
}
