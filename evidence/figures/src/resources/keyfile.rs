//! Heap that opening a key file takes: scrypt's memory, by design.

use crate::counting::memory;
use crate::report::{bytes, figure, value};
use twinlock::{Identity, keyfile};

pub(crate) fn all() {
    let identity = Identity::generate().unwrap();
    let plain = keyfile::to_pem(&identity).unwrap();
    let sealed = keyfile::to_encrypted_pem(&identity, "a passphrase").unwrap();
    let (_, most, opened) = memory(|| keyfile::from_pem(&plain, None).unwrap());
    assert_eq!(opened.fingerprint(), identity.fingerprint());
    value("resources.keyfile.plain", bytes(most));
    let (_, most, opened) = memory(|| keyfile::from_pem(&sealed, Some("a passphrase")).unwrap());
    assert_eq!(opened.fingerprint(), identity.fingerprint());
    figure("resources.keyfile.sealed", bytes(most), &format!("{:.1} MiB", bytes(most) / 1_048_576.0));
}
