//! A conversation that comes back after its cable was cut, and somebody who comes second with a copied secret.

use super::stage::{Act, Pair, Report, Stage, answer, said};
use crate::wire::{Message, PROLOGUE};
use std::fs;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use twinlock::Pinned;
use twinlock::acquaintances::{Folder, Report as Told, Way};
use twinlock::handshake::Pattern;
use twinlock::io::{Accept, Beginning, Connect, Keeper};

/// Carries connections to Bob, until it is cut.
struct Cable {
    here: SocketAddr,
    live: Arc<Mutex<Vec<TcpStream>>>,
}

/// What the act is played with.
struct Scene<'a> {
    stage: &'a Stage,
    bobs: TcpListener,
    cable: Cable,
    alice: Keeper,
    bob: Keeper,
}

pub(super) fn comes_back(report: &Report, stage: &Stage) -> Act {
    report.act("The cable is cut, and the conversation comes back");
    let store = |who: &str| stage.folder.path().join(who).join("acquaintances");
    let keeper = |who: &str| -> Result<Keeper, Box<dyn std::error::Error>> { Ok(Keeper::new(Folder::open(store(who))?)?) };
    let bobs = TcpListener::bind("127.0.0.1:0")?;
    let cable = Cable::to(bobs.local_addr()?)?;
    let scene = Scene { stage, bobs, cable, alice: keeper("alice")?, bob: keeper("bob")? };

    let mut pair = scene.call(&[Way::Resumed, Way::Acquainted, Way::Met])?;
    row(report, &pair, "they meet, and keep what the next time can begin with");
    first_texts(&mut pair)?;
    let copy = stage.folder.path().join("copy");
    copy_folder(&store("alice"), &copy)?;

    // What Alice says now is lost on the way, and she does not know.
    scene.cable.cut();
    let _ = pair.alice.send(&Message::Text { id: 2, text: "Where were we?" }.encode());
    report.check(pair.bob.recv().is_err(), "cut: Bob hears nothing of what Alice says next");
    drop(pair);
    let mut pair = scene.call(&[Way::Resumed, Way::Acquainted])?;
    row(report, &pair, "she calls again: nobody is asked, nothing is signed");
    report.check(pair.alice.pattern() == Some(Pattern::Resume), "they go on with a secret of the first time, which is used up by it");
    report.check(second_text(&mut pair)? == "Where were we?", "Bob had one text, so the second is sent again, and shown once");
    second_use(report, &scene, &copy)
}

/// Each says one, and has what the other sent for the next time.
fn first_texts(pair: &mut Pair) -> Act {
    pair.alice.send(&Message::Text { id: 1, text: "Hello again." }.encode())?;
    said(pair.bob.recv()?)?;
    pair.bob.send(&Message::Text { id: 1, text: "Hello." }.encode())?;
    said(pair.alice.recv()?)?;
    Ok(())
}

/// Bob says how many texts he had (docs/chat.md, section 1.1); Alice goes on with the next.
fn second_text(pair: &mut Pair) -> Result<String, Box<dyn std::error::Error>> {
    let run = [0xA1; 16];
    pair.bob.send(&Message::Had { run, texts: 1, files: 0 }.encode())?;
    let had = pair.alice.recv()?.ok_or("the conversation ended")?;
    let id = match Message::decode(&had) {
        Ok(Message::Had { texts, .. }) => texts.saturating_add(1),
        _ => return Err("Bob does not say what he had".into()),
    };
    pair.alice.send(&Message::Text { id, text: "Where were we?" }.encode())?;
    said(pair.bob.recv()?)
}

/// Somebody with a copy of Alice's folder, and her key, opens with the secret that was used.
fn second_use(report: &Report, scene: &Scene<'_>, copy: &Path) -> Act {
    let thief = Keeper::new(Folder::open_moved(copy)?)?;
    let (called, answered) = scene.call_as(&thief, &[Way::Resumed]);
    report.check(called.is_err() && answered.is_err(), "a second program, with a copy of Alice's folder, uses the same secret: refused");
    let reports = scene.bob.store().reports()?;
    let alice = Some(scene.stage.alice.identity.fingerprint());
    let told = reports.iter().any(|told| matches!(told, Told::SecondUse { peer, .. } if *peer == alice));
    report.check(told, "and Bob is told that a secret of Alice's came a second time");
    Ok(())
}

impl Scene<'_> {
    fn call(&self, ways: &[Way]) -> Result<Pair, Box<dyn std::error::Error>> {
        let (alice, bob) = self.call_as(&self.alice, ways);
        Ok(Pair { alice: alice?, bob: bob? })
    }

    /// Somebody calls with Alice's key, and what this keeper has.
    fn call_as(&self, keeper: &Keeper, ways: &[Way]) -> (Result<Stream, twinlock::io::Error>, Result<Stream, twinlock::io::Error>) {
        let (alice, bob) = (&self.stage.alice.identity, &self.stage.bob.identity);
        let connect = Connect::new(alice, PROLOGUE).suite(self.stage.suite).acquaintances(keeper).peer(bob.fingerprint()).ways(ways);
        let accept = Accept::new(bob, PROLOGUE).suites(&[self.stage.suite]).acquaintances(&self.bob);
        thread::scope(|scope| {
            let answering = scope.spawn(|| accept.accept(answer(&self.bobs)?, &mut Pinned(alice.fingerprint())));
            let called = TcpStream::connect(self.cable.here).and_then(|socket| socket.set_nodelay(true).map(|()| socket));
            let called = called.map_err(twinlock::io::Error::from);
            let called = called.and_then(|socket| connect.connect(socket, &mut Pinned(bob.fingerprint())));
            let stopped = || io::Error::other("Bob's side stopped").into();
            (called, answering.join().unwrap_or_else(|_| Err(stopped())))
        })
    }
}

type Stream = twinlock::io::Stream<TcpStream>;

impl Cable {
    fn to(bob: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (here, live) = (listener.local_addr()?, Arc::<Mutex<Vec<TcpStream>>>::default());
        let shared = Arc::clone(&live);
        thread::spawn(move || -> io::Result<()> {
            loop {
                let (near, far) = (answer(&listener)?, TcpStream::connect(bob)?);
                far.set_nodelay(true)?;
                shared.lock().unwrap_or_else(PoisonError::into_inner).extend([near.try_clone()?, far.try_clone()?]);
                for (mut from, mut to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
                    thread::spawn(move || io::copy(&mut from, &mut to).and_then(|_| to.shutdown(Shutdown::Write)));
                }
            }
        });
        Ok(Self { here, live })
    }

    fn cut(&self) {
        // A socket that is gone already needs no shutdown.
        self.live.lock().unwrap_or_else(PoisonError::into_inner).drain(..).for_each(|socket| drop(socket.shutdown(Shutdown::Both)));
    }
}

/// The pattern in which the two began, and what it cost.
fn row(report: &Report, pair: &Pair, what: &str) {
    let cost = pair.alice.beginning().map(Beginning::cost).unwrap_or_default();
    let name = pair.alice.pattern().map(Pattern::name).unwrap_or_default();
    report.row(&format!("{name}: {what}"), Some(cost.sent.saturating_add(cost.received)), cost.took);
}

/// As somebody would who has the disk.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
