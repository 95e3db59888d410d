"""JSON over HTTP."""

import json
import urllib.error
import urllib.request


def call(method, url, body=None, token=None, timeout=60):
    """Status and JSON; what is no JSON, as text."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body, separators=(",", ":")).encode(),
        headers=headers,
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, _read(answer)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, _read(answer)


def _read(answer):
    text = answer.read().decode()
    try:
        return json.loads(text)
    except ValueError:
        return text


def expect(wanted, method, url, body=None, token=None, timeout=60):
    """JSON of an answer whose status is one of `wanted`."""
    status, answer = call(method, url, body, token, timeout)
    assert status in wanted, f"{method} {url}: {status} {answer}"
    return answer
