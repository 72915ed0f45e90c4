//! `chat statement`: what an owner says about their keys (docs/protocol.md, section 4.4). And how to tell a person of it.

use crate::cli::{KeyOf, StatementCommand, Succession};
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::kept;
use crate::own::{Opened, Own};
use crate::suites::{kind, titled_kind};
use crate::terminal::say;
use crate::text::date_time;
use crate::told::known_to;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;
use twinlock::PublicIdentity;
use twinlock::identity::{SignatureAlgorithm, Statement, StatementError, StatementKind};
use twinlock::keyfile;
use twinlock::trust::{KnownPeersError, NotTaken, Taken};

pub(crate) fn statement(home: &Home, command: &StatementCommand) -> Result<(), Failure> {
    let mut own = Own::new(home);
    match command {
        StatementCommand::Beside(succession) => succeed(&mut own, succession, Statement::beside),
        StatementCommand::Instead(succession) => succeed(&mut own, succession, Statement::instead),
        StatementCommand::Revoke { old, out } => {
            let statement = Statement::revoked(&open(&mut own, old)?.identity, now())?;
            save_private(out, &statement).map_err(|error| Failure::file(out, &error))?;
            say(&format!(
                "{} holds the statement that your key of {} is revoked. Keep it where the key is not, for the day on which the key is lost or \
                 stolen; then give it to everybody who knows you. Whoever has it can end the key, for ever: keep it to yourself until then.",
                out.display(),
                titled_kind(statement.old().algorithm())
            ));
            Ok(())
        }
        StatementCommand::Show { file } => {
            println!("{}", described(&load(file)?));
            Ok(())
        }
    }
}

/// Reads a statement, and verifies it.
pub(crate) fn load(path: &Path) -> Result<Statement, Failure> {
    keyfile::load_statement(path).map_err(|error| Failure::key_file(path, &error))
}

/// What it says, for a person: a line each for the kind, the keys and the date.
pub(crate) fn described(statement: &Statement) -> String {
    let key = |key: &PublicIdentity| format!("{}  {}", key.fingerprint(), titled_kind(key.algorithm()));
    let old = key(statement.old());
    let keys = match statement.new() {
        Some(new) => format!("old key   {old}\nnew key   {}\nsigned    by both keys", key(new)),
        None => format!("key       {old}\nsigned    by this key"),
    };
    format!("It says   {}\n{keys}\nmade      {}, by its owner's clock", statement.kind(), date_time(statement.time()))
}

/// The same in a line.
pub(crate) fn brief(statement: &Statement) -> String {
    let old = statement.old();
    let old = format!("{} key {}", kind(old.algorithm()), old.fingerprint());
    let new = statement.new().map(|new| format!("{} key {}", kind(new.algorithm()), new.fingerprint())).unwrap_or_default();
    match statement.kind() {
        StatementKind::Beside => format!("the {new} stands beside the {old}"),
        StatementKind::Instead => format!("the {new} stands for the {old}, which is retired"),
        _ => format!("the {old} is revoked"),
    }
}

/// What a statement of this peer has changed, or why nothing, and what to do.
pub(crate) fn outcome(home: &Home, name: &str, statement: &Statement, taken: &Result<Taken, NotTaken>) -> String {
    let said = format!("{name} says: {}", brief(statement));
    match taken {
        Ok(Taken::Introduced) => {
            let next = statement.new().map(|new| next_step(home, name, new.algorithm())).unwrap_or_default();
            format!("{said}. It is remembered as introduced, not as verified: /verify in a conversation under it.{next}")
        }
        Ok(Taken::Succeeded) => format!(
            "{said}. The old key is refused from now on. The new one is known as {name}'s; compare it where you did not yet: /verify in a \
             conversation under it."
        ),
        Ok(Taken::Revoked) => format!(
            "{said}. It is refused from now on, for ever, and so is what it introduced until you have verified that. Ask {name} in another way \
             for the key that counts now."
        ),
        Ok(_) => format!("{said}. You knew that; nothing was changed."),
        Err(why) => format!("{said}. It was not taken: {why}"),
    }
}

/// Of a key that is refused from now on nothing is kept.
pub(crate) fn forget_the_dead(home: &Home, statement: &Statement, taken: &Result<Taken, NotTaken>) -> Result<(), Failure> {
    if matches!(taken, Ok(Taken::Revoked | Taken::Succeeded)) {
        kept::forget(home, &[statement.old().fingerprint()])?;
    }
    Ok(())
}

/// What is left to do before this suite is spoken with the peer.
fn next_step(home: &Home, name: &str, new: SignatureAlgorithm) -> String {
    let kind = kind(new);
    let knows_us = home.known_peers().is_ok_and(|known| !known_to(home, &known, name, &[new]).is_empty());
    match (home.kinds().contains(&new), knows_us) {
        (true, true) => format!(" You have told {name} of yours: from the next time on `chat connect` calls {name} in {kind}."),
        (true, false) => {
            format!(" Before you can talk in {kind}, {name} needs to know your {kind} key too: `chat statement beside` and /statement.")
        }
        (false, _) => format!(
            " To talk in {kind}, make an identity for it, and tell {name} of it: chat keygen --suite {kind}, `chat statement beside`, /statement."
        ),
    }
}

fn succeed(
    own: &mut Own<'_>,
    succession: &Succession,
    make: impl FnOnce(&twinlock::Identity, &twinlock::Identity, u64) -> Result<Statement, StatementError>,
) -> Result<(), Failure> {
    let (old, new) = (open(own, &succession.old)?, open(own, &succession.new)?);
    let statement = make(&old.identity, &new.identity, now())?;
    keyfile::save_statement(&succession.out, &statement)?;
    say(&described(&statement));
    say(&format!(
        "It is in {}. Give it to those who know the old key: /statement in a conversation, or --statement when you listen or connect; or the \
         file itself, for `chat peers take`. It is no secret.",
        succession.out.display()
    ));
    Ok(())
}

/// Whoever can read a revocation can end the key.
fn save_private(path: &Path, statement: &Statement) -> io::Result<()> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.write(true).create_new(true).open(path)?;
    file.write_all(keyfile::statement_to_pem(statement).as_bytes())?;
    file.sync_all()
}

fn open(own: &mut Own<'_>, key: &KeyOf) -> Result<Opened, Failure> {
    match key {
        KeyOf::Suite(suite) => own.open(suite.signature()),
        KeyOf::File(path) => own.open_file(path),
    }
}

fn now() -> u64 {
    // For people; nothing is decided by it.
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

impl From<StatementError> for Failure {
    fn from(error: StatementError) -> Self {
        Self::new(Exit::Other, format!("{error}. Nothing was made"))
    }
}

impl From<NotTaken> for Failure {
    fn from(error: NotTaken) -> Self {
        match error {
            NotTaken::Store(error @ (KnownPeersError::Io { .. } | KnownPeersError::Malformed { .. })) => error.into(),
            NotTaken::Declined => Self::new(Exit::Refused, error.to_string()),
            error => Self::new(Exit::Other, format!("the statement was not taken: {error}")),
        }
    }
}
