"""What schemathesis is not told by the document."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    """A stream of entries, of which the document describes one."""
    if isinstance(value, bytes):
        return value
    return (json.dumps(value) + "\n").encode("utf-8", "surrogatepass")


@schemathesis.deserializer("application/x-ndjson")
def lines(ctx, response):
    """The first line: every other is described alike."""
    return json.loads(response.content.split(b"\n", 1)[0])
