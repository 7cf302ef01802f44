package routing

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// Notice is what the document system is told about a document. It holds ids, hashes, the
// state and links, and no personal data.
type Notice struct {
	ID          string // of the event, the same in every try
	URL         string // where it goes; empty when the client has no address
	Event       string // document.accepted, document.initialled, …
	DocumentID  string
	ExternalID  string
	State       State
	Revision    int
	SHA256      []byte
	Level       string
	TimePending bool
	At          time.Time
}

// Body returns the JSON that is sent as the nth event of the document.
func (n Notice) Body(seq int) ([]byte, error) {
	base := "/api/v1/documents/" + n.DocumentID
	b, err := json.Marshal(map[string]any{
		"id": n.ID, "event": n.Event, "sequence": seq, "at": n.At.In(hanoi).Format(time.RFC3339),
		"document": map[string]any{
			"id": n.DocumentID, "external_id": n.ExternalID, "state": n.State, "revision": n.Revision,
			"sha256": hex.EncodeToString(n.SHA256), "level": n.Level, "timestamp_pending": n.TimePending,
		},
		"links": map[string]string{
			"document": base, "content": base + "/content", "evidence": base + "/evidence", "report": base + "/report",
		},
	})
	if err != nil {
		return nil, fmt.Errorf("encode a notice: %w", err)
	}
	return b, nil
}

// notice makes the notice of an event of d, whose newest bytes are rev.
func (s *Service) notice(d Document, event string, state State, rev Revision) Notice {
	return Notice{ID: uuid.Must(uuid.NewV7()).String(), URL: d.CallbackURL, Event: event, DocumentID: d.ID, ExternalID: d.ExternalID,
		State: state, Revision: rev.N, SHA256: rev.SHA256, Level: d.Level, TimePending: d.TimestampPending, At: s.o.Now()}
}

func (d Document) newest() Revision {
	for _, r := range d.Revisions {
		if r.N == d.Revision {
			return r
		}
	}
	return Revision{}
}

// ErrBusy says that somebody else holds the lease of a document's callbacks.
var ErrBusy = errors.New("somebody else is sending the document's callbacks")

// Callback is a queued notice.
type Callback struct {
	ID, DocumentID, ClientID, UnitID string
	N                                int // order within the document, from 1
	Event, URL                       string
	Body                             []byte
	Key                              []byte // of the HMAC; empty when the client has none
	Delivered                        bool
	Tries                            int
	Status                           int // HTTP status of the last try, 0 when none came
	CreatedAt, TriedAt, DeliveredAt  time.Time
}
