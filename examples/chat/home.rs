//! Where things are: the identities, the known peers, received files. And how to get at passphrases and the shared key.

use crate::cli::{Meeting, Own};
use crate::failure::{Exit, Failure};
use crate::suites::identity_file;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use twinlock::handshake::Psk;
use twinlock::identity::SignatureAlgorithm;
use twinlock::keyfile::KeyFileError;
use twinlock::trust::{KnownPeers, KnownPeersError};
use zeroize::Zeroizing;

const PASSPHRASE: &str = "TWINLOCK_CHAT_PASSPHRASE";

#[derive(Clone, Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    identities: Vec<PathBuf>,
    passphrase_file: Option<PathBuf>,
}

impl Home {
    pub(crate) fn new(own: &Own) -> Result<Self, Failure> {
        let folder = own
            .home
            .clone()
            .or_else(default_folder)
            .ok_or_else(|| Failure::new(Exit::File, "there is no home folder to keep the identity in; say where with --home DIR"))?;
        Ok(Self { folder, identities: own.identities.clone(), passphrase_file: own.passphrase_file.clone() })
    }

    /// The identities' files that were given, which take the place of those here.
    pub(crate) fn given_identities(&self) -> &[PathBuf] {
        &self.identities
    }

    /// Where the identity of this kind is.
    pub(crate) fn identity_file(&self, kind: SignatureAlgorithm) -> PathBuf {
        self.folder.join(identity_file(kind))
    }

    /// The kinds of which there is an identity here, by the files' names; the default kind first.
    pub(crate) fn kinds(&self) -> Vec<SignatureAlgorithm> {
        SignatureAlgorithm::ALL.iter().copied().filter(|kind| self.identity_file(*kind).exists()).collect()
    }

    pub(crate) fn known_peers(&self) -> Result<KnownPeers, KnownPeersError> {
        KnownPeers::open(self.folder.join("known_peers"))
    }

    /// What is kept of acquaintances: a folder of the library's.
    pub(crate) fn acquaintances(&self) -> PathBuf {
        self.folder.join("acquaintances")
    }

    /// Where it is remembered who was told of which own key.
    pub(crate) fn told_file(&self) -> PathBuf {
        self.folder.join("told")
    }

    /// The folder for received files. It is made when the first one comes.
    pub(crate) fn files(&self, meeting: &Meeting) -> PathBuf {
        meeting.files.clone().unwrap_or_else(|| self.folder.join("files"))
    }

    /// Makes the folder, for its owner alone, if it is not there.
    pub(crate) fn make(&self) -> Result<(), Failure> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&self.folder).map_err(|error| Failure::file(&self.folder, &error))
    }

    /// The passphrase for a new identity file: given, or typed twice.
    pub(crate) fn choose_passphrase(&self) -> Result<Zeroizing<String>, Failure> {
        match self.given_passphrase()? {
            Some(passphrase) => Ok(passphrase),
            None => ask_new_secret(),
        }
    }

    /// From the file or the variable.
    pub(crate) fn given_passphrase(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        match &self.passphrase_file {
            Some(path) => first_line(path).map(Some),
            None => Ok(std::env::var(PASSPHRASE).ok().map(Zeroizing::new)),
        }
    }
}

/// The first line of a file with a secret.
pub(crate) fn first_line(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// A new passphrase, typed twice.
pub(crate) fn ask_new_secret() -> Result<Zeroizing<String>, Failure> {
    let first = ask_secret("New passphrase: ")?;
    if first.is_empty() {
        return Err(KeyFileError::EmptyPassphrase.into());
    }
    let second = ask_secret("The same again: ")?;
    if *first == *second { Ok(first) } else { Err(Failure::new(Exit::Passphrase, "the two differ; nothing was changed. Try again")) }
}

/// A shared key, from a file of 64 hexadecimal digits.
pub(crate) fn load_psk(path: &Path) -> Result<Psk, Failure> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?);
    let wrong = || {
        let hint = "a shared key is 64 hexadecimal digits, made with: openssl rand -hex 32";
        Failure::new(Exit::File, format!("{}: {hint}", path.display()))
    };
    let digits = text.trim();
    let mut key = Zeroizing::new([0; 32]);
    if digits.len() != 64 {
        return Err(wrong());
    }
    for (byte, at) in key.iter_mut().zip((0_usize..).step_by(2)) {
        let pair = digits.get(at..at.saturating_add(2)).filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()));
        *byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(wrong)?;
    }
    Ok(Psk::take(&mut key))
}

pub(crate) fn ask_secret(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if !io::stdin().is_terminal() {
        let hint = format!("a passphrase is needed, and there is no terminal to ask for it: give --passphrase-file or set {PASSPHRASE}");
        return Err(Failure::new(Exit::Passphrase, hint));
    }
    let typed = rpassword::prompt_password(prompt);
    typed.map(Zeroizing::new).map_err(|error| Failure::new(Exit::Passphrase, format!("the passphrase could not be read: {error}")))
}

fn default_folder() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let data = data.or_else(|| std::env::home_dir().map(|home| home.join(".local").join("share")))?;
    Some(data.join("twinlock-chat"))
}
