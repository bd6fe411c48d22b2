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
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction

from grading.models import CpdRecord, PersonalPart, RegisterChain

# What the first line follows.
FIRST = "0" * 64


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

    `facts` are plain JSON values with nothing personal in them and no floats; `personal` says who it is about.
    """
    _refuse_floats([facts, personal])
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


def _refuse_floats(value: Any) -> None:
    """PostgreSQL and SQLite spell the same float differently: such a line would look changed when read back."""
    if isinstance(value, float):
        raise TypeError("a float cannot be hashed the same everywhere")
    if isinstance(value, Mapping):
        value = value.values()
    elif not isinstance(value, list | tuple):
        return
    for part in value:
        _refuse_floats(part)


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
                # A database gives the moment back in UTC, whatever zone it was said in.
                "recorded_at": record.recorded_at.astimezone(UTC).isoformat(),
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
    """Recompute a chain from its first line. Lines that are added meanwhile raise no alarm."""
    chain.refresh_from_db()
    previous, erased, position = FIRST, 0, 0
    at_head = FIRST if chain.length == 0 else ""
    for record in _lines(chain):
        position += 1
        why = _fault(record, position, previous)
        if why:
            return ChainReport(chain.name, chain.length, erased, position, why)
        erased += not record.personal.facts
        previous = record.hash
        if position == chain.length:
            at_head = previous
    if position < chain.length:
        return ChainReport(chain.name, chain.length, erased, position + 1, "lines are missing at the end")
    if at_head != chain.head:
        return ChainReport(chain.name, chain.length, erased, position + 1, "it does not end as it should")
    if position > chain.length:
        # Added properly since we began, the head tells of them by now; put in behind its back, it does not.
        chain.refresh_from_db()
    if position > chain.length:
        why = "lines were added behind the end"
        return ChainReport(chain.name, chain.length, erased, chain.length + 1, why)
    return ChainReport(chain.name, position, erased)


def _lines(chain: RegisterChain) -> Iterator[CpdRecord]:
    lines = chain.lines.select_related("chain", "personal", "certificate").order_by("position")
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
    if record.facts.get("certificate") and not _certificate_agrees(record):
        return "its certificate was changed"
    return ""


def _certificate_agrees(record: CpdRecord) -> bool:
    """Whether the certificate's own row, which the public page reads, says what the line says."""
    certificate = getattr(record, "certificate", None)
    if certificate is None:
        return False
    renew_by = certificate.renew_by.isoformat() if certificate.renew_by else None
    return (certificate.code, renew_by, certificate.issued_at) == (
        record.facts["certificate"],
        record.facts["renew_by"],
        record.recorded_at,
    )
