//! Which requests are let in at all: addressed to this server by one name, and, where they change
//! something, not sent by a web page of another origin.
//!
//! A browser sends requests on behalf of any page that it shows, and the server, which listens on
//! this machine, cannot tell them from a program's by where they come from. So it goes by what a
//! browser says of itself and a page cannot change:
//!
//! - **`Host`**: exactly one, and the name of this machine (or one that was allowed), so that a
//!   page whose name was made to resolve to this machine gets nothing.
//! - **`Origin` and `Sec-Fetch-Site`**, on every method but GET, HEAD and OPTIONS: if they are
//!   there, they name this server itself.
//! - **`Content-Type`**, on POST and PUT: JSON or NDJSON, also where the body is empty. A page may
//!   send neither to another origin without asking first, which is answered with no.
//!
//! The layer calls this before any route, so that no route can forget it. Webhooks are let
//! through from everywhere: their signature says who sent them, and they may come by a tunnel.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, Uri, Version, header};

use crate::app::App;
use crate::body;
use crate::code::Code;
use crate::openapi;
use crate::problem::Problem;
use crate::routes;

/// Why a request is not let in. `route` is the one that it would come to, none where there is
/// nothing.
pub(crate) fn refused(app: &App, request: &Request, route: Option<&str>) -> Option<Problem> {
    let headers = request.headers();
    if let Some(detail) = wrong_host(headers, request.version()) {
        return Some(Problem::new(Code::HostInvalid, detail).with_param("Host"));
    }
    if route == Some(routes::webhooks::ROUTE) {
        return None;
    }
    if let Some(host) = host_of(headers, request.uri())
        && !is_local(host)
        && !app.allows_host(host)
    {
        let detail = "the request is addressed to another host: use localhost or 127.0.0.1";
        return Some(Problem::new(Code::HostNotAllowed, detail).with_param("Host"));
    }
    if !changes_something(request.method()) {
        return None;
    }
    if let Some((name, detail)) = foreign_page(headers, request.uri()) {
        return Some(Problem::new(Code::CrossSiteRequest, detail).with_param(name));
    }
    // Of the other methods a browser asks first.
    if !matches!(*request.method(), Method::POST | Method::PUT) {
        return None;
    }
    let problem = body::require_json_or_lines(headers).err()?;
    // What is not there, or does not take the method, is better told so.
    openapi::takes(request.method(), route?).then_some(problem)
}

/// A new method counts as one that does.
fn changes_something(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Two names could be read as either by what stands before or behind this server.
fn wrong_host(headers: &HeaderMap, version: Version) -> Option<&'static str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => None,
        (Some(_), Some(_)) => Some("the request has more than one Host header"),
        // From HTTP/2 on the URI has it.
        (None, _) => (version <= Version::HTTP_11).then_some("the request has no Host header"),
    }
}

/// The header that says that a page of another origin sent this, and what it says.
fn foreign_page(headers: &HeaderMap, uri: &Uri) -> Option<(&'static str, String)> {
    for site in headers.get_all("sec-fetch-site") {
        // `none` is an address that was typed; `same-site` is another port, which is another program.
        if !matches!(site.as_bytes(), b"same-origin" | b"none") {
            let site = shown(site);
            let detail = format!(
                "a web page sent this from elsewhere ({site}): pages of this server alone may change something"
            );
            return Some(("Sec-Fetch-Site", detail));
        }
    }
    for origin in headers.get_all(header::ORIGIN) {
        if !is_own(origin, headers, uri) {
            let origin = shown(origin);
            let detail = format!(
                "a web page of `{origin}` sent this: pages of this server alone may change something"
            );
            return Some(("Origin", detail));
        }
    }
    None
}

/// A header's value as an answer may show it.
fn shown(value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    text.chars()
        .take(80)
        .flat_map(char::escape_default)
        .collect()
}

/// Whether an origin is the server that the request is addressed to.
fn is_own(origin: &HeaderValue, headers: &HeaderMap, uri: &Uri) -> bool {
    let origin = origin.to_str().ok();
    let Some((scheme, origin)) = origin.and_then(|origin| origin.split_once("://")) else {
        return false;
    };
    let usual_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let addressed = match uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => headers
            .get(header::HOST)
            .and_then(|host| Authority::try_from(host.as_bytes()).ok()),
    };
    let parts = |authority: &Authority| {
        let port = authority.port_u16().unwrap_or(usual_port);
        (authority.host().to_ascii_lowercase(), port)
    };
    match (origin.parse::<Authority>(), addressed) {
        (Ok(origin), Some(addressed)) => parts(&origin) == parts(&addressed),
        _ => false,
    }
}

/// The name without its port.
fn host_of<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> Option<&'r str> {
    if let Some(host) = uri.host() {
        return Some(host);
    }
    let host = headers.get(header::HOST)?.to_str().unwrap_or("?");
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    Some(name)
}

fn is_local(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_local() {
        for (host, local) in [
            ("localhost", true),
            ("LOCALHOST:7878", true),
            ("127.0.0.1", true),
            ("127.0.0.1:80", true),
            ("127.8.8.8:80", true),
            ("[::1]:7878", true),
            ("[::1]", true),
            ("example.com", false),
            ("localhost.example.com:80", false),
            ("127.0.0.1.example.com", false),
            ("10.0.0.1:7878", false),
            ("0.0.0.0", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            let uri = Uri::from_static("/v1/orders");
            let name = host_of(&headers, &uri).unwrap();
            assert_eq!(is_local(name), local, "{host}");
        }
    }

    #[test]
    fn an_origin_is_own_where_it_names_what_the_request_is_addressed_to() {
        for (origin, host, own) in [
            ("http://localhost:7878", "localhost:7878", true),
            ("http://LOCALHOST:7878", "localhost:7878", true),
            ("http://[::1]:7878", "[::1]:7878", true),
            ("http://localhost", "localhost:80", true),
            ("https://books.example", "books.example", true),
            ("https://books.example", "books.example:443", true),
            ("http://books.example", "books.example:443", false),
            ("http://localhost:3000", "localhost:7878", false),
            ("http://127.0.0.1:7878", "localhost:7878", false),
            ("https://evil.example", "localhost:7878", false),
            (
                "http://localhost:7878.evil.example",
                "localhost:7878",
                false,
            ),
            (
                "http://localhost:7878@evil.example",
                "localhost:7878",
                false,
            ),
            ("null", "localhost:7878", false),
            ("", "localhost:7878", false),
            ("file://", "localhost:7878", false),
            ("chrome-extension://localhost:7878", "localhost:7878", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
            let origin = HeaderValue::from_str(origin).unwrap();
            let uri = Uri::from_static("/v1/orders");
            assert_eq!(is_own(&origin, &headers, &uri), own, "{origin:?} at {host}");
        }
    }
}
