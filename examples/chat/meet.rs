//! `chat connect` and `chat listen`: how a conversation begins.

use crate::cli::{Meeting, PORT};
use crate::failure::{Exit, Failure};
use crate::home::{Home, load_psk};
use crate::peers::{Judge, Stranger};
use crate::room::{Accepted, Event, Room};
use crate::talk::talk;
use crate::terminal::Typed;
use crate::wire::PROLOGUE;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;
use twinlock::Identity;
use twinlock::io::Connect;
use twinlock::trust::KnownPeers;

/// How long one address may take to answer a call.
const CALL: Duration = Duration::from_secs(10);
/// How long to wait for the next event where nothing else is due.
pub(crate) const LONG: Duration = Duration::from_secs(3600);

/// Calls somebody, and talks.
pub(crate) fn connect(home: &Home, address: &str, meeting: &Meeting) -> Result<(), Failure> {
    let expected = meeting.name.clone().unwrap_or_else(|| address.to_owned());
    if !KnownPeers::is_name(&expected) {
        return Err(Failure::new(Exit::Other, "this cannot be a peer's name; give it one of 1 to 64 visible characters: --name NAME"));
    }
    let (me, mut room) = prepare(home, meeting)?;
    let accepted = call(&room, &me, address, expected, meeting);
    let ended = accepted.and_then(|accepted| talk(&mut room, accepted));
    room.terminal.end();
    ended
}

/// What `connect` and `listen` need alike.
pub(crate) fn prepare(home: &Home, meeting: &Meeting) -> Result<(Identity, Room), Failure> {
    let me = home.load_identity()?;
    // A list that cannot be read shows now, not when somebody is there.
    home.known_peers()?;
    let room = Room::new(home, me.fingerprint(), meeting);
    Ok((me, room))
}

fn call(room: &Room, me: &Identity, address: &str, expected: String, meeting: &Meeting) -> Result<Accepted, Failure> {
    let mut connect = Connect::new(me, PROLOGUE);
    if let Some(path) = &meeting.psk_file {
        connect = connect.psk(&load_psk(path)?);
    }
    if let Some(trace) = &room.trace {
        connect = connect.observe(trace);
    }
    let socket = dial(address)?;
    let mut ask = |stranger: Stranger| ask_about_answerer(room, &stranger);
    let ask: Option<&mut dyn FnMut(Stranger) -> Option<String>> = if room.terminal.has_person() { Some(&mut ask) } else { None };
    room.home.make()?;
    let known = room.home.known_peers()?;
    let mut judge = Judge { pins: &meeting.peers, known, expected: Some(expected), ask, seen: None };
    match connect.connect(socket, &mut judge) {
        Ok(stream) => {
            let name = judge.seen.map(|seen| judge.name(seen)).unwrap_or_default();
            Ok(Accepted { stream, name })
        }
        Err(error) => Err(judge.failure(&error)),
    }
}

/// The first of the host's addresses that answers.
fn dial(address: &str) -> Result<TcpStream, Failure> {
    let nobody = |why: String| {
        let hint = "Is the address right, and does the other side listen (`chat listen`)?";
        Failure::new(Exit::NobodyThere, format!("nobody answers at {address}: {why}. {hint}"))
    };
    let with_port = if has_port(address) { address.to_owned() } else { format!("{address}:{PORT}") };
    let mut last = "the host has no address".to_owned();
    for address in with_port.to_socket_addrs().map_err(|error| nobody(error.to_string()))? {
        match TcpStream::connect_timeout(&address, CALL).and_then(|socket| socket.set_nodelay(true).map(|()| socket)) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error.to_string(),
        }
    }
    Err(nobody(last))
}

/// `host:1`, `1.2.3.4:1`, `[::1]:1`; but not `host`, and not `[::1]`.
fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')))
}

/// Asks the person who called whether the stranger who answered is the right one.
fn ask_about_answerer(room: &Room, stranger: &Stranger) -> Option<String> {
    let name = stranger.expected.clone()?;
    room.terminal.note(&format!(
        "You meet {name} for the first time. Its fingerprint is\n\n    {}\n\n\
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
