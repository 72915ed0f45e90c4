//! What acquaintances hold, and what `IK` and `resume` let a stranger make a responder do: against its own work in an honest `XX` in the same run.

use super::Figure;
use crate::counting::{held, memory};
use crate::report::bytes;
use crate::support::acquainted::{Acquainted, NOW};
use crate::support::{PROLOGUE, clock};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use twinlock::acquaintances::{Acquaintances, AddressBook, Book, NotTaken, Taken};
use twinlock::channel::{Resumption, Role};
use twinlock::handshake::{AcquaintedInitiator, AnyHello, Decoys, Pattern, Psk, Responder, ResumeInitiator};
use twinlock::identity::StaticKey;
use twinlock::trust::danger::TrustAnyone;
use twinlock::{Bundle, Error, Identity, Suite};

/// Of each that is kept, for a mean.
const KEPT: usize = 64;
/// The most bundles, records and used ids of a store.
const FULL: usize = 4_096;
const RUNS: u32 = 300;

pub(crate) fn held_by(suite: Suite) -> Vec<Figure> {
    let known = Acquainted::new(suite);
    let mut figures = half_open_ik(&known);
    figures.extend(half_open_resume(&known));
    figures.extend(kept(&known));
    let text = format!("suite {:#06x}", suite.id());
    figures.into_iter().map(|figure| Figure { text: text.clone(), ..figure }).collect()
}

fn size<T>(heap: isize, _: &T) -> f64 {
    bytes(usize::try_from(heap).unwrap() + size_of::<T>())
}

/// Each state of `IK`, and the most that the responder holds on its way.
fn half_open_ik(known: &Acquainted) -> Vec<Figure> {
    let [mut hello, mut reply, mut confirm] = [(); 3].map(|()| Vec::with_capacity(1 << 15));
    let (opened, initiator) = held(|| {
        let (state, frame) = AcquaintedInitiator::new(&known.alice, known.bob.bundle(), PROLOGUE, NOW).send_hello().unwrap();
        hello.extend_from_slice(&frame);
        state
    });
    let read = || match known.responder(None).read_hello_with(&hello, &known.book).unwrap() {
        AnyHello::Acquainted(hello) => hello,
        _ => panic!("IK was opened"),
    };
    let (heard, state) = held(read);
    let mut figures = vec![
        Figure::new("resources.ik.awaits-reply", size(opened, &initiator), ""),
        Figure::new("resources.ik.hello", size(heard, &state), ""),
    ];
    drop(state);
    let (waits, (_, answering, state)) = held(|| {
        memory(|| {
            let (state, frame) = read().send_reply().unwrap();
            reply.extend_from_slice(&frame);
            state
        })
    });
    figures.push(Figure::new("resources.ik.awaits-confirm", size(waits, &state), ""));
    let (alice, frame) = initiator.read_reply(&reply).unwrap().send_confirm(&mut TrustAnyone).unwrap();
    confirm.extend_from_slice(&frame);
    let (more, (_, reading, state)) = held(|| memory(|| state.read_confirm(&confirm).unwrap()));
    figures.push(Figure::new("resources.ik.confirmed", size(waits + more, &state), ""));
    let most = answering.max(usize::try_from(waits).unwrap() + reading);
    figures.push(Figure::new("resources.ik.peak", bytes(most), ""));
    drop((alice, state));
    figures
}

/// A store that has just let go of whatever it is asked to.
struct Gone;

impl AddressBook for Gone {
    fn static_keys(&self, _: Suite, _: u64) -> Result<Vec<Arc<StaticKey>>, Error> {
        Ok(Vec::new())
    }

    fn acquaintance(&self, _: Suite, _: &[u8; 32], _: u64) -> Result<Option<Arc<Bundle>>, Error> {
        Ok(None)
    }

    fn resumption(&self, _: Role, _: &[u8; 16], _: u64) -> Result<Option<Arc<Resumption>>, Error> {
        Ok(None)
    }

    fn remove(&mut self, _: Role, _: &[u8; 16], _: u64) -> Result<bool, Error> {
        Ok(true)
    }
}

/// The same of `resume`, without the record.
fn half_open_resume(known: &Acquainted) -> Vec<Figure> {
    let remembered = known.remember();
    let [mut hello, mut reply] = [(); 2].map(|()| Vec::with_capacity(1 << 15));
    let (opened, initiator) = held(|| {
        let judged = ResumeInitiator::new(remembered.record.clone(), PROLOGUE).judge(&mut TrustAnyone).unwrap();
        let (state, frame) = judged.send_hello(&mut Gone, NOW).unwrap();
        hello.extend_from_slice(&frame);
        state
    });
    let read = || match known.responder(None).read_hello_with(&hello, &remembered.answerer).unwrap() {
        AnyHello::Resume(read) => read,
        _ => panic!("resume was opened"),
    };
    let (heard, state) = held(|| read().remove(&mut Gone).unwrap());
    let mut figures = vec![
        Figure::new("resources.resume.awaits-reply", size(opened, &initiator), ""),
        Figure::new("resources.resume.removed", size(heard, &state), ""),
    ];
    drop(state);
    let (_, most, channel) = memory(|| {
        let (channel, frame) = read().remove(&mut Gone).unwrap().judge(&mut TrustAnyone).unwrap().send_reply().unwrap();
        reply.extend_from_slice(&frame);
        channel
    });
    figures.push(Figure::new("resources.resume.peak", bytes(most), ""));
    drop((initiator, channel));
    figures
}

/// What a store in memory holds of each, a mean of many, and what a program's decoys hold.
fn kept(known: &Acquainted) -> Vec<Figure> {
    let suite = known.parties.suite;
    let mean = |heap: isize| bytes(usize::try_from(heap).unwrap()) / bytes(KEPT);
    let bundles: Vec<_> = (0..KEPT).map(|_| stranger(suite).bundle().as_bytes().to_vec()).collect();
    let keys: Vec<_> = (0..KEPT).map(|_| stranger(suite).to_secret_bytes()).collect();
    let record = known.remember().record;
    let (bundles, book) = held(|| {
        let mut book = Book::new();
        bundles.iter().for_each(|bytes| assert_eq!(book.take_bundle(Bundle::from_bytes(bytes).unwrap(), NOW).unwrap(), Taken::First));
        book
    });
    drop(book);
    let (keys, book) = held(|| {
        let mut book = Book::new();
        keys.iter().for_each(|bytes| drop(book.add_key(StaticKey::from_secret_bytes(bytes.expose()).unwrap(), NOW).unwrap()));
        book
    });
    drop(book);
    let (records, mut book) = held(|| {
        let mut book = Book::new();
        (0..KEPT).for_each(|number| assert!(book.keep(another(&record, number), NOW).unwrap()));
        book
    });
    let (used, ()) = held(|| (0..KEPT).for_each(|number| assert!(book.remove(record.role(), another(&record, number).id(), NOW).unwrap())));
    let (decoys, made) = held(|| Decoys::generate().unwrap());
    vec![
        Figure::new("resources.kept.bundle", mean(bundles), ""),
        Figure::new("resources.kept.key", mean(keys), ""),
        Figure::new("resources.kept.record", mean(records), ""),
        Figure::new("resources.kept.used", mean(records + used), ""),
        Figure::new("resources.kept.decoys", size(decoys, &made), ""),
    ]
}

fn stranger(suite: Suite) -> StaticKey {
    let me = Identity::generate_for(suite.signature()).unwrap();
    StaticKey::generate(&me, suite, NOW - 1, NOW + 1_000_000).unwrap()
}

/// The record with another id, of another identity of its owner: of one peer a store keeps few.
fn another(record: &Resumption, number: usize) -> Resumption {
    // u8 version · u8 role · u16 suite · id 16 · psk 32 · u64 not-after · me 32 · …
    let mut bytes = record.to_secret_bytes().expose().to_vec();
    for at in [4, 60] {
        bytes[at..at + 8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
    }
    Resumption::from_secret_bytes(&bytes).unwrap()
}

/// What a stranger sends first, or an acquaintance, and to whom.
struct Case<'a> {
    row: &'static str,
    name: &'static str,
    run: Box<dyn FnMut() -> (Duration, usize) + 'a>,
    took: Duration,
    sent: usize,
}

/// CPU of a responder, as times its own work in an `XX`, and bytes.
pub(crate) fn cost(suite: Suite) -> Vec<Figure> {
    let known = Acquainted::new(suite);
    // A store that is full fills the processor's caches, which would slow down whatever comes next.
    let few = run(&known, cases(&known));
    let crowd = run(&known, crowded_cases(&known));
    let sent = |row: &str| few.iter().chain(&crowd).find(|(figure, _)| figure.row == row).unwrap().1;
    let refused = ["resources.cpu.ik.tag", "resources.cpu.resume.tag", "resources.cpu.resume.replayed", "resources.cpu.resume.full"];
    let (asked, answered) = (Pattern::Ik.hello_len(suite) + 2, sent("resources.cpu.ik.replayed"));
    let more = [
        Figure::new("resources.bytes.ik.refused", bytes(refused.map(sent).into_iter().max().unwrap()), ""),
        Figure::new("resources.bytes.ik.psk", bytes(sent("resources.cpu.ik.psk")), ""),
        Figure::new("resources.bytes.ik.answer", bytes(answered) / bytes(asked), format!("{answered} bytes for {asked}")),
    ];
    few.into_iter().chain(crowd).map(|(figure, _)| figure).chain(more).collect()
}

/// Each in turn with an `XX`: the figures, and the bytes that were sent.
fn run(known: &Acquainted, mut cases: Vec<Case<'_>>) -> Vec<(Figure, usize)> {
    let mut xx = Duration::ZERO;
    for run in 0..=RUNS {
        // The first warms up.
        let counts = u32::from(run > 0);
        xx += known.parties.xx(None).0.responder * counts;
        for case in &mut cases {
            let (took, sent) = (case.run)();
            case.took += took * counts;
            case.sent = case.sent.max(sent);
        }
    }
    let figure = |case: &Case<'_>| {
        let (micros, suite) = (case.took.as_secs_f64() * 1e6 / f64::from(RUNS), known.parties.suite.id());
        let text = format!("{micros:.1} µs ({}); {} bytes sent; suite {suite:#06x}", case.name, case.sent);
        (Figure::new(case.row, case.took.as_secs_f64() / xx.as_secs_f64(), text), case.sent)
    };
    cases.iter().map(figure).collect()
}

fn ik(mine: &StaticKey, to: &Bundle, psk: Option<&Psk>) -> Vec<u8> {
    let opened = AcquaintedInitiator::new(mine, to, PROLOGUE, NOW);
    psk.into_iter().fold(opened, AcquaintedInitiator::psk).send_hello().unwrap().1
}

fn cases(known: &Acquainted) -> Vec<Case<'_>> {
    let suite = known.parties.suite;
    // Two static keys, and what is sent is for the older one.
    let [older, newer] = [2, 1].map(|ago| StaticKey::generate(&known.parties.bob, suite, NOW - ago, NOW + 1_000_000).unwrap());
    let to = older.bundle().clone();
    let mut two = Book::new();
    [older, newer].into_iter().for_each(|key| drop(two.add_key(key, NOW).unwrap()));
    let _ = two.take_bundle(known.alice.bundle().clone(), NOW).unwrap();
    let (two, without) = (Rc::new(RefCell::new(two)), Rc::new(RefCell::new(Book::new())));
    let good = ik(&known.alice, &to, None);
    let remembered = known.remember();
    let resume = resumed(&remembered.record);
    let keeps = Rc::new(RefCell::new(remembered.answerer));
    let plain = || known.responder(None);
    let psks = [(); 3].map(|()| Psk::generate().unwrap());
    let asked = ik(&known.alice, &to, Some(&psks[2]));
    let secretive = move || known.responder(Some(&psks[0])).psk(&psks[1]);
    vec![
        case("resources.cpu.ik.tag", "a bad tag, two static keys", plain, changed(&good), &two),
        case("resources.cpu.ik.psk", "another psk than either of two, two static keys", secretive, asked, &two),
        case("resources.cpu.ik.replayed", "a good first message, and silence", plain, good, &two),
        case("resources.cpu.ik.unknown", "one that names nobody, and silence", plain, ik(&stranger(suite), &to, None), &two),
        case("resources.cpu.resume.tag", "a bad tag", plain, changed(&resume), &keeps),
        case("resources.cpu.resume.replayed", "a record that is gone", plain, resume, &without),
    ]
}

/// The same where a store is full, and an acquaintance who resumes there.
fn crowded_cases(known: &Acquainted) -> Vec<Case<'_>> {
    let plain = || known.responder(None);
    let unknown = ik(&stranger(known.parties.suite), known.bob.bundle(), None);
    let gone = resumed(&known.remember().record);
    let crowded = Rc::new(RefCell::new(full(known)));
    let of_full = Rc::clone(&crowded);
    vec![
        case("resources.cpu.ik.full", "one that names nobody, among 4,096", plain, unknown, &crowded),
        case("resources.cpu.resume.full", "a record that is gone, among 4,096 and as many used ids", plain, gone, &crowded),
        Case {
            row: "resources.cpu.resume.honest",
            name: "by an acquaintance, among 4,096 records and as many used ids",
            run: Box::new(move || {
                let [mine, theirs] = known.meet(None).2.map(|mut channel| channel.keep_resumption(NOW).unwrap().unwrap());
                assert!(of_full.borrow_mut().keep(theirs, NOW).unwrap());
                answer(plain, &resumed(&Arc::new(mine)), &of_full)
            }),
            took: Duration::ZERO,
            sent: 0,
        },
    ]
}

fn case<'a>(
    row: &'static str,
    name: &'static str,
    responder: impl Fn() -> Responder + 'a,
    first: Vec<u8>,
    book: &Rc<RefCell<Book>>,
) -> Case<'a> {
    let book = Rc::clone(book);
    Case { row, name, run: Box::new(move || answer(&responder, &first, &book)), took: Duration::ZERO, sent: 0 }
}

/// The responder's own time with a first message, and the bytes of its answer. Nothing follows.
fn answer(responder: impl Fn() -> Responder, first: &[u8], book: &RefCell<Book>) -> (Duration, usize) {
    let mut book = book.borrow_mut();
    let start = clock();
    let sent = match responder().read_hello_with(first, &*book) {
        Err(rejected) => rejected.answer().len(),
        Ok(AnyHello::Acquainted(hello)) => hello.send_reply().unwrap().1.len(),
        Ok(AnyHello::Resume(read)) => {
            let accepted = read.remove(&mut *book).unwrap().judge(&mut TrustAnyone).unwrap();
            accepted.send_reply().unwrap().1.len()
        }
        Ok(_) => panic!("IK or resume was opened"),
    };
    (clock() - start, sent)
}

/// Message 1 of `resume`.
fn resumed(record: &Arc<Resumption>) -> Vec<u8> {
    let judged = ResumeInitiator::new(Arc::clone(record), PROLOGUE).judge(&mut TrustAnyone).unwrap();
    judged.send_hello(&mut Gone, NOW).unwrap().1
}

fn changed(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    *frame.last_mut().unwrap() ^= 1;
    frame
}

/// As much as a store keeps: bundles of others, records, and ids of used ones; and the responder's own static key.
fn full(known: &Acquainted) -> Book {
    let mut book = Book::new();
    let own = StaticKey::from_secret_bytes(known.bob.to_secret_bytes().expose()).unwrap();
    drop(book.add_key(own, NOW).unwrap());
    while book.take_bundle(stranger(known.parties.suite).bundle().clone(), NOW).unwrap() != Taken::Not(NotTaken::TooMany) {}
    let record = known.remember().record;
    for number in 0..2 * FULL {
        let record = another(&record, number);
        let (role, id) = (record.role(), *record.id());
        assert!(book.keep(record, NOW).unwrap());
        if number < FULL {
            assert!(book.remove(role, &id, NOW).unwrap());
        }
    }
    book
}
