"""What every page is rendered with: language, texts, the caller, and the addresses of static files."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment

from consumer.http.auth.authenticator import Caller
from consumer.http.auth.tokens import Right
from consumer.http.html import compress, html_response, template_environment
from consumer.http.jobs.job_path import job_page_url, job_url
from consumer.http.page import static
from consumer.http.page.formatting import Formatter
from consumer.http.page.language import Language, choose_language
from consumer.http.page.texts.catalog import Texts, load_texts, to_html, to_sentence
from consumer.http.page.views import actions, announcement, corrections, progress, source, waiting

LANGUAGE_COOKIE = "migration-language"
FRAGMENT_HEADER = "hx-request"
"""Sent by the script that refreshes a part of a page."""


@dataclass(frozen=True, slots=True)
class PageContext:
    """One request for a page. `caller` is None where it is not known, as on the page to sign in."""

    request: Request
    caller: Caller | None
    language: Language

    @classmethod
    def of(cls, request: Request, caller: Caller | None = None) -> "PageContext":
        """The context of a request, in the language of its cookie or its headers."""
        language = choose_language(
            request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language")
        )
        return cls(request, caller, language)

    @property
    def texts(self) -> Texts:
        """All texts in the language."""
        return load_texts(self.language)

    @property
    def is_fragment(self) -> bool:
        """Whether the script asks for a part of a page."""
        return FRAGMENT_HEADER in self.request.headers

    @property
    def address(self) -> str:
        """Path and query of the page, to come back to."""
        query = self.request.url.query
        path = str(self.request.scope["path"])
        return f"{path}?{query}" if query else path

    def has(self, right: str) -> bool:
        """Whether the caller has a right, by its name."""
        return self.caller is not None and Right(right) in self.caller.rights

    @property
    def rights_in_words(self) -> str:
        """What the caller may do."""
        rights = sorted(self.caller.rights) if self.caller is not None else []
        return ", ".join(self.texts(f"ui.sign_in.right_{right}") for right in rights)

    def render(self, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page or a part of one; raises jinja2.UndefinedError if the template needs more values."""
        text = (
            _environment()
            .get_template(template)
            .render(
                page=self,
                t=self.texts,
                fmt=Formatter(self.language),
                **values,
            )
        )
        response = html_response(
            text, status, script_src="'self'", connect_src="'self'", form_action="'self'"
        )
        response.headers["cache-control"] = "private, no-store"
        response.headers["referrer-policy"] = (
            "same-origin"  # `no-referrer` would make the Origin of forms null
        )
        response.headers["vary"] = "accept-encoding, accept-language, cookie, hx-request"
        response.headers["content-language"] = self.language
        compress(response, self.request.headers)
        return response


@cache
def _environment() -> Environment:
    functions: dict[str, Callable[..., Any]] = {
        "static_url": static.url,
        "job_page_url": job_page_url,
        "job_url": job_url,
        "quote": lambda text: quote(text, safe=""),
        "segments": progress.segments,
        "progress_of": progress.progress,
        "took": progress.took,
        "announce_job": announcement.announce_job,
        "announce_list": announcement.announce_list,
        "source_of": source.source_of,
        "needs_another_file": actions.needs_another_file,
        "needs_another_limit": actions.needs_another_limit,
        "is_live": progress.is_live,
        "is_check": progress.is_check,
        "outcomes_of": progress.outcomes,
        "can_be_corrected": corrections.can_be_corrected,
        "is_cancelling": progress.is_cancelling,
        "waiting_text": waiting.waiting_text,
        "markup": to_html,
        "sentence": to_sentence,
    }
    return template_environment("consumer.http.page", **functions)
