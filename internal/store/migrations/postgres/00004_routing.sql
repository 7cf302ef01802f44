-- +goose Up
-- Documents on their way: intake, steps, signatures, what is told back to the document system.

-- A document belongs to the version of the unit that it was submitted for.
CREATE TABLE documents (
	id              TEXT PRIMARY KEY,
	unit_id         TEXT NOT NULL REFERENCES units (id),
	client_id       TEXT NOT NULL REFERENCES clients (id),
	external_id     TEXT NOT NULL CHECK (external_id <> ''),
	content_hash    BYTEA NOT NULL, -- SHA-256 of metadata and bytes: tells a resend from another document
	metadata_sealed BYTEA NOT NULL, -- JSON: routing.Metadata
	plan_sealed     BYTEA NOT NULL, -- JSON: routing.plan, where every signature goes
	urgency         BIGINT NOT NULL CHECK (urgency BETWEEN 0 AND 3),
	deadline        BIGINT NOT NULL DEFAULT 0,
	callback_url    TEXT NOT NULL DEFAULT '',
	state           TEXT NOT NULL CHECK (state IN ('waiting', 'signing', 'signed', 'issued', 'refused', 'returned', 'withdrawn', 'expired', 'failed')),
	step            BIGINT NOT NULL, -- whose turn; 0 when nobody's
	revision        BIGINT NOT NULL, -- the newest
	pages           BIGINT NOT NULL,
	level           TEXT NOT NULL DEFAULT '', -- PAdES level of the last signature
	timestamp_pending BIGINT NOT NULL DEFAULT 0 CHECK (timestamp_pending IN (0, 1)),
	reason_sealed   BYTEA, -- why it was refused, returned or withdrawn
	reason_code     TEXT NOT NULL DEFAULT '', -- why it failed
	end_key         TEXT NOT NULL DEFAULT '', -- auth.Actor.OpKey of what ended it
	callbacks       BIGINT NOT NULL DEFAULT 0, -- number of the last event told
	sort_key        TEXT NOT NULL, -- lists: most urgent first, then by deadline and arrival; unique
	created_at      BIGINT NOT NULL,
	updated_at      BIGINT NOT NULL,
	UNIQUE (client_id, external_id),
	UNIQUE (sort_key)
);
CREATE INDEX documents_unit ON documents (unit_id, state, sort_key);

-- The bytes after each change; 1 is what was submitted.
CREATE TABLE document_revisions (
	document_id TEXT NOT NULL REFERENCES documents (id),
	n           BIGINT NOT NULL CHECK (n > 0),
	kind        TEXT NOT NULL CHECK (kind IN ('submitted', 'prepared', 'signed', 'raised')),
	blob_id     TEXT NOT NULL UNIQUE,
	size        BIGINT NOT NULL,
	sha256      BYTEA NOT NULL,
	created_at  BIGINT NOT NULL,
	PRIMARY KEY (document_id, n)
);

CREATE TABLE document_attachments (
	document_id TEXT NOT NULL REFERENCES documents (id),
	n           BIGINT NOT NULL CHECK (n > 0),
	name_sealed BYTEA NOT NULL,
	media_type  TEXT NOT NULL,
	same_file   BIGINT NOT NULL CHECK (same_file IN (0, 1)),
	blob_id     TEXT UNIQUE, -- NULL when it is part of the same file
	size        BIGINT NOT NULL,
	sha256      BYTEA,
	PRIMARY KEY (document_id, n)
);

-- Words of metadata without accents, by keyed hash: search without clear text.
CREATE TABLE document_words (
	word_hash   BYTEA NOT NULL,
	document_id TEXT NOT NULL REFERENCES documents (id),
	PRIMARY KEY (word_hash, document_id)
);

CREATE TABLE document_steps (
	document_id TEXT NOT NULL REFERENCES documents (id),
	n           BIGINT NOT NULL CHECK (n > 0),
	kind        TEXT NOT NULL CHECK (kind IN ('initial', 'leader', 'seal', 'copy')),
	state       TEXT NOT NULL CHECK (state IN ('coming', 'waiting', 'signing', 'done', 'void')),
	unit_id     TEXT NOT NULL REFERENCES units (id),
	person_id   TEXT REFERENCES persons (id), -- NULL: whoever holds the role in the unit
	sort_key    TEXT NOT NULL, -- the document's
	acted_by    TEXT REFERENCES persons (id),
	acted_at    BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (document_id, n)
);
CREATE INDEX document_steps_person ON document_steps (person_id, state, sort_key);
CREATE INDEX document_steps_unit ON document_steps (unit_id, kind, state, sort_key);
CREATE INDEX document_steps_acted ON document_steps (acted_by, sort_key);

-- Who has looked at which revision.
CREATE TABLE document_views (
	document_id TEXT NOT NULL REFERENCES documents (id),
	account_id  TEXT NOT NULL REFERENCES accounts (id),
	revision    BIGINT NOT NULL,
	at          BIGINT NOT NULL,
	PRIMARY KEY (document_id, account_id)
);

-- What one confirmation page shows and one SAD authorises.
CREATE TABLE sign_batches (
	id             TEXT PRIMARY KEY,
	account_id     TEXT NOT NULL REFERENCES accounts (id),
	person_id      TEXT NOT NULL REFERENCES persons (id),
	actor_name     TEXT NOT NULL,
	act            TEXT NOT NULL CHECK (act IN ('initial', 'sign', 'seal', 'copy')),
	credential_id  TEXT NOT NULL,
	certificate_id TEXT NOT NULL,
	state          TEXT NOT NULL CHECK (state IN ('prepared', 'signing', 'released', 'failed')),
	sad_hash       BYTEA UNIQUE, -- SHA-256 of the SAD that authorises it
	created_at     BIGINT NOT NULL,
	released_at    BIGINT NOT NULL DEFAULT 0
);

-- One signature from preparation to the finished revision.
CREATE TABLE signings (
	id              TEXT PRIMARY KEY,
	batch_id        TEXT NOT NULL REFERENCES sign_batches (id),
	n               BIGINT NOT NULL, -- order of its hash in the batch
	document_id     TEXT NOT NULL REFERENCES documents (id),
	step            BIGINT NOT NULL,
	revision        BIGINT NOT NULL, -- that it signs
	state           TEXT NOT NULL CHECK (state IN ('prepared', 'released', 'finished', 'failed')),
	hash            BYTEA NOT NULL, -- what the key signs
	document_digest BYTEA NOT NULL, -- shown as mã kiểm tra
	prepared_sealed BYTEA, -- pades.Prepared; wiped when finished
	signature       BYTEA,
	created_at      BIGINT NOT NULL,
	finished_at     BIGINT NOT NULL DEFAULT 0,
	UNIQUE (batch_id, n)
);
-- A step is signed once, whatever is sent how often.
CREATE UNIQUE INDEX signings_once ON signings (document_id, step) WHERE state IN ('released', 'finished');

-- Pictures of handwritten signatures and seals.
CREATE TABLE pictures (
	owner_id    TEXT NOT NULL, -- a person or a unit
	kind        TEXT NOT NULL CHECK (kind IN ('signature', 'initial', 'seal')),
	png_sealed  BYTEA NOT NULL,
	diameter_um BIGINT NOT NULL DEFAULT 0, -- micrometres; seals only
	updated_at  BIGINT NOT NULL,
	PRIMARY KEY (owner_id, kind),
	CHECK ((kind = 'seal') = (diameter_um > 0))
);

-- What the document system is told, in order for each document.
CREATE TABLE callbacks (
	id           TEXT PRIMARY KEY, -- the event id, the same in every try
	document_id  TEXT NOT NULL REFERENCES documents (id),
	client_id    TEXT NOT NULL REFERENCES clients (id),
	n            BIGINT NOT NULL CHECK (n > 0),
	event        TEXT NOT NULL,
	url          TEXT NOT NULL,
	body         TEXT NOT NULL, -- JSON: links, hashes and state; no personal data
	state        TEXT NOT NULL CHECK (state IN ('waiting', 'delivered')),
	tries        BIGINT NOT NULL DEFAULT 0,
	status       BIGINT NOT NULL DEFAULT 0, -- HTTP status of the last try; 0 when none came
	lease_until  BIGINT NOT NULL DEFAULT 0, -- somebody is sending it
	created_at   BIGINT NOT NULL,
	tried_at     BIGINT NOT NULL DEFAULT 0,
	delivered_at BIGINT NOT NULL DEFAULT 0,
	UNIQUE (document_id, n)
);
CREATE INDEX callbacks_state ON callbacks (state, created_at);

-- Counts per unit and day, spread over slots; pages never count documents.
CREATE TABLE doc_counts_day (
	day     TEXT NOT NULL,
	unit_id TEXT NOT NULL REFERENCES units (id),
	event   TEXT NOT NULL CHECK (event IN ('accepted', 'initialled', 'leader_signed', 'sealed', 'issued', 'returned', 'refused', 'withdrawn', 'expired', 'failed')),
	slot    BIGINT NOT NULL,
	n       BIGINT NOT NULL,
	PRIMARY KEY (day, unit_id, event, slot)
);
