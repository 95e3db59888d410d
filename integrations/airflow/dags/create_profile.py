"""Creates one user's profile in Mixpanel. The form that triggers a run has every field of the card."""

from datetime import timedelta

from airflow.sdk import DAG
from mixpanel_create_profile.airflow.form import form_input, form_params
from mixpanel_create_profile.airflow.operators import MixpanelCreateProfileOperator

with DAG("create_profile", schedule=None, params=form_params(), tags=["mixpanel"]):
    MixpanelCreateProfileOperator(
        task_id="create_profile",
        input=form_input,
        retries=3,
        retry_delay=timedelta(seconds=10),
    )
