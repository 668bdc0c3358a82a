"""Models that document rejected rows in OpenAPI; the rows themselves are sent as stored JSON."""

from pydantic import BaseModel, Field

from consumer.store.rejected_pages import RowState


class RejectedFieldView(BaseModel):
    """One wrong field of a row."""

    field: str | None = Field(description="null if the error is of the row as a whole")
    code: str = Field(description="stable; docs/chats.md lists them", examples=["inn"])
    message: str = Field(description="a sentence for people")


class RecordCutView(BaseModel):
    """What a record does not contain: the ends of long texts, and cells of columns that are not imported."""

    cut: list[str] = Field(description="columns whose text is longer in the source; here it ends in `…`")
    left_out: int | None = Field(
        description="number of cells that are not in the record; null: none is in it, since an older version "
        "stored more than can be returned"
    )


class RejectedRowView(BaseModel):
    """A rejected row, all of its wrong fields, and the record as it was read."""

    row_number: int = Field(description="in the source, as a person would count it")
    record_identifier: str | None = Field(description="identifies the record for people, such as its link")
    errors: list[RejectedFieldView] = Field(description="every wrong field")
    record: dict[str, str | int | float | bool | None] = Field(description="column → cell, as it was read")
    kinds: dict[str, str] | None = Field(
        description="column → kind of its cell, where the type of its value in `record` is another: `date`, "
        "`time`, `duration`, `error`, `formula` (without a result), or `number` (as a text); null if "
        "there is none"
    )
    record_cut: RecordCutView | None = Field(description="what is not in `record`; null if it is complete")
    state: RowState = Field(description="what corrections have done with it")
    corrected_by: int | None = Field(
        description="the number of the job that stored it corrected; null if none has", examples=[18]
    )


class RejectedPageView(BaseModel):
    """Rejected rows by number; `next` is the `after` of the next page, null at the end."""

    items: list[RejectedRowView] = Field(description="by row number")
    next: str | None = Field(description="the `after` of the next page; null at the end", examples=["1.4711"])
    load: int = Field(
        description="counts how often the source was read from the top; the rows belong to this load"
    )
