"""The command: `python -m mixpanel_create_profile`."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

from . import CardError, Connection, Input, Output, check_connection, json_text
from .card import in_parts
from .errors import is_created
from .schema import DEFINITIONS, SCHEMA, Problems, inner

TOKEN = "MIXPANEL_PROJECT_TOKEN"

DESCRIPTION = f"""\
{SCHEMA["description"]}

The project token is read from the environment variable {TOKEN}, or from a file."""

EXIT = """\
The exit status is 0 where every profile was created or was there already, 1 for any other outcome, 2
where nothing was sent, and 4 where results could not be printed, after which nothing more is sent; of
check, it is 0 for valid, 1 for invalid and 3 for unknown."""

NOTHING_SENT, NOT_PRINTED = 2, 4

OPTION = re.compile("--[a-z-]{1,20}")
"""What may be the name of an option. Anything else may be the token, and is not shown."""


def main() -> None:
    _prepare_process()
    options = vars(_arguments())
    command, file = options.pop("command"), options.pop("file", None)
    try:
        connection = _connection(options)
        if cast("TextIO | None", sys.stdout) is None:
            raise ValueError("standard output is closed: what comes out could not be seen")
        if command == "check":
            sys.exit(_check(connection))
        sys.exit(_create(connection, *_users(file)))
    except (CardError, TypeError, ValueError) as error:
        _fail(str(error), NOTHING_SENT)


def _prepare_process() -> None:
    # A call is not interrupted by Python's own handler before it is over. Where Ctrl-C is to be
    # ignored, as under nohup, it still is.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        # Help texts have characters that not every terminal has.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # What argparse quotes may be the token.
        super().error(re.sub(r"""(['"]).*\1\)?""", "what was given", message, flags=re.DOTALL))


def _arguments() -> argparse.Namespace:
    parser = _parser()
    arguments, unknown = parser.parse_known_args()
    if unknown:
        names = [argument.partition("=")[0] for argument in unknown]
        shown = list(filter(OPTION.fullmatch, names))
        if shown and "--token" not in shown:
            parser.error(f"{', '.join(shown)} is not known")
        parser.error(
            f"{'--token' if shown else 'one of the arguments'} is not known. The token is no argument, "
            f"since every user of the machine could see it: set {TOKEN}, or give --token-file"
        )
    return arguments


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    # An option that is cut short may be meant for another one: --token is not --token-file.
    parser = _Parser(
        "mixpanel-create-profile",
        description=DESCRIPTION,
        epilog=EXIT,
        formatter_class=form,
        allow_abbrev=False,
    )
    connection = _Parser(add_help=False)
    connection.add_argument("--token-file", type=_text, metavar="FILE", help="has the project token")
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
            type=int if schema["type"] == "integer" else _text,
            help=field["description"].replace("%", "%%"),
        )
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser(
        "create",
        parents=[connection],
        allow_abbrev=False,
        help="create profiles, and print a line of JSON for each",
    )
    create.add_argument(
        "file",
        nargs="?",
        type=_text,
        metavar="FILE",
        help='a JSON object {"profile": …, "properties": …}, or one a line; else standard input',
    )
    commands.add_parser(
        "check",
        parents=[connection],
        allow_abbrev=False,
        help="ask whether the project token is right",
    )
    return parser


def _text(given: str) -> str:
    # An empty variable of a script's is a mistake, and no choice of what is usual.
    if not given.strip():
        raise argparse.ArgumentTypeError("it is empty: leave it out, or give a value")
    return given


def _connection(options: dict[str, Any]) -> Connection:
    file: str | None = options.pop("token_file")
    # The file's name is not shown: somebody may have given the token in its place.
    token = _read(file, "--token-file").strip() if file else os.environ.get(TOKEN)
    if token is None:
        raise ValueError(f"there is no project token: set {TOKEN}, or give --token-file")
    return cast("Connection", {"project-token": token, **options})


def _read(file: str | None, name: str) -> str:
    """The text of a file, else of standard input."""
    if file is None and cast("TextIO | None", sys.stdin) is None:
        raise ValueError(f"{name} is closed: give a FILE")
    try:
        content = Path(file).read_bytes() if file else sys.stdin.buffer.read()
    except (OSError, ValueError) as error:
        # A name with a null character is no name at all.
        reason = error.strerror if isinstance(error, OSError) else "it cannot be a file's name"
        raise ValueError(f"{name} cannot be read: {reason}") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:2]:
        raise ValueError(f"{name} is UTF-16: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{name} is not UTF-8: save it as UTF-8") from None


def _users(file: str | None) -> tuple[list[Input], Callable[[int, str], str]]:
    """The users of a file, else of standard input; and what names a field of each."""
    name = file or "standard input"
    text = _read(file, name)
    if not text.strip():
        raise ValueError(f"{name} is empty: give one object")
    try:
        whole = json_text.parse(text)
    except ValueError:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        users = [_line(f"line {number}", line) for number, line in lines]
        return users, lambda index, path: _place(f"line {lines[index][0]}", path)
    return [_user(name, whole)], lambda _, path: _place(name, path)


def _place(user: str, path: str) -> str:
    return f"{user}: {path}" if path else user


def _line(place: str, line: str) -> Input:
    try:
        given = json_text.parse(line)
    except ValueError as error:
        raise ValueError(f"{place} {error}") from None
    return _user(place, given)


def _user(place: str, given: Any) -> Input:
    kind = json_text.kind(given)
    match kind:
        case "an object":
            return given
        case "an array":
            raise ValueError(f"{place} is {kind}: give one object, or one object a line")
        case _:
            raise ValueError(f"{place} is {kind}: give an object")


def _create(connection: Connection, users: list[Input], place: Callable[[int, str], str]) -> int:
    created, sent = True, 0
    for results in in_parts(connection, users, Problems(place, json_text.kind)):
        sent += len(results)
        created = created and all(map(is_created, results))
        _print(map(_line_of, results), f"{sent} of {len(users)} users had been sent")
    return 0 if created else 1


def _line_of(result: Output | CardError) -> str:
    outcome = {"err": result.to_json()} if isinstance(result, CardError) else {"ok": result}
    return json.dumps(outcome)


def _check(connection: Connection) -> int:
    check = check_connection(connection)
    _print([json.dumps(check)], "Mixpanel had been asked")
    return {"valid": 0, "invalid": 1, "unknown": 3}[check["verdict"]]


def _print(lines: Iterable[str], done: str) -> None:
    """Prints these lines at once: whoever stops the command still has them."""
    try:
        print(*lines, sep="\n", flush=True)
    except OSError as error:
        # Python writes once more what is left of it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(f"standard output cannot be written: {error.strerror}; {done}", NOT_PRINTED)


def _fail(message: str, status: int) -> NoReturn:
    if cast("TextIO | None", sys.stderr) is not None:
        print(f"mixpanel-create-profile: {message}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
