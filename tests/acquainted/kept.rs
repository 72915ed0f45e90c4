//! What is kept of a conversation, as it is stored: another reader, or another edition, must not take one thing for another.

use crate::support::acquainted::{Meeting, NOW};
use crate::support::book::DAY;
use crate::support::pair::{alice, bob};
use twinlock::channel::{Resumption, Role};
use twinlock::handshake::Pattern;
use twinlock::{Error, Suite};

#[test]
fn a_record_changes_on_its_way_through_a_store() {
    for suite in Suite::ALL.iter().copied() {
        for meeting in [Meeting::new(suite, Pattern::Resume), Meeting::resume_under_psk(suite)] {
            for (side, role) in [(0, Role::Opener), (1, Role::Answerer)] {
                let record = meeting.record(side);
                let stored = record.to_secret_bytes();
                let read = Resumption::from_secret_bytes(stored.expose()).unwrap();
                assert_eq!(read.to_secret_bytes().expose(), stored.expose());
                let [me, peer] = if side == 0 { [alice(suite), bob(suite)] } else { [bob(suite), alice(suite)] };
                assert_eq!((read.me(), read.peer()), (Some(&me.fingerprint()), Some(&peer.fingerprint())));
                assert_eq!((read.role(), read.suite(), read.prologue()), (role, suite, b"acquainted/1".as_slice()));
                assert_eq!((read.not_after(), read.id()), (NOW + 7 * DAY, record.id()));
                assert_eq!(read.psk_tag().is_some(), !meeting.psks[0].is_empty());
            }
        }
    }
}

#[test]
fn bytes_that_are_no_record_are_read() {
    let suite = Suite::default();
    let record = Meeting::new(suite, Pattern::Resume).record(0);
    let stored = record.to_secret_bytes();
    let key_ends = 127 + suite.signature().public_key_len();
    // Cut anywhere before the prologue, which is all that is left.
    for len in (0..key_ends).step_by(13).chain([0, 1, 127, key_ends - 1]) {
        assert_eq!(Resumption::from_secret_bytes(&stored.expose()[..len]).err(), Some(Error::Malformed), "{len} bytes");
    }
    for (at, byte, error) in [
        (0, 2, Error::Malformed),
        (0, 0, Error::Malformed),
        (1, 2, Error::Malformed),
        (2, 0xFF, Error::UnknownSuite { id: 0xFF01 }),
        (92, 2, Error::Malformed),
        // A tag where there is none.
        (93, 1, Error::Malformed),
        (126, 1, Error::Malformed),
    ] {
        let mut bytes = stored.expose().to_vec();
        bytes[at] = byte;
        assert_eq!(Resumption::from_secret_bytes(&bytes).err(), Some(error), "byte {at}");
    }
}

#[test]
fn a_record_prints_its_secret() {
    let suite = Suite::default();
    let record = Meeting::new(suite, Pattern::Resume).record(0);
    let (me, peer) = (alice(suite).fingerprint(), bob(suite).fingerprint());
    let expected =
        format!("Resumption {{ role: Opener, me: Some({me}), peer: Some({peer}), suite: Level3ChaCha, not_after: {}, .. }}", NOW + 7 * DAY);
    assert_eq!(format!("{record:?}"), expected);
}

/// A channel that is taken apart has given up what could be kept.
#[test]
fn a_record_can_be_kept_twice() {
    let [mut a, _] = Meeting::new(Suite::default(), Pattern::Ik).meet().0;
    assert!(a.keep_resumption(NOW).unwrap().is_some());
    assert!(a.keep_resumption(NOW).unwrap().is_none());
    assert_eq!(format!("{a:?}"), format!("Channel {{ peer: {:?}, .. }}", a.peer()));
}
