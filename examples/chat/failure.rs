//! What ends the program otherwise than well: what happened, what to do, and the exit code.

use crate::suites::{list, titled, titled_id};
use std::fmt;
use std::path::Path;
use std::process::ExitCode;
use twinlock::io;
use twinlock::keyfile::KeyFileError;
use twinlock::trust::KnownPeersError;
use twinlock::{Error, Refusal, Suite};

/// For `--help`; the same table stands in docs/chat.md.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
   0  all went well
   1  something else failed; the message says what
   2  the command line is wrong: also a suite that is not in this build, or an identity for another suite
   3  nobody there: the connection was refused, the address is unreachable, or nobody answered in time
   4  refused: by the other side, or because it is not who was expected
   5  the key of a known peer has changed
   6  the passphrase is wrong or missing
   7  the other side does not speak Twinlock, or another version or kind of it
   8  the connection was cut, and the conversation could not be taken up again
   9  a file failed: the identity, the known peers, what is kept of acquaintances, the shared key, the folder for files
  10  what arrived was forged or changed on its way";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Other,
    CommandLine,
    NobodyThere,
    Refused,
    ChangedKey,
    Passphrase,
    NotTwinlock,
    Cut,
    File,
    Forged,
}

#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    text: String,
}

impl Exit {
    const fn number(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::CommandLine => 2,
            Self::NobodyThere => 3,
            Self::Refused => 4,
            Self::ChangedKey => 5,
            Self::Passphrase => 6,
            Self::NotTwinlock => 7,
            Self::Cut => 8,
            Self::File => 9,
            Self::Forged => 10,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }

    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::new(Exit::File, format!("{}: {error}", path.display()))
    }

    /// A key file was not read; its error is told with its name.
    pub(crate) fn key_file(path: &Path, error: &KeyFileError) -> Self {
        let named = matches!(error, KeyFileError::Io { .. } | KeyFileError::Exists { .. } | KeyFileError::PermissionsTooOpen { .. });
        let text = if named { error.to_string() } else { format!("{}: {error}", path.display()) };
        Self::new(exit_of(error), text)
    }

    /// A handshake that we began in this suite failed, other than by our own judgement of who answered ([`crate::judge::Judge::failure`]).
    pub(crate) fn call(error: &io::Error, suite: Suite) -> Self {
        let error = match error {
            io::Error::Transport(error) => {
                return Self::new(Exit::NobodyThere, format!("the connection failed before the other side had proved who it is: {error}"));
            }
            io::Error::Protocol(error) => *error,
        };
        let (exit, hint) = match error {
            Error::Truncated => {
                let text = "the other side hung up during the handshake. Perhaps it is no Twinlock chat, or needs a shared key \
                            (--psk-file, the same at both ends)";
                return Self::new(Exit::NotTwinlock, text);
            }
            Error::TimedOut => (Exit::NobodyThere, "Somebody is there, but did not answer in time. Is it a Twinlock chat?"),
            Error::Malformed => (Exit::NotTwinlock, "Is there a Twinlock chat at this address?"),
            Error::RefusedByPeer(Refusal::Version) => (Exit::NotTwinlock, "Use the same version at both ends."),
            Error::RefusedByPeer(Refusal::Pattern) => (Exit::NotTwinlock, "Give --psk-file at both ends, or at neither."),
            Error::RefusedByPeer(Refusal::Suite) => {
                let asked = titled(suite);
                let text = format!(
                    "the other side refused the suite {asked}: it does not allow it, or has no identity for it. Nothing else was tried, since \
                     the refusal may be anybody's. Ask its owner which suites are answered there, and name one: --suite"
                );
                return Self::new(Exit::NotTwinlock, text);
            }
            Error::RefusedByPeer(Refusal::Busy) => (Exit::Refused, ""),
            Error::RefusedByPeer(_) => (Exit::Refused, "Ask its owner whether your fingerprint is known there (`chat id`)."),
            Error::Authentication => (Exit::Forged, "Somebody on the way tampers with it."),
            Error::ClockBehind => {
                (Exit::Other, "To say so: chat acquaintances clock-is-right. To meet as strangers meanwhile: --as-strangers")
            }
            Error::Store => (Exit::File, "To meet as strangers meanwhile: --as-strangers"),
            _ => (Exit::Other, ""),
        };
        Self::new(exit, format!("{error}. {hint}"))
    }

    /// A visitor's handshake failed, other than by our own judgement. It is told to a person; the listener goes on.
    pub(crate) fn visit(error: &io::Error) -> Self {
        let text = match error {
            io::Error::Protocol(Error::Truncated) => {
                "it hung up during the handshake; perhaps it declined your key, or expected another".to_owned()
            }
            io::Error::Protocol(Error::RefusedByUs(Refusal::Pattern)) => {
                "it asked for a handshake of another kind. Give --psk-file at both ends, or at neither. Or it is an acquaintance, and --peer \
                 meets everybody as strangers"
                    .to_owned()
            }
            io::Error::Protocol(Error::RefusedByUs(Refusal::Version)) => "it speaks another version; use the same at both ends".to_owned(),
            io::Error::Protocol(Error::RefusedByUs(Refusal::Busy)) => "too many visitors at once".to_owned(),
            io::Error::Protocol(Error::SuiteNotAllowed { asked, allowed }) => {
                let asked = titled_id(*asked);
                let allowed = list(allowed.iter().map(titled_id));
                format!(
                    "it asked for the suite {asked}, and answered here are: {allowed}. One is answered where --suite allows it and there is an identity for it: chat keygen --suite"
                )
            }
            io::Error::Protocol(Error::Malformed) => "it does not speak Twinlock".to_owned(),
            io::Error::Protocol(Error::Authentication) => {
                "its handshake is forged, or its shared key (--psk-file) is another one".to_owned()
            }
            error => error.to_string(),
        };
        Self::new(Exit::Other, text)
    }

    /// A conversation ended otherwise than by its close.
    pub(crate) fn conversation(error: &io::Error) -> Self {
        match error {
            io::Error::Transport(error) => Self::new(
                Exit::Cut,
                format!("the connection was lost: {error}. Something may be missing on either side; connect again and compare"),
            ),
            io::Error::Protocol(Error::Truncated) => Self::new(
                Exit::Cut,
                "the connection was cut without a proper end: the other side crashed, the network failed, or somebody cut it. \
                 Something may be missing on either side; connect again and compare",
            ),
            io::Error::Protocol(Error::RefusedByPeer(_)) => Self::new(
                Exit::Refused,
                "the other side refused you: it does not know the key that you use in this suite, or spoke with you in a stronger suite before, \
                 or its owner said no. Ask its owner to accept your fingerprint (`chat id` here, `chat peers accept` there); or, if you are known \
                 there by another key, to take a statement of that one (`chat statement` here, `chat peers take` there)",
            ),
            io::Error::Protocol(Error::Authentication | Error::Malformed) => Self::new(
                Exit::Forged,
                "what arrived is not what the other side sent: somebody on the way changed it, or made it up. It was not shown, \
                 and the conversation ended. What was shown before it is genuine",
            ),
            io::Error::Protocol(error) => Self::new(Exit::Other, error.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text.trim_end())
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        Self::new(exit_of(&error), error.to_string())
    }
}

const fn exit_of(error: &KeyFileError) -> Exit {
    match error {
        KeyFileError::PassphraseNeeded | KeyFileError::WrongPassphrase | KeyFileError::EmptyPassphrase => Exit::Passphrase,
        _ => Exit::File,
    }
}

impl From<KnownPeersError> for Failure {
    fn from(error: KnownPeersError) -> Self {
        let exit = match error {
            KnownPeersError::Io { .. } | KnownPeersError::Malformed { .. } => Exit::File,
            _ => Exit::Other,
        };
        Self::new(exit, error.to_string())
    }
}
