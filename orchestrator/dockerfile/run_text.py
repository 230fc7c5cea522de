"""The shell text of an instruction, with the place of every byte: continued lines, comments, here-documents, JSON."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.dockerfile.spans import ScriptText, Span

if TYPE_CHECKING:
    from orchestrator.dockerfile.model import Instruction
    from orchestrator.dockerfile.spans import SourceText

_COMMENT = re.compile(rb"[ \t]*#")
_HEREDOC_ALONE = re.compile(rb"\s*<<(?P<dash>-?)(?P<quote>[\"']?)(?P<name>[A-Za-z_]\w*)(?P=quote)\s*(?:\n|$)")
_HEREDOC_FIRST = re.compile(rb"\s*<<-?(?P<quote>[\"']?)[A-Za-z_]\w*(?P=quote)[ \t]+(?P<command>[^\s>|&;<][^\n]*)\n")
_HEREDOC = re.compile(rb"<<(?P<dash>-?)(?P<quote>[\"']?)(?P<name>[A-Za-z_]\w*)(?P=quote)")
_SHELLS = re.compile(r"\b(?:ba|da|a|z|k)?sh\b")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonWord:
    """A word of an exec form and where it stands, quotes left out."""

    text: str
    span: Span
    script: ScriptText


def shell_text(source: SourceText, instruction: Instruction, escape: str) -> ScriptText | None:
    """Return a shell form's script; None where another interpreter reads it, or for an exec form.

    Args:
        source: the Dockerfile.
        instruction: RUN, CMD, ENTRYPOINT or what follows ONBUILD.
        escape: the Dockerfile's escape character.
    """
    if instruction.json:
        return None
    joined = _joined(source, instruction, escape)
    first = _HEREDOC_FIRST.match(joined.content)
    if first is not None and instruction.heredocs:
        # `<<E python3`: the document is what the command reads.
        return joined.part(first.start("command"), first.end("command"))
    alone = _HEREDOC_ALONE.match(joined.content)
    if alone is None or not instruction.heredocs:
        return joined
    return _document(joined, alone.end(), alone["name"], dash=bool(alone["dash"]))


def json_words(source: SourceText, instruction: Instruction) -> tuple[JsonWord, ...]:
    """Return the words of an exec form."""
    start = source.line_start(instruction.line)
    begin = source.content.find(b"[", start)
    found: list[JsonWord] = []
    for match in _STRING.finditer(source.content, begin if begin >= 0 else start):
        if len(found) == len(instruction.values):
            break
        inner = match[0][1:-1]
        try:
            text = str(json.loads(match[0]))
        except ValueError:
            text = inner.decode("utf-8", "replace")
        # Escapes shift what follows by a character each: such a text is placed as a whole, at its beginning.
        content = text.encode("utf-8", "replace")
        script = ScriptText(content=content, source=source, pieces=((0, match.start() + 1),))
        found.append(JsonWord(text=text, span=source.span(match.start() + 1, match.end() - 1), script=script))
    return tuple(found)


def command_span(source: SourceText, instruction: Instruction) -> Span:
    """Return the stretch of a whole instruction."""
    start = source.line_start(instruction.line)
    end = source.line_start(instruction.last_line + 1)
    text = source.content[start:end]
    return source.span(start + len(text) - len(text.lstrip()), start + len(text.rstrip()))


def word_span(source: SourceText, instruction: Instruction, word: str, *, last: bool = False) -> Span:
    """Return where a word of an instruction stands, or the whole instruction where it is not found literally."""
    start, end = source.line_start(instruction.line), source.line_start(instruction.last_line + 1)
    text = source.content[start:end]
    pattern = re.compile(rb"(?<![^\s\"'\[,=])" + re.escape(word.encode("utf-8", "replace")) + rb"(?![^\s\"'\],])")
    places = [match.start() for match in pattern.finditer(text)]
    if not places or not word:
        return command_span(source, instruction)
    place = start + (places[-1] if last else places[0])
    return source.span(place, place + len(word.encode("utf-8", "replace")))


def _joined(source: SourceText, instruction: Instruction, escape: str) -> ScriptText:
    """Return the text behind keyword and flags, with continued lines joined and comments between them left out."""
    start, end = source.line_start(instruction.line), source.line_start(instruction.last_line + 1)
    content, pieces = bytearray(), list[tuple[int, int]]()
    place, continued, open_documents = start, False, list[tuple[bytes, bool]]()
    tail = re.compile(re.escape(escape.encode()) + rb"[ \t]*\n?$")
    while place < end:
        stop = source.content.find(b"\n", place, end)
        stop = end if stop < 0 else stop + 1
        line = source.content[place:stop]
        if open_documents:
            pieces.append((len(content), place))
            content += line
            name, dash = open_documents[0]
            if (line.lstrip(b"\t") if dash else line).rstrip(b"\n") == name:
                open_documents.pop(0)
        elif continued and (not line.strip() or _COMMENT.match(line)):
            pass
        else:
            cut = tail.search(line)
            kept = line[: cut.start()] if cut else line
            pieces.append((len(content), place))
            content += kept
            continued = cut is not None
            if instruction.heredocs and not continued:
                open_documents = [(match["name"], bool(match["dash"])) for match in _HEREDOC.finditer(bytes(content))]
        place = stop
    return _behind_flags(bytes(content), source, tuple(pieces), instruction)


def _behind_flags(
    content: bytes, source: SourceText, pieces: tuple[tuple[int, int], ...], instruction: Instruction
) -> ScriptText:
    words = re.match(rb"\s*(?:onbuild\s+)?\S+(?:\s+--[A-Za-z][\w-]*(?:=\S*)?)*[ \t]*", content, re.IGNORECASE)
    skip = words.end() if words else 0
    if instruction.keyword == "HEALTHCHECK":
        after = re.match(rb"\s*CMD\s+", content[skip:], re.IGNORECASE)
        skip += after.end() if after else 0
    return ScriptText(content=content, source=source, pieces=pieces).part(skip, len(content))


def _document(joined: ScriptText, start: int, name: bytes, *, dash: bool) -> ScriptText | None:
    end = len(joined.content)
    place = start
    for line in joined.content[start:].splitlines(keepends=True):
        if (line.lstrip(b"\t") if dash else line).rstrip(b"\n") == name:
            end = place
            break
        place += len(line)
    first = joined.content[start:end].split(b"\n", 1)[0].decode("utf-8", "replace")
    if first.startswith("#!") and not _SHELLS.search(first):
        return None
    return joined.part(start, end)
