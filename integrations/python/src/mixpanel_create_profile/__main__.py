"""The command: `python -m mixpanel_create_profile`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn, cast

from . import CardError, Connection, check_connection, create_profiles
from .schema import DEFINITIONS, SCHEMA, inner

TOKEN = "MIXPANEL_PROJECT_TOKEN"

DESCRIPTION = f"""\
{SCHEMA["description"]}

The project token is read from the environment variable {TOKEN}, or from a file."""

EXIT = """\
The exit status is 0 where every profile was created or was there already, 1 for any other outcome,
and 2 where nothing could be sent; of check, it is 0 for valid, 1 for invalid and 3 for unknown."""


def main() -> None:
    # A call is not interrupted by Python's own handler before it is over.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    options = vars(_parser().parse_args())
    command, file = options.pop("command"), options.pop("file", None)
    try:
        connection = _connection(options)
        if command == "check":
            sys.exit(_check(connection))
        sys.exit(_create(connection, _users(file)))
    except (CardError, OSError, TypeError, ValueError) as error:
        _fail(str(error))


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "mixpanel-create-profile", description=DESCRIPTION, epilog=EXIT, formatter_class=form
    )
    connection = argparse.ArgumentParser(add_help=False)
    connection.add_argument("--token-file", type=Path, metavar="FILE", help="has the project token")
    definition = DEFINITIONS["connection"]
    for name, field in definition["properties"].items():
        if name == "project-token":
            continue
        schema = inner(field)
        connection.add_argument(
            f"--{name}",
            dest=name,
            required=name in definition["required"],
            choices=schema.get("enum"),
            type=int if schema["type"] == "integer" else str,
            help=field["description"].replace("%", "%%"),
        )
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser(
        "create", parents=[connection], help="create profiles, and print a line of JSON for each"
    )
    create.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help='a JSON object {"profile": …, "properties": …}, or one a line; else standard input',
    )
    commands.add_parser("check", parents=[connection], help="ask whether the project token is right")
    return parser


def _connection(options: dict[str, Any]) -> Connection:
    file: Path | None = options.pop("token_file")
    token = file.read_text("utf-8").strip() if file else os.environ.get(TOKEN)
    if token is None:
        raise ValueError(f"there is no project token: set {TOKEN}, or give --token-file")
    return cast("Connection", {"project-token": token, **options})


def _users(file: Path | None) -> list[Any]:
    text = (file.read_bytes() if file else sys.stdin.buffer.read()).decode("utf-8-sig")
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):
        return [_line(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _line(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        # The parser's own words quote what they stumble over.
        raise ValueError(f"line {number} is not JSON") from None


def _create(connection: Connection, users: list[Any]) -> int:
    created = True
    for result in create_profiles(connection, users):
        if isinstance(result, CardError):
            created = False
            print(json.dumps({"err": result.to_json()}))
        else:
            created = created and 200 <= result["status-code"] <= 299
            print(json.dumps({"ok": result}))
    return 0 if created else 1


def _check(connection: Connection) -> int:
    check = check_connection(connection)
    print(json.dumps(check))
    return {"valid": 0, "invalid": 1, "unknown": 3}[check["verdict"]]


def _fail(message: str) -> NoReturn:
    print(f"mixpanel-create-profile: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
