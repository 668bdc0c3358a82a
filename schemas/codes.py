"""Stable codes for programs: errors, warnings, rejected rows, dead letters, HTTP problems."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Why a job failed; the message of the same event explains what to do."""

    INVALID_REQUEST = "invalid_request"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    INTERNAL = "internal_error"
    UNKNOWN_DATASET = "unknown_dataset"
    UNSUPPORTED_SOURCE = "unsupported_source"

    # Databases and Google Sheets
    UNKNOWN_CONNECTION = "unknown_connection"
    UNKNOWN_CREDENTIALS = "unknown_credentials"
    WRONG_CONNECTION = "wrong_connection"
    WRONG_CREDENTIALS = "wrong_credentials"
    ACCESS_DENIED = "access_denied"
    HOST_UNKNOWN = "host_unknown"
    TLS_REFUSED = "tls_refused"
    DATABASE_NOT_FOUND = "database_not_found"
    TABLE_NOT_FOUND = "table_not_found"
    WRONG_KEY = "wrong_key"
    SPREADSHEET_NOT_FOUND = "spreadsheet_not_found"
    SPREADSHEET_NOT_SHARED = "spreadsheet_not_shared"

    # Files
    FILE_NOT_FOUND = "file_not_found"
    FILE_OUTSIDE_INBOX = "file_outside_inbox"
    FILE_UNREADABLE = "file_unreadable"
    UPLOAD_INCOMPLETE = "upload_incomplete"
    UPLOAD_CORRUPT = "upload_corrupt"
    UPLOAD_EXPIRED = "upload_expired"

    # Workbooks
    NOT_A_WORKBOOK = "not_a_workbook"
    WORKBOOK_ENCRYPTED = "workbook_encrypted"
    WORKBOOK_DAMAGED = "workbook_damaged"
    SHEET_NOT_FOUND = "sheet_not_found"
    NO_WORKSHEET = "no_worksheet"
    NO_HEADER = "no_header"
    MISSING_COLUMN = "missing_column"
    DUPLICATE_COLUMN = "duplicate_column"
    NO_ROWS = "no_rows"
    SOURCE_TOO_LARGE = "source_too_large"
    SOURCE_UNREADABLE = "source_unreadable"

    # While reading and storing
    SOURCE_UNAVAILABLE = "source_unavailable"
    SOURCE_CHANGED = "source_changed"
    SHORT_READ = "short_read"
    TOO_MANY_REJECTS = "too_many_rejects"
    DATABASE_REFUSED = "database_refused"

    # Corrections
    CORRECTED_JOB_NOT_FOUND = "corrected_job_not_found"
    CORRECTED_JOB_RUNS = "corrected_job_runs"
    CORRECTED_JOB_CHANGED = "corrected_job_changed"
    NOT_CORRECTABLE = "not_correctable"
    REJECTS_EXPIRED = "rejects_expired"


class WarningCode(StrEnum):
    """What was repaired, left out or noticed in rows that were stored; a status event counts them by code."""

    # Values
    DATE = "date"
    DATE_IN_TEXT = "date_in_text"
    ERROR_TEXT = "error_text"
    FLAG = "flag"
    FORMULA_WITHOUT_VALUE = "formula_without_value"
    INN_CHECK_DIGIT = "inn_check_digit"
    INN_ZERO_RESTORED = "inn_zero_restored"
    KPP_ZERO_RESTORED = "kpp_zero_restored"
    PHONE = "phone"
    PHONE_EXTENSION = "phone_extension"

    # While storing
    INN_AMBIGUOUS = "inn_ambiguous"

    # The source as a whole
    NO_HEADER = "no_header"
    NOT_RECALCULATED = "not_recalculated"
    SOURCE_CHANGED = "source_changed"
    SOURCE_RESTARTED = "source_restarted"


class RejectCode(StrEnum):
    """What is wrong with a field of a rejected row."""

    REQUIRED = "required"
    FORMULA_WITHOUT_VALUE = "formula_without_value"
    INN = "inn"
    KPP = "kpp"
    URL = "url"
    WHOLE_NUMBER = "whole_number"
    TOO_LONG = "too_long"
    DIGITS_LOST = "digits_lost"
    NOT_FINITE = "not_finite"
    UNSTORABLE = "unstorable"

    # The row as a whole
    REFUSED_BY_DATABASE = "refused_by_database"

    # A row of a correction
    DUPLICATE_CORRECTION = "duplicate_correction"
    STALE_CORRECTION = "stale_correction"
    RECORD_WAS_CUT = "record_was_cut"
    UNKNOWN_ROW = "unknown_row"


class DeadLetterReason(StrEnum):
    """Why a message became a dead letter."""

    NOT_JSON = "not_json"
    INVALID_REQUEST = "invalid_request"
    REQUEST_ID_REUSED = "request_id_reused"
    COMMAND_REFUSED = "command_refused"
    REFUSED_BY_DATABASE = "refused_by_database"


class ProblemCode(StrEnum):
    """Why an HTTP request failed; `detail` in the same answer explains what to do."""

    # The request
    BAD_REQUEST = "bad_request"
    INVALID_PARAMETER = "invalid_parameter"
    INVALID_REQUEST = "invalid_request"
    NOT_JSON = "not_json"
    INVALID_FORM = "invalid_form"
    INVALID_DIGEST = "invalid_digest"
    DIGEST_MISMATCH = "digest_mismatch"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    WRONG_HOST = "wrong_host"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"

    # The job
    JOB_NOT_FOUND = "job_not_found"
    LOAD_REPLACED = "load_replaced"
    REQUEST_ID_REUSED = "request_id_reused"
    COMMAND_ID_REUSED = "command_id_reused"
    COMMAND_REFUSED = "command_refused"
    IMPORT_REFUSED = "import_refused"
    UPLOAD_EXPIRED = "upload_expired"
    NOT_CORRECTABLE = "not_correctable"

    # Authentication and rate limits
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    CROSS_SITE = "cross_site"
    TOO_MANY_REQUESTS = "too_many_requests"

    # The service
    BUSY = "busy"
    SHUTTING_DOWN = "shutting_down"
    TOKENS_UNREADABLE = "tokens_unreadable"
    KAFKA_UNAVAILABLE = "kafka_unavailable"
    DATABASE_UNAVAILABLE = "database_unavailable"
    INTERNAL_ERROR = "internal_error"
