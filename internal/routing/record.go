package routing

import (
	"context"
	"encoding/json"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/job"
	"github.com/kyso-vn/kyso/signer/appearance"
)

// Store keeps documents. Each method that changes something is one transaction, durable
// when it returns; its jobs exist exactly when it took effect.
type Store interface {
	RecordAudit(ctx context.Context, events ...audit.Event) error
	// SignerByLogin returns the person of an active account, or ErrSigner.
	SignerByLogin(ctx context.Context, login string) (personID, name string, err error)
	// CallbackURL returns the address a client registered, "" for none.
	CallbackURL(ctx context.Context, clientID string) (string, error)

	// FindDocument returns a client's document by its external id, or ErrNotFound.
	FindDocument(ctx context.Context, clientID, externalID string) (id string, contentHash []byte, err error)
	// InsertDocument stores a new document with its first step waiting. Of parallel calls
	// with one client and external id exactly one succeeds; the others get ErrExists.
	InsertDocument(ctx context.Context, d Document, c Change) error
	// Document returns a document with its steps, revisions and attachments, or ErrNotFound.
	Document(ctx context.Context, id string) (Document, error)
	// List returns documents without revisions and attachments, in order of SortKey.
	List(ctx context.Context, q Query) ([]Document, error)
	// MarkViewed records that an account has looked at a revision; Viewed tells for each
	// of the documents the revision an account has seen.
	MarkViewed(ctx context.Context, documentID, accountID string, revision int, at time.Time) error
	Viewed(ctx context.Context, accountID string, documentIDs []string) (map[string]int, error)
	// EndDocument moves a document from one of the states From to a final one. ErrState
	// when it is in another, ErrPrepareAgain when its step is not end.Step.
	EndDocument(ctx context.Context, e Ending, c Change) error

	// KnownBlobs tells which of the blobs belong to a document.
	KnownBlobs(ctx context.Context, ids []string) (map[string]bool, error)

	// Picture returns a picture, or ErrPicture.
	Picture(ctx context.Context, ownerID, kind string) (Picture, error)
	PutPicture(ctx context.Context, p Picture, at time.Time, ev audit.Event) error

	InsertBatch(ctx context.Context, b Batch, ev audit.Event) error
	// Batch and BatchBySAD return a batch with its signings, or ErrBatchUnknown.
	Batch(ctx context.Context, id string) (Batch, error)
	BatchBySAD(ctx context.Context, sadHash []byte) (Batch, error)
	// BindSAD ties a SAD to a prepared batch.
	BindSAD(ctx context.Context, batchID string, sadHash []byte) error
	// ClaimBatch moves a batch from prepared to signing if every document still has the
	// revision that was prepared and the step waits; ok is false when somebody else has
	// claimed it. ErrPrepareAgain when a document moved on.
	ClaimBatch(ctx context.Context, batchID string) (ok bool, err error)
	// FailBatch moves a claimed batch to failed.
	FailBatch(ctx context.Context, batchID string) error
	// Release records the signature values: the certificate's status is re-read under lock
	// (ErrRevoked when it is no longer good), every document goes from waiting to signing
	// at the revision that was prepared (else ErrPrepareAgain), and the numbers are given
	// (ErrNumberTaken when another document has one). All or nothing.
	Release(ctx context.Context, r Release) error
	// NumberTaken reports whether a document has the number.
	NumberTaken(ctx context.Context, n Number) (bool, error)
	// Signing returns one signing, or ErrNotFound.
	Signing(ctx context.Context, id string) (SigningRecord, error)
	// RecordStep records a finished signature once; ok is false when it was recorded before.
	RecordStep(ctx context.Context, d FinishedStep, c Change) (ok bool, err error)
	// RecordRaised adds a revision of a higher level if the document still has revision
	// From and no signature is being written; ok is false when it has not.
	RecordRaised(ctx context.Context, documentID string, from int, rev Revision, level string, c Change) (ok bool, err error)
	// RecordAttachment records a signed attachment once, or a raised one in place of From;
	// ok is false when it was recorded before, or From is not the newest.
	RecordAttachment(ctx context.Context, a SignedAttachment) (ok bool, err error)
	// RecordStamped records that nothing of a document waits for a time-stamp any more, once.
	RecordStamped(ctx context.Context, documentID string, c Change) error
	// FailSigning gives a released signature up and moves the document to Failed; its number
	// is free again.
	FailSigning(ctx context.Context, signingID, code string, c Change) error
}

// Change is what comes along with a fact.
type Change struct {
	At     time.Time
	Event  audit.Event
	Counts []Count
	Notice Notice // zero: the document system is told nothing
	Jobs   []job.Args
}

// Count adds one to a unit's counter of a day.
type Count struct {
	Day, UnitID, Event string
}

// Document is a document as it is stored.
type Document struct {
	ID, UnitID, ClientID, ExternalID string
	ContentHash                      []byte
	Metadata                         Metadata
	Plan                             Plan
	Words                            []string // of the metadata, folded; only when inserted
	Deadline                         time.Time
	CallbackURL                      string
	State                            State
	Step, Revision, Pages            int
	Level                            string
	TimestampPending                 bool
	Reason, ReasonCode, EndKey       string
	SortKey                          string
	CreatedAt, UpdatedAt             time.Time
	Steps                            []Step
	Revisions                        []Revision
	Attachments                      []StoredAttachment
}

// Plan is where every signature goes.
type Plan struct {
	Steps []PlannedStep `json:"steps"`
	// Number and Date are the names of the text fields, "" when there is none.
	Number string `json:"number,omitempty"`
	Date   string `json:"date,omitempty"`
	// Label and Place are written in front of them where the page prints neither; Notation
	// is what the page prints behind the number.
	Label    string `json:"label,omitempty"`
	Place    string `json:"place,omitempty"`
	Notation string `json:"notation,omitempty"`
}

// PlannedStep is a step with its place.
type PlannedStep struct {
	StepSpec
	Field    string          `json:"field"`
	Page     int             `json:"page"`
	PageInfo appearance.Page `json:"page_info"`
	// Rect is the field's, Picture that of the drawn signature in it, in user space.
	Rect    appearance.Rect `json:"rect"`
	Picture appearance.Rect `json:"picture,omitzero"`
	// SignerName is the account's name when Signer was given.
	SignerName string `json:"signer_name,omitempty"`
}

// Step is the moving part of a step.
type Step struct {
	N        int
	Kind     StepKind
	State    StepState
	UnitID   string
	PersonID string // "" for whoever holds the role
	ActedBy  string
	ActedAt  time.Time
}

// Revision is one state of a document's bytes.
type Revision struct {
	N      int
	Kind   string
	BlobID string
	Size   int64
	SHA256 []byte
	At     time.Time
}

// Kinds of revision.
const (
	RevisionSubmitted = "submitted"
	RevisionPrepared  = "prepared"
	RevisionSigned    = "signed"
	RevisionRaised    = "raised"
)

// StoredAttachment is an attachment with its bytes' place.
type StoredAttachment struct {
	Attachment
	N      int
	BlobID string
	Size   int64
	SHA256 []byte
	// Signable says that it is a PDF of its own, signed with the seal. The other fields are
	// empty until then; Level is the PAdES level.
	Signable     bool
	SignedBlobID string
	SignedField  string
	SignedSize   int64
	SignedSHA256 []byte
	Level        string
}

// SignedAttachment is an attachment with a new signature, or one that was raised.
type SignedAttachment struct {
	SigningID  string // of a new signature
	From       string // the blob that was raised
	DocumentID string
	N          int
	Field      string
	Blob       blob.Ref
	Level      string
	At         time.Time
}

// Query chooses documents for a list.
type Query struct {
	// Waiting: steps that wait for PersonID, or for no person in particular and of one of
	// Roles. Done: steps that PersonID acted in. Neither: documents of Scope.
	Waiting, Done bool
	PersonID      string
	Roles         []RoleScope
	// Units limits to units, AllUnits lifts the limit; ClientID limits to one client's.
	Units    []string
	AllUnits bool
	ClientID string
	State    State
	Urgency  int // -1: any
	Words    []string
	After    string // SortKey
	Limit    int
}

// RoleScope are the steps somebody may take by a role.
type RoleScope struct {
	Kind  StepKind
	Units []string
	All   bool
}

// Ending moves a document to a final state.
type Ending struct {
	DocumentID string
	Step       int // the step it ends at; 0 for any
	From       []State
	To         State
	Reason     string
	EndKey     string
	PersonID   string // who ended it; "" for a client or the clock
}

// Picture is a handwritten signature's or a seal's.
type Picture struct {
	OwnerID    string
	Kind       string
	PNG        []byte
	DiameterMM float64
}

// Kinds of picture.
const (
	PictureSignature = "signature"
	PictureInitial   = "initial"
	PictureSeal      = "seal"
)

// Batch is what one confirmation page shows.
type Batch struct {
	ID, AccountID, PersonID, ActorName string
	Act                                Act
	CredentialID, CertificateID        string
	State                              string
	CreatedAt, ReleasedAt              time.Time
	Signings                           []SigningRecord
}

// States of a batch and of a signing.
const (
	BatchPrepared = "prepared"
	BatchSigning  = "signing"
	BatchReleased = "released"
	BatchFailed   = "failed"

	SigningPrepared = "prepared"
	SigningReleased = "released"
	SigningFinished = "finished"
	SigningFailed   = "failed"
)

// SigningRecord is one signature on its way.
type SigningRecord struct {
	ID, BatchID    string
	N              int
	DocumentID     string
	Step, Revision int
	Attachment     int // 0 is the document itself
	State          string
	Hash, Digest   []byte
	Prepared       SignState // empty once finished
	Value          []byte
	CreatedAt      time.Time
	// Who acts, from the batch.
	PersonID, AccountID, ActorName string
}

// SignState is what finishing needs.
type SignState struct {
	Engine json.RawMessage `json:"engine"`
	Field  string          `json:"field"`
	// Number and Date as given with a seal.
	Number string `json:"number,omitempty"`
	Date   string `json:"date,omitempty"`
	// Entry is the line of the confirmation page.
	Entry ConfirmEntry `json:"entry"`
}

// Release records signature values.
type Release struct {
	BatchID       string
	CertificateID string
	At            time.Time
	Values        [][]byte // in the order of the signings
	Numbers       []Number // as Values; zero where none is given
	Event         audit.Event
	Jobs          []job.Args
}

// Number is what no two documents have: a number of a unit in a year under a notation.
type Number struct {
	UnitID   string
	Year     string // 2026
	Notation string // in capitals
	Number   string // without leading zeros, in capitals
}

// FinishedStep is a finished signature.
type FinishedStep struct {
	SigningID        string
	DocumentID       string
	Step             int
	Next             int // the next step, 0 when there is none
	State            State
	Revision         Revision
	Level            string
	TimestampPending bool
	Metadata         Metadata
	PersonID         string
}
