//! Whom to talk with: the judgement in a handshake, and what to say where it is no.

use crate::failure::{Exit, Failure};
use crate::suites::{kind, option, titled, titled_kind};
use crate::text::shell;
use twinlock::trust::{Entry, KnownPeers, Peer, PinnedSet, Trusted};
use twinlock::{Distrust, Error, Fingerprint, Suite, Trust};

/// Judges who answers or asks: by pins, or else by what is remembered, or else by asking a person.
pub(crate) struct Judge<'a> {
    /// If there are any, they alone count.
    pub(crate) pins: &'a [Fingerprint],
    pub(crate) known: KnownPeers,
    /// Who is expected; else anybody known is welcome.
    pub(crate) expected: Option<String>,
    /// Asks a person about a stranger. None where there is nobody to ask.
    pub(crate) ask: Option<&'a mut dyn FnMut(Stranger) -> Option<String>>,
    /// Whether we called; else the peer did.
    pub(crate) called: bool,
    /// Who was judged, and in which suite.
    pub(crate) seen: Option<(Fingerprint, Suite)>,
}

/// Somebody met for the first time. The answer is the name to remember it under, or none to decline.
#[derive(Clone, Debug)]
pub(crate) struct Stranger {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) suite: Suite,
    /// The name it would have; else the person gives one.
    pub(crate) expected: Option<String>,
    /// A key by which that name is known already, of another kind.
    pub(crate) other_key: Option<Entry>,
}

impl Trust for Judge<'_> {
    fn judge(&mut self, peer: &Peer) -> Result<Trusted, Distrust> {
        let fingerprint = peer.fingerprint().ok_or(Distrust::Anonymous)?;
        let suite = peer.suite();
        self.seen = Some((fingerprint, suite));
        if !self.pins.is_empty() {
            return PinnedSet(self.pins.to_vec()).judge(peer);
        }
        match (&self.expected, &mut self.ask) {
            (Some(name), Some(ask)) => {
                let other_key = self.known.by_name(name).max_by_key(|entry| entry.suite().rank()).cloned();
                let stranger = Stranger { fingerprint, suite, expected: Some(name.clone()), other_key };
                self.known.expect(name).or_ask(|_| ask(stranger.clone()).is_some()).judge(peer)
            }
            (Some(name), None) => self.known.expect(name).judge(peer),
            (None, Some(ask)) => {
                let stranger = Stranger { fingerprint, suite, expected: None, other_key: None };
                self.known.anyone_known().or_ask(|_| ask(stranger.clone())).judge(peer)
            }
            (None, None) => self.known.anyone_known().judge(peer),
        }
    }
}

impl Judge<'_> {
    /// How to call the peer that was accepted: by its remembered name, by the expected one, or by the beginning of its fingerprint.
    pub(crate) fn name(&self) -> String {
        let Some((fingerprint, _)) = self.seen else { return String::new() };
        let remembered = self.known.by_fingerprint(fingerprint).map(|entry| entry.name().to_owned());
        remembered.or_else(|| self.expected.clone()).unwrap_or_else(|| fingerprint.to_string().chars().take(11).collect())
    }

    /// What a handshake that failed under this judge means. `otherwise` is for failures that were not its doing.
    pub(crate) fn failure(&mut self, error: &twinlock::io::Error, otherwise: impl FnOnce(&twinlock::io::Error) -> Failure) -> Failure {
        match (error, self.seen) {
            (twinlock::io::Error::Protocol(Error::Untrusted(why)), Some((seen, suite))) => self.distrusted(*why, seen, suite),
            _ => otherwise(error),
        }
    }

    fn distrusted(&mut self, why: Distrust, seen: Fingerprint, suite: Suite) -> Failure {
        match why {
            Distrust::NotExpected => self.unexpected(seen, suite),
            Distrust::ChangedKey => match self.key_in_its_place(suite) {
                Some(entry) => changed_key(entry, seen, suite),
                None => Failure::new(Exit::ChangedKey, format!("that name has another key than {seen}; give this peer another name")),
            },
            Distrust::Retired | Distrust::Revoked => self.dead(why, seen),
            Distrust::IntroducerRevoked => self.rests_on_nothing(seen),
            Distrust::WeakerSuite => self.weaker(seen, suite),
            Distrust::Unknown if self.keys_of_the_expected().next().is_some() => self.no_such_key(seen, suite),
            Distrust::Unknown => Failure::new(
                Exit::Refused,
                format!(
                    "the other side is not known here, and there is no terminal to ask a person at. Its fingerprint is\n  {seen}\n\
                     If its owner tells you the same one, accept it with: --peer {seen}"
                ),
            ),
            Distrust::StoreFailed => match self.known.reload() {
                Err(error) => error.into(),
                Ok(()) => Failure::new(Exit::File, format!("{why}; is its folder there, and writable?")),
            },
            Distrust::Declined => Failure::new(Exit::Refused, "you declined the other side; nothing was remembered"),
            _ => Failure::new(Exit::Refused, why.to_string()),
        }
    }

    /// The key for which another came: the living one of its kind, or a dead one.
    fn key_in_its_place(&self, suite: Suite) -> Option<&Entry> {
        let name = self.expected.as_deref()?;
        let of_this_kind = |entry: &&Entry| entry.suite().signature() == suite.signature();
        let dead = || self.known.entries().iter().filter(|entry| entry.name() == name && !entry.living());
        self.known.by_name(name).find(of_this_kind).or_else(|| dead().find(of_this_kind)).or_else(|| dead().next())
    }

    /// The key was retired or revoked.
    fn dead(&self, why: Distrust, seen: Fingerprint) -> Failure {
        let name = self.known.by_fingerprint(seen).map(Entry::name).unwrap_or_default();
        let living: Vec<String> = self
            .known
            .by_name(name)
            .map(|entry| format!("\n  {}  {}", entry.fingerprint(), titled_kind(entry.suite().signature())))
            .collect();
        let living = if living.is_empty() { String::new() } else { format!("\nKeys of {name} that count:{}", living.concat()) };
        Failure::new(Exit::Refused, format!("{why}\n  {seen}{living}"))
    }

    /// The key was introduced by one that is no longer trusted.
    fn rests_on_nothing(&self, seen: Fingerprint) -> Failure {
        let entry = self.known.by_fingerprint(seen);
        let name = entry.map(Entry::name).unwrap_or_default();
        let option = entry.map(|entry| option(entry.suite().signature())).unwrap_or_default();
        let text = format!(
            "the key of {name} was introduced by one that is no longer trusted, so it may be a thief's. Ask {name} in another way what \
             `chat id` shows there. Only if it is this one, accept it:\n  chat peers accept {} {seen}{option}",
            shell(name)
        );
        Failure::new(Exit::Refused, text)
    }

    /// All keys of the name that is expected.
    fn keys_of_the_expected(&self) -> impl Iterator<Item = &Entry> {
        self.expected.iter().flat_map(|name| self.known.by_name(name))
    }

    /// The peer was spoken to in a stronger suite.
    fn weaker(&self, seen: Fingerprint, suite: Suite) -> Failure {
        let name = self.known.by_fingerprint(seen).map(Entry::name).or(self.expected.as_deref()).unwrap_or_default();
        let spoken = self.known.entries().iter().filter(|entry| entry.name() == name && entry.spoken());
        let Some(highest) = spoken.map(Entry::suite).max_by_key(|suite| suite.rank()) else {
            return Failure::new(Exit::Refused, Distrust::WeakerSuite.to_string());
        };
        let (strong, weak, option) = (titled(highest), titled(suite), crate::suites::name(highest));
        let what_to_do =
            if self.called { format!("Connect with --suite {option}") } else { format!("Have {name} connect with --suite {option}") };
        let text = format!(
            "{name} was spoken to in {strong} before, and this would be {weak}, of a lower rank. It was refused: whoever broke the weaker \
             locks could stand behind it. {what_to_do}. Only if {name} can do so no more, and said so in another way, begin anew: chat peers \
             forget {}",
            shell(name)
        );
        Failure::new(Exit::Refused, text)
    }

    /// The name is known by keys of other kinds, and there is nobody to ask.
    fn no_such_key(&self, seen: Fingerprint, suite: Suite) -> Failure {
        let name = self.expected.as_deref().unwrap_or_default();
        let kinds = crate::suites::list(self.keys_of_the_expected().map(|entry| titled_kind(entry.suite().signature())));
        let text = format!(
            "{name} is known here by a key of {kinds}, and answered with one of {}, of which nothing is known. Its fingerprint is\n  {seen}\n\
             {name} can introduce it by a statement (`chat statement beside`, and /statement in a conversation under the known key). Or compare \
             the fingerprint in another way, and accept it: chat peers accept {} {seen} --suite {}",
            titled_kind(suite.signature()),
            shell(name),
            kind(suite.signature())
        );
        Failure::new(Exit::Refused, text)
    }

    fn unexpected(&self, seen: Fingerprint, suite: Suite) -> Failure {
        if let ([pin], true) = (self.pins, self.called) {
            let text = format!(
                "the other side is not who was asked for. Nothing was sent to it.\n  expected  {pin}\n  answered  {seen}\n\
                 Either the address is another one's, or somebody stands between, or the fingerprint is of its key for another suite than {}: \
                 --suite. Ask the one you want to reach for fingerprint and address",
                titled(suite)
            );
            return Failure::new(Exit::Refused, text);
        }
        let known_as = self.known.by_fingerprint(seen).map(|entry| entry.name().to_owned());
        match (known_as, &self.expected) {
            (Some(other), Some(expected)) => Failure::new(
                Exit::Refused,
                format!(
                    "this is {}, and not {}. If that is who you want to talk with, say so: --name {}",
                    shell(&other),
                    shell(expected),
                    shell(&other)
                ),
            ),
            _ => Failure::new(Exit::Refused, format!("it is not who is expected here; its fingerprint is {seen}")),
        }
    }
}

fn changed_key(entry: &Entry, seen: Fingerprint, suite: Suite) -> Failure {
    let name = entry.name();
    let text = format!(
        "THE KEY OF {name} HAS CHANGED. The conversation was refused.\n\
         \x20 until now  {}  ({}, {})\n\
         \x20 now        {seen}\n\
         Perhaps {name} has a new identity, on a new computer for example. Or somebody stands between you, and answers in the place of {name}.\n\
         Ask {name} in another way, in person or by telephone, what `chat id` shows there. Only if it is the second one above, accept it:\n\
         \x20 chat peers accept {} {seen}{}",
        entry.fingerprint(),
        entry.met(),
        entry.date(),
        shell(name),
        option(suite.signature())
    );
    Failure::new(Exit::ChangedKey, text)
}
