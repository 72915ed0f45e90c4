//! What carries the bytes: anything that reads and writes, and can say how long it may take.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// A connection that delivers bytes in order.
///
/// Implemented for [`TcpStream`] and, on Unix, `UnixStream`. For anything else there are [`Untimed`] and [`Joined`], or an own implementation.
pub trait Transport: Read + Write {
    /// Bounds every single read and write from now on; `None` lets them take for ever.
    fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()>;

    /// Tells the other side that nothing more will be written. An error where the transport can't say so: then nobody waits for the other side's end after
    /// a handshake that failed, since both could wait for each other.
    fn shutdown_write(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Reads what lies ready, and never waits: [`io::ErrorKind::WouldBlock`] where there is nothing, or where that cannot be known. A sender looks here
    /// whether the peer asked for something.
    fn read_ready(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let _ = buf;
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// A transport whose reading and writing can go on in two threads.
pub trait Split: Transport {
    /// What is read from.
    type Reader: Read;
    /// What is written to.
    type Writer: Write;

    /// Takes it apart.
    fn split(self) -> io::Result<(Self::Reader, Self::Writer)>;
}

/// Anything that reads and writes and knows no timeouts: a deadline is looked at between its reads and writes only.
#[derive(Debug)]
pub struct Untimed<T>(pub T);

/// A reader and a writer that belong together, such as the standard input and output of a child process. Without timeouts.
#[derive(Debug)]
pub struct Joined<R, W> {
    /// What is read from.
    pub reader: R,
    /// What is written to.
    pub writer: W,
}

macro_rules! socket {
    ($socket:ty) => {
        impl Transport for $socket {
            fn set_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
                self.set_read_timeout(timeout)?;
                self.set_write_timeout(timeout)
            }

            fn shutdown_write(&mut self) -> io::Result<()> {
                self.shutdown(Shutdown::Write)
            }

            fn read_ready(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                self.set_nonblocking(true)?;
                let read = self.read(buf);
                self.set_nonblocking(false)?;
                read
            }
        }

        impl Split for $socket {
            type Reader = Self;
            type Writer = Self;

            fn split(self) -> io::Result<(Self, Self)> {
                Ok((self.try_clone()?, self))
            }
        }
    };
}

socket!(TcpStream);
#[cfg(unix)]
socket!(std::os::unix::net::UnixStream);

/// A transport under one deadline for all its reads and writes, which are [`io::ErrorKind::TimedOut`] when it has passed.
pub(super) struct Until<T> {
    pub(super) transport: T,
    end: Option<Instant>,
}

impl<T> Until<T> {
    pub(super) fn new(transport: T, limit: Duration) -> Self {
        Self { transport, end: Instant::now().checked_add(limit) }
    }

    /// Moves the deadline.
    pub(super) fn extend(&mut self, by: Duration) {
        self.end = self.end.and_then(|end| end.checked_add(by));
    }

    /// Ends at the latest in so long.
    pub(super) fn shorten(&mut self, limit: Duration) {
        self.end = [self.end, Instant::now().checked_add(limit)].into_iter().flatten().min();
    }
}

impl<T: Transport> Until<T> {
    /// The transport, for a read or write that takes no longer than is left.
    fn in_time(&mut self) -> io::Result<&mut T> {
        let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.transport.set_timeout(left)?;
        Ok(&mut self.transport)
    }
}

impl<T: Transport> Read for Until<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.in_time()?.read(buf)
    }
}

impl<T: Transport> Write for Until<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.in_time()?.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.in_time()?.flush()
    }
}

/// Reads what lies ready.
pub(super) struct Ready<'a, T>(pub(super) &'a mut T);

impl<T: Transport> Read for Ready<'_, T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_ready(buf)
    }
}

impl<T: Read> Read for Untimed<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<T: Write> Write for Untimed<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<T: Read + Write> Transport for Untimed<T> {
    fn set_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

impl<R: Read, W> Read for Joined<R, W> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}

impl<R, W: Write> Write for Joined<R, W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writer.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl<R: Read, W: Write> Transport for Joined<R, W> {
    fn set_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

impl<R: Read, W: Write> Split for Joined<R, W> {
    type Reader = R;
    type Writer = W;

    fn split(self) -> io::Result<(R, W)> {
        Ok((self.reader, self.writer))
    }
}
