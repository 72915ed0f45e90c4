//! The secrets of the key files: the passphrase, the key that scrypt makes of it, and the text of the file that is not encrypted.

use crate::coins::Coins;
use crate::conversation::passphrase;
use crate::known::{Known, Stop};
use crate::primitives::Algorithms;
use std::error::Error;
use twinlock::{Identity, Suite, keyfile};

/// What is wiped: the passphrase and the text; and what the library below is known to leave: scrypt's result.
pub(crate) struct FileSecrets {
    pub(crate) wiped: Vec<Known>,
    pub(crate) left: Vec<Known>,
}

/// As the conversation with these coins makes them.
pub(crate) fn secrets(suite: Suite, algorithms: Algorithms, seed: u64) -> Result<FileSecrets, Box<dyn Error>> {
    let mut coins = Coins::new(seed);
    let [alice, _] = [(); 2].map(|()| Identity::generate_with_rng(suite.signature(), &mut coins));
    let passphrase = passphrase(&mut coins);
    let salt = coins.draw(16);
    let mut key = [0; 32];
    scrypt::scrypt(passphrase.as_bytes(), &salt, &scrypt::Params::new(17, 8, 1)?, &mut key)?;
    let gone = |name: &str, bytes: &[u8]| Known { name: name.to_owned(), bytes: bytes.to_vec(), lives: None, gone: Stop::Identities };
    let pem = keyfile::to_pem(&alice?)?;
    // The first line of base64 is DER's head and the first 24 bytes or so of the seeds; the last ones are level 5's constants.
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let text = body.get(40..if algorithms == Algorithms::Level5 { 136 } else { 104 }).ok_or("a PEM that is too short")?;
    Ok(FileSecrets {
        wiped: vec![gone("the passphrase", passphrase.as_bytes()), gone("the text of the key file", text.as_bytes())],
        left: vec![gone("the file's AES key", &key)],
    })
}
