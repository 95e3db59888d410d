"""DAGs that run in Airflow."""

import json
import re

import pytest
from conftest import TOKEN

pytestmark = pytest.mark.usefixtures("connection")


def refusal(status, words):
    body = json.dumps({"error": words, "status": 0})
    return {"fault": {"answer": {"status": status, "body": body}}}


def test_a_run_with_the_parameters_of_the_form(airflow, stand_in):
    conf = {
        "profile.profile-id": "by-api",
        "profile.time": "2021-01-20T09:35:08-08:00",
        "properties.name": "Ada Lovelace",
        "properties.custom-properties": {"plan": "pro"},
        "properties.dynamic-fields": [{"name": "seats", "value": {"number": 3}}],
    }
    run = airflow.trigger("create_profile", conf)
    assert run.state == "success"
    assert run.result("create_profile") == {"status-code": 200, "reason": None}
    properties = stand_in.profile("by-api")["$properties"]
    assert properties == {"$name": "Ada Lovelace", "plan": "pro", "seats": 3}


def test_templates_are_rendered_and_the_token_is_in_none(airflow, stand_in):
    run = airflow.trigger("templated", {"id": "by-template"})
    assert run.state == "success"
    [task] = run.tasks()
    assert stand_in.profile("by-template")["$properties"] == {"$name": task["dag_run_id"]}
    assert task["rendered_fields"]["mixpanel_conn_id"] == "mixpanel_default"
    assert "by-template" in json.dumps(task["rendered_fields"]["input"])
    assert TOKEN not in json.dumps(task)


@pytest.mark.parametrize("status", [200, 400, 403])
def test_a_refusal_fails_the_task_with_its_reason_and_is_not_tried_again(airflow, stand_in, status):
    stand_in.set_faults(refusal(status, "as Mixpanel says"))
    before = len(stand_in.requests())
    run = airflow.trigger("templated")
    assert run.state == "failed"
    [task] = run.tasks()
    assert (task["state"], task["try_number"], task["max_tries"]) == ("failed", 1, 2)
    assert len(stand_in.requests()) == before + 1
    shown = {200: 400}.get(status, status)
    log = run.log("create_profile", 1)
    assert f"{shown}: " in log
    assert "as Mixpanel says" in log


def test_an_invalid_field_fails_the_task_and_is_not_tried_again(airflow, stand_in):
    before = len(stand_in.requests())
    run = airflow.trigger("templated", {"id": "undefined"})
    [task] = run.tasks()
    assert (run.state, task["try_number"]) == ("failed", 1)
    assert "profile.profile-id" in run.log("create_profile", 1)
    assert len(stand_in.requests()) == before


@pytest.mark.parametrize("fault", ["close", refusal(503, "busy")["fault"]])
def test_a_lost_connection_or_a_busy_server_is_tried_again(airflow, stand_in, fault):
    stand_in.set_faults({"fault": fault, "times": 1})
    name = "lost" if fault == "close" else "busy"
    run = airflow.trigger("templated", {"id": name})
    [task] = run.tasks()
    assert (run.state, task["try_number"]) == ("success", 2)
    assert stand_in.profile(name) is not None
    said = "AirflowException.*No \\w+: " if fault == "close" else "AirflowException.*503: busy"
    assert re.search(said, run.log("create_profile", 1))


def test_a_time_limit_ends_a_call_to_a_server_that_hangs(airflow, stand_in):
    stand_in.set_faults({"fault": "hang"})
    run = airflow.trigger("limited")
    [task] = run.tasks()
    assert run.state == "failed"
    assert "AirflowTaskTimeout" in run.log("create_profile", 1)
    # The card itself gives up after 30 s without an answer.
    assert task["duration"] < 25


def test_a_mapped_list_has_a_task_for_each_user(airflow, stand_in):
    run = airflow.trigger("mapped")
    tasks = run.tasks()
    assert [(task["state"], task["try_number"]) for task in tasks] == [
        ("success", 1),
        ("failed", 1),
        ("success", 1),
    ]
    assert stand_in.profile("mapped-0") is not None
    assert stand_in.profile("mapped-2") is not None
    assert "profile.profile-id" in run.log("create_profile", 1, map_index=1)


def test_a_whole_list_is_one_task_and_as_few_requests_as_can_be(airflow, stand_in):
    before = len(stand_in.requests())
    run = airflow.trigger("create_profiles", {"many": 2_500})
    assert run.state == "success"
    assert run.result("create_profiles") == 2_500
    assert len(stand_in.requests()) == before + 2
    assert stand_in.profile("user-2499") is not None


def test_a_list_with_a_refused_user_fails_and_stores_the_others(airflow, stand_in):
    users = [
        {"profile": {"profile-id": "listed"}, "properties": {"name": "Ada"}},
        {"profile": {"profile-id": "null"}, "properties": {}},
    ]
    run = airflow.trigger("json_text", {"users": users})
    [task] = run.tasks()
    assert (run.state, task["try_number"]) == ("failed", 1)
    assert stand_in.profile("listed") is not None
    log = run.log("create_profiles", 1)
    assert "inputs[1]: Invalid Input: profile.profile-id" in log
    assert "1 of 2 users failed" in log


def test_the_token_is_in_no_file_of_airflow(airflow):
    """After all that was run before: logs, database, configuration."""
    files = [file for file in airflow.home.rglob("*") if file.is_file()]
    assert any(file.suffix == ".log" for file in files)
    assert any(file.suffix == ".db" for file in files)
    assert [file for file in files if TOKEN.encode() in file.read_bytes()] == []
