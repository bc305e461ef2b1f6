//! A service of gRPC with all four kinds of methods, written by hand, and a client for it. Messages
//! are bytes, whose first says what is to be done.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, BufMut};
use http::uri::PathAndQuery;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{Binary, MetadataKey, MetadataMap, MetadataValue};
use tonic::server::NamedService;
use tonic::{Request, Response, Status, Streaming};

pub(crate) type Message = Vec<u8>;
type Boxed<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;
type Messages = Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;

/// Bytes as they are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plain;

impl Codec for Plain {
    type Encode = Message;
    type Decode = Message;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Plain {
    type Item = Message;
    type Error = Status;

    fn encode(&mut self, item: Message, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Message;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Message>, Status> {
        let mut message = vec![0; from.remaining()];
        from.copy_to_slice(&mut message);
        Ok(Some(message))
    }
}

/// The service; its clones share what they count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Echo {
    /// How many calls have begun.
    pub(crate) begun: Arc<AtomicUsize>,
    /// How many calls were given up before they ended.
    pub(crate) dropped: Arc<AtomicUsize>,
}

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

/// Counts a call that nobody waits for any more.
struct Waiting(Option<Arc<AtomicUsize>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(dropped) = &self.0 {
            dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Answers that are counted if they are given up before their end.
struct Counted {
    answers: Messages,
    waiting: Waiting,
}

impl Stream for Counted {
    type Item = Result<Message, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.answers.as_mut().poll_next(cx);
        if matches!(next, Poll::Ready(None)) {
            self.waiting.0 = None;
        }
        next
    }
}

pub(crate) const TEXT: &str = "x-text";

pub(crate) fn binary_key() -> MetadataKey<Binary> {
    MetadataKey::from_static("x-bytes-bin")
}

/// What came with the request goes back with the answer.
fn reflect(from: &MetadataMap, to: &mut MetadataMap) {
    if let Some(text) = from.get(TEXT) {
        to.insert(TEXT, text.clone());
    }
    if let Some(bytes) = from.get_bin(binary_key()) {
        to.insert_bin(binary_key(), bytes.clone());
    }
    if from.contains_key("te") {
        to.insert("x-te", MetadataValue::from_static("seen"));
    }
}

impl Echo {
    /// `!CODE text` fails, `?` never ends, all else comes back.
    async fn answer(&self, message: Message, with: &MetadataMap) -> Result<Message, Status> {
        let text = String::from_utf8_lossy(&message).into_owned();
        if let Some(failure) = text.strip_prefix('!') {
            let (code, text) = failure.split_once(' ').unwrap_or((failure, ""));
            let mut metadata = MetadataMap::new();
            reflect(with, &mut metadata);
            let code = tonic::Code::from(code.parse::<i32>().unwrap());
            return Err(Status::with_metadata(code, text, metadata));
        }
        if text == "?" {
            let _waiting = Waiting(Some(Arc::clone(&self.dropped)));
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        Ok(message)
    }

    async fn unary(self, request: Request<Message>) -> Result<Response<Message>, Status> {
        let (metadata, _, message) = request.into_parts();
        let mut response = Response::new(self.answer(message, &metadata).await?);
        reflect(&metadata, response.metadata_mut());
        Ok(response)
    }

    /// All messages as one.
    async fn gather(
        self,
        request: Request<Streaming<Message>>,
    ) -> Result<Response<Message>, Status> {
        let (metadata, _, mut messages) = request.into_parts();
        let mut waiting = Waiting(Some(Arc::clone(&self.dropped)));
        let mut all = Vec::new();
        while let Some(message) = messages.message().await? {
            all.extend(self.answer(message, &metadata).await?);
        }
        waiting.0 = None;
        let mut response = Response::new(all);
        reflect(&metadata, response.metadata_mut());
        Ok(response)
    }

    /// A message for each line; one that fails ends the stream.
    async fn scatter(self, request: Request<Message>) -> Result<Response<Messages>, Status> {
        let (metadata, _, message) = request.into_parts();
        let lines: Vec<Message> = message
            .split(|&byte| byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let (send, receive) = tokio::sync::mpsc::channel(1);
        let mut head = MetadataMap::new();
        reflect(&metadata, &mut head);
        tokio::spawn(async move {
            for line in lines {
                let answer = tokio::select! {
                    answer = self.answer(line, &metadata) => answer,
                    () = send.closed() => return,
                };
                let failed = answer.is_err();
                if send.send(answer).await.is_err() || failed {
                    return;
                }
            }
        });
        let mut response = Response::new(Box::pin(ReceiverStream::new(receive)) as Messages);
        *response.metadata_mut() = head;
        Ok(response)
    }

    /// A message for each message, as they come; the head comes before the first.
    async fn chat(
        self,
        request: Request<Streaming<Message>>,
    ) -> Result<Response<Messages>, Status> {
        let (metadata, _, messages) = request.into_parts();
        let mut head = MetadataMap::new();
        reflect(&metadata, &mut head);
        let waiting = Waiting(Some(Arc::clone(&self.dropped)));
        let answers = messages.then(move |message| {
            let (echo, metadata) = (self.clone(), metadata.clone());
            async move { echo.answer(message?, &metadata).await }
        });
        let answers = Counted {
            answers: Box::pin(answers),
            waiting,
        };
        let mut response = Response::new(Box::pin(answers) as Messages);
        *response.metadata_mut() = head;
        Ok(response)
    }
}

macro_rules! method {
    ($name:ident: $kind:ident($request:ty) -> $answer:ty as $does:ident $(, $stream:ident)?) => {
        struct $name(Echo);
        impl tonic::server::$kind<Message> for $name {
            type Response = Message;
            $(type $stream = Messages;)?
            type Future = Boxed<$answer>;
            fn call(&mut self, request: Request<$request>) -> Self::Future {
                Box::pin(self.0.clone().$does(request))
            }
        }
    };
}

method!(Unary: UnaryService(Message) -> Message as unary);
method!(Gather: ClientStreamingService(Streaming<Message>) -> Message as gather);
method!(Scatter: ServerStreamingService(Message) -> Messages as scatter, ResponseStream);
method!(Chat: StreamingService(Streaming<Message>) -> Messages as chat, ResponseStream);

impl<B> tower::Service<http::Request<B>> for Echo
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<tower_apigw::error::BoxError> + Send,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let echo = self.clone();
        echo.begun.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Plain)
                .apply_max_message_size_config(Some(64 << 20), Some(64 << 20));
            let path = request.uri().path().to_owned();
            Ok(match path.as_str() {
                "/test.Echo/Unary" => grpc.unary(Unary(echo), request).await,
                "/test.Echo/Gather" => grpc.client_streaming(Gather(echo), request).await,
                "/test.Echo/Scatter" => grpc.server_streaming(Scatter(echo), request).await,
                "/test.Echo/Chat" => grpc.streaming(Chat(echo), request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

/// A path of the service.
pub(crate) fn path(method: &str) -> PathAndQuery {
    format!("/test.Echo/{method}").parse().unwrap()
}

/// A request with metadata of both kinds.
pub(crate) fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    metadata.insert(TEXT, MetadataValue::from_static("a, b"));
    metadata.insert_bin(binary_key(), MetadataValue::from_bytes(&[0, 255, 10, 13]));
    request
}

/// Whether both kinds of metadata came back.
pub(crate) fn check_metadata(metadata: &MetadataMap) {
    assert_eq!(metadata.get(TEXT).unwrap(), "a, b", "{metadata:?}");
    let bytes = metadata.get_bin(binary_key()).unwrap().to_bytes().unwrap();
    assert_eq!(bytes[..], [0, 255, 10, 13]);
}
