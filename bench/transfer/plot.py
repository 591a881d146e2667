"""A bar chart of medians as SVG, without a library."""
import html, statistics

COLOURS = {"gangplank": "#0b6e4f", "skopeo": "#9aa0a6", "crane": "#7a8b99", "regctl": "#b0a18f", "oras": "#c2b280"}


def plot(results, cases, path):
    rows, y = [], 30
    for key, tools in results.items():
        case, kind = key.split("/")
        rows.append(f'<text x="8" y="{y}" font-weight="bold">{html.escape(cases[case][0])} ({kind})</text>')
        walls = {tool: statistics.median(run["wall"] for run in runs) for tool, runs in tools.items()}
        most = max(walls.values())
        y += 8
        for tool, wall in walls.items():
            width = 420 * wall / most
            wrong = "" if all(run["right"] for run in tools[tool]) else ", failed"
            rows.append(f'<text x="8" y="{y + 12}">{tool}</text><rect x="90" y="{y}" width="{width:.0f}" height="15" '
                        f'fill="{COLOURS.get(tool, "#888")}"/><text x="{96 + width:.0f}" y="{y + 12}">{wall:.2f} s{wrong}</text>')
            y += 19
        y += 24
    with open(path, "w") as out:
        out.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{y}" font-family="sans-serif" font-size="12">'
                  f'<rect width="100%" height="100%" fill="white"/>{"".join(rows)}</svg>\n')
