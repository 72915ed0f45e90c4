//! Persist, then reveal: what is kept is so before the last message of the handshake leaves.

use crate::people::{ALL, Person, call, part};
use std::sync::{Arc, Mutex};
use twinlock::acquaintances::Way;
use twinlock::io::{Frame, Note, Observer};

type Log = Arc<Mutex<Vec<String>>>;

/// Tells frames that this side sends, and that a record was kept.
fn log() -> (Log, Observer, impl Fn(Note<'_>) + Send + Sync + 'static) {
    let log = Log::default();
    let (frames, notes) = (Arc::clone(&log), Arc::clone(&log));
    let observer: Observer = Arc::new(move |frame: Frame| {
        if frame.sent {
            frames.lock().unwrap().push(frame.kind.to_string());
        }
    });
    let note = move |note: Note<'_>| {
        if let Note::Resumable { .. } = note {
            notes.lock().unwrap().push("kept".to_owned());
        }
    };
    (log, observer, note)
}

/// What both sides of a conversation did until it began.
fn begin(alice: &Person, bob: &Person, ways: &[Way]) -> [Vec<String>; 2] {
    let ((a_log, a_frames, a_note), (b_log, b_frames, b_note)) = (log(), log());
    let (a_keeper, b_keeper) = (alice.keeper.clone().observe(a_note), bob.keeper.clone().observe(b_note));
    let connect = alice.calling(bob, ways).acquaintances(&a_keeper).observe(&a_frames);
    let (a, b) = call(&connect, &bob.listening().acquaintances(&b_keeper).observe(&b_frames), alice, bob).pair();
    let logs = [a_log, b_log].map(|log| std::mem::take(&mut *log.lock().unwrap()));
    let (mut a, mut b) = (a, b);
    crate::people::exchange(&mut a, &mut b);
    part(a, b);
    logs
}

#[test]
fn a_conversation_can_be_picked_up_before_that_is_kept() {
    let (alice, bob) = (Person::alice(), Person::bob());
    let [one, two, three] = [1, 2, 3].map(|number| format!("handshake message {number}"));
    let kept = "kept".to_owned();
    assert_eq!(begin(&alice, &bob, &ALL), [vec![one.clone(), kept.clone(), three], vec![two.clone(), kept.clone()]]);
    assert_eq!(begin(&alice, &bob, &ALL), [vec![one.clone(), kept.clone()], vec![kept.clone(), two.clone()]]);
    let confirm = "Confirm".to_owned();
    assert_eq!(begin(&alice, &bob, &[Way::Acquainted]), [vec![one, kept.clone(), confirm], vec![two, kept]]);
}
