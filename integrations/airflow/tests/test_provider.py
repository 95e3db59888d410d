"""The provider's parts, without Airflow's processes."""

import json
import math
import socket
import urllib.parse
from importlib.resources import files

import jsonschema
import pytest
from airflow.sdk import DAG, Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime
from conftest import TOKEN
from mixpanel_create_profile.airflow.form import form_input, form_params
from mixpanel_create_profile.airflow.hooks import MixpanelHook
from mixpanel_create_profile.airflow.operators import MixpanelCreateProfileOperator
from mixpanel_create_profile.airflow.provider import provider_info
from mixpanel_create_profile.schema import DEFINITIONS

USER = {"profile": {"profile-id": "user-1"}, "properties": {"name": "Ada"}}
OK = {"status-code": 200, "reason": None}


@pytest.fixture
def connect(monkeypatch, stand_in):
    """Sets the connection's fields."""

    def connect(**fields):
        extra = {"region": "eu", "base-url": stand_in.origin, "max-retries": 0, **fields}
        kept = {"conn_type": "mixpanel", "password": TOKEN, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_MIXPANEL_DEFAULT", json.dumps(kept))

    connect()
    return connect


# Python's own reader would make another number of it.
NUMBER = (
    '{"profile": {"profile-id": "a"}, "properties": {"dynamic-fields": '
    '[{"name": "n", "value": {"number": 738529527931269425}}]}}'
)


def execute(**options):
    return MixpanelCreateProfileOperator(task_id="create_profile", **options).execute({})


@pytest.mark.parametrize("name", ["provider_info.schema.json", "provider.yaml.schema.json"])
def test_the_provider_is_described_as_airflow_wants_it(name):
    schema = json.loads(files("airflow").joinpath(name).read_text())
    types = schema["properties"]["connection-types"]
    jsonschema.validate(provider_info()["connection-types"], types)
    if name == "provider_info.schema.json":
        jsonschema.validate(provider_info(), schema)


def test_airflow_finds_the_connection_type():
    hook = ProvidersManagerTaskRuntime().hooks["mixpanel"]
    assert hook is not None
    assert hook.hook_class_name.endswith(".MixpanelHook")
    fields = provider_info()["connection-types"][0]["conn-fields"]
    assert {"project-token", *fields} == DEFINITIONS["connection"]["properties"].keys()


def test_the_form_of_a_connection_allows_what_the_card_does():
    """As the field's help says; the type allows more, which the card refuses."""
    field = provider_info()["connection-types"][0]["conn-fields"]["max-retries"]
    assert "0 to 10" in field["description"]
    assert field["schema"] == {"type": ["integer", "null"], "minimum": 0, "maximum": 10}


def test_the_form_has_every_field_with_its_title_and_help():
    params = ParamsDict(form_params())
    for part in ("profile", "properties"):
        for name, field in DEFINITIONS[part]["properties"].items():
            param = params.get_param(f"{part}.{name}")
            assert param.schema["title"] == field["title"]
            assert param.schema.get("description_md") == field.get("description")
    assert len(params) == sum(len(DEFINITIONS[part]["properties"]) for part in ("profile", "properties"))


def test_the_form_makes_an_input(stand_in, connect):
    params = ParamsDict(form_params())
    params["profile.profile-id"] = "by-params"
    assert execute(input=form_input({"params": params}, None)) == OK
    assert stand_in.profile("by-params") is not None


def test_a_form_may_have_more_fields():
    with DAG("more", params={**form_params(), "mine": Param("a", type="string")}) as dag:
        pass
    assert dag.params.keys() == {*form_params(), "mine"}


def test_fields_that_are_left_empty_are_left_out(connect):
    connect(**{"base-url": "", "max-retries": None, "project-token": ""})
    assert MixpanelHook().get_conn() == {"project-token": TOKEN, "region": "eu"}


@pytest.mark.parametrize("given", ["0", "3", "10"])
def test_a_number_may_be_a_text_as_it_is_in_a_uri(stand_in, connect, monkeypatch, given):
    connect(**{"max-retries": given})
    assert MixpanelHook().get_conn()["max-retries"] == int(given)
    extras = {"region": "eu", "base-url": stand_in.origin, "max-retries": given}
    uri = f"mixpanel://:{TOKEN}@/?{urllib.parse.urlencode(extras)}"
    monkeypatch.setenv("AIRFLOW_CONN_MIXPANEL_DEFAULT", uri)
    assert MixpanelHook().get_conn() == {"project-token": TOKEN, **extras, "max-retries": int(given)}
    assert execute(input=USER) == OK


@pytest.mark.parametrize("extra", [[1], "a text", 1])
def test_extras_that_are_no_object_are_refused(connect, monkeypatch, extra):
    kept = {"conn_type": "mixpanel", "password": TOKEN, "extra": json.dumps(extra)}
    monkeypatch.setenv("AIRFLOW_CONN_MIXPANEL_DEFAULT", json.dumps(kept))
    with pytest.raises(AirflowFailException, match="^the connection's extras must be a JSON object$"):
        execute(input=USER)
    assert MixpanelHook().test_connection()[0] is False


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 413, 501, 505])
def test_a_refusal_is_not_tried_again(stand_in, connect, status):
    body = json.dumps({"error": "as Mixpanel says", "status": 0})
    stand_in.set_faults({"fault": {"answer": {"status": status, "body": body}}})
    with pytest.raises(AirflowFailException, match="^[345]..: .*as Mixpanel says"):
        execute(input=USER)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_busy_server_is_tried_again(stand_in, connect, status):
    body = json.dumps({"error": "as Mixpanel says", "status": 0})
    stand_in.set_faults({"fault": {"answer": {"status": status, "body": body}}})
    with pytest.raises(AirflowException, match=f"^{status}: .*as Mixpanel says") as raised:
        execute(input=USER)
    assert not isinstance(raised.value, AirflowFailException)


def test_a_closed_port_is_tried_again(connect):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        connect(**{"base-url": f"http://127.0.0.1:{closed.getsockname()[1]}"})
        with pytest.raises(AirflowException, match="^No .*: .*refused") as raised:
            execute(input=USER)
        assert not isinstance(raised.value, AirflowFailException)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "give either input.*: both are None"),
        ({"input": None}, "give either input.*: both are None"),
        ({"inputs": None}, "give either input.*: both are None, as of a task that returned nothing"),
        ({"input": USER, "inputs": [USER]}, "give either input.*: both are given"),
        ({"input": {}}, "profile is required"),
        ({"input": []}, "input must be an object"),
        ({"input": "{"}, "the input is a string that is not JSON"),
        ({"input": "[" * 100_000}, "the input is a string that is not JSON"),
        ({"input": "4711"}, "input must be an object"),
        ({"input": '{"profile": {}, "profile": {}}'}, "^profile is there twice: give it once"),
        ({"inputs": '[{"profile": {"profile-id": "a", "profile-id": "b"}}]'}, "-id is there twice"),
        ({"input": NUMBER}, "value.number cannot be carried exactly as a number: give it as a text$"),
        ({"inputs": USER}, "inputs must be a list"),
        ({"inputs": [USER, {"profile": {"profile-id": math.nan}}]}, r"inputs\[1\].profile.profile-id"),
        ({"input": {**USER, "profile": {"profile-id": "null"}}}, "profile.profile-id"),
    ],
)
def test_bad_input_is_named_and_not_tried_again(stand_in, connect, options, message):
    before = len(stand_in.requests())
    with pytest.raises(AirflowFailException, match=message) as raised:
        execute(**options)
    assert raised.value.__cause__ is None
    assert len(stand_in.requests()) == before


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"region": None}, "connection.region is required"),
        ({"region": "us"}, "connection.region must be one of"),
        ({"max-retries": "3.0"}, "connection.max-retries must be an integer"),
        ({"max-retries": "-1"}, "connection.max-retries must be an integer"),
        ({"max-retries": "9" * 5_000}, "connection.max-retries must be an integer"),
        ({"max-retries": "11"}, "connection.max-retries"),
        ({"project-token": "another"}, "connection.project-token is among the extras: give it a"),
        ({"max-retries": 11}, "connection.max-retries"),
        ({"api-secret": "x"}, "connection has no field 'api-secret'"),
    ],
)
def test_a_bad_connection_is_named_and_not_tried_again(connect, fields, message):
    connect(**fields)
    with pytest.raises(AirflowFailException, match=message) as raised:
        execute(input=USER)
    assert TOKEN not in str(raised.value)
    assert "another" not in str(raised.value)


def test_a_list(stand_in, connect):
    users = [{"profile": {"profile-id": f"listed-{n}"}, "properties": {}} for n in range(3)]
    assert execute(inputs=users) == 3
    assert execute(inputs=json.dumps(users)) == 3
    assert execute(inputs=[]) == 0
    assert stand_in.profile("listed-2") is not None


def test_a_list_is_tried_again_where_that_can_help(stand_in, connect):
    refused = {"profile": {"profile-id": "null"}, "properties": {}}
    with pytest.raises(AirflowFailException, match="^1 of 2 users failed; the first: Invalid Input"):
        execute(inputs=[USER, refused])
    stand_in.set_faults({"fault": "close"})
    with pytest.raises(AirflowException, match="^2 of 2 users failed") as raised:
        execute(inputs=[USER, refused])
    assert not isinstance(raised.value, AirflowFailException)


def test_users_that_fail_for_one_reason_are_one_line_of_the_log(stand_in, connect, capsys):
    users = [{"profile": {"profile-id": f"user-{n}"}, "properties": {}} for n in range(2_010)]
    users[3] = users[7] = {"profile": {"profile-id": "null"}, "properties": {}}
    stand_in.set_faults({"fault": "close"})
    with pytest.raises(AirflowException, match="^2010 of 2010 users failed; the first: No "):
        execute(inputs=users)
    [lost, invalid] = [line for line in capsys.readouterr().out.splitlines() if "[error" in line]
    assert "inputs[0], inputs[1], inputs[2], inputs[4], inputs[5] and 2003 more: No " in lost
    assert "inputs[3], inputs[7]: Invalid Input: profile.profile-id" in invalid
