"""How a request shares the event loop: it answers in slices, between which others run, and renders in a thread.

A selection of a few thousand fields takes a tenth of a second.  Lists are the places where it pauses: after each slice
of time the next list waits until the loop has run everything else that is due.  A request that is answered within one
slice never waits.  Documents (provenance, FHIR) are rendered in a thread, one at a time for each request, so that
requests that render many do not keep others from rendering one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

import msgspec
from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    default_field_resolver,
    get_named_type,
    is_leaf_type,
)

from server.errors import QuestionError
from server.executor.budget import Budget, Work

SLICE = 0.002
"""Seconds that a request answers before others have their turn."""
MOST_RENDERED = 20_000_000
"""Characters of documents in one answer, after which no further one is rendered; they are sent in one piece, and a
provenance over a series of 400 points has two million."""
_SHORT_LISTS = frozenset({"codes", "groups", "recommendations", "records"})
"""Lists of no or few objects that are at hand: to wait at each of them takes longer than to answer it."""
_ENCODED_LEVELS = 4
"""The response, its data, a patient, a list of results: each result is encoded at once."""
Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")

# One: it competes with the event loop for the interpreter, and two would halve what is left for the loop.
_threads = ThreadPoolExecutor(1, thread_name_prefix="rendering")


class Turns:
    """The turns of one request.  All its waiting and rendering together may take the time of one question."""

    def __init__(self, budget: Budget | None = None, clock: Callable[[], float] = time.perf_counter) -> None:
        self._budget = budget
        self._clock = clock
        self._end = clock() + SLICE
        self._work: Work | None = None
        self._one_at_a_time = asyncio.Lock()
        self._rendered = 0

    def is_over(self) -> bool:
        """Whether others have their turn now."""
        return self._clock() >= self._end

    async def wait(self) -> None:
        """Let everything else run that is due, if the slice is over.

        Raises QuestionError where the time of the request is over.
        """
        if not self.is_over() and not self._one_at_a_time.locked():
            return
        async with self._one_at_a_time:
            if self.is_over():
                self._check_time()
                await asyncio.sleep(0)
                self._end = self._clock() + SLICE

    async def render(
        self, work: Callable[Arguments, Made], *arguments: Arguments.args, **named: Arguments.kwargs
    ) -> Made:
        """What ``work`` returns, computed in a thread.

        Raises QuestionError where the time of the request is over, or the documents before are long enough.
        """
        async with self._one_at_a_time:
            self._check_time()
            if self._rendered > MOST_RENDERED:
                text = f"the documents of an answer may have {MOST_RENDERED:,} characters in all: ask for fewer results"
                raise QuestionError("answer-too-large", text)
            run = partial(copy_context().run, work, *arguments, **named)
            made = await asyncio.get_running_loop().run_in_executor(_threads, run)
            self._rendered += len(made) if isinstance(made, str) else 0
            self._end = self._clock() + SLICE
            return made

    def _check_time(self) -> None:
        if self._budget is None:
            return
        if self._work is None:
            self._work = self._budget.start_work()
        self._work.check_time()


def pause_at_lists(schema: GraphQLSchema) -> GraphQLSchema:
    """The schema, whose lists of objects wait for the next turn of their request where its slice is over.

    The context of a request has its ``turns``.
    """
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for name, field in kind.fields.items():
                if name not in _SHORT_LISTS and _is_list_of_objects(field):
                    field.resolve = partial(_resolve_in_turn, field.resolve or default_field_resolver)
    return schema


def _is_list_of_objects(field: GraphQLField) -> bool:
    kind = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    return isinstance(kind, GraphQLList) and not is_leaf_type(get_named_type(kind))


def _resolve_in_turn(
    resolve: Callable[..., Any], root: Any, info: GraphQLResolveInfo[Any], **arguments: Any
) -> Any | Awaitable[Any]:
    turns: Turns = info.context.turns
    if not turns.is_over():
        return resolve(root, info, **arguments)
    return _resolve_later(turns, partial(resolve, root, info, **arguments))


async def _resolve_later(turns: Turns, resolve: Callable[[], Any]) -> Any:
    await turns.wait()
    found = resolve()
    return await found if isinstance(found, Awaitable) else found


async def encode_in_turns(content: Any) -> list[bytes]:
    """The parts of the JSON of a response, in order.  Fifty megabytes take longer than others should wait."""
    parts, end = [], time.perf_counter() + SLICE
    for part in _encoded_parts(content, _ENCODED_LEVELS):
        parts.append(part)
        if time.perf_counter() >= end:
            await asyncio.sleep(0)
            end = time.perf_counter() + SLICE
    return parts


def _encoded_parts(content: Any, levels: int) -> Iterator[bytes]:
    if not levels or not content or not isinstance(content, dict | list):
        yield msgspec.json.encode(content)
        return
    is_object = isinstance(content, dict)
    separator = b"{" if is_object else b"["
    for each in content:
        yield separator + msgspec.json.encode(each) + b":" if is_object else separator
        yield from _encoded_parts(content[each] if is_object else each, levels - 1)
        separator = b","
    yield b"}" if is_object else b"]"
