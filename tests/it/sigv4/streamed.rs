//! What signing holds in memory while much streams through it: a body in signed chunks, one with a
//! trailer, one that a client sent in chunks of its own.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt;
use tower::{Layer, ServiceExt, service_fn};
use tower_apigw::Body;
use tower_apigw::credentials::Credentials;
use tower_apigw::layer::{PayloadSigning, SigV4Layer};
use tower_apigw::signing::chunked::Checksum;

use crate::support::soon;

const SIZE: usize = 64 * 1024 * 1024;
/// The most that may be allocated at one time, in bytes.
const MOST: u64 = 1024 * 1024;

/// Much, in pieces that fit no chunk, each of memory of its own.
struct Much {
    left: usize,
}

impl HttpBody for Much {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let length = self.left.min(50_000);
        self.left -= length;
        let piece = (length > 0).then(|| Ok(Frame::data(Bytes::from(vec![b'x'; length]))));
        Poll::Ready(piece)
    }
}

fn layer(payload: PayloadSigning) -> SigV4Layer {
    SigV4Layer::new(Credentials::new("AKIDEXAMPLE", "the secret"))
        .scope("s3", "us-east-1")
        .payload(payload)
        .remove_signature(true)
}

/// Counts what comes; the answer is the count.
async fn count(request: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
    let mut body = request.into_body();
    let mut count = 0;
    while let Some(frame) = body.frame().await {
        count += frame.unwrap().into_data().unwrap_or_default().len();
    }
    Ok(Response::new(Body::from(count.to_string())))
}

/// What comes out in all, and the most bytes that were in memory for it.
fn stream(payloads: &[PayloadSigning]) -> (usize, u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut counted = 0;
    let measured = allocation_counter::measure(|| {
        let request = Request::put("https://b.s3.us-east-1.amazonaws.com/key");
        let request = request.body(Body::new(Much { left: SIZE })).unwrap();
        counted = runtime.block_on(soon("the answer", async {
            // The last is what the program would do with what a client has signed in chunks.
            let response = match payloads {
                [one] => layer(*one).layer(service_fn(count)).oneshot(request).await,
                [client, proxy] => {
                    let proxy = layer(*proxy).layer(service_fn(count));
                    layer(*client).layer(proxy).oneshot(request).await
                }
                _ => panic!("one layer or two"),
            };
            let response = response.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            let text = crate::support::text(response.into_body()).await;
            text.parse::<usize>().unwrap()
        }));
    });
    (counted, measured.bytes_max)
}

#[test]
fn chunks_are_signed_in_little_memory() {
    let chunks = PayloadSigning::Chunks;
    let trailer = PayloadSigning::ChunksAndTrailer(Checksum::Crc32C);
    let unsigned = PayloadSigning::UnsignedChunksAndTrailer(Checksum::Crc32);
    for payloads in [
        &[PayloadSigning::Unsigned][..],
        &[chunks],
        &[trailer],
        &[unsigned],
        &[trailer, chunks],
        &[unsigned, trailer],
    ] {
        let (counted, most) = stream(payloads);
        println!("{payloads:?}: {most} bytes at most");
        assert!(most < MOST, "{payloads:?}: {most} bytes at once");
        // Every chunk of 64 KiB gets its length and, if signed, its signature.
        let plain = payloads == [PayloadSigning::Unsigned];
        assert_eq!(counted == SIZE, plain, "{payloads:?}: {counted}");
        assert!((SIZE..SIZE + SIZE / 400).contains(&counted), "{counted}");
    }
}
