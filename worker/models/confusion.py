"""Which labels a model takes for which, as counts and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Pixels: one cell, and how much a letter of a label takes.
_CELL = 22
_LETTER = 6.5
_LONGEST_LABEL = 40
_MARGIN = 24

_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"

_RIGHT, _WRONG = "#2a78c8", "#c8442a"
# Counts stand white on cells that are darker than this.
_DARK = 0.55
_STYLE = "text{font:11px sans-serif;fill:#222}.n{text-anchor:middle}.w{fill:#fff}"


@dataclass(frozen=True, slots=True)
class Confusion:
    """Held-out faces by what they show and what the model called them.

    Attributes:
        labels: names.
        counts: (true, given) places among the labels -> faces, where there are any.
    """

    labels: tuple[str, ...]
    counts: Mapping[tuple[int, int], int]

    @classmethod
    def of(cls, holdout: Mapping[str, Any]) -> Self | None:
        """Read the confusion of a manifest's hold-out.

        Args:
            holdout: perhaps with `confusion`: `labels` and triples (true, given, faces).

        Returns:
            The confusion, or None where there is none.
        """
        found = holdout.get("confusion")
        if not found:
            return None
        counts = {(int(true), int(given)): int(n) for true, given, n in found["counts"] if n}
        return cls(tuple(str(label) for label in found["labels"]), counts)

    def mistakes(self) -> list[tuple[str, str, int]]:
        """(true label, given label, faces) of every mistake, the most frequent first."""
        wrong = [(n, true, given) for (true, given), n in self.counts.items() if true != given]
        ordered = sorted(wrong, key=lambda mistake: (-mistake[0], mistake[1:]))
        return [(self.labels[true], self.labels[given], n) for n, true, given in ordered]

    def svg(self) -> str:
        """Draw a row for each true label and a column for each given one.

        Returns:
            A picture that needs nothing else; a cell is the darker, the larger its share of its
            row, blue where the model is right and red where it is wrong.
        """
        names = [_printable(label) for label in self.labels]
        edge = _MARGIN + round(max((len(name) for name in names), default=0) * _LETTER) + 8
        side = edge + _CELL * len(names) + _MARGIN
        total = sum(self.counts.values())
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}">',
            f"<style>{_STYLE}</style>",
            f'<rect width="{side}" height="{side}" fill="#fff"/>',
            f'<text x="8" y="16">{total} held-out faces; a row is what they show</text>',
            *_names(names, edge),
            *self._cells(names, edge),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _cells(self, names: list[str], edge: int) -> Iterator[str]:
        totals = [0] * len(names)
        for (true, _), n in self.counts.items():
            totals[true] += n
        for (true, given), n in sorted(self.counts.items()):
            share = n / totals[true]
            colour = _RIGHT if true == given else _WRONG
            x, y = edge + _CELL * given, edge + _CELL * true
            shade = "n w" if share > _DARK else "n"
            title = f"{names[true]} called {names[given]}: {n}"
            yield (
                f'<g><title>{title}</title><rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}"'
                f' fill="{colour}" fill-opacity="{0.1 + 0.9 * share:.2f}"/>'
                f'<text class="{shade}" x="{x + _CELL / 2:g}" y="{y + 15}">{n}</text></g>'
            )


def _names(names: list[str], edge: int) -> Iterator[str]:
    side = _CELL * len(names)
    for place, name in enumerate(names):
        start = edge + _CELL * place
        middle = start + 15
        yield f'<text x="{edge - 6}" y="{middle}" text-anchor="end">{name}</text>'
        yield f'<text transform="translate({middle},{edge - 6}) rotate(-90)">{name}</text>'
        # One line below each name in both directions makes the grid.
        yield f'<path d="M{edge} {start}h{side}M{start} {edge}v{side}" stroke="#ddd"/>'


def _printable(label: str) -> str:
    """A label as XML takes it: no control characters, no lone surrogates, of bounded length."""
    clean = "".join(letter if letter.isprintable() else _UNPRINTABLE for letter in label)
    short = clean if len(clean) <= _LONGEST_LABEL else f"{clean[: _LONGEST_LABEL - 1]}…"
    return escape(short)
