package issuance

import (
	"encoding/base64"
	"strconv"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/pki"
)

// ApplicationView is an application as pages and the API show it; the identity number is
// masked.
type ApplicationView struct {
	ID string `json:"id"`
	// Number is the receipt's, six digits or more.
	Number         string      `json:"number"`
	State          State       `json:"state"`
	Event          Event       `json:"event"`
	Kind           pki.Kind    `json:"kind"`
	UnitID         string      `json:"unit_id"`
	PointID        string      `json:"point_id,omitempty"`
	DeskID         string      `json:"desk_id,omitempty"`
	Name           string      `json:"name"`
	Identity       string      `json:"identity,omitempty"` // masked
	BirthDate      string      `json:"birth_date,omitempty"`
	Title          string      `json:"title,omitempty"`
	ProofMethod    ProofMethod `json:"proof_method,omitempty"`
	ContractNumber string      `json:"contract_number,omitempty"`
	ConsentText    string      `json:"consent_text,omitempty"`
	ConsentAt      *time.Time  `json:"consent_at,omitempty"`
	NeedsApproval  bool        `json:"needs_approval"`
	Test           bool        `json:"test,omitempty"`
	RequestedBy    string      `json:"requested_by"`
	RequestedAt    time.Time   `json:"requested_at"`
	DecidedBy      string      `json:"decided_by,omitempty"`
	DecidedAt      *time.Time  `json:"decided_at,omitempty"`
	Decision       string      `json:"decision,omitempty"`
	Replaces       string      `json:"replaces,omitempty"`
	CertificateID  string      `json:"certificate_id,omitempty"`
	// Certificate is set where one application is shown and its certificate is issued.
	Certificate *CertificateView `json:"certificate,omitempty"`
}

func viewApplication(a Application) ApplicationView {
	v := ApplicationView{ID: a.ID, Number: pad(a.Number), State: a.State, Event: a.Event, Kind: a.Kind,
		UnitID: a.UnitID, PointID: a.PointID, DeskID: a.DeskID, Name: a.Name,
		Identity: Mask(a.Form.Identity), BirthDate: a.Form.BirthDate, Title: a.Form.Title,
		ProofMethod: a.Form.Proof.Method, ContractNumber: a.Form.Contract.Number, ConsentText: a.Form.Consent.Text,
		NeedsApproval: a.NeedsApproval, Test: a.Test, RequestedBy: a.RequestedBy, RequestedAt: a.RequestedAt,
		DecidedBy: a.DecidedBy, DecidedAt: some(a.DecidedAt), Decision: a.Decision, Replaces: a.Replaces, CertificateID: a.CertificateID}
	if at, err := time.Parse(time.RFC3339, a.Form.Consent.At); err == nil {
		v.ConsentAt = &at
	}
	return v
}

// CertificateView is a certificate as pages and the API show it.
type CertificateView struct {
	ID            string     `json:"id"`
	ApplicationID string     `json:"application_id,omitempty"`
	CA            string     `json:"ca"`
	Serial        string     `json:"serial"` // lower-case hexadecimal
	State         Shown      `json:"state"`
	Kind          pki.Kind   `json:"kind"`
	Regime        pki.Regime `json:"regime"`
	Event         Event      `json:"event"`
	UnitID        string     `json:"unit_id"`
	SubjectID     string     `json:"subject_id"`
	CredentialID  string     `json:"credential_id"`
	Name          string     `json:"name"`
	Test          bool       `json:"test,omitempty"`
	NotBefore     time.Time  `json:"not_before"`
	NotAfter      time.Time  `json:"not_after"`
	IssuedAt      time.Time  `json:"issued_at"`
	ActivatedAt   *time.Time `json:"activated_at,omitempty"`
	// Reason, RevokedAt and InvalidAt tell of a suspension or revocation.
	Reason    string     `json:"reason,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
	InvalidAt *time.Time `json:"invalid_at,omitempty"`
}

// Shown is a certificate's state in words of people.
type Shown string

// The states: chưa kích hoạt, còn hiệu lực, tạm dừng, thu hồi, hết hạn.
const (
	ShownIssued    Shown = "issued"
	ShownActive    Shown = "active"
	ShownSuspended Shown = "suspended"
	ShownRevoked   Shown = "revoked"
	ShownExpired   Shown = "expired"
)

func viewCertificate(c Certificate, now time.Time) CertificateView {
	v := CertificateView{ID: c.ID, ApplicationID: c.ApplicationID, CA: c.CA, Serial: c.Serial, State: c.shown(now),
		Kind: c.Kind, Regime: c.Regime, Event: c.Event, UnitID: c.UnitID, SubjectID: c.SubjectID, CredentialID: c.CredentialID,
		Name: c.Name, Test: !c.Counted, NotBefore: c.NotBefore, NotAfter: c.NotAfter, IssuedAt: c.IssuedAt,
		ActivatedAt: some(c.ActivatedAt), RevokedAt: some(c.RevokedAt), InvalidAt: some(c.InvalidAt)}
	if c.Status != Good {
		v.Reason = c.Reason.String()
	}
	return v
}

func (c Certificate) shown(now time.Time) Shown {
	switch {
	case c.Status == Revoked:
		return ShownRevoked
	case now.After(c.NotAfter):
		return ShownExpired
	case c.Status == Hold:
		return ShownSuspended
	case c.ActivatedAt.IsZero():
		return ShownIssued
	}
	return ShownActive
}

// Mask hides an identity number but for its first three and last two characters.
func Mask(number string) string {
	if len(number) < 8 {
		return ""
	}
	return number[:3] + "*******" + number[len(number)-2:]
}

func pad(n int64) string {
	s := strconv.FormatInt(n, 10)
	for len(s) < 6 {
		s = "0" + s
	}
	return s
}

func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// ApplicationQuery asks for applications, newest first.
type ApplicationQuery struct {
	// UnitID narrows the answer; "" takes all that the actor may see.
	UnitID string
	// States narrows it when not empty.
	States []State
	// RequestedBy is an actor's ID, "" for anybody's.
	RequestedBy string
	Cursor      string
	// Limit is 1 to 200; 0 is 50.
	Limit int

	scope  auth.Scope
	before int64
}

// Scope, Before and Most are for the store: where to look, below which number, how many.
func (q ApplicationQuery) Scope() auth.Scope { return q.scope }

// Before returns the number below which the page begins; 0 is from the top.
func (q ApplicationQuery) Before() int64 { return q.before }

// Page is a part of a list. Next is the cursor of the rest, "" at the end.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

const (
	defaultLimit = 50
	maxLimit     = 200
)

func limitOf(n int) int {
	if n <= 0 {
		return defaultLimit
	}
	return min(n, maxLimit)
}

// A cursor is the number of the last row shown, which never changes.
func cursorOf(n int64) string {
	return base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, n, 36))
}

func parseCursor(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return 0, ErrCursor
	}
	n, err := strconv.ParseInt(string(b), 36, 64)
	if err != nil || n <= 0 {
		return 0, ErrCursor
	}
	return n, nil
}

// paged turns limit+1 rows into a page.
func paged[R, T any](rows []R, limit int, number func(R) int64, view func(R) T) Page[T] {
	p := Page[T]{Items: make([]T, 0, min(limit, len(rows)))}
	for i, r := range rows {
		if i == limit {
			p.Next = cursorOf(number(rows[limit-1]))
			break
		}
		p.Items = append(p.Items, view(r))
	}
	return p
}
