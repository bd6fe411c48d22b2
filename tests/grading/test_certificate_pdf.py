"""The certificate: read back with pypdf and held to PDF/UA-1 and PDF/A-3a by a validator."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import page
import pypdf
import pytest
from pypdf.generic import ArrayObject, DictionaryObject

from grading import certificate_pdf
from grading.certificate_pdf import CertificateFacts, render

URL = "https://training.example/verify/7QX4-M2KD-9PTA/"
ORDINARY = CertificateFacts(
    holder_name="Siân Ŵyn-Hughes",
    module_title="Responding when children share nudes and semi-nudes",
    outcomes=("Respond calmly, without viewing any image", "Report to the safeguarding lead"),
    completed_on=date(2026, 11, 22),
    minutes=20,
    cpd_hours=Decimal("0.3"),
    percentage=92,
    pass_mark=80,
    code="7QX4-M2KD-9PTA",
    verify_url=URL,
    provider="Dee Valley Learning Trust",
    school="Ysgol Bryn Castell",
    role="Teaching assistant",
    nation="England",
    audience="All staff",
    renew_by=date(2027, 11, 22),
    guidance_edition="UKCIS, March 2024",
    module_version="1.2.0",
    content_hash="sha256:3f9ac1d27be0441a9",
    review_status="draft: not yet reviewed",
    signatory="Helen Price",
)
MINIMAL = CertificateFacts(
    holder_name="Jo Li",
    module_title="Online safety",
    outcomes=(),
    completed_on=date(2026, 1, 2),
    minutes=1,
    percentage=80,
    pass_mark=80,
    code="7QX4-M2KD-9PTA",
    verify_url=URL,
    review_status="reviewed by A. Jones on 2026-05-03",
)
LONGEST = replace(
    ORDINARY,
    holder_name="Maximiliana Oluwaseun Bartholomea Featherstonehaugh-Cholmondeley of "
    "Wolverhampton-Llanfairpwllgwyngyll the Third",
    module_title="Responding when children share nudes and semi-nudes: the half-day pathway " * 2,
    outcomes=tuple(f"Outcome {n}: " + "record what was said and what was done " * 3 for n in range(8)),
    school="The Church of England Voluntary Aided Primary School of Saint Bartholomew the Great " * 2,
    role="Deputy designated safeguarding lead and special educational needs co-ordinator",
    provider="The Consolidated Diocesan Multi-Academy Trust of the Northern and Eastern Counties",
)
BEYOND_REASON = replace(
    LONGEST, holder_name="W" * 300, module_title="M" * 300, outcomes=("x" * 400,) * 30, school="S" * 300
)


def read(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(BytesIO(pdf))


def text_of(facts: CertificateFacts) -> str:
    """The words of the page, with the line breaks that its layout made taken out."""
    (only_page,) = read(render(facts)).pages
    return " ".join(only_page.extract_text().replace("\u200b", "").split())


def unspaced(text: str) -> str:
    """`text` without what a line break may add or take away."""
    return "".join(text.replace("\u200b", "").split())


def root(reader: pypdf.PdfReader) -> Any:
    return reader.trailer["/Root"]


def structure(reader: pypdf.PdfReader) -> Iterator[Any]:
    """Every element of the tag tree, in reading order."""

    def walk(node: Any) -> Iterator[Any]:
        node = node.get_object()
        if isinstance(node, ArrayObject):
            for child in node:
                yield from walk(child)
        elif isinstance(node, DictionaryObject):
            if "/S" in node:
                yield node
            if "/K" in node:
                yield from walk(node["/K"])

    yield from walk(root(reader)["/StructTreeRoot"])


def test_it_says_what_was_done_and_how_it_was_assessed() -> None:
    text = text_of(ORDINARY)

    for words in (
        "Dee Valley Learning Trust Certificate number 7QX4-M2KD-9PTA Certificate of completion",
        "This certifies that Siân Ŵyn-Hughes has completed, and passed the assessment of, the training",
        "Responding when children share nudes and semi-nudes Completed on 22 November 2026",
        "92% assessed result (pass mark 80%) 20 minutes taught time 0.3 CPD hours",
        "Respond calmly, without viewing any image",
        "School at the time Ysgol Bryn Castell Role Teaching assistant Nation England",
        "Written for All staff Renew by 22 November 2027 Guidance edition UKCIS, March 2024",
        "Version 1.2.0 Content hash 3f9ac1d27be0 Verification",
        f"Check this certificate at {URL} Issued by Dee Valley Learning Trust Signatory Helen Price",
        "It is not legal advice.",
    ):
        assert words in text
    assert "points" not in text


def test_what_is_empty_leaves_no_label_behind() -> None:
    text = text_of(MINIMAL)

    for label in ("CPD", "outcomes", "School", "Role", "Renew", "Guidance", "hash", "Signatory"):
        assert label not in text
    assert "1 minute taught time" in text
    assert "Content review reviewed by A. Jones on 2026-05-03" in text


@pytest.mark.parametrize(
    ("status", "said"),
    [("draft: not yet reviewed", "draft: not yet reviewed."), ("", "not stated."), ("draft", "draft.")],
)
def test_content_that_nobody_reviewed_is_said_to_be_so(status: str, said: str) -> None:
    assert f"has not been signed off. Its status: {said}" in text_of(replace(ORDINARY, review_status=status))


@pytest.mark.parametrize("profile", [page.ValidationProfile.PDF_UA_1, page.ValidationProfile.PDF_A_3A])
@pytest.mark.parametrize(
    "facts",
    [ORDINARY, MINIMAL, LONGEST, BEYOND_REASON, replace(ORDINARY, holder_name="محمد الأحمد")],
    ids=["ordinary", "minimal", "longest", "beyond-reason", "arabic"],
)
def test_it_is_accessible_and_made_to_be_kept(
    facts: CertificateFacts, profile: page.ValidationProfile
) -> None:
    report = page.validate_pdf_bytes(render(facts), profile=profile)

    assert [failure.message for failure in report.failures] == []
    assert report.is_compliant


def test_headings_alternative_text_title_and_language_are_there() -> None:
    reader = read(render(ORDINARY))
    tags = list(structure(reader))

    assert [tag["/S"] for tag in tags if tag["/S"] in {"/H1", "/H2", "/H3"}] == ["/H1", "/H2", "/H2", "/H2"]
    assert [tag["/Alt"] for tag in tags if tag["/S"] == "/Figure"] == [f"QR code that opens {URL}"]
    assert root(reader)["/Lang"] == "en-GB"
    assert root(reader)["/MarkInfo"]["/Marked"]
    assert root(reader)["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert reader.metadata.title == (
        "Certificate of completion: Siân Ŵyn-Hughes, Responding when children share nudes and semi-nudes"
    )
    assert reader.metadata.author == "Dee Valley Learning Trust"
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.date() == date(2026, 11, 22)


def test_content_in_a_language_we_have_no_words_for_is_marked_as_such() -> None:
    facts = replace(ORDINARY, language="gd", module_title="Nuair a bhios clann a’ roinn dhealbhan rùisgte")
    reader = read(render(facts))

    assert root(reader)["/Lang"] == "en-GB"
    assert "gd-GB" in {tag.get("/Lang") for tag in structure(reader)}


def test_a_welsh_modules_certificate_is_in_welsh() -> None:
    facts = replace(
        ORDINARY,
        language="cy",
        module_title="Ymateb pan fydd plant yn rhannu delweddau noeth a hanner noeth",
        outcomes=("Gwybod wrth bwy i ddweud.",),
        nation="wales",
        audience="school",
        minutes=1,
        review_status="draft",
    )
    reader = read(render(facts))
    said = " ".join(reader.pages[0].extract_text().split())

    assert root(reader)["/Lang"] == "cy-GB"
    assert "Tystysgrif cwblhau" in said
    assert "Cwblhawyd ar 22 Tachwedd 2026" in said
    assert "Cymru" in said
    assert "Staff ysgolion" in said
    assert "1 funud" in said
    assert "Ei statws: drafft." in said
    assert "Certificate" not in said


def test_every_language_has_all_the_words() -> None:
    english = certificate_pdf._words("en")
    for language in certificate_pdf.languages():
        words = certificate_pdf._words(language)
        assert words.keys() == english.keys()
        for named in ("nations", "audiences", "statuses"):
            assert words[named].keys() == english[named].keys()
        plain = {name for name, text in words.items() if isinstance(text, str)}
        assert all(words[name].count("{}") == english[name].count("{}") for name in plain)
        assert len(words["months"]) == 12


@pytest.mark.parametrize(
    "name",
    [
        '#panic("x")',
        "*bold* _it_ `raw`",
        "$x^2$ @ref <label>",
        '"}] \\u{41} \\ "',
        "https://a.example // no /* comment",
        "= Heading",
        "{} {0} %s",
    ],
)
def test_what_looks_like_code_is_printed_as_typed(name: str) -> None:
    facts = replace(
        ORDINARY,
        holder_name=name,
        module_title=name,
        outcomes=(name,),
        school=name,
        provider=name,
        review_status=name,
    )

    assert unspaced(text_of(facts)).count(unspaced(name)) == 7


@pytest.mark.parametrize(
    "name",
    ["Ŵyn Llŷr ap Gruffydd", "Αλέξανδρος Παπαδόπουλος", "Юлія Ґалаґан", "Nguyễn Thị Hằng", "Zoë Ní Bhriain"],
)
def test_names_of_many_alphabets_can_be_copied_out_intact(name: str) -> None:
    assert f"This certifies that {name} has completed" in text_of(replace(ORDINARY, holder_name=name))


def test_a_name_in_separate_accents_is_composed() -> None:
    assert "Siân" in text_of(replace(ORDINARY, holder_name="Sia\u0302n"))


def test_letters_that_no_font_here_has_never_fail_and_stay_in_the_title() -> None:
    name = "Xiaoming (\U000300bf 小\u0378明) Wang"
    reader = read(render(replace(ORDINARY, holder_name=name)))

    text = reader.pages[0].extract_text()
    assert "Xiaoming" in text
    assert "This document's title holds it in full." in text
    assert reader.metadata is not None
    assert reader.metadata.title is not None
    assert "Xiaoming (\U000300bf 小明) Wang" in reader.metadata.title


def test_invisible_and_deceiving_characters_are_left_out() -> None:
    name = "Ann\x00\u202e\ufeff\ue000\ud800 \n Lee"

    assert "This certifies that Ann Lee has" in text_of(replace(ORDINARY, holder_name=name))


@pytest.mark.parametrize("facts", [LONGEST, BEYOND_REASON], ids=["longest", "beyond-reason"])
def test_the_longest_facts_fit_one_page_and_nothing_is_cut(facts: CertificateFacts) -> None:
    (only_page,) = read(render(facts)).pages
    origins: list[tuple[float, float]] = []

    def note(text: str, cm: list[float], tm: list[float], font: Any, size: float) -> None:
        if text.strip():
            x, y = tm[4], tm[5]
            origins.append((cm[0] * x + cm[2] * y + cm[4], cm[1] * x + cm[3] * y + cm[5]))

    packed = unspaced(only_page.extract_text(visitor_text=note))

    for words in (facts.holder_name, facts.module_title, facts.school, *facts.outcomes, "not legal advice."):
        assert unspaced(words) in packed
    millimetre = 72 / 25.4
    assert min(x for x, _ in origins) >= 21.9 * millimetre
    assert max(x for x, _ in origins) <= 188 * millimetre
    assert min(y for _, y in origins) >= 21.9 * millimetre
    assert max(y for _, y in origins) <= 275 * millimetre


def test_the_same_facts_give_the_same_bytes_in_any_thread() -> None:
    facts = [replace(ORDINARY, holder_name=f"Person {n}") for n in range(4)]
    expected = [render(f) for f in facts]
    seen: list[list[bytes]] = []
    threads = [threading.Thread(target=lambda: seen.append([render(f) for f in facts])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [expected] * 3


def test_the_credential_travels_inside() -> None:
    credential = json.dumps({"type": ["VerifiableCredential", "OpenBadgeCredential"], "name": "Siân"})
    pdf = render(ORDINARY, credential=credential)

    assert read(pdf).attachments["credential.json"] == [credential.encode()]
    for profile in (page.ValidationProfile.PDF_UA_1, page.ValidationProfile.PDF_A_3A):
        assert page.validate_pdf_bytes(pdf, profile=profile).is_compliant


@pytest.mark.parametrize(
    "untrue",
    [
        {"holder_name": " \u200b"},
        {"module_title": ""},
        {"code": ""},
        {"verify_url": ""},
        {"verify_url": "javascript:alert(1)"},
        {"percentage": 79},
    ],
)
def test_a_certificate_that_would_be_untrue_or_useless_is_refused(untrue: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"certificate needs|below the pass mark"):
        render(replace(ORDINARY, **untrue))
