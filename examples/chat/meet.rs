//! `chat connect`, and what `chat listen` begins with alike.

use crate::back::Back;
use crate::call::Caller;
use crate::cli::Meeting;
use crate::failure::{Exit, Failure};
use crate::home::Home;
use crate::judge::Stranger;
use crate::own::Own;
use crate::room::{Accepted, Event, Room};
use crate::statements::load;
use crate::suites::{parse, titled, titled_kind, warn_of_round3};
use crate::talk::talk;
use crate::terminal::Typed;
use crate::told::known_to;
use std::sync::Arc;
use std::time::Duration;
use twinlock::trust::KnownPeers;
use twinlock::{Identity, Suite};

/// How long to wait for the next event where nothing else is due.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// Calls somebody, and talks.
pub(crate) fn connect(home: &Home, address: &str, suite: Option<Suite>, as_strangers: bool, meeting: &Meeting) -> Result<(), Failure> {
    let expected = meeting.name.clone().unwrap_or_else(|| address.to_owned());
    if !KnownPeers::is_name(&expected) {
        return Err(Failure::new(Exit::Other, "this cannot be a peer's name; give it one of 1 to 64 visible characters: --name NAME"));
    }
    let mut own = Own::new(home);
    let suite = choose(&mut own, home, suite, &expected, meeting)?;
    let me = own.open(suite.signature())?.identity;
    warn_of_round3(&[suite]);
    let room = prepare(home, std::slice::from_ref(&me), meeting)?;
    home.make()?;
    let caller = Arc::new(Caller::new(&room, me, suite, address, expected, meeting, as_strangers)?);
    room.tell_reports();
    let ended = call(&room, &caller).and_then(|accepted| talk(&room, accepted, Back::Calls(caller)));
    room.terminal.end();
    ended
}

fn call(room: &Room, caller: &Caller) -> Result<Accepted, Failure> {
    let mut ask = |stranger: Stranger| ask_about_answerer(room, &stranger);
    caller.first(room, if room.terminal.has_person() { Some(&mut ask) } else { None })
}

/// The suite that was named; else the best in which the peer is known, and knows us; else that of the identity that there is.
fn choose(own: &mut Own<'_>, home: &Home, named: Option<Suite>, expected: &str, meeting: &Meeting) -> Result<Suite, Failure> {
    if let Some(suite) = policy(meeting, named.as_slice())?.first() {
        return Ok(*suite);
    }
    let kinds = own.kinds_to_speak_with()?;
    let known = home.known_peers()?;
    let best = match meeting.peers.as_slice() {
        [] => known.best_suite(expected, &known_to(home, &known, expected, &kinds)),
        pins => {
            let known = pins.iter().filter_map(|pin| known.by_fingerprint(*pin)).map(|entry| entry.suite().signature());
            known.filter(|kind| kinds.contains(kind)).find_map(Suite::for_signature)
        }
    };
    Ok(best.or_else(|| kinds.iter().copied().find_map(Suite::for_signature)).unwrap_or_default())
}

/// The suites that were named; under `--cnsa2` level5, and no other.
pub(crate) fn policy(meeting: &Meeting, named: &[Suite]) -> Result<Vec<Suite>, Failure> {
    if !meeting.cnsa2 {
        return Ok(named.to_vec());
    }
    let level5 = parse("level5").map_err(|why| Failure::new(Exit::CommandLine, format!("--cnsa2 needs level5. {why}")))?;
    match named.iter().find(|suite| **suite != level5) {
        Some(other) => {
            let (other, level5) = (titled(*other), titled(level5));
            Err(Failure::new(
                Exit::CommandLine,
                format!("--cnsa2 allows {level5} alone, and --suite names {other}; leave one of them away"),
            ))
        }
        None => Ok(vec![level5]),
    }
}

/// What `connect` and `listen` need alike.
pub(crate) fn prepare(home: &Home, own: &[Identity], meeting: &Meeting) -> Result<Room, Failure> {
    // A list that cannot be read shows now, not when somebody is there.
    home.known_peers()?;
    let statements = meeting.statements.iter().map(|path| load(path)).collect::<Result<_, _>>()?;
    Room::new(home, own, statements, meeting)
}

/// Asks the person who called whether the stranger who answered is the right one.
fn ask_about_answerer(room: &Room, stranger: &Stranger) -> Option<String> {
    let name = stranger.expected.clone()?;
    let suite = titled(stranger.suite);
    let met = match &stranger.other_key {
        None => format!("You meet {name} for the first time, in {suite}."),
        Some(entry) => format!(
            "You know {name} by a key of {} ({}). This is another one, for {suite}, and no statement of the known key introduces it \
             (`chat statement beside` makes one).",
            titled_kind(entry.suite().signature()),
            entry.fingerprint()
        ),
    };
    room.terminal.note(&format!(
        "{met} Its fingerprint is\n\n    {}\n\n\
         Whoever has this key will be {name} to you from now on, here and at every later meeting. If somebody stands between \
         the two of you, this is that somebody's key. Ask {name} in another way what `chat id` shows there, and compare. \
         Is it the same, or do you take the risk? Type yes or no.",
        stranger.fingerprint
    ));
    room.terminal.set_status("first meeting: yes or no?");
    room.listen_to_input();
    loop {
        match room.wait(LONG) {
            Some(Event::Typed(Typed::Line(line))) => match line.trim() {
                "yes" => return Some(name),
                "no" | "/quit" => return None,
                _ => room.terminal.note("Please type yes or no."),
            },
            Some(Event::Typed(Typed::End)) => return None,
            _ => {}
        }
    }
}
