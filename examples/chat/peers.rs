//! `chat peers`: who is known, and what a person changes about it.

use crate::cli::PeersCommand;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::kept;
use crate::statements::{described, forget_the_dead, load, outcome};
use crate::suites::{kind, list, titled_kind};
use crate::terminal::say;
use crate::text::harmless;
use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use twinlock::trust::{Entry, KnownPeers, KnownPeersError, Met, NotTaken};
use twinlock::{Distrust, Fingerprint, Suite};

pub(crate) fn peers(home: &Home, command: Option<PeersCommand>) -> Result<(), Failure> {
    let mut known = home.known_peers()?;
    match command.unwrap_or(PeersCommand::List) {
        PeersCommand::List => {
            show(&known);
            Ok(())
        }
        PeersCommand::Rename { old, new } => Ok(known.rename(&old, &new)?),
        PeersCommand::Forget { name } => {
            let keys: Vec<Fingerprint> = known.entries().iter().filter(|entry| entry.name() == name).map(Entry::fingerprint).collect();
            known.forget(&name)?;
            kept::forget(home, &keys)?;
            say(&format!("{} is forgotten: a stranger at the next meeting.", harmless(&name)));
            Ok(())
        }
        PeersCommand::Export { file } => export(&known, file.as_deref()),
        PeersCommand::Take { file, yes } => take(home, &mut known, &file, yes),
        PeersCommand::Accept { name, fingerprint, suite, yes } => {
            let before: Vec<Fingerprint> = known.entries().iter().map(Entry::fingerprint).collect();
            accept(&mut known, &name, fingerprint, suite, yes)?;
            // Of a key in whose place another came nothing is kept.
            let gone: Vec<Fingerprint> = before.into_iter().filter(|key| known.by_fingerprint(*key).is_none()).collect();
            kept::forget(home, &gone).map(|_| ())
        }
    }
}

fn show(known: &KnownPeers) {
    let width = known.entries().iter().map(|entry| shown_name(entry).chars().count()).max().unwrap_or_default();
    for entry in known.entries() {
        let (met, kind) = (entry.met().to_string(), kind(entry.suite().signature()));
        let introducer = entry.introducer().map(|by| format!("  by {by}")).unwrap_or_default();
        let refused = match (entry.living(), known.why_refused(entry)) {
            (true, Some(_)) => "  REFUSED until accepted: who introduced it is no longer trusted",
            _ => "",
        };
        println!("{:width$}  {met:10}  {}  {}  {kind}{introducer}{refused}", shown_name(entry), entry.date(), entry.fingerprint());
    }
    if known.entries().is_empty() {
        say("Nobody is known yet.");
    }
}

/// A dead key of somebody forgotten has no name.
fn shown_name(entry: &Entry) -> &str {
    if entry.name() == entry.fingerprint().to_string() { "-" } else { entry.name() }
}

fn take(home: &Home, known: &mut KnownPeers, file: &Path, yes: bool) -> Result<(), Failure> {
    let statement = load(file)?;
    let name = known.by_fingerprint(statement.old().fingerprint()).map(|entry| shown_name(entry).to_owned());
    let name = name.filter(|name| name != "-").unwrap_or_else(|| "Somebody unknown".to_owned());
    say(&described(&statement));
    let mut taken = known.take(&statement);
    if matches!(taken, Err(NotTaken::PersonNeeded { .. })) {
        say(&format!("You have verified the old key of {name}, and whoever stole it could say so too."));
        taken = if yes || confirmed(&name)? { known.take_asking(&statement, |_| true) } else { Err(NotTaken::Declined) };
    }
    match taken {
        Ok(_) => {
            forget_the_dead(home, &statement, &taken)?;
            say(&outcome(home, &name, &statement, &taken));
            Ok(())
        }
        Err(why) => Err(why.into()),
    }
}

fn export(known: &KnownPeers, file: Option<&Path>) -> Result<(), Failure> {
    match file {
        None => known.export(&mut io::stdout()).map_err(|error| Failure::new(Exit::Other, error.to_string())),
        Some(path) => {
            let written = File::create_new(path).and_then(|mut file| known.export(&mut file).and_then(|()| file.sync_all()));
            written.map_err(|error| Failure::file(path, &error))
        }
    }
}

fn accept(known: &mut KnownPeers, name: &str, fingerprint: Fingerprint, suite: Option<Suite>, yes: bool) -> Result<(), Failure> {
    let keys: Vec<Entry> = known.entries().iter().filter(|entry| entry.name() == name).cloned().collect();
    let living: Vec<&Entry> = keys.iter().filter(|entry| entry.living()).collect();
    if let Some(entry) = keys.iter().find(|entry| entry.fingerprint() == fingerprint) {
        return accept_again(known, entry, yes);
    }
    let suite = match (suite, living.as_slice(), keys.as_slice()) {
        (_, _, []) => return Err(KnownPeersError::NotKnown.into()),
        (Some(suite), ..) => suite,
        (None, [only], _) => only.suite(),
        (None, [], [only]) => only.suite(),
        (None, ..) => {
            let kinds = list(keys.iter().map(|entry| kind(entry.suite().signature()).to_owned()));
            return Err(Failure::new(Exit::CommandLine, format!("{name} has keys of {kinds}; say of which kind this one is: --suite")));
        }
    };
    say(&format!("The key of {name}, of {}", titled_kind(suite.signature())));
    let of_this_kind: Vec<&Entry> = keys.iter().filter(|entry| entry.suite().signature() == suite.signature()).collect();
    match of_this_kind.as_slice() {
        [] => say("  until now  none of this kind"),
        of_this_kind => {
            of_this_kind.iter().for_each(|entry| say(&format!("  until now  {}  ({}, {})", entry.fingerprint(), entry.met(), entry.date())))
        }
    }
    say(&format!("  from now   {fingerprint}"));
    if !yes && !confirmed(name)? {
        return Err(declined());
    }
    match known.replace_key(name, fingerprint, suite) {
        // Its first of this kind.
        Err(KnownPeersError::NotKnown) => known.add(name, fingerprint, suite, Met::FirstUse)?,
        replaced => replaced?,
    }
    say("Accepted. Compare the safety number at the next meeting: /verify");
    Ok(())
}

/// A key that is there already: refused for ever, refused until a person says otherwise, or not refused at all.
fn accept_again(known: &mut KnownPeers, entry: &Entry, yes: bool) -> Result<(), Failure> {
    let (name, fingerprint) = (entry.name(), entry.fingerprint());
    match known.why_refused(entry) {
        None => say(&format!("{name} has this key already; nothing was changed.")),
        Some(Distrust::IntroducerRevoked) => {
            say(&format!("The key of {name}, introduced by one that is no longer trusted\n  {fingerprint}  ({})", entry.date()));
            if !yes && !confirmed(name)? {
                return Err(declined());
            }
            known.set_verified(fingerprint)?;
            say("Accepted, as verified by you.");
        }
        Some(why) => return Err(Failure::new(Exit::Refused, format!("{name}: {why}"))),
    }
    Ok(())
}

fn declined() -> Failure {
    Failure::new(Exit::Refused, "not accepted; nothing was changed")
}

fn confirmed(name: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Other, "a person must confirm this at a terminal; or give --yes"));
    }
    eprint!("Did {name} tell you this fingerprint in person, or on a line that you trust? Type yes to accept it: ");
    // That the question may not show does not change what counts as an answer.
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    Ok(answer.trim() == "yes")
}
