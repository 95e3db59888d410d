"""The component's types, each read once.

wasmtime's package asks the component for the type of each field of each value that it converts, which
takes more than half of the time of a list. These are its own types, and remember what they consist of.
"""

from __future__ import annotations

from wasmtime.component import (
    FuncType,
    ListType,
    OptionType,
    RecordType,
    ResultType,
    ValType,
    VariantType,
)


def read_once(type: ValType) -> ValType:
    """The same type, with all that it consists of."""
    match type:
        case RecordType():
            return _Record(type)
        case VariantType():
            return _Variant(type)
        case ListType():
            return _List(type)
        case OptionType():
            return _Option(type)
        case ResultType():
            return _Result(type)
        case _:
            return type


class FunctionType(FuncType):
    """The type of a function."""

    def __init__(self, type: FuncType) -> None:
        self._params = [(name, read_once(param)) for name, param in type.params]
        self._result = _if_any(type.result)

    @property
    def params(self) -> list[tuple[str, ValType]]:
        return self._params

    @property
    def result(self) -> ValType | None:
        return self._result


class _Record(RecordType):
    def __init__(self, type: RecordType) -> None:
        self._fields = [(name, read_once(field)) for name, field in type.fields]

    @property
    def fields(self) -> list[tuple[str, ValType]]:
        return self._fields


class _Variant(VariantType):
    def __init__(self, type: VariantType) -> None:
        self._payloads = [(name, _if_any(payload)) for name, payload in type.cases]

    @property
    def cases(self) -> list[tuple[str, ValType | None]]:
        return self._payloads


class _List(ListType):
    def __init__(self, type: ListType) -> None:
        self._element = read_once(type.element)

    @property
    def element(self) -> ValType:
        return self._element


class _Option(OptionType):
    def __init__(self, type: OptionType) -> None:
        self._payload = read_once(type.payload)

    @property
    def payload(self) -> ValType:
        return self._payload


class _Result(ResultType):
    def __init__(self, type: ResultType) -> None:
        self._of_ok, self._of_err = _if_any(type.ok), _if_any(type.err)

    @property
    def ok(self) -> ValType | None:
        return self._of_ok

    @property
    def err(self) -> ValType | None:
        return self._of_err


def _if_any(type: ValType | None) -> ValType | None:
    return None if type is None else read_once(type)
