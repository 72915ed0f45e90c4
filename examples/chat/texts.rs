//! The texts of a conversation, numbered, so that none is lost or doubled when it goes on over another connection (docs/chat.md, section 1.2).

use crate::wire::{Broken, Message};
use std::collections::VecDeque;

/// How many texts may wait to be acknowledged, and with how many bytes in all.
const WAITING_MAX: usize = 1_024;
const WAITING_BYTES: usize = 8 << 20;

/// Those that the other side has not acknowledged, in their order.
pub(crate) struct TextsOut {
    waiting: VecDeque<String>,
    bytes: usize,
    /// The number of the last that was acknowledged.
    acknowledged: u64,
    /// The last that was sent over this connection, or acknowledged before it.
    sent: u64,
    /// The last that was ever sent to this run of the other side's.
    ever_sent: u64,
}

/// Those of the other side that were shown.
#[derive(Default)]
pub(crate) struct TextsIn {
    shown: u64,
}

/// What to do with a text that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    /// To be shown, and acknowledged.
    New,
    /// It was shown before. To be acknowledged again.
    Again,
}

impl TextsOut {
    pub(crate) const fn new() -> Self {
        Self { waiting: VecDeque::new(), bytes: 0, acknowledged: 0, sent: 0, ever_sent: 0 }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MAX && self.bytes < WAITING_BYTES
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.bytes = self.bytes.saturating_add(text.len());
        self.waiting.push_back(text.to_owned());
    }

    /// How many are not acknowledged.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// The next one to send over this connection.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        let at = usize::try_from(self.sent.saturating_sub(self.acknowledged)).ok()?;
        let message = self.waiting.get(at).map(|text| Message::Text { id: self.sent.saturating_add(1), text }.encode())?;
        self.sent = self.sent.saturating_add(1);
        self.ever_sent = self.ever_sent.max(self.sent);
        Some(message)
    }

    /// The other side acknowledged all up to this one.
    pub(crate) fn got(&mut self, id: u64) -> Result<(), Broken> {
        if id > self.sent {
            return Err(Broken("an acknowledgement of a text that was never sent"));
        }
        self.acknowledge(id);
        Ok(())
    }

    /// At the beginning of a connection: the other side has shown so many. What it has not goes over this connection again.
    pub(crate) fn had(&mut self, texts: u64) -> Result<(), Broken> {
        if !(self.acknowledged..=self.ever_sent).contains(&texts) {
            return Err(Broken("a wrong number of texts"));
        }
        self.acknowledge(texts);
        self.sent = texts;
        Ok(())
    }

    /// The other side begins anew, and knows nothing of what was sent to it before.
    pub(crate) const fn anew(&mut self) {
        (self.acknowledged, self.sent, self.ever_sent) = (0, 0, 0);
    }

    fn acknowledge(&mut self, id: u64) {
        while self.acknowledged < id {
            let Some(text) = self.waiting.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(text.len());
            self.acknowledged = self.acknowledged.saturating_add(1);
        }
    }
}

impl TextsIn {
    /// How many were shown.
    pub(crate) const fn shown(&self) -> u64 {
        self.shown
    }

    /// Whether the text with this number is to be shown. It counts as shown then.
    pub(crate) fn hear(&mut self, id: u64) -> Result<Came, Broken> {
        match id {
            0 => Err(Broken("a text with number 0")),
            id if id <= self.shown => Ok(Came::Again),
            id if Some(id) == self.shown.checked_add(1) => {
                self.shown = id;
                Ok(Came::New)
            }
            _ => Err(Broken("a text out of turn")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(texts: &mut TextsOut) -> Vec<u64> {
        let number = |message: Vec<u8>| match Message::decode(&message) {
            Ok(Message::Text { id, .. }) => id,
            _ => 0,
        };
        std::iter::from_fn(|| texts.next()).map(number).collect()
    }

    #[test]
    fn a_text_that_was_not_counted_is_not_sent_again_or_one_that_was_is() {
        let mut texts = TextsOut::new();
        ["a", "b", "c"].iter().for_each(|text| texts.push(text));
        assert_eq!(sent(&mut texts), [1, 2, 3]);
        assert_eq!(texts.got(1), Ok(()));
        texts.push("d");
        assert_eq!(texts.had(2), Ok(()));
        assert_eq!(sent(&mut texts), [3, 4]);
        assert_eq!((texts.got(4), texts.waiting()), (Ok(()), 0));
        // What says nothing new is passed over.
        assert_eq!((texts.got(2), texts.waiting()), (Ok(()), 0));
    }

    #[test]
    fn more_or_less_than_was_said_is_counted() {
        let mut texts = TextsOut::new();
        ["a", "b"].iter().for_each(|text| texts.push(text));
        assert!(texts.got(1).is_err() && texts.had(1).is_err());
        assert_eq!(sent(&mut texts), [1, 2]);
        assert_eq!(texts.got(1), Ok(()));
        assert!(texts.got(3).is_err() && texts.had(3).is_err() && texts.had(0).is_err());
    }

    #[test]
    fn a_new_run_is_not_told_what_the_old_one_may_not_have_shown() {
        let mut texts = TextsOut::new();
        ["a", "b"].iter().for_each(|text| texts.push(text));
        assert_eq!(sent(&mut texts), [1, 2]);
        assert_eq!(texts.got(1), Ok(()));
        texts.anew();
        assert!(texts.had(1).is_err());
        assert_eq!(texts.had(0), Ok(()));
        assert_eq!(sent(&mut texts), [1]);
    }

    #[test]
    fn what_is_kept_has_no_bound() {
        let mut texts = TextsOut::new();
        (0..WAITING_MAX).for_each(|_| texts.push("x"));
        assert!(!texts.has_room());
        let (mut texts, long) = (TextsOut::new(), "x".repeat(WAITING_BYTES / 128));
        (0..128).for_each(|_| texts.push(&long));
        assert!(!texts.has_room());
        assert_eq!(sent(&mut texts).len(), 128);
        assert_eq!(texts.got(1), Ok(()));
        assert!(texts.has_room());
    }

    #[test]
    fn a_text_is_shown_twice_or_left_out() {
        let mut texts = TextsIn::default();
        assert_eq!([texts.hear(1), texts.hear(2), texts.hear(1)], [Ok(Came::New), Ok(Came::New), Ok(Came::Again)]);
        assert!(texts.hear(4).is_err() && texts.hear(0).is_err());
        assert_eq!(texts.shown(), 2);
    }
}
