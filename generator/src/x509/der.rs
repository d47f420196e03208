//! Writing DER (X.690). Reading it is [`bundle_format::certificate::der`], where the threats are named.
//!
//! Each value is written into one buffer of the final size and its parts stay with the caller, so a caller that wraps its
//! buffers in `Zeroizing` leaves no copy of a secret behind.

pub use bundle_format::certificate::der::{BIT_STRING, BOOLEAN, INTEGER, NULL, OCTET_STRING, OID, SEQUENCE, context, context_constructed};

/// One value: `tag`, the length in its shortest form, and `parts` one after the other as content.
#[must_use]
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let digits = length.to_be_bytes();
    let significant = &digits[digits.len().min(length.leading_zeros() as usize / 8)..];
    let mut out = Vec::with_capacity(2 + significant.len() + length);
    out.push(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            out.extend(u8::try_from(significant.len()).map(|count| 0x80 | count));
            out.extend_from_slice(significant);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A `SEQUENCE` of `parts`, each a value.
#[must_use]
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

/// A `BIT STRING` of whole bytes.
#[must_use]
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes])
}

/// An `OBJECT IDENTIFIER` by its content.
#[must_use]
pub fn oid(content: &[u8]) -> Vec<u8> {
    tlv(OID, &[content])
}

#[cfg(test)]
mod tests {
    use bundle_format::certificate::der::whole;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_written_in_their_shortest_form() {
        let head = |length: usize| tlv(4, &[&vec![0; length]])[..tlv(4, &[&vec![0; length]]).len() - length].to_vec();
        assert_eq!(head(0), [4, 0]);
        assert_eq!(head(127), [4, 127]);
        assert_eq!(head(128), [4, 0x81, 128]);
        assert_eq!(head(255), [4, 0x81, 255]);
        assert_eq!(head(256), [4, 0x82, 1, 0]);
        assert_eq!(head(65_536), [4, 0x83, 1, 0, 0]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4)) {
            let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            let written = tlv(OCTET_STRING, &slices);
            prop_assert!(written.capacity() <= written.len() + 2, "grown: a secret may be left in the former buffer");
            prop_assert_eq!(whole(&written, OCTET_STRING).unwrap().content, parts.concat());
        }
    }
}
