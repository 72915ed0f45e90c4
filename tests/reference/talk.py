"""Speaks the chat of docs/chat.md over TCP, for tests of interoperability.

    python talk.py keygen FILE                      makes a secret identity and prints its fingerprint
    python talk.py fingerprint FILE                 prints the fingerprint of a secret or public identity
    python talk.py listen --identity FILE ...       takes one conversation, or --conversations of them, and ends
    python talk.py connect HOST PORT --identity FILE ...

A conversation sends what --say and --send name, prints what it receives, one line each, and closes with code 0 when everything was
sent and --expect texts and files were received. It ends with status 0 then, and with status 1 and a message after any error.

Several conversations of one process, one after the other, each say, send and expect the same; with --same-run their connections carry
one conversation, which goes on after a cut. What acquaintances keep of each other goes
from one to the next, and with --state from one process to the next: see README.md.
"""

import argparse
import copy
import hashlib
import os
import pathlib
import select
import socket
import sys
import tempfile
import time

import acquaintances as aq
import state
import twinlock as tl

PROLOGUE = b"twinlock chat/2"
READY, TEXT, FILE, CHUNK, FILE_END, FILE_CANCEL, FILE_STOP, FILE_STORED, STATEMENT, HAD, GOT = range(11)
RUN_LENGTH = 16
MAX_TEXT = MAX_CHUNK = MAX_STATEMENT = 65536
MAX_MESSAGE = 2**20
CLOSE_MALFORMED = 256
ENOUGH_OUTPUT = 2**18
DAY = 86_400
# What a delivered bundle is asked for with.
BUNDLE_PING = 0xB00C
STATEMENT_KINDS = {tl.BESIDE: "beside", tl.INSTEAD: "instead", tl.REVOKED: "revoked"}


class ChatError(Exception):
    """Ends the conversation; the text says why."""


class BadMessage(ChatError):
    """The peer broke a rule of docs/chat.md: the conversation ends with a Close of code 256."""


def say(line):
    """One line; what is not printable stands there escaped."""
    print("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line), flush=True)


# ---------------------------------------------------------------------------------------------------------------------------------
# Transport


class Transport:
    """A TCP connection with one deadline for everything, and buffers for both ways."""

    def __init__(self, sock, timeout):
        sock.setblocking(False)
        self._sock = sock
        self._deadline = time.monotonic() + timeout
        self._input = bytearray()
        self.output = bytearray()
        self._ended = False

    def send(self, data):
        self.output += data

    def wait(self):
        """Moves bytes in both directions; returns after some moved."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise ChatError("deadline passed")
        reading = [] if self._ended else [self._sock]
        readable, writable, _ = select.select(reading, [self._sock] if self.output else [], [], left)
        if readable:
            data = self._sock.recv(65536)
            self._input += data
            self._ended = not data
        if writable:
            del self.output[:self._sock.send(self.output[:65536])]

    def take_frame(self, length_allowed):
        """A whole frame if one is there, else None. The length is judged before anything more is read."""
        if len(self._input) < 2:
            return self._missing()
        length = int.from_bytes(self._input[:2], "big")
        if not length_allowed(length):
            return bytes(self._input[:2])
        if len(self._input) < 2 + length:
            return self._missing()
        frame = bytes(self._input[:2 + length])
        del self._input[:2 + length]
        return frame

    def _missing(self):
        if self._ended and self._input:
            raise ChatError("the connection ended within a frame")
        return None

    @property
    def ended(self):
        return self._ended and not self._input

    def read_frame(self, length_allowed):
        while (frame := self.take_frame(length_allowed)) is None:
            if self.ended:
                raise ChatError("the peer closed the connection during the handshake")
            self.wait()
        return frame

    def flush(self):
        while self.output:
            self.wait()

    def end(self):
        """Shuts down writing and reads to the end, lest a reset swallow the last bytes."""
        try:
            self.flush()
            self._sock.shutdown(socket.SHUT_WR)
            while not self._ended:
                self._input.clear()
                self.wait()
        except (OSError, ChatError):
            pass
        self._sock.close()


# ---------------------------------------------------------------------------------------------------------------------------------
# Handshake


def pattern_named(name, psk):
    return name if psk is None or name == "resume" else name + "psk0"


class Person:
    """Who talks: identity, configuration, and what is kept between conversations."""

    def __init__(self, options):
        self.options = options
        self.identity = read_identity(options.identity, options.passphrase)
        self.accepted = [tl.fingerprint_read(text) for text in options.peer]
        self.psk = bytes.fromhex(options.psk) if options.psk else None
        self.suite = tl.SUITES[options.suite]
        self.book = state.FileBook(options.state)
        self.decoys = aq.Decoys((options.suite,))
        if options.bundle and not self.book.static_keys(self.suite, self.now()):
            self.book.issue(options.suite, self.identity, self.now() - DAY, self.now() + 28 * DAY)

    def now(self):
        return int(time.time()) + self.options.clock

    def acceptable(self, peer):
        return peer is not None and peer.fingerprint() in self.accepted

    # The one who opens

    def initiator(self, name):
        if name == "IK":
            own, bundle = self._bundles()
            return aq.AcquaintedInitiator(PROLOGUE, self.acceptable, own, bundle, self.now(), self.psk)
        if name == "resume":
            return aq.ResumeInitiator(self.book, self._record(), PROLOGUE, self.suite.id, self.acceptable, self.now(), self.psk)
        return tl.Initiator(pattern_named(name, self.psk), PROLOGUE, self.acceptable, self.identity, self.psk, suite=self.suite.id)

    def _bundles(self):
        for fingerprint in self.accepted:
            bundle = self.book.bundle_of(fingerprint, self.suite, self.now())
            own = self.book.delivered_static(fingerprint, self.suite, self.now())
            if bundle and own:
                return own, bundle
        raise ChatError("no acquaintance: its bundle is missing, or ours was not delivered to it")

    def _record(self):
        records = [self.book.newest_record(fingerprint, self.suite, self.now()) for fingerprint in self.accepted]
        if not any(records):
            raise ChatError("there is no conversation to resume")
        return next(record for record in records if record)

    # The one who answers

    def responder(self, names):
        patterns = tuple(pattern_named(name, self.psk) for name in names)
        psks = (self.psk,) if self.psk else ()
        config = tl.ResponderConfig(PROLOGUE, self.identity, self.acceptable, patterns, (self.suite.id,), psks=psks)
        return aq.Responder(config, self.book, self.now(), self.decoys, self.options.early_data)


def handshake(transport, person, pattern):
    """`pattern` is the one to open with, or None for a listener."""
    try:
        if pattern:
            return initiate(transport, person.initiator(pattern), person.options.early)
        return respond(transport, person.responder(person.options.allow or ["XX"]))
    except tl.Declined as declined:
        transport.send(declined.answer)
        raise


def initiate(transport, initiator, early):
    payload = [early.encode()] if early and initiator.pattern == "resume" else []
    transport.send(initiator.write_1(*payload))
    initiator.read_2(transport.read_frame(initiator.length_allowed))
    if initiator.messages_left:
        transport.send(initiator.write_3())
    return initiator.session


def respond(transport, responder):
    payload = responder.read_1(transport.read_frame(responder.length_allowed))
    if payload and responder.pattern == "resume":
        say(f"early: {payload.decode(errors='replace')}")
    transport.send(responder.write_2())
    if responder.messages_left:
        responder.read_3(transport.read_frame(responder.length_allowed))
    return responder.session


# ---------------------------------------------------------------------------------------------------------------------------------
# Files


def harmless_name(name):
    """The last component, without control characters and without leading dots."""
    last = name.replace("\\", "/").split("/")[-1]
    return "".join(c for c in last if c.isprintable() and c not in '<>:"|?*').lstrip(". ") or "file"


class IncomingFile:
    """A file on its way in. It stands under a temporary name until it is whole."""

    def __init__(self, number, size, name, directory):
        self.number, self.size, self.name = number, size, harmless_name(name)
        self._directory = pathlib.Path(directory)
        self._file = tempfile.NamedTemporaryFile(dir=self._directory, prefix=".incoming-", delete=False)
        self._received, self._hash = 0, hashlib.sha256()

    def add(self, data):
        self._received += len(data)
        if self._received > self.size:
            raise BadMessage("more bytes of a file than announced")
        self._file.write(data)
        self._hash.update(data)

    def store(self):
        """Gives it its name, or another if that is taken."""
        if self._received != self.size:
            raise BadMessage("fewer bytes of a file than announced")
        self._file.close()
        for attempt in range(1, 1000):
            stem, dot, suffix = self.name.partition(".")
            name = self.name if attempt == 1 else f"{stem} ({attempt}){dot}{suffix}"
            try:
                os.link(self._file.name, self._directory / name)
                break
            except FileExistsError:
                continue
        else:
            raise ChatError("no name is free for a file")
        self.discard()
        return self._hash.hexdigest()

    def discard(self):
        self._file.close()
        os.unlink(self._file.name)


class OutgoingFile:
    """A file on its way out, chunk by chunk. It has no number while it is to begin."""

    def __init__(self, path):
        self.number, self.all_sent = None, False
        self.name, self._path = pathlib.Path(path).name, path

    def begin(self, number):
        """Its File."""
        self.number, self.all_sent = number, False
        self._file = open(self._path, "rb")
        self._left = os.fstat(self._file.fileno()).st_size
        return bytes([FILE]) + tl.u32(number) + u64(self._left) + self.name.encode()

    def was_cut(self, files):
        """The peer has dealt with the files up to this number. What it has not dealt with begins again; what it has is answered again."""
        if self.number is not None and self.number <= files:
            self.close()
        else:
            self.number = None

    def next_message(self):
        """The next Chunk, or FileEnd."""
        data = self._file.read(min(MAX_CHUNK, self._left))
        self._left -= len(data)
        if data:
            return bytes([CHUNK]) + tl.u32(self.number) + data
        if self._left:
            raise ChatError(f"{self.name} became shorter")
        self.close()
        return bytes([FILE_END]) + tl.u32(self.number)

    def close(self):
        self.all_sent = True
        self._file.close()


# ---------------------------------------------------------------------------------------------------------------------------------
# Conversation


def u64(number):
    return number.to_bytes(8, "big")


def read_u64(data):
    if len(data) != 8:
        raise BadMessage("a number of the wrong length")
    return int.from_bytes(data, "big")


def utf8(data, least, greatest):
    if not least <= len(data) <= greatest:
        raise BadMessage("a text of the wrong length")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadMessage("a text that is not UTF-8") from None


class Talk:
    """What of a conversation goes on over the next channel (docs/chat.md, section 1). Without --same-run each channel is a conversation of its own."""

    def __init__(self, options):
        self.run = os.urandom(RUN_LENGTH)
        self.peer_run = None
        self.texts, self.paths = list(options.say), list(options.send)
        # Texts that are not acknowledged, the first of them with the number after that of the last that is.
        self.unacknowledged, self.acknowledged, self.sent = [], 0, 0
        self.outgoing, self.file_answered, self.file_sent = None, 0, 0
        self.shown, self.file_had, self.file_answer = 0, 0, None
        self.received = 0

    def hear_run(self, run):
        """The peer's run. A new one knows nothing of what was said to another."""
        if self.peer_run not in (None, run):
            self.acknowledged = self.sent = self.file_answered = self.file_sent = 0
            self.shown, self.file_had, self.file_answer = 0, 0, None
            if self.outgoing:
                self.outgoing.number = None
        self.peer_run = run

    def acknowledge(self, number):
        while self.acknowledged < number:
            self.unacknowledged.pop(0)
            self.acknowledged += 1

    def next_text(self, sent_here):
        """The next text to send in this channel with its number, or None."""
        while len(self.unacknowledged) <= sent_here - self.acknowledged:
            if not self.texts:
                return None
            self.unacknowledged.append(self.texts.pop(0).encode())
        self.sent = max(self.sent, sent_here + 1)
        return sent_here + 1, self.unacknowledged[sent_here - self.acknowledged]

    def said_all(self):
        return not (self.texts or self.unacknowledged or self.paths or self.outgoing)


class Conversation:
    def __init__(self, transport, session, options, person, talk):
        self._transport = transport
        self._talk = talk
        self._options = options
        self._person, self._peer = person, session.peer.fingerprint()
        self._bundle_to_send = self._newer_bundle()
        padding = {"none": tl.pad_none, "padme": tl.pad_padme}.get(options.padding) or tl.pad_multiple(int(options.padding))
        self._channel = session.channel(padding=padding)
        self._messages = tl.Messages(MAX_MESSAGE)
        self._statements = [read_statement(path).body for path in options.statement]
        self._texts_sent = 0
        self._incoming, self._stopped = None, None
        self._peer_ready = self._agreed = False
        self._pong_awaited = self._rekey_awaited = self._delivery_awaited = False

    def run(self):
        self._send(bytes([READY]) + self._talk.run)
        try:
            while not (self._channel.closed and self._channel.peer_closed):
                self._read()
                self._write()
                if not (self._channel.closed and self._channel.peer_closed):
                    self._transport.wait()
        except BadMessage as error:
            self._close(CLOSE_MALFORMED, str(error))
            raise
        finally:
            self._drop_incoming()
        if self._talk.received < self._options.expect:
            raise ChatError(f"{self._talk.received} of {self._options.expect} texts, files and statements received")
        if not self._everything_sent():
            raise ChatError("the peer closed before everything was sent")

    # Sending

    def _send(self, message):
        self._transport.send(self._channel.message(message))

    def _close(self, code=0, reason=""):
        if not self._channel.closed:
            self._transport.send(self._channel.close(code, reason))

    def _everything_sent(self):
        return self._talk.said_all() and not (self._statements or self._pong_awaited or self._rekey_awaited or self._delivery_awaited)

    def _newer_bundle(self):
        """The own one to send: the newest, if it is asked for and this peer has not got it."""
        if not self._options.bundle:
            return None
        book, suite, now = self._person.book, self._person.suite, self._person.now()
        newest = book.static_keys(suite, now)[0]
        return None if book.delivered_static(self._peer, suite, now) is newest else newest.bundle

    def _write(self):
        """Sends what there is to send, unless much is under way; closes when all is done."""
        if self._channel.closed or not self._agreed:
            return
        self._write_control()
        while len(self._transport.output) < ENOUGH_OUTPUT and self._write_one():
            pass
        if self._channel.peer_closed or self._everything_sent() and self._talk.received >= self._options.expect:
            self._close()

    def _write_control(self):
        """The things that the command line asks for once."""
        if self._bundle_to_send:
            self._transport.send(self._channel.bundle(self._bundle_to_send) + self._channel.ping(BUNDLE_PING))
            self._delivery_awaited, self._bundle_to_send = True, None
        if self._options.key_update:
            self._options.key_update = False
            self._transport.send(self._channel.key_update())
            say("key updated")
        if self._options.rekey:
            self._options.rekey, self._rekey_awaited = False, True
            self._transport.send(self._channel.offer_rekey())
        if self._options.ping is not None:
            self._transport.send(self._channel.ping(self._options.ping))
            self._pong_awaited, self._options.ping = True, None

    def _write_one(self):
        """Sends one message; False if there is none to send now. A text goes between the chunks of a file."""
        if self._statements:
            self._send(bytes([STATEMENT]) + self._statements.pop(0))
            return True
        talk = self._talk
        if numbered := talk.next_text(self._texts_sent):
            self._texts_sent, text = numbered
            if not 1 <= len(text) <= MAX_TEXT:
                raise ChatError("a text has 1 to 65,536 bytes")
            self._send(bytes([TEXT]) + u64(self._texts_sent) + text)
            return True
        if talk.outgoing is None and talk.paths:
            talk.outgoing = OutgoingFile(talk.paths.pop(0))
        if talk.outgoing and talk.outgoing.number is None:
            talk.file_sent += 1
            self._send(talk.outgoing.begin(talk.file_sent))
            return True
        if talk.outgoing and not talk.outgoing.all_sent:
            self._send(talk.outgoing.next_message())
            return True
        return False

    # Receiving

    def _read(self):
        while (frame := self._transport.take_frame(self._channel.length_allowed)) is not None:
            event = self._channel.receive(frame)
            self._transport.send(self._channel.answers())
            self._on_event(event)
        if self._transport.ended:
            self._channel.transport_ended()

    def _on_event(self, event):
        if event.type == tl.Type.CLOSE:
            self._on_close(event)
        elif event.type == tl.Type.REKEY:
            self._rekey_awaited = False
            say("rekeyed")
        elif event.type == tl.Type.BUNDLE:
            self._on_bundle(event.bundle)
        elif event.type == tl.Type.PING and event.answer and event.number != BUNDLE_PING:
            self._pong_awaited = False
            say(f"pong: {event.number}")
        if self._delivery_awaited and self._channel.delivered:
            self._delivery_awaited = False
            self._person.book.mark_delivered(self._peer, self._person.suite, self._channel.delivered)
            say(f"bundle delivered: {self._channel.delivered.hex()}")
        try:
            message = self._messages.feed(event)
        except tl.Aborted:
            say("a message was aborted")
            return
        except tl.TwinlockError as error:
            raise BadMessage(str(error)) from None
        if message is not None:
            self._on_message(message)

    def _on_bundle(self, bundle):
        try:
            outcome = "kept" if self._person.book.take(bundle, self._person.now()) else "the same"
        except tl.NotTaken as error:
            outcome = str(error)
        say(f"bundle: {bundle.reference.hex()} {outcome}")

    def _on_close(self, event):
        if event.code != tl.CLOSE_DONE:
            self._close()
            raise ChatError(f"the peer closed with code {event.code} {event.reason!r}")
        self._close()

    def _on_message(self, message):
        if not message:
            raise BadMessage("a message without a kind")
        kind, fields = message[0], message[1:]
        if kind != READY and not self._peer_ready:
            raise BadMessage("a message before Ready")
        if kind not in (READY, HAD) and not self._agreed:
            raise BadMessage("a message before Had")
        handlers = {READY: self._on_ready, HAD: self._on_had, GOT: self._on_got, TEXT: self._on_text, FILE: self._on_file, CHUNK: self._on_chunk,
                    FILE_END: self._on_file_end, FILE_CANCEL: self._on_file_cancel, FILE_STOP: self._on_file_stop,
                    FILE_STORED: self._on_file_stored, STATEMENT: self._on_statement}
        if kind in handlers:
            handlers[kind](fields)

    def _on_ready(self, run):
        if len(run) != RUN_LENGTH:
            raise BadMessage("a Ready of the wrong length")
        if self._peer_ready:
            if run != self._talk.peer_run:
                raise BadMessage("a second Ready of another run")
            return
        self._peer_ready = True
        self._talk.hear_run(run)
        self._reply(HAD, run + u64(self._talk.shown) + tl.u32(self._talk.file_had))
        if self._talk.file_answer and self._talk.file_answer[0] == self._talk.file_had:
            self._reply(*self._talk.file_answer[1:])

    def _on_had(self, fields):
        if len(fields) != RUN_LENGTH + 12 or self._agreed:
            raise BadMessage("a second Had, or one of the wrong length")
        talk, run, texts, files = self._talk, fields[:RUN_LENGTH], read_u64(fields[RUN_LENGTH:-4]), int.from_bytes(fields[-4:], "big")
        if run != talk.run:
            raise BadMessage("a Had of another run")
        if not (talk.acknowledged <= texts <= talk.sent and talk.file_answered <= files <= talk.file_sent):
            raise BadMessage("a Had with wrong numbers")
        if texts < talk.sent:
            say(f"again: {talk.sent - texts} texts")
        talk.acknowledge(texts)
        self._texts_sent = texts
        talk.file_sent = files
        if talk.outgoing:
            talk.outgoing.was_cut(files)
        self._agreed = True

    def _on_got(self, fields):
        if len(fields) != 8:
            raise BadMessage("a Got of the wrong length")
        if read_u64(fields) > self._texts_sent:
            raise BadMessage("a Got for a text that was never sent")
        self._talk.acknowledge(read_u64(fields))

    def _on_text(self, fields):
        number, text = read_u64(fields[:8]), utf8(fields[8:], 1, MAX_TEXT)
        if not 1 <= number <= self._talk.shown + 1:
            raise BadMessage("a text out of turn")
        if number > self._talk.shown:
            say(f"text: {text}")
            self._talk.shown = number
            self._talk.received += 1
        self._reply(GOT, u64(self._talk.shown))

    def _on_statement(self, fields):
        """Shown, and passed over where it is not valid: nothing is remembered here."""
        if not 1 <= len(fields) <= MAX_STATEMENT:
            raise BadMessage("a statement of the wrong length")
        try:
            statement = tl.statement_read(fields, tl.SIGNATURES)
        except tl.TwinlockError as error:
            say(f"statement passed over: {error}")
            return
        keys = [tl.fingerprint_write(public.fingerprint()) for public in (statement.old, statement.new) if public]
        say(f"statement: {STATEMENT_KINDS[statement.kind]} {' '.join(keys)}")
        self._talk.received += 1

    # Receiving files

    def _number(self, fields, exact=True):
        if len(fields) < 4 or exact and len(fields) != 4:
            raise BadMessage("a file message of the wrong length")
        return int.from_bytes(fields[:4], "big")

    def _reply(self, kind, fields):
        if not self._channel.closed:
            self._send(bytes([kind]) + fields)

    def _answer_file(self, kind, number, reason=b""):
        """Kept, since it may get lost in a cut."""
        self._talk.file_had, self._talk.file_answer = number, (number, kind, tl.u32(number) + reason)
        self._reply(*self._talk.file_answer[1:])

    def _on_file(self, fields):
        number = self._number(fields, exact=False)
        size, name = int.from_bytes(fields[4:12], "big"), utf8(fields[12:], 1, 255)
        if number != self._talk.file_had + 1 or self._incoming or self._stopped:
            raise BadMessage("a file out of turn")
        if self._options.files is None or self._channel.closed:
            self._stop_incoming(number, b"declined")
            return
        try:
            self._incoming = IncomingFile(number, size, name, self._options.files)
        except OSError as error:
            say(f"not stored: {error}")
            self._stop_incoming(number, b"could not be stored")

    def _stop_incoming(self, number, reason):
        self._stopped = number
        self._answer_file(FILE_STOP, number, reason)

    def _under_way(self, number):
        """The incoming file of this number, or None for one that was stopped and whose last messages are passed over."""
        if number == self._stopped:
            return None
        if not self._incoming or self._incoming.number != number:
            raise BadMessage("a part of a file that is not under way")
        return self._incoming

    def _on_chunk(self, fields):
        number, data = self._number(fields, exact=False), fields[4:]
        if not 1 <= len(data) <= MAX_CHUNK:
            raise BadMessage("a chunk of the wrong length")
        if incoming := self._under_way(number):
            incoming.add(data)

    def _on_file_end(self, fields):
        number = self._number(fields)
        if not (incoming := self._under_way(number)):
            self._stopped = None
            return
        digest = incoming.store()
        self._incoming = None
        self._answer_file(FILE_STORED, number)
        say(f"file: {incoming.name} {incoming.size} {digest}")
        self._talk.received += 1

    def _on_file_cancel(self, fields):
        if incoming := self._under_way(self._number(fields)):
            say(f"cancelled: {incoming.name}")
            self._talk.file_had = incoming.number
        self._drop_incoming()
        self._stopped = None

    def _drop_incoming(self):
        if self._incoming:
            self._incoming.discard()
            self._incoming = None

    # What the peer says of our files

    def _own_file(self, number):
        """Our file under way with this number, or None for one that has ended."""
        talk = self._talk
        if not 1 <= number <= talk.file_sent:
            raise BadMessage("an answer to a file that was never sent")
        talk.file_answered = max(talk.file_answered, number)
        return talk.outgoing if talk.outgoing and talk.outgoing.number == number else None

    def _on_file_stop(self, fields):
        number, reason = self._number(fields, exact=False), utf8(fields[4:], 0, MAX_TEXT)
        if not (outgoing := self._own_file(number)):
            return
        say(f"stopped: {outgoing.name} {reason}")
        if not outgoing.all_sent:
            outgoing.close()
            self._reply(FILE_CANCEL, tl.u32(number))
        self._talk.outgoing = None

    def _on_file_stored(self, fields):
        outgoing = self._own_file(self._number(fields))
        if not outgoing:
            return
        if not outgoing.all_sent:
            raise BadMessage("a file stored before its end")
        say(f"stored: {outgoing.name}")
        self._talk.outgoing = None


# ---------------------------------------------------------------------------------------------------------------------------------
# Command line


def read_identity(path, passphrase):
    return tl.secret_read(pathlib.Path(path).read_text(encoding="ascii"), passphrase)


def read_statement(path):
    return tl.statement_read_file(pathlib.Path(path).read_text(encoding="ascii"), tl.SIGNATURES)


def make_statement(options):
    """About one identity, revoked; or two, the new one beside the old or in its place."""
    kind = next(number for number, name in STATEMENT_KINDS.items() if name == options.kind)
    identities = [read_identity(path, options.passphrase) for path in options.identities]
    body = tl.statement_make(kind, int(time.time()), *identities)
    pathlib.Path(options.file).write_text(tl.statement_write(body), encoding="ascii")


def keygen(options):
    identity = tl.Identity.generate(signature=tl.SUITES[options.suite].signature)
    if options.passphrase is None:
        text = tl.secret_write(identity)
    else:
        text = tl.secret_write_encrypted(identity, options.passphrase)
    tl.create_secret_file(options.file, text)
    say(tl.fingerprint_write(identity.public.fingerprint()))


def fingerprint(options):
    text = pathlib.Path(options.file).read_text(encoding="ascii")
    public = tl.public_read(text) if "PUBLIC" in text.split("\n")[0] else tl.secret_read(text, options.passphrase).public
    say(tl.fingerprint_write(public.fingerprint()))


def connections(options):
    """Each connection, and the pattern to open with, or None for a listener."""
    if options.command == "connect":
        for pattern in options.open or ["XX"]:
            yield socket.create_connection((options.host, options.port), timeout=options.timeout), pattern
        return
    with socket.create_server(("127.0.0.1", options.port)) as server:
        say(f"listening on 127.0.0.1:{server.getsockname()[1]}")
        server.settimeout(options.timeout)
        for _ in range(options.conversations):
            yield server.accept()[0], None


def converse(options):
    """With --go-on only the last conversation decides how it ends."""
    person, failure, talk = Person(options), None, None
    for connection, pattern in connections(options):
        if talk is None or not options.same_run:
            talk = Talk(options)
        try:
            converse_once(connection, pattern, person, talk)
            failure = None
        except (ChatError, tl.TwinlockError, OSError) as error:
            if not options.go_on:
                raise
            failure = error
            say(f"failed: {error}")
    if failure:
        raise failure


def converse_once(connection, pattern, person, talk):
    transport = Transport(connection, person.options.timeout)
    try:
        session = handshake(transport, person, pattern)
        say(f"pattern: {session.pattern}")
        say(f"peer: {tl.fingerprint_write(session.peer.fingerprint())}")
        say(f"conversation: {session.handshake_hash.hex()}")
        if person.options.keep:
            record = aq.resumption_of(session, person.now())
            person.book.keep(record, person.now())
            say(f"resumption: {record.id.hex()}")
        Conversation(transport, session, copy.copy(person.options), person, talk).run()
    except tl.Fatal:
        transport.output.clear()
        raise
    finally:
        for number in person.book.reports:
            say(f"used twice: {number.hex()}")
        person.book.reports.clear()
        person.book.save()
        transport.end()


def parser():
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True)
    command = commands.add_parser("statement", help="make a statement about one's own identities")
    command.add_argument("kind", choices=STATEMENT_KINDS.values())
    command.add_argument("file", help="file to write")
    command.add_argument("identities", nargs="+", help="files with the old secret identity, and with the new one unless it is revoked")
    command.add_argument("--passphrase")
    for name in ("keygen", "fingerprint"):
        command = commands.add_parser(name)
        command.add_argument("file")
        command.add_argument("--passphrase")
        if name == "keygen":
            add_suite_option(command)
    for name in ("listen", "connect"):
        command = commands.add_parser(name)
        if name == "listen":
            command.add_argument("--port", type=int, default=0, help="0 takes a free one")
            command.add_argument("--conversations", type=int, default=1, help="how many to take, one after the other")
            command.add_argument("--allow", action="append", choices=OPENINGS, help="a pattern that is allowed; may be repeated; XX alone without it")
        else:
            command.add_argument("host")
            command.add_argument("port", type=int)
            command.add_argument("--open", action="append", choices=OPENINGS, help="the pattern to open with, XX without it; repeated: several conversations")
        add_conversation_options(command)
    return top


OPENINGS = ("XX", "IK", "resume")


def suite_number(text):
    number = int(text, 16)
    if number not in tl.SUITES:
        raise ValueError
    return number


def add_suite_option(command):
    names = ", ".join(f"0x{number:04x}" for number in tl.SUITES)
    command.add_argument("--suite", type=suite_number, default=tl.DEFAULT_SUITE, help=f"the suite, and no other: {names}")


def add_conversation_options(command):
    add_suite_option(command)
    command.add_argument("--identity", required=True, help="file with the own secret identity")
    command.add_argument("--passphrase")
    command.add_argument("--peer", action="append", required=True, help="fingerprint of a peer that is acceptable; may be repeated")
    command.add_argument("--psk", help="pre-shared key, 32 bytes in hex: XXpsk0 and IKpsk0 in the place of XX and IK")
    command.add_argument("--state", help="file that keeps static keys, bundles and resumption records between processes")
    command.add_argument("--bundle", action="store_true", help="send the newest own bundle, and await that it is delivered")
    command.add_argument("--keep", action="store_true", help="keep a resumption record of each conversation")
    command.add_argument("--early", help="early data to send in resume")
    command.add_argument("--early-data", action="store_true", help="take early data in resume, and print it")
    command.add_argument("--go-on", action="store_true", help="with the next conversation, after one that failed")
    command.add_argument("--same-run", action="store_true", help="all connections carry one conversation, which goes on where the last one was cut")
    command.add_argument("--clock", type=int, default=0, help="seconds by which the own clock is wrong")
    command.add_argument("--say", action="append", default=[], help="a text to send; may be repeated")
    command.add_argument("--send", action="append", default=[], help="a file to send; may be repeated")
    command.add_argument("--statement", action="append", default=[], help="a statement's file to send; may be repeated")
    command.add_argument("--files", help="folder for received files; without it files are declined")
    command.add_argument("--expect", type=int, default=0, help="how many texts, files and statements to receive before closing")
    command.add_argument("--rekey", action="store_true", help="ask for a rekey of the incoming direction")
    command.add_argument("--key-update", action="store_true", help="send a KeyUpdate")
    command.add_argument("--ping", type=int, help="send a Ping with this number")
    command.add_argument("--padding", default="none", help="none, padme, or the number to whose multiples records are padded")
    command.add_argument("--timeout", type=float, default=60, help="seconds for the whole conversation")


def main():
    options = parser().parse_args()
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stderr.reconfigure(encoding="utf-8")
    try:
        {"keygen": keygen, "fingerprint": fingerprint, "statement": make_statement}.get(options.command, converse)(options)
    except (ChatError, tl.TwinlockError, OSError, ValueError) as error:
        print(f"error: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
