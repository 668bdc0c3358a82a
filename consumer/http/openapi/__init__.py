"""The OpenAPI document: schemas, examples, links, problem responses."""
