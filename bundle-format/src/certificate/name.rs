//! Distinguished names as people read them. Names are compared as bytes, elsewhere; nothing here decides anything.

use super::der::{self, DerError, OID, Reader, SEQUENCE, SET, Tlv};

/// A DER name (RFC 5280, 4.1.2.4) as text, in the order in which it is stored: `O=tos, OU=a, OU=b, CN=etcd`.
///
/// Parts of one RDN are joined by ` + `. What could disturb a terminal or read as another name is escaped. A value that is no
/// text is shown as `#` and the hexadecimal of its DER; a name without parts as `(empty)`.
///
/// # Errors
/// When the bytes are not the structure of a name.
pub fn readable(name: &[u8]) -> Result<String, DerError> {
    let mut rdns = Vec::new();
    let mut reader = der::whole(name, SEQUENCE)?.reader();
    while !reader.is_empty() {
        rdns.push(rdn(reader.expect(SET)?.reader())?);
    }
    Ok(if rdns.is_empty() { "(empty)".to_owned() } else { rdns.join(", ") })
}

fn rdn(mut reader: Reader<'_>) -> Result<String, DerError> {
    let mut parts = Vec::new();
    while !reader.is_empty() {
        let mut attribute = reader.expect(SEQUENCE)?.reader();
        let oid = attribute.expect(OID)?;
        let value = attribute.any()?;
        attribute.finish()?;
        parts.push(format!("{}={}", attribute_name(oid.content), value_text(&value)));
    }
    Ok(parts.join(" + "))
}

fn attribute_name(oid: &[u8]) -> String {
    let known = match oid {
        [0x55, 0x04, last] => match last {
            3 => "CN",
            4 => "SN",
            5 => "serialNumber",
            6 => "C",
            7 => "L",
            8 => "ST",
            9 => "street",
            10 => "O",
            11 => "OU",
            12 => "title",
            17 => "postalCode",
            42 => "GN",
            _ => "",
        },
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01] => "emailAddress",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01] => "UID",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19] => "DC",
        _ => "",
    };
    if known.is_empty() { der::dotted(oid) } else { known.to_owned() }
}

fn value_text(value: &Tlv<'_>) -> String {
    let text = match value.tag {
        0x0c => std::str::from_utf8(value.content).ok().map(str::to_owned),
        // NumericString, PrintableString, T61String, IA5String, VisibleString: as written in practice.
        0x12 | 0x13 | 0x14 | 0x16 | 0x1a => Some(eight_bit(value.content)),
        0x1c => utf32(value.content),
        0x1e => utf16(value.content),
        _ => None,
    };
    text.map_or_else(|| format!("#{}", hex::encode(value.raw)), |text| escaped(&text))
}

/// UTF-8 where it is that, else Latin-1, which is what writers of `T61String` mean.
fn eight_bit(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let (units, []) = bytes.as_chunks::<2>() else { return None };
    char::decode_utf16(units.iter().map(|&bytes| u16::from_be_bytes(bytes))).collect::<Result<_, _>>().ok()
}

fn utf32(bytes: &[u8]) -> Option<String> {
    let (characters, []) = bytes.as_chunks::<4>() else { return None };
    characters.iter().map(|&bytes| char::from_u32(u32::from_be_bytes(bytes))).collect()
}

/// `text` with what separates parts of a name behind a backslash, and what a terminal would act upon as `\u{…}`.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            ',' | '+' | '=' | ';' | '<' | '>' => out.extend(['\\', character]),
            '\'' | '"' => out.push(character),
            _ => out.extend(character.escape_debug()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OID, tag, value.
    type Attribute<'a> = (&'a [u8], u8, &'a [u8]);

    fn name(rdns: &[&[Attribute<'_>]]) -> Vec<u8> {
        let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
        let attribute = |(oid, tag, value): &Attribute<'_>| wrap(SEQUENCE, &[wrap(OID, oid), wrap(*tag, value)].concat());
        let sets: Vec<u8> = rdns.iter().flat_map(|set| wrap(SET, &set.iter().flat_map(attribute).collect::<Vec<_>>())).collect();
        wrap(SEQUENCE, &sets)
    }

    #[test]
    fn names_read_in_their_order_with_every_kind_of_string() {
        let der = name(&[
            &[(&[0x55, 4, 10], 0x13, b"tos")],
            &[(&[0x55, 4, 11], 0x0c, b"a"), (&[0x55, 4, 11], 0x14, b"M\xfcnchen")],
            &[(&[0x55, 4, 3], 0x1e, b"\x4e\x2d\x65\x87")],
            &[(&[0x2a, 3], 0x02, b"\x05")],
        ]);
        assert_eq!(readable(&der).unwrap(), "O=tos, OU=a + OU=München, CN=中文, 1.2.3=#020105");
        assert_eq!(readable(&[0x30, 0]).unwrap(), "(empty)");
    }

    #[test]
    fn nothing_reaches_a_terminal_unescaped() {
        let der = name(&[&[(&[0x55, 4, 3], 0x0c, "a\u{1b}[31m\n\u{202e}, O=x".as_bytes())], &[(&[0x55, 4, 3], 0x0c, b"\xff")]]);
        assert_eq!(readable(&der).unwrap(), r"CN=a\u{1b}[31m\n\u{202e}\, O\=x, CN=#0c01ff");
    }
}
