//! CRC-32 as gzip and the event stream have it (ISO-HDLC).

/// A checksum over bytes that come in parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crc32(u32);

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    let mut byte = 0;
    while index < table.len() {
        let mut value: u32 = byte;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 {
                0xedb8_8320 ^ (value >> 1)
            } else {
                value >> 1
            };
            bit += 1;
        }
        #[allow(clippy::indexing_slicing)] // the loop ends at the length
        {
            table[index] = value;
        }
        index += 1;
        byte += 1;
    }
    table
}

impl Crc32 {
    pub(crate) const fn new() -> Self {
        Self(u32::MAX)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |crc, &byte| {
            let [low, ..] = crc.to_le_bytes();
            let entry = TABLE.get(usize::from(low ^ byte)).copied().unwrap_or(0);
            entry ^ (crc >> 8)
        });
    }

    pub(crate) fn value(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        let mut crc = Crc32::new();
        crc.update(b"1234");
        crc.update(b"56789");
        assert_eq!(crc.value(), 0xcbf4_3926);
        assert_eq!(Crc32::new().value(), 0);
    }
}
