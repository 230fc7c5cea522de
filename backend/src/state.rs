//! What the request handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backend_codec::Compressor;

/// Shared by all requests; clones refer to the same readiness.
#[derive(Debug, Clone)]
pub(crate) struct AppState {
    pub(crate) compressor: Compressor,
    pub(crate) readiness: Readiness,
}

/// Whether new requests are welcome. It begins as ready, because there is no route before the service listens, and
/// is withdrawn for good when the service stops.
#[derive(Debug, Clone)]
pub(crate) struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub(crate) fn given() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub(crate) fn withdraw(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_given(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
