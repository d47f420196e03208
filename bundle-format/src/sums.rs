//! `SHA256SUMS`: the signed list. `sha256sum -c` of coreutils 8.22 reads it; line 1 is a comment to it.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{
    digest::{Digest, DigestError},
    name::{BundleName, EntryPath, NameError},
    text,
};

const TITLE: &str = "# reseal bundle v1 ";
/// [`TITLE`] up to the format's number.
const TITLE_START: &str = "# reseal bundle v";

/// The bundle's name and the digest of every entry but `SHA256SUMS` and `SHA256SUMS.sig`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sums {
    /// The name of line 1.
    pub name: BundleName,
    /// The digests, by path.
    pub digests: BTreeMap<EntryPath, Digest>,
}

/// Why a text is not a list of this format.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum SumsError {
    /// Not UTF-8.
    #[error("{}", text!("is not UTF-8 text", "不是 UTF-8 文本"))]
    NotText,
    /// Line 1 is not the title of a bundle of this version.
    #[error("{}", text!(
        "begins with `{_0}` instead of `# reseal bundle v1 <site>-<serial>`",
        "的开头是 `{_0}`，应为 `# reseal bundle v1 <site>-<serial>`"
    ))]
    Title(String),
    /// A bundle of another version of the format.
    #[error("{}", text!(
        "is of a bundle of format {found}, and this version reads {}",
        "属于格式版本 {found} 的证书包，本版本支持 {}"; crate::FORMAT
    ))]
    Format {
        /// The number in line 1.
        found: u32,
    },
    /// The name in line 1 is not one.
    #[error("{}", text!("line 1: {_0}", "第 1 行：{_0}"))]
    Name(NameError),
    /// A line that is not `<digest>  <path>`.
    #[error("{}", text!("line {_0} is not `<digest>  <path>`", "第 {_0} 行不是 `<digest>  <path>`"))]
    Line(usize),
    /// A digest that is not one.
    #[error("{}", text!("line {line}: {why}", "第 {line} 行：{why}"))]
    Digest {
        /// The line's number, from 1.
        line: usize,
        /// The reason.
        why: DigestError,
    },
    /// A path that is not one.
    #[error("{}", text!("line {line}: {why}", "第 {line} 行：{why}"))]
    Path {
        /// The line's number, from 1.
        line: usize,
        /// The reason.
        why: NameError,
    },
    /// A path that does not sort after the one before it: out of order or twice.
    #[error("{}", text!("line {_0} is out of order or a repetition", "第 {_0} 行顺序不对，或与前面重复"))]
    Order(usize),
    /// The last line has no line feed.
    #[error("{}", text!("ends without a line feed", "末尾没有换行"))]
    Cut,
}

impl Sums {
    /// The list as bytes, sorted by path.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let lines = self.digests.iter().map(|(path, digest)| format!("{digest}  {path}\n"));
        std::iter::once(format!("{TITLE}{}\n", self.name)).chain(lines).collect::<String>().into_bytes()
    }

    /// Reads a list.
    ///
    /// # Errors
    /// When it is not exactly what [`Sums::to_bytes`] would write: one list has one form.
    pub fn parse(bytes: &[u8]) -> Result<Self, SumsError> {
        let text = std::str::from_utf8(bytes).map_err(|_| SumsError::NotText)?;
        let text = text.strip_suffix('\n').ok_or(SumsError::Cut)?;
        let mut lines = text.split('\n');
        let title = lines.next().unwrap_or_default();
        let name = title.strip_prefix(TITLE).ok_or_else(|| other_title(title))?;
        let name: BundleName = name.parse().map_err(SumsError::Name)?;
        let mut digests = BTreeMap::new();
        for (line, text) in (2..).zip(lines) {
            let (digest, path) = text.split_once("  ").ok_or(SumsError::Line(line))?;
            let digest = digest.parse().map_err(|why| SumsError::Digest { line, why })?;
            let path: EntryPath = path.parse().map_err(|why| SumsError::Path { line, why })?;
            if digests.last_key_value().is_some_and(|(last, _)| *last >= path) {
                return Err(SumsError::Order(line));
            }
            digests.insert(path, digest);
        }
        Ok(Self { name, digests })
    }
}

fn other_title(title: &str) -> SumsError {
    let number = title.strip_prefix(TITLE_START).and_then(|rest| rest.split_once(' ')?.0.parse().ok());
    match number {
        Some(found) if found != crate::FORMAT => SumsError::Format { found },
        _ => SumsError::Title(title.chars().take(60).flat_map(char::escape_debug).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn two() -> Sums {
        let digests = [("a.json", b"a"), ("b/c", b"b")].map(|(path, content)| (path.parse().unwrap(), Digest::of(content)));
        Sums { name: "site-1".parse().unwrap(), digests: digests.into() }
    }

    #[test]
    fn each_fault_has_its_own_error() {
        let good = String::from_utf8(two().to_bytes()).unwrap();
        assert_eq!(Sums::parse(good.as_bytes()), Ok(two()));
        let lines: Vec<&str> = good.lines().collect();
        assert_eq!(Sums::parse(good.trim_end().as_bytes()), Err(SumsError::Cut));
        assert_eq!(Sums::parse(b"\xff\n"), Err(SumsError::NotText));
        assert_eq!(Sums::parse(good.replace("v1", "v2").as_bytes()), Err(SumsError::Format { found: 2 }));
        assert_eq!(Sums::parse(good.replace("v1", "v0").as_bytes()), Err(SumsError::Format { found: 0 }));
        assert!(matches!(Sums::parse(good.replace("v1", "v01").as_bytes()), Err(SumsError::Title(_))));
        assert!(matches!(Sums::parse(good.replace("site-1", "site").as_bytes()), Err(SumsError::Name(_))));
        assert_eq!(Sums::parse(good.replace("  ", " ").as_bytes()), Err(SumsError::Line(2)));
        assert!(matches!(
            Sums::parse(good.to_uppercase().replace("# RESEAL BUNDLE V1 SITE", "# reseal bundle v1 site").as_bytes()),
            Err(SumsError::Digest { line: 2, .. })
        ));
        assert!(matches!(Sums::parse(good.replace("b/c", "../c").as_bytes()), Err(SumsError::Path { line: 3, .. })));
        let swapped = format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]);
        assert_eq!(Sums::parse(swapped.as_bytes()), Err(SumsError::Order(3)));
        let twice = format!("{good}{}\n", lines[2]);
        assert_eq!(Sums::parse(twice.as_bytes()), Err(SumsError::Order(4)));
    }

    proptest! {
        #[test]
        fn one_list_has_one_form(bytes in proptest::collection::vec(any::<u8>(), 0..200), flip in 0usize..1000) {
            let mut list = two().to_bytes();
            let at = flip % list.len();
            list[at] ^= 1 << (flip % 8);
            for candidate in [bytes, list] {
                if let Ok(sums) = Sums::parse(&candidate) {
                    prop_assert_eq!(sums.to_bytes(), candidate);
                }
            }
        }
    }
}
