//! `chat keygen` and `chat id`: the own identities.

use crate::cli::IdCommand;
use crate::failure::{Exit, Failure};
use crate::home::{Home, ask_new_secret, first_line};
use crate::own::{Opened, Own};
use crate::suites::{kind, list, option, titled, titled_kind, warn_of_round3};
use crate::terminal::say;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use twinlock::identity::SignatureAlgorithm;
use twinlock::keyfile::{self, KeyFileError};
use twinlock::{Fingerprint, Identity, Suite};

pub(crate) fn keygen(home: &Home, suite: Suite, no_passphrase: bool) -> Result<(), Failure> {
    let kind = suite.signature();
    let path = new_file(home, kind)?;
    warn_of_round3(&[suite]);
    let passphrase = if no_passphrase { None } else { Some(home.choose_passphrase()?) };
    home.make()?;
    let identity = Identity::generate_for(kind).map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    keyfile::save(&path, &identity, passphrase.as_ref().map(|passphrase| passphrase.as_str()))?;
    let (title, option) = (titled_kind(kind), option(kind));
    say(&format!("Your new identity of {title} is in {}. Keep a copy: `chat id export FILE{option}`. Its fingerprint:", path.display()));
    println!("{}", identity.fingerprint());
    Ok(())
}

pub(crate) fn id(home: &Home, command: Option<IdCommand>, suite: Option<Suite>, qr: bool) -> Result<(), Failure> {
    let mut own = Own::new(home);
    match command {
        None => show(&mut own, suite, qr),
        Some(IdCommand::Passphrase { new_passphrase_file, remove }) => {
            change_passphrase(one(&mut own, suite)?, new_passphrase_file, remove)
        }
        Some(IdCommand::Export { file, public: true }) => {
            keyfile::save_public(&file, &one(&mut own, suite)?.identity.public())?;
            say(&format!("Your public key is in {}. It is no secret.", file.display()));
            Ok(())
        }
        Some(IdCommand::Export { file, public: false }) => export(&one(&mut own, suite)?, &file),
        Some(IdCommand::Restore { file }) => restore(home, &mut own, suite, &file),
    }
}

/// The identity for this suite; else the only one of `--identity`, or the home's of the default kind.
fn one(own: &mut Own<'_>, suite: Option<Suite>) -> Result<Opened, Failure> {
    let kinds = own.kinds()?;
    let default = Suite::default().signature();
    match (suite, kinds.as_slice()) {
        (Some(suite), _) => own.open(suite.signature()),
        (None, [only]) => own.open(*only),
        (None, _) => own.open(default),
    }
}

/// The fingerprint alone where there is one, and a program reads it. With a QR code for people.
fn show(own: &mut Own<'_>, suite: Option<Suite>, qr: bool) -> Result<(), Failure> {
    let mut all = match suite {
        Some(suite) => vec![own.open(suite.signature())?],
        None => own.open_all()?,
    };
    if all.is_empty() {
        all.push(own.open(Suite::default().signature())?);
    }
    let terminal = io::stdout().is_terminal();
    for opened in &all {
        let fingerprint = opened.identity.fingerprint();
        match all.len() {
            1 => println!("{fingerprint}"),
            _ => println!("{fingerprint}  {}", titled_kind(opened.kind())),
        }
        if terminal || qr {
            println!("\n{}", draw(fingerprint, terminal)?);
        }
    }
    Ok(())
}

/// In upper case a QR code holds it in fewer modules, and it is read just as well.
fn draw(fingerprint: Fingerprint, coloured: bool) -> Result<String, Failure> {
    let code = QrCode::new(fingerprint.to_string().to_uppercase());
    let code = code.map_err(|error| Failure::new(Exit::Other, format!("the QR code cannot be drawn: {error}")))?;
    if coloured {
        // Black on white, whatever the terminal's own colours are.
        let drawn = code.render::<Dense1x2>().build();
        return Ok(drawn.lines().map(|line| format!("\x1b[30;107m{line}\x1b[0m\n")).collect());
    }
    Ok(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

fn change_passphrase(opened: Opened, new_file: Option<PathBuf>, remove: bool) -> Result<(), Failure> {
    let Opened { path, identity, passphrase: old } = opened;
    let new = match (remove, new_file) {
        (true, _) => None,
        (false, Some(path)) => Some(first_line(&path)?),
        (false, None) => Some(ask_new_secret()?),
    };
    drop(identity);
    keyfile::change_passphrase(&path, old.as_ref().map(|old| old.as_str()), new.as_ref().map(|new| new.as_str()))?;
    let done = if remove { "is stored without a passphrase now" } else { "has a new passphrase" };
    say(&format!("The identity in {} {done}. Copies made before still open with the old one.", path.display()));
    Ok(())
}

fn export(opened: &Opened, file: &Path) -> Result<(), Failure> {
    let Opened { identity, passphrase, .. } = opened;
    keyfile::save(file, identity, passphrase.as_ref().map(|passphrase| passphrase.as_str()))?;
    let kind = titled_kind(opened.kind());
    say(&format!("A copy of your identity of {kind} is in {}. Keep it as secret as the identity itself.", file.display()));
    if passphrase.is_none() {
        say("It has no passphrase: whoever reads the file can be you.");
    }
    Ok(())
}

fn restore(home: &Home, own: &mut Own<'_>, suite: Option<Suite>, file: &Path) -> Result<(), Failure> {
    let opened = own.open_file(file)?;
    if let Some(suite) = suite.filter(|suite| suite.signature() != opened.kind()) {
        let (found, needed) = (titled_kind(opened.kind()), titled_kind(suite.signature()));
        let text =
            format!("{} holds an identity of {found}, and --suite {} needs one of {needed}", file.display(), kind(suite.signature()));
        return Err(Failure::new(Exit::CommandLine, text));
    }
    let path = new_file(home, opened.kind())?;
    home.make()?;
    keyfile::save(&path, &opened.identity, opened.passphrase.as_ref().map(|passphrase| passphrase.as_str()))?;
    say(&format!("Your identity of {} is in {} again. Its fingerprint:", titled_kind(opened.kind()), path.display()));
    println!("{}", opened.identity.fingerprint());
    Ok(())
}

/// Where an identity of this kind is to be, if there is none yet.
fn new_file(home: &Home, kind: SignatureAlgorithm) -> Result<PathBuf, Failure> {
    let path = match home.given_identities() {
        [] => home.identity_file(kind),
        [path] => path.clone(),
        _ => return Err(Failure::new(Exit::CommandLine, "one identity is made at a time; give --identity once")),
    };
    if !path.exists() {
        return Ok(path);
    }
    let exists = KeyFileError::Exists { path };
    let suites: Vec<_> = Suite::ALL.iter().filter(|suite| suite.signature() == kind).map(|suite| titled(*suite)).collect();
    let serves = if suites.len() > 1 { format!(" The same identity serves {}.", list(suites)) } else { String::new() };
    let text = format!("{exists} with --identity or --home.{serves} Whoever knows you by the old one would not know you by a new one");
    Err(Failure::new(Exit::File, text))
}
