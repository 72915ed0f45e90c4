//! What is kept of acquaintances, so that the next conversation costs less: opening it, what it has to tell, and `chat acquaintances`.

use crate::cli::AcquaintancesCommand;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::suites::titled;
use crate::terminal::{Shown, say};
use crate::text::{date_time, harmless};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use twinlock::Fingerprint;
use twinlock::acquaintances::{Acquaintances, AddressBookError, Folder, NotTaken, Report, Taken, Way};
use twinlock::io::{Keeper, Note};

/// The store of the home folder, for all conversations of this run. Other programs may have it open too.
pub(crate) fn open(home: &Home, shown: Shown) -> Result<Keeper, Failure> {
    home.make()?;
    let keeper = Keeper::new(Folder::open(home.acquaintances())?);
    let keeper = keeper.map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    let (home, told) = (home.clone(), Mutex::new(BTreeSet::new()));
    Ok(keeper.observe(move |note| {
        let Some(text) = noted(&home, note) else { return };
        // What goes wrong again and again is said once, whatever the time is by then.
        let what = if matches!(note, Note::Failed(AddressBookError::ClockBehind { .. })) { "the clock".to_owned() } else { text.clone() };
        if told.lock().unwrap_or_else(PoisonError::into_inner).insert(what) {
            shown.note(&text);
        }
    }))
}

/// What the owner should know, each once.
pub(crate) fn tell_reports(home: &Home, keeper: &Keeper, shown: &Shown) {
    // A store that fails was told of where it was asked for something.
    let reports = keeper.store().reports().unwrap_or_default();
    reports.iter().for_each(|report| shown.note(&reported(home, report)));
}

/// What becomes of what is to be kept, where a person can do something about it.
fn noted(home: &Home, note: Note<'_>) -> Option<String> {
    match note {
        Note::Bundle { of, taken: Taken::Not(why) } => Some(not_taken(&named(home, of), why)),
        Note::Failed(error) => Some(failed(error)),
        _ => None,
    }
}

fn not_taken(name: &str, why: NotTaken) -> String {
    let said = format!("what {name} sent for the next conversation was not kept");
    match why {
        NotTaken::NotYetValid => format!("{said}: by this computer's clock it is not valid yet. One of the two clocks is wrong; set it"),
        NotTaken::Ended => format!("{said}: by this computer's clock it has ended. One of the two clocks is wrong; set it"),
        NotTaken::Older | NotTaken::Differs => format!(
            "{said}: it is not the newest that {name} has made. Perhaps {name} restored a backup. Or a thief of an old key is on the other \
             side: ask {name} in another way"
        ),
        _ => format!("{said}: too many peers are kept. Forget some: chat acquaintances forget NAME"),
    }
}

fn failed(error: &AddressBookError) -> String {
    match error {
        AddressBookError::ClockBehind { now, latest } => format!(
            "The clock says {}, and it was {} before: it was set back, or was wrong then. Until that is settled nothing is kept and nothing \
             that was kept is used.\nSet the clock. Or if it is right now, say so: chat acquaintances clock-is-right",
            date_time(*now),
            date_time(*latest)
        ),
        error => format!("what is kept of acquaintances could not be read or changed: {error}"),
    }
}

fn reported(home: &Home, report: &Report) -> String {
    match report {
        Report::SecondUse { peer, .. } => {
            let whose = peer.map_or_else(|| "somebody".to_owned(), |peer| named(home, peer));
            format!(
                "A secret that was used up came a second time: one with which {whose} could pick up a conversation. It was refused.\n\
                 Perhaps a folder of {whose} was copied, or came back from a backup. Or somebody sent again what they recorded on the way, \
                 which gets them nowhere. Ask {whose} whether there is another copy of that home folder, and who has it."
            )
        }
        Report::Copied => format!(
            "The folder {} was copied, or came back from a backup. The secrets with which conversations are picked up were dropped from it, \
             since another copy may have used them; each next conversation begins by IK, which costs a little more.\n\
             If you neither copied nor restored it, somebody else did: then make a new identity, and revoke this one.",
            home.acquaintances().display()
        ),
        _ => "What is kept of acquaintances has something to tell that only a newer program understands.".to_owned(),
    }
}

/// By its remembered name, or else its fingerprint.
fn named(home: &Home, peer: Fingerprint) -> String {
    let known = home.known_peers().ok();
    let name = known.and_then(|known| known.by_fingerprint(peer).map(|entry| harmless(entry.name())));
    name.unwrap_or_else(|| peer.to_string())
}

/// Has the store forget this peer, if there is one. Where that fails, the peer is still judged before anything is used.
pub(crate) fn forget(home: &Home, peers: &[Fingerprint]) -> Result<bool, Failure> {
    if !home.acquaintances().exists() {
        return Ok(false);
    }
    let mut folder = Folder::open(home.acquaintances())?;
    let mut forgotten = false;
    for peer in peers {
        forgotten |= folder.forget(*peer)?;
    }
    Ok(forgotten)
}

pub(crate) fn acquaintances(home: &Home, command: Option<AcquaintancesCommand>) -> Result<(), Failure> {
    match command.unwrap_or(AcquaintancesCommand::List) {
        AcquaintancesCommand::List => list(home),
        AcquaintancesCommand::Forget { name } => {
            let known = home.known_peers()?;
            let of_this_name = known.entries().iter().filter(|entry| entry.name() == name).map(twinlock::trust::Entry::fingerprint);
            let peers: Vec<Fingerprint> = of_this_name.chain(name.parse().ok()).collect();
            let name = harmless(&name);
            if !forget(home, &peers)? {
                return Err(Failure::new(Exit::Other, format!("nothing is kept of {name}; `chat acquaintances` lists of whom")));
            }
            say(&format!("What was kept of {name} is forgotten; who it is stays known. The next conversation begins as strangers (XX)."));
            Ok(())
        }
        AcquaintancesCommand::ClockIsRight => {
            home.make()?;
            Folder::open(home.acquaintances())?.clock_is_right()?;
            say("The clock counts as right from now on, whatever it said before.");
            Ok(())
        }
    }
}

fn list(home: &Home) -> Result<(), Failure> {
    let mut listed = Vec::new();
    if home.acquaintances().exists() {
        let mut folder = Folder::open(home.acquaintances())?;
        listed = folder.acquaintances()?;
        folder.reports()?.iter().for_each(|report| say(&reported(home, report)));
    }
    listed.sort_by_key(|one| std::cmp::Reverse(one.last_seen));
    let rows: Vec<_> = listed.iter().map(|one| (named(home, one.peer), one)).collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    for (name, one) in &rows {
        println!("{name:width$}  {:19}  {}  {}", titled(one.suite), date_time(one.last_seen), way(one.way));
    }
    if rows.is_empty() {
        say("Nobody is an acquaintance yet: they are who was talked with, but for those of --peer.");
    }
    Ok(())
}

pub(crate) const fn way(way: Way) -> &'static str {
    match way {
        Way::Met => "XX",
        Way::Visited => "NX",
        Way::Acquainted => "IK",
        Way::Resumed => "resume",
    }
}

impl From<AddressBookError> for Failure {
    fn from(error: AddressBookError) -> Self {
        let exit = if matches!(error, AddressBookError::ClockBehind { .. }) { Exit::Other } else { Exit::File };
        Self::new(exit, failed(&error))
    }
}
