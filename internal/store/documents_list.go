package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/routing"
)

// List implements routing.Store. Waiting lists are made of one query by person and one for
// each kind of step by role, each in index order and limited, then merged.
func (s *Store) List(ctx context.Context, q routing.Query) ([]routing.Document, error) {
	found := make(map[string]routing.Document)
	for _, w := range listParts(q) {
		rows, err := s.listPart(ctx, w, q)
		if err != nil {
			return nil, fmt.Errorf("list documents: %w", err)
		}
		for _, r := range rows {
			d, err := s.document(r)
			if err != nil {
				return nil, err
			}
			found[d.ID] = d
		}
	}
	out := slices.SortedFunc(maps.Values(found), func(a, b routing.Document) int { return strings.Compare(a.SortKey, b.SortKey) })
	out = out[:min(len(out), q.Limit)]
	return out, s.listSteps(ctx, out)
}

// listPart is a condition on steps s and their documents d, or on documents alone.
type listPart struct {
	where
	steps bool
}

func listParts(q routing.Query) []listPart {
	byStep := func(cond string, args ...any) listPart {
		p := listPart{steps: true}
		p.and(cond, args...)
		return p
	}
	switch {
	case q.Waiting:
		parts := []listPart{byStep("s.state = 'waiting' AND s.person_id = ?", q.PersonID)}
		for _, r := range q.Roles {
			p := byStep("s.state = 'waiting' AND s.person_id IS NULL AND s.kind = ?", string(r.Kind))
			p.scope("s.unit_id", auth.Scope{All: r.All, Units: r.Units})
			parts = append(parts, p)
		}
		return parts
	case q.Done:
		return []listPart{byStep("s.acted_by = ?", q.PersonID)}
	}
	var p listPart
	p.scope("d.unit_id", auth.Scope{All: q.AllUnits, Units: q.Units})
	if q.ClientID != "" {
		p.and("d.client_id = ?", q.ClientID)
	}
	return []listPart{p}
}

func (s *Store) listPart(ctx context.Context, p listPart, q routing.Query) ([]documentRow, error) {
	from, key := "documents d", "d.sort_key"
	if p.steps {
		from, key = "document_steps s JOIN documents d ON d.id = s.document_id", "s.sort_key"
	}
	if q.State != "" {
		p.and("d.state = ?", string(q.State))
	}
	if q.Urgency >= 0 {
		p.and("d.urgency = ?", q.Urgency)
	}
	if q.After != "" {
		p.and(key+" > ?", q.After)
	}
	for _, word := range q.Words {
		p.and("EXISTS (SELECT 1 FROM document_words w WHERE w.word_hash = ? AND w.document_id = d.id)", s.wordHash(word))
	}
	var rows []struct {
		documentRow
		K string `db:"k"`
	}
	err := s.sel(ctx, &rows, `SELECT DISTINCT `+documentColumns+`, `+key+` AS k FROM `+from+p.String()+` ORDER BY k LIMIT ?`, append(p.args, q.Limit)...)
	out := make([]documentRow, len(rows))
	for i, r := range rows {
		out[i] = r.documentRow
	}
	return out, err
}

// listSteps fills the steps of listed documents.
func (s *Store) listSteps(ctx context.Context, docs []routing.Document) error {
	if len(docs) == 0 {
		return nil
	}
	at := make(map[string]int, len(docs))
	ids := make([]string, len(docs))
	for i, d := range docs {
		at[d.ID], ids[i] = i, d.ID
	}
	var w where
	w.in("document_id", ids)
	var rows []stepRow
	if err := s.sel(ctx, &rows, `SELECT `+stepColumns+` FROM document_steps`+w.String()+` ORDER BY document_id, n`, w.args...); err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	for _, r := range rows {
		d := &docs[at[r.DocumentID]]
		d.Steps = append(d.Steps, r.step())
	}
	return nil
}

// MarkViewed implements routing.Store.
func (s *Store) MarkViewed(ctx context.Context, documentID, accountID string, revision int, at time.Time) error {
	return s.tx(ctx, func(t *tx) error {
		_, err := t.exec(`INSERT INTO document_views (document_id, account_id, revision, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (document_id, account_id) DO UPDATE SET revision = excluded.revision, at = excluded.at`,
			documentID, accountID, revision, micros(at))
		return err
	})
}

// Viewed implements routing.Store.
func (s *Store) Viewed(ctx context.Context, accountID string, documentIDs []string) (map[string]int, error) {
	var w where
	w.and("account_id = ?", accountID)
	w.in("document_id", documentIDs)
	var rows []struct {
		ID       string `db:"document_id"`
		Revision int    `db:"revision"`
	}
	if err := s.sel(ctx, &rows, `SELECT document_id, revision FROM document_views`+w.String(), w.args...); err != nil {
		return nil, fmt.Errorf("read views: %w", err)
	}
	seen := make(map[string]int, len(rows))
	for _, r := range rows {
		seen[r.ID] = r.Revision
	}
	return seen, nil
}
