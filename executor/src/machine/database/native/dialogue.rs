//! What is said to a server once it is reached, over whatever stream.

use bundle_format::word;
use zeroize::Zeroizing;

use super::{
    super::session::Answer,
    login::{Channel, login},
    wire::{END, Fault, Fields, OK, Wire},
};

/// The most bytes of all answers together, and the most answers.
const MOST_ANSWERED: usize = 16 << 20;
const MOST_ANSWERS: usize = 10_000;

/// Commands.
const QUIT: u8 = 1;
const ENTER: u8 = 2;
const QUERY: u8 = 3;

/// A conversation with a server that has let us in.
pub struct Dialogue<S> {
    wire: Wire<S>,
}

impl<S: Channel> Dialogue<S> {
    /// Logs in over a stream on which nothing was said yet.
    ///
    /// # Errors
    /// When the server does not let this user in, or does not speak the protocol.
    pub fn open(stream: S, user: &str, password: Option<&str>) -> Result<Self, Fault> {
        let mut wire = Wire::new(stream);
        login(&mut wire, user, password.unwrap_or_default().as_bytes())?;
        wire.let_in();
        Ok(Self { wire })
    }

    /// The stream.
    pub fn stream(&mut self) -> &mut S {
        &mut self.wire.stream
    }

    /// Makes `schema` the one whose tables are meant.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn enter(&mut self, schema: &str) -> Result<(), Fault> {
        self.wire.command(ENTER, schema.as_bytes())?;
        if self.wire.receive()?.first() == Some(&OK) {
            Ok(())
        } else {
            Err(Fault::Malformed(word!("no answer to a command", "对命令没有应答")))
        }
    }

    /// Says one statement, and adds what each row of its answer has in its one column.
    ///
    /// # Errors
    /// When the server refuses, or answers anything else than rows of one text each.
    pub fn say(&mut self, statement: &[u8], answers: &mut Vec<Answer>) -> Result<(), Fault> {
        self.wire.command(QUERY, statement)?;
        match self.wire.receive()?.as_slice() {
            [OK, ..] => return Ok(()),
            [1] => {}
            [0xfb, ..] => return Err(Fault::Malformed(word!("the server asks for a file of this machine", "服务器索要本机的文件"))),
            _ => return Err(Fault::Malformed(word!("an answer has not one column", "应答不是一列"))),
        }
        let _definition = self.wire.receive()?;
        if !is_end(&self.wire.receive()?) {
            return Err(Fault::Malformed(word!("columns have no end", "列定义没有结束")));
        }
        loop {
            let packet = self.wire.receive()?;
            if is_end(&packet) {
                return Ok(());
            }
            answers.push(row(&packet).ok_or(Fault::Malformed(word!("a row is not one text", "一行不是一个文本")))?);
            if answers.len() > MOST_ANSWERS || answers.iter().map(|answer| answer.len()).sum::<usize>() > MOST_ANSWERED {
                return Err(Fault::Malformed(word!("answers are too long", "应答过长")));
            }
        }
    }

    /// Says that nothing more will be said. Whoever cannot be told any more need not be.
    pub fn quit(&mut self) {
        let _ = self.wire.command(QUIT, &[]);
    }
}

/// Whether a packet ends columns or rows; a longer one with the same first byte is a row.
fn is_end(packet: &[u8]) -> bool {
    packet.first() == Some(&END) && packet.len() < 9
}

fn row(packet: &[u8]) -> Option<Answer> {
    let mut fields = Fields(packet);
    let text = std::str::from_utf8(fields.counted()?).ok()?;
    fields.0.is_empty().then(|| Zeroizing::new(text.to_owned()))
}
