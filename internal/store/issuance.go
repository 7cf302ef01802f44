package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

var _ issuance.Store = (*Store)(nil)

type applicationRow struct {
	N               int64          `db:"n"`
	ID              string         `db:"id"`
	OpKey           sql.NullString `db:"op_key"`
	Event           string         `db:"event"`
	Kind            string         `db:"kind"`
	UnitID          string         `db:"unit_id"`
	PointID         sql.NullString `db:"point_id"`
	DeskID          sql.NullString `db:"desk_id"`
	State           string         `db:"state"`
	SubjectID       string         `db:"subject_id"`
	PersonID        sql.NullString `db:"person_id"`
	Name            string         `db:"name"`
	NameFolded      string         `db:"name_folded"`
	Claim           string         `db:"claim"`
	NeedsApproval   int            `db:"needs_approval"`
	Test            int            `db:"test"`
	DataSealed      []byte         `db:"data_sealed"`
	RequestedBy     string         `db:"requested_by"`
	RequestedPerson string         `db:"requested_person"`
	RequestedAt     int64          `db:"requested_at"`
	DecidedBy       string         `db:"decided_by"`
	DecidedPerson   string         `db:"decided_person"`
	DecidedAt       int64          `db:"decided_at"`
	Decision        string         `db:"decision"`
	Replaces        string         `db:"replaces"`
	CertificateID   string         `db:"certificate_id"`
	UpdatedAt       int64          `db:"updated_at"`
}

const applicationColumns = `n, id, op_key, event, kind, unit_id, point_id, desk_id, state, subject_id, person_id, name, name_folded, claim,
	needs_approval, test, data_sealed, requested_by, requested_person, requested_at, decided_by, decided_person, decided_at, decision,
	replaces, certificate_id, updated_at`

const formColumn = "applications.data"

func (s *sealer) applicationRow(a issuance.Application) (applicationRow, error) {
	data, err := json.Marshal(a.Form)
	if err != nil {
		return applicationRow{}, err
	}
	return applicationRow{ID: a.ID, OpKey: orNull(a.OpKey), Event: string(a.Event), Kind: string(a.Kind), UnitID: a.UnitID,
		PointID: orNull(a.PointID), DeskID: orNull(a.DeskID), State: string(a.State), SubjectID: a.SubjectID, PersonID: orNull(a.PersonID),
		Name: a.Name, NameFolded: unit.Fold(a.Name), Claim: a.Claim, NeedsApproval: flag(a.NeedsApproval), Test: flag(a.Test),
		DataSealed: s.seal(formColumn, data), RequestedBy: a.RequestedBy, RequestedPerson: a.RequestedPerson, RequestedAt: micros(a.RequestedAt),
		Replaces: a.Replaces, UpdatedAt: micros(a.UpdatedAt)}, nil
}

func (r applicationRow) application(s *sealer) (issuance.Application, error) {
	a := issuance.Application{Number: r.N, ID: r.ID, OpKey: r.OpKey.String, Event: issuance.Event(r.Event), Kind: pki.Kind(r.Kind),
		UnitID: r.UnitID, PointID: r.PointID.String, DeskID: r.DeskID.String, State: issuance.State(r.State), SubjectID: r.SubjectID,
		PersonID: r.PersonID.String, Name: r.Name, Claim: r.Claim, NeedsApproval: r.NeedsApproval == 1, Test: r.Test == 1,
		RequestedBy: r.RequestedBy, RequestedPerson: r.RequestedPerson, RequestedAt: fromMicros(r.RequestedAt), DecidedBy: r.DecidedBy,
		DecidedPerson: r.DecidedPerson, DecidedAt: fromMicros(r.DecidedAt), Decision: r.Decision, Replaces: r.Replaces,
		CertificateID: r.CertificateID, UpdatedAt: fromMicros(r.UpdatedAt)}
	data, err := s.open(formColumn, r.DataSealed)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(data, &a.Form); err != nil {
		return a, fmt.Errorf("read the form of application %s: %w", r.ID, err)
	}
	return a, nil
}

const insertApplication = `INSERT INTO applications (id, op_key, event, kind, unit_id, point_id, desk_id, state, subject_id, person_id, name, name_folded,
		claim, needs_approval, test, data_sealed, requested_by, requested_person, requested_at, replaces, updated_at)
	VALUES (:id, :op_key, :event, :kind, :unit_id, :point_id, :desk_id, :state, :subject_id, :person_id, :name, :name_folded,
		:claim, :needs_approval, :test, :data_sealed, :requested_by, :requested_person, :requested_at, :replaces, :updated_at)`

const updateDraft = `UPDATE applications SET kind = :kind, unit_id = :unit_id, point_id = :point_id, desk_id = :desk_id, state = :state,
		subject_id = :subject_id, person_id = :person_id, name = :name, name_folded = :name_folded, claim = :claim, needs_approval = :needs_approval,
		test = :test, data_sealed = :data_sealed, requested_by = :requested_by, requested_person = :requested_person,
		requested_at = :requested_at, updated_at = :updated_at
	WHERE id = :id AND state = 'draft'`

// putApplication inserts a, or updates the draft of that id; ok is false when it is no draft.
func (t *tx) putApplication(query string, a issuance.Application) (ok bool, err error) {
	row, err := t.s.seal.applicationRow(a)
	if err != nil {
		return false, err
	}
	r, err := t.NamedExecContext(t.ctx, query, row)
	if err != nil {
		return false, fmt.Errorf("write application: %w", err)
	}
	n, err := r.RowsAffected()
	return n == 1, err
}

func (t *tx) application(where string, args ...any) (issuance.Application, error) {
	var r applicationRow
	err := t.get(&r, `SELECT `+applicationColumns+` FROM applications WHERE `+where+t.lock(), args...)
	if errors.Is(err, sql.ErrNoRows) {
		return issuance.Application{}, auth.ErrNotFound
	}
	if err != nil {
		return issuance.Application{}, fmt.Errorf("read application: %w", err)
	}
	return r.application(t.s.seal)
}

// SaveDraft implements issuance.Store.
func (s *Store) SaveDraft(ctx context.Context, a issuance.Application, e audit.Event) (issuance.Application, error) {
	query := updateDraft
	if a.Number == 0 {
		query = insertApplication
	}
	err := s.tx(ctx, func(t *tx) error {
		ok, err := t.putApplication(query, a)
		if err == nil && !ok {
			return issuance.ErrState
		}
		if err != nil {
			return err
		}
		return t.audit(e)
	})
	if unique(err) && a.OpKey != "" { // the same request again
		return s.applicationWhere(ctx, `op_key = ?`, a.OpKey)
	}
	if err != nil {
		return a, err
	}
	return s.Application(ctx, a.ID)
}

// Application implements issuance.Store.
func (s *Store) Application(ctx context.Context, id string) (issuance.Application, error) {
	return s.applicationWhere(ctx, `id = ?`, id)
}

func (s *Store) applicationWhere(ctx context.Context, where string, args ...any) (issuance.Application, error) {
	var r applicationRow
	err := s.get(ctx, &r, `SELECT `+applicationColumns+` FROM applications WHERE `+where, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return issuance.Application{}, auth.ErrNotFound
	}
	if err != nil {
		return issuance.Application{}, fmt.Errorf("read application: %w", err)
	}
	return r.application(s.seal)
}

func (s *Store) applicationsWhere(ctx context.Context, rest string, args ...any) ([]issuance.Application, error) {
	var rows []applicationRow
	if err := s.sel(ctx, &rows, `SELECT `+applicationColumns+` FROM applications `+rest, args...); err != nil {
		return nil, fmt.Errorf("read applications: %w", err)
	}
	list := make([]issuance.Application, 0, len(rows))
	for _, r := range rows {
		a, err := r.application(s.seal)
		if err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// where collects conditions joined by AND.
type where struct {
	parts []string
	args  []any
}

func (w *where) and(condition string, args ...any) {
	w.parts = append(w.parts, condition)
	w.args = append(w.args, args...)
}

// in adds "column IN (…)"; an empty list matches nothing.
func (w *where) in(column string, values []string) {
	if len(values) == 0 {
		w.and("1 = 0")
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	w.and(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
}

// scope keeps to the units of sc.
func (w *where) scope(column string, sc auth.Scope) {
	if !sc.All {
		w.in(column, sc.Units)
	}
}

func (w *where) String() string {
	if len(w.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.parts, " AND ")
}

// Applications implements issuance.Store.
func (s *Store) Applications(ctx context.Context, q issuance.ApplicationQuery) ([]issuance.Application, error) {
	var w where
	w.scope("unit_id", q.Scope())
	if q.UnitID != "" {
		w.and("unit_id = ?", q.UnitID)
	}
	if len(q.States) > 0 {
		states := make([]string, len(q.States))
		for i, st := range q.States {
			states[i] = string(st)
		}
		w.in("state", states)
	}
	if q.RequestedBy != "" {
		w.and("requested_by = ?", q.RequestedBy)
	}
	if q.Before() > 0 {
		w.and("n < ?", q.Before())
	}
	return s.applicationsWhere(ctx, w.String()+` ORDER BY n DESC LIMIT ?`, append(w.args, q.Limit)...)
}

// unfinished has the lists of states of applications_open and certificates_once, as stuck.
const unfinished = `WHERE state IN ('draft', 'submitted', 'approved', 'failed') AND state = 'approved' AND updated_at < ? AND NOT EXISTS (
	SELECT 1 FROM certificates c WHERE c.application_id = applications.id AND c.state IN ('reserved', 'signing', 'issued') AND c.state = 'signing')
	ORDER BY n LIMIT ?`

// Unfinished implements issuance.Store.
func (s *Store) Unfinished(ctx context.Context, before time.Time, limit int) ([]issuance.Application, error) {
	return s.applicationsWhere(ctx, unfinished, micros(before), limit)
}
