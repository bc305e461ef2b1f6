//! A backend that answers every request as the step in play says, and keeps what it was sent.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::case::{body_of, header_lines};
use crate::support::{Lines, Wire, joined};

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Recorded {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Lines,
    pub(super) body: Vec<u8>,
}

impl Recorded {
    /// Path and raw query; of a target in absolute form without scheme and authority.
    pub(super) fn path_and_query(&self) -> (&str, &str) {
        let mut target = self.target.as_str();
        let before_query = target.split('?').next().unwrap_or_default();
        if let Some(scheme) = before_query.find("://") {
            let rest = &target[scheme + 3..];
            target = rest.find('/').map_or("/", |slash| &rest[slash..]);
        }
        target.split_once('?').unwrap_or((target, ""))
    }
}

#[derive(Debug, Default)]
struct Script {
    answer: Option<Value>,
    recorded: Vec<Recorded>,
    problems: Vec<String>,
}

/// Listens until it is dropped.
#[derive(Debug)]
pub(super) struct Backend {
    pub(super) port: u16,
    script: Arc<Mutex<Script>>,
    accepting: JoinHandle<()>,
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Backend {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let script = Arc::new(Mutex::new(Script::default()));
        let shared = Arc::clone(&script);
        let accepting = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let script = Arc::clone(&shared);
                tokio::spawn(async move {
                    if let Err(error) = serve(connection, &script).await
                        && error.kind() == io::ErrorKind::InvalidData
                    {
                        let problem = format!("the backend could not read the request: {error}");
                        script.lock().unwrap().problems.push(problem);
                    }
                });
            }
        });
        Self {
            port,
            script,
            accepting,
        }
    }

    /// Answers with `answer` from now on; `None` must not be called.
    pub(super) fn arm(&self, answer: Option<Value>) {
        *self.script.lock().unwrap() = Script {
            answer,
            ..Script::default()
        };
    }

    /// What came since it was armed, and what could not be read.
    pub(super) fn take(&self) -> (Vec<Recorded>, Vec<String>) {
        let mut script = self.script.lock().unwrap();
        (
            std::mem::take(&mut script.recorded),
            std::mem::take(&mut script.problems),
        )
    }
}

async fn serve(connection: TcpStream, script: &Mutex<Script>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let (read, mut write) = connection.into_split();
    let mut wire = Wire::new(read);
    while wire.has_more().await? {
        let head = wire.head().await?;
        let parts: Vec<&str> = head.first.split(' ').collect();
        let [method, target, version] = parts[..] else {
            write
                .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                .await?;
            return Err(io::Error::new(io::ErrorKind::InvalidData, head.first));
        };
        let expects = joined(&head.headers, "expect").unwrap_or_default();
        if expects.eq_ignore_ascii_case("100-continue") {
            write.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = wire.request_body(&head).await?;
        let answer = {
            let mut script = script.lock().unwrap();
            script.recorded.push(Recorded {
                method: method.to_owned(),
                target: target.to_owned(),
                headers: head.headers.clone(),
                body,
            });
            script.answer.clone()
        };
        let answer = answer.unwrap_or_else(
            || serde_json::json!({"status": 599, "body": "the backend must not be called"}),
        );
        if let Some(delay) = answer["delay_ms"].as_u64() {
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        if answer["close"] == true {
            return Ok(());
        }
        write.write_all(&render(&answer, method)).await?;
        let closes = |lines: &[(String, String)]| {
            joined(lines, "connection").is_some_and(|it| it.to_ascii_lowercase().contains("close"))
        };
        if version == "HTTP/1.0" || closes(&head.headers) || closes(&header_lines(&answer)) {
            return Ok(());
        }
    }
    Ok(())
}

fn render(answer: &Value, to: &str) -> Vec<u8> {
    let status = answer["status"].as_u64().expect("an answer has a status");
    let body = body_of(answer).unwrap_or_default();
    let headers = header_lines(answer);
    let mut out = format!("HTTP/1.1 {status} Scripted\r\n");
    for (name, value) in &headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    let bodiless = matches!(status, 204 | 304);
    let framed = |name| joined(&headers, name).is_some();
    if !framed("content-length") && !framed("transfer-encoding") && !bodiless {
        out.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    out.push_str("\r\n");
    let mut out = out.into_bytes();
    if to != "HEAD" && !bodiless {
        out.extend_from_slice(&body);
    }
    out
}
