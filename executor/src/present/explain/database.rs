//! What may be done about a database that cannot be used.

use bundle_format::text;

use super::{Advice, Call};
use crate::{code::Code, machine::database::DatabaseError};

/// A code and the next commands: the one for this error, another way in, and the way around.
pub(super) fn advise(error: &DatabaseError, call: &Call) -> Advice {
    let reach =
        || text!("say how it is reached: {}", "请说明连接方式：{}"; call.again("--db-socket PATH --db-user USER --db-password-file FILE"));
    let look = || text!("look at it with any client, then {}", "用任意客户端查看，然后执行 {}"; call.again(""));
    let (code, own) = match error {
        DatabaseError::Client { .. }
        | DatabaseError::CommandStart { .. }
        | DatabaseError::Lost { .. }
        | DatabaseError::TimedOut { .. }
        | DatabaseError::Unreachable { .. } => (Code::DatabaseReach, reach()),
        DatabaseError::Denied { .. } | DatabaseError::NoRights { .. } | DatabaseError::SeesNothing { .. } => {
            (Code::DatabaseAccess, reach())
        }
        DatabaseError::Tls { .. } => (
            Code::DatabaseTls,
            text!(
                "name the CA of its certificate, or use its local socket: {}",
                "请指定其证书的 CA，或使用本机套接字：{}";
                call.again("--db-tls-ca FILE")
            ),
        ),
        DatabaseError::NoSuchSchema { .. }
        | DatabaseError::NoTable { .. }
        | DatabaseError::SchemaName { .. }
        | DatabaseError::SeveralSchemas { .. } => {
            (Code::DatabaseName, text!("name the Manager's database: {}", "请指定 Manager 的数据库：{}"; call.again("--db-name NAME")))
        }
        DatabaseError::RowMissing { table, .. } | DatabaseError::RowTwice { table, .. } => (
            Code::DatabaseRow,
            text!(
                "is this the Manager's database? select `key` from `{table}`; another one: {}",
                "这是 Manager 的数据库吗？请执行 select `key` from `{table}`；换用其他数据库：{}";
                call.again("--db-name NAME")
            ),
        ),
        DatabaseError::NoValue { .. } | DatabaseError::TooLong { .. } => (Code::DatabaseRow, look()),
        DatabaseError::Column { .. } | DatabaseError::TooShort { .. } => (
            Code::DatabaseColumn,
            text!(
                "widen the column, with the vendor's consent: `alter table … modify … text`",
                "经厂商同意后加宽该列：`alter table … modify … text`"
            ),
        ),
        DatabaseError::ReadOnly { .. } => (
            Code::DatabaseReadOnly,
            text!("name the server that takes changes: {}", "请指定可写的服务器：{}"; call.again("--db-host ADDRESS --db-port PORT")),
        ),
        DatabaseError::LockWait => (Code::DatabaseLocked, look()),
        DatabaseError::CopyDiffers { .. } => (Code::DatabaseCopy, look()),
        DatabaseError::Changed { .. } | DatabaseError::HalfDone { .. } | DatabaseError::NotStored { .. } => (Code::DatabaseChanged, look()),
        DatabaseError::Answer { .. } | DatabaseError::Engine { .. } | DatabaseError::Server { .. } => {
            (Code::DatabaseServer, text!("look into the server's log, then {}", "查看数据库服务器日志，然后执行 {}"; call.again("")))
        }
    };
    let client = text!(
        "or by a client of yours: {}", "或使用您自己的客户端：{}";
        call.again("--db-command 'docker exec -i manager-db mysql -uroot'")
    );
    let leave = text!(
        "or leave it to the SQL in the bundle's `secrets/`: {}",
        "或留给证书包 `secrets/` 中的 SQL 手工处理：{}";
        call.again("--leave-database")
    );
    let leave = Some(leave).filter(|_| call.command != "rollback");
    (code, [own, client].into_iter().chain(leave).collect())
}
