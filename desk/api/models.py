"""The API's bodies, documented."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from desk.states import State
from nlu.reading import Decision, Urgency

MOST = 10_000  # characters of one text

KindCode = Literal["consult", "help", "complaint", "report", "suggestion", "praise", "other"]


class TextIn(BaseModel):
    """A text to read."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"text": "福田区园岭街道楼下烧烤摊每天半夜油烟大，吵得睡不着"}]}
    )

    text: str = Field(max_length=MOST, description="居民所写的原文，最多 10000 个字符")


class KindOut(BaseModel):
    label: str = Field(description="consult, help, complaint, report, suggestion, praise, other")
    confidence: float = Field(description="calibrated probability 0..1")


class ChoiceOut(BaseModel):
    code: str
    name: str
    confidence: float = Field(description="calibrated probability 0..1")


class SpanOut(BaseModel):
    start: int
    end: int
    text: str


class EvidenceOut(BaseModel):
    start: int
    end: int
    weight: float = Field(description="share 0..1 of the support for the first department")


class UrgencyOut(BaseModel):
    level: Urgency
    hazard: str | None
    advice: str | None = Field(description="whom to call, for a named hazard")
    reasons: list[SpanOut]
    confidence: float


class ReadPlaceOut(BaseModel):
    text: str
    start: int
    end: int
    district: str | None
    district_name: str | None
    subdistrict: str | None
    subdistrict_name: str | None


class ReadingOut(BaseModel):
    """What one look at a text tells; offsets count characters of ``text``."""

    model_config = ConfigDict(extra="allow")

    text: str
    kind: KindOut
    departments: list[ChoiceOut] = Field(description="up to three, best first")
    items: list[ChoiceOut] = Field(description="up to three, best first")
    decision: Decision = Field(description="auto only where the measured precision holds the bar")
    candidates: list[str] = Field(description="department codes that hold the right one at the promised rate")
    urgency: UrgencyOut
    place: ReadPlaceOut | None
    time: SpanOut | None
    phone: str | None
    evidence: list[EvidenceOut]
    model: str


class PlaceIn(BaseModel):
    text: str = Field(min_length=1, max_length=300)
    district: str | None = None
    district_name: str | None = None
    subdistrict: str | None = None
    subdistrict_name: str | None = None


class TicketIn(BaseModel):
    """A complaint to file. Only ``text`` is required; what is missing is read from it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"text": "园岭街道八卦三路楼下烧烤摊每天半夜油烟大", "sender": "u-1001", "phone": "13800138000"}
            ]
        }
    )

    text: str = Field(min_length=1, max_length=MOST, description="居民所写的原文")
    sender: str = Field("api", min_length=1, max_length=200, description="who wrote it, in the client's own terms")
    channel: str = Field("api", min_length=1, max_length=40)
    phone: str | None = Field(None, max_length=40)
    place: PlaceIn | Annotated[str, Field(min_length=1, max_length=300)] | None = None
    time: str | None = Field(None, max_length=100, description="when it happened, in words")
    department: str | None = Field(None, max_length=64, description="code of the catalogue")
    item: str | None = Field(None, max_length=64, description="code of the catalogue")
    urgency: Urgency | None = None
    kind: KindCode | None = None
    details: dict[str, str] | None = Field(None, max_length=30)
    key: str | None = Field(
        None, min_length=1, max_length=200,
        description="the same key files one ticket only; the header Idempotency-Key says the same and wins",
    )  # fmt: skip

    @field_validator("text")
    @classmethod
    def _says_something(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("不能为空")
        return text

    @field_validator("phone")
    @classmethod
    def _plain_phone(cls, phone: str | None) -> str | None:
        if phone is None or not phone.strip():
            return None
        digits = "".join(c for c in phone if c not in " -()（）")
        if (
            not digits.removeprefix("+").isascii()
            or not digits.removeprefix("+").isdigit()
            or not 5 <= len(digits) <= 20
        ):
            raise ValueError("应为 5 至 20 位电话号码")
        return digits.removeprefix("+86") if len(digits) > 11 else digits


class PlaceOut(BaseModel):
    model_config = ConfigDict(extra="allow")

    text: str
    district: str | None = None
    district_name: str | None = None
    subdistrict: str | None = None
    subdistrict_name: str | None = None


class DeadlinesOut(BaseModel):
    dispatch: str
    contact: str
    reply: str


class EventOut(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    at: str
    who: str
    what: str
    from_: str | None = Field(alias="from")
    to: str | None
    note: str | None


class TicketOut(BaseModel):
    """A ticket; times are ISO 8601 with +08:00."""

    number: str = Field(examples=["MY261124-483920"])
    state: State
    channel: str
    sender: str
    text: str
    kind: str
    department: str
    unit: str | None = Field(description="the office that receives it first, by item and place")
    co_departments: list[str]
    item: str | None
    urgency: Urgency
    hazard: str | None
    place: PlaceOut | None
    time: str | None
    phone: str | None
    details: dict[str, Any]
    decision: Decision
    answer: str | None
    created_at: str
    updated_at: str
    deadlines: DeadlinesOut
    rating: int | None
    urged: int
    reopened: int


class TicketWithHistory(TicketOut):
    history: list[EventOut]


class TicketsOut(BaseModel):
    """A page, newest first. ``next`` is the ``before`` of the next page, None on the last one."""

    tickets: list[TicketOut]
    next: str | None


class ErrorBody(BaseModel):
    code: str = Field(examples=["unauthorized"])
    message: str


class ErrorOut(BaseModel):
    error: ErrorBody
