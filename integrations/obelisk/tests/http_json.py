"""JSON over HTTP."""

import json
import urllib.error
import urllib.request


def call(method, url, body=None, timeout=60):
    """Status and JSON."""
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, json.load(answer)


def expect(wanted, method, url, body=None):
    """JSON of an answer whose status is one of `wanted`."""
    status, answer = call(method, url, body)
    assert status in wanted, f"{method} {url}: {status} {answer}"
    return answer
