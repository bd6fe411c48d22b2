"""What teaching costs: a lesson's page, a moment of a story, drawing and marking a paper, and reading the packs.

    python -m tests.bench.bench_content [--pages 200] [--runs 5] [--module half-day]

Prints CPU-ms (user+sys of this process, SQLite) as ratios to floors of the same run: a page of the same base
template without a query, and reading a paper from its JSON. The largest lesson and the longest story are taken.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.measure import PUBLIC_URL, Figure, repeat, tool_environment

HOST = PUBLIC_URL.removeprefix("https://")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pages", type=int, default=200, help="in one run")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--module", default="half-day")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(tool_environment(folder, ""), DJANGO_SETTINGS_MODULE="deploy.settings")
        import django

        django.setup()
        measure(options.module, options.pages, options.runs)


def measure(slug: str, pages: int, runs: int) -> None:
    from django.core import signing
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    from course_content import catalogue, marking
    from course_content.packs import Pack
    from grading.papers import Paper
    from tests import factories

    def figure(name: str, work: Callable[[], object], each: int) -> Figure:
        work()

        def many() -> None:
            for _ in range(each):
                work()

        return repeat(name, runs, each, many, time.process_time)

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    module = catalogue.get_module(slug)
    enrolment = factories.make_enrolment(factories.make_activity(factories.make_link(), module=slug))
    user = enrolment.lti_user
    client = Client(headers={"host": HOST, "x-forwarded-proto": "https"})
    signed = signing.TimestampSigner(salt="lti.user").sign(f"{user.registration_id}.{user.pk}")
    client.cookies[f"sr-user-{user.registration_id}"] = signed

    def page(address: str) -> Callable[[], None]:
        def get() -> None:
            response = client.get(address, secure=True)
            assert response.status_code == 200, (address, response.status_code)

        return get

    lesson = max(module.lessons, key=lambda one: len(one.body))
    story = max(module.scenarios, key=lambda one: len(one.nodes))
    walk = [enrolment.pk, story.slug]
    client.post(reverse("learn:scenario-begin", args=walk), secure=True)
    bare = figure("floor: a page without a query", page(reverse("help-now")), pages)
    print(f"Teaching, module {module.slug}, {runs} runs of {pages}")
    print(bare.line())
    for name, address in (
        ("the module's page", reverse("learn:module", args=[enrolment.pk])),
        (
            f"a lesson ({len(lesson.body) // 1000} kB, {len(lesson.exercises)} exercises)",
            reverse("learn:lesson", args=[enrolment.pk, lesson.slug]),
        ),
        (f"a moment of a story of {len(story.nodes)}", reverse("learn:scenario", args=walk)),
    ):
        print(figure(name, page(address), pages).line(bare))

    paper = marking.draw_paper(module, seed=1)
    answers = {question.id: list(question.answer) for question in marking.read_questions(paper)}
    text = json.dumps(paper.to_json())
    read = figure("floor: a paper from its JSON", lambda: Paper.from_json(json.loads(text)), pages)
    print(read.line())
    print(
        figure(f"drawing {len(paper.questions)} questions", lambda: marking.draw_paper(module), pages).line(
            read
        )
    )
    marked = figure(
        f"marking {len(paper.questions)} questions", lambda: marking.mark_paper(paper, answers), pages
    )
    print(marked.line(read))

    folder = Path(catalogue.BUILT_IN) / "responding"
    print(figure("reading the pack's files", lambda: Pack(folder), 1).line())

    def first() -> None:
        pack = Pack(folder)
        form = next(one for one in pack.forms if one.slug == slug)
        assert pack.made(form, form.usual).module is not None

    def every() -> None:
        pack = Pack(folder)
        form = next(one for one in pack.forms if one.slug == slug)
        assert all(pack.made(form, variant).module is not None for variant in form.variants)

    print(figure("  and making one variant of the form", first, 1).line())
    print(figure("  and making every variant of it", every, 1).line())


if __name__ == "__main__":
    main()
