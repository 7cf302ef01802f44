-- +goose Up

-- Certification authorities, made by a ceremony. A root has no parent and one whole CRL.
CREATE TABLE cas (
	name       TEXT PRIMARY KEY, -- as in URLs: a-z, 0-9, '-'
	key_name   TEXT NOT NULL,    -- what the agent calls the key
	parent     TEXT REFERENCES cas (name),
	cert_der   BLOB NOT NULL,
	serves     TEXT NOT NULL DEFAULT '', -- kinds of subject, separated by commas
	shards     INTEGER NOT NULL CHECK (shards BETWEEN 0 AND 4096), -- 0: one whole CRL
	state      TEXT NOT NULL CHECK (state IN ('active', 'retired')),
	created_at INTEGER NOT NULL
);

CREATE TABLE applications (
	n                INTEGER PRIMARY KEY AUTOINCREMENT, -- the receipt's number
	id               TEXT NOT NULL UNIQUE,
	op_key           TEXT UNIQUE, -- the operation that made it, across resends; NULL for none
	event            TEXT NOT NULL CHECK (event IN ('new', 'renewal', 'reissue', 'change')),
	kind             TEXT NOT NULL CHECK (kind IN ('citizen', 'officer', 'organisation')),
	unit_id          TEXT NOT NULL REFERENCES units (id),
	point_id         TEXT REFERENCES points (id),
	desk_id          TEXT REFERENCES desks (id),
	state            TEXT NOT NULL CHECK (state IN ('draft', 'submitted', 'approved', 'issued', 'rejected', 'failed', 'cancelled')),
	subject_id       TEXT NOT NULL DEFAULT '', -- a person, or the unit whose seal it is
	person_id        TEXT REFERENCES persons (id),
	name             TEXT NOT NULL DEFAULT '',
	name_folded      TEXT NOT NULL DEFAULT '',
	claim            TEXT NOT NULL DEFAULT '', -- see claims; '' while a draft
	needs_approval   INTEGER NOT NULL DEFAULT 0 CHECK (needs_approval IN (0, 1)),
	test             INTEGER NOT NULL DEFAULT 0 CHECK (test IN (0, 1)),
	data_sealed      BLOB NOT NULL, -- JSON: issuance.Form
	requested_by     TEXT NOT NULL,
	requested_person TEXT NOT NULL DEFAULT '',
	requested_at     INTEGER NOT NULL,
	decided_by       TEXT NOT NULL DEFAULT '',
	decided_person   TEXT NOT NULL DEFAULT '',
	decided_at       INTEGER NOT NULL DEFAULT 0,
	decision         TEXT NOT NULL DEFAULT '', -- the reason of a refusal
	replaces         TEXT NOT NULL DEFAULT '', -- the certificate that is renewed
	certificate_id   TEXT NOT NULL DEFAULT '',
	updated_at       INTEGER NOT NULL,
	-- The same human being never asks and approves.
	CHECK (state NOT IN ('approved', 'issued') OR needs_approval = 0 OR (decided_by <> '' AND decided_by <> requested_by)),
	CHECK (decided_person = '' OR decided_person <> requested_person)
);
CREATE INDEX applications_unit ON applications (unit_id, n);
CREATE INDEX applications_open ON applications (state, n) WHERE state IN ('draft', 'submitted', 'approved', 'failed');

-- One holder, one application or certificate at a time: uniqueness rests on this key.
CREATE TABLE claims (
	claim          TEXT PRIMARY KEY, -- as "citizen:<person>"
	application_id TEXT NOT NULL REFERENCES applications (id),
	until          INTEGER NOT NULL DEFAULT 0 -- end of the certificate's validity; 0 while only applied for
);
CREATE INDEX claims_application ON claims (application_id);

CREATE TABLE quotas ( -- of units whose policy sets one
	unit_id TEXT NOT NULL REFERENCES units (id),
	day     TEXT NOT NULL,
	used    INTEGER NOT NULL,
	PRIMARY KEY (unit_id, day)
);

-- A row exists before anything is signed and is never deleted; a serial is never used again.
CREATE TABLE certificates (
	n              INTEGER PRIMARY KEY AUTOINCREMENT,
	id             TEXT NOT NULL UNIQUE,
	application_id TEXT REFERENCES applications (id), -- NULL for the PKI's own
	ca             TEXT NOT NULL REFERENCES cas (name),
	serial         TEXT NOT NULL, -- hexadecimal
	shard          INTEGER NOT NULL,
	-- reserved: nothing was signed; signing: perhaps; issued: surely;
	-- abandoned: never will be; lost: perhaps signed, hence revoked
	state          TEXT NOT NULL CHECK (state IN ('reserved', 'signing', 'issued', 'abandoned', 'lost')),
	-- '' until issued: OCSP says unknown
	status         TEXT NOT NULL DEFAULT '' CHECK (status IN ('', 'good', 'hold', 'revoked')),
	reason         INTEGER NOT NULL DEFAULT 0, -- RFC 5280, Section 5.3.1
	revoked_at     INTEGER NOT NULL DEFAULT 0, -- also of a hold
	invalid_at     INTEGER NOT NULL DEFAULT 0, -- invalidity date
	event          TEXT NOT NULL,
	kind           TEXT NOT NULL,
	regime         TEXT NOT NULL DEFAULT '',
	profile        TEXT NOT NULL DEFAULT '', -- name@version
	unit_id        TEXT REFERENCES units (id), -- the version of the day of issue
	point_id       TEXT REFERENCES points (id),
	subject_id     TEXT NOT NULL,
	person_id      TEXT REFERENCES persons (id),
	credential_id  TEXT NOT NULL DEFAULT '',
	name           TEXT NOT NULL DEFAULT '',
	name_folded    TEXT NOT NULL DEFAULT '',
	counted        INTEGER NOT NULL CHECK (counted IN (0, 1)), -- 0 for tests and the PKI's own
	not_before     INTEGER NOT NULL DEFAULT 0,
	not_after      INTEGER NOT NULL DEFAULT 0,
	tbs_hash       BLOB,
	spki_hash      BLOB,
	reserved_at    INTEGER NOT NULL,
	signing_at     INTEGER NOT NULL DEFAULT 0,
	issued_at      INTEGER NOT NULL DEFAULT 0,
	activated_at   INTEGER NOT NULL DEFAULT 0,
	UNIQUE (ca, serial),
	CHECK ((status = '') = (state IN ('reserved', 'signing', 'abandoned'))),
	CHECK (state <> 'lost' OR status = 'revoked')
);
CREATE UNIQUE INDEX certificates_once ON certificates (application_id) WHERE state IN ('reserved', 'signing', 'issued');
CREATE UNIQUE INDEX certificates_key ON certificates (spki_hash) WHERE state IN ('signing', 'issued');
CREATE INDEX certificates_stuck ON certificates (state, n) WHERE state IN ('reserved', 'signing');
CREATE INDEX certificates_crl ON certificates (ca, shard) WHERE status IN ('hold', 'revoked');
CREATE INDEX certificates_subject ON certificates (subject_id);
CREATE INDEX certificates_credential ON certificates (credential_id) WHERE credential_id <> '';
CREATE INDEX certificates_unit ON certificates (unit_id, n);
CREATE INDEX certificates_name ON certificates (name_folded);
CREATE INDEX certificates_expiry ON certificates (not_after) WHERE status = 'good';

-- Encrypted: by national convention the identity number stands in the subject.
CREATE TABLE certificate_bytes (
	certificate_id TEXT PRIMARY KEY REFERENCES certificates (id),
	tbs_sealed     BLOB, -- until issued
	der_sealed     BLOB
);

-- What a CA key may sign: the agent asks before each signature.
CREATE TABLE drafts (
	key_name    TEXT NOT NULL,
	tbs_hash    BLOB NOT NULL, -- SHA-256 of the TBSCertificate or TBSCertList
	state       TEXT NOT NULL CHECK (state IN ('recorded', 'signed', 'void')),
	recorded_at INTEGER NOT NULL,
	PRIMARY KEY (key_name, tbs_hash)
);

-- A shard is dirty while changes > built.
CREATE TABLE crl_shards (
	ca          TEXT NOT NULL REFERENCES cas (name),
	shard       INTEGER NOT NULL, -- 0 for a whole CRL
	changes     INTEGER NOT NULL DEFAULT 1,
	built       INTEGER NOT NULL DEFAULT 0,
	number      TEXT NOT NULL DEFAULT '', -- CRLNumber, decimal
	this_update INTEGER NOT NULL DEFAULT 0,
	next_update INTEGER NOT NULL DEFAULT 0,
	der         BLOB,
	PRIMARY KEY (ca, shard)
);

-- One line for each event of a certificate's life (sổ cấp chứng thư).
CREATE TABLE certificate_events (
	n              INTEGER PRIMARY KEY AUTOINCREMENT,
	at             INTEGER NOT NULL,
	day            TEXT NOT NULL,
	certificate_id TEXT NOT NULL REFERENCES certificates (id),
	unit_id        TEXT NOT NULL,
	event          TEXT NOT NULL CHECK (event IN ('new', 'renewal', 'reissue', 'change', 'activate', 'hold', 'reinstate', 'revoke', 'revoke_held', 'lost')),
	reason         INTEGER NOT NULL DEFAULT 0,
	actor          TEXT NOT NULL
);
CREATE INDEX certificate_events_certificate ON certificate_events (certificate_id);
CREATE INDEX certificate_events_unit ON certificate_events (unit_id, n);

-- Counters, changed only by the writer of a certificate's status. Revocations have their
-- reason in the event, as "revoke.key_compromise". An "expiry" row stands on the day in
-- whose course its certificates end, so nothing has to happen when they do.
CREATE TABLE counts_day (
	day          TEXT NOT NULL,
	unit_id      TEXT NOT NULL, -- '*' for persons of the whole city
	point_id     TEXT NOT NULL DEFAULT '',
	subject_type TEXT NOT NULL,
	regime       TEXT NOT NULL,
	event        TEXT NOT NULL,
	slot         INTEGER NOT NULL, -- spreads the writers of one day
	n            INTEGER NOT NULL,
	PRIMARY KEY (day, unit_id, point_id, subject_type, regime, event, slot)
);
