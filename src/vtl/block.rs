//! The block that `#define` stores in a variable.

use std::cell::Cell;
use std::fmt;

/// A stored block. It renders itself wherever the variable is printed, with the variables of that moment.
pub struct Block {
    /// The template it belongs to; in another it prints nothing.
    pub(crate) home: u64,
    /// Which of the template's blocks it is.
    pub(crate) index: usize,
    /// How many renderings of it are going on.
    pub(crate) depth: Cell<u32>,
}

impl Block {
    pub(crate) fn new(home: u64, index: usize) -> Self {
        Block {
            home,
            index,
            depth: Cell::new(0),
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({})", self.index)
    }
}
