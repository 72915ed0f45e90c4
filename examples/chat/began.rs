//! How a conversation began, and came back: in which pattern, and what that cost.

use crate::call::is_between_strangers;
use crate::kept::way;
use crate::text::{bytes, kilobytes};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::Duration;
use twinlock::acquaintances::Way;
use twinlock::handshake::Pattern;
use twinlock::io::{Cost, Stream, Tried};

/// A handshake that succeeded, and what was tried before it.
#[derive(Clone, Debug)]
pub(crate) struct Began {
    pattern: Option<Pattern>,
    cost: Cost,
    /// The ways that failed, and why.
    tried: Vec<(Way, String)>,
}

impl Began {
    pub(crate) fn of(stream: &Stream<TcpStream>) -> Self {
        let beginning = stream.beginning();
        let why = |tried: &Tried| (tried.way, tried.error.to_string());
        Self {
            pattern: stream.pattern(),
            cost: beginning.map(twinlock::io::Beginning::cost).unwrap_or_default(),
            tried: beginning.map(|beginning| beginning.tried().iter().map(why).collect()).unwrap_or_default(),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.pattern.map_or("a handshake by hand", Pattern::name)
    }

    /// `resume, 4 ms, 0.2 kB, no signature`.
    pub(crate) fn brief(&self) -> String {
        let Cost { sent, received, took, .. } = self.cost;
        let signatures = match self.signatures() {
            0 => "no signature".to_owned(),
            each => format!("{} signatures", each.saturating_mul(2)),
        };
        format!("{}, {}, {}, {signatures}", self.name(), time(took), kilobytes(length(sent.saturating_add(received))))
    }

    /// The same for who wants to know.
    pub(crate) fn described(&self) -> String {
        let Cost { sent, received, took, .. } = self.cost;
        let signatures = match self.signatures() {
            0 => "no signature made, none verified".to_owned(),
            each => format!("{each} signature made, {each} verified"),
        };
        let (sent, received, after) = (bytes(length(sent)), bytes(length(received)), self.after());
        format!("{}: {sent} sent, {received} received, {}, {signatures}{after}", self.name(), time(took))
    }

    /// What to say of a handshake between strangers that came after another way had failed.
    pub(crate) fn fell_back_to_strangers(&self, name: &str) -> Option<String> {
        let as_strangers = self.pattern.is_some_and(is_between_strangers) && !self.tried.is_empty();
        as_strangers.then(|| {
            let tried: Vec<String> = self.tried.iter().map(|(tried, why)| format!("{}: {why}", way(*tried))).collect();
            format!("met {name} as strangers do (XX), with signatures, since nothing else worked ({})", tried.join("; "))
        })
    }

    fn after(&self) -> String {
        let tried: Vec<&str> = self.tried.iter().map(|(tried, _)| way(*tried)).collect();
        if tried.is_empty() { String::new() } else { format!(", after {} had failed", tried.join(" and ")) }
    }

    /// How many signatures this side made, and verified as many. The pattern tells.
    const fn signatures(&self) -> u32 {
        match self.pattern {
            Some(Pattern::Ik | Pattern::IkPsk0 | Pattern::Resume) => 0,
            _ => 1,
        }
    }
}

/// How often a conversation came back, and in which patterns.
#[derive(Default)]
pub(crate) struct Returns(BTreeMap<&'static str, u32>);

impl Returns {
    pub(crate) fn count(&mut self, began: &Began) {
        let count = self.0.entry(began.name()).or_default();
        *count = count.saturating_add(1);
    }

    /// `3 times: IK 1, resume 2`.
    pub(crate) fn described(&self) -> String {
        let times: u32 = self.0.values().sum();
        let each: Vec<String> = self.0.iter().map(|(name, count)| format!("{name} {count}")).collect();
        match times {
            0 => "never".to_owned(),
            1 => format!("once: {}", each.join(", ")),
            times => format!("{times} times: {}", each.join(", ")),
        }
    }
}

fn time(took: Duration) -> String {
    let seconds = took.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
