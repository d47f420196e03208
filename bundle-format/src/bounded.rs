//! Lists and texts of JSON documents, each with its maximum: parsing stops at the first item too many, before memory is taken for it.
//!
//! For `#[serde(deserialize_with = "…")]`. What is written is not looked at: the generator reads its own bundles back.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, SeqAccess, Visitor},
};

use crate::text;

/// The most a list makes room for before its items are seen.
const ROOM: usize = 64;

/// A list of at most `MOST` items.
///
/// # Errors
/// At the item after the last that is allowed.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>, const MOST: usize>(from: D) -> Result<Vec<T>, D::Error> {
    from.deserialize_seq(List::<T, MOST>(PhantomData))
}

/// A list of at most `MOST` texts of at most 255 bytes, the longest host name or file name that there is.
///
/// # Errors
/// At the text after the last that is allowed, or at a longer one.
pub fn texts<'de, D: Deserializer<'de>, const MOST: usize>(from: D) -> Result<Vec<String>, D::Error> {
    let texts: Vec<Text> = list::<D, Text, MOST>(from)?;
    Ok(texts.into_iter().map(|text| text.0).collect())
}

struct List<T, const MOST: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text!("a list of at most {MOST} items", "最多 {MOST} 项的列表"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::with_capacity(items.size_hint().unwrap_or(0).min(ROOM).min(MOST));
        while let Some(item) = items.next_element()? {
            if list.len() == MOST {
                return Err(A::Error::custom(text!("a list has more than {MOST} items", "列表超过 {MOST} 项")));
            }
            list.push(item);
        }
        Ok(list)
    }
}

struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        const MOST: usize = 255;
        let text = String::deserialize(from)?;
        if text.len() > MOST {
            Err(D::Error::custom(text!("a text has more than {MOST} bytes", "文本超过 {MOST} 字节")))
        } else {
            Ok(Self(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Document {
        #[serde(deserialize_with = "list::<_, _, 3>")]
        numbers: Vec<u8>,
        #[serde(deserialize_with = "texts::<_, 2>")]
        texts: Vec<String>,
    }

    fn read(numbers: &str, texts: &str) -> Result<(usize, usize), String> {
        let document: Document =
            serde_json::from_str(&format!("{{\"numbers\":{numbers},\"texts\":{texts}}}")).map_err(|why| why.to_string())?;
        Ok((document.numbers.len(), document.texts.len()))
    }

    #[test]
    fn a_list_ends_at_its_maximum() {
        assert_eq!(read("[1,2,3]", "[\"a\",\"b\"]"), Ok((3, 2)));
        assert_eq!(read("[]", "[]"), Ok((0, 0)));
        assert!(read("[1,2,3,4]", "[]").unwrap_err().starts_with("a list has more than 3 items"));
        assert!(read("[]", "[\"a\",\"b\",\"c\"]").unwrap_err().starts_with("a list has more than 2 items"));
        assert!(read("[]", &format!("[\"{}\"]", "a".repeat(255))).is_ok());
        assert!(read("[]", &format!("[\"{}\"]", "a".repeat(256))).unwrap_err().starts_with("a text has more than 255 bytes"));
        assert!(read("{}", "[]").unwrap_err().contains("expected a list of at most 3 items"));
    }
}
