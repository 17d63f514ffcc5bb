//! HTTP: routes, problems, OpenAPI, idempotency
