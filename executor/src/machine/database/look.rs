//! What is there: the schema, the table, its column of values, and rows by their keys. Nothing is changed.

use bundle_format::{digest::Digest, slice::UpdateDatabase, text, word};
use zeroize::Zeroizing;

use super::{
    KeyedValue, MOST_VALUE_BYTES,
    access::Access,
    error::DatabaseError,
    session::{Answer, Session, fields, plain},
    statement::{Names, Statement, Value, key_values},
};

/// A value as it is stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stored {
    /// Its SHA-256.
    pub digest: Digest,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The rows of one key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    /// The key, byte by byte.
    pub key: String,
    /// How many rows have it.
    pub count: usize,
    /// The value, where exactly one row has the key and its value is not NULL.
    pub stored: Option<Stored>,
}

impl Row {
    /// The value.
    ///
    /// # Errors
    /// When not exactly one row has the key, or its value is NULL.
    pub fn only(&self, table: &str) -> Result<Stored, DatabaseError> {
        once(table, &self.key, self.count)?;
        self.stored.ok_or_else(|| DatabaseError::NoValue { key: self.key.clone() })
    }
}

pub fn once(table: &str, key: &str, count: usize) -> Result<(), DatabaseError> {
    let (table, key) = (table.to_owned(), key.to_owned());
    match count {
        0 => Err(DatabaseError::RowMissing { table, key }),
        1 => Ok(()),
        count => Err(DatabaseError::RowTwice { table, key, count }),
    }
}

/// What the column of values takes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Capacity {
    /// The column's type, for people, such as `varchar, utf8`.
    pub kind: String,
    /// The most bytes.
    pub bytes: u64,
    /// The most characters; of the certificates and keys written here each is one byte.
    pub characters: u64,
}

impl Capacity {
    /// The most bytes of a text all of whose characters have one byte.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.bytes.min(self.characters)
    }
}

/// What `information_schema` says about the table.
pub struct Frame {
    pub engine: String,
    pub is_transactional: bool,
    pub capacity: Capacity,
}

impl Frame {
    /// Waits for row locks no longer than 10 s. An engine without them may not know the setting.
    pub fn lock_wait(&self) -> Option<Statement> {
        self.is_transactional.then(|| Statement::plain("set session innodb_lock_wait_timeout = 10"))
    }
}

/// Schemas of the server itself.
const OWN_SCHEMAS: &str = "('information_schema', 'performance_schema', 'mysql', 'sys')";

/// Enters the schema that has the table. Nothing when none has it.
pub fn enter(session: &mut Session<'_>, access: &Access, step: &UpdateDatabase) -> Result<Option<String>, DatabaseError> {
    let table = step.table.to_string();
    let schema = match access.database.as_ref().or(step.connection.database.as_ref()) {
        Some(schema) => schema.clone(),
        None => match the_one_with(session, &table)? {
            Some(schema) => schema,
            None => return Ok(None),
        },
    };
    session.enter(&schema)?;
    let rest = "from information_schema.schemata where schema_name = database()";
    let found = session.ask(word!("enter the database", "进入数据库"), vec![ask("'schema'", rest, vec![])]);
    match found {
        Ok(found) if found.is_empty() => Err(DatabaseError::NoSuchSchema { schema }),
        Ok(_) => Ok(Some(schema)),
        Err(DatabaseError::Server { code: 1049, .. }) => Err(DatabaseError::NoSuchSchema { schema }),
        Err(error) => Err(error),
    }
}

fn the_one_with(session: &mut Session<'_>, table: &str) -> Result<Option<String>, DatabaseError> {
    let doing = word!("find the table", "查找表");
    let having =
        format!("from information_schema.tables where table_name = ? and table_type = 'BASE TABLE' and table_schema not in {OWN_SCHEMAS}");
    let seen = format!("from information_schema.schemata where schema_name not in {OWN_SCHEMAS} limit 1");
    let questions = vec![
        ask("concat('in/', hex(table_schema))", &having, vec![Value::Text(table.to_owned())]),
        ask("concat('seen/', hex(schema_name))", &seen, vec![]),
    ];
    let answers = session.ask(doing, questions)?;
    let found = |tag| answers.iter().filter_map(move |answer| fields::<1>(answer, tag)).filter_map(|[name]| plain(name));
    let mut schemas: Vec<String> = found("in").collect();
    schemas.sort();
    schemas.dedup();
    let table = table.to_owned();
    match schemas.len() {
        0 if found("seen").next().is_none() => Err(DatabaseError::SeesNothing { table }),
        0 | 1 => Ok(schemas.pop()),
        _ => Err(DatabaseError::SeveralSchemas { table, schemas }),
    }
}

pub fn ask(expression: &str, rest: &str, values: Vec<Value>) -> Statement {
    Statement::Ask { expression: expression.to_owned(), rest: rest.to_owned(), values }
}

/// Whether the schema has this table.
pub fn exists(session: &mut Session<'_>, table: &str) -> Result<bool, DatabaseError> {
    let rest = "from information_schema.tables where table_schema = database() and table_name = ?";
    let found = session.ask(word!("look for the table", "查找表"), vec![ask("'there'", rest, vec![Value::Text(table.to_owned())])])?;
    Ok(!found.is_empty())
}

/// The table's engine and column. Nothing when the schema has no such table.
pub fn frame(session: &mut Session<'_>, step: &UpdateDatabase) -> Result<Option<Frame>, DatabaseError> {
    const ENGINE: &str = "concat_ws('/', 'table', hex(ifnull(t.engine, '')), ifnull(e.transactions, 'NO'))";
    const ENGINES: &str = "from information_schema.tables t left join information_schema.engines e on e.engine = t.engine \
                           where t.table_schema = database() and t.table_name = ? and t.table_type = 'BASE TABLE'";
    const COLUMN: &str = "concat_ws('/', 'column', hex(data_type), ifnull(character_maximum_length, 0), \
                          ifnull(character_octet_length, 0), hex(ifnull(character_set_name, '')))";
    const COLUMNS: &str = "from information_schema.columns where table_schema = database() and table_name = ? and column_name = ?";
    let doing = word!("look at the table", "查看表");
    let text = |name: &str| Value::Text(name.to_owned());
    let (table, key, value) = (step.table.as_str(), step.key_column.as_str(), step.value_column.as_str());
    let questions = vec![
        ask(ENGINE, ENGINES, vec![text(table)]),
        ask("'key'", COLUMNS, vec![text(table), text(key)]),
        ask(COLUMN, COLUMNS, vec![text(table), text(value)]),
    ];
    let answers = session.ask(doing, questions)?;
    let Some([engine, transactions]) = answers.iter().find_map(|answer| fields(answer, "table")) else { return Ok(None) };
    if !answers.iter().any(|answer| answer.as_str() == "key") {
        return Err(unfit(step, key, text!("is missing", "不存在")));
    }
    let told = answers.iter().find_map(|answer| fields(answer, "column"));
    let capacity = capacity(step, told.ok_or_else(|| unfit(step, value, text!("is missing", "不存在")))?)?;
    let engine = plain(engine).ok_or(DatabaseError::Answer { doing })?;
    Ok(Some(Frame { engine, is_transactional: transactions == "YES", capacity }))
}

fn unfit(step: &UpdateDatabase, column: &str, why: String) -> DatabaseError {
    DatabaseError::Column { table: step.table.to_string(), column: column.to_owned(), why }
}

/// Values are written as bytes, so a column has to keep them as they are: no numbers, and no character set in which an ASCII
/// character has more than one byte.
fn capacity(step: &UpdateDatabase, [kind, characters, bytes, charset]: [&str; 4]) -> Result<Capacity, DatabaseError> {
    let answer = DatabaseError::Answer { doing: word!("look at the table", "查看表") };
    let (Some(kind), Some(charset)) = (plain(kind), plain(charset)) else { return Err(answer) };
    let (Ok(characters), Ok(bytes)) = (characters.parse(), bytes.parse()) else { return Err(answer) };
    let is_text = ["char", "varchar", "tinytext", "text", "mediumtext", "longtext"].contains(&kind.as_str());
    let is_bytes = ["varbinary", "tinyblob", "blob", "mediumblob", "longblob"].contains(&kind.as_str());
    let is_wide = charset.starts_with("ucs2") || charset.starts_with("utf16") || charset.starts_with("utf32");
    let kind = if charset.is_empty() { kind } else { format!("{kind}, {charset}") };
    if is_wide || !(is_text || is_bytes) {
        return Err(unfit(
            step,
            step.value_column.as_str(),
            text!("cannot hold a certificate as it is ({kind})", "无法原样保存证书（{kind}）"),
        ));
    }
    Ok(Capacity { kind, bytes, characters })
}

/// The rows of `keys` in `table` (a quoted name), with digests that the server computes. A server without SHA-2 hands out the values.
pub fn rows<'k>(
    session: &mut Session<'_>,
    names: &Names,
    table: &str,
    keys: impl Iterator<Item = &'k str> + Clone,
) -> Result<Vec<Row>, DatabaseError> {
    let value = &names.value;
    let told = |index| format!("concat_ws('/', 'row', '{index}', ifnull(length({value}), 'null'), ifnull(sha2({value}, 256), 'none'))");
    let found = session.ask(word!("read the rows", "读取行"), by_key(names, table, keys.clone(), told));
    let has_digests = |answers: &[Answer]| answers.iter().all(|answer| answer.ends_with("/null/none") || !answer.ends_with("/none"));
    match found {
        Ok(answers) if has_digests(&answers) => Ok(keys.enumerate().map(|(index, key)| digested(key, index, &answers)).collect()),
        // 1305: no such function. NULL comes of a server that was built without.
        Ok(_) | Err(DatabaseError::Server { code: 1305, .. }) => {
            let found = values(session, names, table, keys)?;
            Ok(found.into_iter().map(|(key, values)| hashed(key, &values)).collect())
        }
        Err(error) => Err(error),
    }
}

fn by_key<'k>(names: &Names, table: &str, keys: impl Iterator<Item = &'k str>, expression: impl Fn(usize) -> String) -> Vec<Statement> {
    let rest = format!("from {table} where {}", names.is_key());
    keys.enumerate().map(|(index, key)| ask(&expression(index), &rest, key_values(key))).collect()
}

fn digested(key: &str, index: usize, answers: &[Answer]) -> Row {
    let index = index.to_string();
    let found = answers.iter().filter_map(|answer| fields::<3>(answer, "row")).filter(|[of, ..]| *of == index);
    let stored: Vec<Option<Stored>> =
        found.map(|[_, bytes, digest]| Some(Stored { bytes: bytes.parse().ok()?, digest: digest.parse().ok()? })).collect();
    Row { key: key.to_owned(), count: stored.len(), stored: if let [only] = stored[..] { only } else { None } }
}

fn hashed(key: String, values: &[Option<Zeroizing<Vec<u8>>>]) -> Row {
    let stored = if let [Some(only)] = values { Some(Stored { digest: Digest::of(only), bytes: only.len() as u64 }) } else { None };
    Row { key, count: values.len(), stored }
}

/// Keys, each with the values of its rows; NULL is nothing.
type Values = Vec<(String, Vec<Option<Zeroizing<Vec<u8>>>>)>;

fn values<'k>(
    session: &mut Session<'_>,
    names: &Names,
    table: &str,
    keys: impl Iterator<Item = &'k str> + Clone,
) -> Result<Values, DatabaseError> {
    let doing = word!("read the rows", "读取行");
    let value = &names.value;
    let cut = format!("if(length({value}) > {MOST_VALUE_BYTES}, 'long', hex({value}))");
    let told = |index| format!("concat_ws('/', 'value', '{index}', if({value} is null, 'null', {cut}))");
    let answers = session.ask(doing, by_key(names, table, keys.clone(), told))?;
    let mut found: Values = keys.map(|key| (key.to_owned(), Vec::new())).collect();
    for answer in &answers {
        let [index, value] = fields(answer, "value").ok_or(DatabaseError::Answer { doing })?;
        let index = index.parse::<usize>().ok();
        let (key, of_key) = index.and_then(|index| found.get_mut(index)).ok_or(DatabaseError::Answer { doing })?;
        of_key.push(match value {
            "null" => None,
            "long" => return Err(DatabaseError::TooLong { key: key.clone() }),
            value => Some(Zeroizing::new(hex::decode(value).map_err(|_| DatabaseError::Answer { doing })?)),
        });
    }
    Ok(found)
}

/// The stored bytes of each key, which exactly one row has.
pub fn bytes<'k>(
    session: &mut Session<'_>,
    step: &UpdateDatabase,
    keys: impl Iterator<Item = &'k str> + Clone,
) -> Result<Vec<KeyedValue>, DatabaseError> {
    let names = Names::of(step);
    let of_key = |(key, mut values): (String, Vec<Option<Zeroizing<Vec<u8>>>>)| {
        once(step.table.as_str(), &key, values.len())?;
        let value = values.pop().flatten().ok_or_else(|| DatabaseError::NoValue { key: key.clone() })?;
        Ok((key, value))
    };
    values(session, &names, &names.table, keys)?.into_iter().map(of_key).collect()
}
