"""The evidence register: lines that can be added and never changed, each chained to the one before.

A line's hash covers its own facts, its place, and the hash before it, so one altered line breaks every later
one. What is personal is not hashed itself but committed to by a salted hash: it may be blanked when the law
says so, and the chain still verifies (design decision 12).
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from grading.models import CpdRecord, PersonalPart, RegisterChain


def append(
    *,
    chain_name: str,
    kind: CpdRecord.Kind,
    facts: Mapping[str, Any],
    personal: Mapping[str, Any],
    enrolment_number: int,
    now: datetime,
) -> CpdRecord:
    """Add a line. Must run inside a transaction, as late in it as possible: the chain's head is locked.

    `facts` are plain JSON values with nothing personal in them; `personal` says who it is about.
    """
    salt = secrets.token_hex(16)
    personal_hash = hash_personal(salt, personal)
    chain = _lock_head(chain_name)
    record = CpdRecord(
        chain=chain,
        position=chain.length + 1,
        kind=kind,
        facts=dict(facts),
        personal_hash=personal_hash,
        previous_hash=chain.head,
        enrolment_number=enrolment_number,
        recorded_at=now,
    )
    record.hash = hash_line(record)
    record.save(force_insert=True)
    PersonalPart.objects.create(record=record, salt=salt, facts=dict(personal))
    chain.length, chain.head = record.position, record.hash
    chain.save(update_fields=["length", "head"])
    return record


def _lock_head(name: str) -> RegisterChain:
    locked = RegisterChain.objects.select_for_update()
    chain = locked.filter(name=name).first()
    if chain is None:
        try:
            with transaction.atomic():
                RegisterChain.objects.create(name=name)
        except IntegrityError:
            pass  # another school's first line made it at this moment
        chain = locked.get(name=name)
    return chain


def canonical(value: Any) -> bytes:
    """JSON in one spelling only: sorted keys, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def hash_personal(salt: str, personal: Mapping[str, Any]) -> str:
    """The commitment to the personal part. The salt keeps a known name from being tried against it."""
    return hashlib.sha256(salt.encode() + b"\n" + canonical(personal)).hexdigest()


def hash_line(record: CpdRecord) -> str:
    """The hash of a line: over everything it says and where it stands."""
    return hashlib.sha256(
        canonical(
            {
                "chain": record.chain.name,
                "position": record.position,
                "kind": record.kind,
                "facts": record.facts,
                "personal": record.personal_hash,
                "enrolment": record.enrolment_number,
                "recorded_at": record.recorded_at.isoformat(),
                "previous": record.previous_hash,
            }
        )
    ).hexdigest()


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a check of one chain found: `broken_at` is the first wrong line's position, None when whole."""

    name: str
    lines: int
    erased: int
    broken_at: int | None = None
    why: str = ""


def verify(chain: RegisterChain) -> ChainReport:
    """Recompute a chain from its first line."""
    previous, erased, position = "0" * 64, 0, 0
    for record in _lines(chain):
        position += 1
        why = _fault(record, position, previous)
        if why:
            return ChainReport(chain.name, chain.length, erased, position, why)
        erased += not record.personal.facts
        previous = record.hash
    if (position, previous) != (chain.length, chain.head):
        return ChainReport(chain.name, chain.length, erased, position + 1, "lines are missing at the end")
    return ChainReport(chain.name, chain.length, erased)


def _lines(chain: RegisterChain) -> Iterator[CpdRecord]:
    lines = chain.lines.select_related("chain", "personal").order_by("position")
    return lines.iterator(chunk_size=2000)


def _fault(record: CpdRecord, position: int, previous: str) -> str:
    if record.position != position:
        return "a line is missing"
    if record.previous_hash != previous:
        return "it does not follow from the line before"
    if record.hash != hash_line(record):
        return "its facts were changed"
    if not hasattr(record, "personal"):
        return "its personal part is missing"
    personal = record.personal
    if personal.facts and hash_personal(personal.salt, personal.facts) != record.personal_hash:
        return "its personal part was changed"
    return ""
