//! The way through the protocol of `MySQL`, as its own client library and `MariaDB` speak it too: packets (`wire`), who asks (`login`),
//! statements as text and their answers (`dialogue`), over a socket or TLS (`channel`).
//!
//! Made by hand, for a driver brings along three times what the rest of this program is: only the parts are here that statements of one
//! column need, and nothing that would have to be switched off, such as compression, several statements in one text, or files of this
//! machine handed to a server that asks for one.
//!
//! What a hostile server may try, and what stops it: silence, or a byte now and then (the deadline holds for each system call); lengths,
//! rows and answers without an end (bounds in `wire` and `dialogue`); packets out of order, or a late answer taken for another one's
//! (each is counted); words in the clear before TLS that are taken for words within (nothing is read ahead); a way to log in that gives
//! the password away (two are known, and neither does).

mod channel;
mod dialogue;
mod login;
mod wire;

use std::{io::ErrorKind, time::Duration};

use bundle_format::{text, word};

use super::{
    super::Deadline,
    access::Native,
    error::{Context, DatabaseError, masked},
    session::{Answer, Told},
    statement::{PROLOGUE, Statement, Value},
    text::{exactly, fill},
};
use channel::Line;
pub use dialogue::Dialogue;
pub use login::Channel;
pub use wire::Fault;

/// A connection. Dropping it ends it, and the server then takes an open transaction back.
pub struct Connection {
    dialogue: Dialogue<Line>,
    server: String,
    patience: Duration,
}

impl Connection {
    /// Connects and says the prologue.
    pub fn open(native: &Native, patience: Duration) -> Result<Self, DatabaseError> {
        let server = native.server.to_string();
        let context = Context { server: &server, doing: word!("connect", "连接") };
        let line = Line::connect(native, Deadline::after(patience)).map_err(|fault| match fault {
            Fault::Io(error) if error.kind() != ErrorKind::TimedOut => unreachable(context, &error.to_string()),
            fault => failed(&fault, context, patience),
        })?;
        let password = native.password.as_ref().map(|password| password.as_str());
        let dialogue = Dialogue::open(line, &native.user, password).map_err(|fault| match fault {
            Fault::Malformed(_) => {
                unreachable(context, word!("what answers there does not speak the protocol of MySQL", "该处应答的不是 MySQL 协议"))
            }
            fault => failed(&fault, context, patience),
        })?;
        let mut connection = Self { dialogue, server, patience };
        connection.say(word!("begin a session", "开始会话"), PROLOGUE.map(Statement::plain).into()).end?;
        Ok(connection)
    }

    /// Makes `schema` the one whose tables are meant.
    pub fn enter(&mut self, schema: &str) -> Result<(), DatabaseError> {
        self.dialogue.stream().until(Deadline::after(self.patience));
        let context = Context { server: &self.server, doing: word!("enter the database", "进入数据库") };
        self.dialogue.enter(schema).map_err(|fault| match fault {
            Fault::Refused { code: 1049, .. } => DatabaseError::NoSuchSchema { schema: schema.to_owned() },
            fault => failed(&fault, context, self.patience),
        })
    }

    /// Says `statements`, one by one.
    pub fn say(&mut self, doing: &'static str, statements: Vec<Statement>) -> Told {
        self.dialogue.stream().until(Deadline::after(self.patience));
        let mut answers = Vec::new();
        let end = statements.into_iter().try_for_each(|statement| self.say_one(doing, statement, &mut answers));
        if end.is_err() {
            // What cannot be said to a lost server is not needed there.
            let _ = self.dialogue.say(b"rollback", &mut Vec::new());
        }
        Told { answers, end }
    }

    fn say_one(&mut self, doing: &'static str, statement: Statement, answers: &mut Vec<Answer>) -> Result<(), DatabaseError> {
        match statement {
            Statement::Do { sql, values } => self.query(doing, &[&sql], &values, &mut Vec::new()),
            Statement::Ask { expression, rest, values } => self.query(doing, &["select ", &expression, " ", &rest], &values, answers),
            Statement::Expect { condition, values, otherwise } => {
                let mut told = Vec::new();
                self.query(doing, &["select if(", &condition, ", 1, 0)"], &values, &mut told)?;
                if told.iter().any(|answer| answer.as_str() == "1") { Ok(()) } else { Err(otherwise) }
            }
        }
    }

    fn query(&mut self, doing: &'static str, parts: &[&str], values: &[Value], to: &mut Vec<Answer>) -> Result<(), DatabaseError> {
        let statement = exactly(|to| fill(to, parts, values));
        let context = Context { server: &self.server, doing };
        self.dialogue.say(&statement, to).map_err(|fault| failed(&fault, context, self.patience))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.dialogue.quit();
    }
}

fn unreachable(context: Context<'_>, why: &str) -> DatabaseError {
    DatabaseError::Unreachable { server: context.server.to_owned(), why: masked(why) }
}

fn failed(fault: &Fault, context: Context<'_>, patience: Duration) -> DatabaseError {
    let (server, doing) = (context.server.to_owned(), context.doing);
    match fault {
        Fault::Io(error) => match error.kind() {
            ErrorKind::TimedOut => DatabaseError::TimedOut { server, doing, seconds: patience.as_secs() },
            // What rustls says about a certificate or a handshake.
            ErrorKind::InvalidData => DatabaseError::Tls { server, why: masked(&error.to_string()) },
            ErrorKind::UnexpectedEof => {
                DatabaseError::Lost { server, doing, why: text!("the server ended it", "服务端断开了连接") }
            }
            _ => DatabaseError::Lost { server, doing, why: masked(&error.to_string()) },
        },
        Fault::Malformed(_) => context.answer(),
        Fault::NoTls => DatabaseError::Tls { server, why: text!("the server does not offer it", "服务端不提供 TLS") },
        Fault::Plugin(name) => DatabaseError::Denied {
            server,
            why: text!(
                "this user logs in by `{}`, and only `mysql_native_password` and `caching_sha2_password` are known here",
                "该用户以 `{}` 方式登录，而这里只支持 `mysql_native_password` 和 `caching_sha2_password`";
                masked(name)
            ),
        },
        Fault::Refused { code, text } => context.error(*code, text),
        Fault::Tls(why) => DatabaseError::Tls { server, why: masked(why) },
    }
}

#[cfg(test)]
mod tests;
