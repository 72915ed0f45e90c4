//! Bundles of peers from a directory (docs/protocol.md, section 4.6, "From a directory").

use super::keeper::{Keeper, Note};
use crate::acquaintances::{self, Directory, DirectoryError, Taken};
use crate::handshake::Suite;
use crate::identity::Fingerprint;
use std::sync::Arc;

impl Keeper {
    /// Fetches bundles from this directory, which is not trusted: see [`Directory`].
    ///
    /// [`Connect`](super::Connect) asks it for the bundle of the peer that is expected, where no valid one is kept, `IK` is allowed, and an own bundle was delivered to that peer. [`Accept`](super::Accept)
    /// asks nobody. A directory that fails counts as one that has nothing, and [`Keeper::observe`] is told.
    ///
    /// Two who never met, and know nothing of each other but the fingerprint, so open in `IK` at once: no signature is made for the conversation.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::net::{TcpListener, TcpStream};
    /// use twinlock::acquaintances::{Book, BundleFolder};
    /// use twinlock::handshake::Pattern;
    /// use twinlock::io::{Accept, Connect, Keeper};
    /// use twinlock::{Fingerprint, Identity, Pinned, Suite};
    /// # let place = tempfile::tempdir()?;
    /// # let path = place.path();
    /// # let (alice, bob) = (Identity::generate()?, Identity::generate()?);
    /// # let (a, b) = (alice.fingerprint(), bob.fingerprint());
    ///
    /// // Each publishes its own bundle, for a peer that reads there. Do so when the program starts, and every few days.
    /// let publish = |me: &Identity, reader: Fingerprint| -> Result<Keeper, Box<dyn std::error::Error>> {
    ///     let directory = BundleFolder::open(path)?;
    ///     let keeper = Keeper::new(Book::new())?.directory(directory.clone()); // or Folder::open("acquaintances")?
    ///     let newest = keeper.store().renew(me, Suite::default(), keeper.now())?;
    ///     directory.publish(newest.bundle())?;
    ///     keeper.store().set_delivered(reader, newest.bundle(), keeper.now())?;
    ///     Ok(keeper)
    /// };
    /// let (alices, bobs) = (publish(&alice, b)?, publish(&bob, a)?);
    ///
    /// // Who answers fetches ahead: it must hold the bundle when the first message comes.
    /// assert!(bobs.fetch(a, Suite::default())?.is_some());
    /// # let listener = TcpListener::bind("127.0.0.1:0")?;
    /// # let address = listener.local_addr()?;
    /// # let bob = std::thread::spawn(move || -> Result<(), twinlock::io::Error> {
    /// # let mut stream = Accept::new(&bob, b"example/1").acquaintances(&bobs).accept(listener.accept()?.0, &mut Pinned(a))?;
    /// # while stream.recv()?.is_some() {}
    /// # stream.close()?;
    /// # Ok(()) });
    ///
    /// // Who opens need not.
    /// let connect = Connect::new(&alice, b"example/1").acquaintances(&alices).peer(b);
    /// let mut stream = connect.dial(|| TcpStream::connect(address), &mut Pinned(b))?;
    /// assert_eq!(stream.pattern(), Some(Pattern::Ik));
    /// # stream.send(b"hello")?;
    /// # stream.finish()?;
    /// # stream.close()?;
    /// # bob.join().map_err(|_| "the other side")??;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn directory(mut self, directory: impl Directory + Send + Sync + 'static) -> Self {
        self.directory = Some(Arc::new(directory));
        self
    }

    /// Fetches the peer's bundle in this suite from the directory, and keeps it by the rules of section 4.6. None where the directory has none, or there is no directory.
    ///
    /// For who answers, and for who wants a newer one than the valid one that is kept. Nobody waits for the store while the directory is asked. What comes of it is told to [`Keeper::observe`] too.
    /// [`DirectoryError::WrongBundle`] where another one came than was asked for, [`DirectoryError::NotKept`] where the store failed or its clock is behind; the rest are the directory's own.
    pub fn fetch(&self, peer: Fingerprint, suite: Suite) -> Result<Option<Taken>, DirectoryError> {
        let Some(directory) = &self.directory else { return Ok(None) };
        let found = acquaintances::ask(&**directory, peer, suite).inspect_err(|error| self.tell(Note::Directory(error)))?;
        let Some(bundle) = found else { return Ok(None) };
        let taken = self.ask(|store, now| store.take_bundle(bundle, now)).map_err(DirectoryError::NotKept)?;
        self.tell(Note::Bundle { of: peer, taken });
        Ok(Some(taken))
    }

    pub(super) const fn has_directory(&self) -> bool {
        self.directory.is_some()
    }
}
