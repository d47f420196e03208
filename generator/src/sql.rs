//! The database's update as SQL, for a person with nothing but a client program: one script for each direction.
//!
//! They do what the executor does, in words that any `MySQL` or `MariaDB` since 5.5 and any of its clients understand, whatever the SQL
//! mode. Every comparison that fails ends in a subquery of two rows: a client that reads a file stops there, and the server takes the
//! transaction back. One that goes on (`--force`, or `source` at a prompt) changes and commits nothing, since `@go` is then 0.
//!
//! A person's terminal and client decide the character set, so every statement is ASCII; only comments are not.

use askama::Template;
use bundle_format::{digest::Digest, name::EntryPath, slice::UpdateDatabase};
use zeroize::Zeroizing;

/// Ends with an error unless all comparisons so far held.
const STOP: &str = "if(@go = 1, 'ok', (select 'stopped' union select 'see the comment'))";
/// The mode refuses what does not fit; a client started with `--safe-updates` would refuse to join tables.
const START: &str = "\
set @sql_mode_before = @@session.sql_mode, @safe_updates_before = @@session.sql_safe_updates;
set session sql_mode = 'STRICT_ALL_TABLES', session sql_safe_updates = 0, session lock_wait_timeout = 60;
set @go = 1;
";
/// Of the statements that end a transaction, `commit` can be prepared on every server.
const COMMIT: &str = "\
set @commit = if(@go = 1, 'commit', 'do 0');
prepare reseal from @commit;
execute reseal;
deallocate prepare reseal;
rollback;
";
const END: &str = "set session sql_mode = @sql_mode_before, session sql_safe_updates = @safe_updates_before;";
/// Stands for the values in the template: what askama renders is not wiped from memory.
const VALUES: &str = "@VALUES@\n";

#[derive(Template)]
#[template(path = "update.sql", escape = "none")]
struct Update<'a> {
    s: &'a Script,
}

#[derive(Template)]
#[template(path = "undo.sql", escape = "none")]
struct Undo<'a> {
    s: &'a Script,
}

/// What both templates are filled with. Names are quoted, but those that begin with `plain`.
struct Script {
    table: String,
    copy: String,
    key: String,
    value: String,
    plain_table: String,
    plain_copy: String,
    plain_value: String,
    database: String,
    update_file: String,
    undo_file: String,
    start: &'static str,
    stop: &'static str,
    commit: &'static str,
    end: &'static str,
    any_key: String,
    any_key_of_t: String,
    same_key: String,
    same_value: String,
    longest: usize,
    rows: Vec<Row>,
}

/// One row: SQL about it, on its own and of a table called `t`.
struct Row {
    number: usize,
    literal: String,
    is: String,
    is_t: String,
    holds: String,
    holds_t: String,
    has_digest_t: String,
}

/// The script that copies the table and changes the rows to `contents`, given by key. It is secret.
#[must_use]
pub fn update_script(step: &UpdateDatabase, contents: &[(&str, &[u8])]) -> Zeroizing<Vec<u8>> {
    let script = Script::of(step, contents);
    let text = Update { s: &script }.to_string();
    let (before, after) = text.split_once(VALUES).unwrap_or((&text, ""));
    let room: usize = contents.iter().map(|(_, content)| 2 * content.len()).sum();
    // Room for all of it at once: what is left behind when a buffer grows is not wiped.
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() + room + 64 * contents.len()));
    out.extend_from_slice(before.as_bytes());
    for (index, (_, content)) in contents.iter().enumerate() {
        out.extend_from_slice(format!("set @value_{} = unhex('", index + 1).as_bytes());
        hexadecimal(content).for_each(|digit| out.push(digit as u8));
        out.extend_from_slice(b"');\n");
    }
    out.extend_from_slice(after.as_bytes());
    out
}

/// The script that gives the rows their former values back. `contents` are those that [`update_script`] writes: their digests tell
/// whether somebody changed the rows since. It holds no secret.
#[must_use]
pub fn undo_script(step: &UpdateDatabase, contents: &[(&str, &[u8])]) -> Vec<u8> {
    Undo { s: &Script::of(step, contents) }.to_string().into_bytes()
}

impl Script {
    fn of(step: &UpdateDatabase, contents: &[(&str, &[u8])]) -> Self {
        let (key, value) = (quoted(step.key_column.as_str()), quoted(step.value_column.as_str()));
        let rows: Vec<Row> =
            contents.iter().enumerate().map(|(index, (of, content))| Row::of(index + 1, &key, &value, of, content)).collect();
        let any = |is: fn(&Row) -> &String| rows.iter().map(|row| format!("({})", is(row))).collect::<Vec<_>>().join(" or ");
        Self {
            table: quoted(step.table.as_str()),
            copy: quoted(step.backup_table.as_str()),
            plain_table: step.table.to_string(),
            plain_copy: step.backup_table.to_string(),
            plain_value: step.value_column.to_string(),
            database: step.connection.database.clone().filter(|name| is_plain(name)).unwrap_or_else(|| "DATABASE".to_owned()),
            update_file: file_name(&step.update_sql),
            undo_file: file_name(&step.undo_sql),
            start: START,
            stop: STOP,
            commit: COMMIT,
            end: END,
            any_key: any(|row| &row.is),
            any_key_of_t: any(|row| &row.is_t),
            same_key: format!("c.{key} = t.{key} and cast(c.{key} as binary) = cast(t.{key} as binary)"),
            same_value: format!("cast(t.{value} as binary) = cast(c.{value} as binary)"),
            longest: contents.iter().map(|(_, content)| content.len()).max().unwrap_or_default(),
            key,
            value,
            rows,
        }
    }
}

impl Row {
    fn of(number: usize, key_column: &str, value_column: &str, key: &str, content: &[u8]) -> Self {
        let literal = literal(key);
        // The first half finds the row by an index; the second tells it from rows whose key is merely equal by its collation.
        let is = |of: &str| format!("{of}{key_column} = {literal} and cast({of}{key_column} as binary) = {literal}");
        let text = |of: &str| format!("convert({of}{value_column} using utf8mb4)");
        let holds = |of: &str| format!("cast({} as binary) = @value_{number}", text(of));
        Self {
            number,
            is: is(""),
            is_t: is("t."),
            holds: holds(""),
            holds_t: holds("t."),
            has_digest_t: format!("sha2({}, 256) = '{}'", text("t."), Digest::of(content)),
            literal,
        }
    }
}

/// An [`Identifier`](bundle_format::name::Identifier) needs no escaping.
fn quoted(identifier: &str) -> String {
    format!("`{identifier}`")
}

fn hexadecimal(bytes: &[u8]) -> impl Iterator<Item = char> {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
    bytes.iter().flat_map(move |byte| [digit(byte >> 4), digit(*byte)])
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn literal(text: &str) -> String {
    if is_plain(text) {
        return format!("'{text}'");
    }
    format!("_utf8mb4 x'{}'", hexadecimal(text.as_bytes()).collect::<String>())
}

fn file_name(entry: &EntryPath) -> String {
    entry.as_str().rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use bundle_format::slice::{DatabaseConnection, DatabaseRow};

    use super::*;

    const CONTENTS: [(&str, &[u8]); 2] = [("etcd.pem", b"public"), ("it's; \\", b"the private key")];

    fn step() -> UpdateDatabase {
        let rows = CONTENTS.map(|(key, _)| DatabaseRow { key: key.to_owned(), entry: "secrets/x".parse().unwrap() });
        UpdateDatabase {
            table: "manager_info".parse().unwrap(),
            key_column: "key".parse().unwrap(),
            value_column: "value".parse().unwrap(),
            backup_table: "manager_info_bak_7".parse().unwrap(),
            rows: rows.into(),
            update_sql: "secrets/m/update.sql".parse().unwrap(),
            undo_sql: "secrets/m/undo.sql".parse().unwrap(),
            connection: DatabaseConnection { database: Some("x; rm -rf".to_owned()), ..DatabaseConnection::default() },
        }
    }

    #[test]
    fn only_the_update_holds_the_values_and_in_one_form_only() {
        let (update, undo) = (update_script(&step(), &CONTENTS), undo_script(&step(), &CONTENTS));
        let (update, undo) = (std::str::from_utf8(&update).unwrap(), String::from_utf8(undo).unwrap());
        for (index, (_, content)) in CONTENTS.iter().enumerate() {
            let written = format!("set @value_{} = unhex('{}');\n", index + 1, hexadecimal(content).collect::<String>());
            assert_eq!(update.matches(&written).count(), 1);
            assert_eq!(update.matches(&hexadecimal(content).collect::<String>()).count(), 1);
            assert!(!undo.contains(&hexadecimal(content).collect::<String>()) && !undo.contains(std::str::from_utf8(content).unwrap()));
            assert!(undo.contains(&Digest::of(content).to_string()));
        }
        assert_eq!(update.as_bytes(), update_script(&step(), &CONTENTS).as_slice());
    }

    #[test]
    fn no_statement_depends_on_an_sql_mode_or_a_character_set() {
        for script in [update_script(&step(), &CONTENTS).to_vec(), undo_script(&step(), &CONTENTS)] {
            let script = String::from_utf8(script).unwrap();
            for line in script.lines().filter(|line| !line.starts_with("--")) {
                let sql = line.split("-- ").next().unwrap();
                assert!(sql.is_ascii() && !sql.contains(['"', '\\']), "{line}");
            }
            assert!(!script.contains("@VALUES@") && !script.contains("rm -rf") && !script.contains("it's"));
        }
    }
}
