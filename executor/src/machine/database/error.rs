//! Every way in which a database can fail, and what a server's number means. No variant holds a value of a row.

use bundle_format::text;
use thiserror::Error;

/// A database that could not be read or changed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum DatabaseError {
    /// The answer is not one that was asked for.
    #[error("{}", text!("while trying to {doing}, the database gave an answer that cannot be understood", "在“{doing}”时，数据库的应答无法理解"))]
    Answer {
        /// What was tried.
        doing: &'static str,
    },
    /// A row is neither what it was nor what it becomes.
    #[error("{}", text!(
        "row `{key}` holds something else than before and than the new value: somebody changed it meanwhile",
        "行 `{key}` 既不是原值也不是新值：期间被他人改动"
    ))]
    Changed {
        /// Its key.
        key: String,
    },
    /// The client program failed, and not with an error of a server.
    #[error("{}", text!("`{command}` {status}{}", "`{command}` {status}{}"; colon(why)))]
    Client {
        /// The program and its arguments.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it said, masked.
        why: String,
    },
    /// There is no such column, or it cannot hold text.
    #[error("{}", text!("column `{column}` of `{table}` {why}", "`{table}` 的列 `{column}` {why}"))]
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What is wrong with it.
        why: String,
    },
    /// The client program cannot be started.
    #[error("{}", text!("cannot start `{program}`: {why}", "无法启动 `{program}`：{why}"))]
    CommandStart {
        /// The program.
        program: String,
        /// The reason.
        why: String,
    },
    /// The table that should become the copy holds something else.
    #[error("{}", text!(
        "table `{table}` exists and holds other rows than those to be kept: rename it, for example to `{table}_old`",
        "表 `{table}` 已存在，且内容与应保存的行不同：请改名，例如 `{table}_old`"
    ))]
    CopyDiffers {
        /// The copy.
        table: String,
    },
    /// Who asks is not let in.
    #[error("{}", text!("{server} denies access: {why}", "{server} 拒绝访问：{why}"))]
    Denied {
        /// Where it was asked.
        server: String,
        /// What it said, masked.
        why: String,
    },
    /// The storage engine fails.
    #[error("{}", text!("while trying to {doing}, the storage engine failed: error {code} ({why})", "在“{doing}”时，存储引擎出错：错误 {code}（{why}）"))]
    Engine {
        /// What was tried.
        doing: &'static str,
        /// The server's number.
        code: u16,
        /// What it said, masked.
        why: String,
    },
    /// The engine knows no transactions, and rows could not be put back after a failure.
    #[error("{}", text!(
        "{} may already be changed and could not be put back (the table knows no transactions), after: {cause}",
        "{} 可能已被改动且未能恢复（该表不支持事务），起因：{cause}"; keys_of(keys)
    ))]
    HalfDone {
        /// The keys of rows that were changed.
        keys: Vec<String>,
        /// What failed first.
        cause: Box<DatabaseError>,
    },
    /// Another connection holds the rows or the table.
    #[error("{}", text!("another connection holds the rows or the table: the lock did not come in time", "其他连接占用了这些行或该表：未能及时取得锁"))]
    LockWait,
    /// The connection ended in the middle.
    #[error("{}", text!("the connection to {server} was lost while trying to {doing}: {why}", "在“{doing}”时，与 {server} 的连接中断：{why}"))]
    Lost {
        /// Where it was.
        server: String,
        /// What was tried.
        doing: &'static str,
        /// The reason.
        why: String,
    },
    /// Something needs a right that is missing.
    #[error("{}", text!("no right to {doing}: {why}", "没有“{doing}”的权限：{why}"))]
    NoRights {
        /// What was tried.
        doing: &'static str,
        /// What the server said, masked.
        why: String,
    },
    /// There is no such schema, or it may not be seen.
    #[error("{}", text!("there is no database `{schema}`, or this user may not see it", "没有数据库 `{schema}`，或该用户无权查看"))]
    NoSuchSchema {
        /// The schema.
        schema: String,
    },
    /// There is no such table.
    #[error("{}", text!("there is no table `{table}`", "没有表 `{table}`"))]
    NoTable {
        /// The table.
        table: String,
    },
    /// A row has no value at all.
    #[error("{}", text!("row `{key}` has no value (NULL)", "行 `{key}` 没有值（NULL）"))]
    NoValue {
        /// Its key.
        key: String,
    },
    /// A row would not hold what was written to it.
    #[error("{}", text!("row `{key}` does not hold what was written to it", "行 `{key}` 的内容与写入的不符"))]
    NotStored {
        /// Its key.
        key: String,
    },
    /// The server or the session takes no changes.
    #[error("{}", text!("the server is read-only: {why}", "数据库服务器只读：{why}"))]
    ReadOnly {
        /// What it said, masked.
        why: String,
    },
    /// No row has a key.
    #[error("{}", text!("table `{table}` has no row `{key}`", "表 `{table}` 中没有行 `{key}`"))]
    RowMissing {
        /// The table.
        table: String,
        /// The key.
        key: String,
    },
    /// Several rows have a key.
    #[error("{}", text!("table `{table}` has {count} rows `{key}`", "表 `{table}` 中有 {count} 个行 `{key}`"))]
    RowTwice {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// How many.
        count: usize,
    },
    /// A schema's name cannot be used.
    #[error("{}", text!("the database name `{}` has a character that no name should have", "数据库名 `{}` 含有不应出现的字符"; name.escape_debug()))]
    SchemaName {
        /// As it was given.
        name: String,
    },
    /// The user sees no schema at all, so nothing can be said about the table.
    #[error("{}", text!(
        "this user may see no database, so whether there is a table `{table}` cannot be told",
        "该用户看不到任何数据库，无法得知是否有表 `{table}`"
    ))]
    SeesNothing {
        /// The table.
        table: String,
    },
    /// The server answered with an error that has no variant of its own.
    #[error("{}", text!("while trying to {doing}, the server answered with error {code} ({why})", "在“{doing}”时，服务器返回错误 {code}（{why}）"))]
    Server {
        /// What was tried.
        doing: &'static str,
        /// Its number.
        code: u16,
        /// What it said, masked.
        why: String,
    },
    /// Several schemas have the table.
    #[error("{}", text!("several databases have a table `{table}`: {}. Name one", "多个数据库含有表 `{table}`：{}。请指定一个"; schemas.join(", ")))]
    SeveralSchemas {
        /// The table.
        table: String,
        /// The schemas.
        schemas: Vec<String>,
    },
    /// No answer in time.
    #[error("{}", text!("no answer from {server} within {seconds} s while trying to {doing}", "在“{doing}”时，{server} 在 {seconds} 秒内没有应答"))]
    TimedOut {
        /// Who was asked.
        server: String,
        /// What was tried.
        doing: &'static str,
        /// How long it was waited.
        seconds: u64,
    },
    /// TLS was asked for and could not be had.
    #[error("{}", text!("no TLS with {server}: {why}", "无法与 {server} 建立 TLS：{why}"))]
    Tls {
        /// Where.
        server: String,
        /// The reason.
        why: String,
    },
    /// A value is too long to be looked at.
    #[error("{}", text!("row `{key}` has a value of more than 1 MiB", "行 `{key}` 的值超过 1 MiB"))]
    TooLong {
        /// Its key.
        key: String,
    },
    /// The column is too short for a value.
    #[error("{}", text!(
        "row `{key}` needs {needs} bytes, and its column `{column}` ({kind}) takes {takes}",
        "行 `{key}` 需要 {needs} 字节，而列 `{column}`（{kind}）只能容纳 {takes} 字节"
    ))]
    TooShort {
        /// The key.
        key: String,
        /// The column.
        column: String,
        /// Its type.
        kind: String,
        /// The bytes that the value needs.
        needs: u64,
        /// The bytes that the column takes.
        takes: u64,
    },
    /// The server cannot be reached.
    #[error("{}", text!("cannot reach {server}: {why}", "无法连接 {server}：{why}"))]
    Unreachable {
        /// Where it was looked for.
        server: String,
        /// The reason.
        why: String,
    },
}

/// What was said, and to whom: what an error needs beside what a server answers.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub server: &'a str,
    pub doing: &'static str,
}

impl Context<'_> {
    /// The meaning of a server's or a client's error number; `text` is what it said about it.
    pub fn error(&self, code: u16, text: &str) -> DatabaseError {
        let (server, doing, why) = (self.server.to_owned(), self.doing, masked(text));
        match code {
            1044 | 1045 | 1129 | 1130 | 1251 | 1698 | 1862 | 1820 | 2049 | 2059 | 3118 | 4151 => DatabaseError::Denied { server, why },
            1142 | 1143 | 1227 | 1370 => DatabaseError::NoRights { doing, why },
            1205 | 1213 | 3572 => DatabaseError::LockWait,
            1290 | 1792 | 1836 => DatabaseError::ReadOnly { why },
            1005 | 1014 | 1021 | 1026 | 1030 | 1034 | 1114 | 1194 | 1195 | 1286 | 1815 | 1874 | 1877 | 1932 => {
                DatabaseError::Engine { doing, code, why }
            }
            2002 | 2003 | 2005 | 2009 => DatabaseError::Unreachable { server, why },
            1053 | 1077 | 1152 | 1184 | 1317 | 1927 | 2006 | 2012 | 2013 | 2055 => DatabaseError::Lost { server, doing, why },
            2026 => DatabaseError::Tls { server, why },
            _ => DatabaseError::Server { doing, code, why },
        }
    }

    pub fn answer(&self) -> DatabaseError {
        DatabaseError::Answer { doing: self.doing }
    }
}

/// The fewest characters in a row that may be part of a key.
const SUSPICIOUS: usize = 16;
/// The most characters of what somebody else said.
const MOST_CHARS: usize = 300;

/// `text` on one line, cut, and without what may be part of a key: every run of 16 or more characters of base64 or hexadecimal.
/// A run of nothing but small letters and `/` is a path or a word: of random base64 no run of 16 is one, by 1 in 10^5 and more.
#[must_use]
pub fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for next in text.chars().take(MOST_CHARS * 4).chain(['\n']) {
        if next.is_ascii_alphanumeric() || "+/=".contains(next) {
            run.push(next);
            continue;
        }
        let is_word = run.chars().all(|c| c.is_ascii_lowercase() || c == '/');
        out.push_str(if run.len() < SUSPICIOUS || is_word { &run } else { "…" });
        zeroize::Zeroize::zeroize(&mut run);
        out.push(if next.is_control() { ' ' } else { next });
    }
    out.trim().chars().take(MOST_CHARS).collect()
}

fn colon(why: &str) -> String {
    if why.is_empty() { String::new() } else { text!(": {why}", "：{why}") }
}

fn keys_of(keys: &[String]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_key_is_masked_and_paths_are_not() {
        let told = "ERROR near 'MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMx' and 2d2d2d2d2d424547\nat /var/run/mysqld/mysqld.sock";
        assert_eq!(masked(told), "ERROR near '…' and … at /var/run/mysqld/mysqld.sock");
        assert_eq!(masked("table `manager_info_bak_20261123` `x`"), "table `manager_info_bak_20261123` `x`");
        assert_eq!(masked("\u{1b}[31mred"), "[31mred");
        assert!(masked(&"x ".repeat(10_000)).len() <= MOST_CHARS);
    }
}
