package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/pki"
)

type certificateRow struct {
	N             int64          `db:"n"`
	ID            string         `db:"id"`
	ApplicationID sql.NullString `db:"application_id"`
	CA            string         `db:"ca"`
	Serial        string         `db:"serial"`
	Shard         int            `db:"shard"`
	State         string         `db:"state"`
	Status        string         `db:"status"`
	Reason        int            `db:"reason"`
	RevokedAt     int64          `db:"revoked_at"`
	InvalidAt     int64          `db:"invalid_at"`
	Event         string         `db:"event"`
	Kind          string         `db:"kind"`
	Regime        string         `db:"regime"`
	Profile       string         `db:"profile"`
	UnitID        sql.NullString `db:"unit_id"`
	PointID       sql.NullString `db:"point_id"`
	SubjectID     string         `db:"subject_id"`
	PersonID      sql.NullString `db:"person_id"`
	CredentialID  string         `db:"credential_id"`
	Name          string         `db:"name"`
	NameFolded    string         `db:"name_folded"`
	Counted       int            `db:"counted"`
	NotBefore     int64          `db:"not_before"`
	NotAfter      int64          `db:"not_after"`
	ReservedAt    int64          `db:"reserved_at"`
	SigningAt     int64          `db:"signing_at"`
	IssuedAt      int64          `db:"issued_at"`
	ActivatedAt   int64          `db:"activated_at"`
}

const certificateColumns = `n, id, application_id, ca, serial, shard, state, status, reason, revoked_at, invalid_at, event, kind, regime, profile,
	unit_id, point_id, subject_id, person_id, credential_id, name, name_folded, counted, not_before, not_after, reserved_at, signing_at, issued_at, activated_at`

func (r certificateRow) certificate() issuance.Certificate {
	return issuance.Certificate{Number: r.N, ID: r.ID, ApplicationID: r.ApplicationID.String, CA: r.CA, Serial: r.Serial, Shard: r.Shard,
		State: issuance.CertificateState(r.State), Status: issuance.Status(r.Status), Reason: pki.Reason(r.Reason), RevokedAt: fromMicros(r.RevokedAt),
		InvalidAt: fromMicros(r.InvalidAt), Event: issuance.Event(r.Event), Kind: pki.Kind(r.Kind), Regime: pki.Regime(r.Regime), Profile: r.Profile,
		UnitID: r.UnitID.String, PointID: r.PointID.String, SubjectID: r.SubjectID, PersonID: r.PersonID.String, CredentialID: r.CredentialID,
		Name: r.Name, Counted: r.Counted == 1, NotBefore: fromMicros(r.NotBefore), NotAfter: fromMicros(r.NotAfter),
		ReservedAt: fromMicros(r.ReservedAt), SigningAt: fromMicros(r.SigningAt), IssuedAt: fromMicros(r.IssuedAt), ActivatedAt: fromMicros(r.ActivatedAt)}
}

const insertCertificate = `INSERT INTO certificates (id, application_id, ca, serial, shard, state, status, event, kind, regime, profile, unit_id, point_id,
		subject_id, person_id, credential_id, name, name_folded, counted, not_before, not_after, reserved_at, signing_at, issued_at, activated_at)
	VALUES (:id, :application_id, :ca, :serial, :shard, :state, :status, :event, :kind, :regime, :profile, :unit_id, :point_id,
		:subject_id, :person_id, :credential_id, :name, :name_folded, :counted, :not_before, :not_after, :reserved_at, :signing_at, :issued_at, :activated_at)`

// certificate reads a row and holds it until the transaction ends; ok is false when there is
// none.
func (t *tx) certificate(where string, args ...any) (r certificateRow, ok bool, err error) {
	err = t.get(&r, `SELECT `+certificateColumns+` FROM certificates WHERE `+where+t.lock(), args...)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("read certificate: %w", err)
	}
	return r, true, nil
}

// Certificate implements issuance.Store.
func (s *Store) Certificate(ctx context.Context, id string) (issuance.Certificate, error) {
	var r certificateRow
	err := s.get(ctx, &r, `SELECT `+certificateColumns+` FROM certificates WHERE id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return issuance.Certificate{}, auth.ErrNotFound
	}
	if err != nil {
		return issuance.Certificate{}, fmt.Errorf("read certificate: %w", err)
	}
	return r.certificate(), nil
}

// Certificates implements issuance.Store.
func (s *Store) Certificates(ctx context.Context, q issuance.CertificateQuery) ([]issuance.Certificate, error) {
	w := s.certificatesLike(q)
	return s.certificatesWhere(ctx, w.String()+` ORDER BY n DESC LIMIT ?`, append(w.args, q.Limit)...)
}

func (s *Store) certificatesLike(q issuance.CertificateQuery) where {
	w := where{parts: []string{"state = 'issued'", "application_id IS NOT NULL"}}
	w.scope("unit_id", q.Scope())
	if q.Identity != "" {
		w.and("subject_id = (SELECT id FROM persons WHERE identity_hash = ?)", s.seal.hash("persons.identity", pki.CCCD+":"+q.Identity))
	}
	if q.Name != "" {
		w.and(`name_folded LIKE ? ESCAPE '!'`, "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(q.Name)+"%")
	}
	if q.Serial != "" { // the index of serials begins with the CA
		w.and("ca IN (SELECT name FROM cas) AND serial = ?", q.Serial)
	}
	for column, value := range map[string]string{"subject_id": q.SubjectID, "unit_id": q.UnitID} {
		if value != "" {
			w.and(column+" = ?", value)
		}
	}
	if q.Before() > 0 {
		w.and("n < ?", q.Before())
	}
	return w
}

func (s *Store) certificatesWhere(ctx context.Context, rest string, args ...any) ([]issuance.Certificate, error) {
	var rows []certificateRow
	if err := s.sel(ctx, &rows, `SELECT `+certificateColumns+` FROM certificates `+rest, args...); err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	list := make([]issuance.Certificate, 0, len(rows))
	for _, r := range rows {
		list = append(list, r.certificate())
	}
	return list, nil
}

const derColumn = "certificate_bytes.der"

// DER implements issuance.Store.
func (s *Store) DER(ctx context.Context, certificateID string) ([]byte, error) {
	var sealed []byte
	err := s.get(ctx, &sealed, `SELECT der_sealed FROM certificate_bytes WHERE certificate_id = ?`, certificateID)
	if errors.Is(err, sql.ErrNoRows) || err == nil && sealed == nil {
		return nil, auth.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read certificate bytes: %w", err)
	}
	return s.seal.open(derColumn, sealed)
}

// StatusOf implements issuance.Store.
func (s *Store) StatusOf(ctx context.Context, ca, serial string) (issuance.Certificate, bool, error) {
	var r certificateRow
	err := s.get(ctx, &r, `SELECT `+certificateColumns+` FROM certificates WHERE ca = ? AND serial = ? AND status <> ''`, ca, serial)
	if errors.Is(err, sql.ErrNoRows) {
		return issuance.Certificate{}, false, nil
	}
	if err != nil {
		return issuance.Certificate{}, false, fmt.Errorf("read status: %w", err)
	}
	return r.certificate(), true, nil
}
