//! Edits values of a JSON document and leaves every other byte of it alone.
//!
//! Values are found by `serde_json`'s borrowed raw values, whose text is a part of the document's own text; where it stands is the
//! distance between the two. Duplicate members, escapes in names, byte order mark, line ends and spacing stay as they are.
//!
//! Hostile documents and what stops them: size ([`MOST_BYTES`]), nesting ([`MOST_DEPTH`]), anything that is not JSON
//! ([`JsonError::Malformed`]).

use std::{fmt, ops::Range};

use bundle_format::{text, word};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use thiserror::Error;

/// The largest document, in bytes.
pub const MOST_BYTES: usize = 1 << 20;
/// The deepest nesting.
pub const MOST_DEPTH: usize = 127;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Why a document is not edited.
#[derive(Debug, Error)]
pub enum JsonError {
    /// Too deep.
    #[error("{}", text!("the document is nested deeper than {MOST_DEPTH} levels", "文档嵌套超过 {MOST_DEPTH} 层"))]
    Depth,
    /// Not JSON.
    #[error("{}", text!("the document is not JSON: {_0}", "文档不是 JSON：{_0}"))]
    Malformed(#[from] serde_json::Error),
    /// Not UTF-8.
    #[error("{}", text!("the document is not UTF-8 from byte {_0} on", "文档从第 {_0} 字节起不是 UTF-8"))]
    NotText(usize),
    /// Too large.
    #[error("{}", text!("the document has {_0} bytes, at most {MOST_BYTES} are read", "文档有 {_0} 字节，最多读取 {MOST_BYTES} 字节"))]
    Size(usize),
}

/// A document after an edit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Edited {
    /// The document.
    pub content: Vec<u8>,
    /// How many values were changed.
    pub changed: usize,
    /// How many had the new value already.
    pub already: usize,
}

/// Changes each string value `from` of a member named `member`, at any depth, to `to`.
///
/// # Errors
/// When the document is not one, or past a bound.
pub fn edit(document: &[u8], member: &str, from: &str, to: &str) -> Result<Edited, JsonError> {
    if document.len() > MOST_BYTES {
        return Err(JsonError::Size(document.len()));
    }
    let text = std::str::from_utf8(document).map_err(|error| JsonError::NotText(error.valid_up_to()))?;
    let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut search = Search { text, member, from, to, found: Vec::new(), already: 0 };
    search.value(serde_json::from_str(body)?, 0)?;
    let replacement = serde_json::to_string(to)?;
    let mut content = String::with_capacity(text.len() + search.found.len() * replacement.len());
    let mut copied = 0;
    for span in &search.found {
        content.extend([&text[copied..span.start], &replacement]);
        copied = span.end;
    }
    content.push_str(&text[copied..]);
    Ok(Edited { content: content.into_bytes(), changed: search.found.len(), already: search.already })
}

/// The walk through a document, in the order of its text.
struct Search<'a> {
    text: &'a str,
    member: &'a str,
    from: &'a str,
    to: &'a str,
    found: Vec<Range<usize>>,
    already: usize,
}

impl<'a> Search<'a> {
    fn value(&mut self, value: &'a RawValue, depth: usize) -> Result<(), JsonError> {
        if depth > MOST_DEPTH {
            return Err(JsonError::Depth);
        }
        let text = value.get();
        if text.starts_with('{') {
            for (name, value) in serde_json::from_str::<Members<'a>>(text)?.0 {
                self.member(name, value);
                self.value(value, depth + 1)?;
            }
        } else if text.starts_with('[') {
            for item in serde_json::from_str::<Items<'a>>(text)?.0 {
                self.value(item, depth + 1)?;
            }
        }
        Ok(())
    }

    fn member(&mut self, name: &RawValue, value: &'a RawValue) {
        if !is_string(name, self.member) {
            return;
        }
        if self.from != self.to && is_string(value, self.from) {
            self.found.push(self.span(value));
        } else if is_string(value, self.to) {
            self.already += 1;
        }
    }

    /// Where a value stands: its text is a part of the document's.
    fn span(&self, value: &RawValue) -> Range<usize> {
        let start = value.get().as_ptr().addr() - self.text.as_ptr().addr();
        start..start + value.get().len()
    }
}

fn is_string(raw: &RawValue, expected: &str) -> bool {
    raw.get().starts_with('"') && serde_json::from_str::<String>(raw.get()).is_ok_and(|text| text == expected)
}

/// The members of an object, in their order, duplicates too.
struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(word!("an object", "对象"))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Collect)
    }
}

/// The items of an array, in their order.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(word!("an array", "数组"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(Items(all))
            }
        }
        from.deserialize_seq(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn edited(document: &str) -> String {
        String::from_utf8(edit(document.as_bytes(), "expiry", "87600h", "876000h").unwrap().content).unwrap()
    }

    #[test]
    fn only_the_values_change() {
        let cases = [
            ("{\"expiry\":\"87600h\"}", "{\"expiry\":\"876000h\"}"),
            ("\u{feff}{ \"expiry\" :\t\"87600h\"\r\n}\r\n", "\u{feff}{ \"expiry\" :\t\"876000h\"\r\n}\r\n"),
            ("{\"expir\\u0079\":\"87600\\u0068\"}", "{\"expir\\u0079\":\"876000h\"}"),
            ("[{\"expiry\":\"87600h\",\"expiry\":\"87600h\"}]", "[{\"expiry\":\"876000h\",\"expiry\":\"876000h\"}]"),
            ("{\"a\":[0,{\"b\":{\"expiry\":\"87600h\"}}],\"c\":1.50e+3}", "{\"a\":[0,{\"b\":{\"expiry\":\"876000h\"}}],\"c\":1.50e+3}"),
            ("{\"expiry\":{\"expiry\":\"87600h\"}}", "{\"expiry\":{\"expiry\":\"876000h\"}}"),
        ];
        for (before, after) in cases {
            assert_eq!(edited(before), after);
        }
        for unchanged in
            ["{\"expiry\":\"8760h\"}", "{\"Expiry\":\"87600h\"}", "[\"expiry\",\"87600h\"]", "\"87600h\"", "{\"\\ud800\":\"\\ud800\"}"]
        {
            assert_eq!(edited(unchanged), unchanged);
        }
    }

    #[test]
    fn what_was_done_is_counted() {
        let outcome = edit(b"{\"a\":{\"e\":\"x\"},\"e\":\"y\",\"b\":{\"e\":\"x\"}}", "e", "x", "y").unwrap();
        assert_eq!((outcome.changed, outcome.already), (2, 1));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let error = |document: &[u8]| edit(document, "e", "x", "y").unwrap_err();
        for document in ["", "{", "{\"e\":\"x\"} x", "{\"e\" \"x\"}", "{e:1}", "[1,]", "\u{feff}\u{feff}{}"] {
            assert!(matches!(error(document.as_bytes()), JsonError::Malformed(_)), "{document:?}");
        }
        assert!(matches!(error(b"{\"\xff\":1}"), JsonError::NotText(2)));
        assert!(matches!(error(&vec![b' '; MOST_BYTES + 1]), JsonError::Size(_)));
        let nested = |depth| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert!(edit(nested(MOST_DEPTH).as_bytes(), "e", "x", "y").is_ok());
        assert!(matches!(error(nested(MOST_DEPTH + 2).as_bytes()), JsonError::Depth | JsonError::Malformed(_)));
        assert!(matches!(error(nested(400_000).as_bytes()), JsonError::Depth | JsonError::Malformed(_)));
    }

    /// Documents as text, with freedom in spacing, escapes and duplicates.
    fn document() -> impl Strategy<Value = String> {
        let name = prop::sample::select(vec!["e", "\\u0065", "f", "a b", "\\\"", ""]);
        let space = prop::sample::select(vec!["", " ", "\n", "\t\r\n"]);
        let leaf = prop::sample::select(vec!["\"x\"", "\"\\u0078\"", "\"y\"", "\"xx\"", "1", "-0.5e3", "true", "null", "{}", "[]"]);
        let space2 = space.clone();
        let value = leaf.prop_map(str::to_owned).prop_recursive(4, 40, 5, move |inner| {
            let member =
                (name.clone(), space2.clone(), inner.clone()).prop_map(|(name, space, value)| format!("\"{name}\"{space}:{space}{value}"));
            prop_oneof![
                (prop::collection::vec(member, 0..5), space2.clone())
                    .prop_map(|(members, space)| format!("{{{space}{}{space}}}", members.join(&format!("{space},")))),
                prop::collection::vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(", "))),
            ]
        });
        (space.clone(), value, space).prop_map(|(before, value, after)| [before, &value, after].concat())
    }

    fn edit_value(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(edit_value),
            Value::Object(members) => {
                for (name, value) in members {
                    if name == "e" && value == "x" {
                        *value = "new \"".into();
                    }
                    edit_value(value);
                }
            }
            _ => {}
        }
    }

    proptest! {
        #[test]
        fn an_edit_is_what_it_would_be_on_values(document in document()) {
            let outcome = edit(document.as_bytes(), "e", "x", "new \"").unwrap();
            let mut expected: Value = serde_json::from_str(&document).unwrap();
            edit_value(&mut expected);
            prop_assert_eq!(serde_json::from_slice::<Value>(&outcome.content).unwrap(), expected);
            let again = edit(&outcome.content, "e", "x", "new \"").unwrap();
            prop_assert_eq!((again.changed, again.already), (0, outcome.changed + outcome.already));
            prop_assert_eq!(&again.content, &outcome.content);
        }

        #[test]
        fn all_other_bytes_stay(document in document()) {
            let outcome = edit(document.as_bytes(), "e", "x", "\u{1}mark").unwrap();
            let text = String::from_utf8(outcome.content).unwrap();
            let parts: Vec<&str> = text.split("\"\\u0001mark\"").collect();
            prop_assert_eq!(parts.len(), outcome.changed + 1);
            let mut rest = document.as_str();
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    let value = ["\"x\"", "\"\\u0078\""].into_iter().find(|value| rest.starts_with(value)).unwrap();
                    rest = &rest[value.len()..];
                }
                prop_assert!(rest.starts_with(part));
                rest = &rest[part.len()..];
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn arbitrary_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = edit(&bytes, "e", "x", "y");
        }
    }
}
