package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/signing"
)

var _ signing.Store = (*Store)(nil)

type signingCertRow struct {
	ID           string         `db:"id"`
	CA           string         `db:"ca"`
	CredentialID string         `db:"credential_id"`
	Kind         string         `db:"kind"`
	SubjectID    string         `db:"subject_id"`
	PersonID     sql.NullString `db:"person_id"`
	UnitID       sql.NullString `db:"unit_id"`
	Status       string         `db:"status"`
	ActivatedAt  int64          `db:"activated_at"`
	NotBefore    int64          `db:"not_before"`
	NotAfter     int64          `db:"not_after"`
	DER          []byte         `db:"der_sealed"`
}

const signingCertQuery = `SELECT c.id, c.ca, c.credential_id, c.kind, c.subject_id, c.person_id, c.unit_id, c.status, c.activated_at, c.not_before,
	c.not_after, b.der_sealed FROM certificates c JOIN certificate_bytes b ON b.certificate_id = c.id
	WHERE c.state = 'issued' AND c.credential_id <> '' AND `

// CredentialCertificate implements signing.Store.
func (s *Store) CredentialCertificate(ctx context.Context, credentialID string) (signing.Certificate, error) {
	out, err := s.signingCertificates(ctx, `c.credential_id = ? ORDER BY c.n DESC LIMIT 1`, credentialID)
	if err == nil && len(out) == 0 {
		err = agent.ErrNoCredential
	}
	if err != nil {
		return signing.Certificate{}, err
	}
	return out[0], nil
}

// PersonCertificates implements signing.Store.
func (s *Store) PersonCertificates(ctx context.Context, personID string) ([]signing.Certificate, error) {
	return s.signingCertificates(ctx, `c.subject_id = ? AND c.kind <> 'organisation' ORDER BY c.n DESC`, personID)
}

// UnitCertificates implements signing.Store.
func (s *Store) UnitCertificates(ctx context.Context, unitID string) ([]signing.Certificate, error) {
	return s.signingCertificates(ctx, `c.subject_id = ? AND c.kind = 'organisation' ORDER BY c.n DESC`, unitID)
}

func (s *Store) signingCertificates(ctx context.Context, cond string, args ...any) ([]signing.Certificate, error) {
	var rows []signingCertRow
	if err := s.sel(ctx, &rows, signingCertQuery+cond, args...); err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	out := make([]signing.Certificate, len(rows))
	for i, r := range rows {
		der, err := s.seal.open(derColumn, r.DER)
		if err != nil {
			return nil, err
		}
		chain, err := s.caChain(ctx, r.CA)
		if err != nil {
			return nil, err
		}
		out[i] = signing.Certificate{ID: r.ID, CredentialID: r.CredentialID, Kind: r.Kind, SubjectID: r.SubjectID, PersonID: r.PersonID.String,
			UnitID: r.UnitID.String, Status: r.Status, Activated: r.ActivatedAt != 0, NotBefore: fromMicros(r.NotBefore),
			NotAfter: fromMicros(r.NotAfter), DER: der, Chain: chain}
	}
	return out, nil
}

// caChain returns the certificates from a CA up to below its root; of a root alone, nothing.
func (s *Store) caChain(ctx context.Context, name string) ([][]byte, error) {
	var chain [][]byte
	for range 8 { // more levels than any ceremony makes
		var r struct {
			Parent sql.NullString `db:"parent"`
			DER    []byte         `db:"cert_der"`
		}
		if err := s.get(ctx, &r, `SELECT parent, cert_der FROM cas WHERE name = ?`, name); err != nil {
			return nil, fmt.Errorf("read CA %s: %w", name, err)
		}
		if !r.Parent.Valid {
			return chain, nil
		}
		chain, name = append(chain, r.DER), r.Parent.String
	}
	return nil, fmt.Errorf("the chain of CA %s does not end", name)
}

// lockCertificateStatus reads a certificate's status and holds it until the transaction
// ends: a revocation waits for it, or it for the revocation.
func (t *tx) lockCertificateStatus(certificateID string) (string, error) {
	var status string
	err := t.get(&status, `SELECT status FROM certificates WHERE id = ?`+t.lock(), certificateID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", agent.ErrNoCredential
	}
	if err != nil {
		return "", fmt.Errorf("lock certificate: %w", err)
	}
	return status, nil
}
