//! `backend-admin` beside a running service and without one.

use std::net::TcpListener;
use std::process::{Command, Output};

use crate::support::{Service, backend, scratch};

fn admin(arguments: &[&str], port: u16) -> Output {
    Command::new(env!("CARGO_BIN_EXE_backend-admin"))
        .args(arguments)
        .env_clear()
        .env("BACKEND_PORT", port.to_string())
        .output()
        .unwrap()
}

#[test]
fn health_is_0_while_the_service_answers() {
    let service = Service::start(&mut backend(&scratch("admin")));

    let output = admin(&["health"], service.address.port());

    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn health_is_1_where_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();

    let output = admin(&["health"], port);

    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with(&format!("backend-admin: 0.0.0.0:{port} is not healthy: no answer: ")),
        "{stderr}"
    );
}

#[test]
fn version_states_the_facts_of_the_build() {
    let output = admin(&["version"], 0);

    let facts = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(
        facts.starts_with(concat!("backend ", env!("CARGO_PKG_VERSION"), "\nsource-digest ")),
        "{facts}"
    );
    assert!(facts.contains("\nzstd 1."), "{facts}");
    assert_eq!(admin(&[], 0).stdout, facts.as_bytes());
}

#[test]
fn anything_else_is_answered_with_the_usage() {
    let output = admin(&["helth"], 0);

    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .starts_with("usage: backend-admin")
    );
}
