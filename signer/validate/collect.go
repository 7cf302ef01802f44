package validate

import (
	"cmp"
	"crypto"
	"errors"
	"slices"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/pki/tsa"
	"github.com/kyso-vn/kyso/signer/pdf"
)

const (
	maxSignatures = 1000
	// maxSearched revisions are looked into for signatures that later ones dropped.
	maxSearched = 128
)

// candidate is one signature of the file on its way through the checks.
type candidate struct {
	v    *verifier
	sig  *Signature
	view *pdf.View // the newest revision whose form has it

	field *pdf.Field
	ref   pdf.Ref       // of the signature dictionary; zero when it is direct
	ind   *pdf.Indirect // holds the dictionary
	dict  *pdf.Dict

	byteRange [4]int64
	contents  pdf.Span // with the brackets
	end       int64    // behind the last signed byte; 0 when the ByteRange is no good
	revision  int      // that the signature signs; -1 when unknown
	der       []byte

	timestamp bool // a document time-stamp
	sd        *cms.SignedData
	token     *tsa.Token
	hash      crypto.Hash
	digest    []byte // of what the ByteRange covers
	result    *cms.Result
	stamped   *tsa.Verified
	rules     permissions
	// trusted says that a document time-stamp proves its time.
	trusted bool
	chain   *chainResult
	stamps  []*stamp
}

// failed reports whether the signature is broken beyond what certificates could mend.
func (c *candidate) failed() bool { return c.sig.Indication == Failed }

// place tells signatures apart: a dictionary in the file, and the field that holds it. A
// dictionary that two fields hold is found twice, and refused.
type place struct {
	offset, within int64
	ref            pdf.Ref
	field          string
}

// collect finds the signatures of all revisions, so that one dropped by a later revision is
// still judged, and found missing there.
func (v *verifier) collect() error {
	seen := map[place]bool{}
	revisions := len(v.r.Revisions())
	for n := revisions - 1; n >= 0; n-- {
		if n < revisions-1 && revisions > maxSearched {
			break
		}
		if err := v.ctx.Err(); err != nil {
			return err
		}
		view := v.r.At(n)
		if n == revisions-1 {
			view = v.last
		}
		fields, err := pdf.Fields(view)
		if err != nil {
			if n < revisions-1 {
				continue // judged by what the signed revisions say when they are compared
			}
			return err
		}
		if err := v.collectFrom(view, fields, seen); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) collectFrom(view *pdf.View, fields []*pdf.Field, seen map[place]bool) error {
	names := map[string]int{}
	for _, f := range fields {
		c, ok, err := v.candidateOf(view, f)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		p := place{offset: c.ind.Offset, ref: c.ref, field: f.Name}
		if c.dict != nil {
			p.within = c.dict.Span.Start
		}
		names[f.Name]++
		if seen[p] && names[f.Name] < 2 {
			continue
		}
		seen[p] = true
		if len(v.found) >= maxSignatures {
			return &pdf.Error{Reason: pdf.TooLarge, Detail: "too many signatures", Offset: -1}
		}
		v.found = append(v.found, c)
	}
	return nil
}

// candidateOf makes a candidate of a field that holds a signature, or what may be shown as one.
func (v *verifier) candidateOf(view *pdf.View, f *pdf.Field) (*candidate, bool, error) {
	value, err := view.Resolve(f.Value)
	if err != nil {
		return nil, false, err
	}
	d := pdf.DictOf(value)
	if value == nil || f.Type != "Sig" && (d == nil || !d.Has("ByteRange")) {
		return nil, false, nil
	}
	c := &candidate{v: v, view: view, field: f, dict: d, revision: -1, ind: &pdf.Indirect{Offset: -1, Start: -1}}
	c.sig = &Signature{Field: f.Name, Type: Approval, Indication: Passed, Coverage: Unclear, Modification: None, DocMDPOK: true, Reasons: []Reason{}}
	if ref, ok := f.Value.(pdf.Ref); ok {
		if c.ref, c.ind, err = follow(view, ref); err != nil {
			return nil, false, err
		}
	} else if f.Ref != (pdf.Ref{}) && f.Dict.Has("V") {
		if c.ind, err = view.Load(f.Ref); err != nil {
			return nil, false, err
		}
	}
	return c, true, nil
}

// follow loads the object that a chain of references leads to.
func follow(s pdf.Source, ref pdf.Ref) (pdf.Ref, *pdf.Indirect, error) {
	for range 32 {
		ind, err := s.Load(ref)
		if err != nil {
			return ref, nil, err
		}
		next, ok := ind.Value.(pdf.Ref)
		if !ok {
			return ref, ind, nil
		}
		ref = next
	}
	return ref, nil, &pdf.Error{Reason: pdf.Loop, Detail: "references lead to one another without end", Offset: -1, Err: errors.New(ref.String())}
}

// number finds the pages on which the signatures are shown, as the document is now.
func (v *verifier) number() error {
	byWidget := map[pdf.Ref]*candidate{}
	for _, c := range v.found {
		if len(c.field.Widgets) > 0 {
			byWidget[c.field.Widgets[0].Ref] = c
		}
	}
	for p, err := range pdf.Pages(v.last) {
		if err != nil {
			return err
		}
		if v.report.Pages++; v.report.Pages%256 == 0 && v.ctx.Err() != nil {
			return v.ctx.Err()
		}
		annots, err := pdf.ArrayAt(v.last, p.Dict.Get("Annots"))
		if err != nil {
			return err
		}
		for _, a := range annots {
			if ref, ok := a.(pdf.Ref); ok && byWidget[ref] != nil && byWidget[ref].sig.Page == 0 {
				byWidget[ref].sig.Page = p.Number
			}
		}
	}
	return nil
}

// order sorts the candidates by the end of what they sign.
func (v *verifier) order() {
	slices.SortStableFunc(v.found, func(a, b *candidate) int { return cmp.Compare(a.end, b.end) })
}
