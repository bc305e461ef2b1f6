//! What several test modules need: raw HTTP/1.1 over sockets, read and written as it is on the
//! wire, and short ways to plans and bodies.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;
use tower_apigw::Body;
use tower_apigw::integration::{Integration, Method};
use tower_apigw::mapping::{Plan, Stage};

/// Longer than anything here takes, so that a test that hangs says so.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Awaits `future`, and fails if it hangs.
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited too long for {what}"),
    }
}

/// A plan for `ANY` on `resource`.
pub(crate) fn plan(integration: &Integration, resource: &str) -> Plan {
    plan_at(integration, resource, Stage::new("test"))
}

/// The same at a stage.
pub(crate) fn plan_at(integration: &Integration, resource: &str, stage: Stage) -> Plan {
    match Plan::compile(integration, &Method::new("ANY", resource), stage) {
        Ok(plan) => plan,
        Err(error) => panic!("the integration has errors: {error}"),
    }
}

/// A body as a whole.
pub(crate) async fn bytes(body: Body) -> Bytes {
    body.collect().await.expect("the body is whole").to_bytes()
}

/// A body as text.
pub(crate) async fn text(body: Body) -> String {
    String::from_utf8(bytes(body).await.to_vec()).expect("the body is text")
}

/// Header lines as they stood on the wire.
pub(crate) type Lines = Vec<(String, String)>;

/// All values under `name` in any spelling, joined by a comma; `None` if there is no such line.
pub(crate) fn joined(lines: &[(String, String)], name: &str) -> Option<String> {
    let values: Vec<&str> = lines
        .iter()
        .filter(|(line, _)| line.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
        .collect();
    if values.is_empty() {
        None
    } else {
        Some(values.join(", "))
    }
}

/// The first line and the headers of a message.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) first: String,
    pub(crate) headers: Lines,
}

impl Head {
    /// The status in the first line of an answer.
    pub(crate) fn status(&self) -> io::Result<u16> {
        let number = self
            .first
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.split(' ').nth(1));
        number
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| malformed(&self.first))
    }

    pub(crate) fn is_chunked(&self) -> bool {
        joined(&self.headers, "transfer-encoding")
            .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"))
    }

    pub(crate) fn content_length(&self) -> io::Result<Option<usize>> {
        match self
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            Some((_, length)) => length.parse().map(Some).map_err(|_| malformed(length)),
            None => Ok(None),
        }
    }
}

fn malformed(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("malformed: {line:?}"))
}

/// Reads messages of HTTP/1.1 as they are on the wire.
#[derive(Debug)]
pub(crate) struct Wire<R> {
    from: R,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Wire<R> {
    pub(crate) fn new(from: R) -> Self {
        Self {
            from,
            buffer: Vec::new(),
        }
    }

    /// Reads more; whether there was any.
    async fn fill(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 16 * 1024];
        let length = self.from.read(&mut chunk).await?;
        self.buffer.extend_from_slice(&chunk[..length]);
        Ok(length > 0)
    }

    async fn need(&mut self) -> io::Result<()> {
        if self.fill().await? {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    /// Whether a further message begins.
    pub(crate) async fn has_more(&mut self) -> io::Result<bool> {
        if self.buffer.is_empty() {
            self.fill().await
        } else {
            Ok(true)
        }
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let mut line: Vec<u8> = self.buffer.drain(..=end).collect();
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
            self.need().await?;
        }
    }

    pub(crate) async fn headers(&mut self) -> io::Result<Lines> {
        let mut lines = Vec::new();
        loop {
            let line = latin_or_utf8(&self.line().await?);
            if line.is_empty() {
                return Ok(lines);
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
            lines.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
        }
    }

    pub(crate) async fn head(&mut self) -> io::Result<Head> {
        let first = latin_or_utf8(&self.line().await?);
        Ok(Head {
            first,
            headers: self.headers().await?,
        })
    }

    pub(crate) async fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < count {
            self.need().await?;
        }
        Ok(self.buffer.drain(..count).collect())
    }

    /// One chunk; `None` at the end, with the trailers read.
    pub(crate) async fn chunk(&mut self) -> io::Result<Result<Vec<u8>, Lines>> {
        let line = latin_or_utf8(&self.line().await?);
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| malformed(&line))?;
        if size == 0 {
            return Ok(Err(self.headers().await?));
        }
        let data = self.exactly(size).await?;
        self.line().await?;
        Ok(Ok(data))
    }

    pub(crate) async fn chunked(&mut self) -> io::Result<(Vec<u8>, Lines)> {
        let mut all = Vec::new();
        loop {
            match self.chunk().await? {
                Ok(data) => all.extend_from_slice(&data),
                Err(trailers) => return Ok((all, trailers)),
            }
        }
    }

    /// The body of a request, by its framing.
    pub(crate) async fn request_body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        if head.is_chunked() {
            return Ok(self.chunked().await?.0);
        }
        match head.content_length()? {
            Some(length) => self.exactly(length).await,
            None => Ok(Vec::new()),
        }
    }

    /// The body of an answer, by its framing.
    pub(crate) async fn answer_body(&mut self, head: &Head, to: &str) -> io::Result<Vec<u8>> {
        if to == "HEAD" || matches!(head.status()?, 101 | 204 | 304) {
            return Ok(Vec::new());
        }
        if head.is_chunked() || head.content_length()?.is_some() {
            return self.request_body(head).await;
        }
        while self.fill().await? {}
        Ok(std::mem::take(&mut self.buffer))
    }
}

/// Both ends of a connection, raw.
#[cfg(feature = "client")]
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) wire: Wire<tokio::net::tcp::OwnedReadHalf>,
    pub(crate) write: tokio::net::tcp::OwnedWriteHalf,
}

#[cfg(feature = "client")]
impl Raw {
    pub(crate) fn new(connection: tokio::net::TcpStream) -> Self {
        connection.set_nodelay(true).unwrap();
        let (read, write) = connection.into_split();
        Self {
            wire: Wire::new(read),
            write,
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        soon(
            "a write",
            tokio::io::AsyncWriteExt::write_all(&mut self.write, text.as_bytes()),
        )
        .await
        .unwrap();
    }

    pub(crate) async fn head(&mut self) -> Head {
        soon("a head", self.wire.head()).await.unwrap()
    }

    /// The connection, without what was read of it and not used.
    pub(crate) fn into_stream(self) -> tokio::net::TcpStream {
        self.wire.from.reunite(self.write).unwrap()
    }

    pub(crate) async fn chunk(&mut self) -> Result<String, Vec<(String, String)>> {
        let chunk = soon("a chunk", self.wire.chunk()).await.unwrap();
        chunk.map(|data| String::from_utf8(data).unwrap())
    }
}

/// UTF-8 if it is, else each byte as the character of its number.
fn latin_or_utf8(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// A body whose frames come through a channel; an error in it breaks it off.
#[derive(Debug)]
pub(crate) struct Frames(mpsc::Receiver<io::Result<Frame<Bytes>>>);

/// The sending half of a [`Frames`].
pub(crate) type FrameSender = mpsc::Sender<io::Result<Frame<Bytes>>>;

/// A body to feed while it is read; `room` frames may wait in between.
pub(crate) fn frames(room: usize) -> (FrameSender, Frames) {
    let (sender, receiver) = mpsc::channel(room);
    (sender, Frames(receiver))
}

/// A frame of data.
pub(crate) fn data(bytes: impl Into<Bytes>) -> io::Result<Frame<Bytes>> {
    Ok(Frame::data(bytes.into()))
}

/// A body of unknown length, with these frames.
pub(crate) fn streamed(chunks: impl IntoIterator<Item = &'static str>) -> Body {
    let chunks: Vec<_> = chunks.into_iter().collect();
    let (sender, body) = frames(chunks.len().max(1));
    for chunk in chunks {
        sender
            .try_send(data(chunk))
            .expect("there is room for every chunk");
    }
    Body::new(body)
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx)
    }
}

/// A plan that hands every path on to `http://{authority}/`, untouched.
pub(crate) fn proxy(authority: impl std::fmt::Display) -> Integration {
    Integration::http_proxy(format!("http://{authority}/{{proxy}}")).request_parameter(
        "integration.request.path.proxy",
        "method.request.path.proxy",
    )
}

/// A server on loopback; it ends when this is dropped.
#[cfg(feature = "client")]
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) address: std::net::SocketAddr,
    accepting: tokio::task::JoinHandle<()>,
}

#[cfg(feature = "client")]
impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves HTTP/1.1 and HTTP/2 with prior knowledge, as hyper does it.
#[cfg(feature = "client")]
pub(crate) async fn listen<S, R>(service: S) -> Listening
where
    S: tower::Service<http::Request<hyper::body::Incoming>, Response = http::Response<R>>,
    S: Clone + Send + 'static,
    S::Error: Into<tower_apigw::error::BoxError>,
    S::Future: Send,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<tower_apigw::error::BoxError>,
{
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use hyper_util::server::conn::auto::Builder;
    use hyper_util::service::TowerToHyperService;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            tokio::spawn(async move {
                let builder = Builder::new(TokioExecutor::new());
                // A client that goes away is no failure of the test.
                let _ = builder
                    .serve_connection(TokioIo::new(connection), service)
                    .await;
            });
        }
    });
    Listening { address, accepting }
}
