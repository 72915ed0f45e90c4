//! `chat listen`: anybody may knock; one at a time is let in.
//!
//! Each visitor has a thread for its handshake, under a gate ([`crate::door`]). A stranger's thread waits while the person is asked.

use crate::back::{Back, Presence, Present};
use crate::cli::Meeting;
use crate::door::{Door, open};
use crate::failure::{Exit, Failure};
use crate::home::{Home, load_psk};
use crate::judge::Stranger;
use crate::meet::{LONG, policy, prepare};
use crate::own::Own;
use crate::room::{Accepted, Event, Room, Visitor};
use crate::suites::{list, titled, titled_kind, warn_of_round3};
use crate::talk::{PATIENCE, talk};
use crate::terminal::Typed;
use crate::text::{harmless, shell};
use crate::wire::PROLOGUE;
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::Sender;
use std::thread;
use twinlock::io::{Accept, Gate};
use twinlock::trust::KnownPeers;
use twinlock::{Identity, Suite};

/// How many handshakes may be in progress, and from one source.
const HANDSHAKES: (usize, usize) = (16, 4);

/// The strangers about whom the person was not asked yet; the first is being asked about.
type Questions = VecDeque<(Stranger, Sender<Option<String>>)>;

/// Waits for somebody, and talks; then for the next.
pub(crate) fn listen(home: &Home, address: &str, once: bool, suites: &[Suite], meeting: &Meeting) -> Result<(), Failure> {
    if meeting.name.as_ref().is_some_and(|name| !KnownPeers::is_name(name)) {
        return Err(Failure::new(Exit::Other, "this cannot be a peer's name; it has 1 to 64 visible characters"));
    }
    let suites = policy(meeting, suites)?;
    let own = Own::new(home).open_to_answer(&suites)?;
    let room = prepare(home, &own, meeting)?;
    let once = once || !room.terminal.has_person();
    let accept = accept(&room, &own, &suites, meeting)?;
    let busy = self::accept(&room, &own, &suites, meeting)?.gate(&Gate::new(0, 0));
    let listener = TcpListener::bind(address).map_err(|error| {
        Failure::new(Exit::Other, format!("cannot listen on {address}: {error}. Is another program there? Choose another port"))
    })?;
    let place = listener.local_addr().map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    room.terminal.note(&format!("listening on {place}"));
    room.terminal.note(&format!("answering in {}", list(answered(&own, &suites).map(titled))));
    warn_of_round3(&suites);
    home.make()?;

    let door = Arc::new(Door {
        accept,
        busy,
        presence: Arc::new(Presence::default()),
        visitors: AtomicUsize::new(0),
        pins: meeting.peers.clone(),
        expected: meeting.name.clone(),
        cnsa2: meeting.cnsa2,
        home: home.clone(),
        person: room.terminal.has_person(),
        tell: room.tell.clone(),
    });
    let shared = Arc::clone(&door);
    thread::spawn(move || open(&listener, &shared));
    room.tell_reports();
    let ended = receive(&room, &door, place, once);
    room.terminal.end();
    ended
}

fn accept(room: &Room, own: &[Identity], suites: &[Suite], meeting: &Meeting) -> Result<Accept, Failure> {
    let (in_all, per_source) = HANDSHAKES;
    let (first, others) = own.split_first().ok_or_else(|| Failure::new(Exit::File, "there is no identity to answer with"))?;
    let mut accept = Accept::new(first, PROLOGUE).deadline(PATIENCE).gate(&Gate::new(in_all, per_source));
    accept = others.iter().fold(accept, Accept::also);
    if !suites.is_empty() {
        accept = accept.suites(suites);
    }
    if let Some(path) = &meeting.psk_file {
        accept = accept.psk(&load_psk(path)?);
    }
    if let Some(keeper) = &room.keeper {
        accept = accept.acquaintances(keeper);
    }
    if let Some(trace) = &room.trace {
        accept = accept.observe(trace);
    }
    Ok(accept)
}

/// The suites in which somebody with these identities answers, where these suites were named, or none.
fn answered(own: &[Identity], named: &[Suite]) -> impl Iterator<Item = Suite> {
    let named = move |suite: &Suite| if named.is_empty() { !suite.must_be_named() } else { named.contains(suite) };
    let can = |suite: &Suite| own.iter().any(|me| me.public().algorithm() == suite.signature());
    Suite::ALL.iter().copied().filter(move |suite| named(suite) && can(suite))
}

/// Lets in one after the other.
fn receive(room: &Room, door: &Door, place: SocketAddr, once: bool) -> Result<(), Failure> {
    let mut questions = Questions::new();
    if room.terminal.has_person() {
        room.listen_to_input();
    }
    loop {
        if questions.is_empty() {
            room.terminal.set_status(&format!("listening on {place}; /quit ends"));
        }
        match room.wait(LONG) {
            Some(Event::Visitor(Visitor::Asks(stranger, answer))) => {
                questions.push_back((stranger, answer));
                if questions.len() == 1 {
                    ask(room, &questions);
                }
            }
            Some(Event::Visitor(Visitor::Failed(from, failure))) => {
                room.terminal.note(&format!("{from} was not let in: {failure}"));
                room.tell_reports();
            }
            Some(Event::Visitor(Visitor::Accepted(accepted))) => {
                questions.clear();
                let ended = converse(room, door, *accepted);
                if once || room.input_ended.get() {
                    return ended;
                }
                if let Err(failure) = ended {
                    room.terminal.note(&failure.to_string());
                }
                room.terminal.prompt_again();
            }
            Some(Event::Typed(Typed::Line(line))) => match line.trim() {
                "/quit" => return Ok(()),
                line => typed(room, &mut questions, line)?,
            },
            Some(Event::Typed(Typed::End)) => return Ok(()),
            Some(Event::Visitor(Visitor::Knocked) | Event::Heard(..) | Event::Called(..)) | None => {}
        }
    }
}

fn converse(room: &Room, door: &Door, accepted: Accepted) -> Result<(), Failure> {
    door.presence.set(Present::Talking);
    let ended = talk(room, accepted, Back::Comes(Arc::clone(&door.presence)));
    door.presence.set(Present::Free);
    ended
}

/// Asks the person about the first stranger.
fn ask(room: &Room, questions: &Questions) {
    let Some((Stranger { fingerprint, suite, expected, other_key }, _)) = questions.front() else { return };
    let suite = titled(*suite);
    let question = match (expected, other_key) {
        (Some(name), Some(entry)) => format!(
            "You know {name} by another key, of {} ({}), and no statement of that one introduces this one. Is it the key of {name} all the \
             same? Type yes or no.",
            titled_kind(entry.suite().signature()),
            entry.fingerprint()
        ),
        (Some(name), None) => format!("Is it the key of {name}? Type yes or no."),
        (None, _) => "If you want to talk with its owner, type a name to remember it by. An empty line refuses.".to_owned(),
    };
    room.terminal.note(&format!(
        "Somebody asks whom you have not met, in {suite}. Its fingerprint is\n\n    {fingerprint}\n\n\
         Whoever has this key will be the same person to you from now on, at every later meeting. Who it is, the key does not say: ask \
         the one you think of, in another way, what `chat id` shows there, and compare.\n{question}"
    ));
    room.terminal.set_status(if expected.is_some() { "first meeting: yes or no?" } else { "first meeting: who is it?" });
}

/// A line while nobody is there to talk with: the answer to a question, or nothing.
fn typed(room: &Room, questions: &mut Questions, line: &str) -> Result<(), Failure> {
    let Some((stranger, _)) = questions.front() else {
        if !line.is_empty() {
            room.terminal.note("nobody is here yet; /quit ends");
        }
        return Ok(());
    };
    let answer = match (&stranger.expected, line) {
        (Some(name), "yes") => Some(name.clone()),
        (Some(_), "no") | (None, "") => None,
        (Some(_), _) => {
            room.terminal.note("Please type yes or no.");
            return Ok(());
        }
        (None, name) if !KnownPeers::is_name(name) => {
            room.terminal.note("A name has 1 to 64 visible characters. Please type another, or an empty line.");
            return Ok(());
        }
        (None, name) if room.home.known_peers()?.by_name(name).next().is_some() => {
            room.terminal.note(&format!(
                "{0} is known here with another key. If this is the same person with a new key, refuse with an empty line. Then have {0} \
                 introduce it under the known key: chat statement. Or compare the fingerprint, and: chat peers accept {1} {2} --suite {3}\n\
                 If it is somebody else, type another name.",
                harmless(name),
                shell(name),
                stranger.fingerprint,
                crate::suites::name(stranger.suite)
            ));
            return Ok(());
        }
        (None, name) => Some(name.to_owned()),
    };
    if let Some((_, reply)) = questions.pop_front() {
        // A visitor that is gone needs no answer.
        let _ = reply.send(answer);
    }
    ask(room, questions);
    Ok(())
}
