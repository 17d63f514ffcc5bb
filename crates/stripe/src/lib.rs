//! Stripe webhooks in: verify, translate
