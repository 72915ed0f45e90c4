//! `chat keygen` and `chat id`: the own identity.

use crate::cli::IdCommand;
use crate::failure::{Exit, Failure};
use crate::home::{Home, ask_new_secret, first_line};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use std::io::{self, IsTerminal};
use std::path::Path;
use twinlock::keyfile::{self, KeyFileError};
use twinlock::{Fingerprint, Identity};

pub(crate) fn keygen(home: &Home, no_passphrase: bool) -> Result<(), Failure> {
    let path = home.identity_file();
    if path.exists() {
        return Err(taken(path));
    }
    let passphrase = if no_passphrase { None } else { Some(home.choose_passphrase()?) };
    home.make()?;
    let identity = Identity::generate().map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    keyfile::save(path, &identity, passphrase.as_ref().map(|passphrase| passphrase.as_str()))?;
    eprintln!("Your new identity is in {}. Keep a copy: `chat id export FILE`. Your fingerprint:", path.display());
    println!("{}", identity.fingerprint());
    Ok(())
}

pub(crate) fn id(home: &Home, command: Option<IdCommand>, qr: bool) -> Result<(), Failure> {
    match command {
        None => show(home.load_identity()?.fingerprint(), qr),
        Some(IdCommand::Passphrase { new_passphrase_file, remove }) => change_passphrase(home, new_passphrase_file.as_deref(), remove),
        Some(IdCommand::Export { file, public: true }) => {
            keyfile::save_public(&file, &home.load_identity()?.public())?;
            eprintln!("Your public key is in {}. It is no secret.", file.display());
            Ok(())
        }
        Some(IdCommand::Export { file, public: false }) => export(home, &file),
        Some(IdCommand::Restore { file }) => restore(home, &file),
    }
}

/// The fingerprint alone where a program reads it, with a QR code for people.
fn show(fingerprint: Fingerprint, qr: bool) -> Result<(), Failure> {
    println!("{fingerprint}");
    let terminal = io::stdout().is_terminal();
    if terminal || qr {
        println!("\n{}", draw(fingerprint, terminal)?);
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

fn change_passphrase(home: &Home, new_file: Option<&Path>, remove: bool) -> Result<(), Failure> {
    let (identity, old) = home.load(home.identity_file())?;
    let new = match (remove, new_file) {
        (true, _) => None,
        (false, Some(path)) => Some(first_line(path)?),
        (false, None) => Some(ask_new_secret()?),
    };
    drop(identity);
    keyfile::change_passphrase(home.identity_file(), old.as_ref().map(|old| old.as_str()), new.as_ref().map(|new| new.as_str()))?;
    let done = if remove { "The identity is stored without a passphrase now." } else { "The passphrase is changed." };
    eprintln!("{done} Copies made before still open with the old one.");
    Ok(())
}

fn export(home: &Home, file: &Path) -> Result<(), Failure> {
    let (identity, passphrase) = home.load(home.identity_file())?;
    keyfile::save(file, &identity, passphrase.as_ref().map(|passphrase| passphrase.as_str()))?;
    eprintln!("A copy of your identity is in {}. Keep it as secret as the identity itself.", file.display());
    if passphrase.is_none() {
        eprintln!("It has no passphrase: whoever reads the file can be you.");
    }
    Ok(())
}

fn restore(home: &Home, file: &Path) -> Result<(), Failure> {
    let path = home.identity_file();
    if path.exists() {
        return Err(taken(path));
    }
    let (identity, passphrase) = home.load(file)?;
    home.make()?;
    keyfile::save(path, &identity, passphrase.as_ref().map(|passphrase| passphrase.as_str()))?;
    eprintln!("Your identity is in {} again. Your fingerprint:", path.display());
    println!("{}", identity.fingerprint());
    Ok(())
}

fn taken(path: &Path) -> Failure {
    let exists = KeyFileError::Exists { path: path.to_path_buf() };
    Failure::new(Exit::File, format!("{exists} with --identity or --home. Whoever knows you by the old one would not know you by a new one"))
}
