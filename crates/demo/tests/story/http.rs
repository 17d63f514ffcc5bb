//! The same story through real HTTP, to a server on the loopback.

use crate::shop::{SECRET, Shop};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tillroll_demo::{ShopRequest, Story, StoryOptions, run, tell};
use tokio::net::TcpListener;

async fn answer(
    shop: Arc<Mutex<Shop>>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let header = |name: &str| {
        parts
            .headers
            .get(name)
            .map(|value| value.to_str().expect("ASCII").to_owned())
    };
    assert_eq!(
        header("content-type").as_deref(),
        (!body.is_empty()).then_some("application/json")
    );
    let request = ShopRequest {
        method: parts.method.clone(),
        path: parts.uri.to_string(),
        key: header("idempotency-key"),
        signature: header("stripe-signature"),
        body,
    };
    let answer = shop.lock().expect("one at a time").answer(&request);
    let mut response = hyper::Response::builder()
        .status(answer.status)
        .header("tillroll-position", answer.position.unwrap_or(0));
    if answer.replayed {
        response = response.header("idempotent-replayed", "true");
    }
    Ok(response.body(Full::new(answer.body)).expect("a response"))
}

async fn serve(listener: TcpListener, shop: Arc<Mutex<Shop>>, connections: Arc<AtomicUsize>) {
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        connections.fetch_add(1, Ordering::SeqCst);
        let shop = Arc::clone(&shop);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shop), request));
            // A client that goes away is no failure of the test.
            drop(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

#[test]
fn over_http_the_story_is_the_same_and_needs_one_connection() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let options = StoryOptions {
        seed: 6,
        orders: 80,
        ..StoryOptions::default()
    };
    let shop = Shop::new();
    let clock = Arc::clone(&shop.clock);
    let shop = Arc::new(Mutex::new(shop));
    let connections = Arc::new(AtomicUsize::new(0));
    let same_options = options.clone();
    let report = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (shop, connections) = (Arc::clone(&shop), Arc::clone(&connections));
        tokio::spawn(serve(listener, shop, connections));
        // The story can be told from a task of its own.
        let told = async move {
            let base = format!("http://{address}");
            run(&base, SECRET, options, clock, |_| {}).await
        };
        tokio::spawn(told).await.expect("no panic")
    });
    let report = report.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(connections.load(Ordering::SeqCst), 1);

    let mut direct = Shop::new();
    let clock = Arc::clone(&direct.clock);
    let story = Story::new(same_options).expect("a possible story");
    let same = runtime
        .block_on(tell(&story, &mut direct, SECRET, clock, |_| {}))
        .unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(report, same);
    let shop = shop.lock().expect("the story is over");
    assert_eq!(shop.transcript, direct.transcript);
}
