//! What the service answers.

use crate::support::{Service, backend, scratch};

#[test]
fn health_readiness_and_version_are_json() {
    let service = Service::start(&mut backend(&scratch("endpoints")));

    for (path, expected) in [
        ("/health", serde_json::json!({"status": "ok"})),
        ("/ready", serde_json::json!({"status": "ready"})),
        (
            "/version",
            serde_json::json!({
                "version": env!("CARGO_PKG_VERSION"),
                "source_digest": backend::facts::SOURCE_DIGEST,
            }),
        ),
    ] {
        let answer = service.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.head.contains("content-type: application/json"), "{answer:?}");
        assert_eq!(answer.json(), expected, "{path}");
    }
}

#[test]
fn a_body_comes_back_as_a_zstandard_frame() {
    let service = Service::start(&mut backend(&scratch("compress")));
    let body = b"all work and no play ".repeat(5000);

    let answer = service.post("/compress", &body);

    assert_eq!(answer.status, 200);
    assert!(
        answer.head.contains("content-type: application/zstd"),
        "{}",
        answer.head
    );
    assert!(answer.body.len() < body.len() / 100);
    assert_eq!(zstd::bulk::decompress(&answer.body, body.len()).unwrap(), body);
}

#[test]
fn a_body_above_the_configured_limit_is_refused() {
    let mut command = backend(&scratch("limit"));
    let service = Service::start(command.env("BACKEND_COMPRESS_LIMIT", "1000"));

    assert_eq!(service.post("/compress", &[b'x'; 1000]).status, 200);
    let refused = service.post("/compress", &[b'x'; 1001]);
    assert_eq!(refused.status, 413);
    assert_eq!(
        refused.json(),
        serde_json::json!({"error": "the body has more than 1000 bytes"})
    );
}
