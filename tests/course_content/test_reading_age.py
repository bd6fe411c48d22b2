import pytest

from course_content.reading_age import grade, reading_age

PLAIN = "The dog sat on the mat. The cat sat in the sun. They like to play all day. " * 10
HARD = (
    "Institutional considerations necessitate comprehensive organisational accountability, "
    "notwithstanding administrative complications. "
) * 20


def test_plain_words_are_easy_and_long_ones_are_not() -> None:
    plain, hard = reading_age(PLAIN), reading_age(HARD)
    assert plain is not None
    assert plain < 8
    assert hard is not None
    assert hard > 18


def test_a_short_text_cannot_be_judged() -> None:
    assert grade("Tell the DSL.") is None


def test_the_grade_is_the_published_formula() -> None:
    # 10 words of one syllable to the sentence: 0.39 * 10 + 11.8 * 1 - 15.59
    assert grade("the cat sat on the mat in the big sun. " * 12) == pytest.approx(0.11)


def test_list_items_are_sentences_of_their_own() -> None:
    items = "\n".join("- Tell the good lead all you know now" for _ in range(20))
    assert grade(items) == grade(items.replace("\n", ".\n"))
