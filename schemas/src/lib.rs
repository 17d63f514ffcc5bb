//! The JSON Schemas and the OpenAPI file, generated, committed and compared
