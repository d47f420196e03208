//! How a database is reached. What is said there is not decided here.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use bundle_format::text;
use thiserror::Error;
use zeroize::Zeroizing;

/// How a database is reached.
#[derive(Debug)]
pub struct Access {
    /// The way to it.
    pub way: Way,
    /// The database (schema). Where it is left open: the step's, or else the one that has the table.
    pub database: Option<String>,
    /// How long each conversation may take: connecting, and each group of statements. Row locks are waited for up to 10 s of it.
    pub patience: Duration,
}

impl Access {
    /// How long a conversation may take where nothing else is said.
    pub const PATIENCE: Duration = Duration::from_mins(1);
}

/// The way to a database.
#[derive(Debug)]
pub enum Way {
    /// Through a client program.
    Command(ClientCommand),
    /// Through the protocol.
    Native(Native),
}

/// A server and who asks it. Its `Debug` form holds no password.
pub struct Native {
    /// Where it listens.
    pub server: Server,
    /// The user.
    pub user: String,
    /// The password, where there is one.
    pub password: Option<Zeroizing<String>>,
    /// TLS, over TCP only: a socket stays on this machine.
    pub tls: Option<Tls>,
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = if self.password.is_some() { "given" } else { "none" };
        let Self { server, user, tls, .. } = self;
        f.debug_struct("Native").field("server", server).field("user", user).field("password", &password).field("tls", tls).finish()
    }
}

/// Where a server listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Server {
    /// At an address and port. No name: names are never resolved.
    Address(IpAddr, u16),
    /// At a socket of this machine.
    Socket(PathBuf),
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address), port) => write!(f, "[{address}]:{port}"),
            Self::Address(address, port) => write!(f, "{address}:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

/// TLS towards a server. One that does not offer it is refused; nothing is ever said in the clear instead.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tls {
    /// A file of CA certificates as PEM, under which the server's certificate must verify for its address. Without one the
    /// certificate is not judged: who listens is then kept out, who sits in between is not.
    pub authority: Option<PathBuf>,
}

/// Why a command line is not taken.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum CommandError {
    /// Nothing is in it.
    #[error("{}", text!("the command is empty", "命令为空"))]
    Empty,
    /// It carries a password, which everyone on this machine could read while it runs.
    #[error("{}", text!(
        "word {word} of the command carries a password: put it into an option file instead (`--defaults-extra-file`)",
        "命令的第 {word} 个词含有口令：请改为写入选项文件（`--defaults-extra-file`）"
    ))]
    Password {
        /// Which word, from 1.
        word: usize,
    },
    /// A quotation mark has no partner, or a backslash nothing after it.
    #[error("{}", text!("the command ends within a quotation", "命令中的引号没有结束"))]
    Quotation,
}

/// A client program and its arguments. It reads SQL on its standard input, like `mysql` or `docker exec -i manager-db mysql -uroot`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClientCommand {
    words: Vec<String>,
}

impl ClientCommand {
    /// Splits `line` as a shell would: at blanks, with `'…'`, `"…"` and `\`. Nothing else has a meaning, and no shell is ever run.
    ///
    /// # Errors
    /// When nothing is in it, a quotation does not end, or a password is in it.
    pub fn parse(line: &str) -> Result<Self, CommandError> {
        let words = split(line)?;
        if words.is_empty() {
            return Err(CommandError::Empty);
        }
        match words.iter().enumerate().position(|(index, word)| carries_password(word, &words[..index])) {
            Some(index) => Err(CommandError::Password { word: index + 1 }),
            None => Ok(Self { words }),
        }
    }

    /// The words; at least one.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

impl fmt::Display for ClientCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words.iter().map(|word| crate::shell::quoted(word)).collect();
        f.write_str(&words.join(" "))
    }
}

/// Whether `word` holds a password, given the words `before` it: `-p` means one only to a client program.
fn carries_password(word: &str, before: &[String]) -> bool {
    let is_client = |word: &String| matches!(word.rsplit('/').next(), Some("mysql" | "mariadb"));
    let after = |prefix| word.strip_prefix(prefix).is_some_and(|rest: &str| !rest.is_empty());
    after("MYSQL_PWD=") || after("--password=") || (before.iter().any(is_client) && after("-p"))
}

fn split(line: &str) -> Result<Vec<String>, CommandError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(next) = chars.next() {
        if next.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match next {
            '\'' | '"' => quotation(next, &mut chars, word)?,
            '\\' => word.push(chars.next().ok_or(CommandError::Quotation)?),
            plain => word.push(plain),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quotation(mark: char, chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), CommandError> {
    loop {
        match chars.next().ok_or(CommandError::Quotation)? {
            next if next == mark => return Ok(()),
            '\\' if mark == '"' => match chars.next().ok_or(CommandError::Quotation)? {
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            next => word.push(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_like_a_shell_would() {
        let words = |line| ClientCommand::parse(line).unwrap().words().to_vec();
        assert_eq!(words("docker exec -i manager-db mysql -uroot"), ["docker", "exec", "-i", "manager-db", "mysql", "-uroot"]);
        assert_eq!(words(r#"  '/a b/mysql' "-u""x y" \$HOME "\"\n" '' "#), ["/a b/mysql", "-ux y", "$HOME", "\"\\n", ""]);
        assert_eq!(words("ssh -p22 x mysql --defaults-extra-file=/x"), ["ssh", "-p22", "x", "mysql", "--defaults-extra-file=/x"]);
        assert_eq!(words("mysql; rm -rf $(x)"), ["mysql;", "rm", "-rf", "$(x)"]);
    }

    #[test]
    fn a_command_without_an_end_or_with_a_password_is_refused() {
        for line in ["mysql '", "mysql \"a", "mysql \\", "mysql \"\\"] {
            assert_eq!(ClientCommand::parse(line), Err(CommandError::Quotation), "{line}");
        }
        assert_eq!(ClientCommand::parse(" \t"), Err(CommandError::Empty));
        for line in ["a /usr/bin/mysql -psecret", "a b --password=secret", "docker exec MYSQL_PWD=secret"] {
            let error = ClientCommand::parse(line).unwrap_err();
            assert_eq!(error, CommandError::Password { word: 3 }, "{line}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let native = Native {
            server: Server::Address("::1".parse().unwrap(), 3306),
            user: "root".to_owned(),
            password: Some("hunter2".to_owned().into()),
            tls: Some(Tls::default()),
        };
        assert_eq!(native.server.to_string(), "[::1]:3306");
        let access = Access { way: Way::Native(native), database: None, patience: Access::PATIENCE };
        assert!(!format!("{access:?}").contains("hunter2"));
    }
}
