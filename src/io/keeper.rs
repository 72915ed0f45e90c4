//! What is kept of acquaintances, shared by all conversations of a program.
//!
//! ```text
//!               ┌ a store: Book or Folder, behind a lock
//! Keeper ───────┼ a clock
//! (cheap to     ├ a directory, where there is one
//!  clone)       ├ decoys, made once
//!               └ who waits for a Confirm, by reference and source
//! ```
//!
//! The lock is held for a look or a change, never while a peer or a directory is awaited or a key is used.

use super::gate::network;
use crate::acquaintances::{Acquaintances, AddressBook, AddressBookError, Directory, DirectoryError, Taken};
use crate::channel::{Resumption, Role};
use crate::crypto::suite::Suite;
use crate::error::Error;
use crate::handshake::Decoys;
use crate::identity::{Bundle, Fingerprint, StaticKey};
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A store of acquaintances, a clock, and what a responder needs besides, for all conversations of a program. Cheap to clone; clones are the same.
///
/// Make one when the program starts, and give it to [`Connect::acquaintances`](super::Connect::acquaintances) and [`Accept::acquaintances`](super::Accept::acquaintances).
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::net::{TcpListener, TcpStream};
/// use twinlock::acquaintances::{Book, Way};
/// use twinlock::handshake::Pattern;
/// use twinlock::io::{Accept, Connect, Keeper};
/// use twinlock::{Identity, Pinned};
/// # let (alice, bob) = (Identity::generate()?, Identity::generate()?);
/// # let (a, b) = (alice.fingerprint(), bob.fingerprint());
/// # let listener = TcpListener::bind("127.0.0.1:0")?;
/// # let address = listener.local_addr()?;
///
/// # let bob = std::thread::spawn(move || -> Result<(), twinlock::io::Error> {
/// let keeper = Keeper::new(Book::new())?; // or Folder::open("acquaintances")?
/// let accept = Accept::new(&bob, b"example/1").acquaintances(&keeper);
/// # for _ in 0..2 {
/// let mut stream = accept.accept(listener.accept()?.0, &mut Pinned(a))?;
/// let asked = stream.recv()?;
/// # stream.send(&asked.unwrap_or_default())?;
/// # while stream.recv()?.is_some() {}
/// # stream.close()?;
/// # }
/// # Ok(()) });
///
/// let keeper = Keeper::new(Book::new())?;
/// let connect = Connect::new(&alice, b"example/1").acquaintances(&keeper).peer(b);
/// // They meet as strangers once, which is said.
/// let met = connect.dial(|| TcpStream::connect(address), &mut Pinned(b));
/// assert!(met.is_err());
/// let connect = connect.ways(&[Way::Resumed, Way::Acquainted, Way::Met]);
/// # drop(met);
/// # let talk = |pattern| -> Result<(), Box<dyn std::error::Error>> {
/// let mut stream = connect.dial(|| TcpStream::connect(address), &mut Pinned(b))?;
/// stream.send(b"hello")?;
/// assert_eq!(stream.recv()?.as_deref(), Some(b"hello".as_slice()));
/// # assert_eq!(stream.pattern(), Some(pattern));
/// stream.close()?;
/// # Ok(()) };
/// # talk(Pattern::Xx)?;
/// // And then they are acquaintances.
/// # talk(Pattern::Resume)?;
/// # bob.join().map_err(|_| "the other side")??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Keeper {
    store: Arc<Mutex<dyn Acquaintances + Send>>,
    clock: Arc<dyn Fn() -> u64 + Send + Sync>,
    decoys: Arc<Decoys>,
    waiting: Arc<Mutex<BTreeSet<Waiting>>>,
    pub(super) directory: Option<Arc<dyn Directory + Send + Sync>>,
    observer: Option<Arc<Told>>,
}

type Told = dyn Fn(Note<'_>) + Send + Sync;

/// A reference as it was sent, and where from.
type Waiting = ([u8; 32], Option<IpAddr>);

/// What became of something that was to be kept: for a log, or for a person. The conversation goes on whatever it is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Note<'a> {
    /// A record with which the conversation can be picked up is kept.
    Resumable {
        /// With whom, if they have an identity.
        peer: Option<Fingerprint>,
        /// Who this side was.
        role: Role,
    },
    /// A peer sent its bundle, or the directory had it.
    Bundle {
        /// Whose it is.
        of: Fingerprint,
        /// What became of it.
        taken: Taken,
    },
    /// A peer has this side's newest bundle.
    Delivered {
        /// Who.
        to: Fingerprint,
    },
    /// The store could not be read or written, or its clock is behind: it was gone on as if nothing were kept.
    Failed(&'a AddressBookError),
    /// The directory could not be asked, or gave what was not asked for: it was gone on as if it had nothing.
    Directory(&'a DirectoryError),
}

/// A place among those that wait for a `Confirm`, given back when dropped.
pub(super) struct Place {
    waiting: Arc<Mutex<BTreeSet<Waiting>>>,
    which: Waiting,
}

impl Keeper {
    /// With this store and the system's clock. It draws the decoys.
    pub fn new(store: impl Acquaintances + Send + 'static) -> Result<Self, Error> {
        Self::sharing(Arc::new(Mutex::new(store)))
    }

    /// With a store that others use too.
    pub fn sharing<S: Acquaintances + Send + 'static>(store: Arc<Mutex<S>>) -> Result<Self, Error> {
        let decoys = Arc::new(Decoys::generate()?);
        Ok(Self { store, clock: Arc::new(system_time), decoys, waiting: Arc::default(), directory: None, observer: None })
    }

    /// Tells the time by this clock, in seconds since 1970.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Has `observer` told what becomes of what is to be kept, from whichever thread.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(Note<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The store, to ask it for reports, say. While the result lives, conversations that want something of it wait.
    pub fn store(&self) -> MutexGuard<'_, dyn Acquaintances + Send + 'static> {
        // A store changes whole or not at all, also where a thread panics.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the clock says.
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    pub(super) const fn decoys(&self) -> &Arc<Decoys> {
        &self.decoys
    }

    pub(super) fn tell(&self, note: Note<'_>) {
        if let Some(observer) = &self.observer {
            observer(note);
        }
    }

    /// Looks or changes, at the time of now.
    pub(super) fn ask<T>(
        &self,
        what: impl FnOnce(&mut (dyn Acquaintances + Send), u64) -> Result<T, AddressBookError>,
    ) -> Result<T, Error> {
        let now = self.now();
        let result = what(&mut *self.store(), now);
        result.map_err(|error| {
            self.tell(Note::Failed(&error));
            error.into()
        })
    }

    /// A place for a half-open `IK`: one for each reference as it was sent, whether it is known or not, and source. Nobody's source is one.
    pub(super) fn wait(&self, reference: [u8; 32], source: Option<IpAddr>) -> Option<Place> {
        let which = (reference, source.map(network));
        let entered = lock(&self.waiting).insert(which);
        entered.then(|| Place { waiting: Arc::clone(&self.waiting), which })
    }
}

/// Locks for each step by itself, so that nobody waits while a key is used.
impl AddressBook for Keeper {
    fn static_keys(&self, suite: Suite, now: u64) -> Result<Vec<Arc<StaticKey>>, Error> {
        self.store().static_keys(suite, now)
    }

    fn acquaintance(&self, suite: Suite, reference: &[u8; 32], now: u64) -> Result<Option<Arc<Bundle>>, Error> {
        self.store().acquaintance(suite, reference, now)
    }

    fn resumption(&self, role: Role, id: &[u8; 16], now: u64) -> Result<Option<Arc<Resumption>>, Error> {
        self.store().resumption(role, id, now)
    }

    fn remove(&mut self, role: Role, id: &[u8; 16], now: u64) -> Result<bool, Error> {
        self.store().remove(role, id, now)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.waiting).remove(&self.which);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is one step, so a thread that panicked left nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds since 1970.
fn system_time() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Shows nobody.
impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeper(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acquaintances::Book;

    /// Where it came from counts, as long as it waits.
    #[test]
    fn one_reference_takes_two_places() {
        let Ok(keeper) = Keeper::new(Book::new()) else { unreachable!("randomness failed") };
        let [here, there] = [1, 2].map(|last| Some(IpAddr::from([192, 0, 2, last])));
        let first = keeper.wait([1; 32], here);
        assert!(first.is_some() && keeper.wait([1; 32], here).is_none() && keeper.clone().wait([1; 32], here).is_none());
        let others = [keeper.wait([2; 32], here), keeper.wait([1; 32], there), keeper.wait([1; 32], None)];
        assert!(others.iter().all(Option::is_some) && keeper.wait([1; 32], None).is_none());
        drop(first);
        assert!(keeper.wait([1; 32], here).is_some());
        drop(others);
        assert!(lock(&keeper.waiting).is_empty());
    }
}
