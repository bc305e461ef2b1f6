//! Where credentials come from: roles of an STS in process, and the sources that the program finds.

mod roles;
#[cfg(feature = "cli")]
mod sources;
