package store

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/issuance"
)

// What runs for every certificate, every few seconds or behind a search field must not read a
// table that grows with the city.
func TestHotQueriesReadNoWholeTable(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "kyso.db"),
		DataKey: bytes.Repeat([]byte{1}, 32), IndexKey: bytes.Repeat([]byte{2}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	search := func(q issuance.CertificateQuery) string {
		w := s.certificatesLike(q)
		return `SELECT id FROM certificates` + w.String() + ` ORDER BY n DESC LIMIT ?`
	}
	for name, query := range map[string]string{
		"stuck":      `SELECT id FROM certificates ` + stuck,
		"unfinished": `SELECT id FROM applications ` + unfinished,
		"live row":   `SELECT id FROM certificates WHERE ` + liveOf,
		"person":     othersOfPerson,
		"by number":  search(issuance.CertificateQuery{Identity: "001090000001"}),
		"by serial":  search(issuance.CertificateQuery{Serial: "77"}),
		"by subject": search(issuance.CertificateQuery{SubjectID: "p"}),
	} {
		args := make([]any, strings.Count(query, "?"))
		for i := range args {
			args[i] = 1
		}
		var plan []struct {
			ID      int    `db:"id"`
			Parent  int    `db:"parent"`
			NotUsed int    `db:"notused"`
			Detail  string `db:"detail"`
		}
		if err := s.r.SelectContext(t.Context(), &plan, `EXPLAIN QUERY PLAN `+query, args...); err != nil {
			t.Fatal(err)
		}
		if len(plan) == 0 {
			t.Errorf("%s: no plan", name)
		}
		for _, step := range plan {
			// An index without a bound is read as a whole, too.
			if strings.HasPrefix(step.Detail, "SCAN") || strings.HasPrefix(step.Detail, "SEARCH") && !strings.Contains(step.Detail, "=?") {
				t.Errorf("%s: %s", name, step.Detail)
			}
		}
	}
}
