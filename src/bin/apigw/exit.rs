//! How a command ends when it cannot do its work.

use std::fmt::Display;
use std::process::ExitCode;

/// Why a command ended, for the user, and what the shell is told.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: Option<String>,
    help: Option<String>,
}

impl Failure {
    /// What was to be read has errors or cannot be read.
    pub(crate) fn document(message: impl Display) -> Self {
        Self::new(1, message)
    }

    /// The same, when all is said already.
    pub(crate) fn told() -> Self {
        Self {
            code: 1,
            message: None,
            help: None,
        }
    }

    /// The command line makes no sense.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(2, message)
    }

    /// The address cannot be listened on, or the system refuses what that takes.
    pub(crate) fn listener(message: impl Display) -> Self {
        Self::new(3, message)
    }

    fn new(code: u8, message: impl Display) -> Self {
        Self {
            code,
            message: Some(message.to_string()),
            help: None,
        }
    }

    /// Adds what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What is wrong, without the advice.
    pub(crate) fn message(&self) -> &str {
        self.message.as_deref().unwrap_or("see above")
    }

    /// Tells the user.
    pub(crate) fn exit(self) -> ExitCode {
        if let Some(message) = self.message {
            eprintln!("error: {message}");
        }
        if let Some(help) = self.help {
            eprintln!("  help: {help}");
        }
        ExitCode::from(self.code)
    }
}
