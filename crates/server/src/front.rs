//! The way in of a connection's requests. The two that come by the thousand in a second, an entry
//! and a webhook, go straight to their handlers; all others go through the router.
//!
//! # Invariants
//! - What goes straight is surrounded as the routes are, and answered as the router would: a
//!   request is on either way by its method and path alone.

use std::convert::Infallible;
use std::future::Future;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::service::Service;
use tower::ServiceExt;

use crate::app::App;
use crate::middleware::{Answering, Route, surround};
use crate::routes::{entries, webhooks};

#[derive(Clone, Debug)]
pub(crate) struct Front {
    pub(crate) app: App,
    pub(crate) router: Router,
}

impl Service<axum::http::Request<Incoming>> for Front {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: axum::http::Request<Incoming>) -> Answering {
        let request = request.map(Body::new);
        if request.method() == Method::POST {
            match request.uri().path() {
                entries::ROUTE => return self.straight(entries::ROUTE, request, entries::create),
                webhooks::ROUTE => {
                    return self.straight(webhooks::ROUTE, request, webhooks::receive);
                }
                _ => {}
            }
        }
        Box::pin(self.router.clone().oneshot(request))
    }
}

impl Front {
    fn straight<F, R>(
        &self,
        route: &'static str,
        request: Request,
        handler: impl FnOnce(State<App>, Request) -> F,
    ) -> Answering
    where
        F: Future<Output = R> + Send + 'static,
        R: IntoResponse + 'static,
    {
        let app = self.app.clone();
        let answer = |request| handler(State(app), request).map(Ok);
        let route = Route::Known(route);
        surround(self.app.clone(), route, request, answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<A, B, R>(_: impl FnOnce(A, B) -> R) -> usize {
        size_of::<R>()
    }

    /// Each is in memory of its own, with some 100 bytes around it. Up to a kilobyte the C
    /// library has that at hand; beyond it a search for every request.
    #[test]
    fn futures_of_what_comes_often_are_small() {
        for (route, bytes) in [
            (entries::ROUTE, size(entries::create)),
            (webhooks::ROUTE, size(webhooks::receive)),
        ] {
            assert!(bytes <= 900, "{route}: {bytes}");
        }
    }
}
