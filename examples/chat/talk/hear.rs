//! What the other side says.

use super::Talk;
use crate::line::Sent;
use crate::text::harmless;
use crate::texts::Came;
use crate::wire::{Broken, Message, Run};

impl Talk<'_> {
    pub(super) fn hear(&mut self, message: Message<'_>) -> Result<(), Broken> {
        match message {
            Message::Ready { run } => return self.hear_ready(run),
            _ if !self.ready => return Err(Broken("a message before Ready")),
            Message::Had { run, texts, files } => return self.hear_had(run, texts, files),
            _ if !self.agreed => return Err(Broken("a message before Had")),
            _ => {}
        }
        let (left, failed) = self.close.as_ref().map_or((false, false), |close| (true, close.failure.is_some()));
        let answer = match message {
            Message::Text { id, text } => {
                if !failed && self.heard_texts.hear(id)? == Came::New {
                    self.terminal().text(&self.peer.name, &harmless(text));
                }
                Some(Message::Got { id: self.heard_texts.shown() }.encode())
            }
            Message::Got { id } => {
                self.texts.got(id)?;
                None
            }
            // Who has left takes no files any more.
            _ if left => None,
            Message::Statement(bytes) => {
                self.hear_statement(bytes);
                None
            }
            Message::FileStop { .. } | Message::FileStored { .. } => self.outbox.hear(message, self.terminal())?,
            _ => self.inbox.hear(message, self.terminal())?,
        };
        // And answers no more.
        answer.into_iter().filter(|_| !left).for_each(|answer| self.say(answer, Sent::Other));
        Ok(())
    }

    /// The other side is there, and says which run of its is.
    fn hear_ready(&mut self, run: Run) -> Result<(), Broken> {
        if self.ready {
            return if self.peer_run == Some(run) { Ok(()) } else { Err(Broken("a second Ready of another run")) };
        }
        self.ready = true;
        if self.peer_run.is_some_and(|before| before != run) {
            self.peer_begins_anew();
        }
        self.peer_run = Some(run);
        let (files, answer) = self.inbox.dealt_with();
        let had = Message::Had { run, texts: self.heard_texts.shown(), files }.encode();
        if let Some(line) = &self.line {
            [Some(&had), answer].into_iter().flatten().for_each(|message| line.send(message.clone(), Sent::Other));
        }
        if !self.accepted {
            self.accepted = true;
            self.terminal().note(&format!("{} has accepted you; type, or /help", self.peer.name));
        }
        self.show_status();
        Ok(())
    }

    /// It has forgotten the conversation: another program, or the same one after it had given up.
    fn peer_begins_anew(&mut self) {
        let again = match self.texts.waiting() {
            0 => String::new(),
            1 => ". One text was not acknowledged and is sent again; it may be seen twice there".to_owned(),
            waiting => format!(". {waiting} texts were not acknowledged and are sent again; they may be seen twice there"),
        };
        self.terminal().note(&format!("{} has begun anew{again}", self.peer.name));
        self.heard_texts = crate::texts::TextsIn::default();
        self.heard_statements.clear();
        self.texts.anew();
        self.inbox.anew();
        self.outbox.anew();
    }

    /// What the other side has of this conversation: what it has not is sent again.
    fn hear_had(&mut self, run: Run, texts: u64, files: u32) -> Result<(), Broken> {
        if self.agreed || run != self.run {
            return Err(Broken("a Had out of turn, or of another run"));
        }
        self.texts.had(texts)?;
        self.outbox.had(files)?;
        self.agreed = true;
        self.cut = None;
        self.send_statements();
        self.close_again();
        Ok(())
    }
}
