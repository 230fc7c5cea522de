//! How the service ends.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Service, backend, scratch};

/// Sends the signal, expects exit code 0 within a second, and gives what was printed.
fn stop(mut service: Service, signal: &str) -> Vec<String> {
    let began = Instant::now();
    service.signal(signal);
    let status = service.wait();
    let took = began.elapsed();

    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    std::mem::take(&mut service.lines)
}

/// Has one answer on a connection that stays open.
fn keep_alive(service: &Service) -> TcpStream {
    let mut stream = service.connect();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(br#"{"status":"ok"}"#) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    stream
}

/// Begins a request and never ends it. The answer `100 Continue` shows that it has reached the service.
fn hanging(service: &Service) -> TcpStream {
    let mut stream = service.connect();
    stream
        .write_all(b"POST /compress HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n")
        .unwrap();
    let mut go_on = [0; 12];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100");
    stream
}

#[test]
fn both_signals_end_it_cleanly() {
    for (signal, folder) in [("TERM", "sigterm"), ("INT", "sigint")] {
        let lines = stop(Service::start(&mut backend(&scratch(folder))), signal);

        let [.., stopping, stopped] = lines.as_slice() else {
            panic!("{lines:#?}");
        };
        assert!(
            stopping.contains(&format!("stopping signal=\"SIG{signal}\"")),
            "{lines:#?}"
        );
        assert!(stopped.contains("stopped"), "{lines:#?}");
    }
}

#[test]
fn a_connection_that_is_kept_alive_does_not_hold_it_up() {
    let service = Service::start(&mut backend(&scratch("keep-alive")));
    let mut connection = keep_alive(&service);

    let lines = stop(service, "TERM");

    assert!(lines.iter().all(|line| !line.contains("abandoned")), "{lines:#?}");
    assert_eq!(connection.read(&mut [0]).unwrap(), 0, "closed in order");
}

#[test]
fn a_connection_without_a_request_does_not_hold_it_up() {
    let service = Service::start(&mut backend(&scratch("silent")));
    let _silent = service.connect();

    stop(service, "TERM");
}

#[test]
fn a_request_that_hangs_is_abandoned() {
    let service = Service::start(&mut backend(&scratch("hanging")));
    let _request = hanging(&service);

    let lines = stop(service, "TERM");

    assert!(lines.iter().any(|line| line.contains("abandoned")), "{lines:#?}");
}

#[test]
fn a_request_that_is_under_way_is_still_answered() {
    let mut service = Service::start(&mut backend(&scratch("under-way")));
    let mut request = hanging(&service);

    service.signal("TERM");
    service.line_with("stopping");
    request.write_all(b"0123456789").unwrap();

    let mut answer = Vec::new();
    request.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.contains("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(service.wait().code(), Some(0));
}
