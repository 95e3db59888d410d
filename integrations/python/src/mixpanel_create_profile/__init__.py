"""Creates user profiles in Mixpanel, by a card that runs as a WebAssembly component.

>>> output = create_profile(
...     {"project-token": token, "region": "eu"},
...     {"profile": {"profile-id": "user-4711"}, "properties": {"name": "Ada Lovelace"}},
... )
>>> output["status-code"]
200
"""

from . import types
from .card import (
    check_connection,
    create_profile,
    create_profiles,
    create_profiles_in_parts,
)
from .errors import CardError
from .types import *

__all__ = [
    "CardError",
    "check_connection",
    "create_profile",
    "create_profiles",
    "create_profiles_in_parts",
]
__all__ += types.__all__
