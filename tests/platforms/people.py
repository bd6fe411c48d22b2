"""Who is in a platform's course. A course of a hundred thousand is made up as it is read, never held."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, overload

Kind = Literal["learner", "teacher", "assistant", "admin"]
Status = Literal["Active", "Inactive", "Deleted"]


@dataclass(frozen=True)
class Person:
    """Somebody as the platform knows them."""

    id: str
    given_name: str
    family_name: str
    email: str = ""
    sourcedid: str = ""
    kind: Kind = "learner"
    status: Status = "Active"

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"


AMINA = Person("user-1", "Amina", "Yusuf", "amina@school.example")
# A name that HTML would change, and nobody's e-mail address.
CHLOE = Person("chloe-1", "Chloé", "O'Neil & Sons", sourcedid="S-003")
TEACHER = Person("teacher-1", "Terry", "Teacher", "terry@school.example", "T-001", "teacher")
ASSISTANT = Person("assistant-1", "Tala", "Adams", "tala@school.example", "T-002", "assistant")
ADMIN = Person("admin-1", "Ada", "Admin", "ada@school.example", kind="admin")
LEFT = Person("leaver-1", "Lee", "Leaver", "lee@school.example", status="Inactive")

COURSE: Sequence[Person] = (AMINA, CHLOE, TEACHER, ASSISTANT, LEFT)


class Crowd(Sequence[Person]):
    """`count` people, one teacher in every hundred, made up one at a time and always the same."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Person: ...

    @overload
    def __getitem__(self, index: slice) -> list[Person]: ...

    def __getitem__(self, index: int | slice) -> Person | list[Person]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(self._count))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return Person(
            f"person-{index}",
            "Given",
            f"Family {index}",
            f"person-{index}@school.example",
            f"S-{index}",
            "teacher" if index % 100 == 99 else "learner",
        )

    def __iter__(self) -> Iterator[Person]:
        return (self[number] for number in range(self._count))


def find(people: Sequence[Person], user_id: str) -> Person | None:
    """The one of that id, of a crowd too, without going through it."""
    if isinstance(people, Crowd):
        number = user_id.removeprefix("person-")
        known = user_id.startswith("person-") and number.isdecimal() and int(number) < len(people)
        return people[int(number)] if known else None
    return next((person for person in people if person.id == user_id), None)
