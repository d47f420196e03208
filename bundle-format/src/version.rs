//! Versions of the executor, as a bundle asks for them: three numbers, compared from the left.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text;

/// A text that is no version.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
#[error("{}", text!(
    "a version is three numbers such as 1.20.3, each without leading zeros and below 2^32",
    "版本号应为三个数字，例如 1.20.3，没有前导零，且都小于 2^32"
))]
pub struct VersionError;

/// A version, such as `0.1.0`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version([u32; 3]);

impl Version {
    /// The version of this program. What does not read as one is older than every version.
    #[must_use]
    pub fn own() -> Self {
        env!("CARGO_PKG_VERSION").parse().unwrap_or(Self([0; 3]))
    }
}

impl FromStr for Version {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let number = |part: &str| {
            let number: u32 = part.parse().ok()?;
            (number.to_string() == part).then_some(number)
        };
        let numbers: Option<Vec<u32>> = text.split('.').take(4).map(number).collect();
        Ok(Self(numbers.and_then(|numbers| numbers.try_into().ok()).ok_or(VersionError)?))
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;
    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_number_by_number() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("0.9.0") < version("0.10.0") && version("0.10.9") < version("1.0.0"));
        assert_eq!(version("1.20.3").to_string(), "1.20.3");
        assert_eq!(Version::own().to_string(), env!("CARGO_PKG_VERSION"));
        for text in ["", "1", "1.2", "1.2.3.4", "1.2.3.", "01.2.3", "1.2.-3", "1.2.+3", "1.2.3-rc", "1.2.4294967296", "v1.2.3"] {
            assert_eq!(text.parse::<Version>(), Err(VersionError), "{text}");
        }
    }
}
