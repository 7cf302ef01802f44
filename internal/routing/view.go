package routing

import (
	"io"
	"time"
)

// View is a document as its readers see it.
type View struct {
	ID         string   `json:"id"`
	ExternalID string   `json:"external_id"`
	UnitID     string   `json:"unit_id"`
	State      State    `json:"state"`
	Metadata   Metadata `json:"metadata"`
	Pages      int      `json:"pages"`
	// Step is whose turn it is, 0 when nobody's.
	Step        int              `json:"step"`
	Steps       []StepView       `json:"steps"`
	Attachments []AttachmentView `json:"attachments"`
	Revisions   []RevisionView   `json:"revisions"`
	// Revision, SHA256 (hex) and Size are of the newest bytes.
	Revision int    `json:"revision"`
	SHA256   string `json:"sha256"`
	Size     int64  `json:"size"`
	// Level is the PAdES level of the last signature: "", "B-B", "B-T", "B-LT".
	Level string `json:"level"`
	// TimestampPending says that a signature still waits for its time-stamp.
	TimestampPending bool      `json:"timestamp_pending"`
	Reason           string    `json:"reason,omitempty"`
	ReasonCode       string    `json:"reason_code,omitempty"`
	Deadline         time.Time `json:"deadline,omitzero"`
	Overdue          bool      `json:"overdue"`
	AcceptedAt       time.Time `json:"accepted_at"`
	UpdatedAt        time.Time `json:"updated_at"`
	// Viewed says whether the actor has looked at the newest revision.
	Viewed bool `json:"viewed"`
	// May lists what the actor may do now: initial, sign, seal, copy, refuse, return,
	// withdraw.
	May []string `json:"may"`
}

// StepView is one step.
type StepView struct {
	N        int       `json:"n"`
	Kind     StepKind  `json:"kind"`
	State    StepState `json:"state"`
	UnitID   string    `json:"unit_id"`
	Signer   string    `json:"signer,omitempty"` // the name on the page, or of the account
	Capacity string    `json:"capacity,omitempty"`
	Post     string    `json:"post,omitempty"`
	// Page and the rectangle, as a part of the page's width and height from its top left
	// corner as a reader sees it, say where the signature goes; Page is 0 when nowhere.
	Page    int        `json:"page"`
	Box     [4]float64 `json:"box"` // left, top, width, height; 0 to 1
	ActedAt time.Time  `json:"acted_at,omitzero"`
}

// RevisionView is one state of the bytes.
type RevisionView struct {
	N      int       `json:"n"`
	Kind   string    `json:"kind"` // submitted, prepared, signed, raised
	SHA256 string    `json:"sha256"`
	Size   int64     `json:"size"`
	At     time.Time `json:"at"`
}

// AttachmentView is one attachment.
type AttachmentView struct {
	N         int    `json:"n"`
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	SameFile  bool   `json:"same_file"`
	// Size and SHA256 (hex) are of the newest bytes: the signed ones once there are some.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
	// Level is the PAdES level of the organisation's signature: "" without one, "B-B", "B-T",
	// "B-LT". Only a PDF of its own gets one, with the seal.
	Level string `json:"level,omitempty"`
}

// Item is a line of the inbox.
type Item struct {
	ID        string    `json:"id"`
	State     State     `json:"state"`
	Subject   string    `json:"subject"`
	Number    string    `json:"number,omitempty"`
	Origin    string    `json:"origin,omitempty"`
	Type      string    `json:"type,omitempty"`
	Urgency   Urgency   `json:"urgency"`
	UnitID    string    `json:"unit_id"`
	Step      int       `json:"step"`
	Kind      StepKind  `json:"kind,omitempty"` // of the current step
	Act       Act       `json:"act,omitempty"`  // what the actor may do to it now
	Pages     int       `json:"pages"`
	Deadline  time.Time `json:"deadline,omitzero"`
	Overdue   bool      `json:"overdue"`
	Viewed    bool      `json:"viewed"`
	UpdatedAt time.Time `json:"updated_at"`
	// TimestampPending as in View.
	TimestampPending bool `json:"timestamp_pending"`
}

// Box chooses a list.
type Box string

// The lists. BoxTodo is what waits for the actor, BoxDone what the actor has signed,
// BoxUnit everything of the units (for system clients and auditors).
const (
	BoxTodo Box = "todo"
	BoxDone Box = "done"
	BoxUnit Box = "unit"
)

// Filter narrows a list. The zero value is the whole inbox.
type Filter struct {
	Box     Box // zero: BoxTodo for people, BoxUnit for clients and auditors
	State   State
	Urgency Urgency
	// Text are whole words of subject, number, notation, origin or external id; case and
	// accents do not matter.
	Text   string
	Cursor string // from the page before
	Limit  int    // zero means 20, at most 100
}

// Page is a part of a list.
type Page struct {
	Items []Item `json:"items"`
	Next  string `json:"next,omitempty"` // cursor; empty on the last page
}

// Content is a document's or an attachment's bytes. Close it.
type Content struct {
	io.ReaderAt
	io.Closer
	Size      int64
	SHA256    string // hex
	Name      string // for Content-Disposition; never a path
	MediaType string
	Revision  int
}

// PrepareRequest asks for a confirmation page.
type PrepareRequest struct {
	Act       Act
	Documents []string
	// CredentialID may stay empty when the actor has exactly one that fits.
	CredentialID string
	// Seal gives number and date for each document of ActSeal, by document id.
	Seal map[string]SealInput
}

// SealInput is what the clerk gives a document.
type SealInput struct {
	// Number is number and notation as printed: 123/QĐ-UBND. Empty when the document
	// system gave both.
	Number string `json:"number"`
	// Date is the day of issue, YYYY-MM-DD; empty means today in Hanoi.
	Date string `json:"date"`
}

// Confirmation is exactly what will be signed.
type Confirmation struct {
	BatchID      string         `json:"batch_id"`
	Act          Act            `json:"act"`
	CredentialID string         `json:"credential_id"`
	Signer       string         `json:"signer"`     // the certificate's CN
	Issuer       string         `json:"issuer"`     // its issuer's CN
	Serial       string         `json:"serial"`     // hex
	ValidTo      time.Time      `json:"valid_to"`   // of the certificate
	NeedsPIN     bool           `json:"needs_pin"`  // false for a seal: opened by role
	Documents    []ConfirmEntry `json:"documents"`  // in the order of the hashes
	NotViewed    int            `json:"not_viewed"` // how many of them were not looked at
	PreparedAt   time.Time      `json:"prepared_at"`
}

// ConfirmEntry is one document of a Confirmation.
type ConfirmEntry struct {
	DocumentID string `json:"document_id"`
	Subject    string `json:"subject"`
	Pages      int    `json:"pages"`
	Step       int    `json:"step"`
	Capacity   string `json:"capacity,omitempty"`
	Viewed     bool   `json:"viewed"`
	Number     string `json:"number,omitempty"`
	Date       string `json:"date,omitempty"`
	// Check is mã kiểm tra, first and last four hex digits of CheckFull, the digest of
	// the document's bytes that the signature covers.
	Check     string `json:"check"`
	CheckFull string `json:"check_full"`
	// Hash is what the key signs, in hex.
	Hash     string   `json:"hash"`
	Warnings []string `json:"warnings,omitempty"`
	// Attachments are signed along with the document; their hashes follow its own.
	Attachments []AttachmentEntry `json:"attachments,omitempty"`
}

// AttachmentEntry is an attachment that a seal signs; its fields are as in ConfirmEntry.
type AttachmentEntry struct {
	N         int    `json:"n"`
	Name      string `json:"name"`
	Check     string `json:"check"`
	CheckFull string `json:"check_full"`
	Hash      string `json:"hash"`
}

// SignRequest spends a SAD.
type SignRequest struct {
	SAD string
	// Documents, when given, must be those of the batch that was authorised.
	Documents []string
}

// BatchResult tells how a batch goes on. Done is false while the jobs still work.
type BatchResult struct {
	BatchID   string           `json:"batch_id"`
	Act       Act              `json:"act"`
	State     string           `json:"state"` // prepared, signing, released, failed
	Done      bool             `json:"done"`
	Documents []DocumentResult `json:"documents"`
}

// DocumentResult is one document of a batch.
type DocumentResult struct {
	DocumentID string `json:"document_id"`
	Subject    string `json:"subject"`
	// Signing is prepared, released (the value exists, the file is being written),
	// finished or failed.
	Signing          string `json:"signing"`
	State            State  `json:"state"`
	Revision         int    `json:"revision"`
	SHA256           string `json:"sha256"`
	Level            string `json:"level"`
	TimestampPending bool   `json:"timestamp_pending"`
	ReasonCode       string `json:"reason_code,omitempty"`
}
