//! Statements about keys, in a conversation (docs/chat.md, section 1.5).

use super::Talk;
use crate::commands::Asked;
use crate::line::Sent;
use crate::statements::{brief, forget_the_dead, load, outcome};
use crate::text::harmless;
use crate::told::remember;
use crate::wire::Message;
use std::path::Path;
use twinlock::identity::Statement;
use twinlock::trust::{KnownPeersError, NotTaken, Taken, Trusted};

/// How many statements are remembered, so that one that is said again after a cut is not shown again.
const HEARD_MAX: usize = 15;

impl Talk<'_> {
    /// Those of `--statement`, and after a cut all that were said: which of them arrived is not known. The person hears of each once.
    pub(super) fn send_statements(&mut self) {
        for statement in &self.statements {
            self.say(Message::Statement(statement.as_bytes()).encode(), Sent::Other);
        }
        if !std::mem::replace(&mut self.statements_told, true) {
            self.statements.iter().for_each(|statement| self.note_said(statement));
        }
    }

    pub(crate) fn send_statement(&mut self, file: &Path) {
        match load(file) {
            Ok(statement) => {
                // Where nobody hears it now it is said when the other side is back.
                self.say(Message::Statement(statement.as_bytes()).encode(), Sent::Other);
                self.note_said(&statement);
                self.statements.push(statement);
            }
            Err(failure) => self.terminal().note(&format!("not sent: {failure}")),
        }
    }

    fn note_said(&self, statement: &Statement) {
        self.terminal().note(&format!("you told {}: {}", self.peer.name, brief(statement)));
        let new = statement.new().filter(|_| self.peer.trusted != Trusted::Pinned);
        let remembered = new.map_or(Ok(()), |new| remember(&self.room.home, self.peer.fingerprint, new.algorithm()));
        if let Err(error) = remembered {
            self.terminal().note(&format!("that you did could not be remembered: {error}. To call in its suite, name it: --suite"));
        }
    }

    /// Takes what the other side says about its keys into the known peers, as far as it is about a key known under its name.
    pub(super) fn hear_statement(&mut self, bytes: &[u8]) {
        if self.heard_statements.iter().any(|heard| heard == bytes) {
            return;
        }
        self.heard_statements.truncate(HEARD_MAX);
        self.heard_statements.push_front(bytes.to_vec());
        let name = &self.peer.name;
        let note = match Statement::from_bytes(bytes) {
            Err(why) => format!("{name} sent a statement about a key, which was passed over: {why}"),
            Ok(statement) if self.peer.trusted == Trusted::Pinned => {
                let said = brief(&statement);
                format!("{name} says: {said}. Nothing was changed, since with --peer nothing is remembered")
            }
            Ok(statement) => match self.take(&statement) {
                Ok(None) => {
                    let said = brief(&statement);
                    format!("{name} says: {said}. It was passed over, since that is no key that you know as {name}'s")
                }
                Ok(Some(Err(NotTaken::PersonNeeded { .. }))) => self.put_by(statement),
                Ok(Some(taken)) => {
                    let told = outcome(&self.room.home, name, &statement, &taken);
                    let dead = matches!(taken, Ok(Taken::Revoked)) && statement.old().fingerprint() == self.peer.fingerprint;
                    let leave = "\nIt is the key of this conversation, so somebody else may be on the other side. Leave with /quit.";
                    format!("{told}{}", if dead { leave } else { "" })
                }
                Err(error) => format!("{name} sent a statement about a key, which was not taken: {error}"),
            },
        };
        self.terminal().note(&harmless_lines(&note));
    }

    /// None where it is not about a key of this peer.
    fn take(&self, statement: &Statement) -> Result<Option<Result<Taken, NotTaken>>, KnownPeersError> {
        let mut known = self.room.home.known_peers()?;
        let old = known.by_fingerprint(statement.old().fingerprint());
        if old.is_none_or(|old| old.name() != self.peer.name) {
            return Ok(None);
        }
        let taken = known.take(statement);
        self.forget_the_dead(statement, &taken);
        Ok(Some(taken))
    }

    /// That it could not be forgotten changes nothing: a key that is refused is refused whatever is kept of it.
    fn forget_the_dead(&self, statement: &Statement, taken: &Result<Taken, NotTaken>) {
        if let Err(failure) = forget_the_dead(&self.room.home, statement, taken) {
            self.terminal().note(&failure.to_string());
        }
    }

    /// A verified key is not replaced without a person. What to tell.
    fn put_by(&mut self, statement: Statement) -> String {
        let (name, said) = (&self.peer.name, brief(&statement));
        if !self.terminal().has_person() {
            return format!(
                "{name} says: {said}. It was not taken, since you have verified the old key, and there is no terminal to ask a person at. If \
                 {name} confirms it in another way, get the statement's file, and: chat peers take FILE"
            );
        }
        let note = format!(
            "{name} says: {said}.\nYou have verified the old key, and whoever stole it could say so too. Nothing was changed yet: ask {name} in \
             another way, in person or by telephone, and then type /take."
        );
        self.put_by = Some(statement);
        note
    }

    /// Asks the person about the statement that was put by.
    pub(crate) fn ask_to_take(&mut self) {
        let name = &self.peer.name;
        let Some(statement) = self.put_by.take() else {
            return self.terminal().note("there is no statement to decide about");
        };
        self.terminal().note(&format!(
            "{name} says: {}.\n\n    {}\n\n\
             Did {name} tell you this new fingerprint in person, or on a line that you trust? Type yes or no.",
            brief(&statement),
            statement.new().map(|new| new.fingerprint().to_string()).unwrap_or_default()
        ));
        self.asked = Some(Asked::TakesStatement(Box::new(statement)));
    }

    pub(crate) fn taken(&mut self, statement: Statement, answer: &str) {
        match answer.trim() {
            "yes" => {
                let known = self.room.home.known_peers().map_err(NotTaken::from);
                let taken = known.and_then(|mut known| known.take_asking(&statement, |_| true));
                self.forget_the_dead(&statement, &taken);
                self.terminal().note(&outcome(&self.room.home, &self.peer.name, &statement, &taken));
            }
            "no" => self.terminal().note(&format!(
                "Not taken; the old key goes on being {}'s. Somebody may have stolen it: say nothing secret before you have spoken in another \
                 way.",
                self.peer.name
            )),
            _ => {
                self.put_by = Some(statement);
                self.terminal().note("that was neither yes nor no; nothing was changed. /take asks again");
            }
        }
    }
}

/// Names are harmless already, and the program's own lines stay apart.
fn harmless_lines(note: &str) -> String {
    note.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}
