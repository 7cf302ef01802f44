package issuance

import (
	"context"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/pki"
)

// Store is where the counter keeps its facts. Every method is one transaction, durable when
// it returns, and may be called at once from many processes.
type Store interface {
	ApplicationStore
	CertificateStore
	AuthorityStore
	RecordAudit(ctx context.Context, events ...audit.Event) error
}

// ApplicationStore keeps applications.
type ApplicationStore interface {
	// SaveDraft writes a draft: a new one when it has no Number, else it replaces the draft
	// of that ID. ErrState when it is a draft no more.
	SaveDraft(ctx context.Context, a Application, e audit.Event) (Application, error)
	// Submit records an application with person, claim and quota. When OpKey or the draft
	// was submitted before it changes nothing and returns what is there; fresh tells.
	// Refusals: ErrAlreadyCertified, ErrApplicationOpen, ErrQuota.
	Submit(ctx context.Context, s Submission) (a Application, fresh bool, err error)
	// Decide moves a submitted application; ErrState when it is not submitted (or, for
	// Cancelled, neither draft nor submitted), ErrSamePerson. A claim is given back.
	Decide(ctx context.Context, d Decision) (Application, error)
	// Application returns one, or auth.ErrNotFound.
	Application(ctx context.Context, id string) (Application, error)
	Applications(ctx context.Context, q ApplicationQuery) ([]Application, error)
	// Unfinished returns approved applications not touched since before, at most limit.
	Unfinished(ctx context.Context, before time.Time, limit int) ([]Application, error)
	// Notice returns a notice that was not sent yet.
	Notice(ctx context.Context, id string) (n Notice, ok bool, err error)
	// NoticeSent wipes a notice's body.
	NoticeSent(ctx context.Context, id string, at time.Time) error
}

// CertificateStore keeps certificates. Status, counters, CRL shard and ledger change in one
// transaction or not at all.
type CertificateStore interface {
	// Reserve makes the row of an approved or failed application. When a live row exists it
	// is returned instead, fresh false; a reservation older than r.Before is abandoned
	// first. errs of kind Conflict: ErrState; ErrSerialTaken asks for another serial.
	Reserve(ctx context.Context, r Reservation) (c Certificate, fresh bool, err error)
	// RecordDraft moves a reserved row to signing; ErrState when it is reserved no more,
	// ErrKeyUsed when the key was certified before.
	RecordDraft(ctx context.Context, r DraftRecord) error
	// RecordIssued moves a signing row to issued, with everything that follows; ErrState
	// when it is signing no more.
	RecordIssued(ctx context.Context, r IssuedRecord) error
	// Abandon gives up a reserved row; it does nothing to any other. The application becomes
	// failed when fail is set, else Unfinished finds it again later.
	Abandon(ctx context.Context, certificateID string, at time.Time, fail bool) error
	// Lose moves a signing row to lost and revoked, and its application to failed; done is
	// false when the row was signing no more.
	Lose(ctx context.Context, certificateID string, at time.Time, actor string, e audit.Event) (done bool, err error)
	// Stuck returns rows that have been signing since before.
	Stuck(ctx context.Context, before time.Time, limit int) ([]Certificate, error)
	// SetStatus changes the status of an issued certificate; ErrRevoked, ErrExpired and
	// ErrState refuse.
	SetStatus(ctx context.Context, c StatusChange) (Certificate, error)
	// RecordActivated notes that the owner has chosen a PIN; repeating it does nothing.
	RecordActivated(ctx context.Context, certificateID string, at time.Time, actor string, e audit.Event) error
	// Certificate returns one, or auth.ErrNotFound.
	Certificate(ctx context.Context, id string) (Certificate, error)
	Certificates(ctx context.Context, q CertificateQuery) ([]Certificate, error)
	// DER returns an issued certificate's bytes.
	DER(ctx context.Context, certificateID string) ([]byte, error)
}

// AuthorityStore keeps the CAs, what they may sign, and their CRLs.
type AuthorityStore interface {
	// InsertCA adds a CA with its CRL shards, all dirty; the same CA again changes nothing,
	// another under its name is ErrCAExists.
	InsertCA(ctx context.Context, c Authority, e audit.Event) error
	// RecordOwn stores a certificate of the PKI's own (a CA, a responder, a TSA) as issued
	// by c.CA, so that its status is known. Repeating it does nothing.
	RecordOwn(ctx context.Context, c Certificate, der []byte, e audit.Event) error
	// CAs returns every CA, oldest first.
	CAs(ctx context.Context) ([]Authority, error)
	// RecordTBS records that the CA key may sign the TBSCertificate or TBSCertList with
	// this hash; a hash that was signed before stays signed.
	RecordTBS(ctx context.Context, keyName string, hash [32]byte, at time.Time) error
	// TBSSigned marks the draft signed.
	TBSSigned(ctx context.Context, keyName string, hash [32]byte) error
	// Shards returns the CRL shards of ca; due ones only: dirty, or past half of their
	// validity at now; unless all.
	Shards(ctx context.Context, ca string, now time.Time, all bool) ([]Shard, error)
	// Entries returns what stands on the CRL of a shard: revoked and held certificates that
	// had not expired before since.
	Entries(ctx context.Context, ca string, shard int, since time.Time) ([]Entry, error)
	// StoreCRL keeps a CRL unless one with a higher number, or of more changes, is there.
	StoreCRL(ctx context.Context, s Shard, keyName string, tbsHash [32]byte) error
	// CRL returns the newest CRL, or auth.ErrNotFound.
	CRL(ctx context.Context, ca string, shard int) (Shard, error)
	// StatusOf returns the certificate of ca with the serial; ok is false when it was never
	// issued.
	StatusOf(ctx context.Context, ca, serial string) (c Certificate, ok bool, err error)
}

// Authority is a CA in the register.
type Authority struct {
	Name    string
	KeyName string
	// Parent is "" for a root.
	Parent string
	DER    []byte
	// Serves are the kinds of subject that the CA issues to.
	Serves []pki.Kind
	// Shards is over how many CRLs its certificates are spread; 0 is one whole CRL.
	Shards    int
	Active    bool
	CreatedAt time.Time
}

// Shard is the state of one CRL.
type Shard struct {
	CA                     string
	Shard                  int
	Changes, Built         int64
	Number                 string
	ThisUpdate, NextUpdate time.Time
	DER                    []byte
}

// Entry is a line of a CRL.
type Entry struct {
	Serial    string
	Reason    pki.Reason
	RevokedAt time.Time
	InvalidAt time.Time
}
