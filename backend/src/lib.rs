//! A small HTTP service that reports its own health and compresses bodies with Zstandard.
//!
//! The programs beside this library stay thin: `backend` is the service, `backend-admin` asks it for its health and
//! prints what was built. The service announces its first steps on standard output, one line each, so that whoever
//! started it can tell how far it got even when logging never came up.
//!
//! Every setting is an environment variable; see [`settings`].

pub mod error;
pub mod facts;
pub mod logging;
pub mod marker;
pub mod panic_report;
pub mod probe;
pub mod server;
pub mod settings;
pub mod startup;

mod middleware;
mod refusal;
mod routes;
mod signals;
mod state;
