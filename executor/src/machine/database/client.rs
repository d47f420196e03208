//! The way through a client program: one run of it for each group of statements, as SQL on its standard input.
//!
//! Every answer stands between `reseal[` and `]`, in characters that no client escapes, so headers, frames, echoes of the statements
//! and greetings around it do not matter. A failed [`Statement::Expect`] is a subquery of two rows: a client program stops there, its
//! connection ends, and the server takes the transaction back. One that goes on all the same changes nothing any more.

use std::time::Duration;

use bundle_format::text;
use zeroize::Zeroizing;

use super::{
    super::process::{self, Ending, Output, ProcessError},
    access::ClientCommand,
    error::{Context, DatabaseError, masked},
    session::{Answer, Told},
    statement::{PROLOGUE, Statement},
    text::{self, Sink, fill},
};

const OPEN: &str = "reseal[";
const CLOSE: char = ']';
const PASSED: &str = "passed";
const END: &str = "end";

/// What a client program said, as far as it is understood.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Heard {
    /// The answers, in their order.
    pub answers: Vec<Answer>,
    /// How many expectations passed.
    pub passed: usize,
    /// Whether the last statement was reached.
    pub is_whole: bool,
    /// The number and text of the first error. The text may have part of a secret in it: it is for [`masked`] alone.
    pub error: Option<(u16, String)>,
}

impl Heard {
    /// What stands in a standard output and in a standard error, whoever wrote them.
    #[must_use]
    pub fn of(output: &[u8], complaint: &[u8]) -> Self {
        let (answers, passed, is_whole) = answers(output);
        Self { answers, passed, is_whole, error: first_error(complaint, output) }
    }
}

/// Says `statements` to the database `schema`, in one run of `command`.
pub fn say(command: &ClientCommand, patience: Duration, schema: Option<&str>, doing: &'static str, statements: Vec<Statement>) -> Told {
    let server = command.to_string();
    let context = Context { server: &server, doing };
    let script = script(schema, &statements);
    let ran = match run(command, &script, patience, context) {
        Ok(ran) => ran,
        Err(error) => return Told { answers: Vec::new(), end: Err(error) },
    };
    let Heard { answers, passed, is_whole, error } = Heard::of(&ran.stdout, &ran.stderr);
    let mut failed = statements.into_iter().filter_map(Statement::otherwise).skip(passed);
    // A client that goes on after an error may end as if there had been none.
    let end = match (error, failed.next()) {
        // The subquery of two rows.
        (Some((1242, _)), Some(otherwise)) => Err(otherwise),
        (Some((code, text)), _) => Err(context.error(code, &text)),
        (None, None) if is_whole && ran.ending == Ending::Exit(0) => Ok(()),
        (None, _) => Err(client_failed(command, &ran, context)),
    };
    Told { answers, end }
}

/// Runs the program in a process group of its own: a signal from the console is not its to act upon, in the middle of a commit.
fn run(command: &ClientCommand, script: &[u8], patience: Duration, context: Context<'_>) -> Result<Output, DatabaseError> {
    let late = || DatabaseError::TimedOut { server: format!("`{command}`"), doing: context.doing, seconds: patience.as_secs() };
    let (program, arguments) = command.words().split_first().map_or(("", &[][..]), |(program, arguments)| (program.as_str(), arguments));
    match process::attempt(program, arguments, Some(script), patience) {
        Ok(ran) if matches!(ran.ending, Ending::OutOfTime(_)) => Err(late()),
        Ok(ran) => Ok(ran),
        Err(ProcessError::Missing(program)) => Err(DatabaseError::CommandStart {
            program,
            why: text!("there is no such program here; one with a `/` needs its whole path", "本机没有该程序；含 `/` 时需要完整路径"),
        }),
        Err(ProcessError::Flood { most, .. }) => Err(DatabaseError::Client {
            command: command.to_string(),
            status: text!("wrote more than {most} bytes", "输出超过 {most} 字节"),
            why: String::new(),
        }),
        Err(error) => Err(DatabaseError::CommandStart { program: program.to_owned(), why: error.to_string() }),
    }
}

fn script(schema: Option<&str>, statements: &[Statement]) -> Zeroizing<Vec<u8>> {
    text::exactly(|to| write_script(to, schema, statements))
}

fn write_script(to: &mut dyn Sink, schema: Option<&str>, statements: &[Statement]) {
    if let Some(schema) = schema {
        to.put(&format!("use `{schema}`;\n"));
    }
    for sql in PROLOGUE {
        to.put(sql);
        to.put(";\n");
    }
    for statement in statements {
        write_statement(to, statement);
    }
    to.put(&format!("select concat('{OPEN}', '{END}', '{CLOSE}') as `reseal`;\n"));
}

fn write_statement(to: &mut dyn Sink, statement: &Statement) {
    match statement {
        Statement::Do { sql, values } => {
            fill(to, &[sql], values);
            to.put(";\n");
        }
        Statement::Ask { expression, rest, values } => {
            let head = format!("select concat('{OPEN}', {expression}, '{CLOSE}') as `reseal` ");
            fill(to, &[&head, rest], values);
            to.put(";\n");
        }
        Statement::Expect { condition, values, .. } => {
            fill(to, &["set @reseal = if(@reseal = 1 and (", condition, "), 1, 0);\n"], values);
            let stop = format!("if(@reseal = 1, '{PASSED}', (select 1 union select 2))");
            to.put(&format!("select concat('{OPEN}', {stop}, '{CLOSE}') as `reseal`;\n"));
        }
    }
}

/// The answers, how many expectations passed, and whether the last statement was reached.
fn answers(output: &[u8]) -> (Vec<Answer>, usize, bool) {
    let mut answers = Vec::new();
    let (mut passed, mut is_whole) = (0, false);
    let Ok(text) = std::str::from_utf8(output).or_else(|error| std::str::from_utf8(&output[..error.valid_up_to()])) else {
        return (answers, passed, is_whole);
    };
    for after in text.split(OPEN).skip(1) {
        let payload = after.split_once(CLOSE).map(|(payload, _)| payload);
        match payload.filter(|payload| payload.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-".contains(&byte))) {
            Some(PASSED) => passed += 1,
            Some(END) => is_whole = true,
            Some(answer) => answers.push(Zeroizing::new(answer.to_owned())),
            // The echo of a statement: its quotation marks are no characters of an answer.
            None => {}
        }
    }
    (answers, passed, is_whole)
}

/// The number and text of the first error of a server or client, which reads `ERROR 1045 (28000): Access denied …`. What follows on
/// other lines may be the statement itself, and is left alone.
fn first_error(complaint: &[u8], output: &[u8]) -> Option<(u16, String)> {
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>();
    let mut all = lines(complaint).into_iter().chain(lines(output));
    all.find_map(|line| {
        let after = line.get(line.find("ERROR ")? + "ERROR ".len()..)?;
        let (code, rest) = after.split_once(' ')?;
        rest.starts_with('(').then(|| Some((code.parse().ok()?, rest.to_owned())))?
    })
}

fn client_failed(command: &ClientCommand, ran: &Output, context: Context<'_>) -> DatabaseError {
    if ran.ending == Ending::Exit(0) {
        return context.answer();
    }
    // Not the standard output: of that nothing is known but that it may be rows.
    let why = masked(&String::from_utf8_lossy(&ran.stderr));
    DatabaseError::Client { command: command.to_string(), status: ran.ending.to_string(), why }
}

#[cfg(test)]
mod tests {
    use super::{super::statement::Value, *};

    fn text(statements: &[Statement]) -> String {
        String::from_utf8(script(Some("x"), statements).to_vec()).unwrap()
    }

    #[test]
    fn values_stand_where_they_belong_and_never_as_they_are() {
        let values = vec![Value::Text("a'?\\".to_owned()), Value::bytes(b"secret")];
        let sql = text(&[Statement::Do { sql: "set @a = ?, @b = unhex(?)".to_owned(), values }]);
        assert!(sql.contains("set @a = _utf8mb4 x'61273f5c', @b = unhex('736563726574');"), "{sql}");
        assert!(sql.starts_with("use `x`;\n"));
    }

    #[test]
    fn answers_are_found_however_they_are_dressed() {
        let dressed =
            b"motd\n+---+\n| reseal |\n| reseal[row/0/61] |\nselect concat('reseal[', 'x', ']')\n<td>reseal[passed]</td>\nreseal[end]";
        let (found, passed, is_whole) = answers(dressed);
        let found: Vec<&str> = found.iter().map(|answer| answer.as_str()).collect();
        assert_eq!((found, passed, is_whole), (vec!["row/0/61"], 1, true));
        assert!(!answers(b"\xffreseal[end]").2);
        assert!(!answers(b"reseal[en").2);
    }
}
