//! `chat listen`: anybody may knock; one at a time is let in.
//!
//! Each visitor has a thread for its handshake, under a gate. A stranger's thread waits while the person is asked. During a conversation others
//! are told that we are busy.

use crate::cli::Meeting;
use crate::failure::{Exit, Failure};
use crate::home::{Home, load_psk};
use crate::judge::{Judge, Stranger};
use crate::meet::{LONG, policy, prepare};
use crate::own::Own;
use crate::room::{Accepted, Event, Room, Visitor};
use crate::suites::{list, titled, titled_kind, warn_of_round3};
use crate::talk::{PATIENCE, talk};
use crate::terminal::Typed;
use crate::text::{harmless, shell};
use crate::wire::PROLOGUE;
use std::collections::VecDeque;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;
use twinlock::io::{Accept, Gate};
#[cfg(feature = "level5")]
use twinlock::trust::Cnsa2;
use twinlock::trust::KnownPeers;
use twinlock::{Fingerprint, Identity, Suite};

/// How many handshakes may be in progress, and from one source.
const HANDSHAKES: (usize, usize) = (16, 4);
/// How many visitors may be there at all, those included who have not said anything yet.
const VISITORS: usize = 64;
/// How long a visitor may take to say its first byte. For the rest it has [`PATIENCE`], since its person may be asked about us.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// How long to wait when the system has no socket left.
const SHORTAGE: Duration = Duration::from_millis(200);

/// What the visitors' threads share.
struct Door {
    accept: Accept,
    /// The same with no place inside: whoever comes is told that we are busy.
    busy: Accept,
    talking: AtomicBool,
    visitors: AtomicUsize,
    pins: Vec<Fingerprint>,
    expected: Option<String>,
    cnsa2: bool,
    home: Home,
    person: bool,
    tell: Sender<Event>,
}

/// The strangers about whom the person was not asked yet; the first is being asked about.
type Questions = VecDeque<(Stranger, Sender<Option<String>>)>;

/// Waits for somebody, and talks; then for the next.
pub(crate) fn listen(home: &Home, address: &str, once: bool, suites: &[Suite], meeting: &Meeting) -> Result<(), Failure> {
    if meeting.name.as_ref().is_some_and(|name| !KnownPeers::is_name(name)) {
        return Err(Failure::new(Exit::Other, "this cannot be a peer's name; it has 1 to 64 visible characters"));
    }
    let suites = policy(meeting, suites)?;
    let own = Own::new(home).open_to_answer(&suites)?;
    let mut room = prepare(home, &own, meeting)?;
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
        talking: AtomicBool::new(false),
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
    let ended = receive(&mut room, &door, place, once);
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
fn receive(room: &mut Room, door: &Door, place: SocketAddr, once: bool) -> Result<(), Failure> {
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
            Some(Event::Visitor(Visitor::Failed(from, failure))) => room.terminal.note(&format!("{from} was not let in: {failure}")),
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
            Some(Event::Heard(..)) | None => {}
        }
    }
}

fn converse(room: &mut Room, door: &Door, accepted: Accepted) -> Result<(), Failure> {
    door.talking.store(true, Ordering::SeqCst);
    let ended = talk(room, accepted);
    door.talking.store(false, Ordering::SeqCst);
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

/// Takes whoever comes, for ever.
fn open(listener: &TcpListener, door: &Arc<Door>) {
    loop {
        let Ok((socket, from)) = listener.accept() else {
            thread::sleep(SHORTAGE);
            continue;
        };
        if door.visitors.fetch_add(1, Ordering::SeqCst) >= VISITORS {
            door.visitors.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let door = Arc::clone(door);
        thread::spawn(move || {
            if let Some(visitor) = greet(&door, socket, from) {
                // A program that ends receives nobody.
                let _ = door.tell.send(Event::Visitor(visitor));
            }
            door.visitors.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// One visitor's handshake. None where it came and went without a word.
fn greet(door: &Door, socket: TcpStream, from: SocketAddr) -> Option<Visitor> {
    socket.set_nodelay(true).and_then(|()| socket.set_read_timeout(Some(FIRST_BYTE))).ok()?;
    if socket.peek(&mut [0]).ok()? == 0 {
        return None;
    }
    let mut ask = |stranger: Stranger| {
        let (reply, answer) = channel();
        let asked = !door.talking.load(Ordering::SeqCst) && door.tell.send(Event::Visitor(Visitor::Asks(stranger, reply))).is_ok();
        if asked { answer.recv().ok().flatten() } else { None }
    };
    let ask: Option<&mut dyn FnMut(Stranger) -> Option<String>> = if door.person { Some(&mut ask) } else { None };
    let known = match door.home.known_peers() {
        Ok(known) => known,
        Err(error) => return Some(Visitor::Failed(from, error.into())),
    };
    let mut judge = Judge { pins: &door.pins, known, expected: door.expected.clone(), ask, called: false, seen: None };
    let busy = door.talking.load(Ordering::SeqCst);
    let accept = if busy { &door.busy } else { &door.accept };
    let accepted = match door.cnsa2 {
        #[cfg(feature = "level5")]
        true => accept.accept_from(socket, from.ip(), &mut Cnsa2(&mut judge)),
        _ => accept.accept_from(socket, from.ip(), &mut judge),
    };
    Some(match accepted {
        Ok(stream) => Visitor::Accepted(Box::new(Accepted { stream, name: judge.name() })),
        Err(_) if busy => return None,
        Err(error) => Visitor::Failed(from, judge.failure(&error, Failure::visit)),
    })
}
