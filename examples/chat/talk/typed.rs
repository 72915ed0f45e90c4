//! What is typed in a conversation.

use super::Talk;
use crate::commands::Input;
use crate::line::Sent;
use crate::terminal::Typed;
use crate::text::{grouped, harmless};
use crate::wire::TEXT_MAX;

impl Talk<'_> {
    pub(super) fn typed(&mut self, typed: Typed) {
        match typed {
            Typed::Line(line) => self.held.push_back(line),
            Typed::End => self.room.input_ended.set(true),
        }
    }

    /// Deals with lines, as far as that can be done now, and with files.
    pub(super) fn go_on(&mut self) {
        let person = self.terminal().has_person();
        // A person is told where there is no room for more; a script waits.
        while self.close.is_none() && (person || self.accepted && self.texts.has_room()) {
            let Some(line) = self.held.pop_front() else { break };
            self.line_typed(&line);
            self.terminal().line_done();
        }
        while self.close.is_none() && self.agreed {
            let Some(message) = self.texts.next() else { break };
            self.say(message, Sent::Other);
        }
        while self.close.is_none() && self.agreed {
            let Some(message) = self.outbox.next(self.terminal()) else { break };
            self.say(message, Sent::Part);
        }
        self.leave_at_end();
    }

    /// Says a line, or does what it asks for. A text that cannot go now waits for another connection.
    fn line_typed(&mut self, line: &str) {
        if let Some(asked) = self.asked.take() {
            return self.answer(asked, line);
        }
        match Input::of(line) {
            Input::Nothing => {}
            Input::Text(_) if !self.accepted => {
                self.terminal().note(&format!("not sent: {} has not accepted you yet", self.peer.name));
            }
            Input::Text(text) if text.len() > TEXT_MAX => {
                self.terminal().note(&format!("not sent: a text has at most {TEXT_MAX} bytes; send a file instead (/send)"));
            }
            Input::Text(_) if !self.texts.has_room() => {
                let waiting = grouped(u64::try_from(self.texts.waiting()).unwrap_or(u64::MAX));
                self.terminal().note(&format!("not sent: {waiting} texts wait to be acknowledged already. Say it again later"));
            }
            Input::Text(text) => self.texts.push(text),
            Input::Command(command) => self.command(command),
            Input::Unknown(word) => {
                let hint = "nothing was sent; /help lists the commands, and // begins a text with a slash";
                self.terminal().note(&format!("{} is no command: {hint}", harmless(word)));
            }
        }
    }

    /// At a script's end, once all was said. A person's Ctrl-D leaves at once.
    fn leave_at_end(&mut self) {
        let all_said = self.agreed && self.held.is_empty() && self.texts.waiting() == 0 && self.outbox.is_empty() && self.inbox.is_empty();
        if self.room.input_ended.get() && self.close.is_none() && (all_said || self.terminal().has_person()) {
            self.leave(None);
        }
    }
}
