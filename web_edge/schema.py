"""The tables. `migrations/` makes them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Times of the music are sample indices, times of the world Unix nanoseconds.
transcriptions = Table(
    "transcriptions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("title", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    # The id of an account; "" for what was made where there are none.
    Column("owner", String(64), nullable=False, server_default=""),
    # "high" goes before "normal" in the queue of jobs.
    Column("priority", String(16), nullable=False, server_default="normal"),
    Column("audio_bytes", BigInteger),
    Column("audio_sha256", String(64)),
    # Of a video: the address that is fetched, and what its site says of it.
    Column("url", Text),
    Column("video", JSON),
    Column("config", JSON, nullable=False),
    Column("models", JSON, nullable=False),
    # What is heard since it was told last; see `music.events.SeparationChosen`.
    Column("separation", JSON),
    # What a person has decided about the bars, as a `music.events.RhythmLocked`; the one told last.
    Column("rhythm", JSON),
    Column("attempt", Integer, nullable=False),
    Column("durable_sequence", BigInteger, nullable=False),
    Column("processed_until", BigInteger, nullable=False),
    Column("duration", BigInteger),
    Column("end_reason", String(16)),
    Column("error_reason", String(64)),
    Column("error_message", Text),
    # Whether its owner is yet to be told that the job is over.
    Column("notice_due", Boolean, nullable=False, server_default=false()),
    Column("started_at_ns", BigInteger),
    Column("created_at_ns", BigInteger, nullable=False),
    Column("updated_at_ns", BigInteger, nullable=False),
    Index("ix_transcriptions_created_at_ns_id", "created_at_ns", "id"),
    Index("ix_transcriptions_owner_created_at_ns_id", "owner", "created_at_ns", "id"),
    Index("ix_transcriptions_source_status", "source", "status"),
    Index("ix_transcriptions_notice_due", "notice_due"),
)

notes = Table(
    "notes",
    metadata,
    Column("transcription_id", ForeignKey("transcriptions.id", ondelete="CASCADE"), primary_key=True),
    Column("note_id", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("onset", BigInteger, nullable=False),
    Column("offset", BigInteger),
    Column("pitch", Integer, nullable=False),
    Column("velocity", Float, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("string", Integer),
    Column("fret", Integer),
    Column("extra", JSON, nullable=False),
)

gaps = Table(
    "gaps",
    metadata,
    Column("transcription_id", ForeignKey("transcriptions.id", ondelete="CASCADE"), primary_key=True),
    Column("start", BigInteger, primary_key=True),
    Column("end", BigInteger, primary_key=True),
    Column("cause", Text, nullable=False),
)

# A document's revisions stay as they are; changing one makes the next.
documents = Table(
    "documents",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("transcription_id", ForeignKey("transcriptions.id", ondelete="CASCADE"), nullable=False),
    # Of the last durable event of the log that it folds.
    Column("log_sequence", BigInteger, nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("summary", JSON, nullable=False),
    Column("places", JSON, nullable=False),
    Index("ix_documents_transcription_id", "transcription_id"),
)

# What a client's Idempotency-Key made; it goes with what it made.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", String(64), primary_key=True),
    Column("key", String(255), primary_key=True),
    # Of what was asked for under this key.
    Column("fingerprint", String(64), nullable=False),
    Column("transcription_id", ForeignKey("transcriptions.id", ondelete="CASCADE"), nullable=False),
    Column("created_at_ns", BigInteger, nullable=False),
    Index("ix_idempotency_keys_transcription_id", "transcription_id"),
    Index("ix_idempotency_keys_created_at_ns", "created_at_ns"),
)

# What only one of several processes does, who does it, and until when it counts.
leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until_ns", BigInteger, nullable=False),
)

deletions = Table(
    "deletions",
    metadata,
    Column("transcription_id", String(64), primary_key=True),
    Column("deleted_at_ns", BigInteger, nullable=False),
    # Whether its log is gone from the bus too.
    Column("purged", Boolean, nullable=False),
)
