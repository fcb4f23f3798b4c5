"""The front door: a :class:`Reader` turns texts into :class:`~nlu.reading.Reading`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from nlu.catalogue import Catalogue, load_catalogue
from nlu.e5 import E5Small
from nlu.encoder import Encoder, Vectors, excerpt
from nlu.errors import ModelIncompatible, ModelMissing
from nlu.evidence import evidence, warm_up
from nlu.heads import Floats
from nlu.moments import find_time
from nlu.ownership import check_places
from nlu.places import Gazetteer, load_places
from nlu.reading import Choice, Kind, Reading, Span, UrgencyReading
from nlu.store import Model, current, load
from nlu.text import find_phone, sound
from nlu.urgency import Alarm, Cues, judge, load_cues

NONE = "(none)"  # the label of texts that are no complaint; never shown
_BATCH = 64
_LONGEST = 4000  # characters read of one text; what follows changes no decision and costs time


@dataclass(frozen=True)
class City:
    """The written data a reader works with."""

    catalogue: Catalogue
    places: Gazetteer
    cues: Cues

    @classmethod
    def load(cls, folder: Path) -> City:
        """``folder`` is ``training_data/``. Raises :class:`DataMalformed` naming file and line."""
        catalogue, places = load_catalogue(folder / "catalogue"), load_places(folder / "places")
        check_places(catalogue.rules, places)
        return cls(catalogue, places, load_cues(folder / "catalogue" / "hazard_cues.yml", catalogue))


class Reader:
    """Reads texts with one model. ``city`` is None for a model trained on labels of its own."""

    def __init__(self, model: Model, encoder: Encoder, city: City) -> None:
        if model.card["encoder"] != encoder.name:
            raise ModelIncompatible(
                f"model {model.version} was trained on vectors of {model.card['encoder']}, here is {encoder.name}; run `minyi train`"
            )
        self.model, self.encoder, self.city = model, encoder, city
        self.own_labels = model.card.get("catalogue") == "none"
        if not self.own_labels:
            unknown = [d for d in model.heads["department"].labels if d != NONE and d not in city.catalogue.departments]
            unknown += [i for i in self._labels("item") if i != NONE and i not in city.catalogue.items]
            if unknown:
                raise ModelIncompatible(
                    f"model {model.version} knows codes the catalogue does not: {', '.join(unknown[:5])}; run `minyi train`"
                )
        promises = model.card["promises"]
        self._auto: float = promises["auto_threshold"]
        self._conformal: float = promises["conformal_threshold"]
        fitted = promises.get("alarm")
        self._alarm = Alarm(tuple(fitted["weights"]), fitted["bias"], fitted["threshold"]) if fitted else Alarm()

    @classmethod
    def open(cls, models: Path, data: Path, version: str | None = None, encoder: Encoder | None = None) -> Reader:
        """The version in service under ``models`` (or ``version``), with the written data under ``data``."""
        name = version or current(models)
        if name is None:
            raise ModelMissing(f"{models}: no model in service; make one with `minyi train`")
        return cls(load(models / name), encoder or E5Small(), City.load(data))

    def warm_up(self) -> None:
        """Loads what the first request would otherwise wait for."""
        warm_up()
        self.read("预热")

    def _labels(self, head: str) -> tuple[str, ...]:
        return self.model.heads[head].labels if head in self.model.heads else ()

    def read(self, text: str) -> Reading:
        """One text. Never raises for a string: an empty or meaningless one comes back as ``other`` for review."""
        return next(self.read_many([text]))

    def read_with_vector(self, text: str) -> tuple[Reading, Vectors]:
        """As :meth:`read`, with the sentence vector (dimensions,) for those who compare texts."""
        text = sound(text)
        vectors = self._encode([text])
        return next(self._read_batch([text], vectors)), vectors[0]

    def read_many(self, texts: Iterable[str]) -> Iterator[Reading]:
        """Readings in the order of ``texts``, a batch at a time."""
        batch: list[str] = []
        for text in texts:
            batch.append(sound(text))
            if len(batch) == _BATCH:
                yield from self._read_batch(batch, self._encode(batch))
                batch = []
        if batch:
            yield from self._read_batch(batch, self._encode(batch))

    def _encode(self, texts: Sequence[str]) -> Vectors:
        return self.encoder.encode([excerpt(text) for text in texts])

    def probabilities(self, texts: Sequence[str], vectors: Vectors | None = None) -> dict[str, Floats]:
        """Per head (texts, labels); labels are ``model.heads[name].labels``. Department and item agree with each other."""
        cut = [text[:_LONGEST] for text in texts]
        return self._chances(self.model.ngrams.transform(cut), self._encode(cut) if vectors is None else vectors)

    def _chances(self, grams: csr_matrix, vectors: Vectors) -> dict[str, Floats]:
        nearness = self.model.anchors.nearness(vectors)
        chances = {name: head.probabilities(grams, nearness) for name, head in self.model.heads.items()}
        if self.model.join:
            chances["department"], chances["item"] = self.model.join(chances["department"], chances["item"])
        return chances

    def _read_batch(self, texts: Sequence[str], vectors: Vectors) -> Iterator[Reading]:
        grams = self.model.ngrams.transform([text[:_LONGEST] for text in texts])
        chances = self._chances(grams, vectors)
        for row, text in enumerate(texts):
            yield self._assemble(text, grams[row], {name: p[row] for name, p in chances.items()})

    def _assemble(self, text: str, grams: csr_matrix, p: dict[str, Floats]) -> Reading:
        if not any(c.isalnum() for c in text):
            calm = UrgencyReading("normal", None, None, (), 1.0)
            return Reading(
                text, Kind("other", 1.0), (), (), "review", (), calm, None, None, None, (), self.model.version
            )
        cut = text[:_LONGEST]
        names = self.city.catalogue.department_name, self.city.catalogue.item_name
        departments = self._best("department", p, names[0])
        items = self._owned_first(self._best("item", p, names[1], most=8), departments)[:3]
        labels = self._labels("department")
        candidates = tuple(
            labels[i]
            for i in np.argsort(-p["department"])
            if p["department"][i] >= self._conformal and labels[i] != NONE
        ) or tuple(c.code for c in departments[:1])
        top = int(np.argmax(p["department"]))
        sure = labels[top] != NONE and departments[0].confidence >= self._auto
        phone = find_phone(cut)
        silent = self.city.places.areas(cut)
        return Reading(
            text=text,
            kind=self._kind(p),
            departments=departments,
            items=items,
            decision="auto" if sure else "review",
            candidates=candidates,
            urgency=self._judge(cut, grams, p, silent),
            place=self.city.places.find(cut),
            time=find_time(cut),
            phone=phone[0] if phone else None,
            evidence=evidence(
                cut,
                grams,
                self.model.ngrams,
                self.model.heads["department"],
                labels.index(departments[0].code),
                silent=silent,
            ),
            model=self.model.version,
        )

    def _owned_first(self, items: tuple[Choice, ...], departments: tuple[Choice, ...]) -> tuple[Choice, ...]:
        """The best item of the best department leads, so that the two never contradict each other; the rest by probability."""
        known = self.city.catalogue.items  # a model without a catalogue names items that are none of ours
        owned = (
            c for c in items if c.code in known and departments and known[c.code].department == departments[0].code
        )
        first = next(owned, None)
        return items if first is None else (first, *(c for c in items if c is not first))

    def _best(self, head: str, p: dict[str, Floats], name: object, most: int = 3) -> tuple[Choice, ...]:
        if head not in p:
            return ()
        labels = self._labels(head)
        best = [i for i in np.argsort(-p[head])[: most + 1] if labels[i] != NONE][:most]
        return tuple(Choice(labels[i], name(labels[i]), round(float(p[head][i]), 4)) for i in best)  # type: ignore[operator]

    def _kind(self, p: dict[str, Floats]) -> Kind:
        if "kind" not in p:
            return Kind("other", 0.0)
        best = int(np.argmax(p["kind"]))
        return Kind(self._labels("kind")[best], round(float(p["kind"][best]), 4))

    def _judge(
        self, text: str, grams: csr_matrix, p: dict[str, Floats], silent: list[tuple[int, int]]
    ) -> UrgencyReading:
        chances = dict(zip(self._labels("urgency"), map(float, p["urgency"]), strict=True)) if "urgency" in p else {}
        hazards = dict(zip(self._labels("hazard"), map(float, p["hazard"]), strict=True)) if "hazard" in p else {}
        reason = None
        if chances and chances.get("normal", 1.0) < 0.5:
            worst = max((c for c in chances if c != "normal"), key=lambda c: chances[c])
            head = self.model.heads["urgency"]
            spans = evidence(text, grams, self.model.ngrams, head, head.labels.index(worst), most=2, silent=silent)
            if spans:
                best = max(spans, key=lambda s: s.weight)
                reason = Span(best.start, best.end, text[best.start : best.end])
        kinds = dict(zip(self._labels("kind"), map(float, p["kind"]), strict=True)) if "kind" in p else {}
        asks_help = kinds.get("help", 0.5)
        return judge(text, chances, hazards, asks_help, self.city.cues, self.city.catalogue, self._alarm, reason)
