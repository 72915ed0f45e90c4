//! Resumption records: each is used once, by whoever it is for.

use crate::people::{
    ALICE, BOB, CAROL, DAY, NOW, OTHER, PROLOGUE, Place, SUITE, Store, alice, bob, carol, copy, in_both, meet, meet_as, take, visit,
};
use twinlock::acquaintances::{Acquaintances, AddressBook, Report, Wanted, Way};
use twinlock::channel::{Resumption, Role};

fn wanted<'a>() -> Wanted<'a> {
    Wanted { me: Some(alice()), peer: Some(bob()), suite: SUITE, prologue: PROLOGUE, psk_tag: None }
}

fn psk_of(record: &Resumption) -> Vec<u8> {
    // u8 version || u8 role || u16 suite || id 16 || psk 32
    record.to_secret_bytes().expose()[20..52].to_vec()
}

#[test]
fn a_record_is_removed_by_two_or_found_after_that() {
    in_both(|new| {
        let mut store = new();
        let (opener, answerer) = meet(&BOB, &ALICE, NOW);
        let id = *answerer.id();
        assert_eq!(opener.id(), &id);
        assert!(store.keep(answerer, NOW).unwrap());
        assert_eq!(store.resumption(Role::Answerer, &id, NOW).unwrap().unwrap().id(), &id);
        assert!(store.resumption(Role::Opener, &id, NOW).unwrap().is_none());
        assert!(!store.remove(Role::Opener, &id, NOW).unwrap());
        assert!(store.remove(Role::Answerer, &id, NOW).unwrap());
        assert!(store.resumption(Role::Answerer, &id, NOW).unwrap().is_none());
        assert!(!store.remove(Role::Answerer, &id, NOW).unwrap());
    });
}

/// Two ends may share a store.
#[test]
fn the_two_ends_of_one_conversation_are_one_record() {
    in_both(|new| {
        let mut store = new();
        let (opener, answerer) = meet(&ALICE, &BOB, NOW);
        let id = *opener.id();
        assert!(store.keep(opener, NOW).unwrap() && store.keep(answerer, NOW).unwrap());
        assert!(store.remove(Role::Answerer, &id, NOW).unwrap());
        let taken = take(&mut *store, &wanted(), NOW).unwrap();
        assert_eq!((taken.id(), taken.role()), (&id, Role::Opener));
        assert_eq!(store.reports().unwrap(), []);
    });
}

#[test]
fn a_second_use_is_reported_twice_or_never() {
    in_both(|new| {
        let mut store = new();
        let (_, answerer) = meet(&BOB, &ALICE, NOW);
        let (_, other) = meet(&CAROL, &ALICE, NOW);
        let (id, other_id) = (*answerer.id(), *other.id());
        assert!(store.keep(answerer, NOW).unwrap() && store.keep(other, NOW).unwrap());
        assert!(store.remove(Role::Answerer, &id, NOW).unwrap());
        // The first use, an unknown id, and one of another role, are none.
        assert!(store.resumption(Role::Answerer, &[7; 16], NOW).unwrap().is_none());
        assert!(store.resumption(Role::Opener, &id, NOW).unwrap().is_none());
        assert!(store.resumption(Role::Answerer, &other_id, NOW).unwrap().is_some());
        assert_eq!(store.reports().unwrap(), []);
        for _ in 0..2 {
            assert!(store.resumption(Role::Answerer, &id, NOW + 60).unwrap().is_none());
        }
        assert_eq!(store.reports().unwrap(), [Report::SecondUse { role: Role::Answerer, id, peer: Some(bob()) }]);
        assert!(store.resumption(Role::Answerer, &id, NOW + 120).unwrap().is_none());
        assert_eq!(store.reports().unwrap(), []);
        // Two that both had it and of whom one has removed it.
        assert!(store.remove(Role::Answerer, &other_id, NOW).unwrap() && !store.remove(Role::Answerer, &other_id, NOW).unwrap());
        assert_eq!(store.reports().unwrap(), [Report::SecondUse { role: Role::Answerer, id: other_id, peer: Some(carol()) }]);
        // A forgotten peer is not named.
        let (_, third) = meet(&BOB, &ALICE, NOW);
        let id = *third.id();
        assert!(store.keep(third, NOW).unwrap() && store.remove(Role::Answerer, &id, NOW).unwrap() && store.forget(bob()).unwrap());
        assert!(store.resumption(Role::Answerer, &id, NOW).unwrap().is_none());
        assert_eq!(store.reports().unwrap(), [Report::SecondUse { role: Role::Answerer, id, peer: None }]);
    });
}

/// Nobody came a second time: two of one owner had looked at the record, and one was first.
#[test]
fn the_second_of_two_that_would_open_with_one_record_is_reported() {
    in_both(|new| {
        let mut store = new();
        let opener = meet(&ALICE, &BOB, NOW).0;
        let id = *opener.id();
        assert!(store.keep(opener, NOW).unwrap());
        assert!(store.remove(Role::Opener, &id, NOW).unwrap() && !store.remove(Role::Opener, &id, NOW).unwrap());
        assert!(store.resumption(Role::Opener, &id, NOW).unwrap().is_none());
        assert_eq!(store.reports().unwrap(), []);
    });
}

#[test]
fn what_was_reported_or_used_is_forgotten_when_the_folder_is_opened_again() {
    let place = Place::new();
    let (_, answerer) = meet(&BOB, &ALICE, NOW);
    let (id, again) = (*answerer.id(), copy(&answerer));
    assert!(place.open().keep(answerer, NOW).unwrap());
    assert!(place.open().remove(Role::Answerer, &id, NOW).unwrap());
    assert!(!place.open().remove(Role::Answerer, &id, NOW).unwrap());
    // Whoever opens it anew does not know what a look-up has seen; whoever still has it open does.
    let mut store = place.open();
    assert!(store.resumption(Role::Answerer, &id, NOW).unwrap().is_none());
    assert!(!place.open().keep(again, NOW).unwrap());
    store.seen(bob(), SUITE, Way::Met, NOW).unwrap();
    assert_eq!(place.open().reports().unwrap().len(), 1);
    assert_eq!(place.open().reports().unwrap(), []);
    assert!(store.resumption(Role::Answerer, &id, NOW).unwrap().is_none());
    assert_eq!(store.reports().unwrap(), []);
}

/// The id is kept until its not-after: as long as somebody could have the record.
#[test]
fn a_used_record_comes_back() {
    in_both(|new| {
        let mut store = new();
        let (opener, answerer) = meet(&ALICE, &BOB, NOW);
        let again = [copy(&opener), copy(&answerer), copy(&opener), copy(&answerer)];
        let id = *opener.id();
        assert!(store.keep(opener, NOW).unwrap() && store.keep(answerer, NOW).unwrap());
        let [a, b, c, d] = again;
        // What is here already is not kept twice either.
        assert!(!store.keep(a, NOW).unwrap() && !store.keep(b, NOW).unwrap());
        assert!(take(&mut *store, &wanted(), NOW).is_some());
        assert!(store.remove(Role::Answerer, &id, NOW).unwrap());
        let last = NOW + 7 * DAY - 1;
        assert!(!store.keep(c, last).unwrap() && !store.keep(d, last).unwrap());
        assert!(take(&mut *store, &wanted(), last).is_none());
    });
}

#[test]
fn a_record_is_used_at_its_not_after() {
    in_both(|new| {
        let end = NOW + 7 * DAY;
        for (now, there) in [(end - 1, true), (end, false)] {
            let mut store = new();
            let (opener, answerer) = meet(&ALICE, &BOB, NOW);
            let id = *opener.id();
            assert_eq!(opener.not_after(), end);
            let late = copy(&opener);
            assert!(store.keep(opener, NOW).unwrap() && store.keep(answerer, NOW).unwrap());
            assert_eq!(store.resumption(Role::Answerer, &id, now).unwrap().is_some(), there);
            assert_eq!(store.remove(Role::Answerer, &id, now).unwrap(), there);
            assert_eq!(take(&mut *store, &wanted(), now).is_some(), there);
            assert!(!store.keep(late, now).unwrap());
            assert_eq!(store.reports().unwrap(), []);
        }
    });
}

#[test]
fn a_record_of_another_configuration_is_taken_or_removed() {
    in_both(|new| {
        let mut store = new();
        let (plain, of_answerer) = meet(&ALICE, &BOB, NOW);
        let (_, answered) = meet(&BOB, &ALICE, NOW);
        let (with_psk, _) = meet_as(&ALICE, &BOB, SUITE, PROLOGUE, Some(7), NOW);
        let (theirs, visited) = visit(&BOB, NOW);
        let tag = *with_psk.psk_tag().unwrap();
        let ids = [*plain.id(), *with_psk.id(), *theirs.id()];
        for record in [plain, of_answerer, answered, with_psk, theirs, visited] {
            assert!(store.keep(record, NOW).unwrap());
        }
        let none = |store: &mut dyn Store, wanted: Wanted<'_>| take(store, &wanted, NOW).is_none();
        for wrong in [
            Wanted { me: Some(carol()), ..wanted() },
            Wanted { peer: Some(carol()), ..wanted() },
            Wanted { peer: None, ..wanted() },
            Wanted { suite: OTHER, ..wanted() },
            Wanted { prologue: b"store/2", ..wanted() },
            Wanted { prologue: b"", ..wanted() },
            Wanted { psk_tag: Some(&[1; 32]), ..wanted() },
        ] {
            assert!(none(&mut *store, wrong), "{wrong:?}");
        }
        assert_eq!(take(&mut *store, &Wanted { psk_tag: Some(&tag), ..wanted() }, NOW).unwrap().id(), &ids[1]);
        assert_eq!(take(&mut *store, &Wanted { me: None, ..wanted() }, NOW).unwrap().id(), &ids[2]);
        assert_eq!(take(&mut *store, &wanted(), NOW).unwrap().id(), &ids[0]);
        for gone in [wanted(), Wanted { psk_tag: Some(&tag), ..wanted() }, Wanted { me: None, ..wanted() }] {
            assert!(none(&mut *store, gone));
        }
    });
}

#[test]
fn an_older_record_is_taken_before_a_newer_one() {
    in_both(|new| {
        let mut store = new();
        let records: Vec<_> = (0..3).map(|n| meet(&ALICE, &BOB, NOW + n).0).collect();
        let mut ids: Vec<_> = records.iter().map(|record| *record.id()).collect();
        for record in records {
            assert!(store.keep(record, NOW).unwrap());
        }
        ids.reverse();
        for id in ids {
            assert_eq!(take(&mut *store, &wanted(), NOW).unwrap().id(), &id);
        }
        assert!(take(&mut *store, &wanted(), NOW).is_none());
    });
}

#[test]
fn a_fifth_record_of_a_peer_and_role_stays_or_drops_anothers() {
    in_both(|new| {
        let mut store = new();
        let (carols, _) = meet(&ALICE, &CAROL, NOW);
        assert!(store.keep(carols, NOW).unwrap());
        let mut ids = Vec::new();
        for n in 0..5 {
            let (opener, answerer) = meet(&ALICE, &BOB, NOW + n);
            ids.push(*opener.id());
            assert!(store.keep(opener, NOW + n).unwrap() && store.keep(answerer, NOW + n).unwrap());
        }
        for role in [Role::Opener, Role::Answerer] {
            let there: Vec<_> = ids.iter().map(|id| store.resumption(role, id, NOW).unwrap().is_some()).collect();
            assert_eq!(there, [false, true, true, true, true], "{role:?}");
        }
        assert!(take(&mut *store, &Wanted { peer: Some(carol()), ..wanted() }, NOW).is_some());
        // What was let go was not used.
        assert_eq!(store.reports().unwrap(), []);
    });
}

/// Whoever looks into the folder later finds no secret that was used.
#[test]
fn the_secret_of_a_used_record_stays_on_the_disk() {
    let place = Place::new();
    let mut store = place.open();
    let (opener, answerer) = meet(&ALICE, &BOB, NOW);
    let (psk, id) = (psk_of(&opener), *opener.id());
    assert_eq!(psk, psk_of(&answerer));
    assert!(store.keep(answerer, NOW).unwrap() && place.holds(&psk));
    let found = store.resumption(Role::Answerer, &id, NOW).unwrap().unwrap();
    assert!(store.remove(Role::Answerer, &id, NOW).unwrap() && !place.holds(&psk));
    // The one who asked still has it, to go on with.
    assert_eq!(psk_of(&found), psk);
    assert!(store.keep(opener, NOW).unwrap() && place.holds(&psk));
    // Also where somebody else shares it.
    let shared = store.resumption(Role::Opener, &id, NOW).unwrap().unwrap();
    let taken = take(&mut store, &wanted(), NOW).unwrap();
    assert!(!place.holds(&psk));
    assert_eq!((psk_of(&taken), psk_of(&shared)), (psk.clone(), psk));
    assert_eq!(place.names_of("record"), [""; 0]);
}

#[test]
fn a_conversation_is_not_remembered_or_each_one_is_written() {
    let place = Place::new();
    let mut store = place.open();
    let state = || place.contents()["state"].clone();
    store.seen(bob(), SUITE, Way::Met, NOW).unwrap();
    let before = state();
    store.seen(bob(), SUITE, Way::Met, NOW + 59).unwrap();
    assert!(state() == before);
    store.seen(bob(), SUITE, Way::Resumed, NOW + 59).unwrap();
    store.seen(bob(), OTHER, Way::Acquainted, NOW).unwrap();
    store.seen(carol(), SUITE, Way::Visited, NOW).unwrap();
    let mut known: Vec<_> = place.open().acquaintances().unwrap().into_iter().map(|a| (a.peer, a.suite, a.last_seen, a.way)).collect();
    let mut expected = [(bob(), SUITE, NOW + 59, Way::Resumed), (bob(), OTHER, NOW, Way::Acquainted), (carol(), SUITE, NOW, Way::Visited)];
    known.sort_by_key(|known| (known.0, known.1.id()));
    expected.sort_by_key(|known| (known.0, known.1.id()));
    assert_eq!(known, expected);
}

/// With an identity everybody has an own share; those without have one together.
#[test]
fn many_without_identity_drop_each_other_after_four() {
    in_both(|new| {
        let mut store = new();
        let ids: Vec<_> = (0..6)
            .map(|_| {
                let (_, visited) = visit(&BOB, NOW);
                let id = *visited.id();
                assert!(store.keep(visited, NOW).unwrap());
                id
            })
            .collect();
        assert!(ids.iter().all(|id| store.resumption(Role::Answerer, id, NOW).unwrap().is_some()));
    });
}
