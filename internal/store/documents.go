package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/kyso-vn/kyso/internal/routing"
)

var _ routing.Store = (*Store)(nil)

// FindDocument implements routing.Store.
func (s *Store) FindDocument(ctx context.Context, clientID, externalID string) (id string, contentHash []byte, err error) {
	var r struct {
		ID   string `db:"id"`
		Hash []byte `db:"content_hash"`
	}
	err = s.get(ctx, &r, `SELECT id, content_hash FROM documents WHERE client_id = ? AND external_id = ?`, clientID, externalID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil, routing.ErrNotFound
	}
	return r.ID, r.Hash, err
}

// SignerByLogin implements routing.Store.
func (s *Store) SignerByLogin(ctx context.Context, login string) (personID, name string, err error) {
	var r struct {
		PersonID string `db:"person_id"`
		Name     string `db:"display_name"`
	}
	err = s.get(ctx, &r, `SELECT person_id, display_name FROM accounts WHERE login = ? AND state = 'active'`, login)
	if errors.Is(err, sql.ErrNoRows) {
		return "", "", routing.ErrSigner.Format(login)
	}
	return r.PersonID, r.Name, err
}

// CallbackURL implements routing.Store.
func (s *Store) CallbackURL(ctx context.Context, clientID string) (string, error) {
	var url string
	err := s.get(ctx, &url, `SELECT callback_url FROM clients WHERE id = ?`, clientID)
	return url, err
}

// InsertDocument implements routing.Store.
func (s *Store) InsertDocument(ctx context.Context, d routing.Document, c routing.Change) error {
	meta, err := json.Marshal(d.Metadata)
	if err != nil {
		return err
	}
	plan, err := json.Marshal(d.Plan)
	if err != nil {
		return err
	}
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO documents (id, unit_id, client_id, external_id, content_hash, metadata_sealed, plan_sealed, urgency, deadline,
			callback_url, state, step, revision, pages, sort_key, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			d.ID, d.UnitID, d.ClientID, d.ExternalID, d.ContentHash, s.seal.seal("documents.metadata", meta), s.seal.seal("documents.plan", plan),
			urgencyRank(d.Metadata.Urgency), micros(d.Deadline), d.CallbackURL, string(d.State), d.Step, d.Revision, d.Pages, d.SortKey,
			micros(d.CreatedAt), micros(d.UpdatedAt))
		if unique(err) {
			return routing.ErrExists.Wrap(err)
		}
		if err != nil {
			return fmt.Errorf("insert document: %w", err)
		}
		if err := t.insertParts(d); err != nil {
			return err
		}
		return t.change(c)
	})
}

func (t *tx) insertParts(d routing.Document) error {
	for _, st := range d.Steps {
		_, err := t.exec(`INSERT INTO document_steps (document_id, n, kind, state, unit_id, person_id, sort_key) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			d.ID, st.N, string(st.Kind), string(st.State), st.UnitID, null(st.PersonID), d.SortKey)
		if err != nil {
			return fmt.Errorf("insert step: %w", err)
		}
	}
	for _, r := range d.Revisions {
		if err := t.insertRevision(d.ID, r); err != nil {
			return err
		}
	}
	for _, at := range d.Attachments {
		_, err := t.exec(`INSERT INTO document_attachments (document_id, n, name_sealed, media_type, same_file, blob_id, size, sha256, signable) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			d.ID, at.N, t.s.seal.seal("document_attachments.name", []byte(at.Name)), at.MediaType, flag(at.SameFile), null(at.BlobID), at.Size, at.SHA256, flag(at.Signable))
		if err != nil {
			return fmt.Errorf("insert attachment: %w", err)
		}
	}
	for _, w := range d.Words {
		if _, err := t.exec(`INSERT INTO document_words (word_hash, document_id) VALUES (?, ?)`, t.s.wordHash(w), d.ID); err != nil {
			return fmt.Errorf("insert word: %w", err)
		}
	}
	return nil
}

func (t *tx) insertRevision(documentID string, r routing.Revision) error {
	_, err := t.exec(`INSERT INTO document_revisions (document_id, n, kind, blob_id, size, sha256, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		documentID, r.N, r.Kind, r.BlobID, r.Size, r.SHA256, micros(r.At))
	if err != nil {
		return fmt.Errorf("insert revision: %w", err)
	}
	return nil
}

// wordHash is 8 bytes of the keyed hash: enough to search by, too few to tell words apart
// for certain.
func (s *Store) wordHash(w string) []byte { return s.seal.hash("document_words.word", w)[:8] }

// null turns "" into NULL.
func null(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func urgencyRank(u routing.Urgency) int {
	for i, x := range []routing.Urgency{routing.UrgencyNormal, routing.UrgencyUrgent, routing.UrgencyVery, routing.UrgencyAtOnce} {
		if u == x {
			return i
		}
	}
	return 0
}

type documentRow struct {
	ID               string `db:"id"`
	UnitID           string `db:"unit_id"`
	ClientID         string `db:"client_id"`
	ExternalID       string `db:"external_id"`
	ContentHash      []byte `db:"content_hash"`
	Metadata         []byte `db:"metadata_sealed"`
	Plan             []byte `db:"plan_sealed"`
	Deadline         int64  `db:"deadline"`
	CallbackURL      string `db:"callback_url"`
	State            string `db:"state"`
	Step             int    `db:"step"`
	Revision         int    `db:"revision"`
	Pages            int    `db:"pages"`
	Level            string `db:"level"`
	TimestampPending int    `db:"timestamp_pending"`
	Reason           []byte `db:"reason_sealed"`
	ReasonCode       string `db:"reason_code"`
	EndKey           string `db:"end_key"`
	SortKey          string `db:"sort_key"`
	CreatedAt        int64  `db:"created_at"`
	UpdatedAt        int64  `db:"updated_at"`
}

const documentColumns = `d.id, d.unit_id, d.client_id, d.external_id, d.content_hash, d.metadata_sealed, d.plan_sealed, d.deadline, d.callback_url,
	d.state, d.step, d.revision, d.pages, d.level, d.timestamp_pending, d.reason_sealed, d.reason_code, d.end_key, d.sort_key, d.created_at, d.updated_at`

func (s *Store) document(r documentRow) (routing.Document, error) {
	d := routing.Document{ID: r.ID, UnitID: r.UnitID, ClientID: r.ClientID, ExternalID: r.ExternalID, ContentHash: r.ContentHash,
		Deadline: fromMicros(r.Deadline), CallbackURL: r.CallbackURL, State: routing.State(r.State), Step: r.Step, Revision: r.Revision,
		Pages: r.Pages, Level: r.Level, TimestampPending: r.TimestampPending == 1, ReasonCode: r.ReasonCode, EndKey: r.EndKey,
		SortKey: r.SortKey, CreatedAt: fromMicros(r.CreatedAt), UpdatedAt: fromMicros(r.UpdatedAt)}
	if err := s.openJSON("documents.metadata", r.Metadata, &d.Metadata); err != nil {
		return d, err
	}
	if err := s.openJSON("documents.plan", r.Plan, &d.Plan); err != nil {
		return d, err
	}
	reason, err := s.seal.open("documents.reason", r.Reason)
	d.Reason = string(reason)
	return d, err
}

// openJSON opens a sealed column and decodes it.
func (s *Store) openJSON(column string, sealed []byte, v any) error {
	b, err := s.seal.open(column, sealed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("decode %s: %w", column, err)
	}
	return nil
}

type stepRow struct {
	DocumentID string         `db:"document_id"`
	N          int            `db:"n"`
	Kind       string         `db:"kind"`
	State      string         `db:"state"`
	UnitID     string         `db:"unit_id"`
	PersonID   sql.NullString `db:"person_id"`
	ActedBy    sql.NullString `db:"acted_by"`
	ActedAt    int64          `db:"acted_at"`
}

const stepColumns = `document_id, n, kind, state, unit_id, person_id, acted_by, acted_at`

func (r stepRow) step() routing.Step {
	return routing.Step{N: r.N, Kind: routing.StepKind(r.Kind), State: routing.StepState(r.State), UnitID: r.UnitID,
		PersonID: r.PersonID.String, ActedBy: r.ActedBy.String, ActedAt: fromMicros(r.ActedAt)}
}

// Document implements routing.Store.
func (s *Store) Document(ctx context.Context, id string) (routing.Document, error) {
	// One snapshot: a document is never seen half way through a change.
	var d routing.Document
	err := s.snapshot(ctx, func(t *tx) error {
		var r documentRow
		err := t.get(&r, `SELECT `+documentColumns+` FROM documents d WHERE d.id = ?`, id)
		if errors.Is(err, sql.ErrNoRows) {
			return routing.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("read document: %w", err)
		}
		if d, err = s.document(r); err != nil {
			return err
		}
		return t.readParts(&d)
	})
	return d, err
}

func (t *tx) readParts(d *routing.Document) error {
	var steps []stepRow
	if err := t.sel(&steps, `SELECT `+stepColumns+` FROM document_steps WHERE document_id = ? ORDER BY n`, d.ID); err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	for _, r := range steps {
		d.Steps = append(d.Steps, r.step())
	}
	var revs []struct {
		N         int    `db:"n"`
		Kind      string `db:"kind"`
		BlobID    string `db:"blob_id"`
		Size      int64  `db:"size"`
		SHA256    []byte `db:"sha256"`
		CreatedAt int64  `db:"created_at"`
	}
	if err := t.sel(&revs, `SELECT n, kind, blob_id, size, sha256, created_at FROM document_revisions WHERE document_id = ? ORDER BY n`, d.ID); err != nil {
		return fmt.Errorf("read revisions: %w", err)
	}
	for _, r := range revs {
		d.Revisions = append(d.Revisions, routing.Revision{N: r.N, Kind: r.Kind, BlobID: r.BlobID, Size: r.Size, SHA256: r.SHA256, At: fromMicros(r.CreatedAt)})
	}
	return t.readAttachments(d)
}

// snapshot runs reads that must agree with each other.
func (s *Store) snapshot(ctx context.Context, f func(t *tx) error) error {
	o := &sql.TxOptions{ReadOnly: true}
	if s.postgres {
		o.Isolation = sql.LevelRepeatableRead
	}
	x, err := s.r.BeginTxx(ctx, o)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	return errors.Join(f(&tx{Tx: x, s: s, ctx: ctx}), ignoreDone(x.Rollback()))
}
