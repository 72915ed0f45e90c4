//! Calling somebody: the first time, and again after the connection was cut.

use crate::cli::{Meeting, PORT};
use crate::failure::{Exit, Failure};
use crate::home::{Home, load_psk};
use crate::judge::{Judge, Stranger};
use crate::kept::way;
use crate::room::{Accepted, Room};
use crate::text::shell;
use crate::wire::PROLOGUE;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;
use twinlock::acquaintances::Way;
use twinlock::handshake::{Pattern, Psk};
use twinlock::io::{Connect, Error as Ended, Failed, Keeper, Observer, Stream};
#[cfg(feature = "level5")]
use twinlock::trust::Cnsa2;
use twinlock::trust::{KnownPeers, Met};
use twinlock::{Error, Fingerprint, Identity, Refusal, Suite};

/// How long one address may take to answer a call.
const CALL: Duration = Duration::from_secs(10);

/// Whom to call, and how.
pub(crate) struct Caller {
    me: Identity,
    suite: Suite,
    address: String,
    expected: String,
    pins: Vec<Fingerprint>,
    psk: Option<Psk>,
    cnsa2: bool,
    /// Meets as strangers also who is not verified.
    as_strangers: bool,
    home: Home,
    /// None where nobody is remembered.
    keeper: Option<Keeper>,
    trace: Option<Observer>,
}

/// Why a call did not bring the conversation back.
pub(crate) enum Again {
    /// It is worth another call.
    Later(String),
    Never(Failure),
}

/// Why a first call failed: what the library says, and why nobody was reached, where nobody was.
struct NotBegun {
    failed: Failed,
    nobody: Option<Failure>,
}

impl Caller {
    pub(crate) fn new(
        room: &Room,
        me: Identity,
        suite: Suite,
        address: &str,
        expected: String,
        meeting: &Meeting,
        as_strangers: bool,
    ) -> Result<Self, Failure> {
        Ok(Self {
            me,
            suite,
            address: address.to_owned(),
            expected,
            pins: meeting.peers.clone(),
            psk: meeting.psk_file.as_deref().map(load_psk).transpose()?,
            cnsa2: meeting.cnsa2,
            as_strangers,
            home: room.home.clone(),
            keeper: room.keeper.clone(),
            trace: room.trace.clone(),
        })
    }

    /// The first call of a run. What is kept of the peer is used; who was never talked with, or so long ago that nothing is kept any more, is met as a stranger.
    pub(crate) fn first<'a>(
        &'a self,
        room: &Room,
        ask: Option<&'a mut dyn FnMut(Stranger) -> Option<String>>,
    ) -> Result<Accepted, Failure> {
        let mut judge = self.judge(ask)?;
        let Some(peer) = self.acquaintance(&judge.known) else {
            let called = self.dial(None, &[Way::Met], &mut judge);
            return self.accepted(called, &mut judge);
        };
        let (ways, talked) = (self.ways(peer, &judge.known), self.was_talked_with(peer));
        let called = match self.dial(Some(peer), &ways, &mut judge) {
            Err(NotBegun { failed, .. }) if nothing_is_kept(&failed) => self.dial(Some(peer), &[Way::Met], &mut judge),
            called => called,
        };
        let accepted = self.accepted(called, &mut judge)?;
        let as_strangers =
            accepted.stream.beginning().is_some_and(|began| began.tried().is_empty() && is_between_strangers(began.pattern()));
        if talked && as_strangers {
            room.terminal.note(&format!("meeting {} as strangers do (XX): nothing that is kept can be used any more", self.expected));
        }
        Ok(accepted)
    }

    /// Calls the peer of a conversation that was cut. As strangers they meet only where that is allowed for this peer.
    pub(crate) fn again(&self, peer: Fingerprint) -> Result<Accepted, Again> {
        let mut judge = self.judge(None).map_err(Again::Never)?;
        let ways = if self.keeper.is_some() { self.ways(peer, &judge.known) } else { vec![Way::Met] };
        match self.dial(Some(peer), &ways, &mut judge) {
            Ok(stream) => Ok(Accepted { stream, name: judge.name() }),
            Err(NotBegun { failed, nobody }) => Err(match (failed.error(), nobody) {
                (_, Some(nobody)) => Again::Later(nobody.to_string()),
                (Ended::Transport(_), _) => Again::Later(failed.to_string()),
                (Ended::Protocol(error), _) if may_change(error) => Again::Later(failed.to_string()),
                (Ended::Protocol(Error::NotAcquainted), _) => Again::Never(Failure::new(
                    Exit::Cut,
                    format!(
                        "the connection was cut, and nothing is kept with which the conversation could go on by itself. Connect again to \
                         meet {} as strangers do",
                        self.expected
                    ),
                )),
                _ => Again::Never(self.explain(failed, &mut judge)),
            }),
        }
    }

    fn judge<'a>(&'a self, ask: Option<&'a mut dyn FnMut(Stranger) -> Option<String>>) -> Result<Judge<'a>, Failure> {
        let known = self.home.known_peers()?;
        Ok(Judge { pins: &self.pins, known, expected: Some(self.expected.clone()), ask, called: true, seen: None })
    }

    /// The key by which the one who is expected is known for this suite, where there is one alone.
    fn acquaintance(&self, known: &KnownPeers) -> Option<Fingerprint> {
        self.keeper.as_ref()?;
        let mut keys = known.by_name(&self.expected).filter(|entry| entry.suite().signature() == self.suite.signature());
        match (keys.next(), keys.next()) {
            (Some(only), None) => Some(only.fingerprint()),
            _ => None,
        }
    }

    /// As strangers only who is verified, unless told otherwise: somebody between can bring it about.
    fn ways(&self, peer: Fingerprint, known: &KnownPeers) -> Vec<Way> {
        let verified = known.by_fingerprint(peer).is_some_and(|entry| entry.met() == Met::Verified);
        let mut ways = vec![Way::Resumed, Way::Acquainted];
        if verified || self.as_strangers {
            ways.push(Way::Met);
        }
        ways
    }

    fn was_talked_with(&self, peer: Fingerprint) -> bool {
        let listed = self.keeper.as_ref().and_then(|keeper| keeper.store().acquaintances().ok()).unwrap_or_default();
        listed.iter().any(|one| (one.peer, one.suite) == (peer, self.suite))
    }

    fn dial(&self, peer: Option<Fingerprint>, ways: &[Way], judge: &mut Judge<'_>) -> Result<Stream<TcpStream>, NotBegun> {
        let mut connect = Connect::new(&self.me, PROLOGUE).suite(self.suite).ways(ways);
        if let Some(peer) = peer {
            connect = connect.peer(peer);
        }
        if let Some(keeper) = &self.keeper {
            connect = connect.acquaintances(keeper);
        }
        if let Some(psk) = &self.psk {
            connect = connect.psk(psk);
        }
        if let Some(trace) = &self.trace {
            connect = connect.observe(trace);
        }
        let mut nobody = None;
        let dial = || {
            dial(&self.address).map_err(|failure| {
                let error = io::Error::other(failure.to_string());
                nobody = Some(failure);
                error
            })
        };
        let called = match self.cnsa2 {
            #[cfg(feature = "level5")]
            true => connect.dial(dial, &mut Cnsa2(judge)),
            _ => connect.dial(dial, judge),
        };
        called.map_err(|failed| NotBegun { failed, nobody })
    }

    fn accepted(&self, called: Result<Stream<TcpStream>, NotBegun>, judge: &mut Judge<'_>) -> Result<Accepted, Failure> {
        match called {
            Ok(stream) => Ok(Accepted { stream, name: judge.name() }),
            Err(NotBegun { nobody: Some(nobody), .. }) => Err(nobody),
            Err(NotBegun { failed, nobody: None }) => Err(self.explain(failed, judge)),
        }
    }

    /// Why no conversation began, and what to do. An acquaintance with whom nothing that is kept worked is not met as a stranger unasked.
    fn explain(&self, failed: Failed, judge: &mut Judge<'_>) -> Failure {
        let kept_of = match failed.way() {
            Some(way @ (Way::Resumed | Way::Acquainted)) if is_the_others_doing(failed.error()) => Some(way),
            _ => None,
        };
        let Some(last) = kept_of else { return judge.failure(failed.error(), |error| Failure::call(error, self.suite)) };
        if let Ended::Protocol(Error::RefusedByPeer(Refusal::Busy)) = failed.error() {
            return Failure::call(failed.error(), self.suite);
        }
        let mut tried: Vec<String> = failed.tried().iter().map(|tried| format!("{}: {}", way(tried.way), tried.error)).collect();
        tried.push(format!("{}: {failed}", way(last)));
        let name = &self.expected;
        let text = format!(
            "{name} is an acquaintance, but the conversation could not begin with what is kept ({}).\n\
             Perhaps {name} has lost what was kept there, listens with --peer, or has another shared key. Perhaps somebody on the way wants \
             the two of you to meet as strangers, which costs signatures, and shows who listens there to anybody who asks. Since you have not \
             verified {name}, that is not done unasked. If it does not matter: chat connect {} --name {} --as-strangers, and then /verify",
            tried.join("; "),
            shell(&self.address),
            shell(name)
        );
        Failure::new(Exit::Refused, text)
    }
}

pub(crate) const fn is_between_strangers(pattern: Pattern) -> bool {
    matches!(pattern, Pattern::Xx | Pattern::XxPsk0)
}

fn nothing_is_kept(failed: &Failed) -> bool {
    failed.way().is_none() && failed.tried().is_empty() && matches!(failed.error(), Ended::Protocol(Error::NotAcquainted))
}

/// Whether it was the peer, or somebody between. A network that fails is neither: the same call may go well later.
const fn is_the_others_doing(error: &Ended) -> bool {
    matches!(error, Ended::Protocol(error) if may_change(error) && !matches!(error, Error::TimedOut))
}

/// Whether another call may go better: nothing of this is proved to come from the peer.
const fn may_change(error: &Error) -> bool {
    use Error::{Authentication, Malformed, RefusedByPeer, TimedOut, Truncated};
    matches!(error, RefusedByPeer(_) | Malformed | Authentication | Truncated | TimedOut)
}

/// The first of the host's addresses that answers.
fn dial(address: &str) -> Result<TcpStream, Failure> {
    let nobody = |why: String| {
        let hint = "Is the address right, and does the other side listen (`chat listen`)?";
        Failure::new(Exit::NobodyThere, format!("nobody answers at {address}: {why}. {hint}"))
    };
    let with_port = if has_port(address) { address.to_owned() } else { format!("{address}:{PORT}") };
    let mut last = "the host has no address".to_owned();
    for address in with_port.to_socket_addrs().map_err(|error| nobody(error.to_string()))? {
        match TcpStream::connect_timeout(&address, CALL).and_then(|socket| socket.set_nodelay(true).map(|()| socket)) {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error.to_string(),
        }
    }
    Err(nobody(last))
}

/// `host:1`, `1.2.3.4:1`, `[::1]:1`; but not `host`, and not `[::1]`.
fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| port.parse::<u16>().is_ok() && (!host.contains(':') || host.ends_with(']')))
}
