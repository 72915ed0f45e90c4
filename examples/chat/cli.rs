//! The command line.

use crate::failure::EXIT_CODES;
use crate::suites;
use clap::{Args, Parser, Subcommand};
use std::path::{Path, PathBuf};
use twinlock::{Fingerprint, Suite};

/// Where `listen` listens, and where `connect` looks if the address has no port.
pub(crate) const PORT: u16 = 7117;

/// Talk with one other person, behind two locks: one classical and one post-quantum.
///
/// Both sides make an identity once (`chat keygen`). One listens (`chat listen`), the other connects (`chat connect ADDRESS`). At the first
/// meeting a person looks at the fingerprint; later the key must be the same. `chat demo` shows it all in one window.
#[derive(Debug, Parser)]
#[command(name = "chat", after_long_help = EXIT_CODES, after_help = "`--help` says more, and explains the exit codes.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) own: Own,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Whose chat it is.
#[derive(Args, Debug)]
pub(crate) struct Own {
    /// Folder with the identity, the known peers, what is kept of acquaintances, and received files [default: $XDG_DATA_HOME/twinlock-chat, or ~/.local/share/twinlock-chat]
    #[arg(long, global = true, value_name = "DIR", env = "TWINLOCK_CHAT_HOME")]
    pub(crate) home: Option<PathBuf>,
    /// File with the identity, whose algorithm decides the suite; several allowed, one of a kind [default: identity.pem, identity-level5.pem and
    /// identity-round3.pem in the home folder, as far as they are there]
    #[arg(long = "identity", global = true, value_name = "FILE")]
    pub(crate) identities: Vec<PathBuf>,
    /// Read the identities' passphrase from this file's first line; the variable TWINLOCK_CHAT_PASSPHRASE does the same. Else a person is asked
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an identity. One for each suite can stand beside another
    Keygen {
        /// For which suite: level3 and level3-aes need the same, level5 and round3 each its own
        #[arg(long, value_parser = suites::parse, default_value = "level3")]
        suite: Suite,
        /// Store it without a passphrase: whoever can read the file can be you
        #[arg(long)]
        no_passphrase: bool,
    },
    /// Show the fingerprint, which others need to know you; change the passphrase; export and restore
    Id {
        #[command(subcommand)]
        command: Option<IdCommand>,
        /// The identity for this suite [default: to show, every one that there is; else level3]
        #[arg(long, value_parser = suites::parse, global = true)]
        suite: Option<Suite>,
        /// Draw the QR code also where the output is no terminal
        #[arg(long)]
        qr: bool,
    },
    /// Wait for somebody, and talk. Several may ask; one at a time is talked with
    Listen {
        /// Address and port to listen on; 0.0.0.0:7117 lets other computers in, port 0 takes a free one
        #[arg(default_value = "127.0.0.1:7117", value_name = "ADDRESS")]
        address: String,
        /// End after the first conversation. Implied where the input is no terminal
        #[arg(long)]
        once: bool,
        /// Answer in this suite; several allowed [default: in every one for which there is an identity, but for round3]
        #[arg(long = "suite", value_name = "SUITE", value_parser = suites::parse)]
        suites: Vec<Suite>,
        #[command(flatten)]
        meeting: Meeting,
    },
    /// Call somebody who listens, and talk
    Connect {
        /// Host or address, and port if it is not 7117
        address: String,
        /// Speak in this suite: level3, level3-aes, level5, round3, or its number [default: the highest in which the peer is known and knows you; for
        /// a new peer that of the identity that there is, level3 first]
        #[arg(long, value_parser = suites::parse)]
        suite: Option<Suite>,
        /// Where an acquaintance who is not verified cannot be talked with by what is kept, meet as strangers do
        #[arg(long)]
        as_strangers: bool,
        #[command(flatten)]
        meeting: Meeting,
    },
    /// List the peers that are known, and change what is known about them
    Peers {
        #[command(subcommand)]
        command: Option<PeersCommand>,
    },
    /// List of whom something is kept, so that the next conversation costs less: suite, last time, and how that one began
    Acquaintances {
        #[command(subcommand)]
        command: Option<AcquaintancesCommand>,
    },
    /// Say something about your own keys, for those who know you: this one stands beside that one, or for it, or is revoked
    Statement {
        #[command(subcommand)]
        command: StatementCommand,
    },
    /// See it all in one window: a meeting, talk, a file, fresh keys, what happens to four kinds of attack, and a conversation that comes back
    Demo {
        /// In this suite, or `all` one after the other [default: level3]
        #[arg(long, value_parser = demo_suites)]
        suite: Option<Suites>,
    },
}

/// One suite, or all of this build.
#[derive(Clone, Debug)]
pub(crate) struct Suites(pub(crate) Vec<Suite>);

fn demo_suites(text: &str) -> Result<Suites, String> {
    if text == "all" { Ok(Suites(Suite::ALL.to_vec())) } else { suites::parse(text).map(|suite| Suites(vec![suite])) }
}

/// How to meet.
#[derive(Args, Debug)]
pub(crate) struct Meeting {
    /// Accept exactly the peer with this fingerprint, asking nobody; `listen` takes several
    #[arg(long = "peer", value_name = "tl1…")]
    pub(crate) peers: Vec<Fingerprint>,
    /// The name of who is expected, and under which to remember a new peer [default: for `connect` the address]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// File with a shared key, 64 hexadecimal digits, the same at both ends: a third lock
    #[arg(long, value_name = "FILE")]
    pub(crate) psk_file: Option<PathBuf>,
    /// Folder for received files [default: files in the home folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) files: Option<PathBuf>,
    /// Speak in level5 alone, whose ML-KEM, ML-DSA, AES and SHA-512 are on the list of CNSA 2.0; docs/cnsa2.md says what of it is not
    #[arg(long)]
    pub(crate) cnsa2: bool,
    /// Tell each peer this about your keys, at the beginning; `chat statement` makes the file, several allowed
    #[arg(long = "statement", value_name = "FILE")]
    pub(crate) statements: Vec<PathBuf>,
    /// For how long a conversation whose connection was cut is taken up again: `connect` calls, `listen` waits. 0 never does
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) reconnect: u32,
    /// Tell each frame's direction, kind and length on standard error
    #[arg(long)]
    pub(crate) trace: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AcquaintancesCommand {
    /// List them
    List,
    /// Forget what is kept of a peer, by its name or fingerprint. Who it is stays known
    Forget { name: String },
    /// Say that the clock is right, after it was wrong before. Until then nothing is kept, and nothing that was kept is used
    ClockIsRight,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IdCommand {
    /// Change the passphrase of an identity, add one or remove it
    Passphrase {
        /// Read the new one from this file's first line
        #[arg(long, value_name = "FILE", conflicts_with = "remove")]
        new_passphrase_file: Option<PathBuf>,
        /// Store the identity without one
        #[arg(long)]
        remove: bool,
    },
    /// Copy the identity to a new file, under the same passphrase: a spare, to be kept as secret as the identity
    Export {
        file: PathBuf,
        /// Export the public half alone, which is no secret
        #[arg(long)]
        public: bool,
    },
    /// Bring an exported identity back. An identity that is there already is not overwritten
    Restore { file: PathBuf },
}

#[derive(Debug, Subcommand)]
pub(crate) enum StatementCommand {
    /// The new identity stands beside the old one, for another suite: both go on
    Beside(Succession),
    /// The new identity stands for the old one, which retires: whoever takes this never accepts the old one again
    Instead(Succession),
    /// The identity is revoked: its key is lost, or in other hands. It takes the key to say so, so make this beforehand
    Revoke {
        /// The identity: of the home folder, by its suite, or a file
        #[arg(long, value_name = "SUITE or FILE", value_parser = key_of)]
        old: KeyOf,
        /// The new file for the statement
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show what a statement says, about which keys, and when its owner made it. Its signatures are verified
    Show { file: PathBuf },
}

/// Two identities, the old and the new.
#[derive(Args, Debug)]
pub(crate) struct Succession {
    /// The old identity: of the home folder, by its suite, or a file
    #[arg(long, value_name = "SUITE or FILE", value_parser = key_of)]
    pub(crate) old: KeyOf,
    /// The new identity
    #[arg(long, value_name = "SUITE or FILE", value_parser = key_of)]
    pub(crate) new: KeyOf,
    /// The new file for the statement
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Where an own identity is.
#[derive(Clone, Debug)]
pub(crate) enum KeyOf {
    Suite(Suite),
    File(PathBuf),
}

fn key_of(text: &str) -> Result<KeyOf, String> {
    match suites::parse(text) {
        Ok(suite) => Ok(KeyOf::Suite(suite)),
        Err(_) if Path::new(text).exists() => Ok(KeyOf::File(text.into())),
        Err(why) => Err(format!("{why}. And there is no such file")),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeersCommand {
    /// List them
    List,
    /// Give a peer another name
    Rename { old: String, new: String },
    /// Forget a peer: at the next meeting it is a stranger
    Forget { name: String },
    /// Write the list to a new file, or to standard output
    Export { file: Option<PathBuf> },
    /// Take a statement of a peer about its keys
    Take {
        file: PathBuf,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Accept a peer's changed key, or one that is refused since what introduced it is revoked, after a person has compared the fingerprint
    Accept {
        name: String,
        fingerprint: Fingerprint,
        /// The key's suite, where the peer has several keys, or gets its first of this kind [default: that of its only key]
        #[arg(long, value_parser = suites::parse)]
        suite: Option<Suite>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}
