//! What happens around every request.

use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::time::timeout;
use tracing::debug;

use crate::refusal::Refusal;

/// How long a request may take, its body included. A client that sends nothing must not hold a connection for ever.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// Ends a request that takes too long with `408 Request Timeout`.
pub(crate) async fn limit_time(request: Request, next: Next) -> Response {
    timeout(REQUEST_LIMIT, next.run(request)).await.unwrap_or_else(|_| {
        let limit = REQUEST_LIMIT.as_secs();
        Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            format!("the request took more than {limit} seconds"),
        )
        .into_response()
    })
}

/// Logs each answer at the level `debug`; health checks would drown everything else at `info`.
pub(crate) async fn log_answer(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    debug!(
        %method,
        path,
        status = response.status().as_u16(),
        milliseconds = began.elapsed().as_secs_f64() * 1000.0,
        "answered"
    );
    response
}
