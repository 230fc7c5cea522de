//! The routes and what each answers.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use backend_codec::CompressError;
use serde::Serialize;
use tokio::task;
use tracing::error;

use crate::facts::Version;
use crate::middleware::{limit_time, log_answer};
use crate::refusal::Refusal;
use crate::state::AppState;

/// All routes over one shared state.
pub(crate) fn router(state: AppState) -> Router {
    let body_limit = DefaultBodyLimit::max(state.compressor.limit());
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/version", get(version))
        .route("/compress", post(compress).layer(body_limit))
        .layer(middleware::from_fn(limit_time))
        .layer(middleware::from_fn(log_answer))
        .with_state(state)
}

#[derive(Serialize)]
struct Status {
    status: &'static str,
}

/// The process lives and answers.
async fn health() -> Json<Status> {
    Json(Status { status: "ok" })
}

/// New requests are welcome; no longer so once the service stops.
async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Status>) {
    if state.readiness.is_given() {
        (StatusCode::OK, Json(Status { status: "ready" }))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Status { status: "stopping" }))
    }
}

async fn version() -> Json<Version> {
    Json(Version::CURRENT)
}

/// Answers the body as one Zstandard frame.
async fn compress(
    State(state): State<AppState>,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, Refusal> {
    let compressor = state.compressor;
    let body = body.map_err(|rejection| unread(&rejection, compressor.limit()))?;
    let frame = task::spawn_blocking(move || compressor.compress(&body))
        .await
        .map_err(|failure| failed(&failure))?
        .map_err(|refused| match refused {
            CompressError::TooLarge { .. } => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, refused.to_string()),
            _ => failed(&refused),
        })?;
    Ok(([(header::CONTENT_TYPE, "application/zstd")], frame))
}

/// The body did not come in whole: too large, or the client broke off.
fn unread(rejection: &BytesRejection, limit: usize) -> Refusal {
    let message = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => format!("the body has more than {limit} bytes"),
        _ => rejection.body_text(),
    };
    Refusal::new(rejection.status(), message)
}

/// Our own fault: the details belong in the log, not in the answer.
fn failed(failure: &(dyn std::error::Error + 'static)) -> Refusal {
    error!(error = failure, "compression failed");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the body could not be compressed")
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use backend_codec::Compressor;
    use tower::ServiceExt as _;

    use super::*;
    use crate::state::Readiness;

    const LIMIT: usize = 16;

    fn state() -> AppState {
        AppState {
            compressor: Compressor::with_limit(LIMIT),
            readiness: Readiness::given(),
        }
    }

    async fn answer(state: AppState, request: Request<Body>) -> (StatusCode, Bytes) {
        let response = router(state).oneshot(request).await.unwrap();
        let status = response.status();
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap())
    }

    fn post(body: impl Into<Body>) -> Request<Body> {
        Request::post("/compress").body(body.into()).unwrap()
    }

    #[tokio::test]
    async fn readiness_is_withdrawn_while_health_stays() {
        let state = state();
        state.readiness.withdraw();

        let ready = answer(state.clone(), Request::get("/ready").body(Body::empty()).unwrap()).await;
        let health = answer(state, Request::get("/health").body(Body::empty()).unwrap()).await;

        assert_eq!(
            ready,
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopping"}"#.into())
        );
        assert_eq!(health, (StatusCode::OK, r#"{"status":"ok"}"#.into()));
    }

    #[tokio::test]
    async fn a_body_of_exactly_the_limit_is_compressed() {
        let (status, frame) = answer(state(), post(vec![b'x'; LIMIT])).await;

        assert_eq!(status, StatusCode::OK);
        assert_eq!(zstd::bulk::decompress(&frame, LIMIT).unwrap(), [b'x'; LIMIT]);
    }

    #[tokio::test]
    async fn a_larger_body_is_refused_with_the_limit() {
        let (status, body) = answer(state(), post(vec![b'x'; LIMIT + 1])).await;

        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(body, r#"{"error":"the body has more than 16 bytes"}"#);
    }

    #[tokio::test]
    async fn a_wrong_method_or_path_is_told_apart() {
        let wrong_method = answer(state(), Request::get("/compress").body(Body::empty()).unwrap()).await;
        let wrong_path = answer(state(), Request::get("/nothing").body(Body::empty()).unwrap()).await;

        assert_eq!(wrong_method.0, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(wrong_path.0, StatusCode::NOT_FOUND);
    }
}
