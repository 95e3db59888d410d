"""What the tests measured, for the table of engines."""

_rows = []


def note(row, text):
    _rows.append((row, text))


def show():
    print("\nFigures (times are this run's, on a machine that may be busy):")
    for row, text in _rows:
        print(f"  {row}: {text}")
