"""Which drafts a person means: by the path of a source, the beginning of a tag_id, or that of a content id."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edge.errors import InputError
from edge.outbox.drafts import SourceDraft, find, of_source, sources

SHORTEST_PREFIX = 4


@dataclass(frozen=True)
class Chosen:
    """What a call is about.

    Attributes:
        sources: drafts by source; only the tags and objects that are asked for.
        problems: a sentence for each word that names nothing.
    """

    sources: tuple[SourceDraft, ...]
    problems: tuple[str, ...]


def choose(home: Path, words: Sequence[str], every: bool) -> Chosen:
    """Return the drafts that words name: beginnings of a tag_id or a content id, or paths of tagged sources.

    Args:
        home: where the device keeps its state.
        words: what the user wrote.
        every: all drafts instead.

    Raises:
        OutputError: the drafts cannot be read.
    """
    known = dict(sources(home))
    if every:
        return Chosen(tuple(of_source(home, content_id, path) for content_id, path in known.items()), ())
    chosen: dict[str, SourceDraft] = {}
    problems = []
    for word in words:
        try:
            for one in _named_by(home, word, known):
                chosen[one.content_id] = _together(chosen.get(one.content_id), one)
        except InputError as e:
            problems.append(str(e))
    return Chosen(tuple(chosen.values()), tuple(problems))


def _named_by(home: Path, word: str, known: Mapping[str, str]) -> list[SourceDraft]:
    by_path = [content_id for content_id, path in known.items() if _same_path(word, path)]
    if by_path:
        return [of_source(home, content_id, known[content_id]) for content_id in by_path]
    digits = word.strip().lower()
    if not re.fullmatch(f"[0-9a-f]{{{SHORTEST_PREFIX},64}}", digits):
        raise InputError(f"{word[:80]!r} is no source that was tagged here and no tag_id: see `edge outbox --drafts`")
    tags = find(home, [digits])[0] if len(digits) <= 16 else []
    by_content = [content_id for content_id in known if content_id.startswith(digits)]
    if len(tags) + len(by_content) > 1:
        raise InputError(f"{digits} begins several ids: give more digits")
    if tags:
        (tag,) = tags
        return [SourceDraft(tag.content_id, known.get(tag.content_id, ""), (tag,), ())]
    if by_content:
        return [of_source(home, by_content[0], known[by_content[0]])]
    raise InputError(f"no draft {digits} is known here: tag the picture or video again, or see `edge outbox --drafts`")


def _same_path(word: str, path: str) -> bool:
    return word == path or (Path(word).name == Path(path).name and Path(word).resolve() == Path(path).resolve())


def _together(before: SourceDraft | None, more: SourceDraft) -> SourceDraft:
    """Return what two words name of one source, each once."""
    if before is None:
        return more
    tags = {tag.tag_id: tag for tag in (*before.tags, *more.tags)}
    objects = {one.place: one for one in (*before.objects, *more.objects)}
    return replace(more, tags=tuple(tags.values()), objects=tuple(objects.values()))
