//! The door of a listener: anybody may knock, each in a thread of its own.
//!
//! ```text
//! nobody is there ......... in comes who is known, or whom the person lets in
//! a conversation goes on .. all are told that we are busy, and it is looked whether the conversation is still there
//! one was cut ............. in comes who is known; whoever is not its peer is told that we are busy
//! ```

use crate::back::{Presence, Present};
use crate::failure::Failure;
use crate::home::Home;
use crate::judge::{Judge, Stranger};
use crate::room::{Accepted, Event, Visitor};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;
use twinlock::Fingerprint;
use twinlock::io::Accept;
#[cfg(feature = "level5")]
use twinlock::trust::Cnsa2;

/// How many visitors may be there at all, those included who have not said anything yet.
const VISITORS: usize = 64;
/// How long a visitor may take to say its first byte. For the rest it has as long as a person may think, since its person may be asked about us.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// How long to wait when the system has no socket left.
const SHORTAGE: Duration = Duration::from_millis(200);

/// What the visitors' threads share.
pub(crate) struct Door {
    pub(crate) accept: Accept,
    /// The same with no place inside: whoever comes is told that we are busy.
    pub(crate) busy: Accept,
    pub(crate) presence: Arc<Presence>,
    pub(crate) visitors: AtomicUsize,
    pub(crate) pins: Vec<Fingerprint>,
    pub(crate) expected: Option<String>,
    pub(crate) cnsa2: bool,
    pub(crate) home: Home,
    pub(crate) person: bool,
    pub(crate) tell: Sender<Event>,
}

/// Takes whoever comes, for ever.
pub(crate) fn open(listener: &TcpListener, door: &Arc<Door>) {
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
        let asked = door.presence.now() == Present::Free && door.tell.send(Event::Visitor(Visitor::Asks(stranger, reply))).is_ok();
        if asked { answer.recv().ok().flatten() } else { None }
    };
    // A program that ends looks at nothing.
    let present = door.presence.to_a_visitor(|| drop(door.tell.send(Event::Visitor(Visitor::Knocked))));
    let ask: Option<&mut dyn FnMut(Stranger) -> Option<String>> = if door.person { Some(&mut ask) } else { None };
    let known = match door.home.known_peers() {
        Ok(known) => known,
        Err(error) => return Some(Visitor::Failed(from, error.into())),
    };
    let mut judge = Judge { pins: &door.pins, known, expected: door.expected.clone(), ask, called: false, seen: None };
    let busy = present == Present::Talking;
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
