//! Receipts as text: JSON that a person can read, each closed by the digest of all before it (`closing`). A file holds one or several, one
//! after the other, so `cat` makes one file of many.
//!
//! What a hostile file may try, and what stops it: size ([`MOST_BYTES`] and [`MOST_FILE`], before anything is parsed); another number
//! ([`FORMAT`], told before unknown fields are); lists and texts without an end (each has its maximum); text that would steer a terminal
//! (refused); a private key carried along in a field ([`ReceiptError::Private`]).

use serde::Deserialize;
use thiserror::Error;

use super::{CertificateReceipt, Content, FORMAT, FileReceipt, MOST_TEXT, Receipt};
use crate::{
    closing::{self, Unclosed},
    digest::Digest,
    facts::is_plain,
    text,
};

/// The largest receipt, in bytes.
pub const MOST_BYTES: usize = 1 << 20;
/// The largest file of receipts, in bytes.
pub const MOST_FILE: usize = 16 << 20;
/// The most receipts of one file.
pub const MOST_RECEIPTS: usize = 4096;
/// The line that ends a document: no other line begins with a brace, since what is within is indented.
const END: &[u8] = b"\n}\n";

/// Why bytes are no receipt.
#[derive(Debug, Error)]
pub enum ReceiptError {
    /// The bytes do not have the digest that they end with.
    #[error("{}", text!(
        "the receipt was changed after it was written: it has SHA-256 {found}, and ends with {expected}",
        "回执写成后被改动：实际 SHA-256 为 {found}，结尾处写的是 {expected}"
    ))]
    Altered {
        /// What they end with.
        expected: Digest,
        /// What they have.
        found: Digest,
    },
    /// The end is missing, or it is another file.
    #[error("{}", text!(
        "this is no whole receipt: it does not end with the line `\"sha256\"` and `}}`",
        "回执不完整：结尾没有 `\"sha256\"` 行和 `}}`"
    ))]
    Cut,
    /// Another form.
    #[error("{}", text!("this receipt has the form {found}, and this program knows {FORMAT}", "回执格式为 {found}，本程序只认识 {FORMAT}"))]
    Format {
        /// Its number.
        found: u64,
    },
    /// It is not JSON of the known fields.
    #[error("{}", text!("the receipt is not understood: {_0}", "无法理解回执：{_0}"))]
    Json(serde_json::Error),
    /// Something that no receipt may hold.
    #[error("{}", text!(
        "the receipt holds a private key in `{_0}`: `reseal-node` never writes one",
        "回执的 `{_0}` 中有私钥：`reseal-node` 从不写入私钥"
    ))]
    Private(&'static str),
    /// Too large.
    #[error("{}", text!("{size} bytes, at most {most} are read", "共 {size} 字节，最多读取 {most} 字节"))]
    Size {
        /// How large.
        size: usize,
        /// The bound.
        most: usize,
    },
    /// A text is too long or holds what would disturb a terminal.
    #[error("{}", text!(
        "a text in `{_0}` is longer than {MOST_TEXT} bytes, or has control characters",
        "`{_0}` 中的文字超过 {MOST_TEXT} 字节，或含有控制字符"
    ))]
    Text(&'static str),
    /// One of several receipts of a file.
    #[error("{}", text!("receipt {number} of the file: {why}", "文件中的第 {number} 份回执：{why}"))]
    OfMany {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        why: Box<ReceiptError>,
    },
    /// More than a file may have.
    #[error("{}", text!("more than {MOST_RECEIPTS} receipts in one file", "一个文件中的回执超过 {MOST_RECEIPTS} 份"))]
    TooMany,
}

impl From<Unclosed> for ReceiptError {
    fn from(why: Unclosed) -> Self {
        match why {
            Unclosed::Altered { expected, found } => Self::Altered { expected, found },
            Unclosed::Cut => Self::Cut,
        }
    }
}

/// A receipt that was read or written, and the digest by which others name it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Document {
    /// What it says.
    pub receipt: Receipt,
    /// The SHA-256 of its text before the last two lines, with which it ends.
    pub digest: Digest,
}

/// The text of a receipt, and its digest.
///
/// # Errors
/// When it would not be read again: too large, or a text that no receipt may hold.
pub fn write(receipt: &Receipt) -> Result<(String, Digest), ReceiptError> {
    check(receipt)?;
    let (text, digest) = closing::close(receipt).map_err(ReceiptError::Json)?.ok_or(ReceiptError::Cut)?;
    within(text.len(), MOST_BYTES)?;
    Ok((text, digest))
}

/// Whether these bytes look like receipts, so that a person is told what is wrong with them as receipts.
#[must_use]
pub fn is_receipt(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().strip_prefix(b"{").is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"receipt\""))
}

/// The receipt that a text consists of.
///
/// # Errors
/// As [`ReceiptError`] says; the digest is compared before anything is parsed.
pub fn read(bytes: &[u8]) -> Result<Document, ReceiptError> {
    within(bytes.len(), MOST_BYTES)?;
    let (body, digest) = closing::open(bytes)?;
    let number: Number = body.parse().map_err(ReceiptError::Json)?;
    if number.receipt != u64::from(FORMAT) {
        return Err(ReceiptError::Format { found: number.receipt });
    }
    let receipt: Receipt = body.parse().map_err(ReceiptError::Json)?;
    check(&receipt)?;
    Ok(Document { receipt, digest })
}

/// The receipts of a file, in its order; each is judged by itself, so that an altered one hides no other.
///
/// # Errors
/// When the file as a whole is too large or has too many.
pub fn read_all(bytes: &[u8]) -> Result<Vec<Result<Document, ReceiptError>>, ReceiptError> {
    within(bytes.len(), MOST_FILE)?;
    let mut documents = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        if documents.len() == MOST_RECEIPTS {
            return Err(ReceiptError::TooMany);
        }
        let end = memchr::memmem::find(rest, END).map_or(rest.len(), |at| at + END.len());
        let (document, after) = rest.split_at(end);
        documents.push(read(document));
        rest = after;
    }
    if documents.len() > 1 {
        let of_many = |(number, why)| ReceiptError::OfMany { number, why: Box::new(why) };
        return Ok((1..).zip(documents).map(|(number, document)| document.map_err(|why| of_many((number, why)))).collect());
    }
    Ok(documents)
}

/// The number alone: what follows may be of another form.
#[derive(Deserialize)]
struct Number {
    receipt: u64,
}

fn within(size: usize, most: usize) -> Result<(), ReceiptError> {
    if size > most { Err(ReceiptError::Size { size, most }) } else { Ok(()) }
}

/// Alphabets, lengths, and that no text is a private key. Lists were bounded while they were parsed.
fn check(receipt: &Receipt) -> Result<(), ReceiptError> {
    let Receipt { made_by, architecture, host, run, why, steps, .. } = receipt;
    texts("receipt", [made_by, architecture].into_iter().chain(host).chain(why))?;
    texts("run", [&run.name, &run.begun_by])?;
    for step in steps {
        texts("steps", step.rows.iter().chain(&step.services))?;
        step.files.iter().flat_map(certificates).try_for_each(check_certificate)?;
    }
    Ok(())
}

fn certificates(file: &FileReceipt) -> impl Iterator<Item = &CertificateReceipt> {
    file.former.iter().chain([&file.new]).flat_map(Content::certificates)
}

fn check_certificate(certificate: &CertificateReceipt) -> Result<(), ReceiptError> {
    let CertificateReceipt { subject, issuer, serial, names, .. } = certificate;
    texts("certificates", [subject, issuer, serial].into_iter().chain(names))
}

fn texts<'a>(what: &'static str, texts: impl IntoIterator<Item = &'a String>) -> Result<(), ReceiptError> {
    for text in texts {
        if text.len() > MOST_TEXT || !text.chars().all(is_plain) {
            return Err(ReceiptError::Text(what));
        }
        if text.contains("PRIVATE KEY") || text.to_ascii_uppercase().contains("AGE-SECRET-KEY") {
            return Err(ReceiptError::Private(what));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests;
