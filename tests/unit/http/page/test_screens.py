"""Every screen in every state, in both languages: it renders, escapes texts, and has no inline code."""

import dataclasses
import gzip
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi import Request
from fastapi.responses import HTMLResponse

from consumer.http.auth.authenticator import ANONYMOUS, Caller
from consumer.http.auth.tokens import Right
from consumer.http.jobs.job_path import job_page_url
from consumer.http.page.context import PageContext
from consumer.http.page.errors import problem_page
from consumer.http.page.language import Language
from consumer.http.page.routes.jobs import ListQuery
from consumer.http.page.routes.new_import import FORMS, ImportOptions
from consumer.http.page.routes.rejected import RejectedPageQuery
from consumer.http.page.views.actions import allowed_actions
from consumer.http.page.views.column_mapping import FIELD_PREFIX, can_map_columns, mapping_form
from consumer.http.page.views.corrections import can_be_corrected, state_facets
from consumer.http.page.views.dry_run import dry_run_result
from consumer.http.page.views.notices import Notices
from consumer.http.page.views.rejected import facets, parse_row
from consumer.http.page.views.timeline import timeline
from consumer.http.problem import ProblemError
from consumer.http.requests.dry_run_import import UPLOAD_RETENTION
from consumer.lifecycle import AttemptOutcome
from consumer.store.attempts import AttemptRecord
from consumer.store.job_list import JobListPage
from consumer.store.jobs import Job
from consumer.store.rejected_counts import RejectedCount
from consumer.store.rejected_pages import RowState
from consumer.store.row_marks import CorrectedBy, RowMark
from consumer.waiting import WAITING_FOR_QUOTA, waiting_for_version
from schemas import examples
from schemas.codes import ErrorCode, ProblemCode, RejectCode, WarningCode
from schemas.status import Phase, Status, StatusEvent
from tests.support.jobs import CREATED_AT, make_job

HOSTILE = "<script>alert(1)</script>\"'&\u202e"
READER = Caller("reader", frozenset({Right.READ}))
VOID = {"meta", "link", "img", "input", "br", "hr", "rect"}


def make_page(language: Language, caller: Caller | None = ANONYMOUS) -> PageContext:
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/jobs/a%2Fb",
        "query_string": b"x=1&y=2",
        "headers": [],
    }
    return PageContext(Request(scope), caller, language)


class Structure(HTMLParser):
    """Checks that elements are closed in order, and collects what a page may not contain."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = dict(attributes)
        if (tag == "script" and "src" not in names) or tag == "style":
            self.inline.append(tag)
        self.inline += [name for name in names if name == "style" or name.startswith("on")]
        if identifier := names.get("id"):
            self.ids.append(identifier)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def check(response: HTMLResponse) -> str:
    """The text of a page whose structure is right; raises AssertionError."""
    html = bytes(response.body).decode()
    structure = Structure()
    structure.feed(html)
    assert structure.open == []
    assert structure.inline == []
    assert len(structure.ids) == len(set(structure.ids)), "an id is used twice"
    assert "<script>alert" not in html
    assert "None" not in "".join(structure.text)
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    return re.sub(r"\s+", " ", "".join(structure.text))


def make_attempt(**changes: Any) -> AttemptRecord:
    values: dict[str, Any] = {
        "token": 5,
        "run": 1,
        "attempt": 1,
        "replica": "importer-1:7:5c0f",
        "requested_by": HOSTILE,
        "from_checkpoint": None,
        "to_checkpoint": 100,
        "outcome": AttemptOutcome.COMPLETED,
        "error_code": None,
        "claims": 1,
        "started_at": CREATED_AT,
        "ended_at": CREATED_AT + timedelta(seconds=95),
    }
    return AttemptRecord(**values | changes)


COUNTED = {"total": 155_000, "processed": 140_000, "inserted": 100_000, "updated": 20_000}
COUNTED |= {"unchanged": 15_000, "duplicates": 5_000, "failed": 10_000}
RUNNING = {"status": Status.RUNNING, "attempt": 1, "started_at": CREATED_AT, "attempt_started_at": CREATED_AT}
LATER = {"now": CREATED_AT + timedelta(seconds=5)}
ENDED = {"completed_at": CREATED_AT + timedelta(minutes=2)}
DRY_RUN = {"dry_run": True, "phase": Phase.CHECK}
CHECKED = {**DRY_RUN, "total": 10, "processed": 7, "duplicates": 1, "failed": 3}
CORRECTION = {
    "corrects": {"request_id": HOSTILE, "corrected": 5, "dismissed": 3, "open": 9_992},
    "processed": 5, "updated": 5, "untouched": 7, "dismissed": 3, "already_corrected": 2,
}  # fmt: skip
CORRECTED = {**COUNTED, "rows_corrected": 4_000, "rows_dismissed": 1_000}
JOBS = {
    "pending": make_job(),
    "pending after an error": make_job(error_code="source_unavailable", error_message="timeout"),
    "running without a total": make_job(**RUNNING),
    "running with rows and no total": make_job(**RUNNING, **LATER, processed=5, inserted=5),
    "running": make_job(**RUNNING, **LATER, **COUNTED, warnings=dict.fromkeys(WarningCode, 1)),
    "waiting for quota": make_job(**RUNNING, detail=WAITING_FOR_QUOTA),
    "waiting for something new": make_job(**RUNNING, detail=HOSTILE),
    "cancelling": make_job(**RUNNING, cancel_requested=True, **COUNTED),
    "completed": make_job(status=Status.COMPLETED, **ENDED, **COUNTED),
    "all rejected": make_job(status=Status.COMPLETED, total=3, failed=3, **ENDED),
    "cancelled": make_job(status=Status.CANCELLED, **ENDED),
    "hostile texts": make_job(
        request_id=HOSTILE, source_identifier=HOSTILE, requested_by=HOSTILE, dataset=HOSTILE,
        status=Status.FAILED, error_code="a_new_code", error_message=HOSTILE, warnings={"a_new_one": 5},
    ),
    "checking in a dry run": make_job(**RUNNING, **LATER, **DRY_RUN, total=10, processed=5, duplicates=1),
    "checking before the load": make_job(**RUNNING, phase=Phase.CHECK, all_or_nothing=True, total=10),
    "checked": make_job(status=Status.COMPLETED, **ENDED, **CHECKED),
    "correction": make_job(status=Status.COMPLETED, **ENDED, **CORRECTION, total=17),
    "correction that runs": make_job(**RUNNING, **LATER, **CORRECTION, total=100),
    "corrected": make_job(status=Status.COMPLETED, **ENDED, **CORRECTED),
    "stopped early": make_job(
        status=Status.FAILED, error_code="too_many_rejects", error_message="5 of 5", failed=5, **ENDED
    ),
    "waiting for a version": make_job(detail=waiting_for_version(["corrects"])),
    **{
        f"failed: {code}": make_job(status=Status.FAILED, error_code=code, error_message="why", **ENDED)
        for code in ErrorCode
    },
}  # fmt: skip
REJECTED = [
    RejectedCount("inn", "inn", 9_201),
    RejectedCount("refused_by_database", None, 799),
    RejectedCount("a_new_code", "a_new_field", 1),
]
ROW = {
    "row_number": 4711,
    "record_identifier": HOSTILE,
    "errors": [
        {"field": "inn", "code": "inn", "message": HOSTILE},
        {"field": "a_new_field", "code": "a_new_code", "message": "?"},
        {"field": None, "code": "refused_by_database", "message": "refused"},
    ],
    "record": {"ИНН": HOSTILE, HOSTILE: "x" * 5_000, "Пусто": None, **{f"c{i}": i for i in range(300)}},
    "kinds": {"ИНН": "error", "c1": "formula", "c2": "date"},
    "record_cut": {"cut": [HOSTILE], "left_out": 12},
    "state": "open",
}

MARKS = {
    RowState.OPEN: None,
    RowState.CORRECTED: RowMark(CorrectedBy("mended", HOSTILE), None, None),
    RowState.DISMISSED: RowMark(None, HOSTILE, CREATED_AT),
}
SAMPLE: dict[str, Any] = {
    "row": 1,
    "missing": [{"field": "url", "nearest": HOSTILE}, {"field": "a_new_field", "nearest": None}],
    "columns": [
        {"column": "A", "header": "ИНН", "field": "inn", "samples": []},
        {"column": "B", "header": HOSTILE, "field": None, "samples": ["https://max.ru/join/1", HOSTILE]},
        {"column": "C", "header": "x", "field": "a_newer_field", "samples": ["1"]},
    ],
    "left_out": 5,
}

LANGUAGES = pytest.mark.parametrize("language", list(Language))
ASKED = Notices.of({"asked": "retry", "at": "1764500000", "run": "1"})
CALLERS = pytest.mark.parametrize("caller", [ANONYMOUS, READER], ids=["all rights", "reader"])
ACTOR = Caller("actor", frozenset({Right.READ, Right.ACT}))
VIEWER = Caller("viewer", frozenset({Right.READ, Right.ROWS}))


def job_values(job: Job, page: PageContext, notices: Notices = Notices()) -> dict[str, Any]:  # noqa: B008
    assert page.caller is not None
    attempts = [make_attempt(outcome=None, ended_at=None, replica="b:1:x", claims=3, token=9)]
    attempts += [make_attempt(outcome=outcome, error_code="source_unavailable") for outcome in AttemptOutcome]
    return {
        "job": job,
        "attempts": list(timeline(attempts)),
        "rejected": REJECTED if job.failed else [],
        "actions": allowed_actions(job, page.caller),
        "asked": notices.asked,
        "notices": notices,
        "corrections": [JOBS["correction"], JOBS["correction that runs"]] if job.rows_corrected else [],
        "completed_since": 3 if job.rows_corrected or job.corrects else 0,
        "corrected": JOBS["corrected"] if job.corrects and job.status.terminal else None,
        "dry_run": dry_run_result(job, None),
        "has_sample": can_map_columns(job),
        "identifier": job.request_id,
        "command_id": "0f",
        "etag": 'W/"1"',
    }


@LANGUAGES
@CALLERS
@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_job(job: Job, language: Language, caller: Caller) -> None:
    page = make_page(language, caller)
    text = check(page.render("job.html", **job_values(job, page)))
    assert job.source_identifier in text
    assert page.texts(f"status.{job.status}") in text or job.cancel_requested
    if job.error is not None:
        assert job.error.message in text
        assert job.error.code in text
    check(page.render("job_state.html", **job_values(job, page)))


@LANGUAGES
@pytest.mark.parametrize(
    ("caller", "code", "notices", "asks"),
    [
        (ANONYMOUS, ErrorCode.TOO_MANY_REJECTS, Notices(), True),
        (READER, ErrorCode.TOO_MANY_REJECTS, Notices(), False),
        (ANONYMOUS, ErrorCode.TOO_MANY_REJECTS, ASKED, False),
        (ANONYMOUS, ErrorCode.TIMEOUT, Notices(), False),
    ],
)
def test_job_with_too_many_rejected_rows_asks_for_another_limit(
    caller: Caller, code: ErrorCode, notices: Notices, asks: bool, language: Language
) -> None:
    page = make_page(language, caller)
    job = make_job(status=Status.FAILED, error_code=code, error_message="why", max_rejected="7%", **ENDED)
    response = page.render("job_state.html", **job_values(job, page, notices))
    check(response)
    html = bytes(response.body).decode()
    assert ('name="max_rejected" value="7%"' in html) == asks
    assert ('popovertarget="confirm-retry"' in html) == (code is ErrorCode.TIMEOUT)


@LANGUAGES
@pytest.mark.parametrize("name", ["checked", "completed"])
def test_warnings_of_a_check_do_not_say_that_rows_are_stored(name: str, language: Language) -> None:
    page, job = make_page(language), dataclasses.replace(JOBS[name], warnings={"date_ignored": 5})
    text = check(page.render("job_state.html", **job_values(job, page)))
    assert (page.texts("ui.job.warnings_hint") in text) == (name == "completed")
    assert (page.texts("ui.check.warnings_hint") in text) == (name == "checked")


@pytest.mark.parametrize(
    ("name", "has_bar"), [("running with rows and no total", True), ("stopped early", False)]
)
def test_only_a_live_job_has_a_bar_without_an_end(name: str, has_bar: bool) -> None:
    page = make_page(Language.EN)
    for template, values in (
        ("job_state.html", job_values(JOBS[name], page)),
        ("jobs_state.html", {"query": ListQuery.of({}), "listed": JobListPage([JOBS[name]], None)}),
    ):
        response = page.render(template, **values)
        check(response)
        html = bytes(response.body).decode()
        assert ('class="bar open"' in html) == has_bar
        assert page.texts("ui.jobs.rows_so_far", n=5) not in html or has_bar


@LANGUAGES
def test_refused_limit_is_explained_where_it_was_entered(language: Language) -> None:
    page, job = make_page(language), JOBS["failed: too_many_rejects"]
    response = page.render("job_state.html", **job_values(job, page, Notices.of({"refused": "limit"})))
    assert page.texts("ui.job.limit_refused") in check(response)
    assert 'aria-invalid="true"' in bytes(response.body).decode()


@LANGUAGES
@CALLERS
@pytest.mark.parametrize("name", ["correction", "correction that runs"])
def test_correction_names_what_it_corrects(name: str, language: Language, caller: Caller) -> None:
    page = make_page(language, caller)
    response = page.render("job_state.html", **job_values(JOBS[name], page))
    text = check(response)
    assert f'href="{job_page_url(HOSTILE)}"' in bytes(response.body).decode()
    assert page.texts("ui.correction.completed_since", n=3) in text


@LANGUAGES
@pytest.mark.parametrize(
    "query",
    [
        {"asked": "cancel", "at": "1764500000", "run": "1"},
        {"asked": "retry", "at": "1764500000", "run": "1"},
        {"refused": "cancel"},
        {"refused": "retry"},
        {"refused": "limit"},
    ],
)
def test_notices_of_a_job(query: dict[str, str], language: Language) -> None:
    page, notices = make_page(language), Notices.of(query)
    plain = check(page.render("job_state.html", **job_values(JOBS["running"], page)))
    assert check(page.render("job_state.html", **job_values(JOBS["running"], page, notices))) != plain


@pytest.mark.parametrize(
    "query",
    [
        {"asked": "delete", "at": "1", "run": "1"},
        {"asked": "cancel", "at": "-1", "run": "1"},
        {"asked": "cancel", "at": "²", "run": "1"},
        {"asked": "cancel", "at": "9" * 19, "run": "1"},
        {"refused": "<b>"},
    ],
)
def test_unusable_notices_are_ignored(query: dict[str, str]) -> None:
    notices = Notices.of(query)
    assert (notices.asked, notices.refused) == (None, None)


@LANGUAGES
@CALLERS
@pytest.mark.parametrize(
    ("jobs", "query", "next_before"),
    [
        (list(JOBS.values()), {"before": "100"}, 5),
        ([], {}, None),
        ([], {"q": HOSTILE, "status": "failed"}, None),
        ([], {"q": HOSTILE}, 7),
    ],
    ids=["all states", "empty", "nothing found", "nothing found so far"],
)
def test_list(
    jobs: list[Job], query: dict[str, str], next_before: int | None, language: Language, caller: Caller
) -> None:
    page = make_page(language, caller)
    numbered = [make_job(**{name: getattr(job, name) for name in Job.__dataclass_fields__} | {"id": n})
                for n, job in enumerate(jobs)]  # fmt: skip
    values: dict[str, Any] = {"query": ListQuery.of(query), "listed": JobListPage(numbered, next_before)}
    text = check(page.render("jobs.html", etag="", **values))
    assert ("migration start excel" in text) == (not jobs and not query)
    check(page.render("jobs_state.html", **values))


@LANGUAGES
@CALLERS
@pytest.mark.parametrize(
    "query",
    [{}, {"code": "inn", "field": "inn", "q": "47"}, {"field": "-", "after": "1.5"}, {"state": "corrected"}],
)
@pytest.mark.parametrize("has_rows", [True, False])
@pytest.mark.parametrize("name", ["completed", "corrected", "correction", "checked", "running"])
def test_rejected_rows(
    query: dict[str, str], has_rows: bool, name: str, language: Language, caller: Caller
) -> None:
    job = dataclasses.replace(JOBS[name], failed=10_000)
    page = make_page(language, caller)
    codes, fields = facets(
        [*REJECTED, *(RejectedCount(code, "name", 1) for code in RejectCode)], query.get("code")
    )
    rows = [parse_row(json.dumps(ROW | {"state": state}), {"inn": "ИНН"}, MARKS[state]) for state in RowState]
    response = page.render(
        "rejected.html",
        job=job,
        query=RejectedPageQuery.of(query),
        path="/jobs/a/rejected",
        codes=codes,
        fields=fields,
        states=state_facets(job),
        correctable=can_be_corrected(job),
        max_bytes=2**20,
        rows=rows if has_rows else [],
        next_after="1.9",
        is_removed=not has_rows and not query,
    )
    text = check(response)
    assert ("4711" in text) == (has_rows and caller is ANONYMOUS)
    has_marks = has_rows and caller is ANONYMOUS and name == "corrected"
    assert ('href="/jobs/mended"' in bytes(response.body).decode()) == has_marks
    takes_file = caller is ANONYMOUS and name in {"completed", "corrected", "correction"}
    is_offered = has_rows or bool(query)
    assert (page.texts("ui.correct.start") in text) == (takes_file and is_offered)
    is_correctable = name in {"completed", "corrected", "correction"}
    has_card = is_offered and (is_correctable or caller is ANONYMOUS)
    assert (page.texts("ui.correct.title") in text) == (has_card and is_correctable and caller is ANONYMOUS)
    assert (page.texts("ui.correct.download_title") in text) == (has_card and not is_correctable)


@pytest.mark.parametrize(
    ("caller", "downloads", "takes_file"),
    [(ANONYMOUS, True, True), (ACTOR, False, True), (VIEWER, True, False), (READER, False, False)],
)
def test_rights_decide_what_the_page_of_rejected_rows_offers(
    caller: Caller, downloads: bool, takes_file: bool
) -> None:
    page = make_page(Language.EN, caller)
    response = page.render(
        "rejected.html",
        job=JOBS["completed"],
        query=RejectedPageQuery.of({"code": "inn"}),
        path="/jobs/a/rejected",
        codes=[],
        fields=[],
        states=[],
        correctable=True,
        max_bytes=2**20,
        rows=[],
        is_removed=False,
        next_after=None,
    )
    check(response)
    html = bytes(response.body).decode()
    assert ("/jobs/a/rejected.xlsx?code=inn&amp;state=open" in html) == downloads
    assert ("/jobs/a/rejected.csv?code=inn" in html) == downloads
    assert ('action="/jobs/r-1/corrections"' in html) == takes_file


@LANGUAGES
@pytest.mark.parametrize("problem", [None, *ProblemCode])
@pytest.mark.parametrize("source_type", ["excel", "database", "google_sheets"])
def test_new_import(problem: ProblemCode | None, source_type: str, language: Language) -> None:
    error = None if problem is None else ProblemError(422, problem, HOSTILE).problem
    text = check(
        make_page(language).render(
            "import.html",
            options=ImportOptions(["a", "chats"], ["admin_panel"], ["default"], 512),
            chosen=source_type,
            problem=error,
            wrong_fields={"table"},
            values={"table": HOSTILE},
            request_ids={"excel": "r", "database": "d", "google_sheets": "s"},
            upload_path="/import/excel",
        )
    )
    assert (HOSTILE in text) == (problem is not None)


@LANGUAGES
@CALLERS
@pytest.mark.parametrize(
    ("imported", "now", "shown"),
    [
        (None, CREATED_AT, "ui.check.import_now"),
        (None, CREATED_AT + UPLOAD_RETENTION, "ui.check.expired"),
        (JOBS["completed"], CREATED_AT, "ui.check.imported"),
    ],
    ids=["to be imported", "expired", "imported"],
)
def test_end_of_dry_run(
    imported: Job | None, now: datetime, shown: str, language: Language, caller: Caller
) -> None:
    job = dataclasses.replace(JOBS["checked"], now=now, source={"file": {"upload": {}}})
    page = make_page(language, caller)
    result = dry_run_result(job, imported)
    text = check(page.render("job.html", **job_values(job, page) | {"dry_run": result}))
    ways = ("ui.check.import_now", "ui.check.expired", "ui.check.imported")
    may_see = shown != "ui.check.import_now" or caller is ANONYMOUS
    assert [way for way in ways if page.texts(way) in text] == ([shown] if may_see else [])


@LANGUAGES
@pytest.mark.parametrize("problem", [None, ProblemCode.INVALID_REQUEST])
def test_columns(problem: ProblemCode | None, language: Language) -> None:
    page = make_page(language)
    error = None if problem is None else ProblemError(422, problem, HOSTILE).problem
    text = check(
        page.render(
            "columns.html",
            job=JOBS["hostile texts"],
            form=mapping_form(SAMPLE),
            prefix=FIELD_PREFIX,
            path="/jobs/a/columns",
            problem=error,
            request_id="r",
        )
    )
    assert "https://max.ru/join/1" in text
    assert text.count(f"B · {HOSTILE}") == len(SAMPLE["missing"])


@LANGUAGES
def test_new_import_without_configured_sources(language: Language) -> None:
    options = ImportOptions(["chats"], [], [], 512)
    values: dict[str, Any] = {"chosen": "excel", "problem": None, "wrong_fields": set(), "values": {}}
    text = check(
        make_page(language).render(
            "import.html", options=options, request_ids=dict.fromkeys(FORMS, "r"), upload_path="/x", **values
        )
    )
    assert "MIGRATION_CONNECTIONS" in text
    assert "MIGRATION_GOOGLE_CREDENTIALS" in text


@LANGUAGES
@pytest.mark.parametrize("code", list(ProblemCode))
@pytest.mark.parametrize("status", [403, 404, 409, 500, 503])
def test_problem(code: ProblemCode, status: int, language: Language) -> None:
    response = problem_page(make_page(language), ProblemError(status, code, HOSTILE, retry_after=3))
    assert isinstance(response, HTMLResponse)
    assert response.status_code == status
    assert response.headers["retry-after"] == "3"
    assert code in check(response)


OTHER_SCREENS: dict[str, Callable[[PageContext], HTMLResponse]] = {
    "sign in": lambda page: page.render("sign_in.html", next="/", is_wrong=False),
    "sign in again": lambda page: page.render("sign_in.html", next=HOSTILE, is_wrong=True),
    "queued": lambda page: page.render("queued.html", identifier=HOSTILE, notices=Notices(queued=True)),
    "removed": lambda page: page.render(
        "removed.html", event=StatusEvent.model_validate({**examples.STATUS, "source_identifier": HOSTILE})
    ),
}


@LANGUAGES
@pytest.mark.parametrize("render", OTHER_SCREENS.values(), ids=OTHER_SCREENS)
def test_other_screens(render: Callable[[PageContext], HTMLResponse], language: Language) -> None:
    check(render(make_page(language, None)))


@pytest.mark.parametrize(("accepted", "encoding"), [("gzip, br", "gzip"), ("br", None)])
def test_page_is_compressed_for_clients_that_accept_it(accepted: str, encoding: str | None) -> None:
    page = make_page(Language.EN, None)
    page.request.scope["headers"] = [(b"accept-encoding", accepted.encode())]
    response = page.render("sign_in.html", next="/", is_wrong=False)
    body = bytes(response.body)
    assert response.headers.get("content-encoding") == encoding
    assert response.headers["content-length"] == str(len(body))
    assert b"</html>" in (gzip.decompress(body) if encoding else body)
