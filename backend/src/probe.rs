//! Asks a running service for its health, for images that hold no HTTP client.

use std::error::Error;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What a healthy service answers first; the reason that may follow is of no interest.
const HEALTHY: &[u8] = b"HTTP/1.1 200";

/// Why the service does not count as healthy.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProbeError {
    /// There was no answer: nobody listens, or it took too long.
    NoAnswer(io::Error),
    /// There was an answer, but not a good one; it began like this.
    Unhealthy(String),
}

impl fmt::Display for ProbeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer(error) => write!(formatter, "no answer: {error}"),
            Self::Unhealthy(answer) => write!(formatter, "expected \"HTTP/1.1 200\", found {answer:?}"),
        }
    }
}

impl Error for ProbeError {}

/// Asks the service that listens on `address` for `/health`, and gives it `limit` for everything together.
///
/// An address that stands for all interfaces is asked over loopback.
///
/// # Errors
///
/// A [`ProbeError`] unless the answer's status is 200.
pub fn health(address: SocketAddr, limit: Duration) -> Result<(), ProbeError> {
    let answer = ask(reachable(address), limit).map_err(ProbeError::NoAnswer)?;
    if answer == HEALTHY {
        Ok(())
    } else {
        Err(ProbeError::Unhealthy(String::from_utf8_lossy(&answer).into_owned()))
    }
}

/// The beginning of the answer, exactly as long as [`HEALTHY`] unless the connection ends before.
fn ask(address: SocketAddr, limit: Duration) -> io::Result<Vec<u8>> {
    let deadline = Instant::now() + limit;
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_write_timeout(Some(left_until(deadline)?))?;
    write!(
        stream,
        "GET /health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;

    let mut answer = [0; HEALTHY.len()];
    let mut length = 0;
    while length < answer.len() {
        // A peer that sends a byte now and then must not stretch the limit.
        stream.set_read_timeout(Some(left_until(deadline)?))?;
        match stream.read(&mut answer[length..])? {
            0 => break,
            count => length += count,
        }
    }
    Ok(answer[..length].to_vec())
}

fn left_until(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(left)
}

fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Probes a server that gives one fixed answer.
    fn probe(answer: &'static str) -> Result<(), ProbeError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            request
        });
        let result = health(address, Duration::from_secs(5));
        let request = server.join().unwrap();
        assert!(request.starts_with(b"GET /health HTTP/1.1\r\n"));
        result
    }

    #[test]
    fn only_status_200_is_healthy() {
        assert!(probe("HTTP/1.1 200 OK\r\n\r\n").is_ok());
        assert!(matches!(
            probe("HTTP/1.1 503 Service Unavailable\r\n\r\n"),
            Err(ProbeError::Unhealthy(answer)) if answer == "HTTP/1.1 503"
        ));
        assert!(matches!(probe(""), Err(ProbeError::Unhealthy(answer)) if answer.is_empty()));
    }

    #[test]
    fn a_server_that_accepts_and_says_nothing_costs_no_more_than_the_limit() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let began = Instant::now();

        let result = health(listener.local_addr().unwrap(), Duration::from_millis(50));

        assert!(matches!(result, Err(ProbeError::NoAnswer(_))));
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn all_interfaces_are_asked_over_loopback() {
        assert_eq!(
            reachable("0.0.0.0:80".parse().unwrap()),
            "127.0.0.1:80".parse().unwrap()
        );
        assert_eq!(reachable("[::]:80".parse().unwrap()), "[::1]:80".parse().unwrap());
        assert_eq!(
            reachable("192.0.2.1:80".parse().unwrap()),
            "192.0.2.1:80".parse().unwrap()
        );
    }
}
