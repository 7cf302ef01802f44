package issuance

import (
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
)

// State is where an application stands.
type State string

// The states. Failed means that issuing broke off after the HSM may have signed; that serial
// is revoked, and the application can be issued again.
const (
	Draft     State = "draft"
	Submitted State = "submitted" // waits for a second person
	Approved  State = "approved"  // to be issued
	Issued    State = "issued"
	Rejected  State = "rejected"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Event says why a certificate is issued.
type Event string

// The events: cấp mới, gia hạn, cấp lại, thay đổi.
const (
	New     Event = "new"
	Renewal Event = "renewal"
	Reissue Event = "reissue"
	Change  Event = "change"
)

// Application is what is stored of an application.
type Application struct {
	Number                           int64
	ID, OpKey                        string
	Event                            Event
	Kind                             pki.Kind
	UnitID, PointID, DeskID          string
	State                            State
	SubjectID, PersonID, Name, Claim string
	NeedsApproval, Test              bool
	Form                             Form
	RequestedBy, RequestedPerson     string
	RequestedAt                      time.Time
	DecidedBy, DecidedPerson         string
	DecidedAt                        time.Time
	Decision                         string
	Replaces, CertificateID          string
	UpdatedAt                        time.Time
}

// ClaimOf returns the key that lets one holder have one application or certificate: a
// citizen one in the city, an officer one in each unit, a unit one seal.
func ClaimOf(kind pki.Kind, subjectID, unitID string) string {
	claim := string(kind) + ":" + subjectID
	if kind == pki.Officer {
		claim += ":" + unitID
	}
	return claim
}

// Submission is an application on its way into the store.
type Submission struct {
	Application Application
	// Person is who gets the certificate; nil for a seal.
	Person *Person
	// Quota bounds the unit's applications of Day; 0 is no bound.
	Quota  int
	Day    unit.Day
	Events []audit.Event
}

// Person is a human being, once in the store, found by the identity number.
type Person struct {
	ID       string
	Identity string
	Profile  PersonProfile
}

// PersonProfile is what is kept of a person beside the identity number.
type PersonProfile struct {
	Name      string `json:"name"`
	BirthDate string `json:"birth_date,omitempty"`
	Sex       string `json:"sex,omitempty"`
	Address   string `json:"address,omitempty"`
	Phone     string `json:"phone,omitempty"`
	Mail      string `json:"mail,omitempty"`
}

// Decision is what a second person says about an application.
type Decision struct {
	ApplicationID string
	To            State // Approved or Rejected; Cancelled by the requester
	By, Person    string
	Reason        string
	At            time.Time
	Event         audit.Event
}

// Reservation is the row of a certificate before anything is signed.
type Reservation struct {
	ID            string
	ApplicationID string
	CA            string
	Serial        pki.Serial
	Shard         int
	Profile       string
	Regime        pki.Regime
	At            time.Time
	// Before: a reservation made before this belongs to a dead process and is abandoned.
	Before time.Time
}

// DraftRecord fixes what will be signed.
type DraftRecord struct {
	CertificateID       string
	KeyName             string // of the CA
	TBS                 []byte
	TBSHash             [32]byte
	SPKIHash            [32]byte
	CredentialID        string
	NotBefore, NotAfter time.Time
	At                  time.Time
}

// IssuedRecord is a certificate that was signed.
type IssuedRecord struct {
	CertificateID string
	KeyName       string
	DER           []byte
	TBSHash       [32]byte
	// Active: needs no activation, as a seal.
	Active bool
	Notice *Notice
	At     time.Time
	Actor  string
	Event  audit.Event
}

// CertificateState tells what became of a reserved serial.
type CertificateState string

// See the table certificates.
const (
	StateReserved  CertificateState = "reserved"
	StateSigning   CertificateState = "signing"
	StateIssued    CertificateState = "issued"
	StateAbandoned CertificateState = "abandoned"
	StateLost      CertificateState = "lost"
)

// Status is a certificate's in the sense of OCSP; "" until it is issued.
type Status string

// The statuses.
const (
	Good    Status = "good"
	Hold    Status = "hold"
	Revoked Status = "revoked"
)

// Certificate is what is stored of a certificate.
type Certificate struct {
	Number                int64
	ID, ApplicationID     string
	CA, Serial            string
	Shard                 int
	State                 CertificateState
	Status                Status
	Reason                pki.Reason
	RevokedAt             time.Time // also of a hold
	InvalidAt             time.Time // invalidity date
	Event                 Event
	Kind                  pki.Kind
	Regime                pki.Regime
	Profile               string
	UnitID, PointID       string
	SubjectID, PersonID   string
	CredentialID          string
	Name                  string
	Counted               bool
	NotBefore, NotAfter   time.Time
	ReservedAt, SigningAt time.Time
	IssuedAt, ActivatedAt time.Time
}

// StatusChange asks for a new status.
type StatusChange struct {
	CertificateID string
	To            Status
	Reason        pki.Reason
	InvalidAt     time.Time
	At            time.Time
	Actor         string
	Event         audit.Event
}
