"""mixpanel-python against the bench's server: `mixpanel_python.py ORIGIN CALLS`.

Reads examples/new-profile.json's profile as the library has it, prints seconds a profile.
"""

import sys
import time

from mixpanel import BufferedConsumer, Mixpanel

TOKEN = "6f1a2b3c4d5e6f708192a3b4c5d6e7f8"
PROPERTIES = {
    "$first_name": "Ada",
    "$last_name": "Lovelace",
    "$email": "ada@example.com",
    "$created": "2026-11-24T09:00:00",
    "plan": "free",
    "seats": 3,
    "trial": True,
}
META = {"$ip": "203.0.113.7", "$time": 1795510800}


def main(origin, calls):
    consumer = BufferedConsumer(people_url=origin + "/engage")
    mixpanel = Mixpanel(TOKEN, consumer=consumer)

    def create(numbers):
        for number in numbers:
            mixpanel.people_set_once(f"user-{number}", PROPERTIES, meta=META)
        consumer.flush()

    create(range(100))
    start = time.perf_counter()
    create(range(calls))
    print((time.perf_counter() - start) / calls)


main(sys.argv[1], int(sys.argv[2]))
