//! A writer of DER, and of what merely resembles it: the tests need encodings that no library writes.

/// One value.
#[must_use]
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head, content.to_vec()].concat()
}

/// One value whose length takes four bytes.
#[must_use]
pub fn tlv_long(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84][..], &length, content].concat()
}

/// `SEQUENCE`.
#[must_use]
pub fn seq(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// `SET`, in the order given.
#[must_use]
pub fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x31, &parts.concat())
}

/// `INTEGER` of these very bytes.
#[must_use]
pub fn int(bytes: &[u8]) -> Vec<u8> {
    tlv(2, bytes)
}

/// `OBJECT IDENTIFIER` of dotted text.
#[must_use]
pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u32> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut content = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        for group in (0..5).rev() {
            let rest = arc >> (7 * group);
            if rest > 0 || group == 0 {
                content.push(u8::try_from(rest & 0x7f).unwrap() | if group > 0 { 0x80 } else { 0 });
            }
        }
    }
    tlv(6, &content)
}

/// `OCTET STRING`.
#[must_use]
pub fn octets(content: &[u8]) -> Vec<u8> {
    tlv(4, content)
}

/// `BIT STRING` of whole bytes.
#[must_use]
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(3, &[&[0], bytes].concat())
}

/// `UTCTime`.
#[must_use]
pub fn utc(text: &str) -> Vec<u8> {
    tlv(0x17, text.as_bytes())
}

/// `GeneralizedTime`.
#[must_use]
pub fn generalized(text: &str) -> Vec<u8> {
    tlv(0x18, text.as_bytes())
}

/// One attribute of a name: the OID's last arc below 2.5.4, or a whole OID; the tag of the value; its bytes.
#[must_use]
pub fn attribute(kind: &str, tag: u8, value: &[u8]) -> Vec<u8> {
    let oid_text = if kind.contains('.') { kind.to_owned() } else { format!("2.5.4.{kind}") };
    seq(&[oid(&oid_text), tlv(tag, value)])
}

/// A name of one attribute in each RDN.
#[must_use]
pub fn name(attributes: &[(&str, u8, &[u8])]) -> Vec<u8> {
    seq(&attributes.iter().map(|(kind, tag, value)| set(&[attribute(kind, *tag, value)])).collect::<Vec<_>>())
}

/// An extension; `critical` as it is to be spelled: nothing, `FALSE` or `TRUE`.
#[must_use]
pub fn extension(oid_text: &str, critical: Option<bool>, value: &[u8]) -> Vec<u8> {
    let flag = critical.map_or(Vec::new(), |critical| vec![1, 1, if critical { 0xff } else { 0 }]);
    seq(&[oid(oid_text), flag, octets(value)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_identifiers_are_written_in_base_128() {
        assert_eq!(oid("1.2.840.113549.1.1.11"), [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]);
        assert_eq!(oid("2.999"), [6, 2, 0x88, 0x37]);
    }
}
