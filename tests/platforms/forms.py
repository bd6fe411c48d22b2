"""The forms of a page, and what a browser sends of one when it is submitted."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from django.http import HttpResponse


@dataclass
class Form:
    """`fields`: what would be sent as it stands. `actions`: where its buttons lead, by their words."""

    id: str
    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)

    def one(self, name: str) -> str:
        (value,) = self.fields[name]
        return value


def read_forms(page: str) -> list[Form]:
    """The forms that are a page's own: each page has the switch to the other language besides."""
    reader = _Reader()
    reader.feed(page)
    return [form for form in reader.forms if form.action != "/language/"]


def form_of(page: HttpResponse, id: str) -> Form:
    """The page's form of that id."""
    forms = {form.id: form for form in read_forms(page.content.decode())}
    assert id in forms, page.content.decode()
    return forms[id]


def way_back(page: HttpResponse) -> Form:
    """The form that takes the browser back to the VLE: the one that leaves our site."""
    (form,) = [form for form in read_forms(page.content.decode()) if form.action.startswith("http")]
    return form


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = self._text = ""
        self._button: tuple[Form, str] | None = None

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        form = next((f for f in self.forms if f.id == said.get("form")), self._form)
        if tag == "form":
            method = said.get("method", "get").lower()
            self._form = Form(said.get("id", ""), said.get("action", ""), method)
            self.forms.append(self._form)
        elif form is None:
            return
        elif tag == "input" and said.get("name"):
            sent = said.get("type") not in {"checkbox", "radio", "submit"} or "checked" in said
            values = form.fields.setdefault(said["name"], [])
            if sent:
                values.append(said.get("value", ""))
        elif tag in {"select", "textarea"} and said.get("name"):
            self._select, self._text = (said["name"], "") if tag == "select" else ("", said["name"])
            form.fields[said["name"]] = [] if tag == "select" else [""]
        elif tag == "option" and self._select and ("selected" in said or not form.fields[self._select]):
            form.fields[self._select] = [said.get("value", "")]
        elif tag == "button" and said.get("type", "submit") == "submit":
            self._button = (form, said.get("formaction", form.action))

    def handle_data(self, data: str) -> None:
        if self._button and data.strip():
            form, action = self._button
            form.actions[data.strip()] = action
        if self._text and self._form:
            self._form.fields[self._text][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "button":
            self._button = None
        elif tag in {"select", "textarea"}:
            self._select = self._text = ""
