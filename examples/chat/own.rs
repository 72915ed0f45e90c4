//! The own identities: which there are, and opening them with no more questions than needed.

use crate::failure::{Exit, Failure};
use crate::home::{Home, ask_secret};
use crate::suites::{identity_file, is_round3, list, option, titled_kind};
use std::io;
use std::path::{Path, PathBuf};
use twinlock::identity::SignatureAlgorithm;
use twinlock::keyfile::{self, KeyFileError};
use twinlock::{Identity, Suite};
use zeroize::Zeroizing;

/// The own identities: those of `--identity`, which are opened to see what they are, or else the home's, which their files' names tell.
///
/// A passphrase that was typed for one is tried on the next.
pub(crate) struct Own<'a> {
    home: &'a Home,
    given: Option<Vec<Opened>>,
    typed: Option<Zeroizing<String>>,
}

/// An identity from a file.
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    pub(crate) identity: Identity,
    pub(crate) passphrase: Option<Zeroizing<String>>,
}

impl<'a> Own<'a> {
    pub(crate) const fn new(home: &'a Home) -> Self {
        Self { home, given: None, typed: None }
    }

    /// The kinds of which there is one, the default kind first.
    pub(crate) fn kinds(&mut self) -> Result<Vec<SignatureAlgorithm>, Failure> {
        if self.home.given_identities().is_empty() {
            return Ok(self.home.kinds());
        }
        let given = self.given()?;
        Ok(SignatureAlgorithm::ALL.iter().copied().filter(|kind| given.iter().any(|opened| opened.is(*kind))).collect())
    }

    /// Those that are spoken with where no suite is named: all but round 3's.
    pub(crate) fn kinds_to_speak_with(&mut self) -> Result<Vec<SignatureAlgorithm>, Failure> {
        let kinds = self.kinds()?;
        match kinds.as_slice() {
            [] => Err(self.missing(SignatureAlgorithm::MlDsa65Ed25519)),
            [only] if is_round3(*only) => Err(Failure::new(
                Exit::CommandLine,
                "the only identity is of round 3, which is spoken only where it is named: --suite round3. Better: make one of level3 with \
                 `chat keygen`",
            )),
            kinds => Ok(kinds.iter().copied().filter(|kind| !is_round3(*kind)).collect()),
        }
    }

    /// The one of this kind.
    pub(crate) fn open(&mut self, kind: SignatureAlgorithm) -> Result<Opened, Failure> {
        if self.home.given_identities().is_empty() {
            return self.open_in_home(kind);
        }
        let given = self.given()?;
        if let Some(at) = given.iter().position(|opened| opened.is(kind)) {
            return Ok(given.swap_remove(at));
        }
        let there = list(given.iter().map(|opened| format!("{} is of {}", opened.path.display(), titled_kind(opened.kind()))));
        let text =
            format!("an identity of {} is needed here, and {there}; name another suite, or give another --identity", titled_kind(kind));
        Err(Failure::new(Exit::CommandLine, text))
    }

    /// Every one that is there.
    pub(crate) fn open_all(&mut self) -> Result<Vec<Opened>, Failure> {
        self.kinds()?.into_iter().map(|kind| self.open(kind)).collect()
    }

    /// Those with which a listener answers: all but round 3's, or those for the suites that were named.
    pub(crate) fn open_to_answer(&mut self, named: &[Suite]) -> Result<Vec<Identity>, Failure> {
        let mut kinds = match named {
            [] => self.kinds_to_speak_with()?,
            named => named.iter().map(|suite| suite.signature()).collect(),
        };
        kinds.sort_by_key(|kind| kind.id());
        kinds.dedup();
        kinds.into_iter().map(|kind| self.open(kind).map(|opened| opened.identity)).collect()
    }

    pub(crate) fn open_file(&mut self, path: &Path) -> Result<Opened, Failure> {
        let opened = |identity, passphrase| Opened { path: path.to_path_buf(), identity, passphrase };
        match keyfile::load(path, None) {
            Ok(identity) => return Ok(opened(identity, None)),
            Err(KeyFileError::PassphraseNeeded) => {}
            Err(KeyFileError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::new(Exit::File, format!("there is no identity in {}; make one with `chat keygen`", path.display())));
            }
            Err(error) => return Err(Failure::key_file(path, &error)),
        }
        let wrong = |error| Failure::key_file(path, &error);
        if let Some(passphrase) = self.home.given_passphrase()? {
            return Ok(opened(keyfile::load(path, Some(&passphrase)).map_err(wrong)?, Some(passphrase)));
        }
        if let Some(typed) = &self.typed
            && let Ok(identity) = keyfile::load(path, Some(typed))
        {
            return Ok(opened(identity, Some(typed.clone())));
        }
        let passphrase = ask_secret(&format!("Passphrase of {}: ", path.display()))?;
        let identity = keyfile::load(path, Some(&passphrase)).map_err(wrong)?;
        self.typed = Some(passphrase.clone());
        Ok(opened(identity, Some(passphrase)))
    }

    fn open_in_home(&mut self, kind: SignatureAlgorithm) -> Result<Opened, Failure> {
        let path = self.home.identity_file(kind);
        if !path.exists() {
            return Err(self.missing(kind));
        }
        let opened = self.open_file(&path)?;
        if opened.is(kind) {
            return Ok(opened);
        }
        let (found, needed, right) = (titled_kind(opened.kind()), titled_kind(kind), identity_file(opened.kind()));
        let text = format!("{} holds an identity of {found}, where one of {needed} belongs; rename the file to {right}", path.display());
        Err(Failure::new(Exit::File, text))
    }

    /// Those of `--identity`, one of a kind.
    fn given(&mut self) -> Result<&mut Vec<Opened>, Failure> {
        if self.given.is_none() {
            let mut given: Vec<Opened> = Vec::new();
            for path in self.home.given_identities() {
                let opened = self.open_file(path)?;
                if let Some(other) = given.iter().find(|other| other.is(opened.kind())) {
                    let (one, other, kind) = (opened.path.display(), other.path.display(), titled_kind(opened.kind()));
                    return Err(Failure::new(Exit::CommandLine, format!("{other} and {one} are both of {kind}; give one of each kind")));
                }
                given.push(opened);
            }
            self.given = Some(given);
        }
        Ok(self.given.get_or_insert_default())
    }

    fn missing(&self, kind: SignatureAlgorithm) -> Failure {
        let path = self.home.identity_file(kind);
        let (kind, option) = (titled_kind(kind), option(kind));
        Failure::new(Exit::File, format!("there is no identity of {kind} in {}; make one with `chat keygen{option}`", path.display()))
    }
}

impl Opened {
    pub(crate) fn kind(&self) -> SignatureAlgorithm {
        self.identity.public().algorithm()
    }

    fn is(&self, kind: SignatureAlgorithm) -> bool {
        self.kind() == kind
    }
}
