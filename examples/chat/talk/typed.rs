//! What is typed in a conversation.

use super::Talk;
use crate::commands::Input;
use crate::line::Sent;
use crate::terminal::Typed;
use crate::text::harmless;
use crate::wire::{Message, TEXT_MAX};

impl Talk<'_> {
    pub(super) fn typed(&mut self, typed: Typed) {
        match typed {
            Typed::Line(line) => self.held.push_back(line),
            Typed::End => self.room.input_ended.set(true),
        }
    }

    /// Deals with lines, as far as that can be done now, and with files.
    pub(super) fn go_on(&mut self) {
        while self.close.is_none() && (self.ready || self.terminal().has_person()) {
            let Some(line) = self.held.pop_front() else { break };
            if self.line_typed(&line) {
                self.terminal().line_done();
            }
        }
        while self.close.is_none() && self.ready {
            let Some(message) = self.outbox.next(self.terminal()) else { break };
            self.line.send(message, Sent::Part);
        }
        self.leave_at_end();
    }

    /// Says a line, or does what it asks for. False where the line is done only later: a text, once it was sent.
    fn line_typed(&mut self, line: &str) -> bool {
        if let Some(asked) = self.asked.take() {
            self.answer(asked, line);
            return true;
        }
        match Input::of(line) {
            Input::Nothing => true,
            Input::Text(_) if !self.ready => {
                self.terminal().note(&format!("not sent: {} has not accepted you yet", self.peer.name));
                true
            }
            Input::Text(text) if text.len() > TEXT_MAX => {
                self.terminal().note(&format!("not sent: a text has at most {TEXT_MAX} bytes; send a file instead (/send)"));
                true
            }
            Input::Text(text) => {
                self.texts_under_way = self.texts_under_way.saturating_add(1);
                self.line.send(Message::Text(text).encode(), Sent::Text);
                false
            }
            Input::Command(command) => {
                self.command(command);
                true
            }
            Input::Unknown(word) => {
                let hint = "nothing was sent; /help lists the commands, and // begins a text with a slash";
                self.terminal().note(&format!("{} is no command: {hint}", harmless(word)));
                true
            }
        }
    }

    /// At a script's end, once all was said. A person's Ctrl-D leaves at once.
    fn leave_at_end(&mut self) {
        let all_said = self.ready && self.held.is_empty() && self.texts_under_way == 0 && self.outbox.is_empty() && self.inbox.is_empty();
        if self.room.input_ended.get() && self.close.is_none() && (all_said || self.terminal().has_person()) {
            self.leave(None);
        }
    }
}
