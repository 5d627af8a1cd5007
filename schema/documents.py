"""Documents: the texts of operations, parsed, validated and measured once while they are known."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
)
from strawberry.extensions import SchemaExtension

from schema.errors import ApiError, ErrorCode, refusal, request_error
from schema.limits import check_limits, items_in
from schema.registry import HASH, ManifestProblem, hash_of, problems_of, read_manifest
from schema.rules import errors_of
from settings import Settings

CACHED_DOCUMENTS = 1000
CACHED_DOCUMENT_CHARACTERS = 20_000
CACHED_VERDICTS_PER_DOCUMENT = 50
SIZED = (int, list, dict)
"""The kinds of variables on which the cost of an operation may depend."""

Verdict = tuple[GraphQLError, ...]
Variables = Mapping[str, Any]


@dataclass(slots=True)
class KnownDocument:
    """A parsed text with what validation said, and the limits by operation and page sizes."""

    document: DocumentNode
    digest: str | None = None
    """The hash under which clients ask for it, if they do."""
    validation: Verdict | None = None
    limits: dict[object, Verdict] = field(default_factory=dict)
    executed: dict[str | None, Any] = field(default_factory=dict)
    """What is known of its operations, by the names by which they have been asked for."""

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """Return the operation of a name, or the only one; None where that is not clear."""
        found = [
            one
            for one in self.document.definitions
            if isinstance(one, OperationDefinitionNode)
            and (name is None or (one.name and one.name.value == name))
        ]
        return found[0] if len(found) == 1 else None

    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        """Return the fragments by name."""
        return {
            one.name.value: one
            for one in self.document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }


class Documents:
    """The registered texts, and of others those seen last, at most `CACHED_DOCUMENTS` of them.

    Long texts are not kept.
    """

    def __init__(self, schema: GraphQLSchema, settings: Settings) -> None:
        self.schema = schema
        self.settings = settings
        self.known: OrderedDict[str, KnownDocument] = OrderedDict()
        self.by_hash: dict[str, str] = {}
        """Texts that are known, by their hash (automatic persisted queries)."""
        self.by_id: dict[str, str] = {}
        self.registered: dict[str, KnownDocument] = {}
        if settings.persisted_documents is not None:
            self._register(read_manifest(settings.persisted_documents))

    def _register(self, documents: dict[str, str]) -> None:
        """Keep documents while the process lives; raise ManifestProblem if one is wrong."""
        problems = list(problems_of(documents, self.schema, self.settings))
        if problems:
            raise ManifestProblem("Documents that cannot be executed:\n" + "\n".join(problems))
        for name, text in documents.items():
            entry = KnownDocument(parse(text), validation=())
            self.registered[text] = entry
            self.by_id |= {name: text, HASH + hash_of(text): text}

    def text_of(self, query: str | None, document_id: str | None, digest: str | None) -> str:
        """Return the text of the operation that a request names.

        Raises PERSISTED_QUERY_NOT_FOUND for an id or a hash that is not known here, and
        PERSISTED_QUERY_ONLY where nothing else than registered documents is executed.
        """
        if document_id is not None:
            if document_id not in self.by_id:
                raise refusal(ErrorCode.PERSISTED_QUERY_NOT_FOUND)
            return self.by_id[document_id]
        if digest is not None:
            return self._by_digest(query, digest)
        text = query or ""
        if self.settings.persisted_only and text not in self.registered:
            raise refusal(ErrorCode.PERSISTED_QUERY_ONLY)
        return text

    def _by_digest(self, query: str | None, digest: str) -> str:
        """Return the text of a hash; one that comes along is learnt."""
        known = self.by_id.get(HASH + digest) or self.by_hash.get(digest)
        if query is None:
            if known is None:
                raise refusal(ErrorCode.PERSISTED_QUERY_NOT_FOUND)
            return known
        if hash_of(query) != digest:
            message = "provided sha does not match query"  # the protocol's own words
            raise ApiError(ErrorCode.BAD_USER_INPUT, message)
        if self.settings.persisted_only and query not in self.registered:
            raise refusal(ErrorCode.PERSISTED_QUERY_ONLY)
        if known is None:
            self._learn(query, digest)
        return query

    def _learn(self, text: str, digest: str) -> None:
        """Remember the hash of a text that may be executed; of others nothing is kept."""
        entry = self.get(text)
        if entry is None:
            try:
                entry = KnownDocument(parse(text, max_tokens=self.settings.max_tokens))
            except GraphQLSyntaxError:
                return
            if self.validation(entry):
                return
            self._keep(text, entry)
        if text in self.known and not self.validation(entry):
            entry.digest = digest
            self.by_hash[digest] = text

    def get(self, text: str) -> KnownDocument | None:
        """Return what is known of a text."""
        known = self.known.get(text)
        if known is None:
            return self.registered.get(text)
        self.known.move_to_end(text)
        return known

    def put(self, text: str, document: DocumentNode) -> KnownDocument:
        """Remember a parsed text, forgetting the one that was not used for longest."""
        entry = KnownDocument(document)
        self._keep(text, entry)
        return entry

    def _keep(self, text: str, entry: KnownDocument) -> None:
        if len(text) > CACHED_DOCUMENT_CHARACTERS:
            return
        self.known[text] = entry
        if len(self.known) > CACHED_DOCUMENTS:
            _, forgotten = self.known.popitem(last=False)
            if forgotten.digest is not None:
                self.by_hash.pop(forgotten.digest, None)

    def errors(self, entry: KnownDocument, name: str | None, variables: Variables) -> Verdict:
        """Return why an operation may not be executed: first the limits, which are cheap."""
        return self.limits(entry, name, variables) or self.validation(entry)

    def limits(self, entry: KnownDocument, name: str | None, variables: Variables) -> Verdict:
        """Return the limit that an operation breaks with these variables."""
        sizes = [(key, _size(one)) for key, one in variables.items() if isinstance(one, SIZED)]
        key = (name, *sizes)
        if key not in entry.limits:
            if len(entry.limits) >= CACHED_VERDICTS_PER_DOCUMENT:
                entry.limits.clear()
            entry.limits[key] = self._measure(entry.document, name, variables)
        return entry.limits[key]

    def _measure(self, document: DocumentNode, name: str | None, variables: Variables) -> Verdict:
        for operation in document.definitions:
            if not isinstance(operation, OperationDefinitionNode):
                continue
            if name is None or (operation.name and operation.name.value == name):
                error = check_limits(self.schema, document, operation, variables, self.settings)
                return (error,) if error else ()
        return ()

    def validation(self, entry: KnownDocument) -> Verdict:
        """Return what the rules of the specification say of a document."""
        if entry.validation is None:
            errors = errors_of(self.schema, entry.document, self.settings)
            entry.validation = tuple(request_error(error) for error in errors)
        return entry.validation


def _size(value: int | list[Any] | dict[str, Any]) -> object:
    """Return what the cost of an operation may depend on in the value of a variable."""
    if isinstance(value, int):
        return value
    return ("list", len(value)) if isinstance(value, list) else ("input", items_in(value))


class Checks(SchemaExtension):
    """Parses and validates each text once, and holds each operation to the limits."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.entry: KnownDocument | None = None

    def on_operation(self) -> Iterator[None]:
        """Bound the tokens that the parser reads."""
        self.execution_context.parse_options["max_tokens"] = self.documents.settings.max_tokens
        yield

    def on_parse(self) -> Iterator[None]:
        """Take the document from the cache, or leave it there when strawberry has parsed it."""
        context = self.execution_context
        text = context.query or ""
        self.entry = self.documents.get(text)
        if self.entry:
            context.graphql_document = self.entry.document
        yield
        if self.entry is None and context.graphql_document is not None:
            self.entry = self.documents.put(text, context.graphql_document)

    def on_validate(self) -> Iterator[None]:
        """Answer validation from the cache."""
        if self.entry is not None:
            context = self.execution_context
            errors = self.documents.errors(
                self.entry, context.operation_name, context.variables or {}
            )
            context.pre_execution_errors = list(errors)
        yield
