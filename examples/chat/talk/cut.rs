//! The connection is cut, and the conversation goes on over another one; or it ends, once that took too long.

use super::{Companion, OwnClose, Talk, is_final, turn_away};
use crate::back::{Back, Calling, LIFE, Present, call_again};
use crate::began::Began;
use crate::call::Again;
use crate::failure::{Exit, Failure};
use crate::line::Sent;
use crate::room::{Accepted, Visitor};
use std::time::Instant;

/// The connection was cut.
pub(super) struct Cut {
    pub(super) since: Instant,
    /// How often it was cut since both agreed over one.
    times: u32,
    /// Why the last call did not help, or what ended the connection.
    why: String,
    /// We call again, until this is dropped.
    calling: Option<Calling>,
}

impl Talk<'_> {
    /// The connection failed. The conversation waits for another, where that may help.
    pub(super) fn cut_off(&mut self, failure: Failure) -> Result<(), Failure> {
        if let Some(OwnClose { failure: own @ Some(_), .. }) = &mut self.close {
            return own.take().map_or(Ok(()), Err);
        }
        // Who said goodbye needs not hear ours.
        if self.peer_closed.is_some() && !is_final(&failure) {
            self.line = None;
            return Ok(());
        }
        if is_final(&failure) || self.room.reconnect.is_zero() {
            return Err(self.with_what_is_missing(failure));
        }
        // What was read before is heard no more: it was not acknowledged, and comes again.
        (self.line, self.number) = (None, self.room.next_connection());
        (self.ready, self.agreed) = (false, false);
        (self.ping, self.knocked, self.send_failed, self.rekey_asked) = (None, None, None, false);
        self.inbox.cut(self.terminal());
        self.outbox.cut();
        self.close.iter_mut().for_each(|close| close.sent = false);
        let before = self.cut.take();
        if before.is_none() {
            self.tell_of_cut();
        }
        let (since, times) = before.map_or((Instant::now(), 0), |cut| (cut.since, cut.times.saturating_add(1)));
        let calling = match &self.back {
            Back::Calls(caller) => Some(call_again(caller, self.peer.fingerprint, self.number, times, self.room.tell.clone())),
            Back::Comes(presence) => {
                presence.set(Present::Held);
                None
            }
        };
        self.cut = Some(Cut { since, times, why: failure.to_string(), calling });
        Ok(())
    }

    fn tell_of_cut(&self) {
        let (name, seconds) = (&self.peer.name, self.room.reconnect.as_secs());
        let (note, status) = match &self.back {
            Back::Calls(_) => {
                ("the connection was cut; trying again".to_owned(), format!("cut off from {name}; trying again, /quit leaves"))
            }
            Back::Comes(_) => (
                format!("the connection was cut; waiting {seconds} seconds for {name} to come back"),
                format!("cut off from {name}; waiting, /quit leaves"),
            ),
        };
        self.terminal().note(&note);
        self.terminal().set_status(&status);
    }

    /// What came of a call.
    pub(super) fn called(&mut self, called: Result<Accepted, Again>) -> Result<(), Failure> {
        match called {
            Ok(accepted) if self.line.is_none() => self.come_back(accepted),
            Ok(_) => Ok(()),
            Err(Again::Later(why)) => {
                self.cut.iter_mut().for_each(|cut| cut.why.clone_from(&why));
                Ok(())
            }
            Err(Again::Never(failure)) => Err(self.with_what_is_missing(failure)),
        }
    }

    /// Somebody was let in by the listener. The peer of a conversation that was cut comes back.
    pub(super) fn visited(&mut self, visitor: Visitor) -> Result<(), Failure> {
        match visitor {
            Visitor::Accepted(accepted) if self.line.is_none() && self.is_the_peer(&accepted) => return self.come_back(*accepted),
            Visitor::Knocked if self.line.is_some() && self.knocked.is_none() => {
                self.send_ping();
                self.knocked = Some(Instant::now());
            }
            Visitor::Failed(..) => self.room.tell_reports(),
            visitor => turn_away(visitor),
        }
        Ok(())
    }

    fn is_the_peer(&self, accepted: &Accepted) -> bool {
        accepted.stream.conversation().peer().fingerprint() == Some(self.peer.fingerprint)
    }

    fn come_back(&mut self, accepted: Accepted) -> Result<(), Failure> {
        let peer = Companion::of(&accepted)?;
        self.peer = Companion { name: self.peer.name.clone(), ..peer };
        self.began = Began::of(&accepted.stream);
        self.returns.count(&self.began);
        self.cut.iter_mut().for_each(|cut| cut.calling = None);
        if let Back::Comes(presence) = &self.back {
            presence.set(Present::Talking);
        }
        if let Err(failure) = self.connect(accepted.stream) {
            return self.cut_off(failure);
        }
        self.terminal().note(&format!("back with {} by {}", self.peer.name, self.began.brief()));
        self.tell_of_strangers();
        Ok(())
    }

    /// A handshake with signatures where one without was expected is said.
    pub(super) fn tell_of_strangers(&self) {
        if let Some(told) = self.began.fell_back_to_strangers(&self.peer.name) {
            self.terminal().note(&told);
        }
    }

    /// A cut came between our close and its arrival: what was left to say is said over this connection, and then the close.
    pub(super) fn close_again(&mut self) {
        if self.close.is_none() {
            return;
        }
        while let Some(message) = self.texts.next() {
            self.say(message, Sent::Other);
        }
        if let (Some(close), Some(line)) = (&self.close, &self.line) {
            line.close(close.code, &close.reason);
        }
    }

    /// Whether the time is over; and whether the connection still lives, where somebody asks to be let in.
    pub(super) fn look_at_cut(&mut self) -> Result<(), Failure> {
        if let (Some(at), Some(line)) = (self.knocked, &self.line) {
            if line.stats().heard > at {
                self.knocked = None;
                if let Back::Comes(presence) = &self.back {
                    presence.is_alive();
                }
            } else if at.elapsed() > LIFE {
                let text = format!("{} did not answer any more", self.peer.name);
                return self.cut_off(Failure::new(Exit::Cut, text));
            }
        }
        let Some(cut) = self.cut.as_ref().filter(|cut| cut.since.elapsed() > self.room.reconnect) else { return Ok(()) };
        let (name, seconds) = (&self.peer.name, self.room.reconnect.as_secs());
        let text = format!("the connection was cut, and {name} was not back within {seconds} seconds. The last that is known: {}", cut.why);
        Err(self.with_what_is_missing(Failure::new(Exit::Cut, text)))
    }

    /// With how many texts were not acknowledged.
    pub(super) fn with_what_is_missing(&self, failure: Failure) -> Failure {
        match (self.texts.waiting(), failure.exit) {
            (0, _) | (_, Exit::Forged | Exit::Refused) => failure,
            (1, exit) => Failure::new(exit, format!("{failure}\nOne text was not acknowledged; it may not have been seen.")),
            (waiting, exit) => {
                Failure::new(exit, format!("{failure}\n{waiting} texts were not acknowledged; they may not have been seen."))
            }
        }
    }
}
