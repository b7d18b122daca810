"""Which texts of which requests run next: start-time fair queueing over tokens (Goyal, Vin and Cheng 1996).

Every text is stamped with the amount of work that its own request has before it, counted from where the queue stands
when the request comes in. A single query is stamped "now"; the last of 700 abstracts is stamped 700 abstracts later.
Texts run in the order of their stamps, so that a query never waits behind a large request, and a large request is never
starved by queries: time goes on with each text that runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.encoding.batching import plan
from biolord_onnx.session.session import Output

# Texts looked at to fill a run: enough to find some of like length, few enough that looking takes no time.
LOOK_AHEAD = 64
# How far behind the first in line, as a share of a run, another request's text may stand to run with it: a query that
# is first shall not do a large request's work, too.
NEARBY = 0.25
# Most tokens of a query: a request of one short text. It need not wait for a thread that is busy with a long one.
QUERY_TOKENS = 64
# How much newcomers are favored over requests that have waited: with 1 all would get the same share of the work, and
# with more a stream of queries leaves less of it to a large request, but never nothing.
FAVOR = 4


@dataclass(eq=False, slots=True)
class Work:
    """A request's texts on their way.

    Attributes:
        ids: Token ids of n texts.
        output: Which vectors are wanted.
        vectors: float32 [n, dim], filled in as runs end.
        done: Called once, with None or what went wrong, by the thread that ended the last run.
        skipped: Leading tokens of each text that aren't pooled.
        left: Texts without a vector so far.
        waiting: Texts that wait in the queue.
        waiting_tokens: Of those texts.
        error: What went wrong.
        queued_at: When it came in.
        started_at: When its first text began to run.
    """

    ids: Sequence[list[int]]
    output: Output
    vectors: NDArray[np.float32]
    done: Callable[[BaseException | None], None]
    skipped: int = 0
    left: int = field(init=False)
    waiting: int = field(init=False)
    waiting_tokens: int = field(init=False)
    error: BaseException | None = None
    queued_at: float = 0.0
    started_at: float | None = None

    @property
    def wanted(self) -> tuple[Output, int]:
        """What texts that run together have in common."""
        return self.output, self.skipped

    def __post_init__(self) -> None:
        """Begin with every text left."""
        self.left = self.waiting = len(self.ids)
        self.waiting_tokens = sum(map(len, self.ids))


@dataclass(frozen=True, slots=True)
class Run:
    """Texts that run together.

    Attributes:
        parts: Each text's request and its place there.
        lengths: int32 [texts], tokens of each.
        output: Which vectors are wanted.
        skipped: Leading tokens of each text that aren't pooled.
    """

    parts: list[tuple[Work, int]]
    lengths: NDArray[np.int32]
    output: Output
    skipped: int

    @property
    def ids(self) -> list[list[int]]:
        """Token ids of the texts."""
        return [work.ids[place] for work, place in self.parts]


class FairQueue:
    """Texts that wait, by request. Not safe between threads: its owner holds a lock.

    Attributes:
        tokens: Of all texts that wait.
        texts: That wait; those of requests that were dropped count no more.
    """

    def __init__(self, budget: int, *, padded: bool) -> None:
        """Take the most tokens of a run, and whether a run may hold texts of different lengths."""
        self._budget, self._padded = budget, padded
        self._heap: list[tuple[float, int, Work, int]] = []
        self._queries: deque[Work] = deque()
        self._numbers = count()
        self._now = 0.0
        self._requests = 0
        self.tokens = 0
        self.texts = 0

    def add(self, work: Work) -> None:
        """Put a request's texts in their places."""
        stamp = self._now
        self._requests += 1
        for place, ids in enumerate(work.ids):
            heappush(self._heap, (stamp, next(self._numbers), work, place))
            stamp += len(ids)
        if len(work.ids) == 1 and work.waiting_tokens <= QUERY_TOKENS:
            self._queries.append(work)
        self.tokens += work.waiting_tokens
        self.texts += work.waiting
        self._sweep()

    def drop(self, work: Work) -> None:
        """Let none of a request's texts begin to run; they count no more from now on."""
        if not work.waiting:
            return
        self.tokens -= work.waiting_tokens
        self.texts -= work.waiting
        self._requests -= 1
        work.waiting = work.waiting_tokens = 0
        self._sweep()

    def _sweep(self) -> None:
        # What waits no more goes when it is first in line, or when most of the line is that: both cost nothing.
        if len(self._heap) > 2 * self.texts + LOOK_AHEAD:
            self._heap = [entry for entry in self._heap if entry[2].waiting]
            heapify(self._heap)
        while self._queries and not self._queries[0].waiting:
            self._queries.popleft()
        if len(self._queries) > 2 * self.texts + LOOK_AHEAD:
            self._queries = deque(work for work in self._queries if work.waiting)

    @property
    def has_query(self) -> bool:
        """Whether a request of one short text waits."""
        self._sweep()
        return bool(self._queries)

    def take_query(self) -> Run | None:
        """Take the query that has waited longest, out of its turn; None if none waits."""
        if not self.has_query:
            return None
        work = self._queries.popleft()
        return self._begin(Run([(work, 0)], np.array([len(work.ids[0])], dtype=np.int32), *work.wanted), self._now)

    def take(self) -> Run | None:
        """Take the texts of the next run: the first in line, with others that suit it; None if nothing waits."""
        entries = self._first_in_line()
        if not entries:
            return None
        first, _, leader, _ = entries[0]
        wanted, near = leader.wanted, first + NEARBY * self._budget
        lengths = np.array([len(work.ids[place]) for _, _, work, place in entries], dtype=np.int32)
        suited = np.array(
            [work.wanted == wanted and (work is leader or stamp <= near) for stamp, _, work, _ in entries]
        )
        places = np.flatnonzero(suited)
        batches = plan(lengths[places], self._budget, padded=self._padded)
        chosen = set(next(places[batch.indices] for batch in batches if 0 in places[batch.indices]).tolist())
        for number, entry in enumerate(entries):
            if number not in chosen:
                heappush(self._heap, entry)
        order = sorted(chosen)
        return self._begin(Run([entries[number][2:] for number in order], lengths[order], *wanted), first)

    def _begin(self, run: Run, stamp: float) -> Run:
        # Time goes on by a part of what each of the requests that wait would have got of this run.
        self._now = max(self._now, stamp) + float(run.lengths.sum()) / (FAVOR * self._requests + 1)
        for work, place in run.parts:
            self._leave(work, place)
        self._sweep()
        return run

    def _first_in_line(self) -> list[tuple[float, int, Work, int]]:
        """Pop the next few texts; those whose request was dropped, or runs already, are forgotten."""
        entries: list[tuple[float, int, Work, int]] = []
        while self._heap and len(entries) < LOOK_AHEAD:
            entry = heappop(self._heap)
            if entry[2].waiting:
                entries.append(entry)
        return entries

    def _leave(self, work: Work, place: int) -> None:
        tokens = len(work.ids[place])
        self.tokens -= tokens
        self.texts -= 1
        work.waiting_tokens -= tokens
        work.waiting -= 1
        self._requests -= work.waiting == 0
