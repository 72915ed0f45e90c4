//! What the demo's acts stand on: two people with their files, connections between them, and the report.

use crate::text::bytes;
use crate::wire::{Message, PROLOGUE};
use std::cell::Cell;
use std::error::Error;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use twinlock::io::{self, Accept, Connect, Frame, Observer, Stream};
use twinlock::trust::KnownPeers;
use twinlock::{Identity, Suite, Trust, keyfile};

pub(super) type Act = Result<(), Box<dyn Error>>;

pub(super) struct Stage {
    pub(super) suite: Suite,
    pub(super) folder: TempDir,
    pub(super) alice: Person,
    pub(super) bob: Person,
}

pub(super) struct Person {
    pub(super) identity: Identity,
    pub(super) known: KnownPeers,
}

/// Both ends of a conversation.
pub(super) struct Pair {
    pub(super) alice: Stream<TcpStream>,
    pub(super) bob: Stream<TcpStream>,
}

/// A frame, and how long after the beginning.
pub(super) type Timed = (Frame, Duration);

/// Prints what happens, and counts what went wrong.
#[derive(Default)]
pub(super) struct Report {
    acts: Cell<u32>,
    wrong: Cell<u32>,
}

impl Report {
    pub(super) fn say(&self, line: &str) {
        println!("{line}");
    }

    /// A part of its own, whose acts are counted anew.
    pub(super) fn title(&self, title: &str) {
        self.acts.set(0);
        println!("\n════ {title}");
    }

    pub(super) fn act(&self, title: &str) {
        self.acts.set(self.acts.get().saturating_add(1));
        println!("\n{}. {title}", self.acts.get());
    }

    /// What happened, how many bytes went over the line for it, and how long it took.
    pub(super) fn row(&self, what: &str, length: Option<usize>, took: Duration) {
        let length = length.and_then(|length| u64::try_from(length).ok()).map(bytes).unwrap_or_default();
        println!("   {what:62} {length:>16} {:>9.1} ms", took.as_secs_f64() * 1000.0);
    }

    pub(super) fn check(&self, right: bool, what: &str) {
        if right {
            println!("   ✓ {what}");
        } else {
            self.wrong.set(self.wrong.get().saturating_add(1));
            println!("   ✗ NOT AS IT SHOULD BE: {what}");
        }
    }

    pub(super) const fn wrong(&self) -> u32 {
        self.wrong.get()
    }
}

impl Stage {
    pub(super) fn new(suite: Suite) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let (alice, bob) = (Person::new(folder.path(), "alice", suite)?, Person::new(folder.path(), "bob", suite)?);
        Ok(Self { suite, folder, alice, bob })
    }

    /// Alice calls Bob; each knows the other, or gets to know it. Also what Alice saw on the line.
    pub(super) fn meet_watched(&mut self) -> Result<(Pair, Vec<Timed>), Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let seen = Arc::<Mutex<Vec<Timed>>>::default();
        let pair = self.meet_through(&listener, address, &watch(&seen))?;
        let frames = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok((pair, frames))
    }

    /// As above, Bob listening here, and Alice calling there: a go-between may sit there.
    pub(super) fn meet_through(&mut self, listener: &TcpListener, there: SocketAddr, observer: &Observer) -> Result<Pair, Box<dyn Error>> {
        let (a, b, suite) = (&mut self.alice, &mut self.bob, self.suite);
        thread::scope(|scope| {
            let answering = scope.spawn(move || {
                let socket = answer(listener)?;
                let accept = Accept::new(&b.identity, PROLOGUE).suites(&[suite]);
                accept.accept(socket, &mut b.known.anyone_known().or_ask(|_| Some("Alice".to_owned())))
            });
            let called = call(there, suite, &a.identity, &mut a.known.expect("Bob").or_ask(|_| true), observer);
            let answered = answering.join().map_err(|_| "Bob's side stopped")?;
            Ok(Pair { alice: called?, bob: answered? })
        })
    }
}

impl Person {
    fn new(folder: &Path, name: &str, suite: Suite) -> Result<Self, Box<dyn Error>> {
        let own = folder.join(name);
        fs::create_dir(&own)?;
        let identity = Identity::generate_for(suite.signature())?;
        keyfile::save(own.join("identity.pem"), &identity, None)?;
        Ok(Self { identity, known: KnownPeers::open(own.join("known_peers"))? })
    }
}

pub(super) fn call(
    to: SocketAddr,
    suite: Suite,
    me: &Identity,
    trust: &mut impl Trust,
    observer: &Observer,
) -> Result<Stream<TcpStream>, io::Error> {
    let socket = TcpStream::connect(to)?;
    socket.set_nodelay(true)?;
    Connect::new(me, PROLOGUE).suite(suite).observe(observer).connect(socket, trust)
}

pub(super) fn answer(listener: &TcpListener) -> std::io::Result<TcpStream> {
    let (socket, _) = listener.accept()?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Notes every frame and its time.
pub(super) fn watch(seen: &Arc<Mutex<Vec<Timed>>>) -> Observer {
    let (begun, seen) = (Instant::now(), Arc::clone(seen));
    Arc::new(move |frame: Frame| seen.lock().unwrap_or_else(PoisonError::into_inner).push((frame, begun.elapsed())))
}

/// Notes nothing.
pub(super) fn blind() -> Observer {
    Arc::new(|_: Frame| {})
}

/// The text of a message, which must be one.
pub(super) fn said(message: Option<Vec<u8>>) -> Result<String, Box<dyn Error>> {
    match Message::decode(&message.ok_or("the conversation ended")?) {
        Ok(Message::Text { text, .. }) => Ok(text.to_owned()),
        _ => Err("this is no text".into()),
    }
}

/// Bytes that nobody guesses.
pub(super) fn random(length: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut contents = vec![0; length];
    getrandom::fill(&mut contents)?;
    Ok(contents)
}
