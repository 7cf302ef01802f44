package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/routing"
)

// notice queues what the document system is told, behind what it was told before. The
// document's row is locked or new.
func (t *tx) notice(n routing.Notice) error {
	if n.URL == "" {
		return nil
	}
	if _, err := t.exec(`UPDATE documents SET callbacks = callbacks + 1 WHERE id = ?`, n.DocumentID); err != nil {
		return fmt.Errorf("number a callback: %w", err)
	}
	var r struct {
		N        int    `db:"callbacks"`
		ClientID string `db:"client_id"`
	}
	if err := t.get(&r, `SELECT callbacks, client_id FROM documents WHERE id = ?`, n.DocumentID); err != nil {
		return fmt.Errorf("number a callback: %w", err)
	}
	body, err := n.Body(r.N)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO callbacks (id, document_id, client_id, n, event, url, body, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?)`,
		n.ID, n.DocumentID, r.ClientID, r.N, n.Event, n.URL, string(body), micros(n.At))
	if err != nil {
		return fmt.Errorf("queue a callback: %w", err)
	}
	return nil
}

type callbackRow struct {
	ID          string `db:"id"`
	DocumentID  string `db:"document_id"`
	ClientID    string `db:"client_id"`
	UnitID      string `db:"unit_id"`
	N           int    `db:"n"`
	Event       string `db:"event"`
	URL         string `db:"url"`
	Body        string `db:"body"`
	State       string `db:"state"`
	Tries       int    `db:"tries"`
	Status      int    `db:"status"`
	CreatedAt   int64  `db:"created_at"`
	TriedAt     int64  `db:"tried_at"`
	DeliveredAt int64  `db:"delivered_at"`
	KeySealed   []byte `db:"callback_sealed"`
}

const callbackQuery = `SELECT c.id, c.document_id, c.client_id, d.unit_id, c.n, c.event, c.url, c.body, c.state, c.tries, c.status, c.created_at, c.tried_at,
	c.delivered_at, k.callback_sealed FROM callbacks c JOIN documents d ON d.id = c.document_id JOIN clients k ON k.id = c.client_id`

func (s *Store) callback(r callbackRow) (routing.Callback, error) {
	key, err := s.seal.open("clients.callback", r.KeySealed)
	return routing.Callback{ID: r.ID, DocumentID: r.DocumentID, ClientID: r.ClientID, UnitID: r.UnitID, N: r.N, Event: r.Event, URL: r.URL,
		Body: []byte(r.Body), Key: key, Delivered: r.State == "delivered", Tries: r.Tries, Status: r.Status, CreatedAt: fromMicros(r.CreatedAt),
		TriedAt: fromMicros(r.TriedAt), DeliveredAt: fromMicros(r.DeliveredAt)}, err
}

// TakeCallback implements dms.Store: the document's first undelivered callback, leased to
// the caller alone.
func (s *Store) TakeCallback(ctx context.Context, documentID string, now time.Time, lease time.Duration) (c routing.Callback, ok bool, err error) {
	err = s.tx(ctx, func(t *tx) error {
		var r callbackRow
		err := t.get(&r, callbackQuery+` WHERE c.document_id = ? AND c.state = 'waiting' ORDER BY c.n LIMIT 1`, documentID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take a callback: %w", err)
		}
		n, err := t.exec(`UPDATE callbacks SET lease_until = ?, tries = tries + 1, tried_at = ? WHERE id = ? AND state = 'waiting' AND lease_until <= ?`,
			micros(now.Add(lease)), micros(now), r.ID, micros(now))
		if err != nil {
			return fmt.Errorf("lease a callback: %w", err)
		}
		if ok = n == 1; !ok {
			return routing.ErrBusy
		}
		c, err = s.callback(r)
		return err
	})
	return c, ok && err == nil, err
}

// CallbackTried implements dms.Store.
func (s *Store) CallbackTried(ctx context.Context, id string, status int, delivered bool, at time.Time) error {
	return s.tx(ctx, func(t *tx) error {
		state, when := "waiting", int64(0)
		if delivered {
			state, when = "delivered", micros(at)
		}
		_, err := t.exec(`UPDATE callbacks SET state = CASE WHEN state = 'delivered' THEN state ELSE ? END, status = ?, lease_until = 0,
			delivered_at = CASE WHEN delivered_at = 0 THEN ? ELSE delivered_at END WHERE id = ?`, state, status, when, id)
		return err
	})
}

// Callback implements dms.Store.
func (s *Store) Callback(ctx context.Context, id string) (routing.Callback, error) {
	var r callbackRow
	err := s.get(ctx, &r, callbackQuery+` WHERE c.id = ?`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return routing.Callback{}, routing.ErrNotFound
	}
	if err != nil {
		return routing.Callback{}, fmt.Errorf("read callback: %w", err)
	}
	return s.callback(r)
}

// Callbacks implements dms.Store.
func (s *Store) Callbacks(ctx context.Context, sc auth.Scope, onlyWaiting bool, before string, limit int) ([]routing.Callback, error) {
	var w where
	w.scope("d.unit_id", sc)
	if onlyWaiting {
		w.and("c.state = 'waiting'")
	}
	if before != "" {
		w.and("c.id < ?", before) // ids are in order of time
	}
	var rows []callbackRow
	if err := s.sel(ctx, &rows, callbackQuery+w.String()+` ORDER BY c.id DESC LIMIT ?`, append(w.args, limit)...); err != nil {
		return nil, fmt.Errorf("list callbacks: %w", err)
	}
	out := make([]routing.Callback, len(rows))
	for i, r := range rows {
		c, err := s.callback(r)
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

// ResendCallback implements dms.Store.
func (s *Store) ResendCallback(ctx context.Context, id string, ev audit.Event) error {
	return s.tx(ctx, func(t *tx) error {
		if err := t.audit(ev); err != nil {
			return err
		}
		return t.enqueue(routing.ResendArgs{CallbackID: id})
	})
}
