//! The first line of a sealed plaintext: where it belongs, so that a ciphertext that was moved is noticed even when it was signed.

use std::fmt;

use zeroize::Zeroizing;

use super::PlaceError;
use crate::name::{BundleName, EntryPath, NodeName};

const TITLE: &str = "reseal secret v1 ";
/// The longest first line, in bytes: three names and an entry path at their longest.
const MOST_LINE: usize = 512;

/// Where a secret belongs: `<site>-<serial> <node> <entry>`, with `-` for the node where it is the site's.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The bundle.
    pub bundle: &'a BundleName,
    /// The node; none for what belongs to the site.
    pub node: Option<&'a NodeName>,
    /// The entry.
    pub entry: &'a EntryPath,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.bundle, self.node.map_or("-", NodeName::as_str), self.entry)
    }
}

impl Place<'_> {
    /// The plaintext for this place: the line, then the content.
    pub(super) fn frame(&self, content: &[u8]) -> Zeroizing<Vec<u8>> {
        let line = format!("{TITLE}{self}\n");
        let mut plaintext = Zeroizing::new(Vec::with_capacity(line.len() + content.len()));
        plaintext.extend_from_slice(line.as_bytes());
        plaintext.extend_from_slice(content);
        plaintext
    }

    /// The content of a plaintext that belongs here.
    ///
    /// # Errors
    /// When it belongs elsewhere, or does not say where.
    pub(super) fn content(&self, mut plaintext: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, PlaceError> {
        let end = plaintext.iter().take(MOST_LINE).position(|byte| *byte == b'\n').ok_or_else(|| self.untitled())?;
        self.check(&plaintext[..end])?;
        drop(plaintext.drain(..=end));
        Ok(plaintext)
    }

    fn check(&self, line: &[u8]) -> Result<(), PlaceError> {
        let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(TITLE)).ok_or_else(|| self.untitled())?;
        let words: Vec<&str> = line.split(' ').collect();
        let [bundle, node, entry] = words[..] else { return Err(self.untitled()) };
        let bundle: BundleName = bundle.parse().map_err(|_| self.untitled())?;
        let found: EntryPath = entry.parse().map_err(|_| self.untitled())?;
        let node = if node == "-" { None } else { Some(node.parse().map_err(|_| self.untitled())?) };
        let (entry, expected) = (self.entry.clone(), self.bundle);
        if bundle.site != expected.site {
            return Err(PlaceError::Site { entry, found: bundle.site, expected: expected.site.clone() });
        }
        if bundle.serial != expected.serial {
            return Err(PlaceError::Serial { entry, found: bundle.serial, expected: expected.serial });
        }
        if node.as_ref() != self.node {
            return Err(PlaceError::Node { entry, found: node, expected: self.node.cloned() });
        }
        if found != entry {
            return Err(PlaceError::Entry { entry, found });
        }
        Ok(())
    }

    fn untitled(&self) -> PlaceError {
        PlaceError::Title(self.entry.clone())
    }
}
