//! Counts the work of one rendering, so that no template runs or grows without bound.

use std::cell::Cell;

use super::object::{Exception, ExceptionKind};

/// How deep values may be nested before walking them fails, as a Java stack would.
pub(crate) const VALUE_DEPTH: u32 = 400;

/// What a walk over values may still spend; shared by everything one rendering does.
#[derive(Debug)]
pub(crate) struct Meter {
    steps: Cell<u64>,
    text: usize,
}

impl Meter {
    /// A meter with `steps` units of work, for texts of at most `text` bytes.
    pub(crate) fn new(steps: u64, text: usize) -> Self {
        Meter {
            steps: Cell::new(steps),
            text,
        }
    }

    /// A meter for one walk outside a rendering.
    pub(crate) fn single() -> Self {
        Meter::new(10_000_000, 256 << 20)
    }

    /// Spends `n` units.
    #[inline]
    pub(crate) fn charge(&self, n: usize) -> Result<(), Exception> {
        match self.steps.get().checked_sub(n as u64) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => {
                self.steps.set(0);
                Err(Exception::limit(
                    ExceptionKind::Steps,
                    "the template takes too many steps",
                ))
            }
        }
    }

    /// Fails when a text of `len` bytes would be too long.
    #[inline]
    pub(crate) fn text(&self, len: usize) -> Result<(), Exception> {
        if len > self.text {
            return Err(self.too_long());
        }
        Ok(())
    }

    #[cold]
    fn too_long(&self) -> Exception {
        let message = format!("a text grows beyond {} bytes", self.text);
        Exception::limit(ExceptionKind::Output, message)
    }

    /// Fails when a walk has gone too deep.
    #[inline]
    pub(crate) fn depth(&self, depth: u32) -> Result<(), Exception> {
        if depth > VALUE_DEPTH {
            return Err(Exception::new(
                "StackOverflowError: values are nested too deeply",
            ));
        }
        Ok(())
    }
}
