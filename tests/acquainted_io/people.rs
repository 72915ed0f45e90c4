//! Who talks, what they keep, and the line between them.

use crate::pipe::{Pipe, pipe};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use twinlock::acquaintances::{Acquaintances, Book, Report, Taken, Wanted, Way};
use twinlock::channel::Resumption;
use twinlock::handshake::Pattern;
use twinlock::io::{Accept, Connect, Error, Failed, Keeper, Note, Stream};
use twinlock::{Fingerprint, Identity, Pinned, Suite, Trust};

pub const SUITE: Suite = Suite::Level3ChaCha;
pub const PROLOGUE: &[u8] = b"acquainted/1";
/// 2026-01-02, at midnight.
pub const NOW: u64 = 1_767_312_000;
pub const DAY: u64 = 86_400;
pub const ALL: [Way; 4] = [Way::Resumed, Way::Acquainted, Way::Met, Way::Visited];
pub const ACQUAINTED: [Way; 2] = [Way::Resumed, Way::Acquainted];

static ALICE: LazyLock<Identity> = LazyLock::new(|| Identity::generate().unwrap());
static BOB: LazyLock<Identity> = LazyLock::new(|| Identity::generate().unwrap());
static CAROL: LazyLock<Identity> = LazyLock::new(|| Identity::generate().unwrap());

/// What a note said, without what borrows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    Resumable(Option<Fingerprint>),
    Bundle(Taken),
    Delivered,
    Failed,
    Directory,
}

/// Somebody with a store.
pub struct Person {
    pub me: &'static Identity,
    pub keeper: Keeper,
    pub clock: Arc<AtomicU64>,
    pub notes: Arc<Mutex<Vec<Noted>>>,
}

impl Person {
    pub fn keeping(me: &'static Identity, store: impl Acquaintances + Send + 'static) -> Self {
        let (clock, notes) = (Arc::new(AtomicU64::new(NOW)), Arc::new(Mutex::new(Vec::new())));
        let (time, told) = (Arc::clone(&clock), Arc::clone(&notes));
        let noted = |note: Note<'_>| match note {
            Note::Resumable { peer, .. } => Noted::Resumable(peer),
            Note::Bundle { taken, .. } => Noted::Bundle(taken),
            Note::Delivered { .. } => Noted::Delivered,
            Note::Failed(error) => {
                println!("{error}");
                Noted::Failed
            }
            Note::Directory(error) => {
                println!("{error}");
                Noted::Directory
            }
            other => panic!("{other:?}"),
        };
        let keeper = Keeper::new(store).unwrap().clock(move || time.load(Ordering::SeqCst));
        let keeper = keeper.observe(move |note| told.lock().unwrap().push(noted(note)));
        Self { me, keeper, clock, notes }
    }

    pub fn alice() -> Self {
        Self::keeping(&ALICE, Book::new())
    }

    pub fn bob() -> Self {
        Self::keeping(&BOB, Book::new())
    }

    pub fn carol() -> Self {
        Self::keeping(&CAROL, Book::new())
    }

    pub fn fingerprint(&self) -> Fingerprint {
        self.me.fingerprint()
    }

    /// To the other one, in these ways.
    pub fn calling(&self, peer: &Self, ways: &[Way]) -> Connect {
        Connect::new(self.me, PROLOGUE).acquaintances(&self.keeper).peer(peer.fingerprint()).ways(ways)
    }

    pub fn listening(&self) -> Accept {
        Accept::new(self.me, PROLOGUE).acquaintances(&self.keeper)
    }

    /// What was noted since the last time.
    pub fn noted(&self) -> Vec<Noted> {
        std::mem::take(&mut self.notes.lock().unwrap())
    }

    pub fn reports(&self) -> Vec<Report> {
        self.keeper.store().reports().unwrap()
    }

    /// The record with which this one would pick up a conversation with the peer.
    pub fn record(&self, peer: &Self) -> Option<Arc<Resumption>> {
        let wanted =
            Wanted { me: Some(self.fingerprint()), peer: Some(peer.fingerprint()), suite: SUITE, prologue: PROLOGUE, psk_tag: None };
        self.keeper.store().resumption_with(&wanted, self.keeper.now()).unwrap()
    }

    pub fn later(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn earlier(&self, seconds: u64) {
        self.clock.fetch_sub(seconds, Ordering::SeqCst);
    }
}

/// The protocol's error, where it is one.
pub fn protocol(error: &Error) -> Option<twinlock::Error> {
    match error {
        Error::Protocol(error) => Some(*error),
        Error::Transport(_) => None,
    }
}

/// What came of a call: what the caller has, and of each connection what the other side has.
pub struct Called {
    pub caller: Result<Stream<Pipe>, Failed>,
    pub answered: Vec<Result<Stream<Pipe>, Error>>,
    /// The first messages as they went out.
    pub hellos: Vec<Vec<u8>>,
}

/// Calls; each connection is accepted, after `between` has had it: its number, the caller's end, the other.
pub fn call_with(
    connect: &Connect,
    accept: &Accept,
    (caller, mut callee): (&mut impl Trust, impl Trust + Clone + Send),
    mut between: impl FnMut(usize, &Pipe, &Pipe),
) -> Called {
    thread::scope(|scope| {
        let (mut accepting, mut controls) = (Vec::new(), Vec::new());
        let dial = || {
            let (a, b) = pipe();
            a.controls().record();
            controls.push(a.controls());
            between(accepting.len(), &a, &b);
            let mut trust = callee.clone();
            accepting.push(scope.spawn(move || accept.accept_from(b, source(), &mut trust)));
            Ok(a)
        };
        let caller = connect.dial(dial, caller);
        let answered = accepting.into_iter().map(|one| one.join().unwrap()).collect();
        let _ = &mut callee;
        let hellos = controls.iter().map(|control| first_frame(&control.recorded())).collect();
        Called { caller, answered, hellos }
    })
}

/// Each connection comes from another address.
fn source() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0x0A00_0000);
    Ipv4Addr::from_bits(NEXT.fetch_add(1, Ordering::SeqCst)).into()
}

fn first_frame(bytes: &[u8]) -> Vec<u8> {
    let length = bytes.first_chunk().map_or(0, |prefix| usize::from(u16::from_be_bytes(*prefix)));
    bytes[..bytes.len().min(length + 2)].to_vec()
}

pub fn call(connect: &Connect, accept: &Accept, alice: &Person, bob: &Person) -> Called {
    call_with(connect, accept, (&mut Pinned(bob.fingerprint()), Pinned(alice.fingerprint())), |_, _, _| ())
}

impl Called {
    /// The patterns of the first messages, as far as they went out.
    pub fn patterns(&self) -> Vec<u8> {
        self.hellos.iter().filter_map(|hello| hello.get(5).copied()).collect()
    }

    /// A conversation at the last connection.
    pub fn pair(self) -> (Stream<Pipe>, Stream<Pipe>) {
        let Self { caller, mut answered, .. } = self;
        (caller.unwrap(), answered.pop().unwrap().unwrap())
    }

    /// They say something, and leave.
    pub fn talk(self) -> Pattern {
        let (mut a, mut b) = self.pair();
        let pattern = a.pattern().unwrap();
        assert_eq!(b.pattern(), Some(pattern));
        exchange(&mut a, &mut b);
        part(a, b);
        pattern
    }
}

/// A question and its answer.
pub fn exchange(a: &mut Stream<Pipe>, b: &mut Stream<Pipe>) {
    a.send(b"how are you").unwrap();
    assert_eq!(b.recv().unwrap().unwrap(), b"how are you");
    b.send(b"fine").unwrap();
    assert_eq!(a.recv().unwrap().unwrap(), b"fine");
}

/// Both close properly.
pub fn part(mut a: Stream<Pipe>, mut b: Stream<Pipe>) {
    a.finish().unwrap();
    assert!(b.recv().unwrap().is_none());
    b.finish().unwrap();
    a.close().unwrap();
    b.close().unwrap();
}

/// Two that have met, and delivered their bundles to each other.
pub fn acquainted() -> (Person, Person) {
    let (alice, bob) = (Person::alice(), Person::bob());
    meet(&alice, &bob);
    (alice, bob)
}

pub fn meet(alice: &Person, bob: &Person) {
    assert_eq!(call(&alice.calling(bob, &ALL), &bob.listening(), alice, bob).talk(), Pattern::Xx);
    for person in [alice, bob] {
        let noted = person.noted();
        assert!(noted.contains(&Noted::Delivered) && noted.contains(&Noted::Bundle(Taken::First)), "{noted:?}");
    }
}
