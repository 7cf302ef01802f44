package profile

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/kyso-vn/kyso/pki"
)

// Normalize returns s with every value in Normalization Form C, which is how
// text from keyboards and other systems becomes a subject. It changes nothing
// else: what is refused stays refused.
func Normalize(s pki.Subject) pki.Subject {
	out := slices.Clone(s)
	for i := range out {
		out[i].Value = norm.NFC.String(out[i].Value)
	}
	return out
}

// Arrange returns the attributes of s in the order of the profile, leaving
// those the profile doesn't know at the end, where CheckSubject refuses them.
func (p *Profile) Arrange(s pki.Subject) pki.Subject {
	out := slices.Clone(s)
	slices.SortStableFunc(out, func(a, b pki.Attribute) int { return p.position(a.Type) - p.position(b.Type) })
	return out
}

// CheckSubject refuses, with the ErrSubject codes of package pki, a subject
// that is malformed, not in Normalization Form C, or not of this profile.
func (p *Profile) CheckSubject(s pki.Subject) error {
	if err := s.Check(); err != nil {
		return err
	}
	counts := make([]int, len(p.Subject))
	last := 0
	for _, a := range s {
		i := p.position(a.Type)
		if i == len(p.Subject) {
			return &pki.Error{Code: pki.ErrSubjectAttribute, Field: string(a.Type), Detail: "not in this profile"}
		}
		if i < last {
			return &pki.Error{Code: pki.ErrSubjectAttribute, Field: string(a.Type), Detail: "out of the profile's order"}
		}
		last = i
		counts[i]++
		if err := p.Subject[i].check(a); err != nil {
			return err
		}
	}
	for i, rule := range p.Subject {
		if rule.Required && counts[i] == 0 {
			return &pki.Error{Code: pki.ErrSubjectAttribute, Field: string(rule.Type), Detail: "missing"}
		}
		if !rule.Repeat && counts[i] > 1 {
			return &pki.Error{Code: pki.ErrSubjectAttribute, Field: string(rule.Type), Detail: "repeated"}
		}
	}
	return nil
}

// position returns the place of t in the profile's order, len(p.Subject) if
// it has none.
func (p *Profile) position(t pki.AttributeType) int {
	i := slices.IndexFunc(p.Subject, func(r SubjectRule) bool { return r.Type == t })
	if i < 0 {
		return len(p.Subject)
	}
	return i
}

func (r SubjectRule) check(a pki.Attribute) error {
	if !norm.NFC.IsNormalString(a.Value) {
		return &pki.Error{Code: pki.ErrSubjectNotNFC, Field: string(a.Type)}
	}
	if len(r.Values) > 0 && !slices.Contains(r.Values, a.Value) {
		return &pki.Error{Code: pki.ErrSubjectValue, Field: string(a.Type), Detail: "not among the profile's values"}
	}
	if a.Type == pki.UserID {
		prefix, _, _ := strings.Cut(a.Value, ":")
		if !slices.Contains(r.Prefixes, prefix) {
			return &pki.Error{Code: pki.ErrSubjectValue, Field: string(a.Type), Detail: "prefix not in this profile"}
		}
	}
	return nil
}
