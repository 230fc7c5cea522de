//! The life of the service: listen, serve until asked to stop, finish what is open within a bound.

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use backend_codec::Compressor;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::error::StartError;
use crate::facts;
use crate::routes;
use crate::settings::Settings;
use crate::signals::StopSignals;
use crate::state::{AppState, Readiness};

/// How long open requests may take to finish after a stop signal. Stopping is to take less than a second in all.
const DRAIN_LIMIT: Duration = Duration::from_millis(500);

/// Serves until SIGTERM or SIGINT. Open requests may finish for half a second; what is still open then is abandoned.
///
/// # Errors
///
/// [`StartError::Signals`], [`StartError::Listen`] or [`StartError::Serve`], whichever step failed.
pub async fn run(settings: &Settings) -> Result<(), StartError> {
    let mut signals = StopSignals::watch().map_err(StartError::Signals)?;
    let (listener, address) = listen(settings.address).await?;
    let readiness = Readiness::given();
    let app = routes::router(AppState {
        compressor: Compressor::with_limit(settings.compress_limit),
        readiness: readiness.clone(),
    });
    info!(
        %address,
        version = facts::VERSION,
        source_digest = facts::SOURCE_DIGEST,
        "listening"
    );

    let (begin_drain, drain) = oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        let _ = drain.await;
    });
    let mut server = pin!(server.into_future());

    let signal = tokio::select! {
        ended = &mut server => return ended.map_err(StartError::Serve),
        signal = signals.received() => signal,
    };
    info!(signal, "stopping");
    readiness.withdraw();
    let _ = begin_drain.send(());
    if let Ok(ended) = timeout(DRAIN_LIMIT, server).await {
        ended.map_err(StartError::Serve)?;
    } else {
        warn!("requests that did not finish in time are abandoned");
    }
    info!("stopped");
    Ok(())
}

/// Binds the address. The one that comes back has the real port where any free one was asked for.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
