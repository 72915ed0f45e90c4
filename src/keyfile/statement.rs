//! Statements in files: PEM of the statement's own bytes (docs/protocol.md, section 4.4).

use super::{KeyFileError, create, decode_pem, read, text};
use crate::durable::Readers;
use crate::identity::Statement;
use alloc::string::String;
use pkcs8::der::pem::{self, LineEnding};
use std::path::Path;

pub(super) const STATEMENT: &str = "TWINLOCK STATEMENT";

/// The statement as PEM, label `TWINLOCK STATEMENT`: some 14,600 bytes between two identities of the default kind.
#[expect(clippy::expect_used, reason = "the message says why it cannot fail")]
pub fn statement_to_pem(statement: &Statement) -> String {
    pem::encode_string(STATEMENT, LineEnding::LF, statement.as_bytes())
        .expect("the label is a constant of this crate, and a statement is far below the size of memory")
}

/// Reads a statement and verifies its signatures. White space and line lengths as with [`super::from_pem`]; one statement, and no text around.
pub fn statement_from_pem(text: &str) -> Result<Statement, KeyFileError> {
    let (_, bytes) = decode_pem(text, &[STATEMENT])?;
    Statement::from_bytes(&bytes).map_err(KeyFileError::InvalidStatement)
}

/// Writes the statement to a new file, which anybody may read. [`KeyFileError::Exists`] where there is one.
///
/// Keep a revocation that is made in advance where only its owner can read it: whoever has it can end the identity.
pub fn save_statement(path: impl AsRef<Path>, statement: &Statement) -> Result<(), KeyFileError> {
    create(path.as_ref(), statement_to_pem(statement).as_bytes(), Readers::Anybody)
}

/// Reads the statement from a file of at most [`super::MAX_FILE`] bytes.
pub fn load_statement(path: impl AsRef<Path>) -> Result<Statement, KeyFileError> {
    let contents = read(path.as_ref(), Readers::Anybody)?;
    statement_from_pem(text(&contents)?)
}
