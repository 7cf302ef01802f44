package store

import (
	"context"
	"fmt"
)

// OwnCertificate is a certificate of the PKI's own.
type OwnCertificate struct {
	CA  string // who issued it
	DER []byte
}

// OwnCertificates returns the good certificates of a kind ("ocsp", "tsa"), newest first.
func (s *Store) OwnCertificates(ctx context.Context, kind string) ([]OwnCertificate, error) {
	var rows []struct {
		CA  string `db:"ca"`
		DER []byte `db:"der_sealed"`
	}
	err := s.sel(ctx, &rows, `SELECT c.ca, b.der_sealed FROM certificates c JOIN certificate_bytes b ON b.certificate_id = c.id
		WHERE c.subject_id = ? AND c.status = 'good' ORDER BY c.n DESC`, "pki:"+kind)
	if err != nil {
		return nil, fmt.Errorf("read own certificates: %w", err)
	}
	out := make([]OwnCertificate, len(rows))
	for i, r := range rows {
		der, err := s.seal.open(derColumn, r.DER)
		if err != nil {
			return nil, err
		}
		out[i] = OwnCertificate{CA: r.CA, DER: der}
	}
	return out, nil
}
