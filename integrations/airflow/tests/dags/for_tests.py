"""What the tests run beside the examples: templates, mapped users, and short waits between tries."""

from datetime import timedelta

from airflow.sdk import DAG
from mixpanel_create_profile.airflow.operators import MixpanelCreateProfileOperator

RETRIED = {"retries": 2, "retry_delay": timedelta(seconds=1)}

with DAG("templated", schedule=None, params={"id": "user-1", "conn": "mixpanel_default"}):
    MixpanelCreateProfileOperator(
        task_id="create_profile",
        mixpanel_conn_id="{{ params.conn }}",
        input={"profile": {"profile-id": "{{ params.id }}"}, "properties": {"name": "{{ run_id }}"}},
        **RETRIED,
    )

with DAG("mapped", schedule=None, params={}):
    MixpanelCreateProfileOperator.partial(task_id="create_profile", **RETRIED).expand(
        input=[
            {"profile": {"profile-id": "mapped-0"}, "properties": {"name": "Ada"}},
            {"profile": {"profile-id": "null"}, "properties": {"name": "Bob"}},
            {"profile": {"profile-id": "mapped-2"}, "properties": {"name": "Cleo"}},
        ]
    )

with DAG("json_text", schedule=None, params={"users": []}):
    MixpanelCreateProfileOperator(
        task_id="create_profiles", inputs="{{ params.users | tojson }}", **RETRIED
    )

with DAG("limited", schedule=None):
    MixpanelCreateProfileOperator(
        task_id="create_profile",
        input={"profile": {"profile-id": "limited"}, "properties": {}},
        execution_timeout=timedelta(seconds=2),
    )
