//! A server that is not there, silent, slow, or lets nobody in; a client program that is none.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixListener,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use reseal_node::database::{Access, Database, DatabaseError, Native, Server as At, Survey, Tls, Way};

use crate::{
    common::{INNODB, MYISAM, Scene, access, all, clean, command, native, step, ways},
    server::Server,
};

fn survey(way: Way, patience: u64) -> Result<Survey, DatabaseError> {
    let access = Access { way, database: Some("x".to_owned()), patience: Duration::from_secs(patience) };
    clean(Database::new(access).survey(&step()))
}

fn at(server: At, tls: Option<Tls>) -> Way {
    Way::Native(Native { server, user: "root".to_owned(), password: Some("hunter2hunter2".to_owned().into()), tls })
}

fn local(port: u16) -> At {
    At::Address("127.0.0.1".parse().unwrap(), port)
}

fn taking_at_most<T>(most: Duration, what: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = what();
    assert!(start.elapsed() < most, "took {:?}", start.elapsed());
    done
}

#[test]
fn nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = format!("mariadb --no-defaults -uroot -h 127.0.0.1 -P {port}");
    let folder = tempfile::tempdir().unwrap();
    for way in [at(local(port), None), at(At::Socket(folder.path().join("s")), None), command(&client)] {
        let found = taking_at_most(Duration::from_secs(5), || survey(way, 10));
        assert!(matches!(found, Err(DatabaseError::Unreachable { .. })), "{found:?}");
    }
    let found = survey(at(At::Address("::1".parse().unwrap(), port), None), 10).unwrap_err();
    assert!(matches!(&found, DatabaseError::Unreachable { server, .. } if *server == format!("[::1]:{port}")), "{found:?}");
}

#[test]
fn a_listener_that_says_nothing_is_waited_for_only_so_long() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let (tcp, unix) = (TcpListener::bind("127.0.0.1:0").unwrap(), UnixListener::bind(&path).unwrap());
    let port = tcp.local_addr().unwrap().port();
    thread::spawn(move || tcp.incoming().for_each(std::mem::forget));
    thread::spawn(move || unix.incoming().for_each(std::mem::forget));
    let client = format!("mariadb --no-defaults -uroot -h 127.0.0.1 -P {port}");
    for way in [at(local(port), None), at(local(port), Some(Tls::default())), at(At::Socket(path), None), command(&client)] {
        let found = taking_at_most(Duration::from_secs(4), || survey(way, 1));
        assert!(matches!(found, Err(DatabaseError::TimedOut { seconds: 1, .. })), "{found:?}");
    }
}

#[test]
fn a_listener_that_speaks_slowly_or_nonsense_is_no_better() {
    let hostile: [fn(TcpStream); 3] = [
        |mut stream| {
            while stream.write_all(b"\x0a").is_ok() {
                thread::sleep(Duration::from_millis(100));
            }
        },
        |mut stream| while stream.write_all(&[0xff; 4096]).is_ok() {},
        |mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap(),
    ];
    for behave in hostile {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || listener.incoming().flatten().for_each(behave));
        let found = taking_at_most(Duration::from_secs(6), || survey(at(local(port), None), 2));
        assert!(found.is_err());
    }
}

/// Between the client and a real server: lets `bytes` of what the server says through, and then nothing.
fn stalling_proxy(server: u16, bytes: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let to = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let (mut from, mut back) = (stream.try_clone().unwrap(), stream);
            let (mut up, mut down) = (to.try_clone().unwrap(), to);
            thread::spawn(move || std::io::copy(&mut from, &mut up));
            thread::spawn(move || {
                let mut byte = [0];
                for sent in 0.. {
                    if down.read(&mut byte).unwrap_or(0) == 0 || back.write_all(&byte).is_err() {
                        return;
                    }
                    thread::sleep(if sent < bytes { Duration::ZERO } else { Duration::from_millis(400) });
                }
            });
        }
    });
    port
}

#[test]
fn a_server_that_stalls_at_any_point_is_given_up() {
    let server = Server::start(&[]);
    Scene::set(&server, "x", native(&server, "root", None), "text", INNODB);
    server.sql("create user p@localhost identified by 'hunter2hunter2'; grant all on *.* to p@localhost; create user p@'127.0.0.1' identified by 'hunter2hunter2'; grant all on *.* to p@'127.0.0.1'");
    let way = |port| {
        Way::Native(Native { server: local(port), user: "p".to_owned(), password: Some("hunter2hunter2".to_owned().into()), tls: None })
    };
    assert!(matches!(survey(way(stalling_proxy(server.port, usize::MAX)), 20), Ok(Survey::Table(_))));
    for bytes in [10, 100, 150, 400, 1000] {
        let port = stalling_proxy(server.port, bytes);
        let found = taking_at_most(Duration::from_secs(6), || survey(way(port), 2));
        assert!(matches!(found, Err(DatabaseError::TimedOut { .. })), "{bytes}: {found:?}");
    }
}

#[test]
fn a_wrong_password_is_named_and_not_told() {
    let server = Server::start(&[]);
    server.sql("create user p@localhost identified by 'right'; grant all on *.* to p@localhost");
    let options = tempfile::NamedTempFile::new().unwrap();
    fs::write(options.path(), "[client]\nuser=p\npassword=hunter2hunter2\n").unwrap();
    let client = format!("mariadb --defaults-file={} -S {}", options.path().display(), server.socket().display());
    for way in [native(&server, "p", Some("hunter2hunter2")), native(&server, "p", None), command(&client)] {
        let error = survey(way, 10).unwrap_err();
        assert!(matches!(error, DatabaseError::Denied { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let database = Database::new(access(native(&server, "p", Some("right")), None));
    assert!(matches!(database.survey(&step()), Err(DatabaseError::SeesNothing { .. })));
}

type Fits = fn(&DatabaseError) -> bool;

#[test]
fn a_command_that_is_no_client_is_refused_in_time() {
    let server = Server::start(&[]);
    Scene::set(&server, "x", native(&server, "root", None), "text", INNODB);
    let cases: [(&str, Fits); 8] = [
        ("/nowhere/mysql -uroot", |error| matches!(error, DatabaseError::CommandStart { .. })),
        ("sleep 100", |error| matches!(error, DatabaseError::TimedOut { .. })),
        ("yes", |error| matches!(error, DatabaseError::Client { .. })),
        // Leaves one behind that holds its output open, and ends.
        ("sh -c 'sleep 30 & exit 0'", |error| matches!(error, DatabaseError::Answer { .. })),
        ("cat", |error| matches!(error, DatabaseError::Answer { .. })),
        ("true", |error| matches!(error, DatabaseError::Answer { .. })),
        ("sh -c 'echo container not found >&2; exit 3'", |error| {
            error.to_string().ends_with("ended with exit status 3: container not found")
        }),
        ("sh -c 'cat >&2; exit 1'", |error| matches!(error, DatabaseError::Client { .. })),
    ];
    for (line, fits) in cases {
        let error = taking_at_most(Duration::from_secs(5), || survey(command(line), 2)).unwrap_err();
        assert!(fits(&error), "{line}: {error:?}");
    }
}

#[test]
fn a_row_that_another_connection_holds_is_waited_for_only_so_long() {
    let server = Server::start(&[]);
    thread::scope(|scope| {
        for (engine, options) in [("InnoDB", INNODB), ("MyISAM", MYISAM)] {
            for (name, way) in ways(&server) {
                let server = &server;
                scope.spawn(move || {
                    let scene = Scene::set(server, &format!("held_{name}_{engine}"), way, "text", options);
                    let mut other = server.spawn_client("");
                    let lock = if engine == "InnoDB" {
                        "start transaction; select * from manager_info where id = 3 for update;"
                    } else {
                        "lock tables manager_info read;"
                    };
                    let held = format!("use {}; {lock} select sleep(100);\n", scene.schema);
                    other.stdin.as_mut().unwrap().write_all(held.as_bytes()).unwrap();
                    while !server.sql("show processlist").contains(&format!("{}\tQuery\t0\tUser sleep", scene.schema)) {
                        thread::sleep(Duration::from_millis(50));
                    }
                    let done = taking_at_most(Duration::from_secs(25), || scene.update());
                    assert_eq!(done, Err(DatabaseError::LockWait), "{name} {engine}");
                    other.kill().unwrap();
                    other.wait().unwrap();
                    let id = server.sql(&format!("select id from information_schema.processlist where db = '{}'", scene.schema));
                    id.lines().for_each(|id| drop(server.run("", &format!("kill {id}"))));
                    scene.assert_rows(&scene.old, name);
                    assert_eq!(scene.update(), Ok(all()), "{name} {engine}");
                });
            }
        }
    });
}

/// A CA and a server certificate for 127.0.0.1, as a server keeps them.
fn certificates(folder: &Path) {
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=ca &&
        openssl req -newkey rsa:2048 -nodes -keyout s.key -out s.csr -subj /CN=s &&
        printf 'subjectAltName=IP:127.0.0.1\n' > ext && chmod 644 s.key &&
        openssl x509 -req -in s.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile ext -out s.pem &&
        openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 30 -subj /CN=other";
    let made = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn tls_is_used_or_refused_and_never_left_out() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let file = |name: &str| folder.path().join(name);
    let option = |name: &str, of: &str| format!("--ssl-{name}={}", file(of).display());
    let server = Server::start(&[&option("ca", "ca.pem"), &option("cert", "s.pem"), &option("key", "s.key")]);
    server
        .sql("create user p@'127.0.0.1' identified by 'hunter2hunter2' require ssl; grant all on *.* to p@'127.0.0.1'; create database x");
    let way = |tls| {
        Way::Native(Native { server: local(server.port), user: "p".to_owned(), password: Some("hunter2hunter2".to_owned().into()), tls })
    };
    let with = |authority: Option<&str>| way(Some(Tls { authority: authority.map(file) }));
    assert!(matches!(survey(with(Some("ca.pem")), 10), Ok(Survey::NoTable { .. })));
    assert!(matches!(survey(with(None), 10), Ok(Survey::NoTable { .. })));
    assert!(matches!(survey(way(None), 10), Err(DatabaseError::Denied { .. })));
    let error = survey(with(Some("other.pem")), 10).unwrap_err();
    assert!(matches!(error, DatabaseError::Tls { .. }), "{error:?}");
    let plain = Server::start(&["--skip-ssl"]);
    let error = survey(at(local(plain.port), Some(Tls::default())), 10).unwrap_err();
    assert!(matches!(error, DatabaseError::Tls { .. }), "{error:?}");
}
