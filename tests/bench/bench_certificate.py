"""What a certificate costs to draw.

    python -m tests.bench.bench_certificate [--certificates 40] [--runs 5]

Prints CPU-ms (user+sys, typst's own threads included) of one certificate, warm and cold, as a ratio to floors
measured in the same run: one line of text as a PDF by typst, to the same standards and to none. Every
certificate has its own name, number and QR code, so nothing is answered from a cache. The aim is at most 15.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import version
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import typst

from grading.certificate_pdf import FONT_DIR, CertificateFacts, render
from tests.bench.measure import ROOT, Figure, repeat
from tests.grading.test_certificate_pdf import LONGEST, ORDINARY

AIM = 15
ONE_LINE = """\
#set document(title: "Floor", date: datetime(year: 2026, month: 1, day: 1))
#set text(font: "Noto Sans", lang: "en")
#title[Floor]
#json(bytes(sys.inputs.certificate)).name
"""
COLD = """\
import time
from tests.grading.test_certificate_pdf import ORDINARY
from grading.certificate_pdf import render
before = time.process_time()
render(ORDINARY)
print(time.process_time() - before)
"""


def certificates(facts: CertificateFacts) -> Callable[[], bytes]:
    """Draws the next of an endless line of different certificates."""
    numbers = count()

    def draw() -> bytes:
        n = next(numbers)
        code = f"7QX4-M2KD-{n:04}"
        return render(
            replace(
                facts,
                holder_name=f"{facts.holder_name} {n}",
                code=code,
                verify_url=f"https://training.example/verify/{code}/",
            )
        )

    return draw


def floor(folder: str, standards: list[str]) -> Callable[[], bytes]:
    source = Path(folder) / "floor.typ"
    source.write_text(ONE_LINE)
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONT_DIR])
    compiler = typst.Compiler(source, root=folder, font_paths=fonts)
    numbers = count()

    def draw() -> bytes:
        inputs = {"certificate": json.dumps({"name": f"Person {next(numbers)}"})}
        return compiler.compile(format="pdf", sys_inputs=inputs, pdf_standards=standards, timestamp=0)  # type: ignore[arg-type, return-value]

    return draw


def warm(name: str, draw: Callable[[], bytes], runs: int, each: int) -> tuple[Figure, int]:
    """CPU-ms of one, after two that are not counted, and the size of one in bytes."""
    draw()
    size = len(draw())

    def many() -> None:
        for _ in range(each):
            draw()

    return repeat(name, runs, each, many, time.process_time), size


def cold(runs: int) -> Figure:
    """The first certificate of a fresh process, without Python's own start and imports."""

    def seconds() -> Iterator[float]:
        for _ in range(runs):
            yield float(subprocess.check_output([sys.executable, "-c", COLD], cwd=ROOT, text=True))

    return Figure("first of a process", tuple(s * 1000 for s in seconds()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--certificates", type=int, default=40, help="in one run")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()

    with TemporaryDirectory() as folder:
        bare, _ = warm("floor: one line, no standard", floor(folder, []), options.runs, options.certificates)
        same, _ = warm(
            "floor: one line, PDF/UA-1 and PDF/A-3a",
            floor(folder, ["ua-1", "a-3a"]),
            options.runs,
            options.certificates,
        )
    print(f"Certificates, typst {version('typst')}, {options.runs} runs of {options.certificates}")
    print(bare.line())
    print(same.line())
    for name, facts in (("ordinary", ORDINARY), ("longest: several sizes are tried", LONGEST)):
        figure, size = warm(name, certificates(facts), options.runs, options.certificates)
        print(f"{figure.line(same)}  {size / 1000:.0f} kB")
    print(cold(options.runs).line(same))
    print(f"  aim: an ordinary one, warm, in at most {AIM} CPU-ms")


if __name__ == "__main__":
    main()
