"""Creates one profile with the card, in wasmtime's Python package."""

import os

from wasmtime import Engine, Store, WasiConfig
from wasmtime.component import Component, Linker, Record

INTERFACE = "mixpanel:cards/profiles@0.1.0"


def record(**fields):
    """A record whose fields bear WIT names."""
    made = Record()
    for name, value in fields.items():
        setattr(made, name.replace("_", "-"), value)
    return made


class Card:
    """Compiled and linked once; each call gets a store of its own."""

    def __init__(self, path):
        self.engine = Engine()
        self.component = Component.from_file(self.engine, path)
        self.linker = Linker(self.engine)
        self.linker.add_wasip2()
        self.linker.add_wasi_http()

    def create_profile(self, connection, input):
        """An output record, or an error variant."""
        store = Store(self.engine)
        store.set_wasi(WasiConfig())
        store.set_wasi_http()
        instance = self.linker.instantiate(store, self.component)
        interface = instance.get_export_index(store, INTERFACE)
        function = instance.get_export_index(store, "create-profile", interface)
        return instance.get_func(store, function)(store, connection, input)


if __name__ == "__main__":
    token, base_url = os.environ["MIXPANEL_PROJECT_TOKEN"], os.environ.get("MIXPANEL_BASE_URL")
    connection = record(project_token=token, region="eu", base_url=base_url, max_retries=None)
    names = ["avatar", "name", "first_name", "last_name", "created", "email", "phone"]
    properties = dict.fromkeys([*names, "custom_properties"])
    properties |= {"name": "Ada Lovelace", "email": "ada@example.com", "dynamic_fields": []}
    profile = record(profile_id="user-4711", ip_address=None, time=None)
    input = record(profile=profile, properties=record(**properties))
    result = Card("dist/mixpanel-create-profile.wasm").create_profile(connection, input)
    if isinstance(result, Record):
        print(getattr(result, "status-code"), result.reason or "")
    else:
        print(result.tag, result.payload)
