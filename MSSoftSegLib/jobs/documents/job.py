"""What every kind of job is: a name that its events carry, a kind, and what that kind asks for."""

from __future__ import annotations

from typing import Any, Generic, TypeVar, get_args

from pydantic import Field

from MSSoftSegLib.jobs.documents.document import Document

Kind = TypeVar("Kind", bound=str)
Spec = TypeVar("Spec", bound=Document, covariant=True)


class Job(Document, Generic[Kind, Spec]):
    """One validated request. A kind of job is ``class SegmentJob(Job[Literal["segment"], SegmentSpec])`` with its docstring."""

    job: str = Field(min_length=1)
    kind: Kind
    spec: Spec

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """A kind has one value, so a document that is made in code need not repeat it."""
        kinds = get_args(cls.model_fields["kind"].annotation)
        if kinds:
            cls.model_fields["kind"].default = kinds[0]
            cls.model_rebuild(force=True)
