//! Signing: the published cases, and implementations of others.

mod suite;
