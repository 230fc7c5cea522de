//! Starts that must not succeed, and what they say.

use std::net::TcpListener;
use std::process::Command;

use crate::support::{backend, scratch};

/// Runs the service to its end: exit code, standard output, standard error.
fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();

    let (code, stdout, stderr) = run(backend(&scratch("taken")).env("BACKEND_PORT", &port));

    assert_eq!(code, Some(1));
    assert!(!stdout.contains("listening"), "{stdout}");
    assert!(
        stderr.starts_with(&format!(
            "backend: cannot listen on 127.0.0.1:{port}: Address already in use"
        )),
        "{stderr}"
    );
}

#[test]
fn a_bad_variable_is_named_with_what_was_found_and_what_was_expected() {
    for (name, value, expected) in [
        (
            "BACKEND_HOST",
            "localhost",
            "an IP address such as 0.0.0.0, 127.0.0.1 or ::",
        ),
        ("BACKEND_PORT", "http", "a port from 1 to 65535, or 0 for any free one"),
        ("BACKEND_LOG", "loud", "one of off, error, warn, info, debug, trace"),
        ("BACKEND_LOG_FORMAT", "yaml", "text or json"),
        (
            "BACKEND_COMPRESS_LIMIT",
            "8MiB",
            "a number of bytes from 1 to 1073741824",
        ),
    ] {
        let (code, stdout, stderr) = run(backend(&scratch("bad-variable")).env(name, value));

        assert_eq!(code, Some(2), "{name}");
        assert!(!stdout.contains("Initializing logging"), "{stdout}");
        assert_eq!(
            stderr,
            format!("backend: {name}: found {value:?}, expected {expected}\n")
        );
    }
}
