//! The real programs, started as processes and observed from outside.

mod admin;
mod endpoints;
mod refused_start;
mod startup;
mod stopping;
mod support;
