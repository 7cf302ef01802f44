package routing

import (
	"io"
	"slices"
	"time"
)

// Intake is what a document system hands over.
type Intake struct {
	// ExternalID is the document system's own id; with the client it names the document
	// once and for all.
	ExternalID string   `json:"external_id"`
	UnitID     string   `json:"unit_id"`
	Metadata   Metadata `json:"metadata"`
	// Steps are in order: initials, the leader, the seal.
	Steps []StepSpec `json:"steps"`
	// Number and Date place the text fields so_ky_hieu and ngay_ban_hanh where the file
	// has none. The zero value makes none.
	Number Placement `json:"number,omitzero"`
	Date   Placement `json:"date,omitzero"`
	// CallbackURL replaces the client's registered address.
	CallbackURL string `json:"callback_url,omitempty"`
	// Attachments describe what comes along, in the order of the files.
	Attachments []Attachment `json:"attachments,omitempty"`
}

// sealed reports whether the clerk gives number and seal at the end.
func (in Intake) sealed() bool {
	return slices.ContainsFunc(in.Steps, func(st StepSpec) bool { return st.Kind == Seal })
}

// Metadata are the words around a document. They may name people, so they are sealed.
type Metadata struct {
	AgencyCode string    `json:"agency_code,omitempty"` // H26.xx.yy or the older form
	Number     string    `json:"number,omitempty"`      // số; empty until the clerk gives it
	Notation   string    `json:"notation,omitempty"`    // ký hiệu: QĐ-UBND
	Subject    string    `json:"subject"`               // trích yếu
	Type       string    `json:"type,omitempty"`        // loại văn bản
	Origin     string    `json:"origin,omitempty"`      // nơi trình
	Place      string    `json:"place,omitempty"`       // địa danh, in front of the date; "" means Hà Nội
	Urgency    Urgency   `json:"urgency,omitempty"`
	Secrecy    string    `json:"secrecy,omitempty"` // "" or "thuong"; anything else is refused
	Deadline   time.Time `json:"deadline,omitzero"` // hạn ký
	// IssuedOn is the date the clerk gave, YYYY-MM-DD.
	IssuedOn string `json:"issued_on,omitempty"`
}

// StepSpec is a coming signature.
type StepSpec struct {
	Kind StepKind `json:"kind"`
	// Signer is the login of who signs; empty for anyone with the role in the unit.
	Signer string `json:"signer,omitempty"`
	// UnitID is whose signer or clerk it is; empty for the document's unit.
	UnitID string `json:"unit_id,omitempty"`
	// Capacity is TM., KT., TL., TUQ., Q. or empty; Post and Name stand on the page.
	Capacity string    `json:"capacity,omitempty"`
	Post     string    `json:"post,omitempty"`
	Name     string    `json:"name,omitempty"`
	Place    Placement `json:"place,omitzero"`
	// SealDiameterMM is used when no picture of the unit's seal is kept.
	SealDiameterMM float64 `json:"seal_diameter_mm,omitempty"`
	// CopyForm is SAO Y, SAO LỤC or TRÍCH SAO.
	CopyForm string `json:"copy_form,omitempty"`
}

// Placement says where something goes: a named field first, then an anchor text, then a
// rectangle. The zero value takes the usual place.
type Placement struct {
	Field  string `json:"field,omitempty"`
	Anchor string `json:"anchor,omitempty"` // text above the place, on the last page
	// Page counts from 1, -1 is the last. X and Y are the left and top edges in mm from the
	// top left corner of the page as a reader sees it.
	Page     int     `json:"page,omitempty"`
	XMM      float64 `json:"x_mm,omitempty"`
	YMM      float64 `json:"y_mm,omitempty"`
	WidthMM  float64 `json:"width_mm,omitempty"`
	HeightMM float64 `json:"height_mm,omitempty"`
}

func (p Placement) hasRect() bool { return p.Page != 0 && p.WidthMM > 0 && p.HeightMM > 0 }

// Attachment is a file that comes along; with SameFile it is part of the document's PDF
// and has no bytes of its own.
type Attachment struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type,omitempty"`
	SameFile  bool   `json:"same_file,omitempty"`
}

// Files are the bytes of an Intake: the document, and one reader for each attachment that
// is not SameFile.
type Files struct {
	Document    io.Reader
	Attachments []io.Reader
}

// The names of the template's text fields.
const (
	FieldNumber = "so_ky_hieu"
	FieldDate   = "ngay_ban_hanh"
	FieldLeader = "chu_ky_lanh_dao"
	FieldSeal   = "con_dau"
)
