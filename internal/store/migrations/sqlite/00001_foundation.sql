-- +goose Up
-- Times are microseconds since 1970 in UTC, 0 for none. Days are TEXT YYYY-MM-DD in Asia/Ho_Chi_Minh.
-- Columns named *_sealed are AES-256-GCM under the data key; *_hash are keyed hashes to find them by.

-- A unit is a version of an administrative unit or an agency, keyed by code and first day.
CREATE TABLE units (
	id         TEXT PRIMARY KEY,
	code       TEXT NOT NULL,
	valid_from TEXT NOT NULL,
	valid_to   TEXT NOT NULL DEFAULT '', -- first day on which it is no more; '' while it lasts
	name       TEXT NOT NULL CHECK (name <> ''),
	level      TEXT NOT NULL CHECK (level IN ('city', 'agency', 'district', 'commune')),
	parent_id  TEXT REFERENCES units (id),
	policy     TEXT NOT NULL DEFAULT '{}', -- JSON: unit.Policy
	UNIQUE (code, valid_from),
	CHECK (valid_to = '' OR valid_to > valid_from)
);

-- Which unit took over (part of) which.
CREATE TABLE unit_successions (
	old_id TEXT NOT NULL REFERENCES units (id),
	new_id TEXT NOT NULL REFERENCES units (id),
	PRIMARY KEY (old_id, new_id)
);

-- Where certificates are handed out; a point is not a unit.
CREATE TABLE points (
	id         TEXT PRIMARY KEY,
	unit_id    TEXT NOT NULL REFERENCES units (id),
	name       TEXT NOT NULL CHECK (name <> ''),
	address    TEXT NOT NULL,
	valid_from TEXT NOT NULL,
	valid_to   TEXT NOT NULL DEFAULT ''
);

CREATE TABLE desks ( -- quầy
	id       TEXT PRIMARY KEY,
	point_id TEXT NOT NULL REFERENCES points (id),
	name     TEXT NOT NULL,
	UNIQUE (point_id, name)
);

-- Human beings, once each, found by the keyed hash of their identity number.
CREATE TABLE persons (
	id              TEXT PRIMARY KEY,
	identity_hash   BLOB NOT NULL UNIQUE,
	identity_sealed BLOB NOT NULL,
	profile_sealed  BLOB NOT NULL, -- JSON: name, birth date, sex, address, phone, mail
	created_at      INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL
);

CREATE TABLE accounts (
	id            TEXT PRIMARY KEY,
	login         TEXT NOT NULL UNIQUE,
	person_id     TEXT NOT NULL REFERENCES persons (id),
	display_name  TEXT NOT NULL,
	password_hash TEXT NOT NULL, -- PHC string, Argon2id
	needs_totp    INTEGER NOT NULL CHECK (needs_totp IN (0, 1)),
	state         TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
	fails         INTEGER NOT NULL DEFAULT 0,
	locked_until  INTEGER NOT NULL DEFAULT 0,
	created_at    INTEGER NOT NULL
);

CREATE TABLE grants (
	id         TEXT PRIMARY KEY,
	account_id TEXT REFERENCES accounts (id),
	client_id  TEXT,
	role       TEXT NOT NULL,
	unit_id    TEXT NOT NULL, -- a unit or '*'
	valid_from INTEGER NOT NULL,
	valid_to   INTEGER NOT NULL DEFAULT 0,
	given_by   TEXT NOT NULL,
	CHECK ((account_id IS NULL) <> (client_id IS NULL))
);
CREATE INDEX grants_account ON grants (account_id);
CREATE INDEX grants_client ON grants (client_id);

CREATE TABLE assignments ( -- who works at which desk, by dates
	account_id TEXT NOT NULL REFERENCES accounts (id),
	desk_id    TEXT NOT NULL REFERENCES desks (id),
	valid_from TEXT NOT NULL,
	valid_to   TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (account_id, desk_id, valid_from)
);

CREATE TABLE sessions (
	token_hash BLOB PRIMARY KEY, -- SHA-256 of the cookie
	account_id TEXT NOT NULL REFERENCES accounts (id),
	state      TEXT NOT NULL CHECK (state IN ('password', 'full')),
	created_at INTEGER NOT NULL,
	seen_at    INTEGER NOT NULL,
	step_up_at INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX sessions_account ON sessions (account_id);

-- System clients: a DMS, the one-stop system.
CREATE TABLE clients (
	id              TEXT PRIMARY KEY,
	name            TEXT NOT NULL,
	secret_hash     BLOB NOT NULL, -- SHA-256 of a 256-bit random secret
	public_key      TEXT NOT NULL DEFAULT '', -- PEM for private_key_jwt; '' when unused
	callback_url    TEXT NOT NULL DEFAULT '',
	callback_sealed BLOB, -- HMAC key of callbacks
	state           TEXT NOT NULL CHECK (state IN ('active', 'disabled')),
	created_at      INTEGER NOT NULL
);

CREATE TABLE access_tokens (
	token_hash BLOB PRIMARY KEY,
	client_id  TEXT NOT NULL REFERENCES clients (id),
	expires_at INTEGER NOT NULL
);

-- A request with an Idempotency-Key has one effect; its answer is kept for resends.
CREATE TABLE idempotency (
	caller     TEXT NOT NULL, -- auth.Actor.ID
	route      TEXT NOT NULL,
	key        TEXT NOT NULL,
	body_hash  BLOB NOT NULL,
	answer_sealed BLOB, -- NULL while running
	created_at INTEGER NOT NULL,
	PRIMARY KEY (caller, route, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at);

CREATE TABLE audit_events (
	n       INTEGER PRIMARY KEY AUTOINCREMENT,
	at      INTEGER NOT NULL,
	actor   TEXT NOT NULL,
	action  TEXT NOT NULL,
	object  TEXT NOT NULL,
	unit_id TEXT NOT NULL,
	outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
	event   TEXT NOT NULL, -- canonical JSON
	leaf    BLOB NOT NULL  -- RFC 6962 leaf hash of event
);
CREATE INDEX audit_events_object ON audit_events (object);

-- Messages to people (activation codes among them), sealed until sent, wiped afterwards.
CREATE TABLE notices (
	id          TEXT PRIMARY KEY,
	kind        TEXT NOT NULL,
	to_sealed   BLOB NOT NULL,
	body_sealed BLOB,
	created_at  INTEGER NOT NULL,
	sent_at     INTEGER NOT NULL DEFAULT 0
);
