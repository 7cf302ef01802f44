package appearance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxSpecBytes bounds the JSON of a Spec.
const MaxSpecBytes = 64 << 10

// A Kind is a row of the table in Decree 30/2020/NĐ-CP, Annex I.
type Kind string

// The kinds of appearance.
const (
	KindLeader  Kind = "leader"  // picture of the handwritten signature
	KindSeal    Kind = "seal"    // picture of the agency's seal, in real size
	KindText    Kind = "text"    // number and time, on an attachment's first page
	KindCopy    Kind = "copy"    // form of copy, agency and time, on the first page
	KindInitial Kind = "initial" // small picture of an initial (ký nháy), or nothing
	KindNone    Kind = "none"    // an invisible signature
)

// A Spec says how one signature looks, as `kyso pdf sign --appearance` reads
// it from a file of JSON:
//
//	{"kind": "leader", "image": "ky.png",
//	 "anchor": {"post": "CHỦ TỊCH", "name": "Nguyễn Văn An"}}
//	{"kind": "seal", "image": "dau.png", "diameter_mm": 36, "over": "Signature1"}
//	{"kind": "text", "number": "12/QĐ-UBND"}
//	{"kind": "copy", "copy": "SAO Y", "agency": "Sở Khoa học và Công nghệ"}
//	{"kind": "initial", "image": "nhay.png", "anchor": {"end": true}}
//	{"kind": "none"}
//
// Which members a kind takes stands beside them; others are refused, and so
// are unknown and repeated ones.
type Spec struct {
	Kind Kind `json:"kind"`
	// Page is 1 for the first page and -1 for the last. Left out: the first
	// for text and copy, the last page with the anchor, else the last page, for
	// the others.
	Page int `json:"page,omitempty"`
	// Rect is [llx, lly, urx, ury] on the page as the reader sees it, from its
	// lower left corner: all kinds but none. Pictures keep their proportions in
	// it; a seal's must be its own square.
	Rect []float64 `json:"rect,omitempty"`
	// Unit is the unit of Rect: "pt" (the default) or "mm".
	Unit string `json:"unit,omitempty"`
	// Image names the picture, a PNG: leader, seal, initial.
	Image string `json:"image,omitempty"`
	// DiameterMM is the real size of a seal.
	DiameterMM float64 `json:"diameter_mm,omitempty"`
	// Over names the signature field whose picture a seal covers by a third.
	Over string `json:"over,omitempty"`
	// Number is number and notation of the document: text.
	Number string `json:"number,omitempty"`
	// Lines replace the usual ones: text, copy. A line "{time}" becomes the
	// time of signing.
	Lines []string `json:"lines,omitempty"`
	// Copy is the form of copy and Agency who copied: copy.
	Copy   string `json:"copy,omitempty"`
	Agency string `json:"agency,omitempty"`
	// Anchor places by the page's text: leader, initial.
	Anchor *AnchorSpec `json:"anchor,omitempty"`
}

// An AnchorSpec is what to look for in the page's text.
type AnchorSpec struct {
	Post string `json:"post,omitempty"` // the signer's post, as printed in capitals
	Name string `json:"name,omitempty"` // the signer's full name: leader
	End  bool   `json:"end,omitempty"`  // the mark ./. of the text's end: initial
}

// A SpecError says which member of a Spec is wrong and why.
type SpecError struct{ Member, Reason string }

func (e *SpecError) Error() string {
	if e.Member == "" {
		return "appearance: " + e.Reason
	}
	return fmt.Sprintf("appearance: member %q %s", e.Member, e.Reason)
}

// ParseSpec reads a Spec strictly: one JSON object, known members once each,
// and only those that its kind takes. Every refusal is a *SpecError.
func ParseSpec(data []byte) (*Spec, error) {
	if len(data) > MaxSpecBytes {
		return nil, &SpecError{"", fmt.Sprintf("more than %d bytes", MaxSpecBytes)}
	}
	if err := checkKeys(json.NewDecoder(bytes.NewReader(data)), 0); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var s Spec
	if err := dec.Decode(&s); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nil, &SpecError{wrong.Field, "has the wrong type"}
		}
		return nil, &SpecError{"", strings.TrimPrefix(err.Error(), "json: ")}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &SpecError{"", "something follows the JSON object"}
	}
	return &s, s.Check()
}

// checkKeys walks one JSON value and refuses repeated names and, since
// encoding/json would take them for ours, names in another case.
func checkKeys(dec *json.Decoder, depth int) error {
	const deepest = 4
	tok, err := dec.Token()
	if err != nil {
		return &SpecError{"", "not JSON"}
	}
	open, ok := tok.(json.Delim)
	if !ok {
		return nil
	}
	if depth > deepest {
		return &SpecError{"", "nested too deeply"}
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			tok, err := dec.Token()
			if err != nil {
				return &SpecError{"", "not JSON"}
			}
			key, _ := tok.(string)
			if seen[key] {
				return &SpecError{key, "is repeated"}
			}
			if key != strings.ToLower(key) {
				return &SpecError{key, "is unknown"}
			}
			seen[key] = true
		}
		if err := checkKeys(dec, depth+1); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return &SpecError{"", "not JSON"}
	}
	return nil
}

// Check reports, as a *SpecError, what in a Spec makes no sense whatever the
// document is.
func (s *Spec) Check() error {
	takes := map[Kind][]string{
		KindLeader:  {"image", "rect", "anchor"},
		KindSeal:    {"image", "rect", "diameter_mm", "over"},
		KindText:    {"rect", "number", "lines"},
		KindCopy:    {"rect", "copy", "agency", "lines"},
		KindInitial: {"image", "rect", "anchor"},
		KindNone:    {},
	}
	allowed, ok := takes[s.Kind]
	if !ok {
		return &SpecError{"kind", "is none of leader, seal, text, copy, initial, none"}
	}
	for _, m := range s.members() {
		if m.set && !slices.Contains(allowed, m.name) {
			return &SpecError{m.name, fmt.Sprintf("does not belong to kind %q", s.Kind)}
		}
	}
	if err := s.checkPlace(); err != nil {
		return err
	}
	return s.checkContent()
}

type member struct {
	name string
	set  bool
}

// members tells which of the members that depend on the kind are there.
func (s *Spec) members() []member {
	return []member{
		{"rect", s.Rect != nil}, {"image", s.Image != ""}, {"diameter_mm", s.DiameterMM != 0},
		{"over", s.Over != ""}, {"number", s.Number != ""}, {"lines", s.Lines != nil},
		{"copy", s.Copy != ""}, {"agency", s.Agency != ""}, {"anchor", s.Anchor != nil},
	}
}

func (s *Spec) checkPlace() error {
	const largest = 14400 // points: the largest page of ISO 32000-1, Annex C
	if s.Page < -1 {
		return &SpecError{"page", "is neither 1 or more nor -1"}
	}
	if s.Unit != "" && s.Unit != "pt" && s.Unit != "mm" {
		return &SpecError{"unit", `is neither "pt" nor "mm"`}
	}
	if s.Unit != "" && s.Rect == nil {
		return &SpecError{"unit", "needs a rect"}
	}
	if s.Rect != nil {
		if len(s.Rect) != 4 {
			return &SpecError{"rect", "has not four numbers"}
		}
		if r := Rect(s.Rect); r.Empty() || !r.finite() || r.Width() > largest || r.Height() > largest {
			return &SpecError{"rect", "has no area or is too large"}
		}
	}
	if a := s.Anchor; a != nil {
		switch {
		case s.Rect != nil:
			return &SpecError{"anchor", "and rect exclude each other"}
		case s.Kind == KindLeader && (a.Name == "" || a.End):
			return &SpecError{"anchor", "of a leader needs the name, and no end"}
		case s.Kind == KindInitial && (!a.End || a.Name != "" || a.Post != ""):
			return &SpecError{"anchor", "of an initial is the end alone"}
		}
	}
	return nil
}

func (s *Spec) checkContent() error {
	const largestMM = 100
	switch s.Kind {
	case KindLeader:
		if s.Image == "" {
			return &SpecError{"image", "is missing"}
		}
	case KindSeal:
		if s.Image == "" {
			return &SpecError{"image", "is missing"}
		}
		if !(s.DiameterMM > 0 && s.DiameterMM <= largestMM) {
			return &SpecError{"diameter_mm", "is not between 0 and 100"}
		}
	case KindText:
		if (s.Number == "") == (len(s.Lines) == 0) {
			return &SpecError{"number", "or lines: one of them is needed"}
		}
	case KindCopy:
		if len(s.Lines) > 0 && (s.Copy != "" || s.Agency != "") {
			return &SpecError{"lines", "and copy exclude each other"}
		}
		if len(s.Lines) > 0 {
			return nil
		}
		if _, err := ParseCopyForm(s.Copy); err != nil {
			return &SpecError{"copy", "is none of SAO Y, SAO LỤC, TRÍCH SAO"}
		}
		if strings.TrimSpace(s.Agency) == "" {
			return &SpecError{"agency", "is missing"}
		}
	case KindInitial:
		if s.Image == "" && (s.Rect != nil || s.Anchor != nil) {
			return &SpecError{"image", "is missing"}
		}
	}
	return nil
}
