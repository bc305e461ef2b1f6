//! What a tree must answer so that a path can walk it.

use std::borrow::Cow;

/// The type of a node, with the value where it is small.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// JSON `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string; [`Node::as_str`] has the text.
    String,
    /// A list; [`Node::element`] and [`Node::children`] have what is in it.
    Array,
    /// A map; [`Node::member`] and [`Node::children`] have what is in it.
    Object,
    /// Something that JSON does not know. It compares with nothing and has no children.
    Other,
}

/// A number, as exactly as its owner keeps it.
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// A whole number of at most 64 bits.
    Int(i64),
    /// A binary floating-point number, compared by its shortest decimal form.
    Float(f64),
    /// Decimal text (`123456789012345678901234567890`, `1.5E3`) of anything larger.
    Text(String),
}

/// One value of a tree of JSON-like values.
///
/// A node is a handle and `clone` is expected to be cheap: a reference (`&serde_json::Value`) or a counted pointer.
pub trait Node: Clone {
    /// The type of this node.
    fn kind(&self) -> Kind;

    /// The text, if this is a string.
    fn as_str(&self) -> Option<Cow<'_, str>>;

    /// The number of elements if this is an array, else zero.
    fn count(&self) -> usize;

    /// The element at `index` if this is an array that has it.
    fn element(&self, index: usize) -> Option<Self>;

    /// The member called `name` if this is an object that has it (a member that is null is there).
    fn member(&self, name: &str) -> Option<Self>;

    /// Hands the elements of an array, or the values of an object in their order, to `visit`.
    fn children(&self, visit: &mut dyn FnMut(Self));

    /// Whether both are the same array or object in memory, not merely equal ones.
    ///
    /// Filters compare arrays and objects by identity: `$.list[?(@ == $.list[0])]` finds the first element only.
    fn is_same(&self, other: &Self) -> bool;

    /// The text that a pattern (`=~`) is matched against; for anything but a string what Java's `toString` prints.
    fn to_text(&self) -> Cow<'_, str>;

    /// Whether this is an array.
    fn is_array(&self) -> bool {
        matches!(self.kind(), Kind::Array)
    }

    /// Whether this is an object.
    fn is_object(&self) -> bool {
        matches!(self.kind(), Kind::Object)
    }
}
