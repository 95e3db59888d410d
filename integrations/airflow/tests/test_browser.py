"""Airflow's own pages, in Chromium: the connection's form, the form of a run, and its result."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from conftest import TOKEN
from playwright.sync_api import expect, sync_playwright

SCREENSHOTS = os.environ.get("SCREENSHOTS")
TIMEOUT_MILLIS = 120_000


@pytest.fixture(scope="module")
def chromium():
    names = [os.environ.get("CHROMIUM") or "chromium", "chromium-browser", "google-chrome"]
    [program, *_] = filter(None, map(shutil.which, names))
    with sync_playwright() as playwright:
        # Chromium's own sandbox needs rights that containers do not give.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, airflow):
    page = chromium.new_page(
        base_url=airflow.origin, viewport={"width": 1100, "height": 1000}, color_scheme="light"
    )
    page.set_default_timeout(TIMEOUT_MILLIS)
    expect.set_options(timeout=TIMEOUT_MILLIS)
    yield page
    page.close()


def picture(page, name, *, of=None, down_to=None):
    """For the README, where it is asked for: of an element, or of the page down to one."""
    if SCREENSHOTS:
        options = {"path": Path(SCREENSHOTS) / f"{name}.png", "animations": "disabled"}
        if down_to:
            box = down_to.bounding_box()
            height = box["y"] + box["height"] + 4
            options["clip"] = {"x": 0, "y": 0, "width": 1100, "height": height}
        (of or page).screenshot(**options)


def open_section(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def write_json(editor, value):
    """Writes into an editor of code. Brackets that it has closed by itself are removed."""
    editor.click()
    keyboard = editor.page.keyboard
    keyboard.press("ControlOrMeta+A")
    keyboard.insert_text(json.dumps(value))
    keyboard.press("ControlOrMeta+Shift+End")
    keyboard.press("Delete")


def test_a_connection_is_made_with_its_form(page, airflow, stand_in):
    page.goto("/connections")
    page.get_by_role("button", name="Add Connection").click()
    page.locator("input[name=connection_id]").fill("by_form")
    page.get_by_role("combobox").last.fill("Mixpanel")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Project Token")).to_be_visible()
    dialog.locator("input[name=password]").fill(TOKEN)
    open_section(page, "Extra Fields")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.get_by_role("combobox").last.fill("eu")
    page.keyboard.press("Enter")
    dialog.locator('input[name="element_base-url"]').fill(stand_in.origin)
    dialog.get_by_role("spinbutton").fill("0")
    expect(dialog.get_by_text("Data sent to another location is lost.")).to_be_visible()
    picture(page, "connection", of=dialog)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    kept = airflow.get("/api/v2/connections/by_form")
    assert (kept["conn_type"], kept["password"]) == ("mixpanel", "***")
    assert json.loads(kept["extra"]) == {
        "region": "eu",
        "base-url": stand_in.origin,
        "max-retries": 0,
    }
    run = airflow.trigger("templated", {"id": "form-made", "conn": "by_form"})
    assert run.state == "success"
    assert stand_in.profile("form-made") is not None


@pytest.mark.usefixtures("connection")
def test_a_run_is_triggered_with_the_form_of_the_card(page, airflow, stand_in):
    page.goto("/dags/create_profile")
    page.get_by_role("button", name="Trigger").first.click()
    dialog = page.get_by_role("dialog")
    submit = page.get_by_test_id("trigger-dag-submit")
    expect(submit).to_be_disabled()
    open_section(page, "Profile")
    expect(dialog.get_by_text("User profile's unique identifier")).to_be_visible()
    dialog.locator('[id="element_profile.profile-id"]').fill("by-form")
    dialog.locator('[id="element_profile.ip-address"]').fill("203.0.113.7")
    dialog.get_by_text("Select date and time").first.click()
    page.get_by_placeholder("YYYY/MM/DD").fill("2026/11/24")
    page.get_by_placeholder("HH:mm").fill("09:00")
    page.keyboard.press("Escape")
    open_section(page, "Properties")
    for name, text in [("first-name", "Ada"), ("last-name", "Lovelace"), ("email", "ada@example.com")]:
        dialog.locator(f'[id="element_properties.{name}"]').fill(text)
    editors = dialog.locator(".monaco-editor[role=code]:visible")
    write_json(editors.nth(0), {"plan": "free"})
    write_json(editors.nth(1), [{"name": "seats", "value": {"number": 3}}])
    expect(submit).to_be_enabled()
    page.set_viewport_size({"width": 1100, "height": 2000})
    picture(page, "trigger-form", of=dialog)
    submit.click()
    expect(dialog).to_be_hidden()
    [run] = airflow.get("/api/v2/dags/create_profile/dagRuns?order_by=-run_after&limit=1")["dag_runs"]
    assert airflow.ended("create_profile", run["dag_run_id"]).state == "success"
    kept = stand_in.profile("by-form")
    assert kept["$properties"] == {
        "$first_name": "Ada",
        "$last_name": "Lovelace",
        "$email": "ada@example.com",
        "plan": "free",
        "seats": 3,
    }
    [update] = json.loads(stand_in.requests()[-1]["body"])
    assert (update["$ip"], update["$time"]) == ("203.0.113.7", 1795510800)
    page.set_viewport_size({"width": 1100, "height": 640})
    page.goto(f"/dags/create_profile/runs/{run['dag_run_id']}/tasks/create_profile/xcom")
    page.get_by_role("button", name="Expand all extra JSON").click()
    expect(page.locator(".view-lines")).to_contain_text("status-code")
    picture(page, "result")


@pytest.mark.usefixtures("connection")
def test_the_page_of_a_refused_profile_shows_why(page, airflow, stand_in):
    body = json.dumps({"error": "$set_once.$email, must be a string", "status": 0})
    stand_in.set_faults({"fault": {"answer": {"status": 400, "body": body}}})
    run = airflow.trigger("create_profile", {"profile.profile-id": "refused"})
    assert run.state == "failed"
    page.goto(f"{run.path.replace('/api/v2', '').replace('dagRuns', 'runs')}/tasks/create_profile")
    reason = page.get_by_text(re.compile(r"400: \$set_once.\$email, must be a string")).first
    expect(reason).to_be_visible()
    assert TOKEN not in page.content()
    # What follows are lines of code.
    picture(page, "refused", down_to=reason)
