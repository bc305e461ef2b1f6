//! The tokens of a template.

use super::span::Span;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Eof,
    Text,
    Escape,
    DoubleEscape,
    EscapedDirective,
    EmptyIndex,
    TextBlock,
    LineCommentStart,
    LineCommentEnd,
    BlockComment,
    /// Like a block comment, but `#literal` prints what is left of it.
    FormalComment,
    Set,
    End,
    If,
    ElseIf,
    Else,
    Word,
    BracketedWord,
    Identifier,
    Dot,
    /// `{` and `}` of a reference.
    OpenCurly,
    CloseCurly,
    /// `[` and `]` of a reference.
    OpenIndex,
    CloseIndex,
    /// `{` and `}` of a map.
    OpenMap,
    CloseMap,
    /// `[` and `]` of a list.
    OpenList,
    CloseList,
    OpenParen,
    CloseParen,
    /// The `)` of a method call.
    CloseCall,
    Comma,
    Colon,
    DotDot,
    True,
    False,
    String,
    Integer,
    Float,
    Blank,
    Assign,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
    And,
    Or,
    Not,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

/// A token: what it is and where. The span includes the `$`, `#` and backslashes that led to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
    /// Which of the lexer's stray prefixes ended in nothing just before this token.
    pub(crate) stray: (u32, u32),
}

impl Token {
    /// The source text of the token.
    pub(crate) fn image<'a>(&self, source: &'a str) -> &'a str {
        slice(source, self.span)
    }

    /// Whether a prefix that ended in nothing stands before it.
    pub(crate) fn has_stray(&self) -> bool {
        self.stray.0 < self.stray.1
    }

    /// What the token prints where it stands for itself.
    pub(crate) fn literal(&self, source: &str, strays: &[Span], out: &mut String) {
        if self.kind == Kind::BlockComment {
            return;
        }
        let (from, to) = (self.stray.0 as usize, self.stray.1 as usize);
        for span in strays.get(from..to).unwrap_or_default() {
            stray_text(slice(source, *span), out);
        }
        out.push_str(self.image(source));
    }
}

/// The source text of a span.
pub(crate) fn slice(source: &str, span: Span) -> &str {
    source
        .get(span.start as usize..span.end as usize)
        .unwrap_or_default()
}

/// What a stray prefix prints: its `$` and `#`, and backslashes that run into a `$`.
fn stray_text(image: &str, out: &mut String) {
    let mut chars = image.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '#' | '$' => out.push(c),
            '\\' => {
                let rest = image.get(at..).unwrap_or_default();
                let run = rest.bytes().take_while(|b| *b == b'\\').count();
                if rest.as_bytes().get(run) == Some(&b'$') {
                    out.push_str(rest.get(..=run).unwrap_or_default());
                    // The original also steps over the character behind the `$`.
                    for _ in 0..=run {
                        chars.next();
                    }
                }
            }
            _ => {}
        }
    }
}
