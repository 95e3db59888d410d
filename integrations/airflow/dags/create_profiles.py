"""Creates the profiles of a list of users in Mixpanel, in as few requests as it takes."""

from datetime import timedelta

from airflow.sdk import DAG, Param, task
from mixpanel_create_profile import Input
from mixpanel_create_profile.airflow.operators import MixpanelCreateProfileOperator


@task
def users(many: int) -> list[Input]:
    """In a DAG of yours, the rows of a query."""
    return [
        {"profile": {"profile-id": f"user-{number}"}, "properties": {"name": f"Ada the {number}th"}}
        for number in range(many)
    ]


with DAG("create_profiles", schedule=None, params={"many": Param(100, type="integer")}) as dag:
    MixpanelCreateProfileOperator(
        task_id="create_profiles",
        inputs=users(dag.param("many")),
        retries=3,
        retry_delay=timedelta(seconds=10),
    )
