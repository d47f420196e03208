//! The version of TOS, in the ways in which a site can read it, and whether that version ships the CA that runs out.

use std::{fmt, str::FromStr};

use bundle_format::{text, word};
use thiserror::Error;

use super::Edition;

/// A version as the site has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TosVersion {
    text: String,
    number: Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    /// Of TOS itself: `v2.1.0-tos-final-build-20220805-tdh`, `2.1`, `tos-2.1`.
    Tos { major: u32, minor: u32 },
    /// Of the Manager: `manager-7.0.1910a-final`. It does not tell the version of TOS.
    Manager,
}

/// Why a text is no version.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}", text!(
    "`{_0}` is no TOS version; it reads like `v2.1.0-tos-final-build-20220805-tdh`, `tos-2.1` or `manager-7.0.1910a-final`",
    "`{_0}` 不是 TOS 版本；正确写法例如 `v2.1.0-tos-final-build-20220805-tdh`、`tos-2.1` 或 `manager-7.0.1910a-final`"
))]
pub struct VersionError(String);

/// Whether a version is one of those whose CA runs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affected {
    /// It is.
    Yes,
    /// It is not: the range that is affected.
    No(&'static str),
    /// The text does not say.
    Unknown,
}

impl TosVersion {
    /// Compares with the range that the vendor names for an edition: TDH 1.9.x to 2.1.x, TDC 1.9.x to 2.0.x.
    #[must_use]
    pub fn affected(&self, edition: Edition) -> Affected {
        let (last, range) = match edition {
            Edition::Tdc => ((2, 0), word!("1.9.x to 2.0.x", "1.9.x 到 2.0.x")),
            Edition::Tdh => ((2, 1), word!("1.9.x to 2.1.x", "1.9.x 到 2.1.x")),
        };
        match self.number {
            Number::Manager => Affected::Unknown,
            Number::Tos { major, minor } if ((1, 9)..=last).contains(&(major, minor)) => Affected::Yes,
            Number::Tos { .. } => Affected::No(range),
        }
    }

    /// The folder of this version in the Manager's metainfo, where the text is the image tag that the folder is named after.
    #[must_use]
    pub fn metainfo_folder(&self) -> Option<&str> {
        let is_tag = self.text.starts_with("tos-") || self.number == Number::Manager;
        is_tag.then_some(self.text.as_str())
    }
}

impl FromStr for TosVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        let text = text.trim();
        let wrong = || VersionError(text.escape_debug().take(80).collect());
        // An image may be given whole: the tag is what follows the last colon.
        let tag = text.rsplit(':').next().unwrap_or(text);
        if !tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+')) || tag.len() > 63 {
            return Err(wrong());
        }
        let (manager, digits) = match (tag.strip_prefix("manager-"), tag.strip_prefix("tos-")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => (false, tag.strip_prefix(['v', 'V']).unwrap_or(tag)),
        };
        let (major, minor) = leading_numbers(digits).ok_or_else(wrong)?;
        let number = if manager { Number::Manager } else { Number::Tos { major, minor } };
        Ok(Self { text: tag.to_owned(), number })
    }
}

/// The first two numbers of a dotted version. What follows the second is a dot, a dash, a plus or nothing.
fn leading_numbers(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.split_once('.')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (minor, rest) = rest.split_at(end);
    if !matches!(rest.chars().next(), None | Some('.' | '-' | '+')) {
        return None;
    }
    let number =
        |digits: &str| if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) { None } else { digits.parse().ok() };
    Some((number(major)?, number(minor)?))
}

impl fmt::Display for TosVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn affected(text: &str, edition: Edition) -> Affected {
        text.parse::<TosVersion>().unwrap().affected(edition)
    }

    #[test]
    fn every_way_of_writing_is_compared_with_the_edition() {
        for text in ["v2.1.0-tos-final-build-20220805-tdh", "tos-2.1", "2.1", "v2.1.7", "transwarp/registry:tos-2.1", " 2.1.0+x "] {
            assert_eq!(affected(text, Edition::Tdh), Affected::Yes, "{text}");
            assert_eq!(affected(text, Edition::Tdc), Affected::No("1.9.x to 2.0.x"), "{text}");
        }
        for text in ["1.9.0", "v1.9.2-tos", "2.0", "tos-2.0", "v2.0.99", "1.10.3"] {
            assert_eq!((affected(text, Edition::Tdh), affected(text, Edition::Tdc)), (Affected::Yes, Affected::Yes), "{text}");
        }
        for text in ["1.8.9", "v2.2.0", "tos-3.0", "0.9", "2.10"] {
            assert!(matches!((affected(text, Edition::Tdh), affected(text, Edition::Tdc)), (Affected::No(_), Affected::No(_))), "{text}");
        }
        assert_eq!(affected("manager-7.0.1910a-final", Edition::Tdh), Affected::Unknown);
        assert_eq!(affected("transwarp/registry:manager-7.0.1910a-final", Edition::Tdh), Affected::Unknown);
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "tos", "v2", "two.one", "2.", ".1", "2.1x", "manager-final", "tos-2.1/../..", "v2.1.0 tos", "99999999999.1"] {
            assert!(text.parse::<TosVersion>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_image_tag_names_the_folder() {
        let folder = |text: &str| text.parse::<TosVersion>().unwrap().metainfo_folder().map(str::to_owned);
        assert_eq!(folder("tos-2.1").as_deref(), Some("tos-2.1"));
        assert_eq!(folder("transwarp/registry:manager-7.0.1910a-final").as_deref(), Some("manager-7.0.1910a-final"));
        assert_eq!(folder("v2.1.0-tos-final-build-20220805-tdh"), None);
    }
}
