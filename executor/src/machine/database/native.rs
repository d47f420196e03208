//! The way through the protocol. The driver is told an address or a socket, never a name, and nothing of its convenience: no switch
//! to another socket, no cache of statements, no file of this machine handed to a server that asks for one.

use std::{
    error::Error as _,
    io::{self, ErrorKind},
    net::IpAddr,
    os::fd::{AsRawFd as _, RawFd},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use bundle_format::{text, word};
use mysql::{
    Conn, DriverError, Error, Opts, OptsBuilder, QueryResult, SslOpts,
    prelude::{Protocol, Queryable as _},
};
use nix::sys::socket::{Shutdown, shutdown};
use zeroize::Zeroizing;

use super::{
    access::{Native, Server},
    error::{Context, DatabaseError, masked},
    session::{Answer, Told},
    statement::{PROLOGUE, Statement, Value},
};

/// The most bytes of one packet, of all answers together, and the most answers.
const MOST_PACKET: usize = 4 << 20;
const MOST_ANSWERED: usize = 16 << 20;
const MOST_ANSWERS: usize = 10_000;

/// A connection. Dropping it ends it, and the server then takes an open transaction back.
pub struct Connection {
    conn: Conn,
    server: String,
    patience: Duration,
}

impl Connection {
    /// Connects and says the prologue.
    pub fn open(native: &Native, patience: Duration) -> Result<Self, DatabaseError> {
        let server = native.server.to_string();
        let context = Context { server: &server, doing: word!("connect", "连接") };
        let options = options(native, patience);
        let (to, from) = channel();
        // The driver has a limit for each read but none for them all. A thread that is left behind has changed nothing, and ends
        // at the latest with this process.
        thread::spawn(move || to.send(Conn::new(options)).ok());
        let conn = match from.recv_timeout(patience) {
            Ok(connected) => connected.map_err(|error| failed(&error, context, patience))?,
            Err(_) => return Err(late(context, patience)),
        };
        let mut connection = Self { conn, server, patience };
        connection.say(word!("begin a session", "开始会话"), PROLOGUE.map(Statement::plain).into()).end?;
        Ok(connection)
    }

    /// Makes `schema` the one whose tables are meant.
    pub fn enter(&mut self, schema: &str) -> Result<(), DatabaseError> {
        let guard = Watchdog::over(self.conn.as_raw_fd(), self.patience);
        let entered = self.conn.select_db(schema);
        let context = Context { server: &self.server, doing: word!("enter the database", "进入数据库") };
        entered.map_err(|error| match &error {
            Error::MySqlError(told) if told.code == 1049 => DatabaseError::NoSuchSchema { schema: schema.to_owned() },
            _ if guard.has_bitten() => late(context, self.patience),
            _ => failed(&error, context, self.patience),
        })
    }

    /// Says `statements`, one by one.
    pub fn say(&mut self, doing: &'static str, statements: Vec<Statement>) -> Told {
        let guard = Watchdog::over(self.conn.as_raw_fd(), self.patience);
        let mut answers = Vec::new();
        let mut end = statements.into_iter().try_for_each(|statement| self.say_one(doing, statement, &mut answers));
        if end.is_err() && guard.has_bitten() {
            end = Err(late(Context { server: &self.server, doing }, self.patience));
        }
        if end.is_err() {
            // What cannot be said to a lost server is not needed there.
            self.conn.query_drop("rollback").ok();
        }
        Told { answers, end }
    }

    fn say_one(&mut self, doing: &'static str, statement: Statement, answers: &mut Vec<Answer>) -> Result<(), DatabaseError> {
        match statement {
            Statement::Do { sql, values } => self.query(doing, &sql, &values, &mut Vec::new()),
            Statement::Ask { expression, rest, values } => self.query(doing, &format!("select {expression} {rest}"), &values, answers),
            Statement::Expect { condition, values, otherwise } => {
                let mut told = Vec::new();
                self.query(doing, &format!("select if({condition}, 1, 0)"), &values, &mut told)?;
                if told.iter().any(|answer| answer.as_str() == "1") { Ok(()) } else { Err(otherwise) }
            }
        }
    }

    /// Says one statement. Without values it goes as text, since not every statement can be prepared.
    fn query(&mut self, doing: &'static str, sql: &str, values: &[Value], to: &mut Vec<Answer>) -> Result<(), DatabaseError> {
        let Self { conn, server, patience } = self;
        let context = Context { server, doing };
        let failed = |error: Error| failed(&error, context, *patience);
        if values.is_empty() {
            collect(conn.query_iter(sql).map_err(failed)?, context, *patience, to)
        } else {
            let bound: Vec<mysql::Value> = values.iter().map(bound).collect();
            collect(conn.exec_iter(sql, bound).map_err(failed)?, context, *patience, to)
        }
    }
}

fn bound(value: &Value) -> mysql::Value {
    mysql::Value::Bytes(match value {
        Value::Bytes(hex) => hex.as_bytes().to_vec(),
        Value::Text(text) => text.clone().into_bytes(),
    })
}

/// The first column of all rows.
fn collect<P: Protocol>(
    rows: QueryResult<'_, '_, '_, P>,
    context: Context<'_>,
    patience: Duration,
    to: &mut Vec<Answer>,
) -> Result<(), DatabaseError> {
    for row in rows {
        let row = row.map_err(|error| failed(&error, context, patience))?;
        let text = match row.as_ref(0) {
            Some(mysql::Value::Bytes(bytes)) => String::from_utf8(bytes.clone()).map_err(|_| context.answer())?,
            Some(mysql::Value::Int(number)) => number.to_string(),
            _ => return Err(context.answer()),
        };
        to.push(Zeroizing::new(text));
        if to.len() > MOST_ANSWERS || to.iter().map(|answer| answer.len()).sum::<usize>() > MOST_ANSWERED {
            return Err(context.answer());
        }
    }
    Ok(())
}

fn options(native: &Native, patience: Duration) -> Opts {
    let builder = OptsBuilder::new()
        .prefer_socket(false)
        .stmt_cache_size(0)
        .max_allowed_packet(Some(MOST_PACKET))
        .tcp_connect_timeout(Some(patience))
        .read_timeout(Some(patience))
        .write_timeout(Some(patience))
        .user(Some(native.user.clone()))
        .pass(native.password.as_ref().map(|password| password.to_string()));
    let builder = match &native.server {
        Server::Socket(path) => builder.socket(Some(path.to_string_lossy())),
        Server::Address(IpAddr::V6(address), port) => builder.ip_or_hostname(Some(format!("[{address}]"))).tcp_port(*port),
        Server::Address(address, port) => builder.ip_or_hostname(Some(address.to_string())).tcp_port(*port),
    };
    let tls = native.tls.as_ref().map(|tls| match &tls.authority {
        Some(file) => SslOpts::default().with_root_cert_path(Some(file.clone())),
        None => SslOpts::default().with_danger_accept_invalid_certs(true),
    });
    builder.ssl_opts(tls).into()
}

fn late(context: Context<'_>, patience: Duration) -> DatabaseError {
    DatabaseError::TimedOut { server: context.server.to_owned(), doing: context.doing, seconds: patience.as_secs() }
}

fn failed(error: &Error, context: Context<'_>, patience: Duration) -> DatabaseError {
    let server = context.server.to_owned();
    match error {
        Error::MySqlError(told) => context.error(told.code, &told.message),
        Error::IoError(error) => io_failed(error, context, patience),
        Error::DriverError(DriverError::ConnectTimeout | DriverError::Timeout) => late(context, patience),
        Error::DriverError(DriverError::CouldNotConnect(Some((_, why, _)))) => DatabaseError::Unreachable { server, why: masked(why) },
        Error::DriverError(DriverError::TlsNotSupported) => {
            DatabaseError::Tls { server, why: text!("the server does not offer it", "服务器不支持") }
        }
        Error::DriverError(error @ (DriverError::UnknownAuthPlugin(_) | DriverError::OldMysqlPasswordDisabled)) => {
            DatabaseError::Denied { server, why: masked(&error.to_string()) }
        }
        Error::TlsError(error) => DatabaseError::Tls { server, why: masked(&error.to_string()) },
        Error::CodecError(error) => match error.source().and_then(|source| source.downcast_ref()) {
            Some(error) => io_failed(error, context, patience),
            None => DatabaseError::Lost { server, doing: context.doing, why: masked(&error.to_string()) },
        },
        Error::DriverError(error) => DatabaseError::Lost { server, doing: context.doing, why: masked(&error.to_string()) },
        Error::UrlError(_) | Error::FromValueError(_) | Error::FromRowError(_) => context.answer(),
    }
}

fn io_failed(error: &io::Error, context: Context<'_>, patience: Duration) -> DatabaseError {
    let server = context.server.to_owned();
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => late(context, patience),
        // What rustls says about a certificate or a handshake.
        ErrorKind::InvalidData => DatabaseError::Tls { server, why: masked(&error.to_string()) },
        _ => DatabaseError::Lost { server, doing: context.doing, why: masked(&error.to_string()) },
    }
}

/// Shuts a socket down when the time is over, so that whoever reads from it ends. It ends itself when it is dropped, which has to
/// happen before the socket is closed.
struct Watchdog {
    has_bitten: Arc<AtomicBool>,
    calm: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    fn over(socket: RawFd, patience: Duration) -> Self {
        let has_bitten = Arc::new(AtomicBool::new(false));
        let (calm, calmed) = channel::<()>();
        let bitten = Arc::clone(&has_bitten);
        let thread = thread::spawn(move || {
            if calmed.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                bitten.store(true, Ordering::SeqCst);
                shutdown(socket, Shutdown::Both).ok();
            }
        });
        Self { has_bitten, calm: Some(calm), thread: Some(thread) }
    }

    fn has_bitten(&self) -> bool {
        self.has_bitten.load(Ordering::SeqCst)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.calm.take());
        self.thread.take().map(JoinHandle::join);
    }
}
