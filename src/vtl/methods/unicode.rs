//! Strings as Java counts them: in UTF-16 units.

/// `Character.isWhitespace`.
pub(super) fn is_java_space(c: char) -> bool {
    match c {
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}' => false,
        '\u{1c}'..='\u{1f}' => true,
        c => c.is_whitespace(),
    }
}

/// The length in units.
pub(super) fn len(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    }
}

/// A text from units; a lone half of a pair becomes `?`, as Java's encoder prints it.
pub(super) fn from_units(units: &[u16]) -> String {
    char::decode_utf16(units.iter().copied())
        .map(|c| c.unwrap_or('?'))
        .collect()
}

/// The unit at an index.
pub(super) fn unit_at(text: &str, index: usize) -> Option<u16> {
    if text.is_ascii() {
        return text.as_bytes().get(index).map(|b| u16::from(*b));
    }
    text.encode_utf16().nth(index)
}

/// The units from `start` to `end`, which are in bounds and in order.
pub(super) fn slice(text: &str, start: usize, end: usize) -> String {
    if text.is_ascii() {
        return text.get(start..end).unwrap_or_default().to_owned();
    }
    let units: Vec<u16> = text.encode_utf16().skip(start).take(end - start).collect();
    from_units(&units)
}

/// The byte offset of a unit index; `None` beyond the end or inside a pair.
pub(super) fn byte_at(text: &str, index: usize) -> Option<usize> {
    if text.is_ascii() {
        return (index <= text.len()).then_some(index);
    }
    let mut units = 0;
    for (at, c) in text.char_indices() {
        if units >= index {
            return (units == index).then_some(at);
        }
        units += c.len_utf16();
    }
    (units == index).then_some(text.len())
}

/// The unit index of a byte offset.
pub(super) fn unit_index(text: &str, byte: usize) -> usize {
    len(text.get(..byte).unwrap_or_default())
}
