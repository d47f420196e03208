//! Packets of the protocol of `MySQL`: three bytes of length, one that counts, and what they carry. What comes is bounded, and read to
//! its last byte and no further, so that nothing said in the clear is taken for something said within TLS.

use std::io::{self, Read, Write};

use bundle_format::word;
use thiserror::Error;
use zeroize::Zeroizing;

/// The most bytes of one packet, either way. A longer one of the protocol would come in several pieces; none here does.
const MOST_PACKET: usize = 8 << 20;
/// The most bytes of one packet before we are let in: what speaks another protocol is seldom below it, and is known at once.
const MOST_BEFORE: usize = 16 << 10;

/// The first byte of a packet that says that all is well.
pub const OK: u8 = 0x00;
/// The first byte of a packet that ends columns or rows, or that asks for another way to log in.
pub const END: u8 = 0xfe;
/// The first byte of a packet that refuses.
const ERROR: u8 = 0xff;

/// Why a conversation ends.
#[derive(Debug, Error)]
pub enum Fault {
    /// The connection ends, or its deadline has passed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// What came is none of the protocol, or past a bound.
    #[error("{0}")]
    Malformed(&'static str),
    /// The server has no TLS.
    #[error("no TLS")]
    NoTls,
    /// The server wants a way to log in that is not known here.
    #[error("`{0}`")]
    Plugin(String),
    /// The server refuses, with its number and text.
    #[error("error {code}")]
    Refused {
        /// Its number.
        code: u16,
        /// Its text, which may have part of a secret in it.
        text: Zeroizing<String>,
    },
    /// TLS cannot be had.
    #[error("{0}")]
    Tls(String),
}

/// Packets over a stream.
pub struct Wire<S> {
    pub stream: S,
    count: u8,
    most: usize,
}

impl<S: Read + Write> Wire<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, count: 0, most: MOST_BEFORE }
    }

    /// From now on packets may be as long as those of answers are.
    pub fn let_in(&mut self) {
        self.most = MOST_PACKET;
    }

    /// Sends a command, whose answers count from it.
    pub fn command(&mut self, code: u8, body: &[u8]) -> Result<(), Fault> {
        self.count = 0;
        self.put(&[code], body)
    }

    /// Sends a packet.
    pub fn send(&mut self, body: &[u8]) -> Result<(), Fault> {
        self.put(&[], body)
    }

    /// Sends a packet in two parts, since the second may be a secret that is not to be copied.
    fn put(&mut self, code: &[u8], body: &[u8]) -> Result<(), Fault> {
        let length = u32::try_from(code.len() + body.len()).ok().filter(|length| *length as usize <= MOST_PACKET);
        let [a, b, c, _] = length.ok_or(Fault::Malformed(word!("a statement is too long", "语句过长")))?.to_le_bytes();
        self.stream.write_all(&[&[a, b, c, self.count], code].concat())?;
        self.stream.write_all(body)?;
        self.stream.flush()?;
        self.count = self.count.wrapping_add(1);
        Ok(())
    }

    /// The next packet.
    ///
    /// # Errors
    /// Also when the packet is a refusal.
    pub fn receive(&mut self) -> Result<Zeroizing<Vec<u8>>, Fault> {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header)?;
        let [a, b, c, count] = header;
        let length = u32::from_le_bytes([a, b, c, 0]) as usize;
        if length > self.most {
            return Err(Fault::Malformed(word!("a packet is too long", "数据包过长")));
        }
        let mut packet = Zeroizing::new(vec![0; length]);
        self.stream.read_exact(&mut packet)?;
        if let Some((&ERROR, refusal)) = packet.split_first() {
            // A server that ends a connection says so whenever it does: such a packet need not be the one that is due.
            return Err(refused(refusal));
        }
        if count != self.count {
            return Err(Fault::Malformed(word!("packets come out of order", "数据包次序不对")));
        }
        self.count = count.wrapping_add(1);
        Ok(packet)
    }
}

/// The number, the state where there is one, and the text.
fn refused(refusal: &[u8]) -> Fault {
    let mut fields = Fields(refusal);
    let Some(code) = fields.number() else { return Fault::Malformed(word!("a refusal has no number", "拒绝信息没有错误号")) };
    let text = match fields.0 {
        [b'#', rest @ ..] => rest.get(5..).unwrap_or_default(),
        text => text,
    };
    Fault::Refused { code, text: Zeroizing::new(String::from_utf8_lossy(text).into_owned()) }
}

/// What is left of a packet. Every taking yields nothing where too little is left.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    pub fn number(&mut self) -> Option<u16> {
        self.take(2).map(|taken| u16::from_le_bytes([taken[0], taken[1]]))
    }

    /// Up to a zero byte, which is taken too.
    pub fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        self.take(end + 1).map(|taken| &taken[..end])
    }

    /// Bytes behind their number, which has one to four bytes here. NULL is nothing.
    pub fn counted(&mut self) -> Option<&'a [u8]> {
        let width = match self.byte()? {
            short @ 0..=0xfa => return self.take(usize::from(short)),
            0xfc => 2,
            0xfd => 3,
            _ => return None,
        };
        let length = self.take(width)?.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.take(length)
    }
}
