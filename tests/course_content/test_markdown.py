from django.utils.safestring import SafeString

from course_content.markdown import render


def test_it_renders_what_lessons_use() -> None:
    html = render("## Head\n\nSay **no** and *why*.\n\n1. one\n2. two\n\n> quoted\n")
    assert html == (
        "<h2>Head</h2>\n<p>Say <strong>no</strong> and <em>why</em>.</p>\n"
        "<ol>\n<li>one</li>\n<li>two</li>\n</ol>\n<blockquote>\n<p>quoted</p>\n</blockquote>\n"
    )
    assert isinstance(html, SafeString)


def test_tables_are_kept() -> None:
    assert "<td>2</td>" in render("| a | b |\n|---|---|\n| 1 | 2 |\n")


def test_html_is_shown_as_text_and_never_as_markup() -> None:
    html = render("<script>alert(1)</script>\n\nhi <b onclick=x>there</b>")
    assert "<script" not in html
    assert "<b" not in html


def test_an_official_link_opens_apart_and_safely() -> None:
    html = render("[page](https://www.gov.uk/a)")
    assert 'href="https://www.gov.uk/a"' in html
    assert 'rel="noopener"' in html
    assert 'target="_blank"' in html


def test_any_other_link_loses_its_address() -> None:
    for url in (
        "https://example.com",
        "http://www.gov.uk/",
        "javascript:alert(1)",
        "//gov.uk/x",
        "/admin/",
        "https://gov.uk@example.com/",
        "https://example.com%5C.gov.uk/",
        "https://notgov.uk/",
        "https://www.gov.uk:8443/",
        "mailto:a@b.example",
    ):
        assert "href" not in render(f"[x]({url})"), url


def test_images_never_appear() -> None:
    html = render("![x](https://www.gov.uk/x.png) ![y](data:image/png;base64,AA)")
    assert "<img" not in html


def test_a_call_out_says_its_kind_in_words() -> None:
    html = render("Before\n::: never\nNever **look**.\n\n- not once\n:::\nAfter")
    assert html == (
        "<p>Before</p>\n"
        '<div class="callout callout-never">\n<p class="callout-title">Never</p>\n'
        "<p>Never <strong>look</strong>.</p>\n<ul>\n<li>not once</li>\n</ul>\n</div>\n"
        "<p>After</p>\n"
    )


def test_a_call_out_left_open_runs_to_the_end() -> None:
    assert render("::: do\nTell.").count("</div>") == 1


def test_an_unknown_call_out_is_plain_text() -> None:
    html = render("::: danger\nx\n:::")
    assert "<div" not in html
    assert "::: danger" in html
