"""Draws the chart of the README, light and dark, from `figures.csv` beside this file: what `make
bench-peers` and Node-RED's `npm run figures` printed last.

    python scripts/chart/chart.py docs/images
"""

import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.transforms import blended_transform_factory  # noqa: E402

HERE = Path(__file__).parent
THEMES = {
    "light": {"text": "#1f2328", "card": "#4f44e0", "peer": "#afb8c1"},
    "dark": {"text": "#e6edf3", "card": "#8b82ff", "peer": "#545d68"},
}
# The same figures make the same bytes, with text that a reader can select.
matplotlib.rcParams.update({"svg.hashsalt": "chart", "svg.fonttype": "none", "font.size": 10})


def read():
    """Groups in the order of the file: title → [(name, value, whether it is the card)]."""
    groups = {}
    with (HERE / "figures.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            bar = row["name"], float(row["per second"]), row["card"] == "yes"
            groups.setdefault(row["group"], []).append(bar)
    return groups


def draw(groups, colours, file):
    heights = [len(bars) for bars in groups.values()]
    figure, axes = plt.subplots(
        len(groups), figsize=(7.6, 0.34 * sum(heights) + 0.55 * len(groups)), height_ratios=heights,
        squeeze=False, layout="constrained",
    )
    for axis, (title, bars) in zip(axes.flat, groups.items()):
        names, values, card = zip(*bars)
        drawn = axis.barh(
            names, values, height=0.66,
            color=[colours["card" if each else "peer"] for each in card],
        )
        labels = [f"{value:,.0f}" for value in values]
        axis.bar_label(drawn, labels, padding=4, color=colours["text"])
        # From the left edge of the picture, above the names too.
        axis.set_title(" ", fontsize=11)
        across = blended_transform_factory(figure.transFigure, axis.transAxes)
        axis.text(
            0.01, 1.06, title, transform=across, color=colours["text"], fontsize=11, fontweight="bold"
        )
        axis.invert_yaxis()
        axis.margins(x=0.14)
        axis.xaxis.set_visible(False)
        axis.tick_params(left=False, colors=colours["text"])
        axis.spines[:].set_visible(False)
    figure.savefig(file, transparent=True, metadata={"Date": None, "Title": "Profiles a second"})
    plt.close(figure)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for theme, colours in THEMES.items():
        draw(read(), colours, folder / f"chart-{theme}.svg")
        print(folder / f"chart-{theme}.svg")
