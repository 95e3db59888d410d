"""The card in Airflow: a connection type, a hook, an operator, and a form to trigger a run with."""
