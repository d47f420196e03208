//! Statements as text, with their values written into them, for both ways. No value is written as it is: bytes and texts stand there
//! in hexadecimal, so nothing in them is read as SQL, whatever the mode of the session.

use zeroize::Zeroizing;

use super::statement::Value;

/// What a text is written to.
pub trait Sink {
    fn put(&mut self, text: &str);
}

/// What `write` writes, in a buffer that never moves: what is left behind when one grows could not be wiped.
pub fn exactly(write: impl Fn(&mut dyn Sink)) -> Zeroizing<Vec<u8>> {
    let mut size = Size(0);
    write(&mut size);
    let mut text = Zeroizing::new(Vec::with_capacity(size.0));
    write(&mut *text);
    text
}

struct Size(usize);

impl Sink for Size {
    fn put(&mut self, text: &str) {
        self.0 += text.len();
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// Writes `parts` with each `?` replaced by the next of `values`. No text of a statement has another `?`.
pub fn fill(to: &mut dyn Sink, parts: &[&str], values: &[Value]) {
    let mut values = values.iter();
    for part in parts {
        for (index, piece) in part.split('?').enumerate() {
            if index > 0 {
                values.next().into_iter().for_each(|value| write_value(to, value));
            }
            to.put(piece);
        }
    }
}

fn write_value(to: &mut dyn Sink, value: &Value) {
    match value {
        Value::Bytes(hex) => {
            to.put("'");
            to.put(hex);
            to.put("'");
        }
        Value::Text(text) => to.put(&format!("_utf8mb4 x'{}'", hex::encode(text))),
    }
}
