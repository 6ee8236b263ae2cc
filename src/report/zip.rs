//! A zip archive of small files, stored without compression and without a clock: equal files give equal bytes.

/// Files with their names, in order.
pub fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in files {
        let offset = out.len();
        let (name, content) = (name.as_bytes(), content.as_bytes());
        let head = head(content, name.len());
        out.extend(b"PK\x03\x04");
        out.extend(&head);
        out.extend(name);
        out.extend(content);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&head);
        // No comment, disk 0, no attributes.
        directory.extend([0; 10]);
        directory.extend(word(offset));
        directory.extend(name);
    }
    let start = out.len();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(half(files.len()));
    out.extend(half(files.len()));
    out.extend(word(directory.len()));
    out.extend(word(start));
    out.extend([0, 0]);
    out
}

/// What both headers of a file share: version, flags (names in UTF-8), no compression, the first of January 1980,
/// checksum, sizes, length of the name, no extra field.
fn head(content: &[u8], name: usize) -> Vec<u8> {
    let mut out = vec![0x14, 0, 0, 0x08, 0, 0, 0, 0, 0x21, 0];
    out.extend(checksum(content).to_le_bytes());
    out.extend(word(content.len()));
    out.extend(word(content.len()));
    out.extend(half(name));
    out.extend([0, 0]);
    out
}

fn word(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes()
}

fn half(n: usize) -> [u8; 2] {
    u16::try_from(n).unwrap_or(u16::MAX).to_le_bytes()
}

/// CRC-32 (IEEE 802.3, reflected), bit by bit: archives here are small.
fn checksum(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xEDB8_8320 } else { c >> 1 })
    };
    !bytes.iter().fold(!0, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn an_archive_lists_its_files_where_they_stand() {
        let bytes = archive(&[("a.txt", "one"), ("b/c.txt", "专")]);
        let end = bytes.len() - 22;
        assert_eq!(&bytes[end..end + 4], b"PK\x05\x06");
        let at = |i: usize| u32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]) as usize;
        let (size, start) = (at(end + 12), at(end + 16));
        assert_eq!(start + size, end);
        assert_eq!(&bytes[start..start + 4], b"PK\x01\x02");
        let second = start + 46 + "a.txt".len();
        assert_eq!(&bytes[second..second + 4], b"PK\x01\x02");
        let local = at(second + 42);
        assert_eq!(&bytes[local..local + 4], b"PK\x03\x04");
        assert_eq!(&bytes[local + 30..local + 37], b"b/c.txt");
        assert_eq!(&bytes[local + 37..local + 40], "专".as_bytes());
    }
}
