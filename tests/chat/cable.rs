//! A cable that can be cut: somebody on the way who carries bytes, up to a point.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A direction, and after how many bytes in it a connection is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    ToListener(u64),
    ToCaller(u64),
}

/// Carries connections to a listener.
pub(crate) struct Cable {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// One for each connection to come. Those after them are not cut.
    cuts: VecDeque<Cut>,
    /// No connection gets through.
    down: bool,
    live: Vec<Line>,
    /// The first bytes that callers sent, one for each connection.
    hellos: Vec<Vec<u8>>,
}

/// The caller's socket and the listener's, and whether it is dead without either being told by this one.
struct Line {
    ends: [TcpStream; 2],
    dead: Arc<AtomicBool>,
}

impl Cable {
    pub(crate) fn to(listener: &str) -> Self {
        let (here, there) = (TcpListener::bind("127.0.0.1:0").unwrap(), listener.to_owned());
        let address = here.local_addr().unwrap().to_string();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for caller in here.incoming().map_while(Result::ok) {
                carry(&shared, caller, &there);
            }
        });
        Self { address, state }
    }

    /// Cuts the connections to come, one after the other.
    pub(crate) fn plan(&self, cuts: &[Cut]) {
        self.state.lock().unwrap().cuts.extend(cuts);
    }

    /// How many of them are left.
    pub(crate) fn left(&self) -> usize {
        self.state.lock().unwrap().cuts.len()
    }

    /// Cuts what there is, and for as long as it is down what comes.
    pub(crate) fn cut(&self, down: bool) {
        let mut state = self.state.lock().unwrap();
        state.down = down;
        state.live.drain(..).flat_map(|line| line.ends).for_each(|socket| drop(socket.shutdown(Shutdown::Both)));
    }

    /// As when the caller's network changes: its connection is gone, and the listener hears nothing of that.
    pub(crate) fn change_network(&self) {
        for line in &self.state.lock().unwrap().live {
            line.dead.store(true, Ordering::SeqCst);
            line.ends[0].shutdown(Shutdown::Both).unwrap();
        }
    }

    pub(crate) fn mend(&self) {
        self.state.lock().unwrap().down = false;
    }

    /// The patterns of the first messages, by their numbers.
    pub(crate) fn patterns(&self) -> Vec<u8> {
        self.state.lock().unwrap().hellos.iter().filter_map(|hello| hello.get(5).copied()).collect()
    }
}

fn carry(shared: &Arc<Mutex<State>>, caller: TcpStream, there: &str) {
    let mut state = shared.lock().unwrap();
    if state.down {
        return;
    }
    let Ok(listener) = TcpStream::connect(there) else { return };
    let (to_listener, to_caller) = match state.cuts.pop_front() {
        Some(Cut::ToListener(bytes)) => (bytes, u64::MAX),
        Some(Cut::ToCaller(bytes)) => (u64::MAX, bytes),
        None => (u64::MAX, u64::MAX),
    };
    let number = state.hellos.len();
    state.hellos.push(Vec::new());
    [&caller, &listener].iter().for_each(|socket| socket.set_nodelay(true).unwrap());
    let dead = Arc::<AtomicBool>::default();
    let (here, there) = (Arc::clone(&dead), Arc::clone(&dead));
    state.live.push(Line { ends: [caller.try_clone().unwrap(), listener.try_clone().unwrap()], dead });
    let ends = [caller, listener];
    let [again, back] = [0, 1].map(|at: usize| ends[at].try_clone().unwrap());
    let noted = Arc::clone(shared);
    let [from, to] = ends;
    thread::spawn(move || {
        pass(from, to, to_listener, &here, |bytes| {
            let hello = &mut noted.lock().unwrap().hellos[number];
            hello.extend(bytes.iter().take(8 - hello.len().min(8)));
        });
    });
    thread::spawn(move || pass(back, again, to_caller, &there, |_| ()));
}

/// One direction, up to its end or its cut, which is that of both.
fn pass(mut from: TcpStream, mut to: TcpStream, mut limit: u64, dead: &AtomicBool, mut note: impl FnMut(&[u8])) {
    let mut buffer = [0; 4_096];
    loop {
        let most = usize::try_from(limit).unwrap_or(buffer.len()).min(buffer.len());
        let read = from.read(&mut buffer[..most.max(1)]);
        if dead.load(Ordering::SeqCst) {
            return;
        }
        let carried = match read {
            Ok(n) if n > 0 && limit > 0 => n,
            Ok(0) => {
                // An end is passed on as one.
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            _ => break,
        };
        note(&buffer[..carried]);
        if to.write_all(&buffer[..carried]).is_err() {
            break;
        }
        limit -= u64::try_from(carried).unwrap();
        if limit == 0 {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
