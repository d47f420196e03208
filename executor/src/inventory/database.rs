//! Whether the database that keeps certificates can be reached, as `apply` would do it. Rows are looked for, never at their values.

use bundle_format::{
    facts::{DatabaseFacts, RoleFact},
    slice::{DatabaseRow, UpdateDatabase},
};

use super::{
    Look,
    places::{Kind, Table},
    short,
};
use crate::machine::database::Survey;

impl Look<'_> {
    /// The database; none where this node has none of this kind.
    pub(super) fn database(&mut self, kind: &Kind, roles: &[RoleFact]) -> Option<DatabaseFacts> {
        let reach = self.reach.filter(|_| self.machine.is_whole())?;
        if !reach.is_named && !roles.iter().any(|role| role.role.as_str() == kind.table.role) {
            return None;
        }
        let place = reach.place.clone();
        let mut facts =
            DatabaseFacts { socket: place.socket, host: place.host, port: place.port, user: place.user, ..DatabaseFacts::default() };
        let (said, schema, keeps) = match reach.database.survey(&step(&kind.table)?) {
            Ok(Survey::Table(table)) => {
                let said = format!("{} has the table `{}` ({})", table.server, kind.table.name, table.engine);
                (said, Some(table.schema), Some(true))
            }
            Ok(Survey::NoTable { schema: Some(schema) }) => {
                (format!("the database `{schema}` has no table `{}`", kind.table.name), Some(schema), Some(false))
            }
            Ok(Survey::NoTable { schema: None }) => (format!("no database that can be seen has a table `{}`", kind.table.name), None, None),
            Err(why) => (why.to_string(), None, None),
        };
        facts.said = short(&said);
        facts.database = schema.and_then(|schema| schema.parse().ok());
        facts.keeps_certificates = keeps;
        Some(facts)
    }
}

/// A look at the table as a bundle's step would take it; nothing of it is ever done.
fn step(table: &Table) -> Option<UpdateDatabase> {
    let entry = || "certs/none".parse().ok();
    let rows = table.keys.iter().map(|&key| Some(DatabaseRow { key: key.to_owned(), entry: entry()? }));
    Some(UpdateDatabase {
        table: table.name.parse().ok()?,
        key_column: table.key_column.parse().ok()?,
        value_column: table.value_column.parse().ok()?,
        backup_table: format!("{}_bak", table.name).parse().ok()?,
        rows: rows.collect::<Option<_>>()?,
        update_sql: entry()?,
        undo_sql: entry()?,
        connection: bundle_format::slice::DatabaseConnection::default(),
    })
}
