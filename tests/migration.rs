//! A fleet moves from one suite to another, peer by peer, while everybody talks with everybody; and attackers are there all the time.
//!
//! What stays true at every step: no pair is without a suite in which both accept each other, no pair that spoke in the new suite is pushed back
//! into the old one, and no attacker changes what anybody remembers. One of the attackers sits on the wire, one has a stolen old key.
#![cfg(all(feature = "std", any(feature = "level5", feature = "round3")))]
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use tempfile::{TempDir, tempdir};
use twinlock::channel::{Opener, Record, Sealer};
use twinlock::handshake::{Initiator, Responder, Suite};
use twinlock::identity::{Identity, SignatureAlgorithm, Statement, Trusted};
use twinlock::trust::{KnownPeers, Met, NotTaken, Taken};
use twinlock::{Distrust, Error, Refusal};

const NOW: u64 = 1_767_312_000;
const PROLOGUE: &[u8] = b"migration/1";
const FLEET: usize = 6;
/// One that has no new identity to the end: an old build, say.
const LATE: usize = FLEET - 1;

/// From which suite to which.
#[derive(Clone, Copy)]
struct Move {
    old: Suite,
    new: Suite,
}

struct Member {
    name: String,
    old: Identity,
    new: Option<Identity>,
    /// Who has taken the statement about the new identity.
    told: BTreeSet<usize>,
    /// What a thief says with the old identity: that its own stand for it and beside it, whatever their algorithm.
    thiefs: Vec<Statement>,
    path: PathBuf,
}

struct Fleet {
    route: Move,
    members: Vec<Member>,
    /// A thief's own identities, one an algorithm.
    thiefs: Vec<Identity>,
    _folder: TempDir,
}

/// What a conversation of two came to.
struct Conversation {
    suite: Suite,
    trusted: [Trusted; 2],
    caller: (Sealer, Opener),
    called: (Sealer, Opener),
}

impl Fleet {
    /// Everybody knows everybody's old key: every third one by comparison, the others since their first use.
    fn new(route: Move) -> Self {
        let folder = tempdir().unwrap();
        let generate = |algorithm| Identity::generate_for(algorithm).unwrap();
        let thiefs: Vec<_> = SignatureAlgorithm::ALL.iter().copied().map(generate).collect();
        let members: Vec<_> = (0..FLEET)
            .map(|number| {
                let old = generate(route.old.signature());
                let says = |own| [Statement::instead(&old, own, NOW + 9), Statement::beside(&old, own, NOW + 9)].into_iter().flatten();
                Member {
                    name: format!("peer {number}"),
                    thiefs: thiefs.iter().flat_map(says).collect(),
                    old,
                    new: None,
                    told: BTreeSet::new(),
                    path: folder.path().join(format!("known-peers-{number}")),
                }
            })
            .collect();
        for (a, b) in pairs() {
            let met = if (a + b) % 3 == 0 { Met::Verified } else { Met::FirstUse };
            let known = KnownPeers::open(&members[a].path).unwrap();
            known.at(NOW).add(&members[b].name, members[b].old.fingerprint(), route.old, met).unwrap();
        }
        Self { route, members, thiefs, _folder: folder }
    }

    fn known(&self, number: usize) -> KnownPeers {
        KnownPeers::open(&self.members[number].path).unwrap().at(NOW)
    }

    fn texts(&self) -> Vec<String> {
        self.members.iter().map(|member| std::fs::read_to_string(&member.path).unwrap()).collect()
    }

    /// The suite in which `a` opens to `b`: by what it remembers, and by which of its identities `b` has heard of.
    fn suite(&self, a: usize, b: usize) -> Option<Suite> {
        let mut mine = vec![self.route.old.signature()];
        if self.members[a].told.contains(&b) {
            mine.push(self.route.new.signature());
        }
        self.known(a).best_suite(&self.members[b].name, &mine)
    }

    fn identity(&self, number: usize, suite: Suite) -> &Identity {
        let member = &self.members[number];
        if suite == self.route.new { member.new.as_ref().unwrap() } else { &member.old }
    }

    fn responder(&self, number: usize) -> Responder {
        let member = &self.members[number];
        let responder = Responder::new(&member.old, PROLOGUE).suites(&[self.route.old, self.route.new]);
        member.new.iter().fold(responder, |responder, new| responder.also(new))
    }

    /// `a` calls `b`, and both accept each other by what they remember.
    fn meet(&self, a: usize, b: usize) -> Conversation {
        let suite = self.suite(a, b).unwrap_or_else(|| panic!("{a} has no suite for {b}"));
        let me = self.identity(a, suite);
        let (waiting, hello) = Initiator::new(me, PROLOGUE).suite(suite).send_hello().unwrap();
        let (answered, reply) = self.responder(b).read_hello(&hello).unwrap().send_reply().unwrap();
        let (mut known_a, mut known_b) = (self.known(a), self.known(b));
        let mut trust = known_a.expect(self.members[b].name.as_str());
        let (caller, finish) = waiting.read_reply(&reply).unwrap().send_finish(&mut trust).unwrap();
        let called = answered.read_finish(&finish).unwrap().into_channel(&mut known_b.anyone_known()).unwrap();
        assert_eq!(known_b.by_fingerprint(me.fingerprint()).unwrap().name(), self.members[a].name);
        let trusted = [caller.conversation().trusted(), called.conversation().trusted()];
        let (seals, opens, _) = caller.into_halves();
        let (answers, hears, _) = called.into_halves();
        Conversation { suite, trusted, caller: (seals, opens), called: (answers, hears) }
    }

    /// `a` calls `b` and tells it; `b` takes the statement, and asks its person where that is due.
    fn tell(&self, a: usize, b: usize, statement: &Statement) -> Taken {
        let mut met = self.meet(a, b);
        let mut frame = Vec::new();
        met.caller.0.message(statement.as_bytes(), &mut frame).unwrap();
        let Record::End(bytes) = met.called.1.open(&mut frame).unwrap() else { panic!("in one piece") };
        let (asked, mut known) = (Cell::new(false), self.known(b));
        let verified = known.by_fingerprint(statement.old().fingerprint()).unwrap().met() == Met::Verified;
        let retires = statement.kind() == twinlock::identity::StatementKind::Instead;
        let ask = |_: &twinlock::trust::Entry| {
            asked.set(true);
            true
        };
        let taken = known.take_asking(&Statement::from_bytes(bytes).unwrap(), ask).unwrap();
        assert_eq!(asked.get(), verified && retires);
        taken
    }

    /// Everybody calls everybody.
    fn everybody_talks(&self, moved: &mut BTreeSet<(usize, usize)>) {
        (0..FLEET).for_each(|member| self.talks_with(member, member + 1..FLEET, moved));
    }

    /// One calls these, and they call it. Who has spoken in the new suite does so again; both ways of a pair go the same one.
    fn talks_with(&self, member: usize, others: Range<usize>, moved: &mut BTreeSet<(usize, usize)>) {
        for (a, b) in others.filter(|other| *other != member).flat_map(|other| [(member, other), (other, member)]) {
            let met = self.meet(a, b);
            let pair = (a.min(b), a.max(b));
            assert!(met.suite == self.route.new || !moved.contains(&pair), "{a} and {b} were pushed back");
            let both_told = self.members[a].told.contains(&b) && self.members[b].told.contains(&a);
            assert_eq!(met.suite == self.route.new, both_told, "{a} and {b}");
            if met.suite == self.route.new {
                moved.insert(pair);
                assert_eq!(met.trusted, [Trusted::Introduced; 2]);
            } else {
                assert!(met.trusted.iter().all(|trusted| matches!(trusted, Trusted::FirstUse | Trusted::Verified)));
            }
            let Conversation { mut caller, mut called, .. } = met;
            for (sealer, opener) in [(&mut caller.0, &mut called.1), (&mut called.0, &mut caller.1)] {
                let mut frame = Vec::new();
                sealer.message(b"are you there", &mut frame).unwrap();
                assert_eq!(opener.open(&mut frame).unwrap(), Record::End(b"are you there"));
            }
        }
    }

    // The attackers.

    /// On the wire: refuses in the name of the called, and rewrites the suite that is asked for. It changes nothing, and the next call goes out as
    /// the first did.
    fn the_wire_pushes_nobody_back(&self, a: usize, b: usize) {
        let (before, suite) = (self.texts(), self.suite(a, b).unwrap());
        let call = || Initiator::new(self.identity(a, suite), PROLOGUE).suite(suite).send_hello().unwrap();
        for refusal in [Refusal::Suite, Refusal::Refused] {
            let refused = call().0.read_reply(&[0, 1, refusal.status()]);
            assert!(matches!(refused, Err(Error::RefusedByPeer(why)) if why == refusal));
            assert_eq!(self.suite(a, b), Some(suite));
        }
        for other in Suite::ALL.iter().filter(|other| **other != suite) {
            let (waiting, mut hello) = call();
            hello[6..8].copy_from_slice(&other.id().to_be_bytes());
            // What comes back, if anything does, is of another suite than was asked for.
            let Ok(heard) = self.responder(b).read_hello(&hello) else { continue };
            let (answered, reply) = heard.send_reply().unwrap();
            let error = waiting.read_reply(&reply).expect_err("a reply in another suite");
            assert!(matches!(error, Error::Malformed | Error::Authentication), "{error:?}");
            drop(answered);
        }
        assert_eq!(self.suite(a, b), Some(suite));
        assert_eq!(self.texts(), before);
    }

    /// With the old key of `victim`, which `a` has spoken with in the new suite: it is not believed, whoever calls, and what it says is not taken.
    fn a_thief_is_not_believed(&self, a: usize, victim: usize, expected: Distrust) {
        let (before, name) = (self.texts(), self.members[victim].name.as_str());
        let stolen = &self.members[victim].old;
        assert_eq!(self.call(a, stolen, self.route.old), Err(expected));
        assert_eq!(self.called_by(a, name, stolen, self.route.old), Err(expected));
        // It answers in the suite in which the victim is called, with a key of its own.
        let own = self.thiefs.iter().find(|own| own.public().algorithm() == self.route.new.signature()).unwrap();
        assert_eq!(self.called_by(a, name, own, self.route.new), Err(Distrust::ChangedKey));
        assert_eq!(self.call(a, own, self.route.new), Err(Distrust::Unknown));
        for statement in &self.members[victim].thiefs {
            let taken = self.known(a).take_asking(statement, |_| panic!("a person is asked about a thief"));
            let fits = match expected {
                Distrust::Retired => matches!(taken, Err(NotTaken::OldRetired { .. })),
                _ => matches!(taken, Err(NotTaken::LeftBehind { .. } | NotTaken::WeakerSuite { .. })),
            };
            assert!(fits, "{taken:?}");
        }
        assert_eq!(self.texts(), before);
    }

    /// Somebody calls `a` with this identity, and nobody is there to ask.
    fn call(&self, a: usize, identity: &Identity, suite: Suite) -> Result<Trusted, Distrust> {
        let (waiting, hello) = Initiator::new(identity, PROLOGUE).suite(suite).send_hello().unwrap();
        let (answered, reply) = self.responder(a).read_hello(&hello).unwrap().send_reply().unwrap();
        let (_, finish) = waiting.read_reply(&reply).unwrap().send_finish(&mut twinlock::trust::danger::TrustAnyone).unwrap();
        let channel = answered.read_finish(&finish).unwrap().into_channel(&mut self.known(a).anyone_known());
        channel.map(|channel| channel.conversation().trusted()).map_err(|rejected| distrust(rejected.error()))
    }

    /// `a` calls the name in this suite, though it would not, and this identity answers.
    fn called_by(&self, a: usize, name: &str, identity: &Identity, suite: Suite) -> Result<Trusted, Distrust> {
        let (waiting, hello) = Initiator::new(self.identity(a, suite), PROLOGUE).suite(suite).send_hello().unwrap();
        let responder = Responder::new(identity, PROLOGUE).suites(&[suite]);
        let (_, reply) = responder.read_hello(&hello).unwrap().send_reply().unwrap();
        let mut known = self.known(a);
        let mut trust = known.expect(name).or_ask(|_| panic!("a person is asked about a thief"));
        let finished = waiting.read_reply(&reply).unwrap().send_finish(&mut trust);
        finished.map(|(channel, _)| channel.conversation().trusted()).map_err(distrust)
    }

    /// At some step: a pair on whose wire the attacker sits, and one that has moved, of which one's old key was stolen.
    fn attack(&self, step: usize, moved: &BTreeSet<(usize, usize)>, expected: impl Fn(usize, usize) -> Distrust) {
        let (a, b) = pairs().nth(step * 7 % pairs().count()).unwrap();
        self.the_wire_pushes_nobody_back(a, b);
        if let Some((a, b)) = moved.iter().nth(step * 5 % moved.len().max(1)).copied() {
            let (a, victim) = if step.is_multiple_of(2) { (a, b) } else { (b, a) };
            self.a_thief_is_not_believed(a, victim, expected(a, victim));
        }
    }
}

/// Every pair, both ways.
fn pairs() -> impl Iterator<Item = (usize, usize)> {
    (0..FLEET).flat_map(|a| (0..FLEET).map(move |b| (a, b))).filter(|(a, b)| a != b)
}

fn distrust(error: Error) -> Distrust {
    match error {
        Error::Untrusted(why) => why,
        other => panic!("{other:?}"),
    }
}

fn migrate(route: Move) {
    let mut fleet = Fleet::new(route);
    let mut moved = BTreeSet::new();
    let mut steps = 0..;
    let mut step = || steps.next().unwrap();
    fleet.everybody_talks(&mut moved);
    let weaker = |_: usize, _: usize| Distrust::WeakerSuite;

    // One after the other gets a new identity, and tells the others, one after the other.
    for member in 0..LATE {
        let new = Identity::generate_for(route.new.signature()).unwrap();
        let statement = Statement::beside(&fleet.members[member].old, &new, NOW).unwrap();
        fleet.members[member].new = Some(new);
        fleet.talks_with(member, 0..FLEET, &mut moved);
        for other in (0..FLEET).filter(|other| *other != member) {
            assert_eq!(fleet.tell(member, other, &statement), Taken::Introduced);
            fleet.members[member].told.insert(other);
            fleet.talks_with(member, other..FLEET.min(other + 2), &mut moved);
            fleet.attack(step(), &moved, weaker);
        }
    }
    assert_eq!(moved.len(), LATE * (LATE - 1) / 2);
    fleet.everybody_talks(&mut moved);

    // Then each retires its old identity, towards those that have a new one; to the last one it stays as it is.
    let mut retired: BTreeSet<(usize, usize)> = BTreeSet::new();
    for member in 0..LATE {
        let identities = &fleet.members[member];
        let statement = Statement::instead(&identities.old, identities.new.as_ref().unwrap(), NOW).unwrap();
        for other in (0..LATE).filter(|other| *other != member) {
            assert_eq!(fleet.tell(member, other, &statement), Taken::Succeeded);
            assert_eq!(fleet.tell(member, other, &statement), Taken::Already);
            retired.insert((other, member));
            fleet.talks_with(member, other..FLEET.min(other + 2), &mut moved);
            fleet.attack(
                step(),
                &moved,
                |a, victim| if retired.contains(&(a, victim)) { Distrust::Retired } else { Distrust::WeakerSuite },
            );
        }
    }
    for (a, b) in pairs().filter(|(a, b)| *a != LATE && *b != LATE) {
        assert_eq!(fleet.known(a).by_name(&fleet.members[b].name).count(), 1);
    }

    // The last one moves at last: it knows the others' new keys already.
    let new = Identity::generate_for(route.new.signature()).unwrap();
    let statement = Statement::beside(&fleet.members[LATE].old, &new, NOW).unwrap();
    fleet.members[LATE].new = Some(new);
    for other in 0..LATE {
        assert_eq!(fleet.tell(LATE, other, &statement), Taken::Introduced);
        fleet.members[LATE].told.insert(other);
        fleet.talks_with(LATE, other..FLEET, &mut moved);
        fleet.attack(step(), &moved, |a, victim| if retired.contains(&(a, victim)) { Distrust::Retired } else { Distrust::WeakerSuite });
    }
    fleet.everybody_talks(&mut moved);
    assert_eq!(moved.len(), pairs().count() / 2);
    let old_suite = |(a, b): (usize, usize)| fleet.known(a).best_suite(&fleet.members[b].name, &[route.old.signature()]);
    assert!(pairs().all(|pair| old_suite(pair).is_none()));
}

#[cfg(feature = "level5")]
#[test]
fn a_fleet_that_moves_to_level_5_falls_apart_or_back() {
    migrate(Move { old: Suite::Level3ChaCha, new: Suite::Level5Aes });
}

#[cfg(feature = "round3")]
#[test]
fn a_fleet_that_leaves_round_3_falls_apart_or_back() {
    migrate(Move { old: Suite::Round3, new: Suite::Level3ChaCha });
}

#[cfg(all(feature = "level5", feature = "round3"))]
#[test]
fn a_fleet_that_leaves_round_3_for_level_5_falls_apart_or_back() {
    migrate(Move { old: Suite::Round3, new: Suite::Level5Aes });
}
