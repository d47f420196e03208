//! Where the fields of a certificate stand in its bytes (RFC 5280, 4.1), so that one can be replaced and the others kept as they are.

use std::ops::Range;

use super::der::{self, BIT_STRING, DerError, INTEGER, SEQUENCE, Tlv, context, context_constructed};

use crate::word;

/// The fields as ranges of the certificate's DER, each with its own tag and length unless said otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layout {
    /// The TBSCertificate: what is signed.
    pub tbs: Range<usize>,
    /// Its content.
    pub tbs_content: Range<usize>,
    /// The version number: 1, 2 or 3.
    pub version: u8,
    /// The serial number.
    pub serial: Range<usize>,
    /// The AlgorithmIdentifier inside what is signed.
    pub signature: Range<usize>,
    /// The issuer's name.
    pub issuer: Range<usize>,
    /// The validity.
    pub validity: Range<usize>,
    /// The first time of the validity.
    pub not_before: Range<usize>,
    /// The second.
    pub not_after: Range<usize>,
    /// The subject's name.
    pub subject: Range<usize>,
    /// The SubjectPublicKeyInfo.
    pub spki: Range<usize>,
    /// The list of extensions, without the `[3]` around it.
    pub extensions: Option<Range<usize>>,
    /// The AlgorithmIdentifier beside the signature.
    pub algorithm: Range<usize>,
    /// The bytes of the signature.
    pub signature_value: Range<usize>,
}

impl Layout {
    /// The layout of the one certificate that `der` consists of.
    ///
    /// # Errors
    /// When the outer structure is not that of a certificate.
    pub fn of(der: &[u8]) -> Result<Self, DerError> {
        let mut outer = der::whole(der, SEQUENCE)?.reader();
        let tbs = outer.expect(SEQUENCE)?;
        let algorithm = outer.expect(SEQUENCE)?;
        let signature_value = der::whole_bytes(&outer.expect(BIT_STRING)?)?;
        outer.finish()?;

        let at = |slice: &[u8]| offset(der, slice);
        let mut fields = tbs.reader();
        let version = version(fields.optional(context_constructed(0))?)?;
        let serial = fields.expect(INTEGER)?;
        let signature = fields.expect(SEQUENCE)?;
        let issuer = fields.expect(SEQUENCE)?;
        let validity = fields.expect(SEQUENCE)?;
        let subject = fields.expect(SEQUENCE)?;
        let spki = fields.expect(SEQUENCE)?;
        fields.optional(context(1))?;
        fields.optional(context(2))?;
        let extensions = extensions(fields.optional(context_constructed(3))?)?;
        fields.finish()?;

        let mut times = validity.reader();
        let (not_before, not_after) = (times.any()?, times.any()?);
        times.finish()?;
        Ok(Self {
            tbs: at(tbs.raw),
            tbs_content: at(tbs.content),
            version,
            serial: at(serial.raw),
            signature: at(signature.raw),
            issuer: at(issuer.raw),
            validity: at(validity.raw),
            not_before: at(not_before.raw),
            not_after: at(not_after.raw),
            subject: at(subject.raw),
            spki: at(spki.raw),
            extensions: extensions.map(|list| at(list.raw)),
            algorithm: at(algorithm.raw),
            signature_value: at(signature_value),
        })
    }
}

/// Where `part`, a slice of `whole`, lies in it.
fn offset(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    start..start + part.len()
}

/// `[0] EXPLICIT INTEGER DEFAULT v1`, spelled out or not.
fn version(field: Option<Tlv<'_>>) -> Result<u8, DerError> {
    let Some(field) = field else { return Ok(1) };
    match der::whole(field.content, INTEGER)?.content {
        [number @ 0..=2] => Ok(number + 1),
        _ => Err(DerError::Value { what: word!("version 1, 2 or 3", "版本 1、2 或 3") }),
    }
}

/// `[3] EXPLICIT Extensions`.
fn extensions(field: Option<Tlv<'_>>) -> Result<Option<Tlv<'_>>, DerError> {
    field.map(|field| der::whole(field.content, SEQUENCE)).transpose()
}
