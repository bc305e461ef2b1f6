//! What a function answers: contract, error message, event stream and prelude end with a result or an error.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tower_apigw::aws::{Answer, EventStream, Prelude};

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let _ = Answer::rest(bytes);
    let _ = Answer::http(bytes);
    let _ = Answer::metadata(bytes);
    let (mut stream, mut prelude) = (EventStream::new(), Prelude::new());
    let mut is_open = true;
    for part in bytes.chunks(usize::from(size).max(1)) {
        let mut part = Bytes::copy_from_slice(part);
        if is_open {
            is_open = matches!(prelude.push(part.clone()), Ok(None));
        }
        loop {
            match stream.next(&mut part) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});
