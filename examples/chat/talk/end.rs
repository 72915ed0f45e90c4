//! How a conversation ends: one leaves, a rule is broken, or time has passed.

use super::{OwnClose, PATIENCE, Talk};
use crate::failure::{Exit, Failure};
use crate::line::Sent;
use crate::text::harmless;
use crate::wire::{BROKEN_RULE, Broken};
use std::time::{Duration, Instant};
use twinlock::channel::{Close, CloseCode};

/// After so much silence we ask whether anybody is there.
const SILENCE: Duration = Duration::from_secs(30);
/// After so much silence nobody is.
const GONE: Duration = Duration::from_secs(90);
/// How long we wait for the other side's close after ours.
const FAREWELL: Duration = Duration::from_secs(10);
/// How often the store of acquaintances is asked whether it has something to report.
const REPORTS: Duration = Duration::from_secs(2);
/// How long what the other side said last may take to arrive once we cannot send any more.
const LAST_WORDS: Duration = Duration::from_secs(2);

impl Talk<'_> {
    pub(super) fn peer_leaves(&mut self, close: Close) -> Result<(), Failure> {
        let reason = if close.reason.is_empty() { String::new() } else { format!(" ({})", harmless(&close.reason)) };
        let name = &self.peer.name;
        // It was in another conversation for a moment, perhaps in what it takes for this one.
        if self.cut.is_some() && !self.ready && close.code == CloseCode::GoingAway {
            return self.cut_off(Failure::new(Exit::Cut, format!("{name} cannot talk now{reason}")));
        }
        let failure = match close.code {
            CloseCode::Done => None,
            CloseCode::GoingAway if self.ready => None,
            CloseCode::GoingAway => Some(Failure::new(Exit::Refused, format!("{name} cannot talk now{reason}; try again later"))),
            CloseCode::Other(BROKEN_RULE) => Some(Failure::new(
                Exit::Other,
                format!("{name} ended the conversation, since a rule of the chat was broken{reason}. Use the same version at both ends"),
            )),
            _ => Some(Failure::new(Exit::Other, format!("{name} ended the conversation with code {}{reason}", close.code.number()))),
        };
        self.peer_closed = Some(close);
        match (&failure, &self.close) {
            (None, None) => self.terminal().note(&format!("{name} has left{reason}")),
            (None, Some(OwnClose { failure: None, .. })) => self.terminal().note(&format!("the conversation with {name} has ended")),
            _ => {}
        }
        // Texts under way go out before our own close, and the other side still shows them (docs/chat.md, section 1.4).
        let unsent = !self.outbox.is_empty() || !self.held.is_empty() || !self.agreed && self.texts.waiting() > 0;
        let unsent = (unsent && self.close.is_none()).then(|| Failure::new(Exit::Other, format!("{name} left before everything was sent")));
        self.leave(failure.or(unsent));
        Ok(())
    }

    pub(super) fn give_up(&mut self, Broken(rule): Broken) {
        let text = format!("{} sent {rule}, which no chat of this version does. The conversation ended", self.peer.name);
        self.close_with(CloseCode::Other(BROKEN_RULE), rule, Some(Failure::new(Exit::Other, text)));
    }

    /// Closes, ending what is under way.
    pub(crate) fn leave(&mut self, failure: Option<Failure>) {
        self.close_with(CloseCode::Done, "", failure);
    }

    fn close_with(&mut self, code: CloseCode, reason: &str, failure: Option<Failure>) {
        if let Some(close) = &mut self.close {
            close.failure = close.failure.take().or(failure);
            return;
        }
        let (_, cancelled) = self.outbox.cancel(self.terminal());
        let stopped = self.inbox.stop("left", self.terminal());
        cancelled.into_iter().chain(stopped).for_each(|message| self.say(message, Sent::Other));
        // Nobody is there who could hear it.
        let failure = if self.line.is_none() { failure.or_else(|| Some(self.left_while_cut())) } else { failure };
        self.line.iter().for_each(|line| line.close(code, reason));
        self.close = Some(OwnClose { at: Instant::now(), code, reason: reason.to_owned(), sent: false, failure });
    }

    fn left_while_cut(&self) -> Failure {
        self.with_what_is_missing(Failure::new(Exit::Cut, format!("you left while the connection to {} was cut", self.peer.name)))
    }

    pub(super) fn is_over(&self) -> bool {
        let over = |close: &OwnClose| match (&close.failure, &self.line) {
            (Some(_), None) => true,
            (Some(_), Some(_)) if close.at.elapsed() > LAST_WORDS => true,
            (_, line) => self.peer_closed.is_some() && (close.sent || line.is_none()),
        };
        self.close.as_ref().is_some_and(over)
    }

    /// How it ended, where both have said goodbye or that is not to be had.
    pub(super) fn ended(self) -> Result<(), Failure> {
        let waiting = self.texts.waiting();
        if let Some(failure) = self.close.and_then(|close| close.failure) {
            return Err(failure);
        }
        if waiting > 0 {
            self.room.terminal.note(&format!(
                "{} left while {} under way: not acknowledged, but shown there if nothing went wrong",
                self.peer.name,
                if waiting == 1 { "a text was".to_owned() } else { format!("{waiting} texts were") }
            ));
        }
        Ok(())
    }

    pub(super) fn look_at_time(&mut self) -> Result<(), Failure> {
        if self.reports_told.elapsed() > REPORTS {
            self.reports_told = Instant::now();
            self.room.tell_reports();
        }
        self.look_at_cut()?;
        let Some(stats) = self.line.as_ref().map(crate::line::Line::stats) else { return self.check_farewell() };
        if let (Some((number, at)), Some((answered, came))) = (self.ping, stats.pong)
            && number == answered
        {
            self.ping = None;
            let ms = came.saturating_duration_since(at).as_secs_f64() * 1000.0;
            self.terminal().note(&format!("{} is there: {ms:.1} ms", self.peer.name));
        }
        if stats.received.rekeys > self.rekeys {
            self.rekeys = stats.received.rekeys;
            if std::mem::take(&mut self.rekey_asked) {
                self.terminal().note(&format!("{} sends under fresh keys now", self.peer.name));
            }
        }
        let silence = stats.heard.elapsed();
        if silence > SILENCE && self.last_ping.elapsed() > SILENCE {
            self.send_ping();
        }
        self.check_deadlines(silence)
    }

    /// Asks whether anybody is there; gives the question's number.
    pub(crate) fn send_ping(&mut self) -> u32 {
        self.pings = self.pings.wrapping_add(1);
        self.last_ping = Instant::now();
        self.line.iter().for_each(|line| line.ping(self.pings));
        self.pings
    }

    fn check_deadlines(&mut self, silence: Duration) -> Result<(), Failure> {
        if self.send_failed.as_ref().is_some_and(|(at, _)| at.elapsed() > LAST_WORDS)
            && let Some((_, failure)) = self.send_failed.take()
        {
            return self.cut_off(failure);
        }
        let name = &self.peer.name;
        if silence > GONE && self.ready {
            let text = format!("nothing was heard of {name} for {} seconds: it is gone, or the network is", GONE.as_secs());
            return self.cut_off(Failure::new(Exit::Cut, text));
        }
        self.check_farewell()?;
        let name = &self.peer.name;
        if !self.accepted && self.close.is_none() && self.begun.elapsed() > PATIENCE {
            let text = format!("{name} did not accept you within {} minutes; try again later", PATIENCE.as_secs() / 60);
            self.close_with(CloseCode::GoingAway, "not accepted in time", Some(Failure::new(Exit::Refused, text)));
        }
        Ok(())
    }

    fn check_farewell(&self) -> Result<(), Failure> {
        if self.close.as_ref().is_some_and(|close| close.at.elapsed() > FAREWELL && close.failure.is_none()) {
            let text = format!("{} did not close in its turn; what it said last may be missing", self.peer.name);
            return Err(self.with_what_is_missing(Failure::new(Exit::Cut, text)));
        }
        Ok(())
    }
}
